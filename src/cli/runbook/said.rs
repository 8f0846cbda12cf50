//! What happens in a run, in lines of text.

use crate::journal::Entry;
use crate::runbook::history::{Agreed, Body, End};
use crate::runbook::turn::Ask;
use crate::text;

/// One entry, with its time.
pub(super) fn entry(entry: &Entry<Body>) -> String {
    let at = entry.at.strftime("%H:%M:%SZ");
    format!("{at}  {}", text::sanitize(&body(&entry.body)))
}

fn body(body: &Body) -> String {
    match body {
        Body::Begun { who, source, .. } => format!("run of {source} begun by {who}"),
        Body::Resumed { who, machine, .. } => format!("{who} goes on with it on {machine}"),
        Body::Reached { at } => format!("{at}: begins"),
        Body::Rows { at, rows } => format!("{at}: {}", text::plural(rows.len(), "row", "rows")),
        Body::Done { at, seen, who: Some(who), .. } => format!("{at}: done: {seen} ({who})"),
        Body::Done { at, seen, who: None, .. } => format!("{at}: done: {seen}"),
        Body::PassedOver { at, seen } => format!("{at}: not for now: {seen}"),
        Body::Planned { at, operation, title, .. } => format!("{at}: operation {operation}: {title}"),
        Body::Operated { at, operation, ended, down: Some(down), .. } => {
            format!("{at}: operation {operation} {ended}; the application stood still for {down} s")
        }
        Body::Operated { at, operation, ended, down: None, .. } => format!("{at}: operation {operation} {ended}"),
        Body::Failed { at, why } => format!("{at}: FAILED: {why}"),
        Body::Skipped { at, reason, who } => format!("{at}: skipped by {who}: {reason}"),
        Body::Again { at, who } => format!("{at}: tried again by {who}"),
        Body::Noted { note, who } => format!("note by {who}: {note}"),
        Body::Answered { at, answer, who } => format!("{at}: {who} answers: {answer}"),
        Body::Approved { at, who, agreed } => match agreed {
            Agreed::Proven => format!("{at}: approved by {who}, as the API server knows them"),
            Agreed::Claimed { why } => format!("{at}: approved by {who}, CLAIMED: {why}"),
            Agreed::BreakGlass { reason } => format!("{at}: BREAK GLASS by {who}: {reason}"),
        },
        Body::Closed { end: End::Done } => "the run is done".to_owned(),
        Body::Closed { end: End::Stopped { who, reason } } => format!("the run was ended by {who}: {reason}"),
    }
}

/// What a person is asked.
pub(super) fn question(ask: &Ask) -> Vec<String> {
    let clean = |text: &str| text.lines().map(|line| format!("  {}", text::sanitize(line))).collect::<Vec<_>>();
    match ask {
        Ask::Do(what) | Ask::Attest(what) => clean(what),
        Ask::Approve(what) => [vec!["  a second person has to agree:".to_owned()], clean(what)].concat(),
        Ask::Choose(offers) => {
            let line = |(place, offer): (usize, &crate::runbook::turn::Offer)| {
                let mark = if offer.recommended { "  (recommended)" } else { "" };
                format!("  {}  {}  {}{mark}", place + 1, text::sanitize(&offer.value), offer.says)
            };
            offers.iter().enumerate().map(line).collect()
        }
        Ask::Failed(why, fails) => {
            [vec![format!("  failed: {}", text::sanitize(why))], vec!["  what to do:".to_owned()], clean(fails)]
                .concat()
        }
    }
}
