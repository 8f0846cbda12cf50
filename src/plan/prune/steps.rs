//! One deletion after the other, each behind guards that look again.

use std::time::Duration;

use serde_json::json;

use crate::assess::retention::{Decided, Item};
use crate::model::{DeletionPolicy, Kind, annotation};
use crate::plan::{Act, Check, Guard, Node, ObjectAt, Step, StepId, Target};

/// How long one deletion may take. Storage deletes slowly at times.
const WITHIN: Duration = Duration::from_secs(300);

/// Deletes what goes, while `anchor` is good.
pub(super) fn nodes(going: &[&Decided], anchor: &Item) -> Vec<Node> {
    let anchored = anchored(anchor);
    let steps = (1..).zip(going).flat_map(|(number, one)| of(number, &one.item, &anchored));
    steps.map(|step| Node::Do(Box::new(step))).collect()
}

fn of(number: usize, item: &Item, anchored: &[Guard]) -> Vec<Step> {
    let mut steps = Vec::new();
    let at = ObjectAt::of(Kind::VolumeSnapshot, item.object.namespace.as_deref(), &item.object.name);
    let own = own(item, &at);
    if let Some((content, uid, DeletionPolicy::Retain)) = &item.content {
        let target = Target::Known { at: ObjectAt::of(Kind::Content, None, content), uid: uid.clone() };
        let field = "/spec/deletionPolicy";
        steps.push(Step {
            id: StepId(format!("release-{number}")),
            title: format!("set deletionPolicy of VolumeSnapshotContent {content} to Delete"),
            act: Act::Patch {
                target,
                patch: json!([{ "op": "replace", "path": field, "value": "Delete" }]),
                done: vec![Check::is(field, "Delete")],
            },
            guards: guards(own.clone(), item, None, anchored),
            deadline: Duration::from_secs(60),
        });
    }
    steps.push(Step {
        id: StepId(format!("delete-{number}")),
        title: format!("delete {at}, and wait until it is gone"),
        act: Act::Delete { target: Target::Known { at, uid: item.uid.clone() } },
        guards: guards(own, item, Some("Delete"), anchored),
        deadline: WITHIN,
    });
    steps
}

fn guards(own: Guard, item: &Item, policy: Option<&str>, anchored: &[Guard]) -> Vec<Guard> {
    let content = item.content.as_ref().map(|(content, uid, _)| {
        let mut checks = vec![Check::is("/spec/volumeSnapshotRef/uid", item.uid.as_str())];
        checks.extend(policy.map(|policy| Check::is("/spec/deletionPolicy", policy)));
        let or = "what deleting the copy does is not what was shown; plan again".to_owned();
        Guard { at: ObjectAt::of(Kind::Content, None, content), uid: uid.clone(), checks, or }
    });
    [own].into_iter().chain(content).chain(anchored.iter().cloned()).collect()
}

/// The copy is still ours alone to delete.
fn own(item: &Item, at: &ObjectAt) -> Guard {
    Guard {
        at: at.clone(),
        uid: item.uid.clone(),
        checks: vec![
            Check::is(&annotation::label_pointer(annotation::MANAGED_BY.0), annotation::MANAGED_BY.1),
            Check::absent(&annotation::pointer(annotation::HOLD)),
            Check::absent("/status/volumeGroupSnapshotName"),
        ],
        or: "it was held or taken over meanwhile; plan again".into(),
    }
}

/// The last good copy still is one.
fn anchored(anchor: &Item) -> Vec<Guard> {
    let or = "it would be the last good copy, and it is not what it was; plan again";
    let snapshot = Guard {
        at: ObjectAt::of(Kind::VolumeSnapshot, anchor.object.namespace.as_deref(), &anchor.object.name),
        uid: anchor.uid.clone(),
        checks: vec![Check::is("/status/readyToUse", true), Check::absent("/metadata/deletionTimestamp")],
        or: or.into(),
    };
    let content = anchor.content.as_ref().map(|(content, uid, _)| Guard {
        at: ObjectAt::of(Kind::Content, None, content),
        uid: uid.clone(),
        checks: vec![
            Check::is("/spec/volumeSnapshotRef/uid", anchor.uid.as_str()),
            Check::present("/status/snapshotHandle"),
            Check::absent("/metadata/deletionTimestamp"),
        ],
        or: or.into(),
    });
    [snapshot].into_iter().chain(content).collect()
}
