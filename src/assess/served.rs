//! Whether the certificate that is stored is the one that is served, pod by pod.
//!
//! A handshake proves it, for as long as [`COUNTS`]; without one no more is said than what can be inferred, and that is
//! never taken for proof (research: tls, section 3.8). What a pod serves of another Secret is not held against it.

mod amiss;
mod endpoints;
mod inferred;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::sight::Sight;
use super::{Judgement, Reason, STALE_LIMIT, Severity};
use crate::model::{CertificateFacts, ClaimKey, Kind, NotServed, Pod, Shaken, World};
use crate::text;

pub use amiss::{Known, amiss};
pub use endpoints::{Endpoint, endpoints, users};
pub use inferred::Guess;

/// How long a handshake counts.
pub const COUNTS: SignedDuration = STALE_LIMIT;
/// Characters of a fingerprint for people.
pub const SHORT: usize = 12;

/// What one port of a pod does with the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It serves it.
    Match,
    /// It serves another one.
    Stale,
    /// It serves the certificate of another Secret that the pod uses.
    Other,
    /// It cannot be asked.
    Unreachable,
    /// It speaks no TLS from the start.
    NotVerifiable,
    /// Not known.
    Unknown,
    /// Not asked; probably it serves it.
    InferredCurrent,
    /// Not asked; probably it serves a former one.
    InferredStale,
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Match => "Match",
            Self::Stale => "Stale",
            Self::Other => "Other",
            Self::Unreachable => "Unreachable",
            Self::NotVerifiable => "Not verifiable",
            Self::Unknown => "Unknown",
            Self::InferredCurrent => "Inferred current",
            Self::InferredStale => "Inferred stale",
        }
    }

    /// How much it matters. Nothing but a handshake makes it good.
    pub fn severity(self) -> Severity {
        match self {
            Self::Match => Severity::Ok,
            Self::Stale => Severity::Critical,
            Self::Other | Self::InferredCurrent => Severity::Info,
            Self::InferredStale => Severity::Warn,
            Self::Unreachable | Self::NotVerifiable | Self::Unknown => Severity::Unknown,
        }
    }

    /// Whether it was judged, and not only guessed.
    pub fn proven(self) -> bool {
        matches!(self, Self::Match | Self::Stale | Self::Other)
    }
}

/// One port of a pod, or a pod of which no port is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodServed {
    /// The pod's name.
    pub pod: Arc<str>,
    /// Where it is asked; `None` when no port of it shows.
    pub endpoint: Option<Endpoint>,
    /// What it does.
    pub state: State,
    /// Fingerprint of what it serves, where that was seen.
    pub fingerprint: Option<Box<str>>,
    /// End of what it serves.
    pub until: Option<Timestamp>,
    /// When it was shaken hands with.
    pub seen: Option<Timestamp>,
    /// What the last handshake showed, where that no longer counts.
    pub was: Option<State>,
    /// Why.
    pub why: Reason,
}

/// Judges every pod that uses a Secret.
pub fn served(world: &World, secret: &ClaimKey, now: Timestamp) -> Judgement<Vec<PodServed>> {
    judged_of(world, secret, users(world, secret), now)
}

fn judged_of<'w>(
    world: &'w World,
    secret: &'w ClaimKey,
    pods: impl IntoIterator<Item = &'w Pod>,
    now: Timestamp,
) -> Judgement<Vec<PodServed>> {
    let mut judged = Judgement::new(Vec::new());
    for pod in pods {
        let case = Case { world, secret, pod, now };
        let found = endpoints(world, secret, pod);
        if found.is_empty() {
            judged.value.push(case.portless());
        }
        for endpoint in found {
            let one = case.judge(endpoint);
            let fresh = one.seen.map(|seen| seen.saturating_add(COUNTS).unwrap_or(Timestamp::MAX));
            judged = judged.until(fresh.filter(|until| *until > now));
            judged.value.push(one);
        }
    }
    judged
}

/// The state that matters most of all.
pub fn worst(all: &[PodServed]) -> Option<&PodServed> {
    all.iter().rev().max_by_key(|one| one.state.severity().rank())
}

struct Case<'w> {
    world: &'w World,
    secret: &'w ClaimKey,
    pod: &'w Pod,
    now: Timestamp,
}

impl Case<'_> {
    fn line(&self, endpoint: Option<Endpoint>, state: State, why: Reason) -> PodServed {
        let pod = self.pod.meta.name.clone();
        PodServed { pod, endpoint, state, fingerprint: None, until: None, seen: None, was: None, why }
    }

    fn portless(&self) -> PodServed {
        let namespace = Some(&self.secret.0);
        if let Some(blind) = Sight::within(self.world, Kind::Service, namespace, self.now).blind() {
            return self.line(None, State::Unknown, blind.clone());
        }
        let why = Reason::new("no Service leads to it, and no port that it declares looks like TLS");
        self.line(None, State::Unknown, why.next("dial it with --address, if it serves the certificate at all"))
    }

    fn judge(&self, endpoint: Endpoint) -> PodServed {
        let shaken = self.world.served.get(&endpoint.pod, endpoint.port, &endpoint.name);
        match shaken {
            _ if !self.pod.ready => {
                let was = shaken.and_then(|shaken| shaken.served.as_ref().ok()).map(|leaf| self.compare(leaf).0);
                PodServed { was, ..self.line(Some(endpoint), State::Unknown, Reason::new("the pod is not ready")) }
            }
            Some(shaken) if !matches!(shaken.served, Err(NotServed::Denied(_))) => self.seen(endpoint, shaken),
            shaken => self.guess(endpoint, shaken),
        }
    }

    /// Without a handshake.
    fn guess(&self, endpoint: Endpoint, denied: Option<&Shaken>) -> PodServed {
        let (guess, mut why) = inferred::inferred(self.world, self.secret, self.pod);
        if let Some(Err(NotServed::Denied(denied))) = denied.map(|shaken| &shaken.served) {
            why.text = format!("{}; no handshake: {denied}", why.text);
        }
        let state = match guess {
            Guess::Current => State::InferredCurrent,
            Guess::Stale => State::InferredStale,
            Guess::Nothing => State::Unknown,
        };
        self.line(Some(endpoint), state, why)
    }

    fn seen(&self, endpoint: Endpoint, shaken: &Shaken) -> PodServed {
        let age = self.now.duration_since(shaken.at);
        let (mut state, mut why) = match &shaken.served {
            Ok(leaf) => self.compare(leaf),
            Err(not @ NotServed::NotTls(_)) => {
                let next = "look at it with a client of its own protocol";
                (State::NotVerifiable, Reason::new(not.to_string()).next(next))
            }
            Err(not) => (State::Unreachable, Reason::new(not.to_string())),
        };
        let mut was = None;
        if age > COUNTS {
            was = Some(state);
            why = Reason::new(format!("the last handshake was {} ago: {}", text::age(age), why.text)).next("ask again");
            state = State::Unknown;
        }
        let leaf = shaken.served.as_ref().ok();
        PodServed {
            fingerprint: leaf.map(|leaf| leaf.fingerprint.clone()),
            until: leaf.map(|leaf| leaf.not_after),
            seen: Some(shaken.at),
            was,
            ..self.line(Some(endpoint), state, why)
        }
    }

    fn compare(&self, served: &CertificateFacts) -> (State, Reason) {
        let Some(stored) = endpoints::leaf(self.world, self.secret) else {
            return (State::Unknown, Reason::new("the stored certificate cannot be read"));
        };
        if stored.fingerprint == served.fingerprint {
            return (State::Match, Reason::new("it serves the stored certificate"));
        }
        if let Some(other) = self.other(served) {
            return (State::Other, Reason::new(format!("there it serves the certificate of Secret {other}")));
        }
        let short: String = served.fingerprint.chars().take(SHORT).collect();
        let (what, next) = if served.names == stored.names {
            ("another certificate of the same names", "restart the pod, if it does not reload by itself")
        } else {
            let next = "see that its program reads this Secret, and restart the pod if it does not reload by itself";
            ("another certificate", next)
        };
        let why = format!("it serves {what}: {short}…, until {:.0}", served.not_after);
        (State::Stale, Reason::new(why).next(next))
    }

    /// Another Secret of the pod whose certificate it is.
    fn other(&self, served: &CertificateFacts) -> Option<Arc<str>> {
        let others = self.pod.secrets.iter().filter(|used| used.secret != self.secret.1);
        let fits = |name: &Arc<str>| {
            let key = (self.secret.0.clone(), name.clone());
            endpoints::leaf(self.world, &key).is_some_and(|leaf| leaf.fingerprint == served.fingerprint)
        };
        others.map(|used| used.secret.clone()).find(fits)
    }
}

#[cfg(test)]
mod tests;
