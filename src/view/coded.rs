//! A column of a long table that holds each of its values once, and for each row the number of its value.
//!
//! What is asked of a value is asked once, however many rows have it, and words are looked for in all texts at once:
//! that is what makes a filter over hundreds of thousands of rows quick.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use memchr::memmem;

use super::{Cell, Level};
use crate::text::folded;

/// The values of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coded {
    codes: Vec<u32>,
    cells: Vec<Cell>,
    /// The texts of all values that have one, in lower case, each with a NUL after it.
    texts: String,
    /// Where the text of each value ends there.
    ends: Vec<usize>,
}

impl Coded {
    /// The value of a row.
    pub fn cell(&self, row: u32) -> &Cell {
        self.cells.get(self.code(row) as usize).unwrap_or(&Cell::Unknown)
    }

    /// The number of a row's value.
    pub fn code(&self, row: u32) -> u32 {
        self.codes.get(row as usize).copied().unwrap_or(u32::MAX)
    }

    /// The number of each row's value.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Each value once, by its number.
    pub fn values(&self) -> &[Cell] {
        &self.cells
    }

    /// By the number of each value whether its text holds a word that is [`folded`]; `None` where it has no text, or one
    /// that depends on the time.
    pub fn holding(&self, word: &str) -> Vec<Option<bool>> {
        let text = |cell: &Cell| cell.fixed_text().map(|_| word.is_empty());
        let mut holding: Vec<Option<bool>> = self.cells.iter().map(text).collect();
        if word.is_empty() {
            return holding;
        }
        let mut value = 0;
        for at in memmem::find_iter(self.texts.as_bytes(), word) {
            value += self.ends[value..].partition_point(|end| *end <= at);
            if let Some(holds) = holding.get_mut(value) {
                *holds = Some(true);
            }
        }
        holding
    }

    /// Where each value stands among all of them, by its number: rows are sorted by that, not by their values.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by(|a, b| self.cells[*a].order(&self.cells[*b]));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in (0..).zip(order) {
            ranks[code] = rank;
        }
        ranks
    }

    /// The same rows in another order.
    #[must_use]
    pub fn reordered(self, order: &[u32]) -> Self {
        let codes = order.iter().map(|row| self.code(*row)).collect();
        Self { codes, ..self }
    }
}

/// What tells one value from another.
#[derive(PartialEq, Eq, Hash)]
enum Value {
    Nothing,
    Unknown,
    Text(Arc<str>),
    Word(&'static str),
    State(Level, &'static str),
    Number(u64),
    Moment(Timestamp),
}

/// Makes a column, row by row.
#[derive(Default)]
pub struct Coder {
    known: HashMap<Value, u32>,
    coded: Coded,
}

impl Coder {
    /// Adds the value of the next row. Values of sorts that no table of findings has count as not known.
    pub fn push(&mut self, cell: Cell) {
        let value = match &cell {
            Cell::Nothing => Value::Nothing,
            Cell::Text(text) => Value::Text(text.clone()),
            Cell::Word(word) => Value::Word(word),
            Cell::State(level, word) => Value::State(*level, word),
            Cell::Number(number) => Value::Number(*number),
            Cell::Since(moment) => Value::Moment(*moment),
            Cell::Unknown
            | Cell::Said(..)
            | Cell::Bytes(_)
            | Cell::Used { .. }
            | Cell::Counts(..)
            | Cell::Span(_)
            | Cell::Until(..) => Value::Unknown,
        };
        let next = u32::try_from(self.coded.cells.len()).unwrap_or(u32::MAX);
        let code = *self.known.entry(value).or_insert(next);
        if code == next {
            if let Some(text) = cell.fixed_text() {
                self.coded.texts.push_str(&folded(text));
                self.coded.texts.push('\0');
            }
            self.coded.ends.push(self.coded.texts.len());
            self.coded.cells.push(cell);
        }
        self.coded.codes.push(code);
    }

    /// The column.
    pub fn done(self) -> Coded {
        self.coded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(cells: impl IntoIterator<Item = Cell>) -> Coded {
        let mut coder = Coder::default();
        cells.into_iter().for_each(|cell| coder.push(cell));
        coder.done()
    }

    #[test]
    fn each_value_is_held_once_and_rows_keep_theirs() {
        let text = |text: &str| Cell::Text(text.into());
        let column = coded([text("b"), text("a"), text("b"), Cell::Nothing, Cell::Unknown]);
        assert_eq!(column.values().len(), 4);
        assert_eq!((column.cell(0), column.cell(2), column.cell(4)), (&text("b"), &text("b"), &Cell::Unknown));
        assert_eq!(column.code(0), column.code(2));
        assert_eq!(*column.cell(99), Cell::Unknown, "a row that is not there has no value");
        assert_eq!(*column.reordered(&[1, 0]).cell(0), text("a"));
    }

    #[test]
    fn a_word_is_found_in_the_text_that_holds_it_letter_case_aside_and_never_across_two() {
        let cells = [Cell::Text("Straße".into()), Cell::Number(7), Cell::Text("abc".into()), Cell::Word("Bcd")];
        let column = coded(cells);
        let found = |word: &str| column.holding(&folded(word));
        assert_eq!(found("STRASS"), [Some(false), None, Some(false), Some(false)]);
        assert_eq!(found("straß"), [Some(true), None, Some(false), Some(false)]);
        assert_eq!(found("BC"), [Some(false), None, Some(true), Some(true)]);
        assert_eq!(found("cb"), [Some(false), None, Some(false), Some(false)], "which is the end of one and the next");
        assert_eq!(found("7"), [Some(false), None, Some(false), Some(false)], "a number is no text");
        assert_eq!(found(""), [Some(true), None, Some(true), Some(true)]);
    }

    #[test]
    fn ranks_follow_the_order_of_values_and_what_is_not_known_comes_last() {
        let column = coded([Cell::Unknown, Cell::Number(7), Cell::Nothing, Cell::Number(3)]);
        assert_eq!(column.ranks(), [3, 1, 2, 0]);
    }
}
