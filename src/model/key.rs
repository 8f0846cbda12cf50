//! Names that stay the same while the things they name change.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FindingId, Kind};

/// An object's UID as the API server gave it. Cheap to clone; never parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Uid(Arc<str>);

impl Uid {
    /// Wraps a UID as read.
    pub fn new(uid: impl Into<Arc<str>>) -> Self {
        Self(uid.into())
    }

    /// The UID's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Uid {
    fn from(uid: &str) -> Self {
        Self(uid.into())
    }
}

impl From<String> for Uid {
    fn from(uid: String) -> Self {
        Self(uid.into())
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0.as_ref().to_owned()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind, namespace and name of an object: enough to say it, not enough to act on it (that takes a [`Uid`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "WrittenRef", into = "WrittenRef")]
pub struct ObjRef {
    /// What kind of object.
    pub kind: Kind,
    /// Its namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
}

/// How an [`ObjRef`] is written down.
#[derive(Serialize, Deserialize)]
struct WrittenRef {
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

impl From<WrittenRef> for ObjRef {
    fn from(written: WrittenRef) -> Self {
        Self { kind: written.kind, namespace: written.namespace.map(Into::into), name: written.name.into() }
    }
}

impl From<ObjRef> for WrittenRef {
    fn from(object: ObjRef) -> Self {
        let namespace = object.namespace.map(|namespace| namespace.as_ref().to_owned());
        Self { kind: object.kind, namespace, name: object.name.as_ref().to_owned() }
    }
}

impl ObjRef {
    /// A reference to a namespaced object.
    pub fn namespaced(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind, namespace: Some(namespace.into()), name: name.into() }
    }

    /// A reference to a cluster-scoped object.
    pub fn cluster(kind: Kind, name: impl Into<Arc<str>>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// `namespace/name`, or `name` for cluster-scoped objects.
    pub fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.to_string(),
        }
    }
}

impl fmt::Display for ObjRef {
    /// `PersistentVolumeClaim shop/data-db-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.spec().kind, self.path())
    }
}

/// What a row stands for. Selections and marks hold keys, so a live update cannot move them to another thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A Kubernetes object.
    Object(Kind, Uid),
    /// The certificates under one data key of a Secret or ConfigMap.
    Place(Kind, Uid, Arc<str>),
    /// A finding of static analysis, in whichever scans it is.
    Finding(FindingId),
    /// One operation of this console, by its id.
    Operation(Arc<str>),
    /// One run of a runbook, by its id.
    Run(Arc<str>),
    /// A standing condition of the console itself, such as a kind that cannot be watched.
    Notice(Arc<str>),
}

impl Key {
    /// The Kubernetes object that it stands for or lies in.
    pub fn object(&self) -> Option<(Kind, &Uid)> {
        match self {
            Self::Object(kind, uid) | Self::Place(kind, uid, _) => Some((*kind, uid)),
            Self::Finding(_) | Self::Operation(_) | Self::Run(_) | Self::Notice(_) => None,
        }
    }
}

/// Namespace and name of a claim or Secret, for indexes.
pub type ClaimKey = (Arc<str>, Arc<str>);

/// CSI driver and volume handle: the identity of a volume in its storage system.
pub type HandleKey = (Arc<str>, Arc<str>);
