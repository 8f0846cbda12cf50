//! cert-manager's CA injector: keeps the `ca.crt` of a Certificate's Secret in every caBundle of the objects that ask
//! for it by `cert-manager.io/inject-ca-from`.

use serde_json::Value;

use super::{Desk, Next, Outcome};
use crate::sim::object::{self, text};
use crate::sim::store::{Key, State};

const FROM: &str = "cert-manager.io/inject-ca-from";

/// Kinds that hold a caBundle.
const KINDS: [&str; 4] =
    ["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "apiservices", "customresourcedefinitions"];

/// The objects that want the CA of a Certificate whose Secret this is.
pub(super) fn wanting(state: &State, certificates: &[Key]) -> Vec<Key> {
    let wants = |value: &Value| {
        let from = object::annotation(value, FROM).split_once('/');
        from.is_some_and(|(namespace, name)| certificates.iter().any(|it| it.namespace == namespace && it.name == name))
    };
    let objects = KINDS.iter().flat_map(|plural| state.list(plural, None));
    objects.filter(|object| wants(&object.value)).map(|object| Key::of(object.kind, &object.value)).collect()
}

pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    let Some(wanting) = desk.get(key) else { return Ok(Next::done()) };
    let Some((namespace, name)) = object::annotation(&wanting.value, FROM).split_once('/') else {
        return Ok(Next::done());
    };
    let certificate = Key::new("certificates", namespace, name);
    let Some(issued) = desk.get(&certificate) else { return Ok(Next::on(certificate)) };
    let secret = Key::new("secrets", namespace, text(&issued.value, "/spec/secretName"));
    let Some(stored) = desk.get(&secret) else { return Ok(Next::on(secret)) };
    let authority = stored.value["data"]["ca.crt"].clone();
    if authority.is_null() {
        return Ok(Next::done());
    }
    desk.edit(key, |value| fill(value, &authority))?;
    Ok(Next::done())
}

/// Puts a CA into every caBundle that an object may have.
pub(in crate::sim) fn fill(value: &mut Value, authority: &Value) {
    for webhook in value.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
        object::set(webhook, "/clientConfig/caBundle", authority.clone());
    }
    match text(value, "/kind") {
        "APIService" => object::set(value, "/spec/caBundle", authority.clone()),
        "CustomResourceDefinition" => {
            object::set(value, "/spec/conversion/webhook/clientConfig/caBundle", authority.clone());
        }
        _ => {}
    }
}
