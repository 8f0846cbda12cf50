//! Words and numbers for people.
//!
//! Everything that reaches a screen, a log or a report passes through here: text from outside is made harmless
//! ([`sanitize`]), measured and cut by terminal columns, and quantities and durations get one short form each.
//! Knows nothing of Kubernetes objects beyond how the API writes quantities and names.

mod chain;
mod clean;
mod digest;
mod find;
pub mod image;
pub mod markdown;
pub mod names;
mod nearest;
pub mod quantity;
mod shell;

pub use chain::chain;
pub use clean::{fold, sanitize, truncate, width};
pub use digest::{hex, sha256};
pub use find::{contains, folded};
pub use nearest::nearest;
pub use quantity::{age, bytes, percent};
pub use shell::command_line;

/// A count with its noun: `1 copy`, `3 copies`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Items in a sentence: `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 copies")]
    #[case(1, "1 copy")]
    #[case(2, "2 copies")]
    fn plural_agrees_with_its_count(#[case] count: usize, #[case] said: &str) {
        assert_eq!(plural(count, "copy", "copies"), said);
    }

    #[rstest]
    #[case(&[], "")]
    #[case(&["a"], "a")]
    #[case(&["a", "b"], "a and b")]
    #[case(&["a", "b", "c"], "a, b and c")]
    fn lists_read_as_sentences(#[case] items: &[&str], #[case] said: &str) {
        assert_eq!(list(items), said);
    }
}
