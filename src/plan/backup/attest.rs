//! What the record of a backup proves of what ran on its volumes.
//!
//! A plan is in the journal, whose head is anchored in the operation object, before its first effect. So what a plan
//! writes on a restore point is what this console saw; the same words on a restore point alone are anybody's.

use serde_json::Value;

use crate::model::{Observed, annotation};
use crate::plan::{Act, Plan};

/// Notes in a log what a plan of the journal, or of an operation object that the journal anchors, wrote of what ran.
pub fn attest(plan: &Plan, log: &mut Observed) {
    let pointer = annotation::pointer(annotation::RAN);
    for step in plan.steps() {
        let written = match &step.act {
            Act::Create { manifest, .. } => manifest.pointer(&pointer),
            Act::Patch { patch: Value::Array(changes), .. } => {
                changes.iter().find(|change| change["path"] == *pointer).map(|change| &change["value"])
            }
            _ => None,
        };
        if let Some(written) = written.and_then(Value::as_str) {
            log.attest(plan.id.as_str(), written);
        }
    }
}
