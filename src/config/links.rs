//! The links file: how findings belong to workloads, by the word of operators; and what stands [`beside`] a log.
//!
//! TOML. Every mistake is told with line and column; a file with one is no file, because a rule that was meant and is
//! not there would tie findings to the wrong workload. Nothing is judged here.

mod beside;
mod entries;
mod read;

use std::path::{Path, PathBuf};

use super::spot::Mistake;
use crate::model::Linking;

pub use beside::beside;

/// What is wrong with a links file.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// The file cannot be read.
    #[error("cannot read the links file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it may be; each mistake on a line of its own.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Mistake>),
}

/// Reads a links file.
///
/// # Errors
/// When it cannot be read, and with everything that is wrong in it.
pub fn load(path: &Path) -> Result<Linking, LinksError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| LinksError::Read { path: path.to_owned(), source })?;
    parse(&text, path).map_err(LinksError::Wrong)
}

/// What a text says.
///
/// # Errors
/// With line and column of everything that is wrong, from the beginning of the file to its end.
pub fn parse(text: &str, path: &Path) -> Result<Linking, Vec<Mistake>> {
    entries::linking(text, path)
}

#[cfg(test)]
mod tests;
