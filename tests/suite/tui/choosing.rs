//! The palette with its values and history, the pickers of namespaces and contexts, and what a choice leads to.

use holdfast::model::{Delta, Kind, Scope};
use holdfast::plan::DryRun;
use holdfast::session::KnownContext;
use holdfast::tui::{Effect, Input, Layer, Place};
use holdfast::view::{Pane, Sort};
use insta::assert_snapshot;
use jiff::SignedDuration;

use super::driven::Driven;
use super::{screens, shop};

fn known() -> Vec<KnownContext> {
    let context = |name: &str, server: &str, read_only, protected| KnownContext {
        name: name.into(),
        server: server.into(),
        read_only,
        protected,
    };
    vec![
        context("shop-prod", "https://api.shop.example:6443", false, true),
        context("shop-staging", "https://staging.shop.example:6443", false, false),
        context("eu-prod", "https://10.20.0.1:6443", true, false),
        context("lost", "", false, false),
    ]
}

/// A console on the shop at this size.
fn console(columns: u16, lines: u16) -> Driven {
    Driven::new(shop::desk(), columns, lines)
}

/// Answers the question for contexts, as a session does.
fn answer(driven: &mut Driven) {
    assert!(driven.effects.contains(&Effect::ListContexts), "{:?}", driven.effects);
    driven.effects.clear();
    driven.input(Input::Contexts(Ok(known())));
}

fn both(name: &str, show: impl Fn(&mut Driven)) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = console(columns, lines);
        show(&mut driven);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn namespaces_are_listed_with_what_is_in_them() {
    both("palette-namespaces", |driven| {
        driven.press(": ns space");
    });
}

#[test]
fn contexts_are_listed_with_what_they_are() {
    both("palette-contexts", |driven| {
        driven.press(": ctx space pr");
        answer(driven);
    });
}

#[test]
fn namespaces_are_picked_with_marks() {
    both("picker-namespaces", |driven| {
        driven.desk.world.context.namespaces = vec!["shop".into(), "batch".into()];
        driven.press("n");
        driven.press("up up down space space");
    });
}

#[test]
fn contexts_are_picked() {
    both("picker-contexts", |driven| {
        driven.press("C");
        answer(driven);
        driven.press("down");
    });
}

#[test]
fn a_protected_context_asks_for_both_names() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = console(columns, lines);
        driven.desk.world.context.protected = true;
        driven.press("x b enter");
        let plan = screens::plan(&driven);
        driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
        driven.press("enter shop-pr");
        assert_snapshot!(format!("confirm-protected-{columns}x{lines}"), driven.screen());
        driven.press("od enter led");
        assert_snapshot!(format!("confirm-protected-object-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn the_header_says_what_must_not_be_overlooked() {
    both("header-warned", |driven| {
        let context = &mut driven.desk.world.context;
        context.protected = true;
        context.login_ends = Some(shop::now() + SignedDuration::from_mins(42));
        context.namespaces = vec!["shop".into()];
        context.narrowed = true;
        driven.input(Input::Changed);
    });
}

#[test]
fn the_header_never_calls_an_unknown_login_good() {
    let mut driven = console(80, 24);
    let header = |driven: &Driven| driven.screen().lines().next().unwrap_or_default().to_owned();
    assert!(!header(&driven).contains("login"), "what is well is left out where it is narrow: {}", header(&driven));
    driven.desk.world.context.login_ends = None;
    assert!(header(&driven).contains("? login"), "{}", header(&driven));
    driven.desk.world.context.login_ends = Some(shop::now() + SignedDuration::from_mins(9));
    assert!(header(&driven).contains("✗ login 9m left"), "{}", header(&driven));
    driven.desk.world.context.login_ends = Some(shop::now() - SignedDuration::from_mins(5));
    assert!(header(&driven).contains("✗ login ended 5m ago"), "{}", header(&driven));
}

#[test]
fn a_protected_plan_starts_by_both_names_in_their_order_and_not_otherwise() {
    let mut driven = console(80, 24);
    driven.desk.world.context.protected = true;
    driven.press("x b enter");
    let plan = screens::plan(&driven);
    let name = plan.subject.object.name.to_string();
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    driven.effects.clear();
    driven.press("enter").press(&name).press("enter");
    assert_eq!(driven.aborted(), ["what was typed is not the name of the context, \"shop-prod\""]);
    assert!(driven.effects.is_empty(), "the object's name does not prove the cluster");
    driven.press("ctrl-u").press("shop-prod enter");
    assert!(driven.effects.is_empty() && driven.app.place() == Place::Typing, "one name of two starts nothing");
    driven.press("shop-prod enter");
    assert_eq!(driven.aborted().len(), 1);
    assert!(driven.effects.is_empty());
    driven.press("ctrl-u").press(&name).press("enter");
    assert!(matches!(driven.effects.as_slice(), [Effect::Start(_)]), "{:?}", driven.effects);
}

#[test]
fn a_theme_is_tried_on_while_its_line_is_under_the_cursor_and_taken_back() {
    let mut driven = console(80, 24);
    let theme = |driven: &Driven| driven.app.theme.name().to_owned();
    driven.press(": theme space");
    assert_eq!(theme(&driven), "dark", "the cursor begins on what holds");
    driven.press("down");
    assert_ne!(theme(&driven), "dark");
    driven.press("esc");
    assert_eq!(theme(&driven), "dark");
    driven.press(": theme space li");
    assert_eq!(theme(&driven), "light");
    driven.press("backspace backspace backspace");
    assert_eq!(theme(&driven), "dark", "no theme is under the cursor any more");
    driven.press("space lig enter");
    assert_eq!(theme(&driven), "light");
}

#[test]
fn values_are_completed_and_the_best_one_runs() {
    let mut driven = console(120, 36);
    driven.press(": sort space las enter");
    let columns = Pane::Volumes.columns();
    let sorted = driven.app.panes.state(Pane::Volumes).listing.query().sort;
    assert!(matches!(sorted, Sort::By { column, .. } if columns[column].id == "lastGood"), "{sorted:?}");
    driven.press(": ns space bat tab mon enter");
    assert_eq!(driven.effects, [Effect::LookAt(vec!["batch".into(), "monitoring".into()])]);
    driven.effects.clear();
    driven.press(": ns space shop,ba tab enter");
    assert_eq!(driven.effects, [Effect::LookAt(vec!["shop".into(), "batch".into()])], "a separator ends the list");
    driven.effects.clear();
    driven.press(": ns space all enter");
    assert_eq!(driven.effects, [Effect::LookAt(Vec::new())]);
}

#[test]
fn a_namespace_that_cannot_be_listed_can_be_typed() {
    let mut driven = console(120, 36);
    driven.press(": ns space elsewhere");
    assert!(driven.screen().contains("Nothing fits"), "what is listed is all there is: {}", driven.screen());
    driven.press("esc");
    driven.desk.world.apply(Delta::Denied(Kind::Namespace, Scope::All, "list".into()), shop::now());
    driven.press("n elsewhere");
    assert!(driven.screen().contains("as typed"), "{}", driven.screen());
    driven.press("enter");
    assert_eq!(driven.effects, [Effect::LookAt(vec!["elsewhere".into()])]);
    driven.effects.clear();
    driven.press(": ns space no_name enter");
    assert!(driven.effects.is_empty() && driven.screen().contains("only lower-case letters"), "{}", driven.screen());
}

#[test]
fn marked_namespaces_are_looked_at_together_and_zero_means_all() {
    let mut driven = console(120, 36);
    driven.press("n down space space enter");
    assert_eq!(driven.effects, [Effect::LookAt(vec!["batch".into(), "monitoring".into()])]);
    driven.effects.clear();
    driven.press("n 0");
    assert_eq!(driven.effects, [Effect::LookAt(Vec::new())]);
    assert_eq!(driven.app.place(), Place::Panes);
}

#[test]
fn what_lies_outside_of_the_chosen_namespaces_is_closed() {
    let mut driven = console(120, 36);
    driven.press("/ name:ledger enter enter");
    driven.press(": ns space batch enter");
    assert_eq!(driven.app.place(), Place::Detail, "it lies within");
    driven.press(": ns space shop enter");
    assert_eq!(driven.app.place(), Place::Panes);
    driven.press("esc / name:data-db-0 enter l");
    assert_eq!(driven.app.place(), Place::Logs);
    driven.effects.clear();
    driven.press(": ns space batch enter");
    assert_eq!(driven.app.place(), Place::Panes);
    let closed = |effect: &Effect| matches!(effect, Effect::CloseLog(_));
    assert!(driven.effects.iter().any(closed), "its log is not read on: {:?}", driven.effects);
}

#[test]
fn earlier_commands_come_back_on_an_empty_line() {
    let mut driven = console(120, 36);
    driven.app.recall(vec!["sort name".into()]);
    driven.press(": problems enter");
    driven.press("esc : up");
    assert!(driven.screen().contains(":problems"), "{}", driven.screen());
    driven.press("up");
    assert!(driven.screen().contains(":sort name"), "{}", driven.screen());
    driven.press("up down down");
    assert!(!driven.screen().contains(":problems"), "below the newest is the empty line: {}", driven.screen());
    driven.press("up enter");
    assert_eq!(driven.app.place(), Place::Problems);
    assert_eq!(driven.app.commands(), ["sort name", "problems"], "a repeated command is kept once");
}

#[test]
fn up_and_down_walk_the_list_once_something_is_typed() {
    let mut driven = console(120, 36);
    driven.app.recall(vec!["sort name".into()]);
    driven.press(": so down enter");
    assert_eq!(driven.app.commands(), ["sort name", "sort-turn"], "the second line was run");
}

#[test]
fn a_context_is_gone_to_once_it_is_known_to_be_there() {
    let mut driven = console(120, 36);
    driven.press(": ctx space eu-prod enter");
    answer(&mut driven);
    assert_eq!(driven.effects, [Effect::Switch("eu-prod".into())]);
    driven.effects.clear();
    driven.press(": ctx space nowhere enter");
    driven.input(Input::Contexts(Ok(known())));
    assert!(!driven.effects.iter().any(|effect| matches!(effect, Effect::Switch(_))), "{:?}", driven.effects);
    assert!(driven.screen().contains("there is no context \"nowhere\""), "{}", driven.screen());
    driven.effects.clear();
    driven.press(": ctx space shop-prod enter");
    assert!(driven.effects.iter().all(|effect| *effect == Effect::ListContexts), "one is there already");
}

#[test]
fn a_name_that_is_typed_before_the_contexts_are_known_waits_for_them() {
    let mut driven = console(120, 36);
    driven.press("C eu-prod enter");
    assert!(!driven.effects.iter().any(|effect| matches!(effect, Effect::Switch(_))));
    answer(&mut driven);
    assert_eq!(driven.effects, [Effect::Switch("eu-prod".into())]);
}

#[test]
fn a_kubeconfig_that_cannot_be_read_says_why_and_changes_nothing() {
    let mut driven = console(80, 24);
    driven.press("C");
    driven.input(Input::Contexts(Err("kubeconfig /home/ada/.kube/config is broken at line 3, column 1".into())));
    driven.effects.clear();
    assert!(driven.screen().contains("broken at line 3"), "{}", driven.screen());
    driven.press("enter");
    assert!(driven.effects.is_empty());
}

#[test]
fn leaving_a_context_while_an_operation_runs_asks_first() {
    let mut driven = console(80, 24);
    driven.desk.operations = vec![shop::operation()];
    driven.press("C");
    answer(&mut driven);
    driven.press("staging enter");
    assert!(driven.effects.is_empty() && matches!(driven.app.layers.last(), Some(Layer::Switch(_))));
    assert_snapshot!("switch-80x24", driven.screen());
    driven.press("enter esc");
    assert!(driven.effects.is_empty(), "enter does not go and esc stays");
    driven.press("C");
    answer(&mut driven);
    driven.press("staging enter q");
    assert_eq!(driven.effects, [Effect::Switch("shop-staging".into())]);
}

#[test]
fn nothing_of_the_old_cluster_stays_and_the_view_does() {
    let mut driven = console(120, 36);
    driven.press("3 z / name:a enter s s space p enter");
    driven.desk = shop::blank();
    driven.desk.world.context.name = "eu-prod".into();
    driven.input(Input::Switched);
    let panes = &driven.app.panes;
    let state = panes.state(Pane::Certificates);
    assert_eq!((driven.app.place(), panes.focus, panes.zoom), (Place::Panes, Pane::Certificates, true));
    assert_eq!(state.listing.query().filter.text(), "name:a");
    assert!(matches!(state.listing.query().sort, Sort::By { column: 2, .. }), "{:?}", state.listing.query());
    assert!(state.marks.is_empty() && state.listing.is_empty() && state.cursor.key.is_none());
    let screen = driven.screen();
    for old in ["shop-prod", "admin-tls", "payments-tls", "data-db-0"] {
        assert!(!screen.contains(old), "{old} is still there: {screen}");
    }
    driven.press("-");
    assert_eq!(driven.app.place(), Place::Panes, "there is no way back to a view of the old cluster");
    // Another desk may have made as many changes as the old one: rows must not be taken for its own.
    driven.desk = shop::desk();
    driven.input(Input::Switched);
    assert!(!driven.app.panes.state(Pane::Volumes).listing.is_empty());
}
