//! Problems of trust: which there are, in which order, when they come and go, and how few lines they take.

use jiff::Timestamp;
use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{self, A, SQLI, V1, V2};
use crate::assess::testing::{ago, cluster_meta, meta, now, put, put_snapshot};
use crate::model::{Band, Findings, Key, Meta, Object, Pod, TriageState, VeleroBackup, annotation};
use crate::view::{Boards, Level, Problem, Rank, exposures, problems};

fn pod(uid: &str) -> Object {
    Object::Pod(Pod { meta: Meta { uid: Some(Uid::from(uid)), ..meta(uid) }, ..Pod::default() })
}

fn boards(world: &World) -> Boards {
    let mut boards = Boards::default();
    boards.chained(Chains::of(world));
    boards.judge_copies(world);
    boards.refresh(world, &Touched { all: true, ..Touched::default() }, now());
    boards
}

/// Those of trust, and of nothing else.
fn listed(world: &World) -> Vec<Problem> {
    let mut all = problems(world, &boards(world), &[], &[]);
    all.retain(|problem| match &problem.key {
        Key::Place(Kind::Pvc, ..) | Key::Finding(_) => true,
        Key::Notice(id) => &**id == "findings/running",
        _ => false,
    });
    all
}

fn states(world: &World) -> Vec<&'static str> {
    listed(world).iter().map(|problem| problem.state).collect()
}

#[test]
fn a_known_good_copy_that_only_this_console_would_delete_is_no_problem() {
    assert_eq!(states(&testing::shop()), [] as [&str; 0]);
    assert_eq!(states(&testing::bare()), [] as [&str; 0], "no findings, no work");
}

/// The copy from before is one of Velero's, which deletes it when its time is over.
#[rstest]
#[case::in_a_month(24 * 30, "Last good ends", Level::Warn, Rank::Warning)]
#[case::tonight(6, "Last good ends", Level::Critical, Rank::Soon)]
#[case::overdue(-1, "Going", Level::Critical, Rank::Going)]
fn the_last_known_good_copy_ends(#[case] hours: i64, #[case] state: &str, #[case] level: Level, #[case] rank: Rank) {
    let mut world = testing::shop();
    let (mut snapshot, content) = testing::ours("a", A);
    snapshot.meta.labels = [(annotation::VELERO_BACKUP.into(), "nightly".into())].into();
    put_snapshot(&mut world, (snapshot, content));
    let backup = VeleroBackup {
        meta: Meta { name: "nightly".into(), ..cluster_meta("nightly") },
        expires: Some(ago(-60 * hours)),
        ..VeleroBackup::default()
    };
    put(&mut world, [Object::VeleroBackup(backup)]);
    let seen = listed(&world);
    let [one] = seen.as_slice() else { panic!("{seen:#?}") };
    assert_eq!((one.state, one.level, one.rank()), (state, level, rank));
    assert!(one.reason.contains("the last known-good copy shop/a"), "{}", one.reason);
    assert!(!one.next.is_empty() && one.subject().ends_with("shop/data"), "{one:?}");
}

#[test]
fn exposed_data_without_a_known_good_copy_says_what_would_prove_one() {
    let mut world = testing::bare();
    testing::ran(&mut world, testing::releases());
    testing::scanned(&mut world, testing::three().into_iter().skip(1));
    let seen = listed(&world);
    let one = seen.iter().find(|problem| problem.state == "No good copy").unwrap();
    assert_eq!((one.level, one.rank(), one.since), (Level::Critical, Rank::Broken, Some(ago(V2))));
    assert!(one.reason.contains("no copy is proven") && one.next.starts_with("scan sha256:aaaa"), "{one:#?}");
}

/// The release with findings runs now, in a pod that is there.
fn running(found: &[FindingId], of: impl Fn(FindingId) -> Band) -> World {
    let mut world = testing::bare();
    testing::ran(&mut world, [testing::run('a', V1, V2), testing::run('b', V2, 0)]);
    let mut scans = testing::three();
    scans[1].findings = found.iter().map(|id| testing::finding(*id)).collect();
    scans[1].findings.iter_mut().for_each(|finding| finding.band = of(finding.id));
    testing::scanned(&mut world, scans);
    put(&mut world, [pod("pod-b")]);
    world
}

#[test]
fn findings_in_running_code_that_writes_data_are_ranked_by_priority() {
    let critical = FindingId(0x52);
    let world = running(&[SQLI, critical, FindingId(0x53)], |id| match id {
        SQLI => Band::High,
        id if id == critical => Band::Critical,
        _ => Band::Medium,
    });
    let seen = listed(&world);
    let keys: Vec<&Key> = seen.iter().map(|problem| &problem.key).collect();
    assert_eq!(keys, [&Key::Finding(critical), &Key::Finding(SQLI)], "medium is of no concern");
    assert!(seen[0].weight > seen[1].weight && seen.iter().all(|one| one.rank() == Rank::Soon), "{seen:#?}");
    assert!(seen[0].reason.contains("writes shop/data; priority "), "{}", seen[0].reason);
    assert_eq!(seen[0].since, Some(ago(V2)));
}

#[test]
fn code_that_no_longer_runs_and_what_people_decided_is_not_among_them() {
    let mut world = running(&[SQLI], |_| Band::High);
    assert_eq!(states(&world), ["Vulnerable"]);
    let decision = crate::model::Decision {
        at: ago(5),
        state: TriageState::Accepted,
        author: "ada".into(),
        reason: "behind a proxy".into(),
        until: Some(ago(-60)),
    };
    world.triage.decide(SQLI, decision);
    assert_eq!(states(&world), [] as [&str; 0]);
    let mut gone = testing::bare();
    testing::ran(&mut gone, [testing::run('a', V1, V2), testing::run('b', V2, 0)]);
    testing::scanned(&mut gone, testing::three());
    assert_eq!(states(&gone), [] as [&str; 0], "its pod is gone");
}

/// A release with a finding ran; the next one runs now, and is fixed only once its own scan says so.
#[rstest]
#[case::it_runs_itself('b', 3, "Vulnerable", Level::Critical, "code with it runs now")]
#[case::the_next_was_not_scanned('c', 2, "Vulnerable?", Level::Unknown, "is not proven")]
#[case::the_next_was_scanned('c', 3, "Fixed", Level::Ok, "proven to lack it")]
fn code_counts_as_fixed_only_with_proof(
    #[case] now_runs: char,
    #[case] scans: usize,
    #[case] state: &str,
    #[case] level: Level,
    #[case] said: &str,
) {
    let mut world = testing::bare();
    let alone = vec![testing::run('a', V1, V2), testing::run('b', V2, 0)];
    testing::ran(&mut world, if now_runs == 'b' { alone } else { testing::releases() });
    testing::scanned(&mut world, testing::three().into_iter().take(scans));
    put(&mut world, [pod(&format!("pod-{now_runs}"))]);
    let seen = exposures(&boards(&world));
    let [one] = seen.as_slice() else { panic!("{seen:#?}") };
    assert_eq!((one.state, one.level), (state, level), "{one:#?}");
    assert!(one.reason.contains(said) && one.subject().ends_with("shop/data"), "{one:#?}");
}

/// Lists of people end somewhere; what a runbook looks through does not.
#[test]
fn each_finding_that_runs_is_among_the_exposures_however_many_there_are() {
    let many: Vec<FindingId> = (0..200).map(|n| FindingId(0x1000 + n)).collect();
    let world = running(&many, |_| Band::High);
    assert_eq!(exposures(&boards(&world)).iter().filter(|one| one.state == "Vulnerable").count(), 200);
}

/// However many run, the list names the most urgent and counts the rest, and no copy counts as good unjudged.
#[test]
fn many_findings_take_few_lines() {
    let many: Vec<FindingId> = (0..3_000).map(|n| FindingId(0x1000 + n)).collect();
    let world = running(&many, |_| Band::High);
    let seen = listed(&world);
    let named = seen.iter().filter(|problem| matches!(problem.key, Key::Finding(_))).count();
    assert_eq!(named, 5);
    let rest = seen.iter().find(|problem| matches!(problem.key, Key::Notice(_))).unwrap();
    assert_eq!(&*rest.title, "495 findings more");
    let unproven = seen.iter().find(|problem| problem.state == "No good copy").unwrap();
    assert!(unproven.next.contains("holdfast known-good shop/data judges all"), "{unproven:#?}");
}

#[test]
fn what_was_judged_follows_changes_and_time() {
    let mut world = running(&[SQLI], |_| Band::High);
    let mut kept = boards(&world);
    let version = kept.version();
    let count = |boards: &Boards| boards.trusts().judged().filter(|(_, one)| !one.running.is_empty()).count();
    assert_eq!(count(&kept), 1);
    let touched = Touched { volumes: [Uid::from("uid-data")].into(), ..Touched::default() };
    kept.refresh(&world, &touched, now());
    assert_eq!(kept.version(), version, "nothing changed");
    world.findings = Findings::default();
    kept.chained(Chains::of(&world));
    kept.judge_copies(&world);
    kept.refresh(&world, &Touched::default(), now());
    assert_eq!(count(&kept), 0);
    assert!(kept.version() > version && !kept.behind());
    let next: Option<Timestamp> = kept.trusts().next_change();
    assert_eq!(next, None);
}

#[test]
fn a_copy_says_in_its_row_what_it_can_be_trusted_with_and_is_not_called_good_when_it_may_hold_what_was_injected() {
    let at = crate::view::Pane::RestorePoints.column("trust").unwrap();
    let said = |world: &World| {
        let boards = boards(world);
        ["a", "b", "c"].map(|name| {
            let row = boards.row(&Key::Object(Kind::VolumeSnapshot, format!("uid-{name}").as_str().into())).unwrap();
            (row.state, row.cells[at].print(now()).into_owned())
        })
    };
    let all = |said: [(&'static str, &str); 3]| said.map(|(state, trust)| (state, trust.to_owned()));
    let known = [("Good", "✓ known-good"), ("Exposed", "✗ exposed"), ("Tainted?", "▲ may be tainted")];
    assert_eq!(said(&testing::shop()), all(known));
    let mut unseen = testing::shop();
    unseen.findings = unseen.findings.clone().but_for(["ci/late.sarif: permission denied".into()]);
    assert_eq!(said(&unseen)[0], ("Good?", "? unknown".to_owned()));
    assert_eq!(said(&testing::bare()), all([("Good", "-"); 3]), "nobody looks for findings");
}
