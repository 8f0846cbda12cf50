//! Certificates and private keys that lie in more than one place, and serial numbers that were given twice.

use std::collections::BTreeSet;

use super::chain::Flaw;
use super::{Reason, Severity};
use crate::model::{CertificateFacts, HeldFile, KeyMatch, Kind, Meta, Uid, World, annotation, identities};
use crate::text;

/// Places that one sentence tells.
const TOLD: usize = 3;

/// What is to be said of other places that hold the same certificate, its key, or its serial number.
pub(super) fn shared(world: &World, kind: Kind, meta: &Meta, leaf: &CertificateFacts) -> Vec<Flaw> {
    let own = identities(leaf);
    let uid = meta.uid();
    let elsewhere = |identity| world.links.holding(identity).iter().filter(|(_, other)| *other != uid);
    let with_key = elsewhere(own.key).filter_map(|(kind, uid)| keyed(world, *kind, uid, &leaf.spki));
    let (copies, others): (Vec<_>, Vec<_>) = with_key.partition(|(_, facts)| facts.fingerprint == leaf.fingerprint);
    let collisions = elsewhere(own.serial).filter_map(|(kind, uid)| {
        let same = |facts: &CertificateFacts| facts.serial == leaf.serial && facts.issuer == leaf.issuer;
        let found = world.held_with(*kind, uid, |facts| same(facts) && facts.fingerprint != leaf.fingerprint)?;
        Some((place(world, *kind, uid)?, found))
    });
    let collided = told(collisions.map(|(place, _)| place));
    let here = meta.reference(kind).path();
    let mut found = Vec::new();
    found.extend(collided.map(|places| {
        let text = format!("{places} holds another certificate of the same issuer with serial number {}", leaf.serial);
        let next = "have one of the two issued again: browsers refuse a serial number that comes twice";
        (Severity::Warn, Reason::new(text).next(next))
    }));
    found.extend(told(others.into_iter().map(|(place, _)| place)).map(|places| {
        let text = format!("its private key is also that of another certificate, in {places}");
        let next = format!("give each a key of its own, or see why {here} and the other were not renewed together");
        (Severity::Warn, Reason::new(text).next(next))
    }));
    found
        .extend(told(copies.into_iter().map(|(place, _)| place)).map(|places| {
            (Severity::Info, Reason::new(format!("the same certificate lies with its key in {places}")))
        }));
    found
}

/// Other places that hold the private key of a certificate: with this one, or with another. Names of objects, untrusted.
pub fn with_key(world: &World, own: &Uid, leaf: &CertificateFacts) -> Vec<String> {
    let elsewhere = world.links.holding(identities(leaf).key).iter().filter(|(_, other)| other != own);
    let places = elsewhere.filter_map(|(kind, uid)| keyed(world, *kind, uid, &leaf.spki)).map(|(place, _)| place);
    places.collect::<BTreeSet<String>>().into_iter().collect()
}

/// A place that holds the private key of this public one.
fn keyed<'w>(world: &'w World, kind: Kind, uid: &Uid, spki: &str) -> Option<(String, &'w CertificateFacts)> {
    let facts = if kind == Kind::TlsSecret {
        let secret = world.inventory.tls_secrets.get(uid).filter(|secret| secret.key == KeyMatch::Match)?;
        // What an operation put aside serves nobody.
        if secret.meta.annotation(annotation::COPY_OF).is_some() {
            return None;
        }
        secret.facts()?
    } else {
        let files = world.holder(kind, uid)?.files.iter();
        let keyed = files.filter(|file| file.key_match == Some(KeyMatch::Match)).filter_map(HeldFile::leaf);
        keyed.into_iter().find(|leaf| &*leaf.spki == spki)?
    };
    (&*facts.spki == spki).then_some((place(world, kind, uid)?, facts))
}

fn place(world: &World, kind: Kind, uid: &Uid) -> Option<String> {
    Some(world.inventory.meta(kind, uid)?.reference(kind).to_string())
}

fn told(places: impl Iterator<Item = String>) -> Option<String> {
    let places: BTreeSet<String> = places.collect();
    let more = places.len().saturating_sub(TOLD);
    let first: Vec<String> = places.into_iter().take(TOLD).collect();
    match (first.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(text::list(&first)),
        (_, more) => Some(format!("{} and {more} more", text::list(&first))),
    }
}

#[cfg(test)]
mod tests;
