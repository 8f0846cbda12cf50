//! TLS Secrets and cert-manager's objects. Certificates become facts at once; key bytes are compared and wiped.

use std::hint::black_box;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::{
    CertManagerCertificate, CertificateFacts, CertificateRequest, Condition, Format, Issuer, KeyMatch, KeystoreSpec,
    Kind, Object, Place, SigningRequest, TlsSecret, annotation,
};
use crate::x509::{self, CertificateError};

use super::held::{Values, tls_values};
use super::meta::{MetaWire, nullable};
use super::{Lean, Strings};

/// A Secret of type kubernetes.io/tls. Data keys that hold no certificates are dropped in the parser.
#[derive(Deserialize)]
pub(super) struct Secret {
    metadata: MetaWire,
    #[serde(default, deserialize_with = "tls_values")]
    data: Values,
}

impl Lean for Secret {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, mut data } = self;
        let certificate = data.take("tls.crt").unwrap_or_default();
        let authority = data.take("ca.crt").filter(|bytes| !bytes.is_empty());
        let key = data.take("tls.key").unwrap_or_default();
        let key = if key.is_empty() { KeyMatch::Missing } else { x509::key_match(&certificate, &key) };
        Object::TlsSecret(TlsSecret {
            meta: metadata.meta(strings),
            key,
            leaf: place("tls.crt", strings.1.read(&certificate)),
            ca: authority.map(|bytes| place("ca.crt", strings.1.shared(&bytes))),
            files: strings.1.held(&data),
        })
    }
}

fn place(key: &str, chain: Result<Arc<[CertificateFacts]>, CertificateError>) -> Place {
    Place { key: key.into(), chain: chain.map_err(|error| error.to_string().into()) }
}

/// Overwrites bytes that must not linger in freed memory. `black_box` keeps the writes from being optimised away.
pub(in crate::cluster) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConditionWire {
    #[serde(default, rename = "type", deserialize_with = "nullable")]
    kind: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    status: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    reason: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    message: Box<str>,
    #[serde(default)]
    last_transition_time: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Conditions(Option<Vec<ConditionWire>>);

impl From<Conditions> for Box<[Condition]> {
    fn from(conditions: Conditions) -> Self {
        let conditions = conditions.0.unwrap_or_default().into_iter().map(|condition| Condition {
            kind: condition.kind,
            status: condition.status,
            reason: condition.reason,
            message: condition.message,
            since: condition.last_transition_time,
        });
        conditions.collect()
    }
}

/// A cert-manager Certificate.
#[derive(Deserialize)]
pub(super) struct Certificate {
    metadata: MetaWire,
    #[serde(default)]
    spec: CertificateSpec,
    #[serde(default)]
    status: CertificateStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CertificateSpec {
    secret_name: String,
    issuer_ref: IssuerRef,
    #[serde(deserialize_with = "nullable")]
    dns_names: Vec<Box<str>>,
    keystores: Option<Keystores>,
    renewal: Option<Renewal>,
}

#[derive(Deserialize)]
struct Renewal {
    #[serde(default, deserialize_with = "nullable")]
    policy: Box<str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keystores {
    jks: Option<KeystoreWire>,
    pkcs12: Option<KeystoreWire>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KeystoreWire {
    create: Option<bool>,
    password_secret_ref: Option<PasswordRef>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PasswordRef {
    name: String,
    key: Box<str>,
}

impl Keystores {
    fn made(self) -> Box<[KeystoreSpec]> {
        let made = [(Format::Jks, self.jks), (Format::Pkcs12, self.pkcs12)].into_iter().filter_map(|(format, wire)| {
            let wire = wire.filter(|wire| wire.create == Some(true))?;
            let password = wire.password_secret_ref.filter(|at| !at.name.is_empty());
            Some(KeystoreSpec { format, password: password.map(|at| (at.name.into(), at.key)) })
        });
        made.collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IssuerRef {
    kind: Option<Box<str>>,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CertificateStatus {
    not_after: Option<Timestamp>,
    not_before: Option<Timestamp>,
    renewal_time: Option<Timestamp>,
    last_failure_time: Option<Timestamp>,
    revision: Option<u32>,
    conditions: Conditions,
}

impl Lean for Certificate {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let Self { metadata, spec, status } = self;
        Object::Certificate(CertManagerCertificate {
            meta: metadata.meta(strings),
            secret: spec.secret_name.into(),
            issuer: spec.issuer_ref.named(strings),
            names: spec.dns_names.into(),
            not_after: status.not_after,
            not_before: status.not_before,
            keystores: spec.keystores.map(Keystores::made).unwrap_or_default(),
            unrenewed: spec.renewal.is_some_and(|renewal| &*renewal.policy == "Disabled"),
            renewal: status.renewal_time,
            last_failure: status.last_failure_time,
            revision: status.revision,
            conditions: status.conditions.into(),
        })
    }
}

impl IssuerRef {
    /// An issuerRef without a kind means Issuer (cert-manager.io/v1).
    pub(super) fn named(self, strings: &mut Strings) -> (Box<str>, Arc<str>) {
        let kind = self.kind.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "Issuer".into());
        (kind, strings.share(&self.name))
    }
}

/// A cert-manager CertificateRequest.
#[derive(Deserialize)]
pub(super) struct Request {
    metadata: MetaWire,
    #[serde(default)]
    spec: RequestSpec,
    #[serde(default)]
    status: RequestStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestSpec {
    issuer_ref: IssuerRef,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestStatus {
    certificate: Option<ByteString>,
    conditions: Conditions,
}

impl Lean for Request {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let meta = self.metadata.meta(strings);
        let issued = self.status.certificate.and_then(|pem| first(&pem.0));
        Object::CertificateRequest(CertificateRequest {
            certificate: meta.annotation(annotation::CERTIFICATE_NAME).map(Arc::from),
            issuer: self.spec.issuer_ref.named(strings),
            issued,
            conditions: self.status.conditions.into(),
            meta,
        })
    }
}

/// A CertificateSigningRequest of the cluster.
#[derive(Deserialize)]
pub(super) struct Signing {
    metadata: MetaWire,
    #[serde(default)]
    spec: SigningSpec,
    #[serde(default)]
    status: RequestStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SigningSpec {
    signer_name: String,
    #[serde(deserialize_with = "nullable")]
    username: Box<str>,
}

impl Lean for Signing {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::SigningRequest(SigningRequest {
            meta: self.metadata.meta(strings),
            signer: strings.share(&self.spec.signer_name),
            asked_by: self.spec.username,
            issued: self.status.certificate.and_then(|pem| first(&pem.0)),
            conditions: self.status.conditions.into(),
        })
    }
}

fn first(pem: &[u8]) -> Option<CertificateFacts> {
    x509::chain(pem).ok()?.into_iter().next()
}

/// A cert-manager Issuer or ClusterIssuer.
#[derive(Deserialize)]
pub(super) struct Signer {
    metadata: MetaWire,
    #[serde(default)]
    spec: SignerSpec,
    #[serde(default)]
    status: SignerStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignerSpec {
    ca: Option<CaIssuer>,
    #[serde(rename = "selfSigned")]
    self_signed: Option<IgnoredAny>,
    acme: Option<IgnoredAny>,
    vault: Option<IgnoredAny>,
    venafi: Option<IgnoredAny>,
}

impl SignerSpec {
    fn how(&self) -> &'static str {
        let ways = [
            ("CA", self.ca.is_some()),
            ("self-signed", self.self_signed.is_some()),
            ("ACME", self.acme.is_some()),
            ("Vault", self.vault.is_some()),
            ("Venafi", self.venafi.is_some()),
        ];
        ways.into_iter().find(|(_, is)| *is).map_or("", |(how, _)| how)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaIssuer {
    #[serde(default)]
    secret_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignerStatus {
    conditions: Conditions,
}

impl Lean for Signer {
    fn object(self, kind: Kind, strings: &mut Strings) -> Object {
        let issuer = Issuer {
            meta: self.metadata.meta(strings),
            how: self.spec.how(),
            ca_secret: self.spec.ca.and_then(|ca| ca.secret_name).map(Arc::from),
            conditions: self.status.conditions.into(),
        };
        if kind == Kind::ClusterIssuer { Object::ClusterIssuer(issuer) } else { Object::Issuer(issuer) }
    }
}
