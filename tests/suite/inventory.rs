//! Certificates outside of TLS Secrets, as the list tells them: in Secrets of other types, in ConfigMaps, keystores and
//! kubeconfigs, and what an Ingress misses.

use k8s_openapi::ByteString;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    each_place_has_a_row_with_its_verdict,
    keys_and_passwords_of_other_secrets_are_in_no_output,
    without_secrets_the_rest_is_shown_and_what_is_denied_said,
    an_ingress_without_its_certificate_is_told_until_it_is_there,
);

/// A CA and a leaf that it has issued, PEM, with the leaf's key.
struct Made {
    ca: String,
    ca_der: Vec<u8>,
    leaf: String,
    key: String,
}

fn day(days: i64) -> time::OffsetDateTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    time::OffsetDateTime::from_unix_timestamp(now + days * 86_400).unwrap()
}

/// The leaf holds until this many days from now.
fn made(name: &str, days: i64) -> Made {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("ca of {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (day(-10), day(3000));
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let (ca, ca_der) = (ca.pem(), ca.der().to_vec());
    let issuer = Issuer::new(params, ca_key);
    let mut params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
    (params.not_before, params.not_after) = (day(-60), day(days));
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    Made { ca, ca_der, leaf: leaf.pem(), key: key.serialize_pem() }
}

fn base64(bytes: &[u8]) -> Value {
    serde_json::to_value(ByteString(bytes.to_vec())).unwrap()
}

fn object(cluster: &TestCluster, kind: &str, name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": kind, "metadata": { "namespace": cluster.namespace, "name": name } })
}

fn secret(cluster: &TestCluster, name: &str, data: &[(&str, &[u8])]) -> Value {
    let mut secret = object(cluster, "Secret", name);
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), base64(value))).collect();
    (secret["type"], secret["data"]) = (json!("Opaque"), data.into());
    secret
}

/// A JKS that trusts one certificate.
fn jks(der: &[u8]) -> Vec<u8> {
    let length = u32::try_from(der.len()).unwrap().to_be_bytes();
    let head = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, b'c', b'a'];
    [&head[..], &[0; 8], &[0, 5], b"X.509", &length, der, &[0; 20]].concat()
}

fn kubeconfig(made: &Made) -> String {
    let data = |pem: &str| base64(pem.as_bytes()).as_str().unwrap().to_owned();
    let cluster = json!({ "certificate-authority-data": data(&made.ca), "server": "x" });
    let user = json!({ "client-certificate-data": data(&made.leaf), "client-key-data": data(&made.key) });
    json!({ "kind": "Config", "clusters": [{ "cluster": cluster }], "users": [{ "user": user }] }).to_string()
}

/// Waits until the row of a data key says all of this.
async fn row(cluster: &TestCluster, user: User, name: &str, place: &str, says: &[&str]) {
    let person = cluster.person(user);
    wait::until(&format!("{name} in {place} to be shown with {says:?}"), LONG, async || {
        let said = person.run(&["get", "certificates", "-n", &cluster.namespace, "-o", "json"]).await;
        let rows = serde_json::from_str::<Value>(&said.stdout).ok()?;
        let here = |row: &&Value| row["name"] == name && row["place"].as_str().is_some_and(|at| at.ends_with(place));
        let row = rows.as_array()?.iter().find(here)?.to_string();
        says.iter().all(|said| row.contains(said)).then_some(())
    })
    .await;
}

async fn each_place_has_a_row_with_its_verdict(cluster: TestCluster) {
    let (good, ended, other) = (made("good", 300), made("ended", -3), made("other", 300));
    let pairs = [
        ("web.crt", good.leaf.as_bytes()),
        ("web.key", good.key.as_bytes()),
        ("api.crt", good.leaf.as_bytes()),
        ("api.key", other.key.as_bytes()),
        ("old.pem", ended.leaf.as_bytes()),
        ("old-key.pem", ended.key.as_bytes()),
    ];
    cluster.create(&secret(&cluster, "pairs", &pairs)).await;
    let stores = [("truststore.jks", &*jks(&good.ca_der)), ("keystore.p12", &b"\x30\x10\x02\x01\x03\x30\x00"[..])];
    cluster.create(&secret(&cluster, "stores", &stores)).await;
    cluster.create(&secret(&cluster, "fleet-kubeconfig", &[("value", kubeconfig(&good).as_bytes())])).await;
    let mut map = object(&cluster, "ConfigMap", "trust");
    map["data"] =
        json!({ "ca-bundle.crt": good.ca, "half.crt": &good.ca[..good.ca.len() / 2], "note": "no certificate" });
    cluster.create(&map).await;

    let sre = User::Sre;
    row(&cluster, sre, "pairs", "Secret web.crt", &["Valid", "good.example"]).await;
    row(&cluster, sre, "pairs", "Secret api.crt", &["Key mismatch", "is not its own"]).await;
    row(&cluster, sre, "pairs", "Secret old.pem", &["Expired", "ended.example"]).await;
    row(&cluster, sre, "stores", "Secret truststore.jks", &["Valid", "CN=ca of good"]).await;
    row(&cluster, sre, "stores", "Secret keystore.p12", &["Unreadable", "bad_pkcs12"]).await;
    row(&cluster, sre, "fleet-kubeconfig", "Secret value", &["Valid", "cannot be revoked"]).await;
    row(&cluster, sre, "trust", "ConfigMap ca-bundle.crt", &["Valid", "CN=ca of good"]).await;
    row(&cluster, sre, "trust", "ConfigMap half.crt", &["Unreadable", "bad_pem"]).await;
    let all = cluster.person(sre).run(&["get", "certificates", "-n", &cluster.namespace]).await;
    assert!(!all.stdout.contains("note"), "{all:?}");
    // What holds no certificate any more has no row.
    let without = json!({ "data": { "half.crt": null, "ca-bundle.crt": null } });
    cluster.merge("v1", "ConfigMap", "trust", &without).await;
    wait::until("the ConfigMap's rows to go", LONG, async || {
        let said = cluster.person(sre).run(&["get", "certificates", "-n", &cluster.namespace]).await;
        (!said.stdout.contains("trust ")).then_some(())
    })
    .await;
}

async fn keys_and_passwords_of_other_secrets_are_in_no_output(cluster: TestCluster) {
    let made = made("private", 5);
    let config = kubeconfig(&made);
    let values = [
        ("tls.crt", made.leaf.as_bytes()),
        ("tls.key", made.key.as_bytes()),
        ("password", b"hunter2-hunter2"),
        ("kubeconfig", config.as_bytes()),
        ("broken.p12", b"\x30\x10\x02\x01\x03\x30hunter3-hunter3"),
    ];
    cluster.create(&secret(&cluster, "private", &values)).await;
    row(&cluster, User::Sre, "private", "Secret tls.crt", &["private.example"]).await;
    let person = cluster.person(User::Sre);
    let key: String = made.key.lines().nth(1).unwrap().to_owned();
    let encoded = base64(made.key.as_bytes()).as_str().unwrap()[40..80].to_owned();
    for what in ["certificates", "problems"] {
        for format in ["table", "json", "yaml"] {
            let said = person.run(&["get", what, "-n", &cluster.namespace, "-o", format]).await;
            let said = format!("{}{}", said.stdout, said.stderr);
            assert!(said.contains("private"), "{what} {format}: {said}");
            for secret in [&*key, &*encoded, "hunter2", "hunter3"] {
                assert!(!said.contains(secret), "{what} {format}");
            }
        }
    }
}

async fn without_secrets_the_rest_is_shown_and_what_is_denied_said(cluster: TestCluster) {
    let made = made("public", 300);
    let mut map = object(&cluster, "ConfigMap", "trust");
    map["data"] = json!({ "ca.crt": made.ca });
    cluster.create(&map).await;
    let hidden = [("tls.crt", made.leaf.as_bytes()), ("tls.key", made.key.as_bytes())];
    cluster.create(&secret(&cluster, "hidden", &hidden)).await;
    row(&cluster, User::Auditor, "trust", "ConfigMap ca.crt", &["Valid", "CN=ca of public"]).await;
    let said = cluster.person(User::Auditor).run(&["get", "certificates", "-n", &cluster.namespace]).await.expect(3);
    assert!(!said.stdout.contains("hidden"), "{said:?}");
    assert!(said.stderr.contains("secrets"), "{said:?}");
}

async fn an_ingress_without_its_certificate_is_told_until_it_is_there(cluster: TestCluster) {
    let backend = json!({ "service": { "name": "web", "port": { "number": 443 } } });
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": { "namespace": cluster.namespace, "name": "edge" },
        "spec": {
            "tls": [{ "hosts": ["edge.example"], "secretName": "edge-tls" }],
            "rules": [{ "host": "edge.example", "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }],
        },
    });
    cluster.create(&ingress).await;
    row(&cluster, User::Sre, "edge", "Ingress", &["Not served", "edge-tls", "does not exist"]).await;
    let wrong = made("wrong", 300);
    cluster.create(&manifests::tls_secret(&cluster.namespace, "edge-tls", &wrong.leaf, &wrong.key)).await;
    row(&cluster, User::Sre, "edge-tls", "Secret tls.crt", &["Flawed", "serves edge.example", "Ingress edge"]).await;
    let said = cluster.person(User::Sre).run(&["get", "certificates", "-n", &cluster.namespace]).await;
    assert!(!said.stdout.contains("Not served"), "{said:?}");
    let right = made("edge", 300);
    let data = json!({ "data": { "tls.crt": base64(right.leaf.as_bytes()), "tls.key": base64(right.key.as_bytes()) } });
    cluster.merge("v1", "Secret", "edge-tls", &data).await;
    row(&cluster, User::Sre, "edge-tls", "Secret tls.crt", &["Valid", "edge.example"]).await;
}
