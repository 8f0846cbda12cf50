//! Snapshots and contents as answers carry them, as the nouns that judgements are made of.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{
    ClaimRef, Content, ContentSource, DeletionPolicy, Meta, SnapshotSource, Uid, VolumeError, VolumeSnapshot,
    annotation,
};
use crate::text::quantity;

/// A text of an object; `None` when it is absent or empty.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.pointer(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An annotation of an object.
pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// Bytes, written as a quantity or as a number. Some drivers report 0 for "not known".
pub(super) fn bytes(object: &Value, field: &str) -> Option<u64> {
    let value = object.pointer(field)?;
    value.as_u64().or_else(|| quantity::parse_bytes(value.as_str()?)).filter(|bytes| *bytes > 0)
}

/// A VolumeSnapshot.
pub(super) fn snapshot(object: &Value) -> VolumeSnapshot {
    let source = match (
        text(object, "/spec/source/persistentVolumeClaimName"),
        text(object, "/spec/source/volumeSnapshotContentName"),
    ) {
        (Some(claim), _) => SnapshotSource::Claim(claim.into()),
        (None, Some(content)) => SnapshotSource::Content(content.into()),
        (None, None) => SnapshotSource::Unset,
    };
    VolumeSnapshot {
        meta: meta(object),
        source,
        class: shared(object, "/spec/volumeSnapshotClassName"),
        content: shared(object, "/status/boundVolumeSnapshotContentName"),
        cut: time(object, "/status/creationTime"),
        ready: object.pointer("/status/readyToUse").and_then(Value::as_bool),
        restore_size: bytes(object, "/status/restoreSize"),
        error: error(object),
        group: shared(object, "/status/volumeGroupSnapshotName"),
    }
}

/// A VolumeSnapshotContent.
pub(super) fn content(object: &Value) -> Content {
    let source = match (text(object, "/spec/source/volumeHandle"), text(object, "/spec/source/snapshotHandle")) {
        (Some(handle), _) => ContentSource::Volume(handle.into()),
        (None, Some(handle)) => ContentSource::Snapshot(handle.into()),
        (None, None) => ContentSource::Unset,
    };
    let deletion = match text(object, "/spec/deletionPolicy") {
        Some("Delete") => DeletionPolicy::Delete,
        Some("Retain") => DeletionPolicy::Retain,
        _ => DeletionPolicy::Unknown,
    };
    let back = object.pointer("/spec/volumeSnapshotRef").map(|back| ClaimRef {
        namespace: text(back, "/namespace").unwrap_or_default().into(),
        name: text(back, "/name").unwrap_or_default().into(),
        uid: text(back, "/uid").map(Uid::from),
    });
    // Nanoseconds since 1970, unlike every other time of the API.
    let cut = object.pointer("/status/creationTime").and_then(Value::as_i64);
    Content {
        meta: meta(object),
        driver: text(object, "/spec/driver").unwrap_or_default().into(),
        source,
        deletion,
        snapshot: back,
        handle: shared(object, "/status/snapshotHandle"),
        cut: cut.and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds.into()).ok()),
        ready: object.pointer("/status/readyToUse").and_then(Value::as_bool),
        restore_size: bytes(object, "/status/restoreSize"),
        error: error(object),
    }
}

fn meta(object: &Value) -> Meta {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let finalizers = finalizers.into_iter().flatten().filter_map(Value::as_str).map(Box::from);
    let lineage = annotation(object, annotation::LINEAGE).map(|lineage| (annotation::LINEAGE, lineage.into()));
    Meta {
        namespace: shared(object, "/metadata/namespace"),
        name: text(object, "/metadata/name").unwrap_or_default().into(),
        uid: text(object, "/metadata/uid").map(Uid::from),
        resource_version: text(object, "/metadata/resourceVersion").unwrap_or_default().into(),
        created: time(object, "/metadata/creationTimestamp"),
        deleting: time(object, "/metadata/deletionTimestamp"),
        annotations: lineage.into_iter().collect(),
        finalizers: finalizers.collect(),
        ..Meta::default()
    }
}

fn shared(object: &Value, field: &str) -> Option<Arc<str>> {
    text(object, field).map(Arc::from)
}

fn time(object: &Value, field: &str) -> Option<Timestamp> {
    text(object, field)?.parse().ok()
}

fn error(object: &Value) -> Option<VolumeError> {
    let message = text(object, "/status/error/message")?;
    Some(VolumeError { at: time(object, "/status/error/time"), message: message.into() })
}
