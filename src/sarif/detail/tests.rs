use super::super::tests::{of, sample};
use super::*;
use rstest::rstest;

fn first(file: &str, index: usize) -> Detail {
    let bytes = sample(file);
    let finding = &of(&bytes).scans[0].findings[index];
    let raw = excerpt(&bytes[..], &finding.raw).unwrap();
    detail(&raw, false)
}

#[test]
fn a_way_through_the_code_has_its_steps() {
    let detail = first("sarif-sdk__WebGoat.xml.sarif", 0);
    assert!(!detail.flows.is_empty() && detail.flows.iter().all(|flow| !flow.is_empty()), "{detail:#?}");
    let semmle = first("scrub__codeql_raw.sarif", 0);
    assert!(semmle.message.is_some_and(|message| !message.is_empty()));
    let steps = first("scrub__769-allwarnings.sarif", 0).flows.concat();
    assert!(steps.iter().any(|step| step.message.is_some() && step.place.contains(':')), "{steps:#?}");
}

#[test]
fn fixes_say_what_they_would_write_where() {
    let detail = first("sarif-sdk__example.sarif", 0);
    assert!(!detail.fixes.is_empty() && detail.fixes.iter().any(|fix| fix.contains(": ")), "{detail:#?}");
}

#[rstest]
#[case("not json", Detail::default())]
#[case(r#"{"message":"bare","locations":7,"codeFlows":{},"fixes":[null]}"#,
    Detail { message: Some("bare".into()), fixes: vec![String::new()], ..Detail::default() })]
#[case(r#"{"message":{"text":"{0} {{","arguments":["a"]},"codeFlows":[{"threadFlows":[{"locations":[{"index":3},{}]}]}]}"#,
    Detail { message: Some("a {".into()), flows: vec![vec![
        Step { place: "step 3 of the run".into(), ..Step::default() }, Step { place: "?".into(), ..Step::default() },
    ]], ..Detail::default() })]
fn results_that_are_odd_still_show(#[case] raw: &str, #[case] expected: Detail) {
    assert_eq!(detail(raw.as_bytes(), false), expected);
}

#[test]
fn a_leaked_key_is_not_shown() {
    let bytes = sample("django-DefectDojo__gitleaks_7.5.0.sarif");
    let log = of(&bytes);
    let finding = &log.scans[0].findings[0];
    assert!(holds_secret(&log.scans[0].tool, finding));
    let raw = excerpt(&bytes[..], &finding.raw).unwrap();
    let open = format!("{:?}", detail(&raw, false));
    let withheld = format!("{:?}", detail(&raw, true));
    assert!(open.contains("AKIA") && !withheld.contains("AKIA"), "{withheld}");
}
