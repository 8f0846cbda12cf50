use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::assess::testing::{DRIVER, cluster_meta, now, put};
use crate::model::{DeletionPolicy, Object, SnapshotClass};
use crate::plan::restore::testing::{claim_at, content_at, pvc, vs, vsc, with, world as restore_world};

fn world() -> World {
    let mut world = restore_world();
    let class = SnapshotClass {
        meta: cluster_meta("kept"),
        driver: DRIVER.into(),
        deletion: DeletionPolicy::Delete,
        default: true,
        ..SnapshotClass::default()
    };
    put(&mut world, [Object::SnapshotClass(class)]);
    world
}

fn claim(world: &World) -> &Pvc {
    world.claim(&("shop".into(), "data".into())).unwrap()
}

fn volume() -> Value {
    json!({
        "metadata": { "name": "pv-data", "uid": "uid-pv", "annotations": {} },
        "spec": {
            "csi": { "driver": DRIVER, "volumeHandle": "handle-data" }, "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": { "namespace": "shop", "name": "data", "uid": "uid-data" },
        },
        "status": { "phase": "Bound" },
    })
}

fn deployment(metadata: &Value) -> Value {
    let mut deployment = json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-web" },
        "spec": {
            "replicas": 1,
            "template": { "spec": {
                "containers": [{ "name": "db", "image": "postgres:16.1" }],
                "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": "data" } }],
            } },
        },
    });
    for (key, value) in metadata.as_object().into_iter().flatten() {
        deployment["metadata"][key] = value.clone();
    }
    deployment
}

fn pod(owner: &Value) -> Value {
    json!({
        "metadata": { "name": "p", "namespace": "shop", "uid": "uid-p", "ownerReferences": owner },
        "spec": {
            "nodeName": "node-a", "containers": [{ "name": "db", "image": "postgres:16.1" }],
            "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": "data" } }],
        },
        "status": { "phase": "Running" },
    })
}

/// What the cluster answers: everything that is asked, round by round, with these objects in its lists.
fn answered(world: &World, options: &Options, lists: &[(Resource, Value)], objects: &[(ObjectAt, Value)]) -> Answers {
    let known = [
        (claim_at(), pvc()),
        (ObjectAt::of(Kind::Pv, None, "pv-data"), volume()),
        (ObjectAt::of(Kind::VolumeSnapshot, Some("shop"), "copy"), vs()),
        (content_at(), vsc()),
        (ObjectAt::of(Kind::Node, None, "node-a"), json!({ "metadata": { "name": "node-a", "uid": "uid-node" } })),
    ];
    let mut answers = Answers { who: "sre".into(), ..Answers::default() };
    for _ in 0..8 {
        let questions = questions(world, claim(world), options, &answers).without(&answers);
        for at in questions.objects {
            let found = objects.iter().chain(&known).find(|(known, _)| *known == at).map(|(_, object)| object.clone());
            answers.objects.insert(at, Ok(found));
        }
        answers.access.extend(questions.access.into_iter().map(|question| (question, Ok(true))));
        for at in questions.lists {
            let listed =
                lists.iter().filter(|(resource, _)| *resource == at.resource).map(|(_, object)| object.clone());
            let listed = listed.collect();
            answers.lists.insert(at, Ok(listed));
        }
    }
    answers
}

fn chosen() -> Options {
    Options { from: Some(From::Snapshot("copy".into())), ..Options::default() }
}

fn planned(options: &Options, lists: &[(Resource, Value)], objects: &[(ObjectAt, Value)]) -> Result<Plan, Refusal> {
    let world = world();
    let answers = answered(&world, options, lists, objects);
    plan(&world, &claim(&world).meta.uid(), &answers, options, &OperationId::new(now(), [0, 0, 0, 7]), now())
}

fn listed(kind: Kind, object: Value) -> (Resource, Value) {
    (Resource::of(kind), object)
}

fn owned_by(api_version: &str, kind: &str) -> Value {
    json!([{ "apiVersion": api_version, "kind": kind, "name": "main", "controller": true }])
}

#[rstest]
#[case::bare_pod(listed(Kind::Pod, pod(&Value::Null)), "pod p uses it and nothing would start it again")]
#[case::daemon(listed(Kind::Pod, pod(&owned_by("apps/v1", "DaemonSet"))), "DaemonSet main uses it")]
#[case::job(listed(Kind::Pod, pod(&owned_by("batch/v1", "Job"))), "Job main uses it")]
#[case::operator_of_pods(listed(Kind::Pod, pod(&owned_by("postgresql.cnpg.io/v1", "Cluster"))), "CloudNativePG")]
#[case::operator_of_workloads(
    listed(Kind::Deployment, deployment(&json!({ "ownerReferences": owned_by("acid.zalan.do/v1", "postgresql") }))),
    "the Zalando Postgres operator owns it"
)]
#[case::operator_nobody_knows(
    listed(Kind::Deployment, deployment(&json!({ "ownerReferences": owned_by("db.example/v1", "Thing") }))),
    "an operator (db.example) owns it"
)]
#[case::a_broken_snapshot(
    listed(Kind::VolumeSnapshot, with(vs(), "/status/readyToUse", json!(false))),
    "VolumeSnapshot copy of it is not ready, and holds the claim"
)]
#[case::argo_that_cannot_be_seen(
    listed(Kind::Deployment, deployment(&json!({ "annotations": { "argocd.argoproj.io/tracking-id": "argo_shop:apps/Deployment:shop/web" } }))),
    "whether that is paused is not known: there is no Application shop"
)]
#[case::flux_that_cannot_be_seen(
    listed(Kind::Deployment, deployment(&json!({ "labels": {
        "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    } }))),
    "Kustomization flux-system/apps does not exist here"
)]
fn what_cannot_be_stopped_or_would_undo_the_stop_is_refused(#[case] user: (Resource, Value), #[case] why: &str) {
    let refusal = planned(&chosen(), &[user], &[]).unwrap_err();
    assert!(refusal.why.contains(why), "{refusal}");
    assert!(!refusal.clear.is_empty());
}

#[test]
fn another_major_version_of_the_program_has_to_be_accepted() {
    let user = listed(Kind::Deployment, deployment(&json!({})));
    let marked = with(vs(), "/metadata/annotations", json!({ "holdfast.dev/images": "db=postgres:15.8@sha256:aa" }));
    let objects = [(ObjectAt::of(Kind::VolumeSnapshot, Some("shop"), "copy"), marked)];
    let refusal = planned(&chosen(), std::slice::from_ref(&user), &objects).unwrap_err();
    assert!(refusal.why.contains("runs postgres 16 and ran postgres 15"), "{refusal}");
    let plan = planned(&Options { accept_image_change: true, ..chosen() }, &[user], &objects).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("this was accepted")), "{:?}", plan.warnings);
}

/// The pauses of a plan, as their steps say them.
fn pauses(plan: &Plan) -> Vec<(String, String)> {
    let of = |prefix: &str| {
        let steps = plan.steps().into_iter().filter(|step| step.id.0.starts_with(prefix));
        steps.map(|step| step.title.clone()).collect::<Vec<_>>()
    };
    of("pause-").into_iter().zip(of("resume-").into_iter().rev()).collect()
}

#[test]
fn what_would_start_the_workload_meanwhile_is_paused_and_gets_its_former_value_back() {
    let marks = json!({ "annotations": { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } });
    let application = json!({
        "metadata": { "name": "shop", "namespace": "argocd", "uid": "uid-app" },
        "spec": { "syncPolicy": { "automated": { "selfHeal": true } } },
    });
    let cron = json!({
        "metadata": { "name": "nightly", "namespace": "shop", "uid": "uid-cron" },
        "spec": { "jobTemplate": { "spec": { "template": { "spec": {
            "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": "data" } }],
        } } } } },
    });
    let scaler = json!({
        "metadata": { "name": "keda-hpa-web", "ownerReferences": owned_by("keda.sh/v1alpha1", "ScaledObject") },
        "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" } },
    });
    let lists = [
        listed(Kind::Deployment, deployment(&marks)),
        listed(Kind::CronJob, cron),
        (gitops::applications(), application),
        (autoscalers(), scaler),
    ];
    let scaled = ObjectAt { resource: scaled_objects(), namespace: Some("shop".into()), name: "main".into() };
    let object = json!({ "metadata": { "name": "main", "namespace": "shop", "uid": "uid-so" } });
    let plan = planned(&chosen(), &lists, &[(scaled, object)]).unwrap();
    let said = pauses(&plan);
    assert_eq!(said.len(), 3, "{said:?}");
    for (open, close) in [
        (
            "turn automated sync of Application argocd/shop off",
            "turn automated sync of Application argocd/shop on again, as it was",
        ),
        ("suspend CronJob shop/nightly", "let CronJob shop/nightly go on"),
        ("hold ScaledObject shop/main at 0 replicas", "let ScaledObject shop/main scale again"),
    ] {
        assert!(said.contains(&(open.to_owned(), close.to_owned())), "{open}: {said:?}");
    }
    let json = serde_json::to_string(&plan.nodes).unwrap();
    assert!(json.contains("selfHeal"), "the former value is part of the plan");
}

#[test]
fn an_application_that_something_else_keeps_is_not_paused_alone() {
    let marks = json!({ "labels": { "argocd.argoproj.io/instance": "shop" } });
    let application = json!({
        "metadata": { "name": "shop", "namespace": "argocd", "uid": "uid-app", "ownerReferences": [{ "kind": "ApplicationSet", "name": "all" }] },
        "spec": { "syncPolicy": { "automated": {} } },
    });
    let lists = [listed(Kind::Deployment, deployment(&marks)), (gitops::applications(), application)];
    let refusal = planned(&chosen(), &lists, &[]).unwrap_err();
    assert!(refusal.why.contains("ApplicationSet all") && refusal.clear.contains("--gitops-paused"), "{refusal}");
    assert!(planned(&Options { gitops_paused: true, ..chosen() }, &lists, &[]).is_ok());
}

#[test]
fn every_way_back_is_there_until_the_application_runs_again() {
    let user = listed(Kind::Deployment, deployment(&json!({})));
    let plan = planned(&chosen(), &[user, listed(Kind::Pod, pod(&owned_by("apps/v1", "Deployment")))], &[]);
    // A pod of a Deployment that is not listed cannot be stopped by scaling.
    assert!(plan.unwrap_err().why.contains("Deployment main uses it"));
    let plan = planned(&chosen(), &[listed(Kind::Deployment, deployment(&json!({})))], &[]).unwrap();
    let undone: Vec<&str> = plan.undo_steps().iter().map(|step| step.id.0.as_str()).collect();
    let order = [
        "unstart-0",
        "restopped-0",
        "redetached-0",
        "unclaim",
        "unreserve-wait",
        "unreserve",
        "undelete-wait",
        "undelete",
        "unrelease",
        "rebound",
        "unstop-0",
        "unkeep-new",
        "unkeep-old",
        "discard",
        "untry",
        "unstage",
    ];
    assert_eq!(undone, order);
    let ids: Vec<&str> = plan.steps().iter().map(|step| step.id.0.as_str()).collect();
    let before = |a: &str, b: &str| ids.iter().position(|id| *id == a) < ids.iter().position(|id| *id == b);
    assert!(before("mounted", "stop-0") && before("keep-old", "stop-0") && before("saved", "delete"), "{ids:?}");
    assert!(before("unused", "delete") && before("bound", "start-0") && before("ready-0", "reclaim"), "{ids:?}");
}

#[test]
fn what_is_made_beside_the_claim_carries_no_label_of_it() {
    let plan = planned(&chosen(), &[listed(Kind::Deployment, deployment(&json!({})))], &[]).unwrap();
    for step in plan.steps() {
        let crate::plan::Act::Create { at, manifest } = &step.act else { continue };
        let labels = manifest["metadata"]["labels"].as_object().unwrap();
        let own = labels.contains_key("app");
        assert_eq!(own, at.name == "data", "{at}: {labels:?}");
    }
}
