//! Where to look when something about an object is wrong: which containers write about it, the likeliest first, and
//! which ones should be there and are not seen.
//!
//! Pods are found among those that are watched; nothing is asked. What a log says is read elsewhere; here it is only
//! kept and searched ([`LogBuffer`], [`LineFilter`]).

mod buffer;
mod controllers;
mod private;
mod search;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use buffer::{LineFilter, LogBuffer};

use super::Level;
use crate::model::{Container, ContainerState, Key, Kind, ObjRef, Pod, Uid, World};
use search::Search;
pub(in crate::view) use search::velero_log;

/// Where the logs about one object are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSources {
    /// The object.
    pub object: ObjRef,
    /// Containers that write about it, the likeliest first.
    pub sources: Vec<LogSource>,
    /// What should be there as well and is not seen, and why. Untrusted text.
    pub missing: Vec<Box<str>>,
}

/// One instance of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// The pod.
    pub pod: ObjRef,
    /// Its UID: a pod of the same name is another.
    pub uid: Uid,
    /// The container.
    pub container: Arc<str>,
    /// Whether it is one that runs before the others.
    pub init: bool,
    /// The instance before the present one.
    pub previous: bool,
    /// What it has to do with the object.
    pub why: Box<str>,
    /// How the container stands.
    pub level: Level,
    /// The same in words. Untrusted text.
    pub state: Box<str>,
}

impl LogSource {
    fn new(pod: &Pod, container: &Container, init: bool, why: &str) -> Self {
        let (level, state) = state(container, init);
        Self {
            pod: pod.meta.reference(Kind::Pod),
            uid: pod.meta.uid(),
            container: container.name.clone(),
            init,
            previous: false,
            why: why.into(),
            level,
            state: state.into(),
        }
    }

    /// The instance before this one.
    fn before(&self) -> Self {
        Self { previous: true, level: Level::Info, state: "previous, ended".into(), ..self.clone() }
    }

    /// Whether it is the same instance of the same container, however that stands now.
    pub fn same(&self, other: &Self) -> bool {
        (&self.uid, &self.container, self.previous) == (&other.uid, &other.container, other.previous)
    }
}

/// Whether there can be logs about objects of a kind.
pub fn has_logs(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::StorageClass
            | Kind::SnapshotClass
            | Kind::GroupClass
            | Kind::Node
            | Kind::Namespace
            | Kind::Service
            | Kind::MutatingWebhook
            | Kind::ValidatingWebhook
            | Kind::ApiService
            | Kind::Crd
            | Kind::SigningRequest
            | Kind::ConfigMap
            | Kind::Ingress
            | Kind::Gateway
            | Kind::Event
    )
}

/// Where the logs about an object are; `None` when it is gone, or when nothing writes about its kind.
pub fn log_sources(world: &World, key: &Key) -> Option<LogSources> {
    let (kind, uid) = key.object()?;
    if !has_logs(kind) {
        return None;
    }
    let object = world.inventory.object(kind, uid)?;
    let mut search = Search::new(world);
    search.about(&object);
    Some(search.found(object.meta().reference(kind)))
}

/// How a container stands.
fn state(container: &Container, init: bool) -> (Level, String) {
    match &container.state {
        ContainerState::Running if container.ready || init => (Level::Ok, "running".to_owned()),
        ContainerState::Running => (Level::Warn, "running, not ready".to_owned()),
        ContainerState::Waiting(reason) if reason.is_empty() => (Level::Warn, "waiting".to_owned()),
        ContainerState::Waiting(reason) => {
            let starts = matches!(&**reason, "ContainerCreating" | "PodInitializing");
            (if starts { Level::Warn } else { Level::Critical }, reason.to_string())
        }
        ContainerState::Ended(0) => (Level::Info, "ended".to_owned()),
        ContainerState::Ended(code) => (Level::Critical, format!("ended with {code}")),
        ContainerState::Unknown => (Level::Unknown, "not known".to_owned()),
    }
}
