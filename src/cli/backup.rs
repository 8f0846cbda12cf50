//! `holdfast backup`: a snapshot of one volume.

use super::args::{Backup, Global};
use super::{Exit, Failure, open, verb};
use crate::model::Kind;
use crate::plan::Request;
use crate::plan::backup::Options;
use crate::plan::hooks::{self, Quiesce};
use crate::session::{Session, Unnamed};

/// Kinds that a plan looks at.
const KINDS: &[Kind] = &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::Pod];

pub(super) async fn run(global: &Global, backup: &Backup) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_volume(&backup.volume)?;
    let quiesce = quiesce(backup).map_err(|why| Failure::new(Exit::Usage, why))?;
    let global = verb::within(global, &namespace, &backup.volume)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let claim = verb::find_claim(&session, &namespace, &name)?;
    let request = Request::Backup { options: options(&session, backup, quiesce), claim };
    verb::carry_out(&mut session, request, &backup.consent, global.context.as_deref()).await
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
        class: backup.class.clone(),
        reason: backup.reason.clone(),
        cut_within: backup.cut_within.unwrap_or(configured.cut_within),
        ready_within: backup.ready_within.unwrap_or(configured.ready_within),
        quiesce,
    }
}
