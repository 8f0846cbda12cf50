//! `ConfigMap`s that hold SARIF, as their label says: listed and watched in the namespaces that are configured, and in no
//! other.
//!
//! Not a kind of the World: the bytes are passed on to whoever parses them and forgotten. Only keys that end like SARIF
//! files are taken out of the answer; all else of an object is skipped while decoding. What breaks is told at once and
//! tried again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Cluster;
use super::errors::CallError;
use super::paths;
use super::pause::Pause;
use crate::model::annotation;
use crate::plan::Resource;

mod wire;

use wire::{Change, Event, Frame};

/// `ConfigMap`s per page of a list; one may hold a megabyte.
const PAGE: &str = "20";
/// Deadline of the head of an answer, and of each next part of a list.
const LIST: Duration = Duration::from_secs(30);
/// Longest life of a watch, and how long after its own end a silent one is taken for dead.
const LONGEST: (&str, Duration) = ("60", Duration::from_secs(70));
/// First and longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// One `ConfigMap` with SARIF.
#[derive(Debug, PartialEq, Eq)]
pub struct ScanMap {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its keys that end like SARIF files, each with its bytes or why it has none; a key without a name stands for an
    /// object that cannot be read at all.
    pub files: Vec<(String, Result<Vec<u8>, &'static str>)>,
}

/// What is seen of them.
#[derive(Debug, PartialEq, Eq)]
pub enum ScanMapEvent {
    /// The server whose namespaces are looked at from here on.
    Begun(Arc<str>),
    /// A list of this namespace begins: what it does not name is gone.
    Started(Arc<str>),
    /// There is one, or it changed.
    Is(ScanMap),
    /// This one is there no longer, or has no label any more.
    Gone(Arc<str>, String),
    /// The list of this namespace is complete.
    Listed(Arc<str>),
    /// This namespace is not seen, and why.
    Blind(Arc<str>, String),
}

/// Running watches; they stop when it is dropped.
#[derive(Debug)]
pub struct ScanMaps {
    _tasks: JoinSet<()>,
}

/// Follows these namespaces until the answer is dropped. Must be called inside a tokio runtime.
pub fn watch_scan_maps(cluster: &Cluster, namespaces: &[Arc<str>], out: &mpsc::Sender<ScanMapEvent>) -> ScanMaps {
    let mut tasks = JoinSet::new();
    let (cluster, namespaces, out) = (cluster.clone(), namespaces.to_vec(), out.clone());
    tasks.spawn(async move {
        if out.send(ScanMapEvent::Begun(cluster.server().into())).await.is_err() {
            return;
        }
        let mut each = JoinSet::new();
        for namespace in namespaces {
            each.spawn(follow_for_ever(cluster.clone(), namespace, out.clone()));
        }
        each.join_all().await;
    });
    ScanMaps { _tasks: tasks }
}

/// Nobody listens any more, or why it broke.
enum Ended {
    Closed,
    Broken(CallError, &'static str),
}

async fn follow_for_ever(cluster: Cluster, namespace: Arc<str>, out: mpsc::Sender<ScanMapEvent>) {
    let follower = Follower { cluster, namespace: namespace.clone(), out };
    let mut pause = Pause::new(PAUSE);
    loop {
        let Err(ended) = follower.list_and_watch(&mut pause).await;
        let said = match ended {
            Ended::Closed => return,
            Ended::Broken(error, _) if error.gone() => continue,
            Ended::Broken(error, verb) if error.forbidden() => {
                format!(
                    "the right to {verb} configmaps in {namespace} is missing; grant get, list and watch there, or take \
                     the namespace out of findings.configmaps"
                )
            }
            Ended::Broken(error, _) => error.to_string(),
        };
        if follower.tell(ScanMapEvent::Blind(namespace.clone(), said)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause.next()).await;
    }
}

struct Follower {
    cluster: Cluster,
    namespace: Arc<str>,
    out: mpsc::Sender<ScanMapEvent>,
}

impl Follower {
    async fn tell(&self, event: ScanMapEvent) -> Result<(), Ended> {
        self.out.send(event).await.map_err(|_| Ended::Closed)
    }

    async fn list_and_watch(&self, pause: &mut Pause) -> Result<std::convert::Infallible, Ended> {
        let mut version = self.list().await?;
        *pause = Pause::new(PAUSE);
        loop {
            version = self.watch(version).await?;
        }
    }

    fn path(&self, pairs: &[(&str, &str)]) -> Result<String, CallError> {
        let mut all = vec![("labelSelector", annotation::SARIF)];
        all.extend(pairs);
        Ok(paths::collection(&Resource::config_map(), Some(&self.namespace))? + &paths::query(&all))
    }

    async fn list(&self) -> Result<String, Ended> {
        let broken = |error| Ended::Broken(error, "list");
        self.tell(ScanMapEvent::Started(self.namespace.clone())).await?;
        let mut next = String::new();
        loop {
            let mut pairs = vec![("limit", PAGE)];
            pairs.extend(Some(("continue", next.as_str())).filter(|(_, token)| !token.is_empty()));
            let path = self.path(&pairs).map_err(broken)?;
            let mut items = self.cluster.wire().items(&path, LIST).await.map_err(broken)?;
            while let Some(item) = items.next(LIST).await.map_err(broken)? {
                self.tell(ScanMapEvent::Is(wire::map(&self.namespace, item))).await?;
            }
            let frame: Frame = wire::frame(items.frame()).map_err(broken)?;
            let Some(token) = frame.metadata.next.filter(|token| !token.is_empty()) else {
                self.tell(ScanMapEvent::Listed(self.namespace.clone())).await?;
                return Ok(frame.metadata.resource_version);
            };
            next = token;
        }
    }

    /// Watches from a version until the server ends that; up to which version.
    async fn watch(&self, mut version: String) -> Result<String, Ended> {
        let broken = |error| Ended::Broken(error, "watch");
        let pairs = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version.as_str()),
            ("timeoutSeconds", LONGEST.0),
        ];
        let path = self.path(&pairs).map_err(broken)?;
        let mut lines = self.cluster.wire().lines(&path, LIST).await.map_err(broken)?;
        let mut seen = false;
        while let Some(line) = lines.next(LONGEST.1).await.map_err(broken)? {
            let Event { change, version: at } = wire::event(&self.namespace, line).map_err(broken)?;
            match change {
                Change::Is(map) => self.tell(ScanMapEvent::Is(map)).await?,
                Change::Gone(name) => self.tell(ScanMapEvent::Gone(self.namespace.clone(), name)).await?,
                Change::Nothing => {}
            }
            seen = true;
            if !at.is_empty() {
                version = at;
            }
        }
        if !seen {
            // A server that ends every watch at once is not asked without a rest.
            tokio::time::sleep(PAUSE.0).await;
        }
        Ok(version)
    }
}
