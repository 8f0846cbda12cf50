//! The embedded cluster, seen through the clients it must satisfy: kube's and kubectl.
//!
//! Each test says in its name which behaviour of a real API server it holds the sim to.

mod access;
mod certificates;
mod exec;
mod kubectl;
mod lifecycle;
mod list;
mod logs;
mod scale;
mod snapshots;
mod watch;
mod writes;

use holdfast::sim::{Clock, Options, Sim, User};
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};

/// The shop on a clock that stands still.
async fn shop() -> Sim {
    let clock = Clock::manual("2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap());
    let sim = Sim::start(Options { clock, ..Options::default() }).unwrap();
    sim.settle().await;
    sim
}

/// A cluster with nothing but the default namespaces, and nothing that acts.
async fn bare() -> Sim {
    Sim::start(Options { seed: Vec::new(), controllers: false, ..Options::default() }).unwrap()
}

async fn client(sim: &Sim, user: User) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&sim.kubeconfig(user)).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

async fn api(sim: &Sim, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client(sim, User::Admin).await, namespace, &resource(api_version, kind))
}

async fn cluster_api(sim: &Sim, api_version: &str, kind: &str) -> Api<DynamicObject> {
    Api::all_with(client(sim, User::Admin).await, &resource(api_version, kind))
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"a": "1"}})
}

fn claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}},
    })
}

fn snapshot(namespace: &str, name: &str, claim: &str) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"persistentVolumeClaimName": claim}},
    })
}

/// The HTTP code of a refusal.
fn code<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => unreachable!("not refused: {other:?}"),
    }
}

fn text(object: &DynamicObject, pointer: &str) -> String {
    serde_json::to_value(object).unwrap().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Fails a test that waits for something that does not come.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(crate::support::wait::LONG, what).await.unwrap()
}
