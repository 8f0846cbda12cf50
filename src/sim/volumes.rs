//! The storage behind the volumes: files by volume handle, frozen copies by snapshot handle.
//!
//! A copy is made under the lock, so it is as atomic as a snapshot of a real array, also over the
//! members of a group. It knows handles only; claims and snapshots are the controllers' business.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

type Files = BTreeMap<String, Bytes>;

#[derive(Debug, Default)]
struct Disks {
    volumes: BTreeMap<String, Files>,
    snapshots: BTreeMap<String, Files>,
    facts: BTreeMap<String, Facts>,
}

/// What a storage system knows of a snapshot by itself, whoever asks by its handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// When it was cut, nanoseconds since 1970.
    pub cut: i64,
    /// Bytes that a restore needs.
    pub size: u64,
}

/// The bytes of all volumes and snapshots of one cluster.
#[derive(Debug, Default)]
pub struct Volumes(Mutex<Disks>);

impl Volumes {
    /// Writes a file into a volume; the volume appears if no one has made it.
    pub fn write(&self, handle: &str, path: &str, bytes: impl Into<Vec<u8>>) {
        let bytes: Vec<u8> = bytes.into();
        self.disks().volumes.entry(handle.to_owned()).or_default().insert(clean(path), bytes.into());
    }

    /// A file of a volume; `None` when the volume or the file is missing.
    pub fn read(&self, handle: &str, path: &str) -> Option<Vec<u8>> {
        self.disks().volumes.get(handle)?.get(&clean(path)).map(|bytes| bytes.to_vec())
    }

    /// A file as it was when the snapshot was cut.
    pub fn read_snapshot(&self, handle: &str, path: &str) -> Option<Vec<u8>> {
        self.disks().snapshots.get(handle)?.get(&clean(path)).map(|bytes| bytes.to_vec())
    }

    /// Removes a file of a volume; whether there was one.
    pub fn remove(&self, handle: &str, path: &str) -> bool {
        self.disks().volumes.get_mut(handle).is_some_and(|files| files.remove(&clean(path)).is_some())
    }

    /// Paths of the files in a volume.
    pub fn paths(&self, handle: &str) -> Vec<String> {
        self.disks().volumes.get(handle).into_iter().flat_map(|files| files.keys().cloned()).collect()
    }

    /// Handles of all snapshots in the storage.
    pub fn snapshots(&self) -> Vec<String> {
        self.disks().snapshots.keys().cloned().collect()
    }

    /// Handles of all volumes in the storage.
    pub fn handles(&self) -> Vec<String> {
        self.disks().volumes.keys().cloned().collect()
    }

    /// Makes a volume, empty or from a snapshot; an existing one stays as it is.
    pub(crate) fn provision(&self, handle: &str, snapshot: Option<&str>) {
        let mut disks = self.disks();
        let files = snapshot.and_then(|snapshot| disks.snapshots.get(snapshot).cloned()).unwrap_or_default();
        disks.volumes.entry(handle.to_owned()).or_insert(files);
    }

    /// Makes a volume as a copy of another one.
    pub(crate) fn clone_volume(&self, handle: &str, source: &str) {
        let mut disks = self.disks();
        let files = disks.volumes.get(source).cloned().unwrap_or_default();
        disks.volumes.entry(handle.to_owned()).or_insert(files);
    }

    /// Cuts snapshots of several volumes at one instant: pairs of volume and snapshot handle.
    pub(crate) fn cut(&self, pairs: &[(String, String)]) {
        let mut disks = self.disks();
        for (volume, snapshot) in pairs {
            let files = disks.volumes.get(volume).cloned().unwrap_or_default();
            disks.snapshots.entry(snapshot.clone()).or_insert(files);
        }
    }

    /// Notes what is known of a snapshot from its cut on.
    pub(crate) fn note(&self, handle: &str, facts: Facts) {
        self.disks().facts.insert(handle.to_owned(), facts);
    }

    /// What is known of a snapshot.
    pub(crate) fn facts(&self, handle: &str) -> Option<Facts> {
        self.disks().facts.get(handle).copied()
    }

    pub(crate) fn has_snapshot(&self, handle: &str) -> bool {
        self.disks().snapshots.contains_key(handle)
    }

    pub(crate) fn delete_volume(&self, handle: &str) {
        self.disks().volumes.remove(handle);
    }

    /// Removes a snapshot from the storage, whatever the cluster says of it.
    pub fn delete_snapshot(&self, handle: &str) {
        self.disks().snapshots.remove(handle);
    }

    fn disks(&self) -> MutexGuard<'_, Disks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Paths are relative to the root of the volume, however they are written.
fn clean(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}
