use std::path::PathBuf;

use ratatui::style::{Color, Modifier};
use rstest::rstest;

use super::*;
use crate::config::ThemeFile;

/// The built-in themes and files of these names and texts.
fn themes(files: &[(&str, &str)]) -> Themes {
    let file = |(name, text): &(&str, &str)| ThemeFile {
        name: (*name).to_owned(),
        path: PathBuf::from(format!("themes/{name}.toml")),
        text: Ok((*text).to_owned()),
    };
    let files = files.iter().map(file).collect();
    Themes::new(Depth::True, ThemeFolder { path: PathBuf::from("themes"), files, unread: None })
}

fn said(files: &[(&str, &str)], name: &str) -> String {
    themes(files).load(name).unwrap_err().to_string()
}

#[test]
fn every_built_in_theme_can_be_loaded() {
    for name in built_in() {
        assert_eq!(Themes::default().load(name).unwrap_or_else(|error| panic!("{error}")).name(), name);
    }
}

#[test]
fn built_in_palettes_take_no_name_that_a_terminal_has() {
    for (theme, text) in BUILT_IN {
        for name in Written::read(text).unwrap().palette.keys() {
            assert_eq!(
                colour(name),
                None,
                "{theme}: {name} would mean something else in a theme that inherits from it"
            );
        }
    }
}

#[test]
fn a_theme_needs_to_say_only_what_it_changes() {
    let sea = "inherits = 'dark'\ndanger = { fg = 'coral', underlined = true }\n[palette]\ncoral = '#ff6655'\n";
    let theme = themes(&[("sea", sea)]).load("sea").unwrap();
    let danger = theme.style(Meaning::Danger);
    assert_eq!(danger.fg, Some(Color::Rgb(0xff, 0x66, 0x55)));
    assert_eq!(danger.add_modifier, Modifier::UNDERLINED, "what a look does not say is not inherited");
    assert_eq!(theme.style(Meaning::Warn), Theme::named("dark").unwrap().style(Meaning::Warn));
}

#[test]
fn a_colour_of_an_inherited_palette_is_changed_wherever_it_is_used() {
    let theme = themes(&[("night", "inherits = 'dark'\n[palette]\nsky = 'cyan'\n")]).load("night").unwrap();
    assert_eq!(theme.style(Meaning::Accent).fg, Some(Color::Cyan));
    assert_eq!(theme.style(Meaning::Filter).bg, Some(Color::Cyan));
}

#[test]
fn inheritance_goes_on_over_several_files_and_the_nearest_word_counts() {
    let files = [
        ("a", "inherits = 'b'\nok = { fg = 'white' }"),
        ("b", "inherits = 'c'\nok = { fg = 'red' }\nwarn = { fg = 'blue' }"),
        ("c", "inherits = 'light'\nwarn = { fg = 'red' }\ninfo = { fg = 'red' }"),
    ];
    let theme = themes(&files).load("a").unwrap();
    let fg = |meaning: Meaning| theme.style(meaning).fg;
    let seen = [fg(Meaning::Ok), fg(Meaning::Warn), fg(Meaning::Info)];
    assert_eq!(seen, [Some(Color::White), Some(Color::Blue), Some(Color::Red)]);
    assert_eq!(theme.style(Meaning::Text), Theme::named("light").unwrap().style(Meaning::Text));
}

#[test]
fn a_file_stands_before_the_built_in_theme_of_its_name_and_may_inherit_from_it() {
    let files = [("dark", "inherits = 'dark'\nok = { fg = 'white' }"), ("mine", "inherits = 'dark'")];
    let themes = themes(&files);
    for name in ["dark", "mine"] {
        assert_eq!(themes.load(name).unwrap().style(Meaning::Ok).fg, Some(Color::White), "{name}");
    }
    let built_in = themes.load("high-contrast").unwrap();
    assert_eq!(built_in, Theme::named("high-contrast").unwrap(), "what is built in stays what it was");
    assert_eq!(themes.names().collect::<Vec<_>>().last(), Some(&"mine"));
    assert_eq!(themes.names().filter(|name| *name == "dark").count(), 1);
}

#[rstest]
#[case::syntax("inherits = 'dark'\nok = {", "themes/mine.toml:2:")]
#[case::no_meaning(
    "inherits = 'dark'\nglow = {}",
    "themes/mine.toml:2:1: \"glow\" is not a meaning; there are text, muted"
)]
#[case::no_colour("inherits = 'dark'\nok = { fg = 'reddish' }", "mine.toml:2:13: \"reddish\" is not a colour; write")]
#[case::no_colour_in_the_palette("inherits='dark'\n[palette]\nx = '#12'", "mine.toml:3:5: \"#12\" is not a colour")]
#[case::no_field(
    "inherits = 'dark'\nok = { blink = true }",
    "mine.toml:2:8: a look has no \"blink\"; it has fg, bg, bold"
)]
#[case::no_switch("inherits = 'dark'\nok = { bold = 'yes' }", "mine.toml:2:15: bold is true or false")]
#[case::no_look("inherits = 'dark'\nok = 'red'", "mine.toml:2:6: a meaning is written as { fg =")]
#[case::no_name("inherits = 3", "mine.toml:1:12: inherits is the name of a theme")]
#[case::no_palette("palette = 3", "mine.toml:1:11: palette is a table of colours")]
#[case::undefined(
    "ok = {}",
    "mine.toml:1:1: \"text\" is not defined; define it, or begin the file with inherits = \"dark\""
)]
#[case::no_parent("inherits = 'drak'", "mine.toml:1:12: no theme is called \"drak\"; there are dark, light")]
#[case::itself(
    "inherits = 'mine'",
    "mine.toml:1:12: these themes inherit from one another in a circle: mine -> mine; let"
)]
fn a_mistake_is_told_with_its_place_and_what_to_do(#[case] text: &str, #[case] words: &str) {
    let said = said(&[("mine", text)], "mine");
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_mistake_in_an_inherited_file_is_told_of_that_file() {
    let files = [("a", "inherits = 'b'"), ("b", "inherits = 'light'\n\n  ok = { fg = 'x' }")];
    assert!(said(&files, "a").starts_with("themes/b.toml:3:15: "), "{}", said(&files, "a"));
}

#[test]
fn a_circle_is_told_where_it_closes() {
    let files = [("a", "inherits = 'b'"), ("b", "\ninherits = 'c'"), ("c", "\n\ninherits = 'b'")];
    let said = said(&files, "a");
    assert!(said.starts_with("themes/c.toml:3:12: ") && said.contains("a -> b -> c -> b"), "{said}");
}

#[test]
fn a_name_that_is_none_is_told_with_those_there_are_and_where_ones_own_would_be() {
    let said = said(&[("sea", "inherits = 'dark'")], "neon");
    assert!(said.contains("mono and sea") && said.contains("themes/neon.toml"), "{said}");
    let mut themes = themes(&[]);
    themes.renew(ThemeFolder { path: "themes".into(), files: Vec::new(), unread: Some("no right".into()) });
    let said = themes.load("neon").unwrap_err().to_string();
    assert!(said.contains("themes cannot be: no right"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_hinders_no_other_theme() {
    let file = ThemeFile { name: "bad".into(), path: "themes/bad.toml".into(), text: Err("no right".into()) };
    let themes = Themes::new(Depth::True, ThemeFolder { path: "themes".into(), files: vec![file], unread: None });
    assert!(themes.load("dark").is_ok());
    let said = themes.load("bad").unwrap_err().to_string();
    assert!(said.contains("themes/bad.toml") && said.contains("no right"), "{said}");
}

#[test]
fn the_next_theme_leaves_out_those_with_a_mistake_and_begins_again_after_the_last() {
    let themes = themes(&[("broken", "ok = 1"), ("sea", "inherits = 'dark'")]);
    let after = |name: &str| themes.after(name).unwrap().name().to_owned();
    assert_eq!([after("dark"), after("mono"), after("sea")], ["light", "sea", "dark"]);
}

#[test]
fn a_terminal_of_256_colours_gets_the_nearest_of_them() {
    let themes = Themes::new(Depth::Indexed, ThemeFolder { path: "themes".into(), files: Vec::new(), unread: None });
    assert_eq!(themes.load("dark").unwrap().style(Meaning::Text).bg, Some(Color::Indexed(233)));
    assert_eq!(themes.load("ansi").unwrap(), Theme::named("ansi").unwrap());
}
