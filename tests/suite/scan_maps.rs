//! Scans that a team shares in its cluster: `ConfigMap`s with a label, in the namespaces that the configuration names.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use holdfast::config::{Config, ScanNamespace};
use holdfast::session::Desk;
use http::Method;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk;
use crate::support::person::Person;
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::LONG;
use crate::vulnerable::{another_second, release, scan, trusts};

scenarios!(
    one_map_that_a_pipeline_writes_over_proves_what_three_files_prove,
    a_map_without_the_label_or_with_other_keys_is_not_looked_at,
    nothing_is_known_good_while_a_namespace_with_scans_is_not_seen,
    what_a_map_held_stays_while_it_is_broken_and_says_which_key_is,
    a_console_sees_scans_come_change_and_go,
);

fn map(cluster: &TestCluster, name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": cluster.namespace, "labels": { "holdfast.dev/sarif": "" } },
        "data": data,
    })
}

/// An SRE whose console looks at the `ConfigMap`s of the scenario's namespace.
fn sre(cluster: &TestCluster, trusted: bool) -> Person {
    let sre = cluster.person(User::Sre);
    configure(&sre, cluster, trusted);
    sre
}

fn configure(sre: &Person, cluster: &TestCluster, trusted: bool) {
    let namespace = &cluster.namespace;
    sre.configure(&format!("[[findings.configmaps]]\nnamespace = \"{namespace}\"\ntrusted = {trusted}\n"));
}

async fn known_good(cluster: &TestCluster, sre: &Person) -> (Option<i32>, Value) {
    let ended = sre.run(&["known-good", &format!("{}/data-db-0", cluster.namespace), "-o", "json"]).await;
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")))
}

async fn back_up(cluster: &TestCluster, sre: &Person) {
    sre.run(&["backup", &format!("{}/data-db-0", cluster.namespace), "--yes"]).await.expect(0);
    another_second().await;
}

async fn one_map_that_a_pipeline_writes_over_proves_what_three_files_prove(cluster: TestCluster) {
    let sre = sre(&cluster, true);
    for (version, found) in [('a', false), ('b', true), ('c', false)] {
        let data = json!({ "latest.sarif": scan(version, found, true) });
        if version == 'a' {
            cluster.create(&map(&cluster, "scans", &data)).await;
        } else {
            cluster.merge("v1", "ConfigMap", "scans", &json!({ "data": data })).await;
        }
        release(&cluster, version).await;
        back_up(&cluster, &sre).await;
    }
    let (code, said) = known_good(&cluster, &sre).await;
    assert_eq!((code, trusts(&said)), (Some(0), vec!["may be tainted", "exposed", "known-good"]), "{said:#}");
    // Whoever can write there can write the scan.
    configure(&sre, &cluster, false);
    let (code, said) = known_good(&cluster, &sre).await;
    assert!(code == Some(3) && !trusts(&said).contains(&"known-good"), "{said:#}");
}

async fn a_map_without_the_label_or_with_other_keys_is_not_looked_at(cluster: TestCluster) {
    let sre = sre(&cluster, true);
    release(&cluster, 'a').await;
    back_up(&cluster, &sre).await;
    let log = scan('a', false, true);
    let mut without = map(&cluster, "without", &json!({ "a.sarif": log }));
    without["metadata"].as_object_mut().unwrap().remove("labels");
    cluster.create(&without).await;
    cluster.create(&map(&cluster, "other-keys", &json!({ "notes.txt": "no SARIF", "a.json": log }))).await;
    // There is a finding to judge by, and no proof against it.
    cluster.create(&map(&cluster, "b", &json!({ "b.sarif": scan('b', true, true) }))).await;
    let (code, said) = known_good(&cluster, &sre).await;
    assert!(code == Some(3) && !said.to_string().contains("cannot be read"), "{said:#}");

    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(log.as_bytes()).unwrap();
    let mut binary = map(&cluster, "packed", &Value::Null);
    binary["binaryData"] = json!({ "a.sarif.gz": ByteString(packed.finish().unwrap()) });
    cluster.create(&binary).await;
    release(&cluster, 'b').await;
    let (code, said) = known_good(&cluster, &sre).await;
    assert_eq!((code, trusts(&said)), (Some(0), vec!["known-good"]), "{said:#}");
}

/// A release that is clean, its copy, and one with a finding.
async fn good(cluster: &TestCluster, sre: &Person) {
    let data = json!({ "a.sarif": scan('a', false, true), "b.sarif": scan('b', true, true) });
    cluster.create(&map(cluster, "scans", &data)).await;
    release(cluster, 'a').await;
    back_up(cluster, sre).await;
    release(cluster, 'b').await;
    assert_eq!(trusts(&known_good(cluster, sre).await.1), ["known-good"]);
}

async fn nothing_is_known_good_while_a_namespace_with_scans_is_not_seen(cluster: TestCluster) {
    let sre = sre(&cluster, true);
    good(&cluster, &sre).await;
    let denied = Order::on(Method::GET, "/configmaps", Fault::Status(403, None)).with("labelSelector=holdfast");
    cluster.proxy.order(denied);
    let (code, said) = known_good(&cluster, &sre).await;
    assert_eq!((code, trusts(&said)), (Some(3), vec!["unknown"]), "{said:#}");
    let missing = format!("the right to list configmaps in {} is missing", cluster.namespace);
    assert!(said["reasons"].to_string().contains(&missing), "{said:#}");
    cluster.proxy.clear();
    assert_eq!(known_good(&cluster, &sre).await.0, Some(0));
}

async fn what_a_map_held_stays_while_it_is_broken_and_says_which_key_is(cluster: TestCluster) {
    let sre = sre(&cluster, true);
    good(&cluster, &sre).await;
    for broken in ["<html>502 Bad Gateway</html>", &scan('a', false, true)[..200]] {
        cluster.merge("v1", "ConfigMap", "scans", &json!({ "data": { "a.sarif": broken } })).await;
        let (code, said) = known_good(&cluster, &sre).await;
        let named = format!("ConfigMap {}/scans, a.sarif", cluster.namespace);
        assert!(code == Some(3) && said["reasons"].to_string().contains(&named), "{said:#}");
    }
    // What it held before proves what it did as soon as nothing is unread any more.
    cluster.merge("v1", "ConfigMap", "scans", &json!({ "data": { "a.sarif": null } })).await;
    assert_eq!(known_good(&cluster, &sre).await.0, Some(0));
}

/// How many scans are known, and whether all of their sources are seen.
fn told(desk: &Desk) -> (usize, bool) {
    let findings = &desk.world.findings;
    (findings.scans().len(), findings.unread().is_empty())
}

async fn a_console_sees_scans_come_change_and_go(cluster: TestCluster) {
    let mut config = Config::default();
    config.findings.configmaps = vec![ScanNamespace { namespace: cluster.namespace.clone(), trusted: true }];
    let sre = cluster.person(User::Sre);
    let mut session = desk::configured(&sre, &cluster.namespace, config.clone());
    desk::until(&mut session, "the first list", LONG, |desk| told(desk) == (0, true)).await;
    cluster.create(&map(&cluster, "scans", &json!({ "a.sarif": scan('a', true, true) }))).await;
    desk::until(&mut session, "a scan", LONG, |desk| told(desk) == (1, true)).await;
    cluster.merge("v1", "ConfigMap", "scans", &json!({ "data": { "b.sarif": scan('b', true, true) } })).await;
    desk::until(&mut session, "another key", LONG, |desk| told(desk) == (2, true)).await;
    cluster.merge("v1", "ConfigMap", "scans", &json!({ "data": { "b.sarif": "no JSON" } })).await;
    desk::until(&mut session, "a broken key", LONG, |desk| told(desk) == (2, false)).await;
    cluster.delete("v1", "ConfigMap", "scans").await;
    // What they proved stays.
    desk::until(&mut session, "the map to go", LONG, |desk| told(desk) == (2, true)).await;

    // What may be listed and not watched may have changed since.
    let denied = Order::on(Method::GET, "/configmaps", Fault::Status(403, None)).with("labelSelector=holdfast");
    cluster.proxy.order(denied.with("watch=1"));
    let mut session = desk::configured(&sre, &cluster.namespace, config);
    let missing = format!("the right to watch configmaps in {} is missing", cluster.namespace);
    let said = |desk: &Desk| desk.world.findings.unread().iter().any(|said| said.contains(&missing));
    desk::until(&mut session, "the missing right", LONG, said).await;
    cluster.proxy.clear();
    desk::until(&mut session, "the right again", LONG, |desk| told(desk) == (2, true)).await;
}
