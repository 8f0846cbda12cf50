//! The steps of a restore into a new claim.

use std::time::Duration;

use super::super::{Claim, Source, data_source};
use super::Options;
use crate::model::Kind;
use crate::plan::{Act, Check, Expect, Firm, Follow, Guard, Node, ObjectAt, Resource, Step, StepId, Target, Until};

/// Creates the claim, looks whether it will be filled, and waits for its volume where that comes by itself.
pub(super) fn nodes(source: &Source, claim: &Claim, options: &Options) -> Vec<Node> {
    let mut steps = vec![create(source, claim), sourced(source, claim)];
    if !claim.waits_for_consumer {
        steps.push(bound(source, claim, options.bound_within));
    }
    steps.into_iter().map(|step| Node::Do(Box::new(step))).collect()
}

fn create(source: &Source, claim: &Claim) -> Step {
    Step {
        id: StepId("create".into()),
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

fn made() -> Target {
    Target::Output { step: StepId("create".into()), slot: "object".into() }
}

/// What makes a claim worthless whatever comes later.
fn kept(source: &Source, claim: &ObjectAt) -> Firm {
    Firm {
        check: Check::is("/spec/dataSource", data_source(source)),
        or: format!(
            "the API server made {claim} without its data source, so its volume is EMPTY, not restored; \
             delete this claim and use it for nothing"
        ),
    }
}

fn sourced(source: &Source, claim: &Claim) -> Step {
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
        id: StepId("source".into()),
        title: format!("see that the new claim is filled from the snapshot, not empty{later}"),
        act: Act::Wait { target: made(), until: Box::new(until) },
        guards: Vec::new(),
        deadline: Duration::from_secs(60),
    }
}

fn bound(source: &Source, claim: &Claim, deadline: Duration) -> Step {
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
        what: "the volume to be made from the snapshot and bound".into(),
        checks: vec![Check::is("/status/phase", "Bound"), Check::present("/spec/volumeName")],
        follow: Some(follow),
        events: true,
        firm: vec![kept(source, &claim.at)],
        outputs: slots(&[("capacity", "/status/capacity/storage")]),
        ..Until::default()
    };
    Step {
        id: StepId("bound".into()),
        title: "wait until its volume is made from the snapshot and bound".into(),
        act: Act::Wait { target: made(), until: Box::new(until) },
        guards: Vec::new(),
        deadline,
    }
}
