//! A file that holds a chain: appended to under its lock, on disk before it is believed, mended when the last line was
//! cut short by a crash.
//!
//! Generic over what the entries say.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{StoreError, io_error};
use crate::journal::{Entry, Kept, Line, Said};

/// How much of the end of a file is read for its last line; longer lines cost a second look.
const TAIL: u64 = 64 << 10;

/// A file that is locked by this process and can be appended to.
#[derive(Debug)]
pub(super) struct ChainFile<B> {
    file: File,
    path: PathBuf,
    last: Option<Entry<B>>,
    /// How many bytes of a line that was cut short were taken off when it was opened.
    pub mended: u64,
}

/// A file, and the entries that it holds.
type Opened<B> = (ChainFile<B>, Vec<Entry<B>>);

/// The lines of a file.
pub(super) struct Lines<B> {
    pub all: Vec<Line<B>>,
    /// Bytes of whole lines; what follows is a line cut short by a crash, or one that is being written.
    whole: u64,
    /// Bytes after them.
    pub torn: u64,
}

/// What to do while another process holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Wait for it: whoever has it appends a line.
    Wait,
    /// Give up: whoever has it keeps it.
    Try,
}

impl<B> Lines<B> {
    /// Those of a file that is not there.
    pub fn none() -> Self {
        Self { all: Vec::new(), whole: 0, torn: 0 }
    }

    /// All entries.
    ///
    /// # Errors
    /// At the first line that is none.
    pub fn entries(self, path: &Path) -> Result<Vec<Entry<B>>, StoreError> {
        let broken = |line, why| StoreError::Line { path: path.to_owned(), line, why };
        self.all.into_iter().map(|line| line.entry.map_err(|why| broken(line.number, why))).collect()
    }
}

impl<B: Said> ChainFile<B> {
    /// A new file; `None` when another process holds it.
    pub fn create(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = options().create_new(true).open(path).map_err(io_error("create", path))?;
        if !locked(&file, path, Lock::Try)? {
            return Ok(None);
        }
        sync_directory(path)?;
        Ok(Some(Self { file, path: path.to_owned(), last: None, mended: 0 }))
    }

    /// A file that is there, with all its entries; `None` when another process holds it.
    pub fn open(path: &Path) -> Result<Option<Opened<B>>, StoreError> {
        let file = options().open(path).map_err(io_error("open", path))?;
        if !locked(&file, path, Lock::Try)? {
            return Ok(None);
        }
        let lines = read(path)?;
        let (whole, mended) = (lines.whole, lines.torn);
        let entries = lines.entries(path)?;
        // A line without its end was never acted upon: the append had not returned.
        if mended > 0 {
            file.set_len(whole).map_err(io_error("mend", path))?;
        }
        Ok(Some((Self { file, path: path.to_owned(), last: entries.last().cloned(), mended }, entries)))
    }

    /// A file for the next line, made when it is missing. Waits while another process appends.
    pub fn for_next_line(path: &Path) -> Result<Self, StoreError> {
        let missing = !path.exists();
        let mut file = options().create(true).open(path).map_err(io_error("open", path))?;
        locked(&file, path, Lock::Wait)?;
        if missing {
            sync_directory(path)?;
        }
        let Tail { line, whole, torn } = tail(&mut file).map_err(io_error("read", path))?;
        if torn > 0 {
            file.set_len(whole).map_err(io_error("mend", path))?;
        }
        let last = line.as_deref().map(|line| last(line, path)).transpose()?;
        Ok(Self { file, path: path.to_owned(), last, mended: torn })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what happened and returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing may be acted upon.
    pub fn append(&mut self, at: Timestamp, body: B, kept: Vec<Kept>) -> Result<Entry<B>, StoreError> {
        let entry = Entry::following(self.last.as_ref(), at, body, kept);
        let number = usize::try_from(entry.seq).unwrap_or(usize::MAX);
        let unlike = |error: serde_json::Error| StoreError::Line {
            path: self.path.clone(),
            line: number,
            why: error.to_string(),
        };
        let mut line = serde_json::to_vec(&entry).map_err(unlike)?;
        line.push(b'\n');
        let start = self.file.seek(SeekFrom::End(0)).map_err(io_error("write", &self.path))?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A half line must not precede a later whole one; if even this fails, opening mends it.
            let _ = self.file.set_len(start);
            return Err(io_error("write", &self.path)(error));
        }
        self.last = Some(entry.clone());
        Ok(entry)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether the lock was given.
fn locked(file: &File, path: &Path, lock: Lock) -> Result<bool, StoreError> {
    if lock == Lock::Wait {
        return file.lock().map(|()| true).map_err(io_error("lock", path));
    }
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(io_error("lock", path)(error)),
    }
}

/// Whether a process holds the file. Unknown counts as held: nothing is resumed on a guess.
pub(super) fn held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return true };
    file.try_lock_shared().is_err()
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io_error("write", directory))
}

/// The end of a file.
struct Tail {
    /// The last whole line with its number from 0, where that was counted.
    line: Option<Vec<u8>>,
    whole: u64,
    torn: u64,
}

/// Looks at the end of a file, and at all of it only where that does not hold a whole line.
fn tail(file: &mut File) -> std::io::Result<Tail> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut from = length.saturating_sub(TAIL);
    loop {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let begin = end.and_then(|end| bytes.get(..end)?.iter().rposition(|byte| *byte == b'\n'));
        if from > 0 && begin.is_none() {
            from = 0;
            continue;
        }
        let whole = end.map_or(0, |end| end + 1);
        let line = end.and_then(|end| bytes.get(begin.map_or(0, |begin| begin + 1)..end)).map(<[u8]>::to_vec);
        return Ok(Tail { line, whole: from + whole as u64, torn: (bytes.len() - whole) as u64 });
    }
}

/// The last entry of a file. Those from before version 1 carry no number: then the lines are counted.
fn last<B: Said>(line: &[u8], path: &Path) -> Result<Entry<B>, StoreError> {
    let entry: Option<Entry<B>> = serde_json::from_slice(line).ok();
    if let Some(entry) = entry {
        return Ok(entry);
    }
    let broken = |line, why| StoreError::Line { path: path.to_owned(), line, why };
    let last = read(path)?.all.pop();
    let last = last.ok_or_else(|| broken(1, "the file changed while it was read".to_owned()))?;
    last.entry.map_err(|why| broken(last.number, why))
}

/// The first entry of a file, without its lock; `None` when there is no file or it holds no line.
///
/// # Errors
/// When it cannot be read, or its first line is no entry.
pub(super) fn oldest<B: Said>(path: &Path) -> Result<Option<Entry<B>>, StoreError> {
    let Some(file) = if_there(path)? else { return Ok(None) };
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line).map_err(io_error("read", path))?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    let broken = |error: serde_json::Error| StoreError::Line { path: path.to_owned(), line: 1, why: error.to_string() };
    Entry::parse(&line, 0).map(Some).map_err(broken)
}

fn if_there(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("open", path)(error)),
    }
}

/// The newest entry of a file, without its lock; `None` when there is no file or it holds no line.
///
/// # Errors
/// When it cannot be read, or its last line is no entry.
pub(super) fn newest<B: Said>(path: &Path) -> Result<Option<Entry<B>>, StoreError> {
    let Some(mut file) = if_there(path)? else { return Ok(None) };
    let tail = tail(&mut file).map_err(io_error("read", path))?;
    tail.line.as_deref().map(|line| last(line, path)).transpose()
}

/// All lines of a file.
///
/// # Errors
/// When it cannot be read. A line that is no entry is that line's error.
pub(super) fn read<B: Said>(path: &Path) -> Result<Lines<B>, StoreError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(io_error("read", path))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut lines = Vec::new();
    for (place, line) in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let entry = Entry::parse(line, lines.len() as u64).map_err(|error| error.to_string());
        lines.push(Line { number: place + 1, entry });
    }
    Ok(Lines { all: lines, whole: whole as u64, torn: (bytes.len() - whole) as u64 })
}
