//! One step of a run, large: what it asks, why, what to do when it fails, its operation, and what happened in the run.

use super::super::App;
use super::super::action::{ActionId, Availability};
use super::super::draw::left;
use super::super::theme::Meaning;
use super::{Line, one, wrap};
use crate::runbook::turn::{Ask, Offer, Turn};
use crate::session::Desk;
use crate::text;
use crate::view::{Level, OperationView, RunState, RunStep, RunView};

/// So much of what can be chosen is listed here; the form lists all.
const OFFERED: usize = 8;

/// What is told of a step of a run, in lines of this width.
pub fn run_lines(app: &App, desk: &Desk, run: &RunView, place: usize, room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(step) = run.steps.get(place) {
        let here = run.here() == Some(place);
        lines.extend(heading(step, room));
        if here {
            lines.extend(now(app, desk, run, step, room));
        }
        lines.extend(operation(desk, step, room));
        lines.extend(about(step, room));
        if here {
            lines.extend(besides(app, run, room));
        }
    }
    lines.extend(happened(run, room));
    lines.extend(begun(desk, run, room));
    lines
}

fn heading(step: &RunStep, room: usize) -> Vec<Line> {
    let mut lines = paragraph(&step.title, Meaning::Title, 0, room);
    let mark = if step.word == "ahead" { Meaning::Muted } else { step.level.into() };
    lines.push(vec![(format!("{} {}", step.glyph, step.word), mark), (format!("   {}", step.task), Meaning::Muted)]);
    // What was done has its approval in it: enforced, or only claimed.
    lines.extend(step.note.iter().flat_map(|note| paragraph(note, mark, 2, room)));
    lines
}

/// What comes next, whose turn it is, and how it is done.
fn now(app: &App, desk: &Desk, run: &RunView, step: &RunStep, room: usize) -> Vec<Line> {
    let mut lines = section("NOW");
    let mut say = |text: &str, meaning| lines.extend(paragraph(text, meaning, 2, room));
    if let Some(why) = &run.trouble {
        say(&format!("It cannot go on here: {why}."), Meaning::Danger);
    }
    if let Some(edited) = app.edited_book(&run.id) {
        edited.lines().for_each(|line| say(line, Meaning::Warn));
    }
    match (&run.turn, run.led) {
        (_, false) => {
            let last =
                run.elsewhere.as_ref().map(|machine| format!(" It was led on {machine} last.")).unwrap_or_default();
            say(&format!("This console does not lead it.{last}"), Meaning::Warn);
            if let Some(why) = &desk.runs_unseen {
                say(&format!("How it stands by now is not seen: {why}"), Level::Unknown.into());
            }
            if step.task == "approve" {
                possible(app, desk, ActionId::Approve, "agrees to it under your own name", &mut say);
            }
            possible(app, desk, ActionId::Resume, "goes on with it here", &mut say);
        }
        (None, true) => say("It is being written down.", Meaning::Muted),
        (Some(Turn::Plan(..)), _) => {
            possible(app, desk, ActionId::GoOn, "makes its plan, to read and confirm", &mut say);
        }
        (Some(Turn::Ask(_, ask)), _) => asked(app, desk, run, step, ask, &mut say),
        (Some(Turn::Wait { what, until, .. }), _) => {
            let until = until.map(|until| format!(" {}", left(until.duration_since(desk.now)))).unwrap_or_default();
            say(&format!("It waits: {what}{until}"), Meaning::Warn);
        }
        (Some(Turn::Follow(..)), _) => say("Its operation is followed.", Meaning::Accent),
        (Some(Turn::Collect(..)), _) => say("Evidence is being collected.", Meaning::Accent),
        (Some(Turn::Note(_) | Turn::Over(_)), _) => say("It goes on by itself.", Meaning::Muted),
    }
    lines
}

/// What else can be done while a step waits for somebody.
fn besides(app: &App, run: &RunView, room: usize) -> Vec<Line> {
    if !run.led || !matches!(run.turn, Some(Turn::Ask(..) | Turn::Plan(..) | Turn::Wait { .. })) {
        return Vec::new();
    }
    let way = |id| app.keymap.way(id);
    let (over, note, stop) = (way(ActionId::SkipStep), way(ActionId::Note), way(ActionId::Stop));
    let said = format!("{over} skips it with a reason, {note} notes something, {stop} ends the run.");
    let mut lines = vec![Line::new()];
    lines.extend(paragraph(&said, Meaning::Muted, 2, room));
    lines
}

fn approving(run: &RunView, step: &RunStep) -> String {
    format!("holdfast runbook approve {} {}", run.id, step.at.step)
}

/// That something is done by its key, or why it cannot be.
fn possible(app: &App, desk: &Desk, id: ActionId, does: &str, say: &mut impl FnMut(&str, Meaning)) {
    match app.available(desk, id) {
        Availability::Enabled => say(&format!("{} {does}.", app.keymap.way(id)), Meaning::Accent),
        Availability::Disabled(why) => say(&format!("Not now: {why}."), Meaning::Warn),
    }
}

fn asked(app: &App, desk: &Desk, run: &RunView, step: &RunStep, ask: &Ask, say: &mut impl FnMut(&str, Meaning)) {
    match ask {
        Ask::Do(_) => possible(app, desk, ActionId::GoOn, "says what came of it, once it is done", say),
        Ask::Attest(what) => {
            say(what, Meaning::Text);
            possible(app, desk, ActionId::GoOn, "says how it is known", say);
        }
        Ask::Choose(offers) => {
            possible(app, desk, ActionId::GoOn, "chooses one of these", say);
            offers.iter().take(OFFERED).for_each(|offer| say(&offered(offer), Meaning::Text));
            if offers.len() > OFFERED {
                say(&format!("and {} more", offers.len() - OFFERED), Meaning::Muted);
            }
        }
        Ask::Approve(_) => {
            say(&format!("A second person has to agree: {}", approving(run, step)), Meaning::Warn);
            if let Some(why) = &run.unseen {
                say(&format!("Whether somebody did is not seen: {why}"), Level::Unknown.into());
            }
            possible(app, desk, ActionId::BreakGlass, "goes on without, with a reason that is kept", say);
        }
        Ask::Failed(why, fails) => {
            say(&format!("It failed: {why}"), Meaning::Danger);
            say(fails, Meaning::Text);
            possible(app, desk, ActionId::TryAgain, "tries it again", say);
        }
    }
}

fn offered(offer: &Offer) -> String {
    let mark = if offer.recommended { "★ " } else { "· " };
    let recommended = if offer.recommended { " (recommended)" } else { "" };
    format!("{mark}{}{recommended}  {}", offer.value, offer.says)
}

/// Its operation: how it stands, and what it waits for.
fn operation(desk: &Desk, step: &RunStep, room: usize) -> Vec<Line> {
    let Some(id) = &step.operation else { return Vec::new() };
    let mut lines = section("ITS OPERATION");
    let Some(operation) = desk.operations.iter().find(|operation| *operation.id == **id) else {
        lines.extend(paragraph(&format!("{id}, whose journal is not here"), Meaning::Muted, 2, room));
        return lines;
    };
    lines.extend(operated(desk, operation, room));
    lines
}

fn operated(desk: &Desk, operation: &OperationView, room: usize) -> Vec<Line> {
    let (level, (done, all)) = (operation.level(), operation.progress());
    let state = format!("  {} {}", level.glyph(), operation.state.word());
    let mut lines = vec![vec![
        (state, level.into()),
        (if all > 0 { format!("  {done} of {all} steps") } else { String::new() }, Meaning::Muted),
    ]];
    lines.extend(paragraph(&operation.title, Meaning::Text, 2, room));
    if let Some(wait) = &operation.waits {
        let left = left(wait.until.duration_since(desk.now));
        lines.extend(paragraph(&format!("waits for {} {left}", wait.what), Meaning::Accent, 2, room));
    }
    if let Some(message) = &operation.message {
        lines.extend(paragraph(message, level.into(), 2, room));
    }
    lines
}

/// What the book says of the step.
fn about(step: &RunStep, room: usize) -> Vec<Line> {
    let mut lines = section("WHAT");
    lines.extend(step.asks.iter().flat_map(|line| paragraph(line, Meaning::Text, 2, room)));
    for (heading, text) in [("WHY", &step.why), ("IF IT FAILS", &step.fails)] {
        lines.extend(section(heading));
        lines.extend(paragraph(text, Meaning::Text, 2, room));
    }
    if let Some(link) = &step.link {
        lines.extend(section("MORE"));
        lines.extend(paragraph(link, Meaning::Text, 2, room));
    }
    lines
}

/// What happened in the run, the newest first.
fn happened(run: &RunView, room: usize) -> Vec<Line> {
    let mut lines = section("WHAT HAPPENED");
    for one in run.happened.iter().rev() {
        let at = format!("  {} ", one.at.strftime("%H:%M:%SZ"));
        let indent = text::width(&at);
        let meaning = if one.level == Level::Info { Meaning::Text } else { one.level.into() };
        for (i, piece) in wrap(&one.says, room.saturating_sub(indent)).into_iter().enumerate() {
            let start = if i == 0 { at.clone() } else { " ".repeat(indent) };
            lines.push(vec![(start, Meaning::Muted), (piece, meaning)]);
        }
    }
    lines
}

/// What it began with.
fn begun(desk: &Desk, run: &RunView, room: usize) -> Vec<Line> {
    let mut lines = section("THE RUN");
    let age = text::age(desk.now.duration_since(run.begun));
    let over = matches!(run.state, RunState::Done | RunState::Stopped);
    let word = if over { run.state.word() } else { "open" };
    let said = format!("{}: {word}; begun {age} ago by {}, recorded in {}", run.title, run.who, run.home);
    lines.extend(paragraph(&said, Meaning::Text, 2, room));
    let values =
        run.values.iter().flat_map(|(name, value)| paragraph(&format!("{name} = {value}"), Meaning::Muted, 2, room));
    lines.extend(values);
    lines
}

fn section(heading: &str) -> Vec<Line> {
    vec![Line::new(), one(heading, Meaning::Heading)]
}

fn paragraph(text: &str, meaning: Meaning, indent: usize, room: usize) -> Vec<Line> {
    let clean = |line: &str| text::sanitize(line).into_owned();
    let pieces = text.lines().flat_map(|line| wrap(&clean(line), room.saturating_sub(indent)));
    pieces.map(|piece| vec![(" ".repeat(indent), Meaning::Text), (piece, meaning)]).collect()
}
