//! People with fewer rights see what they may see, are told what they do not, and nothing unknown is called fine.

use holdfast::model::{Freshness, Kind};
use holdfast::view::Pane;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk::{self, has, session};
use crate::support::manifests;
use crate::support::scenarios;
use crate::support::wait::LONG;

scenarios!(an_auditor_without_secrets_sees_volumes_judged_and_certificates_denied, one_namespace_is_seen_alone);

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
    assert!(!certificates.stdout.contains("web-tls"), "{certificates:?}");
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
