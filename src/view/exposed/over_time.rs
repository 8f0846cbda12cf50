//! What the code that could write a volume was, from moment to moment, seen from one finding.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::Exposure;
use crate::assess::exposure::{self, History, Hole};
use crate::assess::linking::{Chains, Ran};
use crate::assess::{Reason, verdict};
use crate::model::{FindingId, Key, Known, World};
use crate::view::{Lane, Level, Span};

/// What a program is to a finding.
enum Is {
    /// It surely has it.
    Exposed(Reason),
    /// It is proven to lack it.
    Clean(Reason),
    /// Nobody can tell.
    Unproven(Reason),
}

/// The past of one volume, cut where anything changed.
pub(super) struct OverTime<'a> {
    pub(super) now: Timestamp,
    world: &'a World,
    chains: &'a Chains,
    past: &'a History,
    holes: Vec<Hole>,
    cuts: Vec<Timestamp>,
}

impl<'a> OverTime<'a> {
    pub(super) fn new(world: &'a World, chains: &'a Chains, past: &'a History, now: Timestamp) -> Self {
        let holes = past.holes(now);
        let known = past.birth.map(|birth| birth.at).into_iter().chain(past.runs.iter().map(|run| run.extent.from));
        let first = known.min().unwrap_or(now).min(now);
        let runs = past.runs.iter().flat_map(|run| [run.extent.from, run.extent.to]);
        let edges = holes.iter().flat_map(|hole| [hole.from, hole.to]);
        let compromise = past.compromise.iter().map(|(since, _)| *since);
        let all: BTreeSet<Timestamp> = runs.chain(edges).chain(compromise).chain([first, now]).collect();
        let cuts = all.into_iter().filter(|at| (first..=now).contains(at)).collect();
        Self { now, world, chains, past, holes, cuts }
    }

    /// What is to be said of every time, and whether code with the finding runs now.
    pub(super) fn spans(&self, id: FindingId) -> (Vec<Span>, bool) {
        let of = self.programs(id);
        let exposures = self.past.exposures(self.chains, id);
        let first = exposures.iter().filter(|one| one.certain()).map(|one| one.from).min();
        let first = [first, self.past.compromise.as_ref().map(|(since, _)| *since)].into_iter().flatten().min();
        let mut spans: Vec<Span> = Vec::new();
        for edge in self.cuts.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            let (level, what) = self.at(&of, first, from, to);
            match spans.last_mut().filter(|last| last.level == level && *last.what == *what) {
                Some(last) => last.to = to,
                None => spans.push(Span { from, to, level, what: what.into() }),
            }
        }
        let runs = self
            .past
            .runs
            .iter()
            .any(|run| matches!(of.get(&run.program), Some(Is::Exposed(_))) && exposure::runs(self.world, run));
        (spans, runs)
    }

    /// The exposure that an operator tells of.
    pub(super) fn compromise(&self) -> Option<Exposure> {
        let (since, why) = self.past.compromise.as_ref()?;
        let span = Span { from: *since, to: self.now, level: Level::Critical, what: why.text.as_str().into() };
        let lane = Lane {
            key: Key::Notice("exposure/compromise".into()),
            object: None,
            name: "Compromise".into(),
            level: Level::Critical,
            marks: Vec::new(),
            spans: vec![span],
            note: None,
        };
        Some(Exposure { lane, said: why.text.as_str().into(), runs: true })
    }

    /// What each program that ran is to the finding.
    fn programs(&self, id: FindingId) -> HashMap<usize, Is> {
        let exposures = self.past.exposures(self.chains, id);
        let mut of = HashMap::new();
        for run in &self.past.runs {
            of.entry(run.program).or_insert_with(|| {
                let has = exposures.iter().find(|one| one.program == Some(run.program) && one.certain());
                match has {
                    Some(has) => Is::Exposed(self.past.why(has)),
                    None => verdict::clean(self.chains, run.program, id).map_or_else(Is::Unproven, Is::Clean),
                }
            });
        }
        of
    }

    /// What was so in a time in which nothing changed.
    fn at(&self, of: &HashMap<usize, Is>, first: Option<Timestamp>, from: Timestamp, to: Timestamp) -> (Level, String) {
        if let Some((_, why)) = self.past.compromise.as_ref().filter(|(since, _)| *since <= from) {
            return (Level::Critical, why.text.clone());
        }
        let begun = self.past.runs.partition_point(|run| run.extent.from <= from);
        let active: Vec<&Ran> = self.past.runs[..begun].iter().filter(|run| to <= run.extent.to).collect();
        let is = |run: &&Ran| of.get(&run.program);
        if let Some(why) = active.iter().find_map(|run| match is(run) {
            Some(Is::Exposed(why)) => Some(why),
            _ => None,
        }) {
            return (Level::Critical, format!("exposed: {}", why.text));
        }
        if let Some(hole) = self.holes.iter().find(|hole| hole.from <= from && to <= hole.to) {
            return (Level::Unknown, hole.why.text.clone());
        }
        let told = active.iter().filter(|run| run.key.known >= Known::Recorded);
        let mut clean = None;
        for run in told {
            match is(run) {
                Some(Is::Unproven(why)) => return (Level::Unknown, why.text.clone()),
                Some(Is::Clean(why)) => clean = Some(why),
                Some(Is::Exposed(_)) | None => {}
            }
        }
        if first.is_some_and(|first| first <= from) {
            return (Level::Warn, "may be tainted: written after an exposure began, by code that lacks it".to_owned());
        }
        let nothing = || "clean: nothing wrote it, and it was in sight".to_owned();
        (Level::Ok, clean.map_or_else(nothing, |why| format!("clean: {}", why.text)))
    }
}
