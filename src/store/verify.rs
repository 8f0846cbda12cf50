//! Reads what there is to check of the journals, and nothing else.

use std::collections::BTreeMap;

use super::{Store, StoreError, chain, index};
use crate::journal::{self, Evidence, Finding, Line, Note, Shelved};

impl Store {
    /// All journals and the one of this console, as they are on disk.
    ///
    /// # Errors
    /// When a file or the directory cannot be read. A line that cannot be read is a finding.
    pub fn evidence(&self) -> Result<Evidence, StoreError> {
        // The index first: what it knows to be opened or closed is then found, whatever is written meanwhile.
        let index = index::read(&self.root)?;
        let mut operations = BTreeMap::new();
        for id in self.operation_ids()? {
            let path = self.journal(&id);
            let held = chain::held(&path);
            let lines = chain::read(&path)?;
            operations.insert(id.as_str().to_owned(), Shelved { lines: lines.all, torn: lines.torn, held });
        }
        Ok(Evidence { index: index.all, index_torn: index.torn, operations })
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
