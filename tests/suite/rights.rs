//! People with fewer rights see what they may see, are told what they do not, and nothing unknown is called fine.

use holdfast::model::{Freshness, Kind};
use holdfast::view::Pane;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk::{self, has, session};
use crate::support::manifests;
use crate::support::scenarios;
use crate::support::wait::LONG;

scenarios!(
    an_auditor_without_secrets_sees_volumes_judged_and_certificates_denied,
    one_namespace_is_seen_alone,
    who_may_only_read_sends_no_write_whatever_is_asked_for,
);

async fn an_auditor_without_secrets_sees_volumes_judged_and_certificates_denied(cluster: TestCluster) {
    cluster.claim("data").await;
    let objective = json!({ "metadata": { "annotations": { "holdfast.dev/rpo": "4h" } } });
    cluster.merge("v1", "PersistentVolumeClaim", "data", &objective).await;
    let secret = manifests::tls_secret(&cluster.namespace, "web-tls", "no certificate", "no key");
    cluster.create(&secret).await;
    let auditor = cluster.person(User::Auditor);
    let mut session = session(&auditor, &cluster.namespace);
    desk::until(&mut session, "Secrets to be denied", LONG, |desk| {
        matches!(desk.world.freshness(Kind::TlsSecret), Freshness::Denied { .. })
    })
    .await;
    desk::until(&mut session, "the volume to be judged", LONG, |desk| has(desk, Pane::Volumes, "data")).await;
    drop(session);

    let volumes = auditor.run(&["get", "volumes", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    let row = &volumes.as_array().unwrap()[0];
    assert_eq!(row["name"], "data", "{volumes}");
    // Never backed up is a judgement; Unknown would mean that the missing Secrets were held against it.
    assert_eq!(row["state"], "Never", "{row}");
    let certificates = auditor.run(&["get", "certificates", "-n", &cluster.namespace, "-o", "json"]).await.expect(3);
    assert!(certificates.stderr.contains("secrets"), "{certificates:?}");
    let rows = certificates.json();
    assert!(rows.as_array().unwrap().iter().all(|row| row["name"] != "web-tls"), "{certificates:?}");
}

async fn one_namespace_is_seen_alone(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let names = |rows: &Value, field: &str| {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The context's own namespace is taken, as kubectl does.
    for arguments in
        [vec!["get", "volumes", "-o", "json"], vec!["get", "volumes", "-n", &cluster.namespace, "-o", "json"]]
    {
        let rows = sre.run(&arguments).await.expect(0).json();
        assert_eq!(names(&rows, "name"), ["data"]);
        assert_eq!(names(&rows, "namespace"), std::slice::from_ref(&cluster.namespace));
    }
    let listed =
        cluster.proxy.came().into_iter().filter(|came| came.path.starts_with("/api/v1/persistentvolumeclaims"));
    assert_eq!(listed.count(), 0, "all namespaces were listed although one was asked for");

    let everywhere = sre.run(&["get", "volumes", "-A", "-o", "json"]).await.expect(0).json();
    let namespaces = names(&everywhere, "namespace");
    assert!(namespaces.contains(&"shop".to_owned()) && namespaces.contains(&cluster.namespace), "{namespaces:?}");
}

/// Not even one that the server would refuse: every verb asks for its rights first.
async fn who_may_only_read_sends_no_write_whatever_is_asked_for(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.claim("never-backed-up").await;
    for name in ["old", "new"] {
        crate::prune::copy(&cluster, "data", name, |_| {}).await;
    }
    let (auditor, id) = {
        let sre = cluster.person(User::Sre);
        sre.run(&["backup", &format!("{}/data", cluster.namespace), "--yes"]).await.expect(0);
        let auditor = cluster.person(User::Auditor);
        auditor.take_state_of(&sre);
        let id = auditor.operation().await["id"].as_str().unwrap().to_owned();
        (auditor, id)
    };
    let from = cluster.audit().len();
    let (claim, copy) = (format!("{}/data", cluster.namespace), format!("{}/old", cluster.namespace));
    let policy = auditor.home().join("holdfast.yaml");
    std::fs::write(&policy, "policies: [{ name: all, rpo: 1h }]\n").unwrap();
    for arguments in [
        vec!["backup", &claim, "--yes"],
        vec!["backup", &claim, "--pre", "true", "--yes"],
        vec!["restore", &copy, "--yes"],
        vec!["restore-in-place", &claim, "--from", "old", "--yes"],
        vec!["drill", &copy, "--yes"],
        vec!["prune", &claim, "--keep-last", "1", "--yes", "--count", "2"],
        vec!["hold", &copy, "--reason", "audit", "--yes"],
        vec!["operations", "undo", &id, "--yes"],
        vec!["reconcile", "--once", "-n", &cluster.namespace, "--policy", policy.to_str().unwrap()],
    ] {
        let ended = auditor.run(&arguments).await.expect(1);
        assert!(ended.stderr.contains("needs the right to"), "{arguments:?}: {ended:?}");
    }
    assert_eq!(crate::read_only::writes(&cluster, from, "auditor"), []);
    assert_eq!(cluster.snapshots().await.len(), 3);
}
