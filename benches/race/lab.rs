//! The control plane that both run on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Fallible;

/// A running lab with many objects in it.
pub struct Lab {
    dir: PathBuf,
    /// Claims, and as many snapshots.
    pub count: usize,
}

impl Lab {
    /// Puts the objects in, unless an earlier run did.
    pub fn filled(dir: PathBuf, count: usize) -> Fallible<Self> {
        let lab = Self { dir, count };
        let marker = lab.dir.join(format!("bulk-{count}"));
        if !marker.exists() {
            eprintln!("race: the lab is being filled, some minutes");
            if !lab.tool("bulk").arg(count.to_string()).status()?.success() {
                return Err(format!("lab bulk {} {count} failed", lab.dir.display()).into());
            }
            std::fs::write(marker, "")?;
        }
        Ok(lab)
    }

    /// Begins to change claims, so many a second.
    pub fn churn(&self, per_second: u32, seconds: u64) -> Fallible<Child> {
        let numbers = [self.count.to_string(), per_second.to_string(), format!("{seconds}s")];
        Ok(self.tool("churn").args(numbers).stdout(Stdio::null()).spawn()?)
    }

    /// The kubeconfig of a person, as it is.
    pub fn kubeconfig(&self) -> Fallible<String> {
        Ok(std::fs::read_to_string(self.dir.join("sre.kubeconfig"))?)
    }

    fn tool(&self, verb: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lab/bin/lab"));
        command.arg(verb).arg(&self.dir);
        command
    }
}
