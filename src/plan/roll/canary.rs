//! One pod first: before a workload is restarted for another certificate, one of its pods is replaced alone and seen to
//! start and to serve the new one, while the others go on as they are.
//!
//! Only where others do go on: a workload with one pod, or with one that is not ready, is not made worse for a look.

use std::collections::BTreeSet;
use std::time::Duration;

use super::steps::{DELETED, Restarted, STRUGGLES, fields};
use crate::model::{ClaimKey, Kind, Pod, Uid, World};
use crate::plan::serves::Serves;
use crate::plan::{
    AccessQuestion, Act, Check, Firm, Guard, ObjectAt, Part, Questions, Resource, Step, StepId, Target, Until,
    from_step,
};
use crate::text;

/// How long it may take that a controller makes another pod.
const MADE: Duration = Duration::from_secs(60);
const READY: &str = "/status/conditions/[type=Ready]/status";
/// The step whose output is the pod that came in its place.
const FOUND: &str = "first-made";

/// The pod that goes first.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Canary {
    pod: ObjectAt,
    uid: Uid,
    workload: Restarted,
    /// What tells the pod that comes in its place from all others.
    next: Vec<Check>,
    /// Steps that see who serves it, each of them about all pods of a Service that this one is behind.
    served: Vec<Step>,
}

impl Canary {
    /// Of the first that can spare a pod, among those that are restarted for the Secret at this key.
    pub fn of(world: &World, key: &ClaimKey, restarted: &[Restarted], serves: &Serves) -> Option<Self> {
        restarted.iter().find_map(|one| {
            let pod = spare(world, key, &one.uid)?;
            let served = serves.strict_of(&pod.meta.name).cloned().collect();
            Some(Self {
                pod: ObjectAt::of(Kind::Pod, pod.meta.namespace.as_deref(), &pod.meta.name),
                uid: pod.meta.uid(),
                workload: one.clone(),
                next: next(world, one.kind, pod)?,
                served,
            })
        })
    }

    /// What has to be asked, of the workloads that may be restarted.
    pub fn questions(world: &World, key: &ClaimKey, mut workloads: impl Iterator<Item = Uid>) -> Questions {
        let ask = |verb| AccessQuestion::new(verb, &Resource::of(Kind::Pod), Some(&key.0));
        let spared = workloads.any(|workload| spare(world, key, &workload).is_some());
        Questions {
            access: if spared { ["get", "delete"].map(ask).into() } else { Vec::new() },
            ..Questions::default()
        }
    }

    fn called(&self) -> String {
        format!("pod {}", text::sanitize(&self.pod.name))
    }

    /// What becomes of it, for people.
    pub fn fact(&self) -> (String, String) {
        let proof = if self.served.is_empty() { "is ready" } else { "is ready and serves the new certificate" };
        let said =
            format!("{} of {}: the others go on until the one in its place {proof}", self.called(), self.workload.at);
        ("one first".to_owned(), said)
    }

    /// What changes in the cluster, as a sentence.
    pub fn change(&self) -> String {
        format!("deletes {} of {} first, which makes another in its place", self.called(), self.workload.at)
    }

    /// The steps that replace it and see what comes in its place; `within` is how long that may take to start.
    pub fn steps(&self, within: Duration) -> Vec<Step> {
        let mut steps = vec![self.delete(within), self.found(), self.ready(within)];
        steps.extend(self.served.iter().enumerate().map(|(place, step)| self.alone(place + 1, step)));
        steps
    }

    /// The workload that it is of.
    pub fn workload(&self) -> &Restarted {
        &self.workload
    }

    fn delete(&self, within: Duration) -> Step {
        let target = Target::Known { at: self.pod.clone(), uid: self.uid.clone() };
        let still = Guard {
            at: self.pod.clone(),
            uid: self.uid.clone(),
            checks: vec![Check::absent(DELETED), Check::is(READY, "True")],
            or: "it is not ready any more; see to the workload, then plan again".into(),
        };
        let workload = self.workload.unchanged("its pods are as they were");
        let title = format!("delete pod {} alone, so that one starts with the new certificate", self.pod.path());
        Step { guards: vec![still, workload], ..step("first", title, Act::Delete { target }, within) }
    }

    fn found(&self) -> Step {
        let act = Act::Find {
            among: self.workload.pods(),
            which: self.next.clone(),
            what: format!("{} to make another pod", self.workload.at),
        };
        step(FOUND, format!("see which pod comes in the place of {}", self.pod.path()), act, MADE)
    }

    fn ready(&self, within: Duration) -> Step {
        let until = Until {
            what: "it to be ready".into(),
            checks: vec![Check::is(READY, "True")],
            trouble: fields(STRUGGLES),
            events: true,
            firm: vec![Firm::new(Check::absent(DELETED), "it is being deleted again")],
            ..Until::default()
        };
        let act = Act::Wait { target: found(), until: Box::new(until) };
        step("first-ready", format!("wait until the one in the place of {} is ready", self.pod.path()), act, within)
    }

    /// A look at all pods of a Service, of this one alone.
    fn alone(&self, number: usize, all: &Step) -> Step {
        let mut own = all.clone();
        own.id = StepId(format!("first-served-{number}"));
        if let Act::Handshake { which, what, port, .. } = &mut own.act {
            which.push(Check::is("/metadata/uid", from_step(FOUND, "object", Part::Uid)));
            *what = "it to serve the new certificate".into();
            own.title =
                format!("see the one in the place of {} serve the new certificate on port {port}", self.pod.path());
        }
        own
    }
}

fn found() -> Target {
    Target::Output { step: StepId(FOUND.to_owned()), slot: "object".to_owned() }
}

fn step(id: &str, title: String, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title, act, guards: Vec::new(), deadline }
}

/// The pod that a workload can spare: it has others, and all are ready. Of a set it is the one with the highest
/// ordinal, which goes first when the set is updated.
fn spare<'w>(world: &'w World, key: &ClaimKey, workload: &Uid) -> Option<&'w Pod> {
    let pods = world.links.pods_using(key).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let own: Vec<&Pod> = pods.filter(|pod| !pod.ended() && belongs(world, pod, workload)).collect();
    // In the middle of an update there are pods of two ReplicaSets.
    let controllers: BTreeSet<&Uid> = own.iter().filter_map(|pod| Some(&pod.meta.controller()?.uid)).collect();
    let steady = own.iter().all(|pod| pod.ready && pod.meta.deleting.is_none());
    if own.len() < 2 || controllers.len() > 1 || !steady {
        return None;
    }
    own.into_iter().max_by(|a, b| (a.meta.name.len(), &a.meta.name).cmp(&(b.meta.name.len(), &b.meta.name)))
}

/// Whether a pod is one of a workload, by itself or by way of a ReplicaSet.
fn belongs(world: &World, pod: &Pod, workload: &Uid) -> bool {
    let Some(owner) = pod.meta.controller() else { return false };
    let above = || world.inventory.replica_sets.get(&owner.uid)?.meta.controller().map(|owner| owner.uid.clone());
    owner.uid == *workload || above().is_some_and(|above| above == *workload)
}

/// What tells the pod that comes in the place of this one: of a set it has its name, else it is of the same controller
/// and not there yet.
fn next(world: &World, kind: Kind, pod: &Pod) -> Option<Vec<Check>> {
    let owner = pod.meta.controller()?;
    let mut checks = vec![Check::is("/metadata/ownerReferences/*/uid", owner.uid.as_str())];
    if kind == Kind::StatefulSet {
        checks.extend([
            Check::is("/metadata/name", &*pod.meta.name),
            Check::not("/metadata/uid", pod.meta.uid().as_str()),
        ]);
        return Some(checks);
    }
    let same = |other: &&Pod| other.meta.controller().is_some_and(|other| other.uid == owner.uid);
    let there =
        world.inventory.pods.iter().filter(same).map(|other| Check::not("/metadata/uid", other.meta.uid().as_str()));
    checks.extend(there);
    Some(checks)
}
