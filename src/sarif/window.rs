//! A bounded piece of a JSON text that is read once, front to back.
//!
//! Grows only for one value that is taken whole, and never beyond the limit given: a larger value is passed over.
//! Positions are bytes of the decoded text. Knows brackets and strings, not what they mean.

use std::io::{ErrorKind, Read};

use xxhash_rust::xxh3::Xxh3;

use super::scan::{Scanned, Scanner};

const CHUNK: usize = 1 << 16;

/// More room than this is given back when it is no longer filled.
const MAX_IDLE: usize = 1 << 20;

/// Why a value could not be taken. Those that say so are passed over, and reading can go on behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Larger than allowed; passed over.
    TooLarge,
    /// Nested too deep; passed over.
    TooDeep,
    /// The text ends within it.
    Cut,
    /// Something stands here that JSON does not allow.
    Malformed,
}

impl Fault {
    /// Whether reading can go on.
    pub fn passed(self) -> bool {
        matches!(self, Self::TooLarge | Self::TooDeep)
    }
}

/// One value as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'w> {
    /// Its bytes.
    pub bytes: &'w [u8],
    /// Where it begins in the text.
    pub start: u64,
    /// Whether brackets were missing.
    pub mended: bool,
}

/// See the module.
pub struct Window<R> {
    source: R,
    /// Room; up to `end` it is filled.
    room: Vec<u8>,
    at: usize,
    end: usize,
    base: u64,
    limit: u64,
    ended: bool,
    /// What stopped the source, in words.
    pub failure: Option<String>,
    /// Whether there was more text than the limit.
    pub beyond: bool,
    digest: [Xxh3; 2],
}

impl<R: Read> Window<R> {
    /// Of the whole source, and no more than `limit` bytes of it.
    pub fn new(source: R, limit: u64) -> Self {
        let digest = [Xxh3::with_seed(0), Xxh3::with_seed(1)];
        let room = vec![0; 2 * CHUNK];
        Self { source, room, at: 0, end: 0, base: 0, limit, ended: false, failure: None, beyond: false, digest }
    }

    /// A hash of the whole text, of which the rest is read; it tells texts apart and proves nothing.
    pub fn digest(mut self) -> [u8; 32] {
        while self.more() {
            self.at = self.end;
        }
        let [low, high] = self.digest.map(|digest| digest.digest128().to_be_bytes());
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&low);
        digest[16..].copy_from_slice(&high);
        digest
    }

    /// Where the next byte stands.
    pub fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Reads on; what was passed makes room. False at the end.
    fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.base += self.at as u64;
        self.room.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        if self.end + CHUNK > self.room.len() {
            // A large value is not copied again and again: the room doubles.
            let more = self.room.len();
            self.room.reserve_exact(more);
            self.room.resize(2 * more, 0);
        } else if self.end == 0 && self.room.len() > MAX_IDLE {
            self.room = vec![0; 2 * CHUNK];
        }
        let read = loop {
            match self.source.read(&mut self.room[self.end..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    break 0;
                }
            }
        };
        let new = &self.room[self.end..self.end + read];
        self.digest.iter_mut().for_each(|digest| digest.update(new));
        self.end += read;
        self.beyond = self.base + self.end as u64 > self.limit;
        self.ended = read == 0 || self.beyond;
        read > 0
    }

    fn rest(&self) -> &[u8] {
        &self.room[self.at..self.end]
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.rest().first().copied() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(byte) => return Some(byte),
                None if self.more() => {}
                None => return None,
            }
        }
    }

    /// Passes the next byte if it is this one, white space before it too.
    pub fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// The bytes that are there, from the next one that is not white space.
    pub fn ready(&mut self) -> &[u8] {
        self.peek();
        self.rest()
    }

    /// Up to this many of the bytes that come next.
    pub fn ahead(&mut self, count: usize) -> &[u8] {
        while self.rest().len() < count && self.more() {}
        let rest = self.rest();
        &rest[..rest.len().min(count)]
    }

    /// Passes over bytes that [`Self::ahead`] showed.
    pub fn pass(&mut self, count: usize) {
        self.at = self.end.min(self.at + count);
    }

    /// Passes over NUL bytes and white space; true when there were NUL bytes.
    pub fn padding(&mut self) -> bool {
        let mut padded = false;
        while self.peek() == Some(0) {
            self.at += 1;
            padded = true;
        }
        padded
    }

    /// The value that comes next, whole.
    pub fn take(&mut self, limit: usize) -> Result<Taken<'_>, Fault> {
        let (length, mended) = match self.peek() {
            None => return Err(Fault::Cut),
            Some(b'{' | b'[' | b'"') => self.nested(limit)?,
            Some(b'}' | b']' | b',' | b':') => return Err(Fault::Malformed),
            Some(_) => (self.bare(limit)?, false),
        };
        let start = self.position();
        let from = self.at;
        self.at += length;
        Ok(Taken { bytes: &self.room[from..self.at], start, mended })
    }

    /// Passes over the value that comes next. The limit is its smallest size: nothing of it is kept.
    pub fn skip(&mut self) -> Result<(), Fault> {
        match self.take(0) {
            Ok(_) | Err(Fault::TooLarge | Fault::TooDeep) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// The length of an object, array or string, and whether brackets were missing.
    fn nested(&mut self, limit: usize) -> Result<(usize, bool), Fault> {
        let mut scanner = Scanner::default();
        let (mut seen, mut large) = (0, false);
        loop {
            let value = &self.room[self.at..self.end];
            match scanner.scan(value, seen) {
                Scanned::End(end) if large || scanner.too_deep || end > limit => {
                    self.at += end;
                    return Err(if scanner.too_deep { Fault::TooDeep } else { Fault::TooLarge });
                }
                Scanned::End(end) => return Ok((end, scanner.mended)),
                Scanned::Stray(_) => return Err(Fault::Malformed),
                Scanned::More => seen = value.len(),
            }
            if large || seen > limit {
                large = true;
                self.at += seen;
                seen = 0;
            }
            if !self.more() {
                return Err(Fault::Cut);
            }
        }
    }

    /// The length of a number or a word.
    fn bare(&mut self, limit: usize) -> Result<usize, Fault> {
        let mut length = 0;
        loop {
            match self.rest().get(length).copied() {
                Some(b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'{' | b'[') => break,
                Some(_) if length > limit.max(CHUNK) => return Err(Fault::Malformed),
                Some(_) => length += 1,
                None if self.more() => {}
                None => break,
            }
        }
        if length > limit {
            self.at += length;
            return Err(Fault::TooLarge);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of a few bytes.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(room.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn values_come_whole_however_they_arrive() {
        let text = r#"  {"a": "\"}", "b": [1, 2]} , 12.5,"x" , null ]"#;
        for size in 1..9 {
            let mut window = Window::new(Drip(text.as_bytes(), size), u64::MAX);
            let mut values = Vec::new();
            loop {
                let taken = window.take(100).unwrap();
                let start = usize::try_from(taken.start).unwrap();
                let value = std::str::from_utf8(taken.bytes).unwrap().to_owned();
                assert_eq!(&text[start..start + value.len()], value);
                values.push(value);
                if !window.eat(b',') {
                    break;
                }
            }
            assert_eq!(values, [r#"{"a": "\"}", "b": [1, 2]}"#, "12.5", "\"x\"", "null"]);
            assert_eq!(window.take(100).unwrap_err(), Fault::Malformed);
        }
    }

    #[test]
    fn a_large_value_is_passed_over_in_a_small_window() {
        let text = format!("[\"{}\"] 1", "a".repeat(3_000_000));
        let mut window = Window::new(text.as_bytes(), u64::MAX);
        assert_eq!(window.take(1000).unwrap_err(), Fault::TooLarge);
        assert!(window.room.capacity() < 1_000_000);
        assert_eq!(window.take(1000).unwrap().bytes, b"1");
        assert_eq!(window.take(1000).unwrap_err(), Fault::Cut);
    }
}
