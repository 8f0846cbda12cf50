//! Problems of trust: the last known-good copy is going, exposed data has none, code with findings writes data now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Problem;
use crate::assess::Reason;
use crate::assess::priority::Priority;
use crate::model::{FindingId, Key, Kind, ObjRef, Uid};
use crate::view::exposed::{called, place};
use crate::view::rows::GOING;
use crate::view::trusts::{Judged, Stand};
use crate::view::{Boards, Level};

/// The last known-good copy will be deleted by something.
pub(super) const COPY_ENDS: &str = "Last good ends";
/// Exposed data without a known-good copy.
const NO_COPY: &str = "No good copy";
/// Code with findings writes data now.
pub(super) const VULNERABLE: &str = "Vulnerable";

/// What runs now is not proven to lack a finding that was there.
const UNPROVEN: &str = "Vulnerable?";
/// What runs now lacks a finding that was there.
const FIXED: &str = "Fixed";

/// Findings told one by one; of the rest only the number.
const LISTED: usize = 10;

/// All of them.
pub(super) fn problems(boards: &Boards) -> Vec<Problem> {
    let mut all = Vec::new();
    for (uid, judged) in boards.trusts().judged() {
        all.extend(ends(uid, judged, boards.now()));
        all.extend(without(uid, judged));
    }
    all.extend(vulnerable(boards));
    all
}

/// Every volume that code with a finding of concern wrote, once for each of them, and whether such code runs there now:
/// what a runbook looks through that has to know that it does not.
pub fn exposures(boards: &Boards) -> Vec<Problem> {
    let judged = boards.trusts().judged();
    judged
        .flat_map(|(uid, judged)| judged.stands.iter().map(|(id, stand)| exposed(boards, uid, judged, *id, stand)))
        .collect()
}

fn exposed(boards: &Boards, uid: &Uid, judged: &Judged, id: FindingId, stand: &Stand) -> Problem {
    let (chains, now) = (boards.chains(), boards.now());
    let (_, name) = called(chains, id, now);
    let at = chains.findings().latest(id).map(place).unwrap_or_default();
    let said = |why: &str| Reason::new(format!("{name} {at}: {why}"));
    let (state, level, reason) = match stand {
        Stand::Runs => (VULNERABLE, Level::Critical, said("code with it runs now").next("roll out a fixed release")),
        Stand::Unproven(why) => {
            let reason = said(&format!("that what runs now lacks it is not proven: {}", why.text));
            (UNPROVEN, Level::Unknown, why.next.iter().fold(reason, |reason, next| reason.next(next.as_str())))
        }
        Stand::Lacks => (FIXED, Level::Ok, said("what runs now is proven to lack it, or nothing runs")),
    };
    of_volume(uid, judged, state, level, &reason)
}

fn of_volume(uid: &Uid, judged: &Judged, state: &'static str, level: Level, reason: &Reason) -> Problem {
    Problem {
        // The volume's own row may be a problem, too.
        key: Key::Place(Kind::Pvc, uid.clone(), state.into()),
        level,
        title: Box::default(),
        object: Some(judged.object.clone()),
        state,
        reason: reason.text.as_str().into(),
        next: reason.next.as_deref().unwrap_or("open it for what is known").into(),
        since: None,
        weight: 0,
        remedy: None,
    }
}

/// What would delete the copy that is kept; one line for each volume, by the worst.
fn ends(uid: &Uid, judged: &Judged, now: Timestamp) -> Option<Problem> {
    let (threat, reason) = judged.threats.first()?;
    let going = threat.at.is_some_and(|at| at <= now);
    let state = if going { GOING } else { COPY_ENDS };
    let problem = of_volume(uid, judged, state, threat.severity.into(), reason);
    Some(Problem { since: threat.at.filter(|_| going), ..problem })
}

/// Exposed data that has nothing proven to go back to.
fn without(uid: &Uid, judged: &Judged) -> Option<Problem> {
    let (reasons, since) = judged.without.as_ref()?;
    let first = reasons.first()?;
    let next = reasons.iter().find_map(|reason| reason.next.clone());
    let why = reasons.iter().skip(1).find(|reason| reason.next.is_some() && reason.next == next);
    let text = why.map_or_else(|| first.text.clone(), |why| format!("{}: {}", first.text, why.text));
    let reason = Reason { text, next };
    Some(Problem { since: *since, ..of_volume(uid, judged, NO_COPY, Level::Critical, &reason) })
}

/// Findings of concern in code that writes data now, the most urgent one by one.
fn vulnerable(boards: &Boards) -> Vec<Problem> {
    let mut all: BTreeSet<FindingId> = BTreeSet::new();
    let mut best: BTreeMap<FindingId, Urgent> = BTreeMap::new();
    for (_, judged) in boards.trusts().judged() {
        all.extend(judged.running.iter().copied());
        for (priority, reasons) in &judged.urgent {
            let known = best.entry(priority.id).or_insert_with(|| Urgent::of(priority, reasons));
            if priority.score > known.priority.score {
                (known.priority, known.reasons) = (priority, reasons);
            }
            known.volumes.push(&judged.object);
        }
    }
    let mut order: Vec<Urgent> = best.into_values().collect();
    order.sort_by_key(|urgent| urgent.priority.key());
    let rest = all.len().saturating_sub(order.len().min(LISTED));
    let mut problems: Vec<Problem> = order.iter().take(LISTED).map(|urgent| urgent.problem(boards)).collect();
    if rest > 0 && !problems.is_empty() {
        problems.push(more(rest));
    }
    problems
}

/// One finding, on however many volumes.
struct Urgent<'a> {
    priority: &'a Priority,
    reasons: &'a [Reason],
    volumes: Vec<&'a ObjRef>,
}

impl<'a> Urgent<'a> {
    fn of(priority: &'a Priority, reasons: &'a [Reason]) -> Self {
        Self { priority, reasons, volumes: Vec::new() }
    }

    fn problem(&self, boards: &Boards) -> Problem {
        let (chains, id) = (boards.chains(), self.priority.id);
        let (_, name) = called(chains, id, boards.now());
        let at = chains.findings().latest(id).map(place).unwrap_or_default();
        let wrote = match self.volumes.as_slice() {
            [one] => one.path(),
            [one, rest @ ..] => format!("{} and {}", one.path(), crate::text::plural(rest.len(), "other", "others")),
            [] => String::new(),
        };
        let why = self.reasons.first().map(|why| format!("; priority {}", why.text)).unwrap_or_default();
        let risk = self.reasons.get(1);
        let next = risk.and_then(|risk| risk.next.clone()).unwrap_or_else(|| {
            "roll out a fixed release, or decide upon it; keep the last known-good copy until then".to_owned()
        });
        Problem {
            key: Key::Finding(id),
            level: Level::Critical,
            title: format!("{name} {at}").into(),
            object: None,
            state: VULNERABLE,
            reason: format!("code with it runs now and writes {wrote}{why}").into(),
            next: next.into(),
            since: self.priority.since,
            weight: self.priority.score,
            remedy: None,
        }
    }
}

fn more(count: usize) -> Problem {
    let findings = crate::text::plural(count, "finding more", "findings more");
    Problem {
        key: Key::Notice(Arc::from("findings/running")),
        level: Level::Critical,
        title: findings.into(),
        object: None,
        state: VULNERABLE,
        reason: "code with them runs now and writes data; those above are more urgent".into(),
        next: "look at the pane of findings".into(),
        since: None,
        weight: 0,
        remedy: None,
    }
}
