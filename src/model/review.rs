//! Reviews: that a person looked at a topic, such as the findings, the backups or the certificates of a cluster, and
//! when somebody has to look again.
//!
//! What is known of them and how well that is known; whether one is overdue is judged in
//! [`assess::reviews`](crate::assess::reviews).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Freshness;

/// The topics that are reviewed every [`QUARTER`] unless it is said otherwise.
pub const TOPICS: [&str; 3] = ["backups", "certificates", "sast"];
/// A quarter of a year.
pub const QUARTER: SignedDuration = SignedDuration::from_hours(92 * 24);

/// One review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What was looked at. Untrusted text.
    pub topic: Arc<str>,
    /// Who looked. Untrusted text.
    pub by: Arc<str>,
    /// When it was finished.
    pub at: Timestamp,
    /// When the next one is due, where the reviewer said so.
    pub next: Option<Timestamp>,
    /// What was noted. Untrusted text.
    pub note: Box<str>,
}

/// What is known of reviews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviews {
    /// Every review that is known, in no order.
    pub known: Vec<Review>,
    /// How often each topic has to be reviewed.
    pub every: BTreeMap<Arc<str>, SignedDuration>,
    /// How well that is known: whoever fills it says when it is complete.
    pub freshness: Freshness,
}

impl Default for Reviews {
    /// Nothing is known yet.
    fn default() -> Self {
        let every = TOPICS.into_iter().map(|topic| (Arc::from(topic), QUARTER)).collect();
        Self { known: Vec::new(), every, freshness: Freshness::Loading }
    }
}

impl Reviews {
    /// The last review of a topic.
    pub fn last(&self, topic: &str) -> Option<&Review> {
        self.known.iter().filter(|one| &*one.topic == topic).max_by_key(|one| one.at)
    }
}
