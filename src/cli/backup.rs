//! `holdfast backup`: the same plan, review and run as in the console.

use std::io::IsTerminal;

use super::args::{Backup, Global};
use super::{Exit, Failure, open, operations, out};
use crate::model::{Kind, Uid};
use crate::plan::backup::Options;
use crate::plan::{Confirmed, DryRun};
use crate::session::{Event, Reviewed, Session, Unnamed};
use crate::text::{self, names};
use crate::view::review;

/// Kinds that a plan looks at.
const KINDS: &[Kind] = &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::Pod];

pub(super) async fn run(global: &Global, backup: &Backup) -> Result<Exit, Failure> {
    let (namespace, name) = parse(&backup.volume)?;
    let mut global = global.clone();
    if global.namespace.iter().any(|other| *other != namespace) {
        let message = format!("--namespace differs from the namespace of {}", backup.volume);
        return Err(Failure::new(Exit::Usage, message));
    }
    global.namespace = vec![namespace.clone()];
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let claim = find(&session, &namespace, &name)?;
    let options = options(&session, backup);
    let reviewed = plan(&mut session, &claim, options).await?;
    print_review(&reviewed)?;
    if let DryRun::Refused(why) = &reviewed.dry_run {
        return Err(Failure::new(Exit::Refused, format!("the API server would refuse the plan: {why}")));
    }
    if backup.dry_run {
        return Ok(Exit::Fine);
    }
    let Some(confirmed) = confirm(&session, reviewed, backup.yes, global.context.as_deref())? else {
        return Ok(Exit::Waiting);
    };
    let id = session.start(confirmed).map_err(|refusal| refused(&refusal))?;
    operations::follow(&mut session, &id).await
}

fn parse(volume: &str) -> Result<(String, String), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let (namespace, name) = volume
        .split_once('/')
        .ok_or_else(|| usage(format!("{}: a volume is named NAMESPACE/PVC", text::sanitize(volume))))?;
    names::validate_namespace(namespace).map_err(|error| usage(error.to_string()))?;
    names::validate_name(name).map_err(|error| usage(error.to_string()))?;
    Ok((namespace.to_owned(), name.to_owned()))
}

fn options(session: &Session, backup: &Backup) -> Options {
    let configured = session.desk().backup.clone();
    Options {
        class: backup.class.clone(),
        reason: backup.reason.clone(),
        cut_within: backup.cut_within.unwrap_or(configured.cut_within),
        ready_within: backup.ready_within.unwrap_or(configured.ready_within),
    }
}

fn find(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let claim = world.claim(&(namespace.into(), name.into()));
    claim.map(|claim| claim.meta.uid()).ok_or_else(|| {
        if world.freshness(Kind::Pvc).live() {
            let message = format!(
                "there is no PersistentVolumeClaim {namespace}/{name} on {}; `holdfast get volumes -n {namespace}` lists them",
                world.context.name
            );
            Failure::new(Exit::Refused, message)
        } else {
            Failure::new(Exit::Unknown, format!("whether there is a volume {namespace}/{name} cannot be seen"))
        }
    })
}

async fn plan(session: &mut Session, claim: &Uid, options: Options) -> Result<Reviewed, Failure> {
    let ticket = session.plan_backup(claim, options);
    loop {
        match session.next().await {
            Event::Planned(answered, planned) if answered == ticket => {
                return planned.map(|reviewed| *reviewed).map_err(|refusal| refused(&refusal));
            }
            Event::Planned(..)
            | Event::Changed
            | Event::Read(..)
            | Event::Log(..)
            | Event::Over(_)
            | Event::Contexts(_)
            | Event::NotConnected(_) => {}
        }
    }
}

pub(super) fn refused(refusal: &crate::plan::Refusal) -> Failure {
    Failure::new(Exit::Refused, format!("{refusal}\n  what would clear it: {}", refusal.clear))
}

fn print_review(reviewed: &Reviewed) -> Result<(), Failure> {
    out::line(&reviewed.plan.title)?;
    for section in review::review(&reviewed.plan, &reviewed.dry_run) {
        out::line(format_args!("\n{}", section.heading))?;
        section.lines.iter().try_for_each(|(_, line)| out::line(format_args!("  {line}")))?;
    }
    Ok(())
}

/// The plan, confirmed by flag or by typing the names that it asks for. `None` when nobody is there to type. `named` is
/// the context as it was given on the command line.
fn confirm(
    session: &Session,
    reviewed: Reviewed,
    yes: bool,
    named: Option<&str>,
) -> Result<Option<Confirmed>, Failure> {
    let not_confirmed = |error| Failure::new(Exit::Refused, format!("{error}; nothing was done"));
    let who = session.desk().world.context.user.as_deref().unwrap_or("unknown").to_owned();
    if session.desk().world.context.read_only {
        let message = "this console is read-only; the plan was printed and nothing was done";
        return Err(Failure::new(Exit::Refused, message));
    }
    if yes {
        return reviewed.plan.confirm_by_flag(named, &who).map(Some).map_err(not_confirmed);
    }
    if !std::io::stdin().is_terminal() {
        out::say("holdfast: nobody is here to confirm; run it in a terminal, or add --yes");
        return Ok(None);
    }
    let mut typed = Vec::new();
    for proof in reviewed.plan.proofs() {
        let (of, name, context) = (proof.of, text::sanitize(proof.name), text::sanitize(&reviewed.plan.context));
        let question = format_args!("Type {name}, the name of the {of}, to start on context {context}: ");
        let line = out::ask(question).map_err(|error| Failure::new(Exit::Refused, error))?;
        typed.push(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    reviewed.plan.confirm_typed(&typed, &who).map(Some).map_err(not_confirmed)
}
