//! `holdfast operations list`: operations with a journal here, and those of colleagues by their records.

use serde_json::{Value, json};

use super::KINDS;
use crate::cli::args::{Format, Global};
use crate::cli::{Exit, Failure, describe, open, out};
use crate::config::state_directory;
use crate::engine::Colleague;
use crate::plan::{End, OperationId};
use crate::session::{self, Session, Unnamed, to_yaml};
use crate::store::{Store, Stored};
use crate::text;
use crate::view::OperationState;

/// One line of the list.
struct Listed {
    id: OperationId,
    line: String,
    value: Value,
}

pub(super) async fn run(global: &Global, here: bool, everywhere: bool, output: Format) -> Result<Exit, Failure> {
    let mut listed: Vec<Listed> = Store::open(&state_directory()?)?.list()?.iter().map(of_journal).collect();
    let seen = if here { Ok(()) } else { with_colleagues(global, everywhere, &mut listed).await };
    listed.sort_by(|a, b| b.id.cmp(&a.id));
    let values = || Value::Array(listed.iter().map(|listed| listed.value.clone()).collect());
    match output {
        Format::Table => listed.iter().try_for_each(|listed| out::line(&listed.line))?,
        Format::Json => out::line(format_args!("{:#}", values()))?,
        Format::Yaml => out::print(to_yaml(&values()).map_err(|error| Failure::new(Exit::Unknown, error))?)?,
    }
    match seen {
        Ok(()) => Ok(Exit::Fine),
        Err(failure) => {
            let why = describe(&*failure.error);
            let message = format!("operations of colleagues are not seen: {why}\n  --here asks for none of them");
            Err(Failure::new(failure.exit, message))
        }
    }
}

/// Adds what colleagues' consoles do, as their records tell it.
async fn with_colleagues(global: &Global, everywhere: bool, listed: &mut Vec<Listed>) -> Result<(), Failure> {
    let mut global = global.clone();
    if everywhere {
        global.namespace.clear();
    }
    let unnamed = if everywhere { Unnamed::All } else { Unnamed::Own };
    let mut session = open::session(&global, KINDS, unnamed)?;
    open::settle(&mut session, KINDS).await?;
    session.watch_colleagues();
    let now = session.now();
    let found = known(&mut session).await.map_err(|why| Failure::new(Exit::Unknown, why))?;
    listed.extend(found.iter().map(|operation| of_record(operation, now)));
    Ok(())
}

pub(in crate::cli) async fn known(session: &mut Session) -> Result<Vec<Colleague>, String> {
    loop {
        match session.colleagues() {
            Some(Ok(found)) => return Ok(found.to_vec()),
            Some(Err(why)) => return Err(why.to_owned()),
            // Its questions have deadlines.
            None => drop(session.next().await),
        }
    }
}

fn of_record(operation: &Colleague, now: jiff::Timestamp) -> Listed {
    let (state, why) = session::colleague_standing(operation);
    let state = match state {
        OperationState::Running | OperationState::Stopping => "running",
        OperationState::Interrupted => "interrupted",
        OperationState::Done => "done",
        OperationState::Failed if operation.state == "stopped" => "stopped",
        OperationState::Failed => "failed",
        OperationState::OutcomeUnknown => "unknown",
    };
    let who = session::colleague_who(operation);
    let age = operation.opened.map(|opened| format!(", {} ago", text::age(now.duration_since(opened))));
    let said = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let title = &operation.title;
    Listed {
        id: operation.id.clone(),
        line: format!("{}  {state:<11}  {title} ({who}{}){said}", operation.id, age.unwrap_or_default()),
        value: json!({
            "id": operation.id.as_str(), "state": state, "here": false, "why": why,
            "title": title, "verb": operation.verb, "subject": operation.subject,
            "actor": operation.actor, "machine": operation.machine,
            "opened": operation.opened, "closed": operation.closed,
        }),
    }
}

fn of_journal(stored: &Stored) -> Listed {
    Listed { id: stored.id.clone(), line: line(stored), value: value(stored) }
}

fn state(stored: &Stored) -> &'static str {
    match stored.run.as_ref().map(|run| &run.progress.end) {
        Err(_) => "unreadable",
        Ok(Some(End::Done)) => "done",
        Ok(Some(End::Failed { .. })) => "failed",
        Ok(Some(End::Stopped)) => "stopped",
        Ok(None) if stored.held => "running",
        Ok(None) => "interrupted",
    }
}

fn line(stored: &Stored) -> String {
    let what = match &stored.run {
        Ok(run) => format!("{} on {}", run.plan.title, run.plan.context),
        Err(error) => describe(error),
    };
    format!("{}  {:<11}  {}", stored.id, state(stored), text::sanitize(&what))
}

fn value(stored: &Stored) -> Value {
    let mut value = json!({ "id": stored.id.as_str(), "state": state(stored), "here": true });
    match &stored.run {
        Ok(run) => {
            value["title"] = json!(run.plan.title);
            value["verb"] = json!(run.plan.verb);
            value["context"] = json!(run.plan.context);
            value["server"] = json!(run.plan.server);
            value["subject"] = json!(run.plan.subject.object.path());
            value["undoes"] = json!(run.plan.undoes);
            value["subjectUid"] = json!(run.plan.subject.uid);
            value["actor"] = json!(run.authority.who());
            value["opened"] = json!(run.opened);
            value["closed"] = json!(run.closed);
        }
        Err(error) => value["error"] = json!(describe(error)),
    }
    value
}
