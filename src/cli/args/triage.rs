//! Arguments of `triage`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::model::TriageState;
use crate::text;

/// Arguments of `triage`.
#[derive(Debug, clap::Args)]
pub struct Triage {
    /// The findings, by their ids as `findings` prints them, or by beginnings of ids that fit one finding each; left
    /// out, everything that was decided is listed, the newest first.
    #[arg(value_name = "FINDING", requires = "state")]
    pub findings: Vec<String>,
    /// What is decided: open, acknowledged, accepted, false-positive or fixed.
    #[arg(long, value_name = "STATE", value_parser = state, requires_all = ["findings", "reason"])]
    pub state: Option<TriageState>,
    /// Why, for whoever looks at it later.
    #[arg(long, value_name = "TEXT", requires = "state")]
    pub reason: Option<String>,
    /// Until when it counts: a span such as 30d, a day such as 2027-01-31, or a moment of RFC 3339; accepted needs one.
    #[arg(long, value_name = "30d|TIME", requires = "state")]
    pub until: Option<String>,
    /// A file or directory with SARIF that has the findings; left out, the sources of the configuration.
    #[arg(long = "in", value_name = "FILE", requires = "findings")]
    pub files: Vec<PathBuf>,
    /// How the list is printed.
    #[arg(short, long, default_value = "table", conflicts_with = "findings")]
    pub output: TriageFormat,
}

/// How decisions are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TriageFormat {
    /// For people.
    Table,
    /// One array, an object for each decision.
    Json,
}

fn state(word: &str) -> Result<TriageState, String> {
    let words = || format!("there are {}", text::list(&TriageState::ALL.map(TriageState::word)));
    TriageState::parse(word).ok_or_else(words)
}
