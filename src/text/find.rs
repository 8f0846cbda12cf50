//! Looking for a text in another, letter case aside and without allocating for each text that is looked at.

/// The form in which texts are looked for.
pub fn folded(text: &str) -> Box<str> {
    text.chars().flat_map(char::to_lowercase).collect::<String>().into()
}

/// Whether a text holds a [`folded`] needle, letter case aside.
pub fn contains(text: &str, needle: &str) -> bool {
    let Some((first, rest)) = needle.as_bytes().split_first() else { return true };
    if !text.is_ascii() {
        let begins = |at: usize| {
            let mut letters = text[at..].chars().flat_map(char::to_lowercase);
            needle.chars().all(|wanted| letters.next() == Some(wanted))
        };
        return text.char_indices().any(|(at, _)| begins(at));
    }
    let bytes = text.as_bytes();
    let Some(last) = bytes.len().checked_sub(needle.len()) else { return false };
    (0..=last).any(|at| {
        bytes[at].to_ascii_lowercase() == *first && bytes[at + 1..at + needle.len()].eq_ignore_ascii_case(rest)
    })
}
