//! `StatefulSet`s: pods in order, each with its own claims.
//!
//! Names, labels and the order of rolling updates as in `pkg/controller/statefulset`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, pods};
use crate::sim::kinds;
use crate::sim::object::{self, count, items, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Object};
use crate::sim::write::{DeleteOptions, Part};

const REVISION: &str = "controller-revision-hash";

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(set) = desk.get(key) else {
        return Ok(Next::done());
    };
    let set = &set.value;
    if object::terminating(set) {
        return Ok(Next::done());
    }
    let revision = format!("{}-{}", key.name, pods::template_hash(set));
    let wanted = count(set, "/spec/replicas", 1);
    let steady = grow(desk, set, wanted, &revision)?;
    if steady && shrink(desk, set, wanted)? {
        roll(desk, set, &revision)?;
    }
    let pods = pods::controlled_by(desk, set);
    let status = status(set, &pods, &revision);
    desk.edit_status(key, |set| object::set(set, "/status", status))?;
    Ok(Next::done())
}

/// Creates what is missing; whether all wanted pods are ready.
fn grow(desk: &mut Desk<'_, '_>, set: &Value, wanted: usize, revision: &str) -> Result<bool, Refusal> {
    let one_by_one = text(set, "/spec/podManagementPolicy") != "Parallel";
    let mut steady = true;
    for ordinal in 0..wanted {
        let name = format!("{}-{ordinal}", object::name(set));
        match desk.get(&Key::new("pods", object::namespace(set), &name)) {
            Some(pod) if pods::is_ready(&pod.value) => continue,
            Some(_) => {}
            None => {
                claims(desk, set, ordinal)?;
                pods::create(desk, set, pod(set, &name, ordinal, revision))?;
            }
        }
        steady = false;
        if one_by_one {
            break;
        }
    }
    Ok(steady)
}

/// Removes the highest pod there should not be; whether none is left.
fn shrink(desk: &mut Desk<'_, '_>, set: &Value, wanted: usize) -> Result<bool, Refusal> {
    let mut extra: Vec<_> =
        pods::controlled_by(desk, set).into_iter().filter(|pod| ordinal(&pod.value) >= wanted).collect();
    extra.sort_by_key(|pod| ordinal(&pod.value));
    let Some(last) = extra.last() else {
        drop_scaled_claims(desk, set, wanted)?;
        return Ok(true);
    };
    desk.writer.delete(last.kind, &Key::of(last.kind, &last.value), &DeleteOptions::default())?;
    Ok(false)
}

/// Replaces the highest pod of an older revision.
fn roll(desk: &mut Desk<'_, '_>, set: &Value, revision: &str) -> Result<(), Refusal> {
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let partition = count(set, "/spec/updateStrategy/rollingUpdate/partition", 0);
    let mut old: Vec<_> = pods::controlled_by(desk, set)
        .into_iter()
        .filter(|pod| ordinal(&pod.value) >= partition && object::label(&pod.value, REVISION) != revision)
        .collect();
    old.sort_by_key(|pod| ordinal(&pod.value));
    let Some(pod) = old.last() else { return Ok(()) };
    desk.writer.delete(pod.kind, &Key::of(pod.kind, &pod.value), &DeleteOptions::default()).map(drop)
}

fn ordinal(pod: &Value) -> usize {
    object::name(pod).rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse().ok()).unwrap_or(0)
}

fn claim_name(template: &Value, set: &Value, ordinal: usize) -> String {
    format!("{}-{}-{ordinal}", object::name(template), object::name(set))
}

fn claims(desk: &mut Desk<'_, '_>, set: &Value, ordinal: usize) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("persistentvolumeclaims") else {
        return Ok(());
    };
    for template in items(set, "/spec/volumeClaimTemplates") {
        let key = Key::new(kind.plural, object::namespace(set), &claim_name(template, set, ordinal));
        if desk.get(&key).is_some() {
            continue;
        }
        let mut claim = json!({"metadata": {"name": key.name, "annotations": template["metadata"]["annotations"]}, "spec": template["spec"]});
        if claim["metadata"]["annotations"].is_null() {
            object::unset(&mut claim, "/metadata", "annotations");
        }
        for labels in [template.pointer("/metadata/labels"), set.pointer("/spec/selector/matchLabels")] {
            for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
                object::mark(&mut claim, key, value.as_str().unwrap_or_default());
            }
        }
        if text(set, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == "Delete" {
            object::set(&mut claim, "/metadata/ownerReferences", json!([object::owned_by(set)]));
        }
        desk.writer.create(kind, object::namespace(set), claim, Part::Wish)?;
    }
    Ok(())
}

/// `whenScaled: Delete`: claims of ordinals no longer wanted go, once their pods have gone.
fn drop_scaled_claims(desk: &mut Desk<'_, '_>, set: &Value, wanted: usize) -> Result<(), Refusal> {
    if text(set, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled") != "Delete" {
        return Ok(());
    }
    for template in items(set, "/spec/volumeClaimTemplates") {
        for ordinal in wanted.. {
            let key = Key::new("persistentvolumeclaims", object::namespace(set), &claim_name(template, set, ordinal));
            let Some(claim) = desk.get(&key) else { break };
            desk.writer.delete(claim.kind, &key, &DeleteOptions::default())?;
        }
    }
    Ok(())
}

fn pod(set: &Value, name: &str, ordinal: usize, revision: &str) -> Value {
    let mut pod = set["spec"]["template"].clone();
    object::set(&mut pod, "/metadata/name", name);
    object::mark(&mut pod, REVISION, revision);
    object::mark(&mut pod, "statefulset.kubernetes.io/pod-name", name);
    object::mark(&mut pod, "apps.kubernetes.io/pod-index", &ordinal.to_string());
    object::set(&mut pod, "/spec/hostname", name);
    object::set(&mut pod, "/spec/subdomain", text(set, "/spec/serviceName"));
    let own = items(set, "/spec/volumeClaimTemplates").iter().map(|template| {
        json!({"name": object::name(template), "persistentVolumeClaim": {"claimName": claim_name(template, set, ordinal)}})
    });
    let volumes: Vec<Value> = own.chain(items(set, "/spec/template/spec/volumes").iter().cloned()).collect();
    object::set(&mut pod, "/spec/volumes", volumes);
    pod
}

fn status(set: &Value, pods: &[Arc<Object>], revision: &str) -> Value {
    let ready = pods.iter().filter(|pod| pods::is_ready(&pod.value)).count();
    let updated = pods.iter().filter(|pod| object::label(&pod.value, REVISION) == revision).count();
    // The current revision moves on when every pod has the new one.
    let before = text(set, "/status/currentRevision");
    let current = if before.is_empty() || updated == count(set, "/spec/replicas", 1) { revision } else { before };
    json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": ready, "availableReplicas": ready,
        "currentReplicas": pods.iter().filter(|pod| object::label(&pod.value, REVISION) == current).count(),
        "updatedReplicas": updated, "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    })
}
