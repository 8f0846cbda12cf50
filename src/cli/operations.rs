//! `holdfast operations`.

mod list;

use std::collections::BTreeSet;

use super::args::{Consent, Global, Operations};
use super::{Exit, Failure, open, out, verb};
use crate::config::state_directory;
use crate::journal::{self, Body, Entry};
use crate::model::Kind;
use crate::plan::{End, OperationId, Request, script};
use crate::session::{Event, Session, Unnamed};
use crate::store::Store;
use crate::text;
use crate::view::Unclosed;

pub(super) use list::known as colleagues;

/// Resuming needs no rows, only a connection and a sign of life.
pub(super) const KINDS: &[Kind] = &[Kind::Namespace];

pub(super) async fn run(global: &Global, what: &Operations) -> Result<Exit, Failure> {
    match what {
        Operations::List { here, all_namespaces, output } => list::run(global, *here, *all_namespaces, *output).await,
        Operations::Show { id } => show(id),
        Operations::Resume { id } => resume(global, id, false).await,
        Operations::Stop { id } => resume(global, id, true).await,
        Operations::Undo { id, consent } => undo(global, id, consent).await,
        Operations::Script { id } => print_script(id),
    }
}

fn parse(id: &str) -> Result<OperationId, Failure> {
    OperationId::parse(id).map_err(|error| Failure::new(Exit::Usage, error))
}

pub(super) fn show(id: &str) -> Result<Exit, Failure> {
    let id = parse(id)?;
    let store = Store::open(&state_directory()?)?;
    let entries = store.entries(&id)?;
    let run = journal::fold(&entries).map_err(|error| Failure::new(Exit::Refused, error))?;
    let plan = &run.plan;
    out::line(format_args!("{}\n  operation {id} on {} ({})", plan.title, plan.context, plan.server))?;
    out::line(format_args!("  {} {}", plan.subject.object, plan.subject.uid))?;
    let who = run.authority.said();
    let who = text::sanitize(&who);
    out::line(format_args!("  confirmed by {who}, plan sha256 {}", plan.digest()))?;
    for entry in &entries {
        let at = entry.at.strftime("%Y-%m-%dT%H:%M:%SZ");
        out::line(format_args!("  {at}  {}", text::sanitize(&said(entry))))?;
    }
    if let Some(held) = run.held() {
        out::line(format_args!("  the hooks held the application for {}", text::quantity::moment(held)))?;
    }
    if let Some(bundle) = &run.plan.bundle {
        let place = text::sanitize(&bundle.place).into_owned();
        out::line(format_args!("  manifests kept in {place}, sha256 {}", bundle.digest()))?;
    }
    for step in run.progress.unclosed(&run.plan) {
        out::line(format_args!("  not seen released: {}", text::sanitize(&step.title)))?;
        if let Some(by_hand) = step.act.by_hand(&plan.context) {
            out::line(format_args!("    by hand: {}", text::sanitize(&by_hand)))?;
        }
    }
    Ok(Exit::Fine)
}

/// One entry in words.
fn said(entry: &Entry) -> String {
    match &entry.body {
        Body::Opened { authority, .. } => format!("opened by {}", authority.said()),
        Body::Intent { step, .. } => format!("{step}: begins"),
        Body::Answered { step, audit_id: Some(id) } => format!("{step}: the server took it (audit id {id})"),
        // A session answers by itself, no request of its own reaches the server.
        Body::Answered { step, audit_id: None } => format!("{step}: answered"),
        Body::OutcomeUnknown { step, why } => format!("{step}: outcome unknown: {why}"),
        Body::Done { step, outputs } => {
            let outputs: Vec<String> =
                outputs.iter().map(|(slot, output)| format!("{slot}={}", output.word())).collect();
            format!("{step}: done {}", outputs.join(" ")).trim_end().to_owned()
        }
        Body::Failed { step, why } => format!("{step}: failed: {why}"),
        Body::StopAsked { who } => format!("{who} asked to stop"),
        Body::Resumed { authority, epoch } => format!("resumed by {} (epoch {epoch})", authority.who()),
        Body::Closed { end: End::Done } => "ended: done".to_owned(),
        Body::Closed { end: End::Failed { at, why } } => format!("ended: failed at {at}: {why}"),
        Body::Closed { end: End::Stopped } => "ended: stopped as asked".to_owned(),
    }
}

/// The operation with this id, as its journal here tells it.
fn stored(id: &OperationId) -> Result<journal::Run, Failure> {
    let found = Store::open(&state_directory()?)?.find(id);
    let Some(stored) = found else {
        let message =
            format!("there is no journal of operation {id} here; `holdfast operations list` says where it ran");
        return Err(Failure::new(Exit::Refused, message));
    };
    Ok(stored.run?)
}

/// A session on the cluster of an operation, looking at its namespace.
async fn session_of(global: &Global, run: &journal::Run, kinds: &[Kind]) -> Result<Session, Failure> {
    let mut global = global.clone();
    global.context.get_or_insert_with(|| run.plan.context.clone());
    global.namespace = run.plan.subject.home().into_iter().map(str::to_owned).collect();
    let mut session = open::session(&global, kinds, Unnamed::All)?;
    open::settle(&mut session, kinds).await?;
    let server = &session.desk().world.context.server;
    if **server != *run.plan.server {
        let message = format!("operation {} belongs to {}, this context is {server}", run.id(), run.plan.server);
        return Err(Failure::new(Exit::Refused, message));
    }
    Ok(session)
}

/// Goes on with an operation, for what it still owes alone when it is to stop.
async fn resume(global: &Global, id: &str, stop: bool) -> Result<Exit, Failure> {
    let id = parse(id)?;
    let run = stored(&id)?;
    let ended = run.progress.end.is_some();
    if ended {
        out::say(format_args!("holdfast: operation {id} has ended; only its record in the cluster is settled"));
    }
    let mut session = session_of(global, &run, KINDS).await?;
    let resumed = if stop && !ended { session.stop(&id) } else { session.resume(&id) };
    resumed.map_err(|refusal| verb::refused(&refusal))?;
    match follow(&mut session, &id).await {
        // It was asked for.
        Err(_) if stop && matches!(session.outcome(&id), Some(Ok(_))) => Ok(Exit::Fine),
        followed => followed,
    }
}

async fn undo(global: &Global, id: &str, consent: &Consent) -> Result<Exit, Failure> {
    let run = stored(&parse(id)?)?;
    let request = Request::undo(run.plan.clone(), run.progress.clone());
    let kinds = request.looks_at();
    // Where planning looks at nothing, a sign of life is enough.
    let mut session = session_of(global, &run, if kinds.is_empty() { KINDS } else { kinds }).await?;
    open::warn_of_blind_spots(&session, kinds);
    verb::carry_out(&mut session, request, consent, global.context.as_deref()).await
}

fn print_script(id: &str) -> Result<Exit, Failure> {
    let run = stored(&parse(id)?)?;
    out::print(script::script(&run.plan, &run.progress))?;
    Ok(Exit::Fine)
}

/// Prints an operation's steps on stderr until it is over, and its outputs on stdout.
pub(super) async fn follow(session: &mut Session, id: &OperationId) -> Result<Exit, Failure> {
    watch(session, id).await?;
    ended(session, id)
}

/// Prints an operation's steps on stderr until it is over.
pub(super) async fn watch(session: &mut Session, id: &OperationId) -> Result<(), Failure> {
    let mut said_entries = 0;
    let (mut said_waits, mut holds, mut stopping) = (BTreeSet::new(), None, false);
    // One listener for all of it: a signal between two of them would be heard by nobody.
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let event = tokio::select! {
            event = session.next() => event,
            heard = &mut interrupt => {
                interrupt.set(tokio::signal::ctrl_c());
                if heard.is_err() {
                    continue;
                }
                if stopping {
                    let message = format!("left as it is; `holdfast operations resume {id}` goes on");
                    return Err(Failure::new(Exit::Unknown, message));
                }
                stopping = true;
                out::say("stopping after this step; what is held is released first (ctrl-c again leaves it as it is)");
                session.stop(id).map_err(|refusal| verb::refused(&refusal))?;
                continue;
            }
        };
        let fresh = session.entries_from(id, said_entries);
        for entry in &fresh {
            out::say(text::sanitize(&said(entry)));
        }
        said_entries += fresh.len();
        let now_holds = session.run(id).and_then(journal::Run::holds);
        if let Some((_, until)) = now_holds.filter(|_| holds.is_none()) {
            let at = until.strftime("%H:%M:%SZ");
            out::say(format_args!("the hooks hold the application now, until {at} at the latest"));
        }
        holds = now_holds;
        if !fresh.is_empty() {
            said_waits.clear();
        }
        let shown = session.desk().operations.iter().find(|operation| *operation.id == *id.as_str());
        let now_waits = shown.and_then(|operation| operation.waits.as_ref().map(|wait| wait.what.clone()));
        // Several steps side by side wait in turns.
        if let Some(what) = now_waits
            && said_waits.insert(what.clone())
        {
            out::say(format_args!("waiting for {what}"));
        }
        if matches!(&event, Event::Over(over) if over == id) {
            break;
        }
    }
    if let Some(held) = session.run(id).and_then(journal::Run::held) {
        out::say(format_args!("the hooks held the application for {}", text::quantity::moment(held)));
    }
    warn_of(&session.unclosed(id));
    Ok(())
}

/// How an operation ended, with what it made on stdout.
fn ended(session: &Session, id: &OperationId) -> Result<Exit, Failure> {
    match session.outcome(id) {
        Some(Ok(End::Done)) => {
            print_outputs(session, id)?;
            Ok(Exit::Fine)
        }
        Some(Ok(End::Failed { at, why })) => {
            let back = taken_back(session, id);
            Err(Failure::new(Exit::Refused, format!("operation {id} failed at {at}: {why}{back}")).kept())
        }
        Some(Ok(End::Stopped)) => {
            let back = taken_back(session, id);
            Err(Failure::new(Exit::Refused, format!("operation {id} was stopped{back}")).kept())
        }
        Some(Err(why)) => {
            let message = format!("operation {id} is interrupted: {why}\n  `holdfast operations resume {id}` goes on");
            Err(Failure::new(Exit::Unknown, message))
        }
        None => Err(Failure::new(Exit::Unknown, format!("operation {id} gave no outcome"))),
    }
}

/// What an operation took back at its end, as the end of a sentence.
fn taken_back(session: &Session, id: &OperationId) -> String {
    let run = session.run(id);
    let steps = run.map(|run| run.progress.taken_back(&run.plan)).unwrap_or_default();
    let written = steps.iter().filter(|step| step.act.writes());
    let titles: Vec<_> = written.map(|step| text::sanitize(&step.title).into_owned()).collect();
    if titles.is_empty() { String::new() } else { format!("\n  taken back: {}", titles.join("; ")) }
}

/// What may stand still, and how to let it go by hand.
fn warn_of(unclosed: &[Unclosed]) {
    for unclosed in unclosed {
        out::say(format_args!("NOT SEEN RELEASED: {}", text::sanitize(&unclosed.what)));
        if let Some(by_hand) = &unclosed.by_hand {
            out::say(format_args!("  release it by hand: {}", text::sanitize(by_hand)));
        }
    }
}

fn print_outputs(session: &Session, id: &OperationId) -> Result<(), Failure> {
    let Some(run) = session.run(id) else { return Ok(()) };
    for step in run.plan.steps() {
        let timing = run.timings.get(&step.id);
        if let Some((began, ended)) = timing.and_then(|timing| Some((timing.began, timing.ended?))) {
            out::line(format_args!("{}.took\t{}", step.id, text::quantity::moment(ended.duration_since(began))))?;
        }
        for (slot, output) in run.progress.outputs(&step.id).into_iter().flatten() {
            out::line(format_args!("{}.{slot}\t{}", step.id, text::sanitize(&output.word())))?;
        }
    }
    if let Some(held) = run.held() {
        out::line(format_args!("held\t{}", text::quantity::moment(held)))?;
    }
    if let Some(bundle) = &run.plan.bundle {
        out::line(format_args!("bundle\t{}", text::sanitize(&bundle.place)))?;
        out::line(format_args!("bundle.sha256\t{}", bundle.digest()))?;
    }
    if let Some(closed) = run.closed {
        out::line(format_args!("took\t{}", text::quantity::moment(closed.duration_since(run.opened))))?;
    }
    Ok(())
}
