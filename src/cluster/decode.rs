//! JSON of the API to objects of the model, without an intermediate form of the whole object.
//!
//! The structs of the submodules name only the fields that the model keeps, so managedFields, most annotations and
//! everything else are skipped in the parser and never allocated. A page is read in one pass; only when that fails
//! is it taken apart, so that an object which cannot be read costs itself and not its kind. Secret bytes live for the
//! time of one conversion and appear in no error.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{Kind, Object};

use super::errors::{CallError, safe};

mod acme;
mod front;
mod held;
mod meta;
mod snapshots;
mod storage;
mod tls;
mod trust;
mod velero;
mod workload;

pub(super) use tls::wipe;

#[cfg(test)]
mod tests;

/// Most different strings that are shared; beyond it each object keeps its own.
const SHARED: usize = 8192;

/// Strings that many objects carry (namespaces, classes, drivers, labels), each held once.
#[derive(Default)]
struct Strings(HashSet<Arc<str>>, held::Chains);

impl Strings {
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        if self.0.len() < SHARED {
            self.0.insert(text.clone());
        }
        text
    }

    fn maybe(&mut self, text: Option<String>) -> Option<Arc<str>> {
        text.filter(|text| !text.is_empty()).map(|text| self.share(&text))
    }
}

/// The JSON of one kind, cut down to what is kept.
trait Lean: DeserializeOwned {
    /// Whether it is worth keeping.
    fn wanted(&self) -> bool {
        true
    }

    /// The object of the model. One struct may serve several kinds.
    fn object(self, kind: Kind, strings: &mut Strings) -> Object;
}

/// An object that could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Its name, with its namespace when it has one.
    pub name: Box<str>,
    /// Which part of it is wrong.
    pub why: Box<str>,
}

/// What a list says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// Token for the next page.
    pub next: Option<String>,
    /// The version to watch from.
    pub resource_version: String,
}

/// Annotation of the bookmark that ends the list part of a streamed list (Kubernetes API concepts, "Streaming lists").
const INITIAL_EVENTS_END: &str = "/metadata/annotations/k8s.io~1initial-events-end";

/// One line of a watch.
#[derive(Debug)]
pub(super) enum Event {
    /// Added or changed.
    Upsert(Box<Object>, String),
    /// Gone.
    Gone(Box<Object>, String),
    /// An object that could not be read; the version to go on from, when it could.
    Unreadable(Unreadable, Option<String>),
    /// No object, only a version.
    Bookmark(String),
    /// Everything that was there when the watch began has been sent.
    Listed(String),
    /// Something of no interest happened at this version.
    Skipped(String),
    /// The watch ends with this error.
    Error(CallError),
}

/// Decodes the objects of one kind.
pub(super) struct Decoder {
    kind: Kind,
    strings: Strings,
}

macro_rules! by_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Pvc => $function::<storage::Claim>($($argument),*),
            Kind::VolumeSnapshot => $function::<snapshots::Snapshot>($($argument),*),
            Kind::Content => $function::<snapshots::SnapshotContent>($($argument),*),
            Kind::Pv => $function::<storage::Volume>($($argument),*),
            Kind::TlsSecret => $function::<tls::Secret>($($argument),*),
            Kind::Certificate => $function::<tls::Certificate>($($argument),*),
            Kind::Pod => $function::<workload::PodObject>($($argument),*),
            Kind::StorageClass => $function::<storage::Class>($($argument),*),
            Kind::SnapshotClass => $function::<snapshots::CopyClass>($($argument),*),
            Kind::Namespace => $function::<meta::NamespaceObject>($($argument),*),
            Kind::StatefulSet => $function::<workload::Owner>($($argument),*),
            Kind::Deployment => $function::<workload::Owner>($($argument),*),
            Kind::ReplicaSet => $function::<workload::Owner>($($argument),*),
            Kind::DaemonSet => $function::<workload::Owner>($($argument),*),
            Kind::Job => $function::<workload::Owner>($($argument),*),
            Kind::CronJob => $function::<workload::Owner>($($argument),*),
            Kind::VolumeAttachment => $function::<storage::Attachment>($($argument),*),
            Kind::Node => $function::<workload::NodeObject>($($argument),*),
            Kind::GroupSnapshot => $function::<snapshots::Group>($($argument),*),
            Kind::GroupContent => $function::<snapshots::GroupCopy>($($argument),*),
            Kind::GroupClass => $function::<snapshots::CopyClass>($($argument),*),
            Kind::CertificateRequest => $function::<tls::Request>($($argument),*),
            Kind::Issuer => $function::<tls::Signer>($($argument),*),
            Kind::ClusterIssuer => $function::<tls::Signer>($($argument),*),
            Kind::Service => $function::<trust::Answering>($($argument),*),
            Kind::MutatingWebhook => $function::<trust::Webhooks>($($argument),*),
            Kind::ValidatingWebhook => $function::<trust::Webhooks>($($argument),*),
            Kind::ApiService => $function::<trust::Aggregated>($($argument),*),
            Kind::Crd => $function::<trust::Definition>($($argument),*),
            Kind::SigningRequest => $function::<tls::Signing>($($argument),*),
            Kind::Order => $function::<acme::OrderObject>($($argument),*),
            Kind::Challenge => $function::<acme::ChallengeObject>($($argument),*),
            Kind::OtherSecret => $function::<held::SecretObject>($($argument),*),
            Kind::ConfigMap => $function::<held::ConfigMapObject>($($argument),*),
            Kind::Ingress => $function::<front::IngressObject>($($argument),*),
            Kind::Gateway => $function::<front::GatewayObject>($($argument),*),
            Kind::VeleroBackup => $function::<velero::Backup>($($argument),*),
            Kind::VeleroSchedule => $function::<velero::Schedule>($($argument),*),
            Kind::VeleroRestore => $function::<velero::Restore>($($argument),*),
            Kind::BackupLocation => $function::<velero::Location>($($argument),*),
            Kind::DataUpload => $function::<velero::Upload>($($argument),*),
            Kind::PodVolumeBackup => $function::<velero::PodBackup>($($argument),*),
            Kind::Event => $function::<meta::EventObject>($($argument),*),
        }
    };
}

impl Decoder {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, strings: Strings::default() }
    }

    /// Reads one item of a list; `None` when it is not worth keeping.
    pub(super) fn item(&mut self, bytes: &[u8]) -> Result<Option<Object>, Unreadable> {
        by_kind!(self.kind, item(self.kind, bytes, &mut self.strings))
    }

    /// Reads a list without its items.
    pub(super) fn frame(&self, frame: &[u8]) -> Result<Frame, CallError> {
        let plural = self.kind.spec().plural;
        let read: FrameWire = serde_json::from_slice(frame).map_err(|error| CallError::Undecodable {
            what: format!("list of {plural} ({:?} at line {})", error.classify(), error.line()).into(),
        })?;
        let FrameMeta { resource_version, next } = read.metadata;
        Ok(Frame { resource_version, next: next.filter(|token| !token.is_empty()) })
    }

    /// Reads one line of a watch.
    pub(super) fn event(&mut self, line: &[u8]) -> Event {
        by_kind!(self.kind, event(self.kind, line, &mut self.strings))
    }
}

#[derive(Deserialize)]
struct FrameWire {
    #[serde(default)]
    metadata: FrameMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FrameMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    next: Option<String>,
}

fn item<T: Lean>(kind: Kind, bytes: &[u8], strings: &mut Strings) -> Result<Option<Object>, Unreadable> {
    let read = serde_json::from_slice::<T>(bytes).map_err(|error| {
        let whole = serde_json::from_slice(bytes).unwrap_or_default();
        Unreadable::of(kind, &whole, &error)
    })?;
    Ok(read.wanted().then(|| read.object(kind, strings)).filter(kept))
}

/// Whether it turned out to hold what its kind is watched for.
fn kept(object: &Object) -> bool {
    !matches!(object, Object::OtherSecret(holder) | Object::ConfigMap(holder) if holder.files.is_empty())
}

#[derive(Deserialize)]
struct EventWire<T> {
    #[serde(rename = "type")]
    change: Change,
    object: T,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Change {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
    #[serde(other)]
    Other,
}

fn event<T: Lean>(kind: Kind, line: &[u8], strings: &mut Strings) -> Event {
    let Ok(EventWire { change, object }) = serde_json::from_slice::<EventWire<T>>(line) else {
        return odd_event(kind, line);
    };
    if !matches!(change, Change::Added | Change::Modified | Change::Deleted) {
        return odd_event(kind, line);
    }
    let wanted = object.wanted();
    let object = Box::new(object.object(kind, strings));
    let wanted = wanted && kept(&object);
    let version = object.meta().resource_version.to_string();
    match change {
        Change::Added if !wanted => Event::Skipped(version),
        // What is gone is told even when it was not wanted: it may have been when it was added. So is what is wanted
        // no longer.
        Change::Deleted => Event::Gone(object, version),
        _ if !wanted => Event::Gone(object, version),
        _ => Event::Upsert(object, version),
    }
}

/// A line that holds no readable object of the kind: a bookmark, an error, or an object with a wrong field.
fn odd_event(kind: Kind, line: &[u8]) -> Event {
    let Ok(EventWire { change, object }) = serde_json::from_slice::<EventWire<Value>>(line) else {
        return Event::Error(CallError::Undecodable { what: format!("watch of {}", kind.spec().plural).into() });
    };
    let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    match change {
        Change::Bookmark if object.pointer(INITIAL_EVENTS_END).is_some() => Event::Listed(version.unwrap_or_default()),
        Change::Bookmark => Event::Bookmark(version.unwrap_or_default()),
        Change::Error => {
            let status = kube::core::Status::deserialize(&object).unwrap_or_default();
            Event::Error(CallError::status(&status, 500))
        }
        Change::Added | Change::Modified | Change::Deleted => Event::Unreadable(
            Unreadable::new(kind, &object, "a field has a type that the API does not promise"),
            version,
        ),
        Change::Other => Event::Skipped(version.unwrap_or_default()),
    }
}

impl Unreadable {
    fn new(kind: Kind, object: &Value, why: &str) -> Self {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or("(no name)");
        let name = match text("/metadata/namespace") {
            Some(namespace) if kind.spec().namespaced => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        };
        Self { name: safe(&name), why: safe(why) }
    }

    fn of(kind: Kind, object: &Value, error: &serde_json::Error) -> Self {
        // serde quotes the value it did not expect, and that may be a key.
        let hidden = matches!(kind, Kind::TlsSecret | Kind::OtherSecret | Kind::ConfigMap);
        let why = if hidden { "a field has an unexpected type".into() } else { error.to_string() };
        Self::new(kind, object, &why)
    }
}
