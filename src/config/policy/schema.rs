//! The schema of the policy file, for editors and for people.

use serde_json::{Map, Value, json};

/// What a field holds, and what it is for.
type Field = (&'static str, Kind, &'static str);

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    Number,
    Count,
    Labels,
    OneOf(&'static [&'static str]),
}

const SELECTOR: &[Field] = &[
    ("namespaces", Kind::Texts, "Namespaces: names, or how names begin, followed by *. Left out: all."),
    ("labels", Kind::Labels, "Labels that a claim must carry. Left out: none."),
];

const RETENTION: &[Field] = &[
    ("last", Kind::Count, "The newest copies."),
    ("hourly", Kind::Count, "The newest copy of each of so many hours."),
    ("daily", Kind::Count, "The newest copy of each of so many days."),
    ("weekly", Kind::Count, "The newest copy of each of so many weeks (ISO 8601)."),
    ("monthly", Kind::Count, "The newest copy of each of so many months."),
    ("yearly", Kind::Count, "The newest copy of each of so many years."),
    ("within", Kind::Text, "All that were cut so shortly before the newest one: 12h, 2d."),
];

const POLICY: &[Field] = &[
    ("name", Kind::Text, "Its name, in reasons and journals."),
    ("reason", Kind::Text, "Why, for the journal and the copies."),
    ("rpo", Kind::Text, "How old the last good copy may be: a duration such as 4h, or none to opt out."),
    ("schedule", Kind::Text, "When volumes are backed up: a cron expression of five fields, or @daily and the like."),
    ("drill", Kind::Text, "When the newest good copy is restored on trial: a cron expression."),
    ("drillImage", Kind::Text, "Image of the pod that reads it; it needs sh, find, cat and wc. Left out: busybox."),
    (
        "timeZone",
        Kind::Text,
        "In which the expressions are meant and days begin, such as Europe/Berlin. Left out: UTC.",
    ),
    ("class", Kind::Text, "VolumeSnapshotClass of backups. Left out: the default of the volume's driver."),
    ("consistency", Kind::OneOf(&["crash", "application"]), "How copies have to be cut."),
    (
        "hooks",
        Kind::Text,
        "The hooks around the cut, as `holdfast backup --hooks` takes them: auto, velero or a preset.",
    ),
    ("minimumCopies", Kind::Number, "So many good copies stay whatever retention says. Left out: 1."),
    ("maximumDeletions", Kind::Number, "More deletions of one volume at once wait for a person. Left out: 10."),
];

/// The schema, as JSON Schema 2020-12.
pub fn schema() -> Value {
    let mut policy = object(POLICY, &["name"]);
    for (name, fields, doc) in [
        (
            "selector",
            SELECTOR,
            "Which volumes it is for; the first policy that matches a volume counts. Left out: all.",
        ),
        ("retention", RETENTION, "Which copies stay: one that any rule keeps. Without a rule nothing is deleted."),
    ] {
        let mut inner = object(fields, &[]);
        inner["description"] = json!(doc);
        policy["properties"][name] = inner;
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policies of Holdfast",
        "type": "object",
        "additionalProperties": false,
        "required": ["policies"],
        "properties": { "policies": { "type": "array", "items": policy } },
    })
}

fn object(fields: &[Field], required: &[&str]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, kind, doc)| {
            let mut value = shape(*kind);
            value["description"] = json!(doc);
            ((*name).to_owned(), value)
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn shape(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Number => json!({ "type": "integer", "minimum": 1 }),
        Kind::Count => json!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "const": "all" }] }),
        Kind::Labels => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::OneOf(words) => json!({ "enum": words }),
    }
}
