//! The timeline: lanes of marks and spans over one axis of time, cut into cells.
//!
//! Lanes are made from what is there now: a copy that was deleted leaves no mark, so a gap in the past says that no
//! copy from then is left, never that there was none. All times are UTC. Knows nothing of screens but how many cells
//! there are; marks that fall into one cell are counted, and the worst of them speaks. Text in it is untrusted.

mod axis;
mod lanes;

pub use axis::{Tick, TimeCell, Window};

use std::sync::Arc;

use jiff::Timestamp;

use super::{Boards, Level, OperationView};
use crate::model::{Key, Kind, World};

/// Whose lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of one object.
    Object(Key),
    /// The worst of everything, or of one namespace.
    Worst(Option<Arc<str>>),
    /// Those of all certificates that end or are to be renewed soon, or of those of one namespace.
    Certificates(Option<Arc<str>>),
}

/// A moment that something happened or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// What it is, in a sentence with its state in words.
    pub what: Box<str>,
    /// The object, where it is one; of several the first.
    pub object: Option<Key>,
    /// How many it stands for.
    pub count: usize,
}

/// A time in which something was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment at which it ends.
    pub to: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// What was so, in a sentence.
    pub what: Box<str>,
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What the cursor holds on to.
    pub key: Key,
    /// The object it is about, where it is one.
    pub object: Option<Key>,
    /// What it is called.
    pub name: Box<str>,
    /// How its subject stands now.
    pub level: Level,
    /// Moments, in order.
    pub marks: Vec<Mark>,
    /// Times, in order; they do not overlap.
    pub spans: Vec<Span>,
    /// What is to be said of the whole lane: what is wrong now, that something cannot be seen, or that there is nothing.
    pub note: Option<(Level, Box<str>)>,
}

/// All lanes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// From top to bottom.
    pub lanes: Vec<Lane>,
    /// The zoom that suits them, as a place in [`Window::ZOOMS`].
    pub zoom: usize,
    /// Whether they are about what is to come.
    pub ahead: bool,
}

/// Whether there are lanes for what a key stands for.
pub fn has_lanes(key: &Key) -> bool {
    use Kind as K;
    let kinds = [K::Pvc, K::Pv, K::VolumeSnapshot, K::DataUpload, K::PodVolumeBackup, K::TlsSecret, K::Certificate];
    matches!(key, Key::Object(kind, _) if kinds.contains(kind))
}

/// Whether a lane is that of all certificates.
pub fn is_of_certificates(lane: &Lane) -> bool {
    lanes::is_ends(&lane.key)
}

/// The lanes of an object, or of the worst objects; empty when the object is gone or has nothing to do with time.
pub fn timeline(world: &World, boards: &Boards, operations: &[OperationView], whose: &Whose, now: Timestamp) -> Chart {
    lanes::chart(&lanes::Source { world, boards, operations, now }, whose)
}

#[cfg(test)]
mod tests;
