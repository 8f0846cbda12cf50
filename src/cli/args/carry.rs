//! Arguments of what carries restore points away.

use std::path::PathBuf;
use std::time::Duration;

use super::Consent;
use crate::plan::backup;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The restore point: NAMESPACE/SNAPSHOT.
    #[arg(value_name = "NAMESPACE/SNAPSHOT")]
    pub point: String,
    /// The file to write, for you alone; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    pub replace: bool,
}

/// Arguments of `import`. The namespace is named with --namespace; left out, it is the context's own.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The bundle, as `export` wrote it.
    #[arg(value_name = "FILE")]
    pub bundle: PathBuf,
    #[command(flatten)]
    pub consent: Consent,
    /// Name of the restore point here; left out, the name that it had.
    #[arg(long, value_name = "NAME", value_parser = super::super::restore::name)]
    pub name: Option<String>,
    /// How long to wait until the storage is seen to have the copy; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub ready_within: Option<Duration>,
}
