//! The real control plane that `tests/run` started: where it is, and who may break it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Scenarios share the lab; one that stops the API server has it alone.
static LAB: RwLock<()> = RwLock::const_new(());

pub async fn share() -> RwLockReadGuard<'static, ()> {
    LAB.read().await
}

pub async fn own() -> RwLockWriteGuard<'static, ()> {
    LAB.write().await
}

/// What `lab up DIR` wrote to `DIR/lab.json`, as far as scenarios need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Lab {
    pub dir: PathBuf,
    pub server: String,
    pub ca: PathBuf,
    pub users: BTreeMap<String, LabUser>,
    pub audit_log: PathBuf,
    pub bin: PathBuf,
    pub drivers: BTreeMap<String, Driver>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct LabUser {
    pub token: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Driver {
    pub volumes: PathBuf,
    pub snapshots: PathBuf,
    pub faults: PathBuf,
    pub writers: PathBuf,
}

impl Lab {
    /// The lab of `HOLDFAST_LAB`.
    pub fn found() -> Self {
        let dir = std::env::var_os("HOLDFAST_LAB").expect("HOLDFAST_LAB names no lab; tests/run starts one");
        let file = Path::new(&dir).join("lab.json");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// A kubeconfig of the lab itself: all powerful, and nobody's own in the audit log.
    pub fn own_kubeconfig(&self) -> PathBuf {
        self.dir.join("pki/lab.kubeconfig")
    }

    /// `lab VERB DIR PROCESS`.
    pub async fn control(&self, verb: &str, process: &str) {
        let mut command = Command::new(self.bin.join("lab"));
        let output = command.arg(verb).arg(&self.dir).arg(process).output().await.unwrap();
        assert!(output.status.success(), "lab {verb} {process}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
