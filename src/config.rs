//! Where files live and what they may say: one schema, errors with line and column.
//!
//! Reads the configuration file only; state files are the store's. What keys and themes are is the console's: here
//! they are texts with their places.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use crate::model::{Band, Linking, Policies};

mod commented;
pub mod links;
mod places;
pub mod policy;
mod prometheus;
mod read;
pub mod runbook;
mod schema;
mod shape;
mod spot;
#[cfg(test)]
mod tests;
mod themes;
mod webhook;

pub use commented::commented;
pub use places::{
    CACHE_ENV, CONFIG_ENV, LOG_ENV, Location, Origin, STATE_ENV, THEME_ENV, USER_ENV, VARIABLES, Variable, cache,
    docker_login, file, state, state_directory, variable,
};
pub use prometheus::PrometheusUrl;
pub use read::Reading;
pub use schema::{SETTINGS, Setting, Without};
pub use shape::Shape;
pub use spot::{Mistake, Source, Spot, Written};
pub use themes::{ThemeFile, ThemeFolder};
pub use webhook::WebhookUrl;

/// The configuration. What each setting does stands in the registry, [`SETTINGS`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the theme: a built-in one, or a file in the folder `themes` beside this one.
    pub theme: Option<String>,
    /// Whether the console listens to the mouse.
    pub mouse: bool,
    /// Whether notices ring the terminal's bell.
    pub bell: bool,
    /// Keys of actions, in place of their own.
    #[serde(skip)]
    pub keys: Vec<KeySetting>,
    /// The policy file, beside this one where it has no directory of its own.
    pub policy_file: Option<PathBuf>,
    /// The folder of the user's own runbooks, beside this one where it is not absolute.
    pub runbooks: Option<PathBuf>,
    /// Where findings come from, and which of them count.
    pub findings: FindingsConfig,
    /// Recovery point objectives.
    pub policy: Policies,
    /// How long steps may take.
    pub deadlines: Deadlines,
    /// How long journals are kept.
    pub journal: JournalConfig,
    /// Settings of single kubeconfig contexts, by name.
    pub contexts: BTreeMap<String, ContextConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: None,
            mouse: true,
            bell: false,
            keys: Vec::new(),
            policy_file: None,
            runbooks: None,
            findings: FindingsConfig::default(),
            policy: Policies::default(),
            deadlines: Deadlines::default(),
            journal: JournalConfig::default(),
            contexts: BTreeMap::new(),
        }
    }
}

/// Where findings come from, and which of them count.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FindingsConfig {
    /// Where SARIF lies.
    pub sources: Vec<ScanPlace>,
    /// Namespaces whose `ConfigMap`s may hold SARIF.
    pub configmaps: Vec<ScanNamespace>,
    /// Registries whose images may have SARIF attached.
    pub registries: Vec<ScanRegistry>,
    /// The links file, beside this one where it has no directory of its own.
    pub links: Option<PathBuf>,
    /// What the links file says.
    #[serde(skip)]
    pub linking: Linking,
    /// The least band that makes copies suspicious.
    #[serde(deserialize_with = "band")]
    pub concern: Band,
    /// The folder of decisions that is shared with others, beside this one where it is not absolute.
    pub shared: Option<PathBuf>,
    /// Who decides.
    pub author: Option<String>,
}

impl Default for FindingsConfig {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            configmaps: Vec::new(),
            registries: Vec::new(),
            links: None,
            linking: Linking::default(),
            concern: Band::High,
            shared: None,
            author: None,
        }
    }
}

/// A directory or file with SARIF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanPlace {
    /// Which.
    pub path: PathBuf,
    /// Whether only a pipeline can write there.
    pub trusted: bool,
}

/// A namespace whose `ConfigMap`s may hold SARIF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanNamespace {
    /// Which.
    pub namespace: String,
    /// Whether only a pipeline can write `ConfigMap`s there.
    pub trusted: bool,
}

/// A registry that is asked for SARIF attached to the images that run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanRegistry {
    /// Host, and port where it has one, as names of images have it.
    pub host: String,
    /// Whether only a pipeline can push there.
    pub trusted: bool,
    /// Whether it is asked over plain HTTP.
    pub insecure: bool,
    /// PEM file of the certificate authorities that it is checked against, instead of the system's.
    pub ca: Option<PathBuf>,
    /// Where its login is taken from; `None` for nobody's.
    pub auth: Option<RegistryLogin>,
}

/// Where the login of a registry is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistryLogin {
    /// `config.json` of docker.
    Docker,
}

impl FindingsConfig {
    /// Whether there is any source of findings.
    pub fn any(&self) -> bool {
        !self.sources.is_empty() || !self.configmaps.is_empty() || !self.registries.is_empty()
    }
}

fn band<'de, D: Deserializer<'de>>(from: D) -> Result<Band, D::Error> {
    let word = String::deserialize(from)?;
    Band::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("\"{word}\" is no band")))
}

/// The keys of one action, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The name of the action.
    pub action: Written,
    /// Its keys.
    pub keys: Vec<Written>,
}

/// How long steps may take, as durations such as `90s` or `10m`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Until a snapshot is cut.
    pub cut: SignedDuration,
    /// Until a snapshot is ready to restore from.
    pub ready: SignedDuration,
    /// Until the lock of an operation runs out that nobody renews.
    pub lock: SignedDuration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            cut: SignedDuration::from_mins(2),
            ready: SignedDuration::from_mins(10),
            lock: SignedDuration::from_secs(30),
        }
    }
}

/// How long journals of operations are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// After the end of an operation of which nothing is left that could be taken back.
    #[serde(deserialize_with = "duration")]
    pub keep: SignedDuration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { keep: SignedDuration::from_hours(400 * 24) }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::text::quantity::parse_duration(&text).map_err(serde::de::Error::custom)
}

/// Settings of one context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextConfig {
    /// Never write to this cluster, whatever the command line says.
    pub read_only: bool,
    /// Ask for the context's name as well as the object's before anything is changed in this cluster.
    pub protected: bool,
    /// Prometheus that scrapes this cluster's kubelets: how full volumes are comes from there.
    pub prometheus: Option<PrometheusUrl>,
    /// PEM file of the certificate authorities that an `https` Prometheus is checked against, instead of the system's.
    pub prometheus_ca: Option<PathBuf>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {} ({origin})", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What said that it is used.
        origin: Origin,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what the schema says; each mistake on a line of its own.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Mistake>),
    /// This account has no home directory.
    #[error("no home directory is known for this account; set {0}")]
    NoHome(&'static str),
}

impl Config {
    /// Reads the configuration: the given file, or `HOLDFAST_CONFIG`, or the user's own if there is one. What it names
    /// and is not absolute lies beside it.
    ///
    /// # Errors
    /// When a file that was asked for is missing, or any file is not what the schema says.
    pub fn load(given: Option<&Path>) -> Result<Self, ConfigError> {
        let location = file(given)?;
        let Some(reading) = read(&location)? else { return Ok(Self::default()) };
        let mut config = reading.config.ok_or(ConfigError::Wrong(reading.mistakes))?;
        config.lies_at(&location.path);
        Ok(config)
    }

    /// Takes every file and folder that is named, and is not absolute, to be beside this file.
    fn lies_at(&mut self, file: &Path) {
        let findings = &mut self.findings;
        let single = [&mut self.policy_file, &mut self.runbooks, &mut findings.links, &mut findings.shared];
        let cas = findings.registries.iter_mut().map(|one| &mut one.ca);
        let cas = cas.chain(self.contexts.values_mut().map(|one| &mut one.prometheus_ca));
        let sources = findings.sources.iter_mut().map(|one| &mut one.path);
        for path in single.into_iter().chain(cas).flatten().chain(sources) {
            *path = places::beside(file, path);
        }
    }

    /// Parses a configuration.
    ///
    /// # Errors
    /// With line and column of everything that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let reading = Reading::of(text, path);
        reading.config.ok_or(ConfigError::Wrong(reading.mistakes))
    }

    /// Settings of a context.
    pub fn context(&self, name: &str) -> ContextConfig {
        self.contexts.get(name).cloned().unwrap_or_default()
    }
}

/// Reads a configuration file; `None` when it is not there and nobody asked for it by name.
///
/// # Errors
/// When it cannot be read.
pub fn read(location: &Location) -> Result<Option<Reading>, ConfigError> {
    match std::fs::read_to_string(&location.path) {
        Ok(text) => Ok(Some(Reading::of(&text, &location.path))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && location.origin == Origin::Platform => Ok(None),
        Err(source) => Err(ConfigError::Read { path: location.path.clone(), origin: location.origin, source }),
    }
}
