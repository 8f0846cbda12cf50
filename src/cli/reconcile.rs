//! `holdfast reconcile`: does what policies ask for and is due, and ends. Made for a CronJob.
//!
//! Backups come first, the longest due before others, then prunes, then drills; each through a plan like any other,
//! confirmed by its policy. Right before each it is asked again whether it is still due. A volume whose backup failed is
//! not pruned; its newest good copy is drilled all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, Reconcile};
use super::prune::worse;
use super::{Exit, Failure, describe, open, operations, out, verb};
use crate::assess::retention::Uses;
use crate::cluster::tell_webhook;
use crate::config::WebhookUrl;
use crate::model::{Kind, Uid, World};
use crate::plan::prune;
use crate::plan::reconcile::{Due, What, again, due, request};
use crate::session::{Session, Unnamed};
use crate::store::{now, write_whole};
use crate::text;
use crate::view::{Mishap, Outcome, metrics};

/// Kinds that decide what is due, and that plans look at.
const KINDS: &[Kind] = &[
    Kind::Pvc,
    Kind::Pv,
    Kind::VolumeSnapshot,
    Kind::Content,
    Kind::SnapshotClass,
    Kind::StorageClass,
    Kind::Pod,
    Kind::VeleroBackup,
    Kind::VeleroSchedule,
    Kind::BackupLocation,
    Kind::DataUpload,
    Kind::PodVolumeBackup,
];

/// How long the watches may take to show what an operation did.
const SHOWN: Duration = Duration::from_secs(60);

pub(super) async fn run(global: &Global, reconcile: &Reconcile) -> Result<Exit, Failure> {
    let webhook = reconcile.webhook.as_deref().map(str::parse::<WebhookUrl>).transpose();
    let webhook = webhook.map_err(|why| Failure::new(Exit::Usage, why))?;
    let mut session = open::session(global, KINDS, Unnamed::All)?;
    if session.config().policy.named.is_empty() {
        let message = "there is no policy; name a policy file with --policy, or as policy_file in the configuration";
        return Err(Failure::new(Exit::Usage, message));
    }
    let opened = open::settle(&mut session, KINDS).await;
    let whole = opened.is_ok() && open::warn_of_blind_spots(&session, KINDS);
    if reconcile.dry_run {
        opened?;
        return print(&session, whole);
    }
    let mut round = Round::new(global.context.as_deref());
    match opened {
        Ok(()) if session.desk().world.context.read_only => {
            let message = "this console is read-only; `reconcile --dry-run` says what is due";
            return Err(Failure::new(Exit::Refused, message));
        }
        Ok(()) => round.go(&mut session).await?,
        Err(failure) => round.unseen(&session, &failure),
    }
    if !whole {
        round.worst = worse(round.worst, Exit::Unknown);
    }
    round.end(&session, reconcile, webhook.as_ref()).await
}

fn line(due: &Due) -> String {
    let blocked = due.blocked.as_ref().map(|why| format!("; not now: {why}")).unwrap_or_default();
    let said = format!("{:<6}  {}  policy {}: {}{blocked}", due.what.word(), due.path, due.policy, due.why);
    text::sanitize(&said).into_owned()
}

fn print(session: &Session, whole: bool) -> Result<Exit, Failure> {
    let all = due(&session.desk().world, now());
    all.iter().try_for_each(|due| out::line(line(due)))?;
    if all.is_empty() {
        out::line("nothing is due")?;
    }
    Ok(if whole { Exit::Fine } else { Exit::Unknown })
}

/// One run.
struct Round<'a> {
    /// The context as it was given on the command line.
    named: Option<&'a str>,
    failures: Vec<Mishap>,
    /// Volumes whose backup failed.
    failed: BTreeSet<Uid>,
    backups: usize,
    pruned: usize,
    drills: usize,
    waiting: usize,
    /// Whether the cluster was seen at all.
    seen: bool,
    worst: Exit,
}

impl<'a> Round<'a> {
    fn new(named: Option<&'a str>) -> Self {
        let (failures, failed) = (Vec::new(), BTreeSet::new());
        let (backups, pruned, drills, waiting) = (0, 0, 0, 0);
        Self { named, failures, failed, backups, pruned, drills, waiting, seen: true, worst: Exit::Fine }
    }

    /// The cluster could not be looked at: nothing that may be due was done.
    fn unseen(&mut self, session: &Session, failure: &Failure) {
        let why = describe(&*failure.error);
        out::say(format_args!("holdfast: {why}"));
        let next = "see whether the API server can be reached, and whether this identity may read".to_owned();
        let object = session.desk().world.context.name.to_string();
        self.seen = false;
        self.failures.push(Mishap { what: "connect", object, why, next });
        self.worst = worse(self.worst, failure.exit);
    }

    async fn go(&mut self, session: &mut Session) -> Result<(), Failure> {
        for what in [What::Backup, What::Prune, What::Drill] {
            for planned in due(&session.desk().world, now()).into_iter().filter(|due| due.what == what) {
                if what != What::Drill && self.failed.contains(&planned.claim) {
                    continue;
                }
                // Somebody else may have done it meanwhile.
                let Some(still) = again(&session.desk().world, &planned, now()) else { continue };
                out::line(line(&still))?;
                self.one(session, &still).await?;
            }
        }
        Ok(())
    }

    async fn one(&mut self, session: &mut Session, due: &Due) -> Result<(), Failure> {
        match (&due.blocked, due.what) {
            (Some(_), What::Prune) => {
                self.waiting += 1;
                self.worst = worse(self.worst, Exit::Waiting);
                return Ok(());
            }
            (Some(why), What::Drill) => {
                self.fail(due, why.clone(), format!("holdfast backup {}", due.path));
                return Ok(());
            }
            (Some(why), What::Backup) => {
                let next = "see the events of the snapshot and of its content; the driver is asked again by itself";
                self.fail(due, why.clone(), next.to_owned());
                return Ok(());
            }
            (None, _) => {}
        }
        let copies = going(&session.desk().world, due);
        match self.carry_out(session, due).await {
            Ok(()) => match due.what {
                What::Backup => self.backups += 1,
                What::Prune => self.pruned += copies,
                What::Drill => self.drills += 1,
            },
            Err(failure) if failure.exit == Exit::Unread => return Err(failure),
            Err(failure) => {
                let why = describe(&*failure.error);
                out::say(format_args!("holdfast: {why}"));
                let next = match due.what {
                    What::Drill => {
                        "see in the restore point why, and mend it; it is tried again when it is due".to_owned()
                    }
                    what => format!("holdfast {} {}", what.word(), due.path),
                };
                self.fail(due, why, next);
            }
        }
        Ok(())
    }

    fn fail(&mut self, due: &Due, why: String, next: String) {
        self.failed.insert(due.claim.clone());
        self.failures.push(Mishap { what: due.what.word(), object: due.path.clone(), why, next });
        self.worst = worse(self.worst, Exit::Refused);
    }

    async fn carry_out(&self, session: &mut Session, due: &Due) -> Result<(), Failure> {
        let desk = session.desk();
        let request = request(&desk.world, due, &desk.defaults.backup, now());
        let request = request.map_err(|why| Failure::new(Exit::Refused, why))?;
        let reviewed = verb::plan(session, request).await?;
        verb::print_review(&reviewed, false)?;
        let confirmed = session.confirm(reviewed, |plan, who| plan.confirm_by_policy(self.named, &due.policy, who));
        verb::say_unkept(session);
        let id = verb::start(session, confirmed.map_err(verb::not_confirmed)?)?;
        operations::follow(session, &id).await?;
        shown(session, due).await;
        Ok(())
    }

    async fn end(
        self,
        session: &Session,
        reconcile: &Reconcile,
        webhook: Option<&WebhookUrl>,
    ) -> Result<Exit, Failure> {
        let world = &session.desk().world;
        let outcome = self.outcome(world, now());
        let mut worst = self.worst;
        if let Some(path) = &reconcile.metrics_file {
            write_whole(path, &metrics(world, &outcome, now()))?;
        }
        if let Some(url) = webhook.filter(|_| !outcome.failures.is_empty())
            && let Err(error) = tell_webhook(url, &message(world, &outcome)).await
        {
            out::say(format_args!("holdfast: {}", describe(&error)));
            worst = worse(worst, Exit::Refused);
        }
        let failed = text::plural(outcome.failures.len(), "failure", "failures");
        let backups = text::plural(outcome.backups, "backup", "backups");
        let pruned = text::plural(outcome.pruned, "copy deleted", "copies deleted");
        let drills = text::plural(outcome.drills, "copy proven", "copies proven");
        out::line(format_args!("{backups}, {pruned}, {drills}, {} waiting for a person, {failed}", outcome.waiting))?;
        Ok(worst)
    }

    fn outcome(&self, world: &World, ended: Timestamp) -> Outcome {
        let uses = Uses::of(world);
        let options = prune::Options::default();
        let looked =
            world.inventory.pvcs.iter().filter_map(|claim| prune::preview(world, claim, &options, &uses, ended).ok());
        let kept = looked.map(|seen| seen.decided.iter().filter(|one| one.kept).count()).sum();
        Outcome {
            ended,
            failures: self.failures.clone(),
            backups: self.backups,
            pruned: self.pruned,
            drills: self.drills,
            kept,
            drills_due: due(world, ended).iter().filter(|due| due.what == What::Drill).count(),
            waiting: self.waiting,
            seen: self.seen,
        }
    }
}

/// How many copies a prune will delete.
fn going(world: &World, due: &Due) -> usize {
    let claim = world.inventory.pvcs.get(&due.claim).filter(|_| due.what == What::Prune);
    let seen =
        claim.and_then(|claim| prune::preview(world, claim, &prune::Options::default(), &Uses::of(world), now()).ok());
    seen.map_or(0, |seen| seen.going().count())
}

/// Waits until the world shows what was done, so that what comes next decides on it. Later is no failure: the next plan
/// looks again by itself.
async fn shown(session: &mut Session, due: &Due) {
    let seen = async {
        while again(&session.desk().world, due, now()).is_some_and(|still| still.since == due.since) {
            session.next().await;
        }
    };
    if tokio::time::timeout(SHOWN, seen).await.is_err() {
        out::say(format_args!("holdfast: the {} of {} is not seen by the watches yet", due.what.word(), due.path));
    }
}

/// What a webhook is told.
fn message(world: &World, outcome: &Outcome) -> Value {
    let clean = |text: &str| text::sanitize(text).into_owned();
    let failures: Vec<Value> = outcome
        .failures
        .iter()
        .map(|failure| {
            json!({
                "what": failure.what,
                "object": clean(&failure.object),
                "why": clean(&failure.why),
                "next": clean(&failure.next),
            })
        })
        .collect();
    json!({
        "source": "holdfast reconcile",
        "context": clean(&world.context.name),
        "at": outcome.ended.to_string(),
        "text": format!("{} on {}", text::plural(failures.len(), "failure", "failures"), clean(&world.context.name)),
        "failures": failures,
    })
}
