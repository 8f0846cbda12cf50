//! What wrote a volume's data, when code with a finding did, and which times nobody can speak for.
//!
//! First *seen* is not first *exposed*: a digest that carries a finding was exposed for as long as it ran, also before
//! it was scanned. What was not observed is a hole, and a hole is never filled by a guess.
//!
//! Time is accounted for when all pods of the namespace were in sight, and while one pod was known to run that holds
//! the volume for its node (ReadWriteOnce, ReadWriteOncePod). A volume that many nodes may write is accounted for by
//! sight alone. From the making of a volume to the first writer there is no hole when it was all in sight, or when the
//! volume was made for that pod: `WaitForFirstConsumer`, and the pod created before it and started after. A restart of
//! a container may have brought another image under the same tag, so one that was restarted before it was first seen
//! counts from then.

mod holes;
mod look;
mod recorded;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::linking::{Chains, Ran};
use super::restore_point::lineage;
use super::{Reason, linking};
use crate::model::{AccessMode, Birth, Compromised, FindingId, Known, Pvc, Rung, Span, Uid, World};

pub use holes::Hole;
pub use look::{birth, glance, look};
pub use recorded::{records, written};

/// How an exposure ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// The code was seen to end then.
    Ended(Timestamp),
    /// It was last known to run then; nobody saw it end.
    LastSeen(Timestamp),
    /// Nothing says that it ended, and nothing follows it: a compromise.
    Open,
}

/// An interval in which code with a finding could write the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: End,
    /// The program, by its place among the chains'.
    pub program: Option<usize>,
    /// How sure the chain is.
    pub rung: Rung,
    /// Whether a hop of it is claimed, or the run itself is.
    pub claimed: bool,
    /// The run, by its place in the history; `None` of a compromise.
    run: Option<usize>,
}

impl Exposure {
    /// Whether the code is sure enough to be this very version. Less makes a copy unknown, not exposed.
    pub fn certain(&self) -> bool {
        self.rung.proves() || self.program.is_none()
    }

    /// Whether a moment lies in it. Its edges do.
    pub fn holds(&self, at: Timestamp) -> bool {
        let before_end = match self.to {
            End::Ended(end) | End::LastSeen(end) => at <= end,
            End::Open => true,
        };
        self.from <= at && before_end
    }
}

/// The past of one volume's data.
#[derive(Clone, Debug)]
pub struct History {
    /// The identity of the data.
    pub lineage: Uid,
    /// What could write it, the oldest first.
    pub runs: Vec<Ran>,
    /// How it began.
    pub birth: Option<Birth>,
    /// Whether one node at a time holds it.
    pub exclusive: bool,
    /// When its namespace was all in sight.
    pub in_sight: Vec<Span>,
    /// Since when an operator knows of a compromise, and the reason.
    pub compromise: Option<(Timestamp, Reason)>,
}

/// The past of a claim's data.
pub fn history(world: &World, chains: &Chains, claim: &Pvc) -> History {
    let line = lineage(world, claim);
    let mut runs: Vec<Ran> = chains.wrote(&line).cloned().collect();
    runs.sort_by(|a, b| (a.extent.from, &a.key).cmp(&(b.extent.from, &b.key)));
    let many = [AccessMode::Rwx, AccessMode::Rox];
    History {
        birth: world.observed.birth(&line).copied().or_else(|| birth(world, claim)),
        exclusive: !claim.access_modes.is_empty() && !claim.access_modes.iter().any(|mode| many.contains(mode)),
        in_sight: world.observed.in_sight(claim.meta.namespace()).to_vec(),
        compromise: compromise(chains, claim, &runs),
        lineage: line,
        runs,
    }
}

/// What runs now, whatever it writes: the past of no volume, for questions about code.
pub fn running(world: &World, chains: &Chains) -> History {
    let mut live: Vec<Ran> = chains.runs().iter().filter(|run| runs(world, run)).cloned().collect();
    live.sort_by(|a, b| (a.extent.from, &a.key).cmp(&(b.extent.from, &b.key)));
    History {
        lineage: Uid::from(""),
        runs: live,
        birth: None,
        exclusive: false,
        in_sight: Vec::new(),
        compromise: None,
    }
}

/// The earliest compromise of the volume or of a workload that writes it.
fn compromise(chains: &Chains, claim: &Pvc, runs: &[Ran]) -> Option<(Timestamp, Reason)> {
    let wrote = |namespace: &str, kind: Option<&str>, name: &str| {
        let programs = runs.iter().map(|run| &run.key.program).filter(|program| &*program.namespace == namespace);
        let mut workloads = programs.filter_map(|program| program.workload.as_ref());
        workloads
            .any(|workload| &*workload.name == name && kind.is_none_or(|kind| workload.kind.eq_ignore_ascii_case(kind)))
    };
    let concerns = |what: &Compromised| match what {
        Compromised::Workload { namespace, kind, name } => wrote(namespace, kind.as_deref(), name),
        Compromised::Volume { namespace, name } => &**namespace == claim.meta.namespace() && *name == claim.meta.name,
    };
    let of = chains.linking().compromised.iter().filter(|one| concerns(&one.what));
    let first = of.min_by_key(|one| one.since)?;
    let text = format!("compromised since {} by the word of {}: {}", said(first.since), first.who, first.why);
    Some((first.since, Reason::new(text)))
}

/// A moment for people.
pub(super) fn said(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

impl History {
    /// The exposures of this data to a finding, the earliest first; with a compromise that is known to be earlier.
    pub fn exposures(&self, chains: &Chains, id: FindingId) -> Vec<Exposure> {
        // A program has many runs, and one chain.
        let mut chains_of: HashMap<usize, Option<(Rung, bool)>> = HashMap::new();
        let mut found: Vec<Exposure> = Vec::new();
        for (place, run) in self.runs.iter().enumerate() {
            let Some((rung, claimed)) =
                *chains_of.entry(run.program).or_insert_with(|| carries(chains, run.program, id))
            else {
                continue;
            };
            let to = if run.extent.ended { End::Ended(run.extent.to) } else { End::LastSeen(run.extent.to) };
            let claimed = claimed || run.key.known == Known::Claimed;
            found.push(Exposure {
                from: run.extent.from,
                to,
                program: Some(run.program),
                rung,
                claimed,
                run: Some(place),
            });
        }
        found.sort_by_key(|one| (one.from, !one.certain(), one.to));
        let first = found.iter().filter(|one| one.certain()).map(|one| one.from).min();
        if let Some((since, _)) = &self.compromise
            && first.is_none_or(|first| *since < first)
        {
            let to = first.map_or(End::Open, End::Ended);
            found
                .insert(0, Exposure { from: *since, to, program: None, rung: Rung::Manual, claimed: false, run: None });
        }
        found
    }

    /// Why there is an exposure, for people.
    pub fn why(&self, exposure: &Exposure) -> Reason {
        let Some(run) = exposure.run.and_then(|place| self.runs.get(place)) else {
            return self.compromise.as_ref().map_or_else(|| Reason::new("compromised"), |(_, why)| why.clone());
        };
        let known = match run.key.known {
            Known::Seen => "",
            Known::Recorded => ", by the record of a backup",
            Known::Claimed => ", as an annotation claims",
            Known::BackFilled => ", as a revision of its workload suggests",
        };
        let (name, image) = (linking::said(&run.key.program), &run.key.program.image);
        let (from, rung) = (said(run.extent.from), exposure.rung.word());
        let text = format!("code with it ran as {image} in {name} from {from} on ({rung}){known}");
        Reason::new(if exposure.claimed { format!("{text}; claimed") } else { text })
    }

    /// The findings that any code that wrote this data is linked to, however weakly.
    pub fn findings(&self, chains: &Chains) -> BTreeSet<FindingId> {
        let programs: BTreeSet<usize> = self.runs.iter().map(|run| run.program).collect();
        let mut ids = BTreeSet::new();
        for program in programs {
            for scan in chains.scans_of(program) {
                let Some(taken) = chains.findings().scans().get(scan) else { continue };
                let standing = taken.scan.findings.iter().filter(|finding| finding.stands());
                ids.extend(standing.filter(|found| chains.linked(scan, &found.path, program)).map(|found| found.id));
            }
        }
        for pin in &chains.linking().pins {
            if let crate::model::Pinned::Finding(id) = pin.what {
                let here = chains.pinned(id).iter().any(|link| self.runs.iter().any(|run| run.program == link.program));
                ids.extend(here.then_some(id));
            }
        }
        ids
    }
}

/// Whether a run goes on: its end was not seen, and its pod is there.
pub fn runs(world: &World, run: &Ran) -> bool {
    let pod = run.key.pod.as_ref().and_then(|uid| world.inventory.pods.get(uid));
    !run.extent.ended && pod.is_some_and(|pod| !pod.ended())
}

/// How sure the best chain from any scan that has a finding to a program is, and whether it is claimed.
pub(super) fn carries(chains: &Chains, program: usize, id: FindingId) -> Option<(Rung, bool)> {
    let places = chains.findings().places(id).iter();
    let scanned = places.filter_map(|(scan, place)| {
        let finding = chains.finding(*scan, *place)?;
        let links = chains.links(*scan, &finding.path);
        links.iter().find(|link| link.program == program).map(|link| (link.rung, link.claimed))
    });
    let pinned = chains.pinned(id).into_iter().filter(|link| link.program == program);
    let pinned = pinned.map(|link| (link.rung, link.claimed));
    scanned.chain(pinned).max_by_key(|(rung, claimed)| (*rung, !claimed))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
