//! Whether a copy lies apart from the volume it was cut from: what is lost with the storage system of the volume.
//!
//! A snapshot is a copy only as far as it survives what takes its volume. Known are facts from the drivers' own
//! documentation; of any other driver nothing is said.

use crate::model::{Kind, Uid, World};

/// Where the copies of a driver lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apart {
    /// In the storage system of the volume: what takes the one takes the other.
    Same(&'static str),
    /// Somewhere else.
    Elsewhere(&'static str),
    /// Not known.
    Unknown,
}

impl Apart {
    /// In a sentence.
    pub fn said(&self) -> String {
        match self {
            Self::Same(place) => format!(
                "same failure domain: the copy lies {place}, with its volume; who loses that, or deletes it, loses both"
            ),
            Self::Elsewhere(place) => format!("the copy lies {place}, apart from its volume"),
            Self::Unknown => "whether the copy lies apart from its volume is not known of this driver; \
                 where it does not, losing the storage system loses both"
                .to_owned(),
        }
    }
}

/// Where the copies of a driver lie; `parameter` gives those of the copy's VolumeSnapshotClass.
pub fn apart<'a>(driver: &str, parameter: impl Fn(&str) -> Option<&'a str>) -> Apart {
    // Ceph's operators put a prefix of their own before the driver's name.
    let ceph = |name: &str| driver == name || driver.ends_with(&format!(".{name}"));
    if ceph("rbd.csi.ceph.com") || ceph("cephfs.csi.ceph.com") {
        return Apart::Same("in the same Ceph cluster");
    }
    match driver {
        "driver.longhorn.io" => match parameter("type") {
            Some("bak") => Apart::Elsewhere("in Longhorn's backup target"),
            Some("bi" | "snap") => Apart::Same("in the Longhorn cluster"),
            _ => Apart::Unknown,
        },
        "topolvm.io" | "local.csi.openebs.io" => Apart::Same("in the same volume group of the same node"),
        "zfs.csi.openebs.io" => Apart::Same("in the same ZFS pool of the same node"),
        "io.openebs.csi-mayastor" => Apart::Same("in the same disk pools"),
        "hostpath.csi.k8s.io" => Apart::Same("on the same disk of the same node"),
        "ebs.csi.aws.com" => Apart::Elsewhere("in S3 of the same region and account"),
        "pd.csi.storage.gke.io" => match parameter("snapshot-type") {
            Some("images" | "snapshots") | None => Apart::Elsewhere("in Cloud Storage of the same project"),
            Some(_) => Apart::Unknown,
        },
        _ => Apart::Unknown,
    }
}

/// Where one copy lies. Velero's own lie where its backup location is.
pub fn of_copy(world: &World, kind: Kind, uid: &Uid) -> Apart {
    if kind != Kind::VolumeSnapshot {
        return Apart::Elsewhere("in Velero's backup location");
    }
    let Some(snapshot) = world.inventory.snapshots.get(uid) else { return Apart::Unknown };
    let Some(content) = world.content(snapshot) else { return Apart::Unknown };
    let class = snapshot.class.as_ref().and_then(|name| world.inventory.snapshot_classes.named(None, name));
    let parameters = class.filter(|class| class.driver == content.driver).map(|class| &class.parameters);
    apart(&content.driver, |key| parameters?.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ceph("rook-ceph.rbd.csi.ceph.com", None, "same failure domain: the copy lies in the same Ceph cluster")]
    #[case::not_ceph("notrbd.csi.ceph.com", None, "not known")]
    #[case::longhorn_snapshot("driver.longhorn.io", Some("snap"), "same failure domain")]
    #[case::longhorn_backup("driver.longhorn.io", Some("bak"), "in Longhorn's backup target, apart")]
    #[case::longhorn_unsaid("driver.longhorn.io", None, "not known")]
    #[case::ebs("ebs.csi.aws.com", None, "in S3")]
    #[case::another("csi.example", Some("bak"), "not known")]
    fn what_is_known_of_a_driver_is_said_and_nothing_else(
        #[case] driver: &str,
        #[case] kind: Option<&str>,
        #[case] said: &str,
    ) {
        let found = apart(driver, |key| kind.filter(|_| key == "type"));
        assert!(found.said().contains(said), "{found:?}");
    }
}
