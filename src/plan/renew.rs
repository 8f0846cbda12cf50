//! The renew verb: has cert-manager issue a Certificate anew, and restarts what would go on with the former one.
//!
//! It asks as `cmctl renew` does, by the `Issuing` condition of the Certificate's status, and believes nothing but what
//! it sees: `Ready` stays true all along, so that a renewal counts as done only when the revision has gone up and the
//! Secret holds another certificate (research: tls, sections 0 and 3.1). Of certificates it knows fingerprints, serial
//! numbers and ends; key bytes never come here.

mod case;
mod form;
mod ladder;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use self::case::Case;
use super::reach::Reach;
use super::read::text as text_at;
use super::roll::Restart;
use super::{AccessQuestion, Answers, ListAt, ObjectAt, OperationId, Plan, Questions, Refusal, Resource};
use crate::model::{CertManagerCertificate, ClaimKey, Kind, TlsSecret, Uid, World, annotation};
use crate::text;

pub use super::serves::WITHIN as SERVED_WITHIN;
pub use form::{command, form, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[
    Kind::Certificate,
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
];

/// How long the pods of one workload may take to be replaced, unless a person chooses otherwise.
pub const ROLLED_WITHIN: Duration = Duration::from_secs(600);

/// cert-manager's own API group; an issuer of another one is a program of its own.
const GROUP: &str = "cert-manager.io";

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which users are restarted.
    pub restart: Restart,
    /// Whether others may have the present private key: it must not be the one of the new certificate.
    pub compromised: bool,
    /// Why, for the journal.
    pub reason: Option<String>,
    /// How long issuing may take; `None` is what the kind of issuer needs.
    pub issued_within: Option<Duration>,
    /// How long the pods of one workload may take to be replaced.
    pub rolled_within: Duration,
    /// How long it may take until each pod that served the former certificate serves the new one.
    pub served_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            compromised: false,
            reason: None,
            issued_within: None,
            rolled_within: ROLLED_WITHIN,
            served_within: SERVED_WITHIN,
        }
    }
}

/// What has to be asked, given what is known.
pub fn questions(world: &World, certificate: &Uid, options: &Options, known: &Answers) -> Questions {
    let Some(certificate) = world.inventory.certificates.get(certificate) else { return Questions::default() };
    let namespace = certificate.meta.namespace();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(namespace));
    let certificates = Resource::of(Kind::Certificate);
    let mut access = vec![
        ask("get", &certificates),
        ask("update", &certificates).of("status"),
        ask("get", &Resource::of(Kind::TlsSecret)),
    ];
    access.extend(AccessQuestion::record(Some(namespace)));
    let own = Questions { objects: vec![place(certificate)], access, lists: vec![requests(namespace)] };
    let Ok(fresh) = known.object(&place(certificate)) else { return own };
    let mut more = Questions { objects: vec![secret(certificate, fresh)], ..Questions::default() };
    if let Some(issuer) = issuer(certificate, fresh) {
        more.access.push(AccessQuestion::new("get", &issuer.resource, issuer.namespace.as_deref()));
        more.objects.push(issuer);
    }
    let key = (namespace.into(), text_at(fresh, "/spec/secretName").into());
    own.and(more).and(Reach::questions(world, &key, options.restart))
}

/// The Secret whose servers are shaken hands with before it is planned.
pub fn served(world: &World, certificate: &Uid) -> Option<ClaimKey> {
    let certificate = world.inventory.certificates.get(certificate)?;
    Some((certificate.meta.namespace.clone()?, certificate.secret.clone()))
}

/// Plans it for the Certificate with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    certificate: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    Ok(Case::of(world, certificate, answers, options, now)?.plan(id))
}

/// The Certificate that writes a Secret, or why none can be renewed for it.
///
/// # Errors
/// When cert-manager does not write it: whose it is, as far as that shows.
pub fn writer(world: &World, secret: &TlsSecret) -> Result<Uid, String> {
    let key: ClaimKey = (secret.meta.namespace().into(), secret.meta.name.clone());
    match world.links.certificates_writing(&key) {
        [one] => Ok(one.clone()),
        [] => {
            let name = text::sanitize(&secret.meta.name);
            Err(format!("no Certificate writes Secret {name}{}: renew it where it comes from", whose(secret)))
        }
        several => Err(format!("{} Certificates write this Secret: give each one of its own", several.len())),
    }
}

/// Whose a Secret is that cert-manager does not write, by its marks.
fn whose(secret: &TlsSecret) -> String {
    let owner = secret.meta.controller().map(|owner| format!("{} {}", owner.kind, owner.name));
    let manager = || secret.meta.label("app.kubernetes.io/managed-by").map(str::to_owned);
    let former = || {
        secret.meta.annotation(annotation::CERTIFICATE_NAME).map(|name| format!("Certificate {name}, which is gone"))
    };
    let whose = owner.or_else(former).or_else(manager);
    whose.map(|whose| format!(", it belongs to {}", text::sanitize(&whose))).unwrap_or_default()
}

fn place(certificate: &CertManagerCertificate) -> ObjectAt {
    ObjectAt::of(Kind::Certificate, certificate.meta.namespace.as_deref(), &certificate.meta.name)
}

/// The requests of a namespace, which say what an issuance is stuck at.
fn requests(namespace: &str) -> ListAt {
    ListAt::all(Resource::of(Kind::CertificateRequest), Some(namespace))
}

/// Where the certificate is kept.
fn secret(certificate: &CertManagerCertificate, fresh: &Value) -> ObjectAt {
    let name = text_at(fresh, "/spec/secretName");
    ObjectAt::of(Kind::TlsSecret, certificate.meta.namespace.as_deref(), name)
}

/// Where its issuer is; `None` when it is of a kind that only its own program knows.
fn issuer(certificate: &CertManagerCertificate, fresh: &Value) -> Option<ObjectAt> {
    if !["", GROUP].contains(&text_at(fresh, "/spec/issuerRef/group")) {
        return None;
    }
    let name = text_at(fresh, "/spec/issuerRef/name");
    match text_at(fresh, "/spec/issuerRef/kind") {
        "ClusterIssuer" => Some(ObjectAt::of(Kind::ClusterIssuer, None, name)),
        "" | "Issuer" => Some(ObjectAt::of(Kind::Issuer, certificate.meta.namespace.as_deref(), name)),
        _ => None,
    }
}

/// The condition of an object with this type.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether a condition is true.
fn is(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Reason and message of a condition, as one line; safe to draw.
fn said(condition: &Value) -> String {
    let said = format!("{}: {}", text_at(condition, "/reason"), text_at(condition, "/message"));
    text::sanitize(said.trim_end_matches(": ")).into_owned()
}

#[cfg(test)]
mod tests;
