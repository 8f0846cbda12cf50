//! An SRE restores a restore point into a new volume, on the embedded cluster and on the real one.

use http::Method;
use serde_json::Value;

use crate::backup::handle_of;
use crate::support::cluster::{StorageFault, TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::person::{Ended, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_restored_volume_holds_the_bytes_of_the_cut_and_no_later_ones,
    the_newest_good_point_of_a_volume_is_found_also_before_a_moment,
    what_cannot_be_restored_is_refused_before_anything_is_made,
    a_copy_that_needs_more_room_than_its_volume_had_gets_it,
    a_class_that_waits_for_its_first_consumer_is_no_alarm,
    a_claim_whose_source_was_dropped_is_called_empty,
    what_the_provisioner_says_is_shown_while_it_waits,
    a_snapshot_that_goes_while_a_claim_is_made_from_it_leaves_nothing_that_passes_for_restored,
    an_import_whose_handle_the_storage_does_not_know_is_refused,
    a_copy_that_two_contents_stand_for_outlives_its_import,
    an_auditor_is_refused_a_restore_with_the_right_that_is_missing,
);

/// A claim `data` whose snapshot `copy` holds `before`, while it now holds `after`.
async fn prepared(cluster: &TestCluster) -> (Person, Volume, String) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before");
    cluster.snapshot("copy", "data").await;
    cluster.write(&volume, "rows", b"after");
    (cluster.person(User::Sre), volume, format!("{}/copy", cluster.namespace))
}

async fn claims(cluster: &TestCluster) -> Vec<Value> {
    cluster.list("v1", "PersistentVolumeClaim").await
}

pub async fn a_restored_volume_holds_the_bytes_of_the_cut_and_no_later_ones(cluster: TestCluster) {
    let (sre, original, path) = prepared(&cluster).await;
    let ended = sre.run(&["restore", &path, "--to", "back", "--yes"]).await.expect(0);
    let back = cluster.bound("back").await;
    assert_eq!(cluster.read(&back, "rows").as_deref(), Some(&b"before"[..]));
    assert_eq!(cluster.read(&original, "rows").as_deref(), Some(&b"after"[..]), "the original is as it was");
    assert!(ended.stdout.contains(&format!("bound.handle\t{}", back.handle)), "{}", ended.stdout);
    assert!(ended.stdout.contains("took\t"), "{}", ended.stdout);

    let claim = cluster.get("v1", "PersistentVolumeClaim", "back").await.unwrap();
    let original = cluster.get("v1", "PersistentVolumeClaim", "data").await.unwrap();
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    let notes = &claim["metadata"]["annotations"];
    assert_eq!(notes["holdfast.dev/lineage"], original["metadata"]["uid"]);
    assert_eq!(notes["holdfast.dev/restored-from"], *path);
    assert_eq!(notes["holdfast.dev/restored-cut"], snapshot["status"]["creationTime"]);
    assert_eq!(claim["spec"]["resources"], original["spec"]["resources"]);
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn the_newest_good_point_of_a_volume_is_found_also_before_a_moment(cluster: TestCluster) {
    let (sre, volume, _) = prepared(&cluster).await;
    let first = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    let cut = |snapshot: &Value| snapshot["status"]["creationTime"].as_str().unwrap().to_owned();
    // Times of cuts may be whole seconds.
    let mut number = 0;
    let second = loop {
        number += 1;
        let next = cluster.snapshot(&format!("copy-{number}"), "data").await;
        if cut(&next) != cut(&first) {
            break next;
        }
    };
    cluster.write(&volume, "rows", b"later still");
    cluster.storage_fault("data", StorageFault::NeverReady);
    cluster.create(&manifests::snapshot(&cluster.namespace, "unready", "data")).await;
    wait::until("the newest to be cut", LONG, async || {
        let unready = cluster.get(SNAPSHOTS, "VolumeSnapshot", "unready").await?;
        unready.pointer("/status/creationTime").map(drop)
    })
    .await;

    let path = format!("{}/data", cluster.namespace);
    sre.run(&["restore", &path, "--latest", "--to", "newest", "--yes"]).await.expect(0);
    sre.run(&["restore", &path, "--before", &cut(&second), "--to", "earlier", "--yes"]).await.expect(0);
    assert_eq!(cluster.read(&cluster.bound("newest").await, "rows").as_deref(), Some(&b"after"[..]));
    let earlier = cluster.get("v1", "PersistentVolumeClaim", "earlier").await.unwrap();
    let from = earlier["metadata"]["annotations"]["holdfast.dev/restored-cut"].as_str().unwrap();
    assert!(from < cut(&second).as_str(), "{earlier}");

    let none = sre.run(&["restore", &path, "--before", "2001-01-01T00:00:00Z", "--yes"]).await.expect(1);
    assert!(none.stderr.contains("no good snapshot cut before 2001"), "{none:?}");
    let mistaken = sre.run(&["restore", &path, "--yes"]).await.expect(1);
    assert!(mistaken.stderr.contains("data is a volume: --latest"), "{mistaken:?}");
}

async fn what_cannot_be_restored_is_refused_before_anything_is_made(cluster: TestCluster) {
    let (sre, _, path) = prepared(&cluster).await;
    let refused = async |arguments: &[&str], why: &str| {
        let arguments: Vec<&str> = ["restore", path.as_str(), "--yes"].iter().chain(arguments).copied().collect();
        let ended = sre.run(&arguments).await.expect(1);
        assert!(ended.stderr.contains(why), "{why}: {ended:?}");
        assert!(ended.stderr.contains("what would clear it"), "{ended:?}");
    };
    refused(&["--class", "shared"], "StorageClass shared is for driver shared.csi.holdfast.dev").await;
    refused(&["--class", "gone"], "there is no StorageClass gone").await;
    refused(&["--size", "1Mi"], "1Mi are too small: what was cut needs 64Mi").await;
    refused(&["--to", "data"], "exists, and a restore writes over nothing").await;

    cluster.storage_fault("data", StorageFault::NeverReady);
    cluster.create(&manifests::snapshot(&cluster.namespace, "unready", "data")).await;
    let unready = sre.run(&["restore", &format!("{}/unready", cluster.namespace), "--yes"]).await.expect(1);
    assert!(unready.stderr.contains("cannot restore snapshot"), "{unready:?}");
    assert_eq!(claims(&cluster).await.len(), 1);
    assert!(sre.journals().is_empty());
}

async fn a_copy_that_needs_more_room_than_its_volume_had_gets_it(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before");
    cluster.storage_fault("data", StorageFault::Oversized);
    cluster.snapshot("copy", "data").await;
    let sre = cluster.person(User::Sre);
    sre.run(&["restore", &format!("{}/copy", cluster.namespace), "--to", "back", "--yes"]).await.expect(0);
    let back = cluster.bound("back").await;
    assert_eq!(cluster.read(&back, "rows").as_deref(), Some(&b"before"[..]));
    let claim = cluster.get("v1", "PersistentVolumeClaim", "back").await.unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "134217729");
}

async fn a_class_that_waits_for_its_first_consumer_is_no_alarm(cluster: TestCluster) {
    let (sre, _, path) = prepared(&cluster).await;
    let class = format!("patient-{}", cluster.namespace);
    cluster.create(&manifests::patient_class(&class)).await;
    let ended = sre.run(&["restore", &path, "--to", "back", "--class", &class, "--yes"]).await.expect(0);
    assert!(ended.stdout.contains("when a first consumer is scheduled"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("Warnings"), "{}", ended.stdout);
    let claim = cluster.get("v1", "PersistentVolumeClaim", "back").await.unwrap();
    assert_eq!(claim["status"]["phase"], "Pending", "{claim}");
    cluster.create(&manifests::pod(&cluster.namespace, "reader", "back")).await;
    assert_eq!(cluster.read(&cluster.bound("back").await, "rows").as_deref(), Some(&b"before"[..]));
    cluster.delete_global("storage.k8s.io/v1", "StorageClass", &class).await;
}

async fn a_claim_whose_source_was_dropped_is_called_empty(cluster: TestCluster) {
    let (sre, _, path) = prepared(&cluster).await;
    let dropped = Fault::Drop(&["/spec/dataSource", "/spec/dataSourceRef"]);
    cluster.proxy.order(Order::on(Method::POST, "/persistentvolumeclaims", dropped).without("dryRun=All"));
    let ended = sre.run(&["restore", &path, "--to", "back", "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("failed at source"), "{ended:?}");
    assert!(ended.stderr.contains("is EMPTY, not restored"), "{ended:?}");
    assert_eq!(sre.operation().await["state"], "failed");
}

async fn what_the_provisioner_says_is_shown_while_it_waits(cluster: TestCluster) {
    let (sre, volume, path) = prepared(&cluster).await;
    let gate = Gate::shut();
    let create = Order::on(Method::POST, "/persistentvolumeclaims", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(create);
    let run = async { sre.run(&["restore", &path, "--to", "back", "--bound-within", "20s", "--yes"]).await };
    let lose = async {
        wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
        cluster.lose_snapshot(&volume.driver, &handle_of(&cluster, &snapshot).await);
        gate.open();
    };
    let (ended, ()): (Ended, ()) = tokio::join!(run, lose);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("waiting for the volume to be made from the snapshot and bound"), "{ended:?}");
    assert!(ended.stderr.contains("reported meanwhile: ProvisioningFailed: "), "{ended:?}");
}

async fn a_snapshot_that_goes_while_a_claim_is_made_from_it_leaves_nothing_that_passes_for_restored(
    cluster: TestCluster,
) {
    let (sre, _, path) = prepared(&cluster).await;
    // Early, because a controller may keep its finalizer on a snapshot that is deleted as soon as it is ready.
    cluster.snapshot("second", "data").await;
    let gone = async |name: &str| {
        cluster.delete(SNAPSHOTS, "VolumeSnapshot", name).await;
        let gone = async || cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await.is_none().then_some(());
        wait::until("the snapshot to be gone", LONG, gone).await;
    };
    let gate = Gate::shut();
    let create = Order::on(Method::POST, "/persistentvolumeclaims", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(create);
    let arguments = ["restore", &path, "--to", "back", "--bound-within", "6s", "--yes"];
    let lost = async {
        wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
        gone("copy").await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(sre.run(&arguments), lost);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("waiting for the volume to be made from the snapshot and bound"), "{ended:?}");
    assert!(ended.stderr.contains("not done within 6s"), "{ended:?}");
    let claim = cluster.get("v1", "PersistentVolumeClaim", "back").await.unwrap();
    assert_eq!(claim["status"]["phase"], "Pending", "{claim}");

    // Gone before the claim is sent, nothing is made at all.
    cluster.proxy.clear();
    let early = Gate::shut();
    cluster.proxy.order(Order::on(Method::POST, "/configmaps", Fault::Hold(early.clone())).times(1));
    let other = cluster.person(User::Sre);
    let lost = async {
        wait::until("the record to be sent", LONG, async || (early.arrived() == 1).then_some(())).await;
        gone("second").await;
        early.open();
    };
    let path = format!("{}/second", cluster.namespace);
    let arguments = ["restore", &path, "--to", "again", "--yes"];
    let (ended, ()) = tokio::join!(other.run(&arguments), lost);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("second is gone"), "{ended:?}");
    assert!(cluster.get("v1", "PersistentVolumeClaim", "again").await.is_none());
}

/// Imports a copy by its handle, as for another cluster.
async fn import(cluster: &TestCluster, name: &str, driver: &str, handle: &str) {
    let content = format!("{}-{name}", cluster.namespace);
    cluster.create(&manifests::imported_content(&content, (&cluster.namespace, name), driver, handle)).await;
    cluster.create(&manifests::imported(&cluster.namespace, name, &content)).await;
}

async fn an_import_whose_handle_the_storage_does_not_know_is_refused(cluster: TestCluster) {
    let (sre, volume, _) = prepared(&cluster).await;
    import(&cluster, "stale", &volume.driver, "no-such-copy").await;
    let content = format!("{}-stale", cluster.namespace);
    wait::until("the storage to be asked", LONG, async || {
        let content = cluster.get_global(SNAPSHOTS, "VolumeSnapshotContent", &content).await?;
        content.pointer("/status/error/message").map(drop)
    })
    .await;
    let path = format!("{}/stale", cluster.namespace);
    for verb in ["restore", "drill"] {
        let ended = sre.run(&[verb, &path, "--yes"]).await.expect(1);
        assert!(ended.stderr.contains("snapshot") && ended.stderr.contains("it is "), "{ended:?}");
    }
    assert!(sre.journals().is_empty());
    assert_eq!(claims(&cluster).await.len(), 1);
    cluster.delete(SNAPSHOTS, "VolumeSnapshot", "stale").await;
    cluster.delete_global(SNAPSHOTS, "VolumeSnapshotContent", &content).await;
}

async fn a_copy_that_two_contents_stand_for_outlives_its_import(cluster: TestCluster) {
    let (sre, volume, _) = prepared(&cluster).await;
    let original = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    let handle = handle_of(&cluster, &original).await;
    import(&cluster, "twin", &volume.driver, &handle).await;
    cluster.ready("twin").await;

    let path = format!("{}/twin", cluster.namespace);
    let ended = sre.run(&["restore", &path, "--to", "back", "--class", "block", "--yes"]).await.expect(0);
    assert!(ended.stdout.contains("not proved: imported by its handle"), "{ended:?}");
    assert_eq!(cluster.read(&cluster.bound("back").await, "rows").as_deref(), Some(&b"before"[..]));

    // The copy that the twin stands for is not deleted through the original either.
    crate::prune::copy(&cluster, "data", "newer", |_| {}).await;
    let ours = serde_json::json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": "holdfast" } } });
    cluster.merge(SNAPSHOTS, "VolumeSnapshot", "copy", &ours).await;
    let data = format!("{}/data", cluster.namespace);
    let pruned = sre.run(&["prune", &data, "--keep-last", "1", "--yes"]).await.expect(0);
    assert!(pruned.stdout.contains("another content names the same copy in storage"), "{pruned:?}");
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(&b"before"[..]));
    cluster.delete(SNAPSHOTS, "VolumeSnapshot", "twin").await;
    cluster.delete_global(SNAPSHOTS, "VolumeSnapshotContent", &format!("{}-twin", cluster.namespace)).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(&b"before"[..]));
}

async fn an_auditor_is_refused_a_restore_with_the_right_that_is_missing(cluster: TestCluster) {
    let (_, _, path) = prepared(&cluster).await;
    let auditor = cluster.person(User::Auditor);
    let ended = auditor.run(&["restore", &path, "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("create persistentvolumeclaims in"), "{ended:?}");
    assert_eq!(claims(&cluster).await.len(), 1);
    assert!(auditor.journals().is_empty());
}
