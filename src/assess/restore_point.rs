//! Whether a copy can be restored from, when it was cut, and which volume it is of.
//!
//! *Cut* and *ready* are different facts. A copy belongs to a volume by driver and volume handle, never by the name
//! of a claim alone: another claim may have had that name.

use std::sync::Arc;

use jiff::Timestamp;

use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{
    CertManagerCertificate, Content, ContentSource, HandleKey, Kind, Pvc, SnapshotSource, Uid, VeleroBackup,
    VeleroItem, VolumeSnapshot, World, annotation,
};

/// What can be said of one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RestorePointState {
    /// Restorable: ready, both sides agree, and the storage system has it.
    Good,
    /// Called ready by an import that nobody checked.
    Unverified,
    /// Cut but not ready.
    NotReady,
    /// Not cut yet.
    Pending,
    /// The driver or product reports an error. Not always the end: controllers try again.
    Failed,
    /// On its way out.
    Deleting,
    /// The snapshot and its content do not point at each other.
    Mismatched,
    /// Not known.
    Unknown,
}

impl RestorePointState {
    /// One word for a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Unverified => "Unverified",
            Self::NotReady => "NotReady",
            Self::Pending => "Pending",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
            Self::Mismatched => "Mismatched",
            Self::Unknown => "Unknown",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::Good => Severity::Ok,
            Self::NotReady | Self::Pending | Self::Deleting => Severity::Info,
            Self::Failed | Self::Mismatched => Severity::Warn,
            Self::Unverified | Self::Unknown => Severity::Unknown,
        }
    }
}

/// Which volume a copy is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// The claim with this UID, for certain.
    Claim(Uid),
    /// A volume that no claim is bound to any more.
    Gone,
    /// It names a claim, and nothing proves that it was this one.
    ByNameOnly(Arc<str>),
    /// Not known.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Whether a snapshot can be restored from: ready, bound both ways by UID, not being deleted, and with a handle.
/// Source: the `VolumeSnapshot` API ("consumers must verify binding") and what external-provisioner demands.
pub fn good(world: &World, snapshot: &VolumeSnapshot, now: Timestamp) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    if snapshot.meta.deleting.is_some() {
        return of_pair(snapshot, None);
    }
    let contents = Sight::all(world, Kind::Content, now);
    let snapshots = Sight::within(world, Kind::VolumeSnapshot, snapshot.meta.namespace.as_ref(), now);
    let judged = match world.content(snapshot) {
        None if snapshot.ready == Some(true) => unbound(world, snapshot, &contents),
        content => of_pair(snapshot, content),
    };
    let judged = [&contents, &snapshots]
        .into_iter()
        .filter_map(Sight::recent)
        .fold(judged, |judged, (until, reason)| judged.because(reason.clone()).until(until));
    let blind = [&snapshots, &contents].into_iter().find_map(Sight::blind);
    match (judged.value, blind) {
        (State::Good | State::Unverified, Some(blind)) => Judgement::new(State::Unknown).because(blind.clone()),
        _ => judged,
    }
}

/// The same of a snapshot and its content that were both read just now; `None` when the server has no such content.
pub fn of_pair(snapshot: &VolumeSnapshot, content: Option<&Content>) -> Judgement<RestorePointState> {
    if let Some(deleting) = snapshot.meta.deleting {
        return Judgement::new(RestorePointState::Deleting).because(waiting(deleting, &snapshot.meta.finalizers));
    }
    match (content, snapshot.ready) {
        // The content is often the only place that has the driver's error.
        (_, Some(false) | None) => unready(snapshot, content),
        (None, Some(true)) => contentless(snapshot),
        (Some(content), Some(true)) => ready(snapshot, content),
    }
}

fn unready(snapshot: &VolumeSnapshot, content: Option<&Content>) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    if let Some(judged) = content.and_then(|content| disagreement(snapshot, content)) {
        return judged;
    }
    let own = snapshot.error.as_ref().map(|error| (error, "snapshot"));
    let error = own.or_else(|| content.and_then(|c| c.error.as_ref()).map(|error| (error, "content")));
    if let Some((error, side)) = error {
        let text = format!("error on the {side}: {}", error.message);
        return Judgement::new(State::Failed).because(
            Reason::new(text)
                .next("controllers try again by themselves; see the events of the snapshot and its content"),
        );
    }
    match (snapshot.cut.or_else(|| content.and_then(|c| c.cut)), snapshot.ready) {
        (Some(_), Some(_)) => Judgement::new(State::NotReady).because("cut, but not ready to restore from yet"),
        (Some(_), None) => Judgement::new(State::Unknown).because("cut, but whether it is ready was not reported"),
        (None, _) => Judgement::new(State::Pending).because("not cut yet"),
    }
}

/// Ready, but no content to check it against.
fn unbound(world: &World, snapshot: &VolumeSnapshot, contents: &Sight) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    if let Some(blind) = contents.blind() {
        return Judgement::new(State::Unknown).because(blind.clone());
    }
    let unreadable = world.unreadable.get(&Kind::Content).zip(snapshot.content.as_ref());
    match unreadable.and_then(|(names, name)| names.get(&**name).zip(Some(name))) {
        Some((why, name)) => {
            Judgement::new(State::Unknown).because(format!("its content {name} cannot be read: {why}"))
        }
        None => contentless(snapshot),
    }
}

/// Ready, and there is no content.
fn contentless(snapshot: &VolumeSnapshot) -> Judgement<RestorePointState> {
    let reason = match &snapshot.content {
        None => Reason::new("ready, but bound to no content"),
        Some(name) => {
            Reason::new(format!("its content {name} does not exist")).next("delete the snapshot; it holds nothing")
        }
    };
    Judgement::new(RestorePointState::Mismatched).because(reason)
}

fn ready(snapshot: &VolumeSnapshot, content: &Content) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    if let Some(judged) = disagreement(snapshot, content) {
        return judged;
    }
    if content.ready == Some(false) {
        return Judgement::new(State::Unknown).because("the snapshot says ready, its content says not ready");
    }
    if content.handle.is_none() {
        return Judgement::new(State::Unknown).because("ready, but its content has no snapshot handle");
    }
    if snapshot.cut.or(content.cut).is_none() {
        return Judgement::new(State::Unknown).because("ready, but the time of the cut was not reported");
    }
    let judged = match (&content.source, &snapshot.group) {
        (ContentSource::Snapshot(_), None) => Judgement::new(State::Unverified).because(
            Reason::new("imported by its handle; drivers may call that ready without looking")
                .next("restore it beside the original to prove it"),
        ),
        _ => Judgement::new(State::Good).because("ready, and bound both ways"),
    };
    match &snapshot.error {
        Some(error) => judged.because(format!("an old error still shows: {}", error.message)),
        None => judged,
    }
}

/// What is wrong between a snapshot and its content, if something is.
fn disagreement(snapshot: &VolumeSnapshot, content: &Content) -> Option<Judgement<RestorePointState>> {
    if let Some(deleting) = content.meta.deleting {
        let waiting = waiting(deleting, &content.meta.finalizers);
        return Some(Judgement::new(RestorePointState::Deleting).because(format!("its content: {waiting}")));
    }
    if points_back(snapshot, content) || unclaimed(snapshot, content) {
        return None;
    }
    let text = format!("its content {} belongs to another snapshot", content.meta.name);
    Some(
        Judgement::new(RestorePointState::Mismatched)
            .because(Reason::new(text).next("do not restore from it; find out who made the other binding")),
    )
}

/// Whether the content names this very snapshot, by UID.
fn points_back(snapshot: &VolumeSnapshot, content: &Content) -> bool {
    let (uid, namespace) = (&snapshot.meta.uid, snapshot.meta.namespace.as_ref());
    content.snapshot.as_ref().is_some_and(|back| {
        uid.is_some() && back.uid == *uid && Some(&back.namespace) == namespace && back.name == snapshot.meta.name
    })
}

/// Whether the content names this snapshot but is not bound to it yet, as imports are at first.
fn unclaimed(snapshot: &VolumeSnapshot, content: &Content) -> bool {
    let namespace = snapshot.meta.namespace.as_ref();
    snapshot.ready != Some(true)
        && content.snapshot.as_ref().is_some_and(|back| {
            back.uid.is_none() && Some(&back.namespace) == namespace && back.name == snapshot.meta.name
        })
}

fn waiting(since: Timestamp, finalizers: &[Box<str>]) -> String {
    if finalizers.is_empty() {
        return format!("being deleted since {since}");
    }
    format!("being deleted since {since}, held by {}", crate::text::list(finalizers))
}

/// The moment a snapshot was cut.
pub fn cut(world: &World, snapshot: &VolumeSnapshot) -> Option<Timestamp> {
    snapshot.cut.or_else(|| world.content(snapshot)?.cut)
}

/// Which volume a snapshot is of.
pub fn belongs(world: &World, snapshot: &VolumeSnapshot) -> Belongs {
    let content = world.content(snapshot).filter(|content| points_back(snapshot, content));
    let Some(content) = content else { return by_name(snapshot) };
    let origin = origin(world, snapshot, content);
    if let Some(claim) = origin.as_ref().and_then(|handle| world.claim_of_handle(handle)) {
        return Belongs::Claim(claim.meta.uid());
    }
    if let Some(heir) = heir(world, snapshot, origin.as_ref()) {
        return Belongs::Claim(heir.meta.uid());
    }
    match origin {
        None if matches!(snapshot.source, SnapshotSource::Claim(_)) => by_name(snapshot),
        None => Belongs::Unknown { why: "imported by its handle; which volume it was cut from is not recorded".into() },
        Some(_) => {
            let unseen = [Kind::Pv, Kind::Pvc].into_iter().find(|kind| !world.freshness(*kind).live());
            match unseen {
                None => Belongs::Gone,
                Some(kind) => Belongs::Unknown { why: format!("{} are not fully seen", super::sight::resource(kind)) },
            }
        }
    }
}

fn by_name(snapshot: &VolumeSnapshot) -> Belongs {
    match &snapshot.source {
        SnapshotSource::Claim(name) => Belongs::ByNameOnly(name.clone()),
        _ => Belongs::Unknown { why: "its content cannot be read or names another snapshot".into() },
    }
}

/// Driver and handle of the volume that was cut.
fn origin(world: &World, snapshot: &VolumeSnapshot, content: &Content) -> Option<HandleKey> {
    let handle = match &content.source {
        ContentSource::Volume(handle) => return Some((content.driver.clone(), handle.clone())),
        ContentSource::Snapshot(handle) => handle,
        ContentSource::Unset => return None,
    };
    // Contents of group members are made from the snapshot's handle; the group's content knows the volumes.
    let group = world.inventory.group_snapshots.named(snapshot.meta.namespace.as_ref(), snapshot.group.as_ref()?)?;
    let group = world.inventory.group_contents.named(None, group.content.as_ref()?)?;
    let member = group.members.iter().find(|(_, snapshot)| snapshot == handle)?;
    (group.driver == content.driver).then(|| (group.driver.clone(), member.0.clone()))
}

/// The claim that carries the lineage of the data on after an in-place restore gave it a new volume: it has the name
/// that was cut, and its lineage is that of the snapshot or that of the claim of the old volume.
fn heir<'w>(world: &'w World, snapshot: &VolumeSnapshot, origin: Option<&HandleKey>) -> Option<&'w Pvc> {
    let SnapshotSource::Claim(name) = &snapshot.source else { return None };
    let claim = world.claim(&(snapshot.meta.namespace.clone()?, name.clone()))?;
    let line = lineage(world, claim);
    let marked = snapshot.meta.annotation(annotation::LINEAGE).is_some_and(|marked| marked == line.as_str());
    let former = || {
        let volumes = world.links.volumes(origin?);
        let mut volumes = volumes.iter().filter_map(|uid| world.inventory.pvs.get(uid)?.claim.as_ref()?.uid.as_ref());
        volumes.find(|uid| **uid == line)
    };
    (marked || former().is_some()).then_some(claim)
}

/// The identity of a claim's data: what its lineage annotation says, unless the claim named there still lives (then
/// the annotation was copied), else its own UID.
pub fn lineage(world: &World, claim: &Pvc) -> Uid {
    let own = claim.meta.uid();
    let marked = claim.meta.annotation(annotation::LINEAGE).map(Uid::from);
    marked.filter(|marked| *marked == own || world.inventory.pvcs.get(marked).is_none()).unwrap_or(own)
}

/// Whether an item of a Velero backup can be restored from: its data is complete, and the backup it is part of is
/// finished, kept, and in a place that can be reached.
pub fn velero(world: &World, item: &VeleroItem, now: Timestamp) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    if let Some(deleting) = item.meta.deleting {
        return Judgement::new(State::Deleting).because(waiting(deleting, &item.meta.finalizers));
    }
    match &*item.phase {
        "Completed" => whole_backup(world, item, now),
        "Failed" | "Canceled" | "Canceling" => {
            Judgement::new(State::Failed).because(format!("Velero says {}", item.phase))
        }
        "" | "New" | "Accepted" | "Prepared" | "InProgress" => {
            Judgement::new(State::Pending).because("Velero is still copying it")
        }
        other => Judgement::new(State::Unknown).because(format!("Velero says {other}, which is not known here")),
    }
}

fn whole_backup(world: &World, item: &VeleroItem, now: Timestamp) -> Judgement<RestorePointState> {
    use RestorePointState as State;
    let sight = Sight::all(world, Kind::VeleroBackup, now);
    if let Some(blind) = sight.blind() {
        return Judgement::new(State::Unknown).because(blind.clone());
    }
    let Some(name) = &item.backup else {
        return Judgement::new(State::Unknown).because("it does not say which Velero backup it is part of");
    };
    let Some(backup) = world.inventory.velero_backups.named(item.meta.namespace.as_ref(), name) else {
        return Judgement::new(State::Failed).because(format!("its Velero backup {name} is gone"));
    };
    if let Some(expired) = backup.expires.filter(|expires| *expires <= now) {
        return Judgement::new(State::Deleting).because(format!("its Velero backup {name} expired at {expired}"));
    }
    let judged = match &*backup.phase {
        "Completed" | "PartiallyFailed" => placed(world, name).because_all(requests(world, item, backup)),
        "Deleting" => Judgement::new(State::Deleting).because(format!("its Velero backup {name} is being deleted")),
        "Failed" | "FailedValidation" => {
            Judgement::new(State::Failed).because(format!("its Velero backup {name} says {}", backup.phase))
        }
        phase => Judgement::new(State::NotReady).because(format!("its Velero backup {name} is not finished: {phase}")),
    };
    let judged = judged.until(backup.expires);
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

/// A finished backup, if there is a place to read it from.
fn placed(world: &World, backup: &str) -> Judgement<RestorePointState> {
    let locations = &world.inventory.backup_locations;
    if locations.is_empty() || locations.iter().any(|location| &*location.phase == "Available") {
        return Judgement::new(RestorePointState::Good).because(format!("complete in Velero backup {backup}"));
    }
    let said = locations.iter().find_map(|location| location.message.as_deref()).unwrap_or("no reason given");
    Judgement::new(RestorePointState::Unknown).because(
        Reason::new(format!("no Velero backup location is available: {said}"))
            .next("check the BackupStorageLocation and its credentials"),
    )
}

/// What a restore of the whole backup would bring back of cert-manager: requests of certificates that it replaced long
/// ago, on which renewals then wait (cert-manager, "Backup and restore").
fn requests(world: &World, item: &VeleroItem, backup: &VeleroBackup) -> Option<Reason> {
    let kept =
        |certificate: &CertManagerCertificate| certificate.meta.namespace.as_ref() == Some(&item.source_namespace);
    let text = "restored as a whole it brings back CertificateRequests of cert-manager, and renewals may stop";
    let next = "restore with --exclude-resources certificaterequests,orders.acme.cert-manager.io,\
                challenges.acme.cert-manager.io";
    (backup.requests && world.inventory.certificates.iter().any(kept)).then(|| Reason::new(text).next(next))
}

/// The latest moment whose data a Velero item is sure to hold. Its own start is that of the upload, after the cut, so
/// the earliest time on record counts.
pub fn velero_cut(world: &World, item: &VeleroItem) -> Option<Timestamp> {
    let namespace = item.meta.namespace.as_ref();
    let backup = item.backup.as_ref().and_then(|name| world.inventory.velero_backups.named(namespace, name));
    let started = item.started?;
    [item.meta.created, backup.and_then(|backup| backup.meta.created)].into_iter().flatten().chain([started]).min()
}

#[cfg(test)]
mod tests;
