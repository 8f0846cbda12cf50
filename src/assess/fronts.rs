//! Whether a certificate is for the names that it is served under: by Ingresses and Gateways, and by the Services of
//! the pods that mount it.

use jiff::Timestamp;

use super::chain::Flaw;
use super::expiry::{CertificateState, Expiry, at_least};
use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{CertificateFacts, ClaimKey, Front, FrontTls, Kind, Service, World};
use crate::text;

/// Names of hosts that one sentence tells.
const TOLD: usize = 3;

/// Whether a name of a certificate stands for a host (RFC 9525 6.3): letter case does not matter, and a star stands
/// for exactly one label, the first.
pub(super) fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.trim_end_matches('.'), host.trim_end_matches('.'));
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(parent), Some((first, rest))) = (name.strip_prefix("*."), host.split_once('.')) else { return false };
    !first.is_empty() && first != "*" && parent.eq_ignore_ascii_case(rest)
}

fn covered(leaf: &CertificateFacts, host: &str) -> bool {
    leaf.names.iter().any(|name| covers(name, host))
}

fn front(world: &World, kind: Kind, uid: &crate::model::Uid) -> Option<Front> {
    let table = if kind == Kind::Gateway { &world.inventory.gateways } else { &world.inventory.ingresses };
    table.get(uid).cloned()
}

/// What is wrong with the names of a certificate, where this Secret holds it: now, or some day.
pub fn names(world: &World, secret: &ClaimKey, leaf: &CertificateFacts, now: Timestamp) -> Vec<Flaw> {
    let mut found = Vec::new();
    for (kind, uid) in world.links.fronts_of(secret) {
        let Some(front) = front(world, *kind, uid) else { continue };
        let named = format!("{} {}", kind.spec().kind, front.meta.reference(*kind).path());
        found.extend(uncovered(&named, &front, secret, leaf));
        found.extend(of_no_use(&named, leaf));
    }
    found.extend(no_service(world, secret, leaf, now));
    found
}

/// Hosts for which a front serves it and which it is not for.
fn uncovered(named: &str, front: &Front, secret: &ClaimKey, leaf: &CertificateFacts) -> Option<Flaw> {
    let own = front.tls.iter().filter(|tls| tls.secret.as_ref() == Some(secret));
    let hosts: Vec<&str> = own.flat_map(|tls| tls.hosts.iter().map(|host| &**host)).collect();
    let others: Vec<&str> = hosts.into_iter().filter(|host| !host.is_empty() && !covered(leaf, host)).collect();
    if others.is_empty() {
        return None;
    }
    let told = text::list(&others[..others.len().min(TOLD)]);
    let more = match others.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!("{named} serves {told}{more} with it, and it is not for that name: clients refuse it");
    let next = "issue it with that name among its subject alternative names, or give the host a Secret of its own";
    Some((Severity::Critical, Reason::new(text).next(next)))
}

fn of_no_use(named: &str, leaf: &CertificateFacts) -> Option<Flaw> {
    let text = format!("{named} serves it, and its extended key usage does not allow servers");
    let next = "issue it again with extended key usage serverAuth";
    (leaf.usage.server == Some(false)).then(|| (Severity::Critical, Reason::new(text).next(next)))
}

/// The names by which pods of the cluster call a Service.
fn service_names(service: &Service) -> [String; 4] {
    let (name, namespace) = (&service.meta.name, service.meta.namespace());
    [
        name.to_string(),
        format!("{name}.{namespace}"),
        format!("{name}.{namespace}.svc"),
        format!("{name}.{namespace}.svc.cluster.local"),
    ]
}

/// A certificate that is for a Service by its names, and for none of those whose pods mount it.
fn no_service(world: &World, secret: &ClaimKey, leaf: &CertificateFacts, now: Timestamp) -> Option<Flaw> {
    let in_cluster = |name: &str| name.strip_suffix(".cluster.local").unwrap_or(name).rsplit('.').next() == Some("svc");
    let inner: Vec<&str> = leaf.names.iter().map(|name| &**name).filter(|name| in_cluster(name)).collect();
    let seen = |kind| Sight::within(world, kind, Some(&secret.0), now) == Sight::Live;
    if inner.is_empty() || leaf.usage.server == Some(false) || !seen(Kind::Service) || !seen(Kind::Pod) {
        return None;
    }
    let pods = world.links.pods_using(secret).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let pods: Vec<_> = pods.filter(|pod| !pod.ended()).collect();
    if pods.is_empty() {
        return None;
    }
    let services: Vec<&Service> =
        world.inventory.services.iter().filter(|service| pods.iter().any(|pod| service.selects(&pod.meta))).collect();
    let named = |service: &&Service| service_names(service).iter().any(|name| covered(leaf, name));
    if services.is_empty() || services.iter().any(named) {
        return None;
    }
    let mut names: Vec<&str> = services.iter().map(|service| &*service.meta.name).collect();
    names.sort_unstable();
    names.truncate(TOLD);
    let text = format!("its pods answer for Service {}, and it is for {} only", text::list(&names), text::list(&inner));
    let next = "issue it with the name of the Service, NAME.NAMESPACE.svc, if clients call it by that";
    Some((Severity::Warn, Reason::new(text).next(next)))
}

/// Judges an Ingress or Gateway by the Secrets that it names; `None` where nothing is wrong: then the certificates
/// speak for themselves.
pub fn trouble(world: &World, kind: Kind, front: &Front, now: Timestamp) -> Option<Judgement<Expiry>> {
    if let Some(blind) = Sight::within(world, kind, front.meta.namespace.as_ref(), now).blind() {
        return Some(Expiry::unknown(&blind.text));
    }
    let refused = front.refused.iter().map(|condition| {
        Reason::new(format!("its certificate is not taken: {}: {}", condition.reason, condition.message))
            .next("put right what it says; a Secret of another namespace takes a ReferenceGrant there")
    });
    let missing = front.tls.iter().filter_map(|tls| missing(world, tls, now));
    let reasons: Vec<Reason> = refused.chain(missing).collect();
    let none = Expiry::new(CertificateState::NotServed, Severity::Critical);
    let judged =
        |none| reasons.iter().cloned().fold(none, |judged, reason| at_least(judged, Severity::Ok, Some(reason)));
    (!reasons.is_empty()).then(|| judged(none))
}

/// A Secret that is named, and is not there.
fn missing(world: &World, tls: &FrontTls, now: Timestamp) -> Option<Reason> {
    let (namespace, name) = tls.secret.as_ref()?;
    let seen = |kind| Sight::within(world, kind, Some(namespace), now) == Sight::Live;
    let held = world.inventory.tls_secrets.named(Some(namespace), name).is_some()
        || world.inventory.other_secrets.named(Some(namespace), name).is_some();
    if held || !seen(Kind::TlsSecret) || !seen(Kind::OtherSecret) {
        return None;
    }
    let hosts = if tls.hosts.is_empty() { "every host".to_owned() } else { text::list(&tls.hosts) };
    let text =
        format!("Secret {namespace}/{name} for {hosts} does not exist or holds no certificate: another one is served");
    Some(Reason::new(text).next("create that Secret, or have a Certificate issue it"))
}

#[cfg(test)]
mod tests;
