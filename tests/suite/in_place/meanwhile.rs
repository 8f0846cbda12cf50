//! What others do while an in-place restore runs: they start the application again, make its claim before the restore
//! does, or hold it. Nothing goes that should stay, and nothing of theirs is touched.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::halts::{HELD, as_before, uid_of};
use super::{NEW, OLD, Scene};
use crate::support::cluster::{StorageFault, TestCluster};
use crate::support::manifests;
use crate::support::person::{Ended, has};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_pod_that_comes_meanwhile_halts_it,
    a_workload_that_is_started_meanwhile_halts_it,
    a_cron_job_stands_still_meanwhile_and_goes_on_afterwards,
    a_claim_that_a_set_makes_first_is_left_alone_and_the_way_back_waits_for_it,
    a_finalizer_that_comes_meanwhile_halts_it,
    a_claim_that_is_held_while_it_goes_is_waited_for,
);

/// Runs a restore, and once a step is seen done, something else; the storage takes its time with the safety snapshot,
/// so that there is time for it.
async fn run_and(cluster: &TestCluster, scene: &Scene, more: &[&str], after: &str, what: impl AsyncFnOnce()) -> Ended {
    cluster.storage_fault(&scene.claim, StorageFault::ReadyAfter(Duration::from_secs(4)));
    let path = scene.path(cluster);
    let arguments = scene.command(&path, more);
    let meanwhile = async {
        let done = async || has(&scene.sre.state(), "done", after).then_some(());
        wait::until("the step to be done", LONG, done).await;
        what().await;
    };
    let (ended, ()) = tokio::join!(scene.sre.run(&arguments), meanwhile);
    ended
}

/// As a CronJob or a colleague would bring one.
async fn a_pod_that_comes_meanwhile_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let (before, uid) = (scene.picture(&cluster).await, uid_of(&cluster, &scene).await);
    let stray = manifests::pod(&cluster.namespace, "stray", &scene.claim);
    let ended = run_and(&cluster, &scene, &[], "saved", async || drop(cluster.create(&stray).await)).await.expect(1);
    assert!(ended.stderr.contains("failed at unused") && ended.stderr.contains("Pod stray"), "{ended:?}");
    as_before(&cluster, &scene, &before, &uid).await;
    scene.ready(&cluster).await;
}

/// As Argo CD, KEDA or an autoscaler does that nobody knew of.
async fn a_workload_that_is_started_meanwhile_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let (before, uid) = (scene.picture(&cluster).await, uid_of(&cluster, &scene).await);
    let start = json!({ "spec": { "replicas": 1 } });
    let ended = run_and(&cluster, &scene, &[], "saved", async || {
        cluster.merge("apps/v1", "StatefulSet", "db", &start).await;
    })
    .await
    .expect(1);
    assert!(ended.stderr.contains("failed at unused") || ended.stderr.contains("failed at delete"), "{ended:?}");
    as_before(&cluster, &scene, &before, &uid).await;
    scene.ready(&cluster).await;
}

pub async fn a_cron_job_stands_still_meanwhile_and_goes_on_afterwards(cluster: TestCluster) {
    let scene = Scene::deployment(&cluster, "web").await;
    cluster.create(&manifests::cron_job(&cluster.namespace, "nightly", &scene.claim)).await;
    let suspended = async || {
        let job = cluster.get("batch/v1", "CronJob", "nightly").await.unwrap();
        job.pointer("/spec/suspend") == Some(&Value::Bool(true))
    };
    let path = scene.path(&cluster);
    for (code, fault) in [(1, Some(Fault::Status(403, None))), (0, None)] {
        let gate = Gate::shut();
        cluster.proxy.order(Order::on(Method::PATCH, "/scale", Fault::Hold(gate.clone())).times(1));
        if let Some(fault) = fault {
            let state = scene.sre.state();
            let due = move || has(&state, "intent", "save");
            cluster.proxy.order(Order::on(Method::POST, "/volumesnapshots", fault).without("dryRun=All").when(due));
        }
        let arguments = scene.command(&path, &[]);
        let looked = async {
            wait::until("the workload to be stopped", LONG, async || (gate.arrived() == 1).then_some(())).await;
            assert!(suspended().await, "it runs while nothing may");
            gate.open();
        };
        let (ended, ()) = tokio::join!(scene.sre.run(&arguments), looked);
        ended.expect(code);
        assert!(!suspended().await, "it goes on, whatever came of the restore");
        scene.ready(&cluster).await;
        cluster.proxy.clear();
    }
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(OLD));
}

/// A StatefulSet that is started makes the claim that it misses, and whoever finds a volume that is reserved for a
/// claim of this name gives it to that one.
async fn a_claim_that_a_set_makes_first_is_left_alone_and_the_way_back_waits_for_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let before = scene.picture(&cluster).await;
    let (gate, state) = (Gate::shut(), scene.sre.state());
    let reserved = move || has(&state, "done", "reserve");
    let create = Order::on(Method::POST, "/persistentvolumeclaims", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(create.when(reserved).times(1));
    let path = scene.path(&cluster);
    let arguments = scene.command(&path, &["--stop-within", "10s"]);
    let started = async {
        wait::until("the claim to be made anew", LONG, async || (gate.arrived() == 1).then_some(())).await;
        cluster.merge("apps/v1", "StatefulSet", "db", &json!({ "spec": { "replicas": 1 } })).await;
        cluster.bound_when_made(&scene.claim).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(scene.sre.run(&arguments), started);
    let ended = ended.expect(3);
    assert!(ended.stderr.contains("taking back what was done is held up"), "{ended:?}");
    assert!(ended.stderr.contains(&scene.claim), "{ended:?}");
    let theirs = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap();
    assert!(theirs["metadata"]["annotations"].get("holdfast.dev/operation").is_none(), "{theirs}");
    assert_eq!(theirs["status"]["phase"], "Bound", "nobody takes a volume from under a pod: {theirs}");
    assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "the former volume is kept");
    let operation = scene.sre.operation().await;
    assert_eq!(operation["state"], "interrupted", "{operation}");

    // Somebody stops the set and deletes what it made.
    cluster.merge("apps/v1", "StatefulSet", "db", &json!({ "spec": { "replicas": 0 } })).await;
    cluster.delete("v1", "PersistentVolumeClaim", &scene.claim).await;
    wait::until("the other claim to be gone", LONG, async || {
        cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.is_none().then_some(())
    })
    .await;
    scene.sre.run(&["operations", "resume", operation["id"].as_str().unwrap()]).await.expect(1);
    scene.ready(&cluster).await;
    assert_eq!(scene.picture(&cluster).await, before);
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(NEW));
}

async fn a_finalizer_that_comes_meanwhile_halts_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let (before, uid) = (scene.picture(&cluster).await, uid_of(&cluster, &scene).await);
    let ended = run_and(&cluster, &scene, &["--ready-within", "8s"], "saved", async || {
        hold(&cluster, &scene.claim).await;
    })
    .await
    .expect(1);
    assert!(ended.stderr.contains("failed at free") && ended.stderr.contains(HELD), "{ended:?}");
    as_before(&cluster, &scene, &before, &uid).await;
    let_go(&cluster, &scene.claim).await;
    scene.ready(&cluster).await;
}

/// The finalizer comes when the deletion is under way: it is never stripped, and who set it takes it away.
async fn a_claim_that_is_held_while_it_goes_is_waited_for(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let (gate, state) = (Gate::shut(), scene.sre.state());
    let deleting = move || has(&state, "intent", "delete");
    let delete = Order::on(Method::DELETE, "/persistentvolumeclaims/", Fault::Hold(gate.clone()));
    cluster.proxy.order(delete.when(deleting).times(1));
    let path = scene.path(&cluster);
    let arguments = scene.command(&path, &[]);
    let held = async {
        wait::until("the deletion to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
        hold(&cluster, &scene.claim).await;
        gate.open();
        wait::until("the claim to be on its way out", LONG, async || {
            let claim = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await?;
            claim["metadata"].get("deletionTimestamp").map(drop)
        })
        .await;
        // It has to be seen held: twice read, the second time surely after the deletion was answered.
        let place = format!("/persistentvolumeclaims/{}", scene.claim);
        let reads =
            || cluster.audit().iter().filter(|event| event.verb == "get" && event.path.ends_with(&place)).count();
        let before = reads();
        wait::until("the console to look at the claim", LONG, async || (reads() > before + 3).then_some(())).await;
        let_go(&cluster, &scene.claim).await;
    };
    let (ended, ()) = tokio::join!(scene.sre.run(&arguments), held);
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("waits for its finalizers") && ended.stderr.contains(HELD), "{ended:?}");
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(OLD));
    assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "the former volume is kept");
}

/// Sets a finalizer that is nobody's.
async fn hold(cluster: &TestCluster, claim: &str) {
    finalizers(cluster, claim, |held| held.push(HELD.into())).await;
}

/// Takes it away.
async fn let_go(cluster: &TestCluster, claim: &str) {
    finalizers(cluster, claim, |held| held.retain(|it| it != HELD)).await;
}

async fn finalizers(cluster: &TestCluster, claim: &str, change: impl Fn(&mut Vec<Value>)) {
    let now = cluster.get("v1", "PersistentVolumeClaim", claim).await.unwrap();
    let mut held = now["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    change(&mut held);
    cluster.merge("v1", "PersistentVolumeClaim", claim, &json!({ "metadata": { "finalizers": held } })).await;
}
