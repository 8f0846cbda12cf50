//! A form: its fields with what is wrong below each, the list that is open, what was read of a certificate that is
//! handed over, what the field is for, and the command that would do the same.

mod handing;

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::app::form_command;
use super::super::form::{Form, Purpose};
use super::super::layout::{bottom, dialog, inside};
use super::super::pages::wrap;
use super::super::theme::Meaning;
use super::Pen;
use crate::plan::{Choice, Field, FieldKind};
use crate::session::Desk;
use crate::text;

/// Columns of labels.
const LABEL: u16 = 17;
/// Lines of a field of several lines.
const LINES: u16 = 3;
/// Lines of what the field is for, and of the command, with the rule above.
const ABOUT: u16 = 5;
/// Lines of what was read of a certificate, with the rule above, where there is room.
const READ: u16 = 9;
/// Lines that an open list has at most.
const LISTED: usize = 6;

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, form: &Form, body: Rect) {
    let fields: u16 = form.spec.fields.iter().map(height).sum();
    let read = if form.handing().is_some() { READ } else { 0 };
    let area = dialog(body, 100, fields + read + ABOUT + 3);
    let title = text::sanitize(&form.spec.title);
    let (before, yet) = match form.purpose {
        Purpose::Plan(_) => ("Before the plan: ", "nothing is done yet"),
        Purpose::Triage(_) => ("Decide on ", "nothing is decided yet"),
        Purpose::Runbook { .. } => ("Before the run: ", "nothing is done yet"),
        Purpose::Step { .. } => ("Say to ", "nothing is said yet"),
    };
    let title = [(before, Meaning::Muted), (&*title, Meaning::Accent)];
    pen.frame(area, &title, &[(yet, Meaning::Muted)], true);
    let (upper, about) = bottom(inside(area), ABOUT.min(area.height / 3));
    let said = handing::pieces(desk, form, upper.width);
    let lines = u16::try_from(said.len()).map_or(u16::MAX, |lines| lines.saturating_add(1));
    let (upper, below) = bottom(upper, lines.min(read).min(upper.height / 2));
    handing::draw(pen, &said, below);
    let mut list_at = None;
    let shown = visible(form, upper);
    for (place, (y, rows)) in shown.iter().copied() {
        let focused = place == form.focus;
        draw_field(pen, form, place, Rect { y, height: rows, ..upper });
        let below = Rect { y: y + rows, height: 1, ..upper };
        if below.y < upper.bottom() {
            say_below(pen, form, place, below);
        }
        if focused && form.entries[place].open.is_some() {
            list_at = Some(below);
        }
    }
    let below = shown.last().map_or(0, |(place, _)| form.spec.fields.len() - place - 1);
    if below > 0 {
        let more = format!("▼ {} below ", text::plural(below, "field", "fields"));
        pen.put_right(upper.x, upper.bottom().saturating_sub(1), upper.right(), &more, Meaning::Muted);
    }
    draw_about(pen, app, desk, form, about);
    if let Some(below) = list_at {
        draw_list(pen, form, Rect { height: body.bottom().saturating_sub(below.y), ..below });
    }
}

/// Lines that a field takes, with the one below it that says what is wrong.
fn height(field: &Field) -> u16 {
    rows(field) + 1
}

fn rows(field: &Field) -> u16 {
    if matches!(field.kind, FieldKind::Lines | FieldKind::Pem) { LINES } else { 1 }
}

/// The fields that fit, each with its place, its first line and its lines; the one that has the keys is among them.
fn visible(form: &Form, area: Rect) -> Vec<(usize, (u16, u16))> {
    let fields = &form.spec.fields;
    let room = area.height.saturating_sub(1);
    let mut first = 0;
    while first < form.focus && fields[first..=form.focus].iter().map(height).sum::<u16>() > room {
        first += 1;
    }
    let mut y = area.y + 1;
    let mut shown = Vec::new();
    for (place, field) in fields.iter().enumerate().skip(first) {
        let rows = rows(field).min(area.bottom().saturating_sub(y));
        if rows == 0 {
            break;
        }
        shown.push((place, (y, rows)));
        y += height(field);
    }
    shown
}

fn value_at(area: Rect) -> Rect {
    let x = area.x + 2 + LABEL;
    Rect { x, width: area.right().saturating_sub(x + 1), ..area }
}

fn draw_field(pen: &mut Pen, form: &Form, place: usize, area: Rect) {
    let (field, entry, focused) = (&form.spec.fields[place], &form.entries[place], place == form.focus);
    let value = value_at(area);
    let (mark, meaning) = if focused { ("▌", Meaning::Accent) } else { (" ", Meaning::Heading) };
    for y in area.y..area.bottom() {
        pen.put(area.x, y, area.right(), mark, Meaning::Accent);
        let edge = if focused { Meaning::Accent } else { Meaning::Border };
        pen.put(value.x.saturating_sub(2), y, area.right(), "│", edge);
    }
    pen.put(area.x + 2, area.y, value.x.saturating_sub(2), &field.label, meaning);
    if !focused && entry.text().is_empty() {
        let left_out = || said_left_out(form, place).unwrap_or_else(|| "(none)".to_owned());
        let word = if field.required { "(needed)".to_owned() } else { left_out() };
        pen.put(value.x, area.y, value.right(), &word, Meaning::Muted);
        return;
    }
    pen.editor(&entry.area, value, focused);
}

fn said_left_out(form: &Form, place: usize) -> Option<String> {
    form.left_out(place).map(|value| format!("left out: {}", text::sanitize(&value)))
}

/// What is wrong with a field, or what its answer means.
fn say_below(pen: &mut Pen, form: &Form, place: usize, area: Rect) {
    let value = value_at(area);
    if let Some(why) = form.said_wrong(place) {
        let why = format!("✗ {}", text::sanitize(&why));
        // A long one begins further left: its end says what to write.
        let width = u16::try_from(text::width(&why)).unwrap_or(u16::MAX);
        let x = value.right().saturating_sub(width).clamp(area.x + 2, value.x);
        pen.put(x, area.y, value.right(), &why, Meaning::Danger);
        return;
    }
    if let Some(Ok(said)) = form.loaded(place) {
        pen.put(value.x, area.y, value.right(), said, Meaning::Muted);
        return;
    }
    let (field, entry) = (&form.spec.fields[place], &form.entries[place]);
    let answer = entry.text();
    if answer.is_empty()
        && place == form.focus
        && let Some(said) = said_left_out(form, place)
    {
        pen.put(value.x, area.y, value.right(), &said, Meaning::Muted);
        return;
    }
    if let Some(choice) = field.kind.choices().into_iter().find(|choice| choice.value == answer) {
        pen.put(value.x, area.y, value.right(), &text::sanitize(&choice.says), Meaning::Muted);
    }
}

fn draw_about(pen: &mut Pen, app: &App, desk: &Desk, form: &Form, area: Rect) {
    let line = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &line, Meaning::Border);
    let room = usize::from(area.width.saturating_sub(4));
    let doc = form.focused().map(|(field, _)| wrap(&text::sanitize(&field.doc), room)).unwrap_or_default();
    for (y, piece) in (area.y + 1..area.bottom().min(area.y + 3)).zip(doc) {
        pen.put(area.x + 2, y, area.right(), &piece, Meaning::Text);
    }
    let command = form_command(desk, form);
    let (command, meaning) = match &command {
        Some(command) => (text::sanitize(command), Meaning::Accent),
        None => ("shown once every answer is right".into(), Meaning::Muted),
    };
    let way = app.keymap.way(ActionId::CopyCommand);
    let label = format!("As a command, {way} copies it: ");
    let lines = wrap(&format!("{label}{command}"), room);
    let (first, rest) = lines.split_first().map_or(("", String::new()), |(first, rest)| (first, rest.join(" ")));
    let (said, begins) = first.split_at_checked(label.len()).unwrap_or((first, ""));
    if area.height < ABOUT {
        return;
    }
    let end = area.right().saturating_sub(2);
    let x = pen.put(area.x + 2, area.y + 3, end, said, Meaning::Muted);
    pen.put(x, area.y + 3, end, begins, meaning);
    pen.put(area.x + 2, area.y + 4, end, &rest, meaning);
}

/// The open list, below its field.
fn draw_list(pen: &mut Pen, form: &Form, room: Rect) {
    let Some((field, entry)) = form.focused() else { return };
    let Some(open) = &entry.open else { return };
    let listed = form.listed(form.focus);
    let value = value_at(room);
    let wide = usize::from(value.width);
    let notes: Vec<String> = match &field.kind {
        FieldKind::Choice { left_out, .. } => {
            left_out.iter().flat_map(|why| wrap(&text::sanitize(why), wide.saturating_sub(2))).collect()
        }
        _ => Vec::new(),
    };
    let shown = listed.len().clamp(1, LISTED);
    let height = u16::try_from(shown + notes.len() + 2).unwrap_or(u16::MAX).min(room.height);
    let area = Rect { x: value.x.saturating_sub(2), width: value.width + 2, height, ..value };
    pen.frame(area, &[], &[("type to search, enter chooses, esc leaves it", Meaning::Muted)], true);
    let inner = inside(area);
    if listed.is_empty() {
        let text = format!("No {} holds \"{}\".", field.label.to_lowercase(), entry.text());
        pen.put(inner.x + 1, inner.y, inner.right(), &text, Meaning::Warn);
    }
    let first = (open.place + 1).saturating_sub(shown);
    let widest = listed.iter().map(|choice| text::width(&choice.value)).max().unwrap_or(0).min(wide / 2);
    let says_at = inner.x + 3 + u16::try_from(widest).unwrap_or(0);
    for (y, (place, choice)) in (inner.y..inner.bottom()).zip(listed.iter().enumerate().skip(first).take(shown)) {
        draw_choice(pen, choice, place == open.place, says_at, Rect { y, height: 1, ..inner });
    }
    let below = inner.y + u16::try_from(shown).unwrap_or(u16::MAX);
    for (y, note) in (below..inner.bottom()).zip(&notes) {
        pen.put(inner.x + 1, y, inner.right(), note, Meaning::Muted);
    }
}

fn draw_choice(pen: &mut Pen, choice: &Choice, selected: bool, says_at: u16, line: Rect) {
    let ground = if selected { Meaning::Selection } else { Meaning::Text };
    if selected {
        pen.fill(line, ground);
    }
    let mut pen = pen.on(ground);
    pen.put(line.x, line.y, line.right(), if selected { "▌" } else { " " }, Meaning::Accent);
    let x = pen.put(line.x + 1, line.y, line.right(), &text::sanitize(&choice.value), ground) + 2;
    let says = if selected { ground } else { Meaning::Muted };
    pen.put(x.max(says_at), line.y, line.right(), &text::sanitize(&choice.says), says);
}
