//! The nouns of the console: what was seen in one cluster, and how it hangs together.
//!
//! Pure data. Nothing here judges ([`crate::assess`] does), nothing here knows how an object travelled
//! (kube types stop in `cluster`). The [`World`] is owned by one task and changed only by [`World::apply`].

mod acme;
mod constraints;
mod copies;
mod delta;
mod finding;
mod findings;
mod front;
pub mod glob;
mod held;
mod inventory;
mod key;
mod keystores;
mod kind;
mod ledger;
mod linking;
mod links;
mod log;
mod meta;
mod observed;
mod policy;
mod retention;
mod review;
mod served;
mod storage;
mod table;
mod tls;
mod triage;
mod trust;
mod usage;
mod velero;
mod workload;
mod world;

pub use acme::{Challenge, Order};
pub use constraints::{NameConstraints, OtherName, Subtree};
pub use copies::{BundleKey, Identities, Member, bundle_key, identities, issued_by};
pub use delta::{Connection, Delta, Freshness, Scope};
pub use finding::{
    Band, BandSource, Baseline, Completion, Diagnostic, Finding, FindingId, Level, ResultKind, Rule, Scan, Series,
    Subject, SubjectSource, Suppression, TimeSource,
};
pub use findings::{Findings, ScanSource, Taken, Watched};
pub use front::{Front, FrontTls};
pub use held::{CertificateHolder, Fault, Format, HeldFile};
pub use inventory::{Inventory, Object};
pub use key::{ClaimKey, HandleKey, Key, ObjRef, Uid};
pub use keystores::{Locked, Opened, PasswordAt};
pub use kind::{Kind, KindSpec};
pub use ledger::{Entry, Ledger, Sighting, Standing, proves};
pub use linking::{
    Built, Compromise, Compromised, LinkRule, Linking, Pin, Pinned, RevisionFrom, Rung, SeverityRule, To, When,
};
pub use links::Links;
pub use log::LogLine;
pub use meta::{Meta, OwnerRef, annotation};
pub use observed::{Birth, Extent, Known, Observed, Program, RunKey, Said, Span, WorkloadName, unite};
pub use policy::{Policies, Policy, PolicyRule, Rpo};
pub use retention::{Bucket, Count, Hold, Keep};
pub use review::{QUARTER, Review, Reviews, TOPICS};
pub use served::{NotServed, Served, Shaken};
pub use storage::{
    AccessMode, ClaimRef, Content, ContentSource, DeletionPolicy, GroupContent, GroupSnapshot, InTree, Namespace, Pv,
    Pvc, ReclaimPolicy, SnapshotClass, SnapshotSource, StorageClass, VolumeAttachment, VolumeError, VolumeSnapshot,
};
pub use table::Table;
pub use tls::{
    CertManagerCertificate, CertificateFacts, CertificateRequest, Condition, Issuer, KeyMatch, KeyPurpose,
    KeystoreSpec, NextLink, Oddity, Place, SigningRequest, TlsSecret,
};
pub use triage::{Decision, Triage, TriageState, Undecidable};
pub use trust::{Called, PodPortName, Service, ServicePort, TrustBundle, TrustEntry};
pub use usage::{History, Usage, UsageReport, UsageSource, Usages};
pub use velero::{BackupLocation, VeleroBackup, VeleroItem, VeleroRestore, VeleroSchedule};
pub use workload::{
    ClaimTemplate, ClusterEvent, Container, ContainerPort, ContainerState, Node, Pod, RetentionWhen, SecretUse,
    SecretVia, Workload, WorkloadKind, Writer,
};
pub use world::{Context, Touched, World};
