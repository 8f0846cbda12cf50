//! Who runs, with which arguments, and how its screen is read.

use std::path::{Path, PathBuf};
use std::process::Command;

use portable_pty::CommandBuilder;

use crate::Fallible;

/// The version that is measured.
const K9S: &str = "v0.50.9";

/// One console.
pub enum Contender {
    /// The release binary of this package.
    Holdfast,
    /// k9s, built from its Go module.
    K9s(PathBuf),
}

impl Contender {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holdfast => "holdfast",
            Self::K9s(_) => "k9s",
        }
    }

    pub fn kinds(&self) -> &'static str {
        match self {
            Self::Holdfast => "all",
            Self::K9s(_) => "claims only",
        }
    }

    /// The command that shows all claims, with its state in `home`.
    pub fn command(&self, kubeconfig: &Path, home: &Path) -> CommandBuilder {
        let mut command = match self {
            Self::Holdfast => CommandBuilder::new(env!("CARGO_BIN_EXE_holdfast")),
            Self::K9s(program) => {
                let mut command = CommandBuilder::new(program);
                command.args(["--all-namespaces", "--splashless", "--command", "pvc"]);
                command
            }
        };
        command.arg("--kubeconfig");
        command.arg(kubeconfig);
        for (name, path) in [("HOME", ""), ("K9S_CONFIG_DIR", "k9s"), ("HOLDFAST_STATE_DIR", "state")] {
            command.env(name, home.join(path));
        }
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home.join(name));
        }
        command.env("TERM", "xterm-256color");
        command
    }

    /// What stands on its first frame.
    pub fn first_words(&self) -> &'static str {
        match self {
            Self::Holdfast => "Volumes",
            Self::K9s(_) => "Context",
        }
    }

    /// How many rows each of its lists says it has.
    pub fn rows(&self, screen: &str) -> Vec<usize> {
        match self {
            Self::Holdfast => ["Volumes", "Restore points"].map(|pane| after(screen, &format!(" {pane} "))).to_vec(),
            Self::K9s(_) => vec![after(screen, "(all)[")],
        }
    }

    /// The line into which a filter is typed.
    pub fn typed<'a>(&self, screen: &'a str) -> &'a str {
        let line = |found: &dyn Fn(&str) -> bool| screen.lines().find(|line| found(line)).unwrap_or_default();
        match self {
            Self::Holdfast => screen.lines().last().unwrap_or_default(),
            Self::K9s(_) => line(&|line| line.contains("zzz")),
        }
    }
}

/// The number that stands after a mark; none is zero.
fn after(screen: &str, mark: &str) -> usize {
    let after = screen.lines().find_map(|line| line.split_once(mark).map(|(_, after)| after));
    let number = after.unwrap_or_default().chars().take_while(|c| c.is_ascii_digit() || *c == ',');
    // k9s groups digits.
    number.filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// The program, built in a module of its own under `target/` unless it is there or `$HOLDFAST_K9S` names one.
pub fn k9s() -> Fallible<PathBuf> {
    if let Some(named) = std::env::var_os("HOLDFAST_K9S") {
        return Ok(named.into());
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/k9s");
    let program = dir.join("k9s");
    if program.exists() {
        return Ok(program);
    }
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("go.mod"), format!("module race\n\ngo 1.25.0\n\nrequire github.com/derailed/k9s {K9S}\n"))?;
    std::fs::write(dir.join("race.go"), "package race\n\nimport _ \"github.com/derailed/k9s/cmd\"\n")?;
    eprintln!("race: k9s {K9S} is being built in {}, some minutes", dir.display());
    let go = Command::new("go")
        .args(["build", "-mod=mod", "-o", "k9s", "github.com/derailed/k9s"])
        .current_dir(&dir)
        .output()
        .map_err(|error| format!("go: {error}"))?;
    if !go.status.success() {
        let said = String::from_utf8_lossy(&go.stderr);
        return Err(said.lines().last().unwrap_or("go build failed").to_owned().into());
    }
    Ok(program)
}
