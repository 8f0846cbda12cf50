//! The one place from which requests leave: every call has a deadline, every failure becomes a [`CallError`].
//!
//! Holds the client, and can swap it for a new one when credentials have changed. Never retries.

use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body as Sent;

use super::errors::{CallError, chain};
use super::feed::{Body, Items, Lines};

/// Deadline of a call that reads or writes one object.
pub(super) const CALL: Duration = Duration::from_secs(15);
/// Most bytes of an error answer that are read.
const ERROR_LIMIT: usize = 64 * 1024;

/// A complete answer.
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Sends requests.
pub(super) struct Wire {
    client: RwLock<Client>,
    /// Whether the server is on this machine, where compressing costs more than it saves.
    near: bool,
}

impl Wire {
    pub(super) fn new(client: Client, server: &http::Uri) -> Self {
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
        let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        Self { client: RwLock::new(client), near }
    }

    /// Takes another client for all further calls.
    pub(super) fn replace(&self, client: Client) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// The client in use.
    pub(super) fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A GET.
    pub(super) async fn get(&self, path: &str, deadline: Duration) -> Result<Answer, CallError> {
        self.call(request("GET", path, None, Vec::new())?, deadline).await
    }

    /// Sends one request and reads the whole answer. Anything but a 2xx is an error.
    pub(super) async fn call(&self, request: Request<Vec<u8>>, deadline: Duration) -> Result<Answer, CallError> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = async {
            let response = self.send(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| broken(&error))?.to_bytes().into();
            Ok(Answer { headers: parts.headers, body })
        };
        in_time(deadline, &what, answer).await
    }

    /// Opens a watch or a log. `deadline` is for the answer's head.
    pub(super) async fn lines(&self, path: &str, deadline: Duration) -> Result<Lines, CallError> {
        // A compressed stream is cut into one gzip member per event, which kube's client cannot read.
        Ok(Lines::new(self.stream(path, deadline, true).await?))
    }

    /// Opens a list that is read while it comes. `deadline` is for the answer's head.
    pub(super) async fn items(&self, path: &str, deadline: Duration) -> Result<Items, CallError> {
        Ok(Items::new(self.stream(path, deadline, self.near).await?))
    }

    async fn stream(&self, path: &str, deadline: Duration, plain: bool) -> Result<Body, CallError> {
        let mut request = request("GET", path, None, Vec::new())?;
        if plain {
            request.headers_mut().insert(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        }
        let what = format!("GET {}", request.uri().path());
        let response = in_time(deadline, &what, self.send(request)).await?;
        Ok(response.into_body().into_data_stream().map_err(|error| chain(&error)).boxed())
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Sent>, CallError> {
        let client = self.client();
        let response = client.send(request.map(Sent::from)).await.map_err(CallError::transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = http_body_util::Limited::new(response.into_body(), ERROR_LIMIT).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Err(CallError::answered(status.as_u16(), &body))
    }
}

/// Builds a request with a JSON body.
pub(super) fn request(
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, CallError> {
    let mut request = Request::builder().method(method).uri(path).header(http::header::ACCEPT, "application/json");
    if let Some(content_type) = content_type {
        request = request.header(http::header::CONTENT_TYPE, content_type);
    }
    request.body(body).map_err(|error| CallError::local("InvalidRequest", &error.to_string()))
}

async fn in_time<T>(
    after: Duration,
    what: &str,
    answer: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let late = |_| Err(CallError::TimedOut { after, what: what.into() });
    tokio::time::timeout(after, answer).await.unwrap_or_else(late)
}

fn broken(error: &kube::Error) -> CallError {
    CallError::Unreachable { why: chain(error), sent: true }
}
