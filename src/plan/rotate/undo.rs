//! Taking a rotation back: the Secret is given what was kept of it, and what it holds now is kept first. Only while it
//! still holds what the rotation gave it: what somebody else put there since is not undone.

use jiff::Timestamp;
use serde_json::Value;

use super::case::sibling;
use super::steps::{keep, known, store, stored};
use super::{ROLLED_WITHIN, SERVED_WITHIN};
use crate::model::{ClaimKey, Uid, World};
use crate::plan::content::certificate;
use crate::plan::pins::{self, Bundles};
use crate::plan::reach::Reach;
use crate::plan::read::{text as text_at, uid};
use crate::plan::roll::{Cause, Restart, Roll};
use crate::plan::undo::Back;
use crate::plan::{
    AccessQuestion, Act, Answers, Held, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal, Step, StepId,
    Subject, Target, Undone, lock,
};
use crate::text;

/// Why not, and what would clear it.
type No = (String, String);

/// What the rotation did.
struct Rotated {
    secret: ObjectAt,
    /// The fingerprint that it gave the Secret.
    given: String,
    /// Where it kept the former certificate.
    kept: ObjectAt,
}

impl Rotated {
    fn of(undone: &Undone) -> Result<Self, No> {
        if !undone.progress.taken_back(&undone.plan).is_empty() {
            let why = "what it had done was taken back when it ended".to_owned();
            return Err((why, "look at its journal: nothing is left to take back".to_owned()));
        }
        let output = |step: &str, slot: &str| undone.progress.outputs(&StepId(step.to_owned()))?.get(slot).cloned();
        let Some(Output::Object { at: kept, .. }) = output("keep", "object") else {
            let why = "nothing was kept that it could go back to: the key was known to others, or it never came so far";
            return Err((why.to_owned(), "rotate it again, forward".to_owned()));
        };
        let Some(Output::Text(given)) = output("stored", "fingerprint") else {
            let why = "it never gave the Secret another certificate";
            return Err((why.to_owned(), "there is nothing to take back".to_owned()));
        };
        let object = &undone.plan.subject.object;
        let secret = ObjectAt::of(object.kind, object.namespace.as_deref(), &object.name);
        Ok(Self { secret, given, kept })
    }
}

/// What has to be asked.
pub fn questions(undone: &Undone, world: &World) -> Questions {
    let Ok(rotated) = Rotated::of(undone) else { return Questions::default() };
    let namespace = rotated.secret.namespace.clone().unwrap_or_default();
    let ask = |verb| AccessQuestion::new(verb, &rotated.secret.resource, Some(&namespace));
    let mut access: Vec<AccessQuestion> = ["get", "create", "patch"].map(ask).into();
    access.extend(AccessQuestion::record(Some(&namespace)));
    let users =
        Reach::questions(world, &(namespace.as_str().into(), rotated.secret.name.as_str().into()), Restart::Needed);
    let own = Questions { objects: vec![rotated.secret.clone(), rotated.kept], access, lists: Vec::new() }.and(users);
    pinned(undone).into_iter().fold(own, |all, (at, _)| all.and(pins::questions(at.clone())))
}

/// Where the certificate was pinned when it was rotated.
fn pinned(undone: &Undone) -> Vec<(&ObjectAt, &Uid)> {
    let of = |step: &&Step| step.id.0.starts_with("pin-") && !undone.plan.takes_back(&step.id);
    let steps = undone.plan.steps().into_iter().filter(of);
    steps
        .filter_map(|step| match &step.act {
            Act::Trust { target: Target::Known { at, uid }, .. } => Some((at, uid)),
            _ => None,
        })
        .collect()
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
    let rotated = Rotated::of(undone)?;
    answers.rights()?;
    let locks = undone.locks(world);
    let mut warnings = lock::look(&locks, answers, &id, now)?;
    let present = answers.object(&rotated.secret)?;
    let kept = answers.object(&rotated.kept)?;
    still_given(&rotated, undone, present)?;
    good(&rotated, kept, now)?;
    let secret = held(&rotated.secret, present);
    let kept = held(&rotated.kept, kept);
    let aside = sibling(&rotated.secret, "kept", &id);
    let namespace = rotated.secret.namespace.clone().unwrap_or_default();
    let key: ClaimKey = (namespace.as_str().into(), rotated.secret.name.as_str().into());
    let former = Value::from(kept.fingerprint.as_str());
    let reach = Reach::of(world, &key, &former, (Restart::Needed, SERVED_WITHIN), answers, now)?;
    warnings.extend(reach.warnings.iter().cloned());
    let pins = pinned(undone).into_iter();
    let pins = pins.map(|(at, own)| Bundles::holding(at.clone(), own, &rotated.given, answers));
    let pins = pins.collect::<Result<Vec<_>, No>>()?;
    let facts = [
        ("present fingerprint", secret.fingerprint.clone()),
        ("former fingerprint", kept.fingerprint.clone()),
        ("former until", text_at_certificate(answers.object(&rotated.kept)?, "notAfter")),
    ];
    let changes = [
        format!("writes what {} holds now into {aside}, which stays", secret.at),
        format!("gives {} the certificate and key of {} in one write", secret.at, kept.at),
    ];
    let subject = Subject {
        resource_version: text_at(present, "/metadata/resourceVersion").to_owned(),
        ..undone.plan.subject.clone()
    };
    let back = Back {
        subject,
        facts: facts.map(|(label, said)| (label.to_owned(), said)).into_iter().chain(reach.facts.clone()).collect(),
        warnings,
        changes: changes.into_iter().chain(reach.changes()).collect(),
        undo: vec![format!("{aside} keeps what is taken back: rotate again, or give it back by hand")],
        locks,
        nodes: Way { secret, kept, aside, given: &rotated.given, pins, reach }.nodes(&id, now),
    };
    Ok(undone.back(world, back, id, now))
}

/// The way back.
struct Way<'a> {
    secret: Held,
    kept: Held,
    /// Where what is there now is kept.
    aside: ObjectAt,
    /// The fingerprint of what the rotation gave it.
    given: &'a str,
    /// Where that is pinned.
    pins: Vec<Bundles>,
    reach: Reach,
}

impl Way<'_> {
    fn nodes(&self, id: &OperationId, now: Timestamp) -> Vec<Node> {
        let former: Value = self.kept.fingerprint.as_str().into();
        let roll = Roll {
            moment: now.to_string(),
            cause: Cause::Anew,
            within: ROLLED_WITHIN,
            or: "the former certificate is stored".into(),
        };
        let mut steps: Vec<Step> = self.pins.iter().enumerate().map(|(place, pin)| self.pin(place + 1, pin)).collect();
        // What is kept stays whatever comes after: it may be the only copy of what was there.
        steps.push(keep(id, &self.secret, &self.aside));
        steps.push(store(&self.secret, known(&self.kept), former.clone()));
        steps.push(stored(&self.secret, former));
        steps.extend(self.reach.restarts(&roll));
        steps.extend(self.reach.served.iter().cloned());
        let pins = self.pins.iter().enumerate().filter(|_| self.reach.proven);
        steps.extend(pins.map(|(place, pin)| self.unpin(place + 1, pin)));
        steps.into_iter().map(|step| Node::Do(Box::new(step))).collect()
    }

    fn pin(&self, number: usize, pin: &Bundles) -> Step {
        let former = Some(self.kept.clone().into());
        pin.change(format!("pin-{number}"), "add the former certificate to", former, None)
    }

    fn unpin(&self, number: usize, pin: &Bundles) -> Step {
        let title = "take the certificate that is taken back out of";
        pin.change(format!("unpin-{number}"), title, None, Some(self.given.into()))
    }
}

fn held(at: &ObjectAt, object: &Value) -> Held {
    Held { at: at.clone(), uid: uid(object), fingerprint: text_at_certificate(object, "fingerprint") }
}

fn text_at_certificate(object: &Value, field: &str) -> String {
    text::sanitize(text_at(object, &certificate(field))).into_owned()
}

/// Whether the Secret still holds what the rotation gave it.
fn still_given(rotated: &Rotated, undone: &Undone, present: &Value) -> Result<(), No> {
    if uid(present) != undone.plan.subject.uid {
        let clear = "look at the new one; what was kept can be put there by hand";
        return Err((format!("{} was made anew since", rotated.secret), clear.to_owned()));
    }
    let now = text_at_certificate(present, "fingerprint");
    if now != rotated.given {
        let clear = "who put it there has to take that back first; nothing here undoes it";
        let why = format!("{} was given another certificate since ({now})", rotated.secret);
        return Err((why, clear.to_owned()));
    }
    Ok(())
}

/// Whether what was kept is still of use.
fn good(rotated: &Rotated, kept: &Value, now: Timestamp) -> Result<(), No> {
    let clear = || "go forward instead: rotate it again".to_owned();
    let end: Option<Timestamp> = text_at(kept, &certificate("notAfter")).parse().ok();
    match end {
        None => Err((format!("the certificate in {} cannot be read", rotated.kept), clear())),
        Some(end) if end <= now => Err((format!("the former certificate expired at {end}"), clear())),
        Some(_) if kept.pointer(&certificate("keyMatches")) != Some(&Value::Bool(true)) => {
            Err((format!("the key in {} does not belong to its certificate", rotated.kept), clear()))
        }
        Some(_) => Ok(()),
    }
}
