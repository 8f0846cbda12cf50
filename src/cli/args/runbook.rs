//! Arguments of `runbook`.

use std::path::PathBuf;

/// What `runbook` does.
#[derive(Debug, clap::Subcommand)]
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
    /// Print the YAML of a runbook that comes with the program, to copy and adapt.
    Print {
        /// Which.
        name: String,
    },
    /// Print a runbook as Markdown, for the team's wiki: each step, why it is there and what to do when it fails.
    Explain {
        /// One that comes with the program, or a file.
        #[arg(value_name = "NAME|FILE")]
        book: String,
    },
}
