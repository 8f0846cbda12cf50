//! What a run decides by the console's lists is decided on lists that were brought up to date for it.
//!
//! What ties findings to what runs is looked up at a pace, because it concerns everything, and what pods serve is seen
//! only when somebody shakes hands with them. A pane may show for some seconds what was. A step that passes, fails or
//! offers something to choose may not: a release that was just rolled out would count as fixed, and a certificate that
//! nobody looked for as served.

use std::collections::BTreeSet;

use super::{RunId, Session};
use crate::assess::served::users;
use crate::model::ClaimKey;
use crate::runbook::book::{Among, Step, Task};
use crate::runbook::turn::{Ask, Turn, place};
use crate::session::Ticket;
use crate::session::served::AT_MOST;

/// What a step is decided by beside what is watched.
#[derive(Clone, Copy, Default)]
struct Hangs {
    /// What ties findings to what runs.
    findings: bool,
    /// What pods serve.
    served: bool,
}

impl Session {
    /// What comes next, decided on lists that are up to date; `None` while they are being brought there.
    pub(super) fn sure_turn(&mut self, id: &RunId) -> Option<Turn> {
        let turn = self.run_turn(id)?;
        if self.sure_of(id, &turn) {
            return Some(turn);
        }
        // What is made aside says when it is there.
        let turn = self.run_turn(id)?;
        self.sure_of(id, &turn).then_some(turn)
    }

    /// Whether what comes next was decided on such lists; else they are being brought there.
    fn sure_of(&mut self, id: &RunId, turn: &Turn) -> bool {
        let decided = matches!(turn, Turn::Note(_) | Turn::Ask(_, Ask::Choose(_)));
        let on = self.watch.on();
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return true };
        let Some(run) = &tracked.run else { return true };
        let hangs = place(&tracked.book, run).filter(|_| decided).map(|(step, ..)| hangs(step)).unwrap_or_default();
        let findings = hangs.findings && on;
        if !findings && !hangs.served {
            tracked.looked = None;
            return true;
        }
        let (entries, home) = (tracked.entries.len(), run.home.clone());
        if tracked.looked == Some(entries) {
            // What was under way when they were brought there is made anew once more.
            let tied = !findings || (!self.tabulation.under_way && self.chained.is_some());
            return tracked.shaking.is_empty() && tied && !self.desk.boards.behind();
        }
        tracked.looked = Some(entries);
        if hangs.served {
            let shaking = self.shake_with_all(&home);
            if let Some(tracked) = self.runs.tracked.get_mut(id) {
                tracked.shaking = shaking;
            }
        }
        if findings {
            self.look_once();
            self.chain_now();
            let desk = &mut self.desk;
            desk.boards.work(&desk.world, crate::store::now(), usize::MAX);
        }
        false
    }

    /// Shakes hands with whatever serves a certificate of a namespace, as far as that may be. Where it may not, lists say
    /// what is inferred.
    fn shake_with_all(&mut self, namespace: &str) -> BTreeSet<Ticket> {
        let world = &self.desk.world;
        let here =
            world.inventory.tls_secrets.iter().filter(|secret| secret.meta.namespace.as_deref() == Some(namespace));
        let keys = here.map(|secret| -> ClaimKey { (namespace.into(), secret.meta.name.clone()) });
        let used: Vec<ClaimKey> = keys.filter(|key| !users(world, key).is_empty()).take(AT_MOST).collect();
        used.iter().filter_map(|key| self.probe(key).ok()).collect()
    }

    /// Takes in that hands were shaken.
    pub(in crate::session) fn shaken_in_runs(&mut self, ticket: Ticket) {
        for tracked in self.runs.tracked.values_mut() {
            tracked.shaking.remove(&ticket);
        }
    }
}

fn hangs(step: &Step) -> Hangs {
    let when = step.when.as_ref().map(|check| check.among);
    let (task, sees) = match &step.task {
        Task::Check(check) | Task::Wait(check, _) => (Some(check.among), true),
        Task::Choose(choose) => (Some(choose.among), false),
        Task::Each(each) => (Some(each.among), false),
        Task::Manual(_) | Task::Plan(_) | Task::Approve(_) | Task::Collect(_) => (None, false),
    };
    let trusts = |among| matches!(among, Among::Findings | Among::Exposures | Among::Problems | Among::RestorePoints);
    Hangs {
        findings: [task, when].into_iter().flatten().any(trusts),
        served: sees && task == Some(Among::Certificates),
    }
}
