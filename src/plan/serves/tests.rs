//! What is seen before decides what has to be seen after.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{ago, live, meta, now, put, x509};
use crate::model::{
    CertificateFacts, Delta, KeyMatch, Meta, NotServed, Object, Place, Pod, PodPortName, SecretUse, ServicePort,
    Shaken, TlsSecret,
};

fn labelled(name: &str) -> Meta {
    Meta { labels: [("app".into(), "web".into())].into(), ..meta(name) }
}

fn pod(name: &str, via: SecretVia) -> Pod {
    let secrets = [SecretUse { secret: "web-tls".into(), via }].into();
    Pod { meta: labelled(name), phase: "Running".into(), ready: true, secrets, started: Some(ago(5)), ..Pod::default() }
}

fn leaf(name: &str) -> CertificateFacts {
    x509(name, "CN=ca", 60, 60)
}

/// Two pods behind Service web.
fn world(via: SecretVia) -> World {
    let mut world = live();
    let place = Place { key: "tls.crt".into(), chain: Ok([leaf("CN=web")].into()) };
    put(
        &mut world,
        [Object::TlsSecret(TlsSecret {
            meta: meta("web-tls"),
            leaf: place,
            ca: None,
            key: KeyMatch::Match,
            files: Box::default(),
        })],
    );
    let port =
        ServicePort { name: "https".into(), number: 443, target: PodPortName::Number(8443), protocol: "".into() };
    let selector = [("app".into(), "web".into())].into();
    put(&mut world, [Object::Service(Service { meta: meta("web"), selector, ports: [port].into() })]);
    put(&mut world, ["web-0", "web-1"].map(|name| Object::Pod(pod(name, via))));
    world
}

fn key() -> ClaimKey {
    ("shop".into(), "web-tls".into())
}

fn shake(world: &mut World, seen: [Result<CertificateFacts, NotServed>; 2]) {
    let shaken = seen.into_iter().zip(["web-0", "web-1"]).map(|(served, pod)| Shaken {
        pod: format!("uid-{pod}").into(),
        port: 8443,
        name: "CN=web".into(),
        at: ago(1),
        served: served.map(Box::new),
    });
    world.apply(Delta::Shaken(shaken.collect()), now());
}

fn of(world: &World, frozen_restart: bool) -> Serves {
    Serves::of(world, &key(), &json!("ab"), frozen_restart, WITHIN, now())
}

/// Whether each step is lenient.
fn steps(serves: &Serves) -> Vec<bool> {
    serves.steps.iter().map(|step| step.act.lenient()).collect()
}

fn no_tls() -> NotServed {
    NotServed::NotTls("it greets".into())
}

#[rstest]
#[case::both([Ok(leaf("CN=web")), Ok(leaf("CN=web"))], &[false], "2 of 2 pods serve the stored certificate")]
#[case::one_stale([Ok(leaf("CN=web")), Ok(leaf("CN=old"))], &[false], "1 of 2 pods serve the stored certificate; pod web-1: it serves another")]
#[case::one_silent([Ok(leaf("CN=web")), Err(NotServed::TimedOut(5))], &[false], "1 of 2 pods serve the stored certificate")]
#[case::both_silent([Err(NotServed::TimedOut(5)), Err(NotServed::TimedOut(5))], &[true], "nothing is seen to be served there now (pod web-0: no answer")]
#[case::no_tls([Err(no_tls()), Err(no_tls())], &[], "will not be seen: pod web-0: not verifiable")]
#[case::one_without_tls([Ok(leaf("CN=web")), Err(no_tls())], &[], "will not be seen: pod web-1: not verifiable")]
#[case::no_right([Err(NotServed::Denied("needs the right".into())), Err(NotServed::Denied("needs the right".into()))], &[], "will not be seen: needs the right")]
fn what_was_served_before_has_to_be_served_after(
    #[case] seen: [Result<CertificateFacts, NotServed>; 2],
    #[case] lenient: &[bool],
    #[case] said: &str,
) {
    let mut world = world(SecretVia::Mount);
    shake(&mut world, seen);
    let serves = of(&world, true);
    assert_eq!(steps(&serves), lenient, "{serves:?}");
    let all: Vec<&String> = serves.warnings.iter().chain(serves.facts.iter().map(|(_, fact)| fact)).collect();
    assert!(all.len() == 1 && all[0].contains(said), "{all:?}");
}

#[test]
fn a_step_asks_the_pods_of_the_service_by_its_own_labels() {
    let mut world = world(SecretVia::Mount);
    shake(&mut world, [Ok(leaf("CN=web")), Ok(leaf("CN=web"))]);
    let serves = of(&world, true);
    let Act::Handshake { pods, port, name, serves, .. } = &serves.steps[0].act else { panic!("{serves:?}") };
    assert_eq!((&*pods.selector, pods.namespace.as_deref()), ("app=web", Some("shop")));
    assert_eq!((*port, &**name, serves), (8443, "CN=web", &json!("ab")));
}

#[test]
fn without_handshakes_nothing_is_promised() {
    let serves = of(&world(SecretVia::Mount), true);
    assert!(serves.steps.is_empty());
    assert_eq!(
        serves.warnings,
        ["whether Service web:8443 serves the new certificate will not be seen: no handshake was made"]
    );
}

#[test]
fn who_keeps_the_former_one_is_waited_for_only_when_it_is_restarted() {
    let mut world = world(SecretVia::SubPath);
    shake(&mut world, [Ok(leaf("CN=web")), Ok(leaf("CN=web"))]);
    assert_eq!(steps(&of(&world, true)), [false]);
    let left = of(&world, false);
    assert!(left.steps.is_empty() && left.warnings[0].contains("keeps the former one"), "{left:?}");
}

#[test]
fn pods_behind_the_service_that_do_not_use_the_secret_are_not_waited_for() {
    let mut world = world(SecretVia::Mount);
    put(&mut world, [Object::Pod(Pod { secrets: Box::default(), ..pod("other", SecretVia::Mount) })]);
    shake(&mut world, [Ok(leaf("CN=web")), Ok(leaf("CN=web"))]);
    let serves = of(&world, true);
    assert!(serves.steps.is_empty() && serves.warnings[0].contains("pod other behind it"), "{serves:?}");
}
