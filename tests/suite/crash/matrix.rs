//! Every operation, killed at every line of its journal: resumed, it comes to the end that it has undisturbed; stopped
//! and taken back, everything is as it was before.
//!
//! Long journals are cut at some of their lines, at others each day; `HOLDFAST_EVERY_LINE=1` takes all.

use std::fmt;

use super::operations::{Back, Operation, Scene, slices};
use super::picture::Picture;
use crate::support::cluster::TestCluster;
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_backup,
    a_backup_that_holds_the_application,
    a_restore_beside,
    a_restore_in_place_of_a_stateful_set,
    a_restore_in_place_of_a_whole_set,
    a_restore_in_place_of_a_deployment,
    a_restore_in_place_that_is_refused_late,
    a_drill,
    a_prune,
    a_hold,
    a_renewal,
    a_rotation,
    making_a_ca_that_follows_another,
    trusting_it_beside_the_former_one,
    signing_with_it,
    trusting_the_former_one_no_more,
    the_release_of_a_hold,
    taking_a_backup_back,
    taking_a_restore_in_place_back,
);

async fn a_backup(cluster: TestCluster) {
    killed(&cluster, Operation::Backup).await;
}

async fn a_backup_that_holds_the_application(cluster: TestCluster) {
    killed(&cluster, Operation::Held).await;
}

async fn a_restore_beside(cluster: TestCluster) {
    killed(&cluster, Operation::Restore).await;
}

async fn a_restore_in_place_of_a_stateful_set(cluster: TestCluster) {
    killed(&cluster, Operation::OfSet).await;
}

async fn a_restore_in_place_of_a_whole_set(cluster: TestCluster) {
    killed(&cluster, Operation::WholeSet).await;
}

async fn a_restore_in_place_of_a_deployment(cluster: TestCluster) {
    killed(&cluster, Operation::OfDeployment).await;
}

async fn a_restore_in_place_that_is_refused_late(cluster: TestCluster) {
    killed(&cluster, Operation::Refused).await;
}

async fn a_drill(cluster: TestCluster) {
    killed(&cluster, Operation::Drill).await;
}

async fn a_prune(cluster: TestCluster) {
    killed(&cluster, Operation::Prune).await;
}

async fn a_renewal(cluster: TestCluster) {
    killed(&cluster, Operation::Renew).await;
}

async fn a_rotation(cluster: TestCluster) {
    killed(&cluster, Operation::Rotate).await;
}

async fn making_a_ca_that_follows_another(cluster: TestCluster) {
    killed(&cluster, Operation::OfCa("make")).await;
}

async fn trusting_it_beside_the_former_one(cluster: TestCluster) {
    killed(&cluster, Operation::OfCa("trust")).await;
}

async fn signing_with_it(cluster: TestCluster) {
    killed(&cluster, Operation::OfCa("switch")).await;
}

async fn trusting_the_former_one_no_more(cluster: TestCluster) {
    killed(&cluster, Operation::OfCa("drop")).await;
}

async fn a_hold(cluster: TestCluster) {
    killed(&cluster, Operation::Hold).await;
}

async fn the_release_of_a_hold(cluster: TestCluster) {
    killed(&cluster, Operation::Release).await;
}

async fn taking_a_backup_back(cluster: TestCluster) {
    killed(&cluster, Operation::UndoOfBackup).await;
}

async fn taking_a_restore_in_place_back(cluster: TestCluster) {
    killed(&cluster, Operation::UndoOfRestore).await;
}

/// Where it is killed, and what comes then.
#[derive(Clone, Copy, Debug)]
struct Point {
    line: usize,
    resumed: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.line, if self.resumed { "resumed" } else { "back" })
    }
}

async fn killed(cluster: &TestCluster, operation: Operation) {
    let (end, lines) = undisturbed(&cluster.apart("undisturbed").await, operation).await;
    let lines = operation.points(cluster, lines);
    let roads: &[bool] = if operation.back(cluster).is_some() { &[true, false] } else { &[true] };
    let points = lines.into_iter().flat_map(|line| roads.iter().map(move |resumed| Point { line, resumed: *resumed }));
    cluster
        .at_each(points, async |cluster, point| {
            let scene = operation.scene(&cluster).await;
            operation.disturb(&cluster, &scene);
            scene.kill_after(&cluster, point.line).await;
            operation.disturb(&cluster, &scene);
            if point.resumed {
                resumed(&cluster, operation, &scene, &end, point).await;
            } else {
                taken_back(&cluster, operation, &scene, point).await;
            }
            scene.sre.run(&["journal", "verify"]).await.expect(0);
        })
        .await;
}

/// The end of a run that nothing disturbs, and how many lines its journal has.
async fn undisturbed(cluster: &TestCluster, operation: Operation) -> (Picture, usize) {
    let scene = operation.scene(cluster).await;
    operation.disturb(cluster, &scene);
    scene.sre.run(&slices(&scene.arguments)).await.expect(operation.code());
    // Controllers may still be at it.
    let mut last = scene.picture(cluster).await;
    let quiet = wait::until("the cluster to be quiet", LONG, async || {
        let now = scene.picture(cluster).await;
        let same = now == last && now.settled();
        last = now.clone();
        same.then_some(now)
    });
    (quiet.await, scene.lines())
}

async fn resumed(cluster: &TestCluster, operation: Operation, scene: &Scene, end: &Picture, point: Point) {
    let resumed = scene.sre.run(&["operations", "resume", &scene.id()]).await;
    // Nobody can tell whether what was held at the kill was held all along: that backup is given up.
    let given_up = operation == Operation::Held && resumed.code == Some(1);
    let code = resumed.code == Some(operation.code()) || given_up;
    assert!(code, "{operation:?} at {point}: {:?}: {resumed:?}", scene.story());
    if given_up {
        released(cluster, scene, point).await;
    } else {
        becomes(cluster, operation, scene, point, Picture::clone, end).await;
    }
}

/// The application is held no more, and what was cut, if anything was, does not pass for consistent.
async fn released(cluster: &TestCluster, scene: &Scene, point: Point) {
    let volume = cluster.bound("data").await;
    assert_eq!(cluster.read_text(&volume, "state"), "released\n", "at {point}: {:?}", scene.story());
    for snapshot in cluster.snapshots().await.iter().filter(|snapshot| snapshot["metadata"]["name"] != "copy") {
        let level = &snapshot["metadata"]["annotations"]["holdfast.dev/consistency"];
        assert_eq!(level, "crash", "at {point}: {snapshot}");
    }
}

async fn taken_back(cluster: &TestCluster, operation: Operation, scene: &Scene, point: Point) {
    let id = scene.id();
    let stopped = scene.sre.run(&["operations", "stop", &id]).await;
    assert_eq!(stopped.code, Some(0), "{operation:?} at {point}: {:?}: {stopped:?}", scene.story());
    let back = match operation.back(cluster) {
        Some(Back::Undo) => vec!["operations".to_owned(), "undo".to_owned(), id, "--yes".to_owned()],
        Some(Back::By(arguments)) => arguments,
        Some(Back::Nothing) | None => Vec::new(),
    };
    if !back.is_empty() {
        let undone = scene.sre.run(&slices(&back)).await;
        let nothing = [
            "it made nothing",
            "is gone already",
            "was taken back when it ended",
            "is not held",
            "it could go back to",
            "never gave",
            "the new CA is gone",
        ];
        let fine = undone.code == Some(0) || nothing.iter().any(|said| undone.stderr.contains(said));
        assert!(fine, "{operation:?} at {point}: {:?}: {undone:?}", scene.story());
    }
    let original = scene.before.essence(&scene.before);
    becomes(cluster, operation, scene, point, |now| now.essence(&scene.before), &original).await;
}

/// Waits until the namespace is so.
async fn becomes(
    cluster: &TestCluster,
    operation: Operation,
    scene: &Scene,
    point: Point,
    seen: impl Fn(&Picture) -> Picture,
    expected: &Picture,
) {
    let what = format!("{operation:?} at {point} to come to {expected:#?}\nafter {:?}", scene.story());
    wait::seen(&what, LONG / 2, async || seen(&scene.picture(cluster).await), |now| now == expected).await;
}
