//! Everything that stands in the way of an in-place restore, each with what would clear it.
//!
//! The order is that of a person who reads: the claim and its volume, rights, who uses it, who would undo the stop.

use serde_json::Value;

use super::consumers::{Consumers, Owner, Workload, autoscalers, listed};
use super::gitops::{self, Keeper};
use super::operators;
use super::pause::Pause;
use super::{Options, refusal, scaled_objects};
use crate::model::{Kind, Pvc};
use crate::plan::ordinal::{from_template, split};
use crate::plan::read::{annotation, items, name, text};
use crate::plan::{Answers, ListAt, ObjectAt, Refusal, Resource};

/// The finalizer that goes with the last pod.
const BY_PODS: &str = "kubernetes.io/pvc-protection";

/// What holds a claim or makes it belong to something, and what that means.
const HOLDERS: &[(&str, &str)] = &[
    ("snapshot.storage.kubernetes.io/pvc-as-source-protection", "a snapshot of it is not ready yet"),
    ("provisioner.storage.kubernetes.io/cloning-protection", "a clone of it is being made"),
];

/// Refusals about one claim.
pub(super) struct Gates<'a> {
    pub answers: &'a Answers,
    pub options: &'a Options,
    pub namespace: &'a str,
    pub claim: &'a str,
    /// The names of all claims that are restored together with it, its own among them.
    pub together: &'a [&'a str],
}

impl<'a> Gates<'a> {
    pub fn refuse<T>(&self, why: impl Into<String>, clear: impl Into<String>) -> Result<T, Refusal> {
        Err(refusal(&format!("volume {}/{}", self.namespace, self.claim), why, clear))
    }

    /// An object as it was read; the refusal says when it was not.
    pub fn object(&self, at: &ObjectAt) -> Result<&'a Value, Refusal> {
        match self.answers.objects.get(at) {
            Some(Ok(Some(object))) => Ok(object),
            Some(Ok(None)) => self.refuse(format!("{at} does not exist"), "look again, then pick what is there"),
            Some(Err(why)) => self.refuse(format!("{at} could not be read: {why}"), "try again"),
            None => self.refuse(format!("{at} was not read"), "try again"),
        }
    }

    fn list(&self, kind: Kind) -> Result<&'a [Value], Refusal> {
        listed(self.answers, kind, self.namespace).or_else(|why| self.refuse(why, "ask for the right to list them"))
    }

    /// The claim as it is now: bound, whole and held by nothing but its pods.
    pub fn claim(&self, seen: &Pvc) -> Result<&'a Value, Refusal> {
        let claim = self.object(&ObjectAt::of(Kind::Pvc, Some(self.namespace), self.claim))?;
        if text(claim, "/metadata/uid") != seen.meta.uid().as_str() {
            return self.refuse("it was deleted and made anew meanwhile", "look at the new one, then try again");
        }
        if claim.pointer("/metadata/deletionTimestamp").is_some() {
            return self.refuse("it is being deleted", "wait until it is gone, then restore to a new claim");
        }
        if text(claim, "/status/phase") != "Bound" {
            return self.refuse(
                format!("it is {}, not Bound: it has no volume to swap", text(claim, "/status/phase")),
                "wait until it is bound, or restore to a new claim",
            );
        }
        let held = items(claim, "/metadata/finalizers").iter().filter_map(Value::as_str).find(|by| *by != BY_PODS);
        if let Some(by) = held {
            let why = HOLDERS.iter().find(|(finalizer, _)| *finalizer == by);
            let why = why.map_or_else(|| "who set it says why".to_owned(), |(_, why)| (*why).to_owned());
            return self.refuse(
                format!("finalizer {by} holds it, so that it could not be deleted in the middle of the swap: {why}"),
                "clear what it waits for; a finalizer is never stripped here",
            );
        }
        self.unfinished_snapshot()?;
        Ok(claim)
    }

    /// A snapshot of it that is not ready would hold the claim for as long.
    fn unfinished_snapshot(&self) -> Result<(), Refusal> {
        let of_it = |snapshot: &&Value| text(snapshot, "/spec/source/persistentVolumeClaimName") == self.claim;
        let ready = |snapshot: &&Value| snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true));
        match self.list(Kind::VolumeSnapshot)?.iter().filter(of_it).find(|snapshot| !ready(snapshot)) {
            None => Ok(()),
            Some(snapshot) => self.refuse(
                format!("VolumeSnapshot {} of it is not ready, and holds the claim until it is", name(snapshot)),
                "wait until it is ready; if it never will be, delete it",
            ),
        }
    }

    /// Its volume: CSI, and bound to this very claim.
    pub fn volume(&self, claim: &Value) -> Result<&'a Value, Refusal> {
        let at = ObjectAt::of(Kind::Pv, None, text(claim, "/spec/volumeName"));
        let volume = self.object(&at)?;
        if text(volume, "/spec/csi/driver").is_empty() {
            return self.refuse(format!("{at} is not a CSI volume"), "restore its files by other means");
        }
        if text(volume, "/spec/claimRef/uid") != text(claim, "/metadata/uid") {
            return self.refuse(format!("{at} is bound to another claim"), "find out whose volume this is first");
        }
        Ok(volume)
    }

    /// Refuses when a right is missing, naming all of them, and when that could not be asked.
    pub fn rights(&self) -> Result<(), Refusal> {
        self.answers.rights().or_else(|(why, clear)| self.refuse(why, clear))
    }

    /// Who uses it, when all of them can be stopped and started again.
    pub fn consumers(&self, claim: &Value) -> Result<Consumers<'a>, Refusal> {
        let found = Consumers::of(self.answers, self.namespace, self.claim);
        let found = found.or_else(|why| self.refuse(why, "ask for the right to list them"))?;
        let owners = [claim].into_iter().chain(found.workloads.iter().map(|workload| workload.object));
        let owners = owners.filter_map(Owner::of).chain(found.others.iter().cloned());
        if let Some(owner) = owners.into_iter().find(|owner| !owner.built_in()) {
            let (who, how) = operators::recovery(&owner);
            return self.refuse(
                format!("{} {} of {who} owns it and would undo or fight the swap", owner.kind, owner.name),
                how,
            );
        }
        if let Some(owner) = Owner::of(claim).filter(|owner| owner.kind == "Pod") {
            return self.refuse(
                format!("it is an ephemeral volume of pod {}: it goes with its pod", owner.name),
                "restore to a new claim and mount that",
            );
        }
        if let Some(owner) = found.others.first() {
            return self.refuse(
                format!("{} {} uses it and cannot be scaled to nothing and back", owner.kind, owner.name),
                format!("stop or delete {} {} until the restore is done", owner.kind, owner.name),
            );
        }
        if let Some(bare) = found.pods.iter().find(|user| user.owner.is_none()) {
            return self.refuse(
                format!("pod {} uses it and nothing would start it again", name(bare.pod)),
                format!("delete pod {} and create it again when the restore is done", name(bare.pod)),
            );
        }
        found.workloads.iter().try_for_each(|workload| self.peers(workload))?;
        Ok(found)
    }

    /// One member of several that replicate: its peers would write what they have over what is restored.
    fn peers(&self, workload: &Workload) -> Result<(), Refusal> {
        let member = from_template(workload.object, self.claim).is_some();
        if !member || workload.replicas() < 2 || self.options.not_replicated || self.all_of(workload) {
            return Ok(());
        }
        self.refuse(
            format!(
                "it is one of {} members of {}: if they replicate, its peers write their data over what is restored",
                workload.replicas(),
                workload.said()
            ),
            "restore all members together, from a set that holds a copy of each (--set); if they do not replicate, say \
             so (--not-replicated)",
        )
    }

    /// Whether the claims of all members are restored together.
    fn all_of(&self, workload: &Workload) -> bool {
        let set = name(workload.object);
        let Some((template, _)) = split(self.claim, set) else { return false };
        let first = workload.object.pointer("/spec/ordinals/start").and_then(Value::as_u64).unwrap_or_default();
        let mut ordinals = first..first + u64::from(workload.replicas());
        ordinals.all(|ordinal| self.together.contains(&format!("{template}-{set}-{ordinal}").as_str()))
    }

    /// The running images against those recorded at the cut.
    pub fn images(&self, recorded: Option<&str>, consumers: &Consumers) -> Result<Option<String>, Refusal> {
        let changed =
            recorded.and_then(|recorded| super::images::changed(recorded, &super::images::running(consumers)));
        match changed {
            Some(changed) if !self.options.accept_image_change => self.refuse(
                format!("{changed}: it may not read the files of that time, or change them for good"),
                "start the version of that time first, or accept it (--accept-image-change)",
            ),
            changed => Ok(changed),
        }
    }

    /// What has to be paused, with what is said of it.
    pub fn pauses(&self, consumers: &Consumers<'a>) -> Result<(Vec<Pause>, Vec<String>), Refusal> {
        let (mut pauses, mut said) = (Vec::new(), Vec::new());
        for workload in &consumers.workloads {
            self.keeper(workload.object, &workload.said(), &mut pauses)?;
            self.scaler(workload, &mut pauses, &mut said)?;
            let when = text(workload.object, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled");
            if when == "Delete" {
                pauses.push(Pause::when_scaled(workload.object));
            }
        }
        for job in &consumers.cron_jobs {
            self.keeper(job, &format!("CronJob {}", name(job)), &mut pauses)?;
            if job.pointer("/spec/suspend") != Some(&Value::Bool(true)) {
                pauses.push(Pause::suspend(job, Resource::of(Kind::CronJob)));
            }
        }
        pauses.sort_by(|a, b| a.at.cmp(&b.at));
        pauses.dedup_by(|a, b| a.at == b.at && a.title == b.title);
        Ok((pauses, said))
    }

    fn keeper(&self, object: &Value, of: &str, pauses: &mut Vec<Pause>) -> Result<(), Refusal> {
        let Some(keeper) = Keeper::of(object) else { return Ok(()) };
        if self.options.gitops_paused {
            return Ok(());
        }
        let attest = "then say that it is paused (--gitops-paused)";
        let found = match keeper.object(self.answers) {
            Ok(found) => found,
            Err(why) => {
                return self.refuse(
                    format!(
                        "{of} is kept as it is written down elsewhere, and whether that is paused is not known: {why}"
                    ),
                    format!("pause {}, {attest}", keeper.said()),
                );
            }
        };
        let Some(pause) = keeper.pause(found) else { return Ok(()) };
        if let Some(above) = gitops::above(found) {
            return self.refuse(
                format!(
                    "{of} is kept by {}, and that by {above}: pausing the lower one alone would not last",
                    pause.at
                ),
                format!("pause {above} and {}, {attest}", keeper.said()),
            );
        }
        pauses.push(pause);
        Ok(())
    }

    fn scaler(&self, workload: &Workload, pauses: &mut Vec<Pause>, said: &mut Vec<String>) -> Result<(), Refusal> {
        let listed = match self.answers.lists.get(&ListAt::all(autoscalers(), Some(self.namespace))) {
            Some(Ok(listed)) => listed,
            Some(Err(why)) => {
                return self.refuse(
                    format!("horizontalpodautoscalers could not be listed: {why}"),
                    "ask for the right to list them",
                );
            }
            None => return self.refuse("horizontalpodautoscalers were not listed", "try again"),
        };
        let of_it = |scaler: &&Value| {
            text(scaler, "/spec/scaleTargetRef/kind") == workload.kind.spec().kind
                && text(scaler, "/spec/scaleTargetRef/name") == name(workload.object)
        };
        for scaler in listed.iter().filter(of_it) {
            match Owner::of(scaler).filter(|owner| owner.kind == "ScaledObject") {
                Some(owner) => {
                    let at = ObjectAt {
                        resource: scaled_objects(),
                        namespace: Some(self.namespace.to_owned()),
                        name: owner.name,
                    };
                    pauses.push(Pause::scaled_object(self.object(&at)?, scaled_objects()));
                }
                None => said.push(format!(
                    "HorizontalPodAutoscaler {} leaves {} alone at 0 replicas and takes it up again afterwards",
                    name(scaler),
                    workload.said()
                )),
            }
        }
        Ok(())
    }

    /// A volume that was kept and can come back.
    pub fn kept(&self, at: &ObjectAt, driver: &str) -> Result<&'a Value, Refusal> {
        let volume = self.object(at)?;
        let is = |field: &str, value: &str| text(volume, field) == value;
        if !is("/status/phase", "Released") || !is("/spec/persistentVolumeReclaimPolicy", "Retain") {
            return self.refuse(
                format!(
                    "{at} is {} with reclaim policy {}; only a volume that was released and retained can come back",
                    text(volume, "/status/phase"),
                    text(volume, "/spec/persistentVolumeReclaimPolicy")
                ),
                "pick the volume that an in-place restore kept",
            );
        }
        if !is("/spec/claimRef/namespace", self.namespace) || !is("/spec/claimRef/name", self.claim) {
            return self.refuse(
                format!("{at} was never the volume of this claim"),
                "pick the volume that an in-place restore of this claim kept",
            );
        }
        if !is("/spec/csi/driver", driver) {
            return self.refuse(format!("{at} is of another driver"), "pick another volume");
        }
        Ok(volume)
    }

    /// What was recorded of the images at the cut.
    pub fn recorded_images(&self, at: &ObjectAt) -> Option<&'a str> {
        let object = self.answers.objects.get(at)?.as_ref().ok()?.as_ref()?;
        annotation(object, crate::model::annotation::IMAGES).filter(|images| !images.is_empty())
    }
}
