//! The newest lines of a log, and which of them a person wants to see.

use std::collections::VecDeque;
use std::ops::Range;

use super::private::Hush;
use crate::model::LogLine;
use crate::text::{self, contains, folded};

/// Most lines that are kept.
const LINES: usize = 10_000;
/// Most bytes that are kept: very long lines count for more.
const BYTES: usize = 16 << 20;

/// The newest lines of a log, fit to draw. Each has a number that stays its own.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer {
    lines: VecDeque<LogLine>,
    first: u64,
    bytes: usize,
    hush: Hush,
}

impl LogBuffer {
    /// Adds a line; the oldest go when there are too many.
    pub fn push(&mut self, line: &LogLine) {
        let Some(shown) = self.hush.line(&line.text) else { return };
        let text: Box<str> = text::sanitize(&shown).into();
        self.bytes += text.len();
        self.lines.push_back(LogLine { at: line.at, text });
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
            self.first += 1;
        }
    }

    /// The numbers of the lines that are kept.
    pub fn numbers(&self) -> Range<u64> {
        self.first..self.first + self.lines.len() as u64
    }

    /// A line by its number.
    pub fn line(&self, number: u64) -> Option<&LogLine> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get(place)
    }

    /// How many lines are kept.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many older lines were dropped.
    pub fn dropped(&self) -> u64 {
        self.first
    }
}

/// Which lines are shown: those that hold every word, and none that begins with `!`. Letter case does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    text: String,
    terms: Vec<(bool, Box<str>)>,
}

impl LineFilter {
    /// Reads a filter. Every text is one.
    pub fn parse(text: &str) -> Self {
        let term = |word: &str| {
            let (not, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            (!word.is_empty()).then(|| (not, folded(word)))
        };
        Self { text: text.trim().to_owned(), terms: text.split_whitespace().filter_map(term).collect() }
    }

    /// Whether it lets every line through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a line passes.
    pub fn passes(&self, line: &str) -> bool {
        self.terms.iter().all(|(not, word)| contains(line, word) != *not)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn line(text: &str) -> LogLine {
        LogLine { at: None, text: text.into() }
    }

    #[test]
    fn the_oldest_lines_go_and_numbers_stay() {
        let mut buffer = LogBuffer::default();
        for number in 0..LINES + 5 {
            buffer.push(&line(&number.to_string()));
        }
        assert_eq!((buffer.len(), buffer.dropped()), (LINES, 5));
        assert_eq!(buffer.numbers(), 5..LINES as u64 + 5);
        assert_eq!(buffer.line(4), None);
        assert_eq!(&*buffer.line(5).unwrap().text, "5");
        assert_eq!(buffer.line(LINES as u64 + 5), None);
    }

    #[test]
    fn long_lines_count_for_more_and_the_last_stays() {
        let mut buffer = LogBuffer::default();
        buffer.push(&line("short"));
        buffer.push(&line(&"x".repeat(BYTES)));
        assert_eq!((buffer.len(), buffer.dropped()), (1, 1));
        buffer.push(&line("short"));
        assert_eq!((buffer.len(), buffer.dropped()), (1, 2));
    }

    #[test]
    fn lines_are_made_safe_to_draw() {
        let mut buffer = LogBuffer::default();
        buffer.push(&line("a\u{1b}[2J\u{202e}b"));
        buffer.push(&line("-----BEGIN PRIVATE KEY-----MIIE"));
        let texts: Vec<_> = buffer.numbers().map(|number| &*buffer.line(number).unwrap().text).collect();
        assert_eq!(texts, ["a␛[2J<U+202E>b", "(a private key, not shown)"]);
    }

    #[rstest]
    #[case("", true)]
    #[case("error", true)]
    #[case("error db:5432", true)]
    #[case("error !timeout", false)]
    #[case("warning", false)]
    #[case("!", true)]
    fn all_words_must_hold(#[case] filter: &str, #[case] passes: bool) {
        assert_eq!(LineFilter::parse(filter).passes("ERROR: Timeout at db:5432"), passes);
    }
}
