//! Every built-in theme can be read and told apart: by its own table of styles, and on the screens as they are drawn.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use holdfast::config::ThemeFolder;
use holdfast::model::{Connection, Delta, Kind, Scope};
use holdfast::tui::{Depth, Effect, Input, Meaning, Theme, Themes};
use holdfast::view::{Level, OperationState, StepState};
use insta::assert_snapshot;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier, Style};
use rstest::rstest;

use super::colour::{Eyes, Rgb, TERMINAL, contrast, distance, shown};
use super::driven::Driven;
use super::{logs, screens, shop};

/// What text stands on. That this is all, [`whatever_is_drawn_can_be_read`] shows.
const GROUNDS: [Meaning; 4] = [Meaning::Text, Meaning::Header, Meaning::Selection, Meaning::SelectionIdle];
/// What is line and not text; drawn on the ordinary ground only.
const LINES: [Meaning; 2] = [Meaning::Border, Meaning::Focus];
/// WCAG 2.1, 1.4.3 (AA), 1.4.6 (AAA) and 1.4.11.
const TEXT: f64 = 4.5;
const ENHANCED_TEXT: f64 = 7.0;
const NOT_TEXT: f64 = 3.0;
/// What is left of [`TEXT`] where the nearest of 256 colours stands for the theme's own.
const NEAREST: f64 = 4.0;
/// How far apart levels have to be: ten times what is just seen.
const APART: f64 = 20.0;
/// What is left of it with the nearest of 256 colours.
const NEAREST_APART: f64 = 15.0;

fn indexed(name: &str) -> Theme {
    Themes::new(Depth::Indexed, ThemeFolder::read(Path::new("/nowhere"))).load(name).unwrap()
}

/// The themes that have colours, each with what its text needs.
fn coloured() -> impl Iterator<Item = (Theme, f64)> {
    let text = |name| if name == "high-contrast" { ENHANCED_TEXT } else { TEXT };
    Theme::names().filter(|name| *name != "mono").map(move |name| (Theme::named(name).unwrap(), text(name)))
}

/// Text and ground as they are shown.
fn pair(style: Style) -> (Rgb, Rgb) {
    let (text, ground) = (style.fg.unwrap_or_default(), style.bg.unwrap_or_default());
    let (text, ground) = (shown(text, TERMINAL.1), shown(ground, TERMINAL.0));
    if style.add_modifier.contains(Modifier::REVERSED) { (ground, text) } else { (text, ground) }
}

/// A meaning on a ground, as the pen puts it there.
fn on(theme: &Theme, ground: Meaning, meaning: Meaning) -> (Rgb, Rgb) {
    let ground = theme.style(Meaning::Text).patch(theme.style(ground));
    pair(if meaning == Meaning::Text { ground } else { ground.patch(theme.style(meaning)) })
}

fn too_weak(theme: &Theme, least: f64) -> Vec<String> {
    let texts = || Meaning::ALL.iter().filter(|meaning| !LINES.contains(meaning) && !GROUNDS[1..].contains(meaning));
    let texts = GROUNDS.into_iter().flat_map(|ground| texts().map(move |meaning| (ground, *meaning, least)));
    let lines = LINES.into_iter().map(|line| (Meaning::Text, line, if least > TEXT { least } else { NOT_TEXT }));
    let weak = texts.chain(lines).filter_map(|(ground, meaning, least)| {
        let (text, below) = on(theme, ground, meaning);
        let ratio = contrast(text, below);
        (ratio < least).then(|| format!("{} on {}: {ratio:.2} < {least}", meaning.name(), ground.name()))
    });
    weak.map(|what| format!("{}: {what}", theme.name())).collect()
}

#[test]
fn every_meaning_can_be_read_on_every_ground() {
    let weak: Vec<String> = coloured().flat_map(|(theme, least)| too_weak(&theme, least)).collect();
    assert!(weak.is_empty(), "\n{}", weak.join("\n"));
}

#[test]
fn with_256_colours_every_meaning_can_still_be_read() {
    let weak: Vec<String> =
        Theme::names().filter(|name| *name != "mono").flat_map(|name| too_weak(&indexed(name), NEAREST)).collect();
    assert!(weak.is_empty(), "\n{}", weak.join("\n"));
}

/// The levels that a person must not mix up.
const TELLING: [Level; 4] = [Level::Ok, Level::Warn, Level::Critical, Level::Unknown];

fn nearest_levels(theme: &Theme, eyes: Eyes) -> (f64, String) {
    let pairs = TELLING.iter().enumerate().flat_map(|(i, a)| TELLING[i + 1..].iter().map(move |b| (*a, *b)));
    let apart = pairs.map(|(a, b)| {
        let text = |level: Level| on(theme, Meaning::Text, level.into()).0;
        (distance(text(a), text(b), eyes), format!("{}: {} and {} for {eyes:?}", theme.name(), a.word(), b.word()))
    });
    apart.min_by(|(a, _), (b, _)| a.total_cmp(b)).unwrap()
}

#[rstest]
fn levels_differ_for_usual_eyes_in_every_theme(#[values(false, true)] of_256: bool) {
    for (theme, _) in coloured() {
        let theme = if of_256 { indexed(theme.name()) } else { theme };
        let (apart, which) = nearest_levels(&theme, Eyes::Usual);
        assert!(apart >= APART, "{which}: {apart:.1}");
    }
}

#[rstest]
fn blue_orange_is_told_apart_without_red_and_green(
    #[values(Eyes::Protanopia, Eyes::Deuteranopia)] eyes: Eyes,
    #[values(false, true)] of_256: bool,
) {
    let theme = if of_256 { indexed("blue-orange") } else { Theme::named("blue-orange").unwrap() };
    let (apart, which) = nearest_levels(&theme, eyes);
    assert!(apart >= if of_256 { NEAREST_APART } else { APART }, "{which}: {apart:.1}");
}

#[test]
fn good_and_bad_of_blue_orange_are_blue_and_orange() {
    let theme = Theme::named("blue-orange").unwrap();
    let [ok, bad] = [Level::Ok, Level::Critical].map(|level| on(&theme, Meaning::Text, level.into()).0);
    assert!(ok[2] > ok[1] && ok[1] > ok[0] && bad[0] > bad[1] && bad[1] > bad[2], "{ok:?} {bad:?}");
}

#[rstest]
fn the_selection_is_seen_at_once(#[values(false, true)] of_256: bool) {
    for name in Theme::names() {
        let theme = if of_256 { indexed(name) } else { Theme::named(name).unwrap() };
        let ground = |meaning| on(&theme, meaning, Meaning::Text).1;
        let [screen, selected, idle] = [Meaning::Text, Meaning::Selection, Meaning::SelectionIdle].map(ground);
        assert!(contrast(screen, selected) >= 1.25, "{name}: {screen:?} {selected:?}");
        assert!(contrast(screen, selected) > contrast(screen, idle), "{name}: {selected:?} {idle:?}");
        let bold = theme.style(Meaning::Selection).add_modifier.contains(Modifier::BOLD);
        assert!(bold, "{name}: the selected row is bold as well");
    }
}

#[test]
fn no_state_differs_by_colour_alone() {
    use OperationState as Operation;
    let levels = Level::ALL.map(|level| (level.glyph(), level.word()));
    let steps = [StepState::Ahead, StepState::Running, StepState::Done, StepState::Failed, StepState::Unknown];
    let steps = steps.map(|step| (step.glyph(), step.word()));
    let operations = [Operation::Running, Operation::Done, Operation::Failed, Operation::OutcomeUnknown];
    let operations = operations.map(|state| (state.level().glyph(), state.word()));
    let stopped = [Operation::Stopping, Operation::Interrupted].map(OperationState::word);
    assert_ne!(stopped[0], stopped[1], "these two are of one level");
    for states in [levels.as_slice(), &steps, &operations] {
        let glyphs: BTreeSet<_> = states.iter().map(|(glyph, _)| glyph).collect();
        let words: BTreeSet<_> = states.iter().map(|(_, word)| word).collect();
        assert_eq!((glyphs.len(), words.len()), (states.len(), states.len()), "{states:?}");
    }
}

/// Screens with all that is drawn in them.
fn screens() -> Vec<(&'static str, Driven)> {
    let open = |keys: &str| {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        driven.desk.operations = vec![shop::operation()];
        driven.desk.world.context.read_only = keys.contains('o');
        driven.input(Input::Changed);
        driven.press(keys);
        driven
    };
    let mut all: Vec<_> = [
        ("panes", "space j"),
        ("filter", "/ state:breach"),
        ("filtered", "/ state:breach enter"),
        ("problems", "p j"),
        ("sheet", "/ name:data-db-1 enter enter j"),
        ("copy", "2 enter"),
        ("menu", "2 x j"),
        ("palette", ": re <down>"),
        ("help", "?"),
        ("operations", "o"),
        ("operation", "o enter"),
        ("leave", "ctrl-c"),
        ("zoom", "3 z s"),
        ("slip", "/ shop space siz>100Gi"),
        ("kept slip", "/ siz>100Gi enter"),
        ("pinned", "/ batch enter P"),
        ("hidden marks", "space space / shop enter"),
        ("columns", ": columns enter j space"),
        ("found problems", "p / state:exp enter"),
        ("log asked for", "/ name:data-db-0 enter l"),
    ]
    .map(|(name, keys)| (name, open(keys)))
    .into();
    let mut log = logs::reading(120, 36, 400);
    log.press("t / error enter ctrl-u k");
    all.extend(vec![("log", log), ("news", news()), ("review", screens::reviewed(120, 36))]);
    for (name, keys) in [("tree", "/ name:data-db-0 enter t j j"), ("timeline", "p T j left")] {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        shop::grown(&mut driven.desk);
        shop::stuck(&mut driven.desk);
        driven.input(Input::Changed);
        driven.press(keys);
        all.push((name, driven));
    }
    let mut filling = Driven::new(shop::desk(), 120, 36);
    shop::measured(&mut filling.desk, "data-db-1", 98, 80);
    filling.input(Input::Changed);
    filling.press("/ name:data-db-1 enter enter");
    all.push(("filling", filling));
    let mut confirm = screens::reviewed(120, 36);
    confirm.press("enter data-");
    all.push(("confirm", confirm));
    let mut blind = open("");
    let then = shop::now() - jiff::SignedDuration::from_secs(42);
    blind.desk.world.apply(Delta::Failed(Kind::Pvc, Scope::All, "connection refused".into()), then);
    blind.desk.world.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), then);
    blind.desk.world.apply(Delta::Connection(Connection::Down { since: then, why: "refused".into() }), then);
    shop::refresh(&mut blind.desk);
    blind.input(Input::Changed);
    all.push(("blind", blind));
    all
}

/// A row that just came and, under the cursor, one that just changed.
fn news() -> Driven {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    for object in
        shop::copy("batch", "ledger", "block", 1, true).into_iter().chain(shop::claim("shop", "new", 1, "block"))
    {
        let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
        driven.desk.refresh(&touched, shop::now());
    }
    driven.input(Input::Changed);
    let lit = driven.app.theme.style(Meaning::Changed).fg.unwrap();
    assert!(driven.buffer().content().iter().any(|cell| cell.fg == lit), "nothing is lit");
    driven
}

fn is_line(cell: &Cell) -> bool {
    cell.symbol().chars().all(|c| "─│╭╮╰╯".contains(c))
}

#[test]
fn whatever_is_drawn_can_be_read() {
    let mut weak = BTreeSet::new();
    for (screen, mut driven) in screens() {
        for (theme, least) in coloured() {
            driven.app.theme = theme;
            for cell in driven.buffer().content().iter().filter(|cell| !cell.symbol().trim().is_empty()) {
                let least = if is_line(cell) && least < ENHANCED_TEXT { NOT_TEXT } else { least };
                let (text, ground) = pair(cell.style());
                if contrast(text, ground) < least {
                    let name = driven.app.theme.name();
                    weak.insert(format!("{name}, {screen}: {text:?} on {ground:?}"));
                }
            }
        }
    }
    assert!(weak.is_empty(), "{weak:#?}");
}

#[test]
fn a_selected_row_has_one_ground() {
    for keys in ["j", "p j", "o", "2 x j", "/ name:data-db-1 enter enter j"] {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        driven.desk.operations = vec![shop::operation()];
        driven.input(Input::Changed);
        driven.press(keys);
        let selected = driven.app.theme.style(Meaning::Selection).bg.unwrap();
        let buffer = driven.buffer();
        let rows = (0..36).filter_map(|y| {
            let on: Vec<u16> = (0..120).filter(|x| buffer[(*x, y)].bg == selected).collect();
            Some((y, *on.first()?, *on.last()?, on.len()))
        });
        let rows: Vec<_> = rows.collect();
        assert!(!rows.is_empty(), "{keys}: nothing is selected");
        for (y, first, last, cells) in rows {
            assert_eq!(usize::from(last - first) + 1, cells, "{keys}: line {y} has holes");
        }
    }
}

/// One line per meaning: `danger          fg #ff7f61 bold`.
fn legend(theme: &Theme) -> String {
    let mut lines = String::new();
    for meaning in Meaning::ALL {
        let style = theme.style(*meaning);
        let colour = |what: &str, colour: Option<Color>| {
            colour.map(|colour| format!(" {what} {}", colour.to_string().to_lowercase())).unwrap_or_default()
        };
        let modifiers = style.add_modifier.iter_names().map(|(name, _)| format!(" {}", name.to_lowercase()));
        let modifiers: String = modifiers.collect();
        let line = format!("{:<15}{}{}{modifiers}", meaning.name(), colour("fg", style.fg), colour("bg", style.bg));
        writeln!(lines, "{}", line.trim_end()).unwrap();
    }
    lines
}

#[test]
fn legends() {
    for name in Theme::names() {
        assert_snapshot!(format!("legend-{name}"), legend(&Theme::named(name).unwrap()));
    }
    assert_snapshot!("legend-dark-of-256", legend(&indexed("dark")));
}

#[test]
fn a_theme_of_ones_own_is_read_anew_each_time_it_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sea.toml");
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.app.themes = Themes::new(Depth::True, ThemeFolder::read(folder.path()));
    let mut choose = |text: &str| {
        std::fs::write(&path, text).unwrap();
        driven.press(": theme space sea enter");
        let Some(Effect::ReadThemes(name)) = driven.effects.pop() else { panic!("no file is read") };
        driven.input(Input::Themes(ThemeFolder::read(folder.path()), name));
        (driven.app.theme.style(Meaning::Ok).fg, driven.screen())
    };
    assert_eq!(choose("inherits = 'dark'\nok = { fg = 'white' }").0, Some(Color::White));
    assert_eq!(choose("inherits = 'dark'\nok = { fg = 'cyan' }").0, Some(Color::Cyan));
    let (kept, screen) = choose("inherits = 'dark'\nok = { fg = 'cyann' }");
    assert_eq!(kept, Some(Color::Cyan), "a mistake changes nothing");
    assert!(screen.contains("sea.toml:2:13: \"cyann\" is not a colour"), "{screen}");
}
