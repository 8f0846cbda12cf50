//! A certificate with its key as a person hands them over, put in order: the leaf first, then who issued it, one block
//! for each, and of the key nothing else.
//!
//! What is wrong with the files themselves is said here; whether the certificate fits is judged elsewhere, by its
//! facts. The key is held in memory only, wiped when it goes, and shown by nothing.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{CertificateError, chain, der, ders, facts, key_match, pem};
use crate::model::{CertificateFacts, KeyMatch, NextLink};

/// A certificate, who issued it, and its key.
pub struct Given {
    /// The leaf first, each followed by who issued it; without a root.
    pub chain: Vec<CertificateFacts>,
    /// The root that stood among them.
    pub root: Option<CertificateFacts>,
    /// Whether the certificates had to be put in order.
    pub reordered: bool,
    certificate: String,
    authority: Option<String>,
    key: Zeroizing<String>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

/// Why what was handed over is no certificate with its key. Nothing of the input is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GivenError {
    /// The certificates cannot be read.
    #[error("the certificate {0}")]
    Certificate(CertificateError),
    /// There is no private key.
    #[error("there is no private key: give its PEM block too, in the same file or one of its own (--private-key)")]
    NoKey,
    /// There are several.
    #[error("there are {0} private keys: give one")]
    SeveralKeys(usize),
    /// It is encrypted.
    #[error("the private key is encrypted: decrypt it first, with openssl pkey -in FILE -out PLAIN")]
    Encrypted,
    /// It cannot be read.
    #[error("the private key cannot be read: it is damaged, or of a kind that is not known here")]
    KeyUnreadable,
    /// It belongs to none of the certificates.
    #[error("the private key belongs to none of the certificates: take the one that was made with the request")]
    NotItsKey,
    /// Certificates that do not belong to the chain of the leaf.
    #[error("{0} of the certificates did not issue any of the others: leave out what does not belong to the chain")]
    Strays(usize),
}

impl Given {
    /// Reads both, put in order.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub fn read(certificates: &[u8], key: &[u8]) -> Result<Self, GivenError> {
        let read = chain(certificates).map_err(GivenError::Certificate)?;
        let all = ders(certificates).map_err(GivenError::Certificate)?;
        let key = only_key(key)?;
        let leaf = leaf(&all, &key)?;
        let order = order(&all, &read, leaf);
        let used = |at: &usize| order.contains(at);
        let repeated = |at: &usize| order.iter().any(|other| read[*other].fingerprint == read[*at].fingerprint);
        let strays = (0..read.len()).filter(|at| !used(at) && !repeated(at)).count();
        if strays > 0 {
            return Err(GivenError::Strays(strays));
        }
        let reordered = order.iter().enumerate().any(|(place, at)| place != *at);
        let (roots, sent): (Vec<usize>, Vec<usize>) =
            order.iter().partition(|at| read[**at].self_signed && **at != leaf);
        let pem = |places: &[usize]| places.iter().map(|at| der::certificate_pem(&all[*at])).collect::<String>();
        let certificate = pem(&sent);
        // Read anew: how each hangs together with the next is told by their order.
        let chain = chain(certificate.as_bytes()).map_err(GivenError::Certificate)?;
        let root = roots.first().map(|at| read[*at].clone());
        let authority = (!roots.is_empty()).then(|| pem(&roots));
        Ok(Self { chain, root, reordered, certificate, authority, key })
    }

    /// With these facts and nothing else, for tables of what is judged by them.
    #[cfg(test)]
    pub fn of(chain: Vec<CertificateFacts>) -> Self {
        let (certificate, key) = (String::new(), Zeroizing::new(String::new()));
        Self { chain, root: None, reordered: false, certificate, authority: None, key }
    }

    /// SHA-256 of the leaf, lower-case hex.
    pub fn fingerprint(&self) -> &str {
        self.chain.first().map(|leaf| &*leaf.fingerprint).unwrap_or_default()
    }

    /// `tls.crt`.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The root, PEM, where there was one.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// `tls.key`.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The only private key in a text, as one block.
fn only_key(bytes: &[u8]) -> Result<Zeroizing<String>, GivenError> {
    let text = std::str::from_utf8(bytes).map_err(|_| GivenError::KeyUnreadable)?;
    let blocks = pem::blocks(text).into_iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let blocks: Vec<_> = blocks.collect();
    let block = match blocks.as_slice() {
        [] => return Err(GivenError::NoKey),
        [one] => one,
        several => return Err(GivenError::SeveralKeys(several.len())),
    };
    if block.label == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(GivenError::Encrypted);
    }
    let contents = Zeroizing::new(block.der().map_err(|_| GivenError::KeyUnreadable)?);
    Ok(der::key_pem(block.label, &contents))
}

/// Which certificate the key belongs to.
fn leaf(all: &[Vec<u8>], key: &str) -> Result<usize, GivenError> {
    let mut readable = false;
    for (at, one) in all.iter().enumerate() {
        match key_match(der::certificate_pem(one).as_bytes(), key.as_bytes()) {
            KeyMatch::Match => return Ok(at),
            KeyMatch::Mismatch => readable = true,
            KeyMatch::Missing | KeyMatch::Unreadable => {}
        }
    }
    Err(if readable { GivenError::NotItsKey } else { GivenError::KeyUnreadable })
}

/// The places of the leaf, its issuer, that one's issuer and so on.
fn order(all: &[Vec<u8>], facts: &[CertificateFacts], leaf: usize) -> Vec<usize> {
    let mut order = vec![leaf];
    // By its signature: two CAs may have one name.
    let issued = |by: usize, one: usize| {
        let pair = [all[one].clone(), all[by].clone()];
        matches!(facts::links(&pair).first(), Some(NextLink::Issuer | NextLink::Unproved))
    };
    while let Some(last) = order.last().copied().filter(|last| !facts[*last].self_signed) {
        let fits = |at: &usize| facts[*at].ca && !order.contains(at) && issued(*at, last);
        let next = (0..facts.len()).find(fits);
        match next {
            Some(next) => order.push(next),
            None => break,
        }
    }
    order
}

#[cfg(test)]
mod tests;
