//! The picture of the vulnerable release, and of what is known of it less well.

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{self, A, B, C, V1, V2, V3};
use crate::assess::testing::{ago, now};
use crate::model::{Compromise, Compromised, Linking, Uid};
use crate::view::{Span, TimeCell};

fn picture(world: &World) -> Option<Exposed> {
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap();
    exposed(world, &Chains::of(world), claim, now())
}

fn levels(spans: &[Span]) -> Vec<(Level, i64, i64)> {
    let minutes = |at: Timestamp| now().duration_since(at).as_mins();
    spans.iter().map(|span| (span.level, minutes(span.from), minutes(span.to))).collect()
}

fn words(picture: &Exposed) -> Vec<&'static str> {
    picture.cuts.iter().map(|cut| cut.word).collect()
}

fn said(picture: &Exposed) -> String {
    let facts = picture.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value.print(now())));
    facts.collect::<Vec<_>>().join("\n")
}

#[test]
fn without_findings_there_is_no_picture() {
    let mut world = testing::bare();
    testing::ran(&mut world, testing::releases());
    assert_eq!(picture(&world), None);
}

#[test]
fn the_clean_the_exposed_and_the_tainted_time_follow_each_other_without_a_gap() {
    let seen = picture(&testing::shop()).unwrap();
    assert_eq!(
        levels(&seen.exposures[0].lane.spans),
        [(Level::Ok, V1, V2), (Level::Critical, V2, V3), (Level::Warn, V3, 0)]
    );
    assert_eq!(&*seen.exposures[0].lane.name, "HIGH sqli");
    let told = &seen.exposures[0].said;
    assert!(told.starts_with("src/db.rs (exact): from 2026-03-01 02:00 UTC to 2026-03-01 07:00 UTC"), "{told}");
    assert_eq!(words(&seen), ["may be tainted", "exposed", "known-good"]);
    let marks: Vec<_> = seen.copies.marks.iter().map(|mark| (mark.at, mark.level)).collect();
    assert_eq!(marks, [(ago(A), Level::Ok), (ago(B), Level::Critical), (ago(C), Level::Warn)]);
    assert_eq!(seen.state, (Level::Ok, "a copy is known-good"));
    assert_eq!(seen.cuts.iter().map(|cut| cut.recommended).collect::<Vec<_>>(), [false, false, true]);
    let facts = said(&seen);
    assert!(facts.contains("Restore: ✓ shop/a") && facts.contains("the writes of 11h40m"), "{facts}");
}

#[test]
fn code_that_runs_now_has_an_open_end() {
    let mut world = testing::bare();
    testing::ran(&mut world, [testing::run('a', V1, V2), testing::run('b', V2, 0)]);
    testing::scanned(&mut world, testing::three());
    assert!(!picture(&world).unwrap().exposures[0].runs, "its pod is not there");
    let pod = crate::model::Pod {
        meta: crate::model::Meta { uid: Some(Uid::from("pod-b")), ..crate::assess::testing::meta("db-0") },
        ..Default::default()
    };
    crate::assess::testing::put(&mut world, [crate::model::Object::Pod(pod)]);
    let seen = picture(&world).unwrap();
    assert!(seen.exposures[0].runs && seen.exposures[0].said.ends_with("and runs now"), "{seen:?}");
    assert_eq!(levels(&seen.exposures[0].lane.spans).last(), Some(&(Level::Critical, V2, 0)));
}

/// What nobody can speak for is neither clean nor exposed, and says why.
#[rstest]
#[case::no_scan_of_the_clean_release(&['b', 'c'], &[('a', V1, V2), ('b', V2, V3), ('c', V3, 0)], (Level::Unknown, V1, V2), "no finished scan")]
#[case::nobody_looked(&['a', 'b', 'c'], &[('a', V1, V2 + 60), ('b', V2, V3), ('c', V3, 0)], (Level::Unknown, V2 + 60, V2), "nobody looked")]
fn unknown_parts_say_why(
    #[case] scans: &[char],
    #[case] runs: &[(char, i64, i64)],
    #[case] unknown: (Level, i64, i64),
    #[case] why: &str,
) {
    let mut world = testing::bare();
    testing::ran(&mut world, runs.iter().map(|(of, from, to)| testing::run(*of, *from, *to)));
    let all = ['a', 'b', 'c'].into_iter().zip(testing::three());
    testing::scanned(&mut world, all.filter(|(of, _)| scans.contains(of)).map(|(_, scan)| scan));
    let seen = picture(&world).unwrap();
    let spans = &seen.exposures[0].lane.spans;
    assert!(levels(spans).contains(&unknown), "{spans:#?}");
    let span = spans.iter().find(|span| span.level == Level::Unknown).unwrap();
    assert!(span.what.contains(why), "{}", span.what);
}

#[test]
fn what_would_prove_an_unknown_copy_is_told() {
    let mut world = testing::bare();
    testing::ran(&mut world, testing::releases());
    testing::scanned(&mut world, testing::three().into_iter().skip(1));
    let seen = picture(&world).unwrap();
    assert_eq!(words(&seen), ["may be tainted", "exposed", "unknown"]);
    assert_eq!(seen.state.0, Level::Critical);
    let facts = said(&seen);
    assert!(facts.contains("May be good: ? shop/a") && facts.contains("→ scan"), "{facts}");
}

#[test]
fn a_compromise_has_a_lane_of_its_own_to_the_present() {
    let mut world = testing::bare();
    let volume = Compromised::Volume { namespace: "shop".into(), name: "data".into() };
    let compromise = Compromise { what: volume, since: ago(500), who: "ada".into(), why: "a shell".into() };
    world.linking = Arc::new(Linking { compromised: [compromise].into(), ..Linking::default() });
    let seen = picture(&world).unwrap();
    assert_eq!(&*seen.exposures[0].lane.name, "Compromise");
    assert_eq!(levels(&seen.exposures[0].lane.spans), [(Level::Critical, 500, 0)]);
}

/// At every width the first moment that matters and the present are in the window, and so are their marks.
#[rstest]
#[case(42)]
#[case(60)]
#[case(8)]
fn the_window_holds_what_matters(#[case] cells: usize) {
    let seen = picture(&testing::shop()).unwrap();
    let window = seen.window(now(), cells);
    for at in [seen.from, ago(A), ago(B), ago(C), now()] {
        assert!(window.find(at).is_some(), "{at} in {cells} cells of {}", window.cell());
    }
    assert!(window.cell() * 24 < SignedDuration::from_hours(24 * 14));
    assert!(window.cells(&seen.copies).iter().any(|cell| matches!(cell, TimeCell::Marks(_, Level::Ok))));
}
