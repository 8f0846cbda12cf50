//! Nodes: a bare one becomes Ready, as in the lab.

use serde_json::{Value, json};

use super::{Desk, Next, Outcome};
use crate::sim::clock::stamp;
use crate::sim::object::{self, items, text};
use crate::sim::store::{Key, State};

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(node) = desk.get(key) else {
        return Ok(Next::done());
    };
    if !items(&node.value, "/status/conditions").is_empty() {
        return Ok(Next::done());
    }
    let now = stamp(desk.now());
    let room = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
    let status = json!({
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        }],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": key.name}],
        "capacity": room, "allocatable": room, "phase": "Running",
        "nodeInfo": {"kubeletVersion": "v1.36.3", "operatingSystem": "linux", "architecture": "amd64", "containerRuntimeVersion": "sim://1"},
    });
    desk.edit_status(key, |node| object::set(node, "/status", status))?;
    Ok(Next::done())
}

/// A node for a pod: always the same one for a name, so that runs can be compared.
pub(super) fn pick(state: &State, pod: &str) -> Option<String> {
    let ready = |node: &Value| {
        !object::truth(node, "/spec/unschedulable")
            && items(node, "/status/conditions")
                .iter()
                .any(|it| text(it, "/type") == "Ready" && text(it, "/status") == "True")
    };
    let nodes: Vec<String> = state
        .list("nodes", None)
        .iter()
        .filter(|node| ready(&node.value))
        .map(|node| object::name(&node.value).to_owned())
        .collect();
    let sum: usize = pod.bytes().map(usize::from).sum();
    nodes.get(sum % nodes.len().max(1)).cloned()
}
