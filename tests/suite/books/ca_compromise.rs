//! The key of a CA is known to others: nobody trusts it any more, everything that it signed is signed by another one, and
//! whoever rotates in haste does so with a second person's word.

use super::play::{Play, nothing_but_records};
use crate::renew::CERT_MANAGER;
use crate::rotate::held;
use crate::rotate_ca::{bundle, prepared, prints};
use crate::served::renewal::settled;
use crate::served::{folder, serve, tls};
use crate::support::cluster::{TestCluster, User};
use crate::support::scenarios;

scenarios!(
    nobody_trusts_the_former_ca_any_more_and_all_it_signed_is_signed_anew,
    a_certificate_that_is_no_ca_stops_it_before_anything_is_done,
);

const ANSWERS: [&str; 5] = [
    "status=one issuer, two certificates, one store",
    "forged=each is explained",
    "close=a role binding of a former colleague",
    "outside=the phones, by Friday",
    "report=known since Monday",
];

async fn nobody_trusts_the_former_ca_any_more_and_all_it_signed_is_signed_anew(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    let here = &cluster.namespace;
    let (former, before) = (held(&cluster, "shop-ca").await, bundle(&cluster, "trust").await);
    let web = held(&cluster, "web-tls").await.facts;

    let ca = format!("ca={here}/shop-ca");
    let mut play = Play::begin_within(&sre, "ca-compromise", Some(here), &[&ca, "soak=1s"], &ANSWERS).await;
    play.waits_at("agree");
    assert_eq!(held(&cluster, "web-tls").await.facts.serial, web.serial, "nothing is rotated before it is agreed to");
    let rest: Vec<&str> = ANSWERS[3..].iter().flat_map(|answer| ["--answer", answer]).collect();
    play.approved_by_a_colleague(&cluster, &rest).await;
    // The procedure asks what nobody in the cluster can see.
    play.waits_at("rotate");
    assert!(held(&cluster, "shop-ca").await.facts.ca, "the former one is still trusted");
    for _ in 0..5 {
        if play.last.code == Some(4) {
            play.waits_at("rotate");
            play.resume(&[&["--attest", "the partners confirmed it by telephone"], &*rest].concat()).await;
        }
    }
    if play.last.code == Some(1) {
        // The seeded cluster has one that is broken, and was before.
        play.failed_at("verify", "prices.shop.example");
        play.resume(&["--skip", "it was broken before", "--answer", ANSWERS[4]]).await;
    }
    play.done(&cluster).await;

    let secrets = cluster.list("v1", "Secret").await;
    let new = secrets.iter().find(|secret| secret["metadata"]["annotations"].get("holdfast.dev/succeeds").is_some());
    let name = new.expect("a new CA")["metadata"]["name"].as_str().unwrap().to_owned();
    let new = held(&cluster, &name).await.facts;
    assert!(new.ca && new.spki != former.facts.spki);
    for leaf in ["web-tls", "edge-tls"] {
        assert_eq!(held(&cluster, leaf).await.facts.issuer, new.subject, "{leaf}");
    }
    assert_eq!(cluster.get(CERT_MANAGER, "Issuer", "ca").await.unwrap()["spec"]["ca"]["secretName"], name.as_str());
    let trusted = prints(&bundle(&cluster, "trust").await);
    assert_eq!(trusted, [prints(&before)[1].clone(), new.fingerprint.to_string()]);
    assert_eq!(cluster.get("v1", "Secret", "shop-ca").await, None, "the key that is known is gone");
    settled(&cluster, 2).await;
}

async fn a_certificate_that_is_no_ca_stops_it_before_anything_is_done(cluster: TestCluster) {
    let (sre, _) = crate::rotate::prepared(&cluster).await;
    let from = cluster.audit().len();
    let ca = format!("ca={}/web-tls", cluster.namespace);
    let play = Play::begin(&sre, "ca-compromise", &[&ca], &ANSWERS).await;
    play.failed_at("here", "0 of the certificates match");
    nothing_but_records(&cluster, User::Sre, from);
}
