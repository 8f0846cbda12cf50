//! `VolumeSnapshot`s: the common snapshot controller.
//!
//! Class defaulting, content creation, binding, readiness and deletion as external-snapshotter v8
//! does them (`pkg/common-controller`); the storage side is in `snapshot_contents`.

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, events};
use crate::sim::clock::stamp;
use crate::sim::kinds;
use crate::sim::object::{self, annotation, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link, Object};
use crate::sim::write::{DeleteOptions, Part};

const SOURCE_CLAIM: &str = "snapshot.storage.kubernetes.io/pvc-as-source-protection";
const AS_SOURCE: &str = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
const BOUND: &str = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
const DEFAULT_CLASS: &str = "snapshot.storage.kubernetes.io/is-default-class";
pub(super) const CONTROLLER: &str = "snapshot-controller";

/// Why a snapshot cannot be taken now, and what to wait for.
struct Obstacle {
    reason: &'static str,
    message: String,
    on: Key,
}

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(snapshot) = desk.get(key) else {
        return Ok(Next::done());
    };
    let snapshot = &snapshot.value;
    if object::terminating(snapshot) {
        return remove(desk, key, snapshot);
    }
    desk.edit(key, |snapshot| {
        object::add_finalizer(snapshot, AS_SOURCE);
        object::add_finalizer(snapshot, BOUND);
    })?;
    let content_key = content_key(snapshot);
    match desk.get(&content_key) {
        Some(content) => follow(desk, key, snapshot, &content),
        None if is_static(snapshot) => {
            let message = format!("VolumeSnapshotContent {} is missing", content_key.name);
            fail(desk, key, snapshot, "SnapshotContentMissing", &message)?;
            Ok(Next::on(content_key))
        }
        None if !text(snapshot, "/status/boundVolumeSnapshotContentName").is_empty() => {
            fail(desk, key, snapshot, "SnapshotContentMissing", "VolumeSnapshotContent is missing")?;
            Ok(Next::on(content_key))
        }
        None => match new_content(desk, key, snapshot)? {
            Ok(()) => Ok(Next::done()),
            Err(obstacle) => {
                fail(desk, key, snapshot, obstacle.reason, &obstacle.message)?;
                Ok(Next::on(obstacle.on))
            }
        },
    }
}

fn is_static(snapshot: &Value) -> bool {
    !text(snapshot, "/spec/source/volumeSnapshotContentName").is_empty()
}

/// The content that belongs to a snapshot: named by the user, or after the snapshot's UID.
fn content_key(snapshot: &Value) -> Key {
    let named = text(snapshot, "/spec/source/volumeSnapshotContentName");
    let bound = text(snapshot, "/status/boundVolumeSnapshotContentName");
    let name = [named, bound].into_iter().find(|name| !name.is_empty());
    let own = format!("snapcontent-{}", object::uid(snapshot));
    Key::new("volumesnapshotcontents", "", name.unwrap_or(&own))
}

/// Asks the storage for a snapshot, by creating the content.
fn new_content(desk: &mut Desk<'_, '_>, key: &Key, snapshot: &Value) -> Result<Result<(), Obstacle>, Refusal> {
    let (class, volume) = match source(desk, key, snapshot) {
        Ok(found) => found,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let class = &class.value;
    if text(snapshot, "/spec/volumeSnapshotClassName").is_empty() {
        desk.edit(key, |snapshot| object::set(snapshot, "/spec/volumeSnapshotClassName", object::name(class)))?;
    }
    let claim =
        Key::new("persistentvolumeclaims", &key.namespace, text(snapshot, "/spec/source/persistentVolumeClaimName"));
    desk.edit(&claim, |claim| object::add_finalizer(claim, SOURCE_CLAIM))?;
    let Some(kind) = kinds::by_plural("volumesnapshotcontents") else {
        return Ok(Ok(()));
    };
    let content = json!({
        "metadata": {"name": content_key(snapshot).name, "finalizers": [super::snapshot_contents::PROTECTION]},
        "spec": {
            "deletionPolicy": class["deletionPolicy"], "driver": class["driver"], "volumeSnapshotClassName": object::name(class),
            "source": {"volumeHandle": volume.value["spec"]["csi"]["volumeHandle"]}, "sourceVolumeMode": volume.value["spec"]["volumeMode"],
            "volumeSnapshotRef": object::reference(snapshot),
        },
    });
    desk.writer.create(kind, "", content, Part::Wish)?;
    let message = format!("Waiting for a snapshot {}/{} to be created by the CSI driver.", key.namespace, key.name);
    events::normal(desk, snapshot, CONTROLLER, "CreatingSnapshot", &message);
    Ok(Ok(()))
}

/// The class and the volume of a new snapshot.
fn source(
    desk: &Desk<'_, '_>,
    key: &Key,
    snapshot: &Value,
) -> Result<(std::sync::Arc<Object>, std::sync::Arc<Object>), Obstacle> {
    let obstacle = |message: String, on: Key| Obstacle { reason: "SnapshotContentCreationFailed", message, on };
    let name = text(snapshot, "/spec/source/persistentVolumeClaimName");
    let claim_key = Key::new("persistentvolumeclaims", &key.namespace, name);
    let why = |why: &str| format!("Failed to create snapshot content with error {why}");
    let claim = desk.get(&claim_key).ok_or_else(|| {
        obstacle(
            why(&format!(
                "snapshot controller failed to update {} on API server: cannot get claim from snapshot",
                key.name
            )),
            claim_key.clone(),
        )
    })?;
    if text(&claim.value, "/status/phase") != "Bound" {
        return Err(obstacle(
            why(&format!("the PVC {name} is not yet bound to a PV, will not attempt to take a snapshot")),
            claim_key,
        ));
    }
    let volume_key = Key::new("persistentvolumes", "", text(&claim.value, "/spec/volumeName"));
    let volume =
        desk.get(&volume_key).ok_or_else(|| obstacle(why("failed to retrieve PV from the API server"), volume_key))?;
    let driver = text(&volume.value, "/spec/csi/driver");
    if driver.is_empty() {
        return Err(obstacle(
            why(&format!(
                "find CSI PersistentVolumeSource for PV {}: snapshotting non-CSI volumes is not supported",
                object::name(&volume.value)
            )),
            claim_key,
        ));
    }
    let class = class_of(desk, snapshot, driver).map_err(|(message, on)| obstacle(why(&message), on))?;
    Ok((class, volume))
}

/// The class named, or the one default class of the driver.
fn class_of(desk: &Desk<'_, '_>, snapshot: &Value, driver: &str) -> Result<std::sync::Arc<Object>, (String, Key)> {
    let named = text(snapshot, "/spec/volumeSnapshotClassName");
    let key = Key::new("volumesnapshotclasses", "", named);
    if !named.is_empty() {
        let why = format!(
            "failed to retrieve snapshot class {named} from the informer: volumesnapshotclass.snapshot.storage.k8s.io \"{named}\" not found"
        );
        return desk.get(&key).ok_or((why, key));
    }
    let mut classes = desk.writer.state.list(key.plural, None);
    classes
        .retain(|class| annotation(&class.value, DEFAULT_CLASS) == "true" && text(&class.value, "/driver") == driver);
    match classes.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(("cannot find default snapshot class".to_owned(), key)),
        many => Err((format!("{} default snapshot classes were found", many.len()), key)),
    }
}

/// Says on the snapshot that it cannot go on.
fn fail(desk: &mut Desk<'_, '_>, key: &Key, snapshot: &Value, reason: &str, message: &str) -> Result<(), Refusal> {
    events::warning(desk, snapshot, CONTROLLER, reason, message);
    let error = json!({"message": message, "time": stamp(desk.now())});
    desk.edit_status(key, |snapshot| {
        if text(snapshot, "/status/error/message") != message {
            object::set(snapshot, "/status/error", error);
        }
        object::set(snapshot, "/status/readyToUse", false);
    })
}

/// Binds a snapshot to its content and mirrors what the storage says.
fn follow(desk: &mut Desk<'_, '_>, key: &Key, snapshot: &Value, content: &Object) -> Outcome {
    let content_key = Key::of(content.kind, &content.value);
    let reference = &content.value["spec"]["volumeSnapshotRef"];
    let uid = text(reference, "/uid");
    if text(reference, "/name") != key.name
        || text(reference, "/namespace") != key.namespace
        || !["", object::uid(snapshot)].contains(&uid)
    {
        let message = format!("VolumeSnapshotContent {} is bound to a different snapshot", content_key.name);
        fail(desk, key, snapshot, "SnapshotMisbound", &message)?;
        return Ok(Next::on(content_key));
    }
    if uid.is_empty() {
        desk.edit(&content_key, |content| {
            object::set(content, "/spec/volumeSnapshotRef/uid", object::uid(snapshot));
            object::default(
                content,
                "/spec/volumeSnapshotClassName",
                snapshot["spec"]["volumeSnapshotClassName"].clone(),
            );
        })?;
    }
    let was_ready = object::truth(snapshot, "/status/readyToUse");
    let was_cut = !text(snapshot, "/status/creationTime").is_empty();
    let status = status(snapshot, &content.value);
    let ready = object::truth(&status, "/readyToUse");
    let cut = !text(&status, "/creationTime").is_empty();
    desk.edit_status(key, |snapshot| object::set(snapshot, "/status", status))?;
    if cut && !was_cut {
        let message = format!("Snapshot {}/{} was successfully created by the CSI driver.", key.namespace, key.name);
        events::normal(desk, snapshot, CONTROLLER, "SnapshotCreated", &message);
    }
    if ready && !was_ready {
        let message = format!("Snapshot {}/{} is ready to use.", key.namespace, key.name);
        events::normal(desk, snapshot, CONTROLLER, "SnapshotReady", &message);
    }
    Ok(Next::done())
}

/// The status a snapshot takes from its content; nanoseconds become a time.
fn status(snapshot: &Value, content: &Value) -> Value {
    let mut status = json!({
        "boundVolumeSnapshotContentName": object::name(content), "readyToUse": object::truth(content, "/status/readyToUse"),
    });
    let nanoseconds = object::number(content, "/status/creationTime", 0);
    if let Ok(at) = jiff::Timestamp::from_nanosecond(nanoseconds.into())
        && nanoseconds > 0
    {
        object::set(&mut status, "/creationTime", stamp(at));
    }
    if let Some(size) = content.pointer("/status/restoreSize").and_then(Value::as_u64) {
        object::set(&mut status, "/restoreSize", canonical(size));
    }
    if let Some(error) = content.pointer("/status/error").filter(|error| !error.is_null()) {
        object::set(&mut status, "/error", error.clone());
    }
    for field in ["volumeGroupSnapshotName"] {
        if let Some(value) = snapshot["status"].get(field) {
            object::set(&mut status, &format!("/{field}"), value.clone());
        }
    }
    status
}

/// Bytes as a quantity in its canonical binary form.
fn canonical(bytes: u64) -> String {
    let units = [("Ti", 1_u64 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let unit = units.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    unit.map_or_else(|| bytes.to_string(), |(unit, size)| format!("{}{unit}", bytes / size))
}

/// Deletes a snapshot: with policy Delete its content first.
fn remove(desk: &mut Desk<'_, '_>, key: &Key, snapshot: &Value) -> Outcome {
    if being_restored(desk, key) {
        let message = "Snapshot is being used to restore a PVC";
        events::warning(desk, snapshot, CONTROLLER, "SnapshotDeletePending", message);
        return Ok(Next::done());
    }
    let content_key = content_key(snapshot);
    let ours = desk
        .get(&content_key)
        .filter(|content| text(&content.value, "/spec/volumeSnapshotRef/uid") == object::uid(snapshot));
    if let Some(content) = ours {
        let deletes = text(&content.value, "/spec/deletionPolicy") == "Delete";
        desk.edit(&content_key, |content| object::annotate(content, super::snapshot_contents::BEING_DELETED, "yes"))?;
        if deletes {
            if !object::terminating(&content.value) {
                desk.writer.delete(content.kind, &content_key, &DeleteOptions::default())?;
            }
            // The content's removal brings the snapshot back here.
            if desk.get(&content_key).is_some() {
                return Ok(Next::on(content_key));
            }
        }
    }
    desk.edit(key, |snapshot| {
        object::drop_finalizer(snapshot, AS_SOURCE);
        object::drop_finalizer(snapshot, BOUND);
        object::drop_finalizer(snapshot, super::groups::IN_GROUP);
    })?;
    Ok(Next::done())
}

/// Whether a claim is just being provisioned from this snapshot (`isVolumeBeingCreatedFromSnapshot`).
fn being_restored(desk: &Desk<'_, '_>, key: &Key) -> bool {
    let claims = desk.writer.state.pointing_at(&Link::RestoreSource(key.namespace.clone(), key.name.clone()));
    claims.iter().filter_map(|claim| desk.get(claim)).any(|claim| text(&claim.value, "/status/phase") == "Pending")
}

/// Lets go of a claim when none of its snapshots still needs it.
pub(super) fn protect_source(desk: &mut Desk<'_, '_>, key: &Key, claim: &Value) -> Result<(), Refusal> {
    if !object::has_finalizer(claim, SOURCE_CLAIM) {
        return Ok(());
    }
    let snapshots = desk.writer.state.pointing_at(&Link::SnapshotSource(key.namespace.clone(), key.name.clone()));
    let unfinished = |snapshot: &Object| {
        !object::terminating(&snapshot.value) && !object::truth(&snapshot.value, "/status/readyToUse")
    };
    if snapshots.iter().filter_map(|snapshot| desk.get(snapshot)).any(|snapshot| unfinished(&snapshot)) {
        return Ok(());
    }
    desk.edit(key, |claim| object::drop_finalizer(claim, SOURCE_CLAIM))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn sizes_are_written_as_quantities() {
        assert_eq!(canonical(1 << 30), "1Gi");
        assert_eq!(canonical(3 << 29), "1536Mi");
        assert_eq!(canonical(61_743_560), "61743560");
        assert_eq!(canonical(0), "0");
    }
}
