//! What runs, looked at as it changes, for what is known of it by findings.
//!
//! Only where sources of findings are configured ([`super::scans`]): without them nothing would ever be asked of the
//! log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Session;
use super::operations::Tracked;
use crate::assess::exposure;
use crate::cluster::Image;
use crate::model::{Delta, Kind, Known, Object};
use crate::plan::Verb;
use crate::plan::backup::attest;
use crate::store::Store;
use crate::text::{self, image};
use crate::view::Level;

/// How often what runs is looked at while it changes, and while it does not.
const BUSY: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(10);
/// How often what was seen is written down.
const SAVE: Duration = Duration::from_secs(60);
/// Kinds without which it cannot be told whose data a pod writes.
pub(super) const KINDS: [Kind; 6] = [Kind::Pod, Kind::Pvc, Kind::Pv, Kind::StorageClass, Kind::ReplicaSet, Kind::Job];

/// How far looking has come.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Whether there is anything to look for.
    pub(super) on: bool,
    /// The moment of the last look, while every pod was watched since.
    since: Option<Timestamp>,
    looked: Option<Instant>,
    saved: Option<Instant>,
    changed: bool,
}

impl Watch {
    /// Whether there is anything to look for.
    pub(super) fn on(&self) -> bool {
        self.on
    }
}

impl Session {
    /// Takes in what earlier consoles saw run in this cluster, and what backups of this machine prove.
    pub(super) fn remember_what_ran(&mut self) {
        if !self.watch.on {
            return;
        }
        let server = self.desk.world.context.server.clone();
        match self.options.store.remembered(&server) {
            Ok(known) => {
                if known.unread > 0 {
                    let lines = text::plural(known.unread, "line", "lines");
                    self.desk
                        .say(Level::Warn, &format!("the log of what ran: {lines} cannot be read and prove nothing"));
                }
                let touched = self.desk.world.saw(&known.log);
                self.desk.note(&touched);
            }
            Err(error) => self.desk.say(Level::Warn, &text::chain(&error)),
        }
        self.attest_backups();
    }

    /// Notes what the journals of backups prove of what ran at their cuts.
    pub(super) fn attest_backups(&mut self) {
        if !self.watch.on {
            return;
        }
        let server = self.desk.world.context.server.clone();
        let plans = self.tracked.values().filter_map(Tracked::plan);
        for plan in plans.filter(|plan| plan.verb == Verb::Backup && *plan.server == *server) {
            attest(plan, &mut self.desk.world.observed);
        }
    }

    /// Looks at a pod that is about to change or to go: afterwards nobody could.
    pub(super) fn glance(&mut self, delta: &Delta, now: Timestamp) {
        if !self.watch.on {
            return;
        }
        match delta {
            Delta::Upsert(object, _) | Delta::Gone(object) => {
                let Object::Pod(pod) = &**object else { return };
                self.watch.changed = true;
                if !self.sees_what_runs() {
                    return;
                }
                let world = &mut self.desk.world;
                let mut log = std::mem::take(&mut world.observed);
                if let Some(known) = world.inventory.pods.get(&pod.meta.uid()) {
                    exposure::glance(world, &mut log, known, now);
                }
                world.observed = log;
            }
            // A watch that begins anew may have missed pods that came and went.
            Delta::ListStarted(Kind::Pod, _) | Delta::Failed(Kind::Pod, ..) | Delta::Denied(Kind::Pod, ..) => {
                self.watch.since = None;
            }
            _ => {}
        }
    }

    pub(super) fn sees_what_runs(&self) -> bool {
        KINDS.iter().all(|kind| self.desk.world.freshness(*kind).live())
    }

    /// Looks at what runs, when it is time.
    pub(super) fn look_at_what_runs(&mut self, now: Timestamp) {
        let every = if self.watch.changed { BUSY } else { IDLE };
        if !self.watch.on || self.watch.looked.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        let first = self.watch.looked.is_none();
        if self.look_now(now) && (first || self.watch.saved.is_none_or(|at| at.elapsed() >= SAVE)) {
            self.watch.saved = Some(Instant::now());
            let (store, server, log) = self.seen();
            tokio::task::spawn_blocking(move || save(&store, &server, &log));
        }
    }

    /// Looks, and writes down what was seen: what ran until the cut of a copy is what its verdict hangs on.
    pub(super) fn look_after_an_operation(&mut self) {
        if self.watch.on && self.look_now(crate::store::now()) {
            self.keep_what_ran();
        }
    }

    /// Looks at what runs once, whether or not findings are watched.
    pub fn look_once(&mut self) {
        self.look_now(crate::store::now());
    }

    fn look_now(&mut self, now: Timestamp) -> bool {
        if !self.sees_what_runs() {
            self.watch.since = None;
            return false;
        }
        let since = self.watch.since;
        let world = &mut self.desk.world;
        let mut log = std::mem::take(&mut world.observed);
        exposure::look(world, &mut log, since, now);
        world.observed = log;
        self.watch.changed = false;
        self.watch.since = Some(now);
        self.watch.looked = Some(Instant::now());
        true
    }

    /// The images that ran at the last look, by name and digest, of registries that are configured; `None` before the
    /// first look.
    pub(super) fn images_that_run(&self) -> Option<BTreeSet<Image>> {
        let last = self.watch.since?;
        let runs = self.desk.world.observed.runs();
        let programs = runs
            .filter(|(key, extent)| key.known == Known::Seen && !extent.ended && extent.to >= last)
            .map(|(key, _)| &key.program);
        let registries = &self.options.config.findings.registries;
        let images = programs.filter_map(|program| Some((image::registry(&program.image)?, &program.digests)));
        let images = images.filter(|((host, _), _)| registries.iter().any(|one| one.host == *host));
        let each = images.flat_map(|((host, repository), digests)| {
            let image = move |digest: &Arc<str>| Image {
                host: host.to_owned(),
                repository: repository.clone(),
                digest: digest.to_string(),
            };
            digests.iter().map(image)
        });
        Some(each.collect())
    }

    fn seen(&self) -> (Store, String, crate::model::Observed) {
        let world = &self.desk.world;
        (self.options.store.clone(), world.context.server.to_string(), world.observed.clone())
    }

    /// Writes down what was seen to run, before the session goes.
    pub fn keep_what_ran(&self) {
        if self.watch.looked.is_some() {
            let (store, server, log) = self.seen();
            save(&store, &server, &log);
        }
    }
}

/// A log that cannot be written proves less later, and harms nobody now.
fn save(store: &Store, server: &str, log: &crate::model::Observed) {
    if let Err(error) = store.remember(server, log) {
        tracing::warn!(%error, "what was seen to run could not be written down");
    }
}
