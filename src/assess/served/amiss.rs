//! Pods that do not serve the stored certificate: seen to, seen to a while ago, or inferred to. What was not seen is never
//! said as if it were.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::inferred::{Guess, inferred};
use super::{PodServed, State, judged_of, users};
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{ClaimKey, Pod, World};

/// How what is wrong is known. The one that matters most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// By a handshake that counts.
    Seen,
    /// By one that no longer does.
    Before,
    /// It was not asked.
    Inferred,
}

impl Known {
    const ALL: [Self; 3] = [Self::Seen, Self::Before, Self::Inferred];

    /// How much it matters. What nobody saw is never more than a warning.
    pub fn severity(self) -> Severity {
        match self {
            Self::Seen => Severity::Critical,
            Self::Before => Severity::Unknown,
            Self::Inferred => Severity::Warn,
        }
    }

    fn holds(self, one: &PodServed) -> bool {
        match self {
            Self::Seen => one.state == State::Stale,
            Self::Before => one.state == State::Unknown && one.was == Some(State::Stale),
            Self::Inferred => one.state == State::InferredStale,
        }
    }

    fn reason(self, secret: &ClaimKey, all: &[&PodServed]) -> Option<Reason> {
        let first = all.first()?;
        let pods: BTreeSet<&Arc<str>> = all.iter().map(|one| &one.pod).collect();
        let more = if pods.len() > 1 { format!(" (and {} more)", pods.len() - 1) } else { String::new() };
        let port = first.endpoint.as_ref().map(|endpoint| format!(", port {}", endpoint.port)).unwrap_or_default();
        let pod = format!("pod {}{port}{more}", first.pod);
        let ask = format!("holdfast probe {}/{}", secret.0, secret.1);
        let why = &first.why.text;
        let next = first.why.next.as_deref().unwrap_or_default();
        Some(match self {
            Self::Seen => Reason::new(format!("{pod}: {why}")).next(next),
            Self::Before => Reason::new(format!("{pod}: {why}")).next(format!("ask again: {ask}")),
            Self::Inferred => {
                let why = why.strip_prefix("inferred, not seen: ").unwrap_or(why);
                let text = format!("inferred, not seen: {pod} serves a former certificate: {why}");
                Reason::new(text).next(format!("{next}; {ask} makes sure"))
            }
        })
    }
}

/// The pods that do not serve the certificate of a Secret; `None` where none is known.
pub fn amiss(world: &World, secret: &ClaimKey, now: Timestamp) -> Judgement<Option<Known>> {
    let pods = users(world, secret).into_iter().filter(|pod| suspect(world, secret, pod));
    let judged = judged_of(world, secret, pods, now);
    let until = judged.valid_until;
    let mut found = Judgement::new(None).until(until);
    for known in Known::ALL {
        let all: Vec<&PodServed> = judged.value.iter().filter(|one| known.holds(one)).collect();
        if let Some(reason) = known.reason(secret, &all) {
            found = found.because(reason).map(|worse: Option<Known>| worse.or(Some(known)));
        }
    }
    found
}

/// Whether there is something to judge: most pods were never asked, and see what changes.
fn suspect(world: &World, secret: &ClaimKey, pod: &Pod) -> bool {
    world.served.asked(&pod.meta.uid()) || inferred(world, secret, pod).0 == Guess::Stale
}
