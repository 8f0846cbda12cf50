//! The application-consistent backup: which pods are asked about, and what their hooks make of the plan.

use serde_json::Value;

use super::{Options, refusal};
use crate::model::{Freshness, Kind, Pod, Pvc, World};
use crate::plan::hooks::{self, Command, Found, Hook, Quiesce, Way};
use crate::plan::{AccessQuestion, Answers, ObjectAt, OperationId, Questions, Refusal, Resource};
use crate::text::{self, quantity};

/// Pods that mount a claim and have not ended.
pub(super) fn pods<'a>(world: &'a World, claim: &Pvc) -> Vec<&'a Pod> {
    let Some(namespace) = &claim.meta.namespace else { return Vec::new() };
    let key = (namespace.clone(), claim.meta.name.clone());
    let pods = world.links.pods_mounting(&key).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let mut pods: Vec<&Pod> = pods.filter(|pod| !pod.ended()).collect();
    pods.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    pods
}

fn at(pod: &Pod) -> ObjectAt {
    ObjectAt::of(Kind::Pod, pod.meta.namespace.as_deref(), &pod.meta.name)
}

/// What has to be asked besides, when the application of these claims is to be held. A WebSocket is a GET, and newer
/// API servers want the right to create as well.
pub(super) fn ask(questions: &mut Questions, world: &World, namespace: &str, claims: &[&Pvc], options: &Options) {
    if options.quiesce.is_none() {
        return;
    }
    let ask = |verb, kind| AccessQuestion::new(verb, &Resource::of(kind), Some(namespace));
    questions.objects.extend(claims.iter().flat_map(|claim| pods(world, claim)).map(at));
    questions.access.extend([
        ask("create", Kind::Pod).of("exec"),
        ask("get", Kind::Pod).of("exec"),
        ask("get", Kind::Pod),
        ask("patch", Kind::VolumeSnapshot),
    ]);
}

/// The hooks of a backup of these claims that holds their application; `object` is what is backed up, for people.
pub(super) fn found(
    world: &World,
    claims: &[&Pvc],
    answers: &Answers,
    quiesce: &Quiesce,
    (object, id): (&str, &OperationId),
) -> Result<Found, Refusal> {
    if *world.freshness(Kind::Pod) != Freshness::Live {
        return Err(refusal(
            object,
            "which pods mount it is not seen, so nothing can be held",
            "ask for get, list and watch on pods, or leave --consistency out",
        ));
    }
    let mounting: Vec<_> =
        claims.iter().flat_map(|claim| pods(world, claim).into_iter().map(|pod| (pod, &*claim.meta.name))).collect();
    if mounting.is_empty() {
        return Err(refusal(
            object,
            "no pod mounts it: there is no application to hold",
            "leave --consistency out; nothing writes it, so the plain copy is as good",
        ));
    }
    let mut fresh = Vec::new();
    for (pod, claim) in mounting {
        let at = at(pod);
        match answers.objects.get(&at) {
            Some(Ok(Some(value))) if uid(value) == pod.meta.uid().as_str() => fresh.push((at, value, claim)),
            Some(Ok(_)) => {
                return Err(refusal(object, format!("{at} was replaced meanwhile"), "try again"));
            }
            Some(Err(why)) => {
                return Err(refusal(object, format!("{at} could not be read: {why}"), "try again"));
            }
            None => return Err(refusal(object, format!("{at} was not read"), "try again")),
        }
    }
    hooks::hooks(&fresh, quiesce, id).map_err(|(why, clear)| refusal(object, why, clear))
}

fn uid(value: &Value) -> &str {
    value.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// What a reader must know of the hooks: label and value.
pub(super) fn facts(quiesce: &Quiesce, hooks: &[Hook]) -> Vec<(String, String)> {
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let at_most = text::age(jiff::SignedDuration::try_from(quiesce.at_most).unwrap_or_default());
    let mut facts = vec![
        fact("consistency", format!("application-consistent: {} over the cut", holds(hooks, &at_most))),
        fact("hooks", quiesce.source.to_string()),
    ];
    for hook in hooks {
        let pod = &hook.place.pod.name;
        let run = |command: &Command| {
            format!("{pod}, container {}: {}", command.container, text::command_line(&command.argv))
        };
        match &hook.way {
            Way::Commands { pre, post } => {
                facts.push(fact("pre hook", run(pre)));
                facts.extend(post.as_ref().map(|post| fact("post hook", run(post))));
            }
            Way::Session { command, hold, release, .. } => {
                facts.push(fact("session", run(command)));
                facts.push(fact("pre hook says", one_line(&hold.say)));
                facts.push(fact("post hook says", one_line(&release.say)));
            }
        }
    }
    facts
}

fn holds(hooks: &[Hook], at_most: &str) -> String {
    if hooks.iter().any(Hook::holds) {
        format!("hooks hold the application for {at_most} at most")
    } else {
        "hooks bring the application's data to disk".to_owned()
    }
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// What changes in the cluster by the hooks, in sentences.
pub(super) fn changes(quiesce: &Quiesce, hooks: &[Hook]) -> Vec<String> {
    let at_most = quantity::deadline(quiesce.at_most);
    let say = |hook: &Hook| {
        let what = format!("runs commands in {}: {}", hook.place.pod, hook.what);
        if hook.holds() { format!("{what}; what it holds is held for {at_most} at most") } else { what }
    };
    hooks.iter().map(say).collect()
}
