//! What can be issued anew, and that a certificate from before is never taken for a new one.

use rstest::rstest;

use super::*;
use crate::assess::testing::{DAY, ago, annotated, cluster_meta, live, meta, now, put, x509};
use crate::model::{
    CertManagerCertificate, CertificateFacts, CertificateHolder, CertificateRequest, KeyMatch, Meta, Object, Place,
};

/// One that begins this many minutes ago, with a fingerprint of its own.
fn leaf(fingerprint: &str, behind: i64) -> CertificateFacts {
    CertificateFacts { fingerprint: fingerprint.into(), ..x509("web", "ca", behind, DAY) }
}

fn tls(meta: Meta, facts: CertificateFacts) -> TlsSecret {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
}

fn created(meta: Meta, minutes: i64) -> Meta {
    Meta { created: Some(ago(minutes)), ..meta }
}

/// What an operation kept of `web-tls`, this many minutes ago.
fn kept(fingerprint: &str, minutes: i64) -> Object {
    let meta = annotated(created(meta(&format!("kept-{fingerprint}")), minutes), annotation::COPY_OF, "web-tls");
    Object::TlsSecret(tls(meta, leaf(fingerprint, 900)))
}

fn certificate(name: &str) -> Object {
    let meta = meta(name);
    Object::Certificate(CertManagerCertificate { meta, secret: "web-tls".into(), ..CertManagerCertificate::default() })
}

fn asked(name: &str, fingerprint: &str, minutes: i64) -> Object {
    let issued = Some(leaf(fingerprint, 900));
    let meta = created(meta(name), minutes);
    Object::CertificateRequest(CertificateRequest {
        meta,
        certificate: Some("web".into()),
        issued,
        ..CertificateRequest::default()
    })
}

#[rstest]
#[case::by_what_is_written_in_it(vec![], 60, Some(60))]
#[case::by_its_request_however_far_its_beginning_is_set_back(vec![certificate("web"), asked("web-2", "new", 3)], 63, Some(3))]
#[case::by_the_latest_request_for_it(
    vec![certificate("web"), asked("web-1", "old", 90), asked("web-2", "new", 9), asked("web-3", "later", 1)], 60, Some(9)
)]
#[case::a_request_for_another_one_says_nothing(vec![certificate("web"), asked("web-1", "old", 1)], 60, Some(60))]
#[case::by_the_copy_of_the_former_one(vec![kept("old", 4)], 9, Some(4))]
#[case::one_that_somebody_stored_after_that(vec![kept("old", 40)], 2, Some(2))]
#[case::by_the_latest_of_them(vec![kept("older", 40), kept("old", 4)], 9, Some(4))]
#[case::one_that_was_put_back_is_no_new_one(vec![kept("new", 8), kept("undone", 2)], 600, Some(600))]
#[case::one_of_the_future_says_nothing(vec![], -60, None)]
#[case::clocks_may_be_a_little_apart(vec![], -4, Some(-4))]
fn what_issued_it_says_when(#[case] beside: Vec<Object>, #[case] behind: i64, #[case] expected: Option<i64>) {
    let mut world = live();
    let secret = tls(meta("web-tls"), leaf("new", behind));
    put(&mut world, std::iter::once(Object::TlsSecret(secret.clone())).chain(beside));
    assert_eq!(issued(&world, &secret, now()), expected.map(ago));
}

fn ca() -> CertificateFacts {
    CertificateFacts { ca: true, ..leaf("ca", 60) }
}

fn labelled(meta: Meta) -> Meta {
    Meta { labels: [("app.kubernetes.io/managed-by".into(), "Helm".into())].into(), ..meta }
}

#[rstest]
#[case::nobody_renews_it(tls(meta("web-tls"), leaf("web", 60)), vec![], Ok(Way::Rotate("uid-web-tls".into())))]
#[case::cert_manager_does(tls(meta("web-tls"), leaf("web", 60)), vec![certificate("web")], Ok(Way::Renew("uid-web".into())))]
#[case::two_do(tls(meta("web-tls"), leaf("web", 60)), vec![certificate("web"), certificate("too")], Err("2 Certificates write it"))]
#[case::a_ca(tls(meta("web-tls"), ca()), vec![], Err("holdfast rotate-ca shop/web-tls"))]
#[case::a_ca_of_cert_manager(tls(meta("web-tls"), ca()), vec![certificate("web")], Err("it is a CA"))]
#[case::put_aside(tls(annotated(meta("web-tls"), annotation::COPY_OF, "x"), leaf("web", 60)), vec![], Err("put it aside"))]
#[case::written_elsewhere(tls(labelled(meta("web-tls")), leaf("web", 60)), vec![], Err("Helm keeps it"))]
fn each_is_issued_anew_by_whoever_can_and_the_rest_is_said(
    #[case] secret: TlsSecret,
    #[case] beside: Vec<Object>,
    #[case] expected: Result<Way, &str>,
) {
    let mut world = live();
    let (object, uid) = (secret.meta.reference(Kind::TlsSecret), secret.meta.uid());
    put(&mut world, std::iter::once(Object::TlsSecret(secret)).chain(beside));
    match (issuable(&world, (&object, &uid), now()), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found.way, expected),
        (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn what_is_in_no_tls_secret_is_said() {
    let mut world = live();
    let map = CertificateHolder { meta: meta("trust"), files: Box::default() };
    put(&mut world, [Object::ConfigMap(map), certificate("web")]);
    let of = |kind, name: &str| {
        let meta = if kind == Kind::ValidatingWebhook { cluster_meta(name) } else { meta(name) };
        issuable(&world, (&meta.reference(kind), &meta.uid()), now()).unwrap_err()
    };
    assert!(of(Kind::ConfigMap, "trust").contains("no TLS Secret"));
    assert!(of(Kind::ValidatingWebhook, "hook").contains("no TLS Secret"));
    assert!(of(Kind::Certificate, "web").contains("its Secret is not seen"));
}
