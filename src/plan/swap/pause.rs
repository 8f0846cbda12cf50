//! What would undo the stop of a workload, or delete its claims meanwhile, and how it is paused: each one patch that
//! puts a value there and one that puts the former value back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{Kind, Uid};
use crate::plan::read::{annotation, name, text, uid};
use crate::plan::{Act, Check, ObjectAt, Resource, Step, StepId, Target, Until};

const MINUTE: Duration = Duration::from_secs(60);

/// Something to be paused for as long as the workload stands still.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pause {
    pub at: ObjectAt,
    pub uid: Uid,
    /// What is paused, for people: "suspend CronJob shop/nightly".
    pub title: String,
    /// What ends it.
    pub back: String,
    open: (Value, Vec<Check>),
    close: (Value, Vec<Check>),
}

impl Pause {
    fn target(&self) -> Target {
        Target::Known { at: self.at.clone(), uid: self.uid.clone() }
    }

    fn patch(&self, id: String, title: &str, (patch, done): &(Value, Vec<Check>)) -> Step {
        let act = Act::Patch { target: self.target(), patch: patch.clone(), done: done.clone() };
        Step { id: StepId(id), title: title.to_owned(), act, guards: Vec::new(), deadline: MINUTE }
    }

    /// The step that pauses it.
    pub fn open(&self, place: usize) -> Step {
        self.patch(format!("pause-{place}"), &self.title, &self.open)
    }

    /// The step that puts the former value back.
    pub fn close(&self, place: usize) -> Step {
        self.patch(format!("resume-{place}"), &self.back, &self.close)
    }

    /// Looks again whether it is paused: whoever owns it may have put its own value there.
    pub fn still(&self, place: usize) -> Step {
        let until = Until {
            what: format!("{} to stay paused", self.at),
            checks: self.open.1.clone(),
            follow: None,
            ..Until::default()
        };
        let act = Act::Wait { target: self.target(), until: Box::new(until) };
        let title = format!("read again that {} is paused", self.at);
        Step {
            id: StepId(format!("paused-{place}")),
            title,
            act,
            guards: Vec::new(),
            deadline: Duration::from_secs(10),
        }
    }

    /// `spec.suspend`, as CronJobs and the kinds of Flux have it.
    pub fn suspend(object: &Value, resource: Resource) -> Self {
        let at = at(object, resource);
        let field = "/spec/suspend";
        Self {
            title: format!("suspend {at}"),
            back: format!("let {at} go on"),
            uid: uid(object),
            open: (json!([{ "op": "add", "path": field, "value": true }]), vec![Check::is(field, true)]),
            close: (json!([{ "op": "add", "path": field, "value": false }]), vec![Check::not(field, true)]),
            at,
        }
    }

    /// `spec.syncPolicy.automated` of an Argo CD Application, taken away and put back.
    pub fn automated(object: &Value, resource: Resource) -> Self {
        let at = at(object, resource);
        let field = "/spec/syncPolicy/automated";
        let former = object.pointer(field).cloned().unwrap_or_else(|| json!({}));
        Self {
            title: format!("turn automated sync of {at} off"),
            back: format!("turn automated sync of {at} on again, as it was"),
            uid: uid(object),
            open: (json!([{ "op": "remove", "path": field }]), vec![Check::absent(field)]),
            close: (json!([{ "op": "add", "path": field, "value": former }]), vec![Check::present(field)]),
            at,
        }
    }

    /// KEDA holds a ScaledObject at this many replicas.
    pub fn scaled_object(object: &Value, resource: Resource) -> Self {
        const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
        let at = at(object, resource);
        let field = crate::model::annotation::pointer(PAUSED);
        let mut open = Vec::new();
        if object.pointer("/metadata/annotations").is_none_or(Value::is_null) {
            open.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        open.push(json!({ "op": "add", "path": field, "value": "0" }));
        let close = match annotation(object, PAUSED) {
            Some(former) => (json!([{ "op": "add", "path": field, "value": former }]), vec![Check::is(&field, former)]),
            None => (json!([{ "op": "remove", "path": field }]), vec![Check::absent(&field)]),
        };
        Self {
            title: format!("hold {at} at 0 replicas"),
            back: format!("let {at} scale again"),
            uid: uid(object),
            open: (Value::Array(open), vec![Check::is(&field, "0")]),
            close,
            at,
        }
    }

    /// A StatefulSet deletes the claims of pods it scales away unless told to retain them.
    pub fn when_scaled(set: &Value) -> Self {
        let at = at(set, Resource::of(Kind::StatefulSet));
        let field = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
        let write =
            |value: &str| (json!([{ "op": "add", "path": field, "value": value }]), vec![Check::is(field, value)]);
        Self {
            title: format!("let {at} retain the claims of pods that it scales away"),
            back: format!("let {at} delete the claims of pods that it scales away again"),
            uid: uid(set),
            open: write("Retain"),
            close: write("Delete"),
            at,
        }
    }
}

fn at(object: &Value, resource: Resource) -> ObjectAt {
    let namespace = text(object, "/metadata/namespace");
    ObjectAt {
        resource,
        namespace: Some(namespace.to_owned()).filter(|it| !it.is_empty()),
        name: name(object).to_owned(),
    }
}
