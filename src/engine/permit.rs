//! Whether the next intent may be written: while another operation works on the same data, only what is owed is done.

use super::EngineError;
use super::locks::Hold;
use super::record::RecordError;
use super::run::Run;
use crate::plan::Step;
use crate::store::now;

impl Run {
    /// Why a step may not be done any more; `None` while it may, and of what closes a bracket.
    pub(super) fn forbidden(&self, step: &Step) -> Option<String> {
        self.lost.clone().filter(|_| !self.state.plan.closes(&step.id))
    }

    /// Before an intent, and before a write is sent again: what stands in the way when the locks are not held for
    /// certain, as the step's own outcome.
    pub(super) async fn stopped_by_lock(&mut self, step: &Step) -> Result<Option<bool>, EngineError> {
        if self.state.plan.closes(&step.id) {
            return Ok(None);
        }
        match self.locks.hold(&self.engine, self.state.id()).await {
            Hold::Held => Ok(None),
            Hold::Doubtful(why) => {
                self.state.since.entry(step.id.clone()).or_insert_with(now);
                self.wait(step, why).await.map(Some)
            }
            Hold::Lost(why) => {
                // The record knows more: it tells an operation that was taken over from one that lost its data.
                match self.record.put(&self.engine, &self.state, None).await {
                    Ok(()) | Err(RecordError::Unavailable { .. }) => self.lost = Some(why),
                    Err(error) => return Err(error.into()),
                }
                Ok(Some(true))
            }
        }
    }
}
