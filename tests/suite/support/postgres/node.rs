//! What a kubelet does for the pods of one scenario in which PostgreSQL runs: it starts the server on the volume of a
//! pod that was scheduled, says in the pod's status when it takes connections, and stops it before a pod that is being
//! deleted may go. kwok passes over these pods (see `tests/lab/plane/manifests.go`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::cluster::{Backing, TestCluster, resource};
use super::super::lab::Driver;
use super::{Place, Server};

/// Label of the pods that it runs.
pub const LABEL: (&str, &str) = ("lab.holdfast.dev/run-by-test", "postgres");

/// How often it looks.
const POLL: Duration = Duration::from_millis(100);

/// Runs the pods of a namespace for as long as it is kept.
pub struct Node {
    _running: JoinSet<()>,
}

impl Node {
    /// On the lab alone: the volumes of the embedded cluster are on no disk.
    pub fn run(cluster: &TestCluster, place: &Arc<Place>) -> Self {
        Self::run_those(cluster, place, LABEL.1)
    }

    /// Only those pods whose label has this value: each place has room for one server.
    pub fn run_those(cluster: &TestCluster, place: &Arc<Place>, value: &'static str) -> Self {
        let Backing::Lab(lab) = &cluster.backing else { panic!("a real server needs volumes on disk") };
        let mut kubelet = Kubelet {
            client: cluster.client.clone(),
            namespace: cluster.namespace.clone(),
            driver: lab.drivers["block.csi.holdfast.dev"].clone(),
            place: Arc::clone(place),
            label: format!("{}={value}", LABEL.0),
            servers: BTreeMap::new(),
        };
        let mut running = JoinSet::new();
        running.spawn(async move {
            loop {
                kubelet.look().await;
                tokio::time::sleep(POLL).await;
            }
        });
        Self { _running: running }
    }
}

struct Kubelet {
    client: kube::Client,
    namespace: String,
    driver: Driver,
    place: Arc<Place>,
    label: String,
    /// By the UID of the pod; whether it was said to be ready.
    servers: BTreeMap<String, (Server, bool)>,
}

impl Kubelet {
    fn api(&self, api_version: &str, kind: &str, namespaced: bool) -> Api<DynamicObject> {
        let resource = resource(api_version, kind);
        if namespaced {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        }
    }

    async fn look(&mut self) {
        let mine = ListParams::default().labels(&self.label);
        // Another scenario may have stopped the API server for a moment.
        let Ok(pods) = self.api("v1", "Pod", true).list(&mine).await else { return };
        for pod in pods.items {
            let pod = serde_json::to_value(pod).unwrap();
            let uid = pod["metadata"]["uid"].as_str().unwrap().to_owned();
            if !pod["metadata"]["deletionTimestamp"].is_null() {
                self.end(&pod, &uid).await;
            } else if !self.servers.contains_key(&uid) {
                self.begin(&pod, uid).await;
            } else {
                self.report(&pod, &uid).await;
            }
        }
    }

    /// Starts the server once the volume is attached.
    async fn begin(&mut self, pod: &Value, uid: String) -> Option<()> {
        pod["spec"]["nodeName"].as_str()?;
        let claim = pod.pointer("/spec/volumes/0/persistentVolumeClaim/claimName")?.as_str()?;
        let claim = self.api("v1", "PersistentVolumeClaim", true).get(claim).await.ok()?;
        let volume = claim.data["spec"]["volumeName"].as_str()?.to_owned();
        let attachments = self.api("storage.k8s.io/v1", "VolumeAttachment", false);
        let attached = attachments.list(&ListParams::default()).await.ok()?.items.into_iter().any(|it| {
            it.data["spec"]["source"]["persistentVolumeName"] == *volume && it.data["status"]["attached"] == true
        });
        if !attached {
            return None;
        }
        let volume = self.api("v1", "PersistentVolume", false).get(&volume).await.ok()?;
        let handle = volume.data.pointer("/spec/csi/volumeHandle")?.as_str()?;
        let registered: PathBuf = self.driver.writers.join(handle);
        let server = Server::start(&self.place, &self.driver.volumes.join(handle), registered).await;
        self.servers.insert(uid, (server, false));
        Some(())
    }

    /// Says that the pod is ready, once its server takes connections.
    async fn report(&mut self, pod: &Value, uid: &str) -> Option<()> {
        let (server, reported) = self.servers.get_mut(uid)?;
        if *reported || !self.place.answers().await {
            return None;
        }
        *reported = true;
        let container = &pod["spec"]["containers"][0];
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let condition = |name: &str| json!({ "type": name, "status": "True", "lastTransitionTime": now });
        let conditions = ["Initialized", "Ready", "ContainersReady"].map(condition);
        let status = json!({
            "phase": "Running", "startTime": now, "conditions": conditions,
            "containerStatuses": [{
                "name": container["name"], "image": container["image"], "imageID": "", "ready": true, "restartCount": 0,
                "containerID": format!("process://{}", server.child.id()?), "state": { "running": { "startedAt": now } },
            }],
        });
        let (name, patch) = (pod["metadata"]["name"].as_str()?, Patch::Merge(json!({ "status": status })));
        self.api("v1", "Pod", true).patch_status(name, &PatchParams::default(), &patch).await.ok().map(drop)
    }

    /// Stops the server, and only then lets the pod go.
    async fn end(&mut self, pod: &Value, uid: &str) -> Option<()> {
        if let Some((server, _)) = self.servers.remove(uid) {
            server.stop().await;
        }
        let this_one = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters =
            DeleteParams { grace_period_seconds: Some(0), preconditions: Some(this_one), ..DeleteParams::default() };
        self.api("v1", "Pod", true).delete(pod["metadata"]["name"].as_str()?, &parameters).await.ok().map(drop)
    }
}
