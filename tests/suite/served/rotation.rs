//! Clients during a rotation and while it is taken back: each handshake goes well, and the last ones see what is stored.

use serde_json::json;

use super::renewal::{clients, settled, stored};
use super::{fingerprints, folder, probed, serve, tls};
use crate::rotate::prepared;
use crate::support::cluster::TestCluster;
use crate::support::person::{Ended, Person};
use crate::support::scenarios;

scenarios!(
    clients_see_no_failed_handshake_during_a_rotation_nor_while_it_is_taken_back,
    a_server_that_never_reloads_takes_the_rotation_back,
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
