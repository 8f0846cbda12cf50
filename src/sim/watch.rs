//! Watches: the history of a kind, then its future, as a stream of JSON lines.
//!
//! Rules of `k8s.io/apiserver/pkg/storage/cacher`: an object that leaves the selection is DELETED,
//! one that enters it is ADDED; history that is gone ends the watch with an ERROR event of code 410;
//! bookmarks come when they were asked for. It streams; what a watch may see is decided before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::kinds::Kind;
use super::object;
use super::refusal::Refusal;
use super::selector::Selector;
use super::store::{Change, Event, Object, Store};
use super::table::Printer;

/// A real server sends a bookmark about once a minute.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// And one shortly before it ends a watch.
const BOOKMARK_BEFORE_END: Duration = Duration::from_millis(200);
/// The shortest of the time-outs a real server picks at random.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What a watch request asks for.
#[derive(Debug)]
pub(crate) struct WatchQuery {
    pub kind: &'static Kind,
    pub namespace: Option<String>,
    pub selector: Selector,
    /// `None`: start with what is there.
    pub from: Option<u64>,
    pub bookmarks: bool,
    /// The `WatchList` protocol: what is there, a bookmark that says so, then changes.
    pub initial_events: bool,
    pub timeout: Option<Duration>,
    /// Rows instead of objects, for kubectl.
    pub printer: Option<Printer>,
}

/// A running watch.
pub(crate) struct Watch {
    query: WatchQuery,
    changed: Receiver<u64>,
    disconnect: Receiver<u64>,
    seen: u64,
    ready: VecDeque<Bytes>,
    ends: Instant,
    next_bookmark: Instant,
    said_goodbye: bool,
    over: bool,
}

impl Watch {
    /// Starts a watch; `disconnect` ends it when its value changes.
    pub fn start(store: &Store, query: WatchQuery, disconnect: Receiver<u64>) -> Self {
        let changed = store.subscribe_to(query.kind.plural);
        let now = Instant::now();
        let mut watch = Self {
            changed,
            disconnect,
            seen: query.from.unwrap_or(0),
            ready: VecDeque::new(),
            ends: now + query.timeout.unwrap_or(DEFAULT_TIMEOUT),
            next_bookmark: now + BOOKMARK_EVERY,
            said_goodbye: false,
            over: false,
            query,
        };
        if watch.query.from.is_none() || watch.query.initial_events {
            watch.send_present(store);
        } else if store.with(|state| state.is_compacted(watch.seen)) {
            watch.expire();
        }
        watch
    }

    /// The next chunk of the stream; `None` at its end.
    pub async fn next(&mut self, store: &Store) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if self.over {
                return None;
            }
            self.changed.mark_unchanged();
            self.send_changes(store);
            if self.ready.is_empty() && !self.over {
                self.wait(store).await;
            }
        }
    }

    async fn wait(&mut self, store: &Store) {
        let goodbye = self.ends - BOOKMARK_BEFORE_END;
        let bookmark = if self.said_goodbye { self.ends } else { self.next_bookmark.min(goodbye) };
        tokio::select! {
            // In this order, so that the last bookmark is not lost on a busy machine.
            biased;
            () = tokio::time::sleep_until(bookmark), if self.query.bookmarks && !self.said_goodbye => {
                self.said_goodbye = bookmark == goodbye;
                self.next_bookmark += BOOKMARK_EVERY;
                self.send_changes(store);
                if !self.over {
                    self.bookmark(false);
                }
            }
            () = tokio::time::sleep_until(self.ends) => self.over = true,
            _ = self.disconnect.changed() => self.over = true,
            changed = self.changed.changed() => self.over = changed.is_err(),
        }
    }

    fn send_present(&mut self, store: &Store) {
        let (objects, revision) =
            store.with(|state| (state.list(self.query.kind.plural, self.query.namespace.as_deref()), state.revision()));
        for object in objects {
            if self.query.selector.matches(&object.value) {
                self.push(Change::Added, &object);
            }
        }
        self.seen = self.seen.max(revision);
        if self.query.initial_events && self.query.bookmarks {
            self.bookmark(true);
        }
    }

    fn send_changes(&mut self, store: &Store) {
        let Some((events, revision)) =
            store.with(|state| Some((state.since(self.query.kind.plural, self.seen)?, state.revision())))
        else {
            self.expire();
            return;
        };
        for event in &events {
            self.send(event);
        }
        // All of this kind up to here was sent, so a later bookmark may say so.
        self.seen = self.seen.max(revision);
    }

    /// Ends the watch: what it should show is gone.
    fn expire(&mut self) {
        let why = Refusal::expired(format!("too old resource version: {}", self.seen));
        self.line(json!({"type": "ERROR", "object": why.status()}).to_string().as_bytes());
        self.over = true;
    }

    fn send(&mut self, event: &Event) {
        let object = &event.object;
        if self.query.namespace.as_deref().is_some_and(|namespace| namespace != object::namespace(&object.value)) {
            return;
        }
        let now = event.change != Change::Deleted && self.query.selector.matches(&object.value);
        let before = event.before.as_ref().is_some_and(|before| self.query.selector.matches(&before.value));
        match (before, now) {
            (true, true) => self.push(Change::Modified, object),
            (false, true) => self.push(Change::Added, object),
            (true, false) => self.push(Change::Deleted, object),
            (false, false) => {}
        }
    }

    fn push(&mut self, change: Change, object: &Arc<Object>) {
        let word = match change {
            Change::Added => "ADDED",
            Change::Modified => "MODIFIED",
            Change::Deleted => "DELETED",
        };
        let body = match &mut self.query.printer {
            Some(printer) => printer.event(object).to_string().into_bytes(),
            None => object.json(),
        };
        let mut line = format!(r#"{{"type":"{word}","object":"#).into_bytes();
        line.extend_from_slice(&body);
        line.push(b'}');
        self.line(&line);
    }

    fn bookmark(&mut self, initial_end: bool) {
        let kind = self.query.kind;
        let mut body = json!({
            "kind": kind.kind, "apiVersion": kind.api_version(),
            "metadata": {"resourceVersion": self.seen.to_string(), "creationTimestamp": null},
        });
        if initial_end {
            object::annotate(&mut body, "k8s.io/initial-events-end", "true");
        }
        if let Some(printer) = &mut self.query.printer {
            body = printer.bookmark(&body);
        }
        self.line(&json!({"type": "BOOKMARK", "object": body}).to_string().into_bytes());
    }

    fn line(&mut self, json: &[u8]) {
        let mut line = json.to_vec();
        line.push(b'\n');
        self.ready.push_back(line.into());
    }
}
