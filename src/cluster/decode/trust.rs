//! The CA bundles of webhook configurations, APIServices and CRDs, and the Services that they call. Nothing else of
//! these objects is read: the schemas of a CRD, often hundreds of kilobytes, are skipped in the parser.

use std::sync::Arc;

use k8s_openapi::ByteString;
use serde::Deserialize;

use crate::model::{
    Called, CertificateFacts, Condition, Kind, Object, PodPortName, Service, ServicePort, TrustBundle, TrustEntry,
};
use crate::x509;

use super::meta::{MetaWire, Pairs, nullable};
use super::tls::Conditions;
use super::{Lean, Strings};

/// Where a call goes and what checks it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientConfig {
    url: Option<Box<str>>,
    service: Option<ServiceRef>,
    ca_bundle: Option<ByteString>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceRef {
    namespace: String,
    name: String,
}

impl ServiceRef {
    fn called(self, strings: &mut Strings) -> Called {
        Called::Service((strings.share(&self.namespace), strings.share(&self.name)))
    }
}

/// One call as it was read.
struct Call {
    name: Option<Box<str>>,
    config: ClientConfig,
    insecure: bool,
    ignorable: bool,
}

/// Calls of the same sort in one: a configuration of many webhooks has one CA as a rule, and it is read once.
fn entries(calls: Vec<Call>, strings: &mut Strings) -> Box<[TrustEntry]> {
    let mut sorts: Vec<(Vec<u8>, TrustEntry)> = Vec::new();
    for Call { name, config, insecure, ignorable } in calls {
        let ClientConfig { url, service, ca_bundle } = config;
        let bytes = ca_bundle.unwrap_or_default().0;
        let called = match service {
            Some(service) => service.called(strings),
            None => Called::Url(url.unwrap_or_default()),
        };
        let same = |(other, entry): &&mut (Vec<u8>, TrustEntry)| {
            *other == bytes && entry.called == called && (entry.insecure, entry.ignorable) == (insecure, ignorable)
        };
        if let Some((_, entry)) = sorts.iter_mut().find(same) {
            let names = std::mem::take(&mut entry.names).into_vec();
            entry.names = names.into_iter().chain(name).collect();
            continue;
        }
        let read = sorts.iter().find(|(other, _)| *other == bytes).map(|(_, entry)| entry.authorities.clone());
        let authorities = read.unwrap_or_else(|| authorities(&bytes));
        let entry = TrustEntry { names: name.into_iter().collect(), called, authorities, insecure, ignorable };
        sorts.push((bytes, entry));
    }
    sorts.into_iter().map(|(_, entry)| entry).collect()
}

fn authorities(bytes: &[u8]) -> Option<Result<Arc<[CertificateFacts]>, Box<str>>> {
    let read = || x509::chain(bytes).map(Arc::from).map_err(|error| format!("caBundle {error}").into());
    (!bytes.is_empty()).then(read)
}

/// A MutatingWebhookConfiguration or ValidatingWebhookConfiguration.
#[derive(Deserialize)]
pub(super) struct Webhooks {
    metadata: MetaWire,
    #[serde(default, deserialize_with = "nullable")]
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    client_config: ClientConfig,
    #[serde(default)]
    failure_policy: Option<Box<str>>,
}

impl Lean for Webhooks {
    fn wanted(&self) -> bool {
        !self.webhooks.is_empty()
    }

    fn object(self, kind: Kind, strings: &mut Strings) -> Object {
        let call = |webhook: Webhook| Call {
            name: Some(webhook.name),
            config: webhook.client_config,
            insecure: false,
            ignorable: webhook.failure_policy.as_deref() == Some("Ignore"),
        };
        let entries = entries(self.webhooks.into_iter().map(call).collect(), strings);
        let bundle = TrustBundle { meta: self.metadata.meta(strings), entries, conditions: Box::default() };
        if kind == Kind::MutatingWebhook { Object::MutatingWebhook(bundle) } else { Object::ValidatingWebhook(bundle) }
    }
}

/// An APIService.
#[derive(Deserialize)]
pub(super) struct Aggregated {
    metadata: MetaWire,
    #[serde(default)]
    spec: AggregatedSpec,
    #[serde(default)]
    status: AggregatedStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AggregatedSpec {
    service: Option<ServiceRef>,
    #[serde(rename = "caBundle")]
    ca_bundle: Option<ByteString>,
    #[serde(rename = "insecureSkipTLSVerify")]
    insecure: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AggregatedStatus {
    conditions: Conditions,
}

impl Lean for Aggregated {
    fn wanted(&self) -> bool {
        self.spec.service.is_some()
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let AggregatedSpec { service, ca_bundle, insecure } = self.spec;
        let config = ClientConfig { url: None, service, ca_bundle };
        let call = Call { name: None, config, insecure: insecure.unwrap_or_default(), ignorable: false };
        let conditions: Box<[Condition]> = self.status.conditions.into();
        let bad = |condition: &Condition| &*condition.kind == "Available" && &*condition.status != "True";
        Object::ApiService(TrustBundle {
            meta: self.metadata.meta(strings),
            entries: entries(vec![call], strings),
            conditions: conditions.into_iter().filter(bad).collect(),
        })
    }
}

/// A CustomResourceDefinition.
#[derive(Deserialize)]
pub(super) struct Definition {
    metadata: MetaWire,
    #[serde(default)]
    spec: DefinitionSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DefinitionSpec {
    conversion: Option<Conversion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Conversion {
    strategy: Box<str>,
    webhook: Option<ConversionWebhook>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConversionWebhook {
    client_config: Option<ClientConfig>,
}

impl Lean for Definition {
    fn wanted(&self) -> bool {
        self.spec.conversion.as_ref().is_some_and(|conversion| &*conversion.strategy == "Webhook")
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let webhook = self.spec.conversion.and_then(|conversion| conversion.webhook);
        let config = webhook.and_then(|webhook| webhook.client_config);
        let call = config.map(|config| Call { name: None, config, insecure: false, ignorable: false });
        Object::Crd(TrustBundle {
            meta: self.metadata.meta(strings),
            entries: entries(call.into_iter().collect(), strings),
            conditions: Box::default(),
        })
    }
}

/// A Service.
#[derive(Deserialize)]
pub(super) struct Answering {
    metadata: MetaWire,
    #[serde(default)]
    spec: AnsweringSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnsweringSpec {
    selector: Pairs,
    #[serde(deserialize_with = "nullable")]
    ports: Vec<PortWire>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PortWire {
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    protocol: String,
    port: u16,
    target_port: Option<NumberOrName>,
    #[serde(deserialize_with = "nullable")]
    app_protocol: String,
}

/// The API's `IntOrString`.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrName {
    Number(u16),
    Name(String),
}

impl PortWire {
    fn port(self, strings: &mut Strings) -> ServicePort {
        let target = match self.target_port {
            Some(NumberOrName::Number(number)) if number > 0 => PodPortName::Number(number),
            Some(NumberOrName::Name(name)) => PodPortName::Name(strings.share(&name)),
            // Left out it is the port itself.
            _ => PodPortName::Number(self.port),
        };
        let (name, protocol) = (strings.share(&self.name), strings.share(&self.app_protocol));
        ServicePort { name, number: self.port, target, protocol }
    }
}

impl Lean for Answering {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let selector = self.spec.selector.0.iter();
        let selector = selector.map(|(key, value)| (strings.share(key), strings.share(value))).collect();
        let ports = self.spec.ports.into_iter().filter(|port| matches!(&*port.protocol, "" | "TCP"));
        let ports = ports.map(|port| port.port(strings)).collect();
        Object::Service(Service { meta: self.metadata.meta(strings), selector, ports })
    }
}
