//! Certificates that scenarios put into a cluster: a CA of their own, and what it signs.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::manifests;

/// A certificate and its key, PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Pair {
    /// As a TLS Secret.
    pub fn secret(&self, namespace: &str, name: &str) -> Value {
        manifests::tls_secret(namespace, name, &self.certificate, &self.key)
    }
}

/// A CA.
pub struct Authority {
    pub pair: Pair,
    issuer: Issuer<'static, KeyPair>,
}

fn lasting(mut params: CertificateParams, days: i64) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::days(1), now + Duration::days(days));
    params
}

impl Authority {
    /// A root of this name.
    pub fn new(name: &str) -> Self {
        Self::with(name, None)
    }

    /// A root that may vouch only for names below this one (RFC 5280 4.2.1.10).
    pub fn only_below(name: &str, base: &str) -> Self {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(base.to_owned())];
        Self::with(name, Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() }))
    }

    fn with(name: &str, constraints: Option<NameConstraints>) -> Self {
        let mut params = lasting(CertificateParams::default(), 900);
        params.name_constraints = constraints;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pair = Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
        Self { pair, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate for this name.
    pub fn leaf(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair { certificate: leaf(name).signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

impl Authority {
    /// A server's certificate for this name that ended an hour ago.
    pub fn expired_leaf(&self, name: &str) -> Pair {
        let (key, mut params) = (KeyPair::generate().unwrap(), leaf(name));
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = (now - Duration::days(30), now - Duration::hours(1));
        Pair { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// A server's certificate that signs itself.
pub fn self_signed(name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { certificate: leaf(name).self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = lasting(CertificateParams::new(vec![name.to_owned(), "10.1.2.3".to_owned()]).unwrap(), 30);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

/// A Secret with another value besides.
pub fn with(mut secret: Value, key: &str, value: &str) -> Value {
    secret["stringData"][key] = json!(value);
    secret
}

/// Whether a client that trusts this takes a server's certificate, as rustls judges it.
pub fn verified(chain: &[u8], trusted: &[u8], name: &str) -> Result<(), String> {
    let ders = |pem: &[u8]| CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(ders(trusted));
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let chain = ders(chain);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let taken = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now());
    taken.map(drop).map_err(|error| error.to_string())
}
