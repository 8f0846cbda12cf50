//! Commands that end refused before a plan was asked for: an object that is not there, read-only mode. What the session
//! refuses it keeps itself; this keeps the rest, so that everything that somebody asked for in earnest is in the journal.

use super::args::{Command, Global, Operations};
use super::{Exit, Failure, out};
use crate::cluster;
use crate::config::{self, USER_ENV, state_directory};
use crate::engine;
use crate::journal::{Asked, Note};
use crate::store::Store;
use crate::text;

/// What a command was asked to do.
pub(super) struct Earnest {
    verb: &'static str,
    object: String,
}

/// What is asked for in earnest: a command that changes something, and not only to see what it would do.
pub(super) fn asked(command: Option<&Command>) -> Option<Earnest> {
    let (verb, object, looks_only) = match command? {
        Command::Backup(asked) => {
            let several = asked.workload.as_ref().map(ToString::to_string);
            (
                "backup",
                asked.volume.clone().or(several).unwrap_or_else(|| "volumes by label".into()),
                asked.consent.dry_run,
            )
        }
        Command::Restore(asked) => ("restore", asked.point.clone(), asked.consent.dry_run),
        Command::Drill(asked) => ("drill", asked.point.clone(), asked.consent.dry_run),
        Command::Import(asked) => ("import", asked.bundle.display().to_string(), asked.consent.dry_run),
        Command::Prune(asked) => {
            ("prune", asked.volume.clone().unwrap_or_else(|| "all volumes".into()), asked.consent.dry_run)
        }
        Command::Hold(asked) => ("hold", asked.snapshot.clone(), asked.consent.dry_run),
        Command::Release(asked) => ("release", asked.snapshot.clone(), asked.consent.dry_run),
        Command::Sweep(asked) => ("sweep", "a namespace".to_owned(), asked.consent.dry_run),
        Command::Renew(asked) => ("renew", asked.certificate.clone(), asked.consent.dry_run),
        Command::Rotate(asked) => ("rotate", asked.secret.clone(), asked.consent.dry_run),
        Command::RotateCa(asked) => ("rotate-ca", asked.secret.clone(), asked.consent.dry_run || asked.status),
        Command::Reissue(asked) => ("reissue", asked.filter.clone(), asked.dry_run || asked.status),
        Command::Reconcile(asked) => ("reconcile", "what policies ask for".to_owned(), asked.dry_run),
        Command::RestoreInPlace(asked) => ("restore-in-place", asked.volume.clone(), asked.consent.dry_run),
        Command::Triage(asked) => ("triage", asked.findings.join(" "), asked.state.is_none()),
        Command::Operations(Operations::Resume { id }) => ("resume", format!("operation {id}"), false),
        Command::Operations(Operations::Stop { id }) => ("stop", format!("operation {id}"), false),
        Command::Operations(Operations::Undo { id, consent }) => ("undo", format!("operation {id}"), consent.dry_run),
        _ => return None,
    };
    (!looks_only).then_some(Earnest { verb, object })
}

/// Keeps that a command ended refused, unless the journal has it already.
pub(super) fn keep(global: &Global, asked: Option<Earnest>, ended: &Result<Exit, Failure>) {
    let (Some(asked), Err(failure)) = (asked, ended) else { return };
    if failure.exit != Exit::Refused || failure.kept {
        return;
    }
    let note = Note::Refused { asked: named(global, asked), why: text::chain(&*failure.error) };
    let kept = state_directory()
        .map_err(|error| text::chain(&error))
        .and_then(|state| Store::open(&state).and_then(|store| store.note(note)).map_err(|error| text::chain(&error)));
    if let Err(why) = kept {
        out::say(format_args!("holdfast: the journal does not hold what was not done: {}", text::sanitize(&why)));
    }
}

/// What was asked for, by whom and where, as far as that is known without a connection.
fn named(global: &Global, asked: Earnest) -> Asked {
    let current = || {
        let known = cluster::contexts(global.kubeconfig.as_deref()).unwrap_or_default();
        known.into_iter().find(|context| context.current).map(|context| context.name)
    };
    let user = config::variable(USER_ENV).map(|name| name.to_string_lossy().into_owned());
    Asked {
        verb: asked.verb.to_owned(),
        object: asked.object,
        uid: None,
        who: format!("{} on {}", user.unwrap_or_else(|| "somebody".to_owned()), engine::host()),
        context: global.context.clone().or_else(current).unwrap_or_default(),
        server: String::new(),
    }
}
