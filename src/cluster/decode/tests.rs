use k8s_openapi::ByteString;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::model::{
    AccessMode, Called, ContainerState, ContentSource, DeletionPolicy, KeyMatch, ReclaimPolicy, RetentionWhen,
    SecretVia, SnapshotSource, TrustEntry, WorkloadKind, annotation,
};

/// Adds what every object of a real server carries, and what must not be kept of it.
fn real(mut object: Value, name: &str, namespace: Option<&str>) -> Value {
    let metadata = &mut object["metadata"];
    metadata["name"] = json!(name);
    metadata["uid"] = json!(format!("uid-{name}"));
    metadata["resourceVersion"] = json!("4711");
    metadata["creationTimestamp"] = json!("2026-11-20T08:00:00Z");
    metadata["managedFields"] = json!([{ "manager": "kubectl", "fieldsV1": { "f:spec": {} } }]);
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    object
}

struct Page {
    objects: Vec<Object>,
    unreadable: Vec<Unreadable>,
}

fn page_of(kind: Kind, items: &[Value]) -> Page {
    let mut decoder = Decoder::new(kind);
    let mut page = Page { objects: Vec::new(), unreadable: Vec::new() };
    for item in items {
        match decoder.item(item.to_string().as_bytes()) {
            Ok(object) => page.objects.extend(object),
            Err(unreadable) => page.unreadable.push(unreadable),
        }
    }
    page
}

fn one(kind: Kind, object: Value) -> Object {
    let mut page = page_of(kind, &[object]);
    assert_eq!(page.unreadable, []);
    assert_eq!(page.objects.len(), 1);
    page.objects.remove(0)
}

macro_rules! decoded {
    ($kind:ident, $json:expr) => {
        match one(Kind::$kind, $json) {
            Object::$kind(object) => object,
            other => panic!("{other:?}"),
        }
    };
}

fn claim() -> Value {
    let claim = json!({
        "metadata": {
            "labels": { "app": "db" },
            "annotations": {
                "pv.kubernetes.io/bind-completed": "yes", annotation::RPO: "4h",
                "kubectl.kubernetes.io/last-applied-configuration": "{…}",
            },
            "finalizers": ["kubernetes.io/pvc-protection"],
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s-1", "controller": true }],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "10Gi" } },
            "storageClassName": "fast", "volumeMode": "Filesystem", "volumeName": "pv-1",
            "dataSource": { "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "before" },
        },
        "status": { "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "10737418240" }, "phase": "Bound" },
    });
    real(claim, "data-db-0", Some("shop"))
}

#[test]
fn a_claim() {
    let claim = decoded!(Pvc, claim());
    assert_eq!(claim.meta.reference(Kind::Pvc).path(), "shop/data-db-0");
    assert_eq!(&*claim.meta.resource_version, "4711");
    assert_eq!(claim.meta.created, Some("2026-11-20T08:00:00Z".parse().unwrap()));
    assert_eq!(&*claim.meta.annotations, [(annotation::RPO, Box::from("4h"))]);
    assert_eq!(claim.meta.controller().map(|owner| &*owner.name), Some("db"));
    assert_eq!(claim.meta.label("app"), Some("db"));
    assert_eq!(&*claim.meta.finalizers[0], "kubernetes.io/pvc-protection");
    assert_eq!((claim.requested, claim.capacity), (Some(10 << 30), Some(10 << 30)));
    assert_eq!(&*claim.access_modes, [AccessMode::Rwo]);
    assert_eq!(claim.data_source, Some(("VolumeSnapshot".into(), "before".into())));
    assert_eq!(claim.volume_name.as_deref(), Some("pv-1"));
    assert!(claim.bound() && !claim.block);
}

#[test]
fn a_claim_that_was_just_made_has_no_status_and_nulls_are_absence() {
    let bare = json!({
        "metadata": { "labels": null, "annotations": null, "ownerReferences": null, "deletionTimestamp": null },
        "spec": { "accessModes": null, "resources": {}, "volumeMode": "Block", "dataSource": null },
    });
    let claim = decoded!(Pvc, real(bare, "new", Some("shop")));
    assert!(claim.block && !claim.bound());
    assert_eq!((claim.requested, claim.capacity, claim.volume_name), (None, None, None));
}

#[test]
fn a_volume_keeps_only_attributes_about_encryption() {
    let pv = decoded!(
        Pv,
        real(
            json!({
                "metadata": {},
                "spec": {
                    "capacity": { "storage": "10Gi" }, "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "fast",
                    "claimRef": { "kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data-db-0", "uid": "c-1" },
                    "csi": { "driver": "csi.example", "volumeHandle": "vol-1",
                        "volumeAttributes": { "encrypted": "true", "storage.kubernetes.io/csiProvisionerIdentity": "x" } },
                },
                "status": { "phase": "Bound" },
            }),
            "pv-1",
            None
        )
    );
    assert_eq!(pv.csi, Some(("csi.example".into(), "vol-1".into())));
    assert_eq!(&*pv.attributes, [(Box::from("encrypted"), Box::from("true"))]);
    assert_eq!(pv.reclaim, ReclaimPolicy::Delete);
    assert_eq!(pv.claim.unwrap().uid.unwrap().as_str(), "c-1");
    let local = decoded!(Pv, real(json!({ "metadata": {}, "spec": { "local": { "path": "/x" } } }), "pv-2", None));
    assert_eq!(local.csi, None);
}

#[test]
fn a_snapshot_that_is_cut_but_not_ready() {
    let snapshot = decoded!(
        VolumeSnapshot,
        real(
            json!({
                "metadata": {},
                "spec": { "source": { "persistentVolumeClaimName": "data-db-0" }, "volumeSnapshotClassName": "fast" },
                "status": {
                    "boundVolumeSnapshotContentName": "snapcontent-1", "creationTime": "2026-11-22T10:00:00Z",
                    "readyToUse": false, "restoreSize": "10Gi",
                    "error": { "message": "busy", "time": "2026-11-22T10:00:05Z" },
                },
            }),
            "nightly",
            Some("shop")
        )
    );
    assert_eq!(snapshot.source, SnapshotSource::Claim("data-db-0".into()));
    assert_eq!(snapshot.cut, Some("2026-11-22T10:00:00Z".parse().unwrap()));
    assert_eq!((snapshot.ready, snapshot.restore_size), (Some(false), Some(10 << 30)));
    assert_eq!(&*snapshot.error.unwrap().message, "busy");
    let imported = decoded!(
        VolumeSnapshot,
        real(
            json!({
                "metadata": {}, "spec": { "source": { "volumeSnapshotContentName": "kept" } },
            }),
            "imported",
            Some("shop")
        )
    );
    assert_eq!((imported.source, imported.ready), (SnapshotSource::Content("kept".into()), None));
}

#[test]
fn a_content_counts_time_in_nanoseconds() {
    let content = decoded!(
        Content,
        real(
            json!({
                "metadata": {},
                "spec": {
                    "deletionPolicy": "Retain", "driver": "csi.example", "source": { "volumeHandle": "vol-1" },
                    "volumeSnapshotRef": { "kind": "VolumeSnapshot", "namespace": "shop", "name": "nightly", "uid": "s-1" },
                },
                "status": { "creationTime": 1_795_341_600_123_456_789_i64, "readyToUse": true, "restoreSize": 0, "snapshotHandle": "snap-1" },
            }),
            "snapcontent-1",
            None
        )
    );
    assert_eq!(content.source, ContentSource::Volume("vol-1".into()));
    assert_eq!(content.cut.unwrap().as_nanosecond(), 1_795_341_600_123_456_789);
    assert_eq!((content.deletion, content.restore_size), (DeletionPolicy::Retain, Some(0)));
    assert_eq!(content.handle.as_deref(), Some("snap-1"));
    assert_eq!(content.snapshot.unwrap().uid.unwrap().as_str(), "s-1");
}

#[rstest]
#[case("volumeSnapshotInfoList")]
#[case("volumeSnapshotHandlePairList")]
fn members_of_a_group_in_each_version(#[case] list: &str) {
    let member = json!({ "volumeHandle": "vol-1", "snapshotHandle": "snap-1", "creationTime": 23, "readyToUse": true });
    let content = decoded!(
        GroupContent,
        real(
            json!({
                "metadata": {}, "spec": { "driver": "csi.example", "deletionPolicy": "Delete" },
                "status": { "readyToUse": true, list: [member] },
            }),
            "groupcontent-1",
            None
        )
    );
    assert_eq!(&*content.members, [("vol-1".into(), "snap-1".into())]);
}

#[test]
fn classes_have_no_spec() {
    let class = |name: &str| {
        real(
            json!({
                "metadata": { "annotations": { annotation::DEFAULT_SNAPSHOT_CLASS: "true" } },
                "driver": "csi.example", "deletionPolicy": "Delete", "parameters": { "x": "y" },
            }),
            name,
            None,
        )
    };
    let snapshots = decoded!(SnapshotClass, class("fast"));
    assert!(snapshots.default && snapshots.deletion == DeletionPolicy::Delete);
    assert_eq!(&*decoded!(GroupClass, class("groups")).driver, "csi.example");
    let storage = decoded!(
        StorageClass,
        real(
            json!({
                "metadata": {}, "provisioner": "csi.example", "parameters": { "encrypted": "true" },
                "volumeBindingMode": "WaitForFirstConsumer",
            }),
            "fast",
            None
        )
    );
    assert!(storage.waits_for_consumer);
    assert_eq!(storage.reclaim, ReclaimPolicy::Delete, "the API's default");
}

/// A certificate and its key, and another key, as PEM.
fn pem() -> (String, String, String) {
    let certified = rcgen::generate_simple_self_signed(vec!["db.shop.svc".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    (certified.cert.pem(), certified.signing_key.serialize_pem(), other)
}

fn secret(data: &[(&str, &str)]) -> Value {
    let data: std::collections::BTreeMap<_, _> =
        data.iter().map(|(key, bytes)| (*key, ByteString(bytes.as_bytes().to_vec()))).collect();
    real(json!({ "metadata": {}, "type": "kubernetes.io/tls", "data": data }), "db-tls", Some("shop"))
}

#[test]
fn a_tls_secret_becomes_facts() {
    let (certificate, key, other) = pem();
    let tls = decoded!(TlsSecret, secret(&[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &certificate)]));
    assert_eq!(&*tls.leaf.chain.as_ref().unwrap()[0].names, [Box::from("db.shop.svc")]);
    assert_eq!(tls.key, KeyMatch::Match);
    assert!(tls.ca.as_ref().is_some_and(|ca| ca.chain.is_ok()));
    let key_text: String = key.lines().nth(1).unwrap().to_owned();
    assert!(!format!("{tls:?}").contains(&key_text));
    assert_eq!(decoded!(TlsSecret, secret(&[("tls.crt", &certificate), ("tls.key", &other)])).key, KeyMatch::Mismatch);
    assert_eq!(decoded!(TlsSecret, secret(&[("tls.crt", &certificate)])).key, KeyMatch::Missing);
}

#[test]
fn a_certificate_that_is_none_is_shown_with_the_reason() {
    let tls = decoded!(TlsSecret, secret(&[("tls.crt", "not a certificate"), ("tls.key", "s3cr3t")]));
    assert_eq!(tls.leaf.chain, Err("holds no PEM certificate".into()));
    assert_eq!(tls.key, KeyMatch::Unreadable);
    assert!(tls.ca.is_none());
    let empty = decoded!(TlsSecret, real(json!({ "metadata": {}, "type": "kubernetes.io/tls" }), "e", Some("shop")));
    assert_eq!(empty.leaf.chain, Err("is empty".into()));
}

#[test]
fn an_unreadable_secret_is_not_quoted() {
    let mut broken = secret(&[("tls.crt", "x")]);
    broken["data"]["tls.key"] = json!("s3cr3t is not base64");
    let page = page_of(Kind::TlsSecret, &[broken.clone()]);
    assert_eq!(page.objects, []);
    assert!(!format!("{:?}", page.unreadable).contains("s3cr3t"));
    let line = json!({ "type": "MODIFIED", "object": broken }).to_string();
    let event = Decoder::new(Kind::TlsSecret).event(line.as_bytes());
    assert!(matches!(&event, Event::Unreadable(unreadable, _) if &*unreadable.name == "shop/db-tls"), "{event:?}");
    assert!(!format!("{event:?}").contains("s3cr3t"));
}

#[test]
fn cert_manager_objects() {
    let conditions = json!([{ "type": "Ready", "status": "False", "reason": "Failed", "message": "no issuer",
        "lastTransitionTime": "2026-11-22T10:00:00Z" }]);
    let certificate = decoded!(
        Certificate,
        real(
            json!({
                "metadata": {},
                "spec": { "secretName": "db-tls", "issuerRef": { "name": "ca" }, "dnsNames": ["db.shop.svc"] },
                "status": { "notAfter": "2027-01-01T00:00:00Z", "revision": 3, "conditions": conditions },
            }),
            "db",
            Some("shop")
        )
    );
    assert_eq!(certificate.issuer, ("Issuer".into(), "ca".into()));
    assert_eq!((certificate.revision, certificate.is("Ready")), (Some(3), false));
    let (pem, _, _) = pem();
    let request = decoded!(
        CertificateRequest,
        real(
            json!({
                "metadata": { "annotations": { annotation::CERTIFICATE_NAME: "db" } },
                "status": { "certificate": ByteString(pem.into_bytes()), "conditions": null },
            }),
            "db-1",
            Some("shop")
        )
    );
    assert_eq!(request.certificate.as_deref(), Some("db"));
    assert!(request.issued.is_some_and(|facts| &*facts.names[0] == "db.shop.svc"));
    let issuer = real(json!({ "metadata": {}, "spec": { "ca": { "secretName": "root" } } }), "ca", None);
    assert_eq!(decoded!(ClusterIssuer, issuer.clone()).ca_secret.as_deref(), Some("root"));
    assert_eq!(decoded!(Issuer, issuer).ca_secret.as_deref(), Some("root"));
}

fn pod_spec() -> Value {
    json!({
        "volumes": [
            { "name": "data", "persistentVolumeClaim": { "claimName": "data-db-0" } },
            { "name": "scratch", "ephemeral": { "volumeClaimTemplate": { "spec": {} } } },
            { "name": "tls", "secret": { "secretName": "db-tls" } },
            { "name": "all", "projected": { "sources": [{ "secret": { "name": "ca" } }, { "configMap": { "name": "x" } }] } },
        ],
        "containers": [{
            "name": "db", "image": "postgres:16",
            "env": [{ "name": "A", "value": "b" }, { "name": "P", "valueFrom": { "secretKeyRef": { "name": "pass", "key": "p" } } }],
            "envFrom": [{ "secretRef": { "name": "more" } }],
            "volumeMounts": [{ "name": "tls", "mountPath": "/tls" }, { "name": "tls", "mountPath": "/c", "subPath": "tls.crt" }],
        }],
        "initContainers": [{ "name": "init", "image": "x", "volumeMounts": [{ "name": "all", "mountPath": "/all" }] }],
    })
}

fn uses(secrets: &[crate::model::SecretUse]) -> Vec<(&str, SecretVia)> {
    secrets.iter().map(|used| (&*used.secret, used.via)).collect()
}

const USES: [(&str, SecretVia); 5] = [
    ("ca", SecretVia::Mount),
    ("db-tls", SecretVia::Mount),
    ("db-tls", SecretVia::SubPath),
    ("more", SecretVia::Env),
    ("pass", SecretVia::Env),
];

#[test]
fn a_pod_says_what_it_mounts_and_how() {
    let mut spec = pod_spec();
    spec["nodeName"] = json!("n1");
    let pod = decoded!(
        Pod,
        real(
            json!({
                "metadata": {}, "spec": spec,
                "status": {
                    "phase": "Running", "startTime": "2026-11-22T10:00:00Z",
                    "conditions": [{ "type": "Ready", "status": "True" }],
                    "containerStatuses": [{
                        "name": "db", "ready": true, "imageID": "postgres@sha256:1", "restartCount": 2,
                        "state": { "running": { "startedAt": "2026-11-22T10:00:00Z" } },
                        "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
                    }],
                    "initContainerStatuses": [{ "name": "init", "state": { "waiting": { "reason": "ErrImagePull" } } }],
                },
            }),
            "db-0",
            Some("shop")
        )
    );
    assert_eq!(&*pod.claims, ["data-db-0".into(), "db-0-scratch".into()]);
    assert_eq!(uses(&pod.secrets), USES);
    assert!(pod.ready && pod.containers[0].ready && pod.containers.len() == 1);
    assert_eq!(pod.containers[0].image_id.as_deref(), Some("postgres@sha256:1"));
    let db = &pod.containers[0];
    assert_eq!((&db.state, db.restarts, db.previous), (&ContainerState::Running, 2, true));
    let init = &pod.init_containers[0];
    assert_eq!((&init.state, init.previous), (&ContainerState::Waiting("ErrImagePull".into()), false));
}

#[test]
fn a_container_writes_the_claims_that_it_mounts_or_has_as_devices_and_not_read_only() {
    let claim = |name: &str, read_only: bool| json!({ "name": name, "persistentVolumeClaim": { "claimName": format!("c-{name}"), "readOnly": read_only } });
    let mount = |name: &str, read_only: bool| json!({ "name": name, "mountPath": "/x", "readOnly": read_only });
    let pod = decoded!(
        Pod,
        real(
            json!({
                "metadata": {},
                "spec": {
                    "volumes": [
                        claim("a", false), claim("b", true), claim("raw", false),
                        { "name": "own", "ephemeral": { "volumeClaimTemplate": { "spec": {} } } },
                    ],
                    "containers": [
                        { "name": "db", "volumeMounts": [mount("a", false), mount("b", false), mount("own", false)] },
                        { "name": "reader", "volumeMounts": [mount("a", true)] },
                        { "name": "block", "volumeDevices": [{ "name": "raw", "devicePath": "/dev/x" }] },
                        { "name": "sidecar" },
                    ],
                    "ephemeralContainers": [{ "name": "debug", "image": "d:1", "volumeMounts": [mount("a", false)] }],
                },
                "status": { "ephemeralContainerStatuses": [{ "name": "debug", "imageID": "d@sha256:1" }] },
            }),
            "db-0",
            Some("shop")
        )
    );
    let writes: Vec<Vec<&str>> =
        pod.containers.iter().map(|container| container.writes.iter().map(|claim| &**claim).collect()).collect();
    assert_eq!(writes, [vec!["c-a", "db-0-own"], vec![], vec!["c-raw"], vec![]]);
    let debug = &pod.ephemeral_containers[0];
    assert_eq!((debug.image_id.as_deref(), &*debug.writes), (Some("d@sha256:1"), &["c-a".into()][..]));
    let template = json!({ "spec": {
        "volumes": [claim("a", false), claim("b", true)],
        "containers": [
            { "name": "db", "image": "x:1", "volumeMounts": [mount("a", false), mount("b", false)] },
            { "name": "sidecar", "image": "y:1" },
        ],
    }});
    let set =
        decoded!(ReplicaSet, real(json!({ "metadata": {}, "spec": { "template": template } }), "web", Some("shop")));
    let writer = crate::model::Writer { container: "db".into(), image: "x:1".into(), claims: ["c-a".into()].into() };
    assert_eq!(&*set.writers, [writer], "a template's ephemeral claims have no name yet");
}

#[test]
fn workloads_of_every_kind() {
    let template = json!({ "spec": pod_spec() });
    let set = decoded!(
        StatefulSet,
        real(
            json!({
                "metadata": {},
                "spec": {
                    "replicas": 3, "template": template, "volumeClaimTemplates": [{ "metadata": { "name": "data" } }],
                    "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete", "whenScaled": "Retain" },
                },
                "status": { "replicas": 3, "readyReplicas": 2 },
            }),
            "db",
            Some("shop")
        )
    );
    assert_eq!((set.replicas, set.ready, &*set.templates[0].name), (Some(3), 2, "data"));
    assert_eq!((set.when_deleted, set.when_scaled), (RetentionWhen::Delete, RetentionWhen::Retain));
    assert_eq!(uses(&set.secrets), USES);
    assert_eq!(&*set.claims, ["data-db-0".into()], "a template's ephemeral claims have no name yet");
    let daemon = json!({ "metadata": {}, "spec": { "template": template }, "status": { "numberReady": 4 } });
    let daemon = decoded!(DaemonSet, real(daemon, "agent", Some("shop")));
    assert_eq!((daemon.kind, daemon.ready, daemon.replicas), (WorkloadKind::DaemonSet, 4, None));
    let cron = json!({ "metadata": {}, "spec": { "jobTemplate": { "spec": { "template": template } } } });
    let cron = decoded!(CronJob, real(cron, "dump", Some("shop")));
    assert_eq!((cron.kind, cron.claims.len()), (WorkloadKind::CronJob, 1));
}

#[test]
fn velero_items_know_their_claim() {
    let labels = json!({ "velero.io/backup-name": "nightly", "velero.io/pvc-uid": "c-1" });
    let upload = decoded!(
        DataUpload,
        real(
            json!({
                "metadata": { "labels": labels },
                "spec": { "sourceNamespace": "shop", "sourcePVC": "data-db-0", "snapshotType": "CSI" },
                "status": { "phase": "Completed", "completionTimestamp": "2026-11-22T10:00:00Z", "progress": { "totalBytes": 5, "bytesDone": 5 } },
            }),
            "nightly-x",
            Some("velero")
        )
    );
    assert_eq!((upload.backup.as_deref(), upload.source_claim.as_deref()), (Some("nightly"), Some("data-db-0")));
    assert_eq!((upload.source_uid.unwrap().as_str(), upload.bytes), ("c-1", Some(5)));
    let volume = decoded!(
        PodVolumeBackup,
        real(
            json!({
                "metadata": {},
                "spec": { "pod": { "namespace": "shop", "name": "db-0" }, "volume": "data", "tags": { "pvc-uid": "c-2" } },
            }),
            "nightly-y",
            Some("velero")
        )
    );
    assert_eq!((&*volume.source_namespace, volume.source_uid.unwrap().as_str()), ("shop", "c-2"));
    let backup = json!({ "metadata": {}, "spec": { "includedNamespaces": ["*"] }, "status": { "phase": "New" } });
    assert_eq!(decoded!(VeleroBackup, real(backup, "b", Some("velero"))).namespaces.len(), 0);
}

#[rstest]
#[case::all(json!({}), true)]
#[case::all_by_star(json!({ "includedResources": ["*"] }), true)]
#[case::named(json!({ "includedResources": ["certificaterequests.cert-manager.io"] }), true)]
#[case::others(json!({ "includedResources": ["persistentvolumeclaims"] }), false)]
#[case::left_out(json!({ "excludedResources": ["certificaterequests"] }), false)]
fn velero_backups_know_whether_they_hold_requests_of_certificates(#[case] spec: Value, #[case] holds: bool) {
    let backup = json!({ "metadata": {}, "spec": spec });
    assert_eq!(decoded!(VeleroBackup, real(backup, "b", Some("velero"))).requests, holds);
}

#[test]
fn velero_schedules_know_which_namespaces_they_take() {
    let template = json!({ "includedNamespaces": ["*"], "excludedNamespaces": ["batch"], "ttl": "720h0m0s" });
    let spec = json!({ "schedule": "0 3 * * *", "template": template });
    let schedule = json!({ "metadata": {}, "spec": spec, "status": { "phase": "Enabled" } });
    let schedule = decoded!(VeleroSchedule, real(schedule, "nightly", Some("velero")));
    assert_eq!((&*schedule.cron, schedule.namespaces.len(), schedule.paused), ("0 3 * * *", 0, false));
    assert_eq!(schedule.excluded.iter().map(|name| &**name).collect::<Vec<_>>(), ["batch"]);
    let bare = decoded!(VeleroSchedule, real(json!({ "metadata": {} }), "bare", Some("velero")));
    assert_eq!((&*bare.cron, bare.namespaces.len()), ("", 0));
}

#[test]
fn one_bad_object_costs_only_itself() {
    let mut bad = claim();
    bad["metadata"]["name"] = json!("bad");
    bad["spec"]["volumeName"] = json!(["not", "a", "name"]);
    let page = page_of(Kind::Pvc, &[claim(), bad.clone(), claim()]);
    assert_eq!(page.objects.len(), 2);
    assert_eq!((page.unreadable.len(), &*page.unreadable[0].name), (1, "shop/bad"));
    assert!(page.unreadable[0].why.contains("invalid type"), "{:?}", page.unreadable);
    let line = json!({ "type": "ADDED", "object": bad }).to_string();
    let event = Decoder::new(Kind::Pvc).event(line.as_bytes());
    assert!(matches!(&event, Event::Unreadable(_, Some(at)) if at == "4711"), "{event:?}");
}

#[test]
fn lists_say_where_to_go_on() {
    let decoder = Decoder::new(Kind::Pvc);
    let frame = decoder.frame(br#"{"metadata":{"resourceVersion":"9","continue":"abc"},"items":null}"#).unwrap();
    assert_eq!(frame, Frame { next: Some("abc".into()), resource_version: "9".into() });
    let error = decoder.frame(b"<html>s3cr3t</html>").unwrap_err();
    assert!(matches!(error, CallError::Undecodable { .. }) && !error.to_string().contains("s3cr3t"), "{error}");
}

#[test]
fn lines_of_a_watch() {
    let mut decoder = Decoder::new(Kind::Pvc);
    let mut line =
        |kind: &str, object: Value| decoder.event(json!({ "type": kind, "object": object }).to_string().as_bytes());
    assert!(matches!(line("ADDED", claim()), Event::Upsert(_, at) if at == "4711"));
    assert!(matches!(line("MODIFIED", claim()), Event::Upsert(..)));
    assert!(
        matches!(line("DELETED", claim()), Event::Gone(object, _) if object.meta().uid().as_str() == "uid-data-db-0")
    );
    let bookmark =
        json!({ "kind": "PersistentVolumeClaim", "metadata": { "resourceVersion": "12", "creationTimestamp": null } });
    assert!(matches!(line("BOOKMARK", bookmark), Event::Bookmark(at) if at == "12"));
    let expired = json!({ "kind": "Status", "code": 410, "reason": "Expired", "message": "too old" });
    assert!(matches!(line("ERROR", expired), Event::Error(error) if error.gone()));
    assert!(matches!(decoder.event(b"{\"type\":"), Event::Error(CallError::Undecodable { .. })));
}

fn event_about(kind: &str, age: jiff::SignedDuration) -> Value {
    let at = (jiff::Timestamp::now() - age).to_string();
    let event = json!({
        "metadata": {}, "involvedObject": { "kind": kind, "name": "data-db-0", "uid": "c-1" }, "type": "Warning",
        "reason": "ProvisioningFailed", "message": "no space", "lastTimestamp": at, "count": 4, "eventTime": null,
    });
    let mut event = real(event, "e", Some("shop"));
    event["metadata"]["creationTimestamp"] = json!(at);
    event
}

#[test]
fn only_recent_events_about_watched_kinds_are_kept() {
    let minute = jiff::SignedDuration::from_mins(1);
    let about = decoded!(Event, event_about("PersistentVolumeClaim", minute));
    assert_eq!((about.warning, about.count, about.about.unwrap().as_str()), (true, 4, "c-1"));
    assert_eq!(page_of(Kind::Event, &[event_about("PersistentVolumeClaim", minute * 90)]).objects, []);
    assert_eq!(page_of(Kind::Event, &[event_about("Widget", minute)]).objects, []);
    let line = json!({ "type": "DELETED", "object": event_about("PersistentVolumeClaim", minute * 90) }).to_string();
    let gone = Decoder::new(Kind::Event).event(line.as_bytes());
    assert!(matches!(gone, Event::Gone(..)), "what was kept while it was recent must go");
}

#[test]
fn every_kind_reads_an_object_with_metadata_only() {
    for kind in Kind::ALL {
        let namespace = kind.spec().namespaced.then_some("shop");
        let mut object = real(json!({ "metadata": {} }), "bare", namespace);
        if *kind == Kind::Event {
            object["involvedObject"] = json!({ "kind": "Pod", "name": "x" });
            object["metadata"]["creationTimestamp"] = json!(jiff::Timestamp::now().to_string());
        }
        // Most of these are of no interest: the API server answers them itself, or nothing is called for them.
        match kind {
            Kind::ApiService => object["spec"] = json!({ "service": {} }),
            Kind::Crd => object["spec"] = json!({ "conversion": { "strategy": "Webhook" } }),
            Kind::OtherSecret => object["data"] = json!({ "ca.crt": ByteString(pem().0.into_bytes()) }),
            Kind::ConfigMap => object["data"] = json!({ "ca.crt": pem().0 }),
            Kind::Ingress => object["spec"] = json!({ "tls": [{ "secretName": "web-tls" }] }),
            Kind::Gateway => object["spec"] = json!({ "listeners": [{ "name": "a", "tls": {} }] }),
            Kind::MutatingWebhook | Kind::ValidatingWebhook => object["webhooks"] = json!([{ "name": "a" }]),
            _ => {}
        }
        assert_eq!(one(*kind, object).kind(), *kind);
    }
}

fn webhook(name: &str, service: &str, policy: &str, ca: &str) -> Value {
    let service = json!({ "namespace": "shop", "name": service, "path": "/x" });
    json!({ "name": name, "failurePolicy": policy,
        "clientConfig": { "service": service, "caBundle": ByteString(ca.as_bytes().to_vec()) } })
}

#[test]
fn webhooks_that_are_called_alike_are_one_entry_and_share_their_ca() {
    let (ca, _, _) = pem();
    let webhooks = [
        webhook("a.example", "web", "Fail", &ca),
        webhook("b.example", "web", "Fail", &ca),
        webhook("c.example", "web", "Ignore", &ca),
        webhook("d.example", "other", "Fail", ""),
        json!({ "name": "e.example", "clientConfig": { "url": "https://hook.example" } }),
    ];
    let from = json!({ "annotations": { annotation::INJECT_CA_FROM: "shop/web" } });
    let bundle = decoded!(ValidatingWebhook, real(json!({ "metadata": from, "webhooks": webhooks }), "hook", None));
    assert_eq!(bundle.injected_from(), Some(("shop".into(), "web".into())));
    let [both, ignored, other, url] = &bundle.entries[..] else { panic!("{:?}", bundle.entries) };
    assert_eq!((both.names.len(), both.ignorable, ignored.ignorable), (2, false, true));
    let read = |entry: &TrustEntry| entry.authorities.clone().unwrap().unwrap();
    assert!(Arc::ptr_eq(&read(both), &read(ignored)), "the same bytes are read once");
    assert_eq!(&*read(both)[0].names[0], "db.shop.svc");
    assert_eq!((&other.called, &other.authorities), (&Called::Service(("shop".into(), "other".into())), &None));
    assert_eq!(url.called, Called::Url("https://hook.example".into()));
}

#[test]
fn only_api_services_and_crds_that_call_another_server_are_kept() {
    let local = real(json!({ "metadata": {}, "spec": { "service": null } }), "v1.apps", None);
    let conditions = json!([{ "type": "Available", "status": "False", "reason": "FailedDiscoveryCheck" }]);
    let spec = json!({ "service": { "namespace": "shop", "name": "web" }, "insecureSkipTLSVerify": true });
    let remote = json!({ "metadata": {}, "spec": spec, "status": { "conditions": conditions } });
    let kept = page_of(Kind::ApiService, &[local, real(remote, "v1.metrics", None)]);
    let [Object::ApiService(bundle)] = &kept.objects[..] else { panic!("{:?}", kept.objects) };
    assert!(bundle.entries[0].insecure && bundle.entries[0].authorities.is_none());
    assert_eq!(&*bundle.conditions[0].reason, "FailedDiscoveryCheck");

    let crd = |strategy: &str| {
        let webhook = json!({ "clientConfig": { "service": { "namespace": "shop", "name": "web" } } });
        let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": { "spec": { "conversion": 1 } } } });
        let spec =
            json!({ "conversion": { "strategy": strategy, "webhook": webhook }, "versions": [{ "schema": schema }] });
        real(json!({ "metadata": {}, "spec": spec }), "carts.shop.example", None)
    };
    assert_eq!(page_of(Kind::Crd, &[crd("None"), crd("Webhook")]).objects.len(), 1);
    let mut decoder = Decoder::new(Kind::Crd);
    let mut line = |change: &str, strategy: &str| {
        decoder.event(json!({ "type": change, "object": crd(strategy) }).to_string().as_bytes())
    };
    assert!(matches!(line("ADDED", "None"), Event::Skipped(_)));
    assert!(matches!(line("MODIFIED", "Webhook"), Event::Upsert(..)));
    assert!(matches!(line("MODIFIED", "None"), Event::Gone(..)), "what calls nobody any longer must go");
}

#[test]
fn a_signing_request_says_who_asks_whom() {
    let (pem, _, _) = pem();
    let spec =
        json!({ "request": "aWdub3JlZA==", "signerName": "kubernetes.io/kubelet-serving", "username": "node-a" });
    let status = json!({ "certificate": ByteString(pem.into_bytes()) });
    let asked =
        decoded!(SigningRequest, real(json!({ "metadata": {}, "spec": spec, "status": status }), "csr-1", None));
    assert_eq!((&*asked.signer, &*asked.asked_by), ("kubernetes.io/kubelet-serving", "node-a"));
    assert!(asked.issued.is_some());
}

/// As cert-manager's ACME controllers write them.
fn acme(kind: Kind) -> Value {
    let (owner, spec, status) = if kind == Kind::Order {
        let challenges = json!([{ "type": "dns-01", "token": "t0k3n", "url": "https://acme.example/chall/1" }]);
        (
            json!({ "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest", "name": "web-1", "uid": "r-1", "controller": true }),
            json!({
                "request": "aWdub3JlZA==", "commonName": "shop.example", "dnsNames": ["shop.example", "*.shop.example"],
                "issuerRef": { "group": "cert-manager.io", "kind": "ClusterIssuer", "name": "letsencrypt" },
            }),
            json!({
                "state": "invalid", "reason": "Failed to finalize Order: 403 urn:ietf:params:acme:error:rateLimited",
                "failureTime": "2026-11-20T08:05:00Z", "url": "https://acme.example/order/1",
                "finalizeURL": "https://acme.example/finalize/1",
                "authorizations": [{
                    "url": "https://acme.example/authz/1", "identifier": "shop.example", "wildcard": true,
                    "initialState": "pending", "challenges": challenges,
                }],
            }),
        )
    } else {
        (
            json!({ "apiVersion": "acme.cert-manager.io/v1", "kind": "Order", "name": "web-1-17", "uid": "o-1", "controller": true }),
            json!({
                "authorizationURL": "https://acme.example/authz/1", "url": "https://acme.example/chall/1",
                "dnsName": "shop.example", "wildcard": true, "type": "DNS-01", "token": "t0k3n", "key": "k3y",
                "issuerRef": { "name": "letsencrypt" },
                "solver": { "dns01": { "webhook": { "groupName": "dns.example", "solverName": "own", "config": 1 } } },
            }),
            json!({
                "state": "pending", "presented": true, "processing": true,
                "reason": "Waiting for DNS-01 challenge propagation",
            }),
        )
    };
    let annotations = json!({ annotation::CERTIFICATE_NAME: "web", annotation::CERTIFICATE_REVISION: "1" });
    let metadata = json!({ "ownerReferences": [owner], "annotations": annotations });
    real(json!({ "metadata": metadata, "spec": spec, "status": status }), "web-1-17", Some("shop"))
}

#[test]
fn an_order_says_whose_it_is_and_why_it_failed() {
    let order = decoded!(Order, acme(Kind::Order));
    assert_eq!((order.certificate.as_deref(), &*order.meta.owners[0].name), (Some("web"), "web-1"));
    assert_eq!((&*order.issuer.0, &*order.issuer.1), ("ClusterIssuer", "letsencrypt"));
    assert_eq!(order.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["shop.example", "*.shop.example"]);
    assert_eq!(&*order.state, "invalid");
    assert!(order.reason.contains("rateLimited"), "{order:?}");
    assert_eq!(order.failed.map(|at| at.to_string()).as_deref(), Some("2026-11-20T08:05:00Z"));
}

#[rstest]
#[case::addresses(json!({ "commonName": "a", "ipAddresses": ["192.0.2.1"] }), &["192.0.2.1"])]
#[case::common_name_only(json!({ "commonName": "a", "dnsNames": null }), &["a"])]
#[case::none(json!({}), &[])]
fn the_names_of_an_order_are_those_that_the_ca_proves(#[case] spec: Value, #[case] names: &[&str]) {
    let order = decoded!(Order, real(json!({ "metadata": {}, "spec": spec }), "o", Some("shop")));
    assert_eq!(order.names.iter().map(|name| &**name).collect::<Vec<_>>(), names);
    assert_eq!((&*order.state, &*order.issuer.0), ("", "Issuer"));
}

#[test]
fn a_challenge_says_what_is_proved_and_how_far_it_is_and_keeps_no_token() {
    let challenge = decoded!(Challenge, acme(Kind::Challenge));
    assert_eq!((&*challenge.method, challenge.subject().as_str()), ("DNS-01", "*.shop.example"));
    assert_eq!((challenge.presented, challenge.processing, &*challenge.state), (true, true, "pending"));
    assert_eq!(&*challenge.reason, "Waiting for DNS-01 challenge propagation");
    assert_eq!((&*challenge.issuer.0, &*challenge.meta.owners[0].kind), ("Issuer", "Order"));
    let kept = format!("{challenge:?}{:?}", decoded!(Order, acme(Kind::Order)));
    assert!(!kept.contains("t0k3n") && !kept.contains("k3y"), "{kept}");
    let mut bare = acme(Kind::Challenge);
    bare["status"] = json!({ "state": null, "presented": null });
    let challenge = decoded!(Challenge, bare);
    assert_eq!((&*challenge.state, challenge.presented), ("", false));
}

#[test]
fn equal_strings_are_held_once() {
    let page = page_of(Kind::Pvc, &[claim(), claim()]);
    let [Object::Pvc(one), Object::Pvc(two)] = &page.objects[..] else { panic!("not two claims") };
    let shared = |a: &Option<Arc<str>>, b: &Option<Arc<str>>| Arc::ptr_eq(a.as_ref().unwrap(), b.as_ref().unwrap());
    assert!(shared(&one.meta.namespace, &two.meta.namespace) && shared(&one.storage_class, &two.storage_class));
}

fn opaque(data: &[(&str, &str)]) -> Value {
    let mut secret = secret(data);
    secret["type"] = json!("Opaque");
    secret
}

/// What is of no use is not kept, and of what is kept no key, no password and no other value.
#[test]
fn of_a_secret_of_another_type_only_certificates_are_kept() {
    let (certificate, key, _) = pem();
    let held = decoded!(
        OtherSecret,
        opaque(&[("tls.crt", &certificate), ("tls.key", &key), ("password", "hunter2"), ("note", "s3cr3t note")])
    );
    assert_eq!(held.files.len(), 1);
    assert_eq!((&*held.files[0].key, held.files[0].key_match), ("tls.crt", Some(KeyMatch::Match)));
    let said = format!("{held:?}");
    assert!(
        !said.contains(key.lines().nth(1).unwrap()) && !said.contains("hunter2") && !said.contains("note"),
        "{said}"
    );
    for other in [opaque(&[("password", "x")]), opaque(&[("id.key", &key)]), opaque(&[])] {
        assert_eq!(page_of(Kind::OtherSecret, &[other]).objects, []);
    }
}

#[test]
fn a_secret_that_loses_its_certificate_goes() {
    let line = |object: Value| json!({ "type": "MODIFIED", "object": object }).to_string();
    let mut decoder = Decoder::new(Kind::OtherSecret);
    let with = decoder.event(line(opaque(&[("ca.crt", &pem().0)])).as_bytes());
    assert!(matches!(with, Event::Upsert(..)), "{with:?}");
    for without in [opaque(&[]), opaque(&[("password", "x")])] {
        let without = decoder.event(line(without).as_bytes());
        assert!(matches!(without, Event::Gone(..)), "{without:?}");
    }
}

#[test]
fn a_secret_of_another_type_that_cannot_be_read_is_not_quoted() {
    let mut broken = opaque(&[("a", "x")]);
    broken["data"]["a"] = json!("s3cr3t is not base64");
    let page = page_of(Kind::OtherSecret, &[broken]);
    assert_eq!((page.objects.len(), page.unreadable.len()), (0, 1));
    assert!(!format!("{:?}", page.unreadable).contains("s3cr3t"));
}

/// The same bundle in every namespace is read once, and held once.
#[test]
fn bundles_of_config_maps_are_shared() {
    let (certificate, _, _) = pem();
    let map = |name: &str| {
        let data = json!({ "ca.crt": certificate, "README": "who reads this?" });
        let binary = json!({ "more.crt": ByteString(certificate.clone().into_bytes()) });
        real(json!({ "metadata": {}, "data": data, "binaryData": binary }), name, Some("shop"))
    };
    let page = page_of(Kind::ConfigMap, &[map("a"), map("b")]);
    let trusted: Vec<_> = page
        .objects
        .iter()
        .flat_map(|object| match object {
            Object::ConfigMap(holder) => {
                holder.files.iter().map(|file| file.own.first().unwrap_or(&file.trusted).clone()).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(trusted.len(), 4);
    assert!(trusted.iter().all(|chain| Arc::ptr_eq(chain, &trusted[0])), "read once, held once");
    let other = real(json!({ "metadata": {}, "data": { "a": "b" } }), "c", Some("shop"));
    assert_eq!(page_of(Kind::ConfigMap, &[other]).objects, []);
}

#[test]
fn ingresses_and_gateways_say_whose_certificate_they_show() {
    let ingress = decoded!(
        Ingress,
        real(
            json!({ "metadata": {}, "spec": { "tls": [{ "hosts": ["shop.example"], "secretName": "web-tls" }, {}] } }),
            "web",
            Some("shop")
        )
    );
    let key = |namespace: &str, name: &str| Some((namespace.into(), name.into()));
    assert_eq!(ingress.tls[0].secret, key("shop", "web-tls"));
    assert_eq!(&*ingress.tls[0].hosts, [Box::from("shop.example")]);
    assert_eq!(ingress.tls[1].secret, None);
    let plain = real(json!({ "metadata": {}, "spec": { "rules": [] } }), "plain", Some("shop"));
    assert_eq!(page_of(Kind::Ingress, &[plain]).objects, []);
    let refs =
        json!([{ "name": "web-tls" }, { "name": "far", "namespace": "certs" }, { "kind": "Other", "name": "x" }]);
    let condition = |status: &str| json!({ "type": "ResolvedRefs", "status": status, "reason": "RefNotPermitted" });
    let gateway = decoded!(
        Gateway,
        real(
            json!({
                "metadata": {},
                "spec": { "listeners": [{ "hostname": "shop.example", "tls": { "certificateRefs": refs } }, {}] },
                "status": { "listeners": [{ "conditions": [condition("True")] }, { "conditions": [condition("False")] }] },
            }),
            "edge",
            Some("shop")
        )
    );
    let secrets: Vec<_> = gateway.tls.iter().map(|tls| tls.secret.clone()).collect();
    assert_eq!(secrets, [key("shop", "web-tls"), key("certs", "far")]);
    assert_eq!(gateway.refused.len(), 1);
}

#[test]
fn a_certificate_says_which_keystores_it_makes_and_where_their_passwords_are() {
    let keystores = json!({
        "jks": { "create": true, "passwordSecretRef": { "name": "store-password", "key": "jks" } },
        "pkcs12": { "create": false, "passwordSecretRef": { "name": "x", "key": "y" } },
    });
    let spec = json!({ "secretName": "db-tls", "issuerRef": { "name": "ca" }, "keystores": keystores,
        "renewal": { "policy": "Disabled" } });
    let certificate = decoded!(Certificate, real(json!({ "metadata": {}, "spec": spec }), "db", Some("shop")));
    assert_eq!(certificate.keystores.len(), 1);
    assert_eq!(certificate.keystores[0].password, Some(("store-password".into(), "jks".into())));
    assert!(certificate.unrenewed);
}

#[test]
fn how_volumes_travel_and_where_copies_lie_is_read() {
    let volume = |spec: Value| decoded!(Pv, real(json!({ "metadata": {}, "spec": spec }), "pv", None));
    let nfs = volume(json!({ "nfs": { "server": "x", "path": "/" }, "mountOptions": ["hard", "sec=krb5p"] }));
    assert_eq!(nfs.in_tree, Some(crate::model::InTree::Nfs));
    assert_eq!(nfs.mount_options.iter().map(|one| &**one).collect::<Vec<_>>(), ["hard", "sec=krb5p"]);
    assert_eq!(volume(json!({ "hostPath": { "path": "/" } })).in_tree, Some(crate::model::InTree::Node));
    assert_eq!(volume(json!({ "csi": { "driver": "d", "volumeHandle": "h" }, "mountOptions": null })).in_tree, None);
    let class = json!({ "metadata": {}, "driver": "d", "parameters": {
        "type": "bak", "csi.storage.k8s.io/snapshotter-secret-name": "s",
    }});
    let class = decoded!(SnapshotClass, real(class, "class", None));
    assert_eq!(*class.parameters, [("type".into(), "bak".into())]);
}

#[rstest]
#[case::nothing(json!(null), None, false)]
#[case::only_scheme_and_host_are_kept(
    json!({ "s3Url": "https://user:secret@minio.velero:9000/bucket?x=y" }), Some("https://minio.velero:9000"), false
)]
#[case::not_checked(json!({ "s3Url": "http://minio", "insecureSkipTLSVerify": "true" }), Some("http://minio"), true)]
#[case::azure(json!({ "storageAccountURI": "https://a.blob.example/x" }), Some("https://a.blob.example"), false)]
fn backup_locations_know_where_they_are(
    #[case] config: Value,
    #[case] endpoint: Option<&str>,
    #[case] unchecked: bool,
) {
    let object = json!({ "metadata": {}, "spec": { "provider": "velero.io/aws", "config": config } });
    let place = decoded!(BackupLocation, real(object, "default", Some("velero")));
    assert_eq!((place.endpoint.as_deref(), place.unchecked, &*place.provider), (endpoint, unchecked, "velero.io/aws"));
}
