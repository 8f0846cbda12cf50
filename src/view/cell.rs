//! One value of one row, typed: it is sorted by value and becomes text only where it is seen.
//!
//! Ages are kept as moments, so a row need not be rebuilt because time passed. What is not known is
//! [`Cell::Unknown`] and prints `?`; what is known not to exist is [`Cell::Nothing`] and prints `-`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Level;
use crate::text::{self, percent};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Known not to be there.
    Nothing,
    /// Not known.
    Unknown,
    /// Text from the cluster, untrusted; made safe when drawn.
    Text(Arc<str>),
    /// A word of ours.
    Word(&'static str),
    /// A word of ours and how bad it is.
    State(Level, &'static str),
    /// A sentence and how bad it is. Untrusted like [`Cell::Text`].
    Said(Level, Arc<str>),
    /// Bytes.
    Bytes(u64),
    /// Used space of a volume, printed as `85% 8.5Gi`, and how bad that is.
    Used {
        /// Bytes in use.
        bytes: u64,
        /// Bytes there are.
        capacity: u64,
        /// How bad that is.
        level: Level,
    },
    /// A count.
    Number(u64),
    /// A count of good ones and of others.
    Counts(u32, u32),
    /// A span of time.
    Span(SignedDuration),
    /// A moment in the past; printed as its age.
    Since(Timestamp),
    /// A moment to come, printed as the time left, and how bad that is.
    Until(Timestamp, Level),
}

impl Cell {
    /// A text, or [`Cell::Nothing`].
    pub fn text_or_nothing(text: Option<&Arc<str>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.clone()))
    }

    /// Bytes, or [`Cell::Unknown`].
    pub fn bytes(bytes: Option<u64>) -> Self {
        bytes.map_or(Self::Unknown, Self::Bytes)
    }

    /// An age, or [`Cell::Unknown`].
    pub fn since(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Unknown, Self::Since)
    }

    /// What is printed, with everything untrusted made visible.
    pub fn print(&self, now: Timestamp) -> Cow<'_, str> {
        match self {
            Self::Nothing => "-".into(),
            Self::Unknown => "?".into(),
            Self::Text(text) => text::sanitize(text),
            Self::Word(word) => (*word).into(),
            Self::Said(level, text) => format!("{} {}", level.glyph(), text::sanitize(text)).into(),
            Self::State(level, word) => format!("{} {word}", level.glyph()).into(),
            Self::Bytes(bytes) => text::bytes(*bytes).into(),
            // The share first: it is what is left where the column is narrow.
            Self::Used { bytes, capacity, .. } => {
                format!("{}% {}", percent(*bytes, *capacity), text::bytes(*bytes)).into()
            }
            Self::Number(number) => number.to_string().into(),
            Self::Counts(good, 0) => good.to_string().into(),
            Self::Counts(good, other) => format!("{good} +{other} not good").into(),
            Self::Span(span) => text::age(*span).into(),
            Self::Since(moment) => text::age(now.duration_since(*moment)).into(),
            Self::Until(moment, _) => print_until(now.duration_until(*moment)).into(),
        }
    }

    /// How bad it is, where that is known.
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::State(level, _) | Self::Said(level, _) | Self::Until(_, level) | Self::Used { level, .. } => {
                Some(*level)
            }
            Self::Unknown => Some(Level::Unknown),
            Self::Nothing
            | Self::Text(_)
            | Self::Word(_)
            | Self::Bytes(_)
            | Self::Number(_)
            | Self::Counts(..)
            | Self::Span(_)
            | Self::Since(_) => None,
        }
    }

    /// Whether its text changes as time passes.
    pub fn moves(&self) -> bool {
        matches!(self, Self::Since(_) | Self::Until(..))
    }

    /// The text that filters look at, where it does not depend on the time.
    pub fn fixed_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Said(_, text) => Some(text),
            Self::Word(word) | Self::State(_, word) => Some(word),
            _ => None,
        }
    }

    /// Order by value; what is not there comes after what is, what is not known comes last.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::State(a, x), Self::State(b, y)) => b.cmp(a).then_with(|| x.cmp(y)),
            (Self::Bytes(a), Self::Bytes(b)) | (Self::Number(a), Self::Number(b)) => a.cmp(b),
            // By how full they are: of a big volume and a small one the fuller one matters.
            (Self::Used { bytes: a, capacity: x, .. }, Self::Used { bytes: b, capacity: y, .. }) => {
                percent(*a, *x).cmp(&percent(*b, *y)).then(a.cmp(b))
            }
            (Self::Counts(a, x), Self::Counts(b, y)) => a.cmp(b).then(x.cmp(y)),
            (Self::Span(a), Self::Span(b)) => a.cmp(b),
            // The youngest first, as its printed age is the smallest.
            (Self::Since(a), Self::Since(b)) => b.cmp(a),
            (Self::Until(a, _), Self::Until(b, _)) => a.cmp(b),
            (a, b) => a.class().cmp(&b.class()),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Self::State(..) => 0,
            Self::Text(_) | Self::Said(..) => 1,
            Self::Word(_) => 2,
            Self::Bytes(_) | Self::Used { .. } | Self::Number(_) | Self::Counts(..) => 3,
            Self::Span(_) | Self::Since(_) | Self::Until(..) => 4,
            Self::Nothing => 5,
            Self::Unknown => 6,
        }
    }

    /// Its value for machines: numbers in bytes and seconds, moments in RFC 3339, `null` where nothing is known.
    pub fn json(&self) -> Value {
        match self {
            Self::Nothing => json!(""),
            Self::Unknown => Value::Null,
            Self::Text(text) | Self::Said(_, text) => json!(text::sanitize(text)),
            Self::Word(word) | Self::State(_, word) => json!(word),
            Self::Bytes(number) | Self::Number(number) => json!(number),
            Self::Used { bytes, capacity, .. } => {
                json!({"bytes": bytes, "capacity": capacity, "percent": percent(*bytes, *capacity)})
            }
            Self::Counts(good, other) => json!({"good": good, "notGood": other}),
            Self::Span(span) => json!(span.as_secs()),
            Self::Since(moment) | Self::Until(moment, _) => json!(moment.to_string()),
        }
    }
}

fn print_until(left: SignedDuration) -> String {
    if left.is_negative() { format!("{} ago", text::age(left.abs())) } else { format!("in {}", text::age(left)) }
}
