//! Operations of a run's steps: what became of them is what becomes of the step.

use super::{Session, Tracked};
use crate::engine::Colleague;
use crate::journal;
use crate::plan::{End, OperationId};
use crate::runbook::history::{Body, Ran, RunId, StepAt};
use crate::runbook::turn::by_phases;
use crate::runbook::words::Values;
use crate::session::operations::made_at;

/// How an operation of a run stands.
enum Stands {
    /// It goes on, here or elsewhere.
    GoesOn,
    /// It was interrupted and can go on here.
    Interrupted,
    /// It ended well.
    Done(Box<Body>),
    /// It ended otherwise, or never began; and what its journal tells of it, where that is here.
    Failed(String, Option<Ran>),
}

impl Session {
    /// Writes down what became of an operation, and goes on with one that was interrupted.
    pub(super) fn follow_operation(&mut self, id: &RunId, at: &StepAt, operation: &OperationId) {
        if self.run(operation).is_none() && !self.running(operation) {
            self.load_operation_of_run(operation);
        }
        let stands = self.stands(id, at, operation);
        match stands {
            Stands::GoesOn => {}
            Stands::Interrupted => self.resume_once(id, operation),
            Stands::Done(body) => self.note(id, *body),
            Stands::Failed(why, ran) => self.note(id, Body::Failed { at: at.clone(), why, ran }),
        }
    }

    fn resume_once(&mut self, id: &RunId, operation: &OperationId) {
        let again = self.runs.tracked.get(id).is_none_or(|tracked| tracked.resumed.as_ref() == Some(operation));
        if again {
            return;
        }
        let resumed = self.resume(operation);
        if let Some(tracked) = self.runs.tracked.get_mut(id) {
            tracked.resumed = Some(operation.clone());
            tracked.trouble = resumed.err().map(|refusal| refusal.to_string());
        }
    }

    fn stands(&self, id: &RunId, at: &StepAt, operation: &OperationId) -> Stands {
        let tracked = self.runs.tracked.get(id);
        if let Some(run) = self.run(operation) {
            return match &run.progress.end {
                _ if self.running(operation) => Stands::GoesOn,
                Some(End::Done) => Stands::Done(Box::new(operated(run, at, tracked))),
                Some(End::Failed { at: step, why }) => {
                    Stands::Failed(format!("operation {operation} failed at {step}: {why}"), Some(ran(run)))
                }
                Some(End::Stopped) => Stands::Failed(format!("operation {operation} was stopped"), Some(ran(run))),
                None if self.held_elsewhere(operation) => Stands::GoesOn,
                None => Stands::Interrupted,
            };
        }
        if self.running(operation) {
            return Stands::GoesOn;
        }
        self.elsewhere(at, operation)
    }

    /// How one stands whose journal is not here: by its record in the cluster.
    fn elsewhere(&self, at: &StepAt, operation: &OperationId) -> Stands {
        let Some(Ok(found)) = self.colleagues() else { return Stands::GoesOn };
        match found.iter().find(|colleague| colleague.id == *operation) {
            None => Stands::Failed(
                format!("operation {operation} never began: neither a journal nor a record of it is there"),
                None,
            ),
            Some(colleague) => by_record(colleague, at),
        }
    }
}

fn by_record(colleague: &Colleague, at: &StepAt) -> Stands {
    let operation = colleague.id.clone();
    match colleague.state.as_str() {
        "done" => Stands::Done(Box::new(Body::Operated {
            values: named(at, [("operation", operation.to_string())]),
            at: at.clone(),
            ended: format!("done, as its record in the cluster says; its journal is on {}", colleague.machine),
            operation,
            audit_ids: Vec::new(),
            head: String::new(),
            down: None,
            more: false,
        })),
        "failed" | "stopped" => Stands::Failed(format!("operation {operation} ended as {}", colleague.state), None),
        // Whoever has its journal goes on with it there.
        _ => Stands::GoesOn,
    }
}

/// What became of an operation that ended well.
fn operated(run: &journal::Run, at: &StepAt, tracked: Option<&Tracked>) -> Body {
    let mut values = named(at, [("operation", run.id().to_string())]);
    if let Some((made, _)) = made_at(run) {
        values.extend(named(at, [("made", made.path())]));
    }
    let took = run.closed.map(|closed| crate::text::quantity::moment(closed.duration_since(run.opened)));
    let Ran { operation, audit_ids, head, down } = ran(run);
    Body::Operated {
        at: at.clone(),
        operation,
        ended: format!("done in {}", took.unwrap_or_default()),
        audit_ids,
        head,
        down,
        values,
        more: tracked.and_then(Tracked::verb).is_some_and(by_phases),
    }
}

/// What the journal of an operation tells to whoever reads the run alone.
fn ran(run: &journal::Run) -> Ran {
    Ran {
        operation: run.id().clone(),
        audit_ids: run.audit_ids.iter().map(|(_, id)| id.clone()).collect(),
        head: run.head.clone(),
        down: run.down().or_else(|| run.held()).and_then(|span| u64::try_from(span.as_secs()).ok()),
    }
}

/// Values that a step gives, by its own name.
fn named<const N: usize>(at: &StepAt, values: [(&str, String); N]) -> Values {
    values.into_iter().map(|(part, value)| (format!("{}.{part}", at.step), value)).collect()
}
