//! Arguments of `renew`.

use std::time::Duration;

use super::Consent;
use crate::plan::Restart;
use crate::plan::backup;

/// Arguments of `renew`.
#[derive(Debug, clap::Args)]
pub struct Renew {
    /// The cert-manager Certificate: NAMESPACE/CERTIFICATE.
    #[arg(value_name = "NAMESPACE/CERTIFICATE")]
    pub certificate: String,
    #[command(flatten)]
    pub consent: Consent,
    /// Which workloads that use it are restarted: those that cannot see that its files changed (subPath, environment
    /// variables), all, or none.
    #[arg(long, value_name = "none|needed|all", value_parser = Restart::parse, default_value = "needed")]
    pub restart: Restart,
    /// Others may have the present private key: it fails unless the new certificate has another one.
    #[arg(long)]
    pub compromised: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: Option<String>,
    /// How long issuing may take; left out, 2m for a CA in the cluster, 5m for another program, 15m for ACME.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub issued_within: Option<Duration>,
    /// How long one workload may take to replace its pods; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub rolled_within: Option<Duration>,
    /// How long it may take until each pod that serves the former certificate serves the new one; left out, 5m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub served_within: Option<Duration>,
}
