//! From the configuration file and the environment to what the console needs, and to everything that is wrong with
//! the file: what the schema says of it, and what keys and themes are, which only the console knows.

use super::args::Global;
use super::{Exit, Failure};
use crate::config::{self, Config, ConfigError, Mistake, Reading, THEME_ENV};
use crate::tui::{Keymap, Theme};

/// What the console needs.
pub(super) struct Console {
    pub(super) config: Config,
    pub(super) theme: Theme,
    pub(super) keymap: Keymap,
}

/// The settings of the console.
pub(super) fn console(global: &Global) -> Result<Console, Failure> {
    let (config, keymap) = effective(global)?;
    let theme = theme(config.theme.as_deref())?;
    Ok(Console { config, theme, keymap })
}

/// The configuration and the keymap that count.
///
/// # Errors
/// With every mistake of the file.
pub(super) fn effective(global: &Global) -> Result<(Config, Keymap), Failure> {
    match config::read(&config::file(global.config.as_deref())?)? {
        Some(reading) => Ok(judged(reading)?),
        None => Ok((Config::default(), Keymap::default())),
    }
}

/// What a file says, or everything that is wrong with it.
pub(super) fn judged(reading: Reading) -> Result<(Config, Keymap), ConfigError> {
    let Reading { config, keys, theme, mut mistakes, .. } = reading;
    if let Some(theme) = theme
        && let Err(error) = Theme::named(&theme.text)
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
fn theme(configured: Option<&str>) -> Result<Theme, Failure> {
    let text = |name| config::variable(name).map(|value| value.to_string_lossy().into_owned());
    if let Some(name) = text(THEME_ENV) {
        let theme = Theme::named(&name);
        return theme.map_err(|error| Failure::new(Exit::Usage, format!("${THEME_ENV}: {error}")));
    }
    let true_color = matches!(text("COLORTERM").as_deref(), Some("truecolor" | "24bit"));
    let name = Theme::choice(configured, text("NO_COLOR").is_some(), true_color);
    Theme::named(name).map_err(|error| Failure::new(Exit::Usage, error))
}
