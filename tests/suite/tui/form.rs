//! The form before a backup.

use std::time::Duration;

use holdfast::model::{DeletionPolicy, Delta, Kind, Meta, Object, Scope, SnapshotClass, Uid};
use holdfast::plan::backup::{self, Options};
use holdfast::plan::{DryRun, Refusal, Request, Verb};
use holdfast::tui::{Effect, Input, Place};
use insta::assert_snapshot;

use super::driven::Driven;
use super::{screens, shop};

/// A shop where the first driver has two classes and another has one, with the form of `data-db-0` open at the question
/// for its class.
fn opened(columns: u16, lines: u16) -> Driven {
    let mut driven = just_opened(columns, lines);
    driven.press("tab tab");
    driven
}

/// The same at its first question.
fn just_opened(columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    let class = SnapshotClass {
        meta: Meta { name: "block-keep".into(), uid: Some(Uid::from("class-keep")), ..Meta::default() },
        driver: "block.csi.example".into(),
        deletion: DeletionPolicy::Retain,
        default: false,
        ..SnapshotClass::default()
    };
    let delta = Delta::Upsert(Box::new(Object::SnapshotClass(class)), Scope::All);
    driven.desk.world.apply(delta, shop::now());
    shop::refresh(&mut driven.desk);
    driven.press("/ name:data-db-0 enter x b");
    driven.effects.clear();
    driven
}

fn both(name: &str, keys: &str) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = opened(columns, lines);
        driven.press(keys);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

/// What was chosen when planning was asked for.
fn chosen(driven: &Driven) -> Options {
    plan_of(driven.effects.last().expect("planning was asked for"))
}

fn options_of(request: &Request) -> Options {
    let Request::Backup { options, .. } = request else { panic!("{request:?}") };
    options.clone()
}

fn plan_of(effect: &Effect) -> Options {
    match effect {
        Effect::Plan { request, .. } => options_of(request),
        other => panic!("{other:?}"),
    }
}

#[test]
fn untouched() {
    both("untouched", "");
}

#[test]
fn with_the_whole_workload() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = just_opened(columns, lines);
        driven.press("s t a");
        assert_snapshot!(format!("workload-{columns}x{lines}"), driven.screen());
        driven.press("enter ctrl-s");
        let scope = backup::Scope::Workload(backup::Owner { kind: Kind::StatefulSet, name: "db".into() });
        assert_eq!(chosen(&driven).scope, scope);
    }
}

#[test]
fn with_an_error() {
    both("error", "tab tab backspace tab ctrl-s");
}

#[test]
fn with_its_list_open() {
    both("list", "down down");
}

#[test]
fn with_a_search_that_finds_nothing() {
    both("list-empty", "z z");
}

#[test]
fn with_several_lines() {
    both(
        "lines",
        "tab before space the space move enter ticket space 4711 , space agreed space with space the space shop , space which space closes space at space noon space for space an space hour",
    );
}

#[test]
fn enter_on_an_untouched_form_goes_straight_on() {
    let mut driven = opened(80, 24);
    driven.press("enter");
    assert_eq!(chosen(&driven), Options { class: Some("block-snap".into()), ..Options::default() });
    assert_eq!(driven.app.place(), Place::Waiting);
}

#[test]
fn answers_are_what_is_planned_with_and_survive_the_review() {
    let mut driven = opened(80, 24);
    driven.press("k e enter why space not ctrl-s");
    let said = Options { class: Some("block-keep".into()), reason: Some("why not".into()), ..Options::default() };
    assert_eq!(chosen(&driven), said);
    let plan = screens::plan(&driven);
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    assert_eq!(driven.app.place(), Place::Review);
    driven.press("esc");
    driven.effects.clear();
    driven.press("tab ctrl-u 5 m alt-enter");
    assert_eq!(chosen(&driven), Options { cut_within: Duration::from_secs(300), ..said });
}

#[test]
fn a_refusal_leads_back_to_the_answers() {
    let mut driven = opened(80, 24);
    driven.press("tab x ctrl-s");
    let refusal = Refusal { verb: Verb::Backup, object: "volume".into(), why: "quota".into(), clear: "wait".into() };
    driven.input(Input::Planned { ask: 1, result: Box::new(Err(refusal)) });
    assert_eq!(driven.app.place(), Place::Refusal);
    driven.press("esc");
    assert!(driven.app.place() == Place::Form && driven.screen().contains("│ x"), "{}", driven.screen());
}

#[test]
fn a_wrong_answer_plans_nothing_and_gets_the_keys() {
    let mut driven = opened(80, 24);
    driven.press("tab tab ctrl-u shift-tab ctrl-s");
    assert!(driven.effects.is_empty());
    driven.press("9 0 s ctrl-s");
    assert_eq!(chosen(&driven).cut_within, Duration::from_secs(90));
}

#[test]
fn letters_are_text_and_enter_is_a_line_where_there_are_several() {
    let mut driven = opened(80, 24);
    driven.press("tab q ? enter j");
    assert!(driven.effects.is_empty() && driven.app.place() == Place::Form);
    driven.press("ctrl-s");
    assert_eq!(chosen(&driven).reason.as_deref(), Some("q?\nj"));
}

#[test]
fn what_was_typed_waits_for_the_same_volume_only() {
    let mut driven = opened(80, 24);
    driven.press("esc");
    assert!(!driven.screen().contains("kept"), "nothing was typed");
    driven.press("x b tab tab tab because esc");
    assert!(driven.screen().contains("what you typed is kept: x b opens it again"), "{}", driven.screen());
    driven.press("x b ctrl-s");
    assert_eq!(chosen(&driven).reason.as_deref(), Some("because"));
    driven.effects.clear();
    driven.press("esc esc esc / name:uploads enter x b enter");
    let subject = Options { class: Some("shared-snap".into()), ..Options::default() };
    assert_eq!(chosen(&driven), subject);
}

#[test]
fn escape_closes_an_open_list_before_the_form() {
    let mut driven = opened(80, 24);
    driven.press("k esc");
    assert_eq!(driven.app.place(), Place::Form);
    driven.press("enter");
    assert_eq!(chosen(&driven).class.as_deref(), Some("block-snap"));
}

#[test]
fn the_command_is_copied_from_the_form_and_from_the_plan() {
    let mut driven = opened(120, 36);
    driven.press("tab it's space due ctrl-y");
    let said = r"holdfast backup shop/data-db-0 --class block-snap --reason 'it'\''s due' --context shop-prod";
    assert_eq!(driven.effects.pop(), Some(Effect::Copy(said.to_owned())));
    driven.press("tab ctrl-u ctrl-y");
    assert!(driven.effects.is_empty() && driven.screen().contains("an answer is wrong"), "{}", driven.screen());
    let mut driven = screens::reviewed(120, 36);
    driven.effects.clear();
    driven.press("ctrl-y");
    assert_eq!(driven.effects, [Effect::Copy("holdfast backup shop/data-db-0 --context shop-prod".into())]);
}

#[test]
fn a_form_waits_for_the_first_lists_and_can_be_given_up_meanwhile() {
    for (keys, then) in [("", Place::Form), ("esc", Place::Panes)] {
        let mut driven = Driven::new(shop::desk(), 80, 24);
        let late = || Scope::Namespace("late".into());
        driven.desk.world.apply(Delta::ListStarted(Kind::SnapshotClass, late()), shop::now());
        driven.press("x b");
        assert_eq!(driven.app.place(), Place::Waiting);
        driven.press(keys);
        driven.input(Input::Changed);
        driven.desk.world.apply(Delta::ListDone(Kind::SnapshotClass, late()), shop::now());
        driven.input(Input::Changed);
        assert_eq!(driven.app.place(), then);
    }
}

#[test]
fn where_there_is_nothing_to_choose_planning_says_why() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    let classes: Vec<_> = driven.desk.world.inventory.snapshot_classes.iter().map(|class| class.meta.uid()).collect();
    for uid in classes {
        let class = driven.desk.world.inventory.object(Kind::SnapshotClass, &uid).unwrap();
        driven.desk.world.apply(Delta::Gone(Box::new(class)), shop::now());
    }
    driven.press("x b");
    assert_eq!(driven.app.place(), Place::Waiting);
    assert!(chosen_class(&driven).is_none());
}

fn chosen_class(driven: &Driven) -> Option<String> {
    driven.effects.iter().find_map(|effect| match effect {
        Effect::Plan { request, .. } => options_of(request).class,
        _ => None,
    })
}

#[test]
fn a_name_that_hides_something_is_made_visible() {
    let mut driven = opened(80, 24);
    driven.press("tab");
    driven.input(Input::Paste("before\u{202e}evil\u{1b}[2J".into()));
    let screen = driven.screen();
    assert!(screen.contains("before<U+202E>evil␛[2J"), "{screen}");
}
