//! A cluster in which every text is hostile, on every screen: nothing of it reaches the terminal as it is.
//!
//! The texts go the whole way, through an embedded cluster, its API, the watches and the World.

use std::io::Write as _;

use holdfast::cluster::Target;
use holdfast::config::Config;
use holdfast::model::Kind;
use holdfast::plan::DryRun;
use holdfast::session::{Options, Session, Unnamed};
use holdfast::sim::{Options as SimOptions, Sim, User};
use holdfast::store::Store;
use holdfast::tui::{Chord, Effect, Input};
use ratatui::buffer::Buffer;
use serde_json::Value;

use super::driven::Driven;
use super::screens;

/// Escape sequences in 7 and 8 bits, bidi overrides, zero-width and tag characters, right-to-left letters, an emoji
/// that is several, a mark that combines, a wide character.
pub const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{9b}31m\r\n\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}שלום👩\u{200d}👧e\u{301}数";

/// Fields whose texts the API or this console reads as something else than text.
const STRUCTURE: [&str; 22] = [
    "kind",
    "apiVersion",
    "phase",
    "type",
    "status",
    "storage",
    "uid",
    "time",
    "operation",
    "reclaimPolicy",
    "persistentVolumeReclaimPolicy",
    "deletionPolicy",
    "volumeMode",
    "accessModes",
    "creationTimestamp",
    "data",
    "resourceVersion",
    "lastTransitionTime",
    "notAfter",
    "notBefore",
    "renewalTime",
    "creationTime",
];

fn poison(value: &mut Value, with: &str) {
    match value {
        Value::String(text) => text.push_str(with),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, with)),
        Value::Object(fields) => {
            let texts = fields.iter_mut().filter(|(name, _)| !STRUCTURE.contains(&name.as_str()));
            texts.for_each(|(_, value)| poison(value, with));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A console on a cluster in which all texts end so.
async fn console(with: &str, columns: u16, lines: u16) -> Driven {
    let shop = Sim::start(SimOptions::default()).unwrap();
    shop.settle().await;
    let mut objects = shop.objects();
    for object in &mut objects {
        poison(object, with);
    }
    let sim = Sim::start(SimOptions { seed: Vec::new(), controllers: false, ..SimOptions::default() }).unwrap();
    sim.implant(objects);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(sim.kubeconfig(User::Admin).as_bytes()).unwrap();
    let state = tempfile::tempdir().unwrap();
    let target = Target { kubeconfig: Some(file.path().to_owned()), ..Target::default() };
    let store = Store::open(state.path()).unwrap();
    let kinds = Kind::ALL.to_vec();
    let mut session = Session::open(Options { target, config: Config::default(), store, unnamed: Unnamed::All, kinds });
    while !session.desk().world.settled() || session.behind() {
        session.next().await;
    }
    Driven::new(session.into_desk(), columns, lines)
}

/// Whether a terminal would obey a character, or not show it.
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

pub fn harmless(buffer: &Buffer, screen: &str) {
    for y in 0..buffer.area.height {
        let line: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        assert!(!line.chars().any(obeyed), "{screen}: {line:?}");
    }
}

/// Keys that lead to a screen, from the panes.
const SCREENS: &[&str] = &[
    "",
    "z",
    "2 z",
    "3 z",
    "4",
    "enter",
    "enter ctrl-d",
    "enter enter",
    "enter j enter",
    "2 enter",
    "2 enter enter",
    "3 enter",
    "3 j enter",
    "p",
    "p j j enter",
    "x",
    "2 x",
    "o",
    "N",
    "?",
    "/ a",
    ": re",
    "s s",
    "space",
    "l",
    "2 l",
    "3 l",
    ": columns enter",
    "/ shop enter P",
    "p / shop",
];

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_made_visible_on_every_screen() {
    for (columns, lines) in [(80, 24), (120, 36), (400, 60)] {
        let mut driven = console(HOSTILE, columns, lines).await;
        for keys in SCREENS {
            driven.press("esc esc esc esc esc esc 1").press(keys);
            harmless(&driven.buffer(), keys);
        }
        assert!(driven.desk.boards.row(&driven.app.target(&driven.desk).unwrap()).is_some(), "there is a row");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_made_visible_in_the_dialogs_of_a_plan() {
    let mut driven = console(HOSTILE, 120, 36).await;
    driven.press("x b");
    harmless(&driven.buffer(), "form");
    driven.press("down");
    harmless(&driven.buffer(), "form with its list");
    driven.press("esc tab");
    driven.input(Input::Paste(HOSTILE.into()));
    harmless(&driven.buffer(), "form with a paste");
    driven.press("ctrl-s");
    let Some(Effect::Plan { ask, .. }) = driven.effects.last() else { panic!("nothing was asked") };
    let ask = *ask;
    harmless(&driven.buffer(), "waiting");
    let mut plan = screens::plan(&driven);
    plan.warnings.push(HOSTILE.into());
    plan.context.push_str(HOSTILE);
    driven.input(Input::Planned { ask, result: Box::new(Ok((plan, DryRun::Refused(HOSTILE.into())))) });
    harmless(&driven.buffer(), "review");
    driven.press("enter");
    harmless(&driven.buffer(), "confirmation");
    driven.input(Input::Paste(HOSTILE.into()));
    harmless(&driven.buffer(), "confirmation with a paste");
}

#[tokio::test(flavor = "multi_thread")]
async fn very_long_texts_are_cut_and_not_waited_for() {
    let mut driven = console(&"x".repeat(10_000), 120, 36).await;
    for keys in SCREENS {
        driven.press("esc esc esc esc esc esc 1").press(keys);
        let screen = driven.screen();
        assert!(screen.contains("holdfast"), "{keys}: {screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_that_are_typed_stay_in_their_line() {
    let mut driven = console("", 80, 24).await;
    for layer in ["/", ":"] {
        driven.input(Input::Key(Chord::parse(layer).unwrap().event()));
        driven.input(Input::Paste(HOSTILE.into()));
        harmless(&driven.buffer(), layer);
        driven.press("esc");
    }
}
