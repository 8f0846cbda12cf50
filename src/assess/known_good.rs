//! Which copy of a volume's data can be trusted, which one must be kept for that, and what else would delete it.
//!
//! *Known-good* is a good restore point that was cut BEFORE, with proof, for every finding of concern. Without a
//! finding there is nothing that it could be before of: then it is *not known bad*, and no more. What is kept is the
//! newest known-good copy while a finding of concern touches the volume; while none is proven, the newest that may be
//! one, because a proof can still come, and a deleted copy cannot.

mod concern;
mod threat;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::copies::{Copy, copies};
use super::exposure::{Exposure, History, history, said};
use super::linking::Chains;
use super::verdict::{Judging, Verdict};
use super::{Judgement, Reason, Severity};
use crate::model::{Band, FindingId, ObjRef, Pvc, Uid, World};
use crate::text;

pub use concern::{Concern, concern, concerns};
pub use threat::{Threat, threats};

/// The least band of a finding that makes copies suspicious unless it is said otherwise.
pub const CONCERN: Band = Band::High;

/// The least band of a finding that makes copies suspicious in this world.
pub fn least(world: &World) -> Band {
    world.linking.concern.unwrap_or(CONCERN)
}

/// How far one restore point can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Cut before every exposure of concern, with proof.
    KnownGood,
    /// No finding of concern touches its volume. That is no proof.
    NotKnownBad,
    /// Cannot be told of at least one finding, and none is known to have exposed it.
    Unknown,
    /// Cut after an exposure began, and not seen to be exposed itself: the data may be tainted.
    Tainted,
    /// Cut during an exposure.
    Exposed,
}

impl Trust {
    /// Words for a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::KnownGood => "known-good",
            Self::NotKnownBad => "not known bad",
            Self::Unknown => "unknown",
            Self::Tainted => "may be tainted",
            Self::Exposed => "exposed",
        }
    }

    /// How much it matters. Only a proof is green.
    pub fn severity(self) -> Severity {
        match self {
            Self::KnownGood => Severity::Ok,
            Self::NotKnownBad => Severity::Info,
            Self::Unknown => Severity::Unknown,
            Self::Tainted => Severity::Warn,
            Self::Exposed => Severity::Critical,
        }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Before => Self::KnownGood,
            Verdict::During => Self::Exposed,
            Verdict::After => Self::Tainted,
            Verdict::Unknown => Self::Unknown,
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::KnownGood => 0,
            Self::NotKnownBad => 1,
            Self::Unknown => 2,
            Self::Tainted => 3,
            Self::Exposed => 4,
        }
    }
}

/// One good restore point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Which copy.
    pub copy: Copy,
    /// The moment of its cut.
    pub cut: Timestamp,
    /// How far it can be trusted.
    pub trust: Trust,
    /// The finding that says so, where one does.
    pub by: Option<FindingId>,
    /// Why, and what would prove more.
    pub why: Vec<Reason>,
}

/// All good restore points of a volume, the newest first, with the findings that matter for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Points {
    /// The points.
    pub points: Vec<Point>,
    /// The findings of concern.
    pub concerns: Vec<FindingId>,
    /// Since when the data is exposed for certain; the earliest.
    pub first_exposed: Option<Timestamp>,
}

impl Points {
    /// The newest known-good point.
    pub fn known_good(&self) -> Option<&Point> {
        self.points.iter().find(|point| point.trust == Trust::KnownGood)
    }

    /// The one to keep: the newest known-good; else the newest that may turn out to be.
    pub fn to_keep(&self) -> Option<&Point> {
        if self.concerns.is_empty() && self.first_exposed.is_none() {
            return None;
        }
        let may_be = |point: &&Point| {
            matches!(point.trust, Trust::Unknown | Trust::NotKnownBad)
                && self.first_exposed.is_none_or(|first| point.cut < first)
        };
        self.known_good().or_else(|| self.points.iter().find(may_be))
    }
}

/// Judges the good restore points of a claim against every finding of at least this band.
pub fn points(world: &World, chains: &Chains, claim: &Pvc, least: Band, now: Timestamp) -> Judgement<Points> {
    points_within(world, chains, claim, least, usize::MAX, now)
}

/// The same, against at most so many findings, the worst: for screens, which must not be kept waiting. Where there are
/// more, nothing is known to be good.
pub fn points_within(
    world: &World,
    chains: &Chains,
    claim: &Pvc,
    least: Band,
    most: usize,
    now: Timestamp,
) -> Judgement<Points> {
    let past = history(world, chains, claim);
    let mut concerns = concerns(chains, &past, least, now);
    let beyond = concerns.value.len().saturating_sub(most);
    concerns.value.truncate(most);
    let good = copies(world, claim, now).good;
    let mut judging = Judging::new(chains, &past);
    let ids: Vec<FindingId> = concerns.value.iter().map(|concern| concern.id).collect();
    let exposed =
        ids.iter().filter_map(|id| judging.exposures(*id).iter().filter(|one| one.certain()).map(|one| one.from).min());
    let first_exposed = exposed.min().into_iter().chain(past.compromise.as_ref().map(|(since, _)| *since)).min();
    let mut until = concerns.valid_until;
    let mut reasons = Vec::new();
    let mut points = Vec::new();
    for (copy, cut) in good {
        until = [until, copy.valid_until].into_iter().flatten().min();
        let (trust, by, why) = trust(&mut judging, &past, &ids, cut);
        if points.is_empty() {
            reasons.extend(why.iter().cloned());
        }
        points.push(Point { copy, cut, trust, by, why });
    }
    let unread = chains.findings().unread();
    let green = |point: &&mut Point| matches!(point.trust, Trust::KnownGood | Trust::NotKnownBad);
    if beyond > 0 {
        let path = claim.meta.reference(crate::model::Kind::Pvc).path();
        let text =
            format!("{} here", text::plural(beyond, "finding more is not judged", "findings more are not judged"));
        let reason = Reason::new(text).next(format!("holdfast known-good {path} judges all"));
        for point in points.iter_mut().filter(green) {
            point.trust = Trust::Unknown;
            point.why.insert(0, reason.clone());
        }
        reasons.insert(0, reason);
    }
    if let Some(first) = unread.first() {
        let more = if unread.len() > 1 { format!(", and {} more", unread.len() - 1) } else { String::new() };
        let text = format!("what was found is not known in full: {first}{more}");
        reasons.insert(0, Reason::new(text).next("make every source of findings readable, or take it out"));
        points.iter_mut().filter(green).for_each(|point| point.trust = Trust::Unknown);
    }
    Judgement::new(Points { points, concerns: ids, first_exposed })
        .because_all(reasons)
        .because_all(concerns.reasons)
        .until(until)
}

/// How far a point of this cut can be trusted: the worst of all verdicts, and its reasons.
fn trust(
    judging: &mut Judging,
    past: &History,
    ids: &[FindingId],
    cut: Timestamp,
) -> (Trust, Option<FindingId>, Vec<Reason>) {
    if let Some((_, why)) = past.compromise.as_ref().filter(|(since, _)| *since <= cut) {
        return (Trust::Exposed, None, vec![why.clone()]);
    }
    let mut worst = (Trust::NotKnownBad, None, vec![Reason::new("no finding of concern touches its volume")]);
    for (place, id) in ids.iter().enumerate() {
        let judged = judging.verdict(*id, cut);
        // Whether the code at the cut was fixed may not be known: that it was exposed before is.
        let exposed = |one: &Exposure| one.certain() && one.from <= cut;
        let trust = match judged.value {
            Verdict::Unknown if judging.exposures(*id).iter().any(exposed) => Trust::Tainted,
            verdict => Trust::of(verdict),
        };
        if place == 0 || trust.rank() > worst.0.rank() {
            worst = (trust, Some(*id), judged.reasons);
        }
        if trust == Trust::Exposed {
            break;
        }
    }
    worst
}

/// What to restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// The point to restore: the newest known-good. `None` when nothing is proven.
    pub point: Option<(ObjRef, Uid, Timestamp)>,
    /// The time whose writes would be lost.
    pub lost: Option<SignedDuration>,
    /// The newest point that may be known-good, when none is.
    pub may_be: Option<(ObjRef, Uid, Timestamp)>,
    /// Other data that code with the same findings could write, by lineage.
    pub also: Vec<Uid>,
}

/// Says which point of a volume to restore, what that loses, and what else is affected.
pub fn recommend(
    world: &World,
    chains: &Chains,
    claim: &Pvc,
    least: Band,
    now: Timestamp,
) -> Judgement<Recommendation> {
    advise(world, chains, claim, points(world, chains, claim, least, now), now)
}

/// The same, of points that are judged already.
pub fn advise(
    world: &World,
    chains: &Chains,
    claim: &Pvc,
    judged: Judgement<Points>,
    now: Timestamp,
) -> Judgement<Recommendation> {
    let named = |point: &Point| (point.copy.object.clone(), point.copy.uid.clone(), point.cut);
    let good = judged.value.known_good();
    let also = also(world, chains, claim, &judged.value.concerns);
    let affected = (!also.is_empty()).then(|| {
        let others = text::plural(also.len(), "other volume", "other volumes");
        Reason::new(format!("code with the same findings could write {others}"))
            .next("judge each of them: what was tainted may have spread")
    });
    let lost = good.map(|point| now.duration_since(point.cut).max(SignedDuration::ZERO));
    let recommendation = Recommendation {
        point: good.map(named),
        lost,
        may_be: if good.is_none() { judged.value.to_keep().map(named) } else { None },
        also,
    };
    let reason = match (good, lost) {
        (Some(point), Some(lost)) => {
            let path = point.copy.object.path();
            let (lost, from) = (text::quantity::span(lost), said(point.cut));
            let what = "is the newest known-good copy; restoring it loses the writes of";
            Reason::new(format!("{path} {what} {lost}, from {from} to now"))
                .next("keep what is there now as evidence: restore beside it, or take a copy first")
        }
        _ if judged.value.concerns.is_empty() && judged.value.first_exposed.is_none() => {
            Reason::new("no finding of concern touches this volume: nothing is known bad, and nothing is proven")
        }
        _ => Reason::new("no copy is proven to be from before the exposure"),
    };
    let until = judged.valid_until;
    // What keeps the best copy from being proven comes first: that is what a person can do something about.
    let best = judged.value.to_keep().filter(|_| good.is_none());
    let lacks: Vec<Reason> =
        best.iter().flat_map(|point| &point.why).filter(|why| !judged.reasons.contains(why)).cloned().collect();
    Judgement::new(recommendation)
        .because(reason)
        .because_all(lacks)
        .because_all(judged.reasons)
        .because_all(affected)
        .until(until)
}

/// Other data that code with these findings could write.
fn also(world: &World, chains: &Chains, claim: &Pvc, ids: &[FindingId]) -> Vec<Uid> {
    let own = super::restore_point::lineage(world, claim);
    let mut programs = BTreeSet::new();
    for id in ids {
        let links = chains.workloads(*id).value;
        programs.extend(links.into_iter().filter(|link| link.rung.proves()).map(|link| link.program));
    }
    chains.volumes_of(&programs).into_iter().filter(|lineage| *lineage != own).collect()
}

/// A copy that must be kept, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Its object.
    pub object: ObjRef,
    /// Its UID.
    pub uid: Uid,
    /// Why, for retention and plans. Safe to draw.
    pub why: String,
    /// Whether it is proven known-good, and not only maybe.
    pub proven: bool,
}

/// The copy of a claim's data that must be kept because of an open exposure.
pub fn keeping(world: &World, chains: &Chains, claim: &Pvc, least: Band, now: Timestamp) -> Judgement<Option<Keeping>> {
    if chains.is_idle() {
        return Judgement::new(None);
    }
    points(world, chains, claim, least, now).map(|points| keep(&points))
}

/// Which of these points must be kept.
pub fn keep(points: &Points) -> Option<Keeping> {
    let point = points.to_keep()?;
    let proven = point.trust == Trust::KnownGood;
    let findings = match points.concerns.len() {
        0 => "a compromise".to_owned(),
        count => text::plural(count, "open finding", "open findings"),
    };
    let why = if proven {
        format!("the last known-good copy: {findings} on what writes this volume")
    } else {
        format!("it may be the last known-good copy: {findings} on what writes this volume, and none is proven")
    };
    Some(Keeping { object: point.copy.object.clone(), uid: point.copy.uid.clone(), why, proven })
}

/// What would delete copies that must be kept, of every volume that something wrote which is known, in the order of
/// their names: one row each for whoever has to act. Copies that nothing but this console may delete are not among them.
pub fn alarms(
    world: &World,
    chains: &Chains,
    least: Band,
    now: Timestamp,
) -> Vec<(ObjRef, Uid, Judgement<Vec<Threat>>)> {
    if chains.is_idle() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for claim in world.inventory.pvcs.iter() {
        let Some(kept) = keeping(world, chains, claim, least, now).value else { continue };
        let mut ways = threats(world, &kept, now);
        ways.value.retain(|threat| threat.severity.problem());
        if !ways.value.is_empty() {
            found.push((claim.meta.reference(crate::model::Kind::Pvc), claim.meta.uid(), ways));
        }
    }
    found.sort_by(|(one, ..), (two, ..)| one.cmp(two));
    found
}

/// The copy of a claim that must be kept, with everything looked up for this one.
pub fn kept(world: &World, claim: &Pvc, now: Timestamp) -> Option<Keeping> {
    keeping(world, &Chains::of(world), claim, least(world), now).value
}

/// Which findings are open on what writes a claim, as a backup writes it on its restore point: their number, and a
/// digest over their sorted identities. `None` when no scan was ever taken in: that there are none would be a lie.
pub fn open_set(world: &World, claim: &Pvc, now: Timestamp) -> Option<String> {
    let chains = Chains::of(world);
    if chains.findings().is_empty() {
        return None;
    }
    let open = concerns(&chains, &history(world, &chains, claim), Band::Info, now).value;
    let ids: BTreeSet<FindingId> = open.into_iter().map(|concern| concern.id).collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0.to_be_bytes()).collect();
    Some(format!("{} sha256:{}", ids.len(), text::sha256(&bytes)))
}

#[cfg(test)]
mod tests;
