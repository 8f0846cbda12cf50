//! An SRE takes a guided backup by the command line, on the embedded cluster and on the real one.

use http::Method;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::scenarios;

scenarios!(
    a_backup_holds_the_bytes_of_the_volume,
    a_dry_run_prints_the_plan_and_changes_nothing,
    nobody_confirms_without_a_terminal,
    an_auditor_is_refused_with_the_right_that_is_missing;
    alone: which_class_is_never_guessed
);

/// The handle under which the storage keeps the copy of a ready snapshot.
pub async fn handle_of(cluster: &TestCluster, snapshot: &Value) -> String {
    let text = |field: &str| snapshot.pointer(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{snapshot}"));
    assert_eq!(snapshot.pointer("/status/readyToUse"), Some(&Value::Bool(true)), "{snapshot}");
    let content = text("/status/boundVolumeSnapshotContentName");
    let content = cluster.get_global(SNAPSHOTS, "VolumeSnapshotContent", content).await.unwrap();
    content["status"]["snapshotHandle"].as_str().unwrap().to_owned()
}

/// Panics unless the scenario's namespace has one snapshot, ready, with these bytes in it.
pub async fn one_snapshot_with(cluster: &TestCluster, volume: &Volume, bytes: &[u8]) {
    let snapshots = cluster.snapshots().await;
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    let handle = handle_of(cluster, &snapshots[0]).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(bytes));
}

async fn a_backup_holds_the_bytes_of_the_volume(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before the cut");
    let sre = cluster.person(User::Sre);
    let path = format!("{}/data", cluster.namespace);

    let ended = sre.run(&["backup", &path, "--yes", "--reason", "before the migration"]).await.expect(0);
    cluster.write(&volume, "rows", b"after the cut");

    one_snapshot_with(&cluster, &volume, b"before the cut").await;
    let snapshot = cluster.snapshots().await.remove(0);
    let handle = handle_of(&cluster, &snapshot).await;
    assert!(ended.stdout.contains(&handle), "the handle {handle} is not printed: {}", ended.stdout);
    assert_eq!(snapshot["metadata"]["annotations"]["holdfast.dev/reason"], "before the migration");

    let operation = sre.operation().await;
    assert_eq!(operation["state"], "done", "{operation}");
    assert_eq!(operation["actor"], "sre", "{operation}");
    let record = format!("holdfast-{}", operation["id"].as_str().unwrap());
    let record = cluster.get("v1", "ConfigMap", &record).await.expect("the record of the operation");
    assert_eq!(record["data"]["state"], "done", "{record}");
    assert_eq!(record["data"]["subject"].as_str().map(|subject| subject.contains(&path)), Some(true), "{record}");

    sre.run(&["journal", "verify"]).await.expect(0);
    the_create_is_in_the_audit_log(&cluster, &sre.entries());
    every_write_is_in_the_journal(&cluster, &sre.entries());
}

/// The journal and the server's audit log tell of the same request.
fn the_create_is_in_the_audit_log(cluster: &TestCluster, entries: &[Value]) {
    let answered = entries.iter().find(|entry| entry["body"]["what"] == "answered").expect("an answered write");
    let id = answered["body"]["audit_id"].as_str().expect("the id of the audit event");
    let audited = cluster.audit().into_iter().find(|event| event.id == id).expect("the event of the journal");
    assert_eq!((&*audited.user, &*audited.verb, &*audited.resource), ("sre", "create", "volumesnapshots"));
}

/// The journal knows of every write in the audit log but of those that follow its closing entry: the last state of the
/// record, and the lock given back.
fn every_write_is_in_the_journal(cluster: &TestCluster, entries: &[Value]) {
    let steps = entries.iter().filter_map(|entry| entry["body"]["audit_id"].as_str());
    let books = entries.iter().flat_map(|entry| entry["kept"].as_array().into_iter().flatten());
    let known: Vec<&str> = steps.chain(books.filter_map(|kept| kept["auditId"].as_str())).collect();
    let here = format!("/namespaces/{}/", cluster.namespace);
    let mut left: Vec<String> = cluster
        .audit()
        .into_iter()
        .filter(|event| event.user == "sre" && event.path.contains(&here) && !event.path.contains("dryRun"))
        .filter(|event| ["create", "update", "patch", "delete"].contains(&&*event.verb))
        .filter(|event| !known.contains(&&*event.id))
        .map(|event| format!("{} {}", event.verb, event.resource))
        .collect();
    left.sort();
    assert_eq!(left, ["update configmaps", "update leases"], "{known:?}");
    assert!(known.len() > 3, "the lock, the record and the snapshot: {known:?}");
}

async fn a_dry_run_prints_the_plan_and_changes_nothing(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let path = format!("{}/data", cluster.namespace);
    let ended = sre.run(&["backup", &path, "--dry-run"]).await.expect(0);
    for said in [path.as_str(), "block.csi.holdfast.dev", "deletion policy", "creates VolumeSnapshot"] {
        assert!(ended.stdout.contains(said), "{said} is not in the review: {}", ended.stdout);
    }
    assert_eq!(cluster.snapshots().await.len(), 0);
    let writes = cluster.proxy.came().into_iter().filter(|came| {
        came.method != Method::GET && !came.path.contains("dryRun=All") && !came.path.contains("selfsubject")
    });
    assert_eq!(writes.collect::<Vec<_>>(), []);
    assert!(sre.journals().is_empty());
}

async fn nobody_confirms_without_a_terminal(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let ended = sre.run(&["backup", &format!("{}/data", cluster.namespace)]).await.expect(4);
    assert!(ended.stderr.contains("--yes"), "{ended:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
}

async fn an_auditor_is_refused_with_the_right_that_is_missing(cluster: TestCluster) {
    cluster.claim("data").await;
    let auditor = cluster.person(User::Auditor);
    let ended = auditor.run(&["backup", &format!("{}/data", cluster.namespace), "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("needs the right to create"), "{ended:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert!(auditor.journals().is_empty());
}

/// Classes belong to no namespace: whoever changes them has the cluster alone, and leaves them as they were.
async fn which_class_is_never_guessed(cluster: TestCluster) {
    const DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";
    let volume = cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let path = format!("{}/data", cluster.namespace);
    let refused = async |arguments: &[&str], why: &str| {
        let ended = sre.run(&[&["backup", &path, "--yes"], arguments].concat()).await.expect(1);
        assert!(ended.stderr.contains(why) && ended.stderr.contains("what would clear it"), "{why}: {ended:?}");
    };
    let own = cluster.get_global(SNAPSHOTS, "VolumeSnapshotClass", "block").await.unwrap();
    let other = manifests::snapshot_class("second", &volume.driver);
    cluster.create(&other).await;
    let default = async |name: &str, yes: Option<&str>| {
        let patch = json!({ "metadata": { "annotations": { DEFAULT: yes } } });
        cluster.merge_global(SNAPSHOTS, "VolumeSnapshotClass", name, &patch).await;
    };

    default("second", Some("true")).await;
    refused(&[], &format!("2 default classes of {}: block, second", volume.driver)).await;
    default("second", None).await;
    default("block", None).await;
    refused(&[], &format!("2 classes of {} and none is the default: block, second", volume.driver)).await;
    refused(&["--class", "shared"], "VolumeSnapshotClass shared is for driver shared.csi.holdfast.dev").await;
    refused(&["--class", "third"], "there is no VolumeSnapshotClass third").await;
    for name in ["second", "block"] {
        cluster.delete_global(SNAPSHOTS, "VolumeSnapshotClass", name).await;
    }
    refused(&[], &format!("there is no VolumeSnapshotClass of its driver {}", volume.driver)).await;
    assert!(sre.journals().is_empty() && cluster.snapshots().await.is_empty());

    let mut again = own;
    let metadata = &again["metadata"];
    again["metadata"] =
        json!({ "name": "block", "labels": metadata["labels"], "annotations": metadata["annotations"] });
    cluster.create(&again).await;
    sre.run(&["backup", &path, "--yes"]).await.expect(0);
}
