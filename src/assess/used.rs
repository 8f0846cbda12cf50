//! How full a volume is, and whether that can be believed.
//!
//! Thresholds are those that kubectl-status uses. Nothing measured is Unknown, never room enough: the source may not
//! be configured, may fail, or may not see this volume. A measurement counts as long as stale objects do
//! ([`STALE_LIMIT`]). The kubelet counts blocks kept back for root as free, so a volume can be full for its
//! application a few per cent before 100.

use jiff::{SignedDuration, Timestamp};

use super::copies::CLOCK_TOLERANCE;
use super::{Judgement, Reason, STALE_LIMIT, Severity};
use crate::model::{Pvc, Usage, UsageSource, World};
use crate::text::{self, percent};

/// From this many per cent on it will become a problem.
pub const FILLING: u64 = 80;
/// From this many per cent on it is one.
pub const NEARLY_FULL: u64 = 90;
/// Nothing is left.
pub const FULL: u64 = 100;

/// What to do about a volume that fills up.
pub(super) const ROOM: &str = "make room on it, or raise the claim's storage request if its class allows expansion";

/// How full a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// Measured not long ago.
    Known {
        /// Bytes in use.
        used: u64,
        /// Bytes that its file system holds.
        capacity: u64,
    },
    /// Cannot be told.
    Unknown {
        /// Why, in a few words.
        why: String,
        /// What was measured last, when that is too old to count.
        last: Option<Usage>,
    },
}

impl Used {
    /// One word for a column.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Known { used, capacity } => match percent(*used, *capacity) {
                FULL.. => "Full",
                NEARLY_FULL.. => "Nearly full",
                FILLING.. => "Filling",
                _ => "Ok",
            },
            Self::Unknown { .. } => "Unknown",
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Known { used, capacity } => match percent(*used, *capacity) {
                NEARLY_FULL.. => Severity::Critical,
                FILLING.. => Severity::Warn,
                _ => Severity::Ok,
            },
            Self::Unknown { .. } => Severity::Unknown,
        }
    }

    /// What it adds to the state of its volume. That nobody measures adds nothing; but what was filling up when it
    /// was last measured may be full by now.
    pub fn alarm(&self) -> Severity {
        match self {
            Self::Known { .. } => self.severity(),
            Self::Unknown { last: Some(last), .. } if last.percent() >= FILLING => Severity::Unknown,
            Self::Unknown { .. } => Severity::Ok,
        }
    }
}

/// Judges the volume of a claim.
pub fn used(world: &World, claim: &Pvc, now: Timestamp) -> Judgement<Used> {
    if let Some(reason) = never_measured(world, claim) {
        return unknown(reason, None);
    }
    let key = (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone());
    let Some(usage) = world.usage.get(&key) else {
        let mounted = !world.links.pods_mounting(&key).is_empty();
        return unknown(missing(world, mounted), None);
    };
    if claim.meta.created.is_some_and(|created| usage.at < created) {
        return unknown(Reason::new("the last measurement is of an earlier claim of this name"), None);
    }
    let age = now.duration_since(usage.at);
    if age < -CLOCK_TOLERANCE {
        let reason = Reason::new(format!("it was measured {} in the future", text::age(age.abs())))
            .next("set the clocks of this machine and of Prometheus");
        return unknown(reason, None).until(after(usage.at, -CLOCK_TOLERANCE));
    }
    if age >= STALE_LIMIT {
        return outdated(world, usage, age);
    }
    known(world, *usage).until(after(usage.at, STALE_LIMIT))
}

/// Why there can be no measurement, whatever the source says.
fn never_measured(world: &World, claim: &Pvc) -> Option<Reason> {
    if *world.usage.source() == UsageSource::NotConfigured {
        let next = format!("set prometheus = \"http://…\" in [contexts.\"{}\"] of config.toml", world.context.name);
        return Some(Reason::new("no Prometheus is configured for this context").next(next));
    }
    if claim.block {
        return Some(Reason::new("a block volume: kubelets do not see how much of it is used"));
    }
    (!claim.bound()).then(|| Reason::new(format!("the claim is {}, not bound to a volume", claim.phase)))
}

/// Why there is none.
fn missing(world: &World, mounted: bool) -> Reason {
    match world.usage.source() {
        UsageSource::NotConfigured | UsageSource::Loading => Reason::new("Prometheus has not answered yet"),
        UsageSource::Failing { why, .. } => Reason::new(why),
        UsageSource::Live { .. } if world.usage.is_empty() => {
            Reason::new("Prometheus has no kubelet_volume_stats_* of any volume")
                .next("let it scrape /metrics of the kubelets")
        }
        UsageSource::Live { .. } if mounted => Reason::new("Prometheus has no measurement of it")
            .next("see whether its node's kubelet is scraped, and whether its CSI driver reports volume stats"),
        UsageSource::Live { .. } => Reason::new("no pod mounts it, so no kubelet measures it"),
    }
}

fn outdated(world: &World, usage: &Usage, age: SignedDuration) -> Judgement<Used> {
    let reason = Reason::new(format!("it was last measured {} ago, {}% full", text::age(age), usage.percent()));
    unknown(reason, Some(*usage)).because_all(failing(world))
}

fn known(world: &World, usage: Usage) -> Judgement<Used> {
    let Usage { used, capacity, .. } = usage;
    let value = Used::Known { used, capacity };
    let said = format!("{}% of it is used: {} of {}", usage.percent(), text::bytes(used), text::bytes(capacity));
    let reason = Reason::new(said);
    let full = value.severity().problem();
    let reason = if full { reason.next(ROOM) } else { reason };
    Judgement::new(value).because(reason).because_all(failing(world))
}

/// That the source fails, where it does: what is known grows old.
fn failing(world: &World) -> Option<Reason> {
    let UsageSource::Failing { why, .. } = world.usage.source() else { return None };
    Some(Reason::new(why).next("see :problems for what to do about Prometheus"))
}

fn unknown(reason: Reason, last: Option<Usage>) -> Judgement<Used> {
    Judgement::new(Used::Unknown { why: reason.text.clone(), last }).because(reason)
}

fn after(moment: Timestamp, duration: SignedDuration) -> Timestamp {
    moment.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
