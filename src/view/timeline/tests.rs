//! Cells, ticks and merging; what is on the lanes of small worlds.

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, live, meta, now, put, put_snapshot, snapshot, with_claim, x509};
use crate::model::{
    CertManagerCertificate, CertificateFacts, Condition, Delta, KeyMatch, Kind, Meta, Object, Place, Policies, Pvc,
    Scope, TlsSecret, Touched, Uid, VeleroSchedule,
};
use crate::view::OperationState;

fn mark(minutes: i64, level: Level) -> Mark {
    Mark { at: ago(minutes), level, what: format!("{minutes}m ago").into(), object: None, count: 1 }
}

fn lane(marks: Vec<Mark>, spans: Vec<Span>) -> Lane {
    let key = Key::Notice("lane".into());
    Lane { key, object: None, name: "lane".into(), level: Level::Ok, marks, spans, note: None }
}

/// Ten minutes a cell, with now (12:00) in the cell 30 of 60.
fn window() -> Window {
    Window::with(now(), 30, 3, 60)
}

#[test]
fn marks_of_one_cell_are_counted_and_the_worst_speaks() {
    let marks = vec![mark(1, Level::Ok), mark(15, Level::Ok), mark(12, Level::Critical), mark(18, Level::Unknown)];
    let lane = lane(marks, Vec::new());
    let cells = window().cells(&lane);
    assert_eq!(cells[29], TimeCell::Marks(1, Level::Ok));
    assert_eq!(cells[28], TimeCell::Marks(3, Level::Critical));
    assert_eq!(cells.iter().filter(|cell| **cell != TimeCell::Empty).count(), 2);
    let said: Vec<&str> = window().marks(&lane, 28).iter().map(|mark| &*mark.what).collect();
    assert_eq!(said, ["12m ago", "18m ago", "15m ago"], "the worst first");
}

#[test]
fn what_is_outside_the_window_is_in_no_cell() {
    let lane = lane(vec![mark(301, Level::Ok), mark(-300, Level::Ok)], Vec::new());
    assert!(window().cells(&lane).iter().all(|cell| *cell == TimeCell::Empty));
    assert_eq!(window().find(ago(300)), Some(0));
    assert_eq!(window().find(ago(-299)), Some(59));
}

#[test]
fn a_span_fills_every_cell_that_it_reaches_into_and_marks_stand_upon_it() {
    let span = |from, to, level| Span { from: ago(from), to: ago(to), level, what: "so".into() };
    let spans = vec![span(35, 10, Level::Ok), span(10, 5, Level::Critical), span(9_999, 280, Level::Unknown)];
    let cells = window().cells(&lane(vec![mark(25, Level::Ok)], spans));
    assert_eq!(
        cells[26..31],
        [
            TimeCell::Span(Level::Ok),
            TimeCell::Marks(1, Level::Ok),
            TimeCell::Span(Level::Ok),
            TimeCell::Span(Level::Critical),
            TimeCell::Empty,
        ]
    );
    assert_eq!((cells[1], cells[2]), (TimeCell::Span(Level::Unknown), TimeCell::Empty), "it ends where a cell begins");
}

#[rstest]
#[case(0, &["11:45", "11:50", "11:55", "12:00", "12:05", "12:10"])]
#[case(2, &["10:00", "11:00", "12:00", "13:00", "14:00"])]
#[case(4, &["Mar 1", "06:00", "12:00", "18:00", "Mar 2"])]
#[case(5, &["12:00", "Mar 1", "12:00", "Mar 2", "12:00"])]
#[case(7, &["Feb 23", "Mar 2"])]
#[case(10, &["Oct 27", "Jan 26", "Apr 27", "Jul 27"])]
fn ticks_are_sensible_at_every_zoom(#[case] zoom: usize, #[case] labels: &[&str]) {
    let window = Window::with(now(), 30, zoom, 60);
    let ticks = window.ticks();
    let said: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).collect();
    assert_eq!(said, labels);
}

#[test]
fn ticks_never_overlap_and_cells_keep_their_moments_as_time_passes() {
    for zoom in 0..Window::ZOOMS.len() {
        let window = Window::with(now(), 30, zoom, 200);
        let ticks = window.ticks();
        assert!(
            ticks.len() >= 2 && ticks.windows(2).all(|pair| pair[1].cell - pair[0].cell >= 10),
            "{zoom}: {ticks:?}"
        );
        let later = Window::with(now() + window.cell() / 2, 30, zoom, 200);
        let shift = later.moment(0).duration_since(window.moment(0));
        assert!(shift == SignedDuration::ZERO || shift == window.cell(), "{zoom}: {shift}");
    }
    let far = Window::with(Timestamp::MAX, 0, 10, 60);
    assert!(far.ticks().len() < 60 && Window::with(Timestamp::MIN, 59, 10, 60).width() == 60);
}

fn boards(world: &World) -> Boards {
    let mut boards = Boards::default();
    boards.refresh(world, &Touched { all: true, ..Touched::default() }, now());
    boards
}

fn chart(world: &World, operations: &[OperationView], whose: &Whose) -> Chart {
    timeline(world, &boards(world), operations, whose, now())
}

fn of(kind: Kind, name: &str) -> Whose {
    Whose::Object(Key::Object(kind, Uid::from(format!("uid-{name}"))))
}

/// A claim with an objective of four hours, ten days old, and copies cut so many hours ago.
fn covered(hours: &[i64]) -> World {
    let db =
        Pvc { meta: Meta { created: Some(ago(14_400)), ..claim("db", Some("4h")).meta }, ..claim("db", Some("4h")) };
    let mut world = with_claim(&db, Policies::default());
    for hours in hours {
        put_snapshot(&mut world, snapshot(&db, &format!("s{hours}"), ago(hours * 60)));
    }
    world
}

/// The spans of the objective, as level and hours before now.
fn spans(world: &World) -> Vec<(Level, i64, i64)> {
    let chart = chart(world, &[], &of(Kind::Pvc, "db"));
    let hours = |at: Timestamp| now().duration_since(at).as_hours();
    chart.lanes[1].spans.iter().map(|span| (span.level, hours(span.from), hours(span.to))).collect()
}

#[test]
fn a_copy_covers_its_objective_and_gaps_are_said_for_what_they_are() {
    assert_eq!(
        spans(&covered(&[1, 4, 12])),
        [(Level::Unknown, 240, 12), (Level::Ok, 12, 8), (Level::Warn, 8, 4), (Level::Ok, 4, 1), (Level::Ok, 1, -3),]
    );
    let late = spans(&covered(&[6]));
    assert_eq!(late[1..], [(Level::Ok, 6, 2), (Level::Critical, 2, 0)], "breached now");
    assert_eq!(spans(&covered(&[])), [(Level::Critical, 240, 0)], "there never was one");
}

#[test]
fn a_gap_is_unknown_where_a_copy_may_fill_it_or_copies_cannot_be_seen() {
    let mut world = covered(&[1, 12]);
    let (shot, mut content) = snapshot(&claim("db", None), "odd", ago(6 * 60));
    content.ready = Some(false);
    put_snapshot(&mut world, (shot, content));
    assert_eq!(spans(&world)[2], (Level::Unknown, 8, 1));
    let mut world = covered(&[6]);
    world.apply(Delta::Denied(Kind::VeleroBackup, Scope::All, "list".into()), now());
    assert_eq!(spans(&world)[2].0, Level::Unknown);
}

#[test]
fn a_volume_has_its_copies_objective_operations_and_plans() {
    let mut world = covered(&[1, 5]);
    let schedule = VeleroSchedule {
        meta: meta("nightly"),
        cron: "0 20 * * *".into(),
        phase: "Enabled".into(),
        last: Some(ago(960)),
        ..VeleroSchedule::default()
    };
    put(&mut world, [Object::VeleroSchedule(schedule)]);
    let operation = |subject: &str| OperationView {
        id: subject.into(),
        title: format!("back up {subject}").into(),
        subject: Key::Object(Kind::Pvc, Uid::from(subject)),
        state: OperationState::Failed,
        started: Some(ago(30)),
        ended: Some(ago(29)),
        steps: Vec::new(),
        waits: None,
        message: None,
        can_resume: false,
        resumed: 0,
        made: None,
        undo: Vec::new(),
        held: None,
        unclosed: Vec::new(),
        takes_back: None,
        elsewhere: None,
    };
    let operations = [operation("uid-db"), operation("uid-other")];
    for whose in [of(Kind::Pvc, "db"), of(Kind::VolumeSnapshot, "s1"), of(Kind::Pv, "pv-db")] {
        let chart = chart(&world, &operations, &whose);
        let names: Vec<&str> = chart.lanes.iter().map(|lane| &*lane.name).collect();
        assert_eq!(names, ["Copies", "Objective 4h", "Operations", "Planned: nightly"]);
        assert_eq!(chart.lanes[0].marks.len(), 2);
        let [done] = chart.lanes[2].marks.as_slice() else { panic!("{:?}", chart.lanes[2]) };
        assert_eq!((done.level, &*done.what), (Level::Critical, "Failed: back up uid-db"));
        let planned: Vec<Timestamp> = chart.lanes[3].marks.iter().map(|mark| mark.at).collect();
        assert_eq!((planned[0], planned[1], planned.len()), (ago(960), ago(-480), 32));
    }
}

#[test]
fn what_cannot_be_seen_is_said_on_its_lane() {
    let mut world = covered(&[]);
    world.apply(Delta::Denied(Kind::VolumeSnapshot, Scope::All, "list".into()), now());
    world.apply(Delta::Absent(Kind::VeleroSchedule, Scope::All), now());
    let chart = chart(&world, &[], &of(Kind::Pvc, "db"));
    let note = |place: usize| chart.lanes[place].note.as_ref().map(|(_, note)| note.to_string()).unwrap_or_default();
    assert!(note(0).starts_with("DENIED list"), "{}", note(0));
    assert!(note(3).starts_with("NOT SERVED"), "{}", note(3));
}

#[test]
fn a_certificate_is_valid_then_late_then_expired() {
    let mut world = live();
    let days = |days: i64| ago(-days * 24 * 60);
    let certificate = |renewal| CertManagerCertificate {
        meta: meta("web"),
        secret: "web-tls".into(),
        issuer: ("Issuer".into(), "ca".into()),
        not_before: Some(days(-30)),
        not_after: Some(days(60)),
        renewal,
        ..CertManagerCertificate::default()
    };
    put(&mut world, [Object::Certificate(certificate(None))]);
    let lane = |world: &World| chart(world, &[], &of(Kind::Certificate, "web")).lanes.remove(0);
    let levels = |lane: &Lane| lane.spans.iter().map(|span| span.level).collect::<Vec<_>>();
    let own = lane(&world);
    assert_eq!(levels(&own), [Level::Ok, Level::Warn, Level::Warn, Level::Critical]);
    assert_eq!((own.spans[0].to, own.spans[3].from), (days(32), days(60)), "28 days before its end");
    put(&mut world, [Object::Certificate(certificate(Some(days(30))))]);
    let own = lane(&world);
    assert_eq!(own.marks.iter().map(|mark| mark.at).collect::<Vec<_>>(), [days(-30), days(30), days(60)]);
    assert_eq!(own.spans[0].to, days(30) + SignedDuration::from_mins(10), "cert-manager renews it in time");
}

#[test]
fn the_worst_of_a_namespace_are_shown_and_nothing_that_is_fine_beside_them() {
    let mut world = covered(&[1]);
    let away = |name: &str| {
        let own = claim(name, Some("4h"));
        Object::Pvc(Pvc { meta: Meta { namespace: Some("batch".into()), ..own.meta }, ..own })
    };
    put(&mut world, [away("a"), away("b")]);
    let names = |namespace: Option<&str>| -> Vec<String> {
        let chart = chart(&world, &[], &Whose::Worst(namespace.map(Into::into)));
        chart.lanes.iter().map(|lane| lane.name.to_string()).collect()
    };
    assert_eq!(names(None), ["batch/a", "batch/b", "Certificates 90d", "Operations", "Planned"]);
    assert_eq!(names(Some("shop")), ["shop/db", "Certificates 90d", "Operations", "Planned"]);
}

#[test]
fn what_is_gone_has_no_lanes() {
    assert!(chart(&live(), &[], &of(Kind::Pvc, "gone")).lanes.is_empty());
    assert!(chart(&live(), &[], &Whose::Object(Key::Operation("x".into()))).lanes.is_empty());
}

const DAY: i64 = 24 * 60;

/// A Secret whose leaf began so many days ago and ends in so many, with a CA that ends then, where it has one.
fn stored(name: &str, begun: i64, left: i64, ca: Option<i64>) -> Object {
    let place = |key: &str, facts| Place { key: key.into(), chain: Ok([facts].into()) };
    let signer = format!("CN=ca of {name}");
    let leaf = x509(&format!("CN={name}"), &signer, begun * DAY, left * DAY);
    let ca = ca.map(|left| CertificateFacts { ca: true, ..x509(&signer, &signer, 400 * DAY, left * DAY) });
    Object::TlsSecret(TlsSecret {
        meta: meta(name),
        leaf: place("tls.crt", leaf),
        ca: ca.map(|ca| place("ca.crt", ca)),
        key: KeyMatch::Match,
        files: Box::default(),
    })
}

/// The Certificate that writes a Secret and has it renewed in so many days.
fn renewed(name: &str, days: i64) -> Object {
    let ready =
        Condition { kind: "Ready".into(), status: "True".into(), reason: "".into(), message: "".into(), since: None };
    Object::Certificate(CertManagerCertificate {
        meta: meta(&format!("{name}-of")),
        secret: name.into(),
        issuer: ("Issuer".into(), "ca".into()),
        renewal: Some(ago(-days * DAY)),
        conditions: [ready].into(),
        ..CertManagerCertificate::default()
    })
}

fn ends(world: &World, whose: &Whose) -> Lane {
    chart(world, &[], whose).lanes.into_iter().find(is_of_certificates).unwrap()
}

/// Each mark: in how many days, its level, how many it stands for.
fn due(lane: &Lane) -> Vec<(i64, Level, usize)> {
    let days = |at: Timestamp| at.duration_since(now()).as_hours() / 24;
    lane.marks.iter().map(|mark| (days(mark.at), mark.level, mark.count)).collect()
}

#[test]
fn every_certificate_that_ends_or_is_renewed_within_90_days_is_on_one_lane_in_order() {
    let mut world = live();
    let objects = [
        stored("a", 10, 80, None),
        stored("b", 10, 91, None),
        stored("c", 300, 10, None),
        stored("d", 10, 300, Some(40)),
        stored("e", 30, 60, None),
        renewed("e", 50),
        stored("f", 30, 20, None),
        renewed("f", -1),
        stored("g", 400, -5, None),
    ];
    put(&mut world, objects);
    let lane = ends(&world, &Whose::Worst(None));
    let expected = [
        (-1, Level::Critical, 1),
        (10, Level::Critical, 1),
        (20, Level::Critical, 1),
        (40, Level::Warn, 1),
        (50, Level::Info, 1),
        (60, Level::Info, 1),
        (80, Level::Warn, 1),
    ];
    assert_eq!(
        due(&lane),
        expected,
        "91 days are too far, what has ended is a problem and not due, d ends with its CA"
    );
    assert_eq!(&*lane.marks[3].what, "Secret shop/d ends in 40d");
    assert_eq!(&*lane.marks[4].what, "Secret shop/e is to be renewed in 50d");
    assert_eq!(lane.level, Level::Critical);
    assert!(ends(&world, &Whose::Worst(Some("batch".into()))).marks.is_empty());
    let names: Vec<String> =
        chart(&world, &[], &Whose::Certificates(None)).lanes.iter().map(|lane| lane.name.to_string()).collect();
    let order = ["Certificates 90d", "shop/f", "shop/c", "shop/d", "shop/e", "shop/a"];
    assert_eq!(names, order, "each has a lane, what comes first on top");
}

#[test]
fn many_of_one_day_are_one_mark_that_counts_them() {
    let mut world = live();
    put(&mut world, ["a", "b", "c"].map(|name| stored(name, 10, 30, None)));
    put(&mut world, [stored("d", 300, 30, Some(30)), renewed("d", 30)]);
    let lane = ends(&world, &Whose::Worst(None));
    assert_eq!(due(&lane), [(30, Level::Warn, 4), (30, Level::Info, 1)]);
    assert_eq!(&*lane.marks[0].what, "4 certificates end on 2026-03-31, the first in 30d: Secret shop/a");
    assert_eq!(lane.marks[0].object, Some(Key::Object(Kind::TlsSecret, "uid-a".into())));
    let window = Window::with(now(), 5, 8, 60);
    assert_eq!(window.cells(&lane)[35], TimeCell::Marks(5, Level::Warn), "a cell counts what its marks stand for");
}

#[test]
fn that_nothing_is_due_is_said_only_where_everything_is_seen() {
    let mut world = live();
    put(&mut world, [stored("b", 10, 200, None)]);
    let note = |world: &World| ends(world, &Whose::Worst(None)).note.unwrap();
    assert_eq!(note(&world), (Level::Info, "none ends or is to be renewed within 90 days".into()));
    let meta = meta("odd");
    let leaf = Place { key: "tls.crt".into(), chain: Err("cannot be read".into()) };
    let odd = TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() };
    put(&mut world, [Object::TlsSecret(odd)]);
    let said = "of 1 certificate it is not known when; none ends or is to be renewed within 90 days";
    assert_eq!(note(&world), (Level::Unknown, said.into()));
    put(&mut world, [stored("c", 10, 30, None)]);
    assert!(note(&world).1.ends_with("1 due within 90 days; first: Secret shop/c ends in 30d"), "{:?}", note(&world));
    world.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), now());
    assert!(note(&world).1.starts_with("DENIED list"), "{:?}", note(&world));
}

#[test]
fn a_certificate_ends_with_what_its_chain_stands_on() {
    let mut world = live();
    put(&mut world, [stored("d", 10, 300, Some(40))]);
    let lane = chart(&world, &[], &of(Kind::TlsSecret, "d")).lanes.remove(0);
    let last = lane.marks.last().unwrap();
    assert_eq!((last.at, &*last.what), (ago(-40 * DAY), "End of a CA that it stands on, in 40d"));
}
