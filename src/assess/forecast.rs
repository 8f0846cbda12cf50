//! When a volume will be full, if it goes on filling as it did.
//!
//! A straight line through what was measured lately: the median of the slopes between every two points (Theil and
//! Sen), which a burst or a clean-up among them does not turn. Too few points, too short a time or no growth is
//! Unknown, never "it will not fill". The line is not drawn further than [`REACH`] times the time that was measured.

use jiff::{SignedDuration, Timestamp};

use super::schedule::NextCopy;
use super::used::{ROOM, Used};
use super::{Judgement, Reason, Severity};
use crate::model::{ClaimKey, Pvc, World};
use crate::text;

/// Points that a line needs at least.
const LEAST: usize = 6;
/// Time that they must span at least.
const LEAST_SPAN: SignedDuration = SignedDuration::from_mins(15);
/// How many times the span a line may be drawn on.
pub const REACH: i32 = 20;
/// A volume that is full within this time needs a person now.
pub const SOON: SignedDuration = SignedDuration::from_hours(24);
/// How long a forecast counts: by then there is a measurement more.
const HOLDS: SignedDuration = SignedDuration::from_mins(5);

/// When a volume will be full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// About then.
    Full {
        /// When.
        at: Timestamp,
        /// Bytes more an hour.
        per_hour: u64,
        /// The time whose measurements say so.
        over: SignedDuration,
        /// Whether that is before its next copy or within [`SOON`].
        alarm: bool,
    },
    /// Cannot be told.
    Unknown {
        /// Why, in a few words.
        why: String,
    },
}

impl Forecast {
    /// What it adds to the state of its volume. That nothing can be told adds nothing.
    pub fn alarm(&self) -> Severity {
        if matches!(self, Self::Full { alarm: true, .. }) { Severity::Warn } else { Severity::Ok }
    }

    /// One word for a column.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Full { .. } => "Filling",
            Self::Unknown { .. } => "Unknown",
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Full { alarm: true, .. } => Severity::Warn,
            Self::Full { alarm: false, .. } => Severity::Info,
            Self::Unknown { .. } => Severity::Unknown,
        }
    }
}

/// Looks ahead for the volume of a claim, of which `filled` is known. When its next copy is expected is only asked where
/// there is something to compare it with.
pub fn forecast(
    world: &World,
    claim: &Pvc,
    filled: &Used,
    next: impl FnOnce() -> Option<NextCopy>,
    now: Timestamp,
) -> Judgement<Forecast> {
    let Used::Known { used, capacity } = *filled else { return unknown("how full it is now is not known") };
    if used >= capacity {
        return unknown("it is full already");
    }
    let points = points(world, claim, now);
    let over = match (points.first(), points.last()) {
        (Some((first, _)), Some((last, _))) => last.duration_since(*first),
        _ => SignedDuration::ZERO,
    };
    if points.len() < LEAST || over < LEAST_SPAN {
        return unknown(format!("too few measurements yet: {} over {}", points.len(), text::age(over)));
    }
    let per_second = slope(&points);
    // Less than a thousandth of the volume is noise.
    if per_second * over.as_secs_f64() < number(capacity) / 1000.0 {
        let word = if per_second < 0.0 { "it shrank" } else { "it hardly grew" };
        return unknown(format!("{word} in the last {}", text::age(over)));
    }
    let left = number(capacity - used) / per_second;
    if left > over.as_secs_f64() * f64::from(REACH) {
        return unknown(format!("it grows too slowly to look that far ahead from {} of measurements", text::age(over)));
    }
    let Ok(left) = SignedDuration::try_from_secs_f64(left) else { return unknown("it is too far ahead") };
    said(left, bytes(per_second * 3600.0), over, next().as_ref(), now)
}

fn said(
    left: SignedDuration,
    per_hour: u64,
    over: SignedDuration,
    next: Option<&NextCopy>,
    now: Timestamp,
) -> Judgement<Forecast> {
    let at = now.saturating_add(left).unwrap_or(Timestamp::MAX);
    let before = next.filter(|next| at < next.at);
    let alarm = before.is_some() || left < SOON;
    let mut text = format!(
        "full in about {} if it goes on as in the last {}: {} more an hour",
        text::age(left),
        text::age(over),
        text::bytes(per_hour)
    );
    if let Some(next) = before {
        let due = text::age(next.at.duration_since(now));
        text = format!("{text}; that is before its next copy, due in {due} by {}", next.by);
    }
    let reason = Reason::new(text);
    let reason = if alarm { reason.next(ROOM) } else { reason };
    Judgement::new(Forecast::Full { at, per_hour, over, alarm }).because(reason).until(now.saturating_add(HOLDS).ok())
}

/// What was measured of this very claim, the oldest first, with the latest measurement at the end.
pub fn points(world: &World, claim: &Pvc, now: Timestamp) -> Vec<(Timestamp, u64)> {
    let key: ClaimKey = (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone());
    let latest = world.usage.get(&key).map(|usage| (usage.at, usage.used));
    let own = |(at, _): &&(Timestamp, u64)| claim.meta.created.is_none_or(|created| *at >= created) && *at <= now;
    let mut points: Vec<_> = world.usage.history(&key).iter().chain(&latest).filter(own).copied().collect();
    // The latest may be the newest point of the history.
    points.dedup_by_key(|(at, _)| *at);
    points
}

/// Bytes a second: the median of the slopes between every two points.
fn slope(points: &[(Timestamp, u64)]) -> f64 {
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let steep = |((from, a), (to, b)): (&(Timestamp, u64), &(Timestamp, u64))| {
        (number(*b) - number(*a)) / to.duration_since(*from).as_secs_f64().max(1.0)
    };
    let mut slopes: Vec<f64> = pairs.map(steep).collect();
    if slopes.is_empty() {
        return 0.0;
    }
    let middle = slopes.len() / 2;
    *slopes.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[expect(clippy::cast_precision_loss, reason = "a forecast is not exact to the byte")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
fn bytes(number: f64) -> u64 {
    number as u64
}

fn unknown(why: impl Into<String>) -> Judgement<Forecast> {
    let why = why.into();
    Judgement::new(Forecast::Unknown { why: why.clone() }).because(why)
}

#[cfg(test)]
mod tests;
