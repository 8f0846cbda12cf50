//! The table of an in-place restore: each step with its gate and its way back (research: backup, section 2e).
//!
//! Nothing is decided here: [`Swap`] says what is what, and this writes it down in order. Several claims of one set go
//! through each stage together, so that the application stands still once and all of them come back or none.

mod exchange;
mod part;
mod stage;

use std::time::Duration;

use serde_json::{Map, Value, json};

pub(super) use self::part::{CLAIM, HOLD, Incoming, Part, UNKEEP, role, settled};
use super::Options;
use super::pause::Pause;
use crate::model::{Uid, annotation};
use crate::plan::{Act, Check, Expect, Guard, Node, ObjectAt, OperationId, Step, StepId, Target, Until};

const MINUTE: Duration = Duration::from_secs(60);

/// A workload to stop and to start again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stopped {
    pub at: ObjectAt,
    pub uid: Uid,
    pub replicas: u32,
}

impl Stopped {
    fn target(&self) -> Target {
        Target::Known { at: self.at.clone(), uid: self.uid.clone() }
    }

    fn scale(&self, replicas: u32) -> Act {
        Act::Scale { target: self.target(), replicas }
    }

    /// It stands still.
    fn still(&self, or: &str) -> Guard {
        Guard {
            at: self.at.clone(),
            uid: self.uid.clone(),
            checks: vec![Check::is("/spec/replicas", 0)],
            or: or.to_owned(),
        }
    }
}

/// Everything that the table is made of.
#[derive(Clone, Debug)]
pub(super) struct Swap {
    /// The claims, at least one.
    pub parts: Vec<Part>,
    pub workloads: Vec<Stopped>,
    pub nodes: Vec<(ObjectAt, Uid)>,
    pub pauses: Vec<Pause>,
    pub within: Within,
}

/// Deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within {
    pub stage: Duration,
    pub stop: Duration,
    pub detach: Duration,
    pub cut: Duration,
    pub ready: Duration,
}

impl Within {
    /// As they were chosen.
    pub fn of(options: &Options) -> Self {
        Self {
            stage: options.stage_within,
            stop: options.stop_within,
            detach: options.detach_within,
            cut: options.cut_within,
            ready: options.ready_within,
        }
    }
}

fn step(id: &str, title: impl Into<String>, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title: title.into(), act, guards: Vec::new(), deadline }
}

fn plain(step: Step) -> Node {
    Node::Do(Box::new(step))
}

fn reversible(step: Step, undo: Vec<Step>) -> Node {
    Node::Reversible { step: Box::new(step), undo }
}

/// A wait on one object.
fn wait(target: Target, what: &str, checks: Vec<Check>, trouble: &[&str]) -> Act {
    let trouble = trouble.iter().map(|field| (*field).to_owned()).collect();
    let until = Until { what: what.to_owned(), checks, trouble, ..Until::default() };
    Act::Wait { target, until: Box::new(until) }
}

/// One field given a value.
fn set(target: Target, field: &str, value: impl Into<Value>) -> Act {
    let value = value.into();
    let patch = json!([{ "op": "add", "path": field, "value": value }]);
    Act::Patch { target, patch, done: vec![Check { field: field.to_owned(), expect: Expect::Is(value) }] }
}

const RECLAIM: &str = "/spec/persistentVolumeReclaimPolicy";

impl Swap {
    /// The whole table.
    pub fn nodes(&self) -> Vec<Node> {
        // All or nothing, the staging too: once the application runs on the other volume, nothing of it is taken back.
        let mut whole = self.each(Part::stage);
        whole.extend(self.pauses.iter().enumerate().map(|(place, pause)| plain(pause.still(place))));
        whole.extend(self.swap());
        let mut body = vec![Node::Whole(whole)];
        body.extend(self.each(Part::settle));
        self.pauses.iter().enumerate().rev().fold(body, |body, (place, pause)| {
            let inside: Duration = crate::plan::node::steps(&body).iter().map(|step| step.deadline).sum();
            vec![Node::Bracket {
                open: Box::new(pause.open(place)),
                close: Box::new(pause.close(place)),
                limit: inside + MINUTE,
                body,
            }]
        })
    }

    fn each(&self, of: impl Fn(&Part) -> Vec<Node>) -> Vec<Node> {
        self.parts.iter().flat_map(of).collect()
    }

    /// Rows 3 to 10.
    fn swap(&self) -> Vec<Node> {
        let mut nodes = self.each(Part::retain);
        nodes.extend(self.stop());
        nodes.extend(self.each(Part::save));
        // Nothing is deleted before all of them could be.
        nodes.extend(self.each(Part::free));
        nodes.extend(self.each(|part| part.exchange(&self.workloads)));
        nodes.extend(self.start());
        nodes
    }

    fn stop(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for (place, workload) in self.workloads.iter().enumerate() {
            let (at, replicas) = (&workload.at, workload.replicas);
            let title = format!("scale {at} from {replicas} to 0");
            let mut stop = step(&format!("stop-{place}"), title, workload.scale(0), MINUTE);
            stop.guards = vec![Guard {
                at: at.clone(),
                uid: workload.uid.clone(),
                checks: vec![Check::is("/spec/replicas", replicas), Check::absent("/metadata/deletionTimestamp")],
                or: "it is not what the plan was made for; plan again".into(),
            }];
            let title = format!("scale {at} back to {replicas}");
            let back = step(&format!("unstop-{place}"), title, workload.scale(replicas), MINUTE);
            nodes.push(reversible(stop, vec![back]));
        }
        nodes.extend(self.parts.iter().map(|part| plain(part.unused("stopped", self.within.stop))));
        nodes.extend(self.workloads.iter().enumerate().map(|(place, workload)| plain(still(place, workload))));
        nodes.extend(self.nodes.iter().enumerate().map(|(place, node)| plain(self.node_ready(place, node))));
        nodes.extend(
            self.parts
                .iter()
                .map(|part| plain(part.detached("detached", "the live volume", part.volume.name.as_str().into()))),
        );
        nodes
    }

    /// A pod that was removed by force may still write on a node that does not answer.
    fn node_ready(&self, place: usize, (at, uid): &(ObjectAt, Uid)) -> Step {
        let checks = vec![Check::is("/status/conditions/[type=Ready]/status", "True")];
        let what = format!("{at}, where a pod of it ran, to be Ready: else nothing proves that it stopped writing");
        let target = Target::Known { at: at.clone(), uid: uid.clone() };
        let act = wait(target, &what, checks, &["/status/conditions/[type=Ready]/message"]);
        let title = format!("check that {at}, where a pod ran, is Ready");
        step(&format!("node-{place}"), title, act, self.within.detach)
    }

    /// Row 10.
    fn start(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (place, workload) in self.workloads.iter().enumerate() {
            let (at, replicas) = (&workload.at, workload.replicas);
            let mut undo =
                vec![step(&format!("unstart-{place}"), format!("scale {at} to 0 again"), workload.scale(0), MINUTE)];
            let unused = |part: &Part| part.unused(&format!("restopped-{place}"), self.within.stop);
            undo.extend(self.parts.iter().map(unused));
            undo.extend(
                self.parts.iter().map(|part| {
                    part.detached(&format!("redetached-{place}"), "the other volume", part.incoming_name())
                }),
            );
            let title = format!("scale {at} back to {replicas}");
            nodes.push(reversible(step(&format!("start-{place}"), title, workload.scale(replicas), MINUTE), undo));
        }
        nodes.extend(self.workloads.iter().enumerate().map(|(place, workload)| plain(self.ready(place, workload))));
        nodes.extend(self.parts.iter().map(|part| plain(part.ours())));
        nodes
    }

    fn ready(&self, place: usize, workload: &Stopped) -> Step {
        let checks = vec![Check::is("/status/readyReplicas", workload.replicas)];
        let what = format!("all {} of {} to be ready", workload.replicas, workload.at);
        let act = wait(workload.target(), &what, checks, &["/status/conditions/[type=Available]/message"]);
        step(&format!("ready-{place}"), format!("wait until {} is ready", workload.at), act, self.within.ready)
    }
}

fn still(place: usize, workload: &Stopped) -> Step {
    let checks = vec![Check::is("/spec/replicas", 0), Check::not("/status/readyReplicas", workload.replicas)];
    let what = format!("{} to report that it stands still", workload.at);
    let act = wait(workload.target(), &what, checks, &[]);
    step(&format!("still-{place}"), format!("wait until {} stands still", workload.at), act, MINUTE)
}

/// Metadata of what an operation makes beside what is there: marked as ours, with no label that anybody selects by.
pub(super) fn metadata(at: &ObjectAt, id: &OperationId, step: &str, more: Map<String, Value>) -> Value {
    let mut annotations = more;
    annotations.insert(annotation::OPERATION.into(), id.as_str().into());
    annotations.insert(annotation::STEP.into(), step.into());
    json!({ "name": at.name, "namespace": at.namespace, "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 }, "annotations": annotations })
}
