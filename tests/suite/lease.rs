//! One operation at a time works on the data of a volume: who comes second is told by whom, and who was away while
//! the lock ran out stops.

use http::Method;
use serde_json::{Value, json};

use crate::backup::one_snapshot_with;
use crate::support::cluster::{TestCluster, User, Volume};
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_second_console_is_told_who_works_on_the_volume,
    of_two_that_start_at_once_one_is_refused,
    a_holder_that_was_cut_off_stops_when_another_took_over,
    an_operation_whose_volume_was_taken_over_is_not_gone_on_with,
    a_lock_is_renewed_while_its_operation_runs,
);

/// A lock that runs out soon: a whole second is the least that a Lease counts.
pub const SHORT: &str = "[deadlines]\nlock = \"1s\"\n";

async fn prepared(cluster: &TestCluster) -> (Volume, String) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    (volume, format!("{}/data", cluster.namespace))
}

fn on_create(gate: &Gate) -> Order {
    Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All")
}

/// The Lease on the data of the only claim.
async fn lease(cluster: &TestCluster) -> Option<Value> {
    let claim = cluster.get("v1", "PersistentVolumeClaim", "data").await?;
    let name = format!("holdfast-{}", claim["metadata"]["uid"].as_str()?);
    cluster.get("coordination.k8s.io/v1", "Lease", &name).await
}

/// Waits until whoever holds the lock has not renewed it for longer than it holds.
pub async fn run_out(cluster: &TestCluster) {
    wait::until("the lock to run out", LONG, async || {
        let lease = lease(cluster).await?;
        let renewed: jiff::Timestamp = lease["spec"]["renewTime"].as_str()?.parse().ok()?;
        let holds = jiff::SignedDuration::from_secs(lease["spec"]["leaseDurationSeconds"].as_i64()?);
        (jiff::Timestamp::now().duration_since(renewed) > holds).then_some(())
    })
    .await;
}

fn kept_short(person: Person) -> Person {
    person.configure(SHORT);
    person
}

async fn a_second_console_is_told_who_works_on_the_volume(cluster: TestCluster) {
    let (volume, path) = prepared(&cluster).await;
    let way = cluster.other_way();
    let (first, second) = (cluster.person(User::Sre), cluster.person_by(&way, User::Sre));
    let gate = Gate::shut();
    cluster.proxy.order(on_create(&gate));
    let mut running = first.start(&["backup", &path, "--yes"]);
    wait::until("the first to create", LONG, async || (gate.arrived() == 1).then_some(())).await;
    let id = first.operation().await["id"].as_str().unwrap().to_owned();

    let refused = second.run(&["backup", &path, "--yes"]).await.expect(1);
    for said in [&*id, "of sre on ", "since ", "its lock holds until ", "wait for its end"] {
        assert!(refused.stderr.contains(said), "{said} is not said: {refused:?}");
    }
    assert!(second.journals().is_empty(), "it is refused before it becomes an operation");

    gate.open();
    assert!(running.wait().await.unwrap().success());
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
    let left = lease(&cluster).await.expect("a Lease is given back, not deleted");
    assert!(left["spec"].get("holderIdentity").is_none_or(Value::is_null), "{left}");
    second.run(&["backup", &path, "--yes"]).await.expect(0);
    assert_eq!(lease(&cluster).await.unwrap()["spec"]["leaseTransitions"], json!(1));
}

async fn of_two_that_start_at_once_one_is_refused(cluster: TestCluster) {
    let (volume, path) = prepared(&cluster).await;
    let (one, other) = (cluster.person(User::Sre), cluster.person(User::Sre));
    // Both have found the volume free before either takes it, and the one that has it keeps it until the other ended.
    let (gate, works) = (Gate::shut(), Gate::shut());
    cluster.proxy.order(Order::on(Method::POST, "/leases", Fault::Hold(gate.clone())).times(2));
    cluster.proxy.order(on_create(&works));
    let ended = |person: &Person| {
        person
            .journals()
            .iter()
            .any(|journal| std::fs::read_to_string(journal).unwrap().contains("\"what\":\"closed\""))
    };
    let arguments = ["backup", path.as_str(), "--yes"];
    let opened = async {
        wait::until("both to want the volume", LONG, async || (gate.arrived() == 2).then_some(())).await;
        gate.open();
        wait::until("one to be refused", LONG, async || (ended(&one) || ended(&other)).then_some(())).await;
        works.open();
    };
    let (ended, also_ended, ()) = tokio::join!(one.run(&arguments), other.run(&arguments), opened);
    let mut codes = [ended.code, also_ended.code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{ended:?}\n{also_ended:?}");
    let (loser, said) = if ended.code == Some(1) { (&one, ended) } else { (&other, also_ended) };
    assert!(said.stderr.contains("another operation works on the same data: operation "), "{said:?}");
    assert_eq!(loser.operation().await["state"], "failed");
    assert_eq!(loser.story(), ["opened", "closed"], "nothing was begun");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_holder_that_was_cut_off_stops_when_another_took_over(cluster: TestCluster) {
    let (volume, path) = prepared(&cluster).await;
    let way = cluster.other_way();
    let (holder, heir) = (kept_short(cluster.person(User::Sre)), kept_short(cluster.person_by(&way, User::Sre)));
    // Its intent is on disk and its record under way; then nothing of it gets through any more.
    let gate = Gate::shut();
    let there = gate.clone();
    cluster.proxy.order(Order::on(Method::PUT, "/configmaps/holdfast-", Fault::Hold(gate.clone())));
    cluster.proxy.order(Order::any(Fault::Hold(gate.clone())).when(move || there.arrived() > 0));
    let arguments = ["backup", path.as_str(), "--yes"];
    let taken_over = async {
        wait::until("the holder to be cut off", LONG, async || (gate.arrived() > 0).then_some(())).await;
        run_out(&cluster).await;
        let ended = heir.run(&arguments).await.expect(0);
        assert!(ended.stdout.contains("has not renewed its lock"), "the plan says what it takes over: {ended:?}");
        cluster.proxy.clear();
        gate.open();
    };
    let (ended, ()) = tokio::join!(holder.run(&arguments), taken_over);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("another console took the lineage over"), "{ended:?}");
    assert_eq!(lease(&cluster).await.unwrap()["spec"]["leaseTransitions"], json!(1));
    assert_eq!(holder.operation().await["state"], "failed");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
    let creates = cluster.audit().into_iter().filter(|event| {
        (&*event.user, &*event.verb, &*event.resource) == ("sre", "create", "volumesnapshots")
            && event.path.contains(&format!("/{}/", cluster.namespace))
            && !event.path.contains("dryRun")
    });
    assert_eq!(creates.count(), 1, "only the heir created one");
}

async fn an_operation_whose_volume_was_taken_over_is_not_gone_on_with(cluster: TestCluster) {
    let (volume, path) = prepared(&cluster).await;
    let (sre, heir) = (kept_short(cluster.person(User::Sre)), kept_short(cluster.person(User::Sre)));
    let gate = Gate::shut();
    cluster.proxy.order(on_create(&gate));
    let mut running = sre.start(&["backup", &path, "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();

    run_out(&cluster).await;
    heir.run(&["backup", &path, "--yes"]).await.expect(0);
    let resumed = sre.run(&["operations", "resume", &id]).await.expect(1);
    assert!(resumed.stderr.contains("took the lineage over"), "{resumed:?}");
    let operation = sre.operation().await;
    assert_eq!(operation["state"], "failed", "{operation}");
    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-{id}")).await.unwrap();
    assert_eq!(record["data"]["state"], "failed", "{record}");
    assert!(record["data"]["takenOverBy"].as_str().unwrap().contains("of sre on "), "{record}");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_lock_is_renewed_while_its_operation_runs(cluster: TestCluster) {
    let (_, path) = prepared(&cluster).await;
    let sre = kept_short(cluster.person(User::Sre));
    let gate = Gate::shut();
    cluster.proxy.order(on_create(&gate));
    let mut running = sre.start(&["backup", &path, "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    let renewed = async || lease(&cluster).await.unwrap()["spec"]["renewTime"].as_str().unwrap().to_owned();
    let first = renewed().await;
    wait::until("the lock to be renewed", LONG, async || (renewed().await != first).then_some(())).await;
    let held = lease(&cluster).await.unwrap();
    assert_eq!(held["spec"]["holderIdentity"], sre.operation().await["id"]);
    assert_eq!(held["metadata"]["annotations"]["holdfast.dev/actor"], "sre");
    gate.open();
    assert!(running.wait().await.unwrap().success());
}
