//! Which workloads run the code of each finding, and how surely: looked up once for each scan, not for each finding.

use std::collections::{BTreeSet, HashMap};

use super::table::Risks;
use crate::assess::linking::{Chains, Link};
use crate::model::{Finding, FindingId, Program, Rung};
use crate::view::Cell;

/// Workloads that are named; of more their number is told.
const NAMED: usize = 4;

/// What findings that are linked alike reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reach {
    /// Programs, by their place among the chains'.
    pub programs: BTreeSet<usize>,
    /// The surest link.
    pub rung: Rung,
    /// Whether that is only claimed.
    pub claimed: bool,
}

impl Reach {
    fn of<'a>(links: impl IntoIterator<Item = &'a Link>) -> Self {
        links.into_iter().fold(Self::default(), |sum, link| {
            let one = Self { programs: [link.program].into(), rung: link.rung, claimed: link.claimed };
            sum.and(&one)
        })
    }

    fn and(&self, other: &Self) -> Self {
        let surer = |reach: &Self| (reach.rung, !reach.claimed);
        let best = if surer(other) > surer(self) { other } else { self };
        let programs = self.programs.union(&other.programs).copied().collect();
        Self { programs, rung: best.rung, claimed: best.claimed }
    }
}

/// A way to be linked, with what follows from it.
pub(super) struct Reached {
    pub reach: Reach,
    /// How the workloads are said.
    pub workloads: Cell,
    /// How much data hangs on the volumes that they write; one where none does.
    pub risk: u32,
}

/// What every finding reaches, each way to be linked held once.
pub(super) struct Reaches<'a> {
    chains: &'a Chains,
    /// Whether what runs is in sight: else nobody can say that nothing runs it.
    sees: bool,
    risks: &'a Risks,
    all: Vec<Reached>,
    known: HashMap<Reach, usize>,
    of_scan: HashMap<usize, usize>,
    sums: HashMap<(usize, usize), usize>,
}

impl<'a> Reaches<'a> {
    pub fn new(chains: &'a Chains, risks: &'a Risks, sees: bool) -> Self {
        let (all, known) = (Vec::new(), HashMap::new());
        let mut reaches = Self { chains, sees, risks, all, known, of_scan: HashMap::new(), sums: HashMap::new() };
        reaches.hold(Reach::default());
        reaches
    }

    /// What a finding reaches.
    pub fn of(&mut self, id: FindingId) -> &Reached {
        let chains = self.chains;
        let mut sum = 0;
        for (scan, place) in chains.findings().places(id) {
            if let Some(finding) = chains.finding(*scan, *place) {
                let one = self.of_scan(*scan, finding);
                sum = self.sum(sum, one);
            }
        }
        if !chains.linking().pins.is_empty() {
            let pinned = self.hold(Reach::of(&chains.pinned(id)));
            sum = self.sum(sum, pinned);
        }
        &self.all[sum]
    }

    fn of_scan(&mut self, scan: usize, finding: &Finding) -> usize {
        let by_path = self.chains.by_path(scan);
        if let Some(known) = self.of_scan.get(&scan).filter(|_| !by_path) {
            return *known;
        }
        let reach = Reach::of(self.chains.links(scan, &finding.path).iter());
        let place = self.hold(reach);
        if !by_path {
            self.of_scan.insert(scan, place);
        }
        place
    }

    fn sum(&mut self, a: usize, b: usize) -> usize {
        if a == b || b == 0 {
            return a;
        }
        if let Some(known) = self.sums.get(&(a, b)) {
            return *known;
        }
        let sum = self.all[a].reach.and(&self.all[b].reach);
        let place = self.hold(sum);
        self.sums.insert((a, b), place);
        place
    }

    fn hold(&mut self, reach: Reach) -> usize {
        if let Some(known) = self.known.get(&reach) {
            return *known;
        }
        let volumes = self.chains.volumes_of(&reach.programs);
        let risk = volumes.iter().filter_map(|volume| self.risks.get(volume)).max().copied().unwrap_or(1);
        self.known.insert(reach.clone(), self.all.len());
        self.all.push(Reached { workloads: self.said(&reach), risk, reach });
        self.all.len() - 1
    }

    fn said(&self, reach: &Reach) -> Cell {
        let programs = reach.programs.iter().filter_map(|place| self.chains.program(*place));
        let names: BTreeSet<String> = programs.map(name).collect();
        if names.is_empty() {
            return if self.sees { Cell::Nothing } else { Cell::Unknown };
        }
        let mut said: Vec<String> = names.iter().take(NAMED).cloned().collect();
        if names.len() > NAMED {
            said.push(format!("{} more", names.len() - NAMED));
        }
        Cell::Text(said.join(", ").into())
    }
}

fn name(program: &Program) -> String {
    let workload = program.workload.as_ref().map_or("a pod", |workload| &*workload.name);
    format!("{}/{workload}", program.namespace)
}
