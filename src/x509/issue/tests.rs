//! New certificates, looked at by the tools that clients use: openssl and rustls-webpki.

use std::path::Path;
use std::process::{Command, Output};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, OtherNameValue, SanType,
};
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::x509::key_match;

fn now() -> Timestamp {
    Timestamp::now()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn at(moment: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(moment.as_second()).unwrap()
}

/// A certificate and its key, PEM.
#[derive(Clone)]
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn material(&self) -> Material<'_> {
        Material { certificate: self.certificate.as_bytes(), key: self.key.as_bytes(), authority: None }
    }
}

struct Ca {
    pair: Pair,
    issuer: Issuer<'static, KeyPair>,
}

fn ca_params(name: &str, end: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Shop");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (at(now() - days(1)), at(end));
    params
}

fn ca(name: &str, end: Timestamp) -> Ca {
    let (params, key) = (ca_params(name, end), KeyPair::generate().unwrap());
    let pair = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    Ca { pair, issuer: Issuer::new(params, key) }
}

fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["web.shop.svc".to_owned(), "10.0.0.7".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "web");
    params.subject_alt_names.push(SanType::URI(Ia5String::try_from("spiffe://shop/web").unwrap()));
    params.subject_alt_names.push(SanType::Rfc822Name(Ia5String::try_from("web@shop.example").unwrap()));
    let name = OtherNameValue::Utf8String("web".to_owned());
    params.subject_alt_names.push(SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], name)));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (at(now() - days(80)), at(now() + days(10)));
    params
}

fn leaf(ca: &Ca, params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { certificate: params.signed_by(&key, &ca.issuer).unwrap().pem(), key: key.serialize_pem() }
}

fn first(pem: &str) -> CertificateFacts {
    chain(pem.as_bytes()).unwrap().remove(0)
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").current_dir(folder).args(arguments).output().unwrap()
}

/// Whether openssl takes it as a server's, and the key fits by its own word.
fn openssl_takes(issued: &Issued, root: &str) {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    file("new.pem", &issued.certificate);
    file("key.pem", &issued.key);
    file("root.pem", root);
    let verify =
        ["verify", "-purpose", "sslserver", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "new.pem", "new.pem"];
    let verified = openssl(folder.path(), &verify);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let public = |arguments: &[&str]| openssl(folder.path(), arguments).stdout;
    let of_key = public(&["pkey", "-in", "key.pem", "-pubout"]);
    assert!(!of_key.is_empty());
    assert_eq!(of_key, public(&["x509", "-in", "new.pem", "-noout", "-pubkey"]));
}

/// What a request of openssl makes with this configuration: `web.pem` and `key.pem` of a folder.
fn requested(folder: &TempDir, arguments: &[&str], configuration: &str) -> Pair {
    std::fs::write(folder.path().join("c.cnf"), configuration).unwrap();
    let output = openssl(folder.path(), arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    Pair { certificate: read("web.pem"), key: read("key.pem") }
}

#[test]
fn the_new_certificate_says_what_the_former_one_said_and_openssl_and_webpki_take_it() {
    let ca = ca("shop CA", now() + days(900));
    let former = leaf(&ca, &leaf_params());
    let issued = reissue(&former.material(), Some(&ca.pair.material()), Change::default(), now()).unwrap();
    openssl_takes(&issued, &ca.pair.certificate);
    let (old, new) = (first(&former.certificate), first(&issued.certificate));
    assert_eq!(
        (&old.names, &old.subject, &old.issuer, &old.usage),
        (&new.names, &new.subject, &new.issuer, &new.usage)
    );
    assert_eq!((&old.key, new.issuer_key_id), (&new.key, first(&ca.pair.certificate).key_id));
    assert_ne!((&old.serial, &old.spki, &old.fingerprint), (&new.serial, &new.spki, &new.fingerprint));
    assert_eq!(key_match(issued.certificate.as_bytes(), issued.key.as_bytes()), KeyMatch::Match);
    assert_eq!(chain(issued.certificate.as_bytes()).unwrap().len(), 1, "the root is not sent");
    let life = new.not_after.duration_since(now());
    assert!(days(89) < life && life <= days(90), "{life}");
    assert_eq!(issued.authority, None);
}

/// Relative names that stand side by side, twice, and in sets: what libraries tend to lose.
#[test]
fn a_subject_is_copied_as_it_stands_whatever_it_is_made_of() {
    let folder = TempDir::new().unwrap();
    let subject = "/DC=corp/DC=example/OU=Infra/OU=PKI/CN=web+UID=7";
    let made = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-multivalue-rdn",
        "-subj",
        subject,
        "-addext",
        "subjectAltName=DNS:web.shop.svc,RID:1.2.3.4,dirName:dir",
        "-addext",
        "basicConstraints=CA:FALSE",
        "-days",
        "30",
        "-config",
        "c.cnf",
        "-keyout",
        "key.pem",
        "-out",
        "web.pem",
    ];
    let former = requested(&folder, &made, "[req]\ndistinguished_name=d\n[d]\n[dir]\nO=Shop\nCN=web\n");
    let ca = ca("shop CA", now() + days(900));
    let issued = reissue(&former.material(), Some(&ca.pair.material()), Change::default(), now()).unwrap();
    openssl_takes(&issued, &ca.pair.certificate);
    std::fs::write(folder.path().join("new.pem"), &issued.certificate).unwrap();
    let said = |name: &str| {
        let shown = openssl(folder.path(), &["x509", "-in", name, "-noout", "-subject", "-ext", "subjectAltName"]);
        String::from_utf8(shown.stdout).unwrap()
    };
    assert!(said("web.pem").contains("Registered ID"), "{}", said("web.pem"));
    assert_eq!(said("new.pem"), said("web.pem"));
}

#[rstest]
#[case(KeyKind::EcdsaP256)]
#[case(KeyKind::EcdsaP384)]
#[case(KeyKind::Ed25519)]
#[case(KeyKind::Rsa2048)]
fn keys_of_each_kind_are_made_and_fit(#[case] kind: KeyKind) {
    let ca = ca("shop CA", now() + days(900));
    let former = leaf(&ca, &leaf_params());
    let change = Change { key: Some(kind), ..Change::default() };
    let issued = reissue(&former.material(), Some(&ca.pair.material()), change, now()).unwrap();
    assert_eq!(&*first(&issued.certificate).key, kind.said());
    openssl_takes(&issued, &ca.pair.certificate);
}

/// cert-manager stores CA keys as PKCS#1 and SEC1.
#[rstest]
#[case::rsa_pkcs1(&["genrsa", "-traditional", "-out", "key.pem", "2048"])]
#[case::ec_sec1(&["ecparam", "-name", "prime256v1", "-genkey", "-out", "key.pem"])]
#[case::p384_sec1(&["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "key.pem"])]
#[case::ed25519(&["genpkey", "-algorithm", "ed25519", "-out", "key.pem"])]
#[case::rsa_pkcs8(&["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:3072", "-out", "key.pem"])]
fn a_ca_signs_with_its_key_however_that_is_stored(#[case] made: &[&str]) {
    let folder = TempDir::new().unwrap();
    assert!(openssl(folder.path(), made).status.success());
    let own = [
        "req",
        "-x509",
        "-new",
        "-key",
        "key.pem",
        "-subj",
        "/CN=stored CA",
        "-days",
        "900",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-out",
        "ca.pem",
    ];
    assert!(openssl(folder.path(), &own).status.success());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let stored = Pair { certificate: read("ca.pem"), key: read("key.pem") };
    let former = leaf(&ca("another CA", now() + days(900)), &leaf_params());
    let issued = reissue(&former.material(), Some(&stored.material()), Change::default(), now()).unwrap();
    openssl_takes(&issued, &stored.certificate);
}

#[test]
fn nothing_outlives_what_it_stands_on() {
    let end = now() + days(20);
    let ca = ca("shop CA", end);
    let former = leaf(&ca, &leaf_params());
    let issued = reissue(&former.material(), Some(&ca.pair.material()), Change::default(), now()).unwrap();
    assert_eq!(first(&issued.certificate).not_after.as_second(), end.as_second());
    assert!(first(&issued.certificate).not_before >= first(&ca.pair.certificate).not_before);
}

#[test]
fn a_chosen_life_counts() {
    let ca = ca("shop CA", now() + days(900));
    let former = leaf(&ca, &leaf_params());
    let change = Change { life: Some(days(7)), ..Change::default() };
    let issued = reissue(&former.material(), Some(&ca.pair.material()), change, now()).unwrap();
    assert!(first(&issued.certificate).not_after.duration_since(now()) <= days(7));
}

/// An intermediate is sent along; its root is not, and stays in or comes into what is trusted.
#[test]
fn intermediates_are_sent_and_roots_are_trusted_beside_what_was() {
    let root = ca("root", now() + days(900));
    let (mut params, key) = (ca_params("between", now() + days(500)), KeyPair::generate().unwrap());
    params.use_authority_key_identifier_extension = true;
    let between = params.signed_by(&key, &root.issuer).unwrap().pem();
    let signer = Pair { certificate: format!("{between}{}", root.pair.certificate), key: key.serialize_pem() };
    let former = leaf(&Ca { pair: signer.clone(), issuer: Issuer::new(params, key) }, &leaf_params());
    let other = ca("other root", now() + days(900)).pair.certificate;
    for (held, count) in [(format!("{other}{}", root.pair.certificate), 2), (other, 2)] {
        let stored = Material { authority: Some(held.as_bytes()), ..former.material() };
        let issued = reissue(&stored, Some(&signer.material()), Change::default(), now()).unwrap();
        openssl_takes(&issued, &root.pair.certificate);
        assert_eq!(chain(issued.certificate.as_bytes()).unwrap().len(), 2);
        let trusted = chain(&issued.authority.unwrap()).unwrap();
        assert_eq!(trusted.len(), count);
        assert_eq!(trusted[1].fingerprint, first(&root.pair.certificate).fingerprint);
    }
}

#[test]
fn a_certificate_of_its_own_is_signed_anew_by_its_new_key_and_trusted_beside_the_former() {
    let (params, key) = (leaf_params(), KeyPair::generate().unwrap());
    let former = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    let stored = Material { authority: Some(former.certificate.as_bytes()), ..former.material() };
    let issued = reissue(&stored, None, Change::default(), now()).unwrap();
    let new = first(&issued.certificate);
    assert!(new.self_signed);
    assert_eq!(new.names, first(&former.certificate).names);
    assert_eq!(chain(&issued.authority.clone().unwrap()).unwrap().len(), 2);
    openssl_takes(&issued, &issued.certificate);
}

#[test]
fn what_is_about_one_certificate_or_another_issuer_is_not_copied() {
    let oid = |text: &str| text.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u64>>();
    let mut params = leaf_params();
    let own = [("1.3.6.1.4.1.11129.2.4.2", vec![4, 0]), ("1.3.6.1.5.5.7.1.1", vec![0x30, 0]), ("1.2.3.4", vec![5, 0])];
    params.custom_extensions =
        own.iter().map(|(id, value)| CustomExtension::from_oid_content(&oid(id), value.clone())).collect();
    let (own, other) = (ca("shop CA", now() + days(900)), ca("other CA", now() + days(900)));
    let former = leaf(&own, &params);
    for (signer, kept) in [(&own, [false, true, true]), (&other, [false, false, true])] {
        let issued = reissue(&former.material(), Some(&signer.pair.material()), Change::default(), now()).unwrap();
        let ders = ders(issued.certificate.as_bytes()).unwrap();
        let made = parsed(&ders[0]).unwrap();
        let has = |id: &str| made.extensions().iter().any(|extension| extension.oid.to_id_string() == id);
        assert_eq!(["1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.5.5.7.1.1", "1.2.3.4"].map(has), kept);
    }
}

/// A server's certificate with a key on P-521.
fn p521() -> Pair {
    let folder = TempDir::new().unwrap();
    let made = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:secp521r1",
        "-nodes",
        "-subj",
        "/CN=web",
        "-days",
        "9",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-config",
        "c.cnf",
        "-keyout",
        "key.pem",
        "-out",
        "web.pem",
    ];
    requested(&folder, &made, "[req]\ndistinguished_name=d\n[d]\n")
}

#[test]
fn what_cannot_sign_or_be_made_again_is_refused() {
    let good = ca("shop CA", now() + days(900));
    let former = leaf(&good, &leaf_params());
    let why = |former: &Pair, signer: &Pair| {
        reissue(&former.material(), Some(&signer.material()), Change::default(), now()).err().unwrap().to_string()
    };
    let gone = Pair { key: String::new(), ..good.pair.clone() };
    let other = Pair { key: KeyPair::generate().unwrap().serialize_pem(), ..good.pair.clone() };
    let p521 = p521();
    let over = ca("old CA", now() - SignedDuration::from_hours(1)).pair;
    let mut params = ca_params("signs nothing", now() + days(9));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate().unwrap();
    let idle = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    let below = leaf(&good, &ca_params("below", now() + days(9)));
    let said = [
        (why(&former, &former), "is not a CA"),
        (why(&former, &gone), "missing, encrypted or cannot be read"),
        (why(&former, &other), "does not belong to its certificate"),
        (why(&former, &idle), "not for signing certificates"),
        (why(&former, &over), "not now"),
        (why(&below, &good.pair), "that of a CA"),
        (why(&p521, &good.pair), "ECDSA P-521, of a kind that cannot be made here"),
    ];
    for (said, part) in said {
        assert!(said.contains(part), "{said}");
    }
}

fn constrained(name: &str, permitted: &[&str], excluded: &[&str]) -> CertificateParams {
    let trees = |names: &[&str]| names.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned())).collect();
    let constraints = NameConstraints { permitted_subtrees: trees(permitted), excluded_subtrees: trees(excluded) };
    let mut params = ca_params(name, now() + days(900));
    params.name_constraints = Some(constraints);
    params
}

/// Nothing is made that clients would refuse, and who has to change it reads which name and which CA.
#[rstest]
#[case::not_permitted(&["bank.example"], &[], "permit only DNS bank.example")]
#[case::excluded(&[], &["shop.svc"], "exclude DNS shop.svc")]
fn a_ca_that_may_not_vouch_for_a_name_signs_nothing_with_it(
    #[case] permitted: &[&str],
    #[case] excluded: &[&str],
    #[case] rule: &str,
) {
    let params = constrained("bank CA", permitted, excluded);
    let key = KeyPair::generate().unwrap();
    let own = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    // The same by a CA below it that has no constraints of its own; the root lies beside it.
    let (between, below) = (ca_params("below", now() + days(900)), KeyPair::generate().unwrap());
    let signed = between.signed_by(&below, &Issuer::new(params, key)).unwrap().pem();
    let below = Pair { certificate: signed, key: below.serialize_pem() };
    let former = leaf(&ca("shop CA", now() + days(900)), &leaf_params());
    let beside = Material { authority: Some(own.certificate.as_bytes()), ..below.material() };
    for signer in [own.material(), beside] {
        let refused = reissue(&former.material(), Some(&signer), Change::default(), now()).err().unwrap();
        let said = format!(
            "clients would not take the new certificate: CA CN=bank CA, O=Shop may not vouch for web.shop.svc: its name \
             constraints {rule}"
        );
        assert_eq!(refused.to_string(), said);
    }
}

#[test]
fn serial_numbers_are_positive_and_never_the_same() {
    let made: std::collections::BTreeSet<[u8; 16]> = (0..100).map(|_| serial().unwrap()).collect();
    assert_eq!(made.len(), 100);
    assert!(made.iter().all(|serial| serial[0] & 0xc0 == 0x40));
}

/// A CA that takes the place of another one: another key under another name, and all else as before.
#[test]
fn a_ca_that_succeeds_another_has_its_constraints_and_another_name_and_key() {
    let old = ca("shop CA", now() + days(900));
    let succeed = |former: &Pair| {
        let change = Change { successor: true, ..Change::default() };
        let issued = reissue(&former.material(), None, change, now()).unwrap();
        Pair { certificate: issued.certificate, key: issued.key.to_string() }
    };
    let new = succeed(&old.pair);
    let (was, is) = (first(&old.pair.certificate), first(&new.certificate));
    assert!(is.ca && is.self_signed && is.holds(now()));
    assert_eq!((is.usage, is.path_len), (was.usage, was.path_len));
    assert!(is.subject.contains("O=Shop") && is.subject.contains("shop CA 2"), "{}", is.subject);
    assert_ne!((&is.subject, &is.spki, &is.key_id), (&was.subject, &was.spki, &was.key_id));
    assert_eq!(is.issuer_key_id, is.key_id);
    // It signs, and the next one bears one moment, not two.
    let issued = reissue(&leaf(&old, &leaf_params()).material(), Some(&new.material()), Change::default(), now());
    openssl_takes(&issued.unwrap(), &new.certificate);
    let next = first(&succeed(&new).certificate);
    assert_eq!(next.subject.matches("shop CA 2").count(), 1);
    assert_eq!(next.subject.len(), is.subject.len(), "{}", next.subject);
}
