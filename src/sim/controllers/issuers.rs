//! Issuers and `ClusterIssuer`s: `selfSigned` is always ready, `ca` when its Secret holds a CA.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Desk, Next, Outcome};
use crate::sim::clock::stamp;
use crate::sim::object::{self, items, text};
use crate::sim::pki::{self, Issued};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Object, State};

/// Where the Secrets of a `ClusterIssuer` are (`--cluster-resource-namespace`).
const CLUSTER_NAMESPACE: &str = "cert-manager";

/// How an issuer signs.
pub(super) enum Signer {
    SelfSigned,
    Ca(Issued),
}

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(issuer) = desk.get(key) else {
        return Ok(Next::done());
    };
    let signer = signer(desk, key, &issuer.value);
    let (status, reason, message) = match &signer {
        Ok(Signer::SelfSigned) => ("True", "IsReady", String::new()),
        Ok(Signer::Ca(_)) => ("True", "KeyPairVerified", "Signing CA verified".to_owned()),
        Err(why) => ("False", "ErrGetKeyPair", why.clone()),
    };
    set_condition(desk, key, &issuer.value, &Condition { kind: "Ready", status, reason, message: &message })?;
    match signer {
        Ok(_) => Ok(Next::done()),
        Err(_) => Ok(Next::on(secret_key(key, &issuer.value))),
    }
}

/// The issuers that sign with a Secret.
pub(super) fn signing_with(state: &State, secret: &Key) -> Vec<Key> {
    let issuers = ["issuers", "clusterissuers"].into_iter().flat_map(|plural| state.list(plural, None));
    let keys = issuers.map(|issuer| (Key::of(issuer.kind, &issuer.value), issuer));
    keys.filter(|(key, issuer)| secret_key(key, &issuer.value) == *secret).map(|(key, _)| key).collect()
}

fn secret_key(issuer_key: &Key, issuer: &Value) -> Key {
    let namespace = if issuer_key.namespace.is_empty() { CLUSTER_NAMESPACE } else { &issuer_key.namespace };
    Key::new("secrets", namespace, text(issuer, "/spec/ca/secretName"))
}

/// What an issuer signs with, or why it cannot.
pub(super) fn signer(desk: &Desk<'_, '_>, key: &Key, issuer: &Value) -> Result<Signer, String> {
    if issuer.pointer("/spec/selfSigned").is_some() {
        return Ok(Signer::SelfSigned);
    }
    if issuer.pointer("/spec/ca").is_none() {
        return Err("only selfSigned and ca issuers are simulated".to_owned());
    }
    let secret_key = secret_key(key, issuer);
    let secret = desk
        .get(&secret_key)
        .ok_or_else(|| format!("Error getting keypair for CA issuer: secrets \"{}\" not found", secret_key.name))?;
    let part = |name: &str| String::from_utf8(pki::unbase64(&secret.value["data"][name])).unwrap_or_default();
    let pair = Issued { certificate: part("tls.crt"), key: part("tls.key") };
    if pair.certificate.is_empty() || pair.key.is_empty() {
        return Err(format!(
            "Error getting keypair for CA issuer: no data for \"tls.crt\" in secret '{}/{}'",
            secret_key.namespace, secret_key.name
        ));
    }
    Ok(Signer::Ca(pair))
}

/// The issuer a certificate names.
pub(super) fn of_certificate(desk: &Desk<'_, '_>, certificate: &Value) -> (Key, Option<Arc<Object>>) {
    let name = text(certificate, "/spec/issuerRef/name");
    let key = if text(certificate, "/spec/issuerRef/kind") == "ClusterIssuer" {
        Key::new("clusterissuers", "", name)
    } else {
        Key::new("issuers", object::namespace(certificate), name)
    };
    let issuer = desk.get(&key);
    (key, issuer)
}

/// A condition of cert-manager's kinds.
pub(super) struct Condition<'a> {
    pub kind: &'a str,
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

/// Sets one condition; its transition time changes only with its status.
pub(super) fn set_condition(
    desk: &mut Desk<'_, '_>,
    key: &Key,
    value: &Value,
    condition: &Condition<'_>,
) -> Result<(), Refusal> {
    let now = stamp(desk.now());
    let conditions = with_condition(value, condition, &now);
    desk.edit_status(key, |value| object::set(value, "/status/conditions", conditions))
}

/// The conditions of an object with one of them set.
pub(super) fn with_condition(value: &Value, condition: &Condition<'_>, now: &str) -> Vec<Value> {
    let mut conditions = items(value, "/status/conditions").to_vec();
    let before = conditions.iter().position(|it| it["type"] == condition.kind);
    let since = before
        .filter(|at| conditions[*at]["status"] == condition.status)
        .map_or(now.into(), |at| conditions[at]["lastTransitionTime"].clone());
    let new = json!({
        "type": condition.kind, "status": condition.status, "reason": condition.reason, "message": condition.message,
        "lastTransitionTime": since, "observedGeneration": value["metadata"]["generation"],
    });
    match before {
        Some(at) => conditions[at] = new,
        None => conditions.push(new),
    }
    conditions
}
