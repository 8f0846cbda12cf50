//! What keys lead to.

use std::path::Path;

use holdfast::config::Reading;
use holdfast::model::{Delta, Key, Kind, Object, Scope, Touched, Uid};
use holdfast::plan::{Answers, DryRun, End, Progress, Request, backup};
use holdfast::tui::{Effect, Input, Keymap, Layer, Place};
use holdfast::view::{OperationView, Pane};
use insta::assert_snapshot;

use super::driven::Driven;
use super::{screens, shop};

pub fn selected(driven: &Driven) -> String {
    let key = driven.app.panes.selected(&driven.desk);
    key.and_then(|key| Some(driven.desk.boards.row(&key)?.object.name.to_string())).unwrap_or_default()
}

/// The UID of the object on which the cursor stands.
fn selected_uid(driven: &Driven) -> Uid {
    let key = driven.app.panes.selected(&driven.desk).unwrap();
    key.object().unwrap().1.clone()
}

#[test]
fn the_cursor_stays_on_its_object_while_rows_come_and_go() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("j j");
    let before = selected(&driven);
    // A copy makes another row better, so that it moves away from above.
    let key = driven.app.panes.state(Pane::Volumes).listing.key(&driven.desk.boards, 0).unwrap();
    let first = driven.desk.boards.row(&key).unwrap();
    let (namespace, name) = (first.object.namespace.clone().unwrap(), first.object.name.clone());
    for object in shop::copy(&namespace, &name, "block", 1, true) {
        let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    driven.input(Input::Changed);
    assert_eq!(selected(&driven), before);
    assert_eq!(driven.app.panes.state(Pane::Volumes).cursor.place, 1);
}

#[test]
fn a_backup_takes_a_plan_a_reading_and_the_typed_name() {
    let mut driven = screens::reviewed(80, 24);
    driven.effects.clear();
    let name = selected(&driven);
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Typing);
    driven.press("enter");
    assert!(driven.effects.is_empty(), "enter alone confirms nothing");
    driven.press(&name[..4]).press("enter");
    assert_eq!(driven.aborted(), [format!("what was typed is not the name of the object, {name:?}")]);
    assert!(driven.effects.is_empty(), "part of the name confirms nothing");
    driven.press(&name[4..]).press("enter");
    let [Effect::Start(confirmed)] = driven.effects.as_slice() else { panic!("{:?}", driven.effects) };
    assert_eq!(*confirmed.plan().subject.object.name, *name);
    assert_eq!(confirmed.authority().who(), "ada@shop.example");
    driven.desk.operations = vec![shop::operation()];
    assert!(driven.screen().contains("· starting"), "{}", driven.screen());
    driven.input(Input::Started("20260301-030612-7c1d9a04".into()));
    assert!(!driven.screen().contains("starting"), "it has begun: {}", driven.screen());
    assert_eq!(driven.app.place(), Place::Operation);
}

#[test]
fn escape_gives_a_confirmation_up() {
    let mut driven = screens::reviewed(80, 24);
    driven.effects.clear();
    driven.press("enter data esc");
    assert!(driven.effects.is_empty(), "the plan is still there to be read");
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Form, "what was chosen is beneath the plan");
    assert_eq!(driven.aborted(), ["the review was closed without confirming"]);
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Panes);
    assert!(driven.effects.is_empty());
}

#[test]
fn a_confirmation_dies_when_its_object_changes() {
    let mut driven = screens::reviewed(120, 36);
    driven.effects.clear();
    driven.press("enter");
    let name = selected(&driven);
    let uid = selected_uid(&driven);
    let Some(Object::Pvc(mut claim)) = driven.desk.world.inventory.object(Kind::Pvc, &uid) else { panic!("gone") };
    claim.meta.resource_version = "2000".into();
    let changed = Delta::Upsert(Box::new(Object::Pvc(claim)), Scope::All);
    let touched = driven.desk.world.apply(changed, shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.input(Input::Changed);
    driven.press(&name).press("enter");
    assert!(driven.effects.is_empty());
    assert!(driven.screen().contains("changed since this plan was made"), "{}", driven.screen());
}

#[test]
fn only_the_exact_name_can_be_pasted_into_a_confirmation() {
    let mut driven = screens::reviewed(80, 24);
    driven.effects.clear();
    let name = selected(&driven);
    driven.press("enter");
    for other in [format!("{name} "), format!("kubectl delete pvc {name}"), name[..3].to_owned()] {
        driven.input(Input::Paste(other.as_str().into()));
        assert!(driven.screen().contains("only the exact name can be pasted"), "{}", driven.screen());
    }
    driven.press("enter");
    assert!(driven.effects.is_empty());
    driven.press("x");
    driven.input(Input::Paste(format!("{name}\n").into()));
    assert!(driven.effects.is_empty(), "a pasted line end starts nothing");
    driven.press("enter");
    assert!(matches!(driven.effects.as_slice(), [Effect::Start(_)]), "{:?}", driven.effects);
}

#[test]
fn a_confirmation_that_is_left_alone_expires_with_its_plan() {
    let mut driven = screens::reviewed(80, 24);
    driven.effects.clear();
    let name = selected(&driven);
    driven.press("enter").press(&name[..2]);
    let wait = |driven: &mut Driven, seconds| {
        driven.desk.now += jiff::SignedDuration::from_secs(seconds);
        driven.input(Input::Tick);
    };
    wait(&mut driven, 119);
    driven.press(&name[2..3]);
    wait(&mut driven, 119);
    assert!(!driven.screen().contains("plan again"), "every key gives it more time: {}", driven.screen());
    driven.desk.now += jiff::SignedDuration::from_secs(1);
    driven.press(&name[3..]).press("enter");
    assert!(driven.effects.is_empty(), "too late, even before anything else told the console the time");
    assert!(driven.screen().contains("no key was pressed for 2m"), "{}", driven.screen());
    driven.press("esc");
    assert!(driven.screen().contains("can no longer be confirmed"), "{}", driven.screen());
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Review);
}

#[test]
fn an_answer_that_comes_after_escape_is_not_shown() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("x b enter");
    let plan = screens::plan(&driven);
    driven.press("esc");
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    assert_eq!(driven.app.place(), Place::Form);
}

#[test]
fn read_only_reads_plans_and_starts_none() {
    let mut driven = screens::reviewed(120, 36);
    driven.desk.world.context.read_only = true;
    driven.effects.clear();
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Review);
    assert!(driven.screen().contains("read-only"), "{}", driven.screen());
    assert!(driven.effects.is_empty());
}

#[test]
fn escape_never_leaves_and_q_does() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("p enter esc esc esc esc esc");
    assert!(!driven.effects.contains(&Effect::Quit) && driven.app.place() == Place::Panes);
    driven.effects.clear();
    driven.press("q");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn leaving_while_an_operation_runs_asks_first() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.desk.operations = vec![shop::operation()];
    driven.press("q");
    assert!(driven.effects.is_empty() && matches!(driven.app.layers.last(), Some(Layer::Quit)));
    driven.press("enter");
    assert!(driven.effects.is_empty(), "enter does not leave");
    driven.press("esc q q");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn filter_is_kept_by_enter_and_taken_back_by_escape() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    let shown = |driven: &Driven| driven.app.panes.state(Pane::Volumes).listing.len();
    let all = shown(&driven);
    driven.press("/ batch");
    assert_eq!(shown(&driven), 3, "it works while it is typed");
    driven.press("esc");
    assert_eq!(shown(&driven), all);
    driven.press("/ batch enter /");
    assert_eq!(shown(&driven), 3);
    driven.press("esc esc");
    assert_eq!(shown(&driven), all, "escape takes a kept filter away");
}

#[test]
fn commands_run_actions_by_name_and_short_name() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press(": problems enter");
    assert_eq!(driven.app.place(), Place::Problems);
    driven.press(": cert enter");
    assert_eq!((driven.app.place(), driven.app.panes.focus), (Place::Panes, Pane::Certificates));
    driven.press(": theme space light enter");
    assert_eq!(driven.app.theme.name(), "light");
    driven.press(": nonsense enter");
    assert!(driven.screen().contains("there is no command \"nonsense\""));
    driven.press(": q enter");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn the_last_view_comes_back() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("p");
    driven.press("1 -");
    assert_eq!(driven.app.place(), Place::Problems);
    driven.press("-");
    assert_eq!(driven.app.place(), Place::Panes);
}

#[test]
fn links_are_walked_there_and_back() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-0 enter enter");
    assert!(driven.screen().contains("PersistentVolumeClaim shop/data-db-0"));
    driven.press("enter");
    assert!(driven.screen().contains("Reclaim policy"), "{}", driven.screen());
    driven.press("esc esc");
    assert_eq!(driven.app.place(), Place::Panes);
}

#[test]
fn marks_are_copied_together_and_backed_up_one_at_a_time() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("space space c");
    let [Effect::Copy(text)] = driven.effects.as_slice() else { panic!("{:?}", driven.effects) };
    assert_eq!(text.lines().count(), 2);
    driven.effects.clear();
    driven.press("x");
    driven.effects.clear();
    driven.press("b");
    assert!(driven.effects.is_empty());
    assert!(driven.screen().contains("one at a time"), "{}", driven.screen());
}

#[test]
fn text_that_is_pasted_presses_no_keys() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.input(Input::Paste("xb\nq".into()));
    assert!(driven.effects.is_empty() && driven.app.place() == Place::Panes);
    driven.press("/");
    driven.input(Input::Paste("batch\nq".into()));
    assert_eq!(driven.app.panes.state(Pane::Volumes).listing.len(), 3);
}

#[test]
fn the_menu_acts_on_what_it_was_opened_for_or_not_at_all() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("j x");
    let uid = selected_uid(&driven);
    let gone = driven.desk.world.inventory.object(Kind::Pvc, &uid).unwrap();
    let touched = driven.desk.world.apply(Delta::Gone(Box::new(gone)), shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.effects.clear();
    driven.press("b");
    assert!(driven.effects.is_empty(), "{:?}", driven.effects);
    assert!(driven.screen().contains("the selection went away"), "{}", driven.screen());
}

#[test]
fn an_open_menu_says_which_right_is_missing_as_soon_as_that_is_known() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("x");
    assert!(driven.effects.iter().any(|effect| matches!(effect, Effect::AskRights(_))), "{:?}", driven.effects);
    assert!(!driven.screen().contains("needs the right"), "{}", driven.screen());

    let claims: Vec<_> = driven.desk.world.inventory.pvcs.iter().cloned().collect();
    let world = driven.desk.world.clone();
    let asked = |claim| backup::questions(&world, claim, &backup::Options::default(), &Answers::default()).access;
    for question in claims.iter().flat_map(asked) {
        let granted = question.resource != "volumesnapshots";
        driven.desk.rights.insert(question, granted);
    }
    driven.input(Input::Changed);
    assert!(driven.screen().contains("needs the right to create volumesnapshots"), "{}", driven.screen());
    driven.effects.clear();
    driven.press("b");
    assert!(driven.effects.is_empty(), "a disabled action asks for nothing: {:?}", driven.effects);
}

/// A console with keys of the configuration.
fn keyed(keys: &str, columns: u16, lines: u16) -> Driven {
    let reading = Reading::of(&format!("[keys]\n{keys}"), Path::new("config.toml"));
    let mut driven = Driven::new(shop::desk(), columns, lines);
    driven.app.keymap = Keymap::of(&reading.keys).unwrap();
    driven
}

#[test]
fn configured_keys_do_what_they_say_and_the_old_ones_nothing() {
    let mut driven =
        keyed("problems = ['f2', 'alt-p']\nzoom = ['shift-f3']\nactions = ['a']\nbackup = ['ctrl-k']", 120, 36);
    driven.press("p z x");
    assert_eq!((driven.app.place(), driven.app.panes.zoom), (Place::Panes, false));
    driven.press("f2");
    assert_eq!(driven.app.place(), Place::Problems);
    driven.press("esc alt-p");
    assert_eq!(driven.app.place(), Place::Problems);
    driven.press("esc shift-f3");
    assert!(driven.app.panes.zoom);
    driven.effects.clear();
    driven.press("a b enter");
    assert!(matches!(driven.effects.last(), Some(Effect::Plan { .. })), "{:?}", driven.effects);
    driven.press("esc esc");
    driven.effects.clear();
    driven.press("ctrl-k");
    assert_eq!(driven.app.place(), Place::Form);
}

#[test]
fn every_text_that_names_a_key_names_the_configured_one() {
    let keys = "problems = ['f2']\nactions = ['a']\nback = ['f4']\nleave = ['Q']\nopen = ['o']\noperations = []\n\
                volumes = ['v']\nfindings = []\nhelp = ['f1']\nproceed = ['f9']\nhalf-down = ['f7']";
    let mut driven = keyed(keys, 120, 36);
    let screen = driven.screen();
    let bar = screen.lines().last().unwrap();
    for hint in ["o open", "a actions", "f2 problems", "f1 help", "f4 back", "Q quit"] {
        assert!(bar.contains(hint), "{hint}: {bar}");
    }
    assert!(screen.contains("then a b: back it up"), "{screen}");
    assert!(screen.contains("╭─ v Volumes") && screen.contains("╭─ Findings"), "{screen}");
    driven.press("/ nothing-of-this enter");
    assert!(driven.screen().contains("f4 takes the filter away."), "{}", driven.screen());
    driven.press("f4 o");
    assert!(driven.screen().contains("o opens"), "{}", driven.screen());
    driven.press("f4 a b enter");
    let plan = screens::plan(&driven);
    driven.input(Input::Planned { ask: 1, result: Box::new(Ok((plan, DryRun::Accepted))) });
    driven.press("G");
    assert!(driven.screen().contains("f9 goes on to the confirmation"), "{}", driven.screen());
    assert!(driven.screen().contains("f4 goes back to what you chose."), "{}", driven.screen());
    driven.press("f4 esc").desk.operations = vec![shop::operation()];
    driven.press("Q");
    assert!(driven.screen().contains("Q leaves   f4 stays"), "{}", driven.screen());
    driven.press("f4 f1");
    let help =
        driven.screen() + &driven.press("f7 f7").screen() + &driven.press("f7").screen() + &driven.press("f7").screen();
    for line in ["f2           problems", "a b          backup", ":operations  operations"] {
        assert!(help.contains(line), "{line}: {help}");
    }
}

#[test]
fn what_a_person_has_an_eye_on_says_so_when_it_becomes_critical() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-0 enter space esc");
    driven.desk.operations = vec![OperationView { subject: key_of(&driven, "uploads"), ..shop::done() }];
    driven.input(Input::Changed);
    assert_eq!(driven.effects, [], "what is only looked at for the first time is no news");
    let later = shop::now() + jiff::SignedDuration::from_mins(50);
    let pass = |driven: &mut Driven, until| {
        driven.desk.refresh(&Touched { all: true, ..Touched::default() }, until);
        driven.input(Input::Changed);
    };
    driven.desk.world.policies.rules[0].rpo = "90m".into();
    pass(&mut driven, later);
    let said = |driven: &mut Driven| {
        let texts = driven.effects.drain(..).map(|effect| match effect {
            Effect::Notice(level, text) => format!("{} {text}", level.glyph()),
            other => panic!("{other:?}"),
        });
        texts.collect::<Vec<_>>()
    };
    let news = said(&mut driven);
    assert_eq!(news.len(), 2, "{news:?}");
    assert!(
        news.iter().any(|text| text.starts_with("✗ PersistentVolumeClaim shop/data-db-0 is now Breached: ")),
        "{news:?}"
    );
    assert!(
        news.iter().any(|text| text.starts_with("✗ PersistentVolumeClaim shop/uploads is now Breached: ")),
        "{news:?}"
    );
    pass(&mut driven, later);
    assert_eq!(said(&mut driven), [""; 0], "it is said once");
}

#[test]
fn what_an_operation_does_to_its_own_volume_is_no_news_until_it_has_ended() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let at_work = OperationView { subject: key_of(&driven, "uploads"), ..shop::operation() };
    let later = shop::now() + jiff::SignedDuration::from_mins(50);
    driven.desk.operations =
        vec![OperationView { subject: at_work.subject.clone(), ended: Some(later), ..shop::done() }];
    driven.input(Input::Changed);
    driven.desk.operations = vec![at_work.clone()];
    driven.desk.world.policies.rules[0].rpo = "90m".into();
    driven.desk.refresh(&Touched { all: true, ..Touched::default() }, later);
    driven.input(Input::Changed);
    assert_eq!(driven.effects, []);
    driven.desk.operations =
        vec![OperationView { subject: at_work.subject.clone(), ended: Some(later), ..shop::done() }];
    driven.input(Input::Changed);
    assert_eq!(driven.effects.len(), 1, "{:?}", driven.effects);
}

/// The row of a volume.
fn key_of(driven: &Driven, name: &str) -> Key {
    let board = driven.desk.boards.board(Pane::Volumes);
    board.iter().find(|row| &*row.object.name == name).unwrap().key.clone()
}

#[test]
fn what_an_operation_made_is_opened_from_it() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.desk.operations = vec![shop::done()];
    driven.input(Input::Changed);
    driven.press("o enter enter");
    assert_eq!(driven.app.place(), Place::Detail);
    assert!(driven.screen().contains("VolumeSnapshot shop/data-db-0-0301-0200"), "{}", driven.screen());
    driven.press("esc");
    let mut nothing = shop::failed();
    nothing.made = None;
    driven.desk.operations = vec![nothing];
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Operation);
    assert!(driven.screen().contains("made nothing that can be opened"), "{}", driven.screen());
}

#[test]
fn an_interrupted_operation_names_the_way_to_resume_it() {
    let mut driven = keyed("actions = ['a']", 80, 24);
    let mut operation = shop::operation();
    operation.state = holdfast::view::OperationState::Interrupted;
    operation.can_resume = true;
    driven.desk.operations = vec![operation];
    driven.input(Input::Changed);
    driven.press("o enter G");
    assert!(driven.screen().contains("a r resumes it"), "{}", driven.screen());
}

#[test]
fn a_key_for_leaving_that_could_be_text_is_text_while_one_is_typed() {
    let mut driven = keyed("quit = ['Q', 'ctrl-x']", 80, 24);
    driven.press("/ aQb");
    assert!(driven.effects.is_empty() && driven.screen().contains("aQb"), "{}", driven.screen());
    driven.press("ctrl-x");
    assert_eq!(driven.effects, [Effect::Quit]);
    let mut driven = keyed("quit = ['Q']", 80, 24);
    driven.press("Q");
    assert_eq!(driven.effects, [Effect::Quit]);
}

#[test]
fn help_stays_readable_with_many_keys() {
    let keys = "problems = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9']";
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = keyed(keys, columns, lines);
        driven.press("?");
        assert_snapshot!(format!("help-many-keys-{columns}x{lines}"), driven.screen());
    }
}

/// An operation that a colleague runs.
fn colleagues() -> OperationView {
    let elsewhere = Some("ada on web-1".into());
    OperationView { elsewhere, steps: vec![], waits: None, made: None, undo: vec![], ..shop::operation() }
}

#[test]
fn a_colleagues_operation_is_seen_and_left_to_its_machine() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.desk.operations = vec![colleagues()];
    driven.input(Input::Changed);
    driven.press("o");
    assert!(driven.screen().contains("back up volume shop/data-db-0 by ada on web-1"), "{}", driven.screen());
    driven.press("x");
    for said in ["it is stopped where it runs: ada on web-1", "it is taken back where it ran: ada on web-1"] {
        assert!(driven.screen().contains(said), "{said}: {}", driven.screen());
    }
    for letter in ["r", "s", "u"] {
        driven.press(letter);
        driven.press("x");
    }
    let writes = driven.effects.iter().filter(|effect| !matches!(effect, Effect::AskRights(_)));
    assert_eq!(writes.count(), 0, "{:?}", driven.effects);
    driven.press("esc enter");
    assert_snapshot!("operation-of-a-colleague-120x36", driven.screen());
    driven.press("q q q");
    assert!(driven.effects.contains(&Effect::Quit), "what runs elsewhere does not keep a person here");
}

#[test]
fn what_ended_is_taken_back_by_a_plan() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    let mut asked = Driven::new(shop::desk(), 120, 36);
    let plan = screens::plan(asked.press("x b enter"));
    let progress = Progress { end: Some(End::Done), ..Progress::default() };
    let takes_back = Some(std::sync::Arc::new(Request::undo(plan, progress)));
    driven.desk.operations = vec![OperationView { takes_back, ..shop::done() }];
    driven.input(Input::Changed);
    driven.press("o enter G");
    assert_snapshot!("operation-to-take-back-120x36", driven.screen());
    driven.effects.clear();
    driven.press("x u");
    let asked = driven.effects.iter().any(|effect| match effect {
        Effect::Plan { request, .. } => matches!(**request, Request::Undo(_)),
        _ => false,
    });
    assert!(asked, "{:?}", driven.effects);
    assert!(driven.screen().contains("what the undo of"), "{}", driven.screen());
}

#[test]
fn an_operation_that_nobody_runs_can_be_stopped_and_not_taken_back_yet() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.desk.operations = vec![shop::interrupted()];
    driven.input(Input::Changed);
    driven.press("o x");
    assert!(
        driven.screen().contains("it has not ended: resume it to its end, or stop it first"),
        "{}",
        driven.screen()
    );
    driven.press("s");
    assert!(driven.effects.iter().any(|effect| matches!(effect, Effect::Stop(_))), "{:?}", driven.effects);
}
