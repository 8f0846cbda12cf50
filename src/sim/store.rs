//! The objects, their history, and the one revision counter over both.
//!
//! Everything is behind one lock, so each write is atomic and a list is a consistent cut. An object
//! is serialised once, when it is written; lists and watches only join those bytes. Rules of the
//! API (defaults, finalizers, preconditions) are not here but in `write`.

mod links;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::kinds::Kind;
use super::object;
pub(crate) use links::Link;

/// Events kept per kind; a watch that asks for older ones gets 410.
const HISTORY: usize = 12_000;

/// Where an object lives: plural, namespace (empty for cluster scope), name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub plural: &'static str,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(plural: &'static str, namespace: &str, name: &str) -> Self {
        Self { plural, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub fn of(kind: &Kind, value: &Value) -> Self {
        Self::new(kind.plural, object::namespace(value), object::name(value))
    }
}

/// One version of one object.
#[derive(Debug)]
pub(crate) struct Object {
    pub kind: &'static Kind,
    pub value: Value,
    pub revision: u64,
    /// The JSON without `apiVersion` and `kind`: the form of list items of built-in kinds.
    body: Bytes,
}

impl Object {
    fn new(kind: &'static Kind, mut value: Value, revision: u64) -> Self {
        object::set(&mut value, "/metadata/resourceVersion", revision.to_string());
        Self { kind, body: body_of(&value), value, revision }
    }

    /// An object as it would be, for dry runs: nothing is stored and no revision is used.
    pub fn unsaved(kind: &'static Kind, value: Value) -> Arc<Self> {
        Arc::new(Self { kind, body: body_of(&value), value, revision: 0 })
    }

    /// The whole object as JSON.
    pub fn json(&self) -> Vec<u8> {
        let head = format!(r#"{{"kind":"{}","apiVersion":"{}","#, self.kind.kind, self.kind.api_version());
        let mut json = head.into_bytes();
        json.extend_from_slice(&self.body[1..]);
        json
    }

    /// The object as a list item: only custom kinds repeat their type in each item.
    pub fn write_item(&self, out: &mut Vec<u8>) {
        if self.kind.custom {
            out.extend_from_slice(&self.json());
        } else {
            out.extend_from_slice(&self.body);
        }
    }
}

fn body_of(value: &Value) -> Bytes {
    let fields = value.as_object().into_iter().flatten();
    let own = fields.filter(|(key, _)| *key != "apiVersion" && *key != "kind");
    // A JSON value always serialises: its keys are strings.
    let body: BTreeMap<&String, &Value> = own.collect();
    serde_json::to_vec(&body).unwrap_or_default().into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One entry of the history of a kind.
#[derive(Debug)]
pub(crate) struct Event {
    pub revision: u64,
    pub change: Change,
    /// The new version; for a deletion the last one, carrying the revision of the deletion.
    pub object: Arc<Object>,
    pub before: Option<Arc<Object>>,
}

/// Everything of one kind.
#[derive(Debug)]
struct Row {
    objects: BTreeMap<(String, String), Arc<Object>>,
    history: VecDeque<Arc<Event>>,
    /// History up to and including this revision was dropped, because it grew too long.
    dropped: u64,
    changed: watch::Sender<u64>,
}

impl Default for Row {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), history: VecDeque::new(), dropped: 0, changed: watch::Sender::new(0) }
    }
}

/// What the lock guards.
#[derive(Debug, Default)]
pub(crate) struct State {
    revision: u64,
    /// No watch may start before this revision; those that run are not affected, as on etcd.
    compacted: u64,
    rows: BTreeMap<&'static str, Row>,
    by_uid: HashMap<String, Key>,
    /// Who points at what; see `links`.
    links: HashMap<Link, BTreeSet<Key>>,
    feeds_controllers: bool,
    /// What the controllers have not looked at yet: the latest version of each changed object.
    fresh: BTreeMap<Key, Arc<Object>>,
}

impl State {
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.rows.get(key.plural)?.objects.get(&(key.namespace.clone(), key.name.clone()))
    }

    /// All objects of a kind in key order, in one namespace or in all.
    pub fn list(&self, plural: &str, namespace: Option<&str>) -> Vec<Arc<Object>> {
        let Some(row) = self.rows.get(plural) else {
            return Vec::new();
        };
        match namespace {
            None => row.objects.values().cloned().collect(),
            Some(namespace) => row
                .objects
                .range((namespace.to_owned(), String::new())..)
                .take_while(|((at, _), _)| at == namespace)
                .map(|(_, object)| Arc::clone(object))
                .collect(),
        }
    }

    /// The object with this UID, wherever it is.
    pub fn by_uid(&self, uid: &str) -> Option<&Arc<Object>> {
        self.get(self.by_uid.get(uid)?)
    }

    /// Keys of the objects that point at something.
    pub fn pointing_at(&self, link: &Link) -> Vec<Key> {
        self.links.get(link).into_iter().flatten().cloned().collect()
    }

    /// Events of a kind after `revision`, oldest first; `None` when they are gone.
    pub fn since(&self, plural: &str, revision: u64) -> Option<Vec<Arc<Event>>> {
        let Some(row) = self.rows.get(plural) else {
            return Some(Vec::new());
        };
        if revision < row.dropped {
            return None;
        }
        let from = row.history.partition_point(|event| event.revision <= revision);
        Some(row.history.range(from..).cloned().collect())
    }

    /// Writes an object, new or changed.
    pub fn put(&mut self, kind: &'static Kind, value: Value) -> Arc<Object> {
        self.revision += 1;
        let object = Arc::new(Object::new(kind, value, self.revision));
        let key = Key::of(kind, &object.value);
        let row = self.rows.entry(kind.plural).or_default();
        let before = row.objects.insert((key.namespace.clone(), key.name.clone()), Arc::clone(&object));
        let change = if before.is_some() { Change::Modified } else { Change::Added };
        self.index(&key, before.as_deref(), Some(&object));
        self.record(&key, change, Arc::clone(&object), before);
        object
    }

    /// Removes an object and returns its last version.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Object>> {
        let row = self.rows.get_mut(key.plural)?;
        let before = row.objects.remove(&(key.namespace.clone(), key.name.clone()))?;
        self.revision += 1;
        let last = Arc::new(Object::new(before.kind, before.value.clone(), self.revision));
        self.index(key, Some(&before), None);
        self.record(key, Change::Deleted, Arc::clone(&last), Some(before));
        Some(last)
    }

    fn index(&mut self, key: &Key, before: Option<&Object>, after: Option<&Object>) {
        if let Some(before) = before {
            self.by_uid.remove(object::uid(&before.value));
            for link in links::of(&before.value) {
                if let Some(keys) = self.links.get_mut(&link) {
                    keys.remove(key);
                    if keys.is_empty() {
                        self.links.remove(&link);
                    }
                }
            }
        }
        if let Some(after) = after {
            self.by_uid.insert(object::uid(&after.value).to_owned(), key.clone());
            for link in links::of(&after.value) {
                self.links.entry(link).or_default().insert(key.clone());
            }
        }
    }

    fn record(&mut self, key: &Key, change: Change, object: Arc<Object>, before: Option<Arc<Object>>) {
        if self.feeds_controllers {
            self.fresh.insert(key.clone(), Arc::clone(&object));
        }
        let row = self.rows.entry(key.plural).or_default();
        row.history.push_back(Arc::new(Event { revision: self.revision, change, object, before }));
        if row.history.len() > HISTORY
            && let Some(oldest) = row.history.pop_front()
        {
            row.dropped = oldest.revision;
        }
        // Watchers take the lock before they read, so they see the write as a whole.
        row.changed.send_replace(self.revision);
    }

    /// Hands the changes since the last call to the controllers.
    pub fn take_fresh(&mut self) -> BTreeMap<Key, Arc<Object>> {
        std::mem::take(&mut self.fresh)
    }

    /// Forgets the history for whoever has not begun to watch, as etcd compaction does.
    pub fn compact(&mut self) {
        self.compacted = self.revision;
    }

    /// Whether a watch that starts here would miss something.
    pub fn is_compacted(&self, revision: u64) -> bool {
        revision < self.compacted
    }
}

/// The lock and the signal that something was written.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Store {
    /// An empty store; `controllers` says whether someone takes what is fresh.
    pub fn new(controllers: bool) -> Self {
        let state = State { feeds_controllers: controllers, ..State::default() };
        Self { state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    /// Runs `work` with the state locked, then wakes whoever waits for a write.
    pub fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let (result, revision) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut state);
            (result, state.revision)
        };
        self.changed.send_if_modified(|seen| {
            let grew = revision > *seen;
            *seen = revision.max(*seen);
            grew
        });
        result
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.with(|state| state.get(key).cloned())
    }

    /// Wakes on any write.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Wakes on a write to one kind.
    pub fn subscribe_to(&self, plural: &'static str) -> watch::Receiver<u64> {
        self.with(|state| state.rows.entry(plural).or_default().changed.subscribe())
    }
}
