//! How objects stand that nothing else judges.

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::assess::testing::{
    ago, claim, cluster_meta, live, meta, now, put, put_snapshot, snapshot, volume, with_claim,
};
use crate::model::{
    BackupLocation, ClaimRef, Delta, Node, Pod, Policies, Pv, ReclaimPolicy, Scope, VeleroBackup, VeleroSchedule,
    VolumeAttachment, VolumeError, Workload, annotation,
};

fn judge(world: &World, kind: Kind, name: &str) -> Judgement<Standing> {
    standing(world, kind, &format!("uid-{name}").as_str().into(), now()).unwrap()
}

fn alone(object: Object) -> Judgement<Standing> {
    let (kind, uid) = (object.kind(), object.meta().uid());
    let mut world = live();
    put(&mut world, [object]);
    standing(&world, kind, &uid, now()).unwrap()
}

fn short(judged: &Judgement<Standing>) -> (Severity, &str) {
    (judged.value.severity, &judged.value.state)
}

#[rstest]
#[case("Bound", Severity::Ok)]
#[case("Available", Severity::Info)]
#[case("Released", Severity::Warn)]
#[case("Failed", Severity::Critical)]
#[case("Odd", Severity::Unknown)]
fn a_pv_stands_by_its_phase(#[case] phase: &str, #[case] severity: Severity) {
    let db = claim("db", None);
    let pv = Pv { phase: phase.into(), ..volume(&db) };
    let judged = alone(Object::Pv(pv));
    assert_eq!(short(&judged), (severity, phase));
    assert_eq!(judged.value.fact, "handle-db · reclaim Retain");
    assert_eq!(judged.reasons.is_empty(), !severity.problem(), "{judged:?}");
}

#[test]
fn a_pv_of_another_claim_of_the_name_is_said() {
    let db = claim("db", None);
    let stranger = ClaimRef { namespace: "shop".into(), name: "db".into(), uid: Some("uid-before".into()) };
    let mut world = with_claim(&db, Policies::default());
    put(&mut world, [Object::Pv(Pv { claim: Some(stranger), reclaim: ReclaimPolicy::Delete, ..volume(&db) })]);
    assert_eq!(short(&judge(&world, Kind::Pv, "pv-db")), (Severity::Warn, "Bound"));
}

#[test]
fn whatever_is_being_deleted_says_what_holds_it() {
    let mut pv = volume(&claim("db", None));
    pv.meta.deleting = Some(ago(12));
    pv.meta.finalizers = ["kubernetes.io/pv-protection".into()].into();
    let judged = alone(Object::Pv(pv));
    assert_eq!(short(&judged), (Severity::Warn, "Deleting"));
    assert_eq!(judged.value.fact, "being deleted for 12m, held by kubernetes.io/pv-protection");
}

#[test]
fn a_content_without_its_snapshot_is_an_orphan_unless_velero_keeps_it_or_it_cannot_be_told() {
    let db = claim("db", None);
    let mut world = with_claim(&db, Policies::default());
    let (shot, content) = snapshot(&db, "s", ago(60));
    put_snapshot(&mut world, (shot.clone(), content.clone()));
    assert_eq!(short(&judge(&world, Kind::Content, "content-s")), (Severity::Ok, "Ready"));
    world.apply(Delta::Gone(Box::new(Object::VolumeSnapshot(shot))), now());
    let judged = judge(&world, Kind::Content, "content-s");
    assert_eq!(short(&judged), (Severity::Warn, "No snapshot"));
    assert!(judged.reasons[0].text.contains("shop/s does not exist"), "{judged:?}");
    let mut kept = content.clone();
    kept.meta.labels = [(annotation::VELERO_BACKUP.into(), "nightly".into())].into();
    put(&mut world, [Object::Content(kept)]);
    assert_eq!(short(&judge(&world, Kind::Content, "content-s")), (Severity::Info, "Kept"));
    put(&mut world, [Object::Content(content)]);
    world.apply(Delta::Denied(Kind::VolumeSnapshot, Scope::All, "list".into()), now());
    assert_eq!(short(&judge(&world, Kind::Content, "content-s")), (Severity::Ok, "Ready"));
}

#[test]
fn an_error_on_a_content_is_its_state() {
    let (_, mut content) = snapshot(&claim("db", None), "s", ago(60));
    content.error = Some(VolumeError { at: None, message: "no space in the pool".into() });
    let judged = alone(Object::Content(content));
    assert_eq!((short(&judged), judged.reasons[0].text.as_str()), ((Severity::Warn, "Failed"), "no space in the pool"));
}

fn attachment(attached: bool, error: Option<&str>, minutes: i64) -> VolumeAttachment {
    VolumeAttachment {
        meta: Meta { created: Some(ago(minutes)), ..cluster_meta("att") },
        attacher: "csi.example".into(),
        node: "node-a".into(),
        pv: Some("pv-db".into()),
        attached,
        error: error.map(Into::into),
    }
}

#[rstest]
#[case::attached(true, None, 60, Severity::Ok, "Attached")]
#[case::young(false, None, 1, Severity::Info, "Attaching")]
#[case::stuck(false, None, 3, Severity::Warn, "Not attached")]
#[case::refused(false, Some("no free slot"), 1, Severity::Critical, "Not attached")]
#[case::stays(true, Some("device busy"), 60, Severity::Critical, "Not detached")]
fn an_attachment_that_does_not_come_or_go_is_a_problem(
    #[case] attached: bool,
    #[case] error: Option<&str>,
    #[case] minutes: i64,
    #[case] severity: Severity,
    #[case] state: &str,
) {
    let judged = alone(Object::VolumeAttachment(attachment(attached, error, minutes)));
    assert_eq!(short(&judged), (severity, state));
    assert_eq!(judged.reasons.is_empty(), !severity.problem());
}

fn pod(name: &str, node: &str, ready: bool) -> Pod {
    let phase = if ready { "Running" } else { "Pending" };
    Pod {
        meta: meta(name),
        node: Some(node.into()),
        phase: phase.into(),
        ready,
        claims: ["db".into()].into(),
        ..Pod::default()
    }
}

#[rstest]
#[case::the_pod_waits_elsewhere(&[("db-0", "node-b", false)], "Held")]
#[case::another_uses_it_here(&[("db-0", "node-b", false), ("db-1", "node-a", true)], "Attached")]
#[case::the_pod_is_here(&[("db-0", "node-a", false)], "Attached")]
#[case::nobody(&[], "Attached")]
fn an_attachment_that_keeps_a_pod_waiting_says_which(#[case] pods: &[(&str, &str, bool)], #[case] state: &str) {
    let mut world = with_claim(&claim("db", None), Policies::default());
    put(&mut world, [Object::VolumeAttachment(attachment(true, None, 60))]);
    put(&mut world, pods.iter().map(|(name, node, ready)| Object::Pod(pod(name, node, *ready))));
    assert_eq!(judge(&world, Kind::VolumeAttachment, "att").value.state, state);
    world.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), now());
    assert_eq!(judge(&world, Kind::VolumeAttachment, "att").value.state, "Attached", "nothing is said of unseen pods");
}

#[rstest]
#[case("Running", true, 60, Severity::Ok, "Running")]
#[case("Running", false, 1, Severity::Info, "Not ready")]
#[case("Running", false, 60, Severity::Warn, "Not ready")]
#[case("Pending", false, 60, Severity::Warn, "Pending")]
#[case("Succeeded", false, 60, Severity::Info, "Succeeded")]
#[case("Unknown", false, 60, Severity::Unknown, "Unknown")]
#[case("", false, 60, Severity::Unknown, "Unknown")]
fn a_pod_stands_by_phase_and_readiness(
    #[case] phase: &str,
    #[case] ready: bool,
    #[case] minutes: i64,
    #[case] severity: Severity,
    #[case] state: &str,
) {
    let created = Some(ago(minutes));
    let pod = Pod {
        meta: Meta { created, ..meta("db-0") },
        phase: phase.into(),
        ready,
        started: created,
        ..pod("db-0", "node-a", ready)
    };
    assert_eq!(short(&alone(Object::Pod(pod))), (severity, state));
}

#[rstest]
#[case(Some(3), 3, Severity::Ok, "3/3 ready")]
#[case(Some(3), 1, Severity::Warn, "1/3 ready")]
#[case(Some(3), 0, Severity::Critical, "0/3 ready")]
#[case(Some(0), 0, Severity::Info, "Scaled to 0")]
#[case(None, 0, Severity::Info, "Exists")]
fn a_workload_stands_by_its_ready_pods(
    #[case] replicas: Option<u32>,
    #[case] ready: u32,
    #[case] severity: Severity,
    #[case] state: &str,
) {
    let workload = Workload { meta: meta("db"), replicas, ready, ..Workload::default() };
    assert_eq!(short(&alone(Object::StatefulSet(workload))), (severity, state));
}

#[test]
fn a_node_that_is_not_ready_is_critical() {
    let node = |ready| Object::Node(Node { meta: cluster_meta("node-a"), ready });
    assert_eq!(short(&alone(node(true))), (Severity::Ok, "Ready"));
    assert_eq!(short(&alone(node(false))), (Severity::Critical, "Not ready"));
}

#[rstest]
#[case("Completed", Severity::Ok)]
#[case("PartiallyFailed", Severity::Warn)]
#[case("Failed", Severity::Warn)]
#[case("InProgress", Severity::Info)]
#[case("Odd", Severity::Unknown)]
fn a_velero_backup_stands_by_its_phase(#[case] phase: &str, #[case] severity: Severity) {
    let expires = Some(now() + SignedDuration::from_hours(50));
    let backup = VeleroBackup { meta: meta("b"), phase: phase.into(), expires, ..VeleroBackup::default() };
    let judged = alone(Object::VeleroBackup(backup));
    assert_eq!((short(&judged), judged.value.fact.as_str()), ((severity, phase), "expires in 2d"));
}

#[rstest]
#[case("Enabled", false, Severity::Ok, "Enabled")]
#[case("Enabled", true, Severity::Warn, "Paused")]
#[case("FailedValidation", false, Severity::Critical, "Not accepted")]
#[case("", false, Severity::Info, "New")]
fn a_schedule_that_makes_no_backups_is_a_problem(
    #[case] phase: &str,
    #[case] paused: bool,
    #[case] severity: Severity,
    #[case] state: &str,
) {
    let schedule = VeleroSchedule {
        meta: meta("nightly"),
        cron: "0 3 * * *".into(),
        phase: phase.into(),
        paused,
        last: Some(ago(60)),
        ..VeleroSchedule::default()
    };
    let judged = alone(Object::VeleroSchedule(schedule));
    assert_eq!((short(&judged), judged.value.fact.as_str()), ((severity, state), "0 3 * * * · last run 1h ago"));
}

#[test]
fn a_place_that_is_unavailable_says_why() {
    let place = |phase: &str| BackupLocation {
        meta: meta("s3"),
        phase: phase.into(),
        message: Some("403".into()),
        ..BackupLocation::default()
    };
    assert_eq!(short(&alone(Object::BackupLocation(place("Available")))), (Severity::Ok, "Available"));
    let judged = alone(Object::BackupLocation(place("Unavailable")));
    assert_eq!((short(&judged), judged.reasons[0].text.as_str()), ((Severity::Critical, "Unavailable"), "403"));
    assert_eq!(short(&alone(Object::BackupLocation(place("")))), (Severity::Unknown, "Unknown"));
}

#[test]
fn what_is_judged_elsewhere_is_not_judged_here() {
    let world = with_claim(&claim("db", None), Policies::default());
    assert_eq!(standing(&world, Kind::Pvc, &"uid-db".into(), now()), None);
    assert_eq!(standing(&world, Kind::Pv, &"uid-gone".into(), now()), None);
}
