//! The record of a run of a runbook in its cluster: a ConfigMap that holds the whole history, changed only by
//! compare-and-swap. By it a colleague sees the run and goes on with it on another machine; the console that lost it stops
//! at its next entry, before it does anything.

use serde_json::{Value, json};

use super::record::{number, text};
use super::{Engine, machine};
use crate::cluster::{Eyes, WriteError};
use crate::journal::{Entry, Kept, Line, faults};
use crate::model::annotation;
use crate::plan::{ObjectAt, Resource};
use crate::runbook::book::Book;
use crate::runbook::history::{Body, End, Run, RunId, leader};
use crate::text::sanitize;

/// A ConfigMap holds a mebibyte; a run that says more cannot be recorded.
const MOST: usize = 900 << 10;

/// Why the record of a run cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRecordError {
    /// Another console goes on with it.
    #[error("{by} took run {run} over; it goes on there")]
    TakenOver {
        /// Which run.
        run: RunId,
        /// Who goes on with it, and where; safe to draw.
        by: String,
    },
    /// It does not fit.
    #[error("the history of run {0} is larger than its record may be; end it, and begin another one for what is left")]
    TooLarge(RunId),
    /// It cannot be written or read.
    #[error("the record {at} of the run cannot be kept: {why}; nothing was done, resume the run when it can be")]
    Unavailable {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
}

/// The record of a run as this console last saw it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    id: RunId,
    at: ObjectAt,
    version: Option<String>,
}

/// A run as its record tells it.
#[derive(Clone, Debug)]
pub struct RunSeen {
    /// Which.
    pub id: RunId,
    /// Its namespace.
    pub home: String,
    /// What happened, as its lines say it.
    pub entries: Vec<Entry<Body>>,
    /// The epoch of the console that wrote last.
    pub epoch: u64,
    /// The machine of that console.
    pub machine: String,
    version: String,
}

impl RunSeen {
    /// What happened, added up.
    pub fn run(&self) -> Option<Run> {
        Run::of_journal(&self.entries)
    }

    /// The machine of the console that wrote last, without the process.
    pub fn host(&self) -> &str {
        machine::host_of(&self.machine)
    }

    /// Who goes on with it, and on which machine: `ada on web-1`; safe to draw.
    pub fn led_by(&self) -> String {
        let who = leader(&self.entries).unwrap_or("somebody");
        sanitize(&format!("{who} on {}", self.host())).into_owned()
    }

    /// Whether a console of this machine wrote last.
    pub fn of_this_machine(&self) -> bool {
        self.host() == machine::host()
    }

    /// The record, to go on with.
    pub fn record(&self) -> RunRecord {
        RunRecord { version: Some(self.version.clone()), ..RunRecord::new(&self.id, &self.home) }
    }
}

impl RunRecord {
    /// The object, for people.
    pub fn place(&self) -> String {
        self.at.to_string()
    }

    /// The record of a run that has none yet.
    pub fn new(id: &RunId, home: &str) -> Self {
        Self { id: id.clone(), at: place(id, home), version: None }
    }
}

fn place(id: &RunId, home: &str) -> ObjectAt {
    ObjectAt { resource: Resource::config_map(), namespace: Some(home.to_owned()), name: format!("holdfast-run-{id}") }
}

impl Engine {
    /// Writes what happened in a run. Nothing may be done that comes after it unless this succeeds.
    ///
    /// # Errors
    /// When another console goes on with the run, or the record cannot be written.
    pub async fn keep_run(
        &self,
        record: &mut RunRecord,
        book: &Book,
        run: &Run,
        entries: &[Entry<Body>],
    ) -> Result<Option<Kept>, RunRecordError> {
        let manifest = manifest(record, book, run, entries);
        if manifest.to_string().len() > MOST {
            return Err(RunRecordError::TooLarge(record.id.clone()));
        }
        let mut why = String::new();
        for _ in 0..5 {
            match self.write_run(record, &manifest).await {
                Ok(kept) => return Ok(kept),
                Err(WriteError::Refused(error)) if !error.conflict() && !error.temporary() => {
                    return Err(unavailable(record, error.to_string()));
                }
                Err(error) => why = error.to_string(),
            }
            let seen = read(&self.eyes, &record.at).await.map_err(|why| unavailable(record, why))?;
            match seen {
                None => record.version = None,
                Some(seen) if seen.epoch > run.epoch || (seen.epoch == run.epoch && !mine(&seen)) => {
                    return Err(RunRecordError::TakenOver { run: record.id.clone(), by: seen.led_by() });
                }
                // The answer was lost and the write was not, or the answer says less than is there.
                Some(seen) if head(&seen.entries) == head(entries) => {
                    record.version = Some(seen.version);
                    return Ok(None);
                }
                Some(seen) => record.version = Some(seen.version),
            }
            tokio::time::sleep(super::POLL).await;
        }
        Err(unavailable(record, why))
    }

    async fn write_run(&self, record: &mut RunRecord, manifest: &Value) -> Result<Option<Kept>, WriteError> {
        let (at, namespace) = (&record.at, record.at.namespace.as_deref());
        let mut manifest = manifest.clone();
        let written = match &record.version {
            None => self.hands.create(&at.resource, namespace, &manifest, false).await?,
            Some(version) => {
                manifest["metadata"]["resourceVersion"] = json!(version);
                self.hands.put(&at.resource, namespace, &at.name, &manifest, false).await?
            }
        };
        record.version = Some(text(&written.object, "/metadata/resourceVersion").to_owned());
        Ok(written.audit_id.map(|audit_id| Kept { object: at.to_string(), audit_id }))
    }
}

fn head(entries: &[Entry<Body>]) -> Option<&str> {
    entries.last().map(|entry| entry.hash.as_str())
}

fn mine(seen: &RunSeen) -> bool {
    seen.machine == machine::instance()
}

fn unavailable(record: &RunRecord, why: String) -> RunRecordError {
    RunRecordError::Unavailable { at: record.at.to_string(), why }
}

/// Reads the record of one run; `None` when there is none.
///
/// # Errors
/// When it cannot be read.
pub async fn run_record(eyes: &Eyes, id: &RunId, home: &str) -> Result<Option<RunSeen>, String> {
    read(eyes, &place(id, home)).await
}

async fn read(eyes: &Eyes, at: &ObjectAt) -> Result<Option<RunSeen>, String> {
    let found = eyes.get(&at.resource, at.namespace.as_deref(), &at.name).await.map_err(|error| error.to_string())?;
    found.map(|found| seen(&found.value).ok_or_else(|| format!("{at} is not the record of a run"))).transpose()
}

/// The records of runs in these namespaces, or in all when there are none; the newest first.
///
/// # Errors
/// When a list cannot be read, and why.
pub async fn runs(eyes: &Eyes, namespaces: &[String]) -> Result<Vec<RunSeen>, String> {
    let places: Vec<Option<&str>> = match namespaces {
        [] => vec![None],
        some => some.iter().map(|namespace| Some(namespace.as_str())).collect(),
    };
    let selector = format!("{}={},{}", annotation::MANAGED_BY.0, annotation::MANAGED_BY.1, annotation::RUN);
    let mut all = Vec::new();
    for place in places {
        let records = eyes.list(&Resource::config_map(), place, &selector).await.map_err(|error| error.to_string())?;
        all.extend(records.iter().filter_map(seen));
    }
    all.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(all)
}

/// One record; `None` when it is not one, or its history does not hold together.
fn seen(record: &Value) -> Option<RunSeen> {
    let id = RunId::parse(text(record, "/data/run")).ok()?;
    if text(record, "/metadata/name") != format!("holdfast-run-{id}") {
        return None;
    }
    let entries = history(text(record, "/data/history"))?;
    Some(RunSeen {
        home: text(record, "/metadata/namespace").to_owned(),
        entries,
        epoch: number(record, "epoch"),
        machine: text(record, "/data/instance").to_owned(),
        version: text(record, "/metadata/resourceVersion").to_owned(),
        id,
    })
}

/// The entries of a history; `None` when they do not hold together.
fn history(lines: &str) -> Option<Vec<Entry<Body>>> {
    let parse = |(place, line): (usize, &str)| Entry::parse(line.as_bytes(), place as u64).ok();
    let entries: Vec<Entry<Body>> = lines.lines().enumerate().map(parse).collect::<Option<_>>()?;
    let lines: Vec<Line<Body>> =
        entries.iter().enumerate().map(|(place, entry)| Line { number: place + 1, entry: Ok(entry.clone()) }).collect();
    faults(&lines).is_empty().then_some(entries)
}

fn manifest(record: &RunRecord, book: &Book, run: &Run, entries: &[Entry<Body>]) -> Value {
    let state = match &run.end {
        None => "running",
        Some(End::Done) => "done",
        Some(End::Stopped { .. }) => "stopped",
    };
    // Strings, numbers and maps with string keys: these always serialise.
    let lines: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default()).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record.at.name,
            "namespace": record.at.namespace,
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1, annotation::RUN: record.id.as_str() },
        },
        "data": {
            "run": record.id.as_str(),
            "runbook": book.name,
            "title": book.title,
            "digest": run.digest,
            "starter": run.who,
            "state": state,
            "epoch": run.epoch.to_string(),
            "instance": machine::instance(),
            "begun": run.begun.to_string(),
            "length": entries.len().to_string(),
            "head": head(entries).unwrap_or_default(),
            "history": lines.join("\n"),
        },
    })
}
