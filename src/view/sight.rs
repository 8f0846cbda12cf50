//! How far the rows of a pane can be believed, in one word.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Level, Pane};
use crate::model::{Connection, Freshness, Kind, Watched, World};
use crate::text;

/// How a pane is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// How bad it is.
    pub level: Level,
    /// LIVE, LOADING, STALE 42s, DENIED list, NOT SERVED.
    pub word: String,
    /// Which kind and why; empty when all is well.
    pub why: String,
}

impl Pane {
    /// Kinds without which it says little: most of its rows are theirs.
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Volumes => &[Kind::Pvc, Kind::Pv],
            Self::RestorePoints => &[Kind::VolumeSnapshot, Kind::Content],
            Self::Certificates => &[Kind::TlsSecret, Kind::Certificate],
            Self::Findings => &[],
        }
    }
}

/// How a pane is seen: by the worst of its kinds. A kind that is not served matters only when no other is.
pub fn sight(world: &World, pane: Pane, now: Timestamp) -> Sight {
    if pane == Pane::Findings {
        return of_findings(world);
    }
    let of = |kind: &Kind| (*kind, world.freshness(*kind));
    let served = pane.kinds().iter().map(of).filter(|(_, freshness)| **freshness != Freshness::Absent);
    match served.max_by_key(|(_, freshness)| rank(freshness)) {
        Some((kind, freshness)) => say(kind, freshness, now),
        None => Sight {
            level: Level::Info,
            word: "NOT SERVED".into(),
            why: format!("this cluster does not serve {}", pane.kinds().first().map_or("", |kind| kind.spec().plural)),
        },
    }
}

/// How the sources of findings are seen. What could not be read makes every copy unknown, so it is said here.
fn of_findings(world: &World) -> Sight {
    let unread = world.findings.unread();
    let seen = |level, word: &str, why: String| Sight { level, word: word.to_owned(), why };
    match (world.findings.watched(), unread) {
        (Watched::Nowhere, _) => {
            let why = "Name where a pipeline leaves its SARIF: findings.sources in the configuration.";
            seen(Level::Info, "NOT SET UP", why.to_owned())
        }
        (Watched::Reading, _) => seen(Level::Unknown, "LOADING", String::new()),
        (Watched::Read, []) => seen(Level::Ok, "LIVE", String::new()),
        (Watched::Read, [first, rest @ ..]) => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            seen(Level::Warn, "NOT ALL READ", format!("{}{more}", text::sanitize(first)))
        }
    }
}

/// How the connection stands.
pub fn connection(world: &World, now: Timestamp) -> Sight {
    match &world.connection {
        Connection::Connecting => Sight { level: Level::Unknown, word: "connecting".into(), why: String::new() },
        Connection::Up => Sight { level: Level::Ok, word: "connected".into(), why: String::new() },
        Connection::Down { since, why } => Sight {
            level: Level::Critical,
            word: format!("down {}", text::age(now.duration_since(*since))),
            why: text::sanitize(why).into_owned(),
        },
    }
}

/// How a kind is seen in a namespace, or in the cluster.
pub(super) fn of_kind(world: &World, kind: Kind, namespace: Option<&Arc<str>>, now: Timestamp) -> Sight {
    let Some(namespace) = namespace.filter(|_| kind.spec().namespaced) else {
        return say(kind, world.freshness(kind), now);
    };
    let looked_at = &world.context.namespaces;
    if !world.everywhere(kind) && !looked_at.is_empty() && !looked_at.contains(namespace) {
        let namespace = text::sanitize(namespace);
        let why = format!("namespace {namespace} is not among those of this context");
        return Sight { level: Level::Unknown, word: "NOT LOOKED AT".into(), why };
    }
    say(kind, world.freshness_in(kind, namespace), now)
}

/// Why the objects of a kind are not seen whole; `None` when they are, or when the cluster does not serve the kind. What
/// the cluster said stands in it as it came.
pub fn blind_spot(kind: Kind, freshness: &Freshness) -> Option<String> {
    let plural = kind.spec().plural;
    match freshness {
        Freshness::Live | Freshness::Absent => None,
        Freshness::Loading => Some(format!("{plural} were not listed")),
        Freshness::Stale { why, .. } => Some(format!("{plural} are stale: {why}")),
        Freshness::Denied { verb } => Some(format!("{plural} are not seen: the right to {verb} them is missing")),
    }
}

fn rank(freshness: &Freshness) -> u8 {
    match freshness {
        Freshness::Live | Freshness::Absent => 0,
        Freshness::Loading => 1,
        Freshness::Stale { .. } => 2,
        Freshness::Denied { .. } => 3,
    }
}

fn say(kind: Kind, freshness: &Freshness, now: Timestamp) -> Sight {
    let plural = kind.spec().plural;
    let (level, word, why) = match freshness {
        Freshness::Live => (Level::Ok, "LIVE".to_owned(), String::new()),
        Freshness::Loading => (Level::Unknown, "LOADING".to_owned(), format!("{plural} are being listed")),
        Freshness::Absent => (Level::Info, "NOT SERVED".to_owned(), format!("this cluster does not serve {plural}")),
        Freshness::Stale { since, why } => {
            let word = format!("STALE {}", text::age(now.duration_since(*since)));
            (Level::Stale, word, format!("{plural}: {}", text::sanitize(why)))
        }
        Freshness::Denied { verb } => {
            let verb = text::sanitize(verb);
            (Level::Critical, format!("DENIED {verb}"), format!("not allowed to {verb} {plural}; ask for that right"))
        }
    };
    Sight { level, word, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Delta, Scope};

    #[test]
    fn the_worst_kind_speaks_for_the_pane() {
        let now = Timestamp::from_second(1_000).unwrap();
        let mut world = World::default();
        let said = |world: &World| sight(world, Pane::RestorePoints, now).word;
        assert_eq!(said(&world), "LOADING");
        world.apply(Delta::Absent(Kind::VolumeSnapshot, Scope::All), now);
        world.apply(Delta::Absent(Kind::Content, Scope::All), now);
        assert_eq!(said(&world), "NOT SERVED");
        world.apply(Delta::ListDone(Kind::VolumeSnapshot, Scope::All), now);
        assert_eq!(said(&world), "LIVE", "the other kind is not served, this one is");
        let then = Timestamp::from_second(958).unwrap();
        world.apply(Delta::Failed(Kind::VolumeSnapshot, Scope::All, "connection refused".into()), then);
        assert_eq!(said(&world), "STALE 42s");
        world.apply(Delta::Denied(Kind::Content, Scope::All, "list".into()), now);
        assert_eq!(said(&world), "DENIED list");
    }
}
