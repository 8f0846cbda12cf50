//! Volumes, their classes and attachments, and their copies.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::model::{
    AccessMode, ClaimRef, Content, ContentSource, DeletionPolicy, GroupContent, GroupSnapshot, HandleKey, Kind, Object,
    Pv, Pvc, ReclaimPolicy, SnapshotClass, SnapshotSource, StorageClass, Uid, VolumeAttachment, VolumeError,
    VolumeSnapshot, annotation,
};
use crate::text::quantity;

use super::meta::{MetaWire, Pairs, nullable};
use super::{Lean, Strings};

/// Parts of the names of volume attributes that say something about encryption; the others are not kept.
const TELLING: [&str; 5] = ["encrypt", "kms", "luks", "cipher", "passphrase"];

/// A quantity of bytes; one that cannot be read is unknown, not an error.
#[derive(Default)]
struct Bytes(Option<u64>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(u64),
            Other(serde::de::IgnoredAny),
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

fn deletion(policy: Option<&str>) -> DeletionPolicy {
    match policy {
        Some("Delete") => DeletionPolicy::Delete,
        Some("Retain") => DeletionPolicy::Retain,
        _ => DeletionPolicy::Unknown,
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
struct Reference {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: Option<String>,
}

impl Reference {
    fn claim(self, strings: &mut Strings) -> ClaimRef {
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
        let attributes = spec.csi.map(Csi::telling_attributes).unwrap_or_default();
        Object::Pv(Pv {
            meta: metadata.meta(strings),
            csi,
            attributes,
            claim: spec.claim_ref.map(|claim| claim.claim(strings)),
            capacity: spec.capacity.and_then(|capacity| capacity.storage.0),
            reclaim: reclaim(spec.persistent_volume_reclaim_policy.as_deref()),
            storage_class: strings.maybe(spec.storage_class_name),
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

/// An error as attachments and snapshots write it.
#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "nullable")]
    message: Box<str>,
}

impl From<Failure> for VolumeError {
    fn from(failure: Failure) -> Self {
        Self { at: failure.time, message: failure.message }
    }
}

/// A VolumeSnapshotClass, or of groups a VolumeGroupSnapshotClass. No `spec`: the fields are at the top.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CopyClass {
    metadata: MetaWire,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    deletion_policy: Option<String>,
}

impl Lean for CopyClass {
    fn object(self, kind: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let class = SnapshotClass {
            driver: strings.share(&self.driver),
            deletion: deletion(self.deletion_policy.as_deref()),
            default: meta.annotation(annotation::DEFAULT_SNAPSHOT_CLASS) == Some("true"),
            meta,
        };
        if kind == Kind::GroupClass { Object::GroupClass(class) } else { Object::SnapshotClass(class) }
    }
}

/// A VolumeSnapshot.
#[derive(Deserialize)]
pub(super) struct Snapshot {
    metadata: MetaWire,
    #[serde(default)]
    spec: SnapshotSpec,
    #[serde(default, deserialize_with = "nullable_status")]
    status: SnapshotStatus,
}

fn nullable_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SnapshotStatus, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotSpec {
    source: SourceWire,
    #[serde(alias = "volumeGroupSnapshotClassName")]
    volume_snapshot_class_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SourceWire {
    persistent_volume_claim_name: Option<String>,
    volume_snapshot_content_name: Option<String>,
}

/// The status of a VolumeSnapshot, and of a VolumeGroupSnapshot.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotStatus {
    #[serde(alias = "boundVolumeGroupSnapshotContentName")]
    bound_volume_snapshot_content_name: Option<String>,
    creation_time: Option<Timestamp>,
    ready_to_use: Option<bool>,
    restore_size: Bytes,
    error: Option<Failure>,
    volume_group_snapshot_name: Option<String>,
}

impl Lean for Snapshot {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let source = match (spec.source.persistent_volume_claim_name, spec.source.volume_snapshot_content_name) {
            (Some(claim), _) => SnapshotSource::Claim(strings.share(&claim)),
            (None, Some(content)) => SnapshotSource::Content(content.into()),
            (None, None) => SnapshotSource::Unset,
        };
        Object::VolumeSnapshot(VolumeSnapshot {
            meta: metadata.meta(strings),
            source,
            class: strings.maybe(spec.volume_snapshot_class_name),
            content: status.bound_volume_snapshot_content_name.map(Arc::from),
            cut: status.creation_time,
            ready: status.ready_to_use,
            restore_size: status.restore_size.0,
            error: status.error.map(VolumeError::from),
            group: strings.maybe(status.volume_group_snapshot_name),
        })
    }
}

/// A VolumeGroupSnapshot.
#[derive(Deserialize)]
pub(super) struct Group {
    metadata: MetaWire,
    #[serde(default)]
    spec: SnapshotSpec,
    #[serde(default, deserialize_with = "nullable_status")]
    status: SnapshotStatus,
}

impl Lean for Group {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        Object::GroupSnapshot(GroupSnapshot {
            meta: metadata.meta(strings),
            class: strings.maybe(spec.volume_snapshot_class_name),
            content: status.bound_volume_snapshot_content_name.map(Arc::from),
            cut: status.creation_time,
            ready: status.ready_to_use,
            error: status.error.map(VolumeError::from),
        })
    }
}

/// A VolumeSnapshotContent.
#[derive(Deserialize)]
pub(super) struct SnapshotContent {
    metadata: MetaWire,
    #[serde(default)]
    spec: ContentSpec,
    #[serde(default)]
    status: Option<ContentStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContentSpec {
    driver: String,
    source: ContentSourceWire,
    deletion_policy: Option<String>,
    volume_snapshot_ref: Option<Reference>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContentSourceWire {
    volume_handle: Option<String>,
    snapshot_handle: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContentStatus {
    snapshot_handle: Option<String>,
    /// Nanoseconds since 1970, unlike every other time of the API.
    creation_time: Option<i64>,
    restore_size: Bytes,
    ready_to_use: Option<bool>,
    error: Option<Failure>,
}

impl Lean for SnapshotContent {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let status = status.unwrap_or_default();
        let source = match (spec.source.volume_handle, spec.source.snapshot_handle) {
            (Some(handle), _) => ContentSource::Volume(handle.into()),
            (None, Some(handle)) => ContentSource::Snapshot(handle.into()),
            (None, None) => ContentSource::Unset,
        };
        Object::Content(Content {
            meta: metadata.meta(strings),
            driver: strings.share(&spec.driver),
            source,
            deletion: deletion(spec.deletion_policy.as_deref()),
            snapshot: spec.volume_snapshot_ref.map(|snapshot| snapshot.claim(strings)),
            handle: status.snapshot_handle.map(Arc::from),
            cut: status.creation_time.and_then(|ns| Timestamp::from_nanosecond(ns.into()).ok()),
            ready: status.ready_to_use,
            restore_size: status.restore_size.0,
            error: status.error.map(VolumeError::from),
        })
    }
}

/// A VolumeGroupSnapshotContent.
#[derive(Deserialize)]
pub(super) struct GroupCopy {
    metadata: MetaWire,
    #[serde(default)]
    spec: GroupCopySpec,
    #[serde(default)]
    status: Option<GroupCopyStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupCopySpec {
    driver: String,
    deletion_policy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupCopyStatus {
    ready_to_use: Option<bool>,
    /// `volumeSnapshotHandlePairList` in v1beta1.
    #[serde(alias = "volumeSnapshotHandlePairList", deserialize_with = "nullable")]
    volume_snapshot_info_list: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    volume_handle: String,
    snapshot_handle: String,
}

impl Lean for GroupCopy {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let status = self.status.unwrap_or_default();
        let members = status.volume_snapshot_info_list.into_iter();
        Object::GroupContent(GroupContent {
            members: members.map(|member| (member.volume_handle.into(), member.snapshot_handle.into())).collect(),
            meta: self.metadata.meta(strings),
            driver: strings.share(&self.spec.driver),
            deletion: deletion(self.spec.deletion_policy.as_deref()),
            ready: status.ready_to_use,
        })
    }
}
