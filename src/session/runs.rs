//! Runs of runbooks: begun, gone on with, and led from turn to turn.
//!
//! What comes next is the runbook's to say ([`crate::runbook::turn`]); here it is written down before it is done, on disk
//! and then in the cluster, and plans go the way of every plan. One entry is written at a time; while it is, nothing of
//! the run moves.

mod adopt;
mod answer;
mod approve;
mod collect;
mod follow;
mod lead;
mod shown;
mod sure;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::ask::random;
use super::{Event, Message, Session, Ticket};
use crate::config::runbook;
use crate::engine::{Engine, RunRecord, host};
use crate::journal::{Entry, Kept};
use crate::plan::{Confirmed, OperationId, Verb};
use crate::runbook::book::{Book, Task};
use crate::runbook::history::{Body, Run, RunId, StepAt};
use crate::runbook::params;
use crate::runbook::turn::{Facts, Turn, place, turn};
use crate::runbook::words::Values;
use crate::store::RunLog;
use crate::text;
use crate::view::{Level, Lists, RunState, RunView};

pub(super) use adopt::Adopted;
pub use adopt::{Edited, NotResumed};
pub use answer::Answer;
pub(super) use approve::Approval;
use shown::OFTEN;

/// What is known of runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    tracked: BTreeMap<RunId, Tracked>,
    /// Whether records in the cluster could be read last; `None` before the first answer.
    seen: Option<Result<(), String>>,
    /// Runs as these records tell them.
    recorded: Vec<RunView>,
    /// Whether somebody wants to see them.
    wanted: bool,
    /// Whether somebody looks at them.
    looked_at: bool,
    /// Whether those that are led here go on by themselves.
    leading: bool,
    /// How those that are led here stood when it was said last.
    stood: BTreeMap<RunId, (RunState, Option<StepAt>)>,
    /// Which round of questions counts: another cluster, or other namespaces, make an answer worthless.
    round: u64,
}

impl Runs {
    /// The same wish on another cluster. What is led here goes on when somebody comes back and resumes it.
    pub(super) fn elsewhere(&self) -> Self {
        Self { wanted: self.wanted, looked_at: self.looked_at, leading: self.leading, ..Self::default() }
    }
}

/// A run that this console leads.
#[derive(Debug)]
struct Tracked {
    book: Arc<Book>,
    run: Option<Run>,
    entries: Vec<Entry<Body>>,
    /// What it is written with; `None` while an entry is being written, and once it is lost.
    hold: Option<Hold>,
    /// What begins once the entry that is being written is on disk.
    begins: Option<Box<Confirmed>>,
    /// Why it cannot go on here.
    trouble: Option<String>,
    /// Whether evidence is being collected for its present step.
    collecting: bool,
    /// Whether it is being looked whether somebody approved its present step.
    looking: bool,
    /// Why it cannot be seen whether somebody approved.
    unseen: Option<String>,
    /// An operation of it that was asked to go on, so that it is asked once.
    resumed: Option<OperationId>,
    /// After how many entries the lists were brought up to date for what it decides next.
    looked: Option<usize>,
    /// Handshakes for that which are under way.
    shaking: BTreeSet<Ticket>,
}

/// What a run is written with.
#[derive(Debug)]
pub(super) struct Hold {
    log: RunLog,
    record: RunRecord,
    /// Writes of the record since the last entry.
    kept: Vec<Kept>,
}

/// An entry that was written, or not.
#[derive(Debug)]
pub(super) struct Written {
    hold: Option<Hold>,
    entry: Result<Entry<Body>, String>,
}

/// What a run begins with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The book.
    pub book: Book,
    /// Where it came from: a file, or the name of a shipped one.
    pub source: String,
    /// Values of its parameters.
    pub values: Values,
    /// The namespace that its record is kept in.
    pub home: String,
}

impl Session {
    /// Begins a run.
    ///
    /// # Errors
    /// In read-only mode, without a connection, and when its journal cannot be begun.
    pub fn begin_run(&mut self, beginning: Beginning) -> Result<RunId, String> {
        let engine = self.engine().ok_or_else(|| self.no_hands_for_a_run())?;
        let Beginning { book, source, values, home } = beginning;
        let random = random().ok_or_else(|| "this machine gives no random numbers for the run's name".to_owned())?;
        let id = RunId::new(crate::store::now(), random);
        let log = self.options.store.begin_run(&id).map_err(|error| text::chain(&error))?;
        let context = &self.desk.world.context;
        let begun = Body::Begun {
            run: id.clone(),
            digest: book.digest(),
            book: book.text.clone(),
            source,
            values,
            who: self.who(),
            machine: host(),
            context: context.name.to_string(),
            server: context.server.to_string(),
            home: home.clone(),
        };
        let hold = Hold { log, record: RunRecord::new(&id, &home), kept: Vec::new() };
        self.runs.tracked.insert(id.clone(), Tracked::new(book, hold));
        self.write(&engine, &id, begun);
        self.ask_runs(OFTEN);
        Ok(id)
    }

    /// The namespace in which a run is recorded: of the first parameter that has one, else the one that is looked at.
    ///
    /// # Errors
    /// When it is seen that there is no such namespace, where nothing could be recorded.
    pub fn run_home(&self, book: &Book, values: &Values) -> Result<String, String> {
        if let Some((param, home)) = params::namespace(book, values) {
            return self.seen_namespace(home).map_err(|why| format!("{}: {why}", param.name));
        }
        let looked_at = self.desk.world.context.namespaces.first().map(ToString::to_string);
        self.seen_namespace(looked_at.unwrap_or_else(|| self.own_namespace()))
    }

    fn no_hands_for_a_run(&self) -> String {
        match self.cluster {
            Some(_) => "this console is read-only; a run is recorded in the cluster".to_owned(),
            None => "there is no connection to the cluster".to_owned(),
        }
    }

    /// What comes next in a run; `None` while something of it is being written, or when it is not led here.
    pub fn run_turn(&self, id: &RunId) -> Option<Turn> {
        let tracked = self.runs.tracked.get(id)?;
        let (run, true) = (tracked.run.as_ref()?, tracked.hold.is_some()) else { return None };
        let desk = &self.desk;
        let lists =
            Lists { world: &desk.world, boards: &desk.boards, operations: &desk.operations, now: crate::store::now() };
        let facts = Facts { world: &desk.world, sight: &lists, defaults: &desk.defaults, now: lists.now };
        Some(turn(&tracked.book, run, &facts))
    }

    /// Does what nobody has to be asked for: writes down what is seen, follows operations, collects evidence. Says what
    /// comes next after that; `None` while it is on its way.
    pub fn advance_run(&mut self, id: &RunId) -> Option<Turn> {
        match self.sure_turn(id)? {
            Turn::Note(body) => {
                self.note(id, *body);
                None
            }
            Turn::Follow(at, operation) => {
                self.follow_operation(id, &at, &operation);
                Some(Turn::Follow(at, operation))
            }
            Turn::Collect(at, collect, of) => {
                self.collect_in_run(id, &at, &collect, &of);
                Some(Turn::Collect(at, collect, of))
            }
            turn => Some(turn),
        }
    }

    /// Writes down what happened in a run. Nothing is written while another entry is.
    pub fn note(&mut self, id: &RunId, body: Body) {
        if let Some(engine) = self.engine() {
            self.write(&engine, id, body);
        }
    }

    /// Begins the operation of a step, once it is written down that it does.
    ///
    /// # Errors
    /// When the run is not at that step any more, or cannot go on here: nothing is begun then.
    pub fn start_in_run(&mut self, id: &RunId, at: &StepAt, confirmed: Confirmed) -> Result<(), String> {
        match self.run_turn(id) {
            Some(Turn::Plan(here, _)) if here == *at => {}
            Some(_) => return Err(format!("run {id} is not at {at} any more; nothing was begun")),
            None => return Err(self.not_now(id)),
        }
        let confirmed = confirmed.in_run(id.as_str(), &at.to_string());
        let plan = confirmed.plan();
        let body = Body::Planned {
            at: at.clone(),
            operation: plan.id.clone(),
            title: plan.title.clone(),
            digest: plan.digest(),
            who: confirmed.authority().who().to_owned(),
        };
        if let Some(tracked) = self.runs.tracked.get_mut(id).filter(|tracked| tracked.hold.is_some()) {
            tracked.begins = Some(Box::new(confirmed));
            self.note(id, body);
        }
        Ok(())
    }

    /// Writes an entry: on disk, then into the record in the cluster. What it stands for comes after that.
    fn write(&mut self, engine: &Engine, id: &RunId, body: Body) {
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return };
        let Some(mut hold) = tracked.hold.take() else { return };
        let (engine, post, id) = (engine.clone(), self.inbox.0.clone(), id.clone());
        let (book, run, mut entries) = (tracked.book.clone(), tracked.run.clone(), tracked.entries.clone());
        tokio::spawn(async move {
            let written = tokio::task::spawn_blocking(move || {
                let entry = hold.log.append(crate::store::now(), body, std::mem::take(&mut hold.kept));
                (hold, entry)
            });
            let written = match written.await {
                Err(error) => Written { hold: None, entry: Err(error.to_string()) },
                Ok((hold, Err(error))) => Written { hold: Some(hold), entry: Err(text::chain(&error)) },
                Ok((mut hold, Ok(entry))) => {
                    entries.push(entry.clone());
                    let run = after(run, &entry);
                    let kept = match &run {
                        Some(run) => engine.keep_run(&mut hold.record, &book, run, &entries).await,
                        None => Ok(None),
                    };
                    match kept {
                        Ok(kept) => {
                            hold.kept.extend(kept);
                            Written { hold: Some(hold), entry: Ok(entry) }
                        }
                        // What is on disk alone did not happen: nothing was done on it. It is taken up anew.
                        Err(error) => Written { hold: None, entry: Err(error.to_string()) },
                    }
                }
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Noted(id, Box::new(written))).await;
        });
    }

    /// Takes in that an entry was written, or could not be.
    pub(super) fn noted(&mut self, id: &RunId, written: Written) -> Event {
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return Event::Changed };
        tracked.hold = written.hold;
        let begins = tracked.begins.take();
        match written.entry {
            Err(why) => {
                let begun = tracked.run.is_some();
                let what = if begun { "does not go on here" } else { "did not begin" };
                let said = format!("run {id} {what}: {}", text::sanitize(&why));
                tracked.trouble = Some(why);
                self.desk.say(Level::Critical, &said);
                // What its record says by now is what is shown of it.
                self.ask_runs(Duration::ZERO);
            }
            Ok(entry) => {
                tracked.run = after(tracked.run.take(), &entry);
                tracked.entries.push(entry);
                tracked.trouble = None;
                if let Some(confirmed) = begins {
                    self.begin_operation(id, *confirmed);
                }
            }
        }
        self.advance_runs();
        Event::Run(id.clone())
    }

    fn begin_operation(&mut self, id: &RunId, confirmed: Confirmed) {
        if let Err(refusal) = self.start(confirmed)
            && let Some(tracked) = self.runs.tracked.get_mut(id)
        {
            tracked.trouble = Some(refusal.to_string());
        }
    }

    /// Why a run cannot go on here.
    pub fn run_trouble(&self, id: &RunId) -> Option<&str> {
        self.runs.tracked.get(id)?.trouble.as_deref()
    }

    /// The book of a run, and what happened in it.
    pub fn led(&self, id: &RunId) -> Option<(&Book, &Run)> {
        let tracked = self.runs.tracked.get(id)?;
        Some((&tracked.book, tracked.run.as_ref()?))
    }

    /// Entries of a run from the given number on, as they are on disk.
    pub fn run_entries_from(&self, id: &RunId, from: usize) -> &[Entry<Body>] {
        let entries = self.runs.tracked.get(id).map_or(&[][..], |tracked| &tracked.entries);
        entries.get(from..).unwrap_or_default()
    }
}

impl Tracked {
    fn new(book: Book, hold: Hold) -> Self {
        Self {
            book: Arc::new(book),
            run: None,
            entries: Vec::new(),
            hold: Some(hold),
            begins: None,
            trouble: None,
            collecting: false,
            looking: false,
            unseen: None,
            resumed: None,
            looked: None,
            shaking: BTreeSet::new(),
        }
    }

    /// The verb that its present step asks for.
    fn verb(&self) -> Option<Verb> {
        let (step, ..) = place(&self.book, self.run.as_ref()?)?;
        match &step.task {
            Task::Plan(plan) => Some(plan.verb),
            _ => None,
        }
    }
}

/// A run after one more entry.
fn after(run: Option<Run>, entry: &Entry<Body>) -> Option<Run> {
    match run {
        None => Run::of([(entry.at, &entry.body)]),
        Some(mut run) => {
            run.take(entry.at, &entry.body);
            Some(run)
        }
    }
}

/// The book that a run began with.
///
/// # Errors
/// When this version does not read it.
pub fn run_book(run: &Run) -> Result<Book, String> {
    book(&run.book, &run.source)
}

/// A book from its text.
fn book(text: &str, source: &str) -> Result<Book, String> {
    let said = |mistakes: Vec<_>| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    runbook::parse(text, Path::new(source)).map_err(said)
}
