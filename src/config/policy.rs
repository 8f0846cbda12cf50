//! The policy file: which volumes are backed up when, which of their copies stay, and how much may be lost.
//!
//! YAML, held to one schema that `holdfast policy schema` prints. Every mistake is told with line and column; a file
//! with one is no file. The policies become part of [`Policies`](crate::model::Policies), beside the configuration's
//! own rules.

mod read;
mod schema;

use std::path::{Path, PathBuf};

use super::spot::{Mistake, Source};
use crate::model::Policy;

pub use schema::schema;

/// What is wrong with a policy file.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what the schema says; each mistake on a line of its own.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Mistake>),
}

/// Reads a policy file.
///
/// # Errors
/// When it cannot be read, and with everything that is wrong in it.
pub fn load(path: &Path) -> Result<Vec<Policy>, PolicyError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
    parse(&text, path).map_err(PolicyError::Wrong)
}

/// The policies that a text holds, in the order in which they count.
///
/// # Errors
/// With line and column of everything that is wrong, from the beginning of the file to its end.
pub fn parse(text: &str, path: &Path) -> Result<Vec<Policy>, Vec<Mistake>> {
    read::policies(&Source::new(path, text), text)
}

#[cfg(test)]
mod tests;
