//! Certificates and keys that lie in more than one place, and bundles that lie in every namespace.
//!
//! Each certificate has identities, short digests by which it is found wherever it lies: its key, and its issuer with
//! its serial number. Bundles of many CAs, as operating systems have them, are left out: they lie everywhere and say
//! nothing of each other.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{CertificateFacts, HeldFile, Kind, Object, Uid, World};

/// Bundles of more certificates than this are those of operating systems and browsers.
const SYSTEM: usize = 16;

/// Objects of one name that hold the same bundle under the same data key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BundleKey {
    /// The kind of the objects.
    pub kind: Kind,
    /// Their name.
    pub name: Arc<str>,
    /// The data key.
    pub file: Box<str>,
    /// What it holds.
    pub content: u128,
}

/// One of them: its namespace first, so that they are in the order of namespaces.
pub type Member = (Arc<str>, Uid);

/// Every bundle with the objects that hold it.
pub(super) type Groups = HashMap<BundleKey, BTreeSet<Member>>;

/// What a certificate is found by wherever it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identities {
    /// Its public key.
    pub key: u128,
    /// Its issuer and serial number: no two certificates have the same (RFC 5280 4.1.2.2).
    pub serial: u128,
}

/// The identities of a certificate.
pub fn identities(facts: &CertificateFacts) -> Identities {
    let key =
        facts.spki.get(..31).and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or_else(|| wide(&facts.spki));
    Identities { key, serial: wide(&(&facts.issuer, &facts.serial)) }
}

/// What the leaves of chains are found by that a CA of this name has issued.
pub fn issued_by(ca: &str) -> u128 {
    wide(&("issued by", ca))
}

/// What CAs of this name are found by.
pub(super) fn named(ca: &str) -> u128 {
    wide(&("named", ca))
}

fn wide(value: &impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, value).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(1) << 64) | half(2)
}

/// Every certificate of an object that is looked for elsewhere.
pub(super) fn held_certificates(object: &Object) -> Vec<&CertificateFacts> {
    let of = |file: &&HeldFile| file.trusted.len() <= SYSTEM;
    match object {
        Object::TlsSecret(secret) => secret.facts().into_iter().collect(),
        Object::OtherSecret(holder) | Object::ConfigMap(holder) => {
            holder.files.iter().filter(of).flat_map(HeldFile::all).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn held_identities(object: &Object) -> BTreeSet<u128> {
    let both = |facts: &CertificateFacts| {
        let Identities { key, serial } = identities(facts);
        [key, serial]
    };
    let found = held_certificates(object).into_iter().flat_map(both);
    let issued = issuers(object).into_iter().map(issued_by);
    let trusted = trusted(object).into_iter().map(|ca| named(&ca.subject));
    found.chain(issued).chain(trusted).collect()
}

/// The names of the CAs of which chains of an object end.
pub(super) fn issuers(object: &Object) -> Vec<&str> {
    fn last(chain: &[CertificateFacts]) -> Option<&CertificateFacts> {
        chain.last().filter(|last| !last.self_signed)
    }
    match object {
        Object::TlsSecret(secret) => {
            secret.leaf.chain.iter().filter_map(|chain| last(chain)).map(|last| &*last.issuer).collect()
        }
        Object::OtherSecret(holder) | Object::ConfigMap(holder) => {
            let chains = holder.files.iter().flat_map(|file| file.own.iter());
            chains.filter_map(|chain| last(chain)).map(|last| &*last.issuer).collect()
        }
        _ => Vec::new(),
    }
}

/// The CAs by which others are checked, but for those of operating systems.
fn trusted(object: &Object) -> Vec<&CertificateFacts> {
    match object {
        Object::OtherSecret(holder) | Object::ConfigMap(holder) => {
            let files = holder.files.iter().filter(|file| file.trusted.len() <= SYSTEM);
            files.flat_map(|file| file.trusted.iter()).collect()
        }
        _ => Vec::new(),
    }
}

/// Says which groups an object belongs to.
pub(super) fn groups(object: &Object, mut say: impl FnMut(BundleKey, Member)) {
    let (Object::OtherSecret(holder) | Object::ConfigMap(holder)) = object else { return };
    for file in holder.files.iter().filter(|file| file.is_bundle()) {
        let key = bundle_key(object.kind(), &holder.meta.name, file);
        say(key, (holder.meta.namespace.clone().unwrap_or_default(), holder.meta.uid()));
    }
}

/// The group of a bundle.
pub fn bundle_key(kind: Kind, name: &Arc<str>, file: &HeldFile) -> BundleKey {
    BundleKey { kind, name: name.clone(), file: file.key.clone(), content: file.content }
}

impl World {
    /// The Secret or ConfigMap with the certificates that this is one of.
    pub fn holder(&self, kind: Kind, uid: &Uid) -> Option<&super::CertificateHolder> {
        match kind {
            Kind::OtherSecret => self.inventory.other_secrets.get(uid),
            Kind::ConfigMap => self.inventory.config_maps.get(uid),
            _ => None,
        }
    }

    /// In how many namespaces the same bundle lies, and whether this object is the one that stands for all of them.
    pub fn stands_for(&self, kind: Kind, holder: &super::CertificateHolder, file: &HeldFile) -> (bool, usize) {
        let members = self.links.same_bundle(&bundle_key(kind, &holder.meta.name, file)).filter(|_| file.is_bundle());
        let Some(members) = members else { return (true, 1) };
        (members.first().is_none_or(|(_, first)| *first == holder.meta.uid()), members.len())
    }

    /// The leaf, else the first certificate, that an object holds of these identities.
    pub fn held_with(
        &self,
        kind: Kind,
        uid: &Uid,
        matches: impl Fn(&CertificateFacts) -> bool,
    ) -> Option<&CertificateFacts> {
        match kind {
            Kind::TlsSecret => self.inventory.tls_secrets.get(uid)?.facts().filter(|facts| matches(facts)),
            _ => self.holder(kind, uid)?.files.iter().flat_map(HeldFile::all).find(|facts| matches(facts)),
        }
    }
}
