//! An answer that is read while it comes: the lines of a watch, the items of a list.
//!
//! Holds what has come and was not taken yet, one line or item at a time; what was taken is wiped, because it may have
//! been a Secret. Knows where a line or item ends, and not what is in it.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use hyper::body::Bytes;

use super::decode::wipe;
use super::errors::CallError;

mod split;

use split::{Piece, Splitter};

/// The bytes of an answer as they come.
pub(super) type Body = BoxStream<'static, Result<Bytes, Box<str>>>;

/// What has come of an answer and was not taken.
struct Feed {
    body: Body,
    buffer: Vec<u8>,
    taken: usize,
}

impl Feed {
    fn new(body: Body) -> Self {
        Self { body, buffer: Vec::new(), taken: 0 }
    }

    /// Forgets what was taken and waits for more; `false` at the end of the answer. Fails when nothing comes for
    /// `quiet`.
    async fn more(&mut self, quiet: Duration, what: &str) -> Result<bool, CallError> {
        self.forget_taken();
        match tokio::time::timeout(quiet, self.body.next()).await {
            Err(_) => Err(CallError::TimedOut { after: quiet, what: what.into() }),
            Ok(None) => Ok(false),
            Ok(Some(Err(why))) => Err(CallError::Unreachable { why, sent: true }),
            Ok(Some(Ok(bytes))) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(true)
            }
        }
    }

    fn forget_taken(&mut self) {
        let left = self.buffer.len() - self.taken;
        self.buffer.copy_within(self.taken.., 0);
        wipe(&mut self.buffer[left..]);
        self.buffer.truncate(left);
        self.taken = 0;
    }
}

/// The lines of an answer that does not end.
pub(super) struct Lines(Feed);

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self(Feed::new(body))
    }

    /// The next line without its end; `None` when the server ended the answer. Fails when nothing comes for `quiet`.
    pub(super) async fn next(&mut self, quiet: Duration) -> Result<Option<&[u8]>, CallError> {
        let feed = &mut self.0;
        let mut searched = feed.taken;
        loop {
            if let Some(at) = feed.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let line = feed.taken..searched + at;
                feed.taken = line.end + 1;
                return Ok(Some(&feed.buffer[line]));
            }
            let left = feed.buffer.len() - feed.taken;
            if !feed.more(quiet, "the next event of a watch").await? {
                return Ok(None);
            }
            searched = left;
        }
    }
}

/// The items of a list.
pub(super) struct Items {
    feed: Feed,
    splitter: Splitter,
    frame: Vec<u8>,
}

impl Items {
    pub(super) fn new(body: Body) -> Self {
        Self { feed: Feed::new(body), splitter: Splitter::default(), frame: Vec::new() }
    }

    /// The next item; `None` at the end of the answer. Fails when nothing comes for `quiet`.
    pub(super) async fn next(&mut self, quiet: Duration) -> Result<Option<&[u8]>, CallError> {
        loop {
            let from = self.feed.taken;
            match self.splitter.next(&self.feed.buffer[from..]) {
                Some(Piece::Item(item)) => {
                    self.feed.taken = from + item.end;
                    return Ok(Some(&self.feed.buffer[from + item.start..from + item.end]));
                }
                Some(Piece::Frame(piece)) => {
                    self.feed.taken = from + piece.end;
                    self.frame.extend_from_slice(&self.feed.buffer[from + piece.start..from + piece.end]);
                }
                None if self.feed.more(quiet, "the next items of a list").await? => {}
                None => return Ok(None),
            }
        }
    }

    /// The list without its items, once all of them were taken.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(5);

    fn body(pieces: Vec<&'static str>) -> Body {
        futures::stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece)))).boxed()
    }

    #[tokio::test]
    async fn lines_are_whole_however_they_come() {
        let mut lines = Lines::new(body(vec!["{\"a\"", ":1}\n{\"b\":2}\n{", "\"c\":3}\n", "rest"]));
        for expected in ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"] {
            assert_eq!(lines.next(QUIET).await.unwrap().unwrap(), expected.as_bytes());
        }
        assert_eq!(lines.next(QUIET).await.unwrap(), None);
    }

    #[tokio::test]
    async fn items_and_the_frame_are_told_apart_wherever_the_answer_is_cut() {
        let list = r#"{"kind":"List","metadata":{"resourceVersion":"9"},"items":[{"a":"]}\"{"},{"b":{"items":[{}]}}]}"#;
        for at in 0..list.len() {
            let mut items = Items::new(body(vec![&list[..at], &list[at..]]));
            assert_eq!(items.next(QUIET).await.unwrap().unwrap(), br#"{"a":"]}\"{"}"#, "cut at {at}");
            assert_eq!(items.next(QUIET).await.unwrap().unwrap(), br#"{"b":{"items":[{}]}}"#, "cut at {at}");
            assert_eq!(items.next(QUIET).await.unwrap(), None, "cut at {at}");
            assert_eq!(items.frame(), br#"{"kind":"List","metadata":{"resourceVersion":"9"},"items":[]}"#);
        }
    }
}
