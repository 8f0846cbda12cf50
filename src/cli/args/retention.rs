//! Arguments of what keeps and deletes copies, and of policies.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Consent;
use crate::model::{Bucket, Count, Keep};
use crate::plan::{backup, hold};
use crate::text::quantity::parse_span;

/// Arguments of `prune`.
#[derive(Debug, clap::Args)]
pub struct Prune {
    /// The volume; left out, every volume of --namespace or of all namespaces that has rules.
    #[arg(value_name = "NAMESPACE/PVC", conflicts_with = "all_namespaces")]
    pub volume: Option<String>,
    /// All namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    #[command(flatten)]
    pub consent: Consent,
    /// How many copies go, where so many go at once that --yes needs it.
    #[arg(long, value_name = "N", requires = "yes")]
    pub count: Option<String>,
    #[command(flatten)]
    pub rules: Rules,
    /// So many good copies stay in any case; left out, as the policy says, or 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub minimum: Option<u32>,
    /// Copies with deletionPolicy Retain go too: it is set to Delete first, so that nothing stays in storage.
    #[arg(long)]
    pub also_storage: bool,
}

/// Which copies stay; without any of these, the rules of the volume's policy.
#[derive(Clone, Debug, clap::Args)]
pub struct Rules {
    /// The newest N copies stay; a number or all.
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_last: Option<Count>,
    /// The newest of each of N hours.
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_hourly: Option<Count>,
    /// The newest of each of N days.
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_daily: Option<Count>,
    /// The newest of each of N weeks (ISO 8601).
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_weekly: Option<Count>,
    /// The newest of each of N months.
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_monthly: Option<Count>,
    /// The newest of each of N years.
    #[arg(long, value_name = "N", value_parser = Count::parse)]
    pub keep_yearly: Option<Count>,
    /// All that were cut so shortly before the newest: 2d, 12h.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub keep_within: Option<SignedDuration>,
    /// The time zone of hours, days, weeks, months and years: Europe/Berlin; left out, UTC.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub time_zone: Option<TimeZone>,
}

impl Rules {
    /// The rules; `None` when there is not one.
    pub fn keep(&self) -> Option<Keep> {
        let counts = [
            (Bucket::Last, self.keep_last),
            (Bucket::Hourly, self.keep_hourly),
            (Bucket::Daily, self.keep_daily),
            (Bucket::Weekly, self.keep_weekly),
            (Bucket::Monthly, self.keep_monthly),
            (Bucket::Yearly, self.keep_yearly),
        ];
        let keep = Keep::default().within(self.keep_within).in_zone(self.time_zone.clone().unwrap_or(TimeZone::UTC));
        let keep = counts.into_iter().fold(keep, |keep, (bucket, count)| keep.with(bucket, count));
        (!keep.is_empty()).then_some(keep)
    }
}

fn span(text: &str) -> Result<SignedDuration, String> {
    let span = parse_span(text).filter(SignedDuration::is_positive);
    span.ok_or_else(|| "needs a span of time, such as 12h or 2d".to_owned())
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "is no time zone known on this machine; write one such as Europe/Berlin".to_owned())
}

/// Arguments of `hold`.
#[derive(Debug, clap::Args)]
pub struct Hold {
    /// The copy: NAMESPACE/VOLUMESNAPSHOT.
    #[arg(value_name = "NAMESPACE/SNAPSHOT")]
    pub snapshot: String,
    #[command(flatten)]
    pub consent: Consent,
    /// Why, for an annotation of the snapshot and the journal.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: String,
    /// Until when: a day such as 2027-01-31, or a moment of RFC 3339; left out, until it is released.
    #[arg(long, value_name = "TIME", value_parser = hold::until)]
    pub until: Option<Timestamp>,
}

/// Arguments of `release`.
#[derive(Debug, clap::Args)]
pub struct Release {
    /// The copy: NAMESPACE/VOLUMESNAPSHOT.
    #[arg(value_name = "NAMESPACE/SNAPSHOT")]
    pub snapshot: String,
    #[command(flatten)]
    pub consent: Consent,
}

/// Arguments of `sweep`. The namespace is named with --namespace; left out, it is the context's own.
#[derive(Debug, clap::Args)]
pub struct Sweep {
    #[command(flatten)]
    pub consent: Consent,
    /// Volumes that in-place restores left go too, with the data in them, once their time is over.
    #[arg(long)]
    pub former: bool,
    /// How many former volumes go, where --yes needs it.
    #[arg(long, value_name = "N", requires = "yes")]
    pub count: Option<String>,
}

/// Arguments of `reconcile`.
#[derive(Debug, clap::Args)]
pub struct Reconcile {
    /// Do what is due now, and end.
    #[arg(long, required_unless_present = "dry_run")]
    pub once: bool,
    /// Print what is due, and stop.
    #[arg(long, conflicts_with = "once")]
    pub dry_run: bool,
    /// Write what came of it to this file, in the text format of Prometheus.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Tell this address when something failed: https, or http on this machine.
    #[arg(long, value_name = "URL", env = "HOLDFAST_WEBHOOK", hide_env_values = true)]
    pub webhook: Option<String>,
}

/// What `policy` does.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Check a file: each mistake with line and column.
    Check {
        /// The file; left out, the one that is read.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the schema of the file, as JSON Schema.
    Schema,
}
