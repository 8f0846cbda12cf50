//! Where the items of a JSON list begin and end, found in one pass without reading them.
//!
//! `{"metadata": …, "items": [ITEM, ITEM, …]}`: each object directly in the array `items` of the outermost object is
//! an item, everything else is the frame. Whether either is valid JSON is for the decoder to say.

use std::ops::Range;

const ITEMS: &[u8] = b"items";

/// A list that is being split.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    place: Place,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The last string of the outermost object, as far as it is needed to know [`ITEMS`].
    name: Vec<u8>,
}

#[derive(Debug, Default)]
enum Place {
    /// Outside of the items.
    #[default]
    Frame,
    /// In the array, before an item or its end.
    Between,
    /// In an item: where it began and how far it was looked at.
    Item(usize, usize),
}

/// A part of a list. It ends what was given; what comes after it is to be given next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Part of the frame.
    Frame(Range<usize>),
    /// A whole item.
    Item(Range<usize>),
}

impl Splitter {
    /// The next piece of the bytes that come after the last one; `None` when more bytes are needed, which are then
    /// given together with these.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<Piece> {
        if let Place::Between = self.place {
            let at = bytes.iter().position(|byte| matches!(byte, b'{' | b']'))?;
            self.place = if bytes[at] == b'{' { Place::Item(at, at) } else { Place::Frame };
            if bytes[at] == b']' {
                self.depth -= 1;
                return Some(Piece::Frame(at..at + 1));
            }
        }
        match self.place {
            Place::Item(start, seen) => self.item(bytes, start, seen),
            Place::Frame | Place::Between => self.frame(bytes),
        }
    }

    fn item(&mut self, bytes: &[u8], start: usize, seen: usize) -> Option<Piece> {
        for (at, byte) in bytes.iter().enumerate().skip(seen) {
            self.step(*byte);
            if self.depth == 2 && !self.in_string {
                self.place = Place::Between;
                return Some(Piece::Item(start..at + 1));
            }
        }
        self.place = Place::Item(start, bytes.len());
        None
    }

    fn frame(&mut self, bytes: &[u8]) -> Option<Piece> {
        for (at, byte) in bytes.iter().enumerate() {
            let was = self.depth;
            self.remember(*byte);
            self.step(*byte);
            if (was, self.depth, *byte) == (1, 2, b'[') && self.name == ITEMS {
                self.place = Place::Between;
                return Some(Piece::Frame(0..at + 1));
            }
        }
        (!bytes.is_empty()).then_some(Piece::Frame(0..bytes.len()))
    }

    fn remember(&mut self, byte: u8) {
        if self.depth != 1 {
            return;
        }
        match (self.in_string, byte) {
            (false, b'"') => self.name.clear(),
            (true, b'"') if !self.escaped => {}
            // One byte more than the name is enough to tell it apart.
            (true, _) if self.name.len() <= ITEMS.len() => self.name.push(byte),
            _ => {}
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}
