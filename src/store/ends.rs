//! Where the journal of this machine begins and ends, for reports that name it.

use super::{Store, StoreError, index};

/// The ends of the journal of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The hash of its first line: which chain it is.
    pub first: String,
    /// The hash of its last line.
    pub last: String,
    /// How many lines it has.
    pub lines: usize,
}

impl Store {
    /// Its ends; `None` before its first line.
    ///
    /// # Errors
    /// When the index cannot be read, or does not hold together.
    pub fn ends(&self) -> Result<Option<Ends>, StoreError> {
        let lines = index::read(&self.root)?.entries(&index::path(&self.root))?;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(None) };
        Ok(Some(Ends { first: first.hash.clone(), last: last.hash.clone(), lines: lines.len() }))
    }

    /// Whether the chain has a line with this hash.
    ///
    /// # Errors
    /// When the index cannot be read, or does not hold together.
    pub fn has_line(&self, hash: &str) -> Result<bool, StoreError> {
        let lines = index::read(&self.root)?.entries(&index::path(&self.root))?;
        Ok(lines.iter().any(|line| line.hash == hash))
    }
}
