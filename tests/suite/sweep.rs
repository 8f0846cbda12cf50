//! What operations left behind goes when nobody will come for it, and nothing else does.

use serde_json::{Value, json};

use crate::backup::handle_of;
use crate::crash::kill_after;
use crate::in_place::Scene;
use crate::lease::SHORT;
use crate::support::cluster::{TestCluster, User};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::person::Person;
use crate::support::wait::{self, LONG};
use crate::support::{kubelet, scenarios};

scenarios!(
    what_a_dead_drill_left_goes_and_the_copy_stays,
    what_is_at_work_or_of_others_stays,
    what_an_ended_operation_left_goes_with_its_trial_volumes,
    a_former_volume_is_shown_when_its_time_is_over_and_goes_when_it_is_asked_for,
    an_auditor_reads_what_is_left_and_may_not_sweep,
);

/// A claim `data` with bytes in it and its snapshot `copy`.
async fn prepared(cluster: &TestCluster) -> (String, String) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before");
    let snapshot = cluster.snapshot("copy", "data").await;
    (handle_of(cluster, &snapshot).await, volume.driver)
}

/// A drill that was killed when its namespace and its import were there, and its id.
async fn dead_drill(cluster: &TestCluster, lines: usize) -> String {
    let sre = cluster.person(User::Sre);
    sre.configure(SHORT);
    kill_after(cluster, &sre, &["drill", &format!("{}/copy", cluster.namespace), "--yes"], lines).await;
    sre.operation().await["id"].as_str().unwrap().to_owned()
}

async fn scratch(cluster: &TestCluster, id: &str) -> Vec<Value> {
    let label = format!("holdfast.dev/drill={id}");
    let mut left = cluster.list_global("v1", "Namespace", &label).await;
    left.extend(cluster.list_global(SNAPSHOTS, "VolumeSnapshotContent", &label).await);
    left
}

/// The Lease of the drills of claim `data`.
async fn lease(cluster: &TestCluster) -> String {
    let claim = cluster.get("v1", "PersistentVolumeClaim", "data").await.unwrap();
    format!("holdfast-drill-{}", claim["metadata"]["uid"].as_str().unwrap())
}

/// Waits until the lock of the dead drill has run out.
async fn run_out(cluster: &TestCluster) {
    let name = lease(cluster).await;
    wait::until("the lock to run out", LONG, async || {
        let lease = cluster.get("coordination.k8s.io/v1", "Lease", &name).await?;
        let renewed: jiff::Timestamp = lease["spec"]["renewTime"].as_str()?.parse().ok()?;
        let holds = jiff::SignedDuration::from_secs(lease["spec"]["leaseDurationSeconds"].as_i64()?);
        (jiff::Timestamp::now().duration_since(renewed) > holds).then_some(())
    })
    .await;
}

fn sweep<'a>(cluster: &'a TestCluster, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["sweep", "-n", &cluster.namespace];
    words.extend(more);
    words
}

pub async fn what_a_dead_drill_left_goes_and_the_copy_stays(cluster: TestCluster) {
    let (handle, driver) = prepared(&cluster).await;
    let id = dead_drill(&cluster, 20).await;
    assert_eq!(scratch(&cluster, &id).await.len(), 2, "a namespace and a content");
    run_out(&cluster).await;
    let sre = cluster.person(User::Sre);
    sre.configure(SHORT);
    let shown = sre.run(&sweep(&cluster, &["--dry-run"])).await.expect(0);
    for said in
        ["goes", "Namespace holdfast-drill-", "VolumeSnapshotContent holdfast-drill-", "is gone: its lock ran out"]
    {
        assert!(shown.stdout.contains(said), "{said} is not in the plan: {}", shown.stdout);
    }
    assert_eq!(scratch(&cluster, &id).await.len(), 2, "a dry run deletes nothing");
    sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
    assert_eq!(scratch(&cluster, &id).await, Vec::<Value>::new());
    let snapshot = cluster.ready("copy").await;
    assert_eq!(handle_of(&cluster, &snapshot).await, handle);
    assert_eq!(cluster.read_snapshot(&driver, &handle, "rows").as_deref(), Some(&b"before"[..]));
    let again = sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
    assert!(again.stdout.contains("nothing is left behind"), "{again:?}");
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn what_is_at_work_or_of_others_stays(cluster: TestCluster) {
    prepared(&cluster).await;
    let id = dead_drill(&cluster, 20).await;
    let sre = cluster.person(User::Sre);
    // Its lock holds until it has run out, whether or not anybody is there.
    let lease = lease(&cluster).await;
    let held = json!({ "spec": { "leaseDurationSeconds": 3600 } });
    cluster.merge("coordination.k8s.io/v1", "Lease", &lease, &held).await;
    let refused = sre.run(&sweep(&cluster, &["--yes"])).await.expect(1);
    assert!(
        refused.stderr.contains("nothing may go") && refused.stderr.contains("its operation is at work"),
        "{refused:?}"
    );
    assert_eq!(scratch(&cluster, &id).await.len(), 2);
    let drill = sre.run(&["drill", &format!("{}/copy", cluster.namespace), "--yes"]).await.expect(1);
    assert!(drill.stderr.contains("another operation works on the same data"), "{drill:?}");
    let record = format!("holdfast-{id}");
    cluster.merge("v1", "ConfigMap", &record, &json!({ "data": { "state": "failed" } })).await;
    cluster.merge("coordination.k8s.io/v1", "Lease", &lease, &json!({ "spec": { "holderIdentity": null } })).await;
    sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
    assert_eq!(scratch(&cluster, &id).await, Vec::<Value>::new());
}

pub async fn what_an_ended_operation_left_goes_with_its_trial_volumes(cluster: TestCluster) {
    prepared(&cluster).await;
    let mut staged = manifests::claim(&cluster.namespace, "data-restore");
    staged["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "holdfast" });
    staged["metadata"]["annotations"] =
        json!({ "holdfast.dev/operation": "20200101-000000-0000000a", "holdfast.dev/step": "stage" });
    cluster.create(&staged).await;
    let volume = cluster.bound("data-restore").await;
    let mut trial = manifests::pod(&cluster.namespace, "data-trial", "data-restore");
    trial["metadata"]["labels"] = staged["metadata"]["labels"].clone();
    trial["metadata"]["annotations"] =
        json!({ "holdfast.dev/operation": "20200101-000000-0000000a", "holdfast.dev/step": "try" });
    cluster.create(&trial).await;
    let record = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "namespace": cluster.namespace, "name": "holdfast-20200101-000000-0000000a",
            "labels": {
                "app.kubernetes.io/managed-by": "holdfast", "holdfast.dev/operation": "20200101-000000-0000000a",
            },
        },
        "data": { "operation": "20200101-000000-0000000a", "state": "failed", "epoch": "1" },
    });
    cluster.create(&record).await;
    let sre = cluster.person(User::Sre);
    sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
    for (kind, name) in [("PersistentVolumeClaim", "data-restore"), ("Pod", "data-trial")] {
        assert!(cluster.get("v1", kind, name).await.is_none(), "{name}");
    }
    assert!(cluster.get("v1", "PersistentVolumeClaim", "data").await.is_some());
    wait::until("the trial volume to be gone", LONG, async || {
        let gone = cluster.get_global("v1", "PersistentVolume", &volume.handle).await;
        gone.is_none().then_some(())
    })
    .await;
}

pub async fn a_former_volume_is_shown_when_its_time_is_over_and_goes_when_it_is_asked_for(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let path = scene.path(&cluster);
    let former = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap()["spec"]["volumeName"].clone();
    let former = former.as_str().unwrap();
    scene.sre.run(&scene.command(&path, &[])).await.expect(0);
    let early = scene.sre.run(&sweep(&cluster, &["--former", "--yes"])).await.expect(1);
    assert!(early.stderr.contains("a former volume, kept until"), "{early:?}");
    let told = async |person: &Person| {
        let ended = person.run(&["get", "problems", "-n", &cluster.namespace, "-o", "json"]).await;
        ended.json().as_array().unwrap().iter().any(|problem| problem["name"] == former)
    };
    assert!(!told(&scene.sre).await, "it is kept, and nothing is wrong with that");

    let over = json!({ "metadata": { "annotations": { "holdfast.dev/keep-until": "2020-01-01T00:00:00Z" } } });
    cluster.merge_global("v1", "PersistentVolume", former, &over).await;
    assert!(told(&scene.sre).await, "its time is over");
    let nothing = scene.sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
    assert!(nothing.stdout.contains("nothing is left behind"), "never by itself: {nothing:?}");
    let uncounted = scene.sre.run(&sweep(&cluster, &["--former", "--yes"])).await.expect(1);
    assert!(uncounted.stderr.contains("--count 1"), "{uncounted:?}");
    assert!(cluster.get_global("v1", "PersistentVolume", former).await.is_some());
    scene.sre.run(&sweep(&cluster, &["--former", "--yes", "--count", "1"])).await.expect(0);
    assert!(cluster.get_global("v1", "PersistentVolume", former).await.is_none());
    assert_eq!(cluster.read(&scene.volume, "rows"), None, "its data is gone");
    assert!(scene.bytes(&cluster).await.is_some(), "the volume in use is not touched");
    assert!(!told(&scene.sre).await);
}

async fn an_auditor_reads_what_is_left_and_may_not_sweep(cluster: TestCluster) {
    prepared(&cluster).await;
    let _kubelet = kubelet::run(&cluster);
    let auditor = cluster.person(User::Auditor);
    let id = dead_drill(&cluster, 20).await;
    run_out(&cluster).await;
    let refused = auditor.run(&sweep(&cluster, &["--yes"])).await.expect(1);
    assert!(
        refused.stderr.contains("needs the right to") && refused.stderr.contains("delete namespaces"),
        "{refused:?}"
    );
    assert_eq!(scratch(&cluster, &id).await.len(), 2);
    assert!(auditor.journals().is_empty());
    let sre = cluster.person(User::Sre);
    sre.run(&sweep(&cluster, &["--yes"])).await.expect(0);
}
