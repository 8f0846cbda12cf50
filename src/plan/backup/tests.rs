use rstest::rstest;
use serde_json::json;

use serde_json::Value;

use super::member::snapshot_name;
use super::*;
use crate::assess::testing::{
    DRIVER, annotated, claim, cluster_meta, live, now, put, put_snapshot, snapshot, volume, with_claim,
};
use crate::model::{DeletionPolicy, Delta, Object, Policies, Pv, VolumeError};
use crate::plan::Act;
use crate::text;

fn class(name: &str, driver: &str, default: bool) -> Object {
    Object::SnapshotClass(SnapshotClass {
        meta: cluster_meta(name),
        driver: driver.into(),
        deletion: DeletionPolicy::Delete,
        default,
    })
}

fn fresh(phase: &str) -> Value {
    json!({
        "metadata": { "uid": "uid-data", "resourceVersion": "42" },
        "spec": { "volumeName": "pv-data" },
        "status": { "phase": phase },
    })
}

fn answers(claim: &Pvc, fresh: Option<Value>) -> Answers {
    let world = with_claim(claim, Policies::default());
    let questions = questions(&world, claim, &Options::default(), &Answers::default());
    let at = ObjectAt::of(Kind::Pvc, Some("shop"), &claim.meta.name);
    Answers {
        objects: [(at, Ok(fresh)), (Lock::of(&world, claim).at(), Ok(None))].into(),
        access: questions.access.into_iter().map(|question| (question, Ok(true))).collect(),
        who: "sre".into(),
        ..Answers::default()
    }
}

fn world(classes: &[Object]) -> (World, Pvc) {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    put(&mut world, classes.iter().cloned());
    (world, claim)
}

fn try_plan(world: &World, claim: &Pvc, answers: &Answers, options: &Options) -> Result<Plan, Refusal> {
    plan(world, &claim.meta.uid(), answers, options, OperationId::new(now(), [0, 0, 0, 7]), now())
}

#[rstest]
#[case::the_default(&[class("a", DRIVER, true), class("b", DRIVER, false)], None, Ok("a"))]
#[case::the_only_one(&[class("a", DRIVER, false), class("b", "other", true)], None, Ok("a"))]
#[case::named(&[class("a", DRIVER, true), class("b", DRIVER, false)], Some("b"), Ok("b"))]
#[case::none(&[class("b", "other", true)], None, Err("there is no VolumeSnapshotClass of its driver"))]
#[case::two_defaults(&[class("a", DRIVER, true), class("b", DRIVER, true)], None, Err("2 default classes"))]
#[case::two_and_no_default(&[class("a", DRIVER, false), class("b", DRIVER, false)], None, Err("none is the default"))]
#[case::of_another_driver(&[class("b", "other", true)], Some("b"), Err("is for driver other"))]
#[case::unknown(&[class("a", DRIVER, true)], Some("z"), Err("there is no VolumeSnapshotClass z"))]
fn the_class_is_always_of_the_volumes_driver_and_named(
    #[case] classes: &[Object],
    #[case] named: Option<&str>,
    #[case] expected: Result<&str, &str>,
) {
    let (world, claim) = world(classes);
    let options = Options { class: named.map(str::to_owned), ..Options::default() };
    match (try_plan(&world, &claim, &answers(&claim, Some(fresh("Bound"))), &options), expected) {
        (Ok(plan), Ok(class)) => {
            let Act::Create { manifest, .. } = &plan.steps()[0].act else { panic!("first step does not create") };
            assert_eq!(manifest["spec"]["volumeSnapshotClassName"], class);
        }
        (Err(refusal), Err(why)) => assert!(refusal.why.contains(why), "{refusal}"),
        (plan, _) => panic!("{plan:?}"),
    }
}

#[rstest]
#[case::deleted(None, "it was deleted meanwhile")]
#[case::made_anew(Some(json!({ "metadata": { "uid": "other" } })), "made anew")]
#[case::terminating(
    Some(json!({ "metadata": { "uid": "uid-data", "deletionTimestamp": "2026-01-01T00:00:00Z" } })),
    "being deleted"
)]
#[case::pending(Some(fresh("Pending")), "Pending, not Bound")]
#[case::lost(Some(fresh("Lost")), "Lost, not Bound")]
fn a_claim_that_cannot_be_cut_is_refused_by_its_fresh_state(#[case] fresh: Option<Value>, #[case] why: &str) {
    let (world, claim) = world(&[class("a", DRIVER, true)]);
    let refusal = try_plan(&world, &claim, &answers(&claim, fresh), &Options::default()).unwrap_err();
    assert!(refusal.why.contains(why), "{refusal}");
    assert!(!refusal.clear.is_empty());
}

#[test]
fn a_missing_right_is_named_before_anything_is_tried() {
    let (world, claim) = world(&[class("a", DRIVER, true)]);
    let mut answers = answers(&claim, Some(fresh("Bound")));
    for (question, answer) in &mut answers.access {
        *answer = Ok(question.resource != "volumesnapshots");
    }
    let refusal = try_plan(&world, &claim, &answers, &Options::default()).unwrap_err();
    assert!(refusal.why.contains("create volumesnapshots.snapshot.storage.k8s.io in shop"), "{refusal}");
}

#[test]
fn a_right_that_could_not_be_asked_for_is_not_taken_for_granted() {
    let (world, claim) = world(&[class("a", DRIVER, true)]);
    let mut answers = answers(&claim, Some(fresh("Bound")));
    for answer in answers.access.values_mut() {
        *answer = Err("timed out".into());
    }
    assert!(try_plan(&world, &claim, &answers, &Options::default()).unwrap_err().why.contains("timed out"));
}

#[rstest]
#[case(4, true)]
#[case(5, false)]
fn a_used_up_quota_is_refused(#[case] used: u32, #[case] allowed: bool) {
    let (world, claim) = world(&[class("a", DRIVER, true)]);
    let mut answers = answers(&claim, Some(fresh("Bound")));
    let resource = "count/volumesnapshots.snapshot.storage.k8s.io";
    let status = json!({ "hard": { resource: "5" }, "used": { resource: used.to_string() } });
    answers.lists.insert(ListAt::quotas("shop"), Ok(vec![json!({ "metadata": { "name": "q" }, "status": status })]));
    assert_eq!(try_plan(&world, &claim, &answers, &Options::default()).is_ok(), allowed);
}

#[test]
fn a_volume_without_csi_and_a_cluster_without_snapshots_are_refused() {
    let claim = claim("data", None);
    let mut world = live();
    put(
        &mut world,
        [Object::Pvc(claim.clone()), Object::Pv(Pv { csi: None, ..volume(&claim) }), class("a", DRIVER, true)],
    );
    let answers = answers(&claim, Some(fresh("Bound")));
    let refusal = try_plan(&world, &claim, &answers, &Options::default()).unwrap_err();
    assert!(refusal.why.contains("not a CSI volume"), "{refusal}");
    world.apply(Delta::Absent(Kind::VolumeSnapshot, crate::model::Scope::All), now());
    let refusal = try_plan(&world, &claim, &answers, &Options::default()).unwrap_err();
    assert!(refusal.why.contains("no VolumeSnapshot API"), "{refusal}");
}

#[test]
fn the_plan_says_what_a_reader_must_know() {
    let (mut world, claim) = world(&[class("a", DRIVER, true)]);
    let (mut broken, mut content) = snapshot(&claim, "broken", now());
    broken.ready = Some(false);
    content.error = Some(VolumeError { at: None, message: "no space".into() });
    put_snapshot(&mut world, (broken, content));
    let plan = try_plan(&world, &claim, &answers(&claim, Some(fresh("Bound"))), &Options::default()).unwrap();
    let warnings = plan.warnings.join("\n");
    assert!(warnings.contains("destroys this copy"), "{warnings}");
    assert!(warnings.contains("broken of this volume is not ready: no space"), "{warnings}");
    assert_eq!(plan.proofs().iter().map(|proof| proof.name).collect::<Vec<_>>(), ["data"]);
    assert_eq!(plan.subject.resource_version, "42");
    let [create, cut, ready] = plan.steps()[..] else { panic!("{:?}", plan.steps()) };
    assert_eq!(create.guards.len(), 1);
    assert!(cut.deadline < ready.deadline, "cut and ready have deadlines of their own");
}

/// A claim made from the manifest of another that still lives carries that one's lineage, and is not of it.
#[test]
fn a_lineage_that_was_copied_from_a_claim_that_lives_is_not_recorded() {
    let (mut world, other) = world(&[class("a", DRIVER, true)]);
    let mut copied = claim("copied", None);
    copied.meta = annotated(copied.meta, annotation::LINEAGE, other.meta.uid().as_str());
    put(&mut world, [Object::Pvc(copied.clone()), Object::Pv(volume(&copied))]);
    let mut fresh = fresh("Bound");
    fresh["metadata"]["uid"] = json!(copied.meta.uid().as_str());
    fresh["spec"]["volumeName"] = json!("pv-copied");
    let mut answers = answers(&copied, Some(fresh));
    answers.objects.insert(Lock::of(&world, &copied).at(), Ok(None));
    let plan = try_plan(&world, &copied, &answers, &Options::default()).unwrap();
    let Act::Create { manifest, .. } = &plan.steps()[0].act else { panic!("{:?}", plan.steps()[0]) };
    let lineage = manifest.pointer(&annotation::pointer(annotation::LINEAGE)).unwrap();
    assert_eq!(lineage, copied.meta.uid().as_str());
}

#[test]
fn a_plan_on_a_protected_context_says_so() {
    let (mut world, claim) = world(&[class("a", DRIVER, true)]);
    world.context.protected = true;
    let plan = try_plan(&world, &claim, &answers(&claim, Some(fresh("Bound"))), &Options::default()).unwrap();
    assert!(plan.protected);
    assert_eq!(plan.proofs().iter().map(|proof| proof.of).collect::<Vec<_>>(), ["context", "object"]);
}

#[test]
fn a_long_claim_name_still_makes_a_valid_snapshot_name() {
    let name = snapshot_name(&"a.".repeat(126), &OperationId::new(now(), [0, 0, 0, 7]));
    assert!(text::names::validate_name(&name).is_ok() && name.len() <= 253, "{name}");
}
