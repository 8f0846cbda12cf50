//! Logs of containers, through kube's client.

use futures::{AsyncBufReadExt, TryStreamExt};
use holdfast::sim::{Sim, User};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::{client, code, shop, soon};

async fn pods(sim: &Sim, user: User) -> Api<Pod> {
    Api::namespaced(client(sim, user).await, "shop")
}

fn params() -> LogParams {
    LogParams { container: Some("postgres".into()), ..LogParams::default() }
}

#[tokio::test]
async fn a_log_is_cut_to_its_tail_and_carries_moments_when_asked() {
    let sim = shop().await;
    let pods = pods(&sim, User::Sre).await;
    for number in 0..3 {
        assert!(sim.write_log("shop", "db-0", "postgres", &format!("line {number}")));
    }
    let log = pods.logs("db-0", &LogParams { tail_lines: Some(2), ..params() }).await.unwrap();
    assert_eq!(log, "line 1\nline 2\n");
    let log = pods.logs("db-0", &LogParams { tail_lines: Some(1), timestamps: true, ..params() }).await.unwrap();
    assert_eq!(log, "2026-11-22T12:00:00.000000000Z line 2\n");
    let log = pods.logs("db-0", &LogParams { limit_bytes: Some(3), ..params() }).await.unwrap();
    assert_eq!(log.len(), 3);
    let whole = pods.logs("db-0", &LogParams::default()).await.unwrap();
    assert!(whole.contains("PostgreSQL"), "the only container needs no name: {whole}");
}

#[tokio::test]
async fn lines_since_a_moment_are_those_of_its_whole_second() {
    let sim = shop().await;
    let step = std::time::Duration::from_millis(400);
    for number in 0..6 {
        sim.clock().advance(step);
        sim.write_log("shop", "db-0", "postgres", &format!("line {number}"));
    }
    // By hand: kube rounds the moment itself.
    let path = "/api/v1/namespaces/shop/pods/db-0/log?sinceTime=2026-11-22T12:00:01.900Z";
    let log =
        client(&sim, User::Sre).await.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap();
    // Written at 12:00:01.2, .6, 02.0 and .4: what comes before the asked moment in its second comes too.
    assert_eq!(
        log.lines().filter(|line| line.starts_with("line")).collect::<Vec<_>>(),
        ["line 2", "line 3", "line 4", "line 5"]
    );
}

#[tokio::test]
async fn a_followed_log_goes_on_until_the_container_is_started_again() {
    let sim = shop().await;
    let pods = pods(&sim, User::Sre).await;
    sim.write_log("shop", "db-0", "postgres", "one");
    let stream = pods.log_stream("db-0", &LogParams { follow: true, tail_lines: Some(1), ..params() }).await.unwrap();
    let mut lines = stream.lines();
    assert_eq!(soon(lines.try_next()).await.unwrap().as_deref(), Some("one"));
    sim.write_log("shop", "db-0", "postgres", "two");
    assert_eq!(soon(lines.try_next()).await.unwrap().as_deref(), Some("two"));
    assert!(sim.restart_container("shop", "db-0", "postgres", 1));
    while let Some(line) = soon(lines.try_next()).await.unwrap() {
        assert!(!line.contains("three"), "{line}");
    }
    sim.write_log("shop", "db-0", "postgres", "three");
    let before = pods.logs("db-0", &LogParams { previous: true, tail_lines: Some(1), ..params() }).await.unwrap();
    assert_eq!(before, "two\n");
    let present = pods.logs("db-0", &LogParams { tail_lines: Some(1), ..params() }).await.unwrap();
    assert_eq!(present, "three\n");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_words_of_a_kubelet() {
    let sim = shop().await;
    let sre = pods(&sim, User::Sre).await;
    let said = |result: Result<String, kube::Error>| match result {
        Err(kube::Error::Api(status)) => status.message,
        other => unreachable!("not refused: {other:?}"),
    };
    let previous = LogParams { previous: true, ..params() };
    let why = said(sre.logs("db-0", &previous).await);
    assert_eq!(why, "previous terminated container \"postgres\" in pod \"db-0\" not found");
    let other = LogParams { container: Some("mysql".into()), ..LogParams::default() };
    assert_eq!(said(sre.logs("db-0", &other).await), "container mysql is not valid for pod db-0");
    assert_eq!(code(sre.logs("gone", &params()).await), 404);
    assert_eq!(code(pods(&sim, User::Auditor).await.logs("db-0", &params()).await), 403);
    let two = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "two", "namespace": "shop" },
        "spec": { "nodeName": "node-a", "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "x" }] },
    });
    sim.load(vec![two]).unwrap();
    let why = said(sre.logs("two", &LogParams::default()).await);
    assert_eq!(why, "a container name must be specified for pod two, choose one of: [a b]");
}
