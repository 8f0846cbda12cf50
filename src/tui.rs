//! The console: state, update, effects. The only user of ratatui.
//!
//! [`App::handle`] takes what happened and returns what has to happen outside; [`draw`] shows the state and
//! changes nothing. Neither knows a terminal or waits for anything, so tests press keys and read screens.

mod action;
mod app;
mod bell;
mod draw;
mod driver;
mod form;
mod fuzzy;
mod keymap;
mod keys;
mod layer;
mod layout;
mod logs;
mod lookout;
mod mouse;
mod pages;
mod palette;
mod panes;
mod rotation;
mod runs;
mod spots;
pub mod svg;
mod terminal;
mod theme;
mod timeline;
mod tree;

pub use action::{ACTIONS, Action, ActionId, Argument, Availability, Risk};
pub use app::{App, Contexts, Effect, Input, Value};
pub use draw::draw;
pub use driver::run;
pub use form::{FileText, Form, Purpose, Said, Unseen};
pub use keymap::{Binding, Keymap};
pub use keys::{Chord, KeyError};
pub use layer::{Cursor, DetailLayer, Layer, Naming, Offer, Picker, Place};
pub use layout::LEAST;
pub use mouse::{Gesture, Mouse};
pub use palette::{Listed, Palette};
pub use rotation::RotationLayer;
pub use runs::{RunEffect, RunInput, RunLayer};
pub use spots::{Spot, Spots};
pub use terminal::ConsoleError;
pub use theme::{Depth, Meaning, Theme, ThemeError, Themes};
pub use timeline::TimelineLayer;
pub use tree::TreeLayer;

/// The entry of a menu that a letter stands for.
fn menu_letter(entries: &[(ActionId, Availability)], chord: Chord) -> Option<ActionId> {
    entries.iter().map(|(id, _)| *id).find(|id| Action::of(*id).menu.map(Chord::letter) == Some(chord))
}
