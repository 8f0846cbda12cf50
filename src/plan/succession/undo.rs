//! Taking a phase back: what its plan would have taken back itself had it failed, as a plan of its own, while nothing that
//! came later stands on it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::lock_of;
use crate::assess::succession::{Ca, Store, leaves, of, stores};
use crate::model::{Kind, World};
use crate::plan::read::{text as text_at, uid};
use crate::plan::undo::Back;
use crate::plan::{
    AccessQuestion, Act, Answers, Node, ObjectAt, OperationId, Plan, Questions, Refusal, Step, Subject, Target, Undone,
    lock,
};
use crate::text;

/// Why not, and what would clear it.
type No = (String, String);

/// The steps that take a phase back, each with the object that it changes.
fn steps(undone: &Undone) -> Vec<&Step> {
    undone.progress.ways_back(&undone.plan)
}

fn targets(undone: &Undone) -> BTreeMap<&ObjectAt, &'static str> {
    fn of(step: &Step) -> Option<(&ObjectAt, &'static str)> {
        match (&step.act, step.act.target()) {
            (Act::Delete { .. }, Some(Target::Own { at, .. })) => Some((at, "delete")),
            (_, Some(Target::Known { at, .. })) => Some((at, "patch")),
            _ => None,
        }
    }
    steps(undone).into_iter().filter_map(of).collect()
}

/// What has to be asked.
pub fn questions(undone: &Undone, world: &World) -> Questions {
    let mut questions = Questions::default();
    for (at, verb) in targets(undone) {
        let ask = |verb| AccessQuestion::new(verb, &at.resource, at.namespace.as_deref());
        questions.access.extend(["get", verb].map(ask));
        questions.objects.push(at.clone());
    }
    let namespace = undone.plan.subject.object.namespace.as_deref();
    questions.access.extend(AccessQuestion::record(namespace));
    questions.objects.push(subject(undone));
    let lock = running(undone, world).map(|(former, _)| lock_of(former).questions());
    questions.and(lock.unwrap_or_default())
}

fn subject(undone: &Undone) -> ObjectAt {
    let object = &undone.plan.subject.object;
    ObjectAt::of(object.kind, object.namespace.as_deref(), &object.name)
}

fn running<'w>(undone: &Undone, world: &'w World) -> Option<(Ca<'w>, Option<Ca<'w>>)> {
    let object = &undone.plan.subject.object;
    of(world, &(object.namespace.clone()?, object.name.clone()))?.running()
}

/// The plan.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    planned(undone, world, answers, id, now).map_err(|no| undone.refusal(no))
}

fn planned(undone: &Undone, world: &World, answers: &Answers, id: OperationId, now: Timestamp) -> Result<Plan, No> {
    if !undone.progress.taken_back(&undone.plan).is_empty() {
        let why = "what it had done was taken back when it ended".to_owned();
        return Err((why, "look at its journal: nothing is left to take back".to_owned()));
    }
    let Some((former, successor)) = running(undone, world) else {
        let why = "the former CA is gone, and everything stands on the new one";
        return Err((why.to_owned(), "rotate the new one, forward".to_owned()));
    };
    answers.rights()?;
    let warnings = lock::look(&[lock_of(former)], answers, &id, now)?;
    nothing_stands_on_it(undone, world, former, successor)?;
    let fresh = answers.object(&subject(undone))?;
    let back = Back {
        subject: Subject {
            object: former.secret.meta.reference(Kind::TlsSecret),
            uid: uid(fresh),
            resource_version: text_at(fresh, "/metadata/resourceVersion").to_owned(),
        },
        facts: Vec::new(),
        warnings,
        changes: steps(undone).iter().map(|step| step.title.clone()).collect(),
        undo: vec!["forward: holdfast rotate-ca says what comes next, and does it again".to_owned()],
        locks: vec![lock_of(former)],
        nodes: steps(undone).into_iter().map(|step| Node::Do(Box::new(step.clone()))).collect(),
    };
    Ok(undone.back(world, back, id, now))
}

/// Refuses where something that was done since needs what this did.
fn nothing_stands_on_it(undone: &Undone, world: &World, former: Ca<'_>, successor: Option<Ca<'_>>) -> Result<(), No> {
    let steps = steps(undone);
    let does = |what: fn(&Act) -> bool| steps.iter().any(|step| what(&step.act));
    if steps.is_empty() {
        let why = "it made nothing that could be taken back".to_owned();
        return Err((why, "look at its journal".to_owned()));
    }
    let Some(successor) = successor else {
        return Err(("the new CA is gone".to_owned(), "there is nothing to take back".to_owned()));
    };
    let signed = leaves(world, successor);
    if !does(|act| matches!(act, Act::Trust { add: Some(_), .. }))
        && let Some(leaf) = signed.first()
    {
        let why = format!("{} was signed by the new CA, and would lose its issuer or those who trust it", leaf.said());
        return Err((why, "go on, forward: holdfast rotate-ca".to_owned()));
    }
    if does(|act| matches!(act, Act::Delete { .. })) {
        let trusting = stores(world, former, Some(successor));
        let trusting: Vec<String> = trusting.iter().filter(|store| store.successor).map(Store::said).collect();
        if !trusting.is_empty() {
            let why = format!("the new CA is trusted already, in {}", text::list(&trusting));
            return Err((why, "take that back first, or go on".to_owned()));
        }
    }
    Ok(())
}
