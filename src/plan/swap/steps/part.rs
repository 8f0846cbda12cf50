//! One claim of an in-place restore, and the steps that are about it alone.
//!
//! Where several are restored together each has a number, which its steps carry at their end.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MINUTE, RECLAIM, Within, plain, reversible, set, step, wait};
use crate::model::{Kind, Uid, annotation};
use crate::plan::read::uid;
use crate::plan::{
    Act, Check, Expect, Follow, ListAt, Node, ObjectAt, OperationId, Part as Named, Progress, Resource, Step, StepId,
    Target, Until, from_step,
};

/// What the claim is given instead of its volume.
#[derive(Clone, Debug)]
pub(in super::super) enum Incoming {
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

/// One claim with all that its steps are made of.
#[derive(Clone, Debug)]
pub(in super::super) struct Part {
    pub id: OperationId,
    /// Its number where several are restored together, from 1.
    pub number: Option<usize>,
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
    pub lineage: String,
    pub incoming: Incoming,
    /// The snapshot of what is there now.
    pub safety: ObjectAt,
    pub safety_manifest: Value,
    pub hold_until: Timestamp,
    pub within: Within,
}

/// The step with which the exchange is settled, of each claim.
const SETTLED: &str = "ours";
/// The step that marks the former volume, of each claim.
pub(in super::super) const HOLD: &str = "hold";
/// The step that sets the reclaim policy of the former volume back.
pub(in super::super) const UNKEEP: &str = "unkeep-old";
/// The step that makes the claim for the other volume.
pub(in super::super) const CLAIM: &str = "claim";

/// Whether the application runs on what came in: from then on nothing is taken back, whatever fails later.
pub(in super::super) fn settled<'a>(steps: impl IntoIterator<Item = &'a Step>, progress: &Progress) -> bool {
    let mut settling = steps.into_iter().filter(|step| role(&step.id).0 == SETTLED).peekable();
    settling.peek().is_some() && settling.all(|step| progress.outputs(&step.id).is_some())
}

/// What a step is for, and the number of its claim where there are several.
pub(in super::super) fn role(id: &StepId) -> (&str, Option<usize>) {
    let parts = id.0.rsplit_once('-').and_then(|(role, number)| Some((role, Some(number.parse().ok()?))));
    parts.unwrap_or((&id.0, None))
}

impl Part {
    /// A step of this claim.
    pub(super) fn step(&self, role: &str, title: impl Into<String>, act: Act, deadline: Duration) -> Step {
        step(&self.named(role), title, act, deadline)
    }

    fn named(&self, role: &str) -> String {
        self.number.map_or_else(|| role.to_owned(), |number| format!("{role}-{number}"))
    }

    /// What a step of this claim left.
    pub(super) fn output(&self, role: &str, slot: &str) -> Target {
        Target::Output { step: StepId(self.named(role)), slot: slot.to_owned() }
    }

    /// The name or UID of what a step of this claim left, for a manifest.
    pub(super) fn made(&self, role: &str, slot: &str, part: Named) -> Value {
        from_step(&self.named(role), slot, part)
    }

    /// Something of this claim, told apart from those of others.
    pub(super) fn own(&self, what: &str) -> String {
        self.number.map_or_else(|| what.to_owned(), |_| format!("{what} of {}", self.claim.name))
    }

    pub(super) fn known_claim(&self) -> Target {
        Target::Known { at: self.claim.clone(), uid: uid(&self.now) }
    }

    pub(super) fn known_volume(&self) -> Target {
        Target::Known { at: self.volume.clone(), uid: self.volume_uid.clone() }
    }

    /// What a step of this operation made at a place, whether or not anybody saw it done.
    pub(super) fn marked(&self, at: &ObjectAt, role: &str) -> Target {
        let mark = annotation::pointer(annotation::STEP);
        Target::Own { at: at.clone(), operation: self.id.clone(), checks: vec![Check::is(&mark, role)] }
    }

    /// The volume that comes in.
    pub(super) fn incoming(&self) -> Target {
        match &self.incoming {
            Incoming::Staged { .. } => self.output("staged", "volume"),
            Incoming::Kept { at, uid, .. } => Target::Known { at: at.clone(), uid: uid.clone() },
        }
    }

    pub(super) fn incoming_name(&self) -> Value {
        match &self.incoming {
            Incoming::Staged { .. } => self.made("staged", "volume", Named::Name),
            Incoming::Kept { at, .. } => at.name.clone().into(),
        }
    }

    /// No attachment object is left: its absence is the only proof (external-attacher#215).
    pub(super) fn detached(&self, role: &str, whose: &str, volume: Value) -> Step {
        let whose = self.own(whose);
        let act = Act::Absent {
            among: ListAt::all(Resource::of(Kind::VolumeAttachment), None),
            which: vec![Check { field: "/spec/source/persistentVolumeName".into(), expect: Expect::Is(volume) }],
            what: format!("{whose} to be detached from every node"),
        };
        self.step(role, format!("wait until {whose} is attached to no node"), act, self.within.detach)
    }

    /// Whether pods that have not ended use the claim.
    pub(super) fn unused(&self, role: &str, deadline: Duration) -> Step {
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
        self.step(role, format!("wait until no pod uses {}", self.claim), act, deadline)
    }

    /// Row 3: both volumes outlive their claims.
    pub(super) fn retain(&self) -> Vec<Node> {
        let keep = |role: &str, what: &str, target: Target, undo: Step| {
            let title = format!("set the reclaim policy of {what} to Retain, so that it outlives its claim");
            reversible(self.step(role, title, set(target, RECLAIM, "Retain"), MINUTE), vec![undo])
        };
        let back = self.step(
            UNKEEP,
            format!("set the reclaim policy of {} to {} again", self.volume, self.reclaim),
            set(self.known_volume(), RECLAIM, self.reclaim.as_str()),
            MINUTE,
        );
        let mut nodes = vec![keep("keep-old", &self.volume.to_string(), self.known_volume(), back)];
        if let Incoming::Staged { .. } = self.incoming {
            let restored = self.own("the restored volume");
            let undo = self.step(
                "unkeep-new",
                format!("let {restored} go with its claim again"),
                set(self.incoming(), RECLAIM, "Delete"),
                MINUTE,
            );
            nodes.push(keep("keep-new", &restored, self.incoming(), undo));
        }
        nodes
    }

    /// Row 6: what is there now is kept as a restore point. Until it is cut nothing is deleted.
    pub(super) fn save(&self) -> Vec<Node> {
        let create = Act::Create { at: self.safety.clone(), manifest: self.safety_manifest.clone() };
        let content = Follow {
            resource: Resource::of(Kind::Content),
            name_in: "/status/boundVolumeSnapshotContentName".into(),
            checks: vec![Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin }],
            trouble: vec!["/status/error/message".into()],
            outputs: vec![("content".into(), String::new())],
        };
        let cut = Until {
            what: self.own("the safety snapshot") + " to be cut",
            checks: vec![Check::present("/status/creationTime")],
            follow: Some(content),
            trouble: vec!["/status/error/message".into()],
            outputs: vec![("cutAt".into(), "/status/creationTime".into())],
            ..Until::default()
        };
        let cut = Act::Wait { target: self.output("save", "object"), until: Box::new(cut) };
        let keep = set(self.output("saved", "content"), "/spec/deletionPolicy", "Retain");
        let title = format!("create {}, a snapshot of the data as it is now", self.safety);
        vec![
            plain(self.step("save", title, create, MINUTE)),
            plain(self.step(
                "saved",
                "wait until that snapshot is cut (without it nothing is deleted)",
                cut,
                self.within.cut,
            )),
            plain(self.step(
                "keep-saved",
                "let its copy in storage outlive the snapshot object (Retain)",
                keep,
                MINUTE,
            )),
        ]
    }

    /// The claim in use in the end is the one that was made.
    pub(super) fn ours(&self) -> Step {
        let ours = vec![Check::is("/status/phase", "Bound"), Check::absent("/metadata/deletionTimestamp")];
        let what = self.own("the claim") + " to be the one that was made";
        let act = wait(self.output(CLAIM, "object"), &what, ours, &[]);
        self.step(SETTLED, format!("read again that {} is the one that was made", self.claim), act, MINUTE)
    }

    /// Row 11: what is left to tidy. The data is in place; nothing is taken back any more.
    pub(super) fn settle(&self) -> Vec<Node> {
        let until = self.hold_until.to_string();
        let place = annotation::pointer;
        let patch = json!([
            { "op": "add", "path": place(annotation::OPERATION), "value": self.id.as_str() },
            { "op": "add", "path": place(annotation::KEEP_UNTIL), "value": until },
        ]);
        let done = vec![Check::is(&place(annotation::KEEP_UNTIL), until.as_str())];
        let hold = Act::Patch { target: self.known_volume(), patch, done };
        let title =
            format!("mark {}, the former volume, as kept until {}", self.volume, self.hold_until.strftime("%Y-%m-%d"));
        let mut nodes = vec![plain(self.step(HOLD, title, hold, MINUTE))];
        let reclaim = self.reclaim_after.as_str();
        if reclaim != "Retain" {
            let title = format!("set the reclaim policy of {} to {reclaim}, as it was", self.own("the volume in use"));
            nodes.push(plain(self.step("reclaim", title, set(self.incoming(), RECLAIM, reclaim), MINUTE)));
        }
        nodes
    }
}
