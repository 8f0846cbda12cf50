//! Whether a private key belongs to a certificate.
//!
//! Only the public half is compared. Nothing of the key leaves this module, in errors or otherwise.

use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use x509_parser::asn1_rs::{FromDer, Integer, Oid, Sequence};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry as oid;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::ders;
use super::private::{self, PrivateKey, padded, significant};
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
    match private::read(key)? {
        PrivateKey::Rsa(der) => rsa(public, &der),
        PrivateKey::Ec { curve, scalar, point } => ec(public, &curve?, &scalar, point),
        PrivateKey::Ed25519(seed) => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
            let same_kind = public.algorithm.algorithm == oid::OID_SIG_ED25519;
            Some(same_kind && pair.public_key().as_ref() == public.subject_public_key.data.as_ref())
        }
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

fn ec(public: &SubjectPublicKeyInfo<'_>, curve: &Oid<'_>, scalar: &[u8], point: Option<Vec<u8>>) -> Option<bool> {
    let parameters = public.algorithm.parameters.as_ref();
    if public.algorithm.algorithm != oid::OID_KEY_TYPE_EC_PUBLIC_KEY
        || parameters.and_then(|parameters| parameters.as_oid().ok()).is_none_or(|theirs| theirs != *curve)
    {
        return Some(false);
    }
    let theirs = public.subject_public_key.data.as_ref();
    // A compressed point cannot be compared with what ring computes.
    let whole = theirs.first() == Some(&4);
    if whole && *curve == oid::OID_EC_P256 {
        on_curve(&ECDSA_P256_SHA256_ASN1_SIGNING, 32, scalar, theirs)
    } else if whole && *curve == oid::OID_NIST_EC_P384 {
        on_curve(&ECDSA_P384_SHA384_ASN1_SIGNING, 48, scalar, theirs)
    } else {
        // ring cannot multiply on other curves, so the key's own word for its public half must do.
        point.filter(|point| point.len() == theirs.len()).map(|point| point == theirs)
    }
}

/// Whether the scalar makes this point. The key's own public half, if any, is not trusted.
fn on_curve(algorithm: &'static EcdsaSigningAlgorithm, size: usize, scalar: &[u8], point: &[u8]) -> Option<bool> {
    let scalar = padded(scalar, size)?;
    let inconsistent = |rejected: &KeyRejected| rejected.to_string() == "InconsistentComponents";
    match EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, point, &SystemRandom::new()) {
        Ok(_) => Some(true),
        Err(rejected) => inconsistent(&rejected).then_some(false),
    }
}
