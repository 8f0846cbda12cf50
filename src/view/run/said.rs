//! What happens in a run and what its steps ask, in sentences. Safe to draw.

use crate::runbook::book::{Check, Choose, Collect, Each, PlanStep, Task};
use crate::runbook::history::{Agreed, Body, End};
use crate::runbook::words::{Values, Words};
use crate::text;
use crate::view::Level;

/// What happened, and how bad it is; safe to draw.
pub fn happened(body: &Body) -> (Level, String) {
    let level = match body {
        Body::Failed { .. } => Level::Critical,
        Body::Skipped { .. }
        | Body::Closed { end: End::Stopped { .. } }
        | Body::Approved { agreed: Agreed::Claimed { .. } | Agreed::BreakGlass { .. }, .. } => Level::Warn,
        _ => Level::Info,
    };
    (level, text::sanitize(&said(body)).into_owned())
}

fn said(body: &Body) -> String {
    match body {
        Body::Begun { who, source, .. } => format!("run of {source} begun by {who}"),
        Body::Resumed { who, machine, .. } => format!("{who} goes on with it on {machine}"),
        Body::Reached { at } => format!("{at}: begins"),
        Body::Rows { at, rows } => format!("{at}: {}", text::plural(rows.len(), "row", "rows")),
        Body::Done { at, seen, who: Some(who), .. } => format!("{at}: done: {seen} ({who})"),
        Body::Done { at, seen, who: None, .. } => format!("{at}: done: {seen}"),
        Body::NotForNow { at, seen } => format!("{at}: not for now: {seen}"),
        Body::Planned { at, operation, title, .. } => format!("{at}: operation {operation}: {title}"),
        Body::Operated { at, operation, ended, down: Some(down), .. } => {
            format!("{at}: operation {operation} {ended}; the application stood still for {down} s")
        }
        Body::Operated { at, operation, ended, down: None, .. } => format!("{at}: operation {operation} {ended}"),
        Body::Failed { at, why, .. } => format!("{at}: FAILED: {why}"),
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

/// What a step does or asks for, a paragraph each line; safe to draw.
pub(super) fn asks(task: &Task, values: &Values) -> Vec<String> {
    let lines = |words: &Words| words.so_far(values).lines().map(|line| text::sanitize(line).into_owned()).collect();
    let line = |words: &Words| words.so_far(values).split_whitespace().collect::<Vec<_>>().join(" ");
    let said = match task {
        Task::Manual(words) | Task::Approve(words) => return lines(words),
        Task::Check(of) => format!("It is checked that {}.", looked(of, &line)),
        Task::Wait(of, within) => {
            let within = jiff::SignedDuration::try_from(*within).unwrap_or(jiff::SignedDuration::MAX);
            format!("It waits until {}, {} at most.", looked(of, &line), text::quantity::span(within))
        }
        Task::Plan(plan) => planned(plan, &line),
        Task::Collect(Collect { what, of }) => {
            let what: Vec<&str> = what.iter().map(|one| one.word()).collect();
            format!("{} of {} are collected: hashed, in a bundle.", text::list(&what), line(of))
        }
        Task::Choose(Choose { among, filter, .. }) => {
            format!("One of the {} is chosen that match {}.", among.word(), line(filter))
        }
        Task::Each(Each { among, filter, .. }) => {
            format!("The steps below are done for each of the {} that match {}.", among.word(), line(filter))
        }
    };
    vec![text::sanitize(&said).into_owned()]
}

fn looked(check: &Check, line: &impl Fn(&Words) -> String) -> String {
    format!("of the {} {} match {}", check.among.word(), check.expect.said(), line(&check.filter))
}

fn planned(plan: &PlanStep, line: &impl Fn(&Words) -> String) -> String {
    let with: Vec<String> = plan.with.iter().map(|(field, words)| format!("{field}: {}", line(words))).collect();
    let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(", ")) };
    format!("A plan: {} of {}{with}. It is shown, confirmed and run.", PlanStep::word(plan.verb), line(&plan.of))
}
