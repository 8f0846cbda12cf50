//! Making text from outside harmless and fitting it into terminal columns.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes text fit to draw on one line: control and escape characters become their Unicode pictures (`␛`, `␊`),
/// bidi, zero-width and other invisible characters become their code point (`<U+202E>`). Borrows when there is
/// nothing to change.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(hidden) else { return Cow::Borrowed(text) };
    let mut clean = String::with_capacity(text.len() + 16);
    clean.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            _ if !hidden(c) => clean.push(c),
            '\t' => clean.push(' '),
            '\u{7f}' => clean.push('\u{2421}'),
            '\0'..='\u{1f}' => clean.extend(char::from_u32(0x2400 + u32::from(c))),
            // Writing to a String cannot fail.
            _ => drop(write!(clean, "<U+{:04X}>", u32::from(c))),
        }
    }
    Cow::Owned(clean)
}

/// Characters that a terminal obeys or does not show: C0, C1, and those of Unicode's `Bidi_Control` and
/// `Default_Ignorable_Code_Point` that can hide or reorder text. Variation selector 16 stays: it only picks a glyph.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// How many terminal columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to at most `columns`, ending in `…` when something was cut. Never splits a character.
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        // Variation selector 16 may widen the character before it by one.
        used += if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(1) };
        if used > room {
            break;
        }
        end = at + c.len_utf8();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Breaks a text into pieces of at most `columns`, wherever that is: nothing is left out. Never splits a character,
/// and an empty text is one piece.
pub fn fold(text: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(2);
    let (mut pieces, mut start, mut used) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        let wide = if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(1) };
        if used + wide > columns {
            pieces.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += wide;
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("data-db-0", "data-db-0")]
    #[case("Größe 数据 ✔", "Größe 数据 ✔")]
    #[case("a\x1b[31mred", "a␛[31mred")]
    #[case("two\r\nlines", "two␍␊lines")]
    #[case("tab\there", "tab here")]
    #[case("del\x7f", "del␡")]
    #[case("c1\u{9b}31m", "c1<U+009B>31m")]
    #[case("user\u{202e}txt.exe", "user<U+202E>txt.exe")]
    #[case("zero\u{200b}width\u{feff}", "zero<U+200B>width<U+FEFF>")]
    #[case("tag\u{e0041}", "tag<U+E0041>")]
    fn hidden_characters_show(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(sanitize(text), shown);
    }

    #[rstest]
    #[case("data-db-0", 9, "data-db-0")]
    #[case("data-db-0", 8, "data-db…")]
    #[case("数据库", 6, "数据库")]
    #[case("数据库", 5, "数据…")]
    #[case("数据库", 4, "数…")]
    #[case("abc", 1, "…")]
    #[case("abc", 0, "")]
    fn truncation_counts_columns(#[case] text: &str, #[case] columns: usize, #[case] cut: &str) {
        assert_eq!(truncate(text, columns), cut);
    }

    #[rstest]
    #[case("", 4, &[""])]
    #[case("abcd", 4, &["abcd"])]
    #[case("abcdef", 4, &["abcd", "ef"])]
    #[case("数据库", 4, &["数据", "库"])]
    #[case("a数据", 4, &["a数", "据"])]
    fn folding_counts_columns(#[case] text: &str, #[case] columns: usize, #[case] pieces: &[&str]) {
        assert_eq!(fold(text, columns), pieces);
    }

    proptest! {
        #[test]
        fn folded_text_fits_and_is_whole(text in "\\PC{0,60}", columns in 2usize..20) {
            let pieces = fold(&text, columns);
            prop_assert_eq!(&pieces.concat(), &text);
            prop_assert!(pieces.iter().all(|piece| width(piece) <= columns), "{:?}", pieces);
        }

        #[test]
        fn truncated_text_fits(text in "\\PC{0,40}", columns in 0usize..30) {
            prop_assert!(width(&truncate(&text, columns)) <= columns);
        }

        #[test]
        fn sanitized_text_is_one_harmless_line(text in any::<String>()) {
            let clean = sanitize(&text);
            prop_assert!(!clean.chars().any(hidden));
            prop_assert_eq!(sanitize(&clean), clean.clone());
        }
    }
}
