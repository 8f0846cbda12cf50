//! Arguments of what contains workloads.

use super::Consent;
use crate::plan::{backup, isolate};

/// Arguments of `isolate`.
#[derive(Debug, clap::Args)]
pub struct Isolate {
    /// The workload: NAMESPACE/KIND/NAME, such as shop/statefulset/db.
    #[arg(value_name = "NAMESPACE/KIND/NAME")]
    pub workload: String,
    #[command(flatten)]
    pub consent: Consent,
    /// Why, for an annotation of the policy and the journal.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: String,
    /// Names can still be resolved: port 53 of pods in kube-system.
    #[arg(long)]
    pub allow_dns: bool,
    /// Who may still come in: labels of pods of the namespace such as app=web, namespace=NAME, or both with a comma
    /// between; may be given several times.
    #[arg(long, value_name = "LABELS|namespace=NAME", value_parser = isolate::Peer::parse)]
    pub allow_from: Vec<isolate::Peer>,
    /// Even though other policies let traffic through to its pods: policies add up, so that traffic goes on.
    #[arg(long)]
    pub beside_policies: bool,
}

/// Arguments of `rejoin`.
#[derive(Debug, clap::Args)]
pub struct Rejoin {
    /// The workload: NAMESPACE/KIND/NAME, such as shop/statefulset/db.
    #[arg(value_name = "NAMESPACE/KIND/NAME")]
    pub workload: String,
    #[command(flatten)]
    pub consent: Consent,
}
