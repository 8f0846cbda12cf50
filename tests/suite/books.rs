//! The runbooks that come along, on a real cluster: what they look for is what the lists of the console really print.

mod ca_compromise;
mod certificate_expired;
mod leaked_credential;
mod own;
mod play;
mod quarterly;
mod ransomware;
mod volume_lost;

use serde_json::Value;

use crate::runbook::id;
use crate::support::cluster::TestCluster;
use crate::support::scenarios;
use crate::vulnerable::{Shop, another_second, release, scan};

scenarios!(the_vulnerable_release_is_contained_its_evidence_held_and_the_copy_from_before_recommended);

/// Names of copies with a mark that keeps them.
async fn held(cluster: &TestCluster) -> Vec<String> {
    let snapshots = cluster.snapshots().await;
    let held = snapshots.iter().filter(|one| one["metadata"]["annotations"]["holdfast.dev/hold"].is_string());
    held.map(|one| one["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn vulnerable(shop: &Shop) -> usize {
    let asked = ["get", "problems", "-A", "--filter", "state:vulnerable name:sqli", "-o", "json"];
    let ended = shop.sre.run(&asked).await;
    let found: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    found.as_array().unwrap().len()
}

async fn the_vulnerable_release_is_contained_its_evidence_held_and_the_copy_from_before_recommended(
    cluster: TestCluster,
) {
    let shop = Shop::of(&cluster, true);
    std::fs::write(shop.file('a'), scan('a', false, true)).unwrap();
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    release(&cluster, 'a').await;
    shop.back_up().await;
    another_second().await;
    release(&cluster, 'b').await;
    let good = cluster.snapshots().await[0]["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!(vulnerable(&shop).await, 1);

    let namespace = &cluster.namespace;
    let (volume, workload) = (format!("volume={namespace}/data-db-0"), format!("workload={namespace}/statefulset/db"));
    let asked = ["runbook", "run", "vulnerable-release", "-p", &volume, "-p", &workload, "-p", "rule=sqli", "--yes"];
    let answers = ["--answer", "link=exact, by digest", "--answer", "contained=it runs into its timeout"];
    let ended = shop.sre.run(&[&asked[..], &answers].concat()).await.expect(4);

    // It waits where a person chooses; the forensic copy is not offered as good, and the one from before is.
    let recommended = format!("{namespace}/{good}");
    let said = format!("{}\n{}", ended.stdout, ended.stderr);
    let offered = said.lines().find(|line| line.contains("(recommended)"));
    assert!(offered.is_some_and(|line| line.contains(&recommended)), "{said}");
    let policies = cluster.list("networking.k8s.io/v1", "NetworkPolicy").await;
    assert_eq!(policies.len(), 1, "{policies:?}");
    let kept = held(&cluster).await;
    assert!(kept.len() == 2 && kept.contains(&good), "the forensic copy and the good one are held: {kept:?}");

    // What says that it is fixed holds once the fixed release runs, and not before.
    assert_eq!(vulnerable(&shop).await, 1);
    std::fs::write(shop.file('c'), scan('c', false, true)).unwrap();
    release(&cluster, 'c').await;
    assert_eq!(vulnerable(&shop).await, 0);

    let told = shop.sre.run(&["runbook", "export", &id(&ended), "-o", "md"]).await.expect(0).stdout;
    for part in [
        "exact, by digest",
        "## Evidence",
        "contain | isolate",
        "hold-forensic | hold",
        "Nothing happened in: hold-point",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
