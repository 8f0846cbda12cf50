//! Writes that keep the books of an operation: its record and its locks. No step is theirs, so the `Audit-Id`s of
//! these go into the next entry of the journal, whichever that is.

use std::sync::{Arc, Mutex, PoisonError};

use crate::cluster::Written;
use crate::journal::Kept;
use crate::plan::ObjectAt;

/// What was written since the last entry, of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Books(Arc<Mutex<Vec<Kept>>>);

impl Books {
    /// Takes down what the server answered to a write of the record or of a lock.
    pub fn note(&self, at: &ObjectAt, written: &Written) {
        if let Some(audit_id) = &written.audit_id {
            let kept = Kept { object: at.to_string(), audit_id: audit_id.clone() };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
    }

    /// What was taken down since it was asked last.
    pub fn take(&self) -> Vec<Kept> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
