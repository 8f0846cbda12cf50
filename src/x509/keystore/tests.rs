//! Keystores as tools write them, and as they are damaged. PKCS#12 is written by the crate that reads it, JKS here.

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rstest::rstest;

use super::*;

/// A leaf with the CA that issued it, DER, and the leaf's key.
struct Made {
    leaf: Vec<u8>,
    ca: Vec<u8>,
    key: Vec<u8>,
}

fn made() -> Made {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "keystore ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["web.shop.svc".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    Made { leaf: leaf.der().to_vec(), ca, key: key.serialize_der() }
}

fn pkcs12(made: &Made, password: &str) -> Vec<u8> {
    let certificate = |der: &[u8]| Certificate::from_der(der).unwrap();
    let chain = [certificate(&made.leaf), certificate(&made.ca)];
    let chain = PrivateKeyChain::new("1", PrivateKey::from_der(&made.key).unwrap(), chain);
    let mut store = KeyStore::new();
    store.add_entry("web", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer(password).encryption_iterations(8).mac_iterations(8).write().unwrap()
}

fn pkcs12_of_trust(made: &Made, password: &str) -> Vec<u8> {
    let mut store = KeyStore::new();
    store.add_entry("ca", KeyStoreEntry::Certificate(Certificate::from_der(&made.ca).unwrap()));
    store.writer(password).encryption_iterations(8).mac_iterations(8).write().unwrap()
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&length, text.as_bytes()].concat()
}

fn block(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A JKS of one key with its chain, and one trusted CA.
fn jks(made: &Made) -> Vec<u8> {
    let certificate = |der: &[u8]| [text("X.509"), block(der)].concat();
    let number = |number: u32| number.to_be_bytes().to_vec();
    [
        vec![0xfe, 0xed, 0xfe, 0xed],
        number(2),
        number(2),
        [number(1), text("web"), vec![0; 8], block(&made.key), number(2)].concat(),
        [certificate(&made.leaf), certificate(&made.ca)].concat(),
        [number(2), text("ca"), vec![0; 8], certificate(&made.ca)].concat(),
        vec![0x5a; 20],
    ]
    .concat()
}

fn subjects(chain: &[CertificateFacts]) -> Vec<String> {
    chain.iter().map(|facts| facts.names.first().unwrap_or(&facts.subject).to_string()).collect()
}

#[test]
fn a_pkcs12_opens_with_the_first_password_that_fits() {
    let made = made();
    let read = open(&pkcs12(&made, "s3cret"), &["", "wrong", "s3cret"]).unwrap();
    assert_eq!(subjects(&read.own[0]), ["web.shop.svc", "CN=keystore ca"], "the leaf first");
    assert_eq!(read.own[0][0].next, NextLink::Issuer);
    assert!(read.trusted.is_empty());
    let trust = open(&pkcs12_of_trust(&made, ""), &[""]).unwrap();
    assert_eq!((trust.own.len(), subjects(&trust.trusted)), (0, vec!["CN=keystore ca".to_owned()]));
}

#[test]
fn a_jks_is_read_without_its_password() {
    let made = made();
    let read = open(&jks(&made), &[]).unwrap();
    assert_eq!(subjects(&read.own[0]), ["web.shop.svc", "CN=keystore ca"]);
    assert_eq!(subjects(&read.trusted), ["CN=keystore ca"]);
    assert_eq!(&*read.own[0][0].fingerprint, crate::text::sha256(&made.leaf));
}

#[test]
fn keystores_are_told_by_how_they_begin() {
    let made = made();
    assert_eq!(format(&jks(&made)), Some(Format::Jks));
    assert_eq!(format(&pkcs12(&made, "")), Some(Format::Pkcs12));
    assert_eq!(format(&made.leaf), None, "a certificate in DER");
    assert_eq!(format(b""), None);
}

#[rstest]
#[case::no_password_fits(|made: &Made| pkcs12(made, "other"), KeystoreError::Locked)]
#[case::cut_off(|made: &Made| { let whole = pkcs12(made, ""); whole[..whole.len() / 2].to_vec() }, KeystoreError::BadPkcs12)]
#[case::no_keystore(|_: &Made| b"no keystore".to_vec(), KeystoreError::BadPkcs12)]
#[case::jks_cut_off(|made: &Made| { let whole = jks(made); whole[..whole.len() - 1].to_vec() }, KeystoreError::BadJks)]
#[case::jks_with_more_after_it(|made: &Made| [jks(made), vec![0]].concat(), KeystoreError::BadJks)]
#[case::jks_of_nothing(|_: &Made| [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 0][..], &[0; 20]].concat(), KeystoreError::Empty)]
#[case::jks_of_four_billion_entries(|_: &Made| [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff][..], &[0; 20]].concat(), KeystoreError::BadJks)]
#[case::jks_with_a_certificate_that_is_none(|made: &Made| jks(&Made { leaf: b"no DER".to_vec(), ca: made.ca.clone(), key: Vec::new() }), KeystoreError::NotX509 { position: 1 })]
#[case::too_large(|_: &Made| vec![0; crate::x509::MAX_BYTES + 1], KeystoreError::TooLarge)]
fn what_cannot_be_read_has_a_name(#[case] make: fn(&Made) -> Vec<u8>, #[case] error: KeystoreError) {
    assert_eq!(open(&make(&made()), &["", "changeit"]), Err(error));
}

/// Opening it would take minutes of work.
#[test]
fn what_a_keystore_asks_for_in_work_has_a_limit() {
    let mut store = pkcs12(&made(), "");
    // The count of the MAC is the last thing in it: INTEGER 8, which is made one of four octets here.
    assert_eq!(store[store.len() - 3..], [2, 1, 8]);
    let end = store.len() - 2;
    store.splice(end.., [4, 0x7f, 0xff, 0xff, 0xff]);
    let began = std::time::Instant::now();
    assert!(open(&store, &["", "changeit"]).is_err());
    assert!(began.elapsed().as_secs() < 30, "it was believed");
}

fn kept(read: &Keystore) -> Vec<&str> {
    read.own.iter().flat_map(|chain| chain.iter()).chain(read.trusted.iter()).map(|facts| &*facts.fingerprint).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A keystore that was damaged is refused, or its certificates are others than those it was made with, or whole.
    #[test]
    fn damaged_keystores_do_not_panic_nor_lose_certificates(
        java in any::<bool>(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let made = made();
        let whole = if java { jks(&made) } else { pkcs12(&made, "") };
        let sound = open(&whole, &[""]).unwrap();
        let mut damaged = whole.clone();
        damaged[at.index(whole.len())] = byte;
        if let Ok(read) = open(&damaged, &[""]) {
            prop_assert_eq!(kept(&read).len(), kept(&sound).len(), "none may go in silence");
        }
        let _ = open(&whole[..at.index(whole.len())], &["", "x"]);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let java = [&[0xfe, 0xed, 0xfe, 0xed][..], &bytes].concat();
        let pfx = [&[0x30, 0x10, 0x02, 0x01, 0x03, 0x30][..], &bytes].concat();
        prop_assert!(open(&java, &[""]).is_err());
        prop_assert!(open(&pfx, &[""]).is_err());
    }
}
