//! Pods that use a store of trust and have run since before it held the new CA.

use jiff::Timestamp;

use super::{Noted, Store};
use crate::model::{Kind, Pod, Uid, World, annotation};
use crate::text;

/// A pod from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Which one.
    pub uid: Uid,
    /// `pod shop/web-0`; safe to draw.
    pub said: String,
    /// Whether something makes it again, so that it can be replaced.
    pub replaceable: bool,
}

/// The pods that use one of the stores that hold both and are from before: they may know the former CA alone. A program that reads
/// its files again is not told from one that does not, so it counts as well.
pub fn before(world: &World, stores: &[Store], noted: &Noted) -> Vec<Before> {
    let mut found: Vec<Before> = Vec::new();
    for pod in stores.iter().filter(|store| store.joins()).flat_map(|store| users(world, store)) {
        if from_before(pod, noted) && !found.iter().any(|one| one.uid == pod.meta.uid()) {
            let said = text::sanitize(&pod.meta.reference(Kind::Pod).to_string()).into_owned();
            found.push(Before { uid: pod.meta.uid(), said, replaceable: pod.meta.controller().is_some() });
        }
    }
    found.sort_by(|a, b| a.said.cmp(&b.said));
    found
}

fn users<'w>(world: &'w World, store: &Store) -> impl Iterator<Item = &'w Pod> {
    let uids = match store.at.kind {
        Kind::ConfigMap => world.links.pods_using_map(&store.key()),
        Kind::TlsSecret | Kind::OtherSecret => world.links.pods_using(&store.key()),
        // API servers read these, and see at once that they changed.
        _ => &[],
    };
    uids.iter().filter_map(|uid| world.inventory.pods.get(uid)).filter(|pod| !pod.ended())
}

/// One that was started for it bears its mark; of others only the clock tells, which is that of the cluster.
fn from_before(pod: &Pod, noted: &Noted) -> bool {
    let Some(trusted) = noted.trusted else { return true };
    let mark = pod.meta.annotation(annotation::RESTARTED).and_then(|mark| mark.parse::<Timestamp>().ok());
    let marked = mark.zip(noted.mark).is_some_and(|(own, mark)| own >= mark);
    !marked && pod.started.is_none_or(|started| started < trusted)
}
