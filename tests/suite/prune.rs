//! An SRE prunes and holds copies by the command line, on the embedded cluster and on the real one.

use http::Method;
use serde_json::{Value, json};

use crate::backup::handle_of;
use crate::support::cluster::{StorageFault, TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_prune_deletes_exactly_what_its_plan_showed,
    a_copy_that_is_held_after_the_plan_stays,
    another_pruner_that_was_faster_is_no_failure,
    nothing_is_deleted_while_the_newest_copy_is_not_ready,
    an_auditor_is_refused_with_the_right_that_is_missing,
    a_hold_outlives_what_deletes_and_its_release_gives_back_what_was,
    retained_copies_go_with_their_storage_only_when_asked,
);

/// A copy of a claim as this console makes them, ready; and a second later than the one before, because the times of
/// cuts are whole seconds.
pub async fn copy(cluster: &TestCluster, claim: &str, name: &str, change: impl Fn(&mut Value)) -> String {
    let mut snapshot = manifests::snapshot(&cluster.namespace, name, claim);
    snapshot["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "holdfast" });
    change(&mut snapshot);
    cluster.create(&snapshot).await;
    let ready = wait::until("the copy to be ready", LONG, async || {
        let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await?;
        (snapshot["status"]["readyToUse"] == true).then_some(snapshot)
    })
    .await;
    let cut: jiff::Timestamp = ready["status"]["creationTime"].as_str().unwrap().parse().unwrap();
    wait::until("the next second", LONG, async || (jiff::Timestamp::now().as_second() > cut.as_second()).then_some(()))
        .await;
    handle_of(cluster, &ready).await
}

/// A volume with known bytes and copies of it, the oldest first, each with its handle.
async fn prepared(cluster: &TestCluster, claim: &str, names: &[&str]) -> (Volume, Vec<String>) {
    let volume = cluster.claim(claim).await;
    cluster.write(&volume, "rows", b"known bytes");
    let mut handles = Vec::new();
    for name in names {
        handles.push(copy(cluster, claim, name, |_| {}).await);
    }
    (volume, handles)
}

/// The names of the snapshots that there are.
pub async fn names(cluster: &TestCluster) -> Vec<String> {
    let name = |snapshot: &Value| snapshot["metadata"]["name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = cluster.snapshots().await.iter().map(name).collect();
    names.sort();
    names
}

fn path(cluster: &TestCluster, claim: &str) -> String {
    format!("{}/{claim}", cluster.namespace)
}

pub async fn a_prune_deletes_exactly_what_its_plan_showed(cluster: TestCluster) {
    let (volume, mut handles) = prepared(&cluster, "data", &["a-old"]).await;
    let held = json!({ "holdfast.dev/hold": "do not touch" });
    handles.push(copy(&cluster, "data", "b-held", |copy| copy["metadata"]["annotations"] = held.clone()).await);
    handles.push(copy(&cluster, "data", "c-foreign", |copy| copy["metadata"]["labels"] = json!({})).await);
    handles.push(copy(&cluster, "data", "d-old", |_| {}).await);
    handles.push(copy(&cluster, "data", "e-new", |_| {}).await);
    let sre = cluster.person(User::Sre);
    let path = path(&cluster, "data");
    let prune = ["prune", &path, "--keep-last", "1"];

    let shown = sre.run(&[&prune[..], &["--dry-run"]].concat()).await.expect(0);
    let goes = |line: &&str| line.trim_start().starts_with("deletes ");
    let going: Vec<&str> = shown.stdout.lines().filter(goes).collect();
    assert_eq!(going.len(), 2, "{}", shown.stdout);
    assert!(going[0].contains("a-old") && going[1].contains("d-old"), "{going:?}");
    for (name, why) in
        [("b-held", "do not touch"), ("c-foreign", "not made by Holdfast"), ("e-new", "the last good copy")]
    {
        let line = shown.stdout.lines().find(|line| line.contains("stays: ") && line.contains(name));
        assert!(line.is_some_and(|line| line.contains(why)), "{name}: {}", shown.stdout);
    }
    assert_eq!(names(&cluster).await.len(), 5, "a dry run deletes nothing");

    // Half of the copies at once: saying yes beforehand takes their number.
    let refused = sre.run(&[&prune[..], &["--yes"]].concat()).await.expect(1);
    assert!(refused.stderr.contains("--count 2"), "{refused:?}");
    assert_eq!(names(&cluster).await.len(), 5);

    sre.run(&[&prune[..], &["--yes", "--count", "2"]].concat()).await.expect(0);
    assert_eq!(names(&cluster).await, ["b-held", "c-foreign", "e-new"]);
    let bytes = |handle: &str| cluster.read_snapshot(&volume.driver, handle, "rows");
    let left: Vec<bool> = handles.iter().map(|handle| bytes(handle).is_some()).collect();
    assert_eq!(left, [false, true, true, false, true], "what is in storage");

    // Once more there is nothing to do.
    let again = sre.run(&[&prune[..], &["--yes"]].concat()).await.expect(0);
    assert!(again.stdout.contains("nothing to delete"), "{again:?}");
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn a_copy_that_is_held_after_the_plan_stays(cluster: TestCluster) {
    prepared(&cluster, "data", &["old", "new"]).await;
    let sre = cluster.person(User::Sre);
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::POST, "/configmaps", Fault::Hold(gate.clone())).times(1));
    let path = path(&cluster, "data");
    let arguments = ["prune", &path, "--keep-last", "1", "--yes"];
    let pruned = sre.run(&arguments);
    let meanwhile = async {
        wait::until("the operation to begin", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let hold = json!({ "metadata": { "annotations": { "holdfast.dev/hold": "found something" } } });
        cluster.merge(SNAPSHOTS, "VolumeSnapshot", "old", &hold).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(pruned, meanwhile);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("held or taken over meanwhile"), "{ended:?}");
    assert_eq!(names(&cluster).await, ["new", "old"]);
}

async fn another_pruner_that_was_faster_is_no_failure(cluster: TestCluster) {
    prepared(&cluster, "data", &["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let sre = cluster.person(User::Sre);
    let gate = Gate::shut();
    let order = Order::on(Method::DELETE, "/volumesnapshots/a", Fault::Hold(gate.clone()));
    cluster.proxy.order(order.without("dryRun=All").times(1));
    let path = path(&cluster, "data");
    let arguments = ["prune", &path, "--keep-last", "6", "--yes"];
    let arguments = [&arguments[..], &["--count", "2"]].concat();
    let pruned = sre.run(&arguments);
    let meanwhile = async {
        wait::until("the first deletion to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
        for name in ["a", "b"] {
            cluster.delete(SNAPSHOTS, "VolumeSnapshot", name).await;
            let gone = async || cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await.is_none().then_some(());
            wait::until("the copy to be gone", LONG, gone).await;
        }
        gate.open();
    };
    let (ended, ()) = tokio::join!(pruned, meanwhile);
    ended.expect(0);
    assert_eq!(names(&cluster).await, ["c", "d", "e", "f", "g", "h"]);
}

async fn nothing_is_deleted_while_the_newest_copy_is_not_ready(cluster: TestCluster) {
    prepared(&cluster, "data", &["old", "new"]).await;
    cluster.storage_fault("data", StorageFault::NeverReady);
    let sre = cluster.person(User::Sre);
    let path = path(&cluster, "data");
    sre.run(&["backup", &path, "--yes", "--ready-within", "2s"]).await.expect(1);
    let refused = sre.run(&["prune", &path, "--keep-last", "1", "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("its newest copy data-"), "{refused:?}");
    assert!(refused.stderr.contains("nothing is deleted before the newest copy is ready"), "{refused:?}");
    assert_eq!(names(&cluster).await.len(), 3);
}

async fn an_auditor_is_refused_with_the_right_that_is_missing(cluster: TestCluster) {
    prepared(&cluster, "data", &["old", "new"]).await;
    let auditor = cluster.person(User::Auditor);
    let path = path(&cluster, "data");
    let ended = auditor.run(&["prune", &path, "--keep-last", "1", "--yes"]).await.expect(1);
    assert!(
        ended.stderr.contains("needs the right to") && ended.stderr.contains("delete volumesnapshots"),
        "{ended:?}"
    );
    let copy = format!("{}/old", cluster.namespace);
    let ended = auditor.run(&["hold", &copy, "--reason", "audit", "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("patch volumesnapshotcontents"), "{ended:?}");
    assert_eq!(names(&cluster).await, ["new", "old"]);
    assert!(auditor.journals().is_empty());
}

/// The deletionPolicy of a copy's content.
async fn deletion_policy(cluster: &TestCluster, name: &str) -> String {
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await.unwrap();
    let content = snapshot["status"]["boundVolumeSnapshotContentName"].as_str().unwrap();
    let content = cluster.get_global(SNAPSHOTS, "VolumeSnapshotContent", content).await.unwrap();
    content["spec"]["deletionPolicy"].as_str().unwrap().to_owned()
}

async fn a_hold_outlives_what_deletes_and_its_release_gives_back_what_was(cluster: TestCluster) {
    prepared(&cluster, "data", &["old", "new"]).await;
    let sre = cluster.person(User::Sre);
    let (copy, volume) = (format!("{}/old", cluster.namespace), path(&cluster, "data"));
    assert_eq!(deletion_policy(&cluster, "old").await, "Delete");
    let hold = ["hold", &copy, "--reason", "audit of 2026", "--until", "2100-01-01"];
    let shown = sre.run(&[&hold[..], &["--dry-run"]].concat()).await.expect(0);
    assert!(shown.stdout.contains("from Delete to Retain"), "{shown:?}");
    sre.run(&[&hold[..], &["--yes"]].concat()).await.expect(0);
    assert_eq!(deletion_policy(&cluster, "old").await, "Retain");
    let held = cluster.get(SNAPSHOTS, "VolumeSnapshot", "old").await.unwrap();
    let note: Value =
        serde_json::from_str(held["metadata"]["annotations"]["holdfast.dev/hold"].as_str().unwrap()).unwrap();
    let expected =
        json!({ "reason": "audit of 2026", "by": "sre", "until": "2100-01-01T00:00:00Z", "policy": "Delete" });
    assert_eq!(note, expected);

    // Even when storage may go as well.
    let pruned = sre.run(&["prune", &volume, "--keep-last", "1", "--also-storage", "--yes"]).await.expect(0);
    assert!(pruned.stdout.contains("held until 2100-01-01 00:00 UTC by sre: audit of 2026"), "{pruned:?}");
    let rows = sre.run(&["get", "restore-points", "-o", "json"]).await.expect(0).json();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "old").unwrap().clone();
    assert_eq!(row["heldUntil"], "2100-01-01", "{row}");

    let released = sre.run(&["release", &copy, "--yes"]).await.expect(0);
    assert!(released.stdout.contains("back to Delete"), "{released:?}");
    assert_eq!(deletion_policy(&cluster, "old").await, "Delete");
    sre.run(&["release", &copy, "--yes"]).await.expect(1);
    sre.run(&["prune", &volume, "--keep-last", "1", "--yes"]).await.expect(0);
    assert_eq!(names(&cluster).await, ["new"]);
}

pub async fn retained_copies_go_with_their_storage_only_when_asked(cluster: TestCluster) {
    let (volume, handles) = prepared(&cluster, "data", &["old", "new"]).await;
    let sre = cluster.person(User::Sre);
    let copy = format!("{}/old", cluster.namespace);
    // What a hold by hand leaves behind: deletionPolicy Retain, and nothing that says so.
    sre.run(&["hold", &copy, "--reason", "r", "--yes"]).await.expect(0);
    let none = json!({ "metadata": { "annotations": { "holdfast.dev/hold": null } } });
    cluster.merge(SNAPSHOTS, "VolumeSnapshot", "old", &none).await;
    let path = path(&cluster, "data");
    let prune = ["prune", &path, "--keep-last", "1", "--yes"];
    let kept = sre.run(&prune).await.expect(0);
    assert!(kept.stdout.contains("deletionPolicy Retain"), "{kept:?}");
    assert_eq!(names(&cluster).await, ["new", "old"]);
    sre.run(&[&prune[..], &["--also-storage"]].concat()).await.expect(0);
    assert_eq!(names(&cluster).await, ["new"]);
    assert_eq!(cluster.read_snapshot(&volume.driver, &handles[0], "rows"), None, "nothing is left in storage");
}
