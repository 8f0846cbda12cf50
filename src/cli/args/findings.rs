//! Arguments of what looks at findings.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Format;
use crate::model::Band;

/// Arguments of `findings`.
#[derive(Debug, clap::Args)]
pub struct Findings {
    /// Files and directories with SARIF; left out, the sources of the configuration.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to print them.
    #[arg(short, long, default_value = "table")]
    pub output: FindingsFormat,
    /// Only those that a filter lets through, such as 'band:high path:src/'.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Exit with 1 when one that counts is this bad or worse: critical, high, medium, low or info.
    #[arg(long, value_name = "BAND", value_parser = band)]
    pub fail_on: Option<Band>,
    /// Also write what was wrong with the files to this one, as JSON; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub diagnostics: Option<PathBuf>,
    /// Also say where readers that are strict (the crate serde-sarif) refuse the files, result by result.
    #[arg(long)]
    pub strict: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For people.
    Table,
    /// One array, an object for each finding.
    Json,
    /// For spreadsheets.
    Csv,
    /// For other tools.
    Sarif,
    /// For wikis and tickets.
    Md,
}

fn band(word: &str) -> Result<Band, String> {
    Band::parse(word).ok_or_else(|| format!("there are {}", crate::text::list(&Band::ALL.map(Band::word))))
}

/// Arguments of `stamp`.
#[derive(Debug, clap::Args)]
pub struct Stamp {
    /// The log, SARIF 2.1; it is written again in its place unless --to says otherwise.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The image that was scanned: sha256:… or IMAGE@sha256:…; both digests of one image may be given.
    #[arg(long, value_name = "DIGEST")]
    pub image: Vec<String>,
    /// Revision of the sources that were scanned.
    #[arg(long, value_name = "SHA")]
    pub revision: Option<String>,
    /// Repository of the sources.
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
    /// Branch of the sources.
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// The workload that runs it: NAMESPACE/KIND/NAME.
    #[arg(long, value_name = "NAMESPACE/KIND/NAME")]
    pub workload: Option<String>,
    /// The container of the workload that runs it.
    #[arg(long, value_name = "NAME", requires = "workload")]
    pub container: Option<String>,
    /// Say that the scan ran to its end; only for a pipeline that stops when it does not.
    #[arg(long)]
    pub complete: bool,
    /// Write to this file; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Arguments of `known-good`.
#[derive(Debug, clap::Args)]
pub struct KnownGood {
    /// The volume: NAMESPACE/PVC.
    #[arg(value_name = "NAMESPACE/PVC")]
    pub volume: String,
    /// How bad a finding has to be to make copies suspicious; left out, as configured.
    #[arg(long, value_name = "BAND", value_parser = band)]
    pub concern: Option<Band>,
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: Format,
}

/// Arguments of `links`.
#[derive(Debug, clap::Subcommand)]
pub enum Links {
    /// Tell step by step what the scans of a log are tied to, how well, and what would tie them better.
    Test(LinksTest),
    /// Check the links file that the configuration names, or this one.
    Check {
        /// The file.
        file: Option<PathBuf>,
    },
}

/// Arguments of `links test`.
#[derive(Debug, clap::Args)]
pub struct LinksTest {
    /// The log, SARIF 2.1.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// As if it lay in a source that is trusted.
    #[arg(long)]
    pub trusted: bool,
    /// For a finding at this path.
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
}
