//! `portforward` into pods: the WebSocket side of it, and the servers behind it.
//!
//! Framing of `k8s.io/kubelet/pkg/cri/streaming/portforward` (`websocket.go`): a pair of channels for each port, one
//! for the bytes and one for the words of an error, both of which begin with the port. What listens is in `serving`.

use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::cluster::Cluster;
use super::http::Answer;
use super::object::text;
use super::refusal::Refusal;
use super::serving::{Listener, Pair};
use super::store::Key;

const PROTOCOL: &str = "v4.channel.k8s.io";
const DATA: u8 = 0;
const ERROR: u8 = 1;
const BUFFER: usize = 32 * 1024;
/// A fatal alert, internal_error (RFC 8446 section 6): what a server without a usable certificate says.
const NO_CERTIFICATE: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// Starts a forward to one port: checks the pod, answers 101, and serves behind the upgraded connection.
pub(crate) fn connect(
    cluster: &Arc<Cluster>,
    pod: &Key,
    ports: &str,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let kind = super::kinds::by_plural("pods").ok_or_else(Refusal::no_such_path)?;
    let found = cluster.store.get(pod).ok_or_else(|| Refusal::not_found(kind, &pod.name))?;
    if text(&found.value, "/status/phase") != "Running" {
        return Err(Refusal::bad_request(format!("unable to forward port because pod is not running. {}", pod.name)));
    }
    let header =
        |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let offered = header(SEC_WEBSOCKET_PROTOCOL).split(',').any(|protocol| protocol.trim() == PROTOCOL);
    if !header(UPGRADE).eq_ignore_ascii_case("websocket") || !offered {
        return Err(Refusal::bad_request(format!("portforward is served over WebSocket in {PROTOCOL} only")));
    }
    let port = ports.parse().map_err(|_| Refusal::bad_request("query parameter \"ports\" must be one port"))?;
    let accept = derive_accept_key(header(SEC_WEBSOCKET_KEY).as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    let listener = cluster.store.with(|state| cluster.serving.listener(state, &found.value, port));
    let forward = Forward { pod: pod.name.clone(), port, listener };
    tokio::spawn(forward.run(Arc::clone(cluster), upgrade));
    let mut answer = Response::new(Empty::new().boxed_unsync());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(answer)
}

struct Forward {
    pod: String,
    port: u16,
    listener: Option<Listener>,
}

impl Forward {
    async fn run(self, cluster: Arc<Cluster>, upgrade: OnUpgrade) {
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let mut kills = cluster.kills.subscribe();
        tokio::select! {
            () = self.serve(socket) => {}
            _ = kills.changed() => {}
        }
    }

    async fn serve<S>(self, mut socket: WebSocketStream<S>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let head = |channel: u8| Message::Binary([&[channel][..], &self.port.to_le_bytes()].concat().into());
        for channel in [DATA, ERROR] {
            if socket.send(head(channel)).await.is_err() {
                return;
            }
        }
        let Some(listener) = self.listener else {
            let Self { pod, port, .. } = self;
            let said = format!(
                "an error occurred forwarding {port} -> {port}: error forwarding port {port} to pod {pod}: dial tcp \
                 127.0.0.1:{port}: connect: connection refused"
            );
            // The client may be gone.
            let _ = socket.send(Message::Binary([&[ERROR], said.as_bytes()].concat().into())).await;
            let _ = socket.close(None).await;
            return;
        };
        let (near, far) = tokio::io::duplex(BUFFER);
        tokio::join!(carry(socket, near), listen(listener, far));
    }
}

/// Carries bytes between the client and the server until one of them goes.
async fn carry<S>(mut socket: WebSocketStream<S>, mut stream: DuplexStream)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut bytes = vec![0; BUFFER];
    loop {
        tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(length) if length > 0 => {
                    let frame = [&[DATA], &bytes[..length]].concat();
                    if socket.send(Message::Binary(frame.into())).await.is_err() {
                        return;
                    }
                }
                _ => break,
            },
            came = socket.next() => match came {
                Some(Ok(Message::Binary(frame))) => {
                    if let Some((&DATA, bytes)) = frame.split_first()
                        && stream.write_all(bytes).await.is_err()
                    {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = socket.close(None).await;
}

/// One connection to a server of a pod; the client may go at any time.
async fn listen(listener: Listener, mut stream: DuplexStream) {
    match listener {
        Listener::Plain => {
            let _ = stream.write_all(b"220 ready\r\n").await;
            let _ = stream.read(&mut [0; 1024]).await;
        }
        Listener::Tls(pair) => {
            let Some(config) = config(&pair) else {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(&NO_CERTIFICATE).await;
                return;
            };
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
                // Nothing is said over it; it lasts until the client goes.
                let _ = stream.read(&mut [0; 1024]).await;
            }
        }
    }
}

/// A server with this certificate; `None` when it cannot be used.
fn config(pair: &Pair) -> Option<ServerConfig> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pair.certificate).collect::<Result<_, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key).ok()?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    config.with_safe_default_protocol_versions().ok()?.with_no_client_auth().with_single_cert(chain, key).ok()
}
