//! Taking back what an operation did: an ordinary plan, with a review and a confirmation of its own.
//!
//! What that means is each verb's; this only sends on. An operation that has not ended is not taken back: it is
//! resumed or stopped first, so that nothing of it is still under way.

use jiff::Timestamp;

use super::{
    Answers, Lock, Node, OperationId, Plan, Progress, Questions, Refusal, StepState, Subject, Verb, backup, carry,
    isolate, rotate, swap,
};
use crate::model::{ClaimKey, Kind, Uid, World};
use crate::text;

/// What is taken back: a plan, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The plan.
    pub plan: Plan,
    /// How far it came.
    pub progress: Progress,
}

/// What is left of an operation that could be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing: its verb takes nothing back, or nothing came of it.
    Nothing,
    /// These copies, for as long as they are there.
    Copies(Vec<Uid>),
    /// Something that only a look at the cluster can tell.
    Something,
}

/// What a plan that takes something back says and does.
pub(super) struct Back {
    pub subject: Subject,
    pub facts: Vec<(String, String)>,
    pub warnings: Vec<String>,
    pub changes: Vec<String>,
    pub undo: Vec<String>,
    pub locks: Vec<Lock>,
    pub nodes: Vec<Node>,
}

impl Undone {
    /// What is left of it that could be taken back, as far as its journal tells: more rather than less.
    pub fn leaves(&self) -> Leaves {
        match self.plan.verb {
            Verb::Backup => match backup::undo::made_by(self) {
                copies if copies.is_empty() => Leaves::Nothing,
                copies => Leaves::Copies(copies),
            },
            Verb::RestoreInPlace | Verb::Import | Verb::Rotate | Verb::RotateCa | Verb::Isolate => {
                let began = |state: &StepState| *state != StepState::Waiting;
                if self.progress.steps.values().any(began) { Leaves::Something } else { Leaves::Nothing }
            }
            Verb::Restore
            | Verb::Drill
            | Verb::Undo
            | Verb::Prune
            | Verb::Hold
            | Verb::Release
            | Verb::Sweep
            | Verb::Renew
            | Verb::Rejoin => Leaves::Nothing,
        }
    }

    /// The plan that takes it back so.
    pub(super) fn back(&self, world: &World, back: Back, id: OperationId, now: Timestamp) -> Plan {
        let context = &world.context;
        let mut changes = back.changes;
        changes.extend(back.locks.iter().map(Lock::kept));
        changes.push(id.recorded(back.subject.object.namespace.as_deref().unwrap_or_default()));
        Plan {
            verb: Verb::Undo,
            title: format!("take back: {}", self.plan.title),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: back.subject,
            made: now,
            facts: std::iter::once(self.fact()).chain(back.facts).collect(),
            warnings: back.warnings,
            changes,
            command: command(self, &context.name),
            undo: back.undo,
            locks: back.locks,
            undoes: Some(self.plan.id.clone()),
            bundle: None,
            nodes: back.nodes,
            id,
        }
    }

    /// The operation for people.
    pub fn said(&self) -> String {
        format!("operation {} ({})", self.plan.id, text::sanitize(&self.plan.title))
    }

    /// Why it cannot be taken back, and what would clear it.
    pub(super) fn refusal(&self, (why, clear): (String, String)) -> Refusal {
        Refusal { verb: Verb::Undo, object: self.said(), why, clear }
    }

    /// What has to be held meanwhile: what the operation held. One from before there were locks held the claim's.
    pub(super) fn locks(&self, world: &World) -> Vec<Lock> {
        let subject = &self.plan.subject;
        let claim = || match (subject.object.kind, &subject.object.namespace) {
            (Kind::Pvc, Some(namespace)) => match world.inventory.pvcs.get(&subject.uid) {
                Some(claim) => vec![Lock::of(world, claim)],
                None => vec![Lock { namespace: namespace.to_string(), lineage: subject.uid.clone() }],
            },
            _ => Vec::new(),
        };
        if self.plan.locks.is_empty() { claim() } else { self.plan.locks.clone() }
    }

    /// What every plan that takes this back says of it, first among its facts.
    pub(super) fn fact(&self) -> (String, String) {
        ("takes back".to_owned(), self.said())
    }

    /// Refuses unless the operation has ended.
    fn ended(&self) -> Result<(), Refusal> {
        if self.progress.end.is_some() {
            return Ok(());
        }
        let clear = format!(
            "resume it to its end, or stop it: `holdfast operations stop {}` does what it still owes and no more",
            self.plan.id
        );
        Err(self.refusal(("it has not ended".to_owned(), clear)))
    }
}

/// Kinds that planning looks at.
pub(super) fn looks_at(undone: &Undone) -> &'static [Kind] {
    match undone.plan.verb {
        Verb::Backup => backup::undo::LOOKED_AT,
        Verb::RestoreInPlace => swap::LOOKED_AT,
        Verb::Rotate => rotate::LOOKED_AT,
        Verb::RotateCa => super::succession::LOOKED_AT,
        Verb::Restore
        | Verb::Import
        | Verb::Drill
        | Verb::Undo
        | Verb::Prune
        | Verb::Hold
        | Verb::Release
        | Verb::Sweep
        | Verb::Renew
        | Verb::Isolate
        | Verb::Rejoin => &[],
    }
}

/// The Secret whose servers are shaken hands with before it is planned, where there is one.
pub(super) fn served(undone: &Undone) -> Option<ClaimKey> {
    let object = &undone.plan.subject.object;
    (undone.plan.verb == Verb::Rotate).then(|| Some((object.namespace.clone()?, object.name.clone())))?
}

/// What has to be asked.
pub(super) fn questions(undone: &Undone, world: &World, known: &Answers) -> Questions {
    let own = match undone.plan.verb {
        Verb::Backup => backup::undo::questions(undone),
        Verb::RestoreInPlace => swap::undo::questions(undone, world, known),
        Verb::Import => carry::undo::questions(undone),
        Verb::Rotate => rotate::undo::questions(undone, world),
        Verb::RotateCa => super::succession::undo::questions(undone, world),
        Verb::Isolate => isolate::questions_of_undo(undone),
        Verb::Restore
        | Verb::Drill
        | Verb::Undo
        | Verb::Prune
        | Verb::Hold
        | Verb::Release
        | Verb::Sweep
        | Verb::Renew
        | Verb::Rejoin => Questions::default(),
    };
    undone.locks(world).iter().fold(own, |all, lock| all.and(lock.questions()))
}

/// The plan that takes it back.
pub(super) fn plan(
    undone: &Undone,
    world: &World,
    answers: &Answers,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    undone.ended()?;
    match undone.plan.verb {
        Verb::Backup => backup::undo::plan(undone, world, answers, id, now),
        Verb::RestoreInPlace => swap::undo::plan(undone, world, answers, &id, now),
        Verb::Import => carry::undo::plan(undone, world, answers, id, now),
        Verb::Rotate => rotate::undo::plan(undone, world, answers, id, now),
        Verb::RotateCa => super::succession::undo::plan(undone, world, answers, id, now),
        Verb::Isolate => isolate::of_undo(undone, world, answers, id, now),
        Verb::Drill => {
            let why = "a drill removes by itself what it makes";
            Err(undone.refusal((why.to_owned(), "there is nothing to take back".to_owned())))
        }
        Verb::Restore => {
            let why = "the volume that it made may be in use by now, and nothing here proves that its data may go";
            Err(undone
                .refusal((why.to_owned(), format!("who is sure does it by hand: {}", undone.plan.undo.join("; ")))))
        }
        Verb::Renew => {
            let why = "cert-manager replaces an older certificate that is put into the Secret, at once";
            Err(undone.refusal((why.to_owned(), "mend what is wrong, then renew it again".to_owned())))
        }
        Verb::Sweep => {
            let why = "what operations had made for themselves is gone, and so are former volumes that were let go";
            Err(undone.refusal((why.to_owned(), "there is nothing to bring back".to_owned())))
        }
        Verb::Prune => {
            let why = "a copy that was deleted cannot be brought back";
            Err(undone.refusal((why.to_owned(), "back the volume up anew".to_owned())))
        }
        Verb::Hold | Verb::Release | Verb::Rejoin => {
            let why = "it is taken back by its counterpart, which has a plan of its own";
            Err(undone.refusal((why.to_owned(), undone.plan.undo.join("; "))))
        }
        Verb::Undo => {
            let why = "it took another operation back, and what it removed cannot be brought back by taking it back";
            Err(undone.refusal((why.to_owned(), "do anew what is needed: back the volume up, for example".to_owned())))
        }
    }
}

/// The command that asks for the same.
pub(super) fn command(undone: &Undone, context: &str) -> String {
    command_of(&undone.plan.id, context)
}

/// The command that takes this operation back.
pub(super) fn command_of(operation: &OperationId, context: &str) -> String {
    text::command_line(&["holdfast", "operations", "undo", operation.as_str(), "--context", context])
}
