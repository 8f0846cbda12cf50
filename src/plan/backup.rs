//! The backup verb: a snapshot of one volume, with everything proved before it is taken. Crash-consistent, or with the
//! application held over the cut by its hooks.
//!
//! The snapshot class is always resolved and named: left to the cluster, a class of another driver passes
//! admission and fails later, and two defaults are an error nobody sees coming.

mod class;
mod form;
mod holding;
mod preflight;
mod quiesce;
pub(super) mod undo;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hooks::{self, Consistency, Hook, Quiesce};
use super::{
    AccessQuestion, Act, Answers, Check, Expect, Follow, Guard, ListAt, Lock, Node, ObjectAt, OperationId, Plan,
    Questions, Refusal, Resource, Step, StepId, Subject, Target, Until, Verb, lock,
};
use crate::model::{
    Content, DeletionPolicy, Freshness, Kind, Pv, Pvc, SnapshotClass, Uid, VolumeSnapshot, World, annotation,
};
use crate::text;

pub use form::{command, deadline, form, options, reason};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::SnapshotClass, Kind::Pod];
/// Label with the UID of the claim a snapshot was cut from.
pub const PVC_UID: &str = "holdfast.dev/pvc-uid";

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
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
            class: None,
            reason: None,
            cut_within: Duration::from_secs(120),
            ready_within: Duration::from_secs(600),
            quiesce: None,
        }
    }
}

/// What has to be asked before a backup of this claim can be planned.
pub fn questions(world: &World, claim: &Pvc, options: &Options) -> Questions {
    let namespace = claim.meta.namespace().to_owned();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(&namespace));
    let snapshots = Resource::of(Kind::VolumeSnapshot);
    let mut access = vec![ask("create", &snapshots), ask("get", &snapshots)];
    access.extend(AccessQuestion::record(Some(&namespace)));
    let mut objects = vec![ObjectAt::of(Kind::Pvc, Some(&namespace), &claim.meta.name)];
    objects.extend(claim.volume_name.as_ref().map(|name| ObjectAt::of(Kind::Pv, None, name)));
    let mut questions = Questions { objects, access, lists: vec![ListAt::quotas(&namespace)] };
    quiesce::ask(&mut questions, world, claim, options);
    questions.and(Lock::of(world, claim).questions())
}

/// Plans a backup of the claim with this UID.
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
    let mut case = Case::of(world, claim, answers, options, &id)?;
    let path = claim.meta.reference(Kind::Pvc).path();
    let held = |(why, clear)| refusal(&format!("volume {path}"), why, clear);
    let warnings = lock::look(std::slice::from_ref(&case.lock), answers, &id, now).map_err(held)?;
    case.warnings.extend(warnings);
    Ok(case.plan(options, answers, id, now))
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

/// Everything that was found out about one claim and proved fit for a backup.
struct Case<'a> {
    world: &'a World,
    claim: &'a Pvc,
    fresh: &'a Value,
    pv: &'a Pv,
    driver: &'a Arc<str>,
    class: &'a SnapshotClass,
    hooks: Vec<Hook>,
    lock: Lock,
    warnings: Vec<String>,
}

impl<'a> Case<'a> {
    fn of(
        world: &'a World,
        claim: &'a Pvc,
        answers: &'a Answers,
        options: &Options,
        id: &OperationId,
    ) -> Result<Self, Refusal> {
        let path = claim.meta.reference(Kind::Pvc).path();
        let refuse = |why: String, clear: &str| Err(refusal(&format!("volume {path}"), why, clear));
        let fresh = preflight::fresh_claim(claim, answers, &path)?;
        preflight::check_rights(answers, &path)?;
        preflight::check_quota(answers, claim.meta.namespace(), &path)?;
        if *world.freshness(Kind::VolumeSnapshot) == Freshness::Absent {
            return refuse(
                "this cluster serves no VolumeSnapshot API".into(),
                "install the snapshot CRDs and the snapshot-controller, and use a CSI driver that supports snapshots",
            );
        }
        let Some(pv) = world.volume(claim) else {
            return refuse(
                "its PersistentVolume is not visible, so its driver cannot be proved".into(),
                "wait until the volume is bound, or ask for rights to list persistentvolumes",
            );
        };
        let Some((driver, _)) = &pv.csi else {
            return refuse(
                format!("PersistentVolume {} is not a CSI volume; only CSI volumes have snapshots", pv.meta.name),
                "use a file-level backup for it",
            );
        };
        let (class, mut warnings) = class::resolve_class(world, driver, options, &path)?;
        warnings.extend(sibling_warnings(world, claim));
        let found = options.quiesce.as_ref().map(|quiesce| quiesce::found(world, claim, answers, quiesce, id));
        let found = found.transpose()?.unwrap_or_default();
        warnings.extend(found.warnings);
        Ok(Self { world, claim, fresh, pv, driver, class, hooks: found.hooks, lock: Lock::of(world, claim), warnings })
    }

    fn plan(self, options: &Options, answers: &Answers, id: OperationId, now: Timestamp) -> Plan {
        let name = snapshot_name(&self.claim.meta.name, &id);
        let namespace = self.claim.meta.namespace().to_owned();
        let path = format!("{namespace}/{}", self.claim.meta.name);
        let at = ObjectAt::of(Kind::VolumeSnapshot, Some(&namespace), &name);
        let mut warnings = self.warnings.clone();
        if self.class.deletion == DeletionPolicy::Delete {
            warnings.push(format!(
                "deletion policy is Delete: deleting the VolumeSnapshot, or namespace {namespace}, destroys this copy"
            ));
        }
        let version = self.fresh.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        Plan {
            verb: Verb::Backup,
            title: format!("back up volume {path}"),
            context: self.world.context.name.to_string(),
            server: self.world.context.server.to_string(),
            protected: self.world.context.protected,
            count: None,
            subject: Subject {
                object: self.claim.meta.reference(Kind::Pvc),
                uid: self.claim.meta.uid(),
                resource_version: version.to_owned(),
            },
            made: now,
            facts: self.facts(options),
            warnings,
            changes: self.changes(&at, &id, options),
            command: command(options, self.claim, &self.world.context.name),
            undo: vec![format!("delete {at} (its copy in storage goes when the deletion policy says so)")],
            locks: vec![self.lock.clone()],
            undoes: None,
            nodes: self.nodes(&at, &id, options, &answers.who),
            id,
        }
    }

    /// The hooks stand around the cut alone: being restorable may take long, and the application goes on meanwhile.
    fn nodes(&self, at: &ObjectAt, id: &OperationId, options: &Options, who: &str) -> Vec<Node> {
        let run = |step| Node::Do(Box::new(step));
        let cut = vec![run(self.create(at, id, options, who)), run(cut_step(options.cut_within))];
        let ready = run(ready_step(options.ready_within));
        let Some(quiesce) = &options.quiesce else { return cut.into_iter().chain([ready]).collect() };
        let around = hooks::Around { hooks: &self.hooks, at_most: quiesce.at_most };
        hooks::around(around, cut).into_iter().chain([ready, run(quiesce::mark())]).collect()
    }

    fn changes(&self, at: &ObjectAt, id: &OperationId, options: &Options) -> Vec<String> {
        let namespace = self.claim.meta.namespace();
        let mut changes = vec![
            format!("creates {at}"),
            format!("the storage system of {} keeps one more snapshot", self.driver),
            id.recorded(namespace),
            self.lock.kept(),
        ];
        match &options.quiesce {
            None => changes.push("changes nothing that exists; no pod is stopped or paused".into()),
            Some(quiesce) => changes.extend(quiesce::changes(quiesce, &self.hooks)),
        }
        changes
    }

    fn facts(&self, options: &Options) -> Vec<(String, String)> {
        let size = self.claim.capacity.map_or_else(|| "?".to_owned(), text::quantity::bytes);
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut facts = vec![
            fact("claim UID", self.claim.meta.uid().to_string()),
            fact("volume", self.pv.meta.name.to_string()),
            fact("size", size),
            fact("driver", self.driver.to_string()),
            fact("snapshot class", self.class.meta.name.to_string()),
            fact("deletion policy", self.class.deletion.word().to_owned()),
        ];
        match &options.quiesce {
            None => facts.push(fact("consistency", "crash-consistent: as if power was lost at the cut".to_owned())),
            Some(quiesce) => facts.extend(quiesce::facts(quiesce, &self.hooks)),
        }
        let reason = options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| fact("reason", line.to_owned())));
        let pods = quiesce::pods(self.world, self.claim);
        let pods: Vec<String> = pods.into_iter().map(|pod| pod.meta.name.to_string()).collect();
        facts.push(fact("mounted by", if pods.is_empty() { "no pod".to_owned() } else { pods.join(", ") }));
        facts
    }

    /// Images as they run in the pods that write the volume: `container=image:tag@digest`.
    fn images(&self) -> Vec<String> {
        let Some(namespace) = &self.claim.meta.namespace else { return Vec::new() };
        let key = (namespace.clone(), self.claim.meta.name.clone());
        let pods = self.world.links.pods_mounting(&key).iter().filter_map(|uid| self.world.inventory.pods.get(uid));
        let mut images: Vec<String> = pods
            .flat_map(|pod| pod.containers.iter())
            .map(|container| format!("{}={}", container.name, pinned(&container.image, container.image_id.as_deref())))
            .collect();
        images.sort();
        images.dedup();
        images
    }

    fn create(&self, at: &ObjectAt, id: &OperationId, options: &Options, who: &str) -> Step {
        let mut annotations = serde_json::Map::new();
        let mut note = |key: &str, value: String| annotations.insert(key.to_owned(), Value::String(value));
        note(annotation::OPERATION, id.to_string());
        note(annotation::STEP, "create".to_owned());
        note(annotation::LINEAGE, self.lock.lineage.to_string());
        // What more it is, is said once it is proved.
        note(annotation::CONSISTENCY, Consistency::Crash.word().to_owned());
        note("holdfast.dev/actor", who.to_owned());
        note("holdfast.dev/images", self.images().join(","));
        note(annotation::CLAIM_SPEC, self.fresh.get("spec").map(Value::to_string).unwrap_or_default());
        if let Some(reason) = &options.reason {
            note("holdfast.dev/reason", reason.clone());
        }
        let manifest = json!({
            "apiVersion": at.resource.api_version(),
            "kind": at.resource.kind,
            "metadata": {
                "name": at.name,
                "namespace": at.namespace,
                "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1, PVC_UID: self.claim.meta.uid().as_str() },
                "annotations": annotations,
            },
            "spec": {
                "volumeSnapshotClassName": &*self.class.meta.name,
                "source": { "persistentVolumeClaimName": &*self.claim.meta.name },
            },
        });
        Step {
            id: StepId("create".into()),
            title: format!("create {at}"),
            act: Act::Create { at: at.clone(), manifest },
            guards: vec![self.guard()],
            deadline: Duration::from_secs(60),
        }
    }

    fn guard(&self) -> Guard {
        let volume: &str = &self.pv.meta.name;
        Guard {
            at: ObjectAt::of(Kind::Pvc, self.claim.meta.namespace.as_deref(), &self.claim.meta.name),
            uid: self.claim.meta.uid(),
            checks: vec![
                Check::absent("/metadata/deletionTimestamp"),
                Check::is("/status/phase", "Bound"),
                Check::is("/spec/volumeName", volume),
            ],
            or: "the plan was made for another volume; plan again".into(),
        }
    }
}

/// An image with its tag, which tells its version, and the digest that runs.
fn pinned(image: &str, id: Option<&str>) -> String {
    let digest = id.and_then(|id| id.split_once('@')).map(|(_, digest)| digest).filter(|_| !image.contains('@'));
    digest.map_or_else(|| image.to_owned(), |digest| format!("{image}@{digest}"))
}

fn sibling_warnings(world: &World, claim: &Pvc) -> Vec<String> {
    let Some(namespace) = &claim.meta.namespace else { return Vec::new() };
    let key = (namespace.clone(), claim.meta.name.clone());
    let siblings = world.links.snapshots_naming(&key).iter().filter_map(|uid| world.inventory.snapshots.get(uid));
    let mut not_ready: Vec<&VolumeSnapshot> = siblings.filter(|snapshot| snapshot.ready != Some(true)).collect();
    not_ready.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    let say = |snapshot: &VolumeSnapshot| {
        let error = snapshot.error.as_ref().or_else(|| world.content(snapshot).and_then(error_of));
        let why = error.map(|error| format!(": {}", text::sanitize(&error.message))).unwrap_or_default();
        format!("VolumeSnapshot {} of this volume is not ready{why}", snapshot.meta.name)
    };
    not_ready.into_iter().map(say).collect()
}

fn error_of(content: &Content) -> Option<&crate::model::VolumeError> {
    content.error.as_ref()
}

/// `<claim>-<operation id>`, cut to the 253 characters a name may have.
fn snapshot_name(claim: &str, id: &OperationId) -> String {
    let room = 253 - id.as_str().len() - 1;
    let stem: String = claim.chars().take(room).collect();
    format!("{}-{id}", stem.trim_end_matches(['-', '.']))
}

fn made() -> Target {
    Target::Output { step: StepId("create".into()), slot: "object".into() }
}

fn follow(checks: Vec<Check>, outputs: &[(&str, &str)]) -> Follow {
    Follow {
        resource: Resource::of(Kind::Content),
        name_in: "/status/boundVolumeSnapshotContentName".into(),
        checks,
        trouble: vec!["/status/error/message".into()],
        outputs: slots(outputs),
    }
}

fn slots(outputs: &[(&str, &str)]) -> Vec<(String, String)> {
    outputs.iter().map(|(slot, field)| ((*slot).to_owned(), (*field).to_owned())).collect()
}

fn cut_step(deadline: Duration) -> Step {
    let until = Until {
        what: "the storage system to cut the snapshot".into(),
        checks: vec![Check::present("/status/creationTime")],
        follow: Some(follow(Vec::new(), &[])),
        trouble: vec!["/status/error/message".into()],
        outputs: slots(&[("cutAt", "/status/creationTime")]),
        ..Until::default()
    };
    let title = "wait until the snapshot is cut (the data of that moment is safe from later writes)".into();
    Step {
        id: StepId("cut".into()),
        title,
        act: Act::Wait { target: made(), until: Box::new(until) },
        guards: Vec::new(),
        deadline,
    }
}

/// Ready as restorers must see it: snapshot and content name each other, and storage holds a handle.
fn ready_step(deadline: Duration) -> Step {
    let checks = vec![
        Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin },
        Check::absent("/metadata/deletionTimestamp"),
        Check::present("/status/snapshotHandle"),
        Check::is("/status/readyToUse", true),
    ];
    let outputs = [("content", "/metadata/name"), ("handle", "/status/snapshotHandle")];
    let until = Until {
        what: "the snapshot to become ready to restore from".into(),
        checks: vec![
            Check::is("/status/readyToUse", true),
            Check::present("/status/boundVolumeSnapshotContentName"),
            Check::absent("/metadata/deletionTimestamp"),
        ],
        follow: Some(follow(checks, &outputs)),
        trouble: vec!["/status/error/message".into()],
        outputs: slots(&[("restoreSize", "/status/restoreSize")]),
        ..Until::default()
    };
    let title = "wait until the snapshot is ready (it can be restored from)".into();
    Step {
        id: StepId("ready".into()),
        title,
        act: Act::Wait { target: made(), until: Box::new(until) },
        guards: Vec::new(),
        deadline,
    }
}

#[cfg(test)]
mod tests;
