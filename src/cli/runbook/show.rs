//! Runs on the command line: which there are, how one stands, and its timeline.

use serde_json::{Value, json};

use super::super::args::{ExportRun, Format, Global, NoteRun, Runs, StopRun, TimelineFormat};
use super::super::{Exit, Failure, open, out};
use super::run::resumed;
use super::said;
use crate::config::state_directory;
use crate::journal::Entry;
use crate::model::Kind;
use crate::runbook::history::{Body, Run, RunId};
use crate::runbook::timeline::Timeline;
use crate::session::{Event, Session, Unnamed, run_book};
use crate::store::{Store, write_whole};
use crate::text;
use crate::view::{RunState, RunView, Whom, run_view};

/// Runs need no rows, only a connection and a sign of life.
const KINDS: &[Kind] = &[Kind::Namespace];

pub(super) async fn runs(global: &Global, asked: &Runs) -> Result<Exit, Failure> {
    let unnamed = if asked.all_namespaces { Unnamed::All } else { Unnamed::Own };
    let mut session = open::session(global, KINDS, unnamed)?;
    open::settle(&mut session, KINDS).await?;
    super::super::get::runs_seen(&mut session).await;
    if let Some(Err(why)) = session.runs_seen() {
        return Err(Failure::new(Exit::Unknown, format!("runs are not seen: {why}")));
    }
    let views = &session.desk().runs;
    match asked.output {
        Format::Table => views.iter().try_for_each(|view| out::line(row(view)))?,
        Format::Json => {
            let all: Vec<Value> = views.iter().map(json_of).collect();
            out::line(serde_json::to_string_pretty(&all).unwrap_or_default())?;
        }
        Format::Yaml => {
            let all: Vec<Value> = views.iter().map(json_of).collect();
            out::print(crate::session::to_yaml(&json!(all)).map_err(|error| Failure::new(Exit::Unknown, error))?)?;
        }
    }
    Ok(Exit::Fine)
}

fn row(view: &RunView) -> String {
    let (done, all) = view.progress();
    let at = view.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    let whom = view.waits.map(|whom| format!(", for {}", whom.said())).unwrap_or_default();
    let begun = view.begun.strftime("%Y-%m-%d %H:%M:%SZ");
    format!(
        "{:<25} {:<22} {:<11} {done}/{all}{at}{whom}  {begun}  {} in {}",
        view.id.as_str(),
        view.name,
        word(view),
        view.who,
        view.home
    )
}

/// Nobody leads a run here: where it stands is what its record tells.
fn word(view: &RunView) -> &'static str {
    match (view.state, view.waits) {
        (RunState::Idle, Some(_)) => "Waits",
        (RunState::Idle, None) => "Open",
        (state, _) => state.word(),
    }
}

fn json_of(view: &RunView) -> Value {
    let steps: Vec<Value> = view
        .steps
        .iter()
        .map(|step| {
            json!({
                "step": step.at.step, "row": step.at.row, "title": step.title, "kind": step.task, "state": step.word,
                "note": step.note,
            })
        })
        .collect();
    json!({
        "id": view.id.as_str(), "runbook": view.name, "title": view.title, "state": word(view), "who": view.who,
        "begun": view.begun.to_string(), "last": view.last.to_string(), "namespace": view.home,
        "at": view.at.as_ref().map(ToString::to_string), "waitsFor": view.waits.map(Whom::said), "steps": steps,
    })
}

/// What is told of a run.
struct Told {
    id: RunId,
    entries: Vec<Entry<Body>>,
    /// Unknown where its record was not seen.
    exit: Exit,
}

/// What happened in a run: by its record in the cluster, which is what counts; where that is not to be had, by its
/// journal here, whose end may never have been recorded.
async fn told(global: &Global, id: &str) -> Result<Told, Failure> {
    let id = RunId::parse(id).map_err(|error| Failure::new(Exit::Usage, error))?;
    let store = Store::open(&state_directory()?)?;
    match recorded(global, &id).await {
        Ok(entries) => Ok(Told { id, entries, exit: Exit::Fine }),
        Err(unseen) if store.has_run(&id) => {
            let why = text::chain(&*unseen.error);
            out::say(format_args!(
                "holdfast: {why}; this is what the journal of this machine says, whose end may not be recorded there"
            ));
            let entries = store.run_entries(&id)?;
            Ok(Told { id, entries, exit: Exit::Unknown })
        }
        Err(unseen) => Err(unseen),
    }
}

async fn recorded(global: &Global, id: &RunId) -> Result<Vec<Entry<Body>>, Failure> {
    let mut session = open::session(global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    let seen = session.run_in_cluster(id).await.map_err(|why| Failure::new(Exit::Refused, why))?;
    Ok(seen.entries)
}

fn folded(id: &RunId, entries: &[Entry<Body>]) -> Result<Run, Failure> {
    let run = Run::of_journal(entries);
    run.ok_or_else(|| Failure::new(Exit::Refused, format!("the journal of run {id} does not begin with its beginning")))
}

pub(super) async fn show(global: &Global, id: &str) -> Result<Exit, Failure> {
    let Told { id, entries, exit } = told(global, id).await?;
    let run = folded(&id, &entries)?;
    let book = run_book(&run).map_err(|why| Failure::new(Exit::Refused, why))?;
    let view = run_view(&id, &book, &run, None);
    out::line(format_args!("{}\n  run {id} of {}, {}", view.title, view.name, word(&view)))?;
    for (name, value) in run.values.iter().filter(|(name, _)| book.param(name).is_some()) {
        out::line(format_args!("  {name} = {}", text::sanitize(value)))?;
    }
    for step in &view.steps {
        let row = step.at.row.as_deref().map(|row| format!(" [{}]", text::sanitize(row))).unwrap_or_default();
        let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        out::line(format_args!("  {} {}{row}  {}  {}{note}", step.glyph, step.at.step, step.title, step.word))?;
    }
    out::line("")?;
    entries.iter().try_for_each(|entry| out::line(format_args!("  {}", said::entry(entry))))?;
    Ok(exit)
}

pub(super) async fn export(global: &Global, asked: &ExportRun) -> Result<Exit, Failure> {
    let Told { id, entries, exit } = told(global, &asked.id).await?;
    let happened: Vec<_> = entries.iter().map(|entry| (entry.at, entry.body.clone())).collect();
    // What this version does not read as a book is told all the same.
    let book = run_book(&folded(&id, &entries)?).ok();
    let head = entries.last().map(|entry| entry.hash.as_str()).unwrap_or_default();
    let timeline = Timeline::of(book.as_ref(), &happened).map(|timeline| timeline.sealed(head));
    let timeline = timeline.ok_or_else(|| Failure::new(Exit::Refused, format!("run {id} has no beginning")))?;
    let text = match asked.output {
        TimelineFormat::Md => timeline.markdown(),
        TimelineFormat::Json => format!("{:#}\n", timeline.json()),
    };
    match &asked.out {
        Some(file) => write_whole(file, &text)?,
        None => out::print(text)?,
    }
    Ok(exit)
}

pub(super) async fn stop(global: &Global, asked: &StopRun) -> Result<Exit, Failure> {
    let (mut session, id) = held(global, &asked.id).await?;
    let said = session.stop_run(&id, asked.reason.clone());
    written(&mut session, &id, said).await
}

pub(super) async fn note(global: &Global, asked: &NoteRun) -> Result<Exit, Failure> {
    let (mut session, id) = held(global, &asked.id).await?;
    let said = session.note_in_run(&id, asked.note.clone());
    written(&mut session, &id, said).await
}

/// A session that holds a run, with the book as it was when it began: nothing of it is carried out.
///
/// # Errors
/// Also when the run is over: going on with one writes nothing then, and there would be nothing to wait for.
async fn held(global: &Global, id: &str) -> Result<(Session, RunId), Failure> {
    let id = RunId::parse(id).map_err(|error| Failure::new(Exit::Usage, error))?;
    let mut session = open::session(global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    resumed(&mut session, &id, true).await?;
    if let Some(over) = session.run_over(&id) {
        return Err(Failure::new(Exit::Refused, format!("{over}; nothing was written")));
    }
    settled(&mut session, &id).await?;
    Ok((session, id))
}

async fn written(session: &mut Session, id: &RunId, said: Result<(), String>) -> Result<Exit, Failure> {
    said.map_err(|why| Failure::new(Exit::Refused, why))?;
    settled(session, id).await?;
    Ok(Exit::Fine)
}

/// Waits until what is being written of a run is written.
async fn settled(session: &mut Session, id: &RunId) -> Result<(), Failure> {
    loop {
        match session.next().await {
            Event::Run(written) if written == *id => break,
            _ => {}
        }
    }
    match session.run_trouble(id) {
        Some(why) => Err(Failure::new(Exit::Unknown, why.to_owned())),
        None => Ok(()),
    }
}
