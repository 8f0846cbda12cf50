//! A TLS Secret that nobody else renews is given a new certificate and key in one write, seen to hold it, and reaches
//! those who cannot see that by themselves; whatever goes wrong, everything goes back; and no key is written down.

use http::Method;
use k8s_openapi::ByteString;
use serde_json::json;

use holdfast::model::{CertificateFacts, KeyMatch};
use holdfast::x509;

use crate::renew::{everything_below, pods, user};
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{self, Person};
use crate::support::pki::{self, Authority, Pair};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    it_gives_the_secret_another_certificate_like_it_and_undo_brings_the_former_one_back,
    no_key_is_written_down,
    what_cannot_see_the_change_is_restarted_and_again_when_it_is_taken_back,
    a_restart_that_is_taken_back_takes_the_certificate_back_too,
    a_certificate_that_signs_itself_is_signed_anew,
    nothing_goes_back_to_a_key_that_is_known_to_others,
    what_is_written_elsewhere_or_could_break_is_refused,
    what_somebody_else_stores_meanwhile_stays,
    a_lost_answer_is_not_sent_twice,
    of_two_consoles_that_rotate_one_secret_the_second_is_told,
    what_is_handed_over_takes_its_place_and_nothing_of_its_key_is_written_down,
    what_is_handed_over_and_would_break_somebody_is_refused_before_anything_is_written,
    killed_before_it_is_stored_a_key_that_was_handed_over_has_to_be_handed_over_again,
    undo_is_refused_once_another_certificate_is_there,
    an_auditor_is_refused_with_every_right_that_is_missing,
);

/// What a Secret holds.
pub struct Held {
    pub facts: CertificateFacts,
    pub certificate: String,
    pub key: String,
}

pub async fn held(cluster: &TestCluster, name: &str) -> Held {
    let secret = cluster.get("v1", "Secret", name).await.unwrap_or_else(|| panic!("no Secret {name}"));
    let value = |key: &str| {
        let bytes: ByteString = serde_json::from_value(secret["data"][key].clone()).unwrap();
        String::from_utf8(bytes.0).unwrap()
    };
    let (certificate, key) = (value("tls.crt"), value("tls.key"));
    assert_eq!(x509::key_match(certificate.as_bytes(), key.as_bytes()), KeyMatch::Match, "{name}");
    Held { facts: x509::chain(certificate.as_bytes()).unwrap().remove(0), certificate, key }
}

/// Secrets of the operations, by name.
pub async fn copies(cluster: &TestCluster) -> Vec<String> {
    let all = cluster.list("v1", "Secret").await;
    let own = all.iter().filter(|secret| secret["metadata"]["annotations"].get("holdfast.dev/copy-of").is_some());
    own.map(|secret| secret["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// A CA in the namespace, Secret `web-tls` of it, and an SRE.
pub async fn prepared(cluster: &TestCluster) -> (Person, Pair) {
    let authority = Authority::new("shop CA");
    cluster.create(&authority.pair.secret(&cluster.namespace, "shop-ca")).await;
    let leaf = authority.leaf(&format!("web.{}.svc", cluster.namespace));
    cluster.create(&leaf.secret(&cluster.namespace, "web-tls")).await;
    (cluster.person(User::Sre), leaf)
}

fn path(cluster: &TestCluster) -> String {
    format!("{}/web-tls", cluster.namespace)
}

fn rotate<'a>(path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["rotate", path, "--yes"], more].concat()
}

async fn undo(sre: &Person) -> person::Ended {
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    sre.run(&["operations", "undo", &id, "--yes"]).await
}

pub async fn it_gives_the_secret_another_certificate_like_it_and_undo_brings_the_former_one_back(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let (former, authority) = (held(&cluster, "web-tls").await, held(&cluster, "shop-ca").await);
    sre.run(&rotate(&path(&cluster), &["--reason", "due"])).await.expect(0);
    let new = held(&cluster, "web-tls").await;
    assert_eq!((&new.facts.names, &new.facts.subject), (&former.facts.names, &former.facts.subject));
    assert_eq!((&new.facts.usage, &new.facts.key), (&former.facts.usage, &former.facts.key));
    assert_eq!(new.facts.issuer_key_id, authority.facts.key_id);
    assert_ne!((&new.facts.serial, &new.facts.spki), (&former.facts.serial, &former.facts.spki));
    // The one in which it was made is gone; what was there is kept, and cannot be changed.
    let kept = copies(&cluster).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(held(&cluster, &kept[0]).await.certificate, former.certificate);
    assert_eq!(cluster.get("v1", "Secret", &kept[0]).await.unwrap()["immutable"], true);
    // It alarms nobody, and is seen.
    let listed =
        sre.run(&["get", "certificates", "-n", &cluster.namespace, "--filter", "name:kept", "-o", "json"]).await;
    let rows = listed.json();
    assert_eq!(rows[0]["state"], "Set aside", "{rows}");

    undo(&sre).await.expect(0);
    let back = held(&cluster, "web-tls").await;
    assert_eq!((back.certificate, back.key), (former.certificate, former.key));
    // What was taken back is kept as well.
    assert_eq!(copies(&cluster).await.len(), 2);
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn no_key_is_written_down(cluster: TestCluster) {
    let (sre, leaf) = prepared(&cluster).await;
    let path = path(&cluster);
    let shown = sre.run(&["rotate", &path, "--dry-run", "--script", "-"]).await.expect(0);
    let log = sre.home().join("log");
    let logged = ["--log-file", log.to_str().unwrap()];
    let ended = sre.run(&[&logged, &*rotate(&path, &["--key", "rsa-2048"])].concat()).await.expect(0);
    let new = held(&cluster, "web-tls").await;
    let authority = held(&cluster, "shop-ca").await;
    assert_eq!(&*new.facts.key, "RSA 2048");
    let written = everything_below(sre.home());
    assert!(written.contains(&*new.facts.fingerprint), "the journal has the fingerprint");
    for key in [&new.key, &leaf.key, &authority.key] {
        let line = key.lines().nth(1).unwrap();
        for said in [&written, &ended.stdout, &ended.stderr, &shown.stdout, &shown.stderr] {
            assert!(!said.contains("PRIVATE KEY-") && !said.contains(line), "a key is written down");
        }
    }
    let refused = "private keys are made and moved by the console alone";
    assert!(shown.stdout.contains(refused), "{shown:?}");
}

pub async fn what_cannot_see_the_change_is_restarted_and_again_when_it_is_taken_back(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    cluster.create(&user(&cluster.namespace, "Deployment", "front", 2, false)).await;
    cluster.create(&user(&cluster.namespace, "Deployment", "edge", 1, true)).await;
    let (front, edge) = (pods(&cluster, "front", 2).await, pods(&cluster, "edge", 1).await);
    sre.run(&rotate(&path(&cluster), &[])).await.expect(0);
    let then = pods(&cluster, "front", 2).await;
    assert!(front.iter().all(|pod| !then.contains(pod)), "{front:?} {then:?}");
    undo(&sre).await.expect(0);
    let now = pods(&cluster, "front", 2).await;
    assert!(then.iter().all(|pod| !now.contains(pod)), "{then:?} {now:?}");
    assert_eq!(pods(&cluster, "edge", 1).await, edge, "who mounts the files is left alone");
}

async fn a_restart_that_is_taken_back_takes_the_certificate_back_too(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let former = held(&cluster, "web-tls").await;
    cluster.create(&user(&cluster.namespace, "Deployment", "front", 1, false)).await;
    pods(&cluster, "front", 1).await;
    let (gate, state) = (Gate::shut(), sre.state());
    let watched = Order::on(Method::GET, "/deployments/front", Fault::Hold(gate.clone()));
    cluster.proxy.order(watched.when(move || person::has(&state, "done", "restart-1")).times(1));
    let path = path(&cluster);
    let arguments = rotate(&path, &[]);
    let back = async {
        wait::until("the restart to be watched", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let without = json!({ "spec": { "template": { "metadata": { "annotations": null } } } });
        cluster.merge("apps/v1", "Deployment", "front", &without).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(sre.run(&arguments), back);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("the restart was taken back"), "{ended:?}");
    assert_eq!(held(&cluster, "web-tls").await.certificate, former.certificate);
    assert_eq!(copies(&cluster).await, Vec::<String>::new(), "nothing is left of it");
    let refused = undo(&sre).await.expect(1);
    assert!(refused.stderr.contains("was taken back when it ended"), "{refused:?}");
}

async fn a_certificate_that_signs_itself_is_signed_anew(cluster: TestCluster) {
    let former = pki::self_signed("edge.example");
    let secret = pki::with(former.secret(&cluster.namespace, "web-tls"), "ca.crt", &former.certificate);
    cluster.create(&secret).await;
    let sre = cluster.person(User::Sre);
    let ended = sre.run(&rotate(&path(&cluster), &[])).await.expect(0);
    assert!(ended.stdout.contains("clients that trust the present certificate have to trust the new one"), "{ended:?}");
    let new = held(&cluster, "web-tls").await;
    assert!(new.facts.self_signed && new.certificate != former.certificate);
    // Who trusts what is in ca.crt trusts both.
    let secret = cluster.get("v1", "Secret", "web-tls").await.unwrap();
    let bundle: ByteString = serde_json::from_value(secret["data"]["ca.crt"].clone()).unwrap();
    let trusted = x509::chain(&bundle.0).unwrap();
    assert_eq!(trusted.len(), 2);
    assert_eq!(trusted[1].fingerprint, new.facts.fingerprint);
}

async fn nothing_goes_back_to_a_key_that_is_known_to_others(cluster: TestCluster) {
    let (sre, leaf) = prepared(&cluster).await;
    cluster.create(&leaf.secret(&cluster.namespace, "copied-tls")).await;
    let former = held(&cluster, "web-tls").await;
    let ended = sre.run(&rotate(&path(&cluster), &["--compromised"])).await.expect(0);
    for said in [
        format!("the old certificate stays valid until {} unless its clients check revocation", former.facts.not_after),
        format!("the same key is in Secret {}/copied-tls: rotate that too", cluster.namespace),
    ] {
        assert!(ended.stdout.contains(&said), "{said} is not in {}", ended.stdout);
    }
    assert_ne!(held(&cluster, "web-tls").await.certificate, former.certificate);
    assert_eq!(copies(&cluster).await, Vec::<String>::new(), "the leaked key is kept nowhere");
    let refused = undo(&sre).await.expect(1);
    assert!(refused.stderr.contains("nothing was kept that it could go back to"), "{refused:?}");
}

async fn what_is_written_elsewhere_or_could_break_is_refused(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let here = &cluster.namespace;
    let authority = Authority::new("elsewhere");
    let leaf = authority.leaf("web.example");
    let labelled = |name: &str| {
        let mut secret = leaf.secret(here, name);
        secret["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
        secret
    };
    let mut fixed = leaf.secret(here, "fixed");
    fixed["immutable"] = true.into();
    for secret in [
        leaf.secret(here, "foreign"),
        labelled("helms"),
        fixed,
        pki::with(leaf.secret(here, "stores"), "keystore.p12", "bytes"),
        crate::support::manifests::tls_secret(here, "broken", "no certificate", "no key"),
    ] {
        cluster.create(&secret).await;
    }
    for (name, more, said) in [
        ("foreign", &[][..], "its issuer, CN=elsewhere, is not a CA whose key is in a TLS Secret"),
        ("helms", &[], "Helm keeps it as it is written down elsewhere"),
        ("fixed", &[], "it is immutable"),
        ("stores", &[], "it holds the certificate in other forms too (keystore.p12)"),
        ("broken", &[], "its certificate cannot be read"),
        ("shop-ca", &[], "it is a CA"),
        ("none", &[], "there is no Secret"),
        ("foreign", &["--signer", "NS/web-tls"], "its certificate is not that of a CA"),
        ("foreign", &["--signer", "NS/none"], "there is no TLS Secret"),
    ] {
        let more: Vec<String> = more.iter().map(|word: &&str| word.replace("NS", here)).collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let refused = sre.run(&rotate(&format!("{here}/{name}"), &more)).await.expect(1);
        assert!(refused.stderr.contains(said), "{name}: {said} is not in {refused:?}");
    }
    assert!(sre.journals().is_empty());
    let other = format!("{here}/shop-ca");
    let said = sre.run(&rotate(&format!("{here}/helms"), &["--managed-elsewhere", "--signer", &other])).await.expect(0);
    assert!(said.stdout.contains("another CA signs it than before"), "{said:?}");
}

/// Holds it before it stores the new certificate, while somebody else puts another one there.
async fn overtaken(cluster: &TestCluster, sre: &Person) -> (person::Ended, String) {
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::PATCH, "/secrets/web-tls", Fault::Hold(gate.clone())).times(1));
    let path = path(cluster);
    let arguments = rotate(&path, &[]);
    let theirs = Authority::new("theirs").leaf("web.example");
    let stored = async {
        wait::until("it to store the new one", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let data = theirs.secret(&cluster.namespace, "web-tls")["stringData"].clone();
        cluster.merge("v1", "Secret", "web-tls", &json!({ "stringData": data })).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(sre.run(&arguments), stored);
    (ended, theirs.certificate)
}

async fn what_somebody_else_stores_meanwhile_stays(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let (ended, theirs) = overtaken(&cluster, &sre).await;
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("another certificate was stored meanwhile"), "{ended:?}");
    assert_eq!(held(&cluster, "web-tls").await.certificate, theirs);
    assert_eq!(copies(&cluster).await, Vec::<String>::new());
}

async fn a_lost_answer_is_not_sent_twice(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let former = held(&cluster, "web-tls").await;
    for (method, place) in [(Method::POST, "/secrets"), (Method::PATCH, "/secrets/web-tls")] {
        cluster.proxy.order(Order::on(method, place, Fault::LostAnswer).without("dryRun=All").times(1));
    }
    sre.run(&rotate(&path(&cluster), &[])).await.expect(0);
    assert!(sre.story().iter().any(|what| what == "outcomeUnknown"), "{:?}", sre.story());
    assert_ne!(held(&cluster, "web-tls").await.certificate, former.certificate);
    assert_eq!(copies(&cluster).await.len(), 1);
}

async fn of_two_consoles_that_rotate_one_secret_the_second_is_told(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::PATCH, "/secrets/web-tls", Fault::Hold(gate.clone())).times(1));
    let path = path(&cluster);
    let arguments = rotate(&path, &[]);
    let other = cluster.person(User::Sre);
    let second = async {
        wait::until("the first to be at it", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let refused = other.run(&rotate(&path, &[])).await;
        gate.open();
        refused
    };
    let (first, second) = tokio::join!(sre.run(&arguments), second);
    first.expect(0);
    let second = second.expect(1);
    assert!(second.stderr.contains("another operation works on the same data"), "{second:?}");
}

/// A file of this person's with a text, by its path.
fn file(sre: &Person, name: &str, text: &str) -> String {
    let path = sre.home().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn what_is_handed_over_takes_its_place_and_nothing_of_its_key_is_written_down(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let former = held(&cluster, "web-tls").await;
    let theirs = Authority::new("their CA");
    let leaf = theirs.leaf(&format!("web.{}.svc", cluster.namespace));
    let chain = file(&sre, "web.pem", &format!("{}{}", theirs.pair.certificate, leaf.certificate));
    let key = file(&sre, "web.key", &leaf.key);
    let path = path(&cluster);
    let arguments = rotate(&path, &["--certificate", &chain, "--private-key", &key]);
    let ended = sre.run(&arguments).await.expect(0);
    std::fs::remove_file(&key).unwrap();
    for said in ["another CA signed it than before (CN=their CA instead of CN=shop CA)", "put in order, the leaf first"]
    {
        assert!(ended.stdout.contains(said), "{said} is not in {}", ended.stdout);
    }
    let new = held(&cluster, "web-tls").await;
    assert_eq!(new.certificate, leaf.certificate.replace("\r\n", "\n"), "without the root");
    let line = leaf.key.lines().nth(1).unwrap();
    let written = everything_below(sre.home());
    for said in [&written, &ended.stdout, &ended.stderr] {
        assert!(!said.contains(line), "a key is written down");
    }
    undo(&sre).await.expect(0);
    assert_eq!(held(&cluster, "web-tls").await.certificate, former.certificate);
}

async fn what_is_handed_over_and_would_break_somebody_is_refused_before_anything_is_written(cluster: TestCluster) {
    let (sre, present) = prepared(&cluster).await;
    let theirs = Authority::new("their CA");
    let (good, other) = (theirs.leaf(&format!("web.{}.svc", cluster.namespace)), theirs.leaf("other.example"));
    let encrypted = include_str!("../../src/x509/fixtures/p256.encrypted.pem");
    let cut = good.certificate.replace("-----END CERTIFICATE-----", "");
    let both = format!("{}{}", good.key, other.key);
    for (certificate, key, said) in [
        ("no PEM", good.key.as_str(), "holds no PEM certificate"),
        (&cut, &good.key, "has no END line of its own"),
        (&good.certificate, "", "there is no private key"),
        (&good.certificate, encrypted, "the private key is encrypted"),
        (&good.certificate, &both, "there are 2 private keys"),
        (&good.certificate, &other.key, "the private key belongs to none of the certificates"),
        (&format!("{}{}", good.certificate, other.certificate), &good.key, "did not issue any of the others"),
        (&other.certificate, &other.key, "names of the present one are missing: web."),
        (&present.certificate, &present.key, "it is the present one"),
        (&theirs.pair.certificate, &theirs.pair.key, "it is a CA"),
    ] {
        let (certificate, key) = (file(&sre, "given.pem", certificate), file(&sre, "given.key", key));
        let path = path(&cluster);
        let refused = sre.run(&rotate(&path, &["--certificate", &certificate, "--private-key", &key])).await.expect(1);
        assert!(refused.stderr.contains(said), "{said} is not in {refused:?}");
    }
    assert!(sre.journals().is_empty());
    assert_eq!(held(&cluster, "web-tls").await.certificate, present.certificate);
    let (certificate, key) = (file(&sre, "given.pem", &other.certificate), file(&sre, "given.key", &other.key));
    let path = path(&cluster);
    let more = ["--certificate", &certificate, "--private-key", &key, "--other-names"];
    let taken = sre.run(&rotate(&path, &more)).await.expect(0);
    assert!(taken.stdout.contains("no longer: web."), "{taken:?}");
}

async fn killed_before_it_is_stored_a_key_that_was_handed_over_has_to_be_handed_over_again(cluster: TestCluster) {
    let (sre, present) = prepared(&cluster).await;
    let leaf = Authority::new("their CA").leaf(&format!("web.{}.svc", cluster.namespace));
    let both = file(&sre, "web.pem", &format!("{}{}", leaf.certificate, leaf.key));
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::POST, "/secrets", Fault::Hold(gate.clone())));
    let path = path(&cluster);
    let mut running = sre.start(&rotate(&path, &["--certificate", &both]));
    wait::until("it to make the Secret", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let resumed = sre.run(&["operations", "resume", &id]).await.expect(1);
    assert!(resumed.stderr.contains("nothing was changed, hand it over again"), "{resumed:?}");
    assert_eq!(held(&cluster, "web-tls").await.certificate, present.certificate);
    assert_eq!(copies(&cluster).await, Vec::<String>::new());
    sre.run(&rotate(&path, &["--certificate", &both])).await.expect(0);
    assert_eq!(held(&cluster, "web-tls").await.certificate, leaf.certificate.replace("\r\n", "\n"));
}

async fn undo_is_refused_once_another_certificate_is_there(cluster: TestCluster) {
    let (sre, leaf) = prepared(&cluster).await;
    sre.run(&rotate(&path(&cluster), &[])).await.expect(0);
    let first = sre.operation().await["id"].as_str().unwrap().to_owned();
    cluster
        .merge(
            "v1",
            "Secret",
            "web-tls",
            &json!({ "stringData": { "tls.crt": leaf.certificate, "tls.key": leaf.key } }),
        )
        .await;
    let refused = sre.run(&["operations", "undo", &first, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("was given another certificate since"), "{refused:?}");
}

async fn an_auditor_is_refused_with_every_right_that_is_missing(cluster: TestCluster) {
    prepared(&cluster).await;
    let auditor = cluster.person(User::Auditor);
    let refused = auditor.run(&rotate(&path(&cluster), &[])).await;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(auditor.journals().is_empty());
    let said = ["create secrets", "patch secrets", "delete secrets", "create configmaps", "create leases"];
    // Who may not list Secrets sees none that could be rotated.
    let seen = said.iter().all(|right| refused.stderr.contains(right)) || refused.stderr.contains("cannot be seen");
    assert!(seen, "{refused:?}");
}
