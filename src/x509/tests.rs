//! Certificates as they are found in the field, good and bad. Keys under `fixtures` were made for these tests.

use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use rstest::rstest;

use super::*;
use crate::model::{KeyMatch, KeyPurpose, NextLink, Oddity};

const P256: &str = include_str!("fixtures/p256.crt.pem");
const P256_SEC1: &str = include_str!("fixtures/p256.sec1.pem");
const P256_BARE: &str = include_str!("fixtures/p256.bare.pem");
const P256_PKCS8: &str = include_str!("fixtures/p256.pkcs8.pem");
const P256_ENCRYPTED: &str = include_str!("fixtures/p256.encrypted.pem");
const P521: &str = include_str!("fixtures/p521.crt.pem");
const P521_SEC1: &str = include_str!("fixtures/p521.sec1.pem");
const P521_PKCS8: &str = include_str!("fixtures/p521.pkcs8.pem");
const RSA: &str = include_str!("fixtures/rsa.crt.pem");
const RSA_PKCS1: &str = include_str!("fixtures/rsa.pkcs1.pem");
const RSA_PKCS8: &str = include_str!("fixtures/rsa.pkcs8.pem");

fn subjects(pem: &str) -> Result<Vec<String>, CertificateError> {
    chain(pem.as_bytes()).map(|chain| chain.iter().map(|facts| facts.subject.to_string()).collect())
}

#[test]
fn facts_are_those_of_the_certificate() {
    let facts = chain(RSA.as_bytes()).unwrap().remove(0);
    assert_eq!(&*facts.subject, "O=Shop, CN=rsa.example");
    assert_eq!(facts.subject, facts.issuer);
    assert_eq!(facts.names.iter().map(|n| &**n).collect::<Vec<_>>(), ["rsa.example", "10.0.0.1", "spiffe://shop/db"]);
    assert_eq!(&*facts.key, "RSA 2048");
    assert!(facts.self_signed);
    assert_eq!((facts.fingerprint.len(), facts.spki.len()), (64, 64));
    assert_eq!(facts.not_after.duration_since(facts.not_before).as_hours(), 3650 * 24);
}

#[rstest]
#[case(P256, "ECDSA P-256")]
#[case(P521, "ECDSA P-521")]
fn keys_are_named(#[case] pem: &str, #[case] key: &str) {
    assert_eq!(&*chain(pem.as_bytes()).unwrap()[0].key, key);
}

/// An issuer of the same name is not enough to be self-signed.
#[test]
fn self_signed_takes_a_signature() {
    let authority = |key: &KeyPair| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "same");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.self_signed(key).unwrap(), params)
    };
    let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (root, params) = authority(&root_key);
    let issuer = rcgen::Issuer::new(params, root_key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "same");
    let leaf = params.signed_by(&leaf_key, &issuer).unwrap();
    let facts = chain(format!("{}{}", leaf.pem(), root.pem()).as_bytes()).unwrap();
    assert_eq!(facts[0].issuer, facts[0].subject);
    assert_eq!((facts[0].self_signed, facts[1].self_signed), (false, true));
    assert_eq!((facts[0].ca, facts[1].ca), (false, true));
}

/// A CA of this name and its key.
fn authority(name: &str) -> (rcgen::Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let pem = params.self_signed(&key).unwrap().pem();
    (rcgen::Issuer::new(params, key), pem)
}

fn issued(params: &CertificateParams, issuer: &rcgen::Issuer<'static, KeyPair>) -> String {
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().pem()
}

#[test]
fn each_certificate_knows_whether_the_next_one_issued_it() {
    let ((issuer, ca), (_, namesake), (_, other)) = (authority("ca"), authority("ca"), authority("other"));
    let leaf = issued(&CertificateParams::default(), &issuer);
    let next = |pem: String| chain(pem.as_bytes()).unwrap().iter().map(|facts| facts.next).collect::<Vec<_>>();
    assert_eq!(next(format!("{leaf}{ca}")), [NextLink::Issuer, NextLink::Last]);
    assert_eq!(next(format!("{leaf}{namesake}")), [NextLink::Stranger, NextLink::Last], "another key of that name");
    assert_eq!(next(format!("{leaf}{other}{ca}"))[0], NextLink::Stranger);
    assert_eq!(next(leaf), [NextLink::Last]);
}

#[test]
fn what_a_certificate_may_be_used_for_is_read() {
    let (issuer, ca) = authority("ca");
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = &chain(issued(&params, &issuer).as_bytes()).unwrap()[0];
    assert_eq!(leaf.usage, KeyPurpose { signs: None, server: Some(false), client: Some(true) });
    let ca = &chain(ca.as_bytes()).unwrap()[0];
    assert_eq!((ca.usage, ca.path_len), (KeyPurpose { signs: Some(true), server: None, client: None }, Some(0)));
    assert_eq!((&*ca.signature, &*chain(RSA.as_bytes()).unwrap()[0].signature), ("ECDSA SHA-256", "RSA SHA-256"));
}

#[rstest]
#[case::sound(b"\x01", &[], vec!["db.shop.svc", "*.shop.svc"], vec![])]
#[case::long_serial(&[1; 21], &[], vec![], vec![Oddity::Serial])]
#[case::zero(b"\x00", &[], vec![], vec![Oddity::Serial])]
#[case::address_as_name(b"\x01", &[], vec!["10.0.0.1"], vec![Oddity::AddressAsName("10.0.0.1".into())])]
#[case::no_name(b"\x01", &[], vec!["a b", "x..y", "*"], vec![Oddity::BadName("a b".into()), Oddity::BadName("x..y".into()), Oddity::BadName("*".into())])]
#[case::critical(b"\x01", &[1, 3, 6, 1, 4, 1, 99_999, 1], vec![], vec![Oddity::Critical("1.3.6.1.4.1.99999.1".into())])]
fn what_clients_trip_over_is_noted(
    #[case] serial: &[u8],
    #[case] critical: &[u64],
    #[case] names: Vec<&str>,
    #[case] expected: Vec<Oddity>,
) {
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial.to_vec().into());
    params.subject_alt_names = names.iter().map(|name| rcgen::SanType::DnsName((*name).try_into().unwrap())).collect();
    if !critical.is_empty() {
        let mut extension = rcgen::CustomExtension::from_oid_content(critical, vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    }
    let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert_eq!(*chain(pem.as_bytes()).unwrap()[0].oddities, *expected);
}

/// RFC 5280 writes "never" as the end of 9999, just beyond what a timestamp holds.
#[test]
fn never_ending_certificates_end_at_the_last_moment() {
    let mut params = CertificateParams::default();
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert_eq!(chain(pem.as_bytes()).unwrap()[0].not_after, jiff::Timestamp::MAX);
}

#[rstest]
#[case::byte_order_mark(format!("\u{feff}{P256}{RSA}"))]
#[case::indented(format!("{P256}{RSA}").replace('\n', "\n    "))]
#[case::windows_lines(format!("{P256}{RSA}").replace('\n', "\r\n"))]
#[case::glued(format!("{}{}", P256.trim(), RSA.trim()))]
#[case::sharing_dashes(format!("{}{}", P256.trim(), RSA.trim().trim_start_matches('-')))]
#[case::text_around(format!("Bag Attributes: \u{e9}\nsubject=CN = x\n{P256}\nissuer=\n{RSA}\n# end"))]
#[case::no_newline_at_end(format!("{P256}{}", RSA.trim_end()))]
#[case::other_blocks_between(format!("{P256}{P256_SEC1}{RSA}"))]
fn no_certificate_is_lost(#[case] pem: String) {
    assert_eq!(subjects(&pem).unwrap(), ["CN=prime256v1.example", "O=Shop, CN=rsa.example"]);
}

#[rstest]
#[case::nothing("", CertificateError::Empty)]
#[case::white_space(" \n\t\n", CertificateError::Empty)]
#[case::text("not a certificate", CertificateError::NoCertificate)]
#[case::a_key(P256_PKCS8, CertificateError::NoCertificate)]
#[case::a_request(
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    CertificateError::NoCertificate
)]
#[case::not_base64("-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----", CertificateError::NotBase64 { position: 1 })]
#[case::empty_block("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", CertificateError::NotBase64 { position: 1 })]
#[case::escaped_lines("-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----", CertificateError::NotBase64 { position: 1 })]
#[case::not_x509("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", CertificateError::NotX509 { position: 1 })]
#[case::other_end("-----BEGIN CERTIFICATE-----\nAAAA\n-----END X-----", CertificateError::Unterminated { position: 1 })]
#[case::few_dashes("----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", CertificateError::Lost { begun: 1, read: 0 })]
fn bad_input_has_a_name(#[case] pem: &str, #[case] error: CertificateError) {
    assert_eq!(chain(pem.as_bytes()), Err(error));
}

#[test]
fn errors_name_the_certificate_that_is_bad() {
    let half = &RSA[..RSA.len() / 2];
    assert_eq!(subjects(&format!("{P256}{half}")), Err(CertificateError::Unterminated { position: 2 }));
    assert_eq!(subjects(&format!("{half}{P256}")), Err(CertificateError::Unterminated { position: 1 }));
    let damaged = P256.replace("-----BEGIN", "----- BEGIN");
    assert_eq!(subjects(&format!("{RSA}{damaged}")), Err(CertificateError::Lost { begun: 2, read: 1 }));
}

#[test]
fn too_much_is_not_read() {
    assert_eq!(chain(&vec![b'x'; MAX_BYTES + 1]), Err(CertificateError::TooLarge));
}

#[test]
fn errors_do_not_repeat_input() {
    let secret = "c2VjcmV0IGtleSBtYXRlcmlhbA";
    let pem = format!("-----BEGIN CERTIFICATE-----\n{secret}\n-----END CERTIFICATE-----");
    let said = chain(pem.as_bytes()).unwrap_err();
    assert!(!format!("{said} {said:?}").contains("c2Vj"));
}

#[rstest]
#[case::rsa_pkcs1(RSA, RSA_PKCS1, KeyMatch::Match)]
#[case::rsa_pkcs8(RSA, RSA_PKCS8, KeyMatch::Match)]
#[case::p256_sec1(P256, P256_SEC1, KeyMatch::Match)]
#[case::p256_sec1_without_public_half(P256, P256_BARE, KeyMatch::Match)]
#[case::p256_pkcs8(P256, P256_PKCS8, KeyMatch::Match)]
#[case::p521_sec1(P521, P521_SEC1, KeyMatch::Match)]
#[case::p521_pkcs8(P521, P521_PKCS8, KeyMatch::Match)]
#[case::other_algorithm(RSA, P256_PKCS8, KeyMatch::Mismatch)]
#[case::other_algorithm_back(P256, RSA_PKCS1, KeyMatch::Mismatch)]
#[case::other_curve(P256, P521_SEC1, KeyMatch::Mismatch)]
#[case::no_key(P256, " \n", KeyMatch::Missing)]
#[case::encrypted(P256, P256_ENCRYPTED, KeyMatch::Unreadable)]
#[case::a_certificate_as_key(P256, P256, KeyMatch::Unreadable)]
#[case::a_bad_certificate("nothing", P256_PKCS8, KeyMatch::Unreadable)]
#[case::cut_off(P256, &P256_PKCS8[..100], KeyMatch::Unreadable)]
fn keys_are_matched_by_their_public_half(#[case] certificate: &str, #[case] key: &str, #[case] expected: KeyMatch) {
    assert_eq!(key_match(certificate.as_bytes(), key.as_bytes()), expected);
}

#[rstest]
#[case(&rcgen::PKCS_ECDSA_P256_SHA256)]
#[case(&PKCS_ECDSA_P384_SHA384)]
#[case(&PKCS_ED25519)]
fn another_key_of_the_same_kind_does_not_match(#[case] algorithm: &'static rcgen::SignatureAlgorithm) {
    let [own, other] = [(); 2].map(|()| KeyPair::generate_for(algorithm).unwrap());
    let certificate = CertificateParams::default().self_signed(&own).unwrap().pem();
    let judge = |key: &KeyPair| key_match(certificate.as_bytes(), key.serialize_pem().as_bytes());
    assert_eq!((judge(&own), judge(&other)), (KeyMatch::Match, KeyMatch::Mismatch));
}

/// The chain's first certificate is the one that is served with the key.
#[test]
fn the_key_is_compared_with_the_first_certificate() {
    let both = format!("{RSA}{P256}");
    assert_eq!(key_match(both.as_bytes(), P256_PKCS8.as_bytes()), KeyMatch::Mismatch);
    assert_eq!(key_match(both.as_bytes(), RSA_PKCS8.as_bytes()), KeyMatch::Match);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = chain(&bytes);
        let _ = key_match(&bytes, &bytes);
    }

    /// Damage reaches the DER readers only past the base64, so it is done there.
    #[test]
    fn damaged_certificates_and_keys_do_not_panic(
        fixture in prop::sample::select(vec![P256, P521, RSA, P256_SEC1, P256_PKCS8, P521_PKCS8, RSA_PKCS1]),
        damage in proptest::collection::vec((0usize..2000, prop::sample::select(b"A/+09z=-\n B".to_vec())), 1..6),
    ) {
        let mut bytes = fixture.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let _ = chain(&bytes);
        let _ = key_match(P256.as_bytes(), &bytes);
        let _ = key_match(RSA.as_bytes(), &bytes);
    }

    #[test]
    fn a_chain_is_read_whole_or_not_at_all(count in 1usize..6, cut in 0usize..4000) {
        let pem = P256.repeat(count);
        let part = &pem[..cut.min(pem.len())];
        if let Ok(read) = chain(part.as_bytes()) {
            prop_assert_eq!(read.len(), part.matches("BEGIN CERTIFICATE-").count());
        }
    }
}
