//! Which objects point at which, so that no controller has to search for it.

use serde_json::Value;

use crate::sim::object::{items, namespace, text};

/// Something an object points at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Link {
    /// An owner, by UID.
    Owner(String),
    /// A claim a pod mounts: namespace and name.
    Mount(String, String),
    /// The claim a volume is for.
    ClaimRef(String, String),
    /// The claim a snapshot is taken of.
    SnapshotSource(String, String),
    /// The snapshot a claim is restored from.
    RestoreSource(String, String),
    /// The volume an attachment is of.
    Attached(String),
}

/// What an object points at.
pub(super) fn of(value: &Value) -> Vec<Link> {
    let mut links: Vec<Link> = items(value, "/metadata/ownerReferences")
        .iter()
        .map(|owner| Link::Owner(text(owner, "/uid").to_owned()))
        .collect();
    let home = namespace(value).to_owned();
    match text(value, "/kind") {
        "Pod" => {
            let claims =
                items(value, "/spec/volumes").iter().map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
            links.extend(
                claims.filter(|claim| !claim.is_empty()).map(|claim| Link::Mount(home.clone(), claim.to_owned())),
            );
        }
        "PersistentVolume" if value.pointer("/spec/claimRef").is_some() => {
            let part = |name: &str| text(value, &format!("/spec/claimRef/{name}")).to_owned();
            links.push(Link::ClaimRef(part("namespace"), part("name")));
        }
        "VolumeSnapshot" => {
            links.push(Link::SnapshotSource(home, text(value, "/spec/source/persistentVolumeClaimName").to_owned()));
        }
        "PersistentVolumeClaim" if text(value, "/spec/dataSource/kind") == "VolumeSnapshot" => {
            links.push(Link::RestoreSource(home, text(value, "/spec/dataSource/name").to_owned()));
        }
        "VolumeAttachment" => links.push(Link::Attached(text(value, "/spec/source/persistentVolumeName").to_owned())),
        _ => {}
    }
    links
}
