//! What a CA has signed, wherever it lies, and how it is issued anew.

use super::Ca;
use crate::model::{CertificateFacts, CertificateHolder, ClaimKey, Kind, ObjRef, TlsSecret, Uid, World, annotation};
use crate::text;

/// Something below a CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its Secret or ConfigMap.
    pub at: ObjRef,
    /// How it is issued anew.
    pub reissue: Reissue,
    /// How many pods and fronts use it.
    pub users: usize,
}

/// How something is issued anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reissue {
    /// By cert-manager, for the Certificate with this UID.
    Renew(Uid),
    /// Here, in the Secret with this UID.
    Rotate(Uid),
    /// By somebody else, and why; safe to draw.
    Elsewhere(String),
}

impl Leaf {
    /// Its namespace and name.
    pub fn key(&self) -> ClaimKey {
        (self.at.namespace.clone().unwrap_or_default(), self.at.name.clone())
    }

    /// `Secret shop/web-tls`; with why it is not issued anew here.
    pub fn said(&self) -> String {
        let at = text::sanitize(&self.at.to_string()).into_owned();
        match &self.reissue {
            Reissue::Elsewhere(why) => format!("{at}: {why}"),
            Reissue::Renew(_) | Reissue::Rotate(_) => at,
        }
    }
}

pub(super) fn below(world: &World, ca: Ca<'_>) -> Vec<Leaf> {
    let signed = |chain: &[CertificateFacts]| {
        chain.iter().any(|facts| ca.facts.vouches_for(facts) && facts.fingerprint != ca.facts.fingerprint)
    };
    let secrets = world.inventory.tls_secrets.iter();
    let secrets = secrets.filter(|secret| secret.leaf.chain.as_ref().is_ok_and(|chain| signed(chain)));
    // What an operation put aside is used by nobody; it goes when the operation is not taken back any more.
    let secrets = secrets.filter(|secret| secret.meta.annotation(annotation::COPY_OF).is_none());
    let secrets = secrets.map(|secret| leaf_in(world, secret));
    let holders = |kind, table: Vec<&CertificateHolder>| {
        let below = table
            .into_iter()
            .filter(move |holder| holder.files.iter().any(|file| file.own.iter().any(|chain| signed(chain))));
        below.map(move |holder| of_holder(world, kind, holder)).collect::<Vec<_>>()
    };
    let others = holders(Kind::OtherSecret, world.inventory.other_secrets.iter().collect());
    let maps = holders(Kind::ConfigMap, world.inventory.config_maps.iter().collect());
    let mut all: Vec<Leaf> = secrets.chain(others).chain(maps).collect();
    all.sort_by(|a, b| (a.users, &a.at.namespace, &a.at.name).cmp(&(b.users, &b.at.namespace, &b.at.name)));
    all
}

/// What a TLS Secret holds, and how it is issued anew.
pub fn leaf_in(world: &World, secret: &TlsSecret) -> Leaf {
    let key = (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone());
    let reissue = match world.links.certificates_writing(&key) {
        _ if secret.facts().is_some_and(|facts| facts.ca) => {
            Reissue::Elsewhere("it is a CA of its own, and what it signed is below it".to_owned())
        }
        [] => Reissue::Rotate(secret.meta.uid()),
        [one] => Reissue::Renew(one.clone()),
        several => {
            Reissue::Elsewhere(format!("{} Certificates write it: give each a Secret of its own", several.len()))
        }
    };
    Leaf { at: secret.meta.reference(Kind::TlsSecret), reissue, users: users(world, Kind::TlsSecret, &key) }
}

fn of_holder(world: &World, kind: Kind, holder: &CertificateHolder) -> Leaf {
    let key = (holder.meta.namespace.clone().unwrap_or_default(), holder.meta.name.clone());
    let why = "it is no TLS Secret: issue it anew where it comes from".to_owned();
    Leaf { at: holder.meta.reference(kind), reissue: Reissue::Elsewhere(why), users: users(world, kind, &key) }
}

fn users(world: &World, kind: Kind, key: &ClaimKey) -> usize {
    match kind {
        Kind::ConfigMap => world.links.pods_using_map(key).len(),
        _ => world.links.pods_using(key).len() + world.links.fronts_of(key).len(),
    }
}
