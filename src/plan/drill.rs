//! The drill verb: proves that a restore point can be restored, by restoring it where nothing else is and reading all
//! of it, and leaves nothing behind.
//!
//! The copy is imported by its handle into a namespace of the drill's own. The content of that import is made with
//! policy Retain and goes only while it has it: two contents stand for one copy then, and deleting either with
//! policy Delete would destroy it.

mod check;
mod form;
mod scratch;

use std::time::Duration;

use jiff::Timestamp;

use super::request::place;
use super::restore::{Claim, Source, Wish, claim, found, lineage, reads};
use super::{AccessQuestion, Answers, Lock, OperationId, Plan, Questions, Refusal, Resource, Subject, Verb, lock};
use crate::assess::restore_point::belongs;
use crate::model::{Kind, ObjRef, Uid, World};
use crate::text::quantity;

pub use check::FILES;
pub use form::{command, form, image, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[Kind::VolumeSnapshot, Kind::Content, Kind::Pvc, Kind::Pv, Kind::StorageClass];

/// The image whose shell reads the volume unless another is chosen.
pub const IMAGE: &str = "docker.io/library/busybox:1.37";

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Storage class; `None` is that of the claim that was cut.
    pub class: Option<String>,
    /// Image with `sh`, `find`, `cat` and `wc`.
    pub image: String,
    /// Fewer bytes than this fail the drill.
    pub at_least: u64,
    /// How long it may take until the volume is made and mounted.
    pub mounted_within: Duration,
    /// How long reading all of it may take.
    pub read_within: Duration,
}

impl Default for Options {
    /// No choice made: one byte at least, 10 minutes to mounted, an hour to read.
    fn default() -> Self {
        Self {
            class: None,
            image: IMAGE.to_owned(),
            at_least: 1,
            mounted_within: Duration::from_secs(600),
            read_within: Duration::from_secs(3600),
        }
    }
}

/// What has to be asked before a drill of this restore point can be planned, given what is known.
pub fn questions(world: &World, snapshot: &Uid, known: &Answers) -> Questions {
    let Some(at) = place(world, snapshot) else { return Questions::default() };
    let contents = Resource::of(Kind::Content);
    let here = |verb, resource: &Resource| AccessQuestion::new(verb, resource, at.namespace.as_deref());
    // The namespace of the drill does not exist yet: what is done in it has to be allowed everywhere.
    let anywhere = |verb, resource: &Resource| AccessQuestion::new(verb, resource, None);
    let mut access = vec![here("get", &at.resource), here("patch", &at.resource)];
    access.extend(AccessQuestion::record(at.namespace.as_deref()));
    access.extend([
        anywhere("get", &contents),
        anywhere("delete", &contents),
        anywhere("create", &contents),
        anywhere("get", &Resource::of(Kind::Namespace)),
        anywhere("delete", &Resource::of(Kind::Namespace)),
        anywhere("get", &Resource::of(Kind::Pv)),
    ]);
    for resource in scratch::made() {
        access.extend([anywhere("create", &resource), anywhere("get", &resource)]);
    }
    let own = Questions { objects: reads(&at, known), access, lists: Vec::new() };
    lock(world, snapshot).into_iter().fold(own, |all, lock| all.and(lock.questions()))
}

/// What a drill holds: it keeps off other drills of the same data, and shows that it is still at work.
fn lock(world: &World, snapshot: &Uid) -> Option<Lock> {
    let snapshot = world.inventory.snapshots.get(snapshot)?;
    let data = lineage(world, snapshot, &belongs(world, snapshot)).unwrap_or_else(|| snapshot.meta.uid());
    Some(Lock { namespace: snapshot.meta.namespace().to_owned(), lineage: format!("drill-{data}").into() })
}

/// Plans a drill of the restore point with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    snapshot: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let source = found(Verb::Drill, world, snapshot, answers)?;
    let scratch = scratch::Scratch::new(&source, &id);
    let wish = Wish { name: "restored", class: options.class.as_deref(), ..Wish::default() };
    let claim = claim(Verb::Drill, world, &scratch.source(&source), &wish, &id)?;
    let refused =
        |(why, clear)| Refusal { verb: Verb::Drill, object: format!("snapshot {}", source.at.path()), why, clear };
    let locks: Vec<Lock> = lock(world, snapshot).into_iter().collect();
    let locked = lock::look(&locks, answers, &id, now).map_err(refused)?;
    let mut plan = Case { world, source, scratch, claim, locks, now }.plan(options, id);
    plan.warnings.extend(locked);
    Ok(plan)
}

/// A restore point that can be restored, where, and as what claim.
struct Case<'a> {
    world: &'a World,
    source: Source,
    scratch: scratch::Scratch,
    claim: Claim,
    locks: Vec<Lock>,
    now: Timestamp,
}

impl Case<'_> {
    fn plan(&self, options: &Options, id: OperationId) -> Plan {
        let at = &self.source.at;
        let namespace = at.namespace.clone().unwrap_or_default();
        let context = &self.world.context;
        Plan {
            verb: Verb::Drill,
            title: format!("prove that {namespace}/{} can be restored", at.name),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: ObjRef::namespaced(Kind::VolumeSnapshot, namespace.as_str(), at.name.as_str()),
                uid: self.source.uid.clone(),
                resource_version: self.source.resource_version.clone(),
            },
            made: self.now,
            facts: self.facts(options),
            warnings: self.warnings(),
            changes: self.changes(&namespace, &id),
            command: command(options, at, &context.name),
            undo: vec![
                "nothing to take back: what the drill makes it removes, also when it fails".into(),
                format!("if this console dies, `holdfast operations resume {id}` removes what is left"),
            ],
            locks: self.locks.clone(),
            undoes: None,
            bundle: None,
            nodes: self.scratch.nodes(&self.source, &self.claim, options, self.now, &id),
            id,
        }
    }

    fn changes(&self, namespace: &str, id: &OperationId) -> Vec<String> {
        let mut changes = vec![
            format!(
                "creates namespace {} with a quota, no network, a volume and a pod that reads it",
                self.scratch.name
            ),
            format!("creates VolumeSnapshotContent {} for the same copy, which keeps it (Retain)", self.scratch.name),
            format!(
                "{} makes a new volume of {} and deletes it again",
                self.source.driver,
                quantity::bytes(self.claim.size)
            ),
            "deletes both again, whatever came of it".into(),
            format!("notes on {} that it is proven, or why it is not", self.source.at),
            id.recorded(namespace),
        ];
        let held =
            |lock: &Lock| format!("holds {} while it runs, so that no other drill of the same data does", lock.at());
        changes.extend(self.locks.iter().map(held));
        changes
    }

    fn facts(&self, options: &Options) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let age = quantity::age(self.now.duration_since(self.source.cut));
        let what = if self.claim.block { "every byte of the device" } else { "every file" };
        vec![
            fact("data of", format!("{} ({age} ago)", self.source.cut)),
            fact(
                "check",
                format!("mount it read-only and read {what}, {} at least", quantity::exact(options.at_least)),
            ),
            fact("image", options.image.clone()),
            fact("size", quantity::bytes(self.claim.size)),
            fact("storage class", self.claim.class.clone()),
            fact("driver", self.source.driver.clone()),
            fact("snapshot handle", self.source.handle.clone()),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> =
            self.source.doubt.iter().map(|doubt| format!("not proved yet: {doubt}")).collect();
        warnings.extend(self.claim.warnings.iter().cloned());
        if self.claim.reclaim != crate::model::ReclaimPolicy::Delete {
            warnings.push(format!(
                "class {} keeps volumes whose claim is gone: the volume of the drill stays and has to be deleted by itself",
                self.claim.class
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
