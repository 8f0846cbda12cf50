//! Private keys as they are stored: PKCS#8, PKCS#1 and SEC1 (RFC 5958, 8017, 5915), in PEM.
//!
//! What is read lives as long as the value here, and is wiped when that goes. Nothing of it is in any error.

use x509_parser::asn1_rs::{Any, BitString, Class, FromDer, Integer, OctetString, Oid, Sequence, Tag};
use x509_parser::oid_registry as oid;
use zeroize::Zeroizing;

use super::{MAX_BYTES, pem};

/// A private key.
pub(super) enum PrivateKey {
    /// `RSAPrivateKey` of RFC 8017 A.1.2, DER.
    Rsa(Zeroizing<Vec<u8>>),
    /// On an elliptic curve.
    Ec {
        /// Which, where the key says so.
        curve: Option<Oid<'static>>,
        /// The secret number, big-endian.
        scalar: Zeroizing<Vec<u8>>,
        /// The public half, as the key says it.
        point: Option<Vec<u8>>,
    },
    /// Ed25519 (RFC 8410): the seed.
    Ed25519(Zeroizing<Vec<u8>>),
}

/// Reads the first private key; `None` when there is none, when it is encrypted, or of an algorithm that is not known.
pub(super) fn read(key: &[u8]) -> Option<PrivateKey> {
    if key.len() > MAX_BYTES {
        return None;
    }
    let text = std::str::from_utf8(key).ok()?;
    // OpenSSL puts an EC PARAMETERS block before the key.
    let block = pem::blocks(text).into_iter().find(|block| block.label.ends_with("PRIVATE KEY"))?;
    let der = Zeroizing::new(block.der().ok()?);
    match block.label {
        "PRIVATE KEY" => pkcs8(&der),
        "RSA PRIVATE KEY" => Some(PrivateKey::Rsa(der)),
        "EC PRIVATE KEY" => ec(&der, None),
        _ => None,
    }
}

/// `OneAsymmetricKey`: version, algorithm, key.
fn pkcs8(der: &[u8]) -> Option<PrivateKey> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (rest, algorithm) = Sequence::from_der(rest).ok()?;
    let (_, key) = OctetString::from_der(rest).ok()?;
    let (parameters, algorithm) = Oid::from_der(&algorithm.content).ok()?;
    if algorithm == oid::OID_PKCS1_RSAENCRYPTION || algorithm == oid::OID_PKCS1_RSASSAPSS {
        Some(PrivateKey::Rsa(Zeroizing::new(key.as_ref().to_vec())))
    } else if algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        ec(key.as_ref(), Oid::from_der(parameters).ok().map(|(_, curve)| curve.to_owned()))
    } else if algorithm == oid::OID_SIG_ED25519 {
        let (_, seed) = OctetString::from_der(key.as_ref()).ok()?;
        Some(PrivateKey::Ed25519(Zeroizing::new(seed.as_ref().to_vec())))
    } else {
        None
    }
}

/// `ECPrivateKey`: version, scalar, curve `[0]`, public point `[1]`; in PKCS#8 the curve stands outside.
fn ec(der: &[u8], mut curve: Option<Oid<'static>>) -> Option<PrivateKey> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (mut rest, scalar) = OctetString::from_der(rest).ok()?;
    let mut point = None;
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
    Some(PrivateKey::Ec { curve, scalar: Zeroizing::new(scalar.as_ref().to_vec()), point })
}

/// A number without the zeroes before it, which some encoders add and others strip.
pub(super) fn significant(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// A number with zeroes before it, up to a size; `None` when it is larger.
pub(super) fn padded(number: &[u8], size: usize) -> Option<Zeroizing<Vec<u8>>> {
    let number = significant(number);
    let mut padded = Zeroizing::new(vec![0; size.checked_sub(number.len())?]);
    padded.extend_from_slice(number);
    Some(padded)
}
