//! Port-forward to a pod, through the API server and over a WebSocket, for one connection.
//!
//! Framing of `k8s.io/kubelet/pkg/cri/streaming/portforward` (`websocket.go`): channel 0 carries the bytes, channel 1
//! says in words what went wrong, and the first two bytes of either are the port. Only [`Hands`] have it: a read-only
//! client refuses the request by itself.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::errors::{CallError, chain, safe};
use super::hands::Hands;
use super::handshake::{Served, shake};
use super::paths;
use super::wire::{CALL, Channel};
use crate::model::{Kind, NotServed};
use crate::plan::Resource;

/// The sub-protocol; servers that know the newer one, which tunnels SPDY, still speak it.
const PROTOCOL: &str = "v4.channel.k8s.io";
const DATA: u8 = 0;
const ERROR: u8 = 1;
/// Bytes that wait to be read, in either direction.
const WAITING: usize = 32 * 1024;
/// How long the words of an error may take after the connection has ended.
const WORDS: Duration = Duration::from_millis(500);

/// A port of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodPort {
    /// Namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The port.
    pub port: u16,
}

impl Hands {
    /// Shakes hands with what listens on a port of a pod. `name` is the server that is asked for (SNI); `within`
    /// bounds all of it.
    ///
    /// # Errors
    /// Why it is not known what it serves.
    pub async fn handshake(&self, at: &PodPort, name: &str, within: Duration) -> Result<Served, NotServed> {
        let until = Instant::now() + within;
        let path = path(at).map_err(|error| not_opened(&error))?;
        let opened = self.cluster.wire().channel(&path, PROTOCOL, within.min(CALL)).await;
        let (channel, _) = opened.map_err(|error| not_opened(&error))?;
        let (ours, theirs) = tokio::io::duplex(WAITING);
        let (shaken, pumped) = (shake(ours, name), pump(channel, theirs));
        tokio::pin!(shaken, pumped);
        let both = async {
            tokio::select! {
                shaken = &mut shaken => match shaken {
                    // Why there is no connection is said on a channel of its own, in its own time.
                    Err(NotServed::NotTls(_)) => match tokio::time::timeout(WORDS, &mut pumped).await {
                        Ok(Some(said)) => Err(refused(said)),
                        _ => shaken,
                    },
                    shaken => shaken,
                },
                said = &mut pumped => match said {
                    Some(said) => Err(refused(said)),
                    None => shaken.await,
                },
            }
        };
        timeout_at(until, both).await.unwrap_or(Err(NotServed::TimedOut(within.as_secs())))
    }
}

/// Words of the node about a connection that it could not make.
fn refused(said: Box<str>) -> NotServed {
    if said.contains("refused") { NotServed::Refused(said) } else { NotServed::Unreachable(said) }
}

fn not_opened(error: &CallError) -> NotServed {
    let said = error.to_string().into();
    if error.forbidden() { NotServed::Denied(said) } else { NotServed::Unreachable(said) }
}

fn path(at: &PodPort) -> Result<String, CallError> {
    let pod = paths::object(&Resource::of(Kind::Pod), Some(&at.namespace), &at.pod)?;
    Ok(format!("{pod}/portforward{}", paths::query(&[("ports", &at.port.to_string())])))
}

/// Carries bytes between a connection and its channel until one of them ends; what the other side says is wrong, if
/// it does.
async fn pump(mut channel: Channel, mut stream: DuplexStream) -> Option<Box<str>> {
    let mut heads = [2_usize; 2];
    let mut bytes = vec![0; WAITING];
    loop {
        tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(length) if length > 0 => {
                    let frame = [&[DATA], &bytes[..length]].concat();
                    if let Err(error) = channel.send(Message::Binary(frame.into())).await {
                        return Some(safe(&format!("the channel broke: {}", chain(&error))));
                    }
                }
                _ => return None,
            },
            came = channel.next() => match came {
                Some(Ok(Message::Binary(frame))) => match heard(&frame, &mut heads) {
                    Ok(bytes) => stream.write_all(bytes).await.ok()?,
                    Err(said) => return Some(said),
                },
                Some(Ok(Message::Close(_))) | None => return None,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Some(safe(&format!("the channel broke: {}", chain(&error)))),
            },
        }
    }
}

/// The bytes that a frame carries, or the words of what went wrong.
fn heard<'a>(frame: &'a [u8], heads: &mut [usize; 2]) -> Result<&'a [u8], Box<str>> {
    match frame.split_first() {
        Some((&DATA, rest)) => Ok(body(rest, &mut heads[0])),
        Some((&ERROR, rest)) => match String::from_utf8_lossy(body(rest, &mut heads[1])).trim() {
            "" => Ok(&[]),
            said => Err(safe(said)),
        },
        _ => Ok(&[]),
    }
}

/// What of a frame comes after the port.
fn body<'a>(frame: &'a [u8], head: &mut usize) -> &'a [u8] {
    let port = frame.len().min(*head);
    *head -= port;
    &frame[port..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_before_the_bytes_is_passed_over_however_it_is_cut() {
        for frames in [vec![&b"\x20\xfb"[..], b"abc"], vec![b"\x20", b"\xfbabc"], vec![b"\x20\xfbabc"]] {
            let mut head = 2;
            let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| body(frame, &mut head).to_vec()).collect();
            assert_eq!(bytes, b"abc");
        }
    }

    #[test]
    fn a_pod_that_is_no_name_gets_into_no_path() {
        let at = PodPort { namespace: "shop".into(), pod: "db-0".into(), port: 8443 };
        assert_eq!(path(&at).unwrap(), "/api/v1/namespaces/shop/pods/db-0/portforward?ports=8443");
        assert!(path(&PodPort { pod: "../x".into(), ..at }).is_err());
    }
}
