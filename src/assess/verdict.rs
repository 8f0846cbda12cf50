//! Whether a copy was cut before, during or after an exposure of its volume to a finding, or nobody can say.
//!
//! BEFORE is a proof: every program that could write the data until the cut is linked to a scan that finished, looked
//! for the finding's rule and did not find it, and no time is unaccounted for. Everything else that is not known to be
//! exposed is UNKNOWN, with what would prove it. DURING and AFTER need no proof of completeness: one sure exposure is
//! enough. Scans that are claimed can make a copy exposed, and never clear one.
//!
//! A cut on the very edge of an exposure is DURING: times are those of nodes and storage, to the second.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::exposure::{Exposure, History, Hole, carries, said};
use super::linking::{self, Chains, Link, Ran};
use super::{Judgement, Reason, Severity};
use crate::model::{Finding, FindingId, Known, Rung, Scan, Series, proves};
use crate::text;

/// The verdict on one restore point and one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Cut before any code with the finding could write the data, with proof.
    Before,
    /// Cut while code with the finding could write the data.
    During,
    /// Cut after it, by code that is proven to lack the finding; the data may be tainted.
    After,
    /// Cannot be told.
    Unknown,
}

impl Verdict {
    /// One word for a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "BEFORE",
            Self::During => "DURING",
            Self::After => "AFTER",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::Before => Severity::Ok,
            Self::During => Severity::Critical,
            Self::After => Severity::Warn,
            Self::Unknown => Severity::Unknown,
        }
    }
}

/// Reasons said in full; of more only their number.
const MOST: usize = 5;

/// Judges a copy of this data that was cut then.
pub fn verdict(chains: &Chains, history: &History, id: FindingId, cut: Timestamp) -> Judgement<Verdict> {
    Judging::new(chains, history).verdict(id, cut)
}

/// Judges many copies of one volume: what they have in common is looked up once.
pub struct Judging<'a> {
    chains: &'a Chains,
    history: &'a History,
    exposures: HashMap<FindingId, Vec<Exposure>>,
    proofs: HashMap<(usize, FindingId), Result<Reason, Reason>>,
    holes: HashMap<Timestamp, Vec<Hole>>,
}

impl<'a> Judging<'a> {
    /// Of one volume.
    pub fn new(chains: &'a Chains, history: &'a History) -> Self {
        Self { chains, history, exposures: HashMap::new(), proofs: HashMap::new(), holes: HashMap::new() }
    }

    /// The exposures to a finding.
    pub fn exposures(&mut self, id: FindingId) -> &[Exposure] {
        self.exposures.entry(id).or_insert_with(|| self.history.exposures(self.chains, id))
    }

    fn clean(&mut self, program: usize, id: FindingId) -> &Result<Reason, Reason> {
        self.proofs.entry((program, id)).or_insert_with(|| clean(self.chains, program, id))
    }

    fn holes(&mut self, cut: Timestamp) -> &[Hole] {
        self.holes.entry(cut).or_insert_with(|| self.history.holes(cut))
    }

    /// Judges a copy that was cut then.
    pub fn verdict(&mut self, id: FindingId, cut: Timestamp) -> Judgement<Verdict> {
        let begun: Vec<Exposure> = self.exposures(id).iter().filter(|one| one.from <= cut).cloned().collect();
        if let Some(within) = begun.iter().find(|one| one.certain() && one.holds(cut)) {
            return Judgement::new(Verdict::During).because(self.history.why(within));
        }
        if let Some(earlier) = begun.iter().find(|one| one.certain()) {
            return self.after(earlier, id, cut);
        }
        // What only may be of this version counts for nothing against a scan that is surely of it.
        let mut missing: Vec<Reason> = Vec::new();
        for one in &begun {
            if one.program.is_none_or(|program| self.clean(program, id).is_err()) {
                missing.push(unsure(&self.history.why(one)));
            }
        }
        missing.extend(self.holes(cut).iter().map(|hole| hole.why.clone()));
        let programs = self.programs(|run| run.extent.from <= cut);
        missing.extend(self.unproven(&programs, id));
        if missing.is_empty() { self.before(&programs, id, cut) } else { unknown(missing) }
    }

    fn before(&mut self, programs: &[usize], id: FindingId, cut: Timestamp) -> Judgement<Verdict> {
        let first = self.exposures(id).iter().map(|one| one.from).filter(|from| cut < *from).min();
        let judged = Judgement::new(Verdict::Before).because(first.map_or_else(
            || Reason::new("no code with the finding was seen to write this volume"),
            |first| {
                let ahead = text::quantity::span(first.duration_since(cut));
                Reason::new(format!("cut {ahead} before the first exposure, {}", said(first)))
            },
        ));
        if programs.is_empty() {
            return judged.because("nothing wrote the volume until the cut: it was in sight all the time");
        }
        let proofs: Vec<Reason> = programs.iter().filter_map(|program| self.clean(*program, id).clone().ok()).collect();
        judged.because_all(proofs)
    }

    /// Code with the finding wrote the data before the cut and is not known to have done so at the cut.
    fn after(&mut self, earlier: &Exposure, id: FindingId, cut: Timestamp) -> Judgement<Verdict> {
        let programs = self.programs(|run| run.extent.from <= cut && cut <= run.extent.to);
        let mut missing: Vec<Reason> =
            self.holes(cut).iter().filter(|hole| hole.to == cut).map(|hole| hole.why.clone()).collect();
        missing.extend(self.unproven(&programs, id));
        let tainted =
            Reason { text: format!("{}; the data may be tainted", self.history.why(earlier).text), next: None };
        if missing.is_empty() {
            let fixed = if programs.is_empty() {
                "nothing ran on it at the cut"
            } else {
                "what ran at the cut is proven to lack the finding"
            };
            return Judgement::new(Verdict::After).because(tainted).because(fixed);
        }
        let judged = Judgement::new(Verdict::Unknown).because(tainted);
        judged
            .because("whether the code at the cut was fixed is not proven")
            .because_all(missing.into_iter().take(MOST))
    }

    /// Programs of runs that have to be proven clean. What is only claimed or guessed adds no writer to a time that is
    /// accounted for without it.
    fn programs(&self, of: impl Fn(&Ran) -> bool) -> Vec<usize> {
        let runs = self.history.runs.iter().filter(|run| run.key.known >= Known::Recorded && of(run));
        runs.map(|run| run.program).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What lacks for programs to be proven free of the finding.
    fn unproven(&mut self, programs: &[usize], id: FindingId) -> Vec<Reason> {
        programs.iter().filter_map(|program| self.clean(*program, id).clone().err()).collect()
    }
}

fn unsure(why: &Reason) -> Reason {
    let text = format!("{}: which version is not sure enough", why.text);
    Reason::new(text).next("scan by digest, or stamp the report with digest and revision")
}

fn unknown(mut missing: Vec<Reason>) -> Judgement<Verdict> {
    missing.dedup();
    let more = missing.len().saturating_sub(MOST);
    missing.truncate(MOST);
    let rest = (more > 0).then(|| Reason::new(format!("and {}", text::plural(more, "thing more", "things more"))));
    Judgement::new(Verdict::Unknown).because_all(missing).because_all(rest)
}

/// The proof that a program lacks a finding.
///
/// # Errors
/// With the reason why there is none, and what would be one.
pub fn clean(chains: &Chains, program: usize, id: FindingId) -> Result<Reason, Reason> {
    let Some(found) = chains.program(program) else { return Err(Reason::new("what ran is not known")) };
    let name = linking::said(found);
    let image = found
        .digests
        .first()
        .map_or_else(|| text::sanitize(&found.image).into_owned(), |digest| linking::short(digest));
    // Somebody's word that it has the finding stands, too. A name alone does not, against a scan of this very version.
    let carried = carries(chains, program, id);
    if carried.is_some_and(|(rung, _)| rung.proves() || rung == Rung::Manual) {
        return Err(Reason::new(format!("a scan with the finding is linked to {image} in {name}")));
    }
    if found.digests.is_empty() {
        let text = format!("which image ran as {} in {name} was not recorded", found.image);
        return Err(Reason::new(text).next("leave a console or an agent running, which records digests"));
    }
    let Some(finding) = chains.findings().latest(id) else { return Err(Reason::new("the finding is not known")) };
    let mut lacks: Option<Reason> = None;
    for place in chains.scans_of(program) {
        match proof(chains, place, program, id, finding) {
            Ok(reason) => return Ok(Reason::new(format!("{image} in {name}: {reason}"))),
            Err(Some(why)) => lacks = Some(why),
            Err(None) => {}
        }
    }
    let next = format!(
        "scan {image} with {} so that the run finishes and says so, lists rule {}, and names the digest",
        chains
            .findings()
            .scans()
            .get(chains.findings().places(id).first().map_or(0, |(scan, _)| *scan))
            .map_or("the same tool", |taken| &*taken.scan.tool),
        finding.rule.id
    );
    let none = || Reason::new(format!("no finished scan of {image} in {name} looked for it"));
    let why = lacks.map_or_else(none, |why| Reason::new(format!("{image} in {name}: {}", why.text)));
    Err(why.next(next))
}

/// Whether one scan proves it, and how; `Err(None)` when it has nothing to do with it.
fn proof(
    chains: &Chains,
    place: usize,
    program: usize,
    id: FindingId,
    finding: &Finding,
) -> Result<String, Option<Reason>> {
    let taken = chains.findings().scans().get(place).ok_or(None)?;
    if !comparable(chains, id, &taken.scan.series) {
        return Err(None);
    }
    let link = chains.link(place, &finding.path, program).ok_or(None)?;
    let scan = &taken.scan;
    let called = called(scan);
    if !link.proves() {
        return Err(Some(Reason::new(format!("the scan {called} {} ({})", doubt(&link), link.rung.word()))));
    }
    // When it ran does not matter: what a digest holds never changes.
    // What a run of the same file failed to look at may hold the finding.
    for part in chains.findings().parts(place) {
        proves(part).map_err(|why| Some(Reason::new(format!("the scan {called} proves nothing: {why}"))))?;
    }
    match &scan.catalogue {
        Some(rules) if rules.contains(&finding.rule.id) => {}
        Some(_) => {
            return Err(Some(Reason::new(format!("the scan {called} did not look for rule {}", finding.rule.id))));
        }
        None => return Err(Some(Reason::new(format!("the scan {called} does not list the rules that it looked for")))),
    }
    Ok(format!(
        "the scan {called} finished, looked for rule {} and did not find it ({})",
        finding.rule.id,
        link.rung.word()
    ))
}

/// Why a link proves nothing.
fn doubt(link: &Link) -> &'static str {
    if link.claimed {
        "is only claimed to be of it"
    } else if link.ambiguous {
        "fits another workload as well"
    } else if !link.best {
        "fits something else better"
    } else {
        "is not surely of this version"
    }
}

/// A scan by tool and time, for people.
fn called(scan: &Scan) -> String {
    match scan.at {
        Some((at, _)) => format!("by {} of {}", scan.tool, said(at)),
        None => format!("by {} of an unknown time", scan.tool),
    }
}

/// Whether a scan of this series looks at the same sources in the same way as one that has the finding. The branch may
/// be another: each release may have its own.
fn comparable(chains: &Chains, id: FindingId, series: &Series) -> bool {
    let same = |other: &Series| {
        (&other.tool, &other.category, &other.repository) == (&series.tool, &series.category, &series.repository)
    };
    let scans = chains.findings().scans();
    chains.findings().places(id).iter().filter_map(|(scan, _)| scans.get(*scan)).any(|taken| same(&taken.scan.series))
}

#[cfg(test)]
mod tests;
