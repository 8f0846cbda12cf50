//! Which files and directories are used, and what said so; the environment variables that count.
//!
//! Configuration is a person's and worth keeping in version control, state is this machine's and must not be lost,
//! a cache may be deleted at any time: three places.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// Environment variable that names the configuration file.
pub const CONFIG_ENV: &str = "HOLDFAST_CONFIG";
/// Environment variable that names the state directory.
pub const STATE_ENV: &str = "HOLDFAST_STATE_DIR";
/// Environment variable that names the cache directory.
pub const CACHE_ENV: &str = "HOLDFAST_CACHE_DIR";
/// Environment variable that names the theme.
pub const THEME_ENV: &str = "HOLDFAST_THEME";
/// Environment variable that names docker's directory of configuration.
pub const DOCKER_ENV: &str = "DOCKER_CONFIG";
/// Environment variable with the name of who is logged in.
pub const USER_ENV: &str = "USER";
/// Environment variable that filters the log.
pub const LOG_ENV: &str = "HOLDFAST_LOG";

/// An environment variable that counts.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it says, and what wins over it.
    pub doc: &'static str,
}

macro_rules! variables {
    ($($name:expr, $doc:literal;)*) => {
        /// Every environment variable that counts. An empty one is as none.
        pub const VARIABLES: &[Variable] = &[$(Variable { name: $name, doc: $doc },)*];
    };
}

variables! {
    CONFIG_ENV, "The configuration file. --config wins over it.";
    STATE_ENV, "The directory of journals and decisions.";
    CACHE_ENV, "The directory of what may be deleted at any time.";
    THEME_ENV, "The theme. It wins over the file's theme.";
    "HOLDFAST_READ_ONLY", "Anything but 0, no, off or false: never write. It adds to --read-only and the context's \
        read_only.";
    USER_ENV, "Who decides on findings, where findings.author does not say it.";
    DOCKER_ENV, "The directory of docker's config.json, for registries that have auth.";
    LOG_ENV, "What --log-file gets, such as info or holdfast=debug.";
    "KUBECONFIG", "The kubeconfig files. --kubeconfig wins over it.";
    "NO_COLOR", "No colours. A theme that is asked for wins over it.";
    "COLORTERM", "With truecolor or 24bit themes show their own colours, else the nearest of 256.";
    "TERM", "How many colours there are. Of sixteen the theme is ansi, of none mono, where none is asked for.";
}

/// A file that a configuration file names: beside it, unless the name is absolute.
pub(super) fn beside(configuration: &Path, named: &Path) -> PathBuf {
    configuration.parent().map_or_else(|| named.to_owned(), |folder| folder.join(named))
}

/// What said which file or directory is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This option or argument.
    Flag(&'static str),
    /// This environment variable.
    Variable(&'static str),
    /// Nothing; it is the platform's place for it.
    Platform,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "by {name}"),
            Self::Variable(name) => write!(f, "by ${name}"),
            Self::Platform => f.write_str("by default"),
        }
    }
}

/// A file or directory that is used, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where.
    pub path: PathBuf,
    /// What said so.
    pub origin: Origin,
}

/// The file that docker keeps logins in: below `DOCKER_CONFIG`, or in the home directory.
pub fn docker_login() -> Option<PathBuf> {
    let folder = variable(DOCKER_ENV).map(PathBuf::from);
    let folder = folder.or_else(|| Some(directories::BaseDirs::new()?.home_dir().join(".docker")));
    Some(folder?.join("config.json"))
}

/// The value of an environment variable; an empty one is none.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn location(
    name: &'static str,
    default: impl FnOnce(&directories::ProjectDirs) -> PathBuf,
) -> Result<Location, ConfigError> {
    if let Some(value) = variable(name) {
        return Ok(Location { path: value.into(), origin: Origin::Variable(name) });
    }
    let project = directories::ProjectDirs::from("", "", "holdfast").ok_or(ConfigError::NoHome(name))?;
    Ok(Location { path: default(&project), origin: Origin::Platform })
}

/// The configuration file: the one that the command line names, or `HOLDFAST_CONFIG`, or the user's own.
///
/// # Errors
/// When this account has no home directory.
pub fn file(given: Option<&Path>) -> Result<Location, ConfigError> {
    match given {
        Some(path) => Ok(Location { path: path.to_owned(), origin: Origin::Flag("--config") }),
        None => location(CONFIG_ENV, |project| project.config_dir().join("config.toml")),
    }
}

/// The directory of state: `HOLDFAST_STATE_DIR`, or the platform's place for it.
///
/// # Errors
/// When this account has no home directory.
pub fn state() -> Result<Location, ConfigError> {
    location(STATE_ENV, |project| project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned())
}

/// The directory of what may be deleted at any time: `HOLDFAST_CACHE_DIR`, or the platform's place for it.
///
/// # Errors
/// When this account has no home directory.
pub fn cache() -> Result<Location, ConfigError> {
    location(CACHE_ENV, |project| project.cache_dir().to_owned())
}

/// The state directory; see [`state`].
///
/// # Errors
/// When this account has no home directory.
pub fn state_directory() -> Result<PathBuf, ConfigError> {
    state().map(|location| location.path)
}
