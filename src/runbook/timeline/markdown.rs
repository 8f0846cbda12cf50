//! The timeline as Markdown: a head, each step with what it came to, and everything by the clock.

use jiff::{SignedDuration, Timestamp};

use super::{Timeline, Told};
use crate::runbook::book::Task;
use crate::runbook::history::{Agreed, Body, End};
use crate::text::markdown::escaped;
use crate::text::{plural, quantity};

impl Timeline<'_> {
    /// As Markdown, for a post-mortem.
    pub fn markdown(&self) -> String {
        let title = self.book.map_or("a runbook that cannot be read any more", |book| &book.title);
        let mut parts = vec![format!("# Timeline: {}", escaped(title)), self.head_table()];
        parts.extend(section("What it began with", "| parameter | value |\n|---|---|", &self.values()));
        let head = "| step | what | state | began (UTC) | took | who | seen |\n|---|---|---|---|---|---|---|";
        parts.extend(section("Steps", head, &self.steps.iter().map(|step| self.step_row(step)).collect::<Vec<_>>()));
        parts.extend(self.unreached_said());
        let head = "| step | who | why |\n|---|---|---|";
        parts.extend(section("Skipped", head, &self.skips()));
        let head = "| step | who | proof |\n|---|---|---|";
        parts.extend(section("Approvals", head, &self.approvals()));
        parts.extend(section("Evidence", "| step | what was kept |\n|---|---|", &self.evidence()));
        parts.extend(self.operations_said());
        let head = "| at (UTC) | step | what happened | who |\n|---|---|---|---|";
        let clock_rows: Vec<String> = self.entries.iter().map(|(at, body)| clock(*at, body)).collect();
        parts.extend(section("By the clock", head, &clock_rows));
        parts.join("\n\n") + "\n"
    }

    fn head_table(&self) -> String {
        let run = &self.run;
        let name = self.book.map_or("", |book| &book.name);
        let ended = match (&run.end, self.ended()) {
            (Some(End::Done), Some(at)) => format!("{}, no step is left to do", moment(at)),
            (Some(End::Stopped { who, reason }), Some(at)) => {
                format!("{}, stopped by {}: {}", moment(at), escaped(who), escaped(reason))
            }
            _ => format!("it has not ended; the last entry is of {}", moment(run.last)),
        };
        let down = self.down().map_or_else(
            || "no operation says that it held or stopped the application".to_owned(),
            |seconds| took(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))),
        );
        let people: Vec<String> = self.people().into_iter().map(escaped).collect();
        let resumed = match run.epoch.saturating_sub(1) {
            0 => String::new(),
            times => format!("; resumed {}", plural(usize::try_from(times).unwrap_or(usize::MAX), "time", "times")),
        };
        let rows = [
            ("Runbook", format!("{} (SHA-256 {})", escaped(name), escaped(&run.digest))),
            ("Began", format!("{} by {} on {}{resumed}", moment(run.begun), escaped(&run.who), escaped(self.machine))),
            ("Ended", ended),
            ("Took", took(self.total())),
            ("Application down", down),
            ("Cluster", format!("context {}, {}", escaped(&run.context), escaped(&run.server))),
            ("Run", format!("{}, recorded in namespace {}{}", run.id, escaped(&run.home), self.head_said())),
            ("People", people.join(", ")),
        ];
        let rows: Vec<String> = rows.iter().map(|(name, value)| format!("| {name} | {value} |")).collect();
        format!("| | |\n|---|---|\n{}", rows.join("\n"))
    }

    fn head_said(&self) -> String {
        self.head.map(|head| format!("; its last entry has the hash {}", escaped(head))).unwrap_or_default()
    }

    fn values(&self) -> Vec<String> {
        self.begun_with.iter().map(|(name, value)| format!("| {} | {} |", escaped(name), escaped(value))).collect()
    }

    fn step_row(&self, step: &Told<'_>) -> String {
        let title = self.title(&step.at).unwrap_or_default();
        let who: Vec<String> = step.who.iter().map(|who| escaped(who)).collect();
        let again = match step.failures.len() {
            0 => String::new(),
            1 if step.state == "failed" => String::new(),
            times => format!(" (failed {} on the way)", plural(times, "time", "times")),
        };
        let seen = match step.approval {
            Some((_, agreed)) => agreement(agreed),
            None => escaped(step.said),
        };
        let took = took(step.last.duration_since(step.began));
        let (at, title, began) = (escaped(&step.at.to_string()), escaped(&title), moment(step.began));
        format!("| {at} | {title} | {}{again} | {began} | {took} | {} | {seen} |", step.state, who.join(", "))
    }

    fn unreached_said(&self) -> Option<String> {
        let all = self.unreached();
        (!all.is_empty()).then(|| format!("Nothing happened in: {}.", all.join(", ")))
    }

    fn skips(&self) -> Vec<String> {
        let row = |step: &Told<'_>| {
            let (who, reason) = step.skipped?;
            Some(format!("| {} | {} | {} |", escaped(&step.at.to_string()), escaped(who), escaped(reason)))
        };
        self.steps.iter().filter_map(row).collect()
    }

    fn approvals(&self) -> Vec<String> {
        let row = |step: &Told<'_>| {
            let (who, agreed) = step.approval?;
            Some(format!("| {} | {} | {} |", escaped(&step.at.to_string()), escaped(who), agreement(agreed)))
        };
        self.steps.iter().filter_map(row).collect()
    }

    fn evidence(&self) -> Vec<String> {
        let collects = |step: &&Told<'_>| {
            let of = self.book.and_then(|book| book.step(&step.at.step));
            of.is_some_and(|step| matches!(step.task, Task::Collect(_)))
        };
        let row = |step: &Told<'_>| {
            let gave = step.gave.iter().map(|(name, value)| format!("; {} {}", escaped(name), escaped(value)));
            format!("| {} | {}{} |", escaped(&step.at.to_string()), escaped(step.said), gave.collect::<String>())
        };
        self.steps.iter().filter(collects).map(row).collect()
    }

    fn operations_said(&self) -> Option<String> {
        let head = "| operation | step | what | plan (SHA-256) | confirmed | ended | application down | Audit-Ids | journal's \
                    head |\n|---|---|---|---|---|---|---|---|---|";
        let rows = self.operations().map(|(step, one)| {
            let ended = one
                .ended
                .map_or_else(|| escaped(one.outcome), |at| format!("{}: {}", moment(at), escaped(one.outcome)));
            let down = one.down.map_or_else(String::new, |seconds| format!("{seconds} s"));
            let audit: Vec<String> = one.audit_ids.iter().map(|id| escaped(id)).collect();
            let confirmed = format!("{} by {}", moment(one.confirmed), escaped(one.who));
            let (id, at, title) = (escaped(one.id), escaped(&step.at.to_string()), escaped(one.title));
            let (plan, audit, journal) = (escaped(one.plan), audit.join(", "), escaped(one.journal));
            format!("| {id} | {at} | {title} | {plan} | {confirmed} | {ended} | {down} | {audit} | {journal} |")
        });
        section("Operations", head, &rows.collect::<Vec<_>>())
    }
}

/// A table under its heading; nothing without rows.
fn section(heading: &str, head: &str, rows: &[String]) -> Option<String> {
    (!rows.is_empty()).then(|| format!("## {heading}\n\n{head}\n{}", rows.join("\n")))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn took(duration: SignedDuration) -> String {
    quantity::span(duration)
}

fn agreement(agreed: &Agreed) -> String {
    match agreed {
        Agreed::Proven => "proven: the API server holds everybody to their own name".to_owned(),
        Agreed::Claimed { why } => format!("claimed: {}", escaped(why)),
        Agreed::BreakGlass { reason } => format!("break-glass, nobody else agreed: {}", escaped(reason)),
    }
}

/// One entry, as a row.
fn clock(at: Timestamp, body: &Body) -> String {
    let step = super::step_of(body).map(ToString::to_string).unwrap_or_default();
    let who = super::actor(body).map(escaped).unwrap_or_default();
    format!("| {} | {} | {} | {who} |", moment(at), escaped(&step), what(body))
}

fn what(body: &Body) -> String {
    match body {
        Body::Begun { .. } => "the run began".to_owned(),
        Body::Resumed { machine, .. } => format!("it was resumed on {}", escaped(machine)),
        Body::Reached { .. } => "begun".to_owned(),
        Body::Rows { rows, .. } if rows.is_empty() => "there is no row to go over".to_owned(),
        Body::Rows { rows, .. } => format!("goes over {}", escaped(&rows.join(", "))),
        Body::Done { seen, values, .. } => format!("done: {}{}", escaped(seen), gave(values)),
        Body::NotForNow { seen, .. } => format!("not for now: {}", escaped(seen)),
        Body::Planned { operation, title, digest, .. } => {
            let (title, digest, id) = (escaped(title), escaped(digest), escaped(operation.as_str()));
            format!("confirmed: {title}; plan {digest}, operation {id}")
        }
        Body::Operated { operation, ended, values, .. } => {
            format!("operation {} ended: {}{}", escaped(operation.as_str()), escaped(ended), gave(values))
        }
        Body::Failed { why, .. } => format!("**failed:** {}", escaped(why)),
        Body::Skipped { reason, .. } => format!("**skipped:** {}", escaped(reason)),
        Body::Again { .. } => "is tried again".to_owned(),
        Body::Noted { note, .. } => format!("note: {}", escaped(note)),
        Body::Answered { answer, .. } => format!("answered: {}", escaped(answer)),
        Body::Approved { agreed, .. } => format!("agreed; {}", agreement(agreed)),
        Body::Closed { end: End::Done } => "the run ended: no step is left to do".to_owned(),
        Body::Closed { end: End::Stopped { reason, .. } } => format!("the run was stopped: {}", escaped(reason)),
    }
}

fn gave(values: &crate::runbook::words::Values) -> String {
    let each = values.iter().map(|(name, value)| ["; ", &escaped(name), " = ", &escaped(value)].concat());
    each.collect::<Vec<_>>().concat()
}
