//! Reads what there is to check of the journals, and nothing else.

use std::collections::BTreeMap;

use super::{Store, StoreError, chain, index};
use crate::journal::{self, Evidence, Finding, Shelved};

impl Store {
    /// All journals and the one of this console, as they are on disk.
    ///
    /// # Errors
    /// When a file or the directory cannot be read. A line that cannot be read is a finding.
    pub fn evidence(&self) -> Result<Evidence, StoreError> {
        // Journals first: what is opened meanwhile is in the index before it is looked at.
        let mut operations = BTreeMap::new();
        for id in self.operation_ids()? {
            let lines = chain::read(&self.journal(&id))?;
            operations.insert(id.as_str().to_owned(), Shelved { lines: lines.all, torn: lines.torn });
        }
        let index = index::read(&self.root)?;
        Ok(Evidence { index: index.all, index_torn: index.torn, operations })
    }

    /// What is not as it was written, without a look at any cluster.
    ///
    /// # Errors
    /// When a file cannot be read at all.
    pub fn verify(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(journal::check(&self.evidence()?))
    }
}
