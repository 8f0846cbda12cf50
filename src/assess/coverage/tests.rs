//! Coverage, rule by rule.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, live, meta, now, put, put_snapshot, said, snapshot, volume, with_claim};
use crate::model::{Delta, Freshness, Object, Policies, Scope, VeleroBackup, VeleroItem};

/// Judges a claim `db` with an objective of 4h and one good copy cut so many minutes ago.
fn with_copy(minutes: i64, change: impl FnOnce(&mut World)) -> Judgement<CoverageFacts> {
    let claim = claim("db", Some("4h"));
    let mut world = with_claim(&claim, Policies::default());
    put_snapshot(&mut world, snapshot(&claim, "s", ago(minutes)));
    change(&mut world);
    coverage(&world, &claim, now())
}

/// Judges a claim `db` with an objective of 4h and no copy.
fn without_copy(change: impl FnOnce(&mut World)) -> Judgement<CoverageFacts> {
    let claim = claim("db", Some("4h"));
    let mut world = with_claim(&claim, Policies::default());
    change(&mut world);
    coverage(&world, &claim, now())
}

fn failed(world: &mut World, kind: Kind, minutes: i64) {
    world.apply(Delta::Failed(kind, Scope::All, "connection reset".into()), ago(minutes));
}

fn denied(world: &mut World, kind: Kind) {
    world.apply(Delta::Denied(kind, Scope::All, "list".into()), now());
}

fn unknown(judged: &Judgement<CoverageFacts>) -> &str {
    match &judged.value.state {
        Coverage::Unknown { why } => {
            assert_eq!(judged.value.severity, Severity::Unknown);
            why
        }
        other => panic!("{other:?}: {}", said(judged)),
    }
}

/// The objective is 240 minutes, four fifths are 192.
#[rstest]
#[case(0, Coverage::Ok, Severity::Ok, Some(ago(-192)))]
#[case(191, Coverage::Ok, Severity::Ok, Some(ago(-1)))]
#[case(192, Coverage::AtRisk, Severity::Warn, Some(ago(-48)))]
#[case(239, Coverage::AtRisk, Severity::Warn, Some(ago(-1)))]
#[case(240, Coverage::Breached, Severity::Critical, None)]
#[case(100_000, Coverage::Breached, Severity::Critical, None)]
fn age_against_objective(
    #[case] minutes: i64,
    #[case] state: Coverage,
    #[case] severity: Severity,
    #[case] until: Option<Timestamp>,
) {
    let judged = with_copy(minutes, |_| {});
    assert_eq!((&judged.value.state, judged.value.severity), (&state, severity), "{}", said(&judged));
    assert_eq!(judged.valid_until, until);
    assert_eq!(judged.value.age, Some(SignedDuration::from_mins(minutes)));
    assert_eq!(judged.value.last_good.as_ref().unwrap().0.path(), "shop/s");
    assert_eq!((judged.value.good_count, judged.value.rpo_source), (1, "annotation"));
}

/// Whoever asks again at `valid_until` must get another answer, or they would ask for ever.
#[rstest]
#[case(0)]
#[case(191)]
#[case(200)]
#[case(-30)]
fn the_verdict_has_moved_on_when_it_runs_out(#[case] minutes: i64) {
    let claim = claim("db", Some("4h"));
    let mut world = with_claim(&claim, Policies::default());
    put_snapshot(&mut world, snapshot(&claim, "s", ago(minutes)));
    let mut moment = now();
    let mut states = Vec::new();
    loop {
        let judged = coverage(&world, &claim, moment);
        states.push(judged.value.state.word());
        let Some(next) = judged.valid_until else { break };
        assert!(next > moment);
        moment = next;
    }
    assert_eq!(states.last(), Some(&"Breached"), "{states:?}");
    assert!(states.len() <= 5, "{states:?}");
}

#[test]
fn never_is_late_only_after_the_objective() {
    let judged = without_copy(|_| {});
    assert_eq!((judged.value.state.clone(), judged.value.severity), (Coverage::Never, Severity::Critical));
    assert_eq!(judged.reasons[0].next.as_deref(), Some("back it up: holdfast backup shop/db"));
    let mut young = claim("db", Some("4h"));
    young.meta.created = Some(ago(60));
    let judged = coverage(&with_claim(&young, Policies::default()), &young, now());
    assert_eq!((judged.value.state, judged.value.severity), (Coverage::Never, Severity::Warn));
    assert_eq!(judged.valid_until, Some(ago(-180)));
}

#[rstest]
#[case::snapshots(Kind::VolumeSnapshot, "not allowed to list volumesnapshots.snapshot.storage.k8s.io")]
#[case::contents(Kind::Content, "not allowed to list volumesnapshotcontents.snapshot.storage.k8s.io")]
#[case::volumes(Kind::Pv, "not allowed to list persistentvolumes")]
fn denied_inputs_make_it_unknown(#[case] kind: Kind, #[case] why: &str) {
    assert_eq!(unknown(&with_copy(10, |world| denied(world, kind))), why);
    assert_eq!(unknown(&without_copy(|world| denied(world, kind))), why);
}

#[rstest]
#[case(Kind::VeleroBackup, "Velero may have copies: not allowed to list backups.velero.io")]
#[case(Kind::DataUpload, "Velero may have copies: not allowed to list datauploads.velero.io")]
#[case(Kind::PodVolumeBackup, "Velero may have copies: not allowed to list podvolumebackups.velero.io")]
fn an_unread_backup_product_is_unknown_not_never(#[case] kind: Kind, #[case] why: &str) {
    assert_eq!(unknown(&without_copy(|world| denied(world, kind))), why);
    assert_eq!(unknown(&with_copy(300, |world| denied(world, kind))), why, "a newer copy may be there");
    assert_eq!(with_copy(10, |world| denied(world, kind)).value.state, Coverage::Ok, "proved without it");
}

#[test]
fn a_backup_product_out_of_view_is_unknown() {
    let claim = claim("db", Some("4h"));
    let mut world = World::default();
    for kind in Kind::ALL {
        let scope = if kind.spec().namespaced { Scope::Namespace("shop".into()) } else { Scope::All };
        world.apply(Delta::ListDone(*kind, scope), now());
    }
    put(&mut world, [Object::Pvc(claim.clone()), Object::Pv(volume(&claim))]);
    let why = "Velero is installed, but its namespace is not looked at";
    assert_eq!(unknown(&coverage(&world, &claim, now())), why);
    for kind in VELERO {
        world.apply(Delta::Absent(kind, Scope::Namespace("shop".into())), now());
    }
    assert_eq!(coverage(&world, &claim, now()).value.state, Coverage::Never);
}

#[test]
fn loading_is_unknown() {
    let claim = claim("db", Some("4h"));
    let mut world = World::default();
    put(&mut world, [Object::Pvc(claim.clone()), Object::Pv(volume(&claim))]);
    put_snapshot(&mut world, snapshot(&claim, "s", ago(10)));
    let why = "volumesnapshots.snapshot.storage.k8s.io are still loading";
    assert_eq!(unknown(&coverage(&world, &claim, now())), why);
}

#[rstest]
#[case::copy_snapshots(10, Kind::VolumeSnapshot)]
#[case::copy_contents(10, Kind::Content)]
#[case::copy_volumes(10, Kind::Pv)]
#[case::breach_velero(300, Kind::DataUpload)]
fn stale_inputs_count_for_a_while(#[case] minutes: i64, #[case] kind: Kind) {
    let fresh = with_copy(minutes, |_| {}).value.state;
    let judged = with_copy(minutes, |world| failed(world, kind, 4));
    assert_eq!(judged.value.state, fresh);
    assert_eq!(judged.valid_until, Some(ago(-1)));
    assert!(said(&judged).contains("were last seen 4m ago: connection reset"), "{}", said(&judged));
    assert!(unknown(&with_copy(minutes, |world| failed(world, kind, 5))).contains("last seen 5m ago"));
}

#[test]
fn no_snapshot_api_is_said() {
    let judged = without_copy(|world| {
        for kind in [Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass] {
            world.apply(Delta::Absent(kind, Scope::All), now());
        }
        assert_eq!(*world.freshness(Kind::Content), Freshness::Absent);
    });
    assert_eq!(judged.value.state, Coverage::Never);
    assert!(said(&judged).contains("the cluster serves no snapshot API"));
}

#[rstest]
#[case::recent(10, true)]
#[case::too_old_to_help(300, false)]
fn a_copy_by_name_only_is_never_ok(#[case] minutes: i64, #[case] doubtful: bool) {
    let judged = without_copy(|world| {
        let (copy, mut content) = snapshot(&claim("db", None), "s", ago(minutes));
        content.source = crate::model::ContentSource::Snapshot("h".into());
        put_snapshot(world, (copy, content));
    });
    assert_eq!((judged.value.good_count, judged.value.not_good_count), (0, 1));
    if doubtful {
        assert!(unknown(&judged).contains("only the name of the claim ties it to this volume"));
    } else {
        assert_eq!(judged.value.state, Coverage::Never);
    }
}

#[test]
fn a_copy_of_an_earlier_claim_of_that_name_does_not_count() {
    let judged = without_copy(|world| {
        let (copy, mut content) = snapshot(&claim("db", None), "s", ago(10));
        content.source = crate::model::ContentSource::Volume("the-one-before".into());
        put_snapshot(world, (copy, content));
    });
    assert_eq!(judged.value.state, Coverage::Never);
}

#[test]
fn a_copy_that_is_not_ready_never_counts() {
    let claim = claim("db", Some("4h"));
    let mut world = with_claim(&claim, Policies::default());
    put_snapshot(&mut world, snapshot(&claim, "old", ago(300)));
    let (mut fresh, content) = snapshot(&claim, "fresh", ago(5));
    fresh.ready = Some(false);
    put_snapshot(&mut world, (fresh, content));
    let judged = coverage(&world, &claim, now()).value;
    assert_eq!((judged.state, judged.good_count, judged.not_good_count), (Coverage::Breached, 1, 1));
    assert_eq!(judged.last_good.unwrap().0.path(), "shop/old");
}

#[rstest]
#[case::clocks_differ_a_little(0, Coverage::Ok)]
#[case::within_the_tolerance(-1, Coverage::Ok)]
fn a_cut_just_ahead_is_now(#[case] minutes: i64, #[case] state: Coverage) {
    let judged = with_copy(minutes, |_| {});
    assert_eq!((judged.value.state, judged.value.age), (state, Some(SignedDuration::ZERO)));
}

#[test]
fn a_cut_in_the_future_is_unknown() {
    assert!(unknown(&with_copy(-2, |_| {})).contains("in the future: a clock is wrong"));
    let judged = with_copy(-2, |world| put_snapshot(world, snapshot(&claim("db", None), "proper", ago(10))));
    assert_eq!(judged.value.state, Coverage::Ok, "another copy proves it");
    assert_eq!(judged.value.last_good.unwrap().0.path(), "shop/proper");
}

#[rstest]
#[case::opted_out(Some("none"), true, "Unprotected", Severity::Info)]
#[case::no_policy(None, false, "Unprotected", Severity::Warn)]
#[case::no_policy_but_a_copy(None, true, "Unprotected", Severity::Info)]
#[case::nonsense(Some("soon"), true, "Unknown", Severity::Unknown)]
fn without_an_objective(
    #[case] rpo: Option<&str>,
    #[case] copied: bool,
    #[case] word: &str,
    #[case] severity: Severity,
) {
    let claim = claim("db", rpo);
    let mut world = with_claim(&claim, Policies::default());
    if copied {
        put_snapshot(&mut world, snapshot(&claim, "s", ago(10)));
    }
    let judged = coverage(&world, &claim, now());
    assert_eq!((judged.value.state.word(), judged.value.severity), (word, severity));
}

#[test]
fn the_default_objective_is_named() {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies { default_rpo: Some("1h".into()), ..Policies::default() });
    put_snapshot(&mut world, snapshot(&claim, "s", ago(90)));
    let judged = coverage(&world, &claim, now());
    assert_eq!(said(&judged), "last good copy shop/s was cut 1h ago; the objective is 1h (default)");
}

#[test]
fn an_unbound_claim_says_so() {
    let mut claim = claim("db", Some("4h"));
    (claim.phase, claim.volume_name) = ("Pending".into(), None);
    let mut world = live();
    put(&mut world, [Object::Pvc(claim.clone())]);
    let judged = coverage(&world, &claim, now());
    assert_eq!(judged.value.state, Coverage::Never);
    assert!(said(&judged).contains("the claim is Pending, not bound to a volume"));
}

fn velero(uid: &str, namespace: &str, expires_in: i64) -> [Object; 2] {
    let meta =
        |name: &str| crate::model::Meta { namespace: Some("velero".into()), created: Some(ago(30)), ..meta(name) };
    let backup = VeleroBackup {
        meta: meta("nightly"),
        phase: "Completed".into(),
        expires: Some(ago(-expires_in)),
        ..VeleroBackup::default()
    };
    let item = VeleroItem {
        meta: meta("nightly-db"),
        backup: Some("nightly".into()),
        source_namespace: namespace.into(),
        source_uid: Some(uid.into()),
        phase: "Completed".into(),
        started: Some(ago(29)),
        ..VeleroItem::default()
    };
    [Object::VeleroBackup(backup), Object::DataUpload(item)]
}

#[test]
fn velero_copies_count_until_they_expire() {
    let judged = without_copy(|world| put(world, velero("uid-db", "shop", 60)));
    assert_eq!(judged.value.state, Coverage::Ok, "{}", said(&judged));
    assert_eq!(judged.value.last_good.as_ref().unwrap().0.kind, Kind::DataUpload);
    assert_eq!((judged.value.age, judged.valid_until), (Some(SignedDuration::from_mins(30)), Some(ago(-60))));
    assert_eq!(without_copy(|world| put(world, velero("uid-db", "shop", 0))).value.state, Coverage::Never);
}

#[rstest]
#[case::another_claim("uid-other", "shop")]
#[case::another_namespace("uid-db", "bank")]
fn velero_copies_of_others_do_not_count(#[case] uid: &str, #[case] namespace: &str) {
    assert_eq!(without_copy(|world| put(world, velero(uid, namespace, 60))).value.state, Coverage::Never);
}

#[test]
fn velero_copies_stand_on_velero_alone() {
    let judged = without_copy(|world| {
        put(world, velero("uid-db", "shop", 60));
        denied(world, Kind::Content);
    });
    assert_eq!(judged.value.state, Coverage::Ok);
    let judged = without_copy(|world| {
        put(world, velero("uid-db", "shop", 60));
        denied(world, Kind::VeleroBackup);
    });
    assert!(unknown(&judged).contains("backups.velero.io"));
}

#[test]
fn copies_follow_the_lineage() {
    let mut claim = claim("db", Some("4h"));
    claim.meta = crate::assess::testing::annotated(claim.meta, crate::model::annotation::LINEAGE, "uid-first");
    let mut world = with_claim(&claim, Policies::default());
    put(&mut world, velero("uid-first", "shop", 60));
    let judged = coverage(&world, &claim, now()).value;
    assert_eq!((judged.state, judged.lineage), (Coverage::Ok, Uid::from("uid-first")));
}
