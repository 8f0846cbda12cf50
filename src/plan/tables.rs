//! The step tables of the verbs, run against a model of the API server: wherever a run is cut off, going on leads to
//! the end that it has undisturbed, and giving up to the state before it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::testing::server::Server;
use super::*;
use crate::assess::testing::{
    DRIVER, ago, claim as claimed, cluster_meta, meta, now, put, put_snapshot, snapshot, x509,
};
use crate::model::{
    CertManagerCertificate, CertificateFacts, DeletionPolicy, Keep, KeyMatch, Kind, Meta, Object, OwnerRef, Place, Pod,
    SecretUse, SecretVia, SnapshotClass, TlsSecret, Uid, Workload, WorkloadKind, World, annotation,
};
use crate::plan::restore::testing::{pvc, vs, vsc, with, world as with_copy};

/// A volume with two copies that Holdfast made, and a class for more.
fn world() -> World {
    let mut world = with_copy();
    let class = SnapshotClass {
        meta: cluster_meta("kept"),
        driver: DRIVER.into(),
        deletion: DeletionPolicy::Delete,
        default: true,
        ..SnapshotClass::default()
    };
    put(&mut world, [Object::SnapshotClass(class)]);
    let named = |name: &str| Meta { uid: Some(Uid::from(&*format!("uid-{name}"))), ..meta(name) };
    let certificate = CertManagerCertificate { meta: named("tls"), secret: "tls".into(), ..Default::default() };
    let secrets = ["tls", "edge-tls"].map(|name| SecretUse { secret: name.into(), via: SecretVia::Env }).into();
    let front = Workload { meta: named("front"), kind: WorkloadKind::Deployment, secrets, ..Workload::default() };
    put(&mut world, [Object::Certificate(certificate), Object::Deployment(front.clone())]);
    let owned = |name: &str, owner: &str, kind: &str| {
        let owner =
            OwnerRef { kind: kind.into(), name: owner.into(), uid: format!("uid-{owner}").into(), controller: true };
        Meta { owners: [owner].into(), ..named(name) }
    };
    let set =
        Workload { meta: owned("front-set", "front", "Deployment"), kind: WorkloadKind::ReplicaSet, ..front.clone() };
    put(&mut world, [Object::ReplicaSet(set)]);
    // As the server makes them.
    for name in ["front-1", "front-2"] {
        let meta =
            Meta { uid: Some(format!("uid-{name}-{}", &name[6..]).into()), ..owned(name, "front-set", "ReplicaSet") };
        let pod = Pod { meta, secrets: front.secrets.clone(), phase: "Running".into(), ready: true, ..Pod::default() };
        put(&mut world, [Object::Pod(pod)]);
    }
    let held = |name: &str, facts: CertificateFacts| TlsSecret {
        meta: named(name),
        leaf: Place { key: "tls.crt".into(), chain: Ok([facts].into()) },
        ca: None,
        key: KeyMatch::Match,
        files: Box::default(),
    };
    let authority = CertificateFacts { ca: true, self_signed: true, ..x509("edge-ca", "edge-ca", 60, 600) };
    let secrets = [held("edge-tls", x509("edge-tls", "edge-ca", 60, 60)), held("edge-ca", authority)];
    put(&mut world, secrets.map(Object::TlsSecret));
    for (name, age) in [("copy", 60), ("old", 120)] {
        let (mut copy, mut content) = snapshot(&claimed("data", None), name, ago(age));
        copy.meta.created = Some(ago(age));
        copy.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
        content.deletion = DeletionPolicy::Delete;
        put_snapshot(&mut world, (copy, content));
    }
    world
}

fn volume(name: &str, claim: &str, reclaim: &str, phase: &str) -> (Kind, Value) {
    let object = json!({
        "metadata": { "name": name, "uid": format!("uid-{name}"), "annotations": {} },
        "spec": {
            "csi": { "driver": DRIVER, "volumeHandle": "handle-data" }, "persistentVolumeReclaimPolicy": reclaim,
            "claimRef": { "namespace": "shop", "name": "data", "uid": claim },
        },
        "status": { "phase": phase },
    });
    (Kind::Pv, object)
}

/// The same world as its API server has it. The volume goes with its claim, or stays as `reclaim` says.
fn server(reclaim: &str) -> Server {
    let managed =
        |object: Value| with(object, "/metadata/labels", json!({ annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 }));
    let named = |object: Value, name: &str, uid: &str| {
        with(with(object, "/metadata/name", json!(name)), "/metadata/uid", json!(uid))
    };
    let old =
        with(named(managed(vs()), "old", "uid-old"), "/status/boundVolumeSnapshotContentName", json!("content-old"));
    let of_old = json!({ "namespace": "shop", "name": "old", "uid": "uid-old" });
    let content = |object: Value, name: &str| named(object, name, &format!("uid-{name}"));
    let pods = json!({
        "containers": [{ "name": "db", "image": "postgres:16.1" }],
        "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": "data" } }],
    });
    let web = json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-web" },
        "spec": { "replicas": 2, "template": { "spec": pods } },
    });
    let nightly = json!({
        "metadata": { "name": "nightly", "namespace": "shop", "uid": "uid-nightly" },
        "spec": { "suspend": false, "jobTemplate": { "spec": { "template": { "spec": pods } } } },
    });
    let named = |name: &str| json!({ "name": name, "namespace": "shop", "uid": format!("uid-{name}") });
    let ready = json!([{ "type": "Ready", "status": "True" }]);
    let certificate = json!({
        "metadata": named("tls"), "spec": { "secretName": "tls", "issuerRef": { "name": "ca" } },
        "status": { "revision": 1, "conditions": ready },
    });
    let issuer = json!({
        "metadata": named("ca"), "spec": { "ca": { "secretName": "ca" } }, "status": { "conditions": ready },
    });
    let secret = json!({
        "metadata": {
            "name": "tls", "namespace": "shop", "uid": "uid-secret",
            "annotations": { annotation::CERTIFICATE_NAME: "tls" },
        },
        "data": { "tls.crt": { "fingerprint": "1", "serial": "1", "notAfter": "then" } },
    });
    let held = |name: &str| {
        let certificate = json!({ "fingerprint": name, "serial": "1", "notAfter": "then", "keyMatches": true });
        json!({ "metadata": named(name), "type": "kubernetes.io/tls", "data": { "tls.crt": certificate } })
    };
    let front = json!({
        "metadata": named("front"),
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "front" } }, "template": { "metadata": {} } },
    });
    let mut set = json!({ "metadata": named("front-set") });
    set["metadata"]["ownerReferences"] =
        json!([{ "kind": "Deployment", "name": "front", "uid": "uid-front", "controller": true }]);
    Server::with([
        (Kind::ReplicaSet, set),
        (Kind::Certificate, certificate),
        (Kind::Issuer, issuer),
        (Kind::TlsSecret, secret),
        (Kind::TlsSecret, held("edge-tls")),
        (Kind::TlsSecret, held("edge-ca")),
        (Kind::Deployment, front),
        (Kind::Pvc, pvc()),
        volume("pv-data", "uid-data", reclaim, "Bound"),
        volume("pv-kept", "uid-former", "Retain", "Released"),
        (Kind::VolumeSnapshot, with(managed(vs()), "/metadata/annotations", json!({}))),
        (Kind::Content, content(vsc(), "content-copy")),
        (Kind::VolumeSnapshot, old),
        (Kind::Content, with(content(vsc(), "content-old"), "/spec/volumeSnapshotRef", of_old)),
        (Kind::Deployment, web),
        (Kind::CronJob, nightly),
        (Kind::Node, json!({ "metadata": { "name": "node-a", "uid": "uid-node" } })),
    ])
}

/// A verb with what was chosen.
fn request(verb: &str) -> Request {
    let (claim, snapshot) = (Uid::from("uid-data"), Uid::from("uid-copy"));
    let in_place = |from: swap::From| swap::Options { from: Some(from), ..swap::Options::default() };
    match verb {
        "backup" => Request::Backup { claim, options: backup::Options::default() },
        "restore" => Request::Restore { snapshot, options: restore::Options::default() },
        "drill" => Request::Drill { snapshot, options: drill::Options::default() },
        "prune" => {
            let keep = Some(Keep::parse("last 1").unwrap());
            Request::Prune { claim, options: prune::Options { keep, ..prune::Options::default() } }
        }
        "hold" => {
            let options = hold::Options { reason: Some("audit".into()), until: None };
            Request::Hold { snapshot, options }
        }
        "restore in place" => Request::RestoreInPlace { claim, options: in_place(swap::From::Snapshot("copy".into())) },
        "kept volume in place" => {
            Request::RestoreInPlace { claim, options: in_place(swap::From::Volume("pv-kept".into())) }
        }
        "renew" => Request::Renew { certificate: "uid-tls".into(), options: renew::Options::default() },
        "rotate" => Request::Rotate { secret: "uid-edge-tls".into(), options: rotate::Options::default() },
        "isolate" => {
            let options = isolate::Options { reason: Some("leak".into()), ..isolate::Options::default() };
            Request::Isolate { kind: Kind::Deployment, workload: "uid-front".into(), options }
        }
        other => panic!("no verb {other}"),
    }
}

/// Asks, and plans from what the server answers.
fn planned(verb: &str, server: &Server) -> Plan {
    let (world, request) = (world(), request(verb));
    let mut answers = Answers { who: "sre".into(), ..Answers::default() };
    for _ in 0..8 {
        let questions = request.questions(&world, &answers).without(&answers);
        answers.objects.extend(questions.objects.into_iter().map(|at| (at.clone(), Ok(server.get(&at)))));
        answers.access.extend(questions.access.into_iter().map(|question| (question, Ok(true))));
        answers.lists.extend(questions.lists.into_iter().map(|at| (at.clone(), Ok(server.list(&at)))));
    }
    let plan = request.plan(&world, &answers, OperationId::new(now(), [0, 0, 0, 7]), now());
    plan.unwrap_or_else(|refusal| panic!("{refusal}: {}", refusal.clear))
}

/// Where a run is cut off: after so many lines of its journal, and whether what the last of them intends was sent.
#[derive(Clone, Copy, Debug)]
struct Cut {
    lines: usize,
    sent: bool,
}

/// One plan on its way, as the engine takes it.
struct Run<'a> {
    plan: &'a Plan,
    server: Server,
    progress: Progress,
    lines: usize,
    /// The step whose write the server refuses.
    refused: Option<StepId>,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, server: &Server) -> Self {
        Self { plan, server: server.clone(), progress: Progress::default(), lines: 1, refused: None }
    }

    /// Goes on to the end, or to where it is cut off.
    fn go(&mut self, cut: Option<Cut>) -> Option<End> {
        for _ in 0..1_000 {
            let plan = self.plan;
            let step = match self.progress.next(plan) {
                Next::Finish(end) => {
                    self.progress.end = Some(end.clone());
                    return Some(end);
                }
                Next::Steps(steps) => steps[0],
            };
            let before = self.lines;
            let state = self.advance(step);
            let Some(state) = state else { continue };
            let intended = state == StepState::Intended;
            self.note(step, state);
            let here = cut.filter(|cut| before < cut.lines && cut.lines <= self.lines);
            if intended && here.is_none_or(|cut| cut.sent) && !plan.takes_back(&step.id) {
                self.send(step);
            }
            if here.is_some() {
                return None;
            }
        }
        panic!("it never ends: {:?}", self.progress);
    }

    fn note(&mut self, step: &Step, state: StepState) {
        if matches!(state, StepState::Failed(_)) && *self.progress.state(&step.id) == StepState::Waiting {
            self.progress.never_began.insert(step.id.clone());
        }
        self.progress.steps.insert(step.id.clone(), state);
        self.lines += 1;
    }

    /// What becomes of a step now; `None` when it was only sent again.
    fn advance(&mut self, step: &Step) -> Option<StepState> {
        if *self.progress.state(&step.id) == StepState::Waiting {
            let broken = step.guards.iter().find_map(|guard| broken_guard(guard, self.server.get(&guard.at).as_ref()));
            return Some(broken.map_or(StepState::Intended, StepState::Failed));
        }
        match self.seen(step) {
            Seen::Done(outputs) => Some(StepState::Done(outputs)),
            Seen::NotDone if self.refused.as_ref() == Some(&step.id) => Some(StepState::Failed("refused".into())),
            Seen::NotDone => {
                self.send(step);
                None
            }
            Seen::Pending(why) | Seen::Conflict(why) | Seen::Unknown(why) => {
                assert!(!self.plan.takes_back(&step.id), "{} is held up: {why}", step.title);
                Some(StepState::Failed(why))
            }
        }
    }

    fn send(&mut self, step: &Step) {
        if step.act.writes() && self.refused.as_ref() != Some(&step.id) {
            self.server.perform(&step.act, &self.progress);
        }
    }

    fn seen(&self, step: &Step) -> Seen {
        if let Act::Absent { among, .. } | Act::Find { among, .. } = &step.act {
            return judge_list(&step.act, &self.progress, &self.server.list(among));
        }
        if let Act::Handshake { serves, .. } = step.act.filled(&self.progress).unwrap_or_else(|| step.act.clone()) {
            // Everybody serves what is stored.
            let served = Ok((serves.as_str().unwrap_or_default().to_owned(), Timestamp::MAX));
            return judge_handshakes(&step.act, &self.progress, &[Shaken { pod: "pod-0".into(), served }]);
        }
        let mut observed = Observed::new();
        while let Some(at) = next_read(&step.act, &self.progress, &observed) {
            let found = self.server.get(&at);
            observed.insert(at, found);
        }
        let judge = if self.plan.takes_back(&step.id) { judge_undo } else { judge };
        judge(&step.act, &self.plan.id, &self.progress, &observed)
    }

    /// Whether the application runs on the other volume already, so that nothing is taken back any more.
    fn settled(&self) -> bool {
        let rotated = self.progress.outputs(&StepId("unstage".into())).is_some();
        let rotated = rotated && self.progress.taken_back(self.plan).is_empty();
        let stored = self.progress.outputs(&StepId("gone-1".into())).is_some();
        self.progress.outputs(&StepId("ours".into())).is_some() || (rotated && stored)
    }
}

/// What there is, without identities and without what controllers say; and without what is kept for a while so that
/// nothing is lost.
fn picture(server: &Server, original: &Server) -> BTreeMap<String, Value> {
    let plain = |at: &ObjectAt, object: &Value| {
        let mut object = object.clone();
        object.as_object_mut().unwrap().remove("status");
        for field in ["uid", "resourceVersion", "creationTimestamp", "finalizers", "annotations"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        for field in ["apiVersion", "kind"] {
            object.as_object_mut().unwrap().remove(field);
        }
        // Which restart it was the last of does not count.
        if let Some(template) = object.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut) {
            template.remove("annotations");
        }
        if let Some(reference) = object.pointer_mut("/spec/claimRef").and_then(Value::as_object_mut) {
            reference.retain(|field, _| field == "name" || field == "namespace");
        }
        (at.to_string(), object)
    };
    let safety = |at: &ObjectAt, object: &Value| {
        let copy = ["-before-", "-kept-"].iter().any(|part| at.name.contains(part));
        let copy = copy || object["spec"]["deletionPolicy"] == "Retain";
        copy && !original.objects.contains_key(at)
    };
    let pods = |object: &Value| object.get("read").is_some();
    let there = server.objects.iter().filter(|(at, object)| !safety(at, object) && !pods(object));
    let mut picture: BTreeMap<String, Value> = there.map(|(at, object)| plain(at, object)).collect();
    // Whichever pods there are, what they have read of the Secrets is what counts.
    let read = server.objects.values().filter_map(|object| object.get("read")).map(kept_secrets);
    picture.insert("what pods have read".into(), read.collect());
    picture
}

/// What a pod has read of the Secrets that were there before.
fn kept_secrets(read: &Value) -> Value {
    let known = |read: &&Value| read[0].as_str().is_some_and(|name| ["tls", "edge-tls"].contains(&name));
    read.as_array().unwrap().iter().filter(known).cloned().collect()
}

/// The end of a run that nothing disturbs, and how many lines its journal has.
fn undisturbed(plan: &Plan, server: &Server) -> (Server, usize) {
    let mut run = Run::new(plan, server);
    assert_eq!(run.go(None), Some(End::Done), "{:?}", run.progress);
    (run.server, run.lines)
}

fn cuts(lines: usize) -> impl Iterator<Item = Cut> {
    (2..=lines).flat_map(|lines| [false, true].map(|sent| Cut { lines, sent }))
}

#[rstest]
#[case::backup("backup")]
#[case::restore("restore")]
#[case::drill("drill")]
#[case::prune("prune")]
#[case::hold("hold")]
#[case::renew("renew")]
#[case::rotate("rotate")]
#[case::isolate("isolate")]
#[case::restore_in_place("restore in place")]
#[case::kept_volume_in_place("kept volume in place")]
fn wherever_it_is_cut_off_it_comes_to_the_same_end(#[case] verb: &str) {
    let before = server("Delete");
    let plan = planned(verb, &before);
    let (end, lines) = undisturbed(&plan, &before);
    for cut in cuts(lines) {
        let mut run = Run::new(&plan, &before);
        assert_eq!(run.go(Some(cut)), None);
        assert_eq!(run.go(None), Some(End::Done), "{verb} at {cut:?}: {:?}", run.progress);
        assert_eq!(picture(&run.server, &before), picture(&end, &before), "{verb} at {cut:?}");
    }
}

/// With a drill that leaves nothing, and in place that is all or nothing.
#[rstest]
#[case::drill("drill", "Delete")]
#[case::rotate("rotate", "Delete")]
#[case::restore_in_place("restore in place", "Delete")]
#[case::of_a_volume_that_is_retained("restore in place", "Retain")]
#[case::kept_volume_in_place("kept volume in place", "Delete")]
fn wherever_it_is_stopped_everything_is_as_before_or_done(#[case] verb: &str, #[case] reclaim: &str) {
    let before = server(reclaim);
    let plan = planned(verb, &before);
    let (end, lines) = undisturbed(&plan, &before);
    for cut in cuts(lines) {
        let mut run = Run::new(&plan, &before);
        run.go(Some(cut));
        run.progress.stop_asked = true;
        run.go(None).unwrap();
        assert!(run.progress.owed(&plan).is_empty(), "{verb} at {cut:?}");
        whole(&run, &before, &end, &format!("{verb} at {cut:?}"));
    }
}

/// It is as before, or it runs on the other volume and only tidying up may be left.
fn whole(run: &Run, before: &Server, end: &Server, at: &str) {
    if !run.settled() {
        assert_eq!(picture(&run.server, before), picture(before, before), "{at}");
        return;
    }
    let claims = |server: &Server| {
        let mut picture = picture(server, before);
        picture.retain(|name, _| !name.starts_with("PersistentVolume "));
        picture
    };
    assert_eq!(claims(&run.server), claims(end), "{at}");
    let policies = run.server.list(&ListAt::all(Resource::of(Kind::Pv), None));
    let lost = policies.iter().filter(|volume| volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete").count();
    let delete = end.list(&ListAt::all(Resource::of(Kind::Pv), None));
    let may = delete.iter().filter(|volume| volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete").count();
    assert!(lost <= may, "{at}: a volume would go with its claim that would not: {policies:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whichever step is refused, and wherever it is killed on its way there or back, once or twice.
    #[test]
    fn whatever_is_refused_and_wherever_it_is_killed_it_is_all_or_nothing(
        of_kept: bool,
        retained: bool,
        refused in any::<prop::sample::Index>(),
        killed in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..3),
    ) {
        let before = server(if retained { "Retain" } else { "Delete" });
        let plan = planned(if of_kept { "kept volume in place" } else { "restore in place" }, &before);
        let (end, lines) = undisturbed(&plan, &before);
        let steps: Vec<StepId> = plan.steps().into_iter().map(|step| step.id.clone()).collect();
        let steps: Vec<StepId> = steps.into_iter().filter(|id| !plan.closes(id)).collect();
        let mut run = Run::new(&plan, &before);
        run.refused = Some(refused.get(&steps).clone());
        for (at, sent) in killed {
            let cut = Cut { lines: run.lines + 1 + at.index(lines), sent };
            if run.go(Some(cut)).is_some() {
                break;
            }
        }
        if run.progress.end.is_none() {
            run.go(None).unwrap();
        }
        prop_assert!(run.progress.owed(&plan).is_empty());
        whole(&run, &before, &end, &format!("{:?} refused: {:?}", run.refused, run.progress));
    }
}
