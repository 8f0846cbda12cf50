//! Arguments of `audit`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::report::{Control, State, control, registry};
use crate::text;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    /// Look at a report instead of the cluster.
    #[command(subcommand)]
    pub what: Option<AuditWhat>,
    /// All namespaces; left out, --namespace or the context's own.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: AuditFormat,
    /// Write it to this file; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 1 when a control stands so or worse: fail, or unknown; with --baseline, when something new does.
    #[arg(long, value_name = "fail|unknown", value_parser = limit)]
    pub fail_on: Option<State>,
    /// Judge only these controls.
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = known)]
    pub only: Vec<&'static Control>,
    /// Say what is new, fixed and unchanged since this report (-o json) of the same cluster and namespaces.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

/// What `audit` does besides.
#[derive(Debug, clap::Subcommand)]
pub enum AuditWhat {
    /// Check that a report (-o json) is the one that was written, and that this machine's journal still holds its head.
    Verify {
        /// The report.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people.
    Table,
    /// For wikis and tickets.
    Md,
    /// For programs, for --baseline and for verify: every fact.
    Json,
    /// One page for browsers and paper.
    Html,
    /// For tools that read SARIF 2.1.0.
    Sarif,
}

fn limit(word: &str) -> Result<State, String> {
    match word {
        "fail" => Ok(State::Fail),
        "unknown" => Ok(State::Unknown),
        _ => Err("there are fail and unknown".to_owned()),
    }
}

fn known(id: &str) -> Result<&'static Control, String> {
    let ids: Vec<&str> = registry().iter().map(|control| control.id).collect();
    control(id).ok_or_else(|| match text::nearest(id, ids.iter().copied()) {
        Some(near) => format!("there is no such control; did you mean {near}?"),
        None => format!("there is no such control; there are {}", text::list(&ids)),
    })
}
