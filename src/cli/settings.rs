//! From the configuration file and the environment to what the console needs, and to everything that is wrong with
//! the file: what the schema says of it, and what keys and themes are, which only the console knows.

use super::args::Global;
use super::{Exit, Failure};
use crate::config::{self, Config, ConfigError, Location, Mistake, Reading, THEME_ENV, ThemeFolder};
use crate::tui::{Depth, Keymap, Theme, Themes};

/// What the console needs.
pub(super) struct Console {
    pub(super) config: Config,
    pub(super) theme: Theme,
    pub(super) themes: Themes,
    pub(super) keymap: Keymap,
}

/// The settings of the console.
pub(super) fn console(global: &Global) -> Result<Console, Failure> {
    let file = config::file(global.config.as_deref())?;
    let themes = themes(&file);
    let (config, keymap) = said(&file, &themes)?;
    let theme = theme(&themes, config.theme.as_deref())?;
    Ok(Console { config, theme, themes, keymap })
}

/// The configuration and the keymap that count.
///
/// # Errors
/// With every mistake of the file.
pub(super) fn effective(global: &Global) -> Result<(Config, Keymap), Failure> {
    let file = config::file(global.config.as_deref())?;
    said(&file, &themes(&file))
}

fn said(file: &Location, themes: &Themes) -> Result<(Config, Keymap), Failure> {
    match config::read(file)? {
        Some(reading) => Ok(judged(reading, themes)?),
        None => Ok((Config::default(), Keymap::default())),
    }
}

/// The built-in themes and those beside a configuration file, as this terminal shows them.
pub(super) fn themes(file: &Location) -> Themes {
    Themes::new(Depth::of(text), ThemeFolder::beside(&file.path))
}

/// What a file says, or everything that is wrong with it.
pub(super) fn judged(reading: Reading, themes: &Themes) -> Result<(Config, Keymap), ConfigError> {
    let Reading { config, keys, theme, mut mistakes, .. } = reading;
    if let Some(theme) = theme
        && let Err(error) = themes.load(&theme.text)
    {
        mistakes.push(Mistake { at: theme.at, what: format!("theme: {error}") });
    }
    match (config, Keymap::of(&keys)) {
        (Some(config), Ok(keymap)) if mistakes.is_empty() => Ok((config, keymap)),
        (_, keymap) => {
            mistakes.extend(keymap.err().unwrap_or_default());
            mistakes.sort();
            Err(ConfigError::Wrong(mistakes))
        }
    }
}

/// The theme that the environment names, or else the configuration, or else what the terminal can show.
fn theme(themes: &Themes, configured: Option<&str>) -> Result<Theme, Failure> {
    if let Some(name) = text(THEME_ENV) {
        let theme = themes.load(&name);
        return theme.map_err(|error| Failure::new(Exit::Usage, format!("${THEME_ENV}: {error}")));
    }
    let name = Theme::choice(configured, text("NO_COLOR").is_some(), Depth::of(text));
    themes.load(name).map_err(|error| Failure::new(Exit::Usage, error))
}

fn text(variable: &str) -> Option<String> {
    config::variable(variable).map(|value| value.to_string_lossy().into_owned())
}
