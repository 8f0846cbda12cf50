//! The restore points of a set that are restored together, and what their new claims are called.
//!
//! A StatefulSet finds its claims by their names alone. So the new ones are named for another StatefulSet, each with
//! the ordinal of its original: whoever creates that one finds the data in place.

use super::{Options, default_name};
use crate::model::{Uid, VolumeSnapshot, World, annotation};
use crate::plan::ordinal::split;
use crate::plan::request::place;
use crate::plan::{ObjectAt, OperationId, set};

/// A restore point that is to be restored.
pub(super) struct Point {
    pub at: ObjectAt,
    pub uid: Uid,
    /// The claim that was cut.
    claim: Option<String>,
    /// The StatefulSet that used it.
    stateful_set: Option<String>,
}

impl Point {
    fn of(world: &World, snapshot: &VolumeSnapshot) -> Option<Self> {
        let workload = snapshot.meta.annotation(annotation::WORKLOAD);
        Some(Self {
            at: place(world, &snapshot.meta.uid())?,
            uid: snapshot.meta.uid(),
            claim: set::cut_from(snapshot).map(str::to_owned),
            stateful_set: workload.and_then(|workload| workload.strip_prefix("StatefulSet/")).map(str::to_owned),
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
    let members = match &options.set {
        Some(id) => set::members(world, asked.meta.namespace(), id),
        None => vec![asked],
    };
    members.into_iter().filter_map(|member| Point::of(world, member)).collect()
}

/// Refuses a set of which members are missing.
pub(super) fn whole(world: &World, snapshot: &Uid, options: &Options) -> Result<(), (String, String)> {
    let Some(id) = &options.set else { return Ok(()) };
    let Some(asked) = world.inventory.snapshots.get(snapshot) else { return Ok(()) };
    set::whole(world, id, &set::members(world, asked.meta.namespace(), id))
}
