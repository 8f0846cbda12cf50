//! What a watch reports, and how fresh what it reported is.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Kind, Meta, Object, Opened, Shaken, UsageReport};

/// What part of the cluster a watch covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole cluster.
    All,
    /// One namespace.
    Namespace(Arc<str>),
}

impl Scope {
    /// Whether an object lies within it.
    pub fn holds(&self, meta: &Meta) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => meta.namespace.as_ref() == Some(namespace),
        }
    }
}

/// How far the rows of one kind can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The first list is under way; rows may be missing.
    Loading,
    /// List complete and watch running.
    Live,
    /// The watch broke; rows are as they were then.
    Stale {
        /// When it broke.
        since: Timestamp,
        /// Why, for people.
        why: Box<str>,
    },
    /// The identity may not read this kind.
    Denied {
        /// The verb that was refused.
        verb: Box<str>,
    },
    /// The cluster does not serve this kind.
    Absent,
}

impl Freshness {
    /// Whether rows are complete and current.
    pub fn live(&self) -> bool {
        matches!(self, Self::Live)
    }
}

/// The state of the connection to the API server as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// No answer yet.
    #[default]
    Connecting,
    /// The server answers.
    Up,
    /// It does not, since then.
    Down {
        /// When the first call failed.
        since: Timestamp,
        /// Why, for people.
        why: Box<str>,
    },
}

/// One thing that changed in what is known of the cluster.
#[derive(Clone, Debug)]
pub enum Delta {
    /// A list run begins; rows that follow carry its generation.
    ListStarted(Kind, Scope),
    /// An object was listed, added or changed.
    Upsert(Box<Object>, Scope),
    /// An object is gone.
    Gone(Box<Object>),
    /// The list run is complete; what it did not see is gone.
    ListDone(Kind, Scope),
    /// The watch broke and will be tried again.
    Failed(Kind, Scope, Box<str>),
    /// Reading is forbidden: this verb.
    Denied(Kind, Scope, Box<str>),
    /// The kind is not served.
    Absent(Kind, Scope),
    /// An object of this kind could not be read and is left out: its name and why.
    Unreadable(Kind, Box<str>, Box<str>),
    /// The connection changed.
    Connection(Connection),
    /// The credentials of this console end then; `None` when that is not known.
    Login(Option<Timestamp>),
    /// The source of used space was asked.
    Usage(UsageReport),
    /// A keystore was opened with a password that stands elsewhere, or could not be.
    Opened(Box<Opened>),
    /// Servers in pods were shaken hands with.
    Shaken(Vec<Shaken>),
}
