//! `holdfast runbook run` and `resume`.

use super::super::args::{Global, Resume, Run};
use super::super::{Exit, Failure, open, out};
use super::books::named;
use super::lead::{Answers, Lead};
use crate::model::Kind;
use crate::runbook::history::RunId;
use crate::runbook::params;
use crate::session::{Answer, Beginning, Event, NotResumed, Session, Unnamed};

pub(super) async fn run(global: &Global, asked: &Run) -> Result<Exit, Failure> {
    let (book, source) = named(global, &asked.book)?;
    let given = asked.param.iter().cloned().collect();
    let values =
        params::values(&book, &given, crate::store::now()).map_err(|why| Failure::new(Exit::Usage, why.join("\n")))?;
    let mut session = open::session(global, Kind::ALL, Unnamed::AllElseOwn)?;
    open::settle(&mut session, Kind::ALL).await?;
    session.know_who().await;
    let home = session.run_home(&book, &values).map_err(|why| Failure::new(Exit::Usage, why))?;
    let beginning = Beginning { book, source, values, home };
    let id = session.begin_run(beginning).map_err(|why| Failure::new(Exit::Refused, why))?;
    out::line(format_args!("run\t{id}"))?;
    let answers = Answers { steps: asked.answer.iter().cloned().collect(), here: None };
    lead(&mut session, id, answers, asked.yes, global).await
}

pub(super) async fn resume(global: &Global, asked: &Resume) -> Result<Exit, Failure> {
    let id = RunId::parse(&asked.id).map_err(|error| Failure::new(Exit::Usage, error))?;
    let mut session = open::session(global, Kind::ALL, Unnamed::AllElseOwn)?;
    session.watch_colleagues();
    open::settle(&mut session, Kind::ALL).await?;
    resumed(&mut session, &id, asked.as_begun).await?;
    let here = [
        asked.note.clone().map(Answer::Text),
        asked.choose.clone().map(Answer::Text),
        asked.attest.clone().map(Answer::Text),
        asked.retry.then_some(Answer::Again),
        asked.skip.clone().map(Answer::Skip),
        asked.break_glass.clone().map(Answer::BreakGlass),
    ];
    let here = here.into_iter().flatten().next();
    let answers = Answers { steps: asked.answer.iter().cloned().collect(), here };
    lead(&mut session, id, answers, asked.yes, global).await
}

/// Waits until a run is gone on with.
pub(super) async fn resumed(session: &mut Session, id: &RunId, as_begun: bool) -> Result<(), Failure> {
    session.know_who().await;
    session.resume_run(id, as_begun);
    loop {
        match session.next().await {
            Event::RunResumed(resumed, answer) if resumed == *id => {
                return answer.map_err(|why| {
                    let hint = match &why {
                        NotResumed::Edited(_) => "\n  go on with the book as it was with --as-begun, or end the run",
                        NotResumed::Because(_) => "",
                    };
                    Failure::new(Exit::Refused, format!("{why}{hint}"))
                });
            }
            _ => {}
        }
    }
}

async fn lead(session: &mut Session, id: RunId, answers: Answers, yes: bool, global: &Global) -> Result<Exit, Failure> {
    let lead = Lead { id, answers, yes, named: global.context.as_deref(), said: 0, waits: None };
    lead.run(session).await
}
