//! A claim gets the data of a restore point under its own name, and whatever goes wrong on the way leaves it as it was.

mod answers;
mod halts;
pub mod meanwhile;

use http::Method;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::person::{self, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_stateful_set_runs_on_the_bytes_of_the_cut_and_the_way_back_brings_the_newer_ones,
    a_deployment_runs_on_the_bytes_of_the_cut,
    a_dry_run_says_what_stops_and_what_is_lost_and_changes_nothing,
    an_auditor_is_refused_with_every_right_that_is_missing,
    one_member_of_several_is_refused_unless_somebody_attests_that_they_do_not_replicate,
    of_two_consoles_that_restore_in_place_the_second_is_told_who_is_at_it,
    killed_before_it_tidied_up_it_can_be_taken_back_whole,
);

const OLD: &[u8] = b"before the cut";
const NEW: &[u8] = b"after the cut";

/// A workload with one volume: cut with [`OLD`] in it, now with [`NEW`].
pub struct Scene {
    pub sre: Person,
    /// Kind and name of the workload.
    pub workload: (&'static str, String),
    pub claim: String,
    pub snapshot: String,
    pub volume: Volume,
}

/// What must be the same again after an operation was taken back.
#[derive(Debug, PartialEq)]
pub struct Picture {
    replicas: Value,
    claim: Value,
    labels: Value,
    reclaim: Value,
    handle: Value,
    others: usize,
}

impl Scene {
    pub async fn stateful_set(cluster: &TestCluster, name: &str) -> Self {
        cluster.create(&manifests::stateful_set(&cluster.namespace, name, 1)).await;
        Self::of(cluster, ("StatefulSet", name.to_owned()), format!("data-{name}-0")).await
    }

    pub async fn deployment(cluster: &TestCluster, name: &str) -> Self {
        let claim = format!("{name}-data");
        cluster.create(&manifests::claim(&cluster.namespace, &claim)).await;
        cluster.create(&manifests::deployment(&cluster.namespace, name, &claim)).await;
        Self::of(cluster, ("Deployment", name.to_owned()), claim).await
    }

    async fn of(cluster: &TestCluster, workload: (&'static str, String), claim: String) -> Self {
        let volume = cluster.bound_when_made(&claim).await;
        ready(cluster, &workload).await;
        cluster.write(&volume, "rows", OLD);
        let snapshot = format!("copy-of-{claim}");
        cluster.create(&manifests::snapshot(&cluster.namespace, &snapshot, &claim)).await;
        wait::until("the restore point to be ready", LONG, async || {
            let found = cluster.get(SNAPSHOTS, "VolumeSnapshot", &snapshot).await?;
            (found.pointer("/status/readyToUse") == Some(&Value::Bool(true))).then_some(())
        })
        .await;
        wait::until("nothing but its pod to hold the claim", LONG, async || {
            let found = cluster.get("v1", "PersistentVolumeClaim", &claim).await?;
            (found["metadata"]["finalizers"] == json!(["kubernetes.io/pvc-protection"])).then_some(())
        })
        .await;
        cluster.write(&volume, "rows", NEW);
        Self { sre: cluster.person(User::Sre), workload, claim, snapshot, volume }
    }

    /// `restore-in-place` with short deadlines.
    pub fn command<'a>(&'a self, path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["restore-in-place", path, "--from", &self.snapshot, "--yes"];
        words.extend(more);
        words
    }

    pub fn path(&self, cluster: &TestCluster) -> String {
        format!("{}/{}", cluster.namespace, self.claim)
    }

    pub async fn picture(&self, cluster: &TestCluster) -> Picture {
        let (kind, name) = &self.workload;
        let workload = cluster.get("apps/v1", kind, name).await.unwrap();
        let claim = cluster.get("v1", "PersistentVolumeClaim", &self.claim).await.unwrap();
        let volume = claim["spec"]["volumeName"].as_str().unwrap();
        let volume = cluster.get_global("v1", "PersistentVolume", volume).await.unwrap();
        let claims = cluster.list("v1", "PersistentVolumeClaim").await;
        let beside = claims.iter().filter(|other| {
            let name = other["metadata"]["name"].as_str().unwrap();
            name.starts_with(&self.claim) && name != self.claim
        });
        Picture {
            replicas: workload["spec"]["replicas"].clone(),
            claim: claim["spec"].clone(),
            labels: claim["metadata"]["labels"].clone(),
            reclaim: volume["spec"]["persistentVolumeReclaimPolicy"].clone(),
            handle: volume["spec"]["csi"]["volumeHandle"].clone(),
            others: beside.count(),
        }
    }

    /// The bytes that the claim holds now.
    pub async fn bytes(&self, cluster: &TestCluster) -> Option<Vec<u8>> {
        let volume = cluster.bound(&self.claim).await;
        cluster.read(&volume, "rows")
    }

    pub async fn ready(&self, cluster: &TestCluster) {
        ready(cluster, &self.workload).await;
    }
}

async fn ready(cluster: &TestCluster, (kind, name): &(&'static str, String)) {
    wait::until("the workload to be ready", LONG, async || {
        let found = cluster.get("apps/v1", kind, name).await?;
        (found.pointer("/status/readyReplicas") == Some(&json!(1))).then_some(())
    })
    .await;
}

pub async fn a_stateful_set_runs_on_the_bytes_of_the_cut_and_the_way_back_brings_the_newer_ones(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    restored_and_taken_back(&cluster, &scene).await;
}

pub async fn a_deployment_runs_on_the_bytes_of_the_cut(cluster: TestCluster) {
    let scene = Scene::deployment(&cluster, "web").await;
    restored_and_taken_back(&cluster, &scene).await;
}

async fn restored_and_taken_back(cluster: &TestCluster, scene: &Scene) {
    let path = scene.path(cluster);
    let before = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap();
    let picture = scene.picture(cluster).await;
    scene.sre.run(&scene.command(&path, &[])).await.expect(0);

    assert_eq!(scene.bytes(cluster).await.as_deref(), Some(OLD), "the claim holds the bytes of the cut");
    scene.ready(cluster).await;
    let after = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap();
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["annotations"]["holdfast.dev/lineage"], before["metadata"]["uid"], "{after}");
    let now = scene.picture(cluster).await;
    assert_eq!(
        (&now.labels, &now.replicas, &now.reclaim, now.others),
        (&picture.labels, &picture.replicas, &picture.reclaim, 0)
    );

    // What was there is kept twice.
    assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "the former volume is kept");
    let former = before["spec"]["volumeName"].as_str().unwrap();
    let kept = cluster.get_global("v1", "PersistentVolume", former).await.unwrap();
    assert_eq!(
        (&kept["status"]["phase"], &kept["spec"]["persistentVolumeReclaimPolicy"]),
        (&json!("Released"), &json!("Retain"))
    );
    assert!(kept["metadata"]["annotations"]["holdfast.dev/keep-until"].is_string(), "{kept}");
    let safety = cluster.snapshots().await.into_iter().find(|snapshot| {
        snapshot["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&format!("{}-before-", scene.claim)))
    });
    let handle = crate::backup::handle_of(cluster, &safety.expect("a safety snapshot")).await;
    assert_eq!(cluster.read_snapshot(&scene.volume.driver, &handle, "rows").as_deref(), Some(NEW));

    // The history goes on under the new claim.
    let points =
        scene.sre.run(&["get", "restore-points", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    let of_it = points.as_array().unwrap().iter().filter(|point| point.to_string().contains(&scene.claim)).count();
    assert!(of_it >= 2, "{points:#}");

    // Taking it back is the same verb with the volume that was kept, or the undo of its operation.
    let operation = scene.sre.operation().await;
    let undo = match scene.workload.0 {
        "Deployment" => vec!["operations", "undo", operation["id"].as_str().unwrap(), "--yes"],
        _ => vec!["restore-in-place", &path, "--from-volume", former, "--yes"],
    };
    scene.sre.run(&undo).await.expect(0);
    assert_eq!(scene.bytes(cluster).await.as_deref(), Some(NEW), "the newer bytes are back");
    scene.ready(cluster).await;
    let again = cluster.get("v1", "PersistentVolumeClaim", &scene.claim).await.unwrap();
    assert_eq!(again["metadata"]["annotations"]["holdfast.dev/lineage"], before["metadata"]["uid"], "{again}");
    let back = scene.picture(cluster).await;
    assert_eq!((&back.handle, &back.reclaim, &back.replicas), (&picture.handle, &picture.reclaim, &picture.replicas));
}

async fn a_dry_run_says_what_stops_and_what_is_lost_and_changes_nothing(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let path = scene.path(&cluster);
    let before = scene.picture(&cluster).await;
    let ended = scene.sre.run(&["restore-in-place", &path, "--from", &scene.snapshot, "--dry-run"]).await.expect(0);
    for said in [
        "stops StatefulSet",
        "pods that end: db-0",
        "it stands still from step",
        "what was written since leaves the live volume",
        "--from-volume",
        "taken back in reverse order",
        "the API server would accept it",
    ] {
        assert!(ended.stdout.contains(said), "{said} is not in the review: {}", ended.stdout);
    }
    assert_eq!(scene.picture(&cluster).await, before);
    assert!(scene.sre.journals().is_empty());
}

async fn an_auditor_is_refused_with_every_right_that_is_missing(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let path = scene.path(&cluster);
    let ended = cluster.person(User::Auditor).run(&scene.command(&path, &[])).await.expect(1);
    for right in [
        "create persistentvolumeclaims",
        "delete persistentvolumeclaims",
        "create pods",
        "delete pods",
        "patch persistentvolumes",
        "patch volumesnapshotcontents",
        "create volumesnapshots",
        "patch statefulsets.apps/scale",
        "create configmaps",
    ] {
        assert!(ended.stderr.contains(right), "{right} is not named: {}", ended.stderr);
    }
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(NEW));
}

async fn one_member_of_several_is_refused_unless_somebody_attests_that_they_do_not_replicate(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    cluster.merge("apps/v1", "StatefulSet", "db", &json!({ "spec": { "replicas": 2 } })).await;
    cluster.bound_when_made("data-db-1").await;
    let path = scene.path(&cluster);
    let mut asked = scene.command(&path, &[]);
    asked.retain(|word| *word != "--yes");
    asked.push("--dry-run");
    let ended = scene.sre.run(&asked).await.expect(1);
    assert!(ended.stderr.contains("one of 2 members of StatefulSet db"), "{ended:?}");
    asked.push("--not-replicated");
    let ended = scene.sre.run(&asked).await.expect(0);
    assert!(ended.stdout.contains("(2 replicas)"), "{ended:?}");
}

async fn of_two_consoles_that_restore_in_place_the_second_is_told_who_is_at_it(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let (path, second) = (scene.path(&cluster), cluster.person(User::Sre));
    let gate = Gate::shut();
    let staging = Order::on(Method::POST, "/persistentvolumeclaims", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(staging.times(1));
    let mut running = scene.sre.start(&scene.command(&path, &[]));
    wait::until("the first to stage a volume", LONG, async || (gate.arrived() == 1).then_some(())).await;
    let id = scene.sre.operation().await["id"].as_str().unwrap().to_owned();

    for command in [scene.command(&path, &[]), vec!["backup", &path, "--yes"]] {
        let refused = second.run(&command).await.expect(1);
        for said in [&*id, "of sre on ", "its lock holds until "] {
            assert!(refused.stderr.contains(said), "{said} is not said: {refused:?}");
        }
    }
    assert!(second.journals().is_empty(), "it is refused before it becomes an operation");

    gate.open();
    assert!(running.wait().await.unwrap().success());
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(OLD));
}

/// The application runs on the restored data: nothing is taken back by stopping, and everything by undoing.
async fn killed_before_it_tidied_up_it_can_be_taken_back_whole(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let before = scene.picture(&cluster).await;
    let (gate, state) = (Gate::shut(), scene.sre.state());
    let settled = move || person::has(&state, "done", "ours");
    let order = Order::on(Method::PATCH, "/persistentvolumes/", Fault::Hold(gate.clone()));
    cluster.proxy.order(order.when(settled));
    let path = scene.path(&cluster);
    let mut running = scene.sre.start(&scene.command(&path, &[]));
    wait::until("the application to run again", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();

    let id = scene.sre.operation().await["id"].as_str().unwrap().to_owned();
    scene.sre.run(&["operations", "stop", &id]).await.expect(0);
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(OLD));
    assert_eq!(scene.picture(&cluster).await.reclaim, "Retain", "until somebody says otherwise");
    scene.sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
    scene.ready(&cluster).await;
    assert_eq!(scene.picture(&cluster).await, before);
    assert_eq!(scene.bytes(&cluster).await.as_deref(), Some(NEW));
}
