//! Taking a backup back: exactly its snapshot goes, and never the last good one.

use serde_json::Value;

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests::SNAPSHOTS;
use crate::support::person::Person;
use crate::support::scenarios;

scenarios!(
    taking_a_backup_back_removes_exactly_its_snapshot,
    the_last_good_copy_is_not_taken_back,
    an_auditor_lacks_the_right_to_take_back,
    an_operation_is_stopped_before_it_is_taken_back,
);

/// Backs a claim up and says what the operation is and what it made.
async fn back_up(cluster: &TestCluster, sre: &Person, claim: &str) -> (String, String) {
    let before = ids(sre).await;
    sre.run(&["backup", &format!("{}/{claim}", cluster.namespace), "--yes"]).await.expect(0);
    let id = ids(sre).await.into_iter().find(|id| !before.contains(id)).unwrap();
    (id.clone(), format!("{claim}-{id}"))
}

async fn ids(person: &Person) -> Vec<String> {
    operations(person).await.iter().map(|operation| operation["id"].as_str().unwrap().to_owned()).collect()
}

async fn operations(person: &Person) -> Vec<Value> {
    let listed = person.run(&["operations", "list", "--here", "-o", "json"]).await.expect(0).json();
    listed.as_array().unwrap().clone()
}

async fn names(cluster: &TestCluster, claim: &str) -> Vec<String> {
    let mine = |snapshot: &Value| snapshot["spec"]["source"]["persistentVolumeClaimName"] == *claim;
    let snapshots = cluster.snapshots().await.into_iter().filter(mine);
    snapshots.map(|snapshot| snapshot["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

pub async fn taking_a_backup_back_removes_exactly_its_snapshot(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let sre = cluster.person(User::Sre);
    let (first, first_made) = back_up(&cluster, &sre, "data").await;
    let (_, second_made) = back_up(&cluster, &sre, "data").await;

    let planned = sre.run(&["operations", "undo", &first, "--dry-run"]).await.expect(0);
    for said in [&*first, &*first_made, "deletion policy Delete", "good copy that stays", &*second_made] {
        assert!(planned.stdout.contains(said), "{said} is not in the plan: {planned:?}");
    }
    assert_eq!(names(&cluster, "data").await.len(), 2, "a dry run deletes nothing");

    sre.run(&["operations", "undo", &first, "--yes"]).await.expect(0);
    assert_eq!(names(&cluster, "data").await, std::slice::from_ref(&second_made));
    let kept = cluster.get(SNAPSHOTS, "VolumeSnapshot", &second_made).await.unwrap();
    let handle = crate::backup::handle_of(&cluster, &kept).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(&b"known bytes"[..]));
    let undo = operations(&sre).await.into_iter().find(|operation| operation["verb"] == "undo").unwrap();
    assert_eq!((&undo["undoes"], &undo["state"]), (&Value::from(&*first), &Value::from("done")), "{undo}");

    let again = sre.run(&["operations", "undo", &first, "--yes"]).await.expect(1);
    assert!(again.stderr.contains("is gone already"), "{again:?}");
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn the_last_good_copy_is_not_taken_back(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let (id, made) = back_up(&cluster, &sre, "data").await;
    let refused = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("is the last good restore point of its volume"), "{refused:?}");
    assert!(refused.stderr.contains("take another backup first"), "{refused:?}");
    assert_eq!(names(&cluster, "data").await, [made]);
    assert_eq!(sre.journals().len(), 1);
}

async fn an_auditor_lacks_the_right_to_take_back(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let (id, _) = back_up(&cluster, &sre, "data").await;
    back_up(&cluster, &sre, "data").await;
    let auditor = cluster.person(User::Auditor);
    auditor.take_state_of(&sre);
    let refused = auditor.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    let right = format!("delete volumesnapshots.snapshot.storage.k8s.io in {}", cluster.namespace);
    assert!(refused.stderr.contains("needs the right to") && refused.stderr.contains(&right), "{refused:?}");
    assert_eq!(names(&cluster, "data").await.len(), 2);
}

async fn an_operation_is_stopped_before_it_is_taken_back(cluster: TestCluster) {
    cluster.claim("data").await;
    let (sre, id) = crate::takeover::interrupted(&cluster).await;
    let refused = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("it has not ended"), "{refused:?}");
    assert!(refused.stderr.contains(&format!("holdfast operations stop {id}")), "{refused:?}");
    sre.run(&["operations", "stop", &id]).await.expect(0);
    assert_eq!(sre.operation().await["state"], "failed");
    assert_eq!(names(&cluster, "data").await, [""; 0], "a step that had no effect is not done to stop");
    let refused = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("it made nothing"), "{refused:?}");
}
