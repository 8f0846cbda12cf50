//! The address of a Prometheus, checked when the configuration is read.
//!
//! What is accepted here can be asked: later floors only add the API's own path. It asks nothing itself.

use std::fmt;

use serde::Deserialize;

/// Base URL of a Prometheus or of anything with its query API: scheme, host, port and path prefix, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PrometheusUrl(http::Uri);

impl PrometheusUrl {
    /// As a base that `/api/v1/...` can be added to.
    pub fn uri(&self) -> &http::Uri {
        &self.0
    }

    /// Whether it is asked over TLS.
    pub fn tls(&self) -> bool {
        self.0.scheme() == Some(&http::uri::Scheme::HTTPS)
    }
}

impl fmt::Display for PrometheusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is wrong with an address. Never repeats it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Nothing is there.
    #[error("the Prometheus URL is empty; write one such as http://prometheus.monitoring:9090")]
    Empty,
    /// Not `http` or `https`.
    #[error("the Prometheus URL needs http:// or https:// in front, as in http://prometheus.monitoring:9090")]
    Scheme,
    /// Does not parse.
    #[error("this is not a URL; write one such as http://prometheus.monitoring:9090")]
    Syntax,
    /// Without a host.
    #[error("the Prometheus URL names no host; write one such as http://prometheus.monitoring:9090")]
    Host,
    /// The port cannot be one.
    #[error("the port of the Prometheus URL is not a number from 1 to 65535")]
    Port,
    /// Credentials in the URL.
    #[error("the Prometheus URL holds a user name or password, which is not supported; name an address without one")]
    Credentials,
    /// Something behind the path.
    #[error("the Prometheus URL must end before {0}: give the base address only")]
    Rest(char),
    /// The API's path is in it.
    #[error("give the Prometheus URL without /api/v1: that is added")]
    Api,
}

impl TryFrom<String> for PrometheusUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(UrlError::Scheme);
        }
        if let Some(mark) = rest.chars().find(|c| ['?', '#'].contains(c)) {
            return Err(UrlError::Rest(mark));
        }
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(UrlError::Credentials);
        }
        let uri: http::Uri = text.parse().map_err(|_| UrlError::Syntax)?;
        let authority = uri.authority().ok_or(UrlError::Host)?;
        if authority.host().is_empty() {
            return Err(UrlError::Host);
        }
        let written = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if written.starts_with(':') && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(UrlError::Port);
        }
        if uri.path().contains("/api/v1") {
            return Err(UrlError::Api);
        }
        Ok(Self(uri))
    }
}
