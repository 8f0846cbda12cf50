//! From the pods that are in sight to the log of what ran.

use std::sync::Arc;

use jiff::Timestamp;

use crate::assess::linking;
use crate::assess::restore_point::lineage;
use crate::model::{
    Birth, Container, ContainerState, Extent, Kind, Known, Observed, Pod, Program, Pvc, RunKey, Said, Uid,
    WorkloadName, World, annotation,
};

/// Adds what is in sight now. `since` is the moment of the last look when every pod was watched without a break from
/// then on, else `None`: only then is a pod that went seen to end, and the time between in sight. To be called after
/// every change of pods: one that comes and goes between two looks is not seen.
pub fn look(world: &World, log: &mut Observed, since: Option<Timestamp>, now: Timestamp) {
    for claim in world.inventory.pvcs.iter() {
        if let Some(birth) = birth(world, claim) {
            log.born(&lineage(world, claim), birth);
        }
    }
    let since = since.filter(|since| *since <= now);
    for namespace in namespaces(world) {
        // Which data a pod writes is not known before its claims are.
        if [Kind::Pod, Kind::Pvc].iter().all(|kind| world.freshness_in(*kind, &namespace).live()) {
            log.watched(&namespace, (since.unwrap_or(now), now));
        }
    }
    ends(world, log, since, now);
    back_fill(world, log);
    for pod in world.inventory.pods.iter() {
        glance(world, log, pod, now);
    }
}

/// Adds what is in sight of one pod now: for one that is about to change or to go, which the next look would not see as
/// it was.
pub fn glance(world: &World, log: &mut Observed, pod: &Pod, now: Timestamp) {
    for (containers, once) in
        [(&pod.containers, false), (&pod.init_containers, true), (&pod.ephemeral_containers, true)]
    {
        for container in containers {
            see(world, log, pod, container, once, now);
        }
    }
}

/// Namespaces that have claims or pods.
fn namespaces(world: &World) -> std::collections::BTreeSet<Arc<str>> {
    let claims = world.inventory.pvcs.iter().map(|claim| &claim.meta);
    let pods = world.inventory.pods.iter().map(|pod| &pod.meta);
    claims.chain(pods).filter_map(|meta| meta.namespace.clone()).collect()
}

/// Revisions that were started at some time: of each only that, and by which image's name. What a tag meant then, and
/// until when it ran, they do not tell.
fn back_fill(world: &World, log: &mut Observed) {
    let inventory = &world.inventory;
    for revision in inventory.replica_sets.iter().chain(inventory.jobs.iter()) {
        let (Some(at), Some(namespace)) = (revision.meta.created, &revision.meta.namespace) else { continue };
        let top = revision.meta.controller();
        let workload = top.map(|top| WorkloadName {
            kind: (*top.kind).into(),
            name: top.name.clone(),
            uid: Some(top.uid.clone()),
        });
        for writer in &revision.writers {
            let program = Program {
                namespace: namespace.clone(),
                workload: workload.clone(),
                container: writer.container.clone(),
                image: (*writer.image).into(),
                digests: linking::digests(&writer.image, None),
                said: Said::default(),
            };
            let volumes = lineages(world, namespace, &writer.claims);
            let key = RunKey { program, pod: revision.meta.uid.clone(), volumes, known: Known::BackFilled };
            log.saw(key, Extent { from: at, to: at, ended: false, created: Some(at) });
        }
    }
}

/// The data of claims, by lineage; ascending, each once.
fn lineages(world: &World, namespace: &Arc<str>, claims: &[Arc<str>]) -> Box<[Uid]> {
    let of = |claim: &Arc<str>| Some(lineage(world, world.claim(&(namespace.clone(), claim.clone()))?));
    let all: std::collections::BTreeSet<Uid> = claims.iter().filter_map(of).collect();
    all.into_iter().collect()
}

/// Pods that were seen at the last look and are gone at this one. They ran until now at most.
fn ends(world: &World, log: &mut Observed, since: Option<Timestamp>, now: Timestamp) {
    let Some(since) = since else { return };
    let gone = |key: &RunKey, extent: &Extent| {
        let pod = key.pod.as_ref().is_some_and(|pod| world.inventory.pods.get(pod).is_none());
        let live = world.freshness_in(Kind::Pod, &key.program.namespace).live();
        key.known == Known::Seen && pod && live && !extent.ended && extent.to >= since
    };
    let over: Vec<(RunKey, Extent)> =
        log.runs().filter(|(key, extent)| gone(key, extent)).map(|(key, extent)| (key.clone(), *extent)).collect();
    for (key, extent) in over {
        log.saw(key, Extent { to: now, ended: true, ..extent });
    }
}

fn see(world: &World, log: &mut Observed, pod: &Pod, container: &Container, init: bool, now: Timestamp) {
    let ran = container.image_id.is_some() || container.state == ContainerState::Running;
    let Some(started) = pod.started.or(pod.meta.created).filter(|_| ran) else { return };
    let key = key(world, pod, container);
    let known = log.extent(&key).copied();
    if known.is_some_and(|known| known.ended) {
        return;
    }
    let over = pod.ended() || init && matches!(container.state, ContainerState::Ended(_));
    let started = started.min(now);
    let fresh = container.restarts == 0 && !container.previous || container.image.contains("@sha256:");
    let from = if fresh || known.is_some() {
        started.max(known.map_or(started, |known| known.from))
    } else {
        restarted(log, &key, started, now)
    };
    log.saw(key, Extent { from, to: now, ended: over, created: pod.meta.created });
}

/// From when on a container counts that was restarted before it was first seen as it is: its tag may have meant another
/// image before. One that was seen in its place has ended by now; else what ran before is not known, and is noted so.
fn restarted(log: &mut Observed, key: &RunKey, started: Timestamp, now: Timestamp) -> Timestamp {
    let same = |other: &RunKey| {
        let place = (&other.program.namespace, &other.program.container, &other.pod, other.known);
        place == (&key.program.namespace, &key.program.container, &key.pod, key.known)
    };
    let former: Vec<(RunKey, Extent)> =
        log.runs().filter(|(other, _)| same(other)).map(|(other, extent)| (other.clone(), *extent)).collect();
    let Some(last) = former.iter().map(|(_, extent)| extent.to).max() else {
        let program = Program { digests: Box::default(), ..key.program.clone() };
        log.saw(RunKey { program, ..key.clone() }, Extent { from: started, to: now, ended: true, created: None });
        return now;
    };
    for (other, extent) in former.into_iter().filter(|(_, extent)| !extent.ended) {
        log.saw(other, Extent { to: now, ended: true, ..extent });
    }
    last.min(now)
}

/// What tells this run from others.
fn key(world: &World, pod: &Pod, container: &Container) -> RunKey {
    let namespace = pod.meta.namespace.clone().unwrap_or_default();
    let volumes = lineages(world, &namespace, &container.writes);
    RunKey { program: program(world, pod, container), pod: pod.meta.uid.clone(), volumes, known: Known::Seen }
}

/// What runs in a container of a pod.
pub(super) fn program(world: &World, pod: &Pod, container: &Container) -> Program {
    let label = |key: &str| pod.meta.label(key).map(Arc::from);
    Program {
        namespace: pod.meta.namespace.clone().unwrap_or_default(),
        workload: workload(world, pod),
        container: container.name.clone(),
        image: (*container.image).into(),
        digests: linking::digests(&container.image, container.image_id.as_deref()),
        said: Said {
            app: label("app.kubernetes.io/name"),
            version: label("app.kubernetes.io/version"),
            revision: pod.meta.annotation(annotation::REVISION).map(Arc::from),
        },
    }
}

/// The workload that people know: a Deployment, not its ReplicaSet; a CronJob, not its Job.
fn workload(world: &World, pod: &Pod) -> Option<WorkloadName> {
    let owner = pod.meta.controller()?;
    let above = match &*owner.kind {
        "ReplicaSet" => world.inventory.replica_sets.get(&owner.uid),
        "Job" => world.inventory.jobs.get(&owner.uid),
        _ => None,
    };
    let top = above.and_then(|above| above.meta.controller()).unwrap_or(owner);
    Some(WorkloadName { kind: (*top.kind).into(), name: top.name.clone(), uid: Some(top.uid.clone()) })
}

/// How a claim's data began, as far as objects tell: only of the first claim of a lineage, and with its volume seen.
/// It was empty when a driver made its volume for it, after it was asked for, from nothing, and not by a restore of
/// Velero. A volume that somebody entered by hand may hold anything.
pub fn birth(world: &World, claim: &Pvc) -> Option<Birth> {
    if lineage(world, claim) != claim.meta.uid() {
        return None;
    }
    let pv = &world.volume(claim)?.meta;
    let (made, provisioned) = (pv.created?, pv.annotation(annotation::PROVISIONED_BY).is_some());
    let asked = claim.meta.created?;
    let filled = claim.data_source.is_some() || claim.meta.label(annotation::VELERO_RESTORE).is_some();
    let class = claim.storage_class.as_ref().and_then(|name| world.inventory.storage_classes.named(None, name));
    Some(Birth {
        at: made,
        empty: provisioned && !filled && asked <= made,
        for_first_pod: class.is_some_and(|class| class.waits_for_consumer),
    })
}
