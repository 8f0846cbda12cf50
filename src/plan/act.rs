//! Primitive actions and the conditions that tell whether they took place.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, ListAt, OperationId, StepId, Trusted};
use crate::model::{Kind, Uid};
use crate::text;

/// How the Kubernetes API calls a kind of object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// The name in URLs and RBAC rules.
    pub plural: String,
    /// The `kind` field.
    pub kind: String,
}

impl Resource {
    /// The resource of a watched kind, in its preferred version.
    pub fn of(kind: Kind) -> Self {
        let spec = kind.spec();
        Self {
            group: spec.group.into(),
            version: spec.versions.first().copied().unwrap_or("v1").into(),
            plural: spec.plural.into(),
            kind: spec.kind.into(),
        }
    }

    /// The core ConfigMap, which carries operation objects.
    pub fn config_map() -> Self {
        Self { group: String::new(), version: "v1".into(), plural: "configmaps".into(), kind: "ConfigMap".into() }
    }

    /// The Lease, which keeps consoles apart.
    pub fn lease() -> Self {
        Self {
            group: "coordination.k8s.io".into(),
            version: "v1".into(),
            plural: "leases".into(),
            kind: "Lease".into(),
        }
    }

    /// The `apiVersion` field.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// Where one object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectAt {
    /// What kind of object.
    pub resource: Resource,
    /// Its namespace; `None` for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectAt {
    /// An object of a watched kind.
    pub fn of(kind: Kind, namespace: Option<&str>, name: &str) -> Self {
        Self { resource: Resource::of(kind), namespace: namespace.map(str::to_owned), name: name.to_owned() }
    }
}

impl ObjectAt {
    /// Its namespace and name, as people write them: `shop/data-db-0`; the name alone where it has no namespace.
    pub fn path(&self) -> String {
        self.namespace.as_ref().map_or_else(|| self.name.clone(), |namespace| format!("{namespace}/{}", self.name))
    }

    /// Where the record of an operation is.
    pub fn record(id: &OperationId, namespace: Option<&str>) -> Self {
        let name = format!("holdfast-{id}");
        Self { resource: Resource::config_map(), namespace: namespace.map(str::to_owned), name }
    }
}

impl fmt::Display for ObjectAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resource.kind, self.path())
    }
}

/// Name of an output of a step.
pub type Slot = String;

/// Something a step brought into being, for later steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Output {
    /// An object.
    Object {
        /// Where.
        at: ObjectAt,
        /// Its UID.
        uid: Uid,
    },
    /// A value read from an object, such as a snapshot handle.
    Text(String),
}

impl Output {
    /// One line for people.
    pub fn word(&self) -> String {
        match self {
            Self::Object { at, .. } => at.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What one step brought into being.
pub type Outputs = BTreeMap<Slot, Output>;

/// The object an act is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Known when the plan was made.
    Known {
        /// Where.
        at: ObjectAt,
        /// Which one.
        uid: Uid,
    },
    /// Whatever this operation made under this name, found by its mark; for deleting. It needs no step to have been
    /// seen done, so it also holds for what a lost answer left behind.
    Own {
        /// Where.
        at: ObjectAt,
        /// The operation.
        operation: OperationId,
        /// What must hold of it; where it does not, it is left as it is.
        checks: Vec<Check>,
    },
    /// Made by an earlier step.
    Output {
        /// The step.
        step: StepId,
        /// Its output.
        slot: Slot,
    },
}

/// What a field must be. The value may stand for what an earlier step made, see [`from_step`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expect {
    /// Exactly this value.
    Is(Value),
    /// Anything but this value.
    Not(Value),
    /// Anything but absent, null or empty.
    Present,
    /// Absent or null.
    Absent,
    /// A number greater than this.
    Above(u64),
    /// No number greater than this; what is absent is none.
    NotAbove(u64),
    /// A number no smaller than the one at another field (a JSON pointer) of the same object. What is absent is zero:
    /// the API leaves zeroes out.
    NotBelow(String),
    /// The UID of the object that led here (see [`Follow`]).
    UidOfOrigin,
}

/// A condition on one field of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// JSON pointer (RFC 6901), with two segments of our own for lists: `*` stands for each element, and
    /// `[type=Ready]` for those whose `type` is `Ready`; and `{a,b}` for the fields `a` and `b` of an object. The condition holds when one of the values found meets it;
    /// `Not` and `Absent` need all of them to.
    pub field: String,
    /// What it must be.
    pub expect: Expect,
}

impl Check {
    /// `field` must be `value`.
    pub fn is(field: &str, value: impl Into<Value>) -> Self {
        Self { field: field.into(), expect: Expect::Is(value.into()) }
    }

    /// `field` must not be `value`.
    pub fn not(field: &str, value: impl Into<Value>) -> Self {
        Self { field: field.into(), expect: Expect::Not(value.into()) }
    }

    /// `field` must be there.
    pub fn present(field: &str) -> Self {
        Self { field: field.into(), expect: Expect::Present }
    }

    /// The number at `field` must be no smaller than the one at `other`.
    pub fn not_below(field: &str, other: &str) -> Self {
        Self { field: field.into(), expect: Expect::NotBelow(other.into()) }
    }

    /// `field` must not be there.
    pub fn absent(field: &str) -> Self {
        Self { field: field.into(), expect: Expect::Absent }
    }
}

/// Objects that may know what is wrong while something is waited for, such as what its controller works with. They
/// are a help, not a condition: where they cannot be read they say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Teller {
    /// Which list they are in.
    pub among: ListAt,
    /// What tells them from the others.
    pub which: Vec<Check>,
    /// Fields that say what is wrong; the first that says something counts.
    pub trouble: Vec<String>,
}

/// A second object that must agree, named by a field of the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Its kind; cluster-scoped.
    pub resource: Resource,
    /// JSON pointer, in the first object, to its name.
    pub name_in: String,
    /// What must hold of it.
    pub checks: Vec<Check>,
    /// Fields that say what is wrong while it does not.
    pub trouble: Vec<String>,
    /// Fields to keep as outputs; the field `""` keeps the object itself.
    pub outputs: Vec<(Slot, String)>,
}

/// A condition that has to hold all along while something is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firm {
    /// What must hold of the target.
    pub check: Check,
    /// What it means when it does not, for people.
    pub or: String,
    /// Fields that then say why, before those of the wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

impl Firm {
    /// A condition that nothing but what it means explains.
    pub fn new(check: Check, or: impl Into<String>) -> Self {
        Self { check, or: or.into(), trouble: Vec::new() }
    }
}

/// What a wait waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Until {
    /// For people: "the storage system has cut the snapshot".
    pub what: String,
    /// What must hold of the target.
    pub checks: Vec<Check>,
    /// What must hold of an object the target names.
    pub follow: Option<Follow>,
    /// Fields that say what is wrong while it does not hold. Never final: controllers retry.
    pub trouble: Vec<String>,
    /// Whether warning events of the target say what is wrong, where no field does. Never final either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub events: bool,
    /// What other objects say is wrong. Never final either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tellers: Vec<Teller>,
    /// What no waiting can mend: where one of these does not hold, the wait ends at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firm: Vec<Firm>,
    /// Whether what comes next is right in any case, and only better after this: running out of time ends the wait
    /// then, and so does it that the target is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
    /// Fields to keep as outputs; the field `""` keeps the object itself.
    pub outputs: Vec<(Slot, String)>,
}

/// A command in a container of a pod. No shell reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPod {
    /// The pod.
    pub pod: Target,
    /// The container.
    pub container: String,
    /// Program and arguments.
    pub command: Vec<String>,
}

impl InPod {
    /// The command line that does the same by hand; `None` while the pod is not known.
    pub fn by_hand(&self, context: &str) -> Option<String> {
        let Target::Known { at, .. } = &self.pod else { return None };
        let mut words = vec!["kubectl"];
        if !context.is_empty() {
            words.extend(["--context", context]);
        }
        words.extend(["exec", "-n", at.namespace.as_deref().unwrap_or("default"), &at.name, "-c", &self.container]);
        words.push("--");
        words.extend(self.command.iter().map(String::as_str));
        Some(text::command_line(&words))
    }
}

/// Which part of what a step made is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The name of an object, or a text as it is.
    Name,
    /// The UID of an object.
    Uid,
}

/// A value that stands, in a manifest, a patch or a condition, for what an earlier step made.
pub fn from_step(step: &str, slot: &str, part: Part) -> Value {
    let part = match part {
        Part::Name => "name",
        Part::Uid => "uid",
    };
    serde_json::json!({ FROM_STEP: { "step": step, "slot": slot, "part": part } })
}

/// Where a TLS Secret, as it is read here, says what identifies its certificate, in the place of its bytes:
/// `fingerprint`, `publicKey` (SHA-256 of it), `serial`, `notAfter` and `keyMatches`. The API has no such fields.
pub const CERTIFICATE: &str = "/data/tls.crt/";

/// A part of a `valueFrom` that stands for how the operation came out so far, see
/// [`Progress::outcome`](super::Progress::outcome).
pub const OUTCOME: &str = "outcome";

/// A part of a `valueFrom` that stands for the moment when it is sent.
pub(super) const NOW: &str = "now";

/// The only field of such a value. No object of the API has a field of this name.
pub(super) const FROM_STEP: &str = "$fromStep";

/// A primitive action. One per thing the Kubernetes API can do, never one per feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    /// Creates an object; its output slot `object` is what was made.
    Create {
        /// Where.
        at: ObjectAt,
        /// The object. The engine adds the operation's annotations.
        manifest: Value,
    },
    /// Changes an object by JSON patch (RFC 6902); the engine adds tests on UID and resourceVersion, and makes the
    /// maps of labels and annotations where there are none. An operation may have `valueFrom` in place of `value`: a
    /// list of texts, of `{"step", "slot"}`, which stand for outputs, and of `{"span": [{"step", "slot"}, ...]}`, the
    /// time between the first and the last of several moments, of [`OUTCOME`], and of `{"now"}`, the moment when it is
    /// sent, put together to one text.
    Patch {
        /// Which object.
        target: Target,
        /// The operations.
        patch: Value,
        /// What holds once it is done.
        done: Vec<Check>,
    },
    /// Sets one condition of an object's status, as controllers and their tools do: the object is read, the condition
    /// set, and the whole put back to the `status` subresource with the resourceVersion that was read. The other
    /// conditions stay as they are. The right that this takes is `update`, which is what roles for such tools grant; a
    /// merge patch would replace the whole list, and a JSON patch cannot name a condition by its type.
    Condition {
        /// Which object.
        target: Target,
        /// `type`, `status`, `reason` and `message`; the engine adds `lastTransitionTime` and `observedGeneration`.
        condition: Value,
        /// How it shows that it took place: all conditions of one of these hold. A controller may have answered it,
        /// and taken it away, before anybody looked.
        done: Vec<Vec<Check>>,
    },
    /// Deletes an object, with its UID and resourceVersion as preconditions.
    Delete {
        /// Which object.
        target: Target,
    },
    /// Sets the replicas of a workload by its scale subresource.
    Scale {
        /// Which workload.
        target: Target,
        /// How many.
        replicas: u32,
    },
    /// Runs a command in a container to its end. What it did cannot be read from the API: only its exit tells.
    Exec {
        /// Which command, where.
        run: InPod,
        /// Whether running it again is harmless, after a lost answer or an interruption.
        repeat: bool,
        /// How long one run may take.
        within: Duration,
        /// Whether what it prints is kept, as output slot `stdout`.
        keep: bool,
    },
    /// Starts a command in a container that stays, and says something to it: a held session, for what ends with its
    /// session. It lasts until a [`Act::Say`] ends it or the console does.
    Open {
        /// Which command, where.
        run: InPod,
        /// What is said to it.
        say: String,
        /// The line with which it answers.
        until: String,
    },
    /// Says something to a held session and waits for its answer. A session that is gone has ended by that.
    Say {
        /// The step that opened it.
        session: StepId,
        /// What is said to it.
        say: String,
        /// The line with which it answers.
        until: String,
        /// Whether it is ended then. Ending one that is gone is done; anything else said to it fails.
        end: bool,
        /// Whether what it prints before its answer is kept, as output slot `stdout`.
        keep: bool,
    },
    /// Waits; changes nothing.
    Wait {
        /// Which object.
        target: Target,
        /// For what.
        until: Box<Until>,
    },
    /// Creates an object in the place of one that an earlier step deleted. While the former one is there and is not
    /// being deleted, that one is it; its output slot `object` is the one that is there in the end.
    Recreate {
        /// Where.
        at: ObjectAt,
        /// The UID of the former one.
        former: Uid,
        /// The object.
        manifest: Value,
    },
    /// Changes an object by JSON patch, as [`Act::Patch`] does, so that its controller deletes it, and waits until it is
    /// gone.
    Dismiss {
        /// Which object.
        target: Target,
        /// The operations.
        patch: Value,
        /// What holds of it from then on until it is gone.
        done: Vec<Check>,
        /// Fields that say what is wrong while it is not gone.
        trouble: Vec<String>,
    },
    /// Creates a TLS Secret whose values no plan can hold. Its output slot `object` is what was made; `fingerprint`,
    /// `serial` and `notAfter` are those of its certificate.
    Stage {
        /// Where.
        at: ObjectAt,
        /// The Secret without its values. The engine adds the operation's annotations.
        manifest: Value,
        /// What it is filled with.
        content: Content,
    },
    /// Gives a TLS Secret the certificate, key and CAs that another one holds, all in one write: those who mount it
    /// never see a key beside a certificate that it does not belong to.
    Store {
        /// Which Secret.
        target: Target,
        /// The one that it is given the values of.
        from: Target,
        /// What must hold of the very version that is written over.
        was: Vec<Check>,
        /// What holds once it is done.
        done: Vec<Check>,
    },
    /// Adds a certificate to trust bundles of an object and takes others out of them, all in one write; what else stands
    /// there stays as it is, whoever wrote it and whenever. A bundle that would lose something else is not changed.
    Trust {
        /// Which object.
        target: Target,
        /// JSON pointers to its bundles: PEM, which the API has in base64 but in the data of a ConfigMap.
        bundles: Vec<String>,
        /// What is added, where it is not there already.
        add: Option<Trusted>,
        /// SHA-256 of the certificates that are taken out, lower-case hex; or what an earlier step says they are, see
        /// [`from_step`].
        without: Vec<Value>,
    },
    /// Waits until no object of a list meets all of these conditions; changes nothing.
    Absent {
        /// Which list.
        among: ListAt,
        /// What those that must be gone have in common.
        which: Vec<Check>,
        /// For people: "pods that use claim shop/data to be gone".
        what: String,
    },
    /// Waits until one object of a list meets all of these conditions; changes nothing. Its output slot `object` is
    /// that one: for what a controller makes under a name of its own choosing.
    Find {
        /// Which list.
        among: ListAt,
        /// What tells it from the others.
        which: Vec<Check>,
        /// For people: "the group to have a member of claim shop/data".
        what: String,
    },
    /// Waits until each ready pod of a set serves a certificate, as TLS handshakes with them show; changes nothing. Its
    /// output slot `handshakes` says in words what was seen, or that it was not.
    Handshake {
        /// Which list of pods, of one namespace.
        pods: ListAt,
        /// What tells those of the set from the others.
        which: Vec<Check>,
        /// The port of each that is asked.
        port: u16,
        /// The name of the server that is asked for (SNI).
        name: String,
        /// The SHA-256 fingerprint of the certificate, hex; or what an earlier step says it is, see [`from_step`].
        serves: Value,
        /// Whether what comes next is right in any case, see [`Until::lenient`].
        lenient: bool,
        /// For people: "every pod of Service shop/web to serve the new certificate".
        what: String,
    },
}

impl Act {
    /// Whether it changes anything in the cluster.
    pub fn writes(&self) -> bool {
        !matches!(self, Self::Wait { .. } | Self::Absent { .. } | Self::Find { .. } | Self::Handshake { .. })
    }

    /// Whether something in a container stands still or is held from here on, so that what follows means nothing
    /// once the console was interrupted: nobody can tell whether it still holds.
    pub fn holds(&self) -> bool {
        matches!(self, Self::Exec { .. } | Self::Open { .. })
    }

    /// Whether what comes next need not wait for it (see [`Until::lenient`]).
    pub fn lenient(&self) -> bool {
        match self {
            Self::Wait { until, .. } => until.lenient,
            Self::Handshake { lenient, .. } => *lenient,
            _ => false,
        }
    }

    /// The command line that does the same by hand, where there is one that is worth saying.
    pub fn by_hand(&self, context: &str) -> Option<String> {
        match self {
            Self::Exec { run, .. } => run.by_hand(context),
            _ => None,
        }
    }

    /// What it does, in a few words.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Recreate { .. } | Self::Stage { .. } => "create",
            Self::Patch { .. } | Self::Dismiss { .. } | Self::Store { .. } | Self::Trust { .. } => "patch",
            Self::Condition { .. } => "set condition",
            Self::Delete { .. } => "delete",
            Self::Scale { .. } => "scale",
            Self::Exec { .. } => "exec",
            Self::Open { .. } => "open",
            Self::Say { .. } => "say",
            Self::Wait { .. } | Self::Absent { .. } | Self::Find { .. } => "wait",
            Self::Handshake { .. } => "handshake",
        }
    }

    /// The object it is about, where that is not said by its place alone.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Patch { target, .. }
            | Self::Condition { target, .. }
            | Self::Dismiss { target, .. }
            | Self::Store { target, .. }
            | Self::Trust { target, .. }
            | Self::Delete { target }
            | Self::Scale { target, .. }
            | Self::Wait { target, .. } => Some(target),
            Self::Exec { run, .. } | Self::Open { run, .. } => Some(&run.pod),
            Self::Create { .. }
            | Self::Recreate { .. }
            | Self::Stage { .. }
            | Self::Say { .. }
            | Self::Absent { .. }
            | Self::Find { .. }
            | Self::Handshake { .. } => None,
        }
    }
}
