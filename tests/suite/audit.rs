//! `holdfast audit`: the report of the seeded cluster, what it says to scripts, how it is checked and compared, and that
//! it never writes.

use std::fmt::Write as _;
use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::Value;

use crate::read_only::writes;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    the_report_of_the_seeded_cluster_is_its_golden,
    an_audit_ends_with_the_codes_of_the_command_line,
    a_report_is_checked_against_itself_and_the_journal,
    an_administrator_who_audits_writes_nothing,
    what_an_identity_may_not_see_is_unknown,
    a_namespace_that_does_not_exist_is_never_in_order,
);

/// An audit as JSON, whatever it finds.
async fn audit(person: &Person, arguments: &[&str]) -> Value {
    person.run(&[&["audit", "-o", "json"], arguments].concat()).await.json()
}

fn control<'a>(report: &'a Value, id: &str) -> &'a Value {
    let controls = report["controls"].as_array().unwrap();
    controls.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no control {id}"))
}

/// A text without what differs from run to run: numbers and spans of time, and what controllers add to names of pods.
fn masked(text: &str) -> String {
    const GUESS: &str = "inferred, not seen";
    // Whether a pod started before its certificate was issued, and so what is inferred, is a matter of moments.
    let text = text.find(GUESS).map_or(text, |at| &text[..at + GUESS.len()]);
    let mut digits = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if digits.ends_with('#') => {}
            '0'..='9' => digits.push('#'),
            's' | 'm' | 'h' | 'd' if digits.ends_with('#') => digits.push('~'),
            other => digits.push(other),
        }
    }
    let mut words: Vec<String> = Vec::new();
    for word in digits.replace("#.#", "#").split(' ') {
        let of_pod = words.last().is_some_and(|last| last == "pod");
        let stem = if of_pod { format!("{}…", word.split('-').next().unwrap()) } else { word.to_owned() };
        words.push(stem);
    }
    let text = words.join(" ");
    let mut spans = text.replace("#~#~", "#~").replace("#~", "AGE");
    while spans.contains("AGEAGE") {
        spans = spans.replace("AGEAGE", "AGE");
    }
    spans.replace("#-#-#T#:#:#Z", "TIME")
}

fn golden(report: &Value) -> String {
    let mut out = String::new();
    for one in report["controls"].as_array().unwrap() {
        let text = |member: &str| one[member].as_str().unwrap().to_owned();
        writeln!(out, "{}: {}", text("id"), text("state")).unwrap();
        // A controller of the real control plane puts the cluster's own CA into each namespace.
        let seeded = |fact: &&Value| !fact["object"].as_str().unwrap().contains("kube-root-ca.crt");
        for fact in one["evidence"].as_array().unwrap().iter().filter(seeded) {
            let text = |member: &str| fact[member].as_str().unwrap().to_owned();
            let at = if fact["at"].is_string() { " at TIME" } else { "" };
            writeln!(out, "  {} {}: {}: {}{at}", text("state"), text("object"), text("field"), masked(&text("value")))
                .unwrap();
        }
    }
    out
}

async fn the_report_of_the_seeded_cluster_is_its_golden(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    let seeded = ["-n", "shop", "-n", "batch"];
    // Controllers may still be at it: until what they make is there, and two looks in a row say the same.
    let report = wait::until("the seeded objects to be settled", LONG, async || {
        let (one, two) = (audit(&sre, &seeded).await, audit(&sre, &seeded).await);
        let there = control(&one, "certificate-renewal")["state"] == "pass" && golden(&one) == golden(&two);
        there.then_some(two)
    })
    .await;
    assert_snapshot!("seeded", golden(&report));
    assert_eq!(report["context"]["identity"], "sre");
    assert_eq!(report["context"]["readOnly"], true);
    assert_eq!(report["context"]["namespaces"], serde_json::json!(["shop", "batch"]));
    assert_eq!(report["schema"], "holdfast.dev/audit/v1");
    // The page, the tables and the log are made of the same.
    for (form, mark) in
        [("table", "backup-objective"), ("md", "# Audit"), ("html", "<!doctype html>"), ("sarif", "2.1.0")]
    {
        let ended = sre.run(&[&["audit", "-o", form], &seeded[..]].concat()).await.expect(0);
        assert!(ended.stdout.contains(mark) && ended.stdout.contains("shop/data-db-0"), "{form}: {ended:?}");
    }
}

async fn an_audit_ends_with_the_codes_of_the_command_line(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let run = async |more: &[&str]| sre.run(&[&["audit", "-n", &cluster.namespace], more].concat()).await;
    // The claim has no objective: that fails. Its driver is not known: that is unknown.
    run(&[]).await.expect(0);
    run(&["--fail-on", "fail"]).await.expect(1);
    run(&["--only", "encryption-at-rest", "--fail-on", "fail"]).await.expect(3);
    run(&["--only", "encryption-at-rest", "--fail-on", "unknown"]).await.expect(1);
    run(&["--only", "certificate-crypto,certificate-expiry", "--fail-on", "unknown"]).await.expect(0);
    let typo = run(&["--only", "encryption-at-rst"]).await.expect(2);
    assert!(typo.stderr.contains("did you mean encryption-at-rest?"), "{typo:?}");
    run(&["-A"]).await.expect(2);

    let earlier = sre.home().join("earlier.json");
    let path = earlier.to_str().unwrap();
    run(&["-o", "json", "--out", path]).await.expect(0);
    let same = run(&["--baseline", path, "--fail-on", "fail"]).await.expect(0);
    assert!(same.stdout.contains("0 new, 0 fixed"), "{same:?}");
    cluster.claim("more").await;
    let worse = run(&["--baseline", path, "--fail-on", "fail"]).await.expect(1);
    let new = format!("new: backup-objective: PersistentVolumeClaim {}/more", cluster.namespace);
    assert!(worse.stdout.contains(&new), "{worse:?}");
    cluster.merge("v1", "PersistentVolumeClaim", "data", &objective("none")).await;
    let better = audit(&sre, &["-n", &cluster.namespace, "--baseline", path]).await;
    let fixed = better["baseline"]["differences"].as_array().unwrap().iter().filter(|one| one["change"] == "fixed");
    let objects: Vec<&str> = fixed.map(|one| one["object"].as_str().unwrap()).collect();
    assert_eq!(objects, [format!("PersistentVolumeClaim {}/data", cluster.namespace)]);
    let elsewhere = sre.run(&["audit", "-n", "shop", "--baseline", path]).await.expect(2);
    assert!(elsewhere.stderr.contains("the earlier report is of"), "{elsewhere:?}");
    std::fs::write(&earlier, "[]").unwrap();
    run(&["--baseline", path]).await.expect(2);
}

fn objective(rpo: &str) -> Value {
    serde_json::json!({ "metadata": { "annotations": { "holdfast.dev/rpo": rpo } } })
}

async fn a_report_is_checked_against_itself_and_the_journal(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let volume = format!("{}/data", cluster.namespace);
    sre.run(&["backup", &volume, "--yes"]).await.expect(0);
    let path = sre.home().join("audit.json");
    let write =
        async || sre.run(&["audit", "-n", &cluster.namespace, "-o", "json", "--out", path.to_str().unwrap()]).await;
    let verify = async |by: &Person| by.run(&["audit", "verify", path.to_str().unwrap()]).await;
    write().await.expect(0);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(control(&report, "journal")["state"], "pass", "{report:#}");
    assert_eq!(control(&report, "operations")["state"], "pass");
    let sound = verify(&sre).await.expect(0);
    assert!(sound.stdout.contains("its head is in it"), "{sound:?}");
    // On another machine the report can be checked, and its journal not.
    let there = verify(&cluster.person(User::Auditor)).await.expect(3);
    assert!(there.stdout.contains("as it was written") && there.stdout.contains("verify it there"), "{there:?}");
    // Later operations add to the journal: the head stays in it.
    sre.run(&["backup", &volume, "--yes"]).await.expect(0);
    verify(&sre).await.expect(0);

    write().await.expect(0);
    let index: PathBuf = sre.state().join("index.jsonl");
    let text = std::fs::read_to_string(&index).unwrap();
    let shorter: Vec<&str> = text.lines().take(text.lines().count() - 1).collect();
    std::fs::write(&index, shorter.join("\n") + "\n").unwrap();
    verify(&sre).await.expect(1);
    std::fs::write(&index, &text).unwrap();
    verify(&sre).await.expect(0);

    let written = std::fs::read_to_string(&path).unwrap();
    let failing = "\"state\": \"fail\"";
    assert!(written.contains(failing));
    std::fs::write(&path, written.replacen(failing, "\"state\": \"pass\"", 1)).unwrap();
    let changed = verify(&sre).await.expect(1);
    assert!(changed.stderr.contains("it was changed after it was written"), "{changed:?}");
}

async fn an_administrator_who_audits_writes_nothing(cluster: TestCluster) {
    cluster.claim("data").await;
    let from = cluster.audit().len();
    let admin = cluster.person(User::Admin);
    for form in ["table", "md", "json", "html", "sarif"] {
        admin.run(&["audit", "-n", &cluster.namespace, "-o", form]).await.expect(0);
    }
    assert_eq!(writes(&cluster, from, "admin"), []);
}

async fn what_an_identity_may_not_see_is_unknown(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.merge("v1", "PersistentVolumeClaim", "data", &objective("24h")).await;
    cluster.let_in().await;
    let tenant = cluster.person(User::Tenant);
    let ended = tenant.run(&["audit", "-n", &cluster.namespace, "-o", "json"]).await.expect(3);
    let report = ended.json();
    assert!(ended.stderr.contains("are not seen: the right to"), "{}", ended.stderr);
    for id in ["backup-objective", "failure-domain", "encryption-at-rest", "certificate-expiry"] {
        let one = control(&report, id);
        assert_eq!(one["state"], "unknown", "{id}: {one:#}");
        let blind = |fact: &Value| fact["field"] == "freshness" && fact["state"] == "unknown";
        assert!(one["evidence"].as_array().unwrap().iter().any(blind), "{id}: {one:#}");
    }
}

/// A pipeline with a typing error must not be green.
async fn a_namespace_that_does_not_exist_is_never_in_order(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let misspelt = format!("{}x", cluster.namespace);
    let meant = format!("there is no namespace {misspelt}");
    for command in [
        ["audit", "--only", "backup-objective,certificate-expiry"].as_slice(),
        &["get", "volumes"],
        &["get", "certificates"],
        &["get", "problems"],
        &["operations", "list"],
    ] {
        let ended = sre.run(&[command, &["-n", &misspelt]].concat()).await.expect(2);
        assert!(ended.stderr.contains(&meant) && ended.stdout.is_empty(), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("did you mean "), "{command:?}: {ended:?}");
    }
    // One that is right does not make up for another that is not.
    sre.run(&["audit", "-n", &cluster.namespace, "-n", &misspelt]).await.expect(2);

    // Who may not list namespaces is not told, and nothing found there is no good news.
    cluster.let_in().await;
    let tenant = cluster.person(User::Tenant);
    let ended = tenant.run(&["audit", "-n", &misspelt, "-o", "json"]).await.expect(3);
    let object = format!("Namespace {misspelt}");
    let doubted = |report: &Value, id: &str| {
        control(report, id)["evidence"].as_array().unwrap().iter().any(|fact| fact["object"] == object.as_str())
    };
    let report = ended.json();
    for id in ["backup-objective", "certificate-expiry", "operations"] {
        assert!(control(&report, id)["state"] == "unknown" && doubted(&report, id), "{id}: {report:#}");
    }
    let right = audit(&tenant, &["-n", &cluster.namespace]).await;
    assert!(!right.to_string().contains("whether it exists cannot be seen"), "{right:#}");
}
