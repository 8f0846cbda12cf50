//! What Velero says about its backups.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Meta, Uid};

/// A Velero Backup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VeleroBackup {
    /// Metadata.
    pub meta: Meta,
    /// `status.phase`.
    pub phase: Box<str>,
    /// `spec.includedNamespaces`; empty means all.
    pub namespaces: Box<[Arc<str>]>,
    /// Whether cert-manager's CertificateRequests are among what it holds, by `spec.includedResources` and
    /// `spec.excludedResources`.
    pub requests: bool,
    /// `status.completionTimestamp`.
    pub completed: Option<Timestamp>,
    /// `status.expiration`.
    pub expires: Option<Timestamp>,
}

/// A Velero Schedule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VeleroSchedule {
    /// Metadata.
    pub meta: Meta,
    /// `spec.schedule`, a cron expression. Untrusted text.
    pub cron: Box<str>,
    /// `spec.template.includedNamespaces`; empty means all.
    pub namespaces: Box<[Arc<str>]>,
    /// `spec.template.excludedNamespaces`.
    pub excluded: Box<[Arc<str>]>,
    /// `spec.paused`.
    pub paused: bool,
    /// `status.phase`.
    pub phase: Box<str>,
    /// `status.lastBackup`.
    pub last: Option<Timestamp>,
}

/// A Velero Restore.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VeleroRestore {
    /// Metadata.
    pub meta: Meta,
    /// `spec.backupName`.
    pub backup: Arc<str>,
    /// `status.phase`.
    pub phase: Box<str>,
}

/// A Velero BackupStorageLocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackupLocation {
    /// Metadata.
    pub meta: Meta,
    /// `status.phase`: Available or Unavailable.
    pub phase: Box<str>,
    /// `status.message`. Untrusted text.
    pub message: Option<Box<str>>,
    /// `spec.provider`.
    pub provider: Box<str>,
    /// Scheme and host of `spec.config.s3Url` or `storageAccountURI`, without anything else of them.
    pub endpoint: Option<Box<str>>,
    /// `spec.config.insecureSkipTLSVerify` is `true`.
    pub unchecked: bool,
}

/// A DataUpload or PodVolumeBackup: one volume's data in a Velero backup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VeleroItem {
    /// Metadata.
    pub meta: Meta,
    /// Label `velero.io/backup-name`.
    pub backup: Option<Arc<str>>,
    /// Namespace of the source volume.
    pub source_namespace: Arc<str>,
    /// Name of the source claim, where the kind records it.
    pub source_claim: Option<Arc<str>>,
    /// Label or tag `pvc-uid`: which claim for certain.
    pub source_uid: Option<Uid>,
    /// `status.phase`.
    pub phase: Box<str>,
    /// `status.startTimestamp`.
    pub started: Option<Timestamp>,
    /// `status.completionTimestamp`.
    pub completed: Option<Timestamp>,
    /// `status.progress.totalBytes`.
    pub bytes: Option<u64>,
}
