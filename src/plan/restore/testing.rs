//! A restore point as the API server tells it, for tests.

use serde_json::{Value, json};

use crate::assess::testing::{DRIVER, ago, claim, cluster_meta, put, put_snapshot, snapshot, with_claim};
use crate::model::{Kind, Object, Policies, ReclaimPolicy, StorageClass, World};
use crate::plan::{Answers, ObjectAt};

/// Where the restore point is.
pub fn at() -> ObjectAt {
    ObjectAt::of(Kind::VolumeSnapshot, Some("shop"), "copy")
}

/// Where its content is.
pub fn content_at() -> ObjectAt {
    ObjectAt::of(Kind::Content, None, "content-copy")
}

/// Where the claim that was cut is.
pub fn claim_at() -> ObjectAt {
    ObjectAt::of(Kind::Pvc, Some("shop"), "data")
}

pub fn class(name: &str, driver: &str) -> StorageClass {
    StorageClass {
        meta: cluster_meta(name),
        provisioner: driver.into(),
        reclaim: ReclaimPolicy::Delete,
        ..StorageClass::default()
    }
}

/// A world with claim `data`, its restore point and the classes `fast`, `slow` (of the driver) and `nfs` (of another).
pub fn world() -> World {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    put_snapshot(&mut world, snapshot(&claim, "copy", ago(60)));
    let classes = [class("fast", DRIVER), class("slow", DRIVER), class("nfs", "nfs.csi")];
    put(&mut world, classes.map(Object::StorageClass));
    world
}

pub fn vs() -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": "copy", "uid": "uid-copy", "resourceVersion": "5" },
        "spec": { "source": { "persistentVolumeClaimName": "data" } },
        "status": {
            "boundVolumeSnapshotContentName": "content-copy", "creationTime": ago(60).to_string(),
            "readyToUse": true, "restoreSize": "1Gi",
        },
    })
}

pub fn vsc() -> Value {
    json!({
        "metadata": { "name": "content-copy", "uid": "uid-content" },
        "spec": {
            "driver": DRIVER, "deletionPolicy": "Delete", "sourceVolumeMode": "Filesystem",
            "source": { "volumeHandle": "handle-data" },
            "volumeSnapshotRef": { "namespace": "shop", "name": "copy", "uid": "uid-copy" },
        },
        "status": { "snapshotHandle": "snap-1", "readyToUse": true, "restoreSize": 1_073_741_824_u64 },
    })
}

pub fn pvc() -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "data", "uid": "uid-data", "resourceVersion": "42", "labels": { "app": "db" },
            "finalizers": ["kubernetes.io/pvc-protection"],
            "annotations": { "volume.kubernetes.io/selected-node": "node-a", "pv.kubernetes.io/bind-completed": "yes" },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeName": "pv-data",
            "volumeMode": "Filesystem", "resources": { "requests": { "storage": "1Gi" } },
        },
        "status": { "phase": "Bound", "capacity": { "storage": "1Gi" } },
    })
}

/// Answers with these objects.
pub fn answers(vs: Option<Value>, vsc: Option<Value>, pvc: Option<Value>) -> Answers {
    let objects = [(at(), Ok(vs)), (content_at(), Ok(vsc)), (claim_at(), Ok(pvc))];
    Answers { objects: objects.into(), who: "sre".into(), ..Answers::default() }
}

/// An object with a field changed.
pub fn with(mut object: Value, field: &str, value: Value) -> Value {
    let (parent, key) = field.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value;
    object
}
