//! The pane of findings: the most urgent first, put together, filtered, sorted and marked.

use holdfast::model::{Findings, Key};
use holdfast::tui::Input;
use holdfast::view::Pane;

use super::driven::Driven;
use super::{screens, shop};

/// A console on a shop whose releases were scanned.
pub fn scanned(columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    shop::scanned(&mut driven.desk);
    driven.input(Input::Changed);
    driven
}

fn rows(driven: &Driven) -> Vec<String> {
    let state = driven.app.panes.state(Pane::Findings);
    let keys = (0..state.listing.len()).filter_map(|place| state.listing.key(&driven.desk.boards, place));
    let name = |key: Key| match key {
        Key::Finding(id) => {
            let finding = driven.desk.world.findings.latest(id).unwrap();
            format!("{}:{}", finding.path, finding.line)
        }
        other => format!("{other:?}"),
    };
    keys.map(name).collect()
}

#[test]
fn the_most_urgent_come_first_and_what_is_gone_last() {
    let driven = scanned(120, 36);
    assert_eq!(
        rows(&driven),
        [
            "src/orders/query.js:41",
            "src/files/download.js:77",
            "src/login/password.js:12",
            "src/login/token.js:3",
            "src/orders/export.js:18",
            "src/login/token.js:30",
        ]
    );
    screens::both("findings", "4 z j", |driven| shop::scanned(&mut driven.desk));
}

#[test]
fn findings_are_put_together_by_workload_rule_and_file_and_unfold() {
    screens::both("findings-by-rule", "4 z b b enter j", |driven| shop::scanned(&mut driven.desk));
    let mut driven = scanned(120, 36);
    driven.press("4 z b");
    assert_eq!(driven.app.panes.state(Pane::Findings).listing.len(), 1, "all are linked to one workload");
    driven.press("b");
    assert_eq!(driven.app.panes.state(Pane::Findings).listing.len(), 4, "rules");
    driven.press("b");
    assert_eq!(driven.app.panes.state(Pane::Findings).listing.len(), 5, "files");
    driven.press("enter");
    assert_eq!(driven.app.panes.state(Pane::Findings).listing.len(), 6, "the first is unfolded");
    driven.press("enter b");
    assert_eq!(rows(&driven).len(), 6, "one below the other again");
}

#[test]
fn a_mark_on_a_group_marks_all_of_it_and_marks_survive_a_filter() {
    let mut driven = scanned(120, 36);
    driven.press("4 z b b space");
    let marks = |driven: &Driven| driven.app.panes.state(Pane::Findings).marks.len();
    assert_eq!(marks(&driven), 2, "both of the first rule");
    driven.press("/ path:query enter");
    let state = driven.app.panes.state(Pane::Findings);
    assert_eq!((state.marks.len(), state.hidden_marks), (2, 1));
    driven.press("k space");
    assert_eq!(marks(&driven), 1, "all that is shown of the group had a mark, and the hidden one keeps its own");
}

#[test]
fn a_filter_finds_words_bands_and_workloads_and_a_column_sorts() {
    let mut driven = scanned(120, 36);
    driven.press("4 z / band:critical enter");
    assert_eq!(rows(&driven), ["src/orders/query.js:41", "src/orders/export.js:18"]);
    driven.press("esc / user-provided space !sql enter");
    assert_eq!(rows(&driven), ["src/files/download.js:77"]);
    driven.press("esc / workload:shop/db space state:gone enter");
    assert_eq!(rows(&driven), ["src/orders/export.js:18", "src/login/token.js:30"]);
    driven.press("esc ! : sort space line enter");
    let mut lines = rows(&driven);
    assert_eq!(lines.remove(0), "src/login/password.js:12");
    assert_eq!(lines.len(), 2, "only what needs a person: {lines:?}");
}

#[test]
fn without_a_source_and_while_one_cannot_be_read_it_is_said() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    assert!(driven.screen().contains("NOT SET UP"), "{}", driven.screen());
    driven.desk.world.findings = Findings::reading("being read".into());
    driven.input(Input::Changed);
    assert!(driven.press("4").screen().contains("? LOADING"), "{}", driven.screen());
    let read = Findings::new([], shop::now()).but_for(["ci/late.sarif: permission denied".into()]);
    driven.desk.world.findings = read;
    driven.input(Input::Changed);
    assert!(driven.screen().contains("NOT ALL READ") && driven.screen().contains("ci/late.sarif"));
}

#[test]
fn only_findings_are_put_together_and_elsewhere_it_is_said_how() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("b");
    assert!(driven.screen().contains("only findings are put together; 4 goes to them"), "{}", driven.screen());
}
