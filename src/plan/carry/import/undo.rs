//! Taking an import back: deletes exactly the two objects that it made, and leaves the storage alone.
//!
//! The copy is not this import's: its content is seen to be Retain before the snapshot goes, and again before the
//! content does. What was restored from it is a volume of its own by then.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::steps::{CONTENT, POLICY, SNAPSHOT, step};
use crate::model::{Kind, ObjRef, Uid, World};
use crate::plan::backup::undo::{claims, fresh, restored};
use crate::plan::undo::command;
use crate::plan::{
    AccessQuestion, Act, Answers, Check, Guard, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal,
    Resource, Step, StepId, Subject, Target, Undone, Verb,
};

const GONE_WITHIN: Duration = Duration::from_secs(300);

/// An object that the import made.
type Made<'a> = (&'a ObjectAt, &'a Uid);

fn made<'a>(undone: &'a Undone, name: &str) -> Option<Made<'a>> {
    match undone.progress.outputs(&StepId(name.to_owned()))?.get("object")? {
        Output::Object { at, uid } => Some((at, uid)),
        Output::Text(_) => None,
    }
}

/// Both objects; `None` where the import took back itself what it had made.
fn both(undone: &Undone) -> Option<(Made<'_>, Made<'_>)> {
    let ended_well = undone.progress.end == Some(crate::plan::End::Done);
    ended_well.then(|| Some((made(undone, SNAPSHOT)?, made(undone, CONTENT)?)))?
}

/// What has to be asked.
pub(in crate::plan) fn questions(undone: &Undone) -> Questions {
    let Some(((snapshot, _), (content, _))) = both(undone) else { return Questions::default() };
    let namespace = snapshot.namespace.as_deref();
    let ask = |verb, resource: &Resource, namespace| AccessQuestion::new(verb, resource, namespace);
    let mut access: Vec<AccessQuestion> = ["get", "delete"].map(|verb| ask(verb, &snapshot.resource, namespace)).into();
    access.extend(["get", "patch", "delete"].map(|verb| ask(verb, &content.resource, None)));
    access.extend(AccessQuestion::record(namespace));
    Questions { objects: vec![snapshot.clone(), content.clone()], access, lists: vec![claims(namespace)] }
}

/// The plan that deletes both.
pub(in crate::plan) fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let case = Case::of(undone, world, answers, now).map_err(|why| undone.refusal(why))?;
    Ok(case.plan(id))
}

struct Case<'a> {
    undone: &'a Undone,
    world: &'a World,
    snapshot: Made<'a>,
    content: Made<'a>,
    version: &'a str,
    now: Timestamp,
}

impl<'a> Case<'a> {
    fn of(
        undone: &'a Undone,
        world: &'a World,
        answers: &'a Answers,
        now: Timestamp,
    ) -> Result<Self, (String, String)> {
        let nothing = "there is nothing to take back";
        let Some((snapshot, content)) = both(undone) else {
            return Err(("what it had made it took back itself".to_owned(), nothing.to_owned()));
        };
        answers.rights()?;
        let found = fresh(snapshot.0, snapshot.1, answers, now)?;
        if let Some(user) = restored(snapshot.0, answers)? {
            let why = format!("{} is being restored into PersistentVolumeClaim {user}", snapshot.0);
            return Err((why, "wait until that claim is bound, or delete it".to_owned()));
        }
        let read = answers.object(content.0)?;
        let text = |object: &'a Value, field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default();
        if text(read, "/metadata/uid") != content.1.as_str() {
            return Err((format!("{} was made anew meanwhile", content.0), nothing.to_owned()));
        }
        Ok(Self { undone, world, snapshot, content, version: text(found, "/metadata/resourceVersion"), now })
    }

    fn plan(&self, id: OperationId) -> Plan {
        let (snapshot, content) = (self.snapshot.0, self.content.0);
        let context = &self.world.context;
        let namespace = snapshot.namespace.clone().unwrap_or_default();
        Plan {
            verb: Verb::Undo,
            title: format!("take back: {}", self.undone.plan.title),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: ObjRef::namespaced(Kind::VolumeSnapshot, namespace.as_str(), snapshot.name.as_str()),
                uid: self.snapshot.1.clone(),
                resource_version: self.version.to_owned(),
            },
            made: self.now,
            facts: vec![self.undone.fact()],
            warnings: Vec::new(),
            changes: vec![
                format!("deletes {snapshot}"),
                format!("deletes {content}, only while it is Retain"),
                "leaves the copy in storage as it is, and volumes that were restored from it".to_owned(),
                id.recorded(&namespace),
            ],
            command: command(self.undone, &context.name),
            undo: vec!["import the bundle again".to_owned()],
            locks: Vec::new(),
            undoes: Some(self.undone.plan.id.clone()),
            bundle: None,
            nodes: self.steps().into_iter().map(|step| Node::Do(Box::new(step))).collect(),
            id,
        }
    }

    fn steps(&self) -> [Step; 3] {
        let known = |(at, uid): Made<'_>| Target::Known { at: at.clone(), uid: uid.clone() };
        let patch = json!([{ "op": "add", "path": POLICY, "value": "Retain" }]);
        let keep = Act::Patch { target: known(self.content), patch, done: vec![Check::is(POLICY, "Retain")] };
        let retained = || Guard {
            at: self.content.0.clone(),
            uid: self.content.1.clone(),
            checks: vec![Check::is(POLICY, "Retain")],
            or: "deleting it now would take the copy in storage with it; nothing more was deleted".to_owned(),
        };
        let delete = |id: &str, made: Made<'_>| {
            let title = format!("delete {} with UID {} and see it gone", made.0, made.1);
            let step = step(id, title, Act::Delete { target: known(made) }, GONE_WITHIN);
            Step { guards: vec![retained()], ..step }
        };
        let title = format!("see that {} is Retain: the copy in storage stays", self.content.0);
        [
            step("keep", title, keep, Duration::from_secs(60)),
            delete("delete-snapshot", self.snapshot),
            delete("delete-content", self.content),
        ]
    }
}
