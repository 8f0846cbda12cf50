//! Events: what controllers tell people.
//!
//! A repeated event is counted, not repeated, as `client-go/tools/record` does.

use serde_json::{Value, json};

use super::Desk;
use crate::sim::clock::stamp;
use crate::sim::ids;
use crate::sim::kinds;
use crate::sim::object;
use crate::sim::store::Key;
use crate::sim::write::Part;

/// Says that something happened as it should.
pub(super) fn normal(desk: &mut Desk<'_, '_>, about: &Value, source: &str, reason: &str, message: &str) {
    record(desk, about, "Normal", source, reason, message);
}

/// Says that something went wrong.
pub(super) fn warning(desk: &mut Desk<'_, '_>, about: &Value, source: &str, reason: &str, message: &str) {
    record(desk, about, "Warning", source, reason, message);
}

fn record(desk: &mut Desk<'_, '_>, about: &Value, severity: &str, source: &str, reason: &str, message: &str) {
    // Events of cluster-scoped objects live in `default`.
    let namespace = if object::namespace(about).is_empty() { "default" } else { object::namespace(about) };
    let identity = format!("{}/{reason}/{message}", object::uid(about));
    let name = format!("{}.{}", object::name(about), &ids::hex(identity.as_bytes())[..16]);
    let key = Key::new("events", namespace, &name);
    let now = stamp(desk.now());
    if desk.get(&key).is_some() {
        let _ = desk.edit(&key, |event| {
            let count = object::number(event, "/count", 1);
            object::set(event, "/count", count + 1);
            object::set(event, "/lastTimestamp", now);
        });
        return;
    }
    let Some(kind) = kinds::by_plural("events") else {
        return;
    };
    let event = json!({
        "metadata": {"name": name}, "involvedObject": object::reference(about), "type": severity, "reason": reason, "message": message,
        "source": {"component": source}, "reportingComponent": source, "reportingInstance": "", "count": 1, "firstTimestamp": now, "lastTimestamp": now,
    });
    // An event that cannot be written (its namespace is going away) is lost, as on a real cluster.
    let _ = desk.writer.create(kind, namespace, event, Part::Wish);
}
