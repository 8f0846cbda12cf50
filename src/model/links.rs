//! Indexes that tie objects together, kept up to date with every change.
//!
//! Each index maps what one object names to the UIDs of the objects that name it; the way there (claim to
//! volume, snapshot to content) is a lookup by name in the [`Inventory`](super::Inventory).

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use super::copies::{BundleKey, Groups, Member, groups, held_identities};
use super::trust::services;
use super::{Called, ClaimKey, ContentSource, HandleKey, Kind, ObjRef, Object, SnapshotSource, Uid};

#[derive(Clone, Debug)]
struct Index<K>(HashMap<K, Vec<Uid>>);

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Index<K> {
    fn add(&mut self, key: K, uid: &Uid) {
        let uids = self.0.entry(key).or_default();
        if !uids.contains(uid) {
            uids.push(uid.clone());
        }
    }

    fn drop(&mut self, key: &K, uid: &Uid) {
        if let Some(uids) = self.0.get_mut(key) {
            uids.retain(|other| other != uid);
            if uids.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn get(&self, key: &K) -> &[Uid] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Edge {
    Snapshot(ClaimKey),
    Content(HandleKey),
    Pod(ClaimKey),
    PodSecret(ClaimKey),
    TemplateSecret(ClaimKey),
    Template(ClaimKey),
    Certificate(ClaimKey),
    Request(ClaimKey),
    Attachment(Arc<str>),
    Volume(HandleKey),
    Child(Uid),
    Event(Uid),
    VeleroItem(Uid),
    Serves(ClaimKey),
    Calls(ClaimKey),
    Injects(ClaimKey),
    Signed(ObjRef),
    PodMap(ClaimKey),
    TemplateMap(ClaimKey),
    Front(ClaimKey),
    Issues(ClaimKey),
    Reads(ClaimKey),
    Holds(u128),
}

/// The indexes.
#[derive(Clone, Debug, Default)]
pub struct Links {
    snapshots: Index<ClaimKey>,
    contents: Index<HandleKey>,
    pods: Index<ClaimKey>,
    pod_secrets: Index<ClaimKey>,
    template_secrets: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    templates: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    certificates: Index<ClaimKey>,
    requests: Index<ClaimKey>,
    attachments: Index<Arc<str>>,
    volumes: Index<HandleKey>,
    children: HashMap<Uid, Vec<(Kind, Uid)>>,
    events: Index<Uid>,
    velero_items: HashMap<Uid, Vec<(Kind, Uid)>>,
    serving: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    calling: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    injected: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    signed: Index<ObjRef>,
    pod_maps: Index<ClaimKey>,
    template_maps: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    fronts: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    issuing: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    reading: HashMap<ClaimKey, Vec<(Kind, Uid)>>,
    holding: HashMap<u128, Vec<(Kind, Uid)>>,
    groups: Groups,
}

impl Links {
    /// Snapshots whose spec names this claim. By name only: it may have been another claim of that name.
    pub fn snapshots_naming(&self, claim: &ClaimKey) -> &[Uid] {
        self.snapshots.get(claim)
    }

    /// Contents cut from this volume.
    pub fn contents_of(&self, volume: &HandleKey) -> &[Uid] {
        self.contents.get(volume)
    }

    /// PVs with this volume.
    pub fn volumes(&self, volume: &HandleKey) -> &[Uid] {
        self.volumes.get(volume)
    }

    /// Pods that mount this claim.
    pub fn pods_mounting(&self, claim: &ClaimKey) -> &[Uid] {
        self.pods.get(claim)
    }

    /// Workloads whose template mounts this claim by name.
    pub fn templates_mounting(&self, claim: &ClaimKey) -> &[(Kind, Uid)] {
        self.templates.get(claim).map_or(&[], Vec::as_slice)
    }

    /// Pods that use this Secret.
    pub fn pods_using(&self, secret: &ClaimKey) -> &[Uid] {
        self.pod_secrets.get(secret)
    }

    /// Workloads whose template uses this Secret.
    pub fn templates_using(&self, secret: &ClaimKey) -> &[(Kind, Uid)] {
        self.template_secrets.get(secret).map_or(&[], Vec::as_slice)
    }

    /// cert-manager Certificates that write this Secret. More than one is a mistake.
    pub fn certificates_writing(&self, secret: &ClaimKey) -> &[Uid] {
        self.certificates.get(secret)
    }

    /// Requests of this Certificate.
    pub fn requests_of(&self, certificate: &ClaimKey) -> &[Uid] {
        self.requests.get(certificate)
    }

    /// TLS Secrets and cert-manager Certificates that are for the name of this Service; `*` as its name gives those for
    /// every Service of the namespace.
    pub fn serving(&self, service: &ClaimKey) -> &[(Kind, Uid)] {
        self.serving.get(service).map_or(&[], Vec::as_slice)
    }

    /// Trust bundles of calls to this Service.
    pub fn calling(&self, service: &ClaimKey) -> &[(Kind, Uid)] {
        self.calling.get(service).map_or(&[], Vec::as_slice)
    }

    /// Trust bundles into which cert-manager's injector puts the CA of this Certificate.
    pub fn injected_from(&self, certificate: &ClaimKey) -> &[(Kind, Uid)] {
        self.injected.get(certificate).map_or(&[], Vec::as_slice)
    }

    /// Certificates that this Issuer or ClusterIssuer signs.
    pub fn signed_by(&self, issuer: &ObjRef) -> &[Uid] {
        self.signed.get(issuer)
    }

    /// Pods that use this ConfigMap.
    pub fn pods_using_map(&self, map: &ClaimKey) -> &[Uid] {
        self.pod_maps.get(map)
    }

    /// Workloads whose template uses this ConfigMap.
    pub fn templates_using_map(&self, map: &ClaimKey) -> &[(Kind, Uid)] {
        self.template_maps.get(map).map_or(&[], Vec::as_slice)
    }

    /// Ingresses and Gateways that show the certificate of this Secret.
    pub fn fronts_of(&self, secret: &ClaimKey) -> &[(Kind, Uid)] {
        self.fronts.get(secret).map_or(&[], Vec::as_slice)
    }

    /// Issuers that sign with the CA of this Secret, of its own namespace.
    pub fn issuers_by(&self, secret: &ClaimKey) -> &[(Kind, Uid)] {
        self.issuing.get(secret).map_or(&[], Vec::as_slice)
    }

    /// Trust bundles into which cert-manager's injector puts the CA of this Secret.
    pub fn injected_from_secret(&self, secret: &ClaimKey) -> &[(Kind, Uid)] {
        self.reading.get(secret).map_or(&[], Vec::as_slice)
    }

    /// Secrets and ConfigMaps that hold something of this [identity](super::identity).
    pub fn holding(&self, identity: u128) -> &[(Kind, Uid)] {
        self.holding.get(&identity).map_or(&[], Vec::as_slice)
    }

    /// Objects that hold the same bundle under the same name, in the order of their namespaces: one stands for all.
    pub fn same_bundle(&self, bundle: &BundleKey) -> Option<&BTreeSet<Member>> {
        self.groups.get(bundle)
    }

    /// Attachments of this PV.
    pub fn attachments_of(&self, pv: &Arc<str>) -> &[Uid] {
        self.attachments.get(pv)
    }

    /// Objects owned by this one.
    pub fn children(&self, owner: &Uid) -> &[(Kind, Uid)] {
        self.children.get(owner).map_or(&[], Vec::as_slice)
    }

    /// Events about this object.
    pub fn events_about(&self, object: &Uid) -> &[Uid] {
        self.events.get(object)
    }

    /// Velero items taken from this claim, by its UID.
    pub fn velero_items_of(&self, claim: &Uid) -> &[(Kind, Uid)] {
        self.velero_items.get(claim).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add(&mut self, object: &Object) {
        let (kind, uid) = (object.kind(), object.meta().uid());
        groups(object, |bundle, member| {
            self.groups.entry(bundle).or_default().insert(member);
        });
        edges(object, &mut |edge| self.change(edge, kind, &uid, true));
    }

    pub(super) fn drop(&mut self, object: &Object) {
        let (kind, uid) = (object.kind(), object.meta().uid());
        groups(object, |bundle, member| {
            if let Some(members) = self.groups.get_mut(&bundle) {
                members.remove(&member);
                if members.is_empty() {
                    self.groups.remove(&bundle);
                }
            }
        });
        edges(object, &mut |edge| self.change(edge, kind, &uid, false));
    }

    fn change(&mut self, edge: Edge, kind: Kind, uid: &Uid, add: bool) {
        match edge {
            Edge::Snapshot(key) => change(&mut self.snapshots, key, uid, add),
            Edge::Content(key) => change(&mut self.contents, key, uid, add),
            Edge::Volume(key) => change(&mut self.volumes, key, uid, add),
            Edge::Pod(key) => change(&mut self.pods, key, uid, add),
            Edge::PodSecret(key) => change(&mut self.pod_secrets, key, uid, add),
            Edge::Certificate(key) => change(&mut self.certificates, key, uid, add),
            Edge::Request(key) => change(&mut self.requests, key, uid, add),
            Edge::Attachment(key) => change(&mut self.attachments, key, uid, add),
            Edge::Event(key) => change(&mut self.events, key, uid, add),
            Edge::Signed(key) => change(&mut self.signed, key, uid, add),
            Edge::PodMap(key) => change(&mut self.pod_maps, key, uid, add),
            Edge::TemplateMap(key) => change_kinded(&mut self.template_maps, key, (kind, uid), add),
            Edge::Front(key) => change_kinded(&mut self.fronts, key, (kind, uid), add),
            Edge::Issues(key) => change_kinded(&mut self.issuing, key, (kind, uid), add),
            Edge::Reads(key) => change_kinded(&mut self.reading, key, (kind, uid), add),
            Edge::Holds(key) => change_kinded(&mut self.holding, key, (kind, uid), add),
            Edge::Serves(key) => change_kinded(&mut self.serving, key, (kind, uid), add),
            Edge::Calls(key) => change_kinded(&mut self.calling, key, (kind, uid), add),
            Edge::Injects(key) => change_kinded(&mut self.injected, key, (kind, uid), add),
            Edge::Template(key) => change_kinded(&mut self.templates, key, (kind, uid), add),
            Edge::TemplateSecret(key) => change_kinded(&mut self.template_secrets, key, (kind, uid), add),
            Edge::Child(key) => change_kinded(&mut self.children, key, (kind, uid), add),
            Edge::VeleroItem(key) => change_kinded(&mut self.velero_items, key, (kind, uid), add),
        }
    }
}

fn change<K: Hash + Eq>(index: &mut Index<K>, key: K, uid: &Uid, add: bool) {
    if add { index.add(key, uid) } else { index.drop(&key, uid) }
}

fn change_kinded<K: Hash + Eq>(index: &mut HashMap<K, Vec<(Kind, Uid)>>, key: K, (kind, uid): (Kind, &Uid), add: bool) {
    if add {
        let entry = index.entry(key).or_default();
        entry.retain(|(_, other)| other != uid);
        entry.push((kind, uid.clone()));
    } else if let Some(entry) = index.get_mut(&key) {
        entry.retain(|(_, other)| other != uid);
        if entry.is_empty() {
            index.remove(&key);
        }
    }
}

/// Says every edge that starts at an object.
fn edges(object: &Object, say: &mut impl FnMut(Edge)) {
    let meta = object.meta();
    let namespace = || meta.namespace.clone().unwrap_or_else(|| "".into());
    for owner in &meta.owners {
        say(Edge::Child(owner.uid.clone()));
    }
    match object {
        Object::VolumeSnapshot(snapshot) => {
            if let SnapshotSource::Claim(claim) = &snapshot.source {
                say(Edge::Snapshot((namespace(), claim.clone())));
            }
        }
        Object::Content(content) => {
            if let ContentSource::Volume(handle) = &content.source {
                say(Edge::Content((content.driver.clone(), handle.clone())));
            }
        }
        Object::Pv(pv) => pv.csi.iter().for_each(|csi| say(Edge::Volume(csi.clone()))),
        Object::Pod(pod) => {
            pod.claims.iter().for_each(|claim| say(Edge::Pod((namespace(), claim.clone()))));
            pod.secrets.iter().for_each(|used| say(Edge::PodSecret((namespace(), used.secret.clone()))));
            pod.config_maps.iter().for_each(|used| say(Edge::PodMap((namespace(), used.secret.clone()))));
        }
        Object::StatefulSet(w)
        | Object::Deployment(w)
        | Object::ReplicaSet(w)
        | Object::DaemonSet(w)
        | Object::Job(w)
        | Object::CronJob(w) => {
            w.claims.iter().for_each(|claim| say(Edge::Template((namespace(), claim.clone()))));
            w.secrets.iter().for_each(|used| say(Edge::TemplateSecret((namespace(), used.secret.clone()))));
            w.config_maps.iter().for_each(|used| say(Edge::TemplateMap((namespace(), used.secret.clone()))));
        }
        Object::TlsSecret(secret) => {
            for key in secret.facts().iter().flat_map(|leaf| services(&leaf.names, &namespace())) {
                say(Edge::Serves(key));
            }
            for identity in held_identities(object) {
                say(Edge::Holds(identity));
            }
        }
        Object::Certificate(certificate) => {
            say(Edge::Certificate((namespace(), certificate.secret.clone())));
            for key in services(&certificate.names, &namespace()) {
                say(Edge::Serves(key));
            }
            certificate.issuer_ref().into_iter().for_each(|issuer| say(Edge::Signed(issuer)));
        }
        Object::MutatingWebhook(bundle)
        | Object::ValidatingWebhook(bundle)
        | Object::ApiService(bundle)
        | Object::Crd(bundle) => {
            for entry in &bundle.entries {
                if let Called::Service(service) = &entry.called {
                    say(Edge::Calls(service.clone()));
                }
            }
            bundle.injected_from().into_iter().for_each(|certificate| say(Edge::Injects(certificate)));
            bundle.injected_from_secret().into_iter().for_each(|secret| say(Edge::Reads(secret)));
        }
        Object::OtherSecret(_) | Object::ConfigMap(_) => {
            for identity in held_identities(object) {
                say(Edge::Holds(identity));
            }
        }
        Object::Ingress(front) | Object::Gateway(front) => {
            front.tls.iter().filter_map(|tls| tls.secret.clone()).for_each(|secret| say(Edge::Front(secret)));
        }
        Object::Issuer(issuer) => {
            issuer.ca_secret.iter().for_each(|secret| say(Edge::Issues((namespace(), secret.clone()))));
        }
        Object::CertificateRequest(request) => {
            request.certificate.iter().for_each(|name| say(Edge::Request((namespace(), name.clone()))));
        }
        Object::VolumeAttachment(attachment) => {
            attachment.pv.iter().for_each(|pv| say(Edge::Attachment(pv.clone())));
        }
        Object::Event(event) => event.about.iter().for_each(|uid| say(Edge::Event(uid.clone()))),
        Object::DataUpload(item) | Object::PodVolumeBackup(item) => {
            item.source_uid.iter().for_each(|uid| say(Edge::VeleroItem(uid.clone())));
        }
        Object::Pvc(_)
        | Object::StorageClass(_)
        | Object::SnapshotClass(_)
        | Object::Namespace(_)
        | Object::Node(_)
        | Object::GroupSnapshot(_)
        | Object::GroupContent(_)
        | Object::GroupClass(_)
        | Object::ClusterIssuer(_)
        | Object::Service(_)
        | Object::SigningRequest(_)
        | Object::Order(_)
        | Object::Challenge(_)
        | Object::VeleroBackup(_)
        | Object::VeleroSchedule(_)
        | Object::VeleroRestore(_)
        | Object::BackupLocation(_) => {}
    }
}
