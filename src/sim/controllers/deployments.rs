//! Deployments and `ReplicaSet`s: a set per template, scaled up before the old one is scaled down.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, pods};
use crate::sim::clock::stamp;
use crate::sim::kinds;
use crate::sim::object::{self, count, number};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link, Object};
use crate::sim::write::{DeleteOptions, Part};

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(deployment) = desk.get(key) else {
        return Ok(Next::done());
    };
    let deployment = &deployment.value;
    if object::terminating(deployment) {
        return Ok(Next::done());
    }
    let hash = pods::template_hash(deployment);
    let name = format!("{}-{hash}", key.name);
    let wanted = number(deployment, "/spec/replicas", 1);
    let sets = replica_sets(desk, deployment);
    let Some(current) = sets.iter().find(|set| object::name(&set.value) == name) else {
        let revision = sets.len() + 1;
        new_replica_set(desk, deployment, &name, &hash, revision)?;
        desk.edit(key, |deployment| object::annotate(deployment, REVISION, &revision.to_string()))?;
        return Ok(Next::done());
    };
    scale(desk, current, wanted)?;
    if number(&current.value, "/status/readyReplicas", 0) >= wanted {
        for old in sets.iter().filter(|set| object::name(&set.value) != name) {
            scale(desk, old, 0)?;
        }
    }
    let status = status(desk, deployment, &sets, current);
    desk.edit_status(key, |deployment| object::set(deployment, "/status", status))?;
    Ok(Next::done())
}

fn replica_sets(desk: &Desk<'_, '_>, deployment: &Value) -> Vec<Arc<Object>> {
    let keys = desk.writer.state.pointing_at(&Link::Owner(object::uid(deployment).to_owned()));
    keys.iter().filter(|key| key.plural == "replicasets").filter_map(|key| desk.get(key)).collect()
}

fn new_replica_set(
    desk: &mut Desk<'_, '_>,
    deployment: &Value,
    name: &str,
    hash: &str,
    revision: usize,
) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("replicasets") else {
        return Ok(());
    };
    let spec = &deployment["spec"];
    let mut set = json!({
        "metadata": {"name": name, "labels": spec["template"]["metadata"]["labels"], "ownerReferences": [object::owned_by(deployment)]},
        "spec": {"replicas": spec["replicas"], "selector": spec["selector"], "template": spec["template"]},
    });
    object::annotate(&mut set, REVISION, &revision.to_string());
    object::mark(&mut set, HASH, hash);
    object::fields(object::slot(&mut set, "/spec/selector/matchLabels")).insert(HASH.to_owned(), hash.into());
    object::fields(object::slot(&mut set, "/spec/template/metadata/labels")).insert(HASH.to_owned(), hash.into());
    desk.writer.create(kind, object::namespace(deployment), set, Part::Wish).map(drop)
}

fn scale(desk: &mut Desk<'_, '_>, set: &Object, replicas: i64) -> Result<(), Refusal> {
    desk.edit(&Key::of(set.kind, &set.value), |set| object::set(set, "/spec/replicas", replicas))
}

fn status(desk: &Desk<'_, '_>, deployment: &Value, sets: &[Arc<Object>], current: &Object) -> Value {
    let sum = |field: &str| sets.iter().map(|set| number(&set.value, field, 0)).sum::<i64>();
    let ready = sum("/status/readyReplicas");
    let enough = ready >= number(deployment, "/spec/replicas", 1);
    let condition = |kind: &str, is: bool, reason: &str| {
        let status = if is { "True" } else { "False" };
        let before = object::items(deployment, "/status/conditions")
            .iter()
            .find(|it| it["type"] == kind && it["status"] == status);
        let since = before.map_or_else(|| stamp(desk.now()).into(), |it| it["lastTransitionTime"].clone());
        json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": since, "lastUpdateTime": since})
    };
    let reason = if enough { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" };
    let progress = if enough { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" };
    json!({
        "observedGeneration": deployment["metadata"]["generation"], "replicas": sum("/status/replicas"), "readyReplicas": ready,
        "availableReplicas": ready, "updatedReplicas": number(&current.value, "/status/replicas", 0),
        "conditions": [condition("Available", enough, reason), condition("Progressing", true, progress)],
    })
}

pub(super) fn reconcile_replica_set(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(set) = desk.get(key) else {
        return Ok(Next::done());
    };
    let set = &set.value;
    if object::terminating(set) {
        return Ok(Next::done());
    }
    let wanted = count(set, "/spec/replicas", 1);
    let pods = pods::controlled_by(desk, set);
    let alive: Vec<_> = pods.iter().filter(|pod| !object::terminating(&pod.value)).collect();
    for _ in alive.len()..wanted {
        let mut pod = set["spec"]["template"].clone();
        object::set(&mut pod, "/metadata/generateName", format!("{}-", key.name));
        pods::create(desk, set, pod)?;
    }
    for extra in alive.iter().skip(wanted) {
        desk.writer.delete(extra.kind, &Key::of(extra.kind, &extra.value), &DeleteOptions::default())?;
    }
    let pods = pods::controlled_by(desk, set);
    let ready = pods.iter().filter(|pod| pods::is_ready(&pod.value)).count();
    let status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "fullyLabeledReplicas": pods.len(),
        "readyReplicas": ready, "availableReplicas": ready,
    });
    desk.edit_status(key, |set| object::set(set, "/status", status))?;
    Ok(Next::done())
}
