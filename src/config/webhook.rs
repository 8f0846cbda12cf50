//! The address of a webhook, checked before anything is done.
//!
//! Such an address is often a secret by itself (its path or query holds a token): it is never shown whole, and errors
//! never repeat it.

use std::fmt;
use std::net::IpAddr;

use http::uri::Scheme;

/// Where failures are told: `https`, or `http` on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(http::Uri);

impl WebhookUrl {
    /// The whole address.
    pub fn uri(&self) -> &http::Uri {
        &self.0
    }
}

/// Its host and port, without what may be secret.
impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", http::uri::Authority::as_str);
        write!(f, "{}://{authority}", self.0.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({self})")
    }
}

impl std::str::FromStr for WebhookUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: http::Uri =
            text.parse().map_err(|_| "this is not a URL; write one such as https://hooks.example/x")?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("the webhook URL names no host")?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("the webhook URL holds a user name or password, which is not supported");
        }
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(Self(uri)),
            Some(scheme) if *scheme == Scheme::HTTP && loopback(host) => Ok(Self(uri)),
            Some(scheme) if *scheme == Scheme::HTTP => Err("a webhook on another machine needs https://"),
            _ => Err("the webhook URL needs https:// in front"),
        }
    }
}

fn loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://hooks.example/services/T0/secret?token=x", true)]
    #[case("http://127.0.0.1:9000/x", true)]
    #[case("http://[::1]:9000/x", true)]
    #[case("http://localhost/x", true)]
    #[case("http://hooks.example/x", false)]
    #[case("http://127.0.0.1.example/x", false)]
    #[case("https://user:password@hooks.example/x", false)]
    #[case("ftp://hooks.example/x", false)]
    #[case("/x", false)]
    #[case("", false)]
    fn an_address_is_encrypted_or_on_this_machine_and_its_secret_is_not_said(#[case] text: &str, #[case] taken: bool) {
        match text.parse::<WebhookUrl>() {
            Ok(url) => {
                assert!(taken, "{url}");
                let said = format!("{url} {url:?}");
                assert!(!said.contains("secret") && !said.contains("token") && !said.contains("/x"), "{said}");
            }
            Err(why) => assert!(!taken && !why.contains("password@"), "{why}"),
        }
    }
}
