//! One operation being run, from opening or resuming to its end.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use super::observe::Told;
use super::perform::Performed;
use super::record::Record;
use super::{Engine, EngineError, POLL, Report};
use crate::journal::{self, Body};
use crate::plan::{Act, Authority, Confirmed, End, Next, OperationId, Outputs, Seen, Step, StepState, resolve};
use crate::store::{OperationLog, now};

pub(super) struct Run {
    engine: Engine,
    log: OperationLog,
    state: journal::Run,
    record: Record,
    reports: mpsc::Sender<Report>,
    stopped: watch::Receiver<Option<String>>,
    told: Told,
}

/// What resuming comes to.
pub(super) enum Resumed {
    /// The operation goes on.
    Goes(Box<Run>),
    /// It had ended; its record is settled.
    Ended(End),
}

impl Run {
    pub(super) async fn begin(
        engine: Engine,
        confirmed: Confirmed,
        reports: mpsc::Sender<Report>,
        stopped: watch::Receiver<Option<String>>,
    ) -> Result<Self, EngineError> {
        let plan = confirmed.plan().clone();
        let mut log = engine.store.begin(&plan.id)?;
        let digest = plan.digest();
        let authority = confirmed.authority().clone();
        log.append(now(), Body::Opened { plan: Box::new(plan.clone()), digest, authority })?;
        let state = log.run()?;
        let mut begun = Self { engine, log, state, record: Record::default(), reports, stopped, told: Told::default() };
        begun.report(Report::Began(Box::new(plan), begun.log.entries().to_vec())).await;
        begun.record.put(&begun.engine, &begun.state, None).await?;
        Ok(begun)
    }

    pub(super) async fn resume(
        engine: Engine,
        id: OperationId,
        authority: Authority,
        reports: mpsc::Sender<Report>,
        stopped: watch::Receiver<Option<String>>,
    ) -> Result<Resumed, EngineError> {
        let log = engine.store.hold(&id)?;
        let state = log.run()?;
        let plan = Box::new(state.plan.clone());
        let mut resumed =
            Self { engine, log, state, record: Record::default(), reports, stopped, told: Told::default() };
        resumed.report(Report::Began(plan, resumed.log.entries().to_vec())).await;
        resumed.record.adopt(&resumed.engine, &resumed.state, resumed.log.entries()).await?;
        if let Some(end) = resumed.state.progress.end.clone() {
            resumed.record.put(&resumed.engine, &resumed.state, None).await?;
            return Ok(Resumed::Ended(end));
        }
        let epoch = resumed.state.epoch + 1;
        resumed.append(Body::Resumed { authority, epoch }).await?;
        resumed.record.put(&resumed.engine, &resumed.state, None).await?;
        Ok(Resumed::Goes(Box::new(resumed)))
    }

    /// Runs to the end. If the journal fails on the way, what is owed still runs.
    pub(super) async fn drive(&mut self) -> Result<End, EngineError> {
        let driven = self.drive_journalled().await;
        if let Err(EngineError::Journal(why)) = &driven {
            self.settle_debts(why).await;
        }
        driven
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
                        moved |= self.advance(step).await?;
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

    /// A bracket that is open for too long fails what runs inside it, so that its close comes next.
    async fn enforce_limits(&mut self) -> Result<(), EngineError> {
        let plan = self.state.plan.clone();
        for (open, limit, body) in self.state.progress.open_brackets(&plan) {
            let Some(since) = self.state.since.get(&open.id).copied() else { continue };
            let in_flight = body.into_iter().find(|step| *self.state.progress.state(&step.id) == StepState::Intended);
            if let (Some(step), true) = (in_flight, passed(since, limit)) {
                let why = format!("{} was open for longer than {}s", open.title, limit.as_secs());
                self.append(Body::Failed { step: step.id.clone(), why }).await?;
            }
        }
        Ok(())
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
        match self.engine.broken_guard(&step.guards).await {
            Ok(None) => {}
            Ok(Some(why)) => return self.fail(step, why).await,
            Err(why) => {
                self.state.since.entry(step.id.clone()).or_insert_with(now);
                return self.wait(step, why).await;
            }
        }
        self.append(Body::Intent { step: step.id.clone(), before: None }).await?;
        if step.act.writes() {
            self.record.put(&self.engine, &self.state, None).await?;
            self.write(step).await?;
        }
        Ok(true)
    }

    async fn write(&mut self, step: &Step) -> Result<bool, EngineError> {
        match self.engine.perform(&step.act, &self.state.progress).await {
            Performed::Taken(audit_id) => {
                self.append(Body::Answered { step: step.id.clone(), audit_id }).await?;
                Ok(true)
            }
            Performed::Refused(why) => {
                // An object of this name may be ours from an attempt whose answer was lost.
                match self.engine.observe(step, self.state.id(), &self.state.progress).await {
                    Seen::Done(outputs) => self.done(step, outputs).await,
                    _ => self.fail(step, why).await,
                }
            }
            Performed::NotNow(why) => self.wait(step, why).await,
            Performed::Unknown(why) => {
                self.append(Body::OutcomeUnknown { step: step.id.clone(), why }).await?;
                Ok(true)
            }
        }
    }

    async fn look(&mut self, step: &Step) -> Result<bool, EngineError> {
        match self.engine.observe(step, self.state.id(), &self.state.progress).await {
            Seen::Done(outputs) => self.done(step, outputs).await,
            Seen::NotDone if self.state.unanswered.contains(&step.id) && self.fresh_doubt(step) => {
                self.wait(step, "the answer was lost; looking whether it took effect".into()).await
            }
            Seen::NotDone if self.overdue(step) => self.fail(step, too_late(step, "it did not take effect")).await,
            Seen::NotDone => {
                // Seen not to have happened, so it may be sent: the record first, it decides whose operation this is.
                self.record.put(&self.engine, &self.state, None).await?;
                self.write(step).await
            }
            Seen::Conflict(why) => self.fail(step, why).await,
            Seen::Pending(what) => {
                let what = self.with_events(step, what).await;
                self.wait(step, what).await
            }
            Seen::Unknown(what) => self.wait(step, what).await,
        }
    }

    /// What is waited for, and what warning events say meanwhile where the step asks for them.
    async fn with_events(&mut self, step: &Step, what: String) -> String {
        let target = match &step.act {
            Act::Wait { target, until } if until.events => resolve(target, &self.state.progress),
            _ => None,
        };
        let Some((at, uid)) = target else { return what };
        match self.told.of(&self.engine, &at, &uid).await {
            Some(said) => format!("{what}; reported meanwhile: {said}"),
            None => what,
        }
    }

    /// A request whose answer was lost may still arrive; it is not sent again for a while.
    fn fresh_doubt(&self, step: &Step) -> bool {
        let since = self.state.since.get(&step.id).copied().unwrap_or_else(now);
        !passed(since, std::time::Duration::from_secs(5))
    }

    async fn wait(&mut self, step: &Step, what: String) -> Result<bool, EngineError> {
        if self.overdue(step) {
            return self.fail(step, too_late(step, &what)).await;
        }
        let since = self.state.since.get(&step.id).copied().unwrap_or_else(now);
        let until = since.checked_add(step.deadline).unwrap_or(Timestamp::MAX);
        self.report(Report::Waiting { step: step.id.clone(), what, until }).await;
        Ok(false)
    }

    fn overdue(&self, step: &Step) -> bool {
        self.state.since.get(&step.id).is_some_and(|since| passed(*since, step.deadline))
    }

    async fn done(&mut self, step: &Step, outputs: Outputs) -> Result<bool, EngineError> {
        self.append(Body::Done { step: step.id.clone(), outputs }).await?;
        Ok(true)
    }

    async fn fail(&mut self, step: &Step, why: String) -> Result<bool, EngineError> {
        self.append(Body::Failed { step: step.id.clone(), why }).await?;
        Ok(true)
    }

    async fn close(&mut self, end: End) -> Result<End, EngineError> {
        self.append(Body::Closed { end: end.clone() }).await?;
        // The operation has ended whatever the record says; a colleague sees it a little longer as running.
        if let Err(error) = self.record.put(&self.engine, &self.state, None).await {
            tracing::warn!(operation = %self.state.id(), %error, "the record of an ended operation could not be closed");
        }
        Ok(end)
    }

    /// Runs what brackets owe without a journal; the record in the cluster says that it happened.
    async fn settle_debts(&mut self, why: &str) {
        let plan = self.state.plan.clone();
        for step in self.state.progress.owed(&plan) {
            let performed = self.engine.perform(&step.act, &self.state.progress).await;
            let note = format!("journal lost ({why}); {}: {performed:?}", step.title);
            if let Err(error) = self.record.put(&self.engine, &self.state, Some(&note)).await {
                tracing::error!(operation = %self.state.id(), %error, note, "a debt was settled and could not be recorded");
            }
        }
    }

    async fn append(&mut self, body: Body) -> Result<(), EngineError> {
        let entry = self.log.append(now(), body)?;
        self.state.take(&entry);
        self.report(Report::Entry(entry)).await;
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

fn passed(since: Timestamp, limit: std::time::Duration) -> bool {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    now().duration_since(since) > limit
}
