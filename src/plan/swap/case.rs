//! One claim with everything that was found out about it and proved fit, and the plan that follows from it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::consumers::{Consumers, Workload};
use super::gates::Gates;
use super::pause::Pause;
use super::read::{name, text, uid};
use super::steps::{self, Incoming, Stopped, Swap, Within};
use super::{From, Options, command, images, source_at, trial, undo};
use crate::assess::restore_point;
use crate::model::{Kind, Pvc, Uid, World, annotation};
use crate::plan::restore::{self, Wish};
use crate::plan::{Answers, Lock, Node, ObjectAt, OperationId, Plan, Refusal, Subject, Verb, backup, node};
use crate::text::quantity;

/// Everything that was found out about one claim and proved fit for the swap.
pub(super) struct Case<'a> {
    world: &'a World,
    claim: &'a Pvc,
    fresh: &'a Value,
    volume: &'a Value,
    consumers: Consumers<'a>,
    gates: Gates<'a>,
    pauses: Vec<Pause>,
    incoming: Incoming,
    /// When the data that comes in was cut or left its claim, for people.
    of_when: String,
    class: String,
    warnings: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        claim: &'a Pvc,
        answers: &'a Answers,
        options: &'a Options,
        id: &OperationId,
    ) -> Result<Self, Refusal> {
        let gates = Gates { answers, options, namespace: claim.meta.namespace(), claim: &claim.meta.name };
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
        };
        match &options.from {
            None => {
                return case.gates.refuse("no restore point was chosen", "choose one (--from)");
            }
            Some(From::Snapshot(_)) => case.staged(options, id)?,
            Some(From::Volume(name)) => case.kept(name, &driver)?,
        }
        Ok(case)
    }

    /// That the restore point is one of several that were cut together, and that only it comes back.
    fn of_a_set(&self, snapshot: &Uid) -> Option<String> {
        let set = self.world.inventory.snapshots.get(snapshot)?.meta.label(annotation::SET)?;
        let (namespace, set) = (self.claim.meta.namespace(), crate::text::sanitize(set));
        Some(format!(
            "it was cut together with others, as set {set}, and they stay as they are now: the volumes of the workload \
             will not be of one moment; `holdfast restore {namespace}/{set} --set` restores all of them, beside"
        ))
    }

    /// The data comes from a restore point.
    fn staged(&mut self, options: &Options, id: &OperationId) -> Result<(), Refusal> {
        let Some(at) = source_at(self.claim, options) else { return Ok(()) };
        let source = restore::source(Verb::RestoreInPlace, self.world, self.gates.answers, &at)?;
        self.belongs(&source)?;
        self.warnings.extend(self.of_a_set(&source.uid));
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

    fn swap(&self, options: &Options, id: &OperationId, now: Timestamp) -> Swap {
        let claim = ObjectAt::of(Kind::Pvc, Some(self.claim.meta.namespace()), &self.claim.meta.name);
        let keep = SignedDuration::try_from(options.keep).unwrap_or(SignedDuration::MAX);
        let hold_until = now.checked_add(keep).unwrap_or(Timestamp::MAX);
        let safety = ObjectAt::of(Kind::VolumeSnapshot, claim.namespace.as_deref(), &safety_name(&claim.name, id));
        let lineage = restore_point::lineage(self.world, self.claim).to_string();
        let reclaim = text(self.volume, "/spec/persistentVolumeReclaimPolicy").to_owned();
        let running = self.consumers.workloads.iter().filter(|workload| workload.replicas() > 0);
        let workloads =
            running.map(|workload| Stopped { at: workload.at(), uid: workload.uid(), replicas: workload.replicas() });
        let nodes = self.consumers.nodes().into_iter().filter_map(|node| {
            let at = ObjectAt::of(Kind::Node, None, node);
            let object = self.gates.answers.objects.get(&at)?.as_ref().ok()?.as_ref()?;
            Some((at, uid(object)))
        });
        Swap {
            id: id.clone(),
            now: self.fresh.clone(),
            volume: ObjectAt::of(Kind::Pv, None, name(self.volume)),
            volume_uid: uid(self.volume),
            reclaim: reclaim.clone(),
            reclaim_after: options.reclaim.clone().unwrap_or(reclaim),
            volume_annotated: self.volume.pointer("/metadata/annotations").is_some_and(Value::is_object),
            incoming: self.incoming.clone(),
            workloads: workloads.collect(),
            nodes: nodes.collect(),
            pauses: self.pauses.clone(),
            safety_manifest: self.safety(&safety, id, &lineage, options, hold_until),
            safety,
            lineage,
            hold_until,
            within: Within {
                stage: options.stage_within,
                stop: options.stop_within,
                detach: options.detach_within,
                cut: options.cut_within,
                ready: options.ready_within,
            },
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
            note("holdfast.dev/reason", reason.clone());
        }
        let mut metadata = steps::metadata(at, id, "save", notes);
        metadata["labels"][backup::PVC_UID] = self.claim.meta.uid().as_str().into();
        json!({
            "apiVersion": at.resource.api_version(), "kind": at.resource.kind, "metadata": metadata,
            "spec": {
                "volumeSnapshotClassName": self.class,
                "source": { "persistentVolumeClaimName": &*self.claim.meta.name },
            },
        })
    }

    pub fn plan(self, options: &Options, id: OperationId, now: Timestamp) -> Result<Plan, Refusal> {
        let swap = self.swap(options, &id, now);
        if swap.nodes.len() < self.consumers.nodes().len() {
            return self.gates.refuse(
                "a node on which a pod of it runs cannot be read, so nothing would prove that it stopped writing",
                "look at the nodes of its pods first",
            );
        }
        let nodes = swap.nodes();
        let path = self.claim.meta.reference(Kind::Pvc).path();
        let from = match &self.incoming {
            Incoming::Staged { data_source, .. } => format!("restore point {data_source}"),
            Incoming::Kept { at, .. } => format!("kept volume {}", at.name),
        };
        let standstill = Self::standstill(&nodes);
        let mut warnings = self.lost(&swap);
        warnings.extend(self.warnings.iter().cloned());
        Ok(Plan {
            verb: Verb::RestoreInPlace,
            title: format!("restore volume {path} in place from {from}"),
            context: self.world.context.name.to_string(),
            server: self.world.context.server.to_string(),
            protected: self.world.context.protected,
            subject: Subject {
                object: self.claim.meta.reference(Kind::Pvc),
                uid: self.claim.meta.uid(),
                resource_version: text(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: now,
            locks: vec![Lock::of(self.world, self.claim)],
            undoes: None,
            bundle: None,
            count: None,
            facts: self.facts(&swap, options, &from),
            warnings,
            changes: self.changes(&swap, &standstill),
            command: command(options, self.claim, &self.world.context.name),
            undo: undo::taking_back(&swap, options, self.claim, &self.world.context.name),
            nodes,
            id,
        })
    }

    /// Says more of what may surprise.
    pub fn warn(&mut self, warnings: Vec<String>) {
        self.warnings.extend(warnings);
    }

    /// From which step to which nothing runs, and for how long at most.
    fn standstill(nodes: &[Node]) -> String {
        let steps = node::steps(nodes);
        let at = |prefix: &str| steps.iter().position(|step| step.id.0.starts_with(prefix));
        let last = steps.iter().rposition(|step| step.id.0.starts_with("ready-"));
        let (Some(first), Some(last)) = (at("stop-"), last) else {
            return "nothing runs that would have to stop".into();
        };
        let longest: Duration = steps[first..=last].iter().map(|step| step.deadline).sum();
        let longest = quantity::duration(SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX));
        format!(
            "it stands still from step {} to step {}: as a rule for a minute or two, at most {longest}",
            first + 1,
            last + 1
        )
    }

    fn lost(&self, swap: &Swap) -> Vec<String> {
        let until = swap.hold_until.strftime("%Y-%m-%d");
        let mut lost = vec![format!(
            "what was written since leaves the live volume: the data is then {}. It is kept until {until} at least, in {} \
             and in volume {}",
            self.of_when, swap.safety, swap.volume.name
        )];
        if swap.workloads.is_empty() {
            lost.push("no workload that runs uses it; a pod that comes meanwhile halts the restore".into());
        }
        lost
    }

    fn changes(&self, swap: &Swap, standstill: &str) -> Vec<String> {
        let pods: Vec<&str> = self.consumers.pods.iter().map(|user| name(user.pod)).collect();
        let mut changes: Vec<String> = swap
            .workloads
            .iter()
            .map(|workload| {
                let replicas = usize::try_from(workload.replicas).unwrap_or(usize::MAX);
                let replicas = crate::text::plural(replicas, "replica", "replicas");
                format!("stops {} ({replicas}) and starts it again", workload.at)
            })
            .collect();
        if !pods.is_empty() {
            changes.push(format!("pods that end: {}", pods.join(", ")));
        }
        changes.push(standstill.to_owned());
        changes.extend(swap.pauses.iter().map(|pause| format!("{} until it is done", pause.title)));
        changes.push(format!("deletes {} and creates it again under the same name for the other volume", swap.claim));
        changes.push(format!("keeps {} with what is in it now (reclaim policy Retain)", swap.volume));
        changes.push(format!("creates {}, whose copy in storage outlives it", swap.safety));
        changes.push(Lock::of(self.world, self.claim).kept());
        changes.push(swap.id.recorded(self.claim.meta.namespace()));
        changes.push(
            "when a step fails or it is stopped, what was done is taken back in reverse order, until the application \
             runs on its old volume again"
                .into(),
        );
        changes
    }

    fn facts(&self, swap: &Swap, options: &Options, from: &str) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut facts = vec![
            fact("from", from.to_owned()),
            fact("data", self.of_when.clone()),
            fact("claim UID", self.claim.meta.uid().to_string()),
            fact("present volume", format!("{} (reclaim policy {})", swap.volume.name, swap.reclaim)),
            fact("driver", text(self.volume, "/spec/csi/driver").to_owned()),
            fact("safety snapshot class", self.class.clone()),
            fact("lineage", swap.lineage.clone()),
        ];
        if let Incoming::Staged { .. } = self.incoming {
            facts.push(fact("trial image", options.trial_image.clone()));
        }
        let reason = options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| fact("reason", line.to_owned())));
        let users: Vec<String> = self.consumers.workloads.iter().map(Workload::said).collect();
        facts.push(fact("used by", if users.is_empty() { "no workload".to_owned() } else { users.join(", ") }));
        facts
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
