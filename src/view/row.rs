//! One line of a listing: what it stands for, how it is judged and why.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Cell, Level};
use crate::model::{Freshness, Key, ObjRef, Uid};

/// One line of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it stands for; selections hold this.
    pub key: Key,
    /// Kind, namespace and name.
    pub object: ObjRef,
    /// The object's UID.
    pub uid: Uid,
    /// How bad its state is.
    pub level: Level,
    /// The state's word.
    pub state: &'static str,
    /// Why it is so, the most important first.
    pub reasons: Box<[Arc<str>]>,
    /// One value per column of its pane.
    pub cells: Box<[Cell]>,
    /// What to do about it, where there is something.
    pub next: Option<Arc<str>>,
    /// When time alone may change the judgement.
    pub valid_until: Option<Timestamp>,
    /// What this console can do about it, where there is something.
    pub remedy: Option<Remedy>,
}

/// What this console can do about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Back the volume up.
    Backup,
    /// Take up the operation where its journal ends.
    Resume,
    /// Look at how far the rotation of the CA has come, and go on with it.
    Rotation,
}

impl Row {
    /// Whether something that is on the screen became different. A new measurement of used space that changes no
    /// alarm is not news: it comes for all volumes at once, every half minute.
    pub fn differs(&self, before: &Self) -> bool {
        let news = |(new, old): (&Cell, &Cell)| match (new, old) {
            (Cell::Used { level, .. }, Cell::Used { level: old, .. }) => level != old,
            (Cell::Used { .. }, Cell::Unknown) | (Cell::Unknown, Cell::Used { .. }) => false,
            (new, old) => new != old,
        };
        self.cells.len() != before.cells.len() || self.cells.iter().zip(&before.cells).any(news)
    }
}

/// A level and word as they may be shown while their kind is this fresh.
pub fn shown(level: Level, word: &'static str, freshness: &Freshness) -> (Level, &'static str) {
    match (freshness, level) {
        (Freshness::Stale { .. }, Level::Ok | Level::Info) => (level.when_stale(), was(word)),
        _ => (level, word),
    }
}

/// What a good word becomes when it was true of facts that are no longer live.
fn was(word: &'static str) -> &'static str {
    match word {
        "Ok" => "was Ok",
        "Ready" => "was Ready",
        "Valid" => "was Valid",
        _ => word,
    }
}
