//! Rows of the certificates pane for what signs certificates, and for requests that wait for it.

use std::sync::Arc;

use jiff::Timestamp;

use super::certificates::{Rest, finish, names_of};
use crate::assess::signing;
use crate::model::{CertificateFacts, CertificateRequest, Inventory, Issuer, Kind, SigningRequest, Uid, World};
use crate::text;
use crate::view::{Cell, Row};

/// `None` when the object is gone, is of another kind, or has no row of its own.
pub(super) fn row(world: &World, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Row> {
    let inventory = &world.inventory;
    match kind {
        Kind::Issuer => Some(issuer(world, kind, inventory.issuers.get(uid)?, now)),
        Kind::ClusterIssuer => Some(issuer(world, kind, inventory.cluster_issuers.get(uid)?, now)),
        Kind::CertificateRequest => request(world, inventory.certificate_requests.get(uid)?, now),
        Kind::SigningRequest => Some(signing_request(world, inventory.signing_requests.get(uid)?, now)),
        _ => None,
    }
}

/// Every object that may have a row here.
pub(super) fn all(inventory: &Inventory) -> impl Iterator<Item = (Kind, Uid)> {
    let issuers = inventory.issuers.iter().map(|object| (Kind::Issuer, object.meta.uid()));
    let cluster = inventory.cluster_issuers.iter().map(|object| (Kind::ClusterIssuer, object.meta.uid()));
    let requests = inventory.certificate_requests.iter().map(|object| (Kind::CertificateRequest, object.meta.uid()));
    let signing = inventory.signing_requests.iter().map(|object| (Kind::SigningRequest, object.meta.uid()));
    issuers.chain(cluster).chain(requests).chain(signing)
}

fn issuer(world: &World, kind: Kind, issuer: &Issuer, now: Timestamp) -> Row {
    let signed = world.links.signed_by(&issuer.meta.reference(kind)).len();
    let how = match &issuer.ca_secret {
        Some(secret) => Cell::Text(format!("CA of Secret {secret}").into()),
        None if issuer.how.is_empty() => Cell::Unknown,
        None => Cell::Word(issuer.how),
    };
    let rest = Rest {
        place: Cell::Word(kind.spec().kind),
        names: Cell::Nothing,
        managed_by: Cell::Word("cert-manager"),
        issuer: how,
        users: match signed {
            0 => Cell::Nothing,
            signed => Cell::Text(text::plural(signed, "Certificate", "Certificates").into()),
        },
    };
    let row = finish(world, kind, &issuer.meta, signing::issuer(world, kind, issuer, now), rest);
    without_end(row)
}

/// An issuer has no end of its own; `?` would say that it has one which is not known.
fn without_end(mut row: Row) -> Row {
    if let Some(cell) = row.cells.iter_mut().find(|cell| **cell == Cell::Unknown) {
        *cell = Cell::Nothing;
    }
    row
}

fn request(world: &World, request: &CertificateRequest, now: Timestamp) -> Option<Row> {
    if !signing::stands_alone(world, request) {
        return None;
    }
    let (kind, name) = &request.issuer;
    let rest = Rest {
        place: Cell::Word("Request"),
        names: names(request.issued.as_ref()),
        managed_by: match &request.certificate {
            Some(name) => Cell::Text(format!("Certificate {name}").into()),
            None => Cell::Nothing,
        },
        issuer: Cell::Text(format!("{kind} {name}").into()),
        users: Cell::Unknown,
    };
    let judged = signing::request(world, request, now);
    Some(finish(world, Kind::CertificateRequest, &request.meta, judged, rest))
}

fn signing_request(world: &World, request: &SigningRequest, now: Timestamp) -> Row {
    let rest = Rest {
        place: Cell::Word("CSR"),
        names: names(request.issued.as_ref()),
        managed_by: Cell::Nothing,
        issuer: Cell::Text(request.signer.clone()),
        users: Cell::Text(Arc::from(&*request.asked_by)),
    };
    finish(world, Kind::SigningRequest, &request.meta, signing::signing_request(world, request, now), rest)
}

fn names(issued: Option<&CertificateFacts>) -> Cell {
    issued.map_or(Cell::Unknown, names_of)
}
