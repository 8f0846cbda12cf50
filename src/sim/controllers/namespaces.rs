//! Namespaces: a deleted one is emptied, then goes.

use serde_json::json;

use super::{Desk, Next, Outcome};
use crate::sim::kinds::KINDS;
use crate::sim::object;
use crate::sim::store::Key;
use crate::sim::write::DeleteOptions;

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(namespace) = desk.get(key) else {
        return Ok(Next::done());
    };
    if !object::terminating(&namespace.value) {
        return Ok(Next::done());
    }
    let mut left = 0;
    for kind in KINDS.iter().filter(|kind| kind.namespaced) {
        for object in desk.writer.state.list(kind.plural, Some(&key.name)) {
            if !object::terminating(&object.value) {
                desk.writer.delete(kind, &Key::of(kind, &object.value), &DeleteOptions::default())?;
            }
        }
        left += desk.writer.state.list(kind.plural, Some(&key.name)).len();
    }
    if left == 0 {
        desk.edit(key, |namespace| object::set(namespace, "/spec/finalizers", json!([])))?;
    }
    // Each object that goes later brings its namespace back here.
    Ok(Next::done())
}
