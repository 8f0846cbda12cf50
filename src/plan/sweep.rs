//! The sweep: deletes what operations of a namespace left behind, when nobody will come for it any more.
//!
//! Left behind are the namespaces, contents and volumes of drills, and the trial claims and pods of in-place restores.
//! What goes is what a record or a Lock proves to be over, each by its UID; what cannot be told stays, and is said.
//! Copies are never touched: the content of a drill is Retain before anything of it goes. Former volumes hold data, so
//! they go only when they are asked for by name and number, and never before their time.

mod form;
mod left;
mod steps;

use jiff::Timestamp;
use serde_json::Value;

use self::left::{Left, Thing};
use super::{
    AccessQuestion, Answers, ListAt, Node, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Subject, Verb,
    lock,
};
use crate::assess::former::former;
use crate::model::{Kind, ObjRef, Uid, World, annotation};
use crate::text;

pub use form::{command, form, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[Kind::Namespace, Kind::Pv];

/// Why no plan is made when nothing is left.
pub const NOTHING: &str = "nothing is left behind";

/// What the operator may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Former volumes go too, with the data that they hold, when they have been kept for as long as they had to.
    pub former: bool,
}

fn managed() -> String {
    format!("{}={}", annotation::MANAGED_BY.0, annotation::MANAGED_BY.1)
}

fn selected(resource: Resource, namespace: Option<&str>, more: &str) -> ListAt {
    let selector = if more.is_empty() { managed() } else { format!("{},{more}", managed()) };
    ListAt { resource, namespace: namespace.map(str::to_owned), selector }
}

/// What is listed to find what is left: scratch namespaces, their contents, and in the namespace its records, locks,
/// claims and pods.
struct Lists {
    namespaces: ListAt,
    contents: ListAt,
    records: ListAt,
    leases: ListAt,
    claims: ListAt,
    pods: ListAt,
}

impl Lists {
    fn of(namespace: &str) -> Self {
        let here = |resource| selected(resource, Some(namespace), "");
        Self {
            namespaces: selected(Resource::of(Kind::Namespace), None, annotation::DRILL),
            contents: selected(Resource::of(Kind::Content), None, annotation::DRILL),
            records: selected(Resource::config_map(), Some(namespace), annotation::OPERATION),
            leases: here(Resource::lease()),
            claims: here(Resource::of(Kind::Pvc)),
            pods: here(Resource::of(Kind::Pod)),
        }
    }

    fn all(&self) -> Vec<ListAt> {
        [&self.namespaces, &self.contents, &self.records, &self.leases, &self.claims, &self.pods]
            .map(Clone::clone)
            .into()
    }
}

/// The volumes of drills and former volumes, as far as they may be of this namespace.
fn volumes(world: &World, namespace: &str, options: Options) -> Vec<ObjectAt> {
    let mut names: Vec<&str> = world
        .inventory
        .pvs
        .iter()
        .filter(|volume| {
            let of_drill = volume.claim.as_ref().is_some_and(|claim| left::of_drill(&claim.namespace).is_some());
            let former = former(volume).filter(|_| options.former);
            of_drill || former.is_some_and(|former| *former.claim.namespace == *namespace)
        })
        .map(|volume| &*volume.meta.name)
        .collect();
    names.sort_unstable();
    names.into_iter().map(|name| ObjectAt::of(Kind::Pv, None, name)).collect()
}

/// What has to be asked, given what is known.
pub fn questions(world: &World, namespace: &Uid, options: Options, known: &Answers) -> Questions {
    let Some(name) = world.inventory.namespaces.get(namespace).map(|found| found.meta.name.to_string()) else {
        return Questions::default();
    };
    let lists = Lists::of(&name).all();
    let mut objects = volumes(world, &name, options);
    objects.push(ObjectAt::of(Kind::Namespace, None, &name));
    let own = Questions { objects, access: AccessQuestion::record(Some(&name)).into(), lists };
    // What may go at some time: the rights are asked for all of it.
    let Ok(left) = Left::of(world, &name, options, known, Timestamp::MAX) else { return own };
    let mut more = Questions { objects: left.volumes_of_claims(), ..Questions::default() };
    for thing in &left.going {
        let resource = &thing.at.resource;
        let place = thing.at.namespace.as_deref();
        more.access.extend(thing.needs().iter().map(|verb| AccessQuestion::new(verb, resource, place)));
    }
    left.locks.iter().fold(own.and(more), |all, lock| all.and(lock.questions()))
}

/// Plans it for the namespace with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it; [`NOTHING`] when there is nothing to do.
pub fn plan(
    world: &World,
    namespace: &Uid,
    answers: &Answers,
    options: Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let found = world.inventory.namespaces.get(namespace);
    let name = found.map_or_else(String::new, |found| found.meta.name.to_string());
    let refused = |(why, clear)| Refusal { verb: Verb::Sweep, object: format!("namespace {name}"), why, clear };
    if found.is_none() {
        return Err(refused(("it is gone".to_owned(), "choose another namespace".to_owned())));
    }
    let left = Left::of(world, &name, options, answers, now).map_err(refused)?;
    if left.going.is_empty() {
        let staying = left.said_staying();
        let why =
            if staying.is_empty() { NOTHING.to_owned() } else { format!("nothing may go: {}", staying.join("; ")) };
        return Err(refused((why, "nothing has to be done, or wait until it is over".to_owned())));
    }
    answers.rights().map_err(refused)?;
    let warnings = lock::look(&left.locks, answers, &id, now).map_err(refused)?;
    let at = ObjectAt::of(Kind::Namespace, None, &name);
    let fresh = answers.object(&at).map_err(refused)?;
    let version = fresh.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
    Ok(Case { world, name: &name, uid: namespace, version, left, now }.plan(options, warnings, id))
}

struct Case<'a> {
    world: &'a World,
    name: &'a str,
    uid: &'a Uid,
    version: &'a str,
    left: Left,
    now: Timestamp,
}

impl Case<'_> {
    fn plan(&self, options: Options, mut warnings: Vec<String>, id: OperationId) -> Plan {
        let context = &self.world.context;
        let former = self.left.going.iter().filter(|thing| thing.former()).count();
        if former > 0 {
            let volumes = text::plural(former, "former volume goes", "former volumes go");
            warnings.push(format!("{volumes} with all data in it: nothing brings that back"));
        }
        let mut changes: Vec<String> = self.left.going.iter().map(Thing::change).collect();
        changes.push("touches no restore point and no copy in storage".to_owned());
        changes.push(id.recorded(self.name));
        let fact = |(label, value): (&str, String)| (label.to_owned(), value);
        let going = self.left.going.iter().map(|thing| fact(("goes", thing.said())));
        let staying = self.left.said_staying().into_iter().map(|said| fact(("stays", said)));
        Plan {
            verb: Verb::Sweep,
            title: format!("delete what operations of namespace {} left behind", self.name),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            // What holds data is confirmed by its number as well, beforehand too.
            count: (former > 0).then(|| former.to_string()),
            subject: Subject {
                object: ObjRef { kind: Kind::Namespace, namespace: None, name: self.name.into() },
                uid: self.uid.clone(),
                resource_version: self.version.to_owned(),
            },
            made: self.now,
            facts: going.chain(staying).collect(),
            warnings,
            changes,
            command: command(options, self.name, &context.name),
            undo: vec!["cannot be taken back; it deletes only what operations made for themselves".to_owned()],
            locks: self.left.locks.clone(),
            undoes: None,
            bundle: None,
            nodes: steps::steps(&self.left.going).into_iter().map(|step| Node::Do(Box::new(step))).collect(),
            id,
        }
    }
}

#[cfg(test)]
mod tests;
