//! Orders and Challenges: what a request to an ACME issuer waits for, and why it comes to nothing.
//!
//! States are those of cert-manager's `State`, which are those of RFC 8555, 7.1.6, and `errored`. One that is not known
//! here is Unknown. What was fulfilled is history.

use jiff::Timestamp;

use super::{Expiry, Judgement, Reason, Severity, Sight, is_done, recent, stands_alone, waiting};
use crate::assess::expiry::CertificateState;
use crate::model::{Challenge, Kind, Order, World};
use crate::text;

/// Where an Order or Challenge is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Under way, or not taken up yet.
    Waits,
    /// It did what it was for.
    Fulfilled,
    /// It came to nothing.
    Failed,
    /// In a word that is not known here.
    Other,
}

impl Phase {
    fn of(state: &str) -> Self {
        match state {
            "" | "pending" | "ready" | "processing" => Self::Waits,
            "valid" => Self::Fulfilled,
            "invalid" | "expired" | "errored" => Self::Failed,
            _ => Self::Other,
        }
    }

    fn open(self) -> bool {
        self != Self::Fulfilled
    }
}

/// Judges an Order by what cert-manager says of it, and by its age.
pub fn order(world: &World, order: &Order, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::Order, order.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let issuer = text::sanitize(&format!("{} {}", order.issuer.0, order.issuer.1)).into_owned();
    let open: Vec<String> = open_challenges(world, order).map(|challenge| challenge.meta.name.to_string()).collect();
    let waits_for = match &*order.state {
        "" => format!("cert-manager has not taken it up, or cannot reach {issuer}"),
        "pending" if open.is_empty() => "the CA has not confirmed its names".to_owned(),
        "pending" => format!("it waits for {}", text::plural(open.len(), "Challenge", "Challenges")),
        _ => "its names are proved, and the CA has not issued the certificate".to_owned(),
    };
    let next = match &*open {
        [] => format!("see whether {issuer} is ready and its CA can be reached, and the logs of cert-manager"),
        open => text::sanitize(&format!("see what its Challenges wait for: {}", text::list(open))).into_owned(),
    };
    let judged = match Phase::of(&order.state) {
        Phase::Waits => {
            let reason = said(&order.state, &order.reason, waits_for).next(next);
            waiting(CertificateState::Pending, reason, order.meta.created, now)
        }
        Phase::Fulfilled => {
            Expiry::new(CertificateState::Done, Severity::Info).because("the CA issued its certificate")
        }
        Phase::Failed => {
            let reason = said(&order.state, &order.reason, "nothing says why".to_owned());
            let next = "put right what it says, also of its Challenges; cert-manager tries again by a new request";
            let ago = order.failed.map(|at| format!("it failed {} ago", text::age(now.duration_since(at))));
            Expiry::new(CertificateState::Failed, Severity::Critical)
                .because(reason.next(next))
                .because_all(ago.map(Reason::from))
        }
        Phase::Other => unknown(&order.state, &order.reason),
    };
    recent(judged, &sight)
}

/// Judges a Challenge by what cert-manager says of it, and by its age.
pub fn challenge(world: &World, challenge: &Challenge, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::within(world, Kind::Challenge, challenge.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let waits_for = match (challenge.processing, challenge.presented) {
        (false, _) => "cert-manager has not taken it up: others come first, or its issuer is not ready",
        (true, false) => "the proof is not where the CA looks for it yet",
        (true, true) => "the proof is in place, and the CA has not confirmed it",
    };
    let judged = match Phase::of(&challenge.state) {
        Phase::Waits => {
            let reason = said(&challenge.state, &challenge.reason, waits_for.to_owned()).next(reach(challenge));
            waiting(CertificateState::Pending, reason, challenge.meta.created, now)
        }
        Phase::Fulfilled => Expiry::new(CertificateState::Done, Severity::Info).because("the CA confirmed the name"),
        Phase::Failed => {
            let reason = said(&challenge.state, &challenge.reason, "nothing says why".to_owned());
            let next = format!("{}; cert-manager tries again by a new request", reach(challenge));
            Expiry::new(CertificateState::Failed, Severity::Critical).because(reason.next(next))
        }
        Phase::Other => unknown(&challenge.state, &challenge.reason),
    };
    recent(judged, &sight)
}

/// Whether an Order has a row of its own: it is not fulfilled, no Challenge of it says more, and it is not of a request
/// that another one or the certificate has overtaken.
pub fn order_stands_alone(world: &World, order: &Order) -> bool {
    let told = Phase::of(&order.state) == Phase::Waits && open_challenges(world, order).next().is_some();
    Phase::of(&order.state).open() && !told && awaited(world, order)
}

/// Whether a Challenge has a row of its own: it and its Order are not fulfilled, and that is not of a request that
/// another one or the certificate has overtaken.
pub fn challenge_stands_alone(world: &World, challenge: &Challenge) -> bool {
    let order = world.order_of(challenge);
    let awaited = order.is_none_or(|order| Phase::of(&order.state).open() && awaited(world, order));
    Phase::of(&challenge.state).open() && awaited
}

fn awaited(world: &World, order: &Order) -> bool {
    world.request_of(order).is_none_or(|request| !is_done(request) && stands_alone(world, request))
}

fn open_challenges<'a>(world: &'a World, order: &Order) -> impl Iterator<Item = &'a Challenge> {
    let challenges = world.challenges_of(&order.meta.uid()).into_iter();
    challenges.filter(|challenge| Phase::of(&challenge.state).open())
}

/// Its state with the reason that it gives, or with ours where it gives none.
fn said(state: &str, reason: &str, otherwise: String) -> Reason {
    let reason = if reason.is_empty() { otherwise } else { text::sanitize(reason).into_owned() };
    Reason::new(if state.is_empty() { reason } else { format!("{state}: {reason}") })
}

fn unknown(state: &str, reason: &str) -> Judgement<Expiry> {
    let text = format!("its state is {state:?}, which is not known here");
    let judged = Expiry::unknown(&text::sanitize(&text));
    let reason = (!reason.is_empty()).then(|| Reason::new(text::sanitize(reason)));
    judged.because_all(reason)
}

/// What lets the CA see the proof (RFC 8555, 8.3 and 8.4).
fn reach(challenge: &Challenge) -> String {
    let text = match &*challenge.method {
        "HTTP-01" => format!(
            "see that the CA reaches http://{}/.well-known/acme-challenge/ on port 80, and that it leads to the solver",
            challenge.name
        ),
        "DNS-01" => format!(
            "see that the TXT record _acme-challenge.{} is there, and that the CA can look it up",
            challenge.name
        ),
        method => format!("see whether {} {} can prove a name by {method}", challenge.issuer.0, challenge.issuer.1),
    };
    text::sanitize(&text).into_owned()
}

#[cfg(test)]
mod tests;
