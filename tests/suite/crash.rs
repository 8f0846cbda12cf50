//! kill -9 at every point of an operation: the next start shows it, and resuming ends it.

mod matrix;
mod operations;
mod picture;

pub use operations::kill_after;

use http::Method;
use serde_json::Value;

use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    killed_before_an_answer_arrives_a_backup_resumes_to_one_snapshot,
    killed_twice_a_backup_resumes_to_one_snapshot,
);

/// A claim of its own with known bytes, and an SRE to back it up.
async fn prepared(cluster: &TestCluster, claim: &str) -> (Person, Volume, String) {
    let volume = cluster.claim(claim).await;
    cluster.write(&volume, "rows", b"known bytes");
    (cluster.person(User::Sre), volume, format!("{}/{claim}", cluster.namespace))
}

async fn killed_before_an_answer_arrives_a_backup_resumes_to_one_snapshot(cluster: TestCluster) {
    // The record's create, the record's update before the snapshot, and the snapshot itself.
    let writes = [(Method::POST, "/configmaps"), (Method::PUT, "/configmaps/"), (Method::POST, "/volumesnapshots")];
    for (number, (method, resource)) in writes.into_iter().enumerate() {
        let (sre, volume, path) = prepared(&cluster, &format!("data-{number}")).await;
        let gate = Gate::shut();
        let order = Order::on(method, resource, Fault::HoldAnswer(gate.clone())).without("dryRun=All").times(1);
        cluster.proxy.order(order);
        let mut running = sre.start(&["backup", &path, "--yes"]);
        wait::until("the server to have done it", LONG, async || (gate.arrived() == 1).then_some(())).await;
        running.kill().await.unwrap();
        gate.break_off();
        cluster.proxy.clear();
        resumed_to_one_snapshot(&cluster, &sre, &volume).await;
    }
}

async fn killed_twice_a_backup_resumes_to_one_snapshot(cluster: TestCluster) {
    let (sre, volume, path) = prepared(&cluster, "data").await;
    let arguments = [vec!["backup", &path, "--yes"], vec!["operations", "resume"]];
    let mut id = String::new();
    for (round, mut arguments) in arguments.into_iter().enumerate() {
        let gate = Gate::shut();
        let order = Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
        cluster.proxy.order(order);
        if round == 1 {
            arguments.push(&id);
        }
        let mut running = sre.start(&arguments);
        wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
        running.kill().await.unwrap();
        gate.break_off();
        cluster.proxy.clear();
        sre.operation().await["id"].as_str().unwrap().clone_into(&mut id);
    }
    resumed_to_one_snapshot(&cluster, &sre, &volume).await;
    assert_eq!(sre.story().iter().filter(|what| *what == "resumed").count(), 2, "{:?}", sre.story());
}

/// The operation is shown as what it is, is resumed unless it has ended, and left one ready snapshot of the volume.
async fn resumed_to_one_snapshot(cluster: &TestCluster, sre: &Person, volume: &Volume) {
    let ended = sre.story().last().map(String::as_str) == Some("closed");
    let operation = sre.operation().await;
    let id = operation["id"].as_str().unwrap();
    assert_eq!(operation["state"], if ended { "done" } else { "interrupted" }, "{operation}");
    let resumed = sre.run(&["operations", "resume", id]).await;
    assert_eq!(resumed.code, Some(0), "after {:?}: {resumed:?}", sre.story());
    // Also of an operation whose console died between its end and the record of it.
    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-{id}")).await.expect("the record");
    assert_eq!(record["data"]["state"], "done", "{record}");
    assert_eq!(sre.operation().await["state"], "done");
    sre.run(&["journal", "verify"]).await.expect(0);

    let claim = operation["subject"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let mine = |snapshot: &Value| snapshot["spec"]["source"]["persistentVolumeClaimName"] == *claim;
    let snapshots: Vec<Value> = cluster.snapshots().await.into_iter().filter(mine).collect();
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    let handle = crate::backup::handle_of(cluster, &snapshots[0]).await;
    assert_eq!(cluster.read_snapshot(&volume.driver, &handle, "rows").as_deref(), Some(&b"known bytes"[..]));
}
