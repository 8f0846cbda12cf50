use rstest::rstest;

use super::super::testing::{DAY, live, meta, now, put, said, x509};
use super::*;
use crate::model::{
    CertificateFacts, Condition, Delta, KeyMatch, KeyPurpose, Object, Place, Pod, Scope, SecretUse, SecretVia,
    TlsSecret,
};

#[rstest]
#[case("shop.example", "shop.example", true)]
#[case("Shop.Example", "shop.example.", true)]
#[case("*.shop.example", "www.shop.example", true)]
#[case("*.shop.example", "shop.example", false)]
#[case("*.shop.example", "a.b.shop.example", false)]
#[case("*.shop.example", "*.shop.example", true)]
#[case("*", "shop", false)]
#[case("www.shop.example", "*.shop.example", false)]
fn a_star_stands_for_one_label(#[case] name: &str, #[case] host: &str, #[case] yes: bool) {
    assert_eq!(covers(name, host), yes);
}

fn key() -> ClaimKey {
    ("shop".into(), "web-tls".into())
}

fn leaf(names: &[&str]) -> CertificateFacts {
    let names = names.iter().map(|name| Box::from(*name)).collect();
    CertificateFacts { names, ..x509("web", "ca", DAY, 90 * DAY) }
}

fn secret(leaf: CertificateFacts) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([leaf].into()) };
    Object::TlsSecret(TlsSecret { meta: meta("web-tls"), leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

fn ingress(hosts: &[&str]) -> Front {
    let hosts = hosts.iter().map(|host| Box::from(*host)).collect();
    Front { meta: meta("web"), tls: [FrontTls { secret: Some(key()), hosts }].into(), refused: Box::default() }
}

fn world(objects: impl IntoIterator<Item = Object>) -> World {
    let mut world = live();
    put(&mut world, objects);
    world
}

#[test]
fn hosts_that_a_certificate_is_not_for_are_named() {
    let own = leaf(&["shop.example", "*.shop.example"]);
    let judge =
        |hosts: &[&str], leaf: &CertificateFacts| names(&world([Object::Ingress(ingress(hosts))]), &key(), leaf, now());
    assert_eq!(judge(&["shop.example", "www.shop.example", ""], &own), []);
    let found = judge(&["shop.example", "a.example", "b.example", "c.example", "d.example"], &own);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Critical);
    let text = &found[0].1.text;
    assert!(text.starts_with("Ingress shop/web serves a.example, b.example and c.example and 1 more"), "{text}");
    let client = KeyPurpose { server: Some(false), client: Some(true), signs: None };
    let found = judge(&["shop.example"], &CertificateFacts { usage: client, ..own });
    assert!(found[0].1.text.contains("does not allow servers"));
}

fn pod() -> Object {
    let secrets = [SecretUse { secret: "web-tls".into(), via: SecretVia::Mount }].into();
    let labels = [("app".into(), "web".into())].into();
    let meta = crate::model::Meta { labels, ..meta("web-0") };
    Object::Pod(Pod { meta, phase: "Running".into(), secrets, ..Pod::default() })
}

fn service(name: &str, app: &str) -> Object {
    Object::Service(Service { meta: meta(name), selector: [("app".into(), app.into())].into(), ports: Box::default() })
}

#[rstest]
#[case::named(&["web.shop.svc"], "web", true)]
#[case::named_in_full(&["web.shop.svc.cluster.local"], "web", true)]
#[case::one_of_its_names(&["web", "old.shop.svc"], "web", true)]
#[case::of_another(&["old.shop.svc"], "web", false)]
#[case::of_the_world_outside(&["shop.example"], "web", true)]
#[case::its_pods_answer_for_nothing(&["old.shop.svc"], "db", true)]
fn a_certificate_is_for_a_service_of_its_pods(#[case] of: &[&str], #[case] selects: &str, #[case] fine: bool) {
    let world = world([pod(), service("web", selects), service("other", selects)]);
    let found = names(&world, &key(), &leaf(of), now());
    assert_eq!(found.is_empty(), fine, "{found:?}");
    if let [(severity, reason)] = found.as_slice() {
        assert_eq!(*severity, Severity::Warn);
        assert!(reason.text.contains("Service other and web"), "{}", reason.text);
    }
}

#[test]
fn a_secret_that_is_not_there_is_trouble_of_the_ingress() {
    let judged = |world: &World| trouble(world, Kind::Ingress, &ingress(&["shop.example"]), now());
    let missing = judged(&live()).unwrap();
    assert_eq!((missing.value.state.word(), missing.value.severity), ("NotServed", Severity::Critical));
    assert!(said(&missing).contains("Secret shop/web-tls for shop.example does not exist"), "{}", said(&missing));
    assert_eq!(judged(&world([secret(leaf(&["shop.example"]))])), None);
    let mut blind = live();
    blind.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), now());
    assert_eq!(judged(&blind), None, "whether it is there is not known");
}

#[test]
fn a_gateway_says_why_it_takes_no_certificate() {
    let refused = Condition {
        kind: "ResolvedRefs".into(),
        status: "False".into(),
        reason: "RefNotPermitted".into(),
        message: "no ReferenceGrant".into(),
        since: None,
    };
    let gateway = Front { refused: [refused].into(), ..ingress(&[]) };
    let judged = trouble(&world([secret(leaf(&["shop.example"]))]), Kind::Gateway, &gateway, now()).unwrap();
    assert!(said(&judged).contains("RefNotPermitted: no ReferenceGrant"), "{}", said(&judged));
}
