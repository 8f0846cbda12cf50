//! Operations of this cluster: those running here, and what journals say of the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Event, Message, Session};
use crate::engine::{EngineError, Report, Running};
use crate::journal::{self, Entry, fold};
use crate::model::{Key, Kind, Uid};
use crate::plan::{
    Act, End, ObjectAt, OperationId, Output, Plan, Refusal, Request, Resource, Step, StepId, StepState, Target, Verb,
};
use crate::text;
use crate::view::{Held, Level, Made, OperationState, OperationView, StepView, Unclosed, WaitView};

/// Ended operations that stay on the desk.
const ENDED_SHOWN: usize = 20;

/// What is known of one operation.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    run: Option<journal::Run>,
    entries: Vec<Entry>,
    running: Option<Running>,
    /// What its steps wait for, side by side.
    waits: BTreeMap<StepId, WaitView>,
    held_elsewhere: bool,
    trouble: Option<String>,
    /// What asks for taking it back; made once, when it has ended.
    takes_back: Option<Arc<Request>>,
}

impl Tracked {
    pub(super) fn starting(running: Running) -> Self {
        Self { running: Some(running), ..Self::default() }
    }

    pub(super) fn run_by(&mut self, running: Running) {
        self.running = Some(running);
        self.trouble = None;
    }

    /// Its plan, where its journal is known.
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.run.as_ref().map(|run| &run.plan)
    }

    pub(super) fn into_running(self) -> Option<Running> {
        self.running
    }

    /// Of a journal on this machine.
    fn stored(run: journal::Run, held_elsewhere: bool) -> Self {
        Self { run: Some(run), held_elsewhere, ..Self::default() }
    }

    /// Once it has ended, it can be asked to be taken back.
    fn settle(&mut self) {
        let ended = self.run.as_ref().filter(|run| run.progress.end.is_some());
        if let (Some(run), None) = (ended, &self.takes_back) {
            self.takes_back = Some(Arc::new(Request::undo(run.plan.clone(), run.progress.clone())));
        }
    }

    pub(super) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }
}

impl Session {
    /// Reads the journals of operations on this cluster.
    pub(super) fn load_operations(&mut self) {
        let stored = match self.options.store.list() {
            Ok(stored) => stored,
            Err(error) => return self.notice(Level::Critical, &text::chain(&error)),
        };
        let server = self.desk.world.context.server.to_string();
        let mut ended = 0;
        for found in stored {
            match found.run {
                Err(error) => self.notice(Level::Critical, &text::chain(&error)),
                Ok(run) if run.plan.server != server || self.tracked.contains_key(&found.id) => {}
                Ok(run) => {
                    ended += usize::from(run.closed.is_some());
                    if run.closed.is_none() || ended <= ENDED_SHOWN {
                        self.tracked.insert(found.id, Tracked::stored(run, found.held));
                    }
                }
            }
        }
        self.show_operations();
    }

    /// Reads the journal of an operation that another process on this machine runs, or ended.
    pub(super) fn load_operation(&mut self, id: &OperationId, ended: bool) {
        match self.tracked.get(id) {
            Some(tracked) if !tracked.held_elsewhere => return,
            None if ended => return,
            Some(_) | None => {}
        }
        if let Some(Ok(run)) = self.options.store.find(id).map(|found| found.run.map(|run| (run, found.held))) {
            self.tracked.insert(id.clone(), Tracked::stored(run.0, run.1));
        }
    }

    /// Reads the journal of an operation of a run, however it stands, where there is one here.
    pub(super) fn load_operation_of_run(&mut self, id: &OperationId) {
        if let Some(Ok(run)) = self.options.store.find(id).map(|found| found.run.map(|run| (run, found.held))) {
            self.tracked.insert(id.clone(), Tracked::stored(run.0, run.1));
        }
    }

    pub(super) fn no_hands(&self, verb: Verb, object: String) -> Refusal {
        let (why, clear) = if self.cluster.is_some() {
            ("this console is read-only", "start it without --read-only, on a context that is not read-only")
        } else {
            ("there is no connection to the cluster", "wait until the header says connected")
        };
        Refusal { verb, object, why: why.into(), clear: clear.into() }
    }

    pub(super) fn reports(&self, id: &OperationId) -> mpsc::Sender<Report> {
        let (sender, mut receiver) = mpsc::channel(16);
        let (post, id) = (self.inbox.0.clone(), id.clone());
        tokio::spawn(async move {
            while let Some(report) = receiver.recv().await {
                if post.send(Message::Report(id.clone(), report)).await.is_err() {
                    // The session was closed; the run goes on until the process ends and can be resumed.
                    receiver.close();
                }
            }
        });
        sender
    }

    pub(super) fn report(&mut self, id: &OperationId, report: Report) -> Event {
        let tracked = self.tracked.entry(id.clone()).or_default();
        let event = match report {
            Report::Began(_, entries) => {
                tracked.run = fold(&entries).ok();
                tracked.entries = entries;
                self.attest_backups();
                Event::Changed
            }
            Report::Entry(entry) => {
                if let Some(run) = &mut tracked.run {
                    run.take(&entry);
                }
                tracked.entries.push(entry);
                tracked.waits.clear();
                Event::Changed
            }
            Report::Waiting { step, what, until } => {
                let deadline = tracked.run.as_ref().and_then(|run| run.plan.step(&step)).map(|step| step.deadline);
                let since = deadline.and_then(|deadline| until.checked_sub(deadline).ok()).unwrap_or(until);
                tracked.waits.insert(step, WaitView { what: what.into(), since, until });
                Event::Changed
            }
            Report::Over(over) => {
                tracked.running = None;
                tracked.waits.clear();
                tracked.trouble = over.as_ref().err().map(ToString::to_string);
                let said = said(tracked.run.as_ref(), id, &over);
                self.notice(said.0, &said.1);
                self.look_after_an_operation();
                Event::Over(id.clone())
            }
        };
        self.show_operations();
        event
    }

    pub(super) fn show_operations(&mut self) {
        let can_act = self.cluster.as_ref().is_some_and(|cluster| cluster.hands().is_some());
        self.tracked.values_mut().for_each(Tracked::settle);
        let mut views: Vec<_> = self.tracked.iter().filter_map(|(id, tracked)| view(id, tracked, can_act)).collect();
        views.extend(self.colleague_views());
        views.sort_by(|a, b| b.id.cmp(&a.id));
        self.desk.operations = views;
    }

    /// Goes on with an interrupted operation.
    ///
    /// # Errors
    /// In read-only mode, and before there is a connection.
    pub fn resume(&mut self, id: &OperationId) -> Result<(), Refusal> {
        let verb = self.run(id).map_or(Verb::Backup, |run| run.plan.verb);
        let Some(engine) = self.engine() else {
            let refusal = self.no_hands(verb, format!("operation {id}"));
            return Err(self.refuse(refusal, None));
        };
        let running = engine.resume(id, &self.who(), self.reports(id));
        self.tracked.entry(id.clone()).or_default().run_by(running);
        self.show_operations();
        Ok(())
    }

    /// Stops an operation: one that runs after the step under way; one that nobody runs is taken up for what it still
    /// owes, and no more.
    ///
    /// # Errors
    /// When nobody runs it: in read-only mode, and before there is a connection.
    pub fn stop(&mut self, id: &OperationId) -> Result<(), Refusal> {
        let ended = self.run(id).is_some_and(|run| run.progress.end.is_some());
        if !ended && self.tracked.get(id).and_then(Tracked::running).is_none() {
            self.resume(id)?;
        }
        let who = self.who();
        if let Some(running) = self.tracked.get(id).and_then(Tracked::running) {
            running.stop(&who);
        }
        Ok(())
    }

    /// Whether an operation runs in this session.
    pub(super) fn running(&self, id: &OperationId) -> bool {
        self.tracked.get(id).is_some_and(|tracked| tracked.running.is_some())
    }

    /// Whether another process on this machine runs an operation.
    pub(super) fn held_elsewhere(&self, id: &OperationId) -> bool {
        self.tracked.get(id).is_some_and(|tracked| tracked.held_elsewhere)
    }

    /// How an operation ended, or why it cannot go on here. `None` while it runs.
    pub fn outcome(&self, id: &OperationId) -> Option<Result<End, String>> {
        let tracked = self.tracked.get(id)?;
        if tracked.running.is_some() {
            return None;
        }
        match tracked.run.as_ref().and_then(|run| run.progress.end.clone()) {
            Some(end) => Some(Ok(end)),
            None => Some(Err(tracked.trouble.clone().unwrap_or_else(|| "it was interrupted".into()))),
        }
    }

    /// Entries of an operation from the given number on, as they are on disk.
    pub fn entries_from(&self, id: &OperationId, from: usize) -> Vec<Entry> {
        let entries = self.tracked.get(id).map_or(&[][..], |tracked| &tracked.entries);
        entries.get(from..).unwrap_or_default().to_vec()
    }

    /// What an operation opened and is not seen to have closed.
    pub fn unclosed(&self, id: &OperationId) -> Vec<Unclosed> {
        self.run(id).map(unclosed).unwrap_or_default()
    }

    /// The journal of an operation, added up.
    pub fn run(&self, id: &OperationId) -> Option<&journal::Run> {
        self.tracked.get(id)?.run.as_ref()
    }
}

fn said(run: Option<&journal::Run>, id: &OperationId, over: &Result<End, EngineError>) -> (Level, String) {
    let title = run.map_or_else(|| format!("operation {id}"), |run| run.plan.title.clone());
    match over {
        Ok(End::Done) => (Level::Ok, format!("{title}: done")),
        Ok(End::Failed { at, why }) => (Level::Critical, format!("{title}: failed at {at}: {why}")),
        Ok(End::Stopped) => (Level::Warn, format!("{title}: stopped as asked")),
        Err(error) => (Level::Critical, format!("{title}: interrupted: {error}")),
    }
}

fn view(id: &OperationId, tracked: &Tracked, can_act: bool) -> Option<OperationView> {
    let run = tracked.run.as_ref()?;
    let state = state(tracked, run);
    let interrupted = matches!(state, OperationState::Interrupted | OperationState::OutcomeUnknown);
    Some(OperationView {
        id: Arc::from(id.as_str()),
        title: run.plan.title.as_str().into(),
        subject: Key::Object(run.plan.subject.object.kind, run.plan.subject.uid.clone()),
        state,
        started: Some(run.opened),
        ended: run.closed,
        steps: shown_steps(run).into_iter().map(|step| step_view(run, step)).collect(),
        // Of several the one that says most: what is wrong with one is said after what all of them wait for.
        waits: tracked.waits.values().max_by_key(|wait| wait.what.len()).cloned(),
        message: message(tracked, run, state),
        can_resume: can_act && interrupted && tracked.running.is_none() && !tracked.held_elsewhere,
        resumed: run.epoch - 1,
        made: made(run),
        undo: run.plan.undo.iter().map(|undo| undo.as_str().into()).collect(),
        held: held(tracked, run),
        unclosed: if state.active() { Vec::new() } else { unclosed(run) },
        takes_back: tracked.takes_back.clone(),
        elsewhere: (tracked.held_elsewhere && tracked.running.is_none())
            .then(|| "another holdfast process on this machine".into()),
    })
}

/// How long hooks hold an application. Of an operation that nobody runs it is not known whether they do.
fn held(tracked: &Tracked, run: &journal::Run) -> Option<Held> {
    let now = run.holds().filter(|_| tracked.running.is_some());
    now.map(|(since, until)| Held::Now { since, until }).or_else(|| run.held().map(Held::For))
}

/// What an operation that nobody runs opened and is not seen to have closed.
pub(super) fn unclosed(run: &journal::Run) -> Vec<Unclosed> {
    let unclosed = run.progress.unclosed(&run.plan).into_iter();
    let say = |step: &Step| Unclosed {
        what: step.title.as_str().into(),
        by_hand: step.act.by_hand(&run.plan.context).map(Into::into),
    };
    unclosed.map(say).collect()
}

/// The steps of a plan, and after them what takes some of them back as soon as that has begun.
fn shown_steps(run: &journal::Run) -> Vec<&Step> {
    let undos = run.plan.undo_steps().into_iter();
    let begun = undos.filter(|step| *run.progress.state(&step.id) != StepState::Waiting);
    run.plan.steps().into_iter().chain(begun).collect()
}

/// What an operation made and did not delete again, for people.
fn made(run: &journal::Run) -> Option<Made> {
    let (at, uid) = made_at(run)?;
    let kind = Kind::ALL.iter().find(|kind| Resource::of(**kind).plural == at.resource.plural)?;
    Some(Made { what: at.to_string().into(), key: Key::Object(*kind, uid.clone()) })
}

/// What an operation made and did not delete again: what stands where its subject was, else the first of it.
pub(super) fn made_at(run: &journal::Run) -> Option<(&ObjectAt, &Uid)> {
    let steps = run.plan.steps();
    let over = |step: &&&Step| run.progress.outputs(&step.id).is_some();
    let deleted: Vec<&StepId> = steps.iter().filter(over).filter_map(|step| deletes_output(step)).collect();
    let outputs = steps.iter().filter(|step| !deleted.contains(&&step.id));
    let objects: Vec<(&ObjectAt, &Uid)> = outputs
        .filter_map(|step| run.progress.outputs(&step.id))
        .flat_map(|made| made.values())
        .filter_map(|output| match output {
            Output::Object { at, uid } => Some((at, uid)),
            Output::Text(_) => None,
        })
        .collect();
    let subject = &run.plan.subject.object;
    let subject = ObjectAt::of(subject.kind, subject.namespace.as_deref(), &subject.name);
    let in_its_place = objects.iter().find(|(at, uid)| **at == subject && **uid != run.plan.subject.uid);
    in_its_place.or(objects.first()).copied()
}

/// The step whose object this one deletes.
fn deletes_output(step: &Step) -> Option<&StepId> {
    match &step.act {
        Act::Delete { target: Target::Output { step, .. } } => Some(step),
        _ => None,
    }
}

fn state(tracked: &Tracked, run: &journal::Run) -> OperationState {
    match &run.progress.end {
        Some(End::Done) => OperationState::Done,
        Some(End::Failed { .. } | End::Stopped) => OperationState::Failed,
        None if tracked.running.is_some() && run.progress.stop_asked => OperationState::Stopping,
        None if tracked.running.is_some() || tracked.held_elsewhere => OperationState::Running,
        None if !run.unanswered.is_empty() => OperationState::OutcomeUnknown,
        None => OperationState::Interrupted,
    }
}

fn message(tracked: &Tracked, run: &journal::Run, state: OperationState) -> Option<Box<str>> {
    if let Some(trouble) = &tracked.trouble {
        return Some(trouble.as_str().into());
    }
    match (&run.progress.end, state) {
        (Some(End::Failed { at, why }), _) => Some(format!("failed at {at}: {why}{}", taken_back(run)).into()),
        (Some(End::Stopped), _) => Some(format!("stopped as asked{}", taken_back(run)).into()),
        (None, OperationState::Running) if tracked.held_elsewhere => {
            Some("another holdfast process on this machine runs it".into())
        }
        (None, OperationState::Interrupted | OperationState::OutcomeUnknown) => Some(if unclosed(run).is_empty() {
            "nobody runs it; resume it to see what took effect and to finish it".into()
        } else {
            "nobody runs it, and what it holds is not seen released; resume it: that releases first".into()
        }),
        (Some(End::Done) | None, _) => None,
    }
}

/// That an operation took back what it did, as the end of a sentence.
fn taken_back(run: &journal::Run) -> String {
    match run.progress.taken_back(&run.plan).len() {
        0 => String::new(),
        count => format!("; taken back by {}", text::plural(count, "step", "steps")),
    }
}

fn step_view(run: &journal::Run, step: &Step) -> StepView {
    use crate::view::StepState as Shown;
    let (state, note) = match run.progress.state(&step.id) {
        StepState::Waiting => (Shown::Ahead, None),
        StepState::Intended if run.unanswered.contains(&step.id) => (Shown::Unknown, None),
        // A wait that was given up when the operation ended.
        StepState::Intended if run.progress.end.is_some() => (Shown::Ahead, None),
        StepState::Intended => (Shown::Running, None),
        StepState::Done(_) => (Shown::Done, None),
        StepState::Failed(why) => (Shown::Failed, Some(why.as_str().into())),
    };
    let timing = run.timings.get(&step.id);
    StepView {
        title: step.title.as_str().into(),
        state,
        note,
        began: timing.map(|timing| timing.began),
        ended: timing.and_then(|timing| timing.ended),
        sent: timing.map_or(0, |timing| timing.sent),
    }
}
