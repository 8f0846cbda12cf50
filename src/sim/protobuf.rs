//! The few protobuf bodies kubectl sends without a JSON fallback.
//!
//! `kubectl auth can-i`, `auth whoami`, `create namespace` and `create configmap` encode with
//! protobuf and do not retry on 415. Field numbers are those of `k8s.io/api/**/generated.proto`;
//! only the fields these commands fill are read.

use serde_json::{Map, Value};

use super::object;
use super::refusal::Refusal;

/// Every message starts with this (`k8s.io/apimachinery/pkg/runtime/serializer/protobuf`).
const MAGIC: &[u8] = b"k8s\0";

/// How a field of a message becomes JSON.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Bool,
    Message(&'static [(u64, &'static str, Shape)]),
    /// A map with string values.
    Texts,
}

const TYPE: &[(u64, &str, Shape)] = &[(1, "apiVersion", Shape::Text), (2, "kind", Shape::Text)];
const META: &[(u64, &str, Shape)] = &[
    (1, "name", Shape::Text),
    (2, "generateName", Shape::Text),
    (3, "namespace", Shape::Text),
    (11, "labels", Shape::Texts),
    (12, "annotations", Shape::Texts),
];
const RESOURCE: &[(u64, &str, Shape)] = &[
    (1, "namespace", Shape::Text),
    (2, "verb", Shape::Text),
    (3, "group", Shape::Text),
    (4, "version", Shape::Text),
    (5, "resource", Shape::Text),
    (6, "subresource", Shape::Text),
    (7, "name", Shape::Text),
];
const PATH: &[(u64, &str, Shape)] = &[(1, "path", Shape::Text), (2, "verb", Shape::Text)];
const ACCESS: &[(u64, &str, Shape)] =
    &[(1, "resourceAttributes", Shape::Message(RESOURCE)), (2, "nonResourceAttributes", Shape::Message(PATH))];
const RULES: &[(u64, &str, Shape)] = &[(1, "namespace", Shape::Text)];

fn fields_of(kind: &str) -> Option<&'static [(u64, &'static str, Shape)]> {
    match kind {
        "SelfSubjectAccessReview" => {
            Some(const { &[(1, "metadata", Shape::Message(META)), (2, "spec", Shape::Message(ACCESS))] })
        }
        "SelfSubjectRulesReview" => {
            Some(const { &[(1, "metadata", Shape::Message(META)), (2, "spec", Shape::Message(RULES))] })
        }
        "SelfSubjectReview" | "Namespace" => Some(const { &[(1, "metadata", Shape::Message(META))] }),
        "ConfigMap" => Some(
            const { &[(1, "metadata", Shape::Message(META)), (2, "data", Shape::Texts), (4, "immutable", Shape::Bool)] },
        ),
        _ => None,
    }
}

/// Reads a body into the object it stands for.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Refusal> {
    let broken = || Refusal::bad_request("the protobuf body of the request cannot be read");
    let envelope = body.strip_prefix(MAGIC).and_then(fields).ok_or_else(broken)?;
    let part = |number: u64| envelope.iter().find(|(at, _)| *at == number).map_or(&[][..], |(_, bytes)| bytes);
    let mut value = message(part(1), TYPE).ok_or_else(broken)?;
    let kind = object::text(&value, "/kind").to_owned();
    let known = fields_of(&kind).ok_or_else(|| {
        Refusal::unsupported_media(format!(
            "the simulated cluster does not read {kind} as protobuf; send JSON (kubectl create -f)"
        ))
    })?;
    let content = message(part(2), known).ok_or_else(broken)?;
    object::fields(&mut value).extend(content.as_object().cloned().unwrap_or_default());
    Ok(value)
}

fn message(bytes: &[u8], shape: &[(u64, &'static str, Shape)]) -> Option<Value> {
    let mut value = Map::new();
    for (number, content) in fields(bytes)? {
        let Some((_, name, shape)) = shape.iter().find(|(known, ..)| *known == number) else {
            continue;
        };
        match shape {
            // Go's zero value: the field was not set.
            Shape::Text if content.is_empty() => {}
            Shape::Text => _ = value.insert((*name).to_owned(), String::from_utf8_lossy(content).into()),
            Shape::Bool => _ = value.insert((*name).to_owned(), (content == [1]).into()),
            Shape::Message(inner) => _ = value.insert((*name).to_owned(), message(content, inner)?),
            Shape::Texts => {
                let pair = message(content, &[(1, "key", Shape::Text), (2, "value", Shape::Text)])?;
                let map = value.entry(*name).or_insert_with(|| Value::Object(Map::new()));
                object::fields(map)
                    .insert(object::text(&pair, "/key").to_owned(), object::text(&pair, "/value").into());
            }
        }
    }
    Some(Value::Object(value))
}

/// The fields of a message: number and raw content (a varint as its bytes).
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let length = match tag & 7 {
            0 => bytes.iter().position(|byte| byte & 0x80 == 0)? + 1,
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (content, rest) = bytes.split_at_checked(length)?;
        all.push((tag >> 3, content));
        bytes = rest;
    }
    Some(all)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::decode;

    #[test]
    fn a_namespace_is_read_and_garbage_is_refused() {
        let body = b"k8s\0\n\x0f\n\x02v1\x12\x09Namespace\x12\x08\n\x06\n\x04demo";
        assert_eq!(
            decode(body).unwrap(),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}})
        );
        assert_eq!(decode(b"k8s\0\xff\xff").unwrap_err().code, 400);
        assert_eq!(decode(b"{}").unwrap_err().code, 400);
    }
}
