//! Arguments of `runbook run` and of what goes on with a run.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Format;
use crate::plan::backup;

/// Arguments of `runbook run`.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The runbook: one that comes with the program or is in your own folder, or a file.
    #[arg(value_name = "NAME|FILE")]
    pub book: String,
    /// The value of a parameter; once for each.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    pub param: Vec<(String, String)>,
    /// What is said to a step when it asks: what came of it, or which row is chosen; once for each.
    #[arg(long, value_name = "STEP=TEXT", value_parser = pair)]
    pub answer: Vec<(String, String)>,
    /// Confirm each plan beforehand; recorded as such. On a protected context --context has to name it as well.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `runbook resume`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("here"))]
pub struct Resume {
    /// The id of the run.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// What came of what the step asks to do.
    #[arg(long, value_name = "TEXT", group = "here", value_parser = backup::reason)]
    pub note: Option<String>,
    /// Which row is chosen.
    #[arg(long, value_name = "ROW", group = "here")]
    pub choose: Option<String>,
    /// How that is known which cannot be seen from here.
    #[arg(long, value_name = "TEXT", group = "here", value_parser = backup::reason)]
    pub attest: Option<String>,
    /// Try the step that failed again.
    #[arg(long, group = "here")]
    pub retry: bool,
    /// Skip the step, and why.
    #[arg(long, value_name = "REASON", group = "here", value_parser = backup::reason)]
    pub skip: Option<String>,
    /// Go on without a second person's approval, and why. It stands in everything that tells of the run.
    #[arg(long, value_name = "REASON", group = "here", value_parser = backup::reason)]
    pub break_glass: Option<String>,
    /// What is said to later steps when they ask; once for each.
    #[arg(long, value_name = "STEP=TEXT", value_parser = pair)]
    pub answer: Vec<(String, String)>,
    /// Go on with the runbook as it was when the run began, although it was edited since.
    #[arg(long)]
    pub as_begun: bool,
    /// Confirm each plan beforehand; recorded as such. On a protected context --context has to name it as well.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `runbook runs`.
#[derive(Debug, clap::Args)]
pub struct Runs {
    /// All namespaces; left out, --namespace or the context's own.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: Format,
}

/// Arguments of `runbook approve`.
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The id of the run.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// The step; left out, the one that the run waits at.
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    /// Approve without being asked to type the id of the run.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `runbook stop`.
#[derive(Debug, clap::Args)]
pub struct StopRun {
    /// The id of the run.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// Why it ends before it is done.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: String,
}

/// Arguments of `runbook note`.
#[derive(Debug, clap::Args)]
pub struct NoteRun {
    /// The id of the run.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// What is noted.
    #[arg(value_name = "TEXT", value_parser = backup::reason)]
    pub note: String,
}

/// Arguments of `runbook export`.
#[derive(Debug, clap::Args)]
pub struct ExportRun {
    /// The id of the run.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// How to print it.
    #[arg(short, long, default_value = "md")]
    pub output: TimelineFormat,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a timeline is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    /// Markdown, for the post-mortem.
    Md,
    /// JSON, for machines.
    Json,
}

/// Reads `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "write NAME=VALUE".to_owned())?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
