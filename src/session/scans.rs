//! The sources of findings, read aside and again whenever they change.
//!
//! Until they were read once nothing is known to be good, and nothing is deleted for being old; neither while one of
//! them cannot be read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::findings::KINDS;
use super::{Message, Session};
use crate::cluster::{
    self, ATTACHED_EVERY, AttachedEvent, AttachedWatch, Cluster, Image, ScanMap, ScanMapEvent, ScanMaps, Wanted,
};
use crate::model::{Findings, Freshness, Linking};
use crate::store::{ScanFile, Scans};
use crate::text;
use crate::view::Level;

/// How often it is looked whether a file changed.
const FILES: Duration = Duration::from_secs(1);
/// How much of what `ConfigMap`s hold may wait to be read.
const WAITING: usize = 8;
/// What is said of sources until they were read.
const READING: &str = "the sources of findings: still being read";

/// How far reading has come.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Whether the sources were read once.
    read: bool,
    /// What was said of them last.
    said: Vec<String>,
    /// Where what `ConfigMap`s hold is passed on to.
    heard: Option<mpsc::Sender<ScanMapEvent>>,
    /// The watches of these.
    maps: Option<ScanMaps>,
    /// Which images registries are asked for, and the questions.
    wanted: Option<Asking>,
}

/// Questions to registries.
#[derive(Debug)]
struct Asking {
    wanted: watch::Sender<Wanted>,
    /// Open as long as the session, whether or not there are registries.
    _heard: mpsc::Sender<AttachedEvent>,
    _watch: AttachedWatch,
}

/// What is heard.
enum Heard {
    Map(ScanMapEvent),
    Attached(AttachedEvent),
}

/// What was read of the sources.
#[derive(Debug)]
pub(super) struct Scanned {
    findings: Findings,
    unread: Vec<String>,
    notices: Vec<String>,
    /// Whether something was not looked at once so far.
    waiting: bool,
}

impl Session {
    /// Begins to read the sources, and to read them again whenever they change.
    pub(super) fn watch_findings(&mut self) {
        let settings = &self.options.config.findings;
        let linking = Linking { concern: Some(settings.concern), ..settings.linking.clone() };
        let touched = self.desk.world.linked(linking);
        self.desk.note(&touched);
        let (sources, namespaces) = (settings.sources.clone(), settings.configmaps.clone());
        let registries = settings.registries.clone();
        if !settings.any() {
            return;
        }
        self.watch.on = true;
        let more = KINDS.iter().filter(|kind| !self.options.kinds.contains(kind));
        self.options.kinds.extend(more.copied().collect::<Vec<_>>());
        self.desk.world.findings = Findings::reading(READING.into());
        let scans = Scans::new(sources).hearing(&namespaces).asking(&registries).remembering(&self.options.store);
        let (heard, hearing) = mpsc::channel(WAITING);
        self.reading.heard = Some(heard);
        let (attached, attaching) = mpsc::channel(WAITING);
        let (wanted, wants) = watch::channel(Wanted::NotYet);
        let asking = cluster::watch_attached(&registries, &wants, ATTACHED_EVERY, &attached);
        self.reading.wanted = Some(Asking { wanted, _heard: attached, _watch: asking });
        tokio::spawn(read_for_ever(scans, (hearing, attaching), self.inbox.0.clone()));
    }

    /// Says to registries which images run, where any are configured.
    pub(super) fn ask_registries(&mut self) {
        let settings = &self.options.config.findings;
        let Some(Asking { wanted, .. }) = self.reading.wanted.as_ref().filter(|_| !settings.registries.is_empty())
        else {
            return;
        };
        let now = if self.sees_what_runs() {
            let Some(images) = self.images_that_run() else { return };
            Wanted::Images(images)
        } else if KINDS.iter().any(|kind| *self.desk.world.freshness(*kind) == Freshness::Loading) {
            return;
        } else {
            Wanted::Unseen
        };
        wanted.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
    }

    /// Begins to watch the `ConfigMap`s that may hold SARIF, where any are configured.
    pub(super) fn watch_scan_maps(&mut self, cluster: &Cluster) {
        let namespaces = self.options.config.findings.configmaps.iter();
        let namespaces: Vec<Arc<str>> = namespaces.map(|one| one.namespace.as_str().into()).collect();
        if let Some(heard) = self.reading.heard.as_ref().filter(|_| !namespaces.is_empty()) {
            self.reading.maps = Some(cluster::watch_scan_maps(cluster, &namespaces, heard));
        }
    }

    /// Takes in what was read.
    pub(super) fn scanned(&mut self, found: Scanned) {
        self.reading.read = !found.waiting;
        let said: Vec<String> = found.unread.into_iter().chain(found.notices).collect();
        for one in said.iter().filter(|one| !self.reading.said.contains(one)) {
            self.desk.say(Level::Warn, &format!("findings: {one}"));
        }
        self.reading.said = said;
        let findings = self.but_for_lost_decisions(found.findings);
        let touched = self.desk.world.scanned(findings);
        self.desk.note(&touched);
        self.unchain();
        self.read_finding_again();
    }

    /// Whether the sources of findings, or what was decided on them, were not read yet.
    pub fn reading_findings(&self) -> bool {
        self.watch.on && !self.reading.read || self.reading_decisions()
    }
}

/// Looks at files and takes in what is heard, off the task of the session; one batch at a time, so that the bytes of
/// few `ConfigMap`s wait.
async fn read_for_ever(
    mut scans: Scans,
    (mut maps, mut attached): (mpsc::Receiver<ScanMapEvent>, mpsc::Receiver<AttachedEvent>),
    post: mpsc::Sender<Message>,
) {
    let mut first = true;
    let mut next_look = Instant::now();
    loop {
        let mut heard = Vec::new();
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next_look.into()) => {}
            event = maps.recv() => {
                // The session was closed.
                let Some(event) = event else { return };
                heard.push(Heard::Map(event));
                heard.extend(std::iter::from_fn(|| maps.try_recv().ok()).map(Heard::Map));
            }
            event = attached.recv() => {
                let Some(event) = event else { return };
                // One at a time: the logs of an image may be large.
                heard.push(Heard::Attached(event));
            }
        }
        let looks = heard.is_empty();
        let looked = tokio::task::spawn_blocking(move || {
            let now = crate::store::now();
            let changed = if heard.is_empty() {
                scans.look(first, now) || first
            } else {
                // A look besides would take files for settled that are still being written.
                for event in heard {
                    match event {
                        Heard::Map(event) => take(&mut scans, event, now),
                        Heard::Attached(event) => attach(&mut scans, event, now),
                    }
                }
                scans.remember(now);
                true
            };
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
        if looks {
            next_look = Instant::now() + FILES;
        }
    }
}

fn take(scans: &mut Scans, event: ScanMapEvent, now: Timestamp) {
    match event {
        ScanMapEvent::Begun(server) => scans.hear_of(&server),
        ScanMapEvent::Started(namespace) => scans.list_started(&namespace),
        ScanMapEvent::Is(ScanMap { namespace, name, files }) => scans.hand(&namespace, &name, files, now),
        ScanMapEvent::Gone(namespace, name) => scans.gone(&namespace, &name),
        ScanMapEvent::Listed(namespace) => scans.list_done(&namespace),
        ScanMapEvent::Blind(namespace, why) => scans.blind(&namespace, &why),
    }
}

fn attach(scans: &mut Scans, event: AttachedEvent, now: Timestamp) {
    match event {
        AttachedEvent::Asking(host) => scans.registry_asking(&host),
        AttachedEvent::Is(Image { host, repository, digest }, logs) => {
            scans.attach((&host, &repository, &digest), logs, now);
        }
        AttachedEvent::Asked(host) => scans.registry_asked(&host),
        AttachedEvent::Blind(host, why) => scans.registry_blind(&host, &why),
    }
}

/// What the sources hold, and which of them could not be read: nothing is known to be good beside those.
fn scanned(scans: &Scans, now: Timestamp) -> Scanned {
    let unread: Vec<String> = scans.faults().into_iter().chain(scans.files().filter_map(unread)).collect();
    let findings = scans.findings(now).but_for(unread.iter().map(|said| said.as_str().into()));
    Scanned { findings, unread, notices: scans.notices(), waiting: scans.waiting() }
}

fn unread(file: &ScanFile) -> Option<String> {
    let why = file.behind.as_ref().or(file.broken().map(|one| &one.text))?;
    Some(text::sanitize(&format!("{}: {why}", file.name)).into_owned())
}
