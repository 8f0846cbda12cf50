//! Runs of runbooks: the list of them, and one run with its steps on one side and the step that is shown, large, on the
//! other; one above the other where it is narrow.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::keymap::Keymap;
use super::super::layer::Cursor;
use super::super::layout::{inside, top};
use super::super::pages::run_lines;
use super::super::runs::{RunLayer, run_key};
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;
use crate::view::{Level, RunStep, RunView};

/// Narrower than this, the step stands below the steps.
const SIDE_BY_SIDE: u16 = 100;
/// Columns of the state of a run, with its mark.
const STATE: u16 = 16;
/// Columns of how long ago it began.
const SINCE: u16 = 6;

pub(super) fn list(pen: &mut Pen, keymap: &Keymap, desk: &Desk, cursor: &Cursor, area: Rect) {
    let count = format!(" {}", desk.runs.len());
    let unseen = desk.runs_unseen.as_ref();
    let unseen =
        unseen.map(|why| format!("  those of others are not seen: {}", text::sanitize(why))).unwrap_or_default();
    let title = [("Runs", Meaning::Accent), (&*count, Meaning::Muted), (&*unseen, Level::Unknown.into())];
    pen.frame(area, &title, &[], true);
    let inner = inside(area);
    if desk.runs.is_empty() {
        let text = format!("No run yet. {} on what is selected begins one.", keymap.way(ActionId::Runbook));
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
        return;
    }
    let columns = Columns::of(inner);
    columns.put(pen, inner.y, Meaning::Heading, &["State", "Runbook", "", "Step", "Who"], "Since");
    let lines = (inner.y + 1..inner.bottom()).zip(cursor.top..);
    for ((y, place), run) in lines.zip(desk.runs.iter().skip(cursor.top)) {
        let line = Rect { y, height: 1, ..inner };
        pen.note(line, Spot::Listed(run_key(run)));
        let ground = if place == cursor.place { Meaning::Selection } else { Meaning::Text };
        if place == cursor.place {
            pen.fill(line, ground);
        }
        columns.row(&mut pen.on(ground), y, run, desk.now);
    }
}

/// Where the columns of the list begin.
struct Columns([u16; 5], u16);

impl Columns {
    fn of(inner: Rect) -> Self {
        let who = if inner.width < SIDE_BY_SIDE { 12 } else { 22 };
        let state = inner.x + 1;
        let name = state + STATE;
        let done = name + 21;
        let step = done + 7;
        let who = inner.right().saturating_sub(who + SINCE).max(step);
        Self([state, name, done, step, who], inner.right())
    }

    fn put(&self, pen: &mut Pen, y: u16, meaning: Meaning, words: &[&str; 5], since: &str) {
        let [state, name, done, step, who] = self.0;
        let ends = [name, done, step, who, self.1.saturating_sub(SINCE)];
        for ((x, end), word) in [state, name, done, step, who].into_iter().zip(ends).zip(words) {
            pen.put(x, y, end.saturating_sub(1), word, meaning);
        }
        pen.put_right(who, y, self.1.saturating_sub(1), since, meaning);
    }

    fn row(&self, pen: &mut Pen, y: u16, run: &RunView, now: Timestamp) {
        let (settled, all) = run.progress();
        let step = run.here().and_then(|at| run.steps.get(at)).map_or("", |step| &*step.title);
        let since = text::age(now.duration_since(run.begun));
        let who = match &run.elsewhere {
            Some(machine) => format!("{} ({machine})", run.who),
            None => run.who.clone(),
        };
        let done = format!("{settled}/{all}");
        self.put(pen, y, Meaning::Text, &["", &run.name, &done, step, &who], &since);
        let level = run.state.level();
        pen.put(self.0[0], y, self.0[1], &format!("{} {}", level.glyph(), run.state.word()), level);
    }
}

/// Where the steps of a run stand, and the step that is shown.
fn sides(run: &RunView, area: Rect) -> (Rect, Rect) {
    if area.width >= SIDE_BY_SIDE {
        let left = area.width * 2 / 5;
        return (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area });
    }
    let wanted = u16::try_from(run.steps.len()).unwrap_or(u16::MAX).saturating_add(2);
    top(area, wanted.clamp(3, (area.height / 3).max(5)))
}

/// How many lines of what is told of the step that is shown can be scrolled away.
pub(in crate::tui) fn most_scrolled(app: &App, desk: &Desk, layer: &RunLayer, run: &RunView, body: Rect) -> usize {
    let (_, right) = sides(run, body);
    let lines = run_lines(app, desk, run, layer.place(run), room(right)).len();
    lines.saturating_sub(inside(right).height.into())
}

fn room(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(4))
}

pub(super) fn run(pen: &mut Pen, app: &App, desk: &Desk, layer: &RunLayer, area: Rect) {
    let Some(run) = desk.runs.iter().find(|run| run.id == layer.id) else {
        pen.frame(area, &[("Run ", Meaning::Muted), (layer.id.as_str(), Meaning::Accent)], &[], true);
        let inner = inside(area);
        let text = match &desk.runs_unseen {
            None => "It is being written down, or no record of it is seen.".to_owned(),
            Some(why) => format!("No record of it is seen: {}", text::sanitize(why)),
        };
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
        return;
    };
    let (left, right) = sides(run, area);
    let place = layer.place(run);
    steps(pen, run, place, left);
    let number = format!("{} of {} ", place + 1, run.steps.len());
    let id = run.steps.get(place).map_or_else(String::new, |step| step.at.to_string());
    let lines = run_lines(app, desk, run, place, room(right));
    let inner = inside(right);
    let above = layer.scroll(run).min(lines.len());
    let below = lines.len().saturating_sub(above + usize::from(inner.height));
    let more = beyond(above, below).unwrap_or_else(|| run.id.to_string());
    pen.frame(right, &[(&number, Meaning::Muted), (&id, Meaning::Accent)], &[(&more, Meaning::Muted)], true);
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(above)) {
        let mut x = inner.x + 1;
        for (text, meaning) in line {
            x = pen.put(x, y, inner.right(), text, *meaning);
        }
    }
}

/// How many lines there are that are not on the screen.
fn beyond(above: usize, below: usize) -> Option<String> {
    let lines = |count| text::plural(count, "line", "lines");
    match (above, below) {
        (0, 0) => None,
        (0, below) => Some(format!("{} below", lines(below))),
        (above, 0) => Some(format!("{} above", lines(above))),
        (above, below) => Some(format!("{} above, {below} below", lines(above))),
    }
}

fn steps(pen: &mut Pen, run: &RunView, place: usize, area: Rect) {
    let (settled, all) = run.progress();
    let done = format!(" {settled}/{all}");
    let level = run.state.level();
    let state = format!("{} {}", level.glyph(), run.state.word());
    let title = [(&*run.name, Meaning::Accent), (&*done, Meaning::Muted)];
    pen.frame(area, &title, &[(&state, level.into())], false);
    let inner = inside(area);
    let height = usize::from(inner.height).max(1);
    // The step that is shown stands in the middle, as far as there are steps around it.
    let first = place.saturating_sub(height / 2).min(run.steps.len().saturating_sub(height));
    for (y, (at, step)) in (inner.y..inner.bottom()).zip(run.steps.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..inner };
        let ground = if at == place { Meaning::Selection } else { Meaning::Text };
        if at == place {
            pen.fill(line, ground);
        }
        step_line(&mut pen.on(ground), run, step, at, line);
    }
}

fn step_line(pen: &mut Pen, run: &RunView, step: &RunStep, at: usize, line: Rect) {
    let here = run.here() == Some(at);
    let (mark, meaning) = match (step.word, here) {
        ("ahead", _) => (step.glyph, Meaning::Muted),
        (_, true) if step.level == Level::Info => (step.glyph, Meaning::Accent),
        _ => (step.glyph, step.level.into()),
    };
    let x = pen.put(line.x, line.y, line.right(), if here { "▶" } else { " " }, Meaning::Accent);
    let x = pen.put(x, line.y, line.right(), &format!("{mark} "), meaning);
    // Steps of a loop stand below it.
    let inset = if step.at.row.is_some() { 2 } else { 0 };
    let word = if matches!(step.word, "ahead" | "done") { String::new() } else { format!(" {}", step.word) };
    let end = line.right().saturating_sub(u16::try_from(text::width(&word)).unwrap_or(0));
    let title = if step.word == "ahead" { Meaning::Muted } else { Meaning::Text };
    pen.put(x + inset, line.y, end, &step.title, title);
    pen.put(end, line.y, line.right(), &word, meaning);
}
