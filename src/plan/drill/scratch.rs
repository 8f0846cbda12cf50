//! Where a drill happens: a namespace and an import of its own, opened and closed by brackets, and the steps between.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Options, check};
use crate::model::{Kind, annotation};
use crate::plan::restore::{Claim, Source, data_source, guards};
use crate::plan::{
    Act, Check, Expect, Firm, Follow, Node, OUTCOME, ObjectAt, OperationId, Resource, Step, StepId, Target, Until,
};
use crate::text::quantity;

const MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);
/// What a pod says last.
const LAST_WORDS: &str = "/status/containerStatuses/0/state/terminated/message";

fn quotas() -> Resource {
    Resource {
        group: String::new(),
        version: "v1".into(),
        plural: "resourcequotas".into(),
        kind: "ResourceQuota".into(),
    }
}

fn policies() -> Resource {
    Resource {
        group: "networking.k8s.io".into(),
        version: "v1".into(),
        plural: "networkpolicies".into(),
        kind: "NetworkPolicy".into(),
    }
}

/// What a drill makes, apart from the content.
pub(super) fn made() -> Vec<Resource> {
    let watched = [Kind::Namespace, Kind::VolumeSnapshot, Kind::Pvc, Kind::Pod];
    watched.map(Resource::of).into_iter().chain([quotas(), policies()]).collect()
}

/// The place of one drill.
pub(super) struct Scratch {
    /// Name of its namespace, and of its content.
    pub name: String,
    snapshot: ObjectAt,
}

impl Scratch {
    pub fn new(source: &Source, id: &OperationId) -> Self {
        let name = format!("holdfast-drill-{id}");
        let snapshot = ObjectAt { namespace: Some(name.clone()), name: "copy".to_owned(), ..source.at.clone() };
        Self { name, snapshot }
    }

    /// The restore point as it is imported here.
    pub fn source(&self, source: &Source) -> Source {
        Source { at: self.snapshot.clone(), ..source.clone() }
    }

    fn content(&self) -> ObjectAt {
        ObjectAt::of(Kind::Content, None, &self.name)
    }

    fn namespace(&self) -> ObjectAt {
        ObjectAt::of(Kind::Namespace, None, &self.name)
    }

    fn within(&self, resource: Resource, name: &str) -> ObjectAt {
        ObjectAt { resource, namespace: Some(self.name.clone()), name: name.to_owned() }
    }

    /// The content outlives the namespace: it cannot go before the snapshot that is bound to it.
    pub fn nodes(
        &self,
        source: &Source,
        claim: &Claim,
        options: &Options,
        now: Timestamp,
        id: &OperationId,
    ) -> Vec<Node> {
        let own = |at: ObjectAt, checks: Vec<Check>| Act::Delete {
            target: Target::Own { at, operation: id.clone(), checks },
        };
        let body = [
            self.quota(claim, id),
            self.policy(id),
            self.import(id),
            ready(source, options.mounted_within),
            create(&claim.at, claim.manifest.clone(), "claim", id),
            self.pod(claim, options, id),
            bound(&self.source(source), claim, options.mounted_within),
            mounted(options.mounted_within),
            read(options.read_within),
        ];
        let limit = TEN_MINUTES + options.mounted_within * 3 + options.read_within;
        let inner = Node::Bracket {
            open: Box::new(self.open_namespace(source, id)),
            body: body.map(|step| Node::Do(Box::new(step))).into(),
            close: Box::new(step(
                "cleanup",
                format!("delete namespace {} and wait until all of it is gone", self.name),
                own(self.namespace(), Vec::new()),
                TEN_MINUTES * 3,
            )),
            limit,
        };
        let retained = vec![Check::is("/spec/deletionPolicy", "Retain")];
        let outer = Node::Bracket {
            open: Box::new(self.open_content(source, id)),
            body: vec![inner],
            close: Box::new(step(
                "release",
                format!("delete {}, only while it is Retain: the copy in storage stays", self.content()),
                own(self.content(), retained),
                TEN_MINUTES,
            )),
            limit: limit + TEN_MINUTES * 4,
        };
        // What is not proven in the end is noted as that, whatever the reason.
        let begin = Node::Reversible { step: Box::new(begin(source)), undo: vec![failed(source, now, id)] };
        let end = [intact(source), record(source, id)].map(|step| Node::Do(Box::new(step)));
        vec![Node::Whole([begin, outer].into_iter().chain(end).collect())]
    }

    fn open_content(&self, source: &Source, id: &OperationId) -> Step {
        let at = self.content();
        let mut spec = json!({
            "deletionPolicy": "Retain",
            "driver": source.driver,
            "source": { "snapshotHandle": source.handle },
            "volumeSnapshotRef": { "name": self.snapshot.name, "namespace": self.name },
        });
        if let Some(block) = source.block {
            spec["sourceVolumeMode"] = if block { "Block" } else { "Filesystem" }.into();
        }
        let step = create(&at, homed(json!({ "spec": spec }), source), "content", id);
        Step {
            title: format!("create {at}: the same copy, imported by its handle, Retain"),
            guards: guards(source),
            ..step
        }
    }

    fn open_namespace(&self, source: &Source, id: &OperationId) -> Step {
        create(&self.namespace(), homed(json!({}), source), "namespace", id)
    }

    fn quota(&self, claim: &Claim, id: &OperationId) -> Step {
        let hard = json!({
            "pods": "1", "persistentvolumeclaims": "1", "services": "0",
            "requests.storage": quantity::exact(claim.size),
        });
        create(&self.within(quotas(), "drill"), json!({ "spec": { "hard": hard } }), "quota", id)
    }

    fn policy(&self, id: &OperationId) -> Step {
        let spec = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] });
        create(&self.within(policies(), "no-network"), json!({ "spec": spec }), "policy", id)
    }

    fn import(&self, id: &OperationId) -> Step {
        let spec = json!({ "source": { "volumeSnapshotContentName": self.name } });
        create(&self.snapshot, json!({ "spec": spec }), "import", id)
    }

    fn pod(&self, claim: &Claim, options: &Options, id: &OperationId) -> Step {
        let at = self.within(Resource::of(Kind::Pod), "check");
        create(&at, check::spec(&at, claim, options), "pod", id)
    }
}

/// What is found without its drill says where the record of that is.
fn homed(mut manifest: Value, source: &Source) -> Value {
    manifest["metadata"]["annotations"][annotation::HOME] = source.at.namespace.clone().unwrap_or_default().into();
    manifest
}

/// A step that creates an object with the marks of the drill.
fn create(at: &ObjectAt, mut manifest: Value, name: &str, id: &OperationId) -> Step {
    manifest["apiVersion"] = at.resource.api_version().into();
    manifest["kind"] = at.resource.kind.as_str().into();
    manifest["metadata"]["name"] = at.name.as_str().into();
    if let Some(namespace) = &at.namespace {
        manifest["metadata"]["namespace"] = namespace.as_str().into();
    }
    manifest["metadata"]["labels"][annotation::MANAGED_BY.0] = annotation::MANAGED_BY.1.into();
    manifest["metadata"]["labels"][annotation::DRILL] = id.as_str().into();
    manifest["metadata"]["annotations"][annotation::OPERATION] = id.as_str().into();
    step(name, format!("create {at}"), Act::Create { at: at.clone(), manifest }, MINUTE)
}

fn step(id: &str, title: String, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title, act, guards: Vec::new(), deadline }
}

fn made_by(step: &str) -> Target {
    Target::Output { step: StepId(step.to_owned()), slot: "object".into() }
}

fn slots(outputs: &[(&str, &str)]) -> Vec<(String, String)> {
    outputs.iter().map(|(slot, field)| ((*slot).to_owned(), (*field).to_owned())).collect()
}

/// The import is bound to this snapshot and stands for the copy that is drilled.
fn ready(source: &Source, deadline: Duration) -> Step {
    let follow = Follow {
        resource: Resource::of(Kind::Content),
        name_in: "/status/boundVolumeSnapshotContentName".into(),
        checks: vec![
            Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin },
            Check::is("/status/snapshotHandle", source.handle.as_str()),
        ],
        trouble: vec!["/status/error/message".into()],
        outputs: Vec::new(),
    };
    let until = Until {
        what: "the import to become ready".into(),
        checks: vec![Check::is("/status/readyToUse", true)],
        follow: Some(follow),
        trouble: vec!["/status/error/message".into()],
        events: true,
        ..Until::default()
    };
    let act = Act::Wait { target: made_by("import"), until: Box::new(until) };
    step("ready", "wait until the import is ready".into(), act, deadline)
}

fn bound(source: &Source, claim: &Claim, deadline: Duration) -> Step {
    let until = Until {
        what: "the volume to be made from the copy and bound".into(),
        checks: vec![Check::is("/status/phase", "Bound")],
        events: true,
        firm: vec![Firm::new(
            Check::is("/spec/dataSource", data_source(source)),
            format!("the API server made {} without its data source, so nothing was restored", claim.at),
        )],
        outputs: slots(&[("began", "/metadata/creationTimestamp"), ("volume", "/spec/volumeName")]),
        ..Until::default()
    };
    let act = Act::Wait { target: made_by("claim"), until: Box::new(until) };
    step("bound", "provision and bind: wait until the volume is made from the copy".into(), act, deadline)
}

/// A pod that failed says why as its last words.
fn not_failed() -> Firm {
    Firm::new(Check::not("/status/phase", "Failed"), "the restored volume did not pass the check")
}

fn mounted(deadline: Duration) -> Step {
    let until = Until {
        what: "the volume to be mounted and the check to begin".into(),
        checks: vec![Check::present("/status/startTime"), Check::not("/status/phase", "Pending")],
        trouble: vec![LAST_WORDS.into(), "/status/containerStatuses/0/state/waiting/message".into()],
        events: true,
        firm: vec![not_failed()],
        ..Until::default()
    };
    let act = Act::Wait { target: made_by("pod"), until: Box::new(until) };
    step("mounted", "mount: wait until a pod has it mounted".into(), act, deadline)
}

fn read(deadline: Duration) -> Step {
    let until = Until {
        what: "all of the volume to be read".into(),
        checks: vec![Check::is("/status/phase", "Succeeded")],
        trouble: vec![LAST_WORDS.into()],
        events: true,
        firm: vec![not_failed()],
        outputs: slots(&[
            ("found", LAST_WORDS),
            ("finished", "/status/containerStatuses/0/state/terminated/finishedAt"),
        ]),
        ..Until::default()
    };
    let act = Act::Wait { target: made_by("pod"), until: Box::new(until) };
    step("read", "full read: wait until all of it was read".into(), act, deadline)
}

/// The restore point itself is as good as before.
fn intact(source: &Source) -> Step {
    let follow = Follow {
        resource: Resource::of(Kind::Content),
        name_in: "/status/boundVolumeSnapshotContentName".into(),
        checks: vec![
            Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin },
            Check::absent("/metadata/deletionTimestamp"),
            Check::is("/status/snapshotHandle", source.handle.as_str()),
        ],
        trouble: vec!["/status/error/message".into()],
        outputs: Vec::new(),
    };
    let until = Until {
        what: "the restore point to be seen as good as before".into(),
        checks: vec![Check::absent("/metadata/deletionTimestamp"), Check::is("/status/readyToUse", true)],
        follow: Some(follow),
        ..Until::default()
    };
    let act = Act::Wait { target: known(source), until: Box::new(until) };
    step("intact", "see that the restore point itself is as good as before".into(), act, MINUTE)
}

/// From here on the drill counts.
fn begin(source: &Source) -> Step {
    let until = Until {
        what: "the restore point to be seen".into(),
        checks: vec![Check::is("/status/readyToUse", true)],
        trouble: vec!["/status/error/message".into()],
        ..Until::default()
    };
    let act = Act::Wait { target: known(source), until: Box::new(until) };
    Step {
        guards: guards(source),
        ..step("begin", format!("see that {} is as it was planned with", source.at), act, MINUTE)
    }
}

fn known(source: &Source) -> Target {
    Target::Known { at: source.at.clone(), uid: source.uid.clone() }
}

/// Notes what came of a drill that did not prove the restore point.
fn failed(source: &Source, begun: Timestamp, id: &OperationId) -> Step {
    let place = annotation::pointer;
    let value = json!([format!("begun at {begun}, "), { OUTCOME: true }]);
    let act = Act::Patch {
        target: known(source),
        patch: json!([
            { "op": "add", "path": place(annotation::LAST_FAILED), "valueFrom": value },
            { "op": "add", "path": place(annotation::LAST_FAILED_BY), "value": id.as_str() },
        ]),
        done: vec![Check::is(&place(annotation::LAST_FAILED_BY), id.as_str())],
    };
    step("note", format!("note on {} that it is not proven", source.at), act, MINUTE)
}

fn record(source: &Source, id: &OperationId) -> Step {
    let place = annotation::pointer;
    let output = |step: &str, slot: &str| json!({ "step": step, "slot": slot });
    let value = json!([
        "passed at ",
        output("read", "finished"),
        " from ",
        output("bound", "began"),
        ": ",
        output("read", "found")
    ]);
    let act = Act::Patch {
        target: known(source),
        patch: json!([
            { "op": "add", "path": place(annotation::LAST_PROVEN), "valueFrom": value },
            { "op": "add", "path": place(annotation::LAST_PROVEN_BY), "value": id.as_str() },
        ]),
        done: vec![Check::is(&place(annotation::LAST_PROVEN_BY), id.as_str())],
    };
    Step { guards: guards(source), ..step("record", format!("note on {} that it is proven", source.at), act, MINUTE) }
}
