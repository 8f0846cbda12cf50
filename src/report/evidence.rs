//! How a control stands, and the facts that say so.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::{Judgement, Reason};
use crate::text;

/// The field of facts that say whether a kind is seen.
pub(super) const FRESHNESS: &str = "freshness";

/// How a control or one object of it stands. The order is that of how much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// The requirement is not met.
    Fail,
    /// Whether it is met cannot be told.
    Unknown,
    /// It is met.
    Pass,
    /// There is nothing that it is for.
    NotApplicable,
}

impl State {
    /// All of them, what matters most first.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Unknown, Self::Pass, Self::NotApplicable];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Unknown => "Unknown",
            Self::Pass => "Pass",
            Self::NotApplicable => "Not applicable",
        }
    }

    /// One character that tells states apart without colour.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Fail => "✗",
            Self::Unknown => "?",
            Self::Pass => "✓",
            Self::NotApplicable => "–",
        }
    }
}

/// One fact. Texts are made harmless when it is made. The members are in the order of their names: the digest of a
/// report needs that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// The time that the fact is of, such as that of a cut or of an end; left out, that of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Which of its properties was looked at.
    pub field: Cow<'static, str>,
    /// What was looked at: kind and path, or a sentence's subject.
    pub object: Box<str>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Box<str>>,
    /// What it says about the control.
    pub state: State,
    /// What was seen there.
    pub value: Box<str>,
}

impl Evidence {
    /// A fact.
    pub fn new(state: State, object: &str, field: &'static str, value: &str) -> Self {
        let safe = |text: &str| Box::from(&*text::sanitize(text));
        Self { at: None, field: field.into(), object: safe(object), remedy: None, state, value: safe(value) }
    }

    /// A fact by a judgement: its first reason is the value, and the first thing to do the remedy.
    pub fn judged<T>(state: State, object: &str, field: &'static str, judged: &Judgement<T>) -> Self {
        let value = judged.reasons.first().map_or("no reason is known", |reason| &reason.text);
        let one = Self::new(state, object, field, value);
        one.to_do(judged.reasons.iter().find_map(|reason: &Reason| reason.next.as_deref()))
    }

    /// The time that it is of.
    pub fn at(mut self, at: impl Into<Option<Timestamp>>) -> Self {
        self.at = at.into();
        self
    }

    /// What to do about it; nothing is to be done about what is as it should be.
    pub fn to_do(mut self, remedy: Option<&str>) -> Self {
        let wanted = matches!(self.state, State::Fail | State::Unknown);
        self.remedy = remedy.filter(|_| wanted).map(|text| Box::from(&*text::sanitize(text)));
        self
    }

    /// What one is found by in another report.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.object, &self.field)
    }

    /// In the order in which people should read them.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.state, &self.object, &self.field, &self.value, self.at).cmp(&(
            other.state,
            &other.object,
            &other.field,
            &other.value,
            other.at,
        ))
    }
}
