use super::super::tests::{of, samples};
use super::*;
use crate::model::{Completion, SubjectSource};
use rstest::rstest;

const DIGEST: &str = "sha256:961769676411f082461f9ef46626dd7a2d1e2b2a38e6a44364bcbecf51e66dd4";

fn given() -> Stamp {
    Stamp {
        digests: vec![format!("registry.example/app@{DIGEST}")],
        repository: Some("https://github.com/acme/pay.git".into()),
        revision: Some("0123abc".into()),
        complete: true,
        ..Stamp::default()
    }
}

#[rstest]
#[case(r#"{"version":"2.1.0","runs":[{}]}"#, r#"{"version":"2.1.0","runs":[{"properties": {"holdfast/subject": @}}]}"#)]
#[case(
    r#"{ "runs": [ {"results": []} ], "version": "2.1.0" }"#,
    r#"{ "runs": [ {"properties": {"holdfast/subject": @}, "results": []} ], "version": "2.1.0" }"#
)]
#[case(
    r#"{"version":"2.1.0","runs":[{"properties": {"a": 1}}]}"#,
    r#"{"version":"2.1.0","runs":[{"properties": {"holdfast/subject": @, "a": 1}}]}"#
)]
#[case(
    r#"{"version":"2.1.0","runs":[{"properties":{}}, {"properties":null}]}"#,
    r#"{"version":"2.1.0","runs":[{"properties":{"holdfast/subject": @}}, {"properties":{"holdfast/subject": @}}]}"#
)]
#[case(
    r#"{"version":"2.1.0","runs":[{"properties":{"x":0, "holdfast/subject" : {"old": [1]} , "y":1}}]}"#,
    r#"{"version":"2.1.0","runs":[{"properties":{"x":0, "holdfast/subject" : @ , "y":1}}]}"#
)]
fn all_but_the_stamp_stays_as_it_is(#[case] log: &str, #[case] expected: &str) {
    let value = given().value().unwrap().to_string();
    let stamped = stamp(log.as_bytes(), &given()).unwrap();
    assert_eq!(String::from_utf8(stamped.clone()).unwrap(), expected.replace('@', &value));
    assert_eq!(stamp(&stamped, &given()).unwrap(), stamped, "a second time changes nothing");
    serde_json::from_slice::<Value>(&stamped).unwrap();
}

#[test]
fn a_stamped_report_of_any_tool_reads_as_before_and_carries_the_stamp() {
    let mut stamped_logs = 0;
    for (file, bytes) in samples() {
        let before = of(&bytes);
        let Ok(stamped) = stamp(&bytes, &given()) else { continue };
        stamped_logs += 1;
        let after = of(&stamped);
        assert_eq!(after.scans.len(), before.scans.len(), "{file}");
        for (before, after) in before.scans.iter().zip(&after.scans) {
            let ids = |scan: &crate::model::Scan| scan.findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
            assert_eq!(ids(before), ids(after), "{file}");
            let subject = &after.subjects[0];
            assert_eq!((subject.source, &*subject.digests[0]), (SubjectSource::Stamp, DIGEST), "{file}");
            assert_eq!(subject.repository.as_deref(), Some("github.com/acme/pay"));
            assert_eq!(&*after.series.repository, "github.com/acme/pay");
            let failed = matches!(before.completion, Completion::Failed { .. });
            assert_eq!(
                failed,
                matches!(after.completion, Completion::Failed { .. }),
                "a stamp does not undo a failure"
            );
        }
    }
    assert!(stamped_logs > 45, "{stamped_logs}");
}

#[rstest]
#[case(b"", "no JSON object")]
#[case(b"[]", "no JSON object")]
#[case(b"{}", "version")]
#[case(br#"{"version":"1.0.0","runs":[{}]}"#, "version")]
#[case(br#"{"version":"2.1.0"}"#, "no runs")]
#[case(br#"{"version":"2.1.0","runs":[]}"#, "no runs")]
#[case(br#"{"version":"2.1.0","runs":[{}"#, "not whole JSON")]
#[case(br#"{"version":"2.1.0","runs":[{},]}"#, "not whole JSON")]
#[case(br#"{"version":"2.1.0","runs":[{}]} {}"#, "not whole JSON")]
#[case(br#"{"version":"2.1.0","runs":[{"properties":[]}]}"#, "runs[0].properties")]
#[case(br#"{"version":"2.1.0","runs":[{},7]}"#, "runs[1].properties")]
#[case(b"\x1f\x8b\x08", "gzip")]
#[case(b"\xff\xfe{\x00", "UTF-16")]
#[case(b"{\"version\":\"2.1.0\",\"x\":\"\xe9\",\"runs\":[{}]}", "not UTF-8")]
fn what_cannot_be_read_for_certain_is_refused(#[case] log: &[u8], #[case] why: &str) {
    let error = stamp(log, &given()).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn a_stamp_has_to_say_something_that_is_true() {
    let log = br#"{"version":"2.1.0","runs":[{}]}"#;
    assert_eq!(stamp(log, &Stamp { complete: true, ..Stamp::default() }), Err(StampError::Nothing));
    let short = Stamp { digests: vec!["sha256:12".into()], ..Stamp::default() };
    assert_eq!(stamp(log, &short), Err(StampError::Digest("sha256:12".into())));
}
