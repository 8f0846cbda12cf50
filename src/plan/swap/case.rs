//! One claim with everything that was found out about it and proved fit for the swap.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::consumers::Consumers;
use super::gates::Gates;
use super::members::{Given, Member};
use super::pause::Pause;
use super::steps::{self, Incoming, Part, Within};
use super::{Options, images, trial};
use crate::assess::restore_point;
use crate::model::{Kind, Pvc, Uid, World, annotation};
use crate::plan::read::{name, text, uid};
use crate::plan::restore::{self, Wish};
use crate::plan::{Answers, ObjectAt, OperationId, Refusal, Verb, backup, trusted};

/// Everything that was found out about one claim and proved fit for the swap.
pub(super) struct Case<'a> {
    world: &'a World,
    pub claim: &'a Pvc,
    /// The claim as it was read.
    pub fresh: &'a Value,
    /// Its volume as it was read.
    pub volume: &'a Value,
    pub consumers: Consumers<'a>,
    pub gates: Gates<'a>,
    pub pauses: Vec<Pause>,
    pub incoming: Incoming,
    /// When the data that comes in was cut or left its claim, for people.
    pub of_when: String,
    /// When that copy was cut.
    pub cut: Option<Timestamp>,
    /// Class of the safety snapshot.
    pub class: String,
    pub warnings: Vec<String>,
    reclaim: Option<String>,
    now: Timestamp,
}

/// What is the same for all claims of one restore.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub world: &'a World,
    pub answers: &'a Answers,
    pub options: &'a Options,
    pub id: &'a OperationId,
    /// The names of all claims that are restored.
    pub together: &'a [&'a str],
    /// The moment of planning.
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    pub fn of(common: Common<'a>, member: &Member<'a>) -> Result<Self, Refusal> {
        let Common { world, answers, options, id, together, now } = common;
        let claim = member.claim;
        let gates = Gates { answers, options, namespace: claim.meta.namespace(), claim: &claim.meta.name, together };
        let fresh = gates.claim(claim)?;
        let volume = gates.volume(fresh)?;
        gates.rights()?;
        let consumers = gates.consumers(fresh)?;
        let (pauses, mut warnings) = gates.pauses(&consumers)?;
        let driver: Arc<str> = text(volume, "/spec/csi/driver").into();
        let class = backup::snapshot_class(world, &driver, options.class.as_deref(), claim);
        let (class, said) = class.map_err(|refusal| Refusal { verb: Verb::RestoreInPlace, ..refusal })?;
        let class = class.meta.name.to_string();
        warnings.extend(said);
        let mut case = Self {
            world,
            claim,
            fresh,
            volume,
            consumers,
            gates,
            pauses,
            class,
            warnings,
            incoming: Incoming::Kept { at: ObjectAt::of(Kind::Pv, None, ""), uid: "".into(), former: Value::Null },
            of_when: String::new(),
            cut: None,
            reclaim: member.reclaim.clone(),
            now,
        };
        match &member.given {
            None => {
                return case.gates.refuse("no restore point was chosen", "choose one (--from)");
            }
            Some(Given::Snapshot(name)) => case.staged(name, options, id)?,
            Some(Given::Volume(name)) => case.kept(name, &driver)?,
        }
        Ok(case)
    }

    /// That the restore point is one of several that were cut together, and that only it comes back.
    fn of_a_set(&self, snapshot: &Uid) -> Option<String> {
        let set = self.world.inventory.snapshots.get(snapshot)?.meta.label(annotation::SET)?;
        let (namespace, set) = (self.claim.meta.namespace(), crate::text::sanitize(set));
        Some(format!(
            "it was cut together with others, as set {set}, and they stay as they are now: the volumes of the workload \
             will not be of one moment; `--set {set}` restores all of them in place, and `holdfast restore \
             {namespace}/{set} --set` beside"
        ))
    }

    /// The data comes from a restore point.
    fn staged(&mut self, snapshot: &str, options: &Options, id: &OperationId) -> Result<(), Refusal> {
        let at = ObjectAt::of(Kind::VolumeSnapshot, Some(self.claim.meta.namespace()), snapshot);
        let source = restore::source(Verb::RestoreInPlace, self.world, self.gates.answers, &at)?;
        self.belongs(&source)?;
        self.warnings.extend(trusted::warnings(self.world, &source.uid, self.now));
        if self.gates.together.len() < 2 {
            self.warnings.extend(self.of_a_set(&source.uid));
        }
        if source.driver != text(self.volume, "/spec/csi/driver") {
            return self.gates.refuse(
                format!("the copy is with driver {}, its volume with another", source.driver),
                "restore to a new claim",
            );
        }
        if let Some(changed) = self.gates.images(self.gates.recorded_images(&at), &self.consumers)? {
            self.warnings.push(format!("{changed}; this was accepted"));
        }
        let name = beside(&self.claim.meta.name, id);
        let class = self.claim.storage_class.as_deref();
        let wish = |size| Wish { name: &name, class, size, labels: Map::new() };
        let mut made = restore::claim(Verb::RestoreInPlace, self.world, &source, &wish(None), id)?;
        if let Some(capacity) = self.claim.capacity.filter(|capacity| *capacity > made.size) {
            made = restore::claim(Verb::RestoreInPlace, self.world, &source, &wish(Some(capacity)), id)?;
        }
        if made.block != self.claim.block {
            return self.gates.refuse(
                "the copy is of another volume mode (block device or file system)",
                "pick a restore point of the same mode",
            );
        }
        self.warnings.append(&mut made.warnings);
        self.warnings.extend(source.doubt.map(|doubt| format!("the restore point cannot be called good: {doubt}")));
        let mut manifest = made.manifest;
        // While it is beside the live one it carries no line of its own.
        if let Some(annotations) = manifest.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            annotations.remove(annotation::LINEAGE);
            annotations.insert(annotation::STEP.into(), "stage".into());
        }
        let pod = ObjectAt::of(Kind::Pod, made.at.namespace.as_deref(), &name);
        let pod_manifest = trial::pod(&pod, id, &options.trial_image, self.claim.block, &self.consumers, self.volume);
        self.cut = Some(source.cut);
        self.of_when = format!("as it was at {}", source.cut.strftime("%Y-%m-%d %H:%M:%S UTC"));
        self.incoming = Incoming::Staged { claim: made.at, manifest, data_source: at.name, pod, pod_manifest };
        Ok(())
    }

    /// A copy of other data is no restore.
    fn belongs(&mut self, source: &restore::Source) -> Result<(), Refusal> {
        let own = restore_point::lineage(self.world, self.claim);
        match (&source.lineage, &source.template.origin) {
            (_, restore::Origin::Live { uid, .. }) if *uid == self.claim.meta.uid() => Ok(()),
            (Some(line), _) if *line == own => Ok(()),
            (Some(_), _) => self.gates.refuse(
                format!("restore point {} holds the data of another volume", source.at.name),
                "pick a restore point of this volume, or restore to a new claim",
            ),
            (None, _) => {
                self.warnings.push(format!("nothing proves that restore point {} is of this volume", source.at.name));
                Ok(())
            }
        }
    }

    /// The data comes from a volume that was kept.
    fn kept(&mut self, name: &str, driver: &str) -> Result<(), Refusal> {
        let at = ObjectAt::of(Kind::Pv, None, name);
        let volume = self.gates.kept(&at, driver)?;
        let former = volume.pointer("/spec/claimRef").cloned().unwrap_or_default();
        self.of_when = String::from("as it was when that volume left the claim");
        self.incoming = Incoming::Kept { at, uid: uid(volume), former };
        Ok(())
    }

    /// What its steps are made of.
    pub fn part(&self, number: Option<usize>, options: &Options, id: &OperationId, now: Timestamp) -> Part {
        let claim = ObjectAt::of(Kind::Pvc, Some(self.claim.meta.namespace()), &self.claim.meta.name);
        let keep = SignedDuration::try_from(options.keep).unwrap_or(SignedDuration::MAX);
        let hold_until = now.checked_add(keep).unwrap_or(Timestamp::MAX);
        let safety = ObjectAt::of(Kind::VolumeSnapshot, claim.namespace.as_deref(), &safety_name(&claim.name, id));
        let lineage = restore_point::lineage(self.world, self.claim).to_string();
        let reclaim = text(self.volume, "/spec/persistentVolumeReclaimPolicy").to_owned();
        Part {
            id: id.clone(),
            number,
            now: self.fresh.clone(),
            volume: ObjectAt::of(Kind::Pv, None, name(self.volume)),
            volume_uid: uid(self.volume),
            reclaim_after: self.reclaim.clone().unwrap_or_else(|| reclaim.clone()),
            reclaim,
            incoming: self.incoming.clone(),
            safety_manifest: self.safety(&safety, id, &lineage, options, hold_until),
            safety,
            lineage,
            hold_until,
            within: Within::of(options),
            claim,
        }
    }

    /// A snapshot of what is there now, held until the way back is no longer wanted.
    fn safety(&self, at: &ObjectAt, id: &OperationId, lineage: &str, options: &Options, until: Timestamp) -> Value {
        let mut notes = Map::new();
        let mut note = |key: &str, value: String| notes.insert(key.to_owned(), value.into());
        note(annotation::LINEAGE, lineage.to_owned());
        note("holdfast.dev/consistency", "stopped".to_owned());
        note("holdfast.dev/actor", self.gates.answers.who.clone());
        note(annotation::CLAIM_SPEC, self.fresh.get("spec").map(Value::to_string).unwrap_or_default());
        let images = images::running(&self.consumers);
        note(
            annotation::IMAGES,
            images.iter().map(|(of, image)| format!("{of}={image}")).collect::<Vec<_>>().join(","),
        );
        note(annotation::KEEP_UNTIL, until.to_string());
        if let Some(reason) = &options.reason {
            note(annotation::REASON, reason.clone());
        }
        let size = self.gates.together.len();
        if size > 1 {
            note(annotation::SET_SIZE, size.to_string());
        }
        let mut metadata = steps::metadata(at, id, "save", notes);
        metadata["labels"][backup::PVC_UID] = self.claim.meta.uid().as_str().into();
        if size > 1 {
            metadata["labels"][annotation::SET] = id.as_str().into();
        }
        json!({
            "apiVersion": at.resource.api_version(), "kind": at.resource.kind, "metadata": metadata,
            "spec": {
                "volumeSnapshotClassName": self.class,
                "source": { "persistentVolumeClaimName": &*self.claim.meta.name },
            },
        })
    }
}

/// Name of what is made beside a claim: short enough for a pod's host name.
fn beside(claim: &str, id: &OperationId) -> String {
    let stem: String = claim.chars().take(40).collect();
    format!("{}-restore-{}", stem.trim_end_matches(['-', '.']), id.short())
}

fn safety_name(claim: &str, id: &OperationId) -> String {
    let stem: String = claim.chars().take(253 - id.as_str().len() - 8).collect();
    format!("{}-before-{id}", stem.trim_end_matches(['-', '.']))
}
