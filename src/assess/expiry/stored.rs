//! A certificate as it lies in a Secret.

use std::sync::Arc;

use jiff::Timestamp;

use super::limits::Life;
use super::managed::{brought_back, due, missed, not_ready, renewed_on_time, several_writers};
use super::{CertificateState, Expiry, at_least};
use crate::assess::chain::flaws;
use crate::assess::sight::Sight;
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{
    CertManagerCertificate, CertificateFacts, ClaimKey, KeyMatch, Kind, SecretUse, SecretVia, TlsSecret, World,
};
use crate::text;

/// Judges what is in a Secret; where a Certificate writes it, also whether cert-manager keeps it fresh.
pub fn secret(world: &World, secret: &TlsSecret, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::TlsSecret, secret.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let key: ClaimKey = (secret.meta.namespace.clone().unwrap_or_else(|| "".into()), secret.meta.name.clone());
    let writer = world.links.certificates_writing(&key).iter().find_map(|uid| world.inventory.certificates.get(uid));
    let judged = match &secret.leaf.chain {
        Err(why) => unreadable(&format!("{} {why}", secret.leaf.key), writer),
        Ok(chain) if chain.is_empty() => unreadable(&format!("{} holds no certificate", secret.leaf.key), writer),
        Ok(chain) => by_chain(secret, chain, writer, now),
    };
    let judged = judged.map(|judged| Expiry { renewal: writer.and_then(|writer| writer.renewal), ..judged });
    let judged = at_least(judged, Severity::Warn, several_writers(world, &key));
    let judged = at_least(judged, Severity::Warn, writer.and_then(|writer| brought_back(world, writer)));
    let judged = at_least(judged, Severity::Info, unseen_manager(world, &key.0, now));
    let judged = at_least(judged, Severity::Info, unrefreshed(world, &key));
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

fn unreadable(why: &str, writer: Option<&CertManagerCertificate>) -> Judgement<Expiry> {
    if writer.is_some_and(|writer| writer.is("Issuing") && writer.last_failure.is_none()) {
        let judged = Expiry::new(CertificateState::Issuing, Severity::Info);
        return judged.because("cert-manager is issuing it").because(why);
    }
    Expiry::new(CertificateState::Unreadable, Severity::Critical)
        .because(Reason::new(why).next("put a PEM certificate chain there, the leaf first"))
}

fn by_chain(
    secret: &TlsSecret,
    chain: &[CertificateFacts],
    writer: Option<&CertManagerCertificate>,
    now: Timestamp,
) -> Judgement<Expiry> {
    use CertificateState as State;
    let expiry = worst_of(secret, chain, now);
    let expiry = writer.map_or(expiry.clone(), |writer| renewed_on_time(expiry, writer, now));
    let decided = match (secret.key, writer.and_then(|writer| missed(writer, now))) {
        (KeyMatch::Mismatch, _) => {
            let reason = Reason::new("tls.key is not the key of the first certificate: every handshake fails")
                .next("put the key there that the certificate was made for, or issue a new pair");
            Some((State::KeyMismatch, Severity::Critical, reason))
        }
        (KeyMatch::Missing, _) => {
            let reason = Reason::new("there is no private key in tls.key").next("put the certificate's key there");
            Some((State::KeyMismatch, Severity::Critical, reason))
        }
        _ if matches!(expiry.value.state, State::Expired | State::NotYetValid) => None,
        (_, Some(missed)) => Some((State::MissedRenewal, Severity::Critical, missed)),
        (KeyMatch::Unreadable, None) if matches!(expiry.value.state, State::Valid) => {
            let why = "whether tls.key fits cannot be told: it could not be read";
            Some((State::Unknown { why: why.into() }, Severity::Unknown, Reason::new(why)))
        }
        _ => None,
    };
    let expiry = match decided {
        Some((state, severity, reason)) => {
            let mut expiry = expiry.map(|expiry| Expiry { state, severity, ..expiry });
            expiry.reasons.insert(0, reason);
            expiry
        }
        None => expiry,
    };
    let expiry = at_least(flawed(expiry, chain), Severity::Warn, writer.and_then(not_ready));
    expiry.until(writer.and_then(|writer| due(writer, now)))
}

/// Adds what is wrong with the chain; that is the verdict where nothing else is wrong.
fn flawed(judged: Judgement<Expiry>, chain: &[CertificateFacts]) -> Judgement<Expiry> {
    let flaws = flaws(chain);
    let decides =
        judged.value.state == CertificateState::Valid && flaws.first().is_some_and(|(severity, _)| severity.problem());
    let time = judged.reasons.clone();
    let mut judged =
        flaws.into_iter().fold(Judgement { reasons: Vec::new(), ..judged }, |judged, (severity, reason)| {
            at_least(judged, severity, Some(reason))
        });
    if decides {
        judged.reasons.extend(time);
        return judged.map(|judged| Expiry { state: CertificateState::Flawed, ..judged });
    }
    let found = std::mem::replace(&mut judged.reasons, time);
    judged.because_all(found)
}

/// The member of the chain whose time is worst decides. A CA of `ca.crt` counts when it issued one of the chain.
fn worst_of(secret: &TlsSecret, chain: &[CertificateFacts], now: Timestamp) -> Judgement<Expiry> {
    let bundle = secret.ca.iter().filter_map(|place| place.chain.as_ref().ok()).flat_map(|chain| chain.iter());
    let issuers = bundle.filter(|ca| chain.iter().any(|member| member.issuer == ca.subject));
    let members: Vec<&CertificateFacts> = chain.iter().chain(issuers).collect();
    let judge = |(at, facts): (usize, &&CertificateFacts)| {
        let life = Life { not_before: facts.not_before, not_after: facts.not_after };
        let what = if at == 0 { "the certificate".to_owned() } else { format!("its issuer {}", facts.subject) };
        life.judge(&what, now)
    };
    let judged: Vec<_> = members.iter().enumerate().map(judge).collect();
    let earliest = judged.iter().filter_map(|judged| judged.valid_until).min();
    let not_after = members.iter().map(|facts| facts.not_after).min();
    // The leaf first among equals, so that its own sentence stands.
    let worst = judged.into_iter().rev().max_by_key(|judged| (judged.value.1.rank(), ended(&judged.value.0)));
    let Some(worst) = worst else { return Expiry::unknown("there is no certificate") };
    let shorter = members.iter().skip(1).filter(|facts| Some(facts.not_after) == not_after);
    let shorter = shorter.filter(|facts| chain.first().is_some_and(|leaf| facts.not_after < leaf.not_after));
    let shorter = shorter.map(|facts| {
        let end = facts.not_after;
        Reason::new(format!("its issuer {} ends before it, at {end}", facts.subject)).next("renew the CA first")
    });
    let first = shorter.take(1);
    let judged = worst.map(|(state, severity)| Expiry { state, severity, not_after, renewal: None });
    first.fold(judged.until(earliest), |judged, reason| at_least(judged, Severity::Warn, Some(reason)))
}

/// Among critical states, one that is broken now comes before one that will be.
fn ended(state: &CertificateState) -> bool {
    matches!(state, CertificateState::Expired | CertificateState::NotYetValid)
}

/// A missed renewal would not show.
fn unseen_manager(world: &World, namespace: &Arc<str>, now: Timestamp) -> Option<Reason> {
    let sight = Sight::within(world, Kind::Certificate, Some(namespace), now);
    let blind = sight.blind()?;
    Some(Reason { text: format!("whether cert-manager renews it is not known: {}", blind.text), ..blind.clone() })
}

/// Users that will not see a renewed certificate until they start again (kubernetes#50345).
fn unrefreshed(world: &World, secret: &ClaimKey) -> Option<Reason> {
    let fixed = |used: &&SecretUse| used.secret == secret.1 && used.via != SecretVia::Mount;
    let pods = world.links.pods_using(secret).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let count = pods.filter(|pod| !pod.ended() && pod.secrets.iter().any(|used| fixed(&used))).count();
    (count > 0).then(|| {
        let pods = text::plural(count, "pod takes", "pods take");
        Reason::new(format!("{pods} it by environment or subPath and will not see a new one"))
            .next("restart them after each renewal")
    })
}
