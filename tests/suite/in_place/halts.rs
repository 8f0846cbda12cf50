//! What makes an in-place restore halt, each leaving everything as it was before.

use http::Method;
use rustix::process::Pid;
use serde_json::{Value, json};

use super::{NEW, Scene};
use crate::support::cluster::{StorageFault, TestCluster};
use crate::support::person::has;
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_pod_that_does_not_end_halts_it,
    an_attachment_that_lingers_halts_it,
    a_safety_snapshot_that_is_not_cut_halts_it,
    a_safety_snapshot_that_never_becomes_ready_halts_it,
    a_volume_that_is_made_without_its_source_halts_it_before_anything_stops,
    a_trial_that_is_lost_halts_it_before_anything_stops,
    a_finalizer_that_would_hold_the_claim_is_refused,
    asked_to_stop_it_takes_back_what_was_done,
);

pub(super) const HELD: &str = "test.example/held";

/// Runs it, expects it to fail with these words, and everything to be as it was.
async fn halts(cluster: &TestCluster, scene: &Scene, more: &[&str], said: &[&str]) {
    let path = scene.path(cluster);
    let before = scene.picture(cluster).await;
    let uid = uid_of(cluster, scene).await;
    let ended = scene.sre.run(&scene.command(&path, more)).await.expect(1);
    for said in said {
        assert!(ended.stderr.contains(said), "{said} is not said: {}", ended.stderr);
    }
    as_before(cluster, scene, &before, &uid).await;
    assert_eq!(scene.sre.operation().await["state"], "failed");
}

pub(super) async fn as_before(cluster: &TestCluster, scene: &Scene, before: &super::Picture, uid: &Value) {
    assert_eq!(scene.picture(cluster).await, *before);
    assert_eq!(uid_of(cluster, scene).await, *uid, "the claim was never deleted");
    assert_eq!(scene.bytes(cluster).await.as_deref(), Some(NEW));
}

pub(super) async fn uid_of(cluster: &TestCluster, scene: &Scene) -> Value {
    cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap()["metadata"]["uid"].clone()
}

async fn a_pod_that_does_not_end_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    cluster.merge("v1", "Pod", "db-0", &json!({ "metadata": { "finalizers": [HELD] } })).await;
    halts(&cluster, &scene, &["--stop-within", "3s"], &["failed at stopped", "still there: Pod db-0", HELD]).await;
    cluster.merge("v1", "Pod", "db-0", &json!({ "metadata": { "finalizers": null } })).await;
    scene.ready(&cluster).await;
}

async fn an_attachment_that_lingers_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let claim = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap();
    let volume = claim["spec"]["volumeName"].clone();
    let attachment = wait::until("the volume to be attached", LONG, async || {
        let attached = cluster.list_global("storage.k8s.io/v1", "VolumeAttachment", "").await;
        let of_it = |it: &Value| it["spec"]["source"]["persistentVolumeName"] == volume;
        attached.into_iter().find(|it| of_it(it) && it.pointer("/status/attached") == Some(&Value::Bool(true)))
    })
    .await;
    let name = attachment["metadata"]["name"].as_str().unwrap().to_owned();
    let mut held = attachment["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    held.push(HELD.into());
    let hold = json!({ "metadata": { "finalizers": held } });
    cluster.merge_global("storage.k8s.io/v1", "VolumeAttachment", &name, &hold).await;
    halts(&cluster, &scene, &["--detach-within", "5s"], &["failed at detached", "still there: VolumeAttachment"]).await;
    let now = cluster.get_global("storage.k8s.io/v1", "VolumeAttachment", &name).await.unwrap();
    let mut held = now["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    held.retain(|it| it != HELD);
    let free = json!({ "metadata": { "finalizers": held } });
    cluster.merge_global("storage.k8s.io/v1", "VolumeAttachment", &name, &free).await;
    scene.ready(&cluster).await;
}

async fn a_safety_snapshot_that_is_not_cut_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    cluster.storage_fault(&scene.claim, StorageFault::ErrorAlways);
    halts(&cluster, &scene, &["--cut-within", "4s"], &["failed at saved", "reported meanwhile"]).await;
    scene.ready(&cluster).await;
}

/// Cut is not enough: until it can be restored from, nothing is deleted.
async fn a_safety_snapshot_that_never_becomes_ready_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    cluster.storage_fault(&scene.claim, StorageFault::NeverReady);
    let said = ["failed at free", "snapshot.storage.kubernetes.io/pvc-as-source-protection"];
    halts(&cluster, &scene, &["--ready-within", "4s"], &said).await;
    scene.ready(&cluster).await;
}

/// An API server that does not know the source drops it, and the volume is empty.
async fn a_volume_that_is_made_without_its_source_halts_it_before_anything_stops(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let pod = cluster.get("v1", "Pod", "db-0").await.unwrap();
    let dropped = Fault::Drop(&["/spec/dataSource", "/spec/dataSourceRef"]);
    cluster.proxy.order(Order::on(Method::POST, "/persistentvolumeclaims", dropped).without("dryRun=All"));
    halts(&cluster, &scene, &[], &["failed at staged", "it would be empty"]).await;
    let same = cluster.get("v1", "Pod", "db-0").await.unwrap();
    assert_eq!(same["metadata"]["uid"], pod["metadata"]["uid"], "the pod never stopped");
}

async fn a_trial_that_is_lost_halts_it_before_anything_stops(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let pod = cluster.get("v1", "Pod", "db-0").await.unwrap();
    // The server takes the trial pod, and it is gone when somebody looks.
    let state = scene.sre.state();
    let trying = move || has(&state, "done", "try") && !has(&state, "failed", "mounted");
    cluster.proxy.order(Order::on(Method::GET, "/pods/", Fault::Status(404, None)).when(trying));
    halts(&cluster, &scene, &["--stage-within", "4s"], &["failed at mounted"]).await;
    cluster.proxy.clear();
    let same = cluster.get("v1", "Pod", "db-0").await.unwrap();
    assert_eq!(same["metadata"]["uid"], pod["metadata"]["uid"], "the pod never stopped");
}

async fn a_finalizer_that_would_hold_the_claim_is_refused(cluster: TestCluster) {
    let scene = Scene::deployment(&cluster, "web").await;
    let held = json!({ "metadata": { "finalizers": ["kubernetes.io/pvc-protection", HELD] } });
    cluster.merge("v1", "PersistentVolumeClaim", &scene.claim, &held).await;
    let path = scene.path(&cluster);
    let ended = scene.sre.run(&scene.command(&path, &[])).await.expect(1);
    assert!(ended.stderr.contains(HELD) && ended.stderr.contains("never stripped"), "{ended:?}");
    assert!(scene.sre.journals().is_empty());
    let free = json!({ "metadata": { "finalizers": ["kubernetes.io/pvc-protection"] } });
    cluster.merge("v1", "PersistentVolumeClaim", &scene.claim, &free).await;
}

async fn asked_to_stop_it_takes_back_what_was_done(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    cluster.storage_fault(&scene.claim, StorageFault::NeverReady);
    let (before, uid) = (scene.picture(&cluster).await, uid_of(&cluster, &scene).await);
    let path = scene.path(&cluster);
    let mut running = scene.sre.start(&scene.command(&path, &[]));
    wait::until("the application to stand still, and the copy to be cut", LONG, async || {
        has(&scene.sre.state(), "done", "saved").then_some(())
    })
    .await;
    let pid = Pid::from_raw(i32::try_from(running.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(running.wait().await.unwrap().code(), Some(1), "{:?}", scene.sre.story());
    as_before(&cluster, &scene, &before, &uid).await;
    scene.ready(&cluster).await;
    assert_eq!(scene.sre.operation().await["state"], "stopped");
}

/// Nodes are shared by all scenarios of the lab.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_halts_it() {
    let cluster = TestCluster::sim("a_node_that_does_not_answer").await;
    let scene = Scene::stateful_set(&cluster, "db").await;
    let pod = cluster.get("v1", "Pod", "db-0").await.unwrap();
    let node = pod["spec"]["nodeName"].as_str().unwrap();
    let ready = |status: &str| json!({ "status": { "conditions": [{ "type": "Ready", "status": status, "message": "kubelet stopped" }] } });
    cluster.merge_global_status("v1", "Node", node, &ready("Unknown")).await;
    halts(&cluster, &scene, &["--detach-within", "3s"], &["failed at node-0", "kubelet stopped"]).await;
}
