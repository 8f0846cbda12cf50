//! `holdfast journal verify`: where a journal is not as it was written.

use std::path::Path;

use super::opened;
use crate::cli::args::Global;
use crate::cli::{Exit, Failure, describe, open, operations, out};
use crate::journal::{self, Finding, Remembered, Run, export::read};
use crate::model::Kind;
use crate::runbook::history;
use crate::session::Unnamed;
use crate::store::{self, Store};
use crate::text;

/// What a look at the cluster gave.
#[derive(Default)]
struct Looked {
    context: String,
    remembered: Vec<Remembered>,
    /// How many of these have a journal here.
    own: usize,
    /// What could not be looked at, and why.
    unseen: Vec<String>,
    /// Operations of other clusters.
    elsewhere: usize,
}

/// Checks the journals of this machine; `here` asks no cluster.
pub(super) async fn run(global: &Global, here: bool) -> Result<Exit, Failure> {
    let store = opened()?;
    // What is remembered is older than what is read after it.
    let looked = if here { None } else { Some(look(global, &store).await) };
    let evidence = store.evidence()?;
    let mut found = journal::check(&evidence);
    if let Some(Ok(looked)) = &looked {
        found.extend(journal::against(&evidence, &looked.remembered));
    }
    let broken = say(&found)?;
    let count = text::plural(evidence.journals(), "journal", "journals");
    let whole = if broken { "not all as written" } else { "all as written" };
    let (compared, seen) = match looked {
        None => {
            let blind = "what was cut off after the last line that is known on this machine does not show without a \
                         look at the cluster";
            (blind.to_owned(), true)
        }
        Some(Err(failure)) if failure.exit == Exit::Unread => return Err(failure),
        Some(Err(failure)) => {
            out::say(format_args!("holdfast: what the cluster remembers is not seen: {}", describe(&*failure.error)));
            ("not compared with what the cluster remembers; --here asks for none of it".to_owned(), false)
        }
        Some(Ok(looked)) => {
            for why in &looked.unseen {
                out::say(format_args!("holdfast: what the cluster remembers is not seen: {}", text::sanitize(why)));
            }
            (said(&looked), looked.unseen.is_empty())
        }
    };
    out::line(format_args!("{count}, {whole}; {compared}"))?;
    Ok(exit(broken, seen))
}

fn exit(broken: bool, seen: bool) -> Exit {
    match (broken, seen) {
        (true, _) => Exit::Refused,
        (false, false) => Exit::Unknown,
        (false, true) => Exit::Fine,
    }
}

fn said(looked: &Looked) -> String {
    if looked.context.is_empty() {
        return "no cluster has anything to compare them with".to_owned();
    }
    let records = text::plural(looked.own, "operation", "operations");
    let context = text::sanitize(&looked.context);
    let elsewhere = match looked.elsewhere {
        0 => String::new(),
        count => format!(
            "; {} of other clusters not: name their contexts with --context",
            text::plural(count, "operation", "operations")
        ),
    };
    format!("compared with what {context} remembers of {records}{elsewhere}")
}

/// Prints what was found. Whether something is broken.
fn say(found: &[Finding]) -> Result<bool, Failure> {
    for finding in found {
        let mark = if finding.broken { "✗" } else { "·" };
        out::line(format_args!("{mark} {}", text::sanitize(&finding.to_string())))?;
    }
    Ok(found.iter().any(|finding| finding.broken))
}

/// Looks at what the cluster remembers of the operations that ran on it.
async fn look(global: &Global, store: &Store) -> Result<Looked, Failure> {
    let runs: Vec<Run> = store.list()?.into_iter().filter_map(|stored| stored.run.ok()).collect();
    let books = runs_of_books(store)?;
    if runs.is_empty() && books.is_empty() {
        return Ok(Looked::default());
    }
    let kinds: &[Kind] = operations::KINDS;
    let mut session = open::session(global, kinds, Unnamed::Own)?;
    open::settle(&mut session, kinds).await?;
    let context = &session.desk().world.context;
    let (server, context) = (context.server.to_string(), context.name.to_string());
    let all = runs.len();
    let mine: Vec<Run> = runs.into_iter().filter(|run| run.plan.server == server).collect();
    let elsewhere = all - mine.len();
    let (mut remembered, mut unseen) = session.remembered(&mine).await;
    let own = remembered.iter().filter(|one| mine.iter().any(|run| run.id().as_str() == one.of.id)).count();
    let books: Vec<history::Run> = books.into_iter().filter(|run| run.server == server).collect();
    let (records, unread) = session.remembered_runs(&books).await;
    remembered.extend(records);
    unseen.extend(unread);
    Ok(Looked { context, remembered, own, unseen, elsewhere })
}

/// Runs of runbooks whose journals can be read.
fn runs_of_books(store: &Store) -> Result<Vec<history::Run>, Failure> {
    let entries = |id| store.run_entries(&id).ok();
    Ok(store
        .run_ids()?
        .into_iter()
        .filter_map(entries)
        .filter_map(|entries| history::Run::of_journal(&entries))
        .collect())
}

/// Checks an export, which may be from another machine.
pub(super) fn export(file: &Path) -> Result<Exit, Failure> {
    let text = store::read_export(file)?;
    let export = read::<history::Body>(&text)
        .map_err(|error| Failure::new(Exit::Refused, format!("{}: {error}", file.display())))?;
    let broken = say(&export.verify())?;
    let count = text::plural(export.evidence.journals(), "journal", "journals");
    let whole = if broken { "not all as written" } else { "all as written" };
    let machine = text::sanitize(&export.label.machine);
    let head = export.label.head.as_ref().map_or("none", |head| &head.head);
    out::line(format_args!("{count} of {machine} as of {}, {whole}", export.label.exported))?;
    out::line(format_args!(
        "head {}\n  that nothing was written anew before the export shows where this head is known from elsewhere: an \
         audit report, or an operation's object in the cluster",
        text::sanitize(head)
    ))?;
    Ok(exit(broken, true))
}
