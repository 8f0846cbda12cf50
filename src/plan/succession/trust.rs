//! The second phase: both CAs are trusted wherever the former one is, and whoever trusts starts anew to know it. Nothing
//! that worked stops working: a store only gains a certificate.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{Case, Draft, No, held, known, still};
use super::{Options, at};
use crate::assess::succession::{Before, Ca, Store, before, noted, stores};
use crate::model::{Kind, Uid, World, annotation};
use crate::plan::read::items;
use crate::plan::roll::{Fates, Restarted, Roll, Users};
use crate::plan::{AccessQuestion, Act, Check, Held, Node, ObjectAt, Questions, Step, StepId, Target, trusted_at};
use crate::text;

/// How long it may take that a change shows.
pub(super) const SHOWN: Duration = Duration::from_secs(60);

/// What has to be asked to change stores and to restart those who use them.
pub(super) fn questions(world: &World, former: Ca<'_>, successor: Option<Ca<'_>>, options: &Options) -> Questions {
    let stores = stores(world, former, successor);
    let written = stores.iter().filter(|store| store.former && !store.successor && store.fixed.is_none());
    let own = written.fold(Questions::default(), |all, store| all.and(to_write(store)));
    let noted = successor.map(noted).unwrap_or_default();
    let late = before(world, &stores, &noted);
    own.and(to_restart(world, &stores, options, |users| users.of_pods(world, &late)))
}

/// What changing a store takes.
pub(super) fn to_write(store: &Store) -> Questions {
    let at = at(&store.at);
    let namespace = at.namespace.clone();
    let access = ["get", "patch"].map(|verb| AccessQuestion::new(verb, &at.resource, namespace.as_deref())).into();
    Questions { objects: vec![at], access, lists: Vec::new() }
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
        let (target, bundles) = bundles(case, store, &former.facts.fingerprint)?;
        let step = change(&format!("trust-{}", number + 1), (&target, &bundles), Some(held(successor)), None);
        let guarded = Step { guards: vec![still(successor)], ..step };
        let undo =
            change(&format!("untrust-{}", number + 1), (&target, &bundles), None, Some(&successor.facts.fingerprint));
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

/// The bundles of a store that hold a certificate, in the version that was read.
pub(super) fn bundles(case: &Case<'_>, store: &Store, fingerprint: &str) -> Result<(Target, Vec<String>), No> {
    let at = at(&store.at);
    let fresh = case.fresh(&at, &store.uid)?;
    if fresh["immutable"] == true {
        let clear = "make one of another name that holds both, let its users take that one, and delete it";
        return Err((format!("{at} is immutable: nobody can change what it holds"), clear.to_owned()));
    }
    let held =
        |pointer: &String| trusted_at(fresh, pointer).is_ok_and(|trusted| trusted.iter().any(|one| one == fingerprint));
    let bundles: Vec<String> = places(fresh).into_iter().filter(held).collect();
    if bundles.is_empty() {
        return Err((format!("{at} was changed just now"), "wait a moment, then try again".to_owned()));
    }
    Ok((Target::Known { at, uid: store.uid.clone() }, bundles))
}

/// JSON pointers to where an object may have trust bundles.
fn places(object: &Value) -> Vec<String> {
    let data = object["data"].as_object().into_iter().flat_map(|data| data.keys());
    let data = data.map(|key| format!("/data/{}", key.replace('~', "~0").replace('/', "~1")));
    let hooks = items(object, "/webhooks").len();
    let hooks = (0..hooks).map(|number| format!("/webhooks/{number}/clientConfig/caBundle"));
    let single = ["/spec/caBundle", "/spec/conversion/webhook/clientConfig/caBundle"];
    let single = single.into_iter().filter(|pointer| object.pointer(pointer).is_some()).map(str::to_owned);
    data.chain(hooks).chain(single).collect()
}

/// Changes what is trusted in a store.
pub(super) fn change(
    id: &str,
    (target, bundles): (&Target, &[String]),
    add: Option<Held>,
    without: Option<&str>,
) -> Step {
    let what = match (&add, without.is_none()) {
        (Some(held), true) => format!("add the CA of {} to", held.at),
        (Some(held), false) => format!("put the CA of {} in the place of the other one in", held.at),
        (None, _) => "take a CA out of".to_owned(),
    };
    Step {
        id: StepId(id.to_owned()),
        title: format!("{what} {}", said(target)),
        act: Act::Trust {
            target: target.clone(),
            bundles: bundles.to_vec(),
            add: add.map(Into::into),
            without: without.map(Into::into).into_iter().collect(),
        },
        guards: Vec::new(),
        deadline: SHOWN,
    }
}

fn said(target: &Target) -> String {
    match target {
        Target::Known { at, .. } | Target::Own { at, .. } => at.to_string(),
        Target::Output { step, .. } => format!("what {step} made"),
    }
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
    let roll =
        Roll { moment: case.now.to_string(), former: None, within: case.options.rolled_within, or: or.to_owned() };
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
