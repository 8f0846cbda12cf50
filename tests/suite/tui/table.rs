//! The table: filters, pins, columns, marks, news and the list of problems.

use holdfast::model::{Delta, Object, Scope};
use holdfast::tui::{Effect, Input, Layer, Place};
use holdfast::view::Pane;
use insta::assert_snapshot;
use jiff::SignedDuration;

use super::driven::Driven;
use super::screens::both;
use super::shop;

fn listed(driven: &Driven, pane: Pane) -> usize {
    driven.app.panes.state(pane).listing.len()
}

/// Tells the desk of objects, now and this many milliseconds later than the shop's moment.
fn tell(driven: &mut Driven, objects: impl IntoIterator<Item = Object>, millis: i64) {
    let at = shop::now() + SignedDuration::from_millis(millis);
    let mut touched = holdfast::model::Touched::default();
    for object in objects {
        touched.merge(driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), at));
    }
    driven.desk.refresh(&touched, at);
    driven.input(Input::Changed);
}

fn interrupted(driven: &mut Driven) {
    driven.desk.operations = vec![shop::interrupted()];
}

#[test]
fn a_slip_in_a_filter_is_said_while_it_is_typed() {
    both("filter-slip", "/ shop space siz>100Gi", |_| {});
}

#[test]
fn a_slip_in_a_kept_filter_stands_on_the_frame_and_hides_nothing() {
    both("filter-slip-kept", "/ siz>100Gi enter", |_| {});
}

#[test]
fn a_filter_that_matches_nothing_says_so() {
    both("filter-none", "/ capacity>100Ti enter", |_| {});
}

#[test]
fn a_pinned_filter_is_seen_in_the_header_and_on_every_frame() {
    both("pinned", "/ batch enter P", |driven| {
        driven.desk.world.context.read_only = true;
    });
}

#[test]
fn a_pinned_filter_says_where_it_has_nothing_to_look_at() {
    both("pinned-not-here", ": pin space lastGood>5h space shop enter 3 / state:ex enter", |_| {});
}

#[test]
fn escape_never_takes_a_pin_away_and_says_so() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ batch enter P 3");
    assert_eq!((listed(&driven, Pane::Volumes), listed(&driven, Pane::Certificates)), (3, 2));
    driven.press("/ mail enter");
    assert_eq!(listed(&driven, Pane::Certificates), 1);
    driven.press("esc");
    assert_eq!(listed(&driven, Pane::Certificates), 2, "the own filter goes, the pinned one stays");
    driven.press("esc esc esc");
    assert_eq!((listed(&driven, Pane::Volumes), listed(&driven, Pane::Certificates)), (3, 2));
    assert!(driven.screen().contains("the pinned filter stays: /batch   P takes it away"), "{}", driven.screen());
    driven.press("p");
    assert!(driven.screen().contains("Problems 4/10"), "{}", driven.screen());
    driven.press("P");
    assert!(driven.screen().contains("Problems 10 "), "the pin goes from everywhere: {}", driven.screen());
    driven.press("esc");
    assert_eq!(listed(&driven, Pane::Volumes), 9);
    assert!(!driven.screen().contains("PINNED"), "{}", driven.screen());
}

#[test]
fn what_no_pane_understands_is_not_pinned() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press(": pin space expirs<14d enter");
    assert!(driven.screen().contains("not pinned: there is no column \"expirs\""), "{}", driven.screen());
    driven.press("/ nosuch:x enter P");
    assert!(driven.screen().contains("not pinned: there is no column \"nosuch\""), "{}", driven.screen());
    driven.press("esc P");
    assert!(driven.screen().contains("there is no filter to pin"), "{}", driven.screen());
    assert!(driven.app.panes.pinned.is_empty());
}

#[test]
fn every_list_keeps_its_own_filter() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ batch enter 3 / shop enter p / why:objective enter");
    assert!(driven.screen().contains("Problems 5/10"), "{}", driven.screen());
    driven.press("1 p");
    assert!(driven.screen().contains("Problems 5/10"), "it is kept: {}", driven.screen());
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Problems, "the filter goes first");
    driven.press("esc");
    assert_eq!((listed(&driven, Pane::Volumes), listed(&driven, Pane::Certificates)), (3, 7));
    driven.press("p / nothing q");
    assert_eq!(driven.app.place(), Place::Typing, "q is typed");
    driven.press("enter");
    assert!(driven.screen().contains("10 are hidden"), "{}", driven.screen());
    driven.press("q");
    assert_eq!(driven.app.place(), Place::Panes, "q closes at once");
}

#[test]
fn columns_are_chosen_in_a_small_list() {
    both("columns", ": columns enter j j j space j j space", |_| {});
}

#[test]
fn chosen_columns_stay_off_until_all_are_shown_again() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press(": columns enter space");
    assert!(driven.app.panes.state(Pane::Volumes).off.is_empty(), "state stays");
    driven.press("j j j space esc");
    assert!(!driven.screen().contains("LAST GOOD"), "{}", driven.screen());
    assert!(driven.screen().contains("FATE"), "another column takes the room: {}", driven.screen());
    driven.press("3");
    assert!(driven.screen().contains("EXPIRES"), "other panes are as they were");
    driven.press("1 : columns enter r esc");
    assert!(driven.screen().contains("LAST GOOD"), "{}", driven.screen());
}

#[test]
fn columns_that_do_not_fit_are_scrolled_to_beside_state_and_name() {
    both("scrolled", "> > > >", |_| {});
}

#[test]
fn scrolling_ends_at_the_last_column_and_comes_back() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    let before = driven.screen();
    driven.press("> > > > > > > > > > > > > > >");
    let end = driven.screen();
    assert!(end.contains("CLASS") && end.contains("NAME") && !end.contains(" > ─"), "{end}");
    driven.press(">");
    assert_eq!(driven.screen(), end);
    driven.press("< < < < < < < < < < <");
    assert_eq!(driven.screen(), before);
    driven.press("> z");
    assert!(driven.screen().contains("< 1"), "{}", driven.screen());
}

#[test]
fn a_sort_by_a_column_out_of_sight_is_said_on_the_frame() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press(": sort space size enter");
    assert!(driven.screen().contains("by Size ↑"), "{}", driven.screen());
    driven.press("z");
    assert!(driven.screen().contains("SIZE↑") && !driven.screen().contains("by Size"), "{}", driven.screen());
    driven.press(": sort space colour enter");
    assert!(
        driven.screen().contains("there is no column \"colour\"; there are state, namespace"),
        "{}",
        driven.screen()
    );
}

#[test]
fn marks_say_how_many_are_hidden() {
    both("marks", "space space j space / shop enter", |_| {});
}

#[test]
fn actions_on_marks_name_the_hidden_ones() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("space space j space / shop enter c");
    let Some(Effect::Copy(text)) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    assert_eq!(text.lines().count(), 3, "hidden marks are acted on, and that is said");
    assert!(
        driven.screen().contains("sent to the clipboard: 3 names, 2 of them hidden by the filter"),
        "{}",
        driven.screen()
    );
    driven.press("x");
    assert!(driven.screen().contains("3 marked, 2 hidden by the filter; volumes are"), "{}", driven.screen());
    driven.press("esc u");
    assert!(driven.app.panes.state(Pane::Volumes).marks.is_empty());
}

#[test]
fn a_range_is_marked_from_the_last_mark_to_the_cursor() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let marks = |driven: &Driven| driven.app.panes.state(Pane::Volumes).marks.len();
    driven.press("ctrl-space");
    assert_eq!(marks(&driven), 1, "without a mark before it is the row itself");
    driven.press("G ctrl-space");
    assert_eq!(marks(&driven), 9);
    driven.press("u j space k k k ctrl-space");
    assert_eq!(marks(&driven), 4, "upwards as well");
    driven.press("esc");
    assert_eq!(marks(&driven), 0);
}

#[test]
fn what_just_came_or_changed_is_lit_for_a_moment() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        let quiet = driven.screen();
        assert!(!quiet.contains("│*") && !quiet.contains("│+"), "nothing is news at first: {quiet}");
        tell(&mut driven, shop::copy("shop", "data-search-0", "block", 1, true), 0);
        tell(&mut driven, shop::claim("shop", "data-new-0", 5, "block"), 200);
        assert_snapshot!(format!("news-{columns}x{lines}"), driven.screen());
        tell(&mut driven, [], 2_300);
        let after = driven.screen();
        assert!(!after.contains("│*") && !after.contains("│+"), "{after}");
    }
}

#[test]
fn a_reconnect_lights_nothing() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    for delta in [
        Delta::Failed(holdfast::model::Kind::Pvc, Scope::All, "connection refused".into()),
        Delta::ListStarted(holdfast::model::Kind::Pvc, Scope::All),
    ] {
        let touched = driven.desk.world.apply(delta, shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    tell(&mut driven, shop::claim("shop", "data-new-0", 5, "block"), 0);
    let touched = driven.desk.world.apply(Delta::ListDone(holdfast::model::Kind::Pvc, Scope::All), shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(!screen.contains("│*") && !screen.contains("│+"), "{screen}");
}

#[test]
fn problems_are_filtered_in_the_same_language() {
    both("problems-filter", "p / state:exp space kind:secret", |_| {});
}

#[test]
fn a_problem_opens_with_what_can_be_done_about_it_ready() {
    both("problems-backup", "p enter", |_| {});
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("p enter enter");
    assert_eq!(driven.app.place(), Place::Form);
    driven.press("enter");
    assert!(matches!(driven.effects.last(), Some(Effect::Plan { .. })), "{:?}", driven.effects);
    driven.press("esc esc");
    assert_eq!(driven.app.place(), Place::Detail, "the object stays open");
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Problems);
}

#[test]
fn an_interrupted_operation_opens_with_resume_ready() {
    both("problems-resume", "p / kind:operation enter enter", interrupted);
    let mut driven = Driven::new(shop::desk(), 80, 24);
    interrupted(&mut driven);
    driven.input(Input::Changed);
    driven.press("p / kind:operation enter enter enter");
    assert!(matches!(driven.effects.last(), Some(Effect::Resume(_))), "{:?}", driven.effects);
}

#[test]
fn what_has_no_remedy_opens_without_a_menu() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("p / state:expired enter enter");
    assert_eq!(driven.app.place(), Place::Detail);
}

/// Forty more volumes that were never backed up.
fn forty(driven: &mut Driven) {
    let claims = (0..40).flat_map(|i| shop::claim("shop", &format!("cart-{i:02}"), 5, "block"));
    tell(driven, claims, 0);
}

#[test]
fn more_alike_than_fit_on_the_screen_are_one_line() {
    both("problems-many", "p j j j j", forty);
    let mut driven = Driven::new(shop::desk(), 80, 24);
    forty(&mut driven);
    driven.press("p / state:never enter x");
    assert!(driven.screen().contains("Actions nothing selected"), "{}", driven.screen());
    driven.press("esc enter");
    assert!(driven.screen().contains("Volume shop/cart-00"), "{}", driven.screen());
    driven.press("j j enter");
    assert_eq!(driven.app.place(), Place::Menu, "those inside open like all others");
    driven.press("esc esc k k enter");
    assert!(!driven.screen().contains("Volume shop/cart-00"), "{}", driven.screen());
    driven.press("esc");
    let Some(Layer::Problems(list)) = driven.app.layers.last() else { panic!("no problems") };
    assert_eq!((list.lines.len(), list.all), (10, 50));
}

#[test]
fn the_selected_problem_is_never_under_the_words_about_it() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    forty(&mut driven);
    driven.press("p / state:never enter enter G");
    assert!(driven.screen().lines().any(|line| line.starts_with("│▌")), "{}", driven.screen());
}
