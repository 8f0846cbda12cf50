//! A workload is contained by a NetworkPolicy and rejoins. Whether a policy holds is the network plugin's, which neither
//! the embedded cluster nor the lab has: that is said, and what is written is looked at here.

use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_workload_is_contained_and_rejoins,
    what_would_contain_others_or_let_traffic_through_is_refused,
    what_somebody_else_made_in_its_place_stays,
    an_auditor_is_refused_with_the_right_that_is_missing,
    the_console_contains_the_workload_of_a_volume,
);

const POLICIES: &str = "networking.k8s.io/v1";

/// A Deployment whose pods have its name as label `app`.
pub fn deployment(namespace: &str, name: &str) -> Value {
    let labels = json!({ "app": name, "team": "shop" });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "main", "image": "registry.example/web:1" }] },
            },
        },
    })
}

/// The policy of a Deployment that is contained, as this console writes it.
pub fn policy(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": POLICIES, "kind": "NetworkPolicy",
        "metadata": {
            "namespace": namespace, "name": format!("holdfast-isolate-deployment-{name}"),
            "labels": { "app.kubernetes.io/managed-by": "holdfast" },
            "annotations": {
                "holdfast.dev/operation": "20200101-000000-0000000a",
                "holdfast.dev/workload": format!("Deployment/{name}"), "holdfast.dev/reason": "audit",
            },
        },
        "spec": { "podSelector": { "matchLabels": { "app": name } }, "policyTypes": ["Ingress", "Egress"] },
    })
}

async fn written(cluster: &TestCluster) -> Option<Value> {
    cluster.get(POLICIES, "NetworkPolicy", "holdfast-isolate-deployment-web").await
}

pub async fn a_workload_is_contained_and_rejoins(cluster: TestCluster) {
    cluster.create(&deployment(&cluster.namespace, "web")).await;
    cluster.create(&deployment(&cluster.namespace, "other")).await;
    crate::renew::pods(&cluster, "web", 2).await;
    let (sre, path) = (cluster.person(User::Sre), format!("{}/deployment/web", cluster.namespace));
    let chosen = ["--reason", "leaked key", "--allow-from", "namespace=ops,app=probe", "--allow-dns"];

    let shown = sre.run(&[&["isolate", &path, "--dry-run", "--script", "-"], &chosen[..]].concat()).await.expect(0);
    let printed = format!("{}{}", shown.stdout, shown.stderr);
    for said in ["not proven", "connections that are open already", "kubelet probes", "pods app=probe of namespace ops"]
    {
        assert!(printed.contains(said), "{said}: {printed}");
    }
    assert!(shown.stdout.contains("kubectl") && shown.stdout.contains("holdfast-isolate-deployment-web"), "{shown:?}");
    assert_eq!(written(&cluster).await, None, "a dry run writes nothing");

    sre.run(&[&["isolate", &path, "--yes"], &chosen[..]].concat()).await.expect(0);
    let made = written(&cluster).await.unwrap();
    let (meta, spec) = (&made["metadata"], &made["spec"]);
    assert_eq!(meta["labels"]["app.kubernetes.io/managed-by"], "holdfast");
    assert_eq!(meta["annotations"]["holdfast.dev/reason"], "leaked key");
    assert_eq!(meta["annotations"]["holdfast.dev/workload"], "Deployment/web");
    assert_eq!(spec["podSelector"], json!({ "matchLabels": { "app": "web" } }));
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    let peer = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "ops" } },
        "podSelector": { "matchLabels": { "app": "probe" } },
    });
    assert_eq!(spec["ingress"], json!([{ "from": [peer] }]));
    assert_eq!(spec["egress"][0]["ports"].as_array().map(Vec::len), Some(2), "DNS alone: {spec}");
    let again = sre.run(&["isolate", &path, "--reason", "again", "--yes"]).await.expect(1);
    assert!(again.stderr.contains("it is isolated already"), "{again:?}");

    let operation = sre.operation().await;
    sre.run(&["rejoin", &path, "--yes"]).await.expect(0);
    assert_eq!(written(&cluster).await, None);
    let over = sre.run(&["rejoin", &path, "--yes"]).await.expect(1);
    assert!(over.stderr.contains("it is not isolated"), "{over:?}");
    let late = sre.run(&["operations", "undo", operation["id"].as_str().unwrap(), "--yes"]).await.expect(1);
    assert!(late.stderr.contains("nothing has to be done"), "{late:?}");

    // By default nothing comes in and nothing goes out; and it is taken back as any other operation is.
    sre.run(&["isolate", &path, "--reason", "again", "--yes"]).await.expect(0);
    let made = written(&cluster).await.unwrap();
    let nothing = |field: &str| made["spec"][field].as_array().is_none_or(Vec::is_empty);
    assert!(nothing("ingress") && nothing("egress"), "{made}");
    let id = made["metadata"]["annotations"]["holdfast.dev/operation"].as_str().unwrap();
    sre.run(&["operations", "undo", id, "--yes"]).await.expect(0);
    assert_eq!(written(&cluster).await, None);
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn what_would_contain_others_or_let_traffic_through_is_refused(cluster: TestCluster) {
    cluster.create(&deployment(&cluster.namespace, "web")).await;
    crate::renew::pods(&cluster, "web", 2).await;
    let (sre, path) = (cluster.person(User::Sre), format!("{}/deployment/web", cluster.namespace));
    let refused = async || sre.run(&["isolate", &path, "--reason", "leak", "--yes"]).await.expect(1).stderr;

    let mut canary = deployment(&cluster.namespace, "web-canary");
    let both = json!({ "app": "web", "track": "canary" });
    canary["spec"]["selector"]["matchLabels"] = both.clone();
    canary["spec"]["template"]["metadata"]["labels"] = both;
    cluster.create(&canary).await;
    let said = refused().await;
    assert!(said.contains("pods of Deployment web-canary as well"), "{said}");
    cluster.delete("apps/v1", "Deployment", "web-canary").await;

    let mut allowing = policy(&cluster.namespace, "web");
    allowing["metadata"] = json!({ "namespace": cluster.namespace, "name": "let-shop-in" });
    allowing["spec"] = json!({
        "podSelector": { "matchLabels": { "team": "shop" } },
        "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "front" } } }], "ports": [{ "port": 5432 }] }],
    });
    wait::until("what the canary had made to be gone", LONG, async || {
        let made = [cluster.list("apps/v1", "ReplicaSet").await, cluster.list("v1", "Pod").await].concat();
        made.iter().all(|one| one["metadata"]["labels"].get("track").is_none()).then_some(())
    })
    .await;
    cluster.create(&allowing).await;
    let through = "NetworkPolicy let-shop-in lets through: in from pods app=front of this namespace at TCP 5432";
    let said = refused().await;
    assert!(said.contains("add up") && said.contains(through) && said.contains("--beside-policies"), "{said}");
    assert_eq!(written(&cluster).await, None);
    let beside = ["isolate", &path, "--reason", "leak", "--beside-policies", "--yes"];
    let done = sre.run(&beside).await.expect(0);
    let printed = format!("{}{}", done.stdout, done.stderr);
    assert!(printed.contains(through), "{printed}");
    assert!(written(&cluster).await.is_some());
}

async fn what_somebody_else_made_in_its_place_stays(cluster: TestCluster) {
    cluster.create(&deployment(&cluster.namespace, "web")).await;
    let (sre, path) = (cluster.person(User::Sre), format!("{}/deployment/web", cluster.namespace));
    sre.run(&["isolate", &path, "--reason", "leak", "--yes"]).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    let name = "holdfast-isolate-deployment-web";
    cluster.delete(POLICIES, "NetworkPolicy", name).await;
    cluster.create(&policy(&cluster.namespace, "web")).await;
    let refused = sre.run(&["operations", "undo", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("is another one now"), "{refused:?}");
    cluster.delete(POLICIES, "NetworkPolicy", name).await;
    let mut by_hand = policy(&cluster.namespace, "web");
    by_hand["metadata"] = json!({ "namespace": cluster.namespace, "name": name });
    cluster.create(&by_hand).await;
    let refused = sre.run(&["rejoin", &path, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("was not made by this console"), "{refused:?}");
    assert!(written(&cluster).await.is_some());
}

async fn an_auditor_is_refused_with_the_right_that_is_missing(cluster: TestCluster) {
    cluster.create(&deployment(&cluster.namespace, "web")).await;
    let (auditor, path) = (cluster.person(User::Auditor), format!("{}/deployment/web", cluster.namespace));
    let refused = auditor.run(&["isolate", &path, "--reason", "leak", "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("create networkpolicies.networking.k8s.io"), "{refused:?}");
    assert_eq!(written(&cluster).await, None);
}

async fn the_console_contains_the_workload_of_a_volume(cluster: TestCluster) {
    cluster.claim("data").await;
    let mut web = deployment(&cluster.namespace, "web");
    web["spec"]["replicas"] = 1.into();
    web["spec"]["template"]["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    web["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] =
        json!([{ "name": "data", "mountPath": "/data" }]);
    cluster.create(&web).await;
    crate::renew::pods(&cluster, "web", 1).await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    wait::until("its workload to be seen", LONG, async || {
        terminal.press("1x");
        wait::brief().await;
        let seen = terminal.text().contains("Contain the workload");
        terminal.press(if seen { "I" } else { "q" });
        seen.then_some(())
    })
    .await;
    terminal.shows("isolate Deployment").await;
    terminal.press("leaked key\u{13}");
    terminal.shows("not proven").await;
    terminal.press("\r");
    terminal.shows("Type").await;
    terminal.press("web\r");
    wait::until("the policy to be there", LONG, async || written(&cluster).await.map(drop)).await;
}
