//! Finds where a JSON value ends, without reading it: the brackets and strings of RFC 8259 §2 and §7, nothing else.
//!
//! Can stop anywhere and go on when more bytes are there. A closing bracket that closes nothing is told, and one
//! that a deeper level forgot is taken for that level's too, so that a fault stays within its element.

use memchr::memchr2;

/// Deeper values are not read.
pub const MAX_DEPTH: u32 = 128;

/// How far a [`Scanner`] got. Positions count from the start of the bytes given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// All bytes belong to the value, and more of them.
    More,
    /// The value ends before this position.
    End(usize),
    /// The bracket at this position closes what was never opened: the value has no end of its own.
    Stray(usize),
}

/// Where the last byte stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    /// Between strings.
    #[default]
    Structure,
    /// In a string.
    String,
    /// Behind the backslash of a string.
    Escape,
}

/// Where in a value it stands.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    depth: u32,
    /// One bit for each level, the innermost lowest: set for objects.
    objects: u128,
    within: Within,
    /// Whether some level is deeper than [`MAX_DEPTH`].
    pub too_deep: bool,
    /// Whether some level was closed by the bracket of another.
    pub mended: bool,
}

impl Scanner {
    /// Goes on at `from`. The first byte of all has to open an object, an array or a string.
    pub fn scan(&mut self, bytes: &[u8], from: usize) -> Scanned {
        let mut at = from;
        loop {
            if self.within != Within::Structure {
                let Some(end) = self.string(bytes, at) else { return Scanned::More };
                self.within = Within::Structure;
                at = end;
                if self.depth == 0 {
                    return Scanned::End(at);
                }
            }
            loop {
                let Some(&byte) = bytes.get(at) else { return Scanned::More };
                match byte {
                    b'"' => {
                        self.within = Within::String;
                        at += 1;
                        break;
                    }
                    b'{' | b'[' => self.open(byte == b'{'),
                    b'}' | b']' => {
                        if !self.close(byte == b'}') {
                            return Scanned::Stray(at);
                        }
                        if self.depth == 0 {
                            return Scanned::End(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
    }

    fn open(&mut self, object: bool) {
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        self.too_deep |= self.depth > MAX_DEPTH;
    }

    fn close(&mut self, object: bool) -> bool {
        if self.depth > MAX_DEPTH {
            self.depth -= 1;
            self.objects >>= 1;
            return true;
        }
        let forgotten = if object { self.objects.trailing_zeros() } else { self.objects.trailing_ones() };
        if forgotten >= self.depth {
            // Beyond the deepest level that is known, any bracket will do.
            if !self.too_deep {
                return false;
            }
            self.depth -= 1;
            self.objects >>= 1;
            return true;
        }
        self.mended |= forgotten > 0;
        self.depth -= forgotten + 1;
        self.objects = self.objects.checked_shr(forgotten + 1).unwrap_or(0);
        true
    }

    /// Past the closing quote, if it is there.
    fn string(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        if self.within == Within::Escape && at < bytes.len() {
            self.within = Within::String;
            at += 1;
        }
        loop {
            let special = special(bytes, at)?;
            if bytes[special] == b'"' {
                return Some(special + 1);
            }
            at = special + 2;
            if at > bytes.len() {
                self.within = Within::Escape;
                return None;
            }
        }
    }
}

/// The next quote or backslash. Most strings are short: eight bytes at a time are looked at, without a call.
#[inline]
pub fn special(bytes: &[u8], from: usize) -> Option<usize> {
    const NEAR: usize = 64;
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let eight = u64::from_le_bytes(*eight);
        let found = zeros(eight ^ (LOW * 0x22)) | zeros(eight ^ (LOW * 0x5c));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
        if at - from >= NEAR {
            break;
        }
    }
    memchr2(b'"', b'\\', bytes.get(at..)?).map(|found| at + found)
}

/// One in each byte.
const LOW: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is zero; right up to the first of them.
fn zeros(eight: u64) -> u64 {
    eight.wrapping_sub(LOW) & !eight & (LOW << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"a":[1,{"b":"}]"}]} ,"#, Scanned::End(20))]
    #[case(r#""a\"b\\" "#, Scanned::End(8))]
    #[case("{\"a\":[1,2}, next", Scanned::End(10))]
    #[case("[{\"a\":1], next", Scanned::End(8))]
    #[case("{\"a\":1]", Scanned::Stray(6))]
    #[case("{\"a\":\"", Scanned::More)]
    fn an_end_is_found(#[case] text: &str, #[case] scanned: Scanned) {
        assert_eq!(Scanner::default().scan(text.as_bytes(), 0), scanned);
    }

    #[test]
    fn depth_beyond_the_limit_is_told_and_still_ends() {
        for depth in [128_usize, 129, 10_000] {
            let text = format!("{}{} ", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
            let text = if depth % 2 == 1 { format!("[{}] ", text.trim()) } else { text };
            let mut scanner = Scanner::default();
            assert_eq!(scanner.scan(text.as_bytes(), 0), Scanned::End(text.len() - 1), "{depth}");
            assert_eq!(scanner.too_deep, depth > 128, "{depth}");
        }
    }

    proptest! {
        #[test]
        fn the_next_special_byte_is_found(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x23)], 0..100), from in 0usize..100) {
            let expected = bytes.iter().enumerate().skip(from).find(|(_, byte)| matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(special(&bytes, from), expected.map(|(at, _)| at));
        }

        #[test]
        fn pieces_give_what_the_whole_gives(text in "[\\[\\]{}\"\\\\a,]{0,40}", cut in 0usize..40) {
            let text = format!("{{{text}");
            let whole = Scanner::default().scan(text.as_bytes(), 0);
            let mut scanner = Scanner::default();
            let cut = cut.min(text.len());
            let mut pieces = scanner.scan(&text.as_bytes()[..cut], 0);
            if pieces == Scanned::More {
                pieces = scanner.scan(text.as_bytes(), cut);
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
