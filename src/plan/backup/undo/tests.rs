use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{claim, meta, now, put, put_snapshot, snapshot, with_claim};
use crate::model::{Delta, Kind, Object, Policies, Pvc, Scope};
use crate::plan::{End, Progress, Request, StepState, testing};

fn at(name: &str) -> ObjectAt {
    ObjectAt::of(Kind::VolumeSnapshot, Some("shop"), name)
}

/// A backup that ended well and made snapshot `mine`.
fn undone() -> Undone {
    let made = Output::Object { at: at("mine"), uid: meta("mine").uid() };
    let outputs = [("object".to_owned(), made)].into();
    let progress = Progress {
        steps: [(StepId("create".into()), StepState::Done(outputs))].into(),
        end: Some(End::Done),
        ..Progress::default()
    };
    let mut plan = testing::plan(OperationId::new(now(), [0, 0, 0, 1]));
    plan.subject.uid = claim("data", None).meta.uid();
    Undone { plan, progress }
}

/// A volume with the snapshot of the backup and these others, each cut so many minutes ago.
fn world(others: &[&str]) -> (World, Pvc) {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    for name in ["mine"].iter().chain(others) {
        put_snapshot(&mut world, snapshot(&claim, name, now()));
    }
    (world, claim)
}

fn fresh(more: &Value) -> Value {
    let mut fresh = json!({ "metadata": { "uid": meta("mine").uid().as_str(), "resourceVersion": "7" } });
    for (field, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) => {
                for (key, value) in inner {
                    fresh[field][key] = value.clone();
                }
            }
            value => fresh[field] = value.clone(),
        }
    }
    fresh
}

fn answers(undone: &Undone, world: &World, fresh: Option<Value>, claims: &[Value]) -> Answers {
    let asked = Request::Undo(Box::new(undone.clone())).questions(world, &Answers::default());
    Answers {
        objects: asked.objects.into_iter().map(|at| (at, Ok(None))).chain([(at("mine"), Ok(fresh))]).collect(),
        access: asked.access.into_iter().map(|question| (question, Ok(true))).collect(),
        lists: asked.lists.into_iter().map(|list| (list, Ok(claims.to_vec()))).collect(),
        who: "sre".into(),
        ..Answers::default()
    }
}

fn take_back(undone: &Undone, world: &World, answers: &Answers) -> Result<Plan, Refusal> {
    let request = Request::undo(undone.plan.clone(), undone.progress.clone());
    request.plan(world, answers, OperationId::new(now(), [0, 0, 0, 2]), now())
}

#[test]
fn the_plan_deletes_that_snapshot_and_proves_the_one_that_stays() {
    let ((world, claim), undone) = (world(&["older"]), undone());
    let plan = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap();
    let [delete] = plan.steps()[..] else { panic!("{:?}", plan.steps()) };
    let target = Target::Known { at: at("mine"), uid: meta("mine").uid() };
    assert_eq!(delete.act, Act::Delete { target });
    assert_eq!(delete.guards.iter().map(|guard| guard.at.name.as_str()).collect::<Vec<_>>(), ["mine", "older"]);
    assert_eq!(plan.proofs().iter().map(|proof| proof.name).collect::<Vec<_>>(), ["mine"]);
    assert_eq!(plan.undoes, Some(undone.plan.id.clone()));
    assert!(plan.facts[0].1.contains(undone.plan.id.as_str()), "{:?}", plan.facts);
    assert!(plan.changes[1].contains("Retain"), "what becomes of the copy in storage is said: {:?}", plan.changes);
    assert_eq!(plan.locks, [crate::plan::Lock::of(&world, &claim)]);
    assert_eq!(plan.command, format!("holdfast operations undo {} --context ''", undone.plan.id));
}

#[test]
fn the_last_good_copy_stays() {
    let ((world, _), undone) = (world(&[]), undone());
    let refusal = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap_err();
    assert!(refusal.why.contains("last good restore point"), "{refusal}");
    assert!(refusal.clear.contains("another backup"), "{}", refusal.clear);
}

#[test]
fn a_copy_that_only_might_be_good_does_not_count_as_the_one_that_stays() {
    let ((mut world, claim), undone) = (world(&[]), undone());
    let (mut pending, content) = snapshot(&claim, "pending", now());
    (pending.ready, pending.cut) = (None, None);
    put_snapshot(&mut world, (pending, content));
    let refusal = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap_err();
    assert!(refusal.why.contains("last good restore point"), "{refusal}");
}

#[test]
fn what_is_not_seen_now_is_not_called_good() {
    let ((mut world, _), undone) = (world(&["older"]), undone());
    world.apply(Delta::Denied(Kind::Content, Scope::All, "list".into()), now());
    let refusal = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap_err();
    assert!(refusal.why.contains("may be the last"), "{refusal}");
}

#[test]
fn a_copy_of_a_volume_that_is_gone_stays() {
    let ((mut world, claim), undone) = (world(&["older"]), undone());
    world.apply(Delta::Gone(Box::new(Object::Pvc(claim))), now());
    let refusal = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap_err();
    assert!(refusal.why.contains("may be the last copy"), "{refusal}");
}

#[test]
fn a_copy_that_failed_may_go_although_there_is_no_other() {
    let ((mut world, claim), undone) = (world(&[]), undone());
    let (mut broken, content) = snapshot(&claim, "mine", now());
    broken.ready = Some(false);
    put(&mut world, [Object::VolumeSnapshot(broken), Object::Content(content)]);
    let plan = take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &[])).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("cannot be restored from")), "{:?}", plan.warnings);
    assert_eq!(plan.steps()[0].guards.len(), 1);
}

fn restoring(source: &str, phase: &str) -> Value {
    json!({
        "metadata": { "name": "copy" },
        "spec": { source: { "kind": "VolumeSnapshot", "name": "mine" } },
        "status": { "phase": phase },
    })
}

#[rstest]
#[case::gone(None, vec![], "gone already")]
#[case::made_anew(Some(json!({ "metadata": { "uid": "other" } })), vec![], "made anew")]
#[case::going(Some(fresh(&json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }))), vec![], "being deleted")]
#[case::held(
    Some(fresh(&json!({ "metadata": { "annotations": { "holdfast.dev/hold": "audit\u{1b}" } } }))),
    vec![],
    "is held: audit␛"
)]
#[case::held_until(
    Some(fresh(&json!({ "metadata": { "annotations": { "holdfast.dev/hold": held("2026-12-01T00:00:00Z") } } }))),
    vec![],
    "is held until 2026-12-01 00:00 UTC by sre: audit"
)]
#[case::member(Some(fresh(&json!({ "status": { "volumeGroupSnapshotName": "all" } }))), vec![], "part of VolumeGroupSnapshot all")]
#[case::restored(Some(fresh(&json!({}))), vec![restoring("dataSource", "Pending")], "being restored into PersistentVolumeClaim copy")]
#[case::by_reference(Some(fresh(&json!({}))), vec![restoring("dataSourceRef", "Pending")], "being restored into")]
fn what_must_not_go_is_refused_by_its_fresh_state(
    #[case] fresh: Option<Value>,
    #[case] claims: Vec<Value>,
    #[case] why: &str,
) {
    let ((world, _), undone) = (world(&["older"]), undone());
    let refusal = take_back(&undone, &world, &answers(&undone, &world, fresh, &claims)).unwrap_err();
    assert!(refusal.why.contains(why), "{refusal}");
    assert!(!refusal.clear.is_empty());
}

/// A hold as this console writes it.
fn held(until: &str) -> String {
    let until = Some(until.parse().unwrap());
    Hold { reason: "audit".into(), by: Some("sre".into()), until, policy: None }.annotation()
}

#[test]
fn a_hold_that_is_over_does_not_keep_a_copy_and_must_not_be_prolonged_meanwhile() {
    let ((world, _), undone) = (world(&["older"]), undone());
    let over = held("2020-01-01T00:00:00Z");
    let fresh = fresh(&json!({ "metadata": { "annotations": { "holdfast.dev/hold": over } } }));
    let plan = take_back(&undone, &world, &answers(&undone, &world, Some(fresh), &[])).unwrap();
    let check = Check::is("/metadata/annotations/holdfast.dev~1hold", over);
    assert!(plan.steps()[0].guards[0].checks.contains(&check), "{:?}", plan.steps()[0].guards);
}

#[test]
fn a_claim_that_was_made_of_it_long_ago_does_not_matter() {
    let ((world, _), undone) = (world(&["older"]), undone());
    let claims = vec![restoring("dataSource", "Bound")];
    assert!(take_back(&undone, &world, &answers(&undone, &world, Some(fresh(&json!({}))), &claims)).is_ok());
}

#[test]
fn what_could_not_be_asked_is_not_taken_for_granted() {
    let ((world, _), undone) = (world(&["older"]), undone());
    let mut unasked = answers(&undone, &world, Some(fresh(&json!({}))), &[]);
    unasked.lists.values_mut().for_each(|list| *list = Err("timed out".into()));
    assert!(take_back(&undone, &world, &unasked).unwrap_err().why.contains("timed out"));
    let mut lacking = answers(&undone, &world, Some(fresh(&json!({}))), &[]);
    for (question, answer) in &mut lacking.access {
        *answer = Ok(question.verb != "delete");
    }
    let refusal = take_back(&undone, &world, &lacking).unwrap_err();
    assert!(refusal.why.contains("delete volumesnapshots.snapshot.storage.k8s.io in shop"), "{refusal}");
}

#[test]
fn an_operation_is_taken_back_once_it_has_ended_and_made_something() {
    let (world, _) = world(&["older"]);
    let open = Undone { progress: Progress { end: None, ..undone().progress }, ..undone() };
    let nothing = Undone { progress: Progress { end: Some(End::Stopped), ..Progress::default() }, ..undone() };
    let itself = Undone { plan: Plan { verb: Verb::Undo, ..undone().plan }, ..undone() };
    for (undone, why) in [(open, "has not ended"), (nothing, "made nothing"), (itself, "took another operation back")] {
        let answers = answers(&undone, &world, Some(fresh(&json!({}))), &[]);
        let refusal = take_back(&undone, &world, &answers).unwrap_err();
        assert!(refusal.why.contains(why), "{refusal}");
        assert!(refusal.to_string().starts_with("cannot undo operation "), "{refusal}");
    }
}

#[test]
fn the_last_known_good_copy_is_not_taken_back_while_its_finding_is_open() {
    use crate::assess::exposure::testing::{A, ours, shop};
    let mut world = shop();
    put_snapshot(&mut world, ours("mine", A - 1));
    let undone = undone();
    let answers = answers(&undone, &world, Some(fresh(&json!({}))), &[]);
    let id = OperationId::new(now(), [0, 0, 0, 2]);
    let refused = plan(&undone, &world, &answers, id, now()).unwrap_err();
    assert!(refused.why.contains("stays: the last known-good copy: 1 open finding"), "{refused}");
    assert!(refused.clear.contains("settle the findings first"), "{refused}");
}
