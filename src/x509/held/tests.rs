//! What people keep in Secrets and ConfigMaps.

use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rstest::rstest;

use super::*;

fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["web.shop.svc".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn ca(name: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn read(values: &[(&str, &str)]) -> Vec<HeldFile> {
    let values: Vec<Named<'_>> = values.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    held(&values, &mut |bytes| crate::x509::chain(bytes).map(Arc::from))
}

fn base64(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

fn kubeconfig(certificate: &str, key: &str, ca: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster:\n    server: x\n    certificate-authority-data: {}\n\
         users:\n- name: a\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        base64(ca),
        base64(certificate),
        base64(key)
    )
}

#[rstest]
#[case("tls.crt", "tls.key")]
#[case("cert.pem", "key.pem")]
#[case("web.pem", "web-key.pem")]
#[case("web-cert.pem", "web-key.pem")]
#[case("client.crt", "client.key")]
#[case("fullchain.pem", "privkey.pem")]
#[case("ca.crt", "ca.key")]
#[case("certificate", "private_key")]
fn a_key_is_found_beside_its_certificate(#[case] certificate: &str, #[case] key: &str) {
    let (pem, own) = pair();
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (held_key, expected) in [(&own, KeyMatch::Match), (&other, KeyMatch::Mismatch)] {
        let files = read(&[(certificate, &pem), (key, held_key)]);
        assert_eq!(files.len(), 1, "the key is no file of its own");
        assert_eq!((&*files[0].key, files[0].key_match), (certificate, Some(expected)));
        assert_eq!(files[0].own.len(), 1);
    }
}

#[test]
fn a_key_that_is_not_evidently_its_own_says_nothing() {
    let (pem, key) = pair();
    assert_eq!(read(&[("web.crt", &pem), ("db.key", &key)])[0].key_match, None);
    assert_eq!(read(&[("web.crt", &pem), ("web.key", &key), ("web-key.pem", &key)])[0].key_match, None, "two keys");
    assert_eq!(read(&[("tls-combined.pem", &format!("{key}{pem}"))])[0].key_match, Some(KeyMatch::Match));
}

#[test]
fn bundles_are_told_from_chains() {
    let (leaf, _) = pair();
    let (one, two) = (ca("one"), ca("two"));
    let files = read(&[
        ("ca-bundle.crt", &format!("{one}{two}")),
        ("chain.pem", &format!("{leaf}{one}")),
        ("trusted.pem", &format!("{leaf}{one}")),
    ]);
    let sorts: Vec<_> = files.iter().map(|file| (file.own.len(), file.trusted.len(), file.is_bundle())).collect();
    assert_eq!(sorts, [(0, 2, true), (1, 0, false), (0, 2, true)]);
    assert_ne!(files[0].content, files[2].content);
    let again = read(&[("other-name.crt", &format!("{one}{two}"))]);
    assert_eq!(again[0].content, files[0].content, "the same certificates");
}

#[rstest]
#[case::a_word("greeting", "hello")]
#[case::a_password("password", "hunter2")]
#[case::a_key_alone("tls.key", &pair().1)]
#[case::a_request("tls.csr", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----")]
#[case::a_kubeconfig_with_a_token("kubeconfig", "clusters:\n- cluster: {server: x}\nusers:\n- user: {token: abc}\n")]
#[case::a_kubeconfig_of_paths("k", "clusters:\n- cluster: {certificate-authority-data: ''}\nusers: []\n")]
#[case::a_text_about_kubeconfigs("doc", "set client-certificate-data to nothing")]
fn what_holds_no_certificate_is_no_file(#[case] key: &str, #[case] value: &str) {
    assert_eq!(read(&[(key, value)]), []);
}

#[rstest]
#[case::cut_off("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n", "bad_pem")]
#[case::of_openssl(
    "ca.crt",
    "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----",
    "no_certificate_found"
)]
#[case::no_yaml("admin.conf", "clusters: [\ncertificate-authority-data: x", "bad_kubeconfig")]
#[case::no_base64("config", r#"{"tlsClientConfig":{"caData":"***"}}"#, "bad_kubeconfig")]
fn what_cannot_be_read_keeps_its_place_and_says_why(#[case] key: &str, #[case] value: &str, #[case] word: &str) {
    let files = read(&[(key, value)]);
    assert_eq!(files[0].fault.as_ref().unwrap().word, word);
    assert!(!files[0].is_bundle() && files[0].first().is_none());
}

#[test]
fn a_kubeconfig_gives_its_client_certificate_and_its_ca() {
    let ((certificate, key), ca) = (pair(), ca("cluster"));
    let files = read(&[("value", &kubeconfig(&certificate, &key, &ca))]);
    let file = &files[0];
    assert_eq!((file.format, file.own.len(), file.trusted.len()), (Format::Kubeconfig, 1, 1));
    assert_eq!(file.key_match, Some(KeyMatch::Match));
    let (_, other) = pair();
    assert_eq!(read(&[("value", &kubeconfig(&certificate, &other, &ca))])[0].key_match, Some(KeyMatch::Mismatch));
    let broken = &read(&[("value", &kubeconfig("no PEM", &key, &ca))])[0];
    assert_eq!((broken.own.len(), broken.trusted.len(), broken.fault.is_some()), (0, 1, true), "the CA is still told");
}

#[test]
fn argo_cd_keeps_its_clusters_in_json() {
    let ((certificate, key), ca) = (pair(), ca("cluster"));
    let tls = serde_json::json!({ "caData": base64(&ca), "certData": base64(&certificate), "keyData": base64(&key) });
    let config = serde_json::json!({ "bearerToken": "abc", "tlsClientConfig": tls }).to_string();
    let file = &read(&[("config", &config), ("server", "x")])[0];
    assert_eq!((file.format, file.key_match), (Format::ArgoCluster, Some(KeyMatch::Match)));
    assert_eq!(file.trusted.len(), 1);
    let token = serde_json::json!({ "bearerToken": "abc", "tlsClientConfig": { "insecure": true } }).to_string();
    assert_eq!(read(&[("config", &token)]), []);
}

/// Neither a key nor a password is in anything that goes on.
#[test]
fn nothing_of_keys_and_passwords_is_kept() {
    let (certificate, key) = pair();
    let secret = key.lines().nth(1).unwrap();
    let files = read(&[
        ("tls.crt", &certificate),
        ("tls.key", &key),
        ("password", "hunter2"),
        ("kubeconfig", &kubeconfig(&certificate, &key, &certificate)),
        ("broken.conf", &format!("clusters: [\ncertificate-authority-data: {}", base64(&key))),
    ]);
    let said = format!("{files:?}");
    assert!(!said.contains(secret) && !said.contains("hunter2") && !said.contains(&base64(&key)[..40]), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_kubeconfigs_do_not_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (certificate, key) = pair();
        let whole = kubeconfig(&certificate, &key, &certificate);
        let mut bytes = whole.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let files = held(&[("value", &bytes)], &mut |bytes| crate::x509::chain(bytes).map(Arc::from));
        for file in files {
            prop_assert!(file.fault.is_some() || file.own.len() + file.trusted.len() > 0);
        }
        let _ = held(&[("config", &bytes)], &mut |bytes| crate::x509::chain(bytes).map(Arc::from));
    }
}
