//! Sources that are not whole, not what they should be, or too much: each loads as far as it can and says by name what
//! it lost.

use rstest::rstest;
use serde_json::{Value, json};

use super::made::*;
use super::*;
use crate::model::{Completion, Level};

// 1. Encodings.

#[test]
fn every_encoding_gives_the_same_findings() {
    let plain = text(&[result(json!({"message": {"text": "größe 😀"}}))]);
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        let text = String::from_utf8(plain.clone()).unwrap();
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
    };
    let expected = of(&plain);
    assert_eq!(&*only(&expected).message, "größe 😀");
    for (bytes, told) in [
        ([b"\xef\xbb\xbf", &plain[..]].concat(), &[][..]),
        (packed(&plain), &[]),
        (utf16(u16::to_le_bytes), &["utf-16"]),
        (utf16(u16::to_be_bytes), &["utf-16"]),
    ] {
        let log = of(&bytes);
        assert_eq!(log.scans, expected.scans);
        assert_eq!(codes(&log), told);
        let raw = excerpt(&bytes[..], &only(&log).raw).unwrap();
        assert_eq!(detail(&raw, false).message.as_deref(), Some("größe 😀"));
    }
}

#[test]
fn a_byte_that_is_not_utf8_costs_nothing() {
    let plain = String::from_utf8(text(&[result(json!({"hint": "caf@", "message": {"text": "caf@"}}))])).unwrap();
    let bytes: Vec<u8> = plain.bytes().map(|byte| if byte == b'@' { 0xe9 } else { byte }).collect();
    assert_eq!(&*only(&of(&bytes)).message, "caf\u{fffd}");
}

// 2. Text that is not whole, or more than a log.

#[test]
fn a_half_written_log_gives_what_is_there_and_is_not_complete() {
    let whole = text(&[result(json!({})), result(json!({"message": {"text": "second"}})), result(json!({}))]);
    let complete = of(&whole);
    assert_eq!(complete.scans[0].completion, Completion::Complete);
    assert_eq!(findings(&complete), 3);
    for end in 0..whole.len() {
        let log = of(&whole[..end]);
        assert!(!log.diagnostics.is_empty(), "{end}");
        assert!(lost(&log).iter().any(|code| ["cut-off", "empty"].contains(code)), "{end}: {log:#?}");
        assert!(log.scans.iter().all(|scan| scan.completion != Completion::Complete), "{end}");
    }
    let second = String::from_utf8(whole.clone()).unwrap().find("second").unwrap();
    let log = of(&whole[..second]);
    let told = log.diagnostics.iter().find(|told| told.lost).unwrap();
    assert_eq!((findings(&log), told.path.as_str()), (1, "runs[0].results[1]"));
}

#[rstest]
#[case::log_line_before("INFO scanning\n@", &["text-before"], 1)]
#[case::transcript_around("$ semgrep --sarif\n@\n$ ", &["text-before", "trailing-garbage"], 1)]
#[case::nul_padding("@\0\0\0", &["nul-padding"], 1)]
#[case::nul_before("\0\0@", &["nul-padding"], 1)]
#[case::concatenated("@\n@", &["concatenated"], 2)]
#[case::garbage_behind("@ done", &["trailing-garbage"], 1)]
fn text_around_a_log_is_passed_over(#[case] around: &str, #[case] told: &[&str], #[case] runs: usize) {
    let inner = String::from_utf8(text(&[result(json!({}))])).unwrap();
    let log = of(around.replace('@', &inner).as_bytes());
    assert_eq!((codes(&log), log.scans.len(), findings(&log)), (told.to_vec(), runs, runs));
}

#[test]
fn commas_too_many_or_too_few_are_passed_over() {
    let one = result(json!({})).to_string();
    for results in
        [format!("[{one},{one},]"), format!("[{one},,{one}]"), format!("[{one} {one}]"), format!("[,{one},{one}]")]
    {
        let text = format!(r#"{{"version":"2.1.0","runs":[{{"results":{results},}}],}}"#);
        let log = of(text.as_bytes());
        assert_eq!(findings(&log), 2, "{text}");
        assert!(codes(&log).contains(&"commas") && lost(&log).is_empty(), "{log:#?}");
    }
}

// 3. One bad result among good ones.

#[rstest]
#[case::no_message(r#"{"ruleId":"R1"}"#, "bad-message", ".message", false)]
#[case::null_message(r#"{"ruleId":"R1","message":null}"#, "bad-message", ".message", false)]
#[case::a_number("42", "bad-result", "", true)]
#[case::null("null", "bad-result", "", true)]
#[case::a_list("[]", "bad-result", "", true)]
#[case::a_string(r#""oops""#, "bad-result", "", true)]
#[case::a_bracket_missing(r#"{"ruleId":"R1","message":{"text":"x"},"locations":[{"a":1}"#, "bad-json", "", false)]
#[case::words(r#"{"ruleId":"R1","message":{"text":"x"},"rank":NaN}"#, "bad-json", "", false)]
fn a_bad_result_costs_itself_at_most(#[case] bad: &str, #[case] code: &str, #[case] suffix: &str, #[case] gone: bool) {
    let good = result(json!({}));
    let text = log(&[good.clone(), json!("@"), good]).to_string().replace("\"@\"", bad);
    // What misses a bracket takes one of what follows.
    let text = if suffix.is_empty() && code == "bad-json" && bad.ends_with('}') && bad.contains("[{") {
        text.replace(bad, &format!("{bad}}}"))
    } else {
        text
    };
    let log = of(text.as_bytes());
    assert_eq!(findings(&log), if gone { 2 } else { 3 }, "{log:#?}");
    let told = log.diagnostics.iter().find(|told| told.code == code).unwrap();
    assert_eq!((told.path.as_str(), told.lost), (format!("runs[0].results[1]{suffix}").as_str(), gone));
    assert_eq!(log.scans[0].completion == Completion::Complete, !gone, "a loss proves nothing gone");
}

// 4. Values of another type or beyond the specification.

#[rstest]
#[case(json!({"level": "Low"}), "bad-level")]
#[case(json!({"level": "Error"}), "bad-level")]
#[case(json!({"level": "shrug"}), "bad-level")]
#[case(json!({"message": {"text": ["bad", "things"]}}), "bad-message")]
#[case(json!({"message": "bad"}), "bad-message")]
#[case(json!({"ruleId": 7}), "off-type")]
#[case(json!({"kind": "Fail"}), "bad-kind")]
fn odd_values_are_told_and_read_by_their_sense(#[case] more: Value, #[case] code: &str) {
    let log = of(&text(&[result(more)]));
    assert_eq!((codes(&log), findings(&log)), (vec![code], 1));
}

#[test]
fn odd_levels_and_texts_keep_their_meaning() {
    let level = |word: Value| {
        let log = of(&text(&[result(json!({ "level": word }))]));
        (only(&log).level, only(&log).band)
    };
    assert_eq!(level(json!("Error")), (Level::Error, crate::model::Band::High));
    assert_eq!(level(json!("critical")), (Level::Error, crate::model::Band::Critical));
    assert_eq!(level(json!("Low")), (Level::Note, crate::model::Band::Low));
    assert_eq!(level(Value::Null), (Level::Warning, crate::model::Band::Medium));
    let log = of(&text(&[result(json!({"message": {"text": ["two", "lines"]}}))]));
    assert_eq!(&*only(&log).message, "two lines");
    let rules = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T", "rules": ["R1", "R2"]}},
        "results": [result(json!({}))]}]});
    assert!(only(&read_json(&rules)).rule.described);
}

#[rstest]
#[case("12", 12, false)]
#[case("\"12\"", 12, true)]
#[case("12.0", 12, true)]
#[case("0", 0, true)]
#[case("-3", 0, true)]
#[case("18446744073709551615", 0, true)]
#[case("3e76", 0, true)]
#[case("null", 0, true)]
#[case("{}", 0, true)]
fn lines_are_read_or_unknown(#[case] line: &str, #[case] read: u32, #[case] told: bool) {
    let text = String::from_utf8(text(&[result(json!({}))]))
        .unwrap()
        .replace("\"startLine\":3", &format!("\"startLine\":{line}"));
    let log = of(text.as_bytes());
    assert_eq!((only(&log).line, codes(&log)), (read, if told { vec!["bad-position"] } else { vec![] }));
}

// 5. Nothing in it: never clean, never closing.

#[rstest]
#[case(json!({"version": "2.1.0", "runs": []}), 0, &["no-runs"])]
#[case(json!({"version": "2.1.0", "runs": null}), 0, &["no-runs"])]
#[case(json!({"version": "2.1.0"}), 0, &["no-runs"])]
#[case(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T"}}, "invocations": [{"executionSuccessful": true}]}]}), 1, &[])]
#[case(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T"}}, "results": null, "invocations": [{"executionSuccessful": true}]}]}), 1, &[])]
#[case(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T", "rules": []}}, "results": [], "invocations": [{"executionSuccessful": true}]}]}), 1, &[])]
#[case(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T", "rules": [{"id": "R"}]}}, "results": []}]}), 1, &[])]
fn an_empty_log_proves_nothing(#[case] log: Value, #[case] runs: usize, #[case] told: &[&str]) {
    let log = read_json(&log);
    assert_eq!((log.scans.len(), codes(&log)), (runs, told.to_vec()));
    assert!(log.scans.iter().all(|scan| matches!(scan.completion, Completion::Unproven { .. })), "{log:#?}");
}

#[test]
fn a_scan_that_failed_says_so_whatever_it_found() {
    let log = of(&sample("django-DefectDojo__spotbugs.sarif"));
    assert_eq!(findings(&log), 56);
    assert!(matches!(log.scans[0].completion, Completion::Failed { .. }));
}

// 12. No SARIF, or of another version.

#[rstest]
#[case(b"", "empty")]
#[case(b"   \n", "empty")]
#[case(b"[{", "not-sarif")]
#[case(b"{}", "not-sarif")]
#[case(b"{\"a\":1}", "not-sarif")]
#[case(b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "git-lfs-pointer")]
#[case(b"<!DOCTYPE html><html><body>Sign in</body></html>", "html")]
#[case(b"<?xml version=\"1.0\"?><results/>", "not-sarif")]
#[case(b"$ semgrep --sarif .\ncommand not found\n", "transcript")]
#[case(b"level=error msg=failed", "not-json")]
#[case(br#"{"version":"1.0.0","runs":[{"results":[{"ruleId":"x"}]}]}"#, "old-version")]
#[case(br#"{"version":"2.0.0-csd.2.beta.2019-01-24","runs":[{"results":[]}]}"#, "old-version")]
#[case(br#"{"runs":[{"results":[{}]}],"version":"2.0.0"}"#, "old-version")]
#[case(b"\x1f\x8b\x08\x00", "unreadable")]
fn what_is_no_log_of_this_version_says_so(#[case] bytes: &[u8], #[case] code: &str) {
    let log = of(bytes);
    assert_eq!((lost(&log), log.scans.len()), (vec![code], 0), "{log:#?}");
}

#[rstest]
#[case(json!("2.2"), "other-version")]
#[case(json!(2.1), "")]
#[case(Value::Null, "no-version")]
fn versions_that_are_near_are_read(#[case] version: Value, #[case] code: &str) {
    let mut log = log(&[result(json!({}))]);
    log["version"] = version;
    let log = read_json(&log);
    assert_eq!((findings(&log), codes(&log)), (1, if code.is_empty() { vec![] } else { vec![code] }));
}

// 13. More than one should have to read.

#[test]
fn limits_cost_what_is_beyond_them_and_say_so() {
    let good = result(json!({}));
    let limits = Limits { element: 4096, results: 3, rules: 2, runs: 1, bytes: 1 << 20 };
    let read = |bytes: &[u8]| read(bytes, &origin("a.sarif"), &limits);
    let large = result(json!({"properties": {"x": "y".repeat(1 << 18)}}));
    let log = read(&text(&[good.clone(), large, good.clone()]));
    assert_eq!((findings(&log), lost(&log)), (2, vec!["too-large-element"]));
    assert_eq!(log.diagnostics[0].path, "runs[0].results[1]");
    let log = read(&text(&vec![good.clone(); 5]));
    assert_eq!((findings(&log), lost(&log)), (3, vec!["too-many-results"; 2]));
    let rules = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T", "rules": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}},
        "results": [good]}, {"results": []}]});
    let log = read(rules.to_string().as_bytes());
    assert_eq!((findings(&log), lost(&log)), (1, vec!["too-many-rules", "too-many-runs"]));
    let bomb = packed(&[br#"{"version":"2.1.0","x":""#, &vec![b'a'; 1 << 23][..], br#"","runs":[]}"#].concat());
    assert!(bomb.len() < 1 << 16);
    assert_eq!(lost(&read(&bomb)), ["too-large"]);
}

#[test]
fn what_is_kept_of_a_string_is_bounded() {
    let long = "a/".repeat(1 << 16);
    let more = json!({"ruleId": long, "guid": long, "locations": [{"physicalLocation": {"artifactLocation": {"uri": long}}}],
        "suppressions": [{"kind": long, "justification": long}]});
    let log = of(&text(&[result(more)]));
    let finding = only(&log);
    let suppression = &finding.suppressions.as_ref().unwrap()[0];
    let kept = [&finding.rule.id, &finding.path, &finding.message, &suppression.kind];
    assert!(kept.iter().all(|text| text.len() <= 4096), "{:?}", kept.map(|text| text.len()));
}

#[test]
fn deep_nesting_costs_its_result() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let good = result(json!({}));
    let text = log(&[good.clone(), json!({"message": {"text": "@"}, "properties": "@"}), good]).to_string();
    let log = of(text.replace("\"properties\":\"@\"", &format!("\"properties\":{deep}")).as_bytes());
    assert_eq!((findings(&log), lost(&log)), (2, vec!["too-deep"]));
    assert_eq!(
        lost(&of(format!("{{\"version\":\"2.1.0\",\"runs\":[{{\"results\":{deep}}}]}}").as_bytes())),
        ["too-deep"]
    );
}

#[test]
fn of_members_that_are_there_twice_the_last_counts() {
    let text = String::from_utf8(text(&[result(json!({}))])).unwrap();
    let log = of(text.replace("\"ruleId\":\"R1\"", "\"ruleId\":\"R0\",\"ruleId\":\"R1\"").as_bytes());
    assert_eq!((&*only(&log).rule.id, findings(&log)), ("R1", 1));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        of(&bytes);
    }

    #[test]
    fn no_damage_panics(at in 0usize..20_000, byte: u8, cut in 0usize..40, pick in 0usize..8) {
        let files = ["sarif-sdk__example.sarif", "trivy__alpine-310.sarif.golden", "sarif-sdk__RunWithArtifacts.sarif",
            "sarif-vscode-extension__rulesExtensions.sarif", "django-DefectDojo__SuppressionTestCurrent.sarif",
            "grype__TestSarifPresenter_directory.golden", "scrub__custom.sarif", "django-DefectDojo__dockle_0_3_15.sarif"];
        let mut bytes = sample(files[pick]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let end = (at + cut).min(bytes.len());
        bytes.drain((at + 1).min(end)..end);
        let log = of(&bytes);
        for finding in log.scans.iter().flat_map(|scan| &scan.findings) {
            detail(&excerpt(&bytes[..], &finding.raw).unwrap(), false);
        }
        stamp(&bytes, &Stamp { revision: Some("x".into()), ..Stamp::default() }).ok();
    }
}
