//! The table of an in-place restore: each step with its gate and its way back (research: backup, section 2e).
//!
//! Nothing is decided here: [`Swap`] says what is what, and this writes it down in order.

mod exchange;
mod stage;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::pause::Pause;
use crate::model::{Kind, Uid, annotation};
use crate::plan::{
    Act, Check, Expect, Follow, Guard, ListAt, Node, ObjectAt, OperationId, Part, Resource, Step, StepId, Target,
    Until, from_step,
};

const MINUTE: Duration = Duration::from_secs(60);

/// What the claim is given instead of its volume.
#[derive(Clone, Debug)]
pub(super) enum Incoming {
    /// A volume that is made from a restore point under this name, and tried by this pod.
    Staged { claim: ObjectAt, manifest: Value, data_source: String, pod: ObjectAt, pod_manifest: Value },
    /// A volume that was kept.
    Kept {
        at: ObjectAt,
        uid: Uid,
        /// The claim that it names.
        former: Value,
    },
}

/// A workload to stop and to start again.
#[derive(Clone, Debug)]
pub(super) struct Stopped {
    pub at: ObjectAt,
    pub uid: Uid,
    pub replicas: u32,
}

/// Everything that the table is made of.
#[derive(Clone, Debug)]
pub(super) struct Swap {
    pub id: OperationId,
    pub claim: ObjectAt,
    /// The claim as it is now.
    pub now: Value,
    /// The present volume.
    pub volume: ObjectAt,
    pub volume_uid: Uid,
    /// Its reclaim policy.
    pub reclaim: String,
    /// That of the volume in use in the end.
    pub reclaim_after: String,
    /// Whether it has annotations.
    pub volume_annotated: bool,
    pub lineage: String,
    pub incoming: Incoming,
    pub workloads: Vec<Stopped>,
    pub nodes: Vec<(ObjectAt, Uid)>,
    pub pauses: Vec<Pause>,
    /// What holds the claim besides its pods may be waited for: only the safety snapshot while it is not ready.
    pub safety: ObjectAt,
    pub safety_manifest: Value,
    pub hold_until: Timestamp,
    pub within: Within,
}

/// Deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within {
    pub stage: Duration,
    pub stop: Duration,
    pub detach: Duration,
    pub cut: Duration,
    pub ready: Duration,
}

fn step(id: &str, title: impl Into<String>, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title: title.into(), act, guards: Vec::new(), deadline }
}

fn plain(step: Step) -> Node {
    Node::Do(Box::new(step))
}

fn reversible(step: Step, undo: Vec<Step>) -> Node {
    Node::Reversible { step: Box::new(step), undo }
}

fn output(step: &str, slot: &str) -> Target {
    Target::Output { step: StepId(step.to_owned()), slot: slot.to_owned() }
}

/// A wait on one object.
fn wait(target: Target, what: &str, checks: Vec<Check>, trouble: &[&str]) -> Act {
    let trouble = trouble.iter().map(|field| (*field).to_owned()).collect();
    let until = Until { what: what.to_owned(), checks, trouble, ..Until::default() };
    Act::Wait { target, until: Box::new(until) }
}

/// One field given a value.
fn set(target: Target, field: &str, value: impl Into<Value>) -> Act {
    let value = value.into();
    let patch = json!([{ "op": "add", "path": field, "value": value }]);
    Act::Patch { target, patch, done: vec![Check { field: field.to_owned(), expect: Expect::Is(value) }] }
}

/// The step with which the exchange is settled.
pub(super) const SWAPPED: &str = "ours";

const RECLAIM: &str = "/spec/persistentVolumeReclaimPolicy";

impl Swap {
    /// The whole table.
    pub fn nodes(&self) -> Vec<Node> {
        // All or nothing, the staging too: once the application runs on the other volume, nothing of it is taken back.
        let mut whole = self.stage();
        whole.extend(self.pauses.iter().enumerate().map(|(place, pause)| plain(pause.still(place))));
        whole.extend(self.swap());
        let mut body = vec![Node::Whole(whole)];
        body.extend(self.settle());
        self.pauses.iter().enumerate().rev().fold(body, |body, (place, pause)| {
            let inside: Duration = crate::plan::node::steps(&body).iter().map(|step| step.deadline).sum();
            vec![Node::Bracket {
                open: Box::new(pause.open(place)),
                close: Box::new(pause.close(place)),
                limit: inside + MINUTE,
                body,
            }]
        })
    }

    fn known_claim(&self) -> Target {
        Target::Known { at: self.claim.clone(), uid: super::read::uid(&self.now) }
    }

    fn known_volume(&self) -> Target {
        Target::Known { at: self.volume.clone(), uid: self.volume_uid.clone() }
    }

    /// What a step of this operation made at a place, whether or not anybody saw it done.
    fn own(&self, at: &ObjectAt, step: &str) -> Target {
        let mark = annotation::pointer(annotation::STEP);
        Target::Own { at: at.clone(), operation: self.id.clone(), checks: vec![Check::is(&mark, step)] }
    }

    /// The volume that comes in.
    fn incoming(&self) -> Target {
        match &self.incoming {
            Incoming::Staged { .. } => output("staged", "volume"),
            Incoming::Kept { at, uid, .. } => Target::Known { at: at.clone(), uid: uid.clone() },
        }
    }

    fn incoming_name(&self) -> Value {
        match &self.incoming {
            Incoming::Staged { .. } => from_step("staged", "volume", Part::Name),
            Incoming::Kept { at, .. } => at.name.clone().into(),
        }
    }

    /// No attachment object is left: its absence is the only proof (external-attacher#215).
    fn detached(&self, id: &str, whose: &str, volume: Value) -> Step {
        let act = Act::Absent {
            among: ListAt::all(Resource::of(Kind::VolumeAttachment), None),
            which: vec![Check { field: "/spec/source/persistentVolumeName".into(), expect: Expect::Is(volume) }],
            what: format!("{whose} to be detached from every node"),
        };
        step(id, format!("wait until {whose} is attached to no node"), act, self.within.detach)
    }

    /// Whether pods that have not ended use the claim.
    fn unused(&self, id: &str, deadline: Duration) -> Step {
        let namespace = self.claim.namespace.as_deref();
        let act = Act::Absent {
            among: ListAt::all(Resource::of(Kind::Pod), namespace),
            which: vec![
                Check::is("/spec/volumes/*/persistentVolumeClaim/claimName", self.claim.name.as_str()),
                Check::not("/status/phase", "Succeeded"),
                Check::not("/status/phase", "Failed"),
            ],
            what: format!("every pod that uses {} to be gone", self.claim),
        };
        step(id, format!("wait until no pod uses {}", self.claim), act, deadline)
    }

    /// Rows 3 to 10.
    fn swap(&self) -> Vec<Node> {
        let mut nodes = self.retain();
        nodes.extend(self.stop());
        nodes.extend(self.save());
        nodes.extend(self.exchange());
        nodes.extend(self.start());
        nodes
    }

    fn retain(&self) -> Vec<Node> {
        let keep = |id: &str, what: &str, target: Target, undo: Step| {
            let title = format!("set the reclaim policy of {what} to Retain, so that it outlives its claim");
            reversible(step(id, title, set(target, RECLAIM, "Retain"), MINUTE), vec![undo])
        };
        let back = step(
            "unkeep-old",
            format!("set the reclaim policy of {} to {} again", self.volume, self.reclaim),
            set(self.known_volume(), RECLAIM, self.reclaim.as_str()),
            MINUTE,
        );
        let mut nodes = vec![keep("keep-old", &self.volume.to_string(), self.known_volume(), back)];
        if let Incoming::Staged { .. } = self.incoming {
            let undo = step(
                "unkeep-new",
                "let the restored volume go with its claim again",
                set(self.incoming(), RECLAIM, "Delete"),
                MINUTE,
            );
            nodes.push(keep("keep-new", "the restored volume", self.incoming(), undo));
        }
        nodes
    }

    fn stop(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for (place, workload) in self.workloads.iter().enumerate() {
            let (at, replicas) = (&workload.at, workload.replicas);
            let target = Target::Known { at: at.clone(), uid: workload.uid.clone() };
            let scale = |replicas| Act::Scale { target: target.clone(), replicas };
            let mut stop = step(&format!("stop-{place}"), format!("scale {at} from {replicas} to 0"), scale(0), MINUTE);
            stop.guards = vec![Guard {
                at: at.clone(),
                uid: workload.uid.clone(),
                checks: vec![Check::is("/spec/replicas", replicas), Check::absent("/metadata/deletionTimestamp")],
                or: "it is not what the plan was made for; plan again".into(),
            }];
            let back =
                step(&format!("unstop-{place}"), format!("scale {at} back to {replicas}"), scale(replicas), MINUTE);
            nodes.push(reversible(stop, vec![back]));
        }
        nodes.push(plain(self.unused("stopped", self.within.stop)));
        for (place, workload) in self.workloads.iter().enumerate() {
            let checks = vec![Check::is("/spec/replicas", 0), Check::not("/status/readyReplicas", workload.replicas)];
            let target = Target::Known { at: workload.at.clone(), uid: workload.uid.clone() };
            let what = format!("{} to report that it stands still", workload.at);
            let act = wait(target, &what, checks, &[]);
            nodes.push(plain(step(
                &format!("still-{place}"),
                format!("wait until {} stands still", workload.at),
                act,
                MINUTE,
            )));
        }
        for (place, (at, uid)) in self.nodes.iter().enumerate() {
            // A pod that was removed by force may still write on a node that does not answer.
            let checks = vec![Check::is("/status/conditions/[type=Ready]/status", "True")];
            let what = format!("{at}, where a pod of it ran, to be Ready: else nothing proves that it stopped writing");
            let act = wait(
                Target::Known { at: at.clone(), uid: uid.clone() },
                &what,
                checks,
                &["/status/conditions/[type=Ready]/message"],
            );
            nodes.push(plain(step(
                &format!("node-{place}"),
                format!("check that {at}, where a pod ran, is Ready"),
                act,
                self.within.detach,
            )));
        }
        nodes.push(plain(self.detached("detached", "the live volume", self.volume.name.as_str().into())));
        nodes
    }

    /// Row 6: what is there now is kept as a restore point. Until it is cut nothing is deleted.
    fn save(&self) -> Vec<Node> {
        let create = Act::Create { at: self.safety.clone(), manifest: self.safety_manifest.clone() };
        let content = Follow {
            resource: Resource::of(Kind::Content),
            name_in: "/status/boundVolumeSnapshotContentName".into(),
            checks: vec![Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin }],
            trouble: vec!["/status/error/message".into()],
            outputs: vec![("content".into(), String::new())],
        };
        let cut = Until {
            what: "the safety snapshot to be cut".into(),
            checks: vec![Check::present("/status/creationTime")],
            follow: Some(content),
            trouble: vec!["/status/error/message".into()],
            outputs: vec![("cutAt".into(), "/status/creationTime".into())],
            ..Until::default()
        };
        let cut = Act::Wait { target: output("save", "object"), until: Box::new(cut) };
        let keep = set(output("saved", "content"), "/spec/deletionPolicy", "Retain");
        vec![
            plain(step("save", format!("create {}, a snapshot of the data as it is now", self.safety), create, MINUTE)),
            plain(step(
                "saved",
                "wait until that snapshot is cut (without it nothing is deleted)",
                cut,
                self.within.cut,
            )),
            plain(step("keep-saved", "let its copy in storage outlive the snapshot object (Retain)", keep, MINUTE)),
        ]
    }

    /// Row 10.
    fn start(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (place, workload) in self.workloads.iter().enumerate() {
            let (at, replicas) = (&workload.at, workload.replicas);
            let target = Target::Known { at: at.clone(), uid: workload.uid.clone() };
            let scale = |replicas| Act::Scale { target: target.clone(), replicas };
            let undo = vec![
                step(&format!("unstart-{place}"), format!("scale {at} to 0 again"), scale(0), MINUTE),
                self.unused(&format!("restopped-{place}"), self.within.stop),
                self.detached(&format!("redetached-{place}"), "the other volume", self.incoming_name()),
            ];
            nodes.push(reversible(
                step(&format!("start-{place}"), format!("scale {at} back to {replicas}"), scale(replicas), MINUTE),
                undo,
            ));
        }
        for (place, workload) in self.workloads.iter().enumerate() {
            let target = Target::Known { at: workload.at.clone(), uid: workload.uid.clone() };
            let checks = vec![Check::is("/status/readyReplicas", workload.replicas)];
            let what = format!("all {} of {} to be ready", workload.replicas, workload.at);
            let act = wait(target, &what, checks, &["/status/conditions/[type=Available]/message"]);
            nodes.push(plain(step(
                &format!("ready-{place}"),
                format!("wait until {} is ready", workload.at),
                act,
                self.within.ready,
            )));
        }
        let ours = vec![Check::is("/status/phase", "Bound"), Check::absent("/metadata/deletionTimestamp")];
        let act = wait(output("claim", "object"), "the claim to be the one that was made", ours, &[]);
        nodes.push(plain(step(
            SWAPPED,
            format!("read again that {} is the one that was made", self.claim),
            act,
            MINUTE,
        )));
        nodes
    }

    /// Row 11: what is left to tidy. The data is in place; nothing is taken back any more.
    fn settle(&self) -> Vec<Node> {
        let until = self.hold_until.to_string();
        let place = annotation::pointer;
        let mut hold = Vec::new();
        if !self.volume_annotated {
            hold.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        hold.push(json!({ "op": "add", "path": place(annotation::OPERATION), "value": self.id.as_str() }));
        hold.push(json!({ "op": "add", "path": place(annotation::KEEP_UNTIL), "value": until }));
        let done = vec![Check::is(&place(annotation::KEEP_UNTIL), until.as_str())];
        let hold = Act::Patch { target: self.known_volume(), patch: Value::Array(hold), done };
        let title =
            format!("mark {}, the former volume, as kept until {}", self.volume, self.hold_until.strftime("%Y-%m-%d"));
        let mut nodes = vec![plain(step("hold", title, hold, MINUTE))];
        let reclaim = self.reclaim_after.as_str();
        if reclaim != "Retain" {
            let title = format!("set the reclaim policy of the volume in use to {reclaim}, as it was");
            nodes.push(plain(step("reclaim", title, set(self.incoming(), RECLAIM, reclaim), MINUTE)));
        }
        nodes
    }
}

/// Metadata of what an operation makes beside what is there: marked as ours, with no label that anybody selects by.
pub(super) fn metadata(at: &ObjectAt, id: &OperationId, step: &str, more: Map<String, Value>) -> Value {
    let mut annotations = more;
    annotations.insert(annotation::OPERATION.into(), id.as_str().into());
    annotations.insert(annotation::STEP.into(), step.into());
    json!({ "name": at.name, "namespace": at.namespace, "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 }, "annotations": annotations })
}
