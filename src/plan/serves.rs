//! What a plan that puts another certificate into a Secret does about those who serve it: how each Service stood when
//! the plan was made, and a step for each that ends when every ready pod was seen to serve the new one.
//!
//! It goes by handshakes from before. Where the former certificate was served, the operation is not done before the new
//! one is; where nothing could be seen, it looks for a moment and says so if it sees nothing; and where nothing can be
//! seen, the plan says why. What was not seen is never said to be served.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Act, ListAt, Resource, Step, StepId};
use crate::assess::served::{PodServed, State, served, users};
use crate::model::{ClaimKey, Kind, SecretVia, Service, World};
use crate::text;

/// How long pods may take to serve it: a kubelet refreshes files within about two minutes, and programs look in turn.
pub const WITHIN: Duration = Duration::from_secs(300);
/// How long it is looked for where nothing was seen to be served before.
const LOOK: Duration = Duration::from_secs(30);

/// Facts, steps and warnings for a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Serves {
    pub steps: Vec<Step>,
    /// The pods that were seen behind each of these.
    pods: Vec<Vec<Arc<str>>>,
    /// Label and sentence for each Service.
    pub facts: Vec<(String, String)>,
    /// What will not be seen, and why.
    pub warnings: Vec<String>,
}

/// A port of the pods behind a Service, and the server that is asked for there.
type At = (Arc<str>, u16, Box<str>);

/// What becomes of one.
enum Fate {
    /// The operation waits until it is served.
    Strict(String),
    /// It looks for a moment.
    Lenient(String),
    /// It cannot be seen, and why.
    Unseen(String),
    /// It serves another certificate.
    Elsewhere,
}

impl Serves {
    /// For the pods that use a Secret whose certificate becomes the one with this fingerprint (a text, or what stands
    /// for one, see [`super::from_step`]). `frozen_restart` is whether the plan restarts all that never take changed
    /// files.
    pub fn of(
        world: &World,
        secret: &ClaimKey,
        serves: &Value,
        frozen_restart: bool,
        within: Duration,
        now: Timestamp,
    ) -> Self {
        let mut groups: BTreeMap<At, Vec<PodServed>> = BTreeMap::new();
        let mut own = Self::default();
        for one in served(world, secret, now).value {
            match one.endpoint.clone().and_then(|at| Some((at.service?, at.port, at.name))) {
                Some(at) => groups.entry(at).or_default().push(one),
                None => own.unseen(&format!("pod {}", text::sanitize(&one.pod)), "no Service leads to it"),
            }
        }
        for (at, pods) in groups {
            own.add(world, secret, serves, frozen_restart, (&at, &pods));
        }
        // Those that are only looked for keep their own time.
        own.steps.iter_mut().filter(|step| !step.act.lenient()).for_each(|step| step.deadline = within);
        own
    }

    /// The steps that end when a pod, among others, was seen to serve it.
    pub fn strict_of(&self, pod: &Arc<str>) -> impl Iterator<Item = &Step> {
        let both = self.steps.iter().zip(&self.pods);
        both.filter(move |(step, pods)| !step.act.lenient() && pods.contains(pod)).map(|(step, _)| step)
    }

    fn unseen(&mut self, what: &str, why: &str) {
        self.warnings.push(format!("whether {what} serves the new certificate will not be seen: {why}"));
    }

    fn add(
        &mut self,
        world: &World,
        secret: &ClaimKey,
        serves: &Value,
        frozen_restart: bool,
        (at, pods): (&At, &[PodServed]),
    ) {
        let (service, port, _) = at;
        let what = format!("Service {}:{port}", text::sanitize(service));
        let found = world.inventory.services.named(Some(&secret.0), service);
        let kept = (!frozen_restart).then(|| keeps(world, secret, pods)).flatten();
        let fate = match (found, kept) {
            (None, _) => Fate::Unseen("it is gone".to_owned()),
            (_, Some(pod)) => Fate::Unseen(format!("pod {pod} keeps the former one until it starts anew")),
            (Some(found), None) => others(world, secret, found).unwrap_or_else(|| fate(pods)),
        };
        let (Some(found), Some((lenient, said))) = (
            found,
            match fate {
                Fate::Strict(said) => Some((false, said)),
                Fate::Lenient(said) => Some((true, said)),
                Fate::Unseen(why) => {
                    self.unseen(&what, &why);
                    None
                }
                Fate::Elsewhere => None,
            },
        ) else {
            return;
        };
        if lenient {
            self.warnings.push(format!("{what}: {said}; it is looked for afterwards, and said if it is not seen"));
        } else {
            self.facts.push(("served by".to_owned(), format!("{what}: {said}")));
        }
        let number = self.steps.len() + 1;
        self.steps.push(step(number, at, found, serves, lenient));
        self.pods.push(pods.iter().map(|one| one.pod.clone()).collect());
    }
}

/// A pod that keeps the former certificate whatever happens to the Secret; safe to draw.
fn keeps(world: &World, secret: &ClaimKey, pods: &[PodServed]) -> Option<String> {
    let here = |name: &Arc<str>| pods.iter().any(|one| one.pod == *name);
    let frozen = |via: SecretVia| via != SecretVia::Mount;
    let mut users = users(world, secret).into_iter().filter(|pod| here(&pod.meta.name));
    let found = users.find(|pod| pod.secrets.iter().any(|used| used.secret == secret.1 && frozen(used.via)))?;
    Some(text::sanitize(&found.meta.name).into_owned())
}

/// Why the pods of a Service cannot be told from others that do not use the Secret.
fn others(world: &World, secret: &ClaimKey, service: &Service) -> Option<Fate> {
    let using = world.links.pods_using(secret);
    let mut selected = world.inventory.pods.iter().filter(|pod| !pod.ended() && service.selects(&pod.meta));
    let other = selected.find(|pod| !using.contains(&pod.meta.uid()))?;
    Some(Fate::Unseen(format!("pod {} behind it does not use the Secret", text::sanitize(&other.meta.name))))
}

fn fate(pods: &[PodServed]) -> Fate {
    let of = |state: State| pods.iter().filter(move |one| one.state == state);
    let count = |state: State| of(state).count();
    let all = pods.len();
    if count(State::Other) == all {
        return Fate::Elsewhere;
    }
    let wrong = [State::Other, State::NotVerifiable].into_iter().find_map(|state| of(state).next());
    if let Some(one) = wrong {
        return Fate::Unseen(format!("pod {}: {}", text::sanitize(&one.pod), one.why.text));
    }
    let (same, stale) = (count(State::Match), count(State::Stale));
    if same + stale > 0 {
        let of_all = format!("{same} of {} the stored certificate", text::plural(all, "pod serves", "pods serve"));
        let stale = of(State::Stale).next().map(|one| format!("; pod {}: {}", text::sanitize(&one.pod), one.why.text));
        return Fate::Strict(format!("{of_all}{}", stale.unwrap_or_default()));
    }
    let inferred = [State::InferredCurrent, State::InferredStale].into_iter().find_map(|state| of(state).next());
    if let Some(one) = inferred {
        let why = one.why.text.split_once("no handshake: ").map_or("no handshake was made", |(_, why)| why);
        return Fate::Unseen(why.to_owned());
    }
    let first = pods.first().map(|one| format!("pod {}: {}", text::sanitize(&one.pod), one.why.text));
    Fate::Lenient(format!("nothing is seen to be served there now ({})", first.unwrap_or_default()))
}

fn step(number: usize, at: &At, service: &Service, serves: &Value, lenient: bool) -> Step {
    let (name, port, asked) = at;
    let labels: Vec<String> = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods = ListAt::all(Resource::of(Kind::Pod), service.meta.namespace.as_deref());
    let what = format!("every ready pod of Service {} to serve the new certificate", text::sanitize(name));
    Step {
        id: StepId(format!("served-{number}")),
        title: format!("see {what} on port {port}"),
        act: Act::Handshake {
            pods: ListAt { selector: labels.join(","), ..pods },
            which: Vec::new(),
            port: *port,
            name: asked.to_string(),
            serves: serves.clone(),
            lenient,
            what,
        },
        guards: Vec::new(),
        deadline: if lenient { LOOK } else { WITHIN },
    }
}

#[cfg(test)]
mod tests;
