//! `holdfast runbook approve`: a second person agrees to a step, under their own name.

use std::io::IsTerminal;

use super::super::args::{Approve, Global};
use super::super::{Exit, Failure, open, out};
use super::said;
use crate::model::Kind;
use crate::runbook::book::{Book, Task};
use crate::runbook::history::{Run, RunId, StepAt};
use crate::runbook::turn::place;
use crate::session::{Unnamed, run_book};
use crate::text;

/// Approving needs no rows, only a connection and a sign of life.
const KINDS: &[Kind] = &[Kind::Namespace];

pub(super) async fn run(global: &Global, asked: &Approve) -> Result<Exit, Failure> {
    let id = RunId::parse(&asked.id).map_err(|error| Failure::new(Exit::Usage, error))?;
    let refused = |why: String| Failure::new(Exit::Refused, why);
    let mut session = open::session(global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    session.know_who().await;
    let seen = session.run_in_cluster(&id).await.map_err(refused)?;
    let run = seen.run().ok_or_else(|| refused(format!("the record of run {id} cannot be read")))?;
    let book = run_book(&run).map_err(refused)?;
    let at = step(&book, &run, asked)?;
    for entry in &seen.entries {
        out::line(said::entry(entry))?;
    }
    let values = place(&book, &run).map(|(_, _, values)| values).unwrap_or_default();
    if let Some(Task::Approve(what)) = book.step(&at.step).map(|step| &step.task) {
        out::line(format_args!("\n{at}: {}", text::sanitize(&what.said(&values))))?;
    }
    out::line(format_args!("run {id} of {}, begun by {}", book.name, text::sanitize(&run.who)))?;
    if !asked.yes && !typed(&id)? {
        return Ok(Exit::Waiting);
    }
    let audit_id = session.approve(&seen, &at).await.map_err(refused)?;
    let audit_id = audit_id.map(|id| format!(" (audit id {id})")).unwrap_or_default();
    out::line(format_args!("approved{audit_id}; whoever leads the run goes on with `holdfast runbook resume {id}`"))?;
    Ok(Exit::Fine)
}

/// The step that is approved: the one that was named, else the one that the run waits at.
fn step(book: &Book, run: &Run, asked: &Approve) -> Result<StepAt, Failure> {
    let here = place(book, run).filter(|(step, ..)| matches!(step.task, Task::Approve(_))).map(|(_, at, _)| at);
    match (&asked.step, here) {
        (None, Some(at)) => Ok(at),
        (Some(named), Some(at)) if at.step == *named => Ok(at),
        (Some(named), _) if matches!(book.step(named).map(|step| &step.task), Some(Task::Approve(_))) => {
            Ok(StepAt::new(named))
        }
        (Some(named), _) => {
            let shown = text::sanitize(named);
            Err(Failure::new(Exit::Usage, format!("{shown} is no step of {} that is approved", book.name)))
        }
        (None, None) => Err(Failure::new(Exit::Refused, "the run waits for no approval now; name the step")),
    }
}

fn typed(id: &RunId) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        out::say("holdfast: nobody is here to confirm; run it in a terminal, or add --yes");
        return Ok(false);
    }
    let line = out::ask(format_args!("Type {id}, the id of the run, to approve: "));
    let line = line.map_err(|error| Failure::new(Exit::Refused, error))?;
    if line.trim() == id.as_str() {
        return Ok(true);
    }
    Err(Failure::new(Exit::Refused, "what was typed is not the id of the run; nothing was approved"))
}
