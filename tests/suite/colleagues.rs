//! What colleagues' consoles do is seen from their records: who, where, how it stands, and never twice.

use http::Method;
use serde_json::Value;

use crate::support::cluster::{TestCluster, User};
use crate::support::desk;
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(operations_of_other_machines_are_listed, who_cannot_see_colleagues_is_told);

async fn listed(person: &Person, more: &[&str]) -> Vec<Value> {
    let arguments = [&["operations", "list", "-o", "json"], more].concat();
    person.run(&arguments).await.expect(0).json().as_array().unwrap().clone()
}

async fn operations_of_other_machines_are_listed(cluster: TestCluster) {
    cluster.claim("data").await;
    let (sre, admin) = (cluster.person(User::Sre), cluster.person(User::Admin));
    sre.configure("[deadlines]\nlock = \"1s\"\n");
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All"));
    let mut running = sre.start(&["backup", &format!("{}/data", cluster.namespace), "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();

    let [theirs] = &listed(&admin, &[]).await[..] else { panic!("one operation") };
    assert_eq!(
        (&theirs["id"], &theirs["state"], &theirs["here"]),
        (&Value::from(&*id), &"running".into(), &false.into())
    );
    assert_eq!(theirs["actor"], "sre", "{theirs}");
    assert!(theirs["machine"].as_str().is_some_and(|machine| !machine.is_empty()), "{theirs}");
    assert_eq!(listed(&admin, &["--here"]).await, [Value::Null; 0]);
    let [mine] = &listed(&sre, &[]).await[..] else { panic!("what is here is not listed twice") };
    assert_eq!((&mine["id"], &mine["here"]), (&Value::from(&*id), &true.into()));
    let resumed = admin.run(&["operations", "resume", &id]).await.expect(1);
    assert!(resumed.stderr.contains("no journal of operation"), "{resumed:?}");

    let mut console = desk::session(&admin, &cluster.namespace);
    console.watch_colleagues();
    desk::until(&mut console, "the colleague's operation", LONG, |desk| {
        let found = desk.operations.iter().find(|operation| *operation.id == *id);
        found.is_some_and(|operation| operation.elsewhere.is_some() && !operation.can_resume && !operation.runs_here())
    })
    .await;

    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    wait::until("the lock to run out", LONG, async || {
        (listed(&admin, &[]).await[0]["state"] == "interrupted").then_some(())
    })
    .await;
    let table = admin.run(&["operations", "list"]).await.expect(0);
    assert!(table.stdout.contains("(sre on ") && table.stdout.contains("nobody renews its lock"), "{table:?}");
    sre.run(&["operations", "resume", &id]).await.expect(0);
    assert_eq!(listed(&admin, &[]).await[0]["state"], "done");
}

async fn who_cannot_see_colleagues_is_told(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    sre.run(&["backup", &format!("{}/data", cluster.namespace), "--yes"]).await.expect(0);
    cluster.proxy.order(Order::on(Method::GET, "/configmaps", Fault::Status(403, None)));
    let ended = sre.run(&["operations", "list"]).await.expect(3);
    assert!(ended.stdout.contains("done"), "what is here is listed all the same: {ended:?}");
    assert!(
        ended.stderr.contains("operations of colleagues are not seen") && ended.stderr.contains("--here"),
        "{ended:?}"
    );
}
