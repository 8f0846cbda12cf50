//! VolumeGroupSnapshots.
use super::{Desk, Next, Outcome};
use crate::sim::store::Key;
pub(super) const IN_GROUP: &str = "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection";
pub(super) fn reconcile(_: &mut Desk<'_, '_>, _: &Key) -> Outcome {
    Ok(Next::done())
}
