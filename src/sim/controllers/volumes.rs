//! Claims and volumes: the binder of kube-controller-manager and the external provisioner in one.
//!
//! Names, annotations and finalizers as `pkg/controller/volume/persistentvolume` and
//! external-provisioner v6 write them; a restore is refused for the reasons they refuse it.

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, attachments, events, pods, snapshots};
use crate::sim::kinds;
use crate::sim::object::{self, annotation, quantity, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link};
use crate::sim::write::{DeleteOptions, Part};

const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
const PROVISIONER_FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const BINDER: &str = "persistentvolume-controller";

/// A reason to wait, and for what.
struct Wait(String, Key);

pub(super) fn reconcile_claim(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(claim) = desk.get(key) else {
        return Ok(Next::done());
    };
    let claim = &claim.value;
    snapshots::protect_source(desk, key, claim)?;
    if object::terminating(claim) {
        if !in_use(desk, key) {
            desk.edit(key, |claim| object::drop_finalizer(claim, CLAIM_PROTECTION))?;
        }
        return Ok(Next::done());
    }
    let volume = Key::new("persistentvolumes", "", text(claim, "/spec/volumeName"));
    if text(claim, "/status/phase") == "Bound" {
        if desk.get(&volume).is_none() {
            desk.edit_status(key, |claim| object::set(claim, "/status/phase", "Lost"))?;
            events::warning(
                desk,
                claim,
                BINDER,
                "ClaimLost",
                "Bound claim has lost its PersistentVolume. Any data on the volume is lost!",
            );
        }
        return grow(desk, key, claim, &volume);
    }
    if !volume.name.is_empty() {
        return bind_named(desk, key, claim, &volume);
    }
    let prepared = desk.writer.state.pointing_at(&Link::ClaimRef(key.namespace.clone(), key.name.clone()));
    if let Some(volume) = prepared.into_iter().find(|volume| is_for(desk, volume, claim)) {
        return bind(desk, key, &volume);
    }
    provision(desk, key, claim)
}

fn in_use(desk: &Desk<'_, '_>, claim: &Key) -> bool {
    let pods = desk.writer.state.pointing_at(&Link::Mount(claim.namespace.clone(), claim.name.clone()));
    pods.iter().filter_map(|pod| desk.get(pod)).any(|pod| pods::is_using(&pod.value))
}

/// Whether a volume may be bound to a claim: unclaimed, or claimed for it (`claimRef` without UID is a reservation).
fn is_for(desk: &Desk<'_, '_>, volume: &Key, claim: &Value) -> bool {
    desk.get(volume).is_some_and(|volume| {
        let Some(reference) = volume.value.pointer("/spec/claimRef").filter(|reference| !reference.is_null()) else {
            return true;
        };
        text(reference, "/name") == object::name(claim)
            && text(reference, "/namespace") == object::namespace(claim)
            && ["", object::uid(claim)].contains(&text(reference, "/uid"))
            && !object::terminating(&volume.value)
    })
}

fn bind_named(desk: &mut Desk<'_, '_>, key: &Key, claim: &Value, volume: &Key) -> Outcome {
    if is_for(desk, volume, claim) {
        return bind(desk, key, volume);
    }
    if desk.get(volume).is_some() {
        let why = format!("volume \"{}\" already bound to a different claim.", volume.name);
        events::warning(desk, claim, BINDER, "FailedBinding", &why);
    }
    Ok(Next::on(volume.clone()))
}

/// Makes claim and volume point at each other.
fn bind(desk: &mut Desk<'_, '_>, key: &Key, volume_key: &Key) -> Outcome {
    let (Some(claim), Some(volume)) = (desk.get(key), desk.get(volume_key)) else {
        return Ok(Next::done());
    };
    let reference = object::reference(&claim.value);
    desk.edit(volume_key, |volume| object::set(volume, "/spec/claimRef", reference))?;
    desk.edit_status(volume_key, |volume| object::set(volume, "/status/phase", "Bound"))?;
    desk.edit(key, |claim| {
        object::annotate(claim, BIND_COMPLETED, "yes");
        if text(claim, "/spec/volumeName").is_empty() {
            object::annotate(claim, BOUND_BY_CONTROLLER, "yes");
        }
        object::set(claim, "/spec/volumeName", volume_key.name.as_str());
    })?;
    let (modes, capacity) = (volume.value["spec"]["accessModes"].clone(), volume.value["spec"]["capacity"].clone());
    desk.edit_status(key, |claim| {
        object::set(claim, "/status", json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
    })?;
    Ok(Next::done())
}

/// Volume expansion, done as soon as it is asked for.
fn grow(desk: &mut Desk<'_, '_>, key: &Key, claim: &Value, volume: &Key) -> Outcome {
    let asked = text(claim, "/spec/resources/requests/storage").to_owned();
    if quantity(&asked) > quantity(text(claim, "/status/capacity/storage")) && desk.get(volume).is_some() {
        desk.edit(volume, |volume| object::set(volume, "/spec/capacity/storage", asked.as_str()))?;
        desk.edit_status(key, |claim| object::set(claim, "/status/capacity/storage", asked))?;
    }
    Ok(Next::done())
}

fn provision(desk: &mut Desk<'_, '_>, key: &Key, claim: &Value) -> Outcome {
    let class_name = text(claim, "/spec/storageClassName");
    let class_key = Key::new("storageclasses", "", class_name);
    if class_name.is_empty() {
        events::normal(
            desk,
            claim,
            BINDER,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        );
        return Ok(Next::done());
    }
    let Some(class) = desk.get(&class_key) else {
        let why = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
        events::warning(desk, claim, BINDER, "ProvisioningFailed", &why);
        return Ok(Next::on(class_key));
    };
    let driver = text(&class.value, "/provisioner").to_owned();
    if driver == "kubernetes.io/no-provisioner" {
        return Ok(Next::done());
    }
    let chosen = !annotation(claim, pods::SELECTED_NODE).is_empty();
    if text(&class.value, "/volumeBindingMode") == "WaitForFirstConsumer" && !chosen {
        events::normal(
            desk,
            claim,
            BINDER,
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        );
        return Ok(Next::done());
    }
    if annotation(claim, "volume.kubernetes.io/storage-provisioner").is_empty() {
        desk.edit(key, |claim| {
            object::annotate(claim, "volume.beta.kubernetes.io/storage-provisioner", &driver);
            object::annotate(claim, "volume.kubernetes.io/storage-provisioner", &driver);
        })?;
    }
    let handle = format!("pvc-{}", object::uid(claim));
    if let Err(Wait(why, on)) = fill(desk, claim, &driver, &handle) {
        events::warning(desk, claim, &driver, "ProvisioningFailed", &why);
        return Ok(Next::on(on));
    }
    new_volume(desk, claim, &class.value, &handle)?;
    let done = format!("Successfully provisioned volume {handle}");
    events::normal(desk, claim, &driver, "ProvisioningSucceeded", &done);
    bind(desk, key, &Key::new("persistentvolumes", "", &handle))
}

/// What a volume begins with that is made for the claim; a seed says it, so that its copies hold something.
const DATA: &str = "seed.holdfast.dev/data";

/// Makes the volume in the storage: empty, or with what its claim says, restored from a snapshot, or cloned.
fn fill(desk: &Desk<'_, '_>, claim: &Value, driver: &str, handle: &str) -> Result<(), Wait> {
    let volumes = &desk.cluster.volumes;
    let name = text(claim, "/spec/dataSource/name");
    match text(claim, "/spec/dataSource/kind") {
        "VolumeSnapshot" => {
            let snapshot = restorable(desk, claim, driver, name)?;
            volumes.provision(handle, Some(&snapshot));
        }
        "PersistentVolumeClaim" => {
            let key = Key::new("persistentvolumeclaims", object::namespace(claim), name);
            let source = desk.get(&key).and_then(|source| {
                desk.get(&Key::new("persistentvolumes", "", text(&source.value, "/spec/volumeName")))
            });
            let source = source.ok_or_else(|| {
                Wait(format!("error getting handle for DataSource Type PersistentVolumeClaim by Name {name}"), key)
            })?;
            volumes.clone_volume(handle, text(&source.value, "/spec/csi/volumeHandle"));
        }
        _ => {
            volumes.provision(handle, None);
            let begins_with = annotation(claim, DATA);
            if !begins_with.is_empty() && volumes.paths(handle).is_empty() {
                volumes.write(handle, "data", begins_with);
            }
        }
    }
    Ok(())
}

/// The handle of a snapshot a claim may be restored from (external-provisioner `getSnapshotSource`).
fn restorable(desk: &Desk<'_, '_>, claim: &Value, driver: &str, name: &str) -> Result<String, Wait> {
    let key = Key::new("volumesnapshots", object::namespace(claim), name);
    let wait = |why: String| {
        Wait(
            format!(
                "failed to provision volume with StorageClass \"{}\": {why}",
                text(claim, "/spec/storageClassName")
            ),
            key.clone(),
        )
    };
    let snapshot = desk.get(&key).ok_or_else(|| {
        wait(format!("error getting snapshot {name} from api server: volumesnapshots.snapshot.storage.k8s.io \"{name}\" not found"))
    })?;
    let snapshot = &snapshot.value;
    let content =
        desk.get(&Key::new("volumesnapshotcontents", "", text(snapshot, "/status/boundVolumeSnapshotContentName")));
    let content = content.ok_or_else(|| wait(format!("snapshot {name} not bound")))?;
    let content = &content.value;
    if text(content, "/spec/volumeSnapshotRef/uid") != object::uid(snapshot) {
        return Err(wait(format!(
            "snapshotcontent {} for snapshot {name} is bound to a different snapshot",
            object::name(content)
        )));
    }
    if text(content, "/spec/driver") != driver {
        return Err(wait("requested snapshot is not handled by CSI driver of StorageClass".to_owned()));
    }
    if !object::truth(snapshot, "/status/readyToUse") {
        return Err(wait(format!("snapshot {name} is not Ready")));
    }
    let (asked, needed) = (text(claim, "/spec/resources/requests/storage"), text(snapshot, "/status/restoreSize"));
    if quantity(asked) < quantity(needed) {
        let why = format!(
            "requested volume size {} is less than the size {} for the source snapshot {name}",
            quantity(asked),
            quantity(needed)
        );
        return Err(wait(why));
    }
    let handle = text(content, "/status/snapshotHandle");
    if !desk.cluster.volumes.has_snapshot(handle) {
        return Err(wait(format!("rpc error: code = NotFound desc = snapshot {handle} does not exist")));
    }
    Ok(handle.to_owned())
}

fn new_volume(desk: &mut Desk<'_, '_>, claim: &Value, class: &Value, name: &str) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("persistentvolumes") else {
        return Ok(());
    };
    let driver = text(class, "/provisioner");
    let spec = &claim["spec"];
    let mut volume = json!({
        "metadata": {"name": name, "finalizers": [PROVISIONER_FINALIZER, VOLUME_PROTECTION]},
        "spec": {
            "accessModes": spec["accessModes"], "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": object::reference(claim), "storageClassName": object::name(class), "volumeMode": spec["volumeMode"],
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "csi": {"driver": driver, "volumeHandle": name, "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": driver}},
        },
    });
    object::annotate(&mut volume, PROVISIONED_BY, driver);
    desk.writer.create(kind, "", volume, Part::Wish).map(drop)
}

pub(super) fn reconcile_volume(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(volume) = desk.get(key) else {
        return attachments::gone(desk, key);
    };
    let volume = &volume.value;
    attachments::reconcile(desk, key, volume)?;
    let claim_key = Key::new(
        "persistentvolumeclaims",
        text(volume, "/spec/claimRef/namespace"),
        text(volume, "/spec/claimRef/name"),
    );
    let claim = desk
        .get(&claim_key)
        .filter(|claim| ["", object::uid(&claim.value)].contains(&text(volume, "/spec/claimRef/uid")));
    let phase = match &claim {
        _ if claim_key.name.is_empty() => "Available",
        Some(claim) if text(&claim.value, "/spec/volumeName") == key.name => "Bound",
        Some(_) => "Available",
        None if text(volume, "/spec/claimRef/uid").is_empty() => "Available",
        None => "Released",
    };
    if text(volume, "/status/phase") != phase {
        desk.edit_status(key, |volume| object::set(volume, "/status/phase", phase))?;
    }
    let ours = !annotation(volume, PROVISIONED_BY).is_empty();
    if phase == "Released" && text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" && ours {
        desk.cluster.volumes.delete_volume(text(volume, "/spec/csi/volumeHandle"));
        if !object::terminating(volume) {
            desk.writer.delete(kind_of_volumes()?, key, &DeleteOptions::default())?;
        }
    }
    if phase != "Bound" && desk.get(key).is_some_and(|volume| object::terminating(&volume.value)) {
        desk.edit(key, |volume| {
            object::drop_finalizer(volume, PROVISIONER_FINALIZER);
            object::drop_finalizer(volume, VOLUME_PROTECTION);
        })?;
    }
    Ok(Next::done())
}

fn kind_of_volumes() -> Result<&'static kinds::Kind, Refusal> {
    kinds::by_plural("persistentvolumes").ok_or_else(|| Refusal::internal("persistentvolumes are not registered"))
}
