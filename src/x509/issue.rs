//! Making certificates: one like another, with a new key, signed by a CA or by itself.
//!
//! What the former certificate says is copied byte by byte: its subject and names, whatever they are made of, its uses
//! and its constraints (RFC 5280 4.1, 4.2). New are the key, the serial number, the time and, with another signer, the
//! issuer. Before anything leaves here it is read back and checked as a client would.

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::asn1_rs::{FromDer, Oid, oid as literal};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry as oid;
use zeroize::Zeroizing;

use super::bundle::{trusting, with};
use super::der::{self, ToBeSigned};
use super::signer::{NewKey, Signer, serial};
use super::{CertificateError, chain, ders, facts, outside};
use crate::model::{CertificateFacts, KeyMatch};
use crate::text;

/// A clock that is this much behind still takes a new certificate.
const CLOCK: SignedDuration = SignedDuration::from_mins(5);

/// signedCertificateTimestampList and its poison (RFC 6962 3.1, 3.3): they are about one certificate.
const TIMESTAMPS: Oid<'static> = literal!(1.3.6.1.4.1.11129.2.4.2);
const POISON: Oid<'static> = literal!(1.3.6.1.4.1.11129.2.4.3);

/// A kind of key that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// As [`CertificateFacts::key`] says it.
    pub fn said(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::Ed25519 => "Ed25519",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
        }
    }

    /// The kind of a key by [`CertificateFacts::key`]; `None` when such a key cannot be made here.
    pub fn like(said: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.said() == said)
    }

    /// Its word in options.
    pub fn word(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// Reads its word.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(word: &str) -> Result<Self, String> {
        let words = || Self::ALL.map(Self::word).join(", ");
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| format!("a key is one of {}", words()))
    }

    /// Bits of an RSA modulus; zero for other kinds.
    pub(super) fn bits(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::EcdsaP256 | Self::EcdsaP384 | Self::Ed25519 => 0,
        }
    }
}

/// What a TLS Secret holds.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// `tls.crt`.
    pub certificate: &'a [u8],
    /// `tls.key`.
    pub key: &'a [u8],
    /// `ca.crt`.
    pub authority: Option<&'a [u8]>,
}

/// What is made.
pub struct Issued {
    /// `tls.crt`: the new certificate and the CAs above it, without the root.
    pub certificate: String,
    /// `tls.key`.
    pub key: Zeroizing<String>,
    /// `ca.crt`, where the former one had it: everything that was in it, and the root of the new one.
    pub authority: Option<Vec<u8>>,
}

/// How the new certificate differs from the former one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The kind of its key; `None` for one as before.
    pub key: Option<KeyKind>,
    /// How long it is valid; `None` for as long as the former one was. Never longer than its signers.
    pub life: Option<SignedDuration>,
    /// Whether it takes the place of the former one beside it, as a new CA does: its common name says from when it is,
    /// so that clients that know only one of the two never try the key of the other.
    pub successor: bool,
}

/// Why no certificate is made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IssueError {
    /// The former certificate cannot be read.
    #[error("the present certificate {0}")]
    Former(CertificateError),
    /// It is a CA.
    #[error("the present certificate is that of a CA: what it signed would lose its issuer")]
    FormerIsCa,
    /// It has a key that cannot be made here.
    #[error("the present key is {0}, of a kind that cannot be made here; choose another kind")]
    KeyKind(Box<str>),
    /// The certificate of the signer cannot be read.
    #[error("the certificate of the signer {0}")]
    Signer(CertificateError),
    /// The signer may not sign certificates.
    #[error("the signer may not sign certificates: {0}")]
    NotCa(&'static str),
    /// The signer is out of date.
    #[error("the signer is valid from {0} to {1}, not now")]
    SignerTime(Timestamp, Timestamp),
    /// The key of the signer cannot be read.
    #[error("the key of the signer is missing, encrypted or cannot be read")]
    SignerKey,
    /// The key of the signer is of a kind that cannot be used here.
    #[error("the key of the signer is of a kind that cannot sign here (ECDSA P-256 and P-384, Ed25519, RSA can)")]
    SignerKind,
    /// The key of the signer belongs to another certificate.
    #[error("the key of the signer does not belong to its certificate")]
    SignerMismatch,
    /// The machine has no randomness, or a key is unfit.
    #[error("a key or a signature could not be made")]
    Signing,
    /// Clients would not take what was made.
    #[error("clients would not take the new certificate: {0}")]
    NotAccepted(Box<str>),
}

/// Makes a certificate like the first one of `former`, signed by `signer`, or by itself where there is none.
///
/// # Errors
/// When it cannot be made, or would not be accepted.
pub fn reissue(
    former: &Material<'_>,
    signer: Option<&Material<'_>>,
    change: Change,
    now: Timestamp,
) -> Result<Issued, IssueError> {
    let mut leaf = Leaf::read(former.certificate)?;
    if change.successor {
        leaf.rename(now)?;
    }
    let key = match change.key.or_else(|| KeyKind::like(&leaf.facts.key)) {
        Some(kind) => NewKey::generate(kind)?,
        None => return Err(IssueError::KeyKind(leaf.facts.key.clone())),
    };
    let life = change.life.unwrap_or_else(|| leaf.facts.not_after.duration_since(leaf.facts.not_before));
    let end = now.saturating_add(life).unwrap_or(Timestamp::MAX);
    if let Some(signer) = signer {
        let authority = Authority::read(signer, now)?;
        let end = authority.chain.iter().map(|facts| facts.not_after).fold(end, Timestamp::min);
        let start = authority.chain.iter().map(|facts| facts.not_before).fold(earlier(now), Timestamp::max);
        let made = leaf.signed(&key, &authority.above(&leaf.facts), (start, end))?;
        authority.accepts(&made, &leaf.facts, now)?;
        return authority.issued(&made, key, former.authority);
    }
    let own = Above { name: &leaf.subject, key_id: Some(key_id(&key.spki)), signer: &key.signer, same: true };
    let made = leaf.signed(&key, &own, (earlier(now), end))?;
    let certificate = der::certificate_pem(&made);
    let authority = former.authority.map(|former| with(former, &made));
    Ok(Issued { certificate, key: key.pem, authority })
}

fn earlier(now: Timestamp) -> Timestamp {
    now.saturating_sub(CLOCK).unwrap_or(now)
}

/// Longest common name (ub-common-name, RFC 5280 appendix A.1).
const COMMON_NAME: usize = 64;

/// The name of a CA that takes the place of another one: the same with the moment, in the place of one that stands there.
fn succeeding(name: &str, now: Timestamp) -> String {
    let stamp = now.strftime(" %Y%m%dT%H%M%SZ").to_string();
    let base =
        name.rsplit_once(' ').filter(|(_, end)| end.len() + 1 == stamp.len() && end.parse::<Timestamp>().is_ok());
    let base = base.map_or(name, |(base, _)| base);
    base.chars().take(COMMON_NAME - stamp.len()).chain(stamp.chars()).collect()
}

/// A key identifier by method 1 of RFC 7093 section 2, over all of the key's description.
fn key_id(spki: &[u8]) -> Vec<u8> {
    digest(&SHA256, spki).as_ref()[..20].to_vec()
}

/// Who signs a certificate.
struct Above<'a> {
    /// Its subject, DER.
    name: &'a [u8],
    key_id: Option<Vec<u8>>,
    signer: &'a Signer,
    /// Whether it signed the former certificate too.
    same: bool,
}

/// The certificate that a new one is made like.
struct Leaf {
    der: Vec<u8>,
    facts: CertificateFacts,
    /// Its subject, DER.
    subject: Vec<u8>,
}

impl Leaf {
    fn read(pem: &[u8]) -> Result<Self, IssueError> {
        let ders = ders(pem).map_err(IssueError::Former)?;
        let none = || IssueError::Former(CertificateError::NotX509 { position: 1 });
        let der = ders.into_iter().next().ok_or_else(none)?;
        let facts = facts::facts(&der).ok_or_else(none)?;
        if facts.ca && !facts.self_signed {
            return Err(IssueError::FormerIsCa);
        }
        let subject = parsed(&der)?.subject().as_raw().to_vec();
        Ok(Self { der, facts, subject })
    }

    /// Gives it a common name of this moment. All else of its subject stays as it is, byte by byte.
    fn rename(&mut self, now: Timestamp) -> Result<(), IssueError> {
        let former = parsed(&self.der)?;
        let mut parts = der::parts(former.subject().as_raw()).ok_or(IssueError::Signing)?;
        let rdns = former.subject().iter_rdn().enumerate();
        // One of several attributes in one part stays: another part says it then.
        let alone = rdns.filter_map(|(at, rdn)| {
            let mut attributes = rdn.iter();
            let first = attributes.next().filter(|first| *first.attr_type() == oid::OID_X509_COMMON_NAME)?;
            attributes.next().is_none().then_some((at, first.as_str().unwrap_or_default()))
        });
        let (at, name) = alone.last().unwrap_or((parts.len(), "CA"));
        let named = der::common_name(&oid::OID_X509_COMMON_NAME, &succeeding(name, now));
        parts.splice(at..(at + 1).min(parts.len()), [named]);
        self.subject = der::sequence(&parts);
        Ok(())
    }

    fn signed(
        &self,
        key: &NewKey,
        above: &Above<'_>,
        (not_before, not_after): (Timestamp, Timestamp),
    ) -> Result<Vec<u8>, IssueError> {
        let (serial, algorithm) = (serial()?, above.signer.algorithm());
        let extensions = self.extensions(key, above)?;
        let to_be_signed = ToBeSigned {
            serial: &serial,
            algorithm: &algorithm,
            issuer: above.name,
            not_before,
            not_after,
            subject: &self.subject,
            spki: &key.spki,
            extensions: &extensions,
        };
        let tbs = to_be_signed.der();
        let made = der::certificate(&tbs, &algorithm, &above.signer.sign(&tbs)?);
        self.same_but_for_its_key(&made)?;
        Ok(made)
    }

    /// Those of the former certificate, but for what is about its key, about it alone, or about another issuer.
    fn extensions(&self, key: &NewKey, above: &Above<'_>) -> Result<Vec<Vec<u8>>, IssueError> {
        let former = parsed(&self.der)?;
        let own = [oid::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER, oid::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER];
        let alone = [TIMESTAMPS, POISON];
        let of_issuer = [
            oid::OID_PKIX_AUTHORITY_INFO_ACCESS,
            oid::OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
            oid::OID_X509_EXT_FRESHEST_CRL,
            oid::OID_X509_EXT_ISSUER_ALT_NAME,
        ];
        let copied = former.extensions().iter().filter(|extension| {
            let id = &extension.oid;
            !own.contains(id) && !alone.contains(id) && (above.same || !of_issuer.contains(id))
        });
        let mut all: Vec<Vec<u8>> =
            copied.map(|extension| der::extension(&extension.oid, extension.critical, extension.value)).collect();
        all.push(der::extension(&own[0], false, &der::octets(&key_id(&key.spki))));
        if let Some(id) = &above.key_id {
            all.push(der::extension(&own[1], false, &der::issuer_key_id(id)));
        }
        Ok(all)
    }

    /// Reads back what was made: nothing that it says of whom it is for may have been lost.
    fn same_but_for_its_key(&self, made: &[u8]) -> Result<(), IssueError> {
        let lost = |what: &str| IssueError::NotAccepted(format!("{what} got lost").into());
        let facts = facts::facts(made).ok_or_else(|| lost("all of it"))?;
        let (former, new) = (parsed(&self.der)?, parsed(made)?);
        let names = |certificate: &X509Certificate<'_>| {
            let found = certificate.get_extension_unique(&oid::OID_X509_EXT_SUBJECT_ALT_NAME).ok().flatten();
            found.map(|found| (found.critical, found.value.to_vec()))
        };
        if new.subject().as_raw() != self.subject {
            return Err(lost("its subject"));
        }
        if names(&former) != names(&new) {
            return Err(lost("one of its names"));
        }
        if (self.facts.usage, self.facts.ca) != (facts.usage, facts.ca) {
            return Err(lost("what it may be used for"));
        }
        Ok(())
    }
}

/// A CA with its key.
struct Authority {
    ders: Vec<Vec<u8>>,
    chain: Vec<CertificateFacts>,
    subject: Vec<u8>,
    signer: Signer,
    /// The self-signed certificate that all of it ends in, where it is known.
    root: Option<Vec<u8>>,
}

impl Authority {
    fn read(material: &Material<'_>, now: Timestamp) -> Result<Self, IssueError> {
        let ders = ders(material.certificate).map_err(IssueError::Signer)?;
        let chain = chain(material.certificate).map_err(IssueError::Signer)?;
        let (Some(first), Some(facts)) = (ders.first(), chain.first()) else {
            return Err(IssueError::Signer(CertificateError::NoCertificate));
        };
        may_sign(facts, now)?;
        let certificate = parsed(first)?;
        let signer = Signer::of(certificate.public_key(), material.key)?;
        let subject = certificate.subject().as_raw().to_vec();
        let root = root(&ders, &chain, material.authority);
        Ok(Self { ders, chain, subject, signer, root })
    }

    fn above(&self, former: &CertificateFacts) -> Above<'_> {
        let own = self.chain.first();
        Above {
            name: &self.subject,
            key_id: own.and_then(|own| own.key_id.as_deref()).map(<[u8]>::to_vec),
            signer: &self.signer,
            same: own.is_some_and(|own| own.vouches_for(former)),
        }
    }

    /// Whether a client that trusts this CA takes a certificate for what the former one was for.
    fn accepts(&self, made: &[u8], former: &CertificateFacts, now: Timestamp) -> Result<(), IssueError> {
        let not = |why: &dyn std::fmt::Display| IssueError::NotAccepted(why.to_string().into());
        let top = self.root.as_ref().or(self.ders.last()).ok_or(IssueError::SignerKey)?;
        let top = CertificateDer::from(top.as_slice());
        let anchor = anchor_from_trusted_cert(&top).map_err(|error| not(&error))?;
        let between: Vec<CertificateDer<'_>> = self.ders.iter().map(|der| der.as_slice().into()).collect();
        self.vouches(made)?;
        let leaf = CertificateDer::from(made);
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| not(&error))?;
        let server = former.usage.server.unwrap_or(true);
        let usage = if server { KeyUsage::server_auth() } else { KeyUsage::client_auth() };
        if !server && former.usage.client == Some(false) {
            return Ok(());
        }
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[anchor], &between, now, usage, None, None)
            .map(drop)
            .map_err(|error| not(&error))
    }

    /// Whether the CAs above may vouch for every name; webpki only says that one of them may not.
    fn vouches(&self, made: &[u8]) -> Result<(), IssueError> {
        let own = facts::facts(made).ok_or(IssueError::Signing)?;
        let root = self.root.as_deref().and_then(facts::facts);
        let known = |root: &&CertificateFacts| self.chain.iter().all(|ca| ca.fingerprint != root.fingerprint);
        let path: Vec<_> = [&own].into_iter().chain(&self.chain).chain(root.as_ref().filter(known)).collect();
        match outside(&path).first() {
            Some(outside) => Err(IssueError::NotAccepted(text::sanitize(&outside.said()).into())),
            None => Ok(()),
        }
    }

    fn issued(&self, made: &[u8], key: NewKey, former: Option<&[u8]>) -> Result<Issued, IssueError> {
        let mut certificate = der::certificate_pem(made);
        let between = self.ders.iter().zip(&self.chain).filter(|(_, facts)| !facts.self_signed);
        between.for_each(|(der, _)| certificate.push_str(&der::certificate_pem(der)));
        if super::key_match(certificate.as_bytes(), key.pem.as_bytes()) != KeyMatch::Match {
            return Err(IssueError::Signing);
        }
        let authority = former.map(|former| trusting(former, self.root.as_ref()));
        Ok(Issued { certificate, key: key.pem, authority })
    }
}

/// Whether a certificate may sign others now (RFC 5280 4.2.1.3, 4.2.1.9).
fn may_sign(facts: &CertificateFacts, now: Timestamp) -> Result<(), IssueError> {
    if !facts.ca {
        return Err(IssueError::NotCa("it is not a CA (basicConstraints)"));
    }
    if facts.usage.signs == Some(false) {
        return Err(IssueError::NotCa("its key is not for signing certificates (keyUsage)"));
    }
    if !facts.holds(now) {
        return Err(IssueError::SignerTime(facts.not_before, facts.not_after));
    }
    Ok(())
}

/// The root above a chain: in it, or in the bundle beside it.
fn root(all: &[Vec<u8>], facts: &[CertificateFacts], bundle: Option<&[u8]>) -> Option<Vec<u8>> {
    let own = all.iter().zip(facts).find(|(_, facts)| facts.self_signed).map(|(der, _)| der.clone());
    let beside = || {
        let (bundle, last) = (bundle?, facts.last()?);
        let (held, ders) = (chain(bundle).ok()?, ders(bundle).ok()?);
        let found = held.iter().zip(ders).find(|(facts, _)| facts.self_signed && facts.vouches_for(last));
        found.map(|(_, der)| der)
    };
    own.or_else(beside)
}

fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, IssueError> {
    let none = |_| IssueError::Former(CertificateError::NotX509 { position: 1 });
    X509Certificate::from_der(der).map(|(_, certificate)| certificate).map_err(none)
}

#[cfg(test)]
mod tests;
