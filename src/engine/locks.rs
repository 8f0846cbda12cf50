//! Holding locks: taking Leases before the first effect, renewing them beside the run, giving them back at the end.
//!
//! Every write of a Lease is a creation or a compare-and-swap. Two clocks watch over a lock that is held: one of them
//! stands still while the machine sleeps, the other may be set. Whether an operation goes on elsewhere is the record's
//! to say ([`super::record`]); a lock only says whether the next intent may be written here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::{Engine, POLL, Report, machine, record};
use crate::cluster::WriteError;
use crate::journal::Run;
use crate::model::annotation;
use crate::plan::lock::{Holder, Standing, note, standing};
use crate::plan::{Lock, OperationId, StepId};
use crate::store::now;

/// How long a lock holds without being renewed, unless configured.
pub const LOCK: Duration = Duration::from_secs(30);
/// A lock that is said to hold for longer than this is not waited for that long before it is taken over.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// How often a write that did not succeed is tried again, each time after looking.
const TRIES: u32 = 5;

/// Why an operation does not get its locks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Another operation works on the same data.
    #[error("another operation works on the same data: {}; {}", .0.said(), crate::plan::lock::in_the_way())]
    Held(Box<Holder>),
    /// The Lease cannot be read or written.
    #[error("the lock {at} cannot be taken: {why}; nothing was changed, resume when it can be")]
    Unavailable {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
    /// The lock was taken, and the operation that had it before could not be told.
    #[error(transparent)]
    Fence(#[from] record::RecordError),
}

/// Whether the locks are held right now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// They are.
    Held,
    /// They may not be any more, and cannot be renewed now: why.
    Doubtful(String),
    /// One of them is not: why.
    Lost(String),
}

/// A moment by two clocks.
#[derive(Clone, Copy, Debug)]
struct Moment(Instant, Timestamp);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), now())
    }

    /// Whether less than this has passed by both clocks.
    fn within(self, span: Duration) -> bool {
        let wall = now().duration_since(self.1);
        let span_by_wall = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        self.0.elapsed() < span && wall < span_by_wall && !wall.is_negative()
    }
}

/// One Lease that was taken.
#[derive(Debug)]
struct Kept {
    lock: Lock,
    /// As it was written last; its version makes the next write conditional.
    lease: Value,
    /// When the last renewal that succeeded was sent.
    renewed: Moment,
    lost: Option<String>,
}

/// The locks of one run. Dropped, they are renewed no more and run out.
#[derive(Debug, Default)]
pub(super) struct Locks {
    kept: Arc<Mutex<Vec<Kept>>>,
    renewal: Option<Renewal>,
}

#[derive(Debug)]
struct Renewal(JoinHandle<()>);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Locks {
    /// Takes the locks of an operation, always in the same order, so that no two operations wait for each other.
    pub(super) async fn take(engine: &Engine, run: &Run, reports: &mpsc::Sender<Report>) -> Result<Self, LockError> {
        let mut locks = run.plan.locks.clone();
        locks.sort();
        locks.dedup();
        let mut taken = Self::default();
        for lock in locks {
            match (Taking { engine, run, lock: &lock, reports }).take().await {
                Ok(kept) => taken.kept.lock().await.push(kept),
                Err(error) => {
                    taken.give_back(engine, run.id()).await;
                    return Err(error);
                }
            }
        }
        taken.renewal =
            Some(Renewal(tokio::spawn(renew_all(engine.clone(), run.id().clone(), Arc::clone(&taken.kept)))));
        Ok(taken)
    }

    /// Whether the next intent may be written; a lock that is in doubt is renewed first.
    pub(super) async fn hold(&self, engine: &Engine, id: &OperationId) -> Hold {
        let mut kept = self.kept.lock().await;
        for kept in kept.iter_mut() {
            let mut why = None;
            if kept.lost.is_none() && !kept.renewed.within(engine.lock) {
                why = renew(engine, id, kept).await.err();
            }
            if let Some(lost) = &kept.lost {
                return Hold::Lost(lost.clone());
            }
            if let Some(why) = why {
                return Hold::Doubtful(format!("the lock {} to be renewed, which ran out: {why}", kept.lock.at()));
            }
        }
        Hold::Held
    }

    /// Gives the locks back: who comes next need not wait until they run out.
    pub(super) async fn give_back(&mut self, engine: &Engine, id: &OperationId) {
        // What is being renewed is awaited: its version counts.
        let mut kept = self.kept.lock().await;
        self.renewal = None;
        for kept in kept.drain(..).filter(|kept| kept.lost.is_none()) {
            give_back(engine, id, &kept.lock, Some(kept.lease)).await;
        }
    }
}

/// Gives the locks of an operation back that has ended while its console died.
pub(super) async fn give_back_left(engine: &Engine, run: &Run) {
    for lock in &run.plan.locks {
        give_back(engine, run.id(), lock, None).await;
    }
}

async fn give_back(engine: &Engine, id: &OperationId, lock: &Lock, lease: Option<Value>) {
    let at = lock.at();
    let mut known = lease;
    for _ in 0..TRIES {
        let lease = match known.take() {
            Some(lease) => Some(lease),
            // What cannot be read runs out by itself.
            None => engine.read(&at).await.unwrap_or_default(),
        };
        let Some(mut lease) = lease.filter(|lease| standing(Some(lease), id, now()) == Standing::Own) else { return };
        if let Some(spec) = lease.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("holderIdentity");
        }
        match engine.hands.put(&at.resource, at.namespace.as_deref(), &at.name, &lease, false).await {
            Ok(_) => return,
            Err(error) => tracing::warn!(operation = %id, lease = %at, %error, "a lock could not be given back"),
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn renew_all(engine: Engine, id: OperationId, all: Arc<Mutex<Vec<Kept>>>) {
    loop {
        tokio::time::sleep(engine.lock / 3).await;
        for kept in all.lock().await.iter_mut().filter(|kept| kept.lost.is_none()) {
            if let Err(why) = renew(&engine, &id, kept).await {
                tracing::warn!(operation = %id, lease = %kept.lock.at(), why, "a lock could not be renewed");
            }
        }
    }
}

/// Renews one Lease; `Err` when that is not known to have succeeded.
async fn renew(engine: &Engine, id: &OperationId, kept: &mut Kept) -> Result<(), String> {
    let at = kept.lock.at();
    let mut why = String::new();
    for _ in 0..2 {
        let sent = Moment::now();
        kept.lease["spec"]["renewTime"] = json!(micro(sent.1));
        match engine.hands.put(&at.resource, at.namespace.as_deref(), &at.name, &kept.lease, false).await {
            Ok(written) => {
                engine.books.note(&at, &written);
                (kept.lease, kept.renewed) = (written.object, sent);
                return Ok(());
            }
            // Somebody wrote it meanwhile: perhaps this console, by a request whose answer was lost.
            Err(WriteError::Refused(error)) if error.conflict() || error.not_found() => why = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
        let lease = engine.read(&at).await?;
        match standing(lease.as_ref(), id, now()) {
            Standing::Own => kept.lease = lease.unwrap_or_default(),
            Standing::Free => kept.lost = Some(format!("the lock {at} was given back by somebody else")),
            Standing::Held(holder) | Standing::RunOut(holder) => {
                kept.lost = Some(format!("another console took the lineage over: {}", holder.who()));
            }
        }
        if kept.lost.is_some() {
            break;
        }
    }
    Err(why)
}

/// One lock being taken.
struct Taking<'a> {
    engine: &'a Engine,
    run: &'a Run,
    lock: &'a Lock,
    reports: &'a mpsc::Sender<Report>,
}

impl Taking<'_> {
    async fn take(&self) -> Result<Kept, LockError> {
        let at = self.lock.at();
        let unavailable = |why: String| LockError::Unavailable { at: at.to_string(), why };
        let mut why = "it kept changing".to_owned();
        for _ in 0..TRIES {
            let found = self.engine.read(&at).await.map_err(unavailable)?;
            let former = match standing(found.as_ref(), self.run.id(), now()) {
                Standing::Held(holder) => return Err(LockError::Held(Box::new(holder))),
                Standing::RunOut(holder) if !self.stays_as_it_is(found.as_ref(), &holder).await? => continue,
                Standing::RunOut(holder) => Some(holder),
                Standing::Free | Standing::Own => None,
            };
            let sent = Moment::now();
            match self.write(found.as_ref(), former.as_ref(), sent).await {
                Ok(lease) => return self.taken(lease, sent).await,
                Err(WriteError::Refused(error)) if !error.conflict() && !error.temporary() => {
                    return Err(unavailable(error.to_string()));
                }
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(POLL).await;
        }
        Err(unavailable(why))
    }

    /// The lock was taken. If another operation had it, that one must not write any more before this one does.
    async fn taken(&self, lease: Value, renewed: Moment) -> Result<Kept, LockError> {
        if let Some(former) = text(&lease, &annotation::pointer(note::TOOK_OVER)) {
            record::fence(self.engine, former, &self.lock.namespace, self.run).await?;
        }
        Ok(Kept { lock: self.lock.clone(), lease, renewed, lost: None })
    }

    /// Whether a lock that ran out by the clocks is renewed by nobody for as long as it would hold: clocks of two
    /// machines may differ, and the other one may be well.
    async fn stays_as_it_is(&self, found: Option<&Value>, holder: &Holder) -> Result<bool, LockError> {
        let version =
            |lease: Option<&Value>| lease.and_then(|lease| text(lease, "/metadata/resourceVersion")).map(str::to_owned);
        let first = version(found);
        let span = Duration::try_from(holder.duration.min(LONGEST)).unwrap_or_default();
        let (began, until) = (Instant::now(), now().checked_add(span).unwrap_or(Timestamp::MAX));
        let what = format!("{} to renew its lock, which ran out: it is taken over unless it does", holder.who());
        let step = StepId(LOCK_STEP.into());
        // When nobody listens any more the operation still goes on.
        let _ = self.reports.send(Report::Waiting { step, what, until }).await;
        while began.elapsed() < span {
            tokio::time::sleep(POLL.min(span)).await;
            let at = self.lock.at();
            let again = self.engine.read(&at).await;
            let again = again.map_err(|why| LockError::Unavailable { at: at.to_string(), why })?;
            if version(again.as_ref()) != first {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn write(&self, found: Option<&Value>, former: Option<&Holder>, sent: Moment) -> Result<Value, WriteError> {
        let at = self.lock.at();
        let lease = self.manifest(found, former, sent.1);
        let (hands, namespace) = (&self.engine.hands, at.namespace.as_deref());
        let written = match found {
            None => hands.create(&at.resource, namespace, &lease, false).await,
            Some(_) => hands.put(&at.resource, namespace, &at.name, &lease, false).await,
        };
        written.inspect(|written| self.engine.books.note(&at, written)).map(|written| written.object)
    }

    fn manifest(&self, found: Option<&Value>, former: Option<&Holder>, sent: Timestamp) -> Value {
        let at = self.lock.at();
        let own = found.filter(|lease| standing(Some(lease), self.run.id(), sent) == Standing::Own);
        let mut notes = json!({
            annotation::OPERATION: self.run.id().as_str(),
            annotation::LINEAGE: self.lock.lineage.as_str(),
            note::ACTOR: self.run.authority.who(),
            note::MACHINE: machine::host(),
            note::TITLE: self.run.plan.title,
        });
        // An operation that died between taking a lock over and telling so has to tell it when it goes on.
        let former = former.map(|holder| holder.operation.as_str());
        if let Some(former) = former.or_else(|| text(own?, &annotation::pointer(note::TOOK_OVER))) {
            notes[note::TOOK_OVER] = json!(former);
        }
        let transitions = found.and_then(|lease| lease.pointer("/spec/leaseTransitions")).and_then(Value::as_u64);
        let changed = u64::from(found.is_some() && own.is_none());
        let acquired =
            own.and_then(|lease| text(lease, "/spec/acquireTime")).map_or_else(|| micro(sent), str::to_owned);
        let mut lease = json!({
            "apiVersion": at.resource.api_version(),
            "kind": at.resource.kind,
            "metadata": {
                "name": at.name, "namespace": at.namespace,
                "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 }, "annotations": notes,
            },
            "spec": {
                "holderIdentity": self.run.id().as_str(),
                "leaseDurationSeconds": self.engine.lock.as_secs().max(1),
                "acquireTime": acquired,
                "renewTime": micro(sent),
                "leaseTransitions": transitions.unwrap_or(0) + changed,
            },
        });
        if let Some(version) = found.and_then(|lease| text(lease, "/metadata/resourceVersion")) {
            lease["metadata"]["resourceVersion"] = json!(version);
        }
        lease
    }
}

/// Where an operation ends that does not get its locks.
pub(super) const LOCK_STEP: &str = "lock";

/// A time as a Lease has it: with six digits of a second.
fn micro(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.pointer(field).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_past_as_soon_as_one_clock_says_so() {
        let hour = Duration::from_secs(3600);
        let (instant, wall) = (Instant::now(), now());
        assert!(Moment(instant, wall).within(hour));
        let slept = wall.checked_sub(SignedDuration::from_hours(2)).unwrap();
        assert!(!Moment(instant, slept).within(hour), "the machine slept, and only the wall clock knows");
        let set_back = wall.checked_add(SignedDuration::from_hours(2)).unwrap();
        assert!(!Moment(instant, set_back).within(hour), "a clock that was set back proves nothing");
        assert!(!Moment(instant, wall).within(Duration::ZERO));
    }

    #[test]
    fn a_time_of_a_lease_has_six_digits() {
        assert_eq!(micro(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
