//! Rows of the certificates pane for what signs certificates, and for requests that wait for it, with the Orders and
//! Challenges that those wait for.

use std::sync::Arc;

use jiff::Timestamp;

use super::certificates::{self, Rest, finish, names_of};
use crate::assess::signing;
use crate::model::{
    CertificateFacts, CertificateRequest, Challenge, Inventory, Issuer, Kind, Order, SigningRequest, Uid, World,
};
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
        Kind::Order => order(world, inventory.orders.get(uid)?, now),
        Kind::Challenge => challenge(world, inventory.challenges.get(uid)?, now),
        _ => None,
    }
}

/// Every object that may have a row here.
pub(super) fn all(inventory: &Inventory) -> impl Iterator<Item = (Kind, Uid)> {
    let issuers = inventory.issuers.iter().map(|object| (Kind::Issuer, object.meta.uid()));
    let cluster = inventory.cluster_issuers.iter().map(|object| (Kind::ClusterIssuer, object.meta.uid()));
    let requests = inventory.certificate_requests.iter().map(|object| (Kind::CertificateRequest, object.meta.uid()));
    let signing = inventory.signing_requests.iter().map(|object| (Kind::SigningRequest, object.meta.uid()));
    let orders = inventory.orders.iter().map(|object| (Kind::Order, object.meta.uid()));
    let challenges = inventory.challenges.iter().map(|object| (Kind::Challenge, object.meta.uid()));
    issuers.chain(cluster).chain(requests).chain(signing).chain(orders).chain(challenges)
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

/// An issuer has no end of its own, nor has an Order or a Challenge; `?` would say that it has one which is not known.
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
    let rest = Rest {
        place: Cell::Word("Request"),
        names: names(request.issued.as_ref()),
        managed_by: match &request.certificate {
            Some(name) => Cell::Text(format!("Certificate {name}").into()),
            None => Cell::Nothing,
        },
        issuer: issuer_of(&request.issuer),
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

fn order(world: &World, order: &Order, now: Timestamp) -> Option<Row> {
    if !signing::order_stands_alone(world, order) {
        return None;
    }
    let rest = Rest {
        place: Cell::Word("Order"),
        names: certificates::names(&order.names),
        managed_by: match (&order.certificate, world.request_of(order)) {
            (Some(name), _) => Cell::Text(format!("Certificate {name}").into()),
            (None, Some(request)) => Cell::Text(format!("Request {}", request.meta.name).into()),
            (None, None) => Cell::Nothing,
        },
        issuer: issuer_of(&order.issuer),
        users: Cell::Nothing,
    };
    let row = finish(world, Kind::Order, &order.meta, signing::order(world, order, now), rest);
    Some(without_end(row))
}

fn challenge(world: &World, challenge: &Challenge, now: Timestamp) -> Option<Row> {
    if !signing::challenge_stands_alone(world, challenge) {
        return None;
    }
    let rest = Rest {
        place: Cell::Word("Challenge"),
        names: Cell::Text(challenge.subject().into()),
        managed_by: world
            .order_of(challenge)
            .map_or(Cell::Nothing, |order| Cell::Text(format!("Order {}", order.meta.name).into())),
        issuer: issuer_of(&challenge.issuer),
        users: Cell::Nothing,
    };
    let row = finish(world, Kind::Challenge, &challenge.meta, signing::challenge(world, challenge, now), rest);
    Some(without_end(row))
}

fn issuer_of((kind, name): &(Box<str>, Arc<str>)) -> Cell {
    Cell::Text(format!("{kind} {name}").into())
}

fn names(issued: Option<&CertificateFacts>) -> Cell {
    issued.map_or(Cell::Unknown, names_of)
}
