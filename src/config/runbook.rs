//! Runbooks as YAML: procedures that people write down and the console carries out.
//!
//! Held to one registry of keys, which `holdfast runbook schema` prints. Every mistake is told with line and column, all
//! of them at once; a file with one is no runbook, so that no step of it ever runs. Filters are tried here on the
//! columns that they will be asked of, and every place for a value is held to what is known there.

mod book;
mod filters;
pub mod keys;
mod node;
mod reading;
mod schema;
mod scope;
mod steps;
mod tasks;
mod values;

use std::path::{Path, PathBuf};

use super::spot::{Mistake, Source};
use crate::runbook::book::Book;

pub use schema::schema;

/// The most steps of a runbook, those of loops among them.
pub const MOST_STEPS: usize = 200;

/// What is wrong with a runbook.
#[derive(Debug, thiserror::Error)]
pub enum RunbookError {
    /// The file cannot be read.
    #[error("cannot read the runbook {}", path.display())]
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

/// Reads a runbook.
///
/// # Errors
/// When it cannot be read, and with everything that is wrong in it.
pub fn load(path: &Path) -> Result<Book, RunbookError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| RunbookError::Read { path: path.to_owned(), source })?;
    parse(&text, path).map_err(RunbookError::Wrong)
}

/// The runbook that a text holds.
///
/// # Errors
/// With line and column of everything that is wrong, from the beginning of the file to its end.
pub fn parse(text: &str, path: &Path) -> Result<Book, Vec<Mistake>> {
    book::book(&Source::new(path, text), text)
}

#[cfg(test)]
mod tests;
