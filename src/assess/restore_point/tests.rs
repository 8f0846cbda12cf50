//! Which copies are good, and whose they are.

use rstest::rstest;

use super::*;
use crate::assess::testing::{
    DRIVER, ago, annotated, claim, cluster_meta, live, meta, now, put, put_snapshot, said, snapshot, volume, with_claim,
};
use crate::model::{
    ClaimRef, Delta, GroupContent, GroupSnapshot, Meta, Object, Policies, Scope, VeleroBackup, VolumeError,
};

type Change = fn(&mut VolumeSnapshot, &mut Content);

/// Lets the compiler see what a closure in a case is.
fn with(change: Change) -> Change {
    change
}

fn error() -> VolumeError {
    VolumeError { at: None, message: "boom".into() }
}

#[rstest]
#[case::good(with(|_, _| {}), RestorePointState::Good)]
#[case::good_with_an_old_error(with(|s, _| s.error = Some(error())), RestorePointState::Good)]
#[case::cut_only(with(|s, c| (s.ready, c.ready) = (Some(false), Some(false))), RestorePointState::NotReady)]
#[case::readiness_unsaid(with(|s, _| s.ready = None), RestorePointState::Unknown)]
#[case::not_cut(with(|s, c| (s.ready, s.cut, c.cut) = (Some(false), None, None)), RestorePointState::Pending)]
#[case::no_status(with(|s, c| (s.ready, s.cut, c.cut) = (None, None, None)), RestorePointState::Pending)]
#[case::error_on_snapshot(with(|s, _| (s.ready, s.error) = (Some(false), Some(error()))), RestorePointState::Failed)]
#[case::error_on_content_only(with(|s, c| (s.ready, c.error) = (Some(false), Some(error()))), RestorePointState::Failed)]
#[case::deleting(with(|s, _| s.meta.deleting = Some(ago(1))), RestorePointState::Deleting)]
#[case::content_deleting(with(|_, c| c.meta.deleting = Some(ago(1))), RestorePointState::Deleting)]
#[case::content_of_another_uid(with(|_, c| c.snapshot.as_mut().unwrap().uid = Some("x".into())), RestorePointState::Mismatched)]
#[case::content_without_uid(with(|_, c| c.snapshot.as_mut().unwrap().uid = None), RestorePointState::Mismatched)]
#[case::content_of_another_name(with(|_, c| c.snapshot.as_mut().unwrap().name = "x".into()), RestorePointState::Mismatched)]
#[case::content_of_another_namespace(with(|_, c| c.snapshot.as_mut().unwrap().namespace = "x".into()), RestorePointState::Mismatched)]
#[case::content_of_nobody(with(|_, c| c.snapshot = None), RestorePointState::Mismatched)]
#[case::content_gone(with(|s, _| s.content = Some("gone".into())), RestorePointState::Mismatched)]
#[case::bound_to_nothing(with(|s, _| s.content = None), RestorePointState::Mismatched)]
#[case::no_handle(with(|_, c| c.handle = None), RestorePointState::Unknown)]
#[case::sides_disagree(with(|_, c| c.ready = Some(false)), RestorePointState::Unknown)]
#[case::cut_at_no_time(with(|s, c| (s.cut, c.cut) = (None, None)), RestorePointState::Unknown)]
#[case::cut_known_by_content(with(|s, _| s.cut = None), RestorePointState::Good)]
#[case::import(with(|_, c| c.source = ContentSource::Snapshot("h".into())), RestorePointState::Unverified)]
fn good_takes_both_sides(#[case] change: Change, #[case] state: RestorePointState) {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (mut snapshot, mut content) = snapshot(&claim, "s", ago(10));
    change(&mut snapshot, &mut content);
    put_snapshot(&mut world, (snapshot.clone(), content));
    let judged = good(&world, &snapshot, now());
    assert_eq!(judged.value, state, "{}", said(&judged));
    assert!(!judged.reasons.is_empty());
}

#[rstest]
#[case::contents_denied(Delta::Denied(Kind::Content, Scope::All, "list".into()))]
#[case::contents_stale(Delta::Failed(Kind::Content, Scope::All, "reset".into()))]
#[case::snapshots_stale(Delta::Failed(Kind::VolumeSnapshot, Scope::All, "reset".into()))]
fn nothing_is_good_that_is_not_seen(#[case] delta: Delta) {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (snapshot, content) = snapshot(&claim, "s", ago(10));
    put_snapshot(&mut world, (snapshot.clone(), content));
    world.apply(delta, ago(6));
    assert_eq!(good(&world, &snapshot, now()).value, RestorePointState::Unknown);
}

#[test]
fn a_content_that_could_not_be_decoded_is_unknown_not_missing() {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (snapshot, _) = snapshot(&claim, "s", ago(10));
    put(&mut world, [Object::VolumeSnapshot(snapshot.clone())]);
    world.apply(Delta::Unreadable(Kind::Content, "content-s".into(), "bad \x1b time".into()), now());
    let judged = good(&world, &snapshot, now());
    assert_eq!(judged.value, RestorePointState::Unknown);
    assert!(said(&judged).contains("bad ␛ time"));
}

#[test]
fn belongs_by_handle_whatever_it_names() {
    let (db, other) = (claim("db", None), claim("other", None));
    let mut world = with_claim(&db, Policies::default());
    put(&mut world, [Object::Pvc(other.clone()), Object::Pv(volume(&other))]);
    let (mut taken, content) = snapshot(&db, "s", ago(10));
    taken.source = SnapshotSource::Claim("other".into());
    put_snapshot(&mut world, (taken.clone(), content));
    assert_eq!(belongs(&world, &taken), Belongs::Claim(db.meta.uid()));
}

#[rstest]
#[case::volume_gone(with(|_, c| c.source = ContentSource::Volume("old".into())), Belongs::Gone)]
#[case::other_driver(with(|_, c| c.driver = "other".into()), Belongs::Gone)]
#[case::content_not_read(with(|s, _| s.content = Some("unseen".into())), Belongs::ByNameOnly("db".into()))]
#[case::content_of_another(with(|_, c| c.snapshot = None), Belongs::ByNameOnly("db".into()))]
#[case::handle_only(with(|_, c| c.source = ContentSource::Snapshot("h".into())), Belongs::ByNameOnly("db".into()))]
fn a_name_alone_proves_nothing(#[case] change: Change, #[case] expected: Belongs) {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (mut snapshot, mut content) = snapshot(&claim, "s", ago(10));
    change(&mut snapshot, &mut content);
    put_snapshot(&mut world, (snapshot.clone(), content));
    assert_eq!(belongs(&world, &snapshot), expected);
}

#[test]
fn gone_is_said_only_when_volumes_are_seen() {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (snapshot, mut content) = snapshot(&claim, "s", ago(10));
    content.source = ContentSource::Volume("old".into());
    put_snapshot(&mut world, (snapshot.clone(), content));
    world.apply(Delta::Denied(Kind::Pv, Scope::All, "list".into()), now());
    assert!(matches!(belongs(&world, &snapshot), Belongs::Unknown { .. }));
}

#[test]
fn members_of_a_group_belong_by_the_group_and_are_no_imports() {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let (mut member, mut content) = snapshot(&claim, "s", ago(10));
    member.group = Some("together".into());
    content.source = ContentSource::Snapshot("snap-s".into());
    put_snapshot(&mut world, (member.clone(), content));
    assert_eq!(belongs(&world, &member), Belongs::ByNameOnly("db".into()));
    let group = GroupSnapshot { meta: meta("together"), content: Some("gc".into()), ..GroupSnapshot::default() };
    let members = [("handle-db".into(), "snap-s".into())].into();
    let group_content =
        GroupContent { meta: cluster_meta("gc"), driver: DRIVER.into(), members, ..GroupContent::default() };
    put(&mut world, [Object::GroupSnapshot(group), Object::GroupContent(group_content)]);
    assert_eq!(belongs(&world, &member), Belongs::Claim(claim.meta.uid()));
    assert_eq!(good(&world, &member, now()).value, RestorePointState::Good);
}

/// After an in-place restore the claim has a new UID and a new volume.
fn restored() -> (World, Pvc) {
    let mut heir = claim("db", None);
    heir.meta = annotated(heir.meta, annotation::LINEAGE, "uid-first");
    let mut volume = volume(&heir);
    volume.csi = Some((DRIVER.into(), "handle-new".into()));
    let mut world = live();
    put(&mut world, [Object::Pvc(heir.clone()), Object::Pv(volume)]);
    (world, heir)
}

#[test]
fn copies_follow_the_lineage_by_their_mark() {
    let (mut world, heir) = restored();
    let (mut old, content) = snapshot(&heir, "s", ago(10));
    put_snapshot(&mut world, (old.clone(), content));
    assert_eq!(belongs(&world, &old), Belongs::Gone);
    old.meta = annotated(old.meta, annotation::LINEAGE, "uid-first");
    put(&mut world, [Object::VolumeSnapshot(old.clone())]);
    assert_eq!(belongs(&world, &old), Belongs::Claim(heir.meta.uid()));
}

#[test]
fn copies_follow_the_lineage_by_the_kept_volume() {
    let (mut world, heir) = restored();
    let (old, content) = snapshot(&heir, "s", ago(10));
    put_snapshot(&mut world, (old.clone(), content));
    let mut kept = volume(&heir);
    kept.meta = cluster_meta("pv-kept");
    kept.claim = Some(ClaimRef { namespace: "shop".into(), name: "db".into(), uid: Some("uid-first".into()) });
    put(&mut world, [Object::Pv(kept)]);
    assert_eq!(belongs(&world, &old), Belongs::Claim(heir.meta.uid()));
}

#[test]
fn a_copied_lineage_is_not_believed() {
    let (mut world, heir) = restored();
    assert_eq!(lineage(&world, &heir), Uid::from("uid-first"));
    put(&mut world, [Object::Pvc(claim("first", None))]);
    assert_eq!(lineage(&world, &heir), heir.meta.uid());
}

fn item(phase: &str) -> VeleroItem {
    VeleroItem {
        meta: meta("item"),
        backup: Some("nightly".into()),
        source_namespace: "shop".into(),
        source_uid: Some("uid-db".into()),
        phase: phase.into(),
        started: Some(ago(30)),
        ..VeleroItem::default()
    }
}

fn backup(phase: &str, expires_in: i64) -> VeleroBackup {
    let mut meta = meta("nightly");
    meta.created = Some(ago(40));
    VeleroBackup { meta, phase: phase.into(), expires: Some(ago(-expires_in)), ..VeleroBackup::default() }
}

#[rstest]
#[case("Completed", Some(backup("Completed", 60)), RestorePointState::Good)]
#[case("Completed", Some(backup("PartiallyFailed", 60)), RestorePointState::Good)]
#[case("Completed", Some(backup("Completed", -1)), RestorePointState::Deleting)]
#[case("Completed", Some(backup("Deleting", 60)), RestorePointState::Deleting)]
#[case("Completed", Some(backup("InProgress", 60)), RestorePointState::NotReady)]
#[case("Completed", Some(backup("Failed", 60)), RestorePointState::Failed)]
#[case("Completed", None, RestorePointState::Failed)]
#[case("Failed", Some(backup("Completed", 60)), RestorePointState::Failed)]
#[case("Canceled", Some(backup("Completed", 60)), RestorePointState::Failed)]
#[case("InProgress", Some(backup("InProgress", 60)), RestorePointState::Pending)]
#[case("Sleeping", Some(backup("Completed", 60)), RestorePointState::Unknown)]
fn velero_items_need_their_backup(
    #[case] phase: &str,
    #[case] backup: Option<VeleroBackup>,
    #[case] state: RestorePointState,
) {
    let mut world = live();
    put(&mut world, backup.map(Object::VeleroBackup));
    let judged = velero(&world, &item(phase), now());
    assert_eq!(judged.value, state, "{}", said(&judged));
    if state == RestorePointState::Good {
        assert_eq!(judged.valid_until, Some(ago(-60)));
    }
}

#[rstest]
#[case::with_certificates("shop", true, true)]
#[case::of_another_namespace("other", true, false)]
#[case::without_requests("shop", false, false)]
fn a_velero_backup_says_that_it_would_bring_requests_of_certificates_back(
    #[case] namespace: &str,
    #[case] requests: bool,
    #[case] said: bool,
) {
    let mut world = live();
    let meta = Meta { namespace: Some(namespace.into()), ..meta("web") };
    let certificate = CertManagerCertificate { meta, ..CertManagerCertificate::default() };
    let backup = VeleroBackup { requests, ..backup("Completed", 60) };
    put(&mut world, [Object::VeleroBackup(backup), Object::Certificate(certificate)]);
    let judged = velero(&world, &item("Completed"), now());
    assert_eq!(judged.value, RestorePointState::Good);
    assert_eq!(crate::assess::testing::said(&judged).contains("brings back CertificateRequests"), said);
}

#[test]
fn a_velero_item_is_as_old_as_its_backup() {
    let mut world = live();
    let item = VeleroItem { meta: Meta { created: None, ..meta("item") }, ..item("Completed") };
    assert_eq!(velero_cut(&world, &item), Some(ago(30)));
    put(&mut world, [Object::VeleroBackup(backup("Completed", 60))]);
    assert_eq!(velero_cut(&world, &item), Some(ago(40)));
    assert_eq!(velero_cut(&world, &VeleroItem { started: None, ..item }), None);
}
