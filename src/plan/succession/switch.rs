//! Issuers sign with the new CA. What they have issued stays as it is until it is issued anew.

use std::time::Duration;

use serde_json::json;

use super::case::{Case, Draft, No, still};
use super::{at, place};
use crate::assess::succession::{Ca, issuers};
use crate::model::{Issuer, Kind, World};
use crate::plan::read::text as text_at;
use crate::plan::{AccessQuestion, Act, Check, Firm, Node, ObjectAt, Questions, Step, StepId, Target, Until};

/// The Secret of a CA issuer (cert-manager `spec.ca.secretName`).
const SECRET: &str = "/spec/ca/secretName";
/// How long cert-manager may take to look at an issuer.
const READY: Duration = Duration::from_secs(120);

fn place_of((kind, issuer): &(Kind, &Issuer)) -> ObjectAt {
    at(&issuer.meta.reference(*kind))
}

pub(super) fn questions(world: &World, former: Ca<'_>) -> Questions {
    let places: Vec<ObjectAt> = issuers(world, &former.key()).iter().map(place_of).collect();
    let ask =
        |at: &ObjectAt| ["get", "patch"].map(|verb| AccessQuestion::new(verb, &at.resource, at.namespace.as_deref()));
    Questions { access: places.iter().flat_map(ask).collect(), objects: places, lists: Vec::new() }
}

pub(super) fn draft(case: &Case<'_>) -> Result<Draft, No> {
    let (former, successor) = (case.sights.former, case.successor()?);
    let mut draft = Draft {
        title: format!("sign with the new CA instead of {}", place(former)),
        undo: vec![format!("holdfast operations undo {}, until something is issued: they sign as before", case.id)],
        ..Draft::default()
    };
    let mut whole = Vec::new();
    for (number, issuer) in case.sights.issuers.iter().enumerate() {
        let at = place_of(issuer);
        let uid = issuer.1.meta.uid();
        let fresh = case.fresh(&at, &uid)?;
        if text_at(fresh, SECRET) != &*former.secret.meta.name {
            return Err((format!("{at} was changed just now"), "wait a moment, then try again".to_owned()));
        }
        if let Some(manager) = crate::assess::manager(&issuer.1.meta) {
            draft.warnings.push(format!("{manager} keeps {at} as it is written down elsewhere: change it there too"));
        }
        let target = Target::Known { at: at.clone(), uid };
        draft.changes.push(format!("sets {SECRET} of {at} to {}", successor.secret.meta.name));
        let (old, new) = (&*former.secret.meta.name, &*successor.secret.meta.name);
        let to_new = sign(&format!("switch-{}", number + 1), &target, &at, (old, new));
        let guarded = Step { guards: vec![still(successor)], ..to_new };
        let to_old = sign(&format!("switch-back-{}", number + 1), &target, &at, (new, old));
        whole.push(Node::Reversible { step: Box::new(guarded), undo: vec![to_old] });
        whole.push(Node::Do(Box::new(ready(number + 1, &target, &at, new))));
    }
    draft.nodes = vec![Node::Whole(whole)];
    Ok(draft)
}

/// Lets an issuer sign with another CA, when it signs with the one.
pub(super) fn sign(id: &str, target: &Target, at: &ObjectAt, (from, to): (&str, &str)) -> Step {
    let patch = json!([
        { "op": "test", "path": SECRET, "value": from },
        { "op": "replace", "path": SECRET, "value": to },
    ]);
    Step {
        id: StepId(id.to_owned()),
        title: format!("let {at} sign with the CA of {}", crate::text::sanitize(to)),
        act: Act::Patch { target: target.clone(), patch, done: vec![Check::not(SECRET, from)] },
        guards: Vec::new(),
        deadline: READY,
    }
}

fn ready(number: usize, target: &Target, at: &ObjectAt, new: &str) -> Step {
    let until = Until {
        what: format!("{at} to be ready with the new CA"),
        checks: vec![
            Check::is("/status/conditions/[type=Ready]/status", "True"),
            Check::not_below("/status/conditions/[type=Ready]/observedGeneration", "/metadata/generation"),
        ],
        trouble: vec!["/status/conditions/[type=Ready]/{reason,message}".to_owned()],
        firm: vec![Firm::new(
            Check::is(SECRET, new),
            "the change was taken back: something keeps this issuer as it is written down elsewhere; change it there",
        )],
        ..Until::default()
    };
    Step {
        id: StepId(format!("ready-{number}")),
        title: format!("wait until {at} is ready with the new CA"),
        act: Act::Wait { target: target.clone(), until: Box::new(until) },
        guards: Vec::new(),
        deadline: READY,
    }
}
