//! Runs of runbooks as screens and the command line show them.
//!
//! Plain data made of a book, what happened and what comes next; nothing is decided here.

mod said;

use jiff::Timestamp;

use super::Level;
use crate::journal::Entry;
use crate::runbook::book::{Book, Step, Task};
use crate::runbook::history::{Body, End, Run, RunId, Stand, StepAt};
use crate::runbook::turn::{Ask, Turn, by_phases, place};
use crate::text;

pub use said::happened;

/// A run of a runbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// The name of its book.
    pub name: String,
    /// What it does, in a line.
    pub title: String,
    /// How it stands.
    pub state: RunState,
    /// Who began it.
    pub who: String,
    /// When it began.
    pub begun: Timestamp,
    /// When something happened last.
    pub last: Timestamp,
    /// The namespace of its record.
    pub home: String,
    /// Its steps, those of a loop once for each row that is known.
    pub steps: Vec<RunStep>,
    /// The step that it is at.
    pub at: Option<StepAt>,
    /// Whom that step waits for, as far as the history tells.
    pub waits: Option<Whom>,
    /// What is wrong with going on here.
    pub trouble: Option<String>,
    /// The machine that leads it, when it is not this one.
    pub elsewhere: Option<String>,
    /// What comes next, where this console leads it.
    pub turn: Option<Turn>,
    /// Whether this console leads it.
    pub led: bool,
    /// Why it cannot be seen whether somebody approved; safe to draw.
    pub unseen: Option<String>,
    /// The values of its parameters; safe to draw.
    pub values: Vec<(String, String)>,
    /// What happened in it, the oldest first.
    pub happened: Vec<Happened>,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What; safe to draw.
    pub says: String,
    /// How bad it is.
    pub level: Level,
}

impl Happened {
    /// What the entries of a run tell.
    pub fn of(entries: &[Entry<Body>]) -> Vec<Self> {
        let one = |entry: &Entry<Body>| {
            let (level, says) = happened(&entry.body);
            Self { at: entry.at, says, level }
        };
        entries.iter().map(one).collect()
    }
}

impl RunView {
    /// How many of its steps are settled, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        let settled = |step: &&RunStep| matches!(step.word, "done" | "not for now" | "skipped");
        (self.steps.iter().filter(settled).count(), self.steps.len())
    }

    /// The place of the step that it is at.
    pub fn here(&self) -> Option<usize> {
        let at = self.at.as_ref()?;
        self.steps.iter().position(|step| step.at == *at)
    }
}

/// Whom a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Somebody who does, says or confirms something.
    Person,
    /// Somebody else than who began the run.
    Second,
}

impl Whom {
    /// In words.
    pub const fn said(self) -> &'static str {
        match self {
            Self::Person => "a person",
            Self::Second => "a second person",
        }
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Something is done, or waited for.
    Running,
    /// A person has to do or say something.
    Asking,
    /// A step failed, whoever leads it.
    Failed,
    /// Nobody leads it here, and it has not failed.
    Idle,
    /// No step is left to do.
    Done,
    /// Somebody ended it before.
    Stopped,
}

impl RunState {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Asking => "Waits for you",
            Self::Failed => "Step failed",
            Self::Idle => "Not led here",
            Self::Done => "Done",
            Self::Stopped => "Stopped",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::Running => Level::Info,
            Self::Asking | Self::Idle | Self::Stopped => Level::Warn,
            Self::Failed => Level::Critical,
            Self::Done => Level::Ok,
        }
    }
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// Which.
    pub at: StepAt,
    /// What it does, in a line; safe to draw.
    pub title: String,
    /// The kind of step.
    pub task: &'static str,
    /// One character that tells states apart without colour.
    pub glyph: &'static str,
    /// How it stands, in a word.
    pub word: &'static str,
    /// How bad that is.
    pub level: Level,
    /// What was seen or said; safe to draw.
    pub note: Option<String>,
    /// Why it is there; safe to draw.
    pub why: String,
    /// What to do when it fails; safe to draw.
    pub fails: String,
    /// Where there is more to read; safe to draw.
    pub link: Option<String>,
    /// What it does or asks for, a paragraph each; safe to draw.
    pub asks: Vec<String>,
    /// Its operation, the newest of several.
    pub operation: Option<String>,
}

/// What a run looks like. `turn`: what comes next, where this console leads it.
pub fn run_view(id: &RunId, book: &Book, run: &Run, turn: Option<&Turn>) -> RunView {
    let here = place(book, run).filter(|_| run.end.is_none()).map(|(step, at, _)| (step, at));
    let failed = here.as_ref().is_some_and(|(_, at)| matches!(run.stand(at), Stand::Failed(_)));
    RunView {
        id: id.clone(),
        name: book.name.clone(),
        title: text::sanitize(&book.title).into_owned(),
        state: state(run, turn, failed),
        who: text::sanitize(&run.who).into_owned(),
        begun: run.begun,
        last: run.last,
        home: run.home.clone(),
        steps: steps(book, run),
        waits: here.as_ref().and_then(|(step, at)| waits(step, run.stand(at))),
        at: here.map(|(_, at)| at),
        trouble: None,
        elsewhere: None,
        turn: turn.cloned(),
        led: false,
        unseen: None,
        values: values(book, run),
        happened: Vec::new(),
    }
}

fn values(book: &Book, run: &Run) -> Vec<(String, String)> {
    let clean = |text: &str| text::sanitize(text).into_owned();
    let params = book.params.iter().filter_map(|param| Some((&param.name, run.values.get(&param.name)?)));
    params.map(|(name, value)| (clean(name), clean(value))).collect()
}

/// Whom a step that has begun waits for. A plan of a procedure with phases may wait for time alone.
fn waits(step: &Step, stand: &Stand) -> Option<Whom> {
    let Stand::Reached(_) = stand else { return None };
    match &step.task {
        Task::Approve(_) => Some(Whom::Second),
        Task::Manual(_) | Task::Choose(_) => Some(Whom::Person),
        Task::Plan(plan) if !by_phases(plan.verb) => Some(Whom::Person),
        Task::Plan(_) | Task::Check(_) | Task::Wait(..) | Task::Collect(_) | Task::Each(_) => None,
    }
}

fn state(run: &Run, turn: Option<&Turn>, failed: bool) -> RunState {
    match (&run.end, turn) {
        (Some(End::Done), _) => RunState::Done,
        (Some(End::Stopped { .. }), _) => RunState::Stopped,
        (None, None) if failed => RunState::Failed,
        (None, None) => RunState::Idle,
        (None, Some(Turn::Ask(_, Ask::Failed(..)))) => RunState::Failed,
        (None, Some(Turn::Ask(..) | Turn::Plan(..))) => RunState::Asking,
        (None, Some(_)) => RunState::Running,
    }
}

fn steps(book: &Book, run: &Run) -> Vec<RunStep> {
    let mut all = Vec::new();
    for step in &book.steps {
        all.push(shown(step, StepAt::new(&step.id), None, run));
        let Task::Each(each) = &step.task else { continue };
        for row in run.rows.get(&step.id).into_iter().flatten() {
            let of_row = each.steps.iter().map(|step| {
                let at = StepAt { step: step.id.clone(), row: Some(row.clone()) };
                shown(step, at, Some(&each.named), run)
            });
            all.extend(of_row);
        }
    }
    all
}

fn shown(step: &Step, at: StepAt, named: Option<&str>, run: &Run) -> RunStep {
    let (glyph, word, level, note) = match run.stand(&at) {
        Stand::Ahead => ("○", "ahead", Level::Info, None),
        Stand::Reached(_) => ("◐", "now", Level::Info, None),
        Stand::Operating(operation) => ("◐", "running", Level::Info, Some(format!("operation {operation}"))),
        Stand::Done(seen) => ("✓", "done", Level::Ok, Some(seen.clone())),
        Stand::NotForNow(seen) => ("–", "not for now", Level::Info, Some(seen.clone())),
        Stand::Skipped(reason, who) => ("»", "skipped", Level::Warn, Some(format!("{reason} ({who})"))),
        Stand::Failed(why) => ("✗", "failed", Level::Critical, Some(why.clone())),
    };
    let values = run.values_at(&at, named);
    let clean = |text: &str| text::sanitize(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned();
    let operation = run.operations.iter().rev().find(|(of, _)| *of == at).map(|(_, id)| id.to_string());
    RunStep {
        title: clean(&step.title.so_far(&values)),
        why: clean(&step.why.so_far(&values)),
        fails: clean(&step.fails.so_far(&values)),
        link: step.link.as_deref().map(clean),
        asks: said::asks(&step.task, &values),
        operation,
        task: step.task.word(),
        note: note.map(|note| text::sanitize(&note).into_owned()),
        at,
        glyph,
        word,
        level,
    }
}
