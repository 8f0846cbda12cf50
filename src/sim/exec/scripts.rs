//! What runs in containers: scripts by pod, container and command, and the files they see.
//!
//! A script is a function of a [`Call`]; the first registered one that fits runs, else the built-in
//! shell. Files are those of the volumes the container mounts, so a hook can really write.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{container_of, shell};
use crate::sim::cluster::Cluster;
use crate::sim::object::{items, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::Key;

/// Where a script writes; bounded, so a client that does not read holds it up.
#[derive(Clone, Debug)]
pub struct Output {
    channel: u8,
    frames: mpsc::Sender<(u8, Bytes)>,
}

impl Output {
    pub(super) fn new(channel: u8, frames: mpsc::Sender<(u8, Bytes)>) -> Self {
        Self { channel, frames }
    }

    /// To where nobody reads.
    fn nowhere() -> Self {
        Self::new(0, mpsc::channel(1).0)
    }

    /// Writes bytes; they are lost when the client has gone.
    pub async fn write(&self, bytes: impl Into<Vec<u8>>) {
        let bytes: Vec<u8> = bytes.into();
        let _ = self.frames.send((self.channel, bytes.into())).await;
    }
}

/// The mounted volumes of one container.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(super) cluster: Arc<Cluster>,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// Mount path, volume handle.
    mounts: Vec<(String, String)>,
}

/// A session about to start.
pub(super) struct Start {
    pub command: Vec<String>,
    pub files: Files,
}

/// One command running in one container.
#[derive(Debug)]
pub struct Call {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// What the client sends; ends with its standard input.
    pub stdin: mpsc::Receiver<Bytes>,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    pub(super) files: Files,
}

impl Call {
    /// The same place with nothing to read and nobody who reads: for what outlives the session.
    pub(super) fn aside(&self) -> Self {
        let (_, stdin) = mpsc::channel(1);
        let (stdout, stderr) = (Output::nowhere(), Output::nowhere());
        Self { command: Vec::new(), stdin, stdout, stderr, files: self.files.clone() }
    }

    /// Another command in the same place, which takes over what is read and written.
    pub(super) fn inner(&mut self, command: &[String]) -> Self {
        let (_, nothing) = mpsc::channel(1);
        Self {
            command: command.to_vec(),
            stdin: std::mem::replace(&mut self.stdin, nothing),
            stdout: self.stdout.clone(),
            stderr: self.stderr.clone(),
            files: self.files.clone(),
        }
    }

    /// Namespace of the pod.
    pub fn namespace(&self) -> &str {
        &self.files.namespace
    }

    /// Name of the pod.
    pub fn pod(&self) -> &str {
        &self.files.pod
    }

    /// Name of the container.
    pub fn container(&self) -> &str {
        &self.files.container
    }

    /// A file of a mounted volume.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let (handle, inside) = self.files.locate(path)?;
        self.files.cluster.volumes.read(&handle, inside)
    }

    /// Writes a file of a mounted volume; whether a volume is mounted there.
    pub fn write(&self, path: &str, bytes: impl Into<Vec<u8>>) -> bool {
        let Some((handle, inside)) = self.files.locate(path) else {
            return false;
        };
        self.files.cluster.volumes.write(&handle, inside, bytes);
        true
    }

    /// Removes a file of a mounted volume; whether there was one.
    pub fn remove(&self, path: &str) -> bool {
        self.files.locate(path).is_some_and(|(handle, inside)| self.files.cluster.volumes.remove(&handle, inside))
    }

    /// Names below a directory of a mounted volume, relative to it.
    pub fn list(&self, path: &str) -> Option<Vec<String>> {
        let (handle, inside) = self.files.locate(path)?;
        let inside = inside.trim_matches('/');
        let prefix = if inside.is_empty() { String::new() } else { format!("{inside}/") };
        let paths = self.files.cluster.volumes.paths(&handle);
        Some(paths.iter().filter_map(|path| path.strip_prefix(&prefix)).map(ToOwned::to_owned).collect())
    }
}

impl Files {
    /// The files of a container of a running pod.
    pub fn of(cluster: &Arc<Cluster>, pod: &Key, container: &str) -> Result<Self, Refusal> {
        let kind = crate::sim::kinds::by_plural("pods").ok_or_else(Refusal::no_such_path)?;
        let found = cluster.store.get(pod).ok_or_else(|| Refusal::not_found(kind, &pod.name))?;
        let container = container_of(&found.value, container)?;
        if text(&found.value, "/status/phase") != "Running" {
            return Err(Refusal::bad_request(format!(
                "pod {} does not have a host assigned or is not running",
                pod.name
            )));
        }
        let mounts = items(container, "/volumeMounts").iter().filter_map(|mount| {
            let volume = items(&found.value, "/spec/volumes").iter().find(|volume| volume["name"] == mount["name"])?;
            Some((
                text(mount, "/mountPath").trim_end_matches('/').to_owned(),
                handle_of(cluster, &pod.namespace, volume)?,
            ))
        });
        // Every container has shared memory of its own.
        let memory = format!("{}/{}", text(&found.value, "/metadata/uid"), text(container, "/name"));
        Ok(Self {
            cluster: Arc::clone(cluster),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: text(container, "/name").to_owned(),
            mounts: mounts.chain([("/dev/shm".to_owned(), memory)]).collect(),
        })
    }

    fn locate<'a>(&self, path: &'a str) -> Option<(String, &'a str)> {
        let found = self.mounts.iter().filter_map(|(mount, handle)| {
            let inside = path.strip_prefix(mount.as_str())?;
            (inside.is_empty() || inside.starts_with('/')).then_some((mount.len(), handle, inside))
        });
        let (_, handle, inside) = found.max_by_key(|(depth, ..)| *depth)?;
        Some((handle.clone(), inside))
    }
}

fn handle_of(cluster: &Cluster, namespace: &str, volume: &Value) -> Option<String> {
    let claim = text(volume, "/persistentVolumeClaim/claimName");
    let claim = cluster.store.get(&Key::new("persistentvolumeclaims", namespace, claim))?;
    let volume = cluster.store.get(&Key::new("persistentvolumes", "", text(&claim.value, "/spec/volumeName")))?;
    Some(text(&volume.value, "/spec/csi/volumeHandle").to_owned())
}

pub(super) type Script = Arc<dyn Fn(Call) -> BoxFuture<'static, i32> + Send + Sync>;
type Fits = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

/// The scripts of one cluster.
#[derive(Default)]
pub struct Scripts(Mutex<Vec<(Fits, Script)>>);

impl Scripts {
    /// Runs `script` for calls that `fits` picks; it returns the exit code. Later ones win.
    pub fn on(
        &self,
        fits: impl Fn(&Call) -> bool + Send + Sync + 'static,
        script: impl Fn(Call) -> BoxFuture<'static, i32> + Send + Sync + 'static,
    ) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::new(fits), Arc::new(script)));
    }

    /// The script for a command.
    pub(super) fn find(&self, call: &Call) -> Option<Script> {
        let scripts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.iter().rev().find(|(fits, _)| fits(call)).map(|(_, script)| Arc::clone(script))
    }

    /// Runs a command and returns its exit code.
    pub(super) async fn run(&self, call: Call) -> i32 {
        match self.find(&call) {
            Some(script) => script(call).await,
            None => shell::run(call).await,
        }
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").finish_non_exhaustive()
    }
}
