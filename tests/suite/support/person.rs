//! A person's machine: a kubeconfig, a home, a state directory, and the real binary run there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// No command takes longer than this. What csi-provisioner protects while it makes a volume of a copy it may forget to
/// let go when the claim is deleted at that moment; it looks again every five minutes, and a drill waits for that.
const PATIENCE: Duration = Duration::from_secs(400);

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// Panics unless it ended with this code.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

/// One person's machine. Its files go when it is dropped.
pub struct Person {
    home: TempDir,
    secrets: Vec<String>,
}

impl Person {
    /// With this kubeconfig. What the binary prints must never contain one of the secrets.
    pub fn new(kubeconfig: &str, secrets: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kubeconfig"), kubeconfig).unwrap();
        Self { home, secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect() }
    }

    /// The directory that everything of this person is in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.home.path().join("kubeconfig")
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Writes the configuration file.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.home.path().join("config.toml"), toml).unwrap();
    }

    /// Writes a theme file.
    pub fn theme(&self, name: &str, toml: &str) {
        let folder = self.home.path().join("themes");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.toml")), toml).unwrap();
    }

    /// The configuration file, empty until [`Self::configure`].
    pub fn config(&self) -> PathBuf {
        let path = self.home.path().join("config.toml");
        if !path.exists() {
            std::fs::write(&path, "").unwrap();
        }
        path
    }

    /// The environment of everything that runs on this machine.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.home.path().to_owned()),
            ("KUBECONFIG", self.kubeconfig()),
            ("HOLDFAST_CONFIG", self.config()),
            ("HOLDFAST_STATE_DIR", self.state()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default().into()),
        ]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.args(arguments).env_clear().envs(self.environment()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs the binary to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_into(arguments, Stdio::piped(), Stdio::piped()).await
    }

    /// The same with its output and what it says going elsewhere.
    pub async fn run_into(&self, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Ended {
        let running = self.command(arguments).stdout(stdout).stderr(stderr).spawn().unwrap().wait_with_output();
        let output = tokio::time::timeout(PATIENCE, running).await;
        let output = output.unwrap_or_else(|_| panic!("holdfast {arguments:?} did not end")).unwrap();
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        self.check(&ended);
        ended
    }

    /// What no output may ever contain.
    fn check(&self, ended: &Ended) {
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains("panicked at"), "it panicked: {text}");
            for secret in &self.secrets {
                assert!(!text.contains(secret.as_str()), "it printed a secret: {text}");
            }
        }
    }

    /// Starts the binary and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same for a process that is told, and not killed, when a file may grow no more.
    pub fn start_on_a_small_disk(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_holdfast")]).args(arguments);
        command.env_clear().envs(self.environment()).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Copies the state of another machine here: journals and index.
    pub fn take_state_of(&self, other: &Self) {
        let operations = Path::new("operations");
        std::fs::create_dir_all(self.state().join(operations)).unwrap();
        for folder in [Path::new(""), operations] {
            for entry in std::fs::read_dir(other.state().join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    std::fs::copy(entry.path(), self.state().join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
    }

    /// The id of the only run that this machine has a journal of.
    pub fn only_run(&self) -> String {
        let runs = std::fs::read_dir(self.state().join("runs")).unwrap();
        let names: Vec<String> = runs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        names[0].strip_suffix(".jsonl").unwrap().to_owned()
    }

    /// The journals on this machine.
    pub fn journals(&self) -> Vec<PathBuf> {
        journals(&self.state())
    }

    /// The entries of the only journal.
    pub fn entries(&self) -> Vec<Value> {
        let journals = self.journals();
        assert_eq!(journals.len(), 1, "{journals:?}");
        let text = std::fs::read_to_string(&journals[0]).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Leaves a journal with its first lines, as a crash after them would have.
    pub fn cut_journal(&self, journal: &Path, lines: usize) {
        let kept = |text: &str, lines: usize| text.split_inclusive('\n').take(lines).collect::<String>();
        let text = std::fs::read_to_string(journal).unwrap();
        let all = text.lines().count();
        let closed = text.lines().last().is_some_and(|last| last.contains("\"what\":\"closed\""));
        std::fs::write(journal, kept(&text, lines)).unwrap();
        if lines < all && closed {
            // The index learns of the end after the journal.
            let index = self.state().join("index.jsonl");
            let text = std::fs::read_to_string(&index).unwrap();
            std::fs::write(&index, kept(&text, text.lines().count() - 1)).unwrap();
        }
    }

    /// The `what` of the entries of the only journal.
    pub fn story(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry["body"]["what"].as_str().unwrap().to_owned()).collect()
    }

    /// The only operation with a journal on this machine, as `operations list` tells it.
    pub async fn operation(&self) -> Value {
        let listed = self.run(&["operations", "list", "--here", "-o", "json"]).await.expect(0).json();
        let operations = listed.as_array().unwrap();
        assert_eq!(operations.len(), 1, "{operations:?}");
        operations[0].clone()
    }
}

/// The journals below a state directory.
pub fn journals(state: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(state.join("operations")) else { return Vec::new() };
    let files = folder.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

/// Whole lines over all journals below a state directory.
pub fn lines(state: &Path) -> usize {
    let count = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default().matches('\n').count();
    journals(state).into_iter().map(count).sum()
}

/// Whether a journal below a state directory tells this of a step.
pub fn has(state: &Path, what: &str, step: &str) -> bool {
    let lines = |path| std::fs::read_to_string(path).unwrap_or_default();
    let text: String = journals(state).into_iter().map(lines).collect();
    // A line may be half written.
    let mut entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.any(|entry| entry["body"]["what"] == what && entry["body"]["step"] == step)
}
