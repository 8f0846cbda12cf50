//! One upgraded connection: frames in, frames out, the exit status last.
//!
//! First byte of a binary frame is the channel: 0 stdin, 1 stdout, 2 stderr, 3 status, 4 resize;
//! 255 followed by a channel closes that channel (v5 only).

use std::sync::Arc;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use hyper::body::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::scripts::{Call, Output, Start};
use crate::sim::cluster::Cluster;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;
/// Frames waiting for the client.
const BUFFER: usize = 16;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A version of the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    V5,
    V4,
}

impl Protocol {
    /// The newest one offered.
    pub fn choose(offered: &[&str]) -> Option<Self> {
        [Self::V5, Self::V4].into_iter().find(|known| offered.contains(&known.name()))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::V5 => "v5.channel.k8s.io",
            Self::V4 => "v4.channel.k8s.io",
        }
    }
}

/// Runs a session to its end; it ends early when the client goes.
pub(super) async fn run(cluster: Arc<Cluster>, start: Start, protocol: Protocol, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut out, input) = socket.split();
    let (frames, mut outgoing) = mpsc::channel(BUFFER);
    let (stdin_in, stdin) = mpsc::channel(BUFFER);
    let call = Call {
        command: start.command,
        stdin,
        stdout: Output::new(STDOUT, frames.clone()),
        stderr: Output::new(STDERR, frames),
        files: start.files,
    };
    let mut kills = cluster.kills.subscribe();
    let script = cluster.scripts.run(call);
    let code = tokio::select! {
        code = pump(script, &mut outgoing, &mut out) => code,
        () = receive(input, stdin_in, protocol) => return,
        _ = kills.changed() => return,
    };
    finish(&mut out, code).await;
}

/// Sends what the script writes until it has ended and all of it is sent.
async fn pump(
    script: impl Future<Output = i32>,
    outgoing: &mut mpsc::Receiver<(u8, Bytes)>,
    out: &mut SplitSink<Socket, Message>,
) -> i32 {
    tokio::pin!(script);
    let mut code = None;
    loop {
        tokio::select! {
            frame = outgoing.recv() => match frame {
                Some((channel, bytes)) => send(out, channel, &bytes).await,
                // The script has dropped its outputs; only its exit code is missing.
                None => return match code { Some(code) => code, None => script.await },
            },
            done = &mut script, if code.is_none() => code = Some(done),
        }
    }
}

/// Hands on standard input; returns when the client has gone.
async fn receive(mut input: SplitStream<Socket>, stdin: mpsc::Sender<Bytes>, protocol: Protocol) {
    let mut stdin = Some(stdin);
    while let Some(Ok(message)) = input.next().await {
        let Message::Binary(frame) = message else {
            continue;
        };
        match frame.as_ref() {
            [STDIN, bytes @ ..] => {
                if let Some(stdin) = &stdin {
                    // A script that has stopped reading loses the rest.
                    let _ = stdin.send(Bytes::copy_from_slice(bytes)).await;
                }
            }
            [CLOSE, STDIN] if protocol == Protocol::V5 => stdin = None,
            _ => {}
        }
    }
}

async fn send(out: &mut SplitSink<Socket, Message>, channel: u8, bytes: &[u8]) {
    let mut frame = Vec::with_capacity(bytes.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(bytes);
    let _ = out.send(Message::Binary(frame.into())).await;
}

/// The status, then a close frame with a code: an empty one is an error to kubectl.
async fn finish(out: &mut SplitSink<Socket, Message>, code: i32) {
    send(out, STATUS, status(code).to_string().as_bytes()).await;
    let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let _ = out.send(Message::Close(Some(close))).await;
    let _ = out.close().await;
}

fn status(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}
