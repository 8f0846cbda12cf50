//! What people decided on findings, on disk: folders of files that are only ever added to, one for each writer.
//!
//! All files of a folder together are the record, in any order, so that copies of it are put together by putting the
//! files side by side, by git or by a share. What cannot be read is named with file and line, stays where it is, and
//! costs itself alone. Nothing is judged here.

mod file;
mod line;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::StoreError;
use crate::model::{Decision, FindingId, Findings, Triage, Undecidable};
use crate::text;

/// Files of one folder that are read, and bytes of all of them together.
const MAX_FILES: usize = 1_000;
const MAX_BYTES: u64 = 64 << 20;

/// A decision and what it is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decided {
    /// Which finding.
    pub finding: FindingId,
    /// What the finding was then, for people who read the file.
    pub about: About,
    /// The decision.
    pub decision: Decision,
}

/// What a finding is, in words. Untrusted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// Its rule.
    pub rule: Arc<str>,
    /// Its file; empty when it has none.
    pub path: Arc<str>,
    /// Its line; 0 when it has none.
    pub line: u32,
    /// Who found it.
    pub tool: Arc<str>,
}

impl About {
    /// Of a finding as its newest scan has it; `None` when none has.
    pub fn newest(findings: &Findings, id: FindingId) -> Option<Self> {
        let (scan, place) = findings.places(id).last()?;
        let scan = &findings.scans().get(*scan)?.scan;
        let finding = scan.findings.get(*place)?;
        let (rule, path, tool) = (finding.rule.id.clone(), finding.path.clone(), scan.tool.clone());
        Some(Self { rule, path, line: finding.line, tool })
    }
}

/// Something in the files that is no decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// File, and line where one is meant. Safe to draw.
    pub place: String,
    /// What is wrong. Safe to draw.
    pub what: String,
    /// Whether it may be a decision that counts, so that what is read is not all that was decided.
    pub lost: bool,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Where decisions are kept: a folder of this machine, and one that is shared with others.
#[derive(Clone, Debug, Default)]
pub struct DecisionFolders {
    own: Option<PathBuf>,
    shared: Option<PathBuf>,
}

impl DecisionFolders {
    /// In a state directory, and in a shared folder where there is one.
    pub fn new(state: Option<&Path>, shared: Option<PathBuf>) -> Self {
        Self { own: state.map(|state| state.join("decisions")), shared }
    }

    /// Writes decisions to this writer's file: in the shared folder where there is one. Returns once they are on disk,
    /// with the file. One after another, so call it where waiting harms nobody.
    ///
    /// # Errors
    /// When one may not be made, or they cannot be written; then none of them is made.
    pub fn write(&self, all: &[Decided]) -> Result<PathBuf, StoreError> {
        let Some(first) = all.first() else { return Err(Undecidable::Nobody.into()) };
        for one in all {
            one.decision.check()?;
        }
        let lines: String = all.iter().map(line::written).collect();
        let name = file::name(&first.decision.author, &file::host());
        match (&self.shared, &self.own) {
            (Some(folder), _) => {
                let path = folder.join(name);
                // One that is not there is not made: it may be a share that is not mounted, and then nobody would see it.
                let written = file::append(&path, &lines, false);
                written.map_err(|source| StoreError::Undecided { path: path.clone(), source })?;
                Ok(path)
            }
            (None, Some(folder)) => {
                let path = folder.join(name);
                let written = file::folder(folder).and_then(|()| file::append(&path, &lines, true));
                written.map_err(|source| StoreError::Undecided { path: path.clone(), source })?;
                Ok(path)
            }
            (None, None) => Err(StoreError::NowhereToDecide),
        }
    }
}

/// What tells one version of a file from another without reading it; git puts another file in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    file: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Version {
    fn of(found: &Metadata) -> Self {
        Self { file: found.ino(), length: found.len(), modified: found.modified().ok() }
    }
}

/// What one file holds.
#[derive(Debug, Default)]
struct Known {
    version: Option<Version>,
    decided: Vec<Decided>,
    flaws: Vec<Flaw>,
}

/// The record, kept up with the folders.
#[derive(Debug, Default)]
pub struct Decisions {
    folders: DecisionFolders,
    known: BTreeMap<PathBuf, Known>,
    /// Versions that were found at the last look and have not been read.
    fresh: BTreeMap<PathBuf, Version>,
    faults: Vec<Flaw>,
}

impl Decisions {
    /// Of these folders. Nothing is read yet.
    pub fn new(folders: DecisionFolders) -> Self {
        Self { folders, ..Self::default() }
    }

    /// The folders.
    pub fn folders(&self) -> &DecisionFolders {
        &self.folders
    }

    /// Looks which files there are, and reads those that changed and came to rest; `at_once` reads all that changed.
    /// Says whether anything is different from before.
    pub fn look(&mut self, at_once: bool) -> bool {
        let before = std::mem::take(&mut self.faults);
        let mut found = BTreeMap::new();
        let DecisionFolders { own, shared } = self.folders.clone();
        for (folder, needed) in own.iter().map(|own| (own, false)).chain(shared.iter().map(|shared| (shared, true))) {
            self.list(folder, needed, &mut found);
        }
        let count = self.known.len();
        self.known.retain(|path, _| found.contains_key(path));
        let mut changed = count != self.known.len() || before != self.faults;
        for (path, version) in found {
            if self.known.get(&path).is_some_and(|known| known.version == Some(version)) {
                continue;
            }
            if at_once || self.fresh.get(&path) == Some(&version) {
                self.fresh.remove(&path);
                self.read(&path, version);
                changed = true;
            } else {
                self.fresh.insert(path, version);
            }
        }
        changed
    }

    /// The files of a folder; only regular ones, so that nothing hangs.
    fn list(&mut self, folder: &Path, needed: bool, found: &mut BTreeMap<PathBuf, Version>) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !needed => return,
            Err(error) => return self.faults.push(flaw(folder, &format!("cannot be listed: {error}"))),
        };
        let ours = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jsonl");
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(ours).collect();
        paths.sort();
        if paths.len() > MAX_FILES {
            let text = format!("has more than {MAX_FILES} files of decisions; the rest is not read");
            self.faults.push(flaw(folder, &text));
            paths.truncate(MAX_FILES);
        }
        let mut left = MAX_BYTES;
        for path in paths {
            match fs::symlink_metadata(&path) {
                Ok(data) if data.is_file() && data.len() <= left => {
                    left -= data.len();
                    found.insert(path, Version::of(&data));
                }
                Ok(data) if data.is_file() => {
                    let text = format!("is not read: the folder holds more than {} MiB", MAX_BYTES >> 20);
                    self.faults.push(flaw(&path, &text));
                }
                Ok(_) => self.faults.push(flaw(&path, "is no regular file and is not read")),
                Err(error) => self.faults.push(flaw(&path, &error.to_string())),
            }
        }
    }

    /// A file that cannot be read any more keeps what it held, and says so.
    fn read(&mut self, path: &Path, version: Version) {
        let known = self.known.entry(path.to_owned()).or_default();
        known.version = Some(version);
        match file::read(path) {
            Ok(text) => (known.decided, known.flaws) = line::read(&text, path),
            Err(error) => known.flaws = vec![flaw(path, &format!("cannot be read: {error}"))],
        }
    }

    /// Every decision, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Decided> {
        self.known.values().flat_map(|known| &known.decided)
    }

    /// Every decision, for judging.
    pub fn record(&self) -> Triage {
        let mut record = Triage::default();
        for one in self.all() {
            record.decide(one.finding, one.decision.clone());
        }
        record
    }

    /// What is no decision.
    pub fn flaws(&self) -> impl Iterator<Item = &Flaw> {
        self.faults.iter().chain(self.known.values().flat_map(|known| &known.flaws))
    }
}

/// Something of which nobody knows what it would have said.
fn flaw(path: &Path, what: &str) -> Flaw {
    let place = text::sanitize(&path.display().to_string()).into_owned();
    Flaw { place, what: text::sanitize(what).into_owned(), lost: true }
}

#[cfg(test)]
mod tests;
