//! What an ACME issuer waits for: Orders and Challenges are told with their reasons, and are no noise where there are
//! none. No ACME server is there, so their states are written here, by issuers that do not exist.

use http::Method;
use serde_json::{Value, json};

use crate::renew::CERT_MANAGER;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    an_order_and_a_challenge_are_told_with_their_reasons,
    what_a_request_waits_for_leaves_the_list_when_its_certificate_is_there,
    orders_that_may_not_be_read_are_denied_and_not_taken_for_none,
);

const ACME: &str = "acme.cert-manager.io/v1";

fn order(cluster: &TestCluster, name: &str, owner: Option<&Value>) -> Value {
    json!({
        "apiVersion": ACME, "kind": "Order", "metadata": metadata(cluster, name, owner),
        "spec": {
            "request": "bm9uZQ==", "dnsNames": ["shop.example"], "commonName": "shop.example",
            "issuerRef": { "group": "cert-manager.io", "kind": "Issuer", "name": "nowhere" },
        },
    })
}

fn challenge(cluster: &TestCluster, name: &str, owner: Option<&Value>) -> Value {
    json!({
        "apiVersion": ACME, "kind": "Challenge", "metadata": metadata(cluster, name, owner),
        "spec": {
            "url": "https://acme.example/chall/1", "authorizationURL": "https://acme.example/authz/1",
            "dnsName": "shop.example", "type": "HTTP-01", "token": "t0k3n-of-acme", "key": "k3y-of-acme",
            "solver": { "http01": { "ingress": { "ingressClassName": "nginx" } } },
            "issuerRef": { "group": "cert-manager.io", "kind": "Issuer", "name": "nowhere" },
        },
    })
}

fn metadata(cluster: &TestCluster, name: &str, owner: Option<&Value>) -> Value {
    let owners: Vec<Value> = owner
        .iter()
        .map(|owner| {
            json!({
                "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"], "controller": true,
            })
        })
        .collect();
    json!({ "namespace": cluster.namespace, "name": name, "ownerReferences": owners })
}

async fn says(cluster: &TestCluster, kind: &str, name: &str, state: &str, reason: &str) {
    let status = json!({ "status": { "state": state, "reason": reason } });
    cluster.merge_status(ACME, kind, name, &status).await;
}

async fn rows(cluster: &TestCluster, person: &Person, what: &str) -> Vec<Value> {
    let ended = person.run(&["get", what, "-n", &cluster.namespace, "-o", "json"]).await.expect(0);
    assert!(!ended.stdout.contains("-of-acme"), "{ended:?}");
    ended.json().as_array().unwrap().clone()
}

/// Waits until the row of this name says all of it.
async fn told(cluster: &TestCluster, person: &Person, what: &str, name: &str, says: &[&str]) {
    wait::until(&format!("{name} to be told in {what} with {says:?}"), LONG, async || {
        let rows = rows(cluster, person, what).await;
        let row = rows.iter().find(|row| row["name"] == name)?.to_string();
        says.iter().all(|said| row.contains(said)).then_some(())
    })
    .await;
}

async fn an_order_and_a_challenge_are_told_with_their_reasons(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    cluster.create(&order(&cluster, "order", None)).await;
    cluster.create(&challenge(&cluster, "proof", None)).await;
    told(&cluster, &sre, "certificates", "order", &["Pending", "\"Order\"", "shop.example", "Issuer nowhere"]).await;
    let waits = "Waiting for HTTP-01 challenge propagation: wrong status code '404', expected '200'";
    says(&cluster, "Challenge", "proof", "pending", waits).await;
    told(&cluster, &sre, "certificates", "proof", &["Pending", waits]).await;
    let problems = rows(&cluster, &sre, "problems").await;
    assert!(problems.iter().all(|row| row["name"] != "proof"), "it waits as planned for a while: {problems:#?}");

    says(&cluster, "Challenge", "proof", "invalid", "Error accepting authorization: 403").await;
    says(&cluster, "Order", "order", "errored", "Failed to create Order: 429 rateLimited").await;
    told(
        &cluster,
        &sre,
        "problems",
        "proof",
        &["Failed", "invalid: Error accepting authorization: 403", "/.well-known/acme-challenge/"],
    )
    .await;
    told(&cluster, &sre, "problems", "order", &["Failed", "errored: Failed to create Order: 429 rateLimited"]).await;

    says(&cluster, "Challenge", "proof", "valid", "").await;
    says(&cluster, "Order", "order", "valid", "").await;
    none_is_told(&cluster, &sre, &["order", "proof"]).await;
}

async fn none_is_told(cluster: &TestCluster, person: &Person, names: &[&str]) {
    wait::until(&format!("{names:?} to leave the list"), LONG, async || {
        let rows = rows(cluster, person, "certificates").await;
        rows.iter().all(|row| names.iter().all(|name| row["name"] != *name)).then_some(())
    })
    .await;
}

/// A Certificate that is fine keeps its request, with its Order and what is left of its Challenges: no row is theirs.
async fn what_a_request_waits_for_leaves_the_list_when_its_certificate_is_there(cluster: TestCluster) {
    let sre = crate::renew::prepared(&cluster).await;
    let request = cluster.get(CERT_MANAGER, "CertificateRequest", "web-1").await.unwrap();
    let asked = cluster.create(&order(&cluster, "order", Some(&request))).await;
    let mut asked = asked;
    (asked["apiVersion"], asked["kind"]) = (ACME.into(), "Order".into());
    cluster.create(&challenge(&cluster, "proof", Some(&asked))).await;
    cluster.create(&challenge(&cluster, "stray", None)).await;
    says(&cluster, "Challenge", "proof", "invalid", "too late").await;
    // The stray one is of the same list, so with it the others were seen.
    says(&cluster, "Challenge", "stray", "invalid", "nobody's").await;
    told(&cluster, &sre, "problems", "stray", &["nobody's"]).await;
    none_is_told(&cluster, &sre, &["order", "proof"]).await;
}

async fn orders_that_may_not_be_read_are_denied_and_not_taken_for_none(cluster: TestCluster) {
    cluster.proxy.order(Order::on(Method::GET, "/orders", Fault::Status(403, None)));
    let said = cluster.person(User::Sre).run(&["get", "certificates", "-n", &cluster.namespace]).await.expect(3);
    assert!(said.stderr.contains("orders"), "{said:?}");
}

/// Embedded only: the lab always has them.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_acme_is_told_nothing_of_it() {
    let cluster = TestCluster::sim_without("without_acme", &["acme.cert-manager.io"]).await;
    let sre = cluster.person(User::Sre);
    for what in ["certificates", "problems"] {
        let ended = sre.run(&["get", what, "-A"]).await.expect(0);
        // A webhook of the seed is called orders.
        let said = ["challenges", "Kind orders", "orders.acme"].map(|said| ended.stdout.contains(said));
        assert_eq!((said, &*ended.stderr), ([false; 3], ""), "{ended:?}");
    }
}
