//! A command that is held: a task keeps its channel alive, hands on what is said, and gives back what it answers.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::{Channel, Frame, KEPT, Kept, chain, end_of_input, farewell, frame, input, no_status, safe, verdict};

/// Lines that wait to be read; a session whose answers nobody reads is held up.
const LINES: usize = 256;
/// How long an idle channel stays without a sign of life.
const PING: Duration = Duration::from_secs(20);
/// How long a session may take to end once its input has ended.
const LEAVE: Duration = Duration::from_secs(5);

/// A held session. Dropping it breaks the channel, which ends the command's input.
#[derive(Debug)]
pub struct Session {
    /// The request's id in the server's audit log.
    pub audit_id: String,
    said: Option<mpsc::Sender<String>>,
    heard: mpsc::Receiver<Out>,
    over: Option<Box<str>>,
    task: JoinHandle<()>,
}

/// What comes out of a session.
#[derive(Debug)]
enum Out {
    Line(String),
    /// It is over, and why.
    Over(Box<str>),
}

/// What a session answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The line that was waited for; what was printed before it since it was spoken to. Untrusted.
    Answer(String),
    /// It is over, and why.
    Over(Box<str>),
    /// No answer in time; it goes on.
    Nothing,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    pub(super) fn over(channel: Channel, audit_id: String) -> Self {
        let (said, to_say) = mpsc::channel(1);
        let (out, heard) = mpsc::channel(LINES);
        let task = tokio::spawn(async move {
            let over = pump(channel, to_say, &out).await;
            // Nobody may be left to hear it.
            let _ = out.send(Out::Over(over)).await;
        });
        Self { audit_id, said: Some(said), heard, over: None, task }
    }

    /// Says something and waits for a line.
    pub async fn say(&mut self, text: &str, line: &str, within: Duration) -> Heard {
        let until = Instant::now() + within;
        // What was printed before it was spoken to is no answer.
        while let Ok(out) = self.heard.try_recv() {
            self.note(out);
        }
        if let (None, Some(said)) = (&self.over, &self.said) {
            // A session that has ended says so below.
            let _ = timeout_at(until, said.send(text.to_owned())).await;
        }
        let mut printed = String::new();
        while self.over.is_none() {
            match timeout_at(until, self.heard.recv()).await {
                Err(_) => return Heard::Nothing,
                Ok(Some(Out::Line(heard))) if heard.trim_end() == line => return Heard::Answer(printed),
                Ok(Some(Out::Line(heard))) => {
                    if printed.len() + heard.len() < KEPT {
                        printed.push_str(&heard);
                        printed.push('\n');
                    }
                }
                Ok(Some(over)) => self.note(over),
                Ok(None) => self.over = Some("its channel is gone".into()),
            }
        }
        Heard::Over(self.over.clone().unwrap_or_default())
    }

    /// Whether it is known to be over.
    pub fn gone(&mut self) -> bool {
        self.over.is_some() || self.task.is_finished()
    }

    /// Ends its input and waits a moment for it to leave.
    pub async fn leave(mut self) {
        self.said = None;
        let left = async { while !matches!(self.heard.recv().await, Some(Out::Over(_)) | None) {} };
        // It ends with its input; one that takes longer is cut off.
        let _ = tokio::time::timeout(LEAVE, left).await;
    }

    fn note(&mut self, out: Out) {
        if let Out::Over(why) = out {
            self.over = Some(why);
        }
    }
}

/// Carries a session until it is over, and says why it is.
async fn pump(mut channel: Channel, mut to_say: mpsc::Receiver<String>, out: &mpsc::Sender<Out>) -> Box<str> {
    let (mut line, mut stderr) = (Vec::new(), Kept::default());
    let mut open = true;
    let mut ping = tokio::time::interval(PING);
    loop {
        let sent = tokio::select! {
            said = to_say.recv(), if open => {
                open = said.is_some();
                channel.send(said.map_or_else(end_of_input, |text| input(text.as_bytes()))).await
            }
            _ = ping.tick() => channel.send(Message::Ping(Vec::new().into())).await,
            came = channel.next() => match came {
                Some(Ok(Message::Binary(bytes))) => {
                    match frame(&bytes) {
                        Frame::Stdout(bytes) => {
                            if !hand_on(&mut line, bytes, out).await {
                                return "nobody listens".into();
                            }
                        }
                        Frame::Stderr(bytes) => stderr.take(bytes),
                        Frame::Status(status) => {
                            let over = verdict(status, &stderr).err();
                            farewell(&mut channel).await;
                            return over.unwrap_or_else(|| "it ended".into());
                        }
                        Frame::Other => {}
                    }
                    Ok(())
                }
                Some(Ok(Message::Close(_))) | None => return no_status(&stderr),
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => return chain(&error),
            },
        };
        if let Err(error) = sent {
            return safe(&format!("the stream broke: {}", chain(&error)));
        }
    }
}

/// Cuts what was printed into lines; a line that never ends is cut too. Whether somebody takes them.
async fn hand_on(line: &mut Vec<u8>, bytes: &[u8], out: &mpsc::Sender<Out>) -> bool {
    for byte in bytes {
        if *byte != b'\n' {
            line.push(*byte);
            if line.len() < KEPT {
                continue;
            }
        }
        let text = String::from_utf8_lossy(line).into_owned();
        line.clear();
        if out.send(Out::Line(text)).await.is_err() {
            return false;
        }
    }
    true
}
