//! Ingresses and Gateways: which Secret's certificate they show for which hosts. Rules, backends and all else are
//! skipped in the parser.

use serde::Deserialize;

use crate::model::{Condition, Front, FrontTls, Kind, Object};

use super::meta::{MetaWire, nullable};
use super::tls::Conditions;
use super::{Lean, Strings};

/// An Ingress.
#[derive(Deserialize)]
pub(super) struct IngressObject {
    metadata: MetaWire,
    #[serde(default)]
    spec: IngressSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IngressSpec {
    #[serde(deserialize_with = "nullable")]
    tls: Vec<IngressTls>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IngressTls {
    #[serde(deserialize_with = "nullable")]
    hosts: Vec<Box<str>>,
    secret_name: Option<String>,
}

impl Lean for IngressObject {
    fn wanted(&self) -> bool {
        !self.spec.tls.is_empty()
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let namespace = meta.namespace.clone().unwrap_or_default();
        let tls = self.spec.tls.into_iter().map(|tls| {
            let secret = strings.maybe(tls.secret_name).map(|name| (namespace.clone(), name));
            FrontTls { secret, hosts: tls.hosts.into() }
        });
        Object::Ingress(Front { tls: tls.collect(), refused: Box::default(), meta })
    }
}

/// A Gateway.
#[derive(Deserialize)]
pub(super) struct GatewayObject {
    metadata: MetaWire,
    #[serde(default)]
    spec: GatewaySpec,
    #[serde(default)]
    status: GatewayStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GatewaySpec {
    #[serde(deserialize_with = "nullable")]
    listeners: Vec<Listener>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listener {
    hostname: Option<Box<str>>,
    tls: Option<ListenerTls>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListenerTls {
    #[serde(deserialize_with = "nullable")]
    certificate_refs: Vec<CertificateRef>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CertificateRef {
    kind: Option<Box<str>>,
    name: String,
    namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GatewayStatus {
    #[serde(deserialize_with = "nullable")]
    listeners: Vec<ListenerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListenerStatus {
    conditions: Conditions,
}

impl Lean for GatewayObject {
    fn wanted(&self) -> bool {
        self.spec.listeners.iter().any(|listener| listener.tls.is_some())
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let own = meta.namespace.clone().unwrap_or_default();
        let mut tls = Vec::new();
        for Listener { hostname, tls: terminated } in self.spec.listeners {
            let refs = terminated.map(|tls| tls.certificate_refs).unwrap_or_default();
            // Without a kind it is a Secret.
            let secrets = refs.into_iter().filter(|at| at.kind.as_deref().is_none_or(|kind| kind == "Secret"));
            for at in secrets {
                let namespace = strings.maybe(at.namespace).unwrap_or_else(|| own.clone());
                let secret = Some((namespace, strings.share(&at.name)));
                tls.push(FrontTls { secret, hosts: hostname.clone().into_iter().collect() });
            }
        }
        let conditions = self.status.listeners.into_iter().flat_map(|listener| {
            let conditions: Box<[Condition]> = listener.conditions.into();
            conditions.into_vec()
        });
        let refused = |condition: &Condition| &*condition.kind == "ResolvedRefs" && &*condition.status == "False";
        Object::Gateway(Front { tls: tls.into(), refused: conditions.filter(refused).collect(), meta })
    }
}
