//! The journal of one operation, or of one run of a runbook, on disk; its opening and closing go into the index.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::chain::ChainFile;
use super::{StoreError, index};
use crate::journal::{Body, Book, Entry, Kept, Run, Story, fold};

/// A journal held by this process.
#[derive(Debug)]
pub struct Log<B> {
    file: ChainFile<B>,
    of: Book,
    root: PathBuf,
    entries: Vec<Entry<B>>,
}

/// The journal of an operation, held by this process.
pub type OperationLog = Log<Body>;

/// Where the journal of this is.
pub(super) fn path(root: &Path, of: &Book) -> PathBuf {
    root.join(of.kind.folder()).join(format!("{}.jsonl", of.id))
}

impl<B: Story> Log<B> {
    /// Begins a journal and holds it.
    ///
    /// # Errors
    /// When the file cannot be written, or exists already.
    pub(super) fn create(root: &Path, id: &str) -> Result<Self, StoreError> {
        let of = Book { kind: B::KIND, id: id.to_owned() };
        let file = ChainFile::create(&path(root, &of))?;
        let Some(file) = file else { return Err(StoreError::Held { of }) };
        Ok(Self { file, of, root: root.to_owned(), entries: Vec::new() })
    }

    /// Opens a journal and holds it.
    ///
    /// # Errors
    /// When it is held elsewhere, missing, or does not hold together.
    pub(super) fn open(root: &Path, id: &str) -> Result<Self, StoreError> {
        let of = Book { kind: B::KIND, id: id.to_owned() };
        let path = path(root, &of);
        if !path.exists() {
            return Err(StoreError::Missing { of, root: root.to_owned() });
        }
        let Some((file, entries)) = ChainFile::open(&path)? else { return Err(StoreError::Held { of }) };
        if file.mended > 0 {
            index::mended(root, &format!("{}/{}.jsonl", of.kind.folder(), of.id), file.mended)?;
        }
        Ok(Self { file, of, root: root.to_owned(), entries })
    }

    /// Writes what happened and returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing may be acted upon.
    pub fn append(&mut self, at: Timestamp, body: B, kept: Vec<Kept>) -> Result<Entry<B>, StoreError> {
        let entry = self.file.append(at, body, kept)?;
        self.entries.push(entry.clone());
        if let Some(turn) = entry.body.turn() {
            index::turned(&self.root, self.of.clone(), turn, &entry)?;
        }
        Ok(entry)
    }

    /// How many bytes of a line that was cut short were taken off when it was opened.
    pub fn mended(&self) -> u64 {
        self.file.mended
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry<B>] {
        &self.entries
    }
}

impl Log<Body> {
    /// What the journal adds up to.
    ///
    /// # Errors
    /// When it does not hold together.
    pub fn run(&self) -> Result<Run, StoreError> {
        fold(&self.entries).map_err(|source| StoreError::Journal { path: self.file.path().to_owned(), source })
    }
}
