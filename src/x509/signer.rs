//! Keys that sign certificates: those of a CA, and new ones. They are held in memory only, wiped when they go, and
//! never part of an error.

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rsa::pkcs1::EncodeRsaPrivateKey;
use x509_parser::asn1_rs::{Oid, ToDer, oid as literal};
use x509_parser::oid_registry as oid;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::issue::IssueError;
use super::private::{self, PrivateKey, padded};
use super::{KeyKind, der};

/// ecdsa-with-SHA256 and -SHA384 (RFC 5758 3.2), Ed25519 (RFC 8410 3), sha256WithRSAEncryption (RFC 4055 5).
const ECDSA_SHA256: Oid<'static> = literal!(1.2.840.10045.4.3.2);
const ECDSA_SHA384: Oid<'static> = literal!(1.2.840.10045.4.3.3);
const ED25519: Oid<'static> = literal!(1.3.101.112);
const RSA_SHA256: Oid<'static> = literal!(1.2.840.113549.1.1.11);
const RSA: Oid<'static> = literal!(1.2.840.113549.1.1.1);

/// A key that signs.
pub(super) enum Signer {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    /// The key of a certificate, from its PEM.
    ///
    /// # Errors
    /// When it cannot be read, does not belong to the certificate, or is of a kind that cannot sign here.
    pub fn of(public: &SubjectPublicKeyInfo<'_>, key: &[u8]) -> Result<Self, IssueError> {
        let point = public.subject_public_key.data.as_ref();
        let read = private::read(key).ok_or(IssueError::SignerKey)?;
        let curve = public.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        let signer = match (read, curve) {
            (PrivateKey::Ec { scalar, .. }, Some(curve)) if curve == oid::OID_EC_P256 => {
                Self::P256(on_curve(&ECDSA_P256_SHA256_ASN1_SIGNING, 32, &scalar, point)?)
            }
            (PrivateKey::Ec { scalar, .. }, Some(curve)) if curve == oid::OID_NIST_EC_P384 => {
                Self::P384(on_curve(&ECDSA_P384_SHA384_ASN1_SIGNING, 48, &scalar, point)?)
            }
            (PrivateKey::Ec { .. }, _) => return Err(IssueError::SignerKind),
            (PrivateKey::Ed25519(seed), _) => Self::Ed25519(
                Ed25519KeyPair::from_seed_and_public_key(&seed, point).map_err(|_| IssueError::SignerMismatch)?,
            ),
            (PrivateKey::Rsa(der), _) => {
                let pair = RsaKeyPair::from_der(&der).map_err(|_| IssueError::SignerKind)?;
                if pair.public_key().as_ref() != point {
                    return Err(IssueError::SignerMismatch);
                }
                Self::Rsa(pair)
            }
        };
        Ok(signer)
    }

    /// `AlgorithmIdentifier` of its signatures, DER.
    pub fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::P256(_) => der::algorithm(&ECDSA_SHA256, None),
            Self::P384(_) => der::algorithm(&ECDSA_SHA384, None),
            Self::Ed25519(_) => der::algorithm(&ED25519, None),
            Self::Rsa(_) => der::algorithm(&RSA_SHA256, Some(der::NULL)),
        }
    }

    /// Signs.
    ///
    /// # Errors
    /// When there is no randomness, or a key is unfit.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IssueError> {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, message).map(|signed| signed.as_ref().to_vec()).map_err(|_| IssueError::Signing)
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signed).map_err(|_| IssueError::Signing)?;
                Ok(signed)
            }
        }
    }
}

fn on_curve(
    algorithm: &'static EcdsaSigningAlgorithm,
    size: usize,
    scalar: &[u8],
    point: &[u8],
) -> Result<EcdsaKeyPair, IssueError> {
    let scalar = padded(scalar, size).ok_or(IssueError::SignerMismatch)?;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, point, &SystemRandom::new())
        .map_err(|_| IssueError::SignerMismatch)
}

/// A new key pair.
pub(super) struct NewKey {
    /// It signs for itself.
    pub signer: Signer,
    /// PKCS#8, PEM.
    pub pem: Zeroizing<String>,
    /// `SubjectPublicKeyInfo`, DER.
    pub spki: Vec<u8>,
}

impl NewKey {
    /// Makes one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(kind: KeyKind) -> Result<Self, IssueError> {
        let random = SystemRandom::new();
        let made = |_| IssueError::Signing;
        match kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => {
                let p256 = kind == KeyKind::EcdsaP256;
                let (algorithm, curve) = if p256 {
                    (&ECDSA_P256_SHA256_ASN1_SIGNING, oid::OID_EC_P256)
                } else {
                    (&ECDSA_P384_SHA384_ASN1_SIGNING, oid::OID_NIST_EC_P384)
                };
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(made)?;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
                let pair = pair.map_err(|_| IssueError::Signing)?;
                let curve = curve.to_der_vec().map_err(|_| IssueError::Signing)?;
                let algorithm = der::algorithm(&oid::OID_KEY_TYPE_EC_PUBLIC_KEY, Some(&curve));
                let spki = der::spki(&algorithm, pair.public_key().as_ref());
                let signer = if p256 { Signer::P256(pair) } else { Signer::P384(pair) };
                Ok(Self { signer, pem: der::private_pem(pkcs8.as_ref()), spki })
            }
            KeyKind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut *seed).map_err(made)?;
                let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| IssueError::Signing)?;
                let algorithm = der::algorithm(&ED25519, None);
                let spki = der::spki(&algorithm, pair.public_key().as_ref());
                // ring writes version 2 of PKCS#8, which openssl does not read.
                let pem = der::private_pem(&der::pkcs8(&algorithm, &Zeroizing::new(der::octets(&*seed))));
                Ok(Self { signer: Signer::Ed25519(pair), pem, spki })
            }
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Self::rsa(kind.bits()),
        }
    }

    fn rsa(bits: usize) -> Result<Self, IssueError> {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits).map_err(|_| IssueError::Signing)?;
        let pkcs1 = key.to_pkcs1_der().map_err(|_| IssueError::Signing)?;
        let pair = RsaKeyPair::from_der(pkcs1.as_bytes()).map_err(|_| IssueError::Signing)?;
        let algorithm = der::algorithm(&RSA, Some(der::NULL));
        let spki = der::spki(&algorithm, pair.public_key().as_ref());
        let pem = der::private_pem(&der::pkcs8(&algorithm, pkcs1.as_bytes()));
        Ok(Self { signer: Signer::Rsa(pair), pem, spki })
    }
}

/// Random bytes for a serial number: positive, and never the same again (RFC 5280 4.1.2.2: at most 20 octets).
///
/// # Errors
/// When there is no randomness.
pub(super) fn serial() -> Result<[u8; 16], IssueError> {
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| IssueError::Signing)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}
