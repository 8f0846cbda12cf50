//! Files of this console: journals of operations, the index over them, decisions on findings, and where they live.
//!
//! The only user of state files. Every append is on disk (fsync) before it is believed. One process at a
//! time holds an operation, by a lock on its journal that the kernel drops when the process dies.

mod chain;
mod commands;
mod decisions;
mod ends;
mod evidence;
mod excerpt;
mod index;
mod kept;
mod log;
mod observed;
mod rotation;
mod runs;
mod scans;
mod verify;

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::journal::{Anchor, Body, Book, BookKind, Entry, JournalError, Note, Run, fold};
use crate::model::Undecidable;
use crate::plan::OperationId;

pub use decisions::{About, Decided, DecisionFolders, Decisions, Flaw};
pub use ends::Ends;
pub use evidence::{EvidenceFolder, MANIFEST, Sealed};
pub use excerpt::excerpt;
pub use log::{Log, OperationLog};
pub use runs::RunLog;
pub use scans::{SARIF_ENDINGS, ScanFile, Scans};

/// What went wrong with a state file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("cannot {what} {}; check that the disk is not full and that the directory belongs to you", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a person named cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a person named cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds a journal.
    #[error("another holdfast process on this machine is running {of}")]
    Held {
        /// Of what.
        of: Book,
    },
    /// There is no such journal.
    #[error("there is no {of} in {}; `holdfast journal list` shows what is known of it", root.display())]
    Missing {
        /// Of what.
        of: Book,
        /// Where it was looked for.
        root: PathBuf,
    },
    /// A line cannot be read.
    #[error("line {line} of {} cannot be read; the file was changed or damaged: {why}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A journal does not hold together.
    #[error("the journal {} does not hold together", path.display())]
    Journal {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: JournalError,
    },
    /// Something may not be decided so.
    #[error("nothing is decided: {0}")]
    Undecidable(#[from] Undecidable),
    /// A decision cannot be written.
    #[error("nothing is decided: cannot write {}", path.display())]
    Undecided {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no place for decisions.
    #[error("nothing is decided: there is no state directory to write to; set HOLDFAST_STATE_DIR or findings.shared")]
    NowhereToDecide,
}

/// The state directory.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// An operation found on disk.
#[derive(Debug)]
pub struct Stored {
    /// Its id.
    pub id: OperationId,
    /// What its journal adds up to.
    pub run: Result<Run, StoreError>,
    /// Whether a process on this machine is running it now.
    pub held: bool,
}

impl Store {
    /// Uses this directory, making it (for this user alone) when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        for folder in BookKind::ALL.map(|kind| root.join(kind.folder())) {
            own_folders().recursive(true).create(&folder).map_err(io_error("create", &folder))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of what is kept with operations.
    pub fn bundles(&self) -> PathBuf {
        self.root.join("bundles")
    }

    /// Keeps what goes with an operation, for this user alone, and on disk before anything is done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, id: &OperationId, text: &str) -> Result<(), StoreError> {
        let folder = self.bundles();
        own_folders().recursive(true).create(&folder).map_err(io_error("create", &folder))?;
        let (path, beside) = (folder.join(format!("{id}.yaml")), folder.join(format!(".{id}.new")));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(io_error("write", &beside))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io_error("write", &beside))?;
        fs::rename(&beside, &path).map_err(io_error("write", &path))
    }

    fn journal(&self, id: &OperationId) -> PathBuf {
        log::path(&self.root, &book(id))
    }

    /// Begins the journal of a new operation and holds it.
    ///
    /// # Errors
    /// When the file cannot be written, or exists already.
    pub fn begin(&self, id: &OperationId) -> Result<OperationLog, StoreError> {
        OperationLog::create(&self.root, id.as_str())
    }

    /// Opens the journal of an operation and holds it.
    ///
    /// # Errors
    /// When it is held elsewhere, missing, or does not hold together.
    pub fn hold(&self, id: &OperationId) -> Result<OperationLog, StoreError> {
        OperationLog::open(&self.root, id.as_str())
    }

    /// Entries of one operation, without holding it.
    ///
    /// # Errors
    /// When the file is missing or a line cannot be read.
    pub fn entries(&self, id: &OperationId) -> Result<Vec<Entry>, StoreError> {
        let path = self.journal(id);
        if !path.exists() {
            return Err(StoreError::Missing { of: book(id), root: self.root.clone() });
        }
        chain::read(&path)?.entries(&path)
    }

    /// Adds a line to the journal of this console.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, note: Note) -> Result<Entry<Note>, StoreError> {
        index::append(&self.root, note)
    }

    /// Which console this is: the hash of the first line of its journal; `None` when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn console(&self) -> Result<Option<String>, StoreError> {
        let oldest: Option<Entry<Note>> = chain::oldest(&index::path(&self.root))?;
        Ok(oldest.map(|entry| entry.hash))
    }

    /// The newest line of the journal of this console; `None` when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn head(&self) -> Result<Option<Anchor>, StoreError> {
        let newest: Option<Entry<Note>> = chain::newest(&index::path(&self.root))?;
        Ok(newest.map(|entry| Anchor { length: entry.seq + 1, head: entry.hash }))
    }

    /// Whether an operation has a journal here.
    pub fn has(&self, id: &OperationId) -> bool {
        self.journal(id).exists()
    }

    /// One operation; `None` when it has no journal here.
    pub fn find(&self, id: &OperationId) -> Option<Stored> {
        self.has(id).then(|| self.stored(id.clone()))
    }

    /// All operations, the newest first.
    ///
    /// # Errors
    /// When the directory cannot be read. A journal that cannot be read is one item's error.
    pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
        Ok(self.operation_ids()?.into_iter().map(|id| self.stored(id)).collect())
    }

    /// The ids of all operations, the newest first.
    fn operation_ids(&self) -> Result<Vec<OperationId>, StoreError> {
        let mut ids = self.ids(BookKind::Operation, |id| OperationId::parse(id).ok())?;
        ids.sort_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// The journals of a folder, by their names.
    fn ids<I>(&self, kind: BookKind, parse: impl Fn(&str) -> Option<I>) -> Result<Vec<I>, StoreError> {
        let folder = self.root.join(kind.folder());
        let mut ids = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io_error("list", &folder))? {
            let path = entry.map_err(io_error("list", &folder))?.path();
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
            ids.extend(id.and_then(&parse));
        }
        Ok(ids)
    }

    fn stored(&self, id: OperationId) -> Stored {
        let path = self.journal(&id);
        let entries = chain::read::<Body>(&path).and_then(|lines| lines.entries(&path));
        let run = entries
            .and_then(|entries| fold(&entries).map_err(|source| StoreError::Journal { path: path.clone(), source }));
        Stored { run, held: chain::held(&path), id }
    }
}

/// What makes folders for this user alone.
fn own_folders() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn book(id: &OperationId) -> Book {
    Book { kind: BookKind::Operation, id: id.as_str().to_owned() }
}

/// Writes a file that is whole at every moment: beside it first, then in its place.
///
/// # Errors
/// When it cannot be written; the file that was there stays as it was.
pub fn write_whole(path: &Path, text: &str) -> Result<(), StoreError> {
    write_bytes(path, text.as_bytes())
}

/// The same of bytes.
///
/// # Errors
/// When it cannot be written; the file that was there stays as it was.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    fs::write(&beside, bytes).map_err(io_error("write", &beside))?;
    fs::rename(&beside, path).map_err(io_error("write", path))
}

/// The most that a file may hold that a person names.
const MOST: u64 = 4 << 20;

/// Room for what a pipe sends, whose length nobody knows before.
const LEAST: usize = 64 << 10;

/// What a file with a private key holds, wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateFile {
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether others on this machine may read the file.
    pub open: bool,
}

impl PrivateFile {
    /// What to say of it when it holds a private key: that others may read it.
    pub fn warning(&self, path: &Path) -> Option<String> {
        let said = format!("{} can be read by others on this machine: chmod 600 it", path.display());
        self.open.then_some(said)
    }
}

impl fmt::Debug for PrivateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateFile").field("open", &self.open).finish_non_exhaustive()
    }
}

/// Reads a file that a person names and that may hold a private key.
///
/// # Errors
/// When it cannot be read, or is larger than 4 MiB.
pub fn read_private(path: &Path) -> Result<PrivateFile, StoreError> {
    let read = || {
        let file = fs::File::open(path)?;
        let found = file.metadata()?;
        let open = found.is_file() && found.permissions().mode() & 0o077 != 0;
        // Taken whole at once: a buffer that grows leaves copies behind.
        let room = usize::try_from(found.len().min(MOST)).unwrap_or_default() + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room.max(LEAST)));
        file.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 4 MiB"));
        }
        Ok(PrivateFile { bytes, open })
    };
    read().map_err(|source| StoreError::Unreadable { path: path.to_owned(), source })
}

/// A file of at most so many bytes; `larger` is what is said of one that has more.
fn whole(path: &Path, most: u64, larger: &'static str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::Error::new(io::ErrorKind::InvalidData, larger)) } else { Ok(bytes) }
}

/// The text of a file that a person names.
///
/// # Errors
/// When it cannot be read, is no text, or is larger than 4 MiB.
pub fn read_text(path: &Path) -> Result<String, StoreError> {
    let read = || {
        let text = whole(path, MOST, "it is larger than 4 MiB")?;
        let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text");
        String::from_utf8(text).map_err(no_text)
    };
    read().map_err(|source| StoreError::Unreadable { path: path.to_owned(), source })
}

/// The most that a log to be stamped may hold.
const MOST_OF_A_LOG: u64 = 1 << 30;

/// A SARIF log that a person names, whole.
///
/// # Errors
/// When it cannot be read, or is larger than 1 GiB.
pub fn read_log(path: &Path) -> Result<Vec<u8>, StoreError> {
    let read = whole(path, MOST_OF_A_LOG, "it is larger than 1 GiB");
    read.map_err(|source| StoreError::Unreadable { path: path.to_owned(), source })
}

/// An export of a journal that a person names.
///
/// # Errors
/// When it cannot be read, is no text, or is larger than 1 GiB.
pub fn read_export(path: &Path) -> Result<String, StoreError> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text");
    let read =
        whole(path, MOST_OF_A_LOG, "it is larger than 1 GiB").and_then(|text| String::from_utf8(text).map_err(no_text));
    read.map_err(|source| StoreError::Unreadable { path: path.to_owned(), source })
}

/// A SARIF log to be read bit by bit.
///
/// # Errors
/// When it cannot be opened.
pub fn open_log(path: &Path) -> Result<fs::File, StoreError> {
    fs::File::open(path).map_err(|source| StoreError::Unreadable { path: path.to_owned(), source })
}

/// Writes a new file for its owner alone, whole or not at all. One that is there stays as it is unless `replace`.
///
/// # Errors
/// When it cannot be written, or is there already.
pub fn write_private(path: &Path, text: &str, replace: bool) -> Result<(), StoreError> {
    write_private_bytes(path, text.as_bytes(), replace)
}

fn write_private_bytes(path: &Path, bytes: &[u8], replace: bool) -> Result<(), StoreError> {
    let error = |source| StoreError::Unwritable { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link is made only where nothing is; a rename takes the place of what is there.
        if replace { fs::rename(&beside, path) } else { fs::hard_link(&beside, path) }?;
        fs::File::open(folder)?.sync_all()
    };
    let written = write();
    if !replace || written.is_err() {
        // What could not be put in its place is not left beside it.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(error)
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, source }
}

/// Now, by this machine's clock, to the microsecond (what the journal keeps).
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(jiff::Unit::Microsecond).unwrap_or(now)
}

#[cfg(test)]
mod tests;
