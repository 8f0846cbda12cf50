//! A restore point is carried into another namespace by a file, and restored there. Whatever comes of it, the copy in
//! storage stays.

use std::path::{Path, PathBuf};

use holdfast::plan::carry::Bundle;
use serde_json::{Value, json};

use crate::backup::handle_of;
use crate::crash::kill_after;
use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::person::Person;
use crate::support::scenarios;

scenarios!(
    an_auditor_exports_what_an_sre_imports_and_restores_elsewhere,
    taking_an_import_back_removes_exactly_its_objects_and_leaves_the_storage_alone,
    an_import_of_a_copy_that_the_storage_has_not_fails_and_leaves_nothing,
    killed_anywhere_an_import_resumes,
    what_is_no_good_bundle_is_refused_with_its_place,
    an_auditor_is_refused_an_import_with_the_right_that_is_missing,
);

/// A claim `data` with bytes in it, its snapshot `copy`, and a person with the bundle of that.
struct Scene {
    volume: Volume,
    handle: String,
    sre: Person,
    bundle: PathBuf,
}

async fn prepared(cluster: &TestCluster) -> Scene {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before");
    let snapshot = cluster.snapshot("copy", "data").await;
    cluster.write(&volume, "rows", b"after");
    let handle = handle_of(cluster, &snapshot).await;
    let sre = cluster.person(User::Sre);
    let bundle = sre.home().join("copy.yaml");
    export(cluster, &sre, &bundle).await;
    Scene { volume, handle, sre, bundle }
}

async fn export(cluster: &TestCluster, person: &Person, bundle: &Path) {
    let path = format!("{}/copy", cluster.namespace);
    person.run(&["export", &path, "--to", bundle.to_str().unwrap()]).await.expect(0);
}

/// The same bundle with something else in it, as if it had been written so.
fn rewritten(bundle: &Path, change: impl FnOnce(&mut holdfast::plan::carry::Content)) {
    let mut content = Bundle::parse(&std::fs::read_to_string(bundle).unwrap()).unwrap().content().clone();
    change(&mut content);
    std::fs::write(bundle, Bundle::new(content).to_yaml().unwrap()).unwrap();
}

/// The contents that stand for the copy.
async fn contents(cluster: &TestCluster, handle: &str) -> Vec<Value> {
    let all = cluster.list_global(SNAPSHOTS, "VolumeSnapshotContent", "").await;
    all.into_iter()
        .filter(|content| {
            content["status"]["snapshotHandle"] == *handle || content["spec"]["source"]["snapshotHandle"] == *handle
        })
        .collect()
}

impl Scene {
    fn bytes(&self, cluster: &TestCluster) -> Option<Vec<u8>> {
        cluster.read_snapshot(&self.volume.driver, &self.handle, "rows")
    }

    fn import<'a>(&'a self, cluster: &'a TestCluster, more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["import", self.bundle.to_str().unwrap(), "-n", &cluster.namespace];
        words.extend(more);
        words
    }
}

async fn an_auditor_exports_what_an_sre_imports_and_restores_elsewhere(mut cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    let auditor = cluster.person(User::Auditor);
    let bundle = auditor.home().join("carried.yaml");
    let from = format!("{}/copy", cluster.namespace);
    let said = auditor.run(&["export", &from, "--to", bundle.to_str().unwrap()]).await.expect(0);
    assert!(said.stderr.contains("whether the copy lies apart from its volume is not known"), "{said:?}");
    assert!(said.stderr.contains("deletion policy is Delete at its origin"), "{said:?}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&bundle).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    let first = std::fs::read_to_string(&bundle).unwrap();
    let again = auditor.run(&["export", &from, "--to", bundle.to_str().unwrap()]).await.expect(1);
    assert!(again.stderr.contains("is there already") && again.stderr.contains("--replace"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&bundle).unwrap(), first, "what was there stays");
    auditor.run(&["export", &from, "--to", bundle.to_str().unwrap(), "--replace"]).await.expect(0);
    let left: Vec<_> = std::fs::read_dir(auditor.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| Path::new(name).extension().is_none_or(|end| end != "new")), "{left:?}");
    let printed = auditor.run(&["export", &from, "--to", "-"]).await.expect(0);
    assert!(Bundle::parse(&printed.stdout).is_ok(), "{printed:?}");

    let original = cluster.get("v1", "PersistentVolumeClaim", "data").await.unwrap();
    let cut = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap()["status"]["creationTime"].clone();
    let home = std::mem::take(&mut cluster.namespace);
    cluster.namespace = format!("{home}-b");
    cluster.create(&manifests::namespace(&cluster.namespace)).await;
    let carried = ["import", bundle.to_str().unwrap(), "-n", &cluster.namespace];
    let shown = scene.sre.run(&[&carried[..], &["--dry-run"]].concat()).await.expect(0);
    for said in ["this cluster", "the same copy is here already", "hold it first", &scene.handle, "(Retain)"] {
        assert!(shown.stdout.contains(said), "{said} is not in the plan: {}", shown.stdout);
    }
    assert_eq!(contents(&cluster, &scene.handle).await.len(), 1, "a dry run makes nothing");
    scene.sre.run(&[&carried[..], &["--yes"]].concat()).await.expect(0);

    let imported = cluster.get(SNAPSHOTS, "VolumeSnapshot", "copy").await.unwrap();
    let notes = &imported["metadata"]["annotations"];
    assert_eq!(notes["holdfast.dev/lineage"], original["metadata"]["uid"]);
    assert!(notes["holdfast.dev/imported-from"].as_str().unwrap().starts_with(&from), "{notes}");
    assert_eq!(imported["status"]["creationTime"], cut, "the storage tells when it was cut");
    let to = format!("{}/copy", cluster.namespace);
    scene.sre.run(&["restore", &to, "--to", "back", "--yes"]).await.expect(0);
    assert_eq!(cluster.read(&cluster.bound("back").await, "rows").as_deref(), Some(&b"before"[..]));
    let back = cluster.get("v1", "PersistentVolumeClaim", "back").await.unwrap();
    assert_eq!(back["metadata"]["annotations"]["holdfast.dev/lineage"], original["metadata"]["uid"]);
    assert_eq!(back["spec"]["resources"], original["spec"]["resources"], "shaped like the claim that was cut");
    let taken = scene.sre.run(&[&carried[..], &["--yes"]].concat()).await.expect(1);
    assert!(taken.stderr.contains("an import writes over nothing") && taken.stderr.contains("--name"), "{taken:?}");
    scene.sre.run(&["journal", "verify"]).await.expect(0);
}

pub async fn taking_an_import_back_removes_exactly_its_objects_and_leaves_the_storage_alone(cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    scene.sre.run(&scene.import(&cluster, &["--name", "again", "--yes"])).await.expect(0);
    let both = contents(&cluster, &scene.handle).await;
    assert_eq!(both.len(), 2);
    let made = both.iter().find(|content| content["spec"]["volumeSnapshotRef"]["name"] == "again").unwrap();
    let made = made["metadata"]["name"].as_str().unwrap();
    // Somebody thinks that what is imported should go with its snapshot.
    let delete = json!({ "spec": { "deletionPolicy": "Delete" } });
    cluster.merge_global(SNAPSHOTS, "VolumeSnapshotContent", made, &delete).await;
    let id = scene.sre.operation().await["id"].as_str().unwrap().to_owned();
    scene.sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
    assert_eq!(crate::prune::names(&cluster).await, ["copy"]);
    let left = contents(&cluster, &scene.handle).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["spec"]["volumeSnapshotRef"]["name"], "copy");
    assert_eq!(scene.bytes(&cluster).as_deref(), Some(&b"before"[..]), "the copy in storage stays");
    let again = scene.sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(again.stderr.contains("is gone already"), "{again:?}");
}

async fn an_import_of_a_copy_that_the_storage_has_not_fails_and_leaves_nothing(cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    rewritten(&scene.bundle, |said| {
        said.exported.cluster = Some("elsewhere".into());
        said.exported.context = "old".into();
        said.restore_point.handle = "snapshot-nowhere".into();
    });
    let import = scene.import(&cluster, &["--name", "again", "--ready-within", "4s", "--yes"]);
    let ended = scene.sre.run(&import).await.expect(1);
    assert!(ended.stdout.contains("another cluster, elsewhere (context old at "), "{ended:?}");
    assert!(ended.stderr.contains("the storage to be seen to have the copy"), "{ended:?}");
    assert!(ended.stderr.contains("snapshot-nowhere"), "what the driver says is told: {ended:?}");
    assert_eq!(crate::prune::names(&cluster).await, ["copy"]);
    assert_eq!(contents(&cluster, "snapshot-nowhere").await, Vec::<Value>::new());
    let id = scene.sre.operation().await["id"].as_str().unwrap().to_owned();
    let undo = scene.sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(undo.stderr.contains("it took back itself"), "{undo:?}");
}

async fn killed_anywhere_an_import_resumes(cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    for lines in [1, 2, 4, 5, 7, 8] {
        let sre = cluster.person(User::Sre);
        let name = format!("again-{lines}");
        kill_after(&cluster, &sre, &scene.import(&cluster, &["--name", &name, "--yes"]), lines).await;
        let id = sre.operation().await["id"].as_str().unwrap().to_owned();
        let resumed = sre.run(&["operations", "resume", &id]).await;
        assert_eq!(resumed.code, Some(0), "after {:?}: {resumed:?}", sre.story());
        let imported = cluster.ready(&name).await;
        assert_eq!(handle_of(&cluster, &imported).await, scene.handle, "after {lines} lines");
        sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
        assert_eq!(contents(&cluster, &scene.handle).await.len(), 1, "after {lines} lines");
    }
    assert_eq!(scene.bytes(&cluster).as_deref(), Some(&b"before"[..]));
}

async fn what_is_no_good_bundle_is_refused_with_its_place(cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    let good = std::fs::read_to_string(&scene.bundle).unwrap();
    let refused = async |text: &str, why: &str| {
        std::fs::write(&scene.bundle, text).unwrap();
        let ended = scene.sre.run(&scene.import(&cluster, &["--name", "again", "--yes"])).await.expect(1);
        assert!(ended.stderr.contains(why) && ended.stderr.contains("what would clear it"), "{why}: {ended:?}");
    };
    refused(&good.replace("    handle:", "    hndle:"), "copy.yaml:16:5: ").await;
    refused(&good.replace(&scene.handle, "another"), "its sha256 is another").await;
    refused("kind: ConfigMap\n", "it is no bundle of a restore point").await;
    refused(&good.replace("version: 1\n", "version: 9\n"), "it is of version 9").await;
    std::fs::remove_file(&scene.bundle).unwrap();
    let missing = scene.sre.run(&scene.import(&cluster, &["--yes"])).await.expect(1);
    assert!(missing.stderr.contains("cannot read") && missing.stderr.contains("copy.yaml"), "{missing:?}");
    assert!(scene.sre.journals().is_empty());
    let none = scene.sre.run(&["export", &format!("{}/gone", cluster.namespace), "--to", "x.yaml"]).await.expect(1);
    assert!(none.stderr.contains("there is no VolumeSnapshot"), "{none:?}");
}

async fn an_auditor_is_refused_an_import_with_the_right_that_is_missing(cluster: TestCluster) {
    let scene = prepared(&cluster).await;
    let auditor = cluster.person(User::Auditor);
    let ended = auditor.run(&scene.import(&cluster, &["--name", "again", "--yes"])).await.expect(1);
    assert!(ended.stderr.contains("create volumesnapshotcontents"), "{ended:?}");
    assert!(auditor.journals().is_empty());
    assert_eq!(contents(&cluster, &scene.handle).await.len(), 1);
}
