//! What the records of operations remember of the journals: how far each was, and how far the journal of the console
//! was that wrote it. Reads only.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::cluster::Eyes;
use crate::journal::{Anchor, Book, BookKind, Remembered, Run};
use crate::model::annotation;
use crate::plan::{ObjectAt, OperationId, Resource};
use crate::store::Store;

use super::record::place;

/// Fields of a record about the journal of the console that wrote it last.
const CONSOLE: &str = "console";
const INDEX_HEAD: &str = "indexHead";
const INDEX_LENGTH: &str = "indexLength";

/// Adds to a record how far the journal of this console is. One that cannot be read is not remembered: what is owed
/// runs without it.
pub(super) fn anchor(store: &Store, data: &mut Value) {
    let standing = store.console().and_then(|console| Ok(console.zip(store.head()?)));
    match standing {
        Ok(Some((console, head))) => {
            data[CONSOLE] = json!(console);
            data[INDEX_HEAD] = json!(head.head);
            data[INDEX_LENGTH] = json!(head.length.to_string());
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the record does not remember the journal of this console"),
    }
}

/// What is remembered of these operations, and of which that cannot be seen, and why.
pub async fn remembered(eyes: &Eyes, runs: &[Run]) -> (Vec<Remembered>, Vec<String>) {
    let places: Vec<ObjectAt> = runs.iter().map(|run| place(&run.plan)).collect();
    let namespaces: BTreeSet<Option<&str>> = places.iter().map(|at| at.namespace.as_deref()).collect();
    let selector = format!("{}={},{}", annotation::MANAGED_BY.0, annotation::MANAGED_BY.1, annotation::OPERATION);
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    for namespace in namespaces {
        match eyes.list(&Resource::config_map(), namespace, &selector).await {
            Ok(records) => found.extend(records.iter().filter_map(read)),
            // Who runs operations may read their records, if not all of them.
            Err(_) => {
                for at in places.iter().filter(|at| at.namespace.as_deref() == namespace) {
                    match eyes.get(&at.resource, namespace, &at.name).await {
                        Ok(record) => found.extend(record.and_then(|record| read(&record.value))),
                        Err(error) => unseen.push(format!("{at}: {error}")),
                    }
                }
            }
        }
    }
    (found, unseen)
}

/// One record; `None` when it is none, or was written before its operation had a journal.
fn read(record: &Value) -> Option<Remembered> {
    let data = record.get("data")?.as_object()?;
    let id = OperationId::parse(field(data, "operation")?).ok()?;
    let namespace = record.pointer("/metadata/namespace").and_then(Value::as_str);
    let at = ObjectAt::record(&id, namespace);
    if record.pointer("/metadata/name").and_then(Value::as_str)? != at.name {
        return None;
    }
    let console = field(data, CONSOLE).map(str::to_owned);
    Some(Remembered {
        of: Book { kind: BookKind::Operation, id: id.as_str().to_owned() },
        at: at.to_string(),
        anchor: read_anchor(data, "length", "head")?,
        index: console.zip(read_anchor(data, INDEX_LENGTH, INDEX_HEAD)),
    })
}

fn read_anchor(data: &Map<String, Value>, length: &str, head: &str) -> Option<Anchor> {
    Some(Anchor { length: field(data, length)?.parse().ok()?, head: field(data, head)?.to_owned() })
}

fn field<'a>(data: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
