//! Bundles that trust, no longer trust, or trust the wrong one.

use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, annotated, cluster_meta, live, meta, now, put, said, x509};
use crate::model::{
    CertManagerCertificate, CertificateRequest, Condition, Delta, KeyMatch, Meta, Object, Place, Pod, Scope, SecretUse,
    SecretVia, Service, TlsSecret,
};

const DAY: i64 = 24 * 60;

fn ca(subject: &str, behind: i64, left: i64) -> CertificateFacts {
    CertificateFacts { ca: true, self_signed: true, ..x509(subject, subject, behind * DAY, left * DAY) }
}

fn good(subject: &str) -> CertificateFacts {
    ca(subject, 100, 3000)
}

fn entry(authorities: &[CertificateFacts]) -> TrustEntry {
    TrustEntry {
        names: ["check.shop.example".into()].into(),
        called: Called::Service(("shop".into(), "web".into())),
        authorities: Some(Ok(Arc::from(authorities))),
        insecure: false,
        ignorable: false,
    }
}

fn bundle(entries: impl IntoIterator<Item = TrustEntry>) -> TrustBundle {
    TrustBundle { meta: cluster_meta("hook"), entries: entries.into_iter().collect(), conditions: Box::default() }
}

fn injected(bundle: TrustBundle) -> TrustBundle {
    let meta = annotated(bundle.meta, annotation::INJECT_CA_FROM, "shop/web");
    TrustBundle { meta, ..bundle }
}

/// A world in which Service web is answered by a pod that mounts Secret web-tls, and nothing is known of that Secret.
fn served_by_pod() -> World {
    let app = [(Arc::from("app"), Arc::from("web"))];
    let secrets = [SecretUse { secret: "web-tls".into(), via: SecretVia::Mount }].into();
    let pod = Pod {
        meta: Meta { labels: app.clone().into(), ..meta("web-0") },
        phase: "Running".into(),
        secrets,
        ..Pod::default()
    };
    let mut world = live();
    put(
        &mut world,
        [Object::Service(Service { meta: meta("web"), selector: app.into(), ..Service::default() }), Object::Pod(pod)],
    );
    world
}

fn leaf(issuer: &str) -> CertificateFacts {
    CertificateFacts { names: ["web.shop.svc".into()].into(), ..x509("CN=web", issuer, 10 * DAY, 80 * DAY) }
}

fn secret(issuer: &str) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([leaf(issuer)].into()) };
    Object::TlsSecret(TlsSecret { meta: meta("web-tls"), leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

fn managed(issuer: &str) -> [Object; 2] {
    let certificate = CertManagerCertificate {
        meta: meta("web"),
        secret: "web-tls".into(),
        names: ["web.shop.svc".into()].into(),
        ..CertManagerCertificate::default()
    };
    let request = CertificateRequest {
        meta: meta("web-1"),
        certificate: Some("web".into()),
        issued: Some(leaf(issuer)),
        ..CertificateRequest::default()
    };
    [Object::Certificate(certificate), Object::CertificateRequest(request)]
}

fn judge(world: &World, bundle: &TrustBundle) -> Judgement<Expiry> {
    trust(world, Kind::ValidatingWebhook, bundle, now())
}

fn verdict(judged: &Judgement<Expiry>) -> (CertificateState, Severity) {
    (judged.value.state.clone(), judged.value.severity)
}

#[rstest]
#[case::good(&[good("CN=ca")], CertificateState::Valid, Severity::Ok)]
#[case::an_old_one_beside_it(&[ca("CN=old", 100, -1), good("CN=ca")], CertificateState::Valid, Severity::Info)]
#[case::none_holds(&[ca("CN=old", 100, -1), ca("CN=ca", 100, -2)], CertificateState::NoValidCa, Severity::Critical)]
#[case::not_yet(&[ca("CN=ca", -1, 100)], CertificateState::NoValidCa, Severity::Critical)]
#[case::ends_soon(&[ca("CN=ca", 100, 20)], CertificateState::Expiring, Severity::Warn)]
#[case::ends_now(&[ca("CN=ca", 100, 3)], CertificateState::Expiring, Severity::Critical)]
#[case::of_another(&[good("CN=stranger")], CertificateState::WrongCa, Severity::Critical)]
#[case::the_right_one_has_ended(&[ca("CN=ca", 100, -1), good("CN=next")], CertificateState::WrongCa, Severity::Critical)]
#[case::the_leaf_itself(&[leaf("CN=ca")], CertificateState::Valid, Severity::Info)]
fn a_bundle_is_judged_by_what_is_served(
    #[case] authorities: &[CertificateFacts],
    #[case] state: CertificateState,
    #[case] severity: Severity,
) {
    let mut world = served_by_pod();
    put(&mut world, [secret("CN=ca")]);
    let judged = judge(&world, &bundle([entry(authorities)]));
    assert_eq!(verdict(&judged), (state, severity), "{judged:?}");
    assert!(!severity.problem() || judged.reasons[0].next.is_some(), "{judged:?}");
}

#[test]
fn a_ca_made_anew_under_the_old_name_does_not_vouch() {
    let mut world = served_by_pod();
    put(&mut world, [secret("CN=ca")]);
    let anew = CertificateFacts { key_id: Some([7].into()), ..good("CN=ca") };
    let judged = judge(&world, &bundle([entry(std::slice::from_ref(&anew))]));
    assert_eq!(verdict(&judged), (CertificateState::WrongCa, Severity::Critical));
    let unsaid = CertificateFacts { key_id: None, ..anew };
    let judged = judge(&world, &bundle([entry(&[unsaid])]));
    assert_eq!(verdict(&judged), (CertificateState::Valid, Severity::Ok), "the name is all there is to go by");
}

#[test]
fn a_ca_that_may_not_fit_is_not_called_good() {
    let judged = judge(&served_by_pod(), &bundle([entry(&[good("CN=ca")])]));
    assert_eq!(verdict(&judged), (CertificateState::Valid, Severity::Info));
    assert!(said(&judged).contains("no pod behind it mounts a TLS Secret for web.shop.svc"), "{judged:?}");
}

#[rstest]
#[case::fits("CN=ca", CertificateState::Valid, Severity::Ok)]
#[case::fits_not("CN=stranger", CertificateState::WrongCa, Severity::Critical)]
fn without_a_right_to_secrets_requests_show_what_is_served(
    #[case] held: &str,
    #[case] state: CertificateState,
    #[case] severity: Severity,
    #[values(true, false)] pods: bool,
) {
    let mut world = if pods { served_by_pod() } else { live() };
    world.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), now());
    put(
        &mut world,
        [Object::Service(Service { meta: meta("web"), ..Service::default() })].into_iter().filter(|_| !pods),
    );
    put(&mut world, managed("CN=ca"));
    let bundle = bundle([entry(&[good(held)])]);
    // Where no pod shows it, the annotation of the CA injector does.
    let bundle = if pods { bundle } else { injected(bundle) };
    assert_eq!(verdict(&judge(&world, &bundle)), (state, severity));
}

#[test]
fn secrets_seen_long_ago_prove_nothing() {
    let mut world = served_by_pod();
    put(&mut world, [secret("CN=ca")]);
    world.apply(Delta::Failed(Kind::TlsSecret, Scope::All, "reset".into()), ago(6));
    let judged = judge(&world, &bundle([entry(&[good("CN=ca")])]));
    assert_eq!(verdict(&judged), (CertificateState::Valid, Severity::Info), "{judged:?}");
}

#[test]
fn a_bundle_seen_long_ago_is_unknown() {
    let mut world = live();
    world.apply(Delta::Failed(Kind::ValidatingWebhook, Scope::All, "reset".into()), ago(6));
    assert_eq!(judge(&world, &bundle([entry(&[good("CN=ca")])])).value.severity, Severity::Unknown);
}

#[test]
fn the_worst_call_decides_and_the_others_are_said() {
    let mut world = served_by_pod();
    put(&mut world, [secret("CN=ca")]);
    let fine = TrustEntry { names: ["a.example".into()].into(), ..entry(&[good("CN=ca")]) };
    let soon = TrustEntry { names: ["b.example".into()].into(), ..entry(&[ca("CN=ca", 100, 20)]) };
    let ended = ca("CN=ca", 100, -1);
    let broken =
        TrustEntry { names: ["c.example".into(), "d.example".into()].into(), ..entry(std::slice::from_ref(&ended)) };
    let judged = judge(&world, &bundle([fine, soon, broken]));
    assert_eq!(verdict(&judged), (CertificateState::NoValidCa, Severity::Critical));
    assert_eq!(judged.value.not_after, Some(ended.not_after));
    let said = said(&judged);
    assert!(
        said.starts_with("webhook c.example and 1 more: its CA CN=ca expired 1d ago: API servers cannot"),
        "{said}"
    );
    assert!(said.contains("webhook b.example: its CA CN=ca expires in 20d") && !said.contains("a.example"), "{said}");
}

#[test]
fn what_is_not_there_yet_and_what_is_not_checked_are_told_apart() {
    let mut world = served_by_pod();
    put(&mut world, managed("CN=ca"));
    let none = TrustEntry { authorities: None, ..entry(&[]) };
    let of = |bundle: &TrustBundle| verdict(&judge(&world, bundle));
    assert_eq!(of(&bundle([none.clone()])), (CertificateState::NoCa, Severity::Warn));
    assert_eq!(of(&injected(bundle([none.clone()]))), (CertificateState::NoCa, Severity::Critical));
    let url = TrustEntry { called: Called::Url("https://hook.example".into()), ..none.clone() };
    assert_eq!(of(&bundle([url])), (CertificateState::NoCa, Severity::Info));
    let insecure = TrustEntry { insecure: true, ..none };
    assert_eq!(of(&bundle([insecure])), (CertificateState::Unchecked, Severity::Warn));
    let unreadable = TrustEntry { authorities: Some(Err("caBundle is empty".into())), ..entry(&[]) };
    assert_eq!(of(&bundle([unreadable])), (CertificateState::Unreadable, Severity::Critical));
}

#[test]
fn what_a_bundle_names_and_is_not_there_is_said() {
    let judged = judge(&live(), &injected(bundle([entry(&[good("CN=ca")])])));
    assert_eq!(verdict(&judged), (CertificateState::Valid, Severity::Warn));
    let said = said(&judged);
    assert!(said.contains("Service shop/web is called and does not exist"), "{said}");
    assert!(said.contains("Certificate shop/web, which does not exist"), "{said}");
    let mut blind = live();
    for kind in [Kind::Service, Kind::Certificate] {
        blind.apply(Delta::Denied(kind, Scope::All, "list".into()), now());
    }
    let judged = judge(&blind, &injected(bundle([entry(&[good("CN=ca")])])));
    assert_eq!(judged.value.severity, Severity::Info, "what is not seen is not called missing: {judged:?}");
}

#[test]
fn what_the_api_server_says_of_an_api_is_evidence() {
    let condition = Condition {
        kind: "Available".into(),
        status: "False".into(),
        reason: "FailedDiscoveryCheck".into(),
        message: "x509: certificate signed by unknown authority".into(),
        since: None,
    };
    let bundle = TrustBundle { conditions: [condition].into(), ..bundle([entry(&[good("CN=ca")])]) };
    let judged = trust(&served_by_pod(), Kind::ApiService, &bundle, now());
    assert_eq!(judged.value.severity, Severity::Warn);
    assert!(said(&judged).contains("FailedDiscoveryCheck: x509: certificate signed by unknown authority"));
}

#[test]
fn a_verdict_holds_until_a_ca_begins_or_ends() {
    let mut world = served_by_pod();
    put(&mut world, [secret("CN=ca")]);
    let begins = ca("CN=ca", -1, 3000);
    let bundle = bundle([entry(&[begins.clone(), good("CN=stranger")])]);
    let judged = judge(&world, &bundle);
    assert_eq!((judged.value.state.clone(), judged.valid_until), (CertificateState::WrongCa, Some(begins.not_before)));
    assert_eq!(trust(&world, Kind::ValidatingWebhook, &bundle, begins.not_before).value.state, CertificateState::Valid);
}
