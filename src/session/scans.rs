//! The sources of findings, read aside and again whenever they change.
//!
//! Until they were read once nothing is known to be good, and nothing is deleted for being old; neither while one of
//! them cannot be read.

use std::time::Duration;

use jiff::Timestamp;

use super::findings::KINDS;
use super::{Message, Session};
use crate::model::{Findings, Linking};
use crate::store::{ScanFile, Scans};
use crate::text;
use crate::view::Level;

/// How often it is looked whether a file changed.
const FILES: Duration = Duration::from_secs(1);
/// What is said of sources until they were read.
const READING: &str = "the sources of findings: still being read";

/// How far reading has come.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Whether the sources were read once.
    read: bool,
    /// What was said of them last.
    said: Vec<String>,
}

/// What was read of the sources.
#[derive(Debug)]
pub(super) struct Scanned {
    findings: Findings,
    unread: Vec<String>,
    notices: Vec<String>,
}

impl Session {
    /// Begins to read the sources, and to read them again whenever they change.
    pub(super) fn watch_findings(&mut self) {
        let settings = &self.options.config.findings;
        let linking = Linking { concern: Some(settings.concern), ..settings.linking.clone() };
        let touched = self.desk.world.linked(linking);
        self.desk.note(&touched);
        let sources = &self.options.config.findings.sources;
        if sources.is_empty() {
            return;
        }
        self.watch.on = true;
        let more = KINDS.iter().filter(|kind| !self.options.kinds.contains(kind));
        self.options.kinds.extend(more.copied().collect::<Vec<_>>());
        self.desk.world.findings = Findings::reading(READING.into());
        let (mut scans, mut first) = (Scans::new(sources.clone()).remembering(&self.options.store), true);
        let post = self.inbox.0.clone();
        tokio::spawn(async move {
            loop {
                let looked = tokio::task::spawn_blocking(move || {
                    let now = crate::store::now();
                    let changed = scans.look(first, now) || first;
                    let found = changed.then(|| scanned(&scans, now));
                    (scans, found)
                });
                let Ok((back, found)) = looked.await else { return };
                (scans, first) = (back, false);
                if let Some(found) = found
                    && post.send(Message::Scanned(Box::new(found))).await.is_err()
                {
                    // The session was closed.
                    return;
                }
                tokio::time::sleep(FILES).await;
            }
        });
    }

    /// Takes in what was read.
    pub(super) fn scanned(&mut self, found: Scanned) {
        self.reading.read = true;
        let said: Vec<String> = found.unread.into_iter().chain(found.notices).collect();
        for one in said.iter().filter(|one| !self.reading.said.contains(one)) {
            self.desk.say(Level::Warn, &format!("findings: {one}"));
        }
        self.reading.said = said;
        let touched = self.desk.world.scanned(found.findings);
        self.desk.note(&touched);
        self.unchain();
        self.read_finding_again();
    }

    /// Whether the sources of findings were not read yet.
    pub fn reading_findings(&self) -> bool {
        self.watch.on && !self.reading.read
    }
}

/// What the files hold, and which of them could not be read: nothing is known to be good beside those.
fn scanned(scans: &Scans, now: Timestamp) -> Scanned {
    let unread: Vec<String> = scans.faults().iter().cloned().chain(scans.files().filter_map(unread)).collect();
    let findings = scans.findings(now).but_for(unread.iter().map(|said| said.as_str().into()));
    Scanned { findings, unread, notices: scans.notices() }
}

fn unread(file: &ScanFile) -> Option<String> {
    let why = file.behind.as_ref().or(file.broken().map(|one| &one.text))?;
    Some(text::sanitize(&format!("{}: {why}", file.path.display())).into_owned())
}
