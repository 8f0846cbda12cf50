//! Where a CA is trusted and what it signed, as far as that shows, and which gate each state of a cluster stands at.

use rstest::rstest;

use super::*;
use crate::assess::testing::{DAY, ago, annotated, cluster_meta, live, meta, now, put, x509};
use crate::model::{
    Called, CertManagerCertificate, CertificateHolder, Delta, Fault, Format, HeldFile, Issuer, KeyMatch, Meta, Object,
    OwnerRef, Place, Pod, Scope, SecretUse, SecretVia, TrustBundle, TrustEntry,
};

fn ca(name: &str) -> CertificateFacts {
    CertificateFacts { ca: true, self_signed: true, names: Box::default(), ..x509(name, name, DAY, 300 * DAY) }
}

fn secret(name: &str, facts: CertificateFacts) -> TlsSecret {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    TlsSecret { meta: meta(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
}

/// The new CA, with these notes.
fn successor(notes: &[(&'static str, &str)]) -> TlsSecret {
    let mut own = secret("new", ca("new"));
    let notes = [(annotation::SUCCEEDS, "old old")].iter().chain(notes);
    own.meta = notes.fold(own.meta, |meta, (key, value)| annotated(meta, key, value));
    own
}

fn file(key: &str, cas: &[&str]) -> HeldFile {
    HeldFile {
        key: key.into(),
        format: Format::Pem,
        own: Box::default(),
        trusted: cas.iter().map(|name| ca(name)).collect(),
        key_match: None,
        fault: None,
        content: 7,
    }
}

fn map(name: &str, files: impl IntoIterator<Item = HeldFile>) -> CertificateHolder {
    CertificateHolder { meta: meta(name), files: files.into_iter().collect() }
}

fn pod(name: &str, change: impl FnOnce(&mut Pod)) -> Object {
    let mut pod = Pod { meta: meta(name), phase: "Running".into(), started: Some(ago(60)), ..Pod::default() };
    pod.config_maps = [SecretUse { secret: "trust".into(), via: SecretVia::Mount }].into();
    change(&mut pod);
    Object::Pod(pod)
}

fn looked(world: &World) -> Sights<'_> {
    let Some(Succession::Running { former, successor }) = of(world, &("shop".into(), "old".into())) else {
        panic!("no CA")
    };
    look(world, former, successor, now()).unwrap()
}

fn here(world: &World) -> Option<(Phase, Vec<String>)> {
    looked(world).next().map(|gate| (gate.phase, gate.left))
}

fn world(objects: impl IntoIterator<Item = Object>) -> World {
    let mut world = live();
    put(&mut world, [Object::TlsSecret(secret("old", ca("old")))]);
    put(&mut world, objects);
    world
}

fn stored(world: &World) -> Vec<Store> {
    looked(world).stores
}

#[rstest]
#[case::only_the_former("old", Some((true, false)))]
#[case::both("old new", Some((true, true)))]
#[case::both_and_another("x new old", Some((true, true)))]
#[case::in_one_file_of_two("old new|old", Some((true, false)))]
#[case::each_in_its_own("old|new", Some((true, false)))]
#[case::only_the_new("new", Some((false, true)))]
#[case::neither("x", None)]
fn a_store_trusts_both_only_where_each_of_its_bundles_does(#[case] files: &str, #[case] trusts: Option<(bool, bool)>) {
    let files = files
        .split('|')
        .enumerate()
        .map(|(at, cas)| file(&format!("ca-{at}.crt"), &cas.split(' ').collect::<Vec<_>>()));
    let world = world([Object::TlsSecret(successor(&[])), Object::ConfigMap(map("trust", files))]);
    let found: Vec<_> = stored(&world).iter().map(|store| (store.former, store.successor)).collect();
    assert_eq!(found, trusts.into_iter().collect::<Vec<_>>());
}

fn labelled(key: &str, value: &str) -> Meta {
    Meta { labels: [(key.into(), value.into())].into(), ..meta("trust") }
}

#[rstest]
#[case::plain(map("trust", [file("ca.crt", &["old"])]), None)]
#[case::from_a_chart(
    CertificateHolder { meta: labelled("app.kubernetes.io/managed-by", "Helm"), files: [file("ca.crt", &["old"])].into() },
    Some("Helm keeps it")
)]
#[case::of_trust_manager(
    CertificateHolder { meta: labelled("trust.cert-manager.io/bundle", "shop"), files: [file("ca.crt", &["old"])].into() },
    Some("trust-manager keeps it")
)]
#[case::a_keystore(
    map("trust", [HeldFile { format: Format::Jks, ..file("trust.jks", &["old"]) }]),
    Some("trust.jks is a JKS")
)]
#[case::with_a_key(
    map("trust", [HeldFile { own: [[x509("web", "old", 1, 1)].into()].into(), ..file("all.pem", &["old"]) }]),
    Some("in all.pem a key stands beside")
)]
#[case::damaged(
    map("trust", [HeldFile { fault: Some(Fault { word: "bad_pem", said: "cut off".into(), tried: false }), ..file("ca.crt", &["old"]) }]),
    Some("ca.crt: cut off")
)]
#[case::another_file_is_damaged(
    map("trust", [file("ca.crt", &["old"]), HeldFile { format: Format::Jks, ..file("trust.jks", &["x"]) }]),
    None
)]
fn what_cannot_be_changed_here_says_why(#[case] holder: CertificateHolder, #[case] why: Option<&str>) {
    let world = world([Object::TlsSecret(successor(&[])), Object::OtherSecret(holder)]);
    let [store] = &stored(&world)[..] else { panic!("{:?}", stored(&world)) };
    match (&store.fixed, why) {
        (Some(said), Some(why)) => assert!(said.contains(why), "{said}"),
        (fixed, why) => assert_eq!(fixed.as_deref(), why),
    }
}

#[test]
fn what_cert_manager_writes_holds_one_ca_at_a_time() {
    let mut leaf = secret("web-tls", x509("web", "old", DAY, DAY));
    leaf.ca = Some(Place { key: "ca.crt".into(), chain: Ok([ca("old")].into()) });
    let certificate = CertManagerCertificate { meta: meta("web"), secret: "web-tls".into(), ..Default::default() };
    let mut world = world([Object::TlsSecret(successor(&[])), Object::TlsSecret(leaf)]);
    assert_eq!(stored(&world)[0].fixed, None);
    put(&mut world, [Object::Certificate(certificate)]);
    assert!(stored(&world)[0].fixed.as_ref().is_some_and(|why| why.contains("one CA at a time")));
}

#[test]
fn what_api_servers_check_their_calls_by_counts_as_well() {
    let entry = |ca_name: &str| TrustEntry {
        names: Box::default(),
        called: Called::Service(("shop".into(), "web".into())),
        authorities: Some(Ok([ca(ca_name)].into())),
        insecure: false,
        ignorable: false,
    };
    let bundle = |meta| TrustBundle { meta, entries: [entry("x"), entry("old")].into(), conditions: Box::default() };
    let injected = annotated(cluster_meta("injected"), annotation::INJECT_CA_FROM, "shop/web");
    let world = world([
        Object::TlsSecret(successor(&[])),
        Object::ValidatingWebhook(bundle(cluster_meta("own"))),
        Object::ApiService(bundle(injected)),
    ]);
    let found = stored(&world);
    let fixed = |name: &str| found.iter().find(|store| &*store.at.name == name).unwrap().fixed.clone();
    assert_eq!(fixed("own"), None);
    assert_eq!(fixed("injected").as_deref(), Some("cert-manager's CA injector keeps it"));
    assert!(found.iter().all(|store| store.stays.is_none()), "the injector takes nothing out before it has ended");
}

#[rstest]
#[case::from_before(|_: &mut Pod| {}, true)]
#[case::started_since(|pod: &mut Pod| pod.started = Some(ago(1)), false)]
#[case::not_started_yet(|pod: &mut Pod| pod.started = None, true)]
#[case::ended(|pod: &mut Pod| pod.phase = "Succeeded".into(), false)]
#[case::of_no_store(|pod: &mut Pod| pod.config_maps = Box::default(), false)]
#[case::started_for_it_by_a_clock_that_is_ahead(
    |pod: &mut Pod| pod.meta = annotated(pod.meta.clone(), annotation::RESTARTED, &ago(40).to_string()),
    false
)]
#[case::restarted_before_it(
    |pod: &mut Pod| pod.meta = annotated(pod.meta.clone(), annotation::RESTARTED, &ago(50).to_string()),
    true
)]
fn a_pod_that_may_know_the_former_one_alone_is_waited_for(#[case] change: fn(&mut Pod), #[case] waited: bool) {
    let (since, mark) = (ago(30).to_string(), ago(40).to_string());
    let notes = [(annotation::TRUSTED_SINCE, &*since), (annotation::TRUSTED_MARK, &*mark)];
    let trusted = map("trust", [file("ca.crt", &["old", "new"])]);
    let world = world([Object::TlsSecret(successor(&notes)), Object::ConfigMap(trusted), pod("web-0", change)]);
    let expected = if waited { Phase::Start } else { Phase::Prove };
    assert_eq!(here(&world).unwrap().0, expected);
    assert_eq!(looked(&world).before.len(), usize::from(waited));
}

#[test]
fn the_one_that_the_fewest_use_is_issued_anew_first() {
    let leaf = |name: &str| secret(name, x509(name, "old", DAY, DAY));
    let uses = |pod: &mut Pod| {
        pod.secrets = [SecretUse { secret: "busy".into(), via: SecretVia::Mount }].into();
    };
    let mut copy = leaf("copied");
    copy.meta = annotated(copy.meta, annotation::COPY_OF, "busy");
    let elsewhere = HeldFile { own: [[x509("pem", "old", 1, DAY)].into()].into(), ..file("web.pem", &[]) };
    let certificate = CertManagerCertificate { meta: meta("idle"), secret: "idle".into(), ..Default::default() };
    let world = world([
        Object::TlsSecret(leaf("busy")),
        Object::TlsSecret(leaf("idle")),
        Object::TlsSecret(copy),
        Object::TlsSecret(secret("other", x509("other", "x", DAY, DAY))),
        Object::OtherSecret(map("pem", [elsewhere])),
        Object::Certificate(certificate),
        pod("web-0", uses),
    ]);
    let below = looked(&world).below;
    let names: Vec<&str> = below.iter().map(|leaf| &*leaf.at.name).collect();
    assert_eq!(names, ["idle", "pem", "busy"]);
    assert_eq!(below[0].reissue, Reissue::Renew("uid-idle".into()));
    assert!(matches!(&below[1].reissue, Reissue::Elsewhere(why) if why.contains("no TLS Secret")));
    assert_eq!(below[2].reissue, Reissue::Rotate("uid-busy".into()));
}

#[test]
fn issuers_of_its_namespace_sign_with_it_and_cluster_issuers_only_where_cert_manager_looks() {
    let issuer = |meta| Issuer { meta, how: "ca", ca_secret: Some("old".into()), conditions: Box::default() };
    let mut world = world([
        Object::Issuer(issuer(meta("ca"))),
        Object::Issuer(issuer(Meta { namespace: Some("other".into()), ..meta("elsewhere") })),
        Object::ClusterIssuer(issuer(cluster_meta("everywhere"))),
    ]);
    let names = |world: &World, namespace: &str| {
        let found = issuers(world, &(namespace.into(), "old".into()));
        found.into_iter().map(|(_, issuer)| issuer.meta.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&world, "shop"), ["ca"]);
    assert_eq!(names(&world, "cert-manager"), ["everywhere"]);
    put(&mut world, [Object::Issuer(Issuer { ca_secret: Some("new".into()), ..issuer(meta("ca")) })]);
    assert_eq!(names(&world, "shop"), Vec::<String>::new());
}

#[test]
fn without_secrets_or_pods_nothing_is_said_and_other_blind_spots_are_somebodys_to_answer_for() {
    let mut world = world([Object::TlsSecret(successor(&[(annotation::TRUSTED_SINCE, &ago(1).to_string())]))]);
    world.apply(Delta::Denied(Kind::ValidatingWebhook, Scope::All, "list".into()), now());
    let (phase, left) = here(&world).unwrap();
    assert_eq!(phase, Phase::Stores);
    assert!(left[0].contains("not allowed to list validatingwebhookconfigurations"), "{left:?}");
    for kind in [Kind::Pod, Kind::TlsSecret] {
        let mut blind = world.clone();
        blind.apply(Delta::Denied(kind, Scope::All, "list".into()), now());
        let Some(Succession::Running { former, successor }) = of(&blind, &("shop".into(), "old".into())) else {
            panic!("no CA")
        };
        assert!(look(&blind, former, successor, now()).is_err(), "{kind:?}");
    }
}

#[test]
fn it_is_found_by_either_secret_and_is_over_once_the_former_one_is_gone() {
    let named = |name: &str| ("shop".into(), name.into());
    let mut world = world([Object::TlsSecret(successor(&[]))]);
    for name in ["old", "new"] {
        assert!(matches!(of(&world, &named(name)), Some(Succession::Running { successor: Some(_), .. })), "{name}");
    }
    let old = meta("old");
    world.apply(Delta::Gone(Box::new(Object::TlsSecret(TlsSecret { meta: old, ..secret("old", ca("old")) }))), now());
    for name in ["old", "new"] {
        assert!(matches!(of(&world, &named(name)), Some(Succession::Over { .. })), "{name}");
    }
    // Its name may be taken by another CA, which is none of its business.
    put(&mut world, [Object::TlsSecret(secret("old", ca("another")))]);
    assert!(matches!(of(&world, &named("new")), Some(Succession::Over { .. })));
    assert!(matches!(of(&world, &named("old")), Some(Succession::Running { successor: None, .. })));
    assert!(of(&world, &named("nothing")).is_none());
}

/// A controller that would make the pod again.
#[test]
fn a_pod_that_nothing_makes_again_is_told_from_others() {
    let owner = OwnerRef { kind: "ReplicaSet".into(), name: "web".into(), uid: "uid-web".into(), controller: true };
    let world = world([
        Object::TlsSecret(successor(&[])),
        Object::ConfigMap(map("trust", [file("ca.crt", &["old"])])),
        pod("alone", |_| {}),
        pod("web-0", |pod| pod.meta.owners = [owner].into()),
    ]);
    let before = looked(&world).before;
    let told: Vec<(&str, bool)> = before.iter().map(|pod| (pod.said.as_str(), pod.replaceable)).collect();
    assert_eq!(told, [("Pod shop/alone", false), ("Pod shop/web-0", true)]);
}

#[test]
fn an_answer_is_for_the_places_that_were_there_and_not_for_those_that_come_later() {
    let keystore = |name: &str| map(name, [HeldFile { format: Format::Jks, ..file("trust.jks", &["old"]) }]);
    let trusted = (annotation::TRUSTED_SINCE, ago(1).to_string());
    let mut world =
        world([Object::TlsSecret(successor(&[(trusted.0, &trusted.1)])), Object::OtherSecret(keystore("first"))]);
    assert_eq!(here(&world).unwrap().0, Phase::Stores);
    let marks = looked(&world).marks().join(" ");
    let notes =
        [(trusted.0, &*trusted.1), (annotation::ATTESTED_STORES, "sre: sure"), (annotation::ATTESTED_ABOUT, &*marks)];
    put(&mut world, [Object::TlsSecret(successor(&notes))]);
    assert_eq!(here(&world).unwrap().0, Phase::Prove);
    put(&mut world, [Object::OtherSecret(keystore("second"))]);
    let (phase, left) = here(&world).unwrap();
    assert_eq!(phase, Phase::Stores);
    assert!(left.len() == 1 && left[0].contains("second"), "{left:?}");
}
