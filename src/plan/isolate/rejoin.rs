//! The end of an isolation: its policy is deleted, by its UID. Taking the operation back comes to the same.

use std::time::Duration;

use jiff::Timestamp;

use super::{STEP, gone, ours, place, policies, policy, refusal, rejoin_command, watched, written};
use crate::model::{Kind, Uid, World, annotation};
use crate::plan::read::{text as text_at, uid};
use crate::plan::undo::Back;
use crate::plan::{
    AccessQuestion, Act, Answers, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal, Step, StepId, Subject,
    Target, Undone, Verb,
};
use crate::text;

/// How long the deletion may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Why not, and what would clear it.
type No = (String, String);

fn asks(at: ObjectAt) -> Questions {
    let namespace = at.namespace.clone();
    let ask = |verb| AccessQuestion::new(verb, &policies(), namespace.as_deref());
    let mut access: Vec<AccessQuestion> = ["get", "delete"].map(ask).into();
    access.extend(AccessQuestion::record(namespace.as_deref()));
    Questions { objects: vec![at], access, lists: Vec::new() }
}

/// What has to be asked before this workload can rejoin.
pub fn questions(world: &World, kind: Kind, uid: &Uid) -> Questions {
    watched(world, kind, uid).map(|workload| asks(policy(kind, workload))).unwrap_or_default()
}

/// Plans the end of the isolation of the workload with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    (kind, workload): (Kind, &Uid),
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let Some(workload) = watched(world, kind, workload) else { return Err(gone(Verb::Rejoin)) };
    let own = policy(kind, workload);
    let found = found(&own, None, answers).map_err(|no| refusal(Verb::Rejoin, kind, workload, no))?;
    let (at, context) = (place(kind, workload), &world.context);
    let path = format!("{}/{}", workload.meta.namespace(), written(kind, workload));
    let maker = text::sanitize(text_at(found, &annotation::pointer(annotation::OPERATION))).into_owned();
    let reason = text::sanitize(text_at(found, &annotation::pointer(annotation::REASON))).into_owned();
    Ok(Plan {
        verb: Verb::Rejoin,
        title: format!("let {at} rejoin"),
        context: context.name.to_string(),
        server: context.server.to_string(),
        protected: context.protected,
        count: None,
        subject: Subject {
            object: workload.meta.reference(kind),
            uid: workload.meta.uid(),
            resource_version: workload.meta.resource_version.to_string(),
        },
        made: now,
        facts: vec![("isolated by".to_owned(), format!("operation {maker}")), ("reason".to_owned(), reason)],
        warnings: Vec::new(),
        changes: vec![format!("deletes {own}"), id.recorded(workload.meta.namespace())],
        command: rejoin_command(&path, &context.name),
        undo: vec![format!("holdfast isolate {path} --reason …")],
        locks: Vec::new(),
        undoes: None,
        bundle: None,
        nodes: vec![delete(&own, uid(found))],
        id,
    })
}

/// The policy as it is now, when this console made it.
fn found<'a>(own: &ObjectAt, made: Option<&Uid>, answers: &'a Answers) -> Result<&'a serde_json::Value, No> {
    answers.rights()?;
    let nothing = "nothing has to be done".to_owned();
    let found = match answers.objects.get(own) {
        Some(Ok(Some(found))) => found,
        Some(Ok(None)) => {
            return Err(("it is not isolated: there is no policy of this console for it".into(), nothing));
        }
        Some(Err(why)) => return Err((format!("{own} could not be read: {why}"), "try again".to_owned())),
        None => return Err((format!("{own} was not read"), "try again".to_owned())),
    };
    if !ours(found) {
        let clear = "look who made it, and delete it by hand if that is right";
        return Err((format!("{own} was not made by this console"), clear.to_owned()));
    }
    if made.is_some_and(|made| uid(found) != *made) {
        let clear = "it was isolated anew meanwhile: take that back instead";
        return Err((format!("{own} is another one now"), clear.to_owned()));
    }
    Ok(found)
}

fn delete(own: &ObjectAt, uid: Uid) -> Node {
    Node::Do(Box::new(Step {
        id: StepId(STEP.into()),
        title: format!("delete {own}"),
        act: Act::Delete { target: Target::Known { at: own.clone(), uid } },
        guards: Vec::new(),
        deadline: WITHIN,
    }))
}

/// What an isolation made.
fn made(undone: &Undone) -> Option<(&ObjectAt, &Uid)> {
    match undone.progress.outputs(&StepId(STEP.into()))?.get("object")? {
        Output::Object { at, uid } => Some((at, uid)),
        Output::Text(_) => None,
    }
}

/// What has to be asked before an isolation can be taken back.
pub(in crate::plan) fn questions_of_undo(undone: &Undone) -> Questions {
    made(undone).map(|(at, _)| asks(at.clone())).unwrap_or_default()
}

/// The plan that takes an isolation back.
pub(in crate::plan) fn of_undo(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let Some((own, made)) = made(undone) else {
        let why = "it made nothing".to_owned();
        return Err(undone.refusal((why, "there is nothing to take back".to_owned())));
    };
    found(own, Some(made), answers).map_err(|no| undone.refusal(no))?;
    let back = Back {
        subject: undone.plan.subject.clone(),
        facts: Vec::new(),
        warnings: Vec::new(),
        changes: vec![format!("deletes {own}")],
        undo: vec!["isolate it again".to_owned()],
        locks: Vec::new(),
        nodes: vec![delete(own, made.clone())],
    };
    Ok(undone.back(world, back, id, now))
}
