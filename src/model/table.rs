//! The objects of one kind, found by UID or by name.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Meta, Scope, Uid};

#[derive(Clone, Debug)]
struct Held<T> {
    object: T,
    generation: u32,
}

/// Objects of one kind. A list run has a generation; when it ends, what it did not see goes.
#[derive(Clone, Debug)]
pub struct Table<T> {
    rows: HashMap<Uid, Held<T>>,
    names: HashMap<(Option<Arc<str>>, Arc<str>), Uid>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), names: HashMap::new() }
    }
}

impl<T> Table<T> {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The object with this UID.
    pub fn get(&self, uid: &Uid) -> Option<&T> {
        self.rows.get(uid).map(|held| &held.object)
    }

    /// The object with this namespace (for namespaced kinds) and name.
    pub fn named(&self, namespace: Option<&Arc<str>>, name: &Arc<str>) -> Option<&T> {
        let uid = self.names.get(&(namespace.cloned(), name.clone()))?;
        self.get(uid)
    }

    /// All objects, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values().map(|held| &held.object)
    }

    /// The list run that last saw an object.
    pub(super) fn generation(&self, uid: &Uid) -> u32 {
        self.rows.get(uid).map_or(0, |held| held.generation)
    }

    pub(super) fn upsert(&mut self, meta: &Meta, object: T, generation: u32) -> Option<T> {
        let uid = meta.uid();
        self.names.insert((meta.namespace.clone(), meta.name.clone()), uid.clone());
        self.rows.insert(uid, Held { object, generation }).map(|held| held.object)
    }

    pub(super) fn remove(&mut self, meta: &Meta) -> Option<T> {
        let uid = meta.uid();
        let name = (meta.namespace.clone(), meta.name.clone());
        // A successor of the same name keeps its place when the predecessor's removal arrives late.
        if self.names.get(&name) == Some(&uid) {
            self.names.remove(&name);
        }
        self.rows.remove(&uid).map(|held| held.object)
    }

    /// UIDs of objects within the scope that the list run `generation` did not see.
    pub(super) fn unseen(&self, scope: &Scope, generation: u32, meta: impl Fn(&T) -> &Meta) -> Vec<Uid> {
        let unseen = |held: &&Held<T>| held.generation != generation && scope.holds(meta(&held.object));
        self.rows.values().filter(unseen).map(|held| meta(&held.object).uid()).collect()
    }
}
