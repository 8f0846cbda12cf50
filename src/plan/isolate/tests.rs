use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{meta, now, put};
use crate::model::{Meta, Object, WorkloadKind};
use crate::plan::Act;

fn own(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "7" },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name, "team": "shop" } }, "spec": {} },
        },
    })
}

fn owned(kind: &str, owner: &str, mut object: Value) -> Value {
    object["metadata"]["ownerReferences"] =
        json!([{ "kind": kind, "name": owner, "uid": format!("uid-{owner}"), "controller": true }]);
    object
}

fn pod(name: &str, app: &str) -> Value {
    json!({
        "metadata": { "name": name, "uid": format!("uid-{name}"), "labels": { "app": app, "team": "shop" } },
        "spec": {}, "status": { "phase": "Running" },
    })
}

fn other_policy(name: &str, spec: Value) -> Value {
    with(json!({ "metadata": { "name": name, "uid": format!("uid-{name}") }, "spec": null }), "/spec", spec)
}

/// Deployment `web` with one pod by its ReplicaSet, and what else there is, by kind.
struct Scene {
    fresh: Value,
    listed: Vec<(&'static str, Value)>,
}

impl Scene {
    fn new() -> Self {
        let set = owned("Deployment", "web", own("web-1"));
        let set = with(set, "/spec/template/metadata/labels/app", "web");
        let pod = owned("ReplicaSet", "web-1", pod("web-1-a", "web"));
        Self { fresh: own("web"), listed: vec![("Deployment", own("web")), ("ReplicaSet", set), ("Pod", pod)] }
    }

    fn and(mut self, kind: &'static str, object: Value) -> Self {
        self.listed.push((kind, object));
        self
    }

    fn world() -> World {
        let mut world = World::default();
        let meta = Meta { uid: Some("uid-web".into()), ..meta("web") };
        put(&mut world, [Object::Deployment(Workload { meta, kind: WorkloadKind::Deployment, ..Workload::default() })]);
        world
    }

    fn plan(&self, options: &Options) -> Result<Plan, Refusal> {
        let (world, uid) = (Self::world(), Uid::from("uid-web"));
        let questions = questions(&world, Kind::Deployment, &uid);
        let of = |list: &ListAt| {
            let mine = self.listed.iter().filter(|(kind, _)| *kind == list.resource.kind);
            mine.map(|(_, object)| object.clone()).collect()
        };
        let answers = Answers {
            objects: questions.objects.into_iter().map(|at| (at, Ok(Some(self.fresh.clone())))).collect(),
            access: questions.access.into_iter().map(|question| (question, Ok(true))).collect(),
            lists: questions.lists.iter().map(|list| (list.clone(), Ok(of(list)))).collect(),
            ..Answers::default()
        };
        plan(&world, (Kind::Deployment, &uid), &answers, options, OperationId::new(now(), [0; 4]), now())
    }
}

fn with(mut object: Value, field: &str, value: impl Into<Value>) -> Value {
    *object.pointer_mut(field).unwrap() = value.into();
    object
}

fn leak() -> Options {
    Options { reason: Some("leak".into()), ..Options::default() }
}

fn spec(plan: &Plan) -> Value {
    let Act::Create { manifest, .. } = &plan.steps()[0].act else { panic!("{plan:?}") };
    manifest["spec"].clone()
}

#[test]
fn by_default_nothing_comes_in_and_nothing_goes_out() {
    let plan = Scene::new().plan(&leak()).unwrap();
    let denied = json!({
        "podSelector": { "matchLabels": { "app": "web" } }, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": [],
    });
    assert_eq!(spec(&plan), denied);
    let fact = |label: &str| plan.facts.iter().find(|(known, _)| known == label).map(|(_, fact)| fact.as_str());
    assert_eq!((fact("pods"), fact("in"), fact("out")), (Some("web-1-a"), Some("nothing"), Some("nothing")));
    assert!(plan.warnings[0].starts_with("not proven:"), "{:?}", plan.warnings);
}

#[test]
fn only_what_is_named_is_let_through() {
    let from = ["app=front", "namespace=ops"].map(|peer| Peer::parse(peer).unwrap()).into();
    let plan = Scene::new().plan(&Options { dns: true, from, ..leak() }).unwrap();
    let spec = spec(&plan);
    let peers = json!([
        { "podSelector": { "matchLabels": { "app": "front" } } },
        { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "ops" } } },
    ]);
    assert_eq!(spec["ingress"], json!([{ "from": peers }]));
    let system = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } } });
    let ports = json!([{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }]);
    assert_eq!(spec["egress"], json!([{ "to": [system], "ports": ports }]));
}

#[rstest]
#[case::a_pod_of_nobody(Scene::new().and("Pod", pod("shell", "web")), "pods of Pod shell as well")]
#[case::a_pod_of_a_job(
    Scene::new().and("Pod", owned("Job", "load", pod("load-x", "web"))), "pods of Job load as well"
)]
#[case::another_without_pods(
    Scene::new().and("StatefulSet", with(own("db"), "/spec/template/metadata/labels/app", "web")),
    "pods of StatefulSet db as well"
)]
#[case::everybody(
    Scene { fresh: with(own("web"), "/spec/selector", json!({})), ..Scene::new() }, "selects every pod of the namespace"
)]
#[case::on_the_node(
    Scene { fresh: with(own("web"), "/spec/template/spec", json!({ "hostNetwork": true })), ..Scene::new() },
    "use the network of their node"
)]
#[case::made_anew(Scene { fresh: with(own("web"), "/metadata/uid", "uid-new"), ..Scene::new() }, "made anew meanwhile")]
#[case::somebody_elses_policy(
    Scene::new().and("NetworkPolicy", other_policy("holdfast-isolate-deployment-web", json!({}))),
    "this console did not make it"
)]
#[case::let_through_by_the_template_alone(
    Scene { listed: Vec::new(), ..Scene::new() }.and(
        "NetworkPolicy",
        other_policy("open", json!({ "podSelector": { "matchLabels": { "team": "shop" } }, "egress": [{}] }))
    ),
    "NetworkPolicy open lets through: out to anybody"
)]
fn what_would_contain_others_or_not_contain_it_is_refused(#[case] scene: Scene, #[case] why: &str) {
    let refused = scene.plan(&leak()).unwrap_err();
    assert!(refused.why.contains(why), "{refused:?}");
}

#[test]
fn a_reason_is_needed_and_ended_pods_of_others_are_not_in_the_way() {
    assert_eq!(Scene::new().plan(&Options::default()).unwrap_err().why, "an isolation says why");
    let ended = with(pod("old", "web"), "/status/phase", "Succeeded");
    assert!(Scene::new().and("Pod", ended).plan(&leak()).is_ok());
    let elsewhere = other_policy("db", json!({ "podSelector": { "matchLabels": { "app": "db" } }, "ingress": [{}] }));
    let denies = other_policy("deny", json!({ "podSelector": {}, "policyTypes": ["Ingress"] }));
    let plan = Scene::new().and("NetworkPolicy", elsewhere).and("NetworkPolicy", denies).plan(&leak()).unwrap();
    assert!(plan.warnings.iter().all(|warning| !warning.contains("lets through:")), "{:?}", plan.warnings);
}

#[test]
fn what_it_does_not_hold_is_named() {
    let hosted = with(pod("web-1-b", "web"), "/spec", json!({ "hostNetwork": true }));
    let open = other_policy("open", json!({ "podSelector": {}, "ingress": [{}] }));
    let scene = Scene::new().and("Pod", owned("ReplicaSet", "web-1", hosted)).and("NetworkPolicy", open);
    let plan = scene.plan(&Options { beside: true, ..leak() }).unwrap();
    let warned = |said: &str| plan.warnings.iter().any(|warning| warning.contains(said));
    assert!(warned("not affected, because they use the network of their node: web-1-b"), "{:?}", plan.warnings);
    assert!(
        warned("NetworkPolicy open lets through: in from anybody. It adds up: that goes on"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn what_ends_it_deletes_the_policy_that_was_read_and_no_other() {
    let (world, uid) = (Scene::world(), Uid::from("uid-web"));
    let questions = rejoin_questions(&world, Kind::Deployment, &uid);
    let rejoined = |found: Option<Value>| {
        let answers = Answers {
            objects: questions.objects.iter().map(|at| (at.clone(), Ok(found.clone()))).collect(),
            access: questions.access.iter().map(|question| (question.clone(), Ok(true))).collect(),
            ..Answers::default()
        };
        rejoin(&world, (Kind::Deployment, &uid), &answers, OperationId::new(now(), [0; 4]), now())
    };
    let mut made = other_policy("holdfast-isolate-deployment-web", json!({}));
    made["metadata"]["labels"] = json!({ annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 });
    made["metadata"]["annotations"] = json!({ annotation::WORKLOAD: "Deployment/web" });
    let plan = rejoined(Some(made)).unwrap();
    let Act::Delete { target: crate::plan::Target::Known { uid, .. } } = &plan.steps()[0].act else {
        panic!("{plan:?}")
    };
    assert_eq!(uid.as_str(), "uid-holdfast-isolate-deployment-web");
    assert!(rejoined(None).unwrap_err().why.contains("it is not isolated"));
    let by_hand = other_policy("holdfast-isolate-deployment-web", json!({}));
    assert!(rejoined(Some(by_hand)).unwrap_err().why.contains("was not made by this console"));
}
