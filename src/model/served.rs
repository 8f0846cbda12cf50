//! What servers in pods were seen to serve: the outcome of TLS handshakes, which no object of the API tells.
//!
//! It is as old as the handshake: nothing watches it. Whether it still counts is for the judge.

use std::collections::BTreeMap;

use jiff::Timestamp;
use thiserror::Error;

use super::{CertificateFacts, Uid};

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

/// One handshake with a port of a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Shaken {
    /// The pod.
    pub pod: Uid,
    /// Its port.
    pub port: u16,
    /// The server that was asked for (SNI).
    pub name: Box<str>,
    /// When.
    pub at: Timestamp,
    /// The certificate that it serves, or why that is not known.
    pub served: Result<Box<CertificateFacts>, NotServed>,
}

/// The last handshake with each port and name.
#[derive(Clone, Debug, Default)]
pub struct Served(BTreeMap<(Uid, u16, Box<str>), Shaken>);

impl Served {
    /// The last handshake with a port of a pod, as this server.
    pub fn get(&self, pod: &Uid, port: u16, name: &str) -> Option<&Shaken> {
        self.0.get(&(pod.clone(), port, name.into()))
    }

    /// Whether a handshake with a pod was tried.
    pub fn asked(&self, pod: &Uid) -> bool {
        let from = (pod.clone(), 0, Box::default());
        self.0.range(from..).next().is_some_and(|((asked, _, _), _)| asked == pod)
    }

    pub(super) fn take(&mut self, shaken: Shaken) {
        self.0.insert((shaken.pod.clone(), shaken.port, shaken.name.clone()), shaken);
    }

    pub(super) fn forget(&mut self, there: impl Fn(&Uid) -> bool) {
        self.0.retain(|(pod, _, _), _| there(pod));
    }
}
