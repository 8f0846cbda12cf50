//! From hooks to steps: each pod that is held is a bracket around what follows, released in the reverse order.

use std::time::Duration;

use super::{Command, Hook, Phrase, Way};
use crate::plan::{Act, InPod, Node, Step, StepId, Target, Until};

/// How long it may take to prove that a hold still holds.
const PROVE: Duration = Duration::from_secs(15);
/// What a pre hook may take longer than it runs: for a server that is busy.
const BUSY: Duration = Duration::from_secs(10);

/// What is put around a body.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The hooks, in the order in which they hold.
    pub hooks: &'a [Hook],
    /// How long the application is held at most.
    pub at_most: Duration,
}

/// Puts hooks around the steps that need the application to stand still. At the end of the body each hold is proved
/// once more: only then did it hold for all of it.
pub fn around(what: Around<'_>, body: Vec<Node>) -> Vec<Node> {
    let named = |role: &str, number: usize| {
        StepId(if what.hooks.len() == 1 { role.to_owned() } else { format!("{role}-{}", number + 1) })
    };
    let holding = what.hooks.iter().enumerate().filter(|(_, hook)| hook.holds());
    let mut nodes = body;
    nodes.extend(
        holding.map(|(number, hook)| Node::Do(Box::new(prove(hook, named("held", number), named("pre", number))))),
    );
    for (number, hook) in what.hooks.iter().enumerate().rev() {
        let open = pre(hook, named("pre", number));
        nodes = match post(hook, named("post", number), named("pre", number), what.at_most) {
            Some(close) => {
                let (open, close) = (Box::new(open), Box::new(close));
                vec![Node::Bracket { open, body: nodes, close, limit: what.at_most }]
            }
            None => std::iter::once(Node::Do(Box::new(open))).chain(nodes).collect(),
        };
    }
    nodes
}

fn target(hook: &Hook) -> Target {
    Target::Known { at: hook.place.pod.clone(), uid: hook.place.uid.clone() }
}

fn in_pod(hook: &Hook, command: &Command) -> InPod {
    InPod { pod: target(hook), container: command.container.clone(), command: command.argv.clone() }
}

fn title(hook: &Hook, role: &str, command: &Command) -> String {
    format!("{role} in {}, container {}: {}", hook.place.pod, command.container, hook.what)
}

fn pre(hook: &Hook, id: StepId) -> Step {
    let (act, title, deadline) = match &hook.way {
        Way::Commands { pre, .. } => {
            let act = Act::Exec { run: in_pod(hook, pre), repeat: false, within: pre.timeout, keep: false };
            (act, title(hook, "pre hook", pre), pre.timeout + BUSY)
        }
        Way::Session { command, hold: Phrase { say, until }, .. } => {
            let act = Act::Open { run: in_pod(hook, command), say: say.clone(), until: until.clone() };
            (act, title(hook, "pre hook (a session)", command), command.timeout)
        }
    };
    Step { id, title, act, guards: vec![hook.place.guard.clone()], deadline }
}

/// What releases a hook; `None` where nothing is held.
fn post(hook: &Hook, id: StepId, opened: StepId, at_most: Duration) -> Option<Step> {
    let (act, title, deadline) = match &hook.way {
        Way::Commands { post, .. } => {
            let post = post.as_ref()?;
            let act = Act::Exec { run: in_pod(hook, post), repeat: true, within: post.timeout, keep: false };
            // It is tried again and again: what stands still must not be left so.
            let title = format!("post hook in {}, container {}", hook.place.pod, post.container);
            (act, title, 2 * post.timeout.max(at_most))
        }
        Way::Session { command, release: Phrase { say, until }, .. } => {
            let (say, until) = (say.clone(), until.clone());
            let act = Act::Say { session: opened, say, until, end: true, keep: true };
            let title = format!("post hook in {}, container {}: ends the session", hook.place.pod, command.container);
            (act, title, command.timeout)
        }
    };
    Some(Step { id, title, act, guards: Vec::new(), deadline })
}

fn prove(hook: &Hook, id: StepId, opened: StepId) -> Step {
    let act = match &hook.way {
        Way::Commands { .. } => Act::Wait {
            target: target(hook),
            until: Box::new(Until { what: format!("{} to be looked at", hook.place.pod), ..Until::default() }),
        },
        Way::Session { prove: Phrase { say, until }, .. } => {
            Act::Say { session: opened, say: say.clone(), until: until.clone(), end: false, keep: false }
        }
    };
    let title = match &hook.way {
        Way::Commands { .. } => format!("see that {} is still the one that is held", hook.place.pod),
        Way::Session { .. } => format!("see that the session in {} still holds", hook.place.pod),
    };
    Step { id, title, act, guards: vec![hook.place.guard.clone()], deadline: PROVE }
}
