//! Whether a private key belongs to a certificate.
//!
//! Only the public half is compared. Nothing of the key leaves this module, in errors or otherwise.

use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use x509_parser::asn1_rs::{Any, BitString, Class, FromDer, Integer, OctetString, Oid, Sequence, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry as oid;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{MAX_BYTES, ders, pem};
use crate::model::KeyMatch;

/// Says whether the private key in `key` belongs to the first certificate in `certificate`. Reads PKCS#8, PKCS#1 and
/// SEC1 (RFC 5958, 8017, 5915); an encrypted key, or one of an algorithm we do not know, is unreadable.
pub fn key_match(certificate: &[u8], key: &[u8]) -> KeyMatch {
    if key.iter().all(u8::is_ascii_whitespace) {
        return KeyMatch::Missing;
    }
    let Ok(ders) = ders(certificate) else { return KeyMatch::Unreadable };
    let leaf = ders.first().and_then(|der| X509Certificate::from_der(der).ok());
    let same = leaf.and_then(|(_, leaf)| same(leaf.public_key(), key));
    match same {
        Some(true) => KeyMatch::Match,
        Some(false) => KeyMatch::Mismatch,
        None => KeyMatch::Unreadable,
    }
}

fn same(public: &SubjectPublicKeyInfo<'_>, key: &[u8]) -> Option<bool> {
    if key.len() > MAX_BYTES {
        return None;
    }
    let text = std::str::from_utf8(key).ok()?;
    // OpenSSL puts an EC PARAMETERS block before the key.
    let block = pem::blocks(text).into_iter().find(|block| block.label.ends_with("PRIVATE KEY"))?;
    let der = block.der().ok()?;
    match block.label {
        "PRIVATE KEY" => pkcs8(public, &der),
        "RSA PRIVATE KEY" => rsa(public, &der),
        "EC PRIVATE KEY" => ec(public, &der, None),
        _ => None,
    }
}

/// `OneAsymmetricKey`: version, algorithm, key.
fn pkcs8(public: &SubjectPublicKeyInfo<'_>, der: &[u8]) -> Option<bool> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (rest, algorithm) = Sequence::from_der(rest).ok()?;
    let (_, key) = OctetString::from_der(rest).ok()?;
    let (parameters, algorithm) = Oid::from_der(&algorithm.content).ok()?;
    if algorithm == oid::OID_PKCS1_RSAENCRYPTION || algorithm == oid::OID_PKCS1_RSASSAPSS {
        rsa(public, key.as_ref())
    } else if algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        ec(public, key.as_ref(), Oid::from_der(parameters).ok().map(|(_, curve)| curve))
    } else if algorithm == oid::OID_SIG_ED25519 {
        let (_, seed) = OctetString::from_der(key.as_ref()).ok()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        let same_kind = public.algorithm.algorithm == oid::OID_SIG_ED25519;
        Some(same_kind && pair.public_key().as_ref() == public.subject_public_key.data.as_ref())
    } else {
        None
    }
}

/// `RSAPrivateKey`: version, modulus, public exponent, ...
fn rsa(public: &SubjectPublicKeyInfo<'_>, der: &[u8]) -> Option<bool> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (rest, modulus) = Integer::from_der(rest).ok()?;
    let (_, exponent) = Integer::from_der(rest).ok()?;
    Some(match public.parsed().ok()? {
        PublicKey::RSA(theirs) => {
            significant(theirs.modulus) == significant(modulus.as_ref())
                && significant(theirs.exponent) == significant(exponent.as_ref())
        }
        _ => false,
    })
}

fn significant(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// `ECPrivateKey`: version, scalar, curve `[0]`, public point `[1]`; in PKCS#8 the curve stands outside.
fn ec(public: &SubjectPublicKeyInfo<'_>, der: &[u8], curve: Option<Oid<'_>>) -> Option<bool> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (mut rest, scalar) = OctetString::from_der(rest).ok()?;
    let (mut curve, mut point) = (curve.map(|curve| curve.to_owned()), None);
    while let Ok((after, field)) = Any::from_der(rest) {
        rest = after;
        match (field.class(), field.tag()) {
            (Class::ContextSpecific, Tag(0)) => {
                curve = curve.or_else(|| Oid::from_der(field.data).ok().map(|(_, curve)| curve.to_owned()));
            }
            (Class::ContextSpecific, Tag(1)) => {
                point = BitString::from_der(field.data).ok().map(|(_, bits)| bits.data.into_owned());
            }
            _ => {}
        }
    }
    let curve = curve?;
    let parameters = public.algorithm.parameters.as_ref();
    if public.algorithm.algorithm != oid::OID_KEY_TYPE_EC_PUBLIC_KEY
        || parameters.and_then(|parameters| parameters.as_oid().ok()).is_none_or(|theirs| theirs != curve)
    {
        return Some(false);
    }
    let theirs = public.subject_public_key.data.as_ref();
    // A compressed point cannot be compared with what ring computes.
    let whole = theirs.first() == Some(&4);
    if whole && curve == oid::OID_EC_P256 {
        on_curve(&ECDSA_P256_SHA256_ASN1_SIGNING, 32, scalar.as_ref(), theirs)
    } else if whole && curve == oid::OID_NIST_EC_P384 {
        on_curve(&ECDSA_P384_SHA384_ASN1_SIGNING, 48, scalar.as_ref(), theirs)
    } else {
        // ring cannot multiply on other curves, so the key's own word for its public half must do.
        point.filter(|point| point.len() == theirs.len()).map(|point| point == theirs)
    }
}

/// Whether the scalar makes this point. The key's own public half, if any, is not trusted.
fn on_curve(algorithm: &'static EcdsaSigningAlgorithm, size: usize, scalar: &[u8], point: &[u8]) -> Option<bool> {
    // Some encoders strip leading zeros, some add one.
    let scalar = significant(scalar);
    let mut padded = vec![0; size.checked_sub(scalar.len())?];
    padded.extend_from_slice(scalar);
    let inconsistent = |rejected: &KeyRejected| rejected.to_string() == "InconsistentComponents";
    match EcdsaKeyPair::from_private_key_and_public_key(algorithm, &padded, point, &SystemRandom::new()) {
        Ok(_) => Some(true),
        Err(rejected) => inconsistent(&rejected).then_some(false),
    }
}
