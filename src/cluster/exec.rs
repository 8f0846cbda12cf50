//! Commands in containers, over a WebSocket: one that runs to its end, and one that is held and talked to.
//!
//! Framing of `k8s.io/kubelet/pkg/cri/streaming/remotecommand`: the first byte of a binary message is the channel, 0
//! stdin, 1 stdout, 2 stderr, 3 the `Status` at the end; 255 and a channel ends that channel. Whether a command
//! succeeded is known from that status alone: a stream that ends without one leaves the outcome unknown.

mod session;

use std::time::Duration;

use futures::StreamExt;
use kube::core::Status;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::errors::{CallError, chain, safe};
use super::hands::Hands;
use super::paths;
use super::wire::{CALL, Channel};
use crate::model::Kind;
use crate::plan::Resource;

pub use session::{Heard, Session};

/// The sub-protocol: the first whose streams can end one by one, so that input can end before the rest does.
/// Kubernetes has it since 1.30.
const PROTOCOL: &str = "v5.channel.k8s.io";
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;
/// Most bytes kept of what a command writes, of each of its streams.
const KEPT: usize = 64 * 1024;
/// Most characters of a command's own last words in an error.
const LAST_WORDS: usize = 300;

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub name: String,
}

/// A command that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The beginning of what it wrote to standard output. Untrusted.
    pub stdout: String,
    /// The request's id in the server's audit log.
    pub audit_id: String,
}

/// Why a command did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// It was certainly not started.
    #[error(transparent)]
    Refused(CallError),
    /// It ran and failed.
    #[error("{why}")]
    Failed {
        /// How it ended, with its last words; made safe and short.
        why: Box<str>,
        /// The request's id in the server's audit log.
        audit_id: String,
    },
    /// It may have run, may have ended in any way, or may run still.
    #[error("outcome unknown: {0}")]
    Unknown(Box<str>),
}

impl From<CallError> for ExecError {
    fn from(error: CallError) -> Self {
        if error.certainly_not_done() { Self::Refused(error) } else { Self::Unknown(error.to_string().into()) }
    }
}

/// The last part of a stream of bytes, and the first.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl Kept {
    fn take(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.last.extend_from_slice(bytes);
        let surplus = self.last.len().saturating_sub(4 * LAST_WORDS);
        self.last.drain(..surplus);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Its last words on one line, safe to show.
    fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.last);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let surplus = words.chars().count().saturating_sub(LAST_WORDS);
        let cut: String = words.chars().skip(surplus).collect();
        safe(&if surplus > 0 { format!("…{cut}") } else { cut }).into()
    }
}

/// How a command ended, from its status.
fn verdict(status: &[u8], said: &Kept) -> Result<(), Box<str>> {
    let Ok(status) = serde_json::from_slice::<Status>(status) else {
        return Err("its status cannot be understood".into());
    };
    if status.is_success() {
        return Ok(());
    }
    // A kubelet gives the exit code as a cause, other runtimes only in the message.
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let code = causes.into_iter().find(|cause| cause.reason == "ExitCode").map(|cause| cause.message.as_str());
    let how = match code {
        Some(code) => format!("it ended with exit code {code}"),
        None if status.message.is_empty() => "it failed".to_owned(),
        None => status.message.clone(),
    };
    let words = said.last_words();
    Err(if words.is_empty() { safe(&how) } else { format!("{}: {words}", safe(&how)).into() })
}

/// What comes out of a channel.
enum Frame<'a> {
    Stdout(&'a [u8]),
    Stderr(&'a [u8]),
    Status(&'a [u8]),
    Other,
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    match bytes {
        [STDOUT, rest @ ..] => Frame::Stdout(rest),
        [STDERR, rest @ ..] => Frame::Stderr(rest),
        [STATUS, rest @ ..] => Frame::Status(rest),
        _ => Frame::Other,
    }
}

fn input(bytes: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(bytes.len() + 1);
    frame.push(STDIN);
    frame.extend_from_slice(bytes);
    Message::Binary(frame.into())
}

fn end_of_input() -> Message {
    Message::Binary(vec![CLOSE, STDIN].into())
}

impl Hands {
    /// Runs a command to its end, without input. `within` bounds all of it.
    ///
    /// # Errors
    /// When it was not started, failed, or nobody knows: see [`ExecError`].
    pub async fn exec(&self, at: &Container, command: &[String], within: Duration) -> Result<Ran, ExecError> {
        let until = Instant::now() + within;
        let path = path(at, command, false)?;
        let (mut channel, audit_id) = self.cluster.wire().channel(&path, PROTOCOL, within.min(CALL)).await?;
        let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
        loop {
            let late = |_| ExecError::Unknown(format!("no end within {}s", within.as_secs_f32()).into());
            match tokio::time::timeout_at(until, channel.next()).await.map_err(late)? {
                Some(Ok(Message::Binary(bytes))) => match frame(&bytes) {
                    Frame::Stdout(bytes) => stdout.take(bytes),
                    Frame::Stderr(bytes) => stderr.take(bytes),
                    Frame::Status(status) => {
                        let ended = verdict(status, &stderr);
                        farewell(&mut channel).await;
                        return match ended {
                            Ok(()) => Ok(Ran { stdout: stdout.text(), audit_id }),
                            Err(why) => Err(ExecError::Failed { why, audit_id }),
                        };
                    }
                    Frame::Other => {}
                },
                Some(Ok(Message::Close(_))) | None => return Err(ExecError::Unknown(no_status(&stderr))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ExecError::Unknown(chain(&error))),
            }
        }
    }

    /// Starts a command that stays and listens to what is said to it. `within` is for its start.
    ///
    /// # Errors
    /// When it was not started, or nobody knows.
    pub async fn open(&self, at: &Container, command: &[String], within: Duration) -> Result<Session, ExecError> {
        let path = path(at, command, true)?;
        let (channel, audit_id) = self.cluster.wire().channel(&path, PROTOCOL, within.min(CALL)).await?;
        Ok(Session::over(channel, audit_id))
    }
}

fn no_status(stderr: &Kept) -> Box<str> {
    let words = stderr.last_words();
    let gone = "the stream ended before the command was seen to end";
    if words.is_empty() { gone.into() } else { format!("{gone}: {words}").into() }
}

/// Ends a channel in good order, which nothing depends on.
async fn farewell(channel: &mut Channel) {
    let _ = tokio::time::timeout(Duration::from_secs(1), channel.close(None)).await;
}

fn path(at: &Container, command: &[String], input: bool) -> Result<String, CallError> {
    let pod = paths::object(&Resource::of(Kind::Pod), Some(&at.namespace), &at.pod)?;
    let mut pairs = vec![("container", at.name.as_str()), ("stdout", "true"), ("stderr", "true")];
    if input {
        pairs.push(("stdin", "true"));
    }
    pairs.extend(command.iter().map(|word| ("command", word.as_str())));
    Ok(format!("{pod}/exec{}", paths::query(&pairs)))
}

#[cfg(test)]
mod tests;
