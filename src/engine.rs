//! Runs confirmed plans: the only holder of the hands.
//!
//! It reads, judges, performs and journals, and knows no feature. The order of every effect: journal on disk,
//! operation object in the cluster (compare-and-swap), effect, observation, outcome. A write is never repeated
//! without having looked first, and never believed without having looked after.

mod anchors;
mod approvals;
mod books;
mod close;
mod colleagues;
mod handshake;
mod held;
mod locks;
mod machine;
mod observe;
mod perform;
mod permit;
mod record;
mod run;
mod runs;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::books::Books;
use self::handshake::Looks;
use crate::cluster::{Eyes, Hands};
use crate::journal::Entry;
use crate::plan::{Authority, Confirmed, End, OperationId, Plan, StepId};
use crate::store::{Store, StoreError};

pub use anchors::remembered;
pub use approvals::{Approval, Approving, MANIFEST as APPROVAL_POLICY};
pub use colleagues::{Colleague, LockSeen, colleagues};
pub use locks::{LOCK, LockError};
pub use machine::host;
pub use record::RecordError;
pub use runs::{RunRecord, RunRecordError, RunSeen, run_record, runs};

/// How often objects are looked at while a step waits.
const POLL: Duration = Duration::from_millis(300);

/// What a running operation reports. The journal's entries are the truth; the rest is for people meanwhile.
#[derive(Clone, Debug)]
pub enum Report {
    /// The operation began, or goes on, with these entries on disk.
    Began(Box<Plan>, Vec<Entry>),
    /// An entry is on disk.
    Entry(Entry),
    /// A step waits: what for, and until when.
    Waiting {
        /// The step.
        step: StepId,
        /// What for, and what is wrong meanwhile.
        what: String,
        /// Its deadline.
        until: Timestamp,
    },
    /// The run is over, one way or another.
    Over(Result<End, EngineError>),
}

/// Why a run is over although its operation has not ended. It can be resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The journal cannot be written, so nothing may be done.
    #[error("the journal cannot be written: {0}; make room, then resume the operation")]
    Journal(String),
    /// What was done is being taken back, and a step of that cannot go on.
    #[error("taking back what was done is held up at: {title}: {why}; clear it, then resume: it goes on taking back")]
    WayBack {
        /// The step.
        title: String,
        /// What is in its way.
        why: String,
    },
    /// The record in the cluster cannot be kept.
    #[error("{0}")]
    Record(#[from] RecordError),
    /// One of these, and what was opened could not be seen closed before the run ended.
    #[error("{cause}; not seen released: {}", held.join("; "))]
    Unsettled {
        /// Why the run is over.
        cause: Box<EngineError>,
        /// What is still owed, and why it could not be done.
        held: Vec<String>,
    },
    /// A lock cannot be taken.
    #[error("{0}")]
    Lock(#[from] LockError),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Journal(crate::text::chain(&error))
    }
}

/// A handle on a running operation.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub id: OperationId,
    stop: watch::Sender<Option<String>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Asks it to stop after the current step; what is owed still runs.
    pub fn stop(&self, who: &str) {
        self.stop.send_replace(Some(who.to_owned()));
    }

    /// Ends the run where it is, as the end of the process would, and lets go of its journal. The operation is
    /// interrupted and can be resumed.
    pub async fn abandon(self) {
        self.task.abort();
        // Its end by being aborted is what was asked for.
        let _ = self.task.await;
    }
}

/// Runs plans on one cluster.
#[derive(Clone)]
pub struct Engine {
    eyes: Eyes,
    hands: Hands,
    store: Store,
    /// How long a lock holds without being renewed.
    lock: Duration,
    books: Books,
    /// When pods were shaken hands with last.
    looks: Looks,
}

impl Engine {
    /// An engine with these hands, journalling to this store, whose locks hold for so long without being renewed.
    pub fn new(eyes: Eyes, hands: Hands, store: Store, lock: Duration) -> Self {
        // A Lease counts whole seconds.
        let lock = Duration::from_secs(lock.as_secs() + u64::from(lock.subsec_nanos() > 0)).max(Duration::from_secs(1));
        Self { eyes, hands, store, lock, books: Books::default(), looks: Looks::default() }
    }

    /// The same for one run, with books of its own.
    fn for_a_run(&self) -> Self {
        Self { books: Books::default(), looks: Looks::default(), ..self.clone() }
    }

    /// Starts a confirmed plan. Reports go to `reports`; the run waits for whoever reads them.
    pub fn start(&self, confirmed: Confirmed, reports: mpsc::Sender<Report>) -> Running {
        let (stop, stopped) = watch::channel(None);
        let id = confirmed.plan().id.clone();
        let engine = self.for_a_run();
        let task = tokio::spawn(async move {
            let begun = run::Run::begin(engine, confirmed, reports.clone(), stopped).await;
            let over = run::over(begun).await;
            // Nobody may be left to hear it; the journal has it all.
            let _ = reports.send(Report::Over(over)).await;
        });
        Running { id, stop, task }
    }

    /// Goes on with an interrupted operation, on somebody's word. One that has ended only gets its record in the
    /// cluster settled, in case the console died between the two.
    pub fn resume(&self, id: &OperationId, who: &str, reports: mpsc::Sender<Report>) -> Running {
        let (stop, stopped) = watch::channel(None);
        let (engine, operation) = (self.for_a_run(), id.clone());
        let authority = Authority::Resumed { operation: id.clone(), who: who.to_owned() };
        let task = tokio::spawn(async move {
            let resumed = run::Run::resume(engine, operation, authority, reports.clone(), stopped).await;
            let over = run::over(resumed).await;
            // Nobody may be left to hear it; the journal has it all.
            let _ = reports.send(Report::Over(over)).await;
        });
        Running { id: id.clone(), stop, task }
    }
}
