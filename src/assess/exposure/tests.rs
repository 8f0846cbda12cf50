use rstest::rstest;
use serde_json::json;

use super::testing::{A, V1, V2, bare, data, digest, ours, ran, run, shop, verdict_at};
use super::*;
use crate::assess::testing::{ago, annotated, live, meta, now, put, put_snapshot, volume};
use crate::assess::verdict::Verdict;
use crate::model::{
    Container, ContainerState, Delta, Extent, Kind, Object, Observed, OwnerRef, Pod, RunKey, Scope, StorageClass,
    Workload, annotation,
};

fn container(of: char, restarts: u32) -> Container {
    Container {
        name: "db".into(),
        image: "r.example/db:1.0".into(),
        image_id: Some(format!("r.example/db@{}", digest(of)).into()),
        state: ContainerState::Running,
        restarts,
        writes: ["data".into()].into(),
        ..Container::default()
    }
}

fn pod(name: &str, started: i64, containers: &[Container]) -> Pod {
    let mut meta = meta(name);
    meta.created = Some(ago(started + 1));
    meta.owners =
        [OwnerRef { kind: "StatefulSet".into(), name: "db".into(), uid: "uid-db".into(), controller: true }].into();
    Pod {
        meta,
        phase: "Running".into(),
        started: Some(ago(started)),
        claims: ["data".into()].into(),
        containers: containers.into(),
        ..Pod::default()
    }
}

/// A world in which the claim `data` was made for its first pod.
fn fresh_world() -> World {
    let mut world = live();
    let mut claim = data();
    claim.meta.created = Some(ago(V1 + 2));
    let mut pv = volume(&claim);
    pv.meta = annotated(pv.meta, annotation::PROVISIONED_BY, "csi.example");
    pv.meta.created = Some(ago(V1));
    let class = StorageClass {
        meta: crate::assess::testing::cluster_meta("fast"),
        waits_for_consumer: true,
        ..StorageClass::default()
    };
    put(&mut world, [Object::Pvc(claim), Object::Pv(pv), Object::StorageClass(class)]);
    world
}

fn seen(log: &Observed) -> Vec<(String, i64, i64, bool)> {
    let minutes = |at: Timestamp| now().duration_since(at).as_mins();
    let one = |(key, extent): (&RunKey, &Extent)| {
        let digest = key.program.digests.first().map_or("?", |digest| &digest[7..8]).to_owned();
        (digest, minutes(extent.from), minutes(extent.to), extent.ended)
    };
    let mut all: Vec<_> = log.runs().map(one).collect();
    all.sort();
    all
}

#[test]
fn a_pod_that_is_seen_ran_since_it_started_and_its_end_is_seen_while_it_is_watched() {
    let mut world = fresh_world();
    let mut log = Observed::default();
    put(&mut world, [Object::Pod(pod("db-0", 900, &[container('a', 0)]))]);
    look(&world, &mut log, None, ago(800));
    assert_eq!(seen(&log), [("a".into(), 900, 800, false)]);
    look(&world, &mut log, Some(ago(800)), ago(700));
    world.apply(Delta::Gone(Box::new(Object::Pod(pod("db-0", 900, &[])))), now());
    let mut unwatched = log.clone();
    look(&world, &mut log, Some(ago(700)), ago(690));
    assert_eq!(seen(&log), [("a".into(), 900, 690, true)]);
    assert_eq!(log.in_sight("shop"), [(ago(800), ago(690))]);
    look(&world, &mut unwatched, None, ago(500));
    assert_eq!(seen(&unwatched), [("a".into(), 900, 700, false)], "nobody saw it end");
    assert_eq!(unwatched.in_sight("shop"), [(ago(800), ago(700)), (ago(500), ago(500))]);
    let (key, _) = log.runs().next().unwrap();
    assert_eq!(key.program.workload.as_ref().map(|w| (&*w.kind, &*w.name)), Some(("StatefulSet", "db")));
    assert_eq!(&*key.volumes, [Uid::from("uid-data")]);
}

#[test]
fn what_ran_before_a_restart_that_nobody_saw_is_not_known() {
    let mut world = fresh_world();
    let mut log = Observed::default();
    put(&mut world, [Object::Pod(pod("db-0", 900, &[container('a', 1)]))]);
    look(&world, &mut log, None, ago(800));
    assert_eq!(seen(&log), [("?".into(), 900, 800, true), ("a".into(), 800, 800, false)]);
    look(&world, &mut log, Some(ago(800)), ago(700));
    assert_eq!(seen(&log), [("?".into(), 900, 800, true), ("a".into(), 800, 700, false)]);
}

#[test]
fn a_restart_with_another_image_ends_the_one_before() {
    let mut world = fresh_world();
    let mut log = Observed::default();
    put(&mut world, [Object::Pod(pod("db-0", 900, &[container('a', 0)]))]);
    look(&world, &mut log, None, ago(800));
    put(&mut world, [Object::Pod(pod("db-0", 900, &[container('b', 1)]))]);
    look(&world, &mut log, None, ago(600));
    assert_eq!(
        seen(&log),
        [("a".into(), 900, 600, true), ("b".into(), 800, 600, false)],
        "either may have run between"
    );
}

#[test]
fn an_image_that_is_named_by_digest_is_the_same_after_any_restart() {
    let mut world = fresh_world();
    let mut log = Observed::default();
    let pinned = Container { image: format!("r.example/db@{}", digest('a')).into(), ..container('a', 3) };
    put(&mut world, [Object::Pod(pod("db-0", 900, &[pinned]))]);
    look(&world, &mut log, None, ago(800));
    assert_eq!(seen(&log), [("a".into(), 900, 800, false)]);
}

#[test]
fn init_containers_count_and_containers_that_cannot_write_are_no_writers() {
    let mut world = fresh_world();
    let mut log = Observed::default();
    let sidecar = Container { writes: Box::default(), name: "proxy".into(), ..container('c', 0) };
    let mut pod = pod("db-0", 900, &[container('a', 0), sidecar]);
    pod.init_containers =
        [Container { name: "init".into(), state: ContainerState::Ended(0), ..container('b', 0) }].into();
    put(&mut world, [Object::Pod(pod)]);
    look(&world, &mut log, None, ago(800));
    assert_eq!(seen(&log).len(), 3);
    let writers: Vec<_> = log
        .runs()
        .filter(|(key, _)| !key.volumes.is_empty())
        .map(|(key, _)| key.program.container.to_string())
        .collect();
    assert_eq!(writers, ["db", "init"]);
}

#[test]
fn a_container_that_was_put_into_a_running_pod_counts_too() {
    let mut world = fresh_world();
    let mut pod = pod("db-0", 900, &[container('a', 0)]);
    pod.ephemeral_containers = [Container { name: "debug".into(), ..container('d', 0) }].into();
    put(&mut world, [Object::Pod(pod)]);
    let mut log = Observed::default();
    look(&world, &mut log, None, ago(800));
    assert_eq!(seen(&log), [("a".into(), 900, 800, false), ("d".into(), 900, 800, false)]);
}

#[test]
fn a_volume_that_was_entered_by_hand_may_hold_anything() {
    let mut world = fresh_world();
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap().clone();
    assert_eq!(birth(&world, &claim).map(|birth| birth.empty), Some(true));
    let mut pv = volume(&claim);
    pv.meta.created = Some(ago(V1));
    put(&mut world, [Object::Pv(pv)]);
    assert_eq!(birth(&world, &claim).map(|birth| birth.empty), Some(false));
}

#[test]
fn a_deployment_is_known_by_its_name_and_not_by_that_of_its_replica_set() {
    let mut world = fresh_world();
    let owner = |kind: &str, name: &str| OwnerRef {
        kind: kind.into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        controller: true,
    };
    let mut set =
        Workload { meta: meta("web-5d"), kind: crate::model::WorkloadKind::ReplicaSet, ..Workload::default() };
    set.meta.owners = [owner("Deployment", "web")].into();
    let mut pod = pod("web-5d-x", 900, &[container('a', 0)]);
    pod.meta.owners = [owner("ReplicaSet", "web-5d")].into();
    put(&mut world, [Object::ReplicaSet(set), Object::Pod(pod)]);
    let mut log = Observed::default();
    look(&world, &mut log, None, now());
    let (key, _) = log.runs().next().unwrap();
    assert_eq!(key.program.workload.as_ref().map(|w| (&*w.kind, &*w.name)), Some(("Deployment", "web")));
}

#[rstest]
#[case::made_for_it(|_: &mut Pvc| {}, Some(true))]
#[case::filled(|claim: &mut Pvc| claim.data_source = Some(("VolumeSnapshot".into(), "a".into())), Some(false))]
#[case::older_volume(|claim: &mut Pvc| claim.meta.created = Some(ago(V1 - 100)), Some(false))]
#[case::velero(|claim: &mut Pvc| claim.meta.labels = [(annotation::VELERO_RESTORE.into(), "r".into())].into(), Some(false))]
#[case::restored_in_place(|claim: &mut Pvc| claim.meta = annotated(claim.meta.clone(), annotation::LINEAGE, "uid-first"), None)]
#[case::unbound(|claim: &mut Pvc| claim.volume_name = None, None)]
fn data_begins_empty_only_on_a_volume_that_was_made_for_its_claim(
    #[case] change: fn(&mut Pvc),
    #[case] empty: Option<bool>,
) {
    let mut world = fresh_world();
    let mut claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap().clone();
    change(&mut claim);
    put(&mut world, [Object::Pvc(claim.clone())]);
    assert_eq!(birth(&world, &claim).map(|birth| birth.empty), empty);
}

/// From the claim to the verdict by nothing but looking, as a console does.
#[test]
fn what_a_console_saw_from_the_beginning_proves_a_copy() {
    let mut world = fresh_world();
    put_snapshot(&mut world, ours("a", A));
    testing::scanned(&mut world, testing::three());
    let mut log = Observed::default();
    put(&mut world, [Object::Pod(pod("db-0", V1 - 1, &[container('a', 0)]))]);
    look(&world, &mut log, None, ago(V1 - 100));
    look(&world, &mut log, None, ago(V2));
    put(&mut world, [Object::Pod(pod("db-0", V1 - 1, &[container('b', 1)]))]);
    look(&world, &mut log, None, ago(300));
    world.observed = log;
    assert_eq!(verdict_at(&world, A).value, Verdict::Before);
    assert_eq!(verdict_at(&world, 400).value, Verdict::During);
    world.observed = Observed::default();
    assert_eq!(verdict_at(&world, A).value, Verdict::Unknown, "and without the log nothing is");
}

fn recorded(world: &mut World, key: &'static str, text: &str) {
    let (mut snapshot, content) = ours("a", A);
    snapshot.meta = annotated(annotated(snapshot.meta, key, text), annotation::OPERATION, "op-1");
    put_snapshot(world, (snapshot, content));
}

#[test]
fn a_backup_writes_what_ran_and_it_is_read_as_it_was_written() {
    let mut world = fresh_world();
    let sidecar = Container { writes: Box::default(), name: "proxy".into(), ..container('c', 0) };
    put(&mut world, [Object::Pod(pod("db-0", 900, &[container('a', 0), sidecar]))]);
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap().clone();
    let text = written(&world, &claim, ago(A + 1));
    recorded(&mut world, annotation::RAN, &text);
    let read = records(&world);
    assert_eq!(read.len(), 1, "only what can write it");
    let (key, extent) = &read[0];
    assert_eq!((&*key.program.digests, &*key.volumes), (&[digest('a')][..], &[Uid::from("uid-data")][..]));
    assert_eq!((extent.from, extent.to), (ago(900), ago(A + 1)), "to the moment of the plan, not of the cut");
    assert_eq!(key.known, Known::Claimed);
    assert_eq!(key.pod, Some(Uid::from("uid-db-0")));
    world.observed.attest("op-1", &text);
    assert_eq!(records(&world)[0].0.known, Known::Recorded, "the operation's own record proves it");
    let (mut other, content) = ours("a", A);
    other.meta = annotated(
        annotated(other.meta, annotation::RAN, &text.replace("uid-data", "uid-other")),
        annotation::OPERATION,
        "op-1",
    );
    let mut moved = world.clone();
    put_snapshot(&mut moved, (other, content));
    assert!(records(&moved).is_empty(), "it is about other data");
    recorded(&mut world, annotation::RAN, &text.replace(&*digest('a'), &digest('b')));
    assert_eq!(records(&world)[0].0.known, Known::Claimed, "somebody else wrote there since");
}

#[rstest]
#[case::digest(format!("db=r.example/db:1.0@{}", digest('b')), 1)]
#[case::two(format!("db=r.example/db@{},init=x:1", digest('b')), 2)]
#[case::nothing(String::new(), 0)]
#[case::nonsense("what,ever".into(), 0)]
fn the_older_form_stays_readable_and_is_claimed(#[case] text: String, #[case] runs: usize) {
    let mut world = bare();
    recorded(&mut world, annotation::IMAGES, &text);
    world.observed.attest("op-1", &text);
    let read = records(&world);
    assert_eq!(read.len(), runs);
    assert!(read.iter().all(|(key, extent)| key.known == Known::Claimed && extent.from == extent.to));
}

#[rstest]
#[case("")]
#[case("[]")]
#[case("{\"at\":\"soon\",\"ran\":[]}")]
#[case("{\"at\":\"2026-01-01T00:00:00Z\",\"volume\":\"uid-data\",\"ran\":[{\"container\":7}]}")]
#[case("{\"at\":\"2026-01-01T00:00:00Z\",\"ran\":[{\"container\":\"db\",\"image\":\"x\"}]}")]
fn a_record_that_is_not_understood_tells_nothing(#[case] text: &str) {
    let mut world = bare();
    recorded(&mut world, annotation::RAN, text);
    assert!(records(&world).is_empty());
}

#[test]
fn a_claimed_record_of_the_vulnerable_image_exposes_its_copy() {
    let mut world = shop();
    recorded(&mut world, annotation::IMAGES, &format!("db=r.example/db:9@{}", digest('b')));
    assert_eq!(verdict_at(&world, A).value, Verdict::During, "a claim warns");
    let forged = json!({ "at": ago(A).to_string(), "volume": "uid-data", "ran": [
        { "pod": "p", "container": "db", "image": "r.example/db:9", "digests": [&*digest('a')], "from": ago(V1).to_string() },
    ]});
    let mut empty = bare();
    ran(&mut empty, [run('b', V2, 0)]);
    testing::scanned(&mut empty, testing::three());
    recorded(&mut empty, annotation::RAN, &forged.to_string());
    assert_eq!(verdict_at(&empty, A).value, Verdict::Unknown, "and clears nothing");
    empty.observed.attest("op-1", &forged.to_string());
    assert_eq!(verdict_at(&empty, A).value, Verdict::Before, "until the operation's own record proves it");
}

#[rstest]
#[case::pods(Kind::Pod)]
#[case::claims(Kind::Pvc)]
fn what_is_stale_is_not_in_sight(#[case] kind: Kind) {
    let mut world = fresh_world();
    world.apply(Delta::Failed(kind, Scope::All, "cut".into()), now());
    let mut log = Observed::default();
    look(&world, &mut log, Some(ago(10)), now());
    assert!(log.in_sight("shop").is_empty());
}

#[test]
fn a_revision_that_is_only_known_to_have_been_started_fills_no_hole_and_warns_by_its_image() {
    let mut world = fresh_world();
    put_snapshot(&mut world, ours("a", A));
    testing::scanned(&mut world, testing::three());
    let started = |minutes: i64, of: char| {
        let mut set =
            Workload { meta: meta("db-5d"), kind: crate::model::WorkloadKind::ReplicaSet, ..Workload::default() };
        set.meta.created = Some(ago(minutes));
        set.meta.owners =
            [OwnerRef { kind: "Deployment".into(), name: "db".into(), uid: "uid-db".into(), controller: true }].into();
        let image = format!("r.example/db@{}", digest(of)).into();
        set.writers = [crate::model::Writer { container: "db".into(), image, claims: ["data".into()].into() }].into();
        Object::ReplicaSet(set)
    };
    let judged = |world: &mut World, minutes: i64| {
        let mut log = Observed::default();
        look(world, &mut log, None, now());
        world.observed = log;
        verdict_at(world, minutes).value
    };
    put(&mut world, [started(900, 'a')]);
    assert_eq!(judged(&mut world, A), Verdict::Unknown, "that it was started is no proof that nothing else ran");
    put(&mut world, [started(900, 'b')]);
    assert_eq!(judged(&mut world, 900), Verdict::During, "its image carries the finding");
    assert_eq!(judged(&mut world, A), Verdict::Unknown, "until when it ran is not known");
}
