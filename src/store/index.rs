//! The journal of this console on disk, `index.jsonl`: appended to line by line under the file's lock, so that several
//! processes of one user share it.

use std::path::{Path, PathBuf};

use super::chain::{self, ChainFile};
use super::{StoreError, now};
use crate::journal::{Book, Entry, Note, Story, Turn};

pub(super) fn path(root: &Path) -> PathBuf {
    root.join("index.jsonl")
}

/// Adds a line, and before it one about a line that was cut short, where there was one.
pub(super) fn append(root: &Path, note: Note) -> Result<Entry<Note>, StoreError> {
    let mut file = open(root)?;
    file.append(now(), note.bounded(), Vec::new())
}

/// The index, locked for the next lines.
pub(super) fn open(root: &Path) -> Result<ChainFile<Note>, StoreError> {
    let mut file = ChainFile::for_next_line(&path(root))?;
    if file.mended > 0 {
        let bytes = file.mended;
        file.append(now(), Note::Mended { file: "index.jsonl".to_owned(), bytes }, Vec::new())?;
    }
    Ok(file)
}

/// Adds that a line of another file was cut short and taken off.
pub(super) fn mended(root: &Path, file: &str, bytes: u64) -> Result<(), StoreError> {
    append(root, Note::Mended { file: file.to_owned(), bytes }).map(|_| ())
}

/// Adds the opening or closing of a journal.
pub(super) fn turned<B: Story>(root: &Path, of: Book, turn: Turn, entry: &Entry<B>) -> Result<(), StoreError> {
    let head = entry.hash.clone();
    let note = match turn {
        Turn::Opens => Note::Opened { of, head },
        Turn::Closes => Note::Closed { of, length: entry.seq + 1, head },
    };
    append(root, note).map(|_| ())
}

/// All lines; none when there is no file.
pub(super) fn read(root: &Path) -> Result<chain::Lines<Note>, StoreError> {
    let path = path(root);
    if path.exists() { chain::read(&path) } else { Ok(chain::Lines::none()) }
}
