//! Logs through a real session and the real console: followed, resumed after a cut, refused.
//!
//! On the embedded cluster only: the lab's pods are run by kwok, which starts no program that could write a log.

use holdfast::cluster::{LogEvent, LogQuery};
use holdfast::model::Kind;
use holdfast::session::{Event, Session, Ticket};
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk::{self, session};
use crate::support::person::Person;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

/// A pod whose containers write nothing by themselves.
fn pod(namespace: &str, claim: Option<&str>) -> Value {
    let volumes = claim.map(|claim| json!([{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }]));
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "namespace": namespace, "name": "app-0" },
        "spec": {
            "containers": [{ "name": "app", "image": "registry.example/app:1" }],
            "volumes": volumes.unwrap_or_else(|| json!([])),
        },
    })
}

/// A running pod, and a session that sees it.
async fn running(cluster: &TestCluster) -> (Person, Session) {
    cluster.create(&pod(&cluster.namespace, None)).await;
    runs(cluster).await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &cluster.namespace);
    desk::until(&mut session, "the pod", LONG, |desk| desk.world.inventory.count(Kind::Pod) == 1).await;
    (sre, session)
}

async fn runs(cluster: &TestCluster) {
    wait::until("the pod to run", LONG, async || {
        let pod = cluster.get("v1", "Pod", "app-0").await?;
        (pod.pointer("/status/phase").and_then(Value::as_str) == Some("Running")).then_some(())
    })
    .await;
}

fn query(cluster: &TestCluster, previous: bool) -> LogQuery {
    LogQuery {
        namespace: cluster.namespace.as_str().into(),
        pod: "app-0".into(),
        container: "app".into(),
        previous,
        tail_lines: 100,
        since_seconds: None,
    }
}

/// What was heard of one log.
#[derive(Debug, Default)]
struct Heard {
    lines: Vec<String>,
    state: Option<LogEvent>,
}

impl Heard {
    fn follows(&self, lines: usize) -> bool {
        self.state == Some(LogEvent::Following) && self.lines.len() >= lines
    }

    async fn until(&mut self, session: &mut Session, ticket: Ticket, what: &str, right: impl Fn(&Self) -> bool) {
        let hear = async {
            while !right(self) {
                match session.next().await {
                    Event::Log(of, LogEvent::Lines(lines)) if of == ticket => {
                        self.lines.extend(lines.iter().map(|line| line.text.to_string()));
                    }
                    Event::Log(of, event) if of == ticket => self.state = Some(event),
                    _ => {}
                }
            }
        };
        let heard = tokio::time::timeout(LONG, hear).await;
        assert!(heard.is_ok(), "waited for {what}; heard {self:#?}");
    }
}

fn numbered(lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(|number| format!("line {number}")).collect()
}

fn write(cluster: &TestCluster, lines: std::ops::Range<usize>) {
    for line in numbered(lines) {
        cluster.write_log("app-0", "app", &line);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_log_that_is_cut_goes_on_without_losing_or_doubling_a_line() {
    let cluster = TestCluster::sim("logs-cut").await;
    let (_sre, mut session) = running(&cluster).await;
    write(&cluster, 0..3);
    let ticket = session.open_log(query(&cluster, false));
    let mut heard = Heard::default();
    heard.until(&mut session, ticket, "what was there", |heard| heard.follows(3)).await;
    write(&cluster, 3..5);
    heard.until(&mut session, ticket, "new lines", |heard| heard.follows(5)).await;

    cluster.proxy.kill().await;
    heard
        .until(&mut session, ticket, "the cut to be said", |heard| matches!(heard.state, Some(LogEvent::Cut(_))))
        .await;
    write(&cluster, 5..8);
    cluster.proxy.revive();
    heard.until(&mut session, ticket, "it to be resumed", |heard| heard.follows(8)).await;

    // A server may also end the answer in good order, as it does when it is restarted.
    cluster.end_streams();
    heard.until(&mut session, ticket, "the end to be said", |heard| heard.state == Some(LogEvent::Ended)).await;
    write(&cluster, 8..9);
    heard.until(&mut session, ticket, "it to be followed again", |heard| heard.follows(9)).await;
    assert_eq!(heard.lines, numbered(0..9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_writes_nothing_is_followed_and_not_taken_for_broken() {
    let cluster = TestCluster::sim("logs-silent").await;
    let (_sre, mut session) = running(&cluster).await;
    let ticket = session.open_log(query(&cluster, false));
    let mut heard = Heard::default();
    heard.until(&mut session, ticket, "it to be followed", |heard| heard.follows(0)).await;
    write(&cluster, 0..1);
    heard.until(&mut session, ticket, "the first line", |heard| heard.follows(1)).await;
    assert_eq!(heard.lines, numbered(0..1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instance_before_is_read_once_and_the_present_one_goes_on_after_a_restart() {
    let cluster = TestCluster::sim("logs-previous").await;
    let (_sre, mut session) = running(&cluster).await;
    let mut heard = Heard::default();
    let ticket = session.open_log(query(&cluster, true));
    let refused =
        |heard: &Heard| matches!(&heard.state, Some(LogEvent::Failed(why)) if why.to_string().contains("not found"));
    heard.until(&mut session, ticket, "the lack of one to be said", refused).await;

    write(&cluster, 0..2);
    let ticket = session.open_log(query(&cluster, false));
    let mut present = Heard::default();
    present.until(&mut session, ticket, "the present one", |heard| heard.follows(2)).await;
    cluster.restart_container("app-0", "app", 137);
    write(&cluster, 2..3);
    present.until(&mut session, ticket, "what the new one writes", |heard| heard.follows(3)).await;
    assert_eq!(present.lines, numbered(0..3));

    let mut heard = Heard::default();
    let ticket = session.open_log(query(&cluster, true));
    heard.until(&mut session, ticket, "the one before", |heard| heard.state == Some(LogEvent::Ended)).await;
    assert_eq!(heard.lines, numbered(0..2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_has_not_started_is_waited_for() {
    let cluster = TestCluster::sim("logs-waiting").await;
    let (_sre, mut session) = running(&cluster).await;
    let state = |state: Value| {
        let status = json!({ "name": "app", "image": "registry.example/app:1", "restartCount": 0, "state": state });
        json!({ "status": { "containerStatuses": [status] } })
    };
    cluster.merge_status("v1", "Pod", "app-0", &state(json!({ "waiting": { "reason": "ImagePullBackOff" } }))).await;
    let ticket = session.open_log(query(&cluster, false));
    let mut heard = Heard::default();
    let waits = |heard: &Heard| matches!(&heard.state, Some(LogEvent::NotStarted(why)) if why.to_string().contains("ImagePull"));
    heard.until(&mut session, ticket, "why it has not started", waits).await;
    let running = state(json!({ "running": { "startedAt": "2026-03-01T03:00:00Z" } }));
    cluster.merge_status("v1", "Pod", "app-0", &running).await;
    write(&cluster, 0..1);
    heard.until(&mut session, ticket, "its first line", |heard| heard.follows(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_lines_as_they_come_and_read_only_does_not_hinder_it() {
    let cluster = TestCluster::sim("logs-console").await;
    cluster.claim("data").await;
    cluster.create(&pod(&cluster.namespace, Some("data"))).await;
    runs(&cluster).await;
    write(&cluster, 0..1);
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["--read-only", "-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    terminal.press("z");
    terminal.shows("pod app-0").await;
    terminal.press("l");
    terminal.until("the first line", |screen| screen.contains("line 0") && screen.contains("✓ following")).await;
    write(&cluster, 1..2);
    terminal.shows("line 1").await;
    terminal.press("q");
    terminal.until("the panes", |screen| !screen.contains("following")).await;
    // Nobody listens any more, so nothing is kept open.
    wait::until("the server to be let go", LONG, async || (cluster.followed_logs() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named() {
    let cluster = TestCluster::sim("logs-denied").await;
    cluster.claim("data").await;
    cluster.create(&pod(&cluster.namespace, Some("data"))).await;
    runs(&cluster).await;
    let auditor = cluster.person(User::Auditor);
    let mut terminal = Terminal::holdfast(&auditor, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    terminal.press("z");
    terminal.shows("pod app-0").await;
    terminal.press("l");
    terminal.until("the right", |screen| screen.contains("get pods/log") && screen.contains("✗ DENIED")).await;
}
