//! Where a tree begins: at the volume that an object belongs to, at the top of a certificate's issuers, else at the
//! object itself.

use super::Branch;
use super::grow::Grower;
use crate::assess::restore_point::{Belongs, belongs};
use crate::model::{
    Content, ContentSource, GroupSnapshot, HandleKey, Kind, ObjRef, Object, Pv, Uid, VeleroItem, VolumeSnapshot,
};
use crate::view::Level;

impl Grower<'_> {
    /// The whole tree of an object.
    pub(super) fn tree(&mut self, object: &Object) -> Branch {
        let (kind, uid) = (object.kind(), object.meta().uid());
        let grown = match object {
            Object::Pvc(_) => self.claim(&uid),
            Object::Pv(pv) => self.of_pv(pv),
            Object::VolumeSnapshot(snapshot) => self.of_snapshot(snapshot),
            Object::Content(content) => self.of_content(content),
            Object::GroupSnapshot(group) => self.of_group(group),
            Object::GroupContent(content) => {
                let named = |group: &&GroupSnapshot| group.content.as_ref() == Some(&content.meta.name);
                let group = self.world.inventory.group_snapshots.iter().find(named);
                group.and_then(|group| self.of_group(group))
            }
            Object::DataUpload(item) | Object::PodVolumeBackup(item) => self.of_item(kind, item),
            Object::VeleroBackup(backup) => self.object(kind, &uid, |grower| grower.whole_backup(backup)),
            Object::VolumeAttachment(attachment) => {
                let pv = attachment.pv.as_ref().and_then(|name| self.world.inventory.pvs.named(None, name));
                pv.and_then(|pv| self.of_pv(pv))
            }
            Object::Pod(_) => self.pod_tree(&uid),
            Object::StatefulSet(w)
            | Object::Deployment(w)
            | Object::ReplicaSet(w)
            | Object::DaemonSet(w)
            | Object::Job(w)
            | Object::CronJob(w) => self.workload_tree(kind, &uid, w),
            Object::TlsSecret(_)
            | Object::Certificate(_)
            | Object::CertificateRequest(_)
            | Object::Order(_)
            | Object::Challenge(_)
            | Object::Issuer(_)
            | Object::ClusterIssuer(_) => self.tls(object),
            _ => None,
        };
        let alone = grown.or_else(|| self.object(kind, &uid, |_| Vec::new()));
        alone.unwrap_or_else(|| self.text(Level::Unknown, &object.meta().name, "Gone", ""))
    }

    fn claim(&mut self, uid: &Uid) -> Option<Branch> {
        self.object(Kind::Pvc, uid, |grower| grower.claim_below(uid))
    }

    fn of_pv(&mut self, pv: &Pv) -> Option<Branch> {
        let claim = pv.claim.as_ref().and_then(|c| self.world.claim(&(c.namespace.clone(), c.name.clone())));
        // The claim of that name may be bound to another volume by now.
        if let Some(claim) = claim.filter(|claim| claim.volume_name.as_ref() == Some(&pv.meta.name)) {
            return self.claim(&claim.meta.uid());
        }
        let uid = pv.meta.uid();
        let named = pv.claim.as_ref().map(|c| ObjRef::namespaced(Kind::Pvc, c.namespace.clone(), c.name.clone()));
        self.object(Kind::Pv, &uid, |grower| {
            let mut branches: Vec<Branch> = named.iter().map(|claim| grower.named(claim, |_, _| Vec::new())).collect();
            branches.extend(grower.pv_below(&uid));
            branches.extend(pv.csi.as_ref().map(|handle| grower.cut_from(handle)).unwrap_or_default());
            branches
        })
    }

    fn of_snapshot(&mut self, snapshot: &VolumeSnapshot) -> Option<Branch> {
        let belongs = belongs(self.world, snapshot);
        if let Belongs::Claim(uid) = &belongs {
            return self.claim(uid);
        }
        let uid = snapshot.meta.uid();
        self.object(Kind::VolumeSnapshot, &uid, |grower| {
            let mut branches = grower.snapshot_below(snapshot);
            match belongs {
                Belongs::ByNameOnly(name) => {
                    let why = "only the name of the claim ties it to a volume";
                    branches.push(grower.text(Level::Unknown, &format!("volume {name}"), "Unknown", why));
                }
                Belongs::Unknown { why } => branches.push(grower.text(Level::Unknown, "volume", "Unknown", &why)),
                Belongs::Gone | Belongs::Claim(_) => {
                    let why = "no claim is bound to the volume that it was cut from";
                    branches.push(grower.text(Level::Info, "volume", "Gone", why));
                }
            }
            branches.extend(
                grower.world.content(snapshot).and_then(handle).map(|h| grower.volumes(&h)).unwrap_or_default(),
            );
            branches
        })
    }

    fn of_content(&mut self, content: &Content) -> Option<Branch> {
        let named = content.snapshot.as_ref();
        let snapshot = named.and_then(|n| self.world.inventory.snapshots.named(Some(&n.namespace), &n.name));
        let own = snapshot.filter(|snapshot| snapshot.content.as_ref() == Some(&content.meta.name));
        if let Some(snapshot) = own {
            return self.of_snapshot(snapshot);
        }
        let handle = handle(content);
        if let Some(claim) = handle.as_ref().and_then(|handle| self.world.claim_of_handle(handle)) {
            return self.claim(&claim.meta.uid());
        }
        let named = named.map(|n| ObjRef::namespaced(Kind::VolumeSnapshot, n.namespace.clone(), n.name.clone()));
        self.object(Kind::Content, &content.meta.uid(), |grower| {
            let mut branches: Vec<Branch> = named.iter().map(|s| grower.named(s, |_, _| Vec::new())).collect();
            branches.extend(handle.map(|handle| grower.volumes(&handle)).unwrap_or_default());
            branches
        })
    }

    fn of_group(&mut self, group: &GroupSnapshot) -> Option<Branch> {
        let members = self.world.inventory.snapshots.iter().filter(|snapshot| {
            snapshot.meta.namespace == group.meta.namespace && snapshot.group.as_ref() == Some(&group.meta.name)
        });
        let mut members: Vec<&VolumeSnapshot> = members.collect();
        members.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        self.object(Kind::GroupSnapshot, &group.meta.uid(), |grower| {
            let mut branches = grower.group_below(group);
            branches.extend(grower.list("more members", members, |grower, member| {
                grower.object(Kind::VolumeSnapshot, &member.meta.uid(), |grower| {
                    let mut branches = grower.content_of(member);
                    if let Belongs::Claim(uid) = belongs(grower.world, member) {
                        branches.extend(grower.object(Kind::Pvc, &uid, |_| Vec::new()));
                    }
                    branches
                })
            }));
            branches.extend(grower.unseen(&[Kind::VolumeSnapshot, Kind::Content], group.meta.namespace.as_ref()));
            branches
        })
    }

    fn of_item(&mut self, kind: Kind, item: &VeleroItem) -> Option<Branch> {
        let claim = item.source_uid.as_ref().filter(|uid| self.world.inventory.pvcs.get(uid).is_some());
        if let Some(uid) = claim {
            return self.claim(uid);
        }
        self.object(kind, &item.meta.uid(), |grower| {
            let mut branches = grower.backup_of(item);
            let name = item.source_claim.as_deref().unwrap_or("volume");
            let why = "the claim that it was taken from is not there";
            branches.push(grower.text(Level::Info, name, "Gone", why));
            branches
        })
    }

    /// PVs with a volume.
    fn volumes(&mut self, handle: &HandleKey) -> Vec<Branch> {
        let uids = self.world.links.volumes(handle).to_vec();
        let grown = uids.iter().filter_map(|uid| self.object(Kind::Pv, uid, |grower| grower.pv_below(uid)));
        grown.collect()
    }
}

/// The volume that a content was cut from.
fn handle(content: &Content) -> Option<HandleKey> {
    match &content.source {
        ContentSource::Volume(handle) => Some((content.driver.clone(), handle.clone())),
        ContentSource::Snapshot(_) | ContentSource::Unset => None,
    }
}
