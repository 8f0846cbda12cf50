//! Who uses a claim, from lists read afresh: pods, and what would make such pods again.
//!
//! It finds and names; whether an in-place restore can stop a user is decided in `gates`.

use serde_json::Value;

use crate::model::{Kind, Uid};
use crate::plan::ordinal::from_template;
use crate::plan::read::{items, name, text, uid};
use crate::plan::{Answers, ListAt, ObjectAt, Resource};

/// Kinds of a namespace that are listed to find everything that uses a claim.
pub(super) const LISTED: &[Kind] = &[
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::VolumeSnapshot,
];

/// HorizontalPodAutoscalers.
pub(super) fn autoscalers() -> Resource {
    Resource {
        group: "autoscaling".into(),
        version: "v2".into(),
        plural: "horizontalpodautoscalers".into(),
        kind: "HorizontalPodAutoscaler".into(),
    }
}

/// What controls an object, as its owner reference names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub api_version: String,
    pub kind: String,
    pub name: String,
}

impl Owner {
    /// The controller of an object.
    pub fn of(object: &Value) -> Option<Self> {
        let owners = items(object, "/metadata/ownerReferences");
        let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
        let part = |field: &str| text(owner, field).to_owned();
        Some(Self { api_version: part("/apiVersion"), kind: part("/kind"), name: part("/name") })
    }

    /// Whether Kubernetes itself defines it; everything else is an operator's.
    pub fn built_in(&self) -> bool {
        ["apps/v1", "batch/v1", "v1"].contains(&self.api_version.as_str())
    }
}

/// A pod that uses the claim and has not ended.
#[derive(Clone, Debug)]
pub(super) struct User<'a> {
    pub pod: &'a Value,
    /// What controls it in the end: the Deployment rather than its ReplicaSet.
    pub owner: Option<Owner>,
}

/// A workload with replicas that uses the claim.
#[derive(Clone, Debug)]
pub(super) struct Workload<'a> {
    pub kind: Kind,
    pub object: &'a Value,
}

impl Workload<'_> {
    pub fn at(&self) -> ObjectAt {
        ObjectAt::of(self.kind, Some(text(self.object, "/metadata/namespace")), name(self.object))
    }

    pub fn uid(&self) -> Uid {
        uid(self.object)
    }

    /// Replicas that are wanted now; Kubernetes takes one where nothing is said.
    pub fn replicas(&self) -> u32 {
        let replicas = self.object.pointer("/spec/replicas").and_then(Value::as_u64);
        replicas.and_then(|replicas| u32::try_from(replicas).ok()).unwrap_or(1)
    }

    /// `StatefulSet db`
    pub fn said(&self) -> String {
        format!("{} {}", self.kind.spec().kind, name(self.object))
    }
}

/// Everything that uses the claim, or would as soon as it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumers<'a> {
    pub pods: Vec<User<'a>>,
    /// StatefulSets and Deployments.
    pub workloads: Vec<Workload<'a>>,
    /// CronJobs whose pods would mount it.
    pub cron_jobs: Vec<&'a Value>,
    /// Owners that cannot be scaled: DaemonSets, ReplicaSets of nobody, running Jobs.
    pub others: Vec<Owner>,
}

/// The list of a kind in a namespace, as it was answered.
pub(super) fn listed<'a>(answers: &'a Answers, kind: Kind, namespace: &str) -> Result<&'a [Value], String> {
    let at = ListAt::all(Resource::of(kind), Some(namespace));
    match answers.lists.get(&at) {
        Some(Ok(listed)) => Ok(listed),
        Some(Err(why)) => Err(format!("{} could not be listed: {why}", at.resource.plural)),
        None => Err(format!("{} were not listed", at.resource.plural)),
    }
}

/// Whether a pod, or the pods of a template at `field`, mount the claim by name.
fn mounts(object: &Value, field: &str, claim: &str) -> bool {
    items(object, field).iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim)
}

impl<'a> Consumers<'a> {
    /// Finds them. The error says which list is missing.
    pub fn of(answers: &'a Answers, namespace: &str, claim: &str) -> Result<Self, String> {
        let list = |kind| listed(answers, kind, namespace);
        let mut found = Self::default();
        let sets = list(Kind::ReplicaSet)?;
        for pod in list(Kind::Pod)?.iter().filter(|pod| mounts(pod, "/spec/volumes", claim)) {
            if !["Succeeded", "Failed"].contains(&text(pod, "/status/phase")) {
                found.pods.push(User { pod, owner: Owner::of(pod).map(|owner| above(owner, sets)) });
            }
        }
        let template = "/spec/template/spec/volumes";
        for (kind, objects) in
            [(Kind::StatefulSet, list(Kind::StatefulSet)?), (Kind::Deployment, list(Kind::Deployment)?)]
        {
            let uses = |object: &&Value| mounts(object, template, claim) || from_template(object, claim).is_some();
            found.workloads.extend(objects.iter().filter(uses).map(|object| Workload { kind, object }));
        }
        let scaled = |owner: &Owner| found.workloads.iter().any(|workload| is(workload, owner));
        let owners = found.pods.iter().filter_map(|user| user.owner.clone());
        found.others = owners.filter(|owner| !scaled(owner)).collect();
        for kind in [Kind::DaemonSet, Kind::Job] {
            let running = |object: &&Value| text(object, "/status/completionTime").is_empty();
            let users = list(kind)?.iter().filter(|object| mounts(object, template, claim)).filter(running);
            found.others.extend(users.map(|object| Owner {
                api_version: Resource::of(kind).api_version(),
                kind: kind.spec().kind.into(),
                name: name(object).into(),
            }));
        }
        found.others.sort();
        found.others.dedup();
        let jobs = "/spec/jobTemplate/spec/template/spec/volumes";
        found.cron_jobs = list(Kind::CronJob)?.iter().filter(|job| mounts(job, jobs, claim)).collect();
        Ok(found)
    }

    /// Nodes on which its pods run.
    pub fn nodes(&self) -> Vec<&'a str> {
        let mut nodes: Vec<&str> = self.pods.iter().map(|user| text(user.pod, "/spec/nodeName")).collect();
        nodes.retain(|node| !node.is_empty());
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

fn is(workload: &Workload, owner: &Owner) -> bool {
    owner.kind == workload.kind.spec().kind && owner.name == name(workload.object)
}

/// The Deployment of a ReplicaSet; whatever else stays what it is.
fn above(owner: Owner, sets: &[Value]) -> Owner {
    let set = sets.iter().find(|set| owner.kind == "ReplicaSet" && name(set) == owner.name);
    set.and_then(Owner::of).unwrap_or(owner)
}
