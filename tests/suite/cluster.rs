//! The cluster floor against the embedded cluster: watches that mend themselves, rights, and writes.

use std::io::Write as _;

use holdfast::cluster::{self, Access, AccessQuery, CallError, Cluster, Resource, Target, WatchSet, WriteError};
use holdfast::model::{Connection, Delta, Freshness, Kind, Scope, World};
use holdfast::sim::{Options, Sim, User};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::proxy::{Fault, Order, Proxy, Upstream};
use crate::support::wait::LONG;

async fn connect(sim: &Sim, user: User, read_only: bool) -> Cluster {
    connect_by(&sim.kubeconfig(user), read_only).await
}

async fn connect_by(kubeconfig: &str, read_only: bool) -> Cluster {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(kubeconfig.as_bytes()).unwrap();
    let target = Target { kubeconfig: Some(file.path().to_owned()), read_only, ..Target::default() };
    cluster::connect(&target, |_| false).await.unwrap()
}

/// A World that is fed by watches.
struct Seen {
    world: World,
    deltas: mpsc::Receiver<Delta>,
    _watches: WatchSet,
}

impl Seen {
    fn new(cluster: &Cluster, scopes: &[Scope]) -> Self {
        let (out, deltas) = mpsc::channel(64);
        Self { world: World::default(), deltas, _watches: cluster::watch(cluster, Kind::ALL, scopes, out) }
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&World) -> bool) {
        let wait = async {
            while !reached(&self.world) {
                let delta = self.deltas.recv().await.unwrap();
                self.world.apply(delta, Timestamp::now());
            }
        };
        assert!(tokio::time::timeout(LONG, wait).await.is_ok(), "waited in vain for: {what}");
    }
}

fn live(world: &World) -> bool {
    world.connection == Connection::Up
        && Kind::ALL.iter().all(|kind| matches!(world.freshness(*kind), Freshness::Live | Freshness::Absent))
}

fn namespaces(count: usize) -> Vec<Value> {
    let one = |n| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{n}")}});
    (0..count).map(one).collect()
}

fn claim(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    })
}

#[tokio::test]
async fn rows_outlive_a_killed_server_and_mend_without_being_asked() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.settle().await;
    let mut seen = Seen::new(&connect(&sim, User::Admin, false).await, &[Scope::All]);
    seen.until("everything is live", live).await;
    let before = seen.world.inventory.count(Kind::Pvc);
    assert!(before > 0);
    sim.kill().await;
    let stale = |world: &World| matches!(world.freshness(Kind::Pvc), Freshness::Stale { .. });
    seen.until("claims are stale", stale).await;
    seen.until("the connection is down", |world| matches!(world.connection, Connection::Down { .. })).await;
    assert_eq!(seen.world.inventory.count(Kind::Pvc), before);
    sim.load(vec![claim("made-meanwhile")]).unwrap();
    sim.compact();
    sim.restart().unwrap();
    seen.until("everything is live again", live).await;
    assert_eq!(seen.world.inventory.count(Kind::Pvc), before + 1);
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.settle().await;
    let cluster = connect(&sim, User::Admin, false).await;
    let mut seen = Seen::new(&cluster, &[Scope::All]);
    seen.until("everything is live", live).await;
    sim.disconnect_watches();
    let hands = cluster.hands().unwrap();
    let claims = Resource::of(Kind::Pvc);
    let written = hands.create(&claims, Some("shop"), &claim("late"), false).await.unwrap();
    assert!(written.audit_id.is_some());
    let uid = written.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap().to_owned();
    seen.until("the claim is seen", |world| world.inventory.pvcs.get(&uid.as_str().into()).is_some()).await;
    let gone = hands.delete(&claims, Some("shop"), "late", Some("another"), None, false).await;
    assert!(matches!(gone, Err(WriteError::Refused(error)) if error.conflict()));
    hands.delete(&claims, Some("shop"), "late", Some(&uid), None, false).await.unwrap();
    seen.until("it is gone", |world| world.inventory.pvcs.get(&uid.as_str().into()).is_none()).await;
}

#[rstest::rstest]
#[case::whole(36, &["?limit=500", ""])]
#[case::streamed(30, &["?watch=1&sendInitialEvents=true"])]
#[case::by_pages(26, &["?limit=500", "?limit=500&continue="])]
#[tokio::test]
async fn lists_are_asked_for_as_the_server_can_give_them(#[case] minor: u32, #[case] asked: &[&str]) {
    let sim = Sim::start(Options { minor, seed: namespaces(600), ..Options::default() }).unwrap();
    let cluster = connect(&sim, User::Admin, true).await;
    let mut seen = Seen::new(&cluster, &[Scope::All]);
    seen.until("everything is live", live).await;
    assert!(seen.world.inventory.count(Kind::Namespace) >= 600);
    let entries = sim.audit();
    let lists = entries.iter().filter(|entry| entry.resource == "namespaces");
    let queries: Vec<&str> = lists.map(|entry| entry.path.trim_start_matches("/api/v1/namespaces")).collect();
    for (query, begins) in queries.iter().zip(asked) {
        assert!(query.starts_with(begins) && (!begins.is_empty() || query.is_empty()), "{queries:?}");
    }
    assert!(queries.len() >= asked.len(), "{queries:?}");
}

#[tokio::test]
async fn a_list_that_breaks_as_a_whole_comes_by_pages() {
    let sim = Sim::start(Options { seed: namespaces(1_200), ..Options::default() }).unwrap();
    let proxy = Proxy::before(Upstream::new(&sim.url(), None));
    let whole = Order::on(Method::GET, "/api/v1/namespaces", Fault::Cut).without("limit=").without("watch=");
    proxy.order(whole);
    let cluster = connect_by(&proxy.kubeconfig("test", "shop", &User::Admin.token()), true).await;
    let mut seen = Seen::new(&cluster, &[Scope::All]);
    seen.until("everything is live", live).await;
    assert!(seen.world.inventory.count(Kind::Namespace) >= 1_200);
}

#[tokio::test]
async fn what_may_not_be_read_is_denied_and_the_rest_is_live() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.settle().await;
    let auditor = connect(&sim, User::Auditor, false).await;
    let mut seen = Seen::new(&auditor, &[Scope::Namespace("shop".into())]);
    seen.until("Secrets are denied", |world| matches!(world.freshness(Kind::TlsSecret), Freshness::Denied { .. }))
        .await;
    seen.until("claims are live", |world| world.freshness(Kind::Pvc).live()).await;
    let create = AccessQuery {
        verb: "create".into(),
        group: "snapshot.storage.k8s.io".into(),
        resource: "volumesnapshots".into(),
        subresource: None,
        namespace: Some("shop".into()),
        name: None,
    };
    assert!(matches!(auditor.eyes().access(&create).await.unwrap(), Access::Denied { .. }));
    assert_eq!(connect(&sim, User::Admin, false).await.eyes().access(&create).await.unwrap(), Access::Allowed);
    assert!(auditor.eyes().who_am_i().await.unwrap().is_some());
}

#[tokio::test]
async fn a_read_only_client_reads_everything_and_the_server_sees_no_write() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.settle().await;
    let cluster = connect(&sim, User::Admin, true).await;
    assert!(cluster.hands().is_none());
    let mut seen = Seen::new(&cluster, &[Scope::All]);
    seen.until("everything is live", live).await;
    cluster.eyes().who_am_i().await.unwrap();
    let tls = seen.world.inventory.tls_secrets.iter().next().unwrap().meta.clone();
    let secret = cluster.eyes().get(&Resource::of(Kind::TlsSecret), tls.namespace.as_deref(), &tls.name).await;
    let secret = secret.unwrap().unwrap();
    assert_eq!(secret.uid, tls.uid().as_str());
    assert_eq!(secret.value.pointer("/data/tls.key"), Some(&json!("(not shown)")));
    let audit = sim.audit();
    assert!(
        audit.iter().all(|event| !["create", "update", "patch", "delete"].contains(&event.verb.as_str())
            || event.path.contains("selfsubject")),
        "{audit:?}"
    );
}

#[tokio::test]
async fn a_name_with_a_path_in_it_sends_nothing() {
    let sim = Sim::start(Options::default()).unwrap();
    let eyes = connect(&sim, User::Admin, false).await;
    let asked = sim.audit().len();
    let error =
        eyes.eyes().get(&Resource::of(Kind::Pvc), Some("shop"), "../../kube-system/secrets/x").await.unwrap_err();
    assert!(matches!(error, CallError::Refused { ref reason, .. } if &**reason == "InvalidName"), "{error}");
    assert_eq!(sim.audit().len(), asked);
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_told_as_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sim = Sim::start(Options { seed: Vec::new(), controllers: false, ..Options::default() }).unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(sim.kubeconfig(User::Admin).replace(&sim.url(), &silent).as_bytes()).unwrap();
    let target = Target { kubeconfig: Some(file.path().to_owned()), ..Target::default() };
    let mut seen = Seen::new(&cluster::connect(&target, |_| false).await.unwrap(), &[Scope::All]);
    seen.until(
        "the silence is told",
        |world| matches!(&world.connection, Connection::Down { why, .. } if why.contains("no answer within 5s")),
    )
    .await;
}

#[tokio::test]
async fn an_expired_token_says_to_log_in_again_and_is_read_anew() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.settle().await;
    let good = sim.kubeconfig(User::Admin);
    let expired = good.lines().map(|line| match line.split_once("token:") {
        Some((before, _)) => format!("{before}token: expired-s3cr3t\n"),
        None => format!("{line}\n"),
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(expired.collect::<String>().as_bytes()).unwrap();
    let target = Target { kubeconfig: Some(file.path().to_owned()), ..Target::default() };
    let cluster = cluster::connect(&target, |_| false).await.unwrap();
    let mut seen = Seen::new(&cluster, &[Scope::All]);
    seen.until(
        "the refusal is told",
        |world| matches!(world.freshness(Kind::Pvc), Freshness::Stale { why, .. } if why.contains("log in again")),
    )
    .await;
    std::fs::write(file.path(), good).unwrap();
    cluster.renew_credentials().await.unwrap();
    seen.until("claims are live", |world| world.freshness(Kind::Pvc).live()).await;
}
