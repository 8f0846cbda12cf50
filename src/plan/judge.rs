//! Whether a step took place, decided from what was read. The same for a first run, a lost answer and a resume.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::{first_unmet, met, values};
use super::{
    Act, CERTIFICATE, Check, Expect, Follow, Guard, ListAt, ObjectAt, OperationId, Output, Outputs, Progress, Target,
    Teller, Until,
};
use crate::model::{Uid, annotation};
use crate::text;

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

/// The object a target stands for. `None` when the step that makes it has not, and for a [`Target::Own`]: which one
/// that is shows when it is read.
pub fn resolve(target: &Target, progress: &Progress) -> Option<(ObjectAt, Uid)> {
    match target {
        Target::Known { at, uid } => Some((at.clone(), uid.clone())),
        Target::Own { .. } => None,
        Target::Output { step, slot } => match progress.outputs(step)?.get(slot)? {
            Output::Object { at, uid } => Some((at.clone(), uid.clone())),
            Output::Text(_) => None,
        },
    }
}

/// Where the object is that a target stands for. `None` when the step that makes it has not.
pub fn place(target: &Target, progress: &Progress) -> Option<ObjectAt> {
    match target {
        Target::Own { at, .. } => Some(at.clone()),
        Target::Known { .. } | Target::Output { .. } => resolve(target, progress).map(|(at, _)| at),
    }
}

/// Whether the object that was found at the place of a target is the one that is meant.
pub fn is_target(target: &Target, progress: &Progress, object: &Value) -> bool {
    match target {
        Target::Own { operation, .. } => made_by(object, operation),
        Target::Known { .. } | Target::Output { .. } => {
            resolve(target, progress).is_some_and(|(_, uid)| uid_of(object) == Some(uid))
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

/// The next object to read before [`judge`] can say more. Ask again with what was read, until `None`.
pub fn next_read(act: &Act, progress: &Progress, observed: &Observed) -> Option<ObjectAt> {
    let first = match act {
        Act::Create { at, .. } | Act::Recreate { at, .. } | Act::Stage { at, .. } => at.clone(),
        Act::Patch { target, .. }
        | Act::Condition { target, .. }
        | Act::Dismiss { target, .. }
        | Act::Store { target, .. }
        | Act::Trust { target, .. }
        | Act::Delete { target }
        | Act::Scale { target, .. }
        | Act::Wait { target, .. } => place(target, progress)?,
        Act::Exec { run, .. } | Act::Open { run, .. } => place(&run.pod, progress)?,
        Act::Say { .. } | Act::Absent { .. } | Act::Find { .. } | Act::Handshake { .. } => return None,
    };
    let Some(read) = observed.get(&first) else { return Some(first) };
    let Act::Wait { until, .. } = act else { return None };
    let follow = until.follow.as_ref()?;
    let second = follow.object(read.as_ref()?)?;
    (!observed.contains_key(&second)).then_some(second)
}

/// Says what became of a step. Of what runs in containers only this much can be said: whether it may run again. A
/// session that is held now is its holder's to judge; here it counts as gone. Of an [`Act::Absent`] or an
/// [`Act::Find`] only [`judge_list`] can say it, of an [`Act::Handshake`] only [`super::judge_handshakes`].
pub fn judge(act: &Act, operation: &OperationId, progress: &Progress, observed: &Observed) -> Seen {
    let Some(act) = act.filled(progress) else { return missing_target() };
    let on =
        |target: &Target, judge: &dyn Fn(&Value, &ObjectAt) -> Seen| judge_target(target, progress, observed, judge);
    match &act {
        Act::Create { at, .. } => judge_create(at, None, operation, observed),
        Act::Recreate { at, former, .. } => judge_create(at, Some(former), operation, observed),
        Act::Stage { at, .. } => judge_stage(at, operation, observed),
        Act::Patch { target, done, .. } | Act::Store { target, done, .. } => {
            on(target, &|object, at| match first_unmet(done, object, None) {
                None => Seen::Done(outputs_object(at, object)),
                Some(_) => Seen::NotDone,
            })
        }
        Act::Trust { target, bundles, add, without } => on(target, &|object, at| {
            let add = add.as_ref().map(|add| &add.fingerprint);
            match super::bundle::holds(object, bundles, add, without) {
                Ok(true) => Seen::Done(outputs_object(at, object)),
                Ok(false) => Seen::NotDone,
                Err(why) => Seen::Conflict(format!("{at}: {why}; look at it, then plan again")),
            }
        }),
        Act::Condition { target, done, .. } => on(target, &|object, at| {
            let shows = |way: &Vec<Check>| first_unmet(way, object, None).is_none();
            if done.iter().any(shows) { Seen::Done(outputs_object(at, object)) } else { Seen::NotDone }
        }),
        Act::Scale { target, replicas } => on(target, &|object, at| {
            let now = object.pointer("/spec/replicas").and_then(Value::as_u64);
            if now == Some(u64::from(*replicas)) { Seen::Done(outputs_object(at, object)) } else { Seen::NotDone }
        }),
        Act::Delete { target } => judge_delete(target, progress, observed),
        Act::Dismiss { target, done, trouble, .. } => judge_dismiss(target, done, trouble, progress, observed),
        Act::Exec { run, repeat, .. } => on(&run.pod, &|_, _| match repeat {
            true => Seen::NotDone,
            false => Seen::Conflict("outcome unknown: what it did cannot be seen, and it must not run twice".into()),
        }),
        Act::Open { run, .. } => on(&run.pod, &|_, _| {
            Seen::Conflict("outcome unknown: a session ends with the console that holds it".into())
        }),
        Act::Say { end: true, .. } => Seen::Done(Outputs::new()),
        Act::Say { end: false, .. } => Seen::Conflict("the session is gone, and what it held with it".into()),
        Act::Wait { target, until } => on(target, &|object, at| judge_until(until, object, at, observed)),
        Act::Absent { .. } | Act::Find { .. } => Seen::Unknown("the list was not read".into()),
        Act::Handshake { .. } => Seen::Unknown("the pods were not asked".into()),
    }
}

/// Says what became of a step that takes another back: there may be nothing to take back, because the other never took
/// place or because what it changed is gone. A wait is judged as ever, unless it is lenient.
pub fn judge_undo(act: &Act, operation: &OperationId, progress: &Progress, observed: &Observed) -> Seen {
    if let Some(target) = act.target().filter(|_| act.writes() || act.lenient()) {
        let Some(at) = place(target, progress) else { return Seen::Done(Outputs::new()) };
        let changed = |object: &Value| match target {
            Target::Own { checks, .. } => kept(object, checks).is_some(),
            Target::Known { .. } | Target::Output { .. } => false,
        };
        let there = |object: &Value| is_target(target, progress, object) && !changed(object);
        if observed.get(&at).is_some_and(|found| !found.as_ref().is_some_and(there)) {
            return Seen::Done(Outputs::new());
        }
    }
    judge(act, operation, progress, observed)
}

/// Says whether what has to be gone from a list is gone, or what has to be in it is there.
pub fn judge_list(act: &Act, progress: &Progress, listed: &[Value]) -> Seen {
    let (which, what, among) = match act.filled(progress) {
        Some(Act::Absent { which, what, among }) => (which, what, among),
        Some(Act::Find { which, what, among }) => return judge_find(&which, what, &among, listed),
        _ => return missing_target(),
    };
    let mut there = listed.iter().filter(|object| first_unmet(&which, object, None).is_none());
    let Some(first) = there.next() else { return Seen::Done(Outputs::new()) };
    let name = first.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
    let mut still = format!("{} {}", among.resource.kind, text::sanitize(name));
    if first.pointer("/metadata/deletionTimestamp").is_some() {
        still.push_str(" (being deleted");
        let held: Vec<&str> = values(first, "/metadata/finalizers/*").into_iter().filter_map(Value::as_str).collect();
        if !held.is_empty() {
            still.push_str(", held by ");
            still.push_str(&text::sanitize(&held.join(", ")));
        }
        still.push(')');
    }
    let more = there.count();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Seen::Pending(format!("{what}; still there: {still}{more}"))
}

fn judge_find(which: &[Check], what: String, among: &ListAt, listed: &[Value]) -> Seen {
    let mut found = listed.iter().filter(|object| first_unmet(which, object, None).is_none());
    let Some(first) = found.next() else { return Seen::Pending(what) };
    if found.next().is_some() {
        return Seen::Conflict(format!("several {} fit: {what}", among.resource.plural));
    }
    let Some(name) = first.pointer("/metadata/name").and_then(Value::as_str) else { return Seen::Pending(what) };
    let at = ObjectAt { resource: among.resource.clone(), namespace: among.namespace.clone(), name: name.to_owned() };
    Seen::Done(outputs_object(&at, first))
}

fn judge_create(at: &ObjectAt, former: Option<&Uid>, operation: &OperationId, observed: &Observed) -> Seen {
    let object = match observed.get(at) {
        None => return Seen::Unknown(format!("{at} was not read")),
        Some(None) => return Seen::NotDone,
        Some(Some(object)) => object,
    };
    let Some(uid) = uid_of(object) else { return Seen::Unknown(format!("{at} carries no UID")) };
    if former == Some(&uid) && object.pointer("/metadata/deletionTimestamp").is_some() {
        return Seen::Pending(format!("{at} waits for its finalizers {}", finalizers(object)));
    }
    if former != Some(&uid) && !made_by(object, operation) {
        return Seen::Conflict(format!("{at} exists and was not made by this operation"));
    }
    Seen::Done(outputs_object(at, object))
}

/// A Secret that was made counts only with a certificate that its key belongs to.
fn judge_stage(at: &ObjectAt, operation: &OperationId, observed: &Observed) -> Seen {
    let Seen::Done(mut outputs) = judge_create(at, None, operation, observed) else {
        return judge_create(at, None, operation, observed);
    };
    let Some(Some(secret)) = observed.get(at) else { return Seen::Unknown(format!("{at} was not read")) };
    let said = |field: &str| secret.pointer(&format!("{CERTIFICATE}{field}"));
    if said("keyMatches") != Some(&Value::Bool(true)) {
        return Seen::Conflict(format!("{at} holds no certificate with a key that belongs to it"));
    }
    let texts = ["fingerprint", "serial", "notAfter"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), Output::Text(said(field)?.as_str()?.to_owned()))));
    outputs.extend(texts);
    Seen::Done(outputs)
}

fn judge_delete(target: &Target, progress: &Progress, observed: &Observed) -> Seen {
    let Some(at) = place(target, progress) else { return missing_target() };
    match observed.get(&at) {
        None => Seen::Unknown(format!("{at} was not read")),
        Some(Some(object)) if is_target(target, progress, object) => {
            if object.pointer("/metadata/deletionTimestamp").is_none() {
                return Seen::NotDone;
            }
            Seen::Pending(format!("{at} waits for its finalizers {}", finalizers(object)))
        }
        Some(_) => Seen::Done(Outputs::new()),
    }
}

fn judge_dismiss(
    target: &Target,
    done: &[Check],
    trouble: &[String],
    progress: &Progress,
    observed: &Observed,
) -> Seen {
    match judge_delete(target, progress, observed) {
        Seen::NotDone => {}
        seen => return seen,
    }
    let Some(at) = place(target, progress) else { return missing_target() };
    match observed.get(&at) {
        Some(Some(object)) if first_unmet(done, object, None).is_none() => {
            let said = self::trouble(trouble, object).map(|said| format!("; reported meanwhile: {said}"));
            Seen::Pending(format!("its controller to delete {at}{}", said.unwrap_or_default()))
        }
        _ => Seen::NotDone,
    }
}

fn finalizers(object: &Value) -> String {
    let held = object.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
    text::sanitize(&held).into_owned()
}

fn judge_target(
    target: &Target,
    progress: &Progress,
    observed: &Observed,
    judge: &dyn Fn(&Value, &ObjectAt) -> Seen,
) -> Seen {
    let Some(at) = place(target, progress) else { return missing_target() };
    match observed.get(&at) {
        None => Seen::Unknown(format!("{at} was not read")),
        Some(None) => Seen::Conflict(format!("{at} is gone")),
        Some(Some(object)) if !is_target(target, progress, object) => {
            let uid = resolve(target, progress).map(|(_, uid)| format!(": its UID is not {uid}")).unwrap_or_default();
            Seen::Conflict(format!("{at} is another object now{uid}"))
        }
        Some(Some(object)) => judge(object, &at),
    }
}

fn missing_target() -> Seen {
    Seen::Unknown("the step that makes its target has not run".into())
}

fn judge_until(until: &Until, object: &Value, at: &ObjectAt, observed: &Observed) -> Seen {
    if let Some(broken) = until.firm.iter().find(|firm| !met(&firm.check, object, None)) {
        let said = trouble(&broken.trouble, object).or_else(|| trouble(&until.trouble, object));
        return Seen::Conflict(match said {
            Some(trouble) => format!("{}: {trouble}", broken.or),
            None => broken.or.clone(),
        });
    }
    let mut outputs = outputs(&until.outputs, object, at);
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
        outputs.extend(follow.object(object).map(|at| self::outputs(&follow.outputs, second, &at)).unwrap_or_default());
    }
    Seen::Done(outputs)
}

/// What the latest warning event about an object says: its reason and message. Events of other objects do not count.
pub fn told_by_events(events: &[Value], uid: &Uid) -> Option<String> {
    let field_of =
        |event: &Value, field: &str| event.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    // New-style events leave the old fields empty. All are written alike, so that texts sort as times.
    let last = |event: &Value| {
        let fields = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        fields.into_iter().map(|field| field_of(event, field)).find(|time| !time.is_empty())
    };
    let warnings = events.iter().filter(|event| {
        field_of(event, "/type") == "Warning" && field_of(event, "/involvedObject/uid") == uid.as_str()
    });
    let latest = warnings.max_by_key(|event| last(event))?;
    let said = format!("{}: {}", field_of(latest, "/reason"), field_of(latest, "/message"));
    Some(text::sanitize(&said).into_owned())
}

/// What the objects of a list that may know it say is wrong: each by its name.
pub fn told_by(teller: &Teller, listed: &[Value]) -> Option<String> {
    let of = |object: &Value| {
        let said = trouble(&teller.trouble, object)?;
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
        Some(format!("{} {}: {said}", teller.among.resource.kind, text::sanitize(name)))
    };
    let theirs = listed.iter().filter(|object| first_unmet(&teller.which, object, None).is_none());
    let mut said = theirs.filter_map(of);
    let first = said.next()?;
    let more = said.count();
    Some(if more > 0 { format!("{first} (and {more} more)") } else { first })
}

fn waiting(until: &Until, trouble: Option<String>) -> String {
    match trouble {
        Some(trouble) => format!("{}; reported meanwhile: {trouble}", until.what),
        None => until.what.clone(),
    }
}

/// What the first of these fields that says something says; all of it, where it is a list.
fn trouble(fields: &[String], object: &Value) -> Option<String> {
    let of =
        |field: &String| values(object, field).into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let said = fields.iter().map(of).find(|said| !said.is_empty())?;
    Some(text::sanitize(&said).into_owned())
}

fn outputs(fields: &[(String, String)], object: &Value, at: &ObjectAt) -> Outputs {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kept = |field: &str| match field {
        "" => uid_of(object).map(|uid| Output::Object { at: at.clone(), uid }),
        field => object.pointer(field).map(|value| Output::Text(text(value))),
    };
    fields.iter().filter_map(|(slot, field)| Some((slot.clone(), kept(field)?))).collect()
}

fn outputs_object(at: &ObjectAt, object: &Value) -> Outputs {
    let made = uid_of(object).map(|uid| ("object".to_owned(), Output::Object { at: at.clone(), uid }));
    made.into_iter().collect()
}

fn uid_of(object: &Value) -> Option<Uid> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(Uid::from)
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
