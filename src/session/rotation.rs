//! Lets old journals go once in a session: in the console when it has seen the cluster, else when something is planned in
//! earnest.

use std::collections::BTreeSet;

use super::Session;
use crate::journal::Run;
use crate::model::{Kind, Uid};
use crate::text;

/// Kinds of the copies that a backup makes.
const COPIES: [Kind; 2] = [Kind::VolumeSnapshot, Kind::GroupSnapshot];

impl Session {
    /// Lets old journals go, aside, once. Not in read-only mode.
    pub(super) fn rotate_journals(&mut self) {
        if self.rotated || self.cluster.as_ref().and_then(crate::cluster::Cluster::hands).is_none() {
            return;
        }
        self.rotated = true;
        let Ok(before) = crate::store::now().checked_sub(self.options.config.journal.keep) else { return };
        let (store, gone) = (self.options.store.clone(), self.copies_gone());
        tokio::task::spawn_blocking(move || match store.rotate(before, |run, uid| !gone(run, uid)) {
            Ok(dropped) if dropped.is_empty() => {}
            Ok(dropped) => tracing::info!(count = dropped.len(), "journals that are older than is kept were let go"),
            Err(error) => tracing::warn!(error = text::chain(&error), "old journals cannot be let go"),
        });
    }

    /// Says of a copy whether it is certainly gone: its cluster is the one that is looked at, and all copies of its
    /// namespace are seen.
    fn copies_gone(&self) -> impl Fn(&Run, &Uid) -> bool + Send + 'static {
        let world = &self.desk.world;
        let server = world.context.server.to_string();
        let all = world.context.namespaces.is_empty();
        let namespaces: BTreeSet<String> = world.context.namespaces.iter().map(ToString::to_string).collect();
        let seen = COPIES.iter().all(|kind| {
            let freshness = world.freshness(*kind);
            freshness.live() || *freshness == crate::model::Freshness::Absent
        });
        let snapshots = world.inventory.snapshots.iter().map(|snapshot| snapshot.meta.uid());
        let groups = world.inventory.group_snapshots.iter().map(|group| group.meta.uid());
        let there: BTreeSet<Uid> = snapshots.chain(groups).collect();
        move |run: &Run, uid: &Uid| {
            let home = run.plan.subject.home();
            let looked = all || home.is_some_and(|home| namespaces.contains(home));
            seen && looked && run.plan.server == server && !there.contains(uid)
        }
    }
}
