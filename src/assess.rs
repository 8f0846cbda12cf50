//! Judgements: what the objects of a [`World`](crate::model::World) mean for the person on call.
//!
//! Each is a pure function of the world, one object and `now`, and gives a [`Judgement`]: a value, the reasons for
//! it, and the moment from which time alone may change it. Rules that hold everywhere: what is not known is
//! `Unknown`, never good; a good verdict needs inputs that are seen now ([`STALE_LIMIT`]); a verdict says what to do.
//! Nothing here ranks or draws.

pub mod apart;
pub mod chain;
pub mod copies;
pub mod coverage;
pub mod encryption;
pub mod expiry;
pub mod exposure;
pub mod fate;
pub mod forecast;
pub mod former;
pub mod fronts;
pub mod held;
pub mod identity;
pub mod known_good;
pub mod linking;
mod managed;
pub mod priority;
pub mod proven;
pub mod reissue;
pub mod restore_point;
pub mod retention;
pub mod reviews;
pub mod schedule;
pub mod served;
mod sight;
pub mod signing;
pub mod standing;
pub mod succession;
pub mod transport;
pub mod trust;
pub mod used;
pub mod verdict;

use jiff::Timestamp;

pub use fronts::trouble as fronts_trouble;
pub use managed::manager;
pub use sight::STALE_LIMIT;

use crate::text;

/// A value with the reasons for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<T> {
    /// What was found.
    pub value: T,
    /// Why, the most important first.
    pub reasons: Vec<Reason>,
    /// Until when it holds if no object changes; `None` when time does not matter.
    pub valid_until: Option<Timestamp>,
}

impl<T> Judgement<T> {
    /// A value that no reason was given for yet.
    pub fn new(value: T) -> Self {
        Self { value, reasons: Vec::new(), valid_until: None }
    }

    /// Adds a reason.
    pub fn because(mut self, reason: impl Into<Reason>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// Adds reasons.
    pub fn because_all(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.reasons.extend(reasons);
        self
    }

    /// Adds a moment at which it may change; the earliest counts.
    pub fn until(mut self, moment: impl Into<Option<Timestamp>>) -> Self {
        let moments = self.valid_until.into_iter().chain(moment.into());
        self.valid_until = moments.min();
        self
    }

    /// The same judgement about another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Judgement<U> {
        Judgement { value: change(self.value), reasons: self.reasons, valid_until: self.valid_until }
    }
}

/// One sentence of a judgement. Safe to draw: text of objects in it was sanitized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is so, without a full stop.
    pub text: String,
    /// What to do about it.
    pub next: Option<String>,
}

impl Reason {
    /// A reason with nothing to do about it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: text::sanitize(text.as_ref()).into_owned(), next: None }
    }

    /// Says what to do about it.
    pub fn next(self, next: impl AsRef<str>) -> Self {
        Self { next: Some(text::sanitize(next.as_ref()).into_owned()), ..self }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// How much a state matters. `Unknown` is a state of its own and never counts as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// Will become a problem.
    Warn,
    /// A problem now.
    Critical,
    /// Not known; may be a problem now.
    Unknown,
}

impl Severity {
    /// Place in a list of problems, higher first: what is known to be broken, then what may be, then the rest.
    pub fn rank(self) -> u8 {
        match self {
            Self::Critical => 4,
            Self::Unknown => 3,
            Self::Warn => 2,
            Self::Info => 1,
            Self::Ok => 0,
        }
    }

    /// The one that ranks higher.
    pub fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// Whether it belongs into a list of problems.
    pub fn problem(self) -> bool {
        self.rank() >= Self::Warn.rank()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
