//! Evidence that a run of a runbook collected: files of one folder, each with its hash in a manifest, whose own hash the
//! journal of the run keeps.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{StoreError, io_error, own_folders, write_private_bytes};
use crate::text;

/// The name of the manifest; its lines are those that `sha256sum -c` checks.
pub const MANIFEST: &str = "SHA256SUMS";

/// A folder of evidence that is being filled.
#[derive(Debug)]
pub struct EvidenceFolder {
    path: PathBuf,
    /// Names, hashes and sizes.
    files: Vec<(String, String, u64)>,
}

/// A folder of evidence that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its manifest.
    pub digest: String,
    /// How many files it has beside that.
    pub files: usize,
    /// How many bytes these have.
    pub bytes: u64,
}

impl EvidenceFolder {
    /// A new folder below `root`; one that is there is never filled again.
    pub(super) fn create(root: &Path, run: &str, step: &str) -> Result<Self, StoreError> {
        let folder = root.join("evidence").join(run);
        own_folders().recursive(true).create(&folder).map_err(io_error("create", &folder))?;
        let mut attempt = 1;
        loop {
            let name = if attempt == 1 { step.to_owned() } else { format!("{step}.{attempt}") };
            let path = folder.join(name);
            match own_folders().create(&path) {
                Ok(()) => return Ok(Self { path, files: Vec::new() }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 1_000 => attempt += 1,
                Err(error) => return Err(io_error("create", &path)(error)),
            }
        }
    }

    /// Adds a file. Its name is made of what the cluster calls things, which are names and never paths.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect();
        write_private_bytes(&self.path.join(&name), bytes, false)?;
        self.files.push((name, text::sha256(bytes), bytes.len() as u64));
        Ok(())
    }

    /// Writes the manifest; nothing is added after that.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn seal(self) -> Result<Sealed, StoreError> {
        let mut manifest = String::new();
        for (name, hash, _) in &self.files {
            // Writing to a String cannot fail.
            let _ = writeln!(manifest, "{hash}  {name}");
        }
        write_private_bytes(&self.path.join(MANIFEST), manifest.as_bytes(), false)?;
        Ok(Sealed {
            digest: text::sha256(manifest.as_bytes()),
            files: self.files.len(),
            bytes: self.files.iter().map(|(_, _, bytes)| bytes).sum(),
            path: self.path,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_in_the_manifest_and_a_second_attempt_has_a_folder_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = EvidenceFolder::create(root.path(), "run-1", "collect").unwrap();
        folder.add("logs-db-0-../../etc.txt", b"hello\n").unwrap();
        folder.add("images.json", b"[]").unwrap();
        let sealed = folder.seal().unwrap();
        let manifest = fs::read_to_string(sealed.path.join(MANIFEST)).unwrap();
        assert_eq!((sealed.files, sealed.bytes), (2, 8));
        assert_eq!(sealed.digest, text::sha256(manifest.as_bytes()));
        for line in manifest.lines() {
            let (hash, name) = line.split_once("  ").unwrap();
            assert_eq!(text::sha256(&fs::read(sealed.path.join(name)).unwrap()), hash, "{name}");
        }
        let again = EvidenceFolder::create(root.path(), "run-1", "collect").unwrap().seal().unwrap();
        assert!(again.path.ends_with("collect.2") && again.files == 0, "{again:?}");
    }
}
