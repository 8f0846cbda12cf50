//! Which claims a backup is of: one, those of a workload, or those that labels select. Resolved anew for each plan,
//! from lists read afresh.

use std::collections::BTreeMap;

use serde_json::Value;

use super::owner::{self, Owner};
use crate::model::{Kind, Pvc, Uid, World};
use crate::plan::{Answers, ListAt, ObjectAt, Questions, Resource};
use crate::text;

/// What is backed up together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The claim alone.
    #[default]
    Volume,
    /// All claims of a workload of its namespace.
    Workload(Owner),
    /// All claims of its namespace with these labels.
    Selected(BTreeMap<String, String>),
}

impl Scope {
    /// What it is, for people: `volume shop/data`, `StatefulSet shop/db`.
    pub fn said(&self, claim: &Pvc) -> String {
        let namespace = claim.meta.namespace();
        match self {
            Self::Volume => format!("volume {namespace}/{}", claim.meta.name),
            Self::Workload(owner) => format!("{} {namespace}/{}", owner.kind.spec().kind, owner.name),
            Self::Selected(labels) => format!("volumes of {namespace} with labels {}", selector(labels)),
        }
    }

    /// The claim by which a set is asked for: the first of those that are seen. It may be another, or none, by the
    /// time a plan is made.
    pub fn first(&self, world: &World, namespace: &str) -> Option<Uid> {
        let claims = world.inventory.pvcs.iter().filter(|claim| claim.meta.namespace() == namespace);
        let mut claims: Vec<&Pvc> = claims.filter(|claim| self.may_hold(world, claim)).collect();
        claims.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        claims.first().map(|claim| claim.meta.uid())
    }

    fn may_hold(&self, world: &World, claim: &Pvc) -> bool {
        match self {
            Self::Volume => true,
            Self::Workload(owner) => owner::owners(world, claim).contains(owner),
            Self::Selected(labels) => labels.iter().all(|(key, value)| claim.meta.label(key) == Some(value)),
        }
    }
}

/// Labels as they are written: `app=db,tier=gold`.
pub(super) fn selector(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// All claims of a namespace.
pub(super) fn claims_of(namespace: &str) -> ListAt {
    ListAt::all(Resource::of(Kind::Pvc), Some(namespace))
}

/// What has to be read to resolve it.
pub(super) fn questions(scope: &Scope, namespace: &str) -> Questions {
    let lists = || vec![claims_of(namespace)];
    match scope {
        Scope::Volume => Questions::default(),
        Scope::Workload(owner) => {
            Questions { objects: vec![owner.at(namespace)], lists: lists(), ..Questions::default() }
        }
        Scope::Selected(_) => Questions { lists: lists(), ..Questions::default() },
    }
}

/// The claims that are backed up together.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved<'a> {
    /// Each of them, by name.
    pub claims: Vec<&'a Pvc>,
    /// What may surprise.
    pub warnings: Vec<String>,
}

/// Resolves it.
///
/// # Errors
/// Why that cannot be done, and what would clear it.
pub(super) fn resolve<'a>(
    scope: &Scope,
    world: &'a World,
    claim: &'a Pvc,
    answers: &Answers,
) -> Result<Resolved<'a>, (String, String)> {
    let namespace = claim.meta.namespace();
    let mut warnings = Vec::new();
    let uids: Vec<Uid> = match scope {
        Scope::Volume => return Ok(Resolved { claims: vec![claim], warnings }),
        Scope::Workload(owner) => {
            let workload = answers.object(&owner.at(namespace))?;
            let listed = listed(answers, namespace)?;
            let found = owner::claims(workload, listed);
            if !found.left.is_empty() {
                warnings
                    .push(format!("not in the set, as {owner} has no such ordinal now: {}", text::list(&found.left)));
            }
            listed.iter().filter(|claim| found.used.iter().any(|used| used == name(claim))).map(uid).collect()
        }
        Scope::Selected(labels) => {
            let fits = |claim: &&Value| {
                let own = claim.pointer("/metadata/labels");
                labels.iter().all(|(key, value)| own.and_then(|own| own.get(key)?.as_str()) == Some(value))
            };
            listed(answers, namespace)?.iter().filter(fits).map(uid).collect()
        }
    };
    if uids.is_empty() {
        let clear = "name the volumes one by one, or look at `holdfast get volumes`";
        return Err(("no claim belongs to it".to_owned(), clear.to_owned()));
    }
    let seen = |uid: &Uid| {
        let unseen = || (format!("the claim with UID {uid} is not seen yet"), "try again in a moment".to_owned());
        world.inventory.pvcs.get(uid).ok_or_else(unseen)
    };
    let mut claims = uids.iter().map(seen).collect::<Result<Vec<_>, _>>()?;
    claims.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    Ok(Resolved { claims, warnings })
}

/// The claims of a namespace as they were listed.
pub(super) fn listed<'a>(answers: &'a Answers, namespace: &str) -> Result<&'a [Value], (String, String)> {
    let unknown = |why: &str| (format!("which claims belong to it is not known: {why}"), "try again".to_owned());
    match answers.lists.get(&claims_of(namespace)) {
        Some(Ok(listed)) => Ok(listed),
        Some(Err(why)) => Err(unknown(why)),
        None => Err(unknown("they were not listed")),
    }
}

/// Where a workload is that a scope names.
pub(super) fn workload(scope: &Scope, namespace: &str) -> Option<ObjectAt> {
    match scope {
        Scope::Workload(owner) => Some(owner.at(namespace)),
        Scope::Volume | Scope::Selected(_) => None,
    }
}

fn name(claim: &Value) -> &str {
    claim.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

fn uid(claim: &Value) -> Uid {
    Uid::from(claim.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default())
}
