//! Jobs: as many pods as completions, each done as soon as it starts (as in the lab).

use serde_json::json;

use super::{Desk, Next, Outcome, pods};
use crate::sim::clock::stamp;
use crate::sim::object::{self, count, text};
use crate::sim::store::Key;

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(job) = desk.get(key) else {
        return Ok(Next::done());
    };
    let job = &job.value;
    if object::terminating(job) || object::truth(job, "/spec/suspend") {
        return Ok(Next::done());
    }
    let wanted = count(job, "/spec/completions", 1);
    let pods = pods::controlled_by(desk, job);
    for _ in pods.len()..wanted {
        let mut pod = job["spec"]["template"].clone();
        object::set(&mut pod, "/metadata/generateName", format!("{}-", key.name));
        object::mark(&mut pod, "job-name", &key.name);
        object::mark(&mut pod, "batch.kubernetes.io/job-name", &key.name);
        pods::create(desk, job, pod)?;
    }
    let done = pods.iter().filter(|pod| text(&pod.value, "/status/phase") == "Succeeded").count();
    let now = stamp(desk.now());
    desk.edit_status(key, |job| {
        object::default(job, "/status/startTime", now.as_str());
        object::set(job, "/status/succeeded", done);
        object::set(job, "/status/active", wanted.saturating_sub(done));
        if done >= wanted && job.pointer("/status/completionTime").is_none() {
            object::set(job, "/status/completionTime", now.as_str());
            object::set(
                job,
                "/status/conditions",
                json!([{"type": "Complete", "status": "True", "lastTransitionTime": now}]),
            );
        }
    })?;
    Ok(Next::done())
}
