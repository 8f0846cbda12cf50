//! What only trees, timelines and gauges need of the shop: more copies, a Velero, a stuck volume, measurements.

use holdfast::model::{
    BackupLocation, CertificateRequest, Condition, Delta, Kind, Meta, Object, Scope, Usage, UsageReport, VeleroBackup,
    VeleroItem, VeleroSchedule,
};
use holdfast::session::Desk;
use jiff::SignedDuration;

use super::{ago, copy, meta, now, refresh};

/// Puts an object in, or in place of what it was.
pub fn put(desk: &mut Desk, object: Object) {
    let touched = desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    desk.refresh(&touched, now());
}

/// The objects that only trees and timelines need: more copies than a list shows, a set that moved to another node, a
/// Velero that takes everything at night, and a request.
pub fn grown(desk: &mut Desk) {
    for kind in Kind::ALL.iter().filter(|kind| kind.spec().group == "velero.io") {
        desk.world.apply(Delta::ListDone(*kind, Scope::All), now());
    }
    for hours in 2..9 {
        for object in copy("shop", "data-db-0", "block", 307 + 240 * hours, hours != 4) {
            put(desk, object);
        }
    }
    let velero = |name: &str, labels: &[(&str, &str)]| Meta {
        labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        created: Some(ago(427)),
        ..meta(Some("velero"), name)
    };
    let from_nightly = [("velero.io/schedule-name", "nightly"), ("velero.io/storage-location", "offsite")];
    put(
        desk,
        Object::VeleroSchedule(VeleroSchedule {
            meta: velero("nightly", &[]),
            cron: "0 20 * * *".into(),
            phase: "Enabled".into(),
            last: Some(ago(427)),
            ..VeleroSchedule::default()
        }),
    );
    put(
        desk,
        Object::BackupLocation(BackupLocation {
            meta: velero("offsite", &[]),
            phase: "Available".into(),
            message: None,
            ..BackupLocation::default()
        }),
    );
    put(
        desk,
        Object::VeleroBackup(VeleroBackup {
            meta: velero("nightly-0228", &from_nightly),
            phase: "Completed".into(),
            completed: Some(ago(400)),
            expires: Some(now() + SignedDuration::from_hours(24 * 29)),
            ..VeleroBackup::default()
        }),
    );
    put(
        desk,
        Object::DataUpload(VeleroItem {
            meta: velero("nightly-0228-x7k2p", &[]),
            backup: Some("nightly-0228".into()),
            source_namespace: "shop".into(),
            source_claim: Some("data-db-0".into()),
            source_uid: meta(Some("shop"), "data-db-0").uid,
            phase: "Completed".into(),
            started: Some(ago(425)),
            completed: Some(ago(401)),
            bytes: Some(61 << 30),
        }),
    );
    let request = Condition {
        kind: "Ready".into(),
        status: "False".into(),
        reason: "Pending".into(),
        message: "Waiting on certificate issuance from order shop/web-tls-4".into(),
        since: Some(ago(30)),
    };
    put(
        desk,
        Object::CertificateRequest(CertificateRequest {
            issuer: ("Issuer".into(), "shop-ca".into()),
            meta: Meta { created: Some(ago(30)), ..meta(Some("shop"), "web-tls-4") },
            certificate: Some("web-tls".into()),
            issued: None,
            conditions: [request].into(),
        }),
    );
}

/// The first pod of the set waits on another node than the one that its volume is attached to.
pub fn stuck(desk: &mut Desk) {
    let uid = meta(Some("shop"), "db-0").uid();
    let Some(Object::Pod(mut pod)) = desk.world.inventory.object(Kind::Pod, &uid) else { panic!("no pod") };
    pod.node = Some("node-b".into());
    pod.phase = "Pending".into();
    pod.ready = false;
    pod.started = None;
    pod.meta.created = Some(ago(9));
    put(desk, Object::Pod(pod));
    let uid = meta(Some("shop"), "db").uid();
    let Some(Object::StatefulSet(mut set)) = desk.world.inventory.object(Kind::StatefulSet, &uid) else {
        panic!("no set")
    };
    set.ready = 1;
    put(desk, Object::StatefulSet(set));
}

/// Measurements of a volume over the last hours, a few Gi more each hour, as a Prometheus would have given them.
pub fn measured(desk: &mut Desk, name: &str, capacity: u64, last: u64) {
    desk.world.apply(Delta::Usage(UsageReport::Asking), ago(300));
    for step in (0..=20).rev() {
        let wave = u64::from(step % 4 == 0);
        let used = (last << 30) - (step << 29) - (wave << 28);
        let usage = Usage { used, capacity: capacity << 30, at: ago(i64::try_from(step).unwrap() * 12) };
        let claim = ("shop".into(), name.into());
        desk.world
            .apply(Delta::Usage(UsageReport::Measured(vec![(claim, usage)])), ago(i64::try_from(step).unwrap() * 12));
    }
    refresh(desk);
}
