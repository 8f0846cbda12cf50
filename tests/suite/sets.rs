//! Several volumes backed up as one: all or none, with what ran on them; cut at one moment where the storage can.

use http::Method;
use serde_json::{Value, json};

use crate::backup::handle_of;
use crate::crash::kill_after;
use crate::support::cluster::{StorageFault, TestCluster, User, Volume};
use crate::support::manifests;
use crate::support::person::{self, Person};
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_workload_is_backed_up_as_a_whole_with_its_manifests,
    labels_select_a_set,
    a_set_with_a_member_that_fails_leaves_nothing_behind,
    where_the_storage_can_a_set_is_cut_at_one_moment,
    a_group_that_is_not_possible_says_why_and_is_not_taken_for_one,
    killed_in_its_first_half_a_set_resumes_to_all_of_it,
    killed_in_its_second_half_a_set_resumes_to_all_of_it,
    killed_after_a_member_failed_a_set_resumes_to_nothing,
    taking_a_set_back_removes_exactly_its_members,
    an_auditor_is_refused_a_set_with_the_rights_that_are_missing,
    a_set_is_restored_together_for_another_stateful_set,
    a_set_that_is_not_whole_is_not_restored_as_one,
    a_set_comes_back_in_place_and_its_undo_brings_the_newer_rows,
    a_set_of_which_one_volume_cannot_be_made_leaves_all_as_they_are,
    a_set_that_lacks_a_member_of_the_workload_is_refused_in_place,
);

/// Lines of an undisturbed backup of two volumes side by side: opened; intent and done of the look at them; intent,
/// answered and done of two creates; intent and done of two cuts and two readies; intent, answered and done of two
/// marks; intent and done of the skew; closed.
const LINES: usize = 1 + 2 + 6 + 8 + 6 + 2 + 1;

const SET: &str = "holdfast.dev/set";

/// A StatefulSet of two with known bytes in its volumes.
pub async fn workload(cluster: &TestCluster, name: &str) -> Vec<Volume> {
    let mut set = manifests::stateful_set(&cluster.namespace, name, 2);
    let container = &mut set["spec"]["template"]["spec"]["containers"][0];
    container["envFrom"] = json!([{ "configMapRef": { "name": "settings", "optional": true } }]);
    let password = json!({ "name": "password", "key": "word", "optional": true });
    container["env"] = json!([{ "name": "PASSWORD", "valueFrom": { "secretKeyRef": password } }]);
    cluster.create(&set).await;
    let mut volumes = Vec::new();
    for ordinal in 0..2 {
        let volume = cluster.bound_when_made(&format!("data-{name}-{ordinal}")).await;
        cluster.write(&volume, "rows", format!("rows of {ordinal}").as_bytes());
        volumes.push(volume);
    }
    volumes
}

/// The arguments of a backup of StatefulSet `NAME`, with more of them.
fn arguments<'a>(cluster: &'a TestCluster, workload: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["backup", "--workload", workload, "--namespace", &cluster.namespace, "--yes"];
    arguments.extend(more);
    arguments
}

fn claim(snapshot: &Value) -> &str {
    snapshot["spec"]["source"]["persistentVolumeClaimName"].as_str().unwrap()
}

/// The members of the sets of this namespace, by claim.
async fn members(cluster: &TestCluster) -> Vec<Value> {
    let mut members = cluster.snapshots().await;
    members.retain(|snapshot| snapshot["metadata"]["labels"][SET].is_string());
    members.sort_by(|a, b| claim(a).cmp(claim(b)));
    members
}

/// Panics unless there is one whole set, ready and with the known bytes; says its id.
async fn one_whole_set(cluster: &TestCluster, volumes: &[Volume], workload: &str) -> String {
    let members = members(cluster).await;
    let claims: Vec<&str> = members.iter().map(claim).collect();
    assert_eq!(claims, [format!("data-{workload}-0"), format!("data-{workload}-1")], "{members:#?}");
    for (ordinal, (member, volume)) in members.iter().zip(volumes).enumerate() {
        let handle = handle_of(cluster, member).await;
        let bytes = cluster.read_snapshot(&volume.driver, &handle, "rows");
        assert_eq!(bytes, Some(format!("rows of {ordinal}").into_bytes()));
        let notes = &member["metadata"]["annotations"];
        assert_eq!(notes["holdfast.dev/set-size"], "2", "{member:#}");
        assert_eq!(notes["holdfast.dev/workload"], format!("StatefulSet/{workload}"));
        assert!(notes["holdfast.dev/claim-spec"].as_str().is_some_and(|spec| spec.contains("64Mi")), "{member:#}");
        let own = cluster.get("v1", "PersistentVolumeClaim", claim(member)).await.unwrap();
        assert_eq!(notes["holdfast.dev/lineage"], own["metadata"]["uid"]);
        assert_eq!(member["metadata"]["labels"]["holdfast.dev/pvc-uid"], own["metadata"]["uid"]);
    }
    let ids: Vec<&Value> = members.iter().map(|member| &member["metadata"]["labels"][SET]).collect();
    assert_eq!(ids[0], ids[1]);
    ids[0].as_str().unwrap().to_owned()
}

async fn a_workload_is_backed_up_as_a_whole_with_its_manifests(cluster: TestCluster) {
    let namespace = cluster.namespace.clone();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "namespace": namespace, "name": "password" },
        "stringData": { "word": "not-for-bundles" },
    });
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": namespace, "name": "settings" },
        "data": { "MODE": "careful" },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": namespace, "name": "front" },
        "spec": { "clusterIP": "None", "selector": { "app": "db" }, "ports": [{ "port": 5432 }] },
    });
    for object in [&secret, &settings, &service] {
        cluster.create(object).await;
    }
    let volumes = workload(&cluster, "db").await;
    let sre = cluster.person(User::Sre);
    let planned = sre.run(&arguments(&cluster, "sts/db", &["--together", "parallel", "--dry-run"])[..]).await;
    assert_eq!(planned.code, Some(2), "to say yes and to only look exclude each other: {planned:?}");

    let ended = sre.run(&arguments(&cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    let id = one_whole_set(&cluster, &volumes, "db").await;
    let operation = sre.operation().await;
    assert_eq!((&operation["id"], &operation["state"]), (&Value::from(&*id), &Value::from("done")), "{operation}");
    for said in ["2 volumes together", "data-db-0 (UID", "data-db-1 (UID", "no group, because: as asked"] {
        assert!(ended.stdout.contains(said), "{said} is not in the review: {}", ended.stdout);
    }
    let member = members(&cluster).await.remove(0);
    let notes = &member["metadata"]["annotations"];
    let skew = notes["holdfast.dev/set-skew"].as_str().expect("how far the cuts are apart");
    assert!(ended.stdout.contains(&format!("set.skew\t{skew}")), "{}", ended.stdout);

    let bundle = sre.state().join(format!("bundles/{id}.yaml"));
    let text = std::fs::read_to_string(&bundle).unwrap();
    for said in ["kind: StatefulSet", "kind: Service", "name: front", "kind: ConfigMap", "MODE: careful", "password"] {
        assert!(text.contains(said), "{said} is not in the bundle: {text}");
    }
    assert!(!text.contains("not-for-bundles") && !text.contains("resourceVersion"), "{text}");
    let digest = notes["holdfast.dev/bundle"].as_str().unwrap();
    assert!(digest.ends_with(bundle.to_str().unwrap()), "{digest}");
    let shown = sre.run(&["operations", "show", &id]).await.expect(0);
    let sum = digest.strip_prefix("sha256:").unwrap().split(' ').next().unwrap();
    assert!(shown.stdout.contains(sum) && ended.stdout.contains(sum), "{shown:?}");
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn labels_select_a_set(cluster: TestCluster) {
    let volumes = workload(&cluster, "db").await;
    cluster.claim("other").await;
    let sre = cluster.person(User::Sre);
    let ask = async |labels: &str| {
        sre.run(&["backup", "-l", labels, "-n", &cluster.namespace, "--together", "parallel", "--yes"]).await
    };
    let none = ask("tier=tin").await.expect(1);
    assert!(none.stderr.contains("there is no volume with these labels"), "{none:?}");
    ask("tier=gold").await.expect(0);
    let members = members(&cluster).await;
    assert_eq!(members.iter().map(claim).collect::<Vec<_>>(), ["data-db-0", "data-db-1"]);
    assert_eq!(cluster.snapshots().await.len(), volumes.len());
}

async fn a_set_with_a_member_that_fails_leaves_nothing_behind(cluster: TestCluster) {
    workload(&cluster, "db").await;
    cluster.snapshot("mine", "data-db-0").await;
    cluster.storage_fault("data-db-1", StorageFault::ErrorAlways);
    let sre = cluster.person(User::Sre);
    let more = ["--together", "parallel", "--cut-within", "3s"];
    let ended = sre.run(&arguments(&cluster, "statefulset/db", &more)).await.expect(1);
    assert!(ended.stderr.contains("failed at cut-2") && ended.stderr.contains("of data-db-1"), "{ended:?}");
    assert!(ended.stderr.contains("taken back: "), "the end says what became of the others: {ended:?}");
    let left: Vec<Value> = cluster.snapshots().await;
    let names: Vec<&Value> = left.iter().map(|snapshot| &snapshot["metadata"]["name"]).collect();
    assert_eq!(names, ["mine"], "only what the operation made is deleted again");
    assert_eq!(sre.operation().await["state"], "failed");
    sre.run(&["journal", "verify"]).await.expect(0);
}

pub async fn where_the_storage_can_a_set_is_cut_at_one_moment(cluster: TestCluster) {
    let volumes = workload(&cluster, "db").await;
    let sre = cluster.person(User::Sre);
    let ended = sre.run(&arguments(&cluster, "statefulset/db", &[])).await.expect(0);
    assert!(ended.stdout.contains("all at one moment, as a VolumeGroupSnapshot"), "{}", ended.stdout);
    let id = one_whole_set(&cluster, &volumes, "db").await;
    for member in members(&cluster).await {
        assert_eq!(member["metadata"]["annotations"]["holdfast.dev/consistency"], "group", "{member:#}");
        assert_eq!(member["status"]["volumeGroupSnapshotName"], format!("db-{id}"), "{member:#}");
    }
    let refused = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("is the last good restore point of its volume"), "{refused:?}");

    sre.run(&arguments(&cluster, "statefulset/db", &["--together", "group"])).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 4);
    let undone = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
    assert!(
        undone.stdout.contains(&format!("deletes VolumeGroupSnapshot {}/db-{id}", cluster.namespace)),
        "{undone:?}"
    );
    let left = members(&cluster).await;
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left.iter().all(|member| member["metadata"]["labels"][SET] != *id), "{left:#?}");
}

async fn a_group_that_is_not_possible_says_why_and_is_not_taken_for_one(cluster: TestCluster) {
    for name in ["one", "two"] {
        let mut claim = manifests::claim(&cluster.namespace, name);
        claim["metadata"]["labels"] = json!({ "app": "pair" });
        if name == "two" {
            claim["spec"]["storageClassName"] = "shared".into();
        }
        cluster.create(&claim).await;
        cluster.bound(name).await;
    }
    let sre = cluster.person(User::Sre);
    let ask = |more: &'static [&'static str]| {
        let mut arguments = vec!["backup", "-l", "app=pair", "-n", &cluster.namespace, "--yes"];
        arguments.extend(more);
        arguments
    };
    let refused = sre.run(&ask(&["--together", "group"])).await.expect(1);
    assert!(refused.stderr.contains("the volumes are of several drivers"), "{refused:?}");
    let ended = sre.run(&ask(&[])).await.expect(0);
    assert!(ended.stdout.contains("no group, because: the volumes are of several drivers"), "{}", ended.stdout);
    for member in members(&cluster).await {
        assert_eq!(member["metadata"]["annotations"]["holdfast.dev/consistency"], "crash", "{member:#}");
    }
}

/// Kills a backup after these lines and resumes it.
async fn killed(cluster: &TestCluster, lines: impl Iterator<Item = usize>) {
    for lines in lines {
        let name = format!("db{lines}");
        let volumes = workload(cluster, &name).await;
        let sre = cluster.person(User::Sre);
        let workload = format!("statefulset/{name}");
        kill_after(cluster, &sre, &arguments(cluster, &workload, &["--together", "parallel"]), lines).await;
        resumed(&sre, "done").await;
        let left: Vec<Value> = members(cluster).await;
        let mine: Vec<&Value> =
            left.iter().filter(|member| claim(member).starts_with(&format!("data-{name}-"))).collect();
        assert_eq!(mine.len(), 2, "killed after {lines} lines: {left:#?}");
        for (member, volume) in mine.into_iter().zip(&volumes) {
            let handle = handle_of(cluster, member).await;
            assert!(cluster.read_snapshot(&volume.driver, &handle, "rows").is_some());
            assert!(member["metadata"]["annotations"]["holdfast.dev/set-skew"].is_string(), "{lines}: {member:#}");
        }
        let id = sre.operation().await["id"].as_str().unwrap().to_owned();
        assert!(sre.state().join(format!("bundles/{id}.yaml")).exists(), "killed after {lines} lines");
    }
}

async fn resumed(sre: &Person, state: &str) {
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let resumed = sre.run(&["operations", "resume", &id]).await;
    let ends = i32::from(state != "done");
    assert_eq!(resumed.code, Some(ends), "after {:?}: {resumed:?}", sre.story());
    assert_eq!(sre.operation().await["state"], *state);
    sre.run(&["journal", "verify"]).await.expect(0);
}

/// Every line on the embedded cluster, some on the real one.
fn stride(cluster: &TestCluster) -> usize {
    if cluster.is_embedded() { 1 } else { 5 }
}

async fn killed_in_its_first_half_a_set_resumes_to_all_of_it(cluster: TestCluster) {
    let stride = stride(&cluster);
    killed(&cluster, (1..=LINES / 2).step_by(stride)).await;
}

async fn killed_in_its_second_half_a_set_resumes_to_all_of_it(cluster: TestCluster) {
    let stride = stride(&cluster);
    killed(&cluster, (LINES / 2 + 1..=LINES).step_by(stride)).await;
}

/// The lines around the failure of a cut, and those of taking back.
async fn killed_after_a_member_failed_a_set_resumes_to_nothing(cluster: TestCluster) {
    for lines in (12..=20).step_by(if cluster.is_embedded() { 1 } else { 3 }) {
        let name = format!("db{lines}");
        workload(&cluster, &name).await;
        cluster.storage_fault(&format!("data-{name}-1"), StorageFault::ErrorAlways);
        let sre = cluster.person(User::Sre);
        let workload = format!("statefulset/{name}");
        let more = ["--together", "parallel", "--cut-within", "1s"];
        kill_after(&cluster, &sre, &arguments(&cluster, &workload, &more), lines).await;
        resumed(&sre, "failed").await;
        assert_eq!(members(&cluster).await, [Value::Null; 0], "killed after {lines} lines: {:?}", sre.story());
    }
}

pub async fn taking_a_set_back_removes_exactly_its_members(cluster: TestCluster) {
    workload(&cluster, "db").await;
    let sre = cluster.person(User::Sre);
    sre.run(&arguments(&cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    sre.run(&arguments(&cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
    let left = members(&cluster).await;
    assert_eq!(left.iter().map(claim).collect::<Vec<_>>(), ["data-db-0", "data-db-1"], "{left:#?}");
    assert!(left.iter().all(|member| member["metadata"]["labels"][SET] != *id), "{left:#?}");
    let again = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(again.stderr.contains("is gone already"), "{again:?}");
}

async fn an_auditor_is_refused_a_set_with_the_rights_that_are_missing(cluster: TestCluster) {
    workload(&cluster, "db").await;
    let auditor = cluster.person(User::Auditor);
    let ended = auditor.run(&arguments(&cluster, "statefulset/db", &[])).await.expect(1);
    for right in ["create volumesnapshots", "delete volumesnapshots", "create leases"] {
        assert!(ended.stderr.contains(right), "{right}: {ended:?}");
    }
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert!(auditor.journals().is_empty());
}

async fn a_set_is_restored_together_for_another_stateful_set(cluster: TestCluster) {
    let volumes = workload(&cluster, "db").await;
    let sre = cluster.person(User::Sre);
    sre.run(&arguments(&cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    for volume in &volumes {
        cluster.write(volume, "rows", b"later");
    }
    let set = format!("{}/{id}", cluster.namespace);
    let ended = sre.run(&["restore", &set, "--set", "--to", "db2", "--yes"]).await.expect(0);
    for said in [&*format!("restore set {id} into new volumes"), "cuts apart", "new volume: data-db2-1"] {
        assert!(ended.stdout.contains(said), "{said} is not in the review: {}", ended.stdout);
    }
    let once_more = sre.run(&["restore", &set, "--set", "--to", "db2", "--yes"]).await.expect(1);
    assert!(once_more.stderr.contains("exists, and a restore writes over nothing"), "{once_more:?}");

    // Whoever creates that StatefulSet finds the data in place.
    cluster.create(&manifests::stateful_set(&cluster.namespace, "db2", 2)).await;
    for ordinal in 0..2 {
        let volume = cluster.bound(&format!("data-db2-{ordinal}")).await;
        assert_eq!(cluster.read(&volume, "rows"), Some(format!("rows of {ordinal}").into_bytes()));
    }
}

async fn a_set_that_is_not_whole_is_not_restored_as_one(cluster: TestCluster) {
    workload(&cluster, "db").await;
    let sre = cluster.person(User::Sre);
    sre.run(&arguments(&cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let member = format!("data-db-1-{id}");
    idle(&cluster, &member).await;
    cluster.delete(manifests::SNAPSHOTS, "VolumeSnapshot", &member).await;
    let gone = async || cluster.snapshots().await.len() == 1;
    wait::until("the snapshot to be gone", LONG, async || gone().await.then_some(())).await;
    let set = format!("{}/{id}", cluster.namespace);
    let refused = sre.run(&["restore", &set, "--set", "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("was cut of 2 volumes and 1 are there: it is not whole"), "{refused:?}");
    let unknown = sre.run(&["restore", &format!("{}/none", cluster.namespace), "--set", "--yes"]).await.expect(1);
    assert!(unknown.stderr.contains("is of a set none"), "{unknown:?}");
}

/// Waits until csi-snapshotter is done with a copy: one that is deleted before is forgotten until its next resync
/// (external-snapshotter #1388).
async fn idle(cluster: &TestCluster, snapshot: &str) {
    wait::until("nobody to be at work on the copy", LONG, async || {
        let found = cluster.get(manifests::SNAPSHOTS, "VolumeSnapshot", snapshot).await?;
        let content = found["status"]["boundVolumeSnapshotContentName"].as_str()?;
        let content = cluster.get_global(manifests::SNAPSHOTS, "VolumeSnapshotContent", content).await?;
        let annotations = &content["metadata"]["annotations"];
        annotations["snapshot.storage.kubernetes.io/volumesnapshot-being-created"].is_null().then_some(())
    })
    .await;
}

/// A set of StatefulSet `db` as it was, with other rows in its volumes since.
pub async fn outdated(cluster: &TestCluster) -> (Person, String, Vec<Volume>) {
    let volumes = workload(cluster, "db").await;
    let sre = cluster.person(User::Sre);
    sre.run(&arguments(cluster, "statefulset/db", &["--together", "parallel"])).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    for ordinal in 0..2 {
        let claim = format!("data-db-{ordinal}");
        wait::until("nothing but its pod to hold the claim", LONG, async || {
            let found = cluster.get("v1", "PersistentVolumeClaim", &claim).await?;
            (found["metadata"]["finalizers"] == json!(["kubernetes.io/pvc-protection"])).then_some(())
        })
        .await;
    }
    ready(cluster).await;
    for (ordinal, volume) in volumes.iter().enumerate() {
        cluster.write(volume, "rows", format!("newer rows of {ordinal}").as_bytes());
    }
    (sre, id, volumes)
}

async fn ready(cluster: &TestCluster) {
    wait::until("both members to be ready", LONG, async || {
        let found = cluster.get("apps/v1", "StatefulSet", "db").await?;
        (found.pointer("/status/readyReplicas") == Some(&json!(2))).then_some(())
    })
    .await;
}

/// What the claims of `db` hold now.
async fn rows(cluster: &TestCluster) -> Vec<String> {
    let mut rows = Vec::new();
    for ordinal in 0..2 {
        let volume = cluster.bound(&format!("data-db-{ordinal}")).await;
        rows.push(cluster.read_text(&volume, "rows"));
    }
    rows
}

async fn a_set_comes_back_in_place_and_its_undo_brings_the_newer_rows(cluster: TestCluster) {
    let (sre, set, volumes) = outdated(&cluster).await;
    let path = format!("{}/data-db-1", cluster.namespace);
    let ended = sre.run(&["restore-in-place", &path, "--set", &set, "--yes"]).await.expect(0);
    for said in [
        &*format!("data-db-0 and {path} in place from set {set}"),
        "cuts apart",
        "data-db-0: what was written since leaves the live volume",
    ] {
        assert!(ended.stdout.contains(said), "{said} is not in the review: {}", ended.stdout);
    }
    assert_eq!(rows(&cluster).await, ["rows of 0", "rows of 1"]);
    ready(&cluster).await;
    for (ordinal, volume) in volumes.iter().enumerate() {
        assert_eq!(cluster.read_text(volume, "rows"), format!("newer rows of {ordinal}"), "the former volume is kept");
    }

    // What was there before is a set as well.
    let operations = sre.run(&["operations", "list", "--here", "-o", "json"]).await.expect(0).json();
    let mut operations = operations.as_array().unwrap().iter();
    let id = operations.find(|one| one["verb"] == "restoreInPlace").unwrap()["id"].as_str().unwrap().to_owned();
    let of_it = |snapshot: &&Value| snapshot["metadata"]["labels"][SET] == *id;
    assert_eq!(cluster.snapshots().await.iter().filter(of_it).count(), 2);

    sre.run(&["operations", "undo", &id, "--yes"]).await.expect(0);
    assert_eq!(rows(&cluster).await, ["newer rows of 0", "newer rows of 1"]);
    ready(&cluster).await;
    for ordinal in 0..2 {
        let claim = cluster.get("v1", "PersistentVolumeClaim", &format!("data-db-{ordinal}")).await.unwrap();
        let volume = claim["spec"]["volumeName"].as_str().unwrap();
        let volume = cluster.get_global("v1", "PersistentVolume", volume).await.unwrap();
        assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete", "{volume}");
    }
}

async fn a_set_of_which_one_volume_cannot_be_made_leaves_all_as_they_are(cluster: TestCluster) {
    let (sre, set, _) = outdated(&cluster).await;
    let claims = async || {
        let mut claims = cluster.list("v1", "PersistentVolumeClaim").await;
        claims.sort_by_key(|claim| claim["metadata"]["name"].to_string());
        claims.iter().map(|claim| claim["metadata"]["uid"].to_string()).collect::<Vec<_>>()
    };
    let before = claims().await;
    cluster.proxy.order(Order::on(Method::POST, "/persistentvolumeclaims", Fault::Status(403, None)).when({
        let state = sre.state();
        move || person::has(&state, "done", "released-1")
    }));
    let path = format!("{}/data-db-0", cluster.namespace);
    sre.run(&["restore-in-place", &path, "--set", &set, "--yes"]).await.expect(1);
    cluster.proxy.clear();
    wait::until("what was made to be gone", LONG, async || (claims().await == before).then_some(())).await;
    assert_eq!(rows(&cluster).await, ["newer rows of 0", "newer rows of 1"]);
    ready(&cluster).await;
}

async fn a_set_that_lacks_a_member_of_the_workload_is_refused_in_place(cluster: TestCluster) {
    let (sre, set, _) = outdated(&cluster).await;
    cluster.merge("apps/v1", "StatefulSet", "db", &json!({ "spec": { "replicas": 3 } })).await;
    cluster.bound_when_made("data-db-2").await;
    let path = format!("{}/data-db-0", cluster.namespace);
    let refused = sre.run(&["restore-in-place", &path, "--set", &set, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("it is one of 3 members of StatefulSet db"), "{refused:?}");
    let path = format!("{}/data-db-2", cluster.namespace);
    let other = sre.run(&["restore-in-place", &path, "--set", &set, "--yes"]).await.expect(1);
    assert!(other.stderr.contains("holds no restore point of"), "{other:?}");
}
