//! Findings as a SARIF log again (SARIF 2.1.0): one run for each scan, with what people decided as suppressions.
//!
//! It says no more than is known: a run is called successful only when its scan proved that. Text is made harmless on
//! the way, so that nothing in it acts on whoever reads the log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, Message, MultiformatMessageString, PhysicalLocation, PropertyBag, Region,
    ReportingDescriptor, Result as Found, ResultLevel, Run, RunAutomationDetails, Sarif, Suppression, Tool,
    ToolComponent, VersionControlDetails,
};

use crate::model::{Completion, Decision, Finding, Level, Rule, Scan, TriageState};
use crate::text::sanitize;

/// The key of our identity among `partialFingerprints`.
pub const FINGERPRINT: &str = "holdfastFinding/v1";

/// One finding to write.
#[derive(Clone, Copy, Debug)]
pub struct Exported<'a> {
    /// The scan that has it.
    pub scan: &'a Scan,
    /// The finding.
    pub finding: &'a Finding,
    /// What people decided, where that counts now.
    pub decided: Option<&'a Decision>,
}

/// Writes a log. Findings of one scan make one run, in the order in which they come.
///
/// # Errors
/// When it cannot be made into JSON.
pub fn export(findings: &[Exported]) -> Result<String, serde_json::Error> {
    let mut runs: Vec<(&Scan, Vec<&Exported>)> = Vec::new();
    for one in findings {
        match runs.iter_mut().find(|(scan, _)| scan.digest == one.scan.digest) {
            Some((_, findings)) => findings.push(one),
            None => runs.push((one.scan, vec![one])),
        }
    }
    let runs: Vec<Run> = runs.into_iter().map(|(scan, findings)| run(scan, &findings)).collect();
    let log = Sarif::builder().version(json!("2.1.0")).runs(runs).build();
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

fn safe(text: &str) -> String {
    sanitize(text).into_owned()
}

fn run(scan: &Scan, findings: &[&Exported]) -> Run {
    let rules: BTreeMap<&str, &Rule> = findings.iter().map(|one| (&*one.finding.rule.id, &*one.finding.rule)).collect();
    let mut driver = ToolComponent::builder().name(safe(&scan.tool)).build();
    driver.version = scan.version.as_deref().map(safe);
    driver.rules = Some(rules.values().map(|rule| descriptor(rule)).collect());
    // Suppressions stand on all results of a run or on none (§3.27.23).
    let told = findings.iter().any(|one| one.finding.suppressions.is_some() || suppression(one.decided).is_some());
    let results: Vec<Found> = findings.iter().map(|one| result(one, told)).collect();
    let mut run = Run::builder().tool(Tool::builder().driver(driver).build()).results(results).build();
    run.invocations = invocation(scan).map(|one| vec![one]);
    let series = &scan.series;
    if !series.category.is_empty() {
        let id = format!("{}/", safe(&series.category));
        run.automation_details = Some(RunAutomationDetails::builder().id(id).build());
    }
    if !series.repository.is_empty() {
        let uri = format!("https://{}", safe(&series.repository));
        let mut provenance = VersionControlDetails::builder().repository_uri(uri).build();
        provenance.branch = Some(safe(&series.branch)).filter(|branch| !branch.is_empty());
        run.version_control_provenance = Some(vec![provenance]);
    }
    run
}

/// Nothing is said of a scan that does not say how it ended.
fn invocation(scan: &Scan) -> Option<Invocation> {
    let successful = match scan.completion {
        Completion::Complete => true,
        Completion::Failed { .. } => false,
        Completion::Unproven { .. } => return None,
    };
    let mut invocation = Invocation::builder().execution_successful(successful).build();
    invocation.end_time_utc = scan.at.map(|(at, _)| at.to_string());
    Some(invocation)
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let mut descriptor = ReportingDescriptor::builder().id(safe(&rule.id)).build();
    descriptor.name = rule.name.as_deref().map(safe);
    descriptor.help_uri = rule.help.as_deref().map(safe);
    let short = rule.short.as_deref().map(safe);
    descriptor.short_description = short.map(|text| MultiformatMessageString::builder().text(text).build());
    let tags = rule.tags.iter().map(|tag| safe(tag));
    let weaknesses = rule.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}"));
    let mut tags: Vec<String> = tags.chain(weaknesses).collect();
    tags.sort();
    tags.dedup();
    descriptor.properties = (!tags.is_empty()).then(|| bag(tags, []));
    descriptor
}

fn bag(tags: Vec<String>, properties: impl IntoIterator<Item = (&'static str, Value)>) -> PropertyBag {
    PropertyBag {
        tags: Some(tags).filter(|tags| !tags.is_empty()),
        additional_properties: properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

fn result(one: &Exported, told: bool) -> Found {
    let finding = one.finding;
    let message = Message::builder().text(safe(&finding.message)).build();
    let mut result = Found::builder().message(message).rule_id(safe(&finding.rule.id)).build();
    result.level = Some(match finding.level {
        Level::None => ResultLevel::None,
        Level::Note => ResultLevel::Note,
        Level::Warning => ResultLevel::Warning,
        Level::Error => ResultLevel::Error,
    });
    result.partial_fingerprints = Some([(FINGERPRINT.to_owned(), finding.id.to_string())].into());
    result.locations = Some(location(finding).into_iter().collect());
    let score = finding.score.map(|tenths| ("security-severity", json!(format!("{}.{}", tenths / 10, tenths % 10))));
    let band = ("severity", json!(finding.band.word()));
    result.properties = Some(bag(Vec::new(), score.into_iter().chain([band])));
    result.suppressions = told.then(|| {
        let own = finding.suppressions.iter().flatten().map(|own| {
            let mut written =
                Suppression::builder().kind(json!(safe(&own.kind))).status(json!(safe(&own.status))).build();
            written.justification = own.justification.as_deref().map(safe);
            written.properties = own.until.map(until);
            written
        });
        own.chain(suppression(one.decided)).collect()
    });
    result
}

/// As sarif-sdk writes the end of a suppression.
fn until(at: Timestamp) -> PropertyBag {
    bag(Vec::new(), [("expiryUtc", json!(at.to_string()))])
}

fn location(finding: &Finding) -> Option<Location> {
    if finding.path.is_empty() {
        return None;
    }
    let mut place = PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri(&finding.path)).build())
        .build();
    if finding.line > 0 {
        let mut region = Region::builder().start_line(finding.line).build();
        region.start_column = (finding.column > 0).then(|| finding.column.into());
        place.region = Some(region);
    }
    Some(Location::builder().physical_location(place).build())
}

/// A path as a relative URI (RFC 3986): what has a meaning there, and what is no letter, is escaped.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}

/// What people decided, as a suppression that stands outside of the sources (§3.35). What is open is none.
fn suppression(decided: Option<&Decision>) -> Option<Suppression> {
    let decided = decided?;
    let status = match decided.state {
        TriageState::Accepted | TriageState::FalsePositive | TriageState::Fixed => "accepted",
        TriageState::Acknowledged => "underReview",
        TriageState::Open => return None,
    };
    let said = format!("{}: {} ({}, {})", decided.state.word(), decided.reason, decided.author, decided.at);
    let mut written =
        Suppression::builder().kind(json!("external")).status(json!(status)).justification(safe(&said)).build();
    written.properties = decided.until.map(until);
    Some(written)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{FindingId, Findings, ScanSource, Taken};
    use crate::sarif::{Limits, Origin, read};

    const LOG: &str = r#"{"version":"2.1.0","runs":[{
        "tool":{"driver":{"name":"Semgrep OSS","version":"1","rules":[{"id":"sqli","properties":{"security-severity":"8.1","tags":["CWE-89"]}}]}},
        "automationDetails":{"id":"nightly/7"},
        "invocations":[{"executionSuccessful":true,"endTimeUtc":"2026-02-28T10:00:00Z"}],
        "versionControlProvenance":[{"repositoryUri":"https://git.example/shop.git","branch":"main"}],
        "results":[
            {"ruleId":"sqli","level":"error","message":{"text":"bad \u001b[31m query \u202e"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a%20b.rs"},"region":{"startLine":7,"startColumn":3}}}]},
            {"ruleId":"other","message":{"text":"hm"}}
        ]}]}"#;

    fn scan(text: &str) -> Scan {
        let origin = Origin { now: "2026-03-01T00:00:00Z".parse().unwrap(), ..Origin::default() };
        let mut log = read(text.as_bytes(), &origin, &Limits::default());
        assert!(log.diagnostics.is_empty(), "{:?}", log.diagnostics);
        log.scans.remove(0)
    }

    fn decision(state: TriageState) -> Decision {
        let at = "2026-03-01T00:00:00Z".parse().unwrap();
        Decision { at, state, author: "ada".into(), reason: "test \u{1b}data".into(), until: Some(at) }
    }

    fn written(scan: &Scan, decided: Option<&Decision>) -> String {
        let all: Vec<Exported> = scan
            .findings
            .iter()
            .map(|finding| Exported { scan, finding, decided: decided.filter(|_| finding.line > 0) })
            .collect();
        export(&all).unwrap()
    }

    #[test]
    fn what_is_written_reads_as_it_was_but_for_what_could_harm() {
        let before = scan(LOG);
        let text = written(&before, None);
        assert!(!text.contains('\u{1b}') && !text.contains("\\u001b") && !text.contains('\u{202e}'), "{text}");
        let after = scan(&text);
        assert_eq!((&after.series, &after.completion, after.at), (&before.series, &before.completion, before.at));
        let told = |scan: &Scan| {
            let told =
                |one: &Finding| (one.rule.id.clone(), one.path.clone(), one.line, one.column, one.level, one.band);
            scan.findings.iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(told(&after), told(&before));
    }

    #[test]
    fn decisions_are_suppressions_and_then_every_result_says_whether_it_has_one() {
        let before = scan(LOG);
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        for (state, hidden) in [(TriageState::Accepted, true), (TriageState::Acknowledged, false)] {
            let after = scan(&written(&before, Some(&decision(state))));
            assert!(after.findings.iter().all(|one| one.suppressions.is_some()));
            let one = after.findings.iter().find(|one| one.line > 0).unwrap();
            assert_eq!(one.suppressed(now), hidden);
            let said = one.suppressions.as_ref().unwrap()[0].justification.clone().unwrap();
            assert!(said.starts_with(state.word()) && said.contains("ada") && !said.contains('\u{1b}'), "{said}");
        }
        let none = scan(&written(&before, Some(&decision(TriageState::Open))));
        assert!(none.findings.iter().all(|one| one.suppressions.is_none()));
    }

    #[test]
    fn a_scan_that_did_not_prove_its_end_is_not_written_as_one_that_did() {
        for (from, to) in [
            ("true", "false"),
            (r#""invocations":[{"executionSuccessful":true,"endTimeUtc":"2026-02-28T10:00:00Z"}],"#, ""),
        ] {
            let before = scan(&LOG.replace(from, to));
            assert_ne!(before.completion, Completion::Complete);
            assert_ne!(scan(&written(&before, None)).completion, Completion::Complete);
        }
    }

    #[test]
    fn a_written_log_is_taken_in_as_findings() {
        let scan = scan(&written(&scan(LOG), None));
        let taken = Taken { scan: Arc::new(scan), source: Arc::new(ScanSource::default()) };
        let findings = Findings::new([taken], "2026-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(findings.ids().filter(|id| *id != FindingId(0)).count(), 2);
    }
}
