//! Doing: one primitive action, sent once.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use super::held::{Held as Sessions, Words};
use crate::cluster::{WriteError, Written};
use crate::plan::{
    Act, Held, ObjectAt, Outputs, Progress, Step, Target, is_target, kept, part_of, place, resolve, with_condition,
    with_maps,
};
use crate::store::now;

/// What came of sending one write.
#[derive(Debug)]
pub(super) enum Performed {
    /// The server took it; the id of its line in the audit log.
    Taken(Option<String>),
    /// A command ran and ended well, or a session answered.
    Ran {
        /// The id of its line in the audit log.
        audit_id: Option<String>,
        /// What it made.
        outputs: Outputs,
    },
    /// A command ran and failed.
    Failed {
        /// How.
        why: String,
        /// The id of its line in the audit log.
        audit_id: Option<String>,
    },
    /// The server said no; it will say no again.
    Refused(String),
    /// It was certainly not done, and may be tried later: the server was busy or out of reach.
    NotNow(String),
    /// Nobody knows; only looking can tell.
    Unknown(String),
}

/// A target as it is right now.
pub(super) struct Current {
    /// Where.
    pub at: ObjectAt,
    /// UID for the preconditions.
    pub uid: String,
    /// Version for the preconditions.
    pub version: String,
    /// All of it.
    pub object: Value,
}

impl Engine {
    /// Sends the write of a step's act; `left` bounds what runs in containers. Waits are no writes and are never
    /// performed.
    pub(super) async fn perform(
        &self,
        step: &Step,
        left: Duration,
        progress: &Progress,
        held: &mut Sessions,
    ) -> Performed {
        match &step.act {
            Act::Exec { run, within, keep, .. } => self.run(run, left.min(*within), *keep, progress).await,
            Act::Open { run, say, until } => {
                let words = Words { say, until, end: false, keep: false };
                self.open(&step.id, run, words, left, (progress, held)).await
            }
            Act::Say { session, say, until, end, keep } => {
                held.say(session, Words { say, until, end: *end, keep: *keep }, left).await
            }
            act => self.write(act, progress).await,
        }
    }

    async fn write(&self, act: &Act, progress: &Progress) -> Performed {
        let Some(act) = act.filled(progress) else {
            return Performed::Refused("a step that it builds on has not run".into());
        };
        let current = match act.target() {
            Some(target) if act.writes() => match self.current(target, progress).await {
                Ok(current) => Some(current),
                Err(performed) => return performed,
            },
            _ => None,
        };
        let act = match filled(act, progress) {
            Ok(act) => act,
            Err(why) => return Performed::Refused(why),
        };
        if let (Act::Store { was, .. }, Some(current)) = (&act, &current)
            && let Some(why) = kept(&current.object, was)
        {
            return Performed::Refused(format!("{}: {why}", current.at));
        }
        let performed = outcome(self.send(&act, current.as_ref(), progress).await);
        match (performed, current) {
            (Performed::Refused(why), Some(current)) => self.refused(why, &current).await,
            (performed, _) => performed,
        }
    }

    async fn send(&self, act: &Act, current: Option<&Current>, progress: &Progress) -> Result<Written, WriteError> {
        let nothing = || Ok(Written { object: Value::Null, audit_id: None });
        match act {
            Act::Create { at, manifest } | Act::Recreate { at, manifest, .. } => {
                self.hands.create(&at.resource, at.namespace.as_deref(), manifest, false).await
            }
            Act::Stage { at, manifest, content } => self.hands.stage(at, manifest, content, now()).await,
            Act::Store { from, .. } => match (current, resolve(from, progress)) {
                (Some(current), Some(from)) => {
                    self.hands.store(&from, &current.at, (&current.uid, &current.version)).await
                }
                _ => nothing(),
            },
            Act::Trust { bundles, add, without, .. } => {
                // Who it is added from was resolved when the act was filled.
                let from = add.as_ref().and_then(|add| resolve(&add.from, progress).zip(add.fingerprint.as_str()));
                let add = from.map(|((at, uid), fingerprint)| Held { at, uid, fingerprint: fingerprint.to_owned() });
                let without: Vec<String> = without.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                match current {
                    Some(current) => {
                        self.hands.trust(&current.at, &current.uid, bundles, (add.as_ref(), &without)).await
                    }
                    None => nothing(),
                }
            }
            Act::Exec { .. }
            | Act::Open { .. }
            | Act::Say { .. }
            | Act::Wait { .. }
            | Act::Absent { .. }
            | Act::Find { .. }
            | Act::Handshake { .. } => nothing(),
            Act::Patch { .. }
            | Act::Condition { .. }
            | Act::Dismiss { .. }
            | Act::Delete { .. }
            | Act::Scale { .. } => {
                let Some(Current { at, uid, version, object }) = current else { return nothing() };
                let (resource, namespace, name) = (&at.resource, at.namespace.as_deref(), at.name.as_str());
                match act {
                    Act::Patch { patch, .. } | Act::Dismiss { patch, .. } => {
                        let patch = guarded(patch, object);
                        self.hands.patch_json(resource, namespace, name, &patch, false).await
                    }
                    Act::Condition { condition, .. } => {
                        // It carries the UID and version that were read.
                        let manifest = with_condition(object, condition, now());
                        self.hands.put_status(resource, namespace, name, &manifest, false).await
                    }
                    Act::Scale { replicas, .. } => {
                        self.hands.scale(resource, namespace, name, uid, *replicas, false).await
                    }
                    _ => self.hands.delete(resource, namespace, name, Some(uid), Some(version), false).await,
                }
            }
        }
    }

    /// The target as it is right now: where, UID and version for the preconditions.
    pub(super) async fn current(&self, target: &Target, progress: &Progress) -> Result<Current, Performed> {
        let Some(at) = place(target, progress) else {
            return Err(Performed::Refused("the step that makes its target has not run".into()));
        };
        let object = self.read(&at).await.map_err(|why| Performed::NotNow(format!("{at} could not be read: {why}")))?;
        let object = object.ok_or_else(|| Performed::Refused(format!("{at} is gone")))?;
        if !is_target(target, progress, &object) {
            return Err(Performed::Refused(match target {
                Target::Own { .. } => format!("{at} is gone"),
                _ => format!("{at} is another object now: its UID is another"),
            }));
        }
        if let Target::Own { checks, .. } = target
            && let Some(why) = kept(&object, checks)
        {
            return Err(Performed::Refused(format!("{at}: {why}")));
        }
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Current { uid: text("/metadata/uid"), version: text("/metadata/resourceVersion"), at, object })
    }

    /// A precondition that broke because the same object was written meanwhile, as controllers do all the time, is no
    /// refusal: it is looked at anew, and then it is decided again.
    async fn refused(&self, why: String, sent: &Current) -> Performed {
        let now = self.read(&sent.at).await.ok().flatten();
        let text = |field: &str| now.as_ref().and_then(|now| now.pointer(field)?.as_str());
        let same = text("/metadata/uid") == Some(&sent.uid);
        if same && text("/metadata/resourceVersion") != Some(&sent.version) {
            return Performed::NotNow(format!("{} was written meanwhile; it is looked at again: {why}", sent.at));
        }
        Performed::Refused(why)
    }
}

/// An act whose patch has every `valueFrom` put together from outputs.
fn filled(act: Act, progress: &Progress) -> Result<Act, String> {
    let Act::Patch { target, mut patch, done } = act else { return Ok(act) };
    for operation in patch.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(parts) = operation.remove("valueFrom") else { continue };
        let text = parts.as_array().into_iter().flatten().map(|part| part_of(part, progress, now()));
        operation.insert("value".to_owned(), text.collect::<Result<String, String>>()?.into());
    }
    Ok(Act::Patch { target, patch, done })
}

fn outcome(written: Result<Written, WriteError>) -> Performed {
    match written {
        Ok(written) => Performed::Taken(written.audit_id),
        Err(WriteError::Unknown(error)) => Performed::Unknown(error.to_string()),
        Err(WriteError::Refused(error)) if error.temporary() => Performed::NotNow(error.to_string()),
        Err(WriteError::Refused(error)) => Performed::Refused(error.to_string()),
    }
}

/// A JSON patch that fails unless the object is still the one that was read (RFC 6902 section 4.6).
fn guarded(patch: &Value, object: &Value) -> Value {
    let same = ["/metadata/uid", "/metadata/resourceVersion"];
    let same = same.map(|field| json!({ "op": "test", "path": field, "value": object.pointer(field) }));
    same.into_iter().chain(with_maps(patch, object)).collect()
}
