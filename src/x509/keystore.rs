//! Keystores: PKCS#12 (RFC 7292) and the JKS and JCEKS of Java, bytes and passwords in, certificates out.
//!
//! JKS keeps its certificates in the clear and needs no password; PKCS#12 needs the one it was made with. Keys in them
//! are not looked at. What a keystore says of the work it takes to open it is not believed without limit.

mod jks;
mod pkcs12;

use std::sync::Arc;

use thiserror::Error;

use super::facts_of;
use crate::model::{CertificateFacts, Format, NextLink};

/// What a keystore holds.
#[derive(Debug, Default, PartialEq)]
pub struct Keystore {
    /// Chains with a private key, the leaf first.
    pub own: Box<[Arc<[CertificateFacts]>]>,
    /// Certificates that are trusted.
    pub trusted: Arc<[CertificateFacts]>,
}

/// Why a keystore could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeystoreError {
    /// Larger than what the API server stores.
    #[error("is larger than 1 MiB")]
    TooLarge,
    /// Not PKCS#12, or of a kind that is not known.
    #[error("is no PKCS#12 keystore that can be read")]
    BadPkcs12,
    /// Not JKS, or of a kind that is not known.
    #[error("is no JKS keystore that can be read")]
    BadJks,
    /// None of the passwords that were tried opens it.
    #[error("is opened by none of the passwords that are known here")]
    Locked,
    /// There is no certificate in it.
    #[error("holds no certificate")]
    Empty,
    /// Something in it that should be a certificate is none.
    #[error("certificate {position} is not an X.509 certificate")]
    NotX509 {
        /// Which, from 1.
        position: usize,
    },
}

impl KeystoreError {
    /// A word that stays the same for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLarge | Self::BadPkcs12 => "bad_pkcs12",
            Self::BadJks => "bad_jks",
            Self::Locked => "bad_passphrase",
            Self::Empty => "no_certificate_found",
            Self::NotX509 { .. } => "bad_der",
        }
    }
}

/// The format of a keystore by how it begins: files named `.jks` are PKCS#12 as often as not.
pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    if jks::begins(bytes) { Some(Format::Jks) } else { pkcs12::begins(bytes).then_some(Format::Pkcs12) }
}

/// Reads a keystore with the first of these passwords that opens it.
pub fn open(bytes: &[u8], passwords: &[&str]) -> Result<Keystore, KeystoreError> {
    if bytes.len() > super::MAX_BYTES {
        return Err(KeystoreError::TooLarge);
    }
    let entries = match format(bytes) {
        Some(Format::Jks) => jks::read(bytes).ok_or(KeystoreError::BadJks)?,
        _ => pkcs12::read(bytes, passwords)?,
    };
    let mut position = 0;
    let mut facts = |ders: &[Vec<u8>]| {
        let read = facts_of(ders).map_err(|at| KeystoreError::NotX509 { position: position + at });
        position += ders.len();
        read
    };
    let own = entries.own.iter().map(|ders| facts(ders).map(Arc::from)).collect::<Result<Vec<_>, _>>()?;
    let mut trusted = facts(&entries.trusted)?;
    // Those that are trusted have no order.
    for facts in &mut trusted {
        facts.next = NextLink::Last;
    }
    if own.iter().all(|chain: &Arc<[CertificateFacts]>| chain.is_empty()) && trusted.is_empty() {
        return Err(KeystoreError::Empty);
    }
    Ok(Keystore { own: own.into(), trusted: trusted.into() })
}

/// Certificates of a keystore in DER.
#[derive(Debug, Default)]
struct Entries {
    own: Vec<Vec<Vec<u8>>>,
    trusted: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests;
