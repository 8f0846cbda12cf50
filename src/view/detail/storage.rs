//! Sheets of volumes, their copies and what stores them.

use super::Sheet;
use crate::assess::Reason;
use crate::assess::coverage::coverage;
use crate::assess::encryption::encryption;
use crate::assess::fate::fate;
use crate::assess::forecast::{forecast, points};
use crate::assess::former::former;
use crate::assess::proven::{failed, proven};
use crate::assess::schedule::next_copy;
use crate::assess::used::{Used, used};
use crate::model::{
    AccessMode, Content, ContentSource, GroupSnapshot, Kind, ObjRef, Pv, Pvc, ReclaimPolicy, SnapshotClass,
    SnapshotSource, StorageClass, VeleroItem, VolumeAttachment, VolumeError, VolumeSnapshot, annotation,
};
use crate::text;
use crate::view::{Cell, Fill, Level};

pub(super) fn claim(sheet: &mut Sheet, claim: &Pvc) {
    sheet.row(&["state", "namespace", "name", "usedBy", "class", "fate", "encrypted", "used"]);
    judged(sheet, claim);
    sheet.text("Phase", &claim.phase);
    let modes: Vec<&str> = claim.access_modes.iter().copied().map(AccessMode::short).collect();
    sheet.text("Access modes", &modes.join(", "));
    sheet.fact("Mode", Cell::Word(if claim.block { "Block" } else { "Filesystem" }));
    if let Some((kind, name)) = &claim.data_source {
        sheet.text("Filled from", &format!("{kind} {name}"));
    }
    if let Some(name) = &claim.volume_name {
        sheet.link_cluster("volume", Kind::Pv, name);
    }
    if let Some(class) = &claim.storage_class {
        sheet.link_cluster("class", Kind::StorageClass, class);
    }
    let (world, here) = (sheet.world, (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone()));
    for uid in world.links.pods_mounting(&here) {
        sheet.link("mounted by", Kind::Pod, uid);
        let owner = world.inventory.pods.get(uid).and_then(|pod| pod.meta.controller());
        if let Some((owner, kind)) =
            owner.and_then(|owner| Some((owner, crate::view::rows::workload_kind(&owner.kind)?)))
        {
            sheet.link("workload", kind, &owner.uid);
        }
    }
    for (kind, uid) in world.links.templates_mounting(&here) {
        sheet.link("workload", *kind, uid);
    }
    copies(sheet, claim, &here);
    super::copies::of_volume(sheet, claim);
    for pv in world.inventory.pvs.iter() {
        if former(pv).is_some_and(|kept| kept.claim.namespace == here.0 && kept.claim.name == here.1) {
            sheet.link("former volume", Kind::Pv, &pv.meta.uid());
        }
    }
    if let Some(pv) = world.volume(claim) {
        for uid in world.links.attachments_of(&pv.meta.name) {
            sheet.link("attachment", Kind::VolumeAttachment, uid);
        }
    }
}

/// What would delete it, how full it is and how its encryption is known, in sentences.
fn judged(sheet: &mut Sheet, claim: &Pvc) {
    let fates = fate(sheet.world, claim, sheet.now).value;
    if fates.is_empty() {
        sheet.fact("Fate", Cell::State(Level::Ok, "nothing is set up that would delete it"));
    }
    for fate in fates {
        sheet.fact("Fate", Cell::Said(fate.severity.into(), fate.text.into()));
    }
    filled(sheet, claim);
    let encryption = encryption(sheet.world, claim, sheet.now);
    let (word, level) = (encryption.value.word(), encryption.value.severity().into());
    sheet.fact("Encrypted", Cell::Said(level, format!("{word}: {}", reasons(encryption.reasons)).into()));
}

/// How full it is, was and will be.
fn filled(sheet: &mut Sheet, claim: &Pvc) {
    let (world, now) = (sheet.world, sheet.now);
    let filled = used(world, claim, now);
    let level = filled.value.severity().into();
    let percent = match filled.value {
        Used::Known { used, capacity } => Some(text::percent(used, capacity)),
        Used::Unknown { .. } => None,
    };
    sheet.detail.fill = Some(Fill { percent, level, word: filled.value.word(), history: points(world, claim, now) });
    let next = || {
        let covered = coverage(world, claim, now).value;
        next_copy(world, claim, covered.last_good.map(|(_, cut)| cut), &covered.rpo, now)
    };
    let ahead = forecast(world, claim, &filled.value, next, now);
    sheet.fact("Used", Cell::Said(level, reasons(filled.reasons).into()));
    if percent.is_some() {
        sheet.fact("Forecast", Cell::Said(ahead.value.severity().into(), reasons(ahead.reasons).into()));
    }
}

/// Reasons in one sentence.
fn reasons(reasons: Vec<Reason>) -> String {
    reasons.into_iter().map(|reason| reason.text).collect::<Vec<_>>().join("; ")
}

fn copies(sheet: &mut Sheet, claim: &Pvc, here: &crate::model::ClaimKey) {
    let world = sheet.world;
    if let Some(csi) = world.volume(claim).and_then(|pv| pv.csi.as_ref()) {
        for content in world.links.contents_of(csi).iter().filter_map(|uid| world.inventory.contents.get(uid)) {
            if let Some(snapshot) = &content.snapshot {
                let namespace = snapshot.namespace.clone();
                sheet.link_named("copy", &ObjRef::namespaced(Kind::VolumeSnapshot, namespace, snapshot.name.clone()));
            }
        }
    }
    for uid in world.links.snapshots_naming(here) {
        let snapshot = world.inventory.snapshots.get(uid);
        let source = snapshot.and_then(|snapshot| world.source_claim(snapshot)).map(|source| source.meta.uid());
        let of_it = source == Some(claim.meta.uid());
        sheet.link(if of_it { "copy" } else { "copy, by name only" }, Kind::VolumeSnapshot, uid);
    }
    for (kind, uid) in world.links.velero_items_of(&claim.meta.uid()) {
        sheet.link("copy", *kind, uid);
    }
}

pub(super) fn pv(sheet: &mut Sheet, pv: &Pv) {
    sheet.text("Phase", &pv.phase);
    if let Some(kept) = former(pv) {
        let level = if kept.over(sheet.now) { Level::Warn } else { Level::Info };
        sheet.fact("Kept", Cell::Said(level, kept.said().into()));
    }
    sheet.fact("Capacity", Cell::bytes(pv.capacity));
    match &pv.csi {
        Some((driver, handle)) => {
            sheet.text("Driver", driver);
            sheet.text("Volume handle", handle);
        }
        None => sheet.fact("Driver", Cell::State(Level::Warn, "not a CSI volume")),
    }
    reclaim(sheet, pv.reclaim);
    for (key, value) in &pv.attributes {
        sheet.text("Attribute", &format!("{key}={value}"));
    }
    if let Some(claim) = &pv.claim {
        let object = ObjRef::namespaced(Kind::Pvc, claim.namespace.clone(), claim.name.clone());
        sheet.link_named("claim", &object);
    }
    if let Some(class) = &pv.storage_class {
        sheet.link_cluster("class", Kind::StorageClass, class);
    }
    let world = sheet.world;
    for uid in world.links.attachments_of(&pv.meta.name) {
        sheet.link("attachment", Kind::VolumeAttachment, uid);
    }
    for uid in pv.csi.iter().flat_map(|csi| world.links.contents_of(csi)) {
        sheet.link("copy", Kind::Content, uid);
    }
}

fn reclaim(sheet: &mut Sheet, reclaim: ReclaimPolicy) {
    let cell = match reclaim {
        ReclaimPolicy::Retain => Cell::State(Level::Ok, "Retain"),
        ReclaimPolicy::Delete => Cell::State(Level::Warn, "Delete: the data goes with the claim"),
        ReclaimPolicy::Other => Cell::Unknown,
    };
    sheet.fact("Reclaim policy", cell);
}

pub(super) fn storage_class(sheet: &mut Sheet, class: &StorageClass) {
    sheet.text("Provisioner", &class.provisioner);
    reclaim(sheet, class.reclaim);
    for (key, value) in &class.parameters {
        sheet.text("Parameter", &format!("{key}={value}"));
    }
}

pub(super) fn snapshot_class(sheet: &mut Sheet, class: &SnapshotClass) {
    sheet.text("Driver", &class.driver);
    sheet.fact("Deletion policy", Cell::Word(class.deletion.word()));
    sheet.fact("Default", Cell::Word(if class.default { "yes" } else { "no" }));
}

pub(super) fn snapshot(sheet: &mut Sheet, snapshot: &VolumeSnapshot) {
    sheet.row(&["state", "namespace", "name", "volume", "trust", "class"]);
    sheet.ready("Ready to use", snapshot.ready);
    if let Some(level) = snapshot.meta.annotation(annotation::CONSISTENCY) {
        sheet.text("Consistency", level);
    }
    if let Some(proof) = proven(&snapshot.meta) {
        sheet.fact("Last proven", Cell::Since(proof.at));
        sheet.text("That drill", &format!("{}, in {}", proof.found, text::age(proof.took)));
    }
    told(sheet, snapshot);
    super::copies::of_snapshot(sheet, snapshot);
    if let Some(failed) = failed(&snapshot.meta) {
        sheet.fact("Last failed", Cell::Since(failed.at));
        sheet.fact("That drill", Cell::Said(Level::Warn, format!("failed at {}", failed.why).into()));
    }
    error(sheet, snapshot.error.as_ref());
    let world = sheet.world;
    match world.source_claim(snapshot) {
        Some(claim) => sheet.link("volume", Kind::Pvc, &claim.meta.uid()),
        None => {
            if let SnapshotSource::Claim(name) = &snapshot.source {
                sheet.link_here("volume, by name only", Kind::Pvc, name);
            }
        }
    }
    if let Some(name) = &snapshot.content {
        sheet.link_cluster("content", Kind::Content, name);
        let on_content = world.content(snapshot).and_then(|content| content.error.as_ref());
        let said = snapshot.error.as_ref().map(|error| &error.message);
        error(sheet, on_content.filter(|error| Some(&error.message) != said));
    }
    if let Some(class) = &snapshot.class {
        sheet.link_cluster("class", Kind::SnapshotClass, class);
    }
    if let Some(group) = &snapshot.group {
        sheet.link_here("group", Kind::GroupSnapshot, group);
    }
}

/// What a restore point says of itself: how it was cut, with which others, and of what.
fn told(sheet: &mut Sheet, snapshot: &VolumeSnapshot) {
    let note = |key: &str| snapshot.meta.annotation(key).map(|said| text::sanitize(said).into_owned());
    for (label, key) in [
        ("Consistency", annotation::CONSISTENCY),
        ("Workload", annotation::WORKLOAD),
        ("Manifests", annotation::BUNDLE),
    ] {
        if let Some(said) = note(key) {
            sheet.text(label, &said);
        }
    }
    let Some(set) = snapshot.meta.label(annotation::SET) else { return };
    let world = sheet.world;
    let same = |other: &&VolumeSnapshot| {
        other.meta.namespace == snapshot.meta.namespace && other.meta.label(annotation::SET) == Some(set)
    };
    let mut members: Vec<&VolumeSnapshot> = world.inventory.snapshots.iter().filter(same).collect();
    members.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    let size = snapshot.meta.annotation(annotation::SET_SIZE).and_then(|size| size.parse::<usize>().ok());
    let apart = match (&snapshot.group, note(annotation::SET_SKEW)) {
        (Some(_), _) => "cut at one moment".to_owned(),
        (None, Some(skew)) => format!("cuts {skew} apart"),
        (None, None) => "how far its cuts are apart is not recorded".to_owned(),
    };
    let (level, whole) = match size {
        Some(size) if size == members.len() => (Level::Ok, format!("whole, {size} members")),
        Some(size) => (Level::Warn, format!("not whole, {} of {size} members", members.len())),
        None => (Level::Unknown, "how many members it had is not recorded".to_owned()),
    };
    let set = text::sanitize(set);
    sheet.fact("Set", Cell::Said(level, format!("{set}: {whole}, {apart}").into()));
    for member in members.into_iter().filter(|member| member.meta.uid != snapshot.meta.uid) {
        sheet.link("in its set", Kind::VolumeSnapshot, &member.meta.uid());
    }
}

fn error(sheet: &mut Sheet, error: Option<&VolumeError>) {
    if let Some(error) = error {
        sheet.text("Error", &error.message);
        sheet.fact("Error seen", Cell::since(error.at));
    }
}

pub(super) fn content(sheet: &mut Sheet, content: &Content) {
    sheet.text("Driver", &content.driver);
    sheet.fact("Snapshot handle", content.handle.clone().map_or(Cell::Unknown, Cell::Text));
    match &content.source {
        ContentSource::Volume(handle) => sheet.text("Cut from volume", handle),
        ContentSource::Snapshot(handle) => sheet.text("Imported from", handle),
        ContentSource::Unset => sheet.fact("Cut from volume", Cell::Unknown),
    }
    sheet.fact("Deletion policy", Cell::Word(content.deletion.word()));
    sheet.fact("Cut", Cell::since(content.cut));
    sheet.fact("Size", Cell::bytes(content.restore_size));
    sheet.ready("Ready to use", content.ready);
    error(sheet, content.error.as_ref());
    if let Some(snapshot) = &content.snapshot {
        let namespace = snapshot.namespace.clone();
        sheet.link_named("snapshot", &ObjRef::namespaced(Kind::VolumeSnapshot, namespace, snapshot.name.clone()));
    }
    if let ContentSource::Volume(handle) = &content.source {
        let claim = sheet.world.claim_of_handle(&(content.driver.clone(), handle.clone()));
        if let Some(claim) = claim {
            sheet.link("volume", Kind::Pvc, &claim.meta.uid());
        }
    }
}

pub(super) fn group(sheet: &mut Sheet, group: &GroupSnapshot) {
    sheet.fact("Cut", Cell::since(group.cut));
    sheet.ready("Ready to use", group.ready);
    error(sheet, group.error.as_ref());
    if let Some(content) = &group.content {
        sheet.link_cluster("content", Kind::GroupContent, content);
    }
    if let Some(class) = &group.class {
        sheet.link_cluster("class", Kind::GroupClass, class);
    }
}

pub(super) fn attachment(sheet: &mut Sheet, attachment: &VolumeAttachment) {
    sheet.text("Attacher", &attachment.attacher);
    sheet.flag("Attached", attachment.attached);
    if let Some(error) = &attachment.error {
        sheet.text("Error", error);
    }
    sheet.link_cluster("node", Kind::Node, &attachment.node);
    if let Some(pv) = &attachment.pv {
        sheet.link_cluster("volume", Kind::Pv, pv);
    }
}

pub(super) fn velero_item(sheet: &mut Sheet, item: &VeleroItem) {
    sheet.row(&["state", "namespace", "name", "volume", "trust"]);
    sheet.text("Phase", &item.phase);
    sheet.fact("Completed", Cell::since(item.completed));
    if let Some(backup) = &item.backup {
        sheet.link_here("backup", Kind::VeleroBackup, backup);
        let log = crate::view::logs::velero_log(sheet.world, item.meta.namespace.as_deref(), backup, "backup");
        sheet.text("Log", &log);
    }
    if let Some(uid) = &item.source_uid {
        super::copies::of_item(sheet, item, uid);
        sheet.link("volume", Kind::Pvc, uid);
    }
}
