//! Rows of the certificates pane for Secrets of other types and ConfigMaps, one per data key that holds certificates;
//! and for Ingresses and Gateways whose certificate is not there.
//!
//! A bundle that lies under the same name in many namespaces has one row.

use std::sync::Arc;

use jiff::Timestamp;

use super::certificates::{Rest, finish, issuer_of, key, names_of, users_of};
use super::users;
use crate::assess::fronts_trouble;
use crate::assess::held::held;
use crate::model::{CertificateFacts, CertificateHolder, Front, HeldFile, Inventory, Key, Kind, Uid, World};
use crate::text;
use crate::view::{Cell, Pane, Row};

/// Whether objects of a kind have one row for each of their data keys.
pub(in crate::view) fn has_places(kind: Kind) -> bool {
    matches!(kind, Kind::OtherSecret | Kind::ConfigMap)
}

/// The rows of an object that has one for each of its data keys; `None` for any other.
pub(in crate::view) fn places(world: &World, pane: Pane, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Vec<Row>> {
    if pane != Pane::Certificates || !has_places(kind) {
        return None;
    }
    let Some(holder) = world.holder(kind, uid) else { return Some(Vec::new()) };
    Some(holder.files.iter().filter_map(|file| row(world, kind, holder, file, now)).collect())
}

/// Every object that may have a row here.
pub(super) fn all(inventory: &Inventory) -> impl Iterator<Item = (Kind, Uid)> {
    let of = |kind: Kind| move |holder: &CertificateHolder| (kind, holder.meta.uid());
    let fronts = |kind: Kind| move |front: &Front| (kind, front.meta.uid());
    let secrets = inventory.other_secrets.iter().map(of(Kind::OtherSecret));
    let maps = inventory.config_maps.iter().map(of(Kind::ConfigMap));
    let ingresses = inventory.ingresses.iter().map(fronts(Kind::Ingress));
    secrets.chain(maps).chain(ingresses).chain(inventory.gateways.iter().map(fronts(Kind::Gateway)))
}

/// `None` where another object with the same bundle stands for it.
fn row(world: &World, kind: Kind, holder: &CertificateHolder, file: &HeldFile, now: Timestamp) -> Option<Row> {
    let (stands, of) = world.stands_for(kind, holder, file);
    if !stands {
        return None;
    }
    let here = key(&holder.meta, &holder.meta.name);
    let links = &world.links;
    let users = match (of, kind) {
        (2.., _) => Cell::Text(text::plural(of, "namespace", "namespaces").into()),
        (_, Kind::ConfigMap) => users(world, links.templates_using_map(&here), links.pods_using_map(&here)),
        _ => users_of(world, &here),
    };
    let rest = Rest {
        place: Cell::Text(format!("{} {}", kind.spec().kind, file.key).into()),
        names: names(file),
        managed_by: Cell::Nothing,
        issuer: file.first().map_or(Cell::Unknown, issuer_of),
        users,
    };
    let row = finish(world, kind, &holder.meta, held(world, kind, holder, file, now), rest);
    Some(Row { key: Key::Place(kind, holder.meta.uid(), Arc::from(&*file.key)), ..row })
}

/// The names of what is shown to others, else the CAs by subject.
fn names(file: &HeldFile) -> Cell {
    match (file.leaf(), &*file.trusted) {
        (Some(leaf), _) => names_of(leaf),
        (None, []) => Cell::Unknown,
        (None, [only]) => subject(only, 0),
        (None, [first, rest @ ..]) => subject(first, rest.len()),
    }
}

fn subject(facts: &CertificateFacts, more: usize) -> Cell {
    let more = if more == 0 { String::new() } else { format!(" +{more}") };
    Cell::Text(format!("{}{more}", facts.subject).into())
}

/// An Ingress or Gateway has a row only where its certificate is not there.
pub(super) fn front(world: &World, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Row> {
    let table = if kind == Kind::Gateway { &world.inventory.gateways } else { &world.inventory.ingresses };
    let front = table.get(uid)?;
    let judged = fronts_trouble(world, kind, front, now)?;
    let hosts: Vec<&str> = front.tls.iter().flat_map(|tls| tls.hosts.iter().map(|host| &**host)).collect();
    let rest = Rest {
        place: Cell::Word(kind.spec().kind),
        names: match hosts.as_slice() {
            [] => Cell::Nothing,
            [one] => Cell::Text(Arc::from(*one)),
            [one, rest @ ..] => Cell::Text(format!("{one} +{}", rest.len()).into()),
        },
        managed_by: Cell::Nothing,
        issuer: Cell::Nothing,
        users: Cell::Nothing,
    };
    Some(finish(world, kind, &front.meta, judged, rest))
}
