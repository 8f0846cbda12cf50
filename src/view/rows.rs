//! Rows made of judgements: one builder per pane. Words and levels come from `assess`; nothing is judged here.

mod certificates;
mod held;
mod issuance;
mod restore_points;
mod trust;
mod volumes;

pub(super) use certificates::{ABOUT_TO_BREAK, word as certificate_word};
pub(super) use held::{has_places, places};
pub(super) use restore_points::trusted;
pub(super) use trust::called;
pub(super) use volumes::GOING;

use std::sync::Arc;

use jiff::Timestamp;

use super::{Cell, Level, Pane, Row};
use crate::assess::{Reason, Severity};
use crate::model::{Key, Kind, Touched, Uid, World};

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Ok => Self::Ok,
            Severity::Info => Self::Info,
            Severity::Warn => Self::Warn,
            Severity::Critical => Self::Critical,
            Severity::Unknown => Self::Unknown,
        }
    }
}

/// The row of an object in a pane; `None` when the object is gone or has no row of its own.
pub(super) fn build(world: &World, pane: Pane, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Row> {
    match (pane, kind) {
        (Pane::Volumes, Kind::Pvc) => Some(volumes::row(world, world.inventory.pvcs.get(uid)?, now)),
        (Pane::RestorePoints, Kind::VolumeSnapshot) => {
            Some(restore_points::snapshot(world, world.inventory.snapshots.get(uid)?, now))
        }
        (Pane::RestorePoints, Kind::DataUpload) => {
            Some(restore_points::velero(world, kind, world.inventory.data_uploads.get(uid)?, now))
        }
        (Pane::RestorePoints, Kind::PodVolumeBackup) => {
            Some(restore_points::velero(world, kind, world.inventory.pod_volume_backups.get(uid)?, now))
        }
        (Pane::Certificates, Kind::TlsSecret) => {
            Some(certificates::secret(world, world.inventory.tls_secrets.get(uid)?, now))
        }
        (Pane::Certificates, Kind::Certificate) => {
            certificates::managed(world, world.inventory.certificates.get(uid)?, now)
        }
        (Pane::Certificates, Kind::Ingress | Kind::Gateway) => held::front(world, kind, uid, now),
        (Pane::Certificates, _) => issuance::row(world, kind, uid, now).or_else(|| trust::row(world, kind, uid, now)),
        _ => None,
    }
}

/// Every object that has a row in a pane.
pub(super) fn all(world: &World, pane: Pane) -> Vec<(Kind, Uid)> {
    let inventory = &world.inventory;
    match pane {
        Pane::Volumes => inventory.pvcs.iter().map(|object| (Kind::Pvc, object.meta.uid())).collect(),
        Pane::RestorePoints => {
            let snapshots = inventory.snapshots.iter().map(|object| (Kind::VolumeSnapshot, object.meta.uid()));
            let uploads = inventory.data_uploads.iter().map(|object| (Kind::DataUpload, object.meta.uid()));
            let pods = inventory.pod_volume_backups.iter().map(|object| (Kind::PodVolumeBackup, object.meta.uid()));
            snapshots.chain(uploads).chain(pods).collect()
        }
        Pane::Certificates => {
            let secrets = inventory.tls_secrets.iter().map(|object| (Kind::TlsSecret, object.meta.uid()));
            let managed = inventory.certificates.iter().map(|object| (Kind::Certificate, object.meta.uid()));
            let others = issuance::all(inventory).chain(trust::all(inventory)).chain(held::all(inventory));
            secrets.chain(managed).chain(others).collect()
        }
        Pane::Findings => Vec::new(),
    }
}

/// The objects of a pane that a change touched.
pub(super) fn touched(touched: &Touched, pane: Pane) -> Vec<(Kind, Uid)> {
    match pane {
        Pane::Volumes => touched.volumes.iter().map(|uid| (Kind::Pvc, uid.clone())).collect(),
        Pane::RestorePoints => touched.restore_points.iter().cloned().collect(),
        Pane::Certificates => touched.certificates.iter().cloned().collect(),
        Pane::Findings => Vec::new(),
    }
}

/// The reasons of a judgement as a row keeps them, and the first thing to do about them.
fn said(reasons: Vec<Reason>) -> (Box<[Arc<str>]>, Option<Arc<str>>) {
    let next = reasons.iter().find_map(|reason| reason.next.as_deref()).map(Arc::from);
    (reasons.into_iter().map(|reason| reason.text.into()).collect(), next)
}

/// What uses a claim or Secret: workloads by name, else pods, shortened when there are many.
fn users(world: &World, templates: &[(Kind, Uid)], pods: &[Uid]) -> Cell {
    let name = |kind: Kind, uid: &Uid| world.inventory.meta(kind, uid).map(|meta| meta.name.clone());
    let mut names: Vec<(Kind, Arc<str>)> =
        templates.iter().filter_map(|(kind, uid)| Some((*kind, name(*kind, uid)?))).collect();
    for pod in pods.iter().filter_map(|uid| world.inventory.pods.get(uid)).filter(|pod| !pod.ended()) {
        match controller(world, pod) {
            Some((kind, _)) if templates.iter().any(|(template, _)| *template == kind) => {}
            Some(owner) => names.push(owner),
            None => names.push((Kind::Pod, pod.meta.name.clone())),
        }
    }
    // A ReplicaSet made by a Deployment that is named already says nothing new.
    let deployed = names.iter().any(|(kind, _)| *kind == Kind::Deployment);
    names.retain(|(kind, _)| !(deployed && *kind == Kind::ReplicaSet));
    names.sort();
    names.dedup();
    // Each is named: what is looked for must be found, whichever comes first.
    let said: Vec<String> = names.iter().map(|(kind, name)| format!("{} {name}", short(*kind))).collect();
    if said.is_empty() { Cell::Nothing } else { Cell::Text(said.join(", ").into()) }
}

/// The workload that made a pod; for a Deployment, the Deployment.
fn controller(world: &World, pod: &crate::model::Pod) -> Option<(Kind, Arc<str>)> {
    let owner = pod.meta.controller()?;
    let kind = workload_kind(&owner.kind)?;
    if kind == Kind::ReplicaSet
        && let Some(set) = world.inventory.replica_sets.get(&owner.uid)
        && let Some(deployment) = set.meta.controller()
    {
        return Some((workload_kind(&deployment.kind)?, deployment.name.clone()));
    }
    Some((kind, owner.name.clone()))
}

/// How kubectl abbreviates a workload's kind.
fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::StatefulSet => "sts",
        Kind::Deployment => "deploy",
        Kind::ReplicaSet => "rs",
        Kind::DaemonSet => "ds",
        Kind::Job => "job",
        Kind::CronJob => "cronjob",
        Kind::Pod => "pod",
        other => other.spec().kind,
    }
}

/// The parts that every row has, before its cells are known.
fn frame(kind: Kind, meta: &crate::model::Meta) -> Row {
    Row {
        key: Key::Object(kind, meta.uid()),
        object: meta.reference(kind),
        uid: meta.uid(),
        level: Level::Unknown,
        state: "Unknown",
        reasons: Box::new([]),
        next: None,
        cells: Box::new([]),
        valid_until: None,
        remedy: None,
    }
}

/// The workload kind of an owner reference.
pub(super) fn workload_kind(owner: &str) -> Option<Kind> {
    Some(match owner {
        "StatefulSet" => Kind::StatefulSet,
        "Deployment" => Kind::Deployment,
        "ReplicaSet" => Kind::ReplicaSet,
        "DaemonSet" => Kind::DaemonSet,
        "Job" => Kind::Job,
        "CronJob" => Kind::CronJob,
        _ => return None,
    })
}
