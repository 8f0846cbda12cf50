//! Colours by meaning. Drawing code asks for a [`Meaning`], never for a colour; a theme file defines them all.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use thiserror::Error;

use crate::view::Level;

macro_rules! meanings {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a piece of the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Meaning { $($(#[$doc])* $variant,)* }

        impl Meaning {
            /// Every meaning.
            pub const ALL: &'static [Meaning] = &[$(Meaning::$variant,)*];

            /// Its name in theme files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

meanings! {
    /// Ordinary text on the ordinary ground.
    Text = "text",
    /// What may be overlooked.
    Muted = "muted",
    /// Titles of panes and dialogs.
    Title = "title",
    /// Column headings and labels.
    Heading = "heading",
    /// Frames at rest.
    Border = "border",
    /// The frame that has the keys.
    Focus = "focus",
    /// What leads the eye: the cursor, the product's name.
    Accent = "accent",
    /// The selected row where the keys go.
    Selection = "selection",
    /// The selected row elsewhere.
    SelectionIdle = "selection-idle",
    /// Marked rows.
    Mark = "mark",
    /// Rows that just came or changed.
    Changed = "changed",
    /// The top line.
    Header = "header",
    /// A key that can be pressed.
    Key = "key",
    /// A badge that must not be missed, such as READ-ONLY.
    Badge = "badge",
    /// An active filter.
    Filter = "filter",
    /// Good.
    Ok = "ok",
    /// Worth knowing.
    Info = "info",
    /// Needs attention soon.
    Warn = "warn",
    /// Needs attention now, or destroys.
    Danger = "danger",
    /// Not known.
    Unknown = "unknown",
    /// No longer live.
    Stale = "stale",
}

impl From<Level> for Meaning {
    fn from(level: Level) -> Self {
        match level {
            Level::Ok => Self::Ok,
            Level::Info => Self::Info,
            Level::Stale => Self::Stale,
            Level::Warn => Self::Warn,
            Level::Unknown => Self::Unknown,
            Level::Critical => Self::Danger,
        }
    }
}

/// Why a theme cannot be used.
#[derive(Debug, Error)]
pub enum ThemeError {
    /// There is no built-in theme of this name.
    #[error("no theme is called \"{0}\"; there are {names}", names = Theme::names().collect::<Vec<_>>().join(", "))]
    NoSuch(String),
    /// The file is not valid TOML, or has a field that themes do not have.
    #[error("theme file: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A meaning has no style.
    #[error("theme file: \"{0}\" is not defined")]
    Missing(&'static str),
    /// A name that is not a meaning.
    #[error("theme file: \"{0}\" is not a meaning")]
    NotAMeaning(String),
    /// A colour that cannot be read.
    #[error("theme file: \"{1}\" of \"{0}\" is not a colour; write a name such as \"red\" or \"#rrggbb\"")]
    Colour(String, String),
}

/// A style for every meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a theme file switches each of them by itself")]
struct Written {
    #[serde(default)]
    fg: Option<String>,
    #[serde(default)]
    bg: Option<String>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    underlined: bool,
    #[serde(default)]
    reversed: bool,
}

const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("ansi", include_str!("../../themes/ansi.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

impl Theme {
    /// Names of the built-in themes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// A built-in theme.
    pub fn named(name: &str) -> Result<Self, ThemeError> {
        let (name, text) =
            BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(|| ThemeError::NoSuch(name.to_owned()))?;
        Self::parse(name, text)
    }

    /// The name of the theme to begin with: what was asked for, none of them where colour is not wanted
    /// (<https://no-color.org>), and only the terminal's own colours where it does not say that it has more.
    pub fn choice(asked: Option<&str>, no_color: bool, true_color: bool) -> &str {
        match (asked, no_color, true_color) {
            (Some(name), ..) => name,
            (None, true, _) => "mono",
            (None, false, true) => "dark",
            (None, false, false) => "ansi",
        }
    }

    /// Reads a theme file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ThemeError> {
        let mut written: std::collections::BTreeMap<String, Written> = toml::from_str(text)?;
        let mut style = |meaning: &Meaning| {
            let name = meaning.name();
            written.remove(name).ok_or(ThemeError::Missing(name))?.style(name)
        };
        let styles = Meaning::ALL.iter().map(&mut style).collect::<Result<_, _>>()?;
        match written.into_keys().next() {
            Some(extra) => Err(ThemeError::NotAMeaning(extra)),
            None => Ok(Self { name: name.to_owned(), styles }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The style of a meaning.
    pub fn style(&self, meaning: impl Into<Meaning>) -> Style {
        self.styles[meaning.into() as usize]
    }
}

impl Written {
    fn style(self, meaning: &str) -> Result<Style, ThemeError> {
        let colour =
            |text: &str| Color::from_str(text).map_err(|_| ThemeError::Colour(meaning.to_owned(), text.to_owned()));
        let mut style = Style::new();
        if let Some(fg) = &self.fg {
            style = style.fg(colour(fg)?);
        }
        if let Some(bg) = &self.bg {
            style = style.bg(colour(bg)?);
        }
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underlined, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ];
        Ok(modifiers.iter().filter(|(on, _)| *on).fold(style, |style, (_, modifier)| style.add_modifier(*modifier)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_defines_every_meaning() {
        for name in Theme::names() {
            Theme::named(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn a_theme_with_a_mistake_says_which() {
        let say = |text: &str| Theme::parse("mine", text).unwrap_err().to_string();
        assert_eq!(say(""), "theme file: \"text\" is not defined");
        let dark = include_str!("../../themes/dark.toml");
        assert!(say(&format!("{dark}\nglow = {{}}")).contains("\"glow\" is not a meaning"));
        assert!(say("text = { fg = \"reddish\" }").contains("\"reddish\" of \"text\" is not a colour"));
        assert!(Theme::named("neon").unwrap_err().to_string().contains("dark, light, ansi, mono"));
    }

    #[test]
    fn no_colour_is_honoured_unless_a_theme_is_asked_for() {
        assert_eq!(Theme::choice(None, true, true), "mono");
        assert_eq!(Theme::choice(Some("light"), true, true), "light");
        assert_eq!(Theme::choice(None, false, false), "ansi");
    }

    #[test]
    fn mono_uses_no_colour_at_all() {
        let mono = Theme::named("mono").unwrap();
        assert!(Meaning::ALL.iter().all(|m| mono.style(*m).fg.is_none() && mono.style(*m).bg.is_none()));
    }
}
