use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{
    A, B, C, SQLI, V1, V2, V3, bare, digest, program, ran, releases, run, scan, scanned, shop, taken, three,
    verdict_at, verdict_of,
};
use crate::assess::testing::{ago, now, put, said as reasons};
use crate::model::{
    AccessMode, Birth, Completion, Compromise, Compromised, Findings, Linking, Object, Pin, Pinned, Pvc, Subject,
    SubjectSource, To, Uid, World,
};

fn of(world: &World) -> [Verdict; 3] {
    [A, B, C].map(|cut| verdict_at(world, cut).value)
}

#[test]
fn a_vulnerable_release_parts_its_copies_into_before_during_and_after() {
    let world = shop();
    assert_eq!(of(&world), [Verdict::Before, Verdict::During, Verdict::After]);
    let before = verdict_at(&world, A);
    assert!(before.reasons[0].text.starts_with("cut 1h40m before the first exposure"), "{}", reasons(&before));
    assert!(
        reasons(&before).contains("finished, looked for rule sqli and did not find it (exact)"),
        "{}",
        reasons(&before)
    );
    assert!(reasons(&verdict_at(&world, C)).contains("the data may be tainted"));
}

#[test]
fn first_seen_is_not_first_exposed() {
    let mut world = shop();
    // The scan of the second release was made when the third one ran already.
    scanned(&mut world, [scan('a', 990, &[]), scan('b', 1, &[SQLI]), scan('c', 2, &[])]);
    assert_eq!(of(&world), [Verdict::Before, Verdict::During, Verdict::After]);
}

#[test]
fn without_a_scan_of_the_first_release_nothing_is_proven_and_what_would_prove_it_is_said() {
    let mut world = shop();
    scanned(&mut world, three().into_iter().skip(1));
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    let next = judged.reasons[0].next.clone().unwrap();
    assert!(judged.reasons[0].text.starts_with("no finished scan of sha256:aaaaaaaaaaaa"), "{}", reasons(&judged));
    assert!(
        next.starts_with("scan sha256:aaaaaaaaaaaa with Semgrep OSS") && next.contains("lists rule sqli"),
        "{next}"
    );
}

fn changed(change: impl Fn(&mut Scan)) -> World {
    let mut world = shop();
    let mut scans = three();
    change(&mut scans[0]);
    scanned(&mut world, scans);
    world
}

#[rstest]
#[case::failed(|scan: &mut Scan| scan.completion = Completion::Failed { why: "out of memory".into() }, "did not finish: out of memory")]
#[case::unproven(|scan: &mut Scan| scan.completion = Completion::Unproven { why: "no invocations".into() }, "nothing says that it finished")]
#[case::no_rule(|scan: &mut Scan| scan.catalogue = Some(Arc::new(["xss".into()].into())), "did not look for rule sqli")]
#[case::no_catalogue(|scan: &mut Scan| scan.catalogue = None, "does not list the rules")]
#[case::other_tool(|scan: &mut Scan| scan.series.tool = "trivy".into(), "no finished scan of")]
#[case::other_part(|scan: &mut Scan| scan.series.category = "frontend".into(), "no finished scan of")]
#[case::other_sources(|scan: &mut Scan| scan.series.repository = "git.example/other".into(), "no finished scan of")]
#[case::other_digest(|scan: &mut Scan| scan.subjects[0].digests = [digest('d')].into(), "no finished scan of")]
#[case::by_name(
    |scan: &mut Scan| scan.subjects = [Subject { image: Some("r.example/db".into()), ..Subject::of(SubjectSource::Tool) }].into(),
    "is not surely of this version (weak)"
)]
fn a_scan_that_proves_nothing_clears_nothing(#[case] change: fn(&mut Scan), #[case] why: &str) {
    let judged = verdict_at(&changed(change), A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains(why), "{}", reasons(&judged));
    assert!(judged.reasons.iter().any(|reason| reason.next.is_some()));
}

#[test]
fn a_scan_from_a_source_that_is_not_trusted_warns_and_never_clears() {
    let mut world = shop();
    let all = three();
    let claimed = |which: usize| {
        let taken_in = all.iter().enumerate().map(|(place, scan)| taken(scan.clone(), place != which));
        Findings::new(taken_in, now())
    };
    world.findings = claimed(0);
    assert_eq!(of(&world), [Verdict::Unknown, Verdict::During, Verdict::After]);
    assert!(reasons(&verdict_at(&world, A)).contains("is only claimed to be of it"));
    world.findings = claimed(1);
    assert_eq!(of(&world), [Verdict::Before, Verdict::During, Verdict::After], "a claim warns");
    assert!(reasons(&verdict_at(&world, B)).contains("claimed"));
    world.findings = claimed(2);
    assert_eq!(of(&world)[2], Verdict::Unknown, "that it was fixed is only claimed");
}

#[test]
fn a_run_of_the_same_file_that_failed_takes_the_proof_away() {
    let mut world = shop();
    let other = |completion: Completion| {
        let mut second = taken(Scan { completion, subjects: Box::default(), ..scan('y', V1 - 10, &[]) }, true);
        let source = crate::model::ScanSource { bytes: three()[0].digest, ..(*second.source).clone() };
        second.source = Arc::new(source);
        let all = three().into_iter().map(|scan| taken(scan, true)).chain([second]);
        Findings::new(all, now())
    };
    world.findings = other(Completion::Complete);
    assert_eq!(of(&world)[0], Verdict::Before);
    world.findings = other(Completion::Failed { why: "killed".into() });
    assert_eq!(of(&world)[0], Verdict::Unknown);
}

#[rstest]
#[case::first_moment(V2, 0, Verdict::During)]
#[case::a_second_before(V2, -1, Verdict::Before)]
#[case::last_moment(V3, 0, Verdict::During)]
#[case::a_second_after(V3, 1, Verdict::After)]
fn a_cut_on_the_edge_is_within(#[case] minutes: i64, #[case] seconds: i64, #[case] verdict: Verdict) {
    let judged = verdict_of(&shop(), ago(minutes) + SignedDuration::from_secs(seconds));
    assert_eq!(judged.value, verdict, "{}", reasons(&judged));
}

#[test]
fn a_hole_before_the_cut_is_unknown_and_one_after_it_is_nothing() {
    let mut world = bare();
    ran(&mut world, [run('a', V1, 800), run('a', 750, V2), run('b', V2, V3), run('c', V3, 0)]);
    scanned(&mut world, three());
    // Two runs of one pod are one: nothing else of it can have run between.
    assert_eq!(of(&world)[0], Verdict::Before);
    let mut holed = bare();
    let (mut key, extent) = run('a', 750, V2);
    key.pod = Some("pod-other".into());
    ran(&mut holed, [run('a', V1, 800), (key, extent), run('b', V2, V3), run('c', V3, 0)]);
    scanned(&mut holed, three());
    let judged = verdict_at(&holed, A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("while no pod was known to hold the volume"), "{}", reasons(&judged));
    assert_eq!(verdict_at(&holed, 850).value, Verdict::Before, "a copy from before the hole");
    assert_eq!(of(&holed)[1..], [Verdict::During, Verdict::After]);
    holed.observed.watched(&"shop".into(), (ago(810), ago(740)));
    assert_eq!(verdict_at(&holed, A).value, Verdict::Before, "all pods were in sight then: nothing ran");
}

#[test]
fn an_end_that_nobody_saw_is_a_hole() {
    let mut world = bare();
    let (key, mut extent) = run('a', V1, 750);
    extent.ended = false;
    ran(&mut world, [(key, extent), run('b', V2, V3), run('c', V3, 0)]);
    scanned(&mut world, three());
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("was last seen, whose end nobody saw"), "{}", reasons(&judged));
    assert_eq!(verdict_at(&world, 760).value, Verdict::Before);
}

/// How the data began, and whether the first pod is shown to be the first.
#[rstest]
#[case::made_for_it(Some((V1, true, true)), V1 - 2, &[], Verdict::Before)]
#[case::pod_made_later(Some((V1, true, true)), V1 - 20, &[], Verdict::Unknown)]
#[case::bound_at_once(Some((V1, true, false)), V1 - 2, &[], Verdict::Unknown)]
#[case::all_in_sight(Some((V1, true, false)), V1 - 20, &[(V1 + 5, V1 - 20)], Verdict::Before)]
#[case::partly_in_sight(Some((V1, true, false)), V1 - 20, &[(V1 - 5, V1 - 20)], Verdict::Unknown)]
#[case::not_empty(Some((V1, false, true)), V1 - 2, &[], Verdict::Unknown)]
#[case::not_seen(None, V1 - 2, &[(V1 + 500, 0)], Verdict::Unknown)]
fn the_first_pod_that_was_seen_is_the_first_only_when_that_is_shown(
    #[case] birth: Option<(i64, bool, bool)>,
    #[case] first: i64,
    #[case] sight: &[(i64, i64)],
    #[case] verdict: Verdict,
) {
    let mut world = bare();
    world.observed = crate::model::Observed::default();
    match birth {
        Some((at, empty, for_first_pod)) => {
            world.observed.born(&Uid::from("uid-data"), Birth { at: ago(at), empty, for_first_pod });
        }
        // Without its volume nothing tells how it began.
        None => put(&mut world, [Object::Pvc(Pvc { volume_name: None, ..crate::assess::exposure::testing::data() })]),
    }
    let (key, mut extent) = run('a', first, V2);
    extent.created = Some(ago(if first == V1 - 2 { V1 + 1 } else { first + 1 }));
    ran(&mut world, [(key, extent)]);
    for (from, to) in sight {
        world.observed.watched(&"shop".into(), (ago(*from), ago(*to)));
    }
    scanned(&mut world, three());
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, verdict, "{}", reasons(&judged));
}

#[test]
fn of_a_shared_volume_all_writers_count_and_only_sight_accounts_for_time() {
    let mut world = shop();
    let shared = Pvc { access_modes: [AccessMode::Rwx].into(), ..crate::assess::exposure::testing::data() };
    put(&mut world, [Object::Pvc(shared)]);
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    world.observed.watched(&"shop".into(), (ago(V1 + 1), now()));
    assert_eq!(verdict_at(&world, A).value, Verdict::Before);
    // A second writer that nobody scanned.
    ran(&mut world, [run('d', 900, 800)]);
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("sha256:dddd"), "{}", reasons(&judged));
    scanned(&mut world, three().into_iter().chain([scan('d', 5, &[SQLI])]));
    assert_eq!(verdict_at(&world, 850).value, Verdict::During, "one exposed writer is enough");
}

#[test]
fn a_container_whose_image_was_not_recorded_proves_nothing() {
    let mut world = shop();
    let (mut key, extent) = run('a', 900, 850);
    key.program.digests = Box::default();
    ran(&mut world, [(key, extent)]);
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("was not recorded"), "{}", reasons(&judged));
}

#[rstest]
#[case::back_filled(Known::BackFilled)]
#[case::claimed(Known::Claimed)]
fn what_is_guessed_or_claimed_fills_no_hole_and_still_warns(#[case] known: Known) {
    let mut world = bare();
    let (mut key, extent) = run('a', V1, V2);
    key.known = known;
    ran(&mut world, [(key, extent), run('b', V2, V3), run('c', V3, 0)]);
    scanned(&mut world, three());
    assert_eq!(verdict_at(&world, A).value, Verdict::Unknown);
    let mut warned = shop();
    let (mut key, extent) = run('b', 900, 650);
    key.known = known;
    ran(&mut warned, [(key, extent)]);
    assert_eq!(verdict_at(&warned, A).value, Verdict::During);
}

fn compromised(since: i64, what: Compromised) -> World {
    let mut world = shop();
    let one = Compromise { what, since: ago(since), who: "ada".into(), why: "IOC-7".into() };
    world.linking = Arc::new(Linking { compromised: vec![one], ..Linking::default() });
    world
}

#[rstest]
#[case::earlier(800, [Verdict::During, Verdict::During, Verdict::After])]
#[case::on_the_cut(A, [Verdict::During, Verdict::During, Verdict::After])]
#[case::between(650, [Verdict::Before, Verdict::During, Verdict::After])]
#[case::later_than_the_exposure(500, [Verdict::Before, Verdict::During, Verdict::After])]
fn a_compromise_that_is_known_to_be_earlier_is_the_first_exposure(#[case] since: i64, #[case] verdicts: [Verdict; 3]) {
    let volume = || Compromised::Volume { namespace: "shop".into(), name: "data".into() };
    let workload = || Compromised::Workload { namespace: "shop".into(), kind: None, name: "db".into() };
    assert_eq!(of(&compromised(since, volume())), verdicts);
    assert_eq!(of(&compromised(since, workload())), verdicts);
    let other = Compromised::Volume { namespace: "shop".into(), name: "other".into() };
    assert_eq!(of(&compromised(since, other)), of(&shop()));
}

#[test]
fn what_a_name_alone_ties_makes_unknown_unless_a_scan_of_the_very_version_clears() {
    let mut world = shop();
    let named = Subject { repository: Some("git.example/db".into()), ..Subject::of(SubjectSource::Tool) };
    let by_name = Scan { subjects: [named].into(), ..scan('z', 20, &[SQLI]) };
    scanned(&mut world, [by_name.clone()]);
    let judged = verdict_at(&world, A);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("which version is not sure enough"), "{}", reasons(&judged));
    scanned(&mut world, three().into_iter().chain([by_name]));
    assert_eq!(of(&world), [Verdict::Before, Verdict::During, Verdict::After]);
}

#[test]
fn what_an_operator_pinned_warns_against_a_scan_that_clears() {
    let mut world = shop();
    let to = To { namespace: Some("shop".into()), name: Some("db".into()), ..To::default() };
    let digest = Some(digest('a'));
    let pin = Pin { what: Pinned::Finding(SQLI), to, digest, who: "ada".into(), at: now(), why: "seen".into() };
    world.linking = Arc::new(Linking { pins: vec![pin], ..Linking::default() });
    assert_eq!(of(&world), [Verdict::Unknown, Verdict::During, Verdict::After]);
}

#[test]
fn what_came_after_an_exposure_and_is_not_proven_fixed_is_unknown() {
    let mut world = shop();
    scanned(&mut world, three().into_iter().take(2));
    let judged = verdict_at(&world, C);
    assert_eq!(judged.value, Verdict::Unknown);
    assert!(reasons(&judged).contains("may be tainted") && reasons(&judged).contains("was fixed is not proven"));
}

/// One thing that may be seen or found, of a small world.
#[derive(Clone, Debug)]
enum Fact {
    Run { of: usize, from: i64, length: i64, known: usize, pod: usize },
    Watch { from: i64, length: i64 },
    Scan { of: usize, found: bool, complete: bool, trusted: bool, listed: bool },
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (0..3_usize, 0..1000_i64, 0..600_i64, 0..4_usize, 0..2_usize)
            .prop_map(|(of, from, length, known, pod)| Fact::Run { of, from, length, known, pod }),
        (0..1000_i64, 0..1000_i64).prop_map(|(from, length)| Fact::Watch { from, length }),
        (0..3_usize, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(of, found, complete, trusted, listed)| Fact::Scan { of, found, complete, trusted, listed }),
    ]
}

const LETTERS: [char; 3] = ['a', 'b', 'c'];

fn told(facts: &[Fact], releases_too: bool) -> World {
    let mut world = bare();
    let mut scans: Vec<_> = three().into_iter().map(|scan| taken(scan, true)).collect();
    if releases_too {
        ran(&mut world, releases());
    }
    for fact in facts {
        match fact {
            Fact::Run { of, from, length, known, pod } => {
                let (mut key, extent) = run(LETTERS[*of], *from, (from - length).max(0));
                key.known = [Known::BackFilled, Known::Claimed, Known::Recorded, Known::Seen][*known];
                key.pod = Some(Uid::from(format!("pod-{pod}")));
                ran(&mut world, [(key, extent)]);
            }
            Fact::Watch { from, length } => {
                world.observed.watched(&"shop".into(), (ago(*from), ago((from - length).max(0))));
            }
            Fact::Scan { of, found, complete, trusted, listed } => {
                let found: &[_] = if *found { &[SQLI] } else { &[] };
                let mut one = scan(LETTERS[*of], 7, found);
                one.digest[20] = u8::from(*complete) + 2 * u8::from(*trusted) + 4 * u8::from(*listed);
                if !complete {
                    one.completion = Completion::Unproven { why: "no invocations".into() };
                }
                if !listed {
                    one.catalogue = None;
                }
                scans.push(taken(one, *trusted));
            }
        }
    }
    world.findings = Findings::new(scans, now());
    world
}

proptest! {
    #[test]
    fn a_scan_that_did_not_finish_never_turns_a_verdict_to_before(
        facts in prop::collection::vec(fact(), 0..8), of in 0..3_usize, found: bool, trusted: bool, cut in 0..1100_i64,
    ) {
        let with: Vec<Fact> =
            facts.iter().cloned().chain([Fact::Scan { of, found, complete: false, trusted, listed: true }]).collect();
        for releases in [true, false] {
            let (without, with) = (verdict_at(&told(&facts, releases), cut).value, verdict_at(&told(&with, releases), cut).value);
            prop_assert!(with != Verdict::Before || without == Verdict::Before, "{without:?} became {with:?}");
        }
    }

    #[test]
    fn a_hole_more_never_turns_a_verdict_to_before(
        facts in prop::collection::vec(fact(), 1..8), which: prop::sample::Index, cut in 0..1100_i64,
    ) {
        // Something that was in sight is not, from here on.
        let mut holed = facts.clone();
        let place = which.index(holed.len());
        if matches!(holed[place], Fact::Watch { .. }) {
            holed.remove(place);
        }
        for releases in [true, false] {
            let (whole, holed) = (verdict_at(&told(&facts, releases), cut).value, verdict_at(&told(&holed, releases), cut).value);
            prop_assert!(holed != Verdict::Before || whole == Verdict::Before, "{whole:?} became {holed:?}");
        }
    }

    #[test]
    fn nothing_that_is_seen_or_found_besides_turns_during_to_before(
        facts in prop::collection::vec(fact(), 0..6), more in prop::collection::vec(fact(), 0..6), cut in 0..1100_i64,
    ) {
        let all: Vec<Fact> = facts.iter().chain(&more).cloned().collect();
        for releases in [true, false] {
            let few = verdict_at(&told(&facts, releases), cut).value;
            let many = verdict_at(&told(&all, releases), cut).value;
            prop_assert!(few != Verdict::During || many != Verdict::Before, "at {cut}: {few:?} became {many:?}");
            prop_assert!(few != Verdict::After || many != Verdict::Before, "at {cut}: {few:?} became {many:?}");
        }
    }

    #[test]
    fn before_is_never_said_at_or_after_a_run_that_is_known_to_carry_it(
        facts in prop::collection::vec(fact(), 0..8), cut in 0..1100_i64,
    ) {
        let world = told(&facts, true);
        let judged = verdict_at(&world, cut);
        prop_assert!(judged.value != Verdict::Before || cut > V2, "{}", reasons(&judged));
        prop_assert!(!judged.reasons.is_empty());
    }
}

#[test]
fn a_program_is_clean_only_by_a_scan_of_it() {
    let world = shop();
    let chains = Chains::of(&world);
    let place = |of: char| (0..9).find(|place| chains.program(*place) == Some(&program(of))).unwrap();
    assert!(clean(&chains, place('a'), SQLI).is_ok());
    assert!(clean(&chains, place('b'), SQLI).unwrap_err().text.contains("a scan with the finding is linked"));
    assert_eq!(clean(&chains, 99, SQLI).unwrap_err().text, "what ran is not known");
}
