//! The namespaces one can look at, and what is in each as far as it is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Boards, Pane};
use crate::model::World;

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceView {
    /// Its name.
    pub name: Arc<str>,
    /// What is in it; `None` where it is not looked at, so that nothing is known.
    pub holds: Option<Holds>,
}

/// What is in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Rows of the volumes.
    pub volumes: usize,
    /// Rows of all panes that need a person.
    pub problems: usize,
}

/// The namespaces that are known, by name: those the cluster lists, those of the rows, and those that are looked at.
pub fn namespaces(world: &World, boards: &Boards) -> Vec<NamespaceView> {
    let looked_at = &world.context.namespaces;
    let listed = world.inventory.namespaces.iter().map(|namespace| namespace.meta.name.clone());
    let names = listed.chain(looked_at.iter().cloned());
    let mut all: BTreeMap<Arc<str>, Holds> = names.map(|name| (name, Holds::default())).collect();
    for pane in Pane::ALL {
        for row in boards.board(pane).iter() {
            let Some(namespace) = &row.object.namespace else { continue };
            let holds = all.entry(namespace.clone()).or_default();
            holds.volumes += usize::from(pane == Pane::Volumes);
            holds.problems += usize::from(row.level.problem());
        }
    }
    let seen = |name: &Arc<str>| looked_at.is_empty() || looked_at.contains(name);
    all.into_iter().map(|(name, holds)| NamespaceView { holds: seen(&name).then_some(holds), name }).collect()
}
