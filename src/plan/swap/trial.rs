//! The pod that tries a restored volume: it mounts it where the application's pods may run, and writes nothing.

use serde_json::{Map, Value, json};

use super::consumers::Consumers;
use super::steps;
use crate::plan::{ObjectAt, OperationId};

/// The pod. A file system that was cut while in use needs its journal replayed, so it is mounted for writing.
pub(super) fn pod(
    at: &ObjectAt,
    id: &OperationId,
    image: &str,
    block: bool,
    consumers: &Consumers,
    former: &Value,
) -> Value {
    let mut container = json!({
        "name": "trial", "image": image,
        "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "runAsNonRoot": true,
            "runAsUser": 65535, "readOnlyRootFilesystem": true, "seccompProfile": { "type": "RuntimeDefault" },
        },
        "resources": { "requests": { "cpu": "10m", "memory": "16Mi" }, "limits": { "cpu": "100m", "memory": "32Mi" } },
    });
    if block {
        container["volumeDevices"] = json!([{ "name": "data", "devicePath": "/dev/restored" }]);
    } else {
        container["volumeMounts"] = json!([{ "name": "data", "mountPath": "/restored" }]);
    }
    let mut spec = json!({
        "containers": [container],
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": at.name } }],
        "automountServiceAccountToken": false, "enableServiceLinks": false, "terminationGracePeriodSeconds": 1,
        "restartPolicy": "Always",
    });
    let template = consumers.workloads.first().and_then(|workload| workload.object.pointer("/spec/template/spec"));
    for field in ["nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"] {
        if let Some(value) = template.and_then(|template| template.get(field)) {
            spec[field] = value.clone();
        }
    }
    // A class that waits for its first consumer makes the volume where this pod goes: where the old one could be used.
    let place = former.pointer("/spec/nodeAffinity/required").cloned();
    let place =
        place.map(|terms| json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms } }));
    let own = template
        .and_then(|template| template.pointer("/affinity/nodeAffinity"))
        .map(|own| json!({ "nodeAffinity": own }));
    if let Some(affinity) = place.or(own) {
        spec["affinity"] = affinity;
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": steps::metadata(at, id, "try", Map::new()), "spec": spec })
}
