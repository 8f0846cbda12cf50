//! The log of one container, read and followed.
//!
//! Each attempt first reads what is there, which a server answers at once, then follows from the last line on: a node
//! sends not even the head of a followed answer before there is a line, so silence alone proves nothing. What breaks
//! is said and resumed by itself; no line is lost or given twice. It stops when nobody listens any more, keeps no
//! lines, and cuts those that are very long.

mod seen;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Cluster;
use super::errors::CallError;
use super::feed::Lines;
use super::paths;
use super::pause::Pause;

use crate::model::{Kind, LogLine};
use crate::plan::Resource;
use seen::Seen;

/// Deadline of the answer's head where the server does not wait for a line.
const HEAD: Duration = Duration::from_secs(10);
/// Most silence while what is there is read.
const READ: Duration = Duration::from_secs(15);
/// After so long without a line the log is read anew: that proves that the stream is alive.
const QUIET: Duration = Duration::from_secs(60);
/// A stream that stands so long is one that follows; the log of a container that has ended ends at once.
const SETTLED: Duration = Duration::from_secs(1);
/// First and longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Pause while a container does not run.
const IDLE: Duration = Duration::from_secs(2);
/// Most bytes of a line. A node itself cuts lines at 16 KiB and joins the pieces.
const LONGEST: usize = 16 * 1024;
/// Most lines given at once.
const BATCH: usize = 256;

/// Which log, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Namespace of the pod.
    pub namespace: Arc<str>,
    /// The pod.
    pub pod: Arc<str>,
    /// The container, also where there is only one.
    pub container: Arc<str>,
    /// The instance before the present one; it has ended, so that it is read once and not followed.
    pub previous: bool,
    /// At most so many lines of what is there, the newest.
    pub tail_lines: u32,
    /// Only lines of the last so many seconds.
    pub since_seconds: Option<u64>,
}

/// What happens to a log that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// It is followed; before this, what was already there comes.
    Following,
    /// Lines, in the order of the log.
    Lines(Vec<LogLine>),
    /// All was read: the instance is one that has ended. A present one is looked at again until it starts anew.
    Ended,
    /// The container has not started yet; asked again by itself.
    NotStarted(CallError),
    /// It broke and is being resumed. What was given so far is no longer the newest.
    Cut(CallError),
    /// There is no log, or it may not be read. Nothing follows.
    Failed(CallError),
}

/// A log that is being read; it stops when this is dropped.
#[derive(Debug)]
pub struct LogStream {
    _task: JoinSet<()>,
}

/// Reads a log until the stream is dropped or nobody takes its events. Must be called inside a tokio runtime.
pub fn follow_log(cluster: &Cluster, query: LogQuery, out: mpsc::Sender<LogEvent>) -> LogStream {
    let mut task = JoinSet::new();
    let reader = Reader { cluster: cluster.clone(), query, out, seen: Seen::default(), half: Vec::new(), told: None };
    task.spawn(reader.run());
    LogStream { _task: task }
}

struct Reader {
    cluster: Cluster,
    query: LogQuery,
    out: mpsc::Sender<LogEvent>,
    seen: Seen,
    /// What stood after the last line end when an answer ended.
    half: Vec<u8>,
    /// The state that was told last, so that it is told once.
    told: Option<LogEvent>,
}

/// Why lines stopped.
enum Stopped {
    /// Nobody listens.
    Closed,
    /// The server ended the answer.
    Ended,
    /// Nothing came for a while.
    Silent,
    /// It broke.
    Broken(CallError),
}

impl From<CallError> for Stopped {
    fn from(error: CallError) -> Self {
        Self::Broken(error)
    }
}

impl Reader {
    async fn run(mut self) {
        let mut pause = Pause::new(PAUSE);
        let out = self.out.clone();
        loop {
            let stopped = tokio::select! {
                ended = self.attempt(&mut pause) => { let Err(stopped) = ended; stopped }
                () = out.closed() => return,
            };
            let again = match stopped {
                Stopped::Closed => return,
                Stopped::Silent => continue,
                Stopped::Ended => (LogEvent::Ended, (!self.query.previous).then_some(IDLE)),
                Stopped::Broken(error) if not_started(&error) && !self.query.previous => {
                    (LogEvent::NotStarted(error), Some(IDLE))
                }
                Stopped::Broken(error) if error.temporary() => (LogEvent::Cut(error), Some(pause.next())),
                Stopped::Broken(error) => (LogEvent::Failed(error), None),
            };
            let (event, Some(rest)) = again else {
                // Nobody listens any more when it cannot be told; nothing follows in either case.
                let _ = out.send(again.0).await;
                return;
            };
            if self.tell(event).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = out.closed() => return,
            }
        }
    }

    async fn attempt(&mut self, pause: &mut Pause) -> Result<Infallible, Stopped> {
        self.read().await?;
        *pause = Pause::new(PAUSE);
        self.follow().await
    }

    /// Reads what is there.
    async fn read(&mut self) -> Result<(), Stopped> {
        let lines = open(self.cluster.clone(), self.path(false)?, HEAD).await?;
        self.seen.resume();
        match self.pass_on(lines, READ, None).await {
            Stopped::Ended if !self.query.previous => Ok(()),
            Stopped::Silent => Err(CallError::TimedOut { after: READ, what: "the lines of a log".into() }.into()),
            stopped => Err(stopped),
        }
    }

    /// Goes on from the last line.
    async fn follow(&mut self) -> Result<Infallible, Stopped> {
        let opening = open(self.cluster.clone(), self.path(true)?, QUIET);
        tokio::pin!(opening);
        let settled = Instant::now() + SETTLED;
        let lines = tokio::select! {
            lines = &mut opening => lines,
            () = tokio::time::sleep_until(settled) => {
                self.tell(LogEvent::Following).await?;
                opening.await
            }
        };
        if matches!(lines, Err(CallError::TimedOut { .. })) {
            return Err(Stopped::Silent);
        }
        self.seen.resume();
        Err(self.pass_on(lines?, QUIET, Some(settled)).await)
    }

    fn path(&self, follow: bool) -> Result<String, CallError> {
        let LogQuery { namespace, pod, container, previous, tail_lines, since_seconds } = &self.query;
        let (tail, seconds) = (tail_lines.to_string(), since_seconds.map(|seconds| seconds.to_string()));
        let since = self.seen.since().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let mut pairs = vec![("container", &**container), ("timestamps", "true")];
        pairs.extend(
            [("follow", follow), ("previous", *previous)].iter().filter(|pair| pair.1).map(|(k, _)| (*k, "true")),
        );
        if let Some(since) = &since {
            pairs.push(("sinceTime", since));
        } else {
            pairs.push(("tailLines", &tail));
            pairs.extend(seconds.as_deref().map(|seconds| ("sinceSeconds", seconds)));
        }
        let pod = paths::object(&Resource::of(Kind::Pod), Some(namespace), pod)?;
        Ok(format!("{pod}/log{}", paths::query(&pairs)))
    }

    /// Gives lines as they come. With `settled`, says at that moment, or with the first new line, that it follows.
    async fn pass_on(&mut self, mut lines: Lines, quiet: Duration, settled: Option<Instant>) -> Stopped {
        match self.pass_on_until(&mut lines, quiet, settled).await {
            Err(stopped) => stopped,
            Ok(never) => match never {},
        }
    }

    async fn pass_on_until(
        &mut self,
        lines: &mut Lines,
        quiet: Duration,
        mut settled: Option<Instant>,
    ) -> Result<Infallible, Stopped> {
        loop {
            let settles = tokio::time::sleep_until(settled.unwrap_or_else(Instant::now));
            let first = tokio::select! {
                line = lines.next(quiet) => self.take(line),
                () = settles, if settled.is_some() => {
                    settled = None;
                    self.tell(LogEvent::Following).await?;
                    continue;
                }
            };
            let mut batch = Vec::new();
            // What is there already goes along.
            let mut next = Some(first);
            let stopped = loop {
                match next {
                    Some(Ok(line)) => batch.extend(line),
                    Some(Err(stopped)) => break Some(stopped),
                    None => break None,
                }
                let more = (batch.len() < BATCH).then(|| lines.next(quiet).now_or_never()).flatten();
                next = more.map(|line| self.take(line));
            };
            if matches!(stopped, Some(Stopped::Ended)) {
                batch.extend(self.take_half(lines.rest()));
            }
            if !batch.is_empty() {
                if settled.take().is_some() {
                    self.tell(LogEvent::Following).await?;
                }
                self.out.send(LogEvent::Lines(batch)).await.map_err(|_| Stopped::Closed)?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped);
            }
        }
    }

    /// A line, unless it was given before.
    fn take(&mut self, line: Result<Option<&[u8]>, CallError>) -> Result<Option<LogLine>, Stopped> {
        match line {
            Ok(Some(raw)) => Ok(self.new_line(raw)),
            Ok(None) => Err(Stopped::Ended),
            Err(CallError::TimedOut { .. }) => Err(Stopped::Silent),
            Err(error) => Err(error.into()),
        }
    }

    /// What stands after the last line end. It may be half of a line that is still being written or was cut off, so it
    /// counts as a line only when it comes a second time, or when the log is known to be complete.
    fn take_half(&mut self, rest: &[u8]) -> Option<LogLine> {
        let whole = !rest.is_empty() && (self.query.previous || self.half == rest);
        self.half = rest.to_vec();
        if whole { self.new_line(rest) } else { None }
    }

    fn new_line(&mut self, raw: &[u8]) -> Option<LogLine> {
        let line = line(raw);
        self.seen.first_time(line.at, raw).then_some(line)
    }

    /// Tells a state, unless that is what was told last.
    async fn tell(&mut self, event: LogEvent) -> Result<(), Stopped> {
        if self.told.as_ref() == Some(&event) {
            return Ok(());
        }
        self.told = Some(event.clone());
        self.out.send(event).await.map_err(|_| Stopped::Closed)
    }
}

async fn open(cluster: Cluster, path: String, deadline: Duration) -> Result<Lines, CallError> {
    Ok(cluster.wire().lines(&path, deadline).await?.at_most(LONGEST))
}

/// Whether a refusal only says that the container does not run yet. The words are those of the kubelet
/// (`validateContainerLogStatus`), which has no other way to say it.
fn not_started(error: &CallError) -> bool {
    const WORDS: [&str; 3] = ["is waiting to start", "is not available", "is terminated"];
    matches!(error, CallError::Refused { code: 400, message, .. } if WORDS.iter().any(|word| message.contains(word)))
}

/// `2026-03-01T03:07:00.123456789Z text`.
fn line(raw: &[u8]) -> LogLine {
    let text = String::from_utf8_lossy(raw);
    let (at, text) = match text.split_once(' ').map(|(at, rest)| (at.parse(), rest)) {
        Some((Ok(at), rest)) => (Some(at), rest),
        _ => (None, &*text),
    };
    let text = text.trim_end_matches('\r');
    let cut = if raw.len() < LONGEST { "" } else { " … (the rest of this line is not shown)" };
    LogLine { at, text: format!("{text}{cut}").into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-03-01T03:07:00.123456789Z ready\r", Some("2026-03-01T03:07:00.123456789Z"), "ready")]
    #[case("2026-03-01T04:07:00+01:00 a b", Some("2026-03-01T03:07:00Z"), "a b")]
    #[case("2026-03-01T03:07:00Z ", Some("2026-03-01T03:07:00Z"), "")]
    #[case("unable to retrieve container logs", None, "unable to retrieve container logs")]
    #[case("", None, "")]
    fn a_line_is_its_moment_and_its_text(#[case] raw: &str, #[case] at: Option<&str>, #[case] text: &str) {
        let at = at.map(|at| at.parse().unwrap());
        assert_eq!(line(raw.as_bytes()), LogLine { at, text: text.into() });
    }

    #[test]
    fn a_line_that_was_cut_says_so_and_bad_bytes_are_replaced() {
        let long = [b"2026-03-01T03:07:00Z ".to_vec(), vec![0xff; LONGEST]].concat();
        let text = line(&long[..LONGEST]).text;
        assert!(text.starts_with('\u{fffd}') && text.ends_with("is not shown)"), "{}", &text[text.len() - 60..]);
    }

    #[rstest]
    #[case(400, "container \"a\" in pod \"b\" is waiting to start: ContainerCreating", true)]
    #[case(400, "previous terminated container \"a\" in pod \"b\" not found", false)]
    #[case(400, "container x is not valid for pod b", false)]
    #[case(403, "is waiting to start", false)]
    fn a_container_that_has_not_started_is_told_from_a_mistake(
        #[case] code: u16,
        #[case] message: &str,
        #[case] is: bool,
    ) {
        let error = CallError::Refused { code, reason: "BadRequest".into(), message: message.into(), causes: vec![] };
        assert_eq!(not_started(&error), is);
    }
}
