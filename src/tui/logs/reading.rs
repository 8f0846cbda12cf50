//! The lines of a log laid out in rows: filtered, with or without their moments, folded or cut.
//!
//! A place is counted in rows from the first that is kept. A [`Spot`] names a row by its line's own number, so it
//! stays where it is while lines come and go.

use std::collections::VecDeque;

use crate::text;
use crate::view::{LineFilter, LogBuffer};

/// Columns of a moment and the space after it: `2026-03-01T03:06:59Z `.
const STAMP: usize = 21;

/// One row of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The line's number.
    pub line: u64,
    /// Which row of it, from 0.
    pub row: usize,
}

/// A row as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of its line.
    pub line: u64,
    /// The moment of the line, or spaces; empty when moments are not shown.
    pub stamp: String,
    /// The text.
    pub text: String,
}

/// Lines and how they are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The lines.
    pub lines: &'a LogBuffer,
    /// Which of them.
    pub filter: &'a LineFilter,
    /// Whether long lines go on below, or are cut.
    pub wrap: bool,
    /// Whether the moment of each line is shown.
    pub stamps: bool,
    /// How many columns there are.
    pub columns: usize,
}

impl Reading<'_> {
    /// The numbers of the lines that are shown, the oldest first.
    fn shown(&self) -> impl DoubleEndedIterator<Item = (u64, &str)> {
        let lines = self.lines.numbers().filter_map(|number| Some((number, &*self.lines.line(number)?.text)));
        lines.filter(|(_, text)| self.filter.passes(text))
    }

    /// How many lines are shown.
    pub fn count(&self) -> usize {
        self.shown().count()
    }

    /// How many lines are shown below a spot.
    pub fn below(&self, spot: Spot) -> usize {
        self.shown().rev().take_while(|(number, _)| *number > spot.line).count()
    }

    fn room(&self) -> usize {
        self.columns.saturating_sub(if self.stamps { STAMP } else { 0 }).max(8)
    }

    fn height(&self, text: &str) -> usize {
        // Most lines are short and of one-column letters: these need not be measured.
        if !self.wrap || text.len() <= self.room() { 1 } else { text::fold(text, self.room()).len() }
    }

    /// How many rows there are.
    pub fn total(&self) -> usize {
        self.shown().map(|(_, text)| self.height(text)).sum()
    }

    /// The place of a spot; of the last row without one.
    pub fn place(&self, spot: Option<Spot>) -> usize {
        let Some(spot) = spot else { return self.total().saturating_sub(1) };
        let above: usize = self.shown().take_while(|(n, _)| *n < spot.line).map(|(_, text)| self.height(text)).sum();
        above + spot.row
    }

    /// The row at a place.
    pub fn spot(&self, place: usize) -> Option<Spot> {
        let mut above = 0;
        for (line, text) in self.shown() {
            let height = self.height(text);
            if place < above + height {
                return Some(Spot { line, row: place - above });
            }
            above += height;
        }
        None
    }

    /// The rows of a page that ends at a spot, or at the last row. The first page is always full where it can be.
    pub fn page(&self, bottom: Option<Spot>, height: usize) -> Vec<Row> {
        let mut page = VecDeque::new();
        let upward = self.shown().rev().skip_while(|(number, _)| bottom.is_some_and(|spot| *number > spot.line));
        for (number, text) in upward {
            let mut rows = self.rows(number, text);
            if let Some(spot) = bottom.filter(|spot| spot.line == number) {
                rows.truncate(spot.row + 1);
            }
            rows.into_iter().rev().take(height - page.len()).for_each(|row| page.push_front(row));
            if page.len() >= height {
                return page.into();
            }
        }
        self.shown().flat_map(|(number, text)| self.rows(number, text)).take(height).collect()
    }

    /// A whole line, as it is copied.
    pub fn whole(&self, number: u64) -> Option<String> {
        let line = self.lines.line(number)?;
        Some(if self.stamps { format!("{}{}", self.stamp(number), line.text) } else { line.text.to_string() })
    }

    fn stamp(&self, number: u64) -> String {
        let at = self.lines.line(number).and_then(|line| line.at);
        at.map_or_else(|| " ".repeat(STAMP), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ ").to_string())
    }

    fn rows(&self, number: u64, text: &str) -> Vec<Row> {
        let pieces = if self.wrap { text::fold(text, self.room()) } else { vec![text] };
        let row = |(row, piece): (usize, &str)| {
            let stamp = match (self.stamps, row) {
                (false, _) => String::new(),
                (true, 0) => self.stamp(number),
                (true, _) => " ".repeat(STAMP),
            };
            Row { line: number, stamp, text: text::truncate(piece, self.room()).into_owned() }
        };
        pieces.into_iter().enumerate().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogLine;
    use proptest::prelude::*;

    fn buffer(lines: &[&str]) -> LogBuffer {
        let mut buffer = LogBuffer::default();
        for text in lines {
            buffer.push(&LogLine { at: None, text: (*text).into() });
        }
        buffer
    }

    fn texts(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.text.as_str()).collect()
    }

    #[test]
    fn a_page_ends_at_its_spot_and_the_first_is_full() {
        let lines = buffer(&["one", "two", "a very long line indeed", "four"]);
        let filter = LineFilter::default();
        let reading = Reading { lines: &lines, filter: &filter, wrap: true, stamps: false, columns: 10 };
        assert_eq!(reading.total(), 6);
        assert_eq!(texts(&reading.page(None, 3)), ["g line ind", "eed", "four"]);
        assert_eq!(texts(&reading.page(Some(Spot { line: 2, row: 0 }), 2)), ["two", "a very lon"]);
        assert_eq!(texts(&reading.page(Some(Spot { line: 0, row: 0 }), 3)), ["one", "two", "a very lon"]);
        let cut = Reading { wrap: false, ..reading };
        assert_eq!(texts(&cut.page(None, 2)), ["a very lo…", "four"]);
        let filter = LineFilter::parse("!o");
        let filtered = Reading { filter: &filter, ..cut };
        assert_eq!((filtered.count(), filtered.page(None, 5).len()), (0, 0));
    }

    proptest! {
        #[test]
        fn every_place_is_a_spot_and_back(lengths in prop::collection::vec(0usize..40, 1..20), wrap in any::<bool>()) {
            let texts: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let lines = buffer(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let filter = LineFilter::default();
            let reading = Reading { lines: &lines, filter: &filter, wrap, stamps: false, columns: 9 };
            for place in 0..reading.total() {
                let spot = reading.spot(place);
                prop_assert_eq!(reading.place(spot), place);
                let page = reading.page(spot, 4);
                prop_assert_eq!(page.len(), 4.min(reading.total()));
                prop_assert_eq!(page.last().map(|row| row.line), reading.spot(place.max(page.len() - 1)).map(|s| s.line));
            }
            prop_assert_eq!(reading.spot(reading.total()), None);
        }
    }
}
