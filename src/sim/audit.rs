//! What was asked of the API, by whom, and how it was answered.
//!
//! This is the judge of read-only mode in tests, as the audit log is on a real cluster. It keeps
//! no bodies: they can hold Secrets.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Older entries go when there are more than this.
const KEPT: usize = 100_000;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Also sent as the `Audit-Id` header.
    pub id: String,
    /// On the cluster's clock.
    pub at: Timestamp,
    /// User name; empty when no token was known.
    pub user: String,
    /// get, list, watch, create, update, patch, delete, deletecollection or connect.
    pub verb: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// API group; empty for the core group and for paths that are no resource.
    pub group: String,
    /// Plural name of the resource; empty for paths that are no resource.
    pub resource: String,
    /// Empty when the object itself is meant.
    pub subresource: String,
    /// Empty for cluster-scoped requests.
    pub namespace: String,
    /// Empty for lists and creations.
    pub name: String,
    /// HTTP status of the answer.
    pub code: u16,
}

#[derive(Debug, Default)]
pub(crate) struct Audit(Mutex<VecDeque<AuditEvent>>);

impl Audit {
    pub fn record(&self, event: AuditEvent) {
        let mut events = self.events();
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
    }

    pub fn all(&self) -> Vec<AuditEvent> {
        self.events().iter().cloned().collect()
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<AuditEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
