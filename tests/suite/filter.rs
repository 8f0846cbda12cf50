//! `holdfast get --filter`: the console's filter language on the real binary.

use serde_json::json;

use crate::support::cluster::{TestCluster, User};
use crate::support::scenarios;

scenarios!(rows_and_problems_are_filtered_as_in_the_console, a_new_label_is_found_at_once);

async fn rows_and_problems_are_filtered_as_in_the_console(cluster: TestCluster) {
    for (name, tier, rpo) in [("data", "gold", "4h"), ("logs", "bronze", "none")] {
        cluster.claim(name).await;
        let patch = json!({ "metadata": { "labels": { "tier": tier }, "annotations": { "holdfast.dev/rpo": rpo } } });
        cluster.merge("v1", "PersistentVolumeClaim", name, &patch).await;
    }
    let sre = cluster.person(User::Sre);
    for (filter, expected) in [
        ("", vec!["data", "logs"]),
        ("label:tier=gold", vec!["data"]),
        ("label:tier !state:never", vec!["logs"]),
        ("STATE:never", vec!["data"]),
        ("capacity>1Ki age<1d", vec!["data", "logs"]),
        ("size>1Ei", vec![]),
        ("rpo>3h", vec!["data"]),
        ("used>1Ki", vec![]),
        ("!used>1Ki", vec![]),
    ] {
        let arguments = ["get", "volumes", "-n", &cluster.namespace, "-o", "json", "--filter", filter];
        let rows = sre.run(&arguments).await.expect(0).json();
        let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{filter}");
    }
    let table = sre.run(&["get", "volumes", "-n", &cluster.namespace, "--only-problems"]).await.expect(0);
    assert!(table.stdout.contains("data") && !table.stdout.contains("logs"), "{table:?}");
    let none = sre.run(&["get", "volumes", "-n", &cluster.namespace, "--filter", "nothing"]).await.expect(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("none of 2 rows matches"), "{none:?}");

    let arguments = ["get", "problems", "-n", &cluster.namespace, "-o", "json", "--filter", "kind:claim name:data"];
    let problems = sre.run(&arguments).await.expect(0).json();
    let [problem] = problems.as_array().unwrap().as_slice() else { panic!("{problems}") };
    let said = ["name", "state", "rank"].map(|member| problem[member].as_str().unwrap());
    assert_eq!(said, ["data", "Never", "warning"], "it is younger than its objective");
}

async fn a_new_label_is_found_at_once(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let mut terminal = crate::support::terminal::Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("Volumes 1").await;
    terminal.press("/label:tier=gold\r");
    terminal.shows("Volumes 0/1").await;
    let patch = json!({ "metadata": { "labels": { "tier": "gold" } } });
    cluster.merge("v1", "PersistentVolumeClaim", "data", &patch).await;
    terminal.shows("Volumes 1/1").await;
}
