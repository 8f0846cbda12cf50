//! Runs the checks of drills on the real control plane, where nothing runs in pods: reads the volume that a pod mounts
//! and says in its status what its script would have said.

use std::path::Path;
use std::time::Duration;

use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::cluster::TestCluster;

/// Ends when it is dropped. On the embedded cluster, which does this itself, it does nothing.
pub fn run(cluster: &TestCluster) -> JoinSet<()> {
    let mut running = JoinSet::new();
    if let Some((client, volumes)) = cluster.volumes_on_disk() {
        running.spawn(async move {
            loop {
                look(&client, &volumes).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    running
}

fn api(client: &kube::Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = super::cluster::resource("v1", kind);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn look(client: &kube::Client, volumes: &Path) {
    let pods = api(client, "Pod", None).list(&ListParams::default().labels("holdfast.dev/drill")).await;
    for pod in pods.into_iter().flat_map(|pods| pods.items) {
        let pod = serde_json::to_value(pod).unwrap();
        if pod["status"]["phase"] == "Running" {
            // A drill that is being cleaned up takes its objects away meanwhile.
            let _ = end(client, volumes, &pod).await;
        }
    }
}

async fn end(client: &kube::Client, volumes: &Path, pod: &Value) -> Option<()> {
    let text = |field: &str| pod.pointer(field).and_then(Value::as_str);
    let namespace = text("/metadata/namespace")?;
    let claim = text("/spec/volumes/0/persistentVolumeClaim/claimName")?;
    let claim = api(client, "PersistentVolumeClaim", Some(namespace)).get(claim).await.ok()?;
    let volume = api(client, "PersistentVolume", None).get(claim.data["spec"]["volumeName"].as_str()?).await.ok()?;
    let folder = volumes.join(volume.data["spec"]["csi"]["volumeHandle"].as_str()?);
    let files = std::fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    let sizes: Vec<u64> = files.collect();
    let at_least: u64 = text("/spec/containers/0/env/0/value")?.parse().ok()?;
    let (count, bytes) = (sizes.len(), sizes.iter().sum::<u64>());
    let (code, words) = match (count, bytes) {
        (0, _) => (1, "the volume holds no file: it is empty".to_owned()),
        (_, bytes) if bytes < at_least => (1, format!("only {bytes} bytes (files: {count}), {at_least} were expected")),
        _ => (0, format!("read {bytes} bytes, files: {count}")),
    };
    let now = pod.pointer("/status/startTime")?;
    let ended = json!({
        "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" }, "message": words,
        "startedAt": now, "finishedAt": now,
    });
    let status = json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "containerStatuses": [{
            "name": "check", "image": text("/spec/containers/0/image")?, "imageID": "", "ready": false,
            "restartCount": 0, "state": { "terminated": ended },
        }],
    });
    let patch = Patch::Merge(json!({ "status": status }));
    let name = text("/metadata/name")?;
    api(client, "Pod", Some(namespace)).patch_status(name, &PatchParams::default(), &patch).await.ok().map(drop)
}
