use rstest::rstest;
use serde_json::json;

use serde_json::Value;

use super::member::snapshot_name;
use super::*;
use crate::assess::testing::{
    DRIVER, annotated, claim, cluster_meta, live, now, put, put_snapshot, snapshot, volume, with_claim,
};
use crate::model::{DeletionPolicy, Delta, Object, Policies, Pv, VolumeError, annotation};
use crate::plan::Act;
use crate::text;

fn class(name: &str, driver: &str, default: bool) -> Object {
    Object::SnapshotClass(SnapshotClass {
        meta: cluster_meta(name),
        driver: driver.into(),
        deletion: DeletionPolicy::Delete,
        default,
        ..SnapshotClass::default()
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

/// A world of two claims `data` and `wal` with label `app=db`, and a third without.
fn world_of_set(driver_of_wal: &str) -> World {
    let (mut world, _) = world(&[class("a", DRIVER, true), class("o", "other", true)]);
    for name in ["wal", "logs"] {
        let claim = claim(name, None);
        let driver = if name == "wal" { driver_of_wal } else { DRIVER };
        let csi = Some((driver.into(), format!("handle-{name}").into()));
        put(&mut world, [Object::Pvc(claim.clone()), Object::Pv(Pv { csi, ..volume(&claim) })]);
    }
    world
}

fn selected(together: Together) -> Options {
    Options { scope: Scope::Selected([("app".into(), "db".into())].into()), together, ..Options::default() }
}

/// Answers in rounds, as a cluster with these group snapshot classes in its second version would give them.
fn answered(world: &World, options: &Options, classes: &[Value], may_group: bool) -> Answers {
    let fresh = |name: &str| {
        let labels = if name == "logs" { json!({}) } else { json!({ "app": "db" }) };
        json!({
            "metadata": { "name": name, "uid": format!("uid-{name}"), "resourceVersion": "42", "labels": labels },
            "spec": { "volumeName": format!("pv-{name}") }, "status": { "phase": "Bound" },
        })
    };
    let claim = world.inventory.pvcs.get(&"uid-data".into()).unwrap();
    let mut answers = Answers { who: "sre".into(), ..Answers::default() };
    for _ in 0..4 {
        let asked = questions(world, claim, options, &answers).without(&answers);
        for at in asked.objects {
            let found = (at.resource.plural == "persistentvolumeclaims").then(|| fresh(&at.name));
            answers.objects.insert(at, Ok(found));
        }
        for question in asked.access {
            let granted = may_group || question.resource != "volumegroupsnapshots";
            answers.access.insert(question, Ok(granted));
        }
        for list in asked.lists {
            let listed = match (&*list.resource.plural, &*list.resource.version) {
                ("persistentvolumeclaims", _) => ["data", "logs", "wal"].map(fresh).to_vec(),
                ("volumegroupsnapshotclasses", "v1beta2") => classes.to_vec(),
                _ => Vec::new(),
            };
            answers.lists.insert(list, Ok(listed));
        }
    }
    answers
}

fn group_class(name: &str, driver: &str) -> Value {
    json!({ "metadata": { "name": name }, "driver": driver, "deletionPolicy": "Retain" })
}

#[rstest]
#[case::can(DRIVER, &[group_class("g", DRIVER)], true, Together::Auto, Ok("v1beta2"))]
#[case::is_not_wanted(DRIVER, &[group_class("g", DRIVER)], true, Together::Parallel, Err("as asked"))]
#[case::no_class(DRIVER, &[], true, Together::Auto, Err("no VolumeGroupSnapshotClass"))]
#[case::of_another_driver(DRIVER, &[group_class("g", "x")], true, Together::Auto, Err("no VolumeGroupSnapshotClass of driver"))]
#[case::two_drivers("other", &[group_class("g", DRIVER)], true, Together::Auto, Err("several drivers"))]
#[case::no_right(DRIVER, &[group_class("g", DRIVER)], false, Together::Auto, Err("needs the right to create volumegroupsnapshots"))]
fn a_set_is_a_group_where_everything_allows_it_and_says_why_not_elsewhere(
    #[case] driver: &str,
    #[case] classes: &[Value],
    #[case] may_group: bool,
    #[case] together: Together,
    #[case] expected: Result<&str, &str>,
) {
    let world = world_of_set(driver);
    let options = selected(together);
    let answers = answered(&world, &options, classes, may_group);
    let plan = plan(&world, &"uid-data".into(), &answers, &options, OperationId::new(now(), [0, 0, 0, 7]), now());
    let plan = plan.unwrap();
    let creates: Vec<_> = plan
        .steps()
        .into_iter()
        .filter_map(|step| match &step.act {
            Act::Create { at, manifest } => {
                Some((at.resource.kind.clone(), at.resource.version.clone(), manifest.clone()))
            }
            _ => None,
        })
        .collect();
    match expected {
        Ok(version) => {
            let [(kind, of_version, manifest)] = creates.as_slice() else { panic!("{creates:?}") };
            assert_eq!((kind.as_str(), of_version.as_str()), ("VolumeGroupSnapshot", version));
            assert_eq!(manifest["spec"]["source"]["selector"]["matchLabels"], json!({ "app": "db" }));
        }
        Err(why) => {
            assert_eq!(creates.len(), 2, "{creates:?}");
            let said = plan.facts.iter().find(|fact| fact.0 == "no group, because").unwrap();
            assert!(said.1.contains(why), "{said:?}");
        }
    }
    assert_eq!(plan.locks.len(), 2);
    assert!(plan.undo_steps().iter().any(|step| step.id.0.starts_with("back")), "a set has a way back");
}

#[test]
fn a_set_with_one_claim_that_cannot_be_cut_is_refused_as_a_whole() {
    let world = world_of_set(DRIVER);
    let options = selected(Together::Auto);
    let mut answers = answered(&world, &options, &[], true);
    let wal = ObjectAt::of(Kind::Pvc, Some("shop"), "wal");
    answers.objects.insert(wal, Ok(Some(json!({ "metadata": { "uid": "uid-wal" }, "status": { "phase": "Lost" } }))));
    let refusal = plan(&world, &"uid-data".into(), &answers, &options, OperationId::new(now(), [0, 0, 0, 7]), now());
    let refusal = refusal.unwrap_err();
    assert!(refusal.object.contains("shop/wal") && refusal.why.contains("Lost, not Bound"), "{refusal}");
}

#[test]
fn a_copy_bears_what_ran_and_which_findings_were_open_and_old_readers_still_find_the_images() {
    use crate::assess::exposure::testing::{digest, shop};
    let mut world = shop();
    let claim = world.inventory.pvcs.get(&"uid-data".into()).unwrap().clone();
    let container = crate::model::Container {
        name: "db".into(),
        image: "r.example/db:1.0".into(),
        image_id: Some(format!("r.example/db@{}", digest('c')).into()),
        writes: ["data".into()].into(),
        ..crate::model::Container::default()
    };
    let pod = crate::model::Pod {
        meta: crate::assess::testing::meta("db-0"),
        phase: "Running".into(),
        claims: ["data".into()].into(),
        containers: [container].into(),
        ..crate::model::Pod::default()
    };
    put(&mut world, [class("a", DRIVER, true), Object::Pod(pod)]);
    let plan = try_plan(&world, &claim, &answers(&claim, Some(fresh("Bound"))), &Options::default()).unwrap();
    let Act::Create { manifest, .. } = &plan.steps()[0].act else { panic!("first step does not create") };
    let note = |key: &str| manifest["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned();
    assert_eq!(note(annotation::IMAGES), format!("db=r.example/db:1.0@{}", digest('c')));
    let ran: Value = serde_json::from_str(&note(annotation::RAN)).unwrap();
    assert_eq!(ran["at"], now().to_string());
    assert_eq!((&ran["ran"][0]["pod"], &ran["ran"][0]["digests"][0]), (&json!("uid-db-0"), &json!(&*digest('c'))));
    assert!(note(annotation::OPEN_FINDINGS).starts_with("1 sha256:"), "{}", note(annotation::OPEN_FINDINGS));
    let mut log = crate::model::Observed::default();
    attest(&plan, &mut log);
    assert!(log.attests(plan.id.as_str(), &note(annotation::RAN)), "the plan in the journal proves what it wrote");
    assert!(!log.attests("another", &note(annotation::RAN)));
}
