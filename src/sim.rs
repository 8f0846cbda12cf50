//! An embedded cluster: a Kubernetes API in this process, on loopback, with small controllers.
//!
//! It serves `holdfast demo` and the scenarios. Real clients talk to it over HTTP, so nothing in
//! the house knows it apart from a real control plane, and it uses no other module of the house.
//! The same scenarios run against the lab: where the two differ, this one is wrong.

mod audit;
mod clock;
mod cluster;
mod controllers;
mod defaults;
mod discovery;
mod exec;
mod faults;
mod forward;
mod http;
mod ids;
mod kinds;
mod list;
mod logs;
mod object;
mod openapi;
mod patch;
mod pki;
mod protobuf;
mod quota;
mod refusal;
mod review;
mod scale;
pub mod seed;
mod selector;
mod serving;
mod store;
mod table;
mod users;
mod validate;
mod volumes;
mod watch;
mod write;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use thiserror::Error;
use tokio::task::JoinHandle;

pub use audit::AuditEvent;
pub use clock::Clock;
pub use exec::{Call, Output, Scripts};
pub use faults::{SnapshotFault, SnapshotFaults};
pub use seed::SeedError;
pub use users::User;
pub use volumes::Volumes;

use cluster::Cluster;
use http::{Port, Server};

/// How a cluster starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects it holds from the beginning, beside the namespaces every cluster has.
    pub seed: Vec<Value>,
    /// The clock of controllers and timestamps.
    pub clock: Clock,
    /// Whether anything acts on objects; without, they stay as they are written.
    pub controllers: bool,
    /// API groups not served, as if their CRDs were not installed. By default `velero.io`.
    pub absent: Vec<String>,
    /// The minor version it says it has; what it does stays the same. By default that of the lab's control plane.
    pub minor: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // A test proves that the shop seed is readable.
            seed: seed::shop().unwrap_or_default(),
            clock: Clock::real(),
            controllers: true,
            absent: vec![kinds::VELERO.to_owned()],
            minor: discovery::MINOR,
        }
    }
}

/// A cluster that cannot start or take an object.
#[derive(Debug, Error)]
pub enum SimError {
    /// No loopback port could be had.
    #[error("the simulated API server cannot listen on 127.0.0.1")]
    Listen(#[source] std::io::Error),
    /// A seed is not usable.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// An object was refused.
    #[error("the simulated cluster does not take {name}: {message}")]
    Object {
        /// Kind and name of the object.
        name: String,
        /// Why, as the API would say it.
        message: String,
    },
    /// `restart` without `stop`.
    #[error("the simulated API server is already running")]
    Running,
}

/// A running cluster. Dropping it stops the server and the controllers.
#[derive(Debug)]
pub struct Sim {
    cluster: Arc<Cluster>,
    server: Mutex<Option<Server>>,
    port: Port,
    controllers: Option<JoinHandle<()>>,
}

impl Sim {
    /// Starts a cluster on a free loopback port. Needs a tokio runtime, on which it stays.
    pub fn start(options: Options) -> Result<Self, SimError> {
        let cluster = Arc::new(Cluster::new(options.clock, options.controllers, &options.absent, options.minor));
        cluster.load(seed::base()?)?;
        cluster.load(options.seed)?;
        let port = Port::free().map_err(SimError::Listen)?;
        let server = Server::start(Arc::clone(&cluster), &port).map_err(SimError::Listen)?;
        let controllers = options.controllers.then(|| tokio::spawn(controllers::run(Arc::clone(&cluster))));
        Ok(Self { port, cluster, server: Mutex::new(Some(server)), controllers })
    }

    /// Base URL of the API. It stays the same over [`restart`](Self::restart).
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// A kubeconfig with the contexts `demo` (the SRE), `demo-admin`, `demo-colleague`, `demo-auditor` and
    /// `demo-tenant`; that of `user` is current.
    pub fn kubeconfig(&self, user: User) -> String {
        users::kubeconfig(&self.url(), user)
    }

    /// Every request answered so far, oldest first.
    pub fn audit(&self) -> Vec<AuditEvent> {
        self.cluster.audit.all()
    }

    /// The cluster's clock.
    pub fn clock(&self) -> &Clock {
        &self.cluster.clock
    }

    /// The bytes in the volumes and snapshots.
    pub fn volumes(&self) -> &Volumes {
        &self.cluster.volumes
    }

    /// Orders for snapshots to go wrong.
    pub fn snapshot_faults(&self) -> &SnapshotFaults {
        &self.cluster.faults
    }

    /// What `exec` runs.
    pub fn scripts(&self) -> &Scripts {
        &self.cluster.scripts
    }

    /// Writes a line into the log of a container; false when no such container runs.
    pub fn write_log(&self, namespace: &str, pod: &str, container: &str, line: &str) -> bool {
        logs::write(&self.cluster, &store::Key::new("pods", namespace, pod), container, line)
    }

    /// How many logs are being read or followed right now.
    pub fn followed_logs(&self) -> usize {
        self.cluster.logs.readers()
    }

    /// Lets a container end with an exit code and start again; false when there is no such container.
    pub fn restart_container(&self, namespace: &str, pod: &str, container: &str, code: i32) -> bool {
        logs::restart(&self.cluster, &store::Key::new("pods", namespace, pod), container, code)
    }

    /// Adds objects as they are, status included, without asking the API.
    pub fn load(&self, objects: Vec<Value>) -> Result<(), SimError> {
        self.cluster.load(objects)
    }

    /// Changes the spec of an object, as a person with `kubectl edit` would.
    ///
    /// # Errors
    /// When there is no such object, or what it becomes is refused.
    pub fn edit(
        &self,
        api_version: &str,
        kind: &str,
        (namespace, name): (&str, &str),
        change: impl FnOnce(&mut Value),
    ) -> Result<(), SimError> {
        self.cluster.edit(api_version, kind, (namespace, name), change)
    }

    /// Puts objects in unchecked, as a server that cannot be trusted might have them.
    pub fn implant(&self, objects: Vec<Value>) {
        self.cluster.implant(objects);
    }

    /// Every object it holds.
    pub fn objects(&self) -> Vec<Value> {
        let plurals = self.cluster.kinds.iter().map(|kind| kind.plural);
        let listed = |plural| self.cluster.store.with(|state| state.list(plural, None));
        plurals.flat_map(listed).map(|object| object.value.clone()).collect()
    }

    /// Returns when the controllers have nothing left to do until the clock moves.
    pub async fn settle(&self) {
        self.cluster.settle().await;
    }

    /// Ends all running watches and followed logs, as an API server does now and then.
    pub fn disconnect_watches(&self) {
        self.cluster.disconnects.send_modify(|count| *count += 1);
    }

    /// Forgets the history: watches and list pages from before now get 410.
    pub fn compact(&self) {
        self.cluster.store.with(store::State::compact);
        self.cluster.pages.clear();
    }

    /// Kills the API server: all connections break, new ones are refused. The state is kept and the
    /// controllers, which need no API here, go on.
    pub async fn kill(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.cluster.kills.send_modify(|count| *count += 1);
        if let Some(server) = server {
            server.stop().await;
        }
    }

    /// Brings a killed API server back, on the same port and with its state.
    pub fn restart(&self) -> Result<(), SimError> {
        if self.server.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Err(SimError::Running);
        }
        let server = Server::start(Arc::clone(&self.cluster), &self.port).map_err(SimError::Listen)?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    /// Stops everything and waits until the port is free.
    pub async fn stop(self) {
        self.kill().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.cluster.kills.send_modify(|count| *count += 1);
        if let Some(controllers) = &self.controllers {
            controllers.abort();
        }
    }
}
