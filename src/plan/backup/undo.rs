//! Taking a backup back: deletes the snapshot that it made, and never the last copy that a volume has.
//!
//! What cannot be seen counts against deleting. The copy that stays behind is proved once more right before.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::assess::copies::{Copy, copies};
use crate::assess::restore_point::{self, Belongs, RestorePointState};
use crate::model::{DeletionPolicy, Hold, Kind, Uid, VolumeSnapshot, World, annotation};
use crate::plan::undo::command;
use crate::plan::{
    AccessQuestion, Act, Answers, Check, Guard, ListAt, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal,
    Resource, Step, StepId, Subject, Target, Undone, Verb, lock,
};
use crate::text;

/// Kinds that planning looks at.
pub(in crate::plan) const LOOKED_AT: &[Kind] = &[Kind::Pvc, Kind::Pv, Kind::VolumeSnapshot, Kind::Content];

/// How long the storage system may take to let go of the copy.
const GONE_WITHIN: Duration = Duration::from_secs(600);

type Why = (String, String);

fn why(why: impl Into<String>, clear: impl Into<String>) -> Why {
    (why.into(), clear.into())
}

/// The snapshot that the backup made.
fn made(undone: &Undone) -> Option<(&ObjectAt, &Uid)> {
    let outputs = undone.progress.outputs(&StepId("create".into()))?;
    match outputs.get("object")? {
        Output::Object { at, uid } => Some((at, uid)),
        Output::Text(_) => None,
    }
}

fn claims(namespace: Option<&str>) -> ListAt {
    let namespace = namespace.map(str::to_owned);
    ListAt { resource: Resource::of(Kind::Pvc), namespace, selector: String::new() }
}

/// What has to be asked.
pub(in crate::plan) fn questions(undone: &Undone) -> Questions {
    let Some((at, _)) = made(undone) else { return Questions::default() };
    let namespace = at.namespace.as_deref();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, namespace);
    let mut access = vec![ask("get", &at.resource), ask("delete", &at.resource)];
    access.extend(AccessQuestion::record(namespace));
    Questions { objects: vec![at.clone()], access, lists: vec![claims(namespace)] }
}

/// The plan that deletes the snapshot.
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

/// A snapshot that may go.
struct Case<'a> {
    undone: &'a Undone,
    world: &'a World,
    at: &'a ObjectAt,
    uid: &'a Uid,
    fresh: &'a Value,
    state: RestorePointState,
    deletion: DeletionPolicy,
    /// Another good copy of the volume.
    other: Option<Copy>,
}

impl<'a> Case<'a> {
    fn of(undone: &'a Undone, world: &'a World, answers: &'a Answers, now: Timestamp) -> Result<Self, Why> {
        let Some((at, uid)) = made(undone) else {
            return Err(why("it made nothing", "there is nothing to take back"));
        };
        let fresh = fresh(at, uid, answers, now)?;
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
        Ok(Self { undone, world, at, uid, fresh, state, deletion, other })
    }

    fn plan(self, mut warnings: Vec<String>, id: OperationId, now: Timestamp) -> Plan {
        let at = self.at;
        let namespace = at.namespace.clone().unwrap_or_default();
        if !matches!(self.state, RestorePointState::Good | RestorePointState::Unverified) {
            warnings.push(format!("{at} is {}: it cannot be restored from now", self.state.word()));
        }
        let fate = self.fate();
        let mut changes = vec![format!("deletes {at}"), fate.clone()];
        changes.push(id.recorded(&namespace));
        changes.push("touches no volume and no pod".to_owned());
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
            undo: vec![self.back()],
            locks: Vec::new(),
            undoes: Some(self.undone.plan.id.clone()),
            nodes: vec![Node::Do(Box::new(self.delete()))],
            id,
        }
    }

    fn subject(&self) -> Subject {
        let version = self.fresh.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        let object = crate::model::ObjRef {
            kind: Kind::VolumeSnapshot,
            namespace: self.at.namespace.as_deref().map(Into::into),
            name: self.at.name.as_str().into(),
        };
        Subject { object, uid: self.uid.clone(), resource_version: version.to_owned() }
    }

    /// What becomes of the copy in storage.
    fn fate(&self) -> String {
        match self.deletion {
            DeletionPolicy::Delete => {
                "deletion policy Delete: the storage system deletes the copy, for good".to_owned()
            }
            DeletionPolicy::Retain => {
                "deletion policy Retain: the copy stays in storage with its VolumeSnapshotContent, and costs what it costs"
                    .to_owned()
            }
            DeletionPolicy::Unknown => {
                "its deletion policy is not known: the storage system may delete the copy for good".to_owned()
            }
        }
    }

    fn back(&self) -> String {
        match self.deletion {
            DeletionPolicy::Retain => "import the copy again by its handle, which its content keeps".to_owned(),
            DeletionPolicy::Delete | DeletionPolicy::Unknown => {
                "cannot be taken back: the copy is gone then".to_owned()
            }
        }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let stays = self.other.as_ref().map_or_else(|| "no other good copy".to_owned(), |copy| copy.object.to_string());
        vec![
            self.undone.fact(),
            fact("snapshot UID", self.uid.to_string()),
            fact("state", self.state.word().to_owned()),
            fact("volume", self.undone.plan.subject.object.path()),
            fact("deletion policy", self.deletion.word().to_owned()),
            fact("good copy that stays", stays),
        ]
    }

    fn delete(&self) -> Step {
        let held = annotation::pointer(annotation::HOLD);
        // A hold that is over may still be written there; a new one, or a longer one, is not passed over.
        let as_read = self.fresh.pointer(&held).map(|ended| Check::is(&held, ended.clone()));
        let own = Guard {
            at: self.at.clone(),
            uid: self.uid.clone(),
            checks: vec![Check::absent("/metadata/deletionTimestamp"), as_read.unwrap_or_else(|| Check::absent(&held))],
            or: "it is not the snapshot that the plan was made for any more; plan again".into(),
        };
        let mut guards = vec![own];
        guards.extend(self.other.as_ref().map(stays));
        Step {
            id: StepId("delete".into()),
            title: format!("delete {} with UID {} and see it gone", self.at, self.uid),
            act: Act::Delete { target: Target::Known { at: self.at.clone(), uid: self.uid.clone() } },
            guards,
            deadline: GONE_WITHIN,
        }
    }
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
fn fresh<'a>(at: &ObjectAt, uid: &Uid, answers: &'a Answers, now: Timestamp) -> Result<&'a Value, Why> {
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
    if let Some(group) = text("/status/volumeGroupSnapshotName").filter(|group| !group.is_empty()) {
        let clear = "delete the group snapshot as a whole, when none of its members is needed";
        return Err(why(format!("{at} is part of VolumeGroupSnapshot {}", text::sanitize(group)), clear));
    }
    Ok(fresh)
}

/// The claim that is being made from a snapshot, if there is one.
fn restored(at: &ObjectAt, answers: &Answers) -> Result<Option<String>, Why> {
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
