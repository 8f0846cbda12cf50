//! What the value of a setting may look like, and what is said of one that does not.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::prometheus::PrometheusUrl;
use crate::model::{Band, Rpo};
use crate::text::quantity::parse_duration;
use crate::text::{list, names};

/// What the value of a setting looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// A duration longer than nothing.
    Duration,
    /// A recovery point objective: a duration, or `none`.
    Objective,
    /// A namespace.
    Namespace,
    /// A namespace, or how several begin.
    Namespaces,
    /// Labels and their values.
    Labels,
    /// The address of a Prometheus.
    Url,
    /// The name of a file or directory.
    File,
    /// Host and port of a registry.
    Registry,
    /// Where a login is taken from.
    Login,
    /// How bad a finding is.
    Band,
    /// Keys; which texts are keys is the console's to say.
    Keys,
}

impl Shape {
    /// Its name, for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Duration => "duration",
            Self::Objective => "duration or none",
            Self::Namespace => "name",
            Self::Namespaces => "name or beginning*",
            Self::Labels => "table of texts",
            Self::Url => "URL",
            Self::File => "file",
            Self::Registry => "host or host:port",
            Self::Login => "docker",
            Self::Band => "band",
            Self::Keys => "list of keys",
        }
    }

    /// What has to be written.
    const fn wanted(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Duration => "a duration in quotes, such as \"90s\" or \"10m\"",
            Self::Objective => "a duration in quotes, such as \"24h\", or \"none\"",
            Self::Labels => "a table of texts, such as { tier = \"gold\" }",
            Self::Keys => "a list of keys in quotes, such as [\"p\", \"f2\"]",
            Self::Text
            | Self::Namespace
            | Self::Namespaces
            | Self::Url
            | Self::File
            | Self::Registry
            | Self::Login
            | Self::Band => "a text in quotes",
        }
    }

    /// Checks a value and tells each thing that is wrong with it, and where.
    pub(super) fn check(self, value: &Spanned<DeValue>, mut wrong: impl FnMut(Range<usize>, String)) {
        let mut other = |value: &Spanned<DeValue>| {
            wrong(value.span(), format!("needs {}; this is {}", self.wanted(), kind(value.get_ref())));
        };
        match (self, value.get_ref()) {
            (Self::Flag, DeValue::Boolean(_)) => {}
            (Self::Labels, DeValue::Table(labels)) => {
                labels.iter().filter(|(_, value)| !value.get_ref().is_str()).for_each(|(_, value)| other(value));
            }
            (Self::Keys, DeValue::Array(keys)) => {
                keys.iter().filter(|key| !key.get_ref().is_str()).for_each(other);
            }
            (Self::Flag | Self::Labels | Self::Keys, _) => other(value),
            (_, DeValue::String(text)) => {
                if let Some(why) = self.misread(text) {
                    wrong(value.span(), why);
                }
            }
            _ => other(value),
        }
    }

    /// What is wrong with a text.
    fn misread(self, text: &str) -> Option<String> {
        match self {
            Self::Duration => parse_duration(text).err(),
            Self::Objective => matches!(Rpo::parse(text), Rpo::Invalid(_))
                .then(|| format!("\"{text}\" is not an objective; write a duration such as 4h, or none to opt out")),
            Self::Namespace => names::validate_namespace(text).err().map(|error| error.to_string()),
            Self::Namespaces => text
                .trim_end_matches('*')
                .contains('*')
                .then(|| format!("\"{text}\" has * before its end; only what follows the beginning can be left open")),
            // It never repeats the address.
            Self::Url => PrometheusUrl::try_from(text.to_owned()).err().map(|error| error.to_string()),
            Self::Registry => registry(text).err().map(str::to_owned),
            Self::Login => (text != "docker").then(|| format!("\"{text}\" is no login; there is docker")),
            Self::File if text.is_empty() => Some("needs the name of a file; this is empty".to_owned()),
            Self::Band => Band::parse(text).is_none().then(|| {
                let words = Band::ALL.map(Band::word);
                format!("\"{text}\" is no band; there are {}", list(&words))
            }),
            Self::Text | Self::Flag | Self::Labels | Self::File | Self::Keys => None,
        }
    }
}

/// What is wrong with the host of a registry. Never repeats it: it may hold a password.
fn registry(text: &str) -> Result<(), &'static str> {
    const WRONG: &str = "this is no host; write one as names of images begin with it, such as registry.example:5000";
    if text.contains("://") {
        return Err("write the host without http:// or https:// in front");
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte));
    let authority: http::uri::Authority = text.parse().map_err(|_| WRONG)?;
    let written = text.strip_prefix(authority.host()).unwrap_or_default();
    let port = written.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    if plain && port && !authority.host().is_empty() { Ok(()) } else { Err(WRONG) }
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
