//! Everything about one object on one sheet, with what it is linked to, so that one can walk from a volume to
//! its pods, copies and events. Read from the world at the moment of drawing; judges nothing by itself.

mod acme;
mod copies;
mod finding;
mod held;
mod storage;
mod tls;
mod trust;
mod workload;

pub use finding::{Told, of_finding};
pub(super) use tls::via;

use std::sync::Arc;

use jiff::Timestamp;

use super::{Boards, Cell, Exposed, Level, Pane, Row, rows};
use crate::model::{ClusterEvent, Condition, Key, Kind, Meta, ObjRef, Object, Uid, World};
use crate::text;

/// Events shown at most, the newest first.
const EVENTS: usize = 20;

/// One object, in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// What it is of, for people. Untrusted.
    pub title: Box<str>,
    /// The namespace of its object.
    pub namespace: Option<Arc<str>>,
    /// The UID of its object.
    pub uid: Option<Uid>,
    /// Its state, where it is judged.
    pub state: Option<(Level, &'static str)>,
    /// Why it is judged so.
    pub reasons: Vec<Arc<str>>,
    /// What to do about it, where there is something.
    pub next: Option<Arc<str>>,
    /// How full it is, to be drawn; volumes only.
    pub fill: Option<Fill>,
    /// How far its copies can be trusted, to be drawn over time; volumes only, where findings are configured.
    pub exposed: Option<Box<Exposed>>,
    /// What is known, line by line.
    pub facts: Vec<Fact>,
    /// Status conditions.
    pub conditions: Vec<Condition>,
    /// Events about it, the newest first.
    pub events: Vec<ClusterEvent>,
    /// Texts of several lines: code, and ways through it.
    pub blocks: Vec<Block>,
    /// What hangs together with it.
    pub links: Vec<Link>,
}

/// How full a volume is and was.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    /// How full, in whole per cent; `None` when that is not known now.
    pub percent: Option<u64>,
    /// How bad that is.
    pub level: Level,
    /// That in a word.
    pub word: &'static str,
    /// Bytes in use at some moments before, the oldest first.
    pub history: Vec<(Timestamp, u64)>,
}

/// One thing known of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// Its value.
    pub value: Cell,
}

/// A text of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub title: Box<str>,
    /// Its lines, each with how bad it is. Untrusted.
    pub lines: Vec<(Level, Box<str>)>,
}

/// Another object, and how it hangs together with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How, seen from here.
    pub relation: &'static str,
    /// The object; `None` when it is named but was not seen.
    pub key: Option<Key>,
    /// Its kind and path. Untrusted text.
    pub label: Box<str>,
    /// How it stands, where that is known.
    pub level: Option<Level>,
}

/// The sheet of an object; `None` when it is gone.
pub fn detail(world: &World, boards: &Boards, key: &Key, now: Timestamp) -> Option<Detail> {
    let (kind, uid) = key.object()?;
    let object = world.inventory.object(kind, uid)?;
    let mut sheet = Sheet::new(world, boards, key, &object, now);
    match &object {
        Object::Pvc(claim) => storage::claim(&mut sheet, claim),
        Object::Pv(pv) => storage::pv(&mut sheet, pv),
        Object::StorageClass(class) => storage::storage_class(&mut sheet, class),
        Object::VolumeSnapshot(snapshot) => storage::snapshot(&mut sheet, snapshot),
        Object::Content(content) => storage::content(&mut sheet, content),
        Object::SnapshotClass(class) | Object::GroupClass(class) => storage::snapshot_class(&mut sheet, class),
        Object::GroupSnapshot(group) => storage::group(&mut sheet, group),
        Object::VolumeAttachment(attachment) => storage::attachment(&mut sheet, attachment),
        Object::DataUpload(item) | Object::PodVolumeBackup(item) => storage::velero_item(&mut sheet, item),
        Object::TlsSecret(secret) => tls::secret(&mut sheet, secret),
        Object::Certificate(certificate) => tls::certificate(&mut sheet, certificate),
        Object::CertificateRequest(request) => tls::request(&mut sheet, request),
        Object::SigningRequest(request) => tls::signing_request(&mut sheet, request),
        Object::Order(order) => acme::order(&mut sheet, order),
        Object::Challenge(challenge) => acme::challenge(&mut sheet, challenge),
        Object::Issuer(issuer) | Object::ClusterIssuer(issuer) => tls::issuer(&mut sheet, object.kind(), issuer),
        Object::MutatingWebhook(bundle)
        | Object::ValidatingWebhook(bundle)
        | Object::ApiService(bundle)
        | Object::Crd(bundle) => trust::bundle(&mut sheet, bundle),
        Object::OtherSecret(holder) | Object::ConfigMap(holder) => held::holder(&mut sheet, kind, holder, key),
        Object::Ingress(front) | Object::Gateway(front) => held::front(&mut sheet, front),
        Object::Service(service) => trust::service(&mut sheet, service),
        Object::Pod(pod) => workload::pod(&mut sheet, pod),
        Object::StatefulSet(w)
        | Object::Deployment(w)
        | Object::ReplicaSet(w)
        | Object::DaemonSet(w)
        | Object::Job(w)
        | Object::CronJob(w) => workload::workload(&mut sheet, w),
        Object::Node(node) => sheet.flag("Ready", node.ready),
        Object::Namespace(_)
        | Object::GroupContent(_)
        | Object::VeleroBackup(_)
        | Object::VeleroSchedule(_)
        | Object::VeleroRestore(_)
        | Object::BackupLocation(_)
        | Object::Event(_) => {}
    }
    Some(sheet.finish(object.meta()))
}

/// A sheet that is being filled.
struct Sheet<'a> {
    world: &'a World,
    boards: &'a Boards,
    now: Timestamp,
    namespace: Option<Arc<str>>,
    row: Option<(Pane, Row)>,
    detail: Detail,
}

impl<'a> Sheet<'a> {
    fn new(world: &'a World, boards: &'a Boards, key: &Key, object: &Object, now: Timestamp) -> Self {
        let (kind, meta) = (object.kind(), object.meta());
        // Judged anew: what a row says of ages was true when the row was made.
        let row = Pane::ALL.iter().find_map(|pane| {
            let places = || rows::places(world, *pane, kind, &meta.uid(), now).unwrap_or_default();
            let place = || places().into_iter().find(|row| row.key == *key);
            let row = rows::build(world, *pane, kind, &meta.uid(), now).or_else(place)?;
            Some((*pane, boards.trusted(*pane, row)))
        });
        let detail = Detail {
            title: meta.reference(kind).to_string().into(),
            namespace: meta.namespace.clone(),
            uid: Some(meta.uid()),
            state: row.as_ref().map(|(_, row)| (row.level, row.state)),
            reasons: row.as_ref().map(|(_, row)| row.reasons.to_vec()).unwrap_or_default(),
            next: row.as_ref().and_then(|(_, row)| row.next.clone()),
            fill: None,
            exposed: None,
            facts: Vec::new(),
            conditions: Vec::new(),
            events: Vec::new(),
            blocks: Vec::new(),
            links: Vec::new(),
        };
        Self { world, boards, now, namespace: meta.namespace.clone(), row, detail }
    }

    fn fact(&mut self, label: &'static str, value: Cell) {
        self.detail.facts.push(Fact { label, value });
    }

    fn text(&mut self, label: &'static str, value: &str) {
        let value = if value.is_empty() { Cell::Unknown } else { Cell::Text(value.into()) };
        self.fact(label, value);
    }

    fn flag(&mut self, label: &'static str, value: bool) {
        let value = if value { Cell::State(Level::Ok, "yes") } else { Cell::State(Level::Warn, "no") };
        self.fact(label, value);
    }

    fn ready(&mut self, label: &'static str, value: Option<bool>) {
        match value {
            Some(value) => self.flag(label, value),
            None => self.fact(label, Cell::Unknown),
        }
    }

    /// Copies the facts that the object's row holds.
    fn row(&mut self, skip: &[&str]) {
        let Some((pane, row)) = &self.row else { return };
        let columns = pane.columns().iter().zip(&row.cells).filter(|(column, _)| !skip.contains(&column.id));
        self.detail.facts.extend(columns.map(|(column, cell)| Fact { label: column.title, value: cell.clone() }));
    }

    /// A link to an object that was seen.
    fn link(&mut self, relation: &'static str, kind: Kind, uid: &Uid) {
        let Some(meta) = self.world.inventory.meta(kind, uid) else { return };
        let key = Key::Object(kind, uid.clone());
        let level = self.boards.row(&key).map(|row| row.level);
        let label = meta.reference(kind).to_string().into();
        let link = Link { relation, key: Some(key), label, level };
        if !self.detail.links.contains(&link) {
            self.detail.links.push(link);
        }
    }

    /// A link to an object that is named; it stays visible when the object was not seen.
    fn link_named(&mut self, relation: &'static str, object: &ObjRef) {
        match self.world.inventory.find(object).map(Meta::uid) {
            Some(uid) => self.link(relation, object.kind, &uid),
            None => self.detail.links.push(Link {
                relation,
                key: None,
                label: format!("{object} (not seen)").into(),
                level: Some(Level::Unknown),
            }),
        }
    }

    /// A link to an object of the same namespace.
    fn link_here(&mut self, relation: &'static str, kind: Kind, name: &Arc<str>) {
        let object = ObjRef { kind, namespace: self.namespace.clone(), name: name.clone() };
        self.link_named(relation, &object);
    }

    /// A link to a cluster-scoped object.
    fn link_cluster(&mut self, relation: &'static str, kind: Kind, name: &Arc<str>) {
        self.link_named(relation, &ObjRef::cluster(kind, name.clone()));
    }

    fn conditions(&mut self, conditions: &[Condition]) {
        self.detail.conditions.extend_from_slice(conditions);
    }

    fn finish(mut self, meta: &Meta) -> Detail {
        for owner in &meta.owners {
            let kind = Kind::ALL.iter().copied().find(|kind| kind.spec().kind == &*owner.kind);
            if let Some(kind) = kind {
                self.link("owner", kind, &owner.uid);
            }
        }
        for (kind, uid) in self.world.links.children(&meta.uid()).to_vec() {
            if kind != Kind::Event {
                self.link("owns", kind, &uid);
            }
        }
        self.fact("Age", Cell::since(meta.created));
        if let Some(since) = meta.deleting {
            self.fact("Deleting for", Cell::Since(since));
        }
        if !meta.finalizers.is_empty() {
            self.text("Finalizers", &text::list(&meta.finalizers));
        }
        let inventory = &self.world.inventory;
        let about = self.world.links.events_about(&meta.uid()).iter();
        self.detail.events = about.filter_map(|uid| inventory.events.get(uid)).cloned().collect();
        self.detail.events.sort_by_key(|event| std::cmp::Reverse(event.last));
        self.detail.events.truncate(EVENTS);
        self.detail
    }
}
