//! Reads what there is to check of the journals, and nothing else.

use std::collections::BTreeMap;

use std::path::Path;

use super::{Store, StoreError, chain, index};
use crate::journal::{self, Evidence, Finding, Line, Note, Said, Shelved};
use crate::runbook::history;

impl Store {
    /// All journals and the one of this console, as they are on disk.
    ///
    /// # Errors
    /// When a file or the directory cannot be read. A line that cannot be read is a finding.
    pub fn evidence(&self) -> Result<Evidence<history::Body>, StoreError> {
        // The index first: what it knows to be opened or closed is then found, whatever is written meanwhile.
        let index = index::read(&self.root)?;
        let mut operations = BTreeMap::new();
        for id in self.operation_ids()? {
            operations.insert(id.as_str().to_owned(), shelved(&self.journal(&id))?);
        }
        let mut runs = BTreeMap::new();
        for id in self.run_ids()? {
            runs.insert(id.as_str().to_owned(), shelved(&self.run_path(&id))?);
        }
        Ok(Evidence { index: index.all, index_torn: index.torn, operations, runs })
    }

    /// All lines of the journal of this console.
    ///
    /// # Errors
    /// When it cannot be read. A line that cannot be read is that line's error.
    pub fn notes(&self) -> Result<Vec<Line<Note>>, StoreError> {
        Ok(index::read(&self.root)?.all)
    }

    /// What is not as it was written, without a look at any cluster.
    ///
    /// # Errors
    /// When a file cannot be read at all.
    pub fn verify(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(journal::check(&self.evidence()?))
    }
}

/// A journal as it is on disk.
fn shelved<B: Said>(path: &Path) -> Result<Shelved<B>, StoreError> {
    let held = chain::held(path);
    let lines = chain::read(path)?;
    Ok(Shelved { lines: lines.all, torn: lines.torn, held })
}
