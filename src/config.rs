//! Where files live and what they may say: one schema, errors with line and column.
//!
//! Reads the configuration file only; state files are the store's. Every key is optional.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;

use crate::model::Policies;

mod prometheus;

pub use prometheus::PrometheusUrl;

/// Environment variable that names the configuration file.
pub const CONFIG_ENV: &str = "HOLDFAST_CONFIG";
/// Environment variable that names the state directory.
pub const STATE_ENV: &str = "HOLDFAST_STATE_DIR";

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the theme: dark, light or mono.
    pub theme: Option<String>,
    /// Recovery point objectives.
    pub policy: Policies,
    /// How long steps may take.
    pub deadlines: Deadlines,
    /// Settings of single kubeconfig contexts, by name.
    pub contexts: BTreeMap<String, ContextConfig>,
}

/// How long steps may take, as durations such as `90s` or `10m`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Until a snapshot is cut.
    pub cut: SignedDuration,
    /// Until a snapshot is ready to restore from.
    pub ready: SignedDuration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { cut: SignedDuration::from_mins(2), ready: SignedDuration::from_mins(10) }
    }
}

/// Settings of one context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextConfig {
    /// Never write to this cluster, whatever the command line says.
    pub read_only: bool,
    /// Prometheus that scrapes this cluster's kubelets: how full volumes are comes from there.
    pub prometheus: Option<PrometheusUrl>,
    /// PEM file of the certificate authorities that an `https` Prometheus is checked against, instead of the system's.
    pub prometheus_ca: Option<PathBuf>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named on the command line or in the environment cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what the schema says.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// This account has no home directory.
    #[error("no home directory is known for this account; set {CONFIG_ENV} and {STATE_ENV}")]
    NoHome,
}

impl Config {
    /// Reads the configuration: the given file, or `HOLDFAST_CONFIG`, or the user's own if there is one.
    ///
    /// # Errors
    /// When a file that was asked for is missing, or any file does not parse.
    pub fn load(given: Option<&Path>) -> Result<Self, ConfigError> {
        let (path, asked_for) = match given.map(Path::to_owned).or_else(|| env_path(CONFIG_ENV)) {
            Some(path) => (path, true),
            None => (user_file()?, false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// Parses a configuration.
    ///
    /// # Errors
    /// With line and column of what is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..start).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            ConfigError::Parse {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                message: error.message().to_owned(),
            }
        })
    }

    /// Settings of a context.
    pub fn context(&self, name: &str) -> ContextConfig {
        self.contexts.get(name).cloned().unwrap_or_default()
    }
}

fn env_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn project() -> Result<directories::ProjectDirs, ConfigError> {
    directories::ProjectDirs::from("", "", "holdfast").ok_or(ConfigError::NoHome)
}

/// The user's own configuration file, whether it exists or not.
///
/// # Errors
/// When this account has no home directory.
pub fn user_file() -> Result<PathBuf, ConfigError> {
    Ok(project()?.config_dir().join("config.toml"))
}

/// The state directory: `HOLDFAST_STATE_DIR`, or the platform's place for state.
///
/// # Errors
/// When this account has no home directory.
pub fn state_directory() -> Result<PathBuf, ConfigError> {
    if let Some(path) = env_path(STATE_ENV) {
        return Ok(path);
    }
    let project = project()?;
    Ok(project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_mistake_is_reported_with_line_and_column() {
        let error = Config::parse("theme = \"dark\"\n[deadlines]\ncut = \"soon\"\n", Path::new("c.toml")).unwrap_err();
        assert!(error.to_string().starts_with("c.toml:3:7: "), "{error}");
    }

    #[test]
    fn an_unknown_key_is_an_error_and_not_ignored() {
        let error = Config::parse("readonly = true\n", Path::new("c.toml")).unwrap_err();
        assert!(error.to_string().contains("c.toml:1:1") && error.to_string().contains("readonly"), "{error}");
    }

    #[test]
    fn everything_is_optional_and_durations_are_plain() {
        assert_eq!(Config::parse("", Path::new("c.toml")).unwrap(), Config::default());
        let config = Config::parse("[deadlines]\nready = '1h'\n[contexts.prod]\nread_only = true\n", Path::new("c"));
        let config = config.unwrap();
        assert_eq!(config.deadlines.ready, SignedDuration::from_hours(1));
        assert!(config.context("prod").read_only && !config.context("dev").read_only);
    }

    #[rstest]
    #[case("http://prometheus:9090", "http://prometheus:9090/")]
    #[case("http://10.0.0.1/", "http://10.0.0.1/")]
    #[case("https://[fd00::1]:9090/prefix/", "https://[fd00::1]:9090/prefix/")]
    #[case("https://m.example/select/0/prometheus", "https://m.example/select/0/prometheus")]
    fn a_prometheus_is_a_base_url(#[case] written: &str, #[case] read: &str) {
        let text = format!("[contexts.\"a b\"]\nprometheus = \"{written}\"\n");
        let context = Config::parse(&text, Path::new("c")).unwrap().context("a b");
        assert_eq!(context.prometheus.unwrap().to_string(), read);
    }

    #[rstest]
    #[case("prometheus:9090", "needs http:// or https://")]
    #[case("ftp://prometheus", "needs http:// or https://")]
    #[case("/prometheus", "needs http:// or https://")]
    #[case("", "is empty")]
    #[case("http://", "is not a URL")]
    #[case("http://a b/", "is not a URL")]
    #[case("http://prometheus:99999/", "port")]
    #[case("http://prometheus:0/", "port")]
    #[case("http://:9090/", "no host")]
    #[case("http://u:secret@prometheus/", "user name or password")]
    #[case("http://prometheus/?query=up", "must end before ?")]
    #[case("http://prometheus/#x", "must end before #")]
    #[case("http://prometheus/api/v1/query", "without /api/v1")]
    fn a_url_that_cannot_be_asked_is_an_error_with_its_place(#[case] written: &str, #[case] why: &str) {
        let text = format!("[contexts.prod]\nprometheus = \"{written}\"\n");
        let error = Config::parse(&text, Path::new("c.toml")).unwrap_err().to_string();
        assert!(error.starts_with("c.toml:2:14: ") && error.contains(why), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
