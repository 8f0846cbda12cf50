//! How the process ends. The numbers are part of the interface.

use std::error::Error;
use std::process::{ExitCode, Termination};

/// Exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: fine.
    Fine,
    /// 1: refused, failed, or findings over the limit.
    Refused,
    /// 2: usage or configuration.
    Usage,
    /// 3: could not reach or judge.
    Unknown,
    /// 4: waiting for a person.
    Waiting,
    /// 141: nobody reads stdout any more, a pipe or a terminal. Nothing is said of it. The number is what a shell gives
    /// a tool that SIGPIPE ended.
    Unread,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Fine => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Waiting => 4,
            Self::Unread => 141,
        })
    }
}

/// Why a command ends with something other than fine.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What to say.
    pub error: Box<dyn Error + Send + Sync>,
    /// Whether the journal holds it already: as a refusal, or as the end of an operation.
    pub kept: bool,
}

impl Failure {
    /// A failure with this exit code.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into(), kept: false }
    }

    /// The same, of which the journal tells already.
    pub fn kept(self) -> Self {
        Self { kept: true, ..self }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::new(Exit::Refused, error)
    }
}
