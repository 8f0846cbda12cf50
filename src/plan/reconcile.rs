//! What policies ask for at a moment: which volumes are due to be backed up, pruned or drilled, and why.
//!
//! Only says what is due; each is done by its own verb, through a plan like any other. Whether a backup is due is told
//! by the copies that are there, so that two who ask at once come to the same answer, and one who asks again after the
//! backup was taken to none.

use jiff::{SignedDuration, Timestamp};

use super::hooks::{self, Words};
use super::prune::{self, Preview};
use super::{Request, backup, drill};
use crate::assess::proven::{failed, proven};
use crate::assess::retention::{self, Item, Uses, Worth};
use crate::assess::schedule;
use crate::model::{Kind, Policy, Pvc, Rpo, Uid, World};
use crate::text;

/// A copy that is being made for longer than this is stuck.
const STUCK: SignedDuration = SignedDuration::from_mins(30);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A backup.
    Backup,
    /// A prune.
    Prune,
    /// A trial restore.
    Drill,
}

impl What {
    /// One word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Prune => "prune",
            Self::Drill => "drill",
        }
    }
}

/// Something that is due on one volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The claim.
    pub claim: Uid,
    /// The volume for people: `shop/data-db-0`.
    pub path: String,
    /// The policy that asks for it.
    pub policy: String,
    /// What.
    pub what: What,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
    /// What cannot be done although it is due, and why.
    pub blocked: Option<String>,
}

/// Everything that is due, backups first and of these the longest due, then prunes, then drills.
pub fn due(world: &World, now: Timestamp) -> Vec<Due> {
    let uses = Uses::of(world);
    let mut all: Vec<Due> = world.inventory.pvcs.iter().flat_map(|claim| of(world, claim, &uses, now)).collect();
    all.sort_by(|a, b| (a.what, a.since, &a.path).cmp(&(b.what, b.since, &b.path)));
    all
}

/// The same thing on the same volume, as far as it is due (still, or again).
pub fn again(world: &World, earlier: &Due, now: Timestamp) -> Option<Due> {
    let claim = world.inventory.pvcs.get(&earlier.claim)?;
    of(world, claim, &Uses::of(world), now).into_iter().find(|due| due.what == earlier.what)
}

/// What is due on one volume.
fn of(world: &World, claim: &Pvc, uses: &Uses, now: Timestamp) -> Vec<Due> {
    let policy = world.policies.policy(&claim.meta).filter(|_| claim.bound() && claim.meta.deleting.is_none());
    let Some(policy) = policy else { return Vec::new() };
    let case = Case { world, claim, policy, now };
    let items = retention::items(world, claim, uses, false, now);
    [case.backup(&items), case.prune(uses), case.drill(&items)].into_iter().flatten().collect()
}

/// The request that does what is due.
///
/// # Errors
/// When its policy is gone or asks for what cannot be done.
pub fn request(world: &World, due: &Due, defaults: &backup::Options, now: Timestamp) -> Result<Request, String> {
    let claim = due.claim.clone();
    let policy = world.policies.named.iter().find(|policy| policy.name == due.policy);
    let policy = policy.ok_or_else(|| format!("policy {} is gone", due.policy))?;
    match due.what {
        What::Backup => {
            let words =
                Words { consistency: policy.consistency.clone(), hooks: policy.hooks.clone(), ..Words::default() };
            let options = backup::Options {
                class: policy.class.clone().or_else(|| defaults.class.clone()),
                reason: Some(policy.reason.clone().unwrap_or_else(|| format!("policy {}", policy.name))),
                quiesce: hooks::chosen(&words)?,
                ..defaults.clone()
            };
            Ok(Request::Backup { claim, options })
        }
        What::Prune => Ok(Request::Prune { claim, options: prune::Options::default() }),
        What::Drill => {
            let found = world.inventory.pvcs.get(&claim);
            let items = found.map(|claim| retention::items(world, claim, &Uses::of(world), false, now));
            let snapshot = newest_point(&items.unwrap_or_default()).ok_or_else(|| NOTHING_TO_DRILL.to_owned())?;
            let image = policy.drill_image.clone().unwrap_or_else(|| drill::IMAGE.to_owned());
            Ok(Request::Drill { snapshot, options: drill::Options { image, ..drill::Options::default() } })
        }
    }
}

const NOTHING_TO_DRILL: &str = "it has no good restore point to drill";

/// The newest good snapshot of ours.
fn newest_point(items: &[Item]) -> Option<Uid> {
    let good = own(items).filter(|item| item.worth == Worth::Good && item.object.kind == Kind::VolumeSnapshot);
    good.max_by_key(|item| item.cut).map(|item| item.uid.clone())
}

struct Case<'a> {
    world: &'a World,
    claim: &'a Pvc,
    policy: &'a Policy,
    now: Timestamp,
}

/// Why a backup is due, since when, and from which moment on an attempt at it counts.
struct Cause {
    since: Timestamp,
    why: String,
    /// Whether an attempt of a moment is so young that nothing has become due after it.
    covers: Box<dyn Fn(Timestamp) -> bool>,
}

impl Case<'_> {
    fn due(&self, what: What, since: Timestamp, why: String) -> Due {
        Due {
            claim: self.claim.meta.uid(),
            path: self.claim.meta.reference(Kind::Pvc).path(),
            policy: self.policy.name.clone(),
            what,
            since,
            why,
            blocked: None,
        }
    }

    fn backup(&self, items: &[Item]) -> Option<Due> {
        let (rpo, _) = self.world.policies.rpo(&self.claim.meta);
        if rpo == Rpo::OptedOut {
            return None;
        }
        let causes: Vec<Cause> = self.schedule(items).into_iter().chain(self.objective(&rpo, items)).collect();
        let attempt = attempt(items);
        let covered = |cause: &Cause| attempt.and_then(|item| item.created).is_some_and(|at| (cause.covers)(at));
        let open = causes.iter().filter(|cause| !covered(cause)).min_by_key(|cause| cause.since);
        if let Some(cause) = open {
            return Some(self.due(What::Backup, cause.since, cause.why.clone()));
        }
        let cause = causes.iter().min_by_key(|cause| cause.since)?;
        let item = attempt?;
        let age = self.now.duration_since(item.created?);
        let how = match &item.worth {
            Worth::Failed(why) => format!("failed: {why}"),
            Worth::Unfinished(what) if age > STUCK => format!("is not finished for {}: {what}", text::age(age)),
            // Somebody is making it now.
            _ => return None,
        };
        let blocked = Some(format!("its newest copy {} {how}", text::sanitize(&item.object.name)));
        Some(Due { blocked, ..self.due(What::Backup, cause.since, cause.why.clone()) })
    }

    /// By the policy's schedule: a run has passed since the last good copy.
    fn schedule(&self, items: &[Item]) -> Option<Cause> {
        let from = newest(items).or(self.claim.meta.created)?;
        let since = schedule::run_after(self.policy, from).filter(|run| *run <= self.now)?;
        let why = format!("schedule \"{}\" was due at {}", self.policy.schedule.as_deref()?, moment(since));
        let (policy, now) = (self.policy.clone(), self.now);
        let covers = Box::new(move |at| schedule::run_after(&policy, at).is_none_or(|run| run > now));
        Some(Cause { since, why, covers })
    }

    /// By the objective: more than four fifths of the time since the last good copy, whoever made it, are used up.
    fn objective(&self, rpo: &Rpo, items: &[Item]) -> Option<Cause> {
        let Rpo::Within(limit) = rpo else { return None };
        let early = limit.checked_mul(4).map_or(*limit, |four| four / 5);
        let (now, limit_said) = (self.now, text::quantity::span(*limit));
        let later = move |at: Timestamp| at.saturating_add(early).unwrap_or(Timestamp::MAX);
        let last = items.iter().filter(|item| item.worth == Worth::Good).filter_map(|item| item.cut).max();
        let (since, why) = match last {
            Some(cut) => (
                later(cut),
                format!("last good copy cut {} ago, objective {limit_said}", text::age(now.duration_since(cut))),
            ),
            None => (self.claim.meta.created.unwrap_or(now), format!("no good copy yet, objective {limit_said}")),
        };
        (since <= now).then(|| Cause { since, why, covers: Box::new(move |at| later(at) > now) })
    }

    fn prune(&self, uses: &Uses) -> Option<Due> {
        if self.policy.keep.is_empty() {
            return None;
        }
        // What is refused now is no moment to delete; the backup says what is wrong.
        let options = prune::Options::default();
        let seen: Preview = prune::preview(self.world, self.claim, &options, uses, self.now).ok()?;
        let going: Vec<_> = seen.going().collect();
        let oldest = going.first()?;
        let since = oldest.item.cut.or(oldest.item.created).unwrap_or(self.now);
        let copies = text::plural(going.len(), "copy is", "copies are");
        let due = self.due(What::Prune, since, format!("{copies} kept by no rule ({})", seen.keep.said()));
        let blocked = seen.mass().then(|| {
            let count = going.len();
            format!("{count} copies at once wait for a person: holdfast prune {}", due.path)
        });
        Some(Due { blocked, ..due })
    }

    fn drill(&self, items: &[Item]) -> Option<Due> {
        let metas = || items.iter().filter_map(|item| self.world.inventory.meta(item.object.kind, &item.uid));
        let last = metas().filter_map(|meta| Some(proven(meta)?.at)).max();
        // What failed is tried again when the next one is due, not before.
        let failed = metas().filter_map(|meta| Some(failed(meta)?.at)).max();
        let since = schedule::drill_after(self.policy, last.max(failed).or(self.claim.meta.created)?)?;
        let said = last.map_or_else(|| "no copy was proven yet".to_owned(), |at| format!("last proven {}", moment(at)));
        let tried = failed.map(|at| format!(", last failed {}", moment(at))).unwrap_or_default();
        let blocked = newest_point(items).is_none().then(|| NOTHING_TO_DRILL.to_owned());
        let due = self.due(What::Drill, since, format!("{said}{tried}"));
        (since <= self.now).then_some(Due { blocked, ..due })
    }
}

/// The newest good copy that nobody else deletes.
fn newest(items: &[Item]) -> Option<Timestamp> {
    own(items).filter(|item| item.worth == Worth::Good).filter_map(|item| item.cut).max()
}

/// The newest attempt of ours that is no good copy (yet).
fn attempt(items: &[Item]) -> Option<&Item> {
    let open = |item: &&Item| matches!(item.worth, Worth::Failed(_) | Worth::Unfinished(_));
    own(items).filter(open).max_by_key(|item| item.created)
}

fn own(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| !item.ties.iter().any(|tie| matches!(tie, retention::Tie::Foreign(_))))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
