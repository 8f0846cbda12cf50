//! Changing what is trusted: which places of an object hold a certificate, and the step that adds another one to them or
//! takes one out.
//!
//! API servers check those that they call by CAs in webhook configurations, APIServices and CRDs. Where the very
//! certificate of a server stands there, it is pinned: another one has to be there before it is served (research: tls,
//! section 3.6).

use std::time::Duration;

use serde_json::Value;

use super::read::{items, uid};
use super::{AccessQuestion, Act, Answers, ObjectAt, Questions, Step, StepId, Target, Trusted, trusted_at};
use crate::assess::succession::{Ca, Store, stores};
use crate::model::{Kind, Uid, World};

/// How long it may take that a change shows.
const SHOWN: Duration = Duration::from_secs(60);

/// Why not, and what would clear it.
type No = (String, String);

/// The bundles of an object that hold a certificate.
#[derive(Clone, Debug)]
pub(super) struct Bundles {
    pub at: ObjectAt,
    target: Target,
    /// JSON pointers.
    places: Vec<String>,
}

/// What reading and changing an object takes.
pub(super) fn questions(at: ObjectAt) -> Questions {
    let access = ["get", "patch"].map(|verb| AccessQuestion::new(verb, &at.resource, at.namespace.as_deref())).into();
    Questions { objects: vec![at], access, lists: Vec::new() }
}

/// Where a store is.
pub(super) fn place(store: &Store) -> ObjectAt {
    ObjectAt::of(store.at.kind, store.at.namespace.as_deref(), &store.at.name)
}

/// What API servers check their calls by that holds this very certificate.
pub(super) fn pinning(world: &World, own: Ca<'_>) -> Vec<Store> {
    let calls = [Kind::MutatingWebhook, Kind::ValidatingWebhook, Kind::ApiService, Kind::Crd];
    let pins = |store: &Store| store.former && calls.contains(&store.at.kind);
    stores(world, own, None).into_iter().filter(pins).collect()
}

impl Bundles {
    /// Those of an object that hold a certificate, in the version that was read.
    ///
    /// # Errors
    /// When nobody can change it, or it holds it no more: why, and what would clear it.
    pub fn holding(at: ObjectAt, own: &Uid, fingerprint: &str, answers: &Answers) -> Result<Self, No> {
        let fresh = answers.object(&at)?;
        if uid(fresh) != *own {
            return Err((format!("{at} was made anew meanwhile"), "try again".to_owned()));
        }
        if fresh["immutable"] == true {
            let clear = "make one of another name that holds both, let its users take that one, and delete it";
            return Err((format!("{at} is immutable: nobody can change what it holds"), clear.to_owned()));
        }
        let holds = |pointer: &String| {
            trusted_at(fresh, pointer).is_ok_and(|trusted| trusted.iter().any(|one| one == fingerprint))
        };
        let places: Vec<String> = places(fresh).into_iter().filter(holds).collect();
        if places.is_empty() {
            return Err((format!("{at} was changed just now"), "wait a moment, then try again".to_owned()));
        }
        Ok(Self { target: Target::Known { at: at.clone(), uid: own.clone() }, at, places })
    }

    /// Adds a certificate, takes one out, or both.
    pub fn change(&self, id: String, title: &str, add: Option<Trusted>, without: Option<Value>) -> Step {
        let target = self.target.clone();
        Step {
            id: StepId(id),
            title: format!("{title} {}", self.at),
            act: Act::Trust { target, bundles: self.places.clone(), add, without: without.into_iter().collect() },
            guards: Vec::new(),
            deadline: SHOWN,
        }
    }
}

/// JSON pointers to where an object may have trust bundles.
fn places(object: &Value) -> Vec<String> {
    let data = object["data"].as_object().into_iter().flat_map(|data| data.keys());
    let data = data.map(|key| format!("/data/{}", key.replace('~', "~0").replace('/', "~1")));
    let hooks = items(object, "/webhooks").len();
    let hooks = (0..hooks).map(|number| format!("/webhooks/{number}/clientConfig/caBundle"));
    let single = ["/spec/caBundle", "/spec/conversion/webhook/clientConfig/caBundle"];
    data.chain(hooks).chain(single.map(str::to_owned)).collect()
}
