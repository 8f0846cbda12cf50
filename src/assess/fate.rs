//! What would delete a volume's data or its copies, now or by a single command.
//!
//! Says what is set up, not how likely it is. What cannot be read is said to be unknown.

use jiff::{SignedDuration, Timestamp};

use super::copies::{Copies, copies};
use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{DeletionPolicy, Kind, Pv, Pvc, ReclaimPolicy, RetentionWhen, VolumeSnapshot, Workload, World};
use crate::text;

/// What a fate would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Takes {
    /// The volume's data.
    Data,
    /// Copies of it.
    Copies,
    /// Both.
    Both,
}

/// One way in which the data or its copies would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How much it matters.
    pub severity: Severity,
    /// What it takes.
    pub takes: Takes,
    /// The sentence. Safe to draw.
    pub text: String,
}

/// Every such way for one claim, the worst first. The reasons are the same sentences, with what to do.
pub fn fate(world: &World, claim: &Pvc, now: Timestamp) -> Judgement<Vec<Fate>> {
    let copies = copies(world, claim, now);
    let mut fates = Fates::default();
    fates.ending(world, claim);
    fates.volume(world, claim, now);
    fates.owners(claim);
    fates.stateful_set(world, claim, now);
    fates.namespace(world, claim, &copies);
    let expiry = fates.velero(world, &copies, now);
    fates.done().until(expiry)
}

/// A Velero copy that expires this soon, with no other good copy, is said as a warning.
const SOON: SignedDuration = SignedDuration::from_hours(24);

#[derive(Default)]
struct Fates(Vec<(Fate, Option<&'static str>)>);

impl Fates {
    fn add(&mut self, severity: Severity, takes: Takes, text: &str, next: Option<&'static str>) {
        let text = text::sanitize(text).into_owned();
        self.0.push((Fate { severity, takes, text }, next));
    }

    fn done(mut self) -> Judgement<Vec<Fate>> {
        self.0.sort_by_key(|(fate, _)| std::cmp::Reverse(fate.severity.rank()));
        let reason = |(fate, next): &(Fate, Option<&'static str>)| {
            let reason = Reason::new(&fate.text);
            next.map_or(reason.clone(), |next| reason.next(next))
        };
        let reasons: Vec<Reason> = self.0.iter().map(reason).collect();
        Judgement::new(self.0.into_iter().map(|(fate, _)| fate).collect()).because_all(reasons)
    }

    /// What is being deleted already.
    fn ending(&mut self, world: &World, claim: &Pvc) {
        if let Some(since) = claim.meta.deleting {
            let held = match &*claim.meta.finalizers {
                [] => String::new(),
                finalizers => format!(", held by {}", text::list(finalizers)),
            };
            let text = format!("the claim is being deleted since {since}{held}");
            self.add(Severity::Critical, Takes::Data, &text, Some("set the volume's reclaimPolicy to Retain"));
        }
        let namespace = claim.meta.namespace.as_ref().and_then(|name| world.inventory.namespaces.named(None, name));
        if let Some((name, since)) = namespace.and_then(|ns| Some((&ns.meta.name, ns.meta.deleting?))) {
            let text = format!("namespace {name} is being deleted since {since}");
            let next = "set the volume's reclaimPolicy and its copies' deletionPolicy to Retain";
            self.add(Severity::Critical, Takes::Both, &text, Some(next));
        }
        if &*claim.phase == "Lost" {
            let next = "bind the claim to its old volume again, or restore a copy";
            self.add(Severity::Critical, Takes::Data, "the claim has lost its volume", Some(next));
        }
    }

    /// What happens to the volume when its claim goes.
    fn volume(&mut self, world: &World, claim: &Pvc, now: Timestamp) {
        let Some(pv) = world.volume(claim) else {
            if claim.bound() {
                let blind = Sight::all(world, Kind::Pv, now);
                let why = blind.blind().map_or("its volume is missing or bound to another claim", |r| r.text.as_str());
                let text = format!("what becomes of the volume is unknown: {why}");
                self.add(Severity::Unknown, Takes::Data, &text, None);
            }
            return;
        };
        self.reclaim(pv);
        if let Some(since) = pv.meta.deleting {
            let text = format!("volume {} is being deleted since {since}", pv.meta.name);
            self.add(Severity::Critical, Takes::Data, &text, Some("back it up while its claim still holds it"));
        }
    }

    fn reclaim(&mut self, pv: &Pv) {
        let name = &pv.meta.name;
        match pv.reclaim {
            ReclaimPolicy::Retain => {}
            ReclaimPolicy::Delete => {
                let text = format!("deleting the claim deletes volume {name} (reclaimPolicy Delete)");
                self.add(Severity::Info, Takes::Data, &text, None);
            }
            ReclaimPolicy::Other => {
                let text = format!("what becomes of volume {name} is unknown: its reclaimPolicy is not known here");
                self.add(Severity::Unknown, Takes::Data, &text, None);
            }
        }
    }

    /// Garbage collection by owner. A StatefulSet's own policy is said by itself.
    fn owners(&mut self, claim: &Pvc) {
        for owner in claim.meta.owners.iter().filter(|owner| &*owner.kind != "StatefulSet") {
            let text = format!("the claim goes when {} {} goes (owner reference)", owner.kind, owner.name);
            self.add(Severity::Warn, Takes::Data, &text, None);
        }
    }

    /// `persistentVolumeClaimRetentionPolicy` of the set whose template made the claim.
    fn stateful_set(&mut self, world: &World, claim: &Pvc, now: Timestamp) {
        let Some(set) = set_of(world, claim) else {
            let sight = Sight::within(world, Kind::StatefulSet, claim.meta.namespace.as_ref(), now);
            if let (Some(blind), true) = (sight.blind(), ordinal(claim).is_some()) {
                let text = format!("a StatefulSet may delete the claim: {}", blind.text);
                self.add(Severity::Unknown, Takes::Data, &text, None);
            }
            return;
        };
        let name = &set.meta.name;
        let next = Some("set the StatefulSet's persistentVolumeClaimRetentionPolicy to Retain");
        if set.when_deleted == RetentionWhen::Delete {
            let text = format!("deleting StatefulSet {name} deletes the claim (whenDeleted Delete)");
            self.add(Severity::Warn, Takes::Data, &text, next);
        }
        if set.when_scaled == RetentionWhen::Delete {
            let text = format!("scaling StatefulSet {name} down deletes the claim (whenScaled Delete)");
            self.add(Severity::Warn, Takes::Data, &text, next);
        }
    }

    /// Copies that go with the namespace, as the claim does.
    fn namespace(&mut self, world: &World, claim: &Pvc, copies: &Copies) {
        let snapshots: Vec<&VolumeSnapshot> = copies
            .good
            .iter()
            .filter(|(copy, _)| copy.object.kind == Kind::VolumeSnapshot)
            .filter_map(|(copy, _)| world.inventory.snapshots.get(&copy.uid))
            .collect();
        let policy = |s: &&VolumeSnapshot| world.content(s).map_or(DeletionPolicy::Unknown, |c| c.deletion);
        let here = |s: &&VolumeSnapshot| s.meta.namespace == claim.meta.namespace;
        let doomed = snapshots.iter().filter(|s| here(s) && policy(s) == DeletionPolicy::Delete).count();
        let unknown = snapshots.iter().filter(|s| policy(s) == DeletionPolicy::Unknown).count();
        let all = copies.good.len();
        if doomed > 0 {
            let (data, takes) = match world.volume(claim).map(|pv| pv.reclaim) {
                Some(ReclaimPolicy::Delete) => ("the data and ", Takes::Both),
                _ => ("", Takes::Copies),
            };
            let namespace = claim.meta.namespace();
            let text = format!(
                "deleting namespace {namespace} deletes {data}{doomed} of {} (deletionPolicy Delete)",
                text::plural(all, "good copy", "good copies")
            );
            let severity = if doomed == all { Severity::Warn } else { Severity::Info };
            self.add(severity, takes, &text, Some("keep a copy elsewhere, or set deletionPolicy Retain on one"));
        }
        if unknown > 0 {
            let copies = text::plural(unknown, "copy", "copies");
            let text = format!("what deleting a snapshot does is unknown for {copies}: deletionPolicy was not read");
            self.add(Severity::Unknown, Takes::Copies, &text, None);
        }
    }

    /// When Velero lets go of its copies; gives the moment at which what is said changes.
    fn velero(&mut self, world: &World, copies: &Copies, now: Timestamp) -> Option<Timestamp> {
        let backups = &world.inventory.velero_backups;
        let expiry = |(copy, _): &(super::copies::Copy, Timestamp)| {
            let items = match copy.object.kind {
                Kind::DataUpload => &world.inventory.data_uploads,
                Kind::PodVolumeBackup => &world.inventory.pod_volume_backups,
                _ => return None,
            };
            let item = items.get(&copy.uid)?;
            backups.named(item.meta.namespace.as_ref(), item.backup.as_ref()?)?.expires
        };
        let expiries: Vec<Timestamp> = copies.good.iter().filter_map(expiry).collect();
        let last = *expiries.iter().max()?;
        let left = last.duration_since(now);
        let alone = expiries.len() == copies.good.len();
        let severity = if alone && left <= SOON { Severity::Warn } else { Severity::Info };
        let (which, left_text) = (if alone { "the last good copy" } else { "the last Velero copy" }, text::age(left));
        let text = format!("{which} expires in {left_text} (Velero, {last})");
        self.add(severity, Takes::Copies, &text, Some("take another copy, or extend the backup's ttl"));
        let soon = last.saturating_sub(SOON).ok().filter(|soon| *soon > now);
        [soon, Some(last)].into_iter().flatten().min()
    }
}

/// The StatefulSet whose claim template made a claim: `<template>-<set>-<ordinal>`.
pub fn set_of<'w>(world: &'w World, claim: &Pvc) -> Option<&'w Workload> {
    let rest = ordinal(claim)?;
    // Both names may have dashes in them, so each is a possible border.
    rest.match_indices('-').find_map(|(at, _)| {
        let (template, set) = (&rest[..at], &rest[at + 1..]);
        let set = world.inventory.stateful_sets.named(claim.meta.namespace.as_ref(), &set.into())?;
        set.templates.iter().any(|t| &*t.name == template).then_some(set)
    })
}

/// The claim's name before its ordinal, if it ends in one.
fn ordinal(claim: &Pvc) -> Option<&str> {
    let (rest, ordinal) = claim.meta.name.rsplit_once('-')?;
    (!ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

#[cfg(test)]
mod tests;
