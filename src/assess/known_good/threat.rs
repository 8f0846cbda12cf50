//! What would delete a copy that must be kept, and does not ask this console.

use jiff::{SignedDuration, Timestamp};

use super::Keeping;
use crate::assess::retention::other_pruner;
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{DeletionPolicy, Kind, VolumeSnapshot, World};
use crate::text;

/// A copy that goes this soon needs a person now.
const SOON: SignedDuration = SignedDuration::from_hours(24);

/// One way in which a kept copy would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threat {
    /// How much it matters.
    pub severity: Severity,
    /// When it happens by itself, where that is known.
    pub at: Option<Timestamp>,
    /// The sentence. Safe to draw.
    pub text: String,
}

/// Everything that would delete the copy that is kept, the worst first; with what to do about each.
pub fn threats(world: &World, kept: &Keeping, now: Timestamp) -> Judgement<Vec<Threat>> {
    let mut found = Found { kept, now, all: Vec::new(), until: None };
    match kept.object.kind {
        Kind::VolumeSnapshot => {
            if let Some(snapshot) = world.inventory.snapshots.get(&kept.uid) {
                found.snapshot(world, snapshot);
            }
        }
        kind => found.velero_item(world, kind),
    }
    found.all.sort_by_key(|(threat, _)| (std::cmp::Reverse(threat.severity.rank()), threat.at));
    let until = found.until;
    let (threats, reasons): (Vec<Threat>, Vec<Reason>) = found.all.into_iter().unzip();
    Judgement::new(threats).because_all(reasons).until(until)
}

struct Found<'a> {
    kept: &'a Keeping,
    now: Timestamp,
    all: Vec<(Threat, Reason)>,
    until: Option<Timestamp>,
}

impl Found<'_> {
    fn add(&mut self, severity: Severity, at: Option<Timestamp>, what: &str, next: &str) {
        let which = if self.kept.proven { "the last known-good copy" } else { "what may be the last known-good copy" };
        let text = format!("{which} {}: {what}", self.kept.object.path());
        let reason = Reason::new(&text).next(next);
        self.all.push((Threat { severity, at, text: reason.text.clone() }, reason));
    }

    fn snapshot(&mut self, world: &World, snapshot: &VolumeSnapshot) {
        if let Some(since) = snapshot.meta.deleting {
            let next = "restore beside it now: while a finalizer holds it, its data may still be there";
            self.add(Severity::Critical, Some(since), &format!("it is being deleted since {since}"), next);
        }
        let namespace = snapshot.meta.namespace.as_ref().and_then(|name| world.inventory.namespaces.named(None, name));
        if let Some((name, since)) = namespace.and_then(|ns| Some((&ns.meta.name, ns.meta.deleting?))) {
            let text = format!("namespace {name} is being deleted since {since}");
            self.add(Severity::Critical, Some(since), &text, "set the deletionPolicy of its content to Retain");
        }
        let hold = "hold it: holdfast hold sets the deletionPolicy to Retain, so that the copy outlives its object";
        if let Some(backup) = snapshot.meta.label(crate::model::annotation::VELERO_BACKUP) {
            let known = world.inventory.velero_backups.iter().find(|known| *known.meta.name == *backup);
            self.expiry(backup, known.and_then(|known| known.expires));
        } else if let Some(who) = other_pruner(world, snapshot, self.now) {
            self.add(Severity::Warn, None, &who, hold);
        }
        let content = world.content(snapshot).map(|content| content.deletion);
        match content {
            Some(DeletionPolicy::Retain) => {}
            Some(DeletionPolicy::Delete) => {
                let text = "whoever deletes the object deletes the copy (deletionPolicy Delete)";
                self.add(Severity::Info, None, text, hold);
            }
            _ => self.add(
                Severity::Unknown,
                None,
                "what deleting it does is not known",
                "look at its content's deletionPolicy",
            ),
        }
    }

    fn velero_item(&mut self, world: &World, kind: Kind) {
        let table = match kind {
            Kind::DataUpload => &world.inventory.data_uploads,
            _ => &world.inventory.pod_volume_backups,
        };
        let Some(item) = table.get(&self.kept.uid) else { return };
        let Some(backup) = &item.backup else {
            let next = "find the backup that it is part of";
            return self.add(Severity::Unknown, None, "Velero deletes it with its backup, which is not known", next);
        };
        let known = world.inventory.velero_backups.named(item.meta.namespace.as_ref(), backup);
        self.expiry(backup, known.and_then(|known| known.expires));
    }

    fn expiry(&mut self, backup: &str, expires: Option<Timestamp>) {
        let next = "extend the backup's ttl, or restore beside it and copy it elsewhere";
        let Some(at) = expires else {
            let text = format!("Velero deletes it with backup {backup}; when is not known");
            return self.add(Severity::Unknown, None, &text, next);
        };
        let left = at.duration_since(self.now);
        let soon = at.saturating_sub(SOON).unwrap_or(Timestamp::MIN);
        let severity = if self.now >= soon { Severity::Critical } else { Severity::Warn };
        let when = at.strftime("%Y-%m-%d %H:%M UTC");
        self.add(severity, Some(at), &format!("expires in {} (Velero backup {backup}, {when})", text::age(left)), next);
        let change = if self.now < soon { soon } else { at };
        self.until = [self.until, Some(change).filter(|change| self.now < *change)].into_iter().flatten().min();
    }
}
