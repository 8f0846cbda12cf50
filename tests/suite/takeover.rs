//! Two consoles go on with the same operation: one has it, the other stops, and nothing is done twice.

use http::Method;

use crate::backup::one_snapshot_with;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    of_two_consoles_that_resume_one_goes_on,
    a_console_that_slept_through_a_takeover_stops_before_its_next_write,
);

/// A backup killed when its intent is written and nothing is done yet.
pub async fn interrupted(cluster: &TestCluster) -> (Person, String) {
    let sre = cluster.person(User::Sre);
    let gate = Gate::shut();
    let order = Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    let mut running = sre.start(&["backup", &format!("{}/data", cluster.namespace), "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    (sre, id)
}

async fn of_two_consoles_that_resume_one_goes_on(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let (one, id) = interrupted(&cluster).await;
    let other = cluster.person(User::Sre);
    other.take_state_of(&one);

    // Both have read the record before either writes it.
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::PUT, "/configmaps/holdfast-", Fault::Hold(gate.clone())).times(2));
    let arguments = ["operations", "resume", id.as_str()];
    let opened = async {
        wait::until("both to want the operation", LONG, async || (gate.arrived() == 2).then_some(())).await;
        gate.open();
    };
    let (ended, also_ended, ()) = tokio::join!(one.run(&arguments), other.run(&arguments), opened);

    let mut codes = [ended.code, also_ended.code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)], "{ended:?}\n{also_ended:?}");
    let loser = if ended.code == Some(3) { ended } else { also_ended };
    assert!(loser.stderr.contains("took operation"), "{loser:?}");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_console_that_slept_through_a_takeover_stops_before_its_next_write(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let sleeper = cluster.person(User::Sre);
    // It sleeps between the intent and the record that must come before the snapshot.
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::PUT, "/configmaps/holdfast-", Fault::Hold(gate.clone())).times(1));
    let path = format!("{}/data", cluster.namespace);
    let arguments = ["backup", path.as_str(), "--yes"];
    let taken_over = async {
        wait::until("the sleeper to fall asleep", LONG, async || (gate.arrived() == 1).then_some(())).await;
        let colleague = cluster.person(User::Sre);
        colleague.take_state_of(&sleeper);
        let id = colleague.operation().await["id"].as_str().unwrap().to_owned();
        colleague.run(&["operations", "resume", &id]).await.expect(0);
        gate.open();
    };
    let (slept, ()) = tokio::join!(sleeper.run(&arguments), taken_over);
    let slept = slept.expect(3);
    assert!(slept.stderr.contains("took operation"), "{slept:?}");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}
