//! The timeline of a run: what happened, step by step and moment by moment, for people who were not there.
//!
//! Pure: made of the book and of the entries of the run's record, and of nothing else, so that whoever has the record
//! gets the same. As Markdown for people and as JSON ([`FORMAT`], [`VERSION`]) for machines. What was written by others is
//! made safe here; a page that shows the Markdown runs nothing of it.

mod json;
mod markdown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::book::{Book, Task};
use super::history::{Agreed, Body, End, Ran, Run, StepAt};
use super::words::Values;

/// What the JSON says it is.
pub const FORMAT: &str = "holdfast-runbook-timeline";
/// Its version: it is counted up when a member is taken away or means something else.
pub const VERSION: u32 = 1;

/// The timeline of a run.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    book: Option<&'a Book>,
    entries: &'a [(Timestamp, Body)],
    run: Run,
    machine: &'a str,
    begun_with: &'a Values,
    steps: Vec<Told<'a>>,
    head: Option<&'a str>,
}

/// What happened in one step.
#[derive(Clone, Debug)]
struct Told<'a> {
    at: StepAt,
    state: &'static str,
    /// What was seen, or why it is as it is.
    said: &'a str,
    began: Timestamp,
    last: Timestamp,
    who: BTreeSet<&'a str>,
    failures: Vec<(Timestamp, &'a str)>,
    operations: Vec<Operated<'a>>,
    approval: Option<(&'a str, &'a Agreed)>,
    skipped: Option<(&'a str, &'a str)>,
    gave: BTreeMap<&'a str, &'a str>,
}

/// One operation of a step.
#[derive(Clone, Debug)]
struct Operated<'a> {
    id: &'a str,
    title: &'a str,
    plan: &'a str,
    who: &'a str,
    confirmed: Timestamp,
    ended: Option<Timestamp>,
    outcome: &'a str,
    audit_ids: &'a [String],
    journal: &'a str,
    down: Option<u64>,
}

impl<'a> Timeline<'a> {
    /// Of the entries of a run; `None` when they do not begin with its beginning. Without the book, which a later version
    /// may not read any more, steps are told by their ids.
    pub fn of(book: Option<&'a Book>, entries: &'a [(Timestamp, Body)]) -> Option<Self> {
        let run = Run::of(entries.iter().map(|(at, body)| (*at, body)))?;
        let Some((_, Body::Begun { machine, values, .. })) = entries.first() else { return None };
        let mut steps: Vec<Told<'a>> = Vec::new();
        for (when, body) in entries {
            let Some(at) = step_of(body) else { continue };
            let place = steps.iter().position(|step| step.at == *at).unwrap_or_else(|| {
                steps.push(Told::new(at, *when));
                steps.len() - 1
            });
            steps[place].take(*when, body);
        }
        Some(Self { book, entries, run, machine, begun_with: values, steps, head: None })
    }

    /// With the hash of the last entry of the run's record, by which a copy of it can be checked.
    #[must_use]
    pub fn sealed(self, head: &'a str) -> Self {
        Self { head: Some(head), ..self }
    }

    /// When it ended; `None` while it has not.
    fn ended(&self) -> Option<Timestamp> {
        self.run.end.is_some().then_some(self.run.last)
    }

    /// From its beginning to its end, or to what happened last.
    fn total(&self) -> SignedDuration {
        self.run.last.duration_since(self.run.begun)
    }

    /// How long operations held or stopped the application, all together; `None` where none said so.
    fn down(&self) -> Option<u64> {
        let all: Vec<u64> = self.operations().filter_map(|(_, operation)| operation.down).collect();
        (!all.is_empty()).then(|| all.iter().sum())
    }

    fn operations(&self) -> impl Iterator<Item = (&Told<'a>, &Operated<'a>)> {
        self.steps.iter().flat_map(|step| step.operations.iter().map(move |operation| (step, operation)))
    }

    /// Everybody who did something, by name.
    fn people(&self) -> BTreeSet<&'a str> {
        self.entries.iter().filter_map(|(_, body)| actor(body)).collect()
    }

    /// What the book calls a step, with the values that the step saw.
    fn title(&self, at: &StepAt) -> Option<String> {
        let book = self.book?;
        let named = book.steps.iter().find_map(|around| match &around.task {
            Task::Each(each) if each.steps.iter().any(|step| step.id == at.step) => Some(each.named.as_str()),
            _ => None,
        });
        let step = book.step(&at.step)?;
        Some(step.title.so_far(&self.run.values_at(at, named)))
    }

    /// Steps of the book that nothing happened in.
    fn unreached(&self) -> Vec<&'a str> {
        let reached: BTreeSet<&str> = self.steps.iter().map(|step| step.at.step.as_str()).collect();
        let all = self.book.map(Book::all).unwrap_or_default();
        all.into_iter().map(|step| step.id.as_str()).filter(|id| !reached.contains(id)).collect()
    }

    /// What the end is called.
    fn outcome(&self) -> &'static str {
        match self.run.end {
            Some(End::Done) => "done",
            Some(End::Stopped { .. }) => "stopped",
            None => "open",
        }
    }
}

impl<'a> Told<'a> {
    fn new(at: &StepAt, when: Timestamp) -> Self {
        Self {
            at: at.clone(),
            state: "open",
            said: "",
            began: when,
            last: when,
            who: BTreeSet::new(),
            failures: Vec::new(),
            operations: Vec::new(),
            approval: None,
            skipped: None,
            gave: BTreeMap::new(),
        }
    }

    fn take(&mut self, when: Timestamp, body: &'a Body) {
        self.last = when;
        self.who.extend(actor(body));
        match body {
            Body::Done { seen, values, .. } => {
                (self.state, self.said) = ("done", seen);
                self.give(values);
            }
            Body::NotForNow { seen, .. } => (self.state, self.said) = ("not for now", seen),
            Body::Failed { why, ran, .. } => {
                (self.state, self.said) = ("failed", why);
                self.failures.push((when, why));
                self.broke(when, why, ran.as_ref());
            }
            Body::Skipped { reason, who, .. } => {
                (self.state, self.said) = ("skipped", reason);
                self.skipped = Some((who, reason));
            }
            Body::Approved { who, agreed, .. } => {
                (self.state, self.said) = ("done", "");
                self.approval = Some((who, agreed));
            }
            Body::Planned { .. } => self.planned(when, body),
            Body::Operated { .. } => self.operated(when, body),
            Body::Again { .. } | Body::Reached { .. } => (self.state, self.said) = ("open", ""),
            _ => {}
        }
    }

    fn give(&mut self, values: &'a Values) {
        self.gave.extend(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }

    fn planned(&mut self, when: Timestamp, body: &'a Body) {
        let Body::Planned { operation, title, digest, who, .. } = body else { return };
        self.operations.push(Operated {
            id: operation.as_str(),
            title,
            plan: digest,
            who,
            confirmed: when,
            ended: None,
            outcome: "not known to have ended",
            audit_ids: &[],
            journal: "",
            down: None,
        });
    }

    /// The end of an operation that did not end well. A step begins no operation before the last one has ended, so a
    /// failure is the end of the one that is open, also where nothing else is known of it.
    fn broke(&mut self, when: Timestamp, why: &'a str, ran: Option<&'a Ran>) {
        let open = self.operations.iter_mut().rev().find(|known| known.ended.is_none());
        let Some(open) = open else { return };
        (open.ended, open.outcome) = (Some(when), why);
        if let Some(ran) = ran.filter(|ran| ran.operation.as_str() == open.id) {
            (open.audit_ids, open.journal, open.down) = (&ran.audit_ids, &ran.head, ran.down);
        }
    }

    fn operated(&mut self, when: Timestamp, body: &'a Body) {
        let Body::Operated { operation, ended, audit_ids, head, down, values, more, .. } = body else { return };
        (self.state, self.said) = (if *more { "open" } else { "done" }, ended);
        self.give(values);
        if let Some(known) = self.operations.iter_mut().find(|known| known.id == operation.as_str()) {
            known.ended = Some(when);
            known.outcome = ended;
            known.audit_ids = audit_ids;
            known.journal = head;
            known.down = *down;
        }
    }
}

/// The step that an entry belongs to.
const fn step_of(body: &Body) -> Option<&StepAt> {
    match body {
        Body::Reached { at }
        | Body::Rows { at, .. }
        | Body::Done { at, .. }
        | Body::NotForNow { at, .. }
        | Body::Planned { at, .. }
        | Body::Operated { at, .. }
        | Body::Failed { at, .. }
        | Body::Skipped { at, .. }
        | Body::Again { at, .. }
        | Body::Answered { at, .. }
        | Body::Approved { at, .. } => Some(at),
        Body::Begun { .. } | Body::Resumed { .. } | Body::Noted { .. } | Body::Closed { .. } => None,
    }
}

/// Who did what an entry says; `None` of what nobody had to do.
fn actor(body: &Body) -> Option<&str> {
    match body {
        Body::Begun { who, .. }
        | Body::Resumed { who, .. }
        | Body::Planned { who, .. }
        | Body::Skipped { who, .. }
        | Body::Again { who, .. }
        | Body::Noted { who, .. }
        | Body::Answered { who, .. }
        | Body::Approved { who, .. }
        | Body::Closed { end: End::Stopped { who, .. } } => Some(who),
        Body::Done { who, .. } => who.as_deref(),
        _ => None,
    }
}
