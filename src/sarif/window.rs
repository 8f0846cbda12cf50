//! A bounded piece of a JSON text that is read once, front to back.
//!
//! Grows only for one value that is taken whole, and never beyond the limit given: a larger value is passed over.
//! Positions are bytes of the decoded text. Knows brackets and strings, not what they mean.

use std::io::{ErrorKind, Read};

use ring::digest::{Context, SHA256};

use super::scan::{Scanned, Scanner};

const CHUNK: usize = 1 << 17;

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
    bytes: Vec<u8>,
    at: usize,
    base: u64,
    limit: u64,
    ended: bool,
    /// What stopped the source, in words.
    pub failure: Option<String>,
    /// Whether there was more text than the limit.
    pub beyond: bool,
    digest: Context,
}

impl<R: Read> Window<R> {
    /// Of the whole source, and no more than `limit` bytes of it.
    pub fn new(source: R, limit: u64) -> Self {
        let digest = Context::new(&SHA256);
        Self { source, bytes: Vec::new(), at: 0, base: 0, limit, ended: false, failure: None, beyond: false, digest }
    }

    /// The SHA-256 of all that was read; reads the rest.
    pub fn digest(mut self) -> [u8; 32] {
        while self.more() {
            self.at = self.bytes.len();
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(self.digest.finish().as_ref());
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
        self.bytes.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        let held = self.bytes.len();
        // A large value is not copied again and again: the room doubles.
        let room = CHUNK.max(held);
        self.bytes.reserve_exact(room);
        self.bytes.resize(held + room, 0);
        let read = loop {
            match self.source.read(&mut self.bytes[held..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    break 0;
                }
            }
        };
        self.bytes.truncate(held + read);
        self.digest.update(&self.bytes[held..]);
        self.beyond = self.base + (held + read) as u64 > self.limit;
        self.ended = read == 0 || self.beyond;
        read > 0
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at).copied() {
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

    /// Up to this many of the bytes that come next.
    pub fn ahead(&mut self, count: usize) -> &[u8] {
        while self.bytes.len() - self.at < count && self.more() {}
        let end = self.bytes.len().min(self.at + count);
        &self.bytes[self.at..end]
    }

    /// Passes over bytes that [`Self::ahead`] showed.
    pub fn pass(&mut self, count: usize) {
        self.at = self.bytes.len().min(self.at + count);
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
        Ok(Taken { bytes: &self.bytes[from..self.at], start, mended })
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
            let value = &self.bytes[self.at..];
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
            match self.bytes.get(self.at + length).copied() {
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
        assert!(window.bytes.capacity() < 1_000_000);
        assert_eq!(window.take(1000).unwrap().bytes, b"1");
        assert_eq!(window.take(1000).unwrap_err(), Fault::Cut);
    }
}
