//! Many finished volumes with a snapshot each.

use serde_json::{Value, json};

const DRIVER: &str = "block.csi.holdfast.dev";
/// Bytes of each volume, and the same as a quantity.
const SIZE: (u64, &str) = (1 << 30, "1Gi");

pub(super) fn objects(namespace: &str, count: usize) -> Vec<Value> {
    (0..count).flat_map(|number| one(namespace, number)).collect()
}

fn one(namespace: &str, number: usize) -> [Value; 4] {
    let name = format!("data-{number:05}");
    // UIDs only need to be unique; these cannot meet those the server makes (version 4).
    let uid = |kind: u8| format!("{number:08x}-0000-0000-0000-{kind:012x}");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name, "namespace": namespace, "uid": uid(1)});
    let [volume, content] = [format!("pvc-{}", uid(1)), format!("snapcontent-{}", uid(3))];
    [
        claim_object(&claim, &volume),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": volume, "uid": uid(2), "annotations": {"pv.kubernetes.io/provisioned-by": DRIVER},
                "finalizers": ["external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-protection"],
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": SIZE.1}, "claimRef": claim, "storageClassName": "block",
                "persistentVolumeReclaimPolicy": "Delete", "csi": {"driver": DRIVER, "volumeHandle": volume},
            },
            "status": {"phase": "Bound"},
        }),
        snapshot_object(&name, namespace, &uid(3), &content),
        content_object(&name, namespace, &uid(3), &content, &volume),
    ]
}

fn claim_object(claim: &Value, volume: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim["name"], "namespace": claim["namespace"], "uid": claim["uid"],
            "annotations": {
                "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
                "volume.kubernetes.io/storage-provisioner": DRIVER,
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "block", "volumeName": volume,
            "resources": {"requests": {"storage": SIZE.1}},
        },
        "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": SIZE.1}},
    })
}

fn snapshot_object(claim: &str, namespace: &str, uid: &str, content: &str) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {
            "name": format!("{claim}-nightly"), "namespace": namespace, "uid": uid,
            "finalizers": [
                "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection",
                "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
            ],
        },
        "spec": {"source": {"persistentVolumeClaimName": claim}, "volumeSnapshotClassName": "block"},
        "status": {
            "boundVolumeSnapshotContentName": content, "readyToUse": true, "restoreSize": SIZE.1, "creationTime": CUT.1,
        },
    })
}

/// When the snapshots were cut, in nanoseconds and as a time: always the same, and always in the past.
const CUT: (u64, &str) = (1_767_225_600_000_000_000, "2026-01-01T00:00:00Z");

fn content_object(claim: &str, namespace: &str, uid: &str, content: &str, volume: &str) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
        "metadata": {
            "name": content, "finalizers": ["snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"],
        },
        "spec": {
            "deletionPolicy": "Delete", "driver": DRIVER, "source": {"volumeHandle": volume}, "sourceVolumeMode": "Filesystem",
            "volumeSnapshotClassName": "block",
            "volumeSnapshotRef": {
                "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
                "name": format!("{claim}-nightly"), "namespace": namespace, "uid": uid,
            },
        },
        "status": {
            "snapshotHandle": content.replacen("snapcontent-", "snapshot-", 1), "creationTime": CUT.0, "readyToUse": true,
            "restoreSize": SIZE.0,
        },
    })
}
