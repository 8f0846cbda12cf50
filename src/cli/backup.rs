//! `holdfast backup`: snapshots of one volume, of a workload's, or of those that labels select.

use super::args::{Backup, Global, Labels};
use super::{Exit, Failure, open, verb};
use crate::model::{Kind, Uid};
use crate::plan::backup::{Options, Scope, WORKLOADS};
use crate::plan::hooks::{self, Quiesce};
use crate::plan::{self, Request};
use crate::session::{Session, Unnamed};

/// Kinds that a plan looks at.
const KINDS: &[Kind] = &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::Pod];

pub(super) async fn run(global: &Global, backup: &Backup) -> Result<Exit, Failure> {
    let quiesce = quiesce(backup).map_err(|why| Failure::new(Exit::Usage, why))?;
    let (mut session, claim) = if let Some(volume) = &backup.volume {
        let (namespace, name) = verb::parse_volume(volume)?;
        let session = opened(&verb::within(global, &namespace, volume)?, KINDS.to_vec()).await?;
        let claim = verb::find_claim(&session, &namespace, &name)?;
        (session, claim)
    } else {
        let [namespace] = global.namespace.as_slice() else {
            return Err(Failure::new(Exit::Usage, "a set is of one namespace: name it once, with --namespace"));
        };
        // Names of pods' owners lead from Deployments to claims by way of ReplicaSets.
        let more = WORKLOADS.into_iter().chain([Kind::ReplicaSet]).filter(|_| backup.workload.is_some());
        let session = opened(global, KINDS.iter().copied().chain(more).collect()).await?;
        let claim = first(&session, namespace, backup)?;
        (session, claim)
    };
    let request = Request::Backup { options: options(&session, backup, quiesce), claim };
    verb::carry_out(&mut session, request, &backup.consent, global.context.as_deref()).await
}

async fn opened(global: &Global, kinds: Vec<Kind>) -> Result<Session, Failure> {
    let mut session = open::session(global, &kinds, Unnamed::All)?;
    open::settle(&mut session, &kinds).await?;
    open::warn_of_blind_spots(&session, &kinds);
    Ok(session)
}

fn scope(backup: &Backup) -> Scope {
    match (&backup.workload, &backup.selector) {
        (Some(owner), _) => Scope::Workload(owner.clone()),
        (None, Some(labels)) => Scope::Selected(labels.clone()),
        (None, None) => Scope::Volume,
    }
}

/// The first claim of a set.
fn first(session: &Session, namespace: &str, backup: &Backup) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let what = match &backup.workload {
        Some(owner) => format!("volume of {owner}"),
        None => "volume with these labels".to_owned(),
    };
    scope(backup).first(world, namespace).ok_or_else(|| {
        if world.freshness(Kind::Pvc).live() {
            let message = format!(
                "there is no {what} in {namespace} on {}; `holdfast get volumes -n {namespace}` lists what there is",
                world.context.name
            );
            Failure::new(Exit::Refused, message)
        } else {
            Failure::new(Exit::Unknown, format!("whether there is a {what} in {namespace} cannot be seen"))
        }
    })
}

/// Reads labels that select volumes.
pub(super) fn labels(text: &str) -> Result<Labels, String> {
    let labels = plan::labels(text)?;
    if labels.is_empty() { Err("needs at least one label, such as app=db".to_owned()) } else { Ok(labels) }
}

fn quiesce(backup: &Backup) -> Result<Option<Quiesce>, String> {
    let hooks = &backup.hooks;
    hooks::chosen(&hooks::Words {
        consistency: backup.consistency.clone(),
        hooks: hooks.hooks.clone(),
        pre: hooks.pre.clone(),
        post: hooks.post.clone(),
        container: hooks.container.clone(),
        timeout: hooks.hook_timeout,
        at_most: hooks.quiesce_at_most,
    })
}

fn options(session: &Session, backup: &Backup, quiesce: Option<Quiesce>) -> Options {
    let configured = session.desk().defaults.backup.clone();
    Options {
        scope: scope(backup),
        together: backup.together,
        class: backup.class.clone(),
        reason: backup.reason.clone(),
        cut_within: backup.cut_within.unwrap_or(configured.cut_within),
        ready_within: backup.ready_within.unwrap_or(configured.ready_within),
        quiesce,
    }
}
