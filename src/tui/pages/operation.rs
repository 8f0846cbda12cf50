//! One operation: how it stands, how long each step took, what is waited for and how much of the deadline is used
//! up, and, once it has ended, what to do next.

use super::super::App;
use super::super::action::{ActionId, Availability};
use super::super::draw::{left, step_mark};
use super::super::theme::Meaning;
use super::{Line, one, wrap};
use crate::session::Desk;
use crate::text;
use crate::view::{Held, Level, OperationState, OperationView, StepView, WaitView};

/// Columns before the title of a step: mark, word and time.
const MARK: usize = 24;
/// Columns of the gauge.
const GAUGE: usize = 30;
/// Share of a deadline, in per cent, from which it is nearly over.
const NEARLY: u64 = 80;

pub(super) fn lines(app: &App, desk: &Desk, operation: &OperationView, room: usize) -> Vec<Line> {
    let level = operation.level();
    let (done, all) = operation.progress();
    let mut lines = vec![vec![
        (format!("{} {}", level.glyph(), operation.state.word()), level.into()),
        (if all > 0 { format!("   {done} of {all} steps") } else { String::new() }, Meaning::Muted),
    ]];
    lines.extend(
        operation.elsewhere.iter().filter(|_| all == 0).map(|who| {
            one(&format!("by {}; its steps stand in the journal there", text::sanitize(who)), Meaning::Muted)
        }),
    );
    lines.extend(operation.started.map(|started| {
        let end = operation.ended.unwrap_or(desk.now);
        let took = text::age(end.duration_since(started));
        let word = if operation.ended.is_some() { "took" } else { "running for" };
        let resumed = match usize::try_from(operation.resumed).unwrap_or(usize::MAX) {
            0 => String::new(),
            times => format!(", resumed {}", text::plural(times, "time", "times")),
        };
        one(&format!("started {}, {word} {took}{resumed}", started.strftime("%Y-%m-%d %H:%M:%SZ")), Meaning::Muted)
    }));
    lines.extend(operation.held.map(|held| held_line(desk, held)));
    lines.extend(unclosed_lines(operation, room));
    // What it comes to stands above its steps: these may be more than the screen has lines.
    lines.extend(operation.waits.iter().flat_map(|wait| wait_lines(desk, wait, room)));
    if let Some(message) = &operation.message {
        lines.push(Line::new());
        lines.extend(wrap(&text::sanitize(message), room).iter().map(|piece| one(piece, level.into())));
    }
    lines.push(Line::new());
    lines.extend(operation.steps.iter().flat_map(|step| step_lines(desk, step, room)));
    let next = next(app, desk, operation);
    if !next.is_empty() {
        lines.extend([Line::new(), one("WHAT NEXT", Meaning::Heading)]);
        for sentence in next {
            let pieces = wrap(&text::sanitize(&sentence), room.saturating_sub(2));
            lines.extend(pieces.iter().map(|piece| one(&format!("  {piece}"), Meaning::Text)));
        }
    }
    lines
}

/// How long hooks hold an application, or held it.
fn held_line(desk: &Desk, held: Held) -> Line {
    match held {
        Held::For(span) => {
            one(&format!("its hooks held the application for {}", text::quantity::moment(span)), Meaning::Muted)
        }
        Held::Now { since, until } => {
            let now = text::age(desk.now.duration_since(since));
            let (at, left) = (until.strftime("%H:%M:%SZ"), left(until.duration_since(desk.now)));
            let glyph = Level::Warn.glyph();
            let line = format!("{glyph} its hooks hold the application: {now} now, until {at} at most {left}");
            one(&line, Meaning::Warn)
        }
    }
}

/// What may stand still because of it, and how to let it go: nothing on this screen matters more.
fn unclosed_lines(operation: &OperationView, room: usize) -> Vec<Line> {
    let wide = room.saturating_sub(2);
    let mut lines = Vec::new();
    for unclosed in &operation.unclosed {
        lines.extend([Line::new(), one("NOT SEEN RELEASED", Meaning::Danger)]);
        let what = text::sanitize(&unclosed.what);
        lines.extend(wrap(&what, wide).iter().map(|piece| one(&format!("  {piece}"), Meaning::Danger)));
        if let Some(by_hand) = &unclosed.by_hand {
            let how = if operation.can_resume { "resume it, or run by hand:" } else { "run by hand:" };
            lines.push(one(&format!("  {how}"), Meaning::Danger));
            let by_hand = text::sanitize(by_hand);
            lines.extend(wrap(&by_hand, wide).iter().map(|piece| one(&format!("  {piece}"), Meaning::Text)));
        }
    }
    lines
}

fn step_lines(desk: &Desk, step: &StepView, room: usize) -> Vec<Line> {
    let (mark, meaning) = step_mark(step.state);
    let took = step.began.map(|began| text::age(step.ended.unwrap_or(desk.now).duration_since(began)));
    let start = format!("{mark} {:>4}  ", took.unwrap_or_default());
    let wide = room.saturating_sub(MARK);
    let mut lines = Vec::new();
    for (i, piece) in wrap(&text::sanitize(&step.title), wide).into_iter().enumerate() {
        let start = if i == 0 { start.clone() } else { " ".repeat(MARK) };
        lines.push(vec![(start, meaning), (piece, Meaning::Text)]);
    }
    let sent =
        (step.sent > 1).then(|| format!("sent {} times, each after seeing that it had no effect yet", step.sent));
    for note in step.note.as_deref().map(text::sanitize).into_iter().chain(sent.map(Into::into)) {
        let pieces = wrap(&note, wide).into_iter();
        lines.extend(pieces.map(|piece| vec![(" ".repeat(MARK), Meaning::Muted), (piece, Meaning::Muted)]));
    }
    lines
}

fn wait_lines(desk: &Desk, wait: &WaitView, room: usize) -> Vec<Line> {
    let seconds = |from, to: jiff::Timestamp| to.duration_since(from).as_secs().max(0).unsigned_abs();
    let (used, whole) = (seconds(wait.since, desk.now), seconds(wait.since, wait.until));
    let percent = text::percent(used, whole);
    let meaning = match percent {
        100.. => Meaning::Danger,
        NEARLY.. => Meaning::Warn,
        _ => Meaning::Accent,
    };
    let of = text::age(wait.until.duration_since(wait.since));
    let until = wait.until.strftime("%H:%M:%SZ");
    let left = left(wait.until.duration_since(desk.now));
    let mut lines = vec![Line::new()];
    for (i, piece) in wrap(&text::sanitize(&wait.what), room.saturating_sub(10)).into_iter().enumerate() {
        let label = if i == 0 { "waits for " } else { "          " };
        lines.push(vec![(label.to_owned(), Meaning::Heading), (piece, Meaning::Accent)]);
    }
    lines.push(vec![
        ("          ".to_owned(), Meaning::Muted),
        (gauge(percent, GAUGE), meaning),
        (format!(" {percent}% of {of}, until {until} {left}"), Meaning::Muted),
    ]);
    lines
}

/// A share as a bar of this many columns. Only nothing looks empty, and only all of it looks full.
fn gauge(percent: u64, columns: usize) -> String {
    let full = usize::try_from(percent.min(100)).unwrap_or(100) * columns / 100;
    let full = if percent > 0 { full.max(1) } else { 0 };
    format!("{}{}", "█".repeat(full), "░".repeat(columns - full))
}

/// What a person can do about an operation that nobody runs.
fn next(app: &App, desk: &Desk, operation: &OperationView) -> Vec<String> {
    if operation.can_resume {
        let resume = app.keymap.way(ActionId::Resume);
        let stop = app.keymap.way(ActionId::Stop);
        return vec![
            format!("{resume} resumes it where its journal ends; nothing is done twice."),
            format!("{stop} ends it: what it still owes is done, and no more."),
        ];
    }
    if let (None, Some(elsewhere)) = (&operation.takes_back, &operation.elsewhere) {
        return vec![format!("It is resumed, stopped and taken back where it runs: {elsewhere}.")];
    }
    if operation.ended.is_none() {
        return Vec::new();
    }
    let mut next = Vec::new();
    if operation.state != OperationState::Done {
        let backup = app.keymap.way(ActionId::Backup);
        next.push(format!(
            "It has ended and is not resumed. When the cause is gone, {backup} on the volume plans again."
        ));
    }
    match (&operation.made, app.available(desk, ActionId::Open)) {
        (Some(made), Availability::Enabled) => {
            next.push(format!("{} opens {}.", app.keymap.way(ActionId::Open), made.what));
        }
        (Some(made), Availability::Disabled(_)) => next.push(format!("It made {}, which is not seen here.", made.what)),
        (None, _) => next.push("It made nothing, so there is nothing to take back.".to_owned()),
    }
    if operation.made.is_some() {
        match &operation.undo[..] {
            [undo] => next.push(format!("Taking it back means: {undo}.")),
            several => {
                next.extend((!several.is_empty()).then(|| "Taking it back means:".to_owned()));
                next.extend(several.iter().map(|undo| format!("- {undo}")));
            }
        }
        if operation.takes_back.is_some() {
            let back = app.keymap.way(ActionId::Undo);
            next.push(format!("{back} plans that; the plan is read and confirmed first."));
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "░░░░░░░░░░")]
    #[case(1, "█░░░░░░░░░")]
    #[case(50, "█████░░░░░")]
    #[case(99, "█████████░")]
    #[case(100, "██████████")]
    #[case(250, "██████████")]
    fn a_gauge_is_full_only_when_all_is_used(#[case] percent: u64, #[case] bar: &str) {
        assert_eq!(gauge(percent, 10), bar);
    }
}
