//! What the cluster remembers of the journals on this machine.

use super::Session;
use crate::engine::{self, RunSeen};
use crate::journal::{Anchor, Book, BookKind, Remembered, Run};
use crate::runbook::history;

impl Session {
    /// What the cluster remembers of these operations, and of which that cannot be seen, and why. Reads only.
    pub async fn remembered(&self, runs: &[Run]) -> (Vec<Remembered>, Vec<String>) {
        match &self.cluster {
            Some(cluster) => engine::remembered(&cluster.eyes(), runs).await,
            None => (Vec::new(), vec!["there is no connection to the cluster".to_owned()]),
        }
    }

    /// The same of these runs of runbooks, as far as a console of this machine wrote their records last. Reads only.
    pub async fn remembered_runs(&self, runs: &[history::Run]) -> (Vec<Remembered>, Vec<String>) {
        let Some(cluster) = &self.cluster else { return (Vec::new(), Vec::new()) };
        let (mut remembered, mut unseen) = (Vec::new(), Vec::new());
        for run in runs {
            match engine::run_record(&cluster.eyes(), &run.id, &run.home).await {
                Ok(seen) => remembered.extend(seen.filter(RunSeen::of_this_machine).and_then(|seen| of_record(&seen))),
                Err(why) => unseen.push(why),
            }
        }
        (remembered, unseen)
    }
}

fn of_record(seen: &RunSeen) -> Option<Remembered> {
    let last = seen.entries.last()?;
    Some(Remembered {
        of: Book { kind: BookKind::Run, id: seen.id.as_str().to_owned() },
        at: seen.record().place(),
        anchor: Anchor { length: last.seq + 1, head: last.hash.clone() },
        index: None,
    })
}
