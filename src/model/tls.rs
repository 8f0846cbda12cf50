//! Certificates: the facts kept of them. Key bytes never reach this module.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Meta;

/// What was read from one X.509 certificate (RFC 5280). Text fields are untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// SHA-256 of the DER, lower-case hex.
    pub fingerprint: Box<str>,
    /// Serial number, lower-case hex.
    pub serial: Box<str>,
    /// Subject, RFC 4514-like.
    pub subject: Box<str>,
    /// Issuer, RFC 4514-like.
    pub issuer: Box<str>,
    /// DNS names, IP addresses and URIs of the SAN extension.
    pub names: Box<[Box<str>]>,
    /// `notBefore`.
    pub not_before: Timestamp,
    /// `notAfter`.
    pub not_after: Timestamp,
    /// basicConstraints CA.
    pub ca: bool,
    /// Issuer equals subject and the signature verifies with its own key.
    pub self_signed: bool,
    /// Key algorithm and size, such as `ECDSA P-256` or `RSA 2048`.
    pub key: Box<str>,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub spki: Box<str>,
}

/// Whether the stored private key belongs to the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMatch {
    /// The public halves are the same.
    Match,
    /// They differ: every handshake fails.
    Mismatch,
    /// There is no key.
    Missing,
    /// The key could not be read, so nothing is known.
    Unreadable,
}

/// Where a certificate was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The data key, such as `tls.crt`.
    pub key: Box<str>,
    /// The certificates in it, first to last; or why it could not be read.
    pub chain: Result<Box<[CertificateFacts]>, Box<str>>,
}

/// A Secret of type kubernetes.io/tls, without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsSecret {
    /// Metadata.
    pub meta: Meta,
    /// `tls.crt`.
    pub leaf: Place,
    /// `ca.crt`, when present.
    pub ca: Option<Place>,
    /// Whether `tls.key` belongs to the first certificate.
    pub key: KeyMatch,
}

/// A status condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Type, such as Ready.
    pub kind: Box<str>,
    /// True, False or Unknown.
    pub status: Box<str>,
    /// Machine reason.
    pub reason: Box<str>,
    /// Message. Untrusted text.
    pub message: Box<str>,
    /// When the status last changed.
    pub since: Option<Timestamp>,
}

/// A cert-manager Certificate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertManagerCertificate {
    /// Metadata.
    pub meta: Meta,
    /// `spec.secretName`.
    pub secret: Arc<str>,
    /// `spec.issuerRef`: kind and name.
    pub issuer: (Box<str>, Arc<str>),
    /// `spec.dnsNames`.
    pub names: Box<[Box<str>]>,
    /// `status.notAfter`.
    pub not_after: Option<Timestamp>,
    /// `status.notBefore`.
    pub not_before: Option<Timestamp>,
    /// `status.renewalTime`.
    pub renewal: Option<Timestamp>,
    /// `status.lastFailureTime`.
    pub last_failure: Option<Timestamp>,
    /// `status.revision`.
    pub revision: Option<u32>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}

impl CertManagerCertificate {
    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// Whether a condition of this type is True.
    pub fn is(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|c| &*c.status == "True")
    }
}

/// A cert-manager CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateRequest {
    /// Metadata.
    pub meta: Meta,
    /// The Certificate it is for, by annotation.
    pub certificate: Option<Arc<str>>,
    /// The signed certificate, when issued and readable.
    pub issued: Option<CertificateFacts>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}

/// A cert-manager Issuer or ClusterIssuer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issuer {
    /// Metadata.
    pub meta: Meta,
    /// `spec.ca.secretName`, for a CA issuer.
    pub ca_secret: Option<Arc<str>>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}
