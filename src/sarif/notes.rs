//! Gathers diagnostics. One fault in every result of a large file is told some times and then counted.

use std::collections::BTreeMap;

use crate::model::Diagnostic;

/// How often one fault that cost nothing is told with its place.
const ODD: usize = 5;

/// How often a loss is told with its place.
const LOST: usize = 100;

fn each(lost: bool) -> usize {
    if lost { LOST } else { ODD }
}

/// See the module.
#[derive(Default)]
pub struct Notes {
    told: Vec<Diagnostic>,
    counts: BTreeMap<(&'static str, bool), usize>,
}

impl Notes {
    /// Something that was read in spite of it.
    pub fn odd(&mut self, code: &'static str, path: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        self.add(code, false, path, text);
    }

    /// Something that was lost.
    pub fn lost(&mut self, code: &'static str, path: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        self.add(code, true, path, text);
    }

    fn add(&mut self, code: &'static str, lost: bool, path: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        let count = self.counts.entry((code, lost)).or_default();
        *count += 1;
        if *count <= each(lost) {
            self.told.push(Diagnostic { code, path: path(), text: text(), lost });
        }
    }

    /// Forgets all: what was read does not count.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// All that was told, and how many more there were of each kind.
    pub fn done(mut self) -> Vec<Diagnostic> {
        for ((code, lost), count) in self.counts {
            if let Some(more) = count.checked_sub(each(lost)).filter(|more| *more > 0) {
                let text = format!("{more} more of the same");
                self.told.push(Diagnostic { code, path: String::new(), text, lost });
            }
        }
        self.told
    }
}
