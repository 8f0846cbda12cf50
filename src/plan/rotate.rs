//! The rotate verb: gives a TLS Secret that nobody else renews a new certificate with a new key, like the present one.
//!
//! A CA that is in the cluster signs it, or it signs itself. The key is made when it is stored and is in no plan, journal
//! or output. First the new certificate is written into a Secret of its own and the present one into another; then all
//! that the Secret holds changes in one write, what cannot see that is restarted, and when any of it fails everything
//! goes back (research: tls, sections 3.0, 3.2, 3.3, 3.8).

mod case;
mod form;
mod given;
mod signer;
mod steps;
mod subject;
pub(super) mod undo;

use std::time::Duration;

use jiff::Timestamp;

use self::case::Case;
use self::signer::Found;
use super::lock::Lock;
use super::reach::Reach;
use super::roll::Restart;
use super::{AccessQuestion, Answers, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, pins};
use crate::assess::succession::{Ca, Store};
use crate::model::{ClaimKey, Kind, TlsSecret, Uid, World};
use crate::x509::KeyKind;

pub use super::serves::WITHIN as SERVED_WITHIN;
pub use form::{command, form, options};
pub use given::{HandedOver, Look, TYPED, look};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[
    Kind::TlsSecret,
    Kind::OtherSecret,
    Kind::Certificate,
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::MutatingWebhook,
    Kind::ValidatingWebhook,
    Kind::ApiService,
    Kind::Crd,
];

/// How long the pods of one workload may take to be replaced, unless a person chooses otherwise.
pub const ROLLED_WITHIN: Duration = Duration::from_secs(600);

/// Who signs the new certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signer {
    /// Who signed the present one: a CA in the cluster, or itself.
    #[default]
    Former,
    /// The CA in this Secret: namespace and name.
    Secret(String, String),
    /// Its own key.
    Itself,
    /// Nobody here: the certificate and its key were handed over.
    Given(HandedOver),
    /// Nobody here: they are still to be handed over.
    Awaited,
}

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Who signs it.
    pub signer: Signer,
    /// The kind of its key; `None` for one as before.
    pub key: Option<KeyKind>,
    /// How long it is valid; `None` for as long as the present one was.
    pub life: Option<Duration>,
    /// Which users are restarted.
    pub restart: Restart,
    /// The present key is known to others: nothing goes back to it, and no copy of it is kept.
    pub compromised: bool,
    /// What keeps the Secret as it is written down elsewhere is paused, or told of the change.
    pub managed: bool,
    /// Why, for the journal.
    pub reason: Option<String>,
    /// How long the pods of one workload may take to be replaced.
    pub rolled_within: Duration,
    /// How long it may take until each pod that served the former certificate serves the new one.
    pub served_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            signer: Signer::default(),
            key: None,
            life: None,
            restart: Restart::default(),
            compromised: false,
            managed: false,
            reason: None,
            rolled_within: ROLLED_WITHIN,
            served_within: SERVED_WITHIN,
        }
    }
}

/// What has to be asked, given what is known.
pub fn questions(world: &World, secret: &Uid, options: &Options) -> Questions {
    let Some(secret) = world.inventory.tls_secrets.get(secret) else { return Questions::default() };
    let namespace = secret.meta.namespace();
    let secrets = Resource::of(Kind::TlsSecret);
    // The Secret that the new certificate is made in goes again.
    let mut access: Vec<AccessQuestion> =
        ["get", "create", "patch", "delete"].map(|verb| AccessQuestion::new(verb, &secrets, Some(namespace))).into();
    access.extend(AccessQuestion::record(Some(namespace)));
    let mut objects = vec![place(secret)];
    if let Ok(Found::Authority(signer)) = signer::find(world, secret, options) {
        access.push(AccessQuestion::new("get", &secrets, Some(signer.meta.namespace())));
        objects.push(place(signer));
    }
    let own = Questions { objects, access, lists: Vec::new() };
    let own = pinned(world, secret).iter().fold(own, |all, store| all.and(pins::questions(pins::place(store))));
    let key = (namespace.into(), secret.meta.name.clone());
    own.and(Reach::questions(world, &key, options.restart)).and(lock_of(secret).questions())
}

/// What was handed over for it, which only this console's memory has.
pub fn handed_over(options: &Options) -> Option<&HandedOver> {
    match &options.signer {
        Signer::Given(handed) => Some(handed),
        Signer::Former | Signer::Secret(..) | Signer::Itself | Signer::Awaited => None,
    }
}

/// The Secret whose servers are shaken hands with before it is planned.
pub fn served(world: &World, secret: &Uid) -> Option<ClaimKey> {
    let secret = world.inventory.tls_secrets.get(secret)?;
    Some((secret.meta.namespace.clone()?, secret.meta.name.clone()))
}

/// Plans it for the Secret with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    secret: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    Ok(Case::of(world, secret, answers, options, (&id, now))?.plan(id))
}

/// What API servers check their calls by that holds the very certificate of a Secret, and can be changed here.
fn pinned(world: &World, secret: &TlsSecret) -> Vec<Store> {
    let Some(facts) = secret.facts() else { return Vec::new() };
    let pinning = pins::pinning(world, Ca { secret, facts });
    pinning.into_iter().filter(|store| store.fixed.is_none()).collect()
}

fn place(secret: &TlsSecret) -> ObjectAt {
    ObjectAt::of(Kind::TlsSecret, secret.meta.namespace.as_deref(), &secret.meta.name)
}

/// Two rotations of one Secret would each take the other's certificate for the former one.
fn lock_of(secret: &TlsSecret) -> Lock {
    Lock { namespace: secret.meta.namespace().to_owned(), lineage: secret.meta.uid() }
}

#[cfg(test)]
mod tests;
