//! How many certificates are agreed to at once, and whether it goes on after the first.

use std::io::IsTerminal;

use crate::cli::args::Reissue;
use crate::cli::{Exit, Failure, out};
use crate::model::Uid;
use crate::plan::{Agreed, Mandate};
use crate::runbook::bulk::NAME;
use crate::session::Session;
use crate::text;

/// What is typed to go on after the first.
const GO_ON: &str = "go on";

/// All of it confirmed, by flag or by typing what it asks for. `None` when nobody is there to type.
pub(super) fn agreed(
    session: &Session,
    subjects: Vec<Uid>,
    asked: &Reissue,
    named: Option<&str>,
) -> Result<Option<Agreed>, Failure> {
    let context = &session.desk().world.context;
    let not_confirmed = |error| Failure::new(Exit::Refused, format!("{error}; nothing was done"));
    let who = context.user.as_deref().unwrap_or("unknown");
    let mandate = Mandate::new(NAME, context, subjects);
    if asked.yes {
        let agreed = mandate.confirm_by_flag(named, asked.count.as_deref(), who);
        return agreed.map(Some).map_err(not_confirmed);
    }
    if !std::io::stdin().is_terminal() {
        out::say("holdfast: nobody is here to confirm; run it in a terminal, or add --yes --count N");
        return Ok(None);
    }
    let mut typed = Vec::new();
    for proof in mandate.proofs() {
        let (said, name, context) = (proof.said(), text::sanitize(proof.name), text::sanitize(&context.name));
        typed.push(answer(&format!("Type {name}, {said}, to start on context {context}: "))?);
    }
    mandate.confirm_typed(&typed, who).map(Some).map_err(not_confirmed)
}

/// Whether it goes on after the first. What was confirmed beforehand needs nobody.
pub(super) async fn goes_on(asked: &Reissue) -> Result<bool, Failure> {
    if asked.yes {
        return Ok(true);
    }
    let question = format!("Type {GO_ON} to go on with the others; anything else stops here: ");
    // Ctrl-c was listened to since the first began, and would be heard by nobody here.
    let typed = tokio::task::spawn_blocking(move || answer(&question));
    tokio::select! {
        typed = typed => typed.map_err(|error| Failure::new(Exit::Refused, error))?.map(|typed| typed == GO_ON),
        _ = tokio::signal::ctrl_c() => Ok(false),
    }
}

fn answer(question: &str) -> Result<String, Failure> {
    let line = out::ask(question).map_err(|error| Failure::new(Exit::Refused, error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
