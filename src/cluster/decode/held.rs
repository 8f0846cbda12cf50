//! The certificates of Secrets and ConfigMaps. Values that hold none are dropped in the parser, most of them without a
//! copy; those that are needed live, hidden, for the time of one object.

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::model::{CertificateFacts, CertificateHolder, HeldFile, Kind, Object};
use crate::text::sha256;
use crate::x509::{self, CertificateError, Hidden, KnownCas};

use super::meta::MetaWire;
use super::{Lean, Strings};

/// Most chains that are remembered.
const REMEMBERED: usize = 64;

/// What was read last: the same bundle lies in every namespace, is read once, and is held once.
#[derive(Default)]
pub(super) struct Chains {
    whole: HashMap<String, Arc<[CertificateFacts]>>,
    cas: KnownCas,
}

impl Chains {
    /// A chain that lies nowhere else, as a rule.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Arc<[CertificateFacts]>, CertificateError> {
        x509::chain_by(&mut self.cas, bytes).map(Arc::from)
    }

    /// One that may lie in many places.
    pub(super) fn shared(&mut self, bytes: &[u8]) -> Result<Arc<[CertificateFacts]>, CertificateError> {
        let digest = sha256(bytes);
        if let Some(known) = self.whole.get(&digest) {
            return Ok(known.clone());
        }
        let chain = self.read(bytes)?;
        if self.whole.len() >= REMEMBERED {
            self.whole.clear();
        }
        self.whole.insert(digest, chain.clone());
        Ok(chain)
    }

    /// The files among these values that hold certificates.
    pub(super) fn held(&mut self, values: &Values) -> Box<[HeldFile]> {
        let named: Vec<x509::Named<'_>> = values.0.iter().map(|(key, value)| (key.as_str(), &**value)).collect();
        x509::held(&named, &mut |bytes| self.shared(bytes)).into()
    }
}

/// Values of `data` or `binaryData` that are of use, decoded.
#[derive(Default)]
pub(super) struct Values(Vec<(String, Hidden)>);

impl Values {
    /// Takes a value out.
    pub(super) fn take(&mut self, key: &str) -> Option<Hidden> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.swap_remove(at).1)
    }

    fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

/// How values are written.
#[derive(Clone, Copy)]
enum Written {
    Base64,
    Plain,
}

/// Reads one value; `None` when it is of no use.
struct Value<'a> {
    key: &'a str,
    written: Written,
    always: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Option<Hidden>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Value<'_> {
    type Value = Option<Hidden>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let wanted = |bytes: &[u8]| self.always.contains(&self.key) || x509::of_use(self.key, bytes);
        match self.written {
            Written::Plain => Ok(wanted(text.as_bytes()).then(|| Hidden::from(text.as_bytes().to_vec()))),
            Written::Base64 => {
                // The error of the decoder would say which letter was wrong.
                let decoded = ByteString::deserialize(StrDeserializer::<E>::new(text));
                let bytes = Hidden::from(decoded.map_err(|_| E::custom("a value is not base64"))?.0);
                Ok(Some(bytes).filter(|bytes| wanted(bytes)))
            }
        }
    }
}

fn values<'de, D: Deserializer<'de>>(
    deserializer: D,
    written: Written,
    always: &'static [&'static str],
) -> Result<Values, D::Error> {
    struct Read(Written, &'static [&'static str]);
    impl<'de> Visitor<'de> for Read {
        type Value = Values;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map of strings")
        }
        fn visit_unit<E>(self) -> Result<Values, E> {
            Ok(Values::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
            let mut kept = Vec::new();
            while let Some(key) = map.next_key::<String>()? {
                let value = map.next_value_seed(Value { key: &key, written: self.0, always: self.1 })?;
                kept.extend(value.map(|value| (key, value)));
            }
            Ok(Values(kept))
        }
    }
    deserializer.deserialize_any(Read(written, always))
}

/// `data` of a TLS Secret, of which three keys are looked at whatever they hold.
pub(super) fn tls_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    values(deserializer, Written::Base64, &["tls.crt", "tls.key", "ca.crt"])
}

fn base64_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    values(deserializer, Written::Base64, &[])
}

fn plain_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    values(deserializer, Written::Plain, &[])
}

/// A Secret of another type than kubernetes.io/tls.
#[derive(Deserialize)]
pub(super) struct SecretObject {
    metadata: MetaWire,
    #[serde(default, deserialize_with = "base64_values")]
    data: Values,
}

impl Lean for SecretObject {
    fn wanted(&self) -> bool {
        self.data.any()
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        let files = strings.1.held(&self.data);
        Object::OtherSecret(CertificateHolder { meta: self.metadata.meta(strings), files })
    }
}

/// A ConfigMap.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigMapObject {
    metadata: MetaWire,
    #[serde(default, deserialize_with = "plain_values")]
    data: Values,
    #[serde(default, deserialize_with = "base64_values")]
    binary_data: Values,
}

impl Lean for ConfigMapObject {
    fn wanted(&self) -> bool {
        self.data.any() || self.binary_data.any()
    }

    fn object(mut self, _: Kind, strings: &mut Strings) -> Object {
        self.data.0.append(&mut self.binary_data.0);
        let files = strings.1.held(&self.data);
        Object::ConfigMap(CertificateHolder { meta: self.metadata.meta(strings), files })
    }
}
