//! Writing DER and PEM: the few shapes that certificates are made of (X.690, RFC 5280, RFC 7468).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use x509_parser::asn1_rs::Oid;
use yasna::{DERWriter, DERWriterSeq, Tag, TagClass, construct_der};
use zeroize::Zeroizing;

/// NULL, the parameters of RSA algorithms (RFC 4055 1.2).
pub(super) const NULL: &[u8] = &[5, 0];

/// Characters of base64 in a line of PEM (RFC 7468 section 2).
const LINE: usize = 64;

const fn universal(tag_number: u64) -> Tag {
    Tag { tag_class: TagClass::Universal, tag_number }
}

fn oid(writer: DERWriter<'_>, oid: &Oid<'_>) {
    writer.write_tagged_implicit(universal(6), |writer| writer.write_bytes(oid.as_bytes()));
}

/// `AlgorithmIdentifier`.
pub(super) fn algorithm(algorithm: &Oid<'_>, parameters: Option<&[u8]>) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            oid(writer.next(), algorithm);
            if let Some(parameters) = parameters {
                writer.next().write_der(parameters);
            }
        });
    })
}

/// A `RelativeDistinguishedName` of one attribute, as UTF8String (RFC 5280 4.1.2.4).
pub(super) fn common_name(id: &Oid<'_>, name: &str) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_set(|writer| {
            writer.next().write_sequence(|writer| {
                oid(writer.next(), id);
                writer.next().write_utf8_string(name);
            });
        });
    })
}

/// A sequence of what is DER already.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| parts.iter().for_each(|part| writer.next().write_der(part)));
    })
}

/// The parts of a sequence, each as it stands; `None` when it is none.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method is not general enough in its lifetimes")]
pub(super) fn parts(sequence: &[u8]) -> Option<Vec<Vec<u8>>> {
    yasna::parse_der(sequence, |reader| reader.collect_sequence_of(|reader| reader.read_der())).ok()
}

/// `SubjectPublicKeyInfo`.
pub(super) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    signed(|writer| writer.write_der(algorithm), None, key)
}

/// A sequence of parts that ends with a bit string: what a public key and a certificate both are.
fn signed(first: impl FnOnce(DERWriter<'_>), second: Option<&[u8]>, bits: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            first(writer.next());
            if let Some(second) = second {
                writer.next().write_der(second);
            }
            writer.next().write_bitvec_bytes(bits, bits.len() * 8);
        });
    })
}

/// `PrivateKeyInfo` of PKCS#8 (RFC 5958), version 0.
pub(super) fn pkcs8(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(0);
            writer.next().write_der(algorithm);
            writer.next().write_bytes(key);
        });
    }))
}

/// One extension (RFC 5280 4.2); `value` is what its octet string holds.
pub(super) fn extension(id: &Oid<'_>, critical: bool, value: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            oid(writer.next(), id);
            // FALSE is the default and is left out (X.690 11.5).
            if critical {
                writer.next().write_bool(true);
            }
            writer.next().write_bytes(value);
        });
    })
}

/// OCTET STRING: the value of a subjectKeyIdentifier (4.2.1.2), a key of Ed25519 (RFC 8410 section 7).
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    construct_der(|writer| writer.write_bytes(bytes))
}

/// The value of an authorityKeyIdentifier that only names the key (4.2.1.1).
pub(super) fn issuer_key_id(id: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(id));
        });
    })
}

/// What a certificate says, before it is signed. Names, algorithm and key are DER as it stands elsewhere.
pub(super) struct ToBeSigned<'a> {
    pub serial: &'a [u8],
    pub algorithm: &'a [u8],
    pub issuer: &'a [u8],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub subject: &'a [u8],
    pub spki: &'a [u8],
    pub extensions: &'a [Vec<u8>],
}

impl ToBeSigned<'_> {
    /// `TBSCertificate`, version 3 (4.1).
    pub fn der(&self) -> Vec<u8> {
        construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_tagged(Tag::context(0), |writer| writer.write_u8(2));
                writer.next().write_bigint_bytes(self.serial, true);
                writer.next().write_der(self.algorithm);
                writer.next().write_der(self.issuer);
                writer.next().write_sequence(|writer| {
                    time(writer, self.not_before);
                    time(writer, self.not_after);
                });
                writer.next().write_der(self.subject);
                writer.next().write_der(self.spki);
                if !self.extensions.is_empty() {
                    writer.next().write_tagged(Tag::context(3), |writer| {
                        writer.write_sequence(|writer| {
                            self.extensions.iter().for_each(|extension| writer.next().write_der(extension));
                        });
                    });
                }
            });
        })
    }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (4.1.2.5).
fn time(writer: &mut DERWriterSeq<'_>, time: Timestamp) {
    let time = time.to_zoned(TimeZone::UTC);
    let (tag, format) = if time.year() < 2050 { (23, "%y%m%d%H%M%SZ") } else { (24, "%Y%m%d%H%M%SZ") };
    let said = time.strftime(format).to_string();
    writer.next().write_tagged_implicit(universal(tag), |writer| writer.write_bytes(said.as_bytes()));
}

/// `Certificate`: what was signed, how, and the signature.
pub(super) fn certificate(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    signed(|writer| writer.write_der(tbs), Some(algorithm), signature)
}

/// A certificate as PEM.
pub(super) fn certificate_pem(der: &[u8]) -> String {
    let mut base64 = String::new();
    STANDARD.encode_string(der, &mut base64);
    let mut pem = String::new();
    armour(&mut pem, "CERTIFICATE", &base64);
    pem
}

/// A PKCS#8 key as PEM.
pub(super) fn private_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    key_pem("PRIVATE KEY", pkcs8)
}

/// A key of any form as PEM.
pub(super) fn key_pem(label: &str, key: &[u8]) -> Zeroizing<String> {
    // As large as it gets, so that growing leaves no copy behind.
    let mut base64 = Zeroizing::new(String::with_capacity(key.len() * 2));
    STANDARD.encode_string(key, &mut base64);
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + 128));
    armour(&mut pem, label, &base64);
    pem
}

fn armour(pem: &mut String, label: &str, base64: &str) {
    let line = |pem: &mut String, parts: &[&str]| parts.iter().for_each(|part| pem.push_str(part));
    line(pem, &["-----BEGIN ", label, "-----\n"]);
    let mut rest = base64;
    while !rest.is_empty() {
        let (first, after) = rest.split_at(rest.len().min(LINE));
        line(pem, &[first, "\n"]);
        rest = after;
    }
    line(pem, &["-----END ", label, "-----\n"]);
}
