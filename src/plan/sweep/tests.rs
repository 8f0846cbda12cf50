use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{ago, annotated, claim, cluster_meta, live, now, put, volume};
use crate::model::{ClaimRef, Namespace, Object, Pv};
use crate::plan::{Act, Lock, Target};

const DEAD: &str = "20260301-100000-0000000a";
const DRILL: &str = "holdfast-drill-20260301-100000-0000000a";

fn id() -> OperationId {
    OperationId::new(now(), [0, 0, 0, 7])
}

fn record(state: &str) -> Value {
    json!({
        "metadata": { "name": format!("holdfast-{DEAD}"), "uid": "uid-record" },
        "data": { "operation": DEAD, "state": state, "epoch": "1" },
    })
}

fn lease(minutes: i64) -> Value {
    json!({
        "metadata": { "name": "holdfast-drill-uid-data" },
        "spec": { "holderIdentity": DEAD, "leaseDurationSeconds": 30, "renewTime": ago(minutes).to_string() },
    })
}

fn scratch(kind: &str, more: &Value) -> Value {
    let mut object = json!({
        "kind": kind,
        "metadata": {
            "name": DRILL, "uid": format!("uid-{kind}"), "labels": { "holdfast.dev/drill": DEAD },
            "annotations": { "holdfast.dev/home": "shop" }, "creationTimestamp": ago(120).to_string(),
        },
    });
    object["spec"] = more.clone();
    object
}

fn content(policy: &str) -> Value {
    scratch("VolumeSnapshotContent", &json!({ "deletionPolicy": policy }))
}

/// What is in the cluster.
struct Found {
    records: Vec<Value>,
    leases: Vec<Value>,
    namespaces: Vec<Value>,
    contents: Vec<Value>,
    claims: Vec<Value>,
    pods: Vec<Value>,
    volumes: Vec<(Pv, Value)>,
    options: Options,
}

impl Default for Found {
    fn default() -> Self {
        let none = Vec::new;
        Self {
            records: none(),
            leases: none(),
            namespaces: vec![scratch("Namespace", &json!({}))],
            contents: vec![content("Retain")],
            claims: none(),
            pods: none(),
            volumes: Vec::new(),
            options: Options::default(),
        }
    }
}

impl Found {
    fn plan(self) -> Result<Plan, Refusal> {
        let mut world = live();
        put(&mut world, [Object::Namespace(Namespace { meta: cluster_meta("shop") })]);
        put(&mut world, self.volumes.iter().map(|(volume, _)| Object::Pv(volume.clone())));
        let lists = Lists::of("shop");
        let mut known = Answers { who: "sre".into(), ..Answers::default() };
        let listed = [
            (lists.records, self.records),
            (lists.leases, self.leases.clone()),
            (lists.namespaces, self.namespaces),
            (lists.contents, self.contents),
            (lists.claims, self.claims),
            (lists.pods, self.pods),
        ];
        known.lists = listed.into_iter().map(|(list, found)| (list, Ok(found))).collect();
        let namespace = json!({ "metadata": { "name": "shop", "uid": "uid-shop", "resourceVersion": "7" } });
        known.objects.insert(ObjectAt::of(Kind::Namespace, None, "shop"), Ok(Some(namespace)));
        for (volume, object) in self.volumes {
            known.objects.insert(ObjectAt::of(Kind::Pv, None, &volume.meta.name), Ok(Some(object)));
        }
        for lease in self.leases {
            let lock = Lock { namespace: "shop".into(), lineage: "drill-uid-data".into() };
            known.objects.insert(lock.at(), Ok(Some(lease)));
        }
        let asked = questions(&world, &"uid-shop".into(), self.options, &known);
        known.access = asked.access.into_iter().map(|question| (question, Ok(true))).collect();
        plan(&world, &"uid-shop".into(), &known, self.options, id(), now())
    }
}

fn titles(plan: &Plan) -> Vec<String> {
    plan.steps().into_iter().map(|step| step.title.clone()).collect()
}

#[test]
fn what_an_ended_drill_left_goes_after_its_content_is_seen_to_keep_the_copy() {
    let plan = Found { records: vec![record("failed")], ..Found::default() }.plan().unwrap();
    let expected = [
        format!("see that VolumeSnapshotContent {DRILL} is Retain: the copy in storage stays"),
        format!("delete Namespace {DRILL} and see it gone"),
        format!("delete VolumeSnapshotContent {DRILL} and see it gone"),
    ];
    assert_eq!(titles(&plan), expected);
    for step in plan.steps().into_iter().skip(1) {
        let Act::Delete { target: Target::Known { uid, .. } } = &step.act else { panic!("{step:?}") };
        assert!(uid.as_str().starts_with("uid-"), "{uid}");
        let fields: Vec<&str> = step.guards.iter().map(|guard| guard.checks[0].field.as_str()).collect();
        assert_eq!(fields, ["/data/state", "/spec/deletionPolicy"], "{}", step.title);
    }
    assert!(plan.facts[0].1.contains(&format!("operation {DEAD} has ended (failed)")), "{:?}", plan.facts);
    assert!(plan.locks.is_empty() && plan.count.is_none());
    assert_eq!(plan.subject.home(), Some("shop"));
}

#[test]
fn an_operation_whose_console_died_is_fenced_off_by_its_lock_before_anything_goes() {
    let plan = Found { records: vec![record("running")], leases: vec![lease(10)], ..Found::default() }.plan().unwrap();
    assert_eq!(plan.locks[0].at().path(), "shop/holdfast-drill-uid-data");
    let guard = &plan.steps()[1].guards[0];
    assert_eq!(guard.checks, [crate::plan::Check::present("/data/takenOverBy")]);
    assert!(plan.warnings[0].contains("this operation takes it over"), "{:?}", plan.warnings);
}

#[rstest]
#[case::at_work(vec![record("running")], vec![lease(0)], "its operation is at work: operation 20260301")]
#[case::no_lock(vec![record("running")], vec![], "it holds no lock; resume it, or stop it")]
fn what_may_be_at_work_stays_and_is_said(#[case] records: Vec<Value>, #[case] leases: Vec<Value>, #[case] why: &str) {
    let refused = Found { records, leases, ..Found::default() }.plan().unwrap_err();
    assert!(refused.why.starts_with("nothing may go: ") && refused.why.contains(why), "{refused:?}");
}

#[test]
fn what_has_no_record_goes_once_it_is_old_and_what_is_of_others_is_not_looked_at() {
    let old = Found::default().plan().unwrap();
    assert!(old.facts[0].1.contains("neither record nor lock"), "{:?}", old.facts);
    let mut young = scratch("Namespace", &json!({}));
    young["metadata"]["creationTimestamp"] = ago(30).to_string().into();
    let refused = Found { namespaces: vec![young], contents: vec![], ..Found::default() }.plan().unwrap_err();
    assert!(refused.why.contains("made within the hour"), "{refused:?}");
    let mut other = scratch("Namespace", &json!({}));
    other["metadata"]["annotations"] = json!({});
    let nothing = Found { namespaces: vec![other.clone()], contents: vec![], ..Found::default() }.plan().unwrap_err();
    assert_eq!(nothing.why, NOTHING, "neither it nor a record says that it is of shop");
    other["metadata"]["annotations"] = json!({ "holdfast.dev/home": "gone" });
    assert!(Found { namespaces: vec![other], contents: vec![], ..Found::default() }.plan().is_ok(), "its home is gone");
}

#[test]
fn a_content_that_would_take_the_copy_along_stays_with_its_namespace() {
    let found = Found { records: vec![record("done")], contents: vec![content("Delete")], ..Found::default() };
    let why = found.plan().unwrap_err().why;
    assert!(why.contains("would destroy the copy in storage") && why.contains("of the snapshot in it stays"), "{why}");
}

fn staged(reclaim: &str) -> Found {
    let mark = |name: &str, step: &str, spec: Value| {
        json!({
            "metadata": {
                "namespace": "shop", "name": name, "uid": format!("uid-{name}"),
                "annotations": { "holdfast.dev/operation": DEAD, "holdfast.dev/step": step },
            },
            "spec": spec,
        })
    };
    let volume = volume(&claim("staged", None));
    let object = json!({ "metadata": { "name": "pv-staged" }, "spec": { "persistentVolumeReclaimPolicy": reclaim } });
    Found {
        records: vec![record("failed")],
        namespaces: vec![],
        contents: vec![],
        claims: vec![
            mark("data-restore", "stage", json!({ "volumeName": "pv-staged" })),
            mark("data", "claim", json!({})),
        ],
        pods: vec![mark("data-restore", "try", json!({}))],
        volumes: vec![(volume, object)],
        ..Found::default()
    }
}

#[test]
fn the_trial_of_an_in_place_restore_goes_pod_first_and_its_claim_only_while_its_volume_goes_with_it() {
    let plan = staged("Delete").plan().unwrap();
    let expected = [
        "delete Pod shop/data-restore and see it gone",
        "delete PersistentVolumeClaim shop/data-restore and see it gone",
    ];
    assert_eq!(titles(&plan), expected);
    let plan = staged("Retain").plan().unwrap();
    assert_eq!(titles(&plan), expected[..1]);
    assert!(plan.facts[1].1.contains("the exchange had begun"), "{:?}", plan.facts);
}

fn kept(until: &str, former: bool) -> Found {
    let bound = volume(&claim("data", None));
    let reference = ClaimRef { uid: Some("uid-former".into()), ..bound.claim.clone().unwrap() };
    let meta = annotated(bound.meta.clone(), annotation::KEEP_UNTIL, until);
    let volume = Pv { meta, phase: "Released".into(), claim: Some(reference), ..bound };
    let object = json!({
        "metadata": {
            "name": "pv-data", "uid": "uid-pv-data",
            "annotations": { "holdfast.dev/keep-until": until, "holdfast.dev/operation": DEAD },
        },
        "spec": {
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": { "namespace": "shop", "name": "data", "uid": "uid-former" },
        },
        "status": { "phase": "Released" },
    });
    let options = Options { former };
    Found { namespaces: vec![], contents: vec![], volumes: vec![(volume, object)], options, ..Found::default() }
}

#[test]
fn a_former_volume_goes_when_it_is_asked_for_its_time_is_over_and_its_number_is_said() {
    let over = ago(5).to_string();
    let plan = kept(&over, true).plan().unwrap();
    assert_eq!(titles(&plan), ["let its driver delete PersistentVolume pv-data and see it gone"]);
    assert_eq!(plan.count.as_deref(), Some("1"));
    let checks = &plan.steps()[0].guards[0].checks;
    assert!(checks.iter().any(|check| check.field.contains("keep-until")), "{checks:?}");
    assert!(plan.facts[0].1.contains("the former volume of shop/data"), "{:?}", plan.facts);
    assert_eq!(kept(&over, false).plan().unwrap_err().why, NOTHING, "never by itself");
    let early = kept(&ago(-5).to_string(), true).plan().unwrap_err();
    assert!(early.why.contains("a former volume, kept until 2026-03-01T12:05:00Z"), "{early:?}");
    assert!(kept("soon", true).plan().unwrap_err().why.contains("cannot be read"));
}

#[rstest]
#[case::nobody_has_it("Released", "Retain", vec![record("done")], true)]
#[case::in_use("Bound", "Retain", vec![record("done")], false)]
#[case::goes_by_itself("Released", "Delete", vec![record("done")], false)]
#[case::of_an_operation_of_others("Released", "Retain", vec![], false)]
fn the_volume_of_a_drill_goes_where_its_class_kept_it(
    #[case] phase: &str,
    #[case] reclaim: &str,
    #[case] records: Vec<Value>,
    #[case] goes: bool,
) {
    let of_drill = ClaimRef { namespace: DRILL.into(), name: "restored".into(), uid: Some("uid-restored".into()) };
    let volume = Pv { claim: Some(of_drill), ..volume(&claim("drilled", None)) };
    let object = json!({
        "metadata": { "name": "pv-drilled", "uid": "uid-pv-drilled" },
        "spec": {
            "persistentVolumeReclaimPolicy": reclaim,
            "claimRef": { "namespace": DRILL, "name": "restored", "uid": "uid-restored" },
        },
        "status": { "phase": phase },
    });
    let found =
        Found { records, namespaces: vec![], contents: vec![], volumes: vec![(volume, object)], ..Found::default() };
    match found.plan() {
        Ok(plan) => {
            assert!(goes);
            assert!(matches!(plan.steps()[0].act, Act::Dismiss { .. }), "{:?}", plan.steps());
            assert_eq!(plan.count, None, "it holds nothing but a copy");
        }
        Err(refusal) => assert!(!goes && refusal.why == NOTHING, "{refusal:?}"),
    }
}

#[test]
fn what_cannot_be_listed_is_no_nothing() {
    let mut world = live();
    put(&mut world, [Object::Namespace(Namespace { meta: cluster_meta("shop") })]);
    let refused = plan(&world, &"uid-shop".into(), &Answers::default(), Options::default(), id(), now()).unwrap_err();
    assert!(refused.why.contains("were not listed"), "{refused:?}");
}
