//! What ties findings to what runs, looked up anew at a pace: it concerns all volumes, and what ran is seen all the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Message, Session};
use crate::assess::linking::Chains;
use crate::model::Uid;
use crate::view::{FindingTable, Level, Risks};

/// The least time between two looks; a change of scans, decisions or words of operators does not wait for it.
const EVERY: Duration = Duration::from_secs(5);
/// The least time between two judgements of the copies of all volumes, where only more was seen of what runs.
const ALL: Duration = Duration::from_secs(60);

/// How the table of findings comes about.
#[derive(Debug, Default)]
pub(super) struct Tabulation {
    /// What it was made of last: what ties findings, how much data hangs on them, and whether what runs was in sight.
    made_of: Option<(Chains, Risks, bool)>,
    pub(super) under_way: bool,
    /// Whether something changed while it was under way.
    behind: bool,
}

impl Session {
    /// Looks up what ties findings to what runs, when it is time. Nothing without sources of findings.
    pub(super) fn chain(&mut self) {
        let idle = !self.watch.on() && self.desk.world.linking.compromised.is_empty();
        if idle || self.chained.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        let all = self.chained.is_none() || self.copies_judged.is_none_or(|at| at.elapsed() >= ALL);
        self.look_up();
        if all {
            self.judge_copies();
        }
    }

    /// Looks it up at once.
    pub fn chain_now(&mut self) {
        self.look_up();
        self.judge_copies();
    }

    fn look_up(&mut self) {
        self.chained = Some(Instant::now());
        let chains = Chains::of(&self.desk.world);
        self.desk.boards.chained(chains.clone());
        self.tabulate(chains);
    }

    fn judge_copies(&mut self) {
        self.copies_judged = Some(Instant::now());
        self.desk.boards.judge_copies(&self.desk.world);
    }

    /// Makes the table of findings anew, aside: there may be hundreds of thousands.
    fn tabulate(&mut self, chains: Chains) {
        let sees = self.sees_what_runs();
        let ran_out = self.desk.boards.findings().valid_until().is_some_and(|until| until <= self.desk.now);
        let risks = self.desk.boards.risks();
        let same =
            |(before, known, seen): &(Chains, Risks, bool)| *seen == sees && *known == risks && before.ties_as(&chains);
        if !ran_out && self.tabulation.made_of.as_ref().is_some_and(same) {
            return;
        }
        if self.tabulation.under_way {
            self.tabulation.behind = true;
            return;
        }
        self.tabulation =
            Tabulation { made_of: Some((chains.clone(), risks.clone(), sees)), under_way: true, behind: false };
        let (before, post) = (self.desk.boards.findings().clone(), self.inbox.0.clone());
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(move || {
                let table = FindingTable::new(&chains, &risks, sees, crate::store::now());
                (table != *before).then(|| Arc::new(table))
            });
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Tabled(made.await.ok().flatten())).await;
        });
    }

    /// Takes the table in; `None` when it is as it was.
    pub(super) fn tabled(&mut self, table: Option<Arc<FindingTable>>) {
        self.tabulation.under_way = false;
        if std::mem::take(&mut self.tabulation.behind) {
            self.unchain();
        }
        if let Some(table) = table {
            self.desk.boards.tabled(table);
        }
    }

    /// Judges what the copies of all volumes are worth, with everything that has come in: for commands, which print once.
    pub fn judge_copies_now(&mut self) {
        self.tick();
        self.chain_now();
        let desk = &mut self.desk;
        desk.boards.work(&desk.world, crate::store::now(), usize::MAX);
    }

    /// Says of volumes whose last known-good copy is about to go that it is, once.
    pub(super) fn say_what_goes(&mut self) {
        let going: BTreeMap<Uid, String> =
            self.desk.boards.copies_going().map(|(uid, text)| (uid.clone(), text.to_owned())).collect();
        for (_, text) in going.iter().filter(|(uid, _)| !self.going.contains(*uid)) {
            self.desk.say(Level::Critical, text);
        }
        self.going = going.into_keys().collect();
    }

    /// Something changed that may tie more or less than before.
    pub(super) fn unchain(&mut self) {
        self.chained = None;
    }
}
