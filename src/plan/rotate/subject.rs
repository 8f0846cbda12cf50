//! Whether a Secret may be given another certificate here: what renews it elsewhere would take it back, and what it
//! holds besides would go on with the former one.

use serde_json::Value;

use super::signer::leaf;
use super::{Options, handed_over};
use crate::assess::manager;
use crate::model::{CertificateFacts, ClaimKey, Kind, TlsSecret, World, annotation};
use crate::plan::Answers;
use crate::plan::read::{text as text_at, uid};
use crate::text;
use crate::x509::KeyKind;

/// Why not, and what would clear it.
type No = (String, String);

/// What else a certificate is written in: it would stay that of the former one.
const DERIVED: &[&str] = &[".p12", ".pfx", ".jks", ".der", "-combined.pem"];

/// The Secret as it was read, when it is as it was seen and nothing stands in the way.
///
/// # Errors
/// When something does: why, and what would clear it.
pub(super) fn rotatable<'a>(
    world: &World,
    secret: &'a TlsSecret,
    answers: &'a Answers,
    options: &Options,
) -> Result<(&'a Value, &'a CertificateFacts), No> {
    let fresh = answers.object(&super::place(secret))?;
    let own = as_seen(secret, fresh)?;
    if let Some(why) = renewed_elsewhere(world, secret, fresh) {
        return Err(why);
    }
    if fresh["immutable"] == true {
        let clear = "make a Secret of another name, and let its users take that one";
        return Err(("it is immutable: nobody can change what it holds".to_owned(), clear.to_owned()));
    }
    if let Some(manager) = manager(&secret.meta).filter(|_| !options.managed) {
        let clear = format!("change it there; or pause {manager}, and say so (--managed-elsewhere)");
        return Err((format!("{manager} keeps it as it is written down elsewhere, and takes a change back"), clear));
    }
    no_derived(fresh)?;
    if own.ca && (!own.self_signed || signed_others(world, own)) {
        let path = secret.meta.reference(Kind::TlsSecret).path();
        let clear = format!("those who trust it have to trust the new one first: holdfast rotate-ca {path}");
        return Err((
            "it is a CA: what it signed would not be trusted any more".to_owned(),
            text::sanitize(&clear).into(),
        ));
    }
    if options.key.is_none() && handed_over(options).is_none() && KeyKind::like(&own.key).is_none() {
        let why = format!("its key is {}, of a kind that cannot be made here", text::sanitize(&own.key));
        return Err((why, "choose another kind (--key), if its clients take that".to_owned()));
    }
    Ok((fresh, own))
}

/// The certificate that was seen, when the Secret still holds it.
fn as_seen<'a>(secret: &'a TlsSecret, fresh: &Value) -> Result<&'a CertificateFacts, No> {
    if uid(fresh) != secret.meta.uid() {
        return Err(("it was made anew meanwhile".to_owned(), "look at the new one, then try again".to_owned()));
    }
    if fresh.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(("it is being deleted".to_owned(), "make it anew when it is gone".to_owned()));
    }
    let Some(own) = leaf(secret) else {
        let clear = "there is nothing to make another one like; restore it from where it came";
        return Err(("its certificate cannot be read".to_owned(), clear.to_owned()));
    };
    if text_at(fresh, "/data/tls.crt/fingerprint") != &*own.fingerprint {
        let clear = "wait a moment until it is seen here, then try again";
        return Err(("it was given another certificate just now".to_owned(), clear.to_owned()));
    }
    Ok(own)
}

/// That cert-manager renews it, or did.
fn renewed_elsewhere(world: &World, secret: &TlsSecret, fresh: &Value) -> Option<No> {
    let key: ClaimKey = (secret.meta.namespace().into(), secret.meta.name.clone());
    let writer = world.links.certificates_writing(&key).first();
    let writer = writer.and_then(|uid| world.inventory.certificates.get(uid));
    if let Some(writer) = writer {
        let path = writer.meta.reference(Kind::Certificate).path();
        let why = format!("Certificate {} writes it: cert-manager replaces what others put into it", writer.meta.name);
        let clear = format!("have cert-manager issue it anew: holdfast renew {path}");
        return Some((text::sanitize(&why).into_owned(), text::sanitize(&clear).into_owned()));
    }
    let former = text_at(fresh, &annotation::pointer(annotation::CERTIFICATE_NAME));
    let unseen = !former.is_empty() && !world.freshness(Kind::Certificate).live();
    unseen.then(|| {
        let why = format!("Certificate {} may write it, and Certificates cannot be seen here", text::sanitize(former));
        (why, "ask for the right to list certificates.cert-manager.io, then try again".to_owned())
    })
}

/// Refuses when the Secret holds the certificate in another form too.
fn no_derived(fresh: &Value) -> Result<(), No> {
    let keys = fresh["data"].as_object().into_iter().flat_map(|data| data.keys());
    let derived: Vec<String> = keys
        .filter(|key| DERIVED.iter().any(|end| key.ends_with(end)))
        .map(|key| text::sanitize(key).into_owned())
        .collect();
    if derived.is_empty() {
        return Ok(());
    }
    let why = format!(
        "it holds the certificate in other forms too ({}), which would stay the former one",
        text::list(&derived)
    );
    Err((why, "renew it with what made those, or take them out of the Secret first".to_owned()))
}

/// Whether a self-signed certificate is the issuer of others that are seen.
fn signed_others(world: &World, own: &CertificateFacts) -> bool {
    let mut leaves = world.inventory.tls_secrets.iter().filter_map(leaf);
    leaves.any(|other| other.fingerprint != own.fingerprint && own.vouches_for(other))
}
