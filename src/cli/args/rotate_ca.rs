//! Arguments of `rotate-ca`.

use std::time::Duration;

use super::Consent;
use crate::plan::backup;
use crate::x509::KeyKind;

/// Arguments of `rotate-ca`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct RotateCa {
    /// The TLS Secret of the CA, or of the one that takes its place: NAMESPACE/SECRET.
    #[arg(value_name = "NAMESPACE/SECRET")]
    pub secret: String,
    #[command(flatten)]
    pub consent: Consent,
    /// Only say how far it has come, what has not converged and what comes next.
    #[arg(long)]
    pub status: bool,
    /// Do one step and no more, even if the next could follow at once.
    #[arg(long, conflicts_with = "status")]
    pub once: bool,
    /// Rotate a CA that took the place of another one, whose own rotation is over.
    #[arg(long)]
    pub again: bool,
    /// Answer for what cannot be seen from here, when it is asked for: how it is known. It is kept with your name.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub attest: Option<String>,
    /// The kind of the new CA's key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096; left out, as
    /// before.
    #[arg(long, value_name = "KIND", value_parser = KeyKind::parse)]
    pub key: Option<KeyKind>,
    /// How long the new CA is valid at most; left out, as long as the former one was.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub valid_for: Option<Duration>,
    /// How long both are trusted after everything was seen to be served; left out, 24h. It is kept with the new CA when
    /// that is made.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub soak: Option<Duration>,
    /// Restart nobody who trusts: wait until somebody else has.
    #[arg(long)]
    pub no_restarts: bool,
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
