//! Data is being encrypted: the copies outlive their objects, the workload is cut off, evidence and a forensic set are
//! held, and the last good copy is proven clean.

use holdfast::text::sha256;
use serde_json::{Value, json};

use super::play::{Play, nothing_but_records};
use crate::backup::handle_of;
use crate::renew::pods;
use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::{kubelet, scenarios};
use crate::vulnerable::another_second;

scenarios!(
    copies_outlive_an_attacker_and_what_is_encrypted_is_kept_as_evidence,
    a_workload_that_uses_no_volume_of_the_namespace_stops_it_before_anything_is_done,
);

const GOOD: &[u8] = b"orders of a good day";
const BAD: &[u8] = b"\x9f\x12 not yours any more";

fn cron_job(namespace: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "namespace": namespace, "name": "holdfast-prune" },
        "spec": { "schedule": "0 0 29 2 *", "jobTemplate": { "spec": { "template": { "spec": {
            "restartPolicy": "Never", "containers": [{ "name": "prune", "image": "registry.example/holdfast:1" }],
        } } } } },
    })
}

/// The content of a copy, and its bytes in storage.
async fn kept(cluster: &TestCluster, volume: &Volume, name: &str) -> (Value, Option<Vec<u8>>) {
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await.unwrap();
    assert!(snapshot["metadata"]["annotations"]["holdfast.dev/hold"].is_string(), "{name} is not held: {snapshot:#}");
    let content = snapshot["status"]["boundVolumeSnapshotContentName"].as_str().unwrap().to_owned();
    let content = cluster.get_global(SNAPSHOTS, "VolumeSnapshotContent", &content).await.unwrap();
    assert_eq!(content["spec"]["deletionPolicy"], "Retain", "{name}");
    let handle = handle_of(cluster, &snapshot).await;
    (content, cluster.read_snapshot(&volume.driver, &handle, "rows"))
}

async fn copies_outlive_an_attacker_and_what_is_encrypted_is_kept_as_evidence(cluster: TestCluster) {
    let here = &cluster.namespace;
    cluster.create(&manifests::stateful_set(here, "db", 1)).await;
    cluster.create(&cron_job(here)).await;
    let volume = cluster.bound_when_made("data-db-0").await;
    pods(&cluster, "db", 1).await;
    let sre = cluster.person(User::Sre);
    cluster.write(&volume, "rows", GOOD);
    cluster.snapshot("monday", "data-db-0").await;
    another_second().await;
    cluster.snapshot("tuesday", "data-db-0").await;
    cluster.write(&volume, "rows", BAD);

    let (space, workload) = (format!("namespace={here}"), format!("workload={here}/statefulset/db"));
    let answers = ["contained=nc runs into its timeout", "accounts=backup-bot cannot delete any more", "away=done"];
    let mut play = Play::begin(&sre, "ransomware-suspected", &[&space, &workload], &answers).await;
    play.waits_at("pruning");
    cluster.merge("batch/v1", "CronJob", "holdfast-prune", &json!({ "spec": { "suspend": true } })).await;
    play.resume(&["--note", "suspended holdfast-prune"]).await;
    play.waits_at("volumes");
    for copy in ["monday", "tuesday"] {
        assert_eq!(kept(&cluster, &volume, copy).await.1.as_deref(), Some(GOOD), "{copy}");
    }
    // Whoever prunes by the rules of retention keeps them from now on.
    let path = format!("{here}/data-db-0");
    cluster.person(User::Colleague).run(&["prune", &path, "--keep-last", "1", "--yes"]).await;
    assert_eq!(cluster.snapshots().await.len(), 2);
    let claim = cluster.get("v1", "PersistentVolumeClaim", "data-db-0").await.unwrap();
    let pv = claim["spec"]["volumeName"].as_str().unwrap();
    let retain = json!({ "spec": { "persistentVolumeReclaimPolicy": "Retain" } });
    cluster.merge_global("v1", "PersistentVolume", pv, &retain).await;
    play.resume(&[&["--note", "the disk stays"], &*answers.map(|answer| ["--answer", answer]).concat()].concat()).await;

    play.waits_at("first");
    let policies = cluster.list("networking.k8s.io/v1", "NetworkPolicy").await;
    let [policy] = policies.as_slice() else { panic!("{policies:?}") };
    assert_eq!(policy["spec"]["podSelector"]["matchLabels"], json!({ "app": "db" }));
    let copies = cluster.snapshots().await;
    let names: Vec<&str> = copies.iter().map(|copy| copy["metadata"]["name"].as_str().unwrap()).collect();
    let [forensic] = names.iter().filter(|name| !["monday", "tuesday"].contains(name)).collect::<Vec<_>>()[..] else {
        panic!("one forensic copy: {names:?}")
    };
    assert_eq!(kept(&cluster, &volume, forensic).await.1.as_deref(), Some(BAD), "evidence is what is there now");
    let files = [play.evidence("evidence"), play.evidence("space")].concat();
    assert!(files.iter().any(|file| file.starts_with("images")), "{files:?}");
    for file in ["object-StatefulSet-", "objects-CronJob.json", "objects-PersistentVolumeClaim.json", "events.json"] {
        assert!(files.iter().any(|one| one.starts_with(file)), "{file}: {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains("Secret")), "{files:?}");

    let _kubelet = kubelet::run(&cluster);
    let tuesday = format!("{here}/tuesday");
    play.resume(&["--choose", &tuesday]).await;
    play.waits_at("tell");
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", "tuesday").await.unwrap();
    assert!(snapshot["metadata"]["annotations"]["holdfast.dev/last-proven"].is_string(), "{snapshot:#}");
    play.resume(&["--note", "the data protection officer, at nine"]).await;
    play.waits_at("next");
    play.approved_by_a_colleague(&cluster, &[]).await;
    let told = play.done(&cluster).await.to_string();
    let sums = sre.state().join("evidence").join(&play.id).join("evidence/SHA256SUMS");
    assert!(told.contains(&sha256(&std::fs::read(sums).unwrap())), "the hash of the evidence is told: {told}");

    // An attacker deletes the objects: the copies stay in storage.
    let held: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    for name in &held {
        let (content, _) = kept(&cluster, &volume, name).await;
        let handle = content["status"]["snapshotHandle"].as_str().unwrap().to_owned();
        cluster.delete(SNAPSHOTS, "VolumeSnapshot", name).await;
        crate::support::wait::until("the object to be gone", crate::support::wait::LONG, async || {
            cluster.get(SNAPSHOTS, "VolumeSnapshot", name).await.is_none().then_some(())
        })
        .await;
        assert!(cluster.read_snapshot(&volume.driver, &handle, "rows").is_some(), "{name} is gone with its object");
    }
}

async fn a_workload_that_uses_no_volume_of_the_namespace_stops_it_before_anything_is_done(cluster: TestCluster) {
    let here = &cluster.namespace;
    cluster.create(&manifests::stateful_set(here, "db2", 1)).await;
    cluster.bound_when_made("data-db2-0").await;
    pods(&cluster, "db2", 1).await;
    cluster.snapshot("monday", "data-db2-0").await;
    let (sre, from) = (cluster.person(User::Sre), cluster.audit().len());
    let (space, workload) = (format!("namespace={here}"), format!("workload={here}/statefulset/db"));
    let play = Play::begin(&sre, "ransomware-suspected", &[&space, &workload], &[]).await;
    play.failed_at("here", "0 of the volumes match");
    nothing_but_records(&cluster, User::Sre, from);
}
