//! Doing: one primitive action, sent once.

use serde_json::{Value, json};

use super::Engine;
use crate::cluster::{WriteError, Written};
use crate::plan::{Act, ObjectAt, Progress, Target, resolve};

/// What came of sending one write.
#[derive(Debug)]
pub(super) enum Performed {
    /// The server took it; the id of its line in the audit log.
    Taken(Option<String>),
    /// The server said no; it will say no again.
    Refused(String),
    /// It was certainly not done, and may be tried later: the server was busy or out of reach.
    NotNow(String),
    /// Nobody knows; only looking can tell.
    Unknown(String),
}

impl Engine {
    /// Sends the write of an act. Waits are no writes and are never performed.
    pub(super) async fn perform(&self, act: &Act, progress: &Progress) -> Performed {
        let written = match act {
            Act::Create { at, manifest } => {
                self.hands.create(&at.resource, at.namespace.as_deref(), manifest, false).await
            }
            Act::Patch { target, patch, .. } => match self.current(target, progress).await {
                Ok((at, uid, version)) => {
                    let patch = guarded(patch, &uid, &version);
                    self.hands.patch_json(&at.resource, at.namespace.as_deref(), &at.name, &patch, false).await
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
            Act::Wait { .. } => return Performed::Taken(None),
        };
        outcome(written)
    }

    /// The target as it is right now: where, UID and version for the preconditions.
    async fn current(&self, target: &Target, progress: &Progress) -> Result<(ObjectAt, String, String), Performed> {
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
