//! Owner references: dependents go when their last owner has gone.
//!
//! Background, foreground and orphan deletion as `pkg/controller/garbagecollector` does them.

use serde_json::Value;

use super::Desk;
use crate::sim::object::{self, items, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link};
use crate::sim::write::DeleteOptions;

/// Looks after the owners and dependents of one object; whether the object is going because of it.
pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Result<bool, Refusal> {
    let Some(object) = desk.get(key) else {
        return Ok(false);
    };
    let value = &object.value;
    if object::terminating(value) {
        if object::has_finalizer(value, "orphan") {
            orphan_dependents(desk, key, value)?;
        } else if object::has_finalizer(value, "foregroundDeletion") {
            delete_dependents_first(desk, key, value)?;
        }
        return Ok(false);
    }
    let owners = items(value, "/metadata/ownerReferences");
    let gone = |owner: &Value| desk.writer.state.by_uid(text(owner, "/uid")).is_none();
    if owners.is_empty() || !owners.iter().any(gone) {
        return Ok(false);
    }
    if owners.iter().all(gone) {
        let options = DeleteOptions { uid: Some(object::uid(value).to_owned()), ..DeleteOptions::default() };
        desk.writer.delete(object.kind, key, &options)?;
        return Ok(true);
    }
    let left: Vec<Value> = owners.iter().filter(|owner| !gone(owner)).cloned().collect();
    desk.edit(key, |value| object::set(value, "/metadata/ownerReferences", left))?;
    Ok(false)
}

fn orphan_dependents(desk: &mut Desk<'_, '_>, key: &Key, owner: &Value) -> Result<(), Refusal> {
    let uid = object::uid(owner).to_owned();
    for dependent in desk.writer.state.pointing_at(&Link::Owner(uid.clone())) {
        desk.edit(&dependent, |value| {
            let left: Vec<Value> = items(value, "/metadata/ownerReferences")
                .iter()
                .filter(|owner| text(owner, "/uid") != uid)
                .cloned()
                .collect();
            object::set(value, "/metadata/ownerReferences", left);
        })?;
    }
    desk.edit(key, |value| object::drop_finalizer(value, "orphan"))
}

fn delete_dependents_first(desk: &mut Desk<'_, '_>, key: &Key, owner: &Value) -> Result<(), Refusal> {
    let dependents = desk.writer.state.pointing_at(&Link::Owner(object::uid(owner).to_owned()));
    for dependent in &dependents {
        if let Some(object) = desk.get(dependent)
            && !object::terminating(&object.value)
        {
            desk.writer.delete(object.kind, dependent, &DeleteOptions::default())?;
        }
    }
    // Each one that goes brings its owner back here.
    if desk.writer.state.pointing_at(&Link::Owner(object::uid(owner).to_owned())).is_empty() {
        desk.edit(key, |value| object::drop_finalizer(value, "foregroundDeletion"))?;
    }
    Ok(())
}
