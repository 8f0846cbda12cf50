//! Looking: everything a judgement needs, read afresh.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Engine;
use crate::model::Uid;
use crate::plan::{
    Act, Guard, ListAt, ObjectAt, Observed, OperationId, Progress, Seen, Step, StepId, Teller, broken_guard, judge,
    judge_list, judge_undo, next_read, told_by, told_by_events,
};

/// How often the events of an object are read: a server searches all of a namespace for them.
const EVENTS: Duration = Duration::from_secs(2);

/// What events said of the object that is waited for, and when that was read.
#[derive(Debug, Default)]
pub(super) struct Told(Option<(Uid, Instant, Option<String>)>);

impl Told {
    /// What the latest warning event of an object says. Events are a help, not a condition: those that cannot be
    /// read say nothing.
    pub(super) async fn of(&mut self, engine: &Engine, at: &ObjectAt, uid: &Uid) -> Option<String> {
        match &self.0 {
            Some((known, read, said)) if known == uid && read.elapsed() < EVENTS => said.clone(),
            _ => {
                let events = engine.eyes.events(at.namespace.as_deref(), uid.as_str()).await;
                let said = events.ok().and_then(|events| told_by_events(&events, uid));
                self.0 = Some((uid.clone(), Instant::now(), said.clone()));
                said
            }
        }
    }
}

/// What objects that may know it say is wrong, and when that was read.
#[derive(Debug, Default)]
pub(super) struct Heard(Option<(StepId, Instant, Option<String>)>);

impl Heard {
    /// What is told during a step.
    pub(super) async fn of(&mut self, engine: &Engine, step: &StepId, tellers: &[Teller]) -> Option<String> {
        match &self.0 {
            Some((known, read, said)) if known == step && read.elapsed() < EVENTS => said.clone(),
            _ => {
                let mut said = Vec::new();
                for teller in tellers {
                    let listed = engine.list(&teller.among).await.unwrap_or_default();
                    said.extend(told_by(teller, &listed));
                }
                let said = (!said.is_empty()).then(|| said.join("; "));
                self.0 = Some((step.clone(), Instant::now(), said.clone()));
                said
            }
        }
    }
}

impl Engine {
    /// What became of a step, from objects read now. `undo` is whether it takes another back.
    pub(super) async fn observe(&self, step: &Step, undo: bool, operation: &OperationId, progress: &Progress) -> Seen {
        if let Act::Absent { among, .. } | Act::Find { among, .. } = &step.act {
            return match self.list(among).await {
                Ok(listed) => judge_list(&step.act, progress, &listed),
                Err(why) => Seen::Unknown(format!("{} could not be listed: {why}", among.resource.plural)),
            };
        }
        if let Act::Handshake { .. } = &step.act {
            return self.shake_hands(step, progress).await;
        }
        let mut observed = Observed::new();
        while let Some(at) = next_read(&step.act, progress, &observed) {
            match self.read(&at).await {
                Ok(object) => observed.insert(at, object),
                Err(why) => return Seen::Unknown(format!("{at} could not be read: {why}")),
            };
        }
        let judge = if undo { judge_undo } else { judge };
        judge(&step.act, operation, progress, &observed)
    }

    /// Reads a list; of a kind that is not served there is nothing.
    pub(super) async fn list(&self, at: &ListAt) -> Result<Vec<Value>, String> {
        match self.eyes.list(&at.resource, at.namespace.as_deref(), &at.selector).await {
            Err(error) if error.not_found() => Ok(Vec::new()),
            listed => listed.map_err(|error| error.to_string()),
        }
    }

    /// The words of the first guard that does not hold; `Err` when that cannot be told.
    pub(super) async fn broken_guard(&self, guards: &[Guard]) -> Result<Option<String>, String> {
        for guard in guards {
            let object = self.read(&guard.at).await.map_err(|why| format!("{} could not be read: {why}", guard.at))?;
            if let Some(broken) = broken_guard(guard, object.as_ref()) {
                return Ok(Some(broken));
            }
        }
        Ok(None)
    }

    /// Reads one object; `None` when the server says there is none.
    pub(super) async fn read(&self, at: &ObjectAt) -> Result<Option<Value>, String> {
        let found = self.eyes.get(&at.resource, at.namespace.as_deref(), &at.name).await;
        found.map(|found| found.map(|fetched| fetched.value)).map_err(|error| error.to_string())
    }
}
