//! The in-place restore: the claim keeps its name and gets a volume made from a restore point, or one that was kept.
//!
//! Stage, verify, swap. The other volume is made and tried beside the live one; then the application is stopped, what
//! is there is kept twice (a safety snapshot, and the old volume as Retain), and the claim is made anew for the other
//! volume. Every step has a way back until the application runs again; afterwards the way back is the same verb with
//! the volume that was kept.

mod case;
mod consumers;
mod form;
mod gates;
mod gitops;
mod images;
mod members;
mod operators;
mod pause;
mod review;
mod steps;
mod trial;
pub(super) mod undo;

use std::time::Duration;

use jiff::Timestamp;

use self::case::{Case, Common};
use self::consumers::{Consumers, autoscalers};
use self::gitops::Keeper;
use self::members::{Given, Member, members};
use self::review::Review;
use super::read::text;
use super::restore;
use super::{
    AccessQuestion, Answers, ListAt, Lock, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Verb, lock,
};
use crate::model::{Kind, Pvc, Uid, World};

pub use form::{command, form, from_text, image, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] =
    &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::StorageClass, Kind::Pod];

/// What runs in the trial pod: it does nothing, and every node has it.
pub const TRIAL_IMAGE: &str = "registry.k8s.io/pause:3.10";

/// Where the data comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A restore point of the claim's namespace.
    Snapshot(String),
    /// A volume that an earlier in-place restore kept: taking that back.
    Volume(String),
    /// The restore points of this set: every volume that was cut with it is restored together with it.
    Set(String),
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the data comes from; `None` while nobody chose.
    pub from: Option<From>,
    /// Why, for the record.
    pub reason: Option<String>,
    /// Class of the safety snapshot; `None` resolves the driver's default.
    pub class: Option<String>,
    /// Somebody attests that the members of a StatefulSet do not replicate.
    pub not_replicated: bool,
    /// Another major version may read the files.
    pub accept_image_change: bool,
    /// Somebody attests that GitOps is paused where that cannot be seen.
    pub gitops_paused: bool,
    /// What runs in the trial pod.
    pub trial_image: String,
    /// How long making and mounting the restored volume may take.
    pub stage_within: Duration,
    /// How long pods may take to end.
    pub stop_within: Duration,
    /// How long a volume may take to be detached.
    pub detach_within: Duration,
    /// How long the safety snapshot may take to be cut.
    pub cut_within: Duration,
    /// How long the application may take to become ready.
    pub ready_within: Duration,
    /// How long the former volume and the safety snapshot are marked as kept.
    pub keep: Duration,
}

impl Default for Options {
    /// Nothing chosen. 7 minutes to detach: Kubernetes itself gives a node up after 6.
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            from: None,
            reason: None,
            class: None,
            not_replicated: false,
            accept_image_change: false,
            gitops_paused: false,
            trial_image: TRIAL_IMAGE.to_owned(),
            stage_within: minutes(10),
            stop_within: minutes(5),
            detach_within: minutes(7),
            cut_within: minutes(2),
            ready_within: minutes(10),
            keep: minutes(7 * 24 * 60),
        }
    }
}

fn refusal(object: &str, why: impl Into<String>, clear: impl Into<String>) -> Refusal {
    Refusal { verb: Verb::RestoreInPlace, object: object.to_owned(), why: why.into(), clear: clear.into() }
}

/// ScaledObjects of KEDA.
fn scaled_objects() -> Resource {
    Resource {
        group: "keda.sh".into(),
        version: "v1alpha1".into(),
        plural: "scaledobjects".into(),
        kind: "ScaledObject".into(),
    }
}

/// What has to be asked, given what is known.
pub fn questions(world: &World, claim: &Pvc, options: &Options, known: &Answers) -> Questions {
    // Which claims are meant without an answer is said when it is planned.
    members(world, claim, options).map(|members| asked(world, &members, known)).unwrap_or_default()
}

/// What has to be asked about claims that are restored together.
fn asked(world: &World, members: &[Member], known: &Answers) -> Questions {
    members.iter().fold(Questions::default(), |all, member| all.and(about(world, member, known)))
}

fn about(world: &World, Member { claim, given, .. }: &Member, known: &Answers) -> Questions {
    let namespace = claim.meta.namespace();
    let mut objects = vec![ObjectAt::of(Kind::Pvc, Some(namespace), &claim.meta.name)];
    objects.extend(claim.volume_name.as_ref().map(|name| ObjectAt::of(Kind::Pv, None, name)));
    match given {
        Some(Given::Volume(name)) => objects.push(ObjectAt::of(Kind::Pv, None, name)),
        Some(Given::Snapshot(name)) => {
            objects.extend(restore::reads(&ObjectAt::of(Kind::VolumeSnapshot, Some(namespace), name), known));
        }
        None => {}
    }
    let mut lists: Vec<ListAt> =
        consumers::LISTED.iter().map(|kind| ListAt::all(Resource::of(*kind), Some(namespace))).collect();
    lists.push(ListAt::all(autoscalers(), Some(namespace)));
    let own = Questions { objects, access: rights(namespace), lists };
    let mut questions = own.and(Lock::of(world, claim).questions());
    if let Ok(consumers) = Consumers::of(known, namespace, &claim.meta.name) {
        further(&mut questions, &consumers, namespace, known);
    }
    questions
}

fn rights(namespace: &str) -> Vec<AccessQuestion> {
    let here = |kind: Kind, verbs: &[&'static str]| {
        let ask = |verb: &&'static str| AccessQuestion::new(verb, &Resource::of(kind), Some(namespace));
        verbs.iter().map(ask).collect::<Vec<_>>()
    };
    let anywhere = |kind: Kind, verbs: &[&'static str]| {
        let ask = |verb: &&'static str| AccessQuestion::new(verb, &Resource::of(kind), None);
        verbs.iter().map(ask).collect::<Vec<_>>()
    };
    [
        here(Kind::Pvc, &["create", "get", "list", "delete"]),
        here(Kind::Pod, &["create", "get", "list", "delete"]),
        here(Kind::VolumeSnapshot, &["create", "get"]),
        anywhere(Kind::Pv, &["get", "patch"]),
        anywhere(Kind::Content, &["get", "patch"]),
        anywhere(Kind::VolumeAttachment, &["list"]),
        anywhere(Kind::Node, &["get"]),
        AccessQuestion::record(Some(namespace)).into(),
    ]
    .concat()
}

/// What is asked once it is known who uses the claim.
fn further(questions: &mut Questions, consumers: &Consumers, namespace: &str, known: &Answers) {
    let nodes = consumers.nodes();
    questions.objects.extend(nodes.into_iter().map(|node| ObjectAt::of(Kind::Node, None, node)));
    let ask = |verb: &'static str, resource: &Resource| AccessQuestion::new(verb, resource, Some(namespace));
    for workload in &consumers.workloads {
        let resource = Resource::of(workload.kind);
        questions.access.extend([ask("get", &resource), ask("patch", &resource).of("scale")]);
        if text(workload.object, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled") == "Delete" {
            questions.access.push(ask("patch", &resource));
        }
    }
    if !consumers.cron_jobs.is_empty() {
        questions.access.push(ask("patch", &Resource::of(Kind::CronJob)));
    }
    let objects = consumers.workloads.iter().map(|workload| workload.object).chain(consumers.cron_jobs.iter().copied());
    for keeper in objects.filter_map(Keeper::of) {
        let (object, list) = keeper.asks();
        questions.objects.extend(object);
        questions.lists.extend(list);
        if let Some(pause) = keeper.object(known).ok().and_then(|object| keeper.pause(object)) {
            let namespace = pause.at.namespace.as_deref();
            questions.access.push(AccessQuestion::new("patch", &pause.at.resource, namespace));
        }
    }
    let scalers = known.lists.get(&ListAt::all(autoscalers(), Some(namespace)));
    for scaler in scalers.into_iter().flatten().flatten() {
        let owner = consumers::Owner::of(scaler).filter(|owner| owner.kind == "ScaledObject");
        if let Some(owner) = owner {
            let at = ObjectAt { resource: scaled_objects(), namespace: Some(namespace.to_owned()), name: owner.name };
            questions.access.push(ask("patch", &at.resource));
            questions.objects.push(at);
        }
    }
}

/// Plans it.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    claim: &Uid,
    answers: &Answers,
    options: &Options,
    id: &OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let Some(claim) = world.inventory.pvcs.get(claim) else {
        return Err(refusal("a volume", "its PersistentVolumeClaim is gone", "pick another volume"));
    };
    let path = claim.meta.reference(Kind::Pvc).path();
    let members = members(world, claim, options);
    let members = members.map_err(|(why, clear)| refusal(&format!("volume {path}"), why, clear))?;
    together(world, claim, &members, answers, options, id, now)
}

/// Plans the claims of a restore, of which `asked` is the one that was asked for.
fn together(
    world: &World,
    asked: &Pvc,
    members: &[Member],
    answers: &Answers,
    options: &Options,
    id: &OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let names: Vec<&str> = members.iter().map(|member| &*member.claim.meta.name).collect();
    let common = Common { world, answers, options, id, together: &names, now };
    let cases = members.iter().map(|member| Case::of(common, member)).collect::<Result<Vec<_>, _>>()?;
    let locks: Vec<Lock> = members.iter().map(|member| Lock::of(world, member.claim)).collect();
    let path = asked.meta.reference(Kind::Pvc).path();
    let held = |(why, clear)| refusal(&format!("volume {path}"), why, clear);
    let warnings = lock::look(&locks, answers, id, now).map_err(held)?;
    Review { world, claim: asked, options, cases, warnings }.plan(id, now)
}

#[cfg(test)]
mod tests;
