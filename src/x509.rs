//! Certificates: PEM bytes in, facts out (RFC 5280, RFC 7468).
//!
//! Reads what people really store: text around the blocks, byte order marks, indentation, blocks glued together.
//! What cannot be read is an error with the position of the certificate; nothing is left out in silence, and no
//! error repeats any of the input. Key bytes are looked at in [`key_match`] and nowhere kept.

mod facts;
mod key;
mod pem;

use thiserror::Error;

use crate::model::CertificateFacts;

pub use key::key_match;

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
    let ders = ders(bytes)?;
    let mut chain = Vec::with_capacity(ders.len());
    for (at, (der, next)) in ders.iter().zip(facts::links(&ders)).enumerate() {
        let facts = facts::facts(der).ok_or(CertificateError::NotX509 { position: at + 1 })?;
        chain.push(CertificateFacts { next, ..facts });
    }
    Ok(chain)
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
    let begun = text.matches("BEGIN CERTIFICATE-").count() + text.matches("BEGIN X509 CERTIFICATE-").count();
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
mod tests;
