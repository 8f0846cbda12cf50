//! What an inventory of 5,000 TLS Secrets costs: from the bytes of their list to judged rows, in time and in memory.
//! `cargo bench --bench certificates`; another number after `--`. Aims: 2 s and 40 MB.
//!
//! Each Secret has a leaf of its own, its intermediate and its key. A hundred ConfigMaps hold the same bundle, as every
//! namespace does. Memory is what the process holds more of than before (`/proc/self/statm`), with what the
//! allocator keeps of the list; where there is no `/proc` it is left out.
#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to measure")]

use std::time::{Duration, Instant};

use holdfast::cluster::read_list;
use holdfast::model::{Context, Delta, Kind, Object, Policies, Scope, Touched};
use holdfast::session::Desk;
use holdfast::view::Pane;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(MEASURE) {
        return measure(&arguments.collect::<Vec<_>>());
    }
    // `cargo bench` hands its own flags on.
    let secrets = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5_000);
    let folder = tempfile::tempdir().unwrap();
    let files = [("secrets", tls_secrets(secrets)), ("maps", bundles(100))].map(|(name, list)| {
        let file = folder.path().join(name);
        std::fs::write(&file, list).unwrap();
        file
    });
    // Another process measures: what making the lists took would hide what reading them takes.
    let own = std::env::current_exe().unwrap();
    let ended = std::process::Command::new(own).arg(MEASURE).args(files).status().unwrap();
    assert!(ended.success());
}

const MEASURE: &str = "measure";

fn measure(files: &[String]) {
    let mut desk = Desk::new(Context::default(), Policies::default(), Timestamp::now());
    for kind in Kind::ALL {
        desk.world.apply(Delta::ListDone(*kind, Scope::All), Timestamp::now());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let before = resident();
    let (mut size, mut decoding, mut whole) = (0, Duration::ZERO, Duration::ZERO);
    for (kind, file) in [Kind::TlsSecret, Kind::ConfigMap].into_iter().zip(files) {
        let list = std::fs::read(file).unwrap();
        size += list.len();
        let mut objects = Vec::new();
        let began = Instant::now();
        runtime.block_on(read_list(kind, list, |object| objects.push(object))).unwrap();
        decoding += began.elapsed();
        take(&mut desk, objects);
        whole += began.elapsed();
    }
    let began = Instant::now();
    desk.refresh(&Touched { all: true, ..Touched::default() }, Timestamp::now());
    whole += began.elapsed();
    let rows = desk.boards.board(Pane::Certificates).len();
    println!("a list of {} MB, {rows} rows", size >> 20);
    println!("decoded in {decoding:?}, judged after {whole:?} (aim 2 s)");
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("held after it {} MB (aim 40 MB)", Mega(after.saturating_sub(before)));
    }
}

struct Mega(usize);

impl std::fmt::Display for Mega {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = self.0 * 10 / (1 << 20);
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

fn take(desk: &mut Desk, objects: Vec<Object>) {
    for object in objects {
        let touched = desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), Timestamp::now());
        desk.boards.note(&touched);
    }
}

/// Bytes that this process holds in memory.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split_ascii_whitespace().nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

fn list(kind: &str, items: &[Value]) -> Vec<u8> {
    let list = json!({ "kind": format!("{kind}List"), "metadata": { "resourceVersion": "1" }, "items": items });
    list.to_string().into_bytes()
}

fn meta(namespace: usize, name: &str) -> Value {
    let namespace = format!("team-{namespace}");
    json!({ "namespace": namespace, "name": name, "uid": format!("{namespace}-{name}"), "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { "app": name, "team": namespace } })
}

fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

fn tls_secrets(count: usize) -> Vec<u8> {
    let (issuer, ca) = authority("bench ca");
    let value = |text: String| serde_json::to_value(ByteString(text.into_bytes())).unwrap();
    let items: Vec<Value> = (0..count)
        .map(|i| {
            let name = format!("service-{i}-tls");
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec![format!("service-{i}.team-{}.svc", i % 200)]).unwrap();
            params.serial_number = Some(u64::try_from(i).unwrap().into());
            let leaf = params.signed_by(&key, &issuer).unwrap().pem();
            json!({ "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta(i % 200, &name), "data": {
                "tls.crt": value(format!("{leaf}{ca}")), "tls.key": value(key.serialize_pem()),
                "ca.crt": value(ca.clone()) } })
        })
        .collect();
    list("Secret", &items)
}

fn bundles(count: usize) -> Vec<u8> {
    let bundle: String = (0..20).map(|i| authority(&format!("root {i}")).1).collect();
    let items: Vec<Value> =
        (0..count).map(|i| json!({ "metadata": meta(i, "ca-bundle"), "data": { "ca.crt": bundle } })).collect();
    list("ConfigMap", &items)
}
