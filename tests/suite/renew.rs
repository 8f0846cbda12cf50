//! A certificate is renewed as `cmctl renew` does it, is seen to be another one in its Secret, and reaches those who
//! cannot see that by themselves; and what stands in its way is said.

use http::Method;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::person::{self, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    it_comes_to_what_cmctl_renew_comes_to_and_no_key_is_written_down,
    what_cannot_see_the_change_is_restarted_and_nothing_else,
    all_are_restarted_when_that_is_asked_for,
    a_restart_that_is_taken_back_meanwhile_is_told,
    an_issuer_that_is_not_ready_is_refused_with_its_reason,
    an_issuer_that_breaks_meanwhile_leaves_it_stuck_with_the_reason_and_the_former_certificate_serving,
    a_request_that_is_denied_fails_with_the_reason_and_is_named_when_asked_again,
    a_lost_answer_is_not_asked_twice,
    what_cert_manager_does_not_write_is_not_renewed,
    an_auditor_is_refused_with_every_right_that_is_missing,
);

pub const CERT_MANAGER: &str = "cert-manager.io/v1";

pub fn issuer(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": CERT_MANAGER, "kind": "Issuer", "metadata": { "namespace": namespace, "name": name }, "spec": spec,
    })
}

pub fn certificate(namespace: &str, name: &str, issuer: &str, ca: bool) -> Value {
    let mut spec = json!({
        "secretName": format!("{name}-tls"), "commonName": name, "duration": "24h", "renewBefore": "8h", "isCA": ca,
        "privateKey": { "algorithm": "ECDSA", "size": 256 }, "issuerRef": { "name": issuer, "kind": "Issuer" },
    });
    if !ca {
        spec["dnsNames"] = json!([format!("{name}.example")]);
    }
    json!({
        "apiVersion": CERT_MANAGER, "kind": "Certificate", "metadata": { "namespace": namespace, "name": name },
        "spec": spec,
    })
}

/// A workload whose container takes Secret `web-tls` so.
pub fn user(namespace: &str, kind: &str, name: &str, replicas: u32, mounts: bool) -> Value {
    let mut pod = json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{ "name": "main", "image": "registry.example/web:1" }],
    });
    if mounts {
        pod["volumes"] = json!([{ "name": "tls", "secret": { "secretName": "web-tls" } }]);
        pod["containers"][0]["volumeMounts"] = json!([{ "name": "tls", "mountPath": "/tls" }]);
    } else {
        let from = json!({ "secretKeyRef": { "name": "web-tls", "key": "tls.crt" } });
        pod["containers"][0]["env"] = json!([{ "name": "CERTIFICATE", "valueFrom": from }]);
    }
    let mut spec = json!({
        "replicas": replicas, "selector": { "matchLabels": { "app": name } },
        "template": { "metadata": { "labels": { "app": name } }, "spec": pod },
    });
    if kind == "StatefulSet" {
        spec["serviceName"] = name.into();
    }
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "namespace": namespace, "name": name }, "spec": spec,
    })
}

/// A CA of the namespace, and Certificate `web` of it.
pub async fn prepared(cluster: &TestCluster) -> Person {
    let here = &cluster.namespace;
    cluster.create(&issuer(here, "self", &json!({ "selfSigned": {} }))).await;
    cluster.create(&certificate(here, "ca", "self", true)).await;
    cluster.create(&issuer(here, "ca", &json!({ "ca": { "secretName": "ca-tls" } }))).await;
    issued(cluster, "ca", 1).await;
    issuer_is(cluster, "True").await;
    certified(cluster, "web").await;
    cluster.person(User::Sre)
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Makes a Certificate of the CA that was issued once. cert-manager issues a new one twice when its view of Secrets lags
/// behind; such a one is made anew.
pub async fn certified(cluster: &TestCluster, name: &str) {
    for _ in 0..5 {
        cluster.create(&certificate(&cluster.namespace, name, "ca", false)).await;
        if issued(cluster, name, 1).await["status"]["revision"] == 1 {
            return;
        }
        for (version, kind, name) in [(CERT_MANAGER, "Certificate", name), ("v1", "Secret", &format!("{name}-tls"))] {
            cluster.delete(version, kind, name).await;
            let gone = async || cluster.get(version, kind, name).await.is_none().then_some(());
            wait::until("what was issued twice to be gone", LONG, gone).await;
        }
    }
    panic!("{name} is issued twice each time");
}

/// The Certificate, once this revision of it, or a later one, is issued and it says so.
pub async fn issued(cluster: &TestCluster, name: &str, revision: u64) -> Value {
    wait::until(&format!("revision {revision} of {name} to be issued"), LONG, async || {
        let found = cluster.get(CERT_MANAGER, "Certificate", name).await?;
        let ready = condition(&found, "Ready").is_some_and(|ready| ready["status"] == "True");
        let reached = found["status"]["revision"].as_u64().is_some_and(|now| now >= revision);
        let issued = reached && condition(&found, "Issuing").is_none();
        (ready && issued).then_some(found)
    })
    .await
}

pub async fn issuer_is(cluster: &TestCluster, status: &str) {
    wait::until(&format!("the issuer to be ready: {status}"), LONG, async || {
        let issuer = cluster.get(CERT_MANAGER, "Issuer", "ca").await?;
        condition(&issuer, "Ready").filter(|ready| ready["status"] == status).map(drop)
    })
    .await;
}

async fn secret(cluster: &TestCluster, name: &str) -> Value {
    cluster.get("v1", "Secret", name).await.unwrap()
}

async fn data(cluster: &TestCluster, key: &str) -> String {
    secret(cluster, "web-tls").await["data"][key].as_str().unwrap().to_owned()
}

fn renew<'a>(path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["renew", path, "--yes"], more].concat()
}

fn path(cluster: &TestCluster) -> String {
    format!("{}/web", cluster.namespace)
}

/// What `cmctl renew` sends (cmctl `pkg/renew/renew.go`).
async fn as_cmctl_does(cluster: &TestCluster, name: &str) {
    // Controllers may still be writing it.
    let taken = async || {
        let asked = asked_as_cmctl_does(cluster, name).await;
        cluster.put_status(CERT_MANAGER, "Certificate", &asked).await.then_some(())
    };
    wait::until("the status to be written", LONG, taken).await;
}

async fn asked_as_cmctl_does(cluster: &TestCluster, name: &str) -> Value {
    let mut found = cluster.get(CERT_MANAGER, "Certificate", name).await.unwrap();
    let asked = json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
        "message": "Certificate re-issuance manually triggered",
        "observedGeneration": found["metadata"]["generation"],
        "lastTransitionTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    found["status"]["conditions"].as_array_mut().unwrap().push(asked);
    found
}

/// An object without what tells two of its kind apart: names, identities, times, versions, and bytes that are random.
fn shape(object: &Value, name: &str) -> Value {
    fn plain(value: &mut Value, name: &str) {
        const APART: &[&str] = &[
            "uid",
            "resourceVersion",
            "managedFields",
            "creationTimestamp",
            "lastTransitionTime",
            "notBefore",
            "notAfter",
            "renewalTime",
            "request",
            "certificate",
            "ca",
            "generation",
            "observedGeneration",
            "cert-manager.io/private-key-secret-name",
        ];
        match value {
            Value::Object(fields) => {
                fields.retain(|field, _| !APART.contains(&field.as_str()));
                fields.values_mut().for_each(|value| plain(value, name));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| plain(value, name)),
            Value::String(text) => *text = text.replace(name, "NAME"),
            _ => {}
        }
    }
    let mut object = object.clone();
    for field in ["tls.crt", "tls.key", "ca.crt"] {
        if let Some(value) = object.pointer_mut(&format!("/data/{field}")) {
            *value = json!("bytes");
        }
    }
    plain(&mut object, name);
    object
}

/// The Certificate, its requests and its Secret.
async fn picture(cluster: &TestCluster, name: &str) -> Vec<Value> {
    let requests = cluster.list(CERT_MANAGER, "CertificateRequest").await;
    let of = |request: &&Value| request["metadata"]["annotations"]["cert-manager.io/certificate-name"] == name;
    let mut all: Vec<Value> = requests.iter().filter(of).map(|request| shape(request, name)).collect();
    all.push(shape(&cluster.get(CERT_MANAGER, "Certificate", name).await.unwrap(), name));
    all.push(shape(&secret(cluster, &format!("{name}-tls")).await, name));
    all
}

async fn it_comes_to_what_cmctl_renew_comes_to_and_no_key_is_written_down(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    certified(&cluster, "other").await;
    let (former, former_key) = (data(&cluster, "tls.crt").await, data(&cluster, "tls.key").await);
    as_cmctl_does(&cluster, "other").await;
    let ended = sre.run(&renew(&path(&cluster), &["--reason", "the key was mailed around"])).await.expect(0);
    issued(&cluster, "other", 2).await;
    issued(&cluster, "web", 2).await;
    assert_ne!(data(&cluster, "tls.crt").await, former);
    let key = data(&cluster, "tls.key").await;
    assert_ne!(key, former_key);
    let same = async || {
        let (ours, theirs) = (picture(&cluster, "web").await, picture(&cluster, "other").await);
        (ours == theirs && ours.len() == 3).then_some(()).ok_or((ours, theirs))
    };
    wait::seen("both to look alike", LONG, same, Result::is_ok).await.unwrap();

    // The journal has who, what, and the old and new certificate.
    let entries = sre.entries();
    let plan = &entries[0]["body"]["plan"];
    let fact = |label: &str| {
        let facts = plan["facts"].as_array().unwrap().iter();
        facts.filter(|fact| fact[0] == label).map(|fact| fact[1].as_str().unwrap()).next().unwrap().to_owned()
    };
    let seen = |step: &str, slot: &str| {
        let done = entries.iter().find(|entry| entry["body"]["what"] == "done" && entry["body"]["step"] == step);
        done.unwrap()["body"]["outputs"][slot]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(fact("reason"), "the key was mailed around");
    for slot in ["fingerprint", "serial"] {
        assert_eq!(seen("former", slot), fact(&format!("stored {slot}")));
        assert_ne!(seen("former", slot), seen("stored", slot));
    }
    assert_eq!(seen("stored", "fingerprint").len(), 64);
    assert!(seen("stored", "notAfter").parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now());
    sre.run(&["journal", "verify"]).await.expect(0);

    let written = everything_below(&sre.state());
    for said in [&written, &ended.stdout, &ended.stderr] {
        assert!(!said.contains("PRIVATE KEY"), "{said}");
        for secret in [&key, &former_key] {
            assert!(!said.contains(secret.as_str()), "a key is written down");
        }
    }
}

pub fn everything_below(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            all.push_str(&everything_below(&entry));
        } else {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(entry).unwrap()));
        }
    }
    all
}

/// The UIDs of a workload's pods, once it has so many that are ready.
pub async fn pods(cluster: &TestCluster, app: &str, count: usize) -> Vec<String> {
    wait::until(&format!("{count} pods of {app} to be ready"), LONG, async || {
        let all = cluster.list("v1", "Pod").await;
        let mine = all.iter().filter(|pod| pod["metadata"]["labels"]["app"] == app);
        let ready = mine.filter(|pod| condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True"));
        let mut uids: Vec<String> = ready.map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned()).collect();
        uids.sort();
        (uids.len() == count).then_some(uids)
    })
    .await
}

async fn used(cluster: &TestCluster) -> (Person, [Vec<String>; 3]) {
    let sre = prepared(cluster).await;
    let here = &cluster.namespace;
    for (kind, name, replicas, mounts) in
        [("Deployment", "front", 2, false), ("StatefulSet", "back", 2, false), ("Deployment", "edge", 1, true)]
    {
        cluster.create(&user(here, kind, name, replicas, mounts)).await;
    }
    let before = [pods(cluster, "front", 2).await, pods(cluster, "back", 2).await, pods(cluster, "edge", 1).await];
    (sre, before)
}

pub async fn what_cannot_see_the_change_is_restarted_and_nothing_else(cluster: TestCluster) {
    let (sre, [front, back, edge]) = used(&cluster).await;
    let ended = sre.run(&renew(&path(&cluster), &[])).await.expect(0);
    for said in [
        "Deployment front: takes it by environment variables",
        "StatefulSet back: takes it by environment variables",
        "Deployment edge: mounts it: its files change by themselves",
    ] {
        assert!(ended.stdout.contains(said), "{said} is not in the plan: {}", ended.stdout);
    }
    // It has ended only now that no pod from before is left.
    let (now_front, now_back) = (pods(&cluster, "front", 2).await, pods(&cluster, "back", 2).await);
    assert!(front.iter().all(|pod| !now_front.contains(pod)) && back.iter().all(|pod| !now_back.contains(pod)));
    assert_eq!(pods(&cluster, "edge", 1).await, edge);
    let template = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    let annotated = cluster.get("apps/v1", "Deployment", "front").await.unwrap();
    assert!(annotated.pointer(template).is_some(), "{annotated}");
    let rolled = sre.entries().into_iter().find(|entry| {
        entry["body"]["what"] == "done" && entry["body"]["step"].as_str().is_some_and(|step| step.starts_with("rolled"))
    });
    assert_eq!(rolled.unwrap()["body"]["outputs"]["pods"]["text"], "2");
}

pub async fn all_are_restarted_when_that_is_asked_for(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    cluster.create(&user(&cluster.namespace, "Deployment", "edge", 1, true)).await;
    let before = pods(&cluster, "edge", 1).await;
    let none = sre.run(&renew(&path(&cluster), &["--restart", "none"])).await.expect(0);
    assert!(none.stdout.contains("--restart none"), "{none:?}");
    assert_eq!(pods(&cluster, "edge", 1).await, before);
    sre.run(&renew(&path(&cluster), &["--restart", "all"])).await.expect(0);
    assert_ne!(pods(&cluster, "edge", 1).await, before);
    issued(&cluster, "web", 3).await;
}

async fn a_restart_that_is_taken_back_meanwhile_is_told(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    cluster.create(&user(&cluster.namespace, "Deployment", "front", 1, false)).await;
    pods(&cluster, "front", 1).await;
    let (gate, state) = (Gate::shut(), sre.state());
    let held = Order::on(Method::GET, "/deployments/front", Fault::Hold(gate.clone()));
    cluster.proxy.order(held.when(move || person::has(&state, "done", "restart-1")).times(1));
    let path = path(&cluster);
    let arguments = renew(&path, &[]);
    let run = sre.run(&arguments);
    let back = async {
        wait::until("the restart to be watched", LONG, async || (gate.arrived() == 1).then_some(())).await;
        // As what keeps it as it is written down elsewhere does.
        let without = json!({ "spec": { "template": { "metadata": { "annotations": null } } } });
        cluster.merge("apps/v1", "Deployment", "front", &without).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(run, back);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("the restart was taken back") && ended.stderr.contains("GitOps"), "{ended:?}");
    issued(&cluster, "web", 2).await;
}

/// Takes the key of the CA away.
async fn break_issuer(cluster: &TestCluster) -> Value {
    let authority = secret(cluster, "ca-tls").await;
    // Its own Certificate would make it anew.
    cluster.delete(CERT_MANAGER, "Certificate", "ca").await;
    cluster.delete("v1", "Secret", "ca-tls").await;
    authority
}

async fn an_issuer_that_is_not_ready_is_refused_with_its_reason(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let former = data(&cluster, "tls.crt").await;
    break_issuer(&cluster).await;
    issuer_is(&cluster, "False").await;
    let refused = sre.run(&renew(&path(&cluster), &[])).await.expect(1);
    for said in [
        "its issuer, Issuer",
        "is not ready: ErrGetKeyPair: Error getting keypair for CA issuer",
        "the stored certificate serves until",
    ] {
        assert!(refused.stderr.contains(said), "{said} is not in {refused:?}");
    }
    assert!(sre.journals().is_empty());
    assert_eq!(data(&cluster, "tls.crt").await, former);

    cluster.delete(CERT_MANAGER, "Issuer", "ca").await;
    let gone = sre.run(&renew(&path(&cluster), &[])).await.expect(1);
    assert!(gone.stderr.contains("its issuer, Issuer") && gone.stderr.contains("is not there"), "{gone:?}");
}

/// Runs it up to where it asks cert-manager, breaks the issuer then, and lets it go on.
async fn stuck(cluster: &TestCluster, sre: &Person, more: &[&str]) -> (person::Ended, Value) {
    let gate = Gate::shut();
    let held = Order::on(Method::PUT, "/certificates/web/status", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(held.times(1));
    let path = path(cluster);
    let arguments = renew(&path, more);
    let broken = async {
        wait::until("it to ask", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let authority = break_issuer(cluster).await;
        issuer_is(cluster, "False").await;
        gate.open();
        authority
    };
    tokio::join!(sre.run(&arguments), broken)
}

async fn an_issuer_that_breaks_meanwhile_leaves_it_stuck_with_the_reason_and_the_former_certificate_serving(
    cluster: TestCluster,
) {
    let sre = prepared(&cluster).await;
    let former = data(&cluster, "tls.crt").await;
    let (ended, authority) = stuck(&cluster, &sre, &["--issued-within", "4s"]).await;
    let ended = ended.expect(1);
    for said in [
        "not done within 4s: cert-manager to issue the new certificate",
        "CertificateRequest web-2: Referenced issuer does not have a Ready status condition",
        "Issuer ca: Error getting keypair for CA issuer",
    ] {
        assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    }
    assert_eq!(data(&cluster, "tls.crt").await, former, "the former one serves");
    let again = sre.run(&renew(&path(&cluster), &[])).await.expect(1);
    assert!(again.stderr.contains("is not ready"), "{again:?}");

    // Once the issuer is mended cert-manager goes on by itself.
    let mut back = authority.clone();
    back["metadata"] = json!({ "name": "ca-tls", "namespace": cluster.namespace });
    cluster.create(&back).await;
    issued(&cluster, "web", 2).await;
    assert_ne!(data(&cluster, "tls.crt").await, former);
}

async fn a_request_that_is_denied_fails_with_the_reason_and_is_named_when_asked_again(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let former = data(&cluster, "tls.crt").await;
    let denied = async {
        let request = wait::until("the request to be made", LONG, async || {
            cluster.get(CERT_MANAGER, "CertificateRequest", "web-2").await
        });
        let mut request = request.await;
        // Whoever approves has approved it; who denies is heard all the same.
        request = wait::until("the request to be approved", LONG, async || {
            let found = cluster.get(CERT_MANAGER, "CertificateRequest", "web-2").await.unwrap_or(request.clone());
            condition(&found, "Approved").is_some().then_some(found)
        })
        .await;
        let mut conditions = request["status"]["conditions"].as_array().unwrap().clone();
        conditions.retain(|condition| condition["type"] != "Approved");
        conditions.push(json!({
            "type": "Denied", "status": "True", "reason": "policy.example", "message": "names of this kind are not issued",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }));
        cluster
            .merge_status(
                CERT_MANAGER,
                "CertificateRequest",
                "web-2",
                &json!({ "status": { "conditions": conditions } }),
            )
            .await;
    };
    let ((ended, _), ()) = tokio::join!(stuck(&cluster, &sre, &[]), denied);
    let ended = ended.expect(1);
    for said in
        ["issuing failed", "names of this kind are not issued", "the former certificate is still the stored one"]
    {
        assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    }
    assert_eq!(data(&cluster, "tls.crt").await, former);
    let found = cluster.get(CERT_MANAGER, "Certificate", "web").await.unwrap();
    assert!(found["status"]["failedIssuanceAttempts"].as_u64().unwrap() >= 1, "{found}");
}

async fn a_lost_answer_is_not_asked_twice(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let lost = Order::on(Method::PUT, "/certificates/web/status", Fault::LostAnswer).without("dryRun=All");
    cluster.proxy.order(lost.times(1));
    sre.run(&renew(&path(&cluster), &[])).await.expect(0);
    issued(&cluster, "web", 2).await;
    assert!(sre.story().iter().any(|what| what == "outcomeUnknown"), "{:?}", sre.story());
}

async fn what_cert_manager_does_not_write_is_not_renewed(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let mut own = manifests::tls_secret(&cluster.namespace, "hand-made", "no certificate", "no key");
    own["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
    cluster.create(&own).await;
    let unmanaged = format!("{}/hand-made", cluster.namespace);
    let refused = sre.run(&renew(&unmanaged, &[])).await.expect(1);
    assert!(refused.stderr.contains("no Certificate writes Secret hand-made, it belongs to Helm"), "{refused:?}");
    let by_secret = format!("{}/web-tls", cluster.namespace);
    let refused = sre.run(&renew(&by_secret, &[])).await.expect(1);
    assert!(refused.stderr.contains("Secret web-tls is written by Certificate web"), "{refused:?}");
    // Another Certificate that writes the same Secret.
    let mut rival = certificate(&cluster.namespace, "rival", "ca", false);
    rival["spec"]["secretName"] = "web-tls".into();
    cluster.create(&rival).await;
    let refused = sre.run(&renew(&path(&cluster), &[])).await.expect(1);
    assert!(refused.stderr.contains("Certificate rival writes the same Secret web-tls"), "{refused:?}");
}

async fn an_auditor_is_refused_with_every_right_that_is_missing(cluster: TestCluster) {
    prepared(&cluster).await;
    cluster.create(&user(&cluster.namespace, "Deployment", "front", 1, false)).await;
    pods(&cluster, "front", 1).await;
    let auditor = cluster.person(User::Auditor);
    let refused = auditor.run(&renew(&path(&cluster), &[])).await.expect(1);
    for right in
        ["update certificates.cert-manager.io/status", "get secrets", "patch deployments.apps", "create configmaps"]
    {
        assert!(refused.stderr.contains(right), "{right} is not in {refused:?}");
    }
    assert!(auditor.journals().is_empty());
}
