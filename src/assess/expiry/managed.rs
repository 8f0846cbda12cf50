//! A certificate that cert-manager keeps, by what cert-manager says: no right to read Secrets is needed.

use jiff::Timestamp;

use super::limits::Life;
use super::{CertificateState, Expiry, RENEWAL_GRACE, at_least};
use crate::assess::sight::Sight;
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{CertManagerCertificate, CertificateRequest, Kind, World, annotation};
use crate::text;

/// Judges a Certificate whose Secret is not readable, from its status and its latest request. `Ready` alone proves
/// nothing: it stays true while a renewal runs.
pub fn certificate(world: &World, certificate: &CertManagerCertificate, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::Certificate, certificate.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let judged = match life(world, certificate) {
        Some(life) => by_life(certificate, life, now),
        None => never_issued(world, certificate),
    };
    let judged = judged.map(|judged| Expiry { renewal: certificate.renewal, ..judged });
    let judged = at_least(judged, Severity::Info, unrenewed(certificate));
    let judged = judged.because_all(rivals(world, certificate));
    let judged = at_least(judged, Severity::Warn, brought_back(world, certificate));
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

fn life(world: &World, certificate: &CertManagerCertificate) -> Option<Life> {
    let issued = world.latest_request(certificate).and_then(|request| request.issued.as_ref());
    let not_after = certificate.not_after.or(issued.map(|facts| facts.not_after))?;
    let not_before = certificate.not_before.or(issued.map(|facts| facts.not_before));
    // Without a beginning the whole of its life is not known; a warning then comes by the fixed time.
    Some(Life { not_before: not_before.unwrap_or(Timestamp::MIN), not_after })
}

fn by_life(certificate: &CertManagerCertificate, life: Life, now: Timestamp) -> Judgement<Expiry> {
    use CertificateState as State;
    let judged = life.judge("the certificate", now);
    let (state, severity) = judged.value.clone();
    let expiry = judged.map(|(state, severity)| Expiry {
        state,
        severity,
        not_after: Some(life.not_after),
        renewal: certificate.renewal,
    });
    if matches!(state, State::Expired | State::NotYetValid) {
        return expiry.because_all(missed(certificate, now));
    }
    let expiry = renewed_on_time(expiry, certificate, now);
    if let Some(missed) = missed(certificate, now) {
        return first(expiry, State::MissedRenewal, Severity::Critical, missed);
    }
    if certificate.is("Issuing") {
        let severity = if severity == Severity::Ok { Severity::Info } else { severity };
        return first(expiry, State::Issuing, severity, Reason::new("cert-manager is issuing a new one"));
    }
    match not_ready(certificate) {
        Some(reason) => first(expiry, State::NotReady, severity.worse(Severity::Warn), reason),
        None => expiry,
    }
}

/// Puts a state and its reason before what was found.
fn first(
    mut expiry: Judgement<Expiry>,
    state: CertificateState,
    severity: Severity,
    reason: Reason,
) -> Judgement<Expiry> {
    expiry.reasons.insert(0, reason);
    expiry.map(|expiry| Expiry { state, severity, ..expiry })
}

/// What cert-manager was to do and did not. `lastFailureTime` is cleared by the next success.
pub(super) fn missed(certificate: &CertManagerCertificate, now: Timestamp) -> Option<Reason> {
    let name = &certificate.meta.name;
    let next = "see its CertificateRequests, Orders and Challenges, and its issuer";
    if let Some(failed) = certificate.last_failure {
        let ago = text::age(now.duration_since(failed));
        return Some(Reason::new(format!("cert-manager failed to issue Certificate {name} {ago} ago")).next(next));
    }
    let renewal = certificate.renewal.filter(|_| !certificate.unrenewed)?;
    let late = now.duration_since(renewal);
    let missed = late > RENEWAL_GRACE && !certificate.is("Issuing");
    let text = format!("cert-manager should have renewed Certificate {name} {} ago", text::age(late));
    missed.then(|| Reason::new(text).next(next))
}

/// A Certificate that its owner keeps from being renewed.
pub(super) fn unrenewed(certificate: &CertManagerCertificate) -> Option<Reason> {
    let text = format!("Certificate {} has renewal.policy Disabled: cert-manager lets it end", certificate.meta.name);
    certificate.unrenewed.then(|| Reason::new(text).next("take the policy away, or renew it by hand in time"))
}

/// When a renewal will count as missed.
pub(super) fn due(certificate: &CertManagerCertificate, now: Timestamp) -> Option<Timestamp> {
    // One nanosecond on, as the grace itself is not late.
    let grace = RENEWAL_GRACE.checked_add(jiff::SignedDuration::from_nanos(1))?;
    certificate.renewal?.saturating_add(grace).ok().filter(|due| *due > now)
}

/// A warning about the end is none when a renewal is planned before it and nothing is wrong.
pub(super) fn renewed_on_time(
    expiry: Judgement<Expiry>,
    certificate: &CertManagerCertificate,
    now: Timestamp,
) -> Judgement<Expiry> {
    let expiry = expiry.until(due(certificate, now));
    let planned = certificate.renewal.filter(|_| !certificate.unrenewed).filter(|renewal| {
        let on_time = renewal.saturating_add(RENEWAL_GRACE).unwrap_or(Timestamp::MAX);
        now <= on_time && expiry.value.not_after.is_some_and(|end| on_time < end)
    });
    match planned {
        Some(renewal) if expiry.value.state == CertificateState::Expiring && certificate.is("Ready") => {
            let text = format!("cert-manager will renew it at {renewal}");
            first(expiry, CertificateState::Valid, Severity::Info, Reason::new(text))
        }
        _ => expiry,
    }
}

/// Why cert-manager says it is not ready.
pub(super) fn not_ready(certificate: &CertManagerCertificate) -> Option<Reason> {
    let ready = certificate.condition("Ready").filter(|ready| &*ready.status != "True")?;
    Some(Reason::new(format!("cert-manager says not ready: {}: {}", ready.reason, ready.message)))
}

fn never_issued(world: &World, certificate: &CertManagerCertificate) -> Judgement<Expiry> {
    use CertificateState as State;
    let request = world.latest_request(certificate).and_then(request_trouble);
    if certificate.last_failure.is_some() {
        let reason = Reason::new("cert-manager tried to issue it and failed")
            .next("see its CertificateRequests, Orders and Challenges, and its issuer");
        let judged = Expiry::new(State::NotReady, Severity::Critical).because(reason);
        return judged.because_all(not_ready(certificate)).because_all(request);
    }
    if certificate.is("Issuing") {
        let judged = Expiry::new(State::Issuing, Severity::Info).because("cert-manager is issuing the first one");
        return judged.because_all(request);
    }
    match not_ready(certificate) {
        Some(reason) => Expiry::new(State::NotReady, Severity::Warn).because(reason).because_all(request),
        None => Expiry::unknown("cert-manager has said nothing about it").because(
            Reason::new("its status is empty").next("check that cert-manager runs and that its issuer exists"),
        ),
    }
}

fn request_trouble(request: &CertificateRequest) -> Option<Reason> {
    let bad = request.conditions.iter().find(|condition| match &*condition.kind {
        "Ready" => &*condition.status == "False",
        "Denied" | "InvalidRequest" => &*condition.status == "True",
        _ => false,
    })?;
    let name = &request.meta.name;
    Some(Reason::new(format!("CertificateRequest {name}: {}: {}", bad.reason, bad.message)))
}

/// A request that a restore brought back answers for a revision that cert-manager believes is still to come: renewals
/// then wait for it (cert-manager#2318).
pub(super) fn brought_back(world: &World, certificate: &CertManagerCertificate) -> Option<Reason> {
    let request = world.latest_request(certificate)?;
    let restore = request.meta.label(annotation::VELERO_RESTORE)?;
    let name = &request.meta.name;
    let text =
        format!("CertificateRequest {name} was brought back by Velero restore {restore}: renewals may wait for it");
    Some(Reason::new(text).next("delete that CertificateRequest; cert-manager makes a new one"))
}

/// Other Certificates that write the same Secret: they take turns overwriting it (cert-manager#6281).
fn rivals(world: &World, certificate: &CertManagerCertificate) -> Option<Reason> {
    let key = (certificate.meta.namespace.clone()?, certificate.secret.clone());
    several_writers(world, &key)
}

pub(super) fn several_writers(world: &World, secret: &crate::model::ClaimKey) -> Option<Reason> {
    let writers = world.links.certificates_writing(secret);
    let names = writers.iter().filter_map(|uid| world.inventory.certificates.get(uid)).map(|c| c.meta.name.to_string());
    let mut names: Vec<String> = names.collect();
    names.sort();
    (names.len() > 1).then(|| {
        Reason::new(format!("Certificates {} all write Secret {}", text::list(&names), secret.1))
            .next("give each a secretName of its own")
    })
}
