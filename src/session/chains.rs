//! What ties findings to what runs, looked up anew at a pace: it concerns all volumes, and what ran is seen all the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Message, Session};
use crate::assess::linking::Chains;
use crate::view::{FindingTable, Risks};

/// The least time between two looks; a change of scans, decisions or words of operators does not wait for it.
const EVERY: Duration = Duration::from_secs(5);

impl Session {
    /// Looks up what ties findings to what runs, when it is time. Nothing without sources of findings.
    pub(super) fn chain(&mut self) {
        let idle = !self.watch.on() && self.desk.world.linking.compromised.is_empty();
        if !idle && self.chained.is_none_or(|at| at.elapsed() >= EVERY) {
            self.chain_now();
        }
    }

    /// Looks it up at once.
    pub fn chain_now(&mut self) {
        self.chained = Some(Instant::now());
        let chains = Chains::of(&self.desk.world);
        self.desk.boards.chained(chains.clone());
        self.tabulate(chains);
    }

    /// Makes the table of findings anew, aside: there may be hundreds of thousands.
    fn tabulate(&mut self, chains: Chains) {
        if std::mem::replace(&mut self.tabulating, true) {
            return;
        }
        let (before, post) = (self.desk.boards.findings().clone(), self.inbox.0.clone());
        let sees = self.sees_what_runs();
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(move || {
                let table = FindingTable::new(&chains, &Risks::new(), sees, crate::store::now());
                (table != *before).then(|| Arc::new(table))
            });
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Tabled(made.await.ok().flatten())).await;
        });
    }

    /// Takes the table in; `None` when it is as it was.
    pub(super) fn tabled(&mut self, table: Option<Arc<FindingTable>>) {
        self.tabulating = false;
        if let Some(table) = table {
            self.desk.boards.tabled(table);
        }
    }

    /// Something changed that may tie more or less than before.
    pub(super) fn unchain(&mut self) {
        self.chained = None;
    }
}
