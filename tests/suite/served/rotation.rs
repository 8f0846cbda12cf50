//! Clients during a rotation and while it is taken back: each handshake goes well, and the last ones see what is stored.

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::renewal::{blind_from_the_first_pod_on, clients, settled, stored};
use super::{by_sub_path, fingerprints, folder, probed, serve, tls};
use crate::rotate::prepared;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{Ended, Person};
use crate::support::pki::{self_signed, verified};
use crate::support::scenarios;

scenarios!(
    clients_see_no_failed_handshake_during_a_rotation_nor_while_it_is_taken_back,
    a_server_that_never_reloads_takes_the_rotation_back,
    the_pod_that_went_first_gets_the_former_one_again_when_it_was_not_seen_to_serve_the_new_one,
    an_api_server_that_pins_it_takes_every_handshake_and_knows_the_present_one_alone_in_the_end,
);

fn path(cluster: &TestCluster) -> String {
    format!("{}/web-tls", cluster.namespace)
}

/// Runs a command while clients shake hands, and says what they saw.
async fn among_clients(cluster: &TestCluster, sre: &Person, arguments: &[&str]) -> (Ended, Vec<String>) {
    let stop = tokio::sync::Notify::new();
    let command = async {
        let ended = sre.run(arguments).await.expect(0);
        stop.notify_one();
        ended
    };
    tokio::join!(command, clients(cluster, 2, &stop))
}

async fn clients_see_no_failed_handshake_during_a_rotation_nor_while_it_is_taken_back(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    let former = stored(&cluster).await;
    let path = path(&cluster);
    let (ended, seen) = among_clients(&cluster, &sre, &["rotate", &path, "--yes"]).await;
    let new = stored(&cluster).await;
    assert_ne!(former, new);
    let only = |seen: &[String]| !seen.is_empty() && seen.iter().all(|one| *one == former || *one == new);
    assert!(only(&seen), "{seen:?}");
    assert!(ended.stdout.contains("Service edge:8443: 2 of 2 pods serve the stored certificate"), "{}", ended.stdout);
    let rows = probed(&cluster, &[], "one more look", |_, _| true).await;
    assert_eq!(fingerprints(&rows), [new.as_str()]);

    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let (_, seen) = among_clients(&cluster, &sre, &["operations", "undo", &id, "--yes"]).await;
    assert_eq!(stored(&cluster).await, former);
    assert!(only(&seen), "{seen:?}");
    let rows = probed(&cluster, &[], "one more look", |_, _| true).await;
    assert_eq!(fingerprints(&rows), [former.as_str()]);
}

async fn a_server_that_never_reloads_takes_the_rotation_back(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let once = json!({ super::SERVES: "tls", "lab.holdfast.dev/reloads": "never" });
    serve(&cluster, "stubborn", 1, &folder(), &once).await;
    settled(&cluster, 1).await;
    let (former, path) = (stored(&cluster).await, path(&cluster));
    let ended = sre.run(&["rotate", &path, "--yes", "--served-within", "4s"]).await.expect(1);
    assert!(ended.stderr.contains("pod stubborn-") && ended.stderr.contains("still serves"), "{ended:?}");
    assert_eq!(stored(&cluster).await, former, "stored and served are one again");
    settled(&cluster, 1).await;
    sre.run(&["rotate", &path, "--yes", "--restart", "all"]).await.expect(0);
    settled(&cluster, 1).await;
}

async fn the_pod_that_went_first_gets_the_former_one_again_when_it_was_not_seen_to_serve_the_new_one(
    cluster: TestCluster,
) {
    let (sre, _) = prepared(&cluster).await;
    serve(&cluster, "front", 2, &by_sub_path(), &tls()).await;
    settled(&cluster, 2).await;
    let (former, path) = (stored(&cluster).await, path(&cluster));
    let arguments = ["rotate", &*path, "--yes", "--served-within", "6s"];
    let (ended, ()) = tokio::join!(sre.run(&arguments), blind_from_the_first_pod_on(&cluster));
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("failed at first-served-1"), "{ended:?}");
    assert_eq!(stored(&cluster).await, former);
    cluster.proxy.clear();
    settled(&cluster, 2).await;
    // Nothing stands in the way of another attempt, and that one is proved pod by pod.
    sre.run(&["rotate", &path, "--yes"]).await.expect(0);
    settled(&cluster, 2).await;
    assert_ne!(stored(&cluster).await, former);
}

const WEBHOOKS: &str = "admissionregistration.k8s.io/v1";

/// A webhook that is called at Service `edge` for objects that there are none of, and checked by this certificate.
fn webhook(cluster: &TestCluster, pinned: &str) -> Value {
    let service = json!({ "namespace": cluster.namespace, "name": "edge", "port": 443 });
    let hook = |name: &str| {
        json!({
            "name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
            "clientConfig": { "service": service, "caBundle": ByteString(pinned.as_bytes().to_vec()) },
            "rules": [{
                "apiGroups": ["nothing.example"], "apiVersions": ["v1"], "resources": ["nothings"], "operations": ["CREATE"],
            }],
        })
    };
    json!({
        "apiVersion": WEBHOOKS, "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": cluster.namespace }, "webhooks": [hook("a.nothing.example"), hook("b.nothing.example")],
    })
}

/// What API servers check the webhook by, each of its entries.
async fn pinned(cluster: &TestCluster) -> Vec<Vec<u8>> {
    let found = cluster.get_global(WEBHOOKS, "ValidatingWebhookConfiguration", &cluster.namespace).await.unwrap();
    let hooks = found["webhooks"].as_array().unwrap().iter();
    hooks
        .map(|hook| serde_json::from_value::<ByteString>(hook["clientConfig"]["caBundle"].clone()).unwrap().0)
        .collect()
}

/// Shakes hands as API servers do, until told to stop: whatever a server shows is checked by what was pinned before.
async fn api_servers(cluster: &TestCluster, stop: &tokio::sync::Notify) -> usize {
    let (mut shaken, mut known) = (0, std::collections::BTreeMap::new());
    let stopped = stop.notified();
    tokio::pin!(stopped);
    let mut look = async || {
        let secret = cluster.get("v1", "Secret", "web-tls").await.unwrap();
        let pem = serde_json::from_value::<ByteString>(secret["data"]["tls.crt"].clone()).unwrap().0;
        known.insert(holdfast::x509::fingerprints(&pem).unwrap()[0].clone(), pem);
        known.clone()
    };
    loop {
        let round = async {
            let before = pinned(cluster).await;
            look().await;
            let rows = probed(cluster, &[], "servers to answer", |_, _| true).await;
            let (known, after) = (look().await, pinned(cluster).await);
            for row in &rows {
                let served = row["fingerprint"].as_str().unwrap_or_else(|| panic!("a failed handshake: {row}"));
                // At the moment of the handshake it was one of the two.
                for (before, after) in before.iter().zip(&after) {
                    let name = format!("edge.{}.svc", cluster.namespace);
                    let taken = [before, after].map(|pinned| verified(&known[served], pinned, &name));
                    assert!(taken.iter().any(Result::is_ok), "refused: {served}: {taken:?}");
                }
            }
            rows.len()
        };
        tokio::select! {
            biased;
            () = &mut stopped => return shaken,
            count = round => shaken += count,
        }
    }
}

/// What an entry of a journal says of which step.
fn said_of(body: &Value) -> String {
    let words = [&body["what"], &body["step"]].map(|word| word.as_str().unwrap_or_default());
    words.join(" ").trim_end().to_owned()
}

pub async fn an_api_server_that_pins_it_takes_every_handshake_and_knows_the_present_one_alone_in_the_end(
    cluster: TestCluster,
) {
    let here = &cluster.namespace;
    let own = self_signed(&format!("edge.{here}.svc"));
    cluster.create(&own.secret(here, "web-tls")).await;
    serve(&cluster, "edge", 2, &folder(), &tls()).await;
    settled(&cluster, 2).await;
    cluster.create(&webhook(&cluster, &own.certificate)).await;
    let (sre, path) = (cluster.person(User::Sre), path(&cluster));
    let run = async |arguments: &[&str]| {
        let stop = tokio::sync::Notify::new();
        let command = async {
            let ended = sre.run(arguments).await.expect(0);
            stop.notify_one();
            ended
        };
        tokio::join!(command, api_servers(&cluster, &stop))
    };
    let only = async || {
        let stored = stored(&cluster).await;
        let all = pinned(&cluster).await;
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|one| holdfast::x509::fingerprints(one).unwrap() == [stored.clone()]));
    };
    let former = stored(&cluster).await;
    let (ended, shaken) = run(&["rotate", &path, "--yes"]).await;
    assert!(shaken > 0);
    let said = format!("adds the new certificate to ValidatingWebhookConfiguration {here}");
    assert!(ended.stdout.contains(&said), "{}", ended.stdout);
    assert_ne!(stored(&cluster).await, former);
    only().await;
    let order = ["done pin-1", "intent store", "done served-1", "intent unpin-1"];
    let story: Vec<String> = sre.entries().iter().map(|entry| said_of(&entry["body"])).collect();
    let places =
        order.map(|one| story.iter().position(|said| said == one).unwrap_or_else(|| panic!("{one}: {story:?}")));
    assert!(places.is_sorted(), "{story:?}");

    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    run(&["operations", "undo", &id, "--yes"]).await;
    assert_eq!(stored(&cluster).await, former);
    only().await;
    cluster.delete_global(WEBHOOKS, "ValidatingWebhookConfiguration", here).await;
}
