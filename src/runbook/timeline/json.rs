//! The timeline as JSON.
//!
//! `run` is the head of it, `values` what it began with, `steps` each step with what it came to, `notes` what people wrote
//! down, and `entries` the record itself, in order: the rest is made of it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{FORMAT, Operated, Timeline, Told, VERSION};
use crate::runbook::history::{Agreed, Body, End};
use crate::text::sanitize;

impl Timeline<'_> {
    /// As JSON. Strings are safe to draw; of the book's text its lines stay.
    pub fn json(&self) -> Value {
        let mut value = json!({
            "format": FORMAT,
            "version": VERSION,
            "book": self.book_json(),
            "run": self.run_json(),
            "values": self.begun_with,
            "steps": self.steps.iter().map(|step| self.step_json(step)).collect::<Vec<_>>(),
            "notReached": self.unreached(),
            "notes": self.notes(),
            "entries": self.entries.iter().map(|(at, body)| entry(*at, body)).collect::<Vec<_>>(),
        });
        clean(&mut value);
        value
    }

    fn book_json(&self) -> Value {
        let (name, title) = self.book.map(|book| (&book.name, &book.title)).unzip();
        let reviews = self.book.map(|book| &book.reviews).into_iter().flatten();
        let reviews: Vec<Value> =
            reviews.map(|one| json!({ "topic": one.topic, "everySeconds": one.every.as_secs() })).collect();
        json!({ "name": name, "title": title, "sha256": self.run.digest, "reviews": reviews })
    }

    fn run_json(&self) -> Value {
        let (stopped_by, reason) = match &self.run.end {
            Some(End::Stopped { who, reason }) => (Some(who), Some(reason)),
            Some(End::Done) | None => (None, None),
        };
        json!({
            "id": self.run.id,
            "outcome": self.outcome(),
            "stoppedBy": stopped_by,
            "reason": reason,
            "began": self.run.begun,
            "ended": self.ended(),
            "seconds": self.total().as_secs(),
            "downSeconds": self.down(),
            "startedBy": self.run.who,
            "machine": self.machine,
            "context": self.run.context,
            "server": self.run.server,
            "recordIn": self.run.home,
            "resumed": self.run.epoch.saturating_sub(1),
            "people": self.people(),
            "head": self.head,
        })
    }

    fn step_json(&self, step: &Told<'_>) -> Value {
        let failures: Vec<Value> = step.failures.iter().map(|(at, why)| json!({ "at": at, "why": why })).collect();
        let skipped = step.skipped.map(|(who, reason)| json!({ "who": who, "reason": reason }));
        let kind = self.book.and_then(|book| book.step(&step.at.step)).map(|step| step.task.word());
        json!({
            "step": step.at.step,
            "row": step.at.row,
            "title": self.title(&step.at),
            "kind": kind,
            "state": step.state,
            "began": step.began,
            "last": step.last,
            "seconds": step.last.duration_since(step.began).as_secs(),
            "who": step.who,
            "seen": step.said,
            "failures": failures,
            "operations": step.operations.iter().map(operation).collect::<Vec<_>>(),
            "approval": step.approval.map(|(who, agreed)| approval(who, agreed)),
            "skipped": skipped,
            "values": step.gave,
        })
    }

    fn notes(&self) -> Vec<Value> {
        let note = |(at, body): &(Timestamp, Body)| match body {
            Body::Noted { note, who } => Some(json!({ "at": at, "who": who, "note": note })),
            _ => None,
        };
        self.entries.iter().filter_map(note).collect()
    }
}

fn operation(operation: &Operated<'_>) -> Value {
    json!({
        "id": operation.id,
        "title": operation.title,
        "planSha256": operation.plan,
        "confirmedBy": operation.who,
        "confirmed": operation.confirmed,
        "ended": operation.ended,
        "outcome": operation.outcome,
        "auditIds": operation.audit_ids,
        "journalHead": operation.journal,
        "downSeconds": operation.down,
    })
}

fn approval(who: &str, agreed: &Agreed) -> Value {
    match agreed {
        Agreed::Proven => json!({ "who": who, "proof": "proven" }),
        Agreed::Claimed { why } => json!({ "who": who, "proof": "claimed", "why": why }),
        Agreed::BreakGlass { reason } => json!({ "who": who, "proof": "breakGlass", "why": reason }),
    }
}

/// An entry with its moment.
fn entry(at: Timestamp, body: &Body) -> Value {
    let mut members = Map::from_iter([("at".to_owned(), json!(at.to_string()))]);
    match serde_json::to_value(body) {
        // The step that an entry belongs to has the moment's name.
        Ok(Value::Object(body)) => {
            members.extend(
                body.into_iter().map(|(name, value)| (if name == "at" { "step".to_owned() } else { name }, value)),
            );
        }
        Ok(other) => drop(members.insert("what".to_owned(), other)),
        Err(error) => drop(members.insert("unreadable".to_owned(), json!(error.to_string()))),
    }
    Value::Object(members)
}

/// Makes every string safe to draw, line by line.
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.split('\n').map(sanitize).collect::<Vec<_>>().join("\n"),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => {
            let all = std::mem::take(members);
            members.extend(all.into_iter().map(|(name, mut value)| {
                clean(&mut value);
                (sanitize(&name).into_owned(), value)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
