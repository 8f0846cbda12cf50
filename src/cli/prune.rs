//! `holdfast prune`: deletes what no rule keeps, of one volume or of one after the other.

use super::args::{Global, Prune};
use super::{Exit, Failure, open, out, verb};
use crate::assess::retention::Uses;
use crate::model::{Kind, Uid};
use crate::plan::Request;
use crate::plan::prune::{LOOKED_AT, Options, Preview, preview};
use crate::session::{Session, Unnamed};
use crate::text;

pub(super) async fn run(global: &Global, prune: &Prune) -> Result<Exit, Failure> {
    if prune.all_namespaces && !global.namespace.is_empty() {
        return Err(Failure::new(Exit::Usage, "--all-namespaces and --namespace exclude each other"));
    }
    let options = Options { keep: prune.rules.keep(), minimum: prune.minimum, also_storage: prune.also_storage };
    match &prune.volume {
        Some(volume) => one(global, prune, volume, options).await,
        None if prune.all_namespaces || !global.namespace.is_empty() => all(global, prune, options).await,
        None => Err(Failure::new(Exit::Usage, "name a volume, NAMESPACE/PVC, or --namespace or --all-namespaces")),
    }
}

async fn opened(global: &Global) -> Result<Session, Failure> {
    let mut session = open::session(global, LOOKED_AT, Unnamed::All)?;
    open::settle(&mut session, LOOKED_AT).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    Ok(session)
}

async fn one(global: &Global, prune: &Prune, volume: &str, options: Options) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_volume(volume)?;
    let global = verb::within(global, &namespace, volume)?;
    let mut session = opened(&global).await?;
    let claim = verb::find_claim(&session, &namespace, &name)?;
    let world = &session.desk().world;
    if let Some(found) = world.inventory.pvcs.get(&claim) {
        let seen = preview(world, found, &options, &Uses::of(world), crate::store::now());
        let seen = seen.map_err(|refusal| verb::refused(&refusal))?;
        if seen.going().next().is_none() {
            nothing(volume, &seen)?;
            return Ok(Exit::Fine);
        }
    }
    let request = Request::Prune { claim, options };
    let (named, count) = (global.context.as_deref(), prune.count.as_deref());
    verb::carry_out_counted(&mut session, request, &prune.consent, named, count).await
}

/// Says that nothing goes, and why each copy stays.
fn nothing(volume: &str, seen: &Preview) -> Result<(), Failure> {
    let copies = text::plural(seen.decided.len(), "copy", "copies");
    out::line(format_args!("{volume}: nothing to delete; {copies} by {}", seen.keep.said()))?;
    for one in &seen.decided {
        let why = one.reasons.join("; ");
        out::line(format_args!("  stays: {}: {}", text::sanitize(&one.item.object.name), text::sanitize(&why)))?;
    }
    Ok(())
}

/// One volume after the other; what is refused of one does not keep the others.
async fn all(global: &Global, prune: &Prune, options: Options) -> Result<Exit, Failure> {
    if prune.count.is_some() {
        let message = "--count is of one volume: name it, NAMESPACE/PVC";
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut session = opened(global).await?;
    let mut worst = Exit::Fine;
    for (claim, path) in claims(&session) {
        let world = &session.desk().world;
        let Some(found) = world.inventory.pvcs.get(&claim) else { continue };
        let ruled = world.policies.policy(&found.meta).is_some_and(|policy| !policy.keep.is_empty());
        if options.keep.is_none() && !ruled {
            continue;
        }
        match preview(world, found, &options, &Uses::of(world), crate::store::now()) {
            Ok(seen) if seen.going().next().is_none() => {
                let copies = text::plural(seen.decided.len(), "copy stays", "copies stay");
                out::line(format_args!("{path}: nothing to delete; {copies}"))?;
                continue;
            }
            Ok(_) => {}
            Err(refusal) => {
                out::say(format_args!("holdfast: {}", text::sanitize(&refusal.to_string())));
                worst = worse(worst, Exit::Refused);
                continue;
            }
        }
        let request = Request::Prune { claim, options: options.clone() };
        match verb::carry_out(&mut session, request, &prune.consent, global.context.as_deref()).await {
            Ok(exit) => worst = worse(worst, exit),
            Err(failure) if failure.exit == Exit::Unread => return Err(failure),
            Err(failure) => {
                out::say(format_args!("holdfast: {}", super::describe(&*failure.error)));
                worst = worse(worst, failure.exit);
            }
        }
    }
    Ok(worst)
}

/// Every claim that is seen, by its path.
fn claims(session: &Session) -> Vec<(Uid, String)> {
    let claims = session.desk().world.inventory.pvcs.iter();
    let mut claims: Vec<_> = claims.map(|claim| (claim.meta.uid(), claim.meta.reference(Kind::Pvc).path())).collect();
    claims.sort_by(|a, b| a.1.cmp(&b.1));
    claims
}

/// The exit code that says more: what failed, then what is not known, then what waits.
pub(super) fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Fine => 0,
        Exit::Waiting => 1,
        Exit::Unknown => 2,
        Exit::Usage | Exit::Refused | Exit::Unread => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}
