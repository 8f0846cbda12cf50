//! Trust bundles in objects of the API, as they are read: which certificates stand in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::text;
use crate::x509;

/// Where a value of a Secret, as it is read here, says which certificates stand in it, in the place of its bytes. The API
/// has no such field.
pub const BUNDLE: &str = "certificates";

/// Fingerprints of the certificates of a bundle: SHA-256, lower-case hex.
///
/// # Errors
/// When there is no bundle there, or it cannot be read.
pub fn trusted_at(object: &Value, pointer: &str) -> Result<Vec<String>, String> {
    let said = |why: &dyn std::fmt::Display| format!("{}: {why}", text::sanitize(pointer));
    let value = object.pointer(pointer).ok_or_else(|| said(&"there is nothing there any more"))?;
    if let Some(shown) = value.get(BUNDLE).and_then(Value::as_array) {
        return Ok(shown.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let written = value.as_str().ok_or_else(|| said(&"it is no text"))?;
    let pem = bundle_bytes(object, written).map_err(|why| said(&why))?;
    x509::fingerprints(&pem).map_err(|error| said(&error))
}

/// A bundle of an object as bytes, from how it is written there.
///
/// # Errors
/// When it should be base64 and is not.
pub fn bundle_bytes(object: &Value, written: &str) -> Result<Vec<u8>, &'static str> {
    if plain(object) { Ok(written.into()) } else { STANDARD.decode(written).map_err(|_| "it is not base64") }
}

/// How a bundle is written in an object.
pub fn bundle_text(object: &Value, bytes: &[u8]) -> String {
    if plain(object) { String::from_utf8_lossy(bytes).into_owned() } else { STANDARD.encode(bytes) }
}

/// Whether an object has its bundles as text; all others have them in base64.
fn plain(object: &Value) -> bool {
    object["kind"] == "ConfigMap"
}

/// Whether each of these bundles holds the one certificate and none of the others.
pub(super) fn holds(
    object: &Value,
    bundles: &[String],
    add: Option<&Value>,
    without: &[Value],
) -> Result<bool, String> {
    let mut all = true;
    for pointer in bundles {
        let held = trusted_at(object, pointer)?;
        let has = |one: &Value| held.iter().any(|held| one == held.as_str());
        all &= add.is_none_or(has) && !without.iter().any(has);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn made(name: &str) -> (String, String) {
        let pem = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.pem();
        let fingerprint = x509::fingerprints(pem.as_bytes()).unwrap().remove(0);
        (pem, fingerprint)
    }

    #[rstest]
    #[case::it_is_there(true, false, true)]
    #[case::it_lacks(false, false, false)]
    #[case::another_is_there_still(true, true, false)]
    fn a_bundle_is_as_it_should_be_in_every_form(#[case] new: bool, #[case] old: bool, #[case] good: bool) {
        let ((new_pem, new_print), (old_pem, old_print), (other, _)) = (made("new"), made("old"), made("other"));
        let parts = [(new, &new_pem), (old, &old_pem), (true, &other)];
        let pem: String = parts.iter().filter(|(there, _)| *there).map(|(_, pem)| pem.as_str()).collect();
        let base64 = STANDARD.encode(&pem);
        let shown = json!({ BUNDLE: x509::fingerprints(pem.as_bytes()).unwrap() });
        for (kind, value) in [("ConfigMap", json!(pem)), ("APIService", json!(base64)), ("Secret", shown)] {
            let object = json!({ "kind": kind, "data": { "ca.crt": value } });
            let found = holds(&object, &["/data/ca.crt".into()], Some(&json!(new_print)), &[json!(old_print)]);
            assert_eq!(found, Ok(good), "{kind}");
        }
    }

    #[rstest]
    #[case::gone(json!({ "kind": "ConfigMap" }))]
    #[case::no_text(json!({ "kind": "ConfigMap", "data": { "ca.crt": 1 } }))]
    #[case::hidden(json!({ "kind": "Secret", "data": { "ca.crt": "(not shown)" } }))]
    #[case::damaged(json!({ "kind": "ConfigMap", "data": { "ca.crt": "-----BEGIN CERTIFICATE-----" } }))]
    fn what_cannot_be_read_is_never_taken_for_good(#[case] object: Value) {
        assert!(holds(&object, &["/data/ca.crt".into()], None, &[json!("00")]).is_err());
    }
}
