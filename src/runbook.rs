//! Procedures: several plans over hours or days, with gates between them.
//!
//! Pure. A procedure remembers nothing: from what is seen now it says how far it has come and what comes next, so that
//! whoever asks, on whatever machine, is told the same, and no plan is ever older than the moment at which it is asked
//! for. It runs nothing itself.

pub mod book;
pub mod bulk;
pub mod ca;
pub mod evidence;
pub mod explain;
pub mod history;
pub mod manual;
pub mod params;
pub mod reviewed;
pub mod shipped;
pub mod timeline;
pub mod turn;
pub mod words;

use jiff::Timestamp;

use crate::plan::Request;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This can be planned now.
    Plan(Box<Request>),
    /// Nothing can be done here but wait.
    Wait {
        /// For what; safe to draw.
        what: Vec<String>,
        /// When time alone ends it.
        until: Option<Timestamp>,
    },
    /// Somebody has to answer for what cannot be seen from here.
    Ask {
        /// For what.
        what: String,
        /// Of which places; safe to draw.
        about: Vec<String>,
    },
    /// Nothing is left to do.
    Done(String),
    /// It cannot go on, or not begin.
    Refused {
        /// Why.
        why: String,
        /// What would clear it.
        clear: String,
    },
}
