//! SARIF files of the places that are named: which there are, and what each held when it was last read well. What a
//! file held before it was replaced is remembered where that is asked for ([`Scans::remembering`]).
//!
//! A file is read once it has come to rest: two looks that find the same size and time. One that cannot be read any
//! more keeps what it held, and says so. Only regular files count, and no directory is entered by a link, so that
//! nothing hangs and nothing goes round in circles.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};

use crate::config::{ScanPlace, links};
use crate::model::{Diagnostic, Findings, ScanSource, Taken};
use crate::sarif::{self, External, Limits, Log, Origin, Stamp};
use crate::text;

mod attached;
mod handed;

use handed::Handed;
pub(super) use handed::called;

use super::Store;
use super::kept::{Fresh, Live, Memory};

/// Directories below a place that are entered.
const MAX_DEPTH: usize = 16;
/// Files of one place that are read.
const MAX_FILES: usize = 10_000;
/// The most that a file beside a log may hold.
const MAX_BESIDE: u64 = 64 << 20;
/// The most that a stamp beside a log may hold.
const MAX_STAMP: u64 = 64 << 10;
/// What is added to the name of a log for the stamp beside it.
const BESIDE_ENDING: &str = ".link.toml";
/// How the names of files with SARIF end.
pub const SARIF_ENDINGS: [&str; 3] = [".sarif", ".sarif.json", ".sarif.gz"];

/// What one file holds.
#[derive(Clone, Debug)]
pub struct ScanFile {
    /// Which. What lies in no file here has a name of our own.
    pub path: PathBuf,
    /// What people call it; safe to draw.
    pub name: Arc<str>,
    /// Its scans.
    pub taken: Vec<Taken>,
    /// What of it was not as it should be.
    pub diagnostics: Vec<Diagnostic>,
    /// Why it holds no longer what is kept of it here; `None` while it does.
    pub behind: Option<String>,
}

impl ScanFile {
    /// What keeps it from being read to its end; `None` when it was, whatever single parts of it were lost.
    pub fn broken(&self) -> Option<&Diagnostic> {
        const CUT: [&str; 2] = ["cut-off", "unreadable"];
        self.diagnostics.iter().find(|one| one.lost && (one.path.is_empty() || CUT.contains(&one.code)))
    }
}

/// What tells one version of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    length: u64,
    modified: Option<SystemTime>,
    /// The same of the stamp beside it, where there is one.
    stamp: Option<(u64, Option<SystemTime>)>,
}

impl Version {
    fn of(path: &Path, found: &Metadata) -> Self {
        let stamp = fs::metadata(stamp_of(path)).ok().map(|found| (found.len(), found.modified().ok()));
        Self { length: found.len(), modified: found.modified().ok(), stamp }
    }
}

/// The file beside a log that says what its pipeline says of it.
fn stamp_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BESIDE_ENDING);
    name.into()
}

#[derive(Debug)]
struct Known {
    version: Version,
    file: ScanFile,
    /// Whether all of it could be read.
    whole: bool,
}

impl Known {
    /// What was there before, marked as behind, where this one is broken.
    fn or_what_was_before(self, former: Option<Self>) -> Self {
        match former {
            Some(former) if !self.whole && !former.file.taken.is_empty() => {
                let behind = self.file.broken().map(|one| one.text.clone());
                Self { file: ScanFile { behind, ..former.file }, ..self }
            }
            _ => self,
        }
    }
}

/// A file that was found in a place.
struct Found {
    path: PathBuf,
    /// Below the place, with `/`.
    name: String,
    trusted: bool,
    version: Version,
}

/// The files of all places.
#[derive(Debug, Default)]
pub struct Scans {
    places: Vec<ScanPlace>,
    known: BTreeMap<PathBuf, Known>,
    /// Versions that were found at the last look and have not been read.
    fresh: BTreeMap<PathBuf, Version>,
    faults: Vec<String>,
    memory: Option<Memory>,
    handed: Handed,
}

impl Scans {
    /// Of these places. Nothing is read yet.
    pub fn new(places: Vec<ScanPlace>) -> Self {
        Self { places, ..Self::default() }
    }

    /// The same, which keeps what it reads in the state directory and takes in what was kept there before.
    #[must_use]
    pub fn remembering(self, store: &Store) -> Self {
        Self { memory: Some(Memory::of(store.root())), ..self }
    }

    /// Looks which files there are, and reads those that changed and came to rest; `at_once` reads all that changed.
    /// Says whether anything is different from before. `now` tells times that cannot be.
    pub fn look(&mut self, at_once: bool, now: Timestamp) -> bool {
        let faults = std::mem::take(&mut self.faults);
        if let Some(memory) = &mut self.memory {
            memory.open();
        }
        let mut found = BTreeMap::new();
        for place in self.places.clone() {
            let mut walk = Walk { place: &place, found: &mut found, faults: &mut self.faults, count: 0 };
            walk.place();
        }
        let before = self.known.len();
        self.known.retain(|path, _| found.contains_key(path));
        let mut changed = before != self.known.len();
        for one in found.into_values() {
            if self.known.get(&one.path).is_some_and(|known| known.version == one.version) {
                continue;
            }
            if at_once || self.fresh.get(&one.path) == Some(&one.version) {
                self.fresh.remove(&one.path);
                self.read(&one, now);
                changed = true;
            } else {
                self.fresh.insert(one.path, one.version);
            }
        }
        self.remember(now);
        changed || faults != self.faults
    }

    /// Keeps what was read or handed over, and takes in what lies nowhere any more. A look does it by itself.
    pub fn remember(&mut self, now: Timestamp) {
        let places = self.all_places();
        let Some(memory) = &mut self.memory else { return };
        let mut live = Live::new();
        let all = || self.known.values().chain(self.handed.known.values());
        for taken in all().flat_map(|known| &known.file.taken) {
            *live.entry(taken.source.bytes).or_default() |= taken.source.trusted;
        }
        let fresh = all().filter(|known| known.whole && known.file.behind.is_none());
        let fresh = fresh.filter_map(|known| {
            let file = &known.file;
            let bytes = file.taken.first()?.source.bytes;
            let fresh = Fresh { path: &file.path, size: known.version.length, taken: &file.taken };
            (!memory.has(&bytes, &file.path)).then_some(fresh)
        });
        let fresh: Vec<Fresh> = fresh.collect();
        memory.keep(&fresh, &live, now);
        memory.settle(&places, &live);
    }

    /// What is configured, and as which places it is remembered that lies in no file.
    fn all_places(&self) -> Vec<ScanPlace> {
        let handed = self.handed.places.iter().chain(self.handed.registries.places());
        self.places.iter().chain(handed).cloned().collect()
    }

    fn read(&mut self, found: &Found, now: Timestamp) {
        let (path, version) = (found.path.clone(), found.version);
        let file = read(found, now);
        let known = Known { version, whole: file.broken().is_none(), file };
        let former = self.known.remove(&path);
        self.known.insert(path, known.or_what_was_before(former));
    }

    /// The files, by path.
    pub fn files(&self) -> impl Iterator<Item = &ScanFile> {
        self.known.values().chain(self.handed.known.values()).map(|known| &known.file)
    }

    /// What could not be looked at, for people; safe to draw.
    pub fn faults(&self) -> Vec<String> {
        let damaged = self.memory.iter().flat_map(Memory::damaged);
        self.faults.iter().chain(damaged).cloned().chain(self.handed.faults()).collect()
    }

    /// What there is to say beside that, for people; safe to draw.
    pub fn notices(&self) -> Vec<String> {
        self.memory.iter().flat_map(Memory::notices).collect()
    }

    /// Everything that was found, and what is remembered of files that were replaced.
    pub fn findings(&self, now: Timestamp) -> Findings {
        let read: Vec<Taken> = self.files().flat_map(|file| file.taken.iter().cloned()).collect();
        let places = self.all_places();
        let mut kept: Vec<Taken> = self.memory.iter().flat_map(|memory| memory.taken(&places)).collect();
        // What is there says it better, unless only what was there is to be trusted.
        let there: HashSet<_> = read.iter().map(|one| (one.scan.digest, one.source.trusted)).collect();
        kept.retain(|one| {
            !there.contains(&(one.scan.digest, true)) && !there.contains(&(one.scan.digest, one.source.trusted))
        });
        Findings::new(read.into_iter().chain(kept), now)
    }
}

struct Walk<'a> {
    place: &'a ScanPlace,
    found: &'a mut BTreeMap<PathBuf, Found>,
    faults: &'a mut Vec<String>,
    count: usize,
}

impl Walk<'_> {
    fn place(&mut self) {
        let path = &self.place.path;
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => self.folder(&path.clone(), "", 0),
            // A file that is named may be called anything.
            Ok(found) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.file(path.clone(), name, &found);
            }
            Err(error) => self.fault(&path.clone(), &error),
        }
    }

    fn fault(&mut self, path: &Path, why: &dyn std::fmt::Display) {
        self.faults.push(text::sanitize(&format!("{}: {why}", path.display())).into_owned());
    }

    fn folder(&mut self, folder: &Path, below: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fault(folder, &error),
        };
        for entry in entries {
            let (Ok(entry), true) = (entry, self.count < MAX_FILES) else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < MAX_DEPTH && !name.starts_with('.') {
                self.folder(&entry.path(), &format!("{below}{name}/"), depth + 1);
            }
            if is_folder || !SARIF_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                continue;
            }
            // A link to a file is followed: that is how volumes of ConfigMaps are made.
            match fs::metadata(entry.path()) {
                Ok(found) => self.file(entry.path(), format!("{below}{name}"), &found),
                Err(error) => self.fault(&entry.path(), &error),
            }
        }
    }

    fn file(&mut self, path: PathBuf, name: String, found: &Metadata) {
        if !found.is_file() {
            return self.fault(&path, &"it is no regular file, and is not read");
        }
        self.count += 1;
        if self.count == MAX_FILES {
            let why = format!("of the files below it the first {MAX_FILES} are read, and no more");
            self.fault(&self.place.path.clone(), &why);
        }
        let (version, trusted) = (Version::of(&path, found), self.place.trusted);
        // A file in two places is trusted when one of them is.
        let known = self.found.get(&path).is_some_and(|known| known.trusted);
        self.found.insert(path.clone(), Found { path, name, trusted: trusted || known, version });
    }
}

fn read(found: &Found, now: Timestamp) -> ScanFile {
    let modified = found.version.modified.and_then(|at| Timestamp::try_from(at).ok());
    let (stamp, wrong) = match found.version.stamp.map(|_| stamp(&found.path)) {
        Some(Ok((stamp, digest))) => (Some((stamp, digest)), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let (stamp, stamped) = stamp.unzip();
    let mut origin = Origin { path: found.name.clone(), modified, now, stamp, ..Origin::default() };
    let mut read = parse(&found.path, &origin);
    let wanted = read.as_ref().map(|(log, _)| log.wanted.clone()).unwrap_or_default();
    if !wanted.is_empty() {
        let folder = found.path.parent().unwrap_or(Path::new(""));
        origin.beside = wanted.iter().filter_map(|one| Some((one.name.clone(), beside(folder, one).ok()?))).collect();
        if !origin.beside.is_empty() {
            read = parse(&found.path, &origin);
        }
    }
    let (path, behind) = (found.path.clone(), None);
    let name: Arc<str> = text::sanitize(&path.display().to_string()).into();
    match read {
        Ok((mut log, bytes)) => {
            // One whose stamp was meant and cannot be read is tied to the wrong workload, or to none.
            let lost = |text| Diagnostic { code: "bad-link", path: String::new(), text, lost: true };
            log.diagnostics.extend(wrong.map(lost));
            let bytes = stamped.map_or(bytes, |stamp| with_stamp(bytes, stamp));
            taken(path, name, log, bytes, found.trusted)
        }
        Err(error) => {
            let text = format!("cannot be read: {error}");
            let lost = Diagnostic { code: "unreadable", path: String::new(), text, lost: true };
            ScanFile { path, name, taken: Vec::new(), diagnostics: vec![lost], behind }
        }
    }
}

/// What a log and the stamp beside it hash to: with another stamp it is another source, and each is kept.
fn with_stamp(log: [u8; 32], stamp: [u8; 32]) -> [u8; 32] {
    sha256(&[log, stamp].concat())
}

/// The same of a log whose stamp, if there is one, is read again.
pub(super) fn hash_now(path: &Path, log: [u8; 32]) -> [u8; 32] {
    stamp(path).map_or(log, |(_, stamp)| with_stamp(log, stamp))
}

/// What the pipeline says beside a log, and the hash of that; or everything that is wrong with it.
fn stamp(log: &Path) -> Result<(Stamp, [u8; 32]), String> {
    let path = stamp_of(log);
    let read = || {
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file, and is not read"));
        }
        let bytes = super::whole(&path, MAX_STAMP, "it is too large")?;
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text"))
    };
    let text = read().map_err(|error| format!("{}: {error}", path.display()))?;
    let stamp = links::beside(&text, &path)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    Ok((stamp, sha256(text.as_bytes())))
}

/// What a log holds that was read from somewhere.
fn taken(path: PathBuf, name: Arc<str>, log: Log, bytes: [u8; 32], trusted: bool) -> ScanFile {
    let source = Arc::new(ScanSource { name: name.clone(), bytes, trusted });
    let taken = |scan| Taken { scan: Arc::new(scan), source: source.clone() };
    let taken = log.scans.into_iter().map(taken).collect();
    ScanFile { path, name, taken, diagnostics: log.diagnostics, behind: None }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(bytes);
    finished(hash)
}

fn finished(hash: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

fn parse(path: &Path, origin: &Origin) -> io::Result<(Log, [u8; 32])> {
    let mut bytes = Hashing { from: File::open(path)?, hash: Context::new(&SHA256) };
    let log = sarif::read(&mut bytes, origin, &Limits::default());
    // What a reader does not need of a file is still a part of it.
    io::copy(&mut bytes, &mut io::sink())?;
    Ok((log, finished(bytes.hash)))
}

/// A file that holds a part of a log: a regular one below the folder of the log, and no link.
fn beside(folder: &Path, wanted: &External) -> io::Result<Vec<u8>> {
    let refused = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let path = folder.join(&wanted.name);
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(refused("it is no regular file"));
    }
    if !path.canonicalize()?.starts_with(folder.canonicalize()?) {
        return Err(refused("it is not below the folder of the log"));
    }
    super::whole(&path, MAX_BESIDE, "it is too large")
}

pub(super) struct Hashing {
    from: File,
    hash: Context,
}

impl Hashing {
    /// Over a file from its beginning.
    pub(super) fn of(from: File) -> Self {
        Self { from, hash: Context::new(&SHA256) }
    }

    /// The hash of what was read.
    pub(super) fn finish(self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.hash.finish().as_ref());
        digest
    }
}

impl Read for Hashing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.hash.update(&into[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
