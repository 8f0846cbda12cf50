//! One writer's file: named so that no other writer's is, read in bounds, and added to under its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::store::own_folders;

/// The most that one file may hold.
const MOST: u64 = 16 << 20;
/// Characters of a name or of a machine in the name of a file.
const PART: usize = 64;
/// How long another writer may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(20);
/// How often a file may be put in another's place meanwhile, as git does.
const REPLACED: usize = 5;

/// The name of this machine.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The file of who writes where. Two that come out alike share it, which its lock allows.
pub(super) fn name(author: &str, host: &str) -> String {
    let part = |text: &str| -> String {
        let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        let text: String = text.trim().chars().take(PART).map(harmless).collect();
        let text = text.trim_start_matches(['.', '-']);
        if text.is_empty() { "somebody".to_owned() } else { text.to_owned() }
    };
    format!("{}@{}.jsonl", part(author), part(host))
}

/// Makes the folder of this machine, for its user alone.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    own_folders().recursive(true).create(path)
}

/// What a file holds.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(OpenOptions::new().read(true), path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST { Err(large()) } else { Ok(bytes) }
}

fn large() -> io::Error {
    let text = format!("it is larger than {} MiB; move its first lines to another file of the folder", MOST >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// Neither a link that somebody laid nor a pipe leads elsewhere or hangs.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = options.custom_flags(flags.cast_signed()).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

/// Adds lines to a file, at once and on disk, or not at all; `private` makes a new one for its user alone.
pub(super) fn append(path: &Path, lines: &str, private: bool) -> io::Result<()> {
    let mode = if private { 0o600 } else { 0o644 };
    for _ in 0..REPLACED {
        let new = !path.exists();
        let mut file = open(OpenOptions::new().create(true).read(true).append(true).mode(mode), path)?;
        lock(&file)?;
        if !stands(&file, path) {
            continue;
        }
        add(&mut file, lines)?;
        if new && let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        // Written where nobody looks any more, it is written again; one that is there twice counts once.
        if stands(&file, path) {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "something puts other files in its place again and again"))
}

fn lock(file: &File) -> io::Result<()> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => {
                let text = format!("another process holds its lock for {}s", PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the open file is the one that stands there.
fn stands(file: &File, path: &Path) -> bool {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => identity(open) == identity(there),
        _ => false,
    }
}

fn add(file: &mut File, lines: &str) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::with_capacity(lines.len() + 1);
    if end > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        // A line that a crash cut short stays a line of its own.
        if last != *b"\n" {
            bytes.push(b'\n');
        }
    }
    bytes.extend(lines.bytes());
    if end + bytes.len() as u64 > MOST {
        return Err(large());
    }
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // What was not decided is taken back; if even this fails, it is a line cut short.
        let _ = file.set_len(end);
    }
    written
}
