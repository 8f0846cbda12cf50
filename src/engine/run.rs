//! One operation being run, from opening or resuming to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use super::close::Attempts;
use super::held::Held;
use super::locks::{self, LOCK_STEP, LockError, Locks};
use super::observe::{Heard, Told};
use super::perform::Performed;
use super::record::{Record, RecordError};
use super::{Engine, EngineError, POLL, Report};
use crate::journal::{self, Body};
use crate::plan::{
    Act, Authority, Confirmed, End, Next, OperationId, Outputs, Seen, Step, StepId, StepState, resolve, unseen,
};
use crate::store::{OperationLog, now};

pub(super) struct Run {
    pub(super) engine: Engine,
    log: OperationLog,
    pub(super) state: journal::Run,
    pub(super) record: Record,
    pub(super) locks: Locks,
    /// Why nothing may be done any more but what is owed: another operation works on the same data.
    pub(super) lost: Option<String>,
    reports: mpsc::Sender<Report>,
    /// How many entries of the log were reported.
    reported: usize,
    stopped: watch::Receiver<Option<String>>,
    told: Told,
    heard: Heard,
    /// Sessions in containers.
    pub(super) held: Held,
    /// What certainly was not started although it was intended.
    unsent: BTreeSet<StepId>,
    /// Closing steps that failed and are tried again.
    pub(super) attempts: BTreeMap<StepId, Attempts>,
    /// What steps waited for when they were last looked at.
    pub(super) waited: BTreeMap<StepId, String>,
}

/// What beginning or resuming comes to.
pub(super) enum Ready {
    /// The operation goes on.
    Goes(Box<Run>),
    /// It has ended.
    Ended(End),
}

/// Runs to the end what is ready to go on.
pub(super) async fn over(ready: Result<Ready, EngineError>) -> Result<End, EngineError> {
    match ready? {
        Ready::Goes(mut run) => run.drive().await,
        Ready::Ended(end) => Ok(end),
    }
}

impl Run {
    pub(super) async fn begin(
        engine: Engine,
        confirmed: Confirmed,
        reports: mpsc::Sender<Report>,
        stopped: watch::Receiver<Option<String>>,
    ) -> Result<Ready, EngineError> {
        let plan = confirmed.plan().clone();
        let mut log = engine.store.begin(&plan.id)?;
        let digest = plan.digest();
        let authority = confirmed.authority().clone();
        log.append(now(), Body::Opened { plan: Box::new(plan.clone()), digest, authority }, Vec::new())?;
        let state = log.run()?;
        let mut begun = Self::new(engine, log, state, reports, stopped);
        begun.report(Report::Began(Box::new(plan), begun.log.entries().to_vec())).await;
        begun.keep_bundle()?;
        match Locks::take(&begun.engine, &begun.state, &begun.reports).await {
            Ok(locks) => begun.locks = locks,
            Err(held @ LockError::Held(_)) => {
                // Nothing was done and there is nothing to resume.
                let end = End::Failed { at: StepId(LOCK_STEP.into()), why: held.to_string() };
                begun.append(Body::Closed { end: end.clone() }).await?;
                return Ok(Ready::Ended(end));
            }
            Err(error) => return Err(error.into()),
        }
        begun.record.put(&begun.engine, &begun.state, None).await?;
        Ok(Ready::Goes(Box::new(begun)))
    }

    pub(super) async fn resume(
        engine: Engine,
        id: OperationId,
        authority: Authority,
        reports: mpsc::Sender<Report>,
        stopped: watch::Receiver<Option<String>>,
    ) -> Result<Ready, EngineError> {
        let log = engine.store.hold(&id)?;
        let state = log.run()?;
        let plan = Box::new(state.plan.clone());
        let mut resumed = Self::new(engine, log, state, reports, stopped);
        resumed.report(Report::Began(plan, resumed.log.entries().to_vec())).await;
        let adopted = resumed.record.adopt(&resumed.engine, &resumed.state, resumed.log.entries()).await?;
        if let Some(end) = resumed.state.progress.end.clone() {
            locks::give_back_left(&resumed.engine, &resumed.state).await;
            resumed.record.put(&resumed.engine, &resumed.state, None).await?;
            return Ok(Ready::Ended(end));
        }
        resumed.keep_bundle()?;
        match adopted.lineage_taken {
            // The plan is about a state that another operation has changed since.
            Some(taken) => resumed.lost = Some(taken.to_string()),
            None => resumed.locks = Locks::take(&resumed.engine, &resumed.state, &resumed.reports).await?,
        }
        resumed.append(Body::Resumed { authority, epoch: adopted.epoch }).await?;
        resumed.record.put(&resumed.engine, &resumed.state, None).await?;
        resumed.give_up_what_was_interrupted().await?;
        Ok(Ready::Goes(Box::new(resumed)))
    }

    /// Keeps what the plan brings along, also after an interruption before that.
    fn keep_bundle(&self) -> Result<(), EngineError> {
        match &self.state.plan.bundle {
            Some(bundle) => Ok(self.engine.store.keep(self.state.id(), &bundle.text)?),
            None => Ok(()),
        }
    }

    fn new(
        engine: Engine,
        log: OperationLog,
        state: journal::Run,
        reports: mpsc::Sender<Report>,
        stopped: watch::Receiver<Option<String>>,
    ) -> Self {
        let reported = log.entries().len();
        let (record, held, locks) = (Record::default(), Held::default(), Locks::default());
        let (unsent, attempts, waited) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let (lost, told, heard) = (None, Told::default(), Heard::default());
        Self {
            engine,
            log,
            state,
            record,
            locks,
            lost,
            reports,
            reported,
            stopped,
            told,
            heard,
            held,
            unsent,
            attempts,
            waited,
        }
    }

    /// Runs to the end. If the journal or the record fails on the way, what is owed still runs.
    pub(super) async fn drive(&mut self) -> Result<End, EngineError> {
        loop {
            return match self.drive_journalled().await {
                // Whoever took the operation over owes it now.
                Err(EngineError::Record(taken @ RecordError::TakenOver(_))) => Err(taken.into()),
                // Who took the data over knows nothing of what this one owes.
                Err(EngineError::Record(taken @ RecordError::LineageTaken { .. })) if self.lost.is_none() => {
                    self.lost = Some(taken.to_string());
                    continue;
                }
                Err(error) => Err(self.settle_debts(error).await),
                Ok(end) => Ok(end),
            };
        }
    }

    async fn drive_journalled(&mut self) -> Result<End, EngineError> {
        loop {
            self.note_stop().await?;
            self.enforce_limits().await?;
            let plan = self.state.plan.clone();
            match self.state.progress.next(&plan) {
                Next::Finish(end) => return self.close(end).await,
                Next::Steps(steps) => {
                    let mut moved = false;
                    for step in steps {
                        moved |= match self.time_left(step) {
                            None => self.advance(step).await?,
                            // Cut off, it is what its journal says; the limit is enforced next.
                            Some(left) => tokio::time::timeout(left, self.advance(step)).await.unwrap_or(Ok(true))?,
                        };
                        // What runs beside it is not begun any more.
                        if matches!(self.state.progress.state(&step.id), StepState::Failed(_)) {
                            break;
                        }
                    }
                    if !moved {
                        self.pause().await;
                    }
                }
            }
        }
    }

    /// Waits a moment, less when somebody asks to stop.
    async fn pause(&mut self) {
        let asked_before = self.state.progress.stop_asked;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            changed = self.stopped.changed(), if !asked_before => {
                if changed.is_err() {
                    // The handle is gone; nobody can ask any more.
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    async fn note_stop(&mut self) -> Result<(), EngineError> {
        let asked = self.stopped.borrow().clone();
        match asked {
            Some(who) if !self.state.progress.stop_asked => self.append(Body::StopAsked { who }).await,
            _ => Ok(()),
        }
    }

    /// One look at one step. Whether something changed.
    async fn advance(&mut self, step: &Step) -> Result<bool, EngineError> {
        match self.state.progress.state(&step.id) {
            StepState::Waiting => self.intend(step).await,
            StepState::Intended => self.look(step).await,
            StepState::Done(_) | StepState::Failed(_) => Ok(false),
        }
    }

    async fn intend(&mut self, step: &Step) -> Result<bool, EngineError> {
        if let Some(why) = self.forbidden(step) {
            return self.fail(step, why).await;
        }
        if let Some(held_up) = self.held_up(step).await? {
            return Ok(held_up);
        }
        if let Some(moved) = self.stopped_by_lock(step).await? {
            return Ok(moved);
        }
        self.append(Body::Intent { step: step.id.clone(), before: None }).await?;
        // What takes a step back is looked at first: there may be nothing to take back.
        if step.act.writes() && !self.takes_back(step) {
            self.keep_record(step).await?;
            self.write(step).await?;
        }
        Ok(true)
    }

    /// What guards a step does not hold any more. Where it would delete what is gone already, nothing is left to guard.
    async fn unguarded(&mut self, step: &Step, why: String) -> Result<bool, EngineError> {
        if !matches!(step.act, Act::Delete { .. } | Act::Dismiss { .. }) {
            return self.fail(step, why).await;
        }
        match self.observe(step).await {
            Seen::Done(outputs) => self.done(step, outputs).await,
            Seen::Pending(what) => self.wait_unsent(step, what).await,
            Seen::NotDone | Seen::Conflict(_) | Seen::Unknown(_) => self.fail(step, why).await,
        }
    }

    /// Waits with a step that has not begun.
    async fn wait_unsent(&mut self, step: &Step, what: String) -> Result<bool, EngineError> {
        self.state.since.entry(step.id.clone()).or_insert_with(now);
        self.wait(step, what).await
    }

    /// What came of a guard that does not hold, or cannot be told; `None` when the step may act.
    async fn held_up(&mut self, step: &Step) -> Result<Option<bool>, EngineError> {
        match self.engine.broken_guard(&step.guards).await {
            Ok(None) => Ok(None),
            Ok(Some(why)) => self.unguarded(step, why).await.map(Some),
            Err(why) => self.wait_unsent(step, why).await.map(Some),
        }
    }

    pub(super) fn takes_back(&self, step: &Step) -> bool {
        self.state.plan.takes_back(&step.id)
    }

    /// Whether a step is what a stop is for: it closes what was opened, or takes another back.
    fn owed(&self, step: &Step) -> bool {
        self.state.plan.closes(&step.id) || self.takes_back(step)
    }

    pub(super) async fn observe(&self, step: &Step) -> Seen {
        self.engine.observe(step, self.takes_back(step), self.state.id(), &self.state.progress).await
    }

    async fn write(&mut self, step: &Step) -> Result<bool, EngineError> {
        let performed = self.engine.perform(step, self.left(step), &self.state.progress, &mut self.held).await;
        match performed {
            Performed::Taken(audit_id) => self.answered(step, audit_id).await,
            Performed::Ran { audit_id, outputs } => {
                self.answered(step, audit_id).await?;
                self.done(step, outputs).await
            }
            Performed::Failed { why, audit_id } => {
                self.answered(step, audit_id).await?;
                self.refused(step, why).await
            }
            Performed::Refused(why) => self.refused(step, why).await,
            Performed::NotNow(why) => {
                if step.act.holds() {
                    self.unsent.insert(step.id.clone());
                }
                self.wait(step, why).await
            }
            Performed::Unknown(why) => {
                self.append(Body::OutcomeUnknown { step: step.id.clone(), why: why.clone() }).await?;
                match &step.act {
                    Act::Exec { repeat: true, .. } => self.refused(step, format!("outcome unknown: {why}")).await,
                    Act::Exec { .. } | Act::Open { .. } => self.fail(step, format!("outcome unknown: {why}")).await,
                    _ => Ok(true),
                }
            }
        }
    }

    async fn answered(&mut self, step: &Step, audit_id: Option<String>) -> Result<bool, EngineError> {
        self.append(Body::Answered { step: step.id.clone(), audit_id }).await?;
        Ok(true)
    }

    async fn refused(&mut self, step: &Step, why: String) -> Result<bool, EngineError> {
        // An object of this name may be ours from an attempt whose answer was lost.
        match self.observe(step).await {
            Seen::Done(outputs) => self.done(step, outputs).await,
            Seen::Conflict(conflict) if self.state.plan.closes(&step.id) => {
                self.fail(step, format!("{conflict} ({why})")).await
            }
            _ if self.state.plan.closes(&step.id) => self.try_again_later(step, why).await,
            _ => self.fail(step, why).await,
        }
    }

    async fn look(&mut self, step: &Step) -> Result<bool, EngineError> {
        if let Some(why) = self.attempts.get(&step.id).and_then(Attempts::too_early) {
            return self.wait(step, why).await;
        }
        let unsent = self.unsent.remove(&step.id);
        let seen = self.observe(step).await;
        match seen {
            Seen::Done(outputs) => self.done(step, outputs).await,
            Seen::NotDone | Seen::Pending(_) if self.forbidden(step).is_some() => {
                let why = self.forbidden(step).unwrap_or_default();
                self.fail(step, why).await
            }
            Seen::NotDone if self.may_still_arrive(step) => {
                self.wait(step, "the answer was lost; looking whether it took effect".into()).await
            }
            Seen::NotDone if self.overdue(step) => {
                let why = self.attempts.get(&step.id).map_or("it did not take effect", Attempts::why);
                let why = too_late(step, why);
                self.fail(step, why).await
            }
            Seen::NotDone if self.state.progress.stop_asked && !self.owed(step) => {
                self.fail(step, "it had not taken effect when the operation was asked to stop".into()).await
            }
            Seen::Conflict(_) if unsent && !self.overdue(step) => self.send(step).await,
            Seen::NotDone => self.send(step).await,
            Seen::Conflict(why) => self.fail(step, why).await,
            Seen::Pending(what) => {
                let what = self.with_events(step, what).await;
                self.wait(step, what).await
            }
            Seen::Unknown(what) => self.wait(step, what).await,
        }
    }

    /// What is waited for, and what other objects and warning events say meanwhile where the step asks for them.
    async fn with_events(&mut self, step: &Step, what: String) -> String {
        let Act::Wait { target, until } = &step.act else { return what };
        let told = match until.tellers.as_slice() {
            [] => None,
            tellers => self.heard.of(&self.engine, &step.id, tellers).await,
        };
        if let Some(said) = told {
            return format!("{what}; reported meanwhile: {said}");
        }
        let target = resolve(target, &self.state.progress).filter(|_| until.events);
        let Some((at, uid)) = target else { return what };
        match self.told.of(&self.engine, &at, &uid).await {
            Some(said) => format!("{what}; reported meanwhile: {said}"),
            None => what,
        }
    }

    /// Sends what was seen not to have happened, where its guards still hold: the record first, it decides whose
    /// operation this is.
    async fn send(&mut self, step: &Step) -> Result<bool, EngineError> {
        if let Some(moved) = self.stopped_by_lock(step).await? {
            return Ok(moved);
        }
        if let Some(held_up) = self.held_up(step).await? {
            return Ok(held_up);
        }
        self.keep_record(step).await?;
        self.write(step).await
    }

    /// A request whose answer was lost may still arrive; it is not sent again for a while, unless that is harmless.
    fn may_still_arrive(&self, step: &Step) -> bool {
        let since = self.state.since.get(&step.id).copied().unwrap_or_else(now);
        let harmless = matches!(step.act, Act::Exec { repeat: true, .. });
        !harmless && self.state.unanswered.contains(&step.id) && !passed(since, Duration::from_secs(5))
    }

    pub(super) async fn wait(&mut self, step: &Step, what: String) -> Result<bool, EngineError> {
        if self.overdue(step) {
            if step.act.lenient() {
                return self.done(step, unseen(&step.act, &too_late(step, &what))).await;
            }
            return self.fail(step, too_late(step, &what)).await;
        }
        let since = self.state.since.get(&step.id).copied().unwrap_or_else(now);
        let deadline = since.checked_add(step.deadline).unwrap_or(Timestamp::MAX);
        // What is around it may not last as long as it may.
        let around = self.time_left(step).and_then(|left| now().checked_add(left).ok());
        let until = around.map_or(deadline, |around| around.min(deadline));
        self.waited.insert(step.id.clone(), what.clone());
        self.report(Report::Waiting { step: step.id.clone(), what, until }).await;
        Ok(false)
    }

    /// What is left of a step's deadline.
    pub(super) fn left(&self, step: &Step) -> Duration {
        let since = self.state.since.get(&step.id).copied().unwrap_or_else(now);
        let gone = Duration::try_from(now().duration_since(since)).unwrap_or_default();
        step.deadline.saturating_sub(gone)
    }

    pub(super) fn overdue(&self, step: &Step) -> bool {
        self.state.since.get(&step.id).is_some_and(|since| passed(*since, step.deadline))
    }

    pub(super) async fn done(&mut self, step: &Step, outputs: Outputs) -> Result<bool, EngineError> {
        self.append(Body::Done { step: step.id.clone(), outputs }).await?;
        Ok(true)
    }

    /// A step failed. One that takes another back does not: what it leaves undone would be forgotten.
    pub(super) async fn fail(&mut self, step: &Step, why: String) -> Result<bool, EngineError> {
        if self.takes_back(step) {
            return Err(EngineError::WayBack { title: step.title.clone(), why });
        }
        self.append(Body::Failed { step: step.id.clone(), why }).await?;
        Ok(true)
    }

    async fn close(&mut self, end: End) -> Result<End, EngineError> {
        self.append(Body::Closed { end: end.clone() }).await?;
        // The operation has ended whatever the record says; a colleague sees it a little longer as running.
        if let Err(error) = self.record.put(&self.engine, &self.state, None).await {
            tracing::warn!(operation = %self.state.id(), %error, "the record of an ended operation could not be closed");
        }
        self.locks.give_back(&self.engine, self.state.id()).await;
        Ok(end)
    }

    async fn append(&mut self, body: Body) -> Result<(), EngineError> {
        let entry = self.log.append(now(), body, self.engine.books.take())?;
        self.state.take(&entry);
        // What a limit cut off before it was reported is reported with the next.
        while let Some(entry) = self.log.entries().get(self.reported).cloned() {
            self.report(Report::Entry(entry)).await;
            self.reported += 1;
        }
        Ok(())
    }

    async fn report(&self, report: Report) {
        // When nobody listens any more the operation still goes on; the journal has it all.
        let _ = self.reports.send(report).await;
    }
}

fn too_late(step: &Step, what: &str) -> String {
    format!("not done within {}s: {what}", step.deadline.as_secs())
}

pub(super) fn passed(since: Timestamp, limit: Duration) -> bool {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    now().duration_since(since) > limit
}
