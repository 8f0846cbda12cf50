//! Arguments of `reissue`.

use std::time::Duration;

use jiff::Timestamp;

use crate::plan::{Restart, backup};
use crate::runbook::bulk::Batch;

/// Arguments of `reissue`.
#[derive(Debug, clap::Args)]
pub struct Reissue {
    /// Which certificates: a filter as in the console, such as 'issuer:"shop CA"'.
    #[arg(long, value_name = "TEXT")]
    pub filter: String,
    /// How many in one wave after the first two: a share of all, or a number.
    #[arg(long, value_name = "N%|N", value_parser = Batch::parse, default_value = "10%")]
    pub batch: Batch,
    /// Confirm all of them beforehand; recorded as such. It needs --count, and on a protected context --context.
    #[arg(long)]
    pub yes: bool,
    /// How many certificates that is.
    #[arg(long, value_name = "N", requires = "yes")]
    pub count: Option<String>,
    /// Print which certificates, in which order, and the plan of the first, and stop.
    #[arg(long, conflicts_with_all = ["yes", "status"])]
    pub dry_run: bool,
    /// Only say how far it has come.
    #[arg(long, conflicts_with = "yes")]
    pub status: bool,
    /// Go on with one that began then: what was issued since counts as done. The line that it stopped with has it.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Which workloads that use one are restarted: those that cannot see that its files changed (subPath, environment
    /// variables), all, or none.
    #[arg(long, value_name = "none|needed|all", value_parser = Restart::parse, default_value = "needed")]
    pub restart: Restart,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: Option<String>,
    /// How long one workload may take to replace its pods; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub rolled_within: Option<Duration>,
    /// How long it may take until each pod that served a former certificate serves the new one; left out, 5m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub served_within: Option<Duration>,
}
