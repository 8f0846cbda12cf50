//! The filter language: one for panes, the list of problems and the command line.
//!
//! All terms must hold; letter case does not matter, except in labels. Quotes keep spaces and signs together.
//!
//! ```text
//! word   "two words"        some text of the row holds it (ages are not looked at: they change by themselves)
//! state:breached            what the column prints holds it; a column by id, heading or the beginning of its id
//! namespace==shop           what the column prints is just this
//! usedBy=db                 one of the words that the column prints is just this
//! capacity>100Gi  age<2h    numbers, bytes, shares, spans and moments are compared: > < >= <=
//! cut<2027-01-31T13:00:00Z  before that moment, where the column is one
//! level:warn                ok, info, stale, warning, unknown, critical
//! label:tier  label:k=v     the object has the label, or has it with this value, as `kubectl -l` reads it
//! !term                     it does not hold
//! ```
//!
//! What is not known matches no comparison, and no negated one either. Every text can be read: a term that cannot
//! be understood restricts nothing and is a [`Fault`] to be said, so that a slip never looks like an empty cluster.

mod bind;
mod parse;
mod sieve;
mod test;

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use thiserror::Error;

pub(super) use self::bind::column;
use self::test::Test;
use super::{Cell, Column, Level, Row};
use crate::model::{Meta, World};

/// A filter as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<parse::Term>,
}

/// Why a term of a filter restricts nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Fault {
    /// Where the term stands in the text of the filter, in bytes.
    pub at: Range<usize>,
    /// Why, and what would help.
    pub why: Box<str>,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// How bad it is.
    pub level: Level,
    /// Its values, one per column.
    pub cells: &'a [Cell],
    /// The object's own metadata; only needed where [`Bound::wants_meta`] says so.
    pub meta: Option<&'a Meta>,
}

/// A filter made ready for rows of these columns.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    tests: Vec<Test>,
    faults: Vec<Fault>,
}

impl Filter {
    /// Reads a filter. Every text is one; what cannot be understood is said when it is [bound](Self::bind).
    pub fn parse(text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { terms: parse::terms(&text), text }
    }

    /// Whether nothing is written in it.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Makes it ready for rows of these columns.
    pub fn bind(&self, columns: &[Column]) -> Bound {
        let mut bound = Bound::default();
        for term in &self.terms {
            match bind::term(term, columns) {
                Ok(test) => bound.tests.push(test),
                Err(why) => bound.faults.push(Fault { at: term.at.clone(), why: why.into() }),
            }
        }
        // All must hold, so their order is free.
        bound.tests.sort_by_key(Test::cost);
        bound
    }

    /// The first term that is a fault on all of these sets of columns, as the first set says it.
    pub fn fault_on_all(&self, sets: &[&[Column]]) -> Option<Fault> {
        let bound: Vec<Bound> = sets.iter().map(|columns| self.bind(columns)).collect();
        let (first, rest) = bound.split_first()?;
        let everywhere = |fault: &&Fault| rest.iter().all(|other| other.faults.iter().any(|f| f.at == fault.at));
        first.faults.iter().find(everywhere).cloned()
    }

    /// The text of a faulty term.
    pub fn term(&self, fault: &Fault) -> &str {
        self.text.get(fault.at.clone()).unwrap_or_default()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Bound {
    /// Terms that restrict nothing, and why.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Whether it looks at metadata.
    pub fn wants_meta(&self) -> bool {
        self.tests.iter().any(Test::wants_meta)
    }

    /// Whether time alone may change what passes.
    pub fn moves(&self) -> bool {
        self.tests.iter().any(|test| test.moves)
    }

    /// Whether a subject passes.
    pub fn passes(&self, subject: &Subject<'_>, now: Timestamp) -> bool {
        self.tests.iter().all(|test| test.passes(subject, now))
    }

    /// Whether a row passes. Labels and the moment of creation are looked up in the world, rows do not carry them.
    pub fn passes_row(&self, row: &Row, world: &World, now: Timestamp) -> bool {
        self.tests.is_empty() || self.passes(&self.subject(row, world), now)
    }

    /// When time alone may change whether a row passes; `None` when it does not.
    pub fn next_change(&self, row: &Row, world: &World, now: Timestamp) -> Option<Timestamp> {
        let moving = self.tests.iter().filter(|test| test.moves);
        moving.filter_map(|test| test.next_change(&self.subject(row, world), now)).min()
    }

    fn subject<'a>(&self, row: &'a Row, world: &'a World) -> Subject<'a> {
        let meta = if self.wants_meta() { world.inventory.meta(row.object.kind, &row.uid) } else { None };
        Subject { level: row.level, cells: &row.cells, meta }
    }
}

#[cfg(test)]
mod tests;
