//! A CA is rotated with overlap: both are trusted before anything is signed with the new one, whoever trusts has started
//! since, everything is issued anew and seen to be served, and only then is the former one trusted no more. Clients that
//! know only what they knew when they started are served all along.

use std::collections::BTreeMap;

use holdfast::x509;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::renew::{CERT_MANAGER, certified, everything_below, issued, issuer, issuer_is, pods};
use crate::rotate::held;
use crate::served::renewal::settled;
use crate::served::{folder, serve, tls};
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{Ended, Person};
use crate::support::pki::{Authority, self_signed, verified};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    the_console_begins_it_and_shows_how_far_it_has_come,
    clients_that_know_what_they_knew_when_they_started_are_served_all_along,
    it_does_not_go_on_while_a_pod_runs_that_knows_only_the_former_one,
    what_is_kept_elsewhere_has_to_be_changed_there_or_answered_for,
    a_phase_is_taken_back_while_nothing_stands_on_it,
    an_auditor_is_refused_with_every_right_that_is_missing,
);

const ANSWER: &str = "the partners confirmed it on Monday";

fn path(cluster: &TestCluster) -> String {
    format!("{}/shop-ca", cluster.namespace)
}

/// One step of the procedure, or what stands before the next.
async fn step(cluster: &TestCluster, sre: &Person, more: &[&str]) -> Ended {
    let path = path(cluster);
    let whole = ["rotate-ca", &path, "-n", &cluster.namespace, "--yes", "--once", "--soak", "1s"];
    sre.run(&[&whole, more].concat()).await
}

/// The phase at which the procedure stands.
fn phase(ended: &Ended) -> String {
    let here = ended.stdout.lines().find(|line| line.starts_with('▶'));
    here.and_then(|line| line.split_whitespace().nth(2)).unwrap_or_else(|| panic!("{ended:?}")).to_owned()
}

async fn status(cluster: &TestCluster, sre: &Person) -> Ended {
    let path = path(cluster);
    sre.run(&["rotate-ca", &path, "-n", &cluster.namespace, "--status"]).await
}

/// Goes on until this phase is the next; answers what is asked.
async fn go_to(cluster: &TestCluster, sre: &Person, wanted: &str) {
    wait::seen(
        &format!("phase {wanted}"),
        LONG,
        async || {
            let now = phase(&status(cluster, sre).await);
            if now != wanted {
                step(cluster, sre, &["--attest", ANSWER]).await;
            }
            now
        },
        |now| now == wanted,
    )
    .await;
}

/// A ConfigMap that trusts the CA beside another one, and a comment.
async fn trusting(cluster: &TestCluster, ca: &Authority, name: &str) -> Value {
    let bundle = format!("# ours\n{}# theirs\n{}", ca.pair.certificate, self_signed("other").certificate);
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": cluster.namespace, "name": name },
        "data": { "ca.crt": bundle, "motd": "hello" },
    });
    cluster.create(&map).await
}

pub async fn bundle(cluster: &TestCluster, name: &str) -> String {
    let map = cluster.get("v1", "ConfigMap", name).await.unwrap();
    map["data"]["ca.crt"].as_str().unwrap().to_owned()
}

pub fn prints(bundle: &str) -> Vec<String> {
    x509::fingerprints(bundle.as_bytes()).unwrap()
}

/// Pods that read the bundle when they start.
fn client(namespace: &str, kind: &str, name: &str, map: &str) -> Value {
    let pod = json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "main", "image": "registry.example/web:1", "volumeMounts": [{ "name": "trust", "mountPath": "/trust" }],
        }],
        "volumes": [{ "name": "trust", "configMap": { "name": map } }],
    });
    let meta = json!({ "namespace": namespace, "name": name, "labels": { "app": name } });
    if kind == "Pod" {
        return json!({ "apiVersion": "v1", "kind": kind, "metadata": meta, "spec": pod });
    }
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": meta,
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": pod },
        },
    })
}

/// A CA by which cert-manager signs, a certificate of it that is served, one that nobody renews, and clients.
pub async fn prepared(cluster: &TestCluster) -> Person {
    let here = &cluster.namespace;
    let ca = Authority::new("shop CA");
    cluster.create(&ca.pair.secret(here, "shop-ca")).await;
    cluster.create(&issuer(here, "ca", &json!({ "ca": { "secretName": "shop-ca" } }))).await;
    issuer_is(cluster, "True").await;
    certified(cluster, "web").await;
    cluster.create(&ca.leaf(&format!("edge.{here}.svc")).secret(here, "edge-tls")).await;
    trusting(cluster, &ca, "trust").await;
    cluster.create(&client(here, "Deployment", "client", "trust")).await;
    pods(cluster, "client", 2).await;
    cluster.person(User::Sre)
}

/// A CA rotation right before this phase, and the command that does it.
pub async fn before(cluster: &TestCluster, phase: &str) -> (Person, Vec<String>) {
    let here = &cluster.namespace;
    let ca = Authority::new("shop CA");
    cluster.create(&ca.pair.secret(here, "shop-ca")).await;
    cluster.create(&issuer(here, "ca", &json!({ "ca": { "secretName": "shop-ca" } }))).await;
    issuer_is(cluster, "True").await;
    cluster.create(&ca.leaf(&format!("edge.{here}.svc")).secret(here, "edge-tls")).await;
    for map in ["trust", "trust-too"] {
        trusting(cluster, &ca, map).await;
    }
    cluster.create(&client(here, "Deployment", "client", "trust")).await;
    pods(cluster, "client", 2).await;
    let sre = cluster.person(User::Sre);
    go_to(cluster, &sre, phase).await;
    let command = ["rotate-ca", &path(cluster), "-n", here, "--yes", "--once", "--soak", "1s", "--attest", ANSWER];
    (sre, command.map(str::to_owned).to_vec())
}

async fn the_console_begins_it_and_shows_how_far_it_has_come(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("shop-ca").await;
    terminal.press("3/name:shop-ca\r:ca\r");
    let page = terminal.until("the page of its gates", |screen| screen.contains("▶ here    make")).await;
    assert!(page.contains("not made yet"), "{page}");
    terminal.press("xA");
    terminal.shows("Before the plan").await;
    let ctrl_s = "\u{13}";
    terminal.press(ctrl_s);
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press("shop-ca\r");
    terminal.shows("✓ Done").await;
    // From the operation back to the page, which has gone on meanwhile.
    terminal.press("q");
    terminal
        .until("the next gate", |screen| screen.contains("✓ passed  make") && screen.contains("▶ here    trust"))
        .await;
    terminal.press("p");
    terminal.shows("Rotating").await;
    assert_eq!(phase(&status(&cluster, &sre).await), "trust");
}

/// A client that takes only what it trusted when it was first seen.
struct Clients {
    trusted: BTreeMap<String, Vec<u8>>,
    certificates: BTreeMap<String, Vec<u8>>,
    handshakes: usize,
}

impl Clients {
    fn new() -> Self {
        Self { trusted: BTreeMap::new(), certificates: BTreeMap::new(), handshakes: 0 }
    }

    async fn look(&mut self, cluster: &TestCluster) {
        let bundle = bundle(cluster, "trust").await.into_bytes();
        let all = cluster.list("v1", "Pod").await;
        let running: Vec<&str> = all
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == "client" && pod["status"]["phase"] == "Running")
            .filter_map(|pod| pod["metadata"]["uid"].as_str())
            .collect();
        self.trusted.retain(|uid, _| running.contains(&uid.as_str()));
        for uid in running {
            self.trusted.entry(uid.to_owned()).or_insert_with(|| bundle.clone());
        }
        let secret = cluster.get("v1", "Secret", "web-tls").await.unwrap();
        let pem = serde_json::from_value::<ByteString>(secret["data"]["tls.crt"].clone()).unwrap().0;
        self.certificates.insert(prints(std::str::from_utf8(&pem).unwrap())[0].clone(), pem);
    }

    /// Every server is asked, and each client has to take what it shows.
    async fn shake_hands(&mut self, cluster: &TestCluster, sre: &Person) {
        self.look(cluster).await;
        let path = format!("{}/web-tls", cluster.namespace);
        let rows = sre.run(&["probe", &path, "-o", "json"]).await.json();
        // It may have changed since it was looked at.
        self.certificates_now(cluster).await;
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), 2, "{rows:?}");
        for row in rows {
            let served = row["fingerprint"].as_str().unwrap_or_else(|| panic!("a failed handshake: {row}"));
            let chain = &self.certificates.get(served).unwrap_or_else(|| panic!("served and never stored: {row}"));
            for (client, trusted) in &self.trusted {
                verified(chain, trusted, "web.example")
                    .unwrap_or_else(|error| panic!("client {client} refuses {served}: {error}"));
                self.handshakes += 1;
            }
        }
    }

    async fn certificates_now(&mut self, cluster: &TestCluster) {
        let trusted = std::mem::take(&mut self.trusted);
        self.look(cluster).await;
        self.trusted = trusted;
    }
}

async fn clients_that_know_what_they_knew_when_they_started_are_served_all_along(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    let (former, before) = (held(&cluster, "shop-ca").await, bundle(&cluster, "trust").await);
    let (watcher, mut clients) = (cluster.person(User::Sre), Clients::new());
    let stop = tokio::sync::Notify::new();
    let mut said = String::new();
    let rotated = async {
        let mut phases: Vec<String> = Vec::new();
        for _ in 0..40 {
            let ended = step(&cluster, &sre, &["--attest", ANSWER, "--reason", "due"]).await;
            said += &ended.stdout;
            if ended.stdout.contains("done: the former CA is trusted nowhere") {
                break;
            }
            assert!([Some(0), Some(4)].contains(&ended.code), "{ended:?}");
            phases.push(phase(&ended));
        }
        stop.notify_one();
        phases.dedup();
        phases
    };
    let shaken = async {
        let stopped = stop.notified();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return,
                () = clients.shake_hands(&cluster, &watcher) => {}
            }
        }
    };
    let (phases, ()) = tokio::join!(rotated, shaken);
    assert!(clients.handshakes > 0);
    for phase in ["make", "trust", "stores", "switch", "reissue", "prove", "outside", "drop", "retire"] {
        assert!(phases.iter().any(|one| one == phase), "{phase} is not among {phases:?}");
    }

    let secrets = cluster.list("v1", "Secret").await;
    let new = secrets.iter().find(|secret| secret["metadata"]["annotations"].get("holdfast.dev/succeeds").is_some());
    let name = new.expect("a new CA")["metadata"]["name"].as_str().unwrap().to_owned();
    let new_ca = held(&cluster, &name).await;
    assert!(new_ca.facts.ca && new_ca.facts.subject != former.facts.subject);
    // Everything is signed by the new one, and nothing is trusted but it.
    for leaf in ["web-tls", "edge-tls"] {
        let leaf = held(&cluster, leaf).await.facts;
        assert_eq!(leaf.issuer, new_ca.facts.subject);
    }
    assert_eq!(cluster.get(CERT_MANAGER, "Issuer", "ca").await.unwrap()["spec"]["ca"]["secretName"], name.as_str());
    let after = bundle(&cluster, "trust").await;
    assert_eq!(prints(&after), [prints(&before)[1].clone(), new_ca.facts.fingerprint.to_string()]);
    assert!(after.starts_with("# ours\n# theirs\n"), "{after}");
    assert_eq!(cluster.get("v1", "ConfigMap", "trust").await.unwrap()["data"]["motd"], "hello");
    assert_eq!(cluster.get("v1", "Secret", "shop-ca").await, None, "the former key is gone");
    // Who answered is kept, and no key is written down.
    let kept = cluster.get("v1", "Secret", &name).await.unwrap();
    let outside = kept["metadata"]["annotations"]["holdfast.dev/attested-outside"].as_str().unwrap().to_owned();
    assert!(outside.starts_with("sre at ") && outside.ends_with(ANSWER), "{outside}");
    let written = everything_below(sre.home());
    for key in [&former.key, &new_ca.key] {
        let line = key.lines().nth(1).unwrap();
        assert!(!written.contains(line) && !said.contains(line), "a key is written down");
    }
    sre.run(&["journal", "verify"]).await.expect(0);
    // Its own turn comes, when somebody says so.
    let own = format!("{}/{name}", cluster.namespace);
    let whole = ["rotate-ca", &own, "-n", &cluster.namespace, "--yes", "--once"];
    assert!(sre.run(&whole).await.expect(0).stdout.contains("done:"));
    let again = sre.run(&[&whole[..], &["--again"]].concat()).await.expect(0);
    assert!(again.stdout.contains(&format!("make a CA that takes the place of Secret {own}")), "{again:?}");
}

async fn it_does_not_go_on_while_a_pod_runs_that_knows_only_the_former_one(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    cluster.create(&client(&cluster.namespace, "Pod", "alone", "trust")).await;
    pods(&cluster, "alone", 1).await;
    let before = pods(&cluster, "client", 2).await;
    for _ in 0..3 {
        step(&cluster, &sre, &["--attest", ANSWER]).await.expect(0);
    }
    // Those that something makes anew were started; the one that nothing does is named, and waited for.
    let after = pods(&cluster, "client", 2).await;
    assert!(before.iter().all(|pod| !after.contains(pod)));
    for _ in 0..2 {
        let waiting = step(&cluster, &sre, &["--attest", ANSWER]).await.expect(4);
        assert_eq!(phase(&waiting), "start");
        let named = format!("Pod {}/alone", cluster.namespace);
        assert!(waiting.stdout.contains(&named), "{waiting:?}");
    }
    let issuer = cluster.get(CERT_MANAGER, "Issuer", "ca").await.unwrap();
    assert_eq!(issuer["spec"]["ca"]["secretName"], "shop-ca");
    cluster.delete("v1", "Pod", "alone").await;
    wait::until("the pod to be gone", LONG, async || cluster.get("v1", "Pod", "alone").await.is_none().then_some(()))
        .await;
    let gone_on = step(&cluster, &sre, &[]).await.expect(0);
    assert_eq!(phase(&gone_on), "switch");
}

async fn what_is_kept_elsewhere_has_to_be_changed_there_or_answered_for(cluster: TestCluster) {
    let here = &cluster.namespace;
    let ca = Authority::new("shop CA");
    cluster.create(&ca.pair.secret(here, "shop-ca")).await;
    let mut chart = trusting(&cluster, &ca, "from-a-chart").await;
    chart["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
    cluster
        .merge("v1", "ConfigMap", "from-a-chart", &json!({ "metadata": { "labels": chart["metadata"]["labels"] } }))
        .await;
    let sre = cluster.person(User::Sre);
    for _ in 0..2 {
        step(&cluster, &sre, &[]).await.expect(0);
    }
    let asked = step(&cluster, &sre, &[]).await.expect(4);
    assert_eq!(phase(&asked), "stores");
    for said in [
        format!("ConfigMap {here}/from-a-chart: Helm keeps it as it is written down elsewhere"),
        format!("cannot be seen: namespaces other than {here}"),
    ] {
        assert!(asked.stdout.contains(&said), "{said} is not in {}", asked.stdout);
    }
    assert!(asked.stderr.contains("--attest"), "{asked:?}");
    // Whoever keeps it adds the new one; then only what is not seen is left to answer for.
    let name = new_ca(&cluster).await;
    let both = format!("{}{}", ca.pair.certificate, held(&cluster, &name).await.certificate);
    cluster.merge("v1", "ConfigMap", "from-a-chart", &json!({ "data": { "ca.crt": both } })).await;
    let asked = step(&cluster, &sre, &[]).await.expect(4);
    assert!(!asked.stdout.contains("from-a-chart"), "{}", asked.stdout);
    step(&cluster, &sre, &["--attest", ANSWER]).await.expect(0);
    assert_eq!(phase(&status(&cluster, &sre).await), "prove");
}

/// The name of the Secret of the new CA.
async fn new_ca(cluster: &TestCluster) -> String {
    let secrets = cluster.list("v1", "Secret").await;
    let new = secrets.iter().find(|secret| secret["metadata"]["annotations"].get("holdfast.dev/succeeds").is_some());
    new.expect("a new CA")["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Takes the only operation back whose title begins so and that was not taken back yet.
async fn undo_of(sre: &Person, title: &str) -> Ended {
    let listed = sre.run(&["operations", "list", "--here", "-o", "json"]).await.expect(0).json();
    let found = listed.as_array().unwrap().iter().find(|one| one["title"].as_str().unwrap().starts_with(title));
    let id = found.unwrap_or_else(|| panic!("{listed}"))["id"].as_str().unwrap().to_owned();
    sre.run(&["operations", "undo", &id, "--yes"]).await
}

pub async fn a_phase_is_taken_back_while_nothing_stands_on_it(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let before = bundle(&cluster, "trust").await;
    step(&cluster, &sre, &[]).await.expect(0);
    let name = new_ca(&cluster).await;
    undo_of(&sre, "make a CA").await.expect(0);
    assert_eq!(cluster.get("v1", "Secret", &name).await, None);

    // Trusting is taken back, and the new CA is not while it is trusted.
    go_to(&cluster, &sre, "trust").await;
    step(&cluster, &sre, &[]).await.expect(0);
    assert_eq!(prints(&bundle(&cluster, "trust").await).len(), 3);
    undo_of(&sre, "trust the new CA").await.expect(0);
    assert_eq!(bundle(&cluster, "trust").await.trim_end(), before.trim_end());

    // So is who signs, until something was signed.
    go_to(&cluster, &sre, "switch").await;
    step(&cluster, &sre, &[]).await.expect(0);
    undo_of(&sre, "sign with the new CA").await.expect(0);
    let signer = async || cluster.get(CERT_MANAGER, "Issuer", "ca").await.unwrap()["spec"]["ca"]["secretName"].clone();
    assert_eq!(signer().await, "shop-ca");
    issued(&cluster, "web", 1).await;
}

async fn an_auditor_is_refused_with_every_right_that_is_missing(cluster: TestCluster) {
    let ca = Authority::new("shop CA");
    cluster.create(&ca.pair.secret(&cluster.namespace, "shop-ca")).await;
    let auditor = cluster.person(User::Auditor);
    let refused = step(&cluster, &auditor, &[]).await.expect(1);
    assert!(refused.stderr.contains("secrets"), "{refused:?}");
}
