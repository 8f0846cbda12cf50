//! The hold verb and its counterpart: keeps one copy from being deleted, and takes that away again.
//!
//! A hold is an annotation on the VolumeSnapshot that says why, by whom and until when, and deletionPolicy Retain on
//! its content, so that the copy in storage outlives its objects. The annotation comes first, because it remembers the
//! policy that the copy had; the release puts that back and then takes the annotation away. Others who delete copies,
//! such as Velero, know nothing of holds: the plan says so.

mod form;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::text as text_at;
use super::{
    AccessQuestion, Act, Answers, Check, Guard, Node, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Step,
    StepId, Subject, Target, Verb,
};
use crate::assess::retention;
use crate::model::{Hold, Kind, Uid, VolumeSnapshot, World, annotation};
use crate::text;

pub use form::{command, form, options, release_command, until};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[Kind::VolumeSnapshot, Kind::Content, Kind::VeleroBackup];

/// How long a patch may take.
const WITHIN: Duration = Duration::from_secs(60);
/// JSON pointer to the annotation.
const HELD: &str = "/metadata/annotations/holdfast.dev~1hold";
/// JSON pointer to what deleting a content does.
const POLICY: &str = "/spec/deletionPolicy";

/// What the operator may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Why, for the annotation and the journal.
    pub reason: Option<String>,
    /// Until when; `None` is until it is released.
    pub until: Option<Timestamp>,
}

/// What has to be asked before a hold on this copy, or its end, can be planned.
pub fn questions(world: &World, snapshot: &VolumeSnapshot) -> Questions {
    let namespace = snapshot.meta.namespace().to_owned();
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(&namespace));
    let (snapshots, contents) = (Resource::of(Kind::VolumeSnapshot), Resource::of(Kind::Content));
    let mut access = vec![ask("get", &snapshots), ask("patch", &snapshots)];
    access.extend(AccessQuestion::record(Some(&namespace)));
    access.extend(["get", "patch"].map(|verb| AccessQuestion::new(verb, &contents, None)));
    let content = world.content(snapshot).map(|content| ObjectAt::of(Kind::Content, None, &content.meta.name));
    Questions { objects: [place(snapshot)].into_iter().chain(content).collect(), access, lists: Vec::new() }
}

fn place(snapshot: &VolumeSnapshot) -> ObjectAt {
    ObjectAt::of(Kind::VolumeSnapshot, snapshot.meta.namespace.as_deref(), &snapshot.meta.name)
}

/// Plans a hold on the VolumeSnapshot with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    snapshot: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let case = Case::of(world, snapshot, answers, Verb::Hold, now)?;
    let Some(reason) = options.reason.clone() else {
        return case.refuse("a hold says why", "give a --reason");
    };
    if options.until.is_some_and(|until| until <= now) {
        return case.refuse("its end has passed already", "give a later --until, or none");
    }
    if let Some(hold) = case.hold().filter(|hold| hold.holds(now)) {
        let why = format!("it is held already: {}", text::sanitize(&hold.reason));
        return case.refuse(&why, "release it first, then hold it anew");
    }
    // An earlier hold that has ended still knows the policy that was there before it.
    let former = case.hold().and_then(|hold| hold.policy).unwrap_or_else(|| case.policy.to_owned());
    let hold = Hold { reason, by: Some(answers.who.clone()), until: options.until, policy: Some(former) };
    Ok(case.hold_plan(&hold, options, id, now))
}

/// Plans the end of the hold on the VolumeSnapshot with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn release(
    world: &World,
    snapshot: &Uid,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let case = Case::of(world, snapshot, answers, Verb::Release, now)?;
    match case.hold() {
        Some(hold) => Ok(case.release_plan(&hold, id, now)),
        None => case.refuse("it is not held", "nothing has to be done"),
    }
}

/// What a plan says of itself.
struct Said {
    changes: Vec<String>,
    facts: Vec<(String, String)>,
    undo: Vec<String>,
    command: String,
}

/// One copy, as it was read just now.
struct Case<'a> {
    world: &'a World,
    snapshot: &'a VolumeSnapshot,
    fresh: &'a Value,
    content: ObjectAt,
    content_uid: Uid,
    policy: &'a str,
    verb: Verb,
    now: Timestamp,
}

impl<'a> Case<'a> {
    fn of(world: &'a World, snapshot: &Uid, answers: &'a Answers, verb: Verb, now: Timestamp) -> Result<Self, Refusal> {
        let Some(snapshot) = world.inventory.snapshots.get(snapshot) else {
            let (object, why) = ("a restore point".to_owned(), "its VolumeSnapshot is gone".to_owned());
            return Err(Refusal { verb, object, why, clear: "pick another restore point".into() });
        };
        let refuse = |why: &str, clear: &str| Err(refusal(verb, snapshot, why, clear));
        answers.rights().map_err(|(why, clear)| refusal(verb, snapshot, &why, &clear))?;
        let fresh = match answers.objects.get(&place(snapshot)) {
            Some(Ok(Some(fresh))) => fresh,
            Some(Ok(None)) => return refuse("it was deleted meanwhile", "pick another restore point"),
            Some(Err(why)) => return refuse(&format!("it could not be read: {why}"), "try again"),
            None => return refuse("it was not read", "try again"),
        };
        if text_at(fresh, "/metadata/uid") != snapshot.meta.uid().as_str() {
            return refuse("it was made anew meanwhile", "look at the new one, then try again");
        }
        if fresh.pointer("/metadata/deletionTimestamp").is_some() {
            return refuse(
                "it is being deleted already",
                "a deletion that has begun cannot be taken back; copy what is needed",
            );
        }
        let content = world.content(snapshot).map(|content| ObjectAt::of(Kind::Content, None, &content.meta.name));
        let read = content.and_then(|at| Some((at.clone(), answers.objects.get(&at)?)));
        let Some((content, Ok(Some(read)))) = read else {
            return refuse(
                "its VolumeSnapshotContent is not seen",
                "wait until it is bound, or ask for rights to read contents",
            );
        };
        if text_at(read, "/spec/volumeSnapshotRef/uid") != snapshot.meta.uid().as_str() {
            return refuse("its content belongs to another snapshot", "find out who made the other binding");
        }
        let content_uid = Uid::from(text_at(read, "/metadata/uid"));
        Ok(Self { world, snapshot, fresh, content, content_uid, policy: text_at(read, POLICY), verb, now })
    }

    fn refuse<T>(&self, why: &str, clear: &str) -> Result<T, Refusal> {
        Err(refusal(self.verb, self.snapshot, why, clear))
    }

    fn hold(&self) -> Option<Hold> {
        self.fresh.pointer(HELD).and_then(Value::as_str).map(Hold::parse)
    }

    fn hold_plan(&self, hold: &Hold, options: &Options, id: OperationId, now: Timestamp) -> Plan {
        let annotation = hold.annotation();
        let mut steps = vec![self.annotate(&annotation)];
        let mut changes = vec![format!("annotates {} with {}", place(self.snapshot), annotation::HOLD)];
        if self.policy != "Retain" {
            steps.push(self.set_policy("Retain"));
            changes.push(format!("sets deletionPolicy of {} from {} to Retain", self.content, self.policy));
        }
        let path = self.snapshot.meta.reference(Kind::VolumeSnapshot).path();
        let until = hold.until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {until}"));
        let mut facts = vec![("held".to_owned(), until)];
        facts.extend(hold.reason.lines().map(|line| ("reason".to_owned(), line.to_owned())));
        let undo = vec![format!(
            "holdfast release {path}: deletionPolicy {} comes back",
            hold.policy.as_deref().unwrap_or("?")
        )];
        let command = command(options, self.snapshot, &self.world.context.name);
        let title = format!("hold restore point {path}");
        self.plan(title, steps, Said { changes, facts, undo, command }, id, now)
    }

    fn release_plan(&self, hold: &Hold, id: OperationId, now: Timestamp) -> Plan {
        let mut steps = Vec::new();
        let mut changes = Vec::new();
        match hold.policy.as_deref() {
            Some("Delete") if self.policy == "Retain" => {
                steps.push(self.set_policy("Delete"));
                changes.push(format!("sets deletionPolicy of {} back to Delete", self.content));
            }
            Some(_) => {}
            None => changes.push(format!(
                "leaves deletionPolicy of {} as it is, {}: the hold does not say what it was before",
                self.content, self.policy
            )),
        }
        steps.push(self.unannotate());
        changes.push(format!("takes annotation {} from {}", annotation::HOLD, place(self.snapshot)));
        let path = self.snapshot.meta.reference(Kind::VolumeSnapshot).path();
        let facts = vec![("held".to_owned(), hold.reason.clone())];
        let undo = vec![format!("holdfast hold {path} --reason …")];
        let command = release_command(self.snapshot, &self.world.context.name);
        self.plan(format!("release restore point {path}"), steps, Said { changes, facts, undo, command }, id, now)
    }

    fn plan(&self, title: String, steps: Vec<Step>, said: Said, id: OperationId, now: Timestamp) -> Plan {
        let Said { mut changes, facts, undo, command } = said;
        changes.push(id.recorded(self.snapshot.meta.namespace()));
        let fact = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let own = [fact("content", &self.content.name), fact("deletion policy", self.policy)];
        Plan {
            verb: self.verb,
            title,
            context: self.world.context.name.to_string(),
            server: self.world.context.server.to_string(),
            protected: self.world.context.protected,
            count: None,
            subject: Subject {
                object: self.snapshot.meta.reference(Kind::VolumeSnapshot),
                uid: self.snapshot.meta.uid(),
                resource_version: text_at(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: now,
            facts: own.into_iter().chain(facts).collect(),
            warnings: self.warnings(),
            changes,
            command,
            undo,
            locks: Vec::new(),
            undoes: None,
            bundle: None,
            nodes: steps.into_iter().map(|step| Node::Do(Box::new(step))).collect(),
            id,
        }
    }

    /// Who else may delete the copy: nobody asks them.
    fn warnings(&self) -> Vec<String> {
        if self.verb != Verb::Hold {
            return Vec::new();
        }
        let others = retention::other_pruner(self.world, self.snapshot, self.now);
        let group = self.snapshot.group.as_ref().map(|group| {
            format!("it is a member of group snapshot {}: deleting the group deletes it", text::sanitize(group))
        });
        others.into_iter().chain(group).collect()
    }

    fn own(&self) -> Target {
        Target::Known { at: place(self.snapshot), uid: self.snapshot.meta.uid() }
    }

    fn annotate(&self, annotation: &str) -> Step {
        // An object without annotations has nothing to add one to (RFC 6902 section 4.1).
        let patch = if self.fresh.pointer("/metadata/annotations").is_some() {
            json!([{ "op": "add", "path": HELD, "value": annotation }])
        } else {
            json!([{ "op": "add", "path": "/metadata/annotations", "value": { annotation::HOLD: annotation } }])
        };
        Step {
            id: StepId("annotate".into()),
            title: format!("annotate {} as held", place(self.snapshot)),
            act: Act::Patch { target: self.own(), patch, done: vec![Check::is(HELD, annotation)] },
            guards: vec![self.still_there()],
            deadline: WITHIN,
        }
    }

    fn unannotate(&self) -> Step {
        let patch = json!([{ "op": "remove", "path": HELD }]);
        Step {
            id: StepId("annotate".into()),
            title: format!("take the hold from {}", place(self.snapshot)),
            act: Act::Patch { target: self.own(), patch, done: vec![Check::absent(HELD)] },
            guards: Vec::new(),
            deadline: WITHIN,
        }
    }

    fn set_policy(&self, policy: &str) -> Step {
        let target = Target::Known { at: self.content.clone(), uid: self.content_uid.clone() };
        let patch = json!([{ "op": "replace", "path": POLICY, "value": policy }]);
        let guard = Guard {
            at: self.content.clone(),
            uid: self.content_uid.clone(),
            checks: vec![
                Check::is("/spec/volumeSnapshotRef/uid", self.snapshot.meta.uid().as_str()),
                Check::absent("/metadata/deletionTimestamp"),
            ],
            or: "it is not the content of this copy any more, or on its way out; plan again".into(),
        };
        Step {
            id: StepId("policy".into()),
            title: format!("set deletionPolicy of {} to {policy}", self.content),
            act: Act::Patch { target, patch, done: vec![Check::is(POLICY, policy)] },
            guards: vec![guard],
            deadline: WITHIN,
        }
    }

    fn still_there(&self) -> Guard {
        Guard {
            at: place(self.snapshot),
            uid: self.snapshot.meta.uid(),
            checks: vec![Check::absent("/metadata/deletionTimestamp")],
            or: "it is being deleted already".into(),
        }
    }
}

fn refusal(verb: Verb, snapshot: &VolumeSnapshot, why: &str, clear: &str) -> Refusal {
    let object = format!("restore point {}", snapshot.meta.reference(Kind::VolumeSnapshot).path());
    Refusal { verb, object, why: why.to_owned(), clear: clear.to_owned() }
}

#[cfg(test)]
mod tests;
