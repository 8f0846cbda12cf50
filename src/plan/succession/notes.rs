//! What is only noted: that everything was seen to be served, and what somebody answers for.

use serde_json::{Value, json};

use super::case::{Case, Draft, No, known, still};
use super::place;
use super::trust::SHOWN;
use crate::assess::succession::{Ca, Leaf, Phase, leaves};
use crate::model::annotation;
use crate::plan::serves::Serves;
use crate::plan::{Act, Check, Expect, Node, Step, StepId};
use crate::text;

/// Longest text that somebody answers with.
const ANSWER: usize = 500;

/// Sees that each server of what the new CA has signed serves it, and notes since when.
pub(super) fn prove(case: &Case<'_>) -> Result<Draft, No> {
    let successor = case.successor()?;
    let mut draft = Draft {
        title: format!("see that what the CA that follows {} signed is served", place(case.sights.former)),
        changes: vec![format!("notes on {} since when it was", place(successor))],
        undo: vec!["nothing to take back: nothing but the note changes".to_owned()],
        ..Draft::default()
    };
    let below = leaves(case.world, successor);
    for (number, leaf) in below.iter().enumerate() {
        let (facts, warnings, steps) = served(case, leaf);
        draft.facts.extend(facts);
        draft.warnings.extend(warnings.into_iter().map(|said| format!("{}: {said}", leaf.said())));
        let steps = steps.into_iter().map(|step| Step { id: StepId(format!("{}-{}", number + 1, step.id)), ..step });
        draft.nodes.extend(steps.map(|step| Node::Do(Box::new(step))));
    }
    let text = text::plural(below.len(), "certificate", "certificates");
    draft.facts.push(("signed by it".to_owned(), text));
    let proven = annotation::pointer(annotation::PROVEN_SINCE);
    let since = json!([{ "op": "add", "path": proven, "valueFrom": [{ "now": true }] }]);
    draft.nodes.push(Node::Do(Box::new(note(
        "since when everything is served",
        successor,
        since,
        Check::present(&proven),
    ))));
    Ok(draft)
}

type Served = (Vec<(String, String)>, Vec<String>, Vec<Step>);

fn served(case: &Case<'_>, leaf: &Leaf) -> Served {
    let secret = case.world.inventory.tls_secrets.named(leaf.at.namespace.as_ref(), &leaf.at.name);
    let Some(facts) = secret.and_then(|secret| secret.facts()) else { return Served::default() };
    let fingerprint = Value::from(&*facts.fingerprint);
    // Whoever keeps a former one whatever happens is not waited for: it was restarted when it was issued anew.
    let serves = Serves::of(case.world, &leaf.key(), &fingerprint, false, case.options.served_within, case.now);
    (serves.facts, serves.warnings, serves.steps)
}

/// Notes what somebody answers for, and who.
pub(super) fn attest(case: &Case<'_>) -> Result<Draft, No> {
    let successor = case.successor()?;
    let Some(reason) = case.options.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) else {
        let clear = "say how it is known (--attest): it is kept with your name";
        return Err(("somebody has to answer for it".to_owned(), clear.to_owned()));
    };
    let said: String = format!("{} at {}: {reason}", case.answers.who, case.now).chars().take(ANSWER).collect();
    let of_stores = case.options.phase == Phase::Stores;
    let (key, whom, about) = if of_stores {
        let whom = "the stores that cannot be written or seen here, of";
        (annotation::ATTESTED_STORES, whom, "both are trusted where Holdfast cannot write or see it")
    } else {
        let whom = "those outside of the cluster who trust";
        (
            annotation::ATTESTED_OUTSIDE,
            whom,
            "whoever trusts the former CA outside of what is seen here trusts the new one",
        )
    };
    let pointer = annotation::pointer(key);
    let mut patch = vec![json!({ "op": "add", "path": pointer, "value": said })];
    if of_stores {
        // What turns up later was not answered for.
        let marks = case.sights.marks().join(" ");
        patch.push(json!({ "op": "add", "path": annotation::pointer(annotation::ATTESTED_ABOUT), "value": marks }));
    }
    let for_what = if of_stores { case.sights.unanswered() } else { Vec::new() };
    let step = note(
        "who answers for it",
        successor,
        Value::Array(patch),
        Check { field: pointer, expect: Expect::Is(said.as_str().into()) },
    );
    Ok(Draft {
        title: format!("answer for {whom} {}", place(case.sights.former)),
        facts: for_what.into_iter().map(|what| ("answered for".to_owned(), what)).collect(),
        warnings: vec![format!("on your word, {about}: nothing here checks it")],
        changes: vec![format!("notes on {}: {}", place(successor), text::sanitize(&said))],
        undo: vec![format!(
            "kubectl annotate secret -n {} {} {key}-",
            successor.secret.meta.namespace(),
            text::sanitize(&successor.secret.meta.name)
        )],
        nodes: vec![Node::Do(Box::new(step))],
    })
}

fn note(what: &str, successor: Ca<'_>, patch: Value, done: Check) -> Step {
    Step {
        id: StepId("note".to_owned()),
        title: format!("note {what}"),
        act: Act::Patch { target: known(successor), patch, done: vec![done] },
        guards: vec![still(successor)],
        deadline: SHOWN,
    }
}
