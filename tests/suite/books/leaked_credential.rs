//! A key is known to others: every pod ends up serving a certificate with another key, of the former one nothing is kept
//! here, and what is known of the leak is kept as evidence.

use serde_json::json;

use super::play::{Play, nothing_but_records};
use crate::renew::{self, CERT_MANAGER, everything_below, pods};
use crate::rotate::{self, copies, held};
use crate::served::renewal::{settled, stored};
use crate::served::{folder, serve, tls};
use crate::support::cluster::{TestCluster, User};
use crate::support::scenarios;

scenarios!(
    a_certificate_that_nobody_renews_is_served_with_another_key_and_nothing_goes_back,
    cert_manager_has_to_issue_another_key_and_keeping_it_is_a_failure,
    a_secret_that_is_not_there_stops_it_before_anything_is_done,
);

const ANSWERS: [&str; 5] = [
    "scope=the repository shop, all of its history",
    "revoke=serial is on the CRL of shop CA",
    "passwords=none was there",
    "used=no handshake from elsewhere in the log",
    "source=taken out, a scanner is before it",
];

fn params(cluster: &TestCluster, secret: &str) -> [String; 3] {
    let here = &cluster.namespace;
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(5);
    [format!("secret={here}/{secret}"), format!("workload={here}/deployment/edge"), format!("since={since}")]
}

async fn a_certificate_that_nobody_renews_is_served_with_another_key_and_nothing_goes_back(cluster: TestCluster) {
    let (sre, leaf) = rotate::prepared(&cluster).await;
    // They would go on with the certificate that they started with.
    let once = json!({ "lab.holdfast.dev/serves": "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "edge", 2, &folder(), &once).await;
    settled(&cluster, 2).await;
    let (former, started) = (held(&cluster, "web-tls").await, pods(&cluster, "edge", 2).await);

    let params = params(&cluster, "web-tls");
    let params = params.each_ref().map(String::as_str);
    let play = Play::begin(&sre, "leaked-credential", &params, &ANSWERS).await;
    let told = play.done(&cluster).await;
    let new = held(&cluster, "web-tls").await;
    assert_ne!(new.facts.serial, former.facts.serial);
    assert_ne!(new.facts.spki, former.facts.spki);
    assert!(pods(&cluster, "edge", 2).await.iter().all(|pod| !started.contains(pod)));
    settled(&cluster, 2).await;
    assert_eq!(copies(&cluster).await, Vec::<String>::new(), "the key is kept nowhere");
    let files = play.evidence("evidence");
    assert!(files.iter().any(|file| file.contains("Deployment")), "{files:?}");
    // Neither key is written down, in evidence no more than in journals.
    let written = format!("{}{told}", everything_below(&sre.state()));
    for key in [&leaf.key, &new.key] {
        assert!(!written.contains(key.lines().nth(1).unwrap()), "a key is written down");
    }
    assert!(written.contains(&*new.facts.fingerprint), "the new one is named");
    assert!(told.to_string().contains("managedBy:certificate"), "that cert-manager has no part in it is told");
}

async fn cert_manager_has_to_issue_another_key_and_keeping_it_is_a_failure(cluster: TestCluster) {
    let sre = renew::prepared(&cluster).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    let (former, print) = (held(&cluster, "web-tls").await, stored(&cluster).await);
    let policy = |policy: &str| json!({ "spec": { "privateKey": { "rotationPolicy": policy } } });
    cluster.merge(CERT_MANAGER, "Certificate", "web", &policy("Never")).await;

    let params = params(&cluster, "web-tls");
    let params = params.each_ref().map(String::as_str);
    let mut play = Play::begin(&sre, "leaked-credential", &params, &ANSWERS).await;
    play.failed_at("managed", "the Certificate keeps it (rotationPolicy Never)");
    assert_eq!(stored(&cluster).await, print, "nothing was issued");
    cluster.merge(CERT_MANAGER, "Certificate", "web", &policy("Always")).await;
    let answers: Vec<&str> = ANSWERS[1..].iter().flat_map(|answer| ["--answer", answer]).collect();
    play.resume(&[&["--retry"], &*answers].concat()).await;
    play.done(&cluster).await;
    let new = held(&cluster, "web-tls").await;
    assert_ne!(new.facts.spki, former.facts.spki);
    assert_ne!(new.facts.serial, former.facts.serial);
    settled(&cluster, 2).await;
}

async fn a_secret_that_is_not_there_stops_it_before_anything_is_done(cluster: TestCluster) {
    let (sre, _) = rotate::prepared(&cluster).await;
    let (params, from) = (params(&cluster, "web-tsl"), cluster.audit().len());
    let params = params.each_ref().map(String::as_str);
    let play = Play::begin(&sre, "leaked-credential", &params, &ANSWERS).await;
    play.failed_at("here", "0 of the certificates match");
    nothing_but_records(&cluster, User::Sre, from);
}
