//! Trust bundles: the CAs by which API servers check the servers that they call.
//!
//! Webhook configurations, APIServices and CRDs with a conversion webhook hold them, each for one or more calls. Of
//! these objects nothing else is kept; a CRD's schemas never reach this module.

use std::sync::Arc;

use super::{
    CertManagerCertificate, CertificateFacts, CertificateRequest, ClaimKey, Condition, Kind, Meta, World, annotation,
};

/// The CAs of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrustBundle {
    /// Metadata.
    pub meta: Meta,
    /// Calls that are checked by it, those of the same sort in one.
    pub entries: Box<[TrustEntry]>,
    /// What the API server says of it, where that is not good (`Available` of an APIService).
    pub conditions: Box<[Condition]>,
}

/// Calls to one server that are checked in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustEntry {
    /// Names of the webhooks; empty where the object makes only one call. Untrusted text.
    pub names: Box<[Box<str>]>,
    /// Who is called.
    pub called: Called,
    /// `caBundle`: the CAs, or why they could not be read; `None` when there is none.
    pub authorities: Option<Result<Arc<[CertificateFacts]>, Box<str>>>,
    /// `insecureSkipTLSVerify`: whoever answers is believed.
    pub insecure: bool,
    /// `failurePolicy: Ignore`: what it is asked about goes on without its answer.
    pub ignorable: bool,
}

/// Who an API server calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// A Service, by its name in the cluster's DNS, `NAME.NAMESPACE.svc`.
    Service(ClaimKey),
    /// A URL. Untrusted text.
    Url(Box<str>),
}

impl TrustBundle {
    /// The Certificate whose CA cert-manager's injector keeps here.
    pub fn injected_from(&self) -> Option<ClaimKey> {
        let (namespace, name) = self.meta.annotation(annotation::INJECT_CA_FROM)?.split_once('/')?;
        Some((namespace.into(), name.into()))
    }

    /// The Secret whose `ca.crt` cert-manager's injector keeps here.
    pub fn injected_from_secret(&self) -> Option<ClaimKey> {
        let (namespace, name) = self.meta.annotation(annotation::INJECT_CA_FROM_SECRET)?.split_once('/')?;
        Some((namespace.into(), name.into()))
    }
}

/// A Service, as far as it says which pods answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// `spec.selector`.
    pub selector: Box<[(Arc<str>, Arc<str>)]>,
    /// Its TCP ports.
    pub ports: Box<[ServicePort]>,
}

/// A TCP port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name; empty when it has none.
    pub name: Arc<str>,
    /// `port`.
    pub number: u16,
    /// The port of the pods (`targetPort`), by number or by name.
    pub target: PodPortName,
    /// `appProtocol`; empty when it has none.
    pub protocol: Arc<str>,
}

/// How a Service names a port of its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodPortName {
    /// By its number.
    Number(u16),
    /// By the name that a container gives it.
    Name(Arc<str>),
}

impl Service {
    /// Whether a pod of this metadata answers for it. A Service without a selector says nothing of pods.
    pub fn selects(&self, pod: &Meta) -> bool {
        !self.selector.is_empty()
            && self.meta.namespace == pod.namespace
            && self.selector.iter().all(|(key, value)| pod.label(key) == Some(value))
    }
}

/// The Services of a namespace that these names of a certificate are for: only `NAME.NAMESPACE.svc` is what API
/// servers ask for. `*` stands for every Service.
pub(super) fn services(names: &[Box<str>], namespace: &Arc<str>) -> Vec<ClaimKey> {
    let service = |name: &str| {
        let name = name.strip_suffix(".svc")?.strip_suffix(&**namespace)?.strip_suffix('.')?;
        (!name.contains('.')).then(|| (namespace.clone(), name.into()))
    };
    names.iter().filter_map(|name| service(name)).collect()
}

impl World {
    /// Every trust bundle of a kind; `None` for kinds that are none.
    pub fn trust_bundle(&self, kind: Kind, uid: &super::Uid) -> Option<&TrustBundle> {
        let inventory = &self.inventory;
        match kind {
            Kind::MutatingWebhook => inventory.mutating_webhooks.get(uid),
            Kind::ValidatingWebhook => inventory.validating_webhooks.get(uid),
            Kind::ApiService => inventory.api_services.get(uid),
            Kind::Crd => inventory.crds.get(uid),
            _ => None,
        }
    }

    /// The request of the highest revision of a Certificate; of the latest creation where none is said.
    pub fn latest_request(&self, certificate: &CertManagerCertificate) -> Option<&CertificateRequest> {
        let key = (certificate.meta.namespace.clone()?, certificate.meta.name.clone());
        let requests = self.links.requests_of(&key).iter();
        let requests = requests.filter_map(|uid| self.inventory.certificate_requests.get(uid));
        requests.max_by_key(|request| {
            let revision = request.meta.annotation(annotation::CERTIFICATE_REVISION);
            (revision.and_then(|revision| revision.parse::<u32>().ok()), request.meta.created)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("web.shop.svc", Some("web"))]
    #[case("*.shop.svc", Some("*"))]
    #[case("web.other.svc", None)]
    #[case("web.shop.svc.cluster.local", None)]
    #[case("db-0.web.shop.svc", None)]
    #[case("webshop.svc", None)]
    fn only_the_name_that_api_servers_ask_for_is_that_of_a_service(#[case] name: &str, #[case] service: Option<&str>) {
        let names = [Box::from(name)];
        let namespace = Arc::from("shop");
        let found = services(&names, &namespace);
        assert_eq!(found.first().map(|(_, name)| &**name), service);
    }

    #[test]
    fn a_service_answers_by_pods_that_carry_its_whole_selector() {
        let pair = |key: &str, value: &str| (Arc::from(key), Arc::from(value));
        let pod = |namespace: &str, labels: &[(Arc<str>, Arc<str>)]| Meta {
            namespace: Some(namespace.into()),
            labels: labels.into(),
            ..Meta::default()
        };
        let meta = Meta { namespace: Some("shop".into()), ..Meta::default() };
        let service = Service { meta, selector: [pair("app", "web")].into(), ports: Box::default() };
        assert!(service.selects(&pod("shop", &[pair("app", "web"), pair("tier", "front")])));
        assert!(!service.selects(&pod("shop", &[pair("app", "db")])));
        assert!(!service.selects(&pod("batch", &[pair("app", "web")])));
        let headless = Service { selector: Box::default(), ..service };
        assert!(!headless.selects(&pod("shop", &[pair("app", "web")])), "without a selector nothing is said");
    }
}
