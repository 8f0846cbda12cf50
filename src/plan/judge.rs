//! Whether a step took place, decided from what was read. The same for a first run, a lost answer and a resume.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Act, Check, Expect, Follow, Guard, ObjectAt, OperationId, Output, Outputs, Progress, Target, Until};
use crate::model::{Uid, annotation};

/// Objects as they were read just now; `None` means that the server said there is none.
pub type Observed = BTreeMap<ObjectAt, Option<Value>>;

/// What can be said of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It has not taken place.
    NotDone,
    /// It has begun, or waits: for what, and what is wrong meanwhile.
    Pending(String),
    /// It took place, and made this.
    Done(Outputs),
    /// Something else stands in its way; trying again will not help.
    Conflict(String),
    /// Not known; only looking again can tell.
    Unknown(String),
}

/// The object a target stands for. `None` when the step that makes it has not.
pub fn resolve(target: &Target, progress: &Progress) -> Option<(ObjectAt, Uid)> {
    match target {
        Target::Known { at, uid } => Some((at.clone(), uid.clone())),
        // Which one it is shows when it is read.
        Target::Own { .. } => None,
        Target::Output { step, slot } => match progress.outputs(step)?.get(slot)? {
            Output::Object { at, uid } => Some((at.clone(), uid.clone())),
            Output::Text(_) => None,
        },
    }
}

/// The next object to read before [`judge`] can say more. Ask again with what was read, until `None`.
pub fn next_read(act: &Act, progress: &Progress, observed: &Observed) -> Option<ObjectAt> {
    let first = match act {
        Act::Create { at, .. } | Act::Delete { target: Target::Own { at, .. } } => at.clone(),
        Act::Patch { target, .. } | Act::Delete { target } | Act::Scale { target, .. } | Act::Wait { target, .. } => {
            resolve(target, progress)?.0
        }
        Act::Exec { run, .. } | Act::Open { run, .. } => resolve(&run.pod, progress)?.0,
        Act::Say { .. } => return None,
    };
    let Some(read) = observed.get(&first) else { return Some(first) };
    let Act::Wait { until, .. } = act else { return None };
    let follow = until.follow.as_ref()?;
    let second = follow.object(read.as_ref()?)?;
    (!observed.contains_key(&second)).then_some(second)
}

/// Says what became of a step. Of what runs in containers only this much can be said: whether it may run again. A
/// session that is held now is its holder's to judge; here it counts as gone.
pub fn judge(act: &Act, operation: &OperationId, progress: &Progress, observed: &Observed) -> Seen {
    match act {
        Act::Create { at, .. } => judge_create(at, operation, observed),
        Act::Patch { target, done, .. } => {
            judge_target(target, progress, observed, |object, at, uid| match first_unmet(done, object, None) {
                None => Seen::Done(outputs_object(at, uid)),
                Some(_) => Seen::NotDone,
            })
        }
        Act::Scale { target, replicas } => judge_target(target, progress, observed, |object, at, uid| {
            let now = object.pointer("/spec/replicas").and_then(Value::as_u64);
            if now == Some(u64::from(*replicas)) { Seen::Done(outputs_object(at, uid)) } else { Seen::NotDone }
        }),
        Act::Delete { target } => judge_delete(target, progress, observed),
        Act::Exec { run, repeat, .. } => judge_target(&run.pod, progress, observed, |_, _, _| match repeat {
            true => Seen::NotDone,
            false => Seen::Conflict("outcome unknown: what it did cannot be seen, and it must not run twice".into()),
        }),
        Act::Open { run, .. } => judge_target(&run.pod, progress, observed, |_, _, _| {
            Seen::Conflict("outcome unknown: a session ends with the console that holds it".into())
        }),
        Act::Say { end: true, .. } => Seen::Done(Outputs::new()),
        Act::Say { end: false, .. } => Seen::Conflict("the session is gone, and what it held with it".into()),
        Act::Wait { target, until } => {
            judge_target(target, progress, observed, |object, _, _| judge_until(until, object, observed))
        }
    }
}

fn judge_create(at: &ObjectAt, operation: &OperationId, observed: &Observed) -> Seen {
    match observed.get(at) {
        None => Seen::Unknown(format!("{at} was not read")),
        Some(None) => Seen::NotDone,
        Some(Some(object)) => {
            if !made_by(object, operation) {
                return Seen::Conflict(format!("{at} exists and was not made by this operation"));
            }
            match uid_of(object) {
                Some(uid) => Seen::Done(outputs_object(at, &uid)),
                None => Seen::Unknown(format!("{at} carries no UID")),
            }
        }
    }
}

/// Whether an object carries the mark of an operation.
pub fn made_by(object: &Value, operation: &OperationId) -> bool {
    let maker = object.pointer(&annotation::pointer(annotation::OPERATION));
    maker.and_then(Value::as_str) == Some(operation.as_str())
}

/// What keeps an object from being deleted that a [`Target::Own`] stands for; `None` when nothing does.
pub fn kept(object: &Value, checks: &[Check]) -> Option<String> {
    let unmet = first_unmet(checks, object, None)?;
    Some(format!("{} is not as it was made, so it is left as it is; look at it before deleting it", unmet.field))
}

fn judge_delete(target: &Target, progress: &Progress, observed: &Observed) -> Seen {
    let at = match target {
        Target::Own { at, .. } => Some(at.clone()),
        Target::Known { .. } | Target::Output { .. } => resolve(target, progress).map(|(at, _)| at),
    };
    let Some(at) = at else { return missing_target() };
    let ours = |object: &Value| match target {
        Target::Own { operation, .. } => made_by(object, operation),
        Target::Known { .. } | Target::Output { .. } => {
            resolve(target, progress).is_some_and(|(_, uid)| uid_of(object) == Some(uid))
        }
    };
    match observed.get(&at) {
        None => Seen::Unknown(format!("{at} was not read")),
        Some(None) => Seen::Done(Outputs::new()),
        Some(Some(object)) if !ours(object) => Seen::Done(Outputs::new()),
        Some(Some(object)) if object.pointer("/metadata/deletionTimestamp").is_some() => {
            let finalizers = object.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
            Seen::Pending(format!("{at} waits for its finalizers {finalizers}"))
        }
        Some(Some(_)) => Seen::NotDone,
    }
}

fn judge_target(
    target: &Target,
    progress: &Progress,
    observed: &Observed,
    judge: impl FnOnce(&Value, &ObjectAt, &Uid) -> Seen,
) -> Seen {
    let Some((at, uid)) = resolve(target, progress) else { return missing_target() };
    match observed.get(&at) {
        None => Seen::Unknown(format!("{at} was not read")),
        Some(None) => Seen::Conflict(format!("{at} is gone")),
        Some(Some(object)) if uid_of(object).as_ref() != Some(&uid) => {
            Seen::Conflict(format!("{at} is another object now: its UID is not {uid}"))
        }
        Some(Some(object)) => judge(object, &at, &uid),
    }
}

fn missing_target() -> Seen {
    Seen::Unknown("the step that makes its target has not run".into())
}

fn judge_until(until: &Until, object: &Value, observed: &Observed) -> Seen {
    if let Some(broken) = until.firm.iter().find(|firm| !met(&firm.check, object, None)) {
        return Seen::Conflict(match trouble(&until.trouble, object) {
            Some(trouble) => format!("{}: {trouble}", broken.or),
            None => broken.or.clone(),
        });
    }
    let mut outputs = texts(&until.outputs, object);
    if first_unmet(&until.checks, object, None).is_some() {
        return Seen::Pending(waiting(
            until,
            trouble(&until.trouble, object).or_else(|| {
                let second = until.follow.as_ref().and_then(|follow| follow.read(object, observed));
                second.and_then(|second| trouble(&until.follow.as_ref()?.trouble, second))
            }),
        ));
    }
    if let Some(follow) = &until.follow {
        let Some(second) = follow.read(object, observed) else { return Seen::Pending(waiting(until, None)) };
        if let Some(check) = first_unmet(&follow.checks, second, uid_of(object).as_ref()) {
            if check.expect == Expect::UidOfOrigin && second.pointer(&check.field).is_some() {
                let name = second.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
                return Seen::Conflict(format!("{} {name} points at another object", follow.resource.kind));
            }
            return Seen::Pending(waiting(until, trouble(&follow.trouble, second)));
        }
        outputs.extend(texts(&follow.outputs, second));
    }
    Seen::Done(outputs)
}

/// What the latest warning event about an object says: its reason and message. Events of other objects do not count.
pub fn told_by_events(events: &[Value], uid: &Uid) -> Option<String> {
    let text = |event: &Value, field: &str| event.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    // New-style events leave the old fields empty. All are written alike, so that texts sort as times.
    let last = |event: &Value| {
        let fields = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        fields.into_iter().map(|field| text(event, field)).find(|time| !time.is_empty())
    };
    let warnings = events
        .iter()
        .filter(|event| text(event, "/type") == "Warning" && text(event, "/involvedObject/uid") == uid.as_str());
    let latest = warnings.max_by_key(|event| last(event))?;
    let said = format!("{}: {}", text(latest, "/reason"), text(latest, "/message"));
    Some(crate::text::sanitize(&said).into_owned())
}

fn waiting(until: &Until, trouble: Option<String>) -> String {
    match trouble {
        Some(trouble) => format!("{}; reported meanwhile: {trouble}", until.what),
        None => until.what.clone(),
    }
}

fn trouble(fields: &[String], object: &Value) -> Option<String> {
    let text = fields.iter().find_map(|field| object.pointer(field).and_then(Value::as_str))?;
    Some(crate::text::sanitize(text).into_owned())
}

fn texts(fields: &[(String, String)], object: &Value) -> Outputs {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = fields
        .iter()
        .filter_map(|(slot, field)| object.pointer(field).map(|value| (slot.clone(), Output::Text(text(value)))));
    found.collect()
}

fn outputs_object(at: &ObjectAt, uid: &Uid) -> Outputs {
    Outputs::from([("object".to_owned(), Output::Object { at: at.clone(), uid: uid.clone() })])
}

fn uid_of(object: &Value) -> Option<Uid> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(Uid::from)
}

fn first_unmet<'a>(checks: &'a [Check], object: &Value, origin: Option<&Uid>) -> Option<&'a Check> {
    checks.iter().find(|check| !met(check, object, origin))
}

fn met(check: &Check, object: &Value, origin: Option<&Uid>) -> bool {
    let value = object.pointer(&check.field).filter(|value| !value.is_null());
    match &check.expect {
        Expect::Is(expected) => value == Some(expected),
        Expect::Not(other) => value != Some(other),
        Expect::Present => value.is_some_and(|value| value.as_str() != Some("")),
        Expect::Absent => value.is_none(),
        Expect::UidOfOrigin => origin.is_some() && value.and_then(Value::as_str) == origin.map(Uid::as_str),
    }
}

/// The guard's own words when it does not hold, `None` when it does.
pub fn broken_guard(guard: &Guard, object: Option<&Value>) -> Option<String> {
    let Some(object) = object else { return Some(format!("{} is gone: {}", guard.at, guard.or)) };
    if uid_of(object).as_ref() != Some(&guard.uid) {
        return Some(format!("{} is another object now (its UID changed): {}", guard.at, guard.or));
    }
    first_unmet(&guard.checks, object, None)
        .map(|check| format!("{} changed at {}: {}", guard.at, check.field, guard.or))
}

impl Follow {
    fn object(&self, first: &Value) -> Option<ObjectAt> {
        let name = first.pointer(&self.name_in)?.as_str().filter(|name| !name.is_empty())?;
        Some(ObjectAt { resource: self.resource.clone(), namespace: None, name: name.to_owned() })
    }

    fn read<'a>(&self, first: &Value, observed: &'a Observed) -> Option<&'a Value> {
        observed.get(&self.object(first)?)?.as_ref()
    }
}

#[cfg(test)]
mod tests;
