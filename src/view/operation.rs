//! Operations as screens and the command line show them.
//!
//! Plain data, filled by the session from journals; nothing here runs or decides anything.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Level;
use crate::model::Key;
use crate::plan::Request;

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Steps are being taken.
    Running,
    /// It was asked to stop after the step under way.
    Stopping,
    /// Nobody runs it; its journal is not closed.
    Interrupted,
    /// It reached its end.
    Done,
    /// It ended without reaching its end.
    Failed,
    /// An answer was lost and observing has not cleared it up.
    OutcomeUnknown,
}

impl OperationState {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Interrupted => "Interrupted",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::OutcomeUnknown => "Outcome unknown",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::Running => Level::Info,
            Self::Stopping | Self::Interrupted => Level::Warn,
            Self::Done => Level::Ok,
            Self::Failed => Level::Critical,
            Self::OutcomeUnknown => Level::Unknown,
        }
    }

    /// Whether its steps are being taken now.
    pub const fn active(self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Ahead,
    /// Under way, or waiting to be seen done.
    Running,
    /// Seen done.
    Done,
    /// Seen failed.
    Failed,
    /// Its answer was lost.
    Unknown,
}

impl StepState {
    /// One character that tells states apart without colour.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Ahead => "○",
            Self::Running => "◐",
            Self::Done => "✓",
            Self::Failed => "✗",
            Self::Unknown => "?",
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "outcome unknown",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::Ahead | Self::Running => Level::Info,
            Self::Done => Level::Ok,
            Self::Failed => Level::Critical,
            Self::Unknown => Level::Unknown,
        }
    }
}

/// One step of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// What it does, for people.
    pub title: Box<str>,
    /// How it stands.
    pub state: StepState,
    /// What was seen, or why it failed.
    pub note: Option<Box<str>>,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it was seen done or failed.
    pub ended: Option<Timestamp>,
    /// How often its write was sent.
    pub sent: u32,
}

/// What an operation waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitView {
    /// For what, for people.
    pub what: Box<str>,
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest.
    pub until: Timestamp,
}

/// How long hooks hold an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// They hold it now.
    Now {
        /// Since when.
        since: Timestamp,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// They held it for so long, and have let it go.
    For(SignedDuration),
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationView {
    /// Its id.
    pub id: Arc<str>,
    /// What it does, for people.
    pub title: Box<str>,
    /// The object it is about.
    pub subject: Key,
    /// How it stands.
    pub state: OperationState,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its steps, in order.
    pub steps: Vec<StepView>,
    /// What it waits for now.
    pub waits: Option<WaitView>,
    /// How it ended, or what stands in its way: what, on which object, why, what to do.
    pub message: Option<Box<str>>,
    /// Whether it can be taken up again from here.
    pub can_resume: bool,
    /// How often it was taken up again.
    pub resumed: u64,
    /// What it made, where the console watches such objects.
    pub made: Option<Made>,
    /// What taking it back would be, in sentences.
    pub undo: Vec<Box<str>>,
    /// That its hooks hold an application, or did.
    pub held: Option<Held>,
    /// What it opened and is not seen to have closed, while nobody is at it.
    pub unclosed: Vec<Unclosed>,
    /// What asks for taking it back, once it has ended.
    pub takes_back: Option<Arc<Request>>,
    /// Who runs it and where, when that is not this console.
    pub elsewhere: Option<Box<str>>,
}

/// Something that an operation opened and that is not seen closed: an application may stand still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclosed {
    /// The step that closes it, for people.
    pub what: Box<str>,
    /// The command line that does it by hand, where there is one.
    pub by_hand: Option<Box<str>>,
}

/// An object that an operation made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its kind and name, for people.
    pub what: Box<str>,
    /// What opens it.
    pub key: Key,
}

impl OperationView {
    /// How bad it is: what is not seen closed is worse than the operation's own state.
    pub fn level(&self) -> Level {
        if self.unclosed.is_empty() { self.state.level() } else { Level::Critical }
    }

    /// Whether this console is taking its steps now.
    pub fn runs_here(&self) -> bool {
        self.state.active() && self.elsewhere.is_none()
    }

    /// Steps seen done, and all steps.
    pub fn progress(&self) -> (usize, usize) {
        (self.steps.iter().filter(|step| step.state == StepState::Done).count(), self.steps.len())
    }
}
