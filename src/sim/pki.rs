//! Keys and certificates: real ECDSA ones, so that what reads them is tested on the real thing.
//!
//! Used by the seed (unmanaged Secrets) and the certificate controller. It makes bytes; it does
//! not decide when.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use serde_json::Value;
use time::OffsetDateTime;
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;

/// What a certificate should say.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub common_name: String,
    pub dns: Vec<String>,
    pub ips: Vec<String>,
    pub ca: bool,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Bytes of the serial number.
    pub serial: Vec<u8>,
}

/// A certificate and its key, PEM.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub certificate: String,
    pub key: String,
}

/// Makes a P-256 key, PKCS#8 PEM.
pub(crate) fn new_key() -> Result<String, rcgen::Error> {
    Ok(KeyPair::generate()?.serialize_pem())
}

/// A certificate for `key`, signed by itself.
pub(crate) fn self_signed(request: &Request, key: &str) -> Result<String, rcgen::Error> {
    Ok(params(request)?.self_signed(&KeyPair::from_pem(key)?)?.pem())
}

/// A certificate for `key`, signed by a CA.
pub(crate) fn signed(request: &Request, key: &str, ca: &Issued) -> Result<String, rcgen::Error> {
    let issuer = Issuer::new(subject_of(&ca.certificate)?, KeyPair::from_pem(&ca.key)?);
    Ok(params(request)?.signed_by(&KeyPair::from_pem(key)?, &issuer)?.pem())
}

/// As much of a CA certificate as signing needs: its name and its key identifier.
fn subject_of(pem: &str) -> Result<CertificateParams, rcgen::Error> {
    let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    let ca = block.parse_x509().map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for attribute in ca.subject().iter_attributes() {
        let oid: Vec<u64> = attribute.attr_type().iter().map(Iterator::collect).unwrap_or_default();
        params.distinguished_name.push(DnType::from_oid(&oid), attribute.as_str().unwrap_or_default());
    }
    let identifier = ca.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
        _ => None,
    });
    if let Some(identifier) = identifier {
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
    }
    Ok(params)
}

fn params(request: &Request) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(request.dns.clone())?;
    for ip in request.ips.iter().filter_map(|ip| ip.parse().ok()) {
        params.subject_alt_names.push(SanType::IpAddress(ip));
    }
    params.distinguished_name = DistinguishedName::new();
    if !request.common_name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, &request.common_name);
    }
    params.not_before = time_of(request.not_before);
    params.not_after = time_of(request.not_after);
    params.serial_number = Some(SerialNumber::from_slice(&request.serial));
    params.use_authority_key_identifier_extension = true;
    if request.ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    } else {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    Ok(params)
}

fn time_of(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Bytes as Secret data holds them.
pub(crate) fn base64(bytes: &[u8]) -> Value {
    // k8s-openapi owns the one base64 coder among our direct dependencies.
    serde_json::to_value(ByteString(bytes.to_vec())).unwrap_or_default()
}

/// The bytes of a Secret data value; empty when they cannot be read.
pub(crate) fn unbase64(value: &Value) -> Vec<u8> {
    serde_json::from_value::<ByteString>(value.clone()).map(|bytes| bytes.0).unwrap_or_default()
}

/// The public key of a private one, as a certificate carries it; `None` when it is no key.
pub(crate) fn public_key(pem: &str) -> Option<Vec<u8>> {
    KeyPair::from_pem(pem).ok().map(|key| key.public_key_raw().to_vec())
}
