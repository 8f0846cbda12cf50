//! Certificates that parsers are known to trip over, each made from a sound one by changing the bytes that matter.

use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair, PKCS_ED25519, PKCS_RSA_SHA256};
use rstest::rstest;

use super::*;
use crate::model::Oddity;

const P256: &str = include_str!("fixtures/p256.crt.pem");
const RSA: &str = include_str!("fixtures/rsa.crt.pem");

/// ecdsa-with-SHA256 and id-ecPublicKey, as they stand in DER.
const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

fn der(pem: &str) -> Vec<u8> {
    ders(pem.as_bytes()).unwrap().remove(0)
}

/// Changes the last byte of every occurrence of these bytes.
fn changed(mut der: Vec<u8>, bytes: &[u8], last: u8) -> Vec<u8> {
    let places: Vec<usize> = (0..=der.len() - bytes.len()).filter(|at| der[*at..].starts_with(bytes)).collect();
    assert!(!places.is_empty(), "nothing to change");
    for at in places {
        der[at + bytes.len() - 1] = last;
    }
    der
}

fn made(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(vec![0x11].into());
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// A subjectAltName of these general names.
fn named(names: &[u8]) -> Vec<u8> {
    let content = [&[0x30, u8::try_from(names.len()).unwrap()][..], names].concat();
    made(|params| params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content)))
}

fn read(der: &[u8]) -> Option<CertificateFacts> {
    facts_of(&[der.to_vec()]).ok().map(|mut chain| chain.remove(0))
}

#[test]
fn a_negative_serial_number_is_odd_and_keeps_its_sign() {
    let negative = read(&changed(made(|_| {}), &[0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x11], 0xfb)).unwrap();
    assert_eq!((&*negative.serial, &*negative.oddities), ("fb", &[Oddity::Serial][..]));
}

#[test]
fn a_certificate_of_the_first_version_is_odd() {
    let first = read(&changed(made(|_| {}), &[0xa0, 0x03, 0x02, 0x01, 0x02], 0)).unwrap();
    assert!(first.oddities.contains(&Oddity::Version));
}

#[rstest]
#[case::one_byte_more(|der: &[u8]| [der, &[0]].concat())]
#[case::another_certificate_behind_it(|der: &[u8]| [der, der].concat())]
#[case::one_byte_less(|der: &[u8]| der[..der.len() - 1].to_vec())]
#[case::nothing(|_: &[u8]| Vec::new())]
fn what_is_not_exactly_one_certificate_is_none(#[case] change: fn(&[u8]) -> Vec<u8>) {
    assert_eq!(read(&change(&der(P256))), None);
}

#[test]
fn algorithms_that_are_not_known_are_told_by_their_number() {
    let signature = read(&changed(der(P256), ECDSA_SHA256, 0x09)).unwrap();
    assert_eq!(&*signature.signature, "1.2.840.10045.4.3.9");
    assert!(!signature.self_signed);
    assert_eq!(&*read(&changed(der(P256), EC_KEY, 0x09)).unwrap().key, "1.2.840.10045.2.9");
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let facts = read(certificate.der()).unwrap();
    assert_eq!((&*facts.key, &*facts.signature, facts.self_signed), ("Ed25519", "Ed25519", true));
    assert!(KeyPair::generate_for(&PKCS_RSA_SHA256).is_err(), "RSA comes from a fixture");
}

/// The parser counts octets: it would say 2056.
#[test]
fn bits_of_a_modulus_are_counted_and_not_its_octets() {
    let whole = der(RSA);
    let at = (0..whole.len() - 5).find(|at| whole[*at..].starts_with(&[0x02, 0x82, 0x01, 0x01, 0x00])).unwrap();
    let mut long = whole;
    long[at + 4] = 1;
    assert_eq!(&*read(&long).unwrap().key, "RSA 2049");
}

#[test]
fn a_certificate_may_have_no_subject() {
    let facts = read(&made(|params| params.distinguished_name = DistinguishedName::new())).unwrap();
    assert_eq!((&*facts.subject, facts.names.len()), ("", 0));
}

#[test]
fn ends_a_century_away_are_told() {
    let facts = read(&made(|params| params.not_after = rcgen::date_time_ymd(2126, 1, 1))).unwrap();
    assert_eq!(facts.not_after.to_string(), "2126-01-01T00:00:00Z");
}

#[rstest]
#[case::an_address_of_five_octets(&[0x87, 5, 1, 2, 3, 4, 5], &[], Oddity::BadAddress)]
#[case::an_address_with_its_mask(&[0x87, 8, 10, 0, 0, 1, 255, 0, 0, 0], &[], Oddity::BadAddress)]
#[case::utf8(&[0x82, 3, 0xc3, 0xa9, b'x'], &["\u{e9}x"], Oddity::BadName("\u{e9}x".into()))]
#[case::a_terminal_command(&[0x82, 4, 0x1b, b'[', b'2', b'J'], &["\u{1b}[2J"], Oddity::BadName("\u{1b}[2J".into()))]
fn names_that_are_none_are_odd(#[case] name: &[u8], #[case] names: &[&str], #[case] oddity: Oddity) {
    // What the parser cannot read as a name at all is no reason to lose the certificate.
    let facts = read(&named(name)).unwrap();
    if facts.oddities.is_empty() {
        assert!(facts.names.is_empty(), "not taken for a name either");
        return;
    }
    assert_eq!(&*facts.oddities, &[oddity]);
    assert_eq!(facts.names.iter().map(|name| &**name).collect::<Vec<_>>(), names);
}

/// Mail address, other name, directory name and registered id beside a DNS name and both kinds of address.
#[test]
fn only_names_that_servers_have_are_kept() {
    let parts: [&[u8]; 7] = [
        &[0x81, 3, b'a', b'@', b'b'],
        &[0xa0, 8, 0x06, 2, 0x2a, 3, 0xa0, 2, 0x05, 0],
        &[0xa4, 2, 0x30, 0],
        &[0x88, 2, 0x2a, 3],
        &[0x82, 3, b'a', b'.', b'b'],
        &[0x87, 4, 10, 0, 0, 1],
        &[0x87, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    let facts = read(&named(&parts.concat())).unwrap();
    assert_eq!(facts.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["a.b", "10.0.0.1", "::1"]);
}

#[rstest]
#[case::lines_of_old_macs(format!("{P256}{RSA}").replace('\n', "\r"))]
#[case::spaces_at_the_ends_of_lines(format!("{P256}{RSA}").replace('\n', "  \n"))]
#[case::base64_in_one_line(format!("{}{}", one_line(P256), one_line(RSA)))]
#[case::a_comment_that_is_no_text(format!("\u{fffd}\u{fffd}\n{P256}# \u{fffd}\n{RSA}"))]
fn two_certificates_are_two(#[case] pem: String) {
    assert_eq!(chain(pem.as_bytes()).unwrap().len(), 2);
}

fn one_line(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

#[test]
fn one_that_lies_there_twice_is_two() {
    let twice = chain(P256.repeat(2).as_bytes()).unwrap();
    assert_eq!(twice[0].fingerprint, twice[1].fingerprint);
}

#[rstest]
#[case::no_end(format!("{}{RSA}", P256.replace("-----END CERTIFICATE-----\n", "")), CertificateError::Unterminated { position: 1 })]
#[case::bad_base64_first(format!("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{RSA}"), CertificateError::NotBase64 { position: 1 })]
#[case::bytes_behind_the_first(format!("{}{RSA}", extended(P256)), CertificateError::NotX509 { position: 1 })]
#[case::a_damaged_begin(format!("{}{RSA}", P256.replace("BEGIN CERTIFICATE", "BEGIN CERTIFICATX")), CertificateError::Lost { begun: 2, read: 1 })]
#[case::of_openssl(P256.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), CertificateError::NoCertificate)]
fn a_chain_with_a_hole_is_refused(#[case] pem: String, #[case] error: CertificateError) {
    assert_eq!(chain(pem.as_bytes()), Err(error));
}

/// The same certificate with bytes behind it, in one block.
fn extended(pem: &str) -> String {
    let der = [&der(pem)[..], &[0, 0, 0]].concat();
    let base64 = serde_json::to_value(k8s_openapi::ByteString(der)).unwrap();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64.as_str().unwrap())
}

proptest! {
    /// What still reads after a change is another certificate, and says so.
    #[test]
    fn a_changed_certificate_has_another_fingerprint(at in any::<prop::sample::Index>(), flip in 1u8..) {
        for pem in [P256, RSA] {
            let sound = der(pem);
            let mut changed = sound.clone();
            changed[at.index(sound.len())] ^= flip;
            if let Some(facts) = read(&changed) {
                prop_assert_ne!(&facts.fingerprint, &read(&sound).unwrap().fingerprint);
                }
        }
    }

    /// One byte that is wrong may make a chain unreadable; it never makes it shorter.
    #[test]
    fn a_damaged_chain_is_not_read_as_a_shorter_one(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), count in 1usize..4,
    ) {
        let mut pem = format!("{P256}{RSA}").repeat(count).into_bytes();
        let at = at.index(pem.len());
        pem[at] = byte;
        if let Ok(read) = chain(&pem) {
            prop_assert_eq!(read.len(), 2 * count);
        }
    }
}
