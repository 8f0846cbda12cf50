//! Object metadata, namespaces and events.

use jiff::{SignedDuration, Timestamp};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use crate::model::{ClusterEvent, Kind, Meta, Namespace, Object, OwnerRef, Uid, annotation};

use super::{Lean, Strings};

/// Events older than this are not kept; the API server drops them by then too.
const EVENT_AGE: SignedDuration = SignedDuration::from_hours(1);

/// A field that may be absent or null: both are the default.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A map of strings in the order of the JSON.
#[derive(Default)]
pub(super) struct Pairs(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Pairs, E> {
                Ok(Pairs::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(entry) = map.next_entry()? {
                    pairs.push(entry);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// Those annotations that are kept; the others, often kilobytes, are skipped.
#[derive(Default)]
struct KeptAnnotations(Vec<(&'static str, Box<str>)>);

impl<'de> Deserialize<'de> for KeptAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = KeptAnnotations;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<KeptAnnotations, E> {
                Ok(KeptAnnotations::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KeptAnnotations, A::Error> {
                let mut kept = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    match annotation::KEPT.iter().find(|kept| **kept == key) {
                        Some(key) => kept.push((*key, map.next_value()?)),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(KeptAnnotations(kept))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// `ObjectMeta`, without managedFields and most annotations.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MetaWire {
    pub name: String,
    pub namespace: Option<String>,
    uid: Option<String>,
    #[serde(deserialize_with = "nullable")]
    resource_version: Box<str>,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
    labels: Pairs,
    annotations: KeptAnnotations,
    #[serde(deserialize_with = "nullable")]
    owner_references: Vec<Owner>,
    #[serde(deserialize_with = "nullable")]
    finalizers: Vec<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Owner {
    kind: Box<str>,
    name: String,
    uid: String,
    controller: Option<bool>,
}

impl MetaWire {
    pub(super) fn meta(self, strings: &mut Strings) -> Meta {
        let labels = self.labels.0.iter().map(|(key, value)| (strings.share(key), strings.share(value))).collect();
        let owners = self.owner_references.into_iter().map(|owner| OwnerRef {
            kind: owner.kind,
            name: owner.name.into(),
            uid: Uid::from(owner.uid),
            controller: owner.controller.unwrap_or_default(),
        });
        Meta {
            namespace: strings.maybe(self.namespace),
            name: self.name.into(),
            uid: self.uid.filter(|uid| !uid.is_empty()).map(Uid::from),
            resource_version: self.resource_version,
            created: self.creation_timestamp,
            deleting: self.deletion_timestamp,
            labels,
            annotations: self.annotations.0.into(),
            owners: owners.collect(),
            finalizers: self.finalizers.into(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct NamespaceObject {
    metadata: MetaWire,
}

impl Lean for NamespaceObject {
    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::Namespace(Namespace { meta: self.metadata.meta(strings) })
    }
}

/// An Event of the core group.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventObject {
    metadata: MetaWire,
    #[serde(default)]
    involved_object: Involved,
    #[serde(default, rename = "type")]
    severity: String,
    #[serde(default, deserialize_with = "nullable")]
    reason: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    message: Box<str>,
    #[serde(default)]
    first_timestamp: Option<Timestamp>,
    #[serde(default)]
    last_timestamp: Option<Timestamp>,
    #[serde(default)]
    event_time: Option<Timestamp>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    series: Option<Series>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: Box<str>,
    name: String,
    uid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    last_observed_time: Option<Timestamp>,
}

impl EventObject {
    /// The last time it was seen: new-style events leave the old fields empty.
    fn last(&self) -> Option<Timestamp> {
        let series = self.series.as_ref().and_then(|series| series.last_observed_time);
        series.or(self.last_timestamp).or(self.event_time).or(self.first_timestamp).or(self.metadata.creation_timestamp)
    }
}

impl Lean for EventObject {
    fn wanted(&self) -> bool {
        let recent = self.last().is_none_or(|last| Timestamp::now().duration_since(last) < EVENT_AGE);
        recent && Kind::ALL.iter().any(|kind| kind.spec().kind == &*self.involved_object.kind)
    }

    fn object(self, _: Kind, strings: &mut Strings) -> Object {
        Object::Event(ClusterEvent {
            last: self.last(),
            about: self.involved_object.uid.filter(|uid| !uid.is_empty()).map(Uid::from),
            about_kind: self.involved_object.kind,
            about_name: self.involved_object.name.into(),
            warning: self.severity == "Warning",
            reason: self.reason,
            message: self.message,
            count: self.series.and_then(|series| series.count).or(self.count).unwrap_or(1),
            meta: self.metadata.meta(strings),
        })
    }
}
