//! The restore points of a set that are restored together, and what their new claims are called.
//!
//! A StatefulSet finds its claims by their names alone. So the new ones are named for another StatefulSet, each with
//! the ordinal of its original: whoever creates that one finds the data in place.

use super::{Options, default_name};
use crate::model::{SnapshotSource, Uid, VolumeSnapshot, World, annotation};
use crate::plan::ordinal::split;
use crate::plan::request::place;
use crate::plan::{ObjectAt, OperationId};

/// A restore point that is to be restored.
pub(super) struct Point {
    pub at: ObjectAt,
    pub uid: Uid,
    /// The claim that was cut.
    claim: Option<String>,
    /// The StatefulSet that used it.
    stateful_set: Option<String>,
    /// How many members its set has, as it says.
    size: Option<usize>,
}

impl Point {
    fn of(world: &World, snapshot: &VolumeSnapshot) -> Option<Self> {
        let workload = snapshot.meta.annotation(annotation::WORKLOAD);
        Some(Self {
            at: place(world, &snapshot.meta.uid())?,
            uid: snapshot.meta.uid(),
            claim: match &snapshot.source {
                SnapshotSource::Claim(name) => Some(name.to_string()),
                SnapshotSource::Content(_) | SnapshotSource::Unset => None,
            },
            stateful_set: workload.and_then(|workload| workload.strip_prefix("StatefulSet/")).map(str::to_owned),
            size: snapshot.meta.annotation(annotation::SET_SIZE).and_then(|size| size.parse().ok()),
        })
    }

    fn ordinal(&self) -> Option<(&str, u64)> {
        split(self.claim.as_deref()?, self.stateful_set.as_deref()?)
    }

    /// The name that was chosen for its new claim; `None` where none was.
    ///
    /// # Errors
    /// When the name is that of a StatefulSet and its volume is of none.
    pub fn chosen(&self, options: &Options) -> Result<Option<String>, (String, String)> {
        let (Some(to), Some(_)) = (&options.to, &options.set) else { return Ok(options.to.clone()) };
        let Some((template, ordinal)) = self.ordinal() else {
            let why = format!("{} is not of a StatefulSet: a name for one cannot be given to it", self.at.name);
            return Err((why, "leave the name out (--to): each new volume is called after its original".to_owned()));
        };
        Ok(Some(format!("{template}-{to}-{ordinal}")))
    }

    /// The name of its new claim where none was chosen.
    pub fn beside(&self, stem: &str, options: &Options, id: &OperationId) -> String {
        match (self.ordinal(), &self.stateful_set) {
            (Some((template, ordinal)), Some(set)) if options.set.is_some() => {
                format!("{template}-{set}-restore-{}-{ordinal}", id.short())
            }
            _ => default_name(stem, id),
        }
    }
}

/// The restore point, or all of its set in the order of their claims.
pub(super) fn points(world: &World, snapshot: &Uid, options: &Options) -> Vec<Point> {
    let Some(asked) = world.inventory.snapshots.get(snapshot) else { return Vec::new() };
    let Some(set) = &options.set else { return Point::of(world, asked).into_iter().collect() };
    let same = |other: &&VolumeSnapshot| {
        other.meta.namespace == asked.meta.namespace && other.meta.label(annotation::SET) == Some(set)
    };
    let members = world.inventory.snapshots.iter().filter(same);
    let mut points: Vec<Point> = members.filter_map(|member| Point::of(world, member)).collect();
    points.sort_by(|a, b| (&a.claim, &a.at).cmp(&(&b.claim, &b.at)));
    points
}

/// Refuses a set of which members are missing: its volumes would not belong together.
pub(super) fn whole(world: &World, points: &[Point], options: &Options) -> Result<(), (String, String)> {
    let Some(set) = &options.set else { return Ok(()) };
    let there = points.len();
    let Some(size) = points.iter().filter_map(|point| point.size).max() else {
        let why = format!("how many members set {set} has is not recorded on them");
        return Err((why, "restore its members one by one".to_owned()));
    };
    if there == size {
        return Ok(());
    }
    let seen = if world.freshness(crate::model::Kind::VolumeSnapshot).live() { "are there" } else { "are seen" };
    let why = format!("set {set} was cut of {size} volumes and {there} {seen}: it is not whole");
    Err((why, "restore another set, or its members one by one, knowing that they are not of one moment".to_owned()))
}
