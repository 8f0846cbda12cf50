//! Text that nobody sees, such as a private key that is typed or pasted: collected here, told by its length only, and
//! wiped when it goes.
//!
//! It has no cursor, no history and nothing to take back: each of these would be one more copy.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use zeroize::Zeroizing;

use crate::text::plural;

/// Room that a key does not outgrow.
const ROOM: usize = 16 << 10;

/// More than this is no key, and no certificate with its chain.
pub const MOST: usize = 1 << 20;

/// Text that nobody sees. Its lines end with line feeds, however they were ended where it came from: terminals paste
/// carriage returns.
#[derive(Clone, Default)]
pub struct Unseen(Zeroizing<String>);

impl fmt::Debug for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unseen(..)")
    }
}

impl From<&str> for Unseen {
    fn from(text: &str) -> Self {
        let mut unseen = Self::default();
        unseen.push(text);
        unseen
    }
}

impl From<String> for Unseen {
    fn from(text: String) -> Self {
        Self::from(Zeroizing::new(text).as_str())
    }
}

impl Unseen {
    /// The text itself, for those who read a key or put it where it may be seen.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts more at its end.
    pub fn push(&mut self, text: &str) {
        self.make_room(text.len());
        let mut left = text;
        while let Some((line, rest)) = left.split_once('\r') {
            self.0.push_str(line);
            self.0.push('\n');
            left = rest.strip_prefix('\n').unwrap_or(rest);
        }
        self.0.push_str(left);
    }

    /// A buffer that grew by itself would leave what was in it behind.
    fn make_room(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(needed.max(ROOM).next_power_of_two()));
            larger.push_str(&self.0);
            self.0 = larger;
        }
    }

    /// A key that edits it. There is no cursor in what nobody sees: `ctrl-u` empties all of it.
    pub fn input(&mut self, event: KeyEvent) {
        let held = event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Char('u') if event.modifiers.contains(KeyModifiers::CONTROL) => *self = Self::default(),
            KeyCode::Char(letter) if !held => self.push(letter.encode_utf8(&mut [0; 4])),
            KeyCode::Enter if !held => self.push("\n"),
            KeyCode::Backspace => drop(self.0.pop()),
            _ => {}
        }
    }

    /// What is said of it instead of showing it; nothing when there is nothing.
    pub fn said(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let lines = plural(self.0.lines().count(), "line", "lines");
        format!("private key, {}, {lines}, not shown", plural(self.0.len(), "byte", "bytes"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::unix("a\nb\n", "a\nb\n")]
    #[case::windows("a\r\nb\r\n", "a\nb\n")]
    #[case::as_terminals_paste("a\rb\r", "a\nb\n")]
    #[case::empty_lines("a\r\r\n\nb", "a\n\n\nb")]
    #[case::one_line("a", "a")]
    fn lines_end_with_line_feeds(#[case] text: &str, #[case] kept: &str) {
        assert_eq!(Unseen::from(text).text(), kept);
        assert_eq!(Unseen::from(text.to_owned()).text(), kept);
    }

    #[test]
    fn it_is_told_by_its_length_and_never_repeated() {
        let mut key = Unseen::from("secret\nbytes\n");
        assert_eq!(key.said(), "private key, 13 bytes, 2 lines, not shown");
        assert!(!format!("{key:?}").contains("secret"));
        for _ in 0..13 {
            key.input(KeyCode::Backspace.into());
        }
        assert_eq!(key.said(), "");
    }

    #[test]
    fn it_grows_beyond_its_first_room() {
        let mut key = Unseen::from("begin");
        key.push(&"x".repeat(3 * ROOM));
        key.push("end");
        assert!(key.text().starts_with("beginx") && key.text().ends_with("xend"));
    }
}
