//! Who signs certificates, and what waits for a signature: cert-manager's issuers and requests, with the Orders and
//! Challenges of ACME issuers, and the cluster's own signing requests.
//!
//! A request is a record of one issue. What it brought forth may have been replaced since, so its end is never more
//! than a warning, and what has ended is history.

mod acme;

pub use acme::{challenge, challenge_stands_alone, order, order_stands_alone};

use jiff::{SignedDuration, Timestamp};

use super::expiry::{CertificateState, Expiry, Life, at_least};
use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{CertificateFacts, CertificateRequest, Condition, Issuer, Kind, SigningRequest, World};
use crate::text;

/// A request that waits longer than this is worth a look.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Judges an Issuer or ClusterIssuer by what cert-manager says of it.
pub fn issuer(world: &World, kind: Kind, issuer: &Issuer, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, kind, issuer.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let judged = match condition(&issuer.conditions, "Ready") {
        Some(ready) if &*ready.status == "True" => Expiry::new(CertificateState::Ready, Severity::Ok),
        Some(ready) => not_ready(world, kind, issuer, ready, now),
        None => Expiry::unknown("cert-manager has not said that it is ready").because(
            Reason::new("its status is empty").next("check that cert-manager runs, and that it looks at this issuer"),
        ),
    };
    recent(judged, &sight)
}

/// What nobody asks for is no outage.
fn not_ready(world: &World, kind: Kind, issuer: &Issuer, ready: &Condition, now: Timestamp) -> Judgement<Expiry> {
    let signed = world.links.signed_by(&issuer.meta.reference(kind)).len();
    let namespace = issuer.meta.namespace.as_ref();
    let unseen = Sight::within(world, Kind::Certificate, namespace, now).blind().is_some();
    let severity = if signed > 0 || unseen { Severity::Critical } else { Severity::Warn };
    let judged = Expiry::new(CertificateState::NotReady, severity).because(
        why(ready)
            .next("put right what it says; nothing that this issuer signs is issued or renewed until it is ready"),
    );
    match (signed, unseen) {
        (_, true) => judged.because("how many Certificates it signs is not known here"),
        (0, false) => judged.because("no Certificate names it"),
        (signed, false) => {
            judged.because(format!("{} on it", text::plural(signed, "Certificate depends", "Certificates depend")))
        }
    }
}

/// Judges a request to cert-manager.
pub fn request(world: &World, request: &CertificateRequest, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::CertificateRequest, request.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let conditions = &request.conditions;
    let ready = condition(conditions, "Ready");
    let issuer = format!("{} {}", request.issuer.0, request.issuer.1);
    let judged = if let Some(denied) = is(conditions, "Denied") {
        let next = format!("ask who approves requests to {issuer}, or request what its policy allows");
        Expiry::new(CertificateState::Denied, Severity::Critical).because(why(denied).next(next))
    } else if let Some(bad) = is(conditions, "InvalidRequest")
        .or(ready.filter(|ready| &*ready.reason == "Failed" && &*ready.status != "True"))
    {
        let next = format!("see {issuer} and the events of the request; cert-manager tries again by a new request");
        Expiry::new(CertificateState::Failed, Severity::Critical).because(why(bad).next(next))
    } else if let Some(ready) = ready.filter(|ready| &*ready.status == "True") {
        issued(request.issued.as_ref(), ready, now)
    } else if is(conditions, "Approved").is_none() {
        let reason = Reason::new("nobody has approved it").next(format!(
            "have it approved by who may: `cmctl approve {}`, or see the approver policy",
            request.meta.name
        ));
        waiting(CertificateState::Unapproved, reason, request.meta.created, now)
    } else {
        let said = ready.map_or_else(|| Reason::new(format!("{issuer} has not answered it")), why);
        let reason =
            said.next(format!("see whether {issuer} is ready, and the Orders and Challenges of an ACME issuer"));
        waiting(CertificateState::Pending, reason, request.meta.created, now)
    };
    recent(judged, &sight)
}

/// Whether a request has a row of its own: what a Certificate keeps is said by its row, so only the trouble of its
/// latest request is news.
pub fn stands_alone(world: &World, request: &CertificateRequest) -> bool {
    let namespace = request.meta.namespace.as_ref();
    let certificate = request.certificate.as_ref();
    match certificate.and_then(|name| world.inventory.certificates.named(namespace, name)) {
        None => true,
        Some(certificate) => {
            !is_done(request)
                && world.latest_request(certificate).is_some_and(|latest| latest.meta.uid == request.meta.uid)
        }
    }
}

/// Whether a request brought a certificate.
pub fn is_done(request: &CertificateRequest) -> bool {
    is(&request.conditions, "Ready").is_some()
}

/// Judges a request to the cluster's own signers (certificates.k8s.io).
pub fn signing_request(world: &World, request: &SigningRequest, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::all(world, Kind::SigningRequest, now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let (name, conditions) = (&request.meta.name, &request.conditions);
    let judged = if let Some(denied) = is(conditions, "Denied") {
        Expiry::new(CertificateState::Denied, Severity::Info).because(why(denied))
    } else if let Some(failed) = is(conditions, "Failed") {
        let next = format!("see what signs for {}, then ask again", request.signer);
        Expiry::new(CertificateState::Failed, Severity::Warn).because(why(failed).next(next))
    } else if let Some(facts) = &request.issued {
        by_end(facts, now)
    } else if is(conditions, "Approved").is_some() {
        let reason = Reason::new(format!("it is approved, and {} has not signed it", request.signer))
            .next(format!("see whether something signs for {}", request.signer));
        waiting(CertificateState::Pending, reason, request.meta.created, now)
    } else {
        let reason = Reason::new(format!("{} asks for a certificate, and nobody has approved it", request.asked_by))
            .next(format!("once you know who asks and why: `kubectl certificate approve {name}`, or deny"));
        waiting(CertificateState::Unapproved, reason, request.meta.created, now)
    };
    recent(judged, &sight)
}

fn issued(facts: Option<&CertificateFacts>, ready: &Condition, now: Timestamp) -> Judgement<Expiry> {
    match facts {
        Some(facts) => by_end(facts, now),
        None => Expiry::unknown("it was issued, and its certificate cannot be read").because(why(ready)),
    }
}

fn by_end(facts: &CertificateFacts, now: Timestamp) -> Judgement<Expiry> {
    let life = Life { not_before: facts.not_before, not_after: facts.not_after };
    let mut judged = life.judge("the certificate that it brought", now);
    let ended = judged.value.0 == CertificateState::Expired;
    for reason in &mut judged.reasons {
        reason.next = reason.next.take().map(|_| "request a new one, where it is still in use".to_owned());
    }
    judged.map(|(state, severity)| {
        let severity = match severity {
            _ if ended => Severity::Info,
            Severity::Critical => Severity::Warn,
            other => other,
        };
        Expiry { state, severity, not_after: Some(facts.not_after), renewal: None }
    })
}

/// What waits is as planned for a while. Since when is not known of what has no time of creation.
fn waiting(state: CertificateState, reason: Reason, since: Option<Timestamp>, now: Timestamp) -> Judgement<Expiry> {
    let due = since.map_or(now, |since| since.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX));
    let severity = if now < due { Severity::Info } else { Severity::Warn };
    let judged = Expiry::new(state, severity).because(reason).until(Some(due).filter(|due| now < *due));
    let age = since.map(|since| format!("it was made {} ago", text::age(now.duration_since(since))));
    judged.because_all(age.map(Reason::from))
}

fn recent(judged: Judgement<Expiry>, sight: &Sight) -> Judgement<Expiry> {
    match sight.recent() {
        Some((until, reason)) => at_least(judged, Severity::Ok, Some(reason.clone())).until(until),
        None => judged,
    }
}

fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| &*condition.kind == kind)
}

fn is<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    condition(conditions, kind).filter(|condition| &*condition.status == "True")
}

fn why(condition: &Condition) -> Reason {
    let said = [&*condition.reason, &*condition.message];
    let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
    match said.as_slice() {
        [] => Reason::new(format!("{} is {}, and nothing says why", condition.kind, condition.status)),
        said => Reason::new(said.join(": ")),
    }
}

#[cfg(test)]
mod tests;
