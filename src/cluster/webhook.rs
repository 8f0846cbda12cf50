//! Telling a webhook: one POST of JSON to an address of the operator's, with a deadline and without credentials.
//!
//! It goes straight there, like the questions to a Prometheus: kube's client is only the HTTP and TLS that is here
//! already. Nothing is sent again, no redirect is followed, and errors name the host alone.

use std::time::Duration;

use http::{Request, StatusCode};
use kube::Config;
use kube::client::{Body, ClientBuilder};
use serde_json::Value;

use super::errors::chain;
use crate::config::WebhookUrl;

/// How long the whole of it may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a TCP and TLS connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Why a webhook was not told, or perhaps not.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It could not be reached, or the answer was lost.
    #[error("webhook {0} cannot be reached: {1}")]
    Unreachable(WebhookUrl, Box<str>),
    /// No answer in time.
    #[error("webhook {url} gave no answer within {}s", DEADLINE.as_secs())]
    TimedOut {
        /// The webhook.
        url: WebhookUrl,
    },
    /// It said no.
    #[error("webhook {0} answered {1}")]
    Status(WebhookUrl, StatusCode),
}

/// Sends a message once.
///
/// # Errors
/// When it was not taken, or nobody knows.
pub async fn tell_webhook(url: &WebhookUrl, message: &Value) -> Result<(), WebhookError> {
    let told = tokio::time::timeout(DEADLINE, tell(url, message)).await;
    told.unwrap_or_else(|_| Err(WebhookError::TimedOut { url: url.clone() }))
}

async fn tell(url: &WebhookUrl, message: &Value) -> Result<(), WebhookError> {
    let unreachable = |why: Box<str>| WebhookError::Unreachable(url.clone(), why);
    let parts = url.uri().clone().into_parts();
    let place = parts.path_and_query.map_or_else(|| "/".to_owned(), |place| place.to_string());
    let base = http::Uri::builder().scheme(url.uri().scheme_str().unwrap_or_default());
    let base = parts.authority.map(|authority| base.authority(authority).path_and_query("/").build());
    let Some(Ok(base)) = base else { return Err(unreachable("its address has no host".into())) };
    let built = tokio::task::spawn_blocking(move || {
        let mut config = Config::new(base);
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        ClientBuilder::try_from(config).map(ClientBuilder::build).map_err(|error| without(&chain(&error)))
    });
    let client = built.await.unwrap_or_else(|_| Err("building a client for it failed".into())).map_err(unreachable)?;
    let request = Request::post(place).header(http::header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(message.to_string().into_bytes()));
    let request = request.map_err(|_| unreachable("its address cannot be asked for".into()))?;
    let response = client.send(request).await.map_err(|error| unreachable(without(&chain(&error))))?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(WebhookError::Status(url.clone(), status)) }
}

/// The words of an error without any address in them.
fn without(said: &str) -> Box<str> {
    said.split(' ').filter(|word| !word.contains("://")).collect::<Vec<_>>().join(" ").into()
}
