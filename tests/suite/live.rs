//! What happens in the cluster is on the desk at once, and a server that goes away takes nothing from it.

use std::time::Duration;

use holdfast::model::{Connection, Freshness, Kind};
use holdfast::session::Desk;
use holdfast::view::Pane;
use serde_json::json;

use crate::support::cluster::{TestCluster, User};
use crate::support::desk::{self, has, rows, session};
use crate::support::manifests;
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::LONG;

scenarios!(
    changes_are_on_the_desk_at_once,
    a_watch_that_breaks_loses_and_doubles_nothing,
    history_that_is_gone_is_listed_anew,
    first_rows_come_before_the_last_list;
    alone: a_restarted_api_server_leaves_every_row_in_its_place
);

const KINDS: [Kind; 3] = [Kind::Pvc, Kind::VolumeSnapshot, Kind::TlsSecret];

fn live(desk: &Desk) -> bool {
    desk.world.connection == Connection::Up && KINDS.iter().all(|kind| *desk.world.freshness(*kind) == Freshness::Live)
}

fn stale(desk: &Desk) -> bool {
    KINDS.iter().all(|kind| matches!(desk.world.freshness(*kind), Freshness::Stale { .. }))
}

async fn changes_are_on_the_desk_at_once(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "the desk to be live", LONG, live).await;
    let mut times = Vec::new();
    let mut on_desk = async |what: &str, right: &dyn Fn(&Desk) -> bool| {
        times.push(desk::until(&mut session, what, LONG, right).await);
    };
    for round in 0..5 {
        let (claim, snapshot) = (format!("data-{round}"), format!("copy-{round}"));
        cluster.create(&manifests::claim(&cluster.namespace, &claim)).await;
        on_desk("a new volume", &|desk| has(desk, Pane::Volumes, &claim)).await;

        let lineage = json!({ "metadata": { "annotations": { "holdfast.dev/rpo": "7h" } } });
        cluster.merge("v1", "PersistentVolumeClaim", &claim, &lineage).await;
        on_desk("a changed annotation", &|desk| {
            let mut claims = desk.world.inventory.pvcs.iter();
            claims.any(|pvc| *pvc.meta.name == *claim && pvc.meta.annotation("holdfast.dev/rpo") == Some("7h"))
        })
        .await;

        cluster.create(&manifests::snapshot(&cluster.namespace, &snapshot, &claim)).await;
        on_desk("a new restore point", &|desk| has(desk, Pane::RestorePoints, &snapshot)).await;
        cluster.delete(manifests::SNAPSHOTS, "VolumeSnapshot", &snapshot).await;
        on_desk("a restore point that is gone", &|desk| !has(desk, Pane::RestorePoints, &snapshot)).await;
    }
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();
    println!("{} changes on the desk: {mean:.1?} on average, {:.1?} at most", times.len(), times.iter().max().unwrap());
}

/// Objects of three panes, and the desk once it shows them.
async fn populated(cluster: &TestCluster) {
    for name in ["data-0", "data-1", "data-2"] {
        cluster.claim(name).await;
        cluster.create(&manifests::snapshot(&cluster.namespace, &format!("copy-of-{name}"), name)).await;
    }
    let secret = manifests::tls_secret(&cluster.namespace, "web-tls", "no certificate", "no key");
    cluster.create(&secret).await;
}

/// The rows of three panes, without the bundle that every namespace is given at some time.
fn all(desk: &Desk) -> [Vec<(String, String)>; 3] {
    let own = |(name, _): &(String, String)| name != "kube-root-ca.crt";
    [Pane::Volumes, Pane::RestorePoints, Pane::Certificates]
        .map(|pane| rows(desk, pane).into_iter().filter(own).collect())
}

fn complete(desk: &Desk) -> bool {
    live(desk) && all(desk).map(|rows| rows.len()) == [3, 3, 1]
}

async fn a_restarted_api_server_leaves_every_row_in_its_place(cluster: TestCluster) {
    populated(&cluster).await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "all rows", LONG, complete).await;
    let before = all(session.desk());

    cluster.kill_server().await;
    let took = desk::until(&mut session, "the panes to say that they are stale", LONG, stale).await;
    assert_eq!(all(session.desk()), before, "stale panes keep their rows");
    println!("stale {took:.1?} after the API server was killed");

    cluster.start_server().await;
    let took = desk::until(&mut session, "the panes to be live again", LONG, live).await;
    assert_eq!(all(session.desk()), before, "no row was lost or doubled");
    println!("live {took:.1?} after the API server was back");

    cluster.create(&manifests::claim(&cluster.namespace, "later")).await;
    desk::until(&mut session, "a volume made after the restart", LONG, |desk| has(desk, Pane::Volumes, "later")).await;
}

async fn a_watch_that_breaks_loses_and_doubles_nothing(cluster: TestCluster) {
    populated(&cluster).await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "all rows", LONG, complete).await;
    let before = all(session.desk());

    cluster.proxy.kill().await;
    desk::until(&mut session, "the panes to say that they are stale", LONG, stale).await;
    assert_eq!(all(session.desk()), before);
    // Meanwhile something goes and something comes.
    cluster.delete(manifests::SNAPSHOTS, "VolumeSnapshot", "copy-of-data-0").await;
    cluster.create(&manifests::claim(&cluster.namespace, "data-3")).await;
    cluster.proxy.revive();

    desk::until(&mut session, "what happened meanwhile", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data-3") && !has(desk, Pane::RestorePoints, "copy-of-data-0")
    })
    .await;
    assert_eq!(all(session.desk()).map(|rows| rows.len()), [4, 2, 1]);
    for pane in [Pane::Volumes, Pane::RestorePoints, Pane::Certificates] {
        desk::none_doubled(session.desk(), pane);
    }
}

/// What happened since the last version that was seen cannot be told any more (410): all of it is read anew.
async fn history_that_is_gone_is_listed_anew(cluster: TestCluster) {
    populated(&cluster).await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "all rows", LONG, complete).await;

    cluster.proxy.kill().await;
    desk::until(&mut session, "the panes to say that they are stale", LONG, stale).await;
    cluster.delete(manifests::SNAPSHOTS, "VolumeSnapshot", "copy-of-data-0").await;
    let expired = Order::on(http::Method::GET, "watch=", Fault::Status(410, None)).times(2 * Kind::ALL.len());
    cluster.proxy.order(expired);
    let before = cluster.proxy.came().len();
    cluster.proxy.revive();

    desk::until(&mut session, "what happened meanwhile", LONG, |desk| {
        live(desk) && !has(desk, Pane::RestorePoints, "copy-of-data-0")
    })
    .await;
    assert_eq!(all(session.desk()).map(|rows| rows.len()), [3, 2, 1]);
    for pane in [Pane::Volumes, Pane::RestorePoints, Pane::Certificates] {
        desk::none_doubled(session.desk(), pane);
    }
    let came = &cluster.proxy.came()[before..];
    assert!(came.iter().any(|came| came.status == Some(410)), "no watch was told so: {came:?}");
}

async fn first_rows_come_before_the_last_list(cluster: TestCluster) {
    populated(&cluster).await;
    let sre = cluster.person(User::Sre);
    cluster.proxy.order(Order::on(http::Method::GET, "/secrets", Fault::Delay(Duration::from_secs(3))));
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "the volumes", LONG, |desk| rows(desk, Pane::Volumes).len() == 3).await;
    assert_eq!(*session.desk().world.freshness(Kind::TlsSecret), Freshness::Loading);
    desk::until(&mut session, "the certificates as well", LONG, complete).await;
}
