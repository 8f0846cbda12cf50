//! A filter over a long table whose columns hold each value once: each value is asked once.

use jiff::Timestamp;

use super::test::{Asks, Field, Test};
use super::{Bound, Level};
use crate::view::coded::Coded;

impl Bound {
    /// For each row whether it passes. The rows have no labels and no moment of creation of their own.
    pub(in crate::view) fn sieve(&self, levels: &[Level], columns: &[Coded], now: Timestamp) -> Vec<bool> {
        let mut passing = vec![true; levels.len()];
        for test in &self.tests {
            test.sieve(&mut passing, levels, columns, now);
        }
        passing
    }
}

impl Test {
    fn sieve(&self, passing: &mut [bool], levels: &[Level], columns: &[Coded], now: Timestamp) {
        match &self.asks {
            Asks::Level(wanted) => {
                let holds = levels.iter().map(|level| wanted.contains(level) != self.not);
                passing.iter_mut().zip(holds).for_each(|(pass, holds)| *pass &= holds);
            }
            Asks::Text(word) => self.sieve_texts(passing, columns, word),
            Asks::Printed(Field::Column(at), _)
            | Asks::Same(Field::Column(at), _)
            | Asks::Word(Field::Column(at), _)
            | Asks::Compared(Field::Column(at), ..) => {
                let Some(column) = columns.get(*at) else { return passing.fill(false) };
                let holds = self.of_values(column, now);
                let codes = column.codes().iter();
                passing.iter_mut().zip(codes).for_each(|(pass, code)| *pass &= holds[*code as usize]);
            }
            // What has no label holds no term about one; how old it is nobody knows.
            Asks::Label(..) if self.not => {}
            Asks::Label(..)
            | Asks::Printed(Field::Age, _)
            | Asks::Same(Field::Age, _)
            | Asks::Word(Field::Age, _)
            | Asks::Compared(Field::Age, ..) => passing.fill(false),
        }
    }

    /// By the number of each value whether it passes.
    fn of_values(&self, column: &Coded, now: Timestamp) -> Vec<bool> {
        let passes = |holds: Option<bool>| holds.is_some_and(|holds| holds != self.not);
        match &self.asks {
            Asks::Printed(_, word) => {
                let texts = column.holding(word).into_iter().zip(column.values());
                texts.map(|(holds, cell)| passes(holds.or_else(|| self.holds_cell(cell, now)))).collect()
            }
            _ => column.values().iter().map(|cell| passes(self.holds_cell(cell, now))).collect(),
        }
    }

    /// A word may stand in any column that prints words.
    fn sieve_texts(&self, passing: &mut [bool], columns: &[Coded], word: &str) {
        let holding = columns.iter().filter_map(|column| {
            let holds = column.holding(word);
            holds.contains(&Some(true)).then_some((column.codes(), holds))
        });
        let holding: Vec<(&[u32], Vec<Option<bool>>)> = holding.collect();
        for (row, pass) in passing.iter_mut().enumerate() {
            let any = holding.iter().any(|(codes, holds)| holds[codes[row] as usize] == Some(true));
            *pass &= any != self.not;
        }
    }
}
