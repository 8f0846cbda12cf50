//! `VolumeGroupSnapshot`s: all claims of a selector, cut at one moment.
//!
//! Names and references as external-snapshotter v8 makes them; a member cannot outlive its group.

use std::sync::Arc;

use serde_json::{Value, json};

use super::snapshots::CONTROLLER;
use super::{Desk, Next, Outcome, events, snapshot_contents};
use crate::sim::clock::stamp;
use crate::sim::ids;
use crate::sim::kinds;
use crate::sim::object::{self, quantity, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link, Object};
use crate::sim::write::{DeleteOptions, Part};

pub(super) const IN_GROUP: &str = "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection";
const BOUND: &str = "groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-bound-protection";
const DEFAULT_CLASS: &str = "groupsnapshot.storage.kubernetes.io/is-default-class";

/// One claim of a group, with its volume.
struct Member {
    claim: Arc<Object>,
    volume: Arc<Object>,
    /// Handle of its copy; also what its snapshot and content are named after.
    handle: String,
}

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(group) = desk.get(key) else {
        return Ok(Next::done());
    };
    let group = &group.value;
    if object::terminating(group) {
        return remove(desk, key, group);
    }
    if !text(group, "/status/boundVolumeGroupSnapshotContentName").is_empty() {
        return Ok(Next::done());
    }
    desk.edit(key, |group| object::add_finalizer(group, BOUND))?;
    match prepare(desk, key, group) {
        Ok((class, members)) => take(desk, key, group, &class.value, &members),
        Err(why) => {
            events::warning(desk, group, CONTROLLER, "GroupSnapshotContentCreationFailed", &why);
            let error = json!({"message": why, "time": stamp(desk.now())});
            if text(group, "/status/error/message") != why {
                desk.edit_status(key, |group| {
                    object::set(group, "/status", json!({"error": error, "readyToUse": false}));
                })?;
            }
            Ok(Next::at(crate::sim::clock::later(desk.now(), super::RETRY)))
        }
    }
}

/// The class and the members of a group, or why it cannot be taken.
fn prepare(desk: &Desk<'_, '_>, key: &Key, group: &Value) -> Result<(Arc<Object>, Vec<Member>), String> {
    let wanted = group.pointer("/spec/source/selector/matchLabels").and_then(Value::as_object);
    let fits = |claim: &Value| {
        wanted.is_some_and(|wanted| {
            wanted.iter().all(|(label, value)| object::label(claim, label) == value.as_str().unwrap_or_default())
        })
    };
    let mut claims = desk.writer.state.list("persistentvolumeclaims", Some(&key.namespace));
    claims.retain(|claim| fits(&claim.value));
    if claims.is_empty() {
        return Err("no PVCs were found that match the label selector of the group snapshot".to_owned());
    }
    let mut members = Vec::new();
    for claim in claims {
        let name = object::name(&claim.value);
        let volume = desk.get(&Key::new("persistentvolumes", "", text(&claim.value, "/spec/volumeName")));
        let volume = volume.ok_or_else(|| {
            format!("the PVC {name} is not yet bound to a PV, will not attempt to take a group snapshot")
        })?;
        let identity = format!("{}{}", object::uid(group), text(&volume.value, "/spec/csi/volumeHandle"));
        let handle = format!("snapshot-{}", &ids::hex(identity.as_bytes()));
        members.push(Member { claim, volume, handle });
    }
    let driver = text(&members[0].volume.value, "/spec/csi/driver").to_owned();
    if members.iter().any(|member| text(&member.volume.value, "/spec/csi/driver") != driver) {
        return Err("all PVCs of a group snapshot must be provisioned by the same CSI driver".to_owned());
    }
    let named = text(group, "/spec/volumeGroupSnapshotClassName");
    let mut classes = desk.writer.state.list("volumegroupsnapshotclasses", None);
    classes.retain(|class| {
        if named.is_empty() {
            object::annotation(&class.value, DEFAULT_CLASS) == "true"
        } else {
            object::name(&class.value) == named
        }
    });
    classes.retain(|class| text(&class.value, "/driver") == driver);
    match classes.as_slice() {
        [one] => Ok((Arc::clone(one), members)),
        [] => Err("cannot find a group snapshot class for the driver".to_owned()),
        many => Err(format!("{} default group snapshot classes were found", many.len())),
    }
}

fn take(desk: &mut Desk<'_, '_>, key: &Key, group: &Value, class: &Value, members: &[Member]) -> Outcome {
    let pairs: Vec<(String, String)> = members
        .iter()
        .map(|member| (text(&member.volume.value, "/spec/csi/volumeHandle").to_owned(), member.handle.clone()))
        .collect();
    desk.cluster.volumes.cut(&pairs);
    let content = format!("groupsnapcontent-{}", object::uid(group));
    new_group_content(desk, group, class, &content, members)?;
    for member in members {
        new_member(desk, group, class, member)?;
    }
    let status =
        json!({"boundVolumeGroupSnapshotContentName": content, "creationTime": stamp(desk.now()), "readyToUse": true});
    if text(group, "/spec/volumeGroupSnapshotClassName").is_empty() {
        desk.edit(key, |group| object::set(group, "/spec/volumeGroupSnapshotClassName", object::name(class)))?;
    }
    desk.edit_status(key, |group| object::set(group, "/status", status))?;
    Ok(Next::done())
}

fn new_group_content(
    desk: &mut Desk<'_, '_>,
    group: &Value,
    class: &Value,
    name: &str,
    members: &[Member],
) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("volumegroupsnapshotcontents") else {
        return Ok(());
    };
    let created = stamp(desk.now());
    let handles: Vec<&str> =
        members.iter().map(|member| text(&member.volume.value, "/spec/csi/volumeHandle")).collect();
    let infos: Vec<Value> = members
        .iter()
        .map(|member| json!({"snapshotHandle": member.handle, "volumeHandle": member.volume.value["spec"]["csi"]["volumeHandle"], "readyToUse": true, "restoreSize": size(member)}))
        .collect();
    let content = json!({
        "metadata": {"name": name},
        "spec": {
            "deletionPolicy": class["deletionPolicy"], "driver": class["driver"], "source": {"volumeHandles": handles},
            "volumeGroupSnapshotClassName": object::name(class), "volumeGroupSnapshotRef": object::reference(group),
        },
        "status": {"creationTime": created, "readyToUse": true, "volumeGroupSnapshotHandle": name.replacen("groupsnapcontent-", "group-", 1), "volumeSnapshotInfoList": infos},
    });
    desk.writer.create(kind, "", content, Part::All).map(drop)
}

fn size(member: &Member) -> u64 {
    quantity(text(&member.volume.value, "/spec/capacity/storage"))
}

/// The snapshot and content of one member.
fn new_member(desk: &mut Desk<'_, '_>, group: &Value, class: &Value, member: &Member) -> Result<(), Refusal> {
    let (Some(snapshots), Some(contents)) =
        (kinds::by_plural("volumesnapshots"), kinds::by_plural("volumesnapshotcontents"))
    else {
        return Ok(());
    };
    let content = member.handle.replacen("snapshot-", "snapcontent-", 1);
    let created = i64::try_from(desk.now().as_nanosecond()).unwrap_or(i64::MAX);
    let mut owner = object::owned_by(group);
    owner["controller"] = false.into();
    let snapshot = json!({
        "metadata": {"name": member.handle, "finalizers": [IN_GROUP], "ownerReferences": [owner]},
        "spec": {"source": {"persistentVolumeClaimName": object::name(&member.claim.value)}},
        "status": {"boundVolumeSnapshotContentName": content, "volumeGroupSnapshotName": object::name(group), "readyToUse": false},
    });
    let snapshot = desk.writer.create(snapshots, object::namespace(group), snapshot, Part::All)?;
    let content = json!({
        "metadata": {"name": content, "finalizers": [snapshot_contents::PROTECTION]},
        "spec": {
            "deletionPolicy": class["deletionPolicy"], "driver": class["driver"], "sourceVolumeMode": member.volume.value["spec"]["volumeMode"],
            "source": {"volumeHandle": member.volume.value["spec"]["csi"]["volumeHandle"]}, "volumeSnapshotRef": object::reference(&snapshot.value),
        },
        "status": {
            "snapshotHandle": member.handle, "creationTime": created, "readyToUse": true, "restoreSize": size(member),
            "volumeGroupSnapshotHandle": format!("group-{}", object::uid(group)),
        },
    });
    desk.writer.create(contents, "", content, Part::All).map(drop)
}

/// Members first, then the group's content, then the group.
fn remove(desk: &mut Desk<'_, '_>, key: &Key, group: &Value) -> Outcome {
    let members = desk.writer.state.pointing_at(&Link::Owner(object::uid(group).to_owned()));
    for member in &members {
        if let Some(snapshot) = desk.get(member)
            && !object::terminating(&snapshot.value)
        {
            desk.writer.delete(snapshot.kind, member, &DeleteOptions::default())?;
        }
    }
    // A deleted member brings its owner back here only as a controller; so wait for each.
    let left = desk.writer.state.pointing_at(&Link::Owner(object::uid(group).to_owned()));
    if !left.is_empty() {
        return Ok(Next { at: None, on: left });
    }
    let content =
        Key::new("volumegroupsnapshotcontents", "", text(group, "/status/boundVolumeGroupSnapshotContentName"));
    if let Some(content_object) = desk.get(&content)
        && text(&content_object.value, "/spec/deletionPolicy") == "Delete"
    {
        desk.writer.delete(content_object.kind, &content, &DeleteOptions::default())?;
    }
    desk.edit(key, |group| object::drop_finalizer(group, BOUND))?;
    Ok(Next::done())
}
