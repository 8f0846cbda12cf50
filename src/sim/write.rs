//! The rules every write obeys, whoever writes: requests, controllers and seeds alike.
//!
//! Create, update and delete as `k8s.io/apiserver/pkg/registry/generic` does them: metadata the
//! server owns, optimistic concurrency, status apart from the rest, finalizers, dry runs.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::stamp;
use super::ids::Ids;
use super::kinds::Kind;
use super::object::{self, text};
use super::refusal::Refusal;
use super::store::{Key, Object, State};
use super::{defaults, quota, validate};

/// The part of an object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status, when the kind keeps its status apart.
    Wish,
    /// The status alone.
    Status,
    /// Both: only seeds write so.
    All,
}

/// What happens to objects that name the deleted one as owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

/// `metav1.DeleteOptions`, the fields that matter here.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub propagation: Propagation,
    /// A grace period of zero: do not wait for the node.
    pub at_once: bool,
}

/// How a deletion went.
#[derive(Debug)]
pub(crate) enum Deleted {
    Gone(Arc<Object>),
    /// Finalizers hold it; this is the object with its `deletionTimestamp`.
    Waiting(Arc<Object>),
}

/// A write in progress, with the lock held.
pub(crate) struct Writer<'a> {
    pub state: &'a mut State,
    pub ids: &'a Ids,
    pub now: Timestamp,
    /// Do everything but keep the result.
    pub dry_run: bool,
    /// A scheduled pod is marked first and goes when its node says so.
    pub graceful: bool,
}

impl Writer<'_> {
    /// Creates an object. `value` may lack its type and namespace; the route gave them.
    pub fn create(
        &mut self,
        kind: &'static Kind,
        namespace: &str,
        mut value: Value,
        part: Part,
    ) -> Result<Arc<Object>, Refusal> {
        self.name(kind, namespace, &mut value)?;
        let name = object::name(&value).to_owned();
        self.admit_namespace(kind, namespace, &name)?;
        let key = Key::new(kind.plural, namespace, &name);
        if self.state.get(&key).is_some() {
            return Err(Refusal::already_exists(kind, &name));
        }
        if kind.status && part != Part::All {
            object::unset(&mut value, "", "status");
        }
        self.stamp_new(kind, &mut value, part);
        defaults::apply(kind, &mut value, self.state, self.now);
        validate::new_object(kind, &value)?;
        quota::admit(kind, &value, self.state)?;
        Ok(self.keep(kind, value))
    }

    fn name(&self, kind: &Kind, namespace: &str, value: &mut Value) -> Result<(), Refusal> {
        object::set(value, "/apiVersion", kind.api_version());
        object::set(value, "/kind", kind.kind);
        let prefix = text(value, "/metadata/generateName").to_owned();
        if object::name(value).is_empty() && !prefix.is_empty() {
            object::set(value, "/metadata/name", format!("{prefix}{}", self.ids.suffix()));
        }
        if object::name(value).is_empty() {
            return Err(Refusal::invalid(
                kind,
                "",
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        if kind.namespaced {
            let own = object::namespace(value);
            if !own.is_empty() && own != namespace {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            object::set(value, "/metadata/namespace", namespace);
        } else {
            object::unset(value, "/metadata", "namespace");
        }
        Ok(())
    }

    fn admit_namespace(&self, kind: &Kind, namespace: &str, name: &str) -> Result<(), Refusal> {
        if !kind.namespaced {
            return Ok(());
        }
        let home = self.state.get(&Key::new("namespaces", "", namespace));
        match home {
            Some(home) if object::terminating(&home.value) => {
                Err(Refusal::namespace_terminating(kind, name, namespace))
            }
            Some(_) => Ok(()),
            None => Err(namespace_missing(namespace)),
        }
    }

    fn stamp_new(&self, kind: &Kind, value: &mut Value, part: Part) {
        // A seed may say how old an object is and who it is; a client may not.
        if part != Part::All {
            for key in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
                object::unset(value, "/metadata", key);
            }
        }
        for key in ["resourceVersion", "managedFields", "selfLink"] {
            object::unset(value, "/metadata", key);
        }
        object::default(value, "/metadata/uid", self.ids.uuid());
        object::default(value, "/metadata/creationTimestamp", stamp(self.now));
        if kind.generation {
            object::default(value, "/metadata/generation", 1);
        }
    }

    /// Replaces an object (or its status) by `value`.
    pub fn update(&mut self, kind: &'static Kind, key: &Key, value: Value, part: Part) -> Result<Arc<Object>, Refusal> {
        let old = self.state.get(key).cloned().ok_or_else(|| Refusal::not_found(kind, &key.name))?;
        check_identity(kind, key, &old, &value)?;
        let mut value = merge_parts(kind, &old.value, value, part);
        carry_metadata(&old.value, &mut value);
        defaults::in_plain(kind, &mut value);
        validate::changed_object(kind, &old.value, &value, self.state)?;
        if kind.generation && !same_wish(&old.value, &value) {
            object::set(&mut value, "/metadata/generation", object::number(&old.value, "/metadata/generation", 1) + 1);
        }
        if value == old.value {
            return Ok(old);
        }
        // A pod without finalizers is ended by its node, not by a write.
        if object::terminating(&value) && !held(&value) && kind.plural != "pods" {
            return Ok(self.finish(key, kind, value));
        }
        Ok(self.keep(kind, value))
    }

    /// Edits an object in place as a controller does: read, change, write, no conflict possible.
    pub fn edit(
        &mut self,
        key: &Key,
        part: Part,
        change: impl FnOnce(&mut Value),
    ) -> Result<Option<Arc<Object>>, Refusal> {
        let Some(old) = self.state.get(key).cloned() else {
            return Ok(None);
        };
        let mut value = old.value.clone();
        change(&mut value);
        self.update(old.kind, key, value, part).map(Some)
    }

    /// Deletes an object, or marks it when finalizers hold it.
    pub fn delete(&mut self, kind: &'static Kind, key: &Key, options: &DeleteOptions) -> Result<Deleted, Refusal> {
        let old = self.state.get(key).cloned().ok_or_else(|| Refusal::not_found(kind, &key.name))?;
        check_preconditions(kind, key, &old.value, options)?;
        let mut value = old.value.clone();
        match options.propagation {
            Propagation::Background => {}
            Propagation::Foreground => object::add_finalizer(&mut value, "foregroundDeletion"),
            Propagation::Orphan => object::add_finalizer(&mut value, "orphan"),
        }
        let on_node =
            self.graceful && !options.at_once && kind.plural == "pods" && !text(&value, "/spec/nodeName").is_empty();
        if !held(&value) && !on_node {
            return Ok(Deleted::Gone(self.finish(key, kind, value)));
        }
        if object::terminating(&value) {
            return Ok(Deleted::Waiting(old));
        }
        object::set(&mut value, "/metadata/deletionTimestamp", stamp(self.now));
        let grace = if on_node { object::number(&value, "/spec/terminationGracePeriodSeconds", 30) } else { 0 };
        object::set(&mut value, "/metadata/deletionGracePeriodSeconds", grace);
        if kind.generation {
            let next = object::number(&value, "/metadata/generation", 1) + 1;
            object::set(&mut value, "/metadata/generation", next);
        }
        if kind.plural == "namespaces" {
            object::set(&mut value, "/status/phase", "Terminating");
        }
        Ok(Deleted::Waiting(self.keep(kind, value)))
    }

    fn keep(&mut self, kind: &'static Kind, value: Value) -> Arc<Object> {
        if self.dry_run { Object::unsaved(kind, value) } else { self.state.put(kind, value) }
    }

    fn finish(&mut self, key: &Key, kind: &'static Kind, value: Value) -> Arc<Object> {
        if self.dry_run {
            return Object::unsaved(kind, value);
        }
        self.state.remove(key).unwrap_or_else(|| Object::unsaved(kind, value))
    }
}

/// The 404 of a write into a namespace that does not exist.
fn namespace_missing(namespace: &str) -> Refusal {
    super::kinds::by_plural("namespaces").map_or_else(Refusal::no_such_path, |kind| Refusal::not_found(kind, namespace))
}

/// Whether anything keeps a deleted object from going.
fn held(value: &Value) -> bool {
    !object::items(value, "/metadata/finalizers").is_empty()
        || (text(value, "/kind") == "Namespace" && !object::items(value, "/spec/finalizers").is_empty())
}

fn check_identity(kind: &Kind, key: &Key, old: &Object, new: &Value) -> Result<(), Refusal> {
    if object::name(new) != key.name {
        let why =
            format!("the name of the object ({}) does not match the name on the URL ({})", object::name(new), key.name);
        return Err(Refusal::bad_request(why));
    }
    let uid = object::uid(new);
    if !uid.is_empty() && uid != object::uid(&old.value) {
        let why =
            format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", object::uid(&old.value));
        return Err(Refusal::conflict(kind, &key.name, &why));
    }
    let version = text(new, "/metadata/resourceVersion");
    if version.is_empty() && kind.custom {
        let why = "Invalid value: 0x0: must be specified for an update";
        return Err(Refusal::invalid(kind, &key.name, "metadata.resourceVersion", why));
    }
    if !version.is_empty() && version != text(&old.value, "/metadata/resourceVersion") {
        return Err(Refusal::stale(kind, &key.name));
    }
    Ok(())
}

fn check_preconditions(kind: &Kind, key: &Key, old: &Value, options: &DeleteOptions) -> Result<(), Refusal> {
    let differs = |what: &str, wanted: &Option<String>, has: &str| {
        let wanted = wanted.as_deref().filter(|wanted| *wanted != has)?;
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({has}). \
             The object might have been deleted and then recreated"
        );
        Some(Refusal::conflict(kind, &key.name, &why))
    };
    let uid = differs("UID", &options.uid, object::uid(old));
    let version = differs("ResourceVersion", &options.resource_version, text(old, "/metadata/resourceVersion"));
    uid.or(version).map_or(Ok(()), Err)
}

/// Takes from `new` only what this write may change.
fn merge_parts(kind: &Kind, old: &Value, new: Value, part: Part) -> Value {
    let (mut base, other) = match part {
        Part::All => return new,
        Part::Wish if !kind.status => return new,
        Part::Wish => (new, old),
        Part::Status => (old.clone(), &new.clone()),
    };
    match other.get("status") {
        Some(status) => object::set(&mut base, "/status", status.clone()),
        None => object::unset(&mut base, "", "status"),
    }
    base
}

/// Metadata that belongs to the server stays as it was.
fn carry_metadata(old: &Value, new: &mut Value) {
    for key in ["apiVersion", "kind"] {
        object::set(new, &format!("/{key}"), old[key].clone());
    }
    object::unset(new, "/metadata", "managedFields");
    let owned = [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "namespace",
        "resourceVersion",
    ];
    for key in owned {
        match old["metadata"].get(key) {
            Some(value) => object::set(new, &format!("/metadata/{key}"), value.clone()),
            None => object::unset(new, "/metadata", key),
        }
    }
}

/// Whether nothing changed that `metadata.generation` counts.
fn same_wish(old: &Value, new: &Value) -> bool {
    let wish = |value: &Value| -> Vec<(String, Value)> {
        let fields = value.as_object().into_iter().flatten();
        fields
            .filter(|(key, _)| *key != "metadata" && *key != "status")
            .map(|(key, field)| (key.clone(), field.clone()))
            .collect()
    };
    wish(old) == wish(new)
}

/// The `Status` a completed deletion answers with.
pub(crate) fn deleted_status(kind: &Kind, gone: &Object) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": object::name(&gone.value), "group": kind.group, "kind": kind.plural, "uid": object::uid(&gone.value)},
    })
}
