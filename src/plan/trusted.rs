//! What a plan of a restore says of how far its restore point can be trusted.

use jiff::Timestamp;

use crate::assess::known_good::{Points, Trust, least, points};
use crate::assess::linking::Chains;
use crate::assess::restore_point::{self, Belongs};
use crate::model::{Uid, World};
use crate::text;

/// Warnings about the restore point with this UID; none where nothing makes it suspicious, and none where it is
/// proven to be from before every exposure.
pub(super) fn warnings(world: &World, snapshot: &Uid, now: Timestamp) -> Vec<String> {
    let chains = Chains::of(world);
    if chains.is_idle() {
        return Vec::new();
    }
    let Some(found) = world.inventory.snapshots.get(snapshot) else { return Vec::new() };
    let claim = match restore_point::belongs(world, found) {
        Belongs::Claim(uid) => world.inventory.pvcs.get(&uid),
        Belongs::Gone | Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => None,
    };
    let Some(claim) = claim else {
        return vec!["how far it can be trusted is not known: its volume is gone, or which it was is not known".into()];
    };
    let judged = points(world, &chains, claim, least(world), now).value;
    let Some(point) = judged.points.iter().find(|point| point.copy.uid == *snapshot) else { return Vec::new() };
    let what = match point.trust {
        Trust::KnownGood | Trust::NotKnownBad => return Vec::new(),
        Trust::Exposed => "it is exposed",
        Trust::Tainted => "it may be tainted",
        Trust::Unknown => "whether it can be trusted is not known",
    };
    let finding = point.by.and_then(|id| chains.findings().latest(id));
    let of = if point.trust == Trust::Unknown { "because of" } else { "by" };
    let finding = finding.map(|finding| format!(" {of} {} in {}", finding.rule.id, finding.path)).unwrap_or_default();
    let why = point.why.first().map(|why| format!(": {}", why.text)).unwrap_or_default();
    vec![text::sanitize(&format!("{what}{finding}{why}; {}", rather(&judged, now))).into_owned()]
}

/// What to restore instead.
fn rather(judged: &Points, now: Timestamp) -> String {
    match judged.known_good() {
        Some(good) => {
            let age = text::age(now.duration_since(good.cut));
            format!("restore {} instead, which is known-good and {age} old", good.copy.object.path())
        }
        None => "no copy of this volume is known-good".to_owned(),
    }
}

#[cfg(test)]
mod tests;
