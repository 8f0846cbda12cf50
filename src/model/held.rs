//! Certificates that lie in Secrets of any type and in ConfigMaps: PEM, keystores and kubeconfigs.
//!
//! An object that holds none is not kept, and of one that does only the facts of its certificates are: no key, no
//! password, no other value ever reaches this module.

use std::sync::Arc;

use super::{CertificateFacts, KeyMatch, Meta};

/// A Secret that is no TLS Secret, or a ConfigMap, as far as it holds certificates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateHolder {
    /// Metadata.
    pub meta: Meta,
    /// Its data keys that hold certificates, in their order.
    pub files: Box<[HeldFile]>,
}

/// The certificates under one data key.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldFile {
    /// The data key, such as `ca-bundle.crt`. Untrusted text.
    pub key: Box<str>,
    /// How they are written there.
    pub format: Format,
    /// Chains that are shown to others together with a private key, the leaf first.
    pub own: Box<[Arc<[CertificateFacts]>]>,
    /// Certificates by which others are checked.
    pub trusted: Arc<[CertificateFacts]>,
    /// Whether the private key beside the first chain belongs to it; `None` where no key is evidently its own.
    pub key_match: Option<KeyMatch>,
    /// Why it could not be read as a whole.
    pub fault: Option<Fault>,
    /// Tells contents apart: equal for equal certificates.
    pub content: u128,
}

/// How certificates are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 7468.
    Pem,
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// The keystore of Java, JKS or JCEKS.
    Jks,
    /// A kubeconfig.
    Kubeconfig,
    /// The connection to a cluster as Argo CD keeps it.
    ArgoCluster,
}

impl Format {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Pkcs12 => "PKCS#12",
            Self::Jks => "JKS",
            Self::Kubeconfig => "kubeconfig",
            Self::ArgoCluster => "Argo CD cluster",
        }
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A word that stays the same for programs: `bad_pem`, `bad_pkcs12`, `bad_jks`, `bad_kubeconfig`,
    /// `bad_passphrase`, `no_certificate_found`; of a password elsewhere `permission_denied`, `not_found`.
    pub word: &'static str,
    /// A sentence; it repeats nothing of the input.
    pub said: Box<str>,
    /// Whether the password that is named elsewhere for it was tried, or could not be read.
    pub tried: bool,
}

impl Fault {
    /// Whether only a password is lacking.
    pub fn locked(&self) -> bool {
        matches!(self.word, "bad_passphrase" | "permission_denied" | "not_found")
    }
}

impl HeldFile {
    /// The first certificate that is shown to others, else the first by which others are checked.
    pub fn first(&self) -> Option<&CertificateFacts> {
        self.leaf().or_else(|| self.trusted.first())
    }

    /// The certificate that is shown to others.
    pub fn leaf(&self) -> Option<&CertificateFacts> {
        self.own.first().and_then(|chain| chain.first())
    }

    /// Whether it is nothing but certificates by which others are checked, whole and readable.
    pub fn is_bundle(&self) -> bool {
        self.own.is_empty() && self.fault.is_none() && !self.trusted.is_empty()
    }

    /// Every certificate in it.
    pub fn all(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.own.iter().flat_map(|chain| chain.iter()).chain(self.trusted.iter())
    }
}

impl CertificateHolder {
    /// The certificates under a data key.
    pub fn file(&self, key: &str) -> Option<&HeldFile> {
        self.files.iter().find(|file| &*file.key == key)
    }
}
