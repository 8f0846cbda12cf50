//! What makes the cluster behave: each controller brings one kind of object closer to its wish.
//!
//! One task works on a queue of keys. A key comes in when the object or something it depends on was
//! written, when an object it waits for appears, or when its time has come; otherwise nothing runs.
//! Controllers write through the same rules as clients do.

mod attachments;
pub(super) mod ca_injector;
mod certificates;
mod checks;
mod deployments;
mod events;
mod garbage;
mod groups;
mod issuers;
mod jobs;
mod namespaces;
mod nodes;
mod pods;
mod snapshot_contents;
mod snapshots;
mod statefulsets;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::later;
use super::cluster::{Cluster, Progress};
use super::object::{self, text};
use super::quota;
use super::refusal::Refusal;
use super::store::{Key, Link, Object, State};
use super::write::{Part, Writer};

/// After a refused write, so that nothing spins.
const RETRY: Duration = Duration::from_secs(5);
/// Objects looked at before other tasks get a turn.
const BATCH: usize = 32;

/// When to look at an object again without a write to it.
#[derive(Debug, Default)]
struct Next {
    at: Option<Timestamp>,
    on: Vec<Key>,
}

impl Next {
    fn done() -> Self {
        Self::default()
    }

    fn at(at: Timestamp) -> Self {
        Self { at: Some(at), on: Vec::new() }
    }

    fn on(key: Key) -> Self {
        Self { at: None, on: vec![key] }
    }
}

type Outcome = Result<Next, Refusal>;

/// What a controller works with: the write in progress, and the storage behind it.
struct Desk<'a, 'w> {
    writer: &'a mut Writer<'w>,
    cluster: &'a Cluster,
}

impl Desk<'_, '_> {
    fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.writer.state.get(key).cloned()
    }

    /// Edits the wish of an object.
    fn edit(&mut self, key: &Key, change: impl FnOnce(&mut serde_json::Value)) -> Result<(), Refusal> {
        self.writer.edit(key, Part::Wish, change).map(drop)
    }

    /// Edits the status of an object.
    fn edit_status(&mut self, key: &Key, change: impl FnOnce(&mut serde_json::Value)) -> Result<(), Refusal> {
        self.writer.edit(key, Part::Status, change).map(drop)
    }

    fn now(&self) -> Timestamp {
        self.writer.now
    }
}

#[derive(Debug, Default)]
struct Queue {
    ready: BTreeSet<Key>,
    timers: BTreeMap<Key, Timestamp>,
    waiting: BTreeMap<Key, BTreeSet<Key>>,
}

impl Queue {
    fn take_in(&mut self, cluster: &Cluster) -> u64 {
        let (keys, seen) = cluster.store.with(|state| {
            let fresh = state.take_fresh();
            let keys: Vec<Key> = fresh.iter().flat_map(|(key, object)| affected(state, key, object)).collect();
            (keys, state.revision())
        });
        for key in keys {
            self.ready.extend(self.waiting.remove(&key).into_iter().flatten());
            self.ready.insert(key);
        }
        seen
    }

    fn ring(&mut self, now: Timestamp) {
        let due: Vec<Key> = self.timers.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.timers.remove(&key);
            self.ready.insert(key);
        }
    }

    fn note(&mut self, key: &Key, next: Next) {
        match next.at {
            Some(at) => self.timers.insert(key.clone(), at),
            None => self.timers.remove(key),
        };
        for on in next.on {
            self.waiting.entry(on).or_default().insert(key.clone());
        }
    }
}

/// Runs the controllers of a cluster until the task is aborted.
pub(crate) async fn run(cluster: Arc<Cluster>) {
    let mut changed = cluster.store.subscribe();
    let mut queue = Queue::default();
    loop {
        let seen = work(&cluster, &mut queue).await;
        let due = queue.timers.values().min().copied();
        cluster.progress.send_replace(Progress { seen, due });
        tokio::select! {
            done = changed.changed() => if done.is_err() { return },
            () = cluster.clock.until(due.unwrap_or(Timestamp::MAX)), if due.is_some() => {}
        }
    }
}

/// Works until nothing is left to do now; returns the revision up to which everything was seen.
async fn work(cluster: &Cluster, queue: &mut Queue) -> u64 {
    for turn in 1_usize.. {
        let seen = queue.take_in(cluster);
        queue.ring(cluster.clock.now());
        let Some(key) = queue.ready.pop_first() else {
            return seen;
        };
        let next = cluster.write(false, |writer| {
            let now = writer.now;
            let mut desk = Desk { writer, cluster };
            Ok(reconcile(&mut desk, &key).unwrap_or_else(|refusal| {
                tracing::debug!(?key, why = refusal.message(), "sim: a controller will try again");
                Next::at(later(now, RETRY))
            }))
        });
        queue.note(&key, next.unwrap_or_default());
        if turn % BATCH == 0 {
            tokio::task::yield_now().await;
        }
    }
    0
}

fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    if garbage::reconcile(desk, key)? {
        return Ok(Next::done());
    }
    match key.plural {
        "namespaces" => namespaces::reconcile(desk, key),
        "nodes" => nodes::reconcile(desk, key),
        "pods" => pods::reconcile(desk, key),
        "statefulsets" => statefulsets::reconcile(desk, key),
        "deployments" => deployments::reconcile(desk, key),
        "replicasets" => deployments::reconcile_replica_set(desk, key),
        "jobs" => jobs::reconcile(desk, key),
        "persistentvolumeclaims" => volumes::reconcile_claim(desk, key),
        "persistentvolumes" => volumes::reconcile_volume(desk, key),
        "volumesnapshots" => snapshots::reconcile(desk, key),
        "volumesnapshotcontents" => snapshot_contents::reconcile(desk, key),
        "volumegroupsnapshots" => groups::reconcile(desk, key),
        "issuers" | "clusterissuers" => issuers::reconcile(desk, key),
        "certificates" => certificates::reconcile(desk, key),
        "mutatingwebhookconfigurations"
        | "validatingwebhookconfigurations"
        | "apiservices"
        | "customresourcedefinitions" => ca_injector::reconcile(desk, key),
        "resourcequotas" => {
            if let Some(held) = desk.get(key) {
                let status = quota::status(&held.value, desk.writer.state);
                desk.edit_status(key, |quota| object::set(quota, "/status", status))?;
            }
            Ok(Next::done())
        }
        _ => Ok(Next::done()),
    }
}

/// Whose wish may need a look after this object was written or removed: itself and what it touches.
fn affected(state: &State, key: &Key, object: &Object) -> Vec<Key> {
    let value = &object.value;
    let mut keys = vec![key.clone()];
    if let Some(owner) = object::controller(value).and_then(|owner| state.by_uid(text(owner, "/uid"))) {
        keys.push(Key::of(owner.kind, &owner.value));
    }
    let here = |plural, name: &str| Key::new(plural, &key.namespace, name);
    match key.plural {
        "pods" => {
            let claims = object::items(value, "/spec/volumes")
                .iter()
                .map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
            for claim in claims.filter(|claim| !claim.is_empty()) {
                keys.push(here("persistentvolumeclaims", claim));
                // Its volume is attached where the pod is.
                keys.extend(state.pointing_at(&Link::ClaimRef(key.namespace.clone(), claim.to_owned())));
            }
        }
        "persistentvolumeclaims" => {
            keys.push(Key::new("persistentvolumes", "", text(value, "/spec/volumeName")));
            keys.extend(state.pointing_at(&Link::ClaimRef(key.namespace.clone(), key.name.clone())));
            keys.push(here("volumesnapshots", text(value, "/spec/dataSource/name")));
        }
        "persistentvolumes" => keys.push(Key::new(
            "persistentvolumeclaims",
            text(value, "/spec/claimRef/namespace"),
            text(value, "/spec/claimRef/name"),
        )),
        "volumesnapshots" => {
            keys.push(Key::new("volumesnapshotcontents", "", text(value, "/status/boundVolumeSnapshotContentName")));
            keys.push(here("persistentvolumeclaims", text(value, "/spec/source/persistentVolumeClaimName")));
        }
        "volumesnapshotcontents" => keys.push(Key::new(
            "volumesnapshots",
            text(value, "/spec/volumeSnapshotRef/namespace"),
            text(value, "/spec/volumeSnapshotRef/name"),
        )),
        "secrets" => {
            let stored = certificates::stored_in(state, key);
            keys.extend(ca_injector::wanting(state, &stored));
            keys.extend(stored);
            keys.extend(issuers::signing_with(state, key));
        }
        _ => {}
    }
    if state.get(key).is_none() {
        keys.push(Key::new("namespaces", "", &key.namespace));
        keys.extend(state.pointing_at(&Link::Owner(object::uid(value).to_owned())));
    }
    if key.plural != "resourcequotas" && key.plural != "events" {
        keys.extend(
            state.list("resourcequotas", Some(&key.namespace)).iter().map(|quota| Key::of(quota.kind, &quota.value)),
        );
    }
    keys
}
