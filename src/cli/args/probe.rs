//! Arguments of `probe`.

use super::Format;

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
pub struct Probe {
    /// The TLS Secret: NAMESPACE/SECRET.
    #[arg(value_name = "NAMESPACE/SECRET")]
    pub secret: String,
    /// Dial this address directly, past the API server, and not the pods.
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
    /// The server to ask for (SNI); left out, the host of --address.
    #[arg(long, value_name = "HOST", requires = "address")]
    pub name: Option<String>,
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: Format,
}
