//! The tree of a claim, seen through a real session: what was made in the cluster hangs on it.

use std::time::Duration;

use holdfast::model::{Key, Kind, Uid};
use holdfast::session::Desk;
use holdfast::view::{Pane, TreeLine, tree};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk::{self, session};
use crate::support::manifests;
use crate::support::scenarios;
use crate::support::wait::LONG;

scenarios!(the_tree_of_a_claim_shows_its_snapshot_and_its_pod);

/// How long after an object became ready its controller has written its last.
const CONTROLLER_RESTS: Duration = Duration::from_secs(2);

/// The lines of the tree of a claim, everything open.
fn lines(desk: &Desk, claim: &str) -> Vec<TreeLine> {
    let row = desk.boards.board(Pane::Volumes).iter().find(|row| &*row.object.name == claim);
    let tree = row.and_then(|row| tree(&desk.world, &desk.boards, &row.key, desk.now));
    tree.map(|tree| tree.lines(&[].into())).unwrap_or_default()
}

fn line<'l>(lines: &'l [TreeLine], kind: &str) -> Option<&'l TreeLine> {
    lines.iter().find(|line| &*line.kind == kind)
}

async fn the_tree_of_a_claim_shows_its_snapshot_and_its_pod(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.create(&manifests::pod(&cluster.namespace, "reader", "data")).await;
    cluster.create(&manifests::snapshot(&cluster.namespace, "copy", "data")).await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "the claim, its copy and its pod to stand in one tree", LONG, |desk| {
        let lines = lines(desk, "data");
        let is = |kind: &str, state: &str| {
            line(&lines, kind).is_some_and(|line| line.object.is_some() && &*line.state == state)
        };
        let seen = |kind: &&str| line(&lines, kind).is_some_and(|line| line.object.is_some());
        is("Pod", "Running")
            && is("Snapshot", "Good")
            && is("Attachment", "Attached")
            && ["Volume", "PV", "Class", "Node", "Content"].iter().all(seen)
    })
    .await;
    let lines = lines(session.desk(), "data");
    let names = ["Volume", "Pod", "Snapshot"].map(|kind| line(&lines, kind).map_or("", |line| &*line.name));
    assert_eq!(names, ["data", "reader", "copy"]);
    assert!(line(&lines, "Content").unwrap().guide.len() > line(&lines, "Snapshot").unwrap().guide.len());

    let Some(Key::Object(Kind::VolumeSnapshot, uid)) = line(&lines, "Snapshot").unwrap().object.clone() else {
        panic!()
    };
    // Deleted within milliseconds of becoming ready, a snapshot may keep its controller's finalizer.
    tokio::time::sleep(CONTROLLER_RESTS).await;
    cluster.delete(manifests::SNAPSHOTS, "VolumeSnapshot", "copy").await;
    desk::until(&mut session, "the copy to leave the tree", LONG, |desk| !holds(&self::lines(desk, "data"), &uid))
        .await;
}

fn holds(lines: &[TreeLine], snapshot: &Uid) -> bool {
    let key = Key::Object(Kind::VolumeSnapshot, snapshot.clone());
    lines.iter().any(|line| line.key == key)
}
