//! From a request to the end of its operation, the same for every verb: plan, review, confirmation, run.

use std::io::IsTerminal;
use std::path::Path;

use super::args::{Consent, Global};
use super::{Exit, Failure, operations, out};
use crate::model::{Kind, Uid};
use crate::plan::{Confirmed, DryRun, OperationId, Refusal, Request, script};
use crate::session::{Event, Reviewed, Session, Unconfirmed};
use crate::text::{self, names};
use crate::view::review;

/// Plans a request, prints the plan, has it confirmed and runs it. `named` is the context as it was given on the
/// command line.
pub(super) async fn carry_out(
    session: &mut Session,
    request: Request,
    consent: &Consent,
    named: Option<&str>,
) -> Result<Exit, Failure> {
    carry_out_counted(session, request, consent, named, None).await
}

/// The same where the number of what goes may have been given as well.
pub(super) async fn carry_out_counted(
    session: &mut Session,
    request: Request,
    consent: &Consent,
    named: Option<&str>,
    count: Option<&str>,
) -> Result<Exit, Failure> {
    let reviewed = planned(session, request, !consent.dry_run).await.map_err(|refusal| refused(&refusal))?;
    carry_out_planned(session, reviewed, consent, named, count).await
}

/// The same of a plan that was made.
pub(super) async fn carry_out_planned(
    session: &mut Session,
    reviewed: Reviewed,
    consent: &Consent,
    named: Option<&str>,
    count: Option<&str>,
) -> Result<Exit, Failure> {
    let to_stdout = consent.script.as_deref().is_some_and(|file| file == Path::new("-"));
    // A script on stdout is to be run: nothing else goes there.
    print_review(&reviewed, to_stdout)?;
    if consent.dry_run {
        if let DryRun::Refused(why) = &reviewed.dry_run {
            return Err(Failure::new(Exit::Refused, format!("the API server would refuse the plan: {why}")));
        }
        if let Some(file) = &consent.script {
            write_script(&script::whole(&reviewed.plan), file, to_stdout)?;
        }
        return Ok(Exit::Fine);
    }
    let Some(confirmed) = confirm(session, reviewed, consent.yes.then_some((named, count)))? else {
        return Ok(Exit::Waiting);
    };
    let id = start(session, confirmed)?;
    operations::follow(session, &id).await
}

/// Reads `NAMESPACE/PVC`.
pub(super) fn parse_volume(volume: &str) -> Result<(String, String), Failure> {
    parse_path(volume, "a volume is named NAMESPACE/PVC")
}

/// Reads `NAMESPACE/NAME`; `form` says how that is written.
pub(super) fn parse_path(path: &str, form: &str) -> Result<(String, String), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let (namespace, name) = path.split_once('/').ok_or_else(|| usage(format!("{}: {form}", text::sanitize(path))))?;
    names::validate_namespace(namespace).map_err(|error| usage(error.to_string()))?;
    names::validate_name(name).map_err(|error| usage(error.to_string()))?;
    Ok((namespace.to_owned(), name.to_owned()))
}

/// The UID of a claim that is seen.
pub(super) fn find_claim(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
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

/// The UID of the one namespace that is looked at.
pub(super) fn find_namespace(session: &Session) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let [name] = world.context.namespaces.as_slice() else {
        return Err(Failure::new(Exit::Usage, "name a namespace with --namespace"));
    };
    if let Some(found) = world.inventory.namespaces.named(None, name) {
        return Ok(found.meta.uid());
    }
    let (name, context) = (text::sanitize(name), text::sanitize(&world.context.name));
    if world.freshness(Kind::Namespace).live() {
        return Err(Failure::new(Exit::Refused, format!("there is no namespace {name} on {context}")));
    }
    Err(Failure::new(Exit::Unknown, format!("whether there is a namespace {name} cannot be seen")))
}

/// The options of every command, looking at one namespace: the object's.
pub(super) fn within(global: &Global, namespace: &str, path: &str) -> Result<Global, Failure> {
    if global.namespace.iter().any(|other| *other != namespace) {
        let message = format!("--namespace differs from the namespace of {}", text::sanitize(path));
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(Global { namespace: vec![namespace.to_owned()], ..global.clone() })
}

/// Starts a confirmed plan.
pub(super) fn start(session: &mut Session, confirmed: Confirmed) -> Result<OperationId, Failure> {
    let started = session.start(confirmed).map_err(|refusal| refused(&refusal));
    say_unkept(session);
    started
}

/// Says on stderr that the journal does not hold what was refused or given up.
pub(super) fn say_unkept(session: &mut Session) {
    if let Some(why) = session.take_unkept() {
        out::say(format_args!("holdfast: {}", text::sanitize(&why)));
    }
}

/// Asks for a plan that is to be run, and waits for it.
pub(super) async fn plan(session: &mut Session, request: Request) -> Result<Reviewed, Failure> {
    planned(session, request, true).await.map_err(|refusal| refused(&refusal))
}

/// The same with a refusal as it is; `earnest` unless it is only looked at.
pub(super) async fn planned(session: &mut Session, request: Request, earnest: bool) -> Result<Reviewed, Refusal> {
    let ticket = if earnest { session.plan(request) } else { session.preview(request) };
    loop {
        match session.next().await {
            Event::Planned(answered, planned) if answered == ticket => {
                say_unkept(session);
                return planned.map(|reviewed| *reviewed);
            }
            Event::Planned(..)
            | Event::Changed
            | Event::Read(..)
            | Event::Exported(..)
            | Event::Log(..)
            | Event::Probed(_)
            | Event::Dialed(..)
            | Event::Decided(..)
            | Event::Over(_)
            | Event::Run(_)
            | Event::RunResumed(..)
            | Event::Contexts(_)
            | Event::NotConnected(_) => {}
        }
    }
}

/// A refusal that the session has kept.
pub(super) fn refused(refusal: &Refusal) -> Failure {
    Failure::new(Exit::Refused, format!("{refusal}\n  what would clear it: {}", refusal.clear)).kept()
}

/// Prints a plan, `aside` on stderr.
pub(super) fn print_review(reviewed: &Reviewed, aside: bool) -> Result<(), Failure> {
    let mut lines = vec![text::sanitize(&reviewed.plan.title).into_owned()];
    for section in review::review(&reviewed.plan, &reviewed.dry_run) {
        lines.push(format!("\n{}", section.heading));
        lines.extend(section.lines.iter().map(|(_, line)| format!("  {line}")));
    }
    if aside {
        lines.iter().for_each(out::say);
        return Ok(());
    }
    lines.iter().try_for_each(out::line)
}

fn write_script(script: &str, file: &Path, to_stdout: bool) -> Result<(), Failure> {
    if to_stdout {
        return out::print(script);
    }
    let write = |error| Failure::new(Exit::Refused, format!("cannot write the script to {}: {error}", file.display()));
    std::fs::write(file, script).map_err(write)?;
    out::say(format_args!("holdfast: the script is in {}; read it, then run it with sh", file.display()));
    Ok(())
}

/// The plan, confirmed by flag or by typing the names that it asks for. `None` when nobody is there to type. A flag says
/// `yes` with the context and the number of what goes as they were given on the command line.
pub(super) fn confirm(
    session: &mut Session,
    reviewed: Reviewed,
    yes: Option<(Option<&str>, Option<&str>)>,
) -> Result<Option<Confirmed>, Failure> {
    let confirmed = confirm_kept(session, reviewed, yes);
    say_unkept(session);
    confirmed
}

fn confirm_kept(
    session: &mut Session,
    reviewed: Reviewed,
    yes: Option<(Option<&str>, Option<&str>)>,
) -> Result<Option<Confirmed>, Failure> {
    session.may_confirm(&reviewed).map_err(not_confirmed)?;
    if let Some((named, count)) = yes {
        let confirmed = session.confirm(reviewed, |plan, who| plan.confirm_by_flag(named, count, who));
        return confirmed.map(Some).map_err(not_confirmed);
    }
    if !std::io::stdin().is_terminal() {
        session.abort(&reviewed.plan, "nobody was there to confirm it");
        out::say("holdfast: nobody is here to confirm; run it in a terminal, or add --yes");
        return Ok(None);
    }
    let mut typed = Vec::new();
    for proof in reviewed.plan.proofs() {
        let (said, name, context) = (proof.said(), text::sanitize(proof.name), text::sanitize(&reviewed.plan.context));
        let question = format_args!("Type {name}, {said}, to start on context {context}: ");
        let line = out::ask(question).map_err(|error| Failure::new(Exit::Refused, error))?;
        typed.push(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let confirmed = session.confirm(reviewed, |plan, who| plan.confirm_typed(&typed, who));
    confirmed.map(Some).map_err(not_confirmed)
}

/// A plan that the session has kept as not run.
pub(super) fn not_confirmed(error: Unconfirmed) -> Failure {
    Failure::new(Exit::Refused, error).kept()
}
