//! A certificate in a Secret proves nothing: what pods serve is seen by handshakes, pod by pod, and what was not seen is
//! never taken for seen.

use http::Method;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::renew::pods;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::Ended;
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

pub mod renewal;
pub mod rotation;

scenarios!(
    pods_that_reload_match_and_match_again_once_the_secret_is_replaced,
    pods_that_keep_a_former_certificate_are_named_until_they_start_anew,
    what_shows_no_certificate_is_never_taken_for_good,
    read_only_infers_and_opens_no_port_forward,
    a_missing_right_is_said_and_what_is_left_is_inferred,
    an_address_is_dialed_only_when_it_is_asked_for,
    the_console_says_what_is_served_when_it_is_asked,
    read_only_lists_what_it_infers_as_inferred_and_never_as_seen,
    a_pod_that_was_seen_to_serve_a_former_certificate_is_a_problem_until_it_does_not,
);

/// Annotation of pods in which a TLS server runs.
const SERVES: &str = "lab.holdfast.dev/serves";

/// A certificate for these pods with its key, PEM.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["web.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Secret `web-tls` with a new certificate.
fn secret(cluster: &TestCluster) -> Value {
    with(cluster, pair())
}

fn with(cluster: &TestCluster, (certificate, key): (String, String)) -> Value {
    let value = |text: String| serde_json::to_value(ByteString(text.into_bytes())).unwrap();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "namespace": cluster.namespace, "name": "web-tls" },
        "data": { "tls.crt": value(certificate), "tls.key": value(key) },
    })
}

async fn replace(cluster: &TestCluster) {
    cluster.merge("v1", "Secret", "web-tls", &json!({ "data": secret(cluster)["data"] })).await;
}

/// A Deployment whose pods mount Secret `web-tls` so and serve it so, and a Service that leads to them.
pub async fn serve(cluster: &TestCluster, name: &str, replicas: u32, mount: &Value, annotations: &Value) {
    serve_of(cluster, "web-tls", (name, replicas), mount, annotations).await;
}

/// The same of another Secret.
pub async fn serve_of(
    cluster: &TestCluster,
    secret: &str,
    (name, replicas): (&str, u32),
    mount: &Value,
    annotations: &Value,
) {
    let pod = json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "main", "image": "registry.example/web:1", "volumeMounts": mount,
            "ports": [{ "name": "https", "containerPort": 8443 }],
        }],
        "volumes": [{ "name": "tls", "secret": { "secretName": secret } }],
    });
    let here = &cluster.namespace;
    let labels = json!({ "app": name });
    cluster
        .create(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": here, "name": name },
            "spec": { "selector": labels, "ports": [{ "name": "https", "port": 443, "targetPort": "https" }] },
        }))
        .await;
    cluster
        .create(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "namespace": here, "name": name },
            "spec": {
                "replicas": replicas, "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels, "annotations": annotations }, "spec": pod },
            },
        }))
        .await;
    pods(cluster, name, replicas as usize).await;
}

pub fn folder() -> Value {
    json!([{ "name": "tls", "mountPath": "/tls" }])
}

fn by_sub_path() -> Value {
    json!([
        { "name": "tls", "mountPath": "/tls/tls.crt", "subPath": "tls.crt" },
        { "name": "tls", "mountPath": "/tls/tls.key", "subPath": "tls.key" },
    ])
}

pub fn tls() -> Value {
    json!({ SERVES: "tls" })
}

/// Rows of `holdfast probe`, once they are as they should be.
async fn probed(
    cluster: &TestCluster,
    flags: &[&str],
    what: &str,
    right: impl Fn(&Ended, &[Value]) -> bool,
) -> Vec<Value> {
    let sre = cluster.person(User::Sre);
    let path = format!("{}/web-tls", cluster.namespace);
    let look = async || {
        let ended = sre.run(&[&["probe", &path, "-o", "json"], flags].concat()).await;
        let rows = serde_json::from_str::<Value>(&ended.stdout).ok().and_then(|rows| rows.as_array().cloned());
        (ended, rows.unwrap_or_default())
    };
    wait::seen(what, LONG, look, |(ended, rows)| right(ended, rows)).await.1
}

fn all_match(ended: &Ended, rows: &[Value]) -> bool {
    ended.code == Some(0) && !rows.is_empty() && rows.iter().all(|row| row["state"] == "Match")
}

fn fingerprints(rows: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = rows.iter().map(|row| row["fingerprint"].as_str().unwrap()).collect();
    all.dedup();
    all
}

pub async fn pods_that_reload_match_and_match_again_once_the_secret_is_replaced(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 3, &folder(), &tls()).await;
    let before =
        probed(&cluster, &[], "three pods to match", |ended, rows| all_match(ended, rows) && rows.len() == 3).await;
    let [former] = fingerprints(&before)[..] else { panic!("{before:?}") };
    assert_eq!(former.len(), 64);
    assert!(before.iter().all(|row| row["service"] == "web" && row["port"] == 8443 && row["name"] == "web.example"));
    replace(&cluster).await;
    let after = probed(&cluster, &[], "three pods to match again", |ended, rows| {
        // Until they have reloaded they are stale, and nothing else.
        let stale = rows.iter().any(|row| row["state"] == "Stale");
        assert!(all_match(ended, rows) || (ended.code == Some(1) && stale), "{ended:?}");
        all_match(ended, rows) && rows.len() == 3
    })
    .await;
    assert_ne!(fingerprints(&after), [former]);
}

/// The state of the rows of an app.
fn state<'a>(rows: &'a [Value], app: &str) -> Vec<&'a str> {
    let mine = rows.iter().filter(|row| row["service"] == app);
    mine.map(|row| row["state"].as_str().unwrap()).collect()
}

async fn pods_that_keep_a_former_certificate_are_named_until_they_start_anew(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 1, &folder(), &tls()).await;
    serve(&cluster, "frozen", 1, &by_sub_path(), &tls()).await;
    let once = json!({ SERVES: "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "stubborn", 1, &folder(), &once).await;
    probed(&cluster, &[], "all to match", |ended, rows| all_match(ended, rows) && rows.len() == 3).await;
    replace(&cluster).await;
    let rows = probed(&cluster, &[], "one to reload", |_, rows| state(rows, "web") == ["Match"]).await;
    for app in ["frozen", "stubborn"] {
        assert_eq!(state(&rows, app), ["Stale"], "{rows:?}");
    }
    let stale = rows.iter().find(|row| row["service"] == "frozen").unwrap();
    assert!(stale["why"].as_str().unwrap().contains("another certificate of the same names"), "{stale}");

    for app in ["frozen", "stubborn"] {
        let pod = cluster.list("v1", "Pod").await.into_iter().find(|pod| pod["metadata"]["labels"]["app"] == app);
        cluster.delete("v1", "Pod", pod.unwrap()["metadata"]["name"].as_str().unwrap()).await;
    }
    probed(&cluster, &[], "all to match again", |ended, rows| all_match(ended, rows) && rows.len() == 3).await;
}

async fn what_shows_no_certificate_is_never_taken_for_good(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "mail", 1, &folder(), &json!({ SERVES: "plain" })).await;
    serve(&cluster, "silent", 1, &folder(), &json!({})).await;
    let rows = probed(&cluster, &[], "both to be asked", |_, rows| state(rows, "mail") == ["Not verifiable"]).await;
    assert_eq!(state(&rows, "silent"), ["Unreachable"], "{rows:?}");
    let path = format!("{}/web-tls", cluster.namespace);
    let ended = cluster.person(User::Sre).run(&["probe", &path]).await.expect(3);
    assert!(ended.stdout.contains("Not verifiable") && ended.stdout.contains("does not begin with TLS"), "{ended:?}");
}

/// How often port-forwards were opened in the scenario's namespace.
fn forwards(cluster: &TestCluster) -> usize {
    let here = format!("/namespaces/{}/", cluster.namespace);
    let mine =
        |event: &&crate::support::cluster::Audited| event.subresource == "portforward" && event.path.contains(&here);
    cluster.audit().iter().filter(mine).count()
}

async fn read_only_infers_and_opens_no_port_forward(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 1, &folder(), &tls()).await;
    serve(&cluster, "frozen", 1, &by_sub_path(), &tls()).await;
    let inferred = |ended: &Ended, rows: &[Value]| ended.code == Some(3) && rows.len() == 2;
    let rows = probed(&cluster, &["--read-only"], "both to be inferred", inferred).await;
    for row in &rows {
        assert_eq!(row["state"], "Inferred current");
        assert!(row["why"].as_str().unwrap().starts_with("inferred, not seen: "), "{row}");
        assert!(row["fingerprint"].is_null() && row["seen"].is_null());
    }
    let path = format!("{}/web-tls", cluster.namespace);
    let ended = cluster.person(User::Sre).run(&["probe", &path, "--read-only"]).await.expect(3);
    assert!(ended.stderr.contains("read-only mode opens no port-forward"), "{ended:?}");
    assert_eq!(forwards(&cluster), 0);
    // The log does show them.
    probed(&cluster, &[], "both to match", |ended, rows| all_match(ended, rows) && rows.len() == 2).await;
    assert_ne!(forwards(&cluster), 0);
}

async fn a_missing_right_is_said_and_what_is_left_is_inferred(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 1, &folder(), &tls()).await;
    let order = Order::on(Method::GET, "/portforward", Fault::Status(403, None));
    cluster.proxy.order(order);
    let rows = probed(&cluster, &[], "it to be inferred", |_, rows| rows.len() == 1).await;
    assert_eq!(rows[0]["state"], "Inferred current", "{rows:?}");
    assert!(rows[0]["why"].as_str().unwrap().contains("no handshake: "), "{rows:?}");
    cluster.proxy.clear();
    // Who may not even see Secrets is told so.
    let path = format!("{}/web-tls", cluster.namespace);
    let ended = cluster.person(User::Auditor).run(&["probe", &path]).await.expect(3);
    assert!(ended.stderr.contains("cannot be seen"), "{ended:?}");
    assert_eq!(forwards(&cluster), 0);
}

async fn an_address_is_dialed_only_when_it_is_asked_for(cluster: TestCluster) {
    let stored = secret(&cluster);
    cluster.create(&stored).await;
    let bytes = |key: &str| serde_json::from_value::<ByteString>(stored["data"][key].clone()).unwrap().0;
    let same = renewal::listen(&bytes("tls.crt"), &bytes("tls.key")).await;
    let (certificate, key) = pair();
    let other = renewal::listen(certificate.as_bytes(), key.as_bytes()).await;
    let path = format!("{}/web-tls", cluster.namespace);
    let sre = cluster.person(User::Sre);
    let dial = async |address: &str, code: i32| {
        sre.run(&["probe", &path, "--read-only", "--address", address, "--name", "web.example"]).await.expect(code)
    };
    assert!(dial(&same.to_string(), 0).await.stdout.contains("Match"));
    assert!(dial(&other.to_string(), 1).await.stdout.contains("Stale"));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(dial(&closed.to_string(), 3).await.stderr.contains("nothing listens"));
    sre.run(&["probe", &path, "--address", "nowhere"]).await.expect(2);
}

async fn the_console_says_what_is_served_when_it_is_asked(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 1, &folder(), &tls()).await;
    probed(&cluster, &[], "it to match", all_match).await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("web-tls").await;
    // Webhooks of the whole cluster are in the list as well.
    terminal.press("3/name:web-tls");
    terminal.until("one row to be left", |screen| screen.contains(" 1 of ")).await;
    terminal.press("\r\r");
    // Nothing was asked yet.
    terminal.shows("Inferred current").await;
    terminal.press(":served\r");
    terminal.shows("Served          ✓ web-").await;
    replace(&cluster).await;
    // What was seen of the former one says nothing of the new one.
    terminal.until("it to be inferred again", |screen| !screen.contains("(seen ")).await;
    terminal.press(":served\r");
    terminal.shows("(seen ").await;
}

/// Problems of Secret `web-tls`, once they are as they should be.
async fn problem(cluster: &TestCluster, what: &str, right: impl Fn(Option<&Value>) -> bool) -> Value {
    let sre = cluster.person(User::Sre);
    let look = async || {
        let listed = sre.run(&["get", "problems", "-n", &cluster.namespace, "--read-only", "-o", "json"]).await.json();
        listed.as_array().unwrap().iter().find(|row| row["name"] == "web-tls").cloned()
    };
    wait::seen(what, LONG, look, |row| right(row.as_ref())).await.unwrap_or_default()
}

/// A certificate that begins only now that pods have started with the former one.
fn begun_now(cluster: &TestCluster) -> Value {
    let mut params = rcgen::CertificateParams::new(vec!["web.example".to_owned()]).unwrap();
    let now = time::OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now + time::Duration::seconds(1), now + time::Duration::days(300));
    let key = rcgen::KeyPair::generate().unwrap();
    with(cluster, (params.self_signed(&key).unwrap().pem(), key.serialize_pem()))
}

async fn read_only_lists_what_it_infers_as_inferred_and_never_as_seen(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    serve(&cluster, "web", 1, &folder(), &tls()).await;
    serve(&cluster, "frozen", 1, &by_sub_path(), &tls()).await;
    let new = begun_now(&cluster);
    cluster.merge("v1", "Secret", "web-tls", &json!({ "data": new["data"] })).await;
    let found = problem(&cluster, "an inference", |row| row.is_some_and(|row| row["state"] == "Maybe stale")).await;
    assert_eq!((&found["level"], &found["rank"]), (&json!("warning"), &json!("warning")), "{found:#}");
    let why = found["reasons"][0].as_str().unwrap();
    assert!(why.starts_with("inferred, not seen: pod frozen-") && why.contains("subPath"), "{found:#}");
    assert!(found["next"].as_str().unwrap().starts_with("restart the pod; holdfast probe "), "{found:#}");
    assert_eq!(forwards(&cluster), 0);
    let frozen = cluster.list("v1", "Pod").await.into_iter().find(|pod| pod["metadata"]["labels"]["app"] == "frozen");
    cluster.delete("v1", "Pod", frozen.unwrap()["metadata"]["name"].as_str().unwrap()).await;
    problem(&cluster, "it to be gone with the pod", |row| row.is_none()).await;
}

async fn a_pod_that_was_seen_to_serve_a_former_certificate_is_a_problem_until_it_does_not(cluster: TestCluster) {
    cluster.create(&secret(&cluster)).await;
    let once = json!({ SERVES: "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "stubborn", 1, &folder(), &once).await;
    probed(&cluster, &[], "it to match", all_match).await;
    replace(&cluster).await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 160, 40);
    terminal.shows("web-tls").await;
    terminal.press("3/name:web-tls");
    terminal.until("one row to be left", |screen| screen.contains(" 1 of ")).await;
    terminal.press("\r\r");
    // The pod and its Service are seen, and nothing was asked yet.
    terminal.shows("stubborn:8443").await;
    terminal.press(":served\r");
    terminal.shows("Pods stale").await;
    terminal.press("p/name:web-tls\r");
    let screen = terminal
        .until("the problem", |screen| screen.contains("Pods stale") && screen.contains("restart the pod"))
        .await;
    assert!(screen.contains("it serves another certificate"), "{screen}");
    let pod = cluster.list("v1", "Pod").await.into_iter().find(|pod| pod["metadata"]["labels"]["app"] == "stubborn");
    cluster.delete("v1", "Pod", pod.unwrap()["metadata"]["name"].as_str().unwrap()).await;
    // What was seen of the pod goes with it.
    terminal.until("it to be gone", |screen| !screen.contains("Pods stale")).await;
}
