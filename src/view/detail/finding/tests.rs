//! The sheet of the finding of the vulnerable release, and texts that want to be more than text.

use super::*;
use crate::assess::exposure::testing::{self, SQLI};
use crate::assess::testing::{ago, now};
use crate::model::{Decision, TriageState};
use crate::sarif::Step;

fn sheet(world: &World, told: Option<Result<sarif::Detail, String>>) -> Detail {
    let mut boards = Boards::default();
    boards.chained(Chains::of(world));
    let told = told.map(|said| Told { id: SQLI, said });
    of_finding(world, &boards, SQLI, told.as_ref(), now()).unwrap()
}

/// The values of a label, as printed.
fn of(sheet: &Detail, label: &str) -> Vec<String> {
    let facts = sheet.facts.iter().filter(|fact| fact.label == label);
    facts.map(|fact| fact.value.print(now()).into_owned()).collect()
}

#[test]
fn it_says_what_it_is_how_it_stands_what_runs_it_and_which_copies_are_left() {
    let seen = sheet(&testing::shop(), None);
    assert_eq!((&*seen.title, seen.state), ("Finding sqli src/db.rs", Some((Level::Critical, "high"))));
    assert_eq!(of(&seen, "Severity"), ["✗ high, by its level"]);
    assert_eq!(of(&seen, "Rule"), ["sqli"]);
    assert!(of(&seen, "Source")[0].ends_with("(from a trusted source)"));
    assert!(of(&seen, "Stands")[0].contains("gone, as the scan of 2026-03-01"), "{:?}", of(&seen, "Stands"));
    assert!(of(&seen, "Runs as")[0].contains("shop/StatefulSet db, container db as r.example/db:1.0.98: exact"));
    assert!(!of(&seen, "  tied by").is_empty());
    assert!(of(&seen, "Writes")[0].starts_with("✓ shop/data: last known-good copy a, cut "));
    assert_eq!(of(&seen, "Exposes"), ["✗ data since 2026-03-01 02:00 UTC"]);
    assert!(of(&seen, "Priority")[0].contains(" = 7 (high, by level) x 6 (linked: exact) x "));
    let links: Vec<_> = seen.links.iter().map(|link| (link.relation, &*link.label)).collect();
    assert_eq!(links, [("volume", "PersistentVolumeClaim shop/data")]);
    assert_eq!(of(&seen, "Code"), ["· is being read from its source"]);
}

#[test]
fn decisions_are_told_the_newest_first_and_one_that_ran_out_says_so() {
    let mut world = testing::shop();
    let decided = |minutes, state, until| Decision {
        at: ago(minutes),
        state,
        author: "ada".into(),
        reason: "behind a proxy".into(),
        until,
    };
    world.triage.decide(SQLI, decided(50, TriageState::Acknowledged, None));
    world.triage.decide(SQLI, decided(40, TriageState::Accepted, Some(ago(10))));
    let said = of(&sheet(&world, None), "Decided");
    assert!(said[0].starts_with("▲ accepted by ada on 2026-03-01 11:20 UTC until 2026-03-01 11:50 UTC"), "{said:?}");
    assert!(said[0].ends_with("(has run out: the finding is open)"), "{said:?}");
    assert!(said[1].starts_with("~ acknowledged by ada"), "{said:?}");
}

#[test]
fn what_cannot_be_read_again_is_not_known_and_a_secret_is_withheld() {
    let world = testing::shop();
    let failed = sheet(&world, Some(Err("x.sarif holds another scan by now".into())));
    assert_eq!(of(&failed, "Code"), ["? is not known: x.sarif holds another scan by now"]);
    let raw =
        br#"{"message":{"text":"found"},"locations":[{"physicalLocation":{"region":{"snippet":{"text":"hunter2"}}}}]}"#;
    let held = sheet(&world, Some(Ok(sarif::detail(raw, true))));
    assert!(of(&held, "Code")[0].contains("withheld"));
    assert!(!format!("{held:?}").contains("hunter2"));
    let shown = sheet(&world, Some(Ok(sarif::detail(raw, false))));
    assert_eq!(shown.blocks[0].lines, [(Level::Info, "hunter2".into())]);
}

#[test]
fn texts_of_a_tool_are_bounded_in_every_direction() {
    let long = "x".repeat(1 << 20);
    let some = "y".repeat(2_000);
    let step = |depth| Step { place: format!("{some}:1"), message: Some(some.clone()), depth };
    let full = sarif::Detail {
        message: Some(format!("{long}\u{202e}\u{1b}[31m")),
        snippet: Some(format!("{long}\n\tb\n{}", "c\n".repeat(5_000))),
        flows: vec![(0..500).map(step).collect(); 40],
        related: vec![step(0)],
        fixes: vec![long.clone(); 7],
        properties: vec![(some.clone(), some.clone()); 500],
        ..sarif::Detail::default()
    };
    let seen = sheet(&testing::shop(), Some(Ok(full)));
    assert!(seen.blocks.len() < 20, "{}", seen.blocks.len());
    for (_, line) in seen.blocks.iter().flat_map(|block| &block.lines) {
        assert!(text::width(line) < 1_000, "{}", text::width(line));
    }
    let count: usize = seen.blocks.iter().map(|block| block.lines.len()).sum();
    assert!(count < 1_200, "{count}");
    assert!(text::width(&of(&seen, "Says")[0]) <= 410);
    assert_eq!(&*seen.blocks[0].lines[1].1, "    b");
    assert_eq!(&*seen.blocks[0].lines.last().unwrap().1, "and 4942 lines more");
}
