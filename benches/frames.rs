//! What a frame, an event, a filter and a sort cost with many rows. `cargo bench --bench frames`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to measure")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use holdfast::model::{
    ClaimRef, Content, ContentSource, Context, DeletionPolicy, Delta, Kind, Meta, Object, Policies, Pv, Pvc, Scope,
    SnapshotSource, Touched, Uid, VolumeSnapshot,
};
use holdfast::session::Desk;
use holdfast::tui::{App, Chord, Input, Theme, draw};
use holdfast::view::{Filter, Listing, Pane, Query, Sort, problems};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZES: [usize; 2] = [10_000, 50_000];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_second(1_772_000_000).unwrap()
}

fn meta(namespace: Option<&Arc<str>>, name: String) -> Meta {
    let uid = Uid::from(format!("{}-{name}", namespace.map_or("", |namespace| namespace)));
    let created = Some(now() - SignedDuration::from_hours(500));
    Meta { namespace: namespace.cloned(), name: name.into(), uid: Some(uid), created, ..Meta::default() }
}

/// One claim, its volume, one copy of it and that copy's content.
fn volume(i: usize) -> [Object; 4] {
    let namespace: Arc<str> = format!("team-{}", i % 200).into();
    let of_claim = meta(Some(&namespace), format!("data-service-{i}"));
    let of_copy = meta(Some(&namespace), format!("data-service-{i}-daily"));
    let claim_ref = ClaimRef { namespace: namespace.clone(), name: of_claim.name.clone(), uid: of_claim.uid.clone() };
    let copy_ref = ClaimRef { namespace, name: of_copy.name.clone(), uid: of_copy.uid.clone() };
    let driver: Arc<str> = "csi.example".into();
    let cut = Some(now() - SignedDuration::from_mins(i64::try_from(i % 500).unwrap()));
    let pv = Pv {
        meta: meta(None, format!("pv-{i}")),
        csi: Some((driver.clone(), format!("vol-{i}").into())),
        claim: Some(claim_ref),
        ..Pv::default()
    };
    let content = Content {
        meta: meta(None, format!("content-{i}")),
        driver,
        source: ContentSource::Volume(format!("vol-{i}").into()),
        deletion: DeletionPolicy::Delete,
        snapshot: Some(copy_ref),
        handle: Some(format!("snap-{i}").into()),
        ready: Some(true),
        cut,
        ..Content::default()
    };
    let snapshot = VolumeSnapshot {
        source: SnapshotSource::Claim(of_claim.name.clone()),
        content: Some(content.meta.name.clone()),
        class: Some("block".into()),
        cut,
        ready: Some(true),
        restore_size: Some(8 << 30),
        meta: of_copy,
        ..VolumeSnapshot::default()
    };
    let claim = Pvc {
        meta: of_claim,
        volume_name: Some(pv.meta.name.clone()),
        storage_class: Some("block".into()),
        capacity: Some(10 << 30),
        phase: "Bound".into(),
        ..Pvc::default()
    };
    [Object::Pv(pv), Object::Pvc(claim), Object::Content(content), Object::VolumeSnapshot(snapshot)]
}

fn desk(volumes: usize) -> Desk {
    let policies = Policies { default_rpo: Some("4h".into()), ..Policies::default() };
    let mut desk = Desk::new(Context::default(), policies, now());
    for object in (0..volumes).flat_map(volume) {
        desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    }
    for kind in Kind::ALL {
        desk.world.apply(Delta::ListDone(*kind, Scope::All), now());
    }
    desk.refresh(&Touched { all: true, ..Touched::default() }, now());
    desk
}

fn app(desk: &Desk) -> App {
    let mut app = App::new(Theme::named("dark").unwrap(), 200, 60);
    app.handle(desk, Input::Changed);
    app
}

fn key(name: &str) -> Input {
    Input::Key(Chord::parse(name).unwrap().event())
}

/// One row down and a frame: four panes, 200 columns and 60 lines.
#[divan::bench(args = SIZES)]
fn frame_after_key(bencher: Bencher, volumes: usize) {
    let desk = desk(volumes);
    let mut app = app(&desk);
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    bencher.bench_local(|| {
        app.handle(&desk, key("j"));
        terminal.draw(|frame| drop(draw(&app, &desk, frame))).unwrap();
    });
}

/// The same with one pane on the whole screen.
#[divan::bench(args = SIZES)]
fn frame_zoomed(bencher: Bencher, volumes: usize) {
    let desk = desk(volumes);
    let mut app = app(&desk);
    app.handle(&desk, key("z"));
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    bencher.bench_local(|| {
        app.handle(&desk, key("j"));
        terminal.draw(|frame| drop(draw(&app, &desk, frame))).unwrap();
    });
}

/// One changed snapshot, from the watch to rows that are in order again.
#[divan::bench(args = SIZES)]
fn apply_event(bencher: Bencher, volumes: usize) {
    let mut desk = desk(volumes);
    let mut app = app(&desk);
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        let [.., snapshot] = volume(turn % volumes);
        let Object::VolumeSnapshot(mut snapshot) = snapshot else { return };
        snapshot.ready = Some(turn % 2 == 0);
        let delta = Delta::Upsert(Box::new(Object::VolumeSnapshot(snapshot)), Scope::All);
        let touched = desk.world.apply(delta, now());
        desk.refresh(&touched, now());
        app.handle(&desk, Input::Changed);
    });
}

fn listing(bencher: Bencher, volumes: usize, query: &Query) {
    let desk = desk(volumes);
    let board = desk.boards.board(Pane::Volumes);
    bencher.bench_local(|| {
        let mut listing = Listing::new(query.clone());
        listing.refresh(board, &desk.world, now());
        black_box(listing.len())
    });
}

/// A filter over all texts of all rows, one that looks at one column, comparisons, and one that needs the objects'
/// labels. Aim: 20 ms.
#[divan::bench(args = [
    "service-77",
    "name:service-77",
    "capacity>100Gi lastGood>4h",
    "label:tier=gold age>3d",
    "!service-1 namespace:team-7 level:warn copies<2",
])]
fn filter_50k(bencher: Bencher, filter: &str) {
    listing(bencher, 50_000, &Query { filter: Filter::parse(filter), ..Query::default() });
}

/// Sorting from nothing: by severity and name, and by the age of the last copy.
#[divan::bench(args = ["worst", "lastGood"])]
fn sort_50k(bencher: Bencher, by: &str) {
    let column = Pane::Volumes.columns().iter().position(|column| column.id == by);
    let sort = column.map_or(Sort::Worst, |column| Sort::By { column, descending: false });
    listing(bencher, 50_000, &Query { sort, ..Query::default() });
}

/// All rows judged anew, as after a list or when a watch broke.
#[divan::bench(args = SIZES, sample_count = 10)]
fn judge_all(bencher: Bencher, volumes: usize) {
    let mut desk = desk(volumes);
    bencher.bench_local(|| desk.refresh(&Touched { all: true, ..Touched::default() }, now()));
}

/// The list of problems.
#[divan::bench(args = SIZES)]
fn problems_list(bencher: Bencher, volumes: usize) {
    let desk = desk(volumes);
    bencher.bench_local(|| black_box(problems(&desk.world, &desk.boards, &[], &[]).len()));
}
