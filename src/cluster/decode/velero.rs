//! Velero's objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{
    BackupLocation, Kind, Meta, Object, Uid, VeleroBackup, VeleroItem, VeleroRestore, VeleroSchedule, annotation,
};

use super::meta::{MetaWire, Pairs, nullable};
use super::{Lean, Strings};

/// A Backup.
#[derive(Deserialize)]
pub(super) struct Backup {
    metadata: MetaWire,
    #[serde(default)]
    spec: BackupSpec,
    #[serde(default)]
    status: BackupStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BackupSpec {
    #[serde(deserialize_with = "nullable")]
    included_namespaces: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    included_resources: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    excluded_resources: Vec<String>,
}

impl BackupSpec {
    /// Whether objects of this resource are in it. An empty list of what is included means all.
    fn holds(&self, plural: &str, group: &str) -> bool {
        let whole = format!("{plural}.{group}");
        let named = |names: &[String]| names.iter().any(|name| name == "*" || name == plural || *name == whole);
        (self.included_resources.is_empty() || named(&self.included_resources)) && !named(&self.excluded_resources)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BackupStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    completion_timestamp: Option<Timestamp>,
    expiration: Option<Timestamp>,
}

impl Lean for Backup {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        // Velero writes "all" as an empty list or as a star.
        let named = spec.included_namespaces.iter().filter(|name| *name != "*");
        Object::VeleroBackup(VeleroBackup {
            namespaces: named.map(|name| strings.share(name)).collect(),
            requests: spec.holds("certificaterequests", "cert-manager.io"),
            meta: metadata.meta(strings),
            phase: status.phase,
            completed: status.completion_timestamp,
            expires: status.expiration,
        })
    }
}

/// A Schedule.
#[derive(Deserialize)]
pub(super) struct Schedule {
    metadata: MetaWire,
    #[serde(default)]
    spec: ScheduleSpec,
    #[serde(default)]
    status: ScheduleStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScheduleSpec {
    #[serde(deserialize_with = "nullable")]
    schedule: Box<str>,
    paused: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    template: TemplateSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TemplateSpec {
    #[serde(deserialize_with = "nullable")]
    included_namespaces: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    excluded_namespaces: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScheduleStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    last_backup: Option<Timestamp>,
}

impl Lean for Schedule {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let ScheduleSpec { schedule, paused, template } = spec;
        let mut shared = |names: &[String]| -> Box<[Arc<str>]> {
            names.iter().filter(|name| *name != "*").map(|name| strings.share(name)).collect()
        };
        Object::VeleroSchedule(VeleroSchedule {
            namespaces: shared(&template.included_namespaces),
            excluded: shared(&template.excluded_namespaces),
            meta: metadata.meta(strings),
            cron: schedule,
            paused: paused.unwrap_or_default(),
            phase: status.phase,
            last: status.last_backup,
        })
    }
}

/// A Restore.
#[derive(Deserialize)]
pub(super) struct Restore {
    metadata: MetaWire,
    #[serde(default)]
    spec: RestoreSpec,
    #[serde(default)]
    status: PhaseStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RestoreSpec {
    #[serde(deserialize_with = "nullable")]
    backup_name: String,
}

impl Lean for Restore {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::VeleroRestore(VeleroRestore {
            meta: self.metadata.meta(strings),
            backup: self.spec.backup_name.into(),
            phase: self.status.phase,
        })
    }
}

/// A BackupStorageLocation.
#[derive(Deserialize)]
pub(super) struct Location {
    metadata: MetaWire,
    #[serde(default)]
    spec: LocationSpec,
    #[serde(default)]
    status: PhaseStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LocationSpec {
    #[serde(deserialize_with = "nullable")]
    provider: Box<str>,
    #[serde(deserialize_with = "nullable")]
    config: LocationConfig,
}

/// Values of a map of texts; the others are not kept.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LocationConfig {
    s3_url: Option<String>,
    #[serde(rename = "storageAccountURI")]
    storage_account: Option<String>,
    #[serde(rename = "insecureSkipTLSVerify")]
    unchecked: Option<String>,
}

impl LocationConfig {
    /// Scheme and host: what else a URL has may be a password.
    fn endpoint(&self) -> Option<Box<str>> {
        let url = self.s3_url.as_ref().or(self.storage_account.as_ref()).filter(|url| !url.is_empty())?;
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Some(format!("{scheme}://{host}").into())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PhaseStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    message: Option<Box<str>>,
}

impl Lean for Location {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::BackupLocation(BackupLocation {
            meta: self.metadata.meta(strings),
            phase: self.status.phase,
            message: self.status.message.filter(|message| !message.is_empty()),
            provider: self.spec.provider,
            endpoint: self.spec.config.endpoint(),
            unchecked: self.spec.config.unchecked.as_deref() == Some("true"),
        })
    }
}

/// The status of a DataUpload, and of a PodVolumeBackup.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ItemStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    start_timestamp: Option<Timestamp>,
    completion_timestamp: Option<Timestamp>,
    progress: Option<ItemProgress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemProgress {
    #[serde(default)]
    total_bytes: Option<u64>,
}

/// A DataUpload.
#[derive(Deserialize)]
pub(super) struct Upload {
    metadata: MetaWire,
    #[serde(default)]
    spec: UploadSpec,
    #[serde(default)]
    status: ItemStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UploadSpec {
    #[serde(deserialize_with = "nullable")]
    source_namespace: String,
    #[serde(rename = "sourcePVC")]
    source_claim: Option<String>,
}

impl Lean for Upload {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let source = (strings.share(&self.spec.source_namespace), self.spec.source_claim.map(Arc::from));
        Object::DataUpload(item(meta, source, None, self.status))
    }
}

/// A PodVolumeBackup.
#[derive(Deserialize)]
pub(super) struct PodBackup {
    metadata: MetaWire,
    #[serde(default)]
    spec: PodBackupSpec,
    #[serde(default)]
    status: ItemStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodBackupSpec {
    pod: PodReference,
    tags: Pairs,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodReference {
    #[serde(deserialize_with = "nullable")]
    namespace: String,
}

impl Lean for PodBackup {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        // It names the pod and its volume, not the claim; the claim's UID is in a tag.
        let tagged = self.spec.tags.0.into_iter().find(|(tag, _)| tag == "pvc-uid").map(|(_, uid)| Uid::from(uid));
        Object::PodVolumeBackup(item(meta, (strings.share(&self.spec.pod.namespace), None), tagged, self.status))
    }
}

fn item(meta: Meta, source: (Arc<str>, Option<Arc<str>>), tagged: Option<Uid>, status: ItemStatus) -> VeleroItem {
    VeleroItem {
        backup: meta.label(annotation::VELERO_BACKUP).map(Arc::from),
        source_namespace: source.0,
        source_claim: source.1,
        source_uid: meta.label(annotation::VELERO_PVC_UID).map(Uid::from).or(tagged),
        meta,
        phase: status.phase,
        started: status.start_timestamp,
        completed: status.completion_timestamp,
        bytes: status.progress.and_then(|progress| progress.total_bytes),
    }
}
