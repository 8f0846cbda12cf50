//! What is done in containers: commands that run to their end, and sessions that an operation holds over several
//! steps. Dropping the sessions ends them, as the end of the process would.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Engine;
use super::perform::Performed;
use crate::cluster::{Container, ExecError, Heard, Ran, Session};
use crate::plan::{InPod, ObjectAt, Output, Outputs, Progress, StepId};

/// The sessions of one operation, by the step that opened them.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<StepId, Session>);

impl Held {
    /// The step that opened a session which is known to be over, if there is one.
    pub(super) fn lost(&mut self) -> Option<StepId> {
        self.0.iter_mut().find_map(|(step, session)| session.gone().then(|| step.clone()))
    }

    /// Says something to a session and waits for its answer.
    pub(super) async fn say(&mut self, to: &StepId, what: Words<'_>, within: Duration) -> Performed {
        let Some(session) = self.0.get_mut(to) else { return Performed::Refused("the session is gone".into()) };
        let heard = session.say(what.say, what.until, within).await;
        let performed = match heard {
            Heard::Answer(printed) => Performed::Ran { audit_id: None, outputs: kept(what.keep, printed) },
            Heard::Over(why) => Performed::Refused(format!("the session is over: {why}")),
            Heard::Nothing => Performed::Refused(format!("the session gave no answer within {}s", within.as_secs())),
        };
        if what.end
            && let Some(session) = self.0.remove(to)
        {
            session.leave().await;
        }
        performed
    }
}

/// What is said to a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub say: &'a str,
    pub until: &'a str,
    pub end: bool,
    pub keep: bool,
}

impl Engine {
    /// Runs a command in a container to its end.
    pub(super) async fn run(&self, run: &InPod, within: Duration, keep: bool, progress: &Progress) -> Performed {
        let at = match self.current(&run.pod, progress).await {
            Ok(current) => container(&current.at, run),
            Err(performed) => return performed,
        };
        match self.hands.exec(&at, &run.command, within).await {
            Ok(Ran { stdout, audit_id }) => Performed::Ran { audit_id: Some(audit_id), outputs: kept(keep, stdout) },
            Err(error) => failed(error),
        }
    }

    /// Starts a command that stays, says something to it and waits for its answer; then it is held.
    pub(super) async fn open(
        &self,
        step: &StepId,
        run: &InPod,
        what: Words<'_>,
        within: Duration,
        (progress, held): (&Progress, &mut Held),
    ) -> Performed {
        let at = match self.current(&run.pod, progress).await {
            Ok(current) => container(&current.at, run),
            Err(performed) => return performed,
        };
        let mut session = match self.hands.open(&at, &run.command, within).await {
            Ok(session) => session,
            Err(error) => return failed(error),
        };
        let audit_id = Some(session.audit_id.clone());
        match session.say(what.say, what.until, within).await {
            Heard::Answer(_) => {
                held.0.insert(step.clone(), session);
                Performed::Ran { audit_id, outputs: Outputs::new() }
            }
            Heard::Over(why) => Performed::Failed { why: why.into(), audit_id },
            Heard::Nothing => {
                Performed::Failed { why: format!("no answer within {}s", within.as_secs_f32()), audit_id }
            }
        }
    }
}

fn container(at: &ObjectAt, run: &InPod) -> Container {
    let namespace = at.namespace.clone().unwrap_or_default();
    Container { namespace, pod: at.name.clone(), name: run.container.clone() }
}

fn kept(keep: bool, printed: String) -> Outputs {
    if keep { Outputs::from([("stdout".to_owned(), Output::Text(printed))]) } else { Outputs::new() }
}

fn failed(error: ExecError) -> Performed {
    match error {
        ExecError::Refused(error) if error.temporary() => Performed::NotNow(error.to_string()),
        ExecError::Refused(error) => Performed::Refused(error.to_string()),
        ExecError::Failed { why, audit_id } => Performed::Failed { why: why.into(), audit_id: Some(audit_id) },
        ExecError::Unknown(why) => Performed::Unknown(why.into()),
    }
}
