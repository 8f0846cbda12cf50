//! A volume's part of the tree: PV, class and attachments; what uses it; its restore points and what holds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::Branch;
use super::grow::{Grower, MOST};
use crate::assess::copies::{Copy, copies};
use crate::assess::fate::set_of;
use crate::model::{GroupSnapshot, HandleKey, Key, Kind, ObjRef, Pvc, Uid, VeleroBackup, VeleroItem, VolumeSnapshot};
use crate::text;

/// Kinds in the claim's namespace that say which restore points there are.
const COPIES: [Kind; 3] = [Kind::VolumeSnapshot, Kind::Content, Kind::GroupSnapshot];
/// Velero's, in its own.
const VELERO: [Kind; 3] = [Kind::VeleroBackup, Kind::DataUpload, Kind::PodVolumeBackup];
/// Labels by which Velero ties a backup to its schedule and place.
const SCHEDULE: &str = "velero.io/schedule-name";
const LOCATION: &str = "velero.io/storage-location";

impl Grower<'_> {
    /// What is below a claim.
    pub(super) fn claim_below(&mut self, uid: &Uid) -> Vec<Branch> {
        let Some(claim) = self.world.inventory.pvcs.get(uid) else { return Vec::new() };
        let mut branches = self.stored(claim);
        let here = (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone());
        let pods = self.world.links.pods_mounting(&here).to_vec();
        let mut workloads = self.world.links.templates_mounting(&here).to_vec();
        workloads.extend(set_of(self.world, claim).map(|set| (Kind::StatefulSet, set.meta.uid())));
        let users = self.users(&pods, &workloads, claim.meta.namespace.as_ref(), &|_| None);
        branches.extend(if users.is_empty() { vec![self.none("used by", "nothing")] } else { users });
        branches.push(self.restore_points(claim));
        branches.extend(self.filled_from(claim));
        branches
    }

    /// The PV of a claim, or why there is none, and its class.
    fn stored(&mut self, claim: &Pvc) -> Vec<Branch> {
        let class = claim.storage_class.clone();
        let Some(name) = &claim.volume_name else {
            let mut branches = vec![self.none("PV", "not bound")];
            branches.extend(class.map(|class| self.cluster(Kind::StorageClass, &class)));
            return branches;
        };
        let object = ObjRef::cluster(Kind::Pv, name.clone());
        let seen = self.world.inventory.find(&object).is_some();
        let mut branches = vec![self.named(&object, Self::pv_below)];
        // Below the PV stands its class; without the PV nobody says it.
        branches.extend(class.filter(|_| !seen).map(|class| self.cluster(Kind::StorageClass, &class)));
        branches.extend(if seen { self.unseen(&[Kind::Pv], None) } else { Vec::new() });
        branches
    }

    fn cluster(&mut self, kind: Kind, name: &Arc<str>) -> Branch {
        self.named(&ObjRef::cluster(kind, name.clone()), |_, _| Vec::new())
    }

    /// What is below a PV: its class, its attachments with their nodes, and other PVs with the same volume.
    pub(super) fn pv_below(&mut self, uid: &Uid) -> Vec<Branch> {
        let Some(pv) = self.world.inventory.pvs.get(uid) else { return Vec::new() };
        let mut branches: Vec<Branch> =
            pv.storage_class.iter().map(|class| self.cluster(Kind::StorageClass, class)).collect();
        let attachments = self.world.links.attachments_of(&pv.meta.name).to_vec();
        branches.extend(self.list("more attachments", attachments, |grower, uid| {
            let node = grower.world.inventory.attachments.get(&uid)?.node.clone();
            grower.object(Kind::VolumeAttachment, &uid, |grower| vec![grower.cluster(Kind::Node, &node)])
        }));
        branches.extend(self.unseen(&[Kind::VolumeAttachment], None));
        let twins = pv.csi.as_ref().map(|handle| self.world.links.volumes(handle).to_vec()).unwrap_or_default();
        for twin in twins.iter().filter(|twin| *twin != uid) {
            let twin = self.object(Kind::Pv, twin, |_| Vec::new());
            branches.extend(twin.map(|mut twin| {
                twin.line.fact = format!("holds the same volume · {}", twin.line.fact).into();
                twin
            }));
        }
        branches
    }

    fn restore_points(&mut self, claim: &Pvc) -> Branch {
        let found = copies(self.world, claim, self.now);
        let (good, others) = (found.good.len(), found.uncertain.len() + found.not_good.len());
        let all = found.good.into_iter().map(|(copy, _)| (copy, None));
        let uncertain = found.uncertain.into_iter().map(|(copy, why)| (copy, Some(why.text)));
        let mut all: Vec<(Copy, Option<String>)> =
            all.chain(uncertain).chain(found.not_good.into_iter().map(|copy| (copy, None))).collect();
        all.sort_by_key(|(copy, _)| std::cmp::Reverse(self.age_of(copy)));
        self.keep_focus(&mut all);
        let classes: BTreeSet<Arc<str>> = all.iter().filter_map(|(copy, _)| self.class_of(copy)).collect();
        let mut below = self.list("older", all, |grower, (copy, doubt)| {
            let mut branch = grower.copy(&copy.object, &copy.uid)?;
            if let (Some(doubt), None) = (doubt, &branch.line.why) {
                branch.line.why = Some(doubt.into());
            }
            Some(branch)
        });
        if let Some(handle) = self.world.volume(claim).and_then(|pv| pv.csi.clone()) {
            below.extend(self.orphans(&handle));
        }
        for class in classes {
            below.push(self.cluster(Kind::SnapshotClass, &class));
        }
        below.extend(self.unseen(&COPIES, claim.meta.namespace.as_ref()));
        below.extend(self.unseen(&VELERO, None));
        let state = match (good, others) {
            (0, 0) => "none".to_owned(),
            (good, 0) => format!("{good} good"),
            (good, others) => format!("{good} good, {others} not"),
        };
        self.heading("Restore points", &state, below)
    }

    /// When a copy was cut; without that, when its object was made.
    fn age_of(&self, copy: &Copy) -> Option<Timestamp> {
        let created = || self.world.inventory.find(&copy.object).and_then(|meta| meta.created);
        copy.cut.or_else(created)
    }

    /// Moves the copy that the tree was grown for to where a list still holds it.
    fn keep_focus(&self, all: &mut Vec<(Copy, Option<String>)>) {
        let focus = |copy: &Copy| Key::Object(copy.object.kind, copy.uid.clone()) == self.focus;
        if let Some(place) = all.iter().position(|(copy, _)| focus(copy)).filter(|place| *place >= MOST) {
            let copy = all.remove(place);
            all.insert(MOST - 1, copy);
        }
    }

    fn class_of(&self, copy: &Copy) -> Option<Arc<str>> {
        self.world.inventory.snapshots.get(&copy.uid)?.class.clone()
    }

    fn copy(&mut self, object: &ObjRef, uid: &Uid) -> Option<Branch> {
        let inventory = &self.world.inventory;
        match object.kind {
            Kind::VolumeSnapshot => {
                let snapshot = inventory.snapshots.get(uid)?;
                self.object(object.kind, uid, |grower| grower.snapshot_below(snapshot))
            }
            Kind::DataUpload => {
                let item = inventory.data_uploads.get(uid)?;
                self.object(object.kind, uid, |grower| grower.backup_of(item))
            }
            _ => {
                let item = inventory.pod_volume_backups.get(uid)?;
                self.object(object.kind, uid, |grower| grower.backup_of(item))
            }
        }
    }

    /// What is below a snapshot: its content, and the group it is of.
    pub(super) fn snapshot_below(&mut self, snapshot: &VolumeSnapshot) -> Vec<Branch> {
        let mut branches = self.content_of(snapshot);
        if let Some(name) = &snapshot.group {
            let group =
                ObjRef { kind: Kind::GroupSnapshot, namespace: snapshot.meta.namespace.clone(), name: name.clone() };
            branches.push(self.named(&group, |grower, uid| {
                let group = grower.world.inventory.group_snapshots.get(uid);
                group.map(|group| grower.group_below(group)).unwrap_or_default()
            }));
        }
        branches
    }

    pub(super) fn content_of(&mut self, snapshot: &VolumeSnapshot) -> Vec<Branch> {
        vec![match &snapshot.content {
            Some(name) => self.cluster(Kind::Content, name),
            None => self.none("content", "not bound"),
        }]
    }

    /// What is below a group: its content and class.
    pub(super) fn group_below(&mut self, group: &GroupSnapshot) -> Vec<Branch> {
        let content = group.content.iter().map(|name| (Kind::GroupContent, name));
        let class = group.class.iter().map(|name| (Kind::GroupClass, name));
        content.chain(class).map(|(kind, name)| self.cluster(kind, name)).collect()
    }

    /// The Velero backup of an item, with what made it and where it lies.
    pub(super) fn backup_of(&mut self, item: &VeleroItem) -> Vec<Branch> {
        let Some(name) = &item.backup else { return vec![self.none("Velero backup", "not said")] };
        let backup = ObjRef { kind: Kind::VeleroBackup, namespace: item.meta.namespace.clone(), name: name.clone() };
        vec![self.named(&backup, |grower, uid| {
            let backup = grower.world.inventory.velero_backups.get(uid);
            backup.map(|backup| grower.backup_below(backup)).unwrap_or_default()
        })]
    }

    fn backup_below(&mut self, backup: &VeleroBackup) -> Vec<Branch> {
        let mut branches = Vec::new();
        for (label, kind) in [(SCHEDULE, Kind::VeleroSchedule), (LOCATION, Kind::BackupLocation)] {
            if let Some(name) = backup.meta.label(label) {
                let object = ObjRef { kind, namespace: backup.meta.namespace.clone(), name: name.into() };
                branches.push(self.named(&object, |_, _| Vec::new()));
            }
        }
        branches
    }

    /// What is below a backup that a tree begins with: as below one of an item, and all its items.
    pub(super) fn whole_backup(&mut self, backup: &VeleroBackup) -> Vec<Branch> {
        let inventory = &self.world.inventory;
        let of = |item: &&VeleroItem| {
            item.meta.namespace == backup.meta.namespace && item.backup.as_ref() == Some(&backup.meta.name)
        };
        let uploads = inventory.data_uploads.iter().filter(of).map(|item| (Kind::DataUpload, item));
        let pods = inventory.pod_volume_backups.iter().filter(of).map(|item| (Kind::PodVolumeBackup, item));
        let mut items: Vec<(Kind, &VeleroItem)> = uploads.chain(pods).collect();
        items.sort_by(|(_, a), (_, b)| a.meta.name.cmp(&b.meta.name));
        let mut branches = self.backup_below(backup);
        branches.extend(self.list("more items", items, |grower, (kind, item)| {
            let claim = item.source_uid.clone();
            grower.object(kind, &item.meta.uid(), |grower| {
                claim.and_then(|uid| grower.object(Kind::Pvc, &uid, |_| Vec::new())).into_iter().collect()
            })
        }));
        branches.extend(self.unseen(&VELERO[1..], backup.meta.namespace.as_ref()));
        branches
    }

    /// Contents of a volume, with their snapshots where these exist.
    pub(super) fn cut_from(&mut self, handle: &HandleKey) -> Vec<Branch> {
        let mut contents = self.world.links.contents_of(handle).to_vec();
        contents.sort_by_key(|uid| std::cmp::Reverse(self.world.inventory.contents.get(uid).and_then(|c| c.cut)));
        self.list("more contents", contents, |grower, uid| grower.object(Kind::Content, &uid, |_| Vec::new()))
    }

    /// Contents of a volume whose snapshot does not exist: copies that nothing in their namespace shows.
    fn orphans(&mut self, handle: &HandleKey) -> Vec<Branch> {
        let inventory = &self.world.inventory;
        let mut orphans = self.world.links.contents_of(handle).to_vec();
        orphans.retain(|uid| {
            let named = inventory.contents.get(uid).and_then(|content| content.snapshot.as_ref());
            named.is_none_or(|named| inventory.snapshots.named(Some(&named.namespace), &named.name).is_none())
        });
        self.list("more contents", orphans, |grower, uid| grower.object(Kind::Content, &uid, |_| Vec::new()))
    }

    /// What the claim was filled from when it was made.
    fn filled_from(&mut self, claim: &Pvc) -> Vec<Branch> {
        let Some((kind, name)) = &claim.data_source else { return Vec::new() };
        let kind = [Kind::VolumeSnapshot, Kind::Pvc].into_iter().find(|known| known.spec().kind == &**kind);
        let Some(kind) = kind else { return Vec::new() };
        let source = ObjRef { kind, namespace: claim.meta.namespace.clone(), name: name.clone() };
        let mut branch = self.named(&source, |_, _| Vec::new());
        branch.line.fact = format!("it was filled from this · {}", text::sanitize(&branch.line.fact)).into();
        // A source may go once the claim is bound.
        if branch.line.object.is_none() {
            branch.line.level = crate::view::Level::Info;
        }
        vec![branch]
    }
}
