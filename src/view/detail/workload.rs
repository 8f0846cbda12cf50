//! Sheets of pods and of the workloads that make them.

use super::Sheet;
use crate::model::{Kind, Meta, ObjRef, Pod, RetentionWhen, SecretUse, Workload};
use crate::view::{Cell, Level};

pub(super) fn pod(sheet: &mut Sheet, pod: &Pod) {
    sheet.text("Phase", &pod.phase);
    sheet.flag("Ready", pod.ready);
    sheet.fact("Started", Cell::since(pod.started));
    for container in &pod.containers {
        sheet.text("Container", &format!("{}: {}", container.name, container.image));
    }
    if let Some(node) = &pod.node {
        sheet.link_cluster("node", Kind::Node, node);
    }
    for claim in &pod.claims {
        sheet.link_here("mounts", Kind::Pvc, claim);
    }
    for used in &pod.secrets {
        uses(sheet, used, &[Kind::TlsSecret, Kind::OtherSecret]);
    }
    pod.config_maps.iter().for_each(|used| uses(sheet, used, &[Kind::ConfigMap]));
}

/// Only what holds certificates is kept, so what was not seen may well be there.
fn uses(sheet: &mut Sheet, used: &SecretUse, kinds: &[Kind]) {
    for kind in kinds.iter().copied() {
        let object = ObjRef { kind, namespace: sheet.namespace.clone(), name: used.secret.clone() };
        if let Some(uid) = sheet.world.inventory.find(&object).map(Meta::uid) {
            sheet.link(super::tls::via(used), kind, &uid);
        }
    }
}

pub(super) fn workload(sheet: &mut Sheet, workload: &Workload) {
    if let Some(replicas) = workload.replicas {
        sheet.fact("Replicas", Cell::Number(replicas.into()));
        sheet.fact("Ready", Cell::Number(workload.ready.into()));
    }
    if !workload.templates.is_empty() {
        retention(sheet, "Claims when deleted", workload.when_deleted);
        retention(sheet, "Claims when scaled", workload.when_scaled);
    }
    for claim in &workload.claims {
        sheet.link_here("mounts", Kind::Pvc, claim);
    }
    let replicas = workload.replicas.unwrap_or(0).min(100);
    for (template, ordinal) in workload.templates.iter().flat_map(|template| (0..replicas).map(move |i| (template, i)))
    {
        let name = format!("{}-{}-{ordinal}", template.name, workload.meta.name).into();
        sheet.link_here("mounts", Kind::Pvc, &name);
    }
}

fn retention(sheet: &mut Sheet, label: &'static str, when: RetentionWhen) {
    let cell = match when {
        RetentionWhen::Retain => Cell::State(Level::Ok, "stay"),
        RetentionWhen::Delete => Cell::State(Level::Warn, "are deleted"),
    };
    sheet.fact(label, cell);
}
