//! Everything that needs a person, in one list, each with why and what to do next.
//!
//! The order is a promise: [`Rank`] first; within a rank what blinds the console, then operations and runs, then objects;
//! then by namespace and name, findings by their priority. It never depends on chance or on when something was seen.

mod gather;
mod runs;
mod sieve;
mod trusted;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::rows::{ABOUT_TO_BREAK, GOING};
use super::{Boards, Cell, Level, OperationState, OperationView, Pane, Remedy, Row, RunView};
use crate::assess::Judgement;
use crate::assess::former::former;
use crate::assess::reviews::{ReviewState, Reviewed, reviews};
use crate::model::{Connection, Freshness, Key, Kind, ObjRef, Pv, UsageSource, World};

pub use gather::gather;
pub use sieve::Sieve;
pub use trusted::exposures;

/// Where a problem stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Data or its copies are going now.
    Going,
    /// Broken now.
    Broken,
    /// Whole now, and about to break.
    Soon,
    /// Not known; may be broken.
    Unknown,
    /// Will become a problem.
    Warning,
}

impl Rank {
    /// Its word, as JSON output says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Broken => "broken",
            Self::Soon => "soon",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
        }
    }

    fn of(level: Level, state: &str) -> Self {
        match level {
            Level::Critical if state == GOING => Self::Going,
            Level::Critical if ABOUT_TO_BREAK.contains(&state) => Self::Soon,
            Level::Critical if [trusted::COPY_ENDS, trusted::VULNERABLE].contains(&state) => Self::Soon,
            Level::Critical => Self::Broken,
            Level::Unknown => Self::Unknown,
            Level::Warn | Level::Stale | Level::Info | Level::Ok => Self::Warning,
        }
    }
}

/// What the order of problems goes by, one after the other: rank, class, urgency, the object (namespace, name, kind), title.
type Place<'a> = (Rank, u8, Reverse<u32>, Option<(Option<&'a str>, &'a str, &'a str)>, &'a str);

/// One thing that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it stands for; opening it opens this.
    pub key: Key,
    /// How bad it is.
    pub level: Level,
    /// What it is about, where that is no object.
    pub title: Box<str>,
    /// The object, where it is one.
    pub object: Option<ObjRef>,
    /// Its state's word.
    pub state: &'static str,
    /// Why.
    pub reason: Arc<str>,
    /// What to do next.
    pub next: Arc<str>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// How urgent it is beside others of its kind; findings only, more is sooner.
    pub weight: u32,
    /// What this console can do about it, where there is something.
    pub remedy: Option<Remedy>,
}

impl Problem {
    /// The UID of the object, where it is one.
    pub fn uid(&self) -> Option<&str> {
        match &self.key {
            Key::Object(_, uid) | Key::Place(_, uid, _) => Some(uid.as_str()),
            Key::Finding(_) | Key::Operation(_) | Key::Run(_) | Key::Notice(_) => None,
        }
    }

    /// What it is about, for people. Untrusted: made safe when drawn.
    pub fn subject(&self) -> Cow<'_, str> {
        self.object.as_ref().map_or(Cow::Borrowed(&self.title), |object| Cow::Owned(object.to_string()))
    }

    /// Where it stands in the list.
    pub fn rank(&self) -> Rank {
        Rank::of(self.level, self.state)
    }

    fn place(&self) -> Place<'_> {
        let class = match self.key {
            Key::Notice(_) if self.state == trusted::VULNERABLE => 4,
            Key::Notice(_) => 0,
            Key::Operation(_) | Key::Run(_) => 1,
            Key::Object(..) | Key::Place(..) => 2,
            Key::Finding(_) => 3,
        };
        let object = self.object.as_ref();
        let name = object.map(|object| (object.namespace.as_deref(), &*object.name, object.kind.spec().kind));
        (self.rank(), class, Reverse(self.weight), name, &self.title)
    }

    /// Its values, one per column of the list; [filters](Sieve) look at them.
    fn cells(&self) -> [Cell; 7] {
        let object = self.object.as_ref();
        let kind = match self.key {
            Key::Operation(_) => "Operation",
            Key::Run(_) => "Run",
            Key::Finding(_) => "Finding",
            Key::Object(..) | Key::Place(..) | Key::Notice(_) => {
                object.map_or("Console", |object| object.kind.spec().kind)
            }
        };
        [
            Cell::State(self.level, self.state),
            Cell::Word(kind),
            Cell::text_or_nothing(object.and_then(|object| object.namespace.as_ref())),
            Cell::Text(object.map_or_else(|| Arc::from(&*self.title), |object| object.name.clone())),
            Cell::Text(self.reason.clone()),
            Cell::Text(self.next.clone()),
            Cell::since(self.since),
        ]
    }
}

/// Everything that needs a person.
pub fn problems(world: &World, boards: &Boards, operations: &[OperationView], runs: &[RunView]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = connection(&world.connection).into_iter().collect();
    problems.extend(Kind::ALL.iter().filter_map(|kind| unseen(*kind, world.freshness(*kind))));
    problems.extend(
        world.unreadable.iter().flat_map(|(kind, names)| names.iter().map(|(name, why)| unreadable(*kind, name, why))),
    );
    problems.extend(unmeasured(world.usage.source()));
    problems.extend(operations.iter().filter_map(operation));
    problems.extend(runs.iter().filter_map(|run| runs::run(run, boards.now())));
    problems.extend(world.inventory.pvs.iter().filter_map(|volume| overstayed(volume, boards.now())));
    problems.extend(super::rotation::problems(world, boards.now()));
    problems.extend(trusted::problems(boards));
    problems.extend(reviews(world, boards.now()).into_iter().filter_map(overdue));
    for pane in Pane::ALL {
        problems.extend(boards.board(pane).iter().filter(|row| row.level.problem()).map(of_row));
    }
    problems.sort_by(|a, b| a.place().cmp(&b.place()));
    problems
}

fn notice(id: String, level: Level, subject: &str, state: &'static str, reason: &str, next: String) -> Problem {
    Problem {
        key: Key::Notice(Arc::from(id)),
        level,
        title: subject.into(),
        object: None,
        state,
        reason: reason.into(),
        next: next.into(),
        since: None,
        weight: 0,
        remedy: None,
    }
}

fn connection(connection: &Connection) -> Option<Problem> {
    let Connection::Down { since, why } = connection else { return None };
    let next = "check the network, the API server and your credentials; the console tries again by itself".to_owned();
    let problem = notice("connection".into(), Level::Critical, "Connection to the API server", "Down", why, next);
    Some(Problem { since: Some(*since), ..problem })
}

fn unmeasured(source: &UsageSource) -> Option<Problem> {
    let UsageSource::Failing { since, why } = source else { return None };
    let next = "it is asked again by itself; used space is Unknown 5m after it was last measured".to_owned();
    let problem = notice("usage".into(), Level::Warn, "Used space of volumes", "Failing", why, next);
    Some(Problem { since: Some(*since), ..problem })
}

fn unseen(kind: Kind, freshness: &Freshness) -> Option<Problem> {
    let plural = kind.spec().plural;
    let id = format!("freshness/{plural}");
    match freshness {
        Freshness::Denied { verb } => {
            let group = if kind.spec().group.is_empty() { "the core group" } else { kind.spec().group };
            let next = format!("ask for get, list and watch on {plural} of {group}; what depends on them is Unknown");
            let reason = format!("this identity may not {verb} {plural}");
            Some(notice(id, Level::Warn, &format!("Kind {plural}"), "Denied", &reason, next))
        }
        Freshness::Stale { since, why } => {
            let next = "rows are as they were then; the watch is tried again by itself".to_owned();
            let problem = notice(id, Level::Warn, &format!("Kind {plural}"), "Stale", why, next);
            Some(Problem { since: Some(*since), ..problem })
        }
        Freshness::Live | Freshness::Loading | Freshness::Absent => None,
    }
}

fn unreadable(kind: Kind, name: &str, why: &str) -> Problem {
    let subject = format!("{} {name}", kind.spec().kind);
    let next = format!("look at it with kubectl get {} {name} -o yaml; it is left out here", kind.spec().plural);
    notice(format!("unreadable/{}/{name}", kind.spec().plural), Level::Unknown, &subject, "Unreadable", why, next)
}

fn operation(operation: &OperationView) -> Option<Problem> {
    let state = operation.state;
    let level = operation.level();
    if !level.problem() {
        return None;
    }
    let id = &operation.id;
    let by_hand = operation.unclosed.iter().find_map(|unclosed| unclosed.by_hand.as_deref());
    let next = match state {
        OperationState::Done | OperationState::Failed if by_hand.is_some() => {
            format!("release it by hand: {}", by_hand.unwrap_or_default())
        }
        OperationState::Interrupted | OperationState::OutcomeUnknown if operation.elsewhere.is_some() => {
            let who = operation.elsewhere.as_deref().unwrap_or_default();
            format!("its journal is where it ran: look there, or ask {who}")
        }
        OperationState::Interrupted if operation.can_resume => {
            format!("resume it from its actions, or with `holdfast operations resume {id}`")
        }
        OperationState::Interrupted => "it is run by another console; look there".to_owned(),
        OperationState::OutcomeUnknown => format!("look again: `holdfast operations resume {id}` observes first"),
        OperationState::Running | OperationState::Stopping | OperationState::Done | OperationState::Failed => {
            "open it to see which step failed and why; then plan again".to_owned()
        }
    };
    let resumable =
        operation.can_resume && matches!(state, OperationState::Interrupted | OperationState::OutcomeUnknown);
    let unclosed = operation.unclosed.first().map(|unclosed| format!("not seen released: {}", unclosed.what).into());
    let waits = || operation.waits.as_ref().map(|wait| format!("waits for {}", wait.what).into());
    Some(Problem {
        key: Key::Operation(id.clone()),
        level,
        title: format!("Operation {}", operation.title).into(),
        object: None,
        state: state.word(),
        reason: unclosed
            .or_else(|| operation.message.as_deref().map(Arc::from))
            .or_else(waits)
            .unwrap_or_else(|| "it did not reach its end".into()),
        next: next.into(),
        since: operation.ended.or(operation.started),
        weight: 0,
        remedy: resumable.then_some(Remedy::Resume),
    })
}

/// A topic that nobody looked at in time.
fn overdue(judged: Judgement<Reviewed>) -> Option<Problem> {
    let reviewed = judged.value;
    let reason = judged.reasons.into_iter().next().filter(|_| reviewed.state == ReviewState::Overdue)?;
    let id = format!("review/{}", reviewed.topic);
    let subject = format!("Review of {}", reviewed.topic);
    let next = reason.next.unwrap_or_default();
    let problem = notice(id, Level::Warn, &subject, reviewed.state.word(), &reason.text, next);
    Some(Problem { since: reviewed.due, ..problem })
}

/// A former volume that nobody let go when its time was over.
fn overstayed(volume: &Pv, now: Timestamp) -> Option<Problem> {
    let kept = former(volume).filter(|kept| kept.over(now))?;
    let (namespace, claim, name) = (&kept.claim.namespace, &kept.claim.name, &volume.meta.name);
    let next = format!(
        "holdfast sweep -n {namespace} --former deletes it and its data; holdfast restore-in-place {namespace}/{claim} \
         --from-volume {name} brings them back"
    );
    Some(Problem {
        key: Key::Object(Kind::Pv, volume.meta.uid()),
        level: Level::Warn,
        title: Box::default(),
        object: Some(volume.meta.reference(Kind::Pv)),
        state: "Kept",
        reason: format!("{}: that is over", kept.said()).into(),
        next: next.into(),
        since: kept.until,
        weight: 0,
        remedy: None,
    })
}

fn of_row(row: &Row) -> Problem {
    Problem {
        key: row.key.clone(),
        level: row.level,
        title: Box::default(),
        object: Some(row.object.clone()),
        state: row.state,
        reason: row.reasons.first().cloned().unwrap_or_else(|| "no reason is known".into()),
        next: row.next.clone().unwrap_or_else(|| "open it for what is known".into()),
        since: None,
        weight: 0,
        remedy: row.remedy,
    }
}
