//! Orders to the storage: how the snapshots of a claim shall go wrong.
//!
//! The same set as the lab's CSI driver understands. It holds the orders; the snapshot controller
//! carries them out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to snapshots of one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFault {
    /// Cut at once, ready after this long on the cluster's clock.
    ReadyAfter(Duration),
    /// The first attempt fails, the retry succeeds; the order is then used up.
    ErrorOnce,
    /// Every attempt fails with an internal error and is retried.
    ErrorAlways,
    /// Cut, and never ready.
    NeverReady,
    /// Ready, but the reported `restoreSize` is this many bytes.
    WrongSize(u64),
    /// The storage refuses for good, as for a volume it cannot snapshot.
    Refuses,
}

/// The orders of one cluster, by name of the claim (in any namespace).
#[derive(Debug, Default)]
pub struct SnapshotFaults(Mutex<BTreeMap<String, SnapshotFault>>);

impl SnapshotFaults {
    /// From now on, snapshots of claims with this name go so.
    pub fn order(&self, claim: &str, fault: SnapshotFault) {
        self.orders().insert(claim.to_owned(), fault);
    }

    /// Snapshots of claims with this name go well again.
    pub fn clear(&self, claim: &str) {
        self.orders().remove(claim);
    }

    /// The order for a claim; an order for one attempt is used up by this.
    pub(crate) fn take(&self, claim: &str) -> Option<SnapshotFault> {
        let mut orders = self.orders();
        match orders.get(claim).copied() {
            Some(SnapshotFault::ErrorOnce) => orders.remove(claim),
            other => other,
        }
    }

    /// The order for a claim, left as it is.
    pub(crate) fn standing(&self, claim: &str) -> Option<SnapshotFault> {
        self.orders().get(claim).copied()
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<String, SnapshotFault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
