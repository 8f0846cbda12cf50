//! Arguments of `runbook`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Approve, ExportRun, NoteRun, Resume, Run, Runs, StopRun};

/// What `runbook` does.
#[derive(Debug, Subcommand)]
pub enum Runbook {
    /// Check files: unknown keys, filters, places for values, verbs and their fields, each with line and column.
    Check {
        /// The files.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of runbooks, for editors.
    Schema,
    /// List the runbooks that come with the program, each with its parameters.
    Shipped,
    /// List the runbooks of your own folder, which the configuration names, with what is wrong in them.
    List,
    /// Print the YAML of a runbook that comes with the program or is in your own folder, to copy and adapt.
    Print {
        /// Which.
        name: String,
    },
    /// Print a runbook as Markdown, for the team's wiki: each step, why it is there and what to do when it fails.
    Explain {
        /// One that comes with the program or is in your own folder, or a file.
        #[arg(value_name = "NAME|FILE")]
        book: String,
    },
    /// Begin a run: checks are made, plans are shown and confirmed, and it waits where a person is needed (exit code 4).
    Run(Run),
    /// Go on with a run, here or on another machine, and answer the step that it waits at.
    Resume(Box<Resume>),
    /// Print the runs whose record is in the cluster.
    Runs(Runs),
    /// Print one run: its steps, and everything that happened.
    Show {
        /// The id of the run.
        #[arg(value_name = "RUN")]
        id: String,
    },
    /// Print the timeline of a run, for the post-mortem.
    Export(ExportRun),
    /// Note something in a run, with your name and the time.
    Note(NoteRun),
    /// End a run before it is done. Operations of it that were begun stay as they are.
    Stop(StopRun),
    /// Agree to a step of a run that somebody else began, under your own name.
    Approve(Approve),
    /// Print the admission policy that holds whoever approves to their own name; an administrator applies it.
    ApprovalPolicy,
}
