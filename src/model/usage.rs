//! How much of each volume is used, as the kubelets measured it and a monitoring system kept it.
//!
//! Not an object of the cluster: it has a source of its own, which may not be configured or may fail while the
//! cluster is well. Whether a measurement still counts is for the judge.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::ClaimKey;
use crate::text;

mod history;

pub use history::History;

/// A measurement older than this may have been judged too old, so an equal one that follows it is news.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// How long the history of a claim that is measured no more is kept: its pod may come back.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// One measurement of a volume's file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use.
    pub used: u64,
    /// Bytes that the file system holds; a little less than the volume. Never 0.
    pub capacity: u64,
    /// When it was measured.
    pub at: Timestamp,
}

impl Usage {
    /// How full it is, in whole per cent rounded down; over 100 when more is used than the file system says it holds.
    pub fn percent(&self) -> u64 {
        text::percent(self.used, self.capacity)
    }
}

/// How the source of measurements stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UsageSource {
    /// Nobody named one.
    #[default]
    NotConfigured,
    /// It was not heard yet.
    Loading,
    /// It answered.
    Live {
        /// Its last answer.
        at: Timestamp,
    },
    /// It does not answer, or not with measurements; what it said before is kept.
    Failing {
        /// Since when.
        since: Timestamp,
        /// Why, for people.
        why: Box<str>,
    },
}

/// What is heard from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageReport {
    /// There is one, and it is being asked.
    Asking,
    /// All measurements there are now.
    Measured(Vec<(ClaimKey, Usage)>),
    /// It could not be asked, or not understood: why, for people.
    Failed(Box<str>),
}

/// The measurements of all volumes, by claim, and how their source stands.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    source: UsageSource,
    claims: HashMap<ClaimKey, Usage>,
    histories: HashMap<ClaimKey, History>,
}

impl Usages {
    /// How the source stands.
    pub fn source(&self) -> &UsageSource {
        &self.source
    }

    /// Whether there is a source that was not heard yet.
    pub fn loading(&self) -> bool {
        self.source == UsageSource::Loading
    }

    /// The last measurement of a claim's volume. It went when the source answered without it.
    pub fn get(&self, claim: &ClaimKey) -> Option<&Usage> {
        self.claims.get(claim)
    }

    /// What was measured of a claim's volume before, the oldest first; of an earlier claim of its name as well.
    pub fn history(&self, claim: &ClaimKey) -> &[(Timestamp, u64)] {
        self.histories.get(claim).map_or(&[], History::points)
    }

    /// Whether the source knows of no volume at all.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Takes in what was heard. Gives the claims whose measurement changed; `None` when the source itself did, on
    /// which every claim depends.
    pub(super) fn apply(&mut self, report: UsageReport, now: Timestamp) -> Option<HashSet<ClaimKey>> {
        match report {
            UsageReport::Asking => {
                let first = self.source == UsageSource::NotConfigured;
                if first {
                    self.source = UsageSource::Loading;
                }
                (!first).then(HashSet::new)
            }
            UsageReport::Measured(claims) => {
                let was_live = matches!(self.source, UsageSource::Live { .. });
                self.source = UsageSource::Live { at: now };
                let changed = self.replace(claims, now);
                was_live.then_some(changed)
            }
            UsageReport::Failed(why) => {
                let since = if let UsageSource::Failing { since, .. } = self.source { Some(since) } else { None };
                self.source = UsageSource::Failing { since: since.unwrap_or(now), why };
                since.map(|_| HashSet::new())
            }
        }
    }

    /// A measurement that differs in its time only changes no row: at 10,000 volumes that would be all of them, each
    /// time the source is asked.
    fn replace(&mut self, claims: Vec<(ClaimKey, Usage)>, now: Timestamp) -> HashSet<ClaimKey> {
        let mut previous = std::mem::take(&mut self.claims);
        let mut changed = HashSet::new();
        for (claim, usage) in claims {
            let same = previous.remove(&claim).is_some_and(|old| {
                (old.used, old.capacity) == (usage.used, usage.capacity) && now.duration_since(old.at) < LATE
            });
            if !same {
                changed.insert(claim.clone());
            }
            self.histories.entry(claim.clone()).or_default().note(&usage);
            self.claims.insert(claim, usage);
        }
        let recent = |(at, _): &(Timestamp, u64)| now.duration_since(*at) < FORGOTTEN;
        self.histories.retain(|_, history| history.points().last().is_some_and(recent));
        changed.extend(previous.into_keys());
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Delta, Meta, Object, Pvc, Scope, Touched, World};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn measured(claims: &[(&str, u64, i64)]) -> Delta {
        let one = |(name, used, second): &(&str, u64, i64)| {
            (("shop".into(), (*name).into()), Usage { used: *used, capacity: 100, at: at(*second) })
        };
        Delta::Usage(UsageReport::Measured(claims.iter().map(one).collect()))
    }

    fn world() -> World {
        let mut world = World::default();
        for name in ["a", "b", "c"] {
            let meta =
                Meta { namespace: Some("shop".into()), name: name.into(), uid: Some(name.into()), ..Meta::default() };
            world.apply(Delta::Upsert(Box::new(Object::Pvc(Pvc { meta, ..Pvc::default() })), Scope::All), at(0));
        }
        world
    }

    fn volumes(touched: &Touched) -> Vec<&str> {
        assert!(!touched.all);
        let mut volumes: Vec<&str> = touched.volumes.iter().map(crate::model::Uid::as_str).collect();
        volumes.sort_unstable();
        volumes
    }

    #[test]
    fn an_answer_touches_the_claims_whose_measurement_changed_came_or_went() {
        let mut world = world();
        assert!(world.apply(Delta::Usage(UsageReport::Asking), at(0)).all);
        assert!(world.apply(measured(&[("a", 1, 0), ("b", 2, 0), ("gone", 3, 0)]), at(0)).all, "the first answer");
        let touched = world.apply(measured(&[("a", 1, 30), ("b", 3, 30), ("c", 4, 30)]), at(30));
        assert_eq!(volumes(&touched), ["b", "c"]);
        let touched = world.apply(measured(&[("a", 1, 60)]), at(60));
        assert_eq!(volumes(&touched), ["b", "c"]);
        assert_eq!(world.usage.get(&("shop".into(), "a".into())).unwrap().at, at(60), "its time is kept");
        let touched = world.apply(measured(&[("a", 1, 600)]), at(600));
        assert_eq!(volumes(&touched), ["a"], "the one before was old");
    }

    #[test]
    fn what_was_measured_before_is_kept_for_a_day() {
        let mut world = world();
        let key = ("shop".into(), "a".into());
        for minute in 0..10 {
            world.apply(measured(&[("a", 1, minute * 60)]), at(minute * 60));
        }
        assert_eq!(world.usage.history(&key).len(), 10);
        world.apply(measured(&[]), at(3600));
        assert_eq!(world.usage.history(&key).len(), 10, "its pod may come back");
        world.apply(measured(&[]), at(2 * 86_400));
        assert!(world.usage.history(&key).is_empty());
    }

    #[test]
    fn a_source_that_fails_keeps_what_it_said_and_since_when() {
        let mut world = world();
        world.apply(measured(&[("a", 1, 0)]), at(0));
        assert!(world.apply(Delta::Usage(UsageReport::Failed("refused".into())), at(30)).all);
        assert!(world.apply(Delta::Usage(UsageReport::Failed("timed out".into())), at(60)).is_empty());
        assert_eq!(*world.usage.source(), UsageSource::Failing { since: at(30), why: "timed out".into() });
        assert!(world.usage.get(&("shop".into(), "a".into())).is_some());
        assert!(world.apply(measured(&[("a", 1, 90)]), at(90)).all, "all is well again");
        assert_eq!(*world.usage.source(), UsageSource::Live { at: at(90) });
    }
}
