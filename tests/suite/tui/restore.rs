//! The forms before a restore and a drill, and what stands in the way of them.

use holdfast::plan::Request;
use holdfast::tui::Effect;
use insta::assert_snapshot;

use super::driven::Driven;
use super::shop;

/// The shop with a restore point under the cursor.
fn on(point: &str, columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    driven.press(&format!("2 / name:{point} enter"));
    driven.effects.clear();
    driven
}

fn both(name: &str, point: &str, keys: &str) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = on(point, columns, lines);
        driven.press(keys);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn the_form_before_a_restore() {
    both("form", "ledger", "x v");
}

#[test]
fn the_form_before_a_drill() {
    both("drill", "ledger", "x d");
}

#[test]
fn a_point_that_cannot_be_restored_says_so_in_the_menu() {
    both("not-good", "data-db-1-0301-0255", "x");
}

#[test]
fn a_chosen_name_and_size_are_planned_with() {
    let mut driven = on("ledger", 120, 36);
    driven.press("x v b a c k tab tab 5 0 G i ctrl-s");
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let Request::Restore { options, .. } = &**request else { panic!("{request:?}") };
    assert_eq!((options.to.as_deref(), options.size), (Some("back"), Some(50 << 30)));
    assert_eq!(options.class.as_deref(), Some("block"));
}
