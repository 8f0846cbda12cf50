//! Which running programs a scan looked at, how sure that is, and what would make it surer.
//!
//! A chain runs from a report over what it says of its subject to containers that were seen to run. It is as sure as
//! its weakest hop ([`Rung`]), and *claimed* when a hop stands on what anybody may have written: a report from a source
//! that the configuration does not trust, a label or annotation of a pod. What is claimed warns and proves nothing.
//! Made once for many volumes, by index.

mod find;
mod image;
mod ladder;
mod programs;
mod rules;
mod severity;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::ladder::Digests;
use self::programs::Programs;
use super::{Judgement, Reason};
use crate::model::{
    Extent, Finding, FindingId, Findings, Linking, Pinned, Program, RunKey, Rung, Scan, Triage, Uid, World,
};

pub use image::{digests, said, short};
pub use severity::band;

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What ties, and what would tie better.
    pub reason: Reason,
    /// How well.
    pub rung: Rung,
    /// Whether it stands on what anybody may have written.
    pub claimed: bool,
}

/// A chain from a scan to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The program's place in [`Chains::program`].
    pub program: usize,
    /// The rung of the weakest hop.
    pub rung: Rung,
    /// Whether one hop is claimed.
    pub claimed: bool,
    /// Whether no other program is on a higher rung. Only the best prove; all of them warn.
    pub best: bool,
    /// Whether another workload with another image is on the same rung, so that one of them may not be meant.
    pub ambiguous: bool,
    /// The hops, from the report on.
    pub hops: Vec<Hop>,
}

impl Link {
    /// Whether a scan that is linked so may prove that the program lacks something.
    pub fn proves(&self) -> bool {
        self.rung.proves() && !self.claimed && self.best && !self.ambiguous
    }
}

/// One run, by the place of its program.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The program's place.
    pub program: usize,
    /// What it is.
    pub key: Arc<RunKey>,
    /// From when to when.
    pub extent: Extent,
}

/// All chains of a world.
#[derive(Clone, Debug, Default)]
pub struct Chains(Arc<All>);

#[derive(Debug, Default)]
struct All {
    findings: Findings,
    triage: Triage,
    linking: Arc<Linking>,
    records: Digests,
    programs: Programs,
    runs: Vec<Ran>,
    by_volume: HashMap<Uid, Vec<usize>>,
    links: Vec<Vec<Link>>,
    by_path: HashMap<(usize, Arc<str>), Vec<Link>>,
    pathed: BTreeSet<usize>,
    scans_of: HashMap<usize, BTreeSet<usize>>,
}

impl Chains {
    /// Looks everything up once. `records` are runs that restore points tell of, beside the world's own log.
    pub fn of(world: &World) -> Self {
        let mut all = All {
            findings: world.findings.clone(),
            triage: world.triage.clone(),
            linking: world.linking.clone(),
            records: Digests::of(&world.linking),
            ..All::default()
        };
        if world.findings.is_empty() && world.linking.compromised.is_empty() {
            return Self(Arc::new(all));
        }
        let mut places: HashMap<Program, usize> = HashMap::new();
        let recorded = super::exposure::records(world);
        let seen = world.observed.runs().map(|(key, extent)| (key.clone(), *extent));
        for (key, extent) in seen.chain(recorded) {
            let next = all.programs.all.len();
            let program = *places.entry(key.program.clone()).or_insert(next);
            if program == next {
                all.programs.add(&key.program);
            }
            for volume in &key.volumes {
                all.by_volume.entry(volume.clone()).or_default().push(all.runs.len());
            }
            all.runs.push(Ran { program, key: Arc::new(key), extent });
        }
        all.link();
        Self(Arc::new(all))
    }

    /// Whether it ties the same findings to the same programs as another, under the same decisions and words of
    /// operators: how long the programs ran may differ.
    pub fn ties_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        let same = a.findings.same(&b.findings) && a.triage == b.triage && a.linking == b.linking;
        let volumes = |all: &All| -> BTreeMap<usize, BTreeSet<Uid>> {
            let mut volumes: BTreeMap<usize, BTreeSet<Uid>> = BTreeMap::new();
            for run in &all.runs {
                volumes.entry(run.program).or_default().extend(run.key.volumes.iter().cloned());
            }
            volumes
        };
        same && a.programs.all == b.programs.all && a.links == b.links && volumes(a) == volumes(b)
    }

    /// Whether there is nothing that could make a copy suspicious.
    pub fn is_idle(&self) -> bool {
        self.0.findings.is_empty() && self.0.linking.compromised.is_empty()
    }

    /// The scans and what they found.
    pub fn findings(&self) -> &Findings {
        &self.0.findings
    }

    /// What people decided.
    pub fn triage(&self) -> &Triage {
        &self.0.triage
    }

    /// What operators say.
    pub fn linking(&self) -> &Linking {
        &self.0.linking
    }

    /// Every run that is known, in no order.
    pub fn runs(&self) -> &[Ran] {
        &self.0.runs
    }

    /// A program by its place; one that was never seen has none.
    pub fn program(&self, place: usize) -> Option<&Program> {
        self.0.programs.all.get(place)
    }

    /// Everything that could write the data of a lineage, in no order.
    pub fn wrote(&self, lineage: &Uid) -> impl Iterator<Item = &Ran> {
        self.0.by_volume.get(lineage).into_iter().flatten().filter_map(|place| self.0.runs.get(*place))
    }

    /// The data that a program could write, by lineage.
    pub fn volumes_of(&self, programs: &BTreeSet<usize>) -> BTreeSet<Uid> {
        let runs = self.0.runs.iter().filter(|run| programs.contains(&run.program));
        runs.flat_map(|run| run.key.volumes.iter().cloned()).collect()
    }

    /// The scans that are linked to a program, for whatever path: places among [`Findings::scans`].
    pub fn scans_of(&self, program: usize) -> impl Iterator<Item = usize> {
        // Rules by path may link a scan for paths in which it found nothing, too.
        let linked = self.0.scans_of.get(&program).into_iter().flatten();
        linked.chain(&self.0.pathed).copied().collect::<BTreeSet<_>>().into_iter()
    }

    /// The chains of a scan for a finding in this path.
    pub fn links(&self, scan: usize, path: &Arc<str>) -> Cow<'_, [Link]> {
        if !self.0.pathed.contains(&scan) {
            return Cow::Borrowed(self.0.links.get(scan).map_or(&[], Vec::as_slice));
        }
        match self.0.by_path.get(&(scan, path.clone())) {
            Some(links) => Cow::Borrowed(links),
            None => Cow::Owned(self.0.find(scan, Some(path)).links),
        }
    }

    /// Whether a scan's links differ by the path of a finding.
    pub fn by_path(&self, scan: usize) -> bool {
        self.0.pathed.contains(&scan)
    }

    /// The chain from a scan to a program, for a finding in this path.
    pub fn link(&self, scan: usize, path: &Arc<str>, program: usize) -> Option<Link> {
        self.links(scan, path).iter().find(|link| link.program == program).cloned()
    }

    /// Whether there is such a chain.
    pub fn linked(&self, scan: usize, path: &Arc<str>, program: usize) -> bool {
        self.links(scan, path).iter().any(|link| link.program == program)
    }

    /// Which workloads a finding belongs to: the best chain to each program, the surest first. More than one on the
    /// highest rung with different images is ambiguous, and all of them are listed.
    pub fn workloads(&self, id: FindingId) -> Judgement<Vec<Link>> {
        let mut best: BTreeMap<usize, Link> = BTreeMap::new();
        for (scan, place) in self.0.findings.places(id) {
            let Some(finding) = self.finding(*scan, *place) else { continue };
            for link in self.links(*scan, &finding.path).iter() {
                let better = |known: &Link| (link.rung, !link.claimed) > (known.rung, !known.claimed);
                if best.get(&link.program).is_none_or(better) {
                    best.insert(link.program, link.clone());
                }
            }
        }
        for link in self.pinned(id) {
            best.entry(link.program).or_insert(link);
        }
        let mut links: Vec<Link> = best.into_values().collect();
        links.sort_by_key(|link| (std::cmp::Reverse(link.rung), link.claimed, link.program));
        if links.is_empty() {
            let reason = Reason::new("it is linked to no workload")
                .next("see why: holdfast links test FILE; then stamp the report, write a rule or pin it");
            return Judgement::new(links).because(reason);
        }
        let mut reasons: Vec<Reason> = Vec::new();
        if links.iter().any(|link| link.best && link.ambiguous) {
            let text = "more than one workload fits equally well, and they run different images: all are listed";
            reasons.push(Reason::new(text).next("name the workload: stamp the report or write a rule"));
        }
        reasons
            .extend(links.iter().filter_map(|link| self.program(link.program).map(|program| explain(link, program))));
        Judgement::new(links).because_all(reasons)
    }

    /// A finding by its place.
    pub fn finding(&self, scan: usize, place: usize) -> Option<&Finding> {
        self.0.findings.scans().get(scan)?.scan.findings.get(place)
    }

    /// The pins of a finding itself.
    pub fn pinned(&self, id: FindingId) -> Vec<Link> {
        self.0.pins(|what| *what == Pinned::Finding(id))
    }

    /// What is tried for a scan that need not be one of the world's, in order: for `holdfast links test FILE`.
    pub fn trace(&self, scan: &Scan, trusted: bool, path: Option<&str>) -> Judgement<Vec<Link>> {
        let found = self.0.find_of(scan, trusted, path);
        let links =
            found.links.iter().filter_map(|link| self.program(link.program).map(|program| explain(link, program)));
        let reasons: Vec<Reason> = found.trace.iter().cloned().chain(links).collect();
        Judgement::new(found.links).because_all(reasons)
    }
}

/// A chain in a sentence.
fn explain(link: &Link, program: &Program) -> Reason {
    let weakest = link.hops.iter().min_by_key(|hop| (hop.rung, !hop.claimed));
    let why = weakest.map(|hop| hop.reason.text.as_str()).unwrap_or_default();
    let claimed = if link.claimed { ", claimed" } else { "" };
    let reason = Reason::new(format!("{}: {}{claimed}: {why}", said(program), link.rung.word()));
    let next = weakest.and_then(|hop| hop.reason.next.clone());
    let claim = link.hops.iter().find(|hop| hop.claimed).and_then(|hop| hop.reason.next.clone());
    match claim.or(next) {
        Some(next) => reason.next(next),
        None => reason,
    }
}

#[cfg(test)]
mod tests;
