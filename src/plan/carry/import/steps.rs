//! The steps of an import: content, snapshot, and the wait until the storage is seen to have the copy. All or nothing.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Said;
use crate::model::{Kind, annotation};
use crate::plan::{Act, Check, Expect, Follow, Node, ObjectAt, OperationId, Resource, Step, StepId, Target, Until};

const MINUTE: Duration = Duration::from_secs(60);
/// JSON pointer to what deleting a content does.
pub(super) const POLICY: &str = "/spec/deletionPolicy";
/// Slots and steps that taking an import back looks at.
pub(super) const CONTENT: &str = "content";
pub(super) const SNAPSHOT: &str = "snapshot";

/// The two objects of an import.
pub(super) struct Made<'a> {
    said: &'a Said,
    id: OperationId,
    /// The VolumeSnapshotContent.
    pub content: ObjectAt,
    snapshot: ObjectAt,
    class: Option<&'a str>,
    from: String,
}

impl<'a> Made<'a> {
    pub fn new(said: &'a Said, snapshot: ObjectAt, class: Option<&'a str>, from: &str, id: &OperationId) -> Self {
        let content = ObjectAt::of(Kind::Content, None, &format!("holdfast-import-{id}"));
        let point = &said.restore_point;
        let from = format!("{}/{} of {from}", point.namespace, point.name);
        Self { said, id: id.clone(), content, snapshot, class, from }
    }

    /// Content, snapshot, ready; what fails on the way is taken back, the snapshot first.
    pub fn nodes(&self, ready_within: Duration) -> Vec<Node> {
        let reversible = |step: Step, undo: Vec<Step>| Node::Reversible { step: Box::new(step), undo };
        vec![Node::Whole(vec![
            reversible(
                self.create(CONTENT, &self.content, &self.content_spec(), Map::new()),
                vec![self.remove("remove-content", &self.content)],
            ),
            reversible(
                self.create(SNAPSHOT, &self.snapshot, &self.snapshot_spec(), self.notes()),
                // Whoever set it to Delete meanwhile did not mean the copy of somebody else.
                vec![self.keep(), self.remove("remove-snapshot", &self.snapshot)],
            ),
            Node::Do(Box::new(self.ready(ready_within))),
        ])]
    }

    fn create(&self, name: &str, at: &ObjectAt, spec: &Value, mut notes: Map<String, Value>) -> Step {
        notes.insert(annotation::OPERATION.into(), self.id.as_str().into());
        notes.insert(annotation::STEP.into(), name.into());
        let mut metadata = json!({
            "name": at.name,
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 },
            "annotations": Value::Object(notes),
        });
        if let Some(namespace) = &at.namespace {
            metadata["namespace"] = namespace.as_str().into();
        }
        let mut manifest =
            json!({ "apiVersion": at.resource.api_version(), "kind": at.resource.kind, "metadata": metadata });
        manifest["spec"] = spec.clone();
        step(name, format!("create {at}"), Act::Create { at: at.clone(), manifest }, MINUTE)
    }

    fn content_spec(&self) -> Value {
        let point = &self.said.restore_point;
        let mut spec = json!({
            "deletionPolicy": "Retain",
            "driver": point.driver,
            "source": { "snapshotHandle": point.handle },
            "volumeSnapshotRef": { "name": self.snapshot.name, "namespace": self.snapshot.namespace },
        });
        if let Some(mode) = &point.volume_mode {
            spec["sourceVolumeMode"] = mode.as_str().into();
        }
        self.classed(spec)
    }

    fn snapshot_spec(&self) -> Value {
        self.classed(json!({ "source": { "volumeSnapshotContentName": self.content.name } }))
    }

    fn classed(&self, mut spec: Value) -> Value {
        if let Some(class) = self.class {
            spec["volumeSnapshotClassName"] = class.into();
        }
        spec
    }

    /// What a restore reads from a restore point, and where it is from.
    fn notes(&self) -> Map<String, Value> {
        let point = &self.said.restore_point;
        let images = (!point.images.is_empty()).then(|| point.images.join(","));
        let known = self.said.claim.spec.as_object().is_some_and(|spec| !spec.is_empty());
        let notes = [
            (annotation::IMPORTED_FROM, Some(self.from.clone())),
            (annotation::LINEAGE, point.lineage.clone()),
            (annotation::CONSISTENCY, point.consistency.clone()),
            (annotation::IMAGES, images),
            (annotation::CLAIM_SPEC, known.then(|| self.said.claim.spec.to_string())),
        ];
        notes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect()
    }

    fn own(&self, at: &ObjectAt, checks: Vec<Check>) -> Target {
        Target::Own { at: at.clone(), operation: self.id.clone(), checks }
    }

    fn keep(&self) -> Step {
        let patch = json!([{ "op": "add", "path": POLICY, "value": "Retain" }]);
        let target = self.own(&self.content, Vec::new());
        let act = Act::Patch { target, patch, done: vec![Check::is(POLICY, "Retain")] };
        step("keep", format!("see that {} is Retain: the copy in storage stays", self.content), act, MINUTE)
    }

    fn remove(&self, id: &str, at: &ObjectAt) -> Step {
        let checks = if *at == self.content { vec![Check::is(POLICY, "Retain")] } else { Vec::new() };
        step(id, format!("delete {at} again"), Act::Delete { target: self.own(at, checks) }, 5 * MINUTE)
    }

    fn ready(&self, deadline: Duration) -> Step {
        let follow = Follow {
            resource: Resource::of(Kind::Content),
            name_in: "/status/boundVolumeSnapshotContentName".into(),
            checks: vec![
                Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin },
                Check::is("/status/snapshotHandle", self.said.restore_point.handle.as_str()),
            ],
            trouble: vec!["/status/error/message".into()],
            outputs: Vec::new(),
        };
        let until = Until {
            what: "the storage to be seen to have the copy".into(),
            checks: vec![Check::is("/status/readyToUse", true)],
            follow: Some(follow),
            trouble: vec!["/status/error/message".into()],
            events: true,
            outputs: vec![("restoreSize".into(), "/status/restoreSize".into())],
            ..Until::default()
        };
        let target = Target::Output { step: StepId(SNAPSHOT.into()), slot: "object".into() };
        let act = Act::Wait { target, until: Box::new(until) };
        step("ready", "wait until it is ready (it can be restored from)".into(), act, deadline)
    }
}

pub(super) fn step(id: &str, title: String, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title, act, guards: Vec::new(), deadline }
}
