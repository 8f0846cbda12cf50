//! Going on with a run: here after an interruption, or on another machine by its record in the cluster.

use std::fmt;

use super::{Hold, OFTEN, Session, Tracked, book};
use crate::cluster::Eyes;
use crate::engine::{RunRecord, RunSeen, host, run_record, runs};
use crate::journal::Entry;
use crate::runbook::book::Book;
use crate::runbook::history::{Body, Run, RunId};
use crate::runbook::shipped::shipped;
use crate::session::{Event, Message};
use crate::store::{RunLog, Store, StoreError};
use crate::text;

/// Why a run is not gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotResumed {
    /// Its book was edited since it began.
    #[error("{0}")]
    Edited(Box<Edited>),
    /// Anything else.
    #[error("{0}")]
    Because(String),
}

/// A book that was edited since a run of it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Where it is.
    pub source: String,
    /// What differs, as a unified diff.
    pub diff: String,
}

impl fmt::Display for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = text::sanitize(&self.source);
        write!(f, "the runbook {source} was edited since the run began:\n{}", self.diff)
    }
}

/// A run that can be gone on with.
#[derive(Debug)]
pub(in crate::session) struct Adopted {
    book: Book,
    run: Run,
    entries: Vec<Entry<Body>>,
    hold: Hold,
}

impl Session {
    /// Goes on with a run. The answer is [`Event::RunResumed`]. `as_begun`: with the book as it was when the run began,
    /// although its file was edited since.
    pub fn resume_run(&mut self, id: &RunId, as_begun: bool) {
        let (eyes, post) = (self.cluster.as_ref().map(crate::cluster::Cluster::eyes), self.inbox.0.clone());
        let (store, id) = (self.options.store.clone(), id.clone());
        let here = self.desk.world.context.server.to_string();
        let read_only = self.engine().is_none().then(|| self.no_hands_for_a_run());
        // What went wrong here is taken up anew from what is on disk and in the cluster; what goes well goes on.
        match self.runs.tracked.get(&id) {
            Some(tracked) if tracked.trouble.is_none() => {
                let led = Err(NotResumed::Because(format!("run {id} is led here already")));
                tokio::spawn(async move { post.send(Message::Adopted(id, Box::new(led))).await });
                return;
            }
            Some(_) => drop(self.runs.tracked.remove(&id)),
            None => {}
        }
        tokio::spawn(async move {
            let adopted = match (eyes, read_only) {
                (_, Some(why)) => Err(NotResumed::Because(why)),
                (None, None) => Err(NotResumed::Because("there is no connection to the cluster".to_owned())),
                (Some(eyes), None) => adopt(&eyes, &store, &id, &here, as_begun).await,
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Adopted(id, Box::new(adopted))).await;
        });
    }

    /// Takes in a run to go on with.
    pub(in crate::session) fn adopted(&mut self, id: RunId, adopted: Result<Adopted, NotResumed>) -> Event {
        let Adopted { book, run, entries, hold } = match adopted {
            Err(why) => return Event::RunResumed(id, Err(why)),
            Ok(adopted) => adopted,
        };
        let (epoch, ended) = (run.epoch + 1, run.end.is_some());
        let tracked = Tracked { run: Some(run), entries, ..Tracked::new(book, hold) };
        self.runs.tracked.insert(id.clone(), tracked);
        if !ended {
            self.note(&id, Body::Resumed { who: self.who(), machine: host(), epoch });
            self.ask_runs(OFTEN);
        }
        self.show_runs();
        Event::RunResumed(id, Ok(()))
    }
}

async fn adopt(eyes: &Eyes, store: &Store, id: &RunId, here: &str, as_begun: bool) -> Result<Adopted, NotResumed> {
    let because = NotResumed::Because;
    let (log, seen) = both(eyes, store, id).await.map_err(because)?;
    let (log, entries) = settled(store, id, log, seen.as_ref()).map_err(because)?;
    let run = Run::of_journal(&entries);
    let run = run.ok_or_else(|| because(format!("the journal of run {id} does not begin with its beginning")))?;
    if run.server != here {
        let (there, here) = (text::sanitize(&run.server), text::sanitize(here));
        return Err(because(format!(
            "run {id} was begun at {there}, and this context is {here}; choose the context that leads there (--context)"
        )));
    }
    let book = book(&run.book, &run.source).map_err(because)?;
    if !as_begun && let Some(edited) = edited(&run) {
        return Err(NotResumed::Edited(Box::new(edited)));
    }
    let record = seen.map_or_else(|| RunRecord::new(id, &run.home), |seen| seen.record());
    Ok(Adopted { book, run, entries, hold: Hold { log, record, kept: Vec::new() } })
}

/// The journal of this machine and the record in the cluster, where there are any.
async fn both(eyes: &Eyes, store: &Store, id: &RunId) -> Result<(Option<RunLog>, Option<RunSeen>), String> {
    let held = store.has_run(id).then(|| store.hold_run(id)).transpose();
    let log = held.map_err(|error| text::chain(&error))?;
    let home = log.as_ref().and_then(|log| match log.entries().first().map(|entry| &entry.body) {
        Some(Body::Begun { home, .. }) => Some(home.clone()),
        _ => None,
    });
    let seen = match home {
        Some(home) => run_record(eyes, id, &home).await?,
        // Which namespace it is in is not known: all that may be seen are looked through.
        None => runs(eyes, &[]).await?.into_iter().find(|seen| seen.id == *id),
    };
    match (&log, &seen) {
        (None, None) => Err(format!("there is no run {id}, neither here nor in the cluster")),
        _ => Ok((log, seen)),
    }
}

/// The journal as it goes on: the cluster's history is what counts, because nothing was done that is not in it.
fn settled(
    store: &Store,
    id: &RunId,
    log: Option<RunLog>,
    seen: Option<&RunSeen>,
) -> Result<(RunLog, Vec<Entry<Body>>), String> {
    let chain = |error: StoreError| text::chain(&error);
    let Some(mut log) = log else {
        let entries = seen.map(|seen| seen.entries.clone()).unwrap_or_default();
        let log = store.take_run(id, &entries).map_err(chain)?;
        return Ok((log, entries));
    };
    let there = seen.map_or(&[][..], |seen| &seen.entries);
    let here = log.entries();
    let same = here.iter().zip(there).take_while(|(a, b)| a.hash == b.hash).count();
    if same < there.len() {
        // Another machine went on with it, or an entry here never reached the cluster.
        drop(log);
        log = store.replace_run(id, there).map_err(chain)?;
    }
    let entries = log.entries().to_vec();
    Ok((log, entries))
}

/// What was edited since a run began; `None` where its book is as it was, or cannot be read here any more.
fn edited(run: &Run) -> Option<Edited> {
    let now = match shipped(&run.source) {
        Some(one) => one.text.to_owned(),
        None => std::fs::read_to_string(&run.source).ok()?,
    };
    let diff = similar::TextDiff::from_lines(&run.book, &now);
    let diff = diff.unified_diff().context_radius(2).header("as the run began", "as it is now").to_string();
    (now != run.book).then(|| Edited {
        source: run.source.clone(),
        diff: diff.lines().map(text::sanitize).collect::<Vec<_>>().join("\n"),
    })
}
