//! Whether what is served is what is stored.

use std::sync::Arc;

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, live, meta, now, put, x509};
use crate::model::{
    Container, ContainerPort, Delta, KeyMatch, Meta, Object, Place, PodPortName, SecretUse, SecretVia, Service,
    ServicePort, TlsSecret,
};

mod amiss;

fn key() -> ClaimKey {
    ("shop".into(), "web-tls".into())
}

fn secret(name: &str, leaf: CertificateFacts) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([leaf].into()) };
    Object::TlsSecret(TlsSecret { meta: meta(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

/// A certificate that holds since an hour.
fn leaf(name: &str, names: &[&str]) -> CertificateFacts {
    let names = names.iter().map(|name| Box::from(*name)).collect();
    CertificateFacts { names, ..x509(name, "CN=ca", 60, 60 * 24) }
}

fn labelled(name: &str) -> Meta {
    Meta { labels: [("app".into(), "web".into())].into(), ..meta(name) }
}

fn pod(name: &str, via: SecretVia, started: i64) -> Pod {
    let port = |name: &str, number| ContainerPort { name: name.into(), number };
    let ports = [port("http", 8080), port("https", 8444)].into();
    Pod {
        meta: labelled(name),
        phase: "Running".into(),
        ready: true,
        started: Some(ago(started)),
        secrets: [SecretUse { secret: "web-tls".into(), via }].into(),
        containers: [Container { ports, ..Container::default() }].into(),
        ..Pod::default()
    }
}

fn port(name: &str, number: u16, target: PodPortName) -> ServicePort {
    ServicePort { name: name.into(), number, target, protocol: "".into() }
}

fn service(name: &str, ports: impl IntoIterator<Item = ServicePort>) -> Object {
    let selector = [(Arc::from("app"), Arc::from("web"))].into();
    Object::Service(Service { meta: meta(name), selector, ports: ports.into_iter().collect() })
}

fn named(name: &str) -> PodPortName {
    PodPortName::Name(name.into())
}

fn world(pods: impl IntoIterator<Item = Pod>) -> World {
    let mut world = live();
    put(&mut world, [secret("web-tls", leaf("CN=web", &["web.shop.svc"]))]);
    put(&mut world, [service("web", [port("https", 443, named("https"))])]);
    put(&mut world, pods.into_iter().map(Object::Pod));
    world
}

fn shake(world: &mut World, pod: &str, served: Result<CertificateFacts, NotServed>, minutes: i64) {
    let name = "web.shop.svc".into();
    let shaken =
        Shaken { pod: format!("uid-{pod}").into(), port: 8444, name, at: ago(minutes), served: served.map(Box::new) };
    world.apply(Delta::Shaken(vec![shaken]), now());
}

fn only(world: &World) -> PodServed {
    let judged = served(world, &key(), now()).value;
    assert_eq!(judged.len(), 1, "{judged:?}");
    judged.into_iter().next().unwrap()
}

fn former() -> CertificateFacts {
    leaf("CN=former", &["web.shop.svc"])
}

#[rstest]
#[case::the_stored(Ok(leaf("CN=web", &["web.shop.svc"])), 1, State::Match, "it serves the stored certificate")]
#[case::a_former(Ok(former()), 1, State::Stale, "it serves another certificate of the same names: CN=former…")]
#[case::a_stranger(Ok(leaf("CN=fake", &["fake"])), 1, State::Stale, "it serves another certificate: CN=fake…")]
#[case::long_ago(Ok(leaf("CN=web", &["web.shop.svc"])), 6, State::Unknown, "the last handshake was 6m ago")]
#[case::no_tls(Err(NotServed::NotTls("it greets".into())), 1, State::NotVerifiable, "not verifiable")]
#[case::nobody(Err(NotServed::Refused("connection refused".into())), 1, State::Unreachable, "nothing listens")]
#[case::silence(Err(NotServed::TimedOut(5)), 1, State::Unreachable, "no answer in TLS within 5s")]
#[case::no_right(Err(NotServed::Denied("forbidden".into())), 1, State::InferredCurrent, "inferred, not seen: ")]
fn a_handshake_decides_and_only_as_long_as_it_counts(
    #[case] shaken: Result<CertificateFacts, NotServed>,
    #[case] minutes: i64,
    #[case] state: State,
    #[case] said: &str,
) {
    let mut world = world([pod("web-0", SecretVia::Mount, 30)]);
    shake(&mut world, "web-0", shaken, minutes);
    let one = only(&world);
    assert_eq!(one.state, state, "{one:?}");
    assert!(one.why.text.starts_with(said), "{one:?}");
}

#[rstest]
#[case::started_after(SecretVia::SubPath, 30, State::InferredCurrent, "it probably has it")]
#[case::its_files_change(SecretVia::Mount, 90, State::InferredCurrent, "whether its program reloads them is its own")]
#[case::by_sub_path(SecretVia::SubPath, 90, State::InferredStale, "subPath")]
#[case::by_environment(SecretVia::Env, 90, State::InferredStale, "environment")]
fn without_a_handshake_it_is_inferred_and_never_good(
    #[case] via: SecretVia,
    #[case] started: i64,
    #[case] state: State,
    #[case] said: &str,
) {
    let one = only(&world([pod("web-0", via, started)]));
    assert_eq!(one.state, state);
    assert!(one.why.text.starts_with("inferred, not seen: ") && one.why.text.contains(said), "{one:?}");
    assert!(!one.state.proven() && one.state.severity() != Severity::Ok);
}

#[test]
fn a_pod_that_is_not_ready_is_not_judged_by_what_it_served_before() {
    let ready = pod("web-0", SecretVia::Mount, 30);
    let mut world = world([ready.clone()]);
    shake(&mut world, "web-0", Ok(leaf("CN=web", &["web.shop.svc"])), 1);
    put(&mut world, [Object::Pod(Pod { ready: false, ..ready })]);
    assert_eq!(only(&world).state, State::Unknown);
}

#[test]
fn what_was_seen_before_the_secret_changed_says_nothing_of_it() {
    let mut world = world([pod("web-0", SecretVia::Mount, 30)]);
    shake(&mut world, "web-0", Ok(leaf("CN=web", &["web.shop.svc"])), 1);
    put(&mut world, [secret("web-tls", leaf("CN=new", &["web.shop.svc"]))]);
    assert_eq!(only(&world).state, State::InferredCurrent);
}

#[test]
fn what_a_pod_serves_of_another_secret_of_its_own_is_not_held_against_it() {
    let mut both = pod("web-0", SecretVia::Mount, 30);
    both.secrets = ["web-tls", "other-tls"].map(|name| SecretUse { secret: name.into(), via: SecretVia::Mount }).into();
    let mut world = world([both]);
    put(&mut world, [secret("other-tls", leaf("CN=other", &["other.example"]))]);
    shake(&mut world, "web-0", Ok(leaf("CN=other", &["other.example"])), 1);
    let one = only(&world);
    assert_eq!((one.state, &*one.why.text), (State::Other, "there it serves the certificate of Secret other-tls"));
}

#[test]
fn what_matters_most_comes_first_and_time_alone_ends_a_verdict() {
    let mut world = world(["web-0", "web-1", "web-2"].map(|name| pod(name, SecretVia::Mount, 30)));
    shake(&mut world, "web-0", Ok(leaf("CN=web", &["web.shop.svc"])), 1);
    shake(&mut world, "web-1", Ok(former()), 2);
    let judged = served(&world, &key(), now());
    assert_eq!(worst(&judged.value).map(|one| &*one.pod), Some("web-1"));
    assert_eq!(judged.valid_until, Some(ago(2) + COUNTS));
    let later = served(&world, &key(), now() + SignedDuration::from_mins(10));
    assert!(later.value.iter().all(|one| one.state != State::Match && one.state != State::Stale));
}

/// Port and name of each endpoint of the first pod.
fn asked(world: &World) -> Vec<(u16, Option<String>, String)> {
    let pod = users(world, &key())[0];
    let plain = |one: Endpoint| (one.port, one.service.map(|name| name.to_string()), one.name.into());
    endpoints(world, &key(), pod).into_iter().map(plain).collect()
}

#[rstest]
#[case::by_a_name_of_the_pod(vec![port("https", 443, named("https"))], vec![8444])]
#[case::by_number(vec![port("", 443, PodPortName::Number(9000))], vec![9000])]
#[case::only_what_looks_like_tls(vec![port("http", 80, named("http")), port("web-tls", 81, PodPortName::Number(7000))], vec![7000])]
#[case::all_where_none_does(vec![port("a", 80, named("http")), port("b", 5432, PodPortName::Number(5432))], vec![8080, 5432])]
#[case::not_what_the_pod_does_not_have(vec![port("https", 443, named("admin"))], vec![8444])]
fn the_ports_of_services_are_asked(#[case] ports: Vec<ServicePort>, #[case] numbers: Vec<u16>) {
    let mut world = world([pod("web-0", SecretVia::Mount, 30)]);
    put(&mut world, [service("web", ports)]);
    assert_eq!(asked(&world).into_iter().map(|(number, ..)| number).collect::<Vec<_>>(), numbers);
}

#[rstest]
#[case::of_the_service(&["web.shop.svc"], "web.shop.svc")]
#[case::by_wildcard(&["*.shop.svc"], "web.shop.svc")]
#[case::of_the_certificate(&["*.example", "shop.example"], "shop.example")]
#[case::none_that_could_be_asked_for(&["*.example", "spiffe://a/b"], "web.shop.svc")]
fn a_server_is_asked_for_by_a_name_that_the_certificate_has(#[case] names: &[&str], #[case] name: &str) {
    let mut world = world([pod("web-0", SecretVia::Mount, 30)]);
    put(&mut world, [secret("web-tls", leaf("CN=web", names))]);
    assert_eq!(asked(&world), [(8444, Some("web".to_owned()), name.to_owned())]);
}

#[test]
fn a_pod_without_a_service_is_asked_where_it_says_tls_and_else_not_at_all() {
    let mut world = live();
    put(&mut world, [secret("web-tls", leaf("CN=web", &["web.example"]))]);
    put(&mut world, [Object::Pod(pod("web-0", SecretVia::Mount, 30))]);
    assert_eq!(asked(&world), [(8444, None, "web.example".to_owned())]);
    let silent = Pod { containers: Box::default(), ..pod("web-0", SecretVia::Mount, 30) };
    put(&mut world, [Object::Pod(silent)]);
    let one = only(&world);
    assert_eq!((one.state, one.endpoint), (State::Unknown, None));
}
