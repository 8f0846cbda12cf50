//! The prune verb: deletes the copies of one volume that no rule keeps, each with its reason shown before.
//!
//! The order is create, ready, prune: while a backup of the volume runs, or its newest copy is not one to restore from,
//! nothing is deleted. Each deletion looks again right before: at the copy, at its content, and at the copy that would
//! be the last good one. A copy that somebody else deleted meanwhile is no failure.

mod form;
mod steps;

use jiff::Timestamp;
use serde_json::Value;

use super::lock::{self, Lock};
use super::{AccessQuestion, Answers, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Subject, Verb};
use crate::assess::retention::{self, Decided, Item, Uses};
use crate::model::{DeletionPolicy, Freshness, Keep, Kind, Policy, Pvc, Uid, World};
use crate::text;

pub use form::{command, form, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[
    Kind::Pvc,
    Kind::Pv,
    Kind::VolumeSnapshot,
    Kind::Content,
    Kind::VeleroBackup,
    Kind::DataUpload,
    Kind::PodVolumeBackup,
];

/// Without these no copy can be told from another.
const NEEDED: &[Kind] = &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content];

/// What the operator may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which copies stay; `None` takes the rules of the volume's policy.
    pub keep: Option<Keep>,
    /// How many good copies stay in any case; `None` takes the number of the policy, or 1.
    pub minimum: Option<u32>,
    /// Whether copies whose deletionPolicy is Retain go too, with what they have in storage.
    pub also_storage: bool,
}

/// What was decided on the copies of a volume, and what said so.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Every copy, the newest first.
    pub decided: Vec<Decided>,
    /// The rules.
    pub keep: Keep,
    /// The policy that they are from; `None` when they were given.
    pub policy: Option<String>,
    /// More deletions than this at once need their number typed.
    pub most: usize,
    minimum: u32,
}

impl Preview {
    /// Those that go, the oldest first.
    pub fn going(&self) -> impl Iterator<Item = &Decided> {
        self.decided.iter().rev().filter(|one| !one.kept)
    }

    /// Whether so many go that their number is typed as well.
    pub fn mass(&self) -> bool {
        retention::mass(&self.decided, self.most)
    }
}

/// Decides on the copies of a claim without asking anybody.
///
/// # Errors
/// When it has no rules, not everything is seen, or this is no moment to delete.
pub fn preview(world: &World, claim: &Pvc, options: &Options, uses: &Uses, now: Timestamp) -> Result<Preview, Refusal> {
    let policy = world.policies.policy(&claim.meta);
    let ruled = policy.filter(|policy| !policy.keep.is_empty());
    let keep = options.keep.clone().or_else(|| ruled.map(|policy| policy.keep.clone()));
    let Some(keep) = keep.filter(|keep| !keep.is_empty()) else {
        let why = match policy {
            Some(policy) => format!("policy {} has no retention rules for it", policy.name),
            None => "no policy says which of its copies stay".to_owned(),
        };
        return Err(refusal(
            claim,
            why,
            "give rules such as --keep-last 3 --keep-daily 7, or write them into a policy",
        ));
    };
    seen(world, claim)?;
    if let Some(unread) = world.findings.unread().first() {
        let why = format!("which copy is known to be good cannot be told: {unread}");
        return Err(refusal(claim, why, "make every source of findings readable, or take it out of the configuration"));
    }
    let minimum = options.minimum.unwrap_or_else(|| policy.map_or(1, |policy| policy.minimum));
    let items = retention::items(world, claim, uses, options.also_storage, now);
    if let Some((item, how)) = retention::unfinished(&items) {
        let why = format!("its newest copy {} {how}", item.object.name);
        return Err(refusal(
            claim,
            why,
            "nothing is deleted before the newest copy is ready: wait for it, or back up again",
        ));
    }
    Ok(Preview {
        decided: retention::decide(items, &keep, usize::try_from(minimum).unwrap_or(usize::MAX), now),
        keep,
        policy: options.keep.is_none().then(|| ruled.map(|policy| policy.name.clone())).flatten(),
        most: usize::try_from(policy.map_or(Policy::MOST, |policy| policy.most)).unwrap_or(usize::MAX),
        minimum,
    })
}

fn refusal(claim: &Pvc, why: impl Into<String>, clear: impl Into<String>) -> Refusal {
    let object = format!("copies of volume {}", claim.meta.reference(Kind::Pvc).path());
    Refusal { verb: Verb::Prune, object, why: why.into(), clear: clear.into() }
}

/// Refuses while something that would show a copy, or what uses it, is not seen as it is now.
fn seen(world: &World, claim: &Pvc) -> Result<(), Refusal> {
    let namespace = claim.meta.namespace.clone().unwrap_or_default();
    for kind in NEEDED {
        let resource = Resource::of(*kind);
        let (why, clear) = match world.freshness_in(*kind, &namespace) {
            Freshness::Live => continue,
            Freshness::Loading => ("are still being listed".to_owned(), "try again in a moment"),
            Freshness::Stale { why, .. } => (format!("are stale: {why}"), "wait until the API server answers again"),
            Freshness::Denied { verb } => (format!("are not seen: no right to {verb} them"), "ask for a role that may"),
            Freshness::Absent => ("are not served by this cluster".to_owned(), "there is nothing to prune"),
        };
        return Err(refusal(claim, format!("{} {why}", resource.plural), clear));
    }
    Ok(())
}

/// What has to be asked before a prune of this claim can be planned.
pub fn questions(world: &World, claim: &Pvc, options: &Options) -> Questions {
    let namespace = claim.meta.namespace().to_owned();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(&namespace));
    let snapshots = Resource::of(Kind::VolumeSnapshot);
    let mut access = vec![ask("get", &snapshots), ask("delete", &snapshots)];
    access.extend(AccessQuestion::record(Some(&namespace)));
    access.push(AccessQuestion::new("get", &Resource::of(Kind::Content), None));
    if options.also_storage {
        access.push(AccessQuestion::new("patch", &Resource::of(Kind::Content), None));
    }
    let questions = Questions {
        objects: vec![ObjectAt::of(Kind::Pvc, Some(&namespace), &claim.meta.name)],
        access,
        lists: Vec::new(),
    };
    questions.and(Lock::of(world, claim).questions())
}

/// Plans the deletion of what no rule keeps of the copies of this claim.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    claim: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let Some(claim) = world.inventory.pvcs.get(claim) else {
        let object = "copies of a volume".to_owned();
        let why = "its PersistentVolumeClaim is gone, and with it what says whose its copies are".to_owned();
        return Err(Refusal { verb: Verb::Prune, object, why, clear: "pick another volume".into() });
    };
    let version = fresh_version(claim, answers)?;
    let refuse = |(why, clear): (String, String)| refusal(claim, why, clear);
    answers.rights().map_err(refuse)?;
    let lock = Lock::of(world, claim);
    let mut warnings = lock::look(std::slice::from_ref(&lock), answers, &id, now).map_err(refuse)?;
    let preview = preview(world, claim, options, &Uses::of(world), now)?;
    let going: Vec<&Decided> = preview.going().collect();
    if going.is_empty() {
        let why = format!("no copy goes by its rules ({}): {} stay", preview.keep.said(), preview.decided.len());
        return Err(refusal(claim, why, "nothing has to be done"));
    }
    let anchor =
        preview.decided.iter().find(|one| one.kept && one.reasons.iter().any(|why| why == retention::LAST_GOOD));
    let Some(anchor) = anchor else {
        return Err(refusal(claim, "no good copy of it would be left", "back it up first"));
    };
    if preview.mass() {
        warnings.push(format!("{} at once is more than is usual: the number has to be typed too", copies(going.len())));
    }
    let path = claim.meta.reference(Kind::Pvc).path();
    Ok(Plan {
        verb: Verb::Prune,
        title: format!("prune {} of volume {path}", copies(going.len())),
        context: world.context.name.to_string(),
        server: world.context.server.to_string(),
        protected: world.context.protected,
        count: preview.mass().then(|| going.len().to_string()),
        subject: Subject { object: claim.meta.reference(Kind::Pvc), uid: claim.meta.uid(), resource_version: version },
        made: now,
        facts: facts(claim, &preview, now),
        warnings,
        changes: changes(&going, claim, &lock, &id, now),
        command: command(options, claim, &world.context.name),
        undo: vec!["none: a copy that was deleted cannot be brought back".into()],
        locks: vec![lock],
        undoes: None,
        bundle: None,
        nodes: steps::nodes(&going, &anchor.item),
        id,
    })
}

fn copies(count: usize) -> String {
    text::plural(count, "copy", "copies")
}

/// A copy for people: `data-1, cut 2026-03-01 12:00 UTC (3h ago)`.
fn named(item: &Item, now: Timestamp) -> String {
    let name = text::sanitize(&item.object.name);
    match item.cut {
        Some(cut) => {
            let ago = text::age(now.duration_since(cut));
            format!("{name}, cut {} ({ago} ago)", cut.strftime("%Y-%m-%d %H:%M UTC"))
        }
        None => format!("{name}, not cut"),
    }
}

fn changes(going: &[&Decided], claim: &Pvc, lock: &Lock, id: &OperationId, now: Timestamp) -> Vec<String> {
    let said = |one: &&Decided| {
        let storage = match &one.item.content {
            Some((_, _, DeletionPolicy::Retain)) => "deletionPolicy is set to Delete first; ",
            Some(_) => "",
            None => "nothing in storage; ",
        };
        format!("deletes {}: {storage}{}", named(&one.item, now), one.reasons.join("; "))
    };
    let mut changes: Vec<String> = going.iter().map(said).collect();
    changes.push(lock.kept());
    changes.push(id.recorded(claim.meta.namespace()));
    changes
}

fn facts(claim: &Pvc, preview: &Preview, now: Timestamp) -> Vec<(String, String)> {
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let from = preview.policy.as_ref().map_or_else(|| "given".to_owned(), |name| format!("policy {name}"));
    let zone = preview.keep.zone().iana_name().unwrap_or("UTC").to_owned();
    let mut facts = vec![
        fact("claim UID", claim.meta.uid().to_string()),
        fact("rules", format!("{} ({from}, days of {zone})", preview.keep.said())),
        fact("stay at least", format!("{} good", preview.minimum.max(1))),
    ];
    let staying = preview.decided.iter().filter(|one| one.kept);
    facts.extend(staying.map(|one| fact("stays", format!("{}: {}", named(&one.item, now), one.reasons.join("; ")))));
    facts
}

/// The claim's version, once it was seen to be the one that is meant.
fn fresh_version(claim: &Pvc, answers: &Answers) -> Result<String, Refusal> {
    let at = ObjectAt::of(Kind::Pvc, claim.meta.namespace.as_deref(), &claim.meta.name);
    let fresh = match answers.objects.get(&at) {
        Some(Ok(Some(fresh))) => fresh,
        Some(Ok(None)) => return Err(refusal(claim, "the claim was deleted meanwhile", "pick another volume")),
        Some(Err(why)) => return Err(refusal(claim, format!("the claim could not be read: {why}"), "try again")),
        None => return Err(refusal(claim, "the claim was not read", "try again")),
    };
    let text = |field: &str| fresh.pointer(field).and_then(Value::as_str).unwrap_or_default();
    if text("/metadata/uid") != claim.meta.uid().as_str() {
        return Err(refusal(claim, "the claim was made anew meanwhile", "look at the new one, then try again"));
    }
    Ok(text("/metadata/resourceVersion").to_owned())
}

#[cfg(test)]
mod tests;
