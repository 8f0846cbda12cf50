//! The rotation of a CA with overlap: trust both, start anew whoever trusts, switch the signer, issue everything anew,
//! see it served, wait, trust the former one no more (research: tls, section 3.5).
//!
//! Each phase has a gate ([`crate::assess::succession`]); the first that is not passed says what comes next. Until the
//! former CA is dropped everything can go back, because it stays trusted.

use jiff::Timestamp;

use super::Next;
use crate::assess::succession::{Ca, Gate, Leaf, Phase, Reissue, Sights, Succession, look, of};
use crate::model::{ClaimKey, World};
use crate::plan::Request;
use crate::plan::rotate::Signer;
use crate::plan::succession::Options;
use crate::plan::{renew, rotate};

/// How far a rotation has come.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The Secret of the former CA: namespace and name.
    pub former: ClaimKey,
    /// The Secret of the one that takes its place.
    pub successor: Option<ClaimKey>,
    /// Every gate, in order; none once the former CA is gone, or where nothing can be said.
    pub gates: Vec<Gate>,
    /// What comes next.
    pub next: Next,
}

/// How far the rotation of a CA has come, by the Secret of either of the two.
pub fn standing(world: &World, secret: &ClaimKey, chosen: &Options, now: Timestamp) -> Standing {
    match of(world, secret) {
        None => {
            let why = "there is no CA in this Secret that can be read".to_owned();
            let clear = "name a Secret of type kubernetes.io/tls that holds a CA and its key".to_owned();
            nothing(secret, Next::Refused { why, clear })
        }
        // Only who asks for the new one by its own name can mean its own place.
        Some(Succession::Over { successor }) if chosen.again && successor.key() == *secret => {
            running(world, (successor, None), chosen, now)
        }
        Some(Succession::Over { successor }) => {
            let done = "the former CA is trusted nowhere and its key is gone".to_owned();
            Standing { successor: Some(successor.key()), ..nothing(secret, Next::Done(done)) }
        }
        Some(Succession::Running { former, successor }) => running(world, (former, successor), chosen, now),
    }
}

fn running(world: &World, (former, successor): (Ca<'_>, Option<Ca<'_>>), chosen: &Options, now: Timestamp) -> Standing {
    match look(world, former, successor, now) {
        Err(why) => {
            let clear = "wait until it is seen, or ask for the right to".to_owned();
            nothing(&former.key(), Next::Refused { why, clear })
        }
        Ok(sights) => Standing {
            former: former.key(),
            successor: successor.map(|ca| ca.key()),
            gates: sights.gates(),
            next: next(&sights, chosen),
        },
    }
}

/// Where nothing can be said of gates.
fn nothing(secret: &ClaimKey, next: Next) -> Standing {
    Standing { former: secret.clone(), successor: None, gates: Vec::new(), next }
}

/// What comes next. The first gate that is not passed says it.
fn next(sights: &Sights<'_>, chosen: &Options) -> Next {
    let Some(gate) = sights.next() else { return Next::Done("nothing is left to do".to_owned()) };
    let plan = |phase| {
        let options = Options { phase, ..chosen.clone() };
        Next::Plan(Box::new(Request::RotateCa { secret: sights.former.secret.meta.uid(), options }))
    };
    match gate.phase {
        Phase::Make | Phase::Trust | Phase::Switch | Phase::Prove | Phase::Retire => plan(gate.phase),
        Phase::Start if chosen.restart && sights.before.iter().any(|pod| pod.replaceable) => plan(Phase::Trust),
        Phase::Drop if sights.stores.iter().any(|store| store.former && store.stays.is_none()) => plan(Phase::Drop),
        Phase::Start | Phase::Soak | Phase::Drop => Next::Wait { what: gate.left, until: gate.until },
        Phase::Stores | Phase::Outside => Next::Ask { what: gate.phase.says().to_owned(), about: gate.left },
        Phase::Reissue => reissue(sights, chosen),
    }
}

/// One certificate after the other, and each is seen to be served before the next: what is wrong shows at the first, which
/// is the one that the fewest use.
fn reissue(sights: &Sights<'_>, chosen: &Options) -> Next {
    let here = sights.below.iter().find_map(|leaf| request(sights, leaf, chosen));
    here.map_or_else(
        || Next::Wait { what: sights.below.iter().map(Leaf::said).collect(), until: None },
        |request| Next::Plan(Box::new(request)),
    )
}

fn request(sights: &Sights<'_>, leaf: &Leaf, chosen: &Options) -> Option<Request> {
    let reason = Some(chosen.reason.clone().unwrap_or_else(|| "its CA is rotated".to_owned()));
    match &leaf.reissue {
        Reissue::Elsewhere(_) => None,
        Reissue::Renew(certificate) => {
            let options = renew::Options {
                reason,
                rolled_within: chosen.rolled_within,
                served_within: chosen.served_within,
                ..renew::Options::default()
            };
            Some(Request::Renew { certificate: certificate.clone(), options })
        }
        Reissue::Rotate(secret) => {
            let ca = sights.successor?.key();
            let options = rotate::Options {
                signer: Signer::Secret(ca.0.to_string(), ca.1.to_string()),
                reason,
                rolled_within: chosen.rolled_within,
                served_within: chosen.served_within,
                ..rotate::Options::default()
            };
            Some(Request::Rotate { secret: secret.clone(), options })
        }
    }
}

/// What asks for the answer of somebody, where one is asked for.
pub fn attest(world: &World, standing: &Standing, answer: &str, chosen: &Options) -> Option<Request> {
    let Next::Ask { .. } = &standing.next else { return None };
    let phase = standing.gates.iter().find(|gate| !gate.passed)?.phase;
    let secret = world.inventory.tls_secrets.named(Some(&standing.former.0), &standing.former.1)?.meta.uid();
    let options = Options { phase, reason: Some(answer.to_owned()), ..chosen.clone() };
    Some(Request::RotateCa { secret, options })
}

#[cfg(test)]
mod tests;
