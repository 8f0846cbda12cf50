//! All copies of one volume, sorted by what they are worth.

use jiff::{SignedDuration, Timestamp};

use super::restore_point::{self, Belongs, RestorePointState};
use super::{Judgement, Reason};
use crate::model::{Kind, ObjRef, Pvc, SnapshotSource, Uid, VolumeSnapshot, World};

/// A cut this far in the future is a clock that differs a little; beyond it, nothing is known of its age.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// One copy of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Which object.
    pub object: ObjRef,
    /// Its UID.
    pub uid: Uid,
    /// The moment of the cut.
    pub cut: Option<Timestamp>,
    /// What it is worth.
    pub state: RestorePointState,
    /// Until when that holds.
    pub valid_until: Option<Timestamp>,
}

/// The copies of a volume, following its lineage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Restorable, of this volume for certain, and with a believable time; the newest first.
    pub good: Vec<(Copy, Timestamp)>,
    /// Maybe a good copy of this volume: why not for certain.
    pub uncertain: Vec<(Copy, Reason)>,
    /// Of this volume, and not restorable now.
    pub not_good: Vec<Copy>,
}

/// Finds the copies of a claim's data.
pub fn copies(world: &World, claim: &Pvc, now: Timestamp) -> Copies {
    let mut copies = Copies::default();
    for snapshot in snapshots(world, claim) {
        let belongs = restore_point::belongs(world, snapshot);
        let doubt = match &belongs {
            Belongs::Claim(uid) if Some(uid) == claim.meta.uid.as_ref() => None,
            // Which claim it names was looked at when it was found.
            Belongs::ByNameOnly(_) => Some("only the name of the claim ties it to this volume".to_owned()),
            Belongs::Unknown { why } => Some(why.clone()),
            Belongs::Claim(_) | Belongs::Gone => continue,
        };
        let judged = restore_point::good(world, snapshot, now);
        let found = (Kind::VolumeSnapshot, &snapshot.meta, restore_point::cut(world, snapshot));
        copies.sort(found, judged, doubt, now);
    }
    for (kind, item) in velero_items(world, claim) {
        let judged = restore_point::velero(world, item, now);
        copies.sort((kind, &item.meta, restore_point::velero_cut(world, item)), judged, None, now);
    }
    copies.good.sort_by(|(_, a), (_, b)| b.cmp(a));
    copies
}

type Found<'w> = (Kind, &'w crate::model::Meta, Option<Timestamp>);

impl Copies {
    fn sort(
        &mut self,
        (kind, meta, cut): Found<'_>,
        judged: Judgement<RestorePointState>,
        doubt: Option<String>,
        now: Timestamp,
    ) {
        use RestorePointState as State;
        let valid_until = judged.valid_until;
        let copy = Copy { object: meta.reference(kind), uid: meta.uid(), cut, state: judged.value, valid_until };
        let skewed = cut.is_some_and(|cut| cut.duration_since(now) > CLOCK_TOLERANCE);
        match (copy.state, doubt, cut) {
            (State::Good | State::Unverified | State::Unknown, Some(doubt), _) => {
                self.uncertain.push((copy, Reason::new(doubt)));
            }
            (State::Good, None, Some(_)) if skewed => {
                let reason = Reason::new("its time of cut is in the future: a clock is wrong")
                    .next("compare the clocks of this machine and of the storage system");
                self.uncertain.push((copy, reason));
            }
            (State::Good, None, Some(cut)) => self.good.push((copy, cut)),
            (State::Good, None, None) => self.uncertain.push((copy, Reason::new("when it was cut is not known"))),
            (State::Unverified | State::Unknown, None, _) => {
                let reason = judged.reasons.into_iter().next();
                self.uncertain.push((copy, reason.unwrap_or_else(|| Reason::new("its state is not known"))));
            }
            (_, None, _) => self.not_good.push(copy),
            // Not restorable and perhaps not of this volume: says nothing about it.
            (_, Some(_), _) => {}
        }
    }
}

/// Snapshots that may be of a claim: cut from its volume, or naming it.
fn snapshots<'w>(world: &'w World, claim: &Pvc) -> Vec<&'w VolumeSnapshot> {
    let inventory = &world.inventory;
    let volume = world.volume(claim).and_then(|pv| pv.csi.as_ref());
    let contents = volume.map_or(&[][..], |handle| world.links.contents_of(handle));
    let by_handle = contents.iter().filter_map(|uid| {
        let back = inventory.contents.get(uid)?.snapshot.as_ref()?;
        inventory.snapshots.named(Some(&back.namespace), &back.name)
    });
    let key = claim.meta.namespace.clone().map(|namespace| (namespace, claim.meta.name.clone()));
    let by_name = key.iter().flat_map(|key| world.links.snapshots_naming(key));
    let by_name = by_name.filter_map(|uid| inventory.snapshots.get(uid));
    let named = |snapshot: &VolumeSnapshot| {
        snapshot.meta.namespace == claim.meta.namespace
            && matches!(&snapshot.source, SnapshotSource::Claim(name) if *name == claim.meta.name)
    };
    // Those that name the claim come by name; the others came by handle.
    by_handle.filter(|snapshot| !named(snapshot)).chain(by_name).collect()
}

/// Velero items of a claim or of the first claim of its lineage.
fn velero_items<'w>(world: &'w World, claim: &Pvc) -> Vec<(Kind, &'w crate::model::VeleroItem)> {
    let own = claim.meta.uid();
    let first = restore_point::lineage(world, claim);
    let earlier = (first != own).then_some(first);
    let uids = [Some(own), earlier].into_iter().flatten();
    let links = uids.flat_map(|uid| world.links.velero_items_of(&uid));
    let find = |(kind, uid): &(Kind, Uid)| {
        let table = match kind {
            Kind::DataUpload => &world.inventory.data_uploads,
            _ => &world.inventory.pod_volume_backups,
        };
        table.get(uid).map(|item| (*kind, item))
    };
    links.filter_map(find).filter(|(_, item)| Some(&item.source_namespace) == claim.meta.namespace.as_ref()).collect()
}
