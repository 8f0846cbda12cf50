//! Whether what is held of a kind can be believed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Reason;
use crate::model::{Freshness, Kind, World};
use crate::text;

/// How long rows of a broken watch still count. After that, judgements that stand on them are Unknown.
pub const STALE_LIMIT: SignedDuration = SignedDuration::from_mins(5);

/// How a kind is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Complete and current.
    Live,
    /// Complete at some time not long ago; counts until `until`.
    Recent { until: Timestamp, reason: Reason },
    /// The cluster does not serve it, so there are none.
    Absent,
    /// Not to be relied on.
    Blind(Reason),
}

impl Sight {
    /// Of a kind in one namespace; for cluster-scoped kinds, in the cluster.
    pub fn within(world: &World, kind: Kind, namespace: Option<&Arc<str>>, now: Timestamp) -> Self {
        let freshness = namespace.map_or_else(|| world.freshness(kind), |ns| world.freshness_in(kind, ns));
        Self::of(kind, freshness, now)
    }

    /// Of a kind, by the worst of its watches.
    pub fn all(world: &World, kind: Kind, now: Timestamp) -> Self {
        Self::of(kind, world.freshness(kind), now)
    }

    fn of(kind: Kind, freshness: &Freshness, now: Timestamp) -> Self {
        let resource = resource(kind);
        match freshness {
            Freshness::Live => Self::Live,
            Freshness::Absent => Self::Absent,
            Freshness::Loading => Self::Blind(Reason::new(format!("{resource} are still loading"))),
            Freshness::Denied { verb } => Self::Blind(
                Reason::new(format!("not allowed to {verb} {resource}"))
                    .next(format!("ask for get, list and watch on {resource}")),
            ),
            Freshness::Stale { since, why } => {
                let until = since.saturating_add(STALE_LIMIT).unwrap_or(Timestamp::MAX);
                let age = text::age(now.duration_since(*since));
                let reason = Reason::new(format!("{resource} were last seen {age} ago: {why}"));
                if now < until { Self::Recent { until, reason } } else { Self::Blind(reason) }
            }
        }
    }

    /// Why it is not to be relied on.
    pub fn blind(&self) -> Option<&Reason> {
        if let Self::Blind(reason) = self { Some(reason) } else { None }
    }

    /// Until when, and why not longer.
    pub fn recent(&self) -> Option<(Timestamp, &Reason)> {
        if let Self::Recent { until, reason } = self { Some((*until, reason)) } else { None }
    }
}

/// A kind as RBAC and `kubectl` name it: `volumesnapshots.snapshot.storage.k8s.io`.
pub(super) fn resource(kind: Kind) -> String {
    let spec = kind.spec();
    if spec.group.is_empty() { spec.plural.to_owned() } else { format!("{}.{}", spec.plural, spec.group) }
}
