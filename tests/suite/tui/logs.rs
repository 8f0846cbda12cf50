//! Choosing a log, reading it, and what is said when there is none.

use holdfast::cluster::{CallError, LogEvent, LogQuery};
use holdfast::model::{Container, ContainerState, Delta, Kind, LogLine, Meta, Object, Scope};
use holdfast::tui::{Effect, Input, LEAST, Place};
use insta::assert_snapshot;

use super::driven::Driven;
use super::shop;

const SIZES: [(u16, u16); 2] = [(120, 36), (80, 24)];

fn line(second: usize, text: &str) -> LogLine {
    let at = format!("2026-03-01T03:{:02}:{:02}.250Z", 5 + second / 60, second % 60).parse().ok();
    LogLine { at, text: text.into() }
}

/// What a database wrote, with something hostile and something very long in it.
fn lines(count: usize) -> Vec<LogLine> {
    let text = |number: usize| match number % 9 {
        0 => "LOG:  checkpoint starting: time".to_owned(),
        1 => "LOG:  checkpoint complete: wrote 42 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled; \
              write=4.113 s, sync=0.021 s, total=4.140 s; sync files=17, longest=0.006 s, average=0.002 s"
            .to_owned(),
        4 => format!("ERROR:  duplicate key value violates unique constraint \"orders_pkey\" ({number})"),
        6 => "LOG:  \u{1b}[31mred\u{1b}[0m and \u{202e}turned around".to_owned(),
        other => format!("LOG:  connection received: host=10.244.0.{other} port={}", 40_000 + number),
    };
    (0..count).map(|number| line(number, &text(number))).collect()
}

/// The number and the query of the log that was asked for last.
fn asked(driven: &Driven) -> (u64, LogQuery) {
    let open = |effect: &Effect| match effect {
        Effect::OpenLog { ask, query } => Some((*ask, query.clone())),
        _ => None,
    };
    driven.effects.iter().rev().find_map(open).unwrap_or_else(|| panic!("no log was asked for: {:?}", driven.effects))
}

fn hear(driven: &mut Driven, events: impl IntoIterator<Item = LogEvent>) {
    let (ask, _) = asked(driven);
    events.into_iter().for_each(|event| driven.input(Input::Log(ask, event)));
}

/// The log of the first database's container, with so many lines.
pub fn reading(columns: u16, height: u16, count: usize) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, height);
    driven.press("/ name:data-db-0 enter l");
    hear(&mut driven, [LogEvent::Lines(lines(count)), LogEvent::Following]);
    driven
}

fn put(driven: &mut Driven, object: Object) {
    let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.input(Input::Changed);
}

/// The pod of the first database, changed.
fn change_pod(driven: &mut Driven, change: impl FnOnce(&mut holdfast::model::Pod)) {
    let pod = driven.desk.world.inventory.pods.iter().find(|pod| &*pod.meta.name == "db-0").cloned();
    let mut pod = pod.unwrap();
    change(&mut pod);
    put(driven, Object::Pod(pod));
}

fn refused(code: u16, reason: &str, message: &str) -> CallError {
    CallError::Refused { code, reason: reason.into(), message: message.into(), causes: Vec::new() }
}

#[test]
fn a_log_is_followed() {
    for (columns, height) in SIZES {
        let driven = reading(columns, height, 40);
        assert_snapshot!(format!("log-{columns}x{height}"), driven.screen());
    }
}

#[test]
fn a_log_is_paused_searched_and_timed() {
    for (columns, height) in SIZES {
        let mut driven = reading(columns, height, 400);
        driven.press("t / error enter ctrl-u k");
        hear(&mut driven, [LogEvent::Lines(vec![line(500, "ERROR:  a new one")])]);
        assert_snapshot!(format!("log-paused-{columns}x{height}"), driven.screen());
    }
}

#[test]
fn a_log_that_was_cut_says_since_when_and_why() {
    for (columns, height) in SIZES {
        let mut driven = reading(columns, height, 40);
        let why = CallError::Unreachable { why: "connection refused".into(), sent: true };
        hear(&mut driven, [LogEvent::Cut(why.clone())]);
        driven.desk.now += jiff::SignedDuration::from_secs(42);
        hear(&mut driven, [LogEvent::Cut(why)]);
        assert_snapshot!(format!("log-cut-{columns}x{height}"), driven.screen());
    }
}

#[test]
fn a_missing_right_is_named() {
    for (columns, height) in SIZES {
        let mut driven = Driven::new(shop::desk(), columns, height);
        driven.press("/ name:data-db-0 enter l");
        let why = "pods \"db-0\" is forbidden: User \"ada\" cannot get resource \"pods/log\" in API group \"\" in the \
                   namespace \"shop\"";
        hear(&mut driven, [LogEvent::Failed(refused(403, "Forbidden", why))]);
        assert_snapshot!(format!("log-denied-{columns}x{height}"), driven.screen());
    }
}

#[test]
fn a_failing_copy_has_several_logs_and_says_which_are_not_seen() {
    for (columns, height) in SIZES {
        let mut driven = Driven::new(shop::desk(), columns, height);
        let container = |name: &str, image: &str| Container {
            name: name.into(),
            image: image.into(),
            state: ContainerState::Running,
            ready: true,
            ..Container::default()
        };
        let sidecar = Container {
            state: ContainerState::Waiting("CrashLoopBackOff".into()),
            ready: false,
            previous: true,
            restarts: 7,
            ..container("csi-snapshotter", "sig-storage/csi-snapshotter:v8.2")
        };
        put(
            &mut driven,
            Object::Pod(holdfast::model::Pod {
                meta: Meta {
                    namespace: Some("storage".into()),
                    name: "block-csi-controller-7d9c5b6f4-x2x8q".into(),
                    uid: Some("uid-csi".into()),
                    labels: [("driver".into(), "block.csi.example".into())].into(),
                    ..Meta::default()
                },
                phase: "Running".into(),
                containers: [container("driver", "block/csi:1"), sidecar].into(),
                ..holdfast::model::Pod::default()
            }),
        );
        driven.press("2 / data-db-1 enter l");
        assert_snapshot!(format!("log-sources-{columns}x{height}"), driven.screen());
        assert_eq!(driven.app.place(), Place::Sources);
        driven.press("j enter");
        assert!(asked(&driven).1.previous, "the second is the instance before");
        driven.press("esc");
        assert_eq!(driven.app.place(), Place::Sources);
        assert!(matches!(driven.effects.last(), Some(Effect::CloseLog(_))), "{:?}", driven.effects);
    }
}

#[test]
fn scrolling_up_pauses_and_the_end_follows_again() {
    let mut driven = reading(80, 24, 100);
    assert!(driven.screen().contains("✓ following"));
    driven.press("k k");
    let before = driven.screen();
    assert!(before.contains("· paused: 2 newer, G follows"), "{before}");
    hear(&mut driven, [LogEvent::Lines(lines(5))]);
    let rows = |screen: &str| screen.lines().skip(2).take(18).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&driven.screen()), rows(&before), "what is read stays where it is");
    assert!(driven.screen().contains("paused: 7 newer"));
    driven.press("G");
    assert!(driven.screen().contains("✓ following"));
    driven.press("g");
    assert!(driven.screen().lines().nth(2).unwrap().contains("checkpoint starting"), "{}", driven.screen());
    driven.press("pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn");
    assert!(driven.screen().contains("✓ following"));
}

#[test]
fn a_log_is_read_only_while_a_layer_shows_it() {
    let mut driven = reading(80, 24, 3);
    let (first, _) = asked(&driven);
    driven.effects.clear();
    driven.press("?");
    assert!(driven.effects.is_empty(), "help lies upon it");
    driven.press("esc 1");
    assert_eq!(driven.effects, [Effect::CloseLog(first)]);
    driven.effects.clear();
    driven.press("-");
    let (second, _) = asked(&driven);
    assert_ne!(first, second);
    assert!(driven.screen().contains("Reading the log"), "{}", driven.screen());
    driven.input(Input::Log(first, LogEvent::Lines(lines(3))));
    assert!(!driven.screen().contains("checkpoint"), "what comes late is of another time");
}

#[test]
fn the_other_instance_is_offered_only_where_there_is_one() {
    let mut driven = reading(80, 24, 3);
    driven.effects.clear();
    driven.press("i");
    assert!(driven.effects.is_empty());
    assert!(driven.screen().contains("there is none before this"), "{}", driven.screen());
    change_pod(&mut driven, |pod| pod.containers[0].previous = true);
    driven.press("i");
    assert!(asked(&driven).1.previous);
    assert!(driven.screen().contains("(previous)"), "{}", driven.screen());
    hear(&mut driven, [LogEvent::Failed(refused(400, "BadRequest", "previous terminated container not found"))]);
    assert!(driven.screen().contains("There is no previous instance of postgres"), "{}", driven.screen());
    driven.press("i");
    assert!(!asked(&driven).1.previous);
}

#[test]
fn a_filter_for_lines_works_while_it_is_typed_and_leaves_the_panes_alone() {
    let mut driven = reading(80, 24, 90);
    driven.press("/ error");
    assert!(driven.screen().contains("10 of 90 lines"), "{}", driven.screen());
    driven.press("esc");
    assert!(driven.screen().contains(" 90 lines"), "{}", driven.screen());
    driven.press("/ nothing enter");
    assert!(driven.screen().contains("No line passes the filter"), "{}", driven.screen());
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Logs, "escape takes the filter away first");
    driven.press("/ nothing enter q");
    assert_eq!(driven.app.place(), Place::Panes, "q closes it, filtered or not");
    let panes = &driven.app.panes;
    assert_eq!(panes.state(panes.focus).listing.query().filter.text(), "name:data-db-0");
}

#[test]
fn lines_on_the_screen_are_copied_whole_and_private_keys_are_not_in_them() {
    let mut driven = reading(80, 24, 0);
    let key = ["-----BEGIN EC PRIVATE KEY-----", "MHcCAQEEIPsecret", "-----END EC PRIVATE KEY-----"];
    hear(&mut driven, [LogEvent::Lines(key.iter().map(|text| line(1, text)).collect())]);
    hear(&mut driven, [LogEvent::Lines(vec![line(2, &"x".repeat(300)), line(3, "last")])]);
    driven.press("w");
    driven.effects.clear();
    driven.press("c");
    let [Effect::Copy(text)] = driven.effects.as_slice() else { panic!("{:?}", driven.effects) };
    assert_eq!(*text, format!("(a private key, not shown)\n{}\nlast", "x".repeat(300)));
    assert!(driven.screen().contains("sent to the clipboard: 3 lines"), "{}", driven.screen());
    assert!(!driven.screen().contains("secret"));
}

#[test]
fn a_span_of_time_may_be_asked_for() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("/ name:data-db-0 enter : logs space 15m enter");
    assert_eq!(asked(&driven).1.since_seconds, Some(900));
    driven.press("esc : logs space soon enter");
    assert!(driven.screen().contains("how far back?"), "{}", driven.screen());
}

#[test]
fn what_has_no_logs_says_so() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:scratch enter l");
    let screen = driven.screen();
    assert!(screen.contains("There is no log to read") && screen.contains("no pod that is seen mounts batch/scratch"));
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Sources, "there is nothing to open");
    driven.press("esc enter");
    let screen = driven.screen();
    let class = screen.lines().position(|line| line.contains("StorageClass")).unwrap();
    driven.press(&"j ".repeat(class.saturating_sub(2))).press("enter");
    assert!(driven.screen().contains("StorageClass"), "{}", driven.screen());
}

#[test]
fn a_log_of_any_size_is_drawn_on_any_screen() {
    for (columns, height) in [(1, 1), (5, 3), (20, 6), LEAST, (79, 17), (111, 30)] {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        driven.press("/ name:data-db-0 enter l").resize(columns, height);
        let long = line(0, &"数据 ".repeat(5_000));
        hear(&mut driven, [LogEvent::Lines(vec![long]), LogEvent::Lines(lines(30)), LogEvent::Following]);
        for keys in ["", "g", "k", "w", "t", "ctrl-u", "pgup", "G", "/ e", "esc", "c"] {
            driven.press(keys).screen();
        }
        let failed = refused(500, "InternalError", "dial tcp 10.0.0.1:10250: connect: no route to host");
        hear(&mut driven, [LogEvent::Cut(failed)]);
        driven.press("g").screen();
    }
}

#[test]
fn older_lines_that_were_dropped_are_counted() {
    let mut driven = reading(120, 36, 0);
    for _ in 0..21 {
        hear(&mut driven, [LogEvent::Lines(lines(500))]);
    }
    let screen = driven.screen();
    assert!(screen.contains("10000 lines") && screen.contains("500 older lines were dropped"), "{screen}");
    assert_eq!(driven.desk.world.inventory.count(Kind::Pod), 2);
}
