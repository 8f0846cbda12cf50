//! Taking a backup back: deletes the snapshots that it made, and never the last copy that a volume has.
//!
//! What cannot be seen counts against deleting. The copies that stay behind are proved once more right before. Members
//! of a group go with their group: alone they cannot be deleted.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::assess::copies::{Copy, copies};
use crate::assess::known_good;
use crate::assess::restore_point::{self, Belongs, RestorePointState};
use crate::model::{DeletionPolicy, Hold, Kind, Uid, VolumeSnapshot, World, annotation};
use crate::plan::undo::command;
use crate::plan::{
    AccessQuestion, Act, Answers, Check, Guard, ListAt, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal,
    Resource, Step, StepId, StepState, Subject, Target, Undone, Verb, lock,
};
use crate::text;

/// Kinds that planning looks at.
pub(in crate::plan) const LOOKED_AT: &[Kind] =
    &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content, Kind::GroupSnapshot, Kind::GroupContent];

/// How long the storage system may take to let go of the copy.
const GONE_WITHIN: Duration = Duration::from_secs(600);

type Why = (String, String);

fn why(why: impl Into<String>, clear: impl Into<String>) -> Why {
    (why.into(), clear.into())
}

/// What the backup made.
#[derive(Default)]
struct Made<'a> {
    /// Snapshots, by name.
    snapshots: Vec<(&'a ObjectAt, &'a Uid)>,
    /// The group that they are members of.
    group: Option<(&'a ObjectAt, &'a Uid)>,
}

fn made(undone: &Undone) -> Made<'_> {
    let mut made = Made::default();
    let done = undone.progress.steps.values().filter_map(|state| match state {
        StepState::Done(outputs) => outputs.get("object"),
        StepState::Waiting | StepState::Intended | StepState::Failed(_) => None,
    });
    for output in done {
        let Output::Object { at, uid } = output else { continue };
        if at.resource.plural == Kind::VolumeSnapshot.spec().plural {
            made.snapshots.push((at, uid));
        } else if at.resource.plural == Kind::GroupSnapshot.spec().plural {
            made.group = Some((at, uid));
        }
    }
    // A member that was written on is the output of several steps.
    made.snapshots.sort();
    made.snapshots.dedup();
    made
}

/// The copies that the backup made, and the group that they are members of.
pub(in crate::plan) fn made_by(undone: &Undone) -> Vec<Uid> {
    let made = made(undone);
    made.snapshots.iter().chain(&made.group).map(|(_, uid)| (*uid).clone()).collect()
}

/// Claims that may be being made from a snapshot of this namespace.
pub(in crate::plan) fn claims(namespace: Option<&str>) -> ListAt {
    let namespace = namespace.map(str::to_owned);
    ListAt { resource: Resource::of(Kind::Pvc), namespace, selector: String::new() }
}

/// What has to be asked.
pub(in crate::plan) fn questions(undone: &Undone) -> Questions {
    let made = made(undone);
    let Some((first, _)) = made.group.or(made.snapshots.first().copied()) else { return Questions::default() };
    let namespace = first.namespace.as_deref();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, namespace);
    let mut access = vec![ask("get", &first.resource), ask("delete", &first.resource)];
    access.extend(AccessQuestion::record(namespace));
    access.extend(made.group.map(|_| ask("list", &Resource::of(Kind::VolumeSnapshot))));
    let objects = made.group.iter().chain(&made.snapshots).map(|(at, _)| (*at).clone()).collect();
    Questions { objects, access, lists: vec![claims(namespace)] }
}

/// The plan that deletes the snapshots.
pub(in crate::plan) fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let locks = undone.locks(world);
    let planned = Case::of(undone, world, answers, now).and_then(|case| {
        answers.rights()?;
        let warnings = lock::look(&locks, answers, &id, now)?;
        Ok((case, warnings))
    });
    let (case, warnings) = planned.map_err(|why| undone.refusal(why))?;
    Ok(Plan { locks, ..case.plan(warnings, id, now) })
}

/// What may go.
struct Case<'a> {
    undone: &'a Undone,
    world: &'a World,
    members: Vec<Member<'a>>,
    group: Option<Member<'a>>,
}

/// One object that may go.
struct Member<'a> {
    at: &'a ObjectAt,
    uid: &'a Uid,
    fresh: &'a Value,
    state: RestorePointState,
    deletion: DeletionPolicy,
    /// Another good copy of its volume.
    other: Option<Copy>,
}

impl<'a> Member<'a> {
    fn of(
        (at, uid): (&'a ObjectAt, &'a Uid),
        grouped: bool,
        world: &World,
        answers: &'a Answers,
        now: Timestamp,
    ) -> Result<Self, Why> {
        let fresh = fresh(at, uid, answers, now)?;
        let group = fresh.pointer("/status/volumeGroupSnapshotName").and_then(Value::as_str);
        if let Some(group) = group.filter(|group| !group.is_empty() && !grouped) {
            let clear = "delete the group snapshot as a whole, when none of its members is needed";
            return Err(why(format!("{at} is part of VolumeGroupSnapshot {}", text::sanitize(group)), clear));
        }
        if let Some(user) = restored(at, answers)? {
            let clear = "wait until that claim is bound, or delete it; a restore needs its snapshot until then";
            return Err(why(format!("{at} is being restored into PersistentVolumeClaim {user}"), clear));
        }
        let Some(snapshot) = world.inventory.snapshots.get(uid) else {
            let clear =
                "wait until the console sees the snapshots of this namespace, or ask for the right to list them";
            return Err(why(format!("{at} is not seen, so what it is worth cannot be told"), clear));
        };
        let state = restore_point::good(world, snapshot, now).value;
        let other = other_good(world, snapshot, at, state, now)?;
        let deletion = world.content(snapshot).map_or(DeletionPolicy::Unknown, |content| content.deletion);
        Ok(Self { at, uid, fresh, state, deletion, other })
    }
}

impl<'a> Case<'a> {
    fn of(undone: &'a Undone, world: &'a World, answers: &'a Answers, now: Timestamp) -> Result<Self, Why> {
        let made = made(undone);
        let there = |(at, _): &(&ObjectAt, &Uid)| !matches!(answers.objects.get(*at), Some(Ok(None)));
        let Some((first, _)) = made.group.or(made.snapshots.first().copied()) else {
            return Err(why("it made nothing", "there is nothing to take back"));
        };
        let left: Vec<_> = made.snapshots.iter().copied().filter(there).collect();
        let group = made.group.filter(there);
        if left.is_empty() && group.is_none() {
            return Err(why(format!("{first} is gone already"), "there is nothing to take back"));
        }
        let members = left.into_iter().map(|made| Member::of(made, group.is_some(), world, answers, now));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let deletion = members.first().map_or(DeletionPolicy::Unknown, |member| member.deletion);
        let whole = |(at, uid): (&'a ObjectAt, &'a Uid)| {
            let fresh = fresh(at, uid, answers, now)?;
            Ok::<_, Why>(Member { at, uid, fresh, state: RestorePointState::Unknown, deletion, other: None })
        };
        Ok(Self { undone, world, group: group.map(whole).transpose()?, members })
    }

    /// What is deleted: the group, or each snapshot.
    fn targets(&self) -> Vec<&Member<'a>> {
        self.group.as_ref().map_or_else(|| self.members.iter().collect(), |group| vec![group])
    }

    fn plan(self, mut warnings: Vec<String>, id: OperationId, now: Timestamp) -> Plan {
        let targets = self.targets();
        let namespace = targets.first().and_then(|target| target.at.namespace.clone()).unwrap_or_default();
        let unfit =
            |member: &&Member<'_>| !matches!(member.state, RestorePointState::Good | RestorePointState::Unverified);
        let say =
            |member: &Member<'_>| format!("{} is {}: it cannot be restored from now", member.at, member.state.word());
        warnings.extend(self.members.iter().filter(unfit).map(say));
        let mut changes: Vec<String> = targets.iter().map(|target| format!("deletes {}", target.at)).collect();
        if let Some(group) = &self.group {
            changes.extend(self.members.iter().map(|member| format!("deletes {} with {}", member.at, group.at.name)));
        }
        let mut fates: Vec<String> = targets.iter().map(|target| fate(target.deletion)).collect();
        fates.dedup();
        changes.extend(fates);
        changes.push(id.recorded(&namespace));
        changes.push("touches no volume and no pod".to_owned());
        let mut undo: Vec<String> = targets.iter().map(|target| back(target.deletion)).collect();
        undo.dedup();
        Plan {
            verb: Verb::Undo,
            title: format!("take back: {}", self.undone.plan.title),
            context: self.world.context.name.to_string(),
            server: self.world.context.server.to_string(),
            protected: self.world.context.protected,
            count: None,
            subject: self.subject(),
            made: now,
            facts: self.facts(),
            warnings,
            changes,
            command: command(self.undone, &self.world.context.name),
            undo,
            locks: Vec::new(),
            undoes: Some(self.undone.plan.id.clone()),
            bundle: None,
            nodes: self.nodes(),
            id,
        }
    }

    /// The snapshot; of a set whatever the backup was about.
    fn subject(&self) -> Subject {
        let [only] = self.members.as_slice() else { return self.undone.plan.subject.clone() };
        let version = only.fresh.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        let object = crate::model::ObjRef {
            kind: Kind::VolumeSnapshot,
            namespace: only.at.namespace.as_deref().map(Into::into),
            name: only.at.name.as_str().into(),
        };
        Subject { object, uid: only.uid.clone(), resource_version: version.to_owned() }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let stays = |member: &Member<'_>| {
            member.other.as_ref().map_or_else(|| "no other good copy".to_owned(), |copy| copy.object.to_string())
        };
        let mut facts = vec![self.undone.fact()];
        for member in &self.members {
            if self.members.len() > 1 {
                facts.push(fact("member", member.at.name.clone()));
            }
            facts.push(fact("snapshot UID", member.uid.to_string()));
            facts.push(fact("state", member.state.word().to_owned()));
            if self.members.len() == 1 {
                facts.push(fact("volume", self.undone.plan.subject.object.path()));
            }
            facts.push(fact("deletion policy", member.deletion.word().to_owned()));
            facts.push(fact("good copy that stays", stays(member)));
        }
        facts
    }

    /// One after the other, each after it was seen that what must stay is there.
    fn nodes(&self) -> Vec<Node> {
        let targets = self.targets();
        let count = targets.len();
        let each = |(place, target): (usize, &&Member<'_>)| {
            let id = if count > 1 { format!("delete-{}", place + 1) } else { "delete".to_owned() };
            Node::Do(Box::new(self.delete(StepId(id), target)))
        };
        let gone = self.group.iter().map(|group| super::steps::members_gone(StepId("gone".into()), group.at));
        targets.iter().enumerate().map(each).chain(gone.map(|step| Node::Do(Box::new(step)))).collect()
    }

    fn delete(&self, id: StepId, target: &Member<'_>) -> Step {
        let own = |member: &Member<'_>| Guard {
            at: member.at.clone(),
            uid: member.uid.clone(),
            checks: vec![Check::absent("/metadata/deletionTimestamp"), as_read(member.fresh)],
            or: "it is not the snapshot that the plan was made for any more; plan again".into(),
        };
        let mut guards = vec![own(target)];
        if self.group.is_some() {
            // A hold on a member holds the group.
            guards.extend(self.members.iter().map(own));
            guards.extend(self.members.iter().filter_map(|member| member.other.as_ref()).map(stays));
        }
        guards.extend(target.other.as_ref().map(stays));
        Step {
            id,
            title: format!("delete {} with UID {} and see it gone", target.at, target.uid),
            act: Act::Delete { target: Target::Known { at: target.at.clone(), uid: target.uid.clone() } },
            guards,
            deadline: GONE_WITHIN,
        }
    }
}

/// What becomes of a copy in storage.
fn fate(deletion: DeletionPolicy) -> String {
    match deletion {
        DeletionPolicy::Delete => "deletion policy Delete: the storage system deletes the copy, for good".to_owned(),
        DeletionPolicy::Retain => {
            "deletion policy Retain: the copy stays in storage with its VolumeSnapshotContent, and costs what it costs"
                .to_owned()
        }
        DeletionPolicy::Unknown => {
            "its deletion policy is not known: the storage system may delete the copy for good".to_owned()
        }
    }
}

fn back(deletion: DeletionPolicy) -> String {
    match deletion {
        DeletionPolicy::Retain => "import the copy again by its handle, which its content keeps".to_owned(),
        DeletionPolicy::Delete | DeletionPolicy::Unknown => "cannot be taken back: the copy is gone then".to_owned(),
    }
}

/// A hold that is over may still be written there; a new one, or a longer one, is not passed over.
fn as_read(fresh: &Value) -> Check {
    let held = annotation::pointer(annotation::HOLD);
    fresh.pointer(&held).map_or_else(|| Check::absent(&held), |over| Check::is(&held, over.clone()))
}

/// The copy that stays must still be there, and good.
fn stays(copy: &Copy) -> Guard {
    let mut checks = vec![Check::absent("/metadata/deletionTimestamp")];
    match copy.object.kind {
        Kind::VolumeSnapshot => checks.push(Check::is("/status/readyToUse", true)),
        _ => checks.push(Check::is("/status/phase", "Completed")),
    }
    Guard {
        at: ObjectAt::of(copy.object.kind, copy.object.namespace.as_deref(), &copy.object.name),
        uid: copy.uid.clone(),
        checks,
        or: "without it, the snapshot to delete may be the last good copy of its volume; plan again".into(),
    }
}

/// The snapshot as it is now, when it may be deleted at all.
pub(in crate::plan) fn fresh<'a>(
    at: &ObjectAt,
    uid: &Uid,
    answers: &'a Answers,
    now: Timestamp,
) -> Result<&'a Value, Why> {
    if let Some(Ok(None)) = answers.objects.get(at) {
        return Err(why(format!("{at} is gone already"), "there is nothing to take back"));
    }
    let fresh = answers.object(at)?;
    let text = |field: &str| fresh.pointer(field).and_then(Value::as_str);
    if text("/metadata/uid") != Some(uid.as_str()) {
        let clear = "there is nothing of this operation to take back; the new one is somebody else's";
        return Err(why(format!("{at} was deleted and made anew meanwhile"), clear));
    }
    if text("/metadata/deletionTimestamp").is_some() {
        return Err(why(format!("{at} is being deleted already"), "wait until it is gone"));
    }
    let hold = text(&annotation::pointer(annotation::HOLD)).map(Hold::parse);
    if let Some(hold) = hold.filter(|hold| hold.holds(now)) {
        let clear = format!("ask who holds it, then release it: holdfast release {}", at.path());
        return Err(why(format!("{at} is {}", text::sanitize(&hold.said())), clear));
    }
    Ok(fresh)
}

/// The claim that is being made from a snapshot, if there is one; [`claims`] have to be listed.
pub(in crate::plan) fn restored(at: &ObjectAt, answers: &Answers) -> Result<Option<String>, Why> {
    let claims = match answers.lists.get(&claims(at.namespace.as_deref())) {
        Some(Ok(claims)) => claims,
        Some(Err(error)) => {
            return Err(why(format!("whether it is being restored is not known: {error}"), "try again"));
        }
        None => return Err(why("whether it is being restored was not asked", "try again")),
    };
    let text = |claim: &Value, field: &str| claim.pointer(field).and_then(Value::as_str).map(str::to_owned);
    let from = |claim: &Value, source: &str| {
        text(claim, &format!("/spec/{source}/kind")).as_deref() == Some("VolumeSnapshot")
            && text(claim, &format!("/spec/{source}/name")).as_deref() == Some(&at.name)
    };
    let restoring = claims.iter().find(|claim| {
        let bound = text(claim, "/status/phase").is_some_and(|phase| phase != "Pending");
        !bound && (from(claim, "dataSource") || from(claim, "dataSourceRef"))
    });
    let name = restoring.and_then(|claim| text(claim, "/metadata/name"));
    Ok(name.map(|name| text::sanitize(&name).into_owned()))
}

/// Another good copy of the volume that a snapshot is of. There has to be one unless the snapshot is worth nothing.
fn other_good(
    world: &World,
    snapshot: &VolumeSnapshot,
    at: &ObjectAt,
    state: RestorePointState,
    now: Timestamp,
) -> Result<Option<Copy>, Why> {
    use RestorePointState as State;
    let claim = match restore_point::belongs(world, snapshot) {
        Belongs::Claim(uid) => world.inventory.pvcs.get(&uid),
        Belongs::Gone | Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => None,
    };
    let kept = claim.and_then(|claim| known_good::kept(world, claim, now));
    if let Some(kept) = kept.filter(|kept| Some(&kept.uid) == snapshot.meta.uid.as_ref()) {
        let clear = "settle the findings first: fix them and say so, or decide that they are none; then it may go";
        return Err(why(format!("{at} stays: {}", kept.why), clear));
    }
    let good = claim.map(|claim| copies(world, claim, now).good).unwrap_or_default();
    let other = good.into_iter().map(|(copy, _)| copy).find(|copy| Some(&copy.uid) != snapshot.meta.uid.as_ref());
    let worthless = matches!(state, State::Failed | State::Mismatched | State::NotReady | State::Pending);
    if other.is_some() || worthless {
        return Ok(other);
    }
    Err(match (claim, state) {
        (Some(_), State::Good) => why(
            format!("{at} is the last good restore point of its volume"),
            "take another backup first; then it may go",
        ),
        (Some(_), state) => {
            let said = format!("{at} is {} and may be the last good restore point of its volume", state.word());
            why(said, "take another backup first; then it may go")
        }
        (None, _) => {
            let clear = "it is kept here; who is sure that nobody needs the data deletes it with kubectl";
            why(format!("{at} may be the last copy of its data: the volume that it was cut from is not seen"), clear)
        }
    })
}

#[cfg(test)]
mod tests;
