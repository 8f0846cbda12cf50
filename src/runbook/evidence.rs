//! What is kept as evidence about a namespace, a volume or a workload: which objects, whose logs and events.
//!
//! Pure: from what is seen to what has to be read. Secrets are never among it.

use std::collections::BTreeSet;

use super::book::Evidence;
use crate::model::{Freshness, Kind, Pod, Uid, World};
use crate::plan::ObjectAt;
use crate::text;

/// What has to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Objects, each with its UID: whose events are kept, and which are kept themselves.
    pub objects: Vec<(ObjectAt, Uid)>,
    /// Containers whose logs are kept.
    pub logs: Vec<LogOf>,
    /// What runs: pod, container, and the image as it was asked for and as it was resolved.
    pub images: Vec<Ran>,
    /// Of a whole namespace: it, and the kinds of which every object is kept, as are all its events. What was there and is
    /// gone shows in events alone.
    pub space: Option<(String, Vec<Kind>)>,
}

/// A container whose log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOf {
    /// Its namespace.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
    /// Its name.
    pub container: String,
}

/// An image that runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ran {
    /// `NAMESPACE/POD`.
    pub pod: String,
    /// The container.
    pub container: String,
    /// As its template names it.
    pub image: String,
    /// As its node resolved it; empty while that is not known.
    pub digest: String,
}

/// What has to be read about this: `NAMESPACE`, `NAMESPACE/PVC` or `NAMESPACE/KIND/NAME`.
///
/// # Errors
/// When it is not seen.
pub fn wanted(world: &World, of: &str, what: &[Evidence]) -> Result<Wanted, String> {
    let mut space = None;
    let (mut objects, pods) = match of.split('/').collect::<Vec<_>>().as_slice() {
        [namespace] => {
            space = Some(((*namespace).to_owned(), served(world)));
            (Vec::new(), in_namespace(world, namespace))
        }
        [namespace, claim] => of_claim(world, namespace, claim)?,
        [namespace, kind, name] => of_workload(world, namespace, kind, name)?,
        _ => return Err(format!("\"{}\" names nothing that evidence can be about", text::sanitize(of))),
    };
    if space.is_none() {
        objects.extend(pods.iter().map(|pod| (at(Kind::Pod, &pod.meta), pod.meta.uid())));
    }
    let logs = what.contains(&Evidence::Logs);
    Ok(Wanted {
        objects,
        logs: if logs { pods.iter().flat_map(|pod| logs_of(pod)).collect() } else { Vec::new() },
        images: pods.iter().flat_map(|pod| ran(pod)).collect(),
        space,
    })
}

/// Kinds of which a namespace keeps every object. Secrets are not among them.
const OF_A_NAMESPACE: [Kind; 13] = [
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Pvc,
    Kind::VolumeSnapshot,
    Kind::Service,
    Kind::Certificate,
    Kind::CertificateRequest,
    Kind::Issuer,
];

/// Those of them that the cluster has.
fn served(world: &World) -> Vec<Kind> {
    OF_A_NAMESPACE.into_iter().filter(|kind| *world.freshness(*kind) != Freshness::Absent).collect()
}

fn at(kind: Kind, meta: &crate::model::Meta) -> ObjectAt {
    ObjectAt::of(kind, meta.namespace.as_deref(), &meta.name)
}

fn in_namespace<'w>(world: &'w World, namespace: &str) -> Vec<&'w Pod> {
    sorted(world.inventory.pods.iter().filter(|pod| pod.meta.namespace.as_deref() == Some(namespace)))
}

type Found<'w> = (Vec<(ObjectAt, Uid)>, Vec<&'w Pod>);

fn of_claim<'w>(world: &'w World, namespace: &str, name: &str) -> Result<Found<'w>, String> {
    let key = (namespace.into(), name.into());
    let missing = || format!("there is no volume {}/{} to be seen", text::sanitize(namespace), text::sanitize(name));
    let claim = world.claim(&key).ok_or_else(missing)?;
    let mut objects = vec![(at(Kind::Pvc, &claim.meta), claim.meta.uid())];
    objects.extend(world.volume(claim).map(|pv| (at(Kind::Pv, &pv.meta), pv.meta.uid())));
    let pods = world.links.pods_mounting(&key).iter().filter_map(|uid| world.inventory.pods.get(uid));
    Ok((objects, sorted(pods)))
}

fn of_workload<'w>(world: &'w World, namespace: &str, kind: &str, name: &str) -> Result<Found<'w>, String> {
    let kinds = [Kind::StatefulSet, Kind::Deployment, Kind::DaemonSet, Kind::Job, Kind::CronJob, Kind::ReplicaSet];
    let missing = || {
        let [namespace, kind, name] = [namespace, kind, name].map(|word| text::sanitize(word).into_owned());
        format!("there is no {kind} {namespace}/{name} to be seen")
    };
    let kind = kinds.into_iter().find(|known| known.spec().kind == kind).ok_or_else(missing)?;
    let (space, name) = (namespace.into(), name.into());
    let inventory = &world.inventory;
    let table = match kind {
        Kind::StatefulSet => &inventory.stateful_sets,
        Kind::Deployment => &inventory.deployments,
        Kind::DaemonSet => &inventory.daemon_sets,
        Kind::Job => &inventory.jobs,
        Kind::CronJob => &inventory.cron_jobs,
        _ => &inventory.replica_sets,
    };
    let workload = table.named(Some(&space), &name).ok_or_else(missing)?;
    let mut owners: BTreeSet<Uid> = [workload.meta.uid()].into();
    // A Deployment owns its pods through ReplicaSets, a CronJob through Jobs.
    let between = inventory.replica_sets.iter().chain(inventory.jobs.iter());
    let owned = |owners: &BTreeSet<Uid>, meta: &crate::model::Meta| {
        meta.controller().is_some_and(|owner| owners.contains(&owner.uid))
    };
    let through: Vec<_> = between.filter(|one| owned(&owners, &one.meta)).map(|one| one.meta.uid()).collect();
    owners.extend(through);
    let pods = inventory.pods.iter().filter(|pod| owned(&owners, &pod.meta));
    Ok((vec![(at(kind, &workload.meta), workload.meta.uid())], sorted(pods)))
}

fn sorted<'w>(pods: impl Iterator<Item = &'w Pod>) -> Vec<&'w Pod> {
    let mut pods: Vec<&Pod> = pods.collect();
    pods.sort_by(|a, b| (&a.meta.namespace, &a.meta.name).cmp(&(&b.meta.namespace, &b.meta.name)));
    pods
}

fn logs_of(pod: &Pod) -> Vec<LogOf> {
    let all = pod.init_containers.iter().chain(&pod.containers).chain(&pod.ephemeral_containers);
    let of = |container: &crate::model::Container| LogOf {
        namespace: pod.meta.namespace().to_owned(),
        pod: pod.meta.name.to_string(),
        container: container.name.to_string(),
    };
    all.map(of).collect()
}

fn ran(pod: &Pod) -> Vec<Ran> {
    let all = pod.init_containers.iter().chain(&pod.containers).chain(&pod.ephemeral_containers);
    let of = |container: &crate::model::Container| Ran {
        pod: pod.meta.reference(Kind::Pod).path(),
        container: container.name.to_string(),
        image: container.image.to_string(),
        digest: container.image_id.as_deref().unwrap_or_default().to_owned(),
    };
    all.map(of).collect()
}
