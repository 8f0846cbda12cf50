//! The data of a volume is wrong, or its claim is gone: it goes back to the newest copy from before the loss, under the
//! same name, and what was there is kept.

use serde_json::{Value, json};

use super::play::{Play, nothing_but_records};
use crate::backup::handle_of;
use crate::renew::pods;
use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::wait::{self, LONG};
use crate::support::{kubelet, scenarios};
use crate::vulnerable::another_second;

scenarios!(
    corrupted_data_goes_back_to_the_newest_copy_from_before_and_what_was_there_is_kept,
    a_claim_that_was_deleted_is_made_anew_from_its_copy,
    a_volume_without_a_copy_stops_it_before_anything_is_done,
);

const GOOD: &[u8] = b"orders until noon";
const BAD: &[u8] = b"orders unt\0\0\0\0\0\0\0";

/// A StatefulSet whose volume was copied while it was good, and lost since.
struct Scene {
    sre: Person,
    /// The copy from before.
    noon: String,
    volume: Volume,
    params: [String; 3],
}

impl Scene {
    async fn of(cluster: &TestCluster) -> Self {
        let here = &cluster.namespace;
        cluster.create(&manifests::stateful_set(here, "db", 1)).await;
        let volume = cluster.bound_when_made("data-db-0").await;
        pods(cluster, "db", 1).await;
        cluster.write(&volume, "rows", GOOD);
        let sre = cluster.person(User::Sre);
        sre.run(&["backup", &format!("{here}/data-db-0"), "--yes"]).await.expect(0);
        let noon = cluster.snapshots().await[0]["metadata"]["name"].as_str().unwrap().to_owned();
        another_second().await;
        let since = format!("since={}", jiff::Timestamp::now());
        another_second().await;
        let params = [format!("volume={here}/data-db-0"), format!("workload={here}/statefulset/db"), since];
        Self { sre, noon: format!("{here}/{noon}"), volume, params }
    }

    async fn begin(&self, loss: &str, answers: &[&str]) -> Play<'_> {
        let [volume, workload, since] = self.params.each_ref().map(String::as_str);
        Play::begin(&self.sre, "volume-lost", &[volume, workload, since, loss], answers).await
    }
}

async fn scale(cluster: &TestCluster, replicas: usize) {
    cluster.merge("apps/v1", "StatefulSet", "db", &json!({ "spec": { "replicas": replicas } })).await;
    pods(cluster, "db", replicas).await;
    wait::until("its pods to be as many", LONG, async || {
        (cluster.list("v1", "Pod").await.len() == replicas).then_some(())
    })
    .await;
}

fn pv_of(claim: &Value) -> String {
    claim["spec"]["volumeName"].as_str().unwrap().to_owned()
}

async fn bytes(cluster: &TestCluster, claim: &str) -> Option<Vec<u8>> {
    let volume = cluster.bound(claim).await;
    cluster.read(&volume, "rows")
}

/// The copy that was cut last holds these bytes.
async fn copied(cluster: &TestCluster, volume: &Volume, bytes: &[u8]) {
    let mut all = cluster.snapshots().await;
    all.sort_by_key(|one| one["metadata"]["creationTimestamp"].as_str().unwrap().to_owned());
    let handle = handle_of(cluster, all.last().unwrap()).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(bytes));
}

async fn corrupted_data_goes_back_to_the_newest_copy_from_before_and_what_was_there_is_kept(cluster: TestCluster) {
    let here = &cluster.namespace;
    let scene = Scene::of(&cluster).await;
    cluster.write(&scene.volume, "rows", BAD);
    cluster.snapshot("night", "data-db-0").await;
    let former = pv_of(&cluster.get("v1", "PersistentVolumeClaim", "data-db-0").await.unwrap());

    let mut play = scene.begin("loss=corrupted", &[]).await;
    play.waits_at("stop");
    let asked = format!("{}{}", play.last.stdout, play.last.stderr);
    assert!(asked.contains("If the claim is being deleted") && !asked.contains("claim is corrupted"), "{asked}");
    assert!(play.evidence("evidence").iter().any(|file| file.contains("Pod")), "it is kept before pods are stopped");
    scale(&cluster, 0).await;
    play.resume(&["--note", "stopped", "--answer", "keep=its disk is there"]).await;
    play.waits_at("point");
    // The one that was cut of the damaged data is offered, and is not what is recommended.
    let offered = format!("{}{}", play.last.stdout, play.last.stderr);
    let recommended: Vec<&str> = offered.lines().filter(|line| line.contains("(recommended)")).collect();
    assert!(recommended.len() == 1 && recommended[0].contains(&scene.noon), "{offered}");
    assert!(offered.contains(&format!("{here}/night")), "{offered}");
    for copy in cluster.snapshots().await {
        assert!(copy["metadata"]["annotations"]["holdfast.dev/hold"].is_string(), "{copy:#}");
    }

    let _kubelet = kubelet::run(&cluster);
    play.resume(&["--choose", &scene.noon]).await;
    play.waits_at("data");
    assert_eq!(bytes(&cluster, "data-db-0-back").await.as_deref(), Some(GOOD), "it is there to be looked at");
    assert_eq!(bytes(&cluster, "data-db-0").await.as_deref(), Some(BAD), "nothing was given up yet");
    play.resume(&["--note", "the newest row is of 11:59"]).await;
    play.waits_at("agree");
    play.approved_by_a_colleague(&cluster, &[]).await;
    play.waits_at("start");
    scale(&cluster, 1).await;
    assert_eq!(bytes(&cluster, "data-db-0").await.as_deref(), Some(GOOD));
    play.resume(&["--note", "serves since 14:00"]).await;
    play.waits_at("report");
    let asked = format!("{}{}", play.last.stdout, play.last.stderr);
    assert!(asked.contains(&format!("holdfast runbook export {}", play.id)), "{asked}");
    play.resume(&["--note", "the disk controller"]).await;
    let told = play.done(&cluster).await;
    let chosen = told["steps"].as_array().unwrap().iter().find(|step| step["step"] == "point").unwrap();
    let seen = chosen["seen"].as_str().unwrap();
    assert!(seen.contains(" · cut 20") && seen.contains(" UTC · ") && seen.contains("of data-db-0"), "{seen}");
    assert!(seen.contains("never proven") && !seen.contains("· -"), "what is nothing is left out or said: {seen}");

    copied(&cluster, &scene.volume, GOOD).await;
    let kept = cluster.get_global("v1", "PersistentVolume", &former).await.unwrap();
    assert_eq!(kept["spec"]["persistentVolumeReclaimPolicy"], "Retain", "{kept:#}");
    assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(BAD), "what was there is kept");
}

async fn a_claim_that_was_deleted_is_made_anew_from_its_copy(cluster: TestCluster) {
    let scene = Scene::of(&cluster).await;
    let former = pv_of(&cluster.get("v1", "PersistentVolumeClaim", "data-db-0").await.unwrap());
    scale(&cluster, 0).await;
    cluster.delete("v1", "PersistentVolumeClaim", "data-db-0").await;
    wait::until("claim and disk to be gone", LONG, async || {
        cluster.get_global("v1", "PersistentVolume", &former).await.is_none().then_some(())
    })
    .await;

    let _kubelet = kubelet::run(&cluster);
    let noon = format!("point={}", scene.noon);
    let answers = ["stop=is stopped", "keep=the disk is gone", &*noon, "data=the newest row is of 11:59"];
    let mut play = scene.begin("loss=deleted", &answers).await;
    play.waits_at("agree");
    play.approved_by_a_colleague(&cluster, &[]).await;
    play.waits_at("start");
    let claim = cluster.get("v1", "PersistentVolumeClaim", "data-db-0").await.expect("it is made anew");
    let uid = claim["metadata"]["uid"].clone();
    scale(&cluster, 1).await;
    let claim = cluster.get("v1", "PersistentVolumeClaim", "data-db-0").await.unwrap();
    assert_eq!(claim["metadata"]["uid"], uid, "the StatefulSet runs on the one that was restored");
    assert_eq!(bytes(&cluster, "data-db-0").await.as_deref(), Some(GOOD));
    play.resume(&["--note", "serves since 14:00", "--answer", "report=a script with a wrong label"]).await;
    let told = play.done(&cluster).await;
    assert!(told.to_string().contains("expected at least one"), "that the swap was not for now is told: {told:#}");
    copied(&cluster, &scene.volume, GOOD).await;
}

async fn a_volume_without_a_copy_stops_it_before_anything_is_done(cluster: TestCluster) {
    let here = &cluster.namespace;
    // A neighbour whose name begins alike has copies.
    cluster.create(&manifests::stateful_set(here, "db", 1)).await;
    pods(&cluster, "db", 1).await;
    cluster.claim("data-db-00").await;
    cluster.snapshot("noon", "data-db-00").await;
    let (sre, from) = (cluster.person(User::Sre), cluster.audit().len());
    let params = [format!("volume={here}/data-db-0"), format!("workload={here}/statefulset/db")];
    let now = jiff::Timestamp::now();
    let (since, to_come) = (format!("since={now}"), format!("since={}", now + jiff::SignedDuration::from_hours(1)));
    let begun = |since: &str| {
        ["runbook", "run", "volume-lost", "-p", &params[0], "-p", &params[1], "-p", since].map(str::to_owned)
    };
    let words = begun(&to_come);
    let refused = sre.run(&words.each_ref().map(String::as_str)).await.expect(2);
    assert!(refused.stderr.contains("is in the future"), "{refused:?}");
    let play = Play::begin(&sre, "volume-lost", &[&params[0], &params[1], &since], &[]).await;
    play.failed_at("copies", "0 of the restore-points match");
    nothing_but_records(&cluster, User::Sre, from);
}
