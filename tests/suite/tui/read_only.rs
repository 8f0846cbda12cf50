//! A session that only reads hides no action, and says of each that writes why it cannot be done.

use holdfast::tui::{ACTIONS, Availability, Risk};

use super::driven::Driven;
use super::shop;

/// Views with something selected in each.
const VIEWS: [&str; 6] = ["1", "2", "3", "4", "p", "o j"];

fn console(keys: &str, read_only: bool) -> Driven {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.desk.operations = vec![shop::operation()];
    driven.desk.world.context.read_only = read_only;
    driven.press(keys);
    driven
}

#[test]
fn no_action_is_hidden_and_each_that_writes_says_read_only() {
    for keys in VIEWS {
        let (writing, reading) = (console(keys, false), console(keys, true));
        let listed = |driven: &Driven| driven.app.menu(&driven.desk).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(listed(&writing), listed(&reading), "{keys}");
        for action in ACTIONS.iter().filter(|action| action.risk == Risk::Writes) {
            match reading.app.available(&reading.desk, action.id) {
                Availability::Disabled(why) => {
                    assert!(why.starts_with("read-only: needs "), "{keys} {}: {why}", action.name);
                }
                Availability::Enabled => panic!("{} is enabled in {keys}", action.name),
            }
        }
        for action in ACTIONS.iter().filter(|action| action.risk == Risk::None) {
            let reads = reading.app.available(&reading.desk, action.id);
            let said = matches!(&reads, Availability::Disabled(why) if why.contains("read-only"));
            let same = reads == writing.app.available(&writing.desk, action.id);
            assert!(same || said, "{keys} {}: {reads:?}", action.name);
        }
    }
}

#[test]
fn what_it_would_need_and_how_its_plan_is_read_is_said() {
    let mut driven = console("1", true);
    driven.press("x");
    let backup = ACTIONS.iter().find(|action| action.name == "backup").unwrap();
    let Availability::Disabled(why) = driven.app.available(&driven.desk, backup.id) else { panic!("enabled") };
    assert!(why.contains("create volumesnapshots.snapshot.storage.k8s.io in "), "{why}");
    assert!(why.contains("`holdfast backup ") && why.ends_with("--dry-run` prints the plan"), "{why}");
    assert!(driven.screen().contains("read-only: needs"), "{}", driven.screen());
    driven.effects.clear();
    driven.press("b enter");
    assert!(driven.effects.is_empty(), "{:?}", driven.effects);
}
