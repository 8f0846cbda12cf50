//! One CA rotation as it is seen now, and what every plan of it has in common.

use jiff::Timestamp;
use serde_json::Value;

use super::{Options, command, drop, lock_of, make, notes, place, running, switch, trust};
use crate::assess::succession::{Ca, Phase, Sights, look};
use crate::model::{Kind, Uid, World};
use crate::plan::content::holds;
use crate::plan::read::{text as text_at, uid};
use crate::plan::{
    Answers, CERTIFICATE, Guard, Held, Node, ObjectAt, OperationId, Plan, Refusal, Subject, Target, Verb, lock,
};
use crate::text;

/// Why not, and what would clear it.
pub(super) type No = (String, String);

/// Everything that a plan is made of.
pub(super) struct Case<'a> {
    pub world: &'a World,
    pub sights: Sights<'a>,
    pub answers: &'a Answers,
    pub options: &'a Options,
    pub id: &'a OperationId,
    pub now: Timestamp,
    fresh: &'a Value,
    warnings: Vec<String>,
}

/// What a phase has to say and to do.
#[derive(Default)]
pub(super) struct Draft {
    pub title: String,
    pub facts: Vec<(String, String)>,
    pub warnings: Vec<String>,
    pub changes: Vec<String>,
    pub undo: Vec<String>,
    pub nodes: Vec<Node>,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        secret: &Uid,
        answers: &'a Answers,
        options: &'a Options,
        (id, now): (&'a OperationId, Timestamp),
    ) -> Result<Self, Refusal> {
        let Some((former, successor)) = running(world, secret, options.again) else {
            let (object, why) = ("a CA".to_owned(), "there is no CA in its Secret, or it is gone".to_owned());
            return Err(Refusal { verb: Verb::RotateCa, object, why, clear: "pick a Secret that holds a CA".into() });
        };
        let refused = |(why, clear)| refusal(former, why, clear);
        answers.rights().map_err(refused)?;
        let warnings = lock::look(&[lock_of(former)], answers, id, now).map_err(refused)?;
        let fresh = as_seen(former, answers).map_err(refused)?;
        if let Some(successor) = successor {
            as_seen(successor, answers).map_err(refused)?;
        }
        let sights = look(world, former, successor, now)
            .map_err(|why| refused((why, "wait until it is seen, or ask for the right to".to_owned())))?;
        Ok(Self { world, sights, answers, options, id, now, fresh, warnings })
    }

    /// The plan of the phase.
    pub fn plan(self) -> Result<Plan, Refusal> {
        let id = self.id.clone();
        let former = self.sights.former;
        let draft = self.open().and_then(|()| self.draft());
        let draft = draft.map_err(|(why, clear)| refusal(former, why, clear))?;
        let context = &self.world.context;
        let reference = former.secret.meta.reference(Kind::TlsSecret);
        let mut facts = self.facts();
        facts.extend(draft.facts);
        let mut changes = draft.changes;
        changes.extend([lock_of(former).kept(), id.recorded(former.secret.meta.namespace())]);
        Ok(Plan {
            verb: Verb::RotateCa,
            title: draft.title,
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            command: command(self.options, &reference.path(), &context.name),
            subject: Subject {
                object: reference,
                uid: former.secret.meta.uid(),
                resource_version: text_at(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: self.now,
            facts,
            warnings: draft.warnings.into_iter().chain(self.warnings).collect(),
            changes,
            undo: draft.undo,
            locks: vec![lock_of(former)],
            undoes: None,
            bundle: None,
            nodes: draft.nodes,
            id,
        })
    }

    fn draft(&self) -> Result<Draft, No> {
        match self.options.phase {
            Phase::Make => make::draft(self),
            Phase::Trust => trust::draft(self),
            Phase::Stores | Phase::Outside => notes::attest(self),
            Phase::Switch => switch::draft(self),
            Phase::Prove => notes::prove(self),
            Phase::Drop => drop::draft(self),
            Phase::Retire => drop::retire(self),
            Phase::Start | Phase::Reissue | Phase::Soak => Err((
                format!("the phase \"{}\" has no plan of its own", self.options.phase.word()),
                "ask what comes next: holdfast rotate-ca".to_owned(),
            )),
        }
    }

    /// Refuses while a gate before this phase is not passed.
    fn open(&self) -> Result<(), No> {
        let phase = self.options.phase;
        let gates = self.sights.gates();
        let earlier = gates.iter().find(|gate| !gate.passed && gate.phase < phase && !may_wait(gate.phase, phase));
        if let Some(gate) = earlier {
            let left = text::list(&gate.left);
            let why = format!(
                "it is not so yet that {}{}",
                gate.phase.says(),
                if left.is_empty() { left } else { format!(": {left}") }
            );
            return Err((why, "ask what comes next: holdfast rotate-ca".to_owned()));
        }
        let passed = gates.iter().any(|gate| gate.phase == phase && gate.passed);
        if passed && phase != Phase::Trust {
            return Err((
                format!("it is so already that {}", phase.says()),
                "ask what comes next: holdfast rotate-ca".to_owned(),
            ));
        }
        Ok(())
    }

    fn facts(&self) -> Vec<(String, String)> {
        let said = |ca: Ca<'_>| {
            let subject = text::sanitize(&ca.facts.subject).into_owned();
            format!("{} in {}, until {}", subject, place(ca), ca.facts.not_after)
        };
        let mut facts = vec![("former CA".to_owned(), said(self.sights.former))];
        facts.extend(self.sights.successor.map(|ca| ("new CA".to_owned(), said(ca))));
        facts.push(("phase".to_owned(), self.options.phase.says().to_owned()));
        facts.extend(
            self.options
                .reason
                .iter()
                .flat_map(|reason| reason.lines())
                .map(|line| ("reason".to_owned(), line.to_owned())),
        );
        facts
    }

    /// The CA that takes the former one's place.
    pub fn successor(&self) -> Result<Ca<'a>, No> {
        self.sights.successor.ok_or_else(|| ("there is no new CA yet".to_owned(), "make it first".to_owned()))
    }

    /// A fresh object, when it is the one that was seen.
    pub fn fresh(&self, at: &ObjectAt, own: &Uid) -> Result<&'a Value, No> {
        let fresh = self.answers.object(at)?;
        if uid(fresh) != *own {
            return Err((format!("{at} was made anew meanwhile"), "try again".to_owned()));
        }
        Ok(fresh)
    }
}

/// Whether a phase may come although this gate before it is not passed. What somebody answers for is not checked by what
/// is seen, so it may be answered early.
fn may_wait(gate: Phase, phase: Phase) -> bool {
    match phase {
        Phase::Outside => gate > Phase::Make,
        Phase::Stores => gate == Phase::Trust,
        _ => false,
    }
}

fn refusal(former: Ca<'_>, why: String, clear: String) -> Refusal {
    Refusal { verb: Verb::RotateCa, object: place(former).to_string(), why, clear }
}

/// The Secret of a CA, when it still holds the one that is seen.
fn as_seen<'a>(ca: Ca<'_>, answers: &'a Answers) -> Result<&'a Value, No> {
    let at = place(ca);
    let fresh = answers.object(&at)?;
    let same = uid(fresh) == ca.secret.meta.uid()
        && text_at(fresh, &format!("{CERTIFICATE}fingerprint")) == &*ca.facts.fingerprint;
    if !same {
        return Err((format!("{at} was changed just now"), "wait a moment, then try again".to_owned()));
    }
    Ok(fresh)
}

/// A CA as it is named in acts.
pub(super) fn held(ca: Ca<'_>) -> Held {
    Held { at: place(ca), uid: ca.secret.meta.uid(), fingerprint: ca.facts.fingerprint.to_string() }
}

/// The Secret of a CA as a target.
pub(super) fn known(ca: Ca<'_>) -> Target {
    Target::Known { at: place(ca), uid: ca.secret.meta.uid() }
}

/// That the Secret of a CA still holds it.
pub(super) fn still(ca: Ca<'_>) -> Guard {
    Guard {
        at: place(ca),
        uid: ca.secret.meta.uid(),
        checks: vec![holds(&*ca.facts.fingerprint)],
        or: "another CA was stored in it meanwhile; look at it, then plan again".to_owned(),
    }
}
