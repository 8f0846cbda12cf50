//! What every object carries, cut down to what the console uses.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Kind, ObjRef, Uid};

/// Annotations and labels that Holdfast itself writes or reads.
pub mod annotation {
    /// Target recovery point objective of a volume: a duration such as `4h`, or `none` to opt out.
    pub const RPO: &str = "holdfast.dev/rpo";
    /// Identity of the data, kept through in-place restores: the UID of the first PVC.
    pub const LINEAGE: &str = "holdfast.dev/lineage";
    /// The operation that made an object.
    pub const OPERATION: &str = "holdfast.dev/operation";
    /// Label on the record of a run of a runbook, and on approvals of its steps: the run.
    pub const RUN: &str = "holdfast.dev/run";
    /// Label on an approval of a step of a run.
    pub const APPROVAL: &str = "holdfast.dev/approval";
    /// The step of that operation.
    pub const STEP: &str = "holdfast.dev/step";
    /// Why somebody had it made.
    pub const REASON: &str = "holdfast.dev/reason";
    /// On a Secret: the name of the one whose values it holds, or was made for.
    pub const COPY_OF: &str = "holdfast.dev/copy-of";
    /// On the Secret of a CA: the CA whose place it takes, `SECRET FINGERPRINT`.
    pub const SUCCEEDS: &str = "holdfast.dev/succeeds";
    /// On the Secret of such a CA: when it was trusted everywhere beside the former one, RFC 3339.
    pub const TRUSTED_SINCE: &str = "holdfast.dev/trusted-since";
    /// On the Secret of such a CA: the moment that pods bear which were started for that.
    pub const TRUSTED_MARK: &str = "holdfast.dev/trusted-mark";
    /// On the Secret of such a CA: who said, and when, that holders of trust that cannot be written here have it.
    pub const ATTESTED_STORES: &str = "holdfast.dev/attested-stores";
    /// On the Secret of such a CA: the marks of what that answer was for; what comes later is asked about anew.
    pub const ATTESTED_ABOUT: &str = "holdfast.dev/attested-about";
    /// On the Secret of such a CA: since when all that it signed was seen to be served, RFC 3339.
    pub const PROVEN_SINCE: &str = "holdfast.dev/proven-since";
    /// On the Secret of such a CA: how long both are trusted after that.
    pub const SOAK: &str = "holdfast.dev/soak";
    /// On the Secret of such a CA: who said, and when, that holders of trust outside of the cluster have it.
    pub const ATTESTED_OUTSIDE: &str = "holdfast.dev/attested-outside";
    /// On a restore point: the spec of the claim it was cut from, as JSON.
    pub const CLAIM_SPEC: &str = "holdfast.dev/claim-spec";
    /// Label on the members of a set of restore points that were cut together: the operation that cut them.
    pub const SET: &str = "holdfast.dev/set";
    /// On a member of a set: how many members the set has; with fewer it is incomplete.
    pub const SET_SIZE: &str = "holdfast.dev/set-size";
    /// On a member of a set: how far the first cut and the last are apart, as it was measured.
    pub const SET_SKEW: &str = "holdfast.dev/set-skew";
    /// On a restore point: the workload that used its volume, `StatefulSet/db`.
    pub const WORKLOAD: &str = "holdfast.dev/workload";
    /// On a restore point: the manifests of what ran on its volume, `sha256:… MACHINE:PATH`.
    pub const BUNDLE: &str = "holdfast.dev/bundle";
    /// On a restored claim: the restore point, `NAMESPACE/NAME`.
    pub const RESTORED_FROM: &str = "holdfast.dev/restored-from";
    /// On a restored claim: the moment whose data it holds (RFC 3339).
    pub const RESTORED_CUT: &str = "holdfast.dev/restored-cut";
    /// How much a snapshot promises: `crash`; `group` when all volumes of its set were cut at one moment; or
    /// `application` when the application had been told of the cut.
    pub const CONSISTENCY: &str = "holdfast.dev/consistency";
    /// On a restore point: the images that ran on the volume at the cut, `CONTAINER=IMAGE,…`.
    pub const IMAGES: &str = "holdfast.dev/images";
    /// On a restore point: what ran on the volume at the cut, with pods and digests, as JSON. What anybody may have
    /// written there is claimed until the operation's own record proves it: see
    /// [`Observed::attests`](crate::model::Observed::attests).
    pub const RAN: &str = "holdfast.dev/ran";
    /// On a restore point: which findings were open on what ran there at the cut: `COUNT sha256:…` over their sorted
    /// identities.
    pub const OPEN_FINDINGS: &str = "holdfast.dev/open-findings";
    /// Label on a claim or namespace: how much its data matters: `critical`, `high`, `normal` or `low`.
    pub const CRITICALITY: &str = "holdfast.dev/criticality";
    /// On a PersistentVolume: the driver that made it for its claim.
    pub const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
    /// On a pod: the revision of the sources that its image was built from (OCI). Claimed.
    pub const REVISION: &str = "org.opencontainers.image.revision";
    /// On a restore point: where it was exported, in a sentence.
    pub const IMPORTED_FROM: &str = "holdfast.dev/imported-from";
    /// On a restore point: how its last restore drill that succeeded went (see `LAST_PROVEN_BY` for which it was).
    /// Written as `passed at TIME from TIME: WHAT WAS FOUND`.
    pub const LAST_PROVEN: &str = "holdfast.dev/last-proven";
    /// On a restore point: the operation that wrote [`LAST_PROVEN`].
    pub const LAST_PROVEN_BY: &str = "holdfast.dev/last-proven-by";
    /// On a restore point: how its last restore drill that did not succeed went (see `LAST_FAILED_BY` for which it was).
    /// Written as `begun at TIME, failed at STEP: WHY` or `begun at TIME, stopped`.
    pub const LAST_FAILED: &str = "holdfast.dev/last-failed";
    /// On a restore point: the operation that wrote [`LAST_FAILED`].
    pub const LAST_FAILED_BY: &str = "holdfast.dev/last-failed-by";
    /// Label on everything of a restore drill: the operation.
    pub const DRILL: &str = "holdfast.dev/drill";
    /// On what a drill makes outside of the restore point's namespace: that namespace, which keeps its record.
    pub const HOME: &str = "holdfast.dev/home";
    /// JSON pointer (RFC 6901) to an annotation of an object.
    pub fn pointer(key: &str) -> String {
        format!("/metadata/annotations/{}", escaped(key))
    }

    /// JSON pointer to a label of an object.
    pub fn label_pointer(key: &str) -> String {
        format!("/metadata/labels/{}", escaped(key))
    }

    fn escaped(key: &str) -> String {
        key.replace('~', "~0").replace('/', "~1")
    }

    /// That a copy must not be deleted: see [`Hold`](crate::model::Hold).
    pub const HOLD: &str = "holdfast.dev/hold";
    /// Until when a safety copy has to stay, RFC 3339.
    pub const KEEP_UNTIL: &str = "holdfast.dev/keep-until";
    /// Label on everything that Holdfast creates.
    pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "holdfast");
    /// cert-manager: which Certificate a Secret or request belongs to.
    pub const CERTIFICATE_NAME: &str = "cert-manager.io/certificate-name";
    /// cert-manager: the revision a request is for.
    pub const CERTIFICATE_REVISION: &str = "cert-manager.io/certificate-revision";
    /// cert-manager's CA injector: the Certificate, `NAMESPACE/NAME`, whose CA it keeps in an object.
    pub const INJECT_CA_FROM: &str = "cert-manager.io/inject-ca-from";
    /// cert-manager's CA injector: the Secret, `NAMESPACE/NAME`, whose `ca.crt` it keeps in an object.
    pub const INJECT_CA_FROM_SECRET: &str = "cert-manager.io/inject-ca-from-secret";
    /// kubectl: the moment for which a pod was started anew.
    pub const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
    /// Marks the default StorageClass.
    pub const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
    /// Marks the default VolumeSnapshotClass of its driver.
    pub const DEFAULT_SNAPSHOT_CLASS: &str = "snapshot.storage.kubernetes.io/is-default-class";
    /// Label on a `ConfigMap` with SARIF logs; its value says nothing.
    pub const SARIF: &str = "holdfast.dev/sarif";
    /// Velero: UID of the PVC an item was taken from.
    pub const VELERO_PVC_UID: &str = "velero.io/pvc-uid";
    /// Velero: name of the backup an item belongs to.
    pub const VELERO_BACKUP: &str = "velero.io/backup-name";
    /// Label on what a Velero restore brought back.
    pub const VELERO_RESTORE: &str = "velero.io/restore-name";
    /// The only annotations kept in memory; all others are skipped while decoding.
    pub const KEPT: &[&str] = &[
        RPO,
        LINEAGE,
        OPERATION,
        STEP,
        COPY_OF,
        SUCCEEDS,
        TRUSTED_SINCE,
        TRUSTED_MARK,
        ATTESTED_STORES,
        ATTESTED_ABOUT,
        PROVEN_SINCE,
        SOAK,
        ATTESTED_OUTSIDE,
        RESTARTED,
        CONSISTENCY,
        SET_SIZE,
        SET_SKEW,
        WORKLOAD,
        IMAGES,
        RAN,
        OPEN_FINDINGS,
        REVISION,
        PROVISIONED_BY,
        BUNDLE,
        LAST_PROVEN,
        LAST_FAILED,
        HOLD,
        KEEP_UNTIL,
        CERTIFICATE_NAME,
        CERTIFICATE_REVISION,
        INJECT_CA_FROM,
        INJECT_CA_FROM_SECRET,
        DEFAULT_CLASS,
        DEFAULT_SNAPSHOT_CLASS,
    ];
}

/// Lean object metadata. Field meanings are those of Kubernetes' `ObjectMeta`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// Namespace; `None` for cluster-scoped objects.
    pub namespace: Option<Arc<str>>,
    /// Name.
    pub name: Arc<str>,
    /// UID; empty only for objects that were never stored.
    pub uid: Option<Uid>,
    /// Version for preconditions; opaque.
    pub resource_version: Box<str>,
    /// When the object was created.
    pub created: Option<Timestamp>,
    /// Set while the object waits for its finalizers.
    pub deleting: Option<Timestamp>,
    /// All labels.
    pub labels: Box<[(Arc<str>, Arc<str>)]>,
    /// The annotations of [`annotation::KEPT`] that are present.
    pub annotations: Box<[(&'static str, Box<str>)]>,
    /// Who owns it.
    pub owners: Box<[OwnerRef]>,
    /// What blocks its deletion.
    pub finalizers: Box<[Box<str>]>,
}

impl Meta {
    /// The object's UID, or an empty one.
    pub fn uid(&self) -> Uid {
        self.uid.clone().unwrap_or_else(|| Uid::from(""))
    }

    /// The namespace's text, empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("")
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    /// The value of a kept annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(k, _)| *k == key).map(|(_, v)| &**v)
    }

    /// The controlling owner.
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.owners.iter().find(|owner| owner.controller)
    }

    /// Kind, namespace and name.
    pub fn reference(&self, kind: Kind) -> ObjRef {
        ObjRef { kind, namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// One owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRef {
    /// The owner's `kind` field.
    pub kind: Box<str>,
    /// The owner's name.
    pub name: Arc<str>,
    /// The owner's UID.
    pub uid: Uid,
    /// Whether it is the managing controller.
    pub controller: bool,
}
