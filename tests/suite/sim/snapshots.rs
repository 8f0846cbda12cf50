//! Snapshots keep bytes, restores bring them back, and both go wrong on order.

use std::time::Duration;

use holdfast::sim::{Sim, SnapshotFault};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{api, claim, cluster_api, code, object, shop, snapshot, text};

const SNAPSHOTS: &str = "snapshot.storage.k8s.io/v1";

async fn handle_of(sim: &Sim, namespace: &str, claim: &str) -> String {
    let claim = api(sim, "v1", "PersistentVolumeClaim", namespace).await.get(claim).await.unwrap();
    let volume = cluster_api(sim, "v1", "PersistentVolume").await.get(&text(&claim, "/spec/volumeName")).await.unwrap();
    text(&volume, "/spec/csi/volumeHandle")
}

async fn take(sim: &Sim, namespace: &str, name: &str, claim: &str) {
    let snapshots = api(sim, SNAPSHOTS, "VolumeSnapshot", namespace).await;
    snapshots.create(&PostParams::default(), &object(snapshot(namespace, name, claim))).await.unwrap();
    sim.settle().await;
}

#[tokio::test]
async fn a_snapshot_is_bound_both_ways_and_holds_the_bytes_of_its_moment() {
    let sim = shop().await;
    let volume = handle_of(&sim, "shop", "data-db-0").await;
    sim.volumes().write(&volume, "/orders", "before");
    take(&sim, "shop", "s1", "data-db-0").await;
    sim.volumes().write(&volume, "orders", "after");
    let taken = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await.get("s1").await.unwrap();
    assert_eq!(taken.data["status"]["readyToUse"], json!(true));
    assert_eq!(text(&taken, "/status/restoreSize"), "1Gi");
    assert_eq!(text(&taken, "/status/creationTime"), "2026-11-22T12:00:00Z");
    assert_eq!(text(&taken, "/spec/volumeSnapshotClassName"), "block");
    let content = text(&taken, "/status/boundVolumeSnapshotContentName");
    assert_eq!(content, format!("snapcontent-{}", taken.metadata.uid.clone().unwrap()));
    let content = cluster_api(&sim, SNAPSHOTS, "VolumeSnapshotContent").await.get(&content).await.unwrap();
    assert_eq!(text(&content, "/spec/volumeSnapshotRef/uid"), taken.metadata.uid.unwrap());
    assert_eq!(text(&content, "/spec/source/volumeHandle"), volume);
    assert_eq!(sim.volumes().read_snapshot(&text(&content, "/status/snapshotHandle"), "orders").unwrap(), b"before");
}

#[tokio::test]
async fn a_claim_from_a_snapshot_gets_its_bytes_and_a_smaller_one_does_not() {
    let sim = shop().await;
    sim.volumes().write(&handle_of(&sim, "shop", "data-db-0").await, "orders", "kept");
    take(&sim, "shop", "s1", "data-db-0").await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "shop").await;
    let source = json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s1"});
    let mut wish = claim("shop", "restored", "block");
    wish["spec"]["dataSource"] = source;
    claims.create(&PostParams::default(), &object(wish.clone())).await.unwrap();
    wish["metadata"]["name"] = "small".into();
    wish["spec"]["resources"]["requests"]["storage"] = "10Mi".into();
    claims.create(&PostParams::default(), &object(wish)).await.unwrap();
    sim.settle().await;
    assert_eq!(sim.volumes().read(&handle_of(&sim, "shop", "restored").await, "orders").unwrap(), b"kept");
    assert_eq!(text(&claims.get("small").await.unwrap(), "/status/phase"), "Pending");
    let events = api(&sim, "v1", "Event", "shop").await.list(&ListParams::default()).await.unwrap();
    assert!(events.items.iter().any(|event| text(event, "/message").contains("is less than the size")));
}

#[tokio::test]
async fn policy_delete_removes_the_copy_and_policy_retain_keeps_it() {
    let sim = shop().await;
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await;
    take(&sim, "shop", "gone", "data-cache-0").await;
    take(&sim, "shop", "kept", "uploads").await;
    let copies = sim.volumes().snapshots().len();
    for name in ["gone", "kept"] {
        snapshots.delete(name, &DeleteParams::default()).await.unwrap();
    }
    sim.settle().await;
    assert_eq!(code(snapshots.get("gone").await), 404);
    assert_eq!(code(snapshots.get("kept").await), 404);
    assert_eq!(sim.volumes().snapshots().len(), copies - 1);
    let contents =
        cluster_api(&sim, SNAPSHOTS, "VolumeSnapshotContent").await.list(&ListParams::default()).await.unwrap();
    let policies: Vec<_> = contents.items.iter().map(|content| text(content, "/spec/deletionPolicy")).collect();
    assert_eq!(policies.iter().filter(|policy| *policy == "Retain").count(), 1);
}

#[tokio::test]
async fn a_kept_copy_can_be_imported_under_a_new_content() {
    let sim = shop().await;
    sim.volumes().write(&handle_of(&sim, "shop", "uploads").await, "cat", "meow");
    take(&sim, "shop", "kept", "uploads").await;
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await;
    let content = text(&snapshots.get("kept").await.unwrap(), "/status/boundVolumeSnapshotContentName");
    let contents = cluster_api(&sim, SNAPSHOTS, "VolumeSnapshotContent").await;
    let handle = text(&contents.get(&content).await.unwrap(), "/status/snapshotHandle");
    snapshots.delete("kept", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    let import = json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshotContent", "metadata": {"name": "import"},
        "spec": {
            "driver": "shared.csi.holdfast.dev", "deletionPolicy": "Retain", "source": {"snapshotHandle": handle},
            "volumeSnapshotRef": {"name": "again", "namespace": "shop"}, "sourceVolumeMode": "Filesystem",
        },
    });
    contents.create(&PostParams::default(), &object(import)).await.unwrap();
    let again = json!({
        "apiVersion": SNAPSHOTS, "kind": "VolumeSnapshot", "metadata": {"name": "again"},
        "spec": {"source": {"volumeSnapshotContentName": "import"}, "volumeSnapshotClassName": "shared"},
    });
    let made = snapshots.create(&PostParams::default(), &object(again)).await.unwrap();
    sim.settle().await;
    assert_eq!(snapshots.get("again").await.unwrap().data["status"]["readyToUse"], json!(true));
    assert_eq!(text(&contents.get("import").await.unwrap(), "/spec/volumeSnapshotRef/uid"), made.metadata.uid.unwrap());
}

#[tokio::test]
async fn ordered_faults_are_carried_out() {
    let sim = shop().await;
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await;
    let state = async |name: &str| {
        let status = snapshots.get(name).await.unwrap().data["status"].clone();
        (status["readyToUse"].clone(), status["creationTime"].is_string(), status["error"].is_object())
    };
    sim.snapshot_faults().order("data-db-0", SnapshotFault::ReadyAfter(Duration::from_secs(90)));
    take(&sim, "shop", "slow", "data-db-0").await;
    assert_eq!(state("slow").await, (json!(false), true, false));
    sim.clock().advance(Duration::from_secs(91));
    sim.settle().await;
    assert_eq!(state("slow").await, (json!(true), true, false));
    sim.snapshot_faults().order("data-db-0", SnapshotFault::ErrorOnce);
    take(&sim, "shop", "once", "data-db-0").await;
    assert_eq!(state("once").await, (json!(false), false, true));
    sim.clock().advance(Duration::from_secs(5));
    sim.settle().await;
    assert_eq!(state("once").await, (json!(true), true, false));
    sim.snapshot_faults().order("uploads", SnapshotFault::Refuses);
    take(&sim, "shop", "never", "uploads").await;
    sim.clock().advance(Duration::from_secs(600));
    sim.settle().await;
    assert_eq!(state("never").await, (json!(false), false, true));
    sim.snapshot_faults().order("data-cache-0", SnapshotFault::WrongSize(1));
    take(&sim, "shop", "odd", "data-cache-0").await;
    assert_eq!(text(&snapshots.get("odd").await.unwrap(), "/status/restoreSize"), "1");
}

#[tokio::test]
async fn a_snapshot_of_a_missing_claim_says_why_and_goes_on_when_it_comes() {
    let sim = shop().await;
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await;
    take(&sim, "shop", "early", "later").await;
    assert!(text(&snapshots.get("early").await.unwrap(), "/status/error/message").contains("cannot get claim"));
    api(&sim, "v1", "PersistentVolumeClaim", "shop")
        .await
        .create(&PostParams::default(), &object(claim("shop", "later", "block")))
        .await
        .unwrap();
    sim.settle().await;
    let taken = snapshots.get("early").await.unwrap();
    assert_eq!(taken.data["status"]["readyToUse"], json!(true));
    assert!(taken.data["status"]["error"].is_null());
}

#[tokio::test]
async fn a_group_is_cut_at_one_moment_with_a_snapshot_for_each_claim() {
    let sim = shop().await;
    for ordinal in 0..2 {
        sim.volumes().write(&handle_of(&sim, "shop", &format!("data-cache-{ordinal}")).await, "n", "1");
    }
    let groups = api(&sim, "groupsnapshot.storage.k8s.io/v1", "VolumeGroupSnapshot", "shop").await;
    let wish = json!({
        "apiVersion": "groupsnapshot.storage.k8s.io/v1", "kind": "VolumeGroupSnapshot", "metadata": {"name": "g"},
        "spec": {"source": {"selector": {"matchLabels": {"app": "cache"}}}},
    });
    groups.create(&PostParams::default(), &object(wish)).await.unwrap();
    sim.settle().await;
    assert_eq!(groups.get("g").await.unwrap().data["status"]["readyToUse"], json!(true));
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await.list(&ListParams::default()).await.unwrap();
    let members: Vec<_> =
        snapshots.items.iter().filter(|one| text(one, "/status/volumeGroupSnapshotName") == "g").collect();
    assert_eq!(members.len(), 2);
    assert!(members.iter().all(|member| member.data["status"]["readyToUse"] == json!(true)));
    groups.delete("g", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert_eq!(code(groups.get("g").await), 404);
}

#[tokio::test]
async fn the_deletion_policy_can_be_changed_after_the_fact() {
    let sim = shop().await;
    let snapshots = api(&sim, SNAPSHOTS, "VolumeSnapshot", "shop").await;
    take(&sim, "shop", "s", "data-db-0").await;
    let content = text(&snapshots.get("s").await.unwrap(), "/status/boundVolumeSnapshotContentName");
    let contents = cluster_api(&sim, SNAPSHOTS, "VolumeSnapshotContent").await;
    let retain = Patch::Merge(json!({"spec": {"deletionPolicy": "Retain"}}));
    contents.patch(&content, &PatchParams::default(), &retain).await.unwrap();
    snapshots.delete("s", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert!(contents.get(&content).await.is_ok());
}
