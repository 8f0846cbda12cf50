//! A forgiving reader of one JSON value whose brackets and strings [`super::scan`] has checked.
//!
//! serde_json gives up at the first fault. Here a value of another type is passed over, a lone surrogate or a byte
//! that is not UTF-8 becomes U+FFFD, a control character in a string is kept, and a missing or doubled comma is
//! noted. Never panics and always ends.

use std::borrow::Cow;

use super::scan::{MAX_DEPTH, Scanned, Scanner, special};

/// A value that is neither object nor array.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number, as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An object, an array or no JSON; passed over.
    Other,
}

impl<'a> Scalar<'a> {
    /// Strings, numbers and truth values as text.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(Cow::Borrowed(number)),
            Self::Bool(true) => Some(Cow::Borrowed("true")),
            Self::Bool(false) => Some(Cow::Borrowed("false")),
            Self::Null | Self::Other => None,
        }
    }

    /// Numbers, and strings that hold one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => number.parse().ok(),
            _ => None,
        }
    }
}

/// Reads front to back.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether something was there that JSON does not allow.
    pub odd: bool,
}

impl<'a> Cursor<'a> {
    /// Of one value.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, odd: false }
    }

    /// How many bytes it read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Calls `each` at the value of each member; it has to read that value or pass over it. False when there is no
    /// object here; then the value is passed over.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, &[u8])) -> bool {
        self.members(|cursor, key| each(cursor, &key))
    }

    /// As [`Self::object`], with keys that may outlive the call.
    pub fn members(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, [u8]>)) -> bool {
        if !self.eat(b'{') {
            self.skip();
            return false;
        }
        loop {
            match self.peek() {
                Some(b'"') => {
                    let key = self.string();
                    self.odd |= !self.eat(b':');
                    let before = self.at;
                    each(self, key);
                    if self.at == before {
                        self.skip();
                    }
                    let comma = self.eat(b',');
                    self.odd |= comma == (self.peek() == Some(b'}'));
                }
                Some(b'}') => {
                    self.at += 1;
                    return true;
                }
                None | Some(b']') => {
                    self.odd = true;
                    return true;
                }
                Some(_) => {
                    self.odd = true;
                    self.skip_stray();
                }
            }
        }
    }

    /// Calls `each` at every element, with its index; it has to read it or pass over it. False when there is no
    /// array here; then the value is passed over.
    pub fn array(&mut self, mut each: impl FnMut(&mut Self, usize)) -> bool {
        if !self.eat(b'[') {
            self.skip();
            return false;
        }
        let mut index = 0;
        loop {
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return true;
                }
                None | Some(b'}') => {
                    self.odd = true;
                    return true;
                }
                Some(b',' | b':') => {
                    self.odd = true;
                    self.at += 1;
                }
                Some(_) => {
                    let before = self.at;
                    each(self, index);
                    if self.at == before {
                        self.skip();
                    }
                    index += 1;
                    let comma = self.eat(b',');
                    self.odd |= comma == (self.peek() == Some(b']'));
                }
            }
        }
    }

    /// A string, or nothing; a value of another type is passed over.
    pub fn text(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() == Some(b'"') {
            return Some(lossy(self.string()));
        }
        self.skip();
        None
    }

    /// A scalar; anything else is passed over.
    pub fn scalar(&mut self) -> Scalar<'a> {
        match self.peek() {
            Some(b'"') => Scalar::Text(lossy(self.string())),
            Some(b'{' | b'[') => {
                self.skip();
                Scalar::Other
            }
            _ => {
                let start = self.at;
                self.skip();
                match &self.bytes[start..self.at] {
                    b"true" => Scalar::Bool(true),
                    b"false" => Scalar::Bool(false),
                    b"null" => Scalar::Null,
                    word => match std::str::from_utf8(word) {
                        Ok(word) if word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Scalar::Number(word),
                        _ => {
                            self.odd = true;
                            Scalar::Other
                        }
                    },
                }
            }
        }
    }

    /// Passes over the value that comes next.
    pub fn skip(&mut self) {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => {
                let mut scanner = Scanner::default();
                let scanned = scanner.scan(self.bytes, self.at);
                self.odd |= scanner.too_deep || scanner.mended || !matches!(scanned, Scanned::End(_));
                self.at = match scanned {
                    Scanned::End(end) | Scanned::Stray(end) => end,
                    Scanned::More => self.bytes.len(),
                };
            }
            _ => {
                let rest = &self.bytes[self.at..];
                let ends = |byte: &u8| {
                    matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'{' | b'[')
                };
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
    }

    fn skip_string(&mut self) {
        let mut at = self.at + 1;
        while let Some(special) = special(self.bytes, at) {
            if self.bytes[special] == b'"' {
                self.at = special + 1;
                return;
            }
            at = special + 2;
        }
        self.odd = true;
        self.at = self.bytes.len();
    }

    fn skip_stray(&mut self) {
        let before = self.at;
        self.skip();
        if self.at == before {
            self.at += 1;
        }
    }

    /// A string's bytes without its escapes.
    fn string(&mut self) -> Cow<'a, [u8]> {
        let start = self.at + 1;
        if let Some(end) = special(self.bytes, start)
            && self.bytes[end] == b'"'
        {
            self.at = end + 1;
            return Cow::Borrowed(&self.bytes[start..end]);
        }
        let mut at = start;
        let mut plain: Option<Vec<u8>> = None;
        let mut from = start;
        loop {
            let Some(special) = special(self.bytes, at) else {
                self.odd = true;
                self.at = self.bytes.len();
                let tail = &self.bytes[from.min(self.at)..];
                return plain.map_or(Cow::Borrowed(tail), |plain| Cow::Owned([plain.as_slice(), tail].concat()));
            };
            let piece = &self.bytes[from..special];
            if self.bytes[special] == b'"' {
                self.at = special + 1;
                return match plain {
                    None => Cow::Borrowed(piece),
                    Some(mut plain) => {
                        plain.extend_from_slice(piece);
                        Cow::Owned(plain)
                    }
                };
            }
            let plain = plain.get_or_insert_with(|| Vec::with_capacity(piece.len() + 256));
            plain.extend_from_slice(piece);
            at = special + 1 + unescape(&self.bytes[special + 1..], plain);
            from = at;
        }
    }
}

/// Appends what the escape behind a backslash means; how many bytes it took.
fn unescape(rest: &[u8], plain: &mut Vec<u8>) -> usize {
    let simple = match rest.first() {
        None => return 0,
        Some(b'u') => return unescape_unicode(rest, plain),
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 8,
        Some(b'f') => 12,
        // Others stand for themselves, as `\"` and `\/` do.
        Some(&other) => other,
    };
    plain.push(simple);
    1
}

fn unescape_unicode(rest: &[u8], plain: &mut Vec<u8>) -> usize {
    let Some(first) = hex4(rest) else {
        plain.extend_from_slice("\u{fffd}".as_bytes());
        return 1;
    };
    let mut taken = 5;
    let mut code = first;
    if (0xd800..0xdc00).contains(&first)
        && rest.get(5) == Some(&b'\\')
        && let Some(second) = rest.get(6..).and_then(hex4)
        && (0xdc00..0xe000).contains(&second)
    {
        code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        taken = 11;
    }
    let c = char::from_u32(code).unwrap_or('\u{fffd}');
    plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    taken
}

/// `uXXXX`.
fn hex4(rest: &[u8]) -> Option<u32> {
    let digits = rest.get(1..5).filter(|_| rest[0] == b'u')?;
    digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
}

/// Text; bytes that are not UTF-8 become U+FFFD.
pub fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        },
    }
}

/// The whole value as a tree; of members with one name the last stays. What is nested too deep is null.
pub fn tree(bytes: &[u8]) -> serde_json::Value {
    branch(&mut Cursor::new(bytes), 0)
}

fn branch(cursor: &mut Cursor, depth: u32) -> serde_json::Value {
    use serde_json::Value;
    match cursor.peek() {
        Some(b'{' | b'[') if depth >= MAX_DEPTH => {
            cursor.skip();
            Value::Null
        }
        Some(b'{') => {
            let mut members = serde_json::Map::new();
            cursor.object(|cursor, key| {
                let value = branch(cursor, depth + 1);
                members.insert(String::from_utf8_lossy(key).into_owned(), value);
            });
            Value::Object(members)
        }
        Some(b'[') => {
            let mut elements = Vec::new();
            cursor.array(|cursor, _| elements.push(branch(cursor, depth + 1)));
            Value::Array(elements)
        }
        _ => match cursor.scalar() {
            Scalar::Text(text) => Value::String(text.into_owned()),
            Scalar::Number(number) => number.parse().map_or(Value::Null, Value::Number),
            Scalar::Bool(is) => Value::Bool(is),
            Scalar::Null | Scalar::Other => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests;
