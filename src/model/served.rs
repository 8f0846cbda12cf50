//! What servers were seen to serve: the outcome of TLS handshakes, which no object of the API tells.

use thiserror::Error;

/// Why it is not known what a server serves. Texts are made safe to draw where they are made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotServed {
    /// The own rights do not reach so far.
    #[error("{0}")]
    Denied(Box<str>),
    /// There is no way to the server, or it broke.
    #[error("it cannot be reached: {0}")]
    Unreachable(Box<str>),
    /// Nothing takes connections there.
    #[error("nothing listens: {0}")]
    Refused(Box<str>),
    /// No answer in time.
    #[error("no answer in TLS within {0}s")]
    TimedOut(u64),
    /// It answers in something else: a protocol that begins in the clear (PostgreSQL, MySQL, SMTP, LDAP), or one
    /// that knows no TLS. What it serves cannot be verified this way.
    #[error("not verifiable: it does not begin with TLS ({0})")]
    NotTls(Box<str>),
    /// It speaks TLS, and no handshake came about.
    #[error("no handshake: {0}")]
    Failed(Box<str>),
}

impl NotServed {
    /// Whether it was reached and shows no certificate that could be compared.
    pub fn not_verifiable(&self) -> bool {
        matches!(self, Self::NotTls(_))
    }
}
