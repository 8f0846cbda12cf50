//! How long certificates hold, and whether they are being renewed.
//!
//! A warning comes [`WARN`] before the end of a certificate and an alarm [`CRITICAL`] before it, but never before the
//! last third or sixth of its life: a fixed time would be red for most of a short life. A chain ends with the
//! first of its members. Where cert-manager renews on time, being near the end is as planned.

mod limits;
mod managed;
mod stored;

use jiff::{SignedDuration, Timestamp};

use super::{Judgement, Reason, Severity};
pub use managed::certificate;
pub use stored::secret;

/// A warning comes at most this long before the end.
pub const WARN: SignedDuration = SignedDuration::from_hours(28 * 24);

/// An alarm comes at most this long before the end.
pub const CRITICAL: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A renewal this long overdue is missed.
pub const RENEWAL_GRACE: SignedDuration = SignedDuration::from_mins(10);

/// The moments in the life of a certificate from which on it is a warning and an alarm.
pub fn thresholds(not_before: Timestamp, not_after: Timestamp) -> (Timestamp, Timestamp) {
    limits::Life { not_before, not_after }.thresholds()
}

/// What can be said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// Holds, with time left.
    Valid,
    /// Ends soon; the severity says how soon.
    Expiring,
    /// Has ended.
    Expired,
    /// Has not begun.
    NotYetValid,
    /// Is no certificate.
    Unreadable,
    /// The private key is another certificate's, or missing.
    KeyMismatch,
    /// Holds, and something else about its chain makes clients refuse it, or will.
    Flawed,
    /// cert-manager should have renewed it and did not, or failed to.
    MissedRenewal,
    /// cert-manager is at it.
    Issuing,
    /// cert-manager says that it is not ready.
    NotReady,
    /// Cannot be told.
    Unknown {
        /// Why, in a few words.
        why: String,
    },
}

impl CertificateState {
    /// One word for a column.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid => "Valid",
            Self::Expiring => "Expiring",
            Self::Expired => "Expired",
            Self::NotYetValid => "NotYetValid",
            Self::Unreadable => "Unreadable",
            Self::KeyMismatch => "KeyMismatch",
            Self::Flawed => "Flawed",
            Self::MissedRenewal => "MissedRenewal",
            Self::Issuing => "Issuing",
            Self::NotReady => "NotReady",
            Self::Unknown { .. } => "Unknown",
        }
    }
}

/// The verdict on one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The verdict.
    pub state: CertificateState,
    /// How much it matters.
    pub severity: Severity,
    /// When the first member of its chain ends.
    pub not_after: Option<Timestamp>,
    /// When cert-manager means to renew it.
    pub renewal: Option<Timestamp>,
}

impl Expiry {
    fn new(state: CertificateState, severity: Severity) -> Judgement<Self> {
        Judgement::new(Self { state, severity, not_after: None, renewal: None })
    }

    fn unknown(why: &str) -> Judgement<Self> {
        Self::new(CertificateState::Unknown { why: why.to_owned() }, Severity::Unknown).because(why)
    }
}

/// Adds a reason, and lifts the severity to what it deserves.
fn at_least(judged: Judgement<Expiry>, severity: Severity, reason: Option<Reason>) -> Judgement<Expiry> {
    let Some(reason) = reason else { return judged };
    let judged = judged.because(reason);
    judged.map(|judged| Expiry { severity: judged.severity.worse(severity), ..judged })
}

#[cfg(test)]
mod tests;
