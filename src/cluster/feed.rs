//! An answer that is read while it comes: the lines of a watch or a log, the items of a list.
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
pub(super) struct Lines {
    feed: Feed,
    /// Most bytes of a line that are given.
    longest: usize,
    /// Whether what comes up to the next line end is the rest of a line that was too long.
    too_long: bool,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { feed: Feed::new(body), longest: usize::MAX, too_long: false }
    }

    /// Gives only the first `longest` bytes of each line, and never holds much more of one.
    pub(super) fn at_most(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The next line without its end; `None` when the server ended the answer. Fails when nothing comes for `quiet`.
    pub(super) async fn next(&mut self, quiet: Duration) -> Result<Option<&[u8]>, CallError> {
        let feed = &mut self.feed;
        let mut searched = feed.taken;
        loop {
            if let Some(at) = feed.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let line = feed.taken..searched + at;
                feed.taken = line.end + 1;
                searched = feed.taken;
                if std::mem::take(&mut self.too_long) {
                    continue;
                }
                return Ok(Some(&feed.buffer[line.start..line.end.min(line.start.saturating_add(self.longest))]));
            }
            if self.too_long {
                feed.taken = feed.buffer.len();
            }
            let (start, left) = (feed.taken, feed.buffer.len() - feed.taken);
            if left > self.longest {
                self.too_long = true;
                feed.taken = feed.buffer.len();
                return Ok(Some(&feed.buffer[start..start + self.longest]));
            }
            if !feed.more(quiet, "the next line of a watch or a log").await? {
                return Ok(None);
            }
            searched = left;
        }
    }

    /// What came after the last line end.
    pub(super) fn rest(&self) -> &[u8] {
        &self.feed.buffer[self.feed.taken..]
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
    async fn lines_are_cut_at_their_limit_however_they_come() {
        let text = "short\n0123456789abcdef\n\nexactly8\n9 letters\nrest";
        for size in 1..text.len() {
            let pieces = text.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            let mut lines = Lines::new(body(pieces)).at_most(8);
            let mut got = Vec::new();
            while let Some(line) = lines.next(QUIET).await.unwrap() {
                got.push(String::from_utf8(line.to_vec()).unwrap());
            }
            assert_eq!(got, ["short", "01234567", "", "exactly8", "9 letter"], "in pieces of {size}");
            assert_eq!(lines.rest(), b"rest");
        }
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
