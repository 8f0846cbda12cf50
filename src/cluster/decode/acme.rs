//! Orders and Challenges of cert-manager's ACME issuers. Tokens and keys of challenges are skipped in the parser.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{Challenge, Kind, Object, Order, annotation};

use super::meta::{MetaWire, nullable};
use super::tls::IssuerRef;
use super::{Lean, Strings};

/// An Order (acme.cert-manager.io/v1).
#[derive(Deserialize)]
pub(super) struct OrderObject {
    metadata: MetaWire,
    #[serde(default)]
    spec: OrderSpec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OrderSpec {
    issuer_ref: IssuerRef,
    #[serde(deserialize_with = "nullable")]
    common_name: Box<str>,
    #[serde(deserialize_with = "nullable")]
    dns_names: Vec<Box<str>>,
    #[serde(deserialize_with = "nullable")]
    ip_addresses: Vec<Box<str>>,
}

/// What either kind says of itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "nullable")]
    state: Box<str>,
    #[serde(deserialize_with = "nullable")]
    reason: Box<str>,
    failure_time: Option<Timestamp>,
    #[serde(deserialize_with = "nullable")]
    presented: bool,
    #[serde(deserialize_with = "nullable")]
    processing: bool,
}

impl OrderSpec {
    fn names(self) -> Box<[Box<str>]> {
        let mut names = self.dns_names;
        names.extend(self.ip_addresses);
        if names.is_empty() && !self.common_name.is_empty() {
            names.push(self.common_name);
        }
        names.into()
    }
}

impl Lean for OrderObject {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, mut spec, status } = self;
        let meta = metadata.meta(strings);
        Object::Order(Order {
            certificate: meta.annotation(annotation::CERTIFICATE_NAME).map(Arc::from),
            issuer: std::mem::take(&mut spec.issuer_ref).named(strings),
            names: spec.names(),
            state: status.state,
            reason: status.reason,
            failed: status.failure_time,
            meta,
        })
    }
}

/// A Challenge (acme.cert-manager.io/v1).
#[derive(Deserialize)]
pub(super) struct ChallengeObject {
    metadata: MetaWire,
    #[serde(default)]
    spec: ChallengeSpec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ChallengeSpec {
    issuer_ref: IssuerRef,
    #[serde(rename = "type", deserialize_with = "nullable")]
    method: Box<str>,
    #[serde(deserialize_with = "nullable")]
    dns_name: Box<str>,
    #[serde(deserialize_with = "nullable")]
    wildcard: bool,
}

impl Lean for ChallengeObject {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        Object::Challenge(Challenge {
            meta: metadata.meta(strings),
            method: spec.method,
            name: spec.dns_name,
            wildcard: spec.wildcard,
            issuer: spec.issuer_ref.named(strings),
            state: status.state,
            reason: status.reason,
            presented: status.presented,
            processing: status.processing,
        })
    }
}
