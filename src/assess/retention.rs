//! Which copies of a volume's data stay and which may go, each with its reasons.
//!
//! Two steps: what is known of each copy ([`items`]), and the decision ([`decide`]), which looks at nothing else. The
//! rules are restic's (`internal/restic/snapshot_policy.go`), by the moment of the cut. Whatever the rules say, what
//! must not be deleted stays: [`Tie`] and the last copies of each sort. It deletes nothing, and does not say whether
//! this is a good moment to delete.

mod buckets;
mod items;

use jiff::{SignedDuration, Timestamp};

use super::copies::CLOCK_TOLERANCE;
use crate::model::{DeletionPolicy, Keep, ObjRef, Uid};
use crate::text;

pub use items::{Uses, hold, items, other_pruner, unfinished};

/// Why the newest good copy stays.
pub const LAST_GOOD: &str = "the last good copy";

/// One copy, as far as retention looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which object.
    pub object: ObjRef,
    /// Its UID.
    pub uid: Uid,
    /// When the object was created.
    pub created: Option<Timestamp>,
    /// The moment of the cut.
    pub cut: Option<Timestamp>,
    /// What it is worth.
    pub worth: Worth,
    /// Why it is not for the rules to delete, in words that may be drawn.
    pub ties: Vec<Tie>,
    /// Whether a restore proved it.
    pub proven: bool,
    /// Whether the application had been told of the cut.
    pub application: bool,
    /// The content that it is bound to, and what deleting it does.
    pub content: Option<(String, Uid, DeletionPolicy)>,
}

/// What a copy is worth to retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Restorable; it counts.
    Good,
    /// Being made.
    Unfinished(String),
    /// Not restorable, as far as the driver says.
    Failed(String),
    /// On its way out.
    Leaving,
    /// Whether it is a copy of this volume, or what it is worth, is not known.
    Doubtful(String),
}

/// Why a copy is not for the rules to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Somebody else's. It does not count.
    Foreign(String),
    /// Held. It does not count.
    Held(String),
    /// Anything else; it counts like others.
    Other(String),
}

impl Tie {
    fn text(&self) -> &str {
        match self {
            Self::Foreign(text) | Self::Held(text) | Self::Other(text) => text,
        }
    }
}

/// What becomes of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The copy.
    pub item: Item,
    /// Whether it stays.
    pub kept: bool,
    /// Why; at least one.
    pub reasons: Vec<String>,
}

impl Item {
    fn good(&self) -> bool {
        self.worth == Worth::Good && self.cut.is_some()
    }

    /// The moment that it counts by: of a good copy whose cut is not in the future.
    fn counts(&self, now: Timestamp) -> Option<Timestamp> {
        self.cut.filter(|cut| self.good() && cut.duration_since(now) <= CLOCK_TOLERANCE)
    }

    fn foreign(&self) -> bool {
        self.ties.iter().any(|tie| matches!(tie, Tie::Foreign(_)))
    }

    /// Whether it takes a place of a rule.
    fn takes_place(&self) -> bool {
        !self.ties.iter().any(|tie| matches!(tie, Tie::Foreign(_) | Tie::Held(_)))
    }
}

/// Decides on the copies of one lineage. At least `minimum` good ones that nobody else deletes stay, the newest, and
/// never fewer than one. The order of the items does not matter; the answer has the newest first.
pub fn decide(items: Vec<Item>, keep: &Keep, minimum: usize, now: Timestamp) -> Vec<Decided> {
    let mut decided: Vec<Decided> =
        items.into_iter().map(|item| Decided { item, kept: false, reasons: Vec::new() }).collect();
    decided.sort_by(|a, b| {
        let key = |decided: &Decided| (decided.item.cut.or(decided.item.created), decided.item.uid.clone());
        key(b).cmp(&key(a))
    });
    by_rules(&mut decided, keep, now);
    last_ones(&mut decided, minimum.max(1), now);
    let newest = decided.iter().find_map(|one| one.item.counts(now).filter(|_| !one.item.foreign()));
    for one in &mut decided {
        settle(one, keep, newest, now);
    }
    decided
}

/// What the rules keep.
fn by_rules(decided: &mut [Decided], keep: &Keep, now: Timestamp) {
    let places: Vec<usize> = (0..decided.len())
        .filter(|at| decided[*at].item.takes_place() && decided[*at].item.counts(now).is_some())
        .collect();
    let cuts: Vec<Timestamp> = places.iter().filter_map(|at| decided[*at].item.cut).collect();
    for (at, reasons) in places.into_iter().zip(buckets::kept(&cuts, keep)) {
        decided[at].reasons.extend(reasons);
    }
}

/// The last copies of each sort, which stay whatever the rules say.
fn last_ones(decided: &mut [Decided], minimum: usize, now: Timestamp) {
    let good = |one: &Decided| one.item.counts(now).is_some();
    let mut mark = |says: &str, count: usize, of: &dyn Fn(&Decided) -> bool| {
        let those = decided.iter_mut().filter(|one| good(one) && of(one)).take(count);
        those.for_each(|one| one.reasons.push(says.to_owned()));
    };
    mark(LAST_GOOD, 1, &|one| !one.item.foreign());
    if minimum > 1 {
        mark(&format!("one of the last {minimum} good copies"), minimum, &|one| !one.item.foreign());
    }
    mark("the last copy that a restore proved", 1, &|one| one.item.proven);
    mark("the last application-consistent copy", 1, &|one| one.item.application);
}

/// Brings what was found of one copy to an end. `newest` is the cut of the newest good copy that stays ours.
fn settle(one: &mut Decided, keep: &Keep, newest: Option<Timestamp>, now: Timestamp) {
    let item = &one.item;
    match &item.worth {
        Worth::Good if item.cut.is_none() => one.reasons.push("when it was cut is not known".to_owned()),
        Worth::Good if item.counts(now).is_none() => {
            one.reasons.push("its time of cut is in the future: a clock is wrong".to_owned());
        }
        Worth::Unfinished(what) => one.reasons.push(format!("not finished: {what}")),
        Worth::Leaving => one.reasons.push("it is being deleted already".to_owned()),
        Worth::Doubtful(why) => one.reasons.push(format!("not certain: {why}")),
        Worth::Failed(why) if newest.is_none_or(|newest| item.created.is_none_or(|created| newest <= created)) => {
            one.reasons.push(format!("failed ({why}), and no newer copy is good"));
        }
        Worth::Good | Worth::Failed(_) => {}
    }
    one.reasons.extend(item.ties.iter().map(|tie| tie.text().to_owned()));
    one.kept = !one.reasons.is_empty();
    if !one.kept {
        one.reasons.push(match &item.worth {
            Worth::Failed(why) => format!("failed ({why}), and a newer copy is good"),
            _ => format!("no rule keeps it ({})", keep.said()),
        });
    }
}

/// Whether so many deletions at once need more than a name to be confirmed: more than one copy, and more than 30 % of
/// those that are good or more than `most`.
pub fn mass(decided: &[Decided], most: usize) -> bool {
    let good = |one: &&Decided| one.item.good();
    let going = decided.iter().filter(|one| !one.kept).filter(good).count();
    let all = decided.iter().filter(good).filter(|one| !one.item.foreign()).count();
    going > 1 && (going > most || going * 10 > all * 3)
}

/// How long ago a moment was, for reasons.
fn since(moment: Timestamp, now: Timestamp) -> String {
    text::age(now.duration_since(moment).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests;
