//! What the values of one Secret or ConfigMap hold of certificates: which of them do, in which format, and which
//! private key is whose.
//!
//! A key belongs to a certificate where that is evident from the names of both, such as `web.crt` and `web.key`, or
//! where both lie in one file. Nothing is guessed beyond that. Of keys and passwords nothing goes out.

use std::sync::Arc;

use super::keystore::{self, Keystore};
use super::{CertificateError, kubeconfig};
use crate::model::{CertificateFacts, Fault, Format, HeldFile, KeyMatch};
use crate::text::sha256;

/// How chains are read: [`chain`](super::chain()), or something that remembers what it has read.
pub type Read<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Arc<[CertificateFacts]>, CertificateError>;

/// A data key with its value.
pub type Named<'a> = (&'a str, &'a [u8]);

/// A longer value is no password.
const LONGEST_PASSWORD: usize = 256;

/// How PEM blocks begin.
const BEGIN: &str = "-----BEGIN ";

/// Whether a value has to be there for [`held`] to read the object it is from.
pub fn of_use(key: &str, value: &[u8]) -> bool {
    sort(key, value).is_some() || is_password(key, value) || std::str::from_utf8(value).is_ok_and(has_key)
}

fn is_password(key: &str, value: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    value.len() <= LONGEST_PASSWORD && ["pass", "pwd", "pin"].iter().any(|part| key.contains(part))
}

fn has_key(text: &str) -> bool {
    text.contains(BEGIN) && text.contains("PRIVATE KEY-----")
}

/// The format of a value that holds certificates; `None` for any other.
fn sort(key: &str, value: &[u8]) -> Option<Format> {
    if let Some(format) = keystore::format(value) {
        return Some(format);
    }
    let text = std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Into::into);
    let certificate = |label: &str| text.contains(label);
    if ["BEGIN CERTIFICATE-", "BEGIN X509 CERTIFICATE-", "BEGIN TRUSTED CERTIFICATE-"].into_iter().any(certificate) {
        return Some(Format::Pem);
    }
    if key == "config" && text.contains("tlsClientConfig") {
        return Some(Format::ArgoCluster);
    }
    kubeconfig::looks_like_one(&text).then_some(Format::Kubeconfig)
}

/// The files of these values that hold certificates, in their order.
pub fn held(values: &[Named<'_>], read: Read<'_>) -> Vec<HeldFile> {
    let one = |(key, value): &Named<'_>| {
        let format = sort(key, value)?;
        Some(match format {
            Format::Pem => pem(key, value, values, read),
            Format::Pkcs12 | Format::Jks => stored(key, format, value, values),
            Format::Kubeconfig => clusters(key, format, kubeconfig::credentials(value), read)?,
            Format::ArgoCluster => clusters(key, format, kubeconfig::argo_cluster(value), read)?,
        })
    };
    values.iter().filter_map(one).collect()
}

fn file(key: &str, format: Format) -> HeldFile {
    let (own, trusted) = (Box::default(), Arc::default());
    HeldFile { key: key.into(), format, own, trusted, key_match: None, fault: None, content: 0 }
}

fn finished(file: HeldFile) -> HeldFile {
    let fingerprints: Vec<&str> = file.all().map(|facts| &*facts.fingerprint).collect();
    let digest = sha256(fingerprints.join(" ").as_bytes());
    let content = u128::from_str_radix(digest.get(..32).unwrap_or_default(), 16).unwrap_or_default();
    HeldFile { content, ..file }
}

fn pem(key: &str, value: &[u8], values: &[Named<'_>], read: Read<'_>) -> HeldFile {
    let file = file(key, Format::Pem);
    let chain = match read(value) {
        Ok(chain) => chain,
        Err(error) => {
            let word = if error == CertificateError::NoCertificate { "no_certificate_found" } else { "bad_pem" };
            return HeldFile {
                fault: Some(Fault { word, said: format!("{key} {error}").into(), tried: false }),
                ..file
            };
        }
    };
    let key_match = key_of(key, value, values);
    let trusted = key_match.is_none() && (chain.iter().all(|facts| facts.ca) || named_as_trust(key));
    finished(if trusted {
        HeldFile { trusted: chain, ..file }
    } else {
        HeldFile { own: [chain].into(), key_match, ..file }
    })
}

/// Names by which people keep what they trust.
fn named_as_trust(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words = key.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| {
        ["ca", "cas", "cacert", "cacerts", "cabundle", "bundle", "root", "roots", "trust", "trusted"].contains(&word)
            || word.starts_with("trust")
    })
}

/// Whether the private key that evidently belongs to a certificate does; `None` where none does evidently.
fn key_of(key: &str, value: &[u8], values: &[Named<'_>]) -> Option<KeyMatch> {
    if std::str::from_utf8(value).is_ok_and(has_key) {
        return Some(super::key_match(value, value));
    }
    let is_key = |(name, bytes): &&Named<'_>| {
        *name != key && stem(name) == stem(key) && std::str::from_utf8(bytes).is_ok_and(has_key)
    };
    let mut keys = values.iter().filter(is_key);
    match (keys.next(), keys.next()) {
        (Some((_, bytes)), None) => Some(super::key_match(value, bytes)),
        _ => None,
    }
}

/// What a pair has in common: `web` of `web.crt`, `web.key`, `web-cert.pem` and `web_key.pem`; nothing of `cert.pem`
/// and `key.pem`.
fn stem(key: &str) -> String {
    let mut stem = key.to_ascii_lowercase();
    let endings = [
        ".pem",
        ".crt",
        ".cert",
        ".cer",
        ".key",
        "fullchain",
        "privkey",
        "privatekey",
        "private_key",
        "certificate",
        "cert",
        "key",
        "crt",
        "-",
        "_",
        ".",
    ];
    while let Some(shorter) = endings.iter().find_map(|ending| stem.strip_suffix(ending)) {
        stem = shorter.to_owned();
    }
    stem
}

/// Passwords that may open a keystore: those beside it, and the two that cert-manager's and Java's tools have as
/// defaults.
fn stored(key: &str, format: Format, value: &[u8], values: &[Named<'_>]) -> HeldFile {
    let beside = values.iter().filter(|(name, bytes)| is_password(name, bytes));
    let beside =
        beside.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok()).map(|text| text.trim_end_matches('\n'));
    let passwords: Vec<&str> = beside.chain(["", "changeit"]).collect();
    opened(key, format, value, &passwords)
}

/// What a keystore under a data key holds, with the first of these passwords that opens it.
pub fn opened(key: &str, format: Format, value: &[u8], passwords: &[&str]) -> HeldFile {
    let file = file(key, format);
    match keystore::open(value, passwords) {
        Ok(Keystore { own, trusted }) => finished(HeldFile { own, trusted, ..file }),
        Err(fault) => closed(key, format, fault.word(), format!("{key} {fault}")),
    }
}

/// A file of which nothing is known, and why.
pub fn closed(key: &str, format: Format, word: &'static str, said: String) -> HeldFile {
    HeldFile { fault: Some(Fault { word, said: said.into(), tried: false }), ..file(key, format) }
}

/// `None` where it names no certificate: tokens and files of other machines are no concern of this.
fn clusters(
    key: &str,
    format: Format,
    credentials: Option<kubeconfig::Credentials>,
    read: Read<'_>,
) -> Option<HeldFile> {
    let file = file(key, format);
    let bad = |said: String| Some(Fault { word: "bad_kubeconfig", said: said.into(), tried: false });
    let Some(credentials) = credentials else {
        return Some(HeldFile { fault: bad(format!("{key} cannot be read as what it seems to be")), ..file });
    };
    if credentials.clients.is_empty() && credentials.authorities.is_empty() {
        return None;
    }
    let (mut own, mut trusted, mut fault) = (Vec::new(), Vec::new(), None);
    for (certificate, _) in &credentials.clients {
        match read(certificate) {
            Ok(chain) => own.push(chain),
            Err(error) => fault = bad(format!("{key}: its client certificate {error}")),
        }
    }
    for authority in &credentials.authorities {
        match read(authority) {
            Ok(chain) => trusted.extend(chain.iter().cloned()),
            Err(error) => fault = bad(format!("{key}: its CA {error}")),
        }
    }
    let matched = credentials.clients.iter().filter_map(|(certificate, key)| {
        let key = key.as_ref()?;
        Some(super::key_match(certificate, key))
    });
    let worst = |matched: &KeyMatch| match matched {
        KeyMatch::Match => 0,
        KeyMatch::Missing => 1,
        KeyMatch::Unreadable => 2,
        KeyMatch::Mismatch => 3,
    };
    let key_match = matched.max_by_key(worst);
    Some(finished(HeldFile { own: own.into(), trusted: trusted.into(), key_match, fault, ..file }))
}

#[cfg(test)]
mod tests;
