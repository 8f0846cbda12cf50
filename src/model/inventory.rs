//! All objects seen in one cluster, one table per kind.

use super::{
    BackupLocation, CertManagerCertificate, CertificateHolder, CertificateRequest, Challenge, ClusterEvent, Content,
    Front, GroupContent, GroupSnapshot, Issuer, Kind, Meta, Namespace, Node, ObjRef, Order, Pod, Pv, Pvc, Scope,
    Service, SigningRequest, SnapshotClass, StorageClass, Table, TlsSecret, TrustBundle, Uid, VeleroBackup, VeleroItem,
    VeleroRestore, VeleroSchedule, VolumeAttachment, VolumeSnapshot, Workload,
};

macro_rules! inventory {
    ($($kind:ident($type:ty) in $table:ident,)*) => {
        /// One object of any watched kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Object { $(#[doc = concat!("See [`Kind::", stringify!($kind), "`].")] $kind($type),)* }

        /// One table per kind.
        #[derive(Clone, Debug, Default)]
        pub struct Inventory {
            $(#[doc = concat!("Objects of [`Kind::", stringify!($kind), "`].")] pub $table: Table<$type>,)*
        }

        impl Object {
            /// Its kind.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            /// Its metadata.
            pub fn meta(&self) -> &Meta {
                match self { $(Self::$kind(object) => &object.meta,)* }
            }
        }

        impl Inventory {
            /// How many objects of a kind are held.
            pub fn count(&self, kind: Kind) -> usize {
                match kind { $(Kind::$kind => self.$table.len(),)* }
            }

            /// The metadata of an object.
            pub fn meta(&self, kind: Kind, uid: &Uid) -> Option<&Meta> {
                match kind { $(Kind::$kind => self.$table.get(uid).map(|object| &object.meta),)* }
            }

            /// The metadata of an object found by name.
            pub fn find(&self, object: &ObjRef) -> Option<&Meta> {
                match object.kind {
                    $(Kind::$kind => self.$table.named(object.namespace.as_ref(), &object.name).map(|o| &o.meta),)*
                }
            }

            pub(super) fn upsert(&mut self, object: Object, generation: u32) -> Option<Object> {
                match object {
                    $(Object::$kind(object) => {
                        let meta = object.meta.clone();
                        self.$table.upsert(&meta, object, generation).map(Object::$kind)
                    })*
                }
            }

            pub(super) fn remove(&mut self, kind: Kind, meta: &Meta) -> Option<Object> {
                match kind { $(Kind::$kind => self.$table.remove(meta).map(Object::$kind),)* }
            }

            pub(super) fn unseen(&self, kind: Kind, scope: &Scope, generation: u32) -> Vec<Uid> {
                match kind { $(Kind::$kind => self.$table.unseen(scope, generation, |object| &object.meta),)* }
            }

            /// UIDs of objects that lie in none of the scopes.
            pub(super) fn outside(&self, kind: Kind, scopes: &[Scope]) -> Vec<Uid> {
                match kind {
                    $(Kind::$kind => {
                        let metas = self.$table.iter().map(|object| &object.meta);
                        metas.filter(|meta| !scopes.iter().any(|scope| scope.holds(meta))).map(Meta::uid).collect()
                    })*
                }
            }

            /// Whether anything in a namespace is held.
            pub fn any_in(&self, namespace: &str) -> bool {
                let within = |meta: &Meta| meta.namespace.as_deref() == Some(namespace);
                $(self.$table.iter().any(|object| within(&object.meta)))||*
            }

            /// A copy of one object.
            pub fn object(&self, kind: Kind, uid: &Uid) -> Option<Object> {
                match kind { $(Kind::$kind => self.$table.get(uid).cloned().map(Object::$kind),)* }
            }
        }
    };
}

inventory! {
    Pvc(Pvc) in pvcs,
    VolumeSnapshot(VolumeSnapshot) in snapshots,
    Content(Content) in contents,
    Pv(Pv) in pvs,
    TlsSecret(TlsSecret) in tls_secrets,
    Certificate(CertManagerCertificate) in certificates,
    Pod(Pod) in pods,
    StorageClass(StorageClass) in storage_classes,
    SnapshotClass(SnapshotClass) in snapshot_classes,
    Namespace(Namespace) in namespaces,
    StatefulSet(Workload) in stateful_sets,
    Deployment(Workload) in deployments,
    ReplicaSet(Workload) in replica_sets,
    DaemonSet(Workload) in daemon_sets,
    Job(Workload) in jobs,
    CronJob(Workload) in cron_jobs,
    VolumeAttachment(VolumeAttachment) in attachments,
    Node(Node) in nodes,
    GroupSnapshot(GroupSnapshot) in group_snapshots,
    GroupContent(GroupContent) in group_contents,
    GroupClass(SnapshotClass) in group_classes,
    CertificateRequest(CertificateRequest) in certificate_requests,
    Issuer(Issuer) in issuers,
    ClusterIssuer(Issuer) in cluster_issuers,
    Service(Service) in services,
    MutatingWebhook(TrustBundle) in mutating_webhooks,
    ValidatingWebhook(TrustBundle) in validating_webhooks,
    ApiService(TrustBundle) in api_services,
    Crd(TrustBundle) in crds,
    SigningRequest(SigningRequest) in signing_requests,
    Order(Order) in orders,
    Challenge(Challenge) in challenges,
    OtherSecret(CertificateHolder) in other_secrets,
    ConfigMap(CertificateHolder) in config_maps,
    Ingress(Front) in ingresses,
    Gateway(Front) in gateways,
    VeleroBackup(VeleroBackup) in velero_backups,
    VeleroSchedule(VeleroSchedule) in velero_schedules,
    VeleroRestore(VeleroRestore) in velero_restores,
    BackupLocation(BackupLocation) in backup_locations,
    DataUpload(VeleroItem) in data_uploads,
    PodVolumeBackup(VeleroItem) in pod_volume_backups,
    Event(ClusterEvent) in events,
}
