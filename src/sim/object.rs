//! Reading and writing Kubernetes objects held as JSON values.
//!
//! A missing field reads as empty, as Go's zero values do on a real server. It knows
//! `metadata` and nothing about any kind.

use serde_json::{Map, Value, json};

/// The value at a `/`-separated path. Unlike [`Value::pointer`] it knows no escapes, and so allocates
/// nothing; every read of a field comes through here.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').skip(1).try_fold(value, |at, step| match at {
        Value::Object(map) => map.get(step),
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The string at a path; empty when it is missing.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a path; `default` when it is missing.
pub(crate) fn number(value: &Value, path: &str, default: i64) -> i64 {
    at(value, path).and_then(Value::as_i64).unwrap_or(default)
}

/// The list at a path; empty when it is missing.
pub(crate) fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the boolean at a path is true.
pub(crate) fn truth(value: &Value, path: &str) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or(false)
}

/// The number at a path, for counts that cannot be negative.
pub(crate) fn count(value: &Value, path: &str, default: usize) -> usize {
    at(value, path).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
}

pub(crate) fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

pub(crate) fn namespace(value: &Value) -> &str {
    text(value, "/metadata/namespace")
}

pub(crate) fn uid(value: &Value) -> &str {
    text(value, "/metadata/uid")
}

/// Whether deletion was asked for and something still holds the object.
pub(crate) fn terminating(value: &Value) -> bool {
    at(value, "/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

pub(crate) fn annotation<'a>(value: &'a Value, key: &str) -> &'a str {
    entry(value, "/metadata/annotations", key)
}

pub(crate) fn label<'a>(value: &'a Value, key: &str) -> &'a str {
    entry(value, "/metadata/labels", key)
}

fn entry<'a>(value: &'a Value, map: &str, key: &str) -> &'a str {
    at(value, map).and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// Turns `value` into an object if it is not one, and returns its fields.
pub(crate) fn fields(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("just made an object"),
    }
}

/// The field at a `/`-separated path, its parents made on the way.
pub(crate) fn slot<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/').skip(1).fold(value, |at, step| fields(at).entry(step).or_insert(Value::Null))
}

/// Sets the field at a `/`-separated path; keys that contain `/` need [`annotate`] or [`mark`].
pub(crate) fn set(value: &mut Value, path: &str, to: impl Into<Value>) {
    *slot(value, path) = to.into();
}

/// Sets the field only when it is missing or null: the defaulting rule.
pub(crate) fn default(value: &mut Value, path: &str, to: impl Into<Value>) {
    let slot = slot(value, path);
    if slot.is_null() {
        *slot = to.into();
    }
}

pub(crate) fn annotate(value: &mut Value, key: &str, to: &str) {
    fields(slot(value, "/metadata/annotations")).insert(key.to_owned(), to.into());
}

/// Sets a label.
pub(crate) fn mark(value: &mut Value, key: &str, to: &str) {
    fields(slot(value, "/metadata/labels")).insert(key.to_owned(), to.into());
}

/// Removes a field of an object that may not exist.
pub(crate) fn unset(value: &mut Value, parent: &str, key: &str) {
    if let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.remove(key);
    }
}

pub(crate) fn has_finalizer(value: &Value, finalizer: &str) -> bool {
    items(value, "/metadata/finalizers").iter().any(|held| held == finalizer)
}

pub(crate) fn add_finalizer(value: &mut Value, finalizer: &str) {
    if !has_finalizer(value, finalizer) {
        let list = slot(value, "/metadata/finalizers");
        match list {
            Value::Array(list) => list.push(finalizer.into()),
            _ => *list = json!([finalizer]),
        }
    }
}

pub(crate) fn drop_finalizer(value: &mut Value, finalizer: &str) {
    if let Some(list) = value.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
        list.retain(|held| held != finalizer);
        if list.is_empty() {
            unset(value, "/metadata", "finalizers");
        }
    }
}

/// The owner that manages this object (`controller: true`).
pub(crate) fn controller(value: &Value) -> Option<&Value> {
    items(value, "/metadata/ownerReferences").iter().find(|owner| truth(owner, "/controller"))
}

/// A controlling owner reference to `owner`.
pub(crate) fn owned_by(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"],
        "name": name(owner), "uid": uid(owner), "controller": true, "blockOwnerDeletion": true,
    })
}

/// A reference as events and `claimRef` carry it.
pub(crate) fn reference(value: &Value) -> Value {
    let mut reference = json!({
        "apiVersion": value["apiVersion"], "kind": value["kind"], "name": name(value), "uid": uid(value),
        "resourceVersion": text(value, "/metadata/resourceVersion"),
    });
    if !namespace(value).is_empty() {
        set(&mut reference, "/namespace", namespace(value));
    }
    reference
}

/// A Kubernetes quantity in whole units (bytes for storage); 0 when it cannot be read.
///
/// Source: `k8s.io/apimachinery/pkg/api/resource`, the suffixes in use for storage.
pub(crate) fn quantity(text: &str) -> u64 {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => 0,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10_u64.saturating_pow(u32::try_from(fraction.len()).unwrap_or(u32::MAX));
    let fraction = fraction.parse::<u64>().unwrap_or(0).saturating_mul(unit) / scale;
    whole.parse::<u64>().unwrap_or(0).saturating_mul(unit).saturating_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_read_in_bytes() {
        assert_eq!(quantity("512Mi"), 512 << 20);
        assert_eq!(quantity("1.5Gi"), 3 << 29);
        assert_eq!(quantity("2G"), 2_000_000_000);
        assert_eq!(quantity("61743560"), 61_743_560);
        assert_eq!(quantity("much"), 0);
    }
}
