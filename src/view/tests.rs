//! Rows, listings, problems and sheets of small worlds.

mod acme;
mod table;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::{
    Connection, Content, ContentSource, Delta, Freshness, Key, Kind, Meta, ObjRef, Object, Pod, Policies, Pv, Pvc,
    ReclaimPolicy, Review, Scope, SnapshotSource, Touched, Uid, Usage, UsageReport, VolumeSnapshot, World, annotation,
};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn meta(namespace: Option<&str>, name: &str) -> Meta {
    let uid = Uid::from(format!("{}/{name}", namespace.unwrap_or("")));
    Meta { namespace: namespace.map(Into::into), name: name.into(), uid: Some(uid), ..Meta::default() }
}

fn claim(name: &str) -> Pvc {
    Pvc {
        meta: Meta { created: Some(now() - SignedDuration::from_hours(100)), ..meta(Some("shop"), name) },
        volume_name: Some(format!("pv-{name}").into()),
        phase: "Bound".into(),
        capacity: Some(10 << 30),
        ..Pvc::default()
    }
}

fn volume(name: &str) -> Pv {
    let bound = crate::model::ClaimRef {
        namespace: "shop".into(),
        name: name.into(),
        uid: Some(Uid::from(format!("shop/{name}"))),
    };
    Pv {
        meta: meta(None, &format!("pv-{name}")),
        csi: Some(("csi.example".into(), format!("handle-{name}").into())),
        claim: Some(bound),
        reclaim: ReclaimPolicy::Delete,
        ..Pv::default()
    }
}

fn copy(claim: &str, name: &str, hours: i64) -> [Object; 2] {
    let cut = now() - SignedDuration::from_hours(hours);
    let snapshot = VolumeSnapshot {
        meta: meta(Some("shop"), name),
        source: SnapshotSource::Claim(claim.into()),
        content: Some(format!("content-{name}").into()),
        cut: Some(cut),
        ready: Some(true),
        ..VolumeSnapshot::default()
    };
    let back = crate::model::ClaimRef {
        namespace: "shop".into(),
        name: name.into(),
        uid: Some(Uid::from(format!("shop/{name}"))),
    };
    let content = Content {
        meta: meta(None, &format!("content-{name}")),
        driver: "csi.example".into(),
        source: ContentSource::Volume(format!("handle-{claim}").into()),
        snapshot: Some(back),
        deletion: crate::model::DeletionPolicy::Retain,
        handle: Some(format!("snap-{name}").into()),
        ready: Some(true),
        ..Content::default()
    };
    [Object::Content(content), Object::VolumeSnapshot(snapshot)]
}

/// A world in which every kind is live, and its boards.
fn seen(objects: impl IntoIterator<Item = Object>) -> (World, Boards) {
    let mut world = World::default();
    world.policies = Policies { default_rpo: Some("4h".into()), ..Policies::default() };
    for object in objects {
        world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    }
    for kind in Kind::ALL {
        world.apply(Delta::ListStarted(*kind, Scope::All), now());
    }
    let velero = |kind: &Kind| kind.spec().group == "velero.io";
    for kind in Kind::ALL {
        let delta = if velero(kind) { Delta::Absent(*kind, Scope::All) } else { Delta::ListDone(*kind, Scope::All) };
        if world.inventory.count(*kind) == 0 {
            world.apply(delta, now());
        }
    }
    let mut boards = Boards::default();
    boards.refresh(&world, &Touched { all: true, ..Touched::default() }, now());
    (world, boards)
}

/// Marks every kind that has objects live, as its list ends.
fn live(world: &mut World, boards: &mut Boards, objects: Vec<Object>) {
    for object in objects {
        world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    }
    for kind in Kind::ALL.iter().filter(|kind| world.inventory.count(**kind) > 0).copied().collect::<Vec<_>>() {
        world.apply(Delta::ListDone(kind, Scope::All), now());
    }
    boards.refresh(world, &Touched { all: true, ..Touched::default() }, now());
}

fn shop() -> (World, Boards) {
    let mut objects = vec![Object::Pvc(claim("db")), Object::Pv(volume("db"))];
    objects.extend([Object::Pvc(claim("old")), Object::Pv(volume("old"))]);
    objects.extend(copy("db", "db-1", 1));
    objects.extend(copy("old", "old-1", 9));
    let pod = Pod { claims: ["db".into()].into(), phase: "Running".into(), ..Pod::default() };
    objects.push(Object::Pod(Pod { meta: meta(Some("shop"), "db-0"), ..pod }));
    let (mut world, mut boards) = seen([]);
    live(&mut world, &mut boards, objects);
    (world, boards)
}

fn key(kind: Kind, uid: &str) -> Key {
    Key::Object(kind, Uid::from(uid))
}

fn printed(boards: &Boards, pane: Pane, key: &Key) -> Vec<String> {
    let row = boards.board(pane).get(key).unwrap();
    row.cells.iter().map(|cell| cell.print(now()).into_owned()).collect()
}

#[test]
fn a_volume_row_says_what_is_known_and_what_is_not() {
    let (_, boards) = shop();
    let db = printed(&boards, Pane::Volumes, &key(Kind::Pvc, "shop/db"));
    assert_eq!(db, ["✓ Ok", "shop", "db", "1h", "4h", "in 3h", "· data", "1", "?", "10.0Gi", "?", "-", "pod db-0"]);
    let old = printed(&boards, Pane::Volumes, &key(Kind::Pvc, "shop/old"));
    assert_eq!(old[..4], ["✗ Breached", "shop", "old", "9h"]);
    let copy = printed(&boards, Pane::RestorePoints, &key(Kind::VolumeSnapshot, "shop/old-1"));
    assert_eq!(copy, ["✓ Good", "shop", "old-1", "9h", "old", "?", "-", "-", "✓ Retain", "-", "-"]);
}

/// Tells a world of one measurement: how much of 10Gi is used, in per mille, and its age in seconds.
fn measure(world: &mut World, boards: &mut Boards, claim: &str, per_mille: u64, age: i64) {
    let capacity = 10 << 30;
    let usage = Usage { used: capacity / 1000 * per_mille, capacity, at: now() - SignedDuration::from_secs(age) };
    let report = UsageReport::Measured(vec![(("shop".into(), claim.into()), usage)]);
    let touched = world.apply(Delta::Usage(report), now());
    boards.refresh(world, &touched, now());
}

/// The cell of used space.
fn used(boards: &Boards, claim: &str) -> String {
    let place = Pane::Volumes.columns().iter().position(|column| column.id == "used").unwrap();
    printed(boards, Pane::Volumes, &key(Kind::Pvc, claim))[place].clone()
}

#[test]
fn a_volume_that_will_be_full_before_its_next_copy_is_a_problem_before_it_is_full() {
    let (mut world, mut boards) = shop();
    let db = key(Kind::Pvc, "shop/db");
    for minutes in (0..=60).rev().step_by(10) {
        let used = 500 - u64::try_from(minutes).unwrap();
        measure(&mut world, &mut boards, "db", used, minutes * 60);
    }
    let row = boards.row(&db).unwrap();
    assert_eq!((row.level, row.state), (Level::Warn, "Filling"));
    assert!(row.reasons[0].starts_with("full in about 8h if it goes on as in the last 1h"), "{:?}", row.reasons);
    assert!(row.next.as_ref().is_some_and(|next| next.contains("make room")), "{:?}", row.next);
    let sheet = detail(&world, &boards, &db, now()).unwrap();
    let fill = sheet.fill.unwrap();
    assert_eq!((fill.percent, fill.history.len()), (Some(49), 7));
    let forecast = sheet.facts.iter().find(|fact| fact.label == "Forecast").unwrap();
    assert!(forecast.value.print(now()).starts_with("▲ full in about 8h"), "{forecast:?}");
    assert!(row.valid_until.is_some_and(|until| until <= now() + SignedDuration::from_mins(5)));
}

#[test]
fn a_volume_that_fills_up_is_a_problem_and_says_so() {
    let (mut world, mut boards) = shop();
    let db = key(Kind::Pvc, "shop/db");
    assert_eq!(used(&boards, "shop/db"), "?", "no source is configured");
    assert_eq!(boards.row(&db).unwrap().level, Level::Ok, "which is no fault of the volume");
    for (per_mille, cell, level, state) in [
        (500, "49% 5.0Gi", Level::Ok, "Ok"),
        (850, "84% 8.5Gi", Level::Warn, "Filling"),
        (951, "95% 9.5Gi", Level::Critical, "Nearly full"),
        (1001, "100% 10.0Gi", Level::Critical, "Full"),
    ] {
        measure(&mut world, &mut boards, "db", per_mille, 10);
        let row = boards.row(&db).unwrap();
        assert_eq!((used(&boards, "shop/db").as_str(), row.level, row.state), (cell, level, state));
    }
    let problems = problems(&world, &boards, &[], &[]);
    let full = problems.iter().find(|problem| problem.key == db).unwrap();
    assert!(full.reason.starts_with("100% of it is used") && full.next.contains("make room"), "{full:?}");
    assert!(boards.row(&db).unwrap().reasons[1].contains("last good copy"), "the copy is still spoken of");
}

#[test]
fn a_volume_with_two_problems_says_both_where_there_is_room_for_one() {
    let (mut world, mut boards) = shop();
    measure(&mut world, &mut boards, "old", 951, 10);
    let row = boards.row(&key(Kind::Pvc, "shop/old")).unwrap();
    assert_eq!((row.level, row.state), (Level::Critical, "Breached"));
    let listed = problems(&world, &boards, &[], &[]);
    let old = listed.iter().find(|problem| problem.key == row.key).unwrap();
    assert!(old.reason.contains("old-1") && old.reason.contains("95% of it is used"), "{}", old.reason);
    assert!(old.next.contains("holdfast backup shop/old") && old.next.contains("make room"), "{}", old.next);
}

#[test]
fn used_space_ends_with_its_measurement_and_is_never_green_after() {
    let (mut world, mut boards) = shop();
    measure(&mut world, &mut boards, "db", 851, 60);
    let failed = world.apply(Delta::Usage(UsageReport::Failed("Prometheus timed out".into())), now());
    boards.refresh(&world, &failed, now());
    let failing = problems(&world, &boards, &[], &[]);
    assert!(failing.iter().any(|problem| problem.state == "Failing" && &*problem.reason == "Prometheus timed out"));
    boards.refresh(&world, &Touched::default(), now() + SignedDuration::from_secs(239));
    assert_eq!(used(&boards, "shop/db"), "85% 8.5Gi");
    boards.refresh(&world, &Touched::default(), now() + SignedDuration::from_secs(240));
    assert_eq!(used(&boards, "shop/db"), "?");
    let row = boards.row(&key(Kind::Pvc, "shop/db")).unwrap();
    assert_eq!((row.level, row.state), (Level::Unknown, "Unknown"), "it was filling up when last seen");
    let sheet = detail(&world, &boards, &row.key, now() + SignedDuration::from_secs(240)).unwrap();
    let fact = sheet.facts.iter().find(|fact| fact.label == "Used").unwrap();
    assert!(fact.value.print(now()).starts_with("? it was last measured 5m ago, 85% full; Prometheus"), "{fact:?}");
}

#[test]
fn used_space_sorts_by_share_and_is_numbers_for_machines() {
    let cell = |bytes, capacity| Cell::Used { bytes, capacity, level: Level::Ok };
    assert!(cell(50, 100).order(&cell(400, 1000)).is_gt(), "the fuller one, not the bigger one");
    assert!(cell(1, 100).order(&Cell::Unknown).is_lt());
    assert_eq!(cell(50, 200).json(), serde_json::json!({"bytes": 50, "capacity": 200, "percent": 25}));
}

#[test]
fn a_broken_watch_takes_the_green_away_and_keeps_the_rows() {
    let (mut world, mut boards) = shop();
    let touched = world.apply(Delta::Failed(Kind::Pvc, Scope::All, "connection refused".into()), now());
    boards.refresh(&world, &touched, now());
    let row = boards.row(&key(Kind::Pvc, "shop/db")).unwrap();
    assert_eq!((row.level, row.state), (Level::Stale, "was Ok"));
    assert_eq!(boards.row(&key(Kind::Pvc, "shop/old")).unwrap().level, Level::Critical, "bad news stays");
}

#[test]
fn time_alone_changes_a_row() {
    let (world, mut boards) = shop();
    let due = boards.next_change().unwrap();
    let later = now() + SignedDuration::from_hours(5);
    assert!(due > now() && due < later);
    boards.refresh(&world, &Touched::default(), later);
    assert_eq!(boards.row(&key(Kind::Pvc, "shop/db")).unwrap().state, "Breached");
}

#[test]
fn an_overdue_review_is_a_problem_and_one_that_nobody_knows_of_is_not() {
    let (mut world, boards) = seen([]);
    let about = |world: &World| {
        let all = problems(world, &boards, &[], &[]);
        all.into_iter()
            .filter(|one| one.title.starts_with("Review"))
            .map(|one| (one.title, one.next))
            .collect::<Vec<_>>()
    };
    assert_eq!(about(&world), [], "what was reviewed is not known");
    world.reviews.freshness = Freshness::Live;
    world.reviews.known = [100, 10]
        .map(|days| Review {
            topic: if days == 100 { "sast".into() } else { "backups".into() },
            by: "ada".into(),
            at: now() - SignedDuration::from_hours(24 * days),
            next: None,
            note: "".into(),
        })
        .into();
    let found = about(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(&*found[0].0, "Review of sast");
    assert!(found[0].1.starts_with("review sast: holdfast runbook run quarterly-review"));
}

#[test]
fn problems_are_ranked_and_say_what_to_do() {
    let (mut world, boards) = shop();
    world.apply(Delta::Denied(Kind::Node, Scope::All, "list".into()), now());
    world.apply(Delta::Connection(Connection::Down { since: now(), why: "no route to host".into() }), now());
    world.apply(Delta::Unreadable(Kind::Pvc, "odd".into(), "spec is not an object".into()), now());
    let list = problems(&world, &boards, &[], &[]);
    let said: Vec<(&str, Level)> = list.iter().map(|problem| (problem.state, problem.level)).collect();
    assert_eq!(
        said,
        [
            ("Down", Level::Critical),
            ("Breached", Level::Critical),
            ("Unreadable", Level::Unknown),
            ("Denied", Level::Warn),
        ]
    );
    assert!(list.iter().all(|problem| !problem.next.is_empty() && !problem.reason.is_empty()));
    assert!(list[1].next.contains("holdfast backup shop/old"), "{}", list[1].next);
}

#[test]
fn a_sheet_links_a_volume_to_its_pods_and_copies_and_back() {
    let (world, boards) = shop();
    let links = |key: &Key| -> Vec<(&'static str, String)> {
        let sheet = detail(&world, &boards, key, now()).unwrap();
        sheet.links.iter().map(|link| (link.relation, link.label.to_string())).collect()
    };
    let of_claim = links(&key(Kind::Pvc, "shop/db"));
    for expected in
        [("volume", "PersistentVolume pv-db"), ("mounted by", "Pod shop/db-0"), ("copy", "VolumeSnapshot shop/db-1")]
    {
        assert!(of_claim.iter().any(|(r, l)| (*r, l.as_str()) == expected), "{expected:?} in {of_claim:?}");
    }
    let of_copy = links(&key(Kind::VolumeSnapshot, "shop/db-1"));
    assert!(of_copy.contains(&("volume", "PersistentVolumeClaim shop/db".into())), "{of_copy:?}");
    assert!(of_copy.contains(&("content", "VolumeSnapshotContent content-db-1".into())), "{of_copy:?}");
    assert!(detail(&world, &boards, &key(Kind::Pvc, "shop/gone"), now()).is_none());
}

#[test]
fn a_member_of_a_set_says_whether_the_set_is_whole_and_leads_to_the_others() {
    let said = |members: &[&str]| {
        let mut objects = vec![Object::Pvc(claim("data")), Object::Pv(volume("data"))];
        for name in members {
            let [content, mut snapshot] = copy("data", name, 1);
            if let Object::VolumeSnapshot(snapshot) = &mut snapshot {
                snapshot.meta.labels = [(annotation::SET.into(), "20260301-000000-00000007".into())].into();
                snapshot.meta.annotations = [
                    (annotation::SET_SIZE, "2".into()),
                    (annotation::SET_SKEW, "34ms".into()),
                    (annotation::WORKLOAD, "StatefulSet/db".into()),
                ]
                .into();
            }
            objects.extend([snapshot, content]);
        }
        let (world, boards) = seen(objects);
        let first = world.inventory.snapshots.named(Some(&"shop".into()), &members[0].into()).unwrap().meta.uid();
        let sheet = detail(&world, &boards, &Key::Object(Kind::VolumeSnapshot, first), now()).unwrap();
        let set = sheet.facts.iter().find(|fact| fact.label == "Set").unwrap().value.clone();
        let links = sheet.links.iter().filter(|link| link.relation == "in its set").count();
        let Cell::Said(level, said) = set else { panic!("{set:?}") };
        (level, said.to_string(), links)
    };
    let whole = "20260301-000000-00000007: whole, 2 members, cuts 34ms apart";
    assert_eq!(said(&["one", "two"]), (Level::Ok, whole.to_owned(), 1));
    let part = "20260301-000000-00000007: not whole, 1 of 2 members, cuts 34ms apart";
    assert_eq!(said(&["one"]), (Level::Warn, part.to_owned(), 0));
}

#[test]
fn tables_and_json_come_from_the_same_cells() {
    let (world, boards) = shop();
    let mut listing = Listing::new(Query::default());
    let board = boards.board(Pane::Volumes);
    listing.refresh(board, &world, now());
    let table = output::table(listing.rows(board, 0), Pane::Volumes.columns(), now());
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("STATE        NAMESPACE   NAME   LAST GOOD   RPO   NEXT RUN   FATE"), "{table}");
    assert!(lines[1].starts_with("✗ Breached   shop        old           9h    4h"), "the worst first: {table}");
    let json = output::json_value(listing.rows(board, 0), Pane::Volumes.columns());
    assert_eq!(json[0]["state"], "Breached");
    assert_eq!(json[0]["kind"], "PersistentVolumeClaim");
    assert_eq!(json[0]["rpo"], 4 * 3600);
    assert_eq!(json[0]["encrypted"], serde_json::Value::Null, "unknown is null, not false");
    assert!(json[0]["reasons"][0].as_str().unwrap().contains("old-1"));
}

#[test]
fn text_from_the_cluster_is_made_visible() {
    let hostile = Cell::Text("a\u{1b}[31m\u{202e}b".into());
    assert_eq!(hostile.print(now()), "a␛[31m<U+202E>b");
    assert_eq!(hostile.json(), "a␛[31m<U+202E>b");
}

fn row(name: u8, level: Level) -> Row {
    let object = ObjRef::namespaced(Kind::Pvc, "n", format!("{name}"));
    Row {
        key: key(Kind::Pvc, &format!("{name}")),
        uid: Uid::from(format!("{name}")),
        level,
        state: level.word(),
        reasons: Box::new([]),
        next: None,
        cells: vec![Cell::Text(object.name.clone()); Pane::Volumes.columns().len()].into(),
        object,
        valid_until: None,
        remedy: None,
    }
}

proptest! {
    /// A listing that follows every change is the listing that is made afresh.
    #[test]
    fn following_changes_gives_what_starting_afresh_gives(
        changes in proptest::collection::vec((0u8..40, 0usize..8, any::<bool>()), 1..120),
        filter in proptest::option::of("[0-3]"),
    ) {
        let (mut board, world) = (Board::new(Pane::Volumes), World::default());
        let query = Query { filter: Filter::parse(&filter.unwrap_or_default()), ..Query::default() };
        let mut followed = Listing::new(query.clone());
        for (name, level, refresh) in changes {
            match Level::ALL.get(level) {
                Some(level) => board.put(row(name, *level)),
                None => board.remove(&key(Kind::Pvc, &format!("{name}"))),
            }
            if refresh {
                followed.refresh(&board, &world, now());
            }
        }
        followed.refresh(&board, &world, now());
        let mut afresh = Listing::new(query);
        afresh.refresh(&board, &world, now());
        let keys = |listing: &Listing| -> Vec<Key> { listing.rows(&board, 0).map(|row| row.key.clone()).collect() };
        prop_assert_eq!(keys(&followed), keys(&afresh));
        prop_assert!(Level::ALL.iter().map(|level| board.count(*level)).sum::<usize>() == board.len());
        for (place, key) in keys(&followed).iter().enumerate() {
            prop_assert_eq!(followed.place(&board, key), Some(place));
        }
    }
}

/// ConfigMap `trust` of a namespace with bundles under these data keys, each told by its content.
fn trust(namespace: &str, files: &[(&str, u128)]) -> Object {
    let facts = crate::assess::testing::x509("CN=ca", "CN=ca", 60, 600 * 24 * 60);
    let file = |(key, content): &(&str, u128)| crate::model::HeldFile {
        key: (*key).into(),
        format: crate::model::Format::Pem,
        own: Box::default(),
        trusted: [facts.clone()].into(),
        key_match: None,
        fault: None,
        content: *content,
    };
    let uid = Some(format!("uid-{namespace}").into());
    let meta = Meta { namespace: Some(namespace.into()), name: "trust".into(), uid, ..Meta::default() };
    Object::ConfigMap(crate::model::CertificateHolder { meta, files: files.iter().map(file).collect() })
}

/// The rows of the certificates pane: namespace, place, users.
fn certificate_rows(world: &mut World, boards: &mut Boards, change: Delta) -> Vec<String> {
    let touched = world.apply(change, now());
    boards.refresh(world, &touched, now());
    let board = boards.board(Pane::Certificates);
    let said = |row: &Row| {
        let of = |id: &str| row.cells[Pane::Certificates.column(id).unwrap()].print(now()).into_owned();
        format!("{} {} {}", of("namespace"), of("place"), of("users"))
    };
    let mut rows: Vec<String> = board.iter().map(said).collect();
    rows.sort();
    rows
}

#[test]
fn the_same_bundle_in_many_namespaces_is_one_row() {
    let (mut world, mut boards) = (crate::assess::testing::live(), Boards::default());
    let mut put =
        |object: Object| certificate_rows(&mut world, &mut boards, Delta::Upsert(Box::new(object), Scope::All));
    assert_eq!(put(trust("b", &[("ca.crt", 1)])), ["b ConfigMap ca.crt -"]);
    assert_eq!(put(trust("a", &[("ca.crt", 1)])), ["a ConfigMap ca.crt 2 namespaces"], "the first stands for all");
    assert_eq!(put(trust("c", &[("ca.crt", 1)])), ["a ConfigMap ca.crt 3 namespaces"]);
    let apart = put(trust("c", &[("ca.crt", 2), ("more.crt", 1)]));
    assert_eq!(apart, ["a ConfigMap ca.crt 2 namespaces", "c ConfigMap ca.crt -", "c ConfigMap more.crt -"]);
    assert_eq!(
        put(trust("c", &[("ca.crt", 1)])),
        ["a ConfigMap ca.crt 3 namespaces"],
        "keys that are gone have no row"
    );
    let gone = |namespace| Delta::Gone(Box::new(trust(namespace, &[("ca.crt", 1)])));
    assert_eq!(certificate_rows(&mut world, &mut boards, gone("a")), ["b ConfigMap ca.crt 2 namespaces"]);
    assert_eq!(certificate_rows(&mut world, &mut boards, gone("c")), ["b ConfigMap ca.crt -"]);
    assert_eq!(certificate_rows(&mut world, &mut boards, gone("b")), [""; 0]);
}
