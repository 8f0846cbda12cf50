//! Lists to choose from: the palette with its commands and values, and the pickers of namespaces and contexts.

use ratatui::layout::Rect;
use ratatui_textarea::TextArea;

use super::super::App;
use super::super::action::{Action, Argument, Availability};
use super::super::app::{Value, content};
use super::super::layer::Picker;
use super::super::layout::{bottom, dialog, inside};
use super::super::palette::{Listed, Palette, Typed};
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;

/// Lines of a palette, at most.
const LINES: u16 = 12;
/// Columns of the names of commands, and of their other names.
const NAME: u16 = 18;
const ALSO: u16 = 9;

pub(super) fn palette(pen: &mut Pen, app: &App, desk: &Desk, palette: &Palette, body: Rect) {
    let typed = content(&palette.line);
    let listed = app.listed(desk, typed);
    let rows = u16::try_from(listed.len()).unwrap_or(u16::MAX).clamp(1, LINES).min(body.height.saturating_sub(3));
    let (_, area) = bottom(body, rows + 3);
    let of = Typed::read(typed).valued().map_or(String::new(), |(action, _)| format!(" {}", action.short));
    let hint = if app.commands().is_empty() { "" } else { "up: earlier ones   " };
    let hint = format!("{hint}tab completes, enter runs");
    pen.frame(area, &[("Command", Meaning::Accent), (&of, Meaning::Muted)], &[(&hint, Meaning::Muted)], true);
    let inner = inside(area);
    let list = Rect { height: inner.height.saturating_sub(1), ..inner };
    let names = widest(listed.iter().filter_map(|listed| match listed {
        Listed::Value(value) => Some(value),
        Listed::Command(..) => None,
    }));
    lines(pen, list, palette.place, &listed, |pen, line, ground, listed| match listed {
        Listed::Command(action, available) => command(pen, line, ground, action, available),
        Listed::Value(value) => draw_value(pen, line, ground, value, names),
    });
    if listed.is_empty() {
        let why = match Typed::read(typed).valued() {
            Some((Action { argument: Some(argument), .. }, _)) => app.no_values(*argument),
            _ => "No command fits what is typed.".to_owned(),
        };
        pen.put(list.x + 2, list.y, list.right(), &why, Meaning::Muted);
    }
    input(pen, inner, " :", &palette.line);
}

pub(super) fn picker(pen: &mut Pen, app: &App, desk: &Desk, picker: &Picker, body: Rect) {
    let values = app.picker_values(desk, picker);
    let rows = u16::try_from(values.len()).unwrap_or(u16::MAX).clamp(3, body.height.saturating_sub(4).max(1));
    let area = dialog(body, 76, rows + 4);
    let (title, hint) = match picker.of {
        Argument::Namespaces => ("Namespaces", "space marks, 0 all, enter looks"),
        Argument::Context => ("Contexts", "type to narrow, enter goes there"),
        Argument::Runbook => ("Runbooks", "enter takes it; the name of a file of yours as well"),
        Argument::Theme | Argument::Column | Argument::Group => ("Values", "enter takes it"),
    };
    let marks = if picker.marks.is_empty() { String::new() } else { format!(" {} marked", picker.marks.len()) };
    pen.frame(area, &[(title, Meaning::Accent), (&marks, Meaning::Mark)], &[(hint, Meaning::Muted)], true);
    let inner = inside(area);
    let list = Rect { height: inner.height.saturating_sub(2), ..inner };
    let names = widest(values.iter());
    lines(pen, list, picker.place, &values, |pen, line, ground, value| {
        if picker.marks.contains(&value.name) {
            pen.put(line.x, line.y, line.x + 1, "●", Meaning::Mark);
        }
        draw_value(pen, line, ground, value, names);
    });
    if values.is_empty() {
        let why = super::super::pages::wrap(&app.no_values(picker.of), usize::from(list.width.saturating_sub(4)));
        for (y, piece) in (list.y..list.bottom()).zip(why) {
            pen.put(list.x + 2, y, list.right(), &piece, Meaning::Muted);
        }
    }
    input(pen, inner, " ›", &picker.line);
}

/// The lines around the cursor, each on its ground.
fn lines<T>(pen: &mut Pen, area: Rect, place: usize, all: &[T], draw: impl Fn(&mut Pen, Rect, Meaning, &T)) {
    let first = (place + 1).saturating_sub(area.height.into());
    for (y, (at, item)) in (area.y..area.bottom()).zip(all.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..area };
        pen.note(line, Spot::Choice(at));
        let ground = if at == place { Meaning::Selection } else { Meaning::Text };
        if at == place {
            pen.fill(line, ground);
        }
        draw(&mut pen.on(ground), line, ground, item);
    }
}

fn command(pen: &mut Pen, line: Rect, ground: Meaning, action: &Action, available: &Availability) {
    let (x, y, end) = (line.x + 2, line.y, line.right());
    let (meaning, doc, how) = match available {
        Availability::Enabled => (Meaning::Key, action.doc, Meaning::Muted),
        Availability::Disabled(why) => (Meaning::Muted, &**why, Meaning::Warn),
    };
    let after = pen.put(x, y, x + NAME, action.name, meaning);
    if let Some(argument) = action.argument {
        pen.put(after + 1, y, x + NAME, argument.placeholder(), readable(ground));
    }
    pen.put(x + NAME, y, x + NAME + ALSO - 1, &action.aliases.join(" "), readable(ground));
    let how = if how == Meaning::Muted { readable(ground) } else { how };
    pen.put(x + NAME + ALSO, y, end, &text::sanitize(doc), how);
}

fn draw_value(pen: &mut Pen, line: Rect, ground: Meaning, value: &Value, names: u16) {
    let (x, y, end) = (line.x + 2, line.y, line.right().saturating_sub(1));
    pen.put(x, y, x + names, &text::sanitize(&value.name), if value.now { Meaning::Accent } else { ground });
    let end = if value.now {
        pen.put_right(x, y, end, "now", Meaning::Accent);
        end.saturating_sub(4)
    } else {
        end
    };
    pen.put(x + names + 2, y, end, &value.means, readable(ground));
}

/// What may be overlooked, but not on the ground of the cursor, where it could not be read.
fn readable(ground: Meaning) -> Meaning {
    if ground == Meaning::Selection { ground } else { Meaning::Muted }
}

/// Columns for names, with room left for what they mean.
fn widest<'a>(values: impl Iterator<Item = &'a Value>) -> u16 {
    let widest = values.map(|value| text::width(&text::sanitize(&value.name))).max().unwrap_or(0);
    u16::try_from(widest).unwrap_or(u16::MAX).clamp(8, 36)
}

fn input(pen: &mut Pen, inner: Rect, prompt: &str, line: &TextArea) {
    let y = inner.bottom().saturating_sub(1);
    let x = pen.put(inner.x, y, inner.right(), prompt, Meaning::Key);
    pen.line(line, Rect { x, y, width: inner.right().saturating_sub(x), height: 1 });
}
