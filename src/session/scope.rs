//! Which namespaces are looked at: chosen by a person, or the own one where all may not be listed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Message, Session};
use crate::cluster::{Access, AccessQuery};
use crate::model::{Freshness, Kind, Scope, World};
use crate::text;
use crate::view::Level;

/// At least this long between two questions whether the own namespace may be seen.
const AGAIN: Duration = Duration::from_secs(30);

/// What a session looks at when no namespace was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// All namespaces.
    All,
    /// The context's own, as kubectl does.
    Own,
    /// All; or the context's own where all may not be listed and that one may. It is said when that happens.
    AllElseOwn,
}

/// The scopes of some namespaces; none means all.
pub(super) fn scopes(namespaces: &[Arc<str>]) -> Vec<Scope> {
    match namespaces {
        [] => vec![Scope::All],
        namespaces => namespaces.iter().cloned().map(Scope::Namespace).collect(),
    }
}

impl Session {
    /// The namespace that the context names.
    pub fn own_namespace(&self) -> String {
        self.cluster.as_ref().map_or("default", |cluster| cluster.default_namespace()).to_owned()
    }

    /// The namespaces that were named when the session was opened, or chosen since; none where that was left open.
    pub fn named_namespaces(&self) -> &[String] {
        &self.options.target.namespaces
    }

    /// A namespace, unless it is seen that it is not there.
    ///
    /// # Errors
    /// With what sounds alike, where namespaces are listed and it is none of them.
    pub fn seen_namespace(&self, name: String) -> Result<String, String> {
        let world = &self.desk.world;
        let there = &world.inventory.namespaces;
        if !world.freshness(Kind::Namespace).live() || there.named(None, &name.as_str().into()).is_some() {
            return Ok(name);
        }
        let (shown, context) = (text::sanitize(&name), text::sanitize(&world.context.name));
        let near = text::nearest(&name, there.iter().map(|namespace| &*namespace.meta.name));
        let near = near.map(|near| format!("; did you mean {}?", text::sanitize(near))).unwrap_or_default();
        Err(format!("there is no namespace {shown} on {context}{near}"))
    }

    /// Looks at these namespaces from now on; at all of them when none is named. Rows outside go at once, rows inside
    /// stay; operations are not concerned.
    pub fn look_at(&mut self, namespaces: &[String]) {
        let mut chosen: Vec<Arc<str>> = namespaces.iter().map(|name| name.as_str().into()).collect();
        chosen.sort();
        chosen.dedup();
        self.options.target.namespaces = chosen.iter().map(ToString::to_string).collect();
        self.narrowing = None;
        self.turn_to(chosen, false);
    }

    fn turn_to(&mut self, namespaces: Vec<Arc<str>>, narrowed: bool) {
        let scopes = scopes(&namespaces);
        let context = &mut self.desk.world.context;
        (context.namespaces, context.narrowed) = (namespaces, narrowed);
        if let Some(watches) = &mut self.watches {
            watches.stop_scoped();
            self.cut_to(&scopes);
            self.turning = Some(scopes);
        }
        self.ask_colleagues(Duration::ZERO);
        self.ask_runs(Duration::ZERO);
    }

    /// Keeps what lies within the scopes. All rows follow at once: none may stand there for what is not looked at.
    fn cut_to(&mut self, scopes: &[Scope]) {
        let touched = self.desk.world.look_at(scopes);
        self.desk.refresh(&touched, crate::store::now());
    }

    /// Goes on with looking at other namespaces: waits for the old watches, takes in what they reported last and drops
    /// it again where it lies outside, then starts new ones. May be given up while it waits.
    pub(super) async fn turn(&mut self) {
        if self.turning.is_none() {
            return;
        }
        if let Some(watches) = &mut self.watches {
            watches.scoped_stopped().await;
        }
        let Some(scopes) = self.turning.take() else { return };
        while let Ok(delta) = self.deltas.1.try_recv() {
            self.desk.apply(delta, crate::store::now());
        }
        self.cut_to(&scopes);
        if let Some(watches) = &mut self.watches {
            watches.start_scoped(&scopes);
        }
    }

    /// Where nothing of all namespaces may be listed, asks whether something of the own one may.
    pub(super) fn consider_narrowing(&mut self) {
        let all = self.options.unnamed == Unnamed::AllElseOwn && self.desk.world.context.namespaces.is_empty();
        let Some(cluster) = self.cluster.as_ref().filter(|_| all) else { return };
        let denied = denied_everywhere(&self.desk.world);
        if denied.is_empty() || self.narrowing.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        self.narrowing = Some(Instant::now());
        let (eyes, own, post) = (cluster.eyes(), Arc::<str>::from(cluster.default_namespace()), self.inbox.0.clone());
        tokio::spawn(async move {
            for kind in denied {
                if matches!(eyes.access(&listing(kind, &own)).await, Ok(Access::Allowed)) {
                    // The session may have been closed meanwhile.
                    let _ = post.send(Message::Narrow(own)).await;
                    return;
                }
            }
        });
    }

    /// Looks at the own namespace alone, and says so.
    pub(super) fn narrow(&mut self, own: Arc<str>) {
        // A person may have chosen otherwise meanwhile.
        if !self.desk.world.context.namespaces.is_empty() {
            return;
        }
        let said = format!(
            "you may not list in all namespaces: looking at {} alone, the context's own; :namespace NAME looks at others",
            text::sanitize(&own)
        );
        self.turn_to(vec![own], true);
        self.notice(Level::Warn, &said);
    }
}

/// Kinds of the panes that may not be listed in the whole cluster, when that holds for every one that is served. Empty
/// while something of it may be seen, or is still coming in.
fn denied_everywhere(world: &World) -> Vec<Kind> {
    const SHOWN: [Kind; 4] = [Kind::Pvc, Kind::VolumeSnapshot, Kind::TlsSecret, Kind::Certificate];
    let mut denied = Vec::new();
    for kind in SHOWN {
        match world.freshness(kind) {
            Freshness::Denied { .. } => denied.push(kind),
            Freshness::Absent => {}
            Freshness::Loading | Freshness::Live | Freshness::Stale { .. } => return Vec::new(),
        }
    }
    denied
}

fn listing(kind: Kind, namespace: &str) -> AccessQuery {
    let spec = kind.spec();
    AccessQuery {
        verb: "list".into(),
        group: spec.group.into(),
        resource: spec.plural.into(),
        subresource: None,
        namespace: Some(namespace.into()),
        name: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Delta;
    use jiff::Timestamp;
    use rstest::rstest;

    const DENIED: &str = "denied";
    const LIVE: &str = "live";
    const ABSENT: &str = "absent";
    const STALE: &str = "stale";

    #[rstest]
    #[case::all_denied([DENIED, DENIED, DENIED, DENIED], 4)]
    #[case::what_is_not_served_decides_nothing([DENIED, ABSENT, DENIED, ABSENT], 2)]
    #[case::one_is_seen([DENIED, DENIED, DENIED, LIVE], 0)]
    #[case::one_is_not_known_yet([DENIED, "", DENIED, DENIED], 0)]
    #[case::one_broke([DENIED, STALE, DENIED, DENIED], 0)]
    #[case::none_is_served([ABSENT, ABSENT, ABSENT, ABSENT], 0)]
    fn only_an_identity_that_sees_nothing_of_the_whole_cluster_is_narrowed(
        #[case] kinds: [&str; 4],
        #[case] of: usize,
    ) {
        let mut world = World::default();
        for (kind, state) in [Kind::Pvc, Kind::VolumeSnapshot, Kind::TlsSecret, Kind::Certificate].iter().zip(kinds) {
            let delta = match state {
                DENIED => Delta::Denied(*kind, Scope::All, "list".into()),
                LIVE => Delta::ListDone(*kind, Scope::All),
                ABSENT => Delta::Absent(*kind, Scope::All),
                STALE => Delta::Failed(*kind, Scope::All, "cut".into()),
                _ => continue,
            };
            world.apply(delta, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(denied_everywhere(&world).len(), of);
    }
}
