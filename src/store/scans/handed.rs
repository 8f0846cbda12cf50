//! SARIF that is handed over from elsewhere and lies in no file here: the keys of `ConfigMap`s, and what registries have
//! attached to images ([`super::attached`]).
//!
//! It is read, kept and left behind by the same rules as files are. A namespace counts as unread until it was listed
//! once and while it is not seen; what was read of it before stays meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::attached::{self, Registries};
use super::{Known, ScanFile, Scans, Version, taken};
use crate::config::{ScanNamespace, ScanPlace};
use crate::model::Diagnostic;
use crate::sarif::{self, Limits, Log, Origin};
use crate::text;

/// How names of what is handed over begin, so that no file is taken for it.
const KIND: &str = "configmap:";
/// What is said of a namespace until it was listed.
pub(super) const READING: &str = "still being read";

/// What is handed over, by namespace.
#[derive(Debug, Default)]
pub(super) struct Handed {
    namespaces: Vec<ScanNamespace>,
    /// As which places they are remembered; none before it is known of which cluster they are.
    pub(super) places: Vec<ScanPlace>,
    pub(super) known: BTreeMap<PathBuf, Known>,
    /// Why a namespace is not seen, or not yet.
    blind: BTreeMap<String, String>,
    /// What a list has not named so far, by namespace.
    unnamed: BTreeMap<String, BTreeSet<PathBuf>>,
    /// What comes from registries.
    pub(super) registries: Registries,
}

impl Handed {
    fn place(&self, namespace: &str) -> Option<&ScanPlace> {
        let at = self.namespaces.iter().position(|one| one.namespace == namespace)?;
        self.places.get(at)
    }

    pub(super) fn below(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        self.known.keys().filter(move |path| path.starts_with(folder)).cloned().collect::<Vec<_>>().into_iter()
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = String> {
        let said = |(namespace, why): (&String, &String)| format!("ConfigMaps with SARIF in {namespace}: {why}");
        let said = self.blind.iter().map(said).chain(self.registries.faults());
        said.map(|said| text::sanitize(&said).into_owned())
    }
}

/// `ConfigMap shop/scan, latest.sarif` of the name that it is kept by; `None` when that is a file's.
pub(in crate::store) fn called(path: &Path) -> Option<String> {
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    let kind = parts.next()?;
    if kind == attached::KIND {
        return attached::called(path);
    }
    let (_, namespace, name, key) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
    let key = key.map(|key| format!(", {key}")).unwrap_or_default();
    (kind == KIND).then(|| format!("ConfigMap {namespace}/{name}{key}"))
}

impl Scans {
    /// The same, which takes in what the `ConfigMap`s of these namespaces hold as well.
    #[must_use]
    pub fn hearing(mut self, namespaces: &[ScanNamespace]) -> Self {
        self.handed.namespaces = namespaces.to_vec();
        self.handed.blind = namespaces.iter().map(|one| (one.namespace.clone(), READING.to_owned())).collect();
        self
    }

    /// Whether some namespace was neither listed yet nor found to be out of sight, or some registry not asked yet.
    pub fn waiting(&self) -> bool {
        self.handed.blind.values().any(|why| why == READING) || self.handed.registries.waiting()
    }

    /// Of which cluster the namespaces are. What is remembered of one proves nothing in another.
    pub fn hear_of(&mut self, server: &str) {
        let server: String = text::sha256(server.as_bytes()).chars().take(16).collect();
        let place = |one: &ScanNamespace| ScanPlace {
            path: [KIND, &server, &one.namespace].iter().collect(),
            trusted: one.trusted,
        };
        self.handed.places = self.handed.namespaces.iter().map(place).collect();
    }

    /// A list of a namespace begins.
    pub fn list_started(&mut self, namespace: &str) {
        let Some(place) = self.handed.place(namespace).cloned() else { return };
        let unnamed = self.handed.below(&place.path).collect();
        self.handed.unnamed.insert(namespace.to_owned(), unnamed);
    }

    /// A list of a namespace is complete: what it did not name is gone.
    pub fn list_done(&mut self, namespace: &str) {
        for path in self.handed.unnamed.remove(namespace).into_iter().flatten() {
            self.handed.known.remove(&path);
        }
        self.handed.blind.remove(namespace);
    }

    /// A namespace is not seen, and why; what was read of it stays.
    pub fn blind(&mut self, namespace: &str, why: &str) {
        self.handed.blind.insert(namespace.to_owned(), why.to_owned());
    }

    /// A `ConfigMap` is gone.
    pub fn gone(&mut self, namespace: &str, name: &str) {
        self.hand(namespace, name, Vec::new(), Timestamp::UNIX_EPOCH);
    }

    /// What a `ConfigMap` holds now: keys with their bytes, or why these cannot be had. A key without a name stands for
    /// the whole of one that cannot be read. `now` tells times that cannot be.
    pub fn hand(
        &mut self,
        namespace: &str,
        name: &str,
        files: Vec<(String, Result<Vec<u8>, &'static str>)>,
        now: Timestamp,
    ) {
        let Some(place) = self.handed.place(namespace).cloned() else { return };
        let folder = place.path.join(name);
        let mut before: BTreeSet<PathBuf> = self.handed.below(&folder).collect();
        let unreadable = files.iter().any(|(key, _)| key.is_empty());
        for (key, bytes) in files {
            // A key has no / and is not . or .. (Kubernetes says so), and a lone folder stands for the whole.
            let path = if key.is_empty() { folder.clone() } else { folder.join(&key) };
            before.remove(&path);
            let length = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            let file = read(&path, &key, bytes, place.trusted, now);
            let former = self.handed.known.remove(&path);
            self.handed.known.insert(path.clone(), known(file, length).or_what_was_before(former));
            for unnamed in self.handed.unnamed.values_mut() {
                unnamed.remove(&path);
            }
        }
        for path in before {
            // Of one that cannot be read at all it is not known which keys it still has.
            if unreadable {
                for unnamed in self.handed.unnamed.values_mut() {
                    unnamed.remove(&path);
                }
            } else {
                self.handed.known.remove(&path);
            }
        }
    }
}

/// What was handed over, as it is known.
pub(super) fn known(file: ScanFile, length: u64) -> Known {
    Known { version: Version { length, modified: None, stamp: None }, whole: file.broken().is_none(), file }
}

fn read(path: &Path, key: &str, bytes: Result<Vec<u8>, &'static str>, trusted: bool, now: Timestamp) -> ScanFile {
    let name: Arc<str> = text::sanitize(&called(path).unwrap_or_default()).into();
    match bytes {
        Ok(bytes) => {
            let digest = super::sha256(&bytes);
            taken(path.to_owned(), name, parse(&bytes, key, now), digest, trusted)
        }
        Err(why) => unread(path.to_owned(), name, why),
    }
}

/// What bytes hold that go, and of which there is no file to read a result from again.
pub(super) fn parse(bytes: &[u8], key: &str, now: Timestamp) -> Log {
    let origin = Origin { path: key.to_owned(), now, ..Origin::default() };
    let mut log = sarif::read(bytes, &origin, &Limits::default());
    for finding in log.scans.iter_mut().flat_map(|scan| &mut scan.findings) {
        finding.raw = 0..0;
    }
    log
}

/// What stands for bytes that cannot be had.
pub(super) fn unread(path: PathBuf, name: Arc<str>, why: &str) -> ScanFile {
    let lost =
        Diagnostic { code: "unreadable", path: String::new(), text: format!("cannot be read: {why}"), lost: true };
    ScanFile { path, name, taken: Vec::new(), diagnostics: vec![lost], behind: None }
}
