//! From the answers of Prometheus to one measurement per claim.
//!
//! A measurement needs all three answers to agree on a series. Where one claim has several series (a pod that moved,
//! a volume mounted on many nodes) the newest counts, and of those measured at about the same time the fullest.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::model::{ClaimKey, Usage};

/// Series of one claim that differ by less were measured at the same time: kubelets are scraped in turn.
const SAME_TIME: SignedDuration = SignedDuration::from_mins(2);

/// Why an answer is not what a query API gives. Never holds any of it but its own word for an error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AnswerError {
    /// Not the JSON that it should be.
    #[error("gave something that is not an answer of its query API ({0}); is the address right?")]
    NotAnAnswer(Box<str>),
    /// `status` is not `success`.
    #[error("could not answer the query ({0})")]
    Query(Box<str>),
    /// Not an instant vector.
    #[error("gave something else than an instant vector; is the address right?")]
    NotAVector,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default, rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    #[serde(default)]
    result: Vec<Series>,
}

/// `value` is missing from series that are histograms or ranges.
#[derive(Deserialize)]
struct Series {
    metric: Labels,
    #[serde(default)]
    value: Option<(IgnoredAny, String)>,
}

/// The labels of a series: the claim they name, and all others but the metric's name as one number. 10,000 volumes
/// have a dozen labels each, and none of them is needed again.
struct Labels {
    claim: Option<ClaimKey>,
    others: u64,
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let (mut namespace, mut exported, mut name, mut others) = (None, None, None, 0_u64);
        while let Some((label, value)) = map.next_entry::<String, String>()? {
            match label.as_str() {
                "__name__" => {}
                "namespace" => namespace = Some(value),
                // What Prometheus makes of a metric's own namespace when the target has one too.
                "exported_namespace" => exported = Some(value),
                "persistentvolumeclaim" => name = Some(value),
                _ => {
                    let mut hasher = DefaultHasher::new();
                    (label, value).hash(&mut hasher);
                    // A sum, because labels come in any order.
                    others = others.wrapping_add(hasher.finish());
                }
            }
        }
        let claim = exported.or(namespace).zip(name).map(|(namespace, name)| (Arc::from(namespace), Arc::from(name)));
        Ok(Labels { claim, others })
    }
}

/// What is known of one series so far.
#[derive(Default)]
struct Parts {
    at: Option<Timestamp>,
    used: Option<u64>,
    capacity: Option<u64>,
}

/// What the three answers say, put together series by series.
#[derive(Default)]
pub(super) struct Measured {
    series: HashMap<(ClaimKey, u64), Parts>,
}

impl Measured {
    /// Takes in the answer that says when each series was measured.
    pub(super) fn times(&mut self, body: &[u8]) -> Result<(), AnswerError> {
        self.take(body, |parts, value| parts.at = moment(value))
    }

    /// Takes in the answer that says how much is used.
    pub(super) fn used(&mut self, body: &[u8]) -> Result<(), AnswerError> {
        self.take(body, |parts, value| parts.used = count(value))
    }

    /// Takes in the answer that says how much there is.
    pub(super) fn capacities(&mut self, body: &[u8]) -> Result<(), AnswerError> {
        self.take(body, |parts, value| parts.capacity = count(value).filter(|capacity| *capacity > 0))
    }

    fn take(&mut self, body: &[u8], set: impl Fn(&mut Parts, f64)) -> Result<(), AnswerError> {
        for series in vector(body)? {
            let value = series.value.and_then(|(_, value)| value.parse().ok());
            if let (Some(claim), Some(value)) = (series.metric.claim, value) {
                set(self.series.entry((claim, series.metric.others)).or_default(), value);
            }
        }
        Ok(())
    }

    /// One measurement per claim.
    pub(super) fn claims(self) -> Vec<(ClaimKey, Usage)> {
        let mut claims: HashMap<ClaimKey, Vec<Usage>> = HashMap::new();
        for ((claim, _), parts) in self.series {
            if let Parts { at: Some(at), used: Some(used), capacity: Some(capacity) } = parts {
                claims.entry(claim).or_default().push(Usage { used, capacity, at });
            }
        }
        claims.into_iter().filter_map(|(claim, usages)| Some((claim, best(&usages)?))).collect()
    }
}

fn best(usages: &[Usage]) -> Option<Usage> {
    let newest = usages.iter().map(|usage| usage.at).max()?;
    let current = usages.iter().filter(|usage| newest.duration_since(usage.at) < SAME_TIME);
    // The fuller one, exactly: a/b and c/d compare as a*d and c*b.
    let share = |a: &Usage, b: &Usage| u128::from(a.used) * u128::from(b.capacity);
    current.max_by(|a, b| share(a, b).cmp(&share(b, a)).then(a.at.cmp(&b.at))).copied()
}

fn vector(body: &[u8]) -> Result<Vec<Series>, AnswerError> {
    // Its own message may quote what was read.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        AnswerError::NotAnAnswer(format!("line {}, column {}", error.line(), error.column()).into())
    })?;
    if answer.status != "success" {
        return Err(AnswerError::Query(word(answer.error_type).unwrap_or_else(|| "without a reason".into())));
    }
    let data = answer.data.ok_or_else(|| AnswerError::NotAnAnswer("without data".into()))?;
    if data.result_type == "vector" { Ok(data.result) } else { Err(AnswerError::NotAVector) }
}

/// The word for an error in an answer that is one, such as `bad_data`.
pub(super) fn error_type(body: &[u8]) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "errorType")]
        error_type: String,
    }
    word(serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.error_type))
}

/// Nothing but a word gets out of an answer.
fn word(text: Option<String>) -> Option<Box<str>> {
    let plain = |text: &String| text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    text.filter(plain).filter(|text| !text.is_empty()).map(Into::into)
}

/// A number of bytes; `None` for NaN, infinities and what is less than nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked; beyond u64 the cast saturates")]
fn count(value: f64) -> Option<u64> {
    (value.is_finite() && value >= 0.0).then_some(value as u64)
}

/// A moment from seconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "what saturates is out of a timestamp's range")]
fn moment(seconds: f64) -> Option<Timestamp> {
    if seconds.is_finite() { Timestamp::from_millisecond((seconds * 1000.0) as i64).ok() } else { None }
}

#[cfg(test)]
mod tests;
