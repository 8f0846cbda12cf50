//! Copies of volumes: snapshots, their contents and classes, alone and in groups.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::model::{
    Content, ContentSource, DeletionPolicy, GroupContent, GroupSnapshot, Kind, Object, SnapshotClass, SnapshotSource,
    VolumeError, VolumeSnapshot, annotation,
};

use super::meta::{MetaWire, Pairs, nullable};
use super::storage::{Bytes, Reference};
use super::{Lean, Strings};

fn deletion(policy: Option<&str>) -> DeletionPolicy {
    match policy {
        Some("Delete") => DeletionPolicy::Delete,
        Some("Retain") => DeletionPolicy::Retain,
        _ => DeletionPolicy::Unknown,
    }
}

/// An error as attachments and snapshots write it.
#[derive(Deserialize)]
pub(super) struct Failure {
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "nullable")]
    pub message: Box<str>,
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
    #[serde(default)]
    parameters: Pairs,
}

/// Parameters that say where copies lie.
const PLACES: [&str; 2] = ["type", "snapshot-type"];

impl Lean for CopyClass {
    fn object(self, kind: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let parameters = self.parameters.0.into_iter().filter(|(name, _)| PLACES.contains(&name.as_str()));
        let class = SnapshotClass {
            parameters: parameters.map(|(name, value)| (name.into(), value.into())).collect(),
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
