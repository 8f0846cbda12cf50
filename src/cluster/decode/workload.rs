//! Pods, what owns them, and nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{
    ClaimTemplate, Container, ContainerPort, ContainerState, Kind, Node, Object, Pod, RetentionWhen, SecretUse,
    SecretVia, Workload, WorkloadKind, Writer,
};

use super::meta::{MetaWire, nullable};
use super::{Lean, Strings};

/// A pod's spec, of a pod or of a template.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "nullable")]
    containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "nullable")]
    init_containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "nullable")]
    ephemeral_containers: Vec<ContainerSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    #[serde(default)]
    name: String,
    #[serde(default)]
    persistent_volume_claim: Option<ClaimSource>,
    #[serde(default)]
    ephemeral: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    secret: Option<SecretSource>,
    #[serde(default)]
    projected: Option<Projected>,
    #[serde(default)]
    config_map: Option<RefName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimSource {
    claim_name: String,
    #[serde(default)]
    read_only: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretSource {
    #[serde(default)]
    secret_name: Option<String>,
}

#[derive(Deserialize)]
struct Projected {
    #[serde(default, deserialize_with = "nullable")]
    sources: Vec<ProjectedSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectedSource {
    #[serde(default)]
    secret: Option<RefName>,
    #[serde(default)]
    config_map: Option<RefName>,
    #[serde(default)]
    service_account_token: Option<serde::de::IgnoredAny>,
}

/// A Secret or ConfigMap by name, as projections, `envFrom` and the references of variables write it.
#[derive(Deserialize)]
struct RefName {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerSpec {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    image: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    env: Vec<Variable>,
    #[serde(default, deserialize_with = "nullable")]
    env_from: Vec<VariableSource>,
    #[serde(default, deserialize_with = "nullable")]
    volume_mounts: Vec<VolumeMount>,
    #[serde(default, deserialize_with = "nullable")]
    volume_devices: Vec<RefName>,
    #[serde(default, deserialize_with = "nullable")]
    ports: Vec<PortWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PortWire {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    protocol: String,
    #[serde(default)]
    container_port: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    #[serde(default)]
    value_from: Option<ValueFrom>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom {
    #[serde(default)]
    secret_key_ref: Option<RefName>,
    #[serde(default)]
    config_map_key_ref: Option<RefName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VariableSource {
    #[serde(default)]
    secret_ref: Option<RefName>,
    #[serde(default)]
    config_map_ref: Option<RefName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    #[serde(default)]
    name: String,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    sub_path: Option<String>,
    #[serde(default)]
    sub_path_expr: Option<String>,
}

impl PortWire {
    fn port(&self, strings: &mut Strings) -> Option<ContainerPort> {
        let tcp = matches!(&*self.protocol, "" | "TCP") && self.container_port > 0;
        tcp.then(|| ContainerPort { name: strings.share(&self.name), number: self.container_port })
    }
}

impl ContainerSpec {
    /// The claims of these volumes that it has and may write, each once.
    fn writes(&self, writable: &[(&str, Arc<str>)]) -> Box<[Arc<str>]> {
        let mounts = self.volume_mounts.iter().filter(|mount| mount.read_only != Some(true));
        let devices = self.volume_devices.iter().filter_map(|device| device.name.as_deref());
        let names: BTreeSet<&str> = mounts.map(|mount| mount.name.as_str()).chain(devices).collect();
        writable.iter().filter(|(name, _)| names.contains(name)).map(|(_, claim)| claim.clone()).collect()
    }
}

impl PodSpec {
    /// Volumes of claims that can be written to, with the claim's name.
    fn writable(&self, pod: Option<&str>) -> Vec<(&str, Arc<str>)> {
        let claims = self.volumes.iter().filter_map(|volume| match (&volume.persistent_volume_claim, pod) {
            (Some(claim), _) if claim.read_only == Some(true) => None,
            (Some(claim), _) => Some((volume.name.as_str(), Arc::from(claim.claim_name.as_str()))),
            (None, Some(pod)) if volume.ephemeral.is_some() => {
                Some((volume.name.as_str(), format!("{pod}-{}", volume.name).into()))
            }
            (None, _) => None,
        });
        claims.collect()
    }

    /// Containers that write claims which it names.
    fn writers(&self, strings: &mut Strings) -> Box<[Writer]> {
        let writable = self.writable(None);
        let all = self.containers.iter().chain(&self.init_containers);
        let writing =
            all.map(|container| (container, container.writes(&writable))).filter(|(_, claims)| !claims.is_empty());
        let writer = |(container, claims): (&ContainerSpec, _)| Writer {
            container: strings.share(&container.name),
            image: container.image.clone(),
            claims,
        };
        writing.map(writer).collect()
    }

    /// Claims that are mounted; an ephemeral volume's claim is named after the pod, which a template has not.
    fn claims(&self, pod: Option<&str>) -> Box<[Arc<str>]> {
        let claims = self.volumes.iter().filter_map(|volume| match (&volume.persistent_volume_claim, pod) {
            (Some(claim), _) => Some(Arc::from(claim.claim_name.as_str())),
            (None, Some(pod)) if volume.ephemeral.is_some() => Some(format!("{pod}-{}", volume.name).into()),
            (None, _) => None,
        });
        claims.collect()
    }

    /// Secrets that are used, each way once.
    fn secrets(&self, strings: &mut Strings) -> Box<[SecretUse]> {
        let mut uses: BTreeSet<(&str, SecretVia)> = BTreeSet::new();
        for volume in &self.volumes {
            let projected = volume.projected.iter().flat_map(|projected| &projected.sources);
            let projected = projected.filter_map(|source| source.secret.as_ref()?.name.as_deref());
            let named = volume.secret.iter().filter_map(|secret| secret.secret_name.as_deref()).chain(projected);
            for secret in named {
                uses.extend(self.mounts(&volume.name).map(|via| (secret, via)));
            }
        }
        for container in self.containers.iter().chain(&self.init_containers) {
            let refs =
                container.env.iter().filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref());
            let refs = refs.chain(container.env_from.iter().filter_map(|source| source.secret_ref.as_ref()));
            uses.extend(refs.filter_map(|secret| Some((secret.name.as_deref()?, SecretVia::Env))));
        }
        uses.into_iter().map(|(secret, via)| SecretUse { secret: strings.share(secret), via }).collect()
    }

    /// ConfigMaps that are used, each way once. That each pod mounts the cluster's CA with its token says nothing.
    fn config_maps(&self, strings: &mut Strings) -> Box<[SecretUse]> {
        let mut uses: BTreeSet<(&str, SecretVia)> = BTreeSet::new();
        for volume in &self.volumes {
            let sources = volume.projected.iter().map(|projected| &projected.sources);
            let token =
                sources.clone().any(|sources| sources.iter().any(|source| source.service_account_token.is_some()));
            let projected = sources.filter(|_| !token).flatten().filter_map(|source| source.config_map.as_ref());
            let named = volume.config_map.iter().chain(projected).filter_map(|map| map.name.as_deref());
            for map in named {
                uses.extend(self.mounts(&volume.name).map(|via| (map, via)));
            }
        }
        for container in self.containers.iter().chain(&self.init_containers) {
            let refs =
                container.env.iter().filter_map(|variable| variable.value_from.as_ref()?.config_map_key_ref.as_ref());
            let refs = refs.chain(container.env_from.iter().filter_map(|source| source.config_map_ref.as_ref()));
            uses.extend(refs.filter_map(|map| Some((map.name.as_deref()?, SecretVia::Env))));
        }
        uses.into_iter().map(|(map, via)| SecretUse { secret: strings.share(map), via }).collect()
    }

    fn mounts(&self, volume: &str) -> impl Iterator<Item = SecretVia> {
        let containers = self.containers.iter().chain(&self.init_containers);
        let mounts = containers.flat_map(|container| &container.volume_mounts).filter(move |m| m.name == volume);
        mounts.map(|mount| {
            let part = [&mount.sub_path, &mount.sub_path_expr].into_iter().flatten().any(|path| !path.is_empty());
            if part { SecretVia::SubPath } else { SecretVia::Mount }
        })
    }
}

/// A pod.
#[derive(Deserialize)]
pub(super) struct PodObject {
    metadata: MetaWire,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    #[serde(deserialize_with = "nullable")]
    phase: Box<str>,
    start_time: Option<Timestamp>,
    #[serde(deserialize_with = "nullable")]
    conditions: Vec<ReadyCondition>,
    #[serde(deserialize_with = "nullable")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "nullable")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "nullable")]
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct ReadyCondition {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
}

fn ready(conditions: &[ReadyCondition]) -> bool {
    conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
}

#[derive(Deserialize)]
struct ContainerStatus {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "imageID", deserialize_with = "nullable")]
    image_id: Box<str>,
    #[serde(default)]
    ready: bool,
    #[serde(default, rename = "restartCount", deserialize_with = "nullable")]
    restarts: u32,
    #[serde(default, deserialize_with = "nullable")]
    state: StateWire,
    #[serde(default, rename = "lastState", deserialize_with = "nullable")]
    last: StateWire,
}

/// At most one of these is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StateWire {
    waiting: Option<Waiting>,
    running: Option<serde::de::IgnoredAny>,
    terminated: Option<Terminated>,
}

#[derive(Deserialize)]
struct Waiting {
    #[serde(default, deserialize_with = "nullable")]
    reason: Box<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminated {
    #[serde(default)]
    exit_code: i32,
}

impl StateWire {
    fn state(&self) -> ContainerState {
        match self {
            Self { running: Some(_), .. } => ContainerState::Running,
            Self { terminated: Some(ended), .. } => ContainerState::Ended(ended.exit_code),
            Self { waiting: Some(waiting), .. } => ContainerState::Waiting(waiting.reason.clone()),
            _ => ContainerState::Unknown,
        }
    }
}

/// Containers of a spec, each with its status.
fn containers(
    specs: &[ContainerSpec],
    statuses: &[ContainerStatus],
    writable: &[(&str, Arc<str>)],
    strings: &mut Strings,
) -> Box<[Container]> {
    let join = |container: &ContainerSpec| {
        let status = statuses.iter().find(|status| status.name == container.name);
        Container {
            name: strings.share(&container.name),
            image: container.image.clone(),
            image_id: status.map(|status| status.image_id.clone()).filter(|id| !id.is_empty()),
            ready: status.is_some_and(|status| status.ready),
            state: status.map(|status| status.state.state()).unwrap_or_default(),
            ports: container.ports.iter().filter_map(|port| port.port(strings)).collect(),
            writes: container.writes(writable),
            restarts: status.map_or(0, |status| status.restarts),
            previous: status.is_some_and(|status| status.last.terminated.is_some()),
        }
    };
    specs.iter().map(join).collect()
}

impl Lean for PodObject {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let writable = spec.writable(Some(&metadata.name));
        Object::Pod(Pod {
            containers: containers(&spec.containers, &status.container_statuses, &writable, strings),
            init_containers: containers(&spec.init_containers, &status.init_container_statuses, &writable, strings),
            ephemeral_containers: containers(
                &spec.ephemeral_containers,
                &status.ephemeral_container_statuses,
                &writable,
                strings,
            ),
            claims: spec.claims(Some(&metadata.name)),
            secrets: spec.secrets(strings),
            config_maps: spec.config_maps(strings),
            meta: metadata.meta(strings),
            node: strings.maybe(spec.node_name),
            ready: ready(&status.conditions),
            phase: status.phase,
            started: status.start_time,
        })
    }
}

/// A node.
#[derive(Deserialize)]
pub(super) struct NodeObject {
    metadata: MetaWire,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "nullable")]
    conditions: Vec<ReadyCondition>,
}

impl Lean for NodeObject {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::Node(Node { ready: ready(&self.status.conditions), meta: self.metadata.meta(strings) })
    }
}

/// A workload of any kind.
#[derive(Deserialize)]
pub(super) struct Owner {
    metadata: MetaWire,
    #[serde(default)]
    spec: OwnerSpec,
    #[serde(default)]
    status: OwnerStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerSpec {
    replicas: Option<u32>,
    template: Option<Template>,
    job_template: Option<JobTemplate>,
    #[serde(deserialize_with = "nullable")]
    volume_claim_templates: Vec<ClaimTemplateWire>,
    persistent_volume_claim_retention_policy: Option<RetentionPolicy>,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    spec: PodSpec,
}

/// A CronJob keeps its pod template one level further down.
#[derive(Deserialize)]
struct JobTemplate {
    #[serde(default)]
    spec: JobSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    template: Option<Template>,
}

#[derive(Deserialize)]
struct ClaimTemplateWire {
    #[serde(default)]
    metadata: TemplateMeta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TemplateMeta {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionPolicy {
    #[serde(default)]
    when_deleted: Option<String>,
    #[serde(default)]
    when_scaled: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerStatus {
    ready_replicas: Option<u32>,
    number_ready: Option<u32>,
    ready: Option<u32>,
}

impl Lean for Owner {
    fn object(self, kind: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        let template = spec.template.or_else(|| spec.job_template.and_then(|job| job.spec.template));
        let pod = template.map(|template| template.spec).unwrap_or_default();
        let retention = spec.persistent_volume_claim_retention_policy.as_ref();
        let templates = spec.volume_claim_templates.iter();
        let (kind, wrap): (_, fn(Workload) -> Object) = match kind {
            Kind::Deployment => (WorkloadKind::Deployment, Object::Deployment),
            Kind::ReplicaSet => (WorkloadKind::ReplicaSet, Object::ReplicaSet),
            Kind::DaemonSet => (WorkloadKind::DaemonSet, Object::DaemonSet),
            Kind::Job => (WorkloadKind::Job, Object::Job),
            Kind::CronJob => (WorkloadKind::CronJob, Object::CronJob),
            _ => (WorkloadKind::StatefulSet, Object::StatefulSet),
        };
        wrap(Workload {
            meta: metadata.meta(strings),
            kind,
            replicas: spec.replicas,
            // A DaemonSet calls it numberReady, a Job ready.
            ready: status.ready_replicas.or(status.number_ready).or(status.ready).unwrap_or_default(),
            claims: pod.claims(None),
            writers: pod.writers(strings),
            templates: templates.map(|t| ClaimTemplate { name: strings.share(&t.metadata.name) }).collect(),
            when_deleted: when(retention.and_then(|policy| policy.when_deleted.as_deref())),
            when_scaled: when(retention.and_then(|policy| policy.when_scaled.as_deref())),
            secrets: pod.secrets(strings),
            config_maps: pod.config_maps(strings),
        })
    }
}

fn when(policy: Option<&str>) -> RetentionWhen {
    if policy == Some("Delete") { RetentionWhen::Delete } else { RetentionWhen::Retain }
}
