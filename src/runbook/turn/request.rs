//! What a step of a runbook asks to be planned.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Looked, unknown};
use crate::assess::succession::Phase;
use crate::model::{ClaimKey, Kind, Uid, World};
use crate::plan::{Defaults, FormSpec, Request, Verb, backup, isolate, succession};
use crate::runbook::book::PlanStep;
use crate::runbook::words::Values;
use crate::runbook::{Next, ca};
use crate::text;

/// What a step asks to be planned, or what has to come first.
///
/// # Errors
/// When its object is not seen, or what it chose is wrong.
pub(super) fn request(
    plan: &PlanStep,
    values: &Values,
    (world, defaults): (&World, &Defaults),
    answer: Option<&str>,
    now: Timestamp,
) -> Result<Next, Looked> {
    let of = plan.of.filled(values).map_err(|place| Looked::Wrong(unknown(&place)))?;
    let mut with = BTreeMap::new();
    for (field, words) in &plan.with {
        with.insert(field.clone(), words.filled(values).map_err(|place| Looked::Wrong(unknown(&place)))?);
    }
    if PlanStep::of_workload(plan.verb) {
        let (kind, workload) = workload(world, &of)?;
        let request = match plan.verb {
            Verb::Isolate => Request::Isolate { kind, workload, options: isolate::Options::default() },
            _ => Request::Rejoin { kind, workload },
        };
        return Ok(Next::Plan(Box::new(chosen(request, world, &with)?)));
    }
    let subject = match resolve(world, plan.verb, &of) {
        Err(missing) if plan.verb == Verb::RotateCa => return rotated(world, &of, now).ok_or(missing),
        subject => subject?,
    };
    if plan.verb == Verb::RotateCa {
        return rotate_ca(world, &subject, &with, answer, now);
    }
    let request = Request::new(plan.verb, &subject, defaults);
    let request = request.ok_or_else(|| Looked::Wrong(format!("a runbook cannot ask for {}", plan.verb)))?;
    Ok(Next::Plan(Box::new(chosen(request, world, &with)?)))
}

/// A request with what was chosen beforehand.
fn chosen(request: Request, world: &World, with: &BTreeMap<String, String>) -> Result<Request, Looked> {
    if with.is_empty() {
        return Ok(request);
    }
    let Some(form) = request.form(world) else {
        // What stands in the way of a form stands in the way of the plan too, which says it better.
        return Ok(request);
    };
    let filled = form.answered(with).map_err(Looked::Wrong)?;
    request.filled(&filled).map_err(Looked::Wrong)
}

/// The end of a CA's rotation, which takes its Secret away: the one that took its place says that this is why.
fn rotated(world: &World, of: &str, now: Timestamp) -> Option<Next> {
    let (namespace, name) = of.split_once('/')?;
    let standing = ca::standing(world, &(namespace.into(), name.into()), &succession::Options::default(), now);
    Some(standing.next).filter(|next| matches!(next, Next::Done(_)))
}

/// The phase of a CA's rotation that comes next.
fn rotate_ca(
    world: &World,
    subject: &Uid,
    with: &BTreeMap<String, String>,
    answer: Option<&str>,
    now: Timestamp,
) -> Result<Next, Looked> {
    let of_phase = |phase| Request::RotateCa {
        secret: subject.clone(),
        options: succession::Options { phase, ..succession::Options::default() },
    };
    let forms = [Phase::Make, Phase::Trust, Phase::Prove].map(|phase| of_phase(phase).form(world));
    let mut fields = Vec::new();
    for field in forms.into_iter().flatten().flat_map(|form| form.fields) {
        if fields.iter().all(|known: &crate::plan::Field| known.id != field.id) {
            fields.push(field);
        }
    }
    let form = FormSpec { title: String::new(), fields };
    let filled = form.answered(with).map_err(Looked::Wrong)?;
    let options = succession::options(&filled, &succession::Options::default()).map_err(Looked::Wrong)?;
    let meta = world.inventory.meta(Kind::TlsSecret, subject);
    let key: ClaimKey =
        meta.map(|meta| (meta.namespace.clone().unwrap_or_default(), meta.name.clone())).unwrap_or_default();
    let standing = ca::standing(world, &key, &options, now);
    let attested = answer.and_then(|answer| ca::attest(world, &standing, answer, &options));
    Ok(attested.map_or(standing.next, |request| Next::Plan(Box::new(request))))
}

/// The object that a step means: `NAMESPACE/NAME`, or the name of what is in no namespace. Renewing takes the Secret of a
/// Certificate for it too, which is what lists of certificates name.
///
/// # Errors
/// When it is not there, or not seen.
pub fn resolve(world: &World, verb: Verb, of: &str) -> Result<Uid, Looked> {
    let kind = PlanStep::kind(verb).ok_or_else(|| Looked::Wrong(format!("a runbook cannot ask for {verb}")))?;
    let (namespace, name) = match of.split_once('/') {
        Some((namespace, name)) if kind.spec().namespaced => (namespace, name),
        None if !kind.spec().namespaced => ("", of),
        _ => {
            let shown = text::sanitize(of);
            return Err(Looked::Wrong(format!(
                "\"{shown}\" names no {}; it is written NAMESPACE/NAME",
                kind.spec().kind
            )));
        }
    };
    let key: ClaimKey = (namespace.into(), name.into());
    named(world, kind, &key).ok_or_else(|| missing(world, kind, of))
}

/// The workload that a step means: `NAMESPACE/KIND/NAME`.
fn workload(world: &World, of: &str) -> Result<(Kind, Uid), Looked> {
    let shown = || text::sanitize(of).into_owned();
    let misread = |_| Looked::Wrong(format!("\"{}\" names no workload; it is written NAMESPACE/KIND/NAME", shown()));
    let (namespace, owner) = of.split_once('/').unwrap_or_default();
    let owner = backup::Owner::parse(owner).map_err(misread)?;
    let found = isolate::named(world, owner.kind, namespace, &owner.name);
    found.ok_or_else(|| missing(world, owner.kind, &format!("{namespace}/{}", owner.name)))
}

fn named(world: &World, kind: Kind, key: &ClaimKey) -> Option<Uid> {
    let inventory = &world.inventory;
    let (namespace, name) = (Some(&key.0), &key.1);
    match kind {
        Kind::Pvc => inventory.pvcs.named(namespace, name).map(|claim| claim.meta.uid()),
        Kind::VolumeSnapshot => inventory.snapshots.named(namespace, name).map(|snapshot| snapshot.meta.uid()),
        Kind::TlsSecret => inventory.tls_secrets.named(namespace, name).map(|secret| secret.meta.uid()),
        Kind::Namespace => inventory.namespaces.named(None, name).map(|namespace| namespace.meta.uid()),
        Kind::Certificate => {
            let certificates = &inventory.certificates;
            let by_secret =
                || certificates.iter().find(|one| one.meta.namespace.as_ref() == namespace && one.secret == *name);
            certificates.named(namespace, name).or_else(by_secret).map(|certificate| certificate.meta.uid())
        }
        _ => None,
    }
}

fn missing(world: &World, kind: Kind, of: &str) -> Looked {
    let (word, shown) = (kind.spec().kind, text::sanitize(of));
    if world.freshness(kind).live() {
        Looked::Wrong(format!("there is no {word} {shown}"))
    } else {
        Looked::Unseen(format!("whether there is a {word} {shown} is not seen"))
    }
}
