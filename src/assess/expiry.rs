//! How long certificates hold, and whether they are being renewed. What of certificates is judged elsewhere (trust
//! bundles, issuers, requests) uses the same states.
//!
//! A warning comes [`WARN`] before the end of a certificate and an alarm [`CRITICAL`] before it, but never before the
//! last third or sixth of its life: a fixed time would be red for most of a short life. A chain ends with the
//! first of its members. Where cert-manager renews on time, being near the end is as planned.

mod chained;
mod limits;
mod managed;
mod stored;

use jiff::{SignedDuration, Timestamp};

use super::{Judgement, Reason, Severity};
pub(super) use chained::{flawed, flaws_decide, worst_of};
pub(super) use limits::Life;
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
    Life { not_before, not_after }.thresholds()
}

/// What can be said of one certificate, or of what makes or trusts one.
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
    /// An issuer that is ready to sign.
    Ready,
    /// No CA of a trust bundle holds: whoever is checked by it is refused.
    NoValidCa,
    /// No CA of a trust bundle vouches for what is served: it is refused.
    WrongCa,
    /// There is no trust bundle.
    NoCa,
    /// Whoever answers is believed.
    Unchecked,
    /// Pods were seen to serve another one in its place.
    PodsStale,
    /// The same, inferred or seen too long ago to count.
    PodsMaybeStale,
    /// What a host is to be served with is not there, or is refused.
    NotServed,
    /// A request that waits for its issuer.
    Pending,
    /// A request that nobody has approved.
    Unapproved,
    /// A request that was turned down.
    Denied,
    /// A request that came to nothing.
    Failed,
    /// An Order or Challenge that did what it was for.
    Done,
    /// An operation put it aside: nobody is served with it.
    SetAside,
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
            Self::SetAside => "Set aside",
            Self::NotReady => "NotReady",
            Self::Ready => "Ready",
            Self::NoValidCa => "NoValidCa",
            Self::WrongCa => "WrongCa",
            Self::NoCa => "NoCa",
            Self::Unchecked => "Unchecked",
            Self::PodsStale => "Pods stale",
            Self::PodsMaybeStale => "Maybe stale",
            Self::NotServed => "NotServed",
            Self::Pending => "Pending",
            Self::Unapproved => "Unapproved",
            Self::Denied => "Denied",
            Self::Failed => "Failed",
            Self::Done => "Done",
            Self::Unknown { .. } => "Unknown",
        }
    }
}

/// The verdict on one certificate, or on what makes or trusts one.
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
    pub(super) fn new(state: CertificateState, severity: Severity) -> Judgement<Self> {
        Judgement::new(Self { state, severity, not_after: None, renewal: None })
    }

    pub(super) fn unknown(why: &str) -> Judgement<Self> {
        Self::new(CertificateState::Unknown { why: why.to_owned() }, Severity::Unknown).because(why)
    }
}

/// Adds a reason, and lifts the severity to what it deserves.
pub(super) fn at_least(judged: Judgement<Expiry>, severity: Severity, reason: Option<Reason>) -> Judgement<Expiry> {
    let Some(reason) = reason else { return judged };
    let judged = judged.because(reason);
    judged.map(|judged| Expiry { severity: judged.severity.worse(severity), ..judged })
}

#[cfg(test)]
mod tests;
