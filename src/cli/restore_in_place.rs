//! `holdfast restore-in-place`: another volume for a claim, under its own name.

use super::args::{Global, RestoreInPlace};
use super::{Exit, Failure, open, verb};
use crate::model::Kind;
use crate::plan::Request;
use crate::plan::swap::{self, From, Options};
use crate::session::{Session, Unnamed};

/// Kinds that a plan looks at.
const KINDS: &[Kind] =
    &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::StorageClass, Kind::Pod];

pub(super) async fn run(global: &Global, asked: &RestoreInPlace) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_volume(&asked.volume)?;
    let mut global = global.clone();
    if global.namespace.iter().any(|other| *other != namespace) {
        let message = format!("--namespace differs from the namespace of {}", asked.volume);
        return Err(Failure::new(Exit::Usage, message));
    }
    global.namespace = vec![namespace.clone()];
    let from = from(asked).map_err(|why| Failure::new(Exit::Usage, why))?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let claim = verb::find_claim(&session, &namespace, &name)?;
    let request = Request::RestoreInPlace { options: options(&session, asked, from), claim };
    verb::carry_out(&mut session, request, &asked.consent, global.context.as_deref()).await
}

fn from(asked: &RestoreInPlace) -> Result<Option<From>, String> {
    let kept = asked.from_volume.as_ref().map(|name| format!("volume/{name}"));
    let set = asked.set.as_ref().map(|id| format!("set/{id}"));
    let text = asked.from.as_ref().filter(|name| !name.contains('/')).or(kept.as_ref()).or(set.as_ref());
    match text {
        Some(text) => swap::from_text(text).map(Some),
        None => Err("a restore point is named without its namespace".to_owned()),
    }
}

fn options(session: &Session, asked: &RestoreInPlace, from: Option<From>) -> Options {
    let begun = session.desk().defaults.swap.clone();
    Options {
        from,
        reason: asked.reason.clone(),
        class: asked.class.clone(),
        not_replicated: asked.not_replicated,
        accept_image_change: asked.accept_image_change,
        gitops_paused: asked.gitops_paused,
        trial_image: asked.trial_image.clone(),
        stage_within: asked.stage_within.unwrap_or(begun.stage_within),
        stop_within: asked.stop_within.unwrap_or(begun.stop_within),
        detach_within: asked.detach_within.unwrap_or(begun.detach_within),
        cut_within: asked.cut_within.unwrap_or(begun.cut_within),
        ready_within: asked.ready_within.unwrap_or(begun.ready_within),
        keep: asked.keep.unwrap_or(begun.keep),
    }
}
