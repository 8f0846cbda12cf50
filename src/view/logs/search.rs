//! Looks for the containers that write about an object.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use super::controllers::{
    ATTACHER, CERT_MANAGER, Controller, DATA_MOVER, NODE_AGENT, PROVISIONER, SNAPSHOT_CONTROLLER, SNAPSHOTTER, Serves,
    VELERO, helper, serves,
};
use super::{LogSource, LogSources};
use crate::model::{
    ClaimKey, Content, Freshness, GroupSnapshot, Kind, Meta, ObjRef, Object, Pod, Pvc, Uid, VeleroItem, VolumeSnapshot,
    World,
};
use crate::text;

/// A search under way. What is found first is the likelier.
pub(super) struct Search<'a> {
    world: &'a World,
    /// Each with the turn in which it was found.
    found: Vec<(usize, LogSource)>,
    turn: usize,
    missing: Vec<Box<str>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, found: Vec::new(), turn: 0, missing: Vec::new() }
    }

    /// Looks for everything that writes about an object.
    pub(super) fn about(&mut self, object: &Object) {
        match object {
            Object::Pvc(claim) => self.volume(claim),
            Object::Pv(pv) => {
                let claim = pv.claim.as_ref();
                match claim.and_then(|claim| self.world.claim(&(claim.namespace.clone(), claim.name.clone()))) {
                    Some(claim) => self.volume(claim),
                    None => self.sidecar(&PROVISIONER, pv.csi.as_ref().map(|(driver, _)| &**driver)),
                }
            }
            Object::VolumeSnapshot(snapshot) => self.snapshot(snapshot),
            Object::Content(content) => self.content(content),
            Object::GroupSnapshot(group) => self.group(group),
            Object::GroupContent(content) => self.cut_by(Some(&content.driver), true),
            Object::VolumeAttachment(attachment) => self.sidecar(&ATTACHER, Some(&attachment.attacher)),
            Object::OtherSecret(holder) => self.secret(&holder.meta, &holder.meta.name, false),
            Object::TlsSecret(secret) => self.secret(&secret.meta, &secret.meta.name, false),
            Object::Certificate(certificate) => self.secret(&certificate.meta, &certificate.secret, true),
            Object::CertificateRequest(_)
            | Object::Order(_)
            | Object::Challenge(_)
            | Object::Issuer(_)
            | Object::ClusterIssuer(_) => {
                self.controller(&CERT_MANAGER);
            }
            Object::DataUpload(item) | Object::PodVolumeBackup(item) => self.velero_item(item),
            Object::VeleroBackup(backup) => self.velero(&backup.meta, "backup"),
            Object::VeleroRestore(restore) => self.velero(&restore.meta, "restore"),
            Object::VeleroSchedule(_) | Object::BackupLocation(_) => self.controller(&VELERO),
            Object::Pod(pod) => self.pods([pod], "itself"),
            Object::StatefulSet(w) | Object::Deployment(w) | Object::ReplicaSet(w) | Object::DaemonSet(w) => {
                self.owned(&w.meta);
            }
            Object::Job(w) | Object::CronJob(w) => self.owned(&w.meta),
            Object::StorageClass(_)
            | Object::SnapshotClass(_)
            | Object::GroupClass(_)
            | Object::Node(_)
            | Object::Namespace(_)
            | Object::Service(_)
            | Object::MutatingWebhook(_)
            | Object::ValidatingWebhook(_)
            | Object::ApiService(_)
            | Object::Crd(_)
            | Object::SigningRequest(_)
            | Object::ConfigMap(_)
            | Object::Ingress(_)
            | Object::Gateway(_)
            | Object::Event(_) => {}
        }
    }

    /// What was found: in the order of the search, and what is in trouble first among equals.
    pub(super) fn found(mut self, object: ObjRef) -> LogSources {
        let trouble = |source: &LogSource| if source.level.problem() { source.level.rank() } else { 0 };
        // Stable: containers stay in the order of their pod's spec.
        self.found.sort_by(|(a_turn, a), (b_turn, b)| {
            let order =
                |turn: &usize, source: &LogSource| (*turn, Reverse(trouble(source)), source.pod.path(), source.init);
            order(a_turn, a).cmp(&order(b_turn, b))
        });
        let live = self.world.freshness(Kind::Pod).live();
        let mut sources = Vec::new();
        for (_, mut source) in self.found {
            let pod = self.world.inventory.pods.get(&source.uid);
            let containers = pod.into_iter().flat_map(|pod| pod.containers.iter().chain(&pod.init_containers));
            let before = containers.filter(|container| container.previous).any(|it| it.name == source.container);
            source.level = if live { source.level } else { source.level.when_stale() };
            let earlier = before.then(|| source.before());
            sources.push(source);
            sources.extend(earlier);
        }
        LogSources { object, sources, missing: self.missing }
    }

    fn volume(&mut self, claim: &Pvc) {
        let class = claim.storage_class.as_ref();
        let class = class.and_then(|name| self.world.inventory.storage_classes.named(None, name));
        // Why there is no volume yet is known to whoever should make it.
        if !claim.bound() {
            self.sidecar(&PROVISIONER, class.map(|class| &*class.provisioner));
        }
        self.mounting(claim);
    }

    fn mounting(&mut self, claim: &Pvc) {
        let world = self.world;
        let pods = pods(world, world.links.pods_mounting(&(namespace(&claim.meta), claim.meta.name.clone())));
        if pods.is_empty() {
            self.missing.push(format!("no pod that is seen mounts {}", claim.meta.reference(Kind::Pvc).path()).into());
        }
        self.pods(pods, "mounts the volume");
    }

    fn snapshot(&mut self, snapshot: &VolumeSnapshot) {
        let world = self.world;
        let content = world.content(snapshot);
        let class = snapshot.class.as_ref().and_then(|name| world.inventory.snapshot_classes.named(None, name));
        let driver = content.map(|content| &content.driver).or(class.map(|class| &class.driver));
        self.cut_by(driver, content.is_some());
        if let Some(claim) = world.source_claim(snapshot) {
            self.mounting(claim);
        }
    }

    fn content(&mut self, content: &Content) {
        let world = self.world;
        let of = content.snapshot.as_ref();
        let of = of.and_then(|of| world.inventory.snapshots.named(Some(&of.namespace), &of.name));
        match of {
            Some(snapshot) => self.snapshot(snapshot),
            None => self.cut_by(Some(&content.driver), true),
        }
    }

    fn group(&mut self, group: &GroupSnapshot) {
        let world = self.world;
        let content = group.content.as_ref().and_then(|name| world.inventory.group_contents.named(None, name));
        let class = group.class.as_ref().and_then(|name| world.inventory.group_classes.named(None, name));
        let driver = content.map(|content| &content.driver).or(class.map(|class| &class.driver));
        self.cut_by(driver, content.is_some());
    }

    /// Who cuts a snapshot: first the controller makes a content, then the sidecar of the driver takes that up.
    fn cut_by(&mut self, driver: Option<&Arc<str>>, has_content: bool) {
        let driver = driver.map(|driver| &**driver);
        if !has_content {
            self.controller(&SNAPSHOT_CONTROLLER);
        }
        self.sidecar(&SNAPSHOTTER, driver);
        if has_content {
            self.controller(&SNAPSHOT_CONTROLLER);
        }
        self.sidecar(&PROVISIONER, driver);
    }

    fn secret(&mut self, meta: &Meta, secret: &Arc<str>, managed: bool) {
        let world = self.world;
        let key: ClaimKey = (namespace(meta), secret.clone());
        if managed || !world.links.certificates_writing(&key).is_empty() {
            self.controller(&CERT_MANAGER);
        }
        let pods = pods(world, world.links.pods_using(&key));
        if pods.is_empty() {
            self.missing.push(format!("no pod that is seen uses the Secret {}/{secret}", key.0).into());
        }
        self.pods(pods, "uses the Secret");
    }

    fn velero_item(&mut self, item: &VeleroItem) {
        let world = self.world;
        let moves = |pod: &&Pod| {
            pod.meta.namespace == item.meta.namespace
                && DATA_MOVER.iter().any(|label| pod.meta.label(label) == Some(&*item.meta.name))
        };
        self.pods(world.inventory.pods.iter().filter(moves), "moves this item");
        self.controller(&NODE_AGENT);
        self.controller(&VELERO);
        if let Some(backup) = &item.backup {
            self.missing.push(velero_log(world, item.meta.namespace.as_deref(), backup, "backup").into());
        }
        if let Some(claim) = item.source_uid.as_ref().and_then(|uid| world.inventory.pvcs.get(uid)) {
            self.mounting(claim);
        }
    }

    /// What Velero does at large, and where the log of one backup or restore is.
    fn velero(&mut self, meta: &Meta, what: &str) {
        self.controller(&VELERO);
        self.controller(&NODE_AGENT);
        self.missing.push(velero_log(self.world, meta.namespace.as_deref(), &meta.name, what).into());
    }

    /// The pods of a workload, however many owners are between.
    fn owned(&mut self, workload: &Meta) {
        let (mut seen, mut next, mut pods) = (HashSet::new(), vec![workload.uid()], Vec::new());
        while let Some(owner) = next.pop() {
            for (kind, uid) in self.world.links.children(&owner) {
                match kind {
                    Kind::Pod => pods.extend(self.world.inventory.pods.get(uid)),
                    Kind::ReplicaSet | Kind::Job if seen.insert(uid.clone()) => next.push(uid.clone()),
                    _ => {}
                }
            }
        }
        if pods.is_empty() {
            self.missing.push("it has no pod that is seen".into());
        }
        self.pods(pods, "is one of its pods");
    }

    fn pods<'p>(&mut self, pods: impl IntoIterator<Item = &'p Pod>, why: &str) {
        self.turn += 1;
        for pod in pods {
            let main = pod.containers.iter().map(|container| (container, false));
            for (container, init) in main.chain(pod.init_containers.iter().map(|container| (container, true))) {
                self.add(LogSource::new(pod, container, init, why));
            }
        }
    }

    fn controller(&mut self, controller: &Controller) {
        self.turn += 1;
        let before = self.found.len();
        for pod in self.world.inventory.pods.iter() {
            for container in controller.containers(pod) {
                self.add(LogSource::new(pod, container, false, controller.does));
            }
        }
        if self.found.len() == before {
            self.not_seen(controller.name);
        }
    }

    /// A sidecar and the driver beside it. Where nothing says which driver it serves, it may be the one.
    fn sidecar(&mut self, sidecar: &Controller, driver: Option<&str>) {
        let world = self.world;
        let here = world.inventory.pods.iter().map(|pod| (pod, sidecar.containers(pod)));
        let here: Vec<_> = here.filter(|(_, containers)| !containers.is_empty()).collect();
        let serving = |wanted| {
            let is = move |pod: &Pod| driver.map_or(Serves::Perhaps, |driver| serves(pod, driver)) == wanted;
            here.iter().filter(move |(pod, _)| is(pod))
        };
        let certain = serving(Serves::It).count() > 0;
        let (wanted, perhaps) = if certain { (Serves::It, "") } else { (Serves::Perhaps, ", perhaps of this driver") };
        let chosen: Vec<_> = serving(wanted).collect();
        if chosen.is_empty() {
            let of = driver.map_or_else(String::new, |driver| format!(" of driver {driver}"));
            return self.not_seen(&format!("{}{of}", sidecar.name));
        }
        self.turn += 1;
        for (pod, containers) in &chosen {
            for container in containers {
                self.add(LogSource::new(pod, container, false, &format!("{}{perhaps}", sidecar.does)));
            }
        }
        self.turn += 1;
        for (pod, _) in &chosen {
            for container in pod.containers.iter().filter(|container| !helper(container)) {
                self.add(LogSource::new(pod, container, false, &format!("the driver itself{perhaps}")));
            }
        }
    }

    fn add(&mut self, source: LogSource) {
        if !self.found.iter().any(|(_, known)| known.same(&source)) {
            self.found.push((self.turn, source));
        }
    }

    /// Says that something is not among the pods, and what that may mean.
    fn not_seen(&mut self, what: &str) {
        let namespaces = &self.world.context.namespaces;
        let why = match self.world.freshness(Kind::Pod) {
            Freshness::Denied { verb } => format!("not seen, because {verb} pods is not allowed"),
            Freshness::Loading => "not seen yet: pods are still being listed".to_owned(),
            _ if !namespaces.is_empty() => {
                format!("not seen, because only pods of {} are looked at", text::list(namespaces))
            }
            _ => "not among the pods seen; it may run outside the cluster, as on managed ones, or under another name"
                .to_owned(),
        };
        let said = format!("{what}: {why}").into();
        if !self.missing.contains(&said) {
            self.missing.push(said);
        }
    }
}

fn namespace(meta: &Meta) -> Arc<str> {
    meta.namespace.clone().unwrap_or_else(|| "".into())
}

fn pods<'w>(world: &'w World, uids: &[Uid]) -> Vec<&'w Pod> {
    uids.iter().filter_map(|uid| world.inventory.pods.get(uid)).collect()
}

/// Where the log of one backup or restore of Velero is, and what reading it takes: it lies in the object store, and
/// Velero gives it out to whoever creates a DownloadRequest.
pub(in crate::view) fn velero_log(world: &World, namespace: Option<&str>, name: &str, what: &str) -> String {
    let namespace = namespace.unwrap_or("velero");
    let not = if world.context.read_only { "not in read-only" } else { "this console creates none" };
    let command = text::command_line(&["velero", what, "logs", name, "-n", namespace]);
    let command = text::sanitize(&command);
    format!("Velero's log needs a DownloadRequest to be created: {not}; for someone who may: `{command}`")
}
