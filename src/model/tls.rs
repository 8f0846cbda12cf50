//! Certificates: the facts kept of them. Key bytes never reach this module.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Format, HeldFile, Kind, Meta, NameConstraints, ObjRef, OtherName};

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
    /// Signature algorithm, such as `ECDSA SHA-256` or `RSA SHA-1`; the object identifier of one that is not known.
    pub signature: Box<str>,
    /// basicConstraints pathLenConstraint: how many CAs may follow below this one.
    pub path_len: Option<u32>,
    /// subjectKeyIdentifier: by this its key is found by what it issued (RFC 5280 4.2.1.2).
    pub key_id: Option<Box<[u8]>>,
    /// authorityKeyIdentifier: the identifier of the key that signed it (4.2.1.1).
    pub issuer_key_id: Option<Box<[u8]>>,
    /// What it may be used for.
    pub usage: KeyPurpose,
    /// Whether the certificate that stands after it in its chain issued it.
    pub next: NextLink,
    /// Departures from RFC 5280 that clients trip over.
    pub oddities: Box<[Oddity]>,
    /// Names of the SAN extension that are not among `names`.
    pub other_names: Box<[OtherName]>,
    /// nameConstraints: the names for which it may vouch, where it does not for all.
    pub constraints: Option<Box<NameConstraints>>,
}

impl CertificateFacts {
    /// Whether a client that trusts this certificate takes the other one for its sake: it is the same, or it issued
    /// the other by name and, where both say, by key. The signature itself is not looked at.
    pub fn vouches_for(&self, other: &Self) -> bool {
        let key = match (&self.key_id, &other.issuer_key_id) {
            (Some(own), Some(signer)) => own == signer,
            _ => true,
        };
        self.fingerprint == other.fingerprint || (self.subject == other.issuer && key)
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

/// What a certificate may be used for, by its extensions; `None` where none restricts it (RFC 5280 4.2.1.3, 4.2.1.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPurpose {
    /// keyUsage keyCertSign: its key may sign certificates.
    pub signs: Option<bool>,
    /// extendedKeyUsage serverAuth.
    pub server: Option<bool>,
    /// extendedKeyUsage clientAuth.
    pub client: Option<bool>,
}

/// How a certificate hangs together with the one after it in its chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextLink {
    /// There is none after it.
    #[default]
    Last,
    /// The next one is its issuer by name, and its key verifies the signature.
    Issuer,
    /// The next one is not its issuer.
    Stranger,
    /// The next one has the issuer's name; the signature is of a kind that cannot be checked here.
    Unproved,
}

/// Something about a certificate that RFC 5280 forbids or that clients refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Oddity {
    /// The serial number is negative or zero, or longer than 20 octets (4.1.2.2). Go refuses a negative one.
    Serial,
    /// Not version 3: clients refuse it (4.1.2.1).
    Version,
    /// An IP address written as a DNS name: clients compare it with no address (4.2.1.6). Untrusted text.
    AddressAsName(Box<str>),
    /// A DNS name that is none. Untrusted text.
    BadName(Box<str>),
    /// An IP address of neither 4 nor 16 octets.
    BadAddress,
    /// A critical extension that is not known here, and perhaps not to clients: its object identifier (4.2).
    Critical(Box<str>),
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
    pub chain: Result<Arc<[CertificateFacts]>, Box<str>>,
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
    /// Other data keys that hold certificates, such as the keystores that cert-manager makes of it.
    pub files: Box<[HeldFile]>,
}

impl TlsSecret {
    /// The certificate that is shown to others.
    pub fn facts(&self) -> Option<&CertificateFacts> {
        self.leaf.chain.as_ref().ok().and_then(|chain| chain.first())
    }
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
    /// `spec.keystores`: the format, and the Secret and its data key that have the password.
    pub keystores: Box<[KeystoreSpec]>,
    /// `spec.renewal.policy` is `Disabled`: cert-manager leaves it as it is.
    pub unrenewed: bool,
    /// `status.renewalTime`.
    pub renewal: Option<Timestamp>,
    /// `status.lastFailureTime`.
    pub last_failure: Option<Timestamp>,
    /// `status.revision`.
    pub revision: Option<u32>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}

/// A keystore that cert-manager makes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeystoreSpec {
    /// Its format.
    pub format: Format,
    /// Name of the Secret that has the password, and the data key there; `None` where it is in the Certificate itself.
    pub password: Option<(Arc<str>, Box<str>)>,
}

impl CertManagerCertificate {
    /// The issuer that it names; `None` when that is of a kind that is not watched.
    pub fn issuer_ref(&self) -> Option<ObjRef> {
        issuer_ref(&self.issuer, &self.meta)
    }

    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// Whether a condition of this type is True.
    pub fn is(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|c| &*c.status == "True")
    }
}

/// What an issuerRef names; `None` when that is of a kind that is not watched.
pub(super) fn issuer_ref((kind, name): &(Box<str>, Arc<str>), meta: &Meta) -> Option<ObjRef> {
    match &**kind {
        "ClusterIssuer" => Some(ObjRef::cluster(Kind::ClusterIssuer, name.clone())),
        "Issuer" | "" => Some(ObjRef { kind: Kind::Issuer, namespace: meta.namespace.clone(), name: name.clone() }),
        _ => None,
    }
}

/// A cert-manager CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateRequest {
    /// Metadata.
    pub meta: Meta,
    /// The Certificate it is for, by annotation.
    pub certificate: Option<Arc<str>>,
    /// `spec.issuerRef`: kind and name.
    pub issuer: (Box<str>, Arc<str>),
    /// The signed certificate, when issued and readable.
    pub issued: Option<CertificateFacts>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}

impl CertificateRequest {
    /// The issuer that it names; `None` when that is of a kind that is not watched.
    pub fn issuer_ref(&self) -> Option<ObjRef> {
        issuer_ref(&self.issuer, &self.meta)
    }
}

/// A CertificateSigningRequest: someone asks the cluster for a certificate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SigningRequest {
    /// Metadata.
    pub meta: Meta,
    /// `spec.signerName`.
    pub signer: Arc<str>,
    /// `spec.username`: who asked. Untrusted text.
    pub asked_by: Box<str>,
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
    /// How it signs, by the field of its spec that says so; empty when none is known.
    pub how: &'static str,
    /// `spec.ca.secretName`, for a CA issuer.
    pub ca_secret: Option<Arc<str>>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
}
