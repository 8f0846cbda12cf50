//! Logs made for tests.

use std::io::Write;

use serde_json::{Value, json};

use super::*;
use crate::model::Finding;

pub fn result(more: Value) -> Value {
    let mut result = json!({ "ruleId": "R1", "message": { "text": "bad" }, "locations": [{ "physicalLocation": {
        "artifactLocation": { "uri": "a.c" }, "region": { "startLine": 3 } } }] });
    merge(&mut result, more);
    result
}

pub fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("{more}") };
    into.as_object_mut().unwrap().extend(more);
}

pub fn log(results: &[Value]) -> Value {
    json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "T", "rules": [{ "id": "R1" }] } },
        "invocations": [{ "executionSuccessful": true }], "results": results }] })
}

pub fn text(results: &[Value]) -> Vec<u8> {
    log(results).to_string().into_bytes()
}

pub fn read_json(log: &Value) -> Log {
    of(log.to_string().as_bytes())
}

pub fn findings(log: &Log) -> usize {
    log.scans.iter().map(|scan| scan.findings.len()).sum()
}

pub fn only(log: &Log) -> &Finding {
    let [scan] = &log.scans[..] else { panic!("{log:#?}") };
    &scan.findings[0]
}

pub fn lost(log: &Log) -> Vec<&'static str> {
    log.diagnostics.iter().filter(|told| told.lost).map(|told| told.code).collect()
}

pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
