//! Results whose parts are odd: references, fingerprints, messages, places, other files, suppressions, times.

use rstest::rstest;
use serde_json::{Value, json};

use super::made::*;
use super::*;
use crate::model::{Baseline, Completion, Level};

// 6. References to rules.

#[test]
fn rules_may_stand_behind_their_results_in_extensions_and_not_at_all() {
    let text = r#"{"version":"2.1.0","runs":[{"results":[
        {"ruleIndex":0,"message":{"text":"a"}},
        {"ruleId":"X/sub","message":{"text":"b"}},
        {"ruleId":"gone","ruleIndex":99,"message":{"text":"c"}},
        {"rule":{"id":"E","toolComponent":{"index":0}},"message":{"text":"d"}},
        {"message":{"text":"AWS key 1 found"}},{"message":{"text":"AWS key 2 found"}},
        {"ruleId":"X","ruleIndex":1,"message":{"text":"e"}}],
        "tool":{"driver":{"name":"Tool OSS","rules":[{"id":"X","name":"first"},{"id":"Y"},{"id":"X","name":"second"}]},
        "extensions":[{"name":"q","rules":[{"id":"E"}]}]}}]}"#;
    let log = of(text.as_bytes());
    let rules: Vec<(&str, bool)> =
        log.scans[0].findings.iter().map(|finding| (&*finding.rule.id, finding.rule.described)).collect();
    let silent = rules[4].0;
    assert!(silent.starts_with("?tool/"), "{silent}");
    assert_eq!(
        rules,
        [("X", true), ("X", true), ("gone", false), ("E", true), (silent, false), (silent, false), ("X", true)]
    );
    assert_eq!(codes(&log), ["rule-out-of-range", "rule-ref-conflict"]);
    let catalogue = log.scans[0].catalogue.as_ref().unwrap();
    assert_eq!(catalogue.len(), 3);
}

// 7. Scores: tables stand with `band`; here a contradiction in a real report.

#[test]
fn a_level_that_contradicts_its_score_gives_way() {
    let log =
        of(&text(&[result(json!({"level": "error", "properties": {"security-severity": "2.0", "severity": "low"}}))]));
    let finding = only(&log);
    assert_eq!((finding.level, finding.score), (Level::Error, Some(20)));
    assert_eq!((finding.band, finding.band_source), (crate::model::Band::Low, crate::model::BandSource::Score));
    let scored = of(&sample("django-DefectDojo__cxf-3.4.6.sarif"));
    assert!(scored.scans[0].findings.iter().all(|finding| finding.band_source == crate::model::BandSource::Score));
}

// 8. Fingerprints that tell nothing apart.

#[test]
fn findings_of_a_real_report_have_identities_of_their_own() {
    for file in [
        "sarif-sdk__SarifSdkTest.xml.sarif",
        "django-DefectDojo__blackduck_nested_fingerprints.sarif",
        "scrub__semmle_raw.sarif",
    ] {
        let log = of(&sample(file));
        let ids: std::collections::HashSet<_> = log.scans[0].findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids.len(), log.scans[0].findings.len(), "{file}");
    }
}

#[test]
fn one_report_under_two_names_is_one_scan() {
    let bytes = sample("scrub__semmle_raw.sarif");
    let one = read(&bytes[..], &origin("a/one.sarif"), &Limits::default());
    let other = read(&packed(&bytes)[..], &origin("other.sarif.gz"), &Limits::default());
    assert_eq!(one.scans[0].digest, other.scans[0].digest);
    assert_eq!(one.scans[0].findings, other.scans[0].findings);
    let changed = of(&[&bytes[..], b" "].concat());
    assert_ne!(one.scans[0].digest, changed.scans[0].digest);
}

// 9. Messages.

#[rstest]
#[case(json!({"text": "{0} {{x}}"}), "{0} {{x}}")]
#[case(json!({"text": "{0} {{x}} {9}", "arguments": ["a"]}), "a {x} {9}")]
#[case(json!({"id": "m", "arguments": ["a"]}), "string a")]
#[case(json!({"id": "g"}), "global {0}")]
#[case(json!({"id": "nowhere"}), "the rule in short")]
#[case(json!({"markdown": "**bold**"}), "**bold**")]
#[case(json!({"text": "\u{1b}]0;own\u{7} \u{202e}x"}), "\u{1b}]0;own\u{7} \u{202e}x")]
#[case(json!({"text": "see [here](1)"}), "see here")]
fn messages_are_put_together(#[case] message: Value, #[case] expected: &str) {
    let log = json!({"version": "2.1.0", "runs": [{"results": [result(json!({ "message": message }))],
        "tool": {"driver": {"name": "T", "globalMessageStrings": {"g": {"text": "global {0}"}}, "rules": [{"id": "R1",
            "shortDescription": {"text": "the rule in short"}, "messageStrings": {"m": {"text": "string {0}"}}}]}}}]});
    assert_eq!(&*only(&read_json(&log)).message, expected);
}

#[test]
fn a_message_of_a_megabyte_is_cut_and_whole_in_its_details() {
    let long = "数".repeat(1 << 18);
    let bytes = text(&[result(json!({"message": {"text": long}}))]);
    let log = of(&bytes);
    assert!(only(&log).message.len() < 600 && only(&log).message.ends_with('…'));
    let raw = excerpt(&bytes[..], &only(&log).raw).unwrap();
    assert!(detail(&raw, false).message.unwrap().len() > 60_000);
}

// 10. URIs: tables stand with `place`; here whole logs.

#[test]
fn places_that_lead_nowhere_are_told_once_and_stay_readable() {
    let at = |artifact: Value| result(json!({"locations": [{"physicalLocation": {"artifactLocation": artifact}}]}));
    let mut log = log(&[
        at(json!({"uri": "../../etc/passwd"})),
        at(json!({"uri": "../../etc/passwd"})),
        at(json!({"uri": "x.c", "uriBaseId": "A"})),
        at(json!({"index": 7})),
        at(json!({"index": 0})),
        at(json!({"uri": "ht%tps://x y"})),
        at(json!({"uri": ""})),
        at(json!("bare.c")),
    ]);
    let run = &mut log["runs"][0];
    run["originalUriBaseIds"] = json!({"A": {"uri": "a/", "uriBaseId": "B"}, "B": {"uri": "b/", "uriBaseId": "A"}});
    run["artifacts"] = json!([{"location": {"uri": "by-index.c"}}]);
    let log = read_json(&log);
    let paths: Vec<&str> = log.scans[0].findings.iter().map(|finding| &*finding.path).collect();
    assert_eq!(paths, ["etc/passwd", "etc/passwd", "x.c", "", "by-index.c", "ht%tps:/x y", "", "bare.c"]);
    assert_eq!(codes(&log), ["outside-root", "base-circle", "artifact-out-of-range"]);
}

// 11. Parts in other files.

fn with_external(uri: &str) -> Value {
    let mut log = log(&[]);
    log["runs"][0]["externalPropertyFileReferences"] =
        json!({"results": [{"location": {"uri": uri}, "guid": "AAAA"}], "conversion": {"location": {"uri": "c"}}});
    log
}

#[rstest]
#[case("http://example.org/x.sarif-external-properties")]
#[case("../../etc/passwd")]
#[case("%2e%2e/etc/passwd")]
#[case("/etc/passwd")]
#[case("file:///etc/passwd")]
#[case("C:\\x")]
#[case("a/../../b")]
#[case("a.sarif")]
#[case("./a.sarif")]
#[case("")]
fn only_files_below_the_log_are_asked_for(#[case] uri: &str) {
    let log = read_json(&with_external(uri));
    assert!(log.wanted.is_empty(), "{:?}", log.wanted);
    assert_eq!(lost(&log), ["external-refused"]);
    assert!(matches!(log.scans[0].completion, Completion::Unproven { .. }));
}

#[test]
fn results_of_another_file_join_the_run_when_they_are_given() {
    let text = with_external("./parts/results%201.json").to_string();
    let missing = of(text.as_bytes());
    let external = External { name: "parts/results 1.json".into(), guid: Some("AAAA".into()) };
    assert_eq!((missing.wanted, findings(&of(text.as_bytes()))), (vec![external.clone()], 0));
    let given = |guid: &str| {
        let part = json!({"guid": guid, "results": [result(json!({}))]}).to_string().into_bytes();
        let beside = [(external.name.clone(), part)].into();
        read(text.as_bytes(), &Origin { beside, ..origin("a.sarif") }, &Limits::default())
    };
    let joined = given("aaaa");
    assert_eq!((findings(&joined), codes(&joined), joined.wanted.len()), (1, vec![], 0));
    assert_eq!(joined.scans[0].completion, Completion::Complete);
    assert_eq!(only(&joined).raw, 0..0, "it does not stand in this text");
    let wrong = given("bbbb");
    assert_eq!((findings(&wrong), lost(&wrong)), (0, vec!["external-refused"]));
}

#[test]
fn inline_parts_join_their_run_wherever_they_stand() {
    let part =
        json!([{"runGuid": "r-2", "results": [result(json!({}))]}, {"runGuid": "r-9", "results": [result(json!({}))]}]);
    let run = |guid: &str| json!({"automationDetails": {"guid": guid}, "results": []});
    let text =
        format!(r#"{{"inlineExternalProperties":{part},"version":"2.1.0","runs":[{},{}]}}"#, run("r-1"), run("R-2"));
    let log = of(text.as_bytes());
    let counts: Vec<usize> = log.scans.iter().map(|scan| scan.findings.len()).collect();
    assert_eq!(counts, [0, 1]);
    assert!(codes(&log).contains(&"external-without-run"));
}

// 14. Suppressions and baselines.

#[test]
fn suppressions_keep_what_was_said_and_what_was_not() {
    let log = of(&text(&[
        result(json!({"suppressions": []})),
        result(json!({"suppressions": null})),
        result(json!({})),
        result(
            json!({"suppressions": [{"kind": "inSource"}, {"kind": "external", "status": "rejected", "justification": "no"},
            {"status": "underReview", "properties": {"expiryUtc": "2025-01-01T00:00:00Z"}}]}),
        ),
    ]));
    let said: Vec<Option<usize>> =
        log.scans[0].findings.iter().map(|finding| finding.suppressions.as_ref().map(|all| all.len())).collect();
    assert_eq!(said, [Some(0), None, None, Some(3)]);
    assert_eq!(codes(&log), ["bad-suppression", "suppressions-on-some"]);
    let all = log.scans[0].findings[3].suppressions.as_ref().unwrap();
    let words: Vec<(&str, &str)> = all.iter().map(|one| (&*one.kind, &*one.status)).collect();
    assert_eq!(words, [("inSource", "accepted"), ("external", "rejected"), ("", "underReview")]);
    assert_eq!(all[1].justification.as_deref(), Some("no"));
    assert_eq!(all[2].until, Some("2025-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn baseline_states_of_drafts_are_read_and_gaps_are_told() {
    let states = ["new", "unchanged", "updated", "absent", "existing", "odd"]
        .map(|state| result(json!({"baselineState": state})));
    let log = of(&text(&states));
    let read: Vec<Option<Baseline>> = log.scans[0].findings.iter().map(|finding| finding.baseline).collect();
    let known =
        [Baseline::New, Baseline::Unchanged, Baseline::Updated, Baseline::Absent, Baseline::Unchanged].map(Some);
    assert_eq!(read, [&known[..], &[None]].concat());
    assert_eq!(codes(&log), ["bad-baseline-state", "bad-baseline-state", "baseline-on-some"]);
}

// 15. What a log says of time and subject; the rest of it is not reading.

#[test]
fn provenance_is_read_as_it_stands_and_times_of_the_future_are_not_believed() {
    let mut log = log(&[]);
    let run = &mut log["runs"][0];
    run["invocations"] = json!([{"executionSuccessful": true, "endTimeUtc": "2099-01-01T00:00:00Z"}]);
    run["versionControlProvenance"] = json!([
        {"repositoryUri": "https://github.com/Acme/Pay.git", "revisionId": "ABC123", "branch": "refs/heads/main"},
        {"repositoryUri": "git@github.com:acme/lib.git", "revisionId": "[REDACTED]"}]);
    run["automationDetails"] = json!({"id": "nightly/17"});
    let path = "pay/db/app/scan-20260102T030405Z.sarif";
    let log = read(log.to_string().as_bytes(), &origin(path), &Limits::default());
    let scan = &log.scans[0];
    assert_eq!(codes(&log), ["time-in-future"]);
    assert_eq!(scan.at, Some(("2026-01-02T03:04:05Z".parse().unwrap(), crate::model::TimeSource::FileName)));
    let series = &scan.series;
    assert_eq!(
        [&*series.tool, &series.category, &series.repository, &series.branch],
        ["t", "nightly", "github.com/acme/pay", "main"]
    );
    let subjects: Vec<_> = scan
        .subjects
        .iter()
        .map(|one| (one.source, one.repository.as_deref(), one.revision.as_deref(), one.container.as_deref()))
        .collect();
    assert_eq!(
        subjects,
        [
            (SubjectSource::Tool, Some("github.com/acme/pay"), Some("ABC123"), None),
            (SubjectSource::Tool, Some("github.com/acme/lib"), Some("[REDACTED]"), None),
            (SubjectSource::Folder, None, None, Some("app")),
        ]
    );
}
