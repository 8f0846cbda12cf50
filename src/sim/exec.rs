//! `exec` into pods: the WebSocket side of it.
//!
//! Framing and sub-protocols of `k8s.io/kubelet/pkg/cri/streaming/remotecommand` (v5 and v4). What
//! runs in a container is a script (see `exec/scripts`); this module only carries its streams.

mod scripts;
mod session;
mod shell;

use std::sync::Arc;

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub use scripts::{Call, Output, Scripts};

use super::cluster::Cluster;
use super::http::Answer;
use super::object::{self, items, text};
use super::refusal::Refusal;
use super::store::Key;
use session::Protocol;

/// Starts a session: checks the pod, answers 101, and runs the script behind the upgraded connection.
pub(crate) fn connect(
    cluster: &Arc<Cluster>,
    pod: &Key,
    subresource: &str,
    command: &[String],
    container: &str,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    if pod.plural != "pods" || subresource != "exec" {
        return Err(Refusal::no_such_path());
    }
    let files = scripts::Files::of(cluster, pod, container)?;
    let header =
        |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    if !header(UPGRADE).eq_ignore_ascii_case("websocket") {
        return Err(Refusal::bad_request("exec is served over WebSocket only; kubectl 1.30 and newer use it"));
    }
    let offered: Vec<&str> = header(SEC_WEBSOCKET_PROTOCOL).split(',').map(str::trim).collect();
    let protocol = Protocol::choose(&offered)
        .ok_or_else(|| Refusal::bad_request("unable to upgrade: no known sub-protocol was offered"))?;
    if command.is_empty() {
        return Err(Refusal::bad_request("you must specify at least one command for the container"));
    }
    let accept = derive_accept_key(header(SEC_WEBSOCKET_KEY).as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    let start = scripts::Start { command: command.to_vec(), files };
    tokio::spawn(session::run(Arc::clone(cluster), start, protocol, upgrade));
    Ok(switching(&accept, protocol))
}

fn switching(accept: &str, protocol: Protocol) -> Answer {
    let mut answer = Response::new(Empty::new().boxed_unsync());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    // Clients compare this one letter by letter.
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol.name()));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

/// The container a session is for: the one named, or the first.
fn container_of<'a>(pod: &'a serde_json::Value, wanted: &str) -> Result<&'a serde_json::Value, Refusal> {
    let containers = items(pod, "/spec/containers");
    let found = if wanted.is_empty() {
        containers.first()
    } else {
        containers.iter().find(|container| text(container, "/name") == wanted)
    };
    found.ok_or_else(|| Refusal::bad_request(format!("container {wanted} is not valid for pod {}", object::name(pod))))
}
