//! What real reports say, checked by eye once.

use super::*;
use crate::model::{Band, BandSource, Completion, Level, ResultKind};

#[test]
fn trivy_tells_the_image_and_its_digest() {
    let log = of(&sample("trivy__alpine-310.sarif.golden"));
    let scan = &log.scans[0];
    let subject = &scan.subjects[0];
    assert_eq!(subject.source, SubjectSource::Tool);
    assert_eq!(&*subject.digests[0], "sha256:961769676411f082461f9ef46626dd7a2d1e2b2a38e6a44364bcbecf51e66dd4");
    assert_eq!(subject.image.as_deref(), Some("ghcr.io/aquasecurity/trivy-test-images"));
    assert_eq!(subject.tag.as_deref(), Some("alpine-310"));
    assert!(matches!(scan.completion, Completion::Unproven { .. }), "it writes no invocations");
    let finding = &scan.findings[0];
    assert_eq!((finding.band, finding.band_source, finding.score), (Band::Medium, BandSource::Score, Some(53)));
    assert_eq!(&*finding.rule.id, "CVE-2019-1549");
    assert!(finding.message.contains("Link: CVE-2019-1549") && !finding.message.contains("]("), "{}", finding.message);
}

#[test]
fn grype_names_the_image_in_logical_locations() {
    let mut told = subject::Told::default();
    let mut texts = intern::Texts::default();
    told.result(None, Some("user-image:v1@sha256:0123:/etc/a"), &mut texts);
    told.result(None, Some("user-image:v1@sha256:9876:/etc/b"), &mut texts);
    told.result(None, Some("com.example.Class.method"), &mut texts);
    let subjects = told.subjects(&[], &mut texts);
    assert_eq!(subjects.len(), 1);
    assert_eq!((subjects[0].image.as_deref(), subjects[0].tag.as_deref()), (Some("user-image"), Some("v1")));
    assert!(subjects[0].digests.is_empty(), "the digest is that of a layer");
}

#[test]
fn gitleaks_is_high_by_preset() {
    let bytes = sample("django-DefectDojo__gitleaks_7.5.0.sarif");
    let log = of(&bytes);
    assert!(log.scans[0].findings.iter().all(|finding| {
        (finding.band, finding.band_source) == (Band::High, BandSource::Preset)
            && finding.rule.id.starts_with("?gitleaks/")
    }));
}

#[test]
fn weaknesses_come_from_tags_relations_and_taxa() {
    let weak = |file: &str| {
        let log = of(&sample(file));
        let findings = log.scans[0].findings.iter();
        findings.filter(|finding| !finding.rule.cwe.is_empty() || !finding.cwe.is_empty()).count()
    };
    assert_eq!(weak("django-DefectDojo__flawfinder_many_vuln.sarif"), 4);
    assert_eq!(weak("django-DefectDojo__mayhem_code_many_vulns.sarif"), 8);
}

#[test]
fn artifacts_named_by_index_have_their_paths() {
    for file in ["scrub__769-allwarnings.sarif", "sarif-sdk__RunWithArtifacts.sarif"] {
        let log = of(&sample(file));
        assert!(log.scans[0].findings.iter().all(|finding| !finding.path.is_empty()), "{file}");
    }
}

#[test]
fn an_invocation_can_override_the_level_of_a_rule() {
    let log = br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"T","rules":[{"id":"A"},{"id":"B",
        "defaultConfiguration":{"level":"note"}}]}},"results":[{"ruleIndex":0,"message":{"text":"a"}},{"ruleId":"B",
        "message":{"text":"b"}},{"ruleId":"A","kind":"review","level":"error","message":{"text":"c"}}],
        "invocations":[{"executionSuccessful":true,"ruleConfigurationOverrides":[{"descriptor":{"index":0},
        "configuration":{"level":"error","rank":40}}]}]}]}"#;
    let log = of(log);
    let findings = &log.scans[0].findings;
    let levels: Vec<(Level, ResultKind)> = findings.iter().map(|finding| (finding.level, finding.kind)).collect();
    assert_eq!(
        levels,
        [(Level::Error, ResultKind::Fail), (Level::Note, ResultKind::Fail), (Level::None, ResultKind::Review)]
    );
    assert_eq!(findings[0].rank, Some(400));
}

#[test]
fn the_raw_bytes_of_every_finding_are_its_result() {
    for (file, bytes) in samples() {
        for (run, scan) in of(&bytes).scans.iter().enumerate() {
            for finding in &scan.findings {
                let raw = excerpt(&bytes[..], &finding.raw).unwrap();
                let value: serde_json::Value =
                    serde_json::from_slice(&raw).unwrap_or_else(|error| panic!("{file} {run}: {error}"));
                assert!(value.is_object(), "{file}");
            }
        }
    }
}

#[test]
fn findings_stay_small() {
    assert!(size_of::<crate::model::Finding>() <= 128);
}
