//! What containers write: a few lines by their image, and whatever is written for a test.
//!
//! Rules of `k8s.io/kubernetes/pkg/kubelet` (kuberuntime/logs) and of the API server's `pods/log`: whole seconds in
//! `sinceTime`, a container's name where there are several, one instance before the present one, and no head of a
//! followed answer before the first line. No log outlives its pod.

mod read;
mod scripts;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::clock::stamp;
use super::cluster::Cluster;
use super::object::{self, items, text};
use super::store::Key;
use super::write::Part;

pub(crate) use read::answer;

/// One line and when it was written.
pub(crate) type Line = (Timestamp, String);

/// One instance of a container: UID of the pod, name, how often it was started again.
type Instance = (String, String, i64);

/// What was written beside the scripts.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    written: Mutex<BTreeMap<Instance, Vec<Line>>>,
    changed: watch::Sender<u64>,
}

impl Logs {
    fn written(&self) -> MutexGuard<'_, BTreeMap<Instance, Vec<Line>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many answers are under way.
    pub(crate) fn readers(&self) -> usize {
        self.changed.receiver_count()
    }

    fn of(&self, instance: &Instance) -> Vec<Line> {
        self.written().get(instance).cloned().unwrap_or_default()
    }

    fn add(&self, instance: Instance, line: Line) {
        self.written().entry(instance).or_default().push(line);
        self.changed.send_modify(|count| *count += 1);
    }
}

/// The status of a container of any sort.
fn status_of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    lists.iter().flat_map(|list| items(pod, list)).find(|status| text(status, "/name") == container)
}

fn instance(pod: &Value, container: &str) -> Option<Instance> {
    let restarts = object::number(status_of(pod, container)?, "/restartCount", 0);
    Some((object::uid(pod).to_owned(), container.to_owned(), restarts))
}

/// Writes a line into the log of a running container; whether there is one.
pub(crate) fn write(cluster: &Cluster, pod: &Key, container: &str, line: &str) -> bool {
    let found = cluster.store.get(pod).and_then(|pod| instance(&pod.value, container));
    let there = found.is_some();
    if let Some(instance) = found {
        cluster.logs.add(instance, (cluster.clock.now(), line.to_owned()));
    }
    there
}

/// Lets the present instance of a container end with a code and another begin; whether there is such a container.
pub(crate) fn restart(cluster: &Cluster, pod: &Key, container: &str, code: i32) -> bool {
    let now = stamp(cluster.clock.now());
    let changed = cluster.write(false, |writer| {
        writer.edit(pod, Part::Status, |pod| {
            let statuses = pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut);
            for status in statuses.into_iter().flatten().filter(|status| text(status, "/name") == container) {
                let began = text(status, "/state/running/startedAt").to_owned();
                let ended = json!({"exitCode": code, "reason": "Error", "startedAt": began, "finishedAt": now,
                    "containerID": status["containerID"]});
                let restarts = object::number(status, "/restartCount", 0) + 1;
                object::set(status, "/lastState", json!({"terminated": ended}));
                object::set(status, "/state", json!({"running": {"startedAt": now}}));
                object::set(status, "/restartCount", restarts);
            }
        })
    });
    changed.is_ok_and(|pod| pod.is_some_and(|pod| status_of(&pod.value, container).is_some()))
}
