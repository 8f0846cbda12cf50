//! What happened to an operation, as a chain of entries that shows when one was changed or taken away.
//!
//! Pure: entries in, [`Run`] out. Writing them to disk is the store's, deciding what comes next the plan's.

mod chain;
pub mod export;
mod index;
mod rotation;
mod verify;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plan::{Authority, End, Node, OperationId, Outputs, Plan, Progress, Step, StepId, StepState};
use crate::text;

pub use chain::{Anchor, Entry, Fault, Line, Lost, Said, Wrong, faults, genesis};
pub use index::{Asked, Note};
pub use rotation::{may_go, taken_back};
pub use verify::{Evidence, Finding, Remembered, Shelved, against, verify as check};

/// Version of the written form.
pub const VERSION: u32 = 1;

/// What has a journal of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Book {
    /// What it is.
    pub kind: BookKind,
    /// Its id, which is its file's name.
    pub id: String,
}

/// Kinds of what has a journal of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BookKind {
    /// One run of a confirmed plan.
    Operation,
    /// One run of a runbook.
    Run,
}

impl BookKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Operation, Self::Run];

    /// The word for one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Run => "run",
        }
    }

    /// The folder of their journals.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Operation => "operations",
            Self::Run => "runs",
        }
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), text::sanitize(&self.id))
    }
}

/// What is said in a journal of its own, whose opening and closing go into the index.
pub trait Story: Said {
    /// What such a journal is kept of.
    const KIND: BookKind;

    /// Whether this opens or closes it.
    fn turn(&self) -> Option<Turn>;
}

/// What goes into the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It began.
    Opens,
    /// It ended.
    Closes,
}

/// A write that keeps the books of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The object.
    pub object: String,
    /// The `Audit-Id` of the request, to find its line in the cluster's audit log.
    pub audit_id: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
pub enum Body {
    /// The operation began.
    Opened {
        /// What it does.
        plan: Box<Plan>,
        /// The plan's digest, as confirmed.
        digest: String,
        /// On whose word.
        authority: Authority,
    },
    /// A step is about to act.
    Intent {
        /// The step.
        step: StepId,
        /// What the object was before, where the step changes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// The server answered a write.
    Answered {
        /// The step.
        step: StepId,
        /// The `Audit-Id` of the request, to find its line in the cluster's audit log.
        audit_id: Option<String>,
    },
    /// The answer to a write was lost; only observing can tell.
    OutcomeUnknown {
        /// The step.
        step: StepId,
        /// What was seen instead of an answer.
        why: String,
    },
    /// A step was seen to be done.
    Done {
        /// The step.
        step: StepId,
        /// What it made.
        outputs: Outputs,
    },
    /// A step failed.
    Failed {
        /// The step.
        step: StepId,
        /// Why.
        why: String,
    },
    /// Somebody asked the operation to stop after the current step.
    StopAsked {
        /// Who.
        who: String,
    },
    /// The operation goes on after an interruption.
    Resumed {
        /// On whose word.
        authority: Authority,
        /// The epoch from here on; a console with an older one stops.
        epoch: u64,
    },
    /// The operation ended.
    Closed {
        /// How.
        end: End,
    },
}

/// What the entries of one operation add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What it does.
    pub plan: Plan,
    /// On whose word it began.
    pub authority: Authority,
    /// How far it is.
    pub progress: Progress,
    /// Present epoch; 1 for an operation that was never resumed.
    pub epoch: u64,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// When each step in flight began to count against its deadline.
    pub since: std::collections::BTreeMap<StepId, Timestamp>,
    /// How each step that began went in time.
    pub timings: std::collections::BTreeMap<StepId, Timing>,
    /// Steps whose write got no answer.
    pub unanswered: std::collections::BTreeSet<StepId>,
    /// `Audit-Id`s by step.
    pub audit_ids: Vec<(StepId, String)>,
    /// Hash of the newest entry.
    pub head: String,
    /// How many entries there are.
    pub length: u64,
}

/// How one step went in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When it began first, whatever interrupted it later.
    pub began: Timestamp,
    /// When it was seen done or failed.
    pub ended: Option<Timestamp>,
    /// How often its write was sent.
    pub sent: u32,
}

/// What is wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No entry at all.
    #[error("the journal is empty")]
    Empty,
    /// The first entry does not open an operation.
    #[error("the journal does not begin with the opening of an operation")]
    NotOpened,
    /// A later version wrote it.
    #[error("entry {seq} was written by a newer version ({version}); this one reads {VERSION}")]
    Newer {
        /// Which entry.
        seq: u64,
        /// Its version.
        version: u32,
    },
    /// The chain is broken.
    #[error("{0}")]
    Broken(Fault),
    /// The plan is not the one that was confirmed.
    #[error("the plan is not the one that was confirmed: its digest differs")]
    Digest,
}

impl Said for Body {}

impl Story for Body {
    const KIND: BookKind = BookKind::Operation;

    fn turn(&self) -> Option<Turn> {
        match self {
            Self::Opened { .. } => Some(Turn::Opens),
            Self::Closed { .. } => Some(Turn::Closes),
            _ => None,
        }
    }
}

/// Checks the chain and adds it up.
///
/// # Errors
/// When the chain is broken, empty, newer than this version, or not for the confirmed plan.
pub fn fold(entries: &[Entry]) -> Result<Run, JournalError> {
    let first = entries.first().ok_or(JournalError::Empty)?;
    verify(entries)?;
    let Body::Opened { plan, digest, authority } = &first.body else { return Err(JournalError::NotOpened) };
    if plan.digest() != *digest {
        return Err(JournalError::Digest);
    }
    let mut run = Run {
        plan: (**plan).clone(),
        authority: authority.clone(),
        progress: Progress::default(),
        epoch: 1,
        opened: first.at,
        closed: None,
        since: [].into(),
        timings: [].into(),
        unanswered: [].into(),
        audit_ids: Vec::new(),
        head: first.hash.clone(),
        length: 0,
    };
    for entry in entries {
        run.take(entry);
    }
    Ok(run)
}

/// Refuses a chain with a fault: the first of them.
fn verify(entries: &[Entry]) -> Result<(), JournalError> {
    let mut prev: Option<&Entry> = None;
    for entry in entries {
        if entry.v > VERSION {
            return Err(JournalError::Newer { seq: entry.seq, version: entry.v });
        }
        let follows = match prev {
            None => entry.seq == 0 && entry.prev == genesis(),
            Some(prev) => entry.seq == prev.seq + 1 && entry.prev == prev.hash,
        };
        if !follows || entry.hash != entry.digest() {
            return Err(broken(entries));
        }
        prev = Some(entry);
    }
    Ok(())
}

fn broken(entries: &[Entry]) -> JournalError {
    let lines: Vec<_> =
        entries.iter().enumerate().map(|(at, entry)| Line { number: at + 1, entry: Ok(entry.clone()) }).collect();
    faults(&lines).into_iter().next().map_or(JournalError::NotOpened, JournalError::Broken)
}

impl Run {
    /// Adds one entry that is known to follow.
    pub fn take(&mut self, entry: &Entry) {
        self.head.clone_from(&entry.hash);
        self.length = entry.seq + 1;
        self.time(entry);
        let mut set = |step: &StepId, state| self.progress.steps.insert(step.clone(), state);
        match &entry.body {
            Body::Opened { .. } => {}
            Body::Intent { step, .. } => {
                set(step, StepState::Intended);
                self.since.insert(step.clone(), entry.at);
            }
            Body::Answered { step, audit_id } => {
                self.unanswered.remove(step);
                self.audit_ids.extend(audit_id.iter().map(|id| (step.clone(), id.clone())));
            }
            Body::OutcomeUnknown { step, .. } => {
                self.unanswered.insert(step.clone());
            }
            Body::Done { step, outputs } => {
                set(step, StepState::Done(outputs.clone()));
                self.unanswered.remove(step);
            }
            Body::Failed { step, why } => {
                if *self.progress.state(step) == StepState::Waiting {
                    self.progress.never_began.insert(step.clone());
                }
                self.progress.first_failure.get_or_insert_with(|| step.clone());
                self.progress.steps.insert(step.clone(), StepState::Failed(why.clone()));
                self.unanswered.remove(step);
            }
            Body::StopAsked { .. } => self.progress.stop_asked = true,
            Body::Resumed { epoch, .. } => {
                self.epoch = *epoch;
                self.progress.stop_asked = false;
                // What was in flight gets its whole deadline again: the time nobody watched does not count.
                self.since.values_mut().for_each(|since| *since = entry.at);
            }
            Body::Closed { end } => {
                self.progress.end = Some(end.clone());
                self.closed = Some(entry.at);
            }
        }
    }

    fn time(&mut self, entry: &Entry) {
        let (Body::Intent { step, .. }
        | Body::Answered { step, .. }
        | Body::OutcomeUnknown { step, .. }
        | Body::Done { step, .. }
        | Body::Failed { step, .. }) = &entry.body
        else {
            return;
        };
        let new = Timing { began: entry.at, ended: None, sent: 0 };
        let timing = self.timings.entry(step.clone()).or_insert(new);
        match &entry.body {
            Body::Answered { .. } | Body::OutcomeUnknown { .. } => timing.sent += 1,
            Body::Done { .. } | Body::Failed { .. } => timing.ended = Some(entry.at),
            _ => {}
        }
    }

    /// How long hooks held an application: from the moment the first began to that at which all were released, so at
    /// least as long as it stood still. `None` when nothing was held, or is not seen released.
    pub fn held(&self) -> Option<SignedDuration> {
        let span = |(open, _, close): (&Step, &[Node], &Step)| {
            let StepState::Done(_) = self.progress.state(&close.id) else { return None };
            let began = self.timings.get(&open.id)?.began;
            Some(self.timings.get(&close.id)?.ended?.duration_since(began))
        };
        self.plan.brackets().into_iter().filter(|(open, ..)| open.act.holds()).filter_map(span).max()
    }

    /// How long an application did not run: from the first step that stops it to the last that sees it ready again. `None`
    /// when the plan stops none, or it is not seen ready.
    pub fn down(&self) -> Option<SignedDuration> {
        let of = |prefix: &str| {
            let steps = self.plan.steps().into_iter().filter(move |step| step.id.0.starts_with(prefix));
            steps.filter_map(|step| self.timings.get(&step.id)).collect::<Vec<_>>()
        };
        let began = of("stop-").into_iter().map(|timing| timing.began).min()?;
        let ready = of("ready-").into_iter().map(|timing| timing.ended).max()??;
        Some(ready.duration_since(began))
    }

    /// Since when hooks hold an application now, and until when at the latest. `None` when they hold none.
    pub fn holds(&self) -> Option<(Timestamp, Timestamp)> {
        let open = self.progress.open_brackets(&self.plan).into_iter().filter(|(open, ..)| open.act.holds());
        let spans = open.filter_map(|(open, limit, _)| {
            let since = self.since.get(&open.id)?;
            Some((*since, since.checked_add(limit).ok()?))
        });
        spans.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
    }

    /// The operation's id.
    pub fn id(&self) -> &OperationId {
        &self.plan.id
    }
}

#[cfg(test)]
mod tests;
