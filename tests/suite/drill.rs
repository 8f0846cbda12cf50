//! An SRE proves restore points, on the embedded cluster and on the real one. Whatever comes of it, a drill leaves
//! nothing behind and the copy is as it was.

use serde_json::Value;

use crate::backup::handle_of;
use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests::SNAPSHOTS;
use crate::support::person::Person;
use crate::support::{kubelet, scenarios};

scenarios!(
    a_drill_of_a_good_point_proves_it_and_leaves_nothing,
    a_drill_of_an_empty_point_fails_and_leaves_nothing,
    a_drill_that_reads_less_than_expected_fails,
    a_drill_of_a_copy_that_the_storage_lost_fails_and_leaves_nothing,
    an_auditor_is_refused_a_drill_with_the_right_that_is_missing,
);

/// A claim `data` with these bytes in it and a snapshot `copy` of it.
async fn prepared(cluster: &TestCluster, bytes: Option<&[u8]>) -> (Person, Volume, String) {
    let volume = cluster.claim("data").await;
    if let Some(bytes) = bytes {
        cluster.write(&volume, "rows", bytes);
    }
    cluster.snapshot("copy", "data").await;
    (cluster.person(User::Sre), volume, format!("{}/copy", cluster.namespace))
}

fn proven(snapshot: &Value) -> &Value {
    &snapshot["metadata"]["annotations"]["holdfast.dev/last-proven"]
}

/// Panics unless nothing of the drill is left, and the restore point is as it was. Gives the restore point.
async fn nothing_left(cluster: &TestCluster, sre: &Person) -> Value {
    let label = format!("holdfast.dev/drill={}", sre.operation().await["id"].as_str().unwrap());
    for (version, kind) in [("v1", "Namespace"), (SNAPSHOTS, "VolumeSnapshotContent")] {
        let left = cluster.list_global(version, kind, &label).await;
        assert!(left.is_empty(), "{left:?}");
    }
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    handle_of(cluster, &snapshot).await;
    snapshot
}

pub async fn a_drill_of_a_good_point_proves_it_and_leaves_nothing(cluster: TestCluster) {
    let (sre, volume, path) = prepared(&cluster, Some(b"before")).await;
    let _kubelet = kubelet::run(&cluster);
    let ended = sre.run(&["drill", &path, "--yes"]).await.expect(0);
    for said in ["read.found\tread 6 bytes, files: 1", "bound.took\t", "mounted.took\t", "read.took\t"] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    let snapshot = nothing_left(&cluster, &sre).await;
    let handle = handle_of(&cluster, &snapshot).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(&b"before"[..]));
    assert!(proven(&snapshot).as_str().unwrap().ends_with(": read 6 bytes, files: 1"), "{snapshot}");
    let rows = sre.run(&["get", "restore-points", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert!(rows[0]["proven"].is_string(), "{rows}");
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn a_drill_of_an_empty_point_fails_and_leaves_nothing(cluster: TestCluster) {
    let (sre, _, path) = prepared(&cluster, None).await;
    let _kubelet = kubelet::run(&cluster);
    let ended = sre.run(&["drill", &path, "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("did not pass the check: the volume holds no file: it is empty"), "{ended:?}");
    let snapshot = nothing_left(&cluster, &sre).await;
    assert!(proven(&snapshot).is_null());
    let failed = snapshot["metadata"]["annotations"]["holdfast.dev/last-failed"].as_str().unwrap();
    assert!(
        failed.starts_with("begun at ") && failed.contains(", failed at ") && failed.ends_with("it is empty"),
        "{failed}"
    );
    let rows = sre.run(&["get", "restore-points", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert_eq!((&rows[0]["state"], &rows[0]["proven"]), (&"Not proven".into(), &"no".into()), "{rows}");
    let problems = sre.run(&["get", "problems", "-n", &cluster.namespace]).await.expect(0);
    assert!(problems.stdout.contains("its last restore drill, "), "{problems:?}");
}

async fn a_drill_that_reads_less_than_expected_fails(cluster: TestCluster) {
    let (sre, _, path) = prepared(&cluster, Some(b"before")).await;
    let _kubelet = kubelet::run(&cluster);
    let ended = sre.run(&["drill", &path, "--at-least", "1Ki", "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("only 6 bytes (files: 1), 1024 were expected"), "{ended:?}");
    assert!(proven(&nothing_left(&cluster, &sre).await).is_null());
}

/// The cluster still calls it good: only restoring it shows that its handle leads nowhere.
pub async fn a_drill_of_a_copy_that_the_storage_lost_fails_and_leaves_nothing(cluster: TestCluster) {
    let (sre, volume, path) = prepared(&cluster, Some(b"before")).await;
    let snapshot = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    cluster.lose_snapshot(&volume.driver, &handle_of(&cluster, &snapshot).await);
    let _kubelet = kubelet::run(&cluster);
    let ended = sre.run(&["drill", &path, "--mounted-within", "5s", "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("reported meanwhile"), "{ended:?}");
    assert!(proven(&nothing_left(&cluster, &sre).await).is_null());
}

async fn an_auditor_is_refused_a_drill_with_the_right_that_is_missing(cluster: TestCluster) {
    let (_, _, path) = prepared(&cluster, Some(b"before")).await;
    let auditor = cluster.person(User::Auditor);
    let ended = auditor.run(&["drill", &path, "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("create namespaces"), "{ended:?}");
    assert!(auditor.journals().is_empty());
}

/// What the script says, run by the shell of this machine in a folder instead of `/restored`.
fn said(folder: &std::path::Path, at_least: &str) -> (i32, String) {
    let words = folder.with_extension("words");
    let marker = folder.with_extension("unreadable");
    let script = holdfast::plan::drill::FILES
        .replace("/dev/termination-log", words.to_str().unwrap())
        .replace("/tmp/unreadable", marker.to_str().unwrap())
        .replace("/restored", folder.to_str().unwrap());
    let ran = std::process::Command::new("sh").args(["-c", &script]).env("AT_LEAST", at_least).status().unwrap();
    (ran.code().unwrap(), std::fs::read_to_string(words).unwrap())
}

#[test]
fn the_script_reads_every_file_and_says_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("volume");
    assert_eq!(said(&folder, "1"), (1, "the volume is not there".to_owned()));
    std::fs::create_dir_all(folder.join("lost+found")).unwrap();
    std::fs::write(folder.join("lost+found/old"), b"not counted").unwrap();
    assert_eq!(said(&folder, "1"), (1, "the volume holds no file: it is empty".to_owned()));
    std::fs::create_dir(folder.join("base dir")).unwrap();
    std::fs::write(folder.join("base dir/-rows"), b"123456").unwrap();
    assert_eq!(said(&folder, "1"), (0, "read 6 bytes, files: 1".to_owned()));
    assert_eq!(said(&folder, "7"), (1, "only 6 bytes (files: 1), 7 were expected".to_owned()));
}

/// The one copy that `holdfast demo` begins with is what its first runbook goes back to.
#[tokio::test]
async fn the_copy_of_the_demo_passes_its_drill() {
    let cluster = TestCluster::sim("demo-drill").await;
    let sre = cluster.person(User::Sre);
    let _kubelet = kubelet::run(&cluster);
    let ended = sre.run(&["drill", "shop/db-before-migration", "--yes"]).await.expect(0);
    assert!(ended.stdout.contains("read.found\tread 20 bytes, files: 1"), "{}", ended.stdout);
}
