//! Objects that scenarios create.

use serde_json::{Value, json};

pub const SNAPSHOTS: &str = "snapshot.storage.k8s.io/v1";

pub fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// A claim of the class whose volumes are attached before use.
pub fn claim(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "block",
            "resources": { "requests": { "storage": "64Mi" } },
        },
    })
}

pub fn snapshot(namespace: &str, name: &str, claim: &str) -> Value {
    json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshot",
        "metadata": { "namespace": namespace, "name": name },
        "spec": { "volumeSnapshotClassName": "block", "source": { "persistentVolumeClaimName": claim } },
    })
}

/// A content that imports a copy by its handle, for a snapshot of this namespace and name; it keeps the copy.
pub fn imported_content(name: &str, (namespace, snapshot): (&str, &str), driver: &str, handle: &str) -> Value {
    json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshotContent", "metadata": { "name": name },
        "spec": {
            "deletionPolicy": "Retain", "driver": driver, "sourceVolumeMode": "Filesystem",
            "source": { "snapshotHandle": handle },
            "volumeSnapshotRef": { "namespace": namespace, "name": snapshot },
        },
    })
}

/// The snapshot of such a content.
pub fn imported(namespace: &str, name: &str, content: &str) -> Value {
    json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshot",
        "metadata": { "namespace": namespace, "name": name },
        "spec": { "source": { "volumeSnapshotContentName": content } },
    })
}

/// A pod that mounts a claim.
pub fn pod(namespace: &str, name: &str, claim: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "containers": [{
                "name": "main", "image": "registry.example/reader:1",
                "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
            }],
            "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }],
        },
    })
}

/// A class that binds a claim when its first pod is scheduled.
pub fn patient_class(name: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": name },
        "provisioner": "block.csi.holdfast.dev", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
    })
}

/// A StatefulSet with a claim per pod: `data-NAME-0` of pod `NAME-0`.
pub fn stateful_set(namespace: &str, name: &str, replicas: u32) -> Value {
    let mut template = claim(namespace, "data");
    template["metadata"] = json!({ "name": "data", "labels": { "tier": "gold" } });
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "serviceName": name, "replicas": replicas, "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "db", "image": "registry.example/postgres:15.8",
                        "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
                    }],
                },
            },
            "volumeClaimTemplates": [{ "metadata": template["metadata"], "spec": template["spec"] }],
        },
    })
}

/// A Deployment of one pod that mounts a claim.
pub fn deployment(namespace: &str, name: &str, claim: &str) -> Value {
    let pod = pod(namespace, name, claim);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": pod["spec"] },
        },
    })
}

/// A CronJob whose pods mount a claim; it does not come due.
pub fn cron_job(namespace: &str, name: &str, claim: &str) -> Value {
    let mut pod = pod(namespace, name, claim)["spec"].clone();
    pod["restartPolicy"] = json!("Never");
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": { "namespace": namespace, "name": name },
        "spec": { "schedule": "0 0 29 2 *", "jobTemplate": { "spec": { "template": { "spec": pod } } } },
    })
}

/// A class of a driver that is not its default.
pub fn snapshot_class(name: &str, driver: &str) -> Value {
    json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshotClass",
        "metadata": { "name": name }, "driver": driver, "deletionPolicy": "Delete",
    })
}

/// A Secret of type kubernetes.io/tls with these bytes.
pub fn tls_secret(namespace: &str, name: &str, certificate: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "namespace": namespace, "name": name },
        "stringData": { "tls.crt": certificate, "tls.key": key },
    })
}
