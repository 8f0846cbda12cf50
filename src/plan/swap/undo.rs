//! Taking an in-place restore back once it is done: the same verb, with the volume that it kept.
//!
//! That is a plan of its own with its own review. Like every in-place restore it first keeps what is there, so that
//! nothing which was written in between is lost.

use jiff::Timestamp;

use super::form::command;
use super::members::{Given, Member};
use super::steps::{self, CLAIM, HOLD, Swap, UNKEEP};
use super::{From, Options, asked, together};
use crate::model::{Pvc, World};
use crate::plan::{
    Act, Answers, Expect, ObjectAt, OperationId, Plan, Questions, Refusal, Step, StepId, Target, Undone, Verb,
    undo as taking,
};

/// How the restore is taken back, in sentences.
pub(super) fn taking_back(swap: &Swap, options: &Options, claim: &Pvc, context: &str, id: &OperationId) -> Vec<String> {
    let (how, volumes) = match &swap.parts[..] {
        [part] => {
            let undo = Options {
                from: Some(From::Volume(part.volume.name.clone())),
                reason: None,
                accept_image_change: false,
                ..options.clone()
            };
            (command(&undo, claim, context), "the live volume")
        }
        _ => (taking::command_of(id, context), "the live volumes"),
    };
    let mut said = vec![
        "while it runs: stop it, and what was done is taken back".to_owned(),
        format!("afterwards: {how}"),
        format!(
            "that stops the application again and first keeps what is there then; what was written after the restore \
             leaves {volumes} with it"
        ),
    ];
    said.extend(swap.parts.iter().map(|part| {
        format!("if volume {} should be lost, its data of the moment before is in {}", part.volume.name, part.safety)
    }));
    said
}

/// The claim that was asked for, and all claims as they are now, each with the volume that the restore kept of it.
fn kept<'w>(undone: &Undone, world: &'w World) -> Result<(&'w Pvc, Vec<Member<'w>>), (String, String)> {
    if !steps::settled(undone.plan.steps(), &undone.progress) {
        let why = "what it had done was taken back when it ended".to_owned();
        return Err((why, "look at its journal: nothing is left to take back".to_owned()));
    }
    let there = |at: &ObjectAt| {
        let found = world.claim(&(at.namespace.as_deref().unwrap_or_default().into(), at.name.as_str().into()));
        let clear = || "restore from the safety snapshot to a new claim".to_owned();
        found.ok_or_else(|| (format!("{at} is gone"), clear()))
    };
    let mut members = Vec::new();
    for (made, number) in undone.plan.steps().into_iter().filter_map(made) {
        let Some(Act::Patch { target: Target::Known { at, .. }, .. }) = act(undone, HOLD, number) else {
            return Err(("it kept no volume".to_owned(), "restore from the safety snapshot instead".to_owned()));
        };
        let given = Some(Given::Volume(at.name.clone()));
        members.push(Member { claim: there(made)?, given, reclaim: reclaim(undone, number) });
    }
    let subject = &undone.plan.subject.object;
    let of_subject = |member: &&Member| member.claim.meta.name == subject.name;
    match members.iter().find(of_subject).map(|member| member.claim) {
        Some(claim) => Ok((claim, members)),
        None => Err((format!("{subject} is gone"), "restore from the safety snapshot to a new claim".to_owned())),
    }
}

/// The claim that a step made for the other volume, and its number.
fn made(step: &Step) -> Option<(&ObjectAt, Option<usize>)> {
    let (CLAIM, number) = steps::role(&step.id) else { return None };
    match &step.act {
        Act::Create { at, .. } => Some((at, number)),
        _ => None,
    }
}

fn act<'u>(undone: &'u Undone, role: &str, number: Option<usize>) -> Option<&'u Act> {
    let id = number.map_or_else(|| role.to_owned(), |number| format!("{role}-{number}"));
    undone.plan.step(&StepId(id)).map(|step| &step.act)
}

/// The reclaim policy that the volume had before the restore.
fn reclaim(undone: &Undone, number: Option<usize>) -> Option<String> {
    let Act::Patch { done, .. } = act(undone, UNKEEP, number)? else { return None };
    match &done.first()?.expect {
        Expect::Is(policy) => policy.as_str().map(str::to_owned),
        _ => None,
    }
}

/// What has to be asked before an in-place restore can be taken back.
pub(in crate::plan) fn questions(undone: &Undone, world: &World, known: &Answers) -> Questions {
    kept(undone, world).map(|(_, members)| asked(world, &members, known)).unwrap_or_default()
}

/// The plan that takes an in-place restore back.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub(in crate::plan) fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: &OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let (claim, members) = kept(undone, world).map_err(|why| undone.refusal(why))?;
    let plan = together(world, claim, &members, answers, &Options::default(), id, now);
    let mut plan = plan.map_err(|refusal| undone.refusal((refusal.why, refusal.clear)))?;
    plan.facts.insert(0, undone.fact());
    plan.command = taking::command(undone, &world.context.name);
    Ok(Plan { verb: Verb::Undo, undoes: Some(undone.plan.id.clone()), ..plan })
}
