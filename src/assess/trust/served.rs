//! What a Service serves, as far as it can be known without calling it.
//!
//! A certificate is that of a Service when its names hold `NAME.NAMESPACE.svc`, which is what API servers ask for, and
//! its Secret is mounted by a pod behind the Service. Where Secrets may not be read, the request by which cert-manager
//! issued it shows the same. Where no pod shows it, the Certificate that the CA injector is told of counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::Reason;
use super::super::sight::Sight;
use crate::model::{CertManagerCertificate, CertificateFacts, ClaimKey, Kind, ObjRef, Service, TrustBundle, World};

/// A certificate that is served.
#[derive(Clone, Debug)]
pub struct Served<'w> {
    /// Where it is kept, or the Certificate whose request shows it.
    pub place: ObjRef,
    /// It and what is sent with it, the leaf first.
    pub chain: &'w [CertificateFacts],
}

impl Served<'_> {
    /// Whether a client that trusts this CA takes it.
    pub(super) fn is_vouched_by(&self, ca: &CertificateFacts) -> bool {
        self.chain.iter().any(|member| ca.vouches_for(member))
    }
}

/// What a Service that a bundle is for serves; an error says why that is not known. Never empty.
///
/// # Errors
/// When no Secret, request or annotation shows it.
pub fn served<'w>(
    world: &'w World,
    bundle: &TrustBundle,
    service: &ClaimKey,
    now: Timestamp,
) -> Result<Vec<Served<'w>>, Reason> {
    let found = by_pods(world, service, now);
    if !found.is_empty() {
        return Ok(found);
    }
    if let Some(certificate) =
        bundle.injected_from().and_then(|(namespace, name)| world.inventory.certificates.named(Some(&namespace), &name))
        && let Some(served) = of_certificate(world, certificate, now)
    {
        return Ok(vec![served]);
    }
    Err(why_not(world, service, now))
}

fn by_pods<'w>(world: &'w World, service: &ClaimKey, now: Timestamp) -> Vec<Served<'w>> {
    let Some(answering) = world.inventory.services.named(Some(&service.0), &service.1) else { return Vec::new() };
    let every: ClaimKey = (service.0.clone(), "*".into());
    let candidates = world.links.serving(service).iter().chain(world.links.serving(&every));
    let mut found: Vec<Served<'w>> = Vec::new();
    for (kind, uid) in candidates {
        let served = match kind {
            Kind::TlsSecret => world
                .inventory
                .tls_secrets
                .get(uid)
                .filter(|secret| mounted(world, answering, &secret.meta.name))
                .and_then(|secret| of_secret(world, &service.0, &secret.meta.name, now)),
            _ => world
                .inventory
                .certificates
                .get(uid)
                .filter(|certificate| mounted(world, answering, &certificate.secret))
                .and_then(|certificate| of_certificate(world, certificate, now)),
        };
        found.extend(served.filter(|served| !found.iter().any(|other| other.place == served.place)));
    }
    found
}

/// Whether a pod behind the Service uses this Secret of its namespace.
fn mounted(world: &World, service: &Service, secret: &Arc<str>) -> bool {
    let key = (service.meta.namespace.clone().unwrap_or_default(), secret.clone());
    let pods = world.links.pods_using(&key).iter().filter_map(|uid| world.inventory.pods.get(uid));
    pods.into_iter().any(|pod| !pod.ended() && service.selects(&pod.meta))
}

fn of_secret<'w>(world: &'w World, namespace: &Arc<str>, name: &Arc<str>, now: Timestamp) -> Option<Served<'w>> {
    // What was seen long ago proves nothing of what is served now.
    if Sight::within(world, Kind::TlsSecret, Some(namespace), now).blind().is_some() {
        return None;
    }
    let secret = world.inventory.tls_secrets.named(Some(namespace), name)?;
    let chain = secret.leaf.chain.as_ref().ok().filter(|chain| !chain.is_empty())?;
    Some(Served { place: secret.meta.reference(Kind::TlsSecret), chain })
}

/// By its Secret, else by the request that it was issued by.
fn of_certificate<'w>(world: &'w World, certificate: &'w CertManagerCertificate, now: Timestamp) -> Option<Served<'w>> {
    let namespace = certificate.meta.namespace.as_ref()?;
    of_secret(world, namespace, &certificate.secret, now).or_else(|| {
        let blind = |kind| Sight::within(world, kind, Some(namespace), now).blind().is_some();
        if blind(Kind::Certificate) || blind(Kind::CertificateRequest) {
            return None;
        }
        let issued = world.latest_request(certificate)?.issued.as_ref()?;
        let place = certificate.meta.reference(Kind::Certificate);
        Some(Served { place, chain: std::slice::from_ref(issued) })
    })
}

fn why_not(world: &World, service: &ClaimKey, now: Timestamp) -> Reason {
    let (namespace, name) = service;
    let blind = |kind: Kind| Sight::within(world, kind, Some(namespace), now).blind().cloned();
    let text = format!("whether it fits what Service {namespace}/{name} serves is not known");
    match [Kind::Service, Kind::Pod, Kind::TlsSecret].into_iter().find_map(blind) {
        Some(blind) => Reason { text: format!("{text}: {}", blind.text), ..blind },
        None => Reason::new(format!("{text}: no pod behind it mounts a TLS Secret for {name}.{namespace}.svc")),
    }
}
