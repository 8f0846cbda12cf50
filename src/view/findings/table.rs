//! All findings as one table, the most urgent first: made once for a state of scans, decisions and links, and then
//! only read. One row for each finding, whichever scans have it; a series in which it still stands counts.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::Timestamp;

use super::reach::{Reached, Reaches};
use super::{Facts, cells, level, state};
use crate::assess::linking::{self, Chains};
use crate::assess::priority;
use crate::model::{Band, Entry, FindingId, Series, Standing, Uid};
use crate::view::coded::{Coded, Coder};
use crate::view::{Cell, Level, Pane};

/// How much data hangs on each volume, by lineage, as [`priority::risk`] says it; what is not in it counts as one.
pub type Risks = HashMap<Uid, u32>;

/// From when to when a finding was known, by scans alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    pub first: Option<Timestamp>,
    pub gone: Option<Timestamp>,
    pub ended: bool,
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingTable {
    pub(super) columns: Vec<Coded>,
    pub(super) levels: Vec<Level>,
    pub(super) lives: Vec<Life>,
    pub(super) bands: Vec<Band>,
    pub(super) open: Vec<bool>,
    ids: Vec<FindingId>,
    places: HashMap<FindingId, u32>,
    counts: [usize; Level::ALL.len()],
    /// When the first scan had any of them.
    pub(super) since: Option<Timestamp>,
    /// When time alone may change a row.
    valid_until: Option<Timestamp>,
}

/// What is known of one finding before all are put in order.
struct Line {
    id: FindingId,
    level: Level,
    open: bool,
    band: Band,
    score: u32,
    life: Life,
    until: Option<Timestamp>,
}

impl FindingTable {
    /// Of everything that the scans have. `sees` says whether what runs is in sight.
    pub fn new(chains: &Chains, risks: &Risks, sees: bool, now: Timestamp) -> Self {
        let mut reaches = Reaches::new(chains, risks, sees);
        let mut coders: Vec<Coder> = Pane::Findings.columns().iter().map(|_| Coder::default()).collect();
        let mut lines = Vec::new();
        let mut ids: Vec<FindingId> = chains.findings().ids().collect();
        ids.sort_unstable();
        for id in ids {
            if let Some((line, cells)) = line(chains, &mut reaches, id, now) {
                coders.iter_mut().zip(cells).for_each(|(coder, cell)| coder.push(cell));
                lines.push(line);
            }
        }
        Self::in_order(&lines, coders.into_iter().map(Coder::done).collect())
    }

    fn in_order(lines: &[Line], columns: Vec<Coded>) -> Self {
        let at = |id: &str| Pane::Findings.columns().iter().position(|column| column.id == id);
        let ranks = |id: &str| at(id).and_then(|at| columns.get(at)).map(|column| (column.codes(), column.ranks()));
        let (path, row_line) = (ranks("path"), ranks("line"));
        let rank = |of: &Option<(&[u32], Vec<u32>)>, row: usize| {
            of.as_ref().map_or(0, |(codes, ranks)| ranks[codes[row] as usize])
        };
        let mut order: Vec<u32> = (0..).take(lines.len()).collect();
        order.sort_by_cached_key(|row| {
            let (row, line) = (*row as usize, &lines[*row as usize]);
            let urgency = (!line.open, Reverse(line.score), Reverse(line.band));
            (urgency, rank(&path, row), rank(&row_line, row), line.id)
        });
        let mut table = Self::default();
        for row in &order {
            table.add(&lines[*row as usize]);
        }
        table.columns = columns.into_iter().map(|column| column.reordered(&order)).collect();
        table
    }

    fn add(&mut self, line: &Line) {
        let row = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.places.insert(line.id, row);
        self.ids.push(line.id);
        self.levels.push(line.level);
        self.open.push(line.open);
        self.bands.push(line.band);
        self.lives.push(line.life);
        self.valid_until = self.valid_until.into_iter().chain(line.until).min();
        self.since = self.since.into_iter().chain(line.life.first).min();
        self.counts[line.level.rank()] += 1;
    }

    /// How many findings there are, gone ones too.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many have this level.
    pub fn count(&self, level: Level) -> usize {
        self.counts[level.rank()]
    }

    /// When time alone may change a row: a decision, a suppression or a severity runs out.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// Which finding a row is.
    pub fn id(&self, row: u32) -> Option<FindingId> {
        self.ids.get(row as usize).copied()
    }

    /// The row of a finding.
    pub fn row(&self, id: FindingId) -> Option<u32> {
        self.places.get(&id).copied()
    }

    /// How bad a row is.
    pub fn level(&self, row: u32) -> Level {
        self.levels.get(row as usize).copied().unwrap_or(Level::Unknown)
    }

    /// The values of a row, one per column of the pane.
    pub fn cells(&self, row: u32) -> Vec<Cell> {
        self.columns.iter().map(|column| column.cell(row).clone()).collect()
    }

    /// Every row, the most urgent first.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        (0..).take(self.ids.len())
    }
}

fn line(chains: &Chains, reaches: &mut Reaches, id: FindingId, now: Timestamp) -> Option<(Line, Box<[Cell]>)> {
    let findings = chains.findings();
    let (scan, place) = *findings.places(id).last()?;
    let (taken, finding) = (findings.scans().get(scan)?, chains.finding(scan, place)?);
    let entry = over_all_series(chains, id)?;
    let judged = linking::band(chains, scan, place, now)?;
    let (band, source) = judged.value;
    let decided = chains.triage().last(id).and_then(|decision| decision.until);
    let hidden = finding.suppressions.iter().flatten().filter_map(|one| one.until);
    let until = hidden.chain(decided).chain(judged.valid_until).filter(|until| now < *until).min();
    let Reached { reach, workloads, risk } = reaches.of(id);
    let score = priority::score(band, reach.rung, reach.claimed, *risk);
    let (open, word) = state(finding, &entry, chains.triage().last(id), now);
    let level = if open { level(band) } else { Level::Info };
    let gone = match &entry.standing {
        Standing::Gone { proof } => proof.at,
        Standing::Seen | Standing::NotSeen { .. } => None,
    };
    let ended = matches!(entry.standing, Standing::Gone { .. });
    let facts = Facts {
        taken,
        finding,
        entry: &entry,
        state: Cell::State(level, word),
        band: (band, source),
        workload: workloads.clone(),
        priority: if open { Cell::Number(score.into()) } else { Cell::Nothing },
    };
    let life = Life { first: entry.first.at, gone, ended };
    Some((Line { id, level, open, band, score, life, until }, cells(&facts)))
}

/// How a finding stands in all of its series together: it is gone only where it is gone from each.
fn over_all_series(chains: &Chains, id: FindingId) -> Option<Entry> {
    let findings = chains.findings();
    let mut before: Option<&Series> = None;
    let mut sum: Option<Entry> = None;
    for (scan, _) in findings.places(id) {
        let series = &findings.scans().get(*scan)?.scan.series;
        if before == Some(series) {
            continue;
        }
        before = Some(series);
        let Some(entry) = findings.ledger().entry(series, id) else { continue };
        sum = Some(match sum {
            None => entry.clone(),
            Some(sum) => together(sum, entry),
        });
    }
    sum
}

fn together(mut sum: Entry, other: &Entry) -> Entry {
    if other.first.at < sum.first.at {
        sum.first = other.first.clone();
    }
    if other.last.at > sum.last.at {
        sum.last = other.last.clone();
    }
    let rank = |standing: &Standing| match standing {
        Standing::Gone { proof } => (0, proof.at),
        Standing::NotSeen { .. } => (1, None),
        Standing::Seen => (2, None),
    };
    if rank(&other.standing) > rank(&sum.standing) {
        sum.standing = other.standing.clone();
    }
    sum
}
