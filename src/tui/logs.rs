//! What is known of the log on the screen, and of the list from which it was chosen. Plain data; `draw` shows it.

mod reading;

use std::sync::Arc;

use jiff::Timestamp;

pub use reading::{Reading, Spot};

use crate::cluster::{CallError, LogEvent, LogQuery};
use crate::model::Key;
use crate::text;
use crate::view::{Level, LineFilter, LogBuffer, LogSource, LogSources};

/// Most lines that are read of what was written before.
const TAIL: u32 = 2_000;

/// Where the logs about an object are, to choose from.
#[derive(Clone, Debug)]
pub struct SourcesLayer {
    /// The object.
    pub key: Key,
    /// What was found, as of the last change; `None` when the object is gone.
    pub found: Option<LogSources>,
    /// Which one the cursor is on.
    pub place: usize,
    /// Only lines of the last so many seconds.
    pub since: Option<u64>,
}

impl SourcesLayer {
    /// Takes what is found now; the cursor stays on its container.
    pub fn renew(&mut self, found: Option<LogSources>) {
        let now = found.as_ref().map_or(&[][..], |found| &found.sources);
        let same = self.chosen().and_then(|chosen| now.iter().position(|source| source.same(chosen)));
        self.place = same.unwrap_or(self.place).min(now.len().saturating_sub(1));
        self.found = found;
    }

    /// The one under the cursor.
    pub fn chosen(&self) -> Option<&LogSource> {
        self.found.as_ref()?.sources.get(self.place)
    }
}

/// One log, and how a person looks at it.
#[derive(Clone, Debug)]
pub struct LogsLayer {
    /// Whose log.
    pub source: LogSource,
    /// Only lines of the last so many seconds.
    pub since: Option<u64>,
    /// Which lines are shown.
    pub filter: LineFilter,
    /// Whether long lines go on below, or are cut.
    pub wrap: bool,
    /// Whether the moment of each line is shown.
    pub stamps: bool,
    /// The lowest row on the screen; `None` stays at the newest.
    pub bottom: Option<Spot>,
}

impl LogsLayer {
    /// The newest lines of a log.
    pub fn new(source: LogSource, since: Option<u64>) -> Self {
        Self { source, since, filter: LineFilter::default(), wrap: true, stamps: false, bottom: None }
    }

    /// What has to be read for it.
    pub fn query(&self) -> LogQuery {
        let LogSource { pod, container, previous, .. } = &self.source;
        LogQuery {
            namespace: pod.namespace.clone().unwrap_or_else(|| Arc::from("")),
            pod: pod.name.clone(),
            container: container.clone(),
            previous: *previous,
            tail_lines: TAIL,
            since_seconds: self.since,
        }
    }

    /// The lines as they are laid out for so many columns.
    pub fn reading<'a>(&'a self, lines: &'a LogBuffer, columns: usize) -> Reading<'a> {
        Reading { lines, filter: &self.filter, wrap: self.wrap, stamps: self.stamps, columns }
    }

    /// Shows other lines, the newest of them.
    pub fn look_for(&mut self, filter: LineFilter) {
        self.filter = filter;
        self.bottom = None;
    }

    /// Moves by rows; at the end it follows again.
    pub fn go(&mut self, lines: &LogBuffer, (columns, height): (usize, usize), go: impl Fn(usize, usize) -> usize) {
        let reading = self.reading(lines, columns);
        let total = reading.total();
        let Some(last) = total.checked_sub(1) else { return };
        let first = height.clamp(1, total) - 1;
        let place = go(reading.place(self.bottom), height).clamp(first, last);
        self.bottom = if place == last { None } else { reading.spot(place) };
    }
}

/// The log that is being read. There is at most one.
#[derive(Clone, Debug)]
pub struct Tail {
    /// The number under which it was asked for.
    pub ask: u64,
    /// What is read.
    pub query: LogQuery,
    /// Its newest lines.
    pub lines: LogBuffer,
    /// How it stands.
    pub standing: Standing,
}

/// How a log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was heard yet, or not all of what is there.
    Asked,
    /// New lines come as they are written.
    Following,
    /// The instance has ended and all was read.
    Ended,
    /// The container has not started.
    NotStarted(CallError),
    /// It broke, is resumed, and is not current since then.
    Cut(Timestamp, CallError),
    /// There is none, or it may not be read.
    Failed(CallError),
}

impl Tail {
    /// A log that was just asked for.
    pub fn new(ask: u64, query: LogQuery) -> Self {
        Self { ask, query, lines: LogBuffer::default(), standing: Standing::Asked }
    }

    /// Takes in what happened to it.
    pub fn take(&mut self, event: LogEvent, now: Timestamp) {
        self.standing = match event {
            LogEvent::Lines(lines) => return lines.iter().for_each(|line| self.lines.push(line)),
            LogEvent::Following => Standing::Following,
            LogEvent::Ended => Standing::Ended,
            LogEvent::NotStarted(why) => Standing::NotStarted(why),
            LogEvent::Failed(why) => Standing::Failed(why),
            LogEvent::Cut(why) => match self.standing {
                Standing::Cut(since, _) => Standing::Cut(since, why),
                _ => Standing::Cut(now, why),
            },
        };
    }

    /// How it stands, in a word; for someone who reads above the newest line, with the number of lines below.
    pub fn word(&self, now: Timestamp, below: Option<usize>) -> (Level, String) {
        let (level, word) = match &self.standing {
            Standing::Asked => (Level::Unknown, "reading".to_owned()),
            Standing::Following => match below {
                None => return (Level::Ok, "following".to_owned()),
                Some(below) => return (Level::Info, format!("paused: {below} newer")),
            },
            Standing::Ended => (Level::Info, "ended".to_owned()),
            Standing::NotStarted(_) => (Level::Warn, "not started".to_owned()),
            Standing::Cut(since, _) => (Level::Stale, format!("STALE {}", text::age(now.duration_since(*since)))),
            Standing::Failed(why) if why.forbidden() => (Level::Critical, "DENIED".to_owned()),
            Standing::Failed(_) => (Level::Critical, "no log".to_owned()),
        };
        (level, below.map_or(word.clone(), |below| format!("{word}, {below} below")))
    }

    /// What there is to say about it: what is the matter, why, and what will happen.
    pub fn note(&self) -> Option<String> {
        let LogQuery { namespace, container, previous, .. } = &self.query;
        Some(match &self.standing {
            Standing::Following | Standing::Asked | Standing::Ended => return None,
            Standing::NotStarted(why) => {
                format!("Container {container} has not started; it is asked again by itself: {why}")
            }
            Standing::Cut(_, why) => format!("Cut off and being resumed; newer lines may be missing: {why}"),
            Standing::Failed(why) if why.forbidden() => {
                format!(
                    "Needs the right to get pods/log in namespace {namespace}; ask for that right. The server said: {why}"
                )
            }
            Standing::Failed(CallError::Refused { code: 400, .. }) if *previous => format!(
                "There is no previous instance of {container}: it was not started again, or its log is no longer kept."
            ),
            Standing::Failed(why) if why.not_found() => format!("The pod is gone, and its log with it: {why}"),
            Standing::Failed(why) => format!("The log of {container} cannot be read: {why}"),
        })
    }

    /// What stands in place of lines while there are none.
    pub fn nothing(&self) -> String {
        self.note().unwrap_or_else(|| {
            let said = match self.standing {
                Standing::Following => "No line yet. New ones come as the container writes them.",
                Standing::Ended => "There are no lines: the container wrote none, or has not run yet.",
                _ => "Reading the log.",
            };
            said.to_owned()
        })
    }
}
