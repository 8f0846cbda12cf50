//! Decodes a source to the UTF-8 text that positions count in: gzip, byte order marks, UTF-16 (which PowerShell's `>`
//! writes). Bytes that are not UTF-8 are left for whoever reads the string they stand in.

use std::io::{ErrorKind, Read, Result};

use flate2::read::MultiGzDecoder;

const CHUNK: usize = 1 << 16;

/// The first bytes of a source, and then the rest of it.
struct Headed<R> {
    head: Vec<u8>,
    at: usize,
    rest: R,
}

impl<R: Read> Headed<R> {
    /// Reads up to so many bytes to look at.
    fn new(mut rest: R, count: usize) -> Result<Self> {
        let mut head = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match rest.read(&mut head[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        head.truncate(filled);
        Ok(Self { head, at: 0, rest })
    }
}

impl<R: Read> Read for Headed<R> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let head = &self.head[self.at..];
        if head.is_empty() {
            return self.rest.read(room);
        }
        let count = head.len().min(room.len());
        room[..count].copy_from_slice(&head[..count]);
        self.at += count;
        Ok(count)
    }
}

/// A source or what was packed in it.
enum Unpacked<R> {
    Plain(Headed<R>),
    Gzip(Box<MultiGzDecoder<Headed<R>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(source) => source.read(room),
            Self::Gzip(source) => source.read(room),
        }
    }
}

/// How the text was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with a mark or without.
    Utf8,
    /// UTF-16 with the low byte first.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
}

/// See the module.
pub struct Decoded<R> {
    source: Headed<Unpacked<R>>,
    /// How it was written.
    pub encoding: Encoding,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Decoded<R> {
    /// Looks at the first bytes.
    pub fn new(source: R) -> Result<Self> {
        let packed = Headed::new(source, 2)?;
        let unpacked = match packed.head[..] {
            [0x1f, 0x8b] => Unpacked::Gzip(Box::new(MultiGzDecoder::new(packed))),
            _ => Unpacked::Plain(packed),
        };
        let mut source = Headed::new(unpacked, 3)?;
        let (encoding, mark) = match source.head[..] {
            [0xef, 0xbb, 0xbf] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            _ => (Encoding::Utf8, 0),
        };
        source.at = mark;
        Ok(Self { source, encoding, raw: Vec::new(), ready: Vec::new(), at: 0 })
    }

    /// Reads more UTF-16 and turns whole characters of it into UTF-8; a lone surrogate becomes U+FFFD.
    /// False at the end.
    fn transcode(&mut self) -> Result<bool> {
        let held = self.raw.len();
        self.raw.resize(held + CHUNK, 0);
        let read = self.source.read(&mut self.raw[held..])?;
        self.raw.truncate(held + read);
        let unit: fn([u8; 2]) -> u16 =
            if self.encoding == Encoding::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
        let (pairs, _) = self.raw.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        // A character may go on in the next piece.
        if read > 0 && units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
            units.pop();
        }
        self.at = 0;
        self.ready.clear();
        for c in char::decode_utf16(units.iter().copied()) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.raw.drain(..units.len() * 2);
        if read == 0 {
            self.raw.clear();
        }
        Ok(read > 0)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.source.read(room);
        }
        // What was read may not be a whole character yet.
        while self.at == self.ready.len() && self.transcode()? {}
        let count = room.len().min(self.ready.len() - self.at);
        room[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::io::Write;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, room: &mut [u8]) -> Result<usize> {
            let one = room.len().min(1);
            self.0.read(&mut room[..one])
        }
    }

    const TEXT: &str = "{\"größe\": \"😀数\"}";

    #[rstest]
    #[case(TEXT.as_bytes().to_vec())]
    #[case([b"\xef\xbb\xbf", TEXT.as_bytes()].concat())]
    #[case(utf16(TEXT, false))]
    #[case(utf16(TEXT, true))]
    #[case(packed(TEXT.as_bytes()))]
    #[case(packed(&utf16(TEXT, false)))]
    #[case([packed(&TEXT.as_bytes()[..5]), packed(&TEXT.as_bytes()[5..])].concat())]
    fn every_encoding_gives_the_same_text(#[case] bytes: Vec<u8>) {
        let mut whole = String::new();
        Decoded::new(&bytes[..]).unwrap().read_to_string(&mut whole).unwrap();
        assert_eq!(whole, TEXT);
        let mut dripped = String::new();
        Decoded::new(Drip(&bytes)).unwrap().read_to_string(&mut dripped).unwrap();
        assert_eq!(dripped, TEXT);
    }

    #[test]
    fn empty_and_broken_sources_end() {
        let mut bytes = Vec::new();
        Decoded::new(&b""[..]).unwrap().read_to_end(&mut bytes).unwrap();
        Decoded::new(&b"\xff\xfe\x00"[..]).unwrap().read_to_end(&mut bytes).unwrap();
        Decoded::new(&b"\xff\xfe\x00\xd8"[..]).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, "\u{fffd}".as_bytes());
        assert!(Decoded::new(&b"\x1f\x8bxx"[..]).is_err());
    }
}
