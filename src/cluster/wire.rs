//! The one place from which requests leave: every call has a deadline, every failure becomes a [`CallError`].
//!
//! Holds the client, and can swap it for a new one when credentials have changed. Never retries.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;

use super::errors::{CallError, chain};

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
}

impl Wire {
    pub(super) fn new(client: Client) -> Self {
        Self { client: RwLock::new(client) }
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

    /// Sends one request and gives the answer's bytes as they come. `deadline` is for the answer's head.
    pub(super) async fn stream(&self, path: &str, deadline: Duration) -> Result<Lines, CallError> {
        let mut request = request("GET", path, None, Vec::new())?;
        // A compressed stream is cut into one gzip member per event, which kube's client cannot read.
        request.headers_mut().insert(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        let what = format!("GET {}", request.uri().path());
        let response = in_time(deadline, &what, self.send(request)).await?;
        let body = response.into_body().into_data_stream().map_err(|error| chain(&error));
        Ok(Lines { body: body.boxed(), buffer: Vec::new(), taken: 0 })
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, CallError> {
        let client = self.client();
        let response = client.send(request.map(Body::from)).await.map_err(CallError::transport)?;
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

/// The lines of an answer that does not end.
pub(super) struct Lines {
    body: futures::stream::BoxStream<'static, Result<hyper::body::Bytes, Box<str>>>,
    buffer: Vec<u8>,
    taken: usize,
}

impl Lines {
    /// Drops the lines that were taken, and their bytes with them: a line may have been a Secret.
    fn forget_taken(&mut self) {
        let left = self.buffer.len() - self.taken;
        self.buffer.copy_within(self.taken.., 0);
        super::decode::wipe(&mut self.buffer[left..]);
        self.buffer.truncate(left);
        self.taken = 0;
    }

    /// The next line without its end; `None` when the server ended the answer. Fails when nothing comes for `quiet`.
    pub(super) async fn next(&mut self, quiet: Duration) -> Result<Option<&[u8]>, CallError> {
        let mut searched = self.taken;
        loop {
            if let Some(at) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.taken..searched + at;
                self.taken = line.end + 1;
                return Ok(Some(&self.buffer[line]));
            }
            self.forget_taken();
            searched = self.buffer.len();
            match tokio::time::timeout(quiet, self.body.next()).await {
                Err(_) => return Err(CallError::TimedOut { after: quiet, what: "the next event of a watch".into() }),
                Ok(None) => return Ok(None),
                Ok(Some(Ok(bytes))) => self.buffer.extend_from_slice(&bytes),
                Ok(Some(Err(why))) => return Err(CallError::Unreachable { why, sent: true }),
            }
        }
    }
}
