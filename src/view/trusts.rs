//! What the copies of all volumes are worth, judged aside in slices and kept: for the list of problems.
//!
//! Judging one volume may take milliseconds where much was found, so no list and no frame does it. Judged anew is what
//! a change touched, what ran out, and everything when whoever owns the boards says so. Volumes that no code with a
//! known chain wrote are passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::exposed::MOST_JUDGED;
use super::findings::Risks;
use crate::assess::exposure::{self, History, history};
use crate::assess::known_good::{Point, Threat, Trust, advise, keep, least, points_within, threats};
use crate::assess::linking::Chains;
use crate::assess::priority::{self, AtRisk, Priority};
use crate::assess::restore_point::lineage;
use crate::assess::verdict::clean;
use crate::assess::{Reason, Severity};
use crate::model::{FindingId, Kind, ObjRef, Pvc, Touched, Uid, World};

/// Findings that run now whose priority is reckoned, of one volume: of the rest only the number is told.
const RECKONED: usize = 5;

/// What was judged of one volume.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    /// The claim.
    pub object: ObjRef,
    /// What would delete the copy that is kept and what to do about it, the worst first.
    pub threats: Vec<(Threat, Reason)>,
    /// Why there is no known-good copy of exposed data, and since when it is exposed.
    pub without: Option<(Vec<Reason>, Option<Timestamp>)>,
    /// Findings of concern in code that runs now, and may write the volume.
    pub running: Box<[FindingId]>,
    /// How each finding of concern stands that code which wrote the volume had for certain.
    pub stands: Vec<(FindingId, Stand)>,
    /// The most urgent of those that run, with why.
    pub urgent: Vec<(Priority, Vec<Reason>)>,
    /// The data, and how much hangs on it.
    risk: (Uid, u32),
    /// What each of its copies can be trusted with.
    copies: Vec<(Kind, Uid, Trust)>,
    valid_until: Option<Timestamp>,
}

/// Whether code with a finding still runs on a volume that such code wrote.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stand {
    /// It does.
    Runs,
    /// Something runs there of which it is not proven that it lacks the finding, and what would prove it.
    Unproven(Reason),
    /// Nothing does, or only what is proven to lack it.
    Lacks,
}

/// What was judged of all volumes.
#[derive(Debug, Default)]
pub(super) struct Trusts {
    due: BTreeSet<Uid>,
    judged: BTreeMap<Uid, Judged>,
    /// What each copy can be trusted with.
    copies: HashMap<Uid, Trust>,
    version: u64,
}

impl Trusts {
    /// What was judged, by claim.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&Uid, &Judged)> {
        self.judged.iter()
    }

    /// What needs a person now: the copy that is kept goes soon, or is going.
    pub(super) fn going(&self) -> impl Iterator<Item = (&Uid, &str)> {
        self.judged.iter().filter_map(|(uid, one)| {
            let (threat, reason) = one.threats.first()?;
            (threat.severity == Severity::Critical).then_some((uid, reason.text.as_str()))
        })
    }

    /// What a copy can be trusted with, as far as that was judged.
    pub(super) fn of_copy(&self, uid: &Uid) -> Option<Trust> {
        self.copies.get(uid).copied()
    }

    /// How much data hangs on each volume that was judged.
    pub(super) fn risks(&self) -> Risks {
        self.judged.values().map(|one| one.risk.clone()).collect()
    }

    /// Grows with every change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Whether volumes are to be judged.
    pub(super) fn behind(&self) -> bool {
        !self.due.is_empty()
    }

    /// When the first judgement runs out.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        self.judged.values().filter_map(|one| one.valid_until).min()
    }

    /// Takes note of a change.
    pub(super) fn note(&mut self, touched: &Touched, chains: &Chains) {
        if !chains.is_idle() {
            self.due.extend(touched.volumes.iter().cloned());
        }
    }

    /// All volumes are to be judged anew.
    pub(super) fn all(&mut self, world: &World, chains: &Chains) {
        if chains.is_idle() {
            self.version += u64::from(!self.judged.is_empty());
            (self.judged, self.copies) = (BTreeMap::new(), HashMap::new());
            self.due.clear();
            return;
        }
        let gone = |uid: &&Uid| world.inventory.pvcs.get(uid).is_none();
        self.due.extend(self.judged.keys().filter(gone).cloned().collect::<Vec<_>>());
        self.due.extend(world.inventory.pvcs.iter().map(|claim| claim.meta.uid()));
    }

    /// Judges at most this many volumes; says which copies can be trusted otherwise than before.
    pub(super) fn work(&mut self, world: &World, chains: &Chains, now: Timestamp, at_most: usize) -> Vec<(Kind, Uid)> {
        let mut changed = Vec::new();
        let out = self.judged.iter().filter(|(_, one)| one.valid_until.is_some_and(|until| until <= now));
        self.due.extend(out.map(|(uid, _)| uid.clone()).collect::<Vec<_>>());
        let mut left = at_most;
        while left > 0 {
            let Some(uid) = self.due.pop_first() else { break };
            let claim = world.inventory.pvcs.get(&uid).filter(|claim| concerned(world, chains, claim));
            // What is passed over costs next to nothing.
            left -= usize::from(claim.is_some());
            let judged = claim.map(|claim| judge(world, chains, claim, now));
            let before = self.judged.remove(&uid);
            self.version += u64::from(before != judged);
            let (was, is) = (before.map(|one| one.copies), judged.as_ref().map(|one| &one.copies));
            changed.extend(self.take_copies(was.unwrap_or_default(), is.map_or(&[], Vec::as_slice)));
            self.judged.extend(judged.map(|judged| (uid, judged)));
        }
        changed
    }

    /// Puts copies in the place of those of before; those that differ.
    fn take_copies(&mut self, was: Vec<(Kind, Uid, Trust)>, is: &[(Kind, Uid, Trust)]) -> Vec<(Kind, Uid)> {
        let gone = was.into_iter().filter(|(_, uid, _)| is.iter().all(|(_, other, _)| other != uid));
        let mut changed: Vec<(Kind, Uid)> = gone.map(|(kind, uid, _)| (kind, uid)).collect();
        for (_, uid) in &changed {
            self.copies.remove(uid);
        }
        for (kind, uid, trust) in is {
            if self.copies.insert(uid.clone(), *trust) != Some(*trust) {
                changed.push((*kind, uid.clone()));
            }
        }
        changed
    }
}

/// Whether anything is known of what could write a volume.
fn concerned(world: &World, chains: &Chains, claim: &Pvc) -> bool {
    !chains.linking().compromised.is_empty() || chains.wrote(&lineage(world, claim)).next().is_some()
}

fn judge(world: &World, chains: &Chains, claim: &Pvc, now: Timestamp) -> Judged {
    let judged = points_within(world, chains, claim, least(world), MOST_JUDGED, now);
    let kept = keep(&judged.value);
    let ways = kept.as_ref().map(|kept| threats(world, kept, now));
    let mut until = judged.valid_until;
    let mut found = Vec::new();
    if let Some(ways) = ways {
        until = until.into_iter().chain(ways.valid_until).min();
        let all = ways.value.into_iter().zip(ways.reasons);
        found = all.filter(|(threat, _)| threat.severity.problem()).collect();
    }
    let without = judged.value.first_exposed.is_some() && judged.value.known_good().is_none();
    let since = judged.value.first_exposed;
    let of = |point: &Point| (point.copy.object.kind, point.copy.uid.clone(), point.trust);
    let copies = judged.value.points.iter().map(of).collect();
    let at_risk = [(claim, AtRisk { points: judged.value.clone(), kept })];
    let risk = priority::risk(world, claim, &at_risk[0].1, now);
    let (running, urgent, stands) = running(world, chains, &at_risk, now);
    let until = until.into_iter().chain(risk.valid_until).min();
    let without = without.then(|| (advise(world, chains, claim, judged, now).reasons, since));
    Judged {
        object: claim.meta.reference(Kind::Pvc),
        threats: found,
        without,
        running,
        stands,
        urgent,
        risk: (lineage(world, claim), risk.value),
        copies,
        valid_until: until.filter(|until| now < *until),
    }
}

type Urgent = Vec<(Priority, Vec<Reason>)>;

/// The findings of concern in code that runs now, the most urgent of them, and how each stands that there ever was.
fn running(
    world: &World,
    chains: &Chains,
    at_risk: &[(&Pvc, AtRisk); 1],
    now: Timestamp,
) -> (Box<[FindingId]>, Urgent, Vec<(FindingId, Stand)>) {
    let [(claim, AtRisk { points, .. })] = at_risk;
    let past = history(world, chains, claim);
    let live = past.runs.iter().filter(|run| exposure::runs(world, run)).map(|run| run.program);
    let live: BTreeSet<usize> = live.collect();
    let stand = |id: &FindingId| Some((*id, stand(chains, &past, &live, *id)?));
    let stands: Vec<(FindingId, Stand)> = points.concerns.iter().filter_map(stand).collect();
    let ids: Box<[FindingId]> = stands.iter().filter(|(_, stand)| *stand == Stand::Runs).map(|(id, _)| *id).collect();
    let of = |id: &FindingId| {
        let judged = priority::priority(world, chains, *id, at_risk, now)?;
        Some((judged.value, judged.reasons))
    };
    let mut urgent: Urgent = ids.iter().take(RECKONED).filter_map(of).collect();
    urgent.sort_by_key(|(priority, _)| priority.key());
    (ids, urgent, stands)
}

/// How a finding stands on a volume; `None` where no code that had it for certain wrote there.
fn stand(chains: &Chains, past: &History, live: &BTreeSet<usize>, id: FindingId) -> Option<Stand> {
    let exposures = past.exposures(chains, id);
    let mut had = exposures.iter().filter(|one| one.certain()).filter_map(|one| one.program).peekable();
    had.peek()?;
    if had.any(|program| live.contains(&program)) {
        return Some(Stand::Runs);
    }
    let unproven = live.iter().find_map(|program| clean(chains, *program, id).err());
    Some(unproven.map_or(Stand::Lacks, Stand::Unproven))
}

#[cfg(test)]
mod tests;
