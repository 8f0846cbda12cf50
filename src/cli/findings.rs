//! `holdfast findings`: what static analysis found, from files or from the configured sources.
//!
//! Needs no cluster. What could not be read is told on stderr, and then nothing is said to be below a limit.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::{Findings as Asked, FindingsFormat as Format, Global};
use super::{Exit, Failure, get, out, triage};
use crate::config::{Config, FindingsConfig, ScanPlace, state_directory};
use crate::model::{Completion, Diagnostic};
use crate::sarif::{self, Exported};
use crate::store::{self, ScanFile, Scans, Store};
use crate::text::{self, plural};
use crate::view::{FindingRow, Pane, Subject, finding_json, findings, findings_text};

pub(super) fn run(global: &Global, asked: &Asked) -> Result<Exit, Failure> {
    let columns = Pane::Findings.columns();
    let filter = get::filter(asked.filter.as_deref(), columns)?;
    let now = store::now();
    let decisions = triage::decisions(global)?;
    let mut scans = scans(global, &asked.files)?;
    scans.look(true, now);
    for notice in scans.notices() {
        out::say(format_args!("holdfast: {notice}"));
    }
    for fault in scans.faults() {
        out::say(format_args!("holdfast: {fault}"));
    }
    // What is decided and cannot be read may say that a finding is open again.
    let mut whole = scans.faults().is_empty() & triage::told(&decisions);
    if asked.files.is_empty() && left_out(&Config::load(global.config.as_deref())?.findings) {
        // A limit is not known to hold where a source was left out.
        whole &= asked.fail_on.is_none();
    }
    let diagnosed: Vec<(&ScanFile, Vec<Diagnostic>)> =
        scans.files().map(|file| (file, diagnostics(file, asked.strict))).collect();
    for (file, diagnostics) in &diagnosed {
        whole &= told(file, diagnostics);
    }
    if let Some(path) = &asked.diagnostics {
        write_diagnostics(path, &diagnosed)?;
    }
    let bound = filter.bind(columns);
    let mut rows = findings(&scans.findings(now), &decisions.record(), now);
    let all = rows.len();
    rows.retain(|row| bound.passes(&Subject { level: row.level, cells: &row.cells, meta: None }, now));
    print(&rows, all, asked.output, now)?;
    Ok(exit(&rows, asked, whole))
}

/// Says which sources are not looked at without a cluster; whether there are such.
fn left_out(settings: &FindingsConfig) -> bool {
    if !settings.configmaps.is_empty() {
        out::say("holdfast: scans in ConfigMaps are not looked at here; the console and known-good do");
    }
    if !settings.registries.is_empty() {
        out::say("holdfast: registries are not asked here, for what runs is not known; the console and known-good ask");
    }
    !settings.configmaps.is_empty() || !settings.registries.is_empty()
}

/// What is named; or else what the configuration says, with what its files held before.
pub(super) fn scans(global: &Global, files: &[PathBuf]) -> Result<Scans, Failure> {
    let scans = Scans::new(places(global, files)?);
    Ok(if files.is_empty() { scans.remembering(&Store::open(&state_directory()?)?) } else { scans })
}

/// Where SARIF lies: what is named, or else what the configuration says.
fn places(global: &Global, files: &[PathBuf]) -> Result<Vec<ScanPlace>, Failure> {
    if !files.is_empty() {
        // Whoever names a file vouches for it here; nothing of it proves anything about a copy.
        return Ok(files.iter().map(|path| ScanPlace { path: path.clone(), trusted: false }).collect());
    }
    let sources = Config::load(global.config.as_deref())?.findings.sources;
    if sources.is_empty() {
        let message = "no file with findings is configured; name files, or set findings.sources in the configuration";
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(sources)
}

/// What is wrong with a file, by our own reading and by a strict one.
fn diagnostics(file: &ScanFile, strict: bool) -> Vec<Diagnostic> {
    let refused = strict.then(|| match store::open_log(&file.path) {
        Ok(log) => sarif::strict(log),
        // Our own reading says why.
        Err(_) => Vec::new(),
    });
    file.diagnostics.iter().cloned().chain(refused.into_iter().flatten()).collect()
}

/// Says what is wrong with a file; whether nothing of it was lost and its scans ended.
fn told(file: &ScanFile, diagnostics: &[Diagnostic]) -> bool {
    let say = |what: &str| out::say(format_args!("holdfast: {}: {what}", file.name));
    if let Some(why) = &file.behind {
        say(&format!("it is broken, and what it held before is kept: {}", text::sanitize(why)));
    }
    // Of many of one sort the first is said, and how many there are: a converter makes its mistakes everywhere.
    let mut sorts: Vec<(&Diagnostic, usize)> = Vec::new();
    for one in diagnostics {
        // All that a strict reader says is of one code, and of as many sorts as it has words.
        let alike = |first: &Diagnostic| first.code != "strict" || first.text == one.text;
        match sorts.iter_mut().find(|(first, _)| first.code == one.code && first.lost == one.lost && alike(first)) {
            Some((_, count)) => *count += 1,
            None => sorts.push((one, 1)),
        }
    }
    for (first, count) in sorts {
        let more = if count > 1 { format!(" (and {} like it)", count - 1) } else { String::new() };
        say(&format!("{}{more}", said(first)));
    }
    let mut whole = !diagnostics.iter().any(|one| one.lost);
    for taken in &file.taken {
        let tool = text::sanitize(&taken.scan.tool).into_owned();
        match &taken.scan.completion {
            Completion::Complete => {}
            Completion::Failed { why } => {
                whole = false;
                say(&format!("the scan of {tool} did not finish: {}", text::sanitize(why)));
            }
            Completion::Unproven { why } => {
                say(&format!("nothing says that the scan of {tool} finished: {}", text::sanitize(why)));
            }
        }
    }
    whole
}

fn said(one: &Diagnostic) -> String {
    let place = if one.path.is_empty() { String::new() } else { format!("{}: ", text::sanitize(&one.path)) };
    let lost = if one.lost { "LOST: " } else { "" };
    format!("{lost}{place}{} [{}]", text::sanitize(&one.text), one.code)
}

fn write_diagnostics(path: &Path, diagnosed: &[(&ScanFile, Vec<Diagnostic>)]) -> Result<(), Failure> {
    let all = diagnosed.iter().flat_map(|(file, diagnostics)| {
        diagnostics.iter().map(|one| {
            serde_json::json!({
                "file": text::sanitize(&file.path.display().to_string()),
                "path": text::sanitize(&one.path),
                "code": one.code,
                "text": text::sanitize(&one.text),
                "lost": one.lost,
            })
        })
    });
    let text = format!("{:#}\n", all.collect::<serde_json::Value>());
    if path == Path::new("-") {
        return out::print(text);
    }
    Ok(store::write_whole(path, &text)?)
}

fn print(rows: &[FindingRow], all: usize, format: Format, now: Timestamp) -> Result<(), Failure> {
    match format {
        Format::Table if rows.is_empty() && all == 0 => out::say("holdfast: no findings"),
        Format::Table if rows.is_empty() => out::say(format_args!("holdfast: none of {all} findings matches")),
        Format::Table => out::print(findings_text::table(rows, now))?,
        Format::Json => out::line(format_args!("{:#}", rows.iter().map(finding_json).collect::<serde_json::Value>()))?,
        Format::Csv => out::print(findings_text::csv(rows))?,
        Format::Md => out::print(findings_text::markdown(rows, now))?,
        Format::Sarif => {
            let all: Vec<Exported> = rows.iter().filter_map(|row| exported(row, now)).collect();
            out::print(sarif::export(&all).map_err(|error| Failure::new(Exit::Unknown, error))?)?;
        }
    }
    Ok(())
}

fn exported(row: &FindingRow, now: Timestamp) -> Option<Exported<'_>> {
    Some(Exported { scan: &row.scan().scan, finding: row.finding()?, decided: row.decided(now) })
}

/// A limit that is not reached by what could be read of a whole is not known to hold.
fn exit(rows: &[FindingRow], asked: &Asked, whole: bool) -> Exit {
    let over = |limit| rows.iter().filter(|row| row.open && row.band >= limit).count();
    match asked.fail_on {
        Some(limit) if over(limit) > 0 => {
            let count = plural(over(limit), "finding", "findings");
            out::say(format_args!("holdfast: {count} of band {} or worse", limit.word()));
            Exit::Refused
        }
        _ if whole => Exit::Fine,
        _ => Exit::Unknown,
    }
}
