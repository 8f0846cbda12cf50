//! What stands before Services and ends TLS for them: Ingresses and Gateways, as far as they say whose certificate is
//! shown for which host.

use super::{ClaimKey, Condition, Meta};

/// An Ingress or a Gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    /// Metadata.
    pub meta: Meta,
    /// What is served with which Secret.
    pub tls: Box<[FrontTls]>,
    /// Conditions of a Gateway's listeners that say that a Secret is not taken (`ResolvedRefs` False).
    pub refused: Box<[Condition]>,
}

/// Hosts that are served with the certificate of one Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontTls {
    /// The Secret; `None` where the controller's own default is served.
    pub secret: Option<ClaimKey>,
    /// Hosts, `*` in the place of a label; none means every host. Untrusted text.
    pub hosts: Box<[Box<str>]>,
}
