//! One certificate in DER to the facts that are kept of it.
//!
//! Algorithms are told by their object identifiers: the parser's own names are incomplete, and it writes to the terminal
//! about those that it does not know.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::asn1_rs::{Oid, oid as literal};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{ASN1Time, FromDer};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use super::constraints;
use crate::model::{CertificateFacts, KeyPurpose, NextLink, Oddity};
use crate::text::{hex, sha256};

/// ecdsa-with-SHA1 (RFC 3279 2.2.3), which the registry of the parser leaves out.
const ECDSA_SHA1: Oid<'static> = literal!(1.2.840.10045.4.1);

/// The longest serial number in octets (RFC 5280 4.1.2.2).
const LONGEST_SERIAL: usize = 20;

/// Reads one certificate; `None` when it is none, or has something after it.
pub(super) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    Some(CertificateFacts {
        fingerprint: sha256(der).into(),
        serial: hex(certificate.raw_serial()).into(),
        subject: certificate.subject().to_string().into(),
        issuer: certificate.issuer().to_string().into(),
        names: names(&certificate),
        not_before: timestamp(certificate.validity().not_before),
        not_after: timestamp(certificate.validity().not_after),
        ca: certificate.is_ca(),
        self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw()
            && certificate.verify_signature(None).is_ok(),
        key: key(certificate.public_key()),
        spki: sha256(certificate.public_key().raw).into(),
        signature: signature(&certificate.signature_algorithm.algorithm),
        path_len: certificate.basic_constraints().ok().flatten().and_then(|basic| basic.value.path_len_constraint),
        key_id: key_id(&certificate),
        issuer_key_id: issuer_key_id(&certificate),
        usage: usage(&certificate),
        next: NextLink::Last,
        oddities: oddities(&certificate),
        other_names: constraints::other_names(&certificate),
        constraints: constraints::of(&certificate),
    })
}

/// How each certificate hangs together with the one after it; those that are no certificates are `Last`.
pub(super) fn links(ders: &[Vec<u8>]) -> Vec<NextLink> {
    let read: Vec<_> = ders.iter().map(|der| X509Certificate::from_der(der).ok().map(|(_, read)| read)).collect();
    let pairs = read.windows(2).map(|pair| match pair {
        [Some(certificate), Some(next)] => link(certificate, next),
        _ => NextLink::Last,
    });
    pairs.chain([NextLink::Last]).take(ders.len()).collect()
}

fn link(certificate: &X509Certificate<'_>, next: &X509Certificate<'_>) -> NextLink {
    if certificate.issuer().as_raw() != next.subject().as_raw() {
        return NextLink::Stranger;
    }
    match certificate.verify_signature(Some(next.public_key())) {
        Ok(()) => NextLink::Issuer,
        Err(X509Error::SignatureVerificationError) if !short(next.public_key()) => NextLink::Stranger,
        Err(_) => NextLink::Unproved,
    }
}

/// RSA keys below 2048 bits are refused by the verifier itself, whatever they signed.
fn short(spki: &SubjectPublicKeyInfo<'_>) -> bool {
    matches!(spki.parsed(), Ok(PublicKey::RSA(rsa)) if bits(rsa.modulus) < 2048)
}

fn signature(algorithm: &Oid<'_>) -> Box<str> {
    let known = [
        (oid::OID_PKCS1_SHA256WITHRSA, "RSA SHA-256"),
        (oid::OID_PKCS1_SHA384WITHRSA, "RSA SHA-384"),
        (oid::OID_PKCS1_SHA512WITHRSA, "RSA SHA-512"),
        (oid::OID_PKCS1_SHA1WITHRSA, "RSA SHA-1"),
        (oid::OID_PKCS1_MD5WITHRSAENC, "RSA MD5"),
        (oid::OID_PKCS1_MD2WITHRSAENC, "RSA MD2"),
        (oid::OID_PKCS1_RSASSAPSS, "RSA-PSS"),
        (oid::OID_SIG_ECDSA_WITH_SHA256, "ECDSA SHA-256"),
        (oid::OID_SIG_ECDSA_WITH_SHA384, "ECDSA SHA-384"),
        (oid::OID_SIG_ECDSA_WITH_SHA512, "ECDSA SHA-512"),
        (ECDSA_SHA1, "ECDSA SHA-1"),
        (oid::OID_SIG_ED25519, "Ed25519"),
        (oid::OID_SIG_ED448, "Ed448"),
    ];
    let found = known.iter().find(|(oid, _)| oid == algorithm);
    found.map_or_else(|| algorithm.to_id_string().into(), |(_, name)| (*name).into())
}

fn usage(certificate: &X509Certificate<'_>) -> KeyPurpose {
    let extended = certificate.extended_key_usage().ok().flatten().map(|extension| extension.value);
    KeyPurpose {
        signs: certificate.key_usage().ok().flatten().map(|extension| extension.value.key_cert_sign()),
        server: extended.map(|extended| extended.server_auth || extended.any),
        client: extended.map(|extended| extended.client_auth || extended.any),
    }
}

fn key_id(certificate: &X509Certificate<'_>) -> Option<Box<[u8]>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0.into()),
        _ => None,
    })
}

fn issuer_key_id(certificate: &X509Certificate<'_>) -> Option<Box<[u8]>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(authority) => Some(authority.key_identifier.as_ref()?.0.into()),
        _ => None,
    })
}

fn oddities(certificate: &X509Certificate<'_>) -> Box<[Oddity]> {
    let serial = certificate.raw_serial();
    let negative = serial.first().is_some_and(|byte| byte & 0x80 != 0);
    let odd = negative || serial.iter().all(|byte| *byte == 0) || serial.len() > LONGEST_SERIAL;
    let own = odd.then_some(Oddity::Serial).into_iter();
    let own = own.chain((certificate.version() != X509Version::V3).then_some(Oddity::Version));
    let unknown = certificate.extensions().iter().filter(|extension| match extension.parsed_extension() {
        ParsedExtension::UnsupportedExtension { .. } => extension.critical,
        ParsedExtension::ParseError { .. } => extension.oid == oid::OID_X509_EXT_NAME_CONSTRAINTS,
        _ => false,
    });
    let unknown = unknown.map(|extension| Oddity::Critical(extension.oid.to_id_string().into()));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| names.value.general_names.iter()).filter_map(odd_name);
    own.chain(unknown).chain(names).collect()
}

fn odd_name(name: &GeneralName<'_>) -> Option<Oddity> {
    match name {
        GeneralName::DNSName(name) if name.parse::<IpAddr>().is_ok() => Some(Oddity::AddressAsName((*name).into())),
        GeneralName::DNSName(name) if !is_dns_name(name) => Some(Oddity::BadName((*name).into())),
        GeneralName::IPAddress(bytes) if address(bytes).is_none() => Some(Oddity::BadAddress),
        _ => None,
    }
}

/// Letters, digits, hyphens and, as hosts have them, underscores; a star alone as the first label (RFC 6125 6.4.3).
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// A time within what can be said. RFC 5280 4.1.2.5 uses the last second of 9999 for "never", just beyond it.
fn timestamp(time: ASN1Time) -> Timestamp {
    let end = if time.timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(time.timestamp()).unwrap_or(end)
}

fn names(certificate: &X509Certificate<'_>) -> Box<[Box<str>]> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Box::default() };
    let said = |name: &GeneralName<'_>| -> Option<Box<str>> {
        match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).into()),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string().into()),
            _ => None,
        }
    };
    names.value.general_names.iter().filter_map(said).collect()
}

pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// The length of a number; the parser's counts whole octets.
fn bits(number: &[u8]) -> usize {
    let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    let spare = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - spare
}

/// Key algorithm and size.
fn key(spki: &SubjectPublicKeyInfo<'_>) -> Box<str> {
    let algorithm = &spki.algorithm.algorithm;
    let said = if let Ok(PublicKey::RSA(rsa)) = spki.parsed() {
        format!("RSA {}", bits(rsa.modulus))
    } else if *algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = spki.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        match curve {
            Some(curve) if curve == oid::OID_EC_P256 => "ECDSA P-256".to_owned(),
            Some(curve) if curve == oid::OID_NIST_EC_P384 => "ECDSA P-384".to_owned(),
            Some(curve) if curve == oid::OID_NIST_EC_P521 => "ECDSA P-521".to_owned(),
            Some(curve) => format!("ECDSA {}", curve.to_id_string()),
            None => "ECDSA".to_owned(),
        }
    } else if *algorithm == oid::OID_SIG_ED25519 {
        "Ed25519".to_owned()
    } else {
        algorithm.to_id_string()
    };
    said.into()
}
