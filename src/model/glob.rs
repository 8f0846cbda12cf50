//! Patterns with captures, as the links file writes them.
//!
//! `*` is any text within one part of a path, `**` any text, `?` one character, `{name}` one whole part or piece of
//! one, not empty, that is remembered. Matching takes time in proportion to pattern and text at most: there is no
//! pattern that hangs.

use std::collections::HashSet;
use std::fmt;

/// The longest pattern, in characters.
const LONGEST: usize = 512;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Part,
    Any,
    Capture(String),
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    tokens: Vec<Token>,
    folded: bool,
}

/// What a pattern remembered, by name.
pub type Captures = Vec<(String, String)>;

impl Glob {
    /// A pattern for paths: `*` and `{name}` end at `/`.
    ///
    /// # Errors
    /// When it is none; says what to write.
    pub fn path(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), tokens: tokens(text)?, folded: false })
    }

    /// A pattern for names, in which `*` is any text and letters count alike in either case.
    ///
    /// # Errors
    /// When it is none; says what to write.
    pub fn name(text: &str) -> Result<Self, String> {
        let any = |token| if token == Token::Part { Token::Any } else { token };
        Ok(Self { text: text.to_owned(), tokens: tokens(text)?.into_iter().map(any).collect(), folded: true })
    }

    /// The names that it remembers.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| if let Token::Capture(name) = token { Some(name.as_str()) } else { None })
    }

    /// What it remembers of a text that it matches as a whole; `None` when it does not.
    pub fn matches(&self, text: &str) -> Option<Captures> {
        let text: Vec<char> = text.chars().collect();
        let mut run = Run { glob: self, text: &text, failed: HashSet::new(), found: Vec::new() };
        run.at(0, 0).then(|| {
            run.found.reverse();
            run.found
        })
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Run<'a> {
    glob: &'a Glob,
    text: &'a [char],
    /// Pairs of places in pattern and text from which the rest is known not to match.
    failed: HashSet<(usize, usize)>,
    /// Captures, the last first.
    found: Captures,
}

impl Run<'_> {
    fn at(&mut self, token: usize, from: usize) -> bool {
        if self.failed.contains(&(token, from)) {
            return false;
        }
        let matched = self.step(token, from);
        if !matched {
            self.failed.insert((token, from));
        }
        matched
    }

    fn step(&mut self, token: usize, from: usize) -> bool {
        let Some(kind) = self.glob.tokens.get(token) else { return from == self.text.len() };
        let next = self.text.get(from).copied();
        match kind {
            Token::Char(wanted) => next.is_some_and(|found| self.same(*wanted, found)) && self.at(token + 1, from + 1),
            Token::One => next.is_some_and(|found| found != '/') && self.at(token + 1, from + 1),
            Token::Part | Token::Any => self.star(token, from, *kind == Token::Any),
            Token::Capture(name) => {
                let whole = self.text.get(from..).unwrap_or_default();
                let longest = whole.iter().position(|found| *found == '/').unwrap_or(whole.len());
                let end = (1..=longest).rev().find(|length| self.at(token + 1, from + length));
                if let Some(length) = end {
                    self.found.push((name.clone(), whole[..length].iter().collect()));
                }
                end.is_some()
            }
        }
    }

    /// Any number of characters. A star that fails from one place fails from every later one of the same part, so no
    /// place is tried twice.
    fn star(&mut self, token: usize, from: usize, crosses: bool) -> bool {
        let rest = self.text.get(from..).unwrap_or_default();
        let longest = if crosses { None } else { rest.iter().position(|found| *found == '/') };
        for end in from..=from + longest.unwrap_or(rest.len()) {
            if self.failed.contains(&(token, end)) {
                return false;
            }
            if self.at(token + 1, end) {
                return true;
            }
            self.failed.insert((token, end));
        }
        false
    }

    fn same(&self, one: char, two: char) -> bool {
        one == two || self.glob.folded && one.to_lowercase().eq(two.to_lowercase())
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(format!("write a pattern of 1 to {LONGEST} characters"));
    }
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        tokens.push(match next {
            '*' if rest.next_if_eq(&'*').is_some() => Token::Any,
            '*' => Token::Part,
            '?' => Token::One,
            '{' => {
                let name: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if rest.next().is_none() || !word {
                    return Err("write {name}, with letters, digits or _ in it".to_owned());
                }
                if tokens.contains(&Token::Capture(name.clone())) {
                    return Err(format!("{{{name}}} is there twice"));
                }
                Token::Capture(name)
            }
            other => Token::Char(other),
        });
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("src/*.rs", "src/a.rs", Some(""))]
    #[case::one_part("src/*.rs", "src/a/b.rs", None)]
    #[case::any("src/**.rs", "src/a/b.rs", Some(""))]
    #[case::captured("services/{svc}/**", "services/pay/src/a.rs", Some("svc=pay"))]
    #[case::two("{team}/{svc}/x", "a/b/x", Some("team=a svc=b"))]
    #[case::piece("svc-{name}.json", "svc-pay.json", Some("name=pay"))]
    #[case::nothing_captured("services/{svc}/x", "services//x", None)]
    #[case::one("a?c", "abc", Some(""))]
    #[case::not_the_slash("a?c", "a/c", None)]
    #[case::case_counts("SRC/*", "src/a", None)]
    #[case::wide("**/ü/*", "x/y/ü/z", Some(""))]
    fn paths_are_matched_as_a_whole(#[case] glob: &str, #[case] text: &str, #[case] found: Option<&str>) {
        let found_here = Glob::path(glob).unwrap().matches(text);
        let said = |captures: Captures| {
            captures.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found_here.map(said).as_deref(), found);
    }

    #[rstest]
    #[case("Semgrep*", "semgrep oss", true)]
    #[case("*", "a/b/c", true)]
    #[case("github.com/acme/pay*", "github.com/ACME/payments", true)]
    #[case("github.com/acme/pay*", "github.com/other/pay", false)]
    fn names_are_matched_in_either_case_and_over_parts(#[case] glob: &str, #[case] text: &str, #[case] matches: bool) {
        assert_eq!(Glob::name(glob).unwrap().matches(text).is_some(), matches);
    }

    #[rstest]
    #[case("")]
    #[case("{")]
    #[case("{}")]
    #[case("{a b}")]
    #[case("{a}/{a}")]
    fn what_is_no_pattern_is_told(#[case] text: &str) {
        assert!(Glob::path(text).is_err());
    }

    #[test]
    fn a_pattern_made_to_hang_does_not() {
        let glob = Glob::path(&format!("{}b", "*a".repeat(200))).unwrap();
        assert_eq!(glob.matches(&"a".repeat(1000)), None);
    }

    proptest! {
        #[test]
        fn any_text_matches_itself_and_the_star(text in "[a-z/._-]{1,40}") {
            prop_assert!(Glob::path(&text).unwrap().matches(&text).is_some());
            prop_assert!(Glob::name("*").unwrap().matches(&text).is_some());
            prop_assert_eq!(Glob::path("*").unwrap().matches(&text).is_some(), !text.contains('/'));
        }
    }
}
