//! What can be said of runbooks without a cluster: `holdfast runbook check`, `schema`, `shipped`, `list`, `print` and
//! `explain`.

use std::path::PathBuf;

use super::super::args::Global;
use super::super::{Exit, Failure, out};
use crate::config::Config;
use crate::config::runbook::{self, BookFolder, RunbookError, load, schema};
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

/// The user's own: each with its file, and what is wrong with it or keeps its name from beginning it.
pub(super) fn own(global: &Global) -> Result<Exit, Failure> {
    let Some(folder) = folder(global)? else {
        out::say("no folder of runbooks is named: set runbooks in the configuration");
        return Ok(Exit::Fine);
    };
    if let Some(why) = &folder.unread {
        return Err(Failure::new(Exit::Usage, sanitize(why).into_owned()));
    }
    for own in &folder.books {
        let file = sanitize(&own.path.display().to_string()).into_owned();
        match &own.book {
            Ok(book) => out::print(format!("{}    {file}\n", listed(book)))?,
            Err(error) => {
                out::line(format_args!("{}\n  cannot be begun:", sanitize(&own.name())))?;
                text::chain(error).lines().try_for_each(|line| out::line(format_args!("  {}", sanitize(line))))?;
            }
        }
        if let Some(why) = folder.shadowed(own) {
            out::line(format_args!("  not begun by its name: {}", sanitize(&why.to_string())))?;
        }
    }
    Ok(Exit::Fine)
}

/// The folder that the configuration names; `None` when it names none.
fn folder(global: &Global) -> Result<Option<BookFolder>, Failure> {
    Ok(Config::load(global.config.as_deref())?.runbooks.as_deref().map(BookFolder::read))
}

pub(super) fn print(global: &Global, name: &str) -> Result<Exit, Failure> {
    match shipped(name) {
        Some(one) => out::print(one.text)?,
        None => out::print(named(global, name)?.0.text)?,
    }
    Ok(Exit::Fine)
}

pub(super) fn explained(global: &Global, name: &str) -> Result<Exit, Failure> {
    out::print(explain(&named(global, name)?.0))?;
    Ok(Exit::Fine)
}

/// A runbook by the name of one that comes with the program or is in the user's folder, or by its file; and where it came
/// from. A name means the same on every machine as long as the program has a runbook of it: that one comes first.
///
/// # Errors
/// When there is none, or more than one, and with everything that is wrong in it.
pub(super) fn named(global: &Global, name: &str) -> Result<(Book, String), Failure> {
    let folder = match shipped(name) {
        Some(_) => {
            say_shadowed(global, name);
            None
        }
        None => folder(global)?,
    };
    runbook::named(folder.as_ref(), name).map_err(|error| Failure::new(Exit::Usage, error))
}

/// Says that a file of the user's folder has the name of a runbook of the program, and is not what is begun.
fn say_shadowed(global: &Global, name: &str) {
    // A configuration that cannot be read says so where it is needed.
    let Ok(Some(folder)) = folder(global) else { return };
    for own in folder.named(name) {
        let file = sanitize(&own.path.display().to_string()).into_owned();
        out::say(format_args!("{name} is the one that comes with the program; {file} is begun by its file"));
    }
}

fn of_text(one: &Shipped) -> Result<Book, Failure> {
    runbook::shipped_book(one).map_err(|error| Failure::new(Exit::Usage, error))
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
