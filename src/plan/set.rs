//! The restore points of a set: what was cut together and belongs together (see [`crate::model::annotation::SET`]).

use crate::model::{Kind, SnapshotSource, VolumeSnapshot, World, annotation};

/// All of a set that are seen, in the order of their claims.
pub(super) fn members<'w>(world: &'w World, namespace: &str, set: &str) -> Vec<&'w VolumeSnapshot> {
    let same =
        |other: &&VolumeSnapshot| other.meta.namespace() == namespace && other.meta.label(annotation::SET) == Some(set);
    let mut members: Vec<_> = world.inventory.snapshots.iter().filter(same).collect();
    members.sort_by_key(|member| (cut_from(member), member.meta.name.clone()));
    members
}

/// The claim that was cut, by its name.
pub(super) fn cut_from(snapshot: &VolumeSnapshot) -> Option<&str> {
    match &snapshot.source {
        SnapshotSource::Claim(name) => Some(name),
        SnapshotSource::Content(_) | SnapshotSource::Unset => None,
    }
}

/// Refuses a set of which members are missing: its volumes would not belong together.
///
/// # Errors
/// With why it is not whole, and what to do instead.
pub(super) fn whole(world: &World, set: &str, members: &[&VolumeSnapshot]) -> Result<(), (String, String)> {
    let there = members.len();
    let size = |member: &&VolumeSnapshot| member.meta.annotation(annotation::SET_SIZE)?.parse::<usize>().ok();
    let set = crate::text::sanitize(set);
    let Some(size) = members.iter().filter_map(size).max() else {
        let why = format!("how many members set {set} has is not recorded on them");
        return Err((why, "restore its members one by one".to_owned()));
    };
    if there == size {
        return Ok(());
    }
    let seen = if world.freshness(Kind::VolumeSnapshot).live() { "are there" } else { "are seen" };
    let why = format!("set {set} was cut of {size} volumes and {there} {seen}: it is not whole");
    Err((why, "restore another set, or its members one by one, knowing that they are not of one moment".to_owned()))
}
