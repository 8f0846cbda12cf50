//! Volumes, their classes and their attachments.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::model::{
    AccessMode, ClaimRef, HandleKey, InTree, Kind, Object, Pv, Pvc, ReclaimPolicy, StorageClass, Uid, VolumeAttachment,
};
use crate::text::quantity;

use super::meta::{MetaWire, Pairs, nullable};
use super::snapshots::Failure;
use super::{Lean, Strings};

/// Parts of the names of volume attributes that say something about encryption; the others are not kept.
const TELLING: [&str; 5] = ["encrypt", "kms", "luks", "cipher", "passphrase"];

/// A quantity of bytes; one that cannot be read is unknown, not an error.
#[derive(Default)]
pub(super) struct Bytes(pub Option<u64>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(u64),
            Other(IgnoredAny),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Text(text) => quantity::parse_bytes(&text),
            Written::Number(number) => Some(number),
            Written::Other(_) => None,
        }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Storage {
    storage: Bytes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Requests {
    #[serde(deserialize_with = "nullable_storage")]
    requests: Storage,
}

fn nullable_storage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Storage, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn access_modes(modes: &[String]) -> Box<[AccessMode]> {
    let known = modes.iter().filter_map(|mode| match mode.as_str() {
        "ReadWriteOnce" => Some(AccessMode::Rwo),
        "ReadOnlyMany" => Some(AccessMode::Rox),
        "ReadWriteMany" => Some(AccessMode::Rwx),
        "ReadWriteOncePod" => Some(AccessMode::Rwop),
        _ => None,
    });
    known.collect()
}

fn reclaim(policy: Option<&str>) -> ReclaimPolicy {
    match policy {
        Some("Retain") => ReclaimPolicy::Retain,
        Some("Delete") => ReclaimPolicy::Delete,
        _ => ReclaimPolicy::Other,
    }
}

/// A PersistentVolumeClaim.
#[derive(Deserialize)]
pub(super) struct Claim {
    metadata: MetaWire,
    #[serde(default)]
    spec: ClaimSpec,
    #[serde(default)]
    status: ClaimStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpec {
    volume_name: Option<String>,
    storage_class_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    access_modes: Vec<String>,
    volume_mode: Option<String>,
    resources: Requests,
    data_source: Option<DataSource>,
}

#[derive(Deserialize)]
struct DataSource {
    #[serde(default)]
    kind: Box<str>,
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClaimStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    capacity: Option<Storage>,
}

impl Lean for Claim {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        Object::Pvc(Pvc {
            meta: metadata.meta(strings),
            volume_name: spec.volume_name.filter(|name| !name.is_empty()).map(Arc::from),
            storage_class: strings.maybe(spec.storage_class_name),
            access_modes: access_modes(&spec.access_modes),
            block: spec.volume_mode.as_deref() == Some("Block"),
            requested: spec.resources.requests.storage.0,
            capacity: status.capacity.and_then(|capacity| capacity.storage.0),
            phase: status.phase,
            data_source: spec.data_source.map(|source| (source.kind, source.name.into())),
        })
    }
}

/// A reference to a namespaced object, as claimRef and volumeSnapshotRef write it.
#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: Option<String>,
}

impl Reference {
    pub(super) fn claim(self, strings: &mut Strings) -> ClaimRef {
        let uid = self.uid.filter(|uid| !uid.is_empty()).map(Uid::from);
        ClaimRef { namespace: strings.share(&self.namespace), name: self.name.into(), uid }
    }
}

/// A PersistentVolume.
#[derive(Deserialize)]
pub(super) struct Volume {
    metadata: MetaWire,
    #[serde(default)]
    spec: VolumeSpec,
    #[serde(default)]
    status: Phase,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VolumeSpec {
    csi: Option<Csi>,
    claim_ref: Option<Reference>,
    capacity: Option<Storage>,
    persistent_volume_reclaim_policy: Option<String>,
    storage_class_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    mount_options: Vec<String>,
    nfs: Option<IgnoredAny>,
    local: Option<IgnoredAny>,
    host_path: Option<IgnoredAny>,
}

impl VolumeSpec {
    fn in_tree(&self) -> Option<InTree> {
        let node = self.local.is_some() || self.host_path.is_some();
        self.nfs.map(|_| InTree::Nfs).or_else(|| node.then_some(InTree::Node))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Csi {
    driver: String,
    volume_handle: String,
    volume_attributes: Pairs,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Phase {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
}

impl Lean for Volume {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let csi = spec.csi.as_ref().map(|csi| csi.handle(strings));
        let in_tree = spec.in_tree();
        let attributes = spec.csi.map(Csi::telling_attributes).unwrap_or_default();
        Object::Pv(Pv {
            meta: metadata.meta(strings),
            csi,
            attributes,
            claim: spec.claim_ref.map(|claim| claim.claim(strings)),
            capacity: spec.capacity.and_then(|capacity| capacity.storage.0),
            reclaim: reclaim(spec.persistent_volume_reclaim_policy.as_deref()),
            storage_class: strings.maybe(spec.storage_class_name),
            mount_options: spec.mount_options.into_iter().map(Into::into).collect(),
            in_tree,
            phase: status.phase,
        })
    }
}

impl Csi {
    fn handle(&self, strings: &mut Strings) -> HandleKey {
        (strings.share(&self.driver), self.volume_handle.as_str().into())
    }

    fn telling_attributes(self) -> Box<[(Box<str>, Box<str>)]> {
        let telling = |name: &str| TELLING.iter().any(|part| name.to_ascii_lowercase().contains(part));
        let attributes = self.volume_attributes.0.into_iter().filter(|(name, _)| telling(name));
        attributes.map(|(name, value)| (name.into(), value.into())).collect()
    }
}

/// A StorageClass.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Class {
    metadata: MetaWire,
    #[serde(default)]
    provisioner: String,
    #[serde(default)]
    parameters: Pairs,
    #[serde(default)]
    reclaim_policy: Option<String>,
    #[serde(default)]
    volume_binding_mode: Option<String>,
}

impl Lean for Class {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let parameters = self.parameters.0.into_iter().map(|(name, value)| (name.into(), value.into()));
        Object::StorageClass(StorageClass {
            meta: self.metadata.meta(strings),
            provisioner: strings.share(&self.provisioner),
            parameters: parameters.collect(),
            // The API's default (storage.k8s.io/v1, StorageClass.reclaimPolicy).
            reclaim: reclaim(self.reclaim_policy.as_deref().or(Some("Delete"))),
            waits_for_consumer: self.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"),
        })
    }
}

/// A VolumeAttachment.
#[derive(Deserialize)]
pub(super) struct Attachment {
    metadata: MetaWire,
    #[serde(default)]
    spec: AttachmentSpec,
    #[serde(default)]
    status: AttachmentStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AttachmentSpec {
    attacher: String,
    node_name: String,
    source: AttachmentSource,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AttachmentSource {
    persistent_volume_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AttachmentStatus {
    attached: bool,
    attach_error: Option<Failure>,
    detach_error: Option<Failure>,
}

impl Lean for Attachment {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        Object::VolumeAttachment(VolumeAttachment {
            meta: metadata.meta(strings),
            attacher: strings.share(&spec.attacher),
            node: strings.share(&spec.node_name),
            pv: spec.source.persistent_volume_name.map(Arc::from),
            attached: status.attached,
            error: status.attach_error.or(status.detach_error).map(|error| error.message),
        })
    }
}
