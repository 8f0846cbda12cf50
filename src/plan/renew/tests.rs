use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{live, meta, now, put};
use crate::model::{Meta, Object, OwnerRef, Pod, SecretUse, SecretVia, Workload, WorkloadKind};
use crate::plan::{Act, Check, Node, Output, Progress, Seen, judge, place as placed};

const FINGERPRINT: &str = "aa11";

fn uid() -> Uid {
    Uid::from("uid-web")
}

fn named(name: &str) -> Meta {
    Meta { uid: Some(Uid::from(&*format!("uid-{name}"))), ..meta(name) }
}

fn world() -> World {
    let mut world = live();
    let certificate = CertManagerCertificate {
        meta: named("web"),
        secret: "web-tls".into(),
        issuer: ("Issuer".into(), "ca".into()),
        ..CertManagerCertificate::default()
    };
    put(&mut world, [Object::Certificate(certificate)]);
    world
}

fn uses(via: &[SecretVia]) -> Box<[SecretUse]> {
    via.iter().map(|via| SecretUse { secret: "web-tls".into(), via: *via }).collect()
}

fn workload(name: &str, kind: WorkloadKind, via: &[SecretVia]) -> Workload {
    Workload { meta: named(name), kind, secrets: uses(via), ..Workload::default() }
}

/// The Certificate as the server has it.
fn fresh() -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-web", "resourceVersion": "7", "generation": 1 },
        "spec": { "secretName": "web-tls", "issuerRef": { "kind": "Issuer", "name": "ca" } },
        "status": {
            "revision": 3,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "message": "up to date" }],
        },
    })
}

fn stored() -> Value {
    json!({
        "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": "web-tls", "namespace": "shop", "uid": "uid-secret",
            "annotations": { "cert-manager.io/certificate-name": "web" },
        },
        "data": { "tls.crt": {
            "fingerprint": FINGERPRINT, "publicKey": "known", "serial": "01", "notAfter": "2026-04-01T00:00:00Z", "keyMatches": true,
        } },
    })
}

fn ready_issuer() -> Value {
    json!({
        "metadata": { "name": "ca", "namespace": "shop", "uid": "uid-ca" }, "spec": { "ca": { "secretName": "ca-tls" } },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

fn rolled(kind: Kind, name: &str, spec: &Value) -> (ObjectAt, Value) {
    let mut object = json!({
        "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-{name}") },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": name } }, "template": { "metadata": {} } },
    });
    let fields = object["spec"].as_object_mut().unwrap();
    fields.extend(spec.as_object().cloned().unwrap_or_default());
    (ObjectAt::of(kind, Some("shop"), name), object)
}

/// What the server has.
struct Scene {
    world: World,
    certificate: Value,
    secret: Option<Value>,
    issuer: Option<Value>,
    requests: Vec<Value>,
    others: Vec<(ObjectAt, Value)>,
    denied: Vec<&'static str>,
}

impl Scene {
    fn new() -> Self {
        Self {
            world: world(),
            certificate: fresh(),
            secret: Some(stored()),
            issuer: Some(ready_issuer()),
            requests: Vec::new(),
            others: Vec::new(),
            denied: Vec::new(),
        }
    }

    fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        self.certificate.pointer_mut(parent).unwrap()[field] = value;
        self
    }

    fn using(mut self, object: Object, there: impl IntoIterator<Item = (ObjectAt, Value)>) -> Self {
        put(&mut self.world, [object]);
        self.others.extend(there);
        self
    }

    fn answer(&self, at: &ObjectAt) -> Option<Value> {
        match &*at.resource.kind {
            "Certificate" => Some(self.certificate.clone()),
            "Secret" => self.secret.clone(),
            "Issuer" | "ClusterIssuer" => self.issuer.clone(),
            _ => self.others.iter().find(|(there, _)| there == at).map(|(_, object)| object.clone()),
        }
    }

    fn plan_with(&self, options: &Options) -> Result<Plan, Refusal> {
        let mut known = Answers { who: "ada".into(), ..Answers::default() };
        loop {
            let more = questions(&self.world, &uid(), options, &known).without(&known);
            if more.is_empty() {
                break;
            }
            known.objects.extend(more.objects.into_iter().map(|at| (at.clone(), Ok(self.answer(&at)))));
            let may = |question: &AccessQuestion| !self.denied.contains(&question.to_string().as_str());
            known.access.extend(more.access.into_iter().map(|question| (question.clone(), Ok(may(&question)))));
            known.lists.extend(more.lists.into_iter().map(|at| (at, Ok(self.requests.clone()))));
        }
        plan(&self.world, &uid(), &known, options, OperationId::new(now(), [0; 4]), now())
    }

    fn plan(&self) -> Result<Plan, Refusal> {
        self.plan_with(&Options::default())
    }

    fn refused(&self) -> String {
        let refusal = self.plan().unwrap_err();
        format!("{}; {}", refusal.why, refusal.clear)
    }
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps().into_iter().map(|step| step.id.0.as_str()).collect()
}

fn issuing(status: &str, reason: &str, message: &str) -> Value {
    json!([
        { "type": "Ready", "status": "True" },
        {
            "type": "Issuing", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-03-01T11:00:00Z",
        },
    ])
}

/// The request for a revision.
fn request(revision: u64, conditions: &Value) -> Value {
    json!({
        "metadata": {
            "name": format!("web-{revision}"), "ownerReferences": [{ "uid": "uid-web" }],
            "annotations": { "cert-manager.io/certificate-revision": revision.to_string() },
        },
        "status": { "conditions": conditions },
    })
}

#[test]
fn it_is_noted_asked_for_issued_and_stored() {
    let plan = Scene::new().plan().unwrap();
    assert_eq!(steps(&plan), ["former", "trigger", "issued", "stored"]);
    let Act::Condition { condition, .. } = &plan.steps()[1].act else { panic!("{plan:?}") };
    let asked = json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
        "message": "Certificate re-issuance manually triggered",
    });
    assert_eq!(condition, &asked);
    assert_eq!(plan.steps()[2].deadline, Duration::from_secs(120), "a CA signs within cert-manager");
    assert!(plan.nodes.iter().all(|node| matches!(node, Node::Do(_))), "nothing of it is taken back");
}

#[rstest]
#[case::going_away("/metadata/deletionTimestamp", json!("2026-03-01T00:00:00Z"), "it is being deleted")]
#[case::made_anew("/metadata/uid", json!("another"), "it was made anew meanwhile")]
#[case::under_way(
    "/status/conditions",
    issuing("True", "Renewing", "as scheduled"),
    "an issuance is under way already, since 2026-03-01T11:00:00Z (Renewing: as scheduled)"
)]
fn a_certificate_that_cannot_be_asked_for_is_refused(#[case] field: &str, #[case] value: Value, #[case] why: &str) {
    assert!(Scene::new().with(field, value).refused().contains(why));
}

#[test]
fn what_an_issuance_is_stuck_at_is_said() {
    let scene = Scene::new().with("/status/conditions", issuing("True", "ManuallyTriggered", "by hand"));
    let waits =
        json!([{ "type": "Ready", "status": "False", "reason": "Pending", "message": "secret ca-tls not found" }]);
    let scene = Scene { requests: vec![request(3, &json!([])), request(4, &waits)], ..scene };
    let said = scene.refused();
    assert!(said.contains("CertificateRequest web-4: Pending: secret ca-tls not found"), "{said}");
}

#[test]
fn a_request_that_was_denied_is_named_because_every_attempt_fails_while_it_is_there() {
    let denied = json!([{ "type": "Denied", "status": "True", "reason": "policy", "message": "no such names" }]);
    let said = Scene { requests: vec![request(4, &denied)], ..Scene::new() }.refused();
    assert!(
        said.contains("CertificateRequest web-4 of an earlier attempt was denied (policy: no such names)"),
        "{said}"
    );
    assert!(said.contains("kubectl delete certificaterequest -n shop web-4"), "{said}");
}

#[rstest]
#[case::once(
    1,
    "issuing failed 1 time in a row, last at 2026-03-01T11:30:00Z: Failed: no answer; left alone, cert-manager tries again about 2026-03-01T12:30:00Z"
)]
#[case::thrice(3, "cert-manager tries again about 2026-03-01T15:30:00Z")]
#[case::often(40, "cert-manager tries again about 2026-03-02T19:30:00Z")]
fn earlier_failures_are_told_with_when_it_would_be_tried_again(#[case] attempts: u64, #[case] said: &str) {
    let plan = Scene::new()
        .with("/status/conditions", issuing("False", "Failed", "no answer"))
        .with("/status/lastFailureTime", json!("2026-03-01T11:30:00Z"))
        .with("/status/failedIssuanceAttempts", json!(attempts))
        .plan()
        .unwrap();
    assert!(plan.warnings[0].contains(said), "{:?}", plan.warnings);
}

#[rstest]
#[case::missing(None, "its issuer, Issuer shop/ca, is not there; make it")]
#[case::broken(
    Some(json!({ "metadata": {}, "status": { "conditions": [
        { "type": "Ready", "status": "False", "reason": "ErrGetKeyPair", "message": "no \u{1b}[2Jkey" },
    ] } })),
    "its issuer, Issuer shop/ca, is not ready: ErrGetKeyPair: no ␛[2Jkey; mend the issuer first; \
     the stored certificate serves until 2026-04-01T00:00:00Z"
)]
#[case::new(Some(json!({ "metadata": {} })), "is not ready: it says nothing yet")]
fn an_issuer_that_cannot_sign_is_refused_with_its_reason(#[case] issuer: Option<Value>, #[case] why: &str) {
    let said = Scene { issuer, ..Scene::new() }.refused();
    assert!(said.contains(why), "{said}");
}

#[test]
fn an_issuer_of_another_group_is_not_judged_and_gets_more_time() {
    let reference = json!({ "kind": "VaultIssuer", "group": "vault.example", "name": "v" });
    let scene = Scene { issuer: None, ..Scene::new().with("/spec/issuerRef", reference) };
    let plan = scene.plan().unwrap();
    assert!(
        plan.warnings[0].contains("VaultIssuer.vault.example v is not of cert-manager itself"),
        "{:?}",
        plan.warnings
    );
    assert_eq!(plan.steps()[2].deadline, Duration::from_secs(300));
}

#[rstest]
#[case::missing(None, "Secret shop/web-tls is not there")]
#[case::of_nobody(Some(json!({ "metadata": { "uid": "s" } })), "Secret shop/web-tls was not written by cert-manager")]
#[case::of_another(
    Some(json!({ "metadata": { "uid": "s", "annotations": { "cert-manager.io/certificate-name": "api" } } })),
    "Secret shop/web-tls was written by Certificate api"
)]
fn a_secret_that_is_not_its_own_is_refused(#[case] secret: Option<Value>, #[case] why: &str) {
    let said = Scene { secret, ..Scene::new() }.refused();
    assert!(said.contains(why), "{said}");
}

#[test]
fn two_certificates_of_one_secret_are_refused() {
    let mut scene = Scene::new();
    let rival = CertManagerCertificate { meta: named("rival"), secret: "web-tls".into(), ..Default::default() };
    put(&mut scene.world, [Object::Certificate(rival)]);
    assert!(scene.refused().contains("Certificate rival writes the same Secret web-tls"));
}

#[test]
fn rights_that_are_missing_are_named() {
    let denied = vec!["update certificates.cert-manager.io/status in shop", "get secrets in shop"];
    let said = Scene { denied, ..Scene::new() }.refused();
    assert!(
        said.contains("update certificates.cert-manager.io/status in shop") && said.contains("get secrets"),
        "{said}"
    );
}

/// By how it takes the Secret and what it is told.
#[rstest]
#[case::environment(&[SecretVia::Env], Restart::Needed, true)]
#[case::sub_path_beside_a_mount(&[SecretVia::Mount, SecretVia::SubPath], Restart::Needed, true)]
#[case::mount(&[SecretVia::Mount], Restart::Needed, false)]
#[case::mount_all(&[SecretVia::Mount], Restart::All, true)]
#[case::environment_none(&[SecretVia::Env], Restart::None, false)]
fn who_cannot_see_the_change_is_restarted(
    #[case] via: &[SecretVia],
    #[case] restart: Restart,
    #[case] restarted: bool,
) {
    let front = workload("front", WorkloadKind::Deployment, via);
    let scene = Scene::new().using(Object::Deployment(front), [rolled(Kind::Deployment, "front", &json!({}))]);
    let plan = scene.plan_with(&Options { restart, ..Options::default() }).unwrap();
    let expected: &[&str] = if restarted { &["restart-1", "rolled-1", "gone-1"] } else { &[] };
    assert_eq!(&steps(&plan)[4..], expected);
    let warned = plan.warnings.iter().any(|warning| warning.contains("goes on with the former certificate"));
    assert_eq!(warned, restart == Restart::None, "{:?}", plan.warnings);
}

#[rstest]
#[case::paused(Kind::Deployment, json!({ "paused": true }), "it is paused")]
#[case::on_delete(Kind::StatefulSet, json!({ "updateStrategy": { "type": "OnDelete" } }), "only when somebody deletes them")]
#[case::partition(Kind::StatefulSet, json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } }), "below ordinal 1")]
fn what_would_not_replace_its_pods_is_left_with_a_warning(#[case] kind: Kind, #[case] spec: Value, #[case] why: &str) {
    let db = |of| workload("db", of, &[SecretVia::Env]);
    let object = match kind {
        Kind::Deployment => Object::Deployment(db(WorkloadKind::Deployment)),
        _ => Object::StatefulSet(db(WorkloadKind::StatefulSet)),
    };
    let plan = Scene::new().using(object, [rolled(kind, "db", &spec)]).plan().unwrap();
    assert_eq!(steps(&plan).len(), 4);
    assert!(plan.warnings.iter().any(|warning| warning.contains(why)), "{:?}", plan.warnings);
}

#[test]
fn what_reloader_restarts_is_left_to_it() {
    let mut there = rolled(Kind::Deployment, "front", &json!({}));
    there.1["metadata"]["annotations"] = json!({ "secret.reloader.stakater.com/reload": "other, web-tls" });
    let front = workload("front", WorkloadKind::Deployment, &[SecretVia::Env]);
    let plan = Scene::new().using(Object::Deployment(front), [there]).plan().unwrap();
    assert_eq!(steps(&plan).len(), 4);
    assert!(plan.facts.iter().any(|(_, said)| said.contains("Reloader restarts it")), "{:?}", plan.facts);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[test]
fn what_an_operator_keeps_is_not_restarted_behind_its_back() {
    let owner = OwnerRef { kind: "Kafka".into(), name: "main".into(), uid: Uid::from("k"), controller: true };
    let mut broker = workload("broker", WorkloadKind::StatefulSet, &[SecretVia::Env]);
    broker.meta.owners = [owner].into();
    let there = rolled(Kind::StatefulSet, "broker", &json!({}));
    let plan = Scene::new().using(Object::StatefulSet(broker), [there]).plan().unwrap();
    assert_eq!(steps(&plan).len(), 4);
    assert!(plan.warnings.iter().any(|warning| warning.contains("Kafka main keeps it")), "{:?}", plan.warnings);
}

#[test]
fn a_pod_of_nobody_is_told_and_a_replica_set_of_a_deployment_is_not_told_twice() {
    let pod = Pod { meta: named("lone"), phase: "Running".into(), secrets: uses(&[SecretVia::Env]), ..Pod::default() };
    let owner = OwnerRef { kind: "Deployment".into(), name: "front".into(), uid: Uid::from("d"), controller: true };
    let mut set = workload("front-1", WorkloadKind::ReplicaSet, &[SecretVia::Env]);
    set.meta.owners = [owner].into();
    let scene = Scene::new().using(Object::Pod(pod), []).using(Object::ReplicaSet(set), []);
    let plan = scene.plan().unwrap();
    let told: Vec<&String> = plan.warnings.iter().filter(|warning| warning.contains("former certificate")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("Pod lone goes on"), "{told:?}");
}

/// What of the Certificate says that asking took place: cert-manager may have answered before anybody looks.
#[rstest]
#[case::asked(issuing("True", "ManuallyTriggered", "by hand"), json!(3), Value::Null, true)]
#[case::issued_already(json!([]), json!(4), Value::Null, true)]
#[case::failed_already(issuing("False", "Failed", "no"), json!(3), json!(1), true)]
#[case::not_asked(json!([]), json!(3), Value::Null, false)]
fn asking_shows(#[case] conditions: Value, #[case] revision: Value, #[case] failures: Value, #[case] done: bool) {
    let plan = Scene::new().plan().unwrap();
    let scene = Scene::new()
        .with("/status/conditions", conditions)
        .with("/status/revision", revision)
        .with("/status/failedIssuanceAttempts", failures);
    assert_eq!(matches!(seen(&plan, "trigger", &scene.certificate), Seen::Done(_)), done);
}

fn seen(plan: &Plan, step: &str, object: &Value) -> Seen {
    let step = plan.steps().into_iter().find(|found| found.id.0 == step).unwrap();
    let at = placed(step.act.target().unwrap(), &Progress::default()).unwrap();
    let observed = [(at, Some(object.clone()))].into();
    judge(&step.act, &plan.id, &Progress::default(), &observed)
}

#[test]
fn ready_alone_proves_nothing_and_a_failure_ends_the_wait_with_its_reason() {
    let plan = Scene::new().plan().unwrap();
    let pending = Scene::new().with("/status/conditions", issuing("True", "ManuallyTriggered", "by hand"));
    assert!(matches!(seen(&plan, "issued", &fresh()), Seen::Pending(_)), "Ready, and nothing else has changed");
    assert!(matches!(seen(&plan, "issued", &pending.certificate), Seen::Pending(_)));
    let failed = Scene::new()
        .with("/status/conditions", issuing("False", "Failed", "the CA said no"))
        .with("/status/failedIssuanceAttempts", json!(1));
    let Seen::Conflict(why) = seen(&plan, "issued", &failed.certificate) else { panic!("it failed") };
    assert!(why.contains("the former certificate is still the stored one") && why.ends_with("the CA said no"), "{why}");
    let issued = Scene::new().with("/status/revision", json!(4));
    let Seen::Done(outputs) = seen(&plan, "issued", &issued.certificate) else { panic!("it is issued") };
    assert_eq!(outputs["revision"], Output::Text("4".into()));
}

#[test]
fn the_secret_has_to_hold_another_certificate_with_its_key() {
    let plan = Scene::new().plan().unwrap();
    assert!(matches!(seen(&plan, "stored", &stored()), Seen::Pending(_)));
    let mut another = stored();
    another["data"]["tls.crt"]["fingerprint"] = "bb22".into();
    let Seen::Done(outputs) = seen(&plan, "stored", &another) else { panic!("it is stored") };
    assert_eq!(outputs["fingerprint"], Output::Text("bb22".into()));
    another["data"]["tls.crt"]["keyMatches"] = false.into();
    assert!(matches!(seen(&plan, "stored", &another), Seen::Conflict(_)));
    assert!(matches!(seen(&plan, "former", &another), Seen::Conflict(_)), "another one than was planned with");
}

#[test]
fn a_key_that_is_known_to_others_has_to_become_another_one() {
    let compromised = Options { compromised: true, ..Options::default() };
    let plan = Scene::new().plan_with(&compromised).unwrap();
    assert_eq!(steps(&plan), ["former", "trigger", "issued", "stored", "another-key"]);
    let Seen::Conflict(why) = seen(&plan, "another-key", &stored()) else { panic!("it is the former key") };
    assert!(why.contains("rotationPolicy"), "{why}");
    let mut another = stored();
    another["data"]["tls.crt"]["publicKey"] = "other".into();
    assert!(matches!(seen(&plan, "another-key", &another), Seen::Done(_)));

    let kept = Scene::new().with("/spec/privateKey", json!({ "rotationPolicy": "Never" }));
    let refused = kept.plan_with(&compromised).unwrap_err();
    assert!(refused.why.contains("the Certificate keeps it") && refused.clear.contains("Always"), "{refused:?}");
}

#[test]
fn a_rollout_is_over_only_when_its_controller_has_seen_it_and_every_pod_is_new() {
    let front = workload("front", WorkloadKind::Deployment, &[SecretVia::Env]);
    let (at, object) = rolled(Kind::Deployment, "front", &json!({}));
    let plan = Scene::new().using(Object::Deployment(front), [(at, object.clone())]).plan().unwrap();
    let moment = now().to_string();
    let state = |generation: u64, observed: u64, updated: u64, all: u64, available: u64| {
        let mut object = object.clone();
        object["metadata"]["generation"] = generation.into();
        object["spec"]["template"]["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/restartedAt": moment });
        object["status"] = json!({
            "observedGeneration": observed, "updatedReplicas": updated, "replicas": all, "availableReplicas": available,
        });
        object
    };
    assert!(matches!(seen(&plan, "rolled-1", &state(2, 1, 2, 2, 2)), Seen::Pending(_)), "a status from before");
    assert!(matches!(seen(&plan, "rolled-1", &state(2, 2, 1, 3, 3)), Seen::Pending(_)), "one of two");
    assert!(matches!(seen(&plan, "rolled-1", &state(2, 2, 2, 3, 2)), Seen::Pending(_)), "an old one is left");
    assert!(matches!(seen(&plan, "rolled-1", &state(2, 2, 2, 2, 1)), Seen::Pending(_)), "one does not serve");
    assert!(matches!(seen(&plan, "rolled-1", &state(2, 2, 2, 2, 2)), Seen::Done(_)));
    let mut reverted = state(3, 3, 2, 2, 2);
    reverted["spec"]["template"]["metadata"]["annotations"] = json!({});
    let Seen::Conflict(why) = seen(&plan, "rolled-1", &reverted) else { panic!("it was taken back") };
    assert!(why.contains("GitOps"), "{why}");
}

#[rstest]
#[case::as_it_is(Options::default(), "holdfast renew shop/web --context lab")]
#[case::all_of_it(
    Options {
        restart: Restart::All, compromised: true, reason: Some("leaked".into()),
        issued_within: Some(Duration::from_secs(90)),
        rolled_within: Duration::from_secs(1800),
        served_within: Duration::from_secs(240),
    },
    "holdfast renew shop/web --restart all --compromised --reason leaked --issued-within 1m30s --rolled-within 30m --served-within 4m --context lab"
)]
fn the_command_says_what_was_chosen(#[case] options: Options, #[case] line: &str) {
    assert_eq!(command(&options, "shop/web", "lab"), line);
}

#[test]
fn a_form_that_is_left_alone_chooses_what_it_began_with() {
    let chosen =
        Options { restart: Restart::None, compromised: true, reason: Some("leaked".into()), ..Options::default() };
    let form = form(&world(), &uid(), &chosen).unwrap();
    let begun: Vec<String> = form.fields.iter().map(|field| field.default.clone()).collect();
    assert_eq!(options(&form.filled(&begun).unwrap()), Ok(chosen));
}

/// A pod of Deployment `front`, by way of this ReplicaSet.
fn pod(name: &str, set: &str, ready: bool) -> Object {
    let owner =
        OwnerRef { kind: "ReplicaSet".into(), name: set.into(), uid: format!("uid-{set}").into(), controller: true };
    let meta = Meta { owners: [owner].into(), ..named(name) };
    let secrets = uses(&[SecretVia::Env]);
    Object::Pod(Pod { meta, secrets, phase: "Running".into(), ready, ..Pod::default() })
}

fn fronts(pods: impl IntoIterator<Item = Object>) -> Scene {
    let front = workload("front", WorkloadKind::Deployment, &[SecretVia::Env]);
    let owner = OwnerRef { kind: "Deployment".into(), name: "front".into(), uid: "uid-front".into(), controller: true };
    let mut scene = Scene::new().using(Object::Deployment(front), [rolled(Kind::Deployment, "front", &json!({}))]);
    for set in ["set", "former"] {
        let set = workload(set, WorkloadKind::ReplicaSet, &[SecretVia::Env]);
        let meta = Meta { owners: [owner.clone()].into(), ..set.meta };
        put(&mut scene.world, [Object::ReplicaSet(Workload { meta, ..set })]);
    }
    put(&mut scene.world, pods);
    scene
}

#[rstest]
#[case::two_ready(vec![pod("a", "set", true), pod("b", "set", true)], Some("b"))]
#[case::one_alone(vec![pod("a", "set", true)], None)]
#[case::one_not_ready(vec![pod("a", "set", true), pod("b", "set", false)], None)]
#[case::amid_an_update(vec![pod("a", "set", true), pod("b", "former", true)], None)]
fn one_pod_goes_first_where_others_go_on(#[case] pods: Vec<Object>, #[case] first: Option<&str>) {
    let plan = fronts(pods).plan().unwrap();
    let all = steps(&plan);
    let expected: &[&str] = if first.is_some() { &["first", "first-made", "first-ready"] } else { &[] };
    assert_eq!(all[4..all.len() - 3], *expected);
    let said = plan.facts.iter().find(|(label, _)| label == "one first").map(|(_, said)| said.as_str());
    let expected = first
        .map(|pod| format!("pod {pod} of Deployment shop/front: the others go on until the one in its place is ready"));
    assert_eq!(said, expected.as_deref());
}

#[test]
fn of_a_set_the_pod_that_its_updates_begin_with_goes_first() {
    let set = workload("db", WorkloadKind::StatefulSet, &[SecretVia::Env]);
    let mut scene = Scene::new().using(Object::StatefulSet(set), [rolled(Kind::StatefulSet, "db", &json!({}))]);
    for ordinal in [2, 10, 9] {
        let owner = OwnerRef { kind: "StatefulSet".into(), name: "db".into(), uid: "uid-db".into(), controller: true };
        let meta = Meta { owners: [owner].into(), ..named(&format!("db-{ordinal}")) };
        let pod =
            Pod { meta, secrets: uses(&[SecretVia::Env]), phase: "Running".into(), ready: true, ..Pod::default() };
        put(&mut scene.world, [Object::Pod(pod)]);
    }
    let plan = scene.plan().unwrap();
    let found = plan.steps().into_iter().find(|step| step.id.0 == "first-made").unwrap().act.clone();
    let Act::Find { which, .. } = found else { panic!("{found:?}") };
    assert!(which.contains(&Check::is("/metadata/name", "db-10")), "{which:?}");
    assert!(which.contains(&Check::not("/metadata/uid", "uid-db-10")), "{which:?}");
}

#[test]
fn who_may_not_delete_the_pod_that_goes_first_is_told_so() {
    let mut scene = fronts([pod("a", "set", true), pod("b", "set", true)]);
    scene.denied = vec!["delete pods in shop"];
    let refused = scene.refused();
    assert!(refused.contains("delete pods"), "{refused}");
}
