//! How pods, nodes and workloads stand.

use jiff::{SignedDuration, Timestamp};

use super::{Standing, going, or};
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{Node, Pod, Workload};
use crate::text;

/// A pod that is not ready after this long needs a look.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn pod(pod: &Pod, now: Timestamp) -> Judgement<Standing> {
    let age = |moment: Option<Timestamp>| moment.map(|moment| text::age(now.duration_since(moment)));
    let fact = pod.node.as_ref().map_or_else(|| "on no node yet".to_owned(), |node| format!("on node {node}"));
    if let Some(going) = going(&pod.meta, now) {
        return Standing::new(Severity::Info, "Terminating", going);
    }
    let young = pod.started.or(pod.meta.created).is_some_and(|moment| now.duration_since(moment) < SETTLED);
    let late = if young { Severity::Info } else { Severity::Warn };
    match &*pod.phase {
        "Running" if pod.ready => Standing::new(Severity::Ok, "Running", fact),
        "Running" => {
            let running = age(pod.started).map_or_else(String::new, |age| format!(" after {age}"));
            let reason = Reason::new(format!("it runs and is not ready{running}")).next("see its events and its logs");
            Standing::new(late, "Not ready", fact).because(reason)
        }
        "Pending" => {
            let waiting = age(pod.meta.created).map_or_else(String::new, |age| format!(" for {age}"));
            let reason = Reason::new(format!("it waits to start{waiting}")).next("see its events");
            Standing::new(late, "Pending", fact).because(reason)
        }
        "Succeeded" => Standing::new(Severity::Info, "Succeeded", "ended; it holds no volume"),
        "Failed" => Standing::new(Severity::Info, "Failed", "ended; it holds no volume"),
        other => Standing::new(Severity::Unknown, or(other, "Unknown"), fact).because("its node does not report it"),
    }
}

pub(super) fn node(node: &Node) -> Judgement<Standing> {
    if node.ready {
        return Standing::new(Severity::Ok, "Ready", "");
    }
    let reason = Reason::new("the node is not ready").next("its pods and volumes may be stuck; look at its kubelet");
    Standing::new(Severity::Critical, "Not ready", "").because(reason)
}

pub(super) fn workload(workload: &Workload) -> Judgement<Standing> {
    let Some(wanted) = workload.replicas else {
        let ready = workload.ready;
        let fact = if ready > 0 { format!("{ready} ready") } else { String::new() };
        return Standing::new(Severity::Info, "Exists", fact);
    };
    let state = format!("{}/{wanted} ready", workload.ready);
    match (workload.ready, wanted) {
        (_, 0) => Standing::new(Severity::Info, "Scaled to 0", ""),
        (0, _) => {
            let reason = Reason::new("none of its pods is ready").next("see its pods and their events");
            Standing::new(Severity::Critical, &state, "").because(reason)
        }
        (ready, wanted) if ready < wanted => {
            Standing::new(Severity::Warn, &state, "").because("not all of its pods are ready")
        }
        _ => Standing::new(Severity::Ok, &state, ""),
    }
}
