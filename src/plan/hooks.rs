//! Hooks: what is done in the containers of an application so that it stands still while its volume is cut.
//!
//! Pure: pods as they were read in, steps and brackets out. Where hooks come from is told by [`Source`]: Velero's
//! annotations, ready-made ones for well-known databases, or commands of one's own. What holds an application is a
//! bracket, and nothing else ever is: its release is owed from the moment it is begun.

mod bracket;
mod choice;
mod deadman;
mod pod;
mod preset;
mod velero;

use std::fmt;
use std::time::Duration;

use super::{Guard, ObjectAt, OperationId};
use crate::model::Uid;

pub use bracket::{Around, around};
pub use choice::{Words, argv, chosen};
pub use pod::{Found, hooks};
pub use preset::Preset;

/// How long a hook may run unless something else is said (Velero's default).
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// How long an application is held at most unless something else is said.
pub const AT_MOST: Duration = Duration::from_secs(60);

/// How much a copy promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// As if power was lost at the cut.
    #[default]
    Crash,
    /// All volumes of a set at one moment, as if power was lost then.
    Group,
    /// The application was told, and held its writes over the cut.
    Application,
}

impl Consistency {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Crash, Self::Group, Self::Application];
    /// Those that a person asks for; whether all volumes of a set can be cut at one moment is the storage's to say.
    pub const ASKED: [Self; 2] = [Self::Crash, Self::Application];

    /// Its word: on the command line, in the annotation of a snapshot.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Group => "group",
            Self::Application => "application",
        }
    }

    /// What it means.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Crash => "as if power was lost at the cut; no hook runs",
            Self::Group => "all volumes at one moment; no hook runs",
            Self::Application => "hooks hold the application's writes over the cut",
        }
    }
}

/// Where hooks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Each pod's Velero annotations, else what its image is known for.
    Auto,
    /// The Velero annotations of the pods.
    Velero,
    /// A ready-made one.
    Preset(Preset),
    /// Commands of one's own.
    Own {
        /// Holds.
        pre: Vec<String>,
        /// Releases; without it nothing is held.
        post: Option<Vec<String>>,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Velero => "velero",
            Self::Preset(preset) => preset.name(),
            Self::Own { .. } => "own",
        })
    }
}

/// How an application is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiesce {
    /// Where the hooks come from.
    pub source: Source,
    /// The container they run in; `None` for the one that fits.
    pub container: Option<String>,
    /// How long one hook may run, where it does not say so itself.
    pub timeout: Duration,
    /// How long the application is held at most.
    pub at_most: Duration,
}

impl Default for Quiesce {
    fn default() -> Self {
        Self { source: Source::Auto, container: None, timeout: TIMEOUT, at_most: AT_MOST }
    }
}

/// A container that hooks run in, and which instance of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The pod.
    pub pod: ObjectAt,
    /// Which one.
    pub uid: Uid,
    /// What must still hold of it: it is not being deleted, and its container was not started again.
    pub guard: Guard,
}

/// One command in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The container.
    pub container: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
}

/// What is said to a session, and the line that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What is said.
    pub say: String,
    /// The line that answers.
    pub until: String,
}

/// How one pod is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a command, and released by another.
    Commands {
        /// Holds.
        pre: Command,
        /// Releases; without it nothing is held.
        post: Option<Command>,
    },
    /// By a session, for as long as it lasts.
    Session {
        /// Starts it.
        command: Command,
        /// Holds.
        hold: Phrase,
        /// Proves that it still holds.
        prove: Phrase,
        /// Releases; what it prints is kept.
        release: Phrase,
    },
}

/// What is done in one pod around the cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Where.
    pub place: Place,
    /// In a few words: "freeze filesystem /data".
    pub what: String,
    /// How.
    pub way: Way,
}

impl Hook {
    /// Whether something stands still between its two ends.
    pub fn holds(&self) -> bool {
        !matches!(&self.way, Way::Commands { post: None, .. })
    }
}

/// What a hook is made from, whichever its source.
#[derive(Clone, Copy, Debug)]
struct Making<'a> {
    id: &'a OperationId,
    /// Its number among the hooks of the operation.
    number: usize,
    quiesce: &'a Quiesce,
}

#[cfg(test)]
mod tests;
