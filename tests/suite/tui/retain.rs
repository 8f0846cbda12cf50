//! Pruning, holding and releasing on screens.

use holdfast::model::{Delta, Object, Scope, annotation};
use holdfast::plan::{DryRun, Plan, Verb};
use holdfast::tui::{Effect, Input};
use insta::assert_snapshot;

use super::driven::Driven;
use super::screens;
use super::shop;

#[test]
fn a_prune_asks_for_rules_and_a_large_one_for_its_number() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        driven.press("x p");
        assert_snapshot!(format!("prune-form-{columns}x{lines}"), driven.screen());
        driven.press("last space 3 ctrl-s");
        let plan = screens::plan(&driven);
        let title = plan.title.replace("back up", "prune 12 copies of");
        let plan = Plan { verb: Verb::Prune, count: Some("12".into()), title, ..plan };
        driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
        let name = match driven.effects.last() {
            Some(Effect::Plan { request, .. }) => request.object(&driven.desk.world),
            other => panic!("{other:?}"),
        };
        driven.press(&format!("enter {} enter", name.rsplit('/').next().unwrap()));
        assert_snapshot!(format!("prune-number-{columns}x{lines}"), driven.screen());
        driven.press("1 1 enter");
        assert!(
            !driven.effects.iter().any(|effect| matches!(effect, Effect::Start(_))),
            "another number starts nothing"
        );
        driven.press("backspace 2 enter");
        assert!(driven.effects.iter().any(|effect| matches!(effect, Effect::Start(_))));
    }
}

#[test]
fn a_held_copy_says_so_and_can_only_be_released() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let snapshots = driven.desk.world.inventory.snapshots.iter();
    let ready: Vec<_> = snapshots.filter(|snapshot| snapshot.ready == Some(true)).cloned().collect();
    let hold = "{\"reason\":\"audit\",\"by\":\"ada\",\"until\":\"2027-01-31T00:00:00Z\"}";
    for mut held in ready {
        held.meta.annotations =
            held.meta.annotations.iter().cloned().chain([(annotation::HOLD, hold.into())]).collect();
        let delta = Delta::Upsert(Box::new(Object::VolumeSnapshot(held)), Scope::All);
        let touched = driven.desk.world.apply(delta, shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    driven.input(Input::Changed);
    driven.press("2 z j");
    assert_snapshot!("held-120x36", driven.screen());
    driven.press("x");
    let menu = driven.screen();
    let line = |word: &str| {
        menu.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {menu}")).to_owned()
    };
    assert!(line(" hold ").contains("held already"), "{menu}");
    assert!(!line("release").contains("not held"), "{menu}");
}
