//! Sheets of certificates and what makes them.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Sheet, acme};
use crate::assess::expiry::Expiry;
use crate::assess::signing;
use crate::assess::{self, Judgement};
use crate::model::{
    CertManagerCertificate, CertificateFacts, CertificateRequest, Issuer, KeyMatch, Kind, ObjRef, Place, SecretUse,
    SecretVia, SigningRequest, TlsSecret, World,
};
use crate::text;
use crate::view::rows::certificate_word;
use crate::view::served::sentence;
use crate::view::{Cell, Level, rotation};

/// Certificates that an issuer's sheet lists at most; its tree has all.
const SIGNED: usize = 20;
/// Ports of pods that a certificate's sheet lists at most.
const SERVED: usize = 12;

pub(super) fn secret(sheet: &mut Sheet, secret: &TlsSecret) {
    sheet.row(&["state", "namespace", "name", "users", "managedBy"]);
    let key = match secret.key {
        KeyMatch::Match => Cell::State(Level::Ok, "belongs to the certificate"),
        KeyMatch::Mismatch => Cell::State(Level::Critical, "belongs to another certificate"),
        KeyMatch::Missing => Cell::State(Level::Critical, "missing"),
        KeyMatch::Unreadable => Cell::Unknown,
    };
    sheet.fact("Private key", key);
    if let Some(line) = rotation::line(sheet.world, secret, sheet.now) {
        sheet.fact("CA rotation", Cell::Said(Level::Info, line.into()));
    }
    place(sheet, &secret.leaf);
    secret.ca.iter().for_each(|ca| place(sheet, ca));
    secret.files.iter().for_each(|file| super::held::file(sheet, file));
    let here = (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone());
    for uid in sheet.world.links.certificates_writing(&here) {
        sheet.link("managed by", Kind::Certificate, uid);
    }
    users(sheet, &here);
    served(sheet, &here);
    super::held::copies(sheet, &secret.meta.uid(), secret.facts().into_iter());
}

/// What each pod that uses it serves, as far as that was seen or can be inferred.
fn served(sheet: &mut Sheet, secret: &crate::model::ClaimKey) {
    let all = assess::served::served(sheet.world, secret, sheet.now).value;
    for one in all.iter().take(SERVED) {
        sheet.fact("Served", Cell::Said(one.state.severity().into(), sentence(one, sheet.now).into()));
    }
    if all.len() > SERVED {
        sheet.text("Served", &format!("and by {} more: holdfast probe lists them", all.len() - SERVED));
    }
}

pub(super) fn users(sheet: &mut Sheet, secret: &crate::model::ClaimKey) {
    let world = sheet.world;
    for (kind, uid) in world.links.templates_using(secret) {
        let used = world.workload(*kind, uid).and_then(|workload| use_of(&workload.secrets, &secret.1));
        sheet.link(by(used), *kind, uid);
    }
    for uid in world.links.pods_using(secret) {
        let used = world.inventory.pods.get(uid).and_then(|pod| use_of(&pod.secrets, &secret.1));
        sheet.link(by(used), Kind::Pod, uid);
    }
    for (kind, uid) in world.links.fronts_of(secret) {
        sheet.link("served by", *kind, uid);
    }
    for (kind, uid) in world.links.issuers_by(secret) {
        sheet.link("signs for", *kind, uid);
    }
    for (kind, uid) in world.links.injected_from_secret(secret) {
        sheet.link("CA put into", *kind, uid);
    }
}

/// The way of use that a renewal reaches last.
pub(super) fn use_of<'a>(uses: &'a [SecretUse], name: &Arc<str>) -> Option<&'a SecretUse> {
    uses.iter().filter(|used| used.secret == *name).max_by_key(|used| used.via)
}

/// How something is used, seen from it, with whether a new one is seen there.
pub(super) fn by(used: Option<&SecretUse>) -> &'static str {
    match used.map(|used| used.via) {
        None => "used by",
        Some(SecretVia::Mount) => "mounted by",
        Some(SecretVia::SubPath) => "by subPath (never refreshed)",
        Some(SecretVia::Env) => "by environment (never refreshed)",
    }
}

fn place(sheet: &mut Sheet, place: &Place) {
    match &place.chain {
        Err(why) => sheet.text("Unreadable", &format!("{}: {why}", place.key)),
        Ok(chain) => chain.iter().for_each(|facts| certificate_facts(sheet, &place.key, facts)),
    }
}

pub(super) fn certificate_facts(sheet: &mut Sheet, key: &str, facts: &CertificateFacts) {
    sheet.text("Certificate", &format!("{key}: {}", facts.subject));
    sheet.text("  issuer", if facts.self_signed { "self-signed" } else { &facts.issuer });
    if !facts.names.is_empty() {
        sheet.text("  names", &text::list(&facts.names));
    }
    if let Some(constraints) = &facts.constraints {
        sheet.text("  vouches for", &constraints.to_string());
    }
    sheet.text("  valid", &format!("{} to {}", facts.not_before, facts.not_after));
    sheet.text("  key", &facts.key);
    sheet.text("  SHA-256", &facts.fingerprint);
}

pub(super) fn certificate(sheet: &mut Sheet, certificate: &CertManagerCertificate) {
    sheet.row(&["state", "namespace", "name", "users", "managedBy"]);
    sheet.text("Names", &text::list(&certificate.names));
    if let Some(renewal) = certificate.renewal {
        sheet.fact("Renewal", Cell::Until(renewal, Level::Info));
    }
    if let Some(failure) = certificate.last_failure {
        sheet.fact("Last failure", Cell::Since(failure));
    }
    sheet.fact("Revision", certificate.revision.map_or(Cell::Unknown, |revision| Cell::Number(revision.into())));
    sheet.conditions(&certificate.conditions);
    sheet.link_here("secret", Kind::TlsSecret, &certificate.secret);
    issuer_link(sheet, certificate.issuer_ref(), &certificate.issuer);
    let namespace = certificate.meta.namespace.clone().unwrap_or_default();
    for uid in sheet.world.links.requests_of(&(namespace.clone(), certificate.meta.name.clone())) {
        sheet.link("request", Kind::CertificateRequest, uid);
    }
    if let Some(latest) = sheet.world.latest_request(certificate) {
        acme::awaited(sheet, latest);
    }
    let secret = (namespace, certificate.secret.clone());
    users(sheet, &secret);
    served(sheet, &secret);
}

pub(super) fn issuer_link(sheet: &mut Sheet, issuer: Option<ObjRef>, (kind, name): &(Box<str>, Arc<str>)) {
    match issuer {
        Some(issuer) => sheet.link_named("issuer", &issuer),
        None => sheet.text("Issuer", &format!("{kind} {name}")),
    }
}

pub(super) fn request(sheet: &mut Sheet, request: &CertificateRequest) {
    judged(sheet, |world, now| signing::request(world, request, now));
    sheet.conditions(&request.conditions);
    issuer_link(sheet, request.issuer_ref(), &request.issuer);
    acme::awaited(sheet, request);
    if let Some(issued) = &request.issued {
        certificate_facts(sheet, "issued", issued);
    }
    if let Some(name) = &request.certificate {
        sheet.link_here("certificate", Kind::Certificate, name);
    }
}

/// The verdict on what has no row of its own.
pub(super) fn judged(sheet: &mut Sheet, judge: impl FnOnce(&World, Timestamp) -> Judgement<Expiry>) {
    if sheet.detail.state.is_none() {
        let judged = judge(sheet.world, sheet.now);
        sheet.detail.state = Some((judged.value.severity.into(), certificate_word(&judged.value.state)));
        sheet.detail.next = judged.reasons.iter().find_map(|reason| reason.next.as_deref()).map(Arc::from);
        sheet.detail.reasons = judged.reasons.into_iter().map(|reason| reason.text.into()).collect();
    }
}

pub(super) fn signing_request(sheet: &mut Sheet, request: &SigningRequest) {
    sheet.conditions(&request.conditions);
    sheet.text("Signer", &request.signer);
    sheet.text("Asked by", &request.asked_by);
    if let Some(issued) = &request.issued {
        certificate_facts(sheet, "issued", issued);
    }
}

pub(super) fn issuer(sheet: &mut Sheet, kind: Kind, issuer: &Issuer) {
    sheet.conditions(&issuer.conditions);
    sheet.text("Signs by", issuer.how);
    for uid in sheet.world.links.signed_by(&issuer.meta.reference(kind)).iter().take(SIGNED) {
        sheet.link("signs", Kind::Certificate, uid);
    }
    if let Some(secret) = &issuer.ca_secret {
        // A ClusterIssuer keeps its Secret in cert-manager's own namespace, which is not known here.
        if issuer.meta.namespace.is_some() {
            sheet.link_here("CA secret", Kind::TlsSecret, secret);
        } else {
            sheet.text("CA secret", secret);
        }
    }
}

/// How a Secret is taken, for people.
pub(in crate::view) fn via(used: &SecretUse) -> &'static str {
    match used.via {
        SecretVia::Mount => "mounts",
        SecretVia::SubPath => "mounts by subPath (never refreshed)",
        SecretVia::Env => "takes by environment (never refreshed)",
    }
}
