//! The index over all operations: their openings and closing heads, chained, so that a journal that was
//! removed or cut short after its end shows.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StoreError, io_error};
use crate::journal::{Body, Entry, Run};
use crate::plan::OperationId;
use crate::text;

/// One line of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// When.
    pub at: Timestamp,
    /// Which operation.
    pub operation: String,
    /// Whether this is its closing; else its opening.
    pub closed: bool,
    /// Hash of the journal entry that opened or closed it.
    pub head: String,
    /// Hash of the line before; 64 zeros for the first.
    pub prev: String,
    /// SHA-256 over the other fields, lower-case hex.
    pub hash: String,
}

impl IndexEntry {
    fn digest(&self) -> String {
        let fields = (self.at, &self.operation, self.closed, &self.head, &self.prev);
        // Strings, booleans and a time: this always serialises.
        let bytes = serde_json::to_vec(&fields).unwrap_or_default();
        text::sha256(&bytes)
    }
}

fn path(root: &Path) -> PathBuf {
    root.join("index.jsonl")
}

/// Adds the opening or closing of an operation, under the file's lock.
pub(super) fn append(root: &Path, entry: &Entry, operation: &str) -> Result<(), StoreError> {
    let path = path(root);
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(io_error("open", &path))?;
    file.lock().map_err(io_error("lock", &path))?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(io_error("read", &path))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64).map_err(io_error("mend", &path))?;
    let prev = match text[..whole].lines().next_back() {
        None => "0".repeat(64),
        Some(line) => parse(line, &path, text[..whole].lines().count())?.hash,
    };
    let mut line = IndexEntry {
        at: entry.at,
        operation: operation.to_owned(),
        closed: matches!(entry.body, Body::Closed { .. }),
        head: entry.hash.clone(),
        prev,
        hash: String::new(),
    };
    line.hash = line.digest();
    let mut bytes =
        serde_json::to_vec(&line).map_err(|source| StoreError::Line { path: path.clone(), line: 0, source })?;
    bytes.push(b'\n');
    file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(io_error("write", &path))
}

fn parse(line: &str, path: &Path, number: usize) -> Result<IndexEntry, StoreError> {
    serde_json::from_str(line).map_err(|source| StoreError::Line { path: path.to_owned(), line: number, source })
}

/// All lines, their chain checked.
pub(super) fn read(root: &Path) -> Result<Vec<IndexEntry>, StoreError> {
    let path = path(root);
    let text = match File::open(&path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(io_error("read", &path))?;
            text
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("open", &path)(error)),
    };
    let mut entries: Vec<IndexEntry> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let entry = parse(line, &path, number + 1)?;
        let prev = entries.last().map_or_else(|| "0".repeat(64), |entry| entry.hash.clone());
        if entry.prev != prev || entry.hash != entry.digest() {
            return Err(StoreError::Index { path, line: number + 1 });
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What a journal and the index say differently.
pub(super) fn disagreement(index: &[IndexEntry], run: &Run) -> Option<String> {
    let closed = index.iter().find(|entry| entry.closed && entry.operation == run.id().as_str())?;
    match run.closed {
        Some(_) if closed.head == run.head => None,
        _ => Some(format!("operation {}: the index knows another end than its journal", run.id())),
    }
}

/// Operations the index knows and that have no journal any more.
pub(super) fn lost(index: &[IndexEntry], exists: impl Fn(&OperationId) -> bool) -> Vec<String> {
    let opened = index.iter().filter(|entry| !entry.closed);
    let gone = opened.filter(|entry| OperationId::parse(&entry.operation).is_ok_and(|id| !exists(&id)));
    gone.map(|entry| format!("operation {}: its journal is missing", entry.operation)).collect()
}
