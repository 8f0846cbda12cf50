//! Certificates: cert-manager's trigger, key, request, issue and readiness controllers in one.
//!
//! A certificate is issued when its Secret is missing or unfit, when its renewal time has come, or
//! when someone sets the Issuing condition (what `cmctl renew` does). Field names, reasons and the
//! annotations of the Secret are cert-manager v1's.

mod requests;
mod secret;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::issuers::{self, Condition, Signer, set_condition, with_condition};
use super::{Desk, Next, Outcome, events};
use crate::sim::clock::{go_duration, later, stamp};
use crate::sim::object::{self, items, text};
use crate::sim::pki;
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, State};

/// cert-manager's default lifetime, 90 days.
const DEFAULT_DURATION: Duration = Duration::from_secs(90 * 86_400);
const SOURCE: &str = "cert-manager-certificates";

/// The certificates that are kept in a Secret.
pub(super) fn stored_in(state: &State, secret: &Key) -> Vec<Key> {
    let certificates = state.list("certificates", Some(&secret.namespace));
    let stored = certificates.iter().filter(|certificate| text(&certificate.value, "/spec/secretName") == secret.name);
    stored.map(|certificate| Key::of(certificate.kind, &certificate.value)).collect()
}

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(certificate) = desk.get(key) else {
        return Ok(Next::done());
    };
    let certificate = &certificate.value;
    if object::terminating(certificate) {
        return Ok(Next::done());
    }
    let stored = secret::read(desk, certificate);
    let reason = trigger(certificate, stored.as_ref(), desk.now());
    let Some((reason, message)) = reason else {
        return settled(desk, key, certificate);
    };
    // Who asks for it by hand does not wait.
    let asked = is_asked(certificate);
    if let Some(again) = requests::backing_off(certificate, desk.now()).filter(|_| !asked) {
        return Ok(Next::at(again));
    }
    if let Some(why) = requests::failure(desk, certificate)? {
        requests::fail(desk, key, certificate, why)?;
        return Ok(Next::done());
    }
    let (issuer_key, issuer) = issuers::of_certificate(desk, certificate);
    let signer = match &issuer {
        Some(issuer) => issuers::signer(desk, &issuer_key, &issuer.value),
        None => Err(format!(
            "Referenced \"{}\" not found: issuer.cert-manager.io \"{}\" not found",
            text(certificate, "/spec/issuerRef/kind"),
            issuer_key.name
        )),
    };
    if let Ok(signer) = signer {
        issue(desk, key, certificate, &signer, reason)?;
        return Ok(Next::done());
    }
    set_condition(desk, key, certificate, &Condition { kind: "Issuing", status: "True", reason, message: &message })?;
    let waits = match issuer {
        Some(_) => "Referenced issuer does not have a Ready status condition".to_owned(),
        None => format!("Referenced \"{}\" not found", text(certificate, "/spec/issuerRef/kind")),
    };
    requests::pending(desk, certificate, &waits)?;
    not_ready(desk, key, reason, &message, stored.is_some())?;
    Ok(Next::on(issuer_key))
}

fn is_asked(certificate: &Value) -> bool {
    let conditions = items(certificate, "/status/conditions");
    conditions.iter().any(|condition| condition["type"] == "Issuing" && condition["status"] == "True")
}

/// Why a certificate must be issued now, if it must.
fn trigger(certificate: &Value, stored: Option<&secret::Stored>, now: Timestamp) -> Option<(&'static str, String)> {
    let asked =
        items(certificate, "/status/conditions").iter().find(|it| it["type"] == "Issuing" && it["status"] == "True");
    let name = text(certificate, "/spec/secretName");
    let Some(stored) = stored else {
        return Some((
            "DoesNotExist",
            format!("Issuing certificate as Secret does not exist: secrets \"{name}\" not found"),
        ));
    };
    if !stored.matches_key {
        return Some((
            "InvalidKeyPair",
            "Issuing certificate as Secret contains a private key that does not match the certificate".to_owned(),
        ));
    }
    if stored.dns != wanted_names(certificate) {
        return Some((
            "SecretMismatch",
            "Issuing certificate as Existing issued Secret is not up to date for spec".to_owned(),
        ));
    }
    if now >= renewal_time(certificate, stored.not_before, stored.not_after) {
        return Some(("Renewing", "Renewing certificate as renewal was scheduled".to_owned()));
    }
    asked.map(|condition| ("ManuallyTriggered", text(condition, "/message").to_owned()))
}

fn wanted_names(certificate: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        items(certificate, "/spec/dnsNames").iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    names.sort();
    names
}

/// `renewBefore`, or a third of the lifetime, before the end (cert-manager `RenewalTime`).
fn renewal_time(certificate: &Value, not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = Duration::try_from(not_after.duration_since(not_before)).unwrap_or_default();
    let before =
        go_duration(text(certificate, "/spec/renewBefore")).filter(|before| *before < life).unwrap_or(life / 3);
    later(not_before, life.saturating_sub(before))
}

fn not_ready(desk: &mut Desk<'_, '_>, key: &Key, reason: &str, message: &str, stored: bool) -> Result<(), Refusal> {
    let Some(certificate) = desk.get(key) else {
        return Ok(());
    };
    // A certificate that waits for its renewal still serves until it ends.
    if stored && ["Renewing", "ManuallyTriggered"].contains(&reason) {
        return Ok(());
    }
    set_condition(desk, key, &certificate.value, &Condition { kind: "Ready", status: "False", reason, message })
}

/// Makes key, request and certificate, and stores them.
fn issue(
    desk: &mut Desk<'_, '_>,
    key: &Key,
    certificate: &Value,
    signer: &Signer,
    reason: &str,
) -> Result<(), Refusal> {
    let failed = |error: rcgen::Error| Refusal::internal(format!("no certificate could be made: {error}"));
    let life = go_duration(text(certificate, "/spec/duration")).unwrap_or(DEFAULT_DURATION);
    // Times in certificates are whole seconds.
    let not_before = Timestamp::from_second(desk.now().as_second()).unwrap_or(desk.now());
    let request = pki::Request {
        common_name: text(certificate, "/spec/commonName").to_owned(),
        dns: wanted_names(certificate),
        ips: items(certificate, "/spec/ipAddresses").iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        ca: object::truth(certificate, "/spec/isCA"),
        not_before,
        not_after: later(not_before, life),
        serial: desk.writer.ids.serial(),
    };
    let private = secret::private_key(desk, certificate).map_err(failed)?;
    let made = match signer {
        Signer::SelfSigned => pki::self_signed(&request, &private).map_err(failed)?,
        Signer::Ca(ca) => pki::signed(&request, &private, ca).map_err(failed)?,
    };
    let ca = match signer {
        Signer::SelfSigned => made.clone(),
        Signer::Ca(ca) => ca.certificate.clone(),
    };
    let revision = requests::next_revision(certificate);
    requests::issued(desk, certificate, revision, &made, &ca)?;
    secret::store(desk, certificate, &[("tls.crt", &made), ("tls.key", &private), ("ca.crt", &ca)])?;
    events::normal(
        desk,
        certificate,
        "cert-manager-certificates-trigger",
        "Issuing",
        &format!("Issuing certificate: {reason}"),
    );
    events::normal(desk, certificate, SOURCE, "Issuing", "The certificate has been successfully issued");
    finished(desk, key, revision, &request)?;
    requests::prune(desk, certificate, revision)
}

fn finished(desk: &mut Desk<'_, '_>, key: &Key, revision: i64, request: &pki::Request) -> Result<(), Refusal> {
    let Some(certificate) = desk.get(key) else {
        return Ok(());
    };
    let now = stamp(desk.now());
    let renewal = renewal_time(&certificate.value, request.not_before, request.not_after);
    let ready = Condition {
        kind: "Ready",
        status: "True",
        reason: "Ready",
        message: "Certificate is up to date and has not expired",
    };
    let mut conditions = with_condition(&certificate.value, &ready, &now);
    conditions.retain(|condition| condition["type"] != "Issuing");
    let status = json!({
        "conditions": conditions, "notBefore": stamp(request.not_before), "notAfter": stamp(request.not_after),
        "renewalTime": stamp(renewal), "revision": revision,
    });
    desk.edit_status(key, |certificate| object::set(certificate, "/status", status))
}

/// Nothing to issue: the status says so, also for a Secret that was there before, and renewal is scheduled.
fn settled(desk: &mut Desk<'_, '_>, key: &Key, certificate: &Value) -> Outcome {
    let Some(stored) = secret::read(desk, certificate) else {
        return Ok(Next::done());
    };
    let renewal = renewal_time(certificate, stored.not_before, stored.not_after);
    let now = stamp(desk.now());
    let ready = Condition {
        kind: "Ready",
        status: "True",
        reason: "Ready",
        message: "Certificate is up to date and has not expired",
    };
    let conditions = with_condition(certificate, &ready, &now);
    desk.edit_status(key, |certificate| {
        object::set(certificate, "/status/conditions", conditions);
        object::set(certificate, "/status/notBefore", stamp(stored.not_before));
        object::set(certificate, "/status/notAfter", stamp(stored.not_after));
        object::set(certificate, "/status/renewalTime", stamp(renewal));
        object::default(certificate, "/status/revision", 1);
    })?;
    Ok(Next::at(renewal))
}
