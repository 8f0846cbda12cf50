//! One volume of a backup: proved fit for it, and what is written on its copy.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::owner::Owner;
use super::{Options, PVC_UID, class, preflight, refusal};
use crate::assess::{exposure, known_good};
use crate::model::{Content, Freshness, Kind, Pv, Pvc, SnapshotClass, VolumeSnapshot, World, annotation};
use crate::plan::hooks::Consistency;
use crate::plan::{Act, Answers, Bundle, Check, Guard, Lock, ObjectAt, OperationId, Refusal, Step, StepId};
use crate::text;

/// A volume that can be cut.
pub(super) struct Member<'a> {
    pub world: &'a World,
    pub claim: &'a Pvc,
    pub fresh: &'a Value,
    pub pv: &'a Pv,
    pub driver: &'a Arc<str>,
    pub class: &'a SnapshotClass,
    pub lock: Lock,
    pub warnings: Vec<String>,
}

/// What is written on every copy of one backup.
#[derive(Clone, Copy)]
pub(super) struct Marks<'a> {
    pub id: &'a OperationId,
    /// When it was planned, which is when what runs was looked at.
    pub at: Timestamp,
    pub who: &'a str,
    pub reason: Option<&'a str>,
    pub owner: Option<&'a Owner>,
    pub consistency: Consistency,
    /// How many volumes are cut together; `None` of one alone.
    pub set: Option<usize>,
    pub bundle: Option<&'a Bundle>,
}

impl<'a> Member<'a> {
    /// What is found out about a claim.
    pub fn of(world: &'a World, claim: &'a Pvc, answers: &'a Answers, options: &Options) -> Result<Self, Refusal> {
        let path = claim.meta.reference(Kind::Pvc).path();
        let refuse = |why: String, clear: &str| Err(refusal(&format!("volume {path}"), why, clear));
        let fresh = preflight::fresh_claim(claim, answers, &path)?;
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
        Ok(Self { world, claim, fresh, pv, driver, class, lock: Lock::of(world, claim), warnings })
    }

    pub fn name(&self) -> &str {
        &self.claim.meta.name
    }

    /// Where its snapshot will be.
    pub fn at(&self, id: &OperationId) -> ObjectAt {
        ObjectAt::of(Kind::VolumeSnapshot, Some(self.claim.meta.namespace()), &snapshot_name(self.name(), id))
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

    /// Labels of its copy.
    pub fn labels(&self, marks: &Marks<'_>) -> Map<String, Value> {
        let mut labels = Map::new();
        labels.insert(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into());
        labels.insert(PVC_UID.into(), self.claim.meta.uid().as_str().into());
        if marks.set.is_some() {
            labels.insert(annotation::SET.into(), marks.id.as_str().into());
        }
        labels
    }

    /// Annotations of its copy, which make it tell by itself what it is.
    pub fn annotations(&self, marks: &Marks<'_>, step: &StepId) -> Map<String, Value> {
        let mut annotations = Map::new();
        let mut note = |key: &str, value: String| annotations.insert(key.to_owned(), Value::String(value));
        note(annotation::OPERATION, marks.id.to_string());
        note(annotation::STEP, step.to_string());
        note(annotation::LINEAGE, self.lock.lineage.to_string());
        note(annotation::CONSISTENCY, marks.consistency.word().to_owned());
        note("holdfast.dev/actor", marks.who.to_owned());
        note(annotation::IMAGES, self.images().join(","));
        note(annotation::RAN, exposure::written(self.world, self.claim, marks.at));
        if let Some(open) = known_good::open_set(self.world, self.claim, marks.at) {
            note(annotation::OPEN_FINDINGS, open);
        }
        note(annotation::CLAIM_SPEC, self.fresh.get("spec").map(Value::to_string).unwrap_or_default());
        if let Some(owner) = marks.owner {
            note(annotation::WORKLOAD, owner.noted());
        }
        if let Some(bundle) = marks.bundle {
            note(annotation::BUNDLE, bundle.noted());
        }
        if let Some(size) = marks.set {
            note(annotation::SET_SIZE, size.to_string());
        }
        if let Some(reason) = marks.reason {
            note(annotation::REASON, reason.to_owned());
        }
        annotations
    }

    /// The step that creates its snapshot.
    pub fn create(&self, id: StepId, marks: &Marks<'_>) -> Step {
        let at = self.at(marks.id);
        let manifest = json!({
            "apiVersion": at.resource.api_version(),
            "kind": at.resource.kind,
            "metadata": {
                "name": at.name,
                "namespace": at.namespace,
                "labels": self.labels(marks),
                "annotations": self.annotations(marks, &id),
            },
            "spec": {
                "volumeSnapshotClassName": &*self.class.meta.name,
                "source": { "persistentVolumeClaimName": self.name() },
            },
        });
        Step {
            id,
            title: format!("create {at}"),
            act: Act::Create { at, manifest },
            guards: vec![self.guard()],
            deadline: Duration::from_secs(60),
        }
    }

    /// The claim is still the one that was planned with.
    pub fn guard(&self) -> Guard {
        let volume: &str = &self.pv.meta.name;
        Guard {
            at: ObjectAt::of(Kind::Pvc, self.claim.meta.namespace.as_deref(), self.name()),
            uid: self.claim.meta.uid(),
            checks: vec![
                Check::absent("/metadata/deletionTimestamp"),
                Check::is("/status/phase", "Bound"),
                Check::is("/spec/volumeName", volume),
            ],
            or: "the plan was made for another volume; plan again".into(),
        }
    }

    /// The pods that mount it, for people.
    pub fn mounted_by(&self) -> String {
        let pods = super::quiesce::pods(self.world, self.claim);
        let pods: Vec<String> = pods.into_iter().map(|pod| pod.meta.name.to_string()).collect();
        if pods.is_empty() { "no pod".to_owned() } else { pods.join(", ") }
    }

    /// Its capacity, for people.
    pub fn size(&self) -> String {
        self.claim.capacity.map_or_else(|| "?".to_owned(), text::quantity::bytes)
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
pub(super) fn snapshot_name(claim: &str, id: &OperationId) -> String {
    let room = 253 - id.as_str().len() - 1;
    let stem: String = claim.chars().take(room).collect();
    format!("{}-{id}", stem.trim_end_matches(['-', '.']))
}
