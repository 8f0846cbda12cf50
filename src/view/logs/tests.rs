//! Which containers are chosen for which object, in which order.

use jiff::Timestamp;
use rstest::rstest;

use super::*;
use crate::model::{
    CertManagerCertificate, ClaimRef, Content, ContentSource, Delta, Meta, Node, Object, OwnerRef, Pv, Pvc, Scope,
    SecretUse, SecretVia, SnapshotClass, SnapshotSource, StorageClass, TlsSecret, VeleroItem, VolumeSnapshot, Workload,
};

const DRIVER: &str = "ebs.csi.aws.com";

fn meta(namespace: &str, name: &str) -> Meta {
    let namespace = (!namespace.is_empty()).then(|| namespace.into());
    Meta { namespace, name: name.into(), uid: Some(format!("uid-{name}").into()), ..Meta::default() }
}

fn container(name: &str, image: &str) -> Container {
    Container {
        name: name.into(),
        image: image.into(),
        state: ContainerState::Running,
        ready: true,
        ..Container::default()
    }
}

fn pod(namespace: &str, name: &str, labels: &[(&str, &str)], containers: &[(&str, &str)]) -> Pod {
    Pod {
        meta: Meta {
            labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            ..meta(namespace, name)
        },
        containers: containers.iter().map(|(name, image)| container(name, image)).collect(),
        ..Pod::default()
    }
}

/// The pods of a cluster with everything in it.
fn pods() -> Vec<Pod> {
    let mut db = pod("shop", "db-0", &[], &[("postgres", "postgres:16")]);
    db.claims = ["data-db-0".into()].into();
    db.secrets = [SecretUse { secret: "db-tls".into(), via: SecretVia::Mount }].into();
    db.meta.owners =
        [OwnerRef { kind: "StatefulSet".into(), name: "db".into(), uid: "uid-db".into(), controller: true }].into();
    let driver = [
        ("ebs-plugin", "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1"),
        ("csi-provisioner", "public.ecr.aws/csi/external-provisioner:v5"),
        ("csi-snapshotter", "public.ecr.aws/csi/external-snapshotter/csi-snapshotter:v8"),
        ("liveness-probe", "public.ecr.aws/csi/livenessprobe:v2"),
    ];
    let other = [("plugin", "example/csi:1"), ("csi-snapshotter", "sig-storage/csi-snapshotter:v8")];
    let manager = [("cert-manager-controller", "quay.io/jetstack/cert-manager-controller:v1.17")];
    vec![
        db,
        pod("kube-system", "ebs-csi-controller-0", &[("app", "ebs-csi-controller")], &driver),
        pod("kube-system", "other-csi-0", &[], &other),
        pod("kube-system", "snapshot-controller-0", &[], &[("c", "sig-storage/snapshot-controller:v8")]),
        pod("cert-manager", "cert-manager-0", &[], &manager),
        pod("velero", "velero-0", &[], &[("velero", "velero/velero:v1.16")]),
        pod("velero", "node-agent-a", &[], &[("node-agent", "velero/velero:v1.16")]),
        pod("velero", "upload-1", &[("velero.io/data-upload", "upload-1")], &[("mover", "velero/velero:v1.16")]),
    ]
}

fn objects() -> Vec<Object> {
    let bound = ClaimRef { namespace: "shop".into(), name: "data-db-0".into(), uid: Some("uid-data-db-0".into()) };
    let claim = |name: &str, volume: Option<&str>| Pvc {
        meta: meta("shop", name),
        volume_name: volume.map(Into::into),
        storage_class: Some("block".into()),
        phase: if volume.is_some() { "Bound" } else { "Pending" }.into(),
        ..Pvc::default()
    };
    let snapshot = |name: &str, content: Option<&str>| VolumeSnapshot {
        meta: meta("shop", name),
        source: SnapshotSource::Claim("data-db-0".into()),
        class: Some("snap".into()),
        content: content.map(Into::into),
        ..VolumeSnapshot::default()
    };
    vec![
        Object::Pvc(claim("data-db-0", Some("pv-1"))),
        Object::Pvc(claim("waiting", None)),
        Object::Pv(Pv {
            meta: meta("", "pv-1"),
            csi: Some((DRIVER.into(), "vol-1".into())),
            claim: Some(bound),
            ..Pv::default()
        }),
        Object::StorageClass(StorageClass {
            meta: meta("", "block"),
            provisioner: DRIVER.into(),
            ..StorageClass::default()
        }),
        Object::SnapshotClass(SnapshotClass {
            meta: meta("", "snap"),
            driver: DRIVER.into(),
            ..SnapshotClass::default()
        }),
        Object::VolumeSnapshot(snapshot("new", None)),
        Object::VolumeSnapshot(snapshot("cut", Some("content-1"))),
        Object::Content(Content {
            meta: meta("", "content-1"),
            driver: DRIVER.into(),
            source: ContentSource::Volume("vol-1".into()),
            ..Content::default()
        }),
        Object::TlsSecret(TlsSecret {
            files: Box::default(),
            meta: meta("shop", "db-tls"),
            leaf: crate::model::Place { key: "tls.crt".into(), chain: Err("no PEM".into()) },
            ca: None,
            key: crate::model::KeyMatch::Missing,
        }),
        Object::Certificate(CertManagerCertificate {
            meta: meta("shop", "db-cert"),
            secret: "db-tls".into(),
            ..CertManagerCertificate::default()
        }),
        Object::DataUpload(VeleroItem { meta: meta("velero", "upload-1"), ..VeleroItem::default() }),
        Object::StatefulSet(Workload { meta: meta("shop", "db"), ..Workload::default() }),
        Object::Node(Node { meta: meta("", "node-a"), ready: true }),
    ]
}

fn world(pods: Vec<Pod>) -> World {
    let mut world = World::default();
    let objects = objects().into_iter().chain(pods.into_iter().map(Object::Pod));
    let deltas = objects.map(|object| Delta::Upsert(Box::new(object), Scope::All));
    for delta in deltas.chain([Delta::ListDone(Kind::Pod, Scope::All)]) {
        // Only what was seen since a list began stays at its end; this one has no beginning.
        world.apply(delta, Timestamp::UNIX_EPOCH);
    }
    world
}

fn sources(world: &World, kind: Kind, name: &str) -> LogSources {
    log_sources(world, &Key::Object(kind, format!("uid-{name}").into())).unwrap()
}

fn named(sources: &LogSources) -> Vec<String> {
    let name = |source: &LogSource| {
        let previous = if source.previous { " previous" } else { "" };
        format!("{}/{}{previous}: {}", source.pod.name, source.container, source.why)
    };
    sources.sources.iter().map(name).collect()
}

#[rstest]
#[case(Kind::Pvc, "data-db-0", &["db-0/postgres: mounts the volume"])]
#[case(Kind::Pv, "pv-1", &["db-0/postgres: mounts the volume"])]
#[case(Kind::Pvc, "waiting", &[
    "ebs-csi-controller-0/csi-provisioner: makes volumes",
    "ebs-csi-controller-0/ebs-plugin: the driver itself",
])]
#[case(Kind::VolumeSnapshot, "cut", &[
    "ebs-csi-controller-0/csi-snapshotter: cuts snapshots",
    "ebs-csi-controller-0/ebs-plugin: the driver itself",
    "snapshot-controller-0/c: binds snapshots",
    "ebs-csi-controller-0/csi-provisioner: makes volumes",
    "db-0/postgres: mounts the volume",
])]
#[case(Kind::VolumeSnapshot, "new", &[
    "snapshot-controller-0/c: binds snapshots",
    "ebs-csi-controller-0/csi-snapshotter: cuts snapshots",
    "ebs-csi-controller-0/ebs-plugin: the driver itself",
    "ebs-csi-controller-0/csi-provisioner: makes volumes",
])]
#[case(Kind::TlsSecret, "db-tls", &[
    "cert-manager-0/cert-manager-controller: issues certificates",
    "db-0/postgres: uses the Secret",
])]
#[case(Kind::Certificate, "db-cert", &[
    "cert-manager-0/cert-manager-controller: issues certificates",
    "db-0/postgres: uses the Secret",
])]
#[case(Kind::DataUpload, "upload-1", &[
    "upload-1/mover: moves this item",
    "node-agent-a/node-agent: moves volume data",
    "velero-0/velero: runs backups",
])]
#[case(Kind::Pod, "db-0", &["db-0/postgres: itself"])]
#[case(Kind::StatefulSet, "db", &["db-0/postgres: is one of its pods"])]
fn the_likeliest_comes_first(#[case] kind: Kind, #[case] name: &str, #[case] expected: &[&str]) {
    let world = world(pods());
    assert_eq!(named(&sources(&world, kind, name)), expected);
}

#[test]
fn nothing_writes_about_a_node_and_nothing_that_is_gone_has_logs() {
    let world = world(pods());
    assert_eq!(log_sources(&world, &Key::Object(Kind::Node, "uid-node-a".into())), None);
    assert_eq!(log_sources(&world, &Key::Object(Kind::Pvc, "uid-gone".into())), None);
}

#[test]
fn a_sidecar_whose_driver_is_not_known_is_offered_as_a_guess() {
    let without = pods().into_iter().filter(|pod| !pod.meta.name.starts_with("ebs")).collect();
    let found = sources(&world(without), Kind::VolumeSnapshot, "cut");
    let found = named(&found);
    assert_eq!(found[0], "other-csi-0/csi-snapshotter: cuts snapshots, perhaps of this driver");
    assert_eq!(found[1], "other-csi-0/plugin: the driver itself, perhaps of this driver");
}

#[test]
fn what_is_not_seen_is_said_with_the_reason() {
    let only_db = || pods().into_iter().take(1).collect::<Vec<_>>();
    let missing = |world: &World| sources(world, Kind::VolumeSnapshot, "cut").missing;
    let mut world = world(only_db());
    let said = missing(&world);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("csi-snapshotter of driver ebs.csi.aws.com: not among the pods"), "{}", said[0]);
    assert!(said[0].contains("outside the cluster"), "{}", said[0]);
    world.context.namespaces = vec!["shop".into()];
    assert_eq!(&*missing(&world)[1], "snapshot-controller: not seen, because only pods of shop are looked at");
    world.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), Timestamp::UNIX_EPOCH);
    assert_eq!(&*missing(&world)[1], "snapshot-controller: not seen, because list pods is not allowed");
    let certificate = sources(&world, Kind::Certificate, "db-cert");
    assert!(certificate.missing[0].starts_with("cert-manager controller: not seen"), "{certificate:?}");
}

#[test]
fn where_the_log_of_a_velero_backup_is_and_what_reading_it_takes_is_said() {
    let mut world = world(pods());
    let item = VeleroItem { meta: meta("velero", "upload-2"), backup: Some("daily-1".into()), ..VeleroItem::default() };
    world.apply(Delta::Upsert(Box::new(Object::DataUpload(item)), Scope::All), Timestamp::UNIX_EPOCH);
    for (read_only, not) in [(true, "not in read-only"), (false, "this console creates none")] {
        world.context.read_only = read_only;
        let missing = sources(&world, Kind::DataUpload, "upload-2").missing;
        let command = "for someone who may: `velero backup logs daily-1 -n velero`";
        assert_eq!(*missing, [format!("Velero's log needs a DownloadRequest to be created: {not}; {command}").into()]);
    }
}

#[test]
fn a_volume_that_nothing_mounts_has_no_sources_and_says_so() {
    let found = sources(&world(Vec::new()), Kind::Pvc, "data-db-0");
    assert_eq!(found.sources, []);
    assert_eq!(*found.missing, ["no pod that is seen mounts shop/data-db-0".into()]);
}

#[test]
fn trouble_comes_first_then_containers_in_order_each_with_its_instance_before() {
    let mut all = pods();
    all.truncate(1);
    let db = &mut all[0];
    let crashed = Container {
        state: ContainerState::Waiting("CrashLoopBackOff".into()),
        restarts: 4,
        previous: true,
        ready: false,
        ..container("exporter", "exporter:1")
    };
    db.containers = [container("postgres", "postgres:16"), crashed].into();
    db.init_containers = [Container { state: ContainerState::Ended(0), ..container("init", "init:1") }].into();
    let world = world(all);
    let found = sources(&world, Kind::Pvc, "data-db-0");
    let shown: Vec<_> = found
        .sources
        .iter()
        .map(|s| format!("{}{} {}", s.container, if s.init { " (init)" } else { "" }, s.state))
        .collect();
    assert_eq!(
        shown,
        ["exporter CrashLoopBackOff", "exporter previous, ended", "postgres running", "init (init) ended"]
    );
    assert_eq!(found.sources[0].level, Level::Critical);
}

#[test]
fn states_of_pods_that_are_no_longer_watched_are_stale() {
    let mut world = world(pods());
    world.apply(Delta::Failed(Kind::Pod, Scope::All, "connection refused".into()), Timestamp::UNIX_EPOCH);
    assert_eq!(sources(&world, Kind::Pvc, "data-db-0").sources[0].level, Level::Stale);
}
