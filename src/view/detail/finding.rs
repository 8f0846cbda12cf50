//! The sheet of a finding: what its tool says, how it stands, what people decided, which code that runs has it, which
//! volumes that code writes, and how urgent it is.
//!
//! What is kept of a finding is short; the rest is read again from its source ([`Told`]), elsewhere: nothing here reads
//! a file. Everything that a tool wrote is untrusted.

mod written;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Block, Detail, Fact, Link};
use crate::assess::known_good::{keep, least, points_within};
use crate::assess::linking::{self, Chains};
use crate::assess::priority::{AtRisk, priority};
use crate::assess::restore_point;
use crate::model::{
    BandSource, Finding, FindingId, Key, Kind, Pinned, Pvc, Sighting, Standing, Suppression, Taken, World,
};
use crate::sarif;
use crate::text;
use crate::view::exposed::{MOST_JUDGED, moment, place, said};
use crate::view::{Boards, Cell, Level, findings};

/// Volumes that are judged on the sheet.
const VOLUMES: usize = 8;
/// Programs that are told.
const PROGRAMS: usize = 8;
/// Decisions that are told, the newest first.
const DECISIONS: usize = 8;

/// What a finding says in full, as it was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub id: FindingId,
    /// What it says, or why that is not known.
    pub said: Result<sarif::Detail, String>,
}

/// The sheet of a finding; `None` when no scan has it any more.
pub fn of_finding(
    world: &World,
    boards: &Boards,
    id: FindingId,
    told: Option<&Told>,
    now: Timestamp,
) -> Option<Detail> {
    let (scan, at) = *world.findings.places(id).last()?;
    let taken = world.findings.scans().get(scan)?;
    let finding = taken.scan.findings.get(at)?;
    let mut page = Page { world, boards, id, taken, finding, now, facts: Vec::new(), links: Vec::new() };
    let told = told.filter(|told| told.id == id).map(|told| &told.said);
    let state = page.state(scan, at);
    page.says(told.and_then(|told| told.as_ref().ok()));
    page.seen();
    page.decided();
    let claims = page.linked();
    page.volumes(&claims);
    page.rule();
    let blocks = page.code(told);
    let title = format!("Finding {} {}", finding.rule.id, place(finding));
    Some(Detail {
        title: title.into(),
        namespace: None,
        uid: None,
        state: Some(state),
        reasons: Vec::new(),
        next: None,
        fill: None,
        exposed: None,
        facts: page.facts,
        conditions: Vec::new(),
        events: Vec::new(),
        blocks,
        links: page.links,
    })
}

/// A sheet that is being filled.
struct Page<'a> {
    world: &'a World,
    boards: &'a Boards,
    id: FindingId,
    taken: &'a Taken,
    finding: &'a Finding,
    now: Timestamp,
    facts: Vec<Fact>,
    links: Vec<Link>,
}

impl<'a> Page<'a> {
    fn chains(&self) -> &'a Chains {
        self.boards.chains()
    }

    fn fact(&mut self, label: &'static str, value: Cell) {
        self.facts.push(Fact { label, value });
    }

    fn text(&mut self, label: &'static str, value: impl Into<Arc<str>>) {
        self.fact(label, Cell::Text(value.into()));
    }

    fn maybe(&mut self, label: &'static str, value: Option<&Arc<str>>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(label, cut(value));
        }
    }

    /// How bad it is, by whose account.
    fn state(&mut self, scan: usize, at: usize) -> (Level, &'static str) {
        // The chains may be of an earlier set of scans.
        let known = self.chains().finding(scan, at).is_some_and(|found| found.id == self.id);
        let judged = known.then(|| linking::band(self.chains(), scan, at, self.now)).flatten();
        let (band, source) = judged.as_ref().map_or((self.finding.band, self.finding.band_source), |one| one.value);
        let score = self.finding.score.filter(|_| matches!(source, BandSource::Score | BandSource::Cvss));
        let score = score.map(|tenths| format!(" {}.{}", tenths / 10, tenths % 10)).unwrap_or_default();
        let level = findings::level(band);
        self.fact("Severity", Cell::Said(level, format!("{}{score}, {}", band.word(), by(source)).into()));
        for reason in judged.into_iter().flat_map(|judged| judged.reasons) {
            self.text("Severity", said(&reason));
        }
        (level, band.word())
    }

    /// What it says, of what.
    fn says(&mut self, full: Option<&sarif::Detail>) {
        let message = full.and_then(|full| full.message.as_deref()).unwrap_or(&self.finding.message);
        self.text("Says", written::one_line(message));
        self.text("Where", self.whereabouts());
    }

    /// The code and what else is more than a line, where that was read.
    fn code(&mut self, told: Option<&Result<sarif::Detail, String>>) -> Vec<Block> {
        match told {
            None => self.fact("Code", Cell::Said(Level::Info, "is being read from its source".into())),
            Some(Err(why)) => self.fact("Code", Cell::Said(Level::Unknown, format!("is not known: {why}").into())),
            Some(Ok(full)) if full.withheld => {
                let why = "withheld, with values: what this rule finds may be a secret";
                self.fact("Code", Cell::Said(Level::Info, why.into()));
            }
            Some(Ok(_)) => {}
        }
        told.and_then(|told| told.as_ref().ok()).map(written::blocks).unwrap_or_default()
    }

    fn whereabouts(&self) -> String {
        let column = if self.finding.column > 0 { format!(":{}", self.finding.column) } else { String::new() };
        format!("{}{column}", place(self.finding))
    }

    fn rule(&mut self) {
        let rule = self.finding.rule.clone();
        let name = rule.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        self.text("Rule", format!("{}{name}", cut(&rule.id)));
        self.maybe("  about", rule.short.as_ref());
        self.maybe("  help", rule.help.as_ref());
        self.maybe("  precision", rule.precision.as_ref());
        let cwe: BTreeSet<u32> = rule.cwe.iter().chain(&self.finding.cwe).copied().collect();
        if !cwe.is_empty() {
            let all: Vec<String> = cwe.iter().map(|number| format!("CWE-{number}")).collect();
            self.text("  CWE", text::list(&all));
        }
        let (scan, source) = (self.taken.scan.clone(), self.taken.source.clone());
        let version = scan.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        self.text("Tool", format!("{}{version}", scan.tool));
        let series = &scan.series;
        self.maybe("  repository", Some(&series.repository));
        self.maybe("  branch", Some(&series.branch));
        self.maybe("  category", Some(&series.category));
        let (level, word) = if source.trusted {
            (Level::Ok, "from a trusted source")
        } else {
            (Level::Unknown, "claimed: anybody may have written it, so it warns and proves nothing")
        };
        self.fact("Source", Cell::Said(level, format!("{} ({word})", source.name).into()));
    }

    /// When it was seen, and how it stands in its series.
    fn seen(&mut self) {
        let ledger = self.world.findings.ledger();
        let Some(entry) = ledger.entry(&self.taken.scan.series, self.id) else { return };
        self.fact("First seen", Cell::since(entry.first.at));
        self.fact("Last seen", Cell::since(entry.last.at));
        let when = |sighting: &Sighting| sighting.at.map_or_else(|| "an unknown time".to_owned(), moment);
        let standing = match &entry.standing {
            Standing::Seen => Cell::Said(Level::Critical, "the newest scan has it".into()),
            Standing::NotSeen { why } => {
                let text = format!("a newer scan does not have it, which proves nothing: {why}");
                Cell::Said(Level::Unknown, text.into())
            }
            Standing::Gone { proof } => {
                let digest = text::hex(&proof.scan[..6]);
                let text = format!("gone, as the scan of {} proves (sha256:{digest})", when(proof));
                Cell::Said(Level::Ok, text.into())
            }
        };
        self.fact("Stands", standing);
        if !entry.reopened.is_empty() {
            let again: Vec<String> = entry.reopened.iter().map(when).collect();
            self.text("Came again", text::list(&again));
        }
    }

    /// What the scanner was told to hide, and what people decided.
    fn decided(&mut self) {
        let suppressions = self.finding.suppressions.clone();
        for one in suppressions.iter().flatten().take(DECISIONS) {
            self.text("Suppressed", suppressed(one));
        }
        let decisions: Vec<_> = self.world.triage.history(self.id).collect();
        let hidden = decisions.len().saturating_sub(DECISIONS);
        for (place, one) in decisions.into_iter().rev().take(DECISIONS).enumerate() {
            let until = one.until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
            let said = format!("{} by {} on {}{until}: {}", one.state.word(), one.author, moment(one.at), one.reason);
            let over = !one.counts(self.now);
            let (level, said) = match (place, over) {
                (0, false) => (Level::Info, said),
                (0, true) => (Level::Warn, format!("{said} (has run out: the finding is open)")),
                _ => (Level::Stale, said),
            };
            self.fact("Decided", Cell::Said(level, said.into()));
        }
        if hidden > 0 {
            self.text("Decided", format!("and {} before", text::plural(hidden, "decision", "decisions")));
        }
        let (id, linking) = (self.id, self.chains().linking());
        for pin in linking.pins.iter().filter(|pin| pin.what == Pinned::Finding(id)) {
            self.text("Pinned", format!("by {}: {}", pin.who, pin.why));
        }
    }

    /// Which code that was seen to run has it, and why that is known; the claims of the data that it could write.
    fn linked(&mut self) -> Vec<&'a Pvc> {
        let chains = self.chains();
        let links = chains.workloads(self.id);
        if links.value.is_empty() {
            let why = links.reasons.first().map(said).unwrap_or_default();
            self.fact("Runs as", Cell::Said(Level::Unknown, why.into()));
        }
        for link in links.value.iter().take(PROGRAMS) {
            let Some(program) = chains.program(link.program) else { continue };
            let claimed = if link.claimed { ", claimed" } else { "" };
            let level = if link.rung.proves() { Level::Warn } else { Level::Unknown };
            let said_of = format!("{} as {}: {}{claimed}", linking::said(program), program.image, link.rung.word());
            self.fact("Runs as", Cell::Said(level, said_of.into()));
            for hop in &link.hops {
                self.text("  tied by", format!("{} ({})", said(&hop.reason), hop.rung.word()));
            }
        }
        let more = links.value.len().saturating_sub(PROGRAMS);
        if more > 0 {
            self.text("Runs as", format!("and {}", text::plural(more, "program more", "programs more")));
        }
        let programs: BTreeSet<usize> = links.value.iter().map(|link| link.program).collect();
        let lines = chains.volumes_of(&programs);
        let wrote = |claim: &&Pvc| lines.contains(&restore_point::lineage(self.world, claim));
        let mut claims: Vec<&Pvc> = match lines.len() {
            0 => Vec::new(),
            _ => self.world.inventory.pvcs.iter().filter(wrote).collect(),
        };
        claims.sort_by_key(|claim| claim.meta.reference(Kind::Pvc).path());
        claims
    }

    /// Which volumes that code could write, what their copies are worth, and how urgent the finding is for that.
    fn volumes(&mut self, claims: &[&'a Pvc]) {
        let mut at_risk: Vec<(&Pvc, AtRisk)> = Vec::new();
        for claim in claims.iter().take(VOLUMES) {
            let chains = self.chains();
            let judged = points_within(self.world, chains, claim, least(self.world), MOST_JUDGED, self.now).value;
            let path = claim.meta.reference(Kind::Pvc).path();
            let (level, what) = match judged.known_good() {
                Some(good) => {
                    let name = &good.copy.object.name;
                    (Level::Ok, format!("last known-good copy {name}, cut {}", moment(good.cut)))
                }
                None if judged.points.is_empty() => (Level::Critical, "no copy".to_owned()),
                None => (Level::Critical, "no copy is known-good".to_owned()),
            };
            self.fact("Writes", Cell::Said(level, format!("{path}: {what}").into()));
            self.link("volume", claim, level);
            at_risk.push((claim, AtRisk { kept: keep(&judged), points: judged }));
        }
        for claim in claims.iter().skip(VOLUMES) {
            self.link("volume", claim, Level::Unknown);
        }
        if claims.len() > VOLUMES {
            let more = text::plural(claims.len() - VOLUMES, "volume more", "volumes more");
            self.fact("Writes", Cell::Said(Level::Unknown, format!("and {more}, linked and not judged here").into()));
        }
        let judged = priority(self.world, self.chains(), self.id, &at_risk, self.now);
        let Some(judged) = judged else { return };
        if let Some(since) = judged.value.since {
            let exposed = format!("data since {}", moment(since));
            self.fact("Exposes", Cell::Said(Level::Critical, exposed.into()));
        }
        // Further reasons are those of the links, told above.
        for reason in judged.reasons.iter().take(2) {
            self.text("Priority", said(reason));
        }
    }

    fn link(&mut self, relation: &'static str, claim: &Pvc, level: Level) {
        let label = claim.meta.reference(Kind::Pvc).to_string().into();
        let key = Some(Key::Object(Kind::Pvc, claim.meta.uid()));
        self.links.push(Link { relation, key, label, level: Some(level) });
    }
}

/// A text that may be of any length.
fn cut(text: &str) -> String {
    written::one_line(text)
}

fn by(source: BandSource) -> &'static str {
    match source {
        BandSource::Override => "by an operator",
        BandSource::Preset => "by a preset: the tool's own levels say nothing",
        BandSource::Score => "by its security-severity",
        BandSource::Cvss => "by its CVSS score",
        BandSource::Word => "by a word of the tool",
        BandSource::Level => "by its level",
        BandSource::Kind => "by its kind",
    }
}

fn suppressed(one: &Suppression) -> String {
    let why = one.justification.as_ref().map(|why| format!(": {}", cut(why))).unwrap_or_default();
    let until = one.until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    let status = if one.status.is_empty() { "accepted" } else { &one.status };
    format!("{} ({status}){until}{why}", one.kind)
}

#[cfg(test)]
mod tests;
