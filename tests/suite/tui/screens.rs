//! Screens as text, on both sizes.

use holdfast::model::{Connection, Delta, Kind, ObjRef, Scope};
use holdfast::plan::{
    Act, DryRun, Node, ObjectAt, OperationId, Plan, Refusal, Step, StepId, Subject, Target, Until, Verb,
};
use holdfast::tui::{Effect, Input, LEAST};
use holdfast::view::{Held, Level, OperationView};
use insta::assert_snapshot;
use jiff::SignedDuration;

use super::driven::Driven;
use super::shop;

/// The plan that a session would make for the first volume.
pub fn plan(driven: &Driven) -> Plan {
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("nothing was asked") };
    let subject = request.subject().1;
    let meta = driven.desk.world.inventory.meta(Kind::Pvc, subject).unwrap();
    let at = ObjectAt::of(Kind::VolumeSnapshot, meta.namespace.as_deref(), &format!("{}-7c1d9a04", meta.name));
    let step = |id: &str, title: String, act, seconds| {
        let deadline = std::time::Duration::from_secs(seconds);
        Node::Do(Box::new(Step { id: StepId(id.into()), title, act, guards: Vec::new(), deadline }))
    };
    let wait = || {
        let target = Target::Known { at: at.clone(), uid: subject.clone() };
        let until = Until::default();
        Act::Wait { target, until: Box::new(until) }
    };
    let create = Act::Create { at: at.clone(), manifest: serde_json::json!({}) };
    Plan {
        id: OperationId::parse("20260301-030612-7c1d9a04").unwrap(),
        verb: Verb::Backup,
        count: None,
        title: format!("back up volume {}", meta.reference(Kind::Pvc).path()),
        context: driven.desk.world.context.name.to_string(),
        server: driven.desk.world.context.server.to_string(),
        protected: driven.desk.world.context.protected,
        subject: Subject {
            object: meta.reference(Kind::Pvc),
            uid: subject.clone(),
            resource_version: meta.resource_version.to_string(),
        },
        made: shop::now(),
        facts: vec![
            ("driver".into(), "block.csi.example".into()),
            ("snapshot class".into(), "block-snap (default of its driver)".into()),
            ("consistency".into(), "crash: as if the power went out".into()),
        ],
        warnings: vec![
            "deletion policy is Delete: deleting the VolumeSnapshot, or namespace shop, destroys this copy".into(),
        ],
        command: "holdfast backup shop/data-db-0 --context shop-prod".into(),
        changes: vec![format!("one VolumeSnapshot is created in namespace {}", meta.namespace())],
        undo: vec![format!("delete VolumeSnapshot {}: the volume itself is not touched", at.name)],
        locks: vec![],
        undoes: None,
        bundle: None,
        nodes: vec![
            step("create", format!("create {at}"), create, 60),
            step("cut", "wait until the snapshot is cut".into(), wait(), 120),
            step("ready", "wait until the snapshot is ready (it can be restored from)".into(), wait(), 600),
        ],
    }
}

/// A plan on the screen, to be read.
pub fn reviewed(columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    driven.press("x b enter");
    let plan = plan(&driven);
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    driven
}

/// A screen on both sizes.
pub fn both(name: &str, keys: &str, prepare: impl Fn(&mut Driven)) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        prepare(&mut driven);
        driven.input(Input::Changed);
        driven.press(keys);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn panes() {
    both("panes", "j j", |driven| driven.desk.operations = vec![shop::operation()]);
}

#[test]
fn before_anything_is_heard() {
    both("blank", "", |driven| driven.desk = shop::blank());
}

#[test]
fn a_filter_being_typed() {
    both("filter", "/ state:breach", |_| {});
}

#[test]
fn the_problems_at_three_in_the_morning() {
    both("problems", "p j", |driven| {
        driven.desk.world.apply(Delta::Denied(Kind::Node, Scope::All, "list".into()), shop::now());
        driven.desk.operations = vec![shop::interrupted()];
    });
}

#[test]
fn one_volume_and_what_it_is_linked_to() {
    both("detail", "/ name:data-db-1 enter enter j", |_| {});
}

#[test]
fn a_volume_that_fills_up() {
    both("detail-filling", "/ name:data-db-1 enter enter", |driven| {
        shop::measured(&mut driven.desk, "data-db-1", 98, 80);
    });
}

#[test]
fn a_copy_that_fails_with_its_events() {
    both("detail-copy", "2 enter", |_| {});
}

#[test]
fn a_certificate_zoomed_and_sorted() {
    both("certificates", "3 z s s s", |_| {});
}

#[test]
fn what_can_be_done_and_why_not() {
    both("menu", "2 x", |_| {});
}

#[test]
fn commands_are_listed() {
    both("palette", ": re", |_| {});
}

#[test]
fn help_is_for_this_screen() {
    both("help", "?", |_| {});
}

#[test]
fn a_plan_to_read_and_to_confirm() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = reviewed(columns, lines);
        assert_snapshot!(format!("review-{columns}x{lines}"), driven.screen());
        driven.press("enter data-");
        assert_snapshot!(format!("confirm-{columns}x{lines}"), driven.screen());
        driven.press("esc enter lexger");
        assert_snapshot!(format!("confirm-wrong-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn why_there_is_no_plan() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("x b enter");
    let refusal = Refusal {
        verb: Verb::Backup,
        object: "volume shop/data-db-0".into(),
        why: "needs the right to create volumesnapshots.snapshot.storage.k8s.io in shop".into(),
        clear: "ask for a role that may create volumesnapshots.snapshot.storage.k8s.io in shop".into(),
    };
    driven.input(Input::Planned { ask: 1, result: Box::new(Err(refusal)) });
    assert_snapshot!("refusal-120x36", driven.screen());
}

#[test]
fn an_operation_and_what_it_waits_for() {
    both("operation", "o enter", |driven| driven.desk.operations = vec![shop::operation()]);
}

#[test]
fn an_operation_that_ended_says_what_to_do_next() {
    both("operation-done", "o enter", |driven| driven.desk.operations = vec![shop::done()]);
    both("operation-failed", "o enter G", |driven| driven.desk.operations = vec![shop::failed()]);
}

#[test]
fn what_is_not_seen_released_stands_above_all_else() {
    both("operation-holding", "o enter", |driven| driven.desk.operations = vec![shop::holding()]);
    both("problems-unreleased", "p", |driven| driven.desk.operations = vec![shop::unreleased()]);
}

#[test]
fn an_operation_says_how_long_its_hooks_held() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    let held = Some(Held::For(SignedDuration::from_millis(849)));
    driven.desk.operations = vec![OperationView { held, ..shop::done() }];
    driven.press("o enter");
    assert!(driven.screen().contains("its hooks held the application for 0.8s"), "{}", driven.screen());
}

#[test]
fn while_hooks_hold_an_application_it_stands_above_the_steps_until_when() {
    let (since, until) = (shop::now() - SignedDuration::from_secs(23), shop::now() + SignedDuration::from_secs(37));
    both("operation-held", "o enter", |driven| {
        driven.desk.operations = vec![OperationView { held: Some(Held::Now { since, until }), ..shop::operation() }];
    });
}

/// What a night leaves: something good, something bad twice, and a text that is too long.
fn said(driven: &mut Driven) {
    let why = "error trying to connect: tcp connect error: Connection refused (os error 111), as in every try before";
    let (lost, done) = (format!("lost the connection to the API server: {why}"), "back up volume shop/data-db-0: done");
    for (level, text) in [(Level::Critical, &*lost), (Level::Ok, done), (Level::Critical, &*lost)] {
        driven.desk.notices.say(shop::now(), level, text);
    }
}

#[test]
fn what_is_said_shows_for_a_while_and_is_kept() {
    both("toasts", "", said);
    both("notices", "N", said);
    let mut driven = Driven::new(shop::desk(), 80, 24);
    said(&mut driven);
    driven.desk.now += SignedDuration::from_secs(10);
    assert!(!driven.screen().contains("data-db-0: done") && driven.screen().contains("✗ lost"), "{}", driven.screen());
    driven.desk.now += SignedDuration::from_secs(10);
    assert!(!driven.screen().contains("N lists"), "{}", driven.screen());
}

#[test]
fn toasts_never_lie_over_a_dialog() {
    let cells =
        |driven: &Driven| driven.buffer().content.iter().map(|cell| cell.symbol().to_owned()).collect::<Vec<_>>();
    let small = (80, 24);
    for (keys, (width, height)) in
        [("x b", small), ("x b down", small), (": re", small), ("x", (120, 36)), ("/ shop", small)]
    {
        let mut driven = Driven::new(shop::desk(), width, height);
        let panes = cells(&driven);
        driven.press(keys);
        let dialog = cells(&driven);
        for count in 0..9 {
            driven.desk.notices.say(shop::now(), Level::Warn, &format!("news {count}"));
        }
        let both = cells(&driven);
        // A list of commands lies where toasts do, and a long form lies everywhere.
        assert_eq!(
            both != dialog,
            matches!(keys, "x" | "/ shop"),
            "{keys}: toasts show beside it\n{}",
            driven.screen()
        );
        for (at, cell) in dialog.iter().enumerate().filter(|(at, cell)| panes[*at] != **cell) {
            assert_eq!(both[at], *cell, "{keys}: cell {at}\n{}", driven.screen());
        }
    }
}

#[test]
fn stale_denied_and_not_served_are_seen_at_once() {
    both("blind", "", |driven| {
        let then = shop::now() - SignedDuration::from_secs(42);
        let world = &mut driven.desk.world;
        world.apply(Delta::Failed(Kind::Pvc, Scope::All, "connection refused".into()), then);
        world.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), then);
        world.apply(Delta::Absent(Kind::VolumeSnapshot, Scope::All), then);
        world.apply(Delta::Absent(Kind::Content, Scope::All), then);
        world.apply(Delta::Connection(Connection::Down { since: then, why: "connection refused".into() }), then);
        world.context.read_only = true;
        shop::refresh(&mut driven.desk);
    });
}

#[test]
fn a_hostile_name_is_made_visible() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let [mut claim, pv] = shop::claim("shop", "evil", 1, "block");
    if let holdfast::model::Object::Pvc(claim) = &mut claim {
        claim.meta.name = "evil\u{1b}[2J\u{202e}lmth".into();
    }
    for object in [claim, pv] {
        let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    driven.input(Input::Changed);
    driven.press("/ name:evil enter z");
    let screen = driven.screen();
    assert!(screen.contains("evil␛[2J<U+202E>lmth"), "{screen}");
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
}

#[test]
fn the_smallest_terminal_does_not_panic() {
    for (columns, lines) in [(1, 1), (5, 3), (20, 6), LEAST, (79, 17), (111, 30)] {
        for keys in ["", "p", "enter", "?", "x", ": he", "/ a", "o", "x b", "x b down", "x b tab a", "x b enter"] {
            Driven::new(shop::desk(), columns, lines).press(keys).screen();
            Driven::new(shop::desk(), 120, 36).press(keys).resize(columns, lines).screen();
        }
    }
}

#[test]
fn yaml_is_shown_and_secrets_are_not_asked_for() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("y");
    let Some(Effect::FetchYaml(object)) = driven.effects.pop() else { panic!("nothing was asked") };
    assert_eq!(object.kind, Kind::Pvc);
    let object = ObjRef { ..object };
    driven.input(Input::Yaml(object, Ok("kind: PersistentVolumeClaim\nmetadata:\n  name: a\u{1b}[31m\n".into())));
    assert!(driven.screen().contains("name: a␛[31m"));
    driven.press("esc 3 y");
    assert!(driven.effects.is_empty());
    assert!(driven.screen().contains("Secrets are not printed"), "{}", driven.screen());
}
