//! The steps of a backup that are the same for a volume, a set and a group: seeing the cut, seeing the copy ready, and
//! taking a set back as a whole.

use std::time::Duration;

use crate::model::{Kind, annotation};
use crate::plan::{
    Act, Check, Expect, Follow, Guard, ListAt, Node, ObjectAt, OperationId, Resource, Step, StepId, Target, Until,
};

/// How long it is waited, before a copy is deleted again, until it is made.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// The annotation that csi-snapshotter has on a content while it is at work on it.
const BEING_CREATED: &str = "snapshot.storage.kubernetes.io/volumesnapshot-being-created";
/// How long the storage system may take to let go of a copy.
const GONE_WITHIN: Duration = Duration::from_secs(600);

/// What a step made.
pub(super) fn made(step: &StepId) -> Target {
    Target::Output { step: step.clone(), slot: "object".into() }
}

fn follow(checks: Vec<Check>, outputs: &[(&str, &str)]) -> Follow {
    Follow {
        resource: Resource::of(Kind::Content),
        name_in: "/status/boundVolumeSnapshotContentName".into(),
        checks,
        trouble: vec!["/status/error/message".into()],
        outputs: slots(outputs),
    }
}

fn slots(outputs: &[(&str, &str)]) -> Vec<(String, String)> {
    outputs.iter().map(|(slot, field)| ((*slot).to_owned(), (*field).to_owned())).collect()
}

/// Of which claim a member of a set is.
fn whose(member: Option<&str>) -> String {
    member.map(|claim| format!(" of {claim}")).unwrap_or_default()
}

/// The output of [`cut`] that tells the moment to the nanosecond, where it is kept.
pub(super) const CUT_EXACTLY: &str = "cutNanoseconds";

/// The snapshot is cut; `member` is its claim where it is one of a set. Of a set the moment is kept as the content has it: a snapshot has it in whole seconds.
pub(super) fn cut(id: StepId, of: Target, member: Option<&str>, deadline: Duration) -> Step {
    let moment = "/status/creationTime";
    let follow = match member {
        Some(_) => follow(vec![Check::present(moment)], &[(CUT_EXACTLY, moment)]),
        None => follow(Vec::new(), &[]),
    };
    let whose = whose(member);
    let until = Until {
        what: format!("the storage system to cut the snapshot{whose}"),
        checks: vec![Check::present(moment)],
        follow: Some(follow),
        trouble: vec!["/status/error/message".into()],
        outputs: slots(&[("cutAt", moment)]),
        ..Until::default()
    };
    let title = format!("wait until the snapshot{whose} is cut (the data of that moment is safe from later writes)");
    wait(id, title, of, until, deadline)
}

/// Ready as restorers must see it: snapshot and content name each other, and storage holds a handle.
pub(super) fn ready(id: StepId, of: Target, member: Option<&str>, deadline: Duration) -> Step {
    let whose = whose(member);
    let checks = vec![
        Check { field: "/spec/volumeSnapshotRef/uid".into(), expect: Expect::UidOfOrigin },
        Check::absent("/metadata/deletionTimestamp"),
        Check::present("/status/snapshotHandle"),
        Check::is("/status/readyToUse", true),
    ];
    let outputs = [("content", "/metadata/name"), ("handle", "/status/snapshotHandle")];
    let until = Until {
        what: format!("the snapshot{whose} to become ready to restore from"),
        checks: vec![
            Check::is("/status/readyToUse", true),
            Check::present("/status/boundVolumeSnapshotContentName"),
            Check::absent("/metadata/deletionTimestamp"),
        ],
        follow: Some(follow(checks, &outputs)),
        trouble: vec!["/status/error/message".into()],
        outputs: slots(&[("restoreSize", "/status/restoreSize")]),
        ..Until::default()
    };
    let title = format!("wait until the snapshot{whose} is ready (it can be restored from)");
    wait(id, title, of, until, deadline)
}

/// A step that waits.
pub(super) fn wait(id: StepId, title: String, target: Target, until: Until, deadline: Duration) -> Step {
    Step { id, title, act: Act::Wait { target, until: Box::new(until) }, guards: Vec::new(), deadline }
}

/// How far the cuts of a set are apart, as it was written on this member: for the journal and whoever reads the end.
pub(super) fn skew(of: Target) -> Step {
    let until = Until {
        what: "what was measured to be seen".into(),
        outputs: slots(&[("skew", &annotation::pointer(annotation::SET_SKEW))]),
        ..Until::default()
    };
    let title = "see how far the first cut and the last are apart".to_owned();
    wait(StepId("set".into()), title, of, until, Duration::from_secs(60))
}

/// The step with which a set begins. From there on until the last member is ready, whatever fails takes back what the
/// operation made: a set is whole or it is nothing.
///
/// What takes it back stands here and not beside each create, so that it comes after the application was let go.
pub(super) fn begin(guards: Vec<Guard>, makes: &[ObjectAt], operation: &OperationId) -> Option<Node> {
    let first = guards.first()?;
    let target = Target::Known { at: first.at.clone(), uid: first.uid.clone() };
    let until = Until { what: "the volumes to be looked at".into(), ..Until::default() };
    let title = "see that all volumes are those of the plan; from here on the set is whole or nothing".to_owned();
    let step = wait(StepId("begin".into()), title, target, until, Duration::from_secs(60));
    let named = |role: &str, place: usize| {
        StepId(if makes.len() > 1 { format!("{role}-{}", place + 1) } else { role.to_owned() })
    };
    let settled = makes.iter().enumerate().map(|(place, at)| settled(named("settled", place), at, operation));
    let back = makes.iter().enumerate().map(|(place, at)| take_back(named("back", place), at, operation));
    let groups = makes.iter().filter(|at| at.resource.plural == Kind::GroupSnapshot.spec().plural);
    let gone = groups.map(|at| members_gone(StepId("gone".into()), at));
    Some(Node::Reversible { step: Box::new(Step { guards, ..step }), undo: settled.chain(back).chain(gone).collect() })
}

fn own(at: &ObjectAt, operation: &OperationId) -> Target {
    let checks = vec![Check::absent(&annotation::pointer(annotation::HOLD))];
    Target::Own { at: at.clone(), operation: operation.clone(), checks }
}

/// Nobody is at work on a copy any more. One that is deleted while it is being made is forgotten by csi-snapshotter
/// until its next resync, or stays in storage (external-snapshotter #1388).
fn settled(id: StepId, at: &ObjectAt, operation: &OperationId) -> Step {
    let came_of_it = Check::present("/status/{creationTime,error}");
    let (checks, follow) = if at.resource.plural == Kind::VolumeSnapshot.spec().plural {
        let idle = Check::absent(&annotation::pointer(BEING_CREATED));
        (Vec::new(), Some(follow(vec![came_of_it, idle], &[])))
    } else {
        (vec![came_of_it], None)
    };
    let what = format!("{at} to be cut or to fail, so that it can be deleted");
    let title = format!("see whether anything is still at work on {at}");
    wait(
        id,
        title,
        own(at, operation),
        Until { what, checks, follow, lenient: true, ..Until::default() },
        SETTLED_WITHIN,
    )
}

/// No snapshot is a member of this group any more: they go by themselves, and after it.
pub(super) fn members_gone(id: StepId, group: &ObjectAt) -> Step {
    let among = ListAt::all(Resource::of(Kind::VolumeSnapshot), group.namespace.as_deref());
    let which = vec![Check::is("/status/volumeGroupSnapshotName", group.name.as_str())];
    let what = format!("the snapshots of {group} to be gone");
    let title = format!("wait until {what}");
    Step { id, title, act: Act::Absent { among, which, what }, guards: Vec::new(), deadline: GONE_WITHIN }
}

/// Deletes again what the operation made under this name, unless somebody holds it meanwhile.
fn take_back(id: StepId, at: &ObjectAt, operation: &OperationId) -> Step {
    Step {
        id,
        title: format!("delete {at} again: the set is not whole"),
        act: Act::Delete { target: own(at, operation) },
        guards: Vec::new(),
        deadline: GONE_WITHIN,
    }
}
