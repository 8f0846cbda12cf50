//! Reports of static analysis: bytes in, scans with their findings out (SARIF 2.1.0).
//!
//! Reads one result at a time and never holds the whole file. A result that is not as it should be costs itself at
//! most: what is off is a [`Diagnostic`] with its place, and the rest loads. Does no I/O of its own: bytes come from
//! the reader that is handed in, and names of further files that a log wants are only told ([`Log::wanted`]).

mod around;
mod band;
mod detail;
mod element;
mod encoding;
mod export;
mod external;
mod finish;
mod identity;
mod intern;
mod json;
mod lookup;
mod message;
mod notes;
mod place;
mod properties;
mod rules;
mod run;
mod scan;
mod stamp;
mod strict;
mod subject;
mod uses;
mod walk;
mod when;
mod window;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Diagnostic, Scan, Subject, SubjectSource};

pub use detail::{Detail, Step, detail, excerpt, holds_secret};
pub use export::{Exported, FINGERPRINT, export};
pub use external::External;
pub use stamp::{Stamp, StampError, stamp};
pub use strict::strict;
pub use subject::STAMP;
pub use walk::read;

/// What a source holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// One for each run.
    pub scans: Vec<Scan>,
    /// What was not as it should be.
    pub diagnostics: Vec<Diagnostic>,
    /// Files beside this one that hold parts of it and were not given ([`Origin::beside`]).
    pub wanted: Vec<External>,
}

/// Where a source comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Path below the watched folder, with `/`.
    pub path: String,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// Now: scans are not from the future.
    pub now: Timestamp,
    /// Bytes of further files that a log wanted, by name.
    pub beside: BTreeMap<String, Vec<u8>>,
    /// What the pipeline says of runs that bear no stamp of their own.
    pub stamp: Option<Stamp>,
}

impl Origin {
    /// The file's name.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }

    /// What the folders above the file say: `NAMESPACE/WORKLOAD/[CONTAINER]/`.
    fn folder_subject(&self) -> Option<Subject> {
        let mut folders = self.path.split('/').collect::<Vec<_>>();
        folders.pop();
        let (namespace, name, container) = match folders[..] {
            [namespace, name] => (namespace, name, None),
            [namespace, name, container] => (namespace, name, Some(container)),
            _ => return None,
        };
        Some(Subject {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            container: container.map(Into::into),
            ..Subject::of(SubjectSource::Folder)
        })
    }
}

/// What is read at most. What is beyond is lost with a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the decoded text.
    pub bytes: u64,
    /// Bytes of one result, rule or other element.
    pub element: usize,
    /// Results of all runs together.
    pub results: usize,
    /// Rules of all runs together.
    pub rules: usize,
    /// Runs.
    pub runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, element: 16 << 20, results: 1_000_000, rules: 200_000, runs: 1_000 }
    }
}

#[cfg(test)]
mod tests;
