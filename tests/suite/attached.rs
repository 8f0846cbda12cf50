//! SARIF that a registry has attached to the digest of what runs: asked for where a registry is configured, and nowhere
//! else.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast::cluster::{Attached, AttachedEvent, Image, Wanted, watch_attached};
use holdfast::config::ScanRegistry;
use holdfast::text::sha256;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::support::cluster::{TestCluster, User};
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::wait::LONG;
use crate::vulnerable::{another_second, digest, run_image, scan, trusts};

const SARIF: &str = "application/sarif+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const REPOSITORY: &str = "team/shop";

mod sim {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_scan_attached_to_a_release_proves_what_a_file_proves() {
        let cluster = TestCluster::sim("a_scan_attached_to_a_release_proves_what_a_file_proves").await;
        let stub = Stub::start().await;
        for (version, found) in RELEASES {
            stub.attach(&digest(version), &[&log(version, found)]);
        }
        proves(&cluster, &stub.host).await;
        drop(stub);
    }
}

crate::support::lab_scenarios!(
    a_scan_in_a_real_registry_proves_what_a_file_proves,
    a_scan_in_a_real_registry_without_the_referrers_api_is_found_by_its_tag,
);

async fn a_scan_in_a_real_registry_proves_what_a_file_proves(cluster: TestCluster) {
    let registry = Registry::start(&["--referrers=true"]).await;
    for (version, found) in RELEASES {
        registry.attach(&digest(version), &log(version, found)).await;
    }
    proves(&cluster, &registry.host).await;
    unread(&cluster, registry).await;
}

async fn a_scan_in_a_real_registry_without_the_referrers_api_is_found_by_its_tag(cluster: TestCluster) {
    let registry = Registry::start(&["--referrers=false"]).await;
    for (version, found) in RELEASES {
        let manifest = registry.attach(&digest(version), &log(version, found)).await;
        let tag = digest(version).replace(':', "-");
        registry.send("PUT", &format!("manifests/{tag}"), INDEX, index(&[&manifest]).as_bytes()).await;
    }
    proves(&cluster, &registry.host).await;
}

const RELEASES: [(char, bool); 3] = [('a', false), ('b', true), ('c', false)];

/// A scan that does not say of what it is.
fn log(version: char, found: bool) -> String {
    let mut log: Value = serde_json::from_str(&scan(version, found, true)).unwrap();
    log["runs"][0].as_object_mut().unwrap().remove("properties");
    log.to_string()
}

fn sha(bytes: &str) -> String {
    format!("sha256:{}", sha256(bytes.as_bytes()))
}

fn descriptor(kind: &str, of: &str) -> Value {
    json!({ "mediaType": kind, "digest": sha(of), "size": of.len() })
}

/// A manifest of these logs, attached to an image.
fn manifest(image: &str, logs: &[&str]) -> String {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SARIF,
        "config": descriptor(SARIF, "{}"),
        "layers": logs.iter().map(|log| descriptor(SARIF, log)).collect::<Vec<_>>(),
        "subject": { "mediaType": MANIFEST, "digest": image, "size": 2 },
    })
    .to_string()
}

/// An index of such manifests, and of one that is something else.
fn index(manifests: &[&str]) -> String {
    let all = manifests.iter().map(|manifest| {
        let mut one = descriptor(MANIFEST, manifest);
        one["artifactType"] = json!(SARIF);
        one
    });
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": all.collect::<Vec<_>>() }).to_string()
}

async fn known_good(cluster: &TestCluster, sre: &Person) -> (Option<i32>, Value) {
    let ended = sre.run(&["known-good", &format!("{}/data-db-0", cluster.namespace), "-o", "json"]).await;
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")))
}

fn settings(host: &str, trusted: bool) -> String {
    format!("[[findings.registries]]\nhost = \"{host}\"\ninsecure = true\ntrusted = {trusted}\n")
}

/// The three releases run from there, each with its scan attached, and a copy is taken of each.
async fn proves(cluster: &TestCluster, host: &str) {
    let sre = cluster.person(User::Sre);
    sre.configure(&settings(host, true));
    for (version, _) in RELEASES {
        run_image(cluster, &format!("{host}/{REPOSITORY}@{}", digest(version))).await;
        // What runs is asked for while it runs.
        known_good(cluster, &sre).await;
        sre.run(&["backup", &format!("{}/data-db-0", cluster.namespace), "--yes"]).await.expect(0);
        another_second().await;
    }
    let (code, said) = known_good(cluster, &sre).await;
    assert_eq!((code, trusts(&said)), (Some(0), vec!["may be tainted", "exposed", "known-good"]), "{said:#}");
    // Whoever can push there can attach a scan.
    sre.configure(&settings(host, false));
    let (code, said) = known_good(cluster, &sre).await;
    assert!(code == Some(3) && !trusts(&said).contains(&"known-good"), "{said:#}");
}

/// While the registry cannot be asked for what runs, nothing is known to be good, and it is said why.
async fn unread(cluster: &TestCluster, registry: Registry) {
    let sre = cluster.person(User::Sre);
    sre.configure(&settings(&registry.host, true));
    let host = registry.stop().await;
    let (code, said) = known_good(cluster, &sre).await;
    let reasons = said["reasons"].to_string();
    assert!(code == Some(3) && reasons.contains(&host) && reasons.contains("cannot be reached"), "{said:#}");
}

/// The registry of the lab.
struct Registry {
    host: String,
    process: Child,
}

impl Registry {
    async fn start(arguments: &[&str]) -> Self {
        let program = Lab::found().bin.join("registry");
        let mut command = Command::new(&program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let host = lines.next_line().await.unwrap().expect("it says where it listens");
        Self { host, process }
    }

    async fn stop(mut self) -> String {
        self.process.kill().await.unwrap();
        self.host
    }

    /// Pushes a log that is attached to an image; its manifest.
    async fn attach(&self, image: &str, log: &str) -> String {
        for blob in [log, "{}"] {
            let path = format!("blobs/uploads/?digest={}", sha(blob));
            self.send("POST", &path, "application/octet-stream", blob.as_bytes()).await;
        }
        let manifest = manifest(image, &[log]);
        self.send("PUT", &format!("manifests/{}", sha(&manifest)), MANIFEST, manifest.as_bytes()).await;
        manifest
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        let head = format!(
            "{method} /v2/{REPOSITORY}/{path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
    }
}

/// What a registry answers: to the beginning of a request's head, by path.
type Answers = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A registry that answers what it is told to. It goes away when it is dropped.
struct Stub {
    host: String,
    answers: Answers,
    requests: Arc<Mutex<Vec<String>>>,
    /// Without this in a request, all but tokens is refused with that header.
    door: Arc<Mutex<Option<(String, String)>>>,
    _task: JoinSet<()>,
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into()
}

impl Stub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let answers = Answers::default();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let door = Arc::new(Mutex::new(None));
        let mut task = JoinSet::new();
        let (known, heard, closed) = (answers.clone(), requests.clone(), door.clone());
        task.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                heard.lock().unwrap().push(head.clone());
                let answer = answer(&head, &known, closed.lock().unwrap().as_ref());
                // The client may have gone.
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { host, answers, requests, door, _task: task }
    }

    fn put(&self, path: &str, answer: Vec<u8>) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn at(path: &str) -> String {
        format!("/v2/{REPOSITORY}/{path}")
    }

    /// One manifest for each log.
    fn attach(&self, image: &str, logs: &[&str]) {
        let manifests: Vec<String> = logs.iter().map(|log| manifest(image, &[log])).collect();
        for (manifest, log) in manifests.iter().zip(logs) {
            self.put(&Self::at(&format!("manifests/{}", sha(manifest))), http("200 OK", "", manifest));
            self.put(&Self::at(&format!("blobs/{}", sha(log))), http("200 OK", "", log));
        }
        let index = index(&manifests.iter().map(String::as_str).collect::<Vec<_>>());
        self.put(&Self::at(&format!("referrers/{image}")), http("200 OK", "", &index));
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(head: &str, known: &Answers, door: Option<&(String, String)>) -> Vec<u8> {
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if let Some((key, asks)) = door.filter(|_| path.starts_with("/v2/"))
        && !head.contains(key.as_str())
    {
        return http("401 Unauthorized", &format!("www-authenticate: {asks}\r\n"), "");
    }
    known.lock().unwrap().get(path).cloned().unwrap_or_else(|| http("404 Not Found", "", ""))
}

fn image(host: &str, of: char) -> Image {
    Image { host: host.to_owned(), repository: REPOSITORY.to_owned(), digest: digest(of) }
}

/// Asks a registry for images as long as it lives.
struct Asker {
    wanted: watch::Sender<Wanted>,
    heard: mpsc::Receiver<AttachedEvent>,
    _watch: holdfast::cluster::AttachedWatch,
}

impl Asker {
    fn of(host: &str, images: &[Image]) -> Self {
        let registry = ScanRegistry { host: host.to_owned(), insecure: true, ..ScanRegistry::default() };
        let (wanted, wants) = watch::channel(Wanted::Images(images.iter().cloned().collect::<BTreeSet<_>>()));
        let (out, heard) = mpsc::channel(1);
        let watch = watch_attached(&[registry], &wants, Duration::from_millis(20), &out);
        Self { wanted, heard, _watch: watch }
    }

    async fn next(&mut self) -> AttachedEvent {
        tokio::time::timeout(LONG, self.heard.recv()).await.expect("an event in time").expect("it goes on")
    }

    async fn logs(&mut self) -> Vec<Attached> {
        loop {
            match self.next().await {
                AttachedEvent::Is(_, logs) => return logs,
                AttachedEvent::Blind(_, why) => panic!("{why}"),
                _ => {}
            }
        }
    }

    /// Why it could not be asked.
    async fn blind(&mut self) -> String {
        loop {
            if let AttachedEvent::Blind(_, why) = self.next().await {
                return why;
            }
        }
    }
}

#[tokio::test]
async fn what_is_attached_later_is_found_and_what_is_the_same_is_not_read_again() {
    let stub = Stub::start().await;
    let mut asker = Asker::of(&stub.host, &[image(&stub.host, 'a')]);
    assert_eq!(asker.logs().await, []);
    stub.attach(&digest('a'), &["one"]);
    assert_eq!(asker.logs().await, [(sha("one"), Ok(b"one".to_vec()))]);
    stub.attach(&digest('a'), &["one", "two"]);
    assert_eq!(asker.logs().await.len(), 2);
    let blobs = |of: &str| stub.requests().iter().filter(|head| head.contains(&sha(of))).count();
    let read = blobs("one");
    let again = stub.requests().len() + 3;
    crate::support::wait::until("it to be asked again", LONG, async || (stub.requests().len() > again).then_some(()))
        .await;
    assert_eq!(blobs("one"), read);
    assert!(stub.requests().iter().all(|head| head.starts_with("GET ") && !head.contains("authorization")));
    // Another one runs: it is asked for at once.
    asker.wanted.send_replace(Wanted::Images([image(&stub.host, 'b')].into()));
    stub.attach(&digest('b'), &["three"]);
    crate::support::wait::until("b to be asked for", LONG, async || {
        stub.requests().iter().any(|head| head.contains(&format!("referrers/{}", digest('b')))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_lets_in_goes_to_the_registry_and_not_to_where_it_sends_on_to() {
    let (stub, store) = (Stub::start().await, Stub::start().await);
    stub.attach(&digest('a'), &["one"]);
    store.put("/signed", http("200 OK", "", "one"));
    let on = format!("location: http://{}/signed?signature=s3cr3t\r\n", store.host);
    stub.put(&Stub::at(&format!("blobs/{}", sha("one"))), http("307 Temporary Redirect", &on, ""));
    let asks = format!("Bearer realm=\"http://{}/token\",service=\"shop\"", stub.host);
    *stub.door.lock().unwrap() = Some(("authorization: Bearer t0k3n".to_owned(), asks));
    stub.put("/token", http("200 OK", "", r#"{"token":"t0k3n"}"#));
    let mut asker = Asker::of(&stub.host, &[image(&stub.host, 'a')]);
    assert_eq!(asker.logs().await, [(sha("one"), Ok(b"one".to_vec()))]);
    let tokens: Vec<String> = stub.requests().into_iter().filter(|head| head.starts_with("GET /token")).collect();
    assert!(tokens[0].contains("scope=repository%3Ateam%2Fshop%3Apull") && !tokens[0].contains("authorization"));
    let sent: Vec<String> = store.requests();
    assert!(sent.len() == 1 && !sent[0].contains("authorization") && !sent[0].contains("t0k3n"), "{sent:?}");
}

#[tokio::test]
async fn a_token_is_not_asked_for_elsewhere_without_tls() {
    let (stub, other) = (Stub::start().await, Stub::start().await);
    let asks = format!("Bearer realm=\"http://{}/token\"", other.host);
    *stub.door.lock().unwrap() = Some(("never".to_owned(), asks));
    let why = Asker::of(&stub.host, &[image(&stub.host, 'a')]).blind().await;
    assert!(why.contains("neither https nor its own") && other.requests().is_empty(), "{why}");
}

#[rstest]
#[case::forged("200 OK", "two", "not what its digest says")]
#[case::gone("404 Not Found", "", "it answered 404")]
#[case::empty("200 OK", "", "not what its digest says")]
#[tokio::test]
async fn a_log_that_cannot_be_had_as_it_should_be_is_told(
    #[case] status: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let stub = Stub::start().await;
    stub.attach(&digest('a'), &["one"]);
    stub.put(&Stub::at(&format!("blobs/{}", sha("one"))), http(status, "", body));
    let logs = Asker::of(&stub.host, &[image(&stub.host, 'a')]).logs().await;
    let why = logs[0].1.as_ref().unwrap_err();
    assert!(logs.len() == 1 && why.contains(expected), "{logs:?}");
}

#[rstest]
#[case::refused("403 Forbidden", "", "log in with docker")]
#[case::broken("500 Internal Server Error", "s3cr3t", "it answered 500")]
#[case::no_index("200 OK", "<html>s3cr3t</html>", "no image index")]
#[tokio::test]
async fn a_registry_that_cannot_be_asked_says_why_and_no_body(
    #[case] status: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let stub = Stub::start().await;
    stub.put(&Stub::at(&format!("referrers/{}", digest('a'))), http(status, "", body));
    let why = Asker::of(&stub.host, &[image(&stub.host, 'a')]).blind().await;
    assert!(why.contains(expected) && why.contains(&digest('a')) && !why.contains("s3cr3t"), "{why}");
}

#[tokio::test]
async fn only_what_runs_from_a_registry_is_asked_for_there() {
    let stub = Stub::start().await;
    let mut asker = Asker::of(&stub.host, &[image("other.example", 'a')]);
    assert_eq!(asker.next().await, AttachedEvent::Asked(stub.host.clone()));
    assert!(stub.requests().is_empty());
    asker.wanted.send_replace(Wanted::Unseen);
    assert!(asker.blind().await.contains("cannot be seen what runs"));
    let gone = Stub::start().await.host;
    let why = Asker::of(&gone, &[image(&gone, 'a')]).blind().await;
    assert!(why.contains("cannot be reached") && why.contains("findings.registries"), "{why}");
}
