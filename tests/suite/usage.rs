//! How full volumes are: asked of a Prometheus, shown while it is known, Unknown when it is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast::cluster::{Target, UsageFrom, UsageWatch, watch_usage};
use holdfast::config::{Config, PrometheusUrl};
use holdfast::model::{ClaimKey, Delta, Kind, Usage, UsageReport, UsageSource};
use holdfast::session::{Desk, Options, Session, Unnamed};
use holdfast::sim::{Clock, Options as SimOptions, Sim, User as SimUser};
use holdfast::store::Store;
use holdfast::view::{Level, Pane, Row, problems};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::cluster::{TestCluster, User};
use crate::support::desk;
use crate::support::scenarios;
use crate::support::wait::LONG;

scenarios!(a_command_waits_for_used_space_and_prints_it);

/// What a server answers to a query.
type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A server that speaks just enough HTTP. It goes away, with its connections, when it is dropped.
struct Prometheus {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Prometheus {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard): (Answer, _) = (Arc::new(answer), requests.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, heard, tls) = (answer.clone(), heard.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, &answer, &heard).await,
                        // A client that does not trust the certificate hangs up.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &answer, &heard).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, requests, _task: task }
    }

    /// With measurements of these claims: namespace, name, used and capacity, measured so many seconds before they
    /// are asked for.
    async fn measuring(claims: &[(&str, &str, u64, u64)], age: i64) -> Self {
        let claims: Vec<_> =
            claims.iter().map(|(ns, name, u, c)| ((*ns).to_owned(), (*name).to_owned(), *u, *c)).collect();
        Self::start(move |query| vector(&claims, age, query), None).await
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/prefix", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &Answer, heard: &Mutex<Vec<String>>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        buffer.extend_from_slice(&chunk[..read]);
        while let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
            let query = head.split_whitespace().nth(1).and_then(|path| path.split_once("query=")).unwrap().1.to_owned();
            heard.lock().unwrap().push(head);
            // The client may have gone.
            let _ = stream.write_all(&answer(&query)).await;
        }
    }
}

fn http(status: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn vector(claims: &[(String, String, u64, u64)], age: i64, query: &str) -> Vec<u8> {
    let now = Timestamp::now();
    let result: Vec<_> = claims
        .iter()
        .map(|(namespace, claim, used, capacity)| {
            let value = match query {
                "timestamp(kubelet_volume_stats_used_bytes)" => now.as_second() - age,
                "kubelet_volume_stats_used_bytes" => i64::try_from(*used).unwrap(),
                "kubelet_volume_stats_capacity_bytes" => i64::try_from(*capacity).unwrap(),
                other => panic!("asked for {other}"),
            };
            let labels = json!({"job": "kubelet", "namespace": namespace, "persistentvolumeclaim": claim});
            json!({"metric": labels, "value": [now.as_second(), value.to_string()]})
        })
        .collect();
    let answer = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
    http("200 OK", answer.to_string().as_bytes())
}

/// What a watch reports, with the watch that must be kept.
fn asking(url: &str, ca: Option<&std::path::Path>) -> (UsageWatch, mpsc::Receiver<Delta>) {
    let (out, deltas) = mpsc::channel(1);
    let from = UsageFrom { url: PrometheusUrl::try_from(url.to_owned()).unwrap(), ca: ca.map(Into::into) };
    (watch_usage(from, Duration::from_millis(20), out), deltas)
}

async fn next(deltas: &mut mpsc::Receiver<Delta>) -> UsageReport {
    match tokio::time::timeout(LONG, deltas.recv()).await.unwrap().unwrap() {
        Delta::Usage(report) => report,
        other => panic!("{other:?}"),
    }
}

async fn measured(deltas: &mut mpsc::Receiver<Delta>) -> Vec<(ClaimKey, Usage)> {
    match next(deltas).await {
        UsageReport::Measured(claims) => claims,
        other => panic!("{other:?}"),
    }
}

async fn failed(deltas: &mut mpsc::Receiver<Delta>) -> String {
    loop {
        // Answers from before the server went may still be under way.
        if let UsageReport::Failed(why) = next(deltas).await {
            return why.into();
        }
    }
}

#[tokio::test]
async fn only_the_query_api_of_the_configured_address_is_asked_and_only_read() {
    let server = Prometheus::measuring(&[("shop", "db", 85, 100)], 7).await;
    let (_watch, mut deltas) = asking(&server.url(), None);
    let claims = measured(&mut deltas).await;
    let [(claim, usage)] = claims.as_slice() else { panic!("{claims:?}") };
    assert_eq!((claim, usage.used, usage.capacity), (&("shop".into(), "db".into()), 85, 100));
    assert!((7..60).contains(&Timestamp::now().duration_since(usage.at).as_secs()), "{usage:?}");
    measured(&mut deltas).await;
    for request in server.requests() {
        assert!(request.starts_with("GET /prefix/api/v1/query?query="), "{request}");
        assert!(!request.to_lowercase().contains("authorization"), "{request}");
    }
}

#[tokio::test]
async fn a_server_that_goes_is_said_and_one_that_comes_back_is_asked_again() {
    let server = Prometheus::measuring(&[("shop", "db", 85, 100)], 0).await;
    let url = server.url();
    let (_watch, mut deltas) = asking(&url, None);
    measured(&mut deltas).await;
    let port = server.port;
    drop(server);
    let why = failed(&mut deltas).await;
    assert!(why.starts_with(&format!("Prometheus http://127.0.0.1:{port}/prefix cannot be reached: ")), "{why}");
    failed(&mut deltas).await;
}

#[rstest]
#[case::wants_credentials(http("401 Unauthorized", b"secret"), "answered 401 Unauthorized; an address that asks for")]
#[case::moved(http("302 Found", b"secret"), "answered 302 Found; name the address that it redirects to")]
#[case::elsewhere(http("404 Not Found", b"secret"), "is the path prefix of the address right?")]
#[case::said_no(
    http("422 Unprocessable Entity", br#"{"status":"error","errorType":"execution","error":"secret"}"#),
    "answered 422 Unprocessable Entity (execution)"
)]
#[case::a_web_page(http("200 OK", b"<html>secret</html>"), "not an answer of its query API (line 1, column 1)")]
#[case::no_http(b"secret\r\n\r\n".to_vec(), "cannot be reached")]
#[case::too_long(http("200 OK", &vec![b' '; (64 << 20) + 1]), "answered with more than 64 MiB")]
#[tokio::test]
async fn what_is_wrong_is_said_without_a_word_of_the_answer(#[case] answer: Vec<u8>, #[case] said: &str) {
    let server = Prometheus::start(move |_| answer.clone(), None).await;
    let (_watch, mut deltas) = asking(&server.url(), None);
    let why = failed(&mut deltas).await;
    assert!(why.contains(said) && !why.contains("secret"), "{why}");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let server = Prometheus::start(|_| Vec::new(), None).await;
    let (_watch, mut deltas) = asking(&server.url(), None);
    let why = failed(&mut deltas).await;
    assert!(why.ends_with("gave no answer within 10s"), "{why}");
}

#[tokio::test]
async fn https_is_checked_against_the_named_authorities_or_the_systems() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let claims = vec![("shop".to_owned(), "db".to_owned(), 85, 100)];
    let tls = TlsAcceptor::from(Arc::new(config));
    let server = Prometheus::start(move |query| vector(&claims, 0, query), Some(tls)).await;
    let url = format!("https://localhost:{}", server.port);
    let files = tempfile::tempdir().unwrap();
    let (ca, empty) = (files.path().join("ca.pem"), files.path().join("empty.pem"));
    std::fs::write(&ca, own.cert.pem()).unwrap();
    std::fs::write(&empty, "nothing here").unwrap();

    let (_watch, mut deltas) = asking(&url, Some(&ca));
    assert_eq!(measured(&mut deltas).await.len(), 1);
    let (_watch, mut deltas) = asking(&url, None);
    let why = failed(&mut deltas).await;
    assert!(why.contains("certificate"), "{why}");
    let (_watch, mut deltas) = asking(&url, Some(&empty));
    let why = failed(&mut deltas).await;
    assert!(why.contains("empty.pem holds no PEM certificate; correct prometheus_ca"), "{why}");
    let (_watch, mut deltas) = asking(&format!("http://localhost:{}", server.port), Some(&ca));
    let why = failed(&mut deltas).await;
    assert!(why.contains("its address is not https"), "{why}");
}

fn row<'a>(desk: &'a Desk, name: &str) -> Option<&'a Row> {
    desk.boards.board(Pane::Volumes).iter().find(|row| &*row.object.name == name)
}

/// The cell of used space as it is drawn.
fn used(desk: &Desk, name: &str) -> Option<String> {
    let place = Pane::Volumes.columns().iter().position(|column| column.id == "used").unwrap();
    Some(row(desk, name)?.cells[place].print(desk.now).into_owned())
}

/// A shop whose volumes are an hour old, and a session on it that asks this Prometheus and may not write.
async fn session(prometheus: &Prometheus, files: &std::path::Path) -> (Sim, Session) {
    let clock = Clock::manual(Timestamp::now() - SignedDuration::from_hours(1));
    let sim = Sim::start(SimOptions { clock, ..SimOptions::default() }).unwrap();
    sim.settle().await;
    let kubeconfig = files.join("kubeconfig");
    std::fs::write(&kubeconfig, sim.kubeconfig(SimUser::Admin)).unwrap();
    let text = format!("[contexts.demo-admin]\nread_only = true\nprometheus = \"{}\"\n", prometheus.url());
    let config = Config::parse(&text, std::path::Path::new("config.toml")).unwrap();
    let target = Target { kubeconfig: Some(kubeconfig), namespaces: vec!["shop".into()], ..Target::default() };
    let store = Store::open(&files.join("state")).unwrap();
    let options = Options { target, config, store, unnamed: Unnamed::All, kinds: Kind::ALL.to_vec() };
    (sim, Session::open(options))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_fills_up_is_a_problem_and_unknown_once_nobody_measures_it() {
    let claims = [("shop", "data-db-0", 91, 100), ("shop", "uploads", 10, 100), ("elsewhere", "uploads", 99, 100)];
    // What is measured now counts for a few seconds only.
    let prometheus = Prometheus::measuring(&claims, 292).await;
    let files = tempfile::tempdir().unwrap();
    let (sim, mut session) = session(&prometheus, files.path()).await;
    desk::until(&mut session, "used space", LONG, |desk| {
        used(desk, "data-db-0").as_deref() == Some("91% 91B") && used(desk, "uploads").as_deref() == Some("10% 10B")
    })
    .await;
    drop(prometheus);
    let desk = session.desk();
    assert!(row(desk, "data-db-0").unwrap().reasons.iter().any(|why| why.contains("91% of it is used")));
    let listed = problems(&desk.world, &desk.boards, &[], &[]);
    let full = listed.iter().find(|problem| problem.subject().contains("data-db-0")).unwrap();
    assert!(full.level == Level::Critical && full.reason.contains("91% of it is used"), "{full:?}");

    desk::until(&mut session, "used space to be unknown", LONG, |desk| {
        used(desk, "data-db-0").as_deref() == Some("?") && used(desk, "uploads").as_deref() == Some("?")
    })
    .await;
    let full = row(session.desk(), "data-db-0").unwrap();
    assert!(full.level >= Level::Unknown, "it was filling up when last seen: {full:?}");
    desk::until(&mut session, "the source to fail", LONG, |desk| {
        matches!(desk.world.usage.source(), UsageSource::Failing { .. })
    })
    .await;
    let desk = session.desk();
    let listed = problems(&desk.world, &desk.boards, &[], &[]);
    let failing = listed.iter().find(|problem| problem.state == "Failing").unwrap();
    assert!(failing.reason.contains("cannot be reached"), "{failing:?}");
    assert!(sim.audit().iter().all(|event| event.subresource != "proxy"));
}

async fn a_command_waits_for_used_space_and_prints_it(cluster: TestCluster) {
    cluster.claim("data").await;
    let prometheus = Prometheus::measuring(&[(&cluster.namespace, "data", 85 << 20, 100 << 20)], 0).await;
    let sre = cluster.person(User::Sre);
    let kubeconfig = std::fs::read_to_string(sre.kubeconfig()).unwrap();
    let context = kube::config::Kubeconfig::from_yaml(&kubeconfig).unwrap().current_context.unwrap();
    sre.configure(&format!("[contexts.\"{context}\"]\nprometheus = \"{}\"\n", prometheus.url()));
    let rows = sre.run(&["get", "volumes", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert_eq!(rows[0]["used"], json!({"bytes": 85 << 20, "capacity": 100 << 20, "percent": 85}), "{rows:#}");
    sre.configure("");
    let rows = sre.run(&["get", "volumes", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert_eq!(rows[0]["used"], serde_json::Value::Null, "{rows:#}");
}
