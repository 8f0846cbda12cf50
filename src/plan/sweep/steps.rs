//! The steps of a sweep, in an order in which nothing takes along what is not its own.

use std::time::Duration;

use serde_json::json;

use super::left::{RECLAIM, Sort, Thing};
use crate::plan::{Act, Check, Guard, Step, StepId, Target};

const MINUTE: Duration = Duration::from_secs(60);
/// JSON pointer to what deleting a content does.
const POLICY: &str = "/spec/deletionPolicy";

/// Pods before claims, contents seen to be Retain before the namespaces that their snapshots are in, contents after
/// those, volumes last.
pub(super) fn steps(going: &[Thing]) -> Vec<Step> {
    let contents = going.iter().enumerate().filter(|(_, thing)| thing.sort == Sort::Content);
    let kept = contents.map(|(number, content)| keep(number, content));
    kept.chain(going.iter().enumerate().map(|(number, thing)| go(number, thing, going))).collect()
}

fn known(thing: &Thing) -> Target {
    Target::Known { at: thing.at.clone(), uid: thing.uid.clone() }
}

fn keep(number: usize, content: &Thing) -> Step {
    let patch = json!([{ "op": "add", "path": POLICY, "value": "Retain" }]);
    Step {
        id: StepId(format!("keep-{number}")),
        title: format!("see that {} is Retain: the copy in storage stays", content.at),
        act: Act::Patch { target: known(content), patch, done: vec![Check::is(POLICY, "Retain")] },
        guards: content.guards.clone(),
        deadline: MINUTE,
    }
}

/// What a content has to be before it, or the namespace with its snapshot, goes.
fn retained(content: &Thing) -> Guard {
    Guard {
        at: content.at.clone(),
        uid: content.uid.clone(),
        checks: vec![Check::is(POLICY, "Retain")],
        or: "deleting it now would take the copy in storage with it".to_owned(),
    }
}

fn go(number: usize, thing: &Thing, going: &[Thing]) -> Step {
    let mut guards = thing.guards.clone();
    let (title, act) = match thing.sort {
        Sort::Trial | Sort::Stage | Sort::Scratch | Sort::Content => {
            (format!("delete {} and see it gone", thing.at), Act::Delete { target: known(thing) })
        }
        Sort::Restored | Sort::Former => {
            let act = Act::Dismiss {
                target: known(thing),
                patch: json!([{ "op": "add", "path": RECLAIM, "value": "Delete" }]),
                done: vec![Check::is(RECLAIM, "Delete")],
                trouble: vec!["/status/message".to_owned()],
            };
            (format!("let its driver delete {} and see it gone", thing.at), act)
        }
    };
    match thing.sort {
        Sort::Content => guards.push(retained(thing)),
        Sort::Scratch => {
            let own = going.iter().filter(|other| other.sort == Sort::Content && other.operation == thing.operation);
            guards.extend(own.map(retained));
        }
        _ => {}
    }
    Step { id: StepId(format!("go-{number}")), title, act, guards, deadline: 30 * MINUTE }
}
