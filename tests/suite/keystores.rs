//! A keystore whose password stands in another Secret, as cert-manager makes them: it is opened where the rights allow it,
//! unknown and not good where not, and nothing of the password is written anywhere.

use http::Method;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::person::Ended;
use crate::support::pki::{self, Pair};
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_keystore_is_compared_with_the_certificate_by_the_password_that_is_named_for_it,
    a_keystore_whose_password_is_missing_wrong_or_forbidden_is_unknown_and_says_why,
    the_console_opens_a_keystore_once_its_password_is_named,
);

const PASSWORD: &str = "hunter7-hunter7";

fn keystore(pair: &Pair) -> Vec<u8> {
    let leaf = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let chain = [Certificate::from_der(&leaf).unwrap()];
    let chain = PrivateKeyChain::new("1", PrivateKey::from_der(key.secret_der()).unwrap(), chain);
    let mut store = KeyStore::new();
    store.add_entry("web", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer(PASSWORD).encryption_iterations(8).mac_iterations(8).write().unwrap()
}

/// Secret `web-tls` with a keystore of this pair.
fn secret(cluster: &TestCluster, own: &Pair, stored: &Pair) -> Value {
    let mut secret = own.secret(&cluster.namespace, "web-tls");
    secret["data"] = json!({ "keystore.p12": k8s_openapi::ByteString(keystore(stored)) });
    secret
}

fn passwords(cluster: &TestCluster) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "namespace": cluster.namespace, "name": "passwords" },
        "stringData": { "p12": PASSWORD, "other": "not-this-one" },
    })
}

/// Certificate `web`, which writes Secret `web-tls`; it waits for its issuer, so that the Secret stays as it is put there.
async fn prepared(cluster: &TestCluster, own: &Pair, stored: &Pair) {
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": { "namespace": cluster.namespace, "name": "web" },
        "spec": {
            "secretName": "web-tls", "dnsNames": ["web.example"], "issuerRef": { "name": "nobody", "kind": "Issuer" },
        },
    });
    cluster.create(&certificate).await;
    let waits = |certificate: &Option<Value>| {
        let conditions = certificate.as_ref().and_then(|certificate| certificate["status"]["conditions"].as_array());
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Issuing" && one["status"] == "True"))
    };
    let look = async || cluster.get("cert-manager.io/v1", "Certificate", "web").await;
    wait::seen("it to wait for its issuer", LONG, look, waits).await;
    cluster.create(&secret(cluster, own, stored)).await;
}

/// Says where the password of its keystore stands.
async fn name_password(cluster: &TestCluster, place: Value) {
    let mut pkcs12 = place;
    pkcs12["create"] = true.into();
    let spec = json!({ "spec": { "keystores": { "pkcs12": pkcs12 } } });
    cluster.merge("cert-manager.io/v1", "Certificate", "web", &spec).await;
}

fn at(key: &str) -> Value {
    json!({ "passwordSecretRef": { "name": "passwords", "key": key } })
}

/// What the row of the Secret says, once it says this.
async fn says(cluster: &TestCluster, part: &str) -> (Value, Ended) {
    let sre = cluster.person(User::Sre);
    let look = async || {
        let ended = sre.run(&["get", "certificates", "-n", &cluster.namespace, "--read-only", "-o", "json"]).await;
        let row = ended.json().as_array().unwrap().iter().find(|row| row["name"] == "web-tls").cloned();
        (row.unwrap_or_default(), ended)
    };
    let seen = wait::seen(part, LONG, look, |(row, _)| row.to_string().contains(part)).await;
    for said in [&seen.1.stdout, &seen.1.stderr] {
        assert!(!said.contains("hunter7"), "the password is written down");
    }
    seen
}

async fn a_keystore_is_compared_with_the_certificate_by_the_password_that_is_named_for_it(cluster: TestCluster) {
    let (own, former) = (pki::self_signed("web.example"), pki::self_signed("web.example"));
    cluster.create(&passwords(&cluster)).await;
    prepared(&cluster, &own, &former).await;
    says(&cluster, "no password that is known here opens it").await;
    name_password(&cluster, at("p12")).await;
    let (row, _) = says(&cluster, "keystore.p12 holds another certificate than tls.crt").await;
    assert_eq!((&row["state"], &row["level"]), (&json!("Flawed"), &json!("critical")), "{row:#}");
    // It is made anew: what was known of the former one is not taken for it.
    cluster.merge("v1", "Secret", "web-tls", &json!({ "data": secret(&cluster, &own, &own)["data"] })).await;
    let sre = cluster.person(User::Sre);
    let look = async || sre.run(&["get", "certificates", "-n", &cluster.namespace, "-o", "json"]).await.json();
    let rows = wait::seen("it to fit", LONG, look, |rows| !rows.to_string().contains("keystore.p12")).await;
    assert!(rows.to_string().contains("web-tls"), "{rows:#}");
}

async fn a_keystore_whose_password_is_missing_wrong_or_forbidden_is_unknown_and_says_why(cluster: TestCluster) {
    let own = pki::self_signed("web.example");
    prepared(&cluster, &own, &own).await;
    name_password(&cluster, at("p12")).await;
    let unknown = async |part: &str| {
        let (row, _) = says(&cluster, part).await;
        assert_eq!((&row["state"], &row["level"]), (&json!("Unknown"), &json!("unknown")), "{row:#}");
    };
    unknown("its password in Secret passwords, key p12 is not there").await;
    cluster.create(&passwords(&cluster)).await;
    cluster.proxy.order(Order::on(Method::GET, "/secrets/passwords", Fault::Status(403, None)));
    unknown("its password in Secret passwords, key p12 cannot be read").await;
    cluster.proxy.clear();
    name_password(&cluster, at("other")).await;
    unknown("its password in Secret passwords, key other does not open it").await;
    name_password(&cluster, at("p12")).await;
    let sre = cluster.person(User::Sre);
    let look = async || sre.run(&["get", "certificates", "-n", &cluster.namespace, "-o", "json"]).await.json();
    wait::seen("it to fit", LONG, look, |rows| !rows.to_string().contains("keystore.p12")).await;
}

async fn the_console_opens_a_keystore_once_its_password_is_named(cluster: TestCluster) {
    let (own, former) = (pki::self_signed("web.example"), pki::self_signed("web.example"));
    prepared(&cluster, &own, &former).await;
    let sre = cluster.person(User::Sre);
    let mut terminal = crate::support::terminal::Terminal::holdfast(&sre, &["-n", &cluster.namespace], 160, 40);
    terminal.shows("web-tls").await;
    terminal.press("3/name:web-tls");
    terminal.until("one row to be left", |screen| screen.contains(" 1 of ")).await;
    terminal.press("\r\r");
    terminal.shows("whether keystore.p12 holds the certificate").await;
    name_password(&cluster, json!({ "password": PASSWORD })).await;
    let screen = terminal.shows("keystore.p12 holds another certificate").await;
    assert!(!screen.contains("hunter7"));
}
