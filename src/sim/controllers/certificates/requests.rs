//! `CertificateRequest`s: what a certificate is issued by, from waiting for its issuer to issued, denied or failed.
//!
//! cert-manager's request manager, approver and CA controllers, and its revision manager, which keeps the last few.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::issuers::{Condition, set_condition, with_condition};
use super::super::{Desk, events};
use crate::sim::clock::{later, stamp};
use crate::sim::kinds;
use crate::sim::object::{self, items, number, text};
use crate::sim::pki;
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link};
use crate::sim::write::{DeleteOptions, Part};

/// cert-manager's default delay after the first failure; each further one doubles it.
const BACKOFF: Duration = Duration::from_secs(3600);

/// The revision that a certificate is issued for next.
pub(super) fn next_revision(certificate: &Value) -> i64 {
    number(certificate, "/status/revision", 0) + 1
}

fn key_of(certificate: &Value, revision: i64) -> Key {
    Key::new(
        "certificaterequests",
        object::namespace(certificate),
        &format!("{}-{revision}", object::name(certificate)),
    )
}

fn condition_of<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    items(value, "/status/conditions").iter().find(|condition| condition["type"] == kind)
}

/// When a certificate may be tried again after it failed; `None` when it may be now.
pub(super) fn backing_off(certificate: &Value, now: Timestamp) -> Option<Timestamp> {
    let failed: Timestamp = text(certificate, "/status/lastFailureTime").parse().ok()?;
    let doublings = u32::try_from(number(certificate, "/status/failedIssuanceAttempts", 1) - 1).unwrap_or(0).min(5);
    Some(later(failed, BACKOFF * 2_u32.pow(doublings))).filter(|again| *again > now)
}

/// Why the present request can lead to nothing: reason and message. One that failed before it was asked for anew goes.
pub(super) fn failure(desk: &mut Desk<'_, '_>, certificate: &Value) -> Result<Option<(String, String)>, Refusal> {
    let key = key_of(certificate, next_revision(certificate));
    let Some(request) = desk.get(&key) else { return Ok(None) };
    let said = |condition: &Value| (text(condition, "/reason").to_owned(), text(condition, "/message").to_owned());
    if let Some(denied) = condition_of(&request.value, "Denied").filter(|denied| denied["status"] == "True") {
        let now = stamp(desk.now());
        let message = "The CertificateRequest was denied by an approval controller";
        let ready = Condition { kind: "Ready", status: "False", reason: "Denied", message };
        let conditions = with_condition(&request.value, &ready, &now);
        desk.edit_status(&key, |request| {
            object::set(request, "/status/conditions", conditions);
            object::default(request, "/status/failureTime", now);
        })?;
        return Ok(Some(said(denied)));
    }
    let Some(failed) = condition_of(&request.value, "Ready").filter(|ready| ready["reason"] == "Failed") else {
        return Ok(None);
    };
    let asked = condition_of(certificate, "Issuing").map_or("", |issuing| text(issuing, "/lastTransitionTime"));
    if text(&request.value, "/status/failureTime") < asked {
        desk.writer.delete(request.kind, &key, &DeleteOptions::default())?;
        return Ok(None);
    }
    Ok(Some(said(failed)))
}

/// Gives an issuance up for now: `failIssueCertificate` of the issuing controller.
pub(super) fn fail(
    desk: &mut Desk<'_, '_>,
    key: &Key,
    certificate: &Value,
    (reason, why): (String, String),
) -> Result<(), Refusal> {
    let message = format!("The certificate request has failed to complete and will be retried: {why}");
    let now = stamp(desk.now());
    let issuing = Condition { kind: "Issuing", status: "False", reason: &reason, message: &message };
    let conditions = with_condition(certificate, &issuing, &now);
    let attempts = number(certificate, "/status/failedIssuanceAttempts", 0) + 1;
    desk.edit_status(key, |certificate| {
        object::set(certificate, "/status/conditions", conditions);
        object::set(certificate, "/status/lastFailureTime", now);
        object::set(certificate, "/status/failedIssuanceAttempts", attempts);
    })?;
    events::warning(desk, certificate, "cert-manager-certificates-issuing", &reason, &message);
    Ok(())
}

/// A request that waits for its issuer.
pub(super) fn pending(desk: &mut Desk<'_, '_>, certificate: &Value, message: &str) -> Result<(), Refusal> {
    let revision = next_revision(certificate);
    let key = made(desk, certificate, revision)?;
    let Some(request) = desk.get(&key) else { return Ok(()) };
    let ready = Condition { kind: "Ready", status: "False", reason: "Pending", message };
    set_condition(desk, &key, &request.value, &ready)
}

/// The request a certificate was issued by, approved and done.
pub(super) fn issued(
    desk: &mut Desk<'_, '_>,
    certificate: &Value,
    revision: i64,
    made_of: &str,
    ca: &str,
) -> Result<(), Refusal> {
    let key = made(desk, certificate, revision)?;
    let Some(request) = desk.get(&key) else { return Ok(()) };
    let message = "Certificate fetched from issuer successfully";
    let ready = Condition { kind: "Ready", status: "True", reason: "Issued", message };
    let conditions = with_condition(&request.value, &ready, &stamp(desk.now()));
    let (signed, ca) = (pki::base64(made_of.as_bytes()), pki::base64(ca.as_bytes()));
    desk.edit_status(&key, |request| {
        object::set(request, "/status/conditions", conditions);
        object::set(request, "/status/certificate", signed);
        object::set(request, "/status/ca", ca);
    })
}

/// The approved request for a revision, made when there is none.
fn made(desk: &mut Desk<'_, '_>, certificate: &Value, revision: i64) -> Result<Key, Refusal> {
    let key = key_of(certificate, revision);
    let Some(kind) = kinds::by_plural(key.plural).filter(|_| desk.get(&key).is_none()) else {
        return Ok(key);
    };
    let mut request = json!({
        "metadata": {"name": key.name, "ownerReferences": [object::owned_by(certificate)]},
        "spec": {
            "issuerRef": certificate["spec"]["issuerRef"], "isCA": object::truth(certificate, "/spec/isCA"), "duration": certificate["spec"]["duration"],
            "username": "system:serviceaccount:cert-manager:cert-manager",
        },
        "status": {"conditions": [{
            "type": "Approved", "status": "True", "reason": "cert-manager.io",
            "message": "Certificate request has been approved by cert-manager.io", "lastTransitionTime": stamp(desk.now()),
        }]},
    });
    object::annotate(&mut request, "cert-manager.io/certificate-name", object::name(certificate));
    object::annotate(&mut request, "cert-manager.io/certificate-revision", &revision.to_string());
    desk.writer.create(kind, &key.namespace, request, Part::All)?;
    Ok(key)
}

/// Deletes the oldest requests beyond `revisionHistoryLimit`, which is one where it is not said.
pub(super) fn prune(desk: &mut Desk<'_, '_>, certificate: &Value, revision: i64) -> Result<(), Refusal> {
    let limit = number(certificate, "/spec/revisionHistoryLimit", 1);
    let owned = desk.writer.state.pointing_at(&Link::Owner(object::uid(certificate).to_owned()));
    for key in owned.into_iter().filter(|key| key.plural == "certificaterequests") {
        let Some(request) = desk.get(&key) else { continue };
        let of: i64 = object::annotation(&request.value, "cert-manager.io/certificate-revision").parse().unwrap_or(0);
        if of <= revision - limit {
            desk.writer.delete(request.kind, &key, &DeleteOptions::default())?;
        }
    }
    Ok(())
}
