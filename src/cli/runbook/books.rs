//! What can be said of runbooks without a cluster: `holdfast runbook check`, `schema`, `shipped`, `print` and `explain`.

use std::path::PathBuf;

use super::super::{Exit, Failure, out};
use crate::config::runbook::{self, RunbookError, load, schema};
use crate::runbook::book::{Book, ParamKind};
use crate::runbook::explain::explain;
use crate::runbook::shipped::{SHIPPED, Shipped, shipped};
use crate::runbook::words::Values;
use crate::text::{self, plural, sanitize};

pub(super) fn schema_of_books() -> Result<Exit, Failure> {
    out::line(format_args!("{:#}", schema()))?;
    Ok(Exit::Fine)
}

pub(super) fn list() -> Result<Exit, Failure> {
    SHIPPED.iter().try_for_each(|one| out::print(listed(&of_text(one)?)))?;
    Ok(Exit::Fine)
}

pub(super) fn print(name: &str) -> Result<Exit, Failure> {
    out::print(shipped(name).ok_or_else(|| unknown(name))?.text)?;
    Ok(Exit::Fine)
}

pub(super) fn explained(name: &str) -> Result<Exit, Failure> {
    out::print(explain(&named(name)?.0))?;
    Ok(Exit::Fine)
}

/// A runbook by the name of one that comes with the program, or by its file; and where it came from.
///
/// # Errors
/// When there is none, and with everything that is wrong in it.
pub(super) fn named(name: &str) -> Result<(Book, String), Failure> {
    runbook::named(name).map_err(|error| Failure::new(Exit::Usage, error))
}

fn of_text(one: &Shipped) -> Result<Book, Failure> {
    runbook::shipped_book(one).map_err(|error| Failure::new(Exit::Usage, error))
}

fn unknown(name: &str) -> Failure {
    Failure::new(Exit::Usage, runbook::unknown(name))
}

/// Name, title, and a line for each parameter.
fn listed(book: &Book) -> String {
    let width = book.params.iter().map(|param| param.name.len()).max().unwrap_or_default();
    let line = |param: &crate::runbook::book::Param| {
        let shape = match &param.kind {
            ParamKind::Choice(choices) => choices.join("|"),
            other => other.shape().to_owned(),
        };
        let default = param.default.as_ref().map(|words| format!("; left out, {}", words.said(&Values::new())));
        let about = sanitize(&param.about);
        format!("    {:<width$}  {about} ({shape}{})\n", param.name, default.unwrap_or_default())
    };
    let params: Vec<String> = book.params.iter().map(line).collect();
    format!("{}\n  {}\n{}", book.name, sanitize(&book.title), params.concat())
}

pub(super) fn check(files: &[PathBuf]) -> Result<Exit, Failure> {
    let mut wrong = Vec::new();
    for path in files {
        let shown = sanitize(&path.display().to_string()).into_owned();
        match load(path) {
            Ok(book) => {
                let (steps, params) = (book.all().len(), book.params.len());
                let (steps, params) = (plural(steps, "step", "steps"), plural(params, "parameter", "parameters"));
                out::line(format_args!("{shown}: {}, {steps}, {params}, nothing wrong", book.name))?;
            }
            Err(RunbookError::Wrong(mistakes)) => {
                for mistake in &mistakes {
                    out::say(sanitize(&mistake.to_string()));
                }
                wrong.push(format!("{} in {shown}", plural(mistakes.len(), "mistake", "mistakes")));
            }
            Err(error @ (RunbookError::Read { .. } | RunbookError::NotThere(_))) => {
                wrong.push(sanitize(&text::chain(&error)).into_owned());
            }
        }
    }
    if wrong.is_empty() {
        out::line("  not checked: whether the objects that it names are there")?;
        return Ok(Exit::Fine);
    }
    Err(Failure::new(Exit::Usage, wrong.join("\n")))
}
