//! `holdfast hold` and `holdfast release`: one copy is kept from being deleted, or no longer.

use super::args::{Consent, Global, Hold, Release};
use super::{Exit, Failure, open, verb};
use crate::model::{Kind, Uid};
use crate::plan::Request;
use crate::plan::hold::Options;
use crate::session::{Session, Unnamed};

/// Kinds that a plan looks at.
const KINDS: &[Kind] = &[Kind::VolumeSnapshot, Kind::Content, Kind::VeleroBackup];

pub(super) async fn hold(global: &Global, hold: Hold) -> Result<Exit, Failure> {
    let options = Options { reason: Some(hold.reason), until: hold.until };
    carry_out(global, &hold.snapshot, &hold.consent, |snapshot| Request::Hold { snapshot, options }).await
}

pub(super) async fn release(global: &Global, release: &Release) -> Result<Exit, Failure> {
    carry_out(global, &release.snapshot, &release.consent, |snapshot| Request::Release { snapshot }).await
}

async fn carry_out(
    global: &Global,
    path: &str,
    consent: &Consent,
    request: impl FnOnce(Uid) -> Request,
) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(path, "a restore point is named NAMESPACE/VOLUMESNAPSHOT")?;
    let global = verb::within(global, &namespace, path)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let snapshot = find(&session, &namespace, &name)?;
    verb::carry_out(&mut session, request(snapshot), consent, global.context.as_deref()).await
}

fn find(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    if let Some(found) = world.inventory.snapshots.named(Some(&namespace.into()), &name.into()) {
        return Ok(found.meta.uid());
    }
    if world.freshness(Kind::VolumeSnapshot).live() {
        let list = format!("`holdfast get restore-points -n {namespace}` lists them");
        let message = format!("there is no VolumeSnapshot {namespace}/{name} on {}; {list}", world.context.name);
        return Err(Failure::new(Exit::Refused, message));
    }
    Err(Failure::new(Exit::Unknown, format!("whether there is a VolumeSnapshot {namespace}/{name} cannot be seen")))
}
