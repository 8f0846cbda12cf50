//! Small terminals, and texts whose characters are not one column wide.

use std::num::NonZeroU16;

use holdfast::model::{Delta, Object, Scope};
use holdfast::plan::DryRun;
use holdfast::session::Desk;
use holdfast::tui::{Effect, Input, LEAST, Layer, Place};
use holdfast::view::Pane;
use insta::assert_snapshot;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use rstest::rstest;

use super::driven::Driven;
use super::keys::selected;
use super::{screens, shop};

#[rstest]
#[case("", "panes")]
#[case("p j", "problems")]
#[case("enter", "detail")]
#[case("2 x", "menu")]
#[case(": re", "palette")]
#[case("o enter", "operation")]
#[case("q", "leaving")]
#[case("x b tab", "form")]
fn the_least_size_shows_what_each_screen_is_for(#[case] keys: &str, #[case] name: &str) {
    let mut driven = Driven::new(shop::desk(), LEAST.0, LEAST.1);
    driven.desk.operations = vec![shop::operation()];
    driven.input(Input::Changed);
    driven.press(keys);
    assert_snapshot!(format!("least-{name}"), driven.screen());
}

#[test]
fn the_least_size_shows_all_that_a_confirmation_needs() {
    let mut driven = screens::reviewed(LEAST.0, LEAST.1);
    driven.press("enter data-");
    let screen = driven.screen();
    let Some(Layer::Confirm(offer, _)) = driven.app.layers.last() else { panic!("{:?}", driven.app.layers) };
    let plan = &offer.plan;
    for shown in [plan.context.as_str(), &plan.server, plan.subject.uid.as_str(), "› data-", "esc gives it up"] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    assert_snapshot!("least-confirm", screen);
}

#[test]
fn the_least_size_asks_for_both_names_of_a_protected_target() {
    let mut driven = Driven::new(shop::desk(), LEAST.0, LEAST.1);
    driven.desk.world.context.protected = true;
    driven.press("x b enter");
    let plan = screens::plan(&driven);
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    driven.press("enter shop-prod enter led");
    let screen = driven.screen();
    for shown in ["shop-prod  ✓ typed", "Type ledger, the object", "› led", "esc gives it up"] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
}

#[rstest]
#[case(LEAST.0 - 1, LEAST.1)]
#[case(LEAST.0, LEAST.1 - 1)]
#[case(30, 5)]
#[case(12, 3)]
fn a_smaller_terminal_says_so_and_nothing_else(#[case] columns: u16, #[case] lines: u16) {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    let screen = driven.screen();
    let words: Vec<&str> = screen.split_whitespace().collect();
    let said = words.join(" ");
    let all = format!("terminal too small: {columns}x{lines}, needs at least 60x16 ctrl-c leaves");
    assert!(if lines > 3 { said == all } else { all.contains(&said) && said.contains("too small") }, "{screen}");
    assert_eq!(driven.spots().iter().count(), 0, "there is nothing to click on");
    assert_eq!(driven.press("q").effects, [Effect::Quit]);
}

#[test]
fn keys_act_on_nothing_that_is_not_seen() {
    let mut driven = screens::reviewed(120, 36);
    let name = selected(&driven);
    driven.press("enter").press(&name);
    driven.effects.clear();
    driven.resize(40, 10).press("enter esc x b : j").input(Input::Paste("x".into()));
    assert!(driven.effects.is_empty(), "{:?}", driven.effects);
    driven.resize(120, 36);
    let Some(Layer::Confirm(_, naming)) = driven.app.layers.last() else { panic!("{:?}", driven.app.layers) };
    assert_eq!(naming.line.lines(), [name.as_str()], "what was typed is as it was");
    driven.resize(40, 10).press("q");
    assert!(driven.effects.is_empty(), "q is a letter while a name is typed");
    driven.press("ctrl-c");
    assert_eq!(driven.aborted().len(), 1, "the plan goes with the console");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn leaving_a_small_terminal_while_an_operation_runs_asks_first_and_says_so() {
    let mut driven = Driven::new(shop::desk(), 40, 10);
    driven.desk.operations = vec![shop::operation()];
    driven.press("ctrl-c");
    assert!(driven.effects.is_empty());
    let screen = driven.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("an operation is running here and would be interrupted"), "{screen}");
    driven.press("ctrl-c");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn the_console_is_not_stopped_in_the_middle_of_an_operation() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("ctrl-z");
    assert_eq!(driven.effects, [Effect::Suspend]);
    driven.effects.clear();
    driven.press("/ x ctrl-z");
    assert_eq!((driven.effects.as_slice(), driven.app.place()), ([Effect::Suspend].as_slice(), Place::Typing));
    driven.effects.clear();
    driven.press("esc").desk.operations = vec![shop::operation()];
    driven.press("ctrl-z");
    assert!(driven.effects.is_empty());
    assert!(driven.screen().contains("an operation runs here and would stand still"), "{}", driven.screen());
}

#[test]
fn how_to_get_help_and_how_to_leave_are_always_said() {
    for columns in [60, 80, 100, 120] {
        for keys in ["", "p", "enter", "o", "x", "?"] {
            let mut driven = Driven::new(shop::desk(), columns, 24);
            let screen = driven.press(keys).screen();
            let bar = screen.lines().last().unwrap();
            assert!(bar.contains("? help") && bar.contains("q quit"), "{columns} {keys}: {bar}");
        }
    }
}

/// Names that take more, fewer or other columns than they have characters.
const NAMES: [&str; 7] = [
    "数据库卷数据库卷数据库卷数据库卷数据库卷数据库卷数据库卷",
    "e\u{301}\u{302}\u{303}a\u{308}o\u{308}-combining",
    "\u{301}\u{302}begins-with-marks",
    "👩\u{200d}💻\u{200d}👩\u{200d}👧-family",
    "👍🏽👍🏽-tone-🇩🇪🇫🇷-flags",
    "❤\u{fe0f}-presentation-❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}",
    "ﷺ-العربية-ﷺ-لا-ﷺ",
];

/// A desk with a volume of each name.
fn named() -> Desk {
    let mut desk = shop::desk();
    for (i, name) in NAMES.iter().enumerate() {
        for mut object in shop::claim("shop", &format!("claim-{i}"), 1, "block") {
            if let Object::Pvc(claim) = &mut object {
                claim.meta.name = (*name).into();
            }
            desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        }
    }
    desk.world.context.name = NAMES[0].into();
    shop::refresh(&mut desk);
    desk
}

#[test]
fn wide_and_combining_characters_move_no_column() {
    for (columns, lines) in [(120, 40), (80, 24), LEAST] {
        for keys in ["", "z", "p", "p G", "x", "enter", "o", ":", "/ name:data", "S S enter", "?"] {
            let mut driven = Driven::new(named(), columns, lines);
            driven.press(keys);
            framed(&driven, keys);
        }
    }
}

#[rstest]
fn a_name_of_any_characters_fits_into_every_dialog(
    #[values(0, 1, 2, 3, 4, 5, 6)] name: usize,
    #[values((120, 40), (80, 24), LEAST)] (columns, lines): (u16, u16),
) {
    let mut driven = Driven::new(named(), columns, lines);
    for _ in 0..driven.app.panes.state(Pane::Volumes).listing.len() {
        if selected(&driven) == NAMES[name] {
            break;
        }
        driven.press("j");
    }
    assert_eq!(selected(&driven), NAMES[name]);
    framed(driven.press("enter"), "detail");
    framed(driven.press("esc x"), "menu");
    driven.press("b");
    framed(&driven, "form");
    driven.press("enter");
    framed(&driven, "waiting");
    let plan = screens::plan(&driven);
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    framed(&driven, "review");
    driven.press("enter").input(Input::Paste(NAMES[name].into()));
    framed(&driven, "confirmation");
}

/// Panics unless the frames' sides stand below their corners, on a terminal that places each character by itself.
fn framed(driven: &Driven, what: &str) {
    let buffer = driven.buffer();
    let number = |cells| NonZeroU16::new(cells).unwrap();
    let mut bytes = Vec::new();
    let blank = Buffer::empty(buffer.area);
    CrosstermBackend::new(&mut bytes).draw(blank.diff(&buffer).into_iter()).unwrap();
    let mut terminal = vt100::Parser::new(number(buffer.area.height), number(buffer.area.width), 0);
    terminal.process(&bytes);
    let screen = terminal.screen();
    let at = |x, y| screen.cell(y, x).map(|cell| cell.contents().to_owned()).unwrap_or_default();
    let last = buffer.area.width - 1;
    let sides = ["│", "╭", "╮", "╰", "╯"];
    let framed = (1..buffer.area.height - 1).filter(|y| sides.contains(&at(0, *y).as_str()));
    let framed: Vec<u16> = framed.collect();
    assert!(framed.len() > 5, "{what}: no frame on\n{}", screen.contents());
    for y in framed {
        assert!(sides.contains(&at(last, y).as_str()), "{what}: line {y} has no right side:\n{}", screen.contents());
    }
}
