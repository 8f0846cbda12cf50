//! Arguments of `rotate`.

use std::path::PathBuf;
use std::time::Duration;

use super::Consent;
use crate::plan::rotate::Signer;
use crate::plan::{Restart, backup};
use crate::x509::KeyKind;

/// Arguments of `rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The TLS Secret: NAMESPACE/SECRET.
    #[arg(value_name = "NAMESPACE/SECRET")]
    pub secret: String,
    #[command(flatten)]
    pub consent: Consent,
    /// Who signs the new certificate: the CA that signed the present one, the certificate itself, or the CA in another
    /// TLS Secret.
    #[arg(long, value_name = "as-before|itself|NAMESPACE/SECRET", value_parser = Signer::parse, default_value = "as-before")]
    pub signer: Signer,
    /// Take this certificate, PEM with its chain, instead of making one. Its names, its time, its uses and its key are
    /// checked first.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signer", "key", "valid_for"])]
    pub certificate: Option<PathBuf>,
    /// The private key of --certificate, PEM; left out, it is in the same file.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub private_key: Option<PathBuf>,
    /// Nobody uses the names that --certificate lacks.
    #[arg(long, requires = "certificate")]
    pub other_names: bool,
    /// The kind of the new key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096; left out, as before.
    #[arg(long, value_name = "KIND", value_parser = KeyKind::parse)]
    pub key: Option<KeyKind>,
    /// How long the new certificate is valid at most; left out, as long as the present one was.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub valid_for: Option<Duration>,
    /// Which workloads that use it are restarted: those that cannot see that its files changed (subPath, environment
    /// variables), all, or none.
    #[arg(long, value_name = "none|needed|all", value_parser = Restart::parse, default_value = "needed")]
    pub restart: Restart,
    /// Others may have the present private key: nothing goes back to it, and no copy of it is kept.
    #[arg(long)]
    pub compromised: bool,
    /// What keeps the Secret as it is written down elsewhere (Argo CD, Helm, an operator) is paused or told.
    #[arg(long)]
    pub managed_elsewhere: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: Option<String>,
    /// How long one workload may take to replace its pods; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub rolled_within: Option<Duration>,
    /// How long it may take until each pod that served the present certificate serves the new one; left out, 5m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub served_within: Option<Duration>,
}
