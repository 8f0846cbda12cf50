//! A review that is done is the proof of itself: the audit and the list of problems know who reviewed what, and when
//! somebody has to look again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::play::Play;
use crate::renew;
use crate::runbook::id;
use crate::support::cluster::{TestCluster, User};
use crate::support::kubelet;
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::pki::Authority;
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::vulnerable::{Shop, another_second, release, scan};

scenarios!(;
    alone:
    a_review_that_is_done_moves_the_next_one_and_an_overdue_one_is_seen,
    a_check_that_fails_is_no_review_until_it_is_mended_or_skipped_with_a_reason,
);

const TOPICS: [&str; 3] = ["backups", "certificates", "sast"];

/// The control of reviews, and what it says of each topic.
async fn audited(sre: &Person, namespace: &str) -> (Value, Vec<String>) {
    let report = sre.run(&["audit", "-n", namespace, "--only", "reviews", "-o", "json"]).await.json();
    let control = report["controls"][0].clone();
    let said = control["evidence"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap().to_owned());
    (control["state"].clone(), said.collect())
}

/// Problems that are reviews.
async fn problems(sre: &Person, namespace: &str) -> Vec<Value> {
    let listed = sre.run(&["get", "problems", "-n", namespace, "-o", "json"]).await;
    let all: Value = serde_json::from_str(&listed.stdout).unwrap_or_else(|_| panic!("{listed:?}"));
    all.as_array().unwrap().iter().filter(|one| one.to_string().contains("Review of")).cloned().collect()
}

/// A review of the same topics that is due again at once.
async fn reviewed_long_ago(sre: &Person, namespace: &str) {
    let every = TOPICS.map(|topic| format!("- {{topic: {topic}, every: 1s}}\n")).concat();
    let book = format!(
        "holdfast: runbook/v1\nname: last-quarter\ntitle: The last review\nabout: For tests.\nreviews:\n{every}\
         steps:\n- id: looked\n  title: Look\n  why: It was due.\n  fails: Look again.\n  manual: Look at it.\n"
    );
    let path = sre.home().join("last-quarter.yaml");
    std::fs::write(&path, book).unwrap();
    let words = ["runbook", "run", path.to_str().unwrap(), "-n", namespace, "--answer", "looked=all of it"];
    let ended = sre.run(&words).await.expect(0);
    assert!(!id(&ended).is_empty());
    another_second().await;
    another_second().await;
}

/// A cluster with nothing to complain of: a volume with an objective, a copy that was proven, and a certificate.
async fn in_order(cluster: &TestCluster) -> Shop {
    let shop = Shop::of(cluster, true);
    std::fs::write(shop.file('a'), scan('a', false, true)).unwrap();
    release(cluster, 'a').await;
    let volume = cluster.bound_when_made("data-db-0").await;
    cluster.write(&volume, "rows", b"orders");
    let objective = json!({ "metadata": { "annotations": { "holdfast.dev/rpo": "24h" } } });
    cluster.merge("v1", "PersistentVolumeClaim", "data-db-0", &objective).await;
    shop.back_up().await;
    let copy = cluster.snapshots().await[0]["metadata"]["name"].as_str().unwrap().to_owned();
    shop.sre.run(&["drill", &format!("{}/{copy}", cluster.namespace), "--yes"]).await.expect(0);
    renew::prepared(cluster).await;
    shop
}

const ANSWERS: [&str; 6] = [
    "last=there is none",
    "accepted=none is",
    "optouts=none is",
    "point=1",
    "fate=nobody may delete the namespace",
    "authorities=ca lasts a day, cert-manager renews it",
];

const KNOWN: &str = "prices.shop.example: its team mends it by Friday";

async fn a_review_that_is_done_moves_the_next_one_and_an_overdue_one_is_seen(cluster: TestCluster) {
    let here = &cluster.namespace;
    let _kubelet = kubelet::run(&cluster);
    let shop = in_order(&cluster).await;
    let (state, said) = audited(&shop.sre, here).await;
    assert!(state == "fail" && said.iter().all(|one| one.starts_with("nobody has reviewed")), "{said:?}");
    reviewed_long_ago(&shop.sre, here).await;
    let (state, said) = audited(&shop.sre, here).await;
    assert!(state == "fail" && said.iter().all(|one| one.contains("the next review was due")), "{said:?}");
    assert_eq!(problems(&shop.sre, here).await.len(), TOPICS.len());
    let mut terminal = Terminal::holdfast(&shop.sre, &["-n", here], 160, 40);
    terminal.shows("data-db-0").await;
    terminal.press("p/review\r");
    terminal.until("what is overdue", |screen| screen.contains("Review of sast") && screen.contains("Overdue")).await;

    let mut play = Play::begin_within(&shop.sre, "quarterly-review", Some(here), &[], &ANSWERS).await;
    // The seeded cluster has one that its team knows of.
    play.failed_at("tls", "1 of the certificates match");
    play.resume(&["--skip", KNOWN, "--answer", ANSWERS[5]]).await;
    play.waits_at("agree");
    let (state, _) = audited(&shop.sre, here).await;
    assert_eq!(state, "fail", "what is not done is no review");
    play.approved_by_a_colleague(&cluster, &[]).await;
    play.done(&cluster).await;

    let (state, said) = audited(&shop.sre, here).await;
    let due = (Timestamp::now() + SignedDuration::from_hours(90 * 24)).strftime("%Y-%m").to_string();
    assert!(state == "pass" && said.len() == TOPICS.len(), "{said:?}");
    for one in said {
        assert!(one.contains("by colleague") && one.contains(&format!("the next review is due {due}")), "{one}");
    }
    assert_eq!(problems(&shop.sre, here).await, Vec::<Value>::new());
    terminal.until("nothing to be overdue", |screen| !screen.contains("Review of sast")).await;
    // The drill of the review is proof of its own.
    let copy = &cluster.snapshots().await[0];
    assert!(copy["metadata"]["annotations"]["holdfast.dev/last-proven"].is_string(), "{copy:#}");
}

async fn a_check_that_fails_is_no_review_until_it_is_mended_or_skipped_with_a_reason(cluster: TestCluster) {
    let here = &cluster.namespace;
    let _kubelet = kubelet::run(&cluster);
    let shop = in_order(&cluster).await;
    cluster.create(&Authority::new("shop CA").expired_leaf("web.example").secret(here, "old-tls")).await;
    cluster.create(&manifests::claim(here, "scratch")).await;
    let scratch = cluster.bound("scratch").await;
    cluster.write(&scratch, "rows", b"notes");
    let objective = json!({ "metadata": { "annotations": { "holdfast.dev/rpo": "1h" } } });
    cluster.merge("v1", "PersistentVolumeClaim", "scratch", &objective).await;

    let mut play = Play::begin_within(&shop.sre, "quarterly-review", Some(here), &[], &ANSWERS).await;
    play.failed_at("never", "1 of the volumes match");
    assert_eq!(cluster.snapshots().await.len(), 1, "it complains, and does nothing by itself");
    play.resume(&["--retry"]).await;
    play.failed_at("never", "1 of the volumes match");
    shop.sre.run(&["backup", &format!("{here}/scratch"), "--yes"]).await.expect(0);
    let answers: Vec<&str> = ANSWERS.iter().flat_map(|answer| ["--answer", answer]).collect();
    play.resume(&[&["--retry"], &*answers].concat()).await;
    play.failed_at("expired", "1 of the certificates match");
    assert_eq!(audited(&shop.sre, here).await.0, "fail");
    let reason = "old-tls is of a test that was given up; delete it in March";
    let mut more = vec!["--skip", reason];
    more.extend(["--answer", ANSWERS[5]]);
    play.resume(&more).await;
    // It is counted by each check that it does not pass.
    for (step, count) in [("soon", 1), ("tls", 2)] {
        play.failed_at(step, &format!("{count} of the certificates match"));
        play.resume(&more).await;
    }
    play.waits_at("agree");
    play.approved_by_a_colleague(&cluster, &[]).await;
    let told = play.done(&cluster).await;
    assert!(told.to_string().contains(reason), "the next reviewer reads it: {told:#}");
    assert_eq!(audited(&shop.sre, here).await.0, "pass");
    let colleague = cluster.person(User::Colleague);
    assert_eq!(audited(&colleague, here).await.0, "pass", "whoever audits, wherever");
}
