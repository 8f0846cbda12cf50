//! A plan printed as a script does with kubectl alone what the console would have done.

use std::path::Path;
use std::process::Output;

use http::Method;
use tokio::process::Command;

use crate::backup::one_snapshot_with;
use crate::renew;
use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_backup_is_taken_by_its_script,
    what_is_left_of_an_operation_is_done_by_its_script,
    a_script_takes_a_backup_back,
    a_set_is_taken_by_its_script,
    a_certificate_is_renewed_by_its_script,
);

/// Runs a script on a person's machine, with this kubectl.
async fn run(person: &Person, kubectl: &Path, script: &Path) -> Output {
    let path = format!("{}:{}", kubectl.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.arg(script).env_clear().envs(person.environment()).env("PATH", path).kill_on_drop(true);
    tokio::time::timeout(LONG, command.output()).await.expect("a script ends").unwrap()
}

/// A person whose kubeconfig kubectl can use as well; `None`, with a word, where there is no kubectl.
fn prepared(cluster: &TestCluster) -> Option<(Person, std::path::PathBuf)> {
    let Some(kubectl) = cluster.kubectl() else {
        println!("skipped: no kubectl");
        return None;
    };
    Some((Person::new(&cluster.straight(User::Sre), &[]), kubectl))
}

fn fine(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

async fn a_backup_is_taken_by_its_script(cluster: TestCluster) {
    let Some((sre, kubectl)) = prepared(&cluster) else { return };
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let (path, file) = (format!("{}/data", cluster.namespace), sre.home().join("by-hand.sh"));
    let arguments = ["backup", &path, "--reason", "it's $(due)", "--dry-run", "--script"];
    sre.run(&[&arguments[..], &[file.to_str().unwrap()]].concat()).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 0, "printing a script changes nothing");

    let said = fine(&run(&sre, &kubectl, &file).await);
    assert!(said.contains("create.") || said.contains("ready."), "{said}");
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
    let snapshot = cluster.snapshots().await.remove(0);
    assert_eq!(snapshot["metadata"]["annotations"]["holdfast.dev/reason"], "it's $(due)");
    // Once more, it finds its own work done.
    fine(&run(&sre, &kubectl, &file).await);
    assert_eq!(cluster.snapshots().await.len(), 1);

    let printed = sre.run(&[&arguments[..], &["-"]].concat()).await.expect(0);
    assert!(printed.stdout.starts_with("#!/bin/sh\n"), "nothing but the script is on stdout: {}", printed.stdout);
    cluster.delete("v1", "PersistentVolumeClaim", "data").await;
    wait::until("the claim to be gone", LONG, async || {
        cluster.get("v1", "PersistentVolumeClaim", "data").await.is_none().then_some(())
    })
    .await;
    std::fs::write(&file, printed.stdout).unwrap();
    let stopped = run(&sre, &kubectl, &file).await;
    assert!(!stopped.status.success(), "the volume of the plan is gone: {stopped:?}");
    assert_eq!(cluster.snapshots().await.len(), 1);
}

async fn what_is_left_of_an_operation_is_done_by_its_script(cluster: TestCluster) {
    let Some((hand, kubectl)) = prepared(&cluster) else { return };
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let sre = cluster.person(User::Sre);
    sre.configure("[deadlines]\nlock = \"1s\"\n");
    let gate = Gate::shut();
    let order = Order::on(Method::POST, "/volumesnapshots", Fault::HoldAnswer(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    let mut running = sre.start(&["backup", &format!("{}/data", cluster.namespace), "--yes"]);
    wait::until("the create to be done", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();

    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let script = sre.run(&["operations", "script", &id]).await.expect(0).stdout;
    // It was made for the way through the proxy, on which kubectl has no token.
    let file = hand.home().join("left.sh");
    let kubeconfig = std::fs::read_to_string(hand.kubeconfig()).unwrap();
    let line = |text: &str, key: &str| {
        let found = text.lines().find_map(|line| line.trim().strip_prefix(key).map(|value| value.trim().to_owned()));
        found.unwrap_or_else(|| panic!("{key} is not in {text}")).trim_matches('"').to_owned()
    };
    let context = line(&kubeconfig, "current-context:");
    let straight = fine(
        &Command::new(&kubectl)
            .args(["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"])
            .env("KUBECONFIG", hand.kubeconfig())
            .output()
            .await
            .unwrap(),
    );
    let script = script.replace("context='test'", &format!("context='{context}'"));
    std::fs::write(&file, script.replace(&cluster.proxy.url(), straight.trim_end_matches('/'))).unwrap();
    fine(&run(&hand, &kubectl, &file).await);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
    // The console comes back and finds all of it done.
    sre.run(&["operations", "resume", &id]).await.expect(0);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}

async fn a_script_takes_a_backup_back(cluster: TestCluster) {
    let Some((sre, kubectl)) = prepared(&cluster) else { return };
    cluster.claim("data").await;
    let path = format!("{}/data", cluster.namespace);
    sre.run(&["backup", &path, "--yes"]).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    sre.run(&["backup", &path, "--yes"]).await.expect(0);
    let file = sre.home().join("undo.sh");
    sre.run(&["operations", "undo", &id, "--dry-run", "--script", file.to_str().unwrap()]).await.expect(0);
    fine(&run(&sre, &kubectl, &file).await);
    let left = cluster.snapshots().await;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0]["metadata"]["name"], format!("data-{id}"), "the other one stays");
}

async fn a_set_is_taken_by_its_script(cluster: TestCluster) {
    let Some((sre, kubectl)) = prepared(&cluster) else { return };
    cluster.create(&manifests::stateful_set(&cluster.namespace, "db", 2)).await;
    for claim in ["data-db-0", "data-db-1"] {
        cluster.bound_when_made(claim).await;
    }
    for (together, snapshots) in [("parallel", 2), ("group", 4)] {
        let file = sre.home().join(format!("{together}.sh"));
        let to = ["--dry-run", "--together", together, "--script", file.to_str().unwrap()];
        let arguments = ["backup", "--workload", "statefulset/db", "--namespace", &cluster.namespace];
        sre.run(&[&arguments[..], &to].concat()).await.expect(0);
        fine(&run(&sre, &kubectl, &file).await);
        let made = cluster.snapshots().await;
        assert_eq!(made.len(), snapshots, "{made:#?}");
        assert!(made.iter().all(|made| made["metadata"]["labels"]["holdfast.dev/set"].is_string()), "{made:#?}");
    }
}

async fn a_certificate_is_renewed_by_its_script(cluster: TestCluster) {
    let Some((sre, kubectl)) = prepared(&cluster) else { return };
    renew::prepared(&cluster).await;
    let (path, file) = (format!("{}/web", cluster.namespace), sre.home().join("by-hand.sh"));
    sre.run(&["renew", &path, "--dry-run", "--script", file.to_str().unwrap()]).await.expect(0);
    let said = fine(&run(&sre, &kubectl, &file).await);
    assert!(said.contains("issued.revision\t2"), "{said}");
    renew::issued(&cluster, "web", 2).await;
}
