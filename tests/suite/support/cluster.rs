//! A cluster to run a scenario on: the embedded one or the real one, with the same interface and the same proxy
//! before it. Each scenario has a namespace of its own.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use holdfast::sim::{Options, Sim, SnapshotFault, User as SimUser};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::lab::Lab;
use super::manifests;
use super::person::Person;
use super::proxy::{Proxy, Upstream};
use super::wait::{self, LONG};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Admin,
    Sre,
    /// A second SRE, with the same rights.
    Colleague,
    Auditor,
    /// Reads the scenario's namespace alone, once [`TestCluster::let_in`] was called.
    Tenant,
}

impl User {
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sre => "sre",
            Self::Colleague => "colleague",
            Self::Auditor => "auditor",
            Self::Tenant => "tenant",
        }
    }

    fn in_sim(self) -> SimUser {
        match self {
            Self::Admin => SimUser::Admin,
            Self::Sre => SimUser::Sre,
            Self::Colleague => SimUser::Colleague,
            Self::Auditor => SimUser::Auditor,
            Self::Tenant => SimUser::Tenant,
        }
    }
}

/// How snapshots of one claim go wrong.
#[derive(Clone, Copy, Debug)]
pub enum StorageFault {
    /// Cut at once, ready so much later.
    ReadyAfter(Duration),
    NeverReady,
    ErrorOnce,
    ErrorAlways,
    /// Says that twice the 64Mi of a claim, and a byte, are needed to restore it.
    Oversized,
}

/// Where the bytes of a claim are.
#[derive(Clone, Debug)]
pub struct Volume {
    pub driver: String,
    pub handle: String,
}

/// One request as the server's audit log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    pub id: String,
    pub user: String,
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub path: String,
    /// HTTP status of the answer; zero while there is none.
    pub code: u16,
}

#[derive(Clone)]
pub(super) enum Backing {
    Sim(Arc<Sim>),
    Lab(Lab),
}

/// A cluster with a proxy before it and a namespace for one scenario.
pub struct TestCluster {
    pub(super) backing: Backing,
    pub proxy: Proxy,
    upstream: Upstream,
    pub namespace: String,
    /// Goes straight to the server, not through the proxy.
    pub(super) client: kube::Client,
    /// Whose token the sre has here, when not their own.
    stand_in: Option<String>,
}

impl TestCluster {
    /// An embedded cluster of its own.
    pub async fn sim(scenario: &str) -> Self {
        Self::embedded_with(scenario, Options::default()).await
    }

    /// An embedded cluster that does not serve these API groups.
    pub async fn sim_without(scenario: &str, groups: &[&str]) -> Self {
        let mut options = Options::default();
        options.absent.extend(groups.iter().map(ToString::to_string));
        let of = |object: &Value| {
            object["apiVersion"].as_str().and_then(|version| version.split('/').next()).map(str::to_owned)
        };
        options.seed.retain(|object| !of(object).is_some_and(|group| groups.contains(&group.as_str())));
        Self::embedded_with(scenario, options).await
    }

    async fn embedded_with(scenario: &str, options: Options) -> Self {
        let sim = Sim::start(options).unwrap();
        let kubeconfig = Kubeconfig::from_yaml(&sim.kubeconfig(SimUser::Admin)).unwrap();
        let upstream = Upstream::new(&sim.url(), None);
        Self::with(Backing::Sim(Arc::new(sim)), kubeconfig, upstream, scenario).await
    }

    /// The lab that is up, shared with other scenarios.
    pub async fn lab(scenario: &str) -> Self {
        let lab = Lab::found();
        let kubeconfig = Kubeconfig::read_from(lab.own_kubeconfig()).unwrap();
        let authority = std::fs::read_to_string(&lab.ca).unwrap();
        let upstream = Upstream::new(&lab.server, Some(&authority));
        Self::with(Backing::Lab(lab), kubeconfig, upstream, scenario).await
    }

    async fn with(backing: Backing, kubeconfig: Kubeconfig, upstream: Upstream, scenario: &str) -> Self {
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        let client = kube::Client::try_from(config).unwrap();
        Self::before(backing, client, upstream, (scenario, None)).await
    }

    async fn before(
        backing: Backing,
        client: kube::Client,
        upstream: Upstream,
        (scenario, stand_in): (&str, Option<String>),
    ) -> Self {
        let proxy = Proxy::before(upstream.clone());
        let cluster = Self { backing, proxy, upstream, namespace: own_name(scenario), client, stand_in };
        cluster.create(&manifests::namespace(&cluster.namespace)).await;
        cluster
    }

    /// The same cluster with another namespace and another way to it.
    pub async fn apart(&self, scenario: &str) -> Self {
        self.apart_with(scenario, self.stand_in.clone()).await
    }

    async fn apart_with(&self, scenario: &str, stand_in: Option<String>) -> Self {
        Self::before(self.backing.clone(), self.client.clone(), self.upstream.clone(), (scenario, stand_in)).await
    }

    /// The same cluster with another namespace, where the sre is whoever has this token.
    pub async fn where_sre_is(&self, scenario: &str, token: &str) -> Self {
        self.apart_with(scenario, Some(token.to_owned())).await
    }

    /// A token of a service account of the scenario's namespace.
    pub async fn token_of(&self, account: &str) -> String {
        super::account::token(&self.client, &self.namespace, account).await
    }

    /// Does this at each of these points, some side by side, each with a namespace and a way to the server of its own.
    pub async fn at_each<T: Display>(&self, points: impl IntoIterator<Item = T>, what: impl AsyncFn(Self, T)) {
        let side_by_side = if self.is_embedded() { 4 } else { 2 };
        let what = &what;
        let each = async |point: T| what(self.apart(&format!("at-{point}")).await, point).await;
        futures::stream::iter(points).for_each_concurrent(side_by_side, each).await;
    }

    /// The bearer token of a user.
    pub fn token(&self, user: User) -> String {
        if let (User::Sre, Some(token)) = (user, &self.stand_in) {
            return token.clone();
        }
        match &self.backing {
            Backing::Sim(_) => user.in_sim().token(),
            Backing::Lab(lab) => lab.users[user.name()].token.clone(),
        }
    }

    /// A person's machine with a kubeconfig that leads through the proxy.
    pub fn person(&self, user: User) -> Person {
        self.person_by(&self.proxy, user)
    }

    /// A way of its own to the server: what is ordered to [`Self::proxy`] does not happen on it.
    pub fn other_way(&self) -> Proxy {
        Proxy::before(self.upstream.clone())
    }

    /// A person's machine that goes this way.
    pub fn person_by(&self, way: &Proxy, user: User) -> Person {
        let token = self.token(user);
        Person::new(&way.kubeconfig("test", &self.namespace, &token), &[&token])
    }

    /// A kubeconfig that leads straight to the server, not through the proxy: kubectl sends no token over plain HTTP.
    pub fn straight(&self, user: User) -> String {
        match &self.backing {
            Backing::Sim(sim) => sim.kubeconfig(user.in_sim()),
            Backing::Lab(lab) => std::fs::read_to_string(lab.dir.join(format!("{}.kubeconfig", user.name()))).unwrap(),
        }
    }

    /// The lab's kubectl; `None` where there is none.
    pub fn kubectl(&self) -> Option<PathBuf> {
        let folder = match &self.backing {
            Backing::Sim(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lab/bin"),
            Backing::Lab(lab) => lab.bin.clone(),
        };
        Some(folder.join("kubectl")).filter(|kubectl| kubectl.exists())
    }

    /// Lets the tenant read this scenario's namespace. On the embedded cluster it may read each.
    pub async fn let_in(&self) {
        if let Backing::Lab(_) = &self.backing {
            let rbac = "rbac.authorization.k8s.io";
            let binding = json!({
                "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
                "metadata": { "name": "tenant", "namespace": self.namespace },
                "roleRef": { "apiGroup": rbac, "kind": "ClusterRole", "name": "lab-view" },
                "subjects": [{ "apiGroup": rbac, "kind": "User", "name": User::Tenant.name() }],
            });
            self.create(&binding).await;
        }
    }

    fn api(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = resource(api_version, kind);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Creates an object, with all rights and not through the proxy.
    pub async fn create(&self, object: &Value) -> Value {
        let text = |field: &str| object.pointer(field).and_then(Value::as_str);
        let namespace = text("/metadata/namespace");
        let api = self.api(text("/apiVersion").unwrap(), text("/kind").unwrap(), namespace);
        let typed: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let created = api.create(&PostParams::default(), &typed).await;
        serde_json::to_value(created.unwrap_or_else(|error| panic!("create {object}: {error}"))).unwrap()
    }

    /// Makes a cluster-scoped object, or leaves one as it is that is there.
    pub async fn apply_global(&self, object: &Value) {
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap();
        let api = self.api(text("/apiVersion"), text("/kind"), None);
        let params = PatchParams::apply("scenario").force();
        api.patch(text("/metadata/name"), &params, &Patch::Apply(object)).await.unwrap();
    }

    /// An object of the scenario's namespace.
    pub async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let found = self.api(api_version, kind, Some(&self.namespace)).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// A cluster-scoped object.
    pub async fn get_global(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let found = self.api(api_version, kind, None).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// Objects of the scenario's namespace.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let found = self.api(api_version, kind, Some(&self.namespace)).list(&ListParams::default()).await.unwrap();
        found.items.into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
    }

    /// Changes an object of the scenario's namespace by a merge patch.
    pub async fn merge(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind, Some(&self.namespace));
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Changes the status of an object of the scenario's namespace by a merge patch.
    pub async fn merge_status(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind, Some(&self.namespace));
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Replaces the status of an object of the scenario's namespace; false when it was written meanwhile.
    pub async fn put_status(&self, api_version: &str, kind: &str, object: &Value) -> bool {
        let api = self.api(api_version, kind, Some(&self.namespace));
        let typed: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        match api.replace_status(name, &PostParams::default(), &typed).await {
            Err(kube::Error::Api(status)) if status.code == 409 => false,
            answer => answer.map(|_| true).unwrap(),
        }
    }

    /// Deletes an object of the scenario's namespace.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        let api = self.api(api_version, kind, Some(&self.namespace));
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Deletes a cluster-scoped object.
    pub async fn delete_global(&self, api_version: &str, kind: &str, name: &str) {
        self.api(api_version, kind, None).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// The snapshots of the scenario's namespace that an operation made.
    pub async fn snapshots(&self) -> Vec<Value> {
        self.list(manifests::SNAPSHOTS, "VolumeSnapshot").await
    }

    /// Makes a claim and waits until it is bound.
    pub async fn claim(&self, name: &str) -> Volume {
        self.create(&manifests::claim(&self.namespace, name)).await;
        self.bound(name).await
    }

    /// Takes a snapshot of a claim and waits until it can be restored from.
    pub async fn snapshot(&self, name: &str, claim: &str) -> Value {
        self.create(&manifests::snapshot(&self.namespace, name, claim)).await;
        self.ready(name).await
    }

    /// A snapshot, once it can be restored from.
    pub async fn ready(&self, name: &str) -> Value {
        wait::until("the snapshot to be ready", LONG, async || {
            let snapshot = self.get(manifests::SNAPSHOTS, "VolumeSnapshot", name).await?;
            (snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true))).then_some(snapshot)
        })
        .await
    }

    /// The volume of a claim that a workload is to make, once it is bound.
    pub async fn bound_when_made(&self, name: &str) -> Volume {
        let made = async || self.get("v1", "PersistentVolumeClaim", name).await;
        wait::until("the claim to be made", LONG, made).await;
        self.bound(name).await
    }

    /// The volume of a claim, once it is bound.
    pub async fn bound(&self, name: &str) -> Volume {
        let volume = wait::until("the claim to be bound", LONG, async || {
            let claim = self.get("v1", "PersistentVolumeClaim", name).await?;
            let bound = claim.pointer("/status/phase").and_then(Value::as_str) == Some("Bound");
            bound.then(|| claim["spec"]["volumeName"].as_str().unwrap().to_owned())
        });
        let volume = self.get_global("v1", "PersistentVolume", &volume.await).await.unwrap();
        let text = |field: &str| volume.pointer(field).and_then(Value::as_str).unwrap().to_owned();
        Volume { driver: text("/spec/csi/driver"), handle: text("/spec/csi/volumeHandle") }
    }

    /// Writes a file into a volume, as a workload would.
    pub fn write(&self, volume: &Volume, file: &str, bytes: &[u8]) {
        match &self.backing {
            Backing::Sim(sim) => sim.volumes().write(&volume.handle, file, bytes),
            Backing::Lab(lab) => {
                std::fs::write(lab.drivers[&volume.driver].volumes.join(&volume.handle).join(file), bytes).unwrap();
            }
        }
    }

    /// A file as it is in a volume now.
    pub fn read(&self, volume: &Volume, file: &str) -> Option<Vec<u8>> {
        match &self.backing {
            Backing::Sim(sim) => sim.volumes().read(&volume.handle, file),
            Backing::Lab(lab) => {
                std::fs::read(lab.drivers[&volume.driver].volumes.join(&volume.handle).join(file)).ok()
            }
        }
    }

    /// Whether this is the embedded cluster, where a scenario costs little.
    pub fn is_embedded(&self) -> bool {
        matches!(self.backing, Backing::Sim(_))
    }

    /// Changes a cluster-scoped object by a merge patch.
    pub async fn merge_global(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind, None);
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Changes the status of a cluster-scoped object by a merge patch.
    pub async fn merge_global_status(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind, None);
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// A file as it is in a snapshot of the storage.
    pub fn read_snapshot(&self, driver: &str, handle: &str, file: &str) -> Option<Vec<u8>> {
        match &self.backing {
            Backing::Sim(sim) => sim.volumes().read_snapshot(handle, file),
            Backing::Lab(lab) => std::fs::read(lab.drivers[driver].snapshots.join(handle).join(file)).ok(),
        }
    }

    /// A client with all rights and the folder of the block driver's volumes; `None` where they are not on disk.
    pub fn volumes_on_disk(&self) -> Option<(kube::Client, PathBuf)> {
        match &self.backing {
            Backing::Sim(_) => None,
            Backing::Lab(lab) => Some((self.client.clone(), lab.drivers["block.csi.holdfast.dev"].volumes.clone())),
        }
    }

    /// Cluster-scoped objects with these labels.
    pub async fn list_global(&self, api_version: &str, kind: &str, labels: &str) -> Vec<Value> {
        let found = self.api(api_version, kind, None).list(&ListParams::default().labels(labels)).await.unwrap();
        found.items.into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
    }

    /// Takes the copy out of the storage behind the back of the cluster.
    pub fn lose_snapshot(&self, driver: &str, handle: &str) {
        match &self.backing {
            Backing::Sim(sim) => sim.volumes().delete_snapshot(handle),
            Backing::Lab(lab) => std::fs::remove_dir_all(lab.drivers[driver].snapshots.join(handle)).unwrap(),
        }
    }

    /// From now on, snapshots of this claim go so.
    pub fn storage_fault(&self, claim: &str, fault: StorageFault) {
        match &self.backing {
            Backing::Sim(sim) => sim.snapshot_faults().order(
                claim,
                match fault {
                    StorageFault::ReadyAfter(time) => SnapshotFault::ReadyAfter(time),
                    StorageFault::NeverReady => SnapshotFault::NeverReady,
                    StorageFault::ErrorOnce => SnapshotFault::ErrorOnce,
                    StorageFault::ErrorAlways => SnapshotFault::ErrorAlways,
                    StorageFault::Oversized => SnapshotFault::WrongSize((128 << 20) + 1),
                },
            ),
            Backing::Lab(lab) => {
                let order = match fault {
                    StorageFault::ReadyAfter(time) => json!({ "ready_after": time.as_secs_f64() }),
                    StorageFault::NeverReady => json!({ "never_ready": true }),
                    StorageFault::ErrorOnce => json!({ "error_once": "the storage is busy" }),
                    StorageFault::ErrorAlways => json!({ "error_always": "the storage is broken" }),
                    StorageFault::Oversized => json!({ "wrong_size": true }),
                };
                let folder = lab.drivers["block.csi.holdfast.dev"].faults.join(&self.namespace);
                std::fs::create_dir_all(&folder).unwrap();
                // The driver must never read half of it.
                let whole = folder.join(format!(".{claim}.new"));
                std::fs::write(&whole, order.to_string()).unwrap();
                std::fs::rename(&whole, folder.join(claim)).unwrap();
            }
        }
    }

    /// The embedded cluster: the lab's pods are run by kwok, so that nothing in them writes a log.
    fn embedded(&self) -> &Sim {
        match &self.backing {
            Backing::Sim(sim) => sim,
            Backing::Lab(_) => panic!("the lab has no logs"),
        }
    }

    /// Writes a line into the log of a container.
    pub fn write_log(&self, pod: &str, container: &str, line: &str) {
        assert!(self.embedded().write_log(&self.namespace, pod, container, line), "{pod} has no {container}");
    }

    /// Lets a container end and start again.
    pub fn restart_container(&self, pod: &str, container: &str, code: i32) {
        assert!(self.embedded().restart_container(&self.namespace, pod, container, code), "{pod} has no {container}");
    }

    /// How many logs are being followed.
    pub fn followed_logs(&self) -> usize {
        self.embedded().followed_logs()
    }

    /// Ends followed logs and watches as a server does that goes down in good order.
    pub fn end_streams(&self) {
        self.embedded().disconnect_watches();
    }

    /// Every request of people so far, as the server's audit log has them.
    pub fn audit(&self) -> Vec<Audited> {
        match &self.backing {
            Backing::Sim(sim) => sim.audit().into_iter().map(of_sim).collect(),
            Backing::Lab(lab) => of_lab(&lab.audit_log, ""),
        }
    }

    /// What the API server audited of one user. The log of a lab grows to hundreds of megabytes: what is not theirs is not
    /// taken apart.
    pub fn audit_of(&self, user: &str) -> Vec<Audited> {
        let all = match &self.backing {
            Backing::Sim(_) => self.audit(),
            Backing::Lab(lab) => of_lab(&lab.audit_log, &format!("\"username\":\"{user}\"")),
        };
        all.into_iter().filter(|event| event.user == user).collect()
    }

    /// Kills the API server. On the lab only scenarios that have it alone may.
    pub async fn kill_server(&self) {
        match &self.backing {
            Backing::Sim(sim) => sim.kill().await,
            Backing::Lab(lab) => lab.control("stop", "apiserver").await,
        }
    }

    /// Starts the API server again and waits until it answers.
    pub async fn start_server(&self) {
        match &self.backing {
            Backing::Sim(sim) => sim.restart().unwrap(),
            Backing::Lab(lab) => lab.control("start", "apiserver").await,
        }
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let Backing::Lab(lab) = &self.backing else { return };
        for driver in lab.drivers.values() {
            // Most scenarios ordered none. What is left would keep the storage busy with retries for ever.
            let _ = std::fs::remove_dir_all(driver.faults.join(&self.namespace));
        }
    }
}

/// A namespace for one scenario, unique in this lab.
fn own_name(scenario: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name: String = scenario.replace('_', "-").chars().take(40).collect();
    format!("{}-{}-{number}", name.trim_end_matches('-'), std::process::id())
}

pub fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(group, version, kind))
}

fn of_sim(event: holdfast::sim::AuditEvent) -> Audited {
    Audited {
        id: event.id,
        user: event.user,
        verb: event.verb,
        group: event.group,
        resource: event.resource,
        subresource: event.subresource,
        path: event.path,
        code: event.code,
    }
}

/// The events of a log whose lines hold a text.
fn of_lab(path: &Path, holding: &str) -> Vec<Audited> {
    let text = std::fs::read_to_string::<PathBuf>(path.into()).unwrap();
    let line = |line: &str| -> Option<Audited> {
        // The last line may be half written.
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |field: &str| event.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Audited {
            id: text("/auditID"),
            user: text("/user/username"),
            verb: text("/verb"),
            group: text("/objectRef/apiGroup"),
            resource: text("/objectRef/resource"),
            subresource: text("/objectRef/subresource"),
            path: text("/requestURI"),
            code: event
                .pointer("/responseStatus/code")
                .and_then(Value::as_u64)
                .map_or(0, |code| u16::try_from(code).unwrap()),
        })
    };
    text.lines().filter(|text| text.contains(holding)).filter_map(line).collect()
}
