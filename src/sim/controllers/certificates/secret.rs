//! The Secret of a certificate: reading what is in it, writing what was issued.

use jiff::Timestamp;
use serde_json::{Value, json};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use super::super::Desk;
use crate::sim::kinds;
use crate::sim::object::{self, items, text};
use crate::sim::pki;
use crate::sim::refusal::Refusal;
use crate::sim::store::Key;
use crate::sim::write::Part;

/// What a stored certificate says.
pub(super) struct Stored {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// DNS names, sorted.
    pub dns: Vec<String>,
    pub matches_key: bool,
}

fn key_of(certificate: &Value) -> Key {
    Key::new("secrets", object::namespace(certificate), text(certificate, "/spec/secretName"))
}

/// The stored certificate; `None` when the Secret is missing or holds none.
pub(super) fn read(desk: &Desk<'_, '_>, certificate: &Value) -> Option<Stored> {
    let secret = desk.get(&key_of(certificate))?;
    let pem = pki::unbase64(&secret.value["data"]["tls.crt"]);
    let (_, block) = parse_x509_pem(&pem).ok()?;
    let parsed = block.parse_x509().ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let mut dns: Vec<String> = names
        .into_iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None })
        .collect();
    dns.sort();
    let private = String::from_utf8(pki::unbase64(&secret.value["data"]["tls.key"])).ok()?;
    Some(Stored {
        not_before: Timestamp::from_second(parsed.validity().not_before.timestamp()).ok()?,
        not_after: Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()?,
        dns,
        matches_key: pki::public_key(&private)
            .is_some_and(|public| public == parsed.public_key().subject_public_key.data.as_ref()),
    })
}

/// The key to certify: a new one each time, or the stored one with `rotationPolicy: Never`.
pub(super) fn private_key(desk: &Desk<'_, '_>, certificate: &Value) -> Result<String, rcgen::Error> {
    if text(certificate, "/spec/privateKey/rotationPolicy") == "Never"
        && let Some(secret) = desk.get(&key_of(certificate))
    {
        let stored = String::from_utf8(pki::unbase64(&secret.value["data"]["tls.key"])).unwrap_or_default();
        if pki::public_key(&stored).is_some() {
            return Ok(stored);
        }
    }
    pki::new_key()
}

/// Writes the issued data and the annotations that say where it came from.
pub(super) fn store(desk: &mut Desk<'_, '_>, certificate: &Value, data: &[(&str, &str)]) -> Result<(), Refusal> {
    let key = key_of(certificate);
    let fill = |secret: &mut Value| {
        for (name, text) in data {
            object::fields(object::slot(secret, "/data")).insert((*name).to_owned(), pki::base64(text.as_bytes()));
        }
        let names: Vec<&str> = items(certificate, "/spec/dnsNames").iter().filter_map(Value::as_str).collect();
        let issuer = |field: &str| text(certificate, &format!("/spec/issuerRef/{field}")).to_owned();
        for (name, value) in [
            ("cert-manager.io/certificate-name", object::name(certificate).to_owned()),
            ("cert-manager.io/common-name", text(certificate, "/spec/commonName").to_owned()),
            ("cert-manager.io/alt-names", names.join(",")),
            ("cert-manager.io/issuer-name", issuer("name")),
            ("cert-manager.io/issuer-kind", issuer("kind")),
            ("cert-manager.io/issuer-group", "cert-manager.io".to_owned()),
        ] {
            object::annotate(secret, name, &value);
        }
        object::mark(secret, "controller.cert-manager.io/fao", "true");
    };
    if desk.get(&key).is_some() {
        return desk.edit(&key, fill);
    }
    let Some(kind) = kinds::by_plural("secrets") else {
        return Ok(());
    };
    let mut secret = json!({"metadata": {"name": key.name}, "type": "kubernetes.io/tls"});
    fill(&mut secret);
    desk.writer.create(kind, &key.namespace, secret, Part::Wish).map(drop)
}
