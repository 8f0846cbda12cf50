//! Pods: scheduler and kubelet in one. A pod whose claims are bound gets a node and runs.
//!
//! No image is pulled and no probe is run; what a container does is scripted (see `exec`).

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, RETRY, checks, nodes};
use crate::sim::clock::{later, stamp};
use crate::sim::ids;
use crate::sim::kinds;
use crate::sim::object::{self, items, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::Key;
use crate::sim::write::{DeleteOptions, Part};

/// How the scheduler tells the provisioner where a volume is wanted.
pub(super) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(pod) = desk.get(key) else {
        return Ok(Next::done());
    };
    let value = &pod.value;
    if object::terminating(value) {
        let at_once = DeleteOptions { at_once: true, ..DeleteOptions::default() };
        if items(value, "/metadata/finalizers").is_empty() {
            desk.writer.delete(pod.kind, key, &at_once)?;
        }
        return Ok(Next::done());
    }
    if text(value, "/spec/nodeName").is_empty() {
        return schedule(desk, key, value);
    }
    if text(value, "/status/phase") == "Pending" {
        start(desk, key, value)?;
    }
    Ok(Next::done())
}

/// Whether a pod still uses its volumes: a finished one does not (pvc-protection).
pub(super) fn is_using(pod: &Value) -> bool {
    !["Succeeded", "Failed"].contains(&text(pod, "/status/phase"))
}

fn schedule(desk: &mut Desk<'_, '_>, key: &Key, pod: &Value) -> Outcome {
    let Some(node) = nodes::pick(desk.writer.state, &key.name) else {
        unschedulable(desk, key, "0/0 nodes are available")?;
        return Ok(Next::at(later(desk.now(), RETRY)));
    };
    let mut missing = Vec::new();
    for claim in claims(pod) {
        let claim_key = Key::new("persistentvolumeclaims", &key.namespace, claim);
        match claim_state(desk, &claim_key, &node)? {
            None => {}
            Some(why) => missing.push((claim_key, why)),
        }
    }
    if let Some((_, why)) = missing.first() {
        unschedulable(desk, key, why)?;
        return Ok(Next { at: None, on: missing.into_iter().map(|(claim, _)| claim).collect() });
    }
    desk.edit(key, |pod| object::set(pod, "/spec/nodeName", node))?;
    Ok(Next::done())
}

fn claims(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "/spec/volumes")
        .iter()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|claim| !claim.is_empty())
}

/// Why a pod cannot use a claim yet; a claim that waits for its first consumer is told the node.
fn claim_state(desk: &mut Desk<'_, '_>, key: &Key, node: &str) -> Result<Option<String>, Refusal> {
    let Some(claim) = desk.get(key) else {
        return Ok(Some(format!("persistentvolumeclaim \"{}\" not found", key.name)));
    };
    if object::terminating(&claim.value) {
        return Ok(Some(format!("persistentvolumeclaim \"{}\" is being deleted", key.name)));
    }
    match text(&claim.value, "/status/phase") {
        "Bound" => return Ok(None),
        "Lost" => {
            return Ok(Some(format!("persistentvolumeclaim \"{}\" bound to non-existent persistentvolume", key.name)));
        }
        _ => {}
    }
    let class = desk.get(&Key::new("storageclasses", "", text(&claim.value, "/spec/storageClassName")));
    let waits = class.is_some_and(|class| text(&class.value, "/volumeBindingMode") == "WaitForFirstConsumer");
    if waits && object::annotation(&claim.value, SELECTED_NODE).is_empty() {
        desk.edit(key, |claim| object::annotate(claim, SELECTED_NODE, node))?;
    }
    Ok(Some("pod has unbound immediate PersistentVolumeClaims".to_owned()))
}

fn unschedulable(desk: &mut Desk<'_, '_>, key: &Key, why: &str) -> Result<(), Refusal> {
    let condition = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}]);
    desk.edit_status(key, |pod| object::set(pod, "/status/conditions", condition))
}

fn start(desk: &mut Desk<'_, '_>, key: &Key, pod: &Value) -> Result<(), Refusal> {
    desk.cluster.serving.started(desk.writer.state, pod);
    let now = stamp(desk.now());
    let end = checks::end(desk, pod);
    let finished = end.is_some();
    let statuses: Vec<Value> = items(pod, "/spec/containers")
        .iter()
        .map(|container| container_status(pod, container, &now, end.as_ref()))
        .collect();
    let condition = |kind: &str, status: bool| json!({"type": kind, "status": if status { "True" } else { "False" }, "lastTransitionTime": now});
    let conditions = [
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", !finished),
        condition("Ready", !finished),
    ];
    let phase = match &end {
        None => "Running",
        Some((0, _)) => "Succeeded",
        Some(_) => "Failed",
    };
    let address = ids::hash(object::uid(pod).as_bytes());
    let status = json!({
        "phase": phase, "qosClass": "BestEffort", "startTime": now, "hostIP": "127.0.0.1",
        "podIP": format!("10.244.{}.{}", address[0], address[1]), "conditions": conditions, "containerStatuses": statuses,
    });
    desk.edit_status(key, |pod| object::set(pod, "/status", status))
}

fn container_status(pod: &Value, container: &Value, now: &str, end: Option<&(u8, String)>) -> Value {
    let image = text(container, "/image");
    let (repository, _) = image.rsplit_once(':').unwrap_or((image, ""));
    let id = ids::hex(format!("{}/{}", object::uid(pod), text(container, "/name")).as_bytes());
    let finished = end.is_some();
    let state = match end {
        None => json!({"running": {"startedAt": now}}),
        Some((code, words)) => {
            let reason = if *code == 0 { "Completed" } else { "Error" };
            let mut ended = json!({"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now});
            if !words.is_empty() {
                object::set(&mut ended, "/message", words.as_str());
            }
            json!({"terminated": ended})
        }
    };
    // A digest that the spec asks for is what runs.
    let image_id = if image.contains("@sha256:") {
        image.to_owned()
    } else {
        format!("{repository}@sha256:{}", ids::hex(image.as_bytes()))
    };
    json!({
        "name": container["name"], "image": image, "imageID": image_id,
        "containerID": format!("sim://{id}"), "ready": !finished, "started": !finished, "restartCount": 0, "state": state,
    })
}

/// Creates a pod from a template, controlled by `owner`.
pub(super) fn create(desk: &mut Desk<'_, '_>, owner: &Value, mut pod: Value) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("pods") else {
        return Ok(());
    };
    object::set(&mut pod, "/metadata/ownerReferences", json!([object::owned_by(owner)]));
    desk.writer.create(kind, object::namespace(owner), pod, Part::Wish).map(drop)
}

/// The pods an object controls, in name order.
pub(super) fn controlled_by(desk: &Desk<'_, '_>, owner: &Value) -> Vec<std::sync::Arc<crate::sim::store::Object>> {
    let link = crate::sim::store::Link::Owner(object::uid(owner).to_owned());
    let keys = desk.writer.state.pointing_at(&link);
    keys.iter().filter(|key| key.plural == "pods").filter_map(|key| desk.get(key)).collect()
}

/// Whether a pod runs and is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    !object::terminating(pod)
        && items(pod, "/status/conditions")
            .iter()
            .any(|it| text(it, "/type") == "Ready" && text(it, "/status") == "True")
}

/// A name for the content of a pod template, as revision labels carry it.
pub(super) fn template_hash(workload: &Value) -> String {
    let template = workload.pointer("/spec/template").map(ToString::to_string).unwrap_or_default();
    ids::letters(template.as_bytes(), 10)
}
