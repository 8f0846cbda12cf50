//! Everything known of one cluster, and the only way to change it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    ClaimKey, Connection, Content, ContentSource, Delta, Findings, Freshness, HandleKey, Inventory, Kind, Linking,
    Links, Meta, Object, Observed, Policies, Pv, Pvc, Reviews, Scope, Served, Shaken, SnapshotSource, Triage, Uid,
    UsageReport, Usages, VolumeSnapshot,
};

mod tls;
mod trusted;

/// Ordinals looked at per StatefulSet; a spec may ask for any number.
const MAX_ORDINALS: u32 = 1_000;

/// Which cluster, as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// kubeconfig context.
    pub name: Arc<str>,
    /// API server URL.
    pub server: Arc<str>,
    /// The user as the API server knows it, once asked.
    pub user: Option<Arc<str>>,
    /// Namespaces that are looked at; empty means all.
    pub namespaces: Vec<Arc<str>>,
    /// Whether only these are looked at because the whole cluster may not be.
    pub narrowed: bool,
    /// Whether writing is impossible.
    pub read_only: bool,
    /// Whether a confirmation has to name the context as well as the object.
    pub protected: bool,
    /// When the credentials of this console end, where that is known.
    pub login_ends: Option<Timestamp>,
}

/// Rows whose judgement may differ after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Something changed that every row may depend on.
    pub all: bool,
    /// Claims.
    pub volumes: HashSet<Uid>,
    /// Restore points: snapshots and Velero items.
    pub restore_points: HashSet<(Kind, Uid)>,
    /// TLS Secrets, what cert-manager keeps, trust bundles and signing requests.
    pub certificates: HashSet<(Kind, Uid)>,
}

impl Touched {
    /// Adds what another change touched.
    pub fn merge(&mut self, other: Self) {
        self.all |= other.all;
        self.volumes.extend(other.volumes);
        self.restore_points.extend(other.restore_points);
        self.certificates.extend(other.certificates);
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        !self.all && self.volumes.is_empty() && self.restore_points.is_empty() && self.certificates.is_empty()
    }
}

/// Everything known of one cluster.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The objects.
    pub inventory: Inventory,
    /// How they hang together.
    pub links: Links,
    /// Recovery point objectives.
    pub policies: Policies,
    /// Which cluster this is.
    pub context: Context,
    /// The connection.
    pub connection: Connection,
    /// Used space of volumes.
    pub usage: Usages,
    /// What servers in pods were seen to serve.
    pub served: Served,
    /// Scans and what they found.
    pub findings: Findings,
    /// What people decided on findings.
    pub triage: Triage,
    /// What ran when.
    pub observed: Observed,
    /// What operators say of how findings belong to workloads.
    pub linking: Arc<Linking>,
    /// What people looked at, and how often they have to.
    pub reviews: Reviews,
    /// Objects that could not be read, by kind: name and why.
    pub unreadable: BTreeMap<Kind, BTreeMap<Box<str>, Box<str>>>,
    relabelled: u64,
    freshness: BTreeMap<(Kind, Scope), Freshness>,
    generations: HashMap<(Kind, Scope), u32>,
    /// The generation of the list that was begun last, of whatever kind and scope: an object that was seen by a list
    /// of one scope must never look as if it had been seen by a later list of another.
    generation: u32,
}

impl World {
    /// How fresh a kind is: the worst of its scopes, `Loading` before anything was heard.
    pub fn freshness(&self, kind: Kind) -> &Freshness {
        let rank = |freshness: &Freshness| match freshness {
            Freshness::Live => 0,
            Freshness::Absent => 1,
            Freshness::Loading => 2,
            Freshness::Stale { .. } => 3,
            Freshness::Denied { .. } => 4,
        };
        // `Scope::All` comes before every namespace.
        let from_kind = self.freshness.range((kind, Scope::All)..);
        let of_kind = from_kind.take_while(|((other, _), _)| *other == kind).map(|(_, freshness)| freshness);
        of_kind.max_by_key(|freshness| rank(freshness)).unwrap_or(&Freshness::Loading)
    }

    /// How fresh a kind is for one namespace: by the watch of that namespace, else by the one of the whole cluster.
    pub fn freshness_in(&self, kind: Kind, namespace: &Arc<str>) -> &Freshness {
        if !kind.spec().namespaced {
            return self.freshness(kind);
        }
        let of = |scope: Scope| self.freshness.get(&(kind, scope));
        of(Scope::Namespace(namespace.clone())).or_else(|| of(Scope::All)).unwrap_or(&Freshness::Loading)
    }

    /// Whether a kind is looked at in the whole cluster, and not in some namespaces only.
    pub fn everywhere(&self, kind: Kind) -> bool {
        self.freshness.contains_key(&(kind, Scope::All))
    }

    /// Grows whenever the labels of some object change.
    pub fn relabelled(&self) -> u64 {
        self.relabelled
    }

    /// Whether every kind has answered its first list, one way or another.
    pub fn settled(&self) -> bool {
        Kind::ALL.iter().all(|kind| *self.freshness(*kind) != Freshness::Loading)
    }

    /// Takes in one change and says which rows it may have changed.
    pub fn apply(&mut self, delta: Delta, now: Timestamp) -> Touched {
        let mut touched = Touched::default();
        match delta {
            Delta::ListStarted(kind, scope) => {
                self.generation += 1;
                self.generations.insert((kind, scope.clone()), self.generation);
                self.freshness.entry((kind, scope)).or_insert(Freshness::Loading);
            }
            Delta::Upsert(object, scope) => self.upsert(*object, &scope, &mut touched),
            Delta::Gone(object) => self.remove(object.kind(), object.meta(), &mut touched),
            Delta::ListDone(kind, scope) => self.list_done(kind, scope, &mut touched),
            Delta::Failed(kind, scope, why) => {
                let entry = self.freshness.entry((kind, scope)).or_insert(Freshness::Loading);
                if !matches!(entry, Freshness::Stale { .. }) {
                    *entry = Freshness::Stale { since: now, why };
                    touched.all = true;
                }
            }
            Delta::Denied(kind, scope, verb) => self.mark(kind, scope, Freshness::Denied { verb }, &mut touched),
            Delta::Absent(kind, scope) => self.mark(kind, scope, Freshness::Absent, &mut touched),
            Delta::Unreadable(kind, name, why) => {
                self.unreadable.entry(kind).or_default().insert(name, why);
                touched.all = true;
            }
            Delta::Connection(connection) => self.connection = connection,
            Delta::Login(ends) => self.context.login_ends = ends,
            Delta::Usage(report) => self.measured(report, now, &mut touched),
            Delta::Opened(opened) => self.opened(*opened, &mut touched),
            Delta::Shaken(shaken) => self.shaken(shaken, &mut touched),
        }
        touched
    }

    /// Looks at these parts of the cluster from now on. Objects outside them go. Those inside stay, and their kinds
    /// are `Loading` until the lists of the new watches are complete. Kinds without a namespace are not concerned.
    pub fn look_at(&mut self, scopes: &[Scope]) -> Touched {
        let mut touched = Touched { all: true, ..Touched::default() };
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.spec().namespaced) {
            for uid in self.inventory.outside(kind, scopes) {
                if let Some(meta) = self.inventory.meta(kind, &uid).cloned() {
                    self.remove(kind, &meta, &mut touched);
                }
            }
            self.unreadable.remove(&kind);
            self.freshness.retain(|(other, _), _| *other != kind);
            self.freshness.extend(scopes.iter().map(|scope| ((kind, scope.clone()), Freshness::Loading)));
        }
        touched
    }

    fn mark(&mut self, kind: Kind, scope: Scope, freshness: Freshness, touched: &mut Touched) {
        let previous = self.freshness.insert((kind, scope), freshness.clone());
        touched.all |= previous != Some(freshness);
    }

    fn upsert(&mut self, object: Object, scope: &Scope, touched: &mut Touched) {
        let kind = object.kind();
        let generation = self.generations.get(&(kind, scope.clone())).copied().unwrap_or_default();
        if let Some(kind_unreadable) = self.unreadable.get_mut(&kind) {
            kind_unreadable.remove(&*object.meta().reference(kind).path());
        }
        let object = self.keep_opened(object);
        let previous = self.inventory.object(kind, &object.meta().uid());
        if previous.as_ref() == Some(&object) {
            // Only seen once more, by this list.
            self.inventory.upsert(object, generation);
            return;
        }
        self.replace(previous.as_ref(), object, generation, touched);
    }

    pub(super) fn replace(
        &mut self,
        previous: Option<&Object>,
        object: Object,
        generation: u32,
        touched: &mut Touched,
    ) {
        self.outdate(previous, &object);
        // Looked at before and after: a change of links touches what was linked and what is linked now.
        if let Some(previous) = previous {
            self.relabelled += u64::from(previous.meta().labels != object.meta().labels);
            self.links.drop(previous);
            self.touch(previous, touched);
        }
        self.links.add(&object);
        let seen = object.clone();
        self.inventory.upsert(object, generation);
        self.touch(&seen, touched);
    }

    fn remove(&mut self, kind: Kind, meta: &Meta, touched: &mut Touched) {
        if let Some(object) = self.inventory.remove(kind, meta) {
            self.links.drop(&object);
            self.touch(&object, touched);
        }
    }

    fn list_done(&mut self, kind: Kind, scope: Scope, touched: &mut Touched) {
        let generation = self.generations.get(&(kind, scope.clone())).copied().unwrap_or_default();
        for uid in self.inventory.unseen(kind, &scope, generation) {
            if let Some(meta) = self.inventory.meta(kind, &uid).cloned() {
                self.remove(kind, &meta, touched);
            }
        }
        self.mark(kind, scope, Freshness::Live, touched);
    }

    /// What was seen of servers before their certificate changed says nothing of it any more.
    fn outdate(&mut self, previous: Option<&Object>, object: &Object) {
        let leaf = |object: &Object| match object {
            Object::TlsSecret(secret) => secret.leaf.chain.as_ref().ok()?.first().map(|leaf| leaf.fingerprint.clone()),
            _ => None,
        };
        if matches!(object, Object::TlsSecret(_)) && previous.and_then(leaf) != leaf(object) {
            let meta = object.meta();
            let using = self.links.pods_using(&(meta.namespace.clone().unwrap_or_default(), meta.name.clone()));
            self.served.forget(|uid| !using.contains(uid));
        }
    }

    fn shaken(&mut self, shaken: Vec<Shaken>, touched: &mut Touched) {
        let pods = &self.inventory.pods;
        self.served.forget(|uid| pods.get(uid).is_some());
        for one in shaken {
            if let Some(pod) = self.inventory.pods.get(&one.pod) {
                self.touch(&Object::Pod(pod.clone()), touched);
                self.served.take(one);
            }
        }
    }

    fn measured(&mut self, report: UsageReport, now: Timestamp, touched: &mut Touched) {
        match self.usage.apply(report, now) {
            None => touched.all = true,
            Some(claims) => {
                let claims = claims.iter().filter_map(|key| self.claim(key));
                touched.volumes.extend(claims.map(|claim| claim.meta.uid()));
            }
        }
    }

    /// The workload of a kind; `None` for kinds that are none.
    pub fn workload(&self, kind: Kind, uid: &Uid) -> Option<&super::Workload> {
        let inventory = &self.inventory;
        match kind {
            Kind::StatefulSet => inventory.stateful_sets.get(uid),
            Kind::Deployment => inventory.deployments.get(uid),
            Kind::ReplicaSet => inventory.replica_sets.get(uid),
            Kind::DaemonSet => inventory.daemon_sets.get(uid),
            Kind::Job => inventory.jobs.get(uid),
            Kind::CronJob => inventory.cron_jobs.get(uid),
            _ => None,
        }
    }

    /// The claim of a namespace and name.
    pub fn claim(&self, key: &ClaimKey) -> Option<&Pvc> {
        self.inventory.pvcs.named(Some(&key.0), &key.1)
    }

    /// The PV a claim is bound to, both sides agreeing.
    pub fn volume(&self, claim: &Pvc) -> Option<&Pv> {
        let pv = self.inventory.pvs.named(None, claim.volume_name.as_ref()?)?;
        let claim_ref = pv.claim.as_ref()?;
        (claim_ref.uid.as_ref() == claim.meta.uid.as_ref()).then_some(pv)
    }

    /// The content that a snapshot is bound to, by name; whether it points back is for the judge.
    pub fn content(&self, snapshot: &VolumeSnapshot) -> Option<&Content> {
        self.inventory.contents.named(None, snapshot.content.as_ref()?)
    }

    /// The claim whose present volume a snapshot was cut from, by driver and volume handle.
    pub fn source_claim(&self, snapshot: &VolumeSnapshot) -> Option<&Pvc> {
        let content = self.content(snapshot)?;
        let ContentSource::Volume(handle) = &content.source else { return None };
        self.claim_of_handle(&(content.driver.clone(), handle.clone()))
    }

    /// The claim that is bound to a volume of this handle.
    pub fn claim_of_handle(&self, handle: &HandleKey) -> Option<&Pvc> {
        self.links.volumes(handle).iter().find_map(|uid| {
            let claim = self.inventory.pvs.get(uid)?.claim.as_ref()?;
            let pvc = self.inventory.pvcs.named(Some(&claim.namespace), &claim.name)?;
            (pvc.meta.uid == claim.uid).then_some(pvc)
        })
    }

    fn touch(&self, object: &Object, touched: &mut Touched) {
        let meta = object.meta();
        let namespaced = |name: &Arc<str>| (meta.namespace.clone().unwrap_or_else(|| "".into()), name.clone());
        match object {
            Object::Pvc(claim) => {
                touched.volumes.insert(meta.uid());
                self.touch_copies(claim, touched);
            }
            Object::Pv(pv) => {
                if let Some(claim) = pv.csi.as_ref().and_then(|csi| self.claim_of_handle(csi)) {
                    touched.volumes.insert(claim.meta.uid());
                    self.touch_copies(claim, touched);
                }
                if let Some(claim) = pv.claim.as_ref().and_then(|c| self.claim(&(c.namespace.clone(), c.name.clone())))
                {
                    touched.volumes.insert(claim.meta.uid());
                }
            }
            Object::VolumeSnapshot(snapshot) => self.touch_snapshot(snapshot, touched),
            Object::Content(content) => {
                let reference = content.snapshot.as_ref();
                let snapshot = reference.and_then(|r| self.inventory.snapshots.named(Some(&r.namespace), &r.name));
                if let Some(snapshot) = snapshot {
                    self.touch_snapshot(snapshot, touched);
                }
                if let ContentSource::Volume(handle) = &content.source
                    && let Some(claim) = self.claim_of_handle(&(content.driver.clone(), handle.clone()))
                {
                    touched.volumes.insert(claim.meta.uid());
                }
            }
            Object::Pod(pod) => {
                let claims = pod.claims.iter().filter_map(|name| self.claim(&namespaced(name)));
                touched.volumes.extend(claims.map(|claim| claim.meta.uid()));
                pod.secrets.iter().for_each(|used| self.touch_secret(&namespaced(&used.secret), touched));
                pod.config_maps.iter().for_each(|used| self.touch_map(&namespaced(&used.secret), touched));
            }
            Object::StatefulSet(w)
            | Object::Deployment(w)
            | Object::ReplicaSet(w)
            | Object::DaemonSet(w)
            | Object::Job(w)
            | Object::CronJob(w) => {
                let claims = w.claims.iter().filter_map(|name| self.claim(&namespaced(name)));
                touched.volumes.extend(claims.map(|claim| claim.meta.uid()));
                w.secrets.iter().for_each(|used| self.touch_secret(&namespaced(&used.secret), touched));
                w.config_maps.iter().for_each(|used| self.touch_map(&namespaced(&used.secret), touched));
                self.touch_template_claims(w, touched);
            }
            Object::TlsSecret(_)
            | Object::OtherSecret(_)
            | Object::ConfigMap(_)
            | Object::Ingress(_)
            | Object::Gateway(_)
            | Object::Certificate(_)
            | Object::CertificateRequest(_)
            | Object::MutatingWebhook(_)
            | Object::ValidatingWebhook(_)
            | Object::ApiService(_)
            | Object::Crd(_)
            | Object::SigningRequest(_)
            | Object::Order(_)
            | Object::Challenge(_)
            | Object::Service(_)
            | Object::Issuer(_)
            | Object::ClusterIssuer(_) => self.touch_tls(object, touched),
            Object::DataUpload(item) | Object::PodVolumeBackup(item) => {
                touched.restore_points.insert((object.kind(), meta.uid()));
                touched.volumes.extend(item.source_uid.clone());
            }
            Object::StorageClass(_)
            | Object::SnapshotClass(_)
            | Object::VeleroBackup(_)
            | Object::VeleroSchedule(_)
            | Object::BackupLocation(_)
            | Object::GroupSnapshot(_)
            | Object::GroupContent(_) => touched.all = true,
            // Only its end says something about what lives in it.
            Object::Namespace(_) => touched.all |= meta.deleting.is_some(),
            Object::VolumeAttachment(attachment) => {
                let pv = attachment.pv.as_ref().and_then(|name| self.inventory.pvs.named(None, name));
                let claim = pv.and_then(|pv| pv.claim.as_ref());
                let claim = claim.and_then(|c| self.claim(&(c.namespace.clone(), c.name.clone())));
                touched.volumes.extend(claim.map(|claim| claim.meta.uid()));
            }
            Object::Node(_) | Object::GroupClass(_) | Object::VeleroRestore(_) | Object::Event(_) => {}
        }
    }

    fn touch_snapshot(&self, snapshot: &VolumeSnapshot, touched: &mut Touched) {
        touched.restore_points.insert((Kind::VolumeSnapshot, snapshot.meta.uid()));
        touched.volumes.extend(self.source_claim(snapshot).map(|claim| claim.meta.uid()));
        if let (SnapshotSource::Claim(name), Some(namespace)) = (&snapshot.source, &snapshot.meta.namespace) {
            touched.volumes.extend(self.claim(&(namespace.clone(), name.clone())).map(|claim| claim.meta.uid()));
        }
    }

    fn touch_copies(&self, claim: &Pvc, touched: &mut Touched) {
        let Some(namespace) = &claim.meta.namespace else { return };
        for uid in self.links.snapshots_naming(&(namespace.clone(), claim.meta.name.clone())) {
            touched.restore_points.insert((Kind::VolumeSnapshot, uid.clone()));
        }
    }

    fn touch_template_claims(&self, set: &super::Workload, touched: &mut Touched) {
        let Some(namespace) = &set.meta.namespace else { return };
        for template in &set.templates {
            for ordinal in 0..set.replicas.unwrap_or(0).min(MAX_ORDINALS) {
                let name: Arc<str> = format!("{}-{}-{ordinal}", template.name, set.meta.name).into();
                touched.volumes.extend(self.claim(&(namespace.clone(), name)).map(|claim| claim.meta.uid()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
