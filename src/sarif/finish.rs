//! From a run that is read to a scan: rules, levels, bands, paths, messages and identities, once all of the run is
//! known.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::{Band, BandSource, Level, Rule, Scan, Series, Subject, SubjectSource};

use super::Origin;
use super::around::repository;
use super::band::{self, Said};
use super::identity::{Member, identities};
use super::intern::Table;
use super::lookup::{Found, lookup};
use super::message::{cut, plain};
use super::place::Misplaced;
use super::rules::Described;
use super::run::{NONE, Rating, Run, Shared, rank};
use super::subject::branch;
use super::when::{Evidence, Source, completion, scanned};

/// Words at the end of a tool's name that come and go: without them a new edition stays the same tool.
const EDITIONS: &[&str] = &[" command-line toolchain", " oss", " cli"];

/// The name under which a tool's scans follow each other.
pub fn family(tool: &str) -> String {
    let mut name = tool.trim().to_lowercase();
    while let Some(shorter) = EDITIONS.iter().find_map(|edition| name.strip_suffix(edition)) {
        name = shorter.trim_end().to_owned();
    }
    name
}

/// Finishes all of it but the digest.
pub fn finish(mut run: Run, origin: &Origin, shared: &mut Shared) -> Scan {
    if let Some(stamp) = &origin.stamp {
        run.told.beside(stamp, &mut shared.texts);
    }
    let tool = run.driver().map(|driver| Arc::clone(&driver.name)).filter(|name| !name.is_empty());
    if tool.is_none() {
        let index = run.index;
        shared.notes.odd(
            "no-tool",
            || format!("runs[{index}].tool.driver.name"),
            || "is missing; the tool is `?`".into(),
        );
    }
    let tool = tool.unwrap_or_else(|| "?".into());
    let family = family(&tool);
    run.places.roots = roots(&run);
    let entries = |taxonomy: usize, entry: usize| run.taxonomies.get(taxonomy)?.entries.get(entry).copied();
    let number = |taxonomy, entry| entries(taxonomy, entry).filter(|number| *number > 0);
    run.components.iter_mut().for_each(|component| component.weaknesses(number));
    resolve(&mut run, &family, shared);
    messages(&mut run, shared);
    weaknesses(&mut run);
    identify(&mut run, &family);
    consistent(&run, shared);
    scan(run, origin, tool, &family, shared)
}

/// Absolute folders that are the root of the sources.
fn roots(run: &Run) -> Vec<String> {
    let mapped = run.provenance.iter().filter_map(|one| one.mapped.as_deref());
    let folders = run.invocations.iter().filter_map(|one| one.folder.as_deref());
    let absolute = |uri: &&str| uri.starts_with("file:") || uri.starts_with('/');
    mapped.chain(folders).filter(absolute).map(str::to_owned).collect()
}

/// Rules, paths, levels and bands of all results.
fn resolve(run: &mut Run, family: &str, shared: &mut Shared) {
    let rules: Vec<(Described, Found)> =
        run.rules_used.records().iter().map(|used| lookup(used, &run.components, family)).collect();
    let paths: Vec<(Arc<str>, Option<Misplaced>)> = run
        .places_used
        .records()
        .iter()
        .map(|place| {
            let (path, wrong) = run.places.path(place);
            (shared.texts.get(&path), wrong)
        })
        .collect();
    tell(run, &rules, &paths, shared);
    let overrides = overrides(run, family);
    let preset = band::preset(family);
    let mut bands: HashMap<(u32, u32), Judged, RandomState> = HashMap::default();
    for (finding, reference) in run.findings.iter_mut().zip(&run.references) {
        let (described, _) = &rules[at(reference.rule)];
        let (path, _) = &paths[at(reference.place)];
        finding.rule = Arc::clone(&described.rule);
        finding.path = Arc::clone(path);
        let rating = &run.ratings.records()[at(reference.rating)];
        let judged = *bands
            .entry((reference.rule, reference.rating))
            .or_insert_with(|| judge(rating, described, &overrides, run.invocations.len()));
        finding.level = judged.level;
        finding.score = judged.score;
        finding.rank = finding.rank.or(judged.rank);
        (finding.band, finding.band_source) = band::settled(judged.band, preset);
    }
}

/// Tells what is wrong with references, each once: at the first result that has it.
fn tell(run: &Run, rules: &[(Described, Found)], paths: &[(Arc<str>, Option<Misplaced>)], shared: &mut Shared) {
    let mut rules: Vec<_> =
        rules.iter().map(|(rule, found)| (*found != Found::Plainly).then_some((rule, *found))).collect();
    let mut paths: Vec<_> = paths.iter().map(|(_, wrong)| *wrong).collect();
    for (index, reference) in run.references.iter().enumerate() {
        let here = |field: &str| format!("runs[{}].results[{index}]{field}", run.index);
        if let Some((described, found)) = rules[at(reference.rule)].take() {
            tell_rule(found, &described.rule, here(""), shared);
        }
        if let Some(wrong) = paths[at(reference.place)].take() {
            let (code, text) = wrong.told();
            shared.notes.odd(code, || here(".locations[0].physicalLocation.artifactLocation"), || text.into());
        }
    }
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn tell_rule(found: Found, rule: &Rule, path: String, shared: &mut Shared) {
    let (code, text) = match found {
        Found::Plainly => return,
        Found::Conflict => {
            ("rule-ref-conflict", format!("ruleIndex names another rule; `{}` was taken by its id", rule.id))
        }
        Found::OutOfRange => {
            let text =
                format!("ruleIndex is beyond the rules of the tool; `{}` was taken by what else is said", rule.id);
            ("rule-out-of-range", text)
        }
    };
    shared.notes.odd(code, || path, || text);
}

/// Rules whose level or rank an invocation sets, by invocation (§3.20.5).
type Overrides = Vec<Vec<(Arc<Rule>, Option<Level>, Option<f64>)>>;

fn overrides(run: &Run, family: &str) -> Overrides {
    let of = |over: &super::rules::Override| {
        (lookup(&over.descriptor, &run.components, family).0.rule, over.level, over.rank)
    };
    run.invocations.iter().map(|one| one.overrides.iter().map(of).collect()).collect()
}

/// How bad the results of one rule with one rating are.
#[derive(Clone, Copy)]
struct Judged {
    level: Level,
    rank: Option<u16>,
    band: (Band, BandSource),
    score: Option<u8>,
}

fn judge(rating: &Rating, rule: &Described, overrides: &Overrides, invocations: usize) -> Judged {
    // §3.27.10: of exactly one invocation the index may be left out.
    let invocation = rating.invocation.or((invocations == 1).then_some(0));
    let set = invocation
        .and_then(|index| overrides.get(index))
        .and_then(|set| set.iter().find(|(other, ..)| Arc::ptr_eq(other, &rule.rule)));
    let level = band::level(rating.kind, rating.level, set.and_then(|set| set.1), rule.level);
    let said = Said { kind: rating.kind, level, word: rating.word, result: rating.rated, rule: rule.rated };
    let (worst, source, score) = band::own(&said);
    let rank = set.and_then(|set| set.2).or(rule.rank).map(rank);
    Judged { level, rank, band: (worst, source), score }
}

/// Messages that results only name (§3.11.7): strings of the rule, then of the components.
fn messages(run: &mut Run, shared: &mut Shared) {
    let (mut known, mut index) = (HashMap::<(u32, u32), Arc<str>>::new(), 0);
    for (finding, reference) in run.findings.iter_mut().zip(&run.references) {
        index += 1;
        if reference.message == NONE {
            continue;
        }
        let elsewhere = &run.elsewhere.records()[at(reference.message)];
        let message = known.entry((reference.rule, reference.message)).or_insert_with(|| {
            let own = run.rules_used.records().get(at(reference.rule));
            let strings = own.map(|used| lookup(used, &run.components, "").0.strings).unwrap_or_default();
            let all = strings.iter().chain(run.components.iter().flat_map(|component| &component.strings));
            let found = all.into_iter().find(|(id, _)| *id == elsewhere.id).map(|(_, text)| text);
            if found.is_none() {
                let path = || format!("runs[{}].results[{}].message.id", run.index, index - 1);
                shared.notes.odd("no-message-string", path, || "names no string of its rule or tool".into());
            }
            // Better the sentence of the rule than a bare id.
            let text = found.or(finding.rule.short.as_ref()).unwrap_or(&elsewhere.id);
            shared.texts.get(&cut(&plain(text, elsewhere.arguments.as_deref())))
        });
        finding.message = Arc::clone(message);
    }
}

/// Weaknesses named by number, and none twice.
fn weaknesses(run: &mut Run) {
    for (finding, taxonomy, entry) in std::mem::take(&mut run.taxa) {
        let number = run.taxonomies.get(at(taxonomy)).and_then(|taxonomy| taxonomy.entries.get(at(entry)));
        if let (Some(finding), Some(&number @ 1..)) = (run.findings.get_mut(at(finding)), number) {
            finding.cwe = finding.cwe.iter().copied().chain([number]).collect();
        }
    }
    for finding in run.findings.iter_mut().filter(|finding| !finding.cwe.is_empty()) {
        let mut cwe: Vec<u32> =
            finding.cwe.iter().copied().filter(|number| !finding.rule.cwe.contains(number)).collect();
        cwe.sort_unstable();
        cwe.dedup();
        finding.cwe = cwe.into();
    }
}

/// Identities: those of one rule and one path together.
fn identify(run: &mut Run, family: &str) {
    let mut groups: Table<(Arc<str>, Arc<str>)> = Table::default();
    let mut known: HashMap<(u32, u32), u32, RandomState> = HashMap::default();
    let mut order: Vec<(u32, u32)> = Vec::with_capacity(run.findings.len());
    for ((finding, reference), index) in run.findings.iter().zip(&run.references).zip(0..) {
        let group = *known.entry((reference.rule, reference.place)).or_insert_with(|| {
            let logical = run.places_used.records()[at(reference.place)].logical.clone();
            let path = logical.unwrap_or_else(|| Arc::clone(&finding.path));
            let group = (Arc::clone(&finding.rule.id), path);
            groups.number(&group, |known| *known == group, || group.clone())
        });
        order.push((group, index));
    }
    order.sort_unstable();
    let mut members = Vec::new();
    for group in order.chunk_by(|one, other| one.0 == other.0) {
        members.clear();
        members.extend(group.iter().map(|(_, index)| {
            let finding = &run.findings[at(*index)];
            Member { marks: &run.references[at(*index)].marks, position: (finding.line, finding.column, *index) }
        }));
        let (rule, path) = &groups.records()[at(group[0].0)];
        for ((_, index), id) in group.iter().zip(identities(family, rule, path, &members)) {
            run.findings[at(*index)].id = id;
        }
    }
}

/// What has to be said of all results or of none (§3.27.23, §3.27.24).
fn consistent(run: &Run, shared: &mut Shared) {
    let count = |has: fn(&crate::model::Finding) -> bool| run.findings.iter().filter(|finding| has(finding)).count();
    let some = |count: usize| count > 0 && count < run.findings.len();
    let path = || format!("runs[{}].results", run.index);
    if some(count(|finding| finding.suppressions.is_some())) {
        let text =
            || "say of some results whether they are suppressed and of others not; the others are unknown".into();
        shared.notes.odd("suppressions-on-some", path, text);
    }
    if some(count(|finding| finding.baseline.is_some())) {
        let text = || "have a baselineState on some results only; it says nothing of the others".into();
        shared.notes.odd("baseline-on-some", path, text);
    }
}

fn scan(mut run: Run, origin: &Origin, tool: Arc<str>, family: &str, shared: &mut Shared) -> Scan {
    let source = Source { name: origin.name(), modified: origin.modified, now: origin.now };
    let at = scanned(&run.invocations, &run.provenance, &source, run.index, &mut shared.notes);
    let rules = run.components.iter().flat_map(|component| &component.rules).filter(|rule| rule.rule.described);
    let catalogue: HashSet<Arc<str>> = rules.map(|rule| Arc::clone(&rule.rule.id)).collect();
    let evidence = Evidence {
        invocations: &run.invocations,
        results: run.has_results,
        something: !catalogue.is_empty() || !run.findings.is_empty(),
        lost: run.lost,
        vouched: run.told.complete,
    };
    let completion = completion(&evidence);
    let mut subjects = run.told.subjects(&run.provenance, &mut shared.texts).into_vec();
    subjects.extend(origin.folder_subject());
    let series = series(&run, family, &subjects, shared);
    run.findings.shrink_to_fit();
    Scan {
        digest: [0; 32],
        series,
        version: run.driver().and_then(|driver| driver.version.clone()),
        tool,
        at,
        completion,
        catalogue: (!catalogue.is_empty()).then(|| Arc::new(catalogue)),
        subjects: subjects.into(),
        findings: run.findings.into(),
    }
}

/// What the scan follows: repository and branch by the stamp, else by the run's own provenance.
fn series(run: &Run, family: &str, subjects: &[Subject], shared: &mut Shared) -> Series {
    let stamp = subjects.iter().find(|subject| subject.source == SubjectSource::Stamp);
    let provenance = run.provenance.first();
    let named = provenance.and_then(|one| one.repository.as_deref()).map(repository);
    let repository = stamp.and_then(|stamp| stamp.repository.as_deref()).map(str::to_owned).or(named);
    let branched = provenance.and_then(|one| one.branch.as_deref());
    let branched = stamp.and_then(|stamp| stamp.branch.as_deref()).or(branched).map(branch);
    let texts = &mut shared.texts;
    Series {
        tool: texts.get(family),
        category: texts.get(run.automation.category()),
        repository: texts.get(&repository.unwrap_or_default()),
        branch: texts.get(branched.unwrap_or_default()),
    }
}
