//! The dialog in which it is decided on findings.

use holdfast::model::{Decision, FindingId, Key, TriageState};
use holdfast::plan::triage::Wish;
use holdfast::tui::{Effect, Input, Layer, Place};
use holdfast::view::Pane;
use insta::assert_snapshot;
use jiff::SignedDuration;

use super::driven::Driven;
use super::{findings, shop};

/// A console whose pane of findings has the whole screen, with the dialog open after these keys.
fn opened(columns: u16, lines: u16, keys: &str) -> Driven {
    let mut driven = findings::scanned(columns, lines);
    driven.press("4 z").press(keys).press("D");
    driven.effects.clear();
    driven
}

fn both(name: &str, before: &str, keys: &str) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = opened(columns, lines, before);
        driven.press(keys);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

/// The finding at this place of the pane.
fn finding(driven: &Driven, place: usize) -> FindingId {
    match driven.app.panes.state(Pane::Findings).listing.key(&driven.desk.boards, place) {
        Some(Key::Finding(id)) => id,
        other => panic!("{other:?}"),
    }
}

/// What is to be decided, and the number of the question.
fn wished(driven: &Driven) -> (u64, Vec<FindingId>, Wish) {
    match driven.effects.last() {
        Some(Effect::Decide { ask, findings, wish }) => (*ask, findings.clone(), wish.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_selected_finding_is_named_and_asked_about() {
    both("one", "", "");
}

#[test]
fn how_many_are_marked_and_how_many_of_them_the_filter_hides_is_said() {
    both("marked", "space space / path:query enter", "tab only space in space tests");
}

#[test]
fn an_acceptance_without_an_end_says_so_at_once_and_is_not_decided() {
    both("acceptance", "", "acc enter for space now enter ctrl-s");
    let mut driven = opened(80, 24, "");
    driven.press("acc enter for space now enter ctrl-s");
    assert!(driven.effects.is_empty() && driven.app.place() == Place::Form, "{:?}", driven.effects);
    driven.press("30d enter");
    let until = shop::now() + SignedDuration::from_hours(30 * 24);
    let expected = Wish { state: TriageState::Accepted, reason: "for now".into(), until: Some(until) };
    assert_eq!(wished(&driven).2, expected);
}

#[test]
fn all_marked_ones_are_decided_on_and_the_dialog_stays_until_that_is_on_disk() {
    let mut driven = opened(120, 36, "space space");
    driven.press("fal enter no space input ctrl-s");
    let (ask, ids, wish) = wished(&driven);
    let mut marked = vec![finding(&driven, 0), finding(&driven, 1)];
    marked.sort();
    assert_eq!(ids, marked);
    assert_eq!(wish, Wish { state: TriageState::FalsePositive, reason: "no input".into(), until: None });
    assert_eq!(driven.app.place(), Place::Waiting);
    driven.input(Input::Decided(ask, Ok(2)));
    assert_eq!(driven.app.place(), Place::Panes);
    assert!(driven.screen().contains("decided on 2 findings"), "{}", driven.screen());

    let id = ids[0];
    let reason = wish.reason.as_str().into();
    let one = Decision { at: shop::now(), state: wish.state, author: "ada".into(), reason, until: None };
    driven.desk.world.triage.decide(id, one);
    let found = driven.desk.world.findings.clone();
    shop::found(&mut driven.desk, found);
    driven.input(Input::Changed);
    assert!(driven.screen().contains("False positive"), "{}", driven.screen());
}

#[test]
fn what_was_typed_stays_when_it_cannot_be_decided_or_is_given_up() {
    let mut driven = opened(120, 36, "");
    driven.press("fix enter patched ctrl-s");
    let (ask, ..) = wished(&driven);
    let why = "nothing is decided: cannot write /srv/triage/ada@laptop.jsonl: Permission denied\u{1b}[2J";
    driven.input(Input::Decided(ask, Err(why.to_owned())));
    let screen = driven.screen();
    assert_eq!(driven.app.place(), Place::Form);
    assert!(
        screen.contains("patched") && screen.contains("Permission denied") && !screen.contains('\u{1b}'),
        "{screen}"
    );
    driven.press("esc");
    assert!(driven.app.place() == Place::Panes && driven.screen().contains("what you typed is kept: D opens it again"));
    driven.press("D");
    assert!(driven.screen().contains("patched"), "{}", driven.screen());
    driven.press("esc j D");
    assert!(!driven.screen().contains("patched"), "another finding is another question");
}

/// Whoever gave up waiting is told, and what lies on the screen by then stays.
#[test]
fn an_answer_that_comes_late_closes_nothing() {
    let mut driven = opened(120, 36, "");
    driven.press("fix enter patched ctrl-s");
    let (ask, ..) = wished(&driven);
    driven.press("esc");
    driven.input(Input::Decided(ask, Ok(1)));
    assert!(matches!(driven.app.layers.last(), Some(Layer::Form(_))));
    assert!(driven.screen().contains("decided on 1 finding"), "{}", driven.screen());
}

#[test]
fn the_command_that_decides_the_same_is_shown_and_copied() {
    let mut driven = opened(120, 36, "");
    driven.press("fix enter patched ctrl-y");
    let id = finding(&driven, 0);
    let command = format!("holdfast triage {id} --state=fixed --reason=patched");
    assert_eq!(driven.effects, [Effect::Copy(command)]);
    assert!(driven.screen().contains("holdfast triage"), "{}", driven.screen());
}

#[test]
fn where_nothing_can_be_decided_it_is_said_why() {
    let mut driven = findings::scanned(120, 36);
    driven.press("D");
    assert!(driven.screen().contains("only findings are decided on: select one"), "{}", driven.screen());
    driven.desk.world.context.read_only = true;
    driven.press("4 D");
    assert!(driven.screen().contains("read-only mode decides nothing"), "{}", driven.screen());
    assert!(driven.app.layers.is_empty() && driven.effects.is_empty(), "{:?}", driven.effects);
}

#[test]
fn on_the_heading_of_a_group_all_of_it_is_decided_on() {
    let mut driven = opened(120, 36, "b b");
    assert!(driven.screen().contains("2 findings of js/sql-injection"), "{}", driven.screen());
    driven.press("fal enter no space input ctrl-s");
    assert_eq!(wished(&driven).1.len(), 2);
}
