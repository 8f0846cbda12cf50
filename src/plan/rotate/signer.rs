//! Who signs the new certificate, and whether it can.

use jiff::Timestamp;

use super::{HandedOver, Options, Signer};
use crate::model::{CertificateFacts, KeyMatch, Kind, TlsSecret, World};
use crate::text;

/// Why not, and what would clear it.
type No = (String, String);

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// The CA in this Secret.
    Authority(&'a TlsSecret),
    /// The certificate itself.
    Itself,
    /// Somebody elsewhere.
    Elsewhere(&'a HandedOver),
}

/// The first certificate of a Secret.
pub(super) fn leaf(secret: &TlsSecret) -> Option<&CertificateFacts> {
    secret.leaf.chain.as_ref().ok()?.first()
}

/// Who signs, by what was chosen.
///
/// # Errors
/// When nobody does: why, and what would clear it.
pub(super) fn find<'a>(world: &'a World, secret: &TlsSecret, options: &'a Options) -> Result<Found<'a>, No> {
    match &options.signer {
        Signer::Itself => Ok(Found::Itself),
        Signer::Given(handed) => Ok(Found::Elsewhere(handed)),
        Signer::Awaited => {
            let clear = "hand over the certificate and its private key";
            Err(("nothing was handed over".to_owned(), clear.to_owned()))
        }
        Signer::Secret(namespace, name) => {
            let found = world.inventory.tls_secrets.named(Some(&namespace.as_str().into()), &name.as_str().into());
            found.map(Found::Authority).ok_or_else(|| {
                let why = format!("there is no TLS Secret {namespace}/{name}");
                (text::sanitize(&why).into_owned(), "name the Secret that holds the CA and its key".to_owned())
            })
        }
        Signer::Former => former(world, secret),
    }
}

/// Who signed the present certificate: a CA whose key is in the cluster. Where several hold it, the one of the same
/// namespace comes first, then the one that is valid longest.
pub(super) fn former<'a>(world: &'a World, secret: &TlsSecret) -> Result<Found<'a>, No> {
    let Some(own) = leaf(secret) else {
        let clear = "give it a readable one: kubectl create secret tls, or restore it from where it came";
        return Err(("its certificate cannot be read".to_owned(), clear.to_owned()));
    };
    if own.self_signed {
        return Ok(Found::Itself);
    }
    let signs = |other: &&TlsSecret| {
        leaf(other).is_some_and(|ca| ca.ca && ca.vouches_for(own) && ca.fingerprint != own.fingerprint)
            && other.key == KeyMatch::Match
    };
    let rank = |other: &&TlsSecret| {
        let near = other.meta.namespace == secret.meta.namespace;
        (near, leaf(other).map(|ca| ca.not_after), std::cmp::Reverse(other.meta.reference(Kind::TlsSecret).path()))
    };
    let found = world.inventory.tls_secrets.iter().filter(signs).max_by_key(rank);
    found.map(Found::Authority).ok_or_else(|| {
        let why = format!("its issuer, {}, is not a CA whose key is in a TLS Secret that is seen here", own.issuer);
        let clear = "renew it where it comes from, or name the Secret of a CA that its clients trust (--signer)";
        (text::sanitize(&why).into_owned(), clear.to_owned())
    })
}

/// Whether a CA can sign now.
///
/// # Errors
/// When it cannot: why, and what would clear it.
pub(super) fn can_sign(ca: &TlsSecret, now: Timestamp) -> Result<(), No> {
    let named = format!("Secret {}", ca.meta.reference(Kind::TlsSecret).path());
    let no = |why: String| Err((format!("{}: {why}", text::sanitize(&named)), ANOTHER.to_owned()));
    let Some(facts) = leaf(ca) else { return no("its certificate cannot be read".to_owned()) };
    match ca.key {
        KeyMatch::Match => {}
        KeyMatch::Missing => return no("it holds no key to sign with".to_owned()),
        KeyMatch::Mismatch => return no("its key does not belong to its certificate".to_owned()),
        KeyMatch::Unreadable => return no("its key cannot be read: it is encrypted, or of an unknown kind".to_owned()),
    }
    if !facts.ca {
        return no("its certificate is not that of a CA".to_owned());
    }
    if facts.usage.signs == Some(false) {
        return no("its key is not for signing certificates (keyUsage)".to_owned());
    }
    if !facts.holds(now) {
        return no(format!("its certificate holds from {} to {}, not now", facts.not_before, facts.not_after));
    }
    Ok(())
}

const ANOTHER: &str = "mend the CA, or name the Secret of another one (--signer)";
