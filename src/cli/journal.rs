//! `holdfast journal`: what was begun, ended, refused and given up on this machine, and whether the record of it is as
//! it was written.

mod verify;

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, Journal, JournalFormat, ListFormat};
use super::{Exit, Failure, operations, out};
use crate::config::state_directory;
use crate::engine;
use crate::journal::{Asked, Book, Entry, Line, Note, export};
use crate::plan::OperationId;
use crate::store::{self, Store, now};
use crate::text;

pub(super) async fn run(global: &Global, what: &Journal) -> Result<Exit, Failure> {
    match what {
        Journal::List { since, output } => list(*since, *output),
        Journal::Show { what } => show(what),
        Journal::Export { out, output } => export_to(out.as_deref(), *output),
        Journal::Verify { file: Some(file), .. } => verify::export(file),
        Journal::Verify { file: None, here } => verify::run(global, *here).await,
    }
}

/// Reads a moment, or how long ago it was.
pub(super) fn since(said: &str) -> Result<Timestamp, String> {
    let ago = text::quantity::parse_duration(said.trim()).ok();
    if let Some(moment) = ago.and_then(|ago| now().checked_sub(ago).ok()) {
        return Ok(moment);
    }
    let misread = |_| {
        let said = text::sanitize(said);
        format!("\"{said}\" is no moment: write one such as 2026-03-01T12:00:00Z, or how long ago, such as 24h or 7d")
    };
    said.trim().parse().map_err(misread)
}

fn opened() -> Result<Store, Failure> {
    Ok(Store::open(&state_directory()?)?)
}

fn list(since: Option<Timestamp>, output: ListFormat) -> Result<Exit, Failure> {
    let store = opened()?;
    let lines = store.notes()?;
    let wanted =
        |line: &&Line<Note>| line.entry.as_ref().map_or(true, |entry| since.is_none_or(|since| entry.at >= since));
    let wanted = lines.iter().filter(wanted);
    match output {
        ListFormat::Table => wanted.map(|line| one_line(&store, line)).try_for_each(out::line)?,
        ListFormat::Json => {
            let values: Vec<Value> = wanted.map(value).collect();
            out::line(format_args!("{:#}", Value::Array(values)))?;
        }
    }
    Ok(Exit::Fine)
}

fn value(line: &Line<Note>) -> Value {
    match &line.entry {
        Err(why) => json!({ "line": line.number, "unreadable": why }),
        Ok(entry) => {
            let mut value = serde_json::to_value(&entry.body).unwrap_or_default();
            value["line"] = json!(line.number);
            value["at"] = json!(entry.at);
            value["hash"] = json!(entry.hash);
            value
        }
    }
}

fn one_line(store: &Store, line: &Line<Note>) -> String {
    let number = line.number;
    let said = match &line.entry {
        Err(why) => format!("{number:>5}  unreadable: {why}"),
        Ok(entry) => {
            let at = entry.at.strftime("%Y-%m-%dT%H:%M:%SZ");
            format!("{number:>5}  {at}  {:<8} {}", entry.body.word(), told(store, &entry.body))
        }
    };
    text::sanitize(&said).into_owned()
}

/// What a line says, in a line.
fn told(store: &Store, note: &Note) -> String {
    let book = |of: &Book| match title(store, of) {
        Some(title) => format!("{of}: {title}"),
        None => of.to_string(),
    };
    match note {
        Note::Opened { of, .. } | Note::Closed { of, .. } => book(of),
        Note::Dropped { of, length, .. } => format!("{of}: its {length} entries are older than is kept"),
        Note::Refused { asked, why } | Note::Aborted { asked, why, .. } => {
            format!("{}: {}", what(asked), first_line(why))
        }
        Note::Mended { file, bytes } => format!("{file}: {bytes} bytes of a line that was cut short were taken off"),
    }
}

fn what(asked: &Asked) -> String {
    let context = if asked.context.is_empty() { "no context" } else { &asked.context };
    format!("{} {} by {} on {context}", asked.verb, asked.object, asked.who)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What an operation does, where its journal is here.
fn title(store: &Store, of: &Book) -> Option<String> {
    let id = OperationId::parse(&of.id).ok()?;
    let run = store.find(&id)?.run.ok()?;
    Some(format!("{} by {}", run.plan.title, run.authority.who()))
}

fn show(asked: &str) -> Result<Exit, Failure> {
    let Ok(number) = asked.parse::<usize>() else { return operations::show(asked) };
    let lines = opened()?.notes()?;
    let Some(line) = lines.iter().find(|line| line.number == number) else {
        let message =
            format!("the journal has no line {number}; it has {}", text::plural(lines.len(), "line", "lines"));
        return Err(Failure::new(Exit::Refused, message));
    };
    match &line.entry {
        Err(why) => Err(Failure::new(Exit::Refused, format!("line {number} cannot be read: {why}"))),
        Ok(entry) => facts(entry)
            .iter()
            .try_for_each(|(what, said)| {
                let lines = said.lines().map(text::sanitize).collect::<Vec<_>>().join("\n             ");
                out::line(format_args!("{what:<11}  {lines}"))
            })
            .map(|()| Exit::Fine),
    }
}

fn facts(entry: &Entry<Note>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("what", entry.body.word().to_owned()), ("when", entry.at.to_string())];
    let mut asked_for = |asked: &Asked, why: &str| {
        facts.push(("verb", asked.verb.clone()));
        facts.push(("object", asked.object.clone()));
        facts.extend(asked.uid.clone().map(|uid| ("uid", uid)));
        facts.push(("who", asked.who.clone()));
        facts.push(("context", asked.context.clone()));
        facts.push(("server", asked.server.clone()));
        facts.push(("why", why.to_owned()));
    };
    match &entry.body {
        Note::Refused { asked, why } => asked_for(asked, why),
        Note::Aborted { asked, digest, why } => {
            asked_for(asked, why);
            facts.push(("plan sha256", digest.clone()));
        }
        Note::Opened { of, head } => facts.extend([("of", of.to_string()), ("head", head.clone())]),
        Note::Closed { of, length, head } | Note::Dropped { of, length, head } => {
            facts.extend([("of", of.to_string()), ("entries", length.to_string()), ("head", head.clone())]);
        }
        Note::Mended { file, bytes } => facts.extend([("file", file.clone()), ("bytes", bytes.to_string())]),
    }
    facts.extend([("entry", entry.seq.to_string()), ("before", entry.prev.clone()), ("hash", entry.hash.clone())]);
    facts
}

fn export_to(out: Option<&Path>, format: JournalFormat) -> Result<Exit, Failure> {
    let store = opened()?;
    let evidence = store.evidence()?;
    let newest = evidence.index.iter().rev().find_map(|line| line.entry.as_ref().ok());
    let head = newest.map(|entry| crate::journal::Anchor { length: entry.seq + 1, head: entry.hash.clone() });
    let label = export::Label { holdfast_journal: 1, exported: now(), machine: engine::host(), head };
    let written = match format {
        JournalFormat::Jsonl => export::write_lines(&label, &evidence),
        JournalFormat::Json => export::write_document(&label, &evidence),
    };
    let written = written.map_err(|error| Failure::new(Exit::Unknown, error))?;
    match out {
        None => out::print(written)?,
        Some(file) => store::write_private(file, &written, false)?,
    }
    Ok(Exit::Fine)
}
