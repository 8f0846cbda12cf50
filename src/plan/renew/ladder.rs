//! What stands in the way of an issuance, from the Certificate down to who signs: its condition, its failures, its
//! request, its issuer.
//!
//! cert-manager retries by itself, and a CA issuer whose key is missing never fails: it waits. So nothing here is
//! final but a request that was denied, which cert-manager never makes anew.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{condition, is, said, text_at};
use crate::model::annotation;
use crate::text;

/// cert-manager's first delay after a failure; each further failure doubles it (`--certificate-request-minimum-backoff-duration`).
const BACKOFF: SignedDuration = SignedDuration::from_hours(1);
/// The longest delay, in doublings of the first: 32 hours.
const DOUBLINGS: u64 = 5;

/// How an issuance stands.
pub(super) struct Ladder<'a> {
    pub certificate: &'a Value,
    /// The requests of its namespace, as far as they can be read.
    pub requests: &'a [Value],
}

impl<'a> Ladder<'a> {
    /// The revision that is stored; zero before the first.
    pub fn revision(&self) -> u64 {
        self.certificate.pointer("/status/revision").and_then(Value::as_u64).unwrap_or(0)
    }

    /// How often issuing failed in a row.
    pub fn failures(&self) -> u64 {
        self.certificate.pointer("/status/failedIssuanceAttempts").and_then(Value::as_u64).unwrap_or(0)
    }

    /// The request for the next revision.
    pub fn request(&self) -> Option<&'a Value> {
        let (uid, next) = (text_at(self.certificate, "/metadata/uid"), (self.revision() + 1).to_string());
        let revision = annotation::pointer(annotation::CERTIFICATE_REVISION);
        let owned = |request: &&Value| {
            let owners = request.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            owners.into_iter().flatten().any(|owner| owner["uid"] == uid)
        };
        self.requests.iter().filter(owned).find(|request| text_at(request, &revision) == next)
    }

    /// That an issuance is under way, since when, and what it waits for.
    pub fn under_way(&self) -> Option<String> {
        let issuing = condition(self.certificate, "Issuing").filter(|issuing| issuing["status"] == "True")?;
        let since = text::sanitize(text_at(issuing, "/lastTransitionTime"));
        let waits = self.request().and_then(|request| {
            let ready = condition(request, "Ready").filter(|ready| ready["status"] != "True")?;
            Some(format!("; {}: {}", named(request), said(ready)))
        });
        Some(format!(
            "an issuance is under way already, since {since} ({}){}",
            said(issuing),
            waits.unwrap_or_default()
        ))
    }

    /// The request of an earlier attempt that was denied: while it is there, every attempt fails at once.
    pub fn denied(&self) -> Option<&'a Value> {
        self.request().filter(|request| is(request, "Denied"))
    }

    /// That issuing failed before, and when cert-manager would try again by itself.
    pub fn failed(&self) -> Option<String> {
        let at: Timestamp = text_at(self.certificate, "/status/lastFailureTime").parse().ok()?;
        let doublings = self.failures().saturating_sub(1).min(DOUBLINGS);
        let delay = BACKOFF.checked_mul(1 << doublings).unwrap_or(SignedDuration::MAX);
        let again = at.saturating_add(delay).unwrap_or(Timestamp::MAX);
        let why = condition(self.certificate, "Issuing").map(|issuing| format!(": {}", said(issuing)));
        Some(format!(
            "issuing failed {} in a row, last at {at}{}; left alone, cert-manager tries again about {again}",
            text::plural(usize::try_from(self.failures().max(1)).unwrap_or(usize::MAX), "time", "times"),
            why.unwrap_or_default()
        ))
    }
}

/// A request by its name; safe to draw.
pub(super) fn named(request: &Value) -> String {
    format!("CertificateRequest {}", text::sanitize(text_at(request, "/metadata/name")))
}
