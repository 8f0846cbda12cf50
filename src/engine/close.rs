//! What brackets owe: their limits, their closing steps until they are seen done, and what an interruption made
//! meaningless. A close is the one thing that is tried again after it failed, and that runs without a journal.

use std::time::Duration;

use jiff::Timestamp;

use super::perform::Performed;
use super::run::{Run, passed};
use super::{EngineError, RecordError};
use crate::plan::{Act, Outputs, Seen, Step, StepState};
use crate::store::now;

/// The first pause between two attempts to close; it doubles up to [`SLOWEST`].
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to close.
const SLOWEST: Duration = Duration::from_secs(10);
/// How long to look whether what was under way took effect, before what is owed is closed.
const GLANCE: Duration = Duration::from_secs(5);

/// A closing step that failed.
#[derive(Debug)]
pub(super) struct Attempts {
    count: u32,
    not_before: Timestamp,
    why: String,
}

impl Attempts {
    fn pause(count: u32) -> Duration {
        FIRST.saturating_mul(1 << count.min(10)).min(SLOWEST)
    }

    fn again(&mut self, why: String) {
        let pause = Self::pause(self.count);
        self.count += 1;
        self.not_before = now().checked_add(pause).unwrap_or(Timestamp::MAX);
        self.why = why;
    }

    /// What it waits for, while it is too early to try again.
    pub(super) fn too_early(&self) -> Option<String> {
        (now() < self.not_before).then(|| format!("another attempt, after {} failed: {}", self.count, self.why))
    }

    /// Why the last one failed.
    pub(super) fn why(&self) -> &str {
        &self.why
    }
}

impl Run {
    /// How long a step may still take before a bracket around it has been open for too long. Closing steps take the
    /// time they need.
    pub(super) fn time_left(&self, step: &Step) -> Option<Duration> {
        if self.state.plan.closes(&step.id) {
            return None;
        }
        let open = self.state.progress.open_brackets(&self.state.plan);
        let around = open.into_iter().filter(|(_, _, body)| body.iter().any(|inner| inner.id == step.id));
        let left = around.filter_map(|(open, limit, _)| {
            let since = self.state.since.get(&open.id)?;
            let gone = Duration::try_from(now().duration_since(*since)).unwrap_or_default();
            Some(limit.saturating_sub(gone))
        });
        left.min()
    }

    /// A bracket that is open for too long, or whose session is lost, fails what runs inside it, so that its close
    /// comes next.
    pub(super) async fn enforce_limits(&mut self) -> Result<(), EngineError> {
        let plan = self.state.plan.clone();
        let lost = self.held.lost();
        for (open, limit, body) in self.state.progress.open_brackets(&plan) {
            let Some(since) = self.state.since.get(&open.id).copied() else { continue };
            let why = if lost.as_ref() == Some(&open.id) {
                "its session ended, and what it held with it".to_owned()
            } else if passed(since, limit) {
                format!("it may be open for {}s, and these are over", limit.as_secs())
            } else {
                continue;
            };
            let state = |step: &&Step| self.state.progress.state(&step.id).clone();
            let mut body: Vec<&Step> = body.into_iter().filter(|step| !plan.closes(&step.id)).collect();
            body.retain(|step| !matches!(state(step), StepState::Done(_)));
            if body.iter().any(|step| matches!(state(step), StepState::Failed(_))) {
                continue;
            }
            let next = body.iter().find(|step| state(step) == StepState::Intended).or(body.first()).copied();
            if let Some(step) = next {
                let waited =
                    self.waited.get(&step.id).map(|what| format!("; it waited for {what}")).unwrap_or_default();
                self.fail(step, format!("given up within \"{}\": {why}{waited}", open.title)).await?;
            }
        }
        Ok(())
    }

    /// Writes the record before an effect. What is owed runs without it too, unless the operation is somebody
    /// else's now.
    pub(super) async fn keep_record(&mut self, step: &Step) -> Result<(), EngineError> {
        match self.record.put(&self.engine, &self.state, None).await {
            Err(error) if self.state.plan.closes(&step.id) && !matches!(error, RecordError::TakenOver(_)) => {
                tracing::warn!(operation = %self.state.id(), %error, "what is owed runs without its record");
                Ok(())
            }
            put => put.map_err(EngineError::from),
        }
    }

    /// A closing step is tried again until its deadline, each time a little later.
    pub(super) async fn try_again_later(&mut self, step: &Step, why: String) -> Result<bool, EngineError> {
        let fresh = Attempts { count: 0, not_before: Timestamp::MIN, why: String::new() };
        self.attempts.entry(step.id.clone()).or_insert(fresh).again(why.clone());
        self.wait(step, format!("another attempt: {why}")).await
    }

    /// After an interruption nobody can tell whether what stood still in a container still does: what runs inside
    /// fails, and the close comes next.
    pub(super) async fn give_up_what_was_interrupted(&mut self) -> Result<(), EngineError> {
        let plan = self.state.plan.clone();
        loop {
            let broken = self.state.progress.broken_by_interruption(&plan);
            let Some((open, step)) = broken.into_iter().next() else { return Ok(()) };
            let begun = *self.state.progress.state(&step.id) == StepState::Intended;
            if begun && let Act::Create { .. } = step.act {
                // What it made is worth knowing.
                let look = self.observe(step);
                if let Ok(Seen::Done(outputs)) = tokio::time::timeout(GLANCE, look).await {
                    self.done(step, outputs).await?;
                    continue;
                }
            }
            let why = if step.id == open.id {
                "the console was interrupted while it ran: what it did is not known".to_owned()
            } else {
                format!(
                    "the console was interrupted after \"{}\": whether that held is not known, so this was given up",
                    open.title
                )
            };
            self.fail(step, why).await?;
        }
    }

    /// Runs what is owed without a journal, until it is done or overdue; the record in the cluster says that it
    /// happened. Returns why the run is over.
    ///
    /// What takes steps back runs only where the journal was lost: otherwise resuming does it, with a record of it.
    /// Where one of those does not run or is not seen done, nothing comes after it: the order is what makes it safe.
    pub(super) async fn settle_debts(&mut self, cause: EngineError) -> EngineError {
        let plan = self.state.plan.clone();
        let mut held = Vec::new();
        for step in self.state.progress.owed(&plan) {
            let takes_back = self.takes_back(step);
            if takes_back && !matches!(cause, EngineError::Journal(_)) {
                break;
            }
            let settled = if takes_back { self.settle_back(step).await } else { self.settle(step).await };
            let note = match &settled {
                Ok(()) => format!("{cause}; done all the same: {}", step.title),
                Err(why) => format!("{cause}; not seen done: {}: {why}", step.title),
            };
            let failed = settled.is_err();
            if let Err(why) = settled {
                let by_hand = step.act.by_hand(&plan.context).map(|line| format!("; by hand: {line}"));
                held.push(format!("{} ({why}{})", step.title, by_hand.unwrap_or_default()));
            }
            if let Err(error) = self.record.put(&self.engine, &self.state, Some(&note)).await {
                tracing::error!(operation = %self.state.id(), %error, note, "a debt was settled and could not be recorded");
            }
            if takes_back && failed {
                break;
            }
        }
        if held.is_empty() { cause } else { EngineError::Unsettled { cause: Box::new(cause), held } }
    }

    /// A step that takes another back, looked at first like always; what it made is known to those after it.
    async fn settle_back(&mut self, step: &Step) -> Result<(), String> {
        let until = now().checked_add(step.deadline).unwrap_or(Timestamp::MAX);
        loop {
            let why = match self.observe(step).await {
                Seen::Done(outputs) => {
                    self.state.progress.steps.insert(step.id.clone(), StepState::Done(outputs));
                    return Ok(());
                }
                Seen::Conflict(why) => return Err(why),
                Seen::Pending(_) if step.act.lenient() && now() >= until => {
                    self.state.progress.steps.insert(step.id.clone(), StepState::Done(Outputs::new()));
                    return Ok(());
                }
                Seen::Pending(why) | Seen::Unknown(why) => why,
                Seen::NotDone => {
                    match self.engine.perform(step, step.deadline, &self.state.progress, &mut self.held).await {
                        Performed::Refused(why) => return Err(why),
                        performed => format!("{performed:?}"),
                    }
                }
            };
            if now() >= until {
                return Err(why);
            }
            tokio::time::sleep(FIRST).await;
        }
    }

    async fn settle(&mut self, step: &Step) -> Result<(), String> {
        let until = now().checked_add(step.deadline).unwrap_or(Timestamp::MAX);
        let mut count = 0;
        loop {
            let left = Duration::try_from(until.duration_since(now())).unwrap_or_default();
            let performed = self.engine.perform(step, left, &self.state.progress, &mut self.held).await;
            let why = match performed {
                Performed::Taken(_) | Performed::Ran { .. } => return Ok(()),
                Performed::Failed { why, .. }
                | Performed::Refused(why)
                | Performed::NotNow(why)
                | Performed::Unknown(why) => why,
            };
            match self.observe(step).await {
                Seen::Done(_) => return Ok(()),
                Seen::Conflict(conflict) => return Err(conflict),
                _ => {}
            }
            if now() >= until {
                return Err(why);
            }
            tokio::time::sleep(Attempts::pause(count)).await;
            count += 1;
        }
    }
}
