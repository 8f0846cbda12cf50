//! The registry of every kind this API serves: names, scope, subresources.
//!
//! Discovery, routing, validation and printing all read it, so a kind is added by adding one line.
//! It holds facts only; no behaviour of a kind belongs here.

/// One resource type, as discovery describes it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "a row of facts, in the words of the API"
)]
pub(crate) struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    /// Unique over the registry, and therefore the key of the kind in the store.
    pub plural: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    /// Writes to the object ignore `status`, and `/status` writes nothing else.
    pub status: bool,
    pub scale: bool,
    /// `metadata.generation` counts changes of the wish.
    pub generation: bool,
    /// Defined by a CRD on a real cluster: list items carry their type, and a PUT needs a resourceVersion.
    pub custom: bool,
    /// Answers a POST and stores nothing.
    pub review: bool,
}

impl Kind {
    /// `apiVersion` of the objects of this kind.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `plural.group`, the way error messages and quotas name a resource.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    const fn new(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self {
            group,
            version,
            kind,
            plural,
            short: &[],
            namespaced: true,
            status: false,
            scale: false,
            generation: false,
            custom: false,
            review: false,
        }
    }

    const fn short(mut self, short: &'static [&'static str]) -> Self {
        self.short = short;
        self
    }

    const fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn status(mut self) -> Self {
        self.status = true;
        self
    }

    const fn scale(mut self) -> Self {
        self.scale = true;
        self
    }

    const fn review(mut self) -> Self {
        self.review = true;
        self.namespaced = false;
        self
    }

    const fn generation(mut self) -> Self {
        self.generation = true;
        self
    }

    const fn custom(mut self) -> Self {
        self.custom = true;
        self.generation = true;
        self
    }
}

const fn core(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("", "v1", kind, plural)
}

const fn apps(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("apps", "v1", kind, plural).status().generation()
}

const fn batch(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("batch", "v1", kind, plural).status().generation()
}

const fn storage(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("storage.k8s.io", "v1", kind, plural).cluster()
}

const fn snapshot(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("snapshot.storage.k8s.io", "v1", kind, plural).custom()
}

const fn group_snapshot(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("groupsnapshot.storage.k8s.io", "v1", kind, plural).custom()
}

const fn cert_manager(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("cert-manager.io", "v1", kind, plural).custom().status()
}

const fn acme(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("acme.cert-manager.io", "v1", kind, plural).custom().status()
}

const fn admission(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("admissionregistration.k8s.io", "v1", kind, plural).cluster().generation()
}

const fn velero(version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("velero.io", version, kind, plural).custom()
}

const fn authorization(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("authorization.k8s.io", "v1", kind, plural).review()
}

const fn rbac(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new("rbac.authorization.k8s.io", "v1", kind, plural)
}

/// Every kind, in the order discovery lists them.
pub(crate) static KINDS: &[Kind] = &[
    core("Namespace", "namespaces").short(&["ns"]).cluster().status(),
    core("Node", "nodes").short(&["no"]).cluster().status(),
    core("Pod", "pods").short(&["po"]).status(),
    core("Service", "services").short(&["svc"]).status(),
    core("ServiceAccount", "serviceaccounts").short(&["sa"]),
    core("ConfigMap", "configmaps").short(&["cm"]),
    core("Secret", "secrets"),
    core("Event", "events").short(&["ev"]),
    core("ResourceQuota", "resourcequotas").short(&["quota"]).status(),
    core("PersistentVolumeClaim", "persistentvolumeclaims").short(&["pvc"]).status(),
    core("PersistentVolume", "persistentvolumes").short(&["pv"]).cluster().status(),
    apps("StatefulSet", "statefulsets").short(&["sts"]).scale(),
    apps("Deployment", "deployments").short(&["deploy"]).scale(),
    apps("ReplicaSet", "replicasets").short(&["rs"]).scale(),
    apps("DaemonSet", "daemonsets").short(&["ds"]),
    batch("Job", "jobs"),
    batch("CronJob", "cronjobs").short(&["cj"]),
    storage("StorageClass", "storageclasses").short(&["sc"]),
    storage("VolumeAttachment", "volumeattachments").status(),
    storage("CSIDriver", "csidrivers"),
    snapshot("VolumeSnapshot", "volumesnapshots").short(&["vs"]).status(),
    snapshot("VolumeSnapshotContent", "volumesnapshotcontents").short(&["vsc", "vscs"]).cluster().status(),
    snapshot("VolumeSnapshotClass", "volumesnapshotclasses").short(&["vsclass", "vsclasses"]).cluster(),
    group_snapshot("VolumeGroupSnapshot", "volumegroupsnapshots").short(&["vgs"]).status(),
    group_snapshot("VolumeGroupSnapshotContent", "volumegroupsnapshotcontents")
        .short(&["vgsc", "vgscs"])
        .cluster()
        .status(),
    group_snapshot("VolumeGroupSnapshotClass", "volumegroupsnapshotclasses")
        .short(&["vgsclass", "vgsclasses"])
        .cluster(),
    cert_manager("Certificate", "certificates").short(&["cert", "certs"]),
    cert_manager("CertificateRequest", "certificaterequests").short(&["cr", "crs"]),
    cert_manager("Issuer", "issuers"),
    cert_manager("ClusterIssuer", "clusterissuers").cluster(),
    acme("Order", "orders"),
    acme("Challenge", "challenges"),
    admission("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    admission("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    Kind::new("apiregistration.k8s.io", "v1", "APIService", "apiservices").cluster().status(),
    Kind::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
        .short(&["crd", "crds"])
        .cluster()
        .status()
        .generation(),
    Kind::new("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests")
        .short(&["csr"])
        .cluster()
        .status(),
    Kind::new("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind::new("networking.k8s.io", "v1", "Ingress", "ingresses").short(&["ing"]).status().generation(),
    Kind::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies").short(&["netpol"]),
    velero("v1", "Backup", "backups"),
    velero("v1", "Schedule", "schedules"),
    velero("v1", "Restore", "restores"),
    velero("v1", "BackupStorageLocation", "backupstoragelocations").short(&["bsl"]),
    velero("v1", "PodVolumeBackup", "podvolumebackups"),
    velero("v2alpha1", "DataUpload", "datauploads"),
    rbac("ClusterRole", "clusterroles").cluster(),
    rbac("Role", "roles"),
    rbac("ClusterRoleBinding", "clusterrolebindings").cluster(),
    rbac("RoleBinding", "rolebindings"),
    authorization("SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    authorization("SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    Kind::new("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews").review(),
];

/// The group that is served only when asked for, so that its absence is exercised by default.
pub(crate) const VELERO: &str = "velero.io";

/// The kinds one simulated cluster serves.
#[derive(Debug)]
pub(crate) struct Kinds(Vec<&'static Kind>);

impl Kinds {
    /// All kinds but those whose group is in `absent`.
    pub fn without(absent: &[String]) -> Self {
        Self(KINDS.iter().filter(|kind| !absent.iter().any(|group| group == kind.group)).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static Kind> + '_ {
        self.0.iter().copied()
    }

    /// By its place in the URL.
    pub fn served(&self, group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
        self.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    /// By `apiVersion` and `kind` of an object.
    pub fn of_object(&self, api_version: &str, kind: &str) -> Option<&'static Kind> {
        self.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }
}

/// The kind behind a store key; `None` only for a key no registry line made.
pub(crate) fn by_plural(plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.plural == plural)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::KINDS;

    #[test]
    fn plurals_are_unique_because_the_store_is_keyed_by_them() {
        let plurals: BTreeSet<_> = KINDS.iter().map(|kind| kind.plural).collect();
        assert_eq!(plurals.len(), KINDS.len());
    }

    #[test]
    fn short_names_are_unique_or_kubectl_would_pick_one_at_random() {
        let short: Vec<_> = KINDS.iter().flat_map(|kind| kind.short).collect();
        assert_eq!(short.iter().collect::<BTreeSet<_>>().len(), short.len());
    }
}
