//! How the objects stand that volumes, copies and certificates hang on: a state in a word, and the one fact of it that
//! matters most. Kinds that are judged in full elsewhere (volumes, restore points, certificates and what makes or trusts
//! them) are not judged here.
//!
//! What an object does not say is Unknown, never good. Text of objects in states and facts is untrusted.

mod storage;
mod velero;
mod workload;

use jiff::Timestamp;

use super::{Judgement, Reason, Severity};
use crate::model::{Kind, Meta, Object, Uid, World};
use crate::text;

/// How one object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much it matters.
    pub severity: Severity,
    /// Its state in a word or two.
    pub state: String,
    /// The fact that matters most; may be empty.
    pub fact: String,
}

impl Standing {
    fn new(severity: Severity, state: &str, fact: impl Into<String>) -> Judgement<Self> {
        Judgement::new(Self { severity, state: state.into(), fact: fact.into() })
    }
}

/// Judges an object; `None` when it is gone or is judged elsewhere. The reasons say what is wrong, where something is.
pub fn standing(world: &World, kind: Kind, uid: &Uid, now: Timestamp) -> Option<Judgement<Standing>> {
    let object = world.inventory.object(kind, uid)?;
    let judged = match &object {
        Object::Pv(pv) => storage::pv(world, pv),
        Object::Content(content) => storage::content(world, content),
        Object::StorageClass(class) => storage::storage_class(class),
        Object::SnapshotClass(class) | Object::GroupClass(class) => storage::snapshot_class(class),
        Object::VolumeAttachment(attachment) => storage::attachment(world, attachment, now),
        Object::GroupSnapshot(group) => storage::group(group),
        Object::GroupContent(content) => storage::group_content(content),
        Object::Pod(pod) => workload::pod(pod, now),
        Object::Node(node) => workload::node(node),
        Object::StatefulSet(w)
        | Object::Deployment(w)
        | Object::ReplicaSet(w)
        | Object::DaemonSet(w)
        | Object::Job(w)
        | Object::CronJob(w) => workload::workload(w),
        Object::VeleroBackup(backup) => velero::backup(backup, now),
        Object::VeleroSchedule(schedule) => velero::schedule(schedule, now),
        Object::BackupLocation(location) => velero::location(location),
        Object::VeleroRestore(restore) => Standing::new(Severity::Info, or(&restore.phase, "New"), ""),
        Object::Namespace(_) | Object::Service(_) => Standing::new(Severity::Info, "Exists", ""),
        Object::Pvc(_)
        | Object::VolumeSnapshot(_)
        | Object::DataUpload(_)
        | Object::PodVolumeBackup(_)
        | Object::TlsSecret(_)
        | Object::Certificate(_)
        | Object::CertificateRequest(_)
        | Object::Issuer(_)
        | Object::ClusterIssuer(_)
        | Object::MutatingWebhook(_)
        | Object::ValidatingWebhook(_)
        | Object::ApiService(_)
        | Object::Crd(_)
        | Object::SigningRequest(_)
        | Object::Order(_)
        | Object::Challenge(_)
        | Object::OtherSecret(_)
        | Object::ConfigMap(_)
        | Object::Ingress(_)
        | Object::Gateway(_)
        | Object::Event(_) => return None,
    };
    Some(match going(object.meta(), now) {
        Some(going) if kind != Kind::Pod => ending(judged, going),
        _ => judged,
    })
}

/// That an object is being deleted, since when and what holds it.
pub fn going(meta: &Meta, now: Timestamp) -> Option<String> {
    let since = text::age(now.duration_since(meta.deleting?));
    Some(match &*meta.finalizers {
        [] => format!("being deleted for {since}"),
        finalizers => format!("being deleted for {since}, held by {}", text::list(finalizers)),
    })
}

/// An object that goes is a problem however well it stood.
fn ending(judged: Judgement<Standing>, going: String) -> Judgement<Standing> {
    let severity = judged.value.severity.worse(Severity::Warn);
    let reason = Reason::new(&going).next("find out who deleted it, and what its finalizers wait for");
    let reasons = std::iter::once(reason).chain(judged.reasons).collect();
    Judgement { value: Standing { severity, state: "Deleting".into(), fact: going }, reasons, ..judged }
}

/// A word of the API, or what stands for none.
fn or<'a>(word: &'a str, none: &'a str) -> &'a str {
    if word.is_empty() { none } else { word }
}

/// Facts in one line, without empty ones.
fn facts(facts: &[&str]) -> String {
    facts.iter().filter(|fact| !fact.is_empty()).copied().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests;
