//! `ResourceQuota` as admission: a create that would pass a limit is refused.
//!
//! Counted are `count/RESOURCE.GROUP`, the plain names of core kinds, and `requests.storage`.
//! Source: the resource-quota admission plugin; its message is kept word for word.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::kinds::Kind;
use super::object::{self, quantity, text};
use super::refusal::Refusal;
use super::store::{Object, State};

/// Refuses a new object that does not fit a quota of its namespace.
pub(crate) fn admit(kind: &Kind, value: &Value, state: &State) -> Result<(), Refusal> {
    if !kind.namespaced {
        return Ok(());
    }
    for quota in state.list("resourcequotas", Some(object::namespace(value))) {
        for (name, limit) in limits(&quota.value) {
            let asked = demand(name, kind, value);
            let limit = quantity(limit.as_str().unwrap_or_default());
            let has = in_use(name, object::namespace(value), state);
            if asked > 0 && has + asked > limit {
                let why = format!(
                    "exceeded quota: {}, requested: {name}={asked}, used: {name}={has}, limited: {name}={limit}",
                    object::name(&quota.value)
                );
                return Err(Refusal::forbidden(kind, object::name(value), &why));
            }
        }
    }
    Ok(())
}

/// The `status` of a quota: its limits and what is used of them.
pub(crate) fn status(quota: &Value, state: &State) -> Value {
    let mut used = Map::new();
    for (name, _) in limits(quota) {
        used.insert(name.clone(), in_use(name, object::namespace(quota), state).to_string().into());
    }
    serde_json::json!({"hard": quota.pointer("/spec/hard"), "used": used})
}

fn limits(quota: &Value) -> impl Iterator<Item = (&String, &Value)> {
    quota.pointer("/spec/hard").and_then(Value::as_object).into_iter().flatten()
}

/// How much of the limit `name` one object takes.
fn demand(name: &str, kind: &Kind, value: &Value) -> u64 {
    if name == "requests.storage" && kind.plural == "persistentvolumeclaims" {
        return quantity(text(value, "/spec/resources/requests/storage"));
    }
    let counted = name
        .strip_prefix("count/")
        .map_or(kind.group.is_empty() && name == kind.plural, |name| name == kind.qualified());
    u64::from(counted)
}

fn in_use(name: &str, namespace: &str, state: &State) -> u64 {
    let plural = match name {
        "requests.storage" => "persistentvolumeclaims",
        _ => name.trim_start_matches("count/").split('.').next().unwrap_or_default(),
    };
    state
        .list(plural, Some(namespace))
        .iter()
        .map(|object: &Arc<Object>| demand(name, object.kind, &object.value))
        .sum()
}
