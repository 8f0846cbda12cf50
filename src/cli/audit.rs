//! `holdfast audit`: the controls judged over a cluster, as a report; and whether a report is the one that was written.
//!
//! The HTTP client of an audit refuses every write, whatever the context allows.

use std::path::Path;
use std::time::Duration;

use super::args::{Audit, AuditFormat as Format, AuditWhat, Global};
use super::operations::colleagues;
use super::{Exit, Failure, get, open, out};
use crate::config::state_directory;
use crate::model::Kind;
use crate::report::{self, Comparison, Control, Inputs, Journal, Report, State, registry};
use crate::session::{Session, Unnamed};
use crate::store::{self, Store, StoreError};
use crate::text;

/// How long an audit waits to be told as whom it looks.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(global: &Global, asked: &Audit) -> Result<Exit, Failure> {
    if let Some(AuditWhat::Verify { file }) = &asked.what {
        return verify(file);
    }
    if asked.all_namespaces && !global.namespace.is_empty() {
        return Err(Failure::new(Exit::Usage, "--all-namespaces and --namespace exclude each other"));
    }
    let earlier = asked.baseline.as_deref().map(read).transpose()?;
    let (report, whole) = judged(global, asked).await?;
    let report = match earlier {
        Some(earlier) => against(report, &earlier)?,
        None => report,
    };
    write(&report, asked)?;
    Ok(exit(&report, asked.fail_on, whole))
}

/// Looks at the cluster and judges; and whether all kinds were seen.
async fn judged(global: &Global, asked: &Audit) -> Result<(Report, bool), Failure> {
    let global = Global { read_only: true, ..global.clone() };
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Event).collect();
    let unnamed = if asked.all_namespaces { Unnamed::All } else { Unnamed::Own };
    let mut session = open::session(&global, &kinds, unnamed)?;
    open::settle(&mut session, &kinds).await?;
    session.watch_colleagues();
    let unseen = colleagues(&mut session).await.err();
    get::runs_seen(&mut session).await;
    named(&mut session).await;
    session.tick();
    session.keep_what_ran();
    let whole = open::warn_of_blind_spots(&session, &kinds);
    let journal = journal(&Store::open(&state_directory()?)?);
    let findings = session.config().findings.any();
    let desk = session.desk();
    let inputs = Inputs { operations: &desk.operations, unseen: unseen.as_deref(), journal, findings };
    let all: Vec<&'static Control> = registry().iter().collect();
    let chosen =
        |control: &&'static Control| asked.only.is_empty() || asked.only.iter().any(|only| only.id == control.id);
    let controls: Vec<&'static Control> = all.into_iter().filter(chosen).collect();
    Ok((report::report(&desk.world, &inputs, &controls, store::now()), whole))
}

/// Waits for the API server to say who is asking; a report can do without.
async fn named(session: &mut Session) {
    let known = async {
        while session.desk().world.context.user.is_none() {
            session.next().await;
        }
    };
    // An API server that does not tell leaves the identity unknown, and the report says so.
    let _ = tokio::time::timeout(PATIENCE, known).await;
}

/// The journal of this machine as a report names it.
fn journal(store: &Store) -> Journal {
    let whole = || -> Result<Journal, StoreError> {
        let wrong = wrong(store)?;
        // An index that does not hold together is among what is wrong.
        let head = store.ends().ok().flatten();
        let lines = head.as_ref().map_or(0, |head| head.lines);
        let (first, last) = head.map(|head| (head.first, head.last)).unzip();
        Ok(Journal { first, head: last, lines, unread: None, wrong })
    };
    whole().unwrap_or_else(|error| Journal { unread: Some(text::chain(&error)), ..Journal::default() })
}

/// What was changed in the journal of this machine, or lost.
fn wrong(store: &Store) -> Result<Vec<String>, StoreError> {
    let broken = store.verify()?.into_iter().filter(|finding| finding.broken);
    Ok(broken.map(|finding| text::sanitize(&finding.to_string()).into_owned()).collect())
}

fn read(path: &Path) -> Result<Report, Failure> {
    let text = store::read_text(path).map_err(|error| Failure::new(Exit::Usage, error))?;
    let failed = |fault: report::Fault| {
        let name = text::sanitize(&path.display().to_string()).into_owned();
        let exit = if matches!(fault, report::Fault::Changed { .. }) { Exit::Refused } else { Exit::Usage };
        Failure::new(exit, format!("{name}: {}", text::chain(&fault)))
    };
    Report::read(&text).map_err(failed)
}

fn against(report: Report, earlier: &Report) -> Result<Report, Failure> {
    if !Comparison::possible(earlier, &report) {
        let of = |report: &Report| match report.context.namespaces.as_slice() {
            [] => format!("all namespaces of {}", report.context.server),
            some => format!("{} of {}", text::list(some), report.context.server),
        };
        let said = format!("the earlier report is of {}, and this one of {}", of(earlier), of(&report));
        return Err(Failure::new(Exit::Usage, text::sanitize(&said).into_owned()));
    }
    Ok(report.against(earlier))
}

fn write(report: &Report, asked: &Audit) -> Result<(), Failure> {
    let unwritable = |error: serde_json::Error| Failure::new(Exit::Unknown, error);
    let text = match asked.output {
        Format::Table => report::table(report),
        Format::Md => report::markdown(report),
        Format::Json => report.json().map_err(unwritable)?,
        Format::Html => report::html(report),
        Format::Sarif => report::sarif(report).map_err(unwritable)?,
    };
    match asked.out.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => Ok(store::write_whole(path, &text)?),
        None => out::bytes(text.as_bytes()),
    }
}

/// A limit that nothing known is over does not hold while something is not known.
fn exit(report: &Report, limit: Option<State>, whole: bool) -> Exit {
    let over = |state: State| match &report.baseline {
        Some(baseline) => report.controls.iter().any(|one| baseline.has_new(one, state)),
        None => report.controls.iter().any(|one| one.state <= state),
    };
    match limit {
        Some(limit) if over(limit) => Exit::Refused,
        Some(_) if over(State::Unknown) => Exit::Unknown,
        _ if whole => Exit::Fine,
        _ => Exit::Unknown,
    }
}

fn verify(path: &Path) -> Result<Exit, Failure> {
    let report = read(path)?;
    out::line(format_args!("the report is as it was written: {} of {}", report.digest, report.at))?;
    let (said, exit) = held(&report.journal)?;
    out::line(text::sanitize(&said))?;
    Ok(exit)
}

/// Whether the journal of this machine still has the head that a report names.
fn held(journal: &Journal) -> Result<(String, Exit), Failure> {
    let Some(head) = &journal.head else {
        return Ok(("the report names no journal: there was none, or it could not be read".to_owned(), Exit::Fine));
    };
    let store = Store::open(&state_directory()?)?;
    let wrong = wrong(&store)?;
    let present = store.ends().ok().flatten();
    if present.as_ref().is_some_and(|present| Some(&present.first) != journal.first.as_ref()) {
        return Ok(("its journal is another machine's or user's: verify it there".to_owned(), Exit::Unknown));
    }
    if let Some(first) = wrong.first() {
        return Ok((format!("the journal does not hold together: {first}"), Exit::Refused));
    }
    match present {
        None => Ok(("its journal is not on this machine: verify it there".to_owned(), Exit::Unknown)),
        Some(_) if store.has_line(head)? => {
            Ok((format!("the journal holds together, and its head is in it: {head}"), Exit::Fine))
        }
        Some(_) => Ok((format!("the journal has been cut: its head is not in it any more: {head}"), Exit::Refused)),
    }
}
