//! The vulnerable release on screens: which copy of the database can be trusted, and what was vulnerable in each.

use std::sync::Arc;

use holdfast::assess::linking::Chains;
use holdfast::model::{
    Band, Birth, Completion, Extent, Finding, FindingId, Findings, Key, Kind, Known, Program, Rule, RunKey, Scan,
    ScanSource, Series, Subject, SubjectSource, Taken, TimeSource, WorkloadName,
};
use holdfast::sarif;
use holdfast::tui::{Effect, Input, Layer};
use holdfast::view::Told;
use insta::assert_snapshot;
use serde_json::json;

use super::driven::Driven;
use super::screens::both;
use super::shop::{self, ago};

const SQLI: FindingId = FindingId(0x51);
const SECRET: FindingId = FindingId(0x52);

fn digest(of: char) -> Arc<str> {
    format!("sha256:{}", of.to_string().repeat(64)).into()
}

fn finding(id: FindingId) -> Finding {
    let (rule, band, path, line, message) = match id {
        SQLI => ("sqli", Band::High, "src/db.rs", 7, "a query is made of what the client sent"),
        _ => ("hardcoded-password", Band::Critical, "src/admin/login.rs", 112, "a password stands in the sources"),
    };
    let rule = Rule {
        id: rule.into(),
        name: Some("Untrusted input reaches an interpreter".into()),
        short: Some("What a client sends is not to be run".into()),
        help: Some("https://rules.example/injection".into()),
        cwe: [89].into(),
        described: true,
        ..Rule::default()
    };
    let (path, message) = (path.into(), message.into());
    Finding { id, rule: Arc::new(rule), band, path, line, column: 9, message, ..Finding::default() }
}

fn scan(of: char, minutes: i64, found: &[FindingId]) -> Taken {
    let mut bytes = [0; 32];
    bytes[0] = of as u8;
    let scan = Scan {
        digest: bytes,
        series: Series { tool: "semgrep".into(), repository: "git.example/shop".into(), ..Series::default() },
        tool: "Semgrep OSS".into(),
        version: None,
        at: Some((ago(minutes), TimeSource::Ended)),
        completion: Completion::Complete,
        catalogue: Some(Arc::new(["sqli".into(), "hardcoded-password".into()].into())),
        subjects: [Subject { digests: [digest(of)].into(), ..Subject::of(SubjectSource::Stamp) }].into(),
        findings: found.iter().map(|id| finding(*id)).collect(),
    };
    let source = ScanSource { name: format!("ci/{of}.sarif").into(), bytes, trusted: true };
    Taken { scan: Arc::new(scan), source: Arc::new(source) }
}

/// Three releases of the database wrote the data of `data-db-0`: one clean, one with an SQL injection, one with a
/// password in its sources instead, which runs now. A copy was cut of each.
fn released(driven: &mut Driven, scans: &[char]) {
    let world = &mut driven.desk.world;
    let claim = shop::meta(Some("shop"), "data-db-0").uid();
    let other = shop::meta(Some("shop"), "data-db-1").uid();
    world.observed.born(&claim, Birth { at: ago(6000), empty: true, for_first_pod: true });
    world.observed.watched(&"shop".into(), (ago(6000), shop::now()));
    let pod = shop::meta(Some("shop"), "db-0").uid();
    for (of, from, to) in [('a', 6000, 600), ('b', 600, 200), ('c', 200, 0)] {
        let program = Program {
            namespace: "shop".into(),
            workload: Some(WorkloadName { kind: "StatefulSet".into(), name: "db".into(), uid: None }),
            container: "postgres".into(),
            image: format!("registry.shop.example/db:1.{}", of as u32 - 96).into(),
            digests: [digest(of)].into(),
            ..Program::default()
        };
        let pod = if to == 0 { pod.clone() } else { format!("pod-{of}").as_str().into() };
        let volumes = if of == 'b' { vec![claim.clone(), other.clone()] } else { vec![claim.clone()] };
        let key = RunKey { program, pod: Some(pod), volumes: volumes.into(), known: Known::Seen };
        let extent = Extent { from: ago(from), to: ago(to), ended: to > 0, created: Some(ago(from + 1)) };
        world.observed.saw(key, extent);
    }
    let all = [scan('a', 5990, &[]), scan('b', 210, &[SQLI]), scan('c', 190, &[SECRET])];
    let taken = all.into_iter().filter(|one| scans.contains(&char::from(one.scan.digest[0])));
    world.findings = Findings::new(taken, shop::now());
    driven.desk.boards.chained(Chains::of(&driven.desk.world));
    driven.desk.boards.judge_copies(&driven.desk.world);
    shop::refresh(&mut driven.desk);
}

/// All three with their scans.
pub fn whole(driven: &mut Driven) {
    released(driven, &['a', 'b', 'c']);
}

#[test]
fn a_volume_shows_what_could_write_it_and_what_its_copies_are_worth() {
    both("exposed", "/ name:data-db-0 enter enter", whole);
}

#[test]
fn without_a_scan_of_the_first_release_its_time_is_not_known() {
    both("exposed-unproven", "/ name:data-db-0 enter enter", |driven| released(driven, &['b', 'c']));
}

#[test]
fn a_restore_point_says_what_was_vulnerable_in_it() {
    let during = ago(307).strftime("data-db-0-%m%d-%H%M").to_string();
    both("exposed-copy", &format!("2 / name:{during} enter enter"), whole);
    let before = ago(1507).strftime("data-db-0-%m%d-%H%M").to_string();
    both("exposed-copy-unknown", &format!("2 / name:{before} enter enter"), |driven| released(driven, &['b', 'c']));
}

#[test]
fn the_timeline_of_a_volume_has_its_exposures() {
    both("exposed-timeline", "/ name:data-db-0 enter T", whole);
}

#[test]
fn problems_of_trust_are_listed() {
    both("exposed-problems", "p", |driven| released(driven, &['b', 'c']));
}

/// The sheet of the finding that runs, opened from the list of problems, with what its source says in full.
fn opened(columns: u16, lines: u16, said: Result<sarif::Detail, String>) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    whole(&mut driven);
    driven.input(Input::Changed);
    driven.press("p / state:vulnerable enter enter");
    assert!(matches!(driven.effects.last(), Some(Effect::ReadFinding(SECRET))), "{:?}", driven.effects);
    driven.desk.told = Some(Told { id: SECRET, said });
    driven.input(Input::Changed);
    driven
}

fn full(withhold: bool) -> sarif::Detail {
    let place = |line: u32, said: &str| {
        let uri = json!({ "uri": "src/admin/login.rs" });
        json!({ "physicalLocation": { "artifactLocation": uri, "region": { "startLine": line } }, "message": { "text": said } })
    };
    let mut first = place(112, "here");
    first["physicalLocation"]["region"]["snippet"] =
        json!({ "text": "let password = \"hunter2\";\nif given == password {" });
    let steps = [place(112, "it is written here"), place(140, "and compared \u{202e}\u{1b}[31mhere")];
    let steps: Vec<_> = steps.into_iter().map(|location| json!({ "location": location })).collect();
    let raw = json!({
        "message": { "text": format!("a password stands in the sources{}", " very".repeat(1 << 18)) },
        "locations": [first],
        "codeFlows": [{ "threadFlows": [{ "locations": steps }] }],
        "properties": { "secret": "hunter2", "confidence": "HIGH" },
    });
    sarif::detail(raw.to_string().as_bytes(), withhold)
}

#[test]
fn a_finding_is_opened_with_what_runs_it_and_what_it_puts_at_risk() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = opened(columns, lines, Ok(full(true)));
        assert_snapshot!(format!("finding-{columns}x{lines}"), driven.screen());
        driven.press("G");
        assert!(!driven.screen().contains("hunter2"), "{}", driven.screen());
    }
}

/// Nothing that a tool wrote steers the terminal, turns the line around or pushes the rest away.
#[test]
fn what_a_tool_wrote_is_text() {
    let mut driven = opened(80, 48, Ok(full(false)));
    let mut seen = driven.screen();
    for _ in 0..8 {
        driven.press("ctrl-d");
        seen.push_str(&driven.screen());
    }
    assert!(seen.contains("let password = \"hunter2\";") && seen.contains("WAY THROUGH THE CODE"), "{seen}");
    assert!(!seen.contains('\u{202e}') && !seen.contains('\u{1b}'), "{seen}");
    assert!(seen.contains("and compared") && seen.contains("src/admin/login.rs:140"), "{seen}");
}

#[test]
fn a_source_that_is_gone_leaves_the_code_unknown() {
    let mut driven = opened(80, 48, Err("ci/c.sarif holds another scan by now".into()));
    driven.press("ctrl-d");
    let seen = driven.screen();
    assert!(seen.contains("? is not known: ci/c.sarif holds another scan by now"), "{seen}");
}

/// From the sheet of an exposed copy one walks to the one to restore.
#[test]
fn an_exposed_copy_leads_to_the_known_good_one() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    whole(&mut driven);
    driven.input(Input::Changed);
    let during = ago(307).strftime("data-db-0-%m%d-%H%M").to_string();
    driven.press(&format!("2 / name:{during} enter enter"));
    let sheet = |driven: &Driven| match driven.app.layers.last() {
        Some(Layer::Detail(detail)) => detail.sheet.clone().unwrap(),
        other => panic!("no detail: {other:?}"),
    };
    let links = sheet(&driven).links;
    let good = links.iter().position(|link| link.relation == "known-good").unwrap();
    for _ in 0..good {
        driven.press("j");
    }
    driven.press("enter");
    let name = ago(1507).strftime("data-db-0-%m%d-%H%M").to_string();
    let expected = Key::Object(Kind::VolumeSnapshot, shop::meta(Some("shop"), &name).uid());
    assert!(matches!(driven.app.layers.last(), Some(Layer::Detail(detail)) if detail.key == expected));
}
