//! A `ConfigMap` with SARIF as the API writes it, and the lists and watches of such.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::sync::Arc;

use super::ScanMap;
use crate::cluster::errors::CallError;
use crate::store::SARIF_ENDINGS;

type Bytes = Result<Vec<u8>, &'static str>;

const NO_BASE64: &str = "its value is not base64";
const ODD: &str = "a field has a type that the API does not promise";

#[derive(Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    pub metadata: FrameMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FrameMeta {
    pub resource_version: String,
    #[serde(rename = "continue")]
    pub next: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MetaWire {
    name: String,
    resource_version: String,
}

/// Values under keys that end like SARIF files.
#[derive(Default)]
struct Files(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Files;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Files, E> {
                Ok(Files::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if SARIF_ENDINGS.iter().any(|ending| key.ends_with(ending)) {
                        files.push((key, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Files(files))
            }
        }
        from.deserialize_any(Read)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapWire {
    metadata: MetaWire,
    #[serde(default)]
    data: Files,
    #[serde(default)]
    binary_data: Files,
}

impl MapWire {
    fn map(self, namespace: &Arc<str>) -> ScanMap {
        let plain = self.data.0.into_iter().map(|(key, text)| (key, Ok(text.into_bytes())));
        let decoded = |text: String| -> Bytes { STANDARD.decode(text).map_err(|_| NO_BASE64) };
        let packed = self.binary_data.0.into_iter().map(|(key, text)| (key, decoded(text)));
        let files = plain.chain(packed).collect();
        ScanMap { namespace: namespace.clone(), name: self.metadata.name, files }
    }
}

/// One that is not as it should be: its name, as far as that can be read.
fn odd(namespace: &Arc<str>, object: &Value) -> ScanMap {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("(no name)").to_owned();
    ScanMap { namespace: namespace.clone(), name, files: vec![(String::new(), Err(ODD))] }
}

/// One item of a list.
pub(super) fn map(namespace: &Arc<str>, item: &[u8]) -> ScanMap {
    match serde_json::from_slice::<MapWire>(item) {
        Ok(read) => read.map(namespace),
        Err(_) => odd(namespace, &serde_json::from_slice(item).unwrap_or_default()),
    }
}

/// A list without its items.
pub(super) fn frame(frame: &[u8]) -> Result<Frame, CallError> {
    let undecodable = |_| CallError::Undecodable { what: "list of configmaps with SARIF".into() };
    serde_json::from_slice(frame).map_err(undecodable)
}

pub(super) enum Change {
    Is(ScanMap),
    Gone(String),
    Nothing,
}

/// One line of a watch, and the version it leads to.
pub(super) struct Event {
    pub change: Change,
    pub version: String,
}

/// Reads one line of a watch.
pub(super) fn event(namespace: &Arc<str>, line: &[u8]) -> Result<Event, CallError> {
    #[derive(Deserialize)]
    struct Wire<T> {
        #[serde(rename = "type")]
        change: String,
        object: T,
    }
    if let Ok(Wire { change, object }) = serde_json::from_slice::<Wire<MapWire>>(line)
        && matches!(&*change, "ADDED" | "MODIFIED" | "DELETED")
    {
        let version = object.metadata.resource_version.clone();
        let gone = change == "DELETED";
        let change = if gone { Change::Gone(object.metadata.name) } else { Change::Is(object.map(namespace)) };
        return Ok(Event { change, version });
    }
    let undecodable = |_| CallError::Undecodable { what: "watch of configmaps with SARIF".into() };
    let Wire { change, object } = serde_json::from_slice::<Wire<Value>>(line).map_err(undecodable)?;
    let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    match &*change {
        "ERROR" => {
            let status = kube::core::Status::deserialize(&object).unwrap_or_default();
            Err(CallError::status(&status, 500))
        }
        "ADDED" | "MODIFIED" => Ok(Event { change: Change::Is(odd(namespace, &object)), version }),
        "DELETED" => Ok(Event { change: Change::Gone(odd(namespace, &object).name), version }),
        _ => Ok(Event { change: Change::Nothing, version }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(data: &str) -> Vec<(String, Bytes)> {
        let item = format!(r#"{{"metadata":{{"name":"scan","managedFields":[{{"f:data":{{}}}}]}},{data}}}"#);
        let read = map(&"ci".into(), item.as_bytes());
        assert_eq!((&*read.namespace, &*read.name), ("ci", "scan"));
        read.files
    }

    #[rstest]
    #[case::text(r#""data":{"a.sarif":"{}","notes":"x"}"#, &[("a.sarif", Ok("{}"))])]
    #[case::packed(r#""binaryData":{"a.sarif.gz":"e30=","logo.png":"AAAA"}"#, &[("a.sarif.gz", Ok("{}"))])]
    #[case::both(r#""data":{"a.sarif.json":"1"},"binaryData":{"b.sarif":"Mg=="}"#, &[("a.sarif.json", Ok("1")), ("b.sarif", Ok("2"))])]
    #[case::bad_base64(r#""binaryData":{"a.sarif":"???","b.sarif":"Mg=="}"#, &[("a.sarif", Err(NO_BASE64)), ("b.sarif", Ok("2"))])]
    #[case::nothing(r#""data":null"#, &[])]
    #[case::odd(r#""data":{"a.sarif":7}"#, &[("", Err(ODD))])]
    fn only_what_ends_like_sarif_is_taken(#[case] data: &str, #[case] files: &[(&str, Result<&str, &'static str>)]) {
        let expected: Vec<(String, Bytes)> =
            files.iter().map(|(key, value)| ((*key).to_owned(), value.map(|text| text.as_bytes().to_vec()))).collect();
        assert_eq!(read(data), expected);
    }

    #[test]
    fn a_watch_tells_what_is_and_what_is_gone_and_ends_with_its_errors() {
        let told = |kind: &str, object: &str| {
            let line = format!(r#"{{"type":"{kind}","object":{object}}}"#);
            match event(&"ci".into(), line.as_bytes()) {
                Ok(Event { change: Change::Is(map), version }) => {
                    format!("{} {} at {version}", map.name, map.files.len())
                }
                Ok(Event { change: Change::Gone(name), version }) => format!("-{name} at {version}"),
                Ok(Event { change: Change::Nothing, version }) => format!("at {version}"),
                Err(error) => format!("gone: {}", error.gone()),
            }
        };
        let object = |data: &str| format!(r#"{{"metadata":{{"name":"scan","resourceVersion":"7"}},"data":{data}}}"#);
        assert_eq!(told("ADDED", &object(r#"{"a.sarif":""}"#)), "scan 1 at 7");
        assert_eq!(told("MODIFIED", &object("[]")), "scan 1 at 7");
        assert_eq!(told("DELETED", &object("{}")), "-scan at 7");
        assert_eq!(told("DELETED", &object("[]")), "-scan at 7");
        assert_eq!(told("BOOKMARK", r#"{"metadata":{"resourceVersion":"9"}}"#), "at 9");
        assert_eq!(
            told("ERROR", r#"{"kind":"Status","status":"Failure","reason":"Expired","code":410}"#),
            "gone: true"
        );
    }
}
