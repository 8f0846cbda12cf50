//! The record of an operation in its cluster: a ConfigMap that colleagues' consoles see, changed only by
//! compare-and-swap. It carries the epoch, so that a console that lost an operation stops, and the head of the
//! journal, so that a journal cut short shows.

use serde_json::{Value, json};

use super::Engine;
use crate::cluster::WriteError;
use crate::journal::{Entry, Run};
use crate::model::annotation;
use crate::plan::{End, ObjectAt, OperationId, Plan, Resource, backup::MANAGED_BY};

/// Why the record cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another console goes on with the operation.
    #[error("another console took operation {0} over; it goes on there")]
    TakenOver(OperationId),
    /// The record knows more than the journal on this disk.
    #[error("the record of operation {id} in the cluster does not match the journal here: {why}")]
    Mismatch {
        /// Which operation.
        id: OperationId,
        /// In what way.
        why: String,
    },
    /// It cannot be written or read.
    #[error("the record {at} of the operation cannot be kept: {why}; nothing was changed, resume when it can be")]
    Unavailable {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
}

/// The record as this console last saw it.
#[derive(Debug, Default)]
pub(super) struct Record {
    version: Option<String>,
}

/// Where the record of an operation is.
pub(super) fn place(plan: &Plan) -> ObjectAt {
    ObjectAt {
        resource: Resource::config_map(),
        namespace: plan.subject.object.namespace.as_ref().map(ToString::to_string),
        name: format!("holdfast-{}", plan.id),
    }
}

impl Record {
    /// Looks at what the cluster knows before an operation goes on.
    pub(super) async fn adopt(&mut self, engine: &Engine, run: &Run, entries: &[Entry]) -> Result<(), RecordError> {
        let at = place(&run.plan);
        let found = engine.read(&at).await;
        let found = found.map_err(|why| RecordError::Unavailable { at: at.to_string(), why })?;
        let Some(object) = found else { return Ok(()) };
        let mismatch = |why: &str| RecordError::Mismatch { id: run.id().clone(), why: why.to_owned() };
        if number(&object, "epoch") > run.epoch {
            return Err(RecordError::TakenOver(run.id().clone()));
        }
        let length = number(&object, "length");
        if length > run.length {
            return Err(mismatch("the journal is shorter than the cluster remembers"));
        }
        let anchored = usize::try_from(length).ok().and_then(|length| entries.get(length.checked_sub(1)?));
        if anchored.is_some_and(|entry| text(&object, "/data/head") != entry.hash) {
            return Err(mismatch("the journal has another entry where the cluster remembers one"));
        }
        self.version = Some(text(&object, "/metadata/resourceVersion").to_owned());
        Ok(())
    }

    /// Writes how far the operation is. The caller's next effect must not happen unless this succeeds.
    pub(super) async fn put(&mut self, engine: &Engine, run: &Run, trouble: Option<&str>) -> Result<(), RecordError> {
        let at = place(&run.plan);
        let mut lost_answer = false;
        for _ in 0..5 {
            let object = self.manifest(run, &at, trouble);
            let namespace = at.namespace.as_deref();
            let written = match &self.version {
                None => engine.hands.create(&at.resource, namespace, &object, false).await,
                Some(_) => engine.hands.put(&at.resource, namespace, &at.name, &object, false).await,
            };
            let why = match written {
                Ok(written) => {
                    self.version = Some(text(&written.object, "/metadata/resourceVersion").to_owned());
                    return Ok(());
                }
                Err(WriteError::Refused(error)) if !error.conflict() && !error.temporary() => {
                    return Err(RecordError::Unavailable { at: at.to_string(), why: error.to_string() });
                }
                Err(WriteError::Refused(error)) => error.to_string(),
                Err(WriteError::Unknown(error)) => {
                    lost_answer = true;
                    error.to_string()
                }
            };
            self.look_again(engine, run, &at, &why).await?;
            tokio::time::sleep(super::POLL).await;
        }
        let why = if lost_answer { "the answers of the API server were lost" } else { "it kept changing" };
        Err(RecordError::Unavailable { at: at.to_string(), why: why.to_owned() })
    }

    /// After a conflict or a lost answer: whose is it now?
    async fn look_again(&mut self, engine: &Engine, run: &Run, at: &ObjectAt, why: &str) -> Result<(), RecordError> {
        match engine.read(at).await {
            Err(read) => Err(RecordError::Unavailable { at: at.to_string(), why: format!("{why}; {read}") }),
            Ok(None) => {
                self.version = None;
                Ok(())
            }
            Ok(Some(object)) => {
                let mine = text(&object, "/data/operation") == run.id().as_str();
                let instance = text(&object, "/data/instance");
                if !mine || number(&object, "epoch") > run.epoch {
                    return Err(RecordError::TakenOver(run.id().clone()));
                }
                // Two consoles that resume at once choose the same epoch; the one that wrote first has it.
                if number(&object, "epoch") == run.epoch && instance != instance_name() {
                    return Err(RecordError::TakenOver(run.id().clone()));
                }
                self.version = Some(text(&object, "/metadata/resourceVersion").to_owned());
                Ok(())
            }
        }
    }

    fn manifest(&self, run: &Run, at: &ObjectAt, trouble: Option<&str>) -> Value {
        let state = match &run.progress.end {
            None => "running",
            Some(End::Done) => "done",
            Some(End::Failed { .. }) => "failed",
            Some(End::Stopped) => "stopped",
        };
        let mut metadata = json!({
            "name": at.name,
            "namespace": at.namespace,
            "labels": { MANAGED_BY.0: MANAGED_BY.1, annotation::OPERATION: run.id().as_str() },
            "annotations": { annotation::OPERATION: run.id().as_str() },
        });
        if let Some(version) = &self.version {
            metadata["resourceVersion"] = json!(version);
        }
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {
                "operation": run.id().as_str(),
                "title": run.plan.title,
                "verb": run.plan.verb.to_string(),
                "subject": run.plan.subject.object.to_string(),
                "subjectUid": run.plan.subject.uid.as_str(),
                "digest": run.plan.digest(),
                "actor": run.authority.who(),
                "state": state,
                "epoch": run.epoch.to_string(),
                "instance": instance_name(),
                "length": run.length.to_string(),
                "head": run.head,
            },
        });
        if let Some(trouble) = trouble {
            object["data"]["trouble"] = json!(trouble);
        }
        object
    }
}

/// Who wrote a record: this process on this machine.
fn instance_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.pointer(field).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, key: &str) -> u64 {
    object.pointer(&format!("/data/{key}")).and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0)
}
