//! A CronJob's turn: what policies ask for is done once, what fails is told, and nothing is done twice.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::prune::{copy, names};
use crate::support::cluster::{StorageFault, TestCluster, User};
use crate::support::person::Person;
use crate::support::wait::{self, LONG};
use crate::support::{kubelet, scenarios};

scenarios!(
    what_is_due_is_done_once,
    a_backup_that_fails_leads_to_no_prune_and_is_told_once,
    without_a_good_policy_file_nothing_is_done,
    the_newest_good_copy_is_drilled_when_it_is_time_and_once,
    a_drill_that_fails_is_noted_and_told_and_not_repeated,
);

/// A listener that takes what is posted to it.
struct Listener {
    url: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Listener {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=hush", socket.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = socket.accept().await.unwrap();
                let mut text = Vec::new();
                let body = loop {
                    let mut piece = [0; 4096];
                    let read = stream.read(&mut piece).await.unwrap();
                    text.extend(&piece[..read]);
                    let said = String::from_utf8_lossy(&text).into_owned();
                    assert!(said.starts_with("POST /hook?token=hush "), "{said}");
                    if let Some((_, body)) = said.split_once("\r\n\r\n")
                        && let Ok(body) = serde_json::from_str(body)
                    {
                        break body;
                    }
                    assert!(read > 0, "half a request: {said}");
                };
                taken.lock().unwrap().push(body);
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

/// Writes a policy for the scenario's namespace and gives the arguments of a run.
fn arguments(sre: &Person, cluster: &TestCluster, rules: &str) -> Vec<String> {
    let policy = sre.home().join("holdfast.yaml");
    let text = format!(
        "policies:\n- name: gold\n  selector: {{ namespaces: [{}] }}\n  reason: orders\n{rules}",
        cluster.namespace
    );
    std::fs::write(&policy, text).unwrap();
    let metrics = sre.home().join("holdfast.prom");
    let words = ["reconcile", "--once", "-n", &cluster.namespace, "--policy"];
    let mut words: Vec<String> = words.iter().map(ToString::to_string).collect();
    words.extend([policy.display().to_string(), "--metrics-file".into(), metrics.display().to_string()]);
    words
}

fn metric(sre: &Person, name: &str) -> String {
    let text = std::fs::read_to_string(sre.home().join("holdfast.prom")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

async fn run(sre: &Person, words: &[String]) -> crate::support::person::Ended {
    sre.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn what_is_due_is_done_once(cluster: TestCluster) {
    cluster.claim("data").await;
    for name in ["a", "b", "c", "d"] {
        copy(&cluster, "data", name, |_| {}).await;
    }
    let sre = cluster.person(User::Sre);
    // Older than four fifths of so short an objective the copies are by the next second; later copies are not.
    let due = arguments(&sre, &cluster, "  rpo: 1s\n  retention: { last: 4 }\n");
    let first = run(&sre, &due).await.expect(0);
    assert!(first.stdout.contains("policy gold: last good copy cut"), "{first:?}");
    let left = names(&cluster).await;
    assert_eq!(left.len(), 4, "one more, one less: {left:?}");
    assert!(!left.contains(&"a".to_owned()), "the oldest goes: {left:?}");
    assert_eq!(metric(&sre, "holdfast_reconcile_success"), "1");
    assert_eq!(metric(&sre, "holdfast_reconcile_backups"), "1");
    assert_eq!(metric(&sre, "holdfast_reconcile_pruned_copies"), "1");
    assert_eq!(metric(&sre, "holdfast_reconcile_kept_copies"), "4");

    let gold = json!({ "policy": { "policy": "gold", "who": "sre" } });
    let authorities: Vec<Value> = sre.journals().iter().map(|path| authority(path)).collect();
    assert_eq!(authorities, [gold.clone(), gold]);

    let journals = sre.journals().len();
    let quiet = arguments(&sre, &cluster, "  rpo: 10h\n  retention: { last: 4 }\n");
    let again = run(&sre, &quiet).await.expect(0);
    assert!(again.stdout.contains("0 backups, 0 copies deleted"), "{again:?}");
    assert_eq!(names(&cluster).await, left);
    assert_eq!(sre.journals().len(), journals);
    assert_eq!(metric(&sre, "holdfast_volumes{state=\"Ok\"}"), "1");
}

/// On whose word an operation ran.
fn authority(journal: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(journal).unwrap();
    let opened: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    opened["body"]["authority"].clone()
}

async fn a_backup_that_fails_leads_to_no_prune_and_is_told_once(cluster: TestCluster) {
    cluster.claim("data").await;
    for name in ["a", "b", "c", "d", "e"] {
        copy(&cluster, "data", name, |_| {}).await;
    }
    cluster.storage_fault("data", StorageFault::ErrorAlways);
    let sre = cluster.person(User::Sre);
    sre.configure("[deadlines]\ncut = \"3s\"\nready = \"3s\"\n");
    let listener = Listener::start().await;
    let mut words = arguments(&sre, &cluster, "  rpo: 1s\n  retention: { last: 4 }\n");
    words.extend(["--webhook".into(), listener.url.clone()]);
    let ended = run(&sre, &words).await.expect(1);
    assert!(!format!("{ended:?}").contains("hush"), "the address is told: {ended:?}");
    assert_eq!(names(&cluster).await.len(), 6, "nothing was deleted");
    assert_eq!(metric(&sre, "holdfast_reconcile_success"), "0");
    assert_eq!(metric(&sre, "holdfast_reconcile_failures{what=\"backup\"}"), "1");
    assert_eq!(metric(&sre, "holdfast_reconcile_pruned_copies"), "0");
    wait::until("the webhook to be told", LONG, async || (!listener.heard().is_empty()).then_some(())).await;
    let heard = listener.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    let failure = &heard[0]["failures"][0];
    assert_eq!(
        (&failure["what"], &failure["object"]),
        (&json!("backup"), &json!(format!("{}/data", cluster.namespace)))
    );
    assert!(failure["why"].as_str().unwrap().contains("failed at cut"), "{failure}");
    assert!(failure["next"].as_str().unwrap().starts_with("holdfast backup"), "{failure}");
}

/// A claim with these bytes in it and copies, the newest of which was proven long ago; what is due, and its metrics.
async fn long_undrilled(cluster: &TestCluster, bytes: Option<&[u8]>) -> (Person, Vec<String>) {
    let volume = cluster.claim("data").await;
    if let Some(bytes) = bytes {
        cluster.write(&volume, "rows", bytes);
    }
    let long_ago = "passed at 2001-01-01T00:00:42Z from 2001-01-01T00:00:00Z: read 6 bytes";
    for name in ["a", "b"] {
        let noted = json!({ "holdfast.dev/last-proven": long_ago });
        copy(cluster, "data", name, |copy| copy["metadata"]["annotations"] = noted.clone()).await;
    }
    let sre = cluster.person(User::Sre);
    let words = arguments(&sre, cluster, "  rpo: 10h\n  drill: \"@yearly\"\n");
    (sre, words)
}

async fn note(cluster: &TestCluster, name: &str, note: &str) -> Value {
    let copy = cluster.get(crate::support::manifests::SNAPSHOTS, "VolumeSnapshot", name).await.unwrap();
    copy["metadata"]["annotations"][note].clone()
}

async fn the_newest_good_copy_is_drilled_when_it_is_time_and_once(cluster: TestCluster) {
    let (sre, words) = long_undrilled(&cluster, Some(b"before")).await;
    let _kubelet = kubelet::run(&cluster);
    let first = run(&sre, &words).await.expect(0);
    assert!(first.stdout.contains("policy gold: last proven 2001-01-01 00:00 UTC"), "{first:?}");
    assert!(first.stdout.contains("0 backups, 0 copies deleted, 1 copy proven"), "{first:?}");
    assert_eq!(metric(&sre, "holdfast_reconcile_drills"), "1");
    assert_eq!(metric(&sre, "holdfast_drills_due"), "0");
    assert!(!note(&cluster, "b", "holdfast.dev/last-proven").await.as_str().unwrap().contains(" 2001-"));
    assert!(
        note(&cluster, "a", "holdfast.dev/last-proven").await.as_str().unwrap().contains(" 2001-"),
        "the older stays"
    );
    let gold = json!({ "policy": { "policy": "gold", "who": "sre" } });
    assert_eq!(authority(&sre.journals()[0]), gold);
    let again = run(&sre, &words).await.expect(0);
    assert!(again.stdout.contains("0 copies proven"), "{again:?}");
    assert_eq!(sre.journals().len(), 1);
}

async fn a_drill_that_fails_is_noted_and_told_and_not_repeated(cluster: TestCluster) {
    let (sre, mut words) = long_undrilled(&cluster, None).await;
    let _kubelet = kubelet::run(&cluster);
    let listener = Listener::start().await;
    words.extend(["--webhook".into(), listener.url.clone()]);
    run(&sre, &words).await.expect(1);
    assert_eq!(metric(&sre, "holdfast_reconcile_success"), "0");
    assert_eq!(metric(&sre, "holdfast_reconcile_failures{what=\"drill\"}"), "1");
    assert_eq!(metric(&sre, "holdfast_reconcile_drills"), "0");
    let failed = note(&cluster, "b", "holdfast.dev/last-failed").await;
    assert!(failed.as_str().unwrap().contains("the volume holds no file: it is empty"), "{failed}");
    assert!(note(&cluster, "a", "holdfast.dev/last-failed").await.is_null());
    wait::until("the webhook to be told", LONG, async || (!listener.heard().is_empty()).then_some(())).await;
    let failure = &listener.heard()[0]["failures"][0];
    assert_eq!((&failure["what"], failure["object"].as_str().unwrap().ends_with("/data")), (&json!("drill"), true));
    assert!(failure["why"].as_str().unwrap().contains("it is empty"), "{failure}");
    let again = run(&sre, &words).await.expect(0);
    assert!(again.stdout.contains("0 copies proven, 0 waiting for a person, 0 failures"), "{again:?}");
    assert_eq!(sre.journals().len(), 1, "it is tried again next year");
}

async fn without_a_good_policy_file_nothing_is_done(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let missing = sre.run(&["reconcile", "--once"]).await.expect(2);
    assert!(missing.stderr.contains("--policy"), "{missing:?}");
    let words = arguments(&sre, &cluster, "  rpo: soon\n");
    let wrong = run(&sre, &words).await.expect(2);
    assert!(wrong.stderr.contains("holdfast.yaml:5:8: rpo: \"soon\" is not an objective"), "{wrong:?}");
    let checked = sre.run(&["policy", "check", &words[5]]).await.expect(2);
    assert!(checked.stderr.contains(":5:8: rpo"), "{checked:?}");
    let words = arguments(&sre, &cluster, "  rpo: 1h\n");
    sre.run(&["policy", "check", &words[5]]).await.expect(0);
    // Saying what is due does nothing.
    let dry = sre.run(&["reconcile", "--dry-run", "-n", &cluster.namespace, "--policy", &words[5]]).await.expect(0);
    assert!(dry.stdout.contains("no good copy yet, objective 1h"), "{dry:?}");
    // And who may not is told what is missing.
    let auditor = cluster.person(User::Auditor);
    let words = arguments(&auditor, &cluster, "  rpo: 1h\n");
    let refused = run(&auditor, &words).await.expect(1);
    assert!(refused.stderr.contains("needs the right to create"), "{refused:?}");
    assert_eq!(names(&cluster).await.len(), 0);
}
