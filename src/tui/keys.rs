//! Keys as people write them: `j`, `G`, `ctrl-d`, `alt-x`, `shift-tab`, `f2`, `enter`. Help, key bar, configuration
//! and key scripts of the tests all use this one notation.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use thiserror::Error;

use crate::text::nearest;

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Held with control.
    pub ctrl: bool,
    /// Held with alt, or typed right after `esc`: terminals send the same for both.
    pub alt: bool,
    /// Held with shift, where the character does not show that already.
    pub shift: bool,
}

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("\"{0}\" is not a key; write one such as p, G, f2, ctrl-r, alt-x, shift-tab or enter")]
    Unknown(String),
    /// It is nearly one.
    #[error("\"{0}\" is not a key; did you mean {1}?")]
    Near(String, String),
    /// A terminal sends the same as for another key.
    #[error("\"{0}\" never arrives: terminals send {1} for it; write that")]
    Same(String, &'static str),
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
];

/// What cannot be told apart: a terminal's control characters are some keys' own.
const SAME: &[(char, &str)] = &[('i', "tab"), ('m', "enter"), ('[', "esc")];

/// Function keys that terminals have.
const FUNCTION: std::ops::RangeInclusive<u8> = 1..=12;

impl Chord {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is not one, or no terminal sends it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut chord = Self { code: KeyCode::Null, ctrl: false, alt: false, shift: false };
        let mut rest = text;
        loop {
            if let Some(code) = code(rest) {
                chord.code = code;
                return chord.sent(text);
            }
            let (held, after) = rest.split_once('-').ok_or_else(|| misspelt(text))?;
            let flag = match held {
                "ctrl" => &mut chord.ctrl,
                "alt" => &mut chord.alt,
                "shift" => &mut chord.shift,
                _ => return Err(misspelt(text)),
            };
            if std::mem::replace(flag, true) {
                return Err(misspelt(text));
            }
            rest = after;
        }
    }

    /// Itself, if a terminal sends it.
    fn sent(self, text: &str) -> Result<Self, KeyError> {
        let c = match self.code {
            KeyCode::Char(c) => c,
            KeyCode::Tab if self.shift => return Ok(Self { code: KeyCode::BackTab, shift: false, ..self }),
            KeyCode::BackTab if self.shift => return Err(KeyError::Near(text.to_owned(), "shift-tab".to_owned())),
            _ => return Ok(self),
        };
        if self.shift {
            let plain = Self { shift: false, code: KeyCode::Char(c.to_uppercase().next().unwrap_or(c)), ..self };
            return Err(KeyError::Near(text.to_owned(), plain.to_string()));
        }
        if self.ctrl && c.is_ascii_uppercase() {
            let lower = Self { code: KeyCode::Char(c.to_ascii_lowercase()), ..self };
            return Err(KeyError::Near(text.to_owned(), lower.to_string()));
        }
        match SAME.iter().find(|(same, _)| self.ctrl && *same == c) {
            Some((_, key)) => Err(KeyError::Same(text.to_owned(), key)),
            None => Ok(self),
        }
    }

    /// The press that a terminal reported. Where shift shows in the character itself, it is not said again.
    pub fn of(event: &KeyEvent) -> Self {
        let held = |modifier| event.modifiers.contains(modifier);
        let shown = matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab);
        Self {
            code: event.code,
            ctrl: held(KeyModifiers::CONTROL),
            alt: held(KeyModifiers::ALT),
            shift: held(KeyModifiers::SHIFT) && !shown,
        }
    }

    /// A letter by itself.
    pub fn letter(letter: char) -> Self {
        Self { code: KeyCode::Char(letter), ctrl: false, alt: false, shift: false }
    }

    /// The same without alt and shift.
    pub fn loose(self) -> Self {
        Self { alt: false, shift: false, ..self }
    }

    /// The event a terminal reports for it.
    pub fn event(self) -> KeyEvent {
        let held =
            [(self.ctrl, KeyModifiers::CONTROL), (self.alt, KeyModifiers::ALT), (self.shift, KeyModifiers::SHIFT)];
        let modifiers = held.iter().filter(|(held, _)| *held).map(|(_, modifier)| *modifier).collect();
        KeyEvent::new(self.code, modifiers)
    }
}

fn code(name: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    let mut chars = name.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() && !c.is_whitespace() => Some(KeyCode::Char(c)),
        (Some('f'), Some('1'..='9')) => {
            name[1..].parse().ok().filter(|number| FUNCTION.contains(number)).map(KeyCode::F)
        }
        _ => None,
    }
}

fn misspelt(text: &str) -> KeyError {
    let lower = text.to_lowercase().replace(['+', '_'], "-").replace("control-", "ctrl-").replace("c-", "ctrl-");
    if lower != text
        && let Ok(chord) = Chord::parse(&lower)
    {
        return KeyError::Near(text.to_owned(), chord.to_string());
    }
    match nearest(text, NAMED.iter().map(|(name, _)| *name)) {
        Some(near) => KeyError::Near(text.to_owned(), near.to_owned()),
        None => KeyError::Unknown(text.to_owned()),
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            f.write_str(if held { name } else { "" })?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn every_notation_reads_back() {
        let notations = [
            "j",
            "G",
            "/",
            "-",
            "f",
            "ctrl-d",
            "ctrl--",
            "alt-x",
            "alt-G",
            "ctrl-alt-f12",
            "f1",
            "shift-f5",
            "enter",
            "esc",
            "space",
            "pgdn",
            "shift-tab",
            "shift-up",
            "ctrl-space",
            "ö",
        ];
        for text in notations {
            assert_eq!(Chord::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Chord::parse("alt-ctrl-x").unwrap().to_string(), "ctrl-alt-x");
        assert_eq!(Chord::parse("shift-alt-tab").unwrap().to_string(), "alt-shift-tab");
    }

    #[rstest]
    #[case("F2", "\"F2\" is not a key; did you mean f2?")]
    #[case("Ctrl+R", "\"Ctrl+R\" is not a key; did you mean ctrl-r?")]
    #[case("C-r", "\"C-r\" is not a key; did you mean ctrl-r?")]
    #[case("ctrl-R", "\"ctrl-R\" is not a key; did you mean ctrl-r?")]
    #[case("shift-g", "\"shift-g\" is not a key; did you mean G?")]
    #[case("entr", "\"entr\" is not a key; did you mean enter?")]
    #[case("ctrl-i", "\"ctrl-i\" never arrives: terminals send tab for it; write that")]
    #[case("ctrl-m", "\"ctrl-m\" never arrives: terminals send enter for it; write that")]
    #[case("jj", "\"jj\" is not a key; write one such as p, G, f2, ctrl-r, alt-x, shift-tab or enter")]
    #[case("", "\"\" is not a key; write one")]
    #[case("ctrl-", "\"ctrl-\" is not a key; write one")]
    #[case("ctrl-ctrl-x", "\"ctrl-ctrl-x\" is not a key; write one")]
    #[case("f0", "\"f0\" is not a key; write one")]
    #[case("f13", "\"f13\" is not a key; write one")]
    #[case("\u{1b}", "\"\u{1b}\" is not a key; write one")]
    fn what_is_no_key_says_what_to_write(#[case] text: &str, #[case] said: &str) {
        let error = Chord::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,16}") {
            if let Ok(chord) = Chord::parse(&text) {
                prop_assert_eq!(Chord::parse(&chord.to_string()), Ok(chord));
                prop_assert_eq!(Chord::of(&chord.event()), chord);
            }
        }
    }

    #[test]
    fn shift_that_shows_in_the_key_is_not_said_twice() {
        let pressed = |code| Chord::of(&KeyEvent::new(code, KeyModifiers::SHIFT)).to_string();
        assert_eq!([pressed(KeyCode::Char('G')), pressed(KeyCode::BackTab)], ["G", "shift-tab"]);
        assert_eq!(pressed(KeyCode::Up), "shift-up");
    }
}
