//! What a restore point says of what ran on its volume at the cut.
//!
//! A backup writes it into two annotations: [`IMAGES`](annotation::IMAGES), short and for people, and
//! [`RAN`](annotation::RAN), whole. Whoever may write snapshots may write both, so they are *claimed*; they are
//! *recorded* when the operation's own record, which the journal chains and anchors, says the same
//! ([`Observed::attests`](crate::model::Observed::attests)).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::look::program;
use crate::assess::linking;
use crate::assess::restore_point::{self, Belongs, lineage};
use crate::model::{Extent, Known, Program, Pvc, RunKey, Uid, VolumeSnapshot, WorkloadName, World, annotation};

/// What runs now and can write a claim, as a backup writes it on its restore point: `{"at": …, "volume": LINEAGE, "ran": […]}`. It tells of
/// the moment at which the backup was planned; from then to the cut it proves nothing.
pub fn written(world: &World, claim: &Pvc, now: Timestamp) -> String {
    let namespace = claim.meta.namespace.clone().unwrap_or_default();
    let key = (namespace, claim.meta.name.clone());
    let pods = world.links.pods_mounting(&key).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let mut all: Vec<String> = Vec::new();
    for pod in pods.filter(|pod| !pod.ended()) {
        for container in pod.containers.iter().chain(&pod.init_containers).chain(&pod.ephemeral_containers) {
            if !container.writes.contains(&claim.meta.name) {
                continue;
            }
            let program = program(world, pod, container);
            let fresh = container.restarts == 0 && !container.previous;
            let one = json!({
                "pod": pod.meta.uid().as_str(),
                "workload": program.workload.map(|workload| format!("{}/{}", workload.kind, workload.name)),
                "container": &*program.container,
                "image": &*program.image,
                "digests": program.digests.iter().map(|digest| &**digest).collect::<Vec<_>>(),
                "from": pod.started.filter(|_| fresh).map(|from| from.to_string()),
                "created": pod.meta.created.map(|created| created.to_string()),
            });
            all.push(one.to_string());
        }
    }
    all.sort();
    all.dedup();
    let volume = json!(lineage(world, claim).as_str());
    format!("{{\"at\":\"{now}\",\"volume\":{volume},\"ran\":[{}]}}", all.join(","))
}

/// Every run that the restore points of a world tell of.
pub fn records(world: &World) -> Vec<(RunKey, Extent)> {
    world.inventory.snapshots.iter().flat_map(|snapshot| of(world, snapshot)).collect()
}

fn of(world: &World, snapshot: &VolumeSnapshot) -> Vec<(RunKey, Extent)> {
    let note = |key| snapshot.meta.annotation(key);
    let (whole, images) = (note(annotation::RAN), note(annotation::IMAGES));
    if whole.is_none() && images.is_none() {
        return Vec::new();
    }
    let Some(cut) = restore_point::cut(world, snapshot) else { return Vec::new() };
    let volume = match restore_point::belongs(world, snapshot) {
        Belongs::Claim(uid) => world.inventory.pvcs.get(&uid).map(|claim| lineage(world, claim)),
        _ => note(annotation::LINEAGE).map(Uid::from),
    };
    let Some(volume) = volume else { return Vec::new() };
    let case = Case { world, snapshot, cut, volume };
    match whole {
        Some(text) => case.whole(text),
        None => case.images(images.unwrap_or_default()),
    }
}

struct Case<'a> {
    world: &'a World,
    snapshot: &'a VolumeSnapshot,
    cut: Timestamp,
    volume: Uid,
}

impl Case<'_> {
    fn run(
        &self,
        program: Program,
        pod: Option<Uid>,
        known: Known,
        (from, to): (Timestamp, Timestamp),
    ) -> (RunKey, Extent) {
        let program = Program { namespace: self.snapshot.meta.namespace.clone().unwrap_or_default(), ..program };
        let key = RunKey { program, pod, volumes: [self.volume.clone()].into(), known };
        let to = to.min(self.cut);
        (key, Extent { from: from.min(to), to, ended: false, created: None })
    }

    fn known(&self, text: &str) -> Known {
        let operation = self.snapshot.meta.annotation(annotation::OPERATION).unwrap_or_default();
        if self.world.observed.attests(operation, text) { Known::Recorded } else { Known::Claimed }
    }

    /// The whole record. What is not understood of it is left out; then nothing is proven by it, and nothing cleared.
    fn whole(&self, text: &str) -> Vec<(RunKey, Extent)> {
        let Ok(record) = serde_json::from_str::<Value>(text) else { return Vec::new() };
        let at = record.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        // On a restore point of other data it tells nothing of that.
        if record.get("volume").and_then(Value::as_str) != Some(self.volume.as_str()) {
            return Vec::new();
        }
        let (Some(at), Some(entries)) = (at, record.get("ran").and_then(Value::as_array)) else { return Vec::new() };
        let known = self.known(text);
        let read = |entry: &Value| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            let time = |key: &str| text(key).and_then(|text| text.parse::<Timestamp>().ok());
            let (container, image) = (text("container")?, text("image")?);
            let digests = entry.get("digests").and_then(Value::as_array).into_iter().flatten();
            let joined: Vec<&str> = digests.filter_map(Value::as_str).collect();
            let mut digests: Vec<Arc<str>> = joined.iter().flat_map(|text| linking::digests("", Some(text))).collect();
            digests.sort();
            let workload = text("workload").and_then(|text| text.split_once('/'));
            let workload =
                workload.map(|(kind, name)| WorkloadName { kind: kind.into(), name: name.into(), uid: None });
            let program = Program {
                workload,
                container: container.into(),
                image: image.into(),
                digests: digests.into(),
                ..Program::default()
            };
            let (key, extent) = self.run(program, text("pod").map(Uid::from), known, (time("from").unwrap_or(at), at));
            Some((key, Extent { created: time("created"), ..extent }))
        };
        entries.iter().filter_map(read).collect()
    }

    /// The older form: `CONTAINER=IMAGE@DIGEST,…`. It names no pod and was never proven: claimed.
    fn images(&self, text: &str) -> Vec<(RunKey, Extent)> {
        let read = |entry: &str| {
            let (container, image) = entry.split_once('=')?;
            let digests = linking::digests(image, None);
            let program = Program { container: container.into(), image: image.into(), digests, ..Program::default() };
            Some(self.run(program, None, Known::Claimed, (self.cut, self.cut)))
        };
        text.split(',').filter_map(read).collect()
    }
}
