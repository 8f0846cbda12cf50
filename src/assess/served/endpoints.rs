//! Where a certificate should be served: which port of which pod, and by which name it is asked for.
//!
//! A pod that uses the Secret is asked at the ports that a Service leads to; of several those that look like TLS. One
//! that no Service leads to is asked at the ports that it declares itself and that look like TLS.

use std::sync::Arc;

use crate::model::{CertificateFacts, ClaimKey, ContainerPort, Pod, PodPortName, Service, ServicePort, Uid, World};

/// Ports that carry TLS as a rule.
const TLS_PORTS: &[u16] = &[443, 6443, 8443, 9443];

/// A port of a pod at which a certificate should be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The pod.
    pub pod: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub pod_name: Arc<str>,
    /// The Service that leads there; `None` when the pod is asked by itself.
    pub service: Option<Arc<str>>,
    /// The port of the pod.
    pub port: u16,
    /// The server that is asked for (SNI).
    pub name: Box<str>,
}

/// Pods that use a Secret and have not ended, in the order of their names.
pub fn users<'w>(world: &'w World, secret: &ClaimKey) -> Vec<&'w Pod> {
    let pods = world.links.pods_using(secret).iter().filter_map(|uid| world.inventory.pods.get(uid));
    let mut pods: Vec<&Pod> = pods.filter(|pod| !pod.ended()).collect();
    pods.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    pods
}

/// Where a pod should serve the certificate of a Secret; none when no port shows.
pub fn endpoints(world: &World, secret: &ClaimKey, pod: &Pod) -> Vec<Endpoint> {
    let leaf = leaf(world, secret);
    let mut services: Vec<&Service> =
        world.inventory.services.iter().filter(|service| service.selects(&pod.meta)).collect();
    services.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    let at = |service: Option<Arc<str>>, port: u16| Endpoint {
        pod: pod.meta.uid(),
        namespace: secret.0.clone(),
        pod_name: pod.meta.name.clone(),
        name: server_name(leaf, service.as_deref(), &secret.0),
        service,
        port,
    };
    let mut found: Vec<Endpoint> = Vec::new();
    for service in services {
        let ports = tls_of(service).into_iter().filter_map(|port| resolve(port, pod));
        for port in ports {
            if !found.iter().any(|other| other.port == port) {
                found.push(at(Some(service.meta.name.clone()), port));
            }
        }
    }
    if found.is_empty() {
        let declared = pod.containers.iter().flat_map(|container| &container.ports);
        let declared = declared.filter(|port| TLS_PORTS.contains(&port.number) || sounds_like_tls(&port.name));
        found.extend(declared.map(|port| at(None, port.number)));
    }
    found
}

/// The certificate that is stored, when it can be read.
pub(super) fn leaf<'w>(world: &'w World, secret: &ClaimKey) -> Option<&'w CertificateFacts> {
    world.inventory.tls_secrets.named(Some(&secret.0), &secret.1)?.leaf.chain.as_ref().ok()?.first()
}

/// The ports of a Service that look like TLS; all of them where none does.
fn tls_of(service: &Service) -> Vec<&ServicePort> {
    let like = |port: &&ServicePort| {
        let target = match &port.target {
            PodPortName::Number(number) => TLS_PORTS.contains(number),
            PodPortName::Name(name) => sounds_like_tls(name),
        };
        target || TLS_PORTS.contains(&port.number) || sounds_like_tls(&port.name) || sounds_like_tls(&port.protocol)
    };
    let found: Vec<&ServicePort> = service.ports.iter().filter(like).collect();
    if found.is_empty() { service.ports.iter().collect() } else { found }
}

fn sounds_like_tls(name: &str) -> bool {
    name.contains("https") || name.contains("tls")
}

/// The port of a pod that a port of a Service leads to.
fn resolve(port: &ServicePort, pod: &Pod) -> Option<u16> {
    match &port.target {
        PodPortName::Number(number) => Some(*number),
        PodPortName::Name(name) => {
            let named = |declared: &&ContainerPort| declared.name == *name;
            let mut declared = pod.containers.iter().flat_map(|container| &container.ports);
            declared.find(named).map(|declared| declared.number)
        }
    }
}

/// `SERVICE.NAMESPACE.svc` where the certificate is for it or cannot be read; else a name that it is for.
fn server_name(leaf: Option<&CertificateFacts>, service: Option<&str>, namespace: &str) -> Box<str> {
    let own = service.map(|service| format!("{service}.{namespace}.svc"));
    let names = leaf.map_or(&[][..], |leaf| &leaf.names);
    let is_for = |own: &String| names.is_empty() || names.iter().any(|name| covers(name, own));
    if let Some(own) = own.as_ref().filter(|own| is_for(own)) {
        return own.as_str().into();
    }
    // What cannot be asked for: a wildcard, a URI.
    let plain = names.iter().find(|name| !name.contains(['*', '/', ':']));
    plain.cloned().or(own.map(Into::into)).unwrap_or_else(|| "localhost".into())
}

/// Whether a name of a certificate is for a host: the same, or a wildcard for its first label (RFC 6125 section 6.4.3).
fn covers(name: &str, host: &str) -> bool {
    let wild = name.strip_prefix("*.").zip(host.split_once('.')).is_some_and(|(suffix, (_, rest))| suffix == rest);
    wild || name.eq_ignore_ascii_case(host)
}
