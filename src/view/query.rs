//! The filter language and the sort order of a listing: one for the console and the command line.
//!
//! `shop !db state:breached` keeps rows that hold `shop`, do not hold `db`, and whose column `state` holds
//! `breached`. Letter case does not matter. A bare word looks at all texts but not at ages, which change by
//! themselves; `column:word` looks at what that column prints.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;

use super::{Cell, Column, Pane, Row};

/// What a listing shows and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which rows.
    pub filter: Filter,
    /// Leave out rows that are fine.
    pub only_problems: bool,
    /// Which order.
    pub sort: Sort,
}

/// The order of rows. Equal rows stand by namespace and name, so the order never depends on chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The worst first.
    #[default]
    Worst,
    /// By the value of a column.
    By {
        /// Its place in [`Pane::columns`].
        column: usize,
        /// The greatest first.
        descending: bool,
    },
}

impl Sort {
    /// Orders two rows.
    pub fn order(self, a: &Row, b: &Row) -> Ordering {
        let first = match self {
            Self::Worst => b.level.cmp(&a.level),
            Self::By { column, descending } => {
                let order = a.cells[column].order(&b.cells[column]);
                let missing = |cell: &Cell| matches!(cell, Cell::Nothing | Cell::Unknown);
                // What is not known stays at the end, whichever way the rest is turned.
                let turn = descending && !missing(&a.cells[column]) && !missing(&b.cells[column]);
                if turn { order.reverse() } else { order }
            }
        };
        let place = || a.object.namespace.cmp(&b.object.namespace).then_with(|| a.object.name.cmp(&b.object.name));
        first.then_with(place).then_with(|| a.key.cmp(&b.key))
    }
}

/// A filter: all of its terms must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    not: bool,
    column: Option<Box<str>>,
    needle: Box<str>,
}

impl Filter {
    /// Reads a filter. Every text is one; a column that a pane does not have matches none of its rows.
    pub fn parse(text: &str) -> Self {
        Self { text: text.trim().to_owned(), terms: text.split_whitespace().filter_map(Term::parse).collect() }
    }

    /// Whether it lets every row through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of columns that the pane does not have, for a hint.
    pub fn unknown_columns(&self, pane: Pane) -> Vec<&str> {
        let columns = self.terms.iter().filter_map(|term| term.column.as_deref());
        columns.filter(|name| find(pane.columns(), name).is_none() && *name != "level").collect()
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &Row, columns: &[Column], now: Timestamp) -> bool {
        self.terms.iter().all(|term| term.holds(row, columns, now) != term.not)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Term {
    fn parse(word: &str) -> Option<Self> {
        let (not, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let (column, needle) = match word.split_once(':') {
            Some((column, needle)) if !column.is_empty() => (Some(column.into()), needle),
            _ => (None, word),
        };
        (!needle.is_empty()).then(|| Self { not, column, needle: needle.to_lowercase().into() })
    }

    fn holds(&self, row: &Row, columns: &[Column], now: Timestamp) -> bool {
        match self.column.as_deref() {
            None => row.cells.iter().any(|cell| cell.fixed_text().is_some_and(|text| contains(text, &self.needle))),
            Some("level") => contains(row.level.word(), &self.needle),
            Some(name) => find(columns, name).is_some_and(|column| {
                let cell = &row.cells[column];
                match cell.fixed_text() {
                    Some(text) => contains(text, &self.needle),
                    None => contains(&cell.print(now), &self.needle),
                }
            }),
        }
    }
}

fn find(columns: &[Column], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.id.eq_ignore_ascii_case(name))
}

/// Whether a text holds a lower-case needle, letter case aside.
pub(super) fn contains(text: &str, needle: &str) -> bool {
    let (text_bytes, needle_bytes) = (text.as_bytes(), needle.as_bytes());
    let Some((first, rest)) = needle_bytes.split_first() else { return true };
    if !text.is_ascii() {
        return text.to_lowercase().contains(needle);
    }
    let Some(last) = text_bytes.len().checked_sub(needle_bytes.len()) else { return false };
    (0..=last).any(|at| {
        text_bytes[at].to_ascii_lowercase() == *first
            && text_bytes[at + 1..at + needle_bytes.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Kind, ObjRef, Uid};
    use crate::view::Level;

    fn row(namespace: &str, name: &str, state: &'static str) -> Row {
        let mut cells = vec![Cell::Unknown; Pane::Volumes.columns().len()];
        cells[0] = Cell::State(Level::Warn, state);
        cells[1] = Cell::Text(namespace.into());
        cells[2] = Cell::Text(name.into());
        cells[8] = Cell::Bytes(10 << 30);
        Row {
            key: Key::Object(Kind::Pvc, Uid::from(name)),
            object: ObjRef::namespaced(Kind::Pvc, namespace, name),
            uid: Uid::from(name),
            level: Level::Warn,
            state,
            reasons: Box::new([]),
            next: None,
            cells: cells.into(),
            valid_until: None,
        }
    }

    #[test]
    fn terms_are_joined_by_and() {
        let row = row("shop", "data-DB-0", "Breached");
        let passes = |text| Filter::parse(text).passes(&row, Pane::Volumes.columns(), Timestamp::UNIX_EPOCH);
        for text in ["", "shop", "db-0", "shop BREACHED", "state:breach", "!batch", "name:data !name:cache", "size:10"]
        {
            assert_eq!(passes(text), text != "size:10", "{text}");
        }
        for text in ["batch", "!shop", "shop batch", "state:ok", "namespace:data", "nosuch:shop"] {
            assert!(!passes(text), "{text}");
        }
        assert!(passes("capacity:10"), "a number is looked at as it is printed");
        assert!(passes("level:warn") && !passes("level:ok"));
        assert_eq!(Filter::parse("size:1 name:a").unknown_columns(Pane::Volumes), ["size"]);
    }

    #[test]
    fn unknown_stays_last_in_both_directions() {
        let mut rows = [row("a", "x", "Ok"), row("a", "y", "Ok"), row("a", "z", "Ok")];
        rows[0].cells[8] = Cell::Unknown;
        rows[1].cells[8] = Cell::Bytes(2);
        let names = |rows: &mut [Row; 3], descending| {
            rows.sort_by(|a, b| Sort::By { column: 8, descending }.order(a, b));
            rows.each_ref().map(|row| row.object.name.to_string())
        };
        assert_eq!(names(&mut rows, false), ["y", "z", "x"]);
        assert_eq!(names(&mut rows, true), ["z", "y", "x"]);
    }
}
