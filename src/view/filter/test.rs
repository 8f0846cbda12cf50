//! One term, made ready: it looks at a subject and allocates nothing, except where a number must be printed to be
//! looked at as text.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::Subject;
use super::parse::Sign;
use crate::text::{contains, percent};
use crate::view::{Cell, Level};

/// One term, made ready.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// Whether it must not hold.
    pub not: bool,
    /// What it asks.
    pub asks: Asks,
    /// Whether its answer may change as time passes.
    pub moves: bool,
}

/// What a term asks. Words to look for are in lower case.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// Some text holds this.
    Text(Box<str>),
    /// It is one of these levels.
    Level(Vec<Level>),
    /// There is such a label, with this value if one is given.
    Label(Box<str>, Option<Box<str>>),
    /// What is printed there holds this.
    Printed(Field, Box<str>),
    /// What is printed there is this.
    Same(Field, Box<str>),
    /// One of the words that are printed there is this.
    Word(Field, Box<str>),
    /// What is there compares with this.
    Compared(Field, Sign, Amount),
}

/// Where a term looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A column.
    Column(usize),
    /// How long ago the object was created.
    Age,
}

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// A count.
    Number(u64),
    /// Bytes.
    Bytes(u64),
    /// Per cent.
    Percent(u64),
    /// Time.
    Span(SignedDuration),
    /// A moment of the calendar.
    Moment(Timestamp),
}

impl Test {
    /// Whether a subject passes. What is not known passes neither the term nor its opposite.
    pub fn passes(&self, subject: &Subject<'_>, now: Timestamp) -> bool {
        self.holds(subject, now).is_some_and(|holds| holds != self.not)
    }

    /// How much looking it takes, in no unit: of several tests the cheapest go first.
    pub fn cost(&self) -> u8 {
        match self.asks {
            Asks::Level(_) => 0,
            Asks::Compared(Field::Column(_), ..) => 1,
            Asks::Printed(Field::Column(_), _) | Asks::Same(Field::Column(_), _) | Asks::Word(Field::Column(_), _) => 2,
            Asks::Label(..)
            | Asks::Compared(Field::Age, ..)
            | Asks::Printed(Field::Age, _)
            | Asks::Same(Field::Age, _)
            | Asks::Word(Field::Age, _) => 3,
            Asks::Text(_) => 4,
        }
    }

    /// Whether it looks at metadata.
    pub fn wants_meta(&self) -> bool {
        matches!(
            self.asks,
            Asks::Label(..)
                | Asks::Printed(Field::Age, _)
                | Asks::Same(Field::Age, _)
                | Asks::Word(Field::Age, _)
                | Asks::Compared(Field::Age, ..)
        )
    }

    /// When time alone may change its answer for a subject.
    pub fn next_change(&self, subject: &Subject<'_>, now: Timestamp) -> Option<Timestamp> {
        match &self.asks {
            Asks::Printed(field, _) | Asks::Same(field, _) | Asks::Word(field, _) => {
                with(*field, subject, Cell::moves).then(|| now.checked_add(SignedDuration::from_secs(1)).ok()).flatten()
            }
            Asks::Compared(field, _, Amount::Span(span)) => with(*field, subject, |cell| match cell {
                Cell::Since(moment) => moment.checked_add(*span).ok(),
                Cell::Until(moment, _) => moment.checked_sub(*span).ok(),
                _ => None,
            })
            .filter(|moment| *moment >= now),
            _ => None,
        }
    }

    fn holds(&self, subject: &Subject<'_>, now: Timestamp) -> Option<bool> {
        match &self.asks {
            Asks::Text(_) => Some(subject.cells.iter().any(|cell| self.holds_cell(cell, now) == Some(true))),
            Asks::Level(levels) => Some(levels.contains(&subject.level)),
            Asks::Label(key, value) => {
                let found = subject.meta.and_then(|meta| meta.label(key));
                Some(found.is_some_and(|found| value.as_deref().is_none_or(|value| value == found)))
            }
            Asks::Printed(field, _) | Asks::Same(field, _) | Asks::Word(field, _) | Asks::Compared(field, ..) => {
                with(*field, subject, |cell| self.holds_cell(cell, now))
            }
        }
    }

    /// What it says of one value that it looks at; `None` when that is not known, or it looks at no values.
    pub(super) fn holds_cell(&self, cell: &Cell, now: Timestamp) -> Option<bool> {
        match &self.asks {
            Asks::Text(needle) => Some(cell.fixed_text().is_some_and(|text| contains(text, needle))),
            Asks::Printed(_, needle) => Some(match cell.fixed_text() {
                Some(text) => contains(text, needle),
                None => contains(&cell.print(now), needle),
            }),
            Asks::Same(_, wanted) => Some(match cell.fixed_text() {
                Some(text) => same(text, wanted),
                None => same(&cell.print(now), wanted),
            }),
            Asks::Word(_, wanted) => Some(match cell.fixed_text() {
                Some(text) => names(text, wanted),
                None => names(&cell.print(now), wanted),
            }),
            Asks::Compared(_, sign, amount) => match compare(cell, *amount, now) {
                Some(order) => Some(meets(*sign, order)),
                None if cell.level() == Some(Level::Unknown) => None,
                None => Some(false),
            },
            Asks::Level(_) | Asks::Label(..) => None,
        }
    }
}

fn with<T>(field: Field, subject: &Subject<'_>, look: impl FnOnce(&Cell) -> T) -> T {
    match field {
        Field::Column(at) => look(subject.cells.get(at).unwrap_or(&Cell::Unknown)),
        Field::Age => {
            let created = subject.meta.and_then(|meta| meta.created);
            look(&Cell::since(created))
        }
    }
}

/// How a value stands to an amount; `None` when it is not a value of that sort.
fn compare(cell: &Cell, amount: Amount, now: Timestamp) -> Option<Ordering> {
    Some(match (cell, amount) {
        (Cell::Bytes(bytes) | Cell::Used { bytes, .. }, Amount::Bytes(amount)) => bytes.cmp(&amount),
        (Cell::Used { bytes, capacity, .. }, Amount::Percent(amount)) => percent(*bytes, *capacity).cmp(&amount),
        (Cell::Number(count), Amount::Number(amount)) => count.cmp(&amount),
        (Cell::Counts(good, _), Amount::Number(amount)) => u64::from(*good).cmp(&amount),
        (Cell::Span(span), Amount::Span(amount)) => span.cmp(&amount),
        (Cell::Since(moment), Amount::Span(amount)) => now.duration_since(*moment).cmp(&amount),
        (Cell::Until(moment, _), Amount::Span(amount)) => now.duration_until(*moment).cmp(&amount),
        (Cell::Since(moment) | Cell::Until(moment, _), Amount::Moment(amount)) => moment.cmp(&amount),
        _ => return None,
    })
}

/// Whether a text is a word in lower case, whatever its own letter case.
fn same(text: &str, wanted: &str) -> bool {
    text.chars().flat_map(char::to_lowercase).eq(wanted.chars())
}

/// Whether one word of a text is this one. Commas and brackets stand between words, as spaces do.
fn names(text: &str, wanted: &str) -> bool {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')');
    text.split(between).any(|word| same(word, wanted))
}

fn meets(sign: Sign, order: Ordering) -> bool {
    match sign {
        Sign::Holds | Sign::Is | Sign::Names => order.is_eq(),
        Sign::Above => order.is_gt(),
        Sign::AtLeast => order.is_ge(),
        Sign::Below => order.is_lt(),
        Sign::AtMost => order.is_le(),
    }
}
