//! Certificates: PEM bytes in, facts out; and new ones made like others (RFC 5280, RFC 7468).
//!
//! Also keystores, kubeconfigs, and which values of a Secret or ConfigMap hold any of these ([`held`]).
//!
//! Reads what people really store: text around the blocks, byte order marks, indentation, blocks glued together.
//! What cannot be read is an error with the position of the certificate; nothing is left out in silence, and no
//! error repeats any of the input. Key bytes are looked at in [`key_match`] and used in [`reissue`], and nowhere
//! kept.

mod apart;
mod bundle;
mod constraints;
mod der;
mod facts;
mod given;
mod held;
mod hidden;
mod issue;
mod key;
mod keystore;
mod kubeconfig;
mod pem;
mod private;
mod signer;

use std::collections::HashMap;

use thiserror::Error;

use crate::model::CertificateFacts;

pub use apart::{holds_key, without_keys};
pub use bundle::{BundleError, changed as changed_bundle, fingerprints, with_root};
pub use constraints::{Outside, Rule, outside};
pub use given::{Given, GivenError};
pub use held::{Named, Read, closed, held, of_use, opened};
pub use hidden::Hidden;
pub use issue::{Change, IssueError, Issued, KeyKind, Material, reissue};
pub use key::key_match;
pub use keystore::{Keystore, KeystoreError, open as open_keystore};

/// More than this is not read: the API server lets no Secret or ConfigMap grow larger.
pub const MAX_BYTES: usize = 1 << 20;

/// Why certificates could not be read. Positions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// There are no bytes.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("is larger than 1 MiB")]
    TooLarge,
    /// No certificate begins in it.
    #[error("holds no PEM certificate")]
    NoCertificate,
    /// The certificate is cut off, or ends as something else.
    #[error("certificate {position} has no END line of its own")]
    Unterminated {
        /// Which.
        position: usize,
    },
    /// What is between its BEGIN and END is not base64.
    #[error("certificate {position} is not valid base64")]
    NotBase64 {
        /// Which.
        position: usize,
    },
    /// The base64 is not an X.509 certificate.
    #[error("certificate {position} is not an X.509 certificate")]
    NotX509 {
        /// Which.
        position: usize,
    },
    /// More certificates are begun than can be found, so some would be lost.
    #[error("begins {begun} certificates but only {read} can be read: a BEGIN or END line is damaged")]
    Lost {
        /// How many begin.
        begun: usize,
        /// How many were read.
        read: usize,
    },
}

/// Reads every certificate, first to last. One that cannot be read fails them all: a chain with a hole is no chain.
pub fn chain(bytes: &[u8]) -> Result<Vec<CertificateFacts>, CertificateError> {
    chain_by(&mut KnownCas::default(), bytes)
}

/// Reads as [`chain()`] does, and reads a CA that it has read before only once: the same few stand behind every leaf.
pub fn chain_by(known: &mut KnownCas, bytes: &[u8]) -> Result<Vec<CertificateFacts>, CertificateError> {
    read(&ders(bytes)?, known).map_err(|position| CertificateError::NotX509 { position })
}

/// The facts of certificates in DER; the position of the first that is none is the error.
fn facts_of(ders: &[Vec<u8>]) -> Result<Vec<CertificateFacts>, usize> {
    read(ders, &mut KnownCas::default())
}

fn read(ders: &[Vec<u8>], known: &mut KnownCas) -> Result<Vec<CertificateFacts>, usize> {
    let mut chain = Vec::with_capacity(ders.len());
    for (at, (der, next)) in ders.iter().zip(facts::links(ders)).enumerate() {
        let facts = known.facts(der).ok_or(at + 1)?;
        chain.push(CertificateFacts { next, ..facts });
    }
    Ok(chain)
}

/// CAs that were read last.
#[derive(Default)]
pub struct KnownCas(HashMap<Vec<u8>, CertificateFacts>);

impl KnownCas {
    /// Most that are remembered.
    const MOST: usize = 64;

    fn facts(&mut self, der: &[u8]) -> Option<CertificateFacts> {
        if let Some(known) = self.0.get(der) {
            return Some(known.clone());
        }
        let facts = facts::facts(der)?;
        if facts.ca {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(der.to_vec(), facts.clone());
        }
        Some(facts)
    }
}

/// The DER of every certificate; whether each is X.509 is not looked at.
pub fn ders(bytes: &[u8]) -> Result<Vec<Vec<u8>>, CertificateError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(CertificateError::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(CertificateError::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let blocks = pem::blocks(&text).into_iter().filter(|block| is_certificate(block.label));
    let mut ders = Vec::new();
    for block in blocks {
        let position = ders.len() + 1;
        ders.push(block.der().map_err(|fault| match fault {
            pem::Fault::Unterminated => CertificateError::Unterminated { position },
            pem::Fault::Encoding => CertificateError::NotBase64 { position },
        })?);
    }
    let lines = |word: &str| {
        text.matches(&format!("{word} CERTIFICATE-")).count()
            + text.matches(&format!("{word} X509 CERTIFICATE-")).count()
    };
    // Where one of the two lines is damaged, the other still tells that there was a certificate.
    let begun = lines("BEGIN").max(lines("END"));
    match (begun, ders.len()) {
        (0, 0) => Err(CertificateError::NoCertificate),
        (begun, read) if begun > read => Err(CertificateError::Lost { begun, read }),
        _ => Ok(ders),
    }
}

fn is_certificate(label: &str) -> bool {
    // The second is what old OpenSSL wrote.
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

#[cfg(test)]
mod hard;
#[cfg(test)]
mod tests;
