//! A certificate has ended in production: a new one is stored and served, and the book says no where none has ended.

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::play::{Play, nothing_but_records};
use crate::renew::{self, CERT_MANAGER, issuer_is, pods};
use crate::rotate::{self, held};
use crate::served::renewal::settled;
use crate::served::{folder, serve, tls};
use crate::support::cluster::{TestCluster, User};
use crate::support::pki::{Authority, verified};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    an_expired_certificate_is_replaced_by_one_that_clients_take_and_every_pod_serves_it,
    an_issuer_that_does_not_sign_is_named_and_once_it_is_mended_the_certificate_is_issued,
    a_certificate_that_has_not_ended_stops_it_before_anything_is_done,
);

const ANSWERS: [&str; 4] = [
    "served=each pod serves the stored one",
    "clock=within a second",
    "clients=openssl says Verify return code: 0",
    "cause=nobody renewed it; it is in the calendar now",
];
const KNOWN: &str = "of another team, which knows";

/// Ends the run: certificates of the seeded cluster that end soon are skipped.
async fn to_its_end(play: &mut Play<'_>, cluster: &TestCluster) {
    if play.last.code == Some(1) {
        // Each kind has its way out, and that nothing is tried again by itself is said.
        for said in
            ["of the certificates match", "holdfast renew", "holdfast rotate", "the team that owns it", "--retry"]
        {
            play.failed_at("others", said);
        }
        play.resume(&["--skip", KNOWN, "--answer", ANSWERS[3]]).await;
    }
    play.done(cluster).await;
}

async fn an_expired_certificate_is_replaced_by_one_that_clients_take_and_every_pod_serves_it(cluster: TestCluster) {
    let here = &cluster.namespace;
    let (authority, name) = (Authority::new("shop CA"), format!("web.{here}.svc"));
    cluster.create(&authority.pair.secret(here, "shop-ca")).await;
    let ended = authority.expired_leaf(&name);
    cluster.create(&ended.secret(here, "web-tls")).await;
    let once = json!({ "lab.holdfast.dev/serves": "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "edge", 2, &folder(), &once).await;
    settled(&cluster, 2).await;
    let trusted = authority.pair.certificate.as_bytes();
    assert!(verified(ended.certificate.as_bytes(), trusted, &name).is_err(), "clients are refused");
    let (sre, former) = (cluster.person(User::Sre), held(&cluster, "web-tls").await);

    let secret = format!("secret={here}/web-tls");
    let mut play = Play::begin(&sre, "certificate-expired", &[&secret], &ANSWERS).await;
    to_its_end(&mut play, &cluster).await;
    let new = held(&cluster, "web-tls").await;
    assert_ne!(new.facts.serial, former.facts.serial);
    verified(new.certificate.as_bytes(), trusted, &name).unwrap();
    settled(&cluster, 2).await;
}

/// Puts a certificate that has ended into the Secret of cert-manager's Certificate, whose CA cannot sign.
async fn stuck(cluster: &TestCluster) -> Value {
    let authority = cluster.get("v1", "Secret", "ca-tls").await.unwrap();
    cluster.delete(CERT_MANAGER, "Certificate", "ca").await;
    cluster.delete("v1", "Secret", "ca-tls").await;
    issuer_is(cluster, "False").await;
    let ended = Authority::new("ca").expired_leaf("web.example");
    let value = |text: String| serde_json::to_value(ByteString(text.into_bytes())).unwrap();
    let data = json!({ "data": { "tls.crt": value(ended.certificate), "tls.key": value(ended.key) } });
    cluster.merge("v1", "Secret", "web-tls", &data).await;
    authority
}

async fn an_issuer_that_does_not_sign_is_named_and_once_it_is_mended_the_certificate_is_issued(cluster: TestCluster) {
    let sre = renew::prepared(&cluster).await;
    serve(&cluster, "edge", 1, &folder(), &tls()).await;
    let mut authority = stuck(&cluster).await;
    let ended = held(&cluster, "web-tls").await;
    let secret = format!("secret={}/web-tls", cluster.namespace);
    let mut play = Play::begin(&sre, "certificate-expired", &[&secret], &ANSWERS).await;
    play.failed_at("managed", "its issuer, Issuer");
    assert_eq!(held(&cluster, "web-tls").await.facts.serial, ended.facts.serial);

    authority["metadata"] = json!({ "name": "ca-tls", "namespace": cluster.namespace });
    cluster.create(&authority).await;
    issuer_is(&cluster, "True").await;
    let answers = ["--answer", ANSWERS[2], "--answer", ANSWERS[3]];
    // cert-manager may be at it by itself meanwhile.
    wait::until("it to be issued", LONG, async || {
        play.resume(&[&["--retry"][..], &answers].concat()).await;
        (!play.last.stderr.contains("managed failed: ")).then_some(())
    })
    .await;
    to_its_end(&mut play, &cluster).await;
    let new = held(&cluster, "web-tls").await;
    assert!(new.facts.not_after > jiff::Timestamp::now() && new.facts.serial != ended.facts.serial);
    settled(&cluster, 1).await;
    pods(&cluster, "edge", 1).await;
}

async fn a_certificate_that_has_not_ended_stops_it_before_anything_is_done(cluster: TestCluster) {
    let (sre, _) = rotate::prepared(&cluster).await;
    let (former, from) = (held(&cluster, "web-tls").await, cluster.audit().len());
    let secret = format!("secret={}/web-tls", cluster.namespace);
    let play = Play::begin(&sre, "certificate-expired", &[&secret], &ANSWERS).await;
    play.failed_at("look", "0 of the certificates match");
    assert!(play.last.stderr.contains("holdfast probe"), "what else it may be is said: {:?}", play.last);
    nothing_but_records(&cluster, User::Sre, from);
    assert_eq!(held(&cluster, "web-tls").await.certificate, former.certificate);
}
