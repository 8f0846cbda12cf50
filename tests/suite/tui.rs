//! Scripts of keys and clicks against the console without a terminal: what was done, what is on the screen, what has
//! to happen outside.

mod carry;
mod choosing;
mod colour;
mod driven;
mod findings;
mod form;
mod handing;
mod hostile;
mod keys;
mod logs;
mod mouse;
mod pictures;
mod read_only;
mod renew;
mod restore;
mod retain;
mod rotate;
mod rotation;
mod runs;
mod screens;
pub mod shop;
mod size;
mod table;
mod themes;
mod timeline;
mod tree;
mod triage;
mod vulnerable;
