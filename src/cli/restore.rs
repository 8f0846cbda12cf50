//! `holdfast restore`: a new volume from a restore point.

use jiff::Timestamp;

use super::args::{Global, Restore};
use super::{Exit, Failure, open, verb};
use crate::assess::copies::copies;
use crate::model::{Kind, Uid, VolumeSnapshot, annotation};
use crate::plan::Request;
use crate::plan::restore::Options;
use crate::session::{Session, Unnamed};
use crate::text::{self, names};

/// Kinds that a plan looks at, and those that say which volume a restore point is of.
pub(super) const KINDS: &[Kind] = &[
    Kind::Pvc,
    Kind::Pv,
    Kind::VolumeSnapshot,
    Kind::Content,
    Kind::StorageClass,
    Kind::GroupSnapshot,
    Kind::GroupContent,
];

pub(super) async fn run(global: &Global, restore: &Restore) -> Result<Exit, Failure> {
    let chosen = restore.latest || restore.before.is_some();
    let form = match () {
        () if chosen => "a volume is named NAMESPACE/PVC",
        () if restore.set => "a set is named NAMESPACE/SET",
        () => "a restore point is named NAMESPACE/SNAPSHOT",
    };
    let (namespace, name) = verb::parse_path(&restore.point, form)?;
    let global = verb::within(global, &namespace, &restore.point)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let snapshot = match () {
        () if chosen => newest(&session, &namespace, &name, restore.before)?,
        () if restore.set => first_of_set(&session, &namespace, &name)?,
        () => named(&session, &namespace, &name)?,
    };
    let set = restore.set.then_some(name);
    let request = Request::Restore { snapshot, options: Options { set, ..options(restore) } };
    verb::carry_out(&mut session, request, &restore.consent, global.context.as_deref()).await
}

fn options(restore: &Restore) -> Options {
    let defaults = Options::default();
    Options {
        set: None,
        to: restore.to.clone(),
        class: restore.class.clone(),
        size: restore.size,
        bound_within: restore.bound_within.unwrap_or(defaults.bound_within),
    }
}

/// The snapshot of this name.
pub(super) fn named(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    if let Some(snapshot) = world.inventory.snapshots.named(Some(&namespace.into()), &name.into()) {
        return Ok(snapshot.meta.uid());
    }
    if !world.freshness(Kind::VolumeSnapshot).live() {
        let message = format!("whether there is a snapshot {namespace}/{name} cannot be seen");
        return Err(Failure::new(Exit::Unknown, message));
    }
    let hint = match world.claim(&(namespace.into(), name.into())) {
        Some(_) => format!("{name} is a volume: --latest or --before TIME restores from one of its restore points"),
        None => format!("`holdfast get restore-points -n {namespace}` lists them"),
    };
    let message = format!("there is no VolumeSnapshot {namespace}/{name} on {}; {hint}", world.context.name);
    Err(Failure::new(Exit::Refused, message))
}

/// A member of the set of this id.
fn first_of_set(session: &Session, namespace: &str, set: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let of_it = |snapshot: &&VolumeSnapshot| {
        snapshot.meta.namespace() == namespace && snapshot.meta.label(annotation::SET) == Some(set)
    };
    let mut members: Vec<_> = world.inventory.snapshots.iter().filter(of_it).collect();
    members.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    members.first().map(|member| member.meta.uid()).ok_or_else(|| {
        let message = format!(
            "no restore point of {namespace} on {} is of a set {set}; sets are called after the operations that cut \
             them, which `holdfast operations list` shows",
            world.context.name
        );
        Failure::new(Exit::Refused, message)
    })
}

/// The newest good snapshot of a volume's data, cut before a moment where one is given.
fn newest(session: &Session, namespace: &str, name: &str, before: Option<Timestamp>) -> Result<Uid, Failure> {
    let uid = verb::find_claim(session, namespace, name)?;
    let world = &session.desk().world;
    let Some(claim) = world.inventory.pvcs.get(&uid) else {
        return Err(Failure::new(Exit::Refused, format!("volume {namespace}/{name} is gone")));
    };
    let copies = copies(world, claim, crate::store::now());
    let good = copies.good.iter().filter(|(copy, _)| copy.object.kind == Kind::VolumeSnapshot);
    let mut fitting = good.filter(|(_, cut)| before.is_none_or(|before| *cut < before));
    if let Some((copy, _)) = fitting.next() {
        return Ok(copy.uid.clone());
    }
    let when = before.map(|before| format!(" cut before {before}")).unwrap_or_default();
    let others = match copies.uncertain.first() {
        Some((copy, why)) => format!("; {} is not certain: {}", copy.object.name, text::sanitize(&why.text)),
        None => String::new(),
    };
    let message = format!(
        "volume {namespace}/{name} has no good snapshot{when}{others}\n  `holdfast get restore-points -n {namespace}` lists what there is"
    );
    Err(Failure::new(Exit::Refused, message))
}

/// Reads a moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let misread = |_| format!("\"{}\" is not a moment; write one such as 2026-03-01T12:00:00Z", text::sanitize(text));
    text.trim().parse().map_err(misread)
}

/// Reads the name of a claim that is to be made.
pub(super) fn name(text: &str) -> Result<String, String> {
    names::validate_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}
