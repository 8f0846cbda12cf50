//! Seeds: YAML documents that say what a cluster holds when it starts.
//!
//! The same file starts the lab, so it contains plain manifests. The one addition is the annotation
//! `seed.holdfast.dev/tls`, which asks the loader for a key and a certificate (see `seed/shop.yaml`).

mod fleet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::clock::Clock;
use super::controllers::ca_injector;
use super::ids::Ids;
use super::object;
use super::pki::{self, Request};

const TLS: &str = "seed.holdfast.dev/tls";

/// A seed that cannot be used.
#[derive(Debug, Error)]
pub enum SeedError {
    /// The text is not YAML; line and column are in the source error.
    #[error("the seed is not valid YAML")]
    Yaml(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A `seed.holdfast.dev/tls` annotation is not the JSON it should be.
    #[error("the annotation {TLS} of {name} is not valid")]
    Tls {
        /// The object.
        name: String,
        /// What the JSON parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A key or certificate could not be made.
    #[error("no certificate could be made for {name}")]
    Certificate {
        /// The object.
        name: String,
        /// What the generator said.
        #[source]
        source: rcgen::Error,
    },
}

/// The small shop that `holdfast demo` starts with.
pub fn shop() -> Result<Vec<Value>, SeedError> {
    parse(include_str!("seed/shop.yaml"))
}

/// `count` bound claims in a namespace, each with its volume and one ready snapshot: for tests of size.
///
/// Needs the classes of [`shop`]. The objects are finished, so that controllers have nothing to add.
pub fn fleet(namespace: &str, count: usize) -> Vec<Value> {
    fleet::objects(namespace, count)
}

/// What every cluster has.
pub(crate) fn base() -> Result<Vec<Value>, SeedError> {
    parse(include_str!("seed/base.yaml"))
}

/// The objects of a YAML file with any number of documents.
pub fn parse(yaml: &str) -> Result<Vec<Value>, SeedError> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).map_err(|error| SeedError::Yaml(Box::new(error)))?;
    Ok(documents.into_iter().filter(Value::is_object).collect())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tls {
    cn: String,
    #[serde(default)]
    dns: Vec<String>,
    /// Seconds from the moment of loading.
    not_before: i64,
    not_after: i64,
    #[serde(default)]
    mismatch: bool,
    #[serde(default)]
    ca: bool,
    #[serde(default = "tls_crt")]
    cert_key: String,
    #[serde(default = "tls_key")]
    key_key: String,
}

fn tls_crt() -> String {
    "tls.crt".to_owned()
}

fn tls_key() -> String {
    "tls.key".to_owned()
}

/// Makes the key and certificate a Secret asks for, or the caBundle another object does, and drops the annotation.
pub(crate) fn fill(value: &mut Value, clock: &Clock, ids: &Ids) -> Result<(), SeedError> {
    let wish = object::annotation(value, TLS).to_owned();
    if wish.is_empty() {
        return Ok(());
    }
    let name = object::name(value).to_owned();
    let wish: Tls = serde_json::from_str(&wish).map_err(|source| SeedError::Tls { name: name.clone(), source })?;
    let failed = |source| SeedError::Certificate { name: name.clone(), source };
    let key = pki::new_key().map_err(failed)?;
    let certificate = pki::self_signed(&request(&wish, clock.now(), ids), &key).map_err(failed)?;
    object::unset(value, "/metadata/annotations", TLS);
    if object::text(value, "/kind") != "Secret" {
        ca_injector::fill(value, &pki::base64(certificate.as_bytes()));
        return Ok(());
    }
    let stored = if wish.mismatch { pki::new_key().map_err(failed)? } else { key };
    let data = object::fields(object::slot(value, "/data"));
    data.insert(wish.cert_key, pki::base64(certificate.as_bytes()));
    data.insert(wish.key_key, pki::base64(stored.as_bytes()));
    Ok(())
}

fn request(wish: &Tls, now: Timestamp, ids: &Ids) -> Request {
    let at = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    Request {
        common_name: wish.cn.clone(),
        dns: wish.dns.clone(),
        ips: Vec::new(),
        ca: wish.ca,
        not_before: at(wish.not_before),
        not_after: at(wish.not_after),
        serial: ids.serial(),
    }
}

#[cfg(test)]
mod tests {
    use super::shop;

    #[test]
    fn the_shop_seed_is_readable() {
        assert!(shop().unwrap().len() > 20);
        assert_eq!(super::base().unwrap().len(), 6);
    }
}
