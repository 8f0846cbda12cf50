//! What is taken out of objects before anything else sees them: what is of no use to people, and what must not be shown.
//!
//! The values of Secrets end here. In the place of a TLS certificate stands what identifies it, which is public; of its
//! key no more is said than whether it belongs to it.

use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use super::decode::wipe;
use crate::model::KeyMatch;
use crate::plan::BUNDLE;
use crate::x509;

/// Stands for the value of a Secret.
const HIDDEN: &str = "(not shown)";

/// Takes out what is of no use to people, and what must not be shown.
pub(super) fn strip(object: &mut Value) {
    let secret = object["kind"] == "Secret";
    let tls = object["type"] == "kubernetes.io/tls";
    let Some(fields) = object.as_object_mut() else { return };
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        // kubectl keeps whole objects in here, a Secret's values among them.
        if secret && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    if secret {
        let data = fields.get("data").and_then(Value::as_object);
        let certificate = data.filter(|_| tls).and_then(certificate);
        let bundles: Vec<(String, Value)> = data.into_iter().flatten().filter_map(bundle).collect();
        for part in ["data", "stringData"] {
            let values = fields.get_mut(part).and_then(Value::as_object_mut);
            values.into_iter().flat_map(Map::values_mut).for_each(|value| *value = json!(HIDDEN));
        }
        if let Some(data) = fields.get_mut("data").and_then(Value::as_object_mut) {
            data.extend(bundles);
            data.extend(certificate.map(|certificate| ("tls.crt".to_owned(), certificate)));
        }
    }
}

/// Which certificates a value holds that holds nothing else.
fn bundle((key, value): (&String, &Value)) -> Option<(String, Value)> {
    let mut bytes = serde_json::from_value::<ByteString>(value.clone()).ok()?.0;
    let found = x509::changed_bundle(&bytes, None, &[]).ok().and_then(|_| x509::fingerprints(&bytes).ok());
    wipe(&mut bytes);
    Some((key.clone(), json!({ BUNDLE: found? })))
}

/// What identifies the first certificate of a TLS Secret; `None` when there is none that can be read.
fn certificate(data: &Map<String, Value>) -> Option<Value> {
    let bytes = |key: &str| serde_json::from_value::<ByteString>(data.get(key)?.clone()).ok().map(|bytes| bytes.0);
    let pem = bytes("tls.crt")?;
    let leaf = x509::chain(&pem).ok()?.into_iter().next()?;
    let matches = bytes("tls.key").map(|mut key| {
        let matches = x509::key_match(&pem, &key);
        wipe(&mut key);
        matches == KeyMatch::Match
    });
    Some(json!({
        "fingerprint": leaf.fingerprint, "publicKey": leaf.spki, "serial": leaf.serial,
        "notAfter": leaf.not_after.to_string(), "keyMatches": matches,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: &str, certificate: &str, key: &str) -> Value {
        let value = |text: &str| serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap();
        json!({
            "kind": "Secret", "type": kind,
            "metadata": {
                "name": "web-tls", "managedFields": [{}],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "all of it", "a": "b" },
            },
            "data": { "tls.crt": value(certificate), "tls.key": value(key), "password": value("hunter2") },
        })
    }

    /// A certificate with its key, PEM.
    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["web.shop.svc".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn of_a_tls_secret_only_what_identifies_its_certificate_is_left() {
        let (certificate, key) = pair();
        let mut object = secret("kubernetes.io/tls", &certificate, &key);
        strip(&mut object);
        let leaf = x509::chain(certificate.as_bytes()).unwrap().remove(0);
        let shown = json!({
            "fingerprint": leaf.fingerprint, "publicKey": leaf.spki, "serial": leaf.serial,
            "notAfter": leaf.not_after.to_string(), "keyMatches": true,
        });
        assert_eq!(object["data"], json!({ "tls.crt": shown, "tls.key": HIDDEN, "password": HIDDEN }));
        assert_eq!(object["metadata"], json!({ "name": "web-tls", "annotations": { "a": "b" } }));
    }

    #[test]
    fn a_key_of_another_certificate_is_told() {
        let mut object = secret("kubernetes.io/tls", &pair().0, &pair().1);
        strip(&mut object);
        assert_eq!(object["data"]["tls.crt"]["keyMatches"], false);
    }

    #[test]
    fn what_cannot_be_read_or_is_no_tls_secret_shows_nothing() {
        let (certificate, key) = pair();
        for (kind, certificate) in [("kubernetes.io/tls", "no certificate"), ("Opaque", certificate.as_str())] {
            let mut object = secret(kind, certificate, &key);
            strip(&mut object);
            assert_eq!(object["data"]["tls.key"], HIDDEN);
            assert_eq!(object["data"]["password"], HIDDEN);
            assert!(object["data"]["tls.crt"] == HIDDEN || kind == "Opaque", "{object}");
        }
    }

    #[test]
    fn of_a_value_that_is_nothing_but_certificates_it_is_said_which() {
        let ((one, key), (other, _)) = (pair(), pair());
        let mut object = secret("Opaque", &format!("{one}{other}"), &format!("{one}{key}"));
        strip(&mut object);
        let prints = [one, other].map(|pem| x509::fingerprints(pem.as_bytes()).unwrap().remove(0));
        assert_eq!(object["data"]["tls.crt"], json!({ BUNDLE: prints }));
        assert_eq!(object["data"]["tls.key"], HIDDEN, "a key stands beside it");
    }
}
