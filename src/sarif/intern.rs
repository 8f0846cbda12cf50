//! Strings and small records that many results share are kept once.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::message::head;

/// Bytes of a string that are kept: no path and no id is longer, and a log that has many such is an attack.
pub const MAX_KEPT: usize = 4096;

/// Strings, each kept once.
#[derive(Default)]
pub struct Texts {
    known: HashSet<Arc<str>, RandomState>,
}

impl Texts {
    /// The one copy of this text, of which no more than [`MAX_KEPT`] is kept.
    pub fn get(&mut self, text: &str) -> Arc<str> {
        let text = head(text, MAX_KEPT);
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.known.insert(Arc::clone(&new));
        new
    }

    /// The one copy, if there is a text.
    pub fn maybe(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        text.map(|text| self.get(text))
    }
}

/// Records, each kept once and known by its number. They are looked up by what they are made of, so that none is
/// made for each use.
pub struct Table<T> {
    numbers: HashMap<u64, u32, RandomState>,
    records: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { numbers: HashMap::default(), records: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The number of the record that is made of `key`: that which is the `same`, else a new one. Two records whose
    /// keys have one hash are kept as often as they are asked for.
    pub fn number(&mut self, key: &impl Hash, same: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> u32 {
        let hash = self.numbers.hasher().hash_one(key);
        let known = self.numbers.get(&hash).copied();
        if let Some(number) = known
            && self.records.get(usize::try_from(number).unwrap_or(usize::MAX)).is_some_and(same)
        {
            return number;
        }
        let number = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if known.is_none() {
            self.numbers.insert(hash, number);
        }
        self.records.push(make());
        number
    }

    /// All, in order of their numbers.
    pub fn records(&self) -> &[T] {
        &self.records
    }
}
