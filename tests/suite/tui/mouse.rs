//! What the mouse leads to.

use holdfast::model::{Delta, Kind, Scope};
use holdfast::plan::DryRun;
use holdfast::tui::{Effect, Gesture, Input, Layer, Place, Spot};
use holdfast::view::Pane;
use ratatui::layout::Rect;
use rstest::rstest;

use super::driven::Driven;
use super::keys::selected;
use super::{screens, shop};

#[test]
fn a_click_selects_a_row_and_goes_to_its_pane() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.click("mail-tls");
    assert_eq!((driven.app.panes.focus, selected(&driven).as_str()), (Pane::Certificates, "mail-tls"));
    assert_eq!(driven.app.place(), Place::Panes, "one click opens nothing");
    driven.click("Findings");
    assert_eq!(driven.app.panes.focus, Pane::Findings);
}

#[test]
fn a_double_click_opens_a_row() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.double_click("mail-tls");
    assert_eq!(driven.app.place(), Place::Detail);
    assert!(driven.screen().contains("Secret batch/mail-tls"), "{}", driven.screen());
    driven.press("esc p").double_click("Volume batch/reports");
    assert!(driven.screen().contains("PersistentVolumeClaim batch/reports"), "{}", driven.screen());
}

#[test]
fn a_click_means_the_row_that_was_seen_though_rows_have_moved_since() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let (column, line) = driven.place("data-search-0");
    let seen = driven.spots();
    for object in shop::copy("batch", "ledger", "block", 1, true) {
        let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    driven.input(Input::Changed);
    assert_ne!(driven.place("data-search-0"), (column, line), "the rows should have moved");
    driven.input(Input::Mouse(Gesture::Click, seen.at(column, line).unwrap().clone()));
    assert_eq!(selected(&driven), "data-search-0");
}

#[test]
fn a_click_on_a_row_that_is_gone_selects_nothing_else() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("j");
    let before = selected(&driven);
    let (column, line) = driven.place("data-search-0");
    let seen = driven.spots();
    let claim = driven.desk.world.claim(&("shop".into(), "data-search-0".into())).unwrap().meta.uid();
    let gone = driven.desk.world.inventory.object(Kind::Pvc, &claim).unwrap();
    let touched = driven.desk.world.apply(Delta::Gone(Box::new(gone)), shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.input(Input::Mouse(Gesture::DoubleClick, seen.at(column, line).unwrap().clone()));
    assert_eq!((selected(&driven), driven.app.place()), (before, Place::Panes));
}

#[test]
fn a_heading_sorts_by_its_column_and_once_more_the_other_way_around() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.click("SIZE");
    assert!(driven.screen().contains("SIZE↑"), "{}", driven.screen());
    let smallest = driven.place("scratch");
    driven.click("SIZE");
    assert!(driven.screen().contains("SIZE↓"), "{}", driven.screen());
    assert!(driven.place("scratch").1 > smallest.1);
    driven.double_click("NAMESPACE");
    assert!(driven.screen().contains("NAMESPA…↓"), "{}", driven.screen());
}

#[test]
fn hints_tabs_and_the_strip_do_what_they_say() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.click("3 Certificates");
    assert_eq!(driven.app.panes.focus, Pane::Certificates);
    driven.click("p problems");
    assert_eq!(driven.app.place(), Place::Problems);
    driven.click("q quit");
    assert_eq!(driven.app.place(), Place::Panes);
    driven.click("/ filter").press("admin").click("admin-tls");
    let listing = &driven.app.panes.state(Pane::Certificates).listing;
    assert_eq!((driven.app.place(), listing.query().filter.text()), (Place::Panes, "admin"), "the filter is kept");
    driven.desk.operations = vec![shop::operation()];
    driven.click("Running 2/3");
    assert_eq!(driven.app.place(), Place::Operations);
    driven.press("esc :").click("esc back");
    assert_eq!(driven.app.place(), Place::Panes);
    driven.desk.operations.clear();
    driven.click("q quit");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn a_link_is_followed() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-1 enter enter").click("StorageClass block");
    assert!(driven.screen().contains("╭─ StorageClass block"), "{}", driven.screen());
}

#[test]
fn what_only_reads_is_chosen_from_menu_and_palette() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("x").click("Read the selected object");
    assert!(matches!(driven.effects.last(), Some(Effect::FetchYaml(_))), "{:?}", driven.effects);
    driven.press(": pro").click("One list of everything");
    assert_eq!(driven.app.place(), Place::Problems);
}

#[test]
fn what_writes_is_only_selected() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("x down").click("Take a snapshot");
    assert!(matches!(driven.app.layers.last(), Some(Layer::Menu(_, 0, _))), "{:?}", driven.app.layers.last());
    assert!(driven.screen().contains("enter does it; a click starts nothing that writes"), "{}", driven.screen());
    driven.press("esc : b").click("Take a snapshot");
    assert_eq!(driven.app.place(), Place::Typing);
    assert!(driven.screen().contains(":backup"), "{}", driven.screen());
    driven.press("enter enter");
    assert!(matches!(driven.effects.last(), Some(Effect::Plan { .. })), "{:?}", driven.effects);
}

/// Screens with everything that could be answered or started on them.
fn prepared(screen: &str) -> Driven {
    let mut driven = match screen {
        "review" => screens::reviewed(120, 36),
        "confirm" => {
            let mut driven = screens::reviewed(120, 36);
            let name = selected(&driven);
            driven.press("enter").press(&name);
            driven
        }
        _ => Driven::new(shop::desk(), 120, 36),
    };
    driven.desk.operations = vec![shop::operation()];
    driven.input(Input::Changed);
    driven.press(match screen {
        "panes" | "review" | "confirm" => "",
        "menu of an operation" => "o x",
        "leaving" => "q",
        keys => keys,
    });
    driven.effects.clear();
    driven
}

#[rstest]
fn no_click_confirms_starts_or_ends_anything(
    #[values(
        "panes",
        "x",
        "p",
        "p x",
        "o",
        "enter",
        "?",
        "review",
        "confirm",
        "menu of an operation",
        "leaving",
        ":",
        ": b",
        ": r",
        ": s",
        "/",
        "x b",
        "t",
        "T",
        "l",
        "p /",
        ": columns enter"
    )]
    screen: &str,
) {
    let spots = prepared(screen).spots();
    assert!(spots.iter().count() > 0);
    for (area, spot) in spots.iter() {
        assert_eq!(area.intersection(Rect::new(0, 0, 120, 36)), *area, "{spot:?} is not on the screen");
        let mut driven = prepared(screen);
        for gesture in [Gesture::Click, Gesture::DoubleClick, Gesture::WheelDown, Gesture::WheelUp] {
            driven.input(Input::Mouse(gesture, spot.clone()));
        }
        let harmless = |effect: &Effect| {
            matches!(
                effect,
                Effect::AskRights(_)
                    | Effect::FetchYaml(_)
                    | Effect::Copy(_)
                    | Effect::OpenLog { .. }
                    | Effect::CloseLog(_)
                    | Effect::Abort(..)
            )
        };
        assert!(driven.effects.iter().all(harmless), "{spot:?} on {screen}: {:?}", driven.effects);
    }
}

#[test]
fn what_lies_beneath_a_dialog_is_not_clicked() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("x");
    let before = selected(&driven);
    driven.click("Key mismatch").click("NOT SET UP").double_click("Key mismatch");
    assert_eq!((driven.app.place(), selected(&driven)), (Place::Menu, before));
    let hidden = driven.spots().iter().filter(|(_, spot)| matches!(spot, Spot::Ground)).count();
    assert_eq!(hidden, 1);
}

#[test]
fn a_plan_that_is_clicked_goes_on_to_its_confirmation_and_no_further() {
    let mut driven = screens::reviewed(80, 24);
    let name = selected(&driven);
    driven.click("to confirmation").press(&name);
    driven.effects.clear();
    driven.click("enter runs it").click("enter accept");
    assert!(driven.effects.is_empty() && driven.app.place() == Place::Typing, "{:?}", driven.effects);
    driven.click("esc back");
    assert_eq!(driven.app.place(), Place::Review);
}

#[test]
fn the_wheel_scrolls_what_is_under_it_and_leaves_the_focus_where_it_is() {
    let mut desk = shop::desk();
    for i in 0..40 {
        for object in shop::claim("wide", &format!("claim-{i:02}"), 1, "block") {
            desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        }
    }
    shop::refresh(&mut desk);
    let mut driven = Driven::new(desk, 120, 36);
    driven.press("3").wheel("Volumes", 2);
    let state = driven.app.panes.state(Pane::Volumes);
    assert_eq!((state.cursor.top, state.cursor.place, driven.app.panes.focus), (6, 6, Pane::Certificates));
    driven.wheel("Volumes", -2).wheel("Volumes", 100);
    let state = driven.app.panes.state(Pane::Volumes);
    assert_eq!(state.cursor.top, 49 - 13, "the last row is the lowest");
    driven.press("p").wheel("STATE", 100);
    let problems = driven.screen();
    assert!(problems.contains('▌'), "the cursor is on the screen: {problems}");
    driven.press("esc ?").wheel("Help", 1);
    assert!(matches!(driven.app.layers.last(), Some(Layer::Help(_, 3))), "{:?}", driven.app.layers.last());
    driven.press("esc x").wheel("Actions", 1);
    assert!(matches!(driven.app.layers.last(), Some(Layer::Menu(_, 1, _))), "{:?}", driven.app.layers.last());
}

#[test]
fn rows_of_trees_and_lanes_of_timelines_are_selected_opened_and_scrolled() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-0 enter t").click("Class block");
    let Some(Layer::Tree(tree)) = driven.app.layers.last() else { panic!("{:?}", driven.app.layers) };
    assert_eq!(&*tree.line().unwrap().name, "block");
    driven.double_click("Class block");
    assert!(driven.screen().contains("╭─ StorageClass block"), "{}", driven.screen());
    driven.press("esc esc T").wheel("Timeline", 100);
    let Some(Layer::Timeline(timeline)) = driven.app.layers.last() else { panic!("{:?}", driven.app.layers) };
    assert!(timeline.lane().is_some() && timeline.cursor.place >= timeline.cursor.top);
}

#[test]
fn a_namespace_is_chosen_by_a_click_and_taken_by_a_second_one() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("n").click("1 volume");
    assert!(driven.effects.is_empty(), "one click only moves the cursor: {:?}", driven.effects);
    driven.double_click("1 volume");
    assert_eq!(driven.effects, [Effect::LookAt(vec!["monitoring".into()])]);
}

#[test]
fn a_command_that_takes_a_value_lists_its_values_when_it_is_clicked() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press(": them").click("theme NAME");
    assert_eq!(driven.app.theme.name(), "dark");
    driven.click("blue-orange");
    assert_eq!((driven.app.place(), driven.app.theme.name()), (Place::Panes, "blue-orange"));
}

#[test]
fn a_question_before_leaving_a_context_is_not_answered_by_a_click() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.desk.operations = vec![shop::operation()];
    driven.app.layers.push(Layer::Switch("eu-prod".into()));
    driven.input(Input::Changed);
    driven.click("q go there");
    assert!(driven.effects.is_empty(), "{:?}", driven.effects);
    driven.press("q");
    assert_eq!(driven.effects, [Effect::Switch("eu-prod".into())]);
}

#[test]
fn columns_are_shown_and_taken_off_by_clicks() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press(": columns enter").click("Size").press("esc");
    assert!(!driven.screen().contains("SIZE"), "{}", driven.screen());
}

#[test]
fn the_wheel_on_a_sheet_scrolls_facts_or_walks_links() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("/ name:data-db-1 enter enter").wheel("Last good", 1).wheel("StorageClass", 2);
    let Some(Layer::Detail(detail)) = driven.app.layers.last() else { panic!("{:?}", driven.app.layers) };
    assert_eq!((detail.scroll, detail.link), (3, 2));
}

#[test]
fn the_cursor_of_the_list_of_problems_is_never_behind_what_is_told_about_it() {
    for (columns, lines) in [(120, 36), (80, 24), (60, 16)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        driven.press("p");
        for _ in 0..20 {
            assert!(driven.press("j").screen().contains('▌'), "{}", driven.screen());
        }
    }
}

#[test]
fn a_plan_that_comes_after_a_click_is_for_what_was_selected() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.click("data-search-0").press("x b enter");
    let plan = screens::plan(&driven);
    assert_eq!(&*plan.subject.object.name, "data-search-0");
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    assert_eq!(driven.app.place(), Place::Review);
}
