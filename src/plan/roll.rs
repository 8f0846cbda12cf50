//! Restarting workloads: who uses a Secret, which of them have to start anew to see that it changed, and the steps of
//! that, one pod first and then one workload after the other.

mod canary;
mod steps;
mod users;

use crate::text;

pub(super) use canary::Canary;
pub(super) use steps::{Cause, Restarted, Roll};
pub(super) use users::{Fates, Users};

/// Which users of a certificate are restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// None.
    None,
    /// Those that cannot see that its files changed: they take it by `subPath` or by environment variables.
    #[default]
    Needed,
    /// All.
    All,
}

impl Restart {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Needed, Self::All];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Needed => "needed",
            Self::All => "all",
        }
    }

    /// What choosing it means.
    pub fn says(self) -> &'static str {
        match self {
            Self::None => "nobody; what cannot see the change goes on with the former one",
            Self::Needed => "those that take it by subPath or environment variables",
            Self::All => "also those that mount it as files, which change by themselves",
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|restart| restart.word() == text);
        found.ok_or_else(|| format!("\"{}\" is no choice; it is none, needed or all", text::sanitize(text)))
    }
}
