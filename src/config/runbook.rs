//! Runbooks as YAML: procedures that people write down and the console carries out.
//!
//! Held to one registry of keys, which `holdfast runbook schema` prints. Every mistake is told with line and column, all
//! of them at once; a file with one is no runbook, so that no step of it ever runs. Filters are tried here on the
//! columns that they will be asked of, and every place for a value is held to what is known there.

mod book;
mod filters;
mod folder;
pub mod keys;
mod node;
mod reading;
mod schema;
mod scope;
mod steps;
mod tasks;
mod values;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::spot::{Mistake, Source};
use crate::runbook::book::Book;
use crate::runbook::shipped::{SHIPPED, Shipped, shipped};
use crate::text::{self, sanitize};

pub use folder::{BookFolder, OwnBook, Shadowed};
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
    /// There is none of this name: which there are.
    #[error("{0}")]
    NotThere(String),
    /// It is not what the schema says; each mistake on a line of its own.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Mistake>),
}

impl RunbookError {
    /// Each mistake on its own; none where it was not read at all.
    pub fn mistakes(&self) -> &[Mistake] {
        match self {
            Self::Wrong(mistakes) => mistakes,
            Self::Read { .. } | Self::NotThere(_) => &[],
        }
    }

    /// What is wrong, in a line: how many mistakes, the first of them, and what tells them all.
    pub fn brief(&self) -> String {
        let (Some(first), Some(check)) = (self.mistakes().first(), self.check()) else { return text::chain(self) };
        let count = text::plural(self.mistakes().len(), "mistake", "mistakes");
        format!("{count}; line {}: {}; {check}", first.at.line(), first.what)
    }

    /// What tells all mistakes; `None` where it was not read at all.
    pub fn check(&self) -> Option<String> {
        let file = self.mistakes().first()?.at.file().display().to_string();
        Some(format!("`{}` tells them all", text::command_line(&["holdfast", "runbook", "check", &file])))
    }
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

/// The runbooks that come with the program; that each is without a mistake is a test.
pub fn shipped_books() -> &'static [Book] {
    static BOOKS: LazyLock<Vec<Book>> =
        LazyLock::new(|| SHIPPED.iter().filter_map(|one| shipped_book(one).ok()).collect());
    &BOOKS
}

/// A runbook that comes with the program.
///
/// # Errors
/// With everything that is wrong in it.
pub fn shipped_book(one: &Shipped) -> Result<Book, RunbookError> {
    let path = PathBuf::from(format!("{}.yaml", one.name));
    parse(one.text, &path).map_err(RunbookError::Wrong)
}

/// A runbook by the name of one that comes with the program or is in the user's folder, or by its file; and where it came
/// from. A name means the same on every machine as long as the program has a runbook of it: that one comes first.
///
/// # Errors
/// When there is none, or more than one, and with everything that is wrong in it.
pub fn named(folder: Option<&BookFolder>, name: &str) -> Result<(Book, String), RunbookError> {
    if let Some(one) = shipped(name) {
        return Ok((shipped_book(one)?, name.to_owned()));
    }
    if name.contains(['/', '.']) {
        return of_file(Path::new(name));
    }
    let own = folder.map(|folder| folder.named(name)).unwrap_or_default();
    match own.as_slice() {
        [one] => of_file(&one.path),
        // What looks like a name and is no file was meant as one.
        [] if Path::new(name).exists() => of_file(Path::new(name)),
        [] => Err(RunbookError::NotThere(unknown(folder, name))),
        several => {
            let files: Vec<String> = several.iter().map(|own| own.path.display().to_string()).collect();
            let why = format!("{} are all called {name}: begin one by its file", text::list(&files));
            Err(RunbookError::NotThere(sanitize(&why).into_owned()))
        }
    }
}

fn of_file(path: &Path) -> Result<(Book, String), RunbookError> {
    // Whoever goes on from another directory finds the file again.
    let source = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    Ok((load(path)?, source))
}

/// That there is no runbook of a name, and which there are.
fn unknown(folder: Option<&BookFolder>, name: &str) -> String {
    if let Some(why) = folder.and_then(|folder| folder.unread.as_deref()) {
        return sanitize(why).into_owned();
    }
    let own: Vec<String> = folder.into_iter().flat_map(|folder| &folder.books).map(OwnBook::name).collect();
    let names: Vec<&str> = own.iter().map(String::as_str).chain(SHIPPED.iter().map(|one| one.name)).collect();
    let shown = sanitize(name);
    match text::nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no runbook {shown}; did you mean {}?", sanitize(near)),
        None => format!("there is no runbook {shown}; there are {}, or name a file", sanitize(&text::list(&names))),
    }
}

#[cfg(test)]
mod tests;
