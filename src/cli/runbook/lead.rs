//! Leads a run on the command line: says what happens, asks whoever is there, and ends where it has to wait for a person.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::super::{Exit, Failure, operations, out, verb};
use super::said;
use crate::plan::{OperationId, Request};
use crate::runbook::history::{End, RunId, StepAt};
use crate::runbook::turn::{Ask, Turn, place};
use crate::session::{Answer, Session};
use crate::text;

/// How long it is waited for what cannot be judged, where the book says no time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was said beforehand. Each answer is used once.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Answers {
    /// To steps, by their ids: a note, or a choice.
    pub steps: BTreeMap<String, String>,
    /// To the step that the run waits at.
    pub here: Option<Answer>,
}

/// One run being led.
pub(super) struct Lead<'a> {
    pub id: RunId,
    pub answers: Answers,
    /// Whether plans are confirmed beforehand.
    pub yes: bool,
    pub named: Option<&'a str>,
    pub said: usize,
    /// Since when it waits for the same thing.
    pub waits: Option<(String, Instant)>,
}

impl Lead<'_> {
    /// Leads it until it ends or waits for a person.
    pub async fn run(mut self, session: &mut Session) -> Result<Exit, Failure> {
        loop {
            self.say_what_happened(session)?;
            if let Some(why) = session.run_trouble(&self.id) {
                let id = &self.id;
                let message = format!("run {id} cannot go on here: {why}\n  `holdfast runbook resume {id}` goes on");
                return Err(Failure::new(Exit::Unknown, message));
            }
            let Some(turn) = session.advance_run(&self.id) else {
                session.next().await;
                continue;
            };
            if !matches!(turn, Turn::Wait { .. }) {
                self.waits = None;
            }
            if let Some(exit) = self.take(session, turn).await? {
                return Ok(exit);
            }
        }
    }

    /// Prints what happened since it was printed last.
    fn say_what_happened(&mut self, session: &Session) -> Result<(), Failure> {
        let fresh = session.run_entries_from(&self.id, self.said);
        self.said += fresh.len();
        fresh.iter().try_for_each(|entry| out::line(said::entry(entry)))
    }

    async fn take(&mut self, session: &mut Session, turn: Turn) -> Result<Option<Exit>, Failure> {
        match turn {
            Turn::Note(_) => Ok(None),
            Turn::Follow(_, operation) => self.follow(session, &operation).await.map(|()| None),
            Turn::Plan(at, request) => match self.answers.here.take() {
                Some(said) => self.answered(session, &at, said),
                None => self.plan(session, &at, *request).await,
            },
            Turn::Collect(..) => {
                session.next().await;
                Ok(None)
            }
            Turn::Wait { at, what, until } => match self.answers.here.take_if(|said| matches!(said, Answer::Skip(_))) {
                Some(said) => self.answered(session, &at, said),
                None => self.wait(session, &at, what, until.is_some()).await.map(|()| None),
            },
            Turn::Ask(at, ask) => self.ask(session, &at, ask).await,
            Turn::Over(End::Done) => Ok(Some(Exit::Fine)),
            Turn::Over(End::Stopped { .. }) => Ok(Some(Exit::Refused)),
        }
    }

    async fn follow(&self, session: &mut Session, operation: &OperationId) -> Result<(), Failure> {
        if session.outcome(operation).is_none() && session.run(operation).is_some() {
            return operations::watch(session, operation).await;
        }
        session.next().await;
        Ok(())
    }

    async fn plan(&self, session: &mut Session, at: &StepAt, request: Request) -> Result<Option<Exit>, Failure> {
        out::say(format_args!("planning {at}"));
        let reviewed = match verb::planned(session, request, true).await {
            Ok(reviewed) => reviewed,
            Err(refusal) => {
                session.not_planned_in_run(&self.id, at, &refusal);
                return Ok(None);
            }
        };
        verb::print_review(&reviewed, false)?;
        if let crate::plan::DryRun::Refused(why) = &reviewed.dry_run {
            session.refused_in_run(&self.id, at, why);
            return Ok(None);
        }
        let confirmed = verb::confirm(session, reviewed, self.yes.then_some((self.named, None)));
        match confirmed.map_err(|failure| self.still_waits(session, failure))? {
            Some(confirmed) => {
                let started = session.start_in_run(&self.id, at, confirmed);
                started.map(|()| None).map_err(|why| Failure::new(Exit::Refused, why))
            }
            None => Ok(Some(self.waits_at(session))),
        }
    }

    async fn wait(&mut self, session: &mut Session, at: &StepAt, what: String, limited: bool) -> Result<(), Failure> {
        let new = self.waits.as_ref().is_none_or(|(before, _)| *before != what);
        if new {
            out::say(format_args!("{at}: waiting: {}", text::sanitize(&what)));
            let since = self.waits.take().filter(|_| !limited).map_or_else(Instant::now, |(_, since)| since);
            self.waits = Some((what.clone(), since));
        }
        let since = self.waits.as_ref().map_or_else(Instant::now, |(_, since)| *since);
        if limited {
            session.next().await;
            return Ok(());
        }
        let late = timeout_at(since + PATIENCE, session.next()).await.is_err() || Instant::now() >= since + PATIENCE;
        if late {
            let message = format!("{at} cannot be judged: {what}; `holdfast runbook resume {}` goes on", self.id);
            return Err(Failure::new(Exit::Unknown, message));
        }
        Ok(())
    }

    /// Answers what a person is asked: by what was said beforehand, or by whoever is there.
    async fn ask(&mut self, session: &mut Session, at: &StepAt, ask: Ask) -> Result<Option<Exit>, Failure> {
        self.say_question(session, at, &ask);
        if let Ask::Approve(_) = ask
            && self.answers.here.is_none()
        {
            return self.approval(session, at).await;
        }
        let answer = match self.answers.here.take() {
            Some(answer) => Some(answer),
            None => match self.answers.steps.remove(&at.step) {
                Some(text) if !matches!(ask, Ask::Failed(..)) => Some(Answer::Text(text)),
                _ => asked(at, &ask)?,
            },
        };
        let Some(answer) = answer else {
            return match ask {
                Ask::Failed(why, _) => Err(self.failed(at, &why)),
                _ => Ok(Some(self.waits_at(session))),
            };
        };
        self.answered(session, at, answer)
    }

    /// Has an answer written down, and goes on.
    fn answered(&self, session: &mut Session, at: &StepAt, answer: Answer) -> Result<Option<Exit>, Failure> {
        let answered = session.answer_run(&self.id, at, answer).map_err(|why| Failure::new(Exit::Usage, why));
        answered.map(|()| None).map_err(|failure| self.still_waits(session, failure))
    }

    /// Looks whether somebody approved; waits for that no longer than it takes to look.
    async fn approval(&self, session: &mut Session, at: &StepAt) -> Result<Option<Exit>, Failure> {
        match session.look_for_approval(&self.id, at).await {
            Ok(Some(body)) => {
                session.note(&self.id, body);
                Ok(None)
            }
            Ok(None) => Ok(Some(self.waits_at(session))),
            Err(why) => Err(Failure::new(Exit::Unknown, why)),
        }
    }

    fn say_question(&self, session: &Session, at: &StepAt, ask: &Ask) {
        let step = session.led(&self.id).and_then(|(book, run)| place(book, run));
        if let Some((step, _, values)) = step {
            out::say(format_args!("\n{at}: {}", text::sanitize(&step.title.said(&values))));
            out::say(format_args!("  why: {}", text::sanitize(&step.why.said(&values))));
        }
        said::question(ask).iter().for_each(out::say);
    }

    fn failed(&self, at: &StepAt, why: &str) -> Failure {
        let id = &self.id;
        let hint = format!("`holdfast runbook resume {id}` with --retry or --skip REASON goes on");
        Failure::new(Exit::Refused, format!("{at} failed: {why}\n  {hint}"))
    }

    fn waits_at(&self, session: &Session) -> Exit {
        out::say(self.waiting(session));
        Exit::Waiting
    }

    /// What was said is no answer: the run waits as before.
    fn still_waits(&self, session: &Session, failure: Failure) -> Failure {
        let Failure { exit, error, kept } = failure;
        let error = format!("{}\n  {}", text::chain(&*error), self.waiting(session)).into();
        Failure { exit, error, kept }
    }

    /// What the run waits for, and how it goes on.
    fn waiting(&self, session: &Session) -> String {
        match session.run_turn(&self.id) {
            Some(turn) => said::waiting(&self.id, &turn),
            None => format!("`holdfast runbook resume {}` goes on", self.id),
        }
    }
}

/// What whoever is there answers; `None` when nobody is, or they answer nothing.
fn asked(at: &StepAt, ask: &Ask) -> Result<Option<Answer>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let question = match ask {
        Ask::Do(_) => "What came of it? (empty leaves the run waiting) ",
        Ask::Choose(_) => "Which one? Its number or its name: ",
        Ask::Attest(_) => "How is it known? ",
        Ask::Failed(..) => "retry, skip REASON, or empty to leave the run waiting: ",
        Ask::Approve(_) => return Ok(None),
    };
    let line = out::ask(format_args!("{at}: {question}")).map_err(|error| Failure::new(Exit::Refused, error))?;
    let line = line.trim();
    Ok(match (ask, line) {
        (_, "") => None,
        (Ask::Failed(..), "retry") => Some(Answer::Again),
        (Ask::Failed(..), line) => line.strip_prefix("skip ").map(|reason| Answer::Skip(reason.trim().to_owned())),
        (_, line) => Some(Answer::Text(line.to_owned())),
    })
}
