//! PostgreSQL as it is installed on this machine: its programs, and a server on a directory. It refuses to run as root
//! and then runs as its own user.

mod node;

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub use node::{LABEL, Node};

use super::wait::LONG;

/// From this one on, backup mode belongs to a session.
const OLDEST: u32 = 15;
/// Of the superuser, and of the clerks. Neither may be seen in anything that the product prints or keeps.
pub const PASSWORD: &str = "correct-horse-battery-staple";
/// What a container of it calls its data.
const DATA: &str = "pgdata";

/// Where a server listens, what it says, and its programs.
pub struct Place {
    bin: PathBuf,
    /// Whose it is when the tests run as root: user and group.
    owner: Option<(u32, u32)>,
    folder: TempDir,
}

impl Place {
    /// For one server at a time. Panics where PostgreSQL is not installed: then nothing would be proved.
    pub fn new() -> Self {
        let bin = programs().unwrap_or_else(|| {
            panic!("this needs PostgreSQL {OLDEST} or newer (Debian: postgresql); tests/run installs it")
        });
        let owner = rustix::process::geteuid().is_root().then(unprivileged);
        let place = Self { bin, owner, folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.password_file(), PASSWORD).unwrap();
        place.give(place.folder.path());
        place.give(&place.password_file());
        place
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// What the server said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The variables by which the programs of a container find their server, as its image sets them.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let sockets = self.folder.path().to_str().unwrap().to_owned();
        [("PATH", path), ("PGHOST", sockets), ("POSTGRES_PASSWORD", PASSWORD.to_owned())]
    }

    /// A program of it that needs a server's rights.
    fn privileged(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        let mut command = match self.owner {
            None => Command::new(path),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
                // The volumes may be in a folder that only root may pass.
                command.args(["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]).arg(path);
                command
            }
        };
        command.env_clear().env("LC_ALL", "C").kill_on_drop(true).stdin(Stdio::null());
        command
    }

    /// A client that reads statements, one a line, and ends with the first that fails.
    pub fn client(&self, user: &str) -> Command {
        self.client_with(user, PASSWORD)
    }

    /// The same with another password.
    pub fn client_with(&self, user: &str, password: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-F", " ", "-v", "ON_ERROR_STOP=1", "-w", "-d", "postgres", "-U", user]);
        command.env_clear().env("PGHOST", self.folder.path()).env("PGPASSWORD", password).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What the superuser is told.
    pub async fn ask(&self, statements: &str) -> String {
        let output = self.client("postgres").args(["-c", statements]).output().await.unwrap();
        assert!(output.status.success(), "{statements}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What somebody is told; an error with what the client says where they are not let in, or nobody answers.
    pub async fn told(&self, (user, password): (&str, &str), statements: &str) -> Result<String, String> {
        let output = self.client_with(user, password).args(["-c", statements]).output().await.unwrap();
        let said = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
    }

    /// Whether the server takes connections.
    async fn answers(&self) -> bool {
        let mut command = self.privileged("pg_isready");
        command.arg("-q").arg("-h").arg(self.folder.path());
        command.status().await.unwrap().success()
    }
}

/// The folder with the programs of the newest version that is new enough.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = debian.chain(std::env::split_paths(&path));
    let whole = all.filter(|bin| ["postgres", "initdb", "psql", "pg_isready"].iter().all(|it| bin.join(it).exists()));
    let versions = whole.filter_map(|bin| Some((version(&bin)?, bin)));
    versions.filter(|(version, _)| *version >= OLDEST).max().map(|(_, bin)| bin)
}

/// The major version, from `postgres (PostgreSQL) 15.14 (Debian 15.14-0)`.
fn version(bin: &Path) -> Option<u32> {
    let output = std::process::Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.split_whitespace().nth(2)?.split('.').next()?.parse().ok()
}

/// User and group that its package made, or those of nobody.
fn unprivileged() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    of("postgres").or_else(|| of("nobody")).expect("a user other than root")
}

/// A running server. Dropped, it is killed.
struct Server {
    child: Child,
    /// Where the storage is told that it writes the volume, so that a copy is as atomic as that of a block device.
    registered: PathBuf,
}

impl Server {
    /// Starts it on a volume, and makes its data first where there are none: what the entry point of an image does.
    async fn start(place: &Place, volume: &Path, registered: PathBuf) -> Self {
        let data = volume.join(DATA);
        if !data.exists() {
            std::fs::create_dir(&data).unwrap();
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
            place.give(&data);
            initialise(place, &data).await;
        }
        // Its number is that of a process in a container that is gone; here it could be anybody's.
        let _ = std::fs::remove_file(data.join("postmaster.pid"));
        let log = std::fs::File::options().create(true).append(true).open(place.log()).unwrap();
        let mut command = place.privileged("postgres");
        command.arg("-D").arg(&data);
        let sockets = format!("unix_socket_directories={}", place.folder.path().display());
        for setting in ["listen_addresses=", &sockets, "max_connections=30", "shared_buffers=16MB", "max_wal_size=32MB"]
        {
            command.args(["-c", setting]);
        }
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        std::fs::write(&registered, format!("{}\n", child.id().unwrap())).unwrap();
        Self { child, registered }
    }

    /// Ends it as the end of a container does; what was committed is on disk then.
    async fn stop(mut self) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap())) {
            // Fast shutdown: connections are ended.
            rustix::process::kill_process(pid, Signal::INT).unwrap();
        }
        tokio::time::timeout(LONG, self.child.wait()).await.expect("the server stops").unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.registered);
    }
}

async fn initialise(place: &Place, data: &Path) {
    let mut command = place.privileged("initdb");
    command.arg("-D").arg(data).arg("--pwfile").arg(place.password_file());
    command.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync"]);
    let output = command.arg("--data-checksums").output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}
