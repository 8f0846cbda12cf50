//! What goes wrong between the console, the API server and the storage, ordered at one place each.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::backup::one_snapshot_with;
use crate::support::cluster::{StorageFault, TestCluster, User, Volume};
use crate::support::person::{Ended, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_lost_answer_is_resolved_by_looking,
    a_create_that_never_arrived_is_sent_again_after_looking,
    a_busy_server_is_asked_again,
    a_refused_create_fails_and_leaves_nothing,
    a_conflict_on_the_record_is_settled_by_looking,
    without_its_record_nothing_is_done,
    a_snapshot_that_fails_once_becomes_ready,
    a_snapshot_that_is_never_ready_fails_at_its_deadline,
    a_snapshot_that_is_never_cut_fails_at_its_deadline_with_the_storage_s_words,
    cut_and_ready_are_told_apart;
    alone: a_backup_outlives_a_restart_of_the_api_server
);

/// A bound claim with known bytes, and an SRE.
async fn prepared(cluster: &TestCluster) -> (Person, Volume) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    (cluster.person(User::Sre), volume)
}

async fn back_up(cluster: &TestCluster, sre: &Person) -> Ended {
    sre.run(&["backup", &format!("{}/data", cluster.namespace), "--yes"]).await
}

/// An order to the next create of a snapshot that is not a dry run.
fn on_create(fault: Fault) -> Order {
    Order::on(Method::POST, "/volumesnapshots", fault).without("dryRun=All").times(1)
}

/// Creates of snapshots that reached the proxy, dry runs aside.
fn creates(cluster: &TestCluster) -> usize {
    let create = |path: &str| path.contains("/volumesnapshots") && !path.contains("dryRun=All");
    cluster.proxy.came().iter().filter(|came| came.method == Method::POST && create(&came.path)).count()
}

async fn a_lost_answer_is_resolved_by_looking(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    cluster.proxy.order(on_create(Fault::LostAnswer));
    back_up(&cluster, &sre).await.expect(0);
    let story = sre.story();
    assert!(story.contains(&"outcomeUnknown".to_owned()), "{story:?}");
    assert_eq!(creates(&cluster), 1, "a write whose answer was lost is not repeated blindly");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_create_that_never_arrived_is_sent_again_after_looking(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    cluster.proxy.order(on_create(Fault::Cut));
    back_up(&cluster, &sre).await.expect(0);
    let story = sre.story();
    assert!(story.contains(&"outcomeUnknown".to_owned()), "{story:?}");
    assert_eq!(creates(&cluster), 2);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_busy_server_is_asked_again(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    for (code, retry) in [(429, Some(1)), (503, None), (500, None)] {
        cluster.proxy.order(on_create(Fault::Status(code, retry)));
    }
    back_up(&cluster, &sre).await.expect(0);
    assert_eq!(creates(&cluster), 4);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_refused_create_fails_and_leaves_nothing(cluster: TestCluster) {
    cluster.claim("data").await;
    for code in [403, 409] {
        let sre = cluster.person(User::Sre);
        cluster.proxy.order(on_create(Fault::Status(code, None)));
        let ended = back_up(&cluster, &sre).await.expect(1);
        assert!(ended.stderr.contains(&format!("ordered by the test: {code}")), "{ended:?}");
        let operation = sre.operation().await;
        assert_eq!(operation["state"], "failed", "{operation}");
        let record = format!("holdfast-{}", operation["id"].as_str().unwrap());
        let record = cluster.get("v1", "ConfigMap", &record).await.unwrap();
        assert_eq!(record["data"]["state"], "failed", "{record}");
    }
    assert_eq!(cluster.snapshots().await, [] as [Value; 0]);
}

async fn a_conflict_on_the_record_is_settled_by_looking(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    for fault in [Fault::Status(409, None), Fault::LostAnswer, Fault::Status(500, None)] {
        cluster.proxy.order(Order::on(Method::PUT, "/configmaps/holdfast-", fault).times(1));
    }
    back_up(&cluster, &sre).await.expect(0);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn without_its_record_nothing_is_done(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    cluster.proxy.order(Order::on(Method::POST, "/configmaps", Fault::Status(403, None)).times(1));
    let ended = back_up(&cluster, &sre).await.expect(3);
    assert!(ended.stderr.contains("record") && ended.stderr.contains("resume"), "{ended:?}");
    assert_eq!(cluster.snapshots().await, [] as [Value; 0]);
    let operation = sre.operation().await;
    assert_eq!(operation["state"], "interrupted", "{operation}");
    sre.run(&["operations", "resume", operation["id"].as_str().unwrap()]).await.expect(0);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_snapshot_that_fails_once_becomes_ready(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    cluster.storage_fault("data", StorageFault::ErrorOnce);
    back_up(&cluster, &sre).await.expect(0);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_snapshot_that_is_never_ready_fails_at_its_deadline(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    sre.configure("[deadlines]\nready = '3s'\n");
    cluster.storage_fault("data", StorageFault::NeverReady);
    let ended = back_up(&cluster, &sre).await.expect(1);
    assert!(ended.stderr.contains("not done within 3s"), "{ended:?}");
    assert!(sre.entries().iter().any(|entry| entry["body"]["what"] == "done" && entry["body"]["step"] == "cut"));
    let snapshots = cluster.snapshots().await;
    assert_eq!(snapshots.len(), 1, "what was cut is kept");
    assert_ne!(snapshots[0].pointer("/status/readyToUse"), Some(&Value::Bool(true)));
}

async fn a_snapshot_that_is_never_cut_fails_at_its_deadline_with_the_storage_s_words(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    sre.configure("[deadlines]\ncut = '6s'\n");
    cluster.storage_fault("data", StorageFault::ErrorAlways);
    let ended = back_up(&cluster, &sre).await.expect(1);
    for said in ["not done within 6s", "failed at cut", "reported meanwhile"] {
        assert!(ended.stderr.contains(said), "{said}: {ended:?}");
    }
}

async fn cut_and_ready_are_told_apart(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    cluster.storage_fault("data", StorageFault::ReadyAfter(Duration::from_secs(3)));
    let path = format!("{}/data", cluster.namespace);
    let mut running = sre.start(&["backup", &path, "--yes"]);
    wait::until("the cut to be journalled", LONG, async || is_done(&sre, "cut").then_some(())).await;
    assert!(!is_done(&sre, "ready"), "{:?}", sre.story());
    cluster.write(&volume, "rows", b"after the cut");
    assert!(running.wait().await.unwrap().success());
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

fn is_done(sre: &Person, step: &str) -> bool {
    // A line may be half written; the journal is there as soon as the operation is.
    let text = sre.journals().first().map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default();
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.into_iter().any(|entry| entry["body"]["what"] == "done" && entry["body"]["step"] == step)
}

async fn a_backup_outlives_a_restart_of_the_api_server(cluster: TestCluster) {
    let (sre, volume) = prepared(&cluster).await;
    // The storage is done before the server goes: a snapshotter that is cut off may take minutes to try again.
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::GET, "/volumesnapshots/", Fault::Hold(gate.clone())));
    let path = format!("{}/data", cluster.namespace);
    let mut running = sre.start(&["backup", &path, "--yes"]);
    wait::until("the snapshot to be ready, and the console to look", LONG, async || {
        let snapshots = cluster.snapshots().await;
        let ready = snapshots.first()?.pointer("/status/readyToUse") == Some(&Value::Bool(true));
        (ready && gate.arrived() > 0).then_some(())
    })
    .await;
    cluster.kill_server().await;
    cluster.proxy.clear();
    let before = cluster.proxy.came().len();
    gate.open();
    wait::until("the console to look again in vain", LONG, async || {
        let later = &cluster.proxy.came()[before..];
        later.iter().any(|came| came.path.contains("/volumesnapshots/") && came.status.is_none()).then_some(())
    })
    .await;
    cluster.start_server().await;
    assert!(running.wait().await.unwrap().success(), "{:?}", sre.story());
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}
