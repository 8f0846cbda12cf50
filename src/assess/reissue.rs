//! Which certificates can be issued anew from here and by whom, when the present one was issued, and whether it is seen
//! to be served.
//!
//! When a certificate was issued is told by what issued it and not by the certificate itself: the beginning that is
//! written in one is set back by whoever signs (Holdfast five minutes, cert-manager nothing, ACME servers an hour), so
//! that by it alone one from before would be taken for a new one, or the other way round.

use jiff::{SignedDuration, Timestamp};

use super::served::{State, served};
use super::sight::Sight;
use super::succession::{Reissue, leaf_in};
use super::{manager, served as serving};
use crate::model::{ClaimKey, Kind, ObjRef, TlsSecret, Uid, World, annotation};
use crate::text;

/// Kinds without which nothing can be said: whose a certificate is, when it was issued, and who uses it.
const NEEDED: &[Kind] = &[Kind::TlsSecret, Kind::Certificate, Kind::CertificateRequest, Kind::Pod];

/// How far the clocks of a cluster, of its issuers and of this machine may be apart; as far as Holdfast sets the
/// beginning of a certificate back.
pub const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// A certificate that can be issued anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuable {
    /// Its Secret.
    pub secret: ObjRef,
    /// By whom.
    pub way: Way,
    /// How many pods and fronts use it.
    pub users: usize,
    /// Whether a pod was seen to serve it, or a former one, by a handshake.
    pub seen: bool,
}

/// By whom a certificate is issued anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By cert-manager, for the Certificate with this UID.
    Renew(Uid),
    /// Here, in the Secret with this UID.
    Rotate(Uid),
}

impl Way {
    /// What a plan for it is about.
    pub fn subject(&self) -> &Uid {
        match self {
            Self::Renew(uid) | Self::Rotate(uid) => uid,
        }
    }

    /// The verb.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Renew(_) => "renew",
            Self::Rotate(_) => "rotate",
        }
    }
}

impl Issuable {
    /// Namespace and name of its Secret.
    pub fn key(&self) -> ClaimKey {
        (self.secret.namespace.clone().unwrap_or_default(), self.secret.name.clone())
    }
}

/// Why nothing can be said of any certificate; safe to draw.
pub fn blind(world: &World, now: Timestamp) -> Option<String> {
    NEEDED.iter().find_map(|kind| Some(Sight::all(world, *kind, now).blind()?.text.clone()))
}

/// How what an object holds is issued anew.
///
/// # Errors
/// When it is not, from here: why, and what would do it; safe to draw.
pub fn issuable(world: &World, (object, uid): (&ObjRef, &Uid), now: Timestamp) -> Result<Issuable, String> {
    if object.kind == Kind::Certificate {
        return Err("its Secret is not seen, and so neither who uses it nor whether it is a CA".to_owned());
    }
    let Some(secret) = world.inventory.tls_secrets.get(uid).filter(|_| object.kind == Kind::TlsSecret) else {
        return Err("it is no TLS Secret: issue it anew where it comes from".to_owned());
    };
    if let Some(of) = secret.meta.annotation(annotation::COPY_OF) {
        return Err(format!("an operation put it aside for Secret {}: nobody uses it", text::sanitize(of)));
    }
    let Some(facts) = secret.facts() else { return Err("its certificate cannot be read".to_owned()) };
    if facts.ca {
        let path = text::sanitize(&secret.meta.reference(Kind::TlsSecret).path()).into_owned();
        return Err(format!(
            "it is a CA: those who trust it have to trust another one first; holdfast rotate-ca {path}"
        ));
    }
    let leaf = leaf_in(world, secret);
    let (key, users) = (leaf.key(), leaf.users);
    let way = match leaf.reissue {
        Reissue::Elsewhere(why) => return Err(why),
        Reissue::Renew(uid) => Way::Renew(uid),
        Reissue::Rotate(uid) => match manager(&secret.meta) {
            Some(manager) => {
                return Err(format!("{manager} keeps it as it is written down elsewhere, and takes a change back"));
            }
            None => Way::Rotate(uid),
        },
    };
    let shaken = |state| matches!(state, State::Match | State::Stale);
    let seen = served(world, &key, now).value.iter().any(|one| shaken(one.state));
    Ok(Issuable { secret: leaf.at, way, users, seen })
}

/// When the present certificate of a Secret was issued, by the clock of the API server where that shows; `None` when it
/// cannot be read, or lies in the future, which says nothing.
///
/// - One of cert-manager by the creation of the request that it was issued for.
/// - One of Holdfast by the creation of the copy in which the former one was kept. When the present one itself was kept by
///   an operation, it was put back since, and is no new one.
/// - Another by the beginning that is written in it.
pub fn issued(world: &World, secret: &TlsSecret, now: Timestamp) -> Option<Timestamp> {
    let facts = secret.facts()?;
    let latest = now.saturating_add(CLOCKS).unwrap_or(Timestamp::MAX);
    // Somebody may have stored another one since it was kept.
    let replaced = || replaced(world, secret, &facts.fingerprint).map(|kept| kept.max(facts.not_before));
    let issued = requested(world, secret, &facts.fingerprint).or_else(replaced);
    Some(issued.unwrap_or(facts.not_before)).filter(|issued| *issued <= latest)
}

/// When the request was made that cert-manager issued it for.
fn requested(world: &World, secret: &TlsSecret, fingerprint: &str) -> Option<Timestamp> {
    let key = (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone());
    let writers = world.links.certificates_writing(&key).iter().filter_map(|uid| world.inventory.certificates.get(uid));
    let requests = writers.flat_map(|writer| world.links.requests_of(&(key.0.clone(), writer.meta.name.clone())));
    let requests = requests.filter_map(|uid| world.inventory.certificate_requests.get(uid));
    let its =
        requests.filter(|request| request.issued.as_ref().is_some_and(|facts| *facts.fingerprint == *fingerprint));
    its.filter_map(|request| request.meta.created).max()
}

/// When an operation kept the one that was there before it.
fn replaced(world: &World, secret: &TlsSecret, fingerprint: &str) -> Option<Timestamp> {
    let of_it = |copy: &&TlsSecret| {
        copy.meta.namespace == secret.meta.namespace
            && copy.meta.annotation(annotation::COPY_OF) == Some(&*secret.meta.name)
    };
    let copies: Vec<&TlsSecret> = world.inventory.tls_secrets.iter().filter(of_it).collect();
    let same = |copy: &TlsSecret| copy.facts().is_some_and(|facts| *facts.fingerprint == *fingerprint);
    if copies.iter().any(|copy| same(copy)) {
        return None;
    }
    copies.iter().filter_map(|copy| copy.meta.created).max()
}

/// Whether the present certificate of a Secret is seen to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Every pod that could be shaken hands with serves it: in words.
    Served(String),
    /// One serves another; safe to draw.
    Stale(String),
    /// No pod was seen to serve it, and why; safe to draw.
    Unseen(String),
}

impl Proof {
    /// In words; safe to draw.
    pub fn said(&self) -> String {
        match self {
            Self::Served(said) | Self::Stale(said) => said.clone(),
            Self::Unseen(why) => format!("not seen to be served: {why}"),
        }
    }
}

/// What handshakes that still count say of a Secret.
pub fn proof(world: &World, secret: &ClaimKey, now: Timestamp) -> Proof {
    let all = served(world, secret, now).value;
    let said =
        |one: &serving::PodServed| format!("pod {}: {}", text::sanitize(&one.pod), text::sanitize(&one.why.text));
    if let Some(stale) = all.iter().find(|one| one.state == State::Stale) {
        return Proof::Stale(said(stale));
    }
    let matching = all.iter().filter(|one| one.state == State::Match).count();
    if matching > 0 {
        return Proof::Served(format!("served by {matching} of {}", text::plural(all.len(), "server", "servers")));
    }
    Proof::Unseen(all.first().map_or_else(|| "no pod uses it".to_owned(), said))
}

#[cfg(test)]
mod tests;
