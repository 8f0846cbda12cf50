//! The one place from which requests leave: every call has a deadline, every failure becomes a [`CallError`].
//!
//! Holds the client, and can swap it for a new one when credentials have changed. Never retries.

use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body as Sent;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::errors::{CallError, chain};
use super::feed::{Body, Items, Lines};

/// Deadline of a call that reads or writes one object.
pub(super) const CALL: Duration = Duration::from_secs(15);
/// Response header that names the line in the server's audit log.
pub(super) const AUDIT_ID: &str = "audit-id";
/// Longest message of a channel.
const MESSAGE: usize = 1024 * 1024;
/// Most bytes of an error answer that are read.
const ERROR_LIMIT: usize = 64 * 1024;

/// A channel into a pod.
pub(super) type Channel = WebSocketStream<TokioIo<Upgraded>>;

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
            request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let what = format!("GET {}", request.uri().path());
        let response = in_time(deadline, &what, self.send(request)).await?;
        Ok(response.into_body().into_data_stream().map_err(|error| chain(&error)).boxed())
    }

    /// Opens a channel into a pod: a WebSocket that speaks this sub-protocol, and the id of the request in the audit
    /// log. `deadline` is for the answer.
    pub(super) async fn channel(
        &self,
        path: &str,
        protocol: &'static str,
        deadline: Duration,
    ) -> Result<(Channel, String), CallError> {
        let mut request = request("GET", path, None, Vec::new())?;
        let (key, own_id) = (generate_key(), audit_id()?);
        let headers = request.headers_mut();
        // The answer of a channel is its container's and names no audit event; the server takes the id it is given.
        if let Ok(id) = HeaderValue::from_str(&own_id) {
            headers.insert(AUDIT_ID, id);
        }
        // What answers is a node, whose routes promise no JSON.
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        if let Ok(key) = HeaderValue::from_str(&key) {
            headers.insert(header::SEC_WEBSOCKET_KEY, key);
        }
        let what = format!("GET {}", request.uri().path());
        let opened = async {
            let mut response = self.client().send(request.map(Sent::from)).await.map_err(CallError::transport)?;
            let status = response.status();
            if status != StatusCode::SWITCHING_PROTOCOLS {
                let body = http_body_util::Limited::new(response.into_body(), ERROR_LIMIT).collect().await;
                let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                return Err(CallError::answered(status.as_u16(), &body));
            }
            let (agreed, audit_id) = {
                let said = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
                let accepted = said(header::SEC_WEBSOCKET_ACCEPT.as_str());
                let agreed = said(header::SEC_WEBSOCKET_PROTOCOL.as_str()) == Some(protocol)
                    && accepted == Some(&*derive_accept_key(key.as_bytes()));
                (agreed, said(AUDIT_ID).map_or(own_id, str::to_owned))
            };
            if !agreed {
                let what = format!("{what}: the server agrees to another protocol than {protocol}");
                return Err(CallError::Undecodable { what: what.into() });
            }
            let upgraded = hyper::upgrade::on(&mut response).await;
            let upgraded = upgraded.map_err(|error| CallError::Unreachable { why: chain(&error), sent: true })?;
            let limits = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
            let io = TokioIo::new(upgraded);
            Ok((Channel::from_raw_socket(io, Role::Client, Some(limits)).await, audit_id))
        };
        in_time(deadline, &what, opened).await
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

/// An id for the audit log, as the server would make one: a random UUID (RFC 9562 section 5.4).
fn audit_id() -> Result<String, CallError> {
    let mut bytes = [0; 16];
    let none = |_| CallError::local("NoRandomness", "this machine gives no random numbers for the request's audit id");
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).map_err(none)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = crate::text::hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Builds a request with a JSON body.
pub(super) fn request(
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, CallError> {
    let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
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
