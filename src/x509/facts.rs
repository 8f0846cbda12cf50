//! One certificate in DER to the facts that are kept of it.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{ASN1Time, FromDer};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::model::CertificateFacts;
use crate::text::{hex, sha256};

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
    })
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

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Key algorithm and size.
fn key(spki: &SubjectPublicKeyInfo<'_>) -> Box<str> {
    let algorithm = &spki.algorithm.algorithm;
    let said = if let Ok(PublicKey::RSA(rsa)) = spki.parsed() {
        let modulus = &rsa.modulus[rsa.modulus.iter().take_while(|byte| **byte == 0).count()..];
        let spare = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        format!("RSA {}", modulus.len() * 8 - spare)
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
