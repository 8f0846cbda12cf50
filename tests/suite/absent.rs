//! A cluster without the kinds that snapshots need. The lab always has them: embedded only.

use serde_json::Value;

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;

const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const GROUPS: &str = "groupsnapshot.storage.k8s.io";

#[tokio::test(flavor = "multi_thread")]
async fn without_snapshots_nothing_is_called_protected_and_nothing_is_written() {
    let cluster = TestCluster::sim_without("without_snapshots", &[SNAPSHOTS, GROUPS]).await;
    cluster.claim("data").await;
    cluster.create(&manifests::deployment(&cluster.namespace, "web", "data")).await;
    let sre = cluster.person(User::Sre);
    let from = cluster.audit().len();
    let path = format!("{}/data", cluster.namespace);
    let volumes = sre.run(&["get", "volumes", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    let row = &volumes.as_array().unwrap()[0];
    assert!(!["Ok", "AtRisk"].contains(&row["state"].as_str().unwrap()), "{row}");
    for arguments in [
        vec!["backup", &path, "--yes"],
        vec!["prune", &path, "--keep-last", "1", "--yes"],
        vec!["restore-in-place", &path, "--from", "copy", "--yes"],
        vec!["restore", &path, "--latest", "--yes"],
        vec!["drill", "shop/copy", "--yes"],
    ] {
        let ended = sre.run(&arguments).await;
        assert_ne!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("snapshot"), "{arguments:?} does not say why: {ended:?}");
    }
    assert!(sre.journals().is_empty());
    assert_eq!(crate::read_only::writes(&cluster, from, "sre"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_group_snapshots_single_ones_are_taken_and_restored() {
    let cluster = TestCluster::sim_without("without_groups", &[GROUPS]).await;
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let sre = cluster.person(User::Sre);
    let path = format!("{}/data", cluster.namespace);
    sre.run(&["backup", &path, "--yes"]).await.expect(0);
    crate::backup::one_snapshot_with(&cluster, &volume, b"known bytes").await;
    sre.run(&["restore", &path, "--latest", "--to", "back", "--yes"]).await.expect(0);
    assert_eq!(cluster.read(&cluster.bound("back").await, "rows").as_deref(), Some(&b"known bytes"[..]));
    let points: Value =
        sre.run(&["get", "restore-points", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert_eq!(points.as_array().unwrap().len(), 1, "{points}");
}
