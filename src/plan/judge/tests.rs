use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::model::Kind;
use crate::plan::{Check, Firm, ListAt, Part, Resource, StepId, StepState, from_step};

fn operation() -> OperationId {
    OperationId::parse("20260101-000000-00000007").unwrap()
}

fn at() -> ObjectAt {
    ObjectAt::of(Kind::VolumeSnapshot, Some("shop"), "s")
}

fn content() -> ObjectAt {
    ObjectAt::of(Kind::Content, None, "c")
}

fn made() -> Progress {
    let object = Output::Object { at: at(), uid: Uid::from("u1") };
    let done = StepState::Done([("object".to_owned(), object)].into());
    Progress { steps: [(StepId("create".into()), done)].into(), ..Progress::default() }
}

fn target() -> Target {
    Target::Output { step: StepId("create".into()), slot: "object".into() }
}

fn ready() -> Act {
    let follow = Follow {
        resource: Resource::of(Kind::Content),
        name_in: "/status/bound".into(),
        checks: vec![
            Check { field: "/spec/ref/uid".into(), expect: Expect::UidOfOrigin },
            Check::present("/status/handle"),
        ],
        trouble: vec!["/status/error/message".into()],
        outputs: vec![("handle".into(), "/status/handle".into())],
    };
    let until = Until {
        what: "ready".into(),
        checks: vec![Check::is("/status/ready", true)],
        follow: Some(follow),
        trouble: vec!["/status/error/message".into()],
        ..Until::default()
    };
    Act::Wait { target: target(), until: Box::new(until) }
}

fn snapshot(status: &Value) -> Value {
    json!({ "metadata": { "uid": "u1" }, "status": status })
}

#[rstest]
#[case::not_there(None, Seen::NotDone)]
#[case::of_another(Some(json!({ "metadata": { "uid": "u9" } })), Seen::Conflict(String::new()))]
#[case::of_this_operation(
    Some(json!({ "metadata": { "uid": "u1", "annotations": { "holdfast.dev/operation": operation().as_str() } } })),
    Seen::Done(BTreeMap::new())
)]
fn a_created_object_counts_only_when_it_carries_the_operation(#[case] found: Option<Value>, #[case] expected: Seen) {
    let act = Act::Create { at: at(), manifest: Value::Null };
    let seen = judge(&act, &operation(), &Progress::default(), &[(at(), found)].into());
    assert_eq!(std::mem::discriminant(&seen), std::mem::discriminant(&expected), "{seen:?}");
}

#[rstest]
#[case::nothing_yet(json!({}), None, "pending")]
#[case::ready_and_unbound(json!({ "ready": true }), None, "pending")]
#[case::bound_and_content_gone(json!({ "ready": true, "bound": "c" }), None, "pending")]
#[case::content_of_another(json!({ "ready": true, "bound": "c" }), Some(json!({ "spec": { "ref": { "uid": "u9" } } })), "conflict")]
#[case::no_handle(json!({ "ready": true, "bound": "c" }), Some(json!({ "spec": { "ref": { "uid": "u1" } } })), "pending")]
#[case::good(
    json!({ "ready": true, "bound": "c" }),
    Some(json!({ "spec": { "ref": { "uid": "u1" } }, "status": { "handle": "h" } })),
    "done"
)]
#[case::not_ready_although_content_is(
    json!({ "ready": false, "bound": "c" }),
    Some(json!({ "spec": { "ref": { "uid": "u1" } }, "status": { "handle": "h" } })),
    "pending"
)]
fn ready_needs_snapshot_and_content_to_agree(
    #[case] status: Value,
    #[case] bound: Option<Value>,
    #[case] expected: &str,
) {
    let observed = [(at(), Some(snapshot(&status))), (content(), bound)].into();
    let seen = match judge(&ready(), &operation(), &made(), &observed) {
        Seen::Done(outputs) => {
            assert_eq!(outputs["handle"], Output::Text("h".into()));
            "done"
        }
        Seen::Pending(_) => "pending",
        Seen::Conflict(_) => "conflict",
        Seen::NotDone | Seen::Unknown(_) => "else",
    };
    assert_eq!(seen, expected);
}

#[test]
fn an_error_that_shows_only_on_the_content_is_said_and_is_not_final() {
    let observed = [
        (at(), Some(snapshot(&json!({ "bound": "c" })))),
        (content(), Some(json!({ "status": { "error": { "message": "quota\u{1b}[2J exceeded" } } }))),
    ];
    let Seen::Pending(what) = judge(&ready(), &operation(), &made(), &observed.into()) else { panic!("not pending") };
    assert!(what.contains("exceeded") && !what.contains('\u{1b}'), "{what}");
}

#[test]
fn an_object_that_was_replaced_is_a_conflict_and_not_the_target() {
    let other = json!({ "metadata": { "uid": "u2" }, "status": { "ready": true } });
    let seen = judge(&ready(), &operation(), &made(), &[(at(), Some(other))].into());
    assert!(matches!(seen, Seen::Conflict(_)), "{seen:?}");
}

#[test]
fn a_deleted_object_that_was_made_anew_counts_as_deleted() {
    let act = Act::Delete { target: target() };
    let other = json!({ "metadata": { "uid": "u2" } });
    assert_eq!(judge(&act, &operation(), &made(), &[(at(), Some(other))].into()), Seen::Done(Outputs::new()));
    let waiting =
        json!({ "metadata": { "uid": "u1", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["f"] } });
    assert!(matches!(judge(&act, &operation(), &made(), &[(at(), Some(waiting))].into()), Seen::Pending(_)));
}

#[rstest]
#[case::as_it_was(Some(json!({ "metadata": { "uid": "u1" }, "spec": { "policy": "Retain" } })), "not done")]
#[case::let_go(Some(json!({ "metadata": { "uid": "u1" }, "spec": { "policy": "Delete" } })), "its controller to delete")]
#[case::what_is_wrong(
    Some(json!({ "metadata": { "uid": "u1" }, "spec": { "policy": "Delete" }, "status": { "message": "busy" } })),
    "reported meanwhile: busy"
)]
#[case::another(Some(json!({ "metadata": { "uid": "u2" }, "spec": { "policy": "Retain" } })), "done")]
#[case::gone(None, "done")]
fn what_is_dismissed_is_done_once_it_is_gone(#[case] found: Option<Value>, #[case] said: &str) {
    let patch = json!([{ "op": "add", "path": "/spec/policy", "value": "Delete" }]);
    let done = vec![Check::is("/spec/policy", "Delete")];
    let act = Act::Dismiss { target: target(), patch, done, trouble: vec!["/status/message".into()] };
    assert_eq!(next_read(&act, &made(), &Observed::new()), Some(at()));
    match judge(&act, &operation(), &made(), &[(at(), found)].into()) {
        Seen::NotDone => assert_eq!(said, "not done"),
        Seen::Done(_) => assert_eq!(said, "done"),
        Seen::Pending(what) => assert!(what.contains(said), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_not_read_is_unknown_and_never_done() {
    let seen = judge(&ready(), &operation(), &made(), &Observed::new());
    assert!(matches!(seen, Seen::Unknown(_)), "{seen:?}");
}

#[rstest]
#[case::gone(None, true)]
#[case::another(Some(json!({ "metadata": { "uid": "u2" }, "status": { "phase": "Bound" } })), true)]
#[case::changed(Some(json!({ "metadata": { "uid": "u1" }, "status": { "phase": "Lost" } })), true)]
#[case::same(Some(json!({ "metadata": { "uid": "u1" }, "status": { "phase": "Bound" } })), false)]
fn a_guard_breaks_on_anything_but_the_same_object_in_the_same_state(
    #[case] object: Option<Value>,
    #[case] broken: bool,
) {
    let guard = Guard {
        at: at(),
        uid: Uid::from("u1"),
        checks: vec![Check::is("/status/phase", "Bound")],
        or: "plan again".into(),
    };
    assert_eq!(broken_guard(&guard, object.as_ref()).is_some(), broken);
}

#[test]
fn what_no_waiting_can_mend_ends_a_wait_at_once() {
    let Act::Wait { target, mut until } = ready() else { panic!() };
    until.firm = vec![Firm::new(Check::present("/spec/dataSource"), "it is empty")];
    let act = Act::Wait { target, until };
    let seen = |object: Value| judge(&act, &operation(), &made(), &[(at(), Some(object))].into());
    assert_eq!(seen(snapshot(&json!({ "ready": true }))), Seen::Conflict("it is empty".into()));
    let kept = json!({ "metadata": { "uid": "u1" }, "spec": { "dataSource": { "name": "copy" } } });
    assert!(matches!(seen(kept), Seen::Pending(_)));
}

#[rstest]
#[case::gone(None, "done")]
#[case::of_another(Some(json!({ "metadata": { "uid": "u1" } })), "done")]
#[case::ours(Some(json!({ "metadata": { "uid": "u1", "annotations": { "holdfast.dev/operation": operation().as_str() } } })), "not done")]
fn what_an_operation_made_is_found_by_its_mark_without_its_step(#[case] found: Option<Value>, #[case] seen: &str) {
    let target = Target::Own { at: at(), operation: operation(), checks: vec![] };
    let act = Act::Delete { target };
    assert_eq!(next_read(&act, &Progress::default(), &Observed::new()), Some(at()));
    let judged = judge(&act, &operation(), &Progress::default(), &[(at(), found)].into());
    assert!(if seen == "done" { matches!(judged, Seen::Done(_)) } else { judged == Seen::NotDone }, "{judged:?}");
}

#[test]
fn what_is_no_longer_as_it_was_made_is_left() {
    let checks = [Check::is("/spec/deletionPolicy", "Retain")];
    assert_eq!(kept(&json!({ "spec": { "deletionPolicy": "Retain" } }), &checks), None);
    assert!(kept(&json!({ "spec": { "deletionPolicy": "Delete" } }), &checks).unwrap().contains("left as it is"));
}

#[test]
fn the_latest_warning_about_the_object_is_what_events_say() {
    let event = |uid: &str, kind: &str, at: &str, message: &str| {
        json!({
            "type": kind, "reason": "ProvisioningFailed", "message": message, "lastTimestamp": at,
            "involvedObject": { "uid": uid },
        })
    };
    let events = [
        event("u1", "Warning", "2026-01-01T00:00:09Z", "no\u{1b} space"),
        event("u1", "Warning", "2026-01-01T00:00:08Z", "earlier"),
        event("u1", "Normal", "2026-01-01T00:00:10Z", "waiting for first consumer"),
        event("u9", "Warning", "2026-01-01T00:00:10Z", "of another"),
    ];
    assert_eq!(told_by_events(&events, &"u1".into()).as_deref(), Some("ProvisioningFailed: no␛ space"));
    assert_eq!(told_by_events(&events[2..], &"u1".into()), None);
}

fn in_pod() -> crate::plan::InPod {
    let pod = Target::Known { at: ObjectAt::of(Kind::Pod, Some("shop"), "db-0"), uid: Uid::from("u") };
    crate::plan::InPod { pod, container: "db".into(), command: vec!["hold".into()] }
}

#[rstest]
#[case::harmless(true, Some("u"), Seen::NotDone)]
#[case::not_harmless(false, Some("u"), Seen::Conflict("outcome unknown: what it did cannot be seen, and it must not run twice".into()))]
#[case::in_another_pod(true, Some("v"), Seen::Conflict("Pod shop/db-0 is another object now: its UID is not u".into()))]
#[case::in_no_pod(true, None, Seen::Conflict("Pod shop/db-0 is gone".into()))]
fn a_command_runs_again_only_where_that_is_harmless_and_in_the_same_pod(
    #[case] repeat: bool,
    #[case] uid: Option<&str>,
    #[case] seen: Seen,
) {
    let act = Act::Exec { run: in_pod(), repeat, within: std::time::Duration::from_secs(1), keep: false };
    let pod = next_read(&act, &Progress::default(), &Observed::new()).unwrap();
    let observed = Observed::from([(pod, uid.map(|uid| json!({ "metadata": { "uid": uid } })))]);
    assert_eq!(judge(&act, &operation(), &Progress::default(), &observed), seen);
}

#[rstest]
#[case::ended(true, true)]
#[case::spoken_to(false, false)]
fn a_session_that_is_gone_has_ended_by_that(#[case] end: bool, #[case] done: bool) {
    let session = StepId("pre".into());
    let act = Act::Say { session, say: "x".into(), until: "y".into(), end, keep: false };
    let seen = judge(&act, &operation(), &Progress::default(), &Observed::new());
    assert_eq!(matches!(seen, Seen::Done(_)), done, "{seen:?}");
}

fn own(step: &str) -> Target {
    let mark = Check::is("/metadata/annotations/holdfast.dev~1step", step);
    Target::Own { at: at(), operation: operation(), checks: vec![mark] }
}

fn uid_and_marks(uid: &str, step: Option<&str>) -> Value {
    let marks = step.map(|step| json!({ "holdfast.dev/operation": operation().as_str(), "holdfast.dev/step": step }));
    json!({ "metadata": { "uid": uid, "annotations": marks } })
}

#[rstest]
#[case::gone(None, "not done")]
#[case::the_former_one_is_there(Some(uid_and_marks("former", None)), "done")]
#[case::made_again(Some(uid_and_marks("u2", Some("again"))), "done")]
#[case::somebody_else_was_faster(Some(uid_and_marks("u3", None)), "conflict")]
#[case::the_former_one_is_going(
    Some(json!({ "metadata": { "uid": "former", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["f"] } })),
    "pending"
)]
fn a_recreated_object_is_the_former_one_while_that_is_whole(#[case] found: Option<Value>, #[case] expected: &str) {
    let act = Act::Recreate { at: at(), former: Uid::from("former"), manifest: Value::Null };
    let said = match judge(&act, &operation(), &Progress::default(), &[(at(), found)].into()) {
        Seen::Done(_) => "done",
        Seen::NotDone => "not done",
        Seen::Conflict(_) => "conflict",
        Seen::Pending(_) => "pending",
        Seen::Unknown(_) => "unknown",
    };
    assert_eq!(said, expected);
}

#[rstest]
#[case::made_by_that_step(Some(uid_and_marks("u", Some("stage"))), Seen::NotDone)]
#[case::made_by_another_step(Some(uid_and_marks("u", Some("again"))), Seen::Done(Outputs::new()))]
#[case::made_by_nobody_here(Some(uid_and_marks("u", None)), Seen::Done(Outputs::new()))]
#[case::not_there(None, Seen::Done(Outputs::new()))]
fn only_what_that_step_made_is_deleted_in_taking_it_back(#[case] found: Option<Value>, #[case] expected: Seen) {
    let act = Act::Delete { target: own("stage") };
    assert_eq!(judge_undo(&act, &operation(), &Progress::default(), &[(at(), found)].into()), expected);
}

#[test]
fn what_was_never_made_or_is_gone_needs_no_taking_back_but_a_wait_for_it_is_a_conflict() {
    let patch = |target| Act::Patch { target, patch: json!([]), done: vec![Check::present("/spec")] };
    let never = judge_undo(&patch(target()), &operation(), &Progress::default(), &Observed::new());
    assert_eq!(never, Seen::Done(Outputs::new()));
    let gone: Observed = [(at(), None)].into();
    assert_eq!(judge_undo(&patch(target()), &operation(), &made(), &gone), Seen::Done(Outputs::new()));
    assert!(matches!(judge(&patch(target()), &operation(), &made(), &gone), Seen::Conflict(_)));
    assert!(matches!(judge_undo(&ready(), &operation(), &made(), &gone), Seen::Conflict(_)));
}

#[test]
fn a_list_is_waited_for_by_naming_what_is_still_in_it() {
    let among = ListAt::all(Resource::of(Kind::Pod), Some("shop"));
    let which = vec![
        Check::is("/spec/volumes/*/persistentVolumeClaim/claimName", "data"),
        Check::not("/status/phase", "Succeeded"),
        Check::not("/status/phase", "Failed"),
    ];
    let act = Act::Absent { among, which, what: "its pods to be gone".into() };
    let pod = |name: &str, claim: &str, phase: &str| {
        json!({
            "metadata": { "name": name, "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.example/held"] },
            "spec": { "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": claim } }] },
            "status": { "phase": phase },
        })
    };
    let listed = [pod("db-0", "data", "Running"), pod("old", "data", "Succeeded"), pod("web", "logs", "Running")];
    let seen = judge_list(&act, &Progress::default(), &listed);
    let said = "its pods to be gone; still there: Pod db-0 (being deleted, held by a.example/held)";
    assert_eq!(seen, Seen::Pending(said.into()));
    assert_eq!(judge_list(&act, &Progress::default(), &listed[1..]), Seen::Done(Outputs::new()));
}

#[test]
fn a_condition_that_names_what_an_earlier_step_made_is_unknown_until_that_has_run() {
    let among = ListAt::all(Resource::of(Kind::VolumeAttachment), None);
    let volume = from_step("create", "object", Part::Name);
    let which = vec![Check::is("/spec/source/persistentVolumeName", volume)];
    let act = Act::Absent { among, which, what: "it to be detached".into() };
    let listed = [json!({ "metadata": { "name": "csi-1" }, "spec": { "source": { "persistentVolumeName": "s" } } })];
    assert!(matches!(judge_list(&act, &Progress::default(), &listed), Seen::Unknown(_)));
    assert!(matches!(judge_list(&act, &made(), &listed), Seen::Pending(_)));
    assert_eq!(judge_list(&act, &made(), &[]), Seen::Done(Outputs::new()));
}

#[test]
fn a_wait_may_keep_the_object_that_it_came_to() {
    let Act::Wait { target, mut until } = ready() else { panic!() };
    until.follow.as_mut().unwrap().outputs = vec![("content".into(), String::new())];
    let object =
        json!({ "metadata": { "uid": "uc" }, "spec": { "ref": { "uid": "u1" } }, "status": { "handle": "h" } });
    let observed = [(at(), Some(snapshot(&json!({ "ready": true, "bound": "c" })))), (content(), Some(object))];
    let seen = judge(&Act::Wait { target, until }, &operation(), &made(), &observed.into());
    let Seen::Done(outputs) = seen else { panic!("{seen:?}") };
    assert_eq!(outputs["content"], Output::Object { at: content(), uid: Uid::from("uc") });
}

#[rstest]
#[case::none(&[], "pending")]
#[case::another(&["wal"], "pending")]
#[case::one(&["wal", "data"], "found 1")]
#[case::several(&["data", "data"], "conflict")]
fn what_a_controller_names_by_itself_is_found_by_what_it_says(#[case] claims: &[&str], #[case] expected: &str) {
    let among = ListAt::all(Resource::of(Kind::VolumeSnapshot), Some("shop"));
    let which = vec![Check::is("/spec/source/persistentVolumeClaimName", "data")];
    let act = Act::Find { among, which, what: "a snapshot of data".into() };
    let listed: Vec<Value> = claims
        .iter()
        .enumerate()
        .map(|(place, claim)| {
            let metadata = json!({ "name": format!("s-{place}"), "uid": place.to_string() });
            json!({ "metadata": metadata, "spec": { "source": { "persistentVolumeClaimName": claim } } })
        })
        .collect();
    let said = match judge_list(&act, &Progress::default(), &listed) {
        Seen::Done(outputs) => match outputs.get("object") {
            Some(Output::Object { uid, .. }) => format!("found {uid}"),
            other => format!("{other:?}"),
        },
        Seen::Pending(_) => "pending".to_owned(),
        Seen::Conflict(_) => "conflict".to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(said, expected);
}
