//! The record of an operation in its cluster: a ConfigMap that colleagues' consoles see, changed only by
//! compare-and-swap. It carries the epoch, so that a console that lost an operation, or the data that it works on,
//! stops; and the heads of the journal and of the console's own, so that one cut short shows.

use serde_json::{Value, json};

use super::{Engine, anchors, machine};
use crate::cluster::WriteError;
use crate::journal::{Entry, Run};
use crate::model::annotation;
use crate::plan::{End, ObjectAt, OperationId, Plan};

/// Why the record cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another console goes on with the operation.
    #[error("another console took operation {0} over; it goes on there")]
    TakenOver(OperationId),
    /// Another operation works on the same data now.
    #[error("another console took the lineage over: {by}; operation {id} stops, and only what it still owes is done")]
    LineageTaken {
        /// Which operation stops.
        id: OperationId,
        /// Which one goes on.
        by: String,
    },
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
    /// The operation that took the lineage over, as the record has it.
    taken_by: Option<String>,
}

/// What the cluster knows of an operation that is about to go on.
#[derive(Debug)]
pub(super) struct Adopted {
    /// The epoch from which it goes on.
    pub epoch: u64,
    /// Why it cannot go on with its plan: another operation took the lineage over.
    pub lineage_taken: Option<RecordError>,
}

/// Where the record of an operation is.
pub(super) fn place(plan: &Plan) -> ObjectAt {
    ObjectAt::record(&plan.id, plan.subject.home())
}

impl Record {
    /// Looks at what the cluster knows before an operation goes on.
    pub(super) async fn adopt(
        &mut self,
        engine: &Engine,
        run: &Run,
        entries: &[Entry],
    ) -> Result<Adopted, RecordError> {
        let at = place(&run.plan);
        let found = engine.read(&at).await;
        let found = found.map_err(|why| RecordError::Unavailable { at: at.to_string(), why })?;
        let Some(object) = found else { return Ok(Adopted { epoch: run.epoch + 1, lineage_taken: None }) };
        let mismatch = |why: &str| RecordError::Mismatch { id: run.id().clone(), why: why.to_owned() };
        self.taken_by = taken_by(&object);
        if number(&object, "epoch") > run.epoch && self.taken_by.is_none() {
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
        let by = self.taken_by.clone();
        let lineage_taken = by.map(|by| RecordError::LineageTaken { id: run.id().clone(), by });
        Ok(Adopted { epoch: run.epoch.max(number(&object, "epoch")) + 1, lineage_taken })
    }

    /// Writes how far the operation is. The caller's next effect must not happen unless this succeeds.
    pub(super) async fn put(&mut self, engine: &Engine, run: &Run, trouble: Option<&str>) -> Result<(), RecordError> {
        let at = place(&run.plan);
        let mut lost_answer = false;
        for _ in 0..5 {
            let mut object = self.manifest(run, &at, trouble);
            anchors::anchor(&engine.store, &mut object["data"]);
            let namespace = at.namespace.as_deref();
            let written = match &self.version {
                None => engine.hands.create(&at.resource, namespace, &object, false).await,
                Some(_) => engine.hands.put(&at.resource, namespace, &at.name, &object, false).await,
            };
            let why = match written {
                Ok(written) => {
                    engine.books.note(&at, &written);
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
                if let (None, Some(by)) = (&self.taken_by, taken_by(&object)) {
                    return Err(RecordError::LineageTaken { id: run.id().clone(), by });
                }
                let mine = text(&object, "/data/operation") == run.id().as_str();
                let instance = text(&object, "/data/instance");
                if !mine || number(&object, "epoch") > run.epoch {
                    return Err(RecordError::TakenOver(run.id().clone()));
                }
                // Two consoles that resume at once choose the same epoch; the one that wrote first has it.
                if number(&object, "epoch") == run.epoch && instance != machine::instance() {
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
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1, annotation::OPERATION: run.id().as_str() },
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
                "instance": machine::instance(),
                "opened": run.opened.to_string(),
                "length": run.length.to_string(),
                "head": run.head,
            },
        });
        if let Some(closed) = run.closed {
            object["data"]["closed"] = json!(closed.to_string());
        }
        if let Some(by) = &self.taken_by {
            object["data"][TAKEN_BY] = json!(by);
        }
        if let Some(trouble) = trouble {
            object["data"]["trouble"] = json!(trouble);
        }
        object
    }
}

/// The field that names the operation which took the lineage over.
pub(super) const TAKEN_BY: &str = "takenOverBy";

fn taken_by(object: &Value) -> Option<String> {
    let by = text(object, &format!("/data/{TAKEN_BY}"));
    (!by.is_empty()).then(|| crate::text::sanitize(by).into_owned())
}

/// Raises the epoch of an operation whose lock another one took over, so that its next intent fails. One that never
/// wrote its record finds one that is not its own. Does nothing a second time.
pub(super) async fn fence(engine: &Engine, former: &str, namespace: &str, by: &Run) -> Result<(), RecordError> {
    // What is no operation of this console has no record.
    let Ok(former) = OperationId::parse(former) else { return Ok(()) };
    let at = ObjectAt::record(&former, Some(namespace));
    let unavailable = |why: String| RecordError::Unavailable { at: at.to_string(), why };
    let name = format!("operation {} of {} on {}", by.id(), by.authority.who(), machine::host());
    let mut why = "it kept changing".to_owned();
    for _ in 0..5 {
        let written = match engine.read(&at).await.map_err(unavailable)? {
            None => {
                let object = tombstone(&at, &former, &name);
                engine.hands.create(&at.resource, Some(namespace), &object, false).await
            }
            Some(object) if text(&object, "/data/operation") != former.as_str() => return Ok(()),
            Some(object) if taken_by(&object).is_some() || text(&object, "/data/state") != "running" => return Ok(()),
            Some(mut object) => {
                object["data"]["epoch"] = json!((number(&object, "epoch") + 1).to_string());
                object["data"][TAKEN_BY] = json!(name);
                engine.hands.put(&at.resource, Some(namespace), &at.name, &object, false).await
            }
        };
        match written {
            Ok(written) => {
                engine.books.note(&at, &written);
                return Ok(());
            }
            Err(WriteError::Refused(error)) if !error.conflict() && !error.temporary() => {
                return Err(unavailable(error.to_string()));
            }
            Err(error) => why = error.to_string(),
        }
        tokio::time::sleep(super::POLL).await;
    }
    Err(unavailable(why))
}

/// The record of an operation that took its lock and died before it wrote one.
fn tombstone(at: &ObjectAt, id: &OperationId, by: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": at.name, "namespace": at.namespace,
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1, annotation::OPERATION: id.as_str() },
            "annotations": { annotation::OPERATION: id.as_str() },
        },
        "data": { "operation": id.as_str(), "state": "running", "epoch": "2", TAKEN_BY: by },
    })
}

pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.pointer(field).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(object: &Value, key: &str) -> u64 {
    object.pointer(&format!("/data/{key}")).and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0)
}
