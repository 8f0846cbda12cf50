//! One operation's journal on disk.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{StoreError, index, io_error};
use crate::journal::{Body, Entry, Kept, Run, fold};
use crate::plan::OperationId;

/// A journal held by this process.
#[derive(Debug)]
pub struct OperationLog {
    file: File,
    path: PathBuf,
    root: PathBuf,
    last: Option<Entry>,
    entries: Vec<Entry>,
}

pub(super) struct WholeLines {
    pub entries: Vec<Entry>,
    /// Length of the whole lines; what follows is a line cut short by a crash.
    pub length: u64,
}

impl OperationLog {
    pub(super) fn create(path: &Path, id: &OperationId, root: &Path) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.create_new(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(io_error("create", path))?;
        lock(&file, id, path)?;
        sync_directory(path)?;
        Ok(Self { file, path: path.to_owned(), root: root.to_owned(), last: None, entries: Vec::new() })
    }

    pub(super) fn open(path: &Path, id: &OperationId, root: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(io_error("open", path))?;
        lock(&file, id, path)?;
        let read = read(path)?;
        // A line without its end was never acted upon: the append had not returned.
        file.set_len(read.length).map_err(io_error("mend", path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            root: root.to_owned(),
            last: read.entries.last().cloned(),
            entries: read.entries,
        })
    }

    /// Writes what happened and returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing may be acted upon.
    pub fn append(&mut self, at: Timestamp, body: Body, kept: Vec<Kept>) -> Result<Entry, StoreError> {
        let entry = Entry::following(self.last.as_ref(), at, body, kept);
        let mut line = serde_json::to_vec(&entry).map_err(|source| StoreError::Line {
            path: self.path.clone(),
            line: self.entries.len() + 1,
            source,
        })?;
        line.push(b'\n');
        let start = self.file.seek(SeekFrom::End(0)).map_err(io_error("write", &self.path))?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A half line must not precede a later whole one; if even this fails, opening mends it.
            let _ = self.file.set_len(start);
            return Err(io_error("write", &self.path)(error));
        }
        if matches!(entry.body, Body::Opened { .. } | Body::Closed { .. }) {
            index::append(&self.root, &entry, &self.id_text())?;
        }
        self.last = Some(entry.clone());
        self.entries.push(entry.clone());
        Ok(entry)
    }

    fn id_text(&self) -> String {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned()
    }

    /// What the journal adds up to.
    ///
    /// # Errors
    /// When it does not hold together.
    pub fn run(&self) -> Result<Run, StoreError> {
        fold(&self.entries).map_err(|source| StoreError::Journal { path: self.path.clone(), source })
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn lock(file: &File, id: &OperationId, path: &Path) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Held { id: id.clone() }),
        Err(std::fs::TryLockError::Error(error)) => Err(io_error("lock", path)(error)),
    }
}

/// Whether a process holds the journal. Unknown counts as held: nothing is resumed on a guess.
pub(super) fn held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return true };
    file.try_lock_shared().is_err()
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io_error("write", directory))
}

pub(super) fn read(path: &Path) -> Result<WholeLines, StoreError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(io_error("read", path))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut entries = Vec::new();
    for (index, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let entry = serde_json::from_slice(line);
        entries.push(entry.map_err(|source| StoreError::Line { path: path.to_owned(), line: index + 1, source })?);
    }
    Ok(WholeLines { entries, length: whole as u64 })
}
