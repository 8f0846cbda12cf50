//! Entries of which each names the hash of the one before: a change shows, and so does where it was made.
//!
//! Generic over what an entry says. Pure: lines in, [`Fault`]s out; files are the store's. A chain says nothing about
//! its own end: what was cut off there is seen only against a head that is remembered elsewhere.

mod faults;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Body, Kept, VERSION};
use crate::text;

pub use faults::{Fault, Wrong, faults};

/// What the entries of a chain say.
pub trait Said: Clone + Serialize + DeserializeOwned {
    /// Reads a line from before version 1; `place` counts from 0.
    fn former(_line: &[u8], _place: u64) -> Option<Entry<Self>> {
        None
    }

    /// An entry from before version 1 as it was written.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn former_written(entry: &Entry<Self>) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(entry)
    }

    /// The hash of an entry from before version 1.
    fn former_digest(_entry: &Entry<Self>) -> String {
        String::new()
    }
}

/// One line of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<B = Body> {
    /// Version of the written form; 0 before entries were numbered.
    pub v: u32,
    /// 0, 1, 2, … within the chain.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Hash of the entry before; [`genesis`] for the first.
    pub prev: String,
    /// What it says.
    pub body: B,
    /// Writes since the entry before that are no step's: those of the operation's record and of its locks. The last
    /// ones of an operation follow its closing entry and are found in the audit log by the names of these objects.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// SHA-256 over the entry's other fields, lower-case hex.
    pub hash: String,
}

/// What the first entry names as the one before it.
pub fn genesis() -> String {
    "0".repeat(64)
}

impl<B: Said> Entry<B> {
    /// The entry that follows `prev` (`None` for the first).
    pub fn following(prev: Option<&Entry<B>>, at: Timestamp, body: B, kept: Vec<Kept>) -> Self {
        let seq = prev.map_or(0, |entry| entry.seq + 1);
        let prev = prev.map_or_else(genesis, |entry| entry.hash.clone());
        let mut entry = Self { v: VERSION, seq, at, prev, body, kept, hash: String::new() };
        entry.hash = entry.digest();
        entry
    }

    /// Reads a line; `place` counts from 0.
    ///
    /// # Errors
    /// When it is no entry, in what way.
    pub fn parse(line: &[u8], place: u64) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line).or_else(|error| B::former(line, place).ok_or(error))
    }

    /// The same as a value that is read back.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn written(&self) -> Result<serde_json::Value, serde_json::Error> {
        if self.v == 0 { B::former_written(self) } else { serde_json::to_value(self) }
    }

    /// The hash that its content gives.
    pub fn digest(&self) -> String {
        if self.v == 0 {
            return B::former_digest(self);
        }
        let fields = (self.v, self.seq, self.at, &self.prev, &self.body);
        // Strings, numbers and maps with string keys: this always serialises.
        let bytes =
            if self.kept.is_empty() { serde_json::to_vec(&fields) } else { serde_json::to_vec(&(fields, &self.kept)) };
        text::sha256(&bytes.unwrap_or_default())
    }
}

/// A line of a file that holds a chain.
#[derive(Clone, Debug)]
pub struct Line<B> {
    /// Which, from 1.
    pub number: usize,
    /// What it says, or why it is no entry.
    pub entry: Result<Entry<B>, String>,
}

/// Where a chain was, as it is remembered outside its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How many entries there were; 0 where that is not remembered.
    pub length: u64,
    /// The hash of the newest.
    pub head: String,
}

/// How a chain differs from what is remembered of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is shorter: what was remembered is not in it any more.
    Cut {
        /// Entries there are.
        has: u64,
        /// Entries there were; 0 where that is not remembered.
        had: u64,
    },
    /// It is as long, but has another entry there.
    Other {
        /// The number of the entry.
        seq: u64,
    },
}

impl Anchor {
    /// How these entries differ from what is remembered; `None` when they hold it.
    pub fn missing_from<'a, B: 'a>(&self, entries: impl IntoIterator<Item = &'a Entry<B>>) -> Option<Lost> {
        let (mut has, mut at) = (0, None);
        for entry in entries {
            has += 1;
            if entry.hash == self.head {
                return None;
            }
            if has == self.length {
                at = Some(entry.seq);
            }
        }
        let cut = Lost::Cut { has, had: self.length };
        Some(at.map_or(cut, |seq| Lost::Other { seq }))
    }
}

#[cfg(test)]
mod tests;
