//! How far the rotation of a CA has come, as the console shows it: the two CAs, every gate with what has not converged,
//! what comes next. And which rotations are under way, for the list of problems.
//!
//! It decides nothing: [`crate::runbook::ca`] says where a rotation stands.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::procedure::{self, GateLine, Stage};
use super::{Level, Problem, Remedy};
use crate::assess::succession::{Ca, Succession, of, succeeded};
use crate::model::{ClaimKey, Key, Kind, TlsSecret, World};
use crate::plan::succession::Options;
use crate::runbook::Next;
use crate::runbook::ca::{Standing, standing};
use crate::text;

/// What has not converged is told up to this many: more cannot be read.
const TOLD: usize = 200;
/// The state's word of a rotation that is under way.
const STATE: &str = "Rotating";

/// The rotation of one CA.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// How far it has come, and what comes next.
    pub standing: Arc<Standing>,
    /// The former CA, while it is there.
    pub former: Option<Authority>,
    /// The one that takes its place.
    pub successor: Option<Authority>,
    /// Every gate, in order.
    pub gates: Vec<GateLine>,
}

/// A CA, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The subject of its certificate; safe to draw.
    pub subject: String,
    /// Its Secret, `shop/shop-ca`; safe to draw.
    pub secret: String,
    /// Until when it is valid.
    pub until: Timestamp,
}

impl Rotation {
    /// The rotation that stands so.
    pub fn new(world: &World, standing: Arc<Standing>) -> Self {
        Self {
            former: authority(world, &standing.former),
            successor: standing.successor.as_ref().and_then(|key| authority(world, key)),
            gates: procedure::gates_told(&standing, TOLD),
            standing,
        }
    }

    /// The place of the gate at which it stands, from one, and that gate.
    pub fn here(&self) -> Option<(usize, &GateLine)> {
        let at = self.gates.iter().position(|gate| gate.stage == Stage::Here)?;
        Some((at + 1, &self.gates[at]))
    }
}

/// The namespace and name of a Secret.
pub fn key(secret: &TlsSecret) -> ClaimKey {
    (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone())
}

fn authority(world: &World, key: &ClaimKey) -> Option<Authority> {
    let ca = Ca::of(world.inventory.tls_secrets.named(Some(&key.0), &key.1)?)?;
    Some(Authority {
        subject: text::sanitize(&ca.facts.subject).into_owned(),
        secret: text::sanitize(&ca.secret.meta.reference(Kind::TlsSecret).path()).into_owned(),
        until: ca.facts.not_after,
    })
}

/// Where a rotation stands in one line, when one of this CA is under way: `gate 4 of 11, start: every pod … since`.
pub fn line(world: &World, secret: &TlsSecret, now: Timestamp) -> Option<String> {
    // A CA that nothing takes the place of has begun nothing.
    Ca::of(secret)?;
    match of(world, &key(secret))? {
        Succession::Running { successor: Some(_), .. } => {}
        Succession::Running { .. } | Succession::Over { .. } => return None,
    }
    let standing = standing(world, &key(secret), &Options::default(), now);
    Some(match at(&standing) {
        Some((at, gate)) => format!("gate {at} of {}, {}: {}", standing.gates.len(), gate.word, gate.says),
        None => procedure::next(&standing.next, "").join("; "),
    })
}

fn at(standing: &Standing) -> Option<(usize, GateLine)> {
    let gates = procedure::gates(standing).into_iter().enumerate();
    gates.map(|(at, gate)| (at + 1, gate)).find(|(_, gate)| gate.stage == Stage::Here)
}

/// The rotations that are under way. What one waits for is only told; what it asks of a person is a warning.
pub(super) fn problems(world: &World, now: Timestamp) -> impl Iterator<Item = Problem> {
    let successors = world.inventory.tls_secrets.iter().filter(|secret| succeeded(secret).is_some());
    successors.filter_map(move |secret| {
        let Succession::Running { former, successor: Some(_) } = of(world, &key(secret))? else { return None };
        let standing = standing(world, &former.key(), &Options::default(), now);
        // Its own place: the former CA may have a row of its own.
        let key = Key::Place(Kind::TlsSecret, former.secret.meta.uid(), STATE.into());
        let (level, reason, next) = said(world, &standing);
        Some(Problem {
            key,
            level,
            title: Box::default(),
            object: Some(former.secret.meta.reference(Kind::TlsSecret)),
            state: STATE,
            reason: reason.into(),
            next: next.into(),
            since: None,
            weight: 0,
            remedy: Some(Remedy::Rotation),
        })
    })
}

/// How bad it is, why and what to do.
fn said(world: &World, standing: &Standing) -> (Level, String, String) {
    let gate = at(standing).map(|(_, gate)| gate);
    let says = gate.as_ref().map_or("nothing can be said of it", |gate| gate.says);
    let left = gate.as_ref().map(|gate| of_many(&gate.left)).unwrap_or_default();
    let not_yet = |verb: &str| format!("CA rotation {verb}, it is not so yet that {says}{left}");
    let path = text::sanitize(&format!("{}/{}", standing.former.0, standing.former.1)).into_owned();
    let command = format!("holdfast rotate-ca {path}");
    match &standing.next {
        Next::Plan(request) => {
            let next = format!("go on: {} {}, or {command}", request.verb(), text::sanitize(&request.object(world)));
            (Level::Warn, not_yet("can go on"), next)
        }
        Next::Ask { .. } => {
            let next = format!("answer for it, or {command} --attest TEXT");
            (Level::Warn, not_yet("waits for an answer"), next)
        }
        Next::Wait { until, .. } => {
            let until = until.map(|until| format!(" until {until:.0}")).unwrap_or_default();
            (
                Level::Info,
                not_yet("waits"),
                format!("nothing has to be done here{until}; open it for what it waits for"),
            )
        }
        Next::Done(said) => (Level::Info, format!("CA rotation is done: {said}"), "nothing".to_owned()),
        Next::Refused { why, clear } => (Level::Unknown, format!("CA rotation cannot go on: {why}"), clear.clone()),
    }
}

/// The first of what has not converged, and how many more.
fn of_many(left: &[String]) -> Cow<'static, str> {
    match left {
        [] => "".into(),
        [one] => format!(": {one}").into(),
        [first, more @ ..] => format!(": {first} and {} more", more.len()).into(),
    }
}
