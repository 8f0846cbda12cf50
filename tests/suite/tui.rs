//! Key scripts against the console without a terminal: what was pressed, what is on the screen, what has to happen
//! outside.

mod colour;
mod driven;
mod form;
mod hostile;
mod keys;
mod logs;
mod pictures;
mod screens;
pub mod shop;
mod table;
mod themes;
mod timeline;
mod tree;
