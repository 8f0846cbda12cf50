//! `holdfast triage`: decides on findings, and lists what was decided. Needs no cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, Triage as Asked, TriageFormat as Format};
use super::{Exit, Failure, findings, out};
use crate::config::{self, Config, ConfigError, USER_ENV};
use crate::model::{Decision, FindingId, Findings, Triage, TriageState, Undecidable};
use crate::plan::triage;
use crate::store::{self, About, Decided, DecisionFolders, Decisions};
use crate::text::{self, plural};
use crate::view::{findings_text, output};

/// Digits that the beginning of an id needs.
const LEAST: usize = 4;

pub(super) fn run(global: &Global, asked: &Asked) -> Result<Exit, Failure> {
    let decisions = decisions(global)?;
    let whole = told(&decisions);
    let now = store::now();
    let (Some(state), Some(reason)) = (asked.state, &asked.reason) else {
        list(&decisions, asked.output, now)?;
        return Ok(if whole { Exit::Fine } else { Exit::Unknown });
    };
    let until = asked.until.as_deref().map(|until| triage::until(until, now)).transpose();
    let until = until.map_err(|error| Failure::new(Exit::Usage, format!("--until: {error}")))?;
    let author = author(&Config::load(global.config.as_deref())?).ok_or_else(nobody)?;
    if global.read_only {
        return Err(Failure::new(Exit::Refused, "read-only mode decides nothing"));
    }
    let decision = Decision { at: now, state, author: author.into(), reason: reason.trim().into(), until };
    decide(global, asked, &decisions, &decision)
}

fn nobody() -> Failure {
    let message = format!("{}; set findings.author in the configuration, or ${USER_ENV}", Undecidable::Nobody);
    Failure::new(Exit::Usage, message)
}

/// Who decides: as configured, or the name on this machine.
pub(super) fn author(config: &Config) -> Option<String> {
    let here = || config::variable(USER_ENV).map(|name| name.to_string_lossy().into_owned());
    let author = config.findings.author.clone().or_else(here)?.trim().to_owned();
    Some(author).filter(|author| !author.is_empty())
}

/// Everything that was decided, read once.
pub(super) fn decisions(global: &Global) -> Result<Decisions, Failure> {
    let config = match Config::load(global.config.as_deref()) {
        // An account without a home has neither settings nor decisions.
        Err(ConfigError::NoHome(_)) => Config::default(),
        other => other?,
    };
    let state = config::state_directory().ok();
    let mut decisions = Decisions::new(DecisionFolders::new(state.as_deref(), config.findings.shared));
    decisions.look(true);
    Ok(decisions)
}

/// Says what is no decision. Whether everything that may be one was read.
pub(super) fn told(decisions: &Decisions) -> bool {
    for flaw in decisions.flaws() {
        out::say(format_args!("holdfast: decisions: {flaw}"));
    }
    !decisions.flaws().any(|flaw| flaw.lost)
}

fn decide(global: &Global, asked: &Asked, decisions: &Decisions, decision: &Decision) -> Result<Exit, Failure> {
    let now = decision.at;
    let mut scans = findings::scans(global, &asked.files)?;
    scans.look(true, now);
    for fault in scans.faults() {
        out::say(format_args!("holdfast: {fault}"));
    }
    let (known, record) = (scans.findings(now), decisions.record());
    let mut chosen: Vec<FindingId> = Vec::new();
    for text in &asked.findings {
        let id = named(&known, text)?;
        if !chosen.contains(&id) {
            chosen.push(id);
        }
    }
    decision.check().map_err(|error| Failure::new(Exit::Refused, format!("nothing is decided: {error}")))?;
    let on = |id: &FindingId| {
        let decision = Decision { at: record.moment(*id, now), ..decision.clone() };
        Some(Decided { finding: *id, about: About::newest(&known, *id)?, decision })
    };
    let decided: Vec<Decided> = chosen.iter().filter_map(on).collect();
    let path = decisions.folders().write(&decided)?;
    for one in &decided {
        let until = one.decision.until.map(|until| format!(" until {until}")).unwrap_or_default();
        out::line(format_args!("{} {}: {}{until}", one.finding, place(&one.about), one.decision.state.word()))?;
    }
    out::say(format_args!("holdfast: written to {}", text::sanitize(&path.display().to_string())));
    Ok(Exit::Fine)
}

/// The finding whose id begins so.
fn named(findings: &Findings, text: &str) -> Result<FindingId, Failure> {
    let shown = text::sanitize(text).into_owned();
    let beginning = text.to_ascii_lowercase();
    if !(LEAST..=32).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("\"{shown}\" is no id of a finding: {LEAST} to 32 hexadecimal digits");
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut fitting: Vec<FindingId> = findings.ids().filter(|id| id.to_string().starts_with(&beginning)).collect();
    fitting.sort_unstable();
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => {
            let message = format!("no finding {shown} is in the sources; --in FILE names a log that has it");
            Err(Failure::new(Exit::Refused, message))
        }
        several => {
            let ids: Vec<String> = several.iter().take(5).map(ToString::to_string).collect();
            let count = plural(several.len(), "finding", "findings");
            let message = format!("{shown} begins the ids of {count}, such as {}; write more of it", ids.join(", "));
            Err(Failure::new(Exit::Refused, message))
        }
    }
}

/// `sqli src/db.rs:7 (Semgrep OSS)`
fn place(about: &About) -> String {
    let line = if about.line > 0 { format!(":{}", about.line) } else { String::new() };
    text::sanitize(&format!("{} {}{line} ({})", about.rule, about.path, about.tool)).into_owned()
}

/// How a decision stands now.
fn standing(record: &Triage, one: &Decided, now: Timestamp) -> &'static str {
    match record.last(one.finding) {
        Some(last) if *last != one.decision => "replaced",
        _ if one.decision.counts(now) => "counts",
        _ => "has run out",
    }
}

fn list(decisions: &Decisions, format: Format, now: Timestamp) -> Result<(), Failure> {
    let record = decisions.record();
    // What stands in both folders, or on both sides of a conflict, is one decision.
    let once: BTreeMap<(&FindingId, &Decision), &Decided> =
        decisions.all().map(|one| ((&one.finding, &one.decision), one)).collect();
    let mut all: Vec<&Decided> = once.into_values().collect();
    all.sort_by(|a, b| b.decision.at.cmp(&a.decision.at).then_with(|| a.cmp(b)));
    match format {
        Format::Json => {
            let all = all.iter().map(|one| object(one, standing(&record, one, now)));
            out::line(format_args!("{:#}", all.collect::<Value>()))
        }
        Format::Table if all.is_empty() => {
            out::say("holdfast: nothing was decided");
            Ok(())
        }
        Format::Table => {
            let ids: Vec<FindingId> = all.iter().map(|one| one.finding).collect();
            let digits = findings_text::digits(ids.iter().copied());
            let heading = ["ID", "STATE", "STANDING", "AGE", "UNTIL", "WHO", "FINDING", "WHY"].map(str::to_owned);
            let rows = all.iter().map(|one| {
                let Decision { at, state, author, reason, until } = &one.decision;
                let until = until.map_or_else(|| "-".to_owned(), |until| format!("{until:.0}"));
                let safe = |text: &Arc<str>| findings_text::one_line(&text::sanitize(text));
                let id = one.finding.to_string().chars().take(digits).collect();
                let age = text::age(now.duration_since(*at));
                let standing = standing(&record, one, now).to_owned();
                vec![id, state.word().to_owned(), standing, age, until, safe(author), place(&one.about), safe(reason)]
            });
            out::print(output::plain_table(&std::iter::once(heading.to_vec()).chain(rows).collect::<Vec<_>>()))
        }
    }
}

fn object(one: &Decided, standing: &str) -> Value {
    let (about, decision) = (&one.about, &one.decision);
    let or_none = |text: &str| Some(text::sanitize(text).into_owned()).filter(|text| !text.is_empty());
    json!({
        "finding": one.finding.to_string(),
        "rule": or_none(&about.rule),
        "path": or_none(&about.path),
        "line": Some(about.line).filter(|line| *line > 0),
        "tool": or_none(&about.tool),
        "at": decision.at.to_string(),
        "state": decision.state.word(),
        "author": or_none(&decision.author),
        "reason": or_none(&decision.reason),
        "until": decision.until.map(|until| until.to_string()),
        "standing": standing,
        "hides": standing == "counts" && !matches!(decision.state, TriageState::Open | TriageState::Acknowledged),
    })
}
