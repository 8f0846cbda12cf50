//! `holdfast isolate` and `holdfast rejoin`: a workload is contained by a NetworkPolicy, or no longer.

use super::args::{Consent, Global, Isolate, Rejoin};
use super::{Exit, Failure, open, verb};
use crate::model::{Kind, Uid};
use crate::plan::{Request, backup, isolate as plan};
use crate::session::Unnamed;
use crate::text;

/// Kinds that a plan looks at.
const KINDS: &[Kind] = plan::LOOKED_AT;

pub(super) async fn isolate(global: &Global, asked: Isolate) -> Result<Exit, Failure> {
    let options = plan::Options {
        reason: Some(asked.reason),
        dns: asked.allow_dns,
        from: asked.allow_from,
        beside: asked.beside_policies,
    };
    let request = |kind, workload| Request::Isolate { kind, workload, options };
    carry_out(global, &asked.workload, &asked.consent, request).await
}

pub(super) async fn rejoin(global: &Global, asked: &Rejoin) -> Result<Exit, Failure> {
    carry_out(global, &asked.workload, &asked.consent, |kind, workload| Request::Rejoin { kind, workload }).await
}

async fn carry_out(
    global: &Global,
    path: &str,
    consent: &Consent,
    request: impl FnOnce(Kind, Uid) -> Request,
) -> Result<Exit, Failure> {
    let usage = |why: String| Failure::new(Exit::Usage, why);
    let form = "a workload is named NAMESPACE/KIND/NAME, such as shop/statefulset/db";
    let (namespace, workload) =
        path.split_once('/').ok_or_else(|| usage(format!("{}: {form}", text::sanitize(path))))?;
    text::names::validate_namespace(namespace).map_err(|error| usage(format!("{error}; {form}")))?;
    let owner = backup::Owner::parse(workload).map_err(usage)?;
    let global = verb::within(global, namespace, path)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let world = &session.desk().world;
    let Some((kind, uid)) = plan::named(world, owner.kind, namespace, &owner.name) else {
        let said = format!("{} {namespace}/{}", owner.kind.spec().kind, owner.name);
        return Err(if world.freshness(owner.kind).live() {
            Failure::new(Exit::Refused, format!("there is no {said} on {}", text::sanitize(&world.context.name)))
        } else {
            Failure::new(Exit::Unknown, format!("whether there is a {said} cannot be seen"))
        });
    };
    verb::carry_out(&mut session, request(kind, uid), consent, global.context.as_deref()).await
}
