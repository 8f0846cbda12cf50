//! Rows of the certificates pane for what API servers trust: one per object that holds a CA bundle.

use std::sync::Arc;

use jiff::Timestamp;

use super::certificates::{Rest, finish};
use crate::assess::trust::trust;
use crate::model::{Called, Inventory, Kind, TrustBundle, Uid, World, annotation};
use crate::view::{Cell, Row};

/// `None` when the object is gone, or of another kind.
pub(super) fn row(world: &World, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Row> {
    let bundle = world.trust_bundle(kind, uid)?;
    let source = bundle.meta.annotation(annotation::INJECT_CA_FROM);
    let secret = bundle.meta.annotation(annotation::INJECT_CA_FROM_SECRET);
    let rest = Rest {
        place: Cell::Word(place(kind)),
        names: some(bundle.entries.iter().map(|entry| called(&entry.called))),
        managed_by: match (source, secret) {
            (Some(source), _) => Cell::Text(format!("Certificate {source}").into()),
            (None, Some(secret)) => Cell::Text(format!("Secret {secret}").into()),
            (None, None) => Cell::Nothing,
        },
        issuer: authorities(bundle),
        users: Cell::Word("API servers"),
    };
    Some(finish(world, kind, &bundle.meta, trust(world, kind, bundle, now), rest))
}

/// Every trust bundle.
pub(super) fn all(inventory: &Inventory) -> impl Iterator<Item = (Kind, Uid)> {
    let of = |kind: Kind| move |bundle: &TrustBundle| (kind, bundle.meta.uid());
    let mutating = inventory.mutating_webhooks.iter().map(of(Kind::MutatingWebhook));
    let validating = inventory.validating_webhooks.iter().map(of(Kind::ValidatingWebhook));
    let services = inventory.api_services.iter().map(of(Kind::ApiService));
    mutating.chain(validating).chain(services).chain(inventory.crds.iter().map(of(Kind::Crd)))
}

fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::MutatingWebhook => "Mutating hook",
        Kind::ValidatingWebhook => "Validating hook",
        Kind::Crd => "CRD conversion",
        other => other.spec().kind,
    }
}

/// Who is called, in a word.
pub(in crate::view) fn called(called: &Called) -> String {
    match called {
        Called::Service((namespace, name)) => format!("{name}.{namespace}.svc"),
        Called::Url(url) => url.to_string(),
    }
}

/// The CAs by subject.
fn authorities(bundle: &TrustBundle) -> Cell {
    let read = bundle.entries.iter().filter_map(|entry| entry.authorities.as_ref()?.as_ref().ok());
    some(read.flat_map(|authorities| authorities.iter()).map(|ca| ca.subject.to_string()))
}

/// The first, and how many others there are.
fn some(texts: impl Iterator<Item = String>) -> Cell {
    let mut different: Vec<String> = Vec::new();
    for text in texts {
        if !different.contains(&text) {
            different.push(text);
        }
    }
    match different.as_slice() {
        [] => Cell::Nothing,
        [one] => Cell::Text(Arc::from(one.as_str())),
        [one, rest @ ..] => Cell::Text(format!("{one} +{}", rest.len()).into()),
    }
}
