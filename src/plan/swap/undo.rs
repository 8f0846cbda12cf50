//! Taking an in-place restore back once it is done: the same verb, with the volume that it kept.
//!
//! That is a plan of its own with its own review. Like every in-place restore it first keeps what is there, so that
//! nothing which was written in between is lost.

use jiff::Timestamp;

use super::form::command;
use super::steps::{SWAPPED, Swap};
use super::{From, Options, plan as swap_plan, questions as swap_questions};
use crate::model::{Pvc, World};
use crate::plan::{
    Act, Answers, Expect, OperationId, Plan, Questions, Refusal, StepId, Target, Undone, Verb, undo as taking,
};

/// How the restore is taken back, in sentences.
pub(super) fn taking_back(swap: &Swap, options: &Options, claim: &Pvc, context: &str) -> Vec<String> {
    let undo = Options {
        from: Some(From::Volume(swap.volume.name.clone())),
        reason: None,
        accept_image_change: false,
        ..options.clone()
    };
    vec![
        "while it runs: stop it, and what was done is taken back".to_owned(),
        format!("afterwards: {}", command(&undo, claim, context)),
        "that stops the application again and first keeps what is there then; what was written after the restore leaves \
         the live volume with it"
            .to_owned(),
        format!(
            "if volume {} should be lost, its data of the moment before is in {}",
            swap.volume.name, swap.safety
        ),
    ]
}

/// The claim of the volume as it is now, and the volume that the restore kept.
fn kept<'w>(undone: &Undone, world: &'w World) -> Result<(&'w Pvc, Options), (String, String)> {
    // From then on nothing was taken back, whatever failed later.
    if undone.progress.outputs(&StepId(SWAPPED.into())).is_none() {
        let why = "what it had done was taken back when it ended".to_owned();
        return Err((why, "look at its journal: nothing is left to take back".to_owned()));
    }
    let hold = undone.plan.step(&StepId("hold".into())).map(|step| &step.act);
    let Some(Act::Patch { target: Target::Known { at, .. }, .. }) = hold else {
        return Err(("it kept no volume".to_owned(), "restore from the safety snapshot instead".to_owned()));
    };
    let subject = &undone.plan.subject.object;
    let claim = subject.namespace.clone().and_then(|namespace| world.claim(&(namespace, subject.name.clone())));
    match claim {
        Some(claim) => {
            let from = Some(From::Volume(at.name.clone()));
            Ok((claim, Options { from, reclaim: reclaim(undone), ..Options::default() }))
        }
        None => Err((format!("{subject} is gone"), "restore from the safety snapshot to a new claim".to_owned())),
    }
}

/// The reclaim policy that the volume had before the restore.
fn reclaim(undone: &Undone) -> Option<String> {
    let Act::Patch { done, .. } = &undone.plan.step(&StepId("unkeep-old".into()))?.act else { return None };
    match &done.first()?.expect {
        Expect::Is(policy) => policy.as_str().map(str::to_owned),
        _ => None,
    }
}

/// What has to be asked before an in-place restore can be taken back.
pub(in crate::plan) fn questions(undone: &Undone, world: &World, known: &Answers) -> Questions {
    kept(undone, world).map(|(claim, options)| swap_questions(world, claim, &options, known)).unwrap_or_default()
}

/// The plan that takes an in-place restore back.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub(in crate::plan) fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let (claim, options) = kept(undone, world).map_err(|why| undone.refusal(why))?;
    let plan = swap_plan(world, &claim.meta.uid(), answers, &options, id, now);
    let mut plan = plan.map_err(|refusal| undone.refusal((refusal.why, refusal.clear)))?;
    plan.facts.insert(0, undone.fact());
    plan.command = taking::command(undone, &world.context.name);
    Ok(Plan { verb: Verb::Undo, undoes: Some(undone.plan.id.clone()), ..plan })
}
