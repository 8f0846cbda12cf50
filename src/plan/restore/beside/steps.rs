//! The steps of a restore into a new claim.

use std::time::Duration;

use super::super::{Source, data_source};
use super::{Member, Options};
use crate::model::Kind;
use crate::plan::{Act, Check, Expect, Firm, Follow, Guard, Node, ObjectAt, Resource, Step, Target, Until};

/// Creates the claims, looks whether they will be filled, and waits for their volumes where these come by themselves:
/// of a set all of them side by side.
pub(super) fn nodes(members: &[Member], options: &Options) -> Vec<Node> {
    let creates = members.iter().map(create).collect();
    let sourced = members.iter().map(sourced).collect();
    let waited = members.iter().filter(|member| !member.claim.waits_for_consumer);
    let bound = waited.map(|member| bound(member, options.bound_within)).collect();
    [creates, sourced, bound].into_iter().filter_map(side_by_side).collect()
}

fn side_by_side(steps: Vec<Step>) -> Option<Node> {
    let mut nodes: Vec<Node> = steps.into_iter().map(|step| Node::Do(Box::new(step))).collect();
    if nodes.len() > 1 { Some(Node::All(nodes)) } else { nodes.pop() }
}

/// The claim that is made, where there are several: ` data-db-0`.
fn whose(member: &Member) -> String {
    member.place.map(|_| format!(" {}", member.claim.at.name)).unwrap_or_default()
}

fn create(member: &Member) -> Step {
    let Member { source, claim, .. } = member;
    Step {
        id: member.step("create"),
        title: format!("create {} from snapshot {}", claim.at, source.at.name),
        act: Act::Create { at: claim.at.clone(), manifest: claim.manifest.clone() },
        guards: guards(source),
        deadline: Duration::from_secs(60),
    }
}

/// The restore point is still the one that was planned with, and whole.
pub fn guards(source: &Source) -> Vec<Guard> {
    let or = || "the restore point is no longer what was planned with; plan again".to_owned();
    let snapshot = Guard {
        at: source.at.clone(),
        uid: source.uid.clone(),
        checks: vec![
            Check::absent("/metadata/deletionTimestamp"),
            Check::is("/status/readyToUse", true),
            Check::is("/status/boundVolumeSnapshotContentName", source.content.name.as_str()),
        ],
        or: or(),
    };
    let content = Guard {
        at: source.content.clone(),
        uid: source.content_uid.clone(),
        checks: vec![
            Check::absent("/metadata/deletionTimestamp"),
            Check::is("/spec/volumeSnapshotRef/uid", source.uid.as_str()),
            Check::is("/status/snapshotHandle", source.handle.as_str()),
        ],
        or: or(),
    };
    vec![snapshot, content]
}

fn made(member: &Member) -> Target {
    Target::Output { step: member.step("create"), slot: "object".into() }
}

/// What makes a claim worthless whatever comes later.
fn kept(source: &Source, claim: &ObjectAt) -> Firm {
    Firm::new(
        Check::is("/spec/dataSource", data_source(source)),
        format!(
            "the API server made {claim} without its data source, so its volume is EMPTY, not restored; \
             delete this claim and use it for nothing"
        ),
    )
}

fn sourced(member: &Member) -> Step {
    let Member { source, claim, .. } = member;
    let later = if claim.waits_for_consumer {
        format!("; class {} binds it when a first consumer is scheduled, this is not an error", claim.class)
    } else {
        String::new()
    };
    let until = Until {
        what: "the claim to say what it is filled from".into(),
        firm: vec![kept(source, &claim.at)],
        ..Until::default()
    };
    Step {
        id: member.step("source"),
        title: format!("see that the new claim{} is filled from the snapshot, not empty{later}", whose(member)),
        act: Act::Wait { target: made(member), until: Box::new(until) },
        guards: Vec::new(),
        deadline: Duration::from_secs(60),
    }
}

fn bound(member: &Member, deadline: Duration) -> Step {
    let Member { source, claim, .. } = member;
    let slots = |outputs: &[(&str, &str)]| {
        outputs.iter().map(|(slot, field)| ((*slot).to_owned(), (*field).to_owned())).collect()
    };
    let follow = Follow {
        resource: Resource::of(Kind::Pv),
        name_in: "/spec/volumeName".into(),
        checks: vec![Check { field: "/spec/claimRef/uid".into(), expect: Expect::UidOfOrigin }],
        trouble: vec!["/status/message".into()],
        outputs: slots(&[("volume", "/metadata/name"), ("handle", "/spec/csi/volumeHandle")]),
    };
    let until = Until {
        what: match member.place {
            None => "the volume to be made from the snapshot and bound".into(),
            Some(_) => format!("the volume of {} to be made from snapshot {} and bound", claim.at.name, source.at.name),
        },
        checks: vec![Check::is("/status/phase", "Bound"), Check::present("/spec/volumeName")],
        follow: Some(follow),
        events: true,
        firm: vec![kept(source, &claim.at)],
        outputs: slots(&[("capacity", "/status/capacity/storage")]),
        ..Until::default()
    };
    Step {
        id: member.step("bound"),
        title: match member.place {
            None => "wait until its volume is made from the snapshot and bound".into(),
            Some(_) => format!("wait until the volume of {} is made from its snapshot and bound", claim.at.name),
        },
        act: Act::Wait { target: made(member), until: Box::new(until) },
        guards: Vec::new(),
        deadline,
    }
}
