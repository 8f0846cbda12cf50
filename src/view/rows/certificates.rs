//! Rows of the certificates pane: one per TLS Secret, with the Certificate that manages it, and one per
//! Certificate whose Secret is not visible.

use std::sync::Arc;

use super::{frame, said, users};
use crate::assess::Judgement;
use crate::assess::expiry::{self, CertificateState, Expiry};
use crate::model::{CertManagerCertificate, CertificateFacts, ClaimKey, Kind, Meta, TlsSecret, Uid, World};
use crate::view::row::shown;
use crate::view::{Cell, Row};
use jiff::Timestamp;

pub(super) fn secret(world: &World, secret: &TlsSecret, now: Timestamp) -> Row {
    let here = key(&secret.meta, &secret.meta.name);
    let leaf = secret.leaf.chain.as_ref().ok().and_then(|chain| chain.first());
    let manager = world.links.certificates_writing(&here).first();
    let manager = manager.and_then(|uid| world.inventory.certificates.get(uid));
    let rest = Rest {
        place: Cell::Text(kept_in(secret, leaf.is_some_and(|leaf| leaf.ca)).into()),
        names: leaf.map_or(Cell::Unknown, names_of),
        managed_by: manager
            .map_or(Cell::Nothing, |manager| Cell::Text(format!("Certificate {}", manager.meta.name).into())),
        issuer: leaf.map_or(Cell::Unknown, issuer_of),
        users: users_of(world, &here),
    };
    finish(world, Kind::TlsSecret, &secret.meta, expiry::secret(world, secret, now), rest)
}

/// Where a certificate is kept, and whether it is a CA: whoever has that key signs others.
fn kept_in(secret: &TlsSecret, ca: bool) -> String {
    format!("{}Secret {}", if ca { "CA " } else { "" }, secret.leaf.key)
}

/// `None` when the Secret is visible: then the Secret's row stands for both.
pub(super) fn managed(world: &World, certificate: &CertManagerCertificate, now: Timestamp) -> Option<Row> {
    let here = key(&certificate.meta, &certificate.secret);
    if world.inventory.tls_secrets.named(Some(&here.0), &here.1).is_some() {
        return None;
    }
    let (kind, name) = &certificate.issuer;
    let rest = Rest {
        place: Cell::Word("Certificate"),
        names: names(&certificate.names),
        managed_by: Cell::Word("cert-manager"),
        issuer: Cell::Text(format!("{kind} {name}").into()),
        users: users_of(world, &here),
    };
    Some(finish(world, Kind::Certificate, &certificate.meta, expiry::certificate(world, certificate, now), rest))
}

/// The cells that a certificate and its likes fill each in their own way.
pub(super) struct Rest {
    pub place: Cell,
    pub names: Cell,
    pub managed_by: Cell,
    pub issuer: Cell,
    pub users: Cell,
}

pub(super) fn finish(world: &World, kind: Kind, meta: &Meta, judged: Judgement<Expiry>, rest: Rest) -> Row {
    let expiry = &judged.value;
    let (level, state) = shown(expiry.severity.into(), word(&expiry.state), world.freshness(kind));
    let cells = [
        Cell::State(level, state),
        Cell::text_or_nothing(meta.namespace.as_ref()),
        Cell::Text(meta.name.clone()),
        expiry.not_after.map_or(Cell::Unknown, |end| Cell::Until(end, level)),
        rest.place,
        rest.names,
        rest.managed_by,
        rest.issuer,
        rest.users,
    ];
    let valid_until = judged.valid_until;
    let (reasons, next) = said(judged.reasons);
    Row { level, state, reasons, next, cells: cells.into(), valid_until, ..frame(kind, meta) }
}

/// Words of states in which a certificate is still good, however bad that will be.
pub(in crate::view) const ABOUT_TO_BREAK: [&str; 2] = ["Expiring", "Not renewed"];

/// The state's word on a row.
pub(in crate::view) fn word(state: &CertificateState) -> &'static str {
    match state {
        CertificateState::NotYetValid => "Too early",
        CertificateState::KeyMismatch => "Key mismatch",
        CertificateState::MissedRenewal => "Not renewed",
        CertificateState::NotReady => "Not ready",
        CertificateState::NoValidCa => "No valid CA",
        CertificateState::WrongCa => "Wrong CA",
        CertificateState::NoCa => "No CA",
        CertificateState::Unchecked => "Not checked",
        CertificateState::Unapproved => "Not approved",
        CertificateState::NotServed => "Not served",
        other => other.word(),
    }
}

pub(super) fn key(meta: &Meta, secret: &Arc<str>) -> ClaimKey {
    (meta.namespace.clone().unwrap_or_default(), secret.clone())
}

pub(super) fn users_of(world: &World, secret: &ClaimKey) -> Cell {
    let links = &world.links;
    let used = users(world, links.templates_using(secret), links.pods_using(secret));
    let besides: Vec<_> =
        [links.fronts_of(secret), links.issuers_by(secret), links.injected_from_secret(secret)].concat();
    beside(world, used, &besides)
}

/// Adds users that are no pods.
fn beside(world: &World, used: Cell, besides: &[(Kind, Uid)]) -> Cell {
    if besides.is_empty() {
        return used;
    }
    let name = |(kind, uid): &(Kind, Uid)| {
        format!("{} {}", kind.spec().kind, world.inventory.meta(*kind, uid).map_or("", |meta| &meta.name))
    };
    let first = match used {
        Cell::Text(text) => Some(text.to_string()),
        _ => None,
    };
    Cell::Text(first.into_iter().chain(besides.iter().map(name)).collect::<Vec<_>>().join(", ").into())
}

/// The names a certificate is for; without any, its subject.
pub(super) fn names_of(facts: &CertificateFacts) -> Cell {
    if facts.names.is_empty() { Cell::Text(Arc::from(&*facts.subject)) } else { names(&facts.names) }
}

pub(super) fn names(names: &[Box<str>]) -> Cell {
    match names {
        [] => Cell::Nothing,
        [one] => Cell::Text(Arc::from(&**one)),
        [one, rest @ ..] => Cell::Text(format!("{one} +{}", rest.len()).into()),
    }
}

pub(super) fn issuer_of(facts: &CertificateFacts) -> Cell {
    if facts.self_signed { Cell::Word("self-signed") } else { Cell::Text(Arc::from(&*facts.issuer)) }
}
