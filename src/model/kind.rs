//! The registry of kinds that are watched: one line each, and everything else is derived from it.

use serde::{Deserialize, Serialize};

/// How the Kubernetes API calls a kind.
#[derive(Debug)]
pub struct KindSpec {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Served versions we can read, the preferred one first.
    pub versions: &'static [&'static str],
    /// The `kind` field.
    pub kind: &'static str,
    /// The resource name in URLs and RBAC rules.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether the watch lists only part of the objects, by this field selector.
    pub selector: Option<&'static str>,
}

/// All Secrets but TLS Secrets and those whose type says that they hold something else, in bulk as a rule.
const OTHER_SECRETS: &str = "type!=kubernetes.io/tls,type!=helm.sh/release.v1,\
    type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token,\
    type!=kubernetes.io/dockerconfigjson,type!=kubernetes.io/dockercfg,\
    type!=kubernetes.io/basic-auth,type!=kubernetes.io/ssh-auth";

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $group:literal $versions:expr, $kind:literal $plural:literal $namespaced:literal $selector:expr;)*) => {
        /// A kind of Kubernetes object that the console watches.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind, in the order in which watches start: what the first screen needs comes first.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// Kinds that copies are known by.
            pub const COPIES: &'static [Kind] =
                &[Kind::VolumeSnapshot, Kind::Content, Kind::VeleroBackup, Kind::DataUpload, Kind::PodVolumeBackup];

            /// How the API calls this kind.
            pub const fn spec(self) -> &'static KindSpec {
                match self {
                    $(Kind::$variant => &KindSpec {
                        group: $group, versions: &$versions, kind: $kind, plural: $plural,
                        namespaced: $namespaced, selector: $selector,
                    },)*
                }
            }
        }
    };
}

kinds! {
    /// PersistentVolumeClaim.
    Pvc = "" ["v1"], "PersistentVolumeClaim" "persistentvolumeclaims" true None;
    /// VolumeSnapshot.
    VolumeSnapshot = "snapshot.storage.k8s.io" ["v1"], "VolumeSnapshot" "volumesnapshots" true None;
    /// VolumeSnapshotContent.
    Content = "snapshot.storage.k8s.io" ["v1"], "VolumeSnapshotContent" "volumesnapshotcontents" false None;
    /// PersistentVolume.
    Pv = "" ["v1"], "PersistentVolume" "persistentvolumes" false None;
    /// Secret of type kubernetes.io/tls.
    TlsSecret = "" ["v1"], "Secret" "secrets" true Some("type=kubernetes.io/tls");
    /// cert-manager Certificate.
    Certificate = "cert-manager.io" ["v1"], "Certificate" "certificates" true None;
    /// Pod.
    Pod = "" ["v1"], "Pod" "pods" true None;
    /// StorageClass.
    StorageClass = "storage.k8s.io" ["v1"], "StorageClass" "storageclasses" false None;
    /// VolumeSnapshotClass.
    SnapshotClass = "snapshot.storage.k8s.io" ["v1"], "VolumeSnapshotClass" "volumesnapshotclasses" false None;
    /// Namespace.
    Namespace = "" ["v1"], "Namespace" "namespaces" false None;
    /// StatefulSet.
    StatefulSet = "apps" ["v1"], "StatefulSet" "statefulsets" true None;
    /// Deployment.
    Deployment = "apps" ["v1"], "Deployment" "deployments" true None;
    /// ReplicaSet.
    ReplicaSet = "apps" ["v1"], "ReplicaSet" "replicasets" true None;
    /// DaemonSet.
    DaemonSet = "apps" ["v1"], "DaemonSet" "daemonsets" true None;
    /// Job.
    Job = "batch" ["v1"], "Job" "jobs" true None;
    /// CronJob.
    CronJob = "batch" ["v1"], "CronJob" "cronjobs" true None;
    /// VolumeAttachment.
    VolumeAttachment = "storage.k8s.io" ["v1"], "VolumeAttachment" "volumeattachments" false None;
    /// Node.
    Node = "" ["v1"], "Node" "nodes" false None;
    /// VolumeGroupSnapshot.
    GroupSnapshot = "groupsnapshot.storage.k8s.io" ["v1", "v1beta2", "v1beta1"], "VolumeGroupSnapshot" "volumegroupsnapshots" true None;
    /// VolumeGroupSnapshotContent.
    GroupContent = "groupsnapshot.storage.k8s.io" ["v1", "v1beta2", "v1beta1"], "VolumeGroupSnapshotContent" "volumegroupsnapshotcontents" false None;
    /// VolumeGroupSnapshotClass.
    GroupClass = "groupsnapshot.storage.k8s.io" ["v1", "v1beta2", "v1beta1"], "VolumeGroupSnapshotClass" "volumegroupsnapshotclasses" false None;
    /// cert-manager CertificateRequest.
    CertificateRequest = "cert-manager.io" ["v1"], "CertificateRequest" "certificaterequests" true None;
    /// cert-manager Issuer.
    Issuer = "cert-manager.io" ["v1"], "Issuer" "issuers" true None;
    /// cert-manager ClusterIssuer.
    ClusterIssuer = "cert-manager.io" ["v1"], "ClusterIssuer" "clusterissuers" false None;
    /// Service.
    Service = "" ["v1"], "Service" "services" true None;
    /// MutatingWebhookConfiguration.
    MutatingWebhook = "admissionregistration.k8s.io" ["v1"], "MutatingWebhookConfiguration" "mutatingwebhookconfigurations" false None;
    /// ValidatingWebhookConfiguration.
    ValidatingWebhook = "admissionregistration.k8s.io" ["v1"], "ValidatingWebhookConfiguration" "validatingwebhookconfigurations" false None;
    /// APIService that another server answers; those that the API server answers itself are not kept.
    ApiService = "apiregistration.k8s.io" ["v1"], "APIService" "apiservices" false None;
    /// CustomResourceDefinition whose objects a webhook converts; others are not kept.
    Crd = "apiextensions.k8s.io" ["v1"], "CustomResourceDefinition" "customresourcedefinitions" false None;
    /// CertificateSigningRequest.
    SigningRequest = "certificates.k8s.io" ["v1"], "CertificateSigningRequest" "certificatesigningrequests" false None;
    /// Order of a certificate at an ACME server, by cert-manager.
    Order = "acme.cert-manager.io" ["v1"], "Order" "orders" true None;
    /// Challenge: the proof of a name that an Order waits for.
    Challenge = "acme.cert-manager.io" ["v1"], "Challenge" "challenges" true None;
    /// Secret of another type that holds certificates, a keystore or a kubeconfig; others are not kept. Releases of Helm,
    /// tokens and what else never holds a certificate that somebody chose is not listed.
    OtherSecret = "" ["v1"], "Secret" "secrets" true Some(OTHER_SECRETS);
    /// ConfigMap that holds certificates or a kubeconfig; others are not kept.
    ConfigMap = "" ["v1"], "ConfigMap" "configmaps" true None;
    /// Ingress.
    Ingress = "networking.k8s.io" ["v1"], "Ingress" "ingresses" true None;
    /// Gateway of the Gateway API.
    Gateway = "gateway.networking.k8s.io" ["v1", "v1beta1"], "Gateway" "gateways" true None;
    /// Velero Backup.
    VeleroBackup = "velero.io" ["v1"], "Backup" "backups" true None;
    /// Velero Schedule.
    VeleroSchedule = "velero.io" ["v1"], "Schedule" "schedules" true None;
    /// Velero Restore.
    VeleroRestore = "velero.io" ["v1"], "Restore" "restores" true None;
    /// Velero BackupStorageLocation.
    BackupLocation = "velero.io" ["v1"], "BackupStorageLocation" "backupstoragelocations" true None;
    /// Velero DataUpload.
    DataUpload = "velero.io" ["v2alpha1"], "DataUpload" "datauploads" true None;
    /// Velero PodVolumeBackup.
    PodVolumeBackup = "velero.io" ["v1"], "PodVolumeBackup" "podvolumebackups" true None;
    /// Event about one of the other kinds.
    Event = "" ["v1"], "Event" "events" true None;
}
