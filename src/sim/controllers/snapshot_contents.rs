//! `VolumeSnapshotContent`s: the csi-snapshotter sidecar and the driver behind it.
//!
//! Cuts the copy, reports its handle, time and size, deletes it when the policy says so, and goes
//! wrong on order (see `faults`). Source: external-snapshotter v8 `pkg/sidecar-controller`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Desk, Next, Outcome, events};
use crate::sim::clock::{later, stamp};
use crate::sim::faults::SnapshotFault;
use crate::sim::object::{self, number, quantity, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link};
use crate::sim::volumes::Facts;

pub(super) const PROTECTION: &str = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
pub(super) const BEING_DELETED: &str = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted";
/// The sidecar starts at one second and doubles; one step is enough to see a retry.
const RETRY: Duration = Duration::from_secs(2);

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(content) = desk.get(key) else {
        return Ok(Next::done());
    };
    let content = &content.value;
    if object::terminating(content) {
        return remove(desk, key, content);
    }
    desk.edit(key, |content| object::add_finalizer(content, PROTECTION))?;
    if !text(content, "/spec/source/snapshotHandle").is_empty() {
        return import(desk, key, content);
    }
    if text(content, "/status/snapshotHandle").is_empty() {
        return cut(desk, key, content);
    }
    if object::truth(content, "/status/readyToUse") {
        return Ok(Next::done());
    }
    ripen(desk, key, content)
}

/// The claim a content was taken of, found by the volume: faults are ordered by its name.
fn source_claim(desk: &Desk<'_, '_>, content: &Value) -> Option<String> {
    let snapshot = Key::new(
        "volumesnapshots",
        text(content, "/spec/volumeSnapshotRef/namespace"),
        text(content, "/spec/volumeSnapshotRef/name"),
    );
    let snapshot = desk.get(&snapshot)?;
    Some(text(&snapshot.value, "/spec/source/persistentVolumeClaimName").to_owned())
}

fn cut(desk: &mut Desk<'_, '_>, key: &Key, content: &Value) -> Outcome {
    // The failed attempt was a write, and writes bring a key here at once.
    if let Ok(failed) = text(content, "/status/error/time").parse::<Timestamp>()
        && later(failed, RETRY) > desk.now()
    {
        return Ok(Next::at(later(failed, RETRY)));
    }
    let claim = source_claim(desk, content).unwrap_or_default();
    let fault = desk.cluster.faults.take(&claim);
    let error = match fault {
        Some(SnapshotFault::ErrorOnce | SnapshotFault::ErrorAlways) => {
            Some("rpc error: code = Internal desc = snapshot failed as ordered")
        }
        Some(SnapshotFault::Refuses) => {
            Some("rpc error: code = InvalidArgument desc = this volume cannot be snapshotted")
        }
        _ => None,
    };
    if let Some(error) = error {
        fail(desk, key, content, error)?;
        return Ok(Next::at(later(desk.now(), RETRY)));
    }
    let volume = text(content, "/spec/source/volumeHandle");
    let handle = key.name.replacen("snapcontent-", "snapshot-", 1);
    desk.cluster.volumes.cut(&[(volume.to_owned(), handle.clone())]);
    let size = match fault {
        Some(SnapshotFault::WrongSize(bytes)) => bytes,
        _ => volume_size(desk, content),
    };
    let ready = !matches!(fault, Some(SnapshotFault::ReadyAfter(_) | SnapshotFault::NeverReady));
    let created = i64::try_from(desk.now().as_nanosecond()).unwrap_or(i64::MAX);
    desk.cluster.volumes.note(&handle, Facts { cut: created, size });
    desk.edit_status(key, |content| {
        object::set(
            content,
            "/status",
            json!({"snapshotHandle": handle, "creationTime": created, "readyToUse": ready, "restoreSize": size}),
        );
    })?;
    // Written back, it comes here again and waits until it is ready.
    Ok(Next::done())
}

/// Capacity of the volume with the content's handle.
fn volume_size(desk: &Desk<'_, '_>, content: &Value) -> u64 {
    let snapshot = Key::new(
        "volumesnapshots",
        text(content, "/spec/volumeSnapshotRef/namespace"),
        text(content, "/spec/volumeSnapshotRef/name"),
    );
    let claim = source_claim(desk, content).unwrap_or_default();
    let volumes = desk.writer.state.pointing_at(&Link::ClaimRef(snapshot.namespace, claim));
    let volume = volumes.iter().filter_map(|key| desk.get(key));
    volume.map(|volume| quantity(text(&volume.value, "/spec/capacity/storage"))).max().unwrap_or(0)
}

/// A snapshot that is cut but not ready: it becomes so when the order says.
fn ripen(desk: &mut Desk<'_, '_>, key: &Key, content: &Value) -> Outcome {
    let claim = source_claim(desk, content).unwrap_or_default();
    let wait = match desk.cluster.faults.standing(&claim) {
        Some(SnapshotFault::NeverReady) => return Ok(Next::done()),
        Some(SnapshotFault::ReadyAfter(wait)) => wait,
        _ => Duration::ZERO,
    };
    let cut = Timestamp::from_nanosecond(number(content, "/status/creationTime", 0).into()).unwrap_or(desk.now());
    let ready = later(cut, wait);
    if ready > desk.now() {
        return Ok(Next::at(ready));
    }
    desk.edit_status(key, |content| object::set(content, "/status/readyToUse", true))?;
    Ok(Next::done())
}

fn fail(desk: &mut Desk<'_, '_>, key: &Key, content: &Value, error: &str) -> Result<(), Refusal> {
    let driver = text(content, "/spec/driver");
    let message = format!(
        "Failed to create snapshot: failed to take snapshot of the volume {}: \"{error}\"",
        text(content, "/spec/source/volumeHandle")
    );
    events::warning(desk, content, &format!("csi-snapshotter {driver}"), "SnapshotCreationFailed", &message);
    let error = json!({"message": message, "time": stamp(desk.now())});
    desk.edit_status(key, |content| {
        object::set(content, "/status/error", error);
        object::set(content, "/status/readyToUse", false);
    })
}

/// A content that brings its own snapshot handle: the storage is asked whether it has it.
fn import(desk: &mut Desk<'_, '_>, key: &Key, content: &Value) -> Outcome {
    let handle = text(content, "/spec/source/snapshotHandle");
    if !text(content, "/status/snapshotHandle").is_empty() {
        return Ok(Next::done());
    }
    if !desk.cluster.volumes.has_snapshot(handle) {
        let error = format!(
            "Failed to check and update snapshot content: failed to list snapshot for content {}: \"rpc error: code = NotFound desc = snapshot {handle} does not exist\"",
            key.name
        );
        events::warning(desk, content, "csi-snapshotter", "SnapshotContentCheckandUpdateFailed", &error);
        let error = json!({"message": error, "time": stamp(desk.now())});
        desk.edit_status(key, |content| {
            object::set(content, "/status/error", error);
            object::set(content, "/status/readyToUse", false);
        })?;
        return Ok(Next::at(later(desk.now(), RETRY)));
    }
    let now = i64::try_from(desk.now().as_nanosecond()).unwrap_or(i64::MAX);
    let facts = desk.cluster.volumes.facts(handle);
    let Facts { cut: created, size } =
        facts.unwrap_or_else(|| Facts { cut: now, size: original_size(desk, key, handle) });
    desk.edit_status(key, |content| {
        object::set(
            content,
            "/status",
            json!({"snapshotHandle": handle, "creationTime": created, "readyToUse": true, "restoreSize": size}),
        );
    })?;
    Ok(Next::done())
}

/// The size another content reports for the same handle.
fn original_size(desk: &Desk<'_, '_>, key: &Key, handle: &str) -> u64 {
    let contents = desk.writer.state.list(key.plural, None);
    let same = contents.iter().find(|other| text(&other.value, "/status/snapshotHandle") == handle);
    same.and_then(|other| other.value.pointer("/status/restoreSize").and_then(Value::as_u64)).unwrap_or(0)
}

/// Deletes a content, and the snapshot in the storage when the policy says so.
fn remove(desk: &mut Desk<'_, '_>, key: &Key, content: &Value) -> Outcome {
    let reference = &content["spec"]["volumeSnapshotRef"];
    let owner = Key::new("volumesnapshots", text(reference, "/namespace"), text(reference, "/name"));
    let bound = desk.get(&owner).is_some_and(|snapshot| {
        object::uid(&snapshot.value) == text(reference, "/uid") && !object::terminating(&snapshot.value)
    });
    if bound {
        // A content in use stays until its snapshot is deleted.
        return Ok(Next::on(owner));
    }
    let never_bound = text(reference, "/uid").is_empty();
    let released = !object::annotation(content, BEING_DELETED).is_empty() || never_bound;
    if text(content, "/spec/deletionPolicy") == "Delete" && released {
        desk.cluster.volumes.delete_snapshot(text(content, "/status/snapshotHandle"));
    }
    desk.edit(key, |content| object::drop_finalizer(content, PROTECTION))?;
    Ok(Next::done())
}
