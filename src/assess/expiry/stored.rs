//! A certificate as it lies in a Secret.

use std::sync::Arc;

use jiff::Timestamp;

use super::chained::{flawed, flaws_decide, worst_of};
use super::managed::{brought_back, due, missed, not_ready, renewed_on_time, several_writers, unrenewed};
use super::{CertificateState, Expiry, at_least};
use crate::assess::chain::{Flaw, Purpose};
use crate::assess::sight::Sight;
use crate::assess::{Judgement, Reason, Severity};
use crate::assess::{fronts, identity, served};
use crate::model::{
    CertManagerCertificate, CertificateFacts, ClaimKey, Fault, KeyMatch, Kind, SecretUse, SecretVia, TlsSecret, World,
    annotation,
};
use crate::text;

/// Judges what is in a Secret; where a Certificate writes it, also whether cert-manager keeps it fresh.
pub fn secret(world: &World, secret: &TlsSecret, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::TlsSecret, secret.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    if let Some(of) = secret.meta.annotation(annotation::COPY_OF) {
        return set_aside(secret, of);
    }
    let key: ClaimKey = (secret.meta.namespace.clone().unwrap_or_else(|| "".into()), secret.meta.name.clone());
    let writer = world.links.certificates_writing(&key).iter().find_map(|uid| world.inventory.certificates.get(uid));
    let judged = match &secret.leaf.chain {
        Err(why) => unreadable(&format!("{} {why}", secret.leaf.key), writer),
        Ok(chain) if chain.is_empty() => unreadable(&format!("{} holds no certificate", secret.leaf.key), writer),
        Ok(chain) => by_chain(secret, chain, writer, now),
    };
    let judged = flaws_decide(judged, beside(secret, writer));
    let judged = match secret.facts() {
        Some(leaf) => flaws_decide(judged, fronts::names(world, &key, leaf, now)),
        None => judged,
    };
    let judged = locked(judged, secret, writer);
    let judged = judged.map(|judged| Expiry { renewal: writer.and_then(|writer| writer.renewal), ..judged });
    let judged = at_least(judged, Severity::Info, writer.and_then(unrenewed));
    let judged = at_least(judged, Severity::Warn, several_writers(world, &key));
    let judged = at_least(judged, Severity::Warn, writer.and_then(|writer| brought_back(world, writer)));
    let judged = match secret.facts() {
        Some(leaf) => identity::shared(world, Kind::TlsSecret, &secret.meta, leaf)
            .into_iter()
            .fold(judged, |judged, (severity, reason)| at_least(judged, severity, Some(reason))),
        None => judged,
    };
    let judged = by_pods(judged, served::amiss(world, &key, now));
    let judged = at_least(judged, Severity::Info, unseen_manager(world, &key.0, now));
    let judged = at_least(judged, Severity::Info, unrefreshed(world, &key));
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

/// What an operation put aside: it may end in peace. Its private key is what there is to say of it.
fn set_aside(secret: &TlsSecret, of: &str) -> Judgement<Expiry> {
    let by = secret.meta.annotation(annotation::OPERATION).unwrap_or("an operation");
    let said = format!("operation {by} put it aside for Secret {of}; it holds a private key");
    let name = &secret.meta.name;
    let next = format!("once it is of no use: kubectl delete secret -n {} {name}", secret.meta.namespace());
    let reason = Reason::new(text::sanitize(&said)).next(text::sanitize(&next));
    Expiry::new(CertificateState::SetAside, Severity::Info).because(reason)
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
    let bundle = secret.ca.as_ref().and_then(|place| place.chain.as_ref().ok()).map_or(&[][..], |chain| chain);
    let expiry = worst_of(chain, bundle, now);
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
    let expiry = at_least(flawed(expiry, chain, bundle, Purpose::Server), Severity::Warn, writer.and_then(not_ready));
    expiry.until(writer.and_then(|writer| due(writer, now)))
}

/// What is wrong with the files that were made of the certificate: a keystore that was not made anew with it goes on
/// being served by what reads it.
fn beside(secret: &TlsSecret, writer: Option<&CertManagerCertificate>) -> Vec<Flaw> {
    let next = if writer.is_some() {
        "see that the Certificate asks for this keystore still, and take what it does not make out of the Secret"
    } else {
        "make it anew of tls.crt and tls.key"
    };
    let mut found = Vec::new();
    for file in &secret.files {
        if let (Some(own), Some(leaf)) = (file.leaf(), secret.facts())
            && own.fingerprint != leaf.fingerprint
        {
            let text = format!("{} holds another certificate than tls.crt: who reads it serves that one", file.key);
            found.push((Severity::Critical, Reason::new(text).next(next)));
        }
        if let Some(fault) = file.fault.as_ref().filter(|fault| !fault.locked()) {
            found.push((Severity::Warn, Reason::new(format!("{} ({})", fault.said, fault.word)).next(next)));
        }
    }
    found.sort_by_key(|(severity, _): &Flaw| std::cmp::Reverse(severity.rank()));
    found
}

/// Keystores that nothing here opens: whether they fit is not known, and so it is not of the whole.
fn locked(judged: Judgement<Expiry>, secret: &TlsSecret, writer: Option<&CertManagerCertificate>) -> Judgement<Expiry> {
    let mut judged = judged;
    for file in secret.files.iter().filter(|file| file.fault.as_ref().is_some_and(Fault::locked)) {
        let specs = writer.into_iter().flat_map(|writer| writer.keystores.iter());
        let password = specs.filter(|spec| spec.format == file.format).find_map(|spec| spec.password.as_ref());
        let text = match password {
            _ if file.fault.as_ref().is_some_and(|fault| fault.tried) => {
                let said = file.fault.as_ref().map_or("", |fault| &fault.said);
                format!("whether {} holds the certificate of tls.crt is not known: {said}", file.key)
            }
            Some((name, key)) => format!(
                "whether {} holds the certificate of tls.crt is not known: its password is in Secret {name}, key {key}",
                file.key
            ),
            None => format!(
                "whether {} holds the certificate of tls.crt is not known: no password that is known here opens it",
                file.key
            ),
        };
        let reason =
            Reason::new(&text).next("compare its certificate with `keytool -list -v`, or renew to have it made anew");
        if judged.value.severity.rank() < Severity::Unknown.rank() {
            judged.reasons.insert(0, reason);
            let state = CertificateState::Unknown { why: text };
            judged = judged.map(|expiry| Expiry { state, severity: Severity::Unknown, ..expiry });
        } else {
            judged = judged.because(reason);
        }
    }
    judged
}

/// What pods serve in its place is the verdict where nothing worse is wrong with the certificate itself.
fn by_pods(judged: Judgement<Expiry>, amiss: Judgement<Option<served::Known>>) -> Judgement<Expiry> {
    let judged = judged.until(amiss.valid_until);
    let Some(known) = amiss.value else { return judged };
    let (severity, mut reasons) = (known.severity(), amiss.reasons);
    if judged.value.severity.rank() >= severity.rank() {
        return judged.because_all(reasons);
    }
    let state = match known {
        served::Known::Seen => CertificateState::PodsStale,
        served::Known::Before | served::Known::Inferred => CertificateState::PodsMaybeStale,
    };
    reasons.extend(judged.reasons);
    Judgement { reasons, ..judged }.map(|expiry| Expiry { state, severity, ..expiry })
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
