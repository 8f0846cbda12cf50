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
use crate::plan::read::{text as text_at, uid};
use crate::plan::roll::{Fates, Restart, Restarted, Roll, Users};
use crate::plan::serves::Serves;
use crate::plan::{
    AccessQuestion, Act, Answers, Held, Node, ObjectAt, OperationId, Output, Plan, Questions, Refusal, Step, StepId,
    Subject, Target, Undone, Verb, lock, undo,
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
    let users = Users::of(world, &namespace, &rotated.secret.name).questions(&namespace, Restart::Needed);
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
    let users = Users::of(world, &namespace, &rotated.secret.name);
    let fates = Fates::of(&users, &rotated.secret.name, Restart::Needed, answers)?;
    let restarted: Vec<Restarted> = fates.restarted.iter().map(|(user, fresh)| Restarted::of(user, fresh)).collect();
    warnings.extend(fates.warnings);
    warnings.extend(Users::unseen(world, &namespace));
    let roll = Roll {
        moment: now.to_string(),
        former: None,
        within: ROLLED_WITHIN,
        or: "the former certificate is stored".into(),
    };
    let key: ClaimKey = (namespace.as_str().into(), rotated.secret.name.as_str().into());
    let former = Value::from(kept.fingerprint.as_str());
    let serves = Serves::of(world, &key, &former, users.all_anew(&restarted), SERVED_WITHIN, now);
    warnings.extend(serves.warnings);
    let restarts = restarted.iter().enumerate().flat_map(|(place, one)| roll.steps(place + 1, one));
    let pins = pinned(undone).into_iter();
    let pins = pins.map(|(at, own)| Bundles::holding(at.clone(), own, &rotated.given, answers));
    let pins = pins.collect::<Result<Vec<_>, No>>()?;
    let pin = |(place, pin): (usize, &Bundles)| {
        let trusted = Some(kept.clone().into());
        pin.change(format!("pin-{}", place + 1), "add the former certificate to", trusted, None)
    };
    let unpin = |(place, pin): (usize, &Bundles)| {
        let given = Some(rotated.given.as_str().into());
        pin.change(format!("unpin-{}", place + 1), "take the certificate that is taken back out of", None, given)
    };
    // What is kept stays whatever comes after: it may be the only copy of what was there.
    let steps = [
        keep(&id, &secret, &aside),
        store(&secret, known(&kept), kept.fingerprint.as_str().into()),
        stored(&secret, kept.fingerprint.as_str().into()),
    ];
    let pinned_first = pins.iter().enumerate().map(pin).collect::<Vec<_>>().into_iter();
    let unpinned = pins.iter().enumerate().map(unpin).collect::<Vec<_>>();
    let steps = pinned_first.chain(steps).chain(restarts).chain(serves.steps).chain(unpinned);
    let nodes = steps.map(|step| Node::Do(Box::new(step))).collect();
    let mut facts = vec![undone.fact()];
    facts.push(("present fingerprint".to_owned(), secret.fingerprint.clone()));
    facts.push(("former fingerprint".to_owned(), kept.fingerprint.clone()));
    facts.push(("former until".to_owned(), text_at_certificate(answers.object(&rotated.kept)?, "notAfter")));
    facts.extend(fates.facts);
    facts.extend(serves.facts);
    let context = &world.context;
    let mut changes = vec![
        format!("writes what {} holds now into {aside}, which stays", secret.at),
        format!("gives {} the certificate and key of {} in one write", secret.at, kept.at),
    ];
    changes.extend(restarted.iter().map(Restarted::change));
    changes.extend(locks.iter().map(lock::Lock::kept));
    changes.push(id.recorded(&namespace));
    Ok(Plan {
        verb: Verb::Undo,
        title: format!("take back: {}", undone.plan.title),
        context: context.name.to_string(),
        server: context.server.to_string(),
        protected: context.protected,
        count: None,
        subject: Subject {
            resource_version: text_at(present, "/metadata/resourceVersion").to_owned(),
            ..undone.plan.subject.clone()
        },
        made: now,
        facts,
        warnings,
        changes,
        command: undo::command(undone, &context.name),
        undo: vec![format!("{aside} keeps what is taken back: rotate again, or give it back by hand")],
        locks,
        undoes: Some(undone.plan.id.clone()),
        bundle: None,
        nodes,
        id,
    })
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
