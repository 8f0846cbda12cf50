//! What uses volumes and Secrets.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Meta, Uid};

/// A container of a pod or template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Name.
    pub name: Arc<str>,
    /// Image as the spec names it.
    pub image: Box<str>,
    /// Image as it runs (`status.containerStatuses[].imageID`), with its digest.
    pub image_id: Option<Box<str>>,
    /// Whether it is ready.
    pub ready: bool,
    /// What its present instance does (`status.containerStatuses[].state`).
    pub state: ContainerState,
    /// How often it was started again (`restartCount`).
    pub restarts: u32,
    /// The TCP ports that it declares.
    pub ports: Box<[ContainerPort]>,
    /// Claims that it can write: those it mounts, or has as devices, and not read-only.
    pub writes: Box<[Arc<str>]>,
    /// Whether an instance before the present one has ended (`lastState.terminated`): only then are there logs of it.
    pub previous: bool,
}

/// A TCP port that a container declares (`ports[]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerPort {
    /// Its name; empty when it has none.
    pub name: Arc<str>,
    /// `containerPort`.
    pub number: u16,
}

/// What one instance of a container does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerState {
    /// The node has not said.
    #[default]
    Unknown,
    /// It has not started; the reason, such as `CrashLoopBackOff`. Untrusted text.
    Waiting(Box<str>),
    /// It runs.
    Running,
    /// It has ended, with this exit code.
    Ended(i32),
}

/// How a pod or template takes a Secret or ConfigMap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretVia {
    /// A volume; the kubelet refreshes its files.
    Mount,
    /// A volume mounted by `subPath`; never refreshed (kubernetes#50345).
    SubPath,
    /// An environment variable; never refreshed.
    Env,
}

/// One use of a Secret or ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Its name.
    pub secret: Arc<str>,
    /// How.
    pub via: SecretVia,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    /// Metadata.
    pub meta: Meta,
    /// `spec.nodeName`.
    pub node: Option<Arc<str>>,
    /// `status.phase`.
    pub phase: Box<str>,
    /// Whether the Ready condition is true.
    pub ready: bool,
    /// `status.startTime`.
    pub started: Option<Timestamp>,
    /// Names of the claims it mounts (ephemeral volumes by their claim's name).
    pub claims: Box<[Arc<str>]>,
    /// Secrets it uses.
    pub secrets: Box<[SecretUse]>,
    /// ConfigMaps it uses, but for the CA that every pod has with its token.
    pub config_maps: Box<[SecretUse]>,
    /// Its containers.
    pub containers: Box<[Container]>,
    /// Its init containers, in the order in which they run.
    pub init_containers: Box<[Container]>,
    /// Containers that were put into it while it ran (`kubectl debug`).
    pub ephemeral_containers: Box<[Container]>,
}

impl Pod {
    /// Whether it has ended; ended pods do not hold their volumes.
    pub fn ended(&self) -> bool {
        matches!(&*self.phase, "Succeeded" | "Failed")
    }
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Metadata.
    pub meta: Meta,
    /// Whether the Ready condition is true.
    pub ready: bool,
}

/// The kinds of workload that own pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// StatefulSet.
    #[default]
    StatefulSet,
    /// Deployment.
    Deployment,
    /// ReplicaSet.
    ReplicaSet,
    /// DaemonSet.
    DaemonSet,
    /// Job.
    Job,
    /// CronJob.
    CronJob,
}

/// What a StatefulSet does with its claims when it is deleted or scaled down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetentionWhen {
    /// Claims stay.
    #[default]
    Retain,
    /// Claims are deleted.
    Delete,
}

/// A claim template of a StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimTemplate {
    /// The template's name; its claims are `<name>-<set>-<ordinal>`.
    pub name: Arc<str>,
}

/// A container of a pod template that writes claims which the template names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Name of the container.
    pub container: Arc<str>,
    /// Image as the template names it.
    pub image: Box<str>,
    /// The claims, by name.
    pub claims: Box<[Arc<str>]>,
}

/// A workload, of any of [`WorkloadKind`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// Metadata.
    pub meta: Meta,
    /// Which kind.
    pub kind: WorkloadKind,
    /// `spec.replicas`, where the kind has it.
    pub replicas: Option<u32>,
    /// `status.readyReplicas`.
    pub ready: u32,
    /// Claims its pod template mounts by name.
    pub claims: Box<[Arc<str>]>,
    /// Containers of its pod template that write these claims.
    pub writers: Box<[Writer]>,
    /// A StatefulSet's claim templates.
    pub templates: Box<[ClaimTemplate]>,
    /// `spec.persistentVolumeClaimRetentionPolicy.whenDeleted`.
    pub when_deleted: RetentionWhen,
    /// `spec.persistentVolumeClaimRetentionPolicy.whenScaled`.
    pub when_scaled: RetentionWhen,
    /// Secrets its pod template uses.
    pub secrets: Box<[SecretUse]>,
    /// ConfigMaps its pod template uses, but for the CA that every pod has with its token.
    pub config_maps: Box<[SecretUse]>,
}

/// An Event about another object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterEvent {
    /// Metadata of the event itself.
    pub meta: Meta,
    /// UID of the object it is about.
    pub about: Option<Uid>,
    /// `kind` of the object it is about.
    pub about_kind: Box<str>,
    /// Name of the object it is about.
    pub about_name: Arc<str>,
    /// Whether its type is Warning.
    pub warning: bool,
    /// Machine reason.
    pub reason: Box<str>,
    /// Message. Untrusted text.
    pub message: Box<str>,
    /// Last time it was seen.
    pub last: Option<Timestamp>,
    /// How often it was seen.
    pub count: u32,
}
