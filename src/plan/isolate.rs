//! The isolate verb and its counterpart: contains a workload by one NetworkPolicy that denies its pods all traffic but
//! what is named, and lets it rejoin by deleting that policy.
//!
//! What a policy does is the network plugin's: whether it holds cannot be seen from the API, and every plan says so.
//! Policies add up, so that another one that lets traffic through is not outdone by this one.

mod beside;
mod case;
mod form;
mod peer;
mod rejoin;
mod selector;

use jiff::Timestamp;
use serde_json::Value;

use super::read::{label, name, text};
use super::{AccessQuestion, Answers, ListAt, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Verb, backup};
use crate::model::{Key, Kind, Uid, Workload, World, annotation};
use crate::text;

pub use form::{command, form, options, rejoin_command};
pub use peer::Peer;
pub(super) use rejoin::{of_undo, questions_of_undo};
pub use rejoin::{plan as rejoin, questions as rejoin_questions};

use case::Case;

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &backup::WORKLOADS;

/// The only step of both plans.
const STEP: &str = "policy";

/// What the operator may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Why, for an annotation of the policy and the journal.
    pub reason: Option<String>,
    /// Whether names can still be resolved: port 53 of pods in kube-system.
    pub dns: bool,
    /// Who may still come in.
    pub from: Vec<Peer>,
    /// Whether it is done beside policies that let traffic through.
    pub beside: bool,
}

/// The NetworkPolicy of the API.
fn policies() -> Resource {
    Resource {
        group: "networking.k8s.io".into(),
        version: "v1".into(),
        plural: "networkpolicies".into(),
        kind: "NetworkPolicy".into(),
    }
}

/// A workload as it is watched.
fn watched<'w>(world: &'w World, kind: Kind, uid: &Uid) -> Option<&'w Workload> {
    if LOOKED_AT.contains(&kind) { world.workload(kind, uid) } else { None }
}

fn place(kind: Kind, workload: &Workload) -> ObjectAt {
    ObjectAt::of(kind, workload.meta.namespace.as_deref(), &workload.meta.name)
}

/// Where the policy of a workload is: one, so that nobody contains it twice.
fn policy(kind: Kind, workload: &Workload) -> ObjectAt {
    let plain = format!("holdfast-isolate-{}", written(kind, workload).replace('/', "-"));
    // A name has at most 253 characters.
    let name = match plain.len() {
        0..=253 => plain,
        _ => format!("holdfast-isolate-{}", &text::sha256(plain.as_bytes())[..40]),
    };
    ObjectAt { resource: policies(), namespace: workload.meta.namespace.as_deref().map(str::to_owned), name }
}

/// Whether this console made a policy to contain something.
fn ours(policy: &Value) -> bool {
    label(policy, annotation::MANAGED_BY.0) == Some(annotation::MANAGED_BY.1)
        && !text(policy, &annotation::pointer(annotation::WORKLOAD)).is_empty()
}

/// Who else may have pods that a selector selects: what has to be listed.
struct Lists {
    pods: ListAt,
    policies: ListAt,
    owners: Vec<ListAt>,
}

impl Lists {
    /// ReplicaSets, which stand between Deployments and their pods.
    fn sets(&self) -> ListAt {
        ListAt::all(Resource::of(Kind::ReplicaSet), self.pods.namespace.as_deref())
    }

    fn of(namespace: &str) -> Self {
        let all = |resource| ListAt::all(resource, Some(namespace));
        let owners = [Kind::StatefulSet, Kind::Deployment, Kind::DaemonSet, Kind::ReplicaSet];
        Self {
            pods: all(Resource::of(Kind::Pod)),
            policies: all(policies()),
            owners: owners.map(|kind| all(Resource::of(kind))).into(),
        }
    }
}

/// What has to be asked before this workload can be contained.
pub fn questions(world: &World, kind: Kind, uid: &Uid) -> Questions {
    let Some(workload) = watched(world, kind, uid) else { return Questions::default() };
    let namespace = workload.meta.namespace();
    let ask = |verb| AccessQuestion::new(verb, &policies(), Some(namespace));
    let mut access: Vec<AccessQuestion> = ["get", "list", "create"].map(ask).into();
    access.extend(AccessQuestion::record(Some(namespace)));
    let Lists { pods, policies, owners } = Lists::of(namespace);
    let lists = [pods, policies].into_iter().chain(owners).collect();
    Questions { objects: vec![place(kind, workload)], access, lists }
}

/// Plans the isolation of the workload with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    (kind, uid): (Kind, &Uid),
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let Some(workload) = watched(world, kind, uid) else {
        return Err(gone(Verb::Isolate));
    };
    let case = Case::of(world, kind, workload, answers, options);
    case.map(|case| case.plan(id, now)).map_err(|no| refusal(Verb::Isolate, kind, workload, no))
}

fn gone(verb: Verb) -> Refusal {
    let (object, why) = ("a workload".to_owned(), "it is gone".to_owned());
    Refusal { verb, object, why, clear: "pick another workload".into() }
}

fn refusal(verb: Verb, kind: Kind, workload: &Workload, (why, clear): (String, String)) -> Refusal {
    Refusal { verb, object: text::sanitize(&place(kind, workload).to_string()).into_owned(), why, clear }
}

/// `NAMESPACE/KIND/NAME`, as the command line has it; `None` when it is gone.
pub fn path(world: &World, kind: Kind, uid: &Uid) -> Option<String> {
    let workload = watched(world, kind, uid)?;
    Some(format!("{}/{}", workload.meta.namespace(), written(kind, workload)))
}

fn written(kind: Kind, workload: &Workload) -> String {
    format!("{}/{}", kind.spec().kind.to_lowercase(), workload.meta.name)
}

/// The workloads that an object on the screen is of, as far as they can be contained: itself, the owner of a pod, or
/// who uses a volume.
pub fn workloads(world: &World, key: &Key) -> Vec<(Kind, Uid)> {
    match key {
        Key::Object(kind, uid) if watched(world, *kind, uid).is_some() => vec![(*kind, uid.clone())],
        Key::Object(Kind::Pvc, uid) => {
            let Some(claim) = world.inventory.pvcs.get(uid) else { return Vec::new() };
            let owners = backup::owners(world, claim).into_iter();
            owners.filter_map(|owner| named(world, owner.kind, claim.meta.namespace(), &owner.name)).collect()
        }
        _ => Vec::new(),
    }
}

/// A workload by its name, when it is seen.
pub fn named(world: &World, kind: Kind, namespace: &str, name: &str) -> Option<(Kind, Uid)> {
    let (namespace, name) = (Some(namespace.into()), name.into());
    let found = match kind {
        Kind::StatefulSet => world.inventory.stateful_sets.named(namespace.as_ref(), &name),
        Kind::Deployment => world.inventory.deployments.named(namespace.as_ref(), &name),
        Kind::DaemonSet => world.inventory.daemon_sets.named(namespace.as_ref(), &name),
        _ => None,
    };
    found.map(|found| (kind, found.meta.uid()))
}

/// `Deployment web` of an object in a list of its kind.
fn called(kind: &str, object: &Value) -> String {
    format!("{kind} {}", text::sanitize(name(object)))
}

#[cfg(test)]
mod tests;
