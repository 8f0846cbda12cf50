use super::super::testing::{DAY, live, meta, put, x509};
use super::*;
use crate::model::{CertificateHolder, Format, Object, Place, TlsSecret};

fn secret(name: &str, leaf: CertificateFacts, key: KeyMatch) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([leaf].into()) };
    Object::TlsSecret(TlsSecret { meta: meta(name), leaf, ca: None, key, files: Box::default() })
}

fn leaf(fingerprint: &str, serial: &str, key: &str) -> CertificateFacts {
    let (fingerprint, serial, spki) = (fingerprint.into(), serial.into(), key.into());
    CertificateFacts { fingerprint, serial, spki, ..x509("CN=web", "CN=ca", DAY, 90 * DAY) }
}

/// What is said of a certificate that lies in Secret `a` beside these objects.
fn judge(own: &CertificateFacts, others: impl IntoIterator<Item = Object>) -> Vec<Flaw> {
    let mut world = live();
    put(&mut world, [secret("a", own.clone(), KeyMatch::Match)]);
    put(&mut world, others);
    shared(&world, Kind::TlsSecret, &meta("a"), own)
}

#[test]
fn alone_it_is_nothing_to_tell() {
    let other = secret("b", leaf("2", "02", "other"), KeyMatch::Match);
    assert_eq!(judge(&leaf("1", "01", "key"), [other]), []);
}

#[test]
fn a_copy_is_told_and_a_key_of_two_certificates_is_a_warning() {
    let found = judge(&leaf("1", "01", "key"), [secret("b", leaf("1", "01", "key"), KeyMatch::Match)]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].0, &*found[0].1.text),
        (Severity::Info, "the same certificate lies with its key in Secret shop/b")
    );
    let found = judge(&leaf("1", "01", "key"), [secret("b", leaf("2", "02", "key"), KeyMatch::Match)]);
    assert_eq!((found.len(), found[0].0), (1, Severity::Warn));
    assert!(found[0].1.text.contains("private key is also that of another certificate, in Secret shop/b"));
    let found = judge(&leaf("1", "01", "key"), [secret("b", leaf("2", "02", "key"), KeyMatch::Mismatch)]);
    assert_eq!(found, [], "the key is not there");
}

#[test]
fn a_serial_number_that_comes_twice_is_a_warning() {
    let found = judge(&leaf("1", "01", "key"), [secret("b", leaf("2", "01", "other"), KeyMatch::Match)]);
    assert_eq!((found.len(), found[0].0), (1, Severity::Warn));
    assert!(found[0].1.text.contains("same issuer with serial number 01"), "{found:?}");
}

#[test]
fn many_places_are_counted() {
    let others = ["b", "c", "d", "e", "f"].map(|name| secret(name, leaf("1", "01", "key"), KeyMatch::Match));
    let found = judge(&leaf("1", "01", "key"), others);
    assert!(found[0].1.text.ends_with("Secret shop/b, Secret shop/c and Secret shop/d and 2 more"), "{found:?}");
}

/// Every pod has the CA of the cluster: who has only the certificate shares nothing.
#[test]
fn a_certificate_without_its_key_is_no_copy() {
    let file = HeldFile {
        key: "ca.crt".into(),
        format: Format::Pem,
        own: Box::default(),
        trusted: [leaf("1", "01", "key")].into(),
        key_match: None,
        fault: None,
        content: 1,
    };
    let map = Object::ConfigMap(CertificateHolder { meta: meta("b"), files: [file].into() });
    assert_eq!(judge(&leaf("1", "01", "key"), [map]), []);
}
