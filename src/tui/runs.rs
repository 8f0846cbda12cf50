//! Runs of runbooks in the console: the page of one, what can happen to runs, and what has to happen outside for them.

use super::Effect;
use crate::model::Key;
use crate::plan::{Confirmed, Refusal};
use crate::runbook::book::Book;
use crate::runbook::history::{RunId, StepAt};
use crate::runbook::words::Values;
use crate::session::{Answer, NotResumed};
use crate::view::RunView;

/// What can happen to runs.
#[derive(Clone, Debug)]
pub enum RunInput {
    /// The answer to [`RunEffect::ReadBook`]: the runbook and where it came from, or what is wrong with it.
    Book(Box<Result<(Book, String), String>>),
    /// A run began.
    Begun(RunId),
    /// What was asked of a run was not done, and why.
    Refused(String),
    /// An entry of a run was written, or was not, and why.
    Written(RunId, Option<String>),
    /// The answer to [`RunEffect::Resume`].
    Resumed(RunId, Result<(), NotResumed>),
}

/// What has to happen outside for runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEffect {
    /// Read the runbook of this name or file.
    ReadBook(String),
    /// Begin a run of a book that came from there, with these values.
    Begin(Box<Book>, String, Values),
    /// Go on with a run; or with its book as it was, although that was edited since.
    Resume(RunId, bool),
    /// Answer to the step that a run is at.
    Answer(RunId, StepAt, Answer),
    /// Approve a step of a run that somebody else began.
    Approve(RunId, StepAt),
    /// Note something in a run.
    Note(RunId, String),
    /// End a run, and why.
    Stop(RunId, String),
    /// Run the confirmed plan of a step of a run.
    Start(RunId, StepAt, Box<Confirmed>),
    /// The plan of a step of a run was refused.
    NotPlanned(RunId, StepAt, Box<Refusal>),
    /// The API server would refuse the plan of a step of a run, and why.
    WouldBeRefused(RunId, StepAt, String),
}

impl Effect {
    /// The confirmed plan that it runs, alone or as the step of a run.
    pub(super) fn begins(&self) -> Option<&Confirmed> {
        match self {
            Self::Start(confirmed) => Some(confirmed),
            Self::Run(effect) => match &**effect {
                RunEffect::Start(_, _, confirmed) => Some(confirmed),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<RunEffect> for Effect {
    fn from(effect: RunEffect) -> Self {
        Self::Run(Box::new(effect))
    }
}

/// One run of a runbook, and which of its steps is shown.
#[derive(Clone, Debug)]
pub struct RunLayer {
    /// Which run.
    pub id: RunId,
    /// The place of the step that is shown; `None` follows the one that the run is at.
    pub step: Option<usize>,
    /// Lines that are scrolled away, and of what is told of which step.
    scrolled: (usize, Option<StepAt>),
}

impl RunLayer {
    /// The page of a run, at the step that it is at.
    pub const fn new(id: RunId) -> Self {
        Self { id, step: None, scrolled: (0, None) }
    }

    /// Lines that are scrolled away. Another step than the one they were scrolled away of begins at its top.
    pub fn scroll(&self, run: &RunView) -> usize {
        let (lines, of) = &self.scrolled;
        if self.shown(run) == of.as_ref() { *lines } else { 0 }
    }

    /// Scrolls so many lines of the step that is shown away.
    pub fn scroll_to(&mut self, run: &RunView, lines: usize) {
        self.scrolled = (lines, self.shown(run).cloned());
    }

    fn shown<'a>(&self, run: &'a RunView) -> Option<&'a StepAt> {
        run.steps.get(self.place(run)).map(|step| &step.at)
    }

    /// The place of the step that is shown.
    pub fn place(&self, run: &RunView) -> usize {
        let last = run.steps.len().saturating_sub(1);
        self.step.or_else(|| run.here()).unwrap_or(last).min(last)
    }
}

/// What the row of a run stands for.
pub fn run_key(run: &RunView) -> Key {
    Key::Run(run.id.as_str().into())
}
