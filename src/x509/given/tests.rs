//! Files as people hand them over.

use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rstest::rstest;

use super::*;

const ENCRYPTED: &str = include_str!("../fixtures/p256.encrypted.pem");

struct Files {
    leaf: String,
    between: String,
    root: String,
    key: String,
}

fn files() -> Files {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (root_params, root_key) = ca("root");
    let root = root_params.self_signed(&root_key).unwrap().pem();
    let root_issuer = Issuer::new(root_params, root_key);
    let (params, key) = ca("between");
    let between = params.signed_by(&key, &root_issuer).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["web.example".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().pem();
    Files { leaf, between, root, key: key.serialize_pem() }
}

#[test]
fn certificates_are_put_in_order_and_the_root_beside() {
    let Files { leaf, between, root, key } = files();
    for (text, reordered) in [
        (format!("{leaf}{between}{root}"), false),
        (format!("{root}{between}{leaf}"), true),
        (format!("a comment\n{between}\n{leaf}{root}{between}"), true),
    ] {
        let given = Given::read(text.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(given.certificate(), format!("{leaf}{between}").replace("\r\n", "\n"));
        assert_eq!(given.authority(), Some(root.replace("\r\n", "\n").as_str()));
        assert_eq!((given.reordered, given.chain.len()), (reordered, 2));
        assert!(given.key().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    }
    let both = format!("{leaf}{key}");
    assert_eq!(Given::read(both.as_bytes(), both.as_bytes()).unwrap().chain.len(), 1);
}

#[test]
fn what_is_wrong_with_the_files_is_said() {
    let Files { leaf, between, root, key } = files();
    let other = files();
    let whole = format!("{leaf}{between}");
    let why = |certificates: &str, key: &str| Given::read(certificates.as_bytes(), key.as_bytes()).unwrap_err();
    assert_eq!(why("nothing", &key), GivenError::Certificate(CertificateError::NoCertificate));
    assert_eq!(why(&whole, ""), GivenError::NoKey);
    assert_eq!(why(&whole, &format!("{key}{}", other.key)), GivenError::SeveralKeys(2));
    assert_eq!(why(&whole, ENCRYPTED), GivenError::Encrypted);
    assert_eq!(why(&whole, &other.key), GivenError::NotItsKey);
    assert_eq!(why(&whole, &key.replace("MIG", "!!!")), GivenError::KeyUnreadable);
    assert_eq!(why(&format!("{whole}{}{}", other.leaf, other.root), &key), GivenError::Strays(2));
    let cut = format!("{whole}{root}").replace("-----END CERTIFICATE-----\n", "");
    assert!(matches!(why(&cut, &key), GivenError::Certificate(CertificateError::Unterminated { position: 1 })));
}

#[test]
fn nothing_shows_the_key() {
    let Files { leaf, key, .. } = files();
    let given = Given::read(leaf.as_bytes(), key.as_bytes()).unwrap();
    let line = key.lines().nth(1).unwrap();
    assert!(!format!("{given:?}").contains(line));
}

#[rstest]
#[case("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")]
#[case("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")]
#[case("\u{feff}-----BEGIN PRIVATE KEY-----")]
fn a_key_that_is_none_is_unreadable(#[case] key: &str) {
    let Files { leaf, .. } = files();
    assert_eq!(Given::read(leaf.as_bytes(), key.as_bytes()).unwrap_err(), GivenError::KeyUnreadable);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is broken in the files: no panic, and what is read still fits together.
    #[test]
    fn broken_files_are_refused_or_still_fit(at in any::<prop::sample::Index>(), byte: u8, in_key: bool) {
        let Files { leaf, between, key, .. } = files();
        let (mut certificates, mut key) = (format!("{leaf}{between}").into_bytes(), key.into_bytes());
        let broken = if in_key { &mut key } else { &mut certificates };
        let at = at.index(broken.len());
        broken[at] = byte;
        if let Ok(given) = Given::read(&certificates, &key) {
            prop_assert_eq!(key_match(given.certificate().as_bytes(), given.key().as_bytes()), KeyMatch::Match);
        }
    }
}
