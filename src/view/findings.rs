//! Findings as rows: one for each finding of each series of scans, as its newest scan has it.
//!
//! What a finding's state is comes from the ledger, from the scanner's own suppressions and from what people decided; a
//! word that hides one says who said it. Text of tools is untrusted and made safe where it is printed.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

mod list;
mod reach;
mod table;
mod trend;

pub use list::{FindingLine, FindingList, Group, GroupBy};
pub use table::{FindingTable, Risks};
pub use trend::trend;

use super::{Cell, Column, Level, Pane};
use crate::model::{
    Band, BandSource, Decision, Entry, Finding, FindingId, Findings, Ledger, Series, Sighting, Standing, Taken, Triage,
    TriageState,
};
use crate::text::sanitize;

/// One finding.
#[derive(Clone, Debug)]
pub struct FindingRow {
    /// Which.
    pub id: FindingId,
    /// How bad it is; of one that does not count any more, no more than worth knowing.
    pub level: Level,
    /// Whether it counts: it is not proven gone, and nobody hid it.
    pub open: bool,
    /// How bad it says that it is.
    pub band: Band,
    /// One value per column.
    pub cells: Box<[Cell]>,
    /// The newest decision on it, also when it has run out.
    pub last: Option<Decision>,
    /// The finding.
    taken: Taken,
    place: usize,
    series: Series,
}

impl FindingRow {
    /// The finding as its newest scan has it.
    pub fn finding(&self) -> Option<&Finding> {
        self.taken.scan.findings.get(self.place)
    }

    /// The decision that makes it what it is: one that counts, and that no later scan contradicts.
    pub fn decided(&self, now: Timestamp) -> Option<&Decision> {
        let answered =
            |one: &&Decision| self.open == matches!(one.state, TriageState::Open | TriageState::Acknowledged);
        self.last.as_ref().filter(|one| one.counts(now)).filter(answered)
    }

    /// The scan that has it.
    pub fn scan(&self) -> &Taken {
        &self.taken
    }
}

/// What is said of a finding that does not count any more, or of one that does.
fn state(finding: &Finding, entry: &Entry, decided: Option<&Decision>, now: Timestamp) -> (bool, &'static str) {
    let decided = decided.filter(|one| one.counts(now));
    // Nobody's word holds against a scan that saw it later.
    let seen_later = |one: &Decision| entry.last.at.is_some_and(|at| one.at < at);
    match (&entry.standing, decided.map_or(TriageState::Open, |one| one.state)) {
        (Standing::Gone { .. }, _) => (false, "Gone"),
        (Standing::Seen, TriageState::Fixed) if decided.is_some_and(seen_later) => (true, "Seen again"),
        (_, TriageState::FalsePositive) => (false, "False positive"),
        (_, TriageState::Accepted) => (false, "Accepted"),
        (_, TriageState::Fixed) => (false, "Fixed"),
        _ if finding.suppressed(now) => (false, "Suppressed"),
        (Standing::NotSeen { .. }, _) => (true, "Not seen"),
        (Standing::Seen, TriageState::Acknowledged) => (true, "Acknowledged"),
        (Standing::Seen, TriageState::Open) => (true, "Open"),
    }
}

/// How bad a band is.
pub fn level(band: Band) -> Level {
    match band {
        Band::Critical | Band::High => Level::Critical,
        Band::Medium => Level::Warn,
        Band::Low | Band::Info => Level::Info,
    }
}

fn source(source: BandSource) -> &'static str {
    match source {
        BandSource::Override => "override",
        BandSource::Preset => "preset",
        BandSource::Score => "score",
        BandSource::Cvss => "CVSS",
        BandSource::Word => "word",
        BandSource::Level => "level",
        BandSource::Kind => "kind",
    }
}

/// Every finding, the worst first, then by where it is.
pub fn findings(findings: &Findings, triage: &Triage, now: Timestamp) -> Vec<FindingRow> {
    let ledger: &Ledger = findings.ledger();
    let mut rows: Vec<FindingRow> =
        ledger.entries().filter_map(|(series, id, entry)| row(findings, triage, (series, id, entry), now)).collect();
    rows.sort_by(|a, b| (!a.open, b.band, a.whereabouts()).cmp(&(!b.open, a.band, b.whereabouts())));
    rows
}

impl FindingRow {
    fn whereabouts(&self) -> (&str, u32, FindingId) {
        self.finding().map_or(("", 0, self.id), |finding| (&finding.path, finding.line, self.id))
    }
}

fn row(
    findings: &Findings,
    triage: &Triage,
    (series, id, entry): (&Series, FindingId, &Entry),
    now: Timestamp,
) -> Option<FindingRow> {
    let scans = findings.scans();
    let of_series = |(scan, _): &&(usize, usize)| scans.get(*scan).is_some_and(|taken| taken.scan.series == *series);
    let (scan, place) = *findings.places(id).iter().rfind(of_series)?;
    let taken = scans.get(scan)?.clone();
    let finding = taken.scan.findings.get(place)?;
    let last = triage.last(id);
    let (open, word) = state(finding, entry, last, now);
    let level = if open { level(finding.band) } else { Level::Info };
    let facts = Facts {
        taken: &taken,
        finding,
        entry,
        state: Cell::State(level, word),
        band: (finding.band, finding.band_source),
        workload: Cell::Unknown,
        priority: Cell::Unknown,
    };
    let cells = cells(&facts);
    Some(FindingRow {
        id,
        level,
        open,
        band: finding.band,
        cells,
        last: last.cloned(),
        place,
        series: series.clone(),
        taken,
    })
}

/// What the values of a row are made from.
struct Facts<'a> {
    taken: &'a Taken,
    finding: &'a Finding,
    entry: &'a Entry,
    state: Cell,
    band: (Band, BandSource),
    /// What runs it; not known where no cluster is looked at.
    workload: Cell,
    priority: Cell,
}

/// In the order of the registry.
fn cells(facts: &Facts<'_>) -> Box<[Cell]> {
    let Facts { taken, finding, entry, .. } = facts;
    let seen = |sighting: &Sighting| Cell::since(sighting.at);
    let path = if finding.path.is_empty() { Cell::Nothing } else { Cell::Text(finding.path.clone()) };
    let line = if finding.line == 0 { Cell::Nothing } else { Cell::Number(u64::from(finding.line)) };
    [
        facts.state.clone(),
        Cell::Word(facts.band.0.word()),
        Cell::Word(source(facts.band.1)),
        Cell::Text(finding.rule.id.clone()),
        path,
        line,
        facts.workload.clone(),
        facts.priority.clone(),
        Cell::Text(taken.scan.tool.clone()),
        seen(&entry.first),
        seen(&entry.last),
        weaknesses(finding),
        Cell::Text(finding.message.clone()),
    ]
    .into()
}

fn weaknesses(finding: &Finding) -> Cell {
    let mut numbers: Vec<u32> = finding.rule.cwe.iter().chain(&finding.cwe).copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Cell::Nothing;
    }
    let words: Vec<String> = numbers.iter().map(|number| format!("CWE-{number}")).collect();
    Cell::Text(words.join(" ").into())
}

/// The columns that say something where no cluster is looked at, with their places.
pub(super) fn without_a_cluster() -> impl Iterator<Item = (usize, &'static Column)> {
    let columns = Pane::Findings.columns().iter().enumerate();
    columns.filter(|(_, column)| !matches!(column.id, "workload" | "priority"))
}

/// A finding as JSON: its identity, level, whether it counts, a member per column, and the scan it is of.
pub fn json_of(row: &FindingRow) -> Value {
    let mut members = Map::new();
    members.insert("id".into(), json!(row.id.to_string()));
    members.insert("level".into(), json!(row.level.word()));
    members.insert("open".into(), json!(row.open));
    for (at, column) in without_a_cluster() {
        members.entry(column.id).or_insert_with(|| row.cells[at].json());
    }
    if let Some(finding) = row.finding() {
        members.insert("score".into(), json!(finding.score.map(|tenths| f64::from(tenths) / 10.0)));
        members.insert("column".into(), json!(Some(finding.column).filter(|column| *column > 0)));
    }
    members.insert("decision".into(), json!(row.last.as_ref().map(decision)));
    let scan = &row.taken.scan;
    let or_none = |text: &Arc<str>| Some(text.clone()).filter(|text| !text.is_empty());
    members.insert(
        "scan".into(),
        json!({
            "source": &*row.taken.source.name,
            "trusted": row.taken.source.trusted,
            "at": scan.at.map(|(at, _)| at.to_string()),
            "category": or_none(&row.series.category).as_deref(),
            "repository": or_none(&row.series.repository).as_deref(),
            "branch": or_none(&row.series.branch).as_deref(),
        }),
    );
    Value::Object(members)
}

fn decision(one: &Decision) -> Value {
    json!({
        "state": one.state.word(),
        "at": one.at.to_string(),
        "author": sanitize(&one.author),
        "reason": sanitize(&one.reason),
        "until": one.until.map(|until| until.to_string()),
    })
}
