//! The plans of a CA rotation, one for each of its phases: a new CA beside the former one, both trusted, issuers that sign
//! with the new one, the proof that it is served, the former one dropped (research: tls, section 3.5).
//!
//! Which of them comes next is for the procedure to say ([`crate::assess::succession`] has its gates). Each is planned
//! anew when its turn comes, and refuses while a gate before it is not passed.

mod case;
mod drop;
mod form;
mod make;
mod notes;
mod switch;
mod trust;
pub(super) mod undo;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::case::Case;
use super::lock::Lock;
use super::roll::Restart;
use super::{AccessQuestion, Answers, ObjectAt, OperationId, Plan, Questions, Refusal, Resource};
use crate::assess::succession::{Ca, Phase, SOAK, Succession, of};
use crate::model::{ClaimKey, Kind, ObjRef, Uid, World};
use crate::x509::KeyKind;

pub use crate::assess::succession::LOOKED_AT;
pub use form::{command, form, options};

/// How long the pods of one workload may take to be replaced, unless a person chooses otherwise.
pub const ROLLED_WITHIN: Duration = Duration::from_secs(600);

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is planned. [`Phase::Reissue`], [`Phase::Start`] and [`Phase::Soak`] have no plan of their own.
    pub phase: Phase,
    /// The kind of the new CA's key; `None` for one as before.
    pub key: Option<KeyKind>,
    /// How long the new CA is valid; `None` for as long as the former one was.
    pub life: Option<Duration>,
    /// How long both are trusted after everything was seen to be served.
    pub soak: SignedDuration,
    /// Whether those who trust are restarted, one after the other; else the procedure waits until they are.
    pub restart: bool,
    /// Whether a CA that took the place of another one is rotated anew, once that is over.
    pub again: bool,
    /// Why, for the journal; what somebody answers for.
    pub reason: Option<String>,
    /// How long the pods of one workload may take to be replaced.
    pub rolled_within: Duration,
    /// How long it may take until each pod serves the new certificates.
    pub served_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            phase: Phase::Make,
            key: None,
            life: None,
            soak: SOAK,
            restart: true,
            again: false,
            reason: None,
            rolled_within: ROLLED_WITHIN,
            served_within: super::serves::WITHIN,
        }
    }
}

impl Options {
    fn restart(&self) -> Restart {
        if self.restart { Restart::All } else { Restart::None }
    }
}

/// The former CA of this UID with the one that takes its place.
fn running<'w>(world: &'w World, secret: &Uid, again: bool) -> Option<(Ca<'w>, Option<Ca<'w>>)> {
    let secret = world.inventory.tls_secrets.get(secret)?;
    match of(world, &key(secret))? {
        // Its own place is taken by another one now.
        Succession::Over { successor } if again => Some((successor, None)),
        succession => succession.running(),
    }
}

fn key(secret: &crate::model::TlsSecret) -> ClaimKey {
    (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone())
}

/// What has to be asked, given what is known.
pub fn questions(world: &World, secret: &Uid, options: &Options) -> Questions {
    let Some((former, successor)) = running(world, secret, options.again) else { return Questions::default() };
    let namespace = former.secret.meta.namespace();
    let secrets = Resource::of(Kind::TlsSecret);
    let ask = |verb| AccessQuestion::new(verb, &secrets, Some(namespace));
    let mut access: Vec<AccessQuestion> = ["get", "patch"].map(ask).into();
    access.extend(AccessQuestion::record(Some(namespace)));
    match options.phase {
        Phase::Make => access.extend(["create", "delete"].map(ask)),
        Phase::Retire => access.push(ask("delete")),
        _ => {}
    }
    let objects = [Some(former), successor].into_iter().flatten().map(place).collect();
    let own = Questions { objects, access, lists: Vec::new() }.and(lock_of(former).questions());
    let more = match options.phase {
        Phase::Trust => trust::questions(world, former, successor, options),
        Phase::Drop => drop::questions(world, former, successor, options),
        Phase::Switch => switch::questions(world, former),
        _ => Questions::default(),
    };
    own.and(more)
}

/// Plans a phase for the CA in the Secret with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    secret: &Uid,
    answers: &Answers,
    options: &Options,
    id: &OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    Case::of(world, secret, answers, options, (id, now))?.plan()
}

fn place(ca: Ca<'_>) -> ObjectAt {
    at(&ca.secret.meta.reference(Kind::TlsSecret))
}

fn at(object: &ObjRef) -> ObjectAt {
    ObjectAt::of(object.kind, object.namespace.as_deref(), &object.name)
}

/// Two that rotate one CA would each make a new one.
fn lock_of(former: Ca<'_>) -> Lock {
    Lock { namespace: former.secret.meta.namespace().to_owned(), lineage: former.secret.meta.uid() }
}

#[cfg(test)]
mod tests;
