//! Colours by meaning. Drawing code asks for a [`Meaning`], never for a colour; a theme, with those it inherits from,
//! defines them all.
//!
//! Here are the meanings and what a theme is. [`Themes`] knows them all by name, `file` reads one file, and [`Depth`]
//! is how many colours the terminal has.

mod depth;
mod file;
mod themes;

use std::path::PathBuf;

use ratatui::style::Style;
use thiserror::Error;

pub use depth::Depth;
pub(in crate::tui) use depth::indexed;
pub use themes::Themes;

use crate::config::Mistake;
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
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ThemeError {
    /// There is no theme of this name.
    #[error("no theme is called \"{name}\"; there are {known}{own}")]
    NoSuch {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
        /// Where the user's own would be, or why there are none.
        own: String,
    },
    /// The file cannot be read.
    #[error("cannot read the theme file {}: {why}; mend it or take it away", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is not a theme: where, what is wrong, and what to do.
    #[error("{0}")]
    Wrong(Mistake),
}

/// A style for every meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
}

impl Theme {
    /// Names of the built-in themes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        themes::built_in()
    }

    /// A built-in theme in true colour.
    pub fn named(name: &str) -> Result<Self, ThemeError> {
        Themes::default().load(name)
    }

    /// The name of the theme to begin with: what was asked for, none of the colours where they are not wanted
    /// (<https://no-color.org>), and else as many as the terminal has.
    pub fn choice(asked: Option<&str>, no_color: bool, depth: Depth) -> &str {
        match (asked, depth) {
            (Some(name), _) => name,
            (None, _) if no_color => "mono",
            (None, Depth::Mono) => "mono",
            (None, Depth::Sixteen) => "ansi",
            (None, Depth::Indexed | Depth::True) => "dark",
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("light"), true, Depth::True, "light")]
    #[case(Some("light"), false, Depth::Sixteen, "light")]
    #[case(None, true, Depth::True, "mono")]
    #[case(None, false, Depth::Mono, "mono")]
    #[case(None, false, Depth::Sixteen, "ansi")]
    #[case(None, false, Depth::Indexed, "dark")]
    #[case(None, false, Depth::True, "dark")]
    fn what_is_asked_for_counts_most_then_no_colour_then_the_terminal(
        #[case] asked: Option<&str>,
        #[case] no_color: bool,
        #[case] depth: Depth,
        #[case] chosen: &str,
    ) {
        assert_eq!(Theme::choice(asked, no_color, depth), chosen);
    }

    #[test]
    fn mono_uses_no_colour_at_all() {
        let mono = Theme::named("mono").unwrap();
        assert!(Meaning::ALL.iter().all(|m| mono.style(*m).fg.is_none() && mono.style(*m).bg.is_none()));
    }
}
