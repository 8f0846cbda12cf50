//! What a pod's TLS server holds: the certificate and key that its mounts and variables have, as a kubelet keeps them.
//!
//! A pod with the annotation [`SERVES`] has a server on its first port. The files of a mounted Secret follow the
//! Secret; what a container takes by `subPath` or by environment variables stays as it was when the pod started
//! (kubernetes#50345), and so does what a server of the annotation [`RELOADS`] has read. The lab does the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::object::{self, items, text};
use super::pki;
use super::store::{Key, State};

/// Annotation of pods that serve: `tls`, or `plain` for a protocol that greets in the clear.
pub(crate) const SERVES: &str = "lab.holdfast.dev/serves";
/// Annotation of pods whose server reads its files when it starts and then `never` again.
const RELOADS: &str = "lab.holdfast.dev/reloads";
/// The port where none is declared.
const PORT: u64 = 8443;

/// Certificate and key, PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// What is behind a port of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// A TLS server with this certificate.
    Tls(Pair),
    /// A server that greets in the clear.
    Plain,
}

/// What containers have taken at their start and keep, by the UID of their pod.
#[derive(Debug, Default)]
pub(crate) struct Serving(Mutex<HashMap<String, Option<Pair>>>);

impl Serving {
    /// Takes down what a pod that starts now will keep.
    pub fn started(&self, state: &State, pod: &Value) {
        if object::annotation(pod, SERVES) != "tls" {
            return;
        }
        let kept = keeps(pod).then(|| source(pod).and_then(|source| source.pair(state, pod))).flatten();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(object::uid(pod).to_owned(), kept);
    }

    /// What listens on a port of a pod; `None` when nothing does.
    pub fn listener(&self, state: &State, pod: &Value, port: u16) -> Option<Listener> {
        let serves = object::annotation(pod, SERVES);
        if serves.is_empty() || u64::from(port) != own_port(pod) {
            return None;
        }
        if serves != "tls" {
            return Some(Listener::Plain);
        }
        if !keeps(pod) {
            return Some(Listener::Tls(source(pod)?.pair(state, pod)?));
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A pod that was loaded as it is counts as started when it is first looked at.
        let first = || source(pod).and_then(|source| source.pair(state, pod));
        let pair = kept.entry(object::uid(pod).to_owned()).or_insert_with(first);
        pair.clone().map(Listener::Tls)
    }
}

fn own_port(pod: &Value) -> u64 {
    let ports = items(pod, "/spec/containers").first().map(|container| items(container, "/ports")).unwrap_or_default();
    ports.first().and_then(|port| port["containerPort"].as_u64()).unwrap_or(PORT)
}

/// Whether what it serves stays as it was at its start.
fn keeps(pod: &Value) -> bool {
    object::annotation(pod, RELOADS) == "never" || source(pod).is_some_and(|source| !source.live)
}

/// Where a server finds its certificate.
struct Source<'a> {
    secret: &'a str,
    /// Whether the kubelet refreshes it.
    live: bool,
}

impl Source<'_> {
    fn pair(&self, state: &State, pod: &Value) -> Option<Pair> {
        let secret = state.get(&Key::new("secrets", object::namespace(pod), self.secret))?;
        let part = |key: &str| pki::unbase64(&secret.value["data"][key]);
        Some(Pair { certificate: part("tls.crt"), key: part("tls.key") })
    }
}

/// The first Secret that the first container takes a certificate from: by a variable, else by a volume.
fn source(pod: &Value) -> Option<Source<'_>> {
    let container = items(pod, "/spec/containers").first()?;
    let variables = items(container, "/env").iter().filter(|env| text(env, "/valueFrom/secretKeyRef/key") == "tls.crt");
    let by_variable = variables.map(|env| text(env, "/valueFrom/secretKeyRef/name")).next();
    if let Some(secret) = by_variable {
        return Some(Source { secret, live: false });
    }
    items(container, "/volumeMounts").iter().find_map(|mount| {
        let volume = items(pod, "/spec/volumes").iter().find(|volume| volume["name"] == mount["name"])?;
        let projected = items(volume, "/projected/sources").iter().map(|source| text(source, "/secret/name"));
        let mut named = std::iter::once(text(volume, "/secret/secretName")).chain(projected);
        let secret = named.find(|secret| !secret.is_empty())?;
        Some(Source { secret, live: text(mount, "/subPath").is_empty() })
    })
}
