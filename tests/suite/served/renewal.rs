//! Clients during a renewal: each handshake goes well, and the last ones see the new certificate.

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::ByteString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{all_match, by_sub_path, fingerprints, folder, probed, serve, tls};
use crate::renew::{pods, prepared};
use crate::support::cluster::TestCluster;
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    clients_see_no_failed_handshake_during_a_renewal_and_the_new_certificate_at_its_end,
    what_is_restarted_is_seen_to_serve_the_new_certificate_before_it_counts_as_done,
    while_the_pod_that_goes_first_was_not_seen_to_serve_it_no_other_is_touched,
    a_server_that_never_reloads_fails_the_renewal_by_its_name,
    without_the_right_the_plan_says_what_will_not_be_seen,
);

/// A TLS server on loopback with this certificate, as long as the test lasts.
pub async fn listen(certificate: &[u8], key: &[u8]) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    address
}

/// The fingerprint of the certificate that is stored.
pub async fn stored(cluster: &TestCluster) -> String {
    let secret = cluster.get("v1", "Secret", "web-tls").await.unwrap();
    let pem = serde_json::from_value::<ByteString>(secret["data"]["tls.crt"].clone()).unwrap().0;
    holdfast::x509::chain(&pem).unwrap()[0].fingerprint.to_string()
}

/// Shakes hands with pods again and again until told to stop, each time with all of them. What each one served, in turn.
pub async fn clients(cluster: &TestCluster, count: usize, stop: &tokio::sync::Notify) -> Vec<String> {
    let mut seen = Vec::new();
    let stopped = stop.notified();
    tokio::pin!(stopped);
    loop {
        let round = async {
            // A client takes a former certificate as well as a new one; what it does not take is no handshake.
            let rows = probed(cluster, &[], "clients to be served", |_, _| true).await;
            assert_eq!(rows.len(), count, "{rows:?}");
            rows.into_iter().map(|row| row["fingerprint"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned())
        };
        tokio::select! {
            biased;
            () = &mut stopped => return seen,
            served = round => seen.extend(served),
        }
    }
}

fn done<'a>(entries: &'a [Value], step: &str) -> &'a Value {
    let done = entries.iter().find(|entry| entry["body"]["what"] == "done" && entry["body"]["step"] == step);
    &done.unwrap_or_else(|| panic!("{step} is not done: {entries:?}"))["body"]["outputs"]
}

pub async fn settled(cluster: &TestCluster, count: usize) {
    probed(cluster, &[], "the stored certificate to be served", |ended, rows| {
        all_match(ended, rows) && rows.len() == count
    })
    .await;
}

async fn clients_see_no_failed_handshake_during_a_renewal_and_the_new_certificate_at_its_end(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    let former = stored(&cluster).await;
    let path = format!("{}/web", cluster.namespace);
    let stop = tokio::sync::Notify::new();
    let renewed = async {
        let ended = sre.run(&["renew", &path, "--yes"]).await.expect(0);
        stop.notify_one();
        ended
    };
    let (ended, seen) = tokio::join!(renewed, clients(&cluster, 2, &stop));
    let new = stored(&cluster).await;
    assert_ne!(former, new);
    assert!(!seen.is_empty() && seen.iter().all(|served| *served == former || *served == new), "{seen:?}");
    assert!(ended.stdout.contains("Service edge:8443: 2 of 2 pods serve the stored certificate"), "{}", ended.stdout);
    let said = done(&sre.entries(), "served-1")["handshakes"]["text"].as_str().unwrap().to_owned();
    assert!(said.starts_with("2 of 2 pods: edge-"), "{said}");
    // It was seen by the operation, and is so for everybody.
    let rows = probed(&cluster, &[], "one more look", |_, _| true).await;
    assert_eq!(fingerprints(&rows), [new.as_str()]);
}

pub async fn what_is_restarted_is_seen_to_serve_the_new_certificate_before_it_counts_as_done(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    serve(&cluster, "front", 2, &by_sub_path(), &tls()).await;
    settled(&cluster, 2).await;
    sre.run(&["renew", &format!("{}/web", cluster.namespace), "--yes"]).await.expect(0);
    let entries = sre.entries();
    let said = |step: &str| done(&entries, step)["handshakes"]["text"].as_str().unwrap().to_owned();
    assert!(said("served-1").starts_with("2 of 2 pods: front-"), "{}", said("served-1"));
    // One of them was proved before the others were touched.
    let first = done(&entries, "first-made")["object"]["object"]["at"]["name"].as_str().unwrap().to_owned();
    assert_eq!(said("first-served-1"), format!("1 of 1 pod: {first}"));
    let at = |step: &str, what: &str| {
        entries.iter().position(|entry| entry["body"]["step"] == step && entry["body"]["what"] == what).unwrap()
    };
    assert!(at("first-served-1", "done") < at("restart-1", "intent"));
    let rows = probed(&cluster, &[], "one more look", |_, _| true).await;
    assert_eq!(fingerprints(&rows), [stored(&cluster).await.as_str()]);
}

/// Once the pod that goes first is about to be deleted nothing is seen to be served any more.
pub async fn blind_from_the_first_pod_on(cluster: &TestCluster) {
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(http::Method::DELETE, "/pods/", Fault::Hold(gate.clone())).without("dryRun=All"));
    wait::until("a pod to be deleted", LONG, async || (gate.arrived() > 0).then_some(())).await;
    cluster.proxy.clear();
    cluster.proxy.order(Order::on(http::Method::GET, "/portforward", Fault::Status(500, None)));
    gate.open();
}

async fn while_the_pod_that_goes_first_was_not_seen_to_serve_it_no_other_is_touched(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    serve(&cluster, "front", 2, &by_sub_path(), &tls()).await;
    settled(&cluster, 2).await;
    let before = pods(&cluster, "front", 2).await;
    let path = format!("{}/web", cluster.namespace);
    let arguments = ["renew", &*path, "--yes", "--served-within", "6s"];
    let (ended, ()) = tokio::join!(sre.run(&arguments), blind_from_the_first_pod_on(&cluster));
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("failed at first-served-1"), "{ended:?}");
    let after = pods(&cluster, "front", 2).await;
    assert_eq!(after.iter().filter(|uid| before.contains(uid)).count(), 1, "{before:?} {after:?}");
    let front = cluster.get("apps/v1", "Deployment", "front").await.unwrap();
    let restarted = front.pointer("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
    assert_eq!(restarted, None);
}

async fn a_server_that_never_reloads_fails_the_renewal_by_its_name(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    let once = json!({ super::SERVES: "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "stubborn", 1, &folder(), &once).await;
    settled(&cluster, 1).await;
    let path = format!("{}/web", cluster.namespace);
    let ended = sre.run(&["renew", &path, "--yes", "--served-within", "4s"]).await.expect(1);
    assert!(ended.stderr.contains("pod stubborn-") && ended.stderr.contains("still serves"), "{ended:?}");
    // With a restart it comes to an end.
    sre.run(&["renew", &path, "--yes", "--restart", "all"]).await.expect(0);
}

async fn without_the_right_the_plan_says_what_will_not_be_seen(cluster: TestCluster) {
    let sre: Person = prepared(&cluster).await;
    serve(&cluster, "edge", 1, &folder(), &tls()).await;
    settled(&cluster, 1).await;
    cluster.proxy.order(Order::on(http::Method::GET, "/portforward", Fault::Status(403, None)));
    let path = format!("{}/web", cluster.namespace);
    let ended = sre.run(&["renew", &path, "--yes"]).await.expect(0);
    let said = "whether Service edge:8443 serves the new certificate will not be seen: ";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
    assert!(!sre.entries().iter().any(|entry| entry["body"]["step"] == "served-1"));
}
