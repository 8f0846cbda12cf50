//! Everything one simulated cluster is made of, shared by its server and its controllers.

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::SimError;
use super::audit::Audit;
use super::clock::Clock;
use super::exec::Scripts;
use super::faults::SnapshotFaults;
use super::ids::Ids;
use super::kinds::Kinds;
use super::list::Pages;
use super::logs::Logs;
use super::object::{self, text};
use super::refusal::Refusal;
use super::seed;
use super::serving::Serving;
use super::store::{Key, Store};
use super::volumes::Volumes;
use super::write::{Part, Writer};

#[derive(Debug)]
pub(crate) struct Cluster {
    pub store: Store,
    pub clock: Clock,
    pub kinds: Kinds,
    pub ids: Ids,
    pub pages: Pages,
    pub audit: Audit,
    pub volumes: Volumes,
    pub faults: SnapshotFaults,
    pub scripts: Scripts,
    pub logs: Logs,
    /// What the TLS servers in pods have read.
    pub serving: Serving,
    /// A new value ends all watches and all logs that are followed.
    pub disconnects: watch::Sender<u64>,
    /// A new value breaks all exec sessions: they outlive the connection they came by.
    pub kills: watch::Sender<u64>,
    /// Whether controllers run: without them a deleted pod must go at once, for no one ends it.
    pub controllers: bool,
    /// The minor version it says it has.
    pub minor: u32,
    /// What the controllers are at.
    pub progress: watch::Sender<Progress>,
}

/// Where the controllers stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Everything written up to this revision was looked at.
    pub seen: u64,
    /// When they will look at something again without being told.
    pub due: Option<Timestamp>,
}

impl Cluster {
    pub fn new(clock: Clock, controllers: bool, absent: &[String], minor: u32) -> Self {
        // A cluster whose time is made by hand is the same on every run, down to its UIDs.
        let seed = if clock.is_manual() {
            0
        } else {
            u128::from(std::process::id()) << 96 ^ clock.now().as_nanosecond().unsigned_abs()
        };
        Self {
            store: Store::new(controllers),
            kinds: Kinds::without(absent),
            ids: Ids::new(seed),
            pages: Pages::default(),
            audit: Audit::default(),
            volumes: Volumes::default(),
            faults: SnapshotFaults::default(),
            scripts: Scripts::default(),
            logs: Logs::default(),
            serving: Serving::default(),
            disconnects: watch::Sender::new(0),
            kills: watch::Sender::new(0),
            controllers,
            minor,
            progress: watch::Sender::new(Progress::default()),
            clock,
        }
    }

    /// Runs one write; with `dry_run` nothing of it is kept.
    pub fn write<R>(
        &self,
        dry_run: bool,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let now = self.clock.now();
        self.store.with(|state| work(&mut Writer { state, ids: &self.ids, now, dry_run, graceful: self.controllers }))
    }

    /// Puts objects into the cluster as they are, status included.
    pub fn load(&self, objects: Vec<Value>) -> Result<(), SimError> {
        for mut value in objects {
            seed::fill(&mut value, &self.clock, &self.ids)?;
            let name = format!("{} {}", text(&value, "/kind"), object::name(&value));
            let failed = |message: String| SimError::Object { name: name.clone(), message };
            let kind = self
                .kinds
                .of_object(text(&value, "/apiVersion"), text(&value, "/kind"))
                .ok_or_else(|| failed("this kind is not served".to_owned()))?;
            let namespace = match (kind.namespaced, object::namespace(&value)) {
                (false, _) => String::new(),
                (true, "") => "default".to_owned(),
                (true, own) => own.to_owned(),
            };
            let made = self
                .write(false, |writer| writer.create(kind, &namespace, value, Part::All))
                .map_err(|refusal| failed(refusal.message().to_owned()))?;
            self.back(&made.value);
        }
        Ok(())
    }

    /// Changes the spec of an object.
    pub fn edit(
        &self,
        api_version: &str,
        kind: &str,
        (namespace, name): (&str, &str),
        change: impl FnOnce(&mut Value),
    ) -> Result<(), SimError> {
        let failed = |message: &str| SimError::Object { name: format!("{kind} {name}"), message: message.to_owned() };
        let known = self.kinds.of_object(api_version, kind).ok_or_else(|| failed("this kind is not served"))?;
        let key = Key::new(known.plural, namespace, name);
        let changed = self.write(false, |writer| writer.edit(&key, Part::Wish, change));
        let found = changed.map_err(|refusal| failed(refusal.message()))?;
        found.map(drop).ok_or_else(|| failed("there is none"))
    }

    /// Puts objects in unchecked. What is of no kind that is served is left out.
    pub fn implant(&self, objects: Vec<Value>) {
        self.store.with(|state| {
            for value in objects {
                if let Some(kind) = self.kinds.of_object(text(&value, "/apiVersion"), text(&value, "/kind")) {
                    state.put(kind, value);
                }
            }
        });
    }

    /// Makes the storage behind a loaded volume or snapshot, as if it had been there all along.
    fn back(&self, value: &Value) {
        let volume = text(value, "/spec/csi/volumeHandle");
        if !volume.is_empty() {
            self.volumes.provision(volume, None);
        }
        let snapshot = text(value, "/status/snapshotHandle");
        if text(value, "/kind") == "VolumeSnapshotContent" && !snapshot.is_empty() {
            self.volumes.cut(&[(text(value, "/spec/source/volumeHandle").to_owned(), snapshot.to_owned())]);
        }
    }

    /// Returns when the controllers have nothing left to do at this time.
    pub async fn settle(&self) {
        if !self.controllers {
            return;
        }
        let mut progress = self.progress.subscribe();
        let settled = |progress: &Progress| {
            progress.seen >= self.store.with(|state| state.revision())
                && progress.due.is_none_or(|due| due > self.clock.now())
        };
        // The sender lives in `self`, so the wait ends only by settling.
        let _ = progress.wait_for(settled).await;
    }
}
