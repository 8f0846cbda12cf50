//! In which order findings are worked on: how bad, how sure, and how much data has nothing to go back to.
//!
//! The three are multiplied, each from a short table, so that a number can be explained. Findings of the same number
//! are put in order by band, sureness, age and identity: the order is total, and the same on every console.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::exposure::history;
use super::known_good::{Keeping, Points, threats};
use super::linking::{Chains, Link, band};
use super::{Judgement, Reason};
use crate::model::{Band, FindingId, Pvc, Rung, World, annotation};

/// The risk to one volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtRisk {
    /// Its points, as judged.
    pub points: Points,
    /// The copy that is kept for it.
    pub kept: Option<Keeping>,
}

/// The place of a finding in the order of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priority {
    /// Which.
    pub id: FindingId,
    /// The number; more is sooner.
    pub score: u32,
    /// How bad.
    pub band: Band,
    /// How sure it is that it runs here.
    pub rung: Rung,
    /// Whether that is only claimed.
    pub claimed: bool,
    /// Since when data is exposed to it.
    pub since: Option<Timestamp>,
}

impl Priority {
    /// What to sort by, the most urgent first.
    pub fn key(&self) -> impl Ord + use<> {
        let since = self.since.unwrap_or(Timestamp::MAX);
        (Reverse(self.score), Reverse(self.band), Reverse(self.rung), self.claimed, since, self.id)
    }
}

/// A copy that goes this soon is as good as gone.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The priority of a finding, with the volumes that it touches. `None` when it is not known.
pub fn priority(
    world: &World,
    chains: &Chains,
    id: FindingId,
    volumes: &[(&Pvc, AtRisk)],
    now: Timestamp,
) -> Option<Judgement<Priority>> {
    let (scan, place) = *chains.findings().places(id).last()?;
    let judged = band(chains, scan, place, now)?;
    let (band, source) = judged.value;
    let links = chains.workloads(id);
    let best: Option<&Link> = links.value.first();
    let (rung, claimed) = best.map_or((Rung::None, false), |link| (link.rung, link.claimed));
    let mut since: Option<Timestamp> = None;
    let mut risk = (1, Reason::new("it touches no volume that is known"));
    let mut until = judged.valid_until;
    for (claim, at_risk) in volumes {
        let first = history(world, chains, claim).exposures(chains, id).first().map(|one| one.from);
        since = [since, first].into_iter().flatten().min();
        let one = self::risk(world, claim, at_risk, now);
        until = [until, one.valid_until].into_iter().flatten().min();
        if one.value > risk.0 {
            risk = (one.value, one.reasons.into_iter().next().unwrap_or_else(|| Reason::new("data is at risk")));
        }
    }
    let (bad, sure) = (badness(band), sureness(rung, claimed));
    let score = score(band, rung, claimed, risk.0);
    let linked = if claimed { format!("{}, claimed", rung.word()) } else { rung.word().to_owned() };
    let text = format!(
        "{score} = {bad} ({}, by {source:?}) x {sure} (linked: {linked}) x {} (data at risk)",
        band.word(),
        risk.0
    );
    let reasons = [Reason::new(text.to_lowercase()), risk.1];
    let priority = Priority { id, score, band, rung, claimed, since };
    Some(Judgement::new(priority).because_all(reasons).because_all(links.reasons).until(until))
}

/// How bad, times how sure, times how much data hangs on it (see [`risk`]; one where none does).
pub fn score(band: Band, rung: Rung, claimed: bool, risk: u32) -> u32 {
    badness(band) * sureness(rung, claimed) * risk
}

fn badness(band: Band) -> u32 {
    match band {
        Band::Critical => 10,
        Band::High => 7,
        Band::Medium => 4,
        Band::Low => 2,
        Band::Info => 1,
    }
}

fn sureness(rung: Rung, claimed: bool) -> u32 {
    let sure = match rung {
        Rung::Exact => 6,
        Rung::Strong => 5,
        Rung::Probable | Rung::Manual => 4,
        Rung::Weak => 2,
        Rung::None => 1,
    };
    if claimed { sure.min(3) } else { sure }
}

/// How much of one volume's data hangs on it: what there is to go back to, times how much the data matters.
pub fn risk(world: &World, claim: &Pvc, at_risk: &AtRisk, now: Timestamp) -> Judgement<u32> {
    let path = claim.meta.reference(crate::model::Kind::Pvc).path();
    let (weight, word) = criticality(world, claim);
    let said = |what: &str| Reason::new(format!("volume {path} ({word}): {what}"));
    let Some(good) = at_risk.points.known_good() else {
        let next = "find what would prove a copy: open its restore points";
        return Judgement::new(4 * weight).because(said("it has no known-good copy").next(next));
    };
    let kept = at_risk.kept.as_ref().filter(|kept| kept.uid == good.copy.uid);
    let ways = kept.map(|kept| threats(world, kept, now));
    let goes = ways.as_ref().and_then(|ways| ways.value.iter().filter_map(|threat| threat.at).min());
    let soon = goes.map(|at| at.saturating_sub(SOON).unwrap_or(Timestamp::MIN));
    let judged = if soon.is_some_and(|soon| soon <= now) {
        let reason = ways.and_then(|ways| ways.reasons.into_iter().next());
        Judgement::new(3 * weight).because(reason.unwrap_or_else(|| said("its last known-good copy is about to go")))
    } else {
        Judgement::new(2 * weight).because(said(&format!("known-good copy {} is kept", good.copy.object.path())))
    };
    judged.until(soon.filter(|soon| now < *soon))
}

/// How much the data matters: by the label of the claim, else of its namespace. More than not said, less than high.
fn criticality(world: &World, claim: &Pvc) -> (u32, &'static str) {
    let namespace = claim.meta.namespace.as_ref().and_then(|name| world.inventory.namespaces.named(None, name));
    let label = claim.meta.label(annotation::CRITICALITY);
    let label = label.or_else(|| namespace.and_then(|namespace| namespace.meta.label(annotation::CRITICALITY)));
    match label.map(str::to_ascii_lowercase).as_deref() {
        Some("critical") => (4, "critical"),
        Some("high") => (3, "high"),
        Some("low") => (1, "low"),
        _ => (2, "normal"),
    }
}

#[cfg(test)]
mod tests;
