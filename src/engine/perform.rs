//! Doing: one primitive action, sent once.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use super::held::{Held, Words};
use crate::cluster::{WriteError, Written};
use crate::plan::{
    Act, Check, ObjectAt, OperationId, Output, Outputs, Progress, Step, StepId, Target, kept, made_by, resolve,
};

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

impl Engine {
    /// Sends the write of a step's act; `left` bounds what runs in containers. Waits are no writes and are never
    /// performed.
    pub(super) async fn perform(&self, step: &Step, left: Duration, progress: &Progress, held: &mut Held) -> Performed {
        let written = match &step.act {
            Act::Create { at, manifest } => {
                self.hands.create(&at.resource, at.namespace.as_deref(), manifest, false).await
            }
            Act::Patch { target, patch, .. } => match self.current(target, progress).await {
                Ok((at, uid, version)) => {
                    let patch = match filled(patch, progress) {
                        Ok(patch) => guarded(&patch, &uid, &version),
                        Err(why) => return Performed::Refused(why),
                    };
                    let patched =
                        self.hands.patch_json(&at.resource, at.namespace.as_deref(), &at.name, &patch, false).await;
                    match outcome(patched) {
                        // Refused because somebody else was faster: it is looked at and tried again.
                        Performed::Refused(why) if self.newer(target, progress, &version).await => {
                            return Performed::NotNow(format!("{at} was changed meanwhile: {why}"));
                        }
                        performed => return performed,
                    }
                }
                Err(performed) => return performed,
            },
            Act::Delete { target } => match self.current(target, progress).await {
                Ok((at, uid, version)) => {
                    self.hands
                        .delete(&at.resource, at.namespace.as_deref(), &at.name, Some(&uid), Some(&version), false)
                        .await
                }
                Err(performed) => return performed,
            },
            Act::Scale { target, replicas } => match self.current(target, progress).await {
                Ok((at, uid, _)) => {
                    self.hands.scale(&at.resource, at.namespace.as_deref(), &at.name, &uid, *replicas, false).await
                }
                Err(performed) => return performed,
            },
            Act::Exec { run, within, keep, .. } => return self.run(run, left.min(*within), *keep, progress).await,
            Act::Open { run, say, until } => {
                let words = Words { say, until, end: false, keep: false };
                return self.open(&step.id, run, words, left, (progress, held)).await;
            }
            Act::Say { session, say, until, end, keep } => {
                return held.say(session, Words { say, until, end: *end, keep: *keep }, left).await;
            }
            Act::Wait { .. } => return Performed::Taken(None),
        };
        outcome(written)
    }

    /// Whether the target is still the same object, at another version than this.
    async fn newer(&self, target: &Target, progress: &Progress, version: &str) -> bool {
        self.current(target, progress).await.is_ok_and(|(_, _, now)| now != version)
    }

    /// The target as it is right now: where, UID and version for the preconditions.
    pub(super) async fn current(
        &self,
        target: &Target,
        progress: &Progress,
    ) -> Result<(ObjectAt, String, String), Performed> {
        if let Target::Own { at, operation, checks } = target {
            return self.own(at, operation, checks).await;
        }
        let Some((at, uid)) = resolve(target, progress) else {
            return Err(Performed::Refused("the step that makes its target has not run".into()));
        };
        let object = self.read(&at).await.map_err(|why| Performed::NotNow(format!("{at} could not be read: {why}")))?;
        let object = object.ok_or_else(|| Performed::Refused(format!("{at} is gone")))?;
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("/metadata/uid") != uid.as_str() {
            return Err(Performed::Refused(format!("{at} is another object now: its UID is not {uid}")));
        }
        Ok((at, text("/metadata/uid"), text("/metadata/resourceVersion")))
    }
}

impl Engine {
    /// What the operation made under a name, as it is right now.
    async fn own(
        &self,
        at: &ObjectAt,
        operation: &OperationId,
        checks: &[Check],
    ) -> Result<(ObjectAt, String, String), Performed> {
        let object = self.read(at).await.map_err(|why| Performed::NotNow(format!("{at} could not be read: {why}")))?;
        let object = object.filter(|object| made_by(object, operation));
        let object = object.ok_or_else(|| Performed::Refused(format!("{at} is gone")))?;
        if let Some(why) = kept(&object, checks) {
            return Err(Performed::Refused(format!("{at}: {why}")));
        }
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((at.clone(), text("/metadata/uid"), text("/metadata/resourceVersion")))
    }
}

/// A JSON patch with every `valueFrom` put together from outputs.
fn filled(patch: &Value, progress: &Progress) -> Result<Value, String> {
    let mut patch = patch.clone();
    for operation in patch.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(parts) = operation.remove("valueFrom") else { continue };
        let text = parts.as_array().into_iter().flatten().map(|part| part_of(part, progress));
        operation.insert("value".to_owned(), text.collect::<Result<String, String>>()?.into());
    }
    Ok(patch)
}

fn part_of(part: &Value, progress: &Progress) -> Result<String, String> {
    if let Some(text) = part.as_str() {
        return Ok(text.to_owned());
    }
    let text = |field: &str| part.get(field).and_then(Value::as_str).unwrap_or_default();
    let output = progress.outputs(&StepId(text("step").to_owned())).and_then(|outputs| outputs.get(text("slot")));
    output.map(Output::word).ok_or_else(|| format!("step {} left no {}", text("step"), text("slot")))
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
fn guarded(patch: &Value, uid: &str, version: &str) -> Value {
    let mut operations = vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": uid }),
        json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }),
    ];
    operations.extend(patch.as_array().cloned().unwrap_or_default());
    Value::Array(operations)
}
