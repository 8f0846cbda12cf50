//! The `scale` subresource of workloads: `autoscaling/v1` Scale.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::Kind;
use super::object::{self, number, text};
use super::refusal::Refusal;
use super::store::{Key, Object};
use super::write::{Part, Writer};

/// The Scale of a workload.
pub(crate) fn of(workload: &Value) -> Value {
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let metadata = &workload["metadata"];
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": number(workload, "/spec/replicas", 0)},
        "status": {"replicas": number(workload, "/status/replicas", 0), "selector": selector.join(",")},
    })
}

/// Sets the replicas of a workload to those of a Scale.
pub(crate) fn set(
    writer: &mut Writer<'_>,
    kind: &'static Kind,
    key: &Key,
    scale: &Value,
) -> Result<Arc<Object>, Refusal> {
    let old = writer.state.get(key).cloned().ok_or_else(|| Refusal::not_found(kind, &key.name))?;
    let mut value = old.value.clone();
    let replicas = number(scale, "/spec/replicas", 0);
    if replicas < 0 {
        let why = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        return Err(Refusal::invalid(kind, &key.name, "spec.replicas", &why));
    }
    object::set(&mut value, "/spec/replicas", replicas);
    let version = text(scale, "/metadata/resourceVersion");
    if !version.is_empty() {
        object::set(&mut value, "/metadata/resourceVersion", version);
    }
    let uid = object::uid(scale);
    if !uid.is_empty() {
        object::set(&mut value, "/metadata/uid", uid);
    }
    writer.update(kind, key, value, Part::Wish)
}
