//! How the pods of well-known controllers are known: labels of their manifests and charts, names of their images.
//!
//! Sources, each entry from the project's own manifests:
//! kubernetes-csi/external-snapshotter (deploy/kubernetes), kubernetes-csi/external-provisioner and -attacher,
//! cert-manager/cert-manager (deploy/charts), vmware-tanzu/velero (pkg/install, pkg/apis/velero/v1/labels_annotations.go),
//! openshift/cluster-csi-snapshot-controller-operator (assets), and the manifests of each driver in [`DRIVERS`].

use crate::model::{Container, Meta, Pod};

type Label = (&'static str, &'static str);

/// A program that acts on objects.
pub(super) struct Controller {
    /// What it is called.
    pub name: &'static str,
    /// What it does with the object, in a word or two.
    pub does: &'static str,
    /// The last part of its images' names. Containers are often called the same.
    images: &'static [&'static str],
    /// Names of its containers, where its image runs other things as well.
    containers: &'static [&'static str],
    /// Labels of its pods, for images whose name says nothing: all of one set.
    labels: &'static [&'static [Label]],
}

/// Creates contents for snapshots and binds the two.
pub(super) const SNAPSHOT_CONTROLLER: Controller = Controller {
    name: "snapshot-controller",
    does: "binds snapshots",
    images: &["snapshot-controller", "csi-snapshot-controller"],
    containers: &[],
    labels: &[
        &[("app.kubernetes.io/name", "snapshot-controller")],
        &[("app", "snapshot-controller")],
        &[("app", "csi-snapshot-controller")],
    ],
};

/// The sidecar that lets a driver cut and delete snapshots.
pub(super) const SNAPSHOTTER: Controller = sidecar("csi-snapshotter", "cuts snapshots");

/// The sidecar that lets a driver make and delete volumes, also from snapshots.
pub(super) const PROVISIONER: Controller = sidecar("csi-provisioner", "makes volumes");

/// The sidecar that lets a driver attach volumes to nodes.
pub(super) const ATTACHER: Controller = sidecar("csi-attacher", "attaches volumes");

/// Issues and renews certificates.
pub(super) const CERT_MANAGER: Controller = Controller {
    name: "cert-manager controller",
    does: "issues certificates",
    images: &["cert-manager-controller"],
    containers: &[],
    labels: &[&[("app.kubernetes.io/name", "cert-manager"), ("app.kubernetes.io/component", "controller")]],
};

/// Runs backups, restores and schedules.
pub(super) const VELERO: Controller = Controller {
    name: "Velero server",
    does: "runs backups",
    images: &["velero"],
    containers: &["velero"],
    labels: &[&[("deploy", "velero")]],
};

/// Moves the data of volumes; one per node.
pub(super) const NODE_AGENT: Controller = Controller {
    name: "Velero node-agent",
    does: "moves volume data",
    images: &["velero"],
    containers: &["node-agent", "restic"],
    labels: &[&[("name", "node-agent"), ("component", "velero")], &[("role", "node-agent")]],
};

/// Labels by which Velero marks the pod that moves the data of one item; their value is the item's name.
pub(super) const DATA_MOVER: [&str; 2] = ["velero.io/data-upload", "velero.io/pod-volume-backup"];

const fn sidecar(name: &'static str, does: &'static str) -> Controller {
    Controller { name, does, images: &[], containers: &[], labels: &[] }
}

impl Controller {
    /// Its containers in a pod; none when the pod is not one of its pods.
    pub(super) fn containers<'a>(&self, pod: &'a Pod) -> Vec<&'a Container> {
        let named = |container: &&Container| self.containers.is_empty() || self.containers.contains(&&*container.name);
        let own = |container: &&Container| {
            let image = image_name(&container.image);
            // A sidecar has no image of its own name in builds that are named by digest; its container has.
            let sidecar = self.images.is_empty() && (image == self.name || *container.name == *self.name);
            sidecar || (self.images.contains(&image) && named(container))
        };
        let by_image: Vec<_> = pod.containers.iter().filter(own).collect();
        let labelled = || self.labels.iter().any(|set| set.iter().all(|label| carries(&pod.meta, label)));
        if by_image.is_empty() && labelled() { pod.containers.iter().filter(named).collect() } else { by_image }
    }
}

fn carries(meta: &Meta, (key, value): &Label) -> bool {
    meta.label(key) == Some(value)
}

/// Labels of the controller pods of CSI drivers; where a driver's name may carry a prefix, the end of it.
const DRIVERS: &[(&str, &[Label])] = &[
    ("ebs.csi.aws.com", &[("app", "ebs-csi-controller")]),
    ("efs.csi.aws.com", &[("app", "efs-csi-controller")]),
    ("pd.csi.storage.gke.io", &[("app", "gcp-compute-persistent-disk-csi-driver")]),
    ("disk.csi.azure.com", &[("app", "csi-azuredisk-controller")]),
    ("file.csi.azure.com", &[("app", "csi-azurefile-controller")]),
    ("csi.vsphere.vmware.com", &[("app", "vsphere-csi-controller")]),
    // Longhorn runs each sidecar as a Deployment of its own.
    ("driver.longhorn.io", &[("app", "csi-snapshotter"), ("app", "csi-provisioner"), ("app", "csi-attacher")]),
    ("rbd.csi.ceph.com", &[("app", "csi-rbdplugin-provisioner"), ("app", "ceph-csi-rbd")]),
    ("cephfs.csi.ceph.com", &[("app", "csi-cephfsplugin-provisioner"), ("app", "ceph-csi-cephfs")]),
    ("csi.trident.netapp.io", &[("app", "controller.csi.trident.netapp.io")]),
    ("cinder.csi.openstack.org", &[("app", "csi-cinder-controllerplugin"), ("app", "openstack-cinder-csi")]),
    ("zfs.csi.openebs.io", &[("app", "openebs-zfs-controller")]),
    ("local.csi.openebs.io", &[("app", "openebs-lvm-controller")]),
];

/// Whether a pod's sidecars serve a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// Its labels say so.
    It,
    /// Nothing says which.
    Perhaps,
    /// Its labels name another.
    Another,
}

/// Which driver the sidecars of a pod serve. Their arguments would say it for certain, but those are not kept.
pub(super) fn serves(pod: &Pod, driver: &str) -> Serves {
    let is = |known: &str| driver == known || driver.strip_suffix(known).is_some_and(|prefix| prefix.ends_with('.'));
    let of = |labels: &[Label]| labels.iter().any(|label| carries(&pod.meta, label));
    let own = DRIVERS.iter().any(|(known, labels)| is(known) && of(labels));
    if own || pod.meta.labels.iter().any(|(_, value)| **value == *driver) {
        Serves::It
    } else if DRIVERS.iter().any(|(_, labels)| of(labels)) {
        Serves::Another
    } else {
        Serves::Perhaps
    }
}

/// Whether a container stands beside a CSI driver and is not the driver.
pub(super) fn helper(container: &Container) -> bool {
    let names = [image_name(&container.image), &container.name];
    names.iter().any(|name| name.starts_with("csi-") || matches!(*name, "livenessprobe" | "liveness-probe"))
}

/// `snapshot-controller` of `registry.k8s.io/sig-storage/snapshot-controller:v8.2.0@sha256:…`.
fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn pod(labels: &[(&str, &str)], containers: &[(&str, &str)]) -> Pod {
        let container = |(name, image): &(&str, &str)| Container {
            name: (*name).into(),
            image: (*image).into(),
            ..Container::default()
        };
        Pod {
            meta: Meta { labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(), ..Meta::default() },
            containers: containers.iter().map(container).collect(),
            ..Pod::default()
        }
    }

    #[rstest]
    #[case(&SNAPSHOT_CONTROLLER, &[], ("x", "registry.k8s.io/sig-storage/snapshot-controller:v8.2.0"), true)]
    #[case(&SNAPSHOT_CONTROLLER, &[("app", "csi-snapshot-controller")], ("x", "quay.io/ocp/art@sha256:12"), true)]
    #[case(&SNAPSHOT_CONTROLLER, &[], ("x", "registry.k8s.io/sig-storage/snapshot-validation-webhook:v8"), false)]
    #[case(&SNAPSHOTTER, &[], ("x", "localhost:5000/csi-snapshotter@sha256:12"), true)]
    #[case(&SNAPSHOTTER, &[], ("csi-snapshotter", "quay.io/ocp/art@sha256:12"), true)]
    #[case(&SNAPSHOTTER, &[], ("x", "csi-provisioner:v5"), false)]
    #[case(&CERT_MANAGER, &[], ("x", "quay.io/jetstack/cert-manager-controller:v1.17"), true)]
    #[case(&CERT_MANAGER, &[("app.kubernetes.io/name", "cert-manager")], ("x", "mirror/cainjector"), false)]
    #[case(&VELERO, &[], ("velero", "velero/velero:v1.16"), true)]
    #[case(&VELERO, &[], ("node-agent", "velero/velero:v1.16"), false)]
    #[case(&NODE_AGENT, &[], ("node-agent", "velero/velero:v1.16"), true)]
    #[case(&NODE_AGENT, &[("role", "node-agent")], ("node-agent", "mirror/backup@sha256:12"), true)]
    fn controllers_are_known_by_image_container_or_label(
        #[case] controller: &Controller,
        #[case] labels: &[(&str, &str)],
        #[case] container: (&str, &str),
        #[case] is: bool,
    ) {
        assert_eq!(!controller.containers(&pod(labels, &[container])).is_empty(), is, "{}", controller.name);
    }

    #[rstest]
    #[case("ebs.csi.aws.com", &[("app", "ebs-csi-controller")], Serves::It)]
    #[case("rook-ceph.rbd.csi.ceph.com", &[("app", "csi-rbdplugin-provisioner")], Serves::It)]
    #[case("evilrbd.csi.ceph.com", &[("app", "csi-rbdplugin-provisioner")], Serves::Another)]
    #[case("hostpath.csi.k8s.io", &[("app.kubernetes.io/instance", "hostpath.csi.k8s.io")], Serves::It)]
    #[case("efs.csi.aws.com", &[("app", "ebs-csi-controller")], Serves::Another)]
    #[case("csi.example", &[("app", "storage")], Serves::Perhaps)]
    fn the_driver_of_a_sidecar_is_known_by_labels(
        #[case] driver: &str,
        #[case] labels: &[(&str, &str)],
        #[case] expected: Serves,
    ) {
        assert_eq!(serves(&pod(labels, &[]), driver), expected);
    }
}
