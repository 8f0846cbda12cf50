//! Strings and small records that many results share are kept once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::RandomState;

/// Strings, each kept once.
#[derive(Default)]
pub struct Texts {
    known: HashSet<Arc<str>, RandomState>,
}

impl Texts {
    /// The one copy of this text.
    pub fn get(&mut self, text: &str) -> Arc<str> {
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

/// Records, each kept once and known by its number.
pub struct Table<T> {
    numbers: HashMap<Arc<T>, u32, RandomState>,
    records: Vec<Arc<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { numbers: HashMap::default(), records: Vec::new() }
    }
}

impl<T: Hash + Eq> Table<T> {
    /// The number of this record.
    pub fn number(&mut self, record: T) -> u32 {
        if let Some(&number) = self.numbers.get(&record) {
            return number;
        }
        let number = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let record = Arc::new(record);
        self.numbers.insert(Arc::clone(&record), number);
        self.records.push(record);
        number
    }

    /// All, in order of their numbers.
    pub fn records(&self) -> &[Arc<T>] {
        &self.records
    }
}
