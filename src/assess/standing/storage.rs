//! How volumes, contents, classes and attachments stand.

use jiff::{SignedDuration, Timestamp};

use super::{Standing, facts, or};
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{
    Content, ContentSource, DeletionPolicy, GroupContent, GroupSnapshot, Kind, Pod, Pv, ReclaimPolicy, SnapshotClass,
    StorageClass, VolumeAttachment, World, annotation,
};
use crate::text;

/// Attaching and detaching take seconds; after this long something is wrong.
const STUCK: SignedDuration = SignedDuration::from_mins(2);

fn reclaim(policy: ReclaimPolicy) -> &'static str {
    match policy {
        ReclaimPolicy::Retain => "reclaim Retain",
        ReclaimPolicy::Delete => "reclaim Delete",
        ReclaimPolicy::Other => "reclaim policy not known",
    }
}

fn deletion(policy: DeletionPolicy) -> &'static str {
    match policy {
        DeletionPolicy::Retain => "on deletion Retain",
        DeletionPolicy::Delete => "on deletion Delete",
        DeletionPolicy::Unknown => "deletion policy not known",
    }
}

pub(super) fn pv(world: &World, pv: &Pv) -> Judgement<Standing> {
    let handle = pv.csi.as_ref().map_or("not a CSI volume", |(_, handle)| handle);
    let fact = facts(&[handle, reclaim(pv.reclaim)]);
    let said = |severity, reason: Reason| Standing::new(severity, &pv.phase, fact.clone()).because(reason);
    match &*pv.phase {
        "Bound" if another(world, pv) => {
            let reason = Reason::new("it is bound to another claim than the one of that name now")
                .next("compare the claimRef of the volume with the UID of the claim");
            said(Severity::Warn, reason)
        }
        "Bound" => Standing::new(Severity::Ok, "Bound", fact),
        "Available" | "Pending" => Standing::new(Severity::Info, &pv.phase, fact),
        "Released" => {
            let kept = if pv.reclaim == ReclaimPolicy::Retain { "; its data is kept" } else { "" };
            let reason = Reason::new(format!("its claim is gone{kept}"))
                .next("bind it to a new claim, or delete it once nobody needs the data");
            said(Severity::Warn, reason)
        }
        "Failed" => {
            let reason = Reason::new("reclaiming it failed").next("look at the events of the volume and at its driver");
            said(Severity::Critical, reason)
        }
        other => Standing::new(Severity::Unknown, or(other, "Unknown"), fact).because("its phase is not known here"),
    }
}

/// Whether the claim that it names exists with another UID.
fn another(world: &World, pv: &Pv) -> bool {
    let Some(named) = &pv.claim else { return false };
    let claim = world.claim(&(named.namespace.clone(), named.name.clone()));
    claim.is_some_and(|claim| named.uid.is_some() && claim.meta.uid != named.uid)
}

pub(super) fn storage_class(class: &StorageClass) -> Judgement<Standing> {
    Standing::new(Severity::Info, "Exists", facts(&[&class.provisioner, reclaim(class.reclaim)]))
}

pub(super) fn snapshot_class(class: &SnapshotClass) -> Judgement<Standing> {
    Standing::new(Severity::Info, "Exists", facts(&[&class.driver, deletion(class.deletion)]))
}

pub(super) fn content(world: &World, content: &Content) -> Judgement<Standing> {
    let handle = content.handle.as_deref().unwrap_or("no snapshot handle yet");
    let fact = facts(&[handle, deletion(content.deletion)]);
    if let Some(error) = &content.error {
        let reason = Reason::new(&error.message)
            .next("controllers try again by themselves; see the events of the snapshot and its content");
        return Standing::new(Severity::Warn, "Failed", fact).because(reason);
    }
    if let Some(judged) = orphan(world, content, &fact) {
        return judged;
    }
    match content.ready {
        Some(true) if content.handle.is_some() => Standing::new(Severity::Ok, "Ready", fact),
        Some(true) => Standing::new(Severity::Unknown, "Unknown", fact).because("ready, but without a handle"),
        Some(false) => Standing::new(Severity::Info, "Not ready", fact),
        None => Standing::new(Severity::Unknown, "Unknown", fact).because("whether it is ready was not reported"),
    }
}

/// A content whose snapshot does not exist. Velero keeps such ones on purpose.
fn orphan(world: &World, content: &Content, fact: &str) -> Option<Judgement<Standing>> {
    let named = content.snapshot.as_ref()?;
    let found = world.inventory.snapshots.named(Some(&named.namespace), &named.name);
    let own = found.is_some_and(|snapshot| named.uid.is_none() || snapshot.meta.uid == named.uid);
    if own || !world.freshness_in(Kind::VolumeSnapshot, &named.namespace).live() {
        return None;
    }
    if content.meta.label(annotation::VELERO_BACKUP).is_some() {
        return Some(Standing::new(Severity::Info, "Kept", facts(&[fact, "kept by Velero"])));
    }
    let source = if matches!(content.source, ContentSource::Volume(_)) { "a copy" } else { "an import" };
    let text = format!("{source} in storage whose VolumeSnapshot {}/{} does not exist", named.namespace, named.name);
    let reason =
        Reason::new(text).next("import its handle into a new content, or delete it once nobody needs the copy");
    Some(Standing::new(Severity::Warn, "No snapshot", fact).because(reason))
}

pub(super) fn group(group: &GroupSnapshot) -> Judgement<Standing> {
    if let Some(error) = &group.error {
        return Standing::new(Severity::Warn, "Failed", "").because(Reason::new(&error.message));
    }
    match group.ready {
        Some(true) => Standing::new(Severity::Ok, "Ready", "cut together"),
        Some(false) => Standing::new(Severity::Info, "Not ready", ""),
        None => Standing::new(Severity::Unknown, "Unknown", "").because("whether it is ready was not reported"),
    }
}

pub(super) fn group_content(content: &GroupContent) -> Judgement<Standing> {
    let members = text::plural(content.members.len(), "member", "members");
    let fact = facts(&[&members, deletion(content.deletion)]);
    match content.ready {
        Some(true) => Standing::new(Severity::Ok, "Ready", fact),
        Some(false) => Standing::new(Severity::Info, "Not ready", fact),
        None => Standing::new(Severity::Unknown, "Unknown", fact).because("whether it is ready was not reported"),
    }
}

pub(super) fn attachment(world: &World, attachment: &VolumeAttachment, now: Timestamp) -> Judgement<Standing> {
    let node = &attachment.node;
    let fact = format!("to node {node}");
    let young = attachment.meta.created.is_some_and(|created| now.duration_since(created) < STUCK);
    match (&attachment.error, attachment.attached) {
        (Some(error), attached) => {
            let state = if attached { "Not detached" } else { "Not attached" };
            let reason = Reason::new(error).next("look at the attacher of the driver and at the node");
            Standing::new(Severity::Critical, state, fact).because(reason)
        }
        (None, false) if young => Standing::new(Severity::Info, "Attaching", fact),
        (None, false) => {
            let reason = Reason::new(format!("it is not attached to node {node} yet, and no error is reported"))
                .next("look at the attacher of the driver and at the node");
            Standing::new(Severity::Warn, "Not attached", fact).because(reason)
        }
        (None, true) => match waiting(world, attachment) {
            Some(pod) => {
                let elsewhere = pod.node.as_deref().unwrap_or("another node");
                let text = format!("pod {} on node {elsewhere} waits for it", pod.meta.name);
                let reason = Reason::new(&text)
                    .next("detaching waits for the old pod; a node that is gone is given up after 6 minutes");
                Standing::new(Severity::Warn, "Held", facts(&[&fact, &text])).because(reason)
            }
            None => Standing::new(Severity::Ok, "Attached", fact),
        },
    }
}

/// A pod that waits on another node, when none uses the volume where it is attached.
fn waiting<'w>(world: &'w World, attachment: &VolumeAttachment) -> Option<&'w Pod> {
    let pv = world.inventory.pvs.named(None, attachment.pv.as_ref()?)?;
    let claim = pv.claim.as_ref()?;
    if !world.freshness_in(Kind::Pod, &claim.namespace).live() {
        return None;
    }
    let pods = world.links.pods_mounting(&(claim.namespace.clone(), claim.name.clone()));
    let alive = || pods.iter().filter_map(|uid| world.inventory.pods.get(uid)).filter(|pod| !pod.ended());
    let here = |pod: &&Pod| pod.node.as_ref() == Some(&attachment.node);
    let attached = world.links.attachments_of(&pv.meta.name).iter();
    let nodes: Vec<_> = attached.filter_map(|uid| Some(&world.inventory.attachments.get(uid)?.node)).collect();
    let lost = |pod: &&Pod| pod.node.as_ref().is_some_and(|node| !nodes.contains(&node)) && !pod.ready;
    if alive().any(|pod| here(&pod)) { None } else { alive().find(lost) }
}
