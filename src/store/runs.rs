//! The journals of runs of runbooks, in the folder `runs`.

use std::fs;
use std::path::PathBuf;

use super::{EvidenceFolder, Store, StoreError, chain, index, io_error, log, write_private_bytes};
use crate::journal::{Book, BookKind, Entry, Turn};
use crate::runbook::history::{Body, RunId};

/// The journal of a run, held by this process.
pub type RunLog = log::Log<Body>;

fn book(id: &RunId) -> Book {
    Book { kind: BookKind::Run, id: id.as_str().to_owned() }
}

impl Store {
    pub(super) fn run_path(&self, id: &RunId) -> PathBuf {
        log::path(&self.root, &book(id))
    }

    /// Runs that have a journal here.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn run_ids(&self) -> Result<Vec<RunId>, StoreError> {
        self.ids(BookKind::Run, |id| RunId::parse(id).ok())
    }

    /// Begins the journal of a run and holds it.
    ///
    /// # Errors
    /// When the file cannot be written, or exists already.
    pub fn begin_run(&self, id: &RunId) -> Result<RunLog, StoreError> {
        RunLog::create(&self.root, id.as_str())
    }

    /// Opens the journal of a run and holds it.
    ///
    /// # Errors
    /// When it is held elsewhere, missing, or cannot be read.
    pub fn hold_run(&self, id: &RunId) -> Result<RunLog, StoreError> {
        RunLog::open(&self.root, id.as_str())
    }

    /// Whether a run has a journal here.
    pub fn has_run(&self, id: &RunId) -> bool {
        self.run_path(id).exists()
    }

    /// What happened in a run, without holding it.
    ///
    /// # Errors
    /// When its journal is missing or cannot be read.
    pub fn run_entries(&self, id: &RunId) -> Result<Vec<Entry<Body>>, StoreError> {
        let path = self.run_path(id);
        if !path.exists() {
            return Err(StoreError::Missing { of: book(id), root: self.root.clone() });
        }
        chain::read(&path)?.entries(&path)
    }

    /// Takes over a run that was led on another machine, with what happened in it so far, and holds it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take_run(&self, id: &RunId, entries: &[Entry<Body>]) -> Result<RunLog, StoreError> {
        let path = self.run_path(id);
        let mut lines = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let unlike = |error: serde_json::Error| StoreError::Line {
                path: path.clone(),
                line: place + 1,
                why: error.to_string(),
            };
            serde_json::to_writer(&mut lines, entry).map_err(unlike)?;
            lines.push(b'\n');
        }
        write_private_bytes(&path, &lines, false)?;
        if let Some(first) = entries.first() {
            index::turned(&self.root, book(id), Turn::Opens, first)?;
        }
        self.hold_run(id)
    }

    /// The same where another machine went on with a run that has a journal here: that one is kept beside it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn replace_run(&self, id: &RunId, entries: &[Entry<Body>]) -> Result<RunLog, StoreError> {
        let path = self.run_path(id);
        let beside = path.with_extension(format!("{}.left", super::now().as_second()));
        fs::rename(&path, &beside).map_err(io_error("move", &path))?;
        self.take_run(id, entries)
    }

    /// A folder for evidence of a step of a run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn evidence_folder(&self, id: &RunId, step: &str) -> Result<EvidenceFolder, StoreError> {
        EvidenceFolder::create(&self.root, id.as_str(), step)
    }
}
