//! The schema of runbooks, for editors and for people: JSON Schema 2020-12, made of the registry of keys.

use serde_json::{Map, Value, json};

use super::keys::{STEP, Table, Takes, tables};
use super::node::LARGEST;
use crate::runbook::book::{Task, VERSION};

/// The schema. What it cannot say the reader does: filters, and what is known where.
pub fn schema() -> Value {
    let mut definitions: Map<String, Value> =
        tables().into_iter().map(|table| (table.name.to_owned(), object(table))).collect();
    if let Some(step) = definitions.get_mut(STEP.name) {
        let one: Vec<Value> = Task::WORDS.iter().map(|task| json!({ "required": [task] })).collect();
        step["oneOf"] = json!(one);
        step["dependentRequired"] = json!({ "each": ["steps"], "steps": ["each"] });
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runbooks of Holdfast",
        "description": format!("A file has {LARGEST} bytes at most. `holdfast runbook check` holds it to everything."),
        "$ref": "#/$defs/book",
        "$defs": definitions,
    })
}

fn object(table: &Table) -> Value {
    let property = |key: &super::keys::Key| {
        let mut value = shape(key.takes);
        value["description"] = json!(key.doc);
        (key.name.to_owned(), value)
    };
    let properties: Map<String, Value> = table.keys.iter().map(property).collect();
    let required: Vec<&str> = table.keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn shape(takes: Takes) -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let scalar = json!({ "type": ["string", "number"] });
    let reference = |table: &Table| json!({ "$ref": format!("#/$defs/{}", table.name) });
    match takes {
        Takes::Version => json!({ "const": VERSION }),
        Takes::Line => json!({ "type": "string", "pattern": "^[^\\n]+$" }),
        Takes::Words | Takes::Filter => scalar,
        Takes::Name => json!({ "type": "string", "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$" }),
        Takes::Link => json!({ "type": "string", "pattern": "^https://" }),
        Takes::Expect => json!({
            "oneOf": [
                { "enum": ["some", "none"] },
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^([0-9]+|at least [1-9][0-9]*)$" },
            ],
        }),
        Takes::Text | Takes::Duration => text,
        Takes::OneOf(words) => json!({ "enum": words() }),
        Takes::SomeOf(words) => {
            json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": words() } })
        }
        Takes::Lines => json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": scalar }),
        Takes::Answers => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
        }
        Takes::Table(table) => reference(table),
        Takes::Tables(table) => json!({ "type": "array", "minItems": 1, "items": reference(table) }),
        Takes::Named(table) => json!({ "type": "object", "additionalProperties": reference(table) }),
    }
}
