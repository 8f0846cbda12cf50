//! From the text of a filter to its terms. Knows no columns.

use std::ops::Range;

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Where it stands in the text.
    pub at: Range<usize>,
    /// Whether it must not hold.
    pub not: bool,
    /// What it asks.
    pub asks: Asks,
    /// Whether its quote is not closed.
    pub open: bool,
}

/// What a term asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Some text holds this.
    Text(Box<str>),
    /// A column, how, and with what.
    Column(Box<str>, Sign, Box<str>),
}

/// How a term asks a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `:`
    Holds,
    /// `==`
    Is,
    /// `=`
    Names,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl Sign {
    fn of(signs: &str) -> Option<(Self, usize)> {
        let known = [
            (">=", Self::AtLeast),
            ("<=", Self::AtMost),
            ("==", Self::Is),
            ("=", Self::Names),
            (">", Self::Above),
            ("<", Self::Below),
            (":", Self::Holds),
        ];
        known.into_iter().find(|(sign, _)| signs.starts_with(sign)).map(|(sign, meaning)| (meaning, sign.len()))
    }
}

/// Every term of a text, in order.
pub(super) fn terms(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut from = 0;
    while let Some(begin) = text[from..].find(|c: char| !c.is_whitespace()).map(|at| from + at) {
        let (term, end) = term(text, begin);
        terms.push(term);
        from = end;
    }
    terms
}

/// The term that begins at a place, and where it ends.
fn term(text: &str, begin: usize) -> (Term, usize) {
    let not = text[begin..].starts_with('!');
    let mut at = begin + usize::from(not);
    let (mut word, mut column, mut open) = (String::new(), None, false);
    while let Some(c) = text[at..].chars().next() {
        // The first sign after a name divides the term; what begins with a sign is text.
        let named = !word.is_empty() && !word.starts_with(['=', '<', '>', ':']);
        let divides = !open && column.is_none() && named;
        if let Some((sign, length)) = divides.then(|| Sign::of(&text[at..])).flatten() {
            column = Some((std::mem::take(&mut word), sign));
            at += length;
            continue;
        }
        if c.is_whitespace() && !open {
            break;
        }
        at += c.len_utf8();
        match c {
            '"' => open = !open,
            '\\' if open && text[at..].starts_with(['"', '\\']) => {
                word.extend(text[at..].chars().next());
                at += 1;
            }
            _ => word.push(c),
        }
    }
    let asks = match column {
        Some((column, sign)) => Asks::Column(column.into(), sign, word.into()),
        None => Asks::Text(word.into()),
    };
    (Term { at: begin..at, not, asks, open }, at)
}
