use rstest::rstest;

use super::super::testing::{DAY, ago, live, meta, now, put, said, x509};
use super::*;
use crate::model::{CertificateFacts, Delta, Object, Place, Pod, Scope, SecretUse, SecretVia, TlsSecret};

fn ca(name: &str, behind: i64, left: i64) -> CertificateFacts {
    CertificateFacts { ca: true, self_signed: true, names: Box::default(), ..x509(name, name, behind, left) }
}

fn file(key: &str) -> HeldFile {
    let (own, trusted) = (Box::default(), [].into());
    HeldFile { key: key.into(), format: Format::Pem, own, trusted, key_match: None, fault: None, content: 7 }
}

fn bundle(cas: impl IntoIterator<Item = CertificateFacts>) -> HeldFile {
    HeldFile { trusted: cas.into_iter().collect(), ..file("ca.crt") }
}

fn chain(leaf: CertificateFacts, key_match: Option<KeyMatch>) -> HeldFile {
    HeldFile { own: [[leaf].into()].into(), key_match, ..file("web.crt") }
}

fn holder(name: &str, file: HeldFile) -> CertificateHolder {
    CertificateHolder { meta: meta(name), files: [file].into() }
}

/// A pod that mounts a ConfigMap and a Secret of the name `web`.
fn pod() -> Object {
    let uses: Box<[SecretUse]> = [SecretUse { secret: "web".into(), via: SecretVia::Mount }].into();
    let (secrets, config_maps) = (uses.clone(), uses);
    Object::Pod(Pod { meta: meta("web-0"), phase: "Running".into(), secrets, config_maps, ..Pod::default() })
}

fn judge(kind: Kind, file: HeldFile) -> Judgement<Expiry> {
    let mut world = live();
    put(&mut world, [pod()]);
    let holder = holder("web", file);
    held(&world, kind, &holder, &holder.files[0], now())
}

fn verdict(judged: &Judgement<Expiry>) -> (&'static str, Severity) {
    (judged.value.state.word(), judged.value.severity)
}

#[rstest]
#[case::one_holds(vec![ca("a", DAY, 300 * DAY)], "Valid", Severity::Ok)]
#[case::an_old_one_beside_it(vec![ca("a", 300 * DAY, -DAY), ca("b", DAY, 300 * DAY)], "Valid", Severity::Info)]
#[case::the_last_one_ends(vec![ca("a", 300 * DAY, 5 * DAY), ca("b", 300 * DAY, -DAY)], "Expiring", Severity::Critical)]
#[case::none_holds(vec![ca("a", 300 * DAY, -DAY), ca("b", 300 * DAY, -2 * DAY)], "NoValidCa", Severity::Critical)]
#[case::none_has_begun(vec![ca("a", -DAY, 300 * DAY)], "NoValidCa", Severity::Critical)]
#[case::no_ca(vec![x509("leaf", "other", DAY, 300 * DAY)], "Valid", Severity::Info)]
fn a_bundle_is_good_while_one_of_its_cas_holds(
    #[case] cas: Vec<CertificateFacts>,
    #[case] word: &str,
    #[case] severity: Severity,
) {
    let judged = judge(Kind::ConfigMap, bundle(cas));
    assert_eq!(verdict(&judged), (word, severity), "{}", said(&judged));
}

#[test]
fn what_nothing_reads_harms_nobody_now() {
    let ended = || bundle([ca("a", 300 * DAY, -DAY)]);
    let world = live();
    for (name, severity) in [("unused", Severity::Warn), ("kube-root-ca.crt", Severity::Critical)] {
        let holder = holder(name, ended());
        let judged = held(&world, Kind::ConfigMap, &holder, &holder.files[0], now());
        assert_eq!(verdict(&judged), ("NoValidCa", severity), "{name}");
        assert_eq!(said(&judged).contains("nothing is seen that reads it"), severity == Severity::Warn);
    }
    let mut blind = live();
    blind.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), now());
    let holder = holder("unused", ended());
    let judged = held(&blind, Kind::ConfigMap, &holder, &holder.files[0], now());
    assert_eq!(verdict(&judged).1, Severity::Critical, "who reads it is not known");
}

/// The CA was made anew under its old name: the bundle holds the old one.
#[test]
fn a_ca_of_the_same_name_with_another_key_is_told() {
    let leaf = CertificateFacts { issuer_key_id: Some(b"new".as_slice().into()), ..x509("web", "ca", DAY, 90 * DAY) };
    let mut world = live();
    let place = Place { key: "tls.crt".into(), chain: Ok([leaf].into()) };
    let secret =
        TlsSecret { meta: meta("web-tls"), leaf: place, ca: None, key: KeyMatch::Match, files: Box::default() };
    put(&mut world, [pod(), Object::TlsSecret(secret)]);
    let judge = |cas: Vec<CertificateFacts>| {
        let holder = holder("web", bundle(cas));
        held(&world, Kind::ConfigMap, &holder, &holder.files[0], now())
    };
    let old = ca("ca", DAY, 300 * DAY);
    let judged = judge(vec![old.clone()]);
    assert_eq!(verdict(&judged), ("Valid", Severity::Warn));
    assert!(said(&judged).contains("Secret shop/web-tls was issued by another CA of the name ca"), "{}", said(&judged));
    let new = CertificateFacts { key_id: Some(b"new".as_slice().into()), fingerprint: "new".into(), ..old.clone() };
    assert_eq!(verdict(&judge(vec![old, new])), ("Valid", Severity::Ok), "both are there");
}

#[rstest]
#[case::fits(Some(KeyMatch::Match), "Valid", Severity::Ok)]
#[case::none_is_evident(None, "Valid", Severity::Ok)]
#[case::of_another(Some(KeyMatch::Mismatch), "KeyMismatch", Severity::Critical)]
#[case::unreadable(Some(KeyMatch::Unreadable), "Unknown", Severity::Unknown)]
fn the_key_beside_a_certificate_counts(#[case] key: Option<KeyMatch>, #[case] word: &str, #[case] severity: Severity) {
    let judged = judge(Kind::OtherSecret, chain(x509("web", "ca", DAY, 90 * DAY), key));
    assert_eq!(verdict(&judged), (word, severity), "{}", said(&judged));
}

/// It may sign tokens: no name is asked of it. A weak key is one whatever it is for.
#[test]
fn what_only_servers_must_have_is_not_asked_of_other_files() {
    let nameless = CertificateFacts { names: Box::default(), ..x509("signer", "signer", DAY, 90 * DAY) };
    assert_eq!(verdict(&judge(Kind::OtherSecret, chain(nameless.clone(), None))), ("Valid", Severity::Ok));
    let weak = CertificateFacts { key: "RSA 1024".into(), ..nameless };
    assert_eq!(verdict(&judge(Kind::OtherSecret, chain(weak, None))), ("Flawed", Severity::Critical));
}

#[test]
fn a_keystore_that_nothing_opens_is_unknown() {
    let fault = Some(Fault { word: "bad_passphrase", said: "keystore.p12 is closed".into(), tried: false });
    let judged = judge(Kind::OtherSecret, HeldFile { fault, format: Format::Pkcs12, ..file("keystore.p12") });
    assert_eq!(verdict(&judged), ("Unknown", Severity::Unknown));
    assert!(judged.reasons[0].next.as_ref().unwrap().contains("password"));
    let fault = Some(Fault { word: "bad_pkcs12", said: "keystore.p12 is no keystore".into(), tried: false });
    let judged = judge(Kind::OtherSecret, HeldFile { fault, ..file("keystore.p12") });
    assert_eq!(verdict(&judged), ("Unreadable", Severity::Warn));
    assert!(said(&judged).contains("(bad_pkcs12)"));
}

fn kubeconfig(leaf: CertificateFacts) -> HeldFile {
    let trusted = [ca("cluster", DAY, 3000 * DAY)].into();
    HeldFile { format: Format::Kubeconfig, trusted, ..chain(leaf, Some(KeyMatch::Match)) }
}

#[test]
fn a_kubeconfig_is_one_of_a_client() {
    let client = |left| CertificateFacts {
        usage: crate::model::KeyPurpose { signs: None, server: Some(false), client: Some(true) },
        names: Box::default(),
        ..x509("admin", "cluster", 300 * DAY, left)
    };
    let judged = judge(Kind::OtherSecret, kubeconfig(client(65 * DAY)));
    assert_eq!(verdict(&judged), ("Valid", Severity::Ok));
    assert!(said(&judged).contains("cannot be revoked"));
    let ended = judge(Kind::OtherSecret, kubeconfig(client(-DAY)));
    assert_eq!(verdict(&ended), ("Expired", Severity::Critical));
    assert_eq!(ended.value.not_after, Some(ago(DAY)));
    let server = CertificateFacts {
        usage: crate::model::KeyPurpose { signs: None, server: Some(true), client: Some(false) },
        ..client(65 * DAY)
    };
    assert_eq!(verdict(&judge(Kind::OtherSecret, kubeconfig(server))), ("Flawed", Severity::Critical));
}

#[test]
fn what_is_not_seen_is_unknown() {
    let mut world = live();
    world.apply(Delta::Failed(Kind::ConfigMap, Scope::All, "reset".into()), ago(6));
    let holder = holder("web", bundle([ca("a", DAY, 300 * DAY)]));
    let judged = held(&world, Kind::ConfigMap, &holder, &holder.files[0], now());
    assert_eq!(verdict(&judged), ("Unknown", Severity::Unknown));
}
