//! Lists of the console as a run sees them.

use crate::runbook::book::Among;

/// Who looks through the lists of the console. What shows them stands above this floor, so it is asked through this.
pub trait Sight {
    /// The rows of a list that match a filter.
    ///
    /// # Errors
    /// When that cannot be judged: not all of the list is seen live, or the filter cannot be read.
    fn look(&self, among: Among, filter: &str) -> Result<Seen, Looked>;
}

/// Why rows cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Not all of it is seen; it may be later.
    Unseen(String),
    /// What is asked cannot be understood.
    Wrong(String),
}

/// Rows that match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many.
    pub count: usize,
    /// The first of them, in the order of the list.
    pub rows: Vec<Spotted>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spotted {
    /// `NAMESPACE/NAME` of its object; of a finding its identity.
    pub path: String,
    /// What the row says, for people; safe to draw.
    pub says: String,
    /// The same for whoever reads it later: with times in the place of ages.
    pub told: String,
}
