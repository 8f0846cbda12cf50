//! Approvals of a run's steps, looked for and written.

use std::time::Duration;

use super::Session;
use crate::engine::{Approving, Engine, RunSeen, run_record, runs};
use crate::runbook::history::{Body, Run, RunId, StepAt};
use crate::runbook::turn::{Ask, Turn};
use crate::session::Message;
use crate::text;
use crate::view::Level;

/// How long after one look the next one is.
const AGAIN: Duration = Duration::from_secs(2);

/// Whether somebody approved, as what happened; or why that cannot be seen.
pub(in crate::session) type Approval = Result<Option<Box<Body>>, String>;

async fn approval(engine: &Engine, run: &Run, at: &StepAt) -> Result<Option<Body>, String> {
    let found = engine.approval(&run.id, &run.home, at, &run.who).await?;
    Ok(found.map(|found| Body::Approved { at: at.clone(), who: found.who, agreed: found.agreed }))
}

impl Session {
    /// Whether somebody approved a step, as what happened; `None` while nobody did.
    ///
    /// # Errors
    /// When that cannot be seen, or what is there approves something else.
    pub async fn look_for_approval(&self, id: &RunId, at: &StepAt) -> Result<Option<Body>, String> {
        let (_, run) = self.led(id).ok_or_else(|| format!("run {id} is not led here"))?;
        let engine = self.engine().ok_or_else(|| self.no_hands_for_a_run())?;
        approval(&engine, run, at).await
    }

    /// Looks the same aside, now and then; what is found is written down.
    pub(super) fn watch_for_approval(&mut self, id: &RunId, at: &StepAt) {
        let (Some(engine), post) = (self.engine(), self.inbox.0.clone()) else { return };
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return };
        let Some(run) = tracked.run.clone() else { return };
        if std::mem::replace(&mut tracked.looking, true) {
            return;
        }
        let (id, at) = (id.clone(), at.clone());
        tokio::spawn(async move {
            let found = approval(&engine, &run, &at).await;
            if !matches!(found, Ok(Some(_))) {
                tokio::time::sleep(AGAIN).await;
            }
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Approval(id, at, found.map(|found| found.map(Box::new)))).await;
        });
    }

    /// Takes in whether somebody approved a step.
    pub(in crate::session) fn approved(&mut self, id: &RunId, at: &StepAt, found: Approval) {
        let here = matches!(self.run_turn(id), Some(Turn::Ask(here, Ask::Approve(_))) if here == *at);
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return };
        tracked.looking = false;
        tracked.unseen = found.as_ref().err().cloned();
        match found {
            Ok(Some(body)) if here => self.note(id, *body),
            _ => {}
        }
    }

    /// Makes sure that it is known who we are, as far as the API server says it: what a run keeps is kept with a name.
    pub async fn know_who(&mut self) {
        if self.desk.world.context.user.is_some() {
            return;
        }
        let Some(eyes) = self.cluster.as_ref().map(crate::cluster::Cluster::eyes) else { return };
        // Where it cannot be asked it stays unknown, and is told as that.
        if let Ok(Some(who)) = eyes.who_am_i().await {
            self.desk.world.context.user = Some(who.into());
        }
    }

    /// The record of a run anywhere in the cluster.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub async fn run_in_cluster(&self, id: &RunId) -> Result<RunSeen, String> {
        let eyes = self.cluster.as_ref().map(crate::cluster::Cluster::eyes);
        let eyes = eyes.ok_or_else(|| "there is no connection to the cluster".to_owned())?;
        let namespaces: Vec<String> = self.desk.world.context.namespaces.iter().map(ToString::to_string).collect();
        let found = runs(&eyes, &namespaces).await?.into_iter().find(|seen| seen.id == *id);
        found.ok_or_else(|| format!("there is no record of run {id} in the cluster"))
    }

    /// Approves a step of a run that somebody else began. The `Audit-Id` of the write, where the server gives one.
    ///
    /// # Errors
    /// In read-only mode, when it is not known who asks, and when it cannot be written.
    pub async fn approve(&self, seen: &RunSeen, at: &StepAt) -> Result<Option<String>, String> {
        let (engine, approver) = self.approver()?;
        approve(&engine, seen, at, approver).await
    }

    /// Whoever approves here, and with what.
    fn approver(&self) -> Result<(Engine, String), String> {
        let engine = self.engine().ok_or_else(|| self.no_hands_for_a_run())?;
        let approver = self.desk.world.context.user.as_deref().map(str::to_owned);
        let approver =
            approver.ok_or_else(|| "the API server does not say who we are, so nothing is approved".to_owned())?;
        Ok((engine, approver))
    }

    /// Approves a step of a run that somebody else began, aside; how that ended is a notice.
    ///
    /// # Errors
    /// In read-only mode, and when it is not known who asks.
    pub fn approve_step(&self, id: &RunId, at: &StepAt) -> Result<(), String> {
        let (engine, approver) = self.approver()?;
        let run = self.desk.runs.iter().find(|run| run.id == *id);
        let run = run.ok_or_else(|| format!("run {id} is not known here"))?;
        let (home, read) = (run.home.clone(), run.happened.len());
        let eyes = self.cluster.as_ref().map(crate::cluster::Cluster::eyes);
        let eyes = eyes.ok_or_else(|| "there is no connection to the cluster".to_owned())?;
        let (id, at, post) = (id.clone(), at.clone(), self.inbox.0.clone());
        tokio::spawn(async move {
            let seen = run_record(&eyes, &id, &home).await;
            let ended = match seen {
                // What was agreed to is what stood on the page.
                Ok(Some(seen)) if seen.entries.len() != read => {
                    Err("it went on since it was shown; read it again in a moment".to_owned())
                }
                Ok(Some(seen)) => approve(&engine, &seen, &at, approver).await.map(drop),
                Ok(None) => Err(format!("there is no record of run {id} in the cluster")),
                Err(why) => Err(why),
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Agreed(id, at, ended)).await;
        });
        Ok(())
    }

    /// Takes in how approving ended.
    pub(in crate::session) fn agreed(&mut self, id: &RunId, at: &StepAt, ended: Result<(), String>) {
        self.ask_runs(Duration::ZERO);
        match ended {
            Ok(()) => {
                let text = format!("run {id}: {at} is approved; whoever leads it goes on");
                self.desk.say(Level::Ok, &text);
            }
            Err(why) => {
                let text = format!("run {id}: {at} is not approved: {}", text::sanitize(&why));
                self.desk.say(Level::Critical, &text);
            }
        }
    }
}

/// Approves a step of a run whose record is in the cluster that the engine writes to. By which address its leader
/// reaches that cluster does not matter: a second person often comes by another.
async fn approve(engine: &Engine, seen: &RunSeen, at: &StepAt, approver: String) -> Result<Option<String>, String> {
    let run = seen.run().ok_or_else(|| format!("the record of run {} cannot be read", seen.id))?;
    let head = seen.entries.last().map(|entry| entry.hash.clone()).unwrap_or_default();
    let approving =
        Approving { run: seen.id.clone(), home: seen.home.clone(), at: at.clone(), starter: run.who, approver, head };
    engine.approve(&approving).await
}
