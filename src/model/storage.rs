//! Volumes and their copies.

use std::sync::Arc;

use jiff::Timestamp;

use super::Meta;

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    /// Metadata.
    pub meta: Meta,
}

/// How a volume may be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessMode {
    /// ReadWriteOnce.
    Rwo,
    /// ReadOnlyMany.
    Rox,
    /// ReadWriteMany.
    Rwx,
    /// ReadWriteOncePod.
    Rwop,
}

impl AccessMode {
    /// The short form that kubectl prints.
    pub fn short(self) -> &'static str {
        match self {
            Self::Rwo => "RWO",
            Self::Rox => "ROX",
            Self::Rwx => "RWX",
            Self::Rwop => "RWOP",
        }
    }
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pvc {
    /// Metadata.
    pub meta: Meta,
    /// `spec.volumeName`.
    pub volume_name: Option<Arc<str>>,
    /// `spec.storageClassName`.
    pub storage_class: Option<Arc<str>>,
    /// `spec.accessModes`.
    pub access_modes: Box<[AccessMode]>,
    /// `spec.volumeMode` is `Block`.
    pub block: bool,
    /// `spec.resources.requests.storage`, bytes.
    pub requested: Option<u64>,
    /// `status.capacity.storage`, bytes.
    pub capacity: Option<u64>,
    /// `status.phase`: Pending, Bound or Lost.
    pub phase: Box<str>,
    /// Kind and name of `spec.dataSource`.
    pub data_source: Option<(Box<str>, Arc<str>)>,
}

impl Pvc {
    /// Whether the claim is bound to a volume.
    pub fn bound(&self) -> bool {
        &*self.phase == "Bound"
    }
}

/// What happens to a PV when its claim goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReclaimPolicy {
    /// The data is kept.
    Retain,
    /// The data is deleted with the claim.
    Delete,
    /// Recycle (deprecated), or a value this console does not know.
    #[default]
    Other,
}

/// A claim as a PV names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRef {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// UID, when bound.
    pub uid: Option<super::Uid>,
}

/// A PersistentVolume.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pv {
    /// Metadata.
    pub meta: Meta,
    /// `spec.csi.driver` and `spec.csi.volumeHandle`; `None` when it is not a CSI volume.
    pub csi: Option<super::HandleKey>,
    /// `spec.csi.volumeAttributes` that say something about encryption.
    pub attributes: Box<[(Box<str>, Box<str>)]>,
    /// `spec.claimRef`.
    pub claim: Option<ClaimRef>,
    /// `spec.capacity.storage`, bytes.
    pub capacity: Option<u64>,
    /// `spec.persistentVolumeReclaimPolicy`.
    pub reclaim: ReclaimPolicy,
    /// `spec.storageClassName`.
    pub storage_class: Option<Arc<str>>,
    /// `spec.mountOptions`. Untrusted text.
    pub mount_options: Box<[Box<str>]>,
    /// Which of the volume types without a CSI driver it is, where that says how its data travels.
    pub in_tree: Option<InTree>,
    /// `status.phase`.
    pub phase: Box<str>,
}

/// A volume type of Kubernetes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTree {
    /// `spec.nfs`.
    Nfs,
    /// `spec.local` or `spec.hostPath`: a disk or directory of one node.
    Node,
}

/// A StorageClass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageClass {
    /// Metadata.
    pub meta: Meta,
    /// CSI driver or in-tree provisioner.
    pub provisioner: Arc<str>,
    /// Parameters, as written.
    pub parameters: Box<[(Box<str>, Box<str>)]>,
    /// Reclaim policy given to new volumes.
    pub reclaim: ReclaimPolicy,
    /// `volumeBindingMode` is `WaitForFirstConsumer`.
    pub waits_for_consumer: bool,
}

/// A VolumeAttachment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VolumeAttachment {
    /// Metadata.
    pub meta: Meta,
    /// `spec.attacher`.
    pub attacher: Arc<str>,
    /// `spec.nodeName`.
    pub node: Arc<str>,
    /// `spec.source.persistentVolumeName`.
    pub pv: Option<Arc<str>>,
    /// `status.attached`.
    pub attached: bool,
    /// `status.attachError` or `status.detachError`.
    pub error: Option<Box<str>>,
}

/// What deleting a snapshot object does to the copy in storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The copy goes too.
    Delete,
    /// The copy stays.
    Retain,
    /// Not read, or a value this console does not know.
    #[default]
    Unknown,
}

impl DeletionPolicy {
    /// The word of the API, or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Retain => "Retain",
            Self::Unknown => "unknown",
        }
    }
}

/// A VolumeSnapshotClass or VolumeGroupSnapshotClass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotClass {
    /// Metadata.
    pub meta: Meta,
    /// CSI driver.
    pub driver: Arc<str>,
    /// What deletion does.
    pub deletion: DeletionPolicy,
    /// Marked as its driver's default.
    pub default: bool,
    /// Parameters that say where copies lie: `type`, `snapshot-type`.
    pub parameters: Box<[(Box<str>, Box<str>)]>,
}

/// An error as snapshot objects report it. Not final: the controllers retry for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeError {
    /// When it was seen.
    pub at: Option<Timestamp>,
    /// What the driver or controller said. Untrusted text.
    pub message: Box<str>,
}

/// Where a snapshot comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SnapshotSource {
    /// Cut from a claim of the same namespace.
    Claim(Arc<str>),
    /// Bound to a content that existed before (an import).
    Content(Arc<str>),
    /// Neither was given.
    #[default]
    Unset,
}

/// A VolumeSnapshot. `creation_time` set means *cut*; `ready` means *restorable*.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VolumeSnapshot {
    /// Metadata.
    pub meta: Meta,
    /// Source.
    pub source: SnapshotSource,
    /// `spec.volumeSnapshotClassName`.
    pub class: Option<Arc<str>>,
    /// `status.boundVolumeSnapshotContentName`.
    pub content: Option<Arc<str>>,
    /// `status.creationTime`: the moment of the cut.
    pub cut: Option<Timestamp>,
    /// `status.readyToUse`; `None` is unknown.
    pub ready: Option<bool>,
    /// `status.restoreSize`, bytes.
    pub restore_size: Option<u64>,
    /// `status.error`.
    pub error: Option<VolumeError>,
    /// `status.volumeGroupSnapshotName`.
    pub group: Option<Arc<str>>,
}

/// Where a content's copy comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ContentSource {
    /// Cut from this volume handle.
    Volume(Arc<str>),
    /// An existing snapshot handle (an import).
    Snapshot(Arc<str>),
    /// Neither was given.
    #[default]
    Unset,
}

/// A VolumeSnapshotContent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Metadata.
    pub meta: Meta,
    /// `spec.driver`.
    pub driver: Arc<str>,
    /// `spec.source`.
    pub source: ContentSource,
    /// `spec.deletionPolicy`: the one that counts.
    pub deletion: DeletionPolicy,
    /// `spec.volumeSnapshotRef`.
    pub snapshot: Option<ClaimRef>,
    /// `status.snapshotHandle`.
    pub handle: Option<Arc<str>>,
    /// `status.creationTime` (nanoseconds in the API).
    pub cut: Option<Timestamp>,
    /// `status.readyToUse`.
    pub ready: Option<bool>,
    /// `status.restoreSize`, bytes.
    pub restore_size: Option<u64>,
    /// `status.error`: often the only place where the driver's reason shows.
    pub error: Option<VolumeError>,
}

/// A VolumeGroupSnapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSnapshot {
    /// Metadata.
    pub meta: Meta,
    /// `spec.volumeGroupSnapshotClassName`.
    pub class: Option<Arc<str>>,
    /// `status.boundVolumeGroupSnapshotContentName`.
    pub content: Option<Arc<str>>,
    /// The moment of the cut.
    pub cut: Option<Timestamp>,
    /// `status.readyToUse`.
    pub ready: Option<bool>,
    /// `status.error`.
    pub error: Option<VolumeError>,
}

/// A VolumeGroupSnapshotContent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupContent {
    /// Metadata.
    pub meta: Meta,
    /// `spec.driver`.
    pub driver: Arc<str>,
    /// What deletion does.
    pub deletion: DeletionPolicy,
    /// `status.readyToUse`.
    pub ready: Option<bool>,
    /// Volume handle and snapshot handle of each member (`status.volumeSnapshotInfoList`, in v1beta1
    /// `volumeSnapshotHandlePairList`): the only place that says which volume a member was cut from.
    pub members: Box<[(Arc<str>, Arc<str>)]>,
}
