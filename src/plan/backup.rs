//! The backup verb: snapshots of one volume, of all volumes of a workload, or of those that labels select, with
//! everything proved before they are taken. Crash-consistent, or with the application held over the cut by its hooks.
//!
//! A backup of one volume is the set of one. The snapshot class is always resolved and named: left to the cluster, a
//! class of another driver passes admission and fails later, and two defaults are an error nobody sees coming.

mod attest;
mod bundle;
mod case;
mod class;
mod form;
mod group;
mod holding;
mod member;
mod owner;
mod preflight;
mod quiesce;
mod scope;
mod steps;
pub(super) mod undo;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::hooks::Quiesce;
use super::{AccessQuestion, Answers, ListAt, Lock, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Verb};
use crate::model::{Kind, Pvc, SnapshotClass, Uid, World};
use case::Case;

pub use attest::attest;
pub use form::{command, deadline, form, options, reason};
pub use owner::{KINDS as WORKLOADS, Owner, owners};
pub use scope::Scope;

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[
    Kind::Pv,
    Kind::VolumeSnapshot,
    Kind::Content,
    Kind::SnapshotClass,
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
];
/// Label with the UID of the claim a snapshot was cut from.
pub const PVC_UID: &str = "holdfast.dev/pvc-uid";

/// How the volumes of a set are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Together {
    /// At one moment where the storage can, else side by side.
    #[default]
    Auto,
    /// At one moment, or not at all.
    Group,
    /// Side by side.
    Parallel,
}

impl Together {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Group, Self::Parallel];

    /// Its word: on the command line and in the form.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Group => "group",
            Self::Parallel => "parallel",
        }
    }

    /// What it means.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Auto => "at one moment where the storage can, else side by side",
            Self::Group => "at one moment (VolumeGroupSnapshot), or not at all",
            Self::Parallel => "side by side; how far apart is measured",
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|together| together.word() == text);
        found.ok_or_else(|| format!("\"{}\" is no way; it is auto, group or parallel", crate::text::sanitize(text)))
    }
}

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is backed up together with the claim.
    pub scope: Scope,
    /// How several volumes are cut.
    pub together: Together,
    /// Snapshot class; `None` resolves the driver's default.
    pub class: Option<String>,
    /// Why, for the record.
    pub reason: Option<String>,
    /// How long the cut may take.
    pub cut_within: Duration,
    /// How long it may take until the snapshot can be restored.
    pub ready_within: Duration,
    /// How the application is held over the cut; `None` for a crash-consistent copy.
    pub quiesce: Option<Quiesce>,
}

impl Default for Options {
    /// No choice made; 2 minutes to the cut, 10 minutes to ready (the defaults of CloudNativePG and Velero).
    fn default() -> Self {
        Self {
            scope: Scope::Volume,
            together: Together::Auto,
            class: None,
            reason: None,
            cut_within: Duration::from_secs(120),
            ready_within: Duration::from_secs(600),
            quiesce: None,
        }
    }
}

/// What has to be asked before a backup of this claim, and what is backed up with it, can be planned, given what is
/// known.
pub fn questions(world: &World, claim: &Pvc, options: &Options, known: &Answers) -> Questions {
    let namespace = claim.meta.namespace();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(namespace));
    let snapshots = Resource::of(Kind::VolumeSnapshot);
    let mut access = vec![ask("create", &snapshots), ask("get", &snapshots)];
    access.extend(AccessQuestion::record(Some(namespace)));
    if options.scope != Scope::Volume {
        // A set that is not whole is deleted again.
        access.extend([ask("delete", &snapshots), ask("patch", &snapshots)]);
    }
    let own = Questions { access, lists: vec![ListAt::quotas(namespace)], ..Questions::default() };
    let mut questions = own.and(scope::questions(&options.scope, namespace));
    questions = questions.and(case::reads(world, claim, options, known));
    let resolved = scope::resolve(&options.scope, world, claim, known).unwrap_or_default();
    for claim in &resolved.claims {
        questions.objects.push(ObjectAt::of(Kind::Pvc, Some(namespace), &claim.meta.name));
        questions = questions.and(Lock::of(world, claim).questions());
    }
    if resolved.claims.len() > 1 {
        questions = questions.and(group::questions(namespace, options, known));
    }
    quiesce::ask(&mut questions, world, namespace, &resolved.claims, options);
    questions
}

/// Plans a backup of the claim with this UID, and of what is backed up with it.
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
        return Err(refusal("a volume", "its PersistentVolumeClaim is gone", "pick another volume"));
    };
    Case::of(world, claim, answers, options, (id, now))?.plan(now)
}

/// The class of a snapshot of this claim that another verb takes: the one named, the driver's default or its only one;
/// and what should be said of the choice.
///
/// # Errors
/// A [`Refusal`] when there is none, or none of several is the default.
pub fn snapshot_class<'w>(
    world: &'w World,
    driver: &Arc<str>,
    named: Option<&str>,
    claim: &Pvc,
) -> Result<(&'w SnapshotClass, Vec<String>), Refusal> {
    let options = Options { class: named.map(str::to_owned), ..Options::default() };
    class::resolve_class(world, driver, &options, &claim.meta.reference(Kind::Pvc).path())
}

fn refusal(object: &str, why: impl Into<String>, clear: impl Into<String>) -> Refusal {
    Refusal { verb: Verb::Backup, object: object.to_owned(), why: why.into(), clear: clear.into() }
}

#[cfg(test)]
mod tests;
