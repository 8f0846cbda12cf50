//! A CA and the one that takes its place: who trusts which of them, who still runs from before that, who signs with
//! which, and what is signed by which (research: tls, section 3.5).
//!
//! Nothing is remembered but a few marks on the Secret of the new CA; all else is seen anew each time, so that whoever
//! looks, whenever, sees the same.

mod gates;
mod leaves;
mod pods;
mod stores;

use jiff::{SignedDuration, Timestamp};

use crate::model::{CertificateFacts, ClaimKey, Issuer, Kind, TlsSecret, World, annotation};
use crate::text::{self, quantity};

pub use gates::{Gate, LOOKED_AT, Phase, Sights, look};
pub use leaves::{Leaf, Reissue, leaf_in};
pub use pods::{Before, before};
pub use stores::Store;

/// How long both are trusted after the last certificate was seen to be served, unless a person chooses otherwise.
pub const SOAK: SignedDuration = SignedDuration::from_hours(24);

/// A CA with its Secret.
#[derive(Clone, Copy, Debug)]
pub struct Ca<'w> {
    /// Its Secret.
    pub secret: &'w TlsSecret,
    /// Its certificate.
    pub facts: &'w CertificateFacts,
}

impl<'w> Ca<'w> {
    /// The CA of a Secret; `None` when it holds none that can be read.
    pub fn of(secret: &'w TlsSecret) -> Option<Self> {
        let facts = secret.facts().filter(|facts| facts.ca)?;
        Some(Self { secret, facts })
    }

    /// Its namespace and name.
    pub fn key(&self) -> ClaimKey {
        (self.secret.meta.namespace.clone().unwrap_or_default(), self.secret.meta.name.clone())
    }
}

/// What is known of a CA and of the one that takes its place.
#[derive(Clone, Debug)]
pub enum Succession<'w> {
    /// The CA is there, with the one that takes its place where there is one.
    Running {
        /// The CA.
        former: Ca<'w>,
        /// The one that takes its place.
        successor: Option<Ca<'w>>,
    },
    /// The former CA is gone.
    Over {
        /// The one that took its place.
        successor: Ca<'w>,
    },
}

impl<'w> Succession<'w> {
    /// The former CA, while it is there, and the one that takes its place.
    pub fn running(self) -> Option<(Ca<'w>, Option<Ca<'w>>)> {
        match self {
            Self::Running { former, successor } => Some((former, successor)),
            Self::Over { .. } => None,
        }
    }
}

/// The CA of this Secret, whichever of the two it is and be it gone, with the other one; `None` when there is no CA in it.
pub fn of<'w>(world: &'w World, secret: &ClaimKey) -> Option<Succession<'w>> {
    let named = |name| world.inventory.tls_secrets.named(Some(&secret.0), &name).and_then(Ca::of);
    let Some(own) = named(secret.1.clone()) else {
        let mut others = world.inventory.tls_secrets.iter();
        let after = others.find(|other| {
            other.meta.namespace.as_ref() == Some(&secret.0)
                && succeeded(other).is_some_and(|(name, _)| name == &*secret.1)
        });
        return after.and_then(Ca::of).map(|successor| Succession::Over { successor });
    };
    if let Some(successor) = successor(world, own) {
        return Some(Succession::Running { former: own, successor: Some(successor) });
    }
    let Some((name, fingerprint)) = succeeded(own.secret) else {
        return Some(Succession::Running { former: own, successor: None });
    };
    match named(name.into()).filter(|former| &*former.facts.fingerprint == fingerprint) {
        Some(former) => Some(Succession::Running { former, successor: Some(own) }),
        // A former one that is gone needs nothing more; one of its own may come next.
        None => Some(Succession::Over { successor: own }),
    }
}

/// The name of the Secret, and the fingerprint of the CA, whose place the CA of a Secret takes.
pub fn succeeded(secret: &TlsSecret) -> Option<(&str, &str)> {
    secret.meta.annotation(annotation::SUCCEEDS)?.split_once(' ')
}

fn successor<'w>(world: &'w World, former: Ca<'w>) -> Option<Ca<'w>> {
    let takes = |other: &&TlsSecret| {
        other.meta.namespace == former.secret.meta.namespace
            && other.meta.deleting.is_none()
            && succeeded(other) == Some((&*former.secret.meta.name, &*former.facts.fingerprint))
    };
    let found = world.inventory.tls_secrets.iter().filter(takes);
    found.min_by_key(|other| (other.meta.created, other.meta.name.clone())).and_then(Ca::of)
}

/// What is noted on the Secret of the CA that takes the place of another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Since when both are trusted wherever that can be written.
    pub trusted: Option<Timestamp>,
    /// The moment that pods bear which were started for that.
    pub mark: Option<Timestamp>,
    /// Since when all that it signed was seen to be served.
    pub proven: Option<Timestamp>,
    /// How long both are trusted after that.
    pub soak: SignedDuration,
    /// Who said that stores that cannot be written here have it. Untrusted text.
    pub stores: Option<String>,
    /// The [marks](mark) of the places that this was said of.
    pub about: Vec<String>,
    /// Who said that holders outside of the cluster have it. Untrusted text.
    pub outside: Option<String>,
}

/// Reads them.
pub fn noted(successor: Ca<'_>) -> Noted {
    let text = |key| successor.secret.meta.annotation(key);
    let moment = |key| text(key).and_then(|text| text.parse().ok());
    let soak = text(annotation::SOAK).and_then(|text| quantity::parse_duration(text).ok());
    Noted {
        trusted: moment(annotation::TRUSTED_SINCE),
        mark: moment(annotation::TRUSTED_MARK),
        proven: moment(annotation::PROVEN_SINCE),
        soak: soak.unwrap_or(SOAK),
        stores: text(annotation::ATTESTED_STORES).map(str::to_owned),
        about: text(annotation::ATTESTED_ABOUT)
            .into_iter()
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect(),
        outside: text(annotation::ATTESTED_OUTSIDE).map(str::to_owned),
    }
}

/// What tells a place for which somebody answers from others, as the notes have it.
pub fn mark(place: &str) -> String {
    text::sha256(place.as_bytes()).chars().take(12).collect()
}

/// Where cert-manager looks for the Secrets of ClusterIssuers unless it is told otherwise
/// (`--cluster-resource-namespace`).
const CLUSTER_RESOURCES: &str = "cert-manager";

/// Issuers and ClusterIssuers that sign with the CA of a Secret.
pub fn issuers<'w>(world: &'w World, secret: &ClaimKey) -> Vec<(Kind, &'w Issuer)> {
    let by = |issuer: &&Issuer| issuer.ca_secret.as_deref() == Some(&*secret.1);
    let own = world.inventory.issuers.iter().filter(by);
    let own = own.filter(|issuer| issuer.meta.namespace() == &*secret.0).map(|issuer| (Kind::Issuer, issuer));
    let everywhere = world.inventory.cluster_issuers.iter().filter(by).filter(|_| &*secret.0 == CLUSTER_RESOURCES);
    let mut all: Vec<_> = own.chain(everywhere.map(|issuer| (Kind::ClusterIssuer, issuer))).collect();
    all.sort_by(|(_, a), (_, b)| (a.meta.namespace(), &a.meta.name).cmp(&(b.meta.namespace(), &b.meta.name)));
    all
}

/// Everywhere that one of the two is trusted.
pub fn stores(world: &World, former: Ca<'_>, successor: Option<Ca<'_>>) -> Vec<Store> {
    stores::all(world, former, successor)
}

/// Everything below a CA, in the order in which it is issued anew: what the fewest pods use comes first, so that what
/// is wrong shows where it harms least.
pub fn leaves<'w>(world: &'w World, ca: Ca<'w>) -> Vec<Leaf> {
    leaves::below(world, ca)
}

#[cfg(test)]
mod tests;
