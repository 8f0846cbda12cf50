//! The second phase: both CAs are trusted wherever the former one is, and whoever trusts starts anew to know it. Nothing
//! that worked stops working: a store only gains a certificate.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::Options;
use super::case::{Case, Draft, No, held, known, still};
use crate::assess::succession::{Before, Ca, Store, before, noted, stores};
use crate::model::{Kind, Uid, World, annotation};
use crate::plan::pins::{self, Bundles};
use crate::plan::roll::{Cause, Fates, Restarted, Roll, Users};
use crate::plan::{Act, Check, Node, ObjectAt, Questions, Step, StepId};
use crate::text;

/// How long it may take that a change shows.
pub(super) const SHOWN: Duration = Duration::from_secs(60);

/// What has to be asked to change stores and to restart those who use them.
pub(super) fn questions(world: &World, former: Ca<'_>, successor: Option<Ca<'_>>, options: &Options) -> Questions {
    let stores = stores(world, former, successor);
    let written = stores.iter().filter(|store| store.to_write());
    let own = written.fold(Questions::default(), |all, store| all.and(pins::questions(pins::place(store))));
    let noted = successor.map(noted).unwrap_or_default();
    let late = before(world, &stores, &noted);
    let joined: Vec<Store> = stores.into_iter().filter(Store::joins).collect();
    own.and(to_restart(world, &joined, options, |users| users.of_pods(world, &late)))
}

/// What restarting those who use stores takes.
pub(super) fn to_restart(
    world: &World,
    stores: &[Store],
    options: &Options,
    only: impl Fn(Users) -> Users,
) -> Questions {
    let users = stores.iter().filter(|store| store.former).map(|store| (store, only(users(world, store))));
    users.fold(Questions::default(), |all, (store, users)| {
        all.and(users.questions(store.at.namespace.as_deref().unwrap_or_default(), options.restart()))
    })
}

/// Who uses a store.
pub(super) fn users(world: &World, store: &Store) -> Users {
    let (namespace, name) = store.key();
    match store.at.kind {
        Kind::ConfigMap => Users::of_map(world, &namespace, &name),
        Kind::TlsSecret | Kind::OtherSecret => Users::of(world, &namespace, &name),
        _ => Users::default(),
    }
}

pub(super) fn draft(case: &Case<'_>) -> Result<Draft, No> {
    let (former, successor) = (case.sights.former, case.successor()?);
    let mut draft = Draft { title: format!("trust the new CA beside {}", super::place(former)), ..Draft::default() };
    for (number, store) in case.sights.lacking().enumerate() {
        let number = number + 1;
        let bundles = Bundles::holding(pins::place(store), &store.uid, &former.facts.fingerprint, case.answers)?;
        let step = bundles.change(format!("trust-{number}"), "add the new CA to", Some(held(successor).into()), None);
        let guarded = Step { guards: vec![still(successor)], ..step };
        let gone = Some((&*successor.facts.fingerprint).into());
        let undo = bundles.change(format!("untrust-{number}"), "take the new CA out of", None, gone);
        draft.changes.push(format!("adds the new CA to {}", store.said()));
        draft.nodes.push(Node::Reversible { step: Box::new(guarded), undo: vec![undo] });
    }
    // Pods that were started since then are not from before: it is not noted again because some are left.
    if !draft.nodes.is_empty() || case.sights.noted.trusted.is_none() {
        draft.nodes.push(Node::Do(Box::new(note(case, successor))));
        // What is trusted by now stays so, whatever becomes of a restart: trusting more breaks nobody.
        draft.nodes = vec![Node::Whole(draft.nodes)];
    }
    restarts(
        case,
        &mut draft,
        |users| users.of_pods(case.world, &case.sights.before),
        "both are trusted in the stores",
    )?;
    if draft.nodes.is_empty() {
        let late: Vec<String> = case.sights.before.iter().map(|pod| pod.said.clone()).collect();
        let why = format!("nothing that is from before can be started anew from here: {}", text::list(&late));
        return Err((why, "have whoever made them start them anew".to_owned()));
    }
    let stuck = case.sights.out_of_reach().map(|store| format!("cannot be written here: {}", store.said()));
    draft.warnings.extend(stuck);
    draft.undo = vec![format!(
        "holdfast operations undo {}, until something is signed with the new CA: takes it out of them again",
        case.id
    )];
    Ok(draft)
}

/// Notes when both are trusted, after the last store was written and before the first pod starts.
fn note(case: &Case<'_>, successor: Ca<'_>) -> Step {
    let (since, mark) = (annotation::pointer(annotation::TRUSTED_SINCE), annotation::pointer(annotation::TRUSTED_MARK));
    let moment = case.now.to_string();
    let patch = json!([
        { "op": "add", "path": since, "valueFrom": [{ "now": true }] },
        { "op": "add", "path": mark, "value": moment },
    ]);
    Step {
        id: StepId("note".to_owned()),
        title: "note since when both are trusted".to_owned(),
        act: Act::Patch { target: known(successor), patch, done: vec![Check::is(&mark, moment)] },
        guards: vec![still(successor)],
        deadline: SHOWN,
    }
}

/// Restarts those who use stores, one workload after the other.
pub(super) fn restarts(case: &Case<'_>, draft: &mut Draft, only: impl Fn(Users) -> Users, or: &str) -> Result<(), No> {
    let mut done: BTreeSet<ObjectAt> = BTreeSet::new();
    let mut restarted: Vec<Restarted> = Vec::new();
    for store in case.sights.stores.iter().filter(|store| store.former) {
        let users = only(users(case.world, store));
        let fates = Fates::of(&users, &store.at.name, case.options.restart(), case.answers)?;
        let new = fates.restarted.iter().filter(|(user, _)| done.insert(user.at.clone()));
        restarted.extend(new.map(|(user, fresh)| Restarted::of(user, fresh)));
        let both = fates.facts.into_iter().filter(|fact| !draft.facts.contains(fact)).collect::<Vec<_>>();
        draft.facts.extend(both);
        let warnings = fates.warnings.into_iter().filter(|said| !draft.warnings.contains(said)).collect::<Vec<_>>();
        draft.warnings.extend(warnings);
    }
    let roll = Roll {
        moment: case.now.to_string(),
        cause: Cause::Anew,
        within: case.options.rolled_within,
        or: or.to_owned(),
    };
    draft.changes.extend(restarted.iter().map(Restarted::change));
    let steps = restarted.iter().enumerate().flat_map(|(place, one)| roll.steps(place + 1, one));
    draft.nodes.extend(steps.map(|step| Node::Do(Box::new(step))));
    Ok(())
}

impl Users {
    /// Those of them that some of these pods belong to.
    fn of_pods(mut self, world: &World, late: &[Before]) -> Self {
        let is_late = |uid: &Uid| late.iter().any(|pod| pod.uid == *uid);
        let has = |uid: &Uid| {
            let children = world.links.children(uid).iter();
            children
                .flat_map(|(_, child)| {
                    std::iter::once(child).chain(world.links.children(child).iter().map(|(_, pod)| pod))
                })
                .any(is_late)
        };
        self.workloads.retain(|user| has(&user.uid));
        self.pods.retain(|user| is_late(&user.uid));
        self
    }
}
