//! Lets go of old journals. Each leaves a line in the index first, with its closing head, so that it is known to be gone
//! and what it was.

use std::fs;

use jiff::Timestamp;

use super::{Store, StoreError, book, chain, index, io_error, now};
use crate::journal::{Book, Note, Run, may_go, taken_back};
use crate::model::Uid;

/// The most that are let go at once: whoever waits for the index waits no longer than that takes.
const AT_ONCE: usize = 200;

impl Store {
    /// Lets go of journals of operations that ended before that moment, the oldest first, and at most 200 of them; never
    /// of one that is open or held, or left something that can be taken back. `there` says of a copy that an operation
    /// made whether it is there, or may be.
    ///
    /// # Errors
    /// When the index cannot be written, or a file not be removed.
    pub fn rotate(&self, before: Timestamp, there: impl Fn(&Run, &Uid) -> bool) -> Result<Vec<Book>, StoreError> {
        let runs: Vec<Run> = self.list()?.into_iter().filter(|one| !one.held).filter_map(|one| one.run.ok()).collect();
        let back = taken_back(&runs);
        let mut old: Vec<&Run> = runs.iter().filter(|run| may_go(run, before, &back, |uid| there(run, uid))).collect();
        if old.is_empty() {
            return Ok(Vec::new());
        }
        old.sort_by_key(|run| run.closed);
        let mut file = index::open(&self.root)?;
        let known: Vec<Note> = self.notes()?.into_iter().filter_map(|line| Some(line.entry.ok()?.body)).collect();
        let dropped =
            |of: &Book| known.iter().any(|note| matches!(note, Note::Dropped { of: other, .. } if other == of));
        let mut gone = Vec::new();
        for run in old.into_iter().take(AT_ONCE) {
            let (of, path) = (book(run.id()), self.journal(run.id()));
            // Another console may have been faster, or may go on with it.
            if chain::held(&path) {
                continue;
            }
            if !dropped(&of) {
                let (length, head) = (run.length, run.head.clone());
                file.append(now(), Note::Dropped { of: of.clone(), length, head }, Vec::new())?;
            }
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
            gone.push(of);
        }
        Ok(gone)
    }
}
